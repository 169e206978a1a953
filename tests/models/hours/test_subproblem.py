"""The compiled kernel against the formula, and its balance, energies and slopes against each other."""

from __future__ import annotations

import numpy as np
import pytest

from models.hours.merit import merit
from models.hours.meters import measured
from models.hours.one_hour import hourly_value
from models.hours.subproblem import Money, make_subproblem, with_scenarios
from models.problem import Problem
from tests.shared.random_problems import random_problem

SEEDS = [seed for seed in range(60) if random_problem(seed).sites]


def oracles(problem: Problem, seed: int):
    """(site, oracle, capacities) with random megawatts."""
    rng = np.random.default_rng(seed)
    for i in range(len(problem.sites)):
        subproblem = make_subproblem(problem, i, tuple(range(len(problem.rigs))), tuple(range(len(problem.services))))
        capacity = np.ones((subproblem.blocks, len(subproblem.entries)))
        for e, entry in enumerate(subproblem.entries):
            if entry.decided:
                capacity[:, e] = rng.uniform(0, 60, subproblem.blocks) * (rng.random(subproblem.blocks) < 0.9)
        yield i, subproblem, capacity


def test_there_are_problems_with_sites() -> None:
    assert len(SEEDS) > 20


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_kernel_equals_the_formula(seed: int) -> None:
    problem = random_problem(seed)
    rigs, services = tuple(range(len(problem.rigs))), tuple(range(len(problem.services)))
    for i, subproblem, capacity in oracles(problem, seed):
        found = subproblem.recourse_solution(capacity)
        number = {entry.name: e for e, entry in enumerate(subproblem.entries)}
        for b in range(subproblem.blocks):
            s, t = divmod(b, problem.clock.periods)
            m = merit(problem, i, s, t, rigs, services)
            shape = (-1, len(problem.clock.weight[t]))
            uses = [np.array([getattr(u, a) for u in m.uses]).reshape(shape) for a in ("value", "limit")]
            sources = [np.array([getattr(g, a) for g in m.sources]).reshape(shape) for a in ("cost", "limit")]
            use_mw = np.array([capacity[b, number[u.name]] if u.capacity else 1.0 for u in m.uses])
            source_mw = np.array([capacity[b, number[g.name]] if g.is_grid else 1.0 for g in m.sources])
            exact = hourly_value(*uses, use_mw, *sources, source_mw)
            weight = problem.clock.weight[t]
            assert found.value[b] == pytest.approx(exact.value @ weight, rel=1e-12, abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS[1::4])
def test_energies_add_up_to_the_value_and_hours_balance(seed: int) -> None:
    problem = random_problem(seed)
    for _, subproblem, capacity in oracles(problem, seed):
        found = subproblem.recourse_solution(capacity)
        sign = np.where(subproblem.is_source, -1.0, 1.0)
        income = Money(subproblem.value.slope_price * sign, subproblem.value.slope_adder * sign, subproblem.value.base * sign)
        assert found.total(income) == pytest.approx(found.value, rel=1e-11, abs=1e-5)
        mw = subproblem.dispatch(capacity, None, np.arange(subproblem.blocks))
        assert np.abs((mw * sign).sum(axis=1)).max() <= 1e-9
        assert (mw >= 0.0).all()
        # linear in capacity at the marginal values found: slopes times MW are the value
        assert (found.slope * capacity).sum(axis=1) == pytest.approx(found.value, rel=1e-11, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS[2::6])
