"""Cuts against the program in one piece: same optimum, bounds on their right sides, books verified by the hour."""

from __future__ import annotations

import numpy as np
import pytest

from models.benders import cuts as decomposition
from models.benders.cuts import Cuts
from models.problem import LEAP_HOURS, Problem
from models.proforma.assets import keep_assets
from optimizer.case.case import Case
from optimizer.engine import second_try, warm_start
from optimizer.engine import solve as engine
from optimizer.engine.solution import Solution
from optimizer.engine.values import Outcome
from tests.shared.places import ROOT
from tests.shared.plans import plan_of
from tests.shared.random_problems import random_problem


def with_sites(seeds: range) -> list[int]:
    return [seed for seed in seeds if random_problem(seed).sites]


def agree(cuts: Solution, whole: Solution) -> None:
    assert whole.outcome is Outcome.OPTIMAL, whole.reasons
    assert cuts.outcome is Outcome.OPTIMAL, cuts.reasons
    assert cuts.objective is not None and cuts.upper_bound is not None and cuts.lower_bound is not None
    scale = max(abs(whole.objective or 0.0), 1.0)
    assert cuts.objective == pytest.approx(whole.objective, rel=1e-8, abs=1e-8 * scale)
    # the cuts are an outer approximation: the true optimum lies between the bounds
    assert cuts.upper_bound >= (whole.objective or 0.0) - 1e-8 * scale
    assert cuts.lower_bound <= (whole.objective or 0.0) + 1e-8 * scale
    assert cuts.gap is not None and cuts.gap <= 1e-7


@pytest.mark.parametrize("chunk", range(8))
def test_random_problems_agree(chunk: int) -> None:
    seeds = with_sites(range(200 + chunk * 12, 212 + chunk * 12))
    assert seeds
    for seed in seeds:
        problem = random_problem(seed)
        agree(plan_of(problem, method="cuts"), plan_of(problem, method="extensive"))


#: first seeds of eight: those among which every coupling is used (see below), and the rest by hand
COUPLED = [pytest.param(n, marks=() if n in (0, 8, 24, 32, 48) else pytest.mark.slow) for n in range(0, 96, 8)]


@pytest.mark.parametrize("first", COUPLED)
def test_random_problems_with_coupled_hours_agree(first: int) -> None:
    """Batteries, demand that waits, ramps: blocks of hours valued by themselves against all their rows."""
    seeds = with_sites(range(first, first + 8))
    assert seeds
    for seed in seeds:
        problem = random_problem(seed, coupled=True)
        agree(plan_of(problem, method="cuts"), plan_of(problem, method="extensive"))


def test_the_random_problems_couple_hours() -> None:
    """There are enough of them; and somewhere batteries give, jobs are served after their hour, and ramps bind."""
    assert len(with_sites(range(96))) >= 60
    given = late = steep = built = 0
    for seed in (3, 9, 30, 33, 36, 48, 53):
        problem = random_problem(seed, coupled=True)
        solution = plan_of(problem, method="cuts")
        assert solution.decisions is not None and solution.books is not None
        contracted = keep_assets(problem, solution.decisions).contracted
        built += any(kind == "store" and mw.max() > 0.1 for (_, kind), mw in solution.decisions.built.items())
        for (site, s, t), split in solution.decisions.dispatch.items():
            given += split.sources.get("discharge", np.zeros(1)).max() > 0.1
            gross = next(place.gross_ratio for place in problem.sites if place.name == site)
            for service in problem.services:
                mw = contracted[service.name, site][s, t] * gross
                used = split.uses.get(f"ai:{service.name}", np.zeros(1))
                late += (used - service.demand.values(problem.clock, s, t) * mw).max() > 0.1
                if service.ramps and mw > 0.1:
                    steep += np.abs(np.diff(used)).max() > 0.999 * service.ramp_limit * mw
    assert given >= 10 and late >= 10 and steep >= 10 and built >= 2


def test_random_problems_use_every_linked_quantity() -> None:
    """Coins kept, energy served, diesel: somewhere among the seeds above each is linked."""
    from models.program.master_problem import MasterProblem

    names: set[str] = set()
    for seed in with_sites(range(200, 296)):
        recourse = MasterProblem(random_problem(seed), "benders").recourse
        assert recourse is not None
        names |= {q.name.split()[0] for value in recourse.values for q in value.quantities}
    assert {"kept", "served", "diesel_mwh"} <= names


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("all-features", ()),
        ("curtailment", ()),
        ("coupled", ("horizon.months=1",)),
        pytest.param("coupled", (), marks=pytest.mark.slow),
    ],
)
def test_known_cases_agree(name: str, settings: tuple[str, ...]) -> None:
    case = Case.load(ROOT / "tests" / "cases" / f"{name}.yaml", settings=settings)
    agree(plan_of(case, method="cuts"), plan_of(case, method="extensive"))


def test_quickstart_agrees_when_thinned() -> None:
    case = Case.load(ROOT / "cases" / "quickstart.yaml", settings=("horizon.hours={every: 241}",))
    agree(plan_of(case, method="cuts"), plan_of(case, method="extensive"))


