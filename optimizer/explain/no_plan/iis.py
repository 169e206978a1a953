"""The smallest set of statements that collide: together they leave no plan, and without any one of them they leave one.

Statements are let go one after another. Where there is still no plan, the one let go was not to blame, and whatever weighs nothing in the
new proof is not to blame either; where there is a plan, it was needed. What remains is minimal, given how the world works: balances, cash
that comes from somewhere, halls that rigs stand in, prices.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.dates import iso_month
from models.effort import over
from models.problem import Array, Ints, Problem
from models.problem.scenario_subset import only
from optimizer.explain.no_plan.elastic_program import ElasticProgram, FarkasMultiplier, FeasibilityResult, Shift
from optimizer.explain.no_plan.requirements.everything import requirements
from optimizer.explain.no_plan.row_owners import FACT, HOURS, ORDER, Requirement, Row, matches, owner_of

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.explain.no_plan.adjustments import AdjustableParameter, Settings

Progress = Callable[..., None]
#: scenarios times periods from which a conflict is looked for in single scenarios first
SINGLE_SCENARIO_SIZE = 40
#: nonzeros of the programs of single scenarios among which one is looked for that lacks more than the first that has no plan: about half a
#: second, counted, as a clock would tell how busy the machine is
MOST_NONZEROS_COMPARED = 10_000
#: so many in a row that lack the same end the search: it is nothing that scenarios differ in
MOST_ALIKE = 3
#: sections of a case that are about money
MONEY_SECTIONS = ("financing.", "treasury.", "company.", "cash_flows.", "tax.")
#: share of a proof from which on it is told what is taken as given
LEAST_SHARE_OF_PROOF = 1e-2
#: programs kept at hand
PROGRAMS_KEPT = 6


@dataclass(frozen=True)
class Change:
    """Something else than what the case says: as settings, or (without a case) on plain arrays."""

    settings: Settings = ()
    apply: Callable[[Problem], Problem] | None = None
    name: str = ""  # what makes two changes on plain arrays the same

    @property
    def mark(self) -> tuple[str, ...]:
        return (*self.settings, self.name)


@dataclass(frozen=True)
class Member:
    """A statement of a conflict, where it bites: scenarios and dates ('' where that is not told by a row of its own)."""

    requirement: Requirement
    share: float
    scenarios: tuple[str, ...] = ()
    first: str = ""
    last: str = ""
    certain: bool = True  # False: there was no time to see whether there is a plan without it and with all others
    alone: bool | None = None  # does the whole case have a plan without this one statement? None: not known


@dataclass(frozen=True)
class IIS:
    """members: the statements; given: what else weighs in the proof, in words; minimal: False where time was up before it was known."""

    members: tuple[Member, ...]
    given: tuple[str, ...]
    scenarios: (
        tuple[str, ...] | None
    )  # in each of which these statements collide by themselves; () only together; None: not known
    minimal: bool
    margin: float
    dropped: str | None = None  # the statement without which the next conflict was looked for

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(m.requirement.path for m in self.members)


def _dropping(one: Requirement) -> Change:
    return Change(one.drop or (), one.free, one.path)


def moving(parameter: AdjustableParameter, value: float) -> Change:
    """A parameter at a value."""
    apply = parameter.apply
    made = None if apply is None else lambda problem: apply(problem, value)
    return Change(parameter.settings(value), made, f"{parameter.path} {value!r}")


@dataclass(frozen=True)
class MonotoneFigure:
    """How a figure moves bounds of rows, in words that hold for other programs: the families of rows concerned, the keys and bounds of
    all their rows, which of these it moves, and by what a unit. A figure of nothing is no good: what it is multiplied with would not show.
    """

    families: frozenset[str]
    keys: list[Row]
    bounds: Array  # (2, n)
    at: Ints
    by: Array
    least: float

    @classmethod
    def of(cls, shift: Shift, elastic: ElasticProgram) -> MonotoneFigure:
        families = frozenset(elastic.keys[i][0] for i in shift.rows)
        rows = _rows(elastic, families)
        keys = [elastic.keys[i] for i in rows]
        return cls(families, keys, _bounds(elastic, rows), np.searchsorted(rows, shift.rows), shift.by, shift.least)

    def on(self, elastic: ElasticProgram) -> Shift | None:
        """In another program; None unless it has the same rows of these families, as they stand."""
        rows = _rows(elastic, self.families)
        if [elastic.keys[i] for i in rows] != self.keys or not np.array_equal(_bounds(elastic, rows), self.bounds):
            return None
        return Shift(rows[self.at], self.by, self.least)


def _rows(elastic: ElasticProgram, families: frozenset[str]) -> Ints:
    return np.array([i for i, (family, _) in enumerate(elastic.keys) if family in families], dtype=np.int64)


def _bounds(elastic: ElasticProgram, rows: Ints) -> Array:
    return np.array([elastic.base.row_lower[rows], elastic.base.row_upper[rows]])


class InfeasibilityAnalyser:
    """A case (or a problem of plain arrays), its statements, and elastic programs of it without some of them.

    scope: the scenarios looked at (all by default). deadline: of time.perf_counter. disjunctive: see `ElasticProgram`. Other scenarios, another
    deadline and disjunctive conditions make another analyser (`of`, `until`, `with_disjunctions`) that shares all that was worked out.
    """

    def __init__(self, problem: Problem, case: Case | None = None) -> None:
        self.whole, self.case = problem, case
        self.deadline: float | None = None
        self.requirements = {one.path: one for one in requirements(problem, case)}
        self._owner = owner_of(list(self.requirements.values()))
        self.scope: tuple[int, ...] = tuple(range(problem.scenarios.count))
        self._elastic_programs: dict[tuple[tuple[str, ...], ...], ElasticProgram] = {}
        self._problems: dict[tuple[tuple[str, ...], ...], Problem | None] = {(): problem}
        self._monotone: dict[tuple[tuple[int, ...], str], list[MonotoneFigure]] = {}
        self._still: set[tuple[tuple[int, ...], str]] = set()  # figures that move more than bounds
        self.disjunctive = False
        self.born = time.perf_counter()

    def of(self, scope: tuple[int, ...]) -> InfeasibilityAnalyser:
        """The same analyser with other scenarios looked at."""
        other = copy.copy(self)
        other.scope = scope
        return other

    def until(self, deadline: float | None) -> InfeasibilityAnalyser:
        """The same analyser with another deadline."""
        other = copy.copy(self)
        other.deadline = deadline
        return other

    def with_disjunctions(self, disjunctive: bool = True) -> InfeasibilityAnalyser:
        """The same analyser, on which plans must meet what no row can say (`ElasticProgram`) too."""
        other = copy.copy(self)
        other.disjunctive = disjunctive
        return other

    def expired(self) -> bool:
        """Whether the work that may be done is done (`models.effort`), or time is up."""
        return over() or (self.deadline is not None and time.perf_counter() > self.deadline)

    # ---- problems that say something else ----------------------------------------------------------------------------
    def varied(self, settings: Sequence[str]) -> Case | None:
        """The case with further settings; None where it does not allow them."""
        from optimizer.case.reading.diagnostics import CaseError
        from optimizer.runtime.memory import uncollected

        assert self.case is not None
        try:
            with uncollected():
                return self.case.further(settings)
        except CaseError:
            return None

    def problem(self, changes: Sequence[Change] = ()) -> Problem | None:
        """The whole problem with changes; None where the case does not allow them."""
        key = tuple(change.mark for change in changes)
        if key not in self._problems:
            made: Problem | None = self.whole
            if self.case is not None:
                case = self.varied([one for change in changes for one in change.settings])
                made = None if case is None else case.problem()
            else:
                for change in changes:
                    made = change.apply(made) if made is not None and change.apply is not None else None
            if made is not None:
                made = replace(made, money=self.whole.money)  # the same units: programs stay comparable
            self._problems[key] = made
        return self._problems[key]

    def scoped(self, problem: Problem) -> Problem:
        """A problem in the scenarios looked at."""
        return only(problem, self.scope) if self.narrowed else problem

    def elastic_program(self, changes: Sequence[Change] = ()) -> ElasticProgram | None:
        """A program of the scope's scenarios; the last few are kept warm."""
        key = self._key(changes)
        if key not in self._elastic_programs:
            problem = self.problem(changes)
            if problem is None:
                return None
            self._keep(key, ElasticProgram(self.scoped(problem), self._owner, self.disjunctive))
        return self._elastic_programs[key]

    def _key(self, changes: Sequence[Change], *more: str) -> tuple[tuple[str, ...], ...]:
        return ((*map(str, self.scope), *(["under law"] if self.disjunctive else [])), *(change.mark for change in changes), more)

    def _keep(self, key: tuple[tuple[str, ...], ...], elastic: ElasticProgram) -> None:
        """Trials of the case itself stay, of the others the last few."""
        others = [k for k in self._elastic_programs if len(k) > 2 or k[-1]]
        if len(others) >= PROGRAMS_KEPT:
            del self._elastic_programs[others[0]]
        self._elastic_programs[key] = elastic

    # ---- without some statements -------------------------------------------------------------------------------------
    def without(
        self, dropped: Collection[str], changes: Sequence[Change] = (), hours: bool = True, disjunctive: bool = False
    ) -> FeasibilityResult:
        """Is there a plan without these statements (and with these changes)? disjunctive: not if the law leaves none, as far as cuts tell."""
        if self.expired():
            return FeasibilityResult(None, np.nan)
        elastic = self.open(dropped, changes)
        if elastic is None:
            return FeasibilityResult(None, np.nan)
        in_rows = self.in_rows(dropped)
        found = elastic.find(in_rows, hours, self.deadline)
        return (elastic.infeasible_branch(in_rows, self.deadline) or found) if disjunctive and found.feasible else found

    def open(self, dropped: Collection[str], changes: Sequence[Change] = ()) -> ElasticProgram | None:
        """The program of the case with changes, and without those of the statements dropped that are not said in rows."""
        anew = [
            self.requirements[path] for path in sorted(dropped) if path in self.requirements and not self.requirements[path].rows
        ]
        sliding = [one for one in anew if one.monotone and (self.scope, one.path) not in self._still]
        gone = [_dropping(one) for one in anew if one not in sliding]
        base = self.elastic_program([*changes, *gone])
        if base is None or not sliding:
            return base
        shifts: list[Shift] = []
        for one in sliding:
            shift = self._slide(one, base, [*changes, *gone])
            if shift is None:
                self._still.add((self.scope, one.path))
                gone.append(_dropping(one))
            else:
                shifts.append(shift)
        if len(shifts) < len(sliding):
            # what shapes the program cannot slide: it is given more than it can use
            return self.open([one.path for one in anew if one in sliding and _dropping(one) not in gone], [*changes, *gone])
        key = self._key([*changes, *gone], *(f"slide {one.path}" for one in sliding))
        if key not in self._elastic_programs:
            self._keep(key, base.sliding(tuple(shifts)))
        return self._elastic_programs[key]

    def _slide(self, one: Requirement, base: ElasticProgram, changes: Sequence[Change]) -> Shift | None:
        """How the program moves with the figure of a statement; as in another program, where the rows concerned are the same in both."""
        parameter = one.parameters[0]
        known = self._monotone.setdefault((self.scope, one.path), [])
        for slide in known if parameter.now != 0.0 else ():
            if (shift := slide.on(base)) is not None:
                return shift
        step = 0.01 * abs(parameter.now) or parameter.unit
        moved = self.problem([*changes, moving(parameter, parameter.now + step)])
        if moved is None:
            return None
        shift = base.shift(self.scoped(moved), step, least=-parameter.now)
        if shift is not None:
            known.append(MonotoneFigure.of(shift, base))
        return shift

    def relevant(self, result: FeasibilityResult) -> list[str]:
        """The statements that a proof needs, those first that are tried without first."""
        told = result.owners()
        if result.branched:
            return sorted(
                (one.path for one in self.requirements.values() if self.can_drop(one)), key=lambda path: (self.rank(path), path)
            )
        out = {path for path in told}
        for one in self.requirements.values():
            if one.kind != FACT and not one.rows and self.can_drop(one) and any(self.touched(one, row) for row in result.rows):
                out.add(one.path)
        return sorted(out, key=lambda path: (self.rank(path), told.get(path, 0.0), path))

    def in_rows(self, paths: Collection[str]) -> list[str]:
        """Those that rows of the program say; a family that nobody has put into words is one of them."""
        return [path for path in paths if path not in self.requirements or self.requirements[path].rows]

    def can_drop(self, one: Requirement) -> bool:
        return one.drop is not None if self.case is not None else one.free is not None

    def touched(self, one: Requirement, row: FarkasMultiplier) -> bool:
        if one.kind == "information":
            return len(self.scope) > 1
        return matches(one.touches, row.family, row.key)

    def rank(self, path: str) -> int:
        return ORDER.index(self.requirements[path].kind) if path in self.requirements else len(ORDER)

    # ---- which scenarios ---------------------------------------------------------------------------------------------
    @property
    def narrowed(self) -> bool:
        """Whether some scenarios are not looked at."""
        return len(self.scope) < self.whole.scenarios.count

    @property
    def large(self) -> bool:
        """Whether scenarios are looked at one by one first."""
        count = self.whole.scenarios.count
        return count > 1 and count * self.whole.clock.periods >= SINGLE_SCENARIO_SIZE

    def narrow(self, hours: bool = False) -> InfeasibilityAnalyser:
        """In a large case: the analyser with one scenario by itself, if it has no plan: the one that lacks most. The whole has none then
        either. Else this one.

        hours: let real hours say so in each, not only in the first.
        """
        if not self.large:
            return self
        worst, most, seen, alike = None, -np.inf, 0, 0
        kept: dict[tuple[tuple[str, ...], ...], ElasticProgram] = {}
        order = _order(self.whole)
        for s in order:
            if self.expired() or alike == MOST_ALIKE or seen > MOST_NONZEROS_COMPARED:
                break
            elastic = self.of((s,)).elastic_program()
            found = FeasibilityResult(None, np.nan) if elastic is None else elastic.find(hours=hours, deadline=self.deadline)
            if s == order[0] and elastic is not None and found.feasible:
                # what real hours bar, they mostly bar in each scenario: one is asked at length
                found = elastic.find(deadline=self.deadline)
                hours = hours or found.feasible is False
            if (worst is not None or found.feasible is False) and elastic is not None:
                seen += int(elastic.base.matrix.nnz)
            if found.feasible is False:
                alike = alike + 1 if np.isclose(found.shortfall, most, rtol=1e-6, atol=0.0) else 1
                if found.shortfall > most:
                    worst, most, kept = s, found.shortfall, dict(self._elastic_programs)
            self._elastic_programs.clear()
        self._elastic_programs.update(kept)
        return self if worst is None else self.of((worst,))


