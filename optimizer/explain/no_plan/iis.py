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
from optimizer.explain.no_plan.elastic_program import Finding, Shift, Trial, Weighed
from optimizer.explain.no_plan.requirements.everything import requirements
from optimizer.explain.no_plan.row_owners import FACT, HOURS, ORDER, Row, Stated, matches, owner_of

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.explain.no_plan.adjustments import Lever, Settings

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

    statement: Stated
    share: float
    scenarios: tuple[str, ...] = ()
    first: str = ""
    last: str = ""
    certain: bool = True  # False: there was no time to see whether there is a plan without it and with all others
    alone: bool | None = None  # does the whole case have a plan without this one statement? None: not known


@dataclass(frozen=True)
class Conflict:
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
        return tuple(m.statement.path for m in self.members)


def _dropping(one: Stated) -> Change:
    return Change(one.drop or (), one.free, one.path)


def moving(lever: Lever, value: float) -> Change:
    """A lever at a value."""
    apply = lever.apply
    made = None if apply is None else lambda problem: apply(problem, value)
    return Change(lever.settings(value), made, f"{lever.path} {value!r}")


@dataclass(frozen=True)
class Slide:
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
    def of(cls, shift: Shift, trial: Trial) -> Slide:
        families = frozenset(trial.keys[i][0] for i in shift.rows)
        rows = _rows(trial, families)
        keys = [trial.keys[i] for i in rows]
        return cls(families, keys, _bounds(trial, rows), np.searchsorted(rows, shift.rows), shift.by, shift.least)

    def on(self, trial: Trial) -> Shift | None:
        """In another program; None unless it has the same rows of these families, as they stand."""
        rows = _rows(trial, self.families)
        if [trial.keys[i] for i in rows] != self.keys or not np.array_equal(_bounds(trial, rows), self.bounds):
            return None
        return Shift(rows[self.at], self.by, self.least)


def _rows(trial: Trial, families: frozenset[str]) -> Ints:
    return np.array([i for i, (family, _) in enumerate(trial.keys) if family in families], dtype=np.int64)


def _bounds(trial: Trial, rows: Ints) -> Array:
    return np.array([trial.base.row_lower[rows], trial.base.row_upper[rows]])


