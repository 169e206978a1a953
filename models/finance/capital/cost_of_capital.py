"""What capital costs: each instrument, all that comes from outside, and all of it with the owners, at market weights (README 17).

Everything is of expected flows. What holders are expected to receive is valued at the rate that they earn, so what is lent at a fair price
is worth what is owed. Owners are valued at their own rate, that of the objective.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.finance.context import StatementContext
from models.finance.lines import SMALLEST
from models.finance.rates import irr
from models.problem import Array, Clock

#: a figure, or none and why
Figure = tuple[float | None, str | None]
OWNERS = "owners"


@dataclass(frozen=True)
class Claim:
    """One holder of capital.

    name   an instrument ('notes', 'notes@existing'), or OWNERS
    equity whether it is a share of the company: owners, and shares sold to others
    cost   the rate per year that its holders earn on what they are expected to put in, all in; None and why
    rate   the same, and where there is none: of debt its interest over its balance, of shares the owners' rate
    flows  (D,) USD expected: received by the holders (+), put in (-)
    value  (D,) USD after each date: of its later flows at `cost`; where there is no such rate, of debt the balance that stands
    """

    name: str
    equity: bool
    cost: Figure
    rate: float
    flows: Array
    value: Array


@dataclass(frozen=True)
class CostOfCapital:
    """Claims in order, owners last, and what they come to.

    outside      cost of all outside capital together: the rate that makes its expected flows worth nothing
    whole        cost of all capital: sum of cost x worth x time over the sum of worth x time, over all dates
    after_tax    the same less what tax financing saves
    debt_cost    the same of debt alone;  leverage: debt over equity, both as worth x time
    used         the owners' rate that the case uses;  unlevered: what owners would ask if there were no debt
    relevered    unlevered + (unlevered - debt_cost) leverage; None where equity is worth nothing
    by_date      'whole', 'debt_cost', 'leverage', 'relevered', 'debt', 'equity' -> (D,), NaN where one has no meaning
    """

    claims: tuple[Claim, ...]
    outside: Figure
    whole: Figure
    after_tax: Figure
    debt_cost: Figure
    leverage: Figure
    used: float
    unlevered: float
    relevered: Figure
    by_date: dict[str, Array] = field(default_factory=dict)

    @property
    def owners(self) -> Claim:
        """The owners' claim."""
        return self.claims[-1]


def relevered_rate(unlevered: float, debt_cost: float, leverage: float) -> float:
    """What owners ask with debt: k_u + (k_u - k_d) D/E, where tax shields are as risky as the business (Harris and Pringle 1985)."""
    return unlevered + (unlevered - debt_cost) * leverage


def cost_of(clock: Clock, flows: Array) -> Figure:
    """The rate that who gave this capital earns: flows (D,) USD as the company sees them, received (+) and paid (-)."""
    if not (flows > SMALLEST).any():
        return None, "none was raised"
    return irr(clock, -flows)


def worth_after(clock: Clock, flows: Array, rate: float) -> Array:
    """(D,) after each date d: sum over e > d of flows[e] (1 + rate) ** (-(months[e] - months[d]) / 12)."""
    growth = (1.0 + rate) ** (clock.date_month / 12.0)
    present = flows / growth
    later = np.concatenate([np.cumsum(present[::-1])[::-1][1:], [0.0]])
    return np.asarray(growth * later)


