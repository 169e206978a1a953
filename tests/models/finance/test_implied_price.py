"""The price that a plan implies, against roots found by search, the ledger, and sums by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from models.finance.context import StatementContext
from models.finance.implied_price import _End, _end_price, average, divided, implied_price, share_flows, value_at
from models.problem import Conversion, Problem
from optimizer.engine.solve import solve_problem
from tests.shared.following import RATE, following
from tests.shared.tiny import dates, debt_of, equity_of, path

UP_AND_DOWN = [[-3e6, 0.0, 5e5, 5e6, 4e6], [-3e6, 0.0, 5e5, 1e6, 3e6]]


def mixed() -> Problem:
    """Sales at two dates, a convertible with a capped call that matures inside, one with a put to come, distributions on the way."""
    problem = following(UP_AND_DOWN, apart_from=3, pays=(2, 3, 4), cash=2e6)
    capped = Conversion(premium=0.2, capped_call_cost=0.05, cap_premium=0.6)
    debts = (
        debt_of(problem, "inside", "convertible", 0.02, limit=1e6, minimum=1e6, window=dates(problem, 0), maturity=36, conversion=capped),
        debt_of(problem, "beyond", "convertible", 0.01, limit=1e6, minimum=1e6, window=dates(problem, 1), maturity=84, put=(60, 1.3),
                conversion=Conversion(premium=0.5)),
    )  # fmt: skip
    sale = equity_of(problem, holders="new", discount=0.05, fee=0.02, limit=3e6, minimum=3e6, window=dates(problem, 0, 2))
    market = replace(problem.market, share_price=path([[10.0, 11.0, 13.0, 16.0, 18.0], [10.0, 11.0, 13.0, 10.0, 9.0]], 2, 5))
    return replace(problem, debts=debts, equities=(sale,), market=market)


def ground(problem: Problem) -> StatementContext:
    solution = solve_problem(problem, baseline=False, price_is_given=True)
    assert solution.decisions is not None and solution.books is not None, solution.reasons
    return StatementContext(problem, solution.decisions, solution.books)


@pytest.fixture(scope="module")
def made() -> StatementContext:
    return ground(mixed())


def test_value_at_the_price_used_is_the_ledgers(made: StatementContext) -> None:
    price = made.problem.market.share_price
    assert price is not None
    assert made.books.ledger["capped_call"].any() and made.books.ledger["dilution"].any() and made.books.convertibles
    np.testing.assert_allclose(value_at(made.problem, share_flows(made), price), made.books.value, rtol=1e-12)


def test_value_at_another_price_is_that_ledgers(made: StatementContext) -> None:
    """The same decisions booked at another price that converts the same: every line of the ledger is another, the sum is what is said."""
    from models.proforma.keep import keep_books

    price = path([[10.0, 11.5, 12.5, 17.0, 21.0], [10.0, 11.5, 12.5, 9.0, 8.0]], 2, 5)
    other = replace(made.problem, market=replace(made.problem.market, share_price=price))
    books = keep_books(other, made.decisions)
    np.testing.assert_allclose(value_at(made.problem, share_flows(made), price), books.value, rtol=1e-12)


def test_shares_divide_what_there_is(made: StatementContext) -> None:
    flows = share_flows(made)
    implied = implied_price(made.problem, flows)
    by_shares, there = divided(made.problem, flows, implied)
    np.testing.assert_allclose(by_shares, there, rtol=1e-10)
    assert (there > 0.0).all()
    off = replace(implied, path=implied.path * np.array([1.0, 1.0, 1.0, 1.0, 1.001]))
    assert np.max(np.abs(np.subtract(*divided(made.problem, flows, off)))) > 1e-4 * there.max()


def test_a_share_earns_the_owners_rate_before_scenarios_part(made: StatementContext) -> None:
    """With a rest that grows at that rate, the path is a fair game: its discounted mean over what may follow is what it is."""
    implied = implied_price(made.problem, share_flows(made))
    worth = implied.path * made.problem.discount
    odds = made.problem.scenarios.probability
    assert implied.path[:, 0] == pytest.approx(10.0, rel=1e-12)
    assert worth[0, :3] == pytest.approx(worth[1, :3], rel=1e-12)
    assert odds @ worth[:, 3] == pytest.approx(worth[0, 2], rel=1e-12)
    assert worth[:, 4] == pytest.approx(worth[:, 3], rel=1e-12)  # nothing is open any more


def test_average_of_plans_has_the_average_of_flows(made: StatementContext) -> None:
    flows = share_flows(made)
    half = average([flows, flows], [0.5, 0.5])
    np.testing.assert_allclose(implied_price(made.problem, half).path, implied_price(made.problem, flows).path, rtol=1e-13)


def test_price_at_the_end_is_the_root() -> None:
    """Against a search for the root, over random claims: strikes, caps, puts, partly paid in cash."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        count = int(rng.integers(0, 5))
        room = np.where(rng.random(count) < 0.5, 0.0, rng.random(count))
        earned = np.where(rng.random(count) < 0.5, 1.0, 1.0 + 0.5 * rng.random(count))
        end = _End(1e6 * rng.random((1, count)), 1e5 * rng.random((1, count)), 5.0 + 20.0 * rng.random((1, count)), earned, room)
        shares, factor = np.array([1e6 * (0.1 + rng.random())]), np.array([1.0 + rng.random()])
        there = np.array([4e6 + 4e7 * rng.random()])
        price = _end_price(end, shares, factor, there)[0]

        def left(p: float, end: _End = end, shares=shares, factor=factor, there=there) -> float:  # type: ignore[no-untyped-def]
            claims = 0.0
            for k in range(end.balance.shape[1]):
                ratio = factor[0] * p / end.strike[0, k]
                capped = min(max(ratio - 1.0, 0.0), end.room[k])
                claims += end.balance[0, k] * (max(ratio, end.earned[k]) - capped) - end.cash[0, k]
            return float(shares[0] * p + claims - there[0])

        root = brentq(left, 0.0, 1e4, xtol=1e-12, rtol=1e-14) if left(0.0) < 0.0 else None
        if root is not None:
            assert price == pytest.approx(root, rel=1e-9)


def test_debts_above_all_value_leave_shares_at_nothing() -> None:
    problem = following([[0.0, 1e7], [0.0, 1e5]], today=1.0)
    debt = debt_of(problem, "loan", "loan", 0.0, limit=8e6, existing=8e6, maturity=60, window=dates(problem, 0))
    problem = replace(problem, debts=(debt,), market=replace(problem.market, shares=1e6))
    flows = share_flows(ground(problem))
    implied = implied_price(problem, flows)
    assert implied.limited.tolist() == [False, True]
    assert implied.path[0, -1] > 1.0 and 0.0 < implied.path[1, -1] < 0.01


def test_rest_of_the_company_fills_what_the_plan_leaves_of_todays_price() -> None:
    problem = following([[0.0, 2.2e6]])
    implied = implied_price(problem, share_flows(ground(problem)))
    assert implied.rest[0, 0] == pytest.approx(10e6 - 2e6, rel=1e-12)
    assert implied.path[0, -1] == pytest.approx(10.0 * (1.0 + RATE), rel=1e-12)
