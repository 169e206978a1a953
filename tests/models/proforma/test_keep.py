"""The pro forma against closed forms and hand-made numbers: tax, risk, hours, equity, statements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.decisions import Decisions, SiteDispatch
from models.problem import (
    Array,
    Block,
    Depreciation,
    Diesel,
    InterestLimit,
    Payments,
    Problem,
    Project,
    RigOption,
    Rule,
    Terminal,
)
from models.proforma.books import Books
from models.proforma.keep import cvar, keep_books
from tests.shared.tiny import at, dates, debt_of, equity_of, expansion_of, hourly, idle, rig_of, service_of, site_of, stream, tiny

EXACT = 1e-12


def kept(problem: Problem, **decided: object) -> Books:
    """Books of a plan that does only what is given, with every check met."""
    books = keep_books(problem, idle(problem, **decided))
    assert broken(books) == {}
    return books


def broken(books: Books, tolerance: float = 1e-9) -> dict[str, str]:
    """Checks that fail, with their places."""
    return {c.name: c.where for c in books.checks if not c.relative <= tolerance}


# --- risk -----------------------------------------------------------------------------------------------------------


def test_cvar_closed_forms() -> None:
    odds = np.full(4, 0.25)
    costs = np.array([10.0, 20.0, 30.0, 40.0])
    assert cvar(costs, odds, 0.4)[0] == pytest.approx(13.75, abs=EXACT)
    assert -cvar(-costs, odds, 0.4)[0] == pytest.approx(36.25, abs=EXACT)


def test_cvar_at_its_ends_and_at_ties() -> None:
    values, odds = np.array([3.0, -1.0, 7.0]), np.array([0.5, 0.2, 0.3])
    assert cvar(values, odds, 1.0) == (pytest.approx(odds @ values), 7.0)
    assert cvar(values, odds, 0.2) == (pytest.approx(-1.0), -1.0)
    assert cvar(values, odds, 0.05) == (pytest.approx(-1.0), -1.0)
    # a mass reached exactly: the maximum is flat from -1 to 3, and the VaR is the smaller end
    assert cvar(values, odds, 0.1 + 0.1)[1] == -1.0
    assert cvar([2.0, 2.0, 2.0], [0.3, 0.3, 0.4], 0.5) == (pytest.approx(2.0), 2.0)
    split = cvar([3.0, 3.0, -1.0, 7.0], [0.2, 0.3, 0.2, 0.3], 0.35)
    assert split == (pytest.approx(cvar(values, odds, 0.35)[0]), cvar(values, odds, 0.35)[1])
    with pytest.raises(ValueError, match="Currently it is 0"):
        cvar(values, odds, 0.0)


def test_cvar_is_the_maximum_of_its_definition() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        values, odds = rng.integers(-5, 6, 7).astype(float), rng.dirichlet(np.ones(7))
        tail = rng.uniform(0.05, 1.0)
        scores = [q - odds @ np.maximum(q - values, 0.0) / tail for q in values]
        assert cvar(values, odds, tail)[0] == pytest.approx(max(scores), abs=1e-10)


def test_objective_weighs_expectation_and_tail() -> None:
    problem = tiny(1, scenarios=4, cash=0.0, discount=0.0, weight=0.25, tail=0.4)
    amount = np.array([[0.0, v] for v in (10.0, 20.0, 30.0, 40.0)])
    problem = replace(problem, cash_flows=(replace(stream(problem, 0.0), amount=amount),))
    books = kept(problem)
    assert (books.expected, books.cvar, books.var) == (25.0, pytest.approx(13.75), 20.0)
    assert books.objective == pytest.approx(0.75 * 25.0 + 0.25 * 13.75)


# --- financing and value --------------------------------------------------------------------------------------------


def financed(rate: float, tax_rate: float | None, debt_usd: float, discount: float, equity_usd: float) -> Books:
    """A business of 1,000 a year bought for 200 at date 0 with debt and owners' equity; all cash is paid out."""
    problem = tiny(5, cash=0.0, discount=discount, tax_rate=tax_rate)
    business = stream(problem, [-200.0] + [1000.0] * 5)
    debt, owners = debt_of(problem, rate=rate), equity_of(problem)
    problem = replace(problem, cash_flows=(business,), debts=(debt,), equities=(owners,))
    decided = {"issued": {"notes": at(problem, {0: debt_usd}), "shares": at(problem, {0: equity_usd})}}
    tied = keep_books(problem, idle(problem, **decided))
    # every dollar that is left at a date is paid out
    paid = at(problem, {d: float(tied.cash_flow["change"][0, d]) for d in range(1, 6)})
    return kept(problem, **decided, dividends=paid)