def cost_of_capital(
    context: StatementContext, capital: dict[str, Array], owners: Array, saved: Array, unlevered: float | None = None
) -> CostOfCapital:
    """The cost of every source and of all.

    capital (S, D) by source, as the company sees it, and owners (S, D): of `returns`. saved (S, D) USD: tax that financing saves at each
    date. unlevered: owners' rate per year without debt; None: the objective's.
    """
    problem, clock = context.problem, context.problem.clock
    odds, used = problem.scenarios.probability, problem.objective.discount
    unlevered = used if unlevered is None else unlevered
    shares = {issue.name for issue in problem.equities}
    claims = [_claim(context, name, name in shares, odds @ flows) for name, flows in capital.items()]
    received = odds @ owners
    claims.append(Claim(OWNERS, True, (used, None), used, received, worth_after(clock, received, used)))
    outside = sum((odds @ flows for flows in capital.values()), np.zeros(clock.dates))
    by_date, weight = _by_date(claims, unlevered), np.append(problem.years, 0.0)
    costs = sum((one.rate * one.value for one in claims), np.zeros(clock.dates))
    debt, equity = by_date["debt"], by_date["equity"]
    rate = sum((one.rate * one.value for one in claims if not one.equity), np.zeros(clock.dates))
    whole = _quotient(costs @ weight, (debt + equity) @ weight, "capital is worth nothing")
    saved_rate = _quotient(float((odds @ saved).sum()), (debt + equity) @ weight, "capital is worth nothing")
    after_tax = whole if whole[0] is None or saved_rate[0] is None else (whole[0] - saved_rate[0], None)
    debt_cost = _quotient(rate @ weight, debt @ weight, "there is no debt")
    leverage = _quotient(debt @ weight, equity @ weight, "the owners' part is worth nothing")
    return CostOfCapital(
        claims=tuple(claims),
        outside=cost_of(clock, outside),
        whole=whole,
        after_tax=after_tax,
        debt_cost=debt_cost,
        leverage=leverage,
        used=used,
        unlevered=unlevered,
        relevered=_relevered(unlevered, debt_cost, leverage),
        by_date=by_date,
    )


def _relevered(unlevered: float, debt_cost: Figure, leverage: Figure) -> Figure:
    if leverage[0] is None:
        return leverage
    return (unlevered, None) if debt_cost[0] is None else (relevered_rate(unlevered, debt_cost[0], leverage[0]), None)


def _claim(context: StatementContext, name: str, equity: bool, flows: Array) -> Claim:
    """A source of outside capital by its expected flows (D,), as the company sees them."""
    problem, clock, odds = context.problem, context.problem.clock, context.problem.scenarios.probability
    cost = cost_of(clock, flows)
    if cost[0] is None and not equity:
        balance = odds @ context.debt("closing", name)
        interest = float((odds @ (context.debt("interest_accrued", name) + context.debt("commitment_accrued", name))).sum())
        stood = float(balance[:-1] @ problem.years)
        rate = interest / stood if stood >= SMALLEST else 0.0
        return Claim(name, False, cost, rate, -flows, balance)
    rate = problem.objective.discount if cost[0] is None else cost[0]
    worth = worth_after(clock, -flows, rate)
    moves = np.flatnonzero(np.abs(flows) > SMALLEST)
    worth[: int(moves[0]) if len(moves) else clock.dates] = 0.0  # before it is raised, it is no claim
    return Claim(name, equity, cost, rate, -flows, worth)


def _by_date(claims: list[Claim], unlevered: float) -> dict[str, Array]:
    """Costs at market weights after each date."""

    def total(equity: bool, priced: bool) -> Array:
        chosen = [one for one in claims if one.equity == equity]
        return np.asarray(sum(((one.rate if priced else 1.0) * one.value for one in chosen), np.zeros_like(claims[-1].value)))

    debt, equity = total(False, False), total(True, False)
    debt_cost = _ratio(total(False, True), debt)
    leverage = np.where(np.abs(debt) < SMALLEST, np.where(equity >= SMALLEST, 0.0, np.nan), _ratio(debt, equity))
    spread = np.where(leverage == 0.0, 0.0, (unlevered - np.nan_to_num(debt_cost)) * leverage)
    return {
        "debt": debt,
        "equity": equity,
        "debt_cost": debt_cost,
        "whole": _ratio(total(False, True) + total(True, True), debt + equity),
        "leverage": leverage,
        "relevered": unlevered + spread,
    }


def _ratio(above: Array, below: Array) -> Array:
    """above / below where below is at least a cent; NaN elsewhere."""
    meant = below >= SMALLEST
    return np.where(meant, above / np.where(meant, below, 1.0), np.nan)


def _quotient(above: float, below: float, why: str) -> Figure:
    return (None, why) if below < SMALLEST else (float(above / below), None)
