"""Rigs: each row of models/program/fleet.py against README section 2, and what it does to an optimum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from models.problem import Payments, Problem, RigOption
from models.program.master_problem import MasterProblem
from tests.shared.rows import close, keys, row_is, solved
from tests.shared.tiny import dates, every_date, rig_of, site_of, tiny

#: USD per MW and year of a rig of 60 PH/s per MW at 50 USD/PH/day on power of 40 USD/MWh, every hour of 8760
MARGIN = (60.0 * 50.0 / 24.0 - 40.0) * 8760.0
B, E, R, OPTION = "orders_rig_home", "exercised_rig_home", "retired_rig_home", "options_rig"
K = "installed[rig,home"  # an open bracket: f"{K},0,1]" is K of scenario 0 at date 1


def mine(problem: Problem, sites: int = 1, **terms: Any) -> Problem:
    """One rig model, at sites 'home', 'away'."""
    names = ("home", "away")[:sites]
    problem = replace(problem, sites=tuple(site_of(problem, name) for name in names))
    return replace(problem, rigs=(rig_of(problem, **terms),))


def option_of(problem: Problem, **terms: Any) -> RigOption:
    base: dict[str, Any] = {"fee": 1e4, "strike": 0.5e6, "limit": 7.0, "buy": dates(problem), "exercise": dates(problem)}
    return RigOption(**(base | terms))


def per_mw(problem: Problem, date: int, price: float, margin: float = MARGIN, resale: float = 0.2e6) -> float:
    """Present value of one MW bought at `date`, run to the horizon and worth its resale there."""
    years = problem.clock.periods
    run = sum(margin * 1.08 ** -(t + 1) for t in range(date, years))
    return -price * 1.08**-date + run + resale * 1.08**-years


def test_installed_follows_from_the_node_before() -> None:
    """K[d] = K[d-1] + (B + E)[d - lead] - R[d] >= 0 at the nodes of d = 0..T-1, with what is owned before d = 0."""
    problem = tiny(3, scenarios=2)
    problem = mine(problem, owned=np.array([5.0]), lead=1, option=option_of(problem))
    master = MasterProblem(problem)
    assert keys(master, "fleet") == [("rig", "home", s, d) for d in range(3) for s in ((0,) if d == 0 else (0, 1))]
    assert {key: (var.lb, var.ub) for key, var in master.model.installed.items()} == {
        key: (0.0, None) for key in keys(master, "fleet")
    }
    row_is(master, "fleet", ("rig", "home", 0, 0), {f"{K},0,0]": 1.0, f"{R}[0,0]": 1.0}, equal=5.0)
    for s in (0, 1):
        first = {f"{K},{s},1]": 1.0, f"{K},0,0]": -1.0, f"{B}[0,0]": -1.0, f"{E}[0,0]": -1.0, f"{R}[{s},1]": 1.0}
        row_is(master, "fleet", ("rig", "home", s, 1), first, equal=0.0)
        second = {f"{K},{s},2]": 1.0, f"{K},{s},1]": -1.0, f"{B}[{s},1]": -1.0, f"{E}[{s},1]": -1.0, f"{R}[{s},2]": 1.0}
        row_is(master, "fleet", ("rig", "home", s, 2), second, equal=0.0)


def test_installed_is_owned_and_arrived_less_retired() -> None:
    """K[d] = owned + sum_{e <= d - lead} (B + E)[e] - sum_{e <= d} R[e], seen through the hall it stands in."""
    problem = tiny(3, scenarios=2)
    problem = mine(problem, owned=np.array([5.0]), lead=1, option=option_of(problem))
    master = MasterProblem(problem)
    hall: dict[str, Any] = {"at_most": 60.0 - 5.0, "through": ("fleet",)}
    row_is(master, "mining_hall", ("home", 0, 0), {f"{R}[0,0]": -1.0}, **hall)
    for s in (0, 1):
        arrived = {f"{B}[0,0]": 1.0, f"{E}[0,0]": 1.0}
        gone = {f"{R}[0,0]": -1.0, f"{R}[{s},1]": -1.0}
        row_is(master, "mining_hall", ("home", s, 1), arrived | gone, **hall)
        arrived |= {f"{B}[{s},1]": 1.0, f"{E}[{s},1]": 1.0}
        gone |= {f"{R}[{s},2]": -1.0}
        row_is(master, "mining_hall", ("home", s, 2), arrived | gone, **hall)


def test_orders_that_would_arrive_at_the_horizon_are_not_there() -> None:
    master = MasterProblem(mine(tiny(3), lead=2))
    assert [key for key in master.model.orders_rig_home] == [(0, 0)]
    assert [key for key in master.model.retired_rig_home] == [(0, 0), (0, 1), (0, 2)]


def test_only_what_is_within_its_life_is_installed() -> None:
    """K[d] <= sum_{d - lead - life < e <= d - lead} (B + E)[e] + owned * (d < owned_life), where something is past its life."""
    problem = tiny(5, scenarios=2)
    brief = mine(problem, owned=np.array([5.0]), owned_life=1, lead=1, life=2, option=option_of(problem))
    master = MasterProblem(brief)
    assert keys(master, "rig_life") == [("rig", "home", s, d) for d in (1, 2, 3, 4) for s in (0, 1)]
    for s in (0, 1):
        node = [f"[{0 if e == 0 else s},{e}]" for e in range(4)]
        for d, alive in ((1, (0,)), (2, (0, 1)), (3, (1, 2)), (4, (2, 3))):
            young = {f"{name}{node[e]}": -1.0 for name in (B, E) for e in alive}
            row_is(master, "rig_life", ("rig", "home", s, d), {f"{K},{s},{d}]": 1.0} | young, at_most=0.0)
    # what was owned outlives what is ordered: it counts until date 4, where it goes too
    master = MasterProblem(replace(brief, rigs=(replace(brief.rigs[0], owned_life=4),)))
    assert keys(master, "rig_life") == [("rig", "home", s, d) for d in (3, 4) for s in (0, 1)]
    for s in (0, 1):
        for d, alive, owned in ((3, (1, 2), 5.0), (4, (2, 3), 0.0)):
            young = {f"{name}[{s},{e}]": -1.0 for name in (B, E) for e in alive}
            row_is(master, "rig_life", ("rig", "home", s, d), {f"{K},{s},{d}]": 1.0} | young, at_most=owned)
    # ordered at date 0 only: once that is past its life nothing but what was owned is left
    once = replace(brief.rigs[0], owned_life=1000, window=dates(problem, 0), option=None)
    master = MasterProblem(replace(brief, rigs=(once,)))
    assert keys(master, "rig_life") == [("rig", "home", s, d) for d in (3, 4) for s in (0, 1)]
    for s in (0, 1):
        for d in (3, 4):
            row_is(master, "rig_life", ("rig", "home", s, d), {f"{K},{s},{d}]": 1.0}, at_most=5.0)


def test_what_is_past_its_life_is_retired() -> None:
    """The same in decisions: sum_{e <= d} R[e] >= sum_{e <= d - lead - life} (B + E)[e] + owned * (d >= owned_life)."""
    problem = tiny(4, scenarios=2)
    problem = mine(problem, owned=np.array([5.0]), owned_life=1, lead=1, life=1, option=option_of(problem))
    master = MasterProblem(problem)
    assert keys(master, "rig_life") == [("rig", "home", s, d) for d in (1, 2, 3) for s in (0, 1)]
    for s in (0, 1):
        retired = {f"{R}[0,0]": -1.0, f"{R}[{s},1]": -1.0}
        row_is(master, "rig_life", ("rig", "home", s, 1), retired, at_most=-5.0, through=("fleet",))
        retired |= {f"{R}[{s},2]": -1.0}
        old = {f"{B}[0,0]": 1.0, f"{E}[0,0]": 1.0}
        row_is(master, "rig_life", ("rig", "home", s, 2), retired | old, at_most=-5.0, through=("fleet",))
        retired |= {f"{R}[{s},3]": -1.0}
        old |= {f"{B}[{s},1]": 1.0, f"{E}[{s},1]": 1.0}
        row_is(master, "rig_life", ("rig", "home", s, 3), retired | old, at_most=-5.0, through=("fleet",))


def test_a_rig_of_one_year_earns_one_year() -> None:
    """Life and limit bind: 10 MW at date 0, one year's margin, resold at date 1."""
    problem = mine(tiny(3), life=1, limit=10.0, price=0.5e6, resale=0.1e6)
    solution = solved(problem)
    assert close(solution.objective, 1e9 + 10.0 * (-0.5e6 + (MARGIN + 0.1e6) / 1.08))
    assert np.allclose(solution.decisions.retired["rig", "home"], [[0, 10, 0, 0]])


