"""Tax: depreciation by year, each row of models/program/tax.py against README section 11, and the law where a program could dodge it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import vstack

from models.problem import Array, Call, Depreciation, InterestLimit, Payments, Problem, Project, Rule, Tax
from models.proforma.assets import depreciation_by_year
from models.program.master_problem import MasterProblem
from models.program.tax import depreciation_shares
from optimizer.case.arrays.frame import MACRS
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from optimizer.solver.compile import compile_model
from optimizer.solver.linear_program import LinearProgram
from tests.shared.rows import close, keys, row_is, solved
from tests.shared.tiny import clock_of, dates, debt_of, expansion_of, path, rig_of, service_of, site_of, stream, tiny

#: IRS Publication 946 (2024), table A-1, half-year convention, percent
TABLE_A1 = {
    "macrs-3": "33.33 44.45 14.81 7.41",
    "macrs-5": "20.00 32.00 19.20 11.52 11.52 5.76",
    "macrs-7": "14.29 24.49 17.49 12.49 8.93 8.92 8.93 4.46",
    "macrs-10": "10.00 18.00 14.40 11.52 9.22 7.37 6.55 6.55 6.56 6.55 3.28",
    "macrs-15": "5.00 9.50 8.55 7.70 6.93 6.23 5.90 5.90 5.91 5.90 5.91 5.90 5.91 5.90 5.91 2.95",
    "macrs-20": "3.750 7.219 6.677 6.177 5.713 5.285 4.888 4.522" + " 4.462 4.461" * 6 + " 2.231",
}
#: MACRS of five years, as README 11 uses it
FIVE = Depreciation("macrs", 0, (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576))


# --- depreciation -----------------------------------------------------------------------------------------------------


def declining(years: int, rate: float, first: float = 0.5) -> list[float]:
    """Declining balance with `first` of the first year (half-year convention), switched to straight line when that is more."""
    left, life, out = 1.0, float(years), []
    while left > 1e-12:
        part = first if not out else 1.0
        take = min(left, left * part * max(rate / years, 1.0 / life) if life > part else left)
        out.append(take)
        left, life = left - take, life - part
    return out


@pytest.mark.parametrize("name", sorted(TABLE_A1))
def test_macrs_is_table_a1_and_the_table_is_its_rule(name: str) -> None:
    printed = np.array([float(x) / 100.0 for x in TABLE_A1[name].split()])
    assert MACRS[name] == pytest.approx(printed, rel=1e-12)
    assert printed.sum() == pytest.approx(1.0, abs=1e-12)
    years = int(name.split("-")[1])
    by_rule = declining(years, 2.0 if years <= 10 else 1.5)
    # the table is rounded to a hundredth of a percent (twenty years: a thousandth)
    assert printed == pytest.approx(by_rule, abs=1.01e-4 if years < 20 else 1.01e-5)


@pytest.mark.parametrize(
    ("first", "printed"),
    [
        (0.875, "35.00 26.00 15.60 11.01 11.01 1.38"),
        (0.625, "25.00 30.00 18.00 11.37 11.37 4.26"),
        (0.375, "15.00 34.00 20.40 12.24 11.30 7.06"),
        (0.125, "5.00 38.00 22.80 13.68 10.94 9.58"),
    ],
)
def test_mid_quarter_tables_are_deducted_as_printed(first: float, printed: str) -> None:
    """IRS Publication 946, tables A-2 to A-5, five years: the tables are their rule, and both books deduct what a table says."""
    table = tuple(float(x) / 100.0 for x in printed.split())
    assert table == pytest.approx(declining(5, 2.0, first), abs=1.01e-4)
    terms = Depreciation("macrs", 0, table)
    assert depreciation_shares(terms, clock_of(7))[1] == pytest.approx([0.0, *table], rel=1e-12)
    assert depreciation_by_year(clock_of(7), terms, 1) == pytest.approx([0.0, *table], rel=1e-12)


def test_macrs_by_tax_year_of_service() -> None:
    shares = depreciation_shares(FIVE, clock_of(7))
    assert shares[0] == pytest.approx([0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576, 0.0], rel=1e-12)
    assert shares[5] == pytest.approx([0, 0, 0, 0, 0, 0.20, 0.32], rel=1e-12)


def test_macrs_of_a_year_the_horizon_cuts() -> None:
    """Half-years from January 2026 to June 2027: the year 2027 has six of its twelve months."""
    shares = depreciation_shares(FIVE, clock_of(3, months=6))
    assert shares[0] == pytest.approx([0.20, 0.32 * 6 / 12], rel=1e-12)
    assert shares[1] == pytest.approx([0.20, 0.32 * 6 / 12], rel=1e-12)  # in service in July: the whole first-year share
    assert shares[2] == pytest.approx([0.0, 0.20 * 6 / 12], rel=1e-12)
    # from July 2026: the months before the horizon do not count against the first year
    shares = depreciation_shares(FIVE, clock_of(3, months=6, start_month=2026 * 12 + 6))
    assert shares[0] == pytest.approx([0.20, 0.32], rel=1e-12)
    # quarters to September 2027, in service in April 2027: six of the nine months that are left of the year
    shares = depreciation_shares(FIVE, clock_of(7, months=3))
    assert shares[5] == pytest.approx([0.0, 0.20 * 6 / 9], rel=1e-12)
    # April 2026 on: the period to September is the tax year 2026, which the horizon does not cut; of 2027 three months are inside
    shares = depreciation_shares(FIVE, clock_of(2, months=6, start_month=2026 * 12 + 3))
    assert shares == pytest.approx(np.array([[0.20, 0.32 * 3 / 12], [0.0, 0.20 * 3 / 12]]), rel=1e-12)


def test_macrs_is_whole_where_periods_straddle_the_new_year() -> None:
    """Six-month periods from April: tax years end in September or March, the table still adds up to the price."""
    shares = depreciation_shares(FIVE, clock_of(16, months=6, start_month=2026 * 12 + 3))
    assert shares[0].sum() == pytest.approx(1.0, rel=1e-12)


def test_straight_line_by_months() -> None:
    """30 months from date e: 12, 12 and 6 months a year; what the horizon cuts is not deducted."""
    shares = depreciation_shares(Depreciation("straight", 30), clock_of(6, months=6))
    assert shares[0] == pytest.approx([12 / 30, 12 / 30, 6 / 30], rel=1e-12)
    assert shares[1] == pytest.approx([6 / 30, 12 / 30, 12 / 30], rel=1e-12)
    assert shares[3] == pytest.approx([0.0, 6 / 30, 12 / 30], rel=1e-12)
    assert depreciation_shares(Depreciation("straight", 9), clock_of(3, months=6))[0] == pytest.approx([1.0, 0.0], rel=1e-12)


def test_bonus_goes_first_and_the_rest_by_the_method() -> None:
    clock = clock_of(3)
    assert depreciation_shares(replace(FIVE, bonus=0.4), clock)[0] == pytest.approx(
        [0.4 + 0.6 * 0.2, 0.6 * 0.32, 0.6 * 0.192], rel=1e-12
    )
    assert depreciation_shares(Depreciation("straight", 36, bonus=1.0), clock)[1] == pytest.approx([0.0, 1.0, 0.0], rel=1e-12)
    assert depreciation_shares(Depreciation("straight", 36, bonus=0.4), clock)[1] == pytest.approx([0.0, 0.6, 0.2], rel=1e-12)
    assert depreciation_shares(Depreciation("none"), clock) == pytest.approx(np.zeros((3, 3)))
    # bonus belongs to the year of service, whole, even where the horizon cuts that year
    cut = depreciation_shares(replace(FIVE, bonus=0.4), clock_of(1, months=6))
    assert cut == pytest.approx(np.array([[0.4 + 0.6 * 0.2 * 0.5]]), rel=1e-12)


# --- rows -------------------------------------------------------------------------------------------------------------


def parts(s: int, y: int) -> dict[str, float]:
    """pos - neg of a year."""
    return {f"income_positive[{s},{y}]": 1.0, f"income_negative[{s},{y}]": -1.0}


def test_income_is_earnings_and_taxable_receipts() -> None:
    """pos - neg = operating cash + retained coins at the mean price + taxable streams and projects + cash yield + coin gains;
    flows of date d in the year of period max(d - 1, 0)."""
    price = np.array([[1e5, 1.1e5, 1.3e5, 1.2e5], [1e5, 0.9e5, 0.8e5, 0.7e5]])
    problem = tiny(
        3, months=6, scenarios=2, coins=10.0, coin_fee=0.02, retain=0.5, cash_yield=0.04, btc_price=price, tax_rate=0.21
    )
    problem = replace(problem, sites=(site_of(problem),))
    cash = np.zeros((2, 4, 4))
    cash[:, 0, 0], cash[:, 0, 2], cash[:, 0, 3] = -1e6, 0.5e6, 0.9e6
    wells, well = Project("wells", cash, dates(problem, 0), 5.0), Project("gift", cash, dates(problem, 0), 5.0, taxable=False)
    problem = replace(
        problem,
        rigs=(rig_of(problem, resale=[0.2e6, 0.19e6, 0.18e6, 0.17e6]),),
        projects=(wells, well),
        cash_flows=(
            stream(problem, [1e6, 2e6, 3e6, 4e6]),
            stream(problem, [0.1e6, 0.2e6, 0.3e6, 0.4e6], "taxed", operating=False),
            stream(problem, [7e6, 7e6, 7e6, 7e6], "untaxed", taxable=False, operating=False),
            stream(problem, [0.01e6, 0.02e6, 0.03e6, 0.04e6], "exempt", taxable=False),
        ),
    )
    master = MasterProblem(problem)
    mean = (price[:, 1:] + price[:, :-1]) / 2
    for s in (0, 1):
        up = np.diff(price[s]) / 1e6
        first = parts(s, 0) | {f"margin[home,{s},0]": -1.0, f"margin[home,{s},1]": -1.0}
        first |= {f"kept[home,{s},{t}]": -(mean[s, t] + price[s, t + 1] - mean[s, t]) / 1e6 for t in (0, 1)}
        first |= {f"coins[{s},{t}]": -up[t] for t in (0, 1)}
        first |= {f"sold[{s if d else 0},{d}]": 0.02 * price[s, d] / 1e6 for d in (0, 1, 2)}
        first |= {f"cash[{s},{t}]": -0.02 for t in (0, 1)}
        first |= {"retired_rig_home[0,0]": -0.2, f"retired_rig_home[{s},1]": -0.19, f"retired_rig_home[{s},2]": -0.18}
        # rigs sold at date 2 count in the year of period 1, as all of that date; the units of date 0 in year 0
        first |= {"units_wells[0,0]": 1.0 - 0.5}
        given = 1 + 2 + 3 + 0.1 + 0.2 + 0.3
        row_is(master, "taxable_income", (s, 0), first, equal=given, through=("operating_cash",))
        second = parts(s, 1) | {f"margin[home,{s},2]": -1.0, f"kept[home,{s},2]": -price[s, 3] / 1e6, f"coins[{s},2]": -up[2]}
        second |= {f"sold[{s},3]": 0.02 * price[s, 3] / 1e6, f"cash[{s},2]": -0.02, "units_wells[0,0]": -0.9}
        row_is(master, "taxable_income", (s, 1), second, equal=4 + 0.4, through=("operating_cash",))


def test_depreciation_is_of_the_price_at_order_from_the_date_of_service() -> None:
    """Rigs, halls (late by scenario), equipment and what is owned; exercised options at the strike."""
    problem = tiny(3, scenarios=2, tax_rate=0.21, apart_from=4)
    build = expansion_of(problem, cost=[1e6, 0.9e6, 0.8e6, 0.7e6], lead=1, depreciation=Depreciation("straight", 24))
    problem = replace(problem, sites=(site_of(problem, price=None, delay=np.array([0, 1]), build_mining=build),))
    rig = rig_of(problem, price=[0.8e6, 0.7e6, 0.6e6, 0.5e6], resale=0.0, lead=1, depreciation=FIVE)
    tenant = service_of(
        problem,
        rate=0.0,
        reimbursed=None,
        equipment=path([10e6, 9e6, 8e6, 7e6], 2, 4),
        depreciation=Depreciation("straight", 60, bonus=0.4),
        payments=Payments(((0, 0.5), (1, 0.5))),
        lead=1,
    )
    assert problem.tax is not None
    tax = replace(problem.tax, existing_depreciation=np.array([5e6, 4e6, 3e6]))
    master = MasterProblem(replace(problem, rigs=(rig,), services=(tenant,), tax=tax))
    b, hall, a = "orders_rig_home", "built_home_build_mining", "signed_tenant_home"
    year = 0.6 / 5
    deducted = {
        (0, 1): {f"{b}[0,0]": 0.2 * 0.8, f"{hall}[0,0]": 0.5, f"{a}[0,0]": (0.4 + year) * 10.0},
        (0, 2): {
            f"{b}[0,0]": 0.32 * 0.8,
            f"{b}[0,1]": 0.2 * 0.7,
            f"{hall}[0,0]": 0.5,
            f"{hall}[0,1]": 0.5 * 0.9,
            f"{a}[0,0]": year * 10.0,
            f"{a}[0,1]": (0.4 + year) * 9.0,
        },
        # a year late: the hall and the tenant's equipment are in service at date 2; rigs do not wait for the site
        (1, 1): {f"{b}[0,0]": 0.2 * 0.8},
        (1, 2): {f"{b}[0,0]": 0.32 * 0.8, f"{b}[0,1]": 0.2 * 0.7, f"{hall}[0,0]": 0.5, f"{a}[0,0]": (0.4 + year) * 10.0},
    }
    for (s, y), terms in deducted.items():
        income = parts(s, y) | {f"margin[home,{s},{y}]": -1.0} | terms
        row_is(master, "taxable_income", (s, y), income, equal=-(5.0, 4.0, 3.0)[y], through=("operating_cash",))


def test_interest_fees_discount_and_premium_are_deducted() -> None:
    """Accrued interest (paid or not), commitment fees, discount and fees by months to maturity; at a call, what is left of
    them and the premium at once."""
    problem = tiny(2, tax_rate=0.21, cash=0.0)
    notes = debt_of(problem, price=0.98, fee=0.01, frequency=0, maturity=48, window=dates(problem, 0), call=Call(((12, 1.05),)))
    line = debt_of(
        problem, "line", "revolver", limit=40e6, rate=0.10, commitment=0.01, fee=0.02, window=dates(problem, 0), maturity=48
    )
    master = MasterProblem(replace(problem, debts=(notes, line)))
    first = parts(0, 0) | {"issued_notes[0,0]": 0.08 + 0.03 / 4, "balance[line,0,0]": 0.10 - 0.01}
    # called at date 1: the premium and three quarters of the cost
    first |= {"called_notes_0[0,1]": 0.05 + 0.03 * 3 / 4}
    row_is(master, "taxable_income", (0, 0), first, equal=-40.0 * (0.01 + 0.02 / 4))
    second = parts(0, 1) | {"issued_notes[0,0]": 0.08 + 0.03 / 4, "balance[line,0,1]": 0.10 - 0.01}
    second |= {"called_notes_0[0,1]": -(0.08 + 0.03 / 4), "called_notes_0[0,2]": 0.05 + 0.03 * 2 / 4}
    row_is(master, "taxable_income", (0, 1), second, equal=-40.0 * (0.01 + 0.02 / 4))


def test_cost_of_a_draw_is_deducted_from_the_draw_to_maturity() -> None:
    problem = tiny(3, tax_rate=0.21, coins=10.0)
    loan = {
        "kind": "loan",
        "amortisation": "as_cash_allows",
        "price": 0.98,
        "fee": 0.01,
        "rate": 0.0,
        "window": dates(problem, 0, 1),
    }
    btc = {"kind": "btc_loan", "ltv": 0.5, "top_up": 0.7, "fee": 0.02, "rate": 0.0, "window": dates(problem, 1)}
    master = MasterProblem(replace(problem, debts=(debt_of(problem, "loan", **loan), debt_of(problem, "btc", **btc))))
    shares = {0: {"issued_loan[0,0]": 0.03 / 3}}
    shares[1] = shares[0] | {"issued_loan[0,1]": 0.03 / 2, "issued_btc[0,1]": 0.02 / 2}
    for y in (0, 1, 2):
        row_is(master, "taxable_income", (0, y), parts(0, y) | shares[min(y, 1)], equal=0.0)


def test_losses_carried_forward() -> None:
    """NOL[y] = NOL[y-1] + neg - use; use <= nol_cap * pos; use <= NOL[y-1], with the opening losses in year 0."""
    problem = tiny(3, months=6, scenarios=2, tax_rate=0.21, nol=15e6, nol_cap=0.8)
    master = MasterProblem(problem)
    for s in (0, 1):
        neg, use, pos = f"income_negative[{s},", f"nol_used[{s},", f"income_positive[{s},"
        row_is(master, "nol_roll", (s, 0), {f"nol[{s},0]": 1.0, f"{neg}0]": -1.0, f"{use}0]": 1.0}, equal=15.0)
        rolled = {f"nol[{s},1]": 1.0, f"nol[{s},0]": -1.0, f"{neg}1]": -1.0, f"{use}1]": 1.0}
        row_is(master, "nol_roll", (s, 1), rolled, equal=0.0)
        for y in (0, 1):
            row_is(master, "nol_cap", (s, y), {f"{use}{y}]": 1.0, f"{pos}{y}]": -0.8}, at_most=0.0)
        row_is(master, "nol_available", (s, 0), {f"{use}0]": 1.0}, at_most=15.0)
        row_is(master, "nol_available", (s, 1), {f"{use}1]": 1.0, f"nol[{s},0]": -1.0}, at_most=0.0)


def test_tax_on_given_income() -> None:
    """-50, 100 and 60 MUSD with 20 of old losses: 0; 0.21 * (100 - 70); 0.21 * 60."""
    problem = tiny(3, tax_rate=0.21, nol=20e6, nol_cap=0.8, cash=50e6)
    solution = solved(replace(problem, cash_flows=(stream(problem, [0.0, -50e6, 100e6, 60e6]),)))
    assert solution.books.tax["tax"][0] == pytest.approx([0.0, 0.21 * 30e6, 0.21 * 60e6], rel=1e-9)
    assert close(solution.objective, (100e6 - 6.3e6) / 1.08**2 + (60e6 - 12.6e6) / 1.08**3)
    capped = replace(problem, tax=replace(problem.tax, nol_cap=0.5), cash_flows=(stream(problem, [0.0, -50e6, 100e6, 60e6]),))
    assert solved(capped).books.tax["tax"][0] == pytest.approx([0.0, 0.21 * 50e6, 0.21 * 40e6], rel=1e-9)


@pytest.mark.parametrize("ebitda", [True, False])
def test_limited_interest(ebitda: bool) -> None:
    """deducted <= share * base, base before interest (and before depreciation if ebitda); carried = before + interest - deducted;
    only from first_year on."""
    problem = tiny(3, scenarios=2, tax_rate=0.21)
    build = expansion_of(problem, cost=1e6, depreciation=Depreciation("straight", 24))
    problem = replace(problem, sites=(site_of(problem, price=None, build_mining=build),))
    limit = InterestLimit(0.3, ebitda, first_year=1)
    assert problem.tax is not None
    tax = replace(problem.tax, interest_limit=limit, existing_depreciation=np.array([5e6, 4e6, 3e6]))
    notes = debt_of(problem, fee=0.03, window=dates(problem, 0), maturity=36)
    master = MasterProblem(replace(problem, tax=tax, debts=(notes,), cash_flows=(stream(problem, [0.0, 30e6, 40e6, 50e6]),)))
    assert keys(master, "interest_limit") == keys(master, "interest_carryforward") == [(s, y) for s in (0, 1) for y in (1, 2)]
    cost = {"issued_notes[0,0]": 0.01}
    for s in (0, 1):
        margin = f"margin[home,{s},"
        hall = "built_home_build_mining"
        worn = {1: {f"{hall}[0,0]": 0.5, f"{hall}[{s},1]": 0.5}, 2: {f"{hall}[{s},1]": 0.5, f"{hall}[{s},2]": 0.5}}
        ded, left = f"interest_deducted[{s},", f"interest_carried[{s},"
        for y, earned, owned in ((1, 40.0, 4.0), (2, 50.0, 3.0)):
            limited = {f"{ded}{y}]": 1.0, f"{margin}{y}]": -0.3}
            if not ebitda:
                limited |= {name: 0.3 * c for name, c in worn[y].items()}
            base = earned if ebitda else earned - owned
            row_is(master, "interest_limit", (s, y), limited, at_most=0.3 * base, through=("operating_cash",))
            income = parts(s, y) | {f"{margin}{y}]": -1.0, f"{ded}{y}]": 1.0} | cost | worn[y]
            row_is(master, "taxable_income", (s, y), income, equal=earned - owned, through=("operating_cash",))
        row_is(
            master, "interest_carryforward", (s, 1), {f"{left}1]": 1.0, f"{ded}1]": 1.0, "issued_notes[0,0]": -0.08}, equal=0.0
        )
        second = {f"{left}2]": 1.0, f"{left}1]": -1.0, f"{ded}2]": 1.0, "issued_notes[0,0]": -0.08}
        row_is(master, "interest_carryforward", (s, 2), second, equal=0.0)
        first = parts(s, 0) | {f"{margin}0]": -1.0, f"{hall}[0,0]": 0.5, "issued_notes[0,0]": 0.08 + 0.01}
        row_is(master, "taxable_income", (s, 0), first, equal=30.0 - 5.0, through=("operating_cash",))


def test_limited_interest_is_carried_until_there_is_room() -> None:
    """24 MUSD a year against 0.3 * 40, 0.3 * 60 and 0.3 * 200: deducted 12, 18 and the 42 that are left."""
    problem = tiny(3, tax_rate=0.21, discount=0.0, cash=1e9)
    assert problem.tax is not None
    tax = replace(problem.tax, interest_limit=InterestLimit(0.3))
    notes = debt_of(problem, existing=300e6, limit=300e6, window=np.zeros(4, dtype=bool), rate=0.08)
    solution = solved(replace(problem, tax=tax, debts=(notes,), cash_flows=(stream(problem, [0.0, 40e6, 60e6, 200e6]),)))
    assert solution.books.tax["interest_deducted"][0] == pytest.approx([12e6, 18e6, 42e6], rel=1e-9)
    assert close(solution.objective, 1e9 + 0.79 * 300e6 + 0.21 * 72e6 - 72e6 - 300e6)


# --- the law ----------------------------------------------------------------------------------------------------------


def best(lp: LinearProgram, fixed: list[tuple[str, int]] = ()) -> float:  # type: ignore[assignment]
    """Optimum in USD of the program with some rows held at their upper bound, some columns at zero; -inf if there is no plan."""
    lower, upper = lp.row_lower.copy(), lp.col_upper.copy()
    for kind, index in fixed:
        if kind == "row":
            lower[index] = lp.row_upper[index]
        else:
            upper[index] = lp.col_lower[index]
    matrix = lp.matrix.tocsr()
    equal = lower == lp.row_upper
    above, below = ~equal & np.isfinite(lp.row_upper), ~equal & np.isfinite(lower)
    found = linprog(
        lp.cost,
        A_ub=vstack([matrix[above], -matrix[below]]),
        b_ub=np.concatenate([lp.row_upper[above], -lower[below]]),
        A_eq=matrix[equal],
        b_eq=lower[equal],
        bounds=np.column_stack([lp.col_lower, upper]),
        method="highs",
    )
    return -(found.fun + lp.offset) * 1e6 if found.status == 0 else -np.inf


def both_ways(problem: Problem) -> tuple[float, float]:
    """(relaxation, best over every combination of ways to obey the law), USD."""
    master = MasterProblem(problem)
    lp = compile_model(master.model)
    rows = {(con.parent_component().local_name, con.index()): i for i, con in enumerate(lp.rows)}
    columns = {var.name: j for j, var in enumerate(lp.columns)}

    def index(key: tuple[int, int], way: tuple[str, str]) -> tuple[str, int]:
        kind, name = way
        return kind, rows["row_" + name, key] if kind == "row" else columns[f"{name}[{key[0]},{key[1]}]"]

    ways = [(index(key, one), index(key, other)) for key, one, other in master.taxes.disjunctions]
    assert 4 <= len(ways) <= 7
    return best(lp), max(best(lp, list(chosen)) for chosen in itertools.product(*ways))


def covered(problem: Problem) -> Problem:
    """Free notes repaid in three parts, the first two covered 1.2 times by cash flow after tax; 100 MUSD a year before tax."""
    ones = np.ones((1, 4))
    terms: dict[tuple[str, str | None], Array] = {("cfads", None): ones, ("debt_service", None): -1.2 * ones}
    rule = Rule("dscr", "cfads >= 1.2 * debt_service", terms, ">=", 0.0 * ones, np.array([[False, True, True, False]]))
    notes = debt_of(problem, rate=0.0, amortisation="level", window=dates(problem, 0), maturity=36)
    return replace(problem, debts=(notes,), rules=(rule,), cash_flows=(stream(problem, [0.0, 100e6, 100e6, 100e6]),))


def test_a_loss_cannot_be_kept_for_the_year_that_needs_it() -> None:
    """Losses of 80 MUSD must be used in the first year, though more could be borrowed if the second, the tighter one, had them.

    A project that costs 1 MUSD in the first year and returns 1.15 in the third leaves 0.8 MUSD of losses to the second: the law
    allows that. So the two ways to obey differ in the plan: losses are used up (no project), or used to the cap (20 units of it).
    """
    problem = covered(tiny(3, tax_rate=0.21, nol=80e6, nol_cap=0.8, cash=0.0))
    cash = np.zeros((1, 4, 4))
    cash[0, 1, 1], cash[0, 1, 3] = -1e6, 1.15e6
    problem = replace(problem, projects=(Project("shift", cash, dates(problem, 1), 20.0),))

    def value(u: float) -> float:
        """By hand, MUSD, with u units of the project under the law."""
        use = 0.8 * (100 - u)
        tax = [0.21 * (100 - u - use), 0.21 * (100 - (80 - use)), 0.21 * (100 + 1.15 * u)]
        face = 3 * min(100 - tax[0], 100 - tax[1]) / 1.2
        paid = [face, 100 - u - tax[0] - face / 3, 100 - tax[1] - face / 3, 100 + 1.15 * u - tax[2] - face / 3]
        assert min(paid) >= 0.0
        return sum(x * 1.08**-d for d, x in enumerate(paid))

    relaxed, law = both_ways(problem)
    by_hand = max(value(u) for u in np.linspace(0.0, 20.0, 21))
    assert by_hand == value(20.0) > value(0.0)
    assert close(law, 1e6 * by_hand, 1e-8)
    assert relaxed > law * 1.005
    solution = solved(problem)  # proved, and the books, which apply the law by rule, agree
    assert close(solution.objective, 1e6 * by_hand)
    assert solution.upper_bound == pytest.approx(law, rel=1e-8)  # the bound is of the law, not of the relaxation
    assert solution.books.tax["nol_used"][0] == pytest.approx([64e6, 16e6, 0.0], rel=1e-8)
    assert solution.decisions.units["shift"][0, 1] == pytest.approx(20.0, rel=1e-9)
    # without the project there is one way only
    alone = replace(problem, projects=())
    assert close(solved(alone).objective, 1e6 * value(0.0))
    assert close(both_ways(alone)[1], 1e6 * value(0.0), 1e-8)


def test_a_gain_is_not_split_into_a_gain_and_a_loss() -> None:
    """A loss declared beside a gain is tax paid early and deducted next year: worth it to the coverage rule, against the law."""
    problem = covered(tiny(3, tax_rate=0.21, nol_cap=0.8, cash=0.0))
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 140e6, 100e6, 100e6]),))
    face = 3 * 79.0 / 1.2
    net = (140.0 * 0.79, 79.0, 79.0)
    by_hand = face + sum((net[d - 1] - face / 3) * 1.08**-d for d in (1, 2, 3))
    relaxed, law = both_ways(problem)
    assert relaxed > law * 1.005
    assert close(law, 1e6 * by_hand, 1e-8)
    assert close(solved(problem).objective, 1e6 * by_hand)


def test_interest_the_limit_allows_is_deducted() -> None:
    """30 MUSD of interest may be deducted in the first year, 24 in the second; keeping some back would save a penalty."""
    problem = tiny(2, tax_rate=0.21, discount=0.0)
    assert problem.tax is not None
    ones = np.ones((1, 3))
    rule = Rule(
        "floor", "cfads >= 128e6", {("cfads", None): ones}, ">=", 128e6 * ones, np.array([[False, False, True]]), penalty=2.0
    )
    notes = debt_of(problem, existing=300e6, limit=300e6, window=np.zeros(3, dtype=bool), rate=[0.10, 0.08], maturity=24)
    problem = replace(
        problem,
        tax=Tax(0.21, 0.0, 0.8, np.zeros(2), InterestLimit(0.3)),
        debts=(notes,),
        rules=(rule,),
        cash_flows=(stream(problem, [0.0, 100e6, 150e6]),),
    )
    relaxed, law = both_ways(problem)
    taxes = (0.21 * 70e6, 0.21 * 126e6)
    by_hand = 1e9 + 250e6 - sum(taxes) - 54e6 - 300e6 - 2.0 * (128e6 - (150e6 - taxes[1]))
    assert relaxed > law + 1e6
    assert close(law, by_hand, 1e-8)
    solution = solved(problem)
    assert close(solution.objective, by_hand)
    assert solution.books.tax["interest_deducted"][0] == pytest.approx([30e6, 24e6], rel=1e-9)


def test_a_rule_that_only_a_dodge_could_meet_is_infeasible() -> None:
    """cfads of 80 MUSD in the second year where the law leaves 79: the relaxation has a plan, the law none."""
    problem = tiny(2, tax_rate=0.21, nol=80e6)
    ones = np.ones((1, 3))
    rule = Rule("floor", "cfads >= 80e6", {("cfads", None): ones}, ">=", 80e6 * ones, np.array([[False, False, True]]))
    problem = replace(problem, rules=(rule,), cash_flows=(stream(problem, [0.0, 100e6, 100e6]),))
    relaxed, law = both_ways(problem)
    assert np.isfinite(relaxed)
    assert law == -np.inf
    solution = solve_problem(problem, baseline=False)
    assert solution.outcome is Outcome.INFEASIBLE
    assert "deducted later than tax law demands" in solution.reasons[0]
