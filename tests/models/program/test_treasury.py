"""Coins, cash, other opportunities, value and risk: models/program/treasury.py, plan.py, risk.py against README sections 6, 10 and 12."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.problem import Objective, Problem, Project, Terminal
from models.program.master_problem import MasterProblem
from tests.shared.rows import close, keys, row_is, solved
from tests.shared.tiny import dates, rig_of, site_of, stream, tiny


def project_of(problem: Problem, returns: dict[int, float], window: tuple[int, ...] = (), **terms: object) -> Project:
    """Costs 1 MUSD per unit where it is decided, and returns so many USD so many dates later."""
    n, s = problem.clock.dates, problem.scenarios.count
    cash = np.zeros((s, n, n))
    for d in range(n):
        cash[:, d, d] = -1e6
        for later, amount in returns.items():
            if d + later < n:
                cash[:, d, d + later] += amount
    return Project("wells", cash, dates(problem, *window), **({"limit": 8.0} | terms))  # type: ignore[arg-type]


# --- coins ------------------------------------------------------------------------------------------------------------


def test_coins_roll() -> None:
    """coins[s, d] = coins[s, d-1] + kept[s, d-1] - sold[d], sold at nodes, kept by scenario."""
    problem = tiny(2, scenarios=2, coins=30.0, retain=0.5)
    problem = replace(problem, sites=(site_of(problem, "home"), site_of(problem, "away")))
    master = MasterProblem(replace(problem, rigs=(rig_of(problem),)))
    assert len(keys(master, "coins")) == 6
    for s in (0, 1):
        row_is(master, "coins", (s, 0), {f"coins[{s},0]": 1.0, "sold[0,0]": 1.0}, equal=30.0)
        for d in (1, 2):
            rolled = {f"coins[{s},{d}]": 1.0, f"coins[{s},{d - 1}]": -1.0, f"sold[{s},{d}]": 1.0}
            kept = {f"kept[{place},{s},{d - 1}]": -1.0 for place in ("home", "away")}
            row_is(master, "coins", (s, d), rolled | kept, equal=0.0)


def test_coins_are_sold_at_the_best_discounted_price() -> None:
    """100 coins at 1 % fee, prices 100, 120, 110 thousand: all at date 1."""
    solution = solved(tiny(2, coins=100.0, coin_fee=0.01, btc_price=[1e5, 1.2e5, 1.1e5]))
    assert close(solution.objective, 1e9 + 100.0 * 1.2e5 * 0.99 / 1.08)
    kept = replace(tiny(2, coins=100.0, coin_fee=0.01, btc_price=[1e5, 1.2e5, 1.4e5]), terminal=Terminal(coins=0.95))
    assert close(solved(kept).objective, 1e9 + 100.0 * 1.4e5 * 0.99 / 1.08**2)  # sold at 0.99 beats counting 0.95


# --- cash -------------------------------------------------------------------------------------------------------------


def test_cash_rolls_with_its_yield_and_every_receipt() -> None:
    """cash[d] = cash[d-1] (1 + yield dt) + operating cash + rest - tax - dividends + rescue, opening cash at d = 0."""
    problem = tiny(
        2, months=6, scenarios=2, cash=7e6, coins=3.0, coin_fee=0.02, rescue_penalty=0.5, cash_yield=[0.03, 0.05], tax_rate=0.21
    )
    business = stream(problem, np.array([[1e6, 2e6, 3e6], [1e6, 4e6, 5e6]]))
    grant = stream(problem, [0.5e6, 0.25e6, 0.125e6], "grant", operating=False)
    master = MasterProblem(replace(problem, cash_flows=(business, grant)))
    for s, flows in ((0, (1.5, 2.25, 3.125)), (1, (1.5, 4.25, 5.125))):
        first = {f"cash[{s},0]": 1.0, "dividends[0,0]": 1.0, f"rescue[{s},0]": -1.0, "sold[0,0]": -0.098}
        row_is(master, "cash", (s, 0), first, equal=7.0 + flows[0])
        second = {
            f"cash[{s},1]": 1.0,
            f"cash[{s},0]": -1.015,
            f"dividends[{s},1]": 1.0,
            f"rescue[{s},1]": -1.0,
            f"sold[{s},1]": -0.098,
        }
        row_is(master, "cash", (s, 1), second, equal=flows[1])
        # the calendar year ends at date 2: its tax is paid there
        third = {
            f"cash[{s},2]": 1.0,
            f"cash[{s},1]": -1.025,
            f"dividends[{s},2]": 1.0,
            f"rescue[{s},2]": -1.0,
            f"sold[{s},2]": -0.098,
        }
        third |= {f"income_positive[{s},0]": 0.21, f"nol_used[{s},0]": -0.21}
        row_is(master, "cash", (s, 2), third, equal=flows[2])


def test_operating_cash_is_margins_rents_and_costs() -> None:
    """operating_cash[d] = margins and rents of period d - 1 - fixed costs - overhead + operating given flows of d."""
    problem = tiny(2, months=6, scenarios=2, overhead=np.array([[3e6, 4e6], [5e6, 6e6]]))
    problem = replace(problem, sites=(site_of(problem, "home"), site_of(problem, "away")))
    problem = replace(problem, rigs=(rig_of(problem, sites=np.array([True, True])),))
    master = MasterProblem(replace(problem, cash_flows=(stream(problem, [1e6, 2e6, 2.5e6]),)))
    for s in (0, 1):
        for d in (1, 2):
            terms = {f"operating_cash[{s},{d}]": 1.0} | {f"margin[{place},{s},{d - 1}]": -1.0 for place in ("home", "away")}
            overhead = ((3.0, 4.0), (5.0, 6.0))[s][d - 1] / 2.0
            row_is(master, "operating_cash", (s, d), terms, equal=(0.0, 2.0, 2.5)[d] - overhead)


def test_cash_earns_its_yield() -> None:
    """At a yield above the discount everything stays: (1 + y dt) per period."""
    solution = solved(tiny(2, months=6, cash_yield=[0.10, 0.12]))
    assert close(solution.objective, 1e9 * 1.05 * 1.06 / 1.08)


def test_cash_is_never_negative() -> None:
    """2 MUSD a year to pay and 5 MUSD of cash at no yield: a dividend of 1 MUSD."""
    problem = tiny(2, cash=5e6)
    assert close(solved(replace(problem, cash_flows=(stream(problem, [0.0, -2e6, -2e6]),))).objective, 1e6)


# --- other opportunities ----------------------------------------------------------------------------------------------


def test_units_of_a_project_are_limited_on_every_path() -> None:
    """minimum <= sum of units per path <= limit: at nodes, or scenario by scenario with recourse."""
    problem = tiny(2, scenarios=2)
    master = MasterProblem(replace(problem, projects=(project_of(problem, {1: 2e5}, (0, 1), minimum=3.0),)))
    own = MasterProblem(replace(problem, projects=(project_of(problem, {1: 2e5}, (0, 1), minimum=3.0, recourse=True),)))
    for s in (0, 1):
        for made, first in ((master, 0), (own, s)):
            units = {f"units_wells[{first},0]": 1.0, f"units_wells[{s},1]": 1.0}
            row_is(made, "project_limit", ("wells", s), units, at_most=8.0)
            row_is(made, "project_minimum", ("wells", s), units, at_least=3.0)


def test_money_of_projects() -> None:
    """cash[s, d, e] per unit decided at d is received at e."""
    problem = tiny(3, scenarios=2)
    master = MasterProblem(replace(problem, projects=(project_of(problem, {1: 3e5, 2: 9e5}),)))
    cash = {"cash[1,2]": 1.0, "cash[1,1]": -1.0, "dividends[1,2]": 1.0}
    cash |= {"units_wells[0,0]": -0.9, "units_wells[1,1]": -0.3, "units_wells[1,2]": 1.0}
    row_is(master, "cash", (1, 2), cash, equal=0.0)


def test_project_limit_and_minimum_bind() -> None:
    problem = tiny(2)
    good = project_of(problem, {1: 1.2e6}, (0,))
    assert close(solved(replace(problem, projects=(good,))).objective, 1e9 + 8.0 * (1.2e6 / 1.08 - 1e6))
    bad = project_of(problem, {1: 1.0e6}, (0,), minimum=3.0)
    assert close(solved(replace(problem, projects=(bad,))).objective, 1e9 + 3.0 * (1.0e6 / 1.08 - 1e6))


def test_recourse_decides_with_the_scenario_known() -> None:
    """One node at date 0: without recourse 8 units for all; with it only where they pay."""
    problem = tiny(1, scenarios=2)
    returns = project_of(problem, {1: 1.4e6}, (0,))
    cash = returns.cash.copy()
    cash[1, 0, 1] = 0.5e6
    shared, own = replace(returns, cash=cash), replace(returns, cash=cash, recourse=True)
    assert close(solved(replace(problem, projects=(shared,))).objective, 1e9)  # 0.95 MUSD expected for 1: none
    # with recourse, in the good scenario; the dividend of date 0 is one for both, so the cost is taken from both
    solution = solved(replace(problem, projects=(own,)))
    assert solution.decisions.units["wells"][:, 0] == pytest.approx([8.0, 0.0])
    assert close(solution.objective, 1e9 - 8e6 + 0.5 * (8.0 * 1.4e6 + 8e6) / 1.08)


# --- value and risk ---------------------------------------------------------------------------------------------------


def test_value_is_the_discounted_ledger() -> None:
    """V = sum discount[d] * (dividends - (1 + penalty) rescue) + cash[T] + share * P[T] * coins[T] + opening assets."""
    price = np.array([[1e5, 1e5, 1.4e5], [1e5, 1e5, 0.6e5]])
    problem = tiny(2, months=[3, 9], scenarios=2, coins=10.0, rescue_penalty=0.4, btc_price=price)
    master = MasterProblem(replace(problem, terminal=Terminal(coins=0.9, opening_assets=12e6)))
    discount = (1.0, 1.08**-0.25, 1 / 1.08)
    for s in (0, 1):
        terms = {f"value[{s}]": 1.0, f"cash[{s},2]": -discount[2], f"coins[{s},2]": -0.9 * price[s, 2] / 1e6 * discount[2]}
        for d in (0, 1, 2):
            terms |= {f"dividends[{s if d else 0},{d}]": -discount[d], f"rescue[{s},{d}]": 1.4 * discount[d]}
        row_is(master, "value", s, terms, equal=12.0 * discount[2])


def test_shortfall_below_the_threshold() -> None:
    """z[s] >= q - V[s]; objective (1 - w) E + w (q - sum p z / tail)."""
    problem = tiny(1, scenarios=3, probability=[0.5, 0.3, 0.2], weight=0.4, tail=0.25)
    master = MasterProblem(problem)
    for s in range(3):
        row_is(master, "shortfall", s, {f"shortfall[{s}]": 1.0, "value_at_risk[0]": -1.0, f"value[{s}]": 1.0}, at_least=0.0)
    objective = master.model.objective.expr
    found = {var.name: coef for var, coef in zip(objective.linear_vars, objective.linear_coefs, strict=True)}
    expected = {f"value[{s}]": 0.6 * p for s, p in enumerate((0.5, 0.3, 0.2))} | {"value_at_risk[0]": 0.4}
    expected |= {f"shortfall[{s}]": -0.4 * p / 0.25 for s, p in enumerate((0.5, 0.3, 0.2))}
    assert found == pytest.approx(expected, rel=1e-12)
    assert keys(MasterProblem(replace(problem, objective=Objective(0.08))), "shortfall") == []  # risk-neutral: no rows


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_cvar_of_given_values_is_its_closed_form(weight: float) -> None:
    """Values 90, 100, 140 with odds 0.2, 0.3, 0.5 and a tail of 0.4: CVaR = (0.2 * 90 + 0.2 * 100) / 0.4 = 95."""
    problem = tiny(1, scenarios=3, probability=[0.2, 0.3, 0.5], weight=weight, tail=0.4, cash=0.0)
    flows = np.array([[0.0, 90e6], [0.0, 100e6], [0.0, 140e6]])
    solution = solved(replace(problem, cash_flows=(stream(problem, flows),)))
    mean = 0.2 * 90e6 + 0.3 * 100e6 + 0.5 * 140e6
    assert close(solution.objective, ((1 - weight) * mean + weight * 95e6) / 1.08)


def test_cvar_drives_the_decision() -> None:
    """A unit of 1 MUSD returns 1.5 or 0.6 at even odds, undiscounted: 0.05 on average, -0.4 in the lower half."""
    problem = tiny(1, scenarios=2, discount=0.0, tail=0.5)
    wells = project_of(problem, {1: 1.5e6}, (0,))
    cash = wells.cash.copy()
    cash[1, 0, 1] = 0.6e6
    problem = replace(problem, projects=(replace(wells, cash=cash),))
    for weight, units in ((0.0, 8.0), (0.1, 8.0), (0.2, 0.0), (1.0, 0.0)):
        # per unit (1 - w) 0.05 - w 0.4: worth it below w = 1 / 9
        solution = solved(replace(problem, objective=Objective(0.0, weight, 0.5)))
        assert close(solution.objective, 1e9 + units * ((1 - weight) * 0.05e6 - weight * 0.4e6)), weight
