"""Pro forma of the hours: what the dispatch used, earned and cost (README 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.decisions import Decisions, SiteDispatch
from models.problem import Array, Problem, Service, Site
from models.proforma.assets import Assets
from models.proforma.calendar import calendar
from models.proforma.checks import Checklist
from models.proforma.coupled import check_battery, check_deferred, check_ramp, sized
from models.proforma.hours import Hours, scenario_of

#: USD lines of a site; the first five are revenue, the others costs (positive as costs)
REVENUES = ("mining_revenue", "ai_cloud", "reimbursements", "power_sales", "demand_response")
COSTS = ("energy_cost", "block_cost", "variable_costs", "shortfall_penalties")


@dataclass
class Power:
    """lines (site, quantity) -> (S, T): MWh by use and source, USD lines, 'cash_margin' USD, 'coins' and 'kept' BTC, 'emissions_t' t."""

    lines: dict[tuple[str, str], Array]
    shape: tuple[int, int]

    def total(self, quantity: str) -> Array:
        """(S, T) sum over sites."""
        return sum((v for (_, q), v in self.lines.items() if q == quantity), np.zeros(self.shape))

    def used(self, site: str | None = None) -> Array:
        """(S, T) MWh at the meter that rigs and AI consumed (sales are no use of energy), at one site or at all."""
        here = {key: v for key, v in self.lines.items() if site in (None, key[0])}
        return sum((v for (_, q), v in here.items() if q.startswith(("rig:", "ai:"))), np.zeros(self.shape))


def has_power(site: Site) -> bool:
    """Whether the site has any source."""
    return site.grid is not None or bool(site.blocks) or bool(site.own) or site.diesel is not None


def keep_power(problem: Problem, decisions: Decisions, assets: Assets, checks: Checklist) -> Power:
    """Walk every site and scenario through the kept hours of all its periods."""
    shape = (problem.scenarios.count, problem.clock.periods)
    hours = Hours(problem.clock)
    power = Power({}, shape)
    for i, site in enumerate(problem.sites):
        names = [*REVENUES, *COSTS, "coins", "kept", "cash_margin", "emissions_t", *uses_of(problem, site), *sources_of(site)]
        lines = {name: np.zeros(shape) for name in names}
        for s in range(shape[0]):
            _walk(problem, decisions, assets, checks, hours, i, s, {name: line[s] for name, line in lines.items()})
        power.lines |= {(site.name, name): values for name, values in lines.items()}
        if site.diesel is not None and np.isfinite(site.diesel.permit_hours):
            _permit(problem, site, lines["diesel"], checks)
    return power


def uses_of(problem: Problem, site: Site) -> list[str]:
    """Names of all uses that a site's hours may have."""
    sells = [f"sell:{b.name}" for b in site.blocks if b.sell_back] + [f"sell:{g.name}" for g in site.own if g.export]
    stored = ["charge"] if site.battery else []
    return [f"rig:{r.name}" for r in problem.rigs] + [f"ai:{j.name}" for j in problem.services] + sells + stored


def sources_of(site: Site) -> list[str]:
    """Names of all sources that a site's hours may have."""
    named = [f"block:{b.name}" for b in site.blocks] + [f"own:{g.name}" for g in site.own]
    local = (["diesel"] if site.diesel else []) + (["discharge"] if site.battery else [])
    return (["grid"] if site.grid else []) + named + local


