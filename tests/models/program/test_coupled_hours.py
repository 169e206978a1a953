"""Rows of coupled hours: each row of models/hours/coupled.py against README section 15, in both statements of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pyomo.repn import generate_standard_repn

from models.hours.coupled import coupling_of, due, state_block, waiting_of
from models.problem import Battery, Deferrable, Problem, Service
from models.program.master_problem import MasterProblem
from tests.shared.rows import keys, label, row_is
from tests.shared.tiny import expansion_of, hourly, hours_of, rig_of, service_of, site_of, tiny

BATTERY = Battery(5.0, 4.0, 10.0, 0.9, 0.8, 3.0, 0.25)


def three_hours(periods: int = 2, **terms: Any) -> Problem:
    return hours_of(tiny(periods, months=1, hours=3, **terms), 3)


def use(name: str, t: int, h: int, s: int = 0) -> str:
    return f"use[home,{name},{s},{t},{h}]"


def source(name: str, t: int, h: int, s: int = 0) -> str:
    return f"source[home,{name},{s},{t},{h}]"


# --- battery ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("battery", [BATTERY, replace(BATTERY, level=0.0, self_discharge=0.1)])
def test_what_is_stored_rolls_around_the_period(battery: Battery) -> None:
    """e[h] = (1 - loss) e[h-1] + 0.9 c[h] - d[h] / 0.8; before the first hour comes the last, whose level is given."""
    problem = three_hours(scenarios=2)
    master = MasterProblem(replace(problem, sites=(site_of(problem, battery=battery),)))
    assert len(keys(master, "battery_level")) == len(keys(master, "battery_power")) == 2 * 2 * 3
    for s in (0, 1):
        for t in (0, 1):
            for h in (0, 1, 2):
                before, here = f"level[home,{s},{t},{(h - 1) % 3}]", f"level[home,{s},{t},{h}]"
                terms = {here: 1.0, before: -(1.0 - battery.self_discharge)}
                terms |= {use("charge", t, h, s): -0.9, source("discharge", t, h, s): 1.25}
                row_is(master, "battery_level", ("home", s, t, h), terms, equal=0.0)
                spent = {use("charge", t, h, s): 0.8, source("discharge", t, h, s): 1.0}
                row_is(master, "battery_power", ("home", s, t, h), spent, at_most=4.0)
            row_is(master, "battery_end", ("home", s, t), {f"level[home,{s},{t},2]": 1.0}, equal=battery.level * 10.0)
    assert keys(master, "battery_energy") == []  # a size that is known is a bound
    assert {(var.lb, var.ub) for var in master.model.level.values()} == {(0.0, 10.0)}
    assert {var.ub for key, var in master.model.use.items() if key[1] == "charge"} == {5.0}
    assert {var.ub for key, var in master.model.source.items() if key[1] == "discharge"} == {4.0}


def test_a_battery_that_is_built_grows_in_proportion() -> None:
    """B = 3 MW now and what was ordered a period and the site's delay before: 2.5 MWh and 1.25 MW of charging to each MW."""
    problem = three_hours(2, scenarios=2)
    late = np.array([0, 1])
    site = site_of(problem, battery=replace(BATTERY, now=3.0), store=expansion_of(problem, lead=0), delay=late)
    master = MasterProblem(replace(problem, sites=(site,)))
    x = "built_home_store[0,{}]".format
    for s, t, orders in ((0, 0, (x(0),)), (0, 1, (x(0), "built_home_store[0,1]")), (1, 0, ()), (1, 1, (x(0),))):
        for h in (0, 1, 2):
            level = f"level[home,{s},{t},{h}]"
            spent = {use("charge", t, h, s): 0.8, source("discharge", t, h, s): 1.0} | {order: -1.0 for order in orders}
            row_is(master, "battery_power", ("home", s, t, h), spent, at_most=3.0)
            if orders:
                held = {level: 1.0} | {order: -2.5 for order in orders}
                row_is(master, "battery_energy", ("home", s, t, h), held, at_most=7.5)
        end = {f"level[home,{s},{t},2]": 1.0} | {order: -2.5 * 0.25 for order in orders}
        row_is(master, "battery_end", ("home", s, t), end, equal=7.5 * 0.25)
    assert all(var.ub is None for key, var in master.model.use.items() if key[1] == "charge")


