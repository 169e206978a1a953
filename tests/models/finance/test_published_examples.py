"""Rates, multiples, effective interest and dilution against published examples; sources are named at each."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
import pyxirr

from models.finance.cap_table import if_converted
from models.finance.rates import irr
from models.finance.returns import loan_life_coverage, mirr, npv, payback
from models.problem import Call, Clock, Conversion
from models.proforma.interest import effective_spread, left_of_cost
from models.program.strips import strip
from tests.models.proforma.test_debt import lent, line
from tests.shared.tiny import clock_of, debt_of, tiny


def years(count: int) -> Clock:
    return clock_of(count)


# --- rates: Microsoft support, documentation of the functions of Excel ------------------------------------------------


def test_xirr_and_xnpv_of_the_documentation() -> None:
    """XIRR: 0.373362535; XNPV at 9 %: 2086.647602."""
    days = [date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15), date(2009, 4, 1)]
    flows = [-10_000.0, 2_750.0, 4_250.0, 3_250.0, 2_750.0]
    # the documentation's own number is Excel's after its last step: exact to 1e-8
    assert pyxirr.xirr(days, flows) == pytest.approx(0.373362535, abs=2e-8)
    assert pyxirr.xnpv(0.09, days, flows) == pytest.approx(2086.647602, abs=1e-6)


def test_ours_on_months_is_xirr_where_years_have_twelve_equal_months() -> None:
    clock = clock_of(4, months=[2, 7, 4, 2])
    flows = np.array([-10_000.0, 2_750.0, 4_250.0, 3_250.0, 2_750.0])
    rate, why = irr(clock, flows)
    assert why is None and rate is not None
    assert npv(clock, flows, rate) == pytest.approx(0.0, abs=1e-6)


def test_npv_of_the_documentation() -> None:
    """8 %: 40,000 paid at once, then 8,000 to 14,500: 1,922.06; a loss of 9,000 in the sixth year: -3,749.47."""
    flows = np.array([-40_000.0, 8_000.0, 9_200.0, 10_000.0, 12_000.0, 14_500.0])
    assert npv(years(5), flows, 0.08) == pytest.approx(1922.06, abs=0.005)
    assert npv(years(6), np.append(flows, -9_000.0), 0.08) == pytest.approx(-3749.47, abs=0.005)
    # 10 %, the first flow a year from now: 1,188.44
    assert npv(years(4), np.array([0.0, -10_000.0, 3_000.0, 4_200.0, 6_800.0]), 0.10) == pytest.approx(1188.44, abs=0.005)


def test_irr_of_the_documentation() -> None:
    """70,000 for a business: -2.1 % after four years, 8.7 % after five."""
    flows = np.array([-70_000.0, 12_000.0, 15_000.0, 18_000.0, 21_000.0, 26_000.0])
    four, five = irr(years(4), flows[:5])[0], irr(years(5), flows)[0]
    assert four == pytest.approx(-0.021, abs=5e-4)
    assert five == pytest.approx(0.087, abs=5e-4)


def test_mirr_of_the_documentation() -> None:
    """120,000 borrowed at 10 %, reinvested at 12 %: 12.61 % after five years, -4.80 % after three; at 14 %: 13.48 %."""
    flows = np.array([-120_000.0, 39_000.0, 30_000.0, 21_000.0, 37_000.0, 46_000.0])
    assert mirr(years(5), flows, 0.10, 0.12)[0] == pytest.approx(0.1261, abs=5e-5)
    assert mirr(years(3), flows[:4], 0.10, 0.12)[0] == pytest.approx(-0.0480, abs=5e-5)
    assert mirr(years(5), flows, 0.10, 0.14)[0] == pytest.approx(0.1348, abs=5e-5)
    assert mirr(years(5), np.abs(flows), 0.1, 0.1) == (None, "needs payments and receipts")


def test_mirr_knows_how_long_periods_are() -> None:
    """Paid 100 at once, 121 two years on, and nothing between: 10 % a year, in whatever periods."""
    for months in ([24], [12, 12], [3] * 8, [6, 18]):
        clock = clock_of(len(months), months)
        flows = np.array([-100.0, *[0.0] * (len(months) - 1), 121.0])
        assert mirr(clock, flows, 0.05, 0.07)[0] == pytest.approx(0.10, rel=1e-9)


def test_payback_within_a_period_and_for_good() -> None:
    clock = clock_of(4, months=6)
    assert payback(clock, np.array([-100.0, 40.0, 40.0, 40.0, 0.0])) == (1.25, None)
    # it comes back, is lost again, and comes back for good half-way through the last period
    assert payback(clock, np.array([-100.0, 150.0, -100.0, 25.0, 50.0]))[0] == pytest.approx(1.75)
    assert payback(clock, np.array([-100.0, 1.0, 1.0, 1.0, 1.0]))[0] is None
    assert payback(clock, np.array([5.0, 1.0, 1.0, 1.0, 1.0]))[0] is None


def test_loan_life_coverage_of_a_loan_that_takes_all_cfads_is_one() -> None:
    """An annuity served by just its payments: the present value of CFADS at the loan's rate is the loan."""
    payment = 1000.0 * 0.07 / (1.0 - 1.07**-5)
    debt = np.array([1000.0 * 1.07**k - payment * (1.07**k - 1.0) / 0.07 for k in range(6)])
    interest = np.append(0.0, 0.07 * debt[:-1])
    cfads = np.append(0.0, np.full(5, payment))
    assert loan_life_coverage(cfads, debt, interest)[0] == pytest.approx(1.0, rel=1e-9)
    assert loan_life_coverage(1.3 * cfads, debt, interest)[0] == pytest.approx(1.3, rel=1e-9)
    # drawn in two steps: counted from the date at which all of it stands
    later = loan_life_coverage(np.append(99.0, cfads), np.append(400.0, debt), np.append(0.0, interest))
    assert later[0] == pytest.approx(1.0, rel=1e-9)
    assert loan_life_coverage(cfads, debt[::-1], interest)[0] is None
    assert loan_life_coverage(cfads, 0.0 * debt, interest) == (None, "there is no debt")


