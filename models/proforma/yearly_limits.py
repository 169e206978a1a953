"""Pro forma of energy budgets and emission caps: what each year may have, has, and pays for having more (README 5)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Problem, Site, YearlyLimit
from models.proforma.calendar import calendar
from models.proforma.checks import Checklist
from models.proforma.power import Power

ALL_SITES = "(company)"


def each_limit(problem: Problem) -> Iterator[tuple[tuple[str, str], list[Site], YearlyLimit]]:
    """(key of the decision, sites counted, terms)."""
    for site in problem.sites:
        if site.energy_budget is not None:
            yield ("energy_budget", site.name), [site], site.energy_budget
        if site.emission_cap is not None:
            yield ("emission_cap", site.name), [site], site.emission_cap
    if problem.energy_budget is not None:
        yield ("energy_budget", ALL_SITES), list(problem.sites), problem.energy_budget
    if problem.emission_cap is not None:
        yield ("emission_cap", ALL_SITES), list(problem.sites), problem.emission_cap


def soft_limits(problem: Problem) -> set[tuple[str, str]]:
    """Limits whose excess may be paid for."""
    return {key for key, _, terms in each_limit(problem) if terms.price is not None}


def _paid_for(problem: Problem, decisions: Decisions, key: tuple[str, str]) -> Array:
    """(S, Y) MWh or t above the limit that the plan pays for."""
    shape = (problem.scenarios.count, calendar(problem.clock).tax_years)
    return decisions.exceeded.get(key, np.zeros(shape))


def keep_charges(problem: Problem, decisions: Decisions) -> Array:
    """(S, D) USD paid for what is above soft limits, at the last date of each calendar year."""
    clock, months_of = problem.clock, calendar(problem.clock)
    out = np.zeros((problem.scenarios.count, clock.dates))
    for key, _, terms in each_limit(problem):
        if terms.price is None:
            continue
        above = _paid_for(problem, decisions, key)
        for year in range(months_of.tax_years):
            inside = months_of.tax_year == year
            months = clock.months[inside]
            price = (terms.price[:, inside] * months).sum(axis=1) / months.sum()
            out[:, months_of.year_ends[year]] += price * above[:, year]
    return out


def used_by_year(problem: Problem, power: Power, key: tuple[str, str], sites: list[Site], of: str) -> Array:
    """(S, Y) MWh or t that count against a limit."""
    total = np.zeros(power.shape)
    for site in sites:
        for (name, quantity), amount in power.lines.items():
            if name != site.name:
                continue
            if key[0] == "emission_cap":
                counts = quantity == "emissions_t"
            else:
                counts = quantity.startswith(("rig:", "ai:")) if of == "use" else quantity == "grid"
            if counts:
                total = total + amount
    months_of = calendar(problem.clock)
    years = [total[:, months_of.tax_year == year].sum(axis=1) for year in range(months_of.tax_years)]
    return np.stack(years, axis=1)


def allowed_by_year(problem: Problem, terms: YearlyLimit) -> Array:
    """(S, Y) MWh or t allowed: a twelfth of the yearly amount in force for every month of the year inside the horizon."""
    clock, months_of = problem.clock, calendar(problem.clock)
    years = []
    for year in range(months_of.tax_years):
        inside = months_of.tax_year == year
        years.append((terms.amount[:, inside] * clock.months[inside] / 12.0).sum(axis=1))
    return np.stack(years, axis=1)


def check_limits(problem: Problem, decisions: Decisions, power: Power, checks: Checklist) -> None:
    """Hard limits hold; what is above a soft one is paid for."""
    for key, sites, terms in each_limit(problem):
        used, most = used_by_year(problem, power, key, sites, terms.of), allowed_by_year(problem, terms)
        above = _paid_for(problem, decisions, key)
        name = ("energy budgets" if key[0] == "energy_budget" else "emission caps") + (
            " hold" if terms.price is None else ": what is above is paid for"
        )
        checks.at_most(name, used - above, most, key[1], scale=float(np.max(used, initial=0.0)))
