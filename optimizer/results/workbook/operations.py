"""What sites earn: energies of the hours are inputs, prices are paths, and money is a formula of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from models.problem import Array, Grid, Hourly, Rig, Service, Site
from models.proforma.power import COSTS, REVENUES, has_power
from optimizer.results.workbook.expressions import ZERO, Term
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.plant import Plant
from optimizer.results.workbook.sheets import NOTHING, Maker, Row, Sheet

#: writes a row of money: kind, label, formula
Line = Callable[[str, str, Maker], None]

LABELS = {
    "mining_revenue": "Bitcoin mined, after pool fees",
    "ai_cloud": "AI cloud",
    "reimbursements": "Power reimbursed by tenants",
    "power_sales": "Power sold",
    "demand_response": "Demand response",
    "energy_cost": "Energy",
    "block_cost": "Power blocks",
    "variable_costs": "Variable costs",
    "shortfall_penalties": "Penalties for AI energy not served",
}


@dataclass
class Market:
    """Live paths of prices."""

    btc: Row
    btc_mean: Row
    hashprice: Row
    share: Row


@dataclass
class Operations:
    """Rows by site and quantity: USD lines, 'coins' and 'kept' BTC, 'energy', 'grid', 'diesel' MWh, 'emissions' t; 'ai:<name>' MWh and
    'ai_revenue:<name>' USD (rents not counted)."""

    lines: dict[tuple[str, str], Row] = field(default_factory=dict)

    def of(self, quantity: str, site: str | None = None) -> list[Row]:
        """Rows of a quantity at one site, or at all."""
        return [row for (place, name), row in self.lines.items() if name == quantity and site in (None, place)]

    def at(self, quantity: str, d: int, site: str | None = None) -> Term:
        """What settles at a date."""
        return sum((row[d] for row in self.of(quantity, site)), ZERO)


def market_paths(frame: Frame) -> Market:
    """Prices with their what-if factors."""
    market, factor, paths = frame.problem.market, frame.factor, frame.paths
    frame.paths_sheet.note("Markets", "section")
    btc = paths.series("Bitcoin price", market.btc_price, "USD/BTC", "price", factor["btc"])
    mean = paths.series(
        "Bitcoin price, mean of the period", frame.settles(market.btc_price_mean), "USD/BTC", "price", factor["btc"]
    )
    earns = paths.series(
        "Hashprice, before pool fee", frame.settles(market.hashprice), "USD/PH/day", "price", factor["btc"] * factor["hash"]
    )
    share = NOTHING if market.share_price is None else paths.series(
        "Share price", market.share_price, "USD/share", "price", factor["share"]
    )  # fmt: skip
    return Market(btc, mean, earns, share)


class _Hours:
    """Sums over the hours of a site that a sheet cannot hold, (S, T) each."""

    def __init__(self, frame: Frame, site: Site) -> None:
        self.frame, self.site = frame, site

    def flow(self, name: str, of: str = "uses") -> Array:
        """MWh of a use or a source."""
        return self.value(None, name, of)

    def value(self, price: Hourly | None, name: str, of: str = "uses") -> Array:
        """USD: MWh of every hour at its price (MWh without a price)."""
        frame, clock = self.frame, self.frame.problem.clock
        out = np.zeros((frame.scenarios, frame.periods))
        for s in range(frame.scenarios):
            for t in range(frame.periods):
                split = frame.decisions.dispatch.get((self.site.name, s, t))
                mw = getattr(split, of).get(name) if split is not None else None
                if mw is not None:
                    each = clock.weight[t] if price is None else clock.weight[t] * price.values(clock, s, t)
                    out[s, t] = each @ np.asarray(mw, dtype=float)
        return out

    def mean(self, price: Hourly, name: str, of: str = "uses") -> Array:
        """Mean price of the MWh of a use or a source, USD/MWh; 0 where there are none."""
        energy, paid = self.flow(name, of), self.value(price, name, of)
        return np.divide(paid, energy, out=np.zeros_like(paid), where=energy != 0.0)

    def asked(self, demand: Hourly) -> Array:
        """Hours of full demand in a period: MWh asked for per MW."""
        frame, clock = self.frame, self.frame.problem.clock
        return np.array(
            [[float(clock.weight[t] @ demand.values(clock, s, t)) for t in range(frame.periods)] for s in range(frame.scenarios)]
        )


def operations(frame: Frame, market: Market, plant: Plant) -> tuple[Sheet, Operations]:
    """One block per site: energies, prices, revenue and costs."""
    sheet = Sheet("Operations", "Operations of sites: energy of the hours at their prices", frame.dates)
    made = Operations()
    for i, site in enumerate(frame.problem.sites):
        sheet.note(site.name, "section")
        frame.paths_sheet.note(f"{site.name}: prices of power", "section")
        frame.decisions_sheet.note(f"{site.name}: energy of the hours (from the plan's dispatch, held fixed)", "section")
        _site(_SiteSheet(frame, market, plant, sheet, made, site, _Hours(frame, site)), i)
    return sheet, made


@dataclass
class _SiteSheet:
    """What is written of one site. lines: rows of money by kind; used: rows of energy of rigs and AI."""

    frame: Frame
    market: Market
    plant: Plant
    sheet: Sheet
    made: Operations
    site: Site
    hours: _Hours
    lines: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in (*REVENUES, *COSTS)})
    used: list[Row] = field(default_factory=list)

    def energy(self, label: str, name: str, of: str = "uses") -> Row:
        """MWh of a use or a source, from the dispatch."""
        return self.frame.chosen.series(f"{label}, energy", self.frame.settles(self.hours.flow(name, of)), "MWh", "count")

    def price(self, label: str, values: Array, unit: str = "USD/MWh", look: str = "price", factor: Term | None = None) -> Row:
        """A path of prices, where it settles."""
        settled = self.frame.settles(values)
        more = () if factor is None else (factor,)
        return self.frame.paths.series(label, settled, unit, look, *more)

    def line(self, kind: str, label: str, make: Maker) -> None:
        """USD of a kind."""
        self.lines[kind].append(self.sheet.row(label, make, "USD", first=1))

    def keep(self, quantity: str, row: Row) -> Row:
        """Hand a row on to other sheets."""
        self.made.lines[self.site.name, quantity] = row
        return row


def _site(s: _SiteSheet, i: int) -> None:
    """Energies, prices, revenue and costs of one site."""
    frame, site = s.frame, s.site
    for rig in frame.problem.rigs:
        _rig(s, rig)
    label = f"{site.name}: MW at the meter per critical MW"
    gross = frame.given(f"site/{site.name}/gross", label, site.gross_ratio, "ratio", "plain")
    for service in frame.problem.services:
        contracted = s.plant.contracted.get((service.name, site.name), NOTHING)
        if service.sites[i] or contracted is not NOTHING:
            _service(s, service, gross, contracted)
    _sources(s)
    for kind, rows in s.lines.items():
        if rows:
            s.keep(kind, s.sheet.row(LABELS[kind], lambda d, rows=rows: sum((r[d] for r in rows), ZERO), kind="total", first=1))  # type: ignore[misc]
    if (mined := s.made.lines.get((site.name, "mining_revenue"))) is not None:
        coins = s.keep("coins", s.sheet.row("Bitcoin mined", lambda d: mined[d] / s.market.btc_mean[d], "BTC", "coins", first=1))
        if frame.problem.treasury.retain.any():
            kept = frame.retain
            s.keep("kept", s.sheet.row("of them kept", lambda d: kept[d] * coins[d], "BTC", "coins", first=1))
    if s.used:
        s.keep(
            "energy",
            s.sheet.row("Energy of rigs and AI", lambda d: sum((r[d] for r in s.used), ZERO), "MWh", "count", first=1),
        )
    emitted = frame.emissions.get(site.name) if has_power(site) else None
    if emitted is not None:
        s.keep("emissions", frame.chosen.series("emissions", frame.settles(emitted), "t CO2", "count"))


def _rig(s: _SiteSheet, rig: Rig) -> None:
    mwh = s.energy(rig.name, f"rig:{rig.name}")
    if mwh is NOTHING:
        return
    s.used.append(mwh)
    name, given = f"rig/{rig.name}", s.frame
    density = given.given(f"{name}/density", f"{rig.name}: hashrate per MW", rig.density, "PH/s/MW", "plain")
    fee = given.fixed(f"{name}/pool_fee", f"{rig.name}: pool fee", rig.pool_fee, "share", "percent")
    cost = given.fixed(f"{name}/variable", f"{rig.name}: variable cost", rig.variable_cost, "USD/MWh", "price")
    s.line(
        "mining_revenue",
        f"{rig.name}: Bitcoin mined, after pool fee",
        lambda d: density * s.market.hashprice[d] / 24 * (1 - fee) * mwh[d],
    )
    if not cost.zero:
        s.line("variable_costs", f"{rig.name}: variable costs", lambda d: cost * mwh[d])


def _service(s: _SiteSheet, service: Service, gross: Term, contracted: Row) -> None:
    """What a tenant pays and reimburses; gross: MW at the meter per critical MW."""
    name, frame = service.name, s.frame
    mwh = s.energy(name, f"ai:{name}")
    if mwh is not NOTHING:
        s.used.append(mwh)
        s.keep(f"ai:{name}", mwh)
        _reimbursed(s, service, mwh)
        if service.kind == "cloud":
            rate = s.plant.rate(service)
            s.line("ai_cloud", f"{name}: energy served", lambda d: rate[d] * (mwh[d] / gross))
            s.keep(f"ai_revenue:{name}", s.lines["ai_cloud"][-1])
        cost = frame.fixed(f"ai/{name}/variable", f"{name}: variable cost", service.variable_cost, "USD/MWh", "price")
        if not cost.zero:
            s.line("variable_costs", f"{name}: variable costs", lambda d: cost * (mwh[d] / gross))
    if contracted is not NOTHING and service.penalty.any():
        demand = frame.settles(s.hours.asked(service.demand))
        asked = frame.paths.series(f"{name}: demand of a period per MW", demand, "MWh/MW", "plain", keep=True)
        penalty = s.price(f"{name}: penalty for demand not served", service.penalty)
        s.line(
            "shortfall_penalties",
            f"{name}: penalties for demand not served",
            lambda d: penalty[d] * (asked[d] * contracted[d - 1] - mwh[d] / gross),
        )


def _reimbursed(s: _SiteSheet, service: Service, mwh: Row) -> None:
    """Power that the tenant pays back: at the market price of its hours, or at a price of its own."""
    name, grid, hours = service.name, s.site.grid, s.hours
    if isinstance(service.reimbursed, str):
        if grid is not None:
            market = hours.mean(grid.price, f"ai:{name}")
            spot = s.price(f"{name}: market price at its hours", market, factor=s.frame.factor["power"])
            added = s.price(f"{name}: adders at its hours", hours.mean(grid.adder, f"ai:{name}"))
            s.line("reimbursements", f"{name}: power reimbursed", lambda d: mwh[d] * (spot[d] + added[d]))
    elif service.reimbursed is not None:
        price = s.price(f"{name}: power reimbursed at", service.reimbursed)
        s.line("reimbursements", f"{name}: power reimbursed", lambda d: mwh[d] * price[d])


def _sources(s: _SiteSheet) -> None:
    """What power costs, by where it comes from; demand response; the battery's wear."""
    frame, site = s.frame, s.site
    for block in site.blocks:
        paid = s.price(f"{block.name}: price", block.price)
        bought = frame.settles((block.mw * frame.problem.clock.hours)[None, :])
        mwh = frame.paths.series(f"{block.name}: energy bought", bought, "MWh", "count")
        if paid is not NOTHING and mwh is not NOTHING:
            s.line("block_cost", f"{block.name}: take or pay", lambda d, mwh=mwh, paid=paid: mwh[d] * paid[d])  # type: ignore[misc]
        _block(frame, s.hours, site, block.name, block.sell_back, block.sell_fee, s.line)
    for own in site.own:
        mwh = s.energy(own.name, f"own:{own.name}", "sources")
        cost = s.price(f"{own.name}: cost", own.cost)
        if mwh is not NOTHING and cost is not NOTHING:
            s.line("energy_cost", f"{own.name}: cost", lambda d, mwh=mwh, cost=cost: cost[d] * mwh[d])  # type: ignore[misc]
        if own.export:
            _sold(frame, s.hours, site, own.name, own.sell_fee, s.line)
    if site.grid is not None:
        _grid(s, site.grid)
    if site.diesel is not None:
        burnt = s.energy("diesel", "diesel", "sources")
        if burnt is not NOTHING:
            s.keep("diesel", burnt)
            fuel = s.price("diesel: cost", site.diesel.cost)
            s.line("energy_cost", "diesel", lambda d: fuel[d] * burnt[d])
    if site.battery is not None and site.battery.wear:
        given = s.energy("battery: given", "discharge", "sources")
        wear = frame.given(f"site/{site.name}/wear", f"{site.name}: wear of the battery", site.battery.wear, "USD/MWh", "price")
        s.line("variable_costs", "battery: wear", lambda d: wear * given[d])