# --- effective interest -----------------------------------------------------------------------------------------------


def test_effective_interest_of_the_implementation_guidance() -> None:
    """IFRS 9 (and IAS 39), implementation guidance B.26: bought at 1,000, 1,250 at the end of five years, 59 a year: 10 % effective.

    Carried at 1,041, 1,086, 1,136, 1,190 at the ends of years 1 to 4. The coupon is 59 / 1,250 = 4.72 % (printed 4.7 %).
    """
    problem = tiny(5, cash=1e6)
    books = lent(problem, 1250.0, rate=0.0472, price=0.8, frequency=12, maturity=60)
    carried = line(books, "closing") - line(books, "effective_unamortised")
    assert carried[:5] == pytest.approx([1000.0, 1041.0, 1086.0, 1136.0, 1190.0], abs=0.6)
    expense = line(books, "interest_accrued") + line(books, "effective_amortisation")
    assert expense[1:] == pytest.approx([100.0, 104.0, 109.0, 113.0, 119.0], abs=0.6)
    assert expense[1:] / carried[:-1] == pytest.approx(np.full(5, 0.10), abs=5e-5)
    assert books.balance_sheet["unamortised_issue_costs"][0, -1] == 0.0


def test_imputed_interest_of_a_share_without_early_dividends() -> None:
    """IAS 33, illustrative example 1: 81.63 at 7 % grows to 87.34, 93.46 and 100.00."""
    left = left_of_cost(0.1837, [0, 12, 24, 36], [1, 2, 3], [0.0] * 3, [1.0] * 3)
    assert 100.0 * (1.0 - left) == pytest.approx([81.63, 87.34, 93.46, 100.0], abs=0.006)
    assert effective_spread(0.1837, [1.0] * 3, [0.0] * 3, [1.0] * 3) == pytest.approx(0.07, abs=5e-5)


