"""When and where a rule applies: every key against dates written out by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.problem import Problem, Rule
from optimizer.case.arrays.rules import DATA
from optimizer.case.case import Case
from optimizer.case.words_reference import functions_table, words_table
from tests.shared.places import ROOT

WORLD = """\
market: {btc_price: 90 kUSD/BTC, hashprice: 50 USD/PH/day}
company: {shares: 20 Mshares, share_price: 9 USD/share, overhead: 12 MUSD/year}
treasury: {cash: 30 MUSD, coins: 7 BTC}
sites: {texas: {mining_hall: 5 MW, interconnection: 5 MW, power: {grid: {price: 40 USD/MWh}}}, ohio: {mining_hall: 5 MW}}
rigs: {s21: {efficiency: 15 J/TH, price: 18 USD/TH}}
scenarios: {a: {probability: 50 %}, b: {probability: 50 %, delay: {sites.texas: 6 months}}}
"""


def problem_of(tmp_path: Path, text: str, horizon: str = "{start: 2026-10, quarters: 7}", world: str = WORLD) -> Problem:
    path = tmp_path / "case.yaml"
    path.write_text(f"horizon: {horizon}\n{world}{text}", encoding="utf-8")
    return Case.load(path).problem()


def active(
    tmp_path: Path, keys: str, sentence: str = "cash >= 1 MUSD", horizon: str = "{start: 2026-10, quarters: 7}"
) -> list[int]:
    """Dates (of scenario a) at which a rule applies."""
    rule = only(problem_of(tmp_path, f"rules: [{{name: r, require: '{sentence}'{keys}}}]\n", horizon))
    assert (rule.active[0] == rule.active[1]).all() or "scenarios" in keys
    return [int(d) for d in np.flatnonzero(rule.active[0])]


def only(problem: Problem) -> Rule:
    (rule,) = problem.rules
    return rule


# dates 0..7: 2026-10, 2027-01, 04, 07, 10, 2028-01, 04, 07
@pytest.mark.parametrize(
    ("keys", "dates"),
    [
        ("", range(8)),
        (", from: 2027-01", range(1, 8)),
        (", from: 2027-01-02, until: 2027-12-31", range(2, 5)),
        (", at: 2027-04", [2]),
        (", at: end", [7]),
        (", at: [2027-04, end]", [2, 7]),
        (", at: [2027-02, 2028-01]", [2, 5]),  # inside a period: the next date
        (", every: quarter", range(1, 8)),
        (", every: year", [1, 5, 7]),  # 1 January ends the year before; the horizon ends in July
        (", years: 2027", [2, 3, 4, 5]),
        (", years: [2026, 2028]", [0, 1, 6, 7]),
        (", every: year, years: 2027", [5]),
        (", every: year, from: 2027-02", [5, 7]),
        (", scenarios: [a]", range(8)),
        (", scenarios: [b]", []),
    ],
)
def test_dates(tmp_path: Path, keys: str, dates: Any) -> None:
    assert active(tmp_path, keys) == list(dates)


def test_ends_of_quarters_and_years_by_month_and_by_year(tmp_path: Path) -> None:
    by_month = "{start: 2026-11, months: 8, period: month}"
    assert active(tmp_path, ", every: quarter", horizon=by_month) == [2, 5, 8]
    assert active(tmp_path, ", every: year", horizon=by_month) == [2, 8]
    by_year = "{start: 2026-04, years: 3, period: year}"
    for every in ("period", "quarter", "year"):
        assert active(tmp_path, f", every: {every}", horizon=by_year) == ([0] if every == "period" else []) + [1, 2, 3]
    # the year that begins in April 2026 ends in 2027
    assert active(tmp_path, ", years: 2028", horizon=by_year) == [2]


@pytest.mark.parametrize(
    ("sentence", "alone", "from_start"),
    [
        ("ebitda >= -9 MUSD", range(1, 8), range(1, 8)),
        ("ltm(ebitda) >= -9 MUSD", range(4, 8), range(1, 8)),
        ("ltm(dividends) <= 9 MUSD", range(8), range(8)),
        ("ltm(ebitda) >= ltm(dividends)", range(4, 8), range(1, 8)),
        ("year(ebitda) >= -9 MUSD", range(1, 8), range(1, 8)),
        ("total(dividends) <= 9 MUSD", range(8), range(8)),
        ("previous(cash) >= 1", range(1, 8), range(1, 8)),
        ("previous(ebitda) >= -9 MUSD", range(2, 8), range(2, 8)),
        ("previous(cash, 9 months) >= 1", range(3, 8), range(3, 8)),
        ("previous(ltm(ebitda), 6 months) >= -9 MUSD", range(6, 8), range(3, 8)),
        ("average(cash, 9 months) >= 1", range(2, 8), range(8)),
        ("average(ebitda, 9 months) >= -9 MUSD", range(3, 8), range(1, 8)),
        ("total(cfads) >= previous(total(capex), 12 months)", range(4, 8), range(4, 8)),
    ],
)
def test_functions_apply_where_they_see_all_and_earlier_where_it_is_said(
    tmp_path: Path, sentence: str, alone: Any, from_start: Any
) -> None:
    assert active(tmp_path, "", sentence) == list(alone)
    assert active(tmp_path, ", from: 2026-10", sentence) == list(from_start)
    assert active(tmp_path, ", at: [2026-10, 2027-01, 2027-04, 2027-07, 2027-10, 2028-01, 2028-04, 2028-07]", sentence) == list(
        from_start
    )
    assert active(tmp_path, ", until: 2028-07", sentence) == list(alone)


def test_completion_moves_with_the_delay_of_its_site(tmp_path: Path) -> None:
    text = """\
