"""Hours of a plan that are worked out when they are looked at are those that would be worked out at once, to the last bit."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from models.decisions import SiteDispatch
from models.hours.convex_combination import ConvexCombination
from models.hours.dispatch import PlannedHours
from models.hours.site_hours import SiteHours
from models.problem import Array, Problem
from models.proforma.keep import keep_books
from models.program.master_problem import MasterProblem
from optimizer.engine.solve import solve_problem
from optimizer.solver.hour_blocks import block_opener
from tests.shared.random_problems import random_problem

SEEDS = [seed for seed in range(24) if random_problem(seed).sites]


def planned(problem: Problem, seed: int, **limits: int) -> tuple[PlannedHours, list[SiteHours], list[ConvexCombination]]:
    """Hours of capacities and mixtures of anything: of one split here, of three there, some without a share in some blocks."""
    rng = np.random.default_rng([seed, 3])
    recourse = MasterProblem(problem, "benders", block_opener()).recourse
    assert recourse is not None
    hours, combinations = [value.hours for value in recourse.values], []
    for site in hours:
        blocks, entries = site.subproblem.value.base.shape
        count = int(rng.choice([1, 3]))
        shares = (
            rng.uniform(0.0, 1.0, (count, blocks)) * (rng.random((count, blocks)) < 0.7) if count > 1 else np.ones((1, blocks))
        )
        parts = [(rng.uniform(-0.3, 1, blocks), rng.normal(0, 5, (blocks, len(site.quantities))), share) for share in shares]
        combinations.append(ConvexCombination(rng.uniform(0, 80, (blocks, entries)), parts))
    names = [site.name for site in problem.sites]
    return PlannedHours(names, hours, combinations, **limits), hours, combinations


def at_once(hours: SiteHours, combination: ConvexCombination) -> list[Array]:
    """(H, E) of every block: the whole site in each direction, added up."""
    subproblem = hours.subproblem
    block_of = np.repeat(np.arange(subproblem.blocks), subproblem.count)
    if len(combination.parts) == 1:
        mw = hours.dispatch(combination.capacity, *combination.parts[0][:2])
    else:
        mw = np.zeros((len(block_of), len(subproblem.entries)))
        for alpha, rho, share in combination.parts:
            mw += hours.dispatch(combination.capacity, alpha, rho) * share[block_of][:, None]
    return np.split(mw, np.cumsum(subproblem.count)[:-1])


def bits(split: SiteDispatch) -> dict[str, bytes]:
    return {name: mw.tobytes() for name, mw in (*split.uses.items(), *split.sources.items())}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("limits", [{}, {"piece": 1, "room": 1}, {"piece": 500, "room": 2000}], ids=["roomy", "one", "some"])
def test_whatever_is_kept_the_bits_are_the_same(seed: int, limits: dict[str, int]) -> None:
    problem = random_problem(seed)
    dispatch, hours, combinations = planned(problem, seed, **limits)
    s, t = problem.scenarios.count, problem.clock.periods
    every = [(site.name, k, n) for site in problem.sites for k in range(s) for n in range(t)]
    assert list(dispatch) == every and len(dispatch) == len(every)
    expected = {}
    for site, here, combination in zip(problem.sites, hours, combinations, strict=True):
        for b, rows in enumerate(at_once(here, combination)):
            expected[site.name, *divmod(b, t)] = {e.name: rows[:, n].tobytes() for n, e in enumerate(here.subproblem.entries)}
    for k in np.random.default_rng(seed).permutation(np.repeat(np.arange(len(every)), 2)):
        assert bits(dispatch[every[k]]) == expected[every[k]]
    again = pickle.loads(pickle.dumps(dispatch))
    assert {key: bits(split) for key, split in again.items()} == expected
    for site in problem.sites:
        for k in range(s):
            whole = dispatch.scenario(site.name, k)
            assert whole is not None
            parts = [expected[site.name, k, n] for n in range(t)]
            assert bits(whole) == {name: b"".join(part[name] for part in parts) for name in parts[0]}


def test_there_is_room_for_so_much_and_the_oldest_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = next(p for p in map(random_problem, SEEDS) if p.scenarios.count >= 3)
    site = problem.sites[0].name
    size = sum(mw.nbytes for mw in planned(problem, 0)[0].scenario(site, 0).uses.values())  # type: ignore[union-attr]
    size += sum(mw.nbytes for mw in planned(problem, 0)[0].scenario(site, 0).sources.values())  # type: ignore[union-attr]
    dispatch = planned(problem, 0, piece=1, room=2 * size)[0]
    worked: list[int] = []
    split = SiteHours.dispatch

    def counted(self: SiteHours, *args: Array) -> Array:
        worked.append(self.subproblem.blocks)
        return split(self, *args)

    monkeypatch.setattr(SiteHours, "dispatch", counted)
    rounds = []
    for k in (0, 1, 0, 1, 2, 1, 0):
        before = len(worked)
        dispatch[site, k, 0]
        rounds.append(len(worked) > before)
        assert sum(mw.nbytes for mw in dispatch._kept.values()) <= 2 * size
    assert rounds == [True, True, False, False, True, False, True]
    assert max(worked) <= problem.clock.periods  # nothing but the scenario asked for


def test_what_is_not_in_the_plan_is_not_there() -> None:
    problem = random_problem(SEEDS[0])
    dispatch = planned(problem, 0)[0]
    site, s, t = problem.sites[0].name, problem.scenarios.count, problem.clock.periods
    assert (site, np.int64(s - 1), np.int64(t - 1)) in dispatch and (site, s - 1, t - 1) in dispatch
    for key in ((site, s, 0), (site, 0, t), (site, -1, 0), ("nowhere", 0, 0), (site, 0), site, (site, 0.0, 0)):
        assert key not in dispatch and dispatch.get(key) is None  # type: ignore[call-overload]
        with pytest.raises(KeyError):
            dispatch[key]  # type: ignore[index]
    assert dispatch.scenario("nowhere", 0) is None and dispatch.scenario(site, s) is None


def test_coupled_hours_are_worked_out_once() -> None:
    """Which of equal splits is found depends on what was asked before: what the books see is what is written."""
    seed = next(seed for seed in range(99) if random_problem(seed, coupled=True).sites)
    dispatch, hours, combinations = planned(random_problem(seed, coupled=True), seed)
    assert not any(site.subproblem.divisible for site in hours)
    first = {key: bits(split) for key, split in dispatch.items()}
    for site, combination in zip(hours, combinations, strict=True):
        for alpha, rho, _ in combination.parts:
            site.recourse_solution(combination.capacity[::-1].copy(), -alpha, -rho)
    assert {key: bits(split) for key, split in dispatch.items()} == first
    assert {key: bits(split) for key, split in pickle.loads(pickle.dumps(dispatch)).items()} == first


def test_books_of_hours_looked_at_and_of_hours_in_a_table_are_the_same_bits() -> None:
    for seed in SEEDS[:3]:
        problem = random_problem(seed)
        solution = solve_problem(problem, baseline=False)
        assert solution.decisions is not None and solution.books is not None
        assert isinstance(solution.decisions.dispatch, PlannedHours)
        books = keep_books(problem, replace(solution.decisions, dispatch=dict(solution.decisions.dispatch)))
        assert books.objective == solution.books.objective and books.checks == solution.books.checks
        assert {key: line.tobytes() for key, line in books.power.items()} == {
            key: line.tobytes() for key, line in solution.books.power.items()
        }
