"""Cash by stream - contracts, cloud, mining - and how much debt a dollar of each carries (README 18)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.finance.context import StatementContext
from models.problem import Array, Clock, Service, Site
from models.proforma.assets import Assets, keep_assets
from models.proforma.hours import Hours, scenario_of

STREAMS = ("contracts", "cloud", "mining")
#: MW from which a stream is there
LEAST_MW = 1e-3
#: MW of rigs and AI from which an hour's power is theirs
LEAST_LOAD = 1e-6
#: odds of a breach that debt may have
BREACH_ODDS = 0.10
#: USD a MW and period from which there is something to lend on
LEAST_USD = 1.0


@dataclass(frozen=True)
class Streams:
    """cash stream -> (S, T) USD of the period before tax, with the energy of its own hours and what is spent for its MW alone; mw stream ->
    (S, T) MW: rigs installed, critical MW under contract; unused (S, T) USD that power costs in hours in which no rig and no AI runs."""

    cash: dict[str, Array]
    mw: dict[str, Array]
    unused: Array


def stream_of(service: Service) -> str:
    """The stream that a service belongs to."""
    return "contracts" if service.kind == "lease" else "cloud"


def streams(context: StatementContext) -> Streams:
    """Every stream of the plan. What belongs to none (fixed costs of sites, overhead, idle halls, given flows) is left out."""
    problem = context.problem
    shape = (problem.scenarios.count, problem.clock.periods)
    cash, mw = ({name: np.zeros(shape) for name in STREAMS} for _ in range(2))
    assets, hours, unused = keep_assets(problem, context.decisions), Hours(problem.clock), np.zeros(shape)
    for site in problem.sites:
        _standing(context, site, assets, cash, mw)
        for s in range(shape[0]):
            unused[s] += _run(context, site, s, assets, hours, cash)
    return Streams(cash, mw, unused)


def _standing(context: StatementContext, site: Site, assets: Assets, cash: dict[str, Array], mw: dict[str, Array]) -> None:
    """Rents, and what is paid for MW whether they run or not."""
    problem, years = context.problem, context.problem.years
    cash["mining"] -= site.mining_cost * years * assets.mining_hall[site.name]
    for rig in problem.rigs:
        installed = assets.fleet[rig.name, site.name]
        mw["mining"] += installed
        cash["mining"] -= rig.fixed_cost * years * installed
    for service in problem.services:
        here, name = assets.contracted[service.name, site.name], stream_of(service)
        mw[name] += here
        cash[name] -= (service.fixed_cost + site.ai_cost) * years * here
        if service.kind == "lease":
            cash[name] += assets.rents[service.name, site.name]


def _run(context: StatementContext, site: Site, s: int, assets: Assets, hours: Hours, cash: dict[str, Array]) -> Array:
    """What the hours of a scenario bring: revenue of each use, less its part by energy of what each hour's power costs.

    (T,) USD of power in hours without a use.
    """
    problem, market = context.problem, context.problem.market
    split, _ = scenario_of(context.decisions.dispatch, hours, site.name, s)
    none = np.zeros(len(hours.weight))
    loads = {name: mw for name, mw in split.uses.items() if name.startswith(("rig:", "ai:"))}
    total = sum(loads.values(), none)
    paid = _power_cost(site, s, hours, split.sources, split.uses)
    price = np.divide(paid, total, out=none.copy(), where=total > LEAST_LOAD)
    for rig in problem.rigs:
        mw = loads.get(f"rig:{rig.name}", none)
        coins = rig.density * market.hashprice[s] / 24.0 * (1.0 - rig.pool_fee)
        cash["mining"][s] += (coins - rig.variable_cost) * hours.energy(mw) - hours.energy(price * mw)
    delivered = none
    if site.grid is not None:
        delivered = hours.of(site.grid.price, s) + hours.of(site.grid.adder, s)
    for service in problem.services:
        mw = loads.get(f"ai:{service.name}", none)
        critical = hours.energy(mw) / site.gross_ratio
        asked = hours.energy(hours.of(service.demand, s) * hours.spread(assets.contracted[service.name, site.name][s]))
        gain = -service.variable_cost * critical - service.penalty[s] * (asked - critical) - hours.energy(price * mw)
        if service.kind == "cloud":
            gain = gain + service.rate[s] * critical
        if isinstance(service.reimbursed, str):
            gain = gain + hours.energy(delivered * mw)
        elif service.reimbursed is not None:
            gain = gain + service.reimbursed[s] * hours.energy(mw)
        cash[stream_of(service)][s] += gain
    return hours.energy(np.where(total > LEAST_LOAD, 0.0, paid))


def _power_cost(site: Site, s: int, hours: Hours, sources: dict[str, Array], uses: dict[str, Array]) -> Array:
    """(N,) USD an hour and MW-hour of weight that a site's power costs, less what is sold of it."""
    none = np.zeros(len(hours.weight))
    price, adder = none, none
    if site.grid is not None:
        price, adder = hours.of(site.grid.price, s), hours.of(site.grid.adder, s)
    cost = (price + adder) * sources.get("grid", none)
    for block in site.blocks:
        cost = cost + adder * sources.get(f"block:{block.name}", none) + hours.spread(block.price[s] * block.mw)
        if block.sell_back:
            cost = cost - (price - block.sell_fee + adder) * uses.get(f"sell:{block.name}", none)
    for own in site.own:
        cost = cost + hours.spread(own.cost[s]) * sources.get(f"own:{own.name}", none)
        if own.export:
            cost = cost - (price - own.sell_fee) * uses.get(f"sell:{own.name}", none)
    if site.diesel is not None:
        cost = cost + hours.spread(site.diesel.cost[s]) * sources.get("diesel", none)
    if site.battery is not None:
        cost = cost + site.battery.wear * sources.get("discharge", none)
    return np.asarray(cost)


def debt_capacity(cash: Array, mw: Array, odds: Array, clock: Clock, rate: float, breach: float = BREACH_ODDS) -> float | None:
    """Dollars of debt that a dollar of a stream's expected cash carries, lent on one MW of it; None where there is none.

    cash, mw (S, T); odds (S,); rate per year of the debt. With u[s,t] = cash / mw where there are MW, and m[t] its mean over the scenarios that
    have some, debt is repaid by c m[t] a period, at dates with m > 0, where c is the largest for which scenarios of at most `breach` in all have
    u[s,t] < c m[t] at any date:

        c sum over t of m[t] (1 + rate) ** (-months[t + 1] / 12)  /  sum over t of m[t]
    """
    there = mw > LEAST_MW
    weight = odds[:, None] * there
    some = weight.sum(axis=0) > 0.0
    each = np.divide(cash, mw, out=np.zeros_like(cash), where=there)
    mean = np.divide((weight * each).sum(axis=0), weight.sum(axis=0), out=np.zeros(cash.shape[1]), where=some)
    lends = mean > LEAST_USD
    if not lends.any():
        return None
    part = np.where(there & lends, each / np.where(lends, mean, 1.0), np.inf).min(axis=1)
    order = np.argsort(part, kind="stable")
    reached = np.cumsum(odds[order])
    kept = (
        part[order[int(np.searchsorted(reached, breach * (1.0 + 1e-12), side="right"))]] if reached[-1] > breach else part.max()
    )
    if not np.isfinite(kept):  # scenarios without the stream cannot breach
        kept = part[np.isfinite(part)].max()
    present = float(mean[lends] @ ((1.0 + rate) ** (-clock.date_month[1:] / 12.0))[lends])
    return max(float(kept), 0.0) * present / float(mean[lends].sum())
