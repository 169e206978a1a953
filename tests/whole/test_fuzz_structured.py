"""A few dozen structured cases: each has an answer as documented, and so has its pair. More: `python -m tests.fuzz --structured 2000`."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

import pytest

from optimizer.case.case import Case
from tests.fuzz import structured, verdict
from tests.fuzz.identities import IDENTITIES, NEVER_BETTER, NEVER_WORSE, SAME, halved
from tests.fuzz.paths import flow, patched, read
from tests.fuzz.plausible import MUTATIONS, in_other_money
from tests.fuzz.pool import verdicts
from tests.fuzz.sources import LARGE, ROOT, SMALL
from tests.fuzz.structured import Answer, compared, judged, question, written_out
from tests.fuzz.tally import Tally
from tests.fuzz.verdict import Verdict
from tests.shared.tasks import serve_badly

#: a few with a plan and without, cases and random problems
SEEDS = (21, *range(38, 55), *range(56, 60))
ALL_FEATURES = ROOT / "tests" / "cases" / "all-features.yaml"


def test_structured_cases_have_answers_and_pairs_agree() -> None:
    found = [judged(seed, 60.0, small=True) for seed in SEEDS]
    assert [one.line() for one in found if one.bad] == []
    assert {one.code for one in found} >= {0, 3}
    assert sum(one.other is not None for one in found) >= len(found) // 2


def test_a_seed_makes_the_same_case_and_its_settings_are_all_of_it() -> None:
    """Settings, and the case written out, lead to the very case that was changed."""
    for seed in range(30):
        source = structured.drawn(random.Random(seed))
        if source.seed is not None:
            continue
        one, again = (question(source, random.Random(seed)) for _ in range(2))
        assert (one.settings, one.changes) == (again.settings, again.changes)
        held = patched(read(source.path), one.settings)
        assert held is not None and held.plain() == one.case.plain()


def test_what_is_written_out_is_the_case(tmp_path: Path) -> None:
    for name, _ in (*SMALL, *LARGE):
        source = ROOT / f"{name}.yaml"
        copy = tmp_path / source.name
        copy.write_text(written_out(read(source)), encoding="utf-8")
        assert Case.load(copy).digest == Case.load(source).digest


@pytest.mark.parametrize("change", [*dict.fromkeys(MUTATIONS), *dict.fromkeys(IDENTITIES)], ids=lambda one: one.__name__)
def test_every_change_has_a_place_in_the_case_with_all_keys(change: Any) -> None:
    case = read(ALL_FEATURES)
    made = change(case, random.Random(1)) or change(
        patched(case, ("scenarios={a: {probability: 40 %}, b: {probability: 60 %}}",)), random.Random(1)
    )
    settings = made if isinstance(made, tuple) else made.settings
    if isinstance(made, tuple) or not (made.how or made.order):
        assert settings
        assert patched(case, settings) is not None


def test_only_a_scenario_that_no_other_follows_is_halved() -> None:
    """The half of one that is followed would be told from its follower sooner: that is knowledge, and worth something."""
    case = read(ALL_FEATURES)
    assert {halved(case, random.Random(seed)).name for seed in range(20)} == {"scenario crash in halves"}  # type: ignore[union-attr]


def test_other_money_reaches_rules_scenarios_and_prices_but_no_shares() -> None:
    case = patched(
        read(ROOT / "cases" / "quickstart.yaml"), ('rules=[{name: x, require: "cash >= 5 MUSD", otherwise: {pay: 0.1 USD/USD}}]',)
    )
    assert case is not None
    text = flow({name: value for name, _, value in (one.partition("=") for one in in_other_money(case, 100.0))})
    for figure in ("500.0 MUSD", "8870000.0 USD/BTC", "1000.0 USD/TH", "3000.0 USD/MWh", "0.1 USD/USD"):
        assert figure in text


def _answer(objective: float, code: int = 0) -> Answer:
    return Answer(code, {0: "optimal", 3: "infeasible", 5: "unverified"}[code], objective, abs(objective))


def test_a_broken_identity_is_found() -> None:
    one = _answer(100.0)
    for relation, good, bad in ((SAME, 100.0, 100.1), (NEVER_BETTER, 99.0, 101.0), (NEVER_WORSE, 101.0, 99.0)):
        assert not compared(one, _answer(good), relation)
        assert compared(one, _answer(bad), relation)["bad"] == verdict.WRONG
    assert compared(one, _answer(0.0, 3), SAME)["bad"] == verdict.WRONG
    assert not compared(one, _answer(0.0, 3), NEVER_BETTER)
    assert compared(_answer(0.0, 3), one, NEVER_BETTER)["bad"] == verdict.WRONG
    assert not compared(one, _answer(1e4), SAME, times=100.0)
    assert compared(one, _answer(0.0, 5), SAME)["bad"] == verdict.UNVERIFIED


def test_an_error_of_ours_is_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structured, "solve", lambda *_a, **_k: 1 / 0)
    monkeypatch.setattr(structured, "solve_problem", lambda *_a, **_k: 1 / 0)
    found = [judged(seed, 60.0, small=True) for seed in range(4)]
    assert {one.bad for one in found if one.code != 2} == {verdict.TRACEBACK}
    assert "ZeroDivisionError" in found[0].told


def test_a_process_that_dies_or_hangs_is_told_and_replaced() -> None:
    found = {one.seed: one for one in verdicts(range(5), 1, 1.0, target=serve_badly)}
    assert [found[seed].bad for seed in range(5)] == ["", verdict.TRACEBACK, verdict.HANG, "", ""]


def test_two_in_a_thousand_may_stay_unverified() -> None:
    fine, unverified = Verdict(0, "x", code=0), Verdict(0, "x", code=5, bad=verdict.UNVERIFIED, told="missed")
    tally = Tally()
    for one in [*[fine] * 998, *[unverified] * 2]:
        tally.add(one)
    assert not tally.failed
    tally.add(unverified)
    assert tally.failed
    assert "code 5 (not verified): 3" in tally.table()
    for kind in (verdict.WRONG, verdict.TRACEBACK, verdict.HANG):
        tally = Tally()
        tally.add(dataclasses.replace(fine, bad=kind))
        assert tally.failed