def test_slopes_are_valid_cuts(seed: int) -> None:
    """V(K') <= V(K) + slope (K' - K) for any two capacities, whatever direction the hours are priced in."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    for _, subproblem, capacity in oracles(problem, seed):
        extra = Money(*(rng.normal(0, 20, capacity.shape) for _ in range(3)))
        here = subproblem.recourse_solution(capacity, extra)
        decided = np.array([entry.decided for entry in subproblem.entries])
        for _ in range(5):
            other = np.where(decided, rng.uniform(0, 90, capacity.shape), capacity)
            there = subproblem.recourse_solution(other, extra)
            plane = here.value + (here.slope * (other - capacity)).sum(axis=1)
            assert (there.value <= plane + 1e-9 * (1.0 + np.abs(plane))).all()


@pytest.mark.parametrize("limited", [False, True])
def test_a_part_of_the_scenarios_gives_the_same_bits(limited: bool) -> None:
    problem = next(p for p in (random_problem(seed, limited) for seed in SEEDS) if p.scenarios.count == 3)
    for _, subproblem, capacity in oracles(problem, 1):
        whole = subproblem.recourse_solution(capacity)
        rows = np.arange(subproblem.blocks).reshape(3, -1)[1:].ravel()
        part = with_scenarios(subproblem, np.array([1, 2])).recourse_solution(capacity[rows])
        assert (part.value == whole.value[rows]).all() and (part.slope == whole.slope[rows]).all()


def emitters() -> list[int]:
    """Seeds of problems with caps on sites whose grid factor differs by the hour."""

    def hourly(seed: int) -> bool:
        sites = random_problem(seed, limited=True).sites
        return any(s.emission_cap and s.grid and s.grid.emissions and np.ptp(s.grid.emissions.profiles) > 0 for s in sites)

    return [seed for seed in SEEDS if hourly(seed)][:8]


def test_hours_with_priced_emissions_equal_the_formula() -> None:
    """A price of carbon in each block, as a cost by the hour: the value, the tonnes and the balance of every hour."""
    hourly = 0
    assert len(emitters()) >= 5
    for seed in emitters():
        problem = random_problem(seed, limited=True)
        rigs, services = tuple(range(len(problem.rigs))), tuple(range(len(problem.services)))
        for i, subproblem, capacity in oracles(problem, seed):
            if subproblem.emissions is None:
                continue
            hourly += subproblem.market[0].shape[1] == 3
            carbon = np.random.default_rng(seed).uniform(0.0, 150.0, subproblem.blocks)
            found = subproblem.recourse_solution(capacity, subproblem.emissions.times(-carbon))
            tonnes = found.total(subproblem.emissions)
            mw = subproblem.dispatch(capacity, subproblem.emissions.times(-carbon), np.arange(subproblem.blocks))
            starts = np.concatenate([[0], np.cumsum(subproblem.count)])
            number = {entry.name: e for e, entry in enumerate(subproblem.entries)}
            for b in range(subproblem.blocks):
                s, t = divmod(b, problem.clock.periods)
                m = merit(problem, i, s, t, rigs, services)
                weight = problem.clock.weight[t]
                shape = (-1, len(weight))
                uses = [np.array([getattr(u, a) for u in m.uses]).reshape(shape) for a in ("value", "limit")]
                cost = np.array([g.cost + carbon[b] * g.emissions for g in m.sources]).reshape(shape)
                limit = np.array([g.limit for g in m.sources]).reshape(shape)
                use_mw = np.array([capacity[b, number[u.name]] if u.capacity else 1.0 for u in m.uses])
                source_mw = np.array([capacity[b, number[g.name]] if g.is_grid else 1.0 for g in m.sources])
                exact = hourly_value(*uses, use_mw, cost, limit, source_mw)
                assert found.value[b] == pytest.approx(exact.value @ weight, rel=1e-12, abs=1e-6)
                rows = mw[starts[b] : starts[b + 1]]
                emitted = sum(weight @ (g.emissions * rows[:, number[g.name]]) for g in m.sources)
                assert tonnes[b] == pytest.approx(emitted, rel=1e-11, abs=1e-6)
    assert hourly >= 5


def test_a_factor_that_is_the_same_in_all_hours_costs_no_market_column() -> None:
    """The third column of the kernel is there only where the grid's factor differs by the hour, and something looks at it."""
    columns = {2: 0, 3: 0}
    for seed in range(200, 260):
        problem = random_problem(seed, limited=True)
        for i, site in enumerate(problem.sites):
            subproblem = make_subproblem(problem, i, tuple(range(len(problem.rigs))), tuple(range(len(problem.services))))
            factor = site.grid.emissions if site.grid else None
            differs = factor is not None and np.ptp(factor.profiles) > 0
            looked_at = "emissions_t" in measured(problem, i)
            assert (subproblem.market[0].shape[1] == 3) == (differs and looked_at), seed
            columns[subproblem.market[0].shape[1]] += 1
    assert min(columns.values()) >= 10
