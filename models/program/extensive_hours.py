"""The hourly split, written out hour by hour: the linear program in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.decisions import SiteDispatch
from models.hours.coupled import coupling_of
from models.hours.merit import Merit, diesel_allowance, merit
from models.hours.meters import measured
from models.problem import Array
from models.program.ai_services import Services
from models.program.coupled_hours import write_coupled
from models.program.expressions import Build, Lin, grid, without_rounding
from models.program.fleet import Fleet
from models.program.sites import Sites


@dataclass(frozen=True)
class HourlyBlock:
    """Variables of one site, scenario and period: uses[u][h], sources[g][h] in MW at the meter."""

    merit: Merit
    uses: tuple[tuple[Any, ...], ...]
    sources: tuple[tuple[Any, ...], ...]

    def dispatch(self) -> SiteDispatch:
        """The solved split; what the solver leaves below zero by its tolerance becomes zero."""

        def values(variables: tuple[Any, ...]) -> Array:
            return np.array([without_rounding(v.value) for v in variables])

        return SiteDispatch(
            {u.name: values(x) for u, x in zip(self.merit.uses, self.uses, strict=True)},
            {g.name: values(y) for g, y in zip(self.merit.sources, self.sources, strict=True)},
        )


class Power:
    """Every hour of every site, scenario and period."""

    def __init__(self, build: Build, fleet: Fleet, sites: Sites, services: Services, wanted: frozenset[str]) -> None:
        self.build, self.fleet, self.sites, self.services, self.required = build, fleet, sites, services, wanted
        self.blocks: dict[tuple[int, int, int], HourlyBlock] = {}
        self.margin: dict[tuple[int, int, int], Any] = {}
        self._capacity: dict[Any, Any] = {}
        p = build.problem
        for i in range(len(p.sites)):
            self.meters = {word: grid(build.S, build.D) for word in measured(p, i)}
            build.meters |= {(word, p.sites[i].name): table for word, table in self.meters.items()}
            for s in range(build.S):
                for t in range(build.T):
                    self._block(i, s, t)
            self._diesel_permit(i)

    def dispatch(self) -> dict[tuple[str, int, int], SiteDispatch]:
        """(site, s, t) -> the solved split."""
        sites = self.build.problem.sites
        return {(sites[i].name, s, t): block.dispatch() for (i, s, t), block in self.blocks.items()}

    def _capacity_of(self, kind: str, k: int, i: int, s: int, t: int) -> Lin:
        """MW of a rig or service as one variable (or a constant), shared by all hours and by scenarios of one node."""
        b = self.build
        lin = self.fleet.installed(k, i, s, t) if kind == "rig" else self.services.contracted[k, i][s, t]
        if lin.constant_only:
            return lin
        if len(lin.vars) == 1 and lin.const == 0.0 and lin.coefs[0] == 1.0:
            return lin
        key = (kind, k, i, t, tuple((id(v), c) for v, c in zip(lin.vars, lin.coefs, strict=True)))
        if key not in self._capacity:
            name = (kind, k, i, s, t)
            self._capacity[key] = var = b.named("capacity", name)
            b.row("capacity", name, Lin().add(var).plus(lin, -1.0), equal=0.0)
        return Lin().add(self._capacity[key])

    def _block(self, i: int, s: int, t: int) -> None:
        """One site, scenario and period.

        sum_u x[u, h] = sum_g y[g, h];   0 <= x[u, h] <= a[u, h] K[u];   0 <= y[g, h] <= a[g, h] K[g]          [MW]
        margin = sum_h w[h] (sum_u v x - sum_g c y) - kept coins' value - penalty * C + constant               [money]
        """
        b, p = self.build, self.build.problem
        rigs = tuple(r for r, k in self.fleet.keys if k == i)
        services = tuple(j for j, k in self.services.contracted if k == i)
        m = merit(p, i, s, t, rigs, services)
        weight, retain = p.clock.weight[t], float(p.treasury.retain[t])
        hours = range(len(weight))
        margin = Lin(m.constant / b.unit)
        revenue = b.revenue[s, t + 1]
        revenue.const += m.constant_revenue / b.unit
        kept = Lin()
        wants_revenue, wants_coins = (w in self.required for w in ("revenue", "btc_mined"))
        used, bought, emitted = (self.meters.get(w) for w in ("energy_mwh", "grid_mwh", "emissions_t"))
        uses, sources = [], []
        name = p.sites[i].name
        for u in m.uses:
            capacity = None if u.capacity is None else self._capacity_of(u.capacity[0], u.capacity[1], i, s, t)
            fixed = capacity is None or capacity.constant_only
            mw = u.limit if capacity is None else u.limit * max(capacity.const, 0.0) if fixed else None
            price = (u.value - retain * u.gross if u.coins else u.value) * weight / b.unit
            x = tuple(b.named("use", (name, u.name, s, t, h), 0.0, None if mw is None else float(mw[h])) for h in hours)
            for h in hours:
                margin.add(x[h], price[h])
                if mw is None and capacity is not None:
                    b.row("use_limit", (name, u.name, s, t, h), Lin().add(x[h]).plus(capacity, -u.limit[h]), at_most=0.0)
                if u.coins:
                    kept.add(x[h], retain * u.coins * weight[h])
                    if wants_coins:
                        b.energy["btc_mined"][s, t + 1].add(x[h], u.coins * weight[h])
                if used is not None and u.capacity is not None:
                    used[s, t + 1].add(x[h], weight[h])
                if wants_revenue:
                    revenue.add(x[h], u.gross[h] * weight[h] / b.unit)
            uses.append(x)
            if u.capacity is not None and u.capacity[0] == "service":
                assert capacity is not None
                self._service(i, u.capacity[1], s, t, m, x, capacity, margin)
        for g in m.sources:
            y = tuple(b.named("source", (name, g.name, s, t, h), 0.0, None if g.is_grid else float(g.limit[h])) for h in hours)
            line = self.sites.interconnection(i, s, t)
            free, line.const = line.const - m.block_mw, 0.0
            for h in hours:
                margin.add(y[h], -g.cost[h] * weight[h] / b.unit)
                if g.is_grid:
                    body = Lin().add(y[h]).plus(line, -g.limit[h])
                    b.row("grid_limit", (name, s, t, h), body, at_most=float(free * g.limit[h]))
                if g.name == "diesel":
                    b.energy["diesel_mwh"][s, t + 1].add(y[h], weight[h])
                if bought is not None and g.is_grid:
                    bought[s, t + 1].add(y[h], weight[h])
                if emitted is not None:
                    emitted[s, t + 1].add(y[h], g.emissions[h] * weight[h])
            sources.append(y)
        for h in hours:
            balance = Lin()
            for x in uses:
                balance.add(x[h])
            for y in sources:
                balance.add(y[h], -1.0)
            b.row("power_balance", (name, s, t, h), balance, equal=0.0)
        coupling = coupling_of(p, i, rigs, services)
        if coupling is not None:
            flows = {u.name: x for u, x in zip(m.uses, uses, strict=True)}
            flows |= {g.name: y for g, y in zip(m.sources, sources, strict=True)}
            storage = self.sites.battery(i, s, t)
            write_coupled(b, i, s, t, coupling, flows, storage, lambda kind, k: self._capacity_of(kind, k, i, s, t))
        self.blocks[i, s, t] = HourlyBlock(m, tuple(uses), tuple(sources))
        self._fix_at_solution(i, s, t, margin, kept)

    def _service(self, i: int, j: int, s: int, t: int, m: Merit, x: tuple[Any, ...], capacity: Lin, margin: Lin) -> None:
        """Shortfall penalties on all demand (what is served earns them back), and the floor on the served share."""
        b, service = self.build, self.build.problem.services[j]
        margin.plus(capacity, -m.penalty[j] / b.unit)
        if service.floor > 0.0:
            weight = b.problem.clock.weight[t]
            hours = float(b.problem.clock.hours[t])
            body = Lin().plus(capacity, -service.floor * float(weight @ m.demand[j]) / hours)
            for h in range(len(weight)):
                body.add(x[h], weight[h] / hours)
            key = (b.problem.sites[i].name, service.name, s, t)
            b.row("service_floor", key, body, at_least=0.0, unit="USD/MWh", scale=hours)

    def _fix_at_solution(self, i: int, s: int, t: int, margin: Lin, kept: Lin) -> None:
        b, p = self.build, self.build.problem
        name = p.sites[i].name
        var = self.margin[i, s, t] = b.named("margin", (name, s, t), None)
        constant, margin.const = margin.const, 0.0
        b.row("margin", (name, s, t), Lin().add(var).plus(margin, -1.0), equal=constant)
        b.operating[s, t + 1].add(var)
        if kept.vars and p.treasury.retain[t] > 0.0:
            coins = b.named("kept", (name, s, t))
            b.row("kept", (name, s, t), Lin().add(coins).plus(kept, -1.0), equal=0.0)
            b.kept[s, t + 1].add(coins)
            b.retained[s, t + 1].add(coins, p.market.btc_price_mean[s, t] / b.unit)

    def _diesel_permit(self, i: int) -> None:
        """Diesel energy of a calendar year stays within the permit hours at full power."""
        b, p = self.build, self.build.problem
        site = p.sites[i]
        if site.diesel is None or not np.isfinite(site.diesel.permit_hours):
            return
        clock = p.clock
        for s in range(b.S):
            for y in range(b.Y):
                periods = np.flatnonzero(clock.tax_year == y)
                allowed = diesel_allowance(p, i, y)
                body = Lin()
                for t in periods:
                    block = self.blocks[i, s, int(t)]
                    for g, y_vars in zip(block.merit.sources, block.sources, strict=True):
                        if g.name == "diesel":
                            for h, var in enumerate(y_vars):
                                body.add(var, clock.weight[t][h] / 1000.0)
                b.row("diesel_permit", (site.name, s, y), body, at_most=allowed / 1000.0, unit="USD/MWh", scale=1000.0)
