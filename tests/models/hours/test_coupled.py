"""Coupled hours: hand values, the blocks' values and slopes against the kernel and against differences, and the books' checks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.hours.coupled import Coupling, coupling_of
from models.hours.coupled_subproblem import CoupledSubproblem, couple, site_subproblem
from models.hours.subproblem import Money, Subproblem, make_subproblem, with_scenarios
from models.problem import Array, Battery, Deferrable, Problem
from models.proforma.coupled import levels
from models.proforma.keep import keep_books
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from optimizer.solver.hour_blocks import block_opener
from tests.shared.random_problems import random_problem
from tests.shared.tiny import expansion_of, hourly, hours_of, rig_of, service_of, site_of, tiny

METHODS = ["cuts", "extensive"]


# ---- hand values -----------------------------------------------------------------------------------------------------


def at_prices(prices: list[float], first: int = 0, **terms: Any) -> Problem:
    """One month of as many hours, at these grid prices."""
    problem = hours_of(tiny(1, months=1), len(prices), first)
    site = site_of(problem, gross_ratio=1.0, **terms)
    grid = replace(site.grid, price=hourly(problem, [0.0] * first + prices))
    return replace(problem, sites=(replace(site, grid=grid),))


def with_load(problem: Problem, mw: float = 10.0, rate: float = 500.0, demand: Any = 1.0, **terms: Any) -> Problem:
    """The same with a customer under contract whose every MWh earns `rate`."""
    fixed: dict[str, Any] = {"contracted": np.array([mw]), "contracted_term": 1, "limit": mw, "window": np.zeros(2, dtype=bool)}
    load = service_of(problem, "load", "cloud", rate=rate, reimbursed=None, demand=hourly(problem, demand), **fixed, **terms)
    return replace(problem, services=(load,))


def margin(problem: Problem, method: str) -> tuple[float, Solution]:
    """USD that the hours leave, in a verified plan."""
    solution = solve_problem(problem, method=method, baseline=False)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    assert solution.books is not None
    return float(solution.books.power["home", "cash_margin"].sum()), solution


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("cheap_first", [True, False])
def test_a_battery_moves_cheap_power_to_dear_hours(method: str, level: float, cheap_first: bool) -> None:
    """Six hours at 20, six at 100 USD/MWh, 8 MWh at 90 % in and 95 % out, 3 USD/MWh of wear: one cycle of what there is room for.

    Cheap hours first: what it can add before it gives it back; dear ones first: what it has, restored later.
    """
    prices = [20.0] * 6 + [100.0] * 6
    battery = Battery(4.0, 4.0, 8.0, 0.9, 0.95, 3.0, level)
    problem = with_load(at_prices(prices if cheap_first else prices[::-1], battery=battery))
    found, solution = margin(problem, method)
    cycled = 8.0 * ((1.0 - level) if cheap_first else level)
    saved = cycled * 0.95 * (100.0 - 3.0) - cycled / 0.9 * 20.0
    load = 12 * 10.0 * 500.0 - 6 * 10.0 * (20.0 + 100.0)
    assert found == pytest.approx(load + saved, rel=1e-9)
    power = solution.books.power  # type: ignore[union-attr]
    assert power["home", "charge"].sum() == pytest.approx(cycled / 0.9, rel=1e-9, abs=1e-9)
    assert power["home", "discharge"].sum() == pytest.approx(cycled * 0.95, rel=1e-9, abs=1e-9)
    # charging is no use that earns; its losses are power bought
    assert power["home", "ai:load"].sum() == pytest.approx(120.0, rel=1e-9)
    assert power["home", "grid"].sum() == pytest.approx(120.0 + cycled / 0.9 - cycled * 0.95, rel=1e-9)
    assert power["home", "variable_costs"].sum() == pytest.approx(3.0 * cycled * 0.95, rel=1e-9, abs=1e-9)
    assert solution.books.words["energy_mwh"].sum() == pytest.approx(120.0, rel=1e-9)  # type: ignore[union-attr]


@pytest.mark.parametrize("method", METHODS)
def test_a_battery_that_loses_charge_waits_until_the_last_cheap_hour(method: str) -> None:
    """1 MWh after a dear hour's wait: charged in hour 1, given in hour 3, two hours of 10 % loss between."""
    battery = Battery(5.0, 5.0, 1.0, 1.0, 1.0, 0.0, 0.0, self_discharge=0.1)
    found, _ = margin(with_load(at_prices([20.0, 20.0, 50.0, 100.0], battery=battery)), method)
    # stored 1 MWh at the end of hour 1, 0.9 at the end of hour 2, 0.81 can be given in hour 3; topped up in hour 2 at 50 USD/MWh:
    # 0.1 MWh more there are 0.09 in hour 3, worth 9 USD for 5
    saved = 100.0 * 0.9 - 20.0 * 1.0 - 50.0 * 0.1
    assert found == pytest.approx(4 * 10.0 * 500.0 - 10.0 * 190.0 + saved, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_an_hour_is_spent_once(method: str) -> None:
    """At -50 USD/MWh power is burnt by charging and giving at once: the two share the hour, 1 / (1 + 0.8) of it charging."""
    battery = Battery(9.0, 9.0, 1.0, 0.8, 1.0, 2.0, 0.5)
    problem = at_prices([-50.0], battery=battery)
    found, _ = margin(with_load(problem), method)
    taken = 9.0 / 1.8
    assert found == pytest.approx(10.0 * 550.0 + 50.0 * 0.2 * taken - 2.0 * 0.8 * taken, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("cost", "built"), [(29.0, 6.0), (31.0, 0.0)])
def test_a_battery_is_built_where_it_earns_its_cost(method: str, cost: float, built: float) -> None:
    """Of each MW 1.8 MWh (two hours at 1 MW and 90 %), charged at 20 and given at 40 USD/MWh once a month for two months."""
    problem = hours_of(tiny(2, months=1), 4)
    battery = Battery(1.0, 1.0, 1.8, 0.9, 1.0, 0.0, 0.0, now=0.0)
    month = 1.8 * 40.0 - 2.0 * 20.0
    earned = month * (1.08 ** (-1 / 12) + 1.08 ** (-2 / 12))
    store = replace(expansion_of(problem, cost=cost / 30.0 * earned, limit=6.0), window=np.array([True, False, False]))
    site = site_of(problem, gross_ratio=1.0, battery=battery, store=store)
    problem = with_load(
        replace(problem, sites=(replace(site, grid=replace(site.grid, price=hourly(problem, [20, 20, 40, 40]))),))
    )
    problem = replace(problem, services=(replace(problem.services[0], contracted_term=2, window=np.zeros(3, dtype=bool)),))
    found, solution = margin(problem, method)
    assert solution.decisions is not None and solution.decisions.built["home", "store"].sum() == pytest.approx(built, abs=1e-9)
    load = 2 * (4 * 10.0 * 500.0 - 10.0 * 120.0)
    assert found == pytest.approx(load + 2 * built * month, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_ramp_cuts_the_corners_of_a_square_wave(method: str) -> None:
    """10 MW at 125 USD/MWh, six hours at 10 and six at 1,000 USD/MWh, a quarter of the MW per hour: down to nothing in time."""
    problem = at_prices([10.0] * 6 + [1000.0] * 6)
    rig = rig_of(problem, owned=np.array([10.0]), limit=0.0, resale=0.0, ramp_limit=0.25)
    found, solution = margin(replace(problem, rigs=(rig,)), method)
    assert found == pytest.approx((10.0 + 10.0 + 10.0 + 7.5 + 5.0 + 2.5) * 115.0, rel=1e-9)
    used = solution.decisions.dispatch["home", 0, 0].uses["rig:rig"]  # type: ignore[union-attr]
    assert used == pytest.approx([10.0, 10.0, 10.0, 7.5, 5.0, 2.5] + [0.0] * 6, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_a_ramp_of_a_service_counts_all_its_megawatts(method: str) -> None:
    """Demand of 10, 2, 10, 2 of 10 MW, a fifth of them per hour: whoever serves 4 before 2 can serve 4 after it."""
    problem = with_load(at_prices([20.0] * 4), demand=[1.0, 0.2, 1.0, 0.2], ramp_limit=0.2)
    found, _ = margin(problem, method)
    assert found == pytest.approx((4.0 + 2.0 + 4.0 + 2.0) * 480.0, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("deadline", "moved"), [(None, 30.0), (3, 6.0), (8, 16.0), (1, 2.0)])
def test_jobs_move_to_cheap_hours(method: str, deadline: int | None, moved: float) -> None:
    """5 MW of demand, 40 % of it deferrable, 10 MW under contract; 100 USD/MWh until 18:00, then 20.

    Of 36 MWh that could wait for the evening the day's end leaves room for 5 MW * 6 hours. Within n hours: jobs of the n hours before.
    """
    problem = at_prices([100.0] * 18 + [20.0] * 6)
    problem = with_load(problem, demand=0.5, deferrable=Deferrable(0.4, deadline))
    found, solution = margin(problem, method)
    assert found == pytest.approx(120.0 * 500.0 - (90.0 - moved) * 100.0 - (30.0 + moved) * 20.0, rel=1e-9)
    used = solution.decisions.dispatch["home", 0, 0].uses["ai:load"]  # type: ignore[union-attr]
    assert used.max() <= 10.0 + 1e-9 and used.sum() == pytest.approx(120.0, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("deadline", "moved"), [(None, 0.0), (6, 24.0)])
def test_jobs_do_not_wait_beyond_their_day_unless_a_deadline_lets_them(method: str, deadline: int | None, moved: float) -> None:
    """18:00 to 06:00, dear until midnight: only jobs with a deadline of hours wait over it (4 MW of them, 5 MW free)."""
    problem = at_prices([100.0] * 6 + [20.0] * 6, first=18)
    problem = with_load(problem, demand=0.5, deferrable=Deferrable(0.8, deadline))
    found, _ = margin(problem, method)
    assert found == pytest.approx(60.0 * 500.0 - (30.0 - moved) * 100.0 - (30.0 + moved) * 20.0, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_jobs_that_are_not_served_in_time_pay_the_penalty(method: str) -> None:
    """No power in the last two of four hours: what waits is lost; half of what comes in the dark could not have come earlier."""
    problem = with_load(at_prices([20.0] * 4), demand=0.5, penalty=np.full((1, 1), 300.0), deferrable=Deferrable(1.0, 1))
    grid = replace(problem.sites[0].grid, availability=hourly(problem, [1.0, 1.0, 0.0, 0.0]))  # type: ignore[type-var]
    found, solution = margin(replace(problem, sites=(replace(problem.sites[0], grid=grid),)), method)
    assert found == pytest.approx(10.0 * 480.0 - 300.0 * 10.0, rel=1e-9)
    assert solution.books.power["home", "shortfall_penalties"].sum() == pytest.approx(3000.0, rel=1e-9)  # type: ignore[union-attr]


# ---- blocks as an oracle ---------------------------------------------------------------------------------------------

SEEDS = [seed for seed in range(40) if random_problem(seed).sites]


def drawn(subproblem: Subproblem, rng: np.random.Generator) -> Array:
    """(B, E) random MW of what is decided."""
    decided = np.array([entry.decided for entry in subproblem.entries])
    shape = (subproblem.blocks, len(subproblem.entries))
    return np.where(decided, rng.uniform(0, 40, shape) * (rng.random(shape) < 0.9), 1.0)


def coupled_oracles(seed: int) -> Iterator[tuple[CoupledSubproblem, np.random.Generator]]:
    problem = random_problem(seed, coupled=True)
    rigs, services = tuple(range(len(problem.rigs))), tuple(range(len(problem.services)))
    for i in range(len(problem.sites)):
        subproblem = site_subproblem(problem, i, rigs, services, block_opener())
        if isinstance(subproblem, CoupledSubproblem):
            yield subproblem, np.random.default_rng(seed)


def directions(subproblem: Subproblem, rng: np.random.Generator) -> list[Money | None]:
    """The oracle's own money, and two others far from it."""
    size = float(np.abs(subproblem.value.base).max()) + 1.0
    shape = (subproblem.blocks, len(subproblem.entries))
    return [None, *(Money(rng.normal(0, 1, shape), rng.normal(0, 1, shape), rng.normal(0, size, shape)) for _ in range(2))]


def test_every_coupling_is_drawn() -> None:
    couplings = [subproblem.coupling for seed in SEEDS for subproblem, _ in coupled_oracles(seed)]
    assert len(couplings) >= 20
    assert sum(c.battery is not None for c in couplings) >= 10
    assert sum(bool(c.waiting) for c in couplings) >= 10 and sum(bool(c.ramps) for c in couplings) >= 10


@pytest.mark.parametrize("seed", SEEDS[::3])
def test_blocks_without_coupling_are_worth_what_the_kernel_says(seed: int) -> None:
    """On hours that could be coupled, with nothing that does: the compiled search and the program agree on value and energy cost."""
    problem = random_problem(seed, coupled=True)
    plain = tuple(replace(service, deferrable=None) for service in problem.services)
    problem = replace(without_batteries(problem), services=plain)
    rng = np.random.default_rng(seed)
    for i in range(len(problem.sites)):
        kernel = make_subproblem(problem, i, tuple(range(len(problem.rigs))), tuple(range(len(problem.services))))
        blocks = couple(problem, kernel, Coupling(None, (), ()), block_opener())
        for extra in directions(kernel, rng):
            capacity = drawn(kernel, rng)
            one, other = kernel.recourse_solution(capacity, extra), blocks.recourse_solution(capacity, extra)
            size = 1.0 + np.abs(one.value).max()
            assert other.value == pytest.approx(one.value, rel=1e-10, abs=1e-10 * size)
            money = kernel.priced(extra)
            sign = np.where(kernel.is_source, -1.0, 1.0)
            income = Money(money.slope_price * sign, money.slope_adder * sign, money.base * sign)
            assert other.total(income) == pytest.approx(one.value, rel=1e-9, abs=1e-9 * size)


@pytest.mark.parametrize("seed", SEEDS[1::3])
def test_energies_and_slopes_add_up_to_the_value_and_hours_balance(seed: int) -> None:
    for subproblem, rng in coupled_oracles(seed):
        sign = np.where(subproblem.is_source, -1.0, 1.0)
        for extra in directions(subproblem, rng):
            capacity = drawn(subproblem, rng)
            found = subproblem.recourse_solution(capacity, extra)
            money = subproblem.priced(extra)
            income = Money(money.slope_price * sign, money.slope_adder * sign, money.base * sign)
            size = 1.0 + np.abs(found.value).max()
            # primal and dual: what the flows earn is what the duals say
            assert found.total(income) == pytest.approx(found.value, rel=1e-9, abs=1e-9 * size)
            assert (found.slope * capacity).sum(axis=1) == pytest.approx(found.value, rel=1e-12, abs=1e-12 * size)
            mw = subproblem.dispatch(capacity, extra, np.arange(subproblem.blocks))
            assert np.abs((mw * sign).sum(axis=1)).max() <= 1e-8 and (mw >= 0.0).all()
            starts = np.concatenate([[0], np.cumsum(subproblem.count)])[:-1]
            assert np.add.reduceat(mw, starts, axis=0) == pytest.approx(found.energy, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("seed", SEEDS[2::3])
def test_slopes_are_valid_cuts_and_lie_between_differences(seed: int) -> None:
    """V(K') <= V(K) + slope (K' - K) for any two plans; and along one capacity slope(K + h) <= (V(K + h) - V(K)) / h <= slope(K)."""
    for subproblem, rng in coupled_oracles(seed):
        decided = [e for e, entry in enumerate(subproblem.entries) if entry.decided]
        for extra in directions(subproblem, rng):
            capacity = drawn(subproblem, rng)
            here = subproblem.recourse_solution(capacity, extra)
            size = 1.0 + np.abs(here.value).max()
            for _ in range(3):
                other = drawn(subproblem, rng)
                there = subproblem.recourse_solution(other, extra)
                plane = here.value + (here.slope * (other - capacity)).sum(axis=1)
                assert (there.value <= plane + 1e-9 * (size + np.abs(plane))).all()
            for e in decided:
                more = capacity.copy()
                more[:, e] += (step := 0.37)
                there = subproblem.recourse_solution(more, extra)
                rise = (there.value - here.value) / step
                assert (rise <= here.slope[:, e] + 1e-8 * size).all() and (rise >= there.slope[:, e] - 1e-8 * size).all()


def test_a_question_asked_again_has_the_same_answer_hour_by_hour() -> None:
    """Degenerate splits too: mixtures of the plan are dispatched long after they were priced."""
    for seed in SEEDS[:8]:
        for subproblem, rng in coupled_oracles(seed):
            capacity, every = drawn(subproblem, rng), np.arange(subproblem.blocks)
            questions = directions(subproblem, rng)
            zero = np.zeros((subproblem.blocks, len(subproblem.entries)))
            own = subproblem.value
            sign = np.where(subproblem.is_source, -1.0, 1.0)
            questions.append(
                Money(-own.slope_price * sign, zero - own.slope_adder * sign, -own.base * sign)
            )  # all prices nothing
            found = [subproblem.recourse_solution(capacity, extra) for extra in questions]
            starts = np.concatenate([[0], np.cumsum(subproblem.count)])[:-1]
            for extra, solution in zip(questions, found, strict=True):
                mw = subproblem.dispatch(capacity, extra, every)
                assert np.add.reduceat(mw, starts, axis=0) == pytest.approx(solution.energy, rel=1e-10, abs=1e-9)
                assert (subproblem.recourse_solution(capacity, extra).energy == solution.energy).all()


def test_a_part_of_the_scenarios_has_the_same_values() -> None:
    problem = next(p for seed in SEEDS if (p := random_problem(seed, coupled=True)).scenarios.count == 3 and p.services)
    rigs, services = tuple(range(len(problem.rigs))), tuple(range(len(problem.services)))
    whole = site_subproblem(problem, 0, rigs, services, block_opener())
    assert isinstance(whole, CoupledSubproblem)
    capacity = drawn(whole, np.random.default_rng(1))
    rows = np.arange(whole.blocks).reshape(3, -1)[1:].ravel()
    part = with_scenarios(whole, np.array([1, 2]))
    assert part.recourse_solution(capacity[rows]).value == pytest.approx(
        whole.recourse_solution(capacity).value[rows], rel=1e-10, abs=1e-6
    )


def test_blocks_need_a_solver() -> None:
    problem = with_load(at_prices([20.0, 30.0]), ramp_limit=0.5)
    subproblem = site_subproblem(problem, 0, (), (0,))
    with pytest.raises(ValueError, match="needs a solver"):
        subproblem.recourse_solution(np.ones((subproblem.blocks, len(subproblem.entries))))


# ---- more freedom is never worth less --------------------------------------------------------------------------------


def best(problem: Problem) -> float:
    solution = solve_problem(problem, method="extensive", canonical=False, baseline=False)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    assert solution.objective is not None
    return solution.objective


def without_batteries(p: Problem) -> Problem:
    return replace(p, sites=tuple(replace(site, battery=None, store=None) for site in p.sites))


def with_larger_batteries(p: Problem) -> Problem:
    def larger(battery: Battery | None) -> Battery | None:
        return None if battery is None else replace(battery, now=battery.standing + 5.0)

    return replace(p, sites=tuple(replace(site, battery=larger(site.battery)) for site in p.sites))


def ramped(p: Problem, share: float) -> Problem:
    return replace(
        p,
        rigs=tuple(replace(rig, ramp_limit=share) for rig in p.rigs),
        services=tuple(replace(service, ramp_limit=share) for service in p.services),
    )


def deferred(p: Problem, share: float, deadline: int | None) -> Problem:
    return replace(p, services=tuple(replace(service, deferrable=Deferrable(share, deadline)) for service in p.services))


@pytest.mark.parametrize("seed", [3, 19, 33, 48])
def test_more_freedom_is_never_worth_less(seed: int) -> None:
    p = random_problem(seed, coupled=True)
    ladders = [
        [without_batteries(p), p, with_larger_batteries(p)],
        [ramped(p, share) for share in (0.0, 0.05, 0.3, 1.0)],
        [deferred(p, share, 4) for share in (0.0, 0.3, 1.0)],
        [deferred(p, 0.6, deadline) for deadline in (0, 1, 3, 30)],
    ]
    risen = 0
    for ladder in ladders:
        values = [best(problem) for problem in ladder]
        for less, more in itertools.pairwise(values):
            assert more >= less - 1e-9 * abs(less)
            risen += more > less + 1e-6 * abs(less)
    assert risen >= 3


@pytest.mark.parametrize("seed", [4, 33, 48])
@pytest.mark.parametrize("method", METHODS)
def test_limits_that_cannot_bind_change_nothing_at_all(seed: int, method: str) -> None:
    """No share, a ramp of all, an empty battery: bit for bit the plan without them."""
    p = without_batteries(ramped(random_problem(seed, coupled=True), np.inf))
    plain = replace(p, services=tuple(replace(service, deferrable=None) for service in p.services))
    loose = ramped(deferred(p, 0.0, None), 1.0)
    loose = replace(loose, sites=tuple(replace(site, battery=Battery(0.0, 5.0, 9.0)) for site in p.sites))
    one, other = solve_problem(plain, method=method, baseline=False), solve_problem(loose, method=method, baseline=False)
    assert one.outcome is other.outcome is Outcome.OPTIMAL
    assert one.objective == other.objective and one.lower_bound == other.lower_bound
    assert one.decisions is not None and other.decisions is not None
    for key, split in one.decisions.dispatch.items():
        there = other.decisions.dispatch[key]
        assert all((there.uses[name] == mw).all() for name, mw in split.uses.items())
        assert all((there.sources[name] == mw).all() for name, mw in split.sources.items())


# ---- the books' own checks -------------------------------------------------------------------------------------------


def everything() -> Solution:
    """A day with a battery, jobs that wait and a slow rig, all of them at their limits."""
    prices = [30.0, 25.0, 20.0, 20.0, 25.0, 40.0, 70.0, 90.0, 60.0, 45.0, 40.0, 35.0]
    problem = at_prices([*prices, *[p + 5.0 for p in prices]], battery=Battery(4.0, 4.0, 10.0, 0.9, 0.9, 1.0, 0.4))
    rig = rig_of(problem, owned=np.array([20.0]), limit=0.0, resale=0.0, density=30.0, ramp_limit=0.2)
    problem = with_load(replace(problem, rigs=(rig,)), demand=0.5, deferrable=Deferrable(0.4, 5))
    return margin(problem, "extensive")[1]


def refused(solution: Solution, change: dict[str, Array]) -> set[str]:
    """Names of the checks that the books refuse when the dispatch changes by these MW (the grid follows)."""
    assert solution.decisions is not None
    split = solution.decisions.dispatch["home", 0, 0]
    uses, sources = dict(split.uses), dict(split.sources)
    for name, mw in change.items():
        sign = -1.0 if name == "discharge" else 1.0
        table = sources if name == "discharge" else uses
        table[name] = table[name] + mw
        sources["grid"] = sources["grid"] + sign * mw
    decisions = replace(solution.decisions, dispatch={("home", 0, 0): replace(split, uses=uses, sources=sources)})
    return {check.name for check in keep_books(solution.problem, decisions).checks if check.relative > 1e-7}


def moved(amounts: dict[int, float]) -> Array:
    out = np.zeros(24)
    for h, mw in amounts.items():
        out[h] = mw
    return out


def test_the_books_refuse_what_coupled_hours_cannot_do() -> None:
    solution = everything()
    assert solution.decisions is not None
    split = solution.decisions.dispatch["home", 0, 0]
    battery = solution.problem.sites[0].battery
    assert battery is not None
    taken, given, served = split.uses["charge"], split.sources["discharge"], split.uses["ai:load"]
    assert taken.max() > 1.0 and given.max() > 1.0 and served.max() > 5.5  # all of it happens
    nothing = {"cash rolls"} & refused(solution, {})
    assert refused(solution, {}) == nothing == set()
    cash = {"cash is not negative"}
    # charged more and never given back
    idle = int(np.flatnonzero((taken == 0.0) & (given == 0.0))[0])
    assert "battery ends as it began" in refused(solution, {"charge": moved({idle: 0.5})})
    # more stored than it holds: charged more before, given more after
    stored = levels(battery, taken, given)
    full = int(np.argmax(stored))
    assert stored[full] == pytest.approx(10.0)
    room = int(np.flatnonzero(taken[: full + 1] < 3.0)[-1])
    later = int(np.flatnonzero((given < 3.0) & (np.arange(24) > full))[0])
    wrong = refused(solution, {"charge": moved({room: 0.5}), "discharge": moved({later: 0.5 * 0.81})})
    assert "battery holds what it can" in wrong and "battery ends as it began" not in wrong
    # both at once for a whole hour
    busy = int(np.argmax(taken))
    more = {"charge": moved({busy: 4.0 - taken[busy]}), "discharge": moved({busy: 4.0})}
    assert "battery charges or discharges" in refused(solution, more)
    # the rig jumps
    assert "changes within the ramp limit" in refused(solution, {"rig:rig": moved({8: 9.0})})
    # served before it was asked for; and later than it can wait
    assert "deferred jobs are served in time" in refused(solution, {"ai:load": moved({0: 1.0, 20: -1.0})})
    first = int(np.argmax(served > 5.5))
    assert "deferred jobs are served in time" in refused(solution, {"ai:load": moved({first: -3.0, 23: 3.0})}) - cash


def served_in_time(terms: Deferrable, demand: Array, served: Array, hours: Array) -> bool:
    """First come, first served, job by job: the rule itself, slowly."""
    queue: list[list[float]] = []  # [last hour, MWh]
    for h in range(len(demand)):
        day = hours // 24
        last = min(h + terms.deadline, len(demand) - 1) if terms.deadline is not None else int(np.flatnonzero(day == day[h])[-1])
        queue.append([last, terms.share * demand[h]])
        left = max(served[h] - (1.0 - terms.share) * demand[h], 0.0)
        queue = [job for job in queue if job[0] >= h]
        for job in queue:
            done = min(job[1], left)
            job[1] -= done
            left -= done
        if left > 1e-9:
            return False
    return True


def test_deferred_service_is_what_first_come_first_served_can_do() -> None:
    """The books' condition against a queue worked off job by job, on random plans of which some keep to it and some do not."""
    from models.proforma.checks import Checklist
    from models.proforma.coupled import check_deferred

    rng = np.random.default_rng(5)
    problem = tiny(1)
    outcomes = []
    for _ in range(400):
        count, first = int(rng.integers(1, 30)), int(rng.integers(0, 40))
        hours = np.arange(first, first + count)
        demand = rng.uniform(0, 1, count)
        terms = Deferrable(float(rng.choice([0.3, 0.7, 1.0])), int(rng.integers(0, 6)) if rng.random() < 0.7 else None)
        served = demand * (1.0 - rng.uniform(0, 0.3, count) * (rng.random(count) < 0.7))
        for _ in range(int(rng.integers(0, 4))):  # some of it later
            h = int(rng.integers(0, count))
            late = min(h + int(rng.integers(0, 4)), count - 1)
            mw = float(rng.uniform(0, served[h]))
            served[h] -= mw
            served[late] += mw
        checks = Checklist(problem)
        check_deferred(terms, demand, served, np.ones(count), hours, ("here",), checks)
        kept = max(check.residual for check in checks.result()) <= 1e-9
        assert kept == served_in_time(terms, demand, served, hours)
        outcomes.append(kept)
    assert 50 < sum(outcomes) < 350


def test_levels_are_those_of_the_hour_by_hour_walk() -> None:
    rng = np.random.default_rng(2)
    for loss in (0.0, 0.01, 0.5):
        battery = Battery(5.0, 5.0, 10.0, 0.9, 0.8, 0.0, 0.3, loss)
        taken, given = rng.uniform(0, 5, (2, 100))
        level, walked = 3.0, []
        for c, d in zip(taken, given, strict=True):
            level = (1.0 - loss) * level + 0.9 * c - d / 0.8
            walked.append(level)
        assert levels(battery, taken, given) == pytest.approx(walked, rel=1e-10, abs=1e-9)


def test_books_want_hours_that_follow_each_other() -> None:
    """A battery that moves power between hours that stand for others is refused by the books too, not by the program only."""
    solution = everything()
    assert solution.decisions is not None
    clock = replace(solution.problem.clock, weight=(np.full(24, 2.0),))
    checks = keep_books(replace(solution.problem, clock=clock), solution.decisions).checks
    assert {"coupled hours follow each other"} <= {check.name for check in checks if check.relative > 1e-7}


def test_the_coupling_of_a_site_is_its_own() -> None:
    """Rigs and services that cannot be at a site do not couple its hours."""
    problem = at_prices([20.0, 30.0])
    rig = rig_of(problem, ramp_limit=0.1)
    problem = with_load(replace(problem, rigs=(rig,)), deferrable=Deferrable(0.5))
    assert coupling_of(problem, 0, (), ()) is None
    found = coupling_of(problem, 0, (0,), (0,))
    assert found is not None and len(found.ramps) == 1 and found.waiting == ((0, "ai:load"),)
