"""A case beside itself without something: what is left out, that both start alike, and what the pair says, whichever way it falls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from optimizer import Case
from optimizer.cli.app import cli
from optimizer.runtime.executor import Executor
from optimizer.studies.jobs import Job, Point
from optimizer.studies.mixes import jobs_for
from optimizer.studies.without import Without, WithoutError, _split, pair_sentences, solve_pairs, told_of_pairs, without
from tests.shared.places import ROOT

QUICK, LAKE = (str(ROOT / "cases" / f"{name}.yaml") for name in ("quickstart", "lake-mariner"))

TWO = """case: {name: two}
horizon: {start: 2026-01, years: 3, period: year}
company: {overhead: 1 MUSD/year}
market: {hashprice: 60 USD/PH/day, btc_price: 100_000 USD/BTC}
sites:
  old: {interconnection: 10 MW, mining_hall: {now: 10 MW}, power: {grid: {price: 40 USD/MWh}}}
  new:
    interconnection: {now: 5 MW, expand: {cost: 100 kUSD/MW, limit: 10 MW}}
    mining_hall: {build: {cost: 300 kUSD/MW, limit: 10 MW}}
    power: {grid: {price: 20 USD/MWh}}
rigs:
  rig: {efficiency: 15 J/TH, price: 10 USD/TH, resale: 50 %, owned: {old: 4 MW}, sites: [old, new]}
  other: {efficiency: 14 J/TH, price: 12 USD/TH, limit: 2 MW, sites: [new]}
financing:
  notes: {type: notes, coupon: 9 %/year, limit: 4 MUSD, issue: 2026-01, tenor: 3 years}
  owners: {type: equity, limit: 100 MUSD}
treasury: {cash: 3 MUSD, dividends: always}
objective: {discount: 12 %/year}
"""


def load(folder: Path, text: str = TWO) -> Case:
    path = folder / "case.yaml"
    path.write_text(text, encoding="utf-8")
    return Case.load(path)


@pytest.mark.parametrize(
    ("path", "what", "settings"),
    [
        (QUICK, "ai", ("ai.cloud.limit=0.0 MW",)),
        (QUICK, "debt", ("financing.notes.limit=0.0 USD", "financing.revolver.limit=0.0 USD")),
        (QUICK, "rigs", ("rigs.s21_pro.limit=0 MW", "rigs.s21_xp.limit=0 MW")),
        (QUICK, "notes", ("financing.notes.limit=0.0 USD",)),
        (QUICK, "owners", ("financing.owners.limit=0 USD",)),
        (QUICK, "s21_xp", ("rigs.s21_xp.limit=0 MW",)),
        (
            LAKE,
            "ai",
            (
                "ai.core42.minimum=18.0 MW",
                "ai.core42.limit=18.0 MW",
                *(f"ai.cb_{n}.{key}=0.0 MW" for n in (3, 4, 5) for key in ("minimum", "limit")),
            ),
        ),
        (LAKE, "core42", ("ai.core42.minimum=18.0 MW", "ai.core42.limit=18.0 MW")),
    ],
)
def test_what_is_new_is_left_out_and_what_stands_stays(path: str, what: str, settings: tuple[str, ...]) -> None:
    assert without(Case.load(path), what).settings == settings


def test_a_site_is_left_as_it_stands(tmp_path: Path) -> None:
    found = without(load(tmp_path), "new")
    assert found.settings == (
        "sites.new.interconnection.expand.limit=0 MW", "sites.new.mining_hall.build.limit=0 MW", "rigs.rig.sites=[old]",
        "rigs.other.limit=0 MW",
    )  # fmt: skip
    with pytest.raises(WithoutError, match=r"rigs\.rig stands there and may be ordered elsewhere"):
        without(load(tmp_path), "old")


def test_what_is_not_there_cannot_be_left_out(tmp_path: Path) -> None:
    case = load(tmp_path)
    with pytest.raises(WithoutError, match='nothing of that name; did you mean "notes"'):
        without(case, "note")
    with pytest.raises(WithoutError, match="decides on no ai"):
        without(case, "ai")
    found = CliRunner().invoke(cli, ["compare", str(tmp_path / "case.yaml"), "--without", "nothing"])
    assert found.exit_code == 2 and "--without nothing" in found.output


def test_a_pair_that_would_not_start_alike_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from optimizer.studies import without as module

    monkeypatch.setattr(module, "without_debt", lambda debt: ("treasury.cash=4 MUSD",))
    with pytest.raises(WithoutError, match=r"would not start alike \(cash\)"):
        without(load(tmp_path), "notes")


# ---- what is said -------------------------------------------------------------------------------------------------------


def answer(whole: float | None, outside: float | None, lent: float | None = 0.08, leverage: float = 1.0) -> Point:
    values = {
        "cost_of_all_capital": whole,
        "cost_of_capital": outside,
        "cost_of_debt": lent,
        "debt_to_equity": leverage,
        "relevered": 0.15,
    }
    return Point("a", "optimal", values=values)


AI, NOTES = Without("ai", "AI contracts", ()), Without("notes", "financing.notes", ())


def test_the_sentence_falls_as_the_figures_do() -> None:
    down = pair_sentences(answer(0.10, 0.08), answer(0.12, 0.09), AI)[0]
    assert down == (
        "AI contracts lower the cost of all capital, owners included, from 12.00% to 10.00%, and lower the cost of outside capital from 9.00%"
        " to 8.00%."
    )
    up = pair_sentences(answer(0.12, 0.09), answer(0.10, 0.09), NOTES)[0]
    assert up == (
        "financing.notes raises the cost of all capital, owners included, from 10.00% to 12.00%, and leaves the cost of outside capital at"
        " 9.00%."
    )
    none = pair_sentences(answer(0.12, 0.09), answer(0.12, None), AI)[0]
    assert none.endswith("and leave the cost of outside capital without a comparison, as there is none without.")
    assert pair_sentences(answer(0.12, 0.09), Point("b", "infeasible"), AI) == []


def test_the_change_is_split_into_mix_debt_and_shares() -> None:
    """50 % at 8 % and 12 % against 20 % at 9 % and 11.5 %: the three add up; without debt its cost is the other's."""
    first, other = answer(0.5 * 0.08 + 0.5 * 0.12, 0.08, 0.08, 1.0), answer(0.2 * 0.09 + 0.8 * 0.115, 0.09, 0.09, 0.25)
    found = _split(first, other)
    assert found is not None and sum(found) == pytest.approx(0.10 - 0.11, abs=1e-15)
    assert found == pytest.approx((0.3 * (0.085 - 0.1175), -0.01 * 0.35, 0.005 * 0.65), abs=1e-15)
    alone = _split(first, answer(0.12, None, None, 0.0))
    assert alone == pytest.approx((0.5 * (0.08 - 0.12), 0.0, 0.0), abs=1e-15)


