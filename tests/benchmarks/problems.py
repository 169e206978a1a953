"""Problems of any size, every hour of every month kept, and what the sizes are called.

`whole` has every part of the program: sites with halls and interconnection that grow, rigs, AI services, four debts, two kinds of
shares, tax with a loss carried forward, a floor on cash and a coverage rule. `reduced` has a fleet, the hourly split, cash and nothing
else: what a general modelling tool can state in a page. `network` has capacities that are chosen once, the hourly split and the tail of
the scenarios: what a tool for power systems can state.

Anything else than the named sizes is called after its numbers: whole-1x12x3x2x1 has 1 site, 12 months, 3 scenarios, 2 rigs and 1
service; reduced-... and network-... alike (reduced has no services).
"""

from __future__ import annotations

import calendar
import csv
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from models.problem import (
    LEAP_HOURS,
    Array,
    Clock,
    Conversion,
    Depreciation,
    Equity,
    Expansion,
    Grid,
    Hourly,
    Payments,
    Problem,
    Rule,
    Service,
    Site,
    Tax,
    Terminal,
)
from optimizer.case.reading.bundled_shapes import draw, load_shape
from optimizer.case.reading.hourly_year import HourlyYear
from optimizer.case.reading.time_stamps import year_from_stamps
from tests.shared.places import ROOT
from tests.shared.random_problems import MACRS
from tests.shared.tiny import debt_of, every_date, hourly, path, rig_of, service_of, site_of, tiny, tree

#: folder with real price files, if somebody has one; without it anyone's run has the same prices
DATA = os.environ.get("WATTFOLIO_DATA")
SHAPE = "ercot-hub-2024"
START = 2026


# ---- prices ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def prices() -> tuple[Array, str]:
    """(P, 8784) yearly profiles of ERCOT hub prices, USD/MWh, and what they are.

    Five draws of the bundled shape; real years where WATTFOLIO_DATA names a folder with power/ercot_hb_hubavg_dam_YEAR.csv.
    """
    files = sorted((Path(DATA) / "power").glob("ercot_hb_hubavg_dam_*.csv")) if DATA else []
    if DATA and not files:
        raise FileNotFoundError(f"WATTFOLIO_DATA is {DATA}, but there is no power/ercot_hb_hubavg_dam_*.csv in it")
    if files:
        years = [_read(file) for file in files]
        about = f"ERCOT hub average day-ahead {', '.join(file.stem[-4:] for file in files)} (files)"
    else:
        years = [draw(load_shape(SHAPE), seed) for seed in range(5)]
        about = f"bundled shape {SHAPE}, 5 draws"
    return np.array([year.for_year(2024) for year in years]), about


def _read(file: Path) -> HourlyYear:
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return year_from_stamps([r["datetime_local"] for r in rows], np.array([float(r["price_usd_per_mwh"]) for r in rows]), None)


def price_of(rng: np.random.Generator, scenarios: int, periods: int) -> Hourly:
    """Scenario s repeats one of the price years, times a random walk over the months."""
    profiles, _ = prices()
    factor = np.clip(1.0 + np.cumsum(rng.normal(0.0, 0.03, (scenarios, periods)), axis=1), 0.5, 2.0)
    which = np.arange(scenarios, dtype=np.int64) % len(profiles)
    return Hourly(profiles, which, factor, np.zeros((scenarios, periods)))


def every_hour(months: int, start_year: int = START) -> Clock:
    """`months` calendar months with all their hours, each of weight one."""
    starts = np.concatenate([[0], np.cumsum([calendar.monthrange(2024, m)[1] for m in range(1, 13)])]) * 24
    index = []
    for t in range(months):
        year, month = start_year + t // 12, t % 12
        index.append(np.arange(starts[month], starts[month] + calendar.monthrange(year, month + 1)[1] * 24, dtype=np.int64))
    hours = np.array([len(i) for i in index], dtype=float)
    return Clock(np.ones(months, dtype=np.int64), start_year * 12, hours, tuple(index), tuple(np.ones(len(i)) for i in index))


