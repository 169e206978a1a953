"""A share price that follows the plan: closed forms, averages of plans, and what is told where it does not close."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.problem import Conversion, Problem
from models.proforma import keep
from optimizer.engine import price_fixed_point
from optimizer.engine.solution import Solution
from optimizer.engine.solve import bare, solve, solve_problem, solve_warm
from optimizer.engine.values import Outcome
from tests.shared.following import RATE, following
from tests.shared.tiny import dates, debt_of, equity_of

SHARES = 1e6
#: 3 MUSD are spent at once, for much more: the rest of the company is worth less than nothing at the lowest price of today
BUSINESS = [[-3e6, 1e6, 5e5, 8e6, 7e6], [-3e6, 1e6, 5e5, 3e6, 6e6]]


def solved(problem: Problem, **options: Any) -> Solution:
    found = solve(bare(problem), **options)
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    assert found.price is not None and found.price.closed, found.notes
    return found


def business_value(problem: Problem) -> float:
    return float(problem.scenarios.probability @ (problem.cash_flows[0].amount @ problem.discount))


def financed(problem: Problem, **parts: float) -> Problem:
    """The business paid for by the given USD of each: owners, new, notes, loan."""
    made: dict[str, list[Any]] = {"equities": [], "debts": []}
    for name, amount in parts.items():
        terms = {"limit": amount, "minimum": amount, "window": dates(problem, 0)}
        if name in ("owners", "new"):
            made["equities"].append(equity_of(problem, name, holders="existing" if name == "owners" else "new", **terms))
        else:
            made["debts"].append(debt_of(problem, name, "notes", RATE, **terms))
    return replace(problem, equities=tuple(made["equities"]), debts=tuple(made["debts"]))


@pytest.mark.parametrize("today", [6.0, 10.0, 400.0])
@pytest.mark.parametrize("mix", [{"new": 3e6}, {"new": 1e6, "notes": 2e6}, {"new": 1.5e6, "owners": 0.5e6, "notes": 1e6}])
def test_every_mix_is_worth_the_same_a_share(today: float, mix: dict[str, float]) -> None:
    """Modigliani and Miller, at any market price: P - I stays with today's holders, to the cent."""
    problem = following(BUSINESS, today=today, apart_from=2, pays=(3, 4), cash_yield=RATE)
    found = solved(financed(problem, **mix))
    assert found.objective is not None and abs(found.objective - business_value(problem)) < 0.01
    assert found.objective / SHARES == pytest.approx(business_value(problem) / SHARES, rel=1e-8)
    assert found.price is not None and found.price.gap <= 1e-9


def test_a_given_path_that_the_plan_does_not_imply_breaks_it() -> None:
    """The counterpart: with a path of its own, who buys new shares gains or loses, and the mix matters."""
    problem = following(BUSINESS, apart_from=2, pays=(3, 4), cash_yield=RATE)
    path = np.array([[10.0, 11.0, 12.0, 13.0, 14.0]] * 2)
    given = replace(problem, market=replace(problem.market, share_price=path, follows=None))
    found = solve_problem(financed(given, new=3e6), baseline=False)
    assert found.objective is not None and abs(found.objective - business_value(problem)) > 1e4
    assert found.price is None


