"""Energy budgets and emission caps: the rows of models/program/yearly_limits.py against README section 5, and answers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.hours.meters import unit_of
from models.problem import Block, Diesel, OwnSource, Problem, YearlyLimit
from models.program.master_problem import MasterProblem
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from tests.shared.rows import close, keys, row_is, solved
from tests.shared.tiny import hourly, path, rig_of, service_of, site_of, tiny

#: hours of the half-year that each of the two kept hours stands for
WEIGHT = (1000.0, 3380.0)
HOURS = sum(WEIGHT)
#: what one MWh of a rig of 60 PH/s per MW mines at 50 USD/PH/day
MINING = 60.0 * 50.0 / 24.0


def limit_of(problem: Problem, amount: Any, price: Any = None, of: str = "use") -> YearlyLimit:
    s, t = problem.scenarios.count, problem.clock.periods
    return YearlyLimit(path(amount, s, t), None if price is None else path(price, s, t), of)


def company(periods: int = 3, scenarios: int = 1, **terms: Any) -> Problem:
    """Half-years from July 2026: one of 2026, two of 2027, and so on. A rig, a lease, a block, a sun and a diesel at home."""
    problem = tiny(periods, months=6, hours=2, scenarios=scenarios, start_month=2026 * 12 + 6, **terms)
    problem = replace(problem, clock=replace(problem.clock, weight=tuple(np.array(WEIGHT) for _ in range(periods))))
    s = scenarios
    block = Block("ppa", np.full(periods, 10.0), path(31.0, s, periods), sell_back=True, sell_fee=2.0, emissions=0.4)
    sun = OwnSource("sun", np.full(periods, 8.0), hourly(problem, 0.7), path(3.0, s, periods), export=True, emissions=0.05)
    diesel = Diesel("diesel", np.full(periods, 12.0), path(250.0, s, periods), emissions=0.8)
    site = site_of(problem, blocks=(block,), own=(sun,), diesel=diesel)
    site = replace(site, grid=replace(site.grid, price=hourly(problem, [40.0, 90.0]), emissions=hourly(problem, [0.2, 0.5])))
    problem = replace(problem, sites=(site,))
    return replace(problem, rigs=(rig_of(problem),), services=(service_of(problem, demand=hourly(problem, [0.8, 0.6])),))


def at_home(problem: Problem, **limits: YearlyLimit) -> Problem:
    return replace(problem, sites=(replace(problem.sites[0], **limits),))


def energies(
    name: str, periods: tuple[int, ...], factor: tuple[float, float] = (1.0, 1.0), s: int = 0, site: str = "home"
) -> dict:
    """{variable: MWh per MW, times a factor by the hour}."""
    kind = "use" if name.split(":")[0] in ("rig", "ai", "sell") else "source"
    return {f"{kind}[{site},{name},{s},{t},{h}]": w * factor[h] for t in periods for h, w in enumerate(WEIGHT)}


def limit_is(master: MasterProblem, family: str, key: Any, terms: dict, at_most: float) -> None:
    """The row in MWh or t, whatever the unit the program counts them in; excess is counted in that unit."""
    unit = unit_of(master.build.problem)
    held = {name: value if name.startswith("excess") else value / unit for name, value in terms.items()}
    row_is(master, family, key, held, at_most=at_most / unit)


# --- rows -------------------------------------------------------------------------------------------------------------


def test_energy_budget_of_each_calendar_year() -> None:
    """Rigs and AI at the meter, whatever feeds them; the year that the horizon cuts has half of its amount."""
    problem = company(scenarios=2)
    amount = np.array([[300e3, 280e3, 260e3], [290e3, 270e3, 250e3]])
    master = MasterProblem(at_home(problem, energy_budget=limit_of(problem, amount)))
    assert keys(master, "energy_budget") == [("home", s, y) for s in (0, 1) for y in (0, 1)]
    for s in (0, 1):
        first = energies("rig:rig", (0,), s=s) | energies("ai:tenant", (0,), s=s)
        limit_is(master, "energy_budget", ("home", s, 0), first, at_most=amount[s, 0] / 2)
        second = energies("rig:rig", (1, 2), s=s) | energies("ai:tenant", (1, 2), s=s)
        limit_is(master, "energy_budget", ("home", s, 1), second, at_most=(amount[s, 1] + amount[s, 2]) / 2)


def test_energy_budget_of_the_grid_counts_what_is_bought_there() -> None:
    problem = company()
    master = MasterProblem(at_home(problem, energy_budget=limit_of(problem, 300e3, of="grid")))
    limit_is(master, "energy_budget", ("home", 0, 1), energies("grid", (1, 2)), at_most=300e3)


def test_emission_cap_counts_every_source_by_its_factor() -> None:
    """The grid by the hour; a block and own generation also where they are sold back or exported."""
    problem = company()
    master = MasterProblem(at_home(problem, emission_cap=limit_of(problem, 90e3)))
    sources = {"grid": (0.2, 0.5), "block:ppa": (0.4, 0.4), "own:sun": (0.05, 0.05), "diesel": (0.8, 0.8)}
    terms: dict[str, float] = {}
    for name, factor in sources.items():
        terms |= energies(name, (1, 2), factor)
    limit_is(master, "emission_cap", ("home", 0, 1), terms, at_most=90e3)


def test_limits_of_the_company_count_all_sites() -> None:
    problem = company()
    away = replace(problem.sites[0], name="away", blocks=(), own=(), diesel=None)
    problem = replace(problem, sites=(problem.sites[0], away), services=())
    problem = replace(
        problem, rigs=(rig_of(problem),), energy_budget=limit_of(problem, 500e3), emission_cap=limit_of(problem, 80e3)
    )
    master = MasterProblem(problem)
    both = energies("rig:rig", (0,)) | energies("rig:rig", (0,), site="away")
    limit_is(master, "energy_budget", ("(company)", 0, 0), both, at_most=250e3)
    grid = energies("grid", (0,), (0.2, 0.5)) | energies("grid", (0,), (0.2, 0.5), site="away")
    others = (
        energies("block:ppa", (0,), (0.4, 0.4)) | energies("own:sun", (0,), (0.05, 0.05)) | energies("diesel", (0,), (0.8, 0.8))
    )
    limit_is(master, "emission_cap", ("(company)", 0, 0), grid | others, at_most=40e3)


def test_what_is_above_a_soft_limit_is_paid_at_the_last_date_of_its_year() -> None:
    """- price * excess in operating cash: 2026 at date 1, 2027 at date 3 at the mean of its two halves."""
    problem = company()
    master = MasterProblem(at_home(problem, energy_budget=limit_of(problem, 300e3, [20.0, 30.0, 50.0], of="grid")))
    unit = unit_of(master.build.problem)
    over = ["excess[energy_budget,home,0,0]", "excess[energy_budget,home,0,1]"]
    limit_is(master, "energy_budget", ("home", 0, 0), energies("grid", (0,)) | {over[0]: -1.0}, at_most=150e3)
    limit_is(master, "energy_budget", ("home", 0, 1), energies("grid", (1, 2)) | {over[1]: -1.0}, at_most=300e3)
    for d, paid in ((1, {over[0]: 20.0 * unit / 1e6}), (2, {}), (3, {over[1]: 40.0 * unit / 1e6})):
        rent = {f"signed_tenant_home[0,{v}]": -0.75 for v in range(d)}
        terms = {f"operating_cash[0,{d}]": 1.0, f"margin[home,0,{d - 1}]": -1.0} | paid | rent
        row_is(master, "operating_cash", (0, d), terms, equal=0.0)


def test_no_row_in_a_year_without_a_limit() -> None:
    problem = company()
    master = MasterProblem(at_home(problem, emission_cap=limit_of(problem, [np.inf, 90e3, 90e3])))
    assert keys(master, "emission_cap") == [("home", 0, 1)]


# --- what binds -------------------------------------------------------------------------------------------------------


def miner(**limits: Any) -> Problem:
    """A year of one hour: 60 MW of rigs at 125 USD/MWh on a grid at 40 with 0.5 t/MWh: 525,600 MWh and 262,800 t."""
    problem = tiny(1)
    site = site_of(problem)
    problem = replace(problem, sites=(replace(site, grid=replace(site.grid, emissions=hourly(problem, 0.5))),))
    problem = replace(problem, rigs=(rig_of(problem, owned=np.array([60.0]), limit=0.0, resale=0.0),))
    return at_home(problem, **{name: limit_of(problem, *terms) for name, terms in limits.items()})


FULL = 60.0 * 8760.0
MARGIN = MINING - 40.0


def price_of(solution: Solution, family: str) -> float:
    (price,) = [p for p in solution.prices if p.family == family]
    assert (price.name, price.date) == ("home", "2026-01-01")
    return price.value


@pytest.mark.parametrize("method", ["cuts", "extensive"])
def test_a_cap_that_binds_halves_mining(method: str) -> None:
    """131,400 t allowed of 262,800: half of the rigs' hours; a tonne more is two MWh more."""
    solution = solve_problem(miner(emission_cap=(131_400.0,)), method=method, baseline=False)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    assert solution.books.power["home", "rig:rig"].sum() == pytest.approx(FULL / 2, rel=1e-9)
    assert solution.books.words["emissions_t[home]"][0] == pytest.approx([0.0, 131_400.0], rel=1e-9)
    assert close(solution.objective, 1e9 + FULL / 2 * MARGIN / 1.08)
    assert price_of(solution, "emission_cap") == pytest.approx(2.0 * MARGIN / 1.08, rel=1e-9)


