"""A program that begins at the plan of a few scenarios ends at the same optimum, with the same proof."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from models.problem import Problem
from models.problem.scenario_subset import some_scenarios
from optimizer.engine import scenario_subset_start
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from tests.benchmarks.problems import thinned, whole
from tests.shared.random_problems import random_problem


@pytest.fixture
def flown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return let_fly(monkeypatch)


def let_fly(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every problem of two scenarios has a pilot of one; what each ascent ended with."""
    monkeypatch.setattr(scenario_subset_start, "MIN_BLOCKS", 0)
    monkeypatch.setattr(scenario_subset_start, "MIN_SCENARIOS", 2)
    monkeypatch.setattr(scenario_subset_start, "MIN_SUBSET_SCENARIOS", 1)
    ended: list[Any] = []
    plain = scenario_subset_start.ascend

    def ascend(*given: Any) -> Any:
        ended.append(plain(*given))
        return ended[-1]

    monkeypatch.setattr(scenario_subset_start, "ascend", ascend)
    return ended


def ordinary(problem: Problem, **options: Any) -> Solution:
    """Solved without a pilot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario_subset_start, "worthwhile", lambda _: False)
        return solve_problem(problem, **options)


def same(one: Solution, other: Solution) -> None:
    assert one.outcome is other.outcome, (one.reasons, other.reasons)
    if one.outcome is Outcome.OPTIMAL:
        assert one.objective == pytest.approx(other.objective, rel=1e-9)
        assert one.decisions is not None and other.decisions is not None
        for kind in ("orders", "built", "signed", "issued"):
            for name, table in getattr(one.decisions, kind).items():
                expected = getattr(other.decisions, kind)[name]
                assert table == pytest.approx(expected, rel=1e-6, abs=1e-6 * max(1.0, np.abs(expected).max(initial=0.0))), name


def mid(information: int | None = None) -> Problem:
    return thinned(whole(2, 24, 12, 4, 2, information=information), 24)


def test_the_whole_program_comes_in_and_nothing_is_left_for_the_session(flown: list[Any]) -> None:
    """Rows, columns and cuts come in until none is wanted; the session that goes on from there finds nothing to do."""
    problem = mid()
    found = solve_problem(problem, baseline=False)
    same(found, ordinary(problem, baseline=False))
    assert flown[0] is not None and found.gap is not None and found.gap <= 1e-9
    assert "pilot" in found.timings


def test_with_information_on_the_way(flown: list[Any]) -> None:
    """Scenarios that plan apart take the capacities of the nearest one that flew."""
    problem = mid(information=6)
    same(solve_problem(problem, baseline=False), ordinary(problem, baseline=False))
    assert flown[0] is not None


SEEDS = range(0, 60, 3)


@cache
def piloted(seed: int) -> tuple[Solution, list[Any]]:
    """A random problem begun by a pilot, and what each ascent ended with."""
    with pytest.MonkeyPatch.context() as patch:
        flown = let_fly(patch)
        return solve_problem(random_problem(seed), baseline=False), flown


@pytest.mark.parametrize("seed", SEEDS)
def test_random_problems(seed: int) -> None:
    """Every kind of instrument, rule and tree, infeasible ones among them."""
    problem = random_problem(seed)
    found, expected = piloted(seed)[0], ordinary(problem, baseline=False)
    assert found.outcome is expected.outcome, (found.reasons, expected.reasons)
    if found.outcome is Outcome.OPTIMAL:
        assert found.objective == pytest.approx(expected.objective, rel=1e-8, abs=1e-8 * problem.money)


def test_random_problems_do_fly() -> None:
    assert sum(answer is not None for seed in SEEDS for answer in piloted(seed)[1]) >= 3


def test_a_pilot_without_a_plan_leaves_the_ordinary_way(flown: list[Any]) -> None:
    """Overhead that nobody can pay, and no rescue money: the proof is that of the whole."""
    problem = mid()
    broke = replace(problem, treasury=replace(problem.treasury, rescue_penalty=None), overhead=problem.overhead * 1e3)
    found = solve_problem(broke, baseline=False)
    assert not flown and found.outcome is Outcome.INFEASIBLE and found.certificate is not None and found.certificate.verified


def test_small_problems_have_none() -> None:
    assert not scenario_subset_start.worthwhile(mid())


def test_scenarios_of_the_pilot_are_spread_and_few() -> None:
    assert scenario_subset_start.chosen(100).tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert len(scenario_subset_start.chosen(40)) == scenario_subset_start.MIN_SUBSET_SCENARIOS
    assert scenario_subset_start.chosen(3).tolist() == [0, 1, 2]


def test_some_scenarios_are_worth_what_they_are_alone() -> None:
    """One scenario of many, alone and as both of a pair."""
    problem = mid()
    dates = problem.clock.dates
    node = np.arange(dates)
    one = some_scenarios(problem, [3], np.ones(1), node[None, :], ("s3",))
    two = some_scenarios(problem, [3, 3], np.full(2, 0.5), np.tile(node, (2, 1)), ("a", "b"))
    alone, pair = (solve_problem(p, baseline=False).objective for p in (one, two))
    assert alone == pytest.approx(pair, rel=1e-9)
