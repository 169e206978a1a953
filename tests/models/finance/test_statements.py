"""Finance statements: tied in every scenario, broken by any error that is sown, and equal to hand-made numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.finance import finance_statements
from models.finance.lines import Line, plus, statement
from models.problem import Array, Conversion, Depreciation, Equity, Payments, Problem
from models.proforma.keep import keep_books
from optimizer.case.case import Case
from optimizer.engine.solution import Solution, Solved
from optimizer.engine.solve import bare, solve_warm
from optimizer.engine.values import Outcome
from optimizer.results import folder
from optimizer.results.finance_tables import FINANCE_TABLES, KEY_MEASURES
from optimizer.results.read_folder import load
from optimizer.results.serialise import ResultError
from tests.shared.places import ROOT
from tests.shared.plans import plan_of
from tests.shared.random_problems import random_problem
from tests.shared.statements import made
from tests.shared.tiny import at, dates, debt_of, equity_of, idle, rig_of, site_of, stream, tiny

THIN = "horizon.hours={every: 121}"
CASES = {
    "quickstart": ROOT / "cases" / "quickstart.yaml",
    "lake-mariner": ROOT / "cases" / "lake-mariner.yaml",
    "no site": ROOT / "optimizer" / "cli" / "templates" / "financing.yaml",
    "no debt": ROOT / "optimizer" / "cli" / "templates" / "power.yaml",
}
SEEDS = (1, 5, 13, 21)
NAMES = (*CASES, *(f"random {seed}" for seed in SEEDS))
#: whose program is looked at beside the plan
WARM = ("random 5", "random 21", "lake-mariner")


def question(name: str) -> Case | Problem:
    if name.startswith("random"):
        return random_problem(int(name.split()[1]))
    return Case.load(str(CASES[name]), settings=[THIN] if name == "quickstart" else [])


@cache
def solved(name: str) -> Solved:
    """A solved case or random problem with its program, once for all tests."""
    asked = question(name)
    return solve_warm(bare(asked) if isinstance(asked, Problem) else asked, baseline=False)


@cache
def solution(name: str) -> Solution:
    found = solved(name).solution if name in WARM else plan_of(question(name))
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    return found


# --- ties -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_everything_ties_in_every_scenario(name: str) -> None:
    found = solution(name).finance
    assert found.loose == ()
    assert max(check.relative for check in found.checks) < 1e-9
    assert {
        "balance sheet balances",
        "operating cash follows from net income",
        "sources are uses",
        "value from the statements is the ledger's",
        "objective from the statements is the program's",
        "owners have what capital leaves of the business",
        "bridge from the business ends at the value",
        "income_statement: equal to the books",
    } <= {check.name for check in found.checks}


def test_the_cases_have_what_statements_are_about() -> None:
    """Revolvers, capped calls, coins, losses, discount and fees: a tie would see nothing where there is none."""
    lines = {key: 0.0 for key in ("revolver", "capped_calls", "coins", "nol_used", "issue_cost_amortisation", "equity", "resale")}
    for name in NAMES:
        found = solution(name).finance
        for one in found.all:
            for key in lines:
                if key in one.values:
                    lines[key] = max(lines[key], float(np.abs(one[key]).max()))
    assert {key for key, size in lines.items() if size < 1.0} == set()


@pytest.mark.parametrize("name", WARM)
def test_statements_are_the_program_s_own_figures(name: str) -> None:
    """Cash, debt, tax, interest, EBITDA, capital spending: expressions of the linear program, evaluated at its solution."""
    found, warm = solution(name), solved(name).warm
    assert warm is not None
    master, unit = warm.program.master, found.problem.money
    shape = found.problem.scenarios.count, found.problem.clock.dates
    finance = found.finance
    capex = -sum(finance.cash_flow[f"capex_{kind}"] for kind in ("rigs", "options", "halls", "interconnection", "equipment"))
    pairs = {
        "cash": finance.balance_sheet["cash"],
        "total_debt": finance.balance_sheet["debt"],
        "tax": finance.income["tax"],
        "interest": -finance.cash_flow["interest"],
        "ebitda": finance.income["ebitda"],
        "capex": capex,
        "dividends": -finance.cash_flow["dividends"],
    }
    for word, booked in pairs.items():
        program = np.array([[master.words.at(word, None, s, d).value() * unit for d in range(shape[1])] for s in range(shape[0])])
        scale = max(float(np.abs(booked).max()), unit)
        assert np.abs(program - booked).max() <= 1e-6 * scale, word


def sown(name: str) -> list[tuple[str, str]]:
    """Every line of the books that statements are made from."""
    books = solution(name).books
    assert books is not None
    found = [("income", key) for key in books.income] + [("cash_flow", key) for key in books.cash_flow]
    found += [
        ("balance_sheet", key) for key in books.balance_sheet if key in ("cash", "coins", "ppe_net", "debt", "total_assets")
    ]
    found += [
        ("tax", key) for key in ("income", "nol_opening", "nol_added", "nol_used", "nol_closing", "interest_deducted", "tax")
    ]
    found += [("tax", key) for key in ("depreciation", "issue_costs", "interest_carryforward", "taxable")]
    found += [("plant", key) for key in books.plant if key.startswith("depreciation[")]
    skipped = ("amortisation", "unamortised")  # straight-line: deducted for tax, a memo here
    found += [("schedules", f"{debt}/{key}") for debt, lines in books.schedules.items() for key in lines if key not in skipped]
    found += [("words", "coins"), ("ledger", "terminal_debt"), ("ledger", "dividends"), ("ledger", "contributions")]
    return found


@pytest.mark.parametrize("name", ["random 21", "lake-mariner"])
def test_an_error_sown_in_any_line_breaks_a_check(name: str) -> None:
    """One figure of one scenario and date is off by a thousandth of the largest: no line is free to be wrong."""
    whole = solution(name)
    books = whole.books
    assert books is not None
    quiet = []
    for part, key in sown(name):
        table: dict[str, Any] = getattr(books, part)
        if part == "schedules":
            debt, line = key.split("/")
            wrong = table[debt][line].copy()
            wrong[-1, 1] += 1e-3 * max(float(np.abs(books.balance_sheet["total_assets"]).max()), 1.0)
            changed: dict[str, Any] = table | {debt: table[debt] | {line: wrong}}
        else:
            wrong = table[key].copy()
            wrong[-1, 1 if wrong.shape[1] > 1 else 0] += 1e-3 * max(float(np.abs(books.balance_sheet["total_assets"]).max()), 1.0)
            changed = table | {key: wrong}
        off = replace(whole, books=replace(books, **{part: changed}))
        if off.finance.loose == ():
            quiet.append((part, key))
    assert quiet == []


# --- shape ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["quickstart", "random 13"])
def test_every_total_is_what_a_workbook_would_write(name: str) -> None:
    """From the frame alone: sums and ratios of cells of the same column, openings from the column before."""
    for one in solution(name).finance.all:
        for scenario in (*one.scenarios, "expected"):
            cells = one.frame(scenario)
            size = max(float(np.nanmax(np.abs(cells.to_numpy()), initial=0.0)), 1.0)
            for line in one.lines:
                row = cells.loc[line.key].to_numpy()
                if line.sums:
                    assert row == pytest.approx(sum(c * cells.loc[key].to_numpy() for key, c in line.sums), abs=1e-9 * size)
                if line.ratio is not None:
                    above, below = (cells.loc[key].to_numpy() for key in line.ratio)
                    meant = below >= 0.01
                    assert row[meant] == pytest.approx(above[meant] / below[meant], rel=1e-9)
                    assert np.isnan(row[~meant]).all()
                if line.opens is not None:
                    assert row[1:] == pytest.approx(cells.loc[line.opens].to_numpy()[:-1], abs=1e-9 * size)


@pytest.mark.parametrize("yearly", [False, True])
@pytest.mark.parametrize("name", ["quickstart", "lake-mariner"])
def test_every_link_is_what_a_workbook_would_write(name: str, yearly: bool) -> None:
    """From frames alone, by date and by year: cells of other statements, and stocks from the column before and flows."""
    found = solution(name).finance
    statements = {one.name: one.yearly() if yearly and one.years else one for one in found.all}
    linked = 0
    for one in statements.values():
        for scenario in (one.scenarios[0], "expected"):
            cells = {key: table.frame(scenario) for key, table in statements.items()}
            for line in one.lines:
                row = cells[one.name].loc[line.key].to_numpy()
                for links in filter(None, (line.equals, line.rolls)):
                    total = sum(c * cells[other].loc[key].to_numpy() for other, key, c in links)
                    got, wanted = (row, total) if line.equals else (np.diff(row), total[1:])
                    assert got == pytest.approx(wanted, abs=1e-4), (one.name, line.key)  # USD, of figures up to 1e10
                    linked += 1
    assert linked > 80


def test_lines_are_defined_once_and_refer_to_lines_that_are_there() -> None:
    for name in NAMES:
        for one in solution(name).finance.all:
            keys = [line.key for line in one.lines]
            assert len(set(keys)) == len(keys) and one.signs
            used = [
                key
                for line in one.lines
                for key in (*(k for k, _ in line.sums), *(line.ratio or ()), *filter(None, [line.opens]))
            ]
            assert set(used) <= set(keys)
    with pytest.raises(ValueError, match="a line twice"):
        statement("x", "x", [Line("a", "a"), Line("a", "b")], {"a": np.zeros((1, 1))}, ["c"], ["s"], np.ones(1))
    with pytest.raises(KeyError):
        statement("x", "x", [Line("a", "a", sums=plus("b")), Line("b", "b")], {}, ["c"], ["s"], np.ones(1))


def test_expectation_averages_amounts_and_divides_averages() -> None:
    found = solution("quickstart").finance
    odds = solution("quickstart").problem.scenarios.probability
    assert found.income.expected("ebitda") == pytest.approx(odds @ found.income["ebitda"], rel=1e-12)
    ratios = found.credit_ratios
    direct = (odds @ ratios["cfads"])[4] / (odds @ ratios["debt_service"])[4]
    assert ratios.expected("dscr")[4] == pytest.approx(direct, rel=1e-12)
    assert abs(direct - float(odds @ ratios["dscr"][:, 4])) > 1e-6
    with pytest.raises(KeyError, match="there is no scenario"):
        found.income.frame("nobody")
    with pytest.raises(KeyError, match="there is no statement"):
        found.frame("nothing")
    assert found.frame("cash_flow", "bear").loc["closing_cash"].tolist() == found.cash_flow["closing_cash"][0].tolist()


def test_years_add_flows_up_and_show_stocks_at_their_end() -> None:
    found = solution("quickstart").finance
    year = found.cash_flow.yearly()
    assert year.columns[0] == "2026"
    first = [i for i, y in enumerate(found.cash_flow.years) if y == 2026]
    assert year["operating"][:, 0] == pytest.approx(found.cash_flow["operating"][:, first].sum(axis=1), rel=1e-12)
    assert year["closing_cash"][:, 0] == pytest.approx(found.cash_flow["closing_cash"][:, first[-1]], rel=1e-12)
    assert year["opening_cash"][:, 1:] == pytest.approx(year["closing_cash"][:, :-1], rel=1e-12)
    assert found.tax.columns[: len(year.columns)] == year.columns
    assert found.income.yearly()["tax"] == pytest.approx(found.tax["tax"], abs=1e-6)
    uses = found.sources_uses.yearly()
    assert uses["total_sources"] == pytest.approx(uses["total_uses"], rel=1e-12)
    with pytest.raises(ValueError, match="not in time"):
        found.conversion.yearly()


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_hold_the_statements(tmp_path: Path) -> None:
    whole = solution("quickstart")
    loaded = load(folder.write(whole, tmp_path))
    assert {name.partition(".")[0] for name in FINANCE_TABLES} <= set(loaded)
    for name, one in (
        ("income_statement", whole.finance.income),
        ("tax", whole.finance.tax),
        ("balance_sheet", whole.finance.balance_sheet),
    ):
        table = loaded[name]
        column = "year" if name == "tax" else "date"
        for scenario in ("expected", "bull"):
            wide = table[table["scenario"] == scenario].pivot(index="line", columns=column, values="value")
            frame = one.frame(scenario)
            assert wide.loc[frame.index, list(frame.columns)].to_numpy().tolist() == pytest.approx(frame.to_numpy(), nan_ok=True)
    found = loaded["returns"]
    irr = found[(found["measure"] == "npv") & (found["scenario"] == "bull")]["value"].item()
    assert irr == whole.finance.returns["npv"].scenarios[2][0]
    for one in found.itertuples():
        assert math.isnan(one.value) == bool(one.note), one  # no value without a reason, no reason beside a value
    assert set(KEY_MEASURES) <= set(loaded["summary"]["kpis"])
    assert set(loaded["debt_schedules"]["instrument"]) == set(whole.finance.debts)


def test_nothing_is_written_where_statements_do_not_tie(tmp_path: Path) -> None:
    whole = solution("random 21")
    assert whole.books is not None
    wrong = whole.books.income["overhead"] + 1e6
    off = replace(whole, books=replace(whole.books, income=whole.books.income | {"overhead": wrong}))
    off = replace(off, case=SimpleNamespace(name="x", variant=None, digest="d" * 64, horizon_note=None))  # type: ignore[arg-type]
    with pytest.raises(ResultError, match="do not tie"):
        folder.write(off, tmp_path)
    assert list(tmp_path.rglob("*.csv")) == []


def test_no_statements_without_a_plan() -> None:
    nothing = replace(solution("random 21"), books=None, outcome=Outcome.INFEASIBLE)
    with pytest.raises(ValueError, match="infeasible: there is no plan"):
        finance_statements(nothing)


def test_rules_have_their_headroom() -> None:
    table = solution("lake-mariner").finance.covenant_frame()
    assert len(table) == len(solution("lake-mariner").covenants) > 0
    hard = table[table["breach"] == 0.0]
    assert (hard["headroom"] >= -1e-3 * np.maximum(hard["right"].abs(), 1.0)).all()
    known = table[table["right"].abs() > 0.0]
    assert (known["headroom_share"] * known["right"].abs()).to_numpy() == pytest.approx(known["headroom"].to_numpy(), rel=1e-12)


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_deposits_become_plant_and_wear() -> None:
    """100 per MW, 30 % at the order, 70 % a year later when it is ready; four years of life, depreciated from then on."""
    terms = Depreciation("none", book_months=48)
    problem = tiny(4, cash=1e6, sites=(site_of(tiny(4), mining_mw=50.0),))
    rig = rig_of(problem, price=np.full((1, 5), 100.0), lead=1, payments=Payments(((0, 0.3), (1, 0.7))), depreciation=terms)
    problem = replace(problem, rigs=(rig,))
    found = made(problem, orders={(rig.name, problem.sites[0].name): at(problem, {0: 10.0})})
    sheet = found.balance_sheet
    assert sheet["deposits"][0] == pytest.approx([300.0, 0, 0, 0, 0])
    assert sheet["plant_rigs"][0] == pytest.approx([0, 1000.0, 1000.0, 1000.0, 1000.0])
    assert sheet["accumulated_depreciation"][0] == pytest.approx([0, 0, -250.0, -500.0, -750.0])
    assert found.income["depreciation_rigs"][0] == pytest.approx([0, 0, 250.0, 250.0, 250.0])


def test_a_bond_costs_its_yield_and_the_mix_lies_between() -> None:
    """At par, 8 % half-yearly: 1.04 ** 2 - 1. With 3 % of discount: its yield to maturity, from the bond's price equation."""
    problem = tiny(8, months=6, cash=1e6)
    par = debt_of(problem, name="par", rate=0.08, frequency=6, maturity=48)
    cheap = debt_of(problem, name="cheap", rate=0.08, frequency=6, maturity=48, price=0.97)
    problem = replace(problem, debts=(par, cheap))
    found = made(problem, issued={"par": at(problem, {0: 100.0}), "cheap": at(problem, {0: 50.0})})
    returns = found.returns
    assert returns["cost[par]"].expected[0] == pytest.approx(1.04**2 - 1.0, rel=1e-9)
    q = math.sqrt(1.0 + float(returns["cost[cheap]"].expected[0] or 0.0)) - 1.0
    price = 4.0 * (1.0 - (1.0 + q) ** -8) / q + 100.0 * (1.0 + q) ** -8
    assert price == pytest.approx(97.0, rel=1e-9)
    mix = returns["cost_of_capital"].expected[0]
    assert mix is not None and 1.04**2 - 1.0 < mix < (1.0 + q) ** 2 - 1.0
    # the books carry the cheap one at the same yield
    carried = found.debts["cheap"]["amortised_cost"][0]
    assert found.debts["cheap"]["interest_expense"][0, 1:] / carried[:-1] == pytest.approx(np.full(8, q), rel=1e-9)


