"""Notes on what a case leaves to assumption, and on how an answer ends: told where they are true, and nowhere else."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from optimizer import Case
from optimizer.engine.solution import Solution
from optimizer.engine.values import Outcome
from optimizer.results.odds import Odds, odds
from optimizer.results.plan_notes import plan_notes
from optimizer.results.summary_json import summary
from optimizer.results.terminal import render

CAMPUS = """case: {name: campus}
horizon: {start: 2026-01, years: 4, period: year}
company: {share_price: {start: 10 USD/share, growth: 25 %/year}, shares: 10_000_000 shares}
sites:
  home:
    interconnection: {now: 20 MW, expand: {cost: 100 kUSD/MW, lead: 1 year, limit: 5 MW, depreciation: {tax: macrs-15}}}
    ai_hall: {now: 4 MW, build: {cost: 1 MUSD/MW, lead: 1 year, limit: 2 MW}}
    gross_ratio: 1.25
    power: {grid: {price: 40 USD/MWh}}
ai:
  tenant: {type: lease, rent: 1.5 MUSD/MW/year, sign: 2026-01, lead: 1 year, term: 10 years, limit: 4 MW, penalty: 1 kUSD/MWh}
financing:
  notes: {type: notes, coupon: 8 %/year, limit: 40 MUSD, issue: 2026-01, tenor: 10 years}
  shares: {type: equity, holders: new, limit: 1 MUSD, issue: 2026-01}
treasury: {cash: 50 MUSD, dividends: always}
tax: {rate: 21 %}
objective: {discount: 12 %/year}
"""
SAID = "objective.terminal={halls: 0 %, interconnection: 10 %, contracts: {share: 0 %}}"
DEDUCTED = "sites.home.ai_hall.build.depreciation={tax: macrs-15, book: 15 years}"
FAIR = "company.share_price.growth=12 %/year"


def load(folder: Path, *settings: str) -> Case:
    path = folder / "case.yaml"
    path.write_text(CAMPUS, encoding="utf-8")
    return Case.load(path, settings=settings)


def test_what_counts_nothing_unsaid_is_told(tmp_path: Path) -> None:
    (note,) = load(tmp_path, DEDUCTED, FAIR).notes
    assert note == (
        "nothing is counted at the horizon's end of what objective.terminal does not name: halls (sites.home);"
        " interconnection (sites.home); contracts (ai.tenant, up to 7 years beyond)"
    )
    assert load(tmp_path, DEDUCTED, FAIR, SAID).notes == ()
    assert load(tmp_path, DEDUCTED, FAIR, SAID, "ai.tenant.term=3 years").notes == ()
    short = "objective.terminal={halls: 10 %, interconnection: 10 %}"
    assert load(tmp_path, DEDUCTED, FAIR, short, "ai.tenant.term=3 years").notes == ()  # it ends with the horizon


def test_plant_that_tax_never_sees_is_told(tmp_path: Path) -> None:
    (note,) = load(tmp_path, FAIR, SAID).notes
    assert note == "under a tax of 21.0% the cost of sites.home.ai_hall.build is never deducted: no tax depreciation is given"
    assert load(tmp_path, FAIR, SAID, "tax.rate=0 %").notes == ()
    assert load(tmp_path, FAIR, SAID, "sites.home.ai_hall.build.limit=0 MW").notes == ()


def test_a_share_price_that_leaves_the_owners_rate_is_told(tmp_path: Path) -> None:
    (note,) = load(tmp_path, DEDUCTED, SAID).notes
    assert note == (
        "company.share_price grows 25.0% a year, weighted by odds, and owners ask for 12.0%: what is paid in shares (financing.shares) looks"
        " dear by the difference"
    )
    (cheap,) = load(tmp_path, DEDUCTED, SAID, "company.share_price.growth=2 %/year").notes
    assert "looks cheap" in cheap
    assert load(tmp_path, DEDUCTED, SAID, "company.share_price.growth=16 %/year").notes == ()
    assert load(tmp_path, DEDUCTED, SAID, "financing.shares.limit=0 USD").notes == ()


@pytest.fixture(scope="module")
def drowned(tmp_path_factory: pytest.TempPathFactory) -> Solution:
    """Notes are cheaper than owners, so all of them are issued and paid out, and nothing is left to repay them with."""
    found = load(tmp_path_factory.mktemp("campus"), DEDUCTED, FAIR, SAID).solve(baseline=False)
    assert found.outcome is Outcome.OPTIMAL
    return found


def test_an_answer_that_ends_under_water_says_so(drowned: Solution) -> None:
    end = drowned.finance.horizon_end
    assert (
        end.short[0] == pytest.approx(end.owed[0] - end.liquid[0] - sum(one[0] for one in end.counted.values()))
        and end.short[0] > 1e6
    )
    told = plan_notes(drowned)
    assert told[0].startswith("the plan ends with more debt than its assets count for: ")
    assert odds(drowned) == Odds(breach=0.0, rescue=0.0, missed=0.0, under_water=1.0)


def test_the_relevered_rate_is_told_where_it_parts(tmp_path: Path) -> None:
    """Little debt beside what a lease earns: owners would ask some points more than 12 %. Next to none: nothing is told."""
    settings = ("sites.home.ai_hall.build.limit=0 MW", FAIR, SAID)
    found = load(tmp_path, *settings, "financing.notes.limit=4 MUSD").solve(baseline=False)
    costs = found.finance.capital
    assert costs.relevered[0] is not None and 0.13 < costs.relevered[0] < 0.2
    (note,) = plan_notes(found)
    assert note == (
        f"the case asks 12.0% a year for the owners whatever the debt; if that is what they ask without any, at the plan's debt of"
        f" {costs.leverage[0]:.2f} times their part, at 8.0%, they would ask {costs.relevered[0]:.1%}"
    )
    assert plan_notes(load(tmp_path, *settings, "financing.notes.limit=1 MUSD").solve(baseline=False)) == ()


def test_terminal_and_summary_tell_odds_horizon_costs_and_bridge(drowned: Solution) -> None:
    out = io.StringIO()
    render(drowned, Console(file=out, width=100))
    text = out.getvalue()
    assert "missed payment 0.0%" in text and "more debt than" in text and "What capital costs, expected" in text
    assert "From the business to its owners" in text and "all capital, with owners" in text
    found = summary(drowned)
    assert found["odds"] == {"breach": 0.0, "rescue": 0.0, "missed_payment": 0.0, "under_water": 1.0}
    assert found["bridge"][-1]["usd"] == pytest.approx(found["expected_npv"], rel=1e-9)
    assert sum(one["usd"] for one in found["bridge"][:-1]) == pytest.approx(found["expected_npv"], rel=1e-9)
    assert found["capital"]["whole"] == drowned.finance.capital.whole[0]
    assert json.dumps(found["plan_notes"]) == json.dumps(list(plan_notes(drowned)))
