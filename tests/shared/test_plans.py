"""The store of solved plans: one solve for one question, another for any other, and the same plan in another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optimizer.case.case import Case
from tests.shared import plans
from tests.shared.places import CASES
from tests.shared.plans import digest, plan, plan_of
from tests.shared.random_problems import random_problem
from tests.whole.test_determinism import assert_same_answer

FARMER = CASES / "farmer.yaml"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """A store of its own, in which every plan is left for others; and every solve that it takes."""
    monkeypatch.setattr(plans, "_held", type(plans._held)())
    monkeypatch.setattr(plans, "WORTH", 0.0)
    monkeypatch.setenv(plans.FOLDER, str(tmp_path))
    asked: list[Any] = []
    for name in ("solve", "solve_problem"):
        engine = getattr(plans, name)
        monkeypatch.setattr(plans, name, lambda what, engine=engine, **options: asked.append(options) or engine(what, **options))
    return asked


def test_a_question_is_solved_once(apart: list[Any]) -> None:
    assert plan(FARMER) is plan(FARMER) and apart == [{"baseline": False}]
    assert plan_of(random_problem(3), method="extensive") is plan_of(random_problem(3), method="extensive") and len(apart) == 2


def test_another_process_reads_what_was_left(apart: list[Any], tmp_path: Path) -> None:
    questions = (Case.load(FARMER), random_problem(3))
    first = [plan_of(one) for one in questions]
    assert len(list(tmp_path.iterdir())) == len(apart) == 2
    plans._held.clear()
    again = [plan_of(one) for one in questions]
    assert len(apart) == 2
    for one, other in zip(first, again, strict=True):
        assert one is not other
        assert_same_answer(one, other)
    assert again[0].case.path == FARMER and again[0].finance.loose == ()


def test_another_question_is_another(tmp_path: Path) -> None:
    file = tmp_path / "farmer.yaml"
    file.write_text(FARMER.read_text(encoding="utf-8"), encoding="utf-8")
    found = {
        digest(Case.load(FARMER), {}),
        digest(Case.load(FARMER, settings=["horizon.period=year"]), {}),
        digest(Case.load(FARMER), {"canonical": False}),
        digest(Case.load(file), {}),
        digest(random_problem(3), {}),
        digest(random_problem(4), {}),
        digest(random_problem(3), {"method": "extensive"}),
    }
    assert len(found) == 7


@pytest.mark.parametrize("options", [{"executor": object()}, {"progress": print}])
def test_what_lives_in_one_process_is_not_shared(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not for plans that are shared"):
        plan_of(random_problem(3), **options)