@pytest.mark.parametrize(("today", "premium", "odds"), [(10.0, 0.3, 0.5), (4.0, 0.1, 0.3)])
def test_a_convertible_at_its_closed_form(today: float, premium: float, odds: float) -> None:
    """One period, up converts and down is paid: prices, and a convertible sold at what it is worth changes nothing.

    up: S = (X + R) / (N + F / K), down: S = (X + R - F) / N, odds-weighted S = today * 1.1, K = today * (1 + premium)
    """
    face, up, down = 2e6, 9e6, 4e6
    n, weight, strike = SHARES, np.array([odds, 1.0 - odds]), today * (1.0 + premium)
    more = n + face / strike
    rest = (today * (1 + RATE) - weight[0] * up / more - weight[1] * (down - face) / n) / (weight[0] / more + weight[1] / n)
    price = np.array([(up + rest) / more, (down + rest - face) / n])
    assert price[0] > strike > price[1]
    worth = float(weight @ np.maximum(1.0, price / strike)) / (1 + RATE)
    problem = following([[-worth * face, up], [-worth * face, down]], today=today, probability=weight)
    terms = {"limit": face, "minimum": face, "window": dates(problem, 0), "conversion": Conversion(premium)}
    debt = debt_of(problem, "converts", "convertible", 0.0, price=worth, **terms)
    found = solved(replace(problem, debts=(debt,)))
    assert found.price is not None
    np.testing.assert_allclose(found.price.used[:, -1], price, rtol=1e-9)
    np.testing.assert_allclose(found.price.implied.shares[:, -1], [more, n], rtol=1e-9)
    assert found.price.implied.rest[0, 0] == pytest.approx(rest / (1 + RATE), rel=1e-9)
    assert found.objective == pytest.approx(business_value(problem), rel=1e-8)


def test_a_rest_that_grows_slower_makes_new_shares_cheap() -> None:
    """Owners who want 10 % gain by selling part of a rest that grows 4 %: by hand, over two years."""
    problem = financed(following([[-3e6, 0.0, 6e6]], rest=0.04), new=3e6)
    sold, worth = 3e6 / 10.0, 6e6 / (1 + RATE) ** 2
    rest = 10.0 * (SHARES + sold) - worth
    part = sold / (SHARES + sold)
    kept = 6e6 - part * (6e6 + rest * 1.04**2)
    found = solved(problem)
    assert found.objective == pytest.approx(kept / (1 + RATE) ** 2, rel=1e-9)
    assert kept / (1 + RATE) ** 2 > worth - 3e6


# ---- averages of plans ----------------------------------------------------------------------------------------------------


def recapitalisation(tolerance: float = 1e-9) -> Problem:
    """Up to 8 MUSD of converts without a coupon, paid out at once.

    At a price that is still, they are cheap, and all are sold; that makes the share leap, and they are dear: none is. They are worth
    what is paid where up is 1.2 strikes: S = 13.2 and 8.8. With f USD a share paid out that is
    1.32 (10 - f) + 1.2 f - 0.88 (10 - f) - f = 12.5 - 9.5, so f = 1.4 / 0.24.
    """
    problem = following([[0.0, 12.5e6], [0.0, 9.5e6]], tolerance=tolerance, pays=(0, 1))
    terms = {"limit": 8e6, "window": dates(problem, 0), "conversion": Conversion(premium=0.1)}
    return replace(problem, debts=(debt_of(problem, "converts", "convertible", 0.0, **terms),))


def test_where_plans_take_turns_an_average_closes() -> None:
    found = solved(recapitalisation())
    assert found.decisions is not None and found.price is not None and found.upper_bound is not None
    assert found.decisions.issued["converts"][:, 0] == pytest.approx(1.4 / 0.24 * 1e6, rel=1e-7)
    np.testing.assert_allclose(found.price.used[:, -1], [13.2, 8.8], rtol=1e-9)
    # Modigliani and Miller once more: 11 MUSD in a year
    assert found.objective == pytest.approx(10e6, rel=1e-8)
    assert found.upper_bound - found.objective <= 1e-7 * found.upper_bound  # type: ignore[operator]
    assert len(found.price.ends) == 2
    assert {round(one.raised["converts"] / 1e6, 6) for one in found.price.ends} == {0.0, 8.0}
    assert sum(one.weight for one in found.price.ends) == pytest.approx(1.0)
    worths = [one.value for one in found.price.ends]
    assert worths[0] == pytest.approx(worths[1], rel=1e-8)


