"""The terminal summary: everything is told, in numbers that people read, as plain text where there is no terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from models.proforma.books import Check
from optimizer.cli.progress import CLEAR, Progress
from optimizer.engine.solution import Solution
from optimizer.engine.values import Covenant, Outcome, ShadowPrice
from optimizer.results import terminal
from optimizer.text import money, number, percent
from tests.optimizer.results.test_folder import solved


def printed(solution: Solution, **options: Any) -> str:
    stream = io.StringIO()
    terminal.render(solution, Console(file=stream, width=100, markup=False, emoji=False, **options))
    return stream.getvalue()


def section(text: str, title: str) -> str:
    return text.split(title, 1)[1].split("\n\n", 1)[0]


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0.0, "0 USD"), (-0.0, "0 USD"), (1e-9, "0 USD"), (-1e-9, "0 USD"), (12.3456, "12.35 USD"),
        (999.9, "999.90 USD"), (1500.0, "1.5 kUSD"), (-45_600.0, "-45.6 kUSD"), (1e6, "1 MUSD"), (999_999.7, "1 MUSD"),
        (1_234_567.0, "1.235 MUSD"),
        (587_654_321.0, "587.7 MUSD"), (3.2e9, "3,200 MUSD"), (12.7e9, "12.7 GUSD"), (None, "-"), (float("nan"), "-"),
    ],
)  # fmt: skip
def test_money_reads_like_money(usd: float | None, text: str) -> None:
    assert money(usd) == text


def test_other_numbers() -> None:
    assert number(1234567.8, "MWh") == "1,234,568 MWh"
    assert number(7.5, "MW") == "7.5 MW"
    assert number(123_456.0, "USD/MW") == "123.5 kUSD/MW"
    assert number(0.0721, "USD/USD") == "0.0721 USD/USD"
    assert percent(0.1234) == "12.3%" and percent(None) == "-"


def test_all_of_the_answer_is_there_in_100_plain_columns() -> None:
    solution = solved()
    books = solution.books
    assert books is not None
    text = printed(solution)
    assert text.isascii() and "\x1b" not in text and max(map(len, text.splitlines())) <= 100
    head = section(text, "Return to shareholders")
    four = {"objective": books.objective, "expected value": books.expected, "VaR": books.var, "CVaR": books.cvar}
    for label, value in four.items():
        line = next(line for line in head.splitlines() if line.strip().startswith(label))
        assert money(value) in line
    assert "75.0% expected value + 25.0% CVaR" in head
    assert "buy rigs" in section(text, "What to buy and build") and "s21-pro at =barker" in text
    assert "2026-01-01" in section(text, "Who pays") and "@owners" in section(text, "Who pays")
    assert "=down()" in section(text, "By scenario") and "40.0%" in section(text, "By scenario")
    assert "rig:s21-pro" in section(text, "How megawatts are used") and "100.0%" in text
    assert "grid" in section(text, "Where they come from")
    assert "liquidity >= 1 MUSD" in section(text, "Rules")
    proof = section(text, "Proof")
    assert "verified in every scenario and period" in proof and "gap" in proof and "NOT" not in proof


def test_sources_equal_uses_and_name_the_instruments() -> None:
    solution = solved()
    table = section(printed(solution), "Sources and uses")
    total = next(line for line in table.splitlines() if line.startswith("total"))
    amounts = total.split("total")[1:]
    assert amounts[0].split() == amounts[1].split() and "MUSD" in amounts[0]
    assert "debt: [red]notes[/red]" in table and "capex rigs" in table


def test_names_are_text_and_never_markup_or_control() -> None:
    solution = solved()
    assert "[red]notes[/red]" in printed(solution, force_terminal=True, color_system="truecolor")
    case: Any = SimpleNamespace(name="evil\x1b[2J\x07name", horizon_note="1 in 25 hours kept", notes=())
    text = printed(replace(solution, case=case))
    assert "\x1b" not in text and "\x07" not in text and "evil?[2J?name" in text
    assert "note: 1 in 25 hours kept" in text


def test_a_terminal_gets_lines_and_styles() -> None:
    text = printed(solved(), force_terminal=True, color_system="standard", legacy_windows=False)
    assert "\x1b[1m" in text


def test_mean_price_of_the_grid_is_that_of_its_hours() -> None:
    solution = solved()
    found = terminal._money_per_mwh(solution)["=barker", "grid"]
    decisions, small = solution.decisions, solution.problem
    assert decisions is not None and small.sites[0].grid is not None
    cost = energy = 0.0
    for (_, s, t), split in decisions.dispatch.items():
        mwh = small.scenarios.probability[s] * small.clock.weight[t] * split.sources["grid"]
        cost += float(mwh @ small.sites[0].grid.price.values(small.clock, s, t))
        energy += float(mwh.sum())
    assert found == pytest.approx(cost / energy)
    hashprice = 58.8 * 50.0 / 24.0 * 0.99
    assert terminal._money_per_mwh(solution)["=barker", "rig:s21-pro"] < hashprice + 1e-9


def test_the_tightest_place_of_each_rule_and_the_dearest_things_come_first() -> None:
    rules = tuple(
        Covenant(name, f"{name} >= 1", "up", date, left, 100.0, left - 100.0, price, breach, "")
        for name, date, left, price, breach in (
            ("slack", "2026-01-01", 500.0, 0.0, 0.0),
            ("binding", "2026-01-01", 150.0, 0.0, 0.0),
            ("binding", "2026-04-01", 100.0, 0.2, 0.0),
            ("soft", "2026-07-01", 90.0, 0.1, 10.0),
        )
    )
    prices = tuple(
        ShadowPrice(family, name, "up", "2026-04-01", value, unit)
        for family, name, value, unit in (
            ("interconnection", "a", 1000.0, "USD/MW"),
            ("interconnection", "b", 5000.0, "USD/MW"),
            ("interconnection", "b", 2000.0, "USD/MW"),
            ("ai_hall", "a", 0.02, "USD/MW"),  # nothing uses it: no scarcity
            ("issue_limit", "notes", 0.3, "USD/USD"),
            ("cash", "cash", 9e9, "USD/USD"),
        )
    )
    text = printed(replace(solved(), covenants=rules, prices=prices))
    table = section(text, "Rules, where").splitlines()[3:6]
    assert [row.split()[0] for row in table] == ["binding", "soft", "slack"]
    assert "up 2026-04" in table[0] and table[1].rstrip().endswith("1")
    scarce = section(text, "What is scarce").splitlines()[3:]
    assert [" ".join(row.split()[:2]) for row in scarce] == ["interconnection b", "interconnection a", "issue limit"]
    assert "7 kUSD/MW" in scarce[0] and "5 kUSD/MW" in scarce[0]


def test_an_unverified_answer_says_so() -> None:
    check = Check("cash ties", 5.0, 10.0, "up")
    text = printed(replace(solved(), outcome=Outcome.UNVERIFIED, reasons=("cash ties: off by 0.5",), lp_checks=(check,)))
    assert "unverified" in text and "cash ties: off by 0.5" in text
    assert "NOT verified" in text and "cash ties (up)" in text and "verified in every" not in text


def test_without_a_plan_there_are_the_reasons() -> None:
    reasons = ("rule 'six months': 80 % of the proof",)
    text = printed(replace(solved(), outcome=Outcome.INFEASIBLE, decisions=None, books=None, reasons=reasons))
    assert "infeasible" in text and "six months" in text and "What to buy" not in text


def test_many_scenarios_show_worst_middle_and_best(monkeypatch: pytest.MonkeyPatch) -> None:
    figures: dict[str, Any] = {
        f"s{n:02}": {"probability": 1 / 30, "npv": float(n), "irr": None, "irr_reason": None, "moic": None,
                     "capex": 0.0, "min_cash": 0.0, "peak_debt": None}
        for n in np.random.default_rng(1).permutation(30)
    }  # fmt: skip
    monkeypatch.setattr("optimizer.engine.views.tables.scenario_figures", lambda solution: figures)
    table = section(printed(solved()), "By scenario").splitlines()[3:]
    shown = [line.split()[0] for line in table if line.startswith("s")]
    assert shown[:4] == ["s00", "s01", "s02", "s03"] and shown[-4:] == ["s26", "s27", "s28", "s29"]
    assert len(shown) == terminal.MOST_SCENARIOS and "of 30" in table[-1]


# ---------------------------------------------------------------------------------------------------------------------
# Progress


def test_progress_is_a_line_per_stage_in_a_file() -> None:
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress("build")
        progress("solve", rows=12345, gap=1.5e-7)
        progress("solve", rows=12346)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2 and "12,345 rows" in lines[1] and "1.5e-07 gap" in lines[1]
    assert "\x1b" not in stream.getvalue()


def test_progress_on_a_terminal_is_one_live_line_that_goes() -> None:
    stream = io.StringIO()
    with Progress(stream, live=True) as progress:
        progress("solve", rows=1)
        progress("solve " + "x" * 300, rows=2)
    text = stream.getvalue()
    assert "\n" not in text and text.count(CLEAR) == 3 and text.endswith(CLEAR)
    assert max(map(len, text.split(CLEAR))) < 100


def test_progress_can_be_quiet_and_survives_a_closed_stream() -> None:
    stream = io.StringIO()
    Progress(stream, quiet=True)("solve")
    assert stream.getvalue() == ""
    stream.close()
    progress = Progress(stream, live=False)
    progress("solve")
    progress("verify")