def thinned(problem: Problem, kept: int) -> Problem:
    """The same with `kept` evenly spread hours of every month, each standing for its share: a long horizon that is small."""
    clock = problem.clock
    index = tuple(i[np.linspace(0, len(i) - 1, kept).astype(np.int64)] for i in clock.hour_index)
    return replace(problem, clock=replace(clock, hour_index=index, weight=tuple(np.full(kept, h / kept) for h in clock.hours)))


# ---- the whole problem -----------------------------------------------------------------------------------------------


def whole(
    sites: int,
    months: int,
    scenarios: int,
    rigs: int,
    services: int = 1,
    seed: int = 0,
    information: int | None = None,
    retain: float = 0.0,
) -> Problem:
    """Every part of the program. information: months until scenarios plan apart (None: one common plan for the whole horizon).

    retain: share of coins kept, which links the hours by their coins. Prices of coins, hashes, shares and power are random walks.
    """
    rng = np.random.default_rng(seed)
    dates, years = months + 1, np.arange(months + 1) / 12
    p = tiny(
        months,
        1,
        scenarios,
        cash=60e6,
        cash_yield=0.03,
        retain=retain,
        rescue_penalty=1.0,
        btc_price=90_000 * np.exp(np.cumsum(rng.normal(0.005, 0.1, (scenarios, dates)), axis=1)),
        hashprice=np.clip(45 * np.exp(np.cumsum(rng.normal(-0.012, 0.08, (scenarios, months)), axis=1)), 15, 120),
        share_price=15 * np.exp(np.cumsum(rng.normal(0.01, 0.08, (scenarios, dates)), axis=1)),
        overhead=2e7,
        discount=0.12,
        weight=0.3,
        tail=0.2,
    )
    apart = dates if information is None else min(information, dates)
    p = replace(
        p,
        name="benchmark",
        clock=every_hour(months),
        scenarios=replace(p.scenarios, node=tree(scenarios, dates, apart)),
        terminal=Terminal(0.8, 1.0, 0.3, 0.3, 0.2, 0.0, 0.12),
        tax=Tax(0.21, 2e7, 0.8, np.zeros(months)),
        money=1e6,
    )
    p = replace(p, sites=tuple(_site(p, f"site{i}", rng) for i in range(sites)))
    made = []
    for r in range(rigs):
        price = (0.5e6 + 0.15e6 * r) * np.exp(-0.2 * years)[None] * np.exp(rng.normal(0, 0.1, (scenarios, 1)))
        made.append(
            rig_of(
                p,
                f"rig{r}",
                price,
                0.4 * price,
                density=45.0 + 9.0 * r,
                uptime=0.96,
                pool_fee=0.01,
                lead=2,
                life=48,
                supply=every_date(p, 30.0),
                limit=300.0,
                owned=np.full(sites, 40.0 if r == 0 else 0.0),
                owned_life=30,
                window=np.arange(dates) % 3 == 0,
                depreciation=Depreciation("macrs", 0, MACRS, 0, 48),
            )
        )
    p = replace(p, rigs=tuple(made), services=tuple(_service(p, j, rng) for j in range(services)))
    return _financed(p, months)


def _site(p: Problem, name: str, rng: np.random.Generator) -> Site:
    """150 MW of interconnection, 80 MW of mining hall, everything can grow in the first three years, quarter by quarter."""
    count, periods, dates = p.scenarios.count, p.clock.periods, p.clock.dates
    window = (np.arange(dates) % 3 == 0) & (np.arange(dates) < 36)
    straight = Depreciation("straight", 180, (), 0, 180)

    def grow(cost: float, lead: int, limit: float) -> Expansion:
        return Expansion(path(cost, count, dates), window, lead, limit, Payments(((0, 0.5), (lead, 0.5))), straight)

    return site_of(
        replace(p, sites=()),
        name,
        interconnection_mw=150.0,
        mining_mw=80.0,
        ai_mw=0.0,
        gross_ratio=1.3,
        mining_per_ai=1.3,
        fixed_cost=path(2e6, count, periods),
        expand=grow(0.3e6, 12, 100.0),
        build_mining=grow(0.4e6, 4, 60.0),
        build_ai=grow(9e6, 9, 60.0),
        convert=grow(6e6, 6, 40.0),
        grid=Grid(price_of(rng, count, periods), hourly(p, 5.0)),
    )


