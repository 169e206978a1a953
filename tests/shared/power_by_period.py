"""The hours of the books period by period, each by itself: a second formulation of `models.proforma.power`, as it stands in README 5."""

from __future__ import annotations

from functools import partial

import numpy as np

from models.decisions import Decisions, SiteDispatch
from models.problem import Array, Problem, Service, Site
from models.proforma.assets import Assets
from models.proforma.checks import Checklist
from models.proforma.coupled import check_battery, check_deferred, check_ramp, sized
from models.proforma.power import COSTS, REVENUES, has_power, sources_of, uses_of


def power_by_period(problem: Problem, decisions: Decisions, assets: Assets, checks: Checklist) -> dict[tuple[str, str], Array]:
    """(site, line) -> (S, T), as `Power.lines`; without what holds over years."""
    shape = (problem.scenarios.count, problem.clock.periods)
    found = {}
    for i, site in enumerate(problem.sites):
        names = [*REVENUES, *COSTS, "coins", "kept", "cash_margin", "emissions_t", *uses_of(problem, site), *sources_of(site)]
        lines = {name: np.zeros(shape) for name in names}
        for s in range(shape[0]):
            for t in range(shape[1]):
                _walk(problem, decisions, assets, checks, i, s, t, lines)
        found |= {(site.name, name): values for name, values in lines.items()}
    return found


def _walk(
    problem: Problem,
    decisions: Decisions,
    assets: Assets,
    checks: Checklist,
    i: int,
    s: int,
    t: int,
    lines: dict[str, Array],
) -> None:
    """One site, scenario and period: energies, money and limits."""
    site, clock, market = problem.sites[i], problem.clock, problem.market
    place = (problem.scenarios.names[s], f"period {t}", site.name)
    weight = clock.weight[t]
    none = np.zeros(len(weight))
    split = decisions.dispatch.get((site.name, s, t))
    if has_power(site):
        checks.note("dispatch is complete", 0.0 if split is not None else 1.0, 1.0, place)
    if split is None:
        split = SiteDispatch({}, {})
    _known(problem, site, split, checks, place)

    price, adder, available = none, none, np.ones(len(weight))
    if site.grid is not None:
        price, adder = site.grid.price.values(clock, s, t), site.grid.adder.values(clock, s, t)
        if site.grid.availability is not None:
            available = site.grid.availability.values(clock, s, t)
    sources, uses = none.copy(), none.copy()

    def flow(kind: str, split_of: dict[str, Array], total: Array, name: str, limit: Array | float) -> Array:
        x = np.asarray(split_of.get(name, none), dtype=float)
        _within(checks, f"{kind} within its limit", x, limit, (*place, name))
        lines[name][s, t] = weight @ x
        total[:] += x
        return x

    use = partial(flow, "use", split.uses, uses)
    source = partial(flow, "source", split.sources, sources)

    mined_usd = 0.0
    stopped = np.zeros(len(weight), dtype=bool)
    if site.grid is not None and site.curtail_above is not None:
        stopped = price > site.curtail_above[s, t]
    for rig in problem.rigs:
        able = rig.uptime * float(assets.fleet[rig.name, site.name][s, t])
        x = use(f"rig:{rig.name}", np.where(stopped, 0.0, able) if stopped.any() else able)
        check_ramp(x, rig.ramp_limit, able, weight, (*place, rig.name), checks)
        energy = lines[f"rig:{rig.name}"][s, t]
        mined_usd += rig.density * market.hashprice[s, t] / 24.0 * (1.0 - rig.pool_fee) * energy
        lines["variable_costs"][s, t] += rig.variable_cost * energy
    for service in problem.services:
        megawatts = float(assets.contracted[service.name, site.name][s, t])
        demand = service.demand.values(clock, s, t) * megawatts
        able = megawatts * site.gross_ratio
        x = use(f"ai:{service.name}", demand * site.gross_ratio if service.deferrable is None else able)
        check_ramp(x, service.ramp_limit, able, weight, (*place, service.name), checks)
        if service.deferrable is not None:
            terms, hours = service.deferrable, clock.hour_index[t]
            check_deferred(terms, demand * site.gross_ratio, x, weight, hours, (*place, service.name), checks)
        _serve(service, site, s, t, weight, demand, x, price + adder, lines, checks, place)
    for block in site.blocks:
        standing = float(block.mw[t])
        y = source(f"block:{block.name}", available * standing)
        lines["block_cost"][s, t] += block.price[s, t] * standing * clock.hours[t]
        lines["energy_cost"][s, t] += weight @ (adder * y)
        if block.sell_back:
            x = use(f"sell:{block.name}", available * standing)
            lines["power_sales"][s, t] += weight @ ((price - block.sell_fee) * x)
            lines["energy_cost"][s, t] -= weight @ (adder * x)  # sold power never reaches the load that pays adders
    for own in site.own:
        limit = own.mw[t] * own.availability.values(clock, s, t)
        y = source(f"own:{own.name}", limit)
        lines["energy_cost"][s, t] += own.cost[s, t] * (weight @ y)
        if own.export:
            x = use(f"sell:{own.name}", limit)
            lines["power_sales"][s, t] += weight @ ((price - own.sell_fee) * x)
    if site.grid is not None:
        reserved = sum(float(block.mw[t]) for block in site.blocks)
        room = assets.interconnection[site.name][s, t] - reserved
        y = source("grid", available * max(room, 0.0))
        lines["energy_cost"][s, t] += weight @ ((price + adder) * y)
        if site.grid.demand_response is not None:
            lines["demand_response"][s, t] = site.grid.demand_response[s, t] * problem.years[t]
    if site.diesel is not None:
        y = source("diesel", site.diesel.mw[t])
        lines["energy_cost"][s, t] += site.diesel.cost[s, t] * (weight @ y)
    if site.battery is not None:
        battery = sized(site.battery, float(assets.storage[site.name][s, t]))
        taken, given = use("charge", battery.charge), source("discharge", battery.discharge)
        lines["variable_costs"][s, t] += battery.wear * (weight @ given)
        check_battery(battery, taken, given, weight, place, checks)

    lines["emissions_t"][s, t] = _emissions(problem, site, s, t, np.asarray(split.sources.get("grid", none), dtype=float), lines)
    gap = np.abs(uses - sources)
    checks.note("hourly balance", np.max(gap, initial=0.0), np.max(np.abs(uses), initial=0.0), place)
    lines["mining_revenue"][s, t] = mined_usd
    mean = market.btc_price_mean[s, t]
    coins = mined_usd / mean if mined_usd != 0.0 else 0.0
    lines["coins"][s, t] = coins
    lines["kept"][s, t] = problem.treasury.retain[t] * coins
    revenue = sum(lines[name][s, t] for name in REVENUES)
    costs = sum(lines[name][s, t] for name in COSTS)
    lines["cash_margin"][s, t] = revenue - costs - mean * lines["kept"][s, t]


