"""What is valid and looks like a slip is told, with its place, in one sentence; what is meant is not; and no shipped case has any."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from optimizer.case.case import Case
from optimizer.cli.app import cli
from tests.shared.places import ROOT

CASES = ROOT / "cases"
QUICKSTART, IREN = CASES / "quickstart.yaml", CASES / "iren.yaml"
#: (case, settings, path of the doubt, what it says)
SLIPS = [
    (IREN, ["ai.horizon_1.rent=970 MUSD/MW/year"], "ai.horizon_1.rent", "is 970 MUSD/MW/year"),
    (QUICKSTART, ["financing.notes.coupon=712.5 %/year"], "financing.notes.coupon", "is 712.5 %/year"),
    (QUICKSTART, ["sites.texas.power.grid.price=0.031 USD/MWh"], "sites.texas.power.grid.price", "a price in USD/kWh?"),
    (QUICKSTART, ["sites.texas.power.grid.price=3_100 USD/MWh"], "sites.texas.power.grid.price", "a price in cents?"),
    (
        QUICKSTART,
        ["market.network_hashrate=null", "market.transaction_fees=null", "market.hashprice=0.045 USD/PH/day"],
        "market.hashprice",
        "a price per TH?",
    ),
    (QUICKSTART, ["information=2040-01"], "information", "scenarios never part"),
    (
        QUICKSTART,
        ["scenarios.bear.follows=base", "scenarios.bear.until=2026-01"],
        "scenarios.bear.until",
        "bear never follows base",
    ),
    (
        QUICKSTART,
        ["scenarios.bear.follows=base", "scenarios.bear.until=2040-01"],
        "scenarios.bear.until",
        "bear never parts from base",
    ),
    (QUICKSTART, ["sites.texas.mining_hall.now=3 MW"], "sites.texas.mining_hall", "rigs of 30 MW stand there at the start"),
    (QUICKSTART, ["market.btc_price=88.7 USD/BTC"], "market.btc_price", "USD/BTC; seen were"),
    (QUICKSTART, ["objective.discount=120 %/year"], "objective.discount", "is 120 %/year"),
    (QUICKSTART, ["tax.rate=99 %"], "tax.rate", "is 99 %"),
    (QUICKSTART, ["rigs.s21_pro.price=2_340 USD/TH"], "rigs.s21_pro.price", "a price per rig?"),
    (QUICKSTART, ["rigs.s21_pro.hashrate=2_340 TH/s"], "rigs.s21_pro", "is 1.5 J/TH"),
    (QUICKSTART, ["rigs.s21_pro.uptime=5 %"], "rigs.s21_pro.uptime", "a share of downtime?"),
    (QUICKSTART, ["financing.notes.price=9.7 %"], "financing.notes.price", "is 9.7 % of face"),
    (QUICKSTART, ["financing.notes.fee=30 %"], "financing.notes.fee", "is 30 % of face"),
    (QUICKSTART, ["sites.texas.ai_hall.convert.cost=9_000 USD/MW"], "sites.texas.ai_hall.convert.cost", "a cost per kW?"),
    (QUICKSTART, ["sites.texas.interconnection.now=60_000 MW"], "sites.texas.interconnection.now", "kW taken for MW?"),
    (QUICKSTART, ["ai.cloud.price=2 USD/MWh"], "ai.cloud.price", "a price per kWh?"),
]


@pytest.mark.parametrize(("path", "settings", "where", "says"), SLIPS, ids=[f"{x[2]}-{k}" for k, x in enumerate(SLIPS)])
def test_a_slip_is_told_with_its_place_and_may_be_meant(path: Path, settings: list[str], where: str, says: str) -> None:
    dropped = [f"scenarios.{name}.set=null" for name in ("bear", "bull")] if path == QUICKSTART else []
    case = Case.load(path, settings=[*dropped, *settings])
    told = {doubt.path: doubt.text for doubt in case.doubts()}
    assert where in told and says in told[where], told
    assert case.place(where) is not None
    assert sum(told[where] in note for note in case.notes) == 1
    meant = Case.load(path, settings=[*dropped, *settings, f"case.meant=[{where}]"])
    assert where not in {doubt.path for doubt in meant.doubts()}
    assert not any(told[where] in note for note in meant.notes)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_shipped_case_has_one(path: Path) -> None:
    case = Case.load(path)
    for variant in (None, *case.variants):
        assert Case.load(path, variant=variant).doubts() == (), variant


def test_strict_makes_it_a_mistake_with_file_line_and_column() -> None:
    slip = ["--set", "financing.notes.coupon=712.5 %/year", "--set", "information=2040-01"]
    lax = CliRunner().invoke(cli, ["validate", str(QUICKSTART), *slip], standalone_mode=False)
    assert lax.return_value == 0 and lax.stdout.count("case.meant") == 2
    strict = CliRunner().invoke(cli, ["validate", "--strict", str(QUICKSTART), *slip], standalone_mode=False)
    assert strict.return_value == 2 and strict.stdout == ""
    lines = strict.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["--set:1:17:" if "coupon" in line else "--set:2:1:" for line in lines]
    assert CliRunner().invoke(cli, ["validate", "--strict", str(QUICKSTART)], standalone_mode=False).return_value == 0
