"""A tiny default problem for tests, with builders of its parts: everything optional, everything can be replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from models.decisions import Decisions, SiteDispatch
from models.problem import (
    Array,
    CashFlow,
    Clock,
    Debt,
    Equity,
    Expansion,
    Grid,
    Hourly,
    Ints,
    Market,
    Objective,
    Problem,
    Rig,
    Scenarios,
    Service,
    Site,
    Tax,
    Treasury,
)


def clock_of(periods: int = 3, months: Any = 12, hours: int = 1, start_month: int = 2026 * 12) -> Clock:
    """`periods` of `months` each (a number or one per period); `hours` kept per period, of equal weight."""
    length = np.broadcast_to(np.asarray(months, dtype=np.int64), (periods,)).copy()
    real = np.asarray(length * 730.0, dtype=np.float64)
    index = tuple(np.arange(hours, dtype=np.int64) for _ in range(periods))
    weight = tuple(np.full(hours, real[t] / hours) for t in range(periods))
    return Clock(length, start_month, real, index, weight)


def hours_of(problem: Problem, count: int, first: int = 0) -> Problem:
    """The same with `count` consecutive hours in each period, the first at a position of the leap-year layout."""
    t = problem.clock.periods
    index = tuple(np.arange(first, first + count, dtype=np.int64) % 8784 for _ in range(t))
    clock = replace(
        problem.clock, hours=np.full(t, float(count)), hour_index=index, weight=tuple(np.ones(count) for _ in range(t))
    )
    return replace(problem, clock=clock)


def tree(scenarios: int, dates: int, apart_from: int = 1) -> Ints:
    """(S, D) nodes: one common node per date before `apart_from`, then each scenario by itself."""
    node = np.zeros((scenarios, dates), dtype=np.int64)
    for d in range(dates):
        node[:, d] = d * scenarios + (np.arange(scenarios) if d >= apart_from else 0)
    return node


def path(value: Any, scenarios: int, length: int) -> Array:
    """(S, length) from a number, a list over dates or a full array."""
    return np.array(np.broadcast_to(np.asarray(value, dtype=float), (scenarios, length)))


def tiny(
    periods: int = 3,
    months: Any = 12,
    scenarios: int = 1,
    hours: int = 1,
    start_month: int = 2026 * 12,
    apart_from: int = 1,
    probability: Any = None,
    cash: float = 1e9,
    coins: float = 0.0,
    cash_yield: Any = 0.0,
    retain: Any = 0.0,
    coin_fee: float = 0.0,
    rescue_penalty: float | None = None,
    btc_price: Any = 100_000.0,
    btc_price_mean: Any = None,
    hashprice: Any = 50.0,
    share_price: Any = None,
    discount: float = 0.08,
    weight: float = 0.0,
    tail: float = 0.1,
    tax_rate: float | None = None,
    nol: float = 0.0,
    nol_cap: float = 0.8,
    overhead: Any = 0.0,
    **overrides: Any,
) -> Problem:
    """A company with cash and nothing else: yearly periods, one scenario; `overrides` are fields of `Problem`."""
    s, t, d = scenarios, periods, periods + 1
    price = path(btc_price, s, d)
    market = Market(
        btc_price=price,
        btc_price_mean=path(btc_price_mean, s, t) if btc_price_mean is not None else (price[:, 1:] + price[:, :-1]) / 2,
        hashprice=path(hashprice, s, t),
        share_price=None if share_price is None else path(share_price, s, d),
        shares=1e6,
    )
    treasury = Treasury(
        cash=cash,
        coins=coins,
        cash_yield=path(cash_yield, s, t),
        retain=np.array(np.broadcast_to(np.asarray(retain, dtype=float), (t,))),
        coin_fee=coin_fee,
        sell=np.ones(d, dtype=bool),
        dividends=np.ones(d, dtype=bool),
        rescue_penalty=rescue_penalty,
    )
    odds = np.full(s, 1.0 / s) if probability is None else np.asarray(probability, dtype=float)
    tax = None if tax_rate is None else Tax(tax_rate, nol, nol_cap, np.zeros(t))
    fields: dict[str, Any] = {
        "name": "tiny",
        "clock": clock_of(periods, months, hours, start_month),
        "scenarios": Scenarios(tuple(f"s{i}" for i in range(s)), odds, tree(s, d, apart_from)),
        "market": market,
        "treasury": treasury,
        "objective": Objective(discount, weight, tail),
        "overhead": path(overhead, s, t),
        "tax": tax,
    }
    return Problem(**(fields | overrides))


def every_date(problem: Problem, value: float = np.inf) -> Array:
    """(D,) the same value at every date."""
    return np.full(problem.clock.dates, value)


def dates(problem: Problem, *which: int) -> Any:
    """(D,) mask of the given dates; of all dates if none is given."""
    mask = np.zeros(problem.clock.dates, dtype=bool)
    mask[list(which) if which else slice(None)] = True
    return mask


def hourly(problem: Problem, value: Any) -> Hourly:
    """An hourly quantity: a number, or the values of the first kept hours (the same in every scenario and period)."""
    s, t = problem.scenarios.count, problem.clock.periods
    profile = np.zeros((1, 8784))
    values = np.atleast_1d(np.asarray(value, dtype=float))
    profile[0, :] = values[0] if len(values) == 1 else 0.0
    if len(values) > 1:
        profile[0, : len(values)] = values
    return Hourly(profile, np.zeros(s, dtype=np.int64), np.ones((s, t)), np.zeros((s, t)))


def debt_of(problem: Problem, name: str = "notes", kind: str = "notes", rate: Any = 0.08, **terms: Any) -> Debt:
    """A debt that may be issued at every date up to 1e9 USD; yearly coupons; give `maturity` or `tenor`."""
    base: dict[str, Any] = {
        "window": dates(problem),
        "limit": 1e9,
        "date_limit": every_date(problem),
        "frequency": 12,
    }
    if "maturity" not in terms and "tenor" not in terms:
        base["maturity"] = int(problem.clock.date_month[-1])
    return Debt(name=name, kind=kind, rate=path(rate, problem.scenarios.count, problem.clock.periods), **(base | terms))


def equity_of(problem: Problem, name: str = "shares", **terms: Any) -> Equity:
    """Shares that may be sold at every date without limit."""
    base: dict[str, Any] = {"window": dates(problem), "limit": np.inf, "date_limit": every_date(problem)}
    return Equity(name=name, **(base | terms))


def stream(problem: Problem, amount: Any, name: str = "business", **terms: Any) -> CashFlow:
    """A given stream: a number or list over dates, USD at each date."""
    return CashFlow(name, path(amount, problem.scenarios.count, problem.clock.dates), **terms)


def expansion_of(problem: Problem, cost: Any = 1e6, lead: int = 0, limit: float = 100.0, **terms: Any) -> Expansion:
    """A build that may be ordered at every date, USD per MW."""
    priced = path(cost, problem.scenarios.count, problem.clock.dates)
    return Expansion(cost=priced, window=dates(problem), lead=lead, limit=limit, **terms)


def site_of(problem: Problem, name: str = "home", price: Any = 40.0, adder: Any = 0.0, **terms: Any) -> Site:
    """A site on the grid with 100 MW of interconnection, 60 MW of mining hall and 20 critical MW of AI hall."""
    s, t = problem.scenarios.count, problem.clock.periods
    base: dict[str, Any] = {
        "interconnection_mw": 100.0,
        "mining_mw": 60.0,
        "ai_mw": 20.0,
        "gross_ratio": 1.25,
        "mining_per_ai": 1.25,
        "delay": np.zeros(s, dtype=np.int64),
        "fixed_cost": np.zeros((s, t)),
        "mining_cost": 0.0,
        "ai_cost": 0.0,
        "grid": None if price is None else Grid(hourly(problem, price), hourly(problem, adder)),
    }
    return Site(name=name, **(base | terms))


def rig_of(problem: Problem, name: str = "rig", price: Any = 0.8e6, resale: Any = 0.2e6, **terms: Any) -> Rig:
    """A rig of 60 PH/s per MW (17 J/TH) that may be ordered at every date, works at once and for ever."""
    s, d = problem.scenarios.count, problem.clock.dates
    sites = terms.pop("site_count", max(len(problem.sites), 1))
    base: dict[str, Any] = {
        "density": 60.0,
        "uptime": 1.0,
        "pool_fee": 0.0,
        "variable_cost": 0.0,
        "fixed_cost": 0.0,
        "window": dates(problem),
        "lead": 0,
        "life": 1000,
        "supply": every_date(problem),
        "limit": np.inf,
        "owned": np.zeros(sites),
        "owned_life": 1000,
        "sites": np.ones(sites, dtype=bool),
    }
    return Rig(name=name, price=path(price, s, d), resale=path(resale, s, d), **(base | terms))


def service_of(problem: Problem, name: str = "tenant", kind: str = "lease", rate: Any = 1.5e6, **terms: Any) -> Service:
    """An AI service of up to 50 critical MW signed at any date, for ten periods, whose tenant pays its energy."""
    s, t = problem.scenarios.count, problem.clock.periods
    sites = terms.pop("site_count", max(len(problem.sites), 1))
    base: dict[str, Any] = {
        "sites": np.ones(sites, dtype=bool),
        "window": dates(problem),
        "lead": 0,
        "term": 10,
        "ramp": (),
        "escalator": 0.0,
        "limit": 50.0,
        "minimum": 0.0,
        "contracted": np.zeros(sites),
        "contracted_term": 0,
        "demand": hourly(problem, 1.0),
        "reimbursed": "grid",
        "penalty": np.zeros((s, t)),
        "floor": 0.0,
        "variable_cost": 0.0,
        "fixed_cost": 0.0,
    }
    return Service(name=name, kind=kind, rate=path(rate, s, t), **(base | terms))


def idle(problem: Problem, **decided: Any) -> Decisions:
    """Decisions that do nothing, with every site dark, unless `decided` says otherwise."""
    shape = (problem.scenarios.count, problem.clock.dates)
    dispatch = {
        (site.name, s, t): SiteDispatch({}, {})
        for site in problem.sites
        for s in range(shape[0])
        for t in range(problem.clock.periods)
    }
    base = Decisions(np.zeros(shape), np.zeros(shape), np.zeros(shape), dispatch=dispatch)
    return replace(base, **decided)


def at(problem: Problem, amounts: dict[int, float]) -> Array:
    """(S, D) zero but for {date: amount}, the same in every scenario."""
    values = np.zeros((problem.scenarios.count, problem.clock.dates))
    for d, amount in amounts.items():
        values[:, d] = amount
    return values