def test_tax_shield() -> None:
    with_debt = financed(0.08, 0.21, 100.0, 0.08, 100.0)
    without = financed(0.08, 0.21, 0.0, 0.08, 200.0)
    assert with_debt.expected - without.expected == pytest.approx(6.7077529, abs=5e-8)
    assert with_debt.balance_sheet["cash"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_modigliani_miller(share: float) -> None:
    books = financed(0.08, None, 200.0 * share, 0.08, 200.0 * (1.0 - share))
    own = -200.0 + sum(1000.0 / 1.08**k for k in range(1, 6))
    assert books.expected == pytest.approx(own, rel=EXACT)


def test_dilution_on_a_share_path() -> None:
    problem = tiny(2, cash=0.0, discount=0.0, share_price=[10.0, 20.0, 30.0])
    issue = equity_of(problem, "atm", holders="new", discount=0.1, fee=0.02)
    problem = replace(problem, equities=(issue,))
    books = kept(problem, issued={"atm": at(problem, {0: 90.0, 1: 36.0})})
    # 90 / 9 = 10 shares and 36 / 18 = 2 shares, each worth 30 at the horizon
    assert books.ledger["dilution"][0] == pytest.approx([0.0, 0.0, -360.0])
    assert books.cash_flow["equity"][0] == pytest.approx([88.2, 35.28, 0.0])
    assert books.value[0] == pytest.approx(123.48 - 360.0)
    assert books.words["contributions"].sum() == 0.0


def test_rescue_costs_its_penalty() -> None:
    problem = tiny(1, cash=0.0, discount=0.0, rescue_penalty=0.5, overhead=100.0)
    books = kept(problem, rescue=at(problem, {1: 100.0}))
    assert books.value[0] == pytest.approx(-150.0)
    poor = replace(problem, treasury=replace(problem.treasury, rescue_penalty=None))
    assert "decisions inside their windows" in broken(keep_books(poor, idle(poor, rescue=at(poor, {1: 100.0}))))


# --- tax ------------------------------------------------------------------------------------------------------------


def test_losses_offset_four_fifths_of_a_gain() -> None:
    problem = tiny(4, tax_rate=0.25, nol=50.0, nol_cap=0.8)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, -300.0, 200.0, 100.0, 400.0]),))
    tax = kept(problem).tax
    assert tax["nol_used"][0] == pytest.approx([0.0, 160.0, 80.0, 110.0])
    assert tax["nol_closing"][0] == pytest.approx([350.0, 190.0, 110.0, 0.0])
    assert tax["tax"][0] == pytest.approx([0.0, 10.0, 5.0, 72.5])


def test_tax_is_paid_at_the_last_date_of_the_year() -> None:
    problem = tiny(8, months=3, start_month=2026 * 12 + 6, tax_rate=0.2)
    problem = replace(problem, cash_flows=(stream(problem, [5.0, *[10.0] * 8]),))
    books = kept(problem)
    # Jul-Dec 2026: dates 0, 1, 2; 2027: dates 3 to 6; Jan-Jun 2028: dates 7, 8
    assert books.tax["income"][0] == pytest.approx([25.0, 40.0, 20.0])
    assert books.cash_flow["tax"][0] == pytest.approx([0, 0, -5.0, 0, 0, 0, -8.0, 0, -4.0])
    assert books.words["cfads"][0, 2] == pytest.approx(5.0)


