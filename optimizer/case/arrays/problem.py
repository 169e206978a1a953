"""A validated case -> a Problem: plain arrays in canonical units."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from models.problem import CashFlow, Mask, Objective, Problem, Project, Rates, Rule, Terminal
from optimizer.case.arrays.financing import build_debts, build_equities, build_market, build_tax, build_treasury
from optimizer.case.arrays.fleet import build_rigs, build_services
from optimizer.case.arrays.frame import Frame
from optimizer.case.arrays.policies import build_earned_dividends, build_sweeps, curtail, retain, serve_first
from optimizer.case.arrays.rules import SourcedRule, build_rules
from optimizer.case.arrays.sites import build_sites
from optimizer.case.arrays.yearly_limits import emission_cap, energy_budget
from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.reading.units import LARGEST
from optimizer.case.schema.case_model import Project as ProjectTerms
from optimizer.case.schema.case_model import Rates as RateTerms


def build(frame: Frame, name: str, rules: list[SourcedRule], mistakes: Mistakes, place: Callable[[str], Place]) -> Problem:
    """The problem of a case. What only shows in arrays is noted: rules that divide by 0, growth beyond all bounds.

    `place` finds a place for the path of an array in the problem.
    """
    base = frame.base
    market = build_market(frame)
    overhead = frame.over_periods(lambda model: model.company.overhead)
    parts = {
        "sites": curtail(frame, build_sites(frame)),
        "rigs": build_rigs(frame),
        "services": serve_first(frame, build_services(frame)),
        "projects": tuple(_project(frame, key, one) for key, one in base.projects.items()),
        "cash_flows": tuple(_cash_flow(frame, key) for key in base.cash_flows),
        "debts": (debts := build_debts(frame)),
        "equities": build_equities(frame),
    }
    compiled: tuple[Rule, ...] = build_rules(frame, rules, market, overhead, debts, mistakes)
    problem = Problem(
        name=name,
        clock=frame.clock,
        scenarios=frame.scenarios,
        market=market,
        treasury=retain(frame, build_treasury(frame)),
        objective=_objective(frame),
        overhead=overhead,
        tax=build_tax(frame),
        rules=compiled,
        sweeps=build_sweeps(frame, policies := {name: str(place(f"policies.{name}")) for name in base.policies}),
        earned_dividends=build_earned_dividends(frame, policies),
        terminal=_terminal(frame),
        opening_ppe=base.company.plant,
        opening_ppe_months=base.company.plant_life,
        energy_budget=energy_budget(frame, lambda model: model.limits.energy),
        emission_cap=emission_cap(frame, lambda model: model.limits.emissions),
        **parts,  # type: ignore[arg-type]
    )
    if not mistakes:
        for where in unbounded(problem):
            mistakes.add(place(where), where, f"a number grows beyond {LARGEST:g} within the horizon, or is none at all")
    return problem if mistakes else replace(problem, money=money_unit(problem))


def unbounded(value: object, where: str = "") -> Iterator[str]:
    """Paths of the arrays that have a NaN or a number beyond all use in them; no limit (inf) is no mistake."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            size = np.abs(value)
            may_be_unlimited = where.rpartition(".")[2] in ("supply", "date_limit")
            if not np.all((size <= LARGEST) | (np.isposinf(value) & may_be_unlimited)):
                yield where
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            yield from unbounded(item, f"{where}.{getattr(item, 'name', at)}")
    elif is_dataclass(value):
        for one in fields(value):
            yield from unbounded(getattr(value, one.name), f"{where}.{one.name}" if where else one.name)


def _objective(frame: Frame) -> Objective:
    given = frame.base.objective
    rates = None
    if given.value == "apv":
        own = RateTerms() if given.rates is None else given.rates
        contracts, cloud, mining = (given.discount if rate is None else rate for rate in (own.contracts, own.cloud, own.mining))
        rates = Rates(contracts, cloud, mining, own.debt)
    return Objective(given.discount, given.risk_weight, given.tail_probability, rates)


def _terminal(frame: Frame) -> Terminal:
    given = frame.base.objective.terminal
    contracts = given.contracts
    return Terminal(
        rigs=given.rigs,
        coins=given.coins,
        halls=given.halls,
        interconnection=given.interconnection,
        equipment=given.equipment,
        contracts=0.0 if contracts is None else contracts.share,
        contract_rate=0.12 if contracts is None else contracts.rate,
        opening_assets=given.opening_assets,
    )


def _cash_flow(frame: Frame, name: str) -> CashFlow:
    amount = np.zeros((frame.scenario_count, frame.periods + 1))
    years = frame.timeline.period_months / 12
    for s, model in enumerate(frame.models):
        one = model.cash_flows[name]
        if one.amount is not None:
            amount[s, 1:] += one.amount.over_periods(frame.timeline) * years
        for day, value in one.dated or ():
            amount[s, frame.timeline.index(day)] += value
    base = frame.base.cash_flows[name]
    return CashFlow(name, amount, base.taxable, base.operating)


