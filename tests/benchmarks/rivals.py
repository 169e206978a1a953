"""Solving one problem in one way, measured: our own two methods, and the reduced problem written in linopy.

`measure` runs in a process of its own: wall time, peak memory, and where the time goes.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from models.merit import merit
from models.problem import Problem
from tests.benchmarks.problems import SIZES, Size, prices, site_hours

OURS = "cuts"
#: the same program in one piece through Pyomo and HiGHS
WHOLE = ("extensive-simplex", "extensive-ipm")
#: the same program written in another tool; reduced problems only
LINOPY = ("linopy-simplex", "linopy-ipm")
METHODS = (OURS, *WHOLE, *LINOPY)
#: objectives of all methods agree within this, relative
AGREE = 1e-6
#: stages that the engine tells as it goes; 'cuts' is told inside them
ROUND = "cuts"


def measure(name: str, method: str) -> dict[str, Any]:
    """Solve the problem of that name by that method in this process. Times in seconds, memory in MB (2**20 bytes)."""
    size = SIZES[name]
    load = os.getloadavg()[0]
    start = time.perf_counter()
    case = size.make()
    problem = case if isinstance(case, Problem) else case.problem()
    made = time.perf_counter() - start
    start = time.perf_counter()
    for module in ("linopy",) if method in LINOPY else ("models.plan", "models.kernel", "models.proforma", "optimizer.engine"):
        import_module(module)
    imports = time.perf_counter() - start
    start = time.perf_counter()
    found = _linopy(problem, method) if method in LINOPY else _own(case, method)
    wall = time.perf_counter() - start
    return {
        "name": name,
        "about": size.about,
        "method": method,
        "prices": _prices(size),
        "site_hours": site_hours(problem),
        "scenarios": problem.scenarios.count,
        "periods": problem.clock.periods,
        "sites": len(problem.sites),
        "load": load,
        "make": made,
        "imports": imports,
        "wall": wall,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **found,
        "other": wall - found["kernel"] - found["highs"],
    }


def _prices(size: Size) -> str:
    return "of the case" if size.kind == "case" else prices()[1]


# ---- our own methods ---------------------------------------------------------------------------------------------------


class Watch:
    """Adds up seconds and calls of what it wraps, in all and by the engine's stage."""

    def __init__(self) -> None:
        self.stage = "read"
        self.seconds: dict[str, dict[str, float]] = {}
        self.calls: dict[str, int] = {}
        self.branches = 0

    def progress(self, stage: str, **numbers: float) -> None:
        if stage != ROUND:
            self.stage = stage
        self.branches = int(numbers.get("branches", self.branches))

    def total(self, what: str) -> float:
        return sum(self.seconds.get(what, {}).values())

    @contextmanager
    def over(self, owner: type, method: str, what: str) -> Iterator[list[Any]]:
        """Time every call of owner.method while the block runs; yields the objects it was called on, each once."""
        plain: Callable[..., Any] = getattr(owner, method)
        called: list[Any] = []

        def timed(*args: Any, **options: Any) -> Any:
            if not any(args[0] is known for known in called):
                called.append(args[0])
            start = time.perf_counter()
            try:
                return plain(*args, **options)
            finally:
                by_stage = self.seconds.setdefault(what, {})
                by_stage[self.stage] = by_stage.get(self.stage, 0.0) + time.perf_counter() - start
                self.calls[what] = self.calls.get(what, 0) + 1

        setattr(owner, method, timed)
        try:
            yield called
        finally:
            setattr(owner, method, plain)


def _own(case: Any, method: str) -> dict[str, Any]:
    """Build, solve, prove, books and all; in one piece without the choice among equal plans, which other tools do not make."""
    from models.decomposition import Cuts
    from models.oracle import Oracle
    from optimizer.engine import solve, solve_problem
    from optimizer.highs import Session

    options: dict[str, Any] = {"method": "cuts"}
    if method != OURS:
        options = {"method": "extensive", "algorithm": method.removeprefix("extensive-"), "canonical": False}
    watch = Watch()
    run: Callable[..., Any] = solve_problem if isinstance(case, Problem) else solve
    with (
        watch.over(Session, "solve", "highs"),
        watch.over(Oracle, "split", "kernel"),
        watch.over(Oracle, "dispatch", "kernel"),
        watch.over(Cuts, "tighten", "rounds") as tightened,
    ):
        solution = run(case, progress=watch.progress, **options)
    cuts = tightened[0] if tightened else None
    return {
        "outcome": solution.outcome.value,
        "reasons": list(solution.reasons),
        "objective": solution.objective,
        "gap": solution.gap,
        "rounds": cuts.rounds if cuts else None,
        "cuts": cuts.pool.count if cuts else None,
        "branches": watch.branches,
        "kernel": watch.total("kernel"),
        "highs": watch.total("highs"),
        "calls": watch.calls,
        "stages": solution.timings,
        "by_stage": watch.seconds,
        **solution.size,
    }


