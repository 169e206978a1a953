"""The network problem as a stochastic PyPSA network: buses, generators that supply and generators that consume, scenarios, CVaR."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

import numpy as np

from models.problem import Problem
from tests.benchmarks.in_linopy import HIGHS, told

#: USD per unit of PyPSA's objective; keeps the hours' coefficients well above the solver's absolute tolerance
UNIT = 1e3


def solve_with_pypsa(problem: Problem, algorithm: str) -> dict[str, Any]:
    """Build, solve and tell: outcome, objective (USD), seconds in HiGHS, iterations, stages. algorithm: 'simplex' | 'ipm' | 'ipx'."""
    logging.getLogger("pypsa").setLevel(logging.ERROR)
    logging.getLogger("linopy").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other packages, about their own futures
        start = time.perf_counter()
        network, constant = pypsa_network(problem)
        stated = time.perf_counter()
        model = network.optimize.create_model(include_objective_constant=False)
        halls(network, problem)
        built = time.perf_counter()
        status, condition = network.optimize.solve_model(**HIGHS, progress=False, solver=algorithm)
        solved = time.perf_counter()
    return {
        **told(model, status, condition, lambda value: constant - value * UNIT),
        "stages": {"network": stated - start, "build": built - stated, "solve": solved - built},
    }


def pypsa_network(problem: Problem) -> tuple[Any, float]:
    """(network, USD to add to minus its objective): what the problem says, in PyPSA's words.

    A site is a bus. Grid is a generator with the hour's price as marginal cost, extendable where interconnection is. A rig or an AI
    service is an extendable generator of sign -1 that is paid for what it takes. Snapshots weigh what the discount factor at the end
    of their month says; capacities are common to all scenarios. Refuses a problem that has more than that.
    """
    import pandas as pd
    import pypsa

    p, clock = problem, problem.clock
    check(p)
    periods = np.repeat(np.arange(clock.periods), [len(i) for i in clock.hour_index])
    weight = np.concatenate(clock.weight)
    names = p.scenarios.names
    n = pypsa.Network()
    n.set_snapshots(pd.RangeIndex(len(periods), name="snapshot"))
    n.snapshot_weightings["objective"] = weight * p.discount[periods + 1]
    constant = 0.0
    costs: dict[tuple[str, str], Any] = {}

    def costing(name: str, values: Any) -> None:
        """USD/MWh of a generator in every scenario and hour: (S, hours)."""
        costs.update({(scenario, name): row / UNIT for scenario, row in zip(names, values, strict=True)})

    def hours(of: Any) -> Any:
        """(S, hours) of an hourly quantity."""
        return np.array([np.concatenate([of.values(clock, s, t) for t in range(clock.periods)]) for s in range(len(names))])

    for place in p.sites:
        n.add("Bus", place.name)
        grid, room = f"grid {place.name}", place.expand
        capital = float(room.cost[0, 0]) if room else 0.0
        most = place.interconnection_mw + (room.limit if room else 0.0)
        # PyPSA charges for all of a generator's megawatts: what stands already is given back
        constant += capital * place.interconnection_mw
        n.add(
            "Generator",
            grid,
            bus=place.name,
            p_nom=place.interconnection_mw,
            p_nom_extendable=room is not None,
            p_nom_min=place.interconnection_mw,
            p_nom_max=most,
            capital_cost=capital / UNIT,
        )
        costing(grid, hours(place.grid.price) + hours(place.grid.adder))
        for rig in p.rigs:
            name = f"{rig.name} {place.name}"
            n.add(
                "Generator",
                name,
                bus=place.name,
                sign=-1.0,
                p_nom_extendable=True,
                p_max_pu=rig.uptime,
                capital_cost=float(rig.price[0, 0]) / UNIT,
            )
            earned = rig.density * p.market.hashprice / 24.0 * (1.0 - rig.pool_fee) - rig.variable_cost
            costing(name, -earned[:, periods])
        for service in p.services:
            # by megawatts of computers; each takes `gross_ratio` at the meter, and is paid for one
            name = f"{service.name} {place.name}"
            load = hours(service.demand)
            n.add(
                "Generator",
                name,
                bus=place.name,
                sign=-1.0,
                p_nom_extendable=True,
                p_max_pu=load[0] * place.gross_ratio,
                capital_cost=float(service.equipment[0, 0]) / UNIT,
            )
            costing(name, -((service.rate - service.variable_cost) / place.gross_ratio)[:, periods])
    n.set_scenarios(dict(zip(names, p.scenarios.probability.tolist(), strict=True)))
    n.generators_t.marginal_cost = pd.DataFrame(costs, index=n.snapshots).rename_axis(columns=["scenario", "name"])
    n.set_risk_preference(alpha=1.0 - p.objective.tail, omega=p.objective.weight)
    return n, constant


def halls(network: Any, problem: Problem) -> None:
    """Rigs of a site share its mining hall, AI services its AI hall.

    Rows of our own on the built model, PyPSA's way for what it has no word for: its limits on the capacity of a carrier at a bus
    refuse networks with scenarios (1.4.0).
    """
    model = network.model
    capacity = model["Generator-p_nom"]
    for place in problem.sites:
        for kind, mw, tenants in (("mining", place.mining_mw, problem.rigs), ("ai", place.ai_mw, problem.services)):
            names = [f"{tenant.name} {place.name}" for tenant in tenants]
            if names:
                model.add_constraints(capacity.sel(name=names).sum() <= mw, name=f"{kind} hall {place.name}")


def check(p: Problem) -> None:
    """Raises ValueError where the problem has what the network does not."""
    dates, last = np.arange(p.clock.dates), p.clock.periods
    extra = [
        p.projects,
        p.cash_flows,
        p.debts,
        p.rules,
        p.tax,
        p.opening_ppe,
        p.overhead.any(),
        p.treasury.coins,
        p.treasury.cash,
    ]
    extra += [p.treasury.retain.any(), p.terminal.rigs and any(rig.resale.any() for rig in p.rigs), p.terminal.interconnection]
    for place in p.sites:
        extra += [place.build_mining, place.build_ai, place.convert, place.diesel, place.blocks, place.own, place.delay.any()]
        extra += [place.fixed_cost.any(), place.mining_cost, place.ai_cost, place.grid is None]
        extra += [place.grid is not None and place.grid.availability is not None]
        bought = (place.expand,) if place.expand else ()
        extra += [any(x.lead or x.minimum or (x.window & (dates > 0)).any() or np.ptp(x.cost[:, 0]) for x in bought)]
    for rig in p.rigs:
        extra += [rig.lead, rig.fixed_cost, rig.owned.any(), rig.life < last, not rig.sites.all(), np.ptp(rig.price[:, 0])]
        extra += [np.isfinite(rig.limit) or np.isfinite(rig.supply[0]), (rig.window & (dates > 0)).any(), rig.resale.any()]
    for service in p.services:
        extra += [service.kind != "cloud", service.reimbursed is not None, service.penalty.any(), service.floor, service.lead]
        extra += [
            service.fixed_cost,
            service.contracted.any(),
            service.term < last,
            service.ramp,
            service.escalator,
            service.minimum,
        ]
        extra += [
            np.isfinite(service.limit),
            not service.sites.all(),
            service.equipment is None,
            len(service.demand.profiles) > 1,
        ]
        extra += [np.ptp(service.demand.factor) or np.ptp(service.demand.shift), (service.window & (dates > 0)).any()]
    compound = (1.0 + p.treasury.cash_yield * p.years) * p.discount[1:] / p.discount[:-1]
    if any(extra) or not np.allclose(compound, 1.0, rtol=1e-12):
        raise ValueError("only capacities chosen once, their hours and cash at the discount rate are written as a network")