def test_prices_of_interconnection_agree() -> None:
    """Summed over periods, one more megawatt of grid is worth the same by cuts and by hourly rows."""
    problem = random_problem(3)
    assert problem.sites

    def total(solution: Solution) -> float:
        return sum(p.value for p in solution.prices if p.family == "interconnection")

    whole = plan_of(problem, method="extensive")
    assert total(plan_of(problem, method="cuts")) == pytest.approx(total(whole), rel=1e-6, abs=1.0)


def test_every_hour_of_a_year_is_kept() -> None:
    """All hours, not a sample: one negative-price hour more changes the answer by just its worth."""
    case = Case.load(ROOT / "tests" / "cases" / "curtailment.yaml", settings=("horizon.hours=all",))
    problem: Problem = case.problem()
    assert sum(len(h) for h in problem.clock.hour_index) == int(problem.clock.hours.sum())
    assert max(int(h.max()) for h in problem.clock.hour_index) < LEAP_HOURS
    solution = plan_of(case)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    assert solution.decisions is not None
    for (site, s, t), split in solution.decisions.dispatch.items():
        used = np.sum(list(split.uses.values()), axis=0)
        given = np.sum(list(split.sources.values()), axis=0)
        assert len(used) == len(problem.clock.hour_index[t]), (site, s, t)
        assert np.abs(used - given).max() <= 1e-9


#: rules out any plan, and prices a linked quantity at what rounding leaves of nothing on the way there
BARRED = ("sites.barker.delay=25 months", "horizon.hours={every: 719}", "horizon.period=half-year")


def barred() -> Case:
    return Case.load(ROOT / "tests" / "cases" / "all-features.yaml", settings=BARRED)


def test_no_plan_is_proved_where_a_direction_held_rounding() -> None:
    solution = engine.solve(barred(), baseline=False)
    assert solution.outcome is Outcome.INFEASIBLE and solution.method == "cuts", solution.reasons
    assert solution.certificate is not None and solution.certificate.verified and solution.certificate.margin > 1e-3


def test_a_cut_holds_all_of_its_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rounding leaves of a price is taken out before the hours are worked out: the cut is that of the direction in its row."""
    asked: list[tuple[np.ndarray, np.ndarray]] = []
    begun = Cuts._begin

    def begin(self: Cuts, start: list[np.ndarray] | None) -> None:
        begun(self, start)
        site = next(i for i, one in enumerate(self.sites) if len(one.units))
        blocks, count = len(self.sites[site].recourse), len(self.sites[site].units)
        split = self.hours.recourse_solution
        self.hours.recourse_solution = lambda i, k, a, r: (asked.append((a, r)), split(i, k, a, r))[1]  # type: ignore[func-returns-value]
        capacity = np.maximum(self.sites[site].constant, 1.0)
        self._cut(site, capacity, np.ones(blocks), np.full((blocks, count), 1e-16) * self.unit / self.sites[site].units, None)
        self.hours.recourse_solution = split

    monkeypatch.setattr(Cuts, "_begin", begin)
    solution = engine.solve(barred(), baseline=False)
    assert len(asked) == 2 and asked[0][1].any() and not asked[1][1].any() and (asked[1][0] == 1.0).all()
    assert solution.outcome is Outcome.INFEASIBLE


def test_what_cuts_do_not_prove_is_proved_with_every_hour_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here rows keep what HiGHS leaves out, and no ray proves anything: the answer is that of the program in one piece, if it is small."""
    monkeypatch.setattr(decomposition, "SMALLEST_ENTRY", 0.0)
    solution = engine.solve(barred(), baseline=False)
    assert solution.outcome is Outcome.INFEASIBLE and solution.method == "extensive"
    assert solution.certificate is not None and solution.certificate.verified
    monkeypatch.setattr(second_try, "SMALL", 0)
    monkeypatch.setattr(second_try, "UNITS", ())
    solution = engine.solve(barred(), baseline=False)
    assert solution.outcome is Outcome.UNVERIFIED


@pytest.fixture(scope="module")
def tail_alone() -> tuple[Solution, float]:
    """With every hour written out: (solution, expected value)."""
    solution = engine.solve(weighed(1.0), method="extensive", baseline=False)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    return solution, expected(solution)


def weighed(weight: float) -> Case:
    settings = ("horizon.hours={every: 719}", "horizon.period=half-year", f"objective.risk_weight={weight}")
    return Case.load(ROOT / "tests" / "cases" / "all-features.yaml", settings=settings)


def expected(solution: Solution) -> float:
    assert solution.books is not None
    return float(solution.books.value @ solution.problem.scenarios.probability)


@pytest.mark.parametrize("neighbour", [None, 0.5, 0.9])
def test_of_plans_with_the_same_tail_the_one_that_expects_most(
    tail_alone: tuple[Solution, float], neighbour: float | None
) -> None:
    """At risk weight 1 hours outside the tail have no price, yet the highest expected value is that of the program in one piece: from
    nothing, and from wherever a neighbour ended."""
    whole, most = tail_alone
    exported = None
    if neighbour is not None:
        warm = engine.solve_warm(weighed(neighbour), baseline=False).warm
        assert warm is not None
        exported = warm_start.export_basis(warm)
    solution = engine.solve(weighed(1.0), baseline=False, start_from=exported)
    agree(solution, whole)
    assert expected(solution) == pytest.approx(most, rel=1e-8)
