"""Solving one problem in one way, measured. `measure` runs in a process of its own: wall time, peak memory, and where the time goes."""

from __future__ import annotations

import os
import re
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.problem import Problem
from tests.benchmarks.problems import MAKERS, Size, prices, site_hours, size_of, thinned

OURS = "cuts"
#: the same program in one piece through Pyomo and HiGHS
WHOLE = ("extensive-simplex", "extensive-ipm")
#: the same program written in another tool: reduced problems in linopy, networks in PyPSA; ipx is HiGHS's older interior point,
#: which is the faster one where columns are dense
LINOPY = ("linopy-simplex", "linopy-ipm", "linopy-ipx")
PYPSA = ("pypsa-simplex", "pypsa-ipm", "pypsa-ipx")
#: kind of problem that a tool is given; ours takes all
KINDS = {"linopy": "reduced", "pypsa": "network"}
#: sites, months, scenarios, rigs of the problem that is solved before the clock starts
SMALLEST = (1, 2, 1, 1)
#: objectives of all methods agree within this, relative
AGREE = 1e-6


def measure(name: str, method: str, ready: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Solve the problem of that name by that method in this process. Times in seconds, memory in MB (2**20 bytes).

    wall: from arrays in memory (or the case file) to the answer, proved and with its books where the method is ours. kernel and highs
    are parts of it, other is the rest. What a first call imports or loads is in `loading`: a problem of a few hours is solved first.
    ready: called when the clock starts.
    """
    size = size_of(name)
    load = os.getloadavg()[0]
    start = time.perf_counter()
    case = size.make()
    problem = case if isinstance(case, Problem) else case.problem()
    made = time.perf_counter() - start
    start = time.perf_counter()
    solve_with(method, thinned(MAKERS[KINDS.get(method.partition("-")[0], "whole")][0](*SMALLEST), 3))
    loading = time.perf_counter() - start
    ready()
    start = time.perf_counter()
    found = solve_with(method, case)
    wall = time.perf_counter() - start
    found = {"kernel": None, "highs": None, "gap": None, "rounds": None, "cuts": None} | found
    return {
        "name": name,
        "about": size.about,
        "kind": size.kind,
        "method": method,
        "prices": _prices(size),
        "site_hours": site_hours(problem),
        "scenarios": problem.scenarios.count,
        "periods": problem.clock.periods,
        "sites": len(problem.sites),
        "load": load,
        "make": made,
        "loading": loading,
        "wall": wall,
        "peak_mb": peak_mb(),
        **found,
        "other": wall - (found["kernel"] or 0.0) - (found["highs"] or 0.0),
    }


def peak_mb() -> float:
    """The most memory this process has held. Linux counts in ru_maxrss what the parent held before this one began; VmHWM does not."""
    status = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), flags=re.MULTILINE) if status.is_file() else None
    return (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def solve_with(method: str, case: Any) -> dict[str, Any]:
    """Solve a case or arrays by that method; rivals take arrays only."""
    tool, _, algorithm = method.partition("-")
    if tool == "linopy":
        from tests.benchmarks.in_linopy import solve_with_linopy

        return solve_with_linopy(case, algorithm)
    if tool == "pypsa":
        from tests.benchmarks.in_pypsa import solve_with_pypsa

        return solve_with_pypsa(case, algorithm)
    return _own(case, method)


def _prices(size: Size) -> str:
    return "of the case" if size.kind == "case" else prices()[1]


def _own(case: Any, method: str) -> dict[str, Any]:
    """Build, solve, prove, books and all; in one piece without the choice among equal plans, which other tools do not make."""
    from optimizer.engine.solve import solve, solve_problem
    from optimizer.solver.session import Session

    options: dict[str, Any] = {"method": "cuts"}
    if method != OURS:
        options = {"method": "extensive", "algorithm": method.removeprefix("extensive-"), "canonical": False}
    run: Callable[..., Any] = solve_problem if isinstance(case, Problem) else solve
    with iterations(Session) as count:
        solution = run(case, **options)
    return {
        "outcome": solution.outcome.value,
        "reasons": list(solution.reasons),
        "objective": solution.objective,
        "gap": solution.gap,
        "iterations": sum(count),
        "stages": {name: s for name, s in solution.timings.items() if name not in ("kernel", "highs")},
        **{name: solution.timings.get(name, 0.0) for name in ("kernel", "highs")},
        **solution.size,
    }


@contextmanager
def iterations(session: Any) -> Iterator[list[int]]:
    """The solver's iterations in each solve of any session, while the block runs."""
    plain: Callable[..., Any] = session.solve
    count: list[int] = []

    def solve(self: Any, *args: Any, **options: Any) -> Any:
        answer = plain(self, *args, **options)
        count.append(answer.iterations)
        return answer

    session.solve = solve
    try:
        yield count
    finally:
        session.solve = plain
