"""What is told of a case without a plan hangs on work that is counted, not on how fast the machine is or who else uses it."""

from __future__ import annotations

import time

import pytest

from models.effort import Effort, allowed, counted, over, spend, spent
from optimizer.case.case import Case
from optimizer.engine.solve import solve
from optimizer.engine.values import Outcome
from optimizer.explain.no_plan import explanation
from optimizer.explain.no_plan.explanation import Explanation, explain
from optimizer.explain.no_plan.text import lines
from tests.shared.places import ROOT

CASE = ROOT / "tests" / "cases" / "infeasible" / "funding-gap.yaml"


def told(found: Explanation) -> str:
    return "\n".join(lines(found))


def test_only_the_innermost_effort_counts() -> None:
    outer, inner = Effort(10.0), Effort(3.0)
    with counted(outer):
        spend(4.0)
        with counted(inner):
            assert (spent(), allowed(), over()) == (0.0, 3.0, False)
            spend(2.5)
            assert over(0.8) and not over()
            spend(0.5)
            assert over()
        assert (spent(), allowed(), over()) == (4.0, 10.0, False)
    assert (outer.done, inner.done) == (4.0, 3.0) and not over()


def test_the_same_question_takes_the_same_work() -> None:
    """On any machine, and whatever was solved before."""
    case = Case.load(ROOT / "cases" / "quickstart.yaml", settings=["horizon.hours={every: 719}"])
    took = []
    for _ in range(2):
        with counted(Effort()) as effort:
            assert solve(case, baseline=False).outcome is Outcome.OPTIMAL
        took.append(effort.done)
    assert took[0] == took[1] > 1e6


def test_a_solve_ends_where_its_work_does() -> None:
    case = Case.load(ROOT / "cases" / "quickstart.yaml", settings=["horizon.hours={every: 719}"])
    with counted(Effort(1.0)):
        assert solve(case, baseline=False).outcome is Outcome.LIMIT


def test_a_machine_that_is_twenty_times_slower_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty seconds of the clock go by in each; with the patience that it once had, none of the repairs would be solved."""
    fast = told(explain(Case.load(CASE)))
    assert "objective" in fast
    for name in ("perf_counter", "monotonic"):
        real, begun = getattr(time, name), getattr(time, name)()
        monkeypatch.setattr(time, name, lambda real=real, begun=begun: begun + 20.0 * (real() - begun))
    assert told(explain(Case.load(CASE))) == fast


def test_work_ends_a_search_at_the_same_word_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(explain(Case.load(CASE)))
    found = {}
    for work in (1e5, 3e7, 6e7):
        monkeypatch.setattr(explanation, "WORK", work)
        found[work] = told(explain(Case.load(CASE)))
        assert told(explain(Case.load(CASE))) == found[work]
    assert len({*found.values(), whole}) >= 3  # the less it may do, the less it tells
    assert "The clock" not in "".join(found.values())


def test_the_clock_is_the_last_resort_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation, "HARD_STOP", 1e-3)
    found = explain(Case.load(CASE))
    assert found.status == "infeasible" and found.stopped == 1e-3
    assert "The clock ended this after 0.001 s" in told(found)
    assert not any(repair.outcome == "optimal" for repair in found.repairs)
