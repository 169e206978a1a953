"""wattfolio in Python: `import wattfolio`. The names below, and nothing else, are what programs and notebooks should use.

    import wattfolio

    plan = wattfolio.solve("cases/quickstart.yaml")
    plan.objective                                  # USD, risk-adjusted
    wattfolio.sweep("cases/quickstart.yaml", ["sites.texas.interconnection=40,60 MW"])

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.version import __version__
from wattfolio.api import compare, explain, frontier, load_result, solve, solve_warm, sweep, tornado

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.engine.solution import Solution

__all__ = [
    "Case", "Solution", "__version__", "compare", "explain", "frontier", "load_result", "solve", "solve_warm", "sweep", "tornado",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the classes on first use."""
    if name == "Case":
        from optimizer.case.case import Case

        return Case
    if name == "Solution":
        from optimizer.engine.solution import Solution

        return Solution
    raise AttributeError(f"wattfolio has no {name!r}; it has {', '.join(__all__)}")
