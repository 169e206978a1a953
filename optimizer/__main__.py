"""`python -m optimizer` is `wattfolio`."""

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """The command line; Ctrl-C while it is still being imported is an interrupt like any other."""
    try:
        from optimizer.cli import main
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
        os._exit(130)
    main()


if __name__ == "__main__":
    main()
