"""What is looked up of hours is what was worked out, to the last bit."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from models.hours.oracle import Split
from models.hours.site_hours import SiteHours
from models.hours.split_cache import Remembered
from models.program.program import Plan
from tests.shared.random_problems import random_problem


def some() -> list[SiteHours]:
    """Sites of random problems with more than one block and something to decide."""
    plans = [Plan(random_problem(seed), "valued") for seed in range(8)]
    found = [value.hours for plan in plans if plan.theta is not None for value in plan.theta.values]
    return [one for one in found if one.oracle.divisible and one.oracle.blocks > 1][:5]


def same(one: Split, other: Split) -> bool:
    tables = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(Split)]
    return all((a is None) == (b is None) and (a is None or a.tobytes() == b.tobytes()) for a, b in tables)


@pytest.mark.parametrize("room", [8_000_000, 40])
def test_looked_up_worked_out_and_mixed_are_the_same_bits(room: int) -> None:
    rng = np.random.default_rng(1)
    sites = some()
    assert len(sites) > 2
    for hours in sites:
        oracle = hours.oracle
        memory = Remembered(hours, room)
        capacity = rng.uniform(0.0, 50.0, (oracle.blocks, len(oracle.entries)))
        one, rho = np.ones(oracle.blocks), rng.normal(0.0, 5.0, (oracle.blocks, len(hours.quantities)))
        for _ in range(4):
            for given in ((capacity, one, rho), (capacity, -one, rho), (capacity, one, 2.0 * rho), (capacity, one, rho)):
                assert same(memory.split(*given), hours.split(*given))
            capacity = capacity.copy()
            capacity[rng.integers(oracle.blocks)] += 1.0


def test_only_what_is_new_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = some()[0]
    blocks = hours.oracle.blocks
    memory, asked = Remembered(hours), []
    plain = SiteHours.split

    def split(self: SiteHours, capacity, alpha, rho) -> Split:
        asked.append(len(alpha))
        return plain(self, capacity, alpha, rho)

    monkeypatch.setattr(SiteHours, "split", split)
    capacity = np.full((blocks, len(hours.oracle.entries)), 10.0)
    one, none = np.ones(blocks), np.zeros((blocks, len(hours.quantities)))
    memory.split(capacity, one, none)
    memory.split(capacity, one, none)
    moved = capacity.copy()
    moved[1] = 11.0
    memory.split(moved, one, none)
    memory.split(capacity, one, none)
    assert asked == [blocks, 1]
