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
            _Walk(problem, decisions, assets, checks, hours, i, s, {name: line[s] for name, line in lines.items()}).all()
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


class _Walk:
    """One site in one scenario through its N kept hours of T periods; lines (T,) are filled.

    price, adder (N,) USD/MWh of the grid, delivered their sum; available (N,) share of the interconnection that is there, None: all of
    it; uses, sources (N,) MW that have been walked so far.
    """

    def __init__(
        self,
        problem: Problem,
        decisions: Decisions,
        assets: Assets,
        checks: Checklist,
        hours: Hours,
        i: int,
        s: int,
        lines: dict[str, Array],
    ) -> None:
        self.problem, self.assets, self.checks, self.hours = problem, assets, checks, hours
        self.site, self.s, self.lines = problem.sites[i], s, lines
        self.dispatch, there = scenario_of(decisions.dispatch, hours, self.site.name, s)
        self.none, self.nothing = np.zeros(len(hours.weight)), np.zeros(problem.clock.periods)
        if has_power(self.site):
            checks.each("dispatch is complete", np.where(there, 0.0, 1.0), 1.0, self.place())
        _known(problem, self.site, self.dispatch, hours, checks, self.place)
        self.price, self.adder, self.available = self.none, self.none, None
        grid = self.site.grid
        if grid is not None:
            self.price, self.adder = hours.of(grid.price, s), hours.of(grid.adder, s)
            if grid.availability is not None:
                self.available = hours.of(grid.availability, s)
        self.delivered = self.price + self.adder
        self.sources, self.uses = self.none.copy(), self.none.copy()

    def place(self, *parts: str) -> Callable[[int], tuple[object, ...]]:
        """Where period t of the walk is, for a check."""
        return lambda t: (self.problem.scenarios.names[self.s], f"period {t}", self.site.name, *parts)

    def _flow(self, name: str, kind: str, mw: Array | None, limit: Array) -> Array:
        """(N,) MW, within 0 and limit, (T,) or by the hour (N,), both the same where a period has one hour; adds up its energy."""
        hours = self.hours
        x = self.none if mw is None else np.asarray(mw, dtype=float)
        if limit.shape == self.none.shape:
            above, scale = hours.most(x - limit), hours.most(limit)
        else:
            above, scale = hours.most(x) - limit, limit
        worst = np.maximum(np.maximum(above, -hours.least(x)), 0.0)
        self.checks.each(f"{kind} within its limit", np.where(hours.count > 0, worst, 0.0), scale, self.place(name))
        self.lines[name][:] = hours.energy(x)
        return x

    def _use(self, name: str, limit: Array) -> Array:
        x = self._flow(name, "use", self.dispatch.uses.get(name), limit)
        np.add(self.uses, x, out=self.uses)
        return x

    def _source(self, name: str, limit: Array) -> Array:
        y = self._flow(name, "source", self.dispatch.sources.get(name), limit)
        np.add(self.sources, y, out=self.sources)
        return y

    def _as_available(self, mw: Array) -> Array:
        """What an interconnection that is there at times lets through of mw (T,)."""
        return mw if self.available is None else self.available * self.hours.spread(mw)

    def all(self) -> None:
        """Everything that uses or brings power, and what it comes to."""
        mined = self._rigs()
        self._services()
        self._blocks()
        self._own()
        self._grid_and_diesel()
        self._battery()
        self._close(mined)

    def _rigs(self) -> Array:
        """(T,) USD mined."""
        problem, site, s, hours, lines = self.problem, self.site, self.s, self.hours, self.lines
        mined_usd = self.nothing.copy()
        stopped = None
        if site.grid is not None and site.curtail_above is not None:
            stopped = self.price > hours.spread(site.curtail_above[s])
        for rig in problem.rigs:
            able = rig.uptime * self.assets.fleet[rig.name, site.name][s]
            x = self._use(f"rig:{rig.name}", able if stopped is None else np.where(stopped, 0.0, hours.spread(able)))
            _ramps(x, rig.ramp_limit, able, hours, self.place(rig.name), self.checks)
            energy = lines[f"rig:{rig.name}"]
            mined_usd += rig.density * problem.market.hashprice[s] / 24.0 * (1.0 - rig.pool_fee) * energy
            lines["variable_costs"] += rig.variable_cost * energy
        return mined_usd

    def _services(self) -> None:
        site, s, hours = self.site, self.s, self.hours
        for service in self.problem.services:
            megawatts = self.assets.contracted[service.name, site.name][s]
            demand = hours.of(service.demand, s) * hours.spread(megawatts)
            able = megawatts * site.gross_ratio
            x = self._use(f"ai:{service.name}", demand * site.gross_ratio if service.deferrable is None else able)
            place = self.place(service.name)
            _ramps(x, service.ramp_limit, able, hours, place, self.checks)
            if service.deferrable is not None:
                for t, part in enumerate(hours.parts):
                    asked, served = demand[part] * site.gross_ratio, x[part]
                    weight, index = hours.weight[part], hours.index[part]
                    check_deferred(service.deferrable, asked, served, weight, index, place(t), self.checks)
            _serve(service, site, s, hours, demand, x, self.delivered, self.lines, self.checks, place)

    def _blocks(self) -> None:
        """Contracted blocks: paid for whether used or not; what is sold back never reaches the load that pays adders."""
        hours, lines = self.hours, self.lines
        for block in self.site.blocks:
            y = self._source(f"block:{block.name}", self._as_available(block.mw))
            lines["block_cost"] += block.price[self.s] * block.mw * self.problem.clock.hours
            lines["energy_cost"] += hours.energy(self.adder * y)
            if block.sell_back:
                x = self._use(f"sell:{block.name}", self._as_available(block.mw))
                lines["power_sales"] += hours.energy((self.price - block.sell_fee) * x)
                lines["energy_cost"] -= hours.energy(self.adder * x)

    def _own(self) -> None:
        hours, lines = self.hours, self.lines
        for own in self.site.own:
            limit = hours.spread(own.mw) * hours.of(own.availability, self.s)
            self._source(f"own:{own.name}", limit)
            lines["energy_cost"] += own.cost[self.s] * lines[f"own:{own.name}"]
            if own.export:
                x = self._use(f"sell:{own.name}", limit)
                lines["power_sales"] += hours.energy((self.price - own.sell_fee) * x)

    def _grid_and_diesel(self) -> None:
        site, s, hours, lines = self.site, self.s, self.hours, self.lines
        if site.grid is not None:
            reserved = sum((block.mw for block in site.blocks), self.nothing)
            room = self.assets.interconnection[site.name][s] - reserved
            y = self._source("grid", self._as_available(np.maximum(room, 0.0)))
            lines["energy_cost"] += hours.energy(self.delivered * y)
            if site.grid.demand_response is not None:
                lines["demand_response"][:] = site.grid.demand_response[s] * calendar(self.problem.clock).years
        if site.diesel is not None:
            self._source("diesel", site.diesel.mw)
            lines["energy_cost"] += site.diesel.cost[s] * lines["diesel"]

    def _battery(self) -> None:
        battery, hours = self.site.battery, self.hours
        if battery is None:
            return
        sizes = [sized(battery, float(mw)) for mw in self.assets.storage[self.site.name][self.s]]
        taken = self._use("charge", np.array([size.charge for size in sizes]))
        given = self._source("discharge", np.array([size.discharge for size in sizes]))
        self.lines["variable_costs"] += battery.wear * self.lines["discharge"]
        for t, part in enumerate(hours.parts):
            check_battery(sizes[t], taken[part], given[part], hours.weight[part], self.place()(t), self.checks)

    def _close(self, mined_usd: Array) -> None:
        """What is used is what is brought; coins, emissions and the cash margin of it."""
        hours, lines, uses = self.hours, self.lines, self.uses
        lines["emissions_t"][:] = _emissions(self.site, self.s, hours, self.dispatch.sources.get("grid", self.none), lines)
        self.checks.each("hourly balance", hours.most(np.abs(uses - self.sources)), hours.most(np.abs(uses)), self.place())
        lines["mining_revenue"][:] = mined_usd
        mean = self.problem.market.btc_price_mean[self.s]
        coins = np.divide(mined_usd, mean, out=self.nothing.copy(), where=mined_usd != 0.0)
        lines["coins"][:] = coins
        lines["kept"][:] = self.problem.treasury.retain * coins
        revenue = sum((lines[name] for name in REVENUES), self.nothing)
        costs = sum((lines[name] for name in COSTS), self.nothing)
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
    dispatch: SiteDispatch,
    hours: Hours,
    checks: Checklist,
    place: Callable[..., Callable[[int], tuple[object, ...]]],
) -> None:
    """Every use and source of the dispatch exists at the site."""
    uses, sources = uses_of(problem, site), sources_of(site)
    stray = {u: x for u, x in dispatch.uses.items() if u not in uses}
    stray |= {g: y for g, y in dispatch.sources.items() if g not in sources}
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
