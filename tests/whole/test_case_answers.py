"""What cases/README.md says the market's cases answer: its tables by solving the variants, the figures in its sentences by the plans.

A figure that no longer holds fails here: correct the text, and ask whether its sentence is still true.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import pytest

from optimizer import Case
from optimizer.engine.values import Outcome
from optimizer.results.folder import contents
from optimizer.results.summary_json import summary
from tests.shared.places import ROOT
from tests.shared.plans import plan

TITLES = {
    "lake-mariner": "Lake Mariner",
    "bitfarms": "Bitfarms",
    "iren": "IREN",
    "industry-2025": "Industry 2025",
    "surplus-power": "Surplus power",
    "ercot-flex": "ERCOT flex",
}
#: variants that the sentences lean on; the rest of the tables is slow
LEANED_ON = {
    ("bitfarms", "as_done"),
    ("iren", "no_converts"),
    ("iren", "thin_premium"),
    ("iren", "equity_same_dilution"),
    ("industry-2025", "no_ai"),
    ("surplus-power", "no_mining"),
    ("ercot-flex", "inflexible"),
}


@dataclass(frozen=True)
class Answer:
    """A solved case or variant: figures in USD, tables as lists of rows."""

    whole: dict
    tables: dict[str, list[dict[str, str]]]

    def value(self, key: str = "objective") -> float:
        """MUSD."""
        return self.whole[key] / 1e6

    def expected(self, column: str) -> float:
        """Mean over scenarios of a column of scenarios.csv."""
        return sum(float(row["probability"]) * float(row[column]) for row in self.tables["scenarios"])

    def decided(self, kind: str, what: str = "", scenario: str = "all", where: str = "") -> float:
        """Sum of plan.csv: what all scenarios share, or what one scenario does in all, shared steps with it."""
        total = 0.0
        for row in self.tables["plan"]:
            mine = row["scenarios"] == "all" or scenario in row["scenarios"].split("+")
            if row["kind"] == kind and what in ("", row["what"]) and where in ("", row["where"]) and mine:
                total += float(row["amount"])
        return total

    def debt(self, day: str) -> float:
        """GUSD outstanding at a date, mean over scenarios."""
        total: dict[str, float] = defaultdict(float)
        for row in self.tables["financing"]:
            if row["date"] == day:
                total[row["scenario"]] += float(row["closing"])
        odds = {row["scenario"]: float(row["probability"]) for row in self.tables["scenarios"]}
        return sum(odds[name] * total[name] for name in odds) / 1e9


def answer(name: str, variant: str | None = None) -> Answer:
    return solved(name, variant)


@cache
def solved(name: str, variant: str | None) -> Answer:
    """Each case and variant once for the module."""
    solution = plan(ROOT / "cases" / f"{name}.yaml", variant=variant)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    files = contents(solution)
    tables = {
        table: list(csv.DictReader(io.StringIO(files[f"{table}.csv"].decode())))
        for table in ("plan", "financing", "scenarios", "covenants")
    }
    return Answer(summary(solution), tables)


@cache
def section(name: str) -> str:
    text = (ROOT / "cases" / "README.md").read_text(encoding="utf-8")
    return text.split(f"## {TITLES[name]}: its answer\n")[1].split("\n## ")[0]


def prose(name: str) -> str:
    return re.sub(r"\s+", " ", section(name))


def rows(name: str) -> dict[str | None, list[str]]:
    """variant (None: as written) -> the cells of its row."""
    found: dict[str | None, list[str]] = {}
    for line in section(name).splitlines():
        if line.startswith("|") and not line.startswith(("| variant", "|---")):
            first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            label = re.match(r"`(\w+)`", first)
            assert label or first == "as written", line
            found[label[1] if label else None] = cells
    return found


def rounds_to(value: float, cell: str) -> bool:
    """Is the cell the value, rounded to the digits that the cell has?"""
    digits = len(cell.partition(".")[2])
    return abs(value - float(cell.replace(",", ""))) <= 0.5 * 10**-digits + 1e-9


TABLES = [
    pytest.param(name, variant, marks=() if variant is None or (name, variant) in LEANED_ON else pytest.mark.slow)
    for name in TITLES
    for variant in rows(name)
]


@pytest.mark.parametrize(("name", "variant"), TABLES)
def test_a_row_of_the_tables(name, variant):
    cells = rows(name)[variant]
    found = answer(name, variant)
    values = [found.value(), found.value("expected_npv"), found.value("cvar")]
    if name == "industry-2025":
        values.append(found.debt("2025-10-01"))
    if name == "surplus-power":
        values.append(found.expected("diesel_mwh") / 1e3)
    assert len(cells) == len(values)
    for value, cell in zip(values, cells, strict=True):
        assert rounds_to(value, cell), (value, cell)


@pytest.mark.parametrize("name", TITLES)
def test_tables_list_all_variants_best_first(name):
    found = rows(name)
    assert {None, *Case.load(ROOT / "cases" / f"{name}.yaml").model.variants} == set(found)
    objectives = [float(cells[0].replace(",", "")) for cells in found.values()]
    assert objectives == sorted(objectives, reverse=True)


@pytest.mark.parametrize("name", TITLES)
def test_every_hard_rule_holds_in_the_books(name):
    """To 1e-9 of the largest amount that the rule weighs at any date: `left` may be the difference of both sides."""
    largest: dict[str, float] = defaultdict(lambda: 1.0)
    covenants = answer(name).tables["covenants"]
    for row in covenants:
        largest[row["name"]] = max(largest[row["name"]], abs(float(row["left"])), abs(float(row["right"])))
    assert largest
    for row in covenants:
        assert float(row["headroom"]) + float(row["breach"]) >= -1e-9 * largest[row["name"]], row


@pytest.mark.parametrize("name", TITLES)
def test_cases_name_their_sources(name):
    text = (ROOT / "cases" / f"{name}.yaml").read_text()
    assert "sources:" in text and "unverified" in text
    assert f"[{name}]({name}.yaml)" in (ROOT / "cases" / "README.md").read_text()
    assert max(len(line) for line in text.splitlines()) <= 120


def says(name: str, *figures: str) -> None:
    text = prose(name)
    missing = [figure for figure in figures if figure not in text]
    assert not missing, missing


def test_lake_mariner_takes_less_at_once_than_was_done():
    base = answer("lake-mariner")
    called = {name: base.decided("call", "secured", name) for name in ("base", "boom", "crypto_winter")}
    secured = base.decided("issue", "secured")
    assert called["base"] == pytest.approx(secured, rel=1e-6) and called["crypto_winter"] < 0.1 * secured
    npv = {row["scenario"]: float(row["npv"]) / 1e6 for row in base.tables["scenarios"]}
    refinanced = [base.decided("issue", "refinancing", name) / 1e6 for name in npv]
    ledger = base.whole["ledger"]["expected"]
    says(
        "lake-mariner",
        f"Objective {base.value():,.0f} MUSD",
        f"(base {npv['base']:,.0f}, dear power {npv['dear_power']:,.0f}, crypto winter {npv['crypto_winter']:,.0f}, "
        f"late halls {npv['late_halls']:,.0f}, boom {npv['boom']:,.0f}, tenant fails {npv['tenant_fails']:,.0f})",
        f"{base.decided('sign AI contract', 'fluidstack'):.1f} MW of AI halls are ordered and signed",
        f"late it stops at {base.decided('sign AI contract', 'fluidstack', 'late_halls'):.0f} MW",
        f"{secured / 1e6:,.0f} MUSD of the 7.75 % notes, {base.decided('issue', 'convert_2032') / 1e6:.0f} MUSD of 0 % converts",
        f"{min(refinanced):,.0f} to {max(refinanced):,.0f} MUSD of new notes",
        f"Of the value {ledger['terminal_contracts'] / 1e9:.1f} GUSD is rent",
        f"and {ledger['terminal_halls'] / 1e9:.1f} GUSD a quarter",
    )


def test_bitfarms_takes_few_converts():
    base, done = answer("bitfarms"), answer("bitfarms", "as_done")
    converts = base.decided("issue", "convertible") / 1e6
    assert 0.0 < converts < 0.25 * 588.0
    secured = {name: base.decided("issue", "secured", name) / 1e6 for name in ("base", "crypto_winter", "ai_glut")}
    says(
        "bitfarms",
        f"Objective {base.value():.1f} MUSD",
        f"begins {base.decided('build AI hall'):.1f} MW of halls",
        f"{base.decided('issue', 'atm') / 1e6:.1f} MUSD of shares at the market and {converts:.1f} MUSD of the converts",
        f"{secured['base']:,.0f} MUSD in base, {secured['crypto_winter']:.0f} in the crypto winter, {secured['ai_glut']:.0f} in the glut",
        f"All {base.decided('sell coins'):,.0f} coins are sold",
        f"as it was done, cost {base.value() - done.value():.1f}",
        f"{base.whole['ledger']['expected']['terminal_contracts'] / 1e6:.1f} MUSD is rent after 2031",
    )


def test_iren_pays_for_a_premium_and_not_for_a_coupon():
    """At 0 % and no premium worth the name no converts are taken: a missing coupon alone is no reason."""
    base = answer("iren")
    thin, none, sold = (answer("iren", name) for name in ("thin_premium", "no_converts", "equity_same_dilution"))
    assert thin.decided("issue", "convertible") == 0.0
    assert thin.value() == pytest.approx(none.value(), rel=1e-7)
    assert base.decided("issue", "convertible") > 0.3e9
    # As many shares as 1 GUSD of converts turn into, at the price of the day.
    assert pytest.approx(sold.decided("issue", "placement"), rel=1e-4) == 1e9 / (60.09 * 1.425) * 60.09
    gpu = sum(base.decided("issue", one, "base") for one in ("gpu_notes", "gpu_loan")) / 1e6
    says(
        "iren",
        f"Objective {base.value():,.0f} MUSD",
        f"signs {base.decided('sign AI contract', 'hyperscaler'):.1f} of the hyperscaler's 200 MW",
        f"({base.decided('issue', 'prepayment', 'base') / 1e6:,.0f} MUSD in advance in base), rated GPU debt ({gpu:,.0f} MUSD)",
        f"{base.decided('issue', 'convertible') / 1e6:.1f} MUSD of the converts",
        f"is worth {base.value() - none.value():.1f} MUSD to them",
        f"{1e3 / 85.63:.2f} million shares",
        f"{sold.decided('issue', 'placement') / 1e6:.1f} MUSD in place of 1,000",
        f"worth {base.value() - sold.value():.1f} MUSD less",
        f"the first {(750 - 0.96 * 650) / 1.3:.0f} fit beside the rigs",
    )


def test_the_sector_borrows_for_halls():
    base, mining = answer("industry-2025"), answer("industry-2025", "no_ai")
    debt, without = base.debt("2025-10-01"), mining.debt("2025-10-01")
    assert 9.0 < debt < 12.7 and without < 0.3 * debt
    assert base.debt("2024-10-01") - base.decided("draw", "coin_loans") / 1e9 < 2.2
    signed = base.decided("sign AI contract")
    peak = {row["scenario"]: float(row["peak_debt"]) / 1e9 for row in base.tables["scenarios"]}
    says(
        "industry-2025",
        f"owes {debt:.1f} GUSD, on average",
        f"{base.decided('issue', 'converts') / 1e9:.1f} GUSD of converts, "
        f"{base.decided('issue', 'project_loans') / 1e9:.1f} GUSD of project loans",
        f"{base.decided('issue', 'secured_notes') / 1e9:.1f} GUSD of the first secured notes",
        f"(`no_ai`) it owes {without:.1f}: renewing the fleet needs {mining.decided('issue', 'converts') / 1e9:.1f} GUSD of converts",
        f"So {debt - without:.1f} of the {debt - 2.1:.1f} GUSD are for {signed:,.0f} MW of halls",
        f"{base.decided('buy rigs', 's21_pro'):,.0f} MW of rigs in that year, without them {mining.decided('buy rigs', 's21_pro'):,.0f}",
        f"Debt goes on to {peak['sideways']:.1f} GUSD",
    )


def test_mining_replaces_diesel():
    base, without = answer("surplus-power"), answer("surplus-power", "no_mining")
    burnt, more = (one.expected("diesel_mwh") / 1e3 for one in (base, without))
    assert more - burnt > 0.2 * more
    assert base.expected("mwh ai:inference") == pytest.approx(without.expected("mwh ai:inference"), rel=1e-6)
    says(
        "surplus-power",
        f"Objective {base.value():.1f} MUSD",
        f"build {without.decided('expand interconnection'):.1f} MW more and burn {more:.1f} GWh",
        f"under the AI load {base.decided('expand interconnection'):.1f} MW pay, and diesel falls to {burnt:.1f} GWh",
        f"replaces {more - burnt:.1f} GWh of it, a quarter, at 290 USD/MWh no less than {(more - burnt) * 0.29:.1f} MUSD",
        f"{(without.expected('emissions_t') - base.expected('emissions_t')) / 1e3:.1f} kt of CO2",
        f"use {(base.expected('mwh rig:s21_plus') + base.expected('mwh rig:s21_xp')) / 1e3:.1f} GWh",
        f"mine {base.expected('btc_mined'):.0f} BTC",
    )


def test_flexibility_is_worth_more_than_the_rest_of_the_site():
    base, rigid = answer("ercot-flex"), answer("ercot-flex", "inflexible")
    assert base.value() - rigid.value() > rigid.value()

    def bought(one: Answer, rig: str) -> float:
        return one.decided("buy rigs", rig, "base")

    says(
        "ercot-flex",
        f"Objective {base.value():.1f} MUSD",
        f"Of it {base.value() - rigid.value():.1f} is flexibility",
        f"{bought(base, 's21_plus'):.0f} MW of the cheap model and {bought(base, 's21_xp'):.0f} MW of the frugal one; without",
        f"flexibility {bought(rigid, 's21_plus'):.0f} and {bought(rigid, 's21_xp'):.0f}.",
        f"{base.decided('issue', 'rig_loan', 'base') / 1e6:.1f} MUSD of rig loans",
    )
