"""wattfolio in Python. The names below, and nothing else, are what programs and notebooks should use.

    import wattfolio

    plan = wattfolio.solve("cases/quickstart.yaml")
    plan                                            # what it is worth and does, in a few lines
    plan.statement("balance_sheet")                 # frames have real dates as their index
    wattfolio.sweep("cases/quickstart.yaml", ["sites.texas.interconnection=40,60 MW"])

Amounts are USD, power MW, energy MWh, rates per year, unless a name or a column `unit` says otherwise. Every mistake in a case is raised
at once, as a `CaseError` whose text has a line for each with its file, line and column. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optimizer.version import __version__
from wattfolio.api import compare, explain, frontier, load_result, solve, solve_warm, sweep, tornado

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.case.reading.diagnostics import CaseError
    from optimizer.engine.solution import Solution, Solved
    from optimizer.results.serialise import ResultError

__all__ = [
    "Case", "CaseError", "ResultError", "Solution", "Solved", "__version__",
    "compare", "explain", "frontier", "load_result", "solve", "solve_warm", "sweep", "tornado",
]  # fmt: skip

#: classes that are imported on first use
_WHERE = {
    "Case": "optimizer.case.case",
    "CaseError": "optimizer.case.reading.diagnostics",
    "ResultError": "optimizer.results.serialise",
    "Solution": "optimizer.engine.solution",
    "Solved": "optimizer.engine.solution",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"wattfolio has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
