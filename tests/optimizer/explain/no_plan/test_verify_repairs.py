"""Repairs solved in a process beside this one: what is told does not depend on it, nor on what becomes of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from optimizer.case.case import Case
from optimizer.explain.no_plan import verify_repairs
from optimizer.explain.no_plan.explanation import Explanation, explain_refuted, refuted
from optimizer.explain.no_plan.iis import InfeasibilityAnalyser
from optimizer.explain.no_plan.repairs import Repair
from optimizer.explain.no_plan.text import lines
from optimizer.explain.no_plan.verify_repairs import Verifier, cores
from optimizer.runtime.processes import Beside
from tests.optimizer.explain.no_plan.test_iis import SHIPPED, twenty
from tests.shared.places import ROOT
from tests.shared.tasks import die_at_once, reciprocal, sleep_long

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes of a POSIX system")


def test_tasks_are_posted_ahead_and_asked_for_in_any_order() -> None:
    beside = Beside()
    try:
        numbers = [beside.post(reciprocal, item) for item in (2.0, 4.0, 0.0, 5.0)]
        assert [beside.result(number) for number in (numbers[3], numbers[0], numbers[1], numbers[0])] == [0.2, 0.5, 0.25, 0.5]
        with pytest.raises(ProcessLookupError):  # it failed over there
            beside.result(numbers[2])
    finally:
        beside.close()


def test_what_is_late_or_dead_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    beside = Beside()
    process = beside._worker.process
    assert process is not None
    try:
        asleep = beside.post(sleep_long, str(tmp_path / "asleep"))
        start = time.perf_counter()
        with pytest.raises(ProcessLookupError):
            beside.result(asleep, start + 0.5)
        assert 0.4 < time.perf_counter() - start < 5.0
    finally:
        beside.close()
    assert process.poll() is not None
    beside = Beside()
    try:
        dead, later = beside.post(die_at_once, None), beside.post(reciprocal, 2.0)
        for number in (dead, later):
            with pytest.raises(ProcessLookupError):
                beside.result(number)
        with pytest.raises(ProcessLookupError):
            beside.result(beside.post(reciprocal, 2.0))
    finally:
        beside.close()


#: a rule against a limit; three rules of which any two can be met
TWO = ("rules[2].require=ai_mw >= 14 MW",)
THREE = (
    "rules[0].require=ai_mw >= 10 MW",
    "rules[0].from=2028-01",
    "rules[1].require=rigs_mw >= 38 MW",
    "rules[1].from=2028-01",
    "rules[2].require=ai_hall_mw[texas] + mining_hall_mw[texas] <= 46 MW",
)


def gap(rules: tuple[str, ...]) -> InfeasibilityAnalyser:
    """In twenty scenarios and every 73rd hour."""
    settings = twenty(*rules, "rules[2].from=2028-01", "horizon.hours={every: 73}")
    analyser = refuted(Case.load(SHIPPED / "quickstart.yaml", settings=settings))
    assert analyser is not None and analyser.narrowed
    return analyser


@pytest.mark.skipif(cores() < 2, reason="one core only")
@pytest.mark.parametrize(("rules", "repairs"), [(TWO, 2), pytest.param(THREE, 3, marks=pytest.mark.slow)])
def test_another_process_changes_no_word(rules: tuple[str, ...], repairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(found: Explanation) -> str:
        assert len(found.repairs) == repairs and all(repair.outcome == "optimal" for repair in found.repairs)
        return "\n".join(lines(found))

    asked: list[Repair] = []
    solve = Verifier.solve

    def here(verifier: Verifier, repair: Repair, *rest: object) -> object:
        asked.append(repair)
        return solve(verifier, repair, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Verifier, "solve", here)
    here_only = (repairs + 1) // 2
    beside = told(explain_refuted(gap(rules), time_limit=240.0))
    assert len(asked) == here_only  # the other one was looked for and solved elsewhere
    monkeypatch.setattr(verify_repairs, "cores", lambda: 1)
    assert told(explain_refuted(gap(rules), time_limit=240.0)) == beside and len(asked) == 2 * here_only
    # a process that dies at once
    monkeypatch.undo()
    monkeypatch.setattr(verify_repairs, "prepare", die_at_once)
    assert told(explain_refuted(gap(rules), time_limit=240.0)) == beside


def test_no_process_for_a_small_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> Beside:
        raise AssertionError("a process was started")

    monkeypatch.setattr("optimizer.runtime.processes.Beside", never)
    case = Case.load(ROOT / "tests" / "cases" / "infeasible" / "two-rules.yaml")
    analyser = refuted(case)
    assert analyser is not None and explain_refuted(analyser).repairs