def _grid(s: _SiteSheet, grid: Grid) -> None:
    drawn = s.energy("grid", "grid", "sources")
    if drawn is not NOTHING:
        s.keep("grid", drawn)
        market = s.hours.mean(grid.price, "grid", "sources")
        spot = s.price("grid: market price at the hours of use", market, factor=s.frame.factor["power"])
        added = s.price("grid: delivery and adders at the hours of use", s.hours.mean(grid.adder, "grid", "sources"))
        s.line("energy_cost", "grid: energy bought", lambda d: drawn[d] * (spot[d] + added[d]))
    if grid.demand_response is not None:
        credit = s.price("demand response: credit", grid.demand_response, "USD/year", "usd")
        s.line("demand_response", "demand response", lambda d: credit[d] * s.frame.years[d])


def _block(frame: Frame, hours: _Hours, site: Site, name: str, sells: bool, fee: float, line: Line) -> None:
    """Adders of block power that is used on site, and what is sold back."""
    taken = frame.chosen.series(f"{name}, energy taken", frame.settles(hours.flow(f"block:{name}", "sources")), "MWh", "count")
    added = NOTHING
    if site.grid is not None:
        adder = frame.settles(hours.mean(site.grid.adder, f"block:{name}", "sources"))
        added = frame.paths.series(f"{name}: adders at its hours", adder, "USD/MWh", "price")
    if taken is not NOTHING and added is not NOTHING:
        line("energy_cost", f"{name}: adders", lambda d: taken[d] * added[d])
    if sells:
        sold = _sold(frame, hours, site, name, fee, line)
        saved = NOTHING
        if site.grid is not None:
            adder = frame.settles(hours.mean(site.grid.adder, f"sell:{name}"))
            saved = frame.paths.series(f"{name}: adders at hours sold", adder, "USD/MWh", "price")
        if sold is not NOTHING and saved is not NOTHING:
            line("energy_cost", f"{name}: adders not paid on power sold", lambda d: -(sold[d] * saved[d]))


def _sold(frame: Frame, hours: _Hours, site: Site, name: str, fee: float, line: Line) -> Row:
    """Power sold at the market price of its hours, less a fee."""
    sold = frame.chosen.series(f"{name}, energy sold", frame.settles(hours.flow(f"sell:{name}")), "MWh", "count")
    if sold is NOTHING:
        return sold
    cost = frame.fixed(f"site/{site.name}/{name}/sell_fee", f"{name}: fee of selling", fee, "USD/MWh", "price")
    spot: Row = NOTHING
    if site.grid is not None:
        mean = frame.settles(hours.mean(site.grid.price, f"sell:{name}"))
        spot = frame.paths.series(f"{name}: market price at hours sold", mean, "USD/MWh", "price", frame.factor["power"])
    line("power_sales", f"{name}: power sold", lambda d: sold[d] * (spot[d] - cost))
    return sold