def _order(problem: Problem) -> list[int]:
    """Scenarios in the order in which they are looked at: of each set of delays one, the latest first; then as in `far_apart`."""
    count = problem.scenarios.count
    late = {s: tuple(int(site.delay[s]) for site in problem.sites) for s in far_apart(count)}
    first = {delays: s for s, delays in reversed(late.items()) if any(delays)}
    ahead = sorted(first.values(), key=lambda s: (-sum(late[s]), s))
    return [*ahead, *(s for s in late if s not in ahead)]


def far_apart(count: int) -> list[int]:
    """0 to count - 1, first those far from each other: neighbours among scenarios are often alike."""
    out = sorted({0, count - 1})
    while len(out) < count:
        known = sorted(out)
        gap, low = max((b - a, -a) for a, b in itertools.pairwise(known))
        out.append(-low + gap // 2)
    return out


def deletion_filter(
    analyser: InfeasibilityAnalyser, dropped: Collection[str] = (), progress: Progress | None = None
) -> IIS | None:
    """The smallest set that collides when `dropped` are let go; None where there is a plan (or no answer in time)."""
    gone: set[str] = set(dropped)
    result = analyser.without(gone)
    if result.feasible is not False:
        return None
    needed: list[str] = []
    unsure: set[str] = set()

    def open_() -> list[str]:
        """What the proof at hand needs and has not been looked at."""
        return [path for path in analyser.relevant(result) if path not in needed and path not in gone]

    def spare() -> set[str]:
        """Statements in rows that the proof at hand does without: they can go at once, and it still holds."""
        return (
            set()
            if result.branched
            else {path for path in analyser.in_rows(analyser.requirements) if path not in result.owners()}
        )

    gone |= spare()
    stack = _groups(analyser, open_())
    while stack:
        waiting = set(open_())
        group = [path for path in stack.pop(0) if path in waiting]
        if group:
            if progress is not None:
                progress("conflict", statements=len(waiting) + len(needed), needed=len(needed))
            found = analyser.without(gone | set(group))
            if found.feasible is False:
                result = found
                gone |= set(group) | spare()
            elif len(group) == 1:
                needed.append(group[0])
                if found.feasible is not True:
                    unsure.add(group[0])
            else:
                half = len(group) // 2
                stack[:0] = [group[:half], group[half:]]
        if not stack:
            # a proof without some statement may lean on others that weighed nothing before
            stack = _groups(analyser, open_())
    return _told(analyser, result, needed, gone, unsure)


def _groups(analyser: InfeasibilityAnalyser, paths: list[str]) -> list[list[str]]:
    """In which order statements are let go, and which of them together.

    All that is about money at once, first: what is impossible with all the money in the world has a short explanation. Then all that is
    about anything but rules. Where such a group cannot go as a whole it is halved. What is in rows before what is not: the program is warm.
    """
    in_rows = analyser.in_rows(paths)
    rules = [path for path in in_rows if path in analyser.requirements and analyser.requirements[path].kind == "rule"]
    others = [path for path in in_rows if path not in rules]
    anew = [path for path in paths if path not in in_rows]
    groups = [*_by_money(others), *([path] for path in rules), *_by_money(anew)]
    return [group for group in groups if group]


def _by_money(paths: list[str]) -> tuple[list[str], list[str]]:
    return [path for path in paths if path.startswith(MONEY_SECTIONS)], [
        path for path in paths if not path.startswith(MONEY_SECTIONS)
    ]


def _told(analyser: InfeasibilityAnalyser, result: FeasibilityResult, needed: list[str], gone: set[str], unsure: set[str]) -> IIS:
    shares = result.owners()
    names = [analyser.whole.scenarios.names[s] for s in analyser.scope]
    members = []
    for path in sorted(needed, key=lambda p: (-analyser.rank(p), -shares.get(p, 0.0), p)):
        requirement = analyser.requirements.get(path) or Requirement(
            path, "limit", path, ""
        )  # of a family of rows that has no words yet
        scenarios, first, last = _bites(analyser, [row for row in result.rows if row.owner == path])
        members.append(Member(requirement, shares.get(path, 0.0), scenarios, first, last, path not in unsure))
    each = [_by_itself(analyser, s, needed, gone) for s in analyser.scope]
    alone = None if None in each else tuple(name for name, alone in zip(names, each, strict=True) if alone)
    assert result.certificate is not None
    return IIS(tuple(members), _given(analyser, result), alone, not unsure, result.certificate.margin)


#: families whose keys end in (scenario, date); (scenario, period): what happens in it shows a date later
_DATED = {
    "rule": 0,
    "collateral": 0,
    "coverage": 0,
    "sculpted": 0,
    "loan_to_value": 0,
    "revolver_limit": 0,
    "rig_supply": 0,
    "service_floor": 0,
}
_DATED |= {"blocks_fit": 0}


def _bites(analyser: InfeasibilityAnalyser, rows: list[FarkasMultiplier]) -> tuple[tuple[str, ...], str, str]:
    """(scenarios, first date, last date) of the rows of one statement in a proof."""
    node = analyser.whole.scenarios.node
    names = analyser.whole.scenarios.names
    scenarios: set[int] = set()
    dates: list[int] = []
    for row in rows:
        if row.family not in _DATED:
            continue
        s, d = int(row.key[-2]), int(row.key[-1])
        s = analyser.scope[s]
        # decisions of a common node are told of the first of its scenarios
        together = {s}
        if row.family == "rig_supply":
            together = {k for k in analyser.scope if node[k, d] == node[s, d]}
        scenarios |= together
        dates.append(d)
    if not dates:
        return (), "", ""
    return (
        tuple(names[s] for s in sorted(scenarios)),
        iso_month(analyser.whole.clock, min(dates)),
        iso_month(analyser.whole.clock, max(dates)),
    )


#: scenarios up to which each is asked whether the statements collide in it by themselves
MOST_SCENARIOS_ASKED = 8


def _by_itself(analyser: InfeasibilityAnalyser, s: int, needed: list[str], gone: set[str]) -> bool | None:
    """Whether the statements collide in one scenario alone; None: not known."""
    if len(analyser.scope) == 1:
        return True
    if len(analyser.scope) > MOST_SCENARIOS_ASKED:
        return None
    keep = set(needed)
    rest = {path for path, one in analyser.requirements.items() if one.rows and path not in keep}
    feasible = analyser.of((s,)).without(gone | rest).feasible
    return None if feasible is None else not feasible


def _given(analyser: InfeasibilityAnalyser, result: FeasibilityResult) -> tuple[str, ...]:
    """What the proof takes as given besides statements."""
    out: list[str] = []
    heavy = [row for row in result.rows if row.share > LEAST_SHARE_OF_PROOF]
    sites = sorted({row.key[0] for row in heavy if row.family == HOURS})
    if sites:
        out.append(f"what every hour of power gives at most at {' and '.join(sites)}")
    families = {row.family for row in heavy if row.owner is None}
    out += [
        one.message for one in analyser.requirements.values() if one.kind == FACT and any(analyser.touched(one, r) for r in heavy)
    ]
    if families & {"taxable_income", "nol_roll", "nol_cap", "nol_available"}:
        out.append("taxes")
    return tuple(out)
