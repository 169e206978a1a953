"""Repairs, looked for and then tried on the case itself: it is solved with each of them, and what comes of it is what is told.

Of a large case every other repair is looked for and solved in a process of its own, beside this one; of an odd number that process looks
for one more, which is solved here. Each process begins a solve where its last one ended; where there is no second process the same two rows
of work are done here, one after the other: what is told is the same. So it is on a slower or a busier machine: when to stop is counted in
work (`models.effort`), of each row for itself, and of its searches apart from its solves; the clock is the last resort.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from models.effort import Effort, allowed, counted, over, spent
from optimizer.explain.no_plan.elastic_program import FeasibilityResult
from optimizer.explain.no_plan.iis import IIS, InfeasibilityAnalyser, Progress
from optimizer.explain.no_plan.repairs import STRETCH_FACTORS, Repair, Sought, chain, first, inside, seek, wanted

if TYPE_CHECKING:
    from optimizer.engine.warm_start import ExportedBasis
    from optimizer.runtime.processes import Beside

#: work in which, where there is a limit at all, better plans are looked for than those found in the nearest branch of the tax law; not
#: where a solve takes more than this share of it
BETTER, QUICK = 3e8, 0.25
#: seconds beyond the deadline in which another process says what it has come to
GRACE = 1.0


@dataclass(frozen=True)
class RepairResult:
    """What came of a case with a repair: outcome of the solve (a name of `Outcome`); borne_out: there is a plan whose books obey
    everything; objective, upper: USD, of that plan and what none exceeds."""

    outcome: str
    borne_out: bool
    objective: float | None
    upper: float | None


class Chain:
    """Solves of a case with one repair after another; each begins where the one before ended. longest: work that one of them took."""

    def __init__(self) -> None:
        self.exported: ExportedBasis | None = None
        self.longest = 0.0

    def solve(self, case: Any, thorough: bool, deadline: float | None) -> RepairResult:
        """deadline: of time.monotonic()."""
        from optimizer.engine import warm_start
        from optimizer.engine.policy import Thoroughness
        from optimizer.engine.solve import solve_warm

        begun = spent()
        left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        how = Thoroughness.FULL if thorough else Thoroughness.QUICK
        solved = solve_warm(case, time_limit=left, canonical=False, baseline=False, start_from=self.exported, thoroughness=how)
        found = solved.solution
        self.longest = max(self.longest, spent() - begun)
        if solved.warm is not None:
            self.exported = warm_start.export_basis(solved.warm)
        return RepairResult(found.outcome.name, found.borne_out, found.objective, found.upper_bound)


@dataclass(frozen=True)
class RepairTask:
    """A case by its file, with settings, and what is to be looked for in it: statements that change (or go) together, in which scenarios,
    whether with what no row can say (`InfeasibilityAnalyser`). until, deadline: of time.monotonic(), which all processes of a machine
    share: of the search, and of the solve. work, solves: what the row may do in all its searches, and in all its solves."""

    path: Any
    variant: str | None
    settings: tuple[str, ...]
    scope: tuple[int, ...]
    disjunctive: bool = False
    together: tuple[str, ...] = ()
    until: float | None = None
    deadline: float | None = None
    work: float = math.inf
    solves: float = math.inf


class RepairWorker:
    """Questions asked one after another, repairs looked for and solved: on an analyser of its own, as another process would."""

    def __init__(self, order: RepairTask) -> None:
        from optimizer.case.case import Case

        self.searching, self.solving = Effort(), Effort()  # work of its searches, and of its solves
        self.chain = Chain()
        self.found: dict[tuple[str, ...], Sought] = {}
        with counted(self.searching):
            case = Case.load(order.path, order.variant, order.settings)
            self.analyser = InfeasibilityAnalyser(case.problem(), case).of(order.scope)
            self.analyser.elastic_program()

    @contextmanager
    def _searched(self, order: RepairTask) -> Iterator[InfeasibilityAnalyser]:
        """The analyser for an order; what is done inside counts for the searches of this row."""
        self.searching = Effort(order.work, self.searching.done)
        with counted(self.searching):
            yield self.analyser.of(order.scope).until(_perf(order.until)).with_disjunctions(order.disjunctive)

    def ask(self, order: RepairTask) -> FeasibilityResult:
        """Is there a plan without these statements? No more than the answer."""
        with self._searched(order) as analyser:
            found = analyser.without(order.together)
            return FeasibilityResult(found.feasible, found.shortfall)

    def seek(self, order: RepairTask) -> Sought:
        with self._searched(order) as analyser:
            self.found[order.together] = sought = seek(analyser, order.together)
            return sought

    def solve(self, order: RepairTask) -> RepairResult | None:
        """With what was found. None where nothing was, or the case does not allow it."""
        self.solving = Effort(order.solves, self.solving.done)
        with counted(self.solving):
            repair = self.found[order.together].repair(self.analyser)
            case = None if repair is None else self.analyser.varied(repair.settings)
            if case is None or over():
                return None if case is None else RepairResult("LIMIT", False, None, None)
            return self.chain.solve(case, False, order.deadline)


def _monotonic(deadline: float | None) -> float | None:
    """A time of time.perf_counter() as one of time.monotonic()."""
    return None if deadline is None else time.monotonic() + deadline - time.perf_counter()


def _perf(deadline: float | None) -> float | None:
    """A time of time.monotonic() as one of time.perf_counter()."""
    return None if deadline is None else time.perf_counter() + deadline - time.monotonic()


#: of a process that works for another
_APART: list[RepairWorker] = []


def prepare(order: RepairTask) -> None:
    """In another process: import, read and build what the first search and the first solve need."""
    from optimizer.engine import solve, warm_start  # noqa: F401

    _APART.append(RepairWorker(order))


def ask_apart(order: RepairTask) -> FeasibilityResult:
    """In another process, that has prepared: a question."""
    return _APART[-1].ask(order)


def seek_apart(order: RepairTask) -> Sought:
    """In another process, that has prepared: a search."""
    return _APART[-1].seek(order)


def solve_apart(order: RepairTask) -> RepairResult | None:
    """In another process: a solve with what was found, which begins where its last one ended."""
    return _APART[-1].solve(order)


class Verifier:
    """A context manager. deadline: of time.perf_counter(), at which repairs are told as they are; solves: work that a row of them may do.

    apart: in two rows of work, one of them in another process where this machine has a core for it. What it holds ends with the context.
    Each question comes with the analyser that it is asked on: one and the same case, scenarios and deadline may differ.
    without: statements of which there is no repair, and why.
    """

    def __init__(
        self, analyser: InfeasibilityAnalyser, deadline: float | None = None, apart: bool = False, solves: float = math.inf
    ) -> None:
        self.analyser, self.deadline = analyser, deadline
        self.chain = Chain()
        self.solving = Effort(solves)
        self.worker: RepairWorker | None = None  # the other row of work, where it is done here
        self.apart = apart and analyser.case is not None
        self.beside: Beside | None = None
        self.without: dict[str, str] = {}
        self.refuted: dict[str, str] = {}  # statement whose repair was not enough -> scenario in which it was not
        # what the other row does, and the numbers of its tasks: search, solve (None: is solved here)
        self.posted: list[tuple[RepairTask, int, int | None]] = []
        if self.apart and cores() > 1:
            from optimizer.runtime.processes import Beside

            self.beside = Beside()
            self.beside.post(prepare, self._task(analyser))

    def __enter__(self) -> Verifier:
        return self

    def __exit__(self, *trouble: object) -> None:
        if self.beside is not None:
            self.beside.close()

    def each(self, analyser: InfeasibilityAnalyser, sets: Sequence[tuple[str, ...]]) -> list[FeasibilityResult]:
        """Is there a plan without each of these sets of statements? Every other one is asked in the other row."""
        away = range(1, len(sets), 2) if self.apart else ()
        posted = {k: (order := self._task(analyser, sets[k]), self._post(ask_apart, order)) for k in away}
        mine = {k: analyser.without(one) for k, one in enumerate(sets) if k not in posted}
        found = mine | {k: self._asked(analyser, *posted[k]) for k in away}
        return [found[k] for k in range(len(sets))]

    def _asked(self, analyser: InfeasibilityAnalyser, order: RepairTask, number: int) -> FeasibilityResult:
        """The other row's answer; here, where nobody else is left to give it."""
        with suppress(ProcessLookupError):
            return self._result(number, analyser.deadline)  # type: ignore[no-any-return]
        if analyser.expired():
            return FeasibilityResult(None, math.nan)
        return self._here(order).ask(order)

    def _result(self, number: int, deadline: float | None) -> Any:
        """Of a task of the process beside. Raises ProcessLookupError where there is no such process, it has died, or is late."""
        if self.beside is None:
            raise ProcessLookupError("there is no process beside this one")
        return self.beside.result(number, None if deadline is None else deadline + GRACE)

    def _here(self, order: RepairTask) -> RepairWorker:
        """The other row, done here."""
        self.worker = self.worker or RepairWorker(order)
        return self.worker

    def search(self, analyser: InfeasibilityAnalyser, conflicts: Sequence[IIS], progress: Progress | None = None) -> list[Repair]:
        """For each statement of the last conflict the least change that (with changes for the conflicts before) makes room for a plan.

        Those of the other row follow in `verify`.
        """
        out: list[Repair] = []
        together = wanted(analyser, conflicts)
        shared = self.apart and len(together) > 1
        away = together[1::2] if shared else []
        # of an odd number this row solves one more, and the other row looks for one more
        lent = together[-1:] if shared and len(together) % 2 else []
        # all searches before all solves: time may be up before these are done
        searches = [(order, self._post(seek_apart, order)) for order in (self._task(analyser, paths) for paths in (*away, *lent))]
        self.posted = [(order, search, None) for order, search in searches[len(away) :]]
        self.posted += [(order, search, self._post(solve_apart, order)) for order, search in searches[: len(away)]]
        for paths in (paths for paths in together if paths not in away and paths not in lent):
            if progress is not None:
                progress("repairs", found=len(out))
            repair = self._found(analyser, paths, seek(analyser, paths))
            if repair is not None:
                out.append(repair)
        return sorted(out, key=first)

    def _post(self, task: Callable[[RepairTask], Any], order: RepairTask) -> int:
        return 0 if self.beside is None else self.beside.post(task, order)

    def _found(self, analyser: InfeasibilityAnalyser, together: Sequence[str], sought: Sought) -> Repair | None:
        repair = sought.repair(analyser)
        if repair is None:
            self.without[analyser.requirements[together[-1]].name] = sought.why
        return repair

    def verify(self, analyser: InfeasibilityAnalyser, found: Sequence[Repair], progress: Progress | None = None) -> list[Repair]:
        """Repairs applied to the case, which is then solved and proved, as far as time allows.

        Where the least figure does not do after all, the next larger one that does takes its place; what does not do at all is left out.
        """
        with counted(self.solving):
            return self._verified(analyser.until(self.deadline), found, progress)

    def _verified(self, analyser: InfeasibilityAnalyser, found: Sequence[Repair], progress: Progress | None) -> list[Repair]:
        out: list[Repair] = []
        waiting: list[Repair | tuple[RepairTask, int, int | None]] = [*found, *self.posted]
        for one in waiting:
            if progress is not None:
                progress("solve repaired cases", solved=len(out))
            repair, result = (one, None) if isinstance(one, Repair) else self._other(analyser, *one)
            if repair is None:
                continue
            solved = self._solved(analyser, repair, result)
            if solved is not None:
                out.append(solved)
                continue
            name = repair.steps[-1].requirement.name
            where = self.refuted.get(name)
            why = f"in {where}" if where else "when the whole case was solved"
            self.without[name] = f"what seemed enough was not, {why}"
        self.posted = []
        better = BETTER if self.deadline is not None or math.isfinite(self.solving.most) else math.inf
        if self.chain.longest <= QUICK * better:
            with counted(Effort(better)):
                out = [self._improved(analyser, repair) for repair in out]
        return sorted(out, key=first)

    def _solved(self, analyser: InfeasibilityAnalyser, repair: Repair, result: RepairResult | None = None) -> Repair | None:
        """The repair with its objective; None where no figure of it leads to a plan, or none was found in time after the first did not.

        Where it is not known whether the least figure leads to a plan, the furthest one is told if it does (near the edge of what can be,
        trying takes longest), else the least one as it was. attempt: what came of it already.
        """
        tried: Repair | None = repair
        unsettled: Repair | None = None
        stretch = 0
        if analyser.expired() and result is None:
            return repair
        while tried is not None:
            found, result = result or self.solve(tried, False, self.deadline), None
            if found is not None and found.outcome != "INFEASIBLE":
                told = _told(tried, found)
                if told is not tried or found.outcome != "LIMIT":
                    return told
                unsettled = unsettled or told
            further = elsewhere(analyser, tried, self.refuted) if found is not None and unsettled is None else None
            if further is not None:
                repair, stretch, tried = further, 0, further
            else:
                stretch = stretch + 1 if unsettled is None or stretch == len(STRETCH_FACTORS) - 1 else len(STRETCH_FACTORS) - 1
                tried = _further(repair, STRETCH_FACTORS[stretch]) if stretch < len(STRETCH_FACTORS) else None
            if analyser.expired():
                return unsettled
        return unsettled

    def _other(
        self, analyser: InfeasibilityAnalyser, order: RepairTask, search: int, solve: int | None
    ) -> tuple[Repair | None, RepairResult | None]:
        """What the other row has come to; here, where nobody else is left to do it. search, solve: as in `posted`."""
        sought = Sought(None, True)
        result: RepairResult | None = None
        try:
            sought = self._result(search, analyser.deadline)
            result = None if solve is None else self._result(solve, analyser.deadline)
        except ProcessLookupError:
            if not analyser.expired():
                row = self._here(order)
                sought = row.seek(order)
                result = None if solve is None else row.solve(order)
        return self._found(analyser, order.together, sought), result

    def solve(self, repair: Repair, thorough: bool, deadline: float | None) -> RepairResult | None:
        """None where the case does not allow the change."""
        from optimizer.engine.solve import bare

        case: Any
        if self.analyser.case is None:
            problem = self.analyser.problem([step.change for step in repair.steps])
            case = None if problem is None else bare(problem)
        else:
            case = self.analyser.varied(repair.settings)
        return None if case is None else self.chain.solve(case, thorough, _monotonic(deadline))

    def _task(self, analyser: InfeasibilityAnalyser, together: tuple[str, ...] = ()) -> RepairTask:
        case = analyser.case
        assert case is not None
        until, deadline = _monotonic(analyser.deadline), _monotonic(self.deadline)
        return RepairTask(
            case.path,
            case.variant,
            tuple(case.settings),
            analyser.scope,
            analyser.disjunctive,
            together,
            until,
            deadline,
            allowed(),
            self.solving.most,
        )

    def _improved(self, analyser: InfeasibilityAnalyser, repair: Repair) -> Repair:
        """A repair of which some plan is known, with the best one, or the best that may be looked for."""
        if repair.outcome != "feasible" or analyser.expired():
            return repair
        found = self.solve(repair, True, self.deadline)
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
    analyser: InfeasibilityAnalyser, found: Sequence[Repair], deadline: float | None = None, progress: Progress | None = None
) -> list[Repair]:
    """`Verifier.verify` of repairs that are all known."""
    with Verifier(analyser, deadline) as verifier:
        return verifier.verify(analyser, found, progress)


