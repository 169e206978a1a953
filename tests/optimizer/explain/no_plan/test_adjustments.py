"""Figures in the words of the case, numbers in sentences, and settings that the case takes."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.case.case import Case
from optimizer.case.quotes import CaseWords, as_value, dotted, flow
from optimizer.case.reading import yaml_tree
from optimizer.case.reading.units import parse_quantity
from optimizer.explain.no_plan.adjustments import (
    AdjustableParameter,
    dates,
    literals,
    months,
    path_in_time,
    quantity,
    sentence_parameters,
)
from optimizer.explain.no_plan.figures import Figure, plain, rounded
from optimizer.explain.no_plan.requirements.everything import requirements
from optimizer.explain.no_plan.row_owners import FACT, ORDER
from tests.shared.places import ROOT

TREE = yaml_tree.load(
    """
notes: {limit: 400 MUSD, fee: 2 %, none: 0 USD}
hall: 20 MW
overhead: {start: 4 MUSD/year, growth: 3 %/year}
price: {knots: {2026-01: 30 USD/MWh}, times: 1.5}
text: "a: b"
""",
    "case.yaml",
)
WORDS = CaseWords(TREE)


# ---- figures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "up", "expected"),
    [
        (462.31, True, 463.0),
        (462.31, False, 462.0),
        (1.2137, False, 1.21),
        (0.012345, True, 0.0124),
        (-4.567, True, -4.56),
        (463.0, True, 463.0),
        (0.0, True, 0.0),
        (12345.0, True, 12400.0),
        (9.999, True, 10.0),
    ],
)
def test_rounded_to_the_safe_side(value: float, up: bool, expected: float) -> None:
    assert rounded(value, up) == expected


@given(st.floats(1e-6, 1e12), st.booleans())
def test_rounding_goes_outward_by_less_than_a_hundredth(value: float, up: bool) -> None:
    made = rounded(value, up)
    assert (made >= value * (1 - 1e-8)) if up else (made <= value * (1 + 1e-8))
    assert abs(made - value) <= 0.0101 * value
    assert float(plain(made)) == pytest.approx(made, rel=1e-9)


@pytest.mark.parametrize(
    ("unit", "text", "value", "shown"),
    [
        ("USD", "400 MUSD", 462.31e6, "463 MUSD"),
        ("USD", "0 USD", 62.31e6, "62.4 MUSD"),
        ("USD", None, 1.5e9, "1500 MUSD"),
        ("1", "65 %", 0.71234, "71.3 %"),
        ("MW", "2 GW", 2100.0, "2.1 GW"),
        ("hours/year", "500 hours/year", 612.3, "613 hours/year"),
        ("units", "12", 12.34, "12.4"),
        ("", "1.30", 1.2137, "1.22"),
    ],
)
def test_a_figure_is_written_like_the_one_it_replaces(unit: str, text: str | None, value: float, shown: str) -> None:
    figure = Figure.like(unit, text)
    made = figure.shown(figure.outward(value, up=True))
    assert made == shown
    if unit:
        assert parse_quantity(made, unit) >= value * (1 - 1e-9)


def test_numbers_without_exponent() -> None:
    assert [plain(x) for x in (0.0, 1e-7, 463.0, 1e15, -2.5)] == ["0", "0.0000001", "463", "1000000000000000", "-2.5"]


# ---- words -----------------------------------------------------------------------------------------------------------


def test_what_a_case_says_and_where() -> None:
    assert WORDS.text("notes", "limit") == "400 MUSD"
    assert str(WORDS.place("notes", "limit")) == "case.yaml:2:16"
    assert WORDS.text("hall", "now") == "20 MW" and WORDS.text("hall", "build") is None
    assert WORDS.text("overhead") == "{start: 4 MUSD/year, growth: 3 %/year}"
    assert str(WORDS.place("overhead")) == "case.yaml:4:1"
    assert str(WORDS.place("notes", "issue")) == "case.yaml:2:1"  # what is not given is told at what should hold it
    assert WORDS.text("notes", "limit", "deeper") is None
    assert CaseWords(None).text("notes") is None and CaseWords(None).place("notes") is None
    assert dotted("rules", 2, "require") == "rules[2].require"
    assert flow(TREE["price"]) == "{knots: {2026-01: 30 USD/MWh}, times: 1.5}"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30).map(str.strip).filter(bool))
def test_any_text_can_be_set(text: str) -> None:
    node = yaml_tree.load(as_value(text), "--set")
    assert node.kind == "scalar" and node.value == text


# ---- levers ----------------------------------------------------------------------------------------------------------


def test_a_quantity() -> None:
    parameter = quantity(WORDS, ("notes", "limit"), "USD", 400e6, up=True)
    assert parameter.settings(463e6) == ("notes.limit=463 MUSD",)
    assert parameter.say(parameter.now) == "400 MUSD" and parameter.bound == float("inf")
    assert parameter.change(600e6) == 0.5
    assert quantity(WORDS, ("notes", "fee"), "1", 0.02, up=False).bound == 0.0


@pytest.mark.parametrize(
    ("key", "unit", "factor", "setting"),
    [
        ("hall", "MW", 1.5, "hall=30 MW"),
        ("overhead", "USD/year", 0.5, "overhead.times=0.5"),
        ("price", "USD/MWh", 2.0, "price.times=3"),
    ],
)
def test_a_path_in_time_goes_by_a_factor(key: str, unit: str, factor: float, setting: str) -> None:
    size = {"hall": 20.0, "overhead": 4e6, "price": 45.0}[key]
    parameter = path_in_time(WORDS, (key,), unit, size, up=factor > 1.0)
    assert parameter is not None and parameter.settings(factor) == (setting,)
    assert parameter.now == 1.0 and parameter.change(factor) == pytest.approx(abs(factor - 1.0))
    assert path_in_time(WORDS, ("nothing",), unit, size, up=True) is None


def test_durations_and_dates() -> None:
    parameter = months(("rig", "lead"), 6, [3, 0], up=False)
    assert parameter.settings(3.0) == ("rig.lead=3 months",)
    assert (parameter.say(0.0), parameter.say(1.0), parameter.say(6.0)) == ("at once", "1 month", "6 months")
    days = [date(2026, 7, 1), date(2026, 10, 1)]
    later = dates("notes.issue", lambda d: (f"notes.issue={{until: {d}}}",), days, date(2026, 4, 1), up=True)
    assert later is not None and later.say(later.points[0]) == "2026-07"
    assert later.settings(later.points[1]) == ("notes.issue={until: 2026-10}",)
    assert later.change(later.points[0]) == pytest.approx(91 / 365)
    assert dates("x", lambda d: (), [], date(2026, 1, 1), up=True) is None


@pytest.mark.parametrize(
    ("sentence", "numbers"),
    [
        ("cash >= 6 * overhead_monthly", [6.0]),
        ("cfads + rescue >= 1.30 * debt_service", [1.3]),
        ("net_debt <= 5.5 * 4 * ebitda", [5.5, 4.0]),
        ("ai_hall_mw[hall 2] <= 12 MW", [12.0]),
        ("hashrate >= 3_000 PH/s", [3000.0]),
        ("cash >= total_debt", []),
        ("ltm(cfads, 12 months) >= 1.2 * ltm(debt_service, 12 months)", [1.2]),
        ("x1 >= .5", [0.5]),
    ],
)
def test_the_numbers_of_a_sentence(sentence: str, numbers: list[float]) -> None:
    found = literals(sentence)
    assert [one.value for one in found] == numbers
    for one in found:
        assert float(sentence[one.start : one.end].replace("_", "")) == one.value


def test_a_sentence_is_edited_where_its_number_stands() -> None:
    levers = sentence_parameters("rules[1].require", "cfads + rescue >= 1.30 * debt_service", "USD")
    assert [parameter.now for parameter in levers] == [1.3, 0.0]
    assert levers[0].settings(1.21) == ("rules[1].require=cfads + rescue >= 1.21 * debt_service",)
    assert levers[0].say(1.3) == "1.30" and levers[0].say(1.21) == "1.21"
    assert levers[1].settings(5e6) == ("rules[1].require=cfads + rescue + 5 MUSD >= 1.30 * debt_service",)
    below = sentence_parameters("r", "ai_mw <= 12 MW", "MW")
    assert below[0].say(15.0) == "15 MW" and below[1].settings(3.0) == ("r=ai_mw <= 12 MW + 3 MW",)
    assert len(sentence_parameters("r", "cash == 5 MUSD", "USD")) == 1


# ---- requirements: every setting is one that the case takes ---------------------------------------------------------


@pytest.mark.parametrize("path", ["tests/cases/all-features.yaml", "cases/quickstart.yaml", "cases/lake-mariner.yaml"])
def test_every_statement_can_be_dropped_and_loosened_by_settings(path: str) -> None:
    case = Case.load(ROOT / path)
    found = requirements(case.problem(), case)
    assert len(found) > 20 and len({one.path for one in found}) == len(found)
    for one in found:
        assert one.kind == FACT or one.kind in ORDER
        assert one.place.startswith(str(ROOT / path)) and one.label
        if one.kind == FACT:
            assert one.drop is None and not one.parameters and one.touches
            continue
        assert one.rows or one.touches, one.path
        assert one.drop is not None
        changed = Case.load(ROOT / path, settings=one.drop)
        assert changed.digest != case.digest, one.path
        for parameter in one.parameters:
            _moves(path, parameter, case)


def _moves(path: str, parameter: AdjustableParameter, case: Case) -> None:
    """A step of a lever makes another case."""
    if parameter.points:
        value = parameter.points[0]
    else:
        up = parameter.up is not False
        step = 0.1 * abs(parameter.now) or parameter.unit
        value = parameter.outward(parameter.now + (step if up else -step), up)
        if parameter.up is not None:
            value = min(value, parameter.bound) if up else max(value, parameter.bound)
    if value != parameter.now:
        assert Case.load(ROOT / path, settings=parameter.settings(value)).digest != case.digest, parameter.path


def test_all_features_have_the_statements_that_they_should() -> None:
    case = Case.load(ROOT / "tests/cases/all-features.yaml")
    paths = {one.path for one in requirements(case.problem(), case)}
    assert paths >= {
        "financing.notes.limit", "financing.notes.per_date", "financing.notes.issue", "financing.notes.security",
        "financing.sculpted.coverage", "financing.coins.ltv", "financing.old_convertible.existing", "financing.owners.limit",
        "rigs.new.limit", "rigs.new.order", "rigs.new.lead", "rigs.new.supply", "rigs.new.option.limit", "rigs.old.owned_life",
        "sites.barker.interconnection.now", "sites.barker.interconnection.expand.limit", "sites.barker.ai_hall.build.lead",
        "sites.barker.power.diesel.permit", "scenarios.bear.delay", "ai.tenant.floor", "ai.tenant.sign", "projects.buyout.limit",
        "treasury.cash", "treasury.coins", "treasury.retain", "treasury.dividends", "company.overhead", "cash_flows.litigation",
        "rules[0]", "rules[2]",
    }  # fmt: skip
    assert "rules[1]" not in paths  # a soft rule can always be paid for
