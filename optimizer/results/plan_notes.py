"""Notes that only an answer can have: how it ends, and what its own debt says of the owners' rate. None says that the answer is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from optimizer.text import money, percent

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution

#: a year by which the owners' rate at the plan's debt may differ from the one that the case uses before it is told
RATE_GAP = 0.01


def plan_notes(solution: Solution) -> tuple[str, ...]:
    """Sentences about a plan; () where there is none."""
    if solution.books is None or solution.decisions is None:
        return ()
    return (*_under_water(solution), *_owners_rate(solution))


def _under_water(solution: Solution) -> Iterator[str]:
    """Scenarios that end with more debt than what counts there of the company's assets."""
    end, scenarios = solution.finance.horizon_end, solution.problem.scenarios
    at = end.short > 0.0
    if not at.any():
        return
    odds = float(scenarios.probability[at].sum())
    worst = int(np.argmax(end.short))
    counted = float(end.liquid[worst] + sum(one[worst] for one in end.counted.values()))
    whose = "the plan ends" if scenarios.count == 1 else f"with odds of {percent(odds)} the plan ends"
    where = "" if scenarios.count == 1 else f", most in {scenarios.names[worst]}"
    yield (
        f"{whose} with more debt than its assets count for{where}: {money(float(end.owed[worst]))} owed, {money(counted)} counted,"
        " and owners are charged with the difference"
    )


def _owners_rate(solution: Solution) -> Iterator[str]:
    """The owners' rate of the case against the one that follows from the plan's debt."""
    costs = solution.finance.capital
    rate, leverage, lent = costs.relevered[0], costs.leverage[0], costs.debt_cost[0]
    if rate is None or leverage is None or lent is None or abs(rate - costs.used) <= RATE_GAP:
        return
    yield (
        f"the case asks {percent(costs.used)} a year for the owners whatever the debt; if that is what they ask without any, at the plan's"
        f" debt of {leverage:.2f} times their part, at {percent(lent)}, they would ask {percent(rate)}"
    )
