"""Repairs: the least change of each figure that makes room for a plan, in the words of the case.

They are tried on the case itself in `verified`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.explain.no_plan.elastic_program import FeasibilityResult
from optimizer.explain.no_plan.iis import IIS, Change, InfeasibilityAnalyser, Progress, deletion_filter, moving
from optimizer.explain.no_plan.row_owners import Requirement

if TYPE_CHECKING:
    from optimizer.explain.no_plan.adjustments import AdjustableParameter, Settings

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
    """One statement changed: parameter and its new value, or dropped (parameter None)."""

    requirement: Requirement
    parameter: AdjustableParameter | None = None
    value: float = math.nan

    @property
    def settings(self) -> Settings:
        if self.parameter is None:
            return self.requirement.drop or ()
        return self.parameter.settings(self.value)

    @property
    def change(self) -> Change:
        if self.parameter is None:
            return Change(self.settings, self.requirement.free, self.requirement.path)
        return moving(self.parameter, self.value)

    @property
    def size(self) -> float:
        """How large a change it is, relative; dropping a statement is the largest."""
        return math.inf if self.parameter is None else self.parameter.change(self.value)

    def message(self) -> str:
        """What to do, in a few words."""
        one, parameter = self.requirement, self.parameter
        if parameter is None:
            also = [setting.replace("=", " of ", 1) for setting in self.settings[1:] if not setting.startswith(one.path)]
            return f"do without {one.label}" + (f", with {' and '.join(also)}" if also else "")
        now, new = parameter.say(parameter.now), parameter.say(self.value)
        if one.kind == "rule":
            where, _, sentence = self.settings[0].partition("=") if self.settings else ("", "", "")
            step = f"make it {new}" if parameter.now == 0.0 and parameter.up else f"from {now} to {new}" if sentence else new
            if not where.endswith(".require"):  # a figure of a policy
                return f"relax {one.name} {step}"
            return f"relax {one.name} {step}" + (f", {sentence}" if sentence else "")
        if one.kind == "window":
            return (
                f"let {parameter.path} {'end' if parameter.up else 'begin'} in {new}"
                if new != "always"
                else f"let {parameter.path} be always"
            )
        if one.kind == "information":
            return f"let information come in {new}"
        verb = {"lead": "shorten", "life": "lengthen"}.get(one.kind, "raise" if self.value > parameter.now else "lower")
        if parameter.path.endswith((".maturity", ".tenor")):
            verb = "put off"
        if now == new or "times what" in new:
            return f"{verb} {parameter.path.removesuffix('.times')} to {new}"
        return f"{verb} {parameter.path} from {now} to {new}"


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
    def message(self) -> str:
        return " and ".join(step.message() for step in self.steps)


#: is there a plan without these statements? asked of several sets of them at once
Each = Callable[[Sequence[tuple[str, ...]]], list[FeasibilityResult]]


def all_conflicts(analyser: InfeasibilityAnalyser, progress: Progress | None = None, each: Each | None = None) -> list[IIS]:
    """Conflicts one after another: each is what collides when one statement of every conflict before it is dropped.

    The members of each say whether the case has a plan without them alone (and without those dropped before), as `each` finds; by default
    the analyser does.
    """
    each = each or (lambda sets: [analyser.without(one) for one in sets])
    found: list[IIS] = []
    dropped: list[str] = []
    while len(found) < MOST_CONFLICTS:
        iis = deletion_filter(analyser, dropped, progress)
        if iis is None:
            break
        results = each([(*dropped, path) for path in iis.paths])
        tested = [replace(member, alone=result.feasible) for member, result in zip(iis.members, results, strict=True)]
        short = {
            path: result.shortfall if result.feasible is False else math.inf
            for path, result in zip(iis.paths, results, strict=True)
        }
        found.append(replace(iis, members=tuple(tested)))
        if any(member.alone is not False for member in tested) or not tested:
            break
        # what a planner can choose rather than what there is, and of this what leaves least to be done
        dropped.append(min(short, key=lambda path: (analyser.requirements[path].kind == "amount", short[path], path)))
        found[-1] = replace(found[-1], dropped=dropped[-1])
    return found


@dataclass(frozen=True)
class Sought:
    """What a search for a repair has come to, in words that hold in other processes: of each step the statement, which of its parameters (None:
    it is dropped) and the parameter's value; None where there is none. late: there was no time to know."""

    steps: tuple[tuple[str, int | None, float], ...] | None
    late: bool = False

    def repair(self, analyser: InfeasibilityAnalyser) -> Repair | None:
        if self.steps is None:
            return None
        steps = []
        for path, parameter, value in self.steps:
            one = analyser.requirements[path]
            steps.append(Step(one) if parameter is None else Step(one, one.parameters[parameter], value))
        return Repair(tuple(steps), "scenarios" if analyser.narrowed else "planned")

    @property
    def why(self) -> str:
        """Why there is none."""
        return "not found in time" if self.late else "no figure of it is enough"