def test_exempt_streams_are_not_taxed() -> None:
    problem = tiny(1, tax_rate=0.5)
    kinds = [(a, b) for a in (True, False) for b in (True, False)]
    flows = tuple(stream(problem, [0.0, 10.0 ** (k + 1)], f"f{k}", taxable=a, operating=b) for k, (a, b) in enumerate(kinds))
    cash = np.zeros((1, 2, 2))
    cash[0, 0] = [-3.0, 1.0]
    units = tuple(Project(name, cash, dates(problem, 0), 5.0, taxable=name == "taxed") for name in ("taxed", "free"))
    problem = replace(problem, cash_flows=flows, projects=units)
    books = kept(problem, units={"taxed": at(problem, {0: 2.0}), "free": at(problem, {0: 4.0})})
    assert books.tax["income"][0, 0] == pytest.approx(10.0 + 100.0 - 4.0)
    assert books.words["ebitda"][0] == pytest.approx([0.0, 10.0 + 1000.0])
    assert books.income["other_cash_flows"][0] == pytest.approx([-18.0, 10_100.0 + 6.0])


def test_macrs_of_five_years_totals_one() -> None:
    table = (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576)  # IRS Publication 946, table A-1, half-year convention
    problem = tiny(8, tax_rate=0.21)
    problem = replace(problem, sites=(site_of(problem),))
    rig = rig_of(problem, price=1000.0, depreciation=Depreciation("macrs", table=table, book_months=36))
    problem = replace(problem, rigs=(rig,))
    books = kept(problem, orders={("rig", "home"): at(problem, {1: 3.0})})
    assert books.tax["depreciation"][0] == pytest.approx([0.0, 600, 960, 576, 345.6, 345.6, 172.8, 0.0])
    assert books.income["depreciation"][0] == pytest.approx([0, 0, 1000, 1000, 1000, 0, 0, 0, 0])


def test_macrs_year_cut_by_the_horizon_and_bonus() -> None:
    table = (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576)
    problem = tiny(5, months=3, tax_rate=0.21, start_month=2026 * 12 + 6)
    problem = replace(problem, sites=(site_of(problem),))
    wear = Depreciation("macrs", table=table, bonus=0.4)
    problem = replace(problem, rigs=(rig_of(problem, price=1000.0, lead=1, depreciation=wear),))
    books = kept(problem, orders={("rig", "home"): at(problem, {0: 1.0})})
    # in service in October 2026, whose three months lie inside; of 2027 nine months of twelve do
    assert books.tax["depreciation"][0] == pytest.approx([400 + 600 * 0.2, 600 * 0.32 * 9 / 12])


def test_interest_limit_defers_and_is_used_as_soon_as_it_may() -> None:
    problem = tiny(3, tax_rate=0.25, nol_cap=1.0)
    debt = debt_of(problem, rate=0.1)
    assert problem.tax is not None
    limited = replace(problem.tax, interest_limit=InterestLimit(0.3, True, 0))
    problem = replace(problem, tax=limited, debts=(debt,), cash_flows=(stream(problem, [0.0, 100.0, -50.0, 1000.0]),))
    tax = kept(problem, issued={"notes": at(problem, {0: 500.0})}).tax
    # interest 50 a year: 30 allowed, then none (a loss), then 30 % of 1000 takes 50 and the 70 that waited
    assert tax["interest_deducted"][0] == pytest.approx([30.0, 0.0, 120.0])
    assert tax["interest_carryforward"][0] == pytest.approx([20.0, 70.0, 0.0])
    assert tax["income"][0] == pytest.approx([70.0, -50.0, 880.0])


# --- hours ----------------------------------------------------------------------------------------------------------


