"""The hourly split inside the plan as its exact value from above: one variable per site, scenario and period, bounded by cuts.

    alpha * theta + rho . q <= V_(alpha, rho)(K)       for every direction (alpha, rho) and every plan K

theta is the cash value of the hours, q the physical quantities that rules or the treasury link (coins kept, energy served, diesel, ...).
(theta, q) lies in a convex set that moves with the capacities K, and V is its support function: concave in K, with exact slopes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.hours.convex_combination import ConvexCombination
from models.hours.coupled_subproblem import OpenBlock, site_subproblem
from models.hours.dispatch import PlannedHours
from models.hours.merit import diesel_allowance
from models.hours.meters import first_price, measured, unit_of
from models.hours.site_hours import SiteHours
from models.hours.subproblem import Money, RecourseSolution, Subproblem
from models.problem import Array
from models.program.ai_services import Services
from models.program.expressions import Build, Lin, grid
from models.program.fleet import Fleet
from models.program.sites import Sites


@dataclass(frozen=True)
class Quantity:
    """A linked quantity of one site: money[b, e] natural units per MWh, unit natural units per program unit, var (B,) or None."""

    name: str
    money: Money
    unit: float
    var: np.ndarray
    start: Array  # (B,) USD per natural unit at which it is priced first


@dataclass
class SiteValue:
    """One site: its subproblem, theta (B,), capacities and quantities.

    capacity of entry e in block b: constant[b, e] + (value of column[b, e]) where column is a Pyomo variable or None.
    """

    subproblem: Subproblem
    recourse: np.ndarray
    column: np.ndarray
    constant: Array
    cash: Money
    quantities: list[Quantity] = field(default_factory=list)

    @property
    def hours(self) -> SiteHours:
        """What works out the splits: no Pyomo in it, so it can be sent to a worker."""
        return SiteHours(self.subproblem, self.cash, tuple(q.money for q in self.quantities))

    def recourse_solution(self, capacity: Array, alpha: Array, rho: Array) -> RecourseSolution:
        """The best split in a direction; `value` is V_(alpha, rho)(K)."""
        return self.hours.recourse_solution(capacity, alpha, rho)

    def point(self, solution: RecourseSolution) -> tuple[Array, Array]:
        """(theta (B,) USD, q (B, Q) natural units) that a split really brings."""
        sign = np.where(self.subproblem.is_source, -1.0, 1.0)
        cash = self.cash.each(lambda table: table * sign)
        q = np.array([solution.total(x.money) for x in self.quantities]).reshape(len(self.quantities), self.subproblem.blocks).T
        return solution.total(cash), q


class RecourseValues:
    """The power part of a plan solved by cuts; takes the place of `Power`."""

    def __init__(
        self,
        build: Build,
        fleet: Fleet,
        sites: Sites,
        services: Services,
        wanted: frozenset[str],
        open_block: OpenBlock | None = None,
    ) -> None:
        self.build, self.fleet, self.sites, self.services, self.required = build, fleet, sites, services, wanted
        self.open_block = open_block
        self.values: list[SiteValue] = []
        self._capacity: dict[Any, Any] = {}
        self._demand: dict[int, list[list[float]]] = {}
        for i in range(len(build.problem.sites)):
            self.values.append(self._site(i))

    def _site(self, i: int) -> SiteValue:
        b, p = self.build, self.build.problem
        rigs = tuple(r for r, k in self.fleet.keys if k == i)
        services = tuple(j for j, k in self.services.contracted if k == i)
        subproblem = site_subproblem(p, i, rigs, services, self.open_block)
        shape = (subproblem.blocks, len(subproblem.entries))
        name = p.sites[i].name
        column, constant = np.full(shape, None, dtype=object), np.ones(shape)
        recourse = np.full(subproblem.blocks, None, dtype=object)
        for s in range(b.S):
            for t in range(b.T):
                k = s * b.T + t
                recourse[k] = b.named("theta", (name, s, t), None)
                for e, entry in enumerate(subproblem.entries):
                    if entry.decided and entry.kind != "rig":
                        lin = self._mw(entry.kind, entry.index, i, s, t)
                        constant[k, e] = lin.const
                        column[k, e] = lin.vars[0] if lin.vars else None
        for e, entry in enumerate(subproblem.entries):
            if entry.kind == "rig":
                column[:, e], constant[:, e] = self.fleet.levels(entry.index, i).ravel(), 0.0
        retain = np.tile(p.treasury.retain, b.S)[:, None]
        is_rig = np.array([entry.kind == "rig" for entry in subproblem.entries])
        cash = Money(
            subproblem.value.slope_price,
            subproblem.value.slope_adder,
            subproblem.value.base - retain * is_rig * subproblem.gross.base,
        )
        value = SiteValue(subproblem, recourse, column, constant, cash)
        self._quantities(i, value, is_rig, retain)
        self._fix_at_solution(i, value)
        return value

    def _mw(self, kind: str, index: int, i: int, s: int, t: int) -> Lin:
        """Capacity as a constant plus at most one variable with coefficient 1."""
        b = self.build
        if kind == "service":
            lin = self.services.contracted[index, i][s, t]
        elif kind in ("charge", "discharge"):
            lin = self.sites.battery(i, s, t)
        else:
            lin = self.sites.interconnection(i, s, t)
            lin.const -= sum(float(block.mw[t]) for block in b.problem.sites[i].blocks)
        if lin.constant_only or (len(lin.vars) == 1 and lin.coefs[0] == 1.0):
            return lin
        key = (kind, index, i, tuple((id(v), c) for v, c in zip(lin.vars, lin.coefs, strict=True)), lin.const)
        if key not in self._capacity:
            name = (kind, index, i, s, t)
            self._capacity[key] = var = b.named("capacity", name)
            b.row("capacity", name, Lin().add(var).plus(lin, -1.0), equal=0.0)
        return Lin().add(self._capacity[key])

    def _quantities(self, i: int, value: SiteValue, is_rig: np.ndarray, retain: Array) -> None:
        """What rules and the treasury need to know of the hours besides their cash."""
        b, p = self.build, self.build.problem
        subproblem = value.subproblem
        shape = (subproblem.blocks, len(subproblem.entries))
        mean = p.market.btc_price_mean.reshape(-1)
        coins = subproblem.gross.base / mean[:, None] * is_rig
        hours = np.tile(p.clock.hours, b.S)
        name = p.sites[i].name
        zero = np.zeros(shape)

        def add(
            what: str, per_mwh: Array, unit: float, start: Array, active: np.ndarray | None = None, gross: Money | None = None
        ) -> np.ndarray:
            var = np.full(subproblem.blocks, None, dtype=object)
            for k in range(subproblem.blocks):
                if active is None or active[k]:
                    var[k] = b.named("quantity", (name, what, k // b.T, k % b.T), None)
            value.quantities.append(Quantity(what, gross or Money(zero, zero, per_mwh), unit, var, start))
            return var

        def each(var: np.ndarray, table: np.ndarray, factor: Array) -> None:
            for k in range(subproblem.blocks):
                table[k // b.T, k % b.T + 1].add(var[k], float(factor[k]))

        none = np.zeros(subproblem.blocks)
        if p.treasury.retain.any() and is_rig.any():
            unit = b.unit / float(mean.mean())  # what a unit of money buys
            kept = add("kept", retain * coins, unit, mean, np.tile(p.treasury.retain > 0.0, b.S))
            each(kept, b.kept, np.full(subproblem.blocks, unit))
            each(kept, b.retained, mean * unit / b.unit)
        if "btc_mined" in self.required and is_rig.any():
            unit = b.unit / float(mean.mean())
            each(add("btc_mined", coins, unit, none), b.energy["btc_mined"], np.full(subproblem.blocks, unit))
        unit = unit_of(p)
        kinds = {"energy_mwh": ("rig", "service"), "grid_mwh": ("grid",)}
        for word, active in measured(p, i).items():
            meter = b.meters[word, name] = grid(b.S, b.D)
            counted = np.array([entry.kind in kinds.get(word, ()) for entry in subproblem.entries])
            amount = (
                subproblem.emissions if word == "emissions_t" else Money(zero, zero, zero + counted) if counted.any() else None
            )
            if amount is not None:
                here = active.reshape(-1)
                # where nothing looks at it there is no variable, and no direction may price it
                amount = amount.times(here.astype(float))
                start = -first_price(p, i, word).reshape(-1) * here
                each(add(word, zero, unit, start, here, gross=amount), meter, np.full(subproblem.blocks, unit))
        if "revenue" in self.required:
            each(add("revenue", zero, b.unit, none, gross=subproblem.gross), b.revenue, np.ones(subproblem.blocks))
        for e, entry in enumerate(subproblem.entries):
            only = np.zeros(shape)
            only[:, e] = 1.0
            if entry.kind == "diesel" and (np.isfinite(p.sites[i].diesel.permit_hours) or "diesel_mwh" in self.required):  # type: ignore[union-attr]
                burnt = add("diesel_mwh", only, 1e3, none)
                each(burnt, b.energy["diesel_mwh"], np.full(subproblem.blocks, 1e3))
                self._permit(i, burnt)
            if entry.kind == "service":
                service = p.services[entry.index]
                told = "ai_mwh" in self.required or ("ai_revenue" in self.required and service.kind == "cloud")
                if service.floor > 0.0 or told:
                    served = add(f"served {entry.name}", only / hours[:, None], 1.0, none)
                    if service.floor > 0.0:
                        self._floor(i, value, e, served)

    def _permit(self, i: int, burnt: np.ndarray) -> None:
        """Diesel energy of a calendar year stays within the permit hours at full power."""
        b, p = self.build, self.build.problem
        diesel, clock = p.sites[i].diesel, p.clock
        assert diesel is not None
        if not np.isfinite(diesel.permit_hours):
            return
        for s in range(b.S):
            for y in range(b.Y):
                periods = np.flatnonzero(clock.tax_year == y)
                allowed = diesel_allowance(p, i, y)
                body = Lin()
                for t in periods:
                    body.add(burnt[s * b.T + int(t)])
                b.row("diesel_permit", (p.sites[i].name, s, y), body, at_most=allowed / 1e3, unit="USD/MWh", scale=1e3)

    def _floor(self, i: int, value: SiteValue, e: int, served: np.ndarray) -> None:
        """Energy served reaches the floor: mean MW served >= floor * mean demand per MW * MW contracted."""
        b, p = self.build, self.build.problem
        entry = value.subproblem.entries[e]
        service, site = p.services[entry.index], p.sites[i]
        for k in range(value.subproblem.blocks):
            s, t = divmod(k, b.T)
            hours = float(p.clock.hours[t])
            demand = self._asked(entry.index)[s][t] * site.gross_ratio / hours
            body = Lin().add(served[k]).add(value.column[k, e], -service.floor * demand)
            need = service.floor * demand * value.constant[k, e]
            b.row("service_floor", (site.name, service.name, s, t), body, at_least=need, unit="USD/MWh", scale=hours)

    def _asked(self, j: int) -> list[list[float]]:
        """[s][t] MWh that a critical MW of service j asks for in a period."""
        if j not in self._demand:
            clock, demand = self.build.problem.clock, self.build.problem.services[j].demand
            known: dict[tuple[int, float, float, int], float] = {}  # what scenarios have in common is added up once
            table: list[list[float]] = [[] for _ in range(self.build.S)]
            for s, row in enumerate(table):
                for t in range(self.build.T):
                    key = int(demand.which[s]), float(demand.factor[s, t]), float(demand.shift[s, t]), t
                    if key not in known:
                        known[key] = float(clock.weight[t] @ demand.values(clock, s, t))
                    row.append(known[key])
            self._demand[j] = table
        return self._demand[j]

    def _fix_at_solution(self, i: int, value: SiteValue) -> None:
        """Cash of the hours, less shortfall penalties on all demand and what is paid anyway, settles a period later."""
        b, p = self.build, self.build.problem
        site = p.sites[i]
        for s in range(b.S):
            for t in range(b.T):
                k = s * b.T + t
                here = b.operating[s, t + 1].add(value.recourse[k])
                for block in site.blocks:
                    here.const -= float(block.price[s, t] * block.mw[t] * p.clock.hours[t]) / b.unit
                if site.grid is not None and site.grid.demand_response is not None:
                    credit = float(site.grid.demand_response[s, t] * p.years[t]) / b.unit
                    here.const += credit
                    b.revenue[s, t + 1].const += credit
                for e, entry in enumerate(value.subproblem.entries):
                    if entry.kind == "service":
                        service = p.services[entry.index]
                        penalty = float(service.penalty[s, t]) * self._asked(entry.index)[s][t] / b.unit
                        here.const -= penalty * value.constant[k, e]
                        here.add(value.column[k, e], -penalty)

    # ---- after a solve ---------------------------------------------------------------------------------------------
    def dispatch(self, combinations: list[ConvexCombination]) -> PlannedHours:
        """(site, s, t) -> hours of the plan, mixed as the convex combinations of each site say; worked out when they are looked at."""
        names = [self.build.problem.sites[value.subproblem.site].name for value in self.values]
        return PlannedHours(names, [value.hours for value in self.values], combinations)
