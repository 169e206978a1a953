"""Repairs: the least change of each figure that makes room for a plan, in the words of the case, tried on the case itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.conflict import Bench, Change, Conflict, Member, Progress, collide, moving
from optimizer.stated import Stated

if TYPE_CHECKING:
    from optimizer.engine import Solution
    from optimizer.levers import Lever, Settings
    from optimizer.warm import Seed

#: conflicts that are told one after another
MOST_CONFLICTS = 4
#: how far beyond the least figure a repair is tried where the least one does not do after all (tax law, rounding)
STRETCH = (1.0, 1.02, 1.1, 1.5)
#: values tried for a figure at most
MOST_TRIED = 24
#: a least figure below this share of what it was is none: what rounding leaves is no figure to tell
NOTHING = 1e-9
#: a figure moves by this share of itself to see what it does
NUDGE = 0.01
#: seconds in which, where there is a limit at all, better plans are looked for than those found in the nearest branch of the tax law;
#: not where a solve takes more than this share of it
BETTER, QUICK = 2.0, 0.25


@dataclass(frozen=True)
class Step:
    """One statement changed: lever and its new value, or dropped (lever None)."""

    statement: Stated
    lever: Lever | None = None
    value: float = math.nan

    @property
    def settings(self) -> Settings:
        if self.lever is None:
            return self.statement.drop or ()
        return self.lever.settings(self.value)

    @property
    def change(self) -> Change:
        if self.lever is None:
            return Change(self.settings, self.statement.free, self.statement.path)
        return moving(self.lever, self.value)

    @property
    def size(self) -> float:
        """How large a change it is, relative; dropping a statement is the largest."""
        return math.inf if self.lever is None else self.lever.change(self.value)

    def told(self) -> str:
        """What to do, in a few words."""
        one, lever = self.statement, self.lever
        if lever is None:
            return f"do without {one.label}"
        now, new = lever.say(lever.now), lever.say(self.value)
        if one.kind == "rule":
            where, _, sentence = self.settings[0].partition("=") if self.settings else ("", "", "")
            step = f"make it {new}" if lever.now == 0.0 and lever.up else f"from {now} to {new}" if sentence else new
            if not where.endswith(".require"):  # a figure of a policy
                return f"relax {one.name} {step}"
            return f"relax {one.name} {step}" + (f", {sentence}" if sentence else "")
        if one.kind == "window":
            return (
                f"let {lever.path} {'end' if lever.up else 'begin'} in {new}"
                if new != "always"
                else f"let {lever.path} be always"
            )
        if one.kind == "information":
            return f"let information come in {new}"
        verb = {"lead": "shorten", "life": "lengthen"}.get(one.kind, "raise" if self.value > lever.now else "lower")
        if lever.path.endswith((".maturity", ".tenor")):
            verb = "put off"
        if now == new or "times what" in new:
            return f"{verb} {lever.path.removesuffix('.times')} to {new}"
        return f"{verb} {lever.path} from {now} to {new}"


@dataclass(frozen=True)
class Repair:
    """Steps that together make room for a plan.

    outcome     'optimal' (or 'unbounded') once the changed case was solved and proved; 'feasible': it was solved, and the books of the
                plan found obey everything, but whether there is a better one was not settled; 'planned': a plan exists in the program,
                the changed case was not solved again; 'scenarios': the same, of the scenarios looked at only
    objective   USD, of the changed case; upper: USD that no plan of it exceeds, where that is more
    """

    steps: tuple[Step, ...]
    outcome: str
    objective: float | None = None
    upper: float | None = None

    @property
    def settings(self) -> Settings:
        return tuple(one for step in self.steps for one in step.settings)

    @property
    def size(self) -> float:
        return max(step.size for step in self.steps)

    @property
    def told(self) -> str:
        return " and ".join(step.told() for step in self.steps)


def all_conflicts(bench: Bench, progress: Progress | None = None) -> list[Conflict]:
    """Conflicts one after another: each is what collides when one statement of every conflict before it is dropped.

    The members of each say whether the case has a plan without them alone (and without those dropped before).
    """
    found: list[Conflict] = []
    dropped: list[str] = []
    while len(found) < MOST_CONFLICTS:
        conflict = collide(bench, dropped, progress)
        if conflict is None:
            break
        tested: list[Member] = []
        short: dict[str, float] = {}
        for member in conflict.members:
            path = member.statement.path
            result = bench.without([*dropped, path])
            tested.append(replace(member, alone=result.feasible))
            short[path] = result.shortfall if result.feasible is False else math.inf
        found.append(replace(conflict, members=tuple(tested)))
        if any(member.alone is not False for member in tested) or not tested:
            break
        # what a planner can choose rather than what there is, and of this what leaves least to be done
        dropped.append(min(short, key=lambda path: (bench.statements[path].kind == "amount", short[path], path)))
        found[-1] = replace(found[-1], dropped=dropped[-1])
    return found


def repairs(bench: Bench, conflicts: Sequence[Conflict], progress: Progress | None = None) -> tuple[list[Repair], dict[str, str]]:
    """For each statement of the last conflict the least change that (with changes for the conflicts before) makes room for a plan.

    Besides: statement -> why there is no repair of it, where dropping it would help.
    """
    if not conflicts:
        return [], {}
    before = [bench.statements[c.dropped] for c in conflicts[:-1] if c.dropped is not None]
    out: list[Repair] = []
    without: dict[str, str] = {}
    for member in conflicts[-1].members:
        if member.alone is False:
            continue
        if bench.expired():
            without[member.statement.name] = "not looked into in time"
            continue
        steps = _chain(bench, [*before, member.statement])
        if progress is not None:
            progress("repairs", found=len(out))
        if steps is not None:
            out.append(Repair(tuple(steps), "scenarios" if bench.narrowed else "planned"))
        else:
            without[member.statement.name] = "not found in time" if bench.expired() else "no figure of it is enough"
    return sorted(out, key=_first), without


def _first(repair: Repair) -> tuple[int, float, float, str]:
    """What to tell first: solved repairs by what they leave, then by how little they change."""
    solved = repair.objective is not None
    facts = any(step.statement.kind == "amount" for step in repair.steps)
    return (2 * (not solved) + facts, -(repair.objective or 0.0), repair.size, repair.told)


def _chain(bench: Bench, together: list[Stated]) -> list[Step] | None:
    """A step for each of the statements: the last one no larger than it must be whatever the others do, then the one before it."""
    steps: list[Step] = []
    for n, one in enumerate(reversed(together)):
        rest = [other.path for other in together[: len(together) - n - 1]]
        step = _least(bench, one, [step.change for step in steps], rest)
        if step is None:
            return None
        steps.append(step)
    return steps[::-1]


def _least(bench: Bench, one: Stated, changes: list[Change], dropped: list[str]) -> Step | None:
    """The smallest change of one statement that will do, by the lever that changes least; else it is dropped."""
    best: Step | None = None
    for lever in one.levers:
        if one.kind == "rule" and best is not None:
            break  # a number of the sentence will do: nothing has to be added to it
        value = _search(bench, one, lever, changes, dropped)
        if value is not None and (best is None or lever.change(value) < best.size):
            best = Step(one, lever, value)
    if best is not None:
        return best
    dropping = Step(one)
    can = bool(dropping.settings) if bench.case is not None else one.free is not None
    if can and bench.without([*dropped, one.path], changes).feasible:
        return dropping
    return None


def _search(bench: Bench, one: Stated, lever: Lever, changes: list[Change], dropped: list[str]) -> float | None:
    """The least sensible value of a lever with which there is a plan."""

    def at(value: float) -> tuple[bool | None, float]:
        """(is there a plan, how far is it) with the lever at a value."""
        moved = [] if value == lever.now else [Step(one, lever, value).change]
        # what the law forbids is seen in few scenarios sooner than in the whole case
        found = bench.without(dropped, [*changes, *moved], law=bench.narrowed)
        return found.feasible, found.shortfall

    if lever.points:
        return _first_point(lever.points, at)
    for up in (lever.up,) if lever.up is not None else _directions(lever, at):
        shifted = _by_shift(bench, one, lever, changes, dropped, up)
        if shifted is not None:
            value = _stretched(lever, shifted, up, at)
            if value is not None:
                return value
            continue
        value = _by_trial(lever, up, at)
        if value is not None:
            return value
    return None


def _first_point(points: Sequence[float], at: Callable[[float], tuple[bool | None, float]]) -> float | None:
    """The nearest point that will do; further ones do what nearer ones do."""
    if at(points[-1])[0] is not True:
        return None
    low, high = -1, len(points) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at(points[middle])[0] is True else (middle, high)
    return points[high]


def _directions(lever: Lever, at: Callable[[float], tuple[bool | None, float]]) -> tuple[bool, ...]:
    """To which side a number of a sentence helps: what a tenth of it does."""
    step = 0.1 * abs(lever.now) or lever.unit
    here = at(lever.now)[1]
    found = []
    for up in (True, False):
        feasible, short = at(lever.now + (step if up else -step))
        if feasible is True or (feasible is False and short < here * (1.0 - 1e-9)):
            found.append((0.0 if feasible else short, up))
    return tuple(up for _, up in sorted(found))


def _limit(lever: Lever, up: bool) -> float:
    if lever.up is None:
        return math.inf if up else 0.0
    return lever.bound


def _inside(lever: Lever, value: float, up: bool) -> float | None:
    """A sensible value at or beyond this one, if the lever goes so far."""
    edge = _limit(lever, up)
    made = lever.outward(value, up)
    if (made > edge) if up else (made < edge):
        return edge if ((value <= edge) if up else (value >= edge)) else None
    return made


def _by_shift(bench: Bench, one: Stated, lever: Lever, changes: list[Change], dropped: list[str], up: bool) -> float | None:
    """The exact least value where the figure moves bounds of rows only: one linear program says it. None where it moves more.

    NaN where no value will do.
    """
    if bench.lawful:
        return None
    sign = 1.0 if up else -1.0
    step = sign * (NUDGE * abs(lever.now) or lever.unit)
    start, begun = lever.now, changes
    if start == 0.0:  # a limit of nothing leaves its decisions out of the program: from a first step on they are in
        start, begun = step, [*changes, moving(lever, step)]
    here, there = bench.trial(begun), bench.problem([*changes, moving(lever, start + step)])
    trial = bench.open(dropped, begun)
    if here is None or there is None or trial is None:
        return None
    shift = here.shift(bench.scoped(there), abs(step))
    if shift is None or trial.keys != here.keys:
        return None
    units = trial.least(shift, bench.in_rows(dropped), law=bench.narrowed)
    if units is None:
        return math.nan
    value = start + sign * units
    return 0.0 if abs(value) <= NOTHING * abs(start) else value


def _stretched(lever: Lever, least: float, up: bool, at: Callable[[float], tuple[bool | None, float]]) -> float | None:
    """The first sensible value from the least one on that is borne out."""
    if math.isnan(least):
        return None
    for factor in STRETCH:
        value = _inside(lever, lever.now + factor * (least - lever.now), up)
        if value is None:
            return None
        if at(value)[0] is not False:
            return value
    return None


def _by_trial(lever: Lever, up: bool, at: Callable[[float], tuple[bool | None, float]]) -> float | None:
    """The least sensible value by trying: along the line through the last two that did not do, then between that and one that did."""
    sign = 1.0 if up else -1.0
    edge = _limit(lever, up)
    step = 0.1 * abs(lever.now) or lever.unit
    failed = [(lever.now, at(lever.now)[1])]
    good: float | None = None
    value = lever.now + sign * step
    for _ in range(MOST_TRIED):
        tried = _inside(lever, value, up)
        if tried is None:
            tried = edge
        if good is not None and not (tried - failed[-1][0]) * sign < (good - failed[-1][0]) * sign:
            tried = _between(lever, failed[-1][0], good, up)
            if tried is None:
                return good
        feasible, short = at(tried)
        if feasible is True:
            good = tried
        elif feasible is False:
            if tried == edge:
                return None
            failed.append((tried, short))
        else:
            return good
        root = _root(failed)
        last = failed[-1][0]
        if good is None:
            far = last + sign * max(2.0 * abs(last - lever.now), step)
            value = far if root is None or not (root - last) * sign > 0.0 else root + sign * 1e-3 * abs(root - lever.now)
        else:
            value = root if root is not None and (root - last) * sign > 0.0 else (last + good) / 2.0
    return good


def _between(lever: Lever, bad: float, good: float, up: bool) -> float | None:
    """A sensible value between one that did not do and one that did; None where there is none."""
    middle = lever.outward((bad + good) / 2.0, up)
    sign = 1.0 if up else -1.0
    return middle if (middle - bad) * sign > 1e-12 * abs(good) and (good - middle) * sign > 1e-12 * abs(good) else None


def _root(failed: Sequence[tuple[float, float]]) -> float | None:
    """Where the line through the last two shortfalls comes to nothing."""
    if len(failed) < 2:
        return None
    (a, fa), (b, fb) = failed[-2:]
    if not (np.isfinite(fa) and np.isfinite(fb)) or abs(fa - fb) <= 1e-9 * abs(fa):  # the same but for rounding: no line
        return None
    return b - fb * (b - a) / (fb - fa)


# ---------------------------------------------------------------------------------------------------------------------
# On the case itself


def verify(
    bench: Bench, found: Sequence[Repair], deadline: float | None = None, progress: Progress | None = None
) -> list[Repair]:
    """Repairs applied to the case, which is then solved and proved, in the order given, as far as time allows.

    Where the least figure does not do after all, the next larger one that does takes its place; what does not do at all is left out.
    """
    before, bench.deadline = bench.deadline, deadline
    solve = _Again(bench, deadline)
    out: list[Repair] = []
    try:
        for n, repair in enumerate(found):
            if bench.expired():
                out.append(repair)
                continue
            if progress is not None:
                progress("solve repaired cases", solved=n)
            solved = _solved(bench, repair, solve)
            if solved is not None:
                out.append(solved)
        if deadline is not None:
            solve.deadline = min(deadline, time.perf_counter() + BETTER)
        if deadline is None or solve.longest <= QUICK * BETTER:
            out = [_improved(repair, solve) for repair in out]
    finally:
        bench.deadline = before
    return sorted(out, key=_first)


def _solved(bench: Bench, repair: Repair, solve: _Again) -> Repair | None:
    """The repair with its objective; None where no figure of it leads to a plan, or none was found in time after the first did not.

    Where it is not known whether the least figure leads to a plan, a further one that does is told, else the least one as it was.
    """
    tried: Repair | None = repair
    unsettled: Repair | None = None
    stretch = 0
    while tried is not None:
        solution = solve(tried, thorough=False)
        if solution is not None and solution.outcome.name != "INFEASIBLE":
            told = _told(tried, solution)
            if told is not tried or solution.outcome.name != "LIMIT":
                return told
            unsettled = unsettled or told
        further = _elsewhere(bench, tried) if solution is not None and unsettled is None else None
        if further is not None:
            repair, stretch, tried = further, 0, further
        else:
            stretch += 1
            tried = _further(repair, STRETCH[stretch]) if stretch < len(STRETCH) else None
        if bench.expired():
            return unsettled
    return unsettled


def _told(repair: Repair, solution: Solution) -> Repair:
    """The repair with what a solve of the case with it found."""
    if solution.outcome.name == "OPTIMAL":
        return replace(repair, outcome="optimal", objective=solution.objective, upper=None)
    if solution.outcome.name == "UNBOUNDED":
        return replace(repair, outcome="unbounded")
    if solution.outcome.name == "LIMIT" and solution.borne_out:
        return replace(repair, outcome="feasible", objective=solution.objective, upper=solution.upper_bound)
    return repair


def _improved(repair: Repair, solve: _Again) -> Repair:
    """A repair of which some plan is known, with the best one, or the best that time allows."""
    if repair.outcome != "feasible" or solve.expired():
        return repair
    solution = solve(repair, thorough=True)
    found = repair if solution is None else _told(repair, solution)
    assert repair.objective is not None and repair.upper is not None
    if found.outcome == "feasible" and found.objective is not None and found.upper is not None:
        best = max(repair.objective, found.objective)
        return replace(repair, objective=best, upper=max(best, min(repair.upper, found.upper)))
    return found


def _elsewhere(bench: Bench, repair: Repair) -> Repair | None:
    """A repair that scenarios which were not looked at refute, as far as they ask: the first of them that does by itself, else all together.

    None where nothing refutes it so, where nothing of the kind is enough, and when time is up.
    """
    scope, every = bench.scope, tuple(range(bench.whole.scenarios.count))
    if not bench.narrowed:
        return None
    changes = [step.change for step in repair.steps]
    try:
        for others in [*((s,) for s in every if s not in scope), every]:
            bench.scope = others
            if bench.without((), changes).feasible is False:
                steps = _chain(bench, [step.statement for step in repair.steps])
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
        value = _inside(lever, lever.now + factor * (step.value - lever.now), up)
        if value is None:
            return None
        steps.append(replace(step, value=value))
    return replace(repair, steps=tuple(steps))


class _Again:
    """Solves a case with repairs, one after another; each begins where the one before ended.

    deadline: of time.perf_counter; longest: seconds that a solve took.
    """

    def __init__(self, bench: Bench, deadline: float | None) -> None:
        self.bench, self.deadline = bench, deadline
        self.seed: Seed | None = None
        self.longest = 0.0

    def expired(self) -> bool:
        return self.deadline is not None and time.perf_counter() > self.deadline

    def __call__(self, repair: Repair, thorough: bool) -> Solution | None:
        """None where the case does not allow the change."""
        from optimizer import engine, warm
        from optimizer.case import Case
        from optimizer.diagnostics import CaseError

        case: Any
        if self.bench.case is None:
            problem = self.bench.problem([step.change for step in repair.steps])
            if problem is None:
                return None
            case = engine.bare(problem)
        else:
            old = self.bench.case
            try:
                case = Case.load(old.path, old.variant, [*old.settings, *repair.settings])
            except CaseError:
                return None
        start = time.perf_counter()
        left = None if self.deadline is None else max(self.deadline - start, 0.0)
        solution = engine.solve(
            case, time_limit=left, canonical=False, baseline=False, keep=True, seed_from=self.seed, thorough=thorough
        )
        self.longest = max(self.longest, time.perf_counter() - start)
        if solution.kept is not None:
            self.seed = warm.leave(solution.kept)
        return replace(solution, kept=None)
