"""Repairs tried on the whole case: what other scenarios ask for, what stays unsettled, and what is then said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.hours.convex_combination import ConvexCombination
from models.problem import Problem
from optimizer.case.case import Case
from optimizer.engine.policy import Thoroughness
from optimizer.engine.solve import solve, solve_problem
from optimizer.engine.values import Outcome
from optimizer.explain.no_plan import repairs as repair
from optimizer.explain.no_plan import text as explain_text
from optimizer.explain.no_plan.elastic_program import ElasticProgram
from optimizer.explain.no_plan.explanation import Explanation, explain
from optimizer.explain.no_plan.iis import InfeasibilityAnalyser, far_apart
from optimizer.explain.no_plan.repairs import Repair, Step, line_root
from optimizer.explain.no_plan.requirements.everything import requirements
from optimizer.explain.no_plan.verify_repairs import RepairResult, Verifier, elsewhere, verify
from optimizer.solver import branch_and_bound
from tests.shared.places import ROOT
from tests.shared.random_problems import random_problem

SHIPPED = ROOT / "cases"
CASES = ROOT / "tests" / "cases" / "infeasible"


def coins(*settings: str) -> Case:
    return Case.load(CASES / "coins-against-cash.yaml", settings=settings)


def test_what_one_scenario_was_enough_for_is_found_anew_where_another_refutes_it() -> None:
    """4 MUSD of cash are enough in base; bear, where coins are worth less, asks for more, and more is what is told."""
    case = coins()
    analyser = InfeasibilityAnalyser(case.problem(), case)
    parameter = analyser.requirements["treasury.cash"].parameters[0]
    enough = Repair((Step(analyser.requirements["treasury.cash"], parameter, 4e6),), "scenarios")
    assert solve(coins(*enough.settings), canonical=False).outcome is Outcome.INFEASIBLE
    analyser = analyser.of((0,))
    assert analyser.without((), [step.change for step in enough.steps]).feasible is True
    refuted: dict[str, str] = {}
    assert elsewhere(analyser, enough, refuted) is not None and refuted == {"treasury.cash": "bear"}
    (found,) = verify(analyser, [enough])
    assert analyser.scope == (0,) and analyser.deadline is None
    assert found.outcome == "optimal" and found.steps[0].value > 4e6
    again = solve(coins(*found.settings), canonical=False)
    assert again.outcome is Outcome.OPTIMAL and again.objective == pytest.approx(found.objective, rel=1e-9)
    nearer = replace(enough, steps=(replace(enough.steps[0], value=4e6 + 0.95 * (found.steps[0].value - 4e6)),))
    assert solve(coins(*nearer.settings), canonical=False).outcome is Outcome.INFEASIBLE
    assert elsewhere(analyser.of((0, 1)), enough) is None  # all were looked at


def test_a_repair_that_was_refuted_is_not_told_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    case = coins()
    analyser = InfeasibilityAnalyser(case.problem(), case)
    one = analyser.requirements["treasury.cash"]
    analyser = analyser.of((0,))
    refuted = Repair((Step(one, one.parameters[0], 4e6),), "scenarios")
    calls = []

    def expired(self: InfeasibilityAnalyser) -> bool:
        calls.append(self)
        return len(calls) > 1  # after the solve that refutes it

    monkeypatch.setattr(InfeasibilityAnalyser, "expired", expired)
    assert verify(analyser, [refuted], deadline=np.inf) == []


@pytest.mark.parametrize(
    ("outcomes", "tried", "told"),
    [
        (["INFEASIBLE", "INFEASIBLE", "OPTIMAL"], [4e6, 4.04e6, 4.2e6], 4.2e6),
        (["LIMIT", "OPTIMAL"], [4e6, 5e6], 5e6),
        (["INFEASIBLE", "LIMIT", "OPTIMAL"], [4e6, 4.04e6, 5e6], 5e6),
        (["LIMIT", "LIMIT"], [4e6, 5e6], 4e6),
        (["INFEASIBLE"] * 4, [4e6, 4.04e6, 4.2e6, 5e6], None),
    ],
)
def test_how_far_a_figure_goes_where_the_least_one_does_not_do(
    outcomes: list[str], tried: list[float], told: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refuted goes a little further; what stays unsettled goes as far as it may: near the edge trying takes longest."""
    case = coins()
    analyser = InfeasibilityAnalyser(case.problem(), case)
    one = analyser.requirements["treasury.cash"]
    seen: list[float] = []

    def solved(verifier: Verifier, changed: Repair, *_: object) -> RepairResult:
        seen.append(changed.steps[0].value)
        outcome = outcomes[len(seen) - 1]
        return RepairResult(outcome, outcome == "OPTIMAL", 1.0 if outcome == "OPTIMAL" else None, None)

    monkeypatch.setattr(Verifier, "solve", solved)
    found = Verifier(analyser)._solved(analyser, Repair((Step(one, one.parameters[0], 4e6),), "planned"))
    assert seen == pytest.approx(tried, rel=1e-12)
    assert (None if found is None else found.steps[0].value) == told