def test_charging_and_giving_take_part_in_balance_and_margin() -> None:
    problem = three_hours(1)
    site = site_of(problem, battery=BATTERY)
    master = MasterProblem(
        replace(problem, sites=(replace(site, grid=replace(site.grid, price=hourly(problem, [40.0, 90.0, 10.0]))),))
    )
    margin = {"margin[home,0,0]": 1.0}
    for h, price in enumerate((40.0, 90.0, 10.0)):
        terms = {use("charge", 0, h): 1.0, source("grid", 0, h): -1.0, source("discharge", 0, h): -1.0}
        row_is(master, "power_balance", ("home", 0, 0, h), terms, equal=0.0)
        margin |= {source("grid", 0, h): price / 1e6, source("discharge", 0, h): 3.0 / 1e6}
    row_is(master, "margin", ("home", 0, 0), margin, equal=0.0)


# --- demand that waits ------------------------------------------------------------------------------------------------


def tenant(problem: Problem, **terms: Any) -> Service:
    return service_of(
        problem, "jobs", "cloud", demand=hourly(problem, [0.8, 0.6, 0.2]), deferrable=Deferrable(0.5, 1), reimbursed=None, **terms
    )


def test_demand_that_waits() -> None:
    """x[h] + b[h] - b[h-1] <= demand C, b[h] - b[h-1] <= half of it, b[h] <= what may still wait; power up to gross * C."""
    problem = three_hours(scenarios=2)
    problem = replace(problem, sites=(site_of(problem, gross_ratio=1.3),))
    master = MasterProblem(replace(problem, services=(tenant(problem),)))
    signed = {0: ("signed_jobs_home[0,0]",), 1: ("signed_jobs_home[0,0]", "signed_jobs_home[1,1]")}
    demand = (0.8 * 1.3, 0.6 * 1.3, 0.2 * 1.3)
    room = (0.4 * 1.3, 0.3 * 1.3, 0.0)  # one hour later, and never beyond the period
    for t in (0, 1):
        for h in (0, 1, 2):
            x, key = use("ai:jobs", t, h, 1), ("home", "jobs", 1, t, h)
            waits = {f"waiting[home,jobs,1,{t},{h}]": 1.0}
            change = waits | ({f"waiting[home,jobs,1,{t},{h - 1}]": -1.0} if h else {})

            def limit(mw: float, t: int = t) -> dict[str, float]:
                return {name: -mw for name in signed[t]}

            row_is(master, "service_queue", key, {x: 1.0} | change | limit(demand[h]), at_most=0.0, through=("capacity",))
            row_is(master, "service_deferred", key, change | limit(demand[h] / 2), at_most=0.0, through=("capacity",))
            row_is(master, "service_deadline", key, waits | limit(room[h]), at_most=0.0, through=("capacity",))
            row_is(master, "use_limit", ("home", "ai:jobs", 1, t, h), {x: 1.0} | limit(1.3), at_most=0.0, through=("capacity",))


def test_what_is_under_contract_already_stands_on_the_right() -> None:
    problem = three_hours(1)
    problem = replace(problem, sites=(site_of(problem, gross_ratio=1.0),))
    running = tenant(problem, contracted=np.array([4.0]), contracted_term=1, limit=4.0, window=np.zeros(2, dtype=bool))
    master = MasterProblem(replace(problem, services=(running,)))
    b = "waiting[home,jobs,0,0,{}]".format
    row_is(master, "service_queue", ("home", "jobs", 0, 0, 1), {use("ai:jobs", 0, 1): 1.0, b(1): 1.0, b(0): -1.0}, at_most=2.4)
    row_is(master, "service_deferred", ("home", "jobs", 0, 0, 1), {b(1): 1.0, b(0): -1.0}, at_most=1.2)
    row_is(master, "service_deadline", ("home", "jobs", 0, 0, 0), {b(0): 1.0}, at_most=1.6)


def test_jobs_are_due_at_their_deadline_or_at_the_end_of_their_day() -> None:
    evening = np.arange(20, 30)  # 20:00 to 05:00: four hours of a day, six of the next
    assert due(evening, None).tolist() == [3, 3, 3, 3, 9, 9, 9, 9, 9, 9]
    assert due(evening, 4).tolist() == [4, 5, 6, 7, 8, 9, 9, 9, 9, 9]
    assert due(np.array([8782, 8783, 0, 1]), None).tolist() == [1, 1, 3, 3]  # New Year's Eve
    assert due(np.array([1414, 1415, 1440, 1441]), None).tolist() == [1, 1, 3, 3]  # a common year: 1 March follows