def _service(p: Problem, j: int, rng: np.random.Generator) -> Service:
    """Leases and clouds in turn, with a daily wave of demand."""
    count, periods, dates = p.scenarios.count, p.clock.periods, p.clock.dates
    lease = j % 2 == 0
    wave = 0.7 + 0.3 * np.sin(np.arange(LEAP_HOURS) * 2 * np.pi / 24) + rng.normal(0, 0.05, LEAP_HOURS)
    demand = Hourly(
        np.clip(wave, 0.1, 1.0)[None], np.zeros(count, dtype=np.int64), np.ones((count, periods)), np.zeros((count, periods))
    )
    return service_of(
        p,
        f"ai{j}",
        "lease" if lease else "cloud",
        rate=1.8e6 if lease else path(1400 * np.exp(rng.normal(0, 0.2, (count, 1))), count, periods),
        window=(np.arange(dates) % 3 == 0) & (np.arange(dates) < 30),
        lead=9,
        term=120,
        limit=80.0,
        demand=demand,
        penalty=path(500.0, count, periods),
        reimbursed="grid" if lease else None,
        equipment=None if lease else path(25e6, count, dates),
        depreciation=Depreciation("macrs", 0, MACRS, 0, 60),
    )


def _financed(p: Problem, months: int) -> Problem:
    """Notes, a loan, a convertible, a revolver; shares to the market and to the owners; a floor on cash and a coverage rule."""
    count, dates = p.scenarios.count, p.clock.dates
    date = np.arange(dates)
    window = (date % 3 == 0) & (date < 36)
    debts = (
        debt_of(
            p,
            "notes",
            rate=0.0775,
            limit=1500e6,
            fee=0.02,
            frequency=6,
            window=window,
            maturity=months + 6,
            amortisation="level",
            grace=24,
            collateral=("rigs", "halls", "equipment"),
            advance_rate=0.6,
        ),
        debt_of(
            p,
            "term",
            "loan",
            rate=0.09,
            limit=300e6,
            fee=0.01,
            frequency=3,
            window=window,
            tenor=48,
            amortisation="annuity",
            grace=6,
        ),
        debt_of(
            p,
            "convert",
            "convertible",
            rate=0.01,
            limit=300e6,
            fee=0.025,
            frequency=6,
            window=np.isin(date, (0, 6, 12)),
            tenor=60,
            conversion=Conversion(0.3, 0.05, 1.0),
        ),
        debt_of(p, "revolver", "revolver", rate=0.085, limit=80e6, commitment=0.005, maturity=months + 1),
    )
    shares = (
        Equity("market", window, 800e6, every_date(p, 200e6), "new", 0.03, 0.02),
        Equity("owners", date == 0, 50e6, every_date(p)),
    )
    one, always = np.ones((count, dates)), np.ones((count, dates), dtype=bool)
    rules = (
        Rule("cash", "cash >= 10 MUSD", {("cash", None): one}, ">=", 10e6 * one, always),
        Rule(
            "cover",
            "ebitda >= 1.2 * debt_service",
            {("ebitda", None): one, ("debt_service", None): -1.2 * one},
            ">=",
            0.0 * one,
            always & (date > 18),
            0.05,
        ),
    )
    return replace(p, debts=debts, equities=shares, rules=rules)


# ---- the reduced problem ---------------------------------------------------------------------------------------------


