"""Plans drawn at random, not optimal and not even possible: they use every instrument and every kind of order, which no optimum does."""

from __future__ import annotations

import numpy as np

from models.decisions import Decisions, SiteDispatch
from models.problem import Array, Debt, Problem
from models.proforma.debt import first_date, running_maturity
from models.proforma.power import has_power, sources_of, uses_of


def random_plan(problem: Problem, seed: int) -> Decisions:
    """Decisions in their windows; the books are kept of them whatever limits they break."""
    rng = np.random.default_rng(seed)
    s, d, t = problem.scenarios.count, problem.clock.dates, problem.clock.periods

    def some(window: Array, largest: float, often: float = 0.5) -> Array:
        drawn = rng.uniform(0.0, largest, (s, d)) * (rng.random(d) < often)
        if rng.random() < 0.5:
            drawn[:] = drawn[:1]  # one decision for all scenarios
        return drawn * np.asarray(window)

    early = np.arange(d) < t
    found: dict[str, dict] = {
        name: {} for name in ("orders", "exercised", "retired", "options", "built", "signed", "units", "issued", "called")
    }
    for rig in problem.rigs:
        for i, site in enumerate(problem.sites):
            found["orders"][rig.name, site.name] = some(rig.window & early, 5.0)
            found["retired"][rig.name, site.name] = some(early, 0.2 * float(rig.owned[i]))
            if rig.option is not None:
                found["exercised"][rig.name, site.name] = some(rig.option.exercise & early, 2.0)
        if rig.option is not None:
            found["options"][rig.name] = some(rig.option.buy, 4.0, 0.9)
    for site in problem.sites:
        for kind in ("expand", "build_mining", "build_ai", "convert", "store"):
            terms = getattr(site, kind)
            if terms is not None:
                found["built"][site.name, kind] = some(terms.window & early, 4.0)
    for service in problem.services:
        for i, site in enumerate(problem.sites):
            if service.sites[i]:
                found["signed"][service.name, site.name] = some(service.window, 3.0)
    for project in problem.projects:
        found["units"][project.name] = some(project.window, 3.0)
    repaid, balance, pledged = {}, {}, {}
    for debt in problem.debts:
        if debt.is_strip:
            _issue(problem, debt, found, rng)
            continue
        start, end = first_date(debt), running_maturity(problem, debt)
        runs = np.zeros(d, dtype=bool) if start is None else (np.arange(d) >= start) & (np.arange(d) < end)
        if debt.kind == "revolver":
            balance[debt.name] = some(runs, debt.limit, 0.7)
        else:
            drawn = found["issued"][debt.name] = some(debt.window & runs, 0.3 * debt.limit, 0.8)
            repaid[debt.name] = np.concatenate([np.zeros((s, 1)), 0.3 * np.cumsum(drawn, axis=1)[:, :-1]], axis=1)
            if debt.kind == "btc_loan":
                pledged[debt.name] = some(runs, 5.0)
    for issue in problem.equities:
        found["issued"][issue.name] = some(issue.window, 3e6)
    for rule in problem.rules:
        if rule.penalty is not None:
            found.setdefault("breach", {})[rule.name] = some(np.ones(d), 10.0)
    exceeded = {}
    for place, one in [("(company)", problem), *((site.name, site) for site in problem.sites)]:
        for kind in ("energy_budget", "emission_cap"):
            terms = getattr(one, kind)
            if terms is not None and terms.price is not None:
                exceeded[kind, place] = rng.uniform(0.0, 50.0, (s, problem.clock.tax_years))
    dispatch = {}
    for i, site in enumerate(problem.sites):
        absent = {
            f"ai:{j.name}"
            for j in problem.services
            if not (j.contracted[i] or found["signed"].get((j.name, site.name), np.zeros(1)).any())
        }
        for scenario in range(s):
            for period in range(t if has_power(site) else 0):
                hours = len(problem.clock.weight[period])
                uses = {name: rng.uniform(0.0, 3.0, hours) for name in uses_of(problem, site) if name not in absent}
                sources = {name: rng.uniform(0.0, 3.0, hours) for name in sources_of(site)}
                dispatch[site.name, scenario, period] = SiteDispatch(uses, sources)
    coins = problem.treasury.coins
    return Decisions(
        sold=some(problem.treasury.sell, 0.05 * coins),
        dividends=some(problem.treasury.dividends, 1e6),
        rescue=some(np.ones(d), 1e6, 0.2),
        repaid=repaid,
        balance=balance,
        pledged=pledged,
        exceeded=exceeded,
        dispatch=dispatch,
        **found,
    )


def _issue(problem: Problem, debt: Debt, found: dict[str, dict], rng: np.random.Generator) -> None:
    """Face at some dates of its window, part of it called later."""
    s, d, clock = problem.scenarios.count, problem.clock.dates, problem.clock
    ends = [clock.date_at(debt.maturity_month(int(clock.date_month[v]))) for v in range(d)]
    dates = [v for v in np.flatnonzero(debt.window) if v < clock.periods and ends[v] > v][:3]
    face = np.zeros((s, d))
    for v in dates:
        face[:, v] = rng.uniform(1e6, 5e6, s) * (rng.random(s) < 0.8)
    found["issued"][debt.name] = face
    called, old = np.zeros((s, d, d)), np.zeros((s, d))
    if debt.call is not None:
        for e in range(1, d):
            if debt.call.price_at(int(clock.date_month[e])) is None:
                continue
            for v in dates:
                if v < e < ends[v] and rng.random() < 0.6:
                    called[:, v, e] = 0.3 * rng.random(s) * face[:, v]
            if debt.existing and e < clock.date_at(debt.maturity_month(debt.existing_month)):
                old[:, e] = 0.1 * rng.random(s) * debt.existing
    found["called"][debt.name] = called
    if debt.existing:
        found["called"][f"{debt.name}@existing"] = old
