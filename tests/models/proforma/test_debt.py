"""Debt walked by the pro forma against closed forms: loans, PIK, discount, calls, puts, conversion, balances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.problem import Call, Conversion, Debt, Problem
from models.proforma.books import Books
from models.proforma.keep import keep_books
from tests.models.proforma.test_keep import broken, kept
from tests.shared.tiny import at, dates, debt_of, idle, stream, tiny


def lent(problem: Problem, face: float = 100.0, date: int = 0, called: dict[int, float] | None = None, **terms: Any) -> Books:
    """Books of a problem with one debt whose face is issued at one date, with calls of it."""
    debt = debt_of(problem, **terms)
    calls = np.zeros((problem.scenarios.count, problem.clock.dates, problem.clock.dates))
    for d, amount in (called or {}).items():
        calls[:, date, d] = amount
    issued = {debt.name: at(problem, {date: face})} if debt.existing == 0.0 else {}
    return kept(replace(problem, debts=(debt,)), issued=issued, called={debt.name: calls})


def line(books: Books, name: str, debt: str = "notes", s: int = 0) -> Any:
    return books.schedules[debt][name][s]


# --- amortisation ---------------------------------------------------------------------------------------------------


def test_annuity_is_the_textbook_payment() -> None:
    problem = tiny(6)
    books = lent(problem, 1000.0, amortisation="annuity", rate=0.07)
    payment = 1000.0 * 0.07 / (1.0 - 1.07**-6)
    cash = line(books, "interest_paid") + line(books, "principal") + line(books, "redeemed")
    assert cash[1:] == pytest.approx(np.full(6, payment), rel=1e-12)
    balance = 1000.0 * 1.07 ** np.arange(7) - payment * (1.07 ** np.arange(7) - 1) / 0.07
    assert line(books, "closing") == pytest.approx(balance, abs=1e-9)


def test_annuity_with_grace_and_balloon_in_half_years() -> None:
    problem = tiny(8, months=6)
    books = lent(problem, 1000.0, amortisation="annuity", rate=0.1, frequency=6, grace=12, balloon=0.3)
    q, n = 0.05, 6
    payment = 700.0 * q / (1.0 - (1 + q) ** -n) + 300.0 * q
    cash = line(books, "interest_paid") + line(books, "principal") + line(books, "redeemed")
    expected = [0.0, 50.0, 50.0, *[payment] * 5, payment + 300.0]
    assert cash == pytest.approx(expected, rel=1e-12)


def test_annuity_on_quarters_paid_half_yearly_compounds_by_half_years() -> None:
    problem = tiny(8, months=3)
    books = lent(problem, 1000.0, amortisation="annuity", rate=0.1, frequency=6)
    payment = 1000.0 * 0.05 / (1.0 - 1.05**-4)
    cash = line(books, "interest_paid") + line(books, "principal") + line(books, "redeemed")
    assert cash[2::2] == pytest.approx(np.full(4, payment), rel=1e-12)
    assert cash[1::2] == pytest.approx(np.zeros(4))


def test_level_repays_in_equal_parts_to_its_balloon() -> None:
    problem = tiny(5)
    books = lent(problem, 100.0, amortisation="level", grace=12, balloon=0.2, rate=0.1)
    assert line(books, "principal") == pytest.approx([0, 0, 20.0, 20.0, 20.0, 0])
    assert line(books, "redeemed")[-1] == pytest.approx(40.0)
    assert line(books, "interest_paid") == pytest.approx([0, 10.0, 10.0, 8.0, 6.0, 4.0])
    assert books.words["debt_service"][0] == pytest.approx([0, 10.0, 30.0, 28.0, 26.0, 4.0])


def test_amortisation_starts_after_completion_by_scenario() -> None:
    problem = tiny(5, scenarios=2, apart_from=9)
    books = lent(problem, 100.0, amortisation="after_completion", completion=np.array([12, 24]))
    assert line(books, "principal") == pytest.approx([0, 0, 25.0, 25.0, 25.0, 0])
    assert line(books, "principal", s=1) == pytest.approx([0, 0, 0, 100 / 3, 100 / 3, 0])


def test_given_principal_never_exceeds_the_balance() -> None:
    problem = tiny(4)
    books = lent(problem, 100.0, date=1, amortisation="given", given=((12, 0.7), (18, 0.6)), tenor=36, rate=0.0)
    assert line(books, "principal") == pytest.approx([0, 0, 70.0, 30.0, 0])
    assert line(books, "closing")[-1] == 0.0


# --- interest -------------------------------------------------------------------------------------------------------


def test_pik_compounds_and_then_pays() -> None:
    problem = tiny(5)
    books = lent(problem, 100.0, rate=0.1, pik=0.5, pik_months=24)
    assert line(books, "pik") == pytest.approx([0, 5.0, 5.25, 0, 0, 0])
    assert line(books, "interest_paid") == pytest.approx([0, 5.0, 5.25, 11.025, 11.025, 11.025])
    assert line(books, "redeemed")[-1] == pytest.approx(110.25)
    assert books.words["total_debt"][0, 2] == pytest.approx(110.25)


def test_interest_at_maturity_does_not_compound() -> None:
    problem = tiny(3, tax_rate=0.2)
    books = lent(problem, 100.0, rate=0.1, frequency=0)
    assert line(books, "interest_due") == pytest.approx([0, 10.0, 20.0, 0])
    assert line(books, "interest_paid") == pytest.approx([0, 0, 0, 30.0])
    assert books.tax["interest_deducted"][0] == pytest.approx([10.0, 10.0, 10.0])


def test_existing_notes_carry_accrued_interest() -> None:
    problem = tiny(8, months=3, cash=1e6)
    books = lent(problem, existing=200.0, existing_month=-8, maturity=16, rate=0.09, frequency=6)
    # paid at months 4 (date 2, month 6), 10 (month 12), and 16 (month 18, its maturity): two months are due at date 0
    assert line(books, "interest_due", "notes@existing") == pytest.approx([3.0, 7.5, 0, 4.5, 0, 4.5, 0, 0, 0])
    assert line(books, "interest_paid", "notes@existing") == pytest.approx([0, 0, 12.0, 0, 9.0, 0, 9.0, 0, 0])
    assert books.balance_sheet["opening_equity"][0, 0] == pytest.approx(1e6 - 203.0)


def test_discount_and_fee_are_deducted_once_by_months() -> None:
    problem = tiny(8, months=6, tax_rate=0.2)
    books = lent(problem, 100.0, date=1, price=0.97, fee=0.02, maturity=48, frequency=6)
    assert line(books, "proceeds")[1] == pytest.approx(95.0)
    assert line(books, "amortisation") == pytest.approx([0, 0, *[5.0 / 7] * 7])
    assert line(books, "unamortised")[-1] == 0.0
    assert books.tax["issue_costs"].sum() == pytest.approx(5.0)


def test_debt_beyond_the_horizon_counts_at_the_end() -> None:
    problem = tiny(2, discount=0.0)
    books = lent(problem, 100.0, rate=0.1, tenor=84, frequency=36, amortisation="level")
    assert line(books, "closing")[-1] == 100.0
    assert books.ledger["terminal_debt"][0, -1] == pytest.approx(-120.0)


# --- calls and puts -------------------------------------------------------------------------------------------------


def test_call_pays_the_price_in_force_and_ends_the_face() -> None:
    problem = tiny(5, tax_rate=0.2)
    call = Call(((24, 1.04), (36, 1.02)))
    books = lent(problem, 100.0, rate=0.1, price=0.9, call=call, called={2: 40.0, 3: 30.0})
    assert books.cash_flow["calls"][0] == pytest.approx([0, 0, -41.6, -30.6, 0, 0])
    assert line(books, "interest_paid") == pytest.approx([0, 10.0, 10.0, 6.0, 3.0, 3.0])
    assert line(books, "amortisation") == pytest.approx([0, 2.0, 2.0 + 2.4, 1.2 + 1.2, 0.6, 0.6])
    assert books.income["redemption_premium"][0] == pytest.approx([0, 0, 1.6, 0.6, 0, 0])
    assert books.words["principal"].sum() == 0.0


def test_call_between_coupons_pays_interest_due() -> None:
    problem = tiny(4, months=6)
    books = lent(problem, 100.0, rate=0.1, call=Call(((0, 1.0),)), called={1: 100.0})
    assert line(books, "interest_paid") == pytest.approx([0, 5.0, 0, 0, 0])
    assert line(books, "closing") == pytest.approx([100.0, 0, 0, 0, 0])


def test_calls_out_of_their_time_are_found() -> None:
    problem = tiny(4)
    debt = debt_of(problem, call=Call(((24, 1.0),)))
    problem = replace(problem, debts=(debt,))
    wrong = ((1, 5.0, "inside their windows"), (4, 5.0, "inside their windows"), (2, 105.0, "within the face"))
    for date, amount, check in wrong:
        calls = np.zeros((1, 5, 5))
        calls[0, 0, date] = amount
        books = keep_books(problem, idle(problem, issued={"notes": at(problem, {0: 100.0})}, called={"notes": calls}))
        assert any(check in name for name in broken(books)), date


def test_put_redeems_unless_conversion_is_worth_more() -> None:
    problem = tiny(4, scenarios=2, share_price=[[10.0, 10.0, 10.0, 10.0, 10.0], [10.0, 10.0, 20.0, 30.0, 30.0]])
    terms = Conversion(premium=0.25)
    books = lent(problem, 100.0, kind="convertible", rate=0.02, price=0.96, put=(24, 1.05), conversion=terms, maturity=48)
    assert line(books, "put") == pytest.approx([0, 0, 100.0, 0, 0])
    assert line(books, "amortisation") == pytest.approx([0, 1.0, 3.0, 0, 0])
    assert books.cash_flow["puts"][0, 2] == pytest.approx(-105.0)
    assert line(books, "converted", s=1) == pytest.approx([0, 0, 0, 0, 100.0])
    assert books.ledger["conversion"][1] == pytest.approx([0, 0, 0, 0, -240.0])
    assert line(books, "interest_paid", s=1) == pytest.approx([0, 2.0, 2.0, 2.0, 2.0])


# --- convertibles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share_price", [5.0, 13.0, 16.0, 40.0])
@pytest.mark.parametrize("maturity", [24, 60])
def test_convertible_claim_and_capped_call(share_price: float, maturity: int) -> None:
    problem = tiny(2, discount=0.0, share_price=[10.0, 11.0, share_price], cash=1000.0)
    terms = Conversion(premium=0.3, capped_call_cost=0.08, cap_premium=1.0)
    books = lent(problem, 100.0, kind="convertible", rate=0.0, fee=0.03, conversion=terms, maturity=maturity)
    claim = 100.0 * max(1.0, share_price / 13.0)
    payoff = 100.0 * min(max(share_price / 13.0 - 1.0, 0.0), 20.0 / 13.0 - 1.0)
    assert books.cash_flow["debt_issued"][0, 0] == pytest.approx(97.0)
    assert books.balance_sheet["capped_call_cost"][0, -1] == pytest.approx(-8.0)
    assert books.value[0] == pytest.approx(1000.0 + 97.0 - 8.0 - claim + payoff)


def test_existing_convertible_has_its_own_price() -> None:
    problem = tiny(2, discount=0.0, share_price=[10.0, 30.0, 1.0], cash=1000.0)
    terms = Conversion(premium=0.25, price=20.0)
    debt = debt_of(problem, kind="convertible", rate=0.0, conversion=terms, maturity=12, existing=100.0)
    books = kept(replace(problem, debts=(replace(debt, existing_month=-24),)))
    assert books.ledger["conversion"][0] == pytest.approx([0.0, -150.0, 0.0])
    assert books.balance_sheet["converted"][0] == pytest.approx([0.0, 100.0, 100.0])


# --- running balances -----------------------------------------------------------------------------------------------


def test_revolver_interest_commitment_and_fee() -> None:
    problem = tiny(4, tax_rate=0.2)
    window = dates(problem, 1)
    debt = Debt("line", "revolver", window, 100.0, np.zeros(5), np.full((1, 4), 0.1), tenor=24, fee=0.02, commitment=0.01)
    books = kept(replace(problem, debts=(debt,)), balance={"line": at(problem, {1: 60.0, 2: 30.0})})
    assert books.cash_flow["revolver"][0] == pytest.approx([0, 58.0, -30.0, -30.0, 0])
    assert books.words["interest"][0] == pytest.approx([0, 0, 6.4, 3.7, 0])
    assert books.income["fee_amortisation"][0] == pytest.approx([0, 0, 1.0, 1.0, 0])
    assert books.words["principal"].sum() == 0.0
    for date, usd in ((0, 5.0), (3, 5.0), (1, 101.0)):
        wrong = idle(problem, balance={"line": at(problem, {date: usd})})
        assert broken(keep_books(replace(problem, debts=(debt,)), wrong)) != {}


def test_a_loan_repaid_as_cash_allows_keeps_its_coverage() -> None:
    problem = tiny(3)
    debt = debt_of(problem, "loan", "loan", rate=0.1, amortisation="as_cash_allows", coverage=1.25, window=dates(problem, 0))
    problem = replace(problem, debts=(debt,), cash_flows=(stream(problem, [0.0, 50.0, 50.0, 75.0]),))
    # debt service of 40, 40, 60 at 10 %
    face = 40.0 / 1.1 + 40.0 / 1.21 + 60.0 / 1.331
    repaid, balance = {}, face
    for d, service in ((1, 40.0), (2, 40.0), (3, 60.0)):
        repaid[d] = service - 0.1 * balance
        balance -= repaid[d]
    decided = {"issued": {"loan": at(problem, {0: face})}, "repaid": {"loan": at(problem, repaid)}}
    books = kept(problem, **decided)
    assert books.words["debt_service"][0] == pytest.approx([0, 40.0, 40.0, 60.0])
    tight = replace(problem, debts=(replace(debt, coverage=1.26),))
    assert "coverage of a loan" in broken(keep_books(tight, idle(tight, **decided)))
    late = decided | {"repaid": {"loan": at(problem, repaid | {3: 0.0})}}
    assert "debt is zero at maturity" in broken(keep_books(problem, idle(problem, **late)))


def test_a_sculpted_loan_keeps_one_ratio() -> None:
    """Service of 40, 40, 60 of cash flows 50, 50, 75: 1.25 throughout. A year paid otherwise, or in one scenario otherwise, is refused."""
    problem = tiny(3, scenarios=2)
    debt = debt_of(problem, "loan", "loan", rate=0.1, amortisation="sculpted", coverage=1.25, window=dates(problem, 0))
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 50.0, 50.0, 75.0]),))
    face = 40.0 / 1.1 + 40.0 / 1.21 + 60.0 / 1.331

    def found(debt: Debt, services: tuple[float, ...], other: tuple[float, ...] | None = None) -> dict[str, Any]:
        repaid = np.zeros((2, 4))
        for s, paid in enumerate((services, other or services)):
            balance = face
            for d, service in enumerate(paid, 1):
                repaid[s, d] = service - 0.1 * balance
                balance -= repaid[s, d]
        owed = replace(problem, debts=(debt,))
        decided = {"issued": {"loan": at(owed, {0: face})}, "repaid": {"loan": repaid}}
        return broken(keep_books(owed, idle(owed, **decided)))

    even, uneven = (40.0, 40.0, 60.0), (39.0, 41.1, 60.0)
    assert found(debt, even) == {}
    assert found(replace(debt, coverage=0.0, ratio=1.25), even) == {}
    assert "ratio of a sculpted loan" in found(debt, uneven)
    assert "ratio of a sculpted loan" in found(replace(debt, coverage=0.0, ratio=1.25), uneven)
    assert "ratio of a sculpted loan" in found(replace(debt, coverage=0.0, ratio=1.3), even)
    assert "coverage of a loan" in found(replace(debt, coverage=1.26), even)
    assert set(found(debt, even, uneven)) == {"one schedule of a sculpted loan"}
    assert "ratio of a sculpted loan" in found(replace(debt, bank_case=np.array([False, True])), even, uneven)
    assert "no principal in grace" in found(replace(debt, grace=12), even)


def test_btc_loan_pledges_and_top_up() -> None:
    problem = tiny(3, coins=2.0, btc_price=[100.0, 70.0, 80.0, 90.0])
    debt = debt_of(problem, "btc", "btc_loan", window=dates(problem, 0), ltv=0.5, top_up=0.7, rate=0.1, limit=200.0)
    problem = replace(problem, debts=(debt,))
    decided = {
        "issued": {"btc": at(problem, {0: 98.0})},
        "repaid": {"btc": at(problem, {2: 28.0, 3: 70.0})},
        "pledged": {"btc": at(problem, {0: 2.0, 1: 2.0, 2: 1.25})},
    }
    books = kept(problem, **decided)
    assert books.words["interest"][0] == pytest.approx([0, 9.8, 9.8, 7.0])
    assert books.words["principal"].sum() == 0.0
    thin = decided | {"pledged": {"btc": at(problem, {0: 2.0, 1: 1.9, 2: 1.25})}}
    assert broken(keep_books(problem, idle(problem, **thin)))["loan to value"] == "s0, date 1, btc"
    more = decided | {"pledged": {"btc": at(problem, {0: 2.1, 1: 2.0, 2: 1.25})}}
    assert "pledges within coins" in broken(keep_books(problem, idle(problem, **more)))


def test_collateral_of_coins_and_limits_of_issue() -> None:
    problem = tiny(2, coins=2.0, btc_price=100.0)
    secured = debt_of(problem, advance_rate=0.5, collateral=("coins",), limit=150.0, minimum=50.0)
    problem = replace(problem, debts=(replace(secured, date_limit=np.full(3, 90.0)),))
    plans = (({0: 90.0}, None), ({0: 40.0}, "minimum"), ({0: 95.0}, "notes"), ({0: 80.0, 1: 30.0}, "date 1"))
    for face, check in plans:
        books = keep_books(problem, idle(problem, issued={"notes": at(problem, face)}))
        assert (broken(books) == {}) == (check is None)
        assert check is None or any(check in where for where in broken(books).values())


def test_what_is_scheduled_at_a_put_is_paid_at_par() -> None:
    problem = tiny(4, months=6)
    books = lent(problem, 100.0, kind="loan", rate=0.0, amortisation="level", put=(6, 1.1), maturity=24)
    # at month 6 there are three payment dates: the put itself, months 12 and 24
    assert line(books, "principal") == pytest.approx([0, 100 / 3, 0, 0, 0])
    assert books.cash_flow["puts"][0, 1] == pytest.approx(-1.1 * 200 / 3)


@pytest.mark.parametrize(("off", "wrong"), [(1e-6, True), (1e-12, False)])
def test_what_is_called_and_secured_is_measured_against_the_face(off: float, wrong: bool) -> None:
    """A solver's remainder of 1e-12 of the face is called, or owed without security, where nothing was issued: nothing. 1e-6 of it is not."""
    problem = replace(tiny(3), money=1e5)
    face = 12e9
    notes = debt_of(problem, maturity=48, call=Call(((0, 1.0),)), limit=face)
    problem = replace(problem, debts=(notes,))
    called = np.zeros((1, 4, 4))
    called[0, 1, 2] = off * face  # of a vintage that was not issued
    checks = broken(keep_books(problem, idle(problem, called={"notes": called})), 1e-7)
    assert ("calls within the face" in checks) == wrong
    halls = replace(problem, debts=(replace(notes, call=None, collateral=("halls",), advance_rate=0.5),))
    owed = idle(halls, issued={"notes": at(halls, {0: off * face})})
    assert ("collateral covers the balance" in broken(keep_books(halls, owed), 1e-7)) == wrong
