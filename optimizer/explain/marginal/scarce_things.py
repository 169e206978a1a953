"""Everything a case states that is scarce or demanded, and what one unit more or less of it does to the program.

A statement is one value of the case (`sites.texas.interconnection.now`, `financing.notes.limit`, a rule), whatever number of rows it has:
its rows over all dates and scenarios move together, and everything else that follows from it moves too: fixed costs of a hall, the
commitment fee of a revolver, words of rules that the value is part of, the hours' capacities.

One unit is always a unit of *relief*: one more of a limit, one less of a demand (a minimum, a floor, a rule with >=, a coverage). For what
is an equation (cash, a rule with ==) it is one more. So the last unit is never worth less than the next, and neither is worth less than
nothing, but for equations, whose worth has a sign, and for what costs money to have (the fixed cost of a hall, the fees of a line).

These are found in a program that has a plan. What a case without one states, with places, and how it is dropped and loosened by settings
(also windows, lead times and what stands today, which are no rows), is found by `no_plan.requirements`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.dates import date_text
from models.problem import Array, Debt, Equity, Ints, Problem
from models.proforma.calendar import month_at
from models.proforma.functions import along
from models.rules.language import WORDS
from models.rules.rule_unit import rule_unit
from optimizer.engine.views.builds import BUILDS
from optimizer.explain import stated_limits
from optimizer.explain.marginal.headroom import Headroom
from optimizer.explain.stated_limits import Limit

if TYPE_CHECKING:
    from models.program.master_problem import MasterProblem
    from optimizer.solver.linear_program import LinearProgram

#: families whose rows carry a calendar year in place of a date
BY_YEAR = frozenset(
    {"diesel_permit", "taxable_income", "interest_carryforward", "interest_limit", "energy_budget", "emission_cap"}
)


@dataclass(frozen=True)
class Effect:
    """What a unit of relief adds, in program units: to both bounds of rows, to upper bounds of columns, to coefficients, and in MW to the
    capacities (B, E) of sites whose hours are valued by cuts."""

    rows: Ints
    row: Array
    columns: Ints
    column: Array
    entry_rows: Ints
    entry_columns: Ints
    entry: Array
    capacity: tuple[tuple[int, Array], ...] = ()

    @property
    def empty(self) -> bool:
        return not (len(self.rows) or len(self.columns) or len(self.entry) or self.capacity)


@dataclass(frozen=True)
class ScarceThing:
    """One value of a case. path: where the case states it ("": nowhere); unit: natural unit that its worth is counted by.

    relief: 'more' or 'less' of the value. room (S, K) in the unit, NaN where it does not apply, at the dates `dates` (None: over the
    horizon). size: what steps are measured against. rigid: no plan can do with less (it is used to the full by what is given).
    """

    name: str
    path: str
    unit: str
    relief: str
    effect: Effect
    room: Array
    dates: tuple[int | None, ...]
    size: float
    rigid: bool = False


class Collected:
    """An effect being put together."""

    def __init__(self) -> None:
        self.rows: dict[int, float] = {}
        self.columns: dict[int, float] = {}
        self.entries: dict[tuple[int, int], float] = {}
        self.capacity: list[tuple[int, Array]] = []

    def row(self, i: int | None, amount: float) -> None:
        if i is not None and amount:
            self.rows[i] = self.rows.get(i, 0.0) + amount

    def column(self, j: int | None, amount: float) -> None:
        if j is not None and amount:
            self.columns[j] = self.columns.get(j, 0.0) + amount

    def add(self, other: Collected) -> None:
        """The rows and columns of another one."""
        for i, amount in other.rows.items():
            self.row(i, amount)
        for j, amount in other.columns.items():
            self.column(j, amount)

    def effect(self) -> Effect:
        def split(table: dict[int, float]) -> tuple[Ints, Array]:
            return np.array(list(table), dtype=np.int64), np.array(list(table.values()), dtype=float)

        at = np.array(list(self.entries), dtype=np.int64).reshape(-1, 2)
        entry = np.array(list(self.entries.values()), dtype=float)
        return Effect(*split(self.rows), *split(self.columns), at[:, 0], at[:, 1], entry, tuple(self.capacity))


class ScarceThings:
    """Finds every statement of a solved case. lp: the program as built; headroom: of the plan."""

    def __init__(self, master: MasterProblem, lp: LinearProgram, headroom: Headroom) -> None:
        self.master, self.lp, self.room = master, lp, headroom
        self.problem: Problem = master.build.problem
        self.unit = master.build.unit
        self.index: dict[str, dict[tuple, int]] = {}
        for i, con in enumerate(lp.rows):
            key = con.index() if isinstance(con.index(), tuple) else (con.index(),)
            self.index.setdefault(con.parent_component().local_name.removeprefix("row_"), {})[key] = i
        self.column = lp.number
        self.out: list[ScarceThing] = []
        self.text: set[str] = set()  # families that are part of a statement
        self.find()

    def find(self) -> None:
        p = self.problem
        for i in range(len(p.sites)):
            self._site(i)
        for r in range(len(p.rigs)):
            self._rig(r)
        for j in range(len(p.services)):
            self._service(j)
        for debt in p.debts:
            self._instrument(debt)
        for equity in p.equities:
            self._instrument(equity)
        self._opening_cash()
        for k in range(len(p.projects)):
            self._project(k)
        self._rules()
        self._others()
        for d in range(p.clock.dates):
            self._cash(d)

    # ---- helpers ---------------------------------------------------------------------------------------------------
    def rows(self, family: str, which: Callable[[tuple], bool] = lambda key: True) -> Iterable[tuple[tuple, int]]:
        self.text.add(family)
        return [(key, i) for key, i in self.index.get(family, {}).items() if which(key)]

    def all(self, family: str, names: tuple[str, ...], amount: float) -> Collected:
        """The same amount on all rows of a family whose key begins with these names."""
        made = Collected()
        for _, i in self.rows(family, lambda key: key[: len(names)] == names):
            made.row(i, amount)
        return made

    def add(
        self,
        name: str,
        path: str,
        unit: str,
        relief: str,
        made: Collected,
        room: Array,
        size: float,
        rigid: bool = False,
        dates: tuple[int | None, ...] | None = None,
    ) -> None:
        """Tell a statement, unless nothing can be decided under it. dates: None: one total, or dates from 0 on."""
        effect = made.effect()
        if effect.empty and not rigid:
            return
        if dates is None:
            dates = (None,) if room.shape[1] == 1 else tuple(range(room.shape[1]))
        self.out.append(ScarceThing(name, path, unit, relief, effect, room, dates, abs(size), rigid))

    def limit(self, one: Limit, room: Array, more: Collected | None = None) -> None:
        """Tell a limit or a minimum that rows say. more: what a unit of relief adds to the program beside them."""
        made = Collected() if more is None else more
        amount = (-1.0 if one.demand else 1.0) / (self.unit if one.unit == "USD" else 1.0)
        made.add(self.all(one.row[0], one.row[1:], amount))
        self.add(one.name, one.path, one.unit, "less" if one.demand else "more", made, room, one.value)

    def words(self, made: Collected, word: str, argument: str | None, per_unit: Array) -> None:
        """What a change of a word's constant part (S, D), in natural units, does to the rules that use it."""
        for rule in self.problem.rules:
            moved = np.zeros_like(per_unit)
            for term, coefs in rule.terms.items():
                if (term.word, term.argument) == (word, argument):
                    moved = moved + coefs * along(term, per_unit, WORDS[word].operating, self.problem.clock)[0]
            if rule.expected:
                odds = self.problem.scenarios.probability[:, None]
                moved = np.concatenate([(odds * moved).sum(axis=0, keepdims=True), np.zeros_like(moved[1:])])
            for s, d in np.argwhere(rule.active & (moved != 0.0)):
                key = (rule.name, int(s), int(d))
                scale = self.master.build.scales.get(("rule", key), 1.0)
                made.row(self.index.get("rule", {}).get(key), -float(moved[s, d]) / scale)

    def everywhere(self, value: float = 1.0) -> Array:
        return np.full((self.problem.scenarios.count, self.problem.clock.dates), value)

    def tight_without_row(self, family: str, name: str, room: Array) -> bool:
        """Whether what is given alone fills a capacity at a place where the program has no row to move."""
        node = self.problem.scenarios.node
        known = {key[:3] for kind in (family, f"{family}_after") for key in self.index.get(kind, {})}
        for s, d in np.argwhere(room <= 1e-9 * (1.0 + np.abs(np.nan_to_num(room)).max(initial=0.0))):
            if not any((name, int(mate), int(d)) in known for mate in np.flatnonzero(node[:, d] == node[s, d])):
                return True
        return False

    # ---- sites -----------------------------------------------------------------------------------------------------
    def _site(self, i: int) -> None:
        site = self.problem.sites[i]
        where = f"sites.{site.name}"
        self._interconnection(i, f"{where}.interconnection.now")
        self._hall(i, "mining_hall", site.mining_cost, f"mining hall of {site.name}", f"{where}.mining_hall.now", site.mining_mw)
        self._hall(i, "ai_hall", site.ai_cost, f"AI hall of {site.name}", f"{where}.ai_hall.now", site.ai_mw)
        for kind in BUILDS:
            terms = getattr(site, kind)
            if terms is not None:
                self.limit(stated_limits.build_limit(site, kind, terms), self.room.built(i, kind))
                self.limit(stated_limits.build_minimum(site, kind, terms), self.room.built(i, kind, True))
        permit = stated_limits.diesel_permit(site)
        if permit is not None:
            self._permit(i, permit)

    def _interconnection(self, i: int, path: str) -> None:
        """One more MW in every hour: for the grid's capacity, beside the blocks, in words of rules."""
        site, master = self.problem.sites[i], self.master
        made = self.all("blocks_fit", (site.name,), -1.0)
        for key, row in self.rows("service_floor_after", lambda key: key[0] == site.name):
            made.row(row, master.sites.line_share(i, key[1]))
        for key, row in self.rows("grid_limit", lambda key: key[0] == site.name):
            assert master.power is not None
            merit = master.power.blocks[i, key[1], key[2]].merit
            made.row(row, float(next(g.limit[key[3]] for g in merit.sources if g.is_grid)))
        for _, row in self.rows("capacity", lambda key: key[0] == "grid" and key[2] == i):
            made.row(row, 1.0)
        if master.recourse is not None:
            value = master.recourse.values[i]
            grid = [e for e, entry in enumerate(value.subproblem.entries) if entry.kind == "grid"]
            more = np.zeros_like(value.constant)
            for e in grid:
                alone = [v is None or v.parent_component().local_name != "capacity" for v in value.column[:, e]]
                more[:, e] = np.array(alone, dtype=float)
            if more.any():
                made.capacity.append((i, more))
        self.words(made, "interconnection_mw", site.name, self.everywhere())
        room = self.room.interconnection(i)
        blocks = sum((block.mw for block in site.blocks), np.zeros(self.problem.clock.periods))
        rigid = bool(site.blocks) and self.tight_without_row(
            "blocks_fit", site.name, self.room.assets.interconnection[site.name] - blocks
        )
        name = f"interconnection of {site.name}"
        self.add(name, path, "MW", "more", made, room, site.interconnection_mw, rigid)

    def _hall(self, i: int, family: str, cost: float, name: str, path: str, size: float) -> None:
        """One more MW of hall that stands, at its fixed cost."""
        site, p = self.problem.sites[i], self.problem
        made = self.all(family, (site.name,), 1.0)
        room = self.room.mining_hall(i) if family == "mining_hall" else self.room.ai_hall(i)
        rigid = self.tight_without_row(family, site.name, room)
        if family == "mining_hall":
            for _, row in self.rows("mining_hall_left", lambda key: key[0] == site.name):
                made.row(row, -1.0)
        else:
            for _, row in self.rows("ai_hall_after", lambda key: key[0] == site.name):
                made.row(row, 1.0)
        if made.rows or rigid:
            for (_, d), row in self.rows("operating_cash", lambda key: key[1] > 0):
                made.row(row, -cost * p.years[d - 1] / self.unit)
            self.words(made, f"{family}_mw", site.name, self.everywhere())
            self.add(name, path, "MW", "more", made, room, size, rigid)

    def _permit(self, i: int, permit: Limit) -> None:
        """One more hour a calendar year at full power."""
        site, clock = self.problem.sites[i], self.problem.clock
        assert site.diesel is not None
        years = [clock.tax_year == y for y in range(clock.tax_years)]
        per_hour = np.array([float(site.diesel.mw[in_year].max() * clock.months[in_year].sum() / 12.0) for in_year in years])
        made = Collected()
        for key, row in self.rows("diesel_permit", lambda key: key[0] == site.name):
            made.row(row, per_hour[key[2]] / self.master.build.scales.get(("diesel_permit", key), 1.0))
        first = tuple(int(np.flatnonzero(in_year)[0]) for in_year in years)
        room = self.room.permit(i, per_hour)
        self.add(permit.name, permit.path, "hours", "more", made, room, permit.value, dates=first)

    # ---- rigs and services -----------------------------------------------------------------------------------------
    def _rig(self, r: int) -> None:
        rig = self.problem.rigs[r]
        self.limit(stated_limits.rig_supply(rig), self.room.supply(r))
        self.limit(stated_limits.rig_limit(rig), self.room.rigs(r))
        option = stated_limits.rig_option_limit(rig)
        if option is not None:
            self.limit(option, self.room.options(r))

    def _service(self, j: int) -> None:
        service = self.problem.services[j]
        self.limit(stated_limits.service_limit(service), self.room.service(j))
        self.limit(stated_limits.service_minimum(service), self.room.service(j, True))
        if service.floor > 0.0:
            self._floor(j, f"ai.{service.name}.floor")

    def _floor(self, j: int, path: str) -> None:
        """The whole share less (unit: 100 %): coefficients of the MW contracted, and the part of what is contracted already.

        served - floor * demand * K >= floor * demand * (MW contracted already): all but what is served is proportional to the floor.
        """
        service = self.problem.services[j]
        made = Collected()
        matrix = self.lp.matrix.tocsr()
        for _, row in self.rows("service_floor", lambda key: key[1] == service.name):
            made.row(row, -float(self.lp.row_lower[row]) / service.floor)
            for k in range(matrix.indptr[row], matrix.indptr[row + 1]):
                column = int(matrix.indices[k])
                if self.lp.columns[column].parent_component().local_name not in ("use", "quantity"):
                    made.entries[row, column] = -float(matrix.data[k]) / service.floor
        self._floor_after(j, made)
        self.add(f"service floor of {service.name}", path, "share", "less", made, self.room.floor(j), service.floor)

    def _floor_after(self, j: int, made: Collected) -> None:
        """The same of what must be served after the horizon: all that the service asks for there is proportional to its floor."""
        services, p = self.master.services, self.problem
        names = [site.name for site in p.sites]
        for (name, s, _, k), row in self.rows("service_floor_after"):
            i = names.index(name)
            asked = services.after(i, s)[p.clock.periods + k].get(j)
            if asked is None:
                continue
            share = services.needs(i, s)[j] / p.services[j].floor
            made.row(row, share * asked.const)
            one = asked.merged()
            for coef, var in zip(one.coefs, one.vars, strict=True):
                made.entries[row, self.column[id(var)]] = -share * coef

    # ---- money -----------------------------------------------------------------------------------------------------
    def _instrument(self, one: Debt | Equity) -> None:
        most = stated_limits.issue_limit(one)
        if isinstance(one, Debt) and one.kind == "revolver":
            self.add(most.name, most.path, most.unit, "more", self._revolver(one), self.room.outstanding(one), most.value)
        else:
            self._issue(one, most)
        if not isinstance(one, Debt):
            return
        if one.collateral:
            self.limit(stated_limits.collateral(one), self.room.collateral(one))
        if one.kind == "btc_loan":
            self.limit(stated_limits.loan_to_value(one), self.room.loan_to_value(one))
        if one.kind not in ("revolver", "btc_loan") and not one.is_strip and one.coverage > 0.0:
            self.limit(stated_limits.coverage(one), self.room.coverage(one))

    def _issue(self, one: Debt | Equity, most: Limit) -> None:
        """What may be issued in all and at a date, and what must be; of debt with a balance of its own, the balance is what is limited."""
        room, balances = self.room.issue(one), Collected()
        if isinstance(one, Debt) and not one.is_strip:
            for var in self.master.instruments.balances[one.name].flat:
                if id(var) in self.column:
                    balances.columns.setdefault(self.column[id(var)], 1.0 / self.unit)
            room = self.room.outstanding(one) if one.kind == "btc_loan" else room
        self.limit(most, room, balances)
        made = Collected()
        issued = self.master.instruments.issued[one.name]
        for s, d in np.ndindex(self.room.shape):
            var = issued.at(s, d)
            if var is not None and np.isfinite(one.date_limit[d]):
                made.columns[self.column[id(var)]] = 1.0 / self.unit
        finite = one.date_limit[np.isfinite(one.date_limit)]
        name, path = f"limit per date of {one.name}", f"financing.{one.name}.per_date"
        self.add(name, path, "USD", "more", made, self.room.per_date(one), float(finite.max(initial=0.0)))
        self.limit(stated_limits.issue_minimum(one), self.room.issue(one, True))

    def _revolver(self, debt: Debt) -> Collected:
        """One more dollar of the line, with the fees that are paid on it."""
        p, b = self.problem, self.master.build
        made = self.all("revolver_limit", (debt.name,), 1.0 / self.unit)
        balances = self.master.instruments.balances[debt.name]
        paid = np.zeros(self.room.shape)  # commitment fees per USD of limit
        for d in range(1, p.clock.dates):
            there = np.array([var is not None for var in balances[:, d - 1]])
            paid[:, d] = np.where(there, debt.commitment * p.years[d - 1], 0.0)
        cost = np.zeros((p.scenarios.count, p.clock.tax_years))  # of the line itself, as it is deducted
        standing = np.flatnonzero([var is not None for var in balances[0]])
        first = int(standing[0]) if len(standing) else None
        if first is not None and debt.fee and debt.existing <= 0.0:
            end = p.clock.date_at(debt.maturity_month(int(p.clock.date_month[first])))
            life = max(month_at(p.clock, end) - month_at(p.clock, first), 1)
            worn = np.clip(p.clock.date_month - p.clock.date_month[first], 0, life) / life
            for d in range(1, p.clock.dates):
                cost[:, b.year_of(d)] += debt.fee * (worn[d] - worn[d - 1])
            left = 1.0 - worn  # what the books still carry of the fee, in what was earned
            for (_, _, d), row in self.index.get("dividends_earned", {}).items():
                if d >= first:
                    made.row(row, debt.fee * float(left[d]) / self.unit)
        cash, tax = self.index.get("cash", {}), p.tax
        for s, d in np.ndindex(paid.shape):
            upfront = debt.fee if d == first and debt.existing <= 0.0 else 0.0
            made.row(cash.get((s, d)), -float(paid[s, d] + upfront) / self.unit)
            if tax is not None:
                y = b.year_of(d)
                limited = tax.interest_limit is not None and y >= tax.interest_limit.first_year
                family, sign = ("interest_carryforward", 1.0) if limited else ("taxable_income", -1.0)
                made.row(self.index[family].get((s, y)), sign * float(paid[s, d]) / self.unit)
        if tax is not None:
            for s, y in np.ndindex(cost.shape):
                made.row(self.index["taxable_income"].get((s, y)), -float(cost[s, y]) / self.unit)
        for word in ("interest", "debt_service"):
            self.words(made, word, None, paid)
        return made if self.index.get("revolver_limit") else Collected()

    def _opening_cash(self) -> None:
        made = Collected()
        for _, row in self.rows("cash", lambda key: key[1] == 0):
            made.row(row, 1.0 / self.unit)
        for row in self.index.get("dividends_earned", {}).values():  # what was there at the start was not earned
            made.row(row, -1.0 / self.unit)
        room, size = self.room.cash(0), self.problem.treasury.cash
        self.add("opening cash", "treasury.cash", "USD", "more", made, room, size, dates=(0,))

    def _cash(self, d: int) -> None:
        """A dollar at date d in every scenario: nobody states it, but everything else is paid with it."""
        if d == 0:
            return
        made = Collected()
        for _, row in self.rows("cash", lambda key: key[1] == d):
            made.row(row, 1.0 / self.unit)
        self.add(f"cash at {date_text(self.problem, d)}", "", "USD", "more", made, self.room.cash(d), 0.0, dates=(d,))

    # ---- projects and rules ----------------------------------------------------------------------------------------
    def _project(self, k: int) -> None:
        project = self.problem.projects[k]
        self.limit(stated_limits.project_limit(project), self.room.project(k))
        self.limit(stated_limits.project_minimum(project), self.room.project(k, True))

    def _rules(self) -> None:
        """A rule's constant at all of its dates."""
        for n, rule in enumerate(self.problem.rules):
            made = Collected()
            sign = -1.0 if rule.sense == ">=" else 1.0
            for key, row in self.rows("rule", lambda key, name=rule.name: key[0] == name):  # type: ignore[misc]
                made.row(row, sign / self.master.build.scales.get(("rule", key), 1.0))
            unit = rule_unit(rule)
            room, left = self.room.rule(n)
            relief = {">=": "less", "<=": "more", "==": "more"}[rule.sense]
            rigid = rule.penalty is None and self._held_without_row(n, room)
            size = max(float(np.abs(rule.constant[rule.active]).max(initial=0.0)), float(np.nanmax(np.abs(left), initial=0.0)))
            self.add(rule.name, rule.path or f"rules[{n}]", unit, relief, made, room, size, rigid)

    def _held_without_row(self, n: int, room: Array) -> bool:
        """Whether a rule holds just so, where nothing that it speaks of is decided."""
        rule, known = self.problem.rules[n], self.index.get("rule", {})
        size = 1e-9 * (1.0 + np.abs(rule.constant))
        return any((rule.name, int(s), int(d)) not in known for s, d in np.argwhere(room <= size))

    def _others(self) -> None:
        """Rows of families that price something and that no statement above holds: each name one statement, its room that of its rows."""
        build = self.master.build
        for family, unit in sorted(build.units.items()):
            if family in self.text:
                continue
            names = dict.fromkeys(tuple(k for k in key if isinstance(k, str)) for key in self.index.get(family, {}))
            for name in names:
                made, sides = Collected(), set()
                for key, row in self.rows(family, lambda key, name=name: key[: len(name)] == name):  # type: ignore[misc]
                    sides.add(bool(np.isfinite(self.lp.row_upper[row])))
                    sign = 1.0 if np.isfinite(self.lp.row_upper[row]) else -1.0
                    made.row(row, sign / build.scales.get((family, key if len(key) > 1 else key[0]), 1.0))
                relief = "more" if sides == {True} else "less"
                room = np.full((self.problem.scenarios.count, 1), np.nan)
                told = " ".join([family.replace("_", " "), *name])
                self.add(told, "", unit.partition("/")[2] or unit, relief, made, room, 1.0)