def test_supply_of_a_date_is_for_all_sites_and_both_ways_to_order() -> None:
    """sum_i (B + E)[i, d] <= supply[d]."""
    problem = tiny(2, scenarios=2)
    supply = np.array([4.0, 3.0, np.inf])
    master = MasterProblem(mine(problem, sites=2, supply=supply, option=option_of(problem)))
    assert keys(master, "rig_supply") == [("rig", 0, 0), ("rig", 0, 1), ("rig", 1, 1)]
    for s, d in ((0, 0), (0, 1), (1, 1)):
        names = ("orders_rig_home", "orders_rig_away", "exercised_rig_home", "exercised_rig_away")
        row_is(master, "rig_supply", ("rig", s, d), {f"{name}[{s},{d}]": 1.0 for name in names}, at_most=supply[d])


def test_supply_binds() -> None:
    supply = np.array([4.0, 3.0, 0.0, 0.0])
    problem = mine(tiny(3), supply=supply)
    assert close(solved(problem).objective, 1e9 + 4.0 * per_mw(problem, 0, 0.8e6) + 3.0 * per_mw(problem, 1, 0.8e6))


def test_limit_is_on_all_orders_of_a_path() -> None:
    """sum_{i, d} (B + E) <= limit, once per path."""
    problem = tiny(2, scenarios=2)
    master = MasterProblem(mine(problem, sites=2, limit=12.0, option=option_of(problem)))
    assert keys(master, "rig_limit") == [("rig", 0), ("rig", 1)]
    for s in (0, 1):
        names = ("orders_rig_home", "orders_rig_away", "exercised_rig_home", "exercised_rig_away")
        terms = {f"{name}[{k},{d}]": 1.0 for name in names for k, d in ((0, 0), (s, 1))}
        row_is(master, "rig_limit", ("rig", s), terms, at_most=12.0)