@pytest.mark.parametrize("deadline", [None, 1, 2, 5, 100])
def test_room_is_what_arrived_and_is_not_due(deadline: int | None) -> None:
    rng = np.random.default_rng(3)
    problem = hours_of(tiny(1, months=1), 40, first=17)
    problem = replace(problem, sites=(site_of(problem, gross_ratio=1.2),))
    load = rng.uniform(0.0, 1.0, 57)
    service = service_of(problem, demand=hourly(problem, load), deferrable=Deferrable(0.3, deadline))
    found = waiting_of(replace(problem, services=(service,)), 0, 0, 0, 0)
    assert found.demand == pytest.approx(1.2 * load[17:], rel=1e-12)
    assert found.arrivals == pytest.approx(0.36 * load[17:], rel=1e-12)
    last = [min(k + deadline, 39) if deadline is not None else min((k + 17) // 24 * 24 + 23 - 17, 39) for k in range(40)]
    room = [sum(found.arrivals[k] for k in range(h + 1) if last[k] > h) for h in range(40)]
    assert found.room == pytest.approx(room, rel=1e-12, abs=1e-12)


# --- ramps ------------------------------------------------------------------------------------------------------------


def test_use_changes_by_a_share_of_what_can_run() -> None:
    """|x[h] - x[h-1]| <= 0.1 * uptime * K for rigs, 0.2 * gross * C for services; the first hour of a period is free."""
    problem = three_hours(scenarios=2)
    problem = replace(problem, sites=(site_of(problem, gross_ratio=1.3),))
    rig = rig_of(problem, uptime=0.95, ramp_limit=0.1)
    service = service_of(problem, demand=hourly(problem, [0.8, 0.6, 0.2]), ramp_limit=0.2)
    master = MasterProblem(replace(problem, rigs=(rig,), services=(service,)))
    every = [("home", name, s, t, h) for name in ("rig:rig", "ai:tenant") for s in (0, 1) for t in (0, 1) for h in (1, 2)]
    assert sorted(keys(master, "ramp_up")) == sorted(keys(master, "ramp_down")) == sorted(every)
    for h in (1, 2):
        for name, mw, capacity in (
            ("rig:rig", 0.1 * 0.95, "installed[rig,home,0,0]"),
            ("ai:tenant", 0.2 * 1.3, "signed_tenant_home[0,0]"),
        ):
            up = {use(name, 0, h): 1.0, use(name, 0, h - 1): -1.0, capacity: -mw}
            down = {use(name, 0, h): -1.0, use(name, 0, h - 1): 1.0, capacity: -mw}
            row_is(master, "ramp_up", ("home", name, 0, 0, h), up, at_most=0.0, through=("capacity",))
            row_is(master, "ramp_down", ("home", name, 0, 0, h), down, at_most=0.0, through=("capacity",))


# --- the same as a block ----------------------------------------------------------------------------------------------


def test_the_block_has_the_rows_of_the_plan() -> None:
    """The matrix of a period by itself is that of the plan's rows, without capacities."""
    problem = three_hours(1)
    problem = replace(problem, sites=(site_of(problem, battery=replace(BATTERY, level=0.0, self_discharge=0.1)),))
    rig, service = rig_of(problem, ramp_limit=0.1), replace(tenant(problem), ramp_limit=0.2)
    problem = replace(problem, rigs=(rig,), services=(service,))
    coupling = coupling_of(problem, 0, (0,), (0,))
    assert coupling is not None
    names = ("rig:rig", "ai:jobs", "charge", "grid", "discharge")
    block = state_block(coupling, names, 2, 3)
    master = MasterProblem(problem)

    def flow(e: int, h: int) -> str:
        return source(names[e], 0, h) if e >= 3 else use(names[e], 0, h)

    renamed = {f"flow[{e},{h}]": flow(e, h) for e in range(5) for h in range(3)}
    renamed |= {f"level[{h}]": f"level[home,0,0,{h}]" for h in range(3)}
    renamed |= {f"waiting[0,{h}]": f"waiting[home,jobs,0,0,{h}]" for h in range(3)}

    def terms(body: Any) -> dict[str, float]:
        repn = generate_standard_repn(body)
        return {renamed.get(label(v), label(v)): c for v, c in zip(repn.linear_vars, repn.linear_coefs, strict=True)}

    def same(one: Any, family: str, key: Any) -> None:
        there = {
            name: c for name, c in terms(master.model.component("row_" + family)[key].body).items() if name not in capacities
        }
        assert terms(one.body) == pytest.approx(there, rel=1e-12)

    capacities = {"installed[rig,home,0,0]", "signed_jobs_home[0,0]", "capacity[service,0,0,0,0]"}
    for h in range(3):
        same(block.balance[h], "power_balance", ("home", 0, 0, h))
        same(block.battery_level[h], "battery_level", ("home", 0, 0, h))
        same(block.battery_power[h], "battery_power", ("home", 0, 0, h))
        same(block.service_queue[0, h], "service_queue", ("home", "jobs", 0, 0, h))
        same(block.service_deferred[0, h], "service_deferred", ("home", "jobs", 0, 0, h))
        for k, name in enumerate(("rig:rig", "ai:jobs")):
            if h:
                same(block.ramp[k, h], "ramp_up", ("home", name, 0, 0, h))


# --- nothing coupled --------------------------------------------------------------------------------------------------


def test_limits_that_cannot_bind_leave_no_row() -> None:
    problem = three_hours(1)
    problem = replace(problem, sites=(site_of(problem, battery=replace(BATTERY, energy=0.0)),))
    services = (tenant(problem), replace(tenant(problem), name="now"))
    services = (
        replace(services[0], deferrable=Deferrable(0.0)),
        replace(services[1], deferrable=Deferrable(0.5, 0), ramp_limit=1),
    )
    problem = replace(problem, rigs=(rig_of(problem, ramp_limit=1.0),), services=services)
    assert coupling_of(problem, 0, (0,), (0, 1)) is None
    master = MasterProblem(problem)
    for family in (
        "battery_level",
        "battery_power",
        "service_queue",
        "service_deferred",
        "service_deadline",
        "ramp_up",
        "ramp_down",
    ):
        assert keys(master, family) == []
    assert "charge" not in {key[1] for key in master.model.use}


def apart(problem: Problem) -> Problem:
    """Every second hour of six."""
    index = tuple(h * 2 for h in problem.clock.hour_index)
    return replace(problem, clock=replace(problem.clock, hour_index=index))


def weighed(problem: Problem) -> Problem:
    return replace(problem, clock=replace(problem.clock, weight=tuple(2.0 * w for w in problem.clock.weight)))


@pytest.mark.parametrize("thin", [apart, weighed])
@pytest.mark.parametrize("what", ["battery", "waiting", "ramp of a rig", "ramp of a service"])
@pytest.mark.parametrize("hours", ["extensive", "benders"])
def test_coupled_hours_must_follow_each_other(thin: Any, what: str, hours: str) -> None:
    problem = three_hours(1)
    problem = replace(problem, sites=(site_of(problem, battery=BATTERY if what == "battery" else None),))
    rig = rig_of(problem, ramp_limit=0.1 if what == "ramp of a rig" else np.inf)
    service = replace(tenant(problem), deferrable=Deferrable(0.5) if what == "waiting" else None)
    service = replace(service, ramp_limit=0.1 if what == "ramp of a service" else np.inf)
    problem = replace(problem, rigs=(rig,), services=(service,))
    MasterProblem(problem, hours)
    with pytest.raises(ValueError, match="do not follow each other"):
        MasterProblem(thin(problem), hours)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"charge_efficiency": 1.1}, "efficiency"),
        ({"discharge_efficiency": 0.0}, "efficiency"),
        ({"level": 1.5}, "shares"),
        ({"self_discharge": 1.0, "level": 0.0}, "shares"),
        ({"self_discharge": 0.1}, "loses charge"),
    ],
)
def test_a_battery_that_cannot_be(terms: dict[str, float], message: str) -> None:
    problem = three_hours(1)
    with pytest.raises(ValueError, match=message):
        MasterProblem(replace(problem, sites=(site_of(problem, battery=replace(BATTERY, **terms)),)))


def test_nothing_to_build_on() -> None:
    problem = three_hours(1)
    for battery in (None, replace(BATTERY, energy=0.0)):
        with pytest.raises(ValueError, match="no size"):
            MasterProblem(replace(problem, sites=(site_of(problem, battery=battery, store=expansion_of(problem)),)))


def test_a_deadline_or_a_ramp_that_cannot_be() -> None:
    problem = three_hours(1)
    problem = replace(problem, sites=(site_of(problem),))
    for service in (
        replace(tenant(problem), deferrable=Deferrable(1.1)),
        replace(tenant(problem), deferrable=Deferrable(0.5, -1)),
        replace(tenant(problem), deferrable=None, ramp_limit=-0.1),
    ):
        with pytest.raises(ValueError, match=r"deferred|below 0"):
            MasterProblem(replace(problem, services=(service,)))
