"""`python -m optimizer` is `wattfolio`."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

TYPE_CHECKING = False  # as in `optimizer`: Ctrl-C is heard the sooner, the less is imported here
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """The command line; Ctrl-C while it is still being imported is an interrupt like any other."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # who starts us may want it ignored
    try:
        if ours:
            signal.signal(signal.SIGINT, _leave)
        # looking for plugins of pydantic reads what every installed package says of itself; none of these is for this program
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        from optimizer.cli.app import main

        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        main()
    except KeyboardInterrupt:
        _leave()


def _leave(*_: object) -> NoReturn:
    with suppress(OSError):  # nobody reads it
        os.write(2, b"interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
