"""The hourly split: each row of models/program/extensive_hours.py against the tables of README section 5."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.problem import Block, Diesel, OwnSource, Problem, Rule
from models.program.master_problem import MasterProblem
from tests.shared.rows import close, keys, row_is, solved
from tests.shared.tiny import expansion_of, hourly, path, rig_of, service_of, site_of, tiny

#: hours of the half-year that each of the two kept hours stands for
WEIGHT = (1000.0, 3380.0)
HOURS = sum(WEIGHT)
#: what one MWh of a rig of 60 PH/s per MW mines at 50 USD/PH/day
MINING = 60.0 * 50.0 / 24.0


def two_hours(periods: int = 2, scenarios: int = 1, **terms: Any) -> Problem:
    """Half-years of two kept hours of unequal weight."""
    problem = tiny(periods, months=6, hours=2, scenarios=scenarios, **terms)
    return replace(problem, clock=replace(problem.clock, weight=tuple(np.array(WEIGHT) for _ in range(periods))))


def use(name: str, t: int, h: int, s: int = 0) -> str:
    return f"use[home,{name},{s},{t},{h}]"


def source(name: str, t: int, h: int, s: int = 0) -> str:
    return f"source[home,{name},{s},{t},{h}]"


# --- limits -----------------------------------------------------------------------------------------------------------


def test_capacity_is_a_name_for_what_is_under_contract() -> None:
    """capacity = C[j, i, s, t], one variable per tree node; a decision or a constant needs no row, nor does K[r, i, t]."""
    problem = two_hours(scenarios=2)
    problem = replace(problem, sites=(site_of(problem),))
    tenant = service_of(problem, contracted=np.array([2.0]), contracted_term=2)
    master = MasterProblem(replace(problem, rigs=(rig_of(problem, owned=np.array([5.0])),), services=(tenant,)))
    ai = {"capacity[service,0,0,1,1]": 1.0, "signed_tenant_home[0,0]": -1.0, "signed_tenant_home[1,1]": -1.0}
    row_is(master, "capacity", ("service", 0, 0, 1, 1), ai, equal=2.0)
    shared = {(0, 0): 0, (0, 1): 0, (1, 0): 0, (1, 1): 1}  # both scenarios of date 0 share
    assert keys(master, "capacity") == [("service", 0, 0, s, t) for s, t in ((0, 0), (0, 1), (1, 1))]
    for (s, t), owner in shared.items():
        for h in (0, 1):
            rig = {use("rig:rig", t, h, s): 1.0, f"installed[rig,home,{owner},{t}]": -1.0}
            row_is(master, "use_limit", ("home", "rig:rig", s, t, h), rig, at_most=0.0)
            ai = {use("ai:tenant", t, h, s): 1.0, f"capacity[service,0,0,{owner},{t}]": -1.25}
            row_is(master, "use_limit", ("home", "ai:tenant", s, t, h), ai, at_most=0.0)
    alone = MasterProblem(replace(problem, services=(service_of(problem, window=np.array([True, False, False])),)))
    assert keys(alone, "capacity") == []


def test_use_never_exceeds_its_share_of_capacity() -> None:
    """Rigs: x <= uptime * K; services: x <= demand_h * gross * C."""
    problem = two_hours(scenarios=2)
    problem = replace(problem, sites=(site_of(problem, gross_ratio=1.3),))
    tenant = service_of(problem, demand=hourly(problem, [0.8, 0.6]))
    problem = replace(problem, rigs=(rig_of(problem, uptime=0.95),), services=(tenant,))
    master = MasterProblem(problem)
    installed = {0: {"orders_rig_home[0,0]": 1.0, "retired_rig_home[0,0]": -1.0}}
    installed[1] = installed[0] | {"orders_rig_home[1,1]": 1.0, "retired_rig_home[1,1]": -1.0}
    signed = {0: ("signed_tenant_home[0,0]",), 1: ("signed_tenant_home[0,0]", "signed_tenant_home[1,1]")}
    for t in (0, 1):
        for h, load in ((0, 0.8), (1, 0.6)):
            rig = {use("rig:rig", t, h, 1): 1.0} | {name: -0.95 * c for name, c in installed[t].items()}
            row_is(master, "use_limit", ("home", "rig:rig", 1, t, h), rig, at_most=0.0, through=("fleet",))
            ai = {use("ai:tenant", t, h, 1): 1.0} | {name: -load * 1.3 for name in signed[t]}
            row_is(master, "use_limit", ("home", "ai:tenant", 1, t, h), ai, at_most=0.0, through=("capacity",))


def test_the_limit_of_a_constant_capacity_is_a_bound() -> None:
    problem = two_hours()
    problem = replace(problem, sites=(site_of(problem),))
    running = service_of(problem, demand=hourly(problem, [0.8, 0.6]), contracted=np.array([4.0]), contracted_term=1, limit=4.0)
    master = MasterProblem(replace(problem, services=(replace(running, window=np.zeros(3, dtype=bool)),)))
    assert keys(master, "use_limit") == []
    upper = {key[2:]: var.ub for key, var in master.model.use.items()}
    assert upper == pytest.approx(
        {(0, 0, 0): 0.8 * 1.25 * 4, (0, 0, 1): 0.6 * 1.25 * 4, (0, 1, 0): 0.0, (0, 1, 1): 0.0}, rel=1e-12
    )


def test_grid_power_is_limited_by_the_line_left_beside_the_blocks() -> None:
    """y <= availability_h * (interconnection - sum_b mw_b), with the expansions that are ready in the scenario."""
    problem = two_hours(scenarios=2)
    block = Block("ppa", np.array([30.0, 10.0]), path(30.0, 2, 2))
    site = site_of(problem, blocks=(block,), delay=np.array([0, 1]), expand=expansion_of(problem))
    grid = replace(site.grid, availability=hourly(problem, [0.9, 0.5]))
    master = MasterProblem(replace(problem, sites=(replace(site, grid=grid),)))
    x = "built_home_expand"
    ready = {(0, 0): ("[0,0]",), (0, 1): ("[0,0]", "[0,1]"), (1, 0): (), (1, 1): ("[0,0]",)}
    for (s, t), orders in ready.items():
        for h, share in ((0, 0.9), (1, 0.5)):
            terms = {source("grid", t, h, s): 1.0} | {x + order: -share for order in orders}
            row_is(master, "grid_limit", ("home", s, t, h), terms, at_most=share * (100.0 - block.mw[t]))
            assert master.model.source["home", "block:ppa", s, t, h].ub == pytest.approx(share * block.mw[t], rel=1e-12)


# --- curtailment ------------------------------------------------------------------------------------------------------


def test_no_rig_runs_in_hours_above_the_strike() -> None:
    """uptime * K where the price, before adders, is at most the strike of the period; else 0, whatever the source."""
    problem = tiny(2, hours=3)
    strike = np.array([[50.0, 80.0]])
    site = site_of(problem, price=[20.0, 50.0, 70.0], adder=9.0, curtail_above=strike)
    problem = replace(problem, sites=(site,))
    problem = replace(problem, rigs=(rig_of(problem, uptime=0.9, owned=np.array([3.0]), life=1000),))
    master = MasterProblem(problem)
    for t, hours in ((0, (1, 1, 0)), (1, (1, 1, 1))):
        for h, runs in enumerate(hours):
            terms = {f"use[home,rig:rig,0,{t},{h}]": 1.0, f"installed[rig,home,0,{t}]": -0.9 * runs}
            row_is(master, "use_limit", ("home", "rig:rig", 0, t, h), terms, at_most=0.0)


# --- an hour with everything ------------------------------------------------------------------------------------------


def everything(**terms: Any) -> Problem:
    """A rig, a lease, a cloud service, a block, a sun and a diesel at one site; prices 40 and 90, adders 5 and 6."""
    problem = two_hours(retain=0.25, **terms)
    block = Block("ppa", np.array([30.0, 10.0]), path([31.0, 32.0], 1, 2), sell_back=True, sell_fee=2.0)
    sun = OwnSource("sun", np.array([8.0, 9.0]), hourly(problem, [0.0, 0.7]), path(3.0, 1, 2), export=True, sell_fee=1.5)
    site = site_of(problem, blocks=(block,), own=(sun,), diesel=Diesel("diesel", np.full(2, 12.0), path(250.0, 1, 2)))
    grid = replace(site.grid, price=hourly(problem, [40.0, 90.0]), adder=hourly(problem, [5.0, 6.0]))
    problem = replace(problem, sites=(replace(site, grid=replace(grid, demand_response=path(1.2e6, 1, 2))),))
    lease = service_of(problem, "lease", demand=hourly(problem, [0.8, 0.6]), penalty=path(300.0, 1, 2), variable_cost=4.0)
    cloud = service_of(
        problem,
        "cloud",
        "cloud",
        rate=2000.0,
        demand=hourly(problem, [0.5, 0.9]),
        penalty=path(100.0, 1, 2),
        variable_cost=20.0,
        reimbursed=path(7.0, 1, 2),
        floor=0.9,
    )
    return replace(problem, rigs=(rig_of(problem, pool_fee=0.02, variable_cost=1.0),), services=(lease, cloud))


USES = ("rig:rig", "ai:lease", "ai:cloud", "sell:ppa", "sell:sun")
SOURCES = ("grid", "block:ppa", "own:sun", "diesel")


def test_uses_equal_sources_in_every_hour() -> None:
    master = MasterProblem(everything())
    assert len(keys(master, "power_balance")) == 4
    for t in (0, 1):
        for h in (0, 1):
            terms = {use(name, t, h): 1.0 for name in USES} | {source(name, t, h): -1.0 for name in SOURCES}
            row_is(master, "power_balance", ("home", 0, t, h), terms, equal=0.0)


def test_cash_margin_of_every_use_and_source() -> None:
    """The value and cost tables, kept coins out, penalties on all demand, blocks paid whether used or not, demand response."""
    problem = everything()
    master = MasterProblem(problem)
    grid, adder = (40.0, 90.0), (5.0, 6.0)
    mined = MINING * 0.98
    for t in (0, 1):
        terms = {f"margin[home,0,{t}]": 1.0}
        for h, w in enumerate(WEIGHT):
            value = {
                "rig:rig": mined - 1.0 - 0.25 * mined,
                "ai:lease": grid[h] + adder[h] + (300.0 - 4.0) / 1.25,
                "ai:cloud": 7.0 + (2000.0 + 100.0 - 20.0) / 1.25,
                "sell:ppa": grid[h] - 2.0 + adder[h],
                "sell:sun": grid[h] - 1.5,
            }
            cost = {"grid": grid[h] + adder[h], "block:ppa": adder[h], "own:sun": 3.0, "diesel": 250.0}
            terms |= {use(name, t, h): -w * v / 1e6 for name, v in value.items()}
            terms |= {source(name, t, h): w * c / 1e6 for name, c in cost.items()}
        lease = 300.0 * (WEIGHT[0] * 0.8 + WEIGHT[1] * 0.6) / 1e6
        cloud = 100.0 * (WEIGHT[0] * 0.5 + WEIGHT[1] * 0.9) / 1e6
        for d in range(t + 1):
            terms |= {f"signed_lease_home[0,{d}]": lease, f"signed_cloud_home[0,{d}]": cloud}
        fixed = (-(31.0, 32.0)[t] * (30.0, 10.0)[t] * HOURS + 1.2e6 / 2) / 1e6
        row_is(master, "margin", ("home", 0, t), terms, equal=fixed, through=("capacity",))


def test_coins_kept_are_a_share_of_what_is_mined() -> None:
    """kept = retain * sum_h w_h * density * hashprice / 24 * (1 - pool_fee) / btc_price_mean * x_h          [BTC]."""
    master = MasterProblem(everything(btc_price_mean=80_000.0))
    for t in (0, 1):
        terms = {use("rig:rig", t, h): -0.25 * w * MINING * 0.98 / 80_000.0 for h, w in enumerate(WEIGHT)}
        row_is(master, "kept", ("home", 0, t), {f"kept[home,0,{t}]": 1.0} | terms, equal=0.0)
        coins = {f"coins[0,{t + 1}]": 1.0, f"coins[0,{t}]": -1.0, f"kept[home,0,{t}]": -1.0, f"sold[0,{t + 1}]": 1.0}
        row_is(master, "coins", (0, t + 1), coins, equal=0.0)


def test_floor_on_the_served_share_of_demand() -> None:
    """sum_h w_h x_h >= floor * sum_h w_h demand_h * gross * C          (divided by the hours of the period)."""
    master = MasterProblem(everything())
    assert keys(master, "service_floor") == [("home", "cloud", 0, 0), ("home", "cloud", 0, 1)]  # the lease has no floor
    share = 0.9 * (WEIGHT[0] * 0.5 + WEIGHT[1] * 0.9) * 1.25 / HOURS
    for t in (0, 1):
        terms = {use("ai:cloud", t, h): w / HOURS for h, w in enumerate(WEIGHT)}
        terms |= {f"signed_cloud_home[0,{d}]": -share for d in range(t + 1)}
        row_is(master, "service_floor", ("home", "cloud", 0, t), terms, at_least=0.0, through=("capacity",))


def test_revenue_is_gross_of_costs_and_penalties() -> None:
    """Rents, cloud rate on energy served, reimbursements, all coins mined, sales at (p - sell_fee), demand response."""
    problem = everything()
    ones = np.ones((1, 3))
    rule = Rule("floor", "", {("revenue", None): ones}, ">=", 0.0 * ones, np.array([[False, True, False]]))
    master = MasterProblem(replace(problem, rules=(rule,)))
    grid, adder = (40.0, 90.0), (5.0, 6.0)
    terms = {"signed_lease_home[0,0]": 1.5e6 / 2}
    for h, w in enumerate(WEIGHT):
        gross = {
            "rig:rig": MINING * 0.98,
            "ai:lease": grid[h] + adder[h],
            "ai:cloud": 7.0 + 2000.0 / 1.25,
            "sell:ppa": grid[h] - 2.0,
            "sell:sun": grid[h] - 1.5,
        }
        terms |= {use(name, 0, h): w * v for name, v in gross.items()}
    scale = max(terms.values())
    row_is(master, "rule", ("floor", 0, 1), {name: v / scale for name, v in terms.items()}, at_least=-1.2e6 / 2 / scale)


# --- diesel -----------------------------------------------------------------------------------------------------------


def test_diesel_permit_of_each_calendar_year() -> None:
    """sum of w_h y_h over a calendar year <= permit_hours * max mw of that year * (its months in the horizon) / 12; in GWh."""
    problem = two_hours(3, scenarios=2, start_month=2026 * 12 + 6)  # July 2026: one half-year of 2026, two of 2027
    diesel = Diesel("diesel", np.array([12.0, 10.0, 16.0]), path(250.0, 2, 3), permit_hours=200.0)
    master = MasterProblem(replace(problem, sites=(site_of(problem, diesel=diesel),)))
    for s in (0, 1):
        first = {source("diesel", 0, h, s): w / 1000.0 for h, w in enumerate(WEIGHT)}
        row_is(master, "diesel_permit", ("home", s, 0), first, at_most=200.0 * 12.0 * 0.5 / 1000.0)
        second = {source("diesel", t, h, s): w / 1000.0 for t in (1, 2) for h, w in enumerate(WEIGHT)}
        row_is(master, "diesel_permit", ("home", s, 1), second, at_most=200.0 * 16.0 / 1000.0)


def test_no_permit_row_without_a_limit() -> None:
    assert keys(MasterProblem(everything()), "diesel_permit") == []


def test_diesel_permit_binds() -> None:
    """Blackout for 1000 hours of each half-year, a lease losing 400 USD per MWh: 10 MW of diesel run their 100 hours at most."""
    problem = two_hours(2)
    diesel = Diesel("diesel", np.full(2, 10.0), path(250.0, 1, 2), permit_hours=100.0)
    site = site_of(problem, ai_mw=40.0, gross_ratio=1.0, diesel=diesel)
    site = replace(site, grid=replace(site.grid, availability=hourly(problem, [0.0, 1.0])))
    tenant = service_of(problem, rate=0.0, penalty=path(400.0, 1, 2), reimbursed="grid", contracted=np.array([40.0]))
    tenant = replace(tenant, contracted_term=2, limit=40.0, window=np.zeros(3, dtype=bool))
    solution = solved(replace(problem, sites=(site,), services=(tenant,)))
    # served blackout hours earn the penalty back and the reimbursement of 40, cost 250; the permit is for the year: used at once
    saved = 10.0 * 100.0 * (400.0 + 40.0 - 250.0)
    shortfall = 40.0 * 1000.0 * 400.0
    # cash earns nothing: what both half-years cost is kept from date 0, less what the diesel saves
    assert solution.books.power["home", "diesel"].sum() == pytest.approx(1000.0, rel=1e-9)
    assert close(solution.objective, 1e9 - 2.0 * shortfall + saved)


# --- what binds -------------------------------------------------------------------------------------------------------


def test_the_hour_is_split_by_merit() -> None:
    """60 MW of rigs at 124 USD/MWh, prices 40 and 150: they run in the cheap hour only; a kept hour stands for its weight."""
    problem = two_hours(1)
    site = site_of(problem)
    site = replace(site, grid=replace(site.grid, price=hourly(problem, [40.0, 150.0])))
    rig = rig_of(problem, owned=np.array([60.0]), limit=0.0, resale=0.0, variable_cost=1.0, uptime=0.9)
    solution = solved(replace(problem, sites=(site,), rigs=(rig,)))
    assert close(solution.objective, 1e9 + 0.9 * 60.0 * WEIGHT[0] * (MINING - 1.0 - 40.0) * 1.08**-0.5)


def test_service_floor_binds() -> None:
    """A cloud tenant who pays less than power costs is served to the floor, in the hours of the cheapest power first."""
    problem = two_hours(1)
    site = site_of(problem, gross_ratio=1.0)
    site = replace(site, grid=replace(site.grid, price=hourly(problem, [40.0, 80.0])))
    tenant = service_of(
        problem, "cloud", "cloud", rate=30.0, reimbursed=None, floor=0.6, contracted=np.array([10.0]), contracted_term=1
    )
    tenant = replace(tenant, limit=10.0, window=np.zeros(2, dtype=bool))
    solution = solved(replace(problem, sites=(site,), services=(tenant,)))
    needed = 0.6 * HOURS * 10.0
    cheap = WEIGHT[0] * 10.0
    loss = cheap * 10.0 + (needed - cheap) * 50.0
    assert close(solution.objective, 1e9 - loss)  # paid at date 1 out of cash that is kept for it
    assert solution.books.power["home", "ai:cloud"].sum() == pytest.approx(needed, rel=1e-9)


def test_a_block_is_paid_whether_used_or_sold_back() -> None:
    """50 MW at 45 USD/MWh, sold back at p - 2 when p > 2: the optimum is the sale less the price, hour by hour.

    Half a year at 8 % simple is a little more than the discount: all cash is held to the end.
    """
    problem = two_hours(1, cash_yield=0.08)
    for sell_back in (True, False):
        block = Block("ppa", np.array([50.0]), path(45.0, 1, 1), sell_back=sell_back, sell_fee=2.0)
        site = site_of(problem, blocks=(block,))
        site = replace(site, grid=replace(site.grid, price=hourly(problem, [120.0, 1.0]), adder=hourly(problem, 3.0)))
        solution = solved(replace(problem, sites=(site,)))
        sold = 50.0 * WEIGHT[0] * (120.0 - 2.0) if sell_back else 0.0
        settled = sold - 50.0 * 45.0 * HOURS
        assert close(solution.objective, 1e9 * 1.04 * 1.08**-0.5 + settled * 1.08**-0.5)
