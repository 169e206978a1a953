"""What capital costs and where value comes from, against published figures, closed forms and hand-made numbers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.finance import FinanceStatements, finance_statements
from models.finance.capital.cost_of_capital import relevered_rate, worth_after
from models.finance.capital.distress import missed_payment, rescued
from models.finance.capital.npv_bridge import unlevered_tax
from models.finance.context import StatementContext
from models.problem import Array, Conversion, Equity, Terminal
from models.proforma.keep import keep_books
from tests.shared.statements import made
from tests.shared.tiny import at, debt_of, equity_of, idle, path, service_of, site_of, stream, tiny


def item(found: FinanceStatements, key: str) -> float:
    """An item of the bridge in the only scenario."""
    return float(found.bridge[key][0, 0])


# ---- cost of capital ----------------------------------------------------------------------------------------------------


def levered(ebitda: float, years: int, tax: float, lent: float, owners: float, wacc: float, share: float) -> tuple[Any, Array]:
    """(statements, values by date) of a company that keeps its debt at a share of its value, and pays out all its cash.

    Its value is that of its untaxed-by-debt flows at the WACC; debt is repaid as the value falls.
    """
    free = ebitda * (1.0 - tax)
    value = np.array([sum(free / (1.0 + wacc) ** k for k in range(1, years - d + 1)) for d in range(years + 1)])
    debt = share * value
    problem = tiny(years, cash=0.0, discount=owners, tax_rate=tax if tax > 0.0 else None, nol_cap=1.0)
    repaid = tuple((12 * d, float((debt[d - 1] - debt[d]) / debt[0])) for d in range(1, years))
    notes = debt_of(problem, rate=lent, amortisation="given", given=repaid)
    problem = replace(problem, debts=(notes,), cash_flows=(stream(problem, [0.0] + [ebitda] * years),))
    paid = {0: float(debt[0])}
    for d in range(1, years + 1):
        interest = lent * debt[d - 1]
        paid[d] = float(ebitda - tax * (ebitda - interest) - interest - (debt[d - 1] - debt[d]))
    return made(problem, issued={"notes": at(problem, {0: float(debt[0])})}, dividends=at(problem, paid)), value


def test_wacc_of_sangria() -> None:
    """Sangria, the example of Brealey, Myers and Allen (Principles of Corporate Finance, on the WACC): 500 MUSD of debt at 6 % and 750 of equity
    at 12.4 %, tax 35 %, WACC 9 %. These were seen in exercises that quote it (bartleby.com, solutioninn.com). The rest is worked out from them:
    0.4 x 6 + 0.6 x 12.4 = 9.84 % before tax; at 20 % debt equity asks 9.84 + (9.84 - 6) x 0.25 = 10.8 %, and the WACC is
    0.2 x 6 x 0.65 + 0.8 x 10.8 = 9.42 %."""
    found, value = levered(100e6, 6, 0.35, 0.06, 0.124, 0.09, 0.4)
    costs = found.capital
    assert costs.after_tax[0] == pytest.approx(0.09, abs=1e-12)
    assert costs.whole[0] == pytest.approx(0.0984, abs=1e-12)
    assert costs.by_date["whole"][:-1] == pytest.approx(np.full(6, 0.0984), abs=1e-12)
    assert costs.debt_cost[0] == pytest.approx(0.06, abs=1e-9) and costs.leverage[0] == pytest.approx(2.0 / 3.0, rel=1e-9)
    assert costs.by_date["debt"] + costs.by_date["equity"] == pytest.approx(value, rel=1e-9, abs=1e-3)
    less = relevered_rate(0.0984, 0.06, 0.2 / 0.8)
    assert less == pytest.approx(0.108, abs=1e-12)
    assert 0.06 * 0.65 * 0.2 + less * 0.8 == pytest.approx(0.0942, abs=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7])
def test_miles_and_ezzell(share: float) -> None:
    """WACC = k_u - L k_d t (1 + k_u) / (1 + k_d), against the value by parts: flows at k_u, and each year's tax shield at k_d for the year
    in which it is known and at k_u before."""
    k_u, k_d, tax, years, ebitda = 0.11, 0.07, 0.25, 5, 80e6
    wacc = k_u - share * k_d * tax * (1.0 + k_u) / (1.0 + k_d)
    k_e = k_u + (k_u - k_d) * share / (1.0 - share) * (1.0 - tax * k_d / (1.0 + k_d))
    found, value = levered(ebitda, years, tax, k_d, k_e, wacc, share)
    costs = found.capital
    assert costs.after_tax[0] == pytest.approx(wacc, abs=1e-12)
    assert costs.owners.value == pytest.approx((1.0 - share) * value, rel=1e-9, abs=1e-3)
    shields = sum(tax * k_d * share * value[t] / (1.0 + k_d) / (1.0 + k_u) ** t for t in range(years))
    flows = sum(ebitda * (1.0 - tax) / (1.0 + k_u) ** t for t in range(1, years + 1))
    assert value[0] == pytest.approx(flows + shields, rel=1e-12)
    assert found.bridge["npv"][0, 0] == pytest.approx(value[0], rel=1e-9)  # what is lent at the start is paid out at once


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_modigliani_and_miller(share: float) -> None:
    """Without tax all capital costs the same whatever the debt, once owners ask k_u + (k_u - k_d) D/E; and the value is the same."""
    k_u, k_d = 0.10, 0.06
    k_e = relevered_rate(k_u, k_d, share / (1.0 - share))
    found, value = levered(50e6, 5, 0.0, k_d, k_e, k_u, share)
    costs = found.capital
    assert costs.whole[0] == pytest.approx(k_u, abs=1e-12) and costs.after_tax[0] == pytest.approx(k_u, abs=1e-12)
    assert costs.by_date["debt"] + costs.by_date["equity"] == pytest.approx(value, rel=1e-9, abs=1e-3)
    assert item(found, "npv") == pytest.approx(value[0], rel=1e-9)


def test_the_owners_rate_is_relevered_from_the_one_of_the_case() -> None:
    """Value at 10 %, notes of 8 % bullet: by date k_u + (k_u - k_d) D/E with both at their worth."""
    problem = tiny(3, cash=0.0, discount=0.10)
    problem = replace(problem, debts=(debt_of(problem, rate=0.08),), cash_flows=(stream(problem, [0.0, 50e6, 50e6, 200e6]),))
    paid = {0: 100e6, 1: 42e6, 2: 42e6, 3: 92e6}
    found = made(problem, issued={"notes": at(problem, {0: 100e6})}, dividends=at(problem, paid)).capital
    equity = worth_after(problem.clock, np.array([100e6, 42e6, 42e6, 92e6]), 0.10)
    assert found.by_date["relevered"][:3] == pytest.approx(0.10 + 0.02 * 100e6 / equity[:3], rel=1e-9)
    assert found.used == 0.10 and found.relevered[0] == pytest.approx(0.10 + 0.02 * 300e6 / equity[:3].sum(), rel=1e-9)


def test_where_there_is_no_debt_owners_are_all_capital() -> None:
    problem = tiny(2, cash=5e6, discount=0.09)
    found = made(problem, dividends=at(problem, {1: 5e6})).capital
    assert found.outside == (None, "none was raised") and found.whole[0] == pytest.approx(0.09, abs=1e-15)
    assert found.debt_cost == (None, "there is no debt") and found.relevered[0] == 0.09


def test_a_revolver_without_a_rate_is_worth_its_balance() -> None:
    """A fee first, then a draw: no one rate; it stands at its balance, at its interest over it."""
    problem = tiny(3, cash=50e6, discount=0.10)
    line = debt_of(problem, "line", "revolver", rate=0.05, limit=100e6, fee=0.02, commitment=0.01)
    problem = replace(problem, debts=(line,), cash_flows=(stream(problem, [0.0, 0.0, 0.0, 50e6]),))
    found = made(problem, balance={"line": at(problem, {1: 40e6, 2: 40e6})}).capital.claims[0]
    assert found.cost[0] is None and found.value == pytest.approx([0.0, 40e6, 40e6, 0.0], abs=1e-6)
    assert found.rate == pytest.approx((1e6 + 2 * (2e6 + 0.6e6)) / 80e6, rel=1e-9)


# ---- the bridge ---------------------------------------------------------------------------------------------------------


def test_the_bridge_of_the_tax_shield() -> None:
    """100 MUSD for five years at 8 %, tax 21 %, owners at 8 %: only the shield of 6.7077529 MUSD lies between."""
    problem = tiny(5, cash=0.0, discount=0.08, tax_rate=0.21)
    problem = replace(problem, debts=(debt_of(problem, rate=0.08),), cash_flows=(stream(problem, [0.0, *[30e6] * 4, 130e6]),))
    paid = {0: 100e6, **dict.fromkeys(range(1, 5), (30e6 - 8e6) * 0.79)}
    found = made(problem, issued={"notes": at(problem, {0: 100e6})}, dividends=at(problem, paid))
    assert item(found, "tax") == pytest.approx(6.7077529e6, abs=0.05)
    assert item(found, "paper[notes]") == pytest.approx(0.0, abs=1e-6)
    alone = made(replace(problem, debts=()), dividends=at(problem, dict.fromkeys(range(1, 5), 30e6 * 0.79)))
    assert item(found, "business") == pytest.approx(item(alone, "business"), rel=1e-12)
    assert item(found, "npv") - item(alone, "npv") == pytest.approx(6.7077529e6, abs=0.05)


def test_cash_debt_and_fees_of_the_start() -> None:
    """Held two years at 3 % against 10 %: 20 MUSD of cash lose 20 (1.03 / 1.10)^2 - 20; old notes at 8 % gain against 10 %."""
    problem = tiny(2, cash=20e6, cash_yield=0.03, discount=0.10)
    old = debt_of(problem, "old", rate=0.08, existing=10e6, existing_month=-12, window=np.zeros(3, dtype=bool), limit=10e6)
    problem = replace(problem, debts=(old,), equities=(equity_of(problem, "owners", fee=0.05),))
    given = stream(problem, [0.0, 0.8e6, 10.8e6])
    found = made(
        replace(problem, cash_flows=(given,)), issued={"owners": at(problem, {0: 4e6})}, dividends=at(problem, {0: 3.8e6})
    )
    assert item(found, "opening_cash") == pytest.approx(20e6) and item(found, "cash") == pytest.approx(
        20e6 * ((1.03 / 1.1) ** 2 - 1)
    )
    assert item(found, "stood[old]") == pytest.approx(-10e6)
    assert item(found, "paper[old@existing]") == pytest.approx(10e6 - 0.8e6 / 1.1 - 10.8e6 / 1.1**2, rel=1e-9)
    assert item(found, "fees[owners]") == pytest.approx(-0.2e6)


def test_what_other_holders_take() -> None:
    """New shares at 10 worth 16 at the end; a convertible at 12.5 (premium 25 %), settled in shares at 16."""
    problem = tiny(2, cash=0.0, share_price=[10.0, 12.0, 16.0], discount=0.10)
    convert = debt_of(problem, "convert", "convertible", rate=0.0, fee=0.02, conversion=Conversion(0.25))
    sold: Equity = equity_of(problem, "sale", holders="new", fee=0.04)
    problem = replace(problem, debts=(convert,), equities=(sold,))
    issued = {"convert": at(problem, {0: 5e6}), "sale": at(problem, {0: 1e6})}
    found = made(problem, issued=issued, dividends=at(problem, {0: 4.9e6 + 0.96e6}))
    end = 1.1**-2
    assert item(found, "holders[sale]") == pytest.approx(1e6 - 1.6e6 * end, rel=1e-9)
    assert item(found, "holders[convert]") == pytest.approx(-5e6 * (16.0 / 12.5 - 1.0) * end, rel=1e-9)
    assert item(found, "paper[convert]") == pytest.approx(5e6 * (1.0 - end), rel=1e-9)
    assert item(found, "fees[convert]") == pytest.approx(-0.1e6) and item(found, "fees[sale]") == pytest.approx(-0.04e6)


def test_unlevered_tax_is_what_the_same_company_pays_without_debt() -> None:
    problem = tiny(4, cash=0.0, discount=0.10, tax_rate=0.21, nol=10e6)
    problem = replace(problem, debts=(debt_of(problem, rate=0.09),), cash_flows=(stream(problem, [0.0, 5e6, 30e6, 30e6, 120e6]),))
    decisions = idle(problem, issued={"notes": at(problem, {0: 90e6})})
    with_debt = StatementContext(problem, decisions, keep_books(problem, decisions))
    alone = keep_books(replace(problem, debts=()), idle(problem))
    assert unlevered_tax(with_debt) == pytest.approx(alone.income["tax"], abs=1e-6)
    assert with_debt.books.income["tax"].sum() < alone.income["tax"].sum()


def test_a_bridge_that_does_not_end_at_the_value_is_noticed() -> None:
    """A cent of dilution that the ledger has and capital's flows have not."""
    problem = tiny(2, cash=0.0, share_price=[10.0, 12.0, 16.0], discount=0.10)
    problem = replace(problem, equities=(equity_of(problem, "sale", holders="new"),))
    decisions = idle(problem, issued={"sale": at(problem, {0: 1e6})}, dividends=at(problem, {0: 1e6}))
    books = keep_books(problem, decisions)
    sown = replace(
        books, ledger=books.ledger | {"dilution": books.ledger["dilution"] * 1.001}, value=books.value - 1600.0 / 1.1**2
    )
    plan: Any = SimpleNamespace(problem=problem, decisions=decisions, books=sown, certificate=None, covenants=())
    assert "bridge from the business ends at the value" in {check.name for check in finance_statements(plan).loose}