def test_both_ends_are_told_where_it_does_not_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_fixed_point, "MOST_SOLVES", 2)
    found = solve(bare(recapitalisation()))
    assert found.outcome is Outcome.OPTIMAL and found.price is not None and not found.price.closed
    assert found.price.gap > 0.01 and "do not meet" in found.notes[-1]
    assert {round(one.raised["converts"] / 1e6, 6) for one in found.price.ends} == {0.0, 8.0}


def test_a_wide_tolerance_needs_fewer_programs() -> None:
    wide = solved(recapitalisation(tolerance=0.5))
    assert wide.price is not None and wide.price.solves == 1 and 0.01 < wide.price.gap <= 0.5


def test_two_runs_are_the_same_to_the_last_bit() -> None:
    one, other = solved(recapitalisation()), solved(recapitalisation())
    assert one.price is not None and other.price is not None and one.books is not None and other.books is not None
    assert one.price.used.tobytes() == other.price.used.tobytes()
    assert one.books.value.tobytes() == other.books.value.tobytes()
    assert one.price.ends == other.price.ends


def test_tail_weight_is_part_of_the_average() -> None:
    """With half the weight on the tail, the average is best for that objective: no other amount of converts at its price is better."""
    problem = recapitalisation()
    found = solved(replace(problem, objective=replace(problem.objective, weight=0.5, tail=0.3)))
    assert found.price is not None and found.upper_bound is not None and found.objective is not None
    assert found.upper_bound - found.objective <= 1e-7 * abs(found.upper_bound)


# ---- the rest -------------------------------------------------------------------------------------------------------------


def test_nothing_hangs_on_the_price_of_a_company_that_sells_no_shares() -> None:
    found = solved(financed(following(BUSINESS, apart_from=2, pays=(3, 4)), owners=3e6))
    assert found.price is not None and found.price.solves == 1 and found.price.gap == 0.0
    assert not price_fixed_point.measured(found.problem).any()


def test_no_plan_is_no_plan_at_any_price() -> None:
    found = solve(bare(financed(following(BUSINESS), new=1e6)))
    assert found.outcome is Outcome.INFEASIBLE and found.price is None


def test_the_program_of_the_answer_is_kept_warm() -> None:
    found = solve_warm(bare(recapitalisation()))
    assert found.warm is not None and found.solution.baseline is not None
    assert found.solution.baseline.objective == pytest.approx(10e6, rel=1e-8)  # nothing issued, at the same price


@pytest.mark.parametrize("entry", ["dilution", "conversion", "terminal_debt", "capped_call"])
def test_an_error_in_dilution_breaks_the_books(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth too little of what shares, conversions or claims cost today's holders, and holders get what nobody pays."""
    right = keep._ledger
    inside = Conversion(premium=0.1, capped_call_cost=0.02, cap_premium=0.9)
    problem = financed(following(BUSINESS, apart_from=2, pays=(3, 4)), new=2e6)
    terms = {"window": dates(problem, 0), "limit": 6e5, "minimum": 6e5}
    debts = (
        debt_of(problem, "inside", "convertible", 0.02, maturity=36, conversion=inside, **terms),
        debt_of(problem, "beyond", "convertible", 0.02, maturity=84, conversion=Conversion(premium=0.2), **terms),
    )
    problem = replace(problem, debts=debts)
    found = solved(problem)
    assert found.books is not None and found.books.ledger[entry].any()
    (check,) = [one for one in found.books.checks if one.name == "what all holders get is what the business brings"]
    assert check.relative < 1e-12

    def wrong(*given: Any) -> dict[str, Any]:
        ledger = right(*given)
        return ledger | {entry: ledger[entry] * 0.999}

    monkeypatch.setattr(keep, "_ledger", wrong)
    books = keep.keep_books(found.problem, found.decisions)  # type: ignore[arg-type]
    (check,) = [one for one in books.checks if one.name == "what all holders get is what the business brings"]
    assert check.relative > 1e-6
