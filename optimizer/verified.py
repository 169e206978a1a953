"""Repairs tried on the case itself: it is solved with each of them, and what comes of it is what is told.

Of a large case every other repair is solved in a process of its own, from the moment it is found, while others are still looked for. Each
process begins a solve where its last one ended; where there is no second process the same two rows of solves are done here, one after
the other: what is told is the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from optimizer.conflict import Bench, Progress
from optimizer.repair import STRETCH, Repair, chain, first, inside

if TYPE_CHECKING:
    from optimizer.processes import Beside
    from optimizer.warm import Seed

#: seconds in which, where there is a limit at all, better plans are looked for than those found in the nearest branch of the tax law;
#: not where a solve takes more than this share of it
BETTER, QUICK = 2.0, 0.25
#: seconds beyond the deadline in which another process says what it has come to
GRACE = 1.0


@dataclass(frozen=True)
class Attempt:
    """What came of a case with a repair: outcome of the solve (a name of `Outcome`); borne_out: there is a plan whose books obey
    everything; objective, upper: USD, of that plan and what none exceeds; seconds it took."""

    outcome: str
    borne_out: bool
    objective: float | None
    upper: float | None
    seconds: float


class Chain:
    """Solves of a case with one repair after another; each begins where the one before ended. longest: seconds that one of them took."""

    def __init__(self) -> None:
        self.seed: Seed | None = None
        self.longest = 0.0

    def solve(self, case: Any, thorough: bool, deadline: float | None) -> Attempt:
        """deadline: of time.monotonic()."""
        from optimizer import engine, warm

        start = time.monotonic()
        left = None if deadline is None else max(deadline - start, 0.0)
        found = engine.solve(
            case, time_limit=left, canonical=False, baseline=False, keep=True, seed_from=self.seed, thorough=thorough
        )
        seconds = time.monotonic() - start
        self.longest = max(self.longest, seconds)
        if found.kept is not None:
            self.seed = warm.leave(found.kept)
        return Attempt(found.outcome.name, found.borne_out, found.objective, found.upper_bound, seconds)


@dataclass(frozen=True)
class Request:
    """A case by its file, with settings, to be solved by a deadline of time.monotonic(), which all processes of a machine share."""

    path: Any
    variant: str | None
    settings: tuple[str, ...]
    deadline: float | None = None

    def case(self) -> Any:
        """None where the case does not allow the settings."""
        from optimizer.case import Case
        from optimizer.diagnostics import CaseError

        try:
            return Case.load(self.path, self.variant, list(self.settings))
        except CaseError:
            return None


#: of a process that solves for another
_APART = Chain()


def prepare(request: Request) -> None:
    """In another process: import and read what the first solve needs."""
    from optimizer.imports import import_pyomo

    import_pyomo()
    from optimizer import engine, warm  # noqa: F401

    case = request.case()
    if case is not None:
        case.problem()


def solve_apart(request: Request) -> Attempt | None:
    """In another process: solve, where its last solve ended. None where the case does not allow the settings."""
    case = request.case()
    return None if case is None else _APART.solve(case, False, request.deadline)


class Verifier:
    """A context manager. deadline: of time.perf_counter(), at which repairs are told as they are.

    apart: in two rows of solves, one of them in another process where this machine has a core for it. What it holds ends with the context.
    """

    def __init__(self, bench: Bench, deadline: float | None = None, apart: bool = False) -> None:
        self.bench, self.deadline = bench, deadline
        self.here, self.there = Chain(), Chain()
        self.apart = apart and bench.case is not None
        self.beside: Beside | None = None
        self.refuted: dict[str, str] = {}  # statement whose repair was not enough -> scenario in which it was not
        self.posted: dict[
            tuple[str, ...], int | None
        ] = {}  # settings of repairs for the other row -> number of the task, if posted
        if self.apart and cores() > 1:
            from optimizer.processes import Beside

            self.beside = Beside()
            self.beside.post(prepare, self._request(()))

    def __enter__(self) -> Verifier:
        return self

    def __exit__(self, *trouble: object) -> None:
        if self.beside is not None:
            self.beside.close()

    def take(self, repair: Repair, number: int, among: int) -> None:
        """A repair as soon as it is found: number, from 0, among so many that may be found."""
        if self.apart and among > 1 and number % 2 == 0:
            self.posted[repair.settings] = (
                None if self.beside is None else self.beside.post(solve_apart, self._request(repair.settings))
            )

    def verify(self, found: Sequence[Repair], progress: Progress | None = None) -> list[Repair]:
        """Repairs applied to the case, which is then solved and proved, as far as time allows.

        Where the least figure does not do after all, the next larger one that does takes its place; what does not do at all is left out.
        """
        bench, deadline = self.bench, self.deadline
        before, bench.deadline = bench.deadline, deadline
        out: list[Repair] = []
        try:
            for n, repair in enumerate(sorted(found, key=lambda one: one.settings in self.posted)):
                if progress is not None:
                    progress("solve repaired cases", solved=n)
                solved = self._solved(repair)
                if solved is not None:
                    out.append(solved)
            until = deadline
            if deadline is not None:
                until = min(deadline, time.perf_counter() + BETTER)
            if deadline is None or self.here.longest <= QUICK * BETTER:
                out = [self._improved(repair, until) for repair in out]
        finally:
            bench.deadline = before
        return sorted(out, key=first)

    def _solved(self, repair: Repair) -> Repair | None:
        """The repair with its objective; None where no figure of it leads to a plan, or none was found in time after the first did not.

        Where it is not known whether the least figure leads to a plan, a further one that does is told, else the least one as it was.
        """
        bench = self.bench
        tried: Repair | None = repair
        unsettled: Repair | None = None
        stretch = 0
        if bench.expired() and repair.settings not in self.posted:
            return repair
        while tried is not None:
            found = self._first(tried) if tried is repair and not stretch else self.solve(tried, False, self.deadline)
            if found is not None and found.outcome != "INFEASIBLE":
                told = _told(tried, found)
                if told is not tried or found.outcome != "LIMIT":
                    return told
                unsettled = unsettled or told
            further = _elsewhere(bench, tried, self.refuted) if found is not None and unsettled is None else None
            if further is not None:
                repair, stretch, tried = further, 0, further
            else:
                stretch += 1
                tried = _further(repair, STRETCH[stretch]) if stretch < len(STRETCH) else None
            if bench.expired():
                return unsettled
        return unsettled

    def _first(self, repair: Repair) -> Attempt | None:
        """The first solve of a repair: in the row that it belongs to."""
        if repair.settings not in self.posted:
            return self.solve(repair, False, self.deadline)
        number = self.posted.pop(repair.settings)
        if number is not None and self.beside is not None:
            try:
                return self.beside.result(number, None if self.deadline is None else self.deadline + GRACE)  # type: ignore[no-any-return]
            except ProcessLookupError:  # it died, or is late
                if self.bench.expired():
                    return Attempt("LIMIT", False, None, None, 0.0)
        return self.solve(repair, False, self.deadline, self.there)

    def solve(self, repair: Repair, thorough: bool, deadline: float | None, row: Chain | None = None) -> Attempt | None:
        """None where the case does not allow the change."""
        from optimizer import engine

        case: Any
        if self.bench.case is None:
            problem = self.bench.problem([step.change for step in repair.steps])
            case = None if problem is None else engine.bare(problem)
        else:
            case = self._request(repair.settings).case()
        until = None if deadline is None else time.monotonic() + deadline - time.perf_counter()
        return None if case is None else (row or self.here).solve(case, thorough, until)

    def _request(self, settings: tuple[str, ...]) -> Request:
        case = self.bench.case
        assert case is not None
        deadline = None if self.deadline is None else time.monotonic() + self.deadline - time.perf_counter()
        return Request(case.path, case.variant, (*case.settings, *settings), deadline)

    def _improved(self, repair: Repair, until: float | None) -> Repair:
        """A repair of which some plan is known, with the best one, or the best that time allows."""
        if repair.outcome != "feasible" or (until is not None and time.perf_counter() > until):
            return repair
        found = self.solve(repair, True, until)
        better = repair if found is None else _told(repair, found)
        assert repair.objective is not None and repair.upper is not None
        if better.outcome == "feasible" and better.objective is not None and better.upper is not None:
            best = max(repair.objective, better.objective)
            return replace(repair, objective=best, upper=max(best, min(repair.upper, better.upper)))
        return better


def cores() -> int:
    """Cores that this process may use, where other processes can be started; else 1."""
    if os.name != "posix":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def verify(
    bench: Bench, found: Sequence[Repair], deadline: float | None = None, progress: Progress | None = None
) -> list[Repair]:
    """`Verifier.verify` of repairs that are all known."""
    with Verifier(bench, deadline) as verifier:
        return verifier.verify(found, progress)


def _told(repair: Repair, found: Attempt) -> Repair:
    """The repair with what a solve of the case with it found."""
    if found.outcome == "OPTIMAL":
        return replace(repair, outcome="optimal", objective=found.objective, upper=None)
    if found.outcome == "UNBOUNDED":
        return replace(repair, outcome="unbounded")
    if found.outcome == "LIMIT" and found.borne_out:
        return replace(repair, outcome="feasible", objective=found.objective, upper=found.upper)
    return repair


def _elsewhere(bench: Bench, repair: Repair, refuted: dict[str, str] | None = None) -> Repair | None:
    """A repair that scenarios which were not looked at refute, as far as they ask: the first of them that does by itself, else all together.

    None where nothing refutes it so, where nothing of the kind is enough, and when time is up. refuted: gets the scenario that does.
    """
    scope, every = bench.scope, tuple(range(bench.whole.scenarios.count))
    if not bench.narrowed:
        return None
    changes = [step.change for step in repair.steps]
    try:
        for others in [*((s,) for s in every if s not in scope), every]:
            bench.scope = others
            if bench.without((), changes).feasible is False:
                if refuted is not None and others != every:
                    refuted[repair.steps[-1].statement.name] = bench.whole.scenarios.names[others[0]]
                steps = chain(bench, [step.statement for step in repair.steps])
                made = None if steps is None else Repair(tuple(steps), repair.outcome)
                return None if made is None or made.settings == repair.settings else made
    finally:
        bench.scope = scope
    return None


def _further(repair: Repair, factor: float) -> Repair | None:
    steps = []
    for step in repair.steps:
        lever = step.lever
        if lever is None:
            steps.append(step)
            continue
        if lever.points:
            at = lever.points.index(step.value) + STRETCH.index(factor)
            if at >= len(lever.points):
                return None
            steps.append(replace(step, value=lever.points[at]))
            continue
        up = step.value > lever.now
        value = inside(lever, lever.now + factor * (step.value - lever.now), up)
        if value is None:
            return None
        steps.append(replace(step, value=value))
    return replace(repair, steps=tuple(steps))