def _walk(
    problem: Problem,
    decisions: Decisions,
    assets: Assets,
    checks: Checklist,
    hours: Hours,
    i: int,
    s: int,
    lines: dict[str, Array],
) -> None:
    """One site and scenario: energies, money and limits. lines (T,) are filled; T periods, N hours kept in all."""
    site, clock, market = problem.sites[i], problem.clock, problem.market
    weight, nothing = hours.weight, np.zeros(clock.periods)
    split, there = scenario_of(decisions.dispatch, hours, site.name, s)

    def place(*parts: str) -> Callable[[int], tuple[object, ...]]:
        return lambda t: (problem.scenarios.names[s], f"period {t}", site.name, *parts)

    if has_power(site):
        checks.each("dispatch is complete", np.where(there, 0.0, 1.0), 1.0, place())
    _known(problem, site, split, hours, checks, place)

    none = np.zeros(len(weight))
    price, adder, available = none, none, None
    if site.grid is not None:
        price, adder = hours.of(site.grid.price, s), hours.of(site.grid.adder, s)
        if site.grid.availability is not None:
            available = hours.of(site.grid.availability, s)
    delivered = price + adder
    sources, uses = none.copy(), none.copy()

    def flow(name: str, kind: str, mw: Array | None, limit: Array) -> Array:
        """(N,) MW, within 0 and limit, (T,) or by the hour (N,), both the same where a period has one hour; adds up its energy."""
        x = none if mw is None else np.asarray(mw, dtype=float)
        if limit.shape == none.shape:
            above, scale = hours.most(x - limit), hours.most(limit)
        else:
            above, scale = hours.most(x) - limit, limit
        worst = np.maximum(np.maximum(above, -hours.least(x)), 0.0)
        checks.each(f"{kind} within its limit", np.where(hours.count > 0, worst, 0.0), scale, place(name))
        lines[name][:] = hours.energy(x)
        return x

    def use(name: str, limit: Array) -> Array:
        x = flow(name, "use", split.uses.get(name), limit)
        np.add(uses, x, out=uses)
        return x

    def source(name: str, limit: Array) -> Array:
        y = flow(name, "source", split.sources.get(name), limit)
        np.add(sources, y, out=sources)
        return y

    def as_available(mw: Array) -> Array:
        """What an interconnection that is there at times lets through of mw (T,)."""
        return mw if available is None else available * hours.spread(mw)

    mined_usd = nothing.copy()
    stopped = None
    if site.grid is not None and site.curtail_above is not None:
        stopped = price > hours.spread(site.curtail_above[s])
    for rig in problem.rigs:
        able = rig.uptime * assets.fleet[rig.name, site.name][s]
        x = use(f"rig:{rig.name}", able if stopped is None else np.where(stopped, 0.0, hours.spread(able)))
        _ramps(x, rig.ramp_limit, able, hours, place(rig.name), checks)
        energy = lines[f"rig:{rig.name}"]
        mined_usd += rig.density * market.hashprice[s] / 24.0 * (1.0 - rig.pool_fee) * energy
        lines["variable_costs"] += rig.variable_cost * energy
    for service in problem.services:
        megawatts = assets.contracted[service.name, site.name][s]
        demand = hours.of(service.demand, s) * hours.spread(megawatts)
        able = megawatts * site.gross_ratio
        x = use(f"ai:{service.name}", demand * site.gross_ratio if service.deferrable is None else able)
        _ramps(x, service.ramp_limit, able, hours, place(service.name), checks)
        if service.deferrable is not None:
            for t, part in enumerate(hours.parts):
                asked, served = demand[part] * site.gross_ratio, x[part]
                where = place(service.name)(t)
                check_deferred(service.deferrable, asked, served, weight[part], hours.index[part], where, checks)
        _serve(service, site, s, hours, demand, x, delivered, lines, checks, place(service.name))
    for block in site.blocks:
        y = source(f"block:{block.name}", as_available(block.mw))
        lines["block_cost"] += block.price[s] * block.mw * clock.hours
        lines["energy_cost"] += hours.energy(adder * y)
        if block.sell_back:
            x = use(f"sell:{block.name}", as_available(block.mw))
            lines["power_sales"] += hours.energy((price - block.sell_fee) * x)
            lines["energy_cost"] -= hours.energy(adder * x)  # sold power never reaches the load that pays adders
    for own in site.own:
        limit = hours.spread(own.mw) * hours.of(own.availability, s)
        source(f"own:{own.name}", limit)
        lines["energy_cost"] += own.cost[s] * lines[f"own:{own.name}"]
        if own.export:
            x = use(f"sell:{own.name}", limit)
            lines["power_sales"] += hours.energy((price - own.sell_fee) * x)
    if site.grid is not None:
        reserved = sum((block.mw for block in site.blocks), nothing)
        room = assets.interconnection[site.name][s] - reserved
        y = source("grid", as_available(np.maximum(room, 0.0)))
        lines["energy_cost"] += hours.energy(delivered * y)
        if site.grid.demand_response is not None:
            lines["demand_response"][:] = site.grid.demand_response[s] * calendar(clock).years
    if site.diesel is not None:
        source("diesel", site.diesel.mw)
        lines["energy_cost"] += site.diesel.cost[s] * lines["diesel"]
    if site.battery is not None:
        storage = assets.storage[site.name][s]
        taken, given = (
            use("charge", np.array([sized(site.battery, mw).charge for mw in storage])),
            source("discharge", np.array([sized(site.battery, mw).discharge for mw in storage])),
        )
        lines["variable_costs"] += site.battery.wear * lines["discharge"]
        for t, part in enumerate(hours.parts):
            battery = sized(site.battery, float(storage[t]))
            check_battery(battery, taken[part], given[part], weight[part], place()(t), checks)

    lines["emissions_t"][:] = _emissions(site, s, hours, split.sources.get("grid", none), lines)
    checks.each("hourly balance", hours.most(np.abs(uses - sources)), hours.most(np.abs(uses)), place())
    lines["mining_revenue"][:] = mined_usd
    mean = market.btc_price_mean[s]
    coins = np.divide(mined_usd, mean, out=nothing.copy(), where=mined_usd != 0.0)
    lines["coins"][:] = coins
    lines["kept"][:] = problem.treasury.retain * coins
    revenue = sum((lines[name] for name in REVENUES), nothing)
    costs = sum((lines[name] for name in COSTS), nothing)
    lines["cash_margin"][:] = revenue - costs - mean * lines["kept"]


