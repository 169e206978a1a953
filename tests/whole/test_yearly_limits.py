"""Energy budgets and emission caps on whole problems: both methods agree, limits cost what they should, and carbon has one price."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from models.hours.meters import yearly_limits
from models.problem import Block, Diesel, OwnSource, Problem, YearlyLimit
from models.problem.scenario_subset import rebuilt
from models.program.master_problem import MasterProblem
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from tests.shared.plans import plan_of
from tests.shared.random_problems import random_problem
from tests.shared.tiny import hourly, path, rig_of, service_of, site_of, tiny
from tests.whole.test_decomposition import agree
from tests.whole.test_identities import at_least, best, close, in_other_money
from tests.whole.test_two_books import places


@cache
def small() -> tuple[int, ...]:
    """Seeds of problems with limits and no more than eight periods over all scenarios."""

    def fits(problem: Problem) -> bool:
        return bool(problem.sites and yearly_limits(problem)) and problem.scenarios.count * problem.clock.periods <= 8

    return tuple(seed for seed in range(300, 520) if fits(random_problem(seed, limited=True)))


@cache
def extensive(seed: int) -> Solution:
    return solve_problem(random_problem(seed, limited=True), method="extensive", baseline=False)


def test_there_are_enough_problems() -> None:
    assert len(small()) >= 60


@pytest.mark.parametrize("chunk", range(8))
def test_cuts_and_hours_written_out_agree(chunk: int) -> None:
    """Objective to 1e-8, and both verified by the books."""
    for seed in small()[chunk::8]:
        whole = extensive(seed)
        cuts = solve_problem(random_problem(seed, limited=True), method="cuts", baseline=False)
        agree(cuts, whole)
        for solution in (cuts, whole):
            assert solution.books is not None
            assert all(check.relative <= 1e-7 for check in (*solution.books.checks, *solution.lp_checks)), seed


@pytest.mark.parametrize("seed", [204, 206, 218, 226])
def test_they_agree_on_larger_problems(seed: int) -> None:
    agree(solve_problem(random_problem(seed, limited=True), method="cuts", baseline=False), extensive(seed))


def test_the_problems_bind_and_pay() -> None:
    """Otherwise agreement says nothing: limits of both kinds bind, of sites and of the company, hard and soft, by the hour and not."""
    bound: dict[str, int] = {}
    for seed in small():
        solution = extensive(seed)
        assert solution.decisions is not None
        for price in solution.prices:
            if price.family in ("energy_budget", "emission_cap"):
                bound[price.family] = bound.get(price.family, 0) + 1
                bound[price.name] = bound.get(price.name, 0) + 1
        for (family, _), above in solution.decisions.exceeded.items():
            bound["paid " + family] = bound.get("paid " + family, 0) + int(above.max() > 1.0)
        for rule in solution.problem.rules:
            if any(word in ("emissions_t", "grid_mwh") for word, *_ in rule.terms):
                bound[rule.name] = bound.get(rule.name, 0) + 1
        for site in solution.problem.sites:
            if site.grid is not None and site.grid.emissions is not None and site.emission_cap is not None:
                hours = "hourly" if np.ptp(site.grid.emissions.profiles) > 0 else "flat"
                bound[hours] = bound.get(hours, 0) + 1
    wanted = ["energy_budget", "emission_cap", "site0", "site1", "(company)", "paid energy_budget", "paid emission_cap"]
    wanted += ["clean power", "clean site", "own power", "hourly", "flat"]
    assert {name: bound.get(name, 0) for name in wanted if bound.get(name, 0) < 3} == {}


# --- what a limit costs -----------------------------------------------------------------------------------------------


def changed(problem: Problem, amount: float = 1.0, price: float = 1.0, hard: bool = False) -> Problem:
    """Every limit with its amount and price times a factor; hard: without its price."""

    def new(terms: YearlyLimit | None) -> YearlyLimit | None:
        if terms is None:
            return None
        charged = None if terms.price is None or hard else terms.price * price
        return replace(terms, amount=terms.amount * amount, price=charged)

    sites = [replace(s, energy_budget=new(s.energy_budget), emission_cap=new(s.emission_cap)) for s in problem.sites]
    return replace(problem, sites=tuple(sites), energy_budget=new(problem.energy_budget), emission_cap=new(problem.emission_cap))


def binding() -> list[int]:
    def binds(solution: Solution) -> bool:
        return any(p.family in ("energy_budget", "emission_cap") and p.value > 1e-3 for p in solution.prices)

    return [seed for seed in small() if binds(extensive(seed))]


def test_tightening_never_helps() -> None:
    """A smaller amount, a higher price, or no price at which to exceed: each is worth no more than what it replaces."""
    seeds = binding()[:8]
    assert len(seeds) == 8
    strict = 0
    for seed in seeds:
        problem = random_problem(seed, limited=True)
        amounts = [best(changed(problem, amount)) for amount in (1e3, 1.3, 1.0, 0.9, 0.8)]
        assert all(at_least(loose, tight) for loose, tight in itertools.pairwise(amounts)), (seed, amounts)
        prices = [best(changed(problem, price=price)) for price in (0.0, 1.0, 3.0, 100.0)]
        assert all(at_least(cheap, dear) for cheap, dear in itertools.pairwise(prices)), (seed, prices)
        assert at_least(prices[-1], best(changed(problem, hard=True))), seed
        strict += amounts[-1] < amounts[0] - 1e-3 * abs(amounts[0])
    assert strict >= 6


@pytest.mark.parametrize("method", ["cuts", "extensive"])
def test_the_price_of_a_limit_is_what_a_little_more_of_it_adds(method: str) -> None:
    """Objective at 1.0001 times the amounts, against the prices found at the amounts themselves."""
    tried = 0
    for seed in binding()[:10]:
        problem = random_problem(seed, limited=True)
        here = solve_problem(problem, method=method, canonical=False, baseline=False)
        worth = {(p.family, p.name, p.scenario, p.date): p.value for p in here.prices}
        more = 0.0
        for one in yearly_limits(problem):
            for s, name in enumerate(problem.scenarios.names):
                for y in range(problem.clock.tax_years):
                    inside = problem.clock.tax_year == y
                    month = problem.clock.start_month + int(problem.clock.date_month[np.flatnonzero(inside)[0]])
                    day = f"{month // 12:04d}-{month % 12 + 1:02d}-01"
                    allowed = float((one.terms.amount[s] * problem.years)[inside].sum())
                    more += worth.get((one.family, one.where(problem), name, day), 0.0) * (
                        1e-4 * allowed if allowed < 1e300 else 0.0
                    )
        there = solve_problem(changed(problem, 1.0001), method=method, canonical=False, baseline=False)
        assert here.objective is not None and there.objective is not None
        if more > 1e-7 * abs(here.objective):
            # a piecewise linear function: exact until the next of its corners, and concave beyond
            assert there.objective - here.objective <= more * (1 + 1e-4), seed
            tried += there.objective - here.objective >= 0.9 * more
    assert tried >= 3


# --- carbon -----------------------------------------------------------------------------------------------------------

#: USD per t by year
CARBON = (30.0, 90.0)


def emitter() -> Problem:
    """Two scenarios, two years of six hours: rigs and a cloud on a grid whose dirt differs by the hour, with a sun and a diesel."""
    problem = tiny(2, scenarios=2, hours=6, hashprice=[[45.0, 38.0], [60.0, 30.0]], tax_rate=0.21, retain=0.2)
    gas = OwnSource("gas", np.full(2, 15.0), hourly(problem, [1, 1, 1, 0.5, 0.5, 1]), path(45.0, 2, 2), True, 2.0, emissions=0.45)
    diesel = Diesel("diesel", np.full(2, 8.0), path(95.0, 2, 2), emissions=0.8)
    site = site_of(problem, own=(gas,), diesel=diesel)
    dirt = hourly(problem, [0.1, 0.3, 0.5, 0.7, 0.6, 0.2])
    grid = replace(site.grid, price=hourly(problem, [20, 35, 60, 90, 140, -10]), adder=hourly(problem, 3.0), emissions=dirt)
    problem = replace(problem, sites=(replace(site, grid=grid),))
    cloud = service_of(problem, "cloud", "cloud", 170.0, reimbursed=None, penalty=path(20.0, 2, 2), limit=15.0)
    return replace(problem, rigs=(rig_of(problem, owned=np.array([30.0]), price=0.4e6),), services=(cloud,))


def taxed(problem: Problem) -> Problem:
    """The same with carbon in the cost of every source instead."""
    price = np.tile(np.array(CARBON), (2, 1))
    site = problem.sites[0]
    grid = site.grid
    assert grid is not None and grid.emissions is not None and site.diesel is not None
    # adders are the grid's alone here: price * factor by the hour, different in each year: one profile a scenario will not do
    adder = replace(grid.adder, profiles=grid.emissions.profiles, factor=price, shift=np.full((2, 2), 3.0))
    own = tuple(replace(g, cost=g.cost + price * g.emissions) for g in site.own)
    diesel = replace(site.diesel, cost=site.diesel.cost + price * site.diesel.emissions)
    return replace(problem, sites=(replace(site, grid=replace(grid, adder=adder), own=own, diesel=diesel),))


@pytest.mark.parametrize("method", ["cuts", "extensive"])
@pytest.mark.parametrize("whole", [False, True])
def test_a_soft_cap_of_nothing_is_a_carbon_tax(method: str, whole: bool) -> None:
    """The same plan, the same hours, the same cash: at a cap of 0 t every tonne costs its price."""
    problem = emitter()
    cap = YearlyLimit(np.zeros((2, 2)), np.tile(np.array(CARBON), (2, 1)))
    if whole:
        capped = replace(problem, emission_cap=cap)
    else:
        capped = replace(problem, sites=(replace(problem.sites[0], emission_cap=cap),))
    one, other = plan_of(capped, method=method), plan_of(taxed(problem), method=method)
    assert one.outcome is Outcome.OPTIMAL and other.outcome is Outcome.OPTIMAL, (one.reasons, other.reasons)
    assert one.objective == close(other.objective or 0.0, 1e-8)
    assert (one.objective or 0.0) < best(problem) - 1e6  # carbon costs something
    assert one.books is not None and other.books is not None
    for word in ("ebitda", "tax", "energy_mwh", "grid_mwh", "rigs_mw", "ai_mw"):
        assert one.books.words[word] == pytest.approx(other.books.words[word], rel=1e-6, abs=1.0), word
    emitted = one.books.words["emissions_t"]
    assert emitted.max() > 1e3
    assert one.books.income["excess_charges"][:, 1:] == pytest.approx(np.array(CARBON) * emitted[:, 1:], rel=1e-7)


# --- a program that reads other data than the books ------------------------------------------------------------------


def test_every_datum_of_limits_is_read_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """One per cent less of a factor, more of an amount or a price, in the program only: the answer is refused, or worth the same."""
    problem = emitter()
    s, t = problem.scenarios.count, problem.clock.periods
    block = Block("ppa", np.full(t, 10.0), path(30.0, s, t), emissions=0.3)
    energy = YearlyLimit(np.full((s, t), 250e3), np.full((s, t), 12.0), "use")
    site = replace(problem.sites[0], blocks=(block,), emission_cap=YearlyLimit(np.full((s, t), 90e3)), energy_budget=energy)
    problem = replace(problem, sites=(site,))
    problem = replace(problem, emission_cap=YearlyLimit(np.full((s, t), 60e3), np.full((s, t), 40.0)))
    true = best(problem)
    honest = MasterProblem.__init__
    caught = []
    for place in places(problem):
        if "emissions" not in place and "YearlyLimit" not in place:
            continue
        # more of a factor would merely make the program careful
        factor = 0.99 if "emissions" in place else 1.01

        def off(here: str, value: Any, place: str = place, factor: float = factor) -> Any:
            return value * factor if here == place and value is not None else value

        wrong = rebuilt(problem, off)
        with monkeypatch.context() as patch:
            patch.setattr(
                MasterProblem, "__init__", lambda self, _, *args, wrong=wrong, **kwargs: honest(self, wrong, *args, **kwargs)
            )
            found = solve_problem(problem, method="extensive", canonical=False, baseline=False)
        assert found.lower_bound is not None
        if abs(found.lower_bound - true) > 1e-6 * abs(true):
            assert found.outcome is Outcome.UNVERIFIED, place
            caught.append(place.rpartition(">")[2] if "Hourly" not in place else "Grid.emissions")
    assert {"Grid.emissions", "Block.emissions", "OwnSource.emissions", "YearlyLimit.amount", "YearlyLimit.price"} <= set(caught)


# --- what must not matter ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [303, 348, 440])
def test_another_currency_scales_the_objective(seed: int) -> None:
    problem = random_problem(seed, limited=True)
    assert best(in_other_money(problem, 1e3)) == close(1e3 * best(problem))


@pytest.mark.parametrize("seed", [303, 376, 442])
def test_the_unit_of_money_inside_the_program_does_not_matter(seed: int) -> None:
    problem = random_problem(seed, limited=True)
    for money in (1e4, 3e5, 1e7):
        other: Any = solve_problem(replace(problem, money=money), method="cuts", baseline=False)
        assert other.outcome is Outcome.OPTIMAL, other.reasons
        assert other.objective == close(best(problem), 1e-8)


def test_limits_that_nothing_reaches_change_nothing() -> None:
    """A thousand times the amounts: the answer of the problem without limits."""
    for seed in binding()[:5]:
        problem = random_problem(seed, limited=True)
        free = replace(changed(problem, 1e3), rules=())
        bare = replace(free, sites=tuple(replace(s, energy_budget=None, emission_cap=None) for s in free.sites))
        bare = replace(bare, energy_budget=None, emission_cap=None)
        assert best(free) == close(best(bare))