class Bench:
    """A case (or a problem of plain arrays), its statements, and trials of it without some of them.

    scope: the scenarios looked at (all by default). deadline: of time.perf_counter. lawful: see `Trial`. Other scenarios, another deadline
    and heeding the law make another bench (`of`, `until`, `under_law`) that shares all that was worked out.
    """

    def __init__(self, problem: Problem, case: Case | None = None) -> None:
        self.whole, self.case = problem, case
        self.deadline: float | None = None
        self.statements = {one.path: one for one in requirements(problem, case)}
        self._owner = owner_of(list(self.statements.values()))
        self.scope: tuple[int, ...] = tuple(range(problem.scenarios.count))
        self._trials: dict[tuple[tuple[str, ...], ...], Trial] = {}
        self._problems: dict[tuple[tuple[str, ...], ...], Problem | None] = {(): problem}
        self._slides: dict[tuple[tuple[int, ...], str], list[Slide]] = {}
        self._still: set[tuple[tuple[int, ...], str]] = set()  # figures that move more than bounds
        self.lawful = False
        self.born = time.perf_counter()

    def of(self, scope: tuple[int, ...]) -> Bench:
        """The same bench with other scenarios looked at."""
        other = copy.copy(self)
        other.scope = scope
        return other

    def until(self, deadline: float | None) -> Bench:
        """The same bench with another deadline."""
        other = copy.copy(self)
        other.deadline = deadline
        return other

    def under_law(self, lawful: bool = True) -> Bench:
        """The same bench, on which plans must meet what no row can say (`Trial`) too."""
        other = copy.copy(self)
        other.lawful = lawful
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

    def trial(self, changes: Sequence[Change] = ()) -> Trial | None:
        """A program of the scope's scenarios; the last few are kept warm."""
        key = self._key(changes)
        if key not in self._trials:
            problem = self.problem(changes)
            if problem is None:
                return None
            self._keep(key, Trial(self.scoped(problem), self._owner, self.lawful))
        return self._trials[key]

    def _key(self, changes: Sequence[Change], *more: str) -> tuple[tuple[str, ...], ...]:
        return ((*map(str, self.scope), *(["under law"] if self.lawful else [])), *(change.mark for change in changes), more)

    def _keep(self, key: tuple[tuple[str, ...], ...], trial: Trial) -> None:
        """Trials of the case itself stay, of the others the last few."""
        others = [k for k in self._trials if len(k) > 2 or k[-1]]
        if len(others) >= PROGRAMS_KEPT:
            del self._trials[others[0]]
        self._trials[key] = trial

    # ---- without some statements -------------------------------------------------------------------------------------
    def without(self, dropped: Collection[str], changes: Sequence[Change] = (), hours: bool = True, law: bool = False) -> Finding:
        """Is there a plan without these statements (and with these changes)? law: not if the law leaves none, as far as cuts tell."""
        if self.expired():
            return Finding(None, np.nan)
        trial = self.open(dropped, changes)
        if trial is None:
            return Finding(None, np.nan)
        in_rows = self.in_rows(dropped)
        found = trial.find(in_rows, hours, self.deadline)
        return (trial.barred(in_rows, self.deadline) or found) if law and found.feasible else found

    def open(self, dropped: Collection[str], changes: Sequence[Change] = ()) -> Trial | None:
        """The program of the case with changes, and without those of the statements dropped that are not said in rows."""
        anew = [self.statements[path] for path in sorted(dropped) if path in self.statements and not self.statements[path].rows]
        sliding = [one for one in anew if one.slides and (self.scope, one.path) not in self._still]
        gone = [_dropping(one) for one in anew if one not in sliding]
        base = self.trial([*changes, *gone])
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
        if key not in self._trials:
            self._keep(key, base.sliding(tuple(shifts)))
        return self._trials[key]

    def _slide(self, one: Stated, base: Trial, changes: Sequence[Change]) -> Shift | None:
        """How the program moves with the figure of a statement; as in another program, where the rows concerned are the same in both."""
        lever = one.levers[0]
        known = self._slides.setdefault((self.scope, one.path), [])
        for slide in known if lever.now != 0.0 else ():
            if (shift := slide.on(base)) is not None:
                return shift
        step = 0.01 * abs(lever.now) or lever.unit
        moved = self.problem([*changes, moving(lever, lever.now + step)])
        if moved is None:
            return None
        shift = base.shift(self.scoped(moved), step, least=-lever.now)
        if shift is not None:
            known.append(Slide.of(shift, base))
        return shift

    def relevant(self, finding: Finding) -> list[str]:
        """The statements that a proof needs, those first that are tried without first."""
        told = finding.owners()
        if finding.branched:
            return sorted(
                (one.path for one in self.statements.values() if self.can_drop(one)), key=lambda path: (self.rank(path), path)
            )
        out = {path for path in told}
        for one in self.statements.values():
            if one.kind != FACT and not one.rows and self.can_drop(one) and any(self.touched(one, row) for row in finding.rows):
                out.add(one.path)
        return sorted(out, key=lambda path: (self.rank(path), told.get(path, 0.0), path))

    def in_rows(self, paths: Collection[str]) -> list[str]:
        """Those that rows of the program say; a family that nobody has put into words is one of them."""
        return [path for path in paths if path not in self.statements or self.statements[path].rows]

    def can_drop(self, one: Stated) -> bool:
        return one.drop is not None if self.case is not None else one.free is not None

    def touched(self, one: Stated, row: Weighed) -> bool:
        if one.kind == "information":
            return len(self.scope) > 1
        return matches(one.touches, row.family, row.key)

    def rank(self, path: str) -> int:
        return ORDER.index(self.statements[path].kind) if path in self.statements else len(ORDER)

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

    def narrow(self, hours: bool = False) -> Bench:
        """In a large case: the bench with one scenario by itself, if it has no plan: the one that lacks most. The whole has none then
        either. Else this one.

        hours: let real hours say so in each, not only in the first.
        """
        if not self.large:
            return self
        worst, most, seen, alike = None, -np.inf, 0, 0
        kept: dict[tuple[tuple[str, ...], ...], Trial] = {}
        order = _order(self.whole)
        for s in order:
            if self.expired() or alike == MOST_ALIKE or seen > MOST_NONZEROS_COMPARED:
                break
            trial = self.of((s,)).trial()
            found = Finding(None, np.nan) if trial is None else trial.find(hours=hours, deadline=self.deadline)
            if s == order[0] and trial is not None and found.feasible:
                # what real hours bar, they mostly bar in each scenario: one is asked at length
                found = trial.find(deadline=self.deadline)
                hours = hours or found.feasible is False
            if (worst is not None or found.feasible is False) and trial is not None:
                seen += int(trial.base.matrix.nnz)
            if found.feasible is False:
                alike = alike + 1 if np.isclose(found.shortfall, most, rtol=1e-6, atol=0.0) else 1
                if found.shortfall > most:
                    worst, most, kept = s, found.shortfall, dict(self._trials)
            self._trials.clear()
        self._trials.update(kept)
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


