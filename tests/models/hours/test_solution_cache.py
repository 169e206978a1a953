"""What is looked up of hours is what was worked out, to the last bit."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from models.hours.site_hours import SiteHours
from models.hours.solution_cache import SolutionCache
from models.hours.subproblem import RecourseSolution
from models.program.master_problem import MasterProblem
from tests.shared.random_problems import random_problem


def some() -> list[SiteHours]:
    """Sites of random problems with more than one block and something to decide."""
    plans = [MasterProblem(random_problem(seed), "benders") for seed in range(8)]
    found = [value.hours for master in plans if master.recourse is not None for value in master.recourse.values]
    return [one for one in found if one.subproblem.divisible and one.subproblem.blocks > 1][:5]


def same(one: RecourseSolution, other: RecourseSolution) -> bool:
    tables = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(RecourseSolution)]
    return all((a is None) == (b is None) and (a is None or a.tobytes() == b.tobytes()) for a, b in tables)


@pytest.mark.parametrize("room", [8_000_000, 40])
def test_looked_up_worked_out_and_mixed_are_the_same_bits(room: int) -> None:
    rng = np.random.default_rng(1)
    sites = some()
    assert len(sites) > 2
    for hours in sites:
        subproblem = hours.subproblem
        memory = SolutionCache(hours, room)
        capacity = rng.uniform(0.0, 50.0, (subproblem.blocks, len(subproblem.entries)))
        one, rho = np.ones(subproblem.blocks), rng.normal(0.0, 5.0, (subproblem.blocks, len(hours.quantities)))
        for _ in range(4):
            for given in ((capacity, one, rho), (capacity, -one, rho), (capacity, one, 2.0 * rho), (capacity, one, rho)):
                assert same(memory.recourse_solution(*given), hours.recourse_solution(*given))
            capacity = capacity.copy()
            capacity[rng.integers(subproblem.blocks)] += 1.0


def test_only_what_is_new_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = some()[0]
    blocks = hours.subproblem.blocks
    memory, asked = SolutionCache(hours), []
    plain = SiteHours.recourse_solution

    def split(self: SiteHours, capacity, alpha, rho) -> RecourseSolution:
        asked.append(len(alpha))
        return plain(self, capacity, alpha, rho)

    monkeypatch.setattr(SiteHours, "recourse_solution", split)
    capacity = np.full((blocks, len(hours.subproblem.entries)), 10.0)
    one, none = np.ones(blocks), np.zeros((blocks, len(hours.quantities)))
    memory.recourse_solution(capacity, one, none)
    memory.recourse_solution(capacity, one, none)
    moved = capacity.copy()
    moved[1] = 11.0
    memory.recourse_solution(moved, one, none)
    memory.recourse_solution(capacity, one, none)
    assert asked == [blocks, 1]
