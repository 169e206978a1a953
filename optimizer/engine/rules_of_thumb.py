"""What a rule of thumb would do with the same case: the program within narrower bounds, proved like the optimum.

| name | what is decided for the program; the rest stays its own |
|---|---|
| `no-new-investment` | nothing is ordered, built, signed or issued; projects decided at nodes stay at nothing |
| `all-equity` | no debt is issued or drawn |
| `mine-only` | no AI contract is signed, no AI hall is built or converted |
| `ai-only` | no rig is ordered, and those owned are sold on the first date |
| `payback-24` | rigs are bought whenever they pay back within 24 months (`payback_orders`); nothing else is invested |

What a case demands (a `minimum`) is done up to what it demands, and no more. Where it demands AI contracts for which there are no halls
today, signed leases say, the company without new investment builds AI halls and interconnection for them and raises the money, as best it
can: `no-new-investment` is then told as `what-is-signed`. Contracts that run, debt that is out and rigs that
stand stay as they are. A revolver, rescue money, calls, retirements and the hours are the program's, unless the table says otherwise.
A narrower program is never worth more: the difference is what optimising is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from models.problem import Array, Problem
from optimizer.engine.solution import Solution
from optimizer.engine.values import Baseline, Outcome

if TYPE_CHECKING:
    from models.program.expressions import Decision
    from optimizer.engine.master import Narrowed, SolvedProgram

#: MW below which a rule of thumb does not order
SMALLEST_ORDER_MW = 1e-6
#: what is built for AI contracts
FOR_AI = ("build_ai", "convert", "expand")


def nothing_new(warm: SolvedProgram) -> Narrowed:
    """Nothing is bought, built, signed, issued or begun but what is owed. What each scenario decides by itself is running, not investing."""
    problem = warm.program.problem
    taken = ("orders", "exercised", "options", "built", "signed", "issued")
    plans = {project.name for project in problem.projects if not project.recourse}
    places = places_owed(problem)

    def closed(key: tuple[str, ...]) -> bool:
        owed = key[0] == "issued" or (key[0] == "built" and key[1] in places and key[2] in FOR_AI)
        return (key[0] in taken and not (places and owed)) or (key[0] == "units" and key[1] in plans)

    return _Narrowing(warm).close(closed).bounds()


def places_owed(problem: Problem) -> frozenset[str]:
    """Sites at which AI halls are owed: those of services that the case demands, where together they demand more than fits today's halls."""
    demanded = [service for service in problem.services if service.minimum > 0.0]
    places = [site for i, site in enumerate(problem.sites) if any(service.sites[i] for service in demanded)]
    if sum(service.minimum for service in demanded) <= sum(site.ai_mw for site in places):
        return frozenset()
    return frozenset(site.name for site in places)


def told_as(name: str, problem: Problem) -> str:
    """The name of a rule of thumb that says what it came to in this case."""
    return "what-is-signed" if name == "no-new-investment" and places_owed(problem) else name


def all_equity(warm: SolvedProgram) -> Narrowed:
    """No debt is issued or drawn."""
    return _Narrowing(warm).no_debt().bounds()


def mine_only(warm: SolvedProgram) -> Narrowed:
    """No AI contract is signed, no AI hall is built or converted."""
    halls = ("build_ai", "convert")
    return _Narrowing(warm).close(lambda key: key[0] == "signed" or (key[0] == "built" and key[2] in halls)).bounds()


def ai_only(warm: SolvedProgram) -> Narrowed:
    """No rig is ordered, and those owned are sold on the first date."""
    chosen = _Narrowing(warm).close(lambda key: key[0] in ("orders", "exercised", "options"))
    if warm.program.problem.rigs:
        chosen.most("installed", 0.0)
    return chosen.bounds()


def by_payback(warm: SolvedProgram, months: float, debt: bool) -> Narrowed:
    """Rigs by payback and nothing else; shares and cash pay, and debt if it may."""
    problem = warm.program.problem
    orders = payback_orders(problem, months)
    new = ("exercised", "options", "built", "signed")
    plans = {project.name for project in problem.projects if not project.recourse}
    chosen = _Narrowing(warm).close(lambda key: key[0] in new or (key[0] == "units" and key[1] in plans))
    for key, decision in warm.program.master.build.decisions.items():
        if key[0] == "orders":
            chosen.fix(decision, orders[key[1], key[2]])
    return (chosen if debt else chosen.no_debt()).bounds()