def wanted(analyser: InfeasibilityAnalyser, conflicts: Sequence[IIS]) -> list[tuple[str, ...]]:
    """For each statement of the last conflict without which there may be a plan: the statements that change together, itself the last."""
    if not conflicts:
        return []
    before = [c.dropped for c in conflicts[:-1] if c.dropped is not None]
    return [(*before, member.requirement.path) for member in conflicts[-1].members if member.alone is not False]


def seek(analyser: InfeasibilityAnalyser, together: Sequence[str]) -> Sought:
    """The least changes of these statements that make room for a plan, as far as the analyser looks."""
    if analyser.expired():
        return Sought(None, True)
    steps = chain(analyser, [analyser.requirements[path] for path in together])
    if steps is None:
        return Sought(None, analyser.expired())
    return Sought(
        tuple(
            (
                step.requirement.path,
                None if step.parameter is None else step.requirement.parameters.index(step.parameter),
                step.value,
            )
            for step in steps
        )
    )


def first(repair: Repair) -> tuple[int, float, float, str]:
    """What to tell first: solved repairs by what they leave, then by how little they change."""
    solved = repair.objective is not None
    facts = any(step.requirement.kind == "amount" for step in repair.steps)
    return (2 * (not solved) + facts, -(repair.objective or 0.0), repair.size, repair.message)


def chain(analyser: InfeasibilityAnalyser, together: list[Requirement]) -> list[Step] | None:
    """A step for each of the statements: the last one no larger than it must be whatever the others do, then the one before it."""
    steps: list[Step] = []
    for n, one in enumerate(reversed(together)):
        rest = [other.path for other in together[: len(together) - n - 1]]
        step = _least(analyser, one, [step.change for step in steps], rest)
        if step is None:
            return None
        steps.append(step)
    return steps[::-1]


def _least(analyser: InfeasibilityAnalyser, one: Requirement, changes: list[Change], dropped: list[str]) -> Step | None:
    """The smallest change of one statement that will do, by the parameter that changes least; else it is dropped."""
    best: Step | None = None
    for parameter in one.parameters:
        if one.kind == "rule" and best is not None:
            break  # a number of the sentence will do: nothing has to be added to it
        value = _search(analyser, one, parameter, changes, dropped)
        if value is not None and (best is None or parameter.change(value) < best.size):
            best = Step(one, parameter, value)
    if best is not None:
        return best
    dropping = Step(one)
    can = bool(dropping.settings) if analyser.case is not None else one.free is not None
    if can and analyser.without([*dropped, one.path], changes).feasible:
        return dropping
    return None


def _search(
    analyser: InfeasibilityAnalyser, one: Requirement, parameter: AdjustableParameter, changes: list[Change], dropped: list[str]
) -> float | None:
    """The least sensible value of a parameter with which there is a plan."""

    def at(value: float) -> tuple[bool | None, float]:
        """(is there a plan, how far is it) with the parameter at a value."""
        moved = [] if value == parameter.now else [Step(one, parameter, value).change]
        # what the law forbids is seen in few scenarios sooner than in the whole case
        found = analyser.without(dropped, [*changes, *moved], disjunctive=analyser.narrowed)
        return found.feasible, found.shortfall

    if parameter.points:
        return _first_point(parameter.points, at)
    for up in (parameter.up,) if parameter.up is not None else _directions(parameter, at):
        shifted = _by_shift(analyser, one, parameter, changes, dropped, up)
        if shifted is not None:
            value = _stretched(parameter, shifted, up, at if not analyser.narrowed else None)
            if value is not None:
                return value
            continue
        value = _by_trying(parameter, up, at)
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