def test_conversion_dilution_and_capped_call_at_several_prices() -> None:
    """1,000,000 shares at 20; 1 MUSD converts at 25 into 40,000 shares; cap 40. At the horizon the share is at 30."""
    problem = tiny(2, cash=2e6, tax_rate=0.25, share_price=[20.0, 25.0, 30.0])
    terms = Conversion(0.25, capped_call_cost=0.1, cap_premium=1.0)
    bond = debt_of(problem, name="convert", kind="convertible", rate=0.02, frequency=12, maturity=60, conversion=terms, fee=0.05)
    new = equity_of(problem, name="new", holders="new", discount=0.0)
    problem = replace(problem, debts=(bond,), equities=(new,))
    found = made(problem, issued={"convert": at(problem, {0: 1e6}), "new": at(problem, {1: 250_000.0})})
    shares = found.cap_table
    assert shares["shares"][0] == pytest.approx([1e6, 1.01e6, 1.01e6])
    assert shares["shares_if_converted"][0] == pytest.approx([1.04e6, 1.05e6, 1.05e6])
    # diluted: a loss is not diluted
    assert found.income["net_income"][0, 1] < 0.0
    assert shares["diluted_eps"][0, 1] == pytest.approx(shares["basic_eps"][0, 1])
    table = found.conversion
    price = table["share_price"][0]
    assert price == pytest.approx([15.0, 22.5, 30.0, 37.5, 45.0, 60.0, 90.0, 150.0])
    assert table["converts[convert]"][0] == pytest.approx([0, 0, *[40_000.0] * 6])
    assert table["owed[convert]"][0] == pytest.approx([1e6, 1e6, *[0.0] * 6])
    assert table["claim[convert]"][0] == pytest.approx(1e6 * np.maximum(1.0, price / 25.0))
    back = 1e6 * np.minimum(np.maximum(price / 25.0 - 1.0, 0.0), 0.6) / price
    assert table["capped_call[convert]"][0] == pytest.approx(back)
    assert table["shares"][0, 2] == pytest.approx(1.01e6 + 40_000.0 - 200_000.0 / 30.0)
    assert table["old_share"][0, 2] == pytest.approx(1e6 / (1.01e6 + 40_000.0 - 200_000.0 / 30.0))
    assert found.balance_sheet["capped_calls"][0] == pytest.approx(np.full(3, -100_000.0))


