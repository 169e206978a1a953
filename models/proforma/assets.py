"""Pro forma of what is owned: fleet, halls, contracts, what they cost and how they wear (README 2, 3, 4 and 11).

Part of the second book: plain numpy, by rule, sharing no code with the linear program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Clock, Depreciation, Expansion, Ints, Payments, Problem, Rig, Service, Site
from models.proforma.calendar import calendar
from models.proforma.terms import storage_at_start

#: what a site can order -> the kind of capital spending it is
EXPANSIONS = {
    "expand": "interconnection",
    "build_mining": "halls",
    "build_ai": "halls",
    "convert": "halls",
    "store": "interconnection",
}
CAPEX = ("rigs", "options", "halls", "interconnection", "equipment")

Key = TypeVar("Key")


def decided(table: Mapping[Key, Array], key: Key, problem: Problem) -> Array:
    """(S, D) the decision under `key`; zero if the plan does not mention it."""
    found = table.get(key)
    if found is None:
        return np.zeros((problem.scenarios.count, problem.clock.dates))
    return np.asarray(found, dtype=float)


def expansion(site: Site, kind: str) -> Expansion | None:
    """The terms of one kind of build at a site."""
    terms: Expansion | None = getattr(site, kind)
    return terms


@dataclass
class Assets:
    """What the company owns and what it paid.

    fleet (rig, site) -> (S, T) MW installed; mining_hall, ai_hall, interconnection, storage (MW of discharge): site -> (S, T) MW ready;
    contracted (service, site) -> (S, T) critical MW, contracted_after the same -> (S, K) in periods T, T + 1, ... as
    long as any runs; rent, fixed_costs (S, T) USD of the period, rents the same by (service, site);
    capex kind -> (S, D) USD paid; ordered kind -> (S, D) USD cost at the order date; resale (S, D) USD received;
    tax_depreciation (S, Y) USD; book_depreciation (S, T) USD; in_service kind -> (S, D) USD cost placed in service at the date; worn kind
    (and 'opening') -> (S, T) USD, of which book_depreciation is the sum;
    contract_value (S,) USD at T of the rents after T, whole (before the share `terminal.contracts`).
    """

    rent: Array
    fixed_costs: Array
    resale: Array
    tax_depreciation: Array
    book_depreciation: Array
    contract_value: Array
    capex: dict[str, Array]
    ordered: dict[str, Array]
    in_service: dict[str, Array]
    worn: dict[str, Array]
    fleet: dict[tuple[str, str], Array] = field(default_factory=dict)
    mining_hall: dict[str, Array] = field(default_factory=dict)
    ai_hall: dict[str, Array] = field(default_factory=dict)
    interconnection: dict[str, Array] = field(default_factory=dict)
    storage: dict[str, Array] = field(default_factory=dict)
    contracted: dict[tuple[str, str], Array] = field(default_factory=dict)
    contracted_after: dict[tuple[str, str], Array] = field(default_factory=dict)
    rents: dict[tuple[str, str], Array] = field(default_factory=dict)


def keep_assets(problem: Problem, decisions: Decisions) -> Assets:
    """Capacities, capital spending, rents, fixed costs and depreciation of the plan."""
    s, t, d, y = problem.scenarios.count, problem.clock.periods, problem.clock.dates, calendar(problem.clock).tax_years
    assets = Assets(
        rent=np.zeros((s, t)),
        fixed_costs=np.zeros((s, t)),
        resale=np.zeros((s, d)),
        tax_depreciation=np.zeros((s, y)),
        book_depreciation=np.zeros((s, t)),
        contract_value=np.zeros(s),
        capex={kind: np.zeros((s, d)) for kind in CAPEX},
        ordered={kind: np.zeros((s, d)) for kind in CAPEX},
        in_service={kind: np.zeros((s, d)) for kind in CAPEX},
        worn={kind: np.zeros((s, t)) for kind in (*CAPEX, "opening")},
    )
    for rig in problem.rigs:
        _keep_rig(problem, decisions, rig, assets)
    for site in problem.sites:
        _keep_site(problem, decisions, site, assets)
    for service in problem.services:
        _keep_service(problem, decisions, service, assets)
    if problem.tax is not None:
        months = calendar(problem.clock)
        for period, year in enumerate(months.tax_year):
            assets.tax_depreciation[:, year] += problem.tax.existing_depreciation[period] * months.years[period]
    if problem.opening_ppe_months > 0:
        wear = problem.opening_ppe * straight_line(problem.clock, 0, problem.opening_ppe_months)
        assets.worn["opening"] += wear
    assets.book_depreciation += sum(assets.worn.values())
    return assets


def _buy(
    problem: Problem,
    assets: Assets,
    kind: str,
    date: int,
    cost: Array,
    payments: Payments,
    service_date: Ints,
    terms: Depreciation,
) -> None:
    """Record cost (S,) USD ordered at `date`: paid by `payments`, worn from service_date (S,). Raises ValueError for a payment after T."""
    if not np.any(cost):
        return
    assets.ordered[kind][:, date] += cost
    for later, share in payments.shares:
        if date + later >= problem.clock.dates:
            raise ValueError(f"{kind} ordered at date {date} would be paid at date {date + later}, after the horizon")
        assets.capex[kind][:, date + later] += share * cost
    for start in np.unique(service_date):
        if start >= problem.clock.periods:
            continue
        there = service_date == start
        assets.in_service[kind][there, start] += cost[there]
        by_year = depreciation_by_year(problem.clock, terms, int(start))
        assets.tax_depreciation[there] += cost[there, None] * by_year
        if terms.book_months > 0:
            wear = straight_line(problem.clock, int(start), terms.book_months)
            assets.worn[kind][there] += cost[there, None] * wear


def straight_line(clock: Clock, start: int, life_months: int) -> Array:
    """(T,) share of cost worn in each period by months from date `start`."""
    month = calendar(clock).month
    since = month - month[start]
    return np.diff(np.clip(since, 0, life_months)) / life_months


def depreciation_by_year(clock: Clock, terms: Depreciation, start: int) -> Array:
    """(Y,) share of cost deducted for tax in each tax year, in service at date `start` <= T - 1."""
    months = calendar(clock)
    share = np.zeros(months.tax_years)
    first = int(months.tax_year[start])
    share[first] += terms.bonus
    rest = 1.0 - terms.bonus
    if terms.method == "straight" and terms.months > 0:
        np.add.at(share, months.tax_year, rest * straight_line(clock, start, terms.months))
    elif terms.method == "macrs":
        begins = clock.start_month + months.month_at(start)
        for k, part in enumerate(terms.table):
            year = first + k
            if year >= months.tax_years:
                break
            # A year cut by the end of the horizon earns the months that lie inside: the deduction of the rest comes after T.
            next_year = 12 * (int(months.calendar_year[0]) + year + 1)
            whole = min(12, next_year - begins)
            cut_off = max(0, next_year - (clock.start_month + months.month_at(clock.periods)))
            share[year] += rest * part * (1.0 - cut_off / whole)
    return share


def _keep_rig(problem: Problem, decisions: Decisions, rig: Rig, assets: Assets) -> None:
    """K = K before + orders `lead` periods ago - retired; money of orders, options and resale."""
    clock, years = problem.clock, calendar(problem.clock).years
    scenarios, periods = problem.scenarios.count, clock.periods
    strike = rig.option.strike if rig.option is not None else 0.0
    for i, site in enumerate(problem.sites):
        spot = decided(decisions.orders, (rig.name, site.name), problem)
        exercised = decided(decisions.exercised, (rig.name, site.name), problem)
        retired = decided(decisions.retired, (rig.name, site.name), problem)
        installed = np.zeros((scenarios, periods))
        level = np.full(scenarios, float(rig.owned[i]))
        for d in range(periods):
            level = level - retired[:, d]
            if d >= rig.lead:
                level = level + spot[:, d - rig.lead] + exercised[:, d - rig.lead]
            installed[:, d] = level
            cost = rig.price[:, d] * spot[:, d] + strike * exercised[:, d]
            start = np.full(scenarios, d + rig.lead, dtype=np.int64)
            _buy(problem, assets, "rigs", d, cost, rig.payments, start, rig.depreciation)
        assets.fleet[rig.name, site.name] = installed
        assets.fixed_costs += rig.fixed_cost * years * installed
        assets.resale += rig.resale * retired
    if rig.option is not None:
        assets.capex["options"] += rig.option.fee * decided(decisions.options, rig.name, problem)


def _keep_site(problem: Problem, decisions: Decisions, site: Site, assets: Assets) -> None:
    """Halls and interconnection: ready `lead` periods plus the scenario's delay after the order."""
    clock, years = problem.clock, calendar(problem.clock).years
    scenarios, periods = problem.scenarios.count, clock.periods
    ready = {kind: np.zeros((scenarios, periods)) for kind in EXPANSIONS}
    given_up = np.zeros((scenarios, periods))
    for kind, capex_kind in EXPANSIONS.items():
        terms = expansion(site, kind)
        if terms is None:
            continue
        built = decided(decisions.built, (site.name, kind), problem)
        for d in range(periods):
            start = d + terms.lead + np.asarray(site.delay, dtype=np.int64)
            ready[kind] += built[:, d, None] * (np.arange(periods) >= start[:, None])
            cost = terms.cost[:, d] * built[:, d]
            _buy(problem, assets, capex_kind, d, cost, terms.payments, start, terms.depreciation)
        if kind == "convert":
            # The mining hall is gone when conversion is ordered, not when the AI hall is ready.
            given_up = site.mining_per_ai * np.cumsum(built, axis=1)[:, :periods]
    mining = site.mining_mw + ready["build_mining"] - given_up
    ai = site.ai_mw + ready["build_ai"] + ready["convert"]
    assets.interconnection[site.name] = site.interconnection_mw + ready["expand"]
    if site.battery is not None:
        assets.storage[site.name] = storage_at_start(site.battery) + ready["store"]
    assets.mining_hall[site.name] = mining
    assets.ai_hall[site.name] = ai
    assets.fixed_costs += (site.fixed_cost + site.mining_cost * mining + site.ai_cost * ai) * years


