"""Strips: what 1 USD of face does, for each way to pay it back, against tables by hand and closed forms (README section 7)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.problem import Conversion, Problem
from models.program.strips import Strip, strip
from tests.shared.tiny import debt_of, tiny


def flows(problem: Problem, v: int = 0, existing: bool = False, **terms: Any) -> Strip:
    return strip(problem, debt_of(problem, **terms), v, existing)


def of(values: np.ndarray, expected: Any, s: int = 0) -> None:
    """Scenario s of a line, to 1e-12 relative."""
    assert values[s] == pytest.approx(np.array(expected, dtype=float), rel=1e-12, abs=1e-15)


# --- amortisation -----------------------------------------------------------------------------------------------------


def test_bullet() -> None:
    z = flows(tiny(3), rate=[0.08, 0.09, 0.10])
    of(z.interest, [0, 0.08, 0.09, 0.10])
    of(z.accrued, [0, 0.08, 0.09, 0.10])
    of(z.principal, [0, 0, 0, 0])
    of(z.redemption, [0, 0, 0, 1])
    of(z.balance, [1, 1, 1, 0])
    assert z.end[0] == 3 and z.claim[0] == 0.0


def test_a_vintage_starts_at_its_date_and_its_tenor_counts_from_there() -> None:
    problem = tiny(4, months=6)
    z = flows(problem, 1, frequency=6, tenor=12)
    of(z.balance, [0, 1, 1, 0, 0])
    of(z.interest, [0, 0, 0.04, 0.04, 0])
    fixed = flows(problem, 1, frequency=6, maturity=24)
    of(fixed.redemption, [0, 0, 0, 0, 1])


def test_paydays_count_from_the_issue() -> None:
    """Quarters, coupons every six months from date 1: paid at dates 3 and 5; what matures at date 6 pays a quarter there."""
    z = flows(tiny(7, months=3), 1, frequency=6, maturity=18)
    of(z.interest, [0, 0, 0, 0.04, 0, 0.04, 0.02, 0])
    of(z.due, [0, 0, 0.02, 0, 0.02, 0, 0, 0])


def test_level_with_grace_and_balloon() -> None:
    """0.8 in four parts at dates 2 to 5 (the last with the balloon): n counts the payment dates that qualify and maturity."""
    z = flows(tiny(5), amortisation="level", grace=12, balloon=0.2, rate=0.1)
    of(z.principal, [0, 0, 0.2, 0.2, 0.2, 0])
    of(z.redemption, [0, 0, 0, 0, 0, 0.4])
    of(z.interest, [0, 0.1, 0.1, 0.08, 0.06, 0.04])


def test_level_beyond_the_horizon() -> None:
    """Ten yearly parts, three of them within the horizon: 0.7 is still owed."""
    z = flows(tiny(3), amortisation="level", maturity=120)
    of(z.principal, [0, 0.1, 0.1, 0.1])
    assert z.claim[0] == pytest.approx(0.7, rel=1e-12)
    assert z.end[0] == 10


def test_annuity() -> None:
    """Payment q / (1 - (1 + q)**-n); balance (1 + q)**k - payment * ((1 + q)**k - 1) / q."""
    z = flows(tiny(6), amortisation="annuity", rate=0.07)
    k = np.arange(7)
    payment = 0.07 / (1 - 1.07**-6)
    of(z.interest + z.principal + z.redemption, [0, *[payment] * 6])
    assert z.balance[0, :6] == pytest.approx((1.07**k - payment * (1.07**k - 1) / 0.07)[:6], rel=1e-12)


def test_annuity_with_grace_and_balloon_at_half_yearly_coupons_of_quarters() -> None:
    """q is the rate of half a year; dates between are not payment dates; 0.7 is spread, 0.3 stays for maturity."""
    z = flows(tiny(8, months=3), amortisation="annuity", rate=0.1, frequency=6, grace=6, balloon=0.3)
    q, n = 0.05, 3
    payment = 0.7 * q / (1 - (1 + q) ** -n) + 0.3 * q
    of(z.interest + z.principal + z.redemption, [0, 0, 0.05, 0, payment, 0, payment, 0, payment + 0.3])


def test_annuity_at_a_floating_rate_is_worked_out_anew_at_each_payment() -> None:
    z = flows(tiny(3), amortisation="annuity", rate=[0.05, 0.08, 0.0])
    first = 0.05 / (1.05**3 - 1)
    second = (1 - first) * 0.08 / (1.08**2 - 1)
    of(z.principal, [0, first, second, 0])
    of(z.redemption, [0, 0, 0, 1 - first - second])
    free = flows(tiny(4), amortisation="annuity", rate=0.0)  # without interest: equal parts
    of(free.principal, [0, 0.25, 0.25, 0.25, 0])


def test_after_completion_by_scenario() -> None:
    """Complete at month 12 or, late, at month 24: parts of 1/4 from month 24, or 1/3 from month 36."""
    problem = tiny(5, scenarios=2)
    z = flows(problem, amortisation="after_completion", completion=np.array([12, 24]))
    of(z.principal, [0, 0, 1 / 4, 1 / 4, 1 / 4, 0])
    of(z.principal, [0, 0, 0, 1 / 3, 1 / 3, 0], s=1)
    of(z.redemption, [0, 0, 0, 0, 0, 1 / 4])
    of(z.redemption, [0, 0, 0, 0, 0, 1 / 3], s=1)


def test_given_repayments_need_no_payment_date_and_never_exceed_the_balance() -> None:
    """30 % after 6 months, 40 % after 10 (rounded up to date 2 of half-years), then 50 % of which 30 % are left."""
    z = flows(tiny(4, months=6), amortisation="given", given=((6, 0.3), (10, 0.4), (18, 0.5)), frequency=12, rate=0.08)
    of(z.principal, [0, 0.3, 0.4, 0.3, 0])
    of(z.balance, [1, 0.7, 0.3, 0, 0])
    of(z.interest, [0, 0, 0.04 + 0.028, 0, 0.012])
    of(z.redemption, [0, 0, 0, 0, 0])


# --- interest added or deferred ---------------------------------------------------------------------------------------


def test_pik_adds_a_share_of_interest_while_it_lasts() -> None:
    """Half of 10 % for two years: b = 1.05**2; full coupons on it after."""
    z = flows(tiny(4), rate=0.1, pik=0.5, pik_months=24)
    of(z.interest, [0, 0.05, 0.05 * 1.05, 0.1 * 1.05**2, 0.1 * 1.05**2])
    of(z.balance, [1, 1.05, 1.05**2, 1.05**2, 0])
    of(z.redemption, [0, 0, 0, 0, 1.05**2])


def test_pik_before_level_repayment() -> None:
    """Repayments spread the balance after interest was added."""
    z = flows(tiny(3), rate=0.1, pik=1.0, pik_months=12, amortisation="level")
    of(z.principal, [0, 1.1 / 3, 1.1 / 3, 0])
    of(z.interest, [0, 0, 0.1 * 1.1 * 2 / 3, 0.1 * 1.1 / 3])


def test_interest_at_maturity_is_simple_and_due_until_then() -> None:
    z = flows(tiny(3), rate=[0.08, 0.09, 0.10], frequency=0)
    of(z.due, [0, 0.08, 0.17, 0])
    of(z.interest, [0, 0, 0, 0.27])
    long = flows(tiny(3), rate=[0.08, 0.09, 0.10], frequency=0, maturity=120)
    assert long.claim[0] == pytest.approx(1.27, rel=1e-12)


# --- put --------------------------------------------------------------------------------------------------------------


def test_put_redeems_with_premium_after_what_is_scheduled() -> None:
    """Put at month 24 at 101 %: the repayment of that date first, then the rest; half-yearly interest stops."""
    z = flows(tiny(4), amortisation="level", put=(24, 1.01), rate=0.08, price=0.96)
    of(z.principal, [0, 0.25, 0.25, 0, 0])
    of(z.redemption, [0, 0, 0.5, 0, 0])
    of(z.premium, [0, 0, 0.005, 0, 0])
    of(z.interest, [0, 0.08, 0.06, 0, 0])
    of(z.cost, [0, 0.01, 0.03, 0, 0])  # what is left of the discount, at once
    of(z.unamortised, [0.04, 0.03, 0, 0, 0])
    assert z.end[0] == 2


def test_put_between_payment_dates_pays_the_interest_due() -> None:
    z = flows(tiny(4, months=6), put=(18, 1.0), frequency=12, rate=0.08)
    of(z.interest, [0, 0, 0.08, 0.04, 0])
    of(z.redemption, [0, 0, 0, 1, 0])


@pytest.mark.parametrize("month", [0, 48, 60])
def test_no_put_at_issue_or_maturity(month: int) -> None:
    z = flows(tiny(4), put=(month, 1.05))
    of(z.premium, [0, 0, 0, 0, 0])
    of(z.redemption, [0, 0, 0, 0, 1])


def test_a_convertible_worth_more_in_shares_is_not_put() -> None:
    """K = 13: shares at 15 are worth more than 1.0, at 12 less."""
    problem = tiny(3, scenarios=2, share_price=np.array([[10, 12, 15, 26], [10, 11, 12, 13.0]]))
    z = flows(problem, kind="convertible", rate=0.0, conversion=Conversion(0.3), put=(24, 1.0))
    assert z.end.tolist() == [3, 2]
    of(z.conversion, [0, 0, 0, 2.0])
    of(z.redemption, [0, 0, 1, 0], s=1)
    of(z.conversion, [0, 0, 0, 0], s=1)


# --- what exists ------------------------------------------------------------------------------------------------------


def test_an_existing_debt_starts_with_interest_due() -> None:
    """Issued nine months ago with half-yearly coupons: three months are due; the next coupon is at month 3."""
    z = flows(tiny(5, months=3), existing=True, existing_month=-9, frequency=6, rate=[0.08, 0.09, 0.10, 0.11, 0.12], maturity=15)
    of(z.due, [0.02, 0, 0.0225, 0, 0.0275, 0])
    of(z.interest, [0, 0.02 + 0.02, 0, 0.0225 + 0.025, 0, 0.0275 + 0.03])
    of(z.accrued, [0, 0.02, 0.0225, 0.025, 0.0275, 0.03])
    of(z.cost, [0] * 6)  # its discount is history
    bullet = flows(tiny(2), existing=True, existing_month=-9, frequency=0, rate=0.08, price=0.9)
    of(bullet.due, [0.06, 0.14, 0])
    of(bullet.interest, [0, 0, 0.22])
    of(bullet.unamortised, [0, 0, 0])


def test_an_existing_tenor_and_annuity_count_from_the_issue() -> None:
    """Four years since 18 months ago, yearly: 2.5 left, payments at months 6 and 18 and at maturity, month 30."""
    z = flows(tiny(5, months=6), existing=True, existing_month=-18, tenor=48, amortisation="annuity", rate=0.10)
    payment = 0.1 / (1 - 1.1**-3)
    of(z.due, [0.05, 0, 0.05 * z.balance[0, 2], 0, 0.05 * z.balance[0, 4], 0])
    of(z.interest + z.principal + z.redemption, [0, payment, 0, payment, 0, payment])


# --- convertibles -----------------------------------------------------------------------------------------------------

TERMS = Conversion(0.25, capped_call_cost=0.08, cap_premium=0.75)


def test_settlement_at_maturity_and_capped_call() -> None:
    """Issue at 20: K = 25, cap 35. Shares at 20, 30, 50: cash; 1.2 in shares, of which 0.2 is covered; 2.0, of which 0.4."""
    last = (20.0, 30.0, 50.0)
    problem = tiny(2, scenarios=3, share_price=np.array([[20.0, 22.0, x] for x in last]))
    z = flows(problem, kind="convertible", rate=0.01, conversion=TERMS)
    for s, (cash, shares, hedge) in enumerate(((1.0, 0.0, 0.0), (0.0, 1.2, 0.2), (0.0, 2.0, 0.4))):
        of(z.redemption, [0, 0, cash], s)
        of(z.conversion, [0, 0, shares], s)
        of(z.capped_call, [0, 0, hedge], s)
        of(z.interest, [0, 0.01, 0.01], s)
        assert z.claim[s] == 0.0


def test_claim_at_the_horizon() -> None:
    """Not yet mature: b * max(1, S / K) with the interest due, and the capped call at that price."""
    problem = tiny(2, scenarios=3, share_price=np.array([[20.0, 22.0, x] for x in (20.0, 30.0, 50.0)]))
    z = flows(problem, kind="convertible", rate=0.01, conversion=TERMS, frequency=0, maturity=60)
    assert z.claim == pytest.approx([1.0 + 0.02, 1.2 + 0.02, 2.0 + 0.02], rel=1e-12)
    assert z.capped_call[:, 2] == pytest.approx([0.0, 0.2, 0.4], rel=1e-12)
    assert z.conversion == pytest.approx(np.zeros((3, 3)))


def test_conversion_prices_of_a_later_vintage_and_of_an_existing_bond() -> None:
    """A vintage converts at the price of its own date in its own scenario; an existing bond at the price it was given."""
    problem = tiny(2, scenarios=2, share_price=np.array([[20.0, 24.0, 60.0], [20.0, 16.0, 60.0]]))
    later = flows(problem, 1, kind="convertible", rate=0.0, conversion=TERMS)
    assert later.conversion[:, 2] == pytest.approx([60 / 30, 60 / 20], rel=1e-12)
    assert later.capped_call[:, 2] == pytest.approx([0.4, 0.4], rel=1e-12)  # the cap is 1.75 / 1.25 of each K
    given_price = Conversion(0.25, cap_premium=0.75, price=40.0)
    z = flows(problem, existing=True, existing_month=-24, kind="convertible", rate=0.0, conversion=given_price)
    assert z.conversion[:, 2] == pytest.approx([1.5, 1.5], rel=1e-12)
    assert z.capped_call[:, 2] == pytest.approx([0.4, 0.4], rel=1e-12)


# --- cost of issue ----------------------------------------------------------------------------------------------------


def test_discount_and_fee_by_months_to_maturity() -> None:
    z = flows(tiny(3, months=[6, 12, 6]), 1, price=0.97, fee=0.015, maturity=30)
    of(z.cost, [0, 0, 0.045 * 12 / 24, 0.045 * 6 / 24])
    of(z.unamortised, [0, 0.045, 0.045 / 2, 0.045 / 4])


# --- identities -------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_strip_is_worth_par_at_its_own_rate(data: st.DataObject) -> None:
    """At yearly payments, discounted at its own rates, what is paid and still owed is worth 1 at issue; the balance rolls."""
    periods = data.draw(st.integers(2, 7))
    rates = data.draw(st.lists(st.floats(0.0, 0.3), min_size=periods, max_size=periods))
    amortisation = data.draw(st.sampled_from(["bullet", "level", "annuity", "given", "after_completion"]))
    terms: dict[str, Any] = {
        "amortisation": amortisation,
        "rate": rates,
        "maturity": 12 * data.draw(st.integers(1, periods + 3)),
        "pik": data.draw(st.sampled_from([0.0, 0.3, 1.0])),
        "pik_months": 12 * data.draw(st.integers(0, 4)),
        "balloon": data.draw(st.sampled_from([0.0, 0.25])),
        "grace": 12 * data.draw(st.integers(0, 3)),
        "completion": np.array([data.draw(st.integers(0, 36))]),
        "given": ((12, 0.2), (30, 0.5)),
        "price": data.draw(st.sampled_from([1.0, 0.97])),
    }
    if data.draw(st.booleans()):
        terms["put"] = (12 * data.draw(st.integers(0, 6)), 1.0)
    z = flows(tiny(periods), **terms)
    cash = (z.interest + z.principal + z.redemption)[0]
    factor = np.concatenate([[1.0], np.cumprod(1.0 / (1.0 + np.array(rates)))])
    assert cash @ factor + z.claim[0] * factor[-1] == pytest.approx(1.0, rel=1e-10)
    added = z.accrued[0] - z.interest[0]
    assert np.diff(z.balance[0]) == pytest.approx((added - z.principal[0] - z.redemption[0])[1:], abs=1e-12)
    assert (z.principal >= 0).all() and (z.balance >= -1e-15).all()
    ended = z.end[0] <= periods
    assert z.cost.sum() + z.unamortised[0, -1] == pytest.approx(1.0 - terms["price"], abs=1e-12)
    assert not ended or z.claim[0] == 0.0


def test_a_put_to_come_is_earned_by_months_from_the_issue() -> None:
    """4 years of 6 from the issue to a put at 109 %: two thirds of 9 %; of a vintage of date 1, 3 years of 5. What is put by T is paid."""
    problem = tiny(4)
    terms = {"frequency": 0, "rate": 0.0, "maturity": 120}
    of(flows(problem, put=(72, 1.09), **terms).put[:, None], [0.06])
    of(flows(problem, 1, put=(72, 1.09), **terms).put[:, None], [0.054])
    of(flows(problem, existing=True, existing_month=-24, put=(72, 1.09), **terms).put[:, None], [0.09 * 72 / 96])
    for put in ((48, 1.09), (120, 1.09), (72, 1.0), (72, 0.95)):
        of(flows(problem, put=put, **terms).put[:, None], [0.0])
    # of a convertible only what exceeds its worth converted
    rising = tiny(4, share_price=[[10.0, 10.0, 10.0, 10.0, 12.5]])
    convertible = {"kind": "convertible", "conversion": Conversion(0.2), **terms}
    of(flows(rising, put=(72, 1.09), **convertible).put[:, None], [1.06 - 12.5 / 12.0])
    of(flows(rising, put=(72, 1.05), **convertible).put[:, None], [0.0])