def test_earnings_per_share_as_if_converted() -> None:
    """1 MUSD a year, a bond of 5 MUSD at 1 %, tax 20 %; 1,000,000 shares, and 200,000 if it converts."""
    problem = tiny(2, cash=1e6, tax_rate=0.2, share_price=20.0)
    problem = replace(problem, cash_flows=(stream(problem, 1e6, "earner"),))
    bond = debt_of(problem, name="convert", kind="convertible", rate=0.01, frequency=12, maturity=60, conversion=Conversion(0.25))
    problem = replace(problem, debts=(bond,))
    found = made(problem, issued={"convert": at(problem, {0: 5e6})})
    income = 0.8 * (1e6 - 50_000.0)
    assert found.cap_table["basic_eps"][0, 2] == pytest.approx(income / 1e6)
    assert found.cap_table["diluted_eps"][0, 2] == pytest.approx((income + 0.8 * 50_000.0) / (1e6 + 200_000.0))
    # at 5 % its interest is more than earnings per share: it stays out (IAS 33.41)
    dear = replace(problem, debts=(replace(bond, rate=np.full((1, 2), 0.05)),))
    found = made(dear, issued={"convert": at(dear, {0: 5e6})})
    assert found.cap_table["diluted_eps"][0, 2] == found.cap_table["basic_eps"][0, 2] == pytest.approx(0.6)