def reduced(sites: int, months: int, scenarios: int, rigs: int, seed: int = 0) -> Problem:
    """A fleet, its hours and cash, no tax, no debt: orders, retirement and dividends of one common plan, rescue in each scenario.

    The grid delivers more or less from hour to hour, so the last megawatt of rigs runs in some of them.
    """
    full, rng = whole(sites, months, scenarios, rigs, 0, seed), np.random.default_rng(seed)
    wave = 0.8 + 0.15 * np.sin(np.arange(LEAP_HOURS) * 2 * np.pi / 24) + rng.normal(0.0, 0.05, LEAP_HOURS)
    flat = np.ones((scenarios, months))
    delivered = Hourly(np.clip(wave, 0.3, 1.0)[None], np.zeros(scenarios, dtype=np.int64), flat, 0.0 * flat)
    places = []
    for place in full.sites:
        assert place.grid is not None
        grid = replace(place.grid, availability=delivered)
        fixed: dict[str, Any] = {"expand": None, "build_mining": None, "build_ai": None, "convert": None}
        places.append(replace(place, grid=grid, mining_mw=140.0, interconnection_mw=130.0, **fixed))
    return replace(
        full,
        name="reduced benchmark",
        sites=tuple(places),
        rigs=tuple(replace(rig, resale=0.7 * rig.price, fixed_cost=1e4) for rig in full.rigs),
        debts=(),
        equities=(),
        rules=(),
        tax=None,
        objective=replace(full.objective, weight=0.0),
        treasury=replace(full.treasury, cash=300e6),
    )


# ---- the network -----------------------------------------------------------------------------------------------------


def network(sites: int, months: int, scenarios: int, rigs: int, services: int = 1, seed: int = 0) -> Problem:
    """Rigs, AI services and interconnection chosen at date 0 for good; every hour split in each scenario; mean and CVaR.

    There is no balance sheet: cash earns exactly the discount rate and is never short, so when it is paid out makes no difference,
    and the objective is that of the discounted cash of purchases and hours.
    """
    full, rng = whole(sites, months, scenarios, rigs, services, seed), np.random.default_rng(seed)
    dates, years, start = months + 1, months / 12, np.arange(months + 1) == 0
    always = 10 * dates
    grown = (full.discount[:-1] / full.discount[1:] - 1.0) / full.years
    places = tuple(
        replace(
            place,
            mining_mw=140.0,
            ai_mw=30.0,
            build_mining=None,
            build_ai=None,
            convert=None,
            fixed_cost=np.zeros((scenarios, months)),
            interconnection_mw=80.0,
            expand=Expansion(path(0.15e6 * years, scenarios, dates), start, 0, 150.0),
        )
        for place in full.sites
    )
    # dear rigs pay where there is always power, cheap ones in the hours that AI leaves
    fleet = tuple(
        replace(
            rig_of(full, f"rig{r}", (0.1 + 0.1 * r) * 1e6 * years, 0.0, window=start, life=always, site_count=sites),
            density=50.0 + 8.0 * r,
            uptime=0.96,
            pool_fee=0.01,
        )
        for r in range(rigs)
    )
    ai = tuple(
        replace(
            service,
            kind="cloud",
            rate=path(150.0 * np.exp(rng.normal(0.0, 0.2, (scenarios, 1))), scenarios, months),
            reimbursed=None,
            window=start,
            lead=0,
            term=always,
            limit=np.inf,
            penalty=np.zeros((scenarios, months)),
            equipment=path(0.4e6 * years, scenarios, dates),
            depreciation=Depreciation(),
        )
        for service in full.services
    )
    hashprice = 40.0 * np.exp(rng.normal(0.0, 0.15, (scenarios, 1)) + rng.normal(0.0, 0.05, (scenarios, months)))
    # more than everything together costs
    enough = 1e6 * years * sum(place.mining_mw * rigs + place.ai_mw + 150.0 for place in places)
    return replace(
        full,
        name="network benchmark",
        market=replace(full.market, hashprice=hashprice),
        sites=places,
        rigs=fleet,
        services=ai,
        debts=(),
        equities=(Equity("owners", start, enough, every_date(full)),),
        rules=(),
        tax=None,
        terminal=Terminal(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.12),
        overhead=np.zeros((scenarios, months)),
        treasury=replace(full.treasury, cash=0.0, cash_yield=path(grown, scenarios, months), rescue_penalty=None),
    )