def _project(frame: Frame, name: str, given: ProjectTerms) -> Project:
    """Cash and goods at date e per unit decided at date d; what is received after the horizon is lost; what would be paid is
    refused (`owed_after`)."""
    S, D = frame.scenario_count, frame.periods + 1
    cash = np.zeros((S, D, D))
    provides = {good: np.zeros((S, D, D)) for good in given.provides}
    years = frame.timeline.period_months / 12
    dates = np.arange(D)
    for s, model in enumerate(frame.models):
        one = model.projects[name]
        if one.cost is not None:
            cash[s, dates, dates] -= one.cost.at_dates(frame.timeline)
        for item in one.returns:
            later = frame.steps(item.after)
            value = item.amount.at_dates(frame.timeline)
            for d in range(D - later):
                cash[s, d, d + later] += value[d + later]
        if one.income is not None:
            first = frame.steps(one.income.after)
            last = D if one.income.term is None else first + frame.steps(one.income.term)
            value = one.income.amount.over_periods(frame.timeline) * years
            for d in range(D):
                for t in range(d + first, min(d + last, frame.periods)):
                    cash[s, d, t + 1] += value[t]
        for good, amounts in one.provides.items():
            for after, amount in amounts:
                later = frame.steps(after)
                for d in range(D - later):
                    provides[good][s, d, d + later] += amount
    return Project(
        name=name,
        cash=cash,
        window=frame.mask(given.when),
        limit=np.inf if given.limit is None else given.limit,
        minimum=given.minimum,
        provides=provides,
        recourse=given.decide == "recourse",
        taxable=given.taxable,
    )


def owed_after(frame: Frame, name: str) -> dict[tuple[str | int, ...], Mask]:
    """Part of a project -> (D,) dates of decision from which it would be paid after the horizon, where no book would see it.

    Parts are ('returns', number) and ('income',), those that some scenario pays. An income without a term ends with the horizon: it is
    missed only from dates at which it would not have begun by then.
    """
    step, T = frame.timeline.period_months / 12, frame.periods
    dates = np.arange(T + 1)
    out: dict[tuple[str | int, ...], Mask] = {}

    def note(at: tuple[str | int, ...], path: Path, places: ArrayLike, late: Mask) -> None:
        with np.errstate(all="ignore"):  # growth beyond all bounds is told by `unbounded`
            paid = path.at_years(frame.timeline, np.asarray(places) * step) < 0.0
        out[at] = out.get(at, np.zeros(T + 1, dtype=bool)) | (late & paid)

    for one in (model.projects[name] for model in frame.models):
        for number, item in enumerate(one.returns):
            paid = dates + frame.steps(item.after)
            note(("returns", number), item.amount, paid, paid > T)
        if one.income is not None:
            first = dates + frame.steps(one.income.after)
            for k in range(1 if one.income.term is None else frame.steps(one.income.term)):
                note(("income",), one.income.amount, first + k + 0.5, first + k >= T)
    return {at: late for at, late in out.items() if late.any()}


# --- the unit of money ------------------------------------------------------------------------------------------------


def money_unit(problem: Problem) -> float:
    """USD per unit of money in the linear program: the power of ten nearest to the geometric mean of the case's prices.

    Prices by unit of a decision (USD per MW, per project unit) are what the program's coefficients are; only where there
    are none do given flows decide, and then limits. Multiplying all money by 10**k multiplies the unit by 10**k exactly.
    """
    for sizes in (_prices, _flows, _limits):
        logs = [math.log10(size) for size in sizes(problem)]
        if logs:
            break
    else:
        return 1.0
    # Rounding the mean first keeps a half from falling to either side by the last bit.
    return float(10.0 ** math.floor(round(math.fsum(logs) / len(logs), 6) + 0.5))


def _sizes(*arrays: object) -> Iterator[float]:
    """The largest and the smallest size in each array that has one."""
    for array in arrays:
        values = np.abs(np.asarray(array, dtype=float))
        values = values[np.isfinite(values) & (values > 0)]
        if values.size:
            yield float(values.max())
            yield float(values.min())


def _prices(problem: Problem) -> Iterator[float]:
    years = problem.clock.months / 12
    hours = problem.clock.hours
    for project in problem.projects:
        yield from _sizes(project.cash)
    for rig in problem.rigs:
        yield from _sizes(rig.price, rig.resale, problem.market.hashprice * rig.density / 24 * hours)
    for service in problem.services:
        yield from _sizes(service.rate * (years if service.kind == "lease" else hours))
    for site in problem.sites:
        for added in (site.expand, site.build_mining, site.build_ai, site.convert, site.store):
            if added is not None:
                yield from _sizes(added.cost)
        if site.grid is not None:
            mean = np.abs(site.grid.price.profiles).mean(axis=1)[site.grid.price.which][:, None]
            yield from _sizes((mean * np.abs(site.grid.price.factor) + np.abs(site.grid.price.shift)) * hours)


def _flows(problem: Problem) -> Iterator[float]:
    for flow in problem.cash_flows:
        yield from _sizes(flow.amount)
    yield from _sizes(problem.treasury.cash, problem.overhead * problem.clock.months / 12)


def _limits(problem: Problem) -> Iterator[float]:
    yield from _sizes(*(debt.limit for debt in problem.debts), *(equity.limit for equity in problem.equities))