def two_hours() -> tuple[Problem, Decisions]:
    """A year of two kept hours: grid at 20 and 120 USD/MWh, adder 5; a rig, a lease, a cloud, a block, diesel."""
    problem = tiny(1, hours=2, hashprice=48.0, btc_price=100_000.0, retain=0.25, coin_fee=0.01)
    block = Block("ppa", np.array([10.0]), np.array([[30.0]]), sell_back=True, sell_fee=2.0)
    diesel = Diesel("gen", np.array([3.0]), np.array([[200.0]]), permit_hours=5000.0)
    site = site_of(problem, price=[20.0, 120.0], adder=5.0, blocks=(block,), diesel=diesel, interconnection_mw=50.0)
    problem = replace(problem, sites=(site,))
    lease = service_of(
        problem, demand=hourly(problem, [0.5, 1.0]), penalty=np.array([[90.0]]), contracted=np.array([8.0]),
        contracted_term=1, variable_cost=1.0, rate=1e6, floor=0.5,
    )  # fmt: skip
    cloud = service_of(
        problem, "cloud", "cloud", rate=2000.0, reimbursed=None, contracted=np.array([4.0]), contracted_term=1,
        demand=hourly(problem, [1.0, 0.25]),
    )  # fmt: skip
    rig = rig_of(problem, owned=np.array([40.0]), pool_fee=0.02, variable_cost=3.0, uptime=0.9)
    problem = replace(problem, services=(lease, cloud), rigs=(rig,))
    uses = {"rig:rig": [36.0, 0.0], "ai:tenant": [5.0, 8.0], "ai:cloud": [5.0, 1.25], "sell:ppa": [0.0, 3.75]}
    sources = {"grid": [36.0, 0.0], "block:ppa": [10.0, 10.0], "diesel": [0.0, 3.0]}
    split = SiteDispatch({k: np.array(v) for k, v in uses.items()}, {k: np.array(v) for k, v in sources.items()})
    return problem, idle(problem, dispatch={("home", 0, 0): split})


def test_two_hours_by_hand() -> None:
    problem, decisions = two_hours()
    books = keep_books(problem, decisions)
    assert broken(books) == {}
    w = 4380.0
    mining = 60.0 * 48.0 / 24.0 * 0.98 * 36.0 * w
    lines = {
        "mining_revenue": mining,
        "ai_rent": 8e6,
        "ai_cloud": 2000.0 * (4.0 + 1.0) * w,
        "reimbursements": (25.0 * 5.0 + 125.0 * 8.0) * w,
        "power_sales": 118.0 * 3.75 * w,
        "block_cost": 30.0 * 10.0 * 8760.0,
        "energy_cost": (25.0 * 36.0 + 5.0 * 10.0 + 5.0 * (10.0 - 3.75) + 200.0 * 3.0) * w,
        "variable_costs": 3.0 * 36.0 * w + (4.0 + 6.4) * w,
        "shortfall_penalties": 90.0 * (8.0 - 6.4) * w,
    }
    for name, usd in lines.items():
        assert books.income[name][0, 1] == pytest.approx(usd, rel=EXACT), name
    plus = ("mining_revenue", "ai_rent", "ai_cloud", "reimbursements", "power_sales")
    ebitda = sum(usd if name in plus else -usd for name, usd in lines.items())
    assert books.words["ebitda"][0, 1] == pytest.approx(ebitda, rel=EXACT)
    assert books.words["cfads"][0, 1] == pytest.approx(ebitda - 0.25 * mining, rel=EXACT)
    assert books.words["coins"][0, 1] == pytest.approx(0.25 * mining / 1e5, rel=EXACT)
    assert books.words["btc_mined"][0, 1] == pytest.approx(mining / 1e5, rel=EXACT)
    assert books.words["diesel_mwh"][0, 1] == pytest.approx(3.0 * w)
    assert books.words["energy_mwh"][0, 1] == pytest.approx((36.0 + 5.0 + 5.0 + 8.0 + 1.25) * w)
    assert books.power["home", "sell:ppa"][0, 0] == pytest.approx(3.75 * w)


@pytest.mark.parametrize(
    ("name", "hour", "mw", "check"),
    [
        ("rig:rig", 0, 37.0, "use within its limit"),
        ("rig:rig", 1, -1.0, "use within its limit"),
        ("ai:tenant", 1, 11.0, "use within its limit"),
        ("grid", 0, 41.0, "source within its limit"),
        ("block:ppa", 0, 11.0, "source within its limit"),
        ("diesel", 1, 3.5, "source within its limit"),
        ("own:sun", 1, 1.0, "dispatch names exist"),
        ("ai:tenant", 1, 7.0, "hourly balance"),
        ("ai:tenant", 1, 0.0, "served floor"),
        ("diesel", 0, 2.5, "diesel permit"),
    ],
)
def test_a_wrong_hour_is_found(name: str, hour: int, mw: float, check: str) -> None:
    problem, decisions = two_hours()
    split = decisions.dispatch["home", 0, 0]
    table = split.uses if ":" in name and name.split(":")[0] in ("rig", "ai", "sell") else split.sources
    table[name] = np.array(table.get(name, np.zeros(2)))
    table[name][hour] = mw
    assert check in broken(keep_books(problem, decisions))


