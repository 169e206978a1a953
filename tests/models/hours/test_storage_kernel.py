"""Periods with a battery by the compiled kernel: against the block's linear program, its own cuts against values, slopes against differences."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from models.hours.coupled import Coupling
from models.hours.coupled_subproblem import CoupledSubproblem, couple, site_subproblem
from models.hours.storage_subproblem import StorageSubproblem
from models.hours.subproblem import Money, Subproblem, make_subproblem
from models.problem import Array, Battery, Problem
from models.proforma.coupled import levels
from optimizer.engine.solve import solve_problem
from optimizer.solver.hour_blocks import block_opener
from tests.models.hours.test_coupled import at_prices, with_load

Pair = tuple[StorageSubproblem, CoupledSubproblem]


def drawn_problem(rng: np.random.Generator) -> Problem:
    """A few hours with a battery and a load: prices that swing, fall below nothing, stand still or repeat; lossless or leaking stores."""
    hours, kind = int(rng.choice([1, 2, 3, 6, 24, 48])), int(rng.integers(4))
    prices = {
        0: rng.normal(40, 40, hours),
        1: rng.normal(0, 60, hours),
        2: rng.choice([-50.0, 0.0, 20.0, 20.0, 100.0], hours),
        3: np.full(hours, rng.choice([-10.0, 30.0])),
    }[kind]
    leaks = float(rng.choice([0.01, 0.1, 0.002])) if rng.random() < 0.3 else 0.0
    battery = Battery(
        charge=float(rng.choice([1.0, 4.0, 9.0])),
        discharge=float(rng.choice([2.0, 4.0])),
        energy=float(rng.choice([0.5, 2.0, 8.0, 40.0])),
        charge_efficiency=float(rng.choice([1.0, 0.9, 0.8, 0.95])),
        discharge_efficiency=float(rng.choice([1.0, 0.9, 0.7, 0.97])),
        wear=float(rng.choice([0.0, 3.0, 10.0])),
        level=0.0 if leaks else float(rng.choice([0.0, 0.5, 1.0, 0.3])),
        self_discharge=leaks,
    )
    problem = at_prices([float(price) for price in prices], battery=battery)
    demand = rng.uniform(0, 1, 8784) if rng.random() < 0.5 else 1.0
    return with_load(problem, mw=float(rng.choice([0.0, 3.0, 10.0])), rate=float(rng.choice([500.0, 30.0])), demand=demand)


def both(problem: Problem) -> Pair:
    battery = problem.sites[0].battery
    assert battery is not None
    kernel = site_subproblem(problem, 0, (), (0,))
    assert isinstance(kernel, StorageSubproblem)
    plain = make_subproblem(problem, 0, (), (0,))
    return kernel, couple(problem, plain, Coupling(battery, (), ()), block_opener())


def capacities(subproblem: Subproblem, rng: np.random.Generator, some: float = 0.85) -> Array:
    """(B, E) MW, some of them nothing; what charges is what discharges."""
    shape = (subproblem.blocks, len(subproblem.entries))
    mw = rng.uniform(0, 10, shape) * (rng.random(shape) < some)
    mw[:, entry(subproblem, "charge")] = mw[:, entry(subproblem, "discharge")]
    return mw


def entry(subproblem: Subproblem, kind: str) -> int:
    return [one.kind for one in subproblem.entries].index(kind)


def money(subproblem: Subproblem, rng: np.random.Generator) -> list[Money | None]:
    shape = (subproblem.blocks, len(subproblem.entries))
    return [None, Money(rng.normal(0, 1, shape), rng.normal(0, 1, shape), rng.normal(0, 50, shape))]


def compare(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = drawn_problem(rng)
    kernel, program = both(problem)
    battery = kernel.battery
    sign = np.where(kernel.is_source, -1.0, 1.0)
    take, give = entry(kernel, "charge"), entry(kernel, "discharge")
    for extra in money(kernel, rng):
        mw = capacities(kernel, rng)
        expected, found = program.recourse_solution(mw, extra), kernel.recourse_solution(mw, extra)
        size = 1.0 + np.abs(expected.value).max()
        assert found.value == pytest.approx(expected.value, rel=1e-9, abs=1e-9 * size), seed
        # what the flows earn is what the duals say
        income = kernel.priced(extra).each(lambda table: table * sign)
        assert found.total(income) == pytest.approx(found.value, rel=1e-9, abs=1e-9 * size), seed
        flows = kernel.dispatch(mw, extra, np.arange(kernel.blocks))
        full = battery.energy / battery.discharge * mw[0, give]
        assert np.abs((flows * sign).sum(axis=1)).max() <= 1e-9 and flows.min() >= 0.0, seed
        assert (flows[:, take] * battery.discharge / battery.charge + flows[:, give]).max() <= mw[0, give] + 1e-9, seed
        stored = levels(replace(battery, energy=full), flows[:, take], flows[:, give])
        assert (
            stored.min() >= -1e-9 and stored.max() <= full + 1e-9 and stored[-1] == pytest.approx(battery.level * full, abs=1e-9)
        ), seed
        # at any other MW the plane lies above
        other = capacities(kernel, rng)
        plane = (found.slope * other).sum(axis=1)
        assert (program.recourse_solution(other, extra).value <= plane + 1e-9 * (1.0 + np.abs(plane))).all(), seed


def test_blocks_are_worth_what_their_linear_program_says() -> None:
    for seed in range(150):
        compare(seed)


@pytest.mark.slow
def test_two_thousand_blocks_are_worth_what_their_linear_program_says() -> None:
    for seed in range(150, 2150):
        compare(seed)


def test_slopes_lie_between_differences_and_the_first_megawatt_is_told_exactly() -> None:
    """slope(K + h) <= (V(K + h) - V(K)) / h <= slope(K); from nothing up, the slope of the battery is what the first MW is worth."""
    for seed in range(120):
        rng = np.random.default_rng(seed)
        kernel, _ = both(drawn_problem(rng))
        take, give = entry(kernel, "charge"), entry(kernel, "discharge")
        load = entry(kernel, "service")
        for extra in money(kernel, rng):
            for moved in ([take, give], [load]):
                mw = capacities(kernel, rng)
                if rng.random() < 0.4:
                    mw[:, moved] = 0.0
                step = 1e-6
                more = mw.copy()
                more[:, moved] += step
                here, there = kernel.recourse_solution(mw, extra), kernel.recourse_solution(more, extra)
                gain = (there.value - here.value) / step
                near = 1e-5 * (1.0 + np.abs(gain).max()) + 1e-9 * np.abs(here.value).max() / step
                assert (there.slope[:, moved].sum(axis=1) <= gain + near).all(), seed
                assert (gain <= here.slope[:, moved].sum(axis=1) + near).all(), seed
                if moved == [take, give] and (mw[:, moved] == 0.0).all():
                    assert here.slope[:, give] == pytest.approx(gain, rel=1e-5, abs=float(near)), seed


def test_any_part_of_the_blocks_gives_the_same_bits() -> None:
    from models.hours.subproblem import with_blocks

    rng = np.random.default_rng(3)
    problem = drawn_problem(rng)
    kernel, _ = both(problem)
    assert kernel.divisible
    many = with_blocks(kernel, np.zeros(5, dtype=np.int64))
    mw = np.vstack([capacities(kernel, rng) for _ in range(5)])
    whole = many.recourse_solution(mw)
    for rows in ([0, 3], [4], [1, 2]):
        part = with_blocks(many, np.array(rows)).recourse_solution(mw[rows])
        for one in fields(whole):
            a, b = getattr(whole, one.name), getattr(part, one.name)
            assert a is None or a[rows].tobytes() == b.tobytes()


@pytest.mark.parametrize("seed", range(6))
def test_the_whole_program_says_the_same_with_every_hour_written_out(seed: int) -> None:
    problem = drawn_problem(np.random.default_rng(100 + seed))
    cuts = solve_problem(problem, method="cuts", baseline=False)
    extensive = solve_problem(problem, method="extensive", baseline=False)
    assert cuts.objective == pytest.approx(extensive.objective, rel=1e-8, abs=1e-6)