def _emissions(problem: Problem, site: Site, s: int, t: int, bought: Array, lines: dict[str, Array]) -> float:
    """t CO2, from bought (H,) MW of the grid and the energies of the other sources: what power emits where it comes from."""
    total = 0.0
    if site.grid is not None and site.grid.emissions is not None:
        total += float(problem.clock.weight[t] @ (site.grid.emissions.values(problem.clock, s, t) * bought))
    total += sum(block.emissions * float(lines[f"block:{block.name}"][s, t]) for block in site.blocks)
    total += sum(own.emissions * float(lines[f"own:{own.name}"][s, t]) for own in site.own)
    return total + (site.diesel.emissions * float(lines["diesel"][s, t]) if site.diesel is not None else 0.0)


def _serve(
    service: Service,
    site: Site,
    s: int,
    t: int,
    weight: Array,
    demand: Array,
    x: Array,
    grid_cost: Array,
    lines: dict[str, Array],
    checks: Checklist,
    place: tuple[object, ...],
) -> None:
    """Money of one AI service; demand (H,) critical MW asked for, x (H,) MW at the meter served."""
    energy = float(weight @ x)
    critical = energy / site.gross_ratio
    asked = float(weight @ demand)
    if isinstance(service.reimbursed, str):
        lines["reimbursements"][s, t] += weight @ (grid_cost * x)
    elif service.reimbursed is not None:
        lines["reimbursements"][s, t] += service.reimbursed[s, t] * energy
    if service.kind == "cloud":
        lines["ai_cloud"][s, t] += service.rate[s, t] * critical
    lines["variable_costs"][s, t] += service.variable_cost * critical
    lines["shortfall_penalties"][s, t] += service.penalty[s, t] * (asked - critical)
    short = max(0.0, service.floor * asked * site.gross_ratio - energy)
    checks.note("served floor", short, asked * site.gross_ratio, (*place, service.name))


def _within(checks: Checklist, name: str, mw: Array, limit: Array | float, place: tuple[object, ...]) -> None:
    """0 <= mw <= limit in every kept hour."""
    if len(mw) == 0:
        return
    # the methods of arrays, as this runs for every use and source of every period and scenario
    worst = max(float((mw - limit).max()), -float(mw.min()), 0.0)
    checks.note(name, worst, float(limit.max()) if isinstance(limit, np.ndarray) else limit, place)


def _known(problem: Problem, site: Site, split: SiteDispatch, checks: Checklist, place: tuple[object, ...]) -> None:
    """Every use and source of the dispatch exists at the site."""
    stray = {u: x for u, x in split.uses.items() if u not in uses_of(problem, site)}
    stray |= {g: y for g, y in split.sources.items() if g not in sources_of(site)}
    for name, mw in stray.items():
        checks.note("dispatch names exist", float(np.max(np.abs(mw), initial=0.0)), 1.0, (*place, name))