def test_settled_in_shares_the_balance_becomes_equity() -> None:
    problem = tiny(2, cash=2e6, share_price=[20.0, 50.0, 50.0])
    bond = debt_of(problem, name="convert", kind="convertible", rate=0.0, maturity=12, conversion=Conversion(0.25))
    problem = replace(problem, debts=(bond,))
    found = made(problem, issued={"convert": at(problem, {0: 1e6})})
    assert found.balance_sheet["converted"][0] == pytest.approx([0, 1e6, 1e6])
    assert found.balance_sheet["total_liabilities"][0] == pytest.approx([1e6, 0, 0])
    assert found.cap_table["shares"][0] == pytest.approx([1e6, 1.04e6, 1.04e6])
    assert found.returns["cost[convert]"].expected[0] == pytest.approx(1.0)  # 1 MUSD in, shares worth 2 MUSD a year later


def test_a_company_with_nothing_but_cash() -> None:
    problem = tiny(2, cash=100.0)
    found = made(problem)
    assert found.debts == {}
    assert found.balance_sheet["total_equity"][0] == pytest.approx([100.0] * 3)
    for key in ("irr", "mirr", "payback", "dscr_min", "llcr", "cost_of_capital"):
        value, why = found.returns[key].expected
        assert value is None and why
    with pytest.raises(KeyError, match="there is no measure"):
        found.returns["nothing"]


