"""Notes of a valid case: instruments that a rule bars, and prices of today that are more than one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from optimizer import Case
from optimizer.cli.app import cli
from optimizer.studies.jobs import Job, solve_job
from tests.shared.places import ROOT

OWED = """case: {name: owed}
horizon: {start: 2026-01, years: 3, period: year}
company: {share_price: {start: 10 USD/share, growth: 20 %/year}, shares: 10_000_000 shares}
cash_flows: {plant: {dated: {2027-01: 30 MUSD, 2028-01: 40 MUSD, 2029-01: 50 MUSD}}}
financing:
  notes: {type: notes, coupon: 8 %/year, limit: 50 MUSD, issue: 2026-01, tenor: 3 years}
  paper: {type: convertible, coupon: 1 %/year, limit: 40 MUSD, issue: 2026-01, tenor: 3 years, conversion_premium: 30 %}
rules:
  - {name: half, require: "outstanding[paper] <= 0.5 * total_debt"}
treasury: {dividends: always}
objective: {discount: 20 %/year}
variants:
  paper_only: {set: {financing.notes.limit: 0 USD}}
"""
PRICED = """case: {name: priced}
horizon: {start: 2026-01, years: 2, period: year}
information: 2027-01
scenarios: {low: {probability: 50 %, scale: {sites.dale.mining_hall.build.cost: 0.8}}, base: {probability: 50 %}}
sites: {dale: {interconnection: 3 MW, mining_hall: {build: {cost: 300 kUSD/MW, limit: 3 MW}}, power: {grid: {price: 40 USD/MWh}}}}
objective: {terminal: {halls: 0 %}}
"""


def load(folder: Path, text: str, variant: str | None = None, *settings: str) -> Case:
    path = folder / "case.yaml"
    path.write_text(text, encoding="utf-8")
    return Case.load(path, variant=variant, settings=settings)


def test_an_instrument_that_a_rule_bars_is_noted(tmp_path: Path) -> None:
    """Half of the debt at most, where there is no other debt, is none; with other debt, or a softer rule, it is some."""
    assert load(tmp_path, OWED).notes == ()
    (note,) = load(tmp_path, OWED, "paper_only").notes
    assert note == (
        "financing.paper has a limit of 40,000,000 USD, but the rule 'half' (rules[0]) leaves none of it: with what other debt is allowed,"
        " it can never be issued"
    )


@pytest.mark.parametrize(
    "setting",
    [
        "rules[0].require=outstanding[paper] <= total_debt",
        "rules[0].require=outstanding[paper] <= 0.5 * total_debt + 1 USD",
        "rules[0].require=outstanding[paper] <= 0.5 * total_debt + cash",
        "rules[0].otherwise={pay: 0.1 USD/USD}",
        "rules[0].from=2029-01",
        "financing.paper.limit=0 USD",
        "financing.notes={type: notes, coupon: 8 %/year, limit: 1 USD, issue: never, maturity: 2030-01,"
        " existing: {face: 1 USD, issued: 2025-01}}",
    ],
)
def test_what_a_rule_does_not_bar_is_not_noted(tmp_path: Path, setting: str) -> None:
    assert load(tmp_path, OWED, "paper_only", setting).notes == ()


def test_what_must_still_stand_when_the_rule_begins_is_barred(tmp_path: Path) -> None:
    assert load(tmp_path, OWED, "paper_only", "rules[0].from=2027-01").notes


def test_a_loan_that_may_be_repaid_before_the_rule_begins_is_not_barred(tmp_path: Path) -> None:
    loan = (
        "{type: loan, coupon: 1 %/year, limit: 9 MUSD, issue: 2026-01, tenor: 3 years, amortisation: as_cash_allows, coverage: 1}"
    )
    assert load(tmp_path, OWED, "paper_only", f"financing.paper={loan}", "rules[0].from=2027-01").notes == ()


def test_several_prices_on_the_first_day_are_noted(tmp_path: Path) -> None:
    (note,) = load(tmp_path, PRICED).notes
    assert note == (
        "sites.dale.mining_hall.build.cost has several prices on the first day, 240,000 to 300,000 USD/MW, for an order that all scenarios"
        " share: a quote of today is one number, and paths part later"
    )
    apart = "scenarios.low.set={sites.dale.mining_hall.build.cost: {knots: {2026-01: 300 kUSD/MW, 2027-01: 240 kUSD/MW}}}"
    assert load(tmp_path, PRICED.replace(", scale: {sites.dale.mining_hall.build.cost: 0.8}", ""), None, apart).notes == ()
    assert load(tmp_path, PRICED.replace("information: 2027-01", "information: start")).notes == ()


def test_validate_and_comparisons_tell_the_notes(tmp_path: Path) -> None:
    load(tmp_path, OWED)
    found = CliRunner().invoke(cli, ["validate", str(tmp_path / "case.yaml")])
    assert found.exit_code == 0
    first, note = found.output.splitlines()
    assert first.endswith("case.yaml: valid")
    assert note.startswith("  note: variant paper_only: financing.paper has a limit of 40,000,000 USD, but the rule 'half'")
    assert solve_job(Job("paper_only", str(tmp_path / "case.yaml"), "paper_only")).notes
    compared = CliRunner().invoke(cli, ["compare", str(tmp_path / "case.yaml")])
    assert "paper_only: financing.paper has a limit" in compared.output


@pytest.mark.parametrize(
    "path",
    sorted([*(ROOT / "cases").glob("*.yaml"), *(ROOT / "optimizer" / "cli" / "templates").glob("*.yaml")]),
    ids=lambda p: p.stem,
)
def test_shipped_cases_need_no_note(path: Path) -> None:
    case = Case.load(path)
    assert not [note for note in case.notes if "limit of" in note or "first day" in note]


def test_a_variant_named_for_converts_may_issue_them() -> None:
    path, rule = (
        ROOT / "cases" / "lake-mariner.yaml",
        "outstanding[convert_2032] + outstanding[capped_convert] <= 0.5 * total_debt",
    )
    assert not [note for note in Case.load(path, variant="converts_only").notes if "limit of" in note]
    barred = Case.load(path, variant="converts_only", settings=[f"rules[3].require={rule}"]).notes
    assert [note.split(" ")[0] for note in barred if "limit of" in note] == ["financing.convert_2032", "financing.capped_convert"]