# ---------------------------------------------------------------------------------------------------------------------
# What is closed


@dataclass(frozen=True)
class Opened:
    """A problem in which limits of nothing are limits of a little, and their paths with what was added (natural units)."""

    problem: Problem
    added: dict[str, float] = field(default_factory=dict)


def opened(problem: Problem) -> Opened:
    """Limits of nothing leave their decisions out of the program: what the next unit is worth takes a program that has them.

    Opened by one MW, or one money unit: rigs, services, and debt and shares that may not be issued for want of a limit.
    """
    added: dict[str, float] = {}

    def more(value: Any, path: str, limit: float, used: float, unit: float, may: bool) -> Any:
        if limit != used or not may:
            return value
        added[path] = used + unit - limit
        return replace(value, limit=used + unit)

    dates = np.arange(problem.clock.dates)

    def some(window: Any, lead: int) -> bool:
        return bool((window & (dates + lead <= problem.clock.periods - 1)).any())

    rigs = tuple(more(r, f"rigs.{r.name}.limit", r.limit, 0.0, 1.0, some(r.window, r.lead)) for r in problem.rigs)
    services = tuple(
        more(j, f"ai.{j.name}.limit", j.limit, float(j.contracted.sum()), 1.0, some(j.window, j.lead) and j.limit == 0.0)
        for j in problem.services
    )
    # a revolver's limit costs fees, and a loan of a stated ratio has the size that follows from it
    debts = tuple(
        more(
            d,
            f"financing.{d.name}.limit",
            d.limit,
            d.existing,
            problem.money,
            some(d.window, 0) and d.kind != "revolver" and d.ratio is None,
        )
        for d in problem.debts
    )
    equities = tuple(
        more(e, f"financing.{e.name}.limit", e.limit, 0.0, problem.money, some(e.window, 0)) for e in problem.equities
    )
    return Opened(replace(problem, rigs=rigs, services=services, debts=debts, equities=equities), added)