def _ramps(
    mw: Array, share: float, able: Array, hours: Hours, place: Callable[[int], tuple[object, ...]], checks: Checklist
) -> None:
    """No period's use changes faster than it can; mw (N,), able (T,) MW."""
    if share < 1.0:
        for t, part in enumerate(hours.parts):
            check_ramp(mw[part], share, float(able[t]), hours.weight[part], place(t), checks)


def _emissions(site: Site, s: int, hours: Hours, bought: Array, lines: dict[str, Array]) -> Array:
    """(T,) t CO2, from bought (N,) MW of the grid and the energies of the other sources: what power emits where it comes from."""
    total = np.zeros(len(hours.parts))
    if site.grid is not None and site.grid.emissions is not None:
        total += hours.energy(hours.of(site.grid.emissions, s) * bought)
    for block in site.blocks:
        total += block.emissions * lines[f"block:{block.name}"]
    for own in site.own:
        total += own.emissions * lines[f"own:{own.name}"]
    return total + (site.diesel.emissions * lines["diesel"] if site.diesel is not None else 0.0)


def _serve(
    service: Service,
    site: Site,
    s: int,
    hours: Hours,
    demand: Array,
    x: Array,
    grid_cost: Array,
    lines: dict[str, Array],
    checks: Checklist,
    place: Callable[[int], tuple[object, ...]],
) -> None:
    """Money of one AI service; demand (N,) critical MW asked for, x (N,) MW at the meter served, grid_cost (N,) USD/MWh with adders."""
    energy = lines[f"ai:{service.name}"]
    critical = energy / site.gross_ratio
    asked = hours.energy(demand)
    if isinstance(service.reimbursed, str):
        lines["reimbursements"] += hours.energy(grid_cost * x)
    elif service.reimbursed is not None:
        lines["reimbursements"] += service.reimbursed[s] * energy
    if service.kind == "cloud":
        lines["ai_cloud"] += service.rate[s] * critical
    lines["variable_costs"] += service.variable_cost * critical
    lines["shortfall_penalties"] += service.penalty[s] * (asked - critical)
    short = np.maximum(service.floor * asked * site.gross_ratio - energy, 0.0)
    checks.each("served floor", short, asked * site.gross_ratio, place)


def _known(
    problem: Problem,
    site: Site,
    split: SiteDispatch,
    hours: Hours,
    checks: Checklist,
    place: Callable[..., Callable[[int], tuple[object, ...]]],
) -> None:
    """Every use and source of the dispatch exists at the site."""
    uses, sources = uses_of(problem, site), sources_of(site)
    stray = {u: x for u, x in split.uses.items() if u not in uses}
    stray |= {g: y for g, y in split.sources.items() if g not in sources}
    for name, mw in stray.items():
        checks.each("dispatch names exist", hours.most(np.abs(mw)), 1.0, place(name))


def _permit(problem: Problem, site: Site, burnt: Array, checks: Checklist) -> None:
    """Diesel MWh of a calendar year <= permit hours at full power, in proportion to the months inside the horizon."""
    assert site.diesel is not None
    clock, months_of = problem.clock, calendar(problem.clock)
    for year in range(months_of.tax_years):
        inside = months_of.tax_year == year
        months = float(clock.months[inside].sum())
        allowed = site.diesel.permit_hours * float(site.diesel.mw[inside].max()) * months / 12.0
        checks.at_most("diesel permit", burnt[:, inside].sum(axis=1), allowed, f"{site.name}, year {year}")
