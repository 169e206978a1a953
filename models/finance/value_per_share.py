"""What a share of today's holders is worth, and who gains and who pays: everybody with a claim on the company, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.finance.rates import shareholder_flows
from models.proforma.holders import CAPPED_CALLS, CONVERTS, NEW, TODAY, business, holders

if TYPE_CHECKING:
    from models.decisions import Decisions
    from models.problem import Problem
    from models.proforma.books import Books


@dataclass(frozen=True)
class Stake:
    """One holder, USD of today in expectation, at the owners' rate: what is paid in, what is got, and the difference.

    shares: of the company at the horizon in expectation, None for who holds none. Today's holders' stake is without the rest of the company.
    """

    kind: str
    name: str
    pays: float
    gets: float
    shares: float | None = None

    @property
    def gains(self) -> float:
        return self.gets - self.pays


def stakes(problem: Problem, decisions: Decisions, books: Books) -> tuple[Stake, ...]:
    """Who gains and who pays. What all gain together is what the business is worth, `business_worth`."""
    odds, discount = problem.scenarios.probability, problem.discount
    out = []
    for one in holders(problem, decisions, books):
        pays, gets = (float(odds @ (flows @ discount)) for flows in (one.pays, one.gets))
        if one.kind == TODAY or max(abs(pays), abs(gets)) > 0.0:
            out.append(Stake(one.kind, one.name, pays, gets, _shares(problem, books, one.kind, one.name)))
    return tuple(out)


def _shares(problem: Problem, books: Books, kind: str, name: str) -> float | None:
    """Shares of a holder at the horizon, in expectation: of a convertible those it was given, and those it would take at T."""
    odds, path = problem.scenarios.probability, problem.market.share_price
    if kind == TODAY:
        return problem.market.shares or None
    if kind == NEW:
        return float(odds @ books.words[f"shares_issued[{name}]"].sum(axis=1))
    if kind not in (CONVERTS, CAPPED_CALLS) or path is None:
        return None
    total = 0.0
    for one in books.convertibles:
        s, price = one.scenario, path[one.scenario]
        if kind == CONVERTS and f"{one.instrument}{'@existing' if one.existing else ''}" == name:
            total += odds[s] * (one.shares.sum() + (one.balance[-1] / one.strike if price[-1] > one.strike else 0.0))
        elif kind == CAPPED_CALLS and one.instrument == name and one.cap is not None:
            ends = one.due.copy()
            ends[-1] += one.balance[-1]
            total -= odds[s] * float(np.sum(ends / one.strike * np.clip(price - one.strike, 0.0, one.cap - one.strike) / price))
    return float(total)


def business_worth(problem: Problem, books: Books) -> float:
    """USD of today in expectation: what the business brings to all holders."""
    return float(problem.scenarios.probability @ (business(books) @ problem.discount))


def left_to_shares(problem: Problem, books: Books) -> float:
    """USD of today in expectation that today's holders get from the case: the expected NPV without penalties that nobody is paid."""
    return float(problem.scenarios.probability @ (shareholder_flows(books) @ problem.discount))
