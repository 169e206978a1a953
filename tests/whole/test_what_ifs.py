"""Ordinary changes of ordinary cases are solved and proved: a listed miner asked thirty questions, and shipped cases with other numbers."""

from __future__ import annotations

import copy
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from optimizer.case.case import Case
from optimizer.engine.solve import solve
from optimizer.engine.values import Outcome
from tests.fuzz import moved
from tests.shared.places import ROOT

FAULTS = Path(os.environ.get("WATTFOLIO_FAULTS", ROOT / ".." / "shared" / "faults")) / "cases"
GRANITE = FAULTS / "granite.yaml"
SCENARIOS = ("base", "ai_glut", "crypto_winter", "tenant_fails")
PAPER = ("converts", "secured", "atm")

Change = Callable[[dict[str, Any]], None]


def period(length: str) -> Change:
    return lambda case: case["horizon"].update(period=length)


def without(*instruments: str) -> Change:
    def change(case: dict[str, Any]) -> None:
        for name in instruments:
            del case["financing"][name]

    return change


def unused(instrument: str) -> Change:
    return lambda case: case["financing"][instrument].update(limit="0 USD")


def without_rule(number: int) -> Change:
    return lambda case: case["rules"].pop(number)


def alone(scenario: str) -> Change:
    def change(case: dict[str, Any]) -> None:
        here = case["scenarios"][scenario] | {"probability": "100 %"}
        case["scenarios"] = {scenario: {key: value for key, value in here.items() if key not in ("follows", "until")}}
        del case["information"], case["objective"]["risk_weight"], case["objective"]["tail_probability"]

    return change


def questions() -> dict[str, tuple[Change, ...]]:
    """Every question, by a name that says it."""
    out: dict[str, tuple[Change, ...]] = {f"no use of {name}": (unused(name),) for name in PAPER}
    for length in ("quarter", "month", "half-year"):
        every = period(length)
        out[length] = (every,)
        out |= {f"{length}, without {name}": (every, without(name)) for name in PAPER}
        out[f"{length}, without debt"] = (every, without("converts", "secured"))
        out[f"{length}, without paper"] = (every, without(*PAPER))
        out |= {f"{length}, without rule {number}": (every, without_rule(number)) for number in range(3)}
    out |= {f"{name} alone": (alone(name),) for name in SCENARIOS}
    return out | {f"{name} alone, month": (period("month"), alone(name)) for name in SCENARIOS}


#: those that take long, and were never the ones that failed, are asked by hand
QUICK = (
    "no use of converts",
    "no use of secured",
    "no use of atm",
    "quarter, without rule 0",
    "month",
    "half-year",
    "ai_glut alone",
)


@pytest.mark.skipif(not GRANITE.is_file(), reason="the case and its prices are not here")
@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in questions()])
def test_a_listed_miner_asks(name: str, tmp_path: Path) -> None:
    case = copy.deepcopy(yaml.load(GRANITE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader))
    del case["variants"]
    for change in questions()[name]:
        change(case)
    shutil.copytree(FAULTS / "prices", tmp_path / "prices")
    path = tmp_path / "granite.yaml"
    path.write_text(yaml.safe_dump(case, sort_keys=False), encoding="utf-8")
    found = solve(Case.load(path), baseline=False)
    assert found.outcome is Outcome.OPTIMAL, found.reasons


@pytest.mark.skipif(not FAULTS.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("seed1", Outcome.OPTIMAL),
        ("seed82", Outcome.OPTIMAL),
        ("s303", Outcome.OPTIMAL),
        ("s190", Outcome.INFEASIBLE),
        ("s308", Outcome.INFEASIBLE),
        ("s332", Outcome.INFEASIBLE),
    ],
)
def test_amounts_that_lie_far_apart_are_proved(name: str, outcome: Outcome) -> None:
    path = FAULTS / f"unverified_{name}.yaml"
    # what these call sculpted is a cap on debt service; the name has come to mean one ratio at every date
    settings = (
        ["financing.sculpted.amortisation=as_cash_allows"] if "amortisation: sculpted" in path.read_text(encoding="utf-8") else []
    )
    found = solve(Case.load(path, settings=settings), baseline=False)
    assert found.outcome is outcome, found.reasons
    assert found.certificate is not None and found.certificate.verified


@pytest.mark.slow
@pytest.mark.skipif(not FAULTS.is_dir(), reason="the cases are not here")
def test_thirty_two_scenarios_under_tax_are_proved() -> None:
    found = solve(Case.load(FAULTS / "unverified_32_scenarios.yaml"), baseline=False)
    assert found.outcome is Outcome.OPTIMAL, found.reasons


def test_amounts_are_moved_and_nothing_else() -> None:
    text = (
        "case: {name: a, description: 5 MUSD}\n"
        "horizon: {start: 2026-01, years: 5}\n"
        "company:\n  overhead: 2_000 kUSD/year  # 3 MUSD\n"
        "rigs:\n  s21: {uptime: 99 %, life: 5 years, price: {knots: {2026-01: 10 USD/TH}}}\n"
        "scenarios:\n  base: {probability: 40 %}\n"
    )
    found = moved.moved(text, random.Random(2))
    before, after = text.splitlines(), found.splitlines()
    assert [k for k, (one, other) in enumerate(zip(before, after, strict=True)) if one != other] == [3, 5]
    assert after[3].endswith("# 3 MUSD") and "2026-01: " in after[5] and "life: 5 years" in after[5]
    rig = yaml.safe_load(found)["rigs"]["s21"]
    assert 79.0 <= float(rig["uptime"].split()[0]) <= 100.0
    assert 8.0 <= float(next(iter(rig["price"]["knots"].values())).split()[0]) <= 12.0


@pytest.mark.parametrize("name", ["ercot-flex", "quickstart", "surplus-power"])
def test_shipped_cases_with_other_numbers_are_proved(name: str) -> None:
    found = moved.one(name, 100, ("horizon.hours={every: 97}",))
    assert not found.wrong, found
    assert not list(moved.CASES.glob(".*"))


@pytest.mark.parametrize("share", [1e-3, 1e-6, 1e-9])
def test_a_company_however_small_is_proved(share: float, tmp_path: Path) -> None:
    """The same prices and next to no amounts: what the plan moves is a small part of the program's unit of money."""
    case = yaml.load((ROOT / "tests/cases/modigliani-miller.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    del case["variants"]
    case["projects"]["plant"]["limit"] = f"{100 * share:.12f}"
    for name, usd in (("owners", 200e6), ("notes", 100e6), ("loan", 100e6)):
        case["financing"][name]["limit"] = f"{usd * share:.9f} USD"
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(case, sort_keys=False), encoding="utf-8")
    found = solve(Case.load(path), baseline=False)
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    assert found.objective == pytest.approx(19.7813e6 * share, rel=1e-5)
    assert found.books is not None and found.books.moved < 1e9 * share