def _keep_service(problem: Problem, decisions: Decisions, service: Service, assets: Assets) -> None:
    """Critical MW under contract, rent with ramp and escalator, fixed cost, equipment, and rents after the horizon."""
    clock, years = problem.clock, calendar(problem.clock).years
    scenarios, periods = problem.scenarios.count, clock.periods
    months = calendar(clock).month
    lease = service.kind == "lease"
    for i, site in enumerate(problem.sites):
        signed = decided(decisions.signed, (service.name, site.name), problem)
        running = np.zeros((scenarios, periods))
        earning = np.zeros((scenarios, periods))  # MW x escalator
        vintages: list[tuple[int, int, int, float, bool]] = []
        for s in range(scenarios):
            if service.contracted[i] != 0.0:
                vintages.append((s, 0, service.contracted_term, float(service.contracted[i]), False))
            for v in map(int, np.flatnonzero(signed[s])):
                start = v + service.lead + int(site.delay[s])
                vintages.append((s, start, service.term, float(signed[s, v]), True))
        for s, start, term, mw, ramps in vintages:
            t = np.arange(start, min(start + term, periods))
            if len(t):
                ramp = np.ones(len(t))
                if ramps:
                    known = min(len(service.ramp), len(t))
                    ramp[:known] = service.ramp[:known]
                anniversaries = (months[t] - months[start]) // 12
                running[s, t] += mw * ramp
                earning[s, t] += mw * ramp * (1.0 + service.escalator) ** anniversaries
            if lease:
                assets.contract_value[s] += _rent_after(problem, service, s, start, term, mw, ramps)
        assets.contracted[service.name, site.name] = running
        assets.contracted_after[service.name, site.name] = _running_after(problem, service, vintages)
        assets.fixed_costs += service.fixed_cost * years * running
        if lease:
            assets.rents[service.name, site.name] = service.rate * years * earning
            assets.rent += assets.rents[service.name, site.name]
        if service.equipment is not None:
            for d in range(clock.dates):
                # Equipment is in service when the contract starts: it wears with the rent it earns.
                begins = d + service.lead + np.asarray(site.delay, dtype=np.int64)
                cost = service.equipment[:, d] * signed[:, d]
                _buy(problem, assets, "equipment", d, cost, service.payments, begins, service.depreciation)


