"""What sites earn: energies of the hours are inputs, prices are paths, and money is a formula of both."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.problem import Array, Hourly, Site
from models.proforma.power import COSTS, REVENUES, has_power
from optimizer.results.workbook.expressions import ZERO, Term
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.plant import Plant
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet

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
        return self.worth(None, name, of)

    def worth(self, price: Hourly | None, name: str, of: str = "uses") -> Array:
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
        energy, paid = self.flow(name, of), self.worth(price, name, of)
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
        _site(frame, market, plant, sheet, made, i, site)
    return sheet, made


def _site(frame: Frame, market: Market, plant: Plant, sheet: Sheet, made: Operations, i: int, site: Site) -> None:
    problem, hours = frame.problem, _Hours(frame, site)
    paths, chosen, settles = frame.paths, frame.chosen, frame.settles
    here = {name: [] for name in (*REVENUES, *COSTS)}  # type: dict[str, list[Row]]

    def energy(label: str, name: str, of: str = "uses") -> Row:
        return chosen.series(f"{label}, energy", settles(hours.flow(name, of)), "MWh", "count")

    def line(kind: str, label: str, make: object, unit: str = "USD") -> None:
        here[kind].append(sheet.row(label, make, unit, first=1))  # type: ignore[arg-type]

    used: list[Row] = []
    for rig in problem.rigs:
        mwh = energy(rig.name, f"rig:{rig.name}")
        if mwh is NOTHING:
            continue
        used.append(mwh)
        name = f"rig/{rig.name}"
        density = frame.given(f"{name}/density", f"{rig.name}: hashrate per MW", rig.density, "PH/s/MW", "plain")
        fee = frame.fixed(f"{name}/pool_fee", f"{rig.name}: pool fee", rig.pool_fee, "share", "percent")
        cost = frame.fixed(f"{name}/variable", f"{rig.name}: variable cost", rig.variable_cost, "USD/MWh", "price")
        line(
            "mining_revenue",
            f"{rig.name}: Bitcoin mined, after pool fee",
            lambda d, mwh=mwh, density=density, fee=fee: density * market.hashprice[d] / 24 * (1 - fee) * mwh[d],
        )
        if not cost.zero:
            line("variable_costs", f"{rig.name}: variable costs", lambda d, mwh=mwh, cost=cost: cost * mwh[d])
    gross = frame.given(
        f"site/{site.name}/gross", f"{site.name}: MW at the meter per critical MW", site.gross_ratio, "ratio", "plain"
    )
    for service in problem.services:
        if not service.sites[i] and plant.contracted.get((service.name, site.name), NOTHING) is NOTHING:
            continue
        mwh, name = energy(service.name, f"ai:{service.name}"), f"ai/{service.name}"
        contracted = plant.contracted.get((service.name, site.name), NOTHING)
        if mwh is not NOTHING:
            used.append(mwh)
            made.lines[site.name, f"ai:{service.name}"] = mwh
            if isinstance(service.reimbursed, str) and site.grid is not None:
                spot = paths.series(
                    f"{service.name}: market price at its hours",
                    settles(hours.mean(site.grid.price, f"ai:{service.name}")),
                    "USD/MWh",
                    "price",
                    frame.factor["power"],
                )
                added = paths.series(
                    f"{service.name}: adders at its hours",
                    settles(hours.mean(site.grid.adder, f"ai:{service.name}")),
                    "USD/MWh",
                    "price",
                )
                line(
                    "reimbursements",
                    f"{service.name}: power reimbursed",
                    lambda d, mwh=mwh, spot=spot, added=added: mwh[d] * (spot[d] + added[d]),
                )
            elif service.reimbursed is not None and not isinstance(service.reimbursed, str):
                price = paths.series(f"{service.name}: power reimbursed at", settles(service.reimbursed), "USD/MWh", "price")
                line("reimbursements", f"{service.name}: power reimbursed", lambda d, mwh=mwh, price=price: mwh[d] * price[d])
            if service.kind == "cloud":
                rate = plant.rate(service)
                line("ai_cloud", f"{service.name}: energy served", lambda d, mwh=mwh, rate=rate: rate[d] * (mwh[d] / gross))
                made.lines[site.name, f"ai_revenue:{service.name}"] = here["ai_cloud"][-1]
            cost = frame.fixed(f"{name}/variable", f"{service.name}: variable cost", service.variable_cost, "USD/MWh", "price")
            if not cost.zero:
                line("variable_costs", f"{service.name}: variable costs", lambda d, mwh=mwh, cost=cost: cost * (mwh[d] / gross))
        if contracted is not NOTHING and service.penalty.any():
            asked = paths.series(
                f"{service.name}: demand of a period per MW", settles(hours.asked(service.demand)), "MWh/MW", "plain", keep=True
            )
            penalty = paths.series(f"{service.name}: penalty for demand not served", settles(service.penalty), "USD/MWh", "price")
            line(
                "shortfall_penalties",
                f"{service.name}: penalties for demand not served",
                lambda d, mwh=mwh, asked=asked, penalty=penalty, mw=contracted: (
                    penalty[d] * (asked[d] * mw[d - 1] - mwh[d] / gross)
                ),
            )
    for block in site.blocks:
        paid = paths.series(f"{block.name}: price", settles(block.price), "USD/MWh", "price")
        mwh = paths.series(f"{block.name}: energy bought", settles((block.mw * problem.clock.hours)[None, :]), "MWh", "count")
        if paid is NOTHING or mwh is NOTHING:
            pass
        else:
            line("block_cost", f"{block.name}: take or pay", lambda d, mwh=mwh, paid=paid: mwh[d] * paid[d])
        _block(frame, hours, site, block.name, block.sell_back, block.sell_fee, line)
    for own in site.own:
        mwh = energy(own.name, f"own:{own.name}", "sources")
        cost_path = paths.series(f"{own.name}: cost", settles(own.cost), "USD/MWh", "price")
        if mwh is not NOTHING and cost_path is not NOTHING:
            line("energy_cost", f"{own.name}: cost", lambda d, mwh=mwh, cost=cost_path: cost[d] * mwh[d])
        if own.export:
            _sold(frame, hours, site, own.name, own.sell_fee, line)
    if site.grid is not None:
        grid = energy("grid", "grid", "sources")
        if grid is not NOTHING:
            made.lines[site.name, "grid"] = grid
            spot = paths.series(
                "grid: market price at the hours of use",
                settles(hours.mean(site.grid.price, "grid", "sources")),
                "USD/MWh",
                "price",
                frame.factor["power"],
            )
            added = paths.series(
                "grid: delivery and adders at the hours of use",
                settles(hours.mean(site.grid.adder, "grid", "sources")),
                "USD/MWh",
                "price",
            )
            line("energy_cost", "grid: energy bought", lambda d: grid[d] * (spot[d] + added[d]))
        if site.grid.demand_response is not None:
            credit = paths.series("demand response: credit", settles(site.grid.demand_response), "USD/year", "usd")
            line("demand_response", "demand response", lambda d: credit[d] * frame.years[d])
    if site.diesel is not None:
        burnt = energy("diesel", "diesel", "sources")
        if burnt is not NOTHING:
            made.lines[site.name, "diesel"] = burnt
            fuel = paths.series("diesel: cost", settles(site.diesel.cost), "USD/MWh", "price")
            line("energy_cost", "diesel", lambda d: fuel[d] * burnt[d])
    if site.battery is not None and site.battery.wear:
        given = energy("battery: given", "discharge", "sources")
        wear = frame.given(f"site/{site.name}/wear", f"{site.name}: wear of the battery", site.battery.wear, "USD/MWh", "price")
        line("variable_costs", "battery: wear", lambda d: wear * given[d])
    for kind, rows in here.items():
        if rows:
            made.lines[site.name, kind] = sheet.row(
                f"{LABELS[kind]}",
                lambda d, rows=rows: sum((r[d] for r in rows), ZERO),  # type: ignore[misc]
                kind="total",
                first=1,  # type: ignore[misc]
            )
    if (mined := made.lines.get((site.name, "mining_revenue"))) is not None:
        coins = made.lines[site.name, "coins"] = sheet.row(
            "Bitcoin mined", lambda d: mined[d] / market.btc_mean[d], "BTC", "coins", first=1
        )
        if problem.treasury.retain.any():
            keep = frame.retain
            made.lines[site.name, "kept"] = sheet.row("of them kept", lambda d: keep[d] * coins[d], "BTC", "coins", first=1)
    if used:
        made.lines[site.name, "energy"] = sheet.row(
            "Energy of rigs and AI", lambda d: sum((r[d] for r in used), ZERO), "MWh", "count", first=1
        )
    if has_power(site):
        emitted = frame.emissions.get(site.name)
        if emitted is not None:
            made.lines[site.name, "emissions"] = chosen.series("emissions", settles(emitted), "t CO2", "count")


def _block(frame: Frame, hours: _Hours, site: Site, name: str, sells: bool, fee: float, line: object) -> None:
    """Adders of block power that is used on site, and what is sold back."""
    taken = frame.chosen.series(f"{name}, energy taken", frame.settles(hours.flow(f"block:{name}", "sources")), "MWh", "count")
    added = NOTHING
    if site.grid is not None:
        adder = frame.settles(hours.mean(site.grid.adder, f"block:{name}", "sources"))
        added = frame.paths.series(f"{name}: adders at its hours", adder, "USD/MWh", "price")
    if taken is not NOTHING and added is not NOTHING:
        line("energy_cost", f"{name}: adders", lambda d: taken[d] * added[d])  # type: ignore[operator]
    if sells:
        sold = _sold(frame, hours, site, name, fee, line)
        saved = NOTHING
        if site.grid is not None:
            adder = frame.settles(hours.mean(site.grid.adder, f"sell:{name}"))
            saved = frame.paths.series(f"{name}: adders at hours sold", adder, "USD/MWh", "price")
        if sold is not NOTHING and saved is not NOTHING:
            line("energy_cost", f"{name}: adders not paid on power sold", lambda d: -(sold[d] * saved[d]))  # type: ignore[operator]


def _sold(frame: Frame, hours: _Hours, site: Site, name: str, fee: float, line: object) -> Row:
    """Power sold at the market price of its hours, less a fee."""
    sold = frame.chosen.series(f"{name}, energy sold", frame.settles(hours.flow(f"sell:{name}")), "MWh", "count")
    if sold is NOTHING:
        return sold
    cost = frame.fixed(f"site/{site.name}/{name}/sell_fee", f"{name}: fee of selling", fee, "USD/MWh", "price")
    spot: Row = NOTHING
    if site.grid is not None:
        mean = frame.settles(hours.mean(site.grid.price, f"sell:{name}"))
        spot = frame.paths.series(f"{name}: market price at hours sold", mean, "USD/MWh", "price", frame.factor["power"])
    line("power_sales", f"{name}: power sold", lambda d: sold[d] * (spot[d] - cost))  # type: ignore[operator]
    return sold