# ---- linopy ------------------------------------------------------------------------------------------------------------


def _linopy(problem: Problem, method: str) -> dict[str, Any]:
    """The reduced problem as anyone would write it in linopy: hours as one dimension, HiGHS on the arrays."""
    start = time.perf_counter()
    model, factor, constant = linopy_model(problem)
    built = time.perf_counter() - start
    start = time.perf_counter()
    status, condition = model.solve(
        solver_name="highs",
        io_api="direct",
        progress=False,
        output_flag=False,
        solver=method.removeprefix("linopy-"),
        threads=1,
        primal_feasibility_tolerance=1e-9,
        dual_feasibility_tolerance=1e-9,
    )
    solved = time.perf_counter() - start
    good = (status, condition) == ("ok", "optimal")
    return {
        "outcome": "optimal" if good else f"{status}: {condition}",
        "reasons": [],
        "objective": float(model.objective.value) * factor + constant if good else None,
        "gap": None,
        "rounds": None,
        "cuts": None,
        "kernel": 0.0,
        "highs": solved,
        "stages": {"build": built, "solve": solved},
        "rows": int(model.ncons),
        "columns": int(model.nvars),
    }


def linopy_model(problem: Problem) -> tuple[Any, float, float]:
    """(model, USD per unit of its objective, USD to add): orders, fleet, every hour's split, cash, value.

    Refuses a problem that has more than that.
    """
    import linopy
    import xarray as xr

    p, clock = problem, problem.clock
    extra = (p.services, p.projects, p.cash_flows, p.debts, p.equities, p.rules, p.tax, p.opening_ppe, p.objective.weight)
    grown = [x for place in p.sites for x in (place.expand, place.build_mining, place.build_ai, place.convert, place.diesel) if x]
    grown += [x for place in p.sites for x in (*place.blocks, *place.own)]
    if any(extra) or grown or p.treasury.coins or p.treasury.retain.any() or (p.scenarios.node != p.scenarios.node[:1]).any():
        raise ValueError("only a fleet, its hours and cash under one common plan are written in linopy")

    unit = 1e3  # USD; keeps the hours' coefficients well above the solver's absolute tolerance
    count, periods, dates = p.scenarios.count, clock.periods, clock.dates
    rig, site = [r.name for r in p.rigs], [s.name for s in p.sites]
    scenario, date, period = list(range(count)), list(range(dates)), list(range(periods))
    month = np.repeat(np.arange(periods), [len(i) for i in clock.hour_index])
    hour = np.arange(len(month))
    m = linopy.Model()

    def table(values: Any, *dims: str) -> Any:
        sizes = {"rig": rig, "site": site, "scenario": scenario, "date": date, "period": period, "hour": hour}
        return xr.DataArray(np.asarray(values, dtype=float), coords={d: sizes[d] for d in dims}, dims=dims)

    def at(array: Any, **where: Any) -> Any:
        return array.sel(**where, drop=True)

    # what is decided: MW ordered and sold at dates, MW that work in periods, dividends; rescue and cash in each scenario
    window = np.array([[r.window & (np.arange(dates) + r.lead <= periods - 1)] * len(site) for r in p.rigs])
    orders = m.add_variables(lower=0, upper=table(np.where(window, np.inf, 0.0), "rig", "site", "date"), name="orders")
    retired = m.add_variables(lower=0, coords=[("rig", rig), ("site", site), ("period", period)], name="retired")
    working = m.add_variables(lower=0, coords=[("rig", rig), ("site", site), ("period", period)], name="working")
    paid = m.add_variables(lower=0, coords=[("date", date)], name="dividends")
    rescue = m.add_variables(lower=0, coords=[("scenario", scenario), ("date", date)], name="rescue")
    cash = m.add_variables(lower=0, coords=[("scenario", scenario), ("date", date)], name="cash")

    # fleet: K[t] = K[t-1] + B[t-lead] - R[t]; what is past its life is gone; supply and limits
    for n, r in enumerate(p.rigs):
        for t in period:
            row = at(working, rig=r.name, period=t) + at(retired, rig=r.name, period=t)
            if t:
                row = row - at(working, rig=r.name, period=t - 1)
            if t >= r.lead:
                row = row - at(orders, rig=r.name, date=t - r.lead)
            m.add_constraints(row == table(r.owned if t == 0 else np.zeros(len(site)), "site"), name=f"fleet_{n}_{t}")
            expired = t - r.lead - r.life
            if t < r.owned_life and expired < 0:
                continue
            row = 1 * at(working, rig=r.name, period=t)
            if t >= r.lead:
                row = row - at(orders, rig=r.name).sel(date=slice(max(expired + 1, 0), t - r.lead)).sum("date")
            left = r.owned if t < r.owned_life else np.zeros(len(site))
            m.add_constraints(row <= table(left, "site"), name=f"life_{n}_{t}")
        m.add_constraints(at(orders, rig=r.name).sum("site") <= table(r.supply, "date"), name=f"supply_{n}")
        m.add_constraints(at(orders, rig=r.name).sum() <= r.limit, name=f"limit_{n}")
    halls = table([s.mining_mw for s in p.sites], "site")
    m.add_constraints(working.sum("rig") <= halls, name="halls")

    # every hour: what the rigs use is what the grid delivers
    uptime = table([r.uptime for r in p.rigs], "rig")
    line = table([s.interconnection_mw for s in p.sites], "site")
    price, margin = _hours(p)
    grid_upper = line.expand_dims({"scenario": scenario, "hour": hour}).transpose("site", "scenario", "hour")
    used = m.add_variables(
        lower=0, coords=[("rig", rig), ("site", site), ("scenario", scenario), ("hour", hour)], name="used"
    )  # fmt: skip
    bought = m.add_variables(lower=0, upper=grid_upper, name="bought")
    at_work = (uptime * working).sel(period=xr.DataArray(month, dims="hour", coords={"hour": hour})).drop_vars("period")
    m.add_constraints(used - at_work <= 0, name="available")
    m.add_constraints(used.sum("rig") - bought == 0, name="balance")

    # cash by date: hours settle a period later
    weight = table(np.concatenate(clock.weight) / unit, "hour")
    earned = (table(margin[:, :, month], "rig", "scenario", "hour") * weight * used).sum(["rig", "site"])
    spent = (table(price, "site", "scenario", "hour") * weight * bought).sum("site")
    settled = xr.DataArray(month + 1, dims="hour", coords={"hour": hour}, name="date")
    operating = (earned - spent).groupby(settled).sum()
    years = p.years
    upkeep = table(np.array([r.fixed_cost * years for r in p.rigs]) / unit, "rig", "period")
    fixed = (p.overhead + sum(s.fixed_cost + s.mining_cost * s.mining_mw + s.ai_cost * s.ai_mw for s in p.sites)) * years / unit
    keep = table(1.0 + p.treasury.cash_yield * years, "scenario", "period")
    buy = table(np.array([r.price for r in p.rigs]) / unit, "rig", "scenario", "date")
    resale = table(np.array([r.resale for r in p.rigs]) / unit, "rig", "scenario", "date")
    for d in date:
        row = at(cash, date=d) - at(rescue, date=d) + at(paid, date=d)
        row = row + (at(buy, date=d) * at(orders, date=d)).sum(["rig", "site"])
        if d < periods:
            row = row - (at(resale, date=d) * at(retired, period=d)).sum(["rig", "site"])
        right = np.full(count, p.treasury.cash / unit if d == 0 else 0.0)
        if d:
            row = row - at(keep, period=d - 1) * at(cash, date=d - 1) - at(operating, date=d)
            row = row + (at(upkeep, period=d - 1) * at(working, period=d - 1)).sum(["rig", "site"])
            right = right - fixed[:, d - 1]
        m.add_constraints(row == table(right, "scenario"), name=f"cash_{d}")

    # value: dividends less rescue, discounted; cash and rigs at the end
    odds = table(p.scenarios.probability, "scenario")
    factor = table(p.discount, "date")
    cost = 1.0 + (p.treasury.rescue_penalty or 0.0)
    end = float(p.discount[-1])
    worth = (odds * at(resale, date=periods)).sum("scenario") * (p.terminal.rigs * end)
    value = (factor * paid).sum() - (cost * odds * factor * rescue).sum() + (end * odds * at(cash, date=periods)).sum()
    value = value + (worth * at(working, period=periods - 1)).sum()
    m.add_objective(value, sense="max")
    return m, unit, p.terminal.opening_assets * end


def _hours(p: Problem) -> tuple[Any, Any]:
    """Grid price with adders (site, scenario, hour) and a rig's margin before power (rig, scenario, period), both USD/MWh."""
    count, periods = p.scenarios.count, p.clock.periods
    rigs = tuple(range(len(p.rigs)))
    price = np.empty((len(p.sites), count, sum(len(i) for i in p.clock.hour_index)))
    margin = np.empty((len(p.rigs), count, periods))
    for s in range(count):
        at = 0
        for t in range(periods):
            here = len(p.clock.hour_index[t])
            for i in range(len(p.sites)):
                m = merit(p, i, s, t, rigs, ())
                price[i, s, at : at + here] = m.sources[0].cost
                margin[:, s, t] = [use.value[0] for use in m.uses]
            at += here
    return price, margin