def _directions(parameter: AdjustableParameter, at: Callable[[float], tuple[bool | None, float]]) -> tuple[bool, ...]:
    """To which side a number of a sentence helps: what a tenth of it does."""
    step = 0.1 * abs(parameter.now) or parameter.unit
    here = at(parameter.now)[1]
    found = []
    for up in (True, False):
        feasible, short = at(parameter.now + (step if up else -step))
        if feasible is True or (feasible is False and short < here * (1.0 - 1e-9)):
            found.append((0.0 if feasible else short, up))
    return tuple(up for _, up in sorted(found))


def _limit(parameter: AdjustableParameter, up: bool) -> float:
    if parameter.up is None:
        return math.inf if up else 0.0
    return parameter.bound


def inside(parameter: AdjustableParameter, value: float, up: bool) -> float | None:
    """A sensible value at or beyond this one, if the parameter goes so far."""
    edge = _limit(parameter, up)
    made = parameter.outward(value, up)
    if (made > edge) if up else (made < edge):
        return edge if ((value <= edge) if up else (value >= edge)) else None
    return made


def _by_shift(
    analyser: InfeasibilityAnalyser,
    one: Requirement,
    parameter: AdjustableParameter,
    changes: list[Change],
    dropped: list[str],
    up: bool,
) -> float | None:
    """The exact least value where the figure moves bounds of rows only: one linear program says it. None where it moves more.

    NaN where no value will do.
    """
    if analyser.disjunctive:
        return None
    sign = 1.0 if up else -1.0
    step = sign * (NUDGE_SHARE * abs(parameter.now) or parameter.unit)
    start, begun = parameter.now, changes
    if start == 0.0:  # a limit of nothing leaves its decisions out of the program: from a first step on they are in
        start, begun = step, [*changes, moving(parameter, step)]
    here, there = analyser.elastic_program(begun), analyser.problem([*changes, moving(parameter, start + step)])
    elastic = analyser.open(dropped, begun)
    if here is None or there is None or elastic is None:
        return None
    shift = here.shift(analyser.scoped(there), abs(step))
    if shift is None or elastic.keys != here.keys:
        return None
    units = elastic.least(shift, analyser.in_rows(dropped), disjunctive=analyser.narrowed, deadline=analyser.deadline)
    if units is None:
        return math.nan
    value = start + sign * units
    return 0.0 if abs(value) <= LEAST_FIGURE * abs(start) else value


def _stretched(
    parameter: AdjustableParameter, least: float, up: bool, at: Callable[[float], tuple[bool | None, float]] | None
) -> float | None:
    """The first sensible value from the least one on that is borne out. at None: where the whole case will tell, the first."""
    if math.isnan(least):
        return None
    for factor in STRETCH_FACTORS:
        value = inside(parameter, parameter.now + factor * (least - parameter.now), up)
        if value is None:
            return None
        if at is None or at(value)[0] is not False:
            return value
    return None


def _by_trying(parameter: AdjustableParameter, up: bool, at: Callable[[float], tuple[bool | None, float]]) -> float | None:
    """The least sensible value by trying: along the line through the last two that did not do, then between that and one that did."""
    sign = 1.0 if up else -1.0
    edge = _limit(parameter, up)
    step = 0.1 * abs(parameter.now) or parameter.unit
    failed = [(parameter.now, at(parameter.now)[1])]
    good: float | None = None
    value = parameter.now + sign * step
    for _ in range(MOST_VALUES_TRIED):
        tried = inside(parameter, value, up)
        if tried is None:
            tried = edge
        if good is not None and not (tried - failed[-1][0]) * sign < (good - failed[-1][0]) * sign:
            tried = _between(parameter, failed[-1][0], good, up)
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
            far = last + sign * max(2.0 * abs(last - parameter.now), step)
            value = far if root is None or not (root - last) * sign > 0.0 else root + sign * 1e-3 * abs(root - parameter.now)
        else:
            value = root if root is not None and (root - last) * sign > 0.0 else (last + good) / 2.0
    return good


def _between(parameter: AdjustableParameter, bad: float, good: float, up: bool) -> float | None:
    """A sensible value between one that did not do and one that did; None where there is none."""
    middle = parameter.outward((bad + good) / 2.0, up)
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