# ---- the horizon's end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reimbursed", "energy"),
    [("grid", 0.0), (None, 8760.0 * 1.25 * 45.0), (10.0, 8760.0 * 1.25 * 35.0)],
    ids=["tenant pays", "company pays", "in part"],
)
def test_what_lies_after_the_horizon_net_of_its_costs(reimbursed: Any, energy: float) -> None:
    """A lease of ten years signed at the start of four: six years of rent count by half, less half of what they cost."""
    problem = tiny(4, cash=1e8, discount=0.08, terminal=Terminal(contracts=0.5, contract_rate=0.1, halls=0.0))
    problem = replace(problem, sites=(site_of(problem, price=40.0, adder=5.0, ai_cost=0.1e6),))
    paid = path(reimbursed, 1, 4) if isinstance(reimbursed, float) else reimbursed
    lease = service_of(problem, fixed_cost=0.05e6, variable_cost=2.0, reimbursed=paid)
    problem = replace(problem, services=(lease,))
    found = made(problem, signed={("tenant", "home"): at(problem, {0: 10.0})})
    annuity = sum(1.1**-k for k in range(1, 7))
    rent, cost = 10.0 * 1.5e6 * annuity, 10.0 * (0.15e6 + 2.0 * 8760.0 + energy) * annuity
    end = found.horizon_end
    assert end.counted["contracts"][0] == pytest.approx(0.5 * rent, rel=1e-9)
    assert end.keeping[0] == pytest.approx(0.5 * cost, rel=1e-9)
    assert found.returns["after_horizon"].expected[0] == pytest.approx(0.5 * (rent - cost) * 1.08**-4, rel=1e-9)