def test_no_more_options_are_exercised_than_were_bought() -> None:
    """sum_{e <= d} sum_i E[i, e] <= sum_{e <= d} O[e] at every node; sum O <= option.limit on every path."""
    problem = tiny(2, scenarios=2)
    master = MasterProblem(mine(problem, sites=2, option=option_of(problem)))
    used = {"exercised_rig_home[0,0]": 1.0, "exercised_rig_away[0,0]": 1.0, f"{OPTION}[0,0]": -1.0}
    row_is(master, "rig_options", ("rig", 0, 0), used, at_most=0.0)
    for s in (0, 1):
        later = used | {f"exercised_rig_home[{s},1]": 1.0, f"exercised_rig_away[{s},1]": 1.0, f"{OPTION}[{s},1]": -1.0}
        row_is(master, "rig_options", ("rig", s, 1), later, at_most=0.0)
        # at the horizon an exercise would bring nothing, but options may still be bought
        row_is(master, "rig_options", ("rig", s, 2), later | {f"{OPTION}[{s},2]": -1.0}, at_most=0.0)
        bought = {f"{OPTION}[0,0]": 1.0, f"{OPTION}[{s},1]": 1.0, f"{OPTION}[{s},2]": 1.0}
        row_is(master, "rig_option_limit", ("rig", s), bought, at_most=7.0)


