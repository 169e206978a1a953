"""The compiled kernel against the formula, and its balance, energies and slopes against each other."""

from __future__ import annotations

import numpy as np
import pytest

from models.merit import merit
from models.oracle import Money, make_oracle, with_scenarios
from models.problem import Problem
from models.recourse import hourly_value
from tests.random_problems import random_problem

SEEDS = [seed for seed in range(60) if random_problem(seed).sites]


def oracles(problem: Problem, seed: int):
    """(site, oracle, capacities) with random megawatts."""
    rng = np.random.default_rng(seed)
    for i in range(len(problem.sites)):
        oracle = make_oracle(problem, i, tuple(range(len(problem.rigs))), tuple(range(len(problem.services))))
        capacity = np.ones((oracle.blocks, len(oracle.entries)))
        for e, entry in enumerate(oracle.entries):
            if entry.decided:
                capacity[:, e] = rng.uniform(0, 60, oracle.blocks) * (rng.random(oracle.blocks) < 0.9)
        yield i, oracle, capacity


def test_there_are_problems_with_sites() -> None:
    assert len(SEEDS) > 20


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_kernel_equals_the_formula(seed: int) -> None:
    problem = random_problem(seed)
    rigs, services = tuple(range(len(problem.rigs))), tuple(range(len(problem.services)))
    for i, oracle, capacity in oracles(problem, seed):
        found = oracle.split(capacity)
        number = {entry.name: e for e, entry in enumerate(oracle.entries)}
        for b in range(oracle.blocks):
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
    for _, oracle, capacity in oracles(problem, seed):
        found = oracle.split(capacity)
        sign = np.where(oracle.is_source, -1.0, 1.0)
        income = Money(oracle.value.slope_price * sign, oracle.value.slope_adder * sign, oracle.value.base * sign)
        assert found.total(income) == pytest.approx(found.value, rel=1e-11, abs=1e-5)
        mw = oracle.dispatch(capacity, None, np.arange(oracle.blocks))
        assert np.abs((mw * sign).sum(axis=1)).max() <= 1e-9
        assert (mw >= 0.0).all()
        # linear in capacity at the marginal values found: slopes times MW are the value
        assert (found.slope * capacity).sum(axis=1) == pytest.approx(found.value, rel=1e-11, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS[2::6])
def test_slopes_are_valid_cuts(seed: int) -> None:
    """V(K') <= V(K) + slope (K' - K) for any two capacities, whatever direction the hours are priced in."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    for _, oracle, capacity in oracles(problem, seed):
        extra = Money(*(rng.normal(0, 20, capacity.shape) for _ in range(3)))
        here = oracle.split(capacity, extra)
        decided = np.array([entry.decided for entry in oracle.entries])
        for _ in range(5):
            other = np.where(decided, rng.uniform(0, 90, capacity.shape), capacity)
            there = oracle.split(other, extra)
            plane = here.value + (here.slope * (other - capacity)).sum(axis=1)
            assert (there.value <= plane + 1e-9 * (1.0 + np.abs(plane))).all()


def test_a_part_of_the_scenarios_gives_the_same_bits() -> None:
    problem = next(p for p in map(random_problem, SEEDS) if p.scenarios.count == 3)
    for _, oracle, capacity in oracles(problem, 1):
        whole = oracle.split(capacity)
        rows = np.arange(oracle.blocks).reshape(3, -1)[1:].ravel()
        part = with_scenarios(oracle, np.array([1, 2])).split(capacity[rows])
        assert (part.value == whole.value[rows]).all() and (part.slope == whole.slope[rows]).all()