def test_what_is_owed_against_what_counts() -> None:
    """Two scenarios: 60 MUSD of notes against cash of 100 and of 40 MUSD at the end; paid out at the last date, it was there."""
    problem = tiny(2, scenarios=2, cash=0.0, discount=0.08)
    notes = debt_of(problem, rate=0.0, maturity=60)
    problem = replace(problem, debts=(notes,), cash_flows=(stream(problem, [[0.0, 0.0, 40e6], [0.0, 0.0, -20e6]]),))
    for paid in (0.0, 40e6):
        end = made(problem, issued={"notes": at(problem, {0: 60e6})}, dividends=at(problem, {2: paid})).horizon_end
        assert end.owed == pytest.approx([60e6, 60e6]) and end.short == pytest.approx([0.0, 20e6])


# ---- distress -----------------------------------------------------------------------------------------------------------


def test_a_missed_payment_is_one_that_rescue_money_makes() -> None:
    """Interest of 8 is due: paid by the business, by rescue money, or by cash while rescue money cures a ratio."""
    problem = tiny(2, scenarios=3, cash=0.0, rescue_penalty=1.0)
    old = debt_of(problem, "old", rate=0.08, existing=100e6, existing_month=-12, maturity=60, limit=100e6)
    earned = [[0.0, 8e6, 8e6], [0.0, 8e6, 0.0], [0.0, 8e6, 8e6]]
    problem = replace(problem, debts=(old,), cash_flows=(stream(problem, earned),))
    rescue = at(problem, {})
    rescue[1, 2] = 8e6
    rescue[2, 1] = 3e6
    books = keep_books(problem, idle(problem, rescue=rescue))
    assert rescued(books).tolist() == [False, True, True]
    assert missed_payment(books).tolist() == [False, True, False]