@pytest.mark.parametrize("of", ["use", "grid"])
def test_a_budget_that_binds_halves_mining(of: str) -> None:
    solution = solved(miner(energy_budget=(FULL / 2, None, of)))
    assert close(solution.objective, 1e9 + FULL / 2 * MARGIN / 1.08)
    assert price_of(solution, "energy_budget") == pytest.approx(MARGIN / 1.08, rel=1e-9)


@pytest.mark.parametrize("price", [100.0, 200.0])
def test_a_soft_cap_is_exceeded_where_a_tonne_earns_more_than_it_costs(price: float) -> None:
    """A tonne earns 2 * 85 = 170 USD."""
    solution = solved(miner(emission_cap=(131_400.0, price)))
    above = 131_400.0 if price < 2 * MARGIN else 0.0
    mined = FULL / 2 + 2.0 * above
    assert solution.decisions.exceeded["emission_cap", "home"] == pytest.approx(np.array([[above]]), rel=1e-9, abs=1e-6)
    assert close(solution.objective, 1e9 + (mined * MARGIN - price * above) / 1.08)
    assert solution.books.income["excess_charges"][0, 1] == pytest.approx(price * above, rel=1e-9, abs=1e-6)
    assert price_of(solution, "emission_cap") == pytest.approx(min(price, 2 * MARGIN) / 1.08, rel=1e-9)


