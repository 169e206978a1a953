"""Repairs: the least change of each figure that makes room for a plan, in the words of the case.

They are tried on the case itself in `verified`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.explain.no_plan.elastic_program import Finding
from optimizer.explain.no_plan.iis import Bench, Change, Conflict, Progress, collide, moving
from optimizer.explain.no_plan.row_owners import Stated

if TYPE_CHECKING:
    from optimizer.explain.no_plan.adjustments import Lever, Settings

#: conflicts that are told one after another
MOST_CONFLICTS = 4
#: how far beyond the least figure a repair is tried where the least one does not do after all (tax law, rounding)
STRETCH_FACTORS = (1.0, 1.02, 1.1, 1.5)
#: values tried for a figure at most
MOST_VALUES_TRIED = 24
#: a least figure below this share of what it was is none: what rounding leaves is no figure to tell
LEAST_FIGURE = 1e-9
#: a figure moves by this share of itself to see what it does
NUDGE_SHARE = 0.01


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
            also = [setting.replace("=", " of ", 1) for setting in self.settings[1:] if not setting.startswith(one.path)]
            return f"do without {one.label}" + (f", with {' and '.join(also)}" if also else "")
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


#: is there a plan without these statements? asked of several sets of them at once
Each = Callable[[Sequence[tuple[str, ...]]], list[Finding]]


def all_conflicts(bench: Bench, progress: Progress | None = None, each: Each | None = None) -> list[Conflict]:
    """Conflicts one after another: each is what collides when one statement of every conflict before it is dropped.

    The members of each say whether the case has a plan without them alone (and without those dropped before), as `each` finds; by default
    the bench does.
    """
    each = each or (lambda sets: [bench.without(one) for one in sets])
    found: list[Conflict] = []
    dropped: list[str] = []
    while len(found) < MOST_CONFLICTS:
        conflict = collide(bench, dropped, progress)
        if conflict is None:
            break
        results = each([(*dropped, path) for path in conflict.paths])
        tested = [replace(member, alone=result.feasible) for member, result in zip(conflict.members, results, strict=True)]
        short = {
            path: result.shortfall if result.feasible is False else math.inf
            for path, result in zip(conflict.paths, results, strict=True)
        }
        found.append(replace(conflict, members=tuple(tested)))
        if any(member.alone is not False for member in tested) or not tested:
            break
        # what a planner can choose rather than what there is, and of this what leaves least to be done
        dropped.append(min(short, key=lambda path: (bench.statements[path].kind == "amount", short[path], path)))
        found[-1] = replace(found[-1], dropped=dropped[-1])
    return found


@dataclass(frozen=True)
class Sought:
    """What a search for a repair has come to, in words that hold in other processes: of each step the statement, which of its levers (None:
    it is dropped) and the lever's value; None where there is none. late: there was no time to know."""

    steps: tuple[tuple[str, int | None, float], ...] | None
    late: bool = False

    def repair(self, bench: Bench) -> Repair | None:
        if self.steps is None:
            return None
        steps = []
        for path, lever, value in self.steps:
            one = bench.statements[path]
            steps.append(Step(one) if lever is None else Step(one, one.levers[lever], value))
        return Repair(tuple(steps), "scenarios" if bench.narrowed else "planned")

    @property
    def why(self) -> str:
        """Why there is none."""
        return "not found in time" if self.late else "no figure of it is enough"


def wanted(bench: Bench, conflicts: Sequence[Conflict]) -> list[tuple[str, ...]]:
    """For each statement of the last conflict without which there may be a plan: the statements that change together, itself the last."""
    if not conflicts:
        return []
    before = [c.dropped for c in conflicts[:-1] if c.dropped is not None]
    return [(*before, member.statement.path) for member in conflicts[-1].members if member.alone is not False]


def seek(bench: Bench, together: Sequence[str]) -> Sought:
    """The least changes of these statements that make room for a plan, as far as the bench looks."""
    if bench.expired():
        return Sought(None, True)
    steps = chain(bench, [bench.statements[path] for path in together])
    if steps is None:
        return Sought(None, bench.expired())
    return Sought(
        tuple(
            (step.statement.path, None if step.lever is None else step.statement.levers.index(step.lever), step.value)
            for step in steps
        )
    )


def first(repair: Repair) -> tuple[int, float, float, str]:
    """What to tell first: solved repairs by what they leave, then by how little they change."""
    solved = repair.objective is not None
    facts = any(step.statement.kind == "amount" for step in repair.steps)
    return (2 * (not solved) + facts, -(repair.objective or 0.0), repair.size, repair.told)


def chain(bench: Bench, together: list[Stated]) -> list[Step] | None:
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
            value = _stretched(lever, shifted, up, at if not bench.narrowed else None)
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


def inside(lever: Lever, value: float, up: bool) -> float | None:
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
    step = sign * (NUDGE_SHARE * abs(lever.now) or lever.unit)
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
    units = trial.least(shift, bench.in_rows(dropped), law=bench.narrowed, deadline=bench.deadline)
    if units is None:
        return math.nan
    value = start + sign * units
    return 0.0 if abs(value) <= LEAST_FIGURE * abs(start) else value


def _stretched(lever: Lever, least: float, up: bool, at: Callable[[float], tuple[bool | None, float]] | None) -> float | None:
    """The first sensible value from the least one on that is borne out. at None: where the whole case will tell, the first."""
    if math.isnan(least):
        return None
    for factor in STRETCH_FACTORS:
        value = inside(lever, lever.now + factor * (least - lever.now), up)
        if value is None:
            return None
        if at is None or at(value)[0] is not False:
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
    for _ in range(MOST_VALUES_TRIED):
        tried = inside(lever, value, up)
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
        root = line_root(failed)
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


def line_root(failed: Sequence[tuple[float, float]]) -> float | None:
    """Where the line through the last two shortfalls comes to nothing."""
    if len(failed) < 2:
        return None
    (a, fa), (b, fb) = failed[-2:]
    if not (np.isfinite(fa) and np.isfinite(fb)) or abs(fa - fb) <= 1e-9 * abs(fa):  # the same but for rounding: no line
        return None
    return b - fb * (b - a) / (fb - fa)