def decided_at_start(warm: SolvedProgram, held: Mapping[tuple[str, ...], float]) -> Narrowed:
    """Decisions of date 0 are those given, by key and in program units; what is not there stays free."""
    chosen = _Narrowing(warm)
    decisions = warm.program.master.build.decisions
    for key, value in held.items():
        var = decisions[key].at(0, 0) if key in decisions else None
        if var is not None and id(var) in chosen.column:
            j = chosen.column[id(var)]
            chosen.lower[j] = chosen.upper[j] = value
    return chosen.bounds()


def told(name: str, found: Solution, optimum: Solution) -> Baseline:
    """The best plan of a rule of thumb beside the optimum."""
    name = told_as(name, optimum.problem)
    proved = found.certificate is not None and found.certificate.verified
    if found.outcome in (Outcome.OPTIMAL, Outcome.LIMIT) and found.books is not None and proved:
        books = found.books
        assert optimum.objective is not None
        worth = optimum.objective - books.objective
        return Baseline(name, books.objective, found.upper_bound, books.expected, books.cvar, worth, None, found)
    said = {
        Outcome.INFEASIBLE: "no plan meets the rules and limits of the case this way",
        Outcome.LIMIT: "stopped at a limit before its optimum was proved",
        Outcome.UNVERIFIED: "its answer did not pass verification",
    }.get(found.outcome, found.outcome.value)
    return Baseline(
        name, None, None, None, None, None, ": ".join([said, "; ".join(found.reasons[:2])]) if found.reasons else said
    )


class _Narrowing:
    """Collects bounds for a warm program."""

    def __init__(self, warm: SolvedProgram) -> None:
        self.program, self.problem = warm.program, warm.program.problem
        lp = self.program.session.lp
        self.column = self.program.lp.number
        self.lower, self.upper = lp.col_lower.copy(), lp.col_upper.copy()
        self.row_lower, self.row_upper = lp.row_lower.copy(), lp.row_upper.copy()
        self.minimum: dict[tuple[str, ...], list[int]] = {}
        for i, con in enumerate(self.program.lp.rows):
            family, key = con.parent_component().local_name, con.index()
            if family.endswith("_minimum"):
                names = tuple(k for k in key if isinstance(k, str))
                self.minimum.setdefault((family.removeprefix("row_"), *names), []).append(i)

    def close(self, which: Callable[[tuple[str, ...]], bool]) -> _Narrowing:
        """Decisions whose key `which` picks are nothing, or just what the case demands of them."""
        for key, decision in self.program.master.build.decisions.items():
            if which(key):
                rows = self.minimum.get(_demand(key), [])
                if rows:
                    self.row_upper[rows] = self.row_lower[rows]
                else:
                    self.upper[self._columns(decision)] = 0.0
        return self

    def no_debt(self) -> _Narrowing:
        """No debt is issued or drawn; a revolver's opening balance may only go down to nothing."""
        debts = {debt.name: debt for debt in self.problem.debts}
        self.close(lambda key: key[0] == "issued" and key[1] in debts)
        for name, table in self.program.master.instruments.balances.items():
            if debts[name].kind == "revolver":
                most = debts[name].existing / self.problem.money
                for var in table.flat:
                    if id(var) in self.column:
                        self.upper[self.column[id(var)]] = most
        return self

    def most(self, component: str, value: float) -> None:
        """An upper bound on every variable of a family."""
        for var in self.program.master.build.component(component).values():
            if id(var) in self.column:
                self.upper[self.column[id(var)]] = value

    def fix(self, decision: Decision, values: Array) -> None:
        """A decision is `values` (S, D), in program units."""
        for s, d in np.ndindex(values.shape):
            var = decision.at(s, d)
            if var is not None and id(var) in self.column:
                j = self.column[id(var)]
                self.lower[j] = self.upper[j] = values[s, d]

    def _columns(self, decision: Decision) -> list[int]:
        shape = (self.problem.scenarios.count, self.problem.clock.dates)
        found = {id(decision.at(s, d)) for s, d in np.ndindex(shape)}
        return sorted(self.column[one] for one in found if one in self.column)

    def bounds(self) -> Narrowed:
        from optimizer.engine.master import Narrowed

        lp = self.program.session.lp
        columns = np.flatnonzero((self.lower != lp.col_lower) | (self.upper != lp.col_upper))
        rows = np.flatnonzero((self.row_lower != lp.row_lower) | (self.row_upper != lp.row_upper))
        return Narrowed((columns, self.lower[columns], self.upper[columns]), (rows, self.row_lower[rows], self.row_upper[rows]))