def test_a_missing_dispatch_is_found() -> None:
    problem, decisions = two_hours()
    assert broken(keep_books(problem, replace(decisions, dispatch={})))["dispatch is complete"] == "s0, period 0, home"


# --- assets ---------------------------------------------------------------------------------------------------------


def test_rigs_deposits_options_and_retirement() -> None:
    problem = tiny(4, discount=0.0)
    problem = replace(problem, sites=(site_of(problem),))
    option = RigOption(fee=10.0, strike=700.0, limit=5.0, buy=dates(problem, 0), exercise=dates(problem, 1))
    rig = rig_of(
        problem, price=[1000.0, 900.0, 0.0, 0.0, 0.0], resale=[0.0, 0.0, 0.0, 300.0, 200.0], lead=1, life=2,
        owned=np.array([2.0]), owned_life=1, fixed_cost=1.0, option=option,
        payments=Payments(((0, 0.4), (1, 0.6))),
    )  # fmt: skip
    problem = replace(problem, rigs=(rig,))
    key = ("rig", "home")
    books = kept(
        problem,
        orders={key: at(problem, {0: 10.0})},
        options={"rig": at(problem, {0: 5.0})},
        exercised={key: at(problem, {1: 4.0})},
        retired={key: at(problem, {1: 2.0, 3: 11.0})},
    )
    assert books.words["rigs_mw[rig]"][0] == pytest.approx([2.0, 10.0, 14.0, 3.0, 3.0])
    assert books.cash_flow["capex_rigs"][0] == pytest.approx([-4000.0, -6000.0 - 0.4 * 2800.0, -0.6 * 2800.0, 0, 0])
    assert books.cash_flow["capex_options"][0, 0] == -50.0
    assert books.cash_flow["resale"][0, 3] == 3300.0
    assert books.income["fixed_costs"][0] == pytest.approx([0.0, 2.0, 10.0, 14.0, 3.0])
    assert books.ledger["terminal_rigs"][0, -1] == pytest.approx(600.0)
    late = keep_books(problem, idle(problem, retired={key: at(problem, {2: 2.0})}))
    assert "rigs retire within their life" in broken(late)


def test_builds_delays_and_leases() -> None:
    terminal = Terminal(contracts=0.5, contract_rate=0.1, halls=0.3)
    problem = tiny(6, scenarios=2, discount=0.0, apart_from=9, terminal=terminal)
    delay = np.array([0, 1])
    convert = expansion_of(problem, cost=1000.0, lead=1, depreciation=Depreciation("straight", months=24))
    site = site_of(problem, ai_mw=0.0, convert=convert, delay=delay, ai_cost=2.0)
    problem = replace(problem, sites=(site,), tax=None)
    lease = service_of(problem, rate=100.0, lead=1, term=6, ramp=(0.5,), escalator=0.1, equipment=np.full((2, 7), 7.0))
    problem = replace(problem, services=(lease,))
    key = ("tenant", "home")
    books = kept(problem, built={("home", "convert"): at(problem, {0: 8.0})}, signed={key: at(problem, {0: 4.0})})
    assert books.words["mining_hall_mw[home]"][0] == pytest.approx([50.0] * 7)
    assert books.words["ai_hall_mw[home]"][:, :4] == pytest.approx(np.array([[0, 8, 8, 8], [0, 0, 8, 8]]))
    assert books.words["ai_mw"][1] == pytest.approx([0.0, 0.0, 2.0, 4.0, 4.0, 4.0, 4.0])
    rents = [200.0, 440.0, 484.0, 532.4, 585.64]
    assert books.income["ai_rent"][0] == pytest.approx([0.0, 0.0, *rents])
    assert books.income["ai_rent"][1] == pytest.approx([0.0, 0.0, 0.0, *rents[:4]])
    after = [644.204 / 1.1, 585.64 / 1.1 + 644.204 / 1.21]
    assert books.ledger["terminal_contracts"][:, -1] == pytest.approx(0.5 * np.array(after))
    assert books.ledger["terminal_halls"][:, -1] == pytest.approx(2400.0)
    assert books.tax["depreciation"][:, 1:4] == pytest.approx(np.array([[4000, 4000, 0], [0, 4000, 4000]]))
    assert books.cash_flow["capex_equipment"][0, 0] == -28.0