def collide(bench: Bench, dropped: Collection[str] = (), progress: Progress | None = None) -> Conflict | None:
    """The smallest set that collides when `dropped` are let go; None where there is a plan (or no answer in time)."""
    gone: set[str] = set(dropped)
    finding = bench.without(gone)
    if finding.feasible is not False:
        return None
    needed: list[str] = []
    unsure: set[str] = set()

    def open_() -> list[str]:
        """What the proof at hand needs and has not been looked at."""
        return [path for path in bench.relevant(finding) if path not in needed and path not in gone]

    def spare() -> set[str]:
        """Statements in rows that the proof at hand does without: they can go at once, and it still holds."""
        return set() if finding.branched else {path for path in bench.in_rows(bench.statements) if path not in finding.owners()}

    gone |= spare()
    stack = _groups(bench, open_())
    while stack:
        waiting = set(open_())
        group = [path for path in stack.pop(0) if path in waiting]
        if group:
            if progress is not None:
                progress("conflict", statements=len(waiting) + len(needed), needed=len(needed))
            found = bench.without(gone | set(group))
            if found.feasible is False:
                finding = found
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
            stack = _groups(bench, open_())
    return _told(bench, finding, needed, gone, unsure)


def _groups(bench: Bench, paths: list[str]) -> list[list[str]]:
    """In which order statements are let go, and which of them together.

    All that is about money at once, first: what is impossible with all the money in the world has a short explanation. Then all that is
    about anything but rules. Where such a group cannot go as a whole it is halved. What is in rows before what is not: the program is warm.
    """
    in_rows = bench.in_rows(paths)
    rules = [path for path in in_rows if path in bench.statements and bench.statements[path].kind == "rule"]
    others = [path for path in in_rows if path not in rules]
    anew = [path for path in paths if path not in in_rows]
    groups = [*_by_money(others), *([path] for path in rules), *_by_money(anew)]
    return [group for group in groups if group]


def _by_money(paths: list[str]) -> tuple[list[str], list[str]]:
    return [path for path in paths if path.startswith(MONEY_SECTIONS)], [
        path for path in paths if not path.startswith(MONEY_SECTIONS)
    ]


def _told(bench: Bench, finding: Finding, needed: list[str], gone: set[str], unsure: set[str]) -> Conflict:
    shares = finding.owners()
    names = [bench.whole.scenarios.names[s] for s in bench.scope]
    members = []
    for path in sorted(needed, key=lambda p: (-bench.rank(p), -shares.get(p, 0.0), p)):
        statement = bench.statements.get(path) or Stated(path, "limit", path, "")  # of a family of rows that has no words yet
        scenarios, first, last = _bites(bench, [row for row in finding.rows if row.owner == path])
        members.append(Member(statement, shares.get(path, 0.0), scenarios, first, last, path not in unsure))
    each = [_by_itself(bench, s, needed, gone) for s in bench.scope]
    alone = None if None in each else tuple(name for name, alone in zip(names, each, strict=True) if alone)
    assert finding.certificate is not None
    return Conflict(tuple(members), _given(bench, finding), alone, not unsure, finding.certificate.margin)


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


def _bites(bench: Bench, rows: list[Weighed]) -> tuple[tuple[str, ...], str, str]:
    """(scenarios, first date, last date) of the rows of one statement in a proof."""
    node = bench.whole.scenarios.node
    names = bench.whole.scenarios.names
    scenarios: set[int] = set()
    dates: list[int] = []
    for row in rows:
        if row.family not in _DATED:
            continue
        s, d = int(row.key[-2]), int(row.key[-1])
        s = bench.scope[s]
        # decisions of a common node are told of the first of its scenarios
        together = {s}
        if row.family == "rig_supply":
            together = {k for k in bench.scope if node[k, d] == node[s, d]}
        scenarios |= together
        dates.append(d)
    if not dates:
        return (), "", ""
    return (
        tuple(names[s] for s in sorted(scenarios)),
        iso_month(bench.whole.clock, min(dates)),
        iso_month(bench.whole.clock, max(dates)),
    )


#: scenarios up to which each is asked whether the statements collide in it by themselves
MOST_SCENARIOS_ASKED = 8


def _by_itself(bench: Bench, s: int, needed: list[str], gone: set[str]) -> bool | None:
    """Whether the statements collide in one scenario alone; None: not known."""
    if len(bench.scope) == 1:
        return True
    if len(bench.scope) > MOST_SCENARIOS_ASKED:
        return None
    keep = set(needed)
    rest = {path for path, one in bench.statements.items() if one.rows and path not in keep}
    feasible = bench.of((s,)).without(gone | rest).feasible
    return None if feasible is None else not feasible


def _given(bench: Bench, finding: Finding) -> tuple[str, ...]:
    """What the proof takes as given besides statements."""
    out: list[str] = []
    heavy = [row for row in finding.rows if row.share > LEAST_SHARE_OF_PROOF]
    sites = sorted({row.key[0] for row in heavy if row.family == HOURS})
    if sites:
        out.append(f"what every hour of power gives at most at {' and '.join(sites)}")
    families = {row.family for row in heavy if row.owner is None}
    out += [one.told for one in bench.statements.values() if one.kind == FACT and any(bench.touched(one, r) for r in heavy)]
    if families & {"taxable_income", "nol_roll", "nol_cap", "nol_available"}:
        out.append("taxes")
    return tuple(out)