def _told(repair: Repair, found: RepairResult) -> Repair:
    """The repair with what a solve of the case with it found."""
    if found.outcome == "OPTIMAL":
        return replace(repair, outcome="optimal", objective=found.objective, upper=None)
    if found.outcome == "UNBOUNDED":
        return replace(repair, outcome="unbounded")
    if found.outcome == "LIMIT" and found.borne_out:
        return replace(repair, outcome="feasible", objective=found.objective, upper=found.upper)
    return repair


def elsewhere(analyser: InfeasibilityAnalyser, repair: Repair, refuted: dict[str, str] | None = None) -> Repair | None:
    """A repair that scenarios which were not looked at refute, as far as they ask: the first of them that does by itself, else all together.

    None where nothing refutes it so, where nothing of the kind is enough, and when time is up. refuted: gets the scenario that does.
    """
    every = tuple(range(analyser.whole.scenarios.count))
    if not analyser.narrowed:
        return None
    changes = [step.change for step in repair.steps]
    for others in [*((s,) for s in every if s not in analyser.scope), every]:
        there = analyser.of(others)
        if there.without((), changes).feasible is False:
            if refuted is not None and others != every:
                refuted[repair.steps[-1].requirement.name] = analyser.whole.scenarios.names[others[0]]
            steps = chain(there, [step.requirement for step in repair.steps])
            made = None if steps is None else Repair(tuple(steps), repair.outcome)
            return None if made is None or made.settings == repair.settings else made
    return None


def _further(repair: Repair, factor: float) -> Repair | None:
    steps = []
    for step in repair.steps:
        parameter = step.parameter
        if parameter is None:
            steps.append(step)
            continue
        if parameter.points:
            at = parameter.points.index(step.value) + STRETCH_FACTORS.index(factor)
            if at >= len(parameter.points):
                return None
            steps.append(replace(step, value=parameter.points[at]))
            continue
        up = step.value > parameter.now
        value = inside(parameter, parameter.now + factor * (step.value - parameter.now), up)
        if value is None:
            return None
        steps.append(replace(step, value=value))
    return replace(repair, steps=tuple(steps))