def dodging() -> Problem:
    """Its relaxation dodges the tax law."""
    return random_problem(319)


def test_a_search_that_ends_without_a_plan_falls_back_on_the_nearest_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    best = solve_problem(dodging(), baseline=False)
    assert best.outcome is Outcome.OPTIMAL and best.objective is not None and best.borne_out
    search = branch_and_bound.search

    def no_branch(*arguments: object, **options: object) -> branch_and_bound.BranchResult:
        return search(*arguments, **{**options, "most": 1})  # type: ignore[arg-type]

    monkeypatch.setattr(branch_and_bound, "search", no_branch)
    found = solve_problem(dodging(), baseline=False, time_limit=600.0)
    assert found.outcome is Outcome.LIMIT and found.borne_out and found.books is not None
    assert found.objective is not None and found.upper_bound is not None
    size = 1e-7 * abs(best.objective)
    assert found.objective <= best.objective + size <= found.upper_bound + 2 * size
    assert any("stopped after 1 branches" in reason for reason in found.reasons)


def test_thorough_or_not_the_plan_obeys_the_law_and_the_bounds_hold() -> None:
    best = solve_problem(dodging(), baseline=False)
    quick = solve_problem(dodging(), baseline=False, canonical=False, thoroughness=Thoroughness.QUICK)
    assert best.objective is not None and quick.objective is not None and quick.upper_bound is not None
    assert quick.outcome in (Outcome.OPTIMAL, Outcome.LIMIT) and quick.borne_out
    size = 1e-7 * abs(best.objective)
    assert quick.objective <= best.objective + size <= quick.upper_bound + 2 * size


@pytest.mark.parametrize("seed", [301, 311, 318])
def test_cutting_in_own_directions_first_leads_to_the_same_worth(seed: int) -> None:
    """Also where hours are linked, and where mixtures of splits are priced in (each program begun where the last ended)."""
    whole = solve_problem(random_problem(seed), baseline=False, canonical=False, method="extensive")
    quick = solve_problem(random_problem(seed), baseline=False, canonical=False, thoroughness=Thoroughness.QUICK)
    assert whole.objective is not None and quick.objective is not None
    assert quick.objective == pytest.approx(whole.objective, rel=1e-7, abs=1.0) or quick.outcome is Outcome.LIMIT
    assert quick.borne_out


def test_a_plan_without_books_that_agree_is_not_borne_out() -> None:
    solution = solve_problem(dodging(), baseline=False)
    assert solution.books is not None and solution.borne_out
    off = replace(solution.books.checks[0], residual=1.0, scale=1.0)
    assert not replace(solution, books=replace(solution.books, checks=(off, *solution.books.checks[1:]))).borne_out
    assert not replace(solution, books=None).borne_out
    assert not replace(solution, lp_checks=(off,)).borne_out


def test_what_was_verified_is_what_is_said() -> None:
    case = coins()
    analyser = InfeasibilityAnalyser(case.problem(), case)
    one = analyser.requirements["treasury.cash"]
    told = Repair((Step(one, one.parameters[0], 9e6),), "feasible", 41.5e6, 42e6)
    found = Explanation(case, analyser.whole, "infeasible", repairs=(told,))
    text = "\n".join(explain_text.lines(found))
    assert "a plan worth 41.5 MUSD whose books obey every rule; none is worth more than 42 MUSD" in text
    (row,) = explain_text.as_json(found)["repairs"]
    assert (row["outcome"], row["objective"], row["upper_bound"]) == ("feasible", 41.5e6, 42e6)
    proved = replace(told, outcome="optimal", upper=None)
    (row,) = explain_text.as_json(replace(found, repairs=(proved,)))["repairs"]
    assert row["upper_bound"] == row["objective"] == 41.5e6


def test_a_better_plan_narrows_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    case = coins()
    one = InfeasibilityAnalyser(case.problem(), case).requirements["treasury.cash"]
    known = Repair((Step(one, one.parameters[0], 9e6),), "feasible", 40e6, 45e6)
    verifier = Verifier(InfeasibilityAnalyser(case.problem(), case))

    def longer(outcome: str, worth: float, upper: float) -> Repair:
        """What a longer look makes of it."""

        def solve(repair: Repair, thorough: bool, deadline: float | None, row: object = None) -> RepairResult:
            assert repair is known and thorough
            return RepairResult(outcome, True, worth, upper)

        monkeypatch.setattr(verifier, "solve", solve)
        return verifier._improved(verifier.analyser, known)

    better = longer("LIMIT", 39e6, 44e6)
    assert (better.outcome, better.objective, better.upper) == ("feasible", 40e6, 44e6)
    best = longer("OPTIMAL", 43e6, 43e6)
    assert (best.outcome, best.objective, best.upper) == ("optimal", 43e6, None)


