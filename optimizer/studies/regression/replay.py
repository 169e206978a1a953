"""A plan of an earlier run put into today's program: is it still allowed, and what is it worth?

Held are the decisions of capital and financing that tree nodes share: orders, options, retirements, builds, contracts, projects, issues,
draws, calls and repayments of loans. The rest answers as well as it can: hours, tax, coins, dividends, revolver, rescue equity. So a
difference in worth says that the program has changed, and no difference that there is more than one best plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.dates import iso_dates
from models.program.expressions import without_rounding

if TYPE_CHECKING:
    from models.program.expressions import Decision
    from optimizer.engine.master import Narrowed, SolvedProgram
    from optimizer.engine.solution import Solution, Solved

#: decisions that answer to the others
ANSWERS = frozenset({"sold", "dividends", "rescue"})
#: decisions in USD; the others are in MW or units
MONEY = frozenset({"issued", "called", "repaid"})
#: how far held decisions may give way, relative, before the plan counts as forbidden: rounding, of the solver and of a sum in another order
DECISION_TOLERANCES = (1e-9, 1e-7)

#: {decision: [[date, scenarios that share it, amount], ...]}
PlanTable = dict[str, list[list[Any]]]


@dataclass(frozen=True)
class Again:
    """allowed: whether today's program allows the plan; worth USD, None where the run that values it ended without a plan; solution: its
    books; reasons: why it is not allowed, or not proved."""

    allowed: bool
    value: float | None
    solution: Solution | None
    reasons: tuple[str, ...] = ()


def _held(warm: SolvedProgram) -> dict[str, tuple[Decision, float]]:
    """Name -> (decision, natural units per program unit) of what a plan is held to."""
    problem = warm.program.problem
    unit, dates = problem.money, iso_dates(problem.clock)
    out = {}
    for key, decision in warm.program.master.build.decisions.items():
        if key[0] in ANSWERS or decision.recourse:
            continue
        # a call is of one vintage, whose key is the number of its date
        words = [*key[:2], f"of {dates[int(key[2])]}"] if key[0] == "called" else list(key)
        out[" ".join(words)] = (decision, unit if key[0] in MONEY else 1.0)
    return out


def plan_of(warm: SolvedProgram) -> PlanTable:
    """The held decisions of a solved program. Amounts are exact; what is not listed is nothing."""
    problem = warm.program.problem
    scenarios, dates = problem.scenarios, iso_dates(problem.clock)
    out: PlanTable = {}
    for name, (decision, unit) in _held(warm).items():
        rows: list[list[Any]] = []
        for d, date in enumerate(dates):
            groups: dict[int, list[int]] = {}
            for s in range(scenarios.count):
                var = decision.at(s, d)
                if var is not None and without_rounding(var.value) > 0.0:
                    groups.setdefault(id(var), []).append(s)
            for members in groups.values():
                who = "all" if len(members) == scenarios.count else "+".join(scenarios.names[s] for s in members)
                rows.append([date, who, without_rounding(decision.at(members[0], d).value) * unit])
        if rows:
            out[name] = rows
    return out


def again(solved: Solved, plan: PlanTable) -> Again:
    """The plan in the program of a solve. What the program decides besides is chosen anew and proved."""
    from optimizer.engine.policy import Thoroughness
    from optimizer.engine.solve import within

    warm = solved.warm
    assert warm is not None
    values, reasons = _values(warm, plan)
    if reasons:
        return Again(False, None, None, tuple(reasons))
    found = None
    for give in DECISION_TOLERANCES:
        bounds = _bounds(warm, values, give)
        columns, lower, upper = bounds.columns
        crossed = np.flatnonzero(lower > upper)
        if len(crossed):
            return Again(False, None, None, tuple(_beyond(warm, values, int(j)) for j in columns[crossed[:3]]))
        found = within(solved, bounds, Thoroughness.NEAREST_BRANCH)
        if found.outcome.name != "INFEASIBLE":
            break
    assert found is not None
    if found.outcome.name == "INFEASIBLE":
        return Again(False, None, None, found.reasons[:3])
    reasons_now = () if found.outcome.name == "OPTIMAL" else found.reasons[:3]
    return Again(True, found.objective, found, reasons_now)


def _values(warm: SolvedProgram, plan: PlanTable) -> tuple[dict[int, float], list[str]]:
    """{column: value in program units} of all held decisions, or what the program has no place for."""
    problem = warm.program.problem
    dates = {date: d for d, date in enumerate(iso_dates(problem.clock))}
    scenarios = {name: s for s, name in enumerate(problem.scenarios.names)}
    columns = warm.program.lp.number
    held = _held(warm)
    values: dict[int, float] = {}
    for decision, _ in held.values():
        for s in range(problem.scenarios.count):
            for d in range(problem.clock.dates):
                var = decision.at(s, d)
                if var is not None and id(var) in columns:
                    values[columns[id(var)]] = 0.0
    reasons: list[str] = []
    given: dict[int, float] = {}
    for name, rows in plan.items():
        if name not in held:
            reasons.append(f"there is no decision '{name}' any more")
            continue
        decision, unit = held[name]
        for date, who, amount in rows:
            members = list(scenarios) if who == "all" else _members(who, scenarios)
            if date not in dates or members is None:
                reasons.append(f"{name}: {date} ({who}) is no date or scenario of the program any more")
                continue
            for one in members:
                var = decision.at(scenarios[one], dates[date])
                column = columns.get(id(var)) if var is not None else None
                if column is None:
                    reasons.append(f"{name} at {date} is not possible any more")
                    break
                if given.setdefault(column, amount / unit) != amount / unit:
                    reasons.append(f"{name} at {date}: scenarios that decided by themselves now decide together")
                    break
    return values | given, reasons


def _beyond(warm: SolvedProgram, values: dict[int, float], j: int) -> str:
    """A held decision beyond the program's own bounds, in program units."""
    lp = warm.program.session.lp
    limit = lp.col_upper[j] if values[j] > lp.col_upper[j] else lp.col_lower[j]
    which = "more than the" if values[j] > lp.col_upper[j] else "less than the"
    return f"{lp.columns[j].name} is {values[j]:.9g}, {which} {limit:.9g} that the program allows"


def _members(who: str, scenarios: dict[str, int]) -> list[str] | None:
    """Names out of 'bear+base', also where a name has a plus in it; None where one is unknown."""
    out: list[str] = []
    parts = who.split("+")
    while parts:
        for k in range(len(parts), 0, -1):
            if (name := "+".join(parts[:k])) in scenarios:
                out.append(name)
                parts = parts[k:]
                break
        else:
            return None
    return out


def _bounds(warm: SolvedProgram, values: dict[int, float], give: float) -> Narrowed:
    """Columns held to their values, but for `give`, within the program's own bounds (which win where they leave no room)."""
    from optimizer.engine.master import Narrowed

    lp = warm.program.session.lp
    columns = np.array(sorted(values), dtype=np.int64)
    value = np.array([values[j] for j in columns.tolist()])
    room = give * (1.0 + np.abs(value))
    lower, upper = lp.col_lower[columns], lp.col_upper[columns]
    low = np.where(value == 0.0, np.maximum(lower, 0.0), np.maximum(lower, value - room))
    high = np.where(value == 0.0, np.maximum(0.0, np.minimum(upper, 0.0)), np.minimum(upper, value + room))
    none = np.zeros(0)
    return Narrowed((columns, low, high), (np.zeros(0, dtype=np.int64), none, none))