def test_half_yearly_bond_on_quarters_earns_its_yield_and_wears_evenly_between_coupons() -> None:
    """The yield by an independent search (IRR of the bond's flows), compounded at coupon dates."""
    problem = tiny(12, months=3, cash=1e6)
    books = lent(problem, 1000.0, rate=0.08, price=0.95, fee=0.01, frequency=6, maturity=36)
    per_coupon = pyxirr.irr([-940.0, *[40.0] * 5, 1040.0])
    assert per_coupon is not None
    at_coupons = [940.0]
    for _ in range(6):
        at_coupons.append(at_coupons[-1] * (1.0 + per_coupon) - 40.0)
    carried = line(books, "closing") - line(books, "effective_unamortised")
    assert carried[0:12:2] == pytest.approx(at_coupons[:6], rel=1e-12)
    assert carried[1:11:2] == pytest.approx([(a + b) / 2 for a, b in pairwise(at_coupons[:6])], rel=1e-12)
    assert line(books, "amortisation")[1:] == pytest.approx(np.full(12, 5.0))  # tax: straight-line


@pytest.mark.parametrize("terms", [
    {"amortisation": "annuity", "rate": 0.09},
    {"amortisation": "level", "rate": 0.06, "grace": 12, "balloon": 0.3},
    {"rate": 0.10, "pik": 0.6, "pik_months": 24},
    {"rate": [0.04, 0.05, 0.06, 0.07, 0.08]},
    {"amortisation": "given", "given": ((12, 0.3), (36, 0.5)), "rate": 0.05},
    {"rate": 0.0, "frequency": 0},
    {"rate": 0.05, "price": 1.04, "fee": 0.01},
])  # fmt: skip
def test_carried_at_the_present_value_of_what_is_still_paid(terms: dict[str, object]) -> None:
    """Discounted at coupon plus spread: the definition of amortised cost, on yearly payments, whatever the debt does."""
    given = {"price": 0.93, "fee": 0.02, "frequency": 12, "maturity": 60} | terms
    books = lent(tiny(5, cash=1e6), 100.0, **given)
    cash = sum(line(books, key) for key in ("interest_paid", "principal", "redeemed"))
    carried = line(books, "closing") - line(books, "effective_unamortised")
    assert carried[0] == pytest.approx(100.0 * (given["price"] - given["fee"]), rel=1e-12)  # type: ignore[operator]
    coupon = np.broadcast_to(np.asarray(given["rate"], dtype=float), 5)
    expense = line(books, "interest_accrued") + line(books, "effective_amortisation")
    spread = (expense[1:] / carried[:-1]) - coupon
    # until the debt is gone the spread is one and the same
    stands = line(books, "closing")[:-1] > 1e-9
    assert np.ptp(spread[stands]) == pytest.approx(0.0, abs=1e-9)
    worth = 0.0
    for e in range(5, 0, -1):
        worth = (worth + cash[e]) / (1.0 + coupon[e - 1] + spread[0])
        assert carried[e - 1] == pytest.approx(worth, abs=1e-7)


def test_beyond_the_horizon_the_contract_goes_on() -> None:
    """Ten years of which the horizon shows three: carried as in a horizon of ten."""
    terms = {"rate": 0.06, "price": 0.9, "frequency": 12, "maturity": 120, "amortisation": "annuity"}
    short = lent(tiny(3, cash=1e6), 100.0, **terms)
    whole = lent(tiny(10, cash=1e6), 100.0, **terms)
    assert line(short, "effective_unamortised") == pytest.approx(line(whole, "effective_unamortised")[:4], rel=1e-12)
    assert line(short, "effective_unamortised")[-1] > 1.0


