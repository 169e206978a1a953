"""The engine around the mathematics: cases, units, data, solving, proof, results and the command line."""

from __future__ import annotations

TYPE_CHECKING = False  # that of `typing` takes longer to import than all else that Ctrl-C has to wait for (`optimizer.__main__`)
if TYPE_CHECKING:
    from typing import Any

    from optimizer.case.case import Case

__all__ = ["Case", "__version__"]
__path__.append(f"{__path__[0]}/stable_names")  # modules by names that stay, wherever they move


def __getattr__(name: str) -> Any:
    """Import `Case` on first use: `wattfolio --help` must not pay for pydantic and Pyomo."""
    if name == "Case":
        from optimizer.case.case import Case

        return Case
    raise AttributeError(name)
