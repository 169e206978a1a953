"""The merit list of one site, scenario and period: who uses power at what value, who supplies it at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np

from models.problem import Array, Problem


@dataclass(frozen=True)
class Use:
    """name 'rig:<r>' | 'ai:<j>' | 'sell:<source>' | 'charge'. value (H,) USD/MWh, all money (coins kept count in full); coins BTC/MWh;
    kept share of coins retained; gross (H,) USD/MWh of revenue; limit (H,): MW per MW of `capacity`, or MW where capacity is None.

    capacity: ('rig', r) or ('service', j) index, None = fixed MW.
    """

    name: str
    capacity: tuple[str, int] | None
    value: Array
    gross: Array
    limit: Array
    coins: float = 0.0


@dataclass(frozen=True)
class Source:
    """name 'grid' | 'block:<b>' | 'own:<g>' | 'diesel' | 'discharge'. cost (H,) USD/MWh; limit (H,) MW, of the grid per MW of
    interconnection less blocks; emissions (H,) t CO2 per MWh."""

    name: str
    is_grid: bool
    cost: Array
    limit: Array
    emissions: Array


@dataclass(frozen=True)
class Merit:
    """Uses and sources of one site, scenario and period over its kept hours.

    constant USD: what does not depend on the split (blocks paid, demand response); penalty service index -> USD per contracted MW
    of shortfall penalty on all demand; demand service index -> (H,) MW at the meter per critical MW.
    """

    uses: tuple[Use, ...]
    sources: tuple[Source, ...]
    constant: float
    constant_revenue: float
    penalty: dict[int, float]
    demand: dict[int, Array]
    block_mw: float


@overload
def coins_per_mwh(problem: Problem, r: int, s: int, t: int) -> float: ...
@overload
def coins_per_mwh(problem: Problem, r: int, s: slice, t: slice) -> Array: ...
def coins_per_mwh(problem: Problem, r: int, s: int | slice, t: int | slice) -> float | Array:
    """BTC mined per MWh by rig r after the pool's fee: density * hashprice / 24 / price * (1 - fee). Of slices, a table."""
    rig, m = problem.rigs[r], problem.market
    return rig.density * m.hashprice[s, t] / 24.0 * (1.0 - rig.pool_fee) / m.btc_price_mean[s, t]


def diesel_allowance(problem: Problem, i: int, y: int) -> float:
    """MWh that site i may burn in tax year y: permit hours at full power, for the months of the year inside the horizon."""
    diesel, clock = problem.sites[i].diesel, problem.clock
    assert diesel is not None
    periods = clock.tax_year == y
    return float(diesel.permit_hours * diesel.mw[periods].max() * clock.months[periods].sum() / 12.0)


def merit(problem: Problem, i: int, s: int, t: int, rigs: tuple[int, ...], services: tuple[int, ...]) -> Merit:
    """The merit list of site i in scenario s and period t; rigs and services: those that may be there (README 5)."""
    site, clock = problem.sites[i], problem.clock
    weight = clock.weight[t]
    ones = np.ones(len(weight))
    grid = site.grid
    price = grid.price.values(clock, s, t) if grid else None
    adder = grid.adder.values(clock, s, t) if grid else 0.0 * ones
    availability = ones if grid is None or grid.availability is None else grid.availability.values(clock, s, t)
    uses: list[Use] = []
    sources: list[Source] = []
    penalty: dict[int, float] = {}
    demand: dict[int, Array] = {}
    running = ones if site.curtail_above is None or price is None else (price <= site.curtail_above[s, t]) * ones
    for r in rigs:
        rig = problem.rigs[r]
        coins = coins_per_mwh(problem, r, s, t)
        gross = coins * problem.market.btc_price_mean[s, t]
        uses.append(
            Use(f"rig:{rig.name}", ("rig", r), (gross - rig.variable_cost) * ones, gross * ones, rig.uptime * running, coins)
        )
    for j in services:
        service = problem.services[j]
        load = service.demand.values(clock, s, t)
        reimbursed = 0.0 * ones
        if isinstance(service.reimbursed, str):
            assert price is not None
            reimbursed = price + adder
        elif service.reimbursed is not None:
            reimbursed = service.reimbursed[s, t] * ones
        rate = service.rate[s, t] if service.kind == "cloud" else 0.0
        value = reimbursed + (rate + service.penalty[s, t] - service.variable_cost) / site.gross_ratio
        uses.append(
            Use(
                f"ai:{service.name}",
                ("service", j),
                value,
                reimbursed + rate / site.gross_ratio,
                (ones if service.waits else load) * site.gross_ratio,
            )
        )
        penalty[j] = float(service.penalty[s, t] * (weight @ load))
        demand[j] = load * site.gross_ratio
    constant = 0.0
    factor = grid.emissions.values(clock, s, t) if grid and grid.emissions else 0.0 * ones
    blocks = sum(float(block.mw[t]) for block in site.blocks)
    if grid is not None and price is not None:
        sources.append(Source("grid", True, price + adder, availability, factor))
    for block in site.blocks:
        mw = block.mw[t] * availability
        sources.append(Source(f"block:{block.name}", False, adder, mw, block.emissions * ones))
        constant -= float(block.price[s, t] * block.mw[t] * clock.hours[t])
        if block.sell_back:
            assert price is not None
            uses.append(Use(f"sell:{block.name}", None, price - block.sell_fee + adder, price - block.sell_fee, mw))
    for own in site.own:
        mw = own.mw[t] * own.availability.values(clock, s, t)
        sources.append(Source(f"own:{own.name}", False, own.cost[s, t] * ones, mw, own.emissions * ones))
        if own.export:
            assert price is not None
            uses.append(Use(f"sell:{own.name}", None, price - own.sell_fee, price - own.sell_fee, mw))
    if site.diesel is not None:
        diesel = site.diesel
        sources.append(Source("diesel", False, diesel.cost[s, t] * ones, diesel.mw[t] * ones, diesel.emissions * ones))
    if site.battery is not None and site.stores:
        # where its size is a decision, rows limit it
        mw = np.inf if site.store is not None else site.battery.standing
        uses.append(Use("charge", None, 0.0 * ones, 0.0 * ones, mw * site.battery.charge / site.battery.discharge * ones))
        sources.append(Source("discharge", False, site.battery.wear * ones, mw * ones, 0.0 * ones))
    response = 0.0
    if grid is not None and grid.demand_response is not None:
        response = float(grid.demand_response[s, t] * problem.years[t])
    return Merit(tuple(uses), tuple(sources), constant + response, response, penalty, demand, blocks)