def test_a_cap_buys_clean_hours_first() -> None:
    """Two hours with 0.2 and 0.5 t/MWh, both worth mining: the cap leaves the clean hour whole and the dirty one in part."""
    problem = company(1)
    site = replace(problem.sites[0], blocks=(), own=(), diesel=None)
    site = replace(site, grid=replace(site.grid, price=hourly(problem, [90.0, 40.0])))
    problem = replace(problem, sites=(site,), services=())
    problem = replace(problem, rigs=(rig_of(problem, owned=np.array([60.0]), limit=0.0, resale=0.0),))
    cap = 2.0 * (60.0 * 1000.0 * 0.2 + 20.0 * 3380.0 * 0.5)
    earned = 60.0 * 1000.0 * (MINING - 90.0) + 20.0 * 3380.0 * (MINING - 40.0)
    for method in ("cuts", "extensive"):
        solution = solve_problem(at_home(problem, emission_cap=limit_of(problem, cap)), method=method, baseline=False)
        assert solution.outcome is Outcome.OPTIMAL, solution.reasons
        assert close(solution.objective, 1e9 + earned * 1.08**-0.5), method
    # a tonne earns 175 in the clean hour and 170 in the dirty one
    assert price_of_july(solution) == pytest.approx((MINING - 40.0) / 0.5 * 1.08**-0.5, rel=1e-9)


def price_of_july(solution: Solution) -> float:
    (price,) = [p for p in solution.prices if p.family == "emission_cap"]
    assert price.date == "2026-07-01"
    return price.value


def test_a_payment_is_deducted_from_taxable_income() -> None:
    """Taxed at 21 %: 525,600 MWh earn 85 USD each, 262,800 t cost 50 each, all in the year."""
    problem = miner(emission_cap=(0.0, 50.0))
    tax = tiny(1, tax_rate=0.21).tax
    solution = solved(replace(problem, tax=tax))
    profit = FULL * (MARGIN - 25.0)
    assert solution.books.words["ebitda"][0, 1] == pytest.approx(profit, rel=1e-9)
    assert solution.books.words["tax"][0, 1] == pytest.approx(0.21 * profit, rel=1e-9)
    assert close(solution.objective, 1e9 + 0.79 * profit / 1.08)


def test_an_impossible_cap_is_proved_so() -> None:
    """A lease whose floor asks for more energy than the budget allows: infeasible by a proof that names both."""
    problem = miner(energy_budget=(10_000.0,))
    tenant = service_of(problem, contracted=np.array([20.0]), contracted_term=1, limit=20.0, floor=0.9)
    tenant = replace(tenant, window=np.zeros(2, dtype=bool))
    for method in ("cuts", "extensive"):
        solution = solve_problem(replace(problem, services=(tenant,)), method=method, baseline=False)
        assert solution.outcome is Outcome.INFEASIBLE
        assert solution.certificate is not None and solution.certificate.verified
        assert any(reason.startswith("energy budget home") for reason in solution.reasons), solution.reasons
