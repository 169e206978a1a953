"""The reduced problem written in linopy, the modelling layer beneath PyPSA, as anyone would write it: hours as one dimension."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from models.hours.merit import merit
from models.problem import Problem

#: HiGHS at its own settings, where 'ipm' is its newest interior point; arrays are handed over without files
HIGHS = {"solver_name": "highs", "io_api": "direct", "output_flag": False}


def solve_with_linopy(problem: Problem, algorithm: str) -> dict[str, Any]:
    """Build, solve and tell: outcome, objective (USD), seconds in HiGHS, iterations, stages. algorithm: 'simplex' | 'ipm' | 'ipx'."""
    start = time.perf_counter()
    model, factor, constant = linopy_model(problem)
    built = time.perf_counter()
    status, condition = model.solve(**HIGHS, progress=False, solver=algorithm)
    solved = time.perf_counter()
    return {
        **told(model, status, condition, lambda value: value * factor + constant),
        "stages": {"build": built - start, "solve": solved - built},
    }


def told(model: Any, status: str, condition: str, money: Any) -> dict[str, Any]:
    """What a solved linopy model says of its run; money turns its objective into USD."""
    good = (status, condition) == ("ok", "optimal")
    solver = model.solver_model
    info = solver.getInfo()
    counts = (info.simplex_iteration_count, info.ipm_iteration_count, info.crossover_iteration_count)
    return {
        "outcome": "optimal" if good else f"{status}: {condition}",
        "reasons": [],
        "objective": money(float(model.objective.value)) if good else None,
        "iterations": sum(max(0, int(count)) for count in counts),
        "highs": float(solver.getRunTime()),
        "rows": int(model.ncons),
        "columns": int(model.nvars),
    }


def linopy_model(problem: Problem) -> tuple[Any, float, float]:
    """(model, USD per unit of its objective, USD to add): orders, fleet, every hour's split, cash, value.

    Refuses a problem that has more than that.
    """
    import linopy
    import pandas as pd
    import xarray as xr

    p, clock = problem, problem.clock
    extra = (p.services, p.projects, p.cash_flows, p.debts, p.equities, p.rules, p.tax, p.opening_ppe, p.objective.weight)
    grown = [x for place in p.sites for x in (place.expand, place.build_mining, place.build_ai, place.convert, place.diesel) if x]
    grown += [x for place in p.sites for x in (*place.blocks, *place.own)]
    if any(extra) or grown or p.treasury.coins or p.treasury.retain.any() or (p.scenarios.node != p.scenarios.node[:1]).any():
        raise ValueError("only a fleet, its hours and cash under one common plan are written in linopy")

    unit = 1e3  # USD; keeps the hours' coefficients well above the solver's absolute tolerance of 1e-7
    count, periods, dates = p.scenarios.count, clock.periods, clock.dates
    month = np.repeat(np.arange(periods), [len(i) for i in clock.hour_index])
    coords: dict[str, Any] = {
        "rig": [r.name for r in p.rigs],
        "site": [s.name for s in p.sites],
        "scenario": np.arange(count),
        "date": np.arange(dates),
        "hour": np.arange(len(month)),
    }
    m = linopy.Model()

    def table(values: Any, *dims: str) -> Any:
        return xr.DataArray(np.asarray(values, dtype=float), coords={d: coords[d] for d in dims}, dims=dims)

    def by_date(values: Any, first: int) -> Any:
        """(..., T) numbers of periods at their date: where they begin (first = 0) or settle (first = 1); the other end is 0."""
        values = np.asarray(values, dtype=float)
        end = np.zeros((*values.shape[:-1], 1))
        return np.concatenate([values, end] if first == 0 else [end, values], axis=-1)

    def variables(name: str, *dims: str, upper: Any = np.inf) -> Any:
        return m.add_variables(lower=0, upper=upper, coords=[pd.Index(coords[d], name=d) for d in dims], name=name)

    # what is decided: MW ordered and sold at dates, MW that work from a date to the next, dividends; rescue and cash in each scenario
    window = np.array([[r.window & (np.arange(dates) + r.lead <= periods - 1)] * len(p.sites) for r in p.rigs])
    in_period = table(np.where(np.arange(dates) < periods, np.inf, 0.0), "date")
    orders = variables("orders", "rig", "site", "date", upper=table(np.where(window, np.inf, 0.0), "rig", "site", "date"))
    retired = variables("retired", "rig", "site", "date", upper=in_period)
    working = variables("working", "rig", "site", "date", upper=in_period)
    paid = variables("dividends", "date")
    rescue, cash = variables("rescue", "scenario", "date"), variables("cash", "scenario", "date")

    # fleet: K[t] = K[t-1] + B[t-lead] - R[t]; what is past its life is gone; supply and limits
    owned = np.array([r.owned for r in p.rigs])
    lead, life, owned_life = (np.array([getattr(r, of) for r in p.rigs])[:, None] for of in ("lead", "life", "owned_life"))
    t, d = np.arange(dates)[None, :, None], np.arange(dates)[None, None, :]
    alive = (d <= t - lead[:, :, None]) & (d > t - (lead + life)[:, :, None])
    arrived = (d == t - lead[:, :, None]) & (t < periods)
    of_order = orders.rename(date="order")
    arrives, lives = (
        xr.DataArray(x.astype(float), coords={"rig": coords["rig"], "date": coords["date"], "order": coords["date"]})
        for x in (arrived, alive)
    )
    begin = table(np.concatenate([owned[:, :, None], np.zeros((*owned.shape, dates - 1))], axis=-1), "rig", "site", "date")
    period = table(np.arange(dates) < periods, "date").astype(bool)
    fleet = working + retired - working.shift(date=1).fillna(0) - (arrives * of_order).sum("order")
    m.add_constraints(fleet == begin, name="fleet", mask=period)
    expires = (np.arange(dates)[None] >= np.minimum(owned_life, lead + life)) & (np.arange(dates)[None] < periods)
    left = table(owned[:, :, None] * (np.arange(dates) < owned_life)[:, None, :], "rig", "site", "date")
    if expires.any():
        young = working - (lives * of_order).sum("order")
        m.add_constraints(young <= left, name="life", mask=table(expires, "rig", "date").astype(bool))
    m.add_constraints(orders.sum("site") <= table([r.supply for r in p.rigs], "rig", "date"), name="supply")
    m.add_constraints(orders.sum(["site", "date"]) <= table([r.limit for r in p.rigs], "rig"), name="limit")
    m.add_constraints(working.sum("rig") <= table([s.mining_mw for s in p.sites], "site"), name="halls")

    # every hour: what the rigs use is what the grid delivers
    uptime = table([r.uptime for r in p.rigs], "rig")
    price, delivered, margin = _hours(p)
    used = variables("used", "rig", "site", "scenario", "hour")
    bought = variables("bought", "site", "scenario", "hour", upper=table(delivered, "site", "scenario", "hour"))
    at_work = (uptime * working).sel(date=xr.DataArray(month, dims="hour", coords={"hour": coords["hour"]})).drop_vars("date")
    m.add_constraints(used - at_work <= 0, name="available")
    m.add_constraints(used.sum("rig") - bought == 0, name="balance")

    # cash by date: hours settle a period later
    weight = table(np.concatenate(clock.weight) / unit, "hour")
    earned = (table(margin[:, :, month], "rig", "scenario", "hour") * weight * used).sum(["rig", "site"])
    spent = (table(price, "site", "scenario", "hour") * weight * bought).sum("site")
    settled = xr.DataArray(month + 1, dims="hour", coords={"hour": coords["hour"]}, name="date")
    operating = (earned - spent).groupby(settled).sum().reindex(date=coords["date"]).fillna(0)
    years = p.years
    upkeep = table(by_date(np.array([r.fixed_cost * years for r in p.rigs]) / unit, 1), "rig", "date")
    fixed = (p.overhead + sum(s.fixed_cost + s.mining_cost * s.mining_mw + s.ai_cost * s.ai_mw for s in p.sites)) * years / unit
    keep = table(by_date(1.0 + p.treasury.cash_yield * years, 1), "scenario", "date")
    buy = table(np.array([r.price for r in p.rigs]) / unit, "rig", "scenario", "date")
    resale = table(np.array([r.resale for r in p.rigs]) / unit, "rig", "scenario", "date")
    opening = np.where(np.arange(dates) == 0, p.treasury.cash / unit, 0.0)
    flows = (buy * orders).sum(["rig", "site"]) - (resale * retired).sum(["rig", "site"])
    flows = flows + (upkeep * working.shift(date=1).fillna(0)).sum(["rig", "site"]) - operating
    row = cash - rescue + paid + flows - keep * cash.shift(date=1).fillna(0)
    m.add_constraints(row == table(opening - by_date(fixed, 1), "scenario", "date"), name="cash")

    # value: dividends less rescue, discounted; cash and rigs at the end
    odds = table(p.scenarios.probability, "scenario")
    factor = table(p.discount, "date")
    cost = 1.0 + (p.treasury.rescue_penalty or 0.0)
    end = float(p.discount[-1])
    worth = (odds * resale.sel(date=periods, drop=True)).sum("scenario") * (p.terminal.rigs * end)
    value = (factor * paid).sum() - (cost * odds * factor * rescue).sum()
    value = value + (end * odds * cash.sel(date=periods, drop=True)).sum()
    value = value + (worth * working.sel(date=periods - 1, drop=True)).sum()
    m.add_objective(value, sense="max")
    return m, unit, p.terminal.opening_assets * end


def _hours(p: Problem) -> tuple[Any, Any, Any]:
    """Grid price with adders and grid MW (site, scenario, hour), and a rig's margin before power (rig, scenario, period), USD/MWh."""
    count, periods = p.scenarios.count, p.clock.periods
    rigs = tuple(range(len(p.rigs)))
    price = np.empty((len(p.sites), count, sum(len(i) for i in p.clock.hour_index)))
    delivered = np.empty_like(price)
    margin = np.empty((len(p.rigs), count, periods))
    for s in range(count):
        at = 0
        for t in range(periods):
            here = slice(at, at + len(p.clock.hour_index[t]))
            for i, place in enumerate(p.sites):
                m = merit(p, i, s, t, rigs, ())
                price[i, s, here] = m.sources[0].cost
                delivered[i, s, here] = m.sources[0].limit * place.interconnection_mw
                margin[:, s, t] = [use.value[0] for use in m.uses]
            at = here.stop
    return price, delivered, margin