def test_a_call_writes_off_its_part() -> None:
    call = Call(((12, 1.03),))
    kept = lent(tiny(5, cash=1e6), 100.0, rate=0.06, price=0.9, frequency=12, maturity=60)
    books = lent(tiny(5, cash=1e6), 100.0, rate=0.06, price=0.9, frequency=12, maturity=60, call=call, called={2: 40.0})
    left = line(kept, "effective_unamortised")
    assert line(books, "written_off") == pytest.approx([0, 0, 0.4 * left[2], 0, 0, 0], rel=1e-12)
    assert line(books, "effective_unamortised")[2:] == pytest.approx(0.6 * left[2:], rel=1e-12)
    worn = line(books, "effective_amortisation") + line(books, "written_off")
    assert worn.sum() == pytest.approx(10.0, rel=1e-12)


def test_no_rate_for_what_brings_nothing() -> None:
    with pytest.raises(ValueError, match="no rate makes"):
        effective_spread(1.0, [1.0], [0.1], [1.0])
    assert left_of_cost(1.0, [0, 12, 24], [1, 2], [0.1, 0.1], [1.0, 1.0]) == pytest.approx([1.0, 0.5, 0.0])


# --- dilution ---------------------------------------------------------------------------------------------------------


def test_if_converted_of_the_standard() -> None:
    """IAS 33, illustrative example 6: 1,004 over 1,000 shares; bonds cost 10 less 4 of tax, and convert into 30: 0.98."""
    top, bottom, each = if_converted(np.array(1004.0), np.array(1000.0), np.array(10.0 - 4.0), np.array(30.0))
    assert (float(top), float(bottom)) == (1010.0, 1030.0)
    assert round(float(each), 2) == 0.98


def test_what_would_raise_earnings_per_share_is_left_out() -> None:
    """IAS 33.41-44: antidilutive where its own earnings per share are more than what is there; also with a loss."""
    for earnings, added, potential in ((100.0, 30.0, 10.0), (-50.0, 1.0, 10.0)):
        top, bottom, _ = if_converted(np.array(earnings), np.array(100.0), np.array(added), np.array(potential))
        assert (float(top), float(bottom)) == (earnings, 100.0)


PATHS = np.exp(np.random.default_rng(7).normal(0.2, 0.7, (40, 2)))


@pytest.mark.parametrize("maturity", [12, 24, 60])
@pytest.mark.parametrize("cap", [None, 0.2, 1.0])
def test_claims_and_capped_calls_on_forty_paths(maturity: int, cap: float | None) -> None:
    """max(1, S / K) and min(max(S / K - 1, 0), cap / K - 1) per 1 of face at maturity or the horizon: in both books, on every path."""
    prices = 20.0 * np.concatenate([np.ones((40, 1)), np.cumprod(PATHS, axis=1)], axis=1)
    problem = tiny(2, scenarios=40, cash=1e6, share_price=prices)
    terms = Conversion(0.3, capped_call_cost=0.05 if cap else 0.0, cap_premium=cap)
    books = lent(problem, 100.0, kind="convertible", rate=0.0, conversion=terms, maturity=maturity)
    z = strip(problem, debt_of(problem, kind="convertible", rate=0.0, conversion=terms, maturity=maturity), 0)
    end = min(maturity // 12, 2)
    strike = 26.0
    claim = np.maximum(1.0, prices[:, end] / strike)
    room = 0.0 if cap is None else max(20.0 * (1.0 + cap) / strike - 1.0, 0.0)
    payoff = np.minimum(np.maximum(prices[:, end] / strike - 1.0, 0.0), room)
    cash = books.schedules["notes"]["redeemed"][:, end]
    got = cash - books.ledger["conversion"][:, end] - books.ledger["terminal_debt"][:, end]
    assert got == pytest.approx(100.0 * claim, rel=1e-12)
    assert books.ledger["capped_call"][:, end] == pytest.approx(100.0 * payoff, abs=1e-9)
    assert z.redemption[:, end] + z.conversion[:, end] + z.claim == pytest.approx(claim, rel=1e-12)
    assert z.capped_call[:, end] == pytest.approx(payoff, abs=1e-12)
    assert 5 <= (claim > 1.0).sum() <= 35  # both sides of the strike are there
