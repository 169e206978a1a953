"""Why a case has no plan, or has one that is better and better without end.

Without a plan: the statements that collide, and the least changes that make room. Unbounded: what earns without limit. Why an optimal
plan is as it is, tells `explain`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from models.effort import Effort, counted
from models.problem import Problem
from optimizer.explain.no_plan.iis import IIS, InfeasibilityAnalyser, Progress
from optimizer.explain.no_plan.repairs import Repair, all_conflicts
from optimizer.explain.no_plan.unbounded import Bounded, find_unbounded
from optimizer.explain.no_plan.verify_repairs import Verifier

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.engine.solution import Solution

Opened = Callable[["Explanation"], None]

#: work (`models.effort`) that is done for an explanation where nobody sets a time: about half a minute of an idle machine; and seconds of the
#: clock after which it ends all the same
WORK, HARD_STOP = 5e9, 600.0
#: shares of work, or of the time that was set, at which the search for what collides, and for how far it must bend, ends; the rest is for
#: solving repaired cases
CONFLICT_SHARE, SEARCH_SHARE = 0.4, 0.7


@dataclass(frozen=True)
class Explanation:
    """status: 'infeasible' or 'unbounded'; else how the solve ended ('optimal', 'limit', 'unverified'), and nothing is explained.

    looked_at: the scenarios in which the conflict was looked for; () for all. reasons: what the engine says, where nothing else is known.
    """

    case: Case | None
    problem: Problem
    status: str
    solution: Solution | None = None
    conflicts: tuple[IIS, ...] = ()
    repairs: tuple[Repair, ...] = ()
    without: dict[str, str] = field(
        default_factory=dict
    )  # statement -> why there is no repair of it, though dropping it would help
    bounded: Bounded | None = None
    looked_at: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    late: bool = False  # the search ended before anything that collides was found
    stopped: float | None = None  # seconds after which the clock ended it, where it did
    timings: dict[str, float] = field(default_factory=dict)


def explain(case: Case, *, time_limit: float | None = None, progress: Progress | None = None) -> Explanation:
    """Explain a case that has no plan, or no end; of any other the status. time_limit in seconds: for the search and for solving repaired
    cases again, None: so much work (`WORK`); the proof itself takes what it takes."""
    from optimizer.engine.solve import solve

    analyser = refuted(case, progress)
    if analyser is not None:
        return explain_refuted(analyser, time_limit=time_limit, progress=progress)
    solution = solve(case, progress=progress, baseline=False)
    analyser = refuted(case, progress, thorough=True) if unproved(solution) else None
    if analyser is not None:
        return explain_refuted(analyser, time_limit=time_limit, progress=progress)
    return explain_no_plan(solution, time_limit=time_limit, progress=progress)


def refuted(case: Case, progress: Progress | None = None, thorough: bool = False) -> InfeasibilityAnalyser | None:
    """The case before the analyser, if a short look proves that it has no plan: at one scenario by itself where there are many, and at
    hours only as far as a few cuts tell; thorough: at real hours, and at all scenarios together. None: it takes a solve to know."""
    _tell(progress, "look for a plan")
    analyser = InfeasibilityAnalyser(case.problem(), case).narrow(thorough)
    if analyser.large and not analyser.narrowed and not thorough:
        return None  # a solve says as much as a look at all scenarios would, and no sooner
    return analyser if analyser.without((), hours=thorough).feasible is False else None


def unproved(solution: Solution) -> bool:
    """Whether a solve ended with a case that has no plan, and a proof of it that does not hold: another may be found by `refuted`."""
    return solution.outcome.value == "unverified" and any(
        reason.startswith("the solver says infeasible") for reason in solution.reasons
    )


def explain_refuted(
    analyser: InfeasibilityAnalyser,
    *,
    time_limit: float | None = None,
    progress: Progress | None = None,
    opened: Opened | None = None,
) -> Explanation:
    """Explain what `refuted` has found. time_limit in seconds: 70 % for the search, what is left of it for solving repaired cases again;
    None: so much work, whatever time it takes on this machine.

    opened: called with what collides as soon as it is known; repairs take longer.
    """
    return _no_plan(analyser, analyser.born, time_limit, progress, opened=opened)


def explain_no_plan(
    solution: Solution, *, time_limit: float | None = None, progress: Progress | None = None, opened: Opened | None = None
) -> Explanation:
    """Explain a solve of a case that was proved infeasible or unbounded. time_limit, opened: as in `explain_refuted`."""
    case, status = solution.case, solution.outcome.value
    if status == "infeasible":
        start = time.perf_counter()
        _tell(progress, "what collides")
        analyser = InfeasibilityAnalyser(case.problem(), case).narrow(hours=True)
        return _no_plan(analyser, start, time_limit, progress, solution, opened)
    if status == "unbounded":
        _tell(progress, "what earns without limit")
        with counted(Effort(WORK if time_limit is None else math.inf)):
            found = find_unbounded(case, HARD_STOP if time_limit is None else time_limit, progress)
        return Explanation(case, solution.problem, status, solution, bounded=found, reasons=solution.reasons)
    return Explanation(case, solution.problem, status, solution, reasons=solution.reasons)


def explain_problem(problem: Problem, *, time_limit: float | None = None, progress: Progress | None = None) -> Explanation:
    """Explain plain arrays that have no plan; with one, the status is 'optimal' and nothing is solved."""
    start = time.perf_counter()
    analyser = InfeasibilityAnalyser(problem).narrow()
    if analyser.without(()).feasible is not False:
        return Explanation(None, problem, "optimal")
    return _no_plan(analyser, start, time_limit, progress)


def _no_plan(
    analyser: InfeasibilityAnalyser,
    start: float,
    time_limit: float | None,
    progress: Progress | None,
    solution: Solution | None = None,
    opened: Opened | None = None,
) -> Explanation:
    """What collides, and what would make room."""
    limit, most = (HARD_STOP, WORK) if time_limit is None else (time_limit, math.inf)
    end = start + limit
    searching, until = Effort(CONFLICT_SHARE * most), start + CONFLICT_SHARE * limit
    with counted(searching), Verifier(analyser, end, analyser.narrowed, (1.0 - SEARCH_SHARE) * most) as verifier:
        timings = {"proof": time.perf_counter() - start}
        analyser = analyser.until(until)
        begun = time.perf_counter()
        conflicts = all_conflicts(analyser, progress, partial(verifier.each, analyser))
        if not conflicts and solution is not None and not analyser.expired():
            analyser = analyser.with_disjunctions().narrow(hours=True)  # what no row can say leaves no plan
            conflicts = all_conflicts(analyser, progress, partial(verifier.each, analyser))
        late = not conflicts and analyser.expired()
        stopped = _up(until)
        timings["conflict"] = time.perf_counter() - begun
        names = analyser.whole.scenarios.names
        told = Explanation(
            analyser.case,
            analyser.whole,
            "infeasible",
            solution,
            tuple(conflicts),
            looked_at=tuple(names[s] for s in analyser.scope) if analyser.narrowed else (),
            reasons=solution.reasons if solution is not None and not conflicts else (),
            late=late,
        )
        if opened is not None and conflicts:
            opened(told)
        begun = time.perf_counter()
        until = start + SEARCH_SHARE * limit
        with counted(Effort(SEARCH_SHARE * most, searching.done)):
            found = verifier.search(analyser.until(until), conflicts, progress)
        stopped = stopped or _up(until)
        timings["repairs"] = time.perf_counter() - begun
        begun = time.perf_counter()
        found = verifier.verify(analyser, found, progress)
        stopped = stopped or _up(end)
        timings["solve repaired cases"] = time.perf_counter() - begun
        without = dict(sorted(verifier.without.items()))
        return replace(told, repairs=tuple(found), without=without, stopped=limit if stopped else None, timings=timings)


def _up(deadline: float) -> bool:
    """Whether a time of time.perf_counter() has come."""
    return time.perf_counter() > deadline


def _tell(progress: Progress | None, stage: str, **numbers: Any) -> None:
    if progress is not None:
        progress(stage, **numbers)