# ---- solved -------------------------------------------------------------------------------------------------------------


def test_compare_without_ai_on_the_command_line(tmp_path: Path) -> None:
    """Both costs of capital, the sentence, and how much debt a dollar of each stream carries."""
    options = ["--without", "ai", "--set", "horizon.hours={every: 121}", "--workers", "1", "--quiet", "--out", str(tmp_path)]
    found = CliRunner().invoke(cli, ["compare", QUICK, *options, "--json"])
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert [row["name"] for row in told["rows"]] == ["as optimised", "without ai"] and told["same_scenarios"]
    first, other = (row["values"] for row in told["rows"])
    assert other["ai_mwh"] == 0.0 < first["ai_mwh"] and other["objective"] < first["objective"]
    text = " ".join(told["account"])
    word = "lower" if first["cost_of_all_capital"] < other["cost_of_all_capital"] else "raise"
    assert (
        f"AI contracts {word} the cost of all capital, owners included, from {other['cost_of_all_capital']:.2%} to"
        f" {first['cost_of_all_capital']:.2%}" in text
    )
    carried = told["rows"][0]["capacity"]
    assert carried["contracts"] is None and f"{carried['cloud']:.2f} from cloud, {carried['mining']:.2f} from mining" in text


def test_rules_that_bar_a_plan_without_are_priced_in_both(tmp_path: Path) -> None:
    """A rule that only what is left out can keep: both are solved again with it broken at a price, which moves only the one without."""
    text = TWO + "rules:\n  - {name: grown, require: rigs_mw >= 5 MW, from: 2027-01}\n"
    case = load(tmp_path, text)
    one = without(case, "rigs")
    jobs = jobs_for([(str(case.path), case)], (), False, (), None, (one,))
    with Executor(1) as executor:
        points, pairs = solve_pairs(case, jobs, (one,), executor, lambda done, of: None)
    assert [point.status for point in points] == ["optimal", "infeasible", "optimal", "optimal"]
    (pair,) = pairs
    assert pair.priced == ("grown",) and pair.first.name == "as optimised, rules at a price"
    assert pair.first.values["objective"] == pytest.approx(points[0].values["objective"], rel=1e-9)
    assert pair.other.values["breach"] == 1.0
    told = told_of_pairs(points, pairs)
    assert told[0].startswith("Without new rigs no plan meets 'grown'. So both were solved again") and "New rigs " in told[1]


def test_jobs_of_a_pair_leave_variants_aside() -> None:
    case = Case.load(QUICK)
    jobs = jobs_for([(QUICK, case)], (), False, ("tax.rate=0 %",), 9.0, (without(case, "ai"),))
    assert jobs == [
        Job("as optimised", QUICK, None, ("tax.rate=0 %",), 9.0, True),
        Job("without ai", QUICK, None, ("tax.rate=0 %", "ai.cloud.limit=0.0 MW"), 9.0, True),
    ]