@pytest.mark.parametrize("cash", [1e-6, 100.0, 1e12])
def test_a_figure_is_measured_against_what_it_is_made_of_not_against_a_dollar(cash: float) -> None:
    """A hundredth of all there is has been misstated: it shows, be that millions or less than a cent."""
    problem = tiny(2, cash=cash)
    decisions = idle(problem)
    books = keep_books(problem, decisions)
    wrong = books.balance_sheet["cash"].copy()
    wrong[0, 1] *= 1.01
    books = replace(books, balance_sheet=books.balance_sheet | {"cash": wrong})
    plan: Any = SimpleNamespace(problem=problem, decisions=decisions, books=books, certificate=None, covenants=())
    assert "balance_sheet: equal to the books" in {check.name for check in finance_statements(plan).loose}


def test_owners_pay_in_and_issue_fees_are_uses() -> None:
    problem = tiny(2, cash=0.0)
    rights = Equity("rights", dates(problem, 0), 1e9, np.full(3, np.inf), fee=0.02)
    problem = replace(problem, equities=(rights,))
    paid: dict[str, Array] = {"rights": at(problem, {0: 100.0})}
    found = made(problem, issued=paid)
    assert found.sources_uses["equity[rights]"][0, 0] == 100.0
    assert found.sources_uses["equity_fees"][0, 0] == pytest.approx(2.0)
    assert found.balance_sheet["paid_in"][0] == pytest.approx([98.0] * 3)
    assert found.returns["moic"].expected[0] == pytest.approx(0.98)