def test_an_option_is_exercised_where_it_pays() -> None:
    """Hashprice 50 or 10: 7 MW of options, exercised at date 1 in the good scenario only (cash earns the discount)."""
    problem = tiny(3, scenarios=2, cash_yield=0.08, hashprice=np.array([[50.0, 50.0, 50.0], [10.0, 10.0, 10.0]]))
    option = option_of(problem, buy=dates(problem, 0), exercise=dates(problem, 1))
    problem = mine(problem, limit=1e3, window=np.zeros(4, dtype=bool), option=option)
    expected = 1e9 - 7.0 * 1e4 + 0.5 * 7.0 * per_mw(problem, 1, 0.5e6)
    solution = solved(problem)
    assert close(solution.objective, expected)
    assert np.allclose(solution.decisions.exercised["rig", "home"], [[0, 7, 0, 0], [0, 0, 0, 0]])


def test_money_of_rigs() -> None:
    """Orders are paid by instalments at the price of their date, exercises at the strike, options at once; retired rigs are sold
    at the resale price of the date; fixed costs settle a period later on what is installed."""
    problem = tiny(3, cash=5e6)
    problem = mine(
        problem,
        price=[0.8e6, 0.7e6, 0.6e6, 0.5e6],
        resale=[0.2e6, 0.19e6, 0.18e6, 0.17e6],
        lead=1,
        fixed_cost=3e4,
        payments=Payments(((0, 0.3), (1, 0.7))),
        owned=np.array([5.0]),
        option=option_of(problem),
    )
    master = MasterProblem(problem)
    first = {"cash[0,0]": 1.0, "dividends[0,0]": 1.0, f"{B}[0,0]": 0.3 * 0.8, f"{E}[0,0]": 0.3 * 0.5, f"{OPTION}[0,0]": 0.01}
    row_is(master, "cash", (0, 0), first | {f"{R}[0,0]": -0.2}, equal=5.0)
    second = {
        "cash[0,1]": 1.0,
        "cash[0,0]": -1.0,
        "dividends[0,1]": 1.0,
        f"{B}[0,0]": 0.7 * 0.8,
        f"{E}[0,0]": 0.7 * 0.5,
        f"{B}[0,1]": 0.3 * 0.7,
        f"{E}[0,1]": 0.3 * 0.5,
        f"{OPTION}[0,1]": 0.01,
        f"{R}[0,1]": -0.19,
        "margin[home,0,0]": -1.0,
        f"{R}[0,0]": -0.03,  # a rig that is gone costs nothing in period 0
    }
    row_is(master, "cash", (0, 1), second, equal=-5.0 * 0.03, through=("operating_cash", "fleet"))
    # period 1: what was ordered at date 0 has arrived
    fixed = {f"{B}[0,0]": 0.03, f"{E}[0,0]": 0.03, f"{R}[0,0]": -0.03, f"{R}[0,1]": -0.03}
    operating = {"operating_cash[0,2]": 1.0, "margin[home,0,1]": -1.0} | fixed
    row_is(master, "operating_cash", (0, 2), operating, equal=-5.0 * 0.03, through=("fleet",))


def test_rigs_count_at_the_horizon_by_their_resale_price() -> None:
    """terminal_rigs = share * resale[T] * K[T-1], discounted."""
    problem = tiny(2, cash=0.0)
    problem = mine(problem, resale=[0.2e6, 0.19e6, 0.18e6], owned=np.array([5.0]), supply=every_date(problem))
    problem = replace(problem, terminal=replace(problem.terminal, rigs=0.9))
    worth = 0.9 * 0.18 * 1.08**-2
    terms = {f"{B}[0,0]": -worth, f"{B}[0,1]": -worth, f"{R}[0,0]": worth, f"{R}[0,1]": worth}
    paid = {f"dividends[0,{d}]": -(1.08**-d) for d in range(3)}
    terms |= {"value[0]": 1.0, "cash[0,2]": -(1.08**-2)} | paid
    row_is(MasterProblem(problem), "value", 0, terms, equal=5.0 * worth, through=("fleet",))