financing:
  works:
    type: loan
    coupon: 8 %/year
    limit: 5 MUSD
    maturity: 2030-01
    amortisation: after_completion
    completion: {date: 2027-04, site: texas}
    covenants: [{name: cover, require: cfads >= debt_service, after: completion}]
"""
    rule = only(problem_of(tmp_path, text))
    assert np.flatnonzero(rule.active[0]).tolist() == [3, 4, 5, 6, 7]
    assert np.flatnonzero(rule.active[1]).tolist() == [5, 6, 7]


def test_a_rule_for_each_site(tmp_path: Path) -> None:
    text = "rules: [{name: heat, require: 'rigs_mw[@site] + 1 MW <= 0.9 * mining_hall_mw[site]', sites: %s}]\n"
    first, second = problem_of(tmp_path, text % "all").rules
    assert (first.name, second.name) == ("heat, texas", "heat, ohio")
    assert {str(term) for term in second.terms} == {"rigs_mw[@ohio]", "mining_hall_mw[ohio]"}
    assert [rule.name for rule in problem_of(tmp_path, text % "[ohio]").rules] == ["heat, ohio"]
    assert first.text == second.text and first.source == second.source


def test_in_expectation(tmp_path: Path) -> None:
    assert only(problem_of(tmp_path, "rules: [{name: r, require: cash >= 1, expected: true}]\n")).expected


@pytest.mark.parametrize(
    ("sentence", "pay", "usd"),
    [
        ("cash >= 1 MUSD", "0.05 USD/USD", 0.05),
        ("rigs_mw <= 1 MW", "2 kUSD/MW", 2000.0),
        ("energy_mwh <= 1 GWh", "20 USD/MWh", 20.0),
        ("coins >= 1 BTC", "5 kUSD/BTC", 5000.0),
        ("hashrate <= 1 EH/s", "3 USD/USD", 3.0),  # USD per PH/s: what it is measured in has no price of its own
    ],
)
def test_a_breach_is_paid_in_what_the_rule_compares(tmp_path: Path, sentence: str, pay: str, usd: float) -> None:
    assert only(problem_of(tmp_path, f"rules: [{{name: r, require: {sentence}, otherwise: {{pay: {pay}}}}}]\n")).penalty == usd


def test_data_words_are_the_cases(tmp_path: Path) -> None:
    values = {
        "overhead_monthly": 1e6, "btc_price": 90e3, "hashprice": 50.0, "share_price": 9.0, "shares": 20e6, "opening_cash": 30e6,
        "opening_coins": 7.0, "months": 3.0,
    }  # fmt: skip
    assert values.keys() | {"years"} == DATA.keys()
    for word, value in values.items():
        rule = only(problem_of(tmp_path, f"rules: [{{name: r, require: cash >= 2 * {word}}}]\n"))
        assert rule.constant == pytest.approx(np.full((2, 8), 2 * value)), word
    years = only(problem_of(tmp_path, "rules: [{name: r, require: cash >= years}]\n")).constant[0]
    assert years == pytest.approx(np.arange(8) / 4)


def test_the_tables_of_the_readme_are_the_programs() -> None:
    text = (ROOT / "cases" / "README.md").read_text(encoding="utf-8")
    assert words_table() in text and functions_table() in text


def test_the_sentences_of_the_readme_are_rules(tmp_path: Path) -> None:
    text = (ROOT / "cases" / "README.md").read_text(encoding="utf-8").split("### Rules")[1].split("### Policies")[0]
    sentences = [one for one in re.findall(r"`([^`|]+)`", text) if re.search(r">=|<=|==", one)]
    assert len(sentences) >= 5
    world = WORLD + "financing: {convertible: {type: notes, coupon: 0 %/year, limit: 5 MUSD, tenor: 5 years}}\n"
    for sentence in sentences:
        problem_of(tmp_path, f"rules: [{{name: r, require: '{sentence}'}}]\n", world=world)