def _running_after(problem: Problem, service: Service, vintages: list[tuple[int, int, int, float, bool]]) -> Array:
    """(S, K) critical MW in periods T, T + 1, ... of contracts (scenario, start, term, MW, whether it ramps) that run beyond the horizon."""
    periods = problem.clock.periods
    last = max((start + term for _, start, term, _, _ in vintages), default=periods)
    out = np.zeros((problem.scenarios.count, max(last - periods, 0)))
    for s, start, term, mw, ramps in vintages:
        for t in range(max(start, periods), start + term):
            out[s, t - periods] += mw * (_part(service, t - start) if ramps else 1.0)
    return out


def ai_after(assets: Assets, site: str) -> Array:
    """(S, K) critical MW of all services at a site in periods T, T + 1, ... to the end of the last contract; K = 0 where none runs."""
    parts = [mw for (_, place), mw in assets.contracted_after.items() if place == site]
    longest = max((mw.shape[1] for mw in parts), default=0)
    total = np.zeros((len(assets.contract_value), longest))
    for mw in parts:
        total[:, : mw.shape[1]] += mw
    return total


def _part(service: Service, since: int) -> float:
    """Share of the MW of a contract that runs in the period `since` periods after the one it starts in."""
    return float(service.ramp[since]) if since < len(service.ramp) else 1.0


def _rent_after(problem: Problem, service: Service, s: int, start: int, term: int, mw: float, ramps: bool) -> float:
    """USD at T of the rent of periods T.. to the end of the term, at the last rate, escalated, on the MW that run by then."""
    months, periods = calendar(problem.clock), problem.clock.periods
    total = 0.0
    step = float(months.years[-1])
    began = months.month_at(start)
    for t in range(max(periods, start), start + term):
        grown = (1.0 + service.escalator) ** ((months.month_at(t) - began) // 12)
        factor = (1.0 + problem.terminal.contract_rate) ** (-(t - periods + 1) * step)
        runs = mw * (_part(service, t - start) if ramps else 1.0)
        total += float(service.rate[s, periods - 1]) * step * runs * grown * factor
    return total