def _demand(key: tuple[str, ...]) -> tuple[str, ...]:
    """Family and names of the row that says how much of a decision a case demands."""
    family = {"built": "build_minimum", "signed": "service_minimum", "issued": "issue_minimum", "units": "project_minimum"}
    # a service's minimum is of all its sites together
    return (family.get(key[0], ""), *(key[1:2] if key[0] == "signed" else key[1:]))


# ---------------------------------------------------------------------------------------------------------------------
# Buying by payback


def payback_orders(problem: Problem, months: float) -> dict[tuple[str, str], Array]:
    """(rig, site) -> (S, D) MW that a buyer by simple payback orders.

    At each date of a rig's window, where  E[price] / E[margin a month] < months  over the scenarios that share the date's node, he buys
    as much as supply, the rig's limit and the mining hall that stands today leave room for, the shortest payback first. The margin is that
    of one MW in the period that begins at the date, run in the hours that pay (`monthly_margin`); the hall must hold the rigs from their
    arrival to the end of their life, beside those that stand there and those that were ordered before.
    """
    scenarios, clock, node = problem.scenarios, problem.clock, problem.scenarios.node
    shape = (scenarios.count, clock.dates)
    out = {(rig.name, site.name): np.zeros(shape) for rig in problem.rigs for site in problem.sites}
    may = [(r, i) for r, rig in enumerate(problem.rigs) for i in range(len(problem.sites)) if rig.sites[i]]
    margin = {(r, i): monthly_margin(problem, r, i) for r, i in may}
    left = [np.full(scenarios.count, rig.limit) for rig in problem.rigs]
    room = [np.full((scenarios.count, clock.periods), site.mining_mw) for site in problem.sites]
    for rig in problem.rigs:
        for i in range(len(problem.sites)):
            room[i][:, : rig.owned_life] -= rig.owned[i]
    for d in range(clock.periods):
        for one in np.unique(node[:, d]):
            here = np.flatnonzero(node[:, d] == one)
            odds = scenarios.probability[here] / scenarios.probability[here].sum()
            wanted = []
            for (r, i), table in margin.items():
                rig = problem.rigs[r]
                earned = float(odds @ table[here, d])
                if rig.window[d] and d + rig.lead < clock.periods and earned > 0.0:
                    time = float(odds @ rig.price[here, d]) / earned
                    if time < months:
                        wanted.append((time, r, i))
            bought = np.zeros(len(problem.rigs))
            for _, r, i in sorted(wanted):
                rig = problem.rigs[r]
                stay = slice(d + rig.lead, d + rig.lead + rig.life)
                most = min(
                    float(rig.supply[d]) - bought[r], float(left[r][here].min()), float(room[i][here, stay].min(initial=np.inf))
                )
                if SMALLEST_ORDER_MW < most < np.inf:
                    bought[r] += most
                    left[r][here] -= most
                    room[i][here, stay] -= most
                    out[rig.name, problem.sites[i].name][here, d] = most
    return out


def monthly_margin(problem: Problem, r: int, i: int) -> Array:
    """(S, T) USD a month that one MW of rig r earns at site i, alone there, run whenever an hour's coins are worth its power; less
    its fixed cost."""
    from models.hours.subproblem import make_subproblem

    subproblem = make_subproblem(problem, i, (r,), ())
    free = problem.sites[i].interconnection_mw - sum(block.mw for block in problem.sites[i].blocks)
    spare = np.maximum(np.broadcast_to(free, problem.clock.periods), 0.0)

    def worth(mw: float) -> Array:
        capacity = np.ones((subproblem.blocks, len(subproblem.entries)))
        for e, entry in enumerate(subproblem.entries):
            if entry.kind == "rig":
                capacity[:, e] = mw
            elif entry.kind == "grid":
                capacity[:, e] = np.tile(spare, problem.scenarios.count)
        return subproblem.recourse_solution(capacity).value

    gain = (worth(1.0) - worth(0.0)).reshape(problem.scenarios.count, -1)
    return (gain - problem.rigs[r].fixed_cost * problem.years) / problem.clock.months
