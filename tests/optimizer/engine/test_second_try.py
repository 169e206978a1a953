"""Answers that fail verification by their last digits: other ways to solve the case, and what is told where none helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.proforma.books import Check
from optimizer.case.case import Case
from optimizer.engine import second_try
from optimizer.engine import solve as engine
from optimizer.engine.master import WarmProgram
from optimizer.engine.solution import Solution, Solved
from optimizer.engine.values import Outcome
from optimizer.solver import certificates
from tests.shared.company import SMALL
from tests.shared.places import ROOT
from tests.shared.random_problems import random_problem

FARMER = ROOT / "tests" / "cases" / "farmer.yaml"


@pytest.fixture(scope="module")
def solved() -> Solution:
    return engine.solve(Case.load(FARMER), baseline=False)


def failing(solution: Solution, relative: float, residual: float = 1e3) -> Solution:
    """The same, not verified because one check is off."""
    off = Check("cash: program against books", residual, residual / relative, "base, date 3")
    return replace(solution, outcome=Outcome.UNVERIFIED, lp_checks=(off,), reasons=("cash is off",))


def fail(monkeypatch: pytest.MonkeyPatch, relative: float, passes: int | None, residual: float = 1e3) -> list[tuple[float, str]]:
    """Let every run but that of this number end unverified; the (unit of money, method) of each run."""
    runs: list[tuple[float, str]] = []
    run = engine._solved

    def off(*arguments: Any) -> Solved:
        found = run(*arguments)
        runs.append((found.solution.problem.money, found.solution.method))
        return found if len(runs) - 1 == passes else replace(found, solution=failing(found.solution, relative, residual))

    monkeypatch.setattr(engine, "_solved", off)
    return runs


def small(tmp_path: Path) -> Case:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return Case.load(path)


def test_another_unit_of_money_then_every_hour_written_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solved: Solution
) -> None:
    case = small(tmp_path)
    best, money = engine.solve(case, baseline=False).objective, case.problem().money
    runs = fail(monkeypatch, 1e-6, None)
    found = engine.solve(case, baseline=False)
    assert runs == [(money, "cuts"), (money * 1e-2, "cuts"), (money * 10.0, "cuts"), (money, "extensive"), (money, "cuts")]
    assert found.outcome is Outcome.UNVERIFIED and found.method == "cuts"
    assert found.reasons[0] == "cash is off" and found.reasons[-1].startswith("What to change: ")
    monkeypatch.undo()
    for passes, word in ((1, "unit of money"), (3, "every hour written out"), (4, "without the solver's presolve")):
        with monkeypatch.context() as patch:
            fail(patch, 1e-6, passes)
            found = engine.solve(case, baseline=False)
        assert found.outcome is Outcome.OPTIMAL and word in found.notes[-1]
        assert found.objective == pytest.approx(best, rel=1e-7) and found.case is case


def test_a_mistake_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is off by a thousandth is no rounding: another way might hide it."""
    runs = fail(monkeypatch, 1e-3, 1)
    found = engine.solve(Case.load(FARMER), baseline=False)
    assert len(runs) == 1 and found.outcome is Outcome.UNVERIFIED
    assert "no rounding" in found.reasons[-1] and "cash: program against books" in found.reasons[-1]


def test_what_the_unit_of_money_cannot_tell_is_rounding_however_little_moves(solved: Solution) -> None:
    money = solved.problem.money
    assert second_try.worthwhile(failing(solved, 1e-2, 1e-9 * money))
    assert not second_try.worthwhile(failing(solved, 1e-2, 1e-7 * money))
    assert second_try.worthwhile(replace(solved, books=None))


def test_a_company_smaller_than_the_unit_is_solved_in_a_smaller_one(solved: Solution) -> None:
    problem = replace(solved.problem, money=1e6)
    units = [way.problem.money for way in second_try.ways(problem, "cuts", 250.0) if way.method == "cuts"]
    assert units == pytest.approx([100.0, 1e4, 1e7, 1e6])
    first = [(way.method, way.presolve) for way in second_try.ways(problem, "cuts", None)]
    # a proof is missing: what presolve said may be wrong, and where every hour is written out a proof is shortest
    assert first[:2] == [("cuts", False), ("extensive", True)]
    told = [way.text for way in second_try.ways(problem, "extensive", None, presolve=False)]
    assert len(told) == 2 and all("unit of money" in one for one in told)


def test_a_limit_of_time_ends_the_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = fail(monkeypatch, 1e-6, None)
    found = engine.solve(Case.load(FARMER), baseline=False, time_limit=1e-9)
    assert len(runs) == 1 and found.outcome is not Outcome.OPTIMAL


def test_what_to_change_is_one_sentence(solved: Solution) -> None:
    off = failing(solved, 1e-6)
    for one in (off, replace(off, books=None), failing(solved, 1e-2), replace(off, lp_checks=())):
        told = second_try.advice(one)
        assert told.endswith(".") and ". " not in told and "\n" not in told, told
    assert "base, date 3" in second_try.advice(off)


def test_time_that_is_up_before_no_plan_is_proved_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver says infeasible, and what would prove it was looked for until the deadline: no verdict on the case, and none on the proof."""
    case = Case.load(ROOT / "tests" / "cases" / "infeasible" / "balloon.yaml")
    refused = certificates.verify_infeasible

    def unproved(lp: Any, ray: Any, *more: Any) -> Any:
        return replace(refused(lp, ray, *more), verified=False, reasons=("no proof",))

    monkeypatch.setattr(certificates, "verify_infeasible", unproved)
    monkeypatch.setattr(WarmProgram, "expired", lambda self: True)
    solution = engine.solve(case, method="extensive")
    assert solution.outcome is Outcome.LIMIT and "time was up before it was proved" in solution.reasons[0]


def test_an_objective_of_nothing_is_proved() -> None:
    """Program and dual bound are nothing but rounding: 1e-14 of a unit of money is no gap."""
    rule = 'rules=[{name: tiny, require: "net_debt >= 1e-9 USD", otherwise: {pay: 1e6 USD/USD}, expected: true}]'
    case = Case.load(ROOT / "tests" / "cases" / "short-term.yaml", settings=[rule])
    assert engine.solve(case).outcome is Outcome.OPTIMAL


def test_a_plan_that_is_worth_nothing_is_proved() -> None:
    """A limit of next to nothing: the books move nothing, and what the program has of it is below what the solver tells from nothing."""
    case = Case.load(ROOT / "tests" / "cases" / "modigliani-miller.yaml", settings=["projects.plant.limit=1e-09"])
    solution = engine.solve(case)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    # nor is what they move a unit of money to solve in: prices would be no numbers
    assert solution.books is not None and solution.books.moved < second_try.SMALLEST_UNIT
    assert next(second_try.ways(solution.problem, "cuts", solution.books.moved)).problem.money >= 1.0


def test_no_plan_without_a_proof_is_asked_again_without_presolve() -> None:
    """Odds of 1e-12 beside money in millions: presolve finds no plan, and what it found proves nothing."""
    problem = random_problem(652)
    odds = np.array([1.0 - 1e-12, 1e-12])
    rare = replace(problem, scenarios=replace(problem.scenarios, probability=odds))
    found = engine.solve_problem(rare, baseline=False)
    whole = engine.solve_problem(rare, baseline=False, presolve=False)
    assert found.outcome is whole.outcome is Outcome.OPTIMAL
    assert "verified without the solver's presolve" in found.notes and whole.notes == ()
    assert found.objective == pytest.approx(whole.objective, rel=1e-9)