def test_coins_at_fair_value() -> None:
    problem = tiny(2, coins=10.0, coin_fee=0.1, btc_price=[100.0, 200.0, 50.0], discount=0.0, cash=0.0, tax_rate=0.5)
    books = kept(problem, sold=at(problem, {1: 4.0}))
    assert books.income["coin_gains"][0] == pytest.approx([0.0, 1000.0 - 80.0, -900.0])
    assert books.balance_sheet["coins"][0] == pytest.approx([1000.0, 1200.0, 300.0])
    assert books.cash_flow["coin_sales"][0, 1] == pytest.approx(720.0)
    assert books.tax["tax"][0] == pytest.approx([460.0, 0.0])


def test_cash_yield_is_earned_and_taxed() -> None:
    problem = tiny(4, months=6, cash=100.0, cash_yield=0.1, tax_rate=0.5, discount=0.0)
    books = kept(problem)
    first = 100.0 * 1.05**2
    first -= 0.5 * (first - 100.0)
    assert books.words["cash"][0] == pytest.approx([100.0, 105.0, first, first * 1.05, first * (1 + 0.1025 / 2)])


# --- rules and nodes ------------------------------------------------------------------------------------------------


def rule_of(problem: Problem, penalty: float | None) -> Rule:
    shape = (problem.scenarios.count, problem.clock.dates)
    terms: dict[tuple[str, str | None], Array] = {("cash", None): np.ones(shape)}
    terms["dividends", None] = np.full(shape, -2.0)
    return Rule("floor", "cash >= 2 * dividends + 50", terms, ">=", np.full(shape, 50.0), np.ones(shape, bool), penalty)


def test_hard_and_soft_rules() -> None:
    problem = tiny(1, cash=100.0, discount=0.0)
    hard = replace(problem, rules=(rule_of(problem, None),))
    assert broken(keep_books(hard, idle(hard))) == {}
    spent = at(problem, {1: 30.0})
    assert broken(keep_books(hard, idle(hard, dividends=spent))) == {"hard rules": "s0, date 1, floor"}
    soft = replace(problem, rules=(rule_of(problem, 0.2),))
    assert "soft rules: breach covers shortfall" in broken(keep_books(soft, idle(soft, dividends=spent)))
    paid = kept(soft, dividends=spent, breach={"floor": at(soft, {1: 40.0})})
    assert paid.value[0] == pytest.approx(100.0 - 0.2 * 40.0)


def test_decisions_of_a_node_must_agree() -> None:
    problem = tiny(2, scenarios=2, apart_from=2)
    early, late = at(problem, {1: 5.0}), at(problem, {2: 5.0})
    early[1] = late[1] = 0.0
    assert "decisions agree within a node" in broken(keep_books(problem, idle(problem, dividends=early)))
    assert broken(keep_books(problem, idle(problem, dividends=late))) == {}


def test_what_does_not_exist_is_refused() -> None:
    problem = tiny(1)
    stray = keep_books(problem, idle(problem, issued={"ghost": at(problem, {0: 5.0})}))
    assert broken(stray) == {"decisions are about what exists": "issued, ghost"}


def test_not_a_number_never_passes() -> None:
    problem = tiny(1)
    assert "balance sheet balances" in broken(keep_books(problem, idle(problem, dividends=at(problem, {0: np.nan}))))


def test_splitting_a_scenario_changes_nothing() -> None:
    one, two = (tiny(2, scenarios=n, overhead=5.0, weight=0.3, tail=0.4) for n in (1, 2))
    assert kept(one).objective == pytest.approx(kept(two).objective, rel=EXACT)
