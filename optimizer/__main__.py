"""`python -m optimizer` is `wattfolio`."""

from optimizer.cli import main

if __name__ == "__main__":
    main()
