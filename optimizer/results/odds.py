"""The odds of what may go wrong in a plan: they stand beside every objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.finance.capital.distress import missed_payment, rescued

if TYPE_CHECKING:
    from models.problem import Array, Mask
    from optimizer.engine.solution import Solution
    from optimizer.engine.values import Covenant

#: a breach counts from this share of what the rule compares
BREACHED = 1e-6


@dataclass(frozen=True)
class Odds:
    """Probabilities of the scenarios in which it happens at any date.

    breach       a rule that may be breached at a price is breached
    rescue       owners put in rescue money
    missed       lenders would not have been paid in full without that date's rescue money
    under_water  the plan ends with more debt than what counts there of its assets
    """

    breach: float
    rescue: float
    missed: float
    under_water: float


def odds(solution: Solution) -> Odds:
    """The odds of a solution that has a plan. Raises ValueError where it has none."""
    books, problem = solution.books, solution.problem
    if books is None or solution.decisions is None:
        raise ValueError(f"the solution is {solution.outcome.name.lower()}: there is no plan that anything could befall")
    probability = problem.scenarios.probability

    def of(scenarios: Mask) -> float:
        return float(probability[scenarios].sum())

    return Odds(
        breach=breach_probability(solution.covenants, problem.scenarios.names, probability),
        rescue=of(rescued(books)),
        missed=of(missed_payment(books)),
        under_water=of(solution.finance.horizon_end.short > 0.0),
    )


def breach_probability(covenants: tuple[Covenant, ...], names: tuple[str, ...], odds: Array) -> float:
    """Probability of the scenarios in which a soft rule is breached at any date; 1 where one that holds on average is."""
    from optimizer.engine.values import EXPECTED

    breached = {one.scenario for one in covenants if one.breach > BREACHED * max(abs(one.left), abs(one.right), 1.0)}
    return float(sum(p for name, p in zip(names, odds, strict=True) if {name, EXPECTED} & breached))