# ---- sizes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """A problem to measure: a shipped case, or arrays made on demand."""

    name: str
    about: str
    make: Callable[[], Any]
    kind: str  # 'case' | 'whole' | 'reduced' | 'network'

    def arrays(self) -> Problem:
        made = self.make()
        return made if isinstance(made, Problem) else made.problem()


NUMBERS = ("sites", "months", "scenarios", "rigs", "services")
MAKERS: dict[str, tuple[Callable[..., Problem], str]] = {
    "whole": (whole, "everything"),
    "reduced": (reduced, "fleet, hours and cash"),
    "network": (network, "capacities chosen once and hours"),
}


def _case(name: str) -> Size:
    def load() -> Any:
        from optimizer.case.case import Case

        return Case.load(ROOT / "cases" / f"{name}.yaml")

    return Size(name, "shipped case", load, "case")


def _made(name: str, kind: str, *counts: int, **more: Any) -> Size:
    numbers = dict(zip(NUMBERS, counts, strict=False))
    make, what = MAKERS[kind]
    about = ", ".join(f"{v} {k if v != 1 else k[:-1]}" for k, v in numbers.items())
    if kind == "whole":
        apart = more.get("information")
        about += "; one common plan" if apart is None else f"; scenarios apart after {apart} months"
    return Size(name, f"{what}: {about}", lambda: make(**numbers, **more), kind)


def size_of(name: str) -> Size:
    """The size of that name. Raises KeyError where there is none."""
    if name in SIZES:
        return SIZES[name]
    found = re.fullmatch(r"(whole|reduced|network)-(\d+(?:x\d+)+)", name)
    counts = [int(n) for n in found[2].split("x")] if found else []
    if found is None or len(counts) != (4 if found[1] == "reduced" else 5) or not all(counts[:4]):
        raise KeyError(f"no problem is called {name!r}: there are {', '.join(SIZES)}, or e.g. whole-1x12x3x2x1")
    return _made(name, found[1], *counts)


_LARGE, _MEDIUM = (3, 60, 20, 6, 2), (2, 36, 6, 4, 2)
SIZES = {
    size.name: size
    for size in (
        _case("quickstart"),
        _case("lake-mariner"),
        _made("tiny", "whole", 1, 6, 1, 2, 1),
        _made("small", "whole", 1, 12, 3, 2, 1),
        _made("medium", "whole", *_MEDIUM),
        _made("large", "whole", *_LARGE),
        _made("huge", "whole", 5, 120, 100, 6, 2),
        _made("medium-information", "whole", *_MEDIUM, information=12),
        _made("large-information", "whole", *_LARGE, information=12),
    )
}


def rung(kind: str, k: int) -> str:
    """Name of a problem with 2^k times the site-hours of the smallest, which is a quarter of one site in one scenario.

    First comes the year, then scenarios, sites, scenarios and months double in turn.
    """
    sites, months, scenarios = 1, 3, 1
    for step in range(k):
        if step < 2 or (step - 2) % 4 == 3:
            months *= 2
        elif (step - 2) % 4 == 1:
            sites *= 2
        else:
            scenarios *= 2
    return f"{kind}-{sites}x{months}x{scenarios}x4" + ("" if kind == "reduced" else "x1")


def site_hours(problem: Problem) -> int:
    """Hours that are split, over all sites and scenarios."""
    return len(problem.sites) * problem.scenarios.count * sum(len(i) for i in problem.clock.hour_index)
