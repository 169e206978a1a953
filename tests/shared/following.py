"""Small companies whose share price follows the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from models.problem import PriceFollowsPlan, Problem
from tests.shared.tiny import dates, stream, tiny

RATE = 0.1


def following(
    income: Any,
    today: float = 10.0,
    tolerance: float = 1e-9,
    shares: float = 1e6,
    rest: float = RATE,
    pays: tuple[int, ...] = (),
    **more: Any,
) -> Problem:
    """A company without cash that brings `income` (S, D) USD; its share price follows the plan. pays: dates of dividends (none: T)."""
    amount = np.asarray(income, dtype=float)
    count, length = amount.shape
    terms: dict[str, Any] = {"apart_from": 1, "cash": 0.0, "discount": RATE, "share_price": today}
    problem = tiny(length - 1, scenarios=count, **(terms | more))
    years = problem.clock.date_month / 12.0
    follows = PriceFollowsPlan(today, np.repeat(((1.0 + rest) ** years)[None, :], count, axis=0), tolerance)
    start = np.repeat((today / problem.discount)[None, :], count, axis=0)
    market = replace(problem.market, share_price=start, shares=shares, follows=follows)
    treasury = replace(problem.treasury, dividends=dates(problem, *(pays or (length - 1,))))
    return replace(problem, market=market, treasury=treasury, cash_flows=(stream(problem, amount, operating=False),))
