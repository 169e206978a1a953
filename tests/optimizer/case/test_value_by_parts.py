"""`objective: {value: apv}` in a case: the known tax shield, the rates that it reads, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from models.problem import Rates
from optimizer import Case
from optimizer.case.reading.diagnostics import CaseError
from optimizer.cli.app import cli
from optimizer.engine.values import Outcome
from tests.shared.places import CASES, ROOT

SHIELD = str(CASES / "tax-shield.yaml")
PARTS = ("objective.value=apv", "objective.discount=12 %/year")


def worth(variant: str | None, *settings: str) -> float:
    found = Case.load(SHIELD, variant=variant, settings=[*PARTS, *settings]).solve(baseline=False)
    assert found.outcome is Outcome.OPTIMAL and found.objective is not None
    return found.objective


def test_the_tax_shield_is_worth_the_same_whatever_owners_ask() -> None:
    """At a single rate of 12 % notes of 8 % gain by being cheap too; by parts they gain their shield, 6.7077529 MUSD."""
    assert worth(None) - worth("unlevered") == pytest.approx(6.7077529e6, abs=0.05)
    at_12 = "objective.rates={debt: 12 %/year}"
    assert worth(None, at_12) - worth("unlevered", at_12) == pytest.approx(sum(1.68e6 / 1.12**t for t in range(1, 6)), rel=1e-8)


def test_rates_that_are_not_given_are_the_discount() -> None:
    rates = (
        Case.load(SHIELD, settings=[*PARTS, "objective.rates={contracts: 8 %/year, debt: rebalanced}"]).problem().objective.rates
    )
    assert rates == Rates(0.08, 0.12, 0.12, "rebalanced")
    assert Case.load(SHIELD, settings=PARTS).problem().objective.rates == Rates(0.12, 0.12, 0.12, "own")
    assert Case.load(SHIELD).problem().objective.rates is None


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("objective.rates={cloud: 9 %/year}", "rates of streams need `value: apv`"),
        ("objective.value=wacc", "expected owners | apv"),
    ],
)
def test_what_makes_no_sense_is_refused(setting: str, told: str) -> None:
    with pytest.raises(CaseError, match=told.replace("|", r"\|")):
        Case.load(SHIELD, settings=[setting])


def test_a_rate_of_debt_is_own_rebalanced_or_a_number() -> None:
    with pytest.raises(CaseError, match=r"expected own \| rebalanced"):
        Case.load(SHIELD, settings=[*PARTS, "objective.rates={debt: yours}"])


def test_the_answer_says_what_it_was_counted_at(tmp_path: Path) -> None:
    """On the terminal; the workbook has no formulas for it and says so; the folder is whole."""
    options = [option for setting in (*PARTS, "objective.rates={contracts: 8 %/year}") for option in ("--set", setting)]
    found = CliRunner().invoke(cli, ["solve", SHIELD, *options, "--out", str(tmp_path), "--quiet"])
    assert found.exit_code == 0, found.output
    assert (
        "counted by parts: contracts at 8.0%, cloud at 12.0%, mining at 12.0%, tax saved by interest at each debt's own rate"
        in " ".join(found.output.split())
    )
    made = {path.name for path in (tmp_path / "tax-shield").glob("*/*")}
    assert "summary.json" in made and "workbook.xlsx" not in made


def test_contracts_at_a_lower_rate_are_worth_more() -> None:
    """A shipped case of leases and a mine: its value rises as rents are discounted at less, and the books agree."""
    path, values = ROOT / "cases" / "lake-mariner.yaml", []
    for rate in ("12 %/year", "8 %/year"):
        thin = ["horizon.hours={every: 121}", "objective.value=apv", f"objective.rates={{contracts: {rate}}}"]
        found = Case.load(path, settings=thin).solve(baseline=False)
        assert found.outcome is Outcome.OPTIMAL, found.reasons
        values.append(found.objective)
    assert values[1] > values[0] + 1e6