def test_hours_that_do_not_bear_the_plan_out_after_all_are_mixed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands is tried first where any plan will do; the books say whether it was enough."""
    from models.benders.inner_approximation import InnerApproximation

    case = Case.load(SHIPPED / "quickstart.yaml", settings=["horizon.hours={every: 73}"])
    good = solve(case, canonical=False, baseline=False, thoroughness=Thoroughness.QUICK)
    stood = []

    def wrong(self: InnerApproximation, answer: object, explored: object) -> list[ConvexCombination]:
        """The splits at these capacities that earn nothing on purpose."""
        stood.append(answer)
        return [
            ConvexCombination(k, [(0.0 * alpha, rho, np.ones(len(alpha))) for alpha, rho, *_ in points[:1]])
            for k, points in zip(self.capacity, self.points, strict=True)
        ]

    monkeypatch.setattr(InnerApproximation, "standing", wrong)
    again = solve(case, canonical=False, baseline=False, thoroughness=Thoroughness.QUICK)
    assert stood and good.outcome is again.outcome is Outcome.OPTIMAL and again.borne_out
    assert again.objective == pytest.approx(good.objective, rel=1e-7)


def test_scenarios_are_looked_at_far_from_each_other_first() -> None:
    for count in (1, 2, 3, 20):
        assert sorted(far_apart(count)) == list(range(count))
    assert far_apart(20)[:3] == [0, 19, 9]


def test_two_shortfalls_that_differ_by_rounding_make_no_line() -> None:
    assert line_root([(1.0, 1.1666666666666667), (2.0, 1.1666666666666665)]) is None
    assert line_root([(1.0, 3.0), (2.0, 2.0)]) == pytest.approx(4.0)


def test_a_trial_heeds_a_deadline_that_moves() -> None:
    analyser = InfeasibilityAnalyser(coins().problem(), coins())
    elastic = analyser.elastic_program()
    assert isinstance(elastic, ElasticProgram) and elastic.find().feasible is False
    late = analyser.until(0.0)
    assert (
        late.elastic_program() is elastic
        and elastic.find(deadline=late.deadline).feasible is None
        and late.without(()).feasible is None
    )
    assert analyser.elastic_program() is elastic and elastic.find().feasible is False and analyser.without(()).feasible is False


def test_a_limit_of_nothing_is_moved_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its decisions are not in the program at all: from a first step on they are, and the rest is one linear program."""
    case = Case.load(CASES / "funding-gap.yaml", settings=["financing.owners.limit=0 USD"])

    def raised() -> float:
        (found,) = (one for one in explain(case).repairs if one.steps[-1].requirement.path == "financing.owners.limit")
        assert found.outcome == "optimal"
        return found.steps[-1].value

    def never(*arguments: object) -> None:
        raise AssertionError("it was tried out")

    with monkeypatch.context() as here:
        here.setattr(repair, "_by_trying", never)
        quick = raised()
    monkeypatch.setattr(repair, "_by_shift", lambda *arguments: None)
    assert raised() == pytest.approx(quick, rel=0.02)  # both are rounded up to a figure that can be said


def test_what_rounding_leaves_is_no_figure() -> None:
    """Nothing can be there so soon: what is asked for is relaxed to nothing, not to the fifteenth digit after the point."""
    case = Case.load(
        ROOT / "cases" / "quickstart.yaml",
        settings=[
            "horizon.hours={every: 73}",
            "rules[2].require=ai_mw >= 1 MW",
            "rules[2].from=2026-04",
            "rules[2].until=2026-04",
        ],
    )
    found = explain(case)
    assert ("rules[2].require=ai_mw >= 0 MW",) in {one.settings for one in found.repairs}


def test_what_goes_with_a_limit_that_is_dropped_is_told() -> None:
    case = Case.load(SHIPPED / "quickstart.yaml")
    found = {one.path: one for one in requirements(case.problem(), case)}
    limit, owners = found["financing.revolver.limit"], found["financing.owners.limit"]
    told = "do without financing.revolver.limit of 10 MUSD, with financing.revolver.fee of 0 % and financing.revolver.commitment_fee of 0 %/year"
    assert Step(limit).message() == told
    assert Step(owners).message() == "do without financing.owners.limit of 150 MUSD"
