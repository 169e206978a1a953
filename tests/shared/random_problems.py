"""Random whole problems: every part of the program may be there, with rough but plausible numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from models.problem import (
    Battery,
    Block,
    Call,
    Conversion,
    Deferrable,
    Depreciation,
    Diesel,
    Equity,
    Hourly,
    InterestLimit,
    Objective,
    OwnSource,
    Payments,
    Problem,
    Project,
    RigOption,
    Rule,
    Tax,
    Terminal,
    YearlyLimit,
)
from tests.shared.tiny import (
    clock_of,
    dates,
    debt_of,
    every_date,
    expansion_of,
    path,
    rig_of,
    service_of,
    site_of,
    stream,
    tiny,
    tree,
)

MACRS = (0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576)


def random_problem(seed: int, limited: bool = False, coupled: bool = False) -> Problem:
    """A feasible, bounded problem (rescue equity is always there; every purchase is limited).

    limited: the same with energy budgets, emission caps and rules on what sites measure.
    coupled: the same with batteries, deferrable demand and ramp limits, on hours that follow each other.
    """
    problem = _limited(_random(seed), np.random.default_rng([seed, 1])) if limited else _random(seed)
    return with_coupled_hours(problem, np.random.default_rng([seed, 1])) if coupled else problem


def _random(seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 4))
    periods = int(rng.integers(2, 7))
    months = int(rng.choice([1, 3, 6, 12]))
    hours = int(rng.integers(1, 5))
    odds = rng.dirichlet(np.full(count, 3.0))
    p = tiny(
        periods,
        months,
        count,
        hours,
        start_month=2026 * 12 + int(rng.integers(0, 12)),
        probability=odds,
        cash=float(rng.uniform(0, 60e6)),
        coins=float(rng.choice([0.0, 300.0])),
        cash_yield=float(rng.choice([0.0, 0.03])),
        retain=float(rng.choice([0.0, 0.4])),
        coin_fee=float(rng.choice([0.0, 0.002])),
        rescue_penalty=1.0,
        btc_price=90_000 * np.exp(rng.normal(0, 0.3, (count, periods + 1))),
        hashprice=rng.uniform(25, 70, (count, periods)),
        share_price=10 * np.exp(rng.normal(0, 0.3, (count, periods + 1))),
        overhead=float(rng.uniform(0, 5e6)),
    )
    p = replace(
        p,
        clock=clock_of(periods, months, hours, p.clock.start_month),
        scenarios=replace(p.scenarios, node=tree(count, periods + 1, int(rng.integers(1, periods + 2)))),
        objective=Objective(float(rng.uniform(0.03, 0.15)), float(rng.choice([0.0, 0.3, 1.0])), float(rng.uniform(0.05, 1))),
        terminal=Terminal(0.8, 1.0, 0.3, 0.2, 0.1, 0.4, 0.12, float(rng.choice([0.0, 1e6]))),
        opening_ppe=float(rng.choice([0.0, 2e6])),
        opening_ppe_months=24,
    )
    p = _power(p, rng)
    p = _finance(p, rng)
    if rng.random() < 0.8:
        interest = InterestLimit(0.3, bool(rng.random() < 0.5)) if rng.random() < 0.15 else None
        p = replace(p, tax=Tax(0.21, float(rng.choice([0, 5e6])), 0.8, np.full(periods, 0.5e6), interest))
        if interest:
            # the limit's sign must be data: a business that always earns
            p = replace(p, cash_flows=(*p.cash_flows, stream(p, 80e6 * months / 12, "earner")))
    return replace(p, money=float(rng.choice([1e5, 1e6])))


def _depreciation(rng: np.random.Generator) -> Depreciation:
    method = str(rng.choice(["none", "straight", "macrs"]))
    return Depreciation(method, 18, MACRS, float(rng.choice([0.0, 0.4])) if method != "none" else 0.0, 36)


def _payments(rng: np.random.Generator, lead: int) -> Payments:
    return Payments(((0, 0.3), (lead, 0.7))) if lead and rng.random() < 0.7 else Payments()


def _ripple(p: Problem, rng: np.random.Generator, low: float, high: float) -> Hourly:
    """Random hours for the whole year, the same pattern in every scenario, another level in each."""
    s, t = p.scenarios.count, p.clock.periods
    profile = rng.uniform(low, high, (1, 8784))
    return Hourly(profile, np.zeros(s, dtype=np.int64), rng.uniform(0.8, 1.2, (s, t)), np.zeros((s, t)))


def _power(p: Problem, rng: np.random.Generator) -> Problem:
    s, t = p.scenarios.count, p.clock.periods
    sites = []
    for i in range(int(rng.integers(0, 3))):
        lead = int(rng.integers(0, 2))
        terms: dict[str, Any] = {"delay": rng.integers(0, 2, s) if rng.random() < 0.5 else np.zeros(s, dtype=np.int64)}
        for kind in ("expand", "build_mining", "build_ai", "convert"):
            if rng.random() < 0.6:
                terms[kind] = expansion_of(
                    p, rng.uniform(0.2e6, 2e6), lead, 30.0, payments=_payments(rng, lead), depreciation=_depreciation(rng)
                )
        if rng.random() < 0.4:
            sell = bool(rng.random() < 0.5)
            terms["blocks"] = (Block("base", np.full(t, 15.0), path(rng.uniform(25, 50), s, t), sell, 1.0),)
        if rng.random() < 0.4:
            sun = replace(_ripple(p, rng, 0, 1), factor=np.ones((s, t)))
            terms["own"] = (OwnSource("sun", np.full(t, 20.0), sun, path(5.0, s, t), bool(rng.random() < 0.5), 2.0),)
        if rng.random() < 0.4:
            terms["diesel"] = Diesel("diesel", np.full(t, 10.0), path(60.0, s, t), float(rng.choice([200.0, np.inf])))
        site = site_of(p, f"site{i}", fixed_cost=path(1e5, s, t), mining_cost=2e4, ai_cost=5e4, **terms)
        assert site.grid is not None
        grid = replace(site.grid, price=_ripple(p, rng, -20, 120), adder=_ripple(p, rng, 0, 8))
        if rng.random() < 0.3:
            grid = replace(
                grid, demand_response=path(1e5, s, t), availability=replace(_ripple(p, rng, 0.8, 1), factor=np.ones((s, t)))
            )
        sites.append(replace(site, grid=grid))
    if not sites:
        return p
    p = replace(p, sites=tuple(sites))
    rigs = []
    for r in range(int(rng.integers(1, 3))):
        lead = int(rng.integers(0, 2))
        option = None
        if rng.random() < 0.3:
            option = RigOption(2e4, 0.5e6, 20.0, dates(p, 0), dates(p))
        rigs.append(
            rig_of(
                p,
                f"rig{r}",
                rng.uniform(0.3e6, 1.2e6, (s, t + 1)),
                rng.uniform(0.05e6, 0.3e6, (s, t + 1)),
                density=float(rng.uniform(40, 75)),
                uptime=0.96,
                pool_fee=0.01,
                variable_cost=1.0,
                fixed_cost=1e4,
                lead=lead,
                life=int(rng.integers(1, 5)),
                supply=every_date(p, 25.0),
                limit=60.0,
                owned=rng.uniform(0, 20, len(sites)) * (rng.random() < 0.5),
                owned_life=int(rng.integers(1, 6)),
                payments=_payments(rng, lead),
                depreciation=_depreciation(rng),
                option=option,
            )
        )
    services = []
    if rng.random() < 0.7:
        lead = int(rng.integers(0, 2))
        services.append(
            service_of(
                p,
                "lease",
                rate=rng.uniform(1e6, 2e6, (s, t)),
                lead=lead,
                term=int(rng.integers(1, 8)),
                ramp=(0.4,),
                escalator=0.03,
                limit=25.0,
                demand=replace(_ripple(p, rng, 0.5, 1), factor=np.ones((s, t))),
                penalty=path(50.0, s, t),
                variable_cost=1.0,
                reimbursed=("grid", None, path(55.0, s, t))[int(rng.integers(0, 3))],
                floor=float(rng.choice([0.0, 0.5])),
                fixed_cost=1e4,
                contracted=np.concatenate([[5.0], np.zeros(len(sites) - 1)]) * (rng.random() < 0.5),
                contracted_term=2,
            )
        )
    if rng.random() < 0.7:
        services.append(
            service_of(
                p,
                "cloud",
                "cloud",
                rate=rng.uniform(150, 900, (s, t)),
                reimbursed=None,
                limit=15.0,
                demand=replace(_ripple(p, rng, 0.2, 0.9), factor=np.ones((s, t))),
                penalty=path(20.0, s, t),
                equipment=path(rng.uniform(1e6, 6e6), s, t + 1),
                depreciation=_depreciation(rng),
                term=int(rng.integers(2, 9)),
            )
        )
    return replace(p, rigs=tuple(rigs), services=tuple(services))


def with_coupled_hours(p: Problem, rng: np.random.Generator) -> Problem:
    """Some of a battery, deferrable demand and ramp limits at every site, on a few consecutive hours per period.

    A period of few hours is worth what it was: all money per MWh (and diesel hours) is scaled to them.
    """
    t = p.clock.periods
    count = int(rng.integers(4, 17))
    first = rng.integers(0, 8784 - count, t)
    clock = replace(
        p.clock,
        hours=np.full(t, float(count)),
        hour_index=tuple(np.arange(k, k + count, dtype=np.int64) for k in first),
        weight=tuple(np.ones(count) for _ in range(t)),
    )
    scale = float(p.clock.hours[0]) / count

    def dear(hourly: Hourly) -> Hourly:
        return replace(hourly, factor=hourly.factor * scale, shift=hourly.shift * scale)

    sites = []
    for site in p.sites:
        assert site.grid is not None
        battery = store = None
        if rng.random() < 0.7:
            mw = float(rng.uniform(2, 12))
            leaks = bool(rng.random() < 0.3)
            battery = Battery(
                charge=mw * float(rng.uniform(0.7, 1.3)),
                discharge=mw,
                energy=mw * float(rng.uniform(0.5, 5)),
                charge_efficiency=float(rng.choice([1.0, rng.uniform(0.8, 1)])),
                discharge_efficiency=float(rng.uniform(0.8, 1)),
                wear=float(rng.choice([0.0, 4.0])) * scale,
                level=0.0 if leaks else float(rng.choice([0.0, 0.5, 1.0])),
                self_discharge=0.01 if leaks else 0.0,
            )
            if rng.random() < 0.4:
                lead = int(rng.integers(0, 2))
                wear = _depreciation(rng)
                store = expansion_of(p, rng.uniform(0.01e6, 0.2e6), lead, 20.0, payments=_payments(rng, lead), depreciation=wear)
                battery = replace(battery, now=float(rng.choice([0.0, mw])))
        diesel = site.diesel
        if diesel is not None:
            diesel = replace(diesel, cost=diesel.cost * scale, permit_hours=diesel.permit_hours / scale)
        sites.append(
            replace(
                site,
                grid=replace(site.grid, price=dear(site.grid.price), adder=dear(site.grid.adder)),
                blocks=tuple(replace(b, price=b.price * scale, sell_fee=b.sell_fee * scale) for b in site.blocks),
                own=tuple(replace(g, cost=g.cost * scale, sell_fee=g.sell_fee * scale) for g in site.own),
                diesel=diesel,
                battery=battery,
                store=store,
            )
        )
    rigs = []
    for rig in p.rigs:
        limit = float(rng.choice([0.05, 0.3, np.inf]))
        rigs.append(replace(rig, variable_cost=rig.variable_cost * scale, ramp_limit=limit))
    services = []
    for service in p.services:
        deferrable = None
        if rng.random() < 0.7:
            deadline = int(rng.integers(1, 13)) if rng.random() < 0.6 else None
            deferrable = Deferrable(float(rng.choice([0.3, 0.6, 1.0])), deadline)
        paid = service.reimbursed * scale if isinstance(service.reimbursed, np.ndarray) else service.reimbursed
        services.append(
            replace(
                service,
                rate=service.rate * scale if service.kind == "cloud" else service.rate,
                penalty=service.penalty * scale,
                variable_cost=service.variable_cost * scale,
                reimbursed=paid,
                deferrable=deferrable,
                ramp_limit=float(rng.choice([0.2, np.inf])),
            )
        )
    market = replace(p.market, hashprice=p.market.hashprice * scale)
    return replace(p, clock=clock, market=market, sites=tuple(sites), rigs=tuple(rigs), services=tuple(services))


def _finance(p: Problem, rng: np.random.Generator) -> Problem:
    s, t = p.scenarios.count, p.clock.periods
    end = int(p.clock.date_month[-1])

    def tenor() -> dict[str, int]:
        return (
            {"tenor": int(rng.integers(1, end + 12))}
            if rng.random() < 0.7
            else {"maturity": int(rng.integers(end // 2 + 1, end + 13))}
        )

    def rate() -> Any:
        return rng.uniform(0.0, 0.14, (s, t))

    debts = [
        debt_of(
            p,
            "notes",
            rate=rate(),
            limit=40e6,
            price=0.98,
            fee=0.02,
            frequency=int(rng.choice([0, 3, 6, 12])),
            call=Call(((end // 3, 1.04), (end // 2, 1.0))),
            existing=float(rng.choice([0, 8e6])),
            existing_month=-int(rng.integers(0, 20)),
            **tenor(),
        ),
        debt_of(
            p,
            "loan",
            "loan",
            rate=rate(),
            limit=30e6,
            fee=0.01,
            frequency=3,
            pik=float(rng.choice([0, 0.5])),
            pik_months=6,
            amortisation=str(rng.choice(["level", "annuity", "given", "after_completion"])),
            grace=3,
            given=((6, 0.3), (12, 0.3)),
            balloon=float(rng.choice([0, 0.2])),
            completion=rng.integers(0, end, s),
            collateral=("rigs", "halls", "coins", "equipment"),
            advance_rate=0.6,
            put=(max(end // 2, 1), 1.01) if rng.random() < 0.3 else None,
            **tenor(),
        ),
        debt_of(
            p,
            "sculpted",
            "loan",
            rate=rate(),
            limit=30e6,
            amortisation="as_cash_allows",
            coverage=1.3,
            grace=end,
            fee=0.01,
            price=0.99,
            window=dates(p, 0),
            **tenor(),
        ),
        debt_of(
            p,
            "convertible",
            "convertible",
            rate=0.01,
            limit=25e6,
            fee=0.025,
            frequency=6,
            window=dates(p, 0, 1),
            conversion=Conversion(0.3, 0.05, 1.0),
            put=(max(end // 2, 1), 1.0) if rng.random() < 0.4 else None,
            **tenor(),
        ),
        debt_of(
            p,
            "revolver",
            "revolver",
            rate=rate(),
            limit=10e6,
            fee=0.01,
            commitment=0.005,
            existing=float(rng.choice([0, 2e6])),
            **tenor(),
        ),
        debt_of(p, "coins", "btc_loan", rate=rate(), limit=10e6, fee=0.01, ltv=0.5, top_up=0.7, window=dates(p, 0, 1), **tenor()),
    ]
    keep = rng.random(len(debts)) < 0.6
    # an existing debt whose maturity lies behind it is no debt
    debts = [d for d, k in zip(debts, keep, strict=True) if k and (d.existing == 0 or d.maturity_month(d.existing_month) > 0)]
    equities = (
        Equity("owners", dates(p), 50e6, every_date(p, 20e6)),
        Equity("market", dates(p), 30e6, every_date(p), "new", 0.03, 0.02),
    )
    amounts = rng.uniform(-8e6, 10e6, (s, t + 1))
    flows = (stream(p, amounts, "business"), stream(p, 1e5, "grant", taxable=False), stream(p, -1e5, "other", operating=False))
    cash = np.zeros((s, t + 1, t + 1))
    for d in range(t + 1):
        cash[:, d, d] = -1e6
        cash[:, d, d + 1 :] = rng.uniform(0, 0.5e6, (s, 1))
    goods = {"good": np.abs(cash) / 1e6}
    window = dates(p, *range(t))
    project = Project("venture", cash, window, 5.0, 0.0, goods, bool(rng.random() < 0.3), bool(rng.random() < 0.5))
    ones, active = np.ones((s, t + 1)), np.ones((s, t + 1), dtype=bool)
    rules = (
        Rule("cash", "cash + rescue-able", {("cash", None): ones}, ">=", 1e6 * ones, active),
        Rule("leverage", "total_debt <= 60 MUSD", {("total_debt", None): ones}, "<=", 60e6 * ones, active),
        Rule(
            "thin cover",
            "soft",
            {("cfads", None): ones, ("debt_service", None): -1.2 * ones},
            ">=",
            0 * ones,
            active & (np.arange(t + 1) > 0),
            0.05,
        ),
        Rule("some good", "soft", {("provided", "good"): ones}, ">=", 1.5 * ones, active, 1e4),
    )
    chosen = tuple(r for r in rules if rng.random() < 0.5)
    return replace(p, debts=tuple(debts), equities=equities, cash_flows=flows, projects=(project,), rules=chosen)


def _limited(p: Problem, rng: np.random.Generator) -> Problem:
    """Emission factors, hourly at some sites, with budgets and caps that bind at many; none so tight that a floor cannot be kept."""
    s, t = p.scenarios.count, p.clock.periods

    def limit(largest: float, price: float, of: str = "use") -> YearlyLimit | None:
        if rng.random() < 0.4:
            return None
        amount = largest * rng.uniform(0.15, 0.7) * rng.uniform(0.8, 1.0, (s, p.clock.tax_years))[:, p.clock.tax_year]
        if rng.random() < 0.2:
            amount[:, p.clock.tax_year == 0] = np.inf
        charged = rng.uniform(0.2 * price, 2.0 * price, (s, t)) if rng.random() < 0.5 else None
        return YearlyLimit(amount, charged, of)

    full = 60.0 * 8760.0
    sites = []
    for site in p.sites:
        grid = site.grid
        assert grid is not None
        level = rng.uniform(0.1, 0.6, (s, t))
        profile = rng.uniform(0.3, 1.6, (1, 8784)) if rng.random() < 0.5 else np.ones((1, 8784))
        factor = Hourly(profile, np.zeros(s, dtype=np.int64), level, np.full((s, t), 0.05))
        sites.append(
            replace(
                site,
                grid=replace(grid, emissions=factor) if rng.random() < 0.9 else grid,
                blocks=tuple(replace(b, emissions=float(rng.choice([0.0, 0.4]))) for b in site.blocks),
                own=tuple(replace(g, emissions=float(rng.choice([0.0, 0.7]))) for g in site.own),
                diesel=None if site.diesel is None else replace(site.diesel, emissions=0.8),
                energy_budget=limit(full, 20.0, str(rng.choice(["use", "grid"]))),
                emission_cap=limit(0.4 * full, 60.0),
            )
        )
    count = len(sites)
    ones, active = np.ones((s, t + 1)), np.ones((s, t + 1), dtype=bool) & (np.arange(t + 1) > 0)
    rules = [
        Rule("clean power", "", {("emissions_t", None): ones, ("energy_mwh", None): -0.5 * ones}, "<=", 0 * ones, active, 40.0),
        Rule("clean site", "", {("emissions_t", "site0"): ones}, "<=", 1e3 * ones, active, 25.0),
        Rule("own power", "", {("grid_mwh", None): ones, ("energy_mwh", "site0"): -0.9 * ones}, "<=", 5e3 * ones, active, 15.0),
    ]
    chosen = [rule for rule in rules if count and rng.random() < 0.2]
    budget = limit(count * full, 20.0, str(rng.choice(["use", "grid"])))
    cap = limit(0.4 * count * full, 60.0)
    return replace(p, sites=tuple(sites), rules=(*p.rules, *chosen), energy_budget=budget, emission_cap=cap)
