"""Debt and shares: each row of models/program/financing.py, loan-to-value and coverage against README sections 7 to 9."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.problem import Call, Conversion, Problem
from models.program.master_problem import MasterProblem
from tests.shared.rows import close, keys, row_is, solved
from tests.shared.tiny import dates, debt_of, equity_of, expansion_of, path, rig_of, service_of, site_of, stream, tiny


def owing(problem: Problem, *terms: dict[str, Any], **one: Any) -> Problem:
    """With one debt per set of terms."""
    return replace(problem, debts=tuple(debt_of(problem, **t) for t in (terms or (one,))))


# --- face -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["notes", "loan", "convertible"])
def test_face_issued_on_a_path_is_within_limit_and_minimum_less_what_exists(kind: str) -> None:
    """minimum - existing <= sum F <= limit - existing; F[d] <= date_limit[d]; none at the day it would mature."""
    problem = tiny(3, scenarios=2, share_price=10.0)
    terms: dict[str, Any] = {
        "kind": kind,
        "limit": 100e6,
        "minimum": 20e6,
        "existing": 10e6,
        "existing_month": -6,
        "maturity": 24,
    }
    if kind == "convertible":
        terms["conversion"] = Conversion(0.3)
    limit = np.array([30e6, 40e6, 50e6, 60e6])
    master = MasterProblem(owing(problem, **terms, date_limit=limit))
    assert {key: var.ub for key, var in master.model.issued_notes.items()} == {(0, 0): 30.0, (0, 1): 40.0, (1, 1): 40.0}
    for s in (0, 1):
        face = {"issued_notes[0,0]": 1.0, f"issued_notes[{s},1]": 1.0}
        row_is(master, "issue_limit", ("notes", s), face, at_most=90.0)
        row_is(master, "issue_minimum", ("notes", s), face, at_least=10.0)


def test_shares_have_the_same_limits() -> None:
    problem = tiny(2, scenarios=2, share_price=10.0)
    master = MasterProblem(replace(problem, equities=(equity_of(problem, limit=50e6, minimum=5e6),)))
    for s in (0, 1):
        face = {"issued_shares[0,0]": 1.0, f"issued_shares[{s},1]": 1.0}
        row_is(master, "issue_limit", ("shares", s), face, at_most=50.0)
        row_is(master, "issue_minimum", ("shares", s), face, at_least=5.0)


def test_issue_limit_binds() -> None:
    """Notes at 6 % against a discount of 12 %: the whole limit at date 0, worth F (1 - 0.06 * annuity - 1.12**-3)."""
    problem = tiny(3, discount=0.12, cash_yield=0.12)
    solution = solved(owing(problem, rate=0.06, limit=100e6, price=0.99, fee=0.01))
    coupons = 0.06 * sum(1.12**-d for d in (1, 2, 3))
    assert close(solution.objective, 1e9 + 100e6 * (0.98 - coupons - 1.12**-3))


def test_money_of_a_strip_and_of_its_call() -> None:
    """Cash at issue price - fee; coupons by vintage; a call at d pays price * balance + interest due and ends what follows."""
    problem = tiny(3, months=6, cash=0.0)
    call = Call(((6, 1.02), (12, 1.01)))
    master = MasterProblem(owing(problem, price=0.98, fee=0.01, rate=[0.08, 0.09, 0.10], call=call, window=dates(problem, 0, 1)))
    first = {"cash[0,0]": 1.0, "dividends[0,0]": 1.0, "issued_notes[0,0]": -0.97}
    row_is(master, "cash", (0, 0), first, equal=0.0)
    due = 0.5 * 0.08  # coupons are yearly: half a year of interest is due at date 1
    second = {"cash[0,1]": 1.0, "cash[0,0]": -1.0, "dividends[0,1]": 1.0, "issued_notes[0,1]": -0.97}
    row_is(master, "cash", (0, 1), second | {"called_notes_0[0,1]": 1.02 + due}, equal=0.0)
    year = 0.5 * (0.08 + 0.09)
    third = {"cash[0,2]": 1.0, "cash[0,1]": -1.0, "dividends[0,2]": 1.0, "issued_notes[0,0]": year}
    # called at date 1: the coupon of date 2 is not paid; called at date 2: after the coupon, at 1.01; vintage 1 owes half a year
    third |= {"called_notes_0[0,1]": -year, "called_notes_0[0,2]": 1.01, "called_notes_1[0,2]": 1.01 + 0.5 * 0.09}
    row_is(master, "cash", (0, 2), third, equal=0.0)
    fourth = {"cash[0,3]": 1.0, "cash[0,2]": -1.0, "dividends[0,3]": 1.0}
    rest, young = 1.0 + 0.5 * 0.10, 1.0 + 0.5 * (0.09 + 0.10)
    fourth |= {"issued_notes[0,0]": rest, "called_notes_0[0,1]": -rest, "called_notes_0[0,2]": -rest}
    row_is(master, "cash", (0, 3), fourth | {"issued_notes[0,1]": young, "called_notes_1[0,2]": -young}, equal=0.0)


def test_no_more_is_called_than_there_is() -> None:
    """sum_d Z[v, d] <= F[v] for each vintage; <= existing for what exists; only at dates v < d < M with a price in force."""
    problem = tiny(3, scenarios=2)
    master = MasterProblem(owing(problem, existing=25e6, call=Call(((24, 1.0),)), window=dates(problem, 0, 1), maturity=48))
    assert [key[:2] for key in keys(master, "call_face")] == [("notes", 0)] * 2 + [("notes", 1)] * 2 + [("notes@existing", 0)] * 2
    for s in (0, 1):
        for v, k in ((0, 0), (1, s)):
            called = {f"called_notes_{v}[{s},{d}]": 1.0 for d in (2, 3)}
            row_is(master, "call_face", ("notes", v, s), called | {f"issued_notes[{k},{v}]": -1.0}, at_most=0.0)
        called = {f"called_notes@existing_0[{s},{d}]": 1.0 for d in (2, 3)}
        row_is(master, "call_face", ("notes@existing", 0, s), called, at_most=25.0)


def test_a_dear_debt_is_called() -> None:
    """100 MUSD at 12 % against 8 %: holding it from date 1 costs 12 / 1.08 + 112 / 1.08**2 = 107.1, the call 103."""
    problem = tiny(3, cash_yield=0.08)
    debt = {"existing": 100e6, "limit": 100e6, "existing_month": -12, "rate": 0.12, "call": Call(((12, 1.03),))}
    solution = solved(owing(problem, **debt))
    assert close(solution.objective, 1e9 - (12e6 + 103e6) / 1.08)
    assert close(
        solved(owing(problem, **(debt | {"call": Call(((12, 1.08),))}))).objective, 1e9 - 12e6 / 1.08 - 107.1330589849e6 / 1.08
    )


# --- running balances -------------------------------------------------------------------------------------------------


def test_balance_of_a_loan_repaid_by_decision_rolls_at_nodes() -> None:
    """B[d] = B[d-1] + F[d] - A[d], B[-1] = existing; repayments from date 1; nothing left at maturity."""
    problem = tiny(3, scenarios=2)
    loan = {"name": "loan", "kind": "loan", "amortisation": "as_cash_allows", "window": dates(problem, 0, 1)}
    master = MasterProblem(owing(problem, **loan, tenor=36, existing=7e6, limit=50e6))
    assert keys(master, "debt_roll") == [("loan", 0, 0), *(("loan", s, d) for d in (1, 2, 3) for s in (0, 1))]
    row_is(master, "debt_roll", ("loan", 0, 0), {"balance[loan,0,0]": 1.0, "issued_loan[0,0]": -1.0}, equal=7.0)
    for s in (0, 1):
        key, repaid = f"balance[loan,{s},", f"repaid_loan[{s},"
        rolled = {f"{key}1]": 1.0, "balance[loan,0,0]": -1.0, f"issued_loan[{s},1]": -1.0, f"{repaid}1]": 1.0}
        row_is(master, "debt_roll", ("loan", s, 1), rolled, equal=0.0)
        row_is(master, "debt_roll", ("loan", s, 2), {f"{key}2]": 1.0, f"{key}1]": -1.0, f"{repaid}2]": 1.0}, equal=0.0)
        row_is(master, "debt_roll", ("loan", s, 3), {f"{key}2]": -1.0, f"{repaid}3]": 1.0}, equal=0.0)


def test_tenor_of_a_running_balance_counts_from_the_first_window_date() -> None:
    problem = tiny(4)
    loan = {"name": "loan", "kind": "loan", "amortisation": "as_cash_allows", "window": dates(problem, 1, 2, 3)}
    master = MasterProblem(owing(problem, **loan, tenor=24))
    # due at date 3: what could be drawn then would mature the same day
    assert list(master.model.issued_loan) == [(0, 1), (0, 2)]
    row_is(
        master,
        "debt_roll",
        ("loan", 0, 1),
        {"balance[loan,0,1]": 1.0, "issued_loan[0,1]": -1.0, "repaid_loan[0,1]": 1.0},
        equal=0.0,
    )
    row_is(master, "debt_roll", ("loan", 0, 3), {"balance[loan,0,2]": -1.0, "repaid_loan[0,3]": 1.0}, equal=0.0)


def test_balance_of_a_btc_loan_is_drawn_at_nodes_and_repaid_by_scenario() -> None:
    problem = tiny(2, scenarios=2, coins=100.0, apart_from=4)
    master = MasterProblem(
        owing(problem, name="btc", kind="btc_loan", limit=50e6, ltv=0.5, top_up=0.7, window=dates(problem, 0, 1), maturity=48)
    )
    assert all(var.ub == 50.0 for var in master.model.balance.values())
    for s in (0, 1):
        key, repaid = f"balance[btc,{s},", f"repaid_btc[{s},"
        row_is(master, "debt_roll", ("btc", s, 0), {f"{key}0]": 1.0, "issued_btc[0,0]": -1.0}, equal=0.0)
        rolled = {f"{key}1]": 1.0, f"{key}0]": -1.0, "issued_btc[0,1]": -1.0, f"{repaid}1]": 1.0}
        row_is(master, "debt_roll", ("btc", s, 1), rolled, equal=0.0)
        row_is(master, "debt_roll", ("btc", s, 2), {f"{key}2]": 1.0, f"{key}1]": -1.0, f"{repaid}2]": 1.0}, equal=0.0)


def test_money_of_a_running_balance() -> None:
    """A draw brings price - fee; interest rate * dt * B[t] is paid at t + 1; what is left at T is owed there."""
    problem = tiny(2, months=6, cash=0.0)
    loan = {"name": "loan", "kind": "loan", "amortisation": "as_cash_allows", "price": 0.99, "fee": 0.02, "maturity": 60}
    master = MasterProblem(owing(problem, **loan, rate=[0.08, 0.10], window=dates(problem, 0, 1)))
    later = {"cash[0,1]": 1.0, "cash[0,0]": -1.0, "dividends[0,1]": 1.0, "issued_loan[0,1]": -0.97, "repaid_loan[0,1]": 1.0}
    row_is(master, "cash", (0, 1), later | {"balance[loan,0,0]": 0.5 * 0.08}, equal=0.0)
    paid = {f"dividends[0,{d}]": -(1.08 ** (-d / 2)) for d in range(3)}
    row_is(master, "value", 0, {"value[0]": 1.0, "cash[0,2]": -1 / 1.08, "balance[loan,0,2]": 1 / 1.08} | paid, equal=0.0)


# --- coverage ---------------------------------------------------------------------------------------------------------


def test_coverage_of_a_loan_repaid_as_cash_allows() -> None:
    """cfads[s, d] >= coverage * (rate * dt * B[d-1] + A[d]) where m_d - m_first > grace and d <= M; cfads is after tax."""
    problem = tiny(4, scenarios=2, tax_rate=0.21)
    business = stream(problem, [0.0, 30e6, 40e6, 50e6, 60e6])
    loan = {"name": "loan", "kind": "loan", "amortisation": "as_cash_allows", "coverage": 1.3, "grace": 12, "tenor": 36}
    master = MasterProblem(replace(owing(problem, **loan, window=dates(problem, 0, 1)), cash_flows=(business,)))
    assert keys(master, "coverage") == [("loan", s, d) for s in (0, 1) for d in (2, 3)]
    for s in (0, 1):
        tax = {f"income_positive[{s},1]": -0.21, f"nol_used[{s},1]": 0.21}
        service = {f"balance[loan,{s},1]": -1.3 * 0.08, f"repaid_loan[{s},2]": -1.3}
        row_is(master, "coverage", ("loan", s, 2), tax | service, at_least=-40.0)
        tax = {f"income_positive[{s},2]": -0.21, f"nol_used[{s},2]": 0.21}
        service = {f"balance[loan,{s},2]": -1.3 * 0.08, f"repaid_loan[{s},3]": -1.3}
        row_is(master, "coverage", ("loan", s, 3), tax | service, at_least=-50.0)


def test_coverage_counts_from_the_month_an_existing_loan_was_drawn() -> None:
    problem = tiny(2)
    loan = {"name": "loan", "kind": "loan", "amortisation": "as_cash_allows", "coverage": 1.3, "grace": 12, "existing": 5e6}
    business = stream(problem, [0.0, 30e6, 40e6])
    master = MasterProblem(replace(owing(problem, **loan, existing_month=-6, maturity=60), cash_flows=(business,)))
    assert keys(master, "coverage") == [("loan", 0, 1), ("loan", 0, 2)]  # 18 and 30 months after the draw


def test_a_loan_repaid_as_cash_allows_is_sized_by_coverage() -> None:
    """F = sum of cfads[d] / coverage / (1 + rate)**d: every repayment is as large as the rule lets it be."""
    problem = tiny(3, discount=0.12, cash_yield=0.12)
    flows = np.array([0.0, 30e6, 40e6, 50e6])
    problem = replace(problem, cash_flows=(stream(problem, flows),))
    loan = {"name": "loan", "kind": "loan", "amortisation": "as_cash_allows", "coverage": 1.25, "window": dates(problem, 0)}
    solution = solved(owing(problem, **loan))
    face = sum(flows[d] / 1.25 / 1.08**d for d in (1, 2, 3))
    assert close(solution.decisions.issued["loan"][0, 0], face)
    free = sum(flows[d] * (1.0 - 1.0 / 1.25) * 1.12**-d for d in (1, 2, 3))
    assert close(solution.objective, 1e9 + face + free)


def test_coverage_sizes_by_the_worst_path() -> None:
    """Cash flows of 50 or 20 a year from date 2: the loan is what the bad path carries; the good one may repay as it likes."""
    problem = tiny(3, scenarios=2, discount=0.12, cash_yield=0.12)
    flows = np.array([[0.0, 30e6, 50e6, 50e6], [0.0, 30e6, 20e6, 20e6]])
    problem = replace(problem, cash_flows=(stream(problem, flows),))
    loan = {"name": "loan", "kind": "loan", "amortisation": "as_cash_allows", "coverage": 1.25, "window": dates(problem, 0)}
    solution = solved(owing(problem, **loan))
    face = sum(flows[1, d] / 1.25 / 1.08**d for d in (1, 2, 3))
    assert solution.decisions.issued["loan"][:, 0] == pytest.approx([face, face], rel=1e-9)
    # the good path repays as late as it may: interest alone at date 1, the capacity of date 3 in full, the rest at date 2
    late = 50e6 / 1.25
    first, second = 0.08 * face, 1.08 * face - late / 1.08
    good = flows[0, 1:] - [first, second, late]
    bad = flows[1, 1:] * (1.0 - 1.0 / 1.25)
    worth = 0.5 * sum((good[d - 1] + bad[d - 1]) * 1.12**-d for d in (1, 2, 3))
    assert close(solution.objective, 1e9 + face + worth)


# --- one ratio at every date ------------------------------------------------------------------------------------------


def test_the_rows_of_a_sculpted_loan_whose_ratio_is_chosen() -> None:
    """service[d] = k cfads[d] after grace, sum cfads >= coverage * sum service, no principal in grace."""
    problem = tiny(3)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 30e6, 40e6, 50e6]),))
    loan = {
        "name": "loan",
        "kind": "loan",
        "amortisation": "sculpted",
        "coverage": 1.25,
        "grace": 12,
        "window": dates(problem, 0),
    }
    master = MasterProblem(owing(problem, **loan))
    assert keys(master, "sculpted") == [("loan", 0, 2), ("loan", 0, 3)] and keys(master, "agreed") == []
    assert sorted(master.model.repaid_loan) == [(0, 2), (0, 3)]
    row_is(
        master,
        "sculpted",
        ("loan", 0, 2),
        {"balance[loan,0,1]": 0.08, "repaid_loan[0,2]": 1.0, "sculpted_share[loan]": -40.0},
        equal=0.0,
    )
    service = {f"balance[loan,0,{d}]": -1.25 * 0.08 for d in (1, 2)} | {f"repaid_loan[0,{d}]": -1.25 for d in (2, 3)}
    assert keys(master, "coverage") == [("loan", 0, 2)]
    row_is(master, "coverage", ("loan", 0, 2), service, at_least=-90.0)


def test_the_rows_of_a_sculpted_loan_whose_ratio_is_stated() -> None:
    """cfads[d] = ratio * service[d], of the bank case alone, and one schedule in all scenarios; cfads may be a decision."""
    problem = tiny(2, scenarios=2, tax_rate=0.21)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 30e6, 40e6]),))
    loan = {"name": "loan", "kind": "loan", "amortisation": "sculpted", "ratio": 1.4, "window": dates(problem, 0, 1)}
    master = MasterProblem(owing(problem, **loan, bank_case=np.array([False, True])))
    assert keys(master, "sculpted") == [("loan", 1, 1), ("loan", 1, 2)] and keys(master, "coverage") == []
    tax = {"income_positive[1,1]": -0.21, "nol_used[1,1]": 0.21}
    row_is(master, "sculpted", ("loan", 1, 2), tax | {"balance[loan,1,1]": -1.4 * 0.08, "repaid_loan[1,2]": -1.4}, equal=-40.0)
    assert keys(master, "agreed") == [("loan", "issued", 1, 1), ("loan", "repaid", 1, 1), ("loan", "repaid", 1, 2)]
    row_is(master, "agreed", ("loan", "repaid", 1, 2), {"repaid_loan[0,2]": -1.0, "repaid_loan[1,2]": 1.0}, equal=0.0)


def test_a_ratio_that_is_chosen_needs_cash_flow_that_is_data() -> None:
    problem = tiny(2, tax_rate=0.21)
    loan = {"name": "loan", "kind": "loan", "amortisation": "sculpted", "coverage": 1.4, "window": dates(problem, 0)}
    with pytest.raises(ValueError, match="loan: the ratio of a sculpted loan can be chosen only where cfads is no decision"):
        MasterProblem(owing(problem, **loan))


@pytest.mark.parametrize("limit", [60e6, 500e6])
def test_a_sculpted_loan_has_one_ratio(limit: float) -> None:
    """Ratio = sum of cfads[d] / (1 + rate)**d / face where the limit binds, coverage where it does not."""
    problem = tiny(3, discount=0.12, cash_yield=0.12)
    flows = np.array([0.0, 30e6, 40e6, 50e6])
    problem = replace(problem, cash_flows=(stream(problem, flows),))
    loan = {"name": "loan", "kind": "loan", "amortisation": "sculpted", "coverage": 1.25, "window": dates(problem, 0)}
    solution = solved(owing(problem, **loan, limit=limit))
    worth = sum(flows[d] / 1.08**d for d in (1, 2, 3))
    ratio = max(1.25, worth / limit)
    assert close(solution.decisions.issued["loan"][0, 0], worth / ratio)
    assert flows[1:] / solution.books.words["debt_service"][0, 1:] == pytest.approx([ratio] * 3, rel=1e-9)


def test_a_sculpted_loan_follows_its_bank_case_in_every_scenario() -> None:
    """The face is what the bad path carries at the ratio; the good one pays the same, on the same dates."""
    problem = tiny(3, scenarios=2, discount=0.12, cash_yield=0.12)
    flows = np.array([[0.0, 30e6, 50e6, 50e6], [0.0, 30e6, 20e6, 20e6]])
    problem = replace(problem, cash_flows=(stream(problem, flows),))
    loan = {"name": "loan", "kind": "loan", "amortisation": "sculpted", "ratio": 1.25, "window": dates(problem, 0)}
    solution = solved(owing(problem, **loan, bank_case=np.array([False, True])))
    for s in (0, 1):
        assert solution.books.words["debt_service"][s, 1:] == pytest.approx(flows[1, 1:] / 1.25, rel=1e-9)


@pytest.mark.parametrize("terms", [{"coverage": 1.25}, {"ratio": 1.25}])
def test_a_sculpted_loan_that_may_not_be_drawn_asks_nothing(terms: dict[str, float]) -> None:
    problem = tiny(2)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 30e6, 40e6]),))
    loan = {"name": "loan", "kind": "loan", "amortisation": "sculpted", "window": dates(problem, 0), "limit": 0.0}
    assert solved(owing(problem, **loan, **terms)).decisions.issued["loan"].sum() == 0.0


# --- revolver ---------------------------------------------------------------------------------------------------------


def test_revolver_is_drawn_by_scenario_within_its_limit_until_maturity() -> None:
    """0 <= B[s, d] <= limit from the first window date (date 0 if it exists) to the date before M."""
    problem = tiny(4, scenarios=2)
    terms = {"name": "line", "kind": "revolver", "limit": 40e6, "tenor": 24}
    master = MasterProblem(owing(problem, **terms, window=dates(problem, 1, 2, 3, 4)))
    assert keys(master, "revolver_limit") == [("line", s, d) for s in (0, 1) for d in (1, 2)]
    for s in (0, 1):
        for d in (1, 2):
            row_is(master, "revolver_limit", ("line", s, d), {f"balance[line,{s},{d}]": 1.0}, at_most=40.0)
    existing = MasterProblem(owing(problem, **terms, existing=5e6, existing_month=-6))
    assert keys(existing, "revolver_limit") == [
        ("line", s, d) for s in (0, 1) for d in (0, 1)
    ]  # 18 months are left: until date 2


def test_money_of_a_revolver() -> None:
    """Fee on the limit at the first date; commitment * dt * (limit - B) with the interest; what exists is repaid out of B[0]."""
    problem = tiny(3, months=6, cash=1e6)
    terms = {
        "name": "line",
        "kind": "revolver",
        "limit": 40e6,
        "commitment": 0.01,
        "fee": 0.02,
        "rate": [0.08, 0.1, 0.12],
        "tenor": 12,
    }
    master = MasterProblem(owing(problem, **terms))
    first = {"cash[0,0]": 1.0, "dividends[0,0]": 1.0, "balance[line,0,0]": -1.0}
    row_is(master, "cash", (0, 0), first, equal=1.0 - 0.02 * 40.0)
    second = {"cash[0,1]": 1.0, "cash[0,0]": -1.0, "dividends[0,1]": 1.0, "balance[line,0,1]": -1.0}
    row_is(master, "cash", (0, 1), second | {"balance[line,0,0]": 1.0 + 0.5 * (0.08 - 0.01)}, equal=-0.5 * 0.01 * 40.0)
    third = {"cash[0,2]": 1.0, "cash[0,1]": -1.0, "dividends[0,2]": 1.0, "balance[line,0,1]": 1.0 + 0.5 * (0.10 - 0.01)}
    row_is(master, "cash", (0, 2), third, equal=-0.5 * 0.01 * 40.0)
    existing = MasterProblem(owing(problem, **(terms | {"existing": 5e6})))  # it paid its fee before
    row_is(existing, "cash", (0, 0), first, equal=1.0 - 5.0)


def test_revolver_limit_binds() -> None:
    """50 MUSD are missing at date 1 and come at date 2: 30 from the line at 10 %, 20 from rescue at a penalty of 30 %."""
    problem = tiny(2, cash=0.0, rescue_penalty=0.3)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, -50e6, 200e6]),))
    solution = solved(owing(problem, name="line", kind="revolver", limit=30e6, rate=0.10, window=dates(problem, 1), tenor=12))
    assert close(solution.objective, -20e6 * 1.3 / 1.08 + (200e6 - 30e6 * 1.1) / 1.08**2)


# --- security ---------------------------------------------------------------------------------------------------------


def secured(problem: Problem, *collateral: str, **terms: Any) -> Problem:
    return owing(problem, rate=0.0, advance_rate=0.6, collateral=collateral, window=dates(problem, 0), maturity=60, **terms)


def test_collateral_of_rigs_is_their_resale_value() -> None:
    """balance[d] <= advance_rate * sum resale[s, d] * K[min(d, T - 1)], by scenario, d = 0..T."""
    problem = tiny(2, scenarios=2, apart_from=4)
    problem = replace(problem, sites=(site_of(problem),))
    resale = np.array([[0.3e6, 0.2e6, 0.1e6], [0.3e6, 0.25e6, 0.15e6]])
    rig = rig_of(problem, resale=resale, owned=np.array([5.0]))
    master = MasterProblem(secured(replace(problem, rigs=(rig,)), "rigs"))
    assert keys(master, "collateral") == [("notes", s, d) for s in (0, 1) for d in (0, 1, 2)]
    for s in (0, 1):
        for d in (0, 1, 2):
            worth = 0.6 * resale[s, d] / 1e6
            rigs = {f"orders_rig_home[0,{e}]": -worth for e in range(min(d, 1) + 1)}
            rigs |= {f"retired_rig_home[0,{e}]": worth for e in range(min(d, 1) + 1)}
            secured_by = {"issued_notes[0,0]": 1.0} | rigs
            row_is(master, "collateral", ("notes", s, d), secured_by, at_most=5.0 * worth, through=("fleet",))


def test_collateral_of_halls_and_equipment_is_what_was_ordered_at_its_cost() -> None:
    problem = tiny(2)
    cost = [1e6, 0.9e6, 0.8e6]
    site = site_of(problem, build_mining=expansion_of(problem, cost=cost), expand=expansion_of(problem, cost=0.5e6, lead=1))
    problem = replace(problem, sites=(site,))
    tenant = service_of(problem, equipment=path([10e6, 8e6, 6e6], 1, 3))
    problem = replace(problem, services=(tenant,))
    master = MasterProblem(secured(problem, "halls", "equipment"))
    terms = {"issued_notes[0,0]": 1.0, "built_home_build_mining[0,0]": -0.6, "built_home_expand[0,0]": -0.3}
    terms |= {"signed_tenant_home[0,0]": -6.0}
    row_is(master, "collateral", ("notes", 0, 0), terms, at_most=0.0)
    terms |= {"built_home_build_mining[0,1]": -0.6 * 0.9, "signed_tenant_home[0,1]": -0.6 * 8.0}
    for d in (1, 2):
        row_is(master, "collateral", ("notes", 0, d), terms, at_most=0.0)


def test_collateral_of_coins_is_what_is_not_pledged_elsewhere() -> None:
    problem = tiny(1, scenarios=2, coins=100.0, btc_price=np.array([[1e5, 1.2e5], [1e5, 0.7e5]]))
    notes = debt_of(problem, rate=0.0, advance_rate=0.6, collateral=("coins",), window=dates(problem, 0), maturity=60)
    loan = debt_of(problem, "btc", "btc_loan", ltv=0.5, top_up=0.7, maturity=60, window=dates(problem, 0))
    master = MasterProblem(replace(problem, debts=(notes, loan)))
    for s, price in ((0, 0.12), (1, 0.07)):
        terms = {"issued_notes[0,0]": 1.0, f"coins[{s},1]": -0.6 * price, f"pledged[btc,{s},1]": 0.6 * price}
        row_is(master, "collateral", ("notes", s, 1), terms, at_most=0.0)


def test_collateral_binds() -> None:
    """A loan of 0.3 MUSD against 5 MW of rigs whose resale value falls to 0.1 MUSD: none of them can be sold before."""
    problem = tiny(2)
    problem = replace(problem, sites=(site_of(problem, price=None),))
    rig = rig_of(problem, resale=[0.3e6, 0.2e6, 0.1e6], owned=np.array([5.0]), limit=0.0)
    problem = replace(problem, rigs=(rig,), terminal=replace(problem.terminal, rigs=0.0))
    solution = solved(secured(problem, "rigs", minimum=0.3e6))
    # sold at date 0 the rigs bring more, but 0.3 MUSD must be borrowed: 0.3 / 0.6 / 0.1 = 5 MW have to stay
    assert close(solution.objective, 1e9 + 0.3e6 - 0.3e6 * 1.08**-2)


def test_loan_to_value_while_it_may_be_drawn_and_top_up_after() -> None:
    """B[s, d] <= ltv * btc_price * pledged at window dates, top_up in place of ltv at all others; sum of pledges <= coins."""
    price = np.array([[1e5, 1.2e5, 1.4e5], [1e5, 0.7e5, 0.5e5]])
    problem = tiny(2, scenarios=2, coins=100.0, btc_price=price)
    terms = {"kind": "btc_loan", "ltv": 0.5, "top_up": 0.7, "limit": 50e6, "maturity": 60}
    two = ({"name": "one", "window": dates(problem, 0)} | terms, {"name": "two", "window": dates(problem, 0, 1)} | terms)
    master = MasterProblem(owing(problem, *two))
    for s in (0, 1):
        for d in (0, 1, 2):
            for name, drawn_at in (("one", (0,)), ("two", (0, 1))):
                ltv = 0.5 if d in drawn_at else 0.7
                pledge = {f"balance[{name},{s},{d}]": 1.0, f"pledged[{name},{s},{d}]": -ltv * price[s, d] / 1e6}
                row_is(master, "loan_to_value", (name, s, d), pledge, at_most=0.0)
            pledged = {f"pledged[one,{s},{d}]": -1.0, f"pledged[two,{s},{d}]": -1.0}
            row_is(master, "pledges", (s, d), {f"coins[{s},{d}]": 1.0} | pledged, at_least=0.0)


def test_a_btc_loan_is_sized_and_called_on_by_the_price_of_its_pledge() -> None:
    """100 coins that cannot be sold: 5 MUSD at 100 000; at 60 000 a top-up ratio of 0.7 leaves 4.2: 0.8 is repaid at date 1."""
    problem = tiny(2, discount=0.12, cash_yield=0.12, coins=100.0, btc_price=[1e5, 0.6e5, 0.6e5])
    problem = replace(problem, treasury=replace(problem.treasury, sell=np.zeros(3, dtype=bool)))
    loan = {"name": "btc", "kind": "btc_loan", "ltv": 0.5, "top_up": 0.7, "rate": 0.04, "window": dates(problem, 0)}
    solution = solved(owing(problem, **loan))
    debt = 5e6 - (0.8e6 + 0.04 * 5e6) / 1.12 - 4.2e6 * 1.04 / 1.12**2
    assert close(solution.objective, 1e9 + debt + 100.0 * 0.6e5 / 1.12**2)


# --- shares and conversion in the value -------------------------------------------------------------------------------


def test_shares_are_a_contribution_or_dilution() -> None:
    """Existing holders: - F at d. New holders: - F / (S[d] (1 - discount)) * S[T] at T. Cash F (1 - fee) either way."""
    share = np.array([[10.0, 12.0, 15.0], [10.0, 8.0, 6.0]])
    problem = tiny(2, scenarios=2, cash=0.0, share_price=share)
    rights = equity_of(problem, "rights", fee=0.01)
    market = equity_of(problem, "market", holders="new", discount=0.05, fee=0.03)
    master = MasterProblem(replace(problem, equities=(rights, market)))
    cash = {"cash[1,1]": 1.0, "cash[1,0]": -1.0, "dividends[1,1]": 1.0, "issued_rights[1,1]": -0.99, "issued_market[1,1]": -0.97}
    row_is(master, "cash", (1, 1), cash, equal=0.0)
    for s in (0, 1):
        terms = {f"value[{s}]": 1.0, f"cash[{s},2]": -(1.08**-2)}
        for d in (0, 1, 2):
            k = s if d else 0
            terms[f"dividends[{k},{d}]"] = -(1.08**-d)
            if d < 2:
                terms[f"issued_rights[{k},{d}]"] = 1.08**-d
                terms[f"issued_market[{k},{d}]"] = share[s, 2] / (share[s, d] * 0.95) * 1.08**-2
        row_is(master, "value", s, terms, equal=0.0)


def test_conversion_and_capped_call_in_the_value() -> None:
    """S / K = 2 in one scenario, 0.9 in the other: 20 at issue, K = 25, cap 40. One bond matures at date 1, one after T."""
    share = np.array([[20.0, 50.0, 50.0], [20.0, 22.5, 22.5]])
    problem = tiny(2, scenarios=2, cash=0.0, share_price=share)
    terms = Conversion(0.25, capped_call_cost=0.1, cap_premium=1.0)
    bond = {"kind": "convertible", "rate": 0.01, "window": dates(problem, 0), "conversion": terms}
    master = MasterProblem(owing(problem, bond | {"name": "short", "maturity": 12}, bond | {"name": "long", "maturity": 60}))
    row_is(
        master,
        "cash",
        (0, 0),
        {"cash[0,0]": 1.0, "dividends[0,0]": 1.0, "issued_short[0,0]": -0.9, "issued_long[0,0]": -0.9},
        equal=0.0,
    )
    capped = 40.0 / 25.0 - 1.0
    for s, claim, short, payoff in ((0, 2.0, 2.0 - capped, capped), (1, 1.0, 0.0, 0.0)):
        value = {f"value[{s}]": 1.0, f"cash[{s},2]": -(1.08**-2)}
        value |= {f"dividends[{s if d else 0},{d}]": -(1.08**-d) for d in range(3)}
        value |= {"issued_short[0,0]": short / 1.08, "issued_long[0,0]": (claim - payoff) * 1.08**-2}
        row_is(master, "value", s, value, equal=0.0)
        redeemed = 0.0 if s == 0 else 1.0
        cash = {f"cash[{s},1]": 1.0, f"cash[{s},0]": -1.0, f"dividends[{s},1]": 1.0, "issued_long[0,0]": 0.01}
        row_is(master, "cash", (s, 1), cash | {"issued_short[0,0]": 0.01 + redeemed}, equal=0.0)
