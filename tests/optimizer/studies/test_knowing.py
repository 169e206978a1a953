"""What it is worth to know sooner: known answers of the farmer, and an order that holds for any case."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from click.testing import CliRunner

from optimizer.case.case import Case
from optimizer.cli.app import cli
from optimizer.studies.knowing import first_parting, knowing, known_from
from tests.shared.places import ROOT

DRAWN = """\
horizon: {start: 2026-01, years: 3, period: half-year, hours: {every: 175}}
market: {btc_price: 88_700 USD/BTC, network_hashrate: 1_057 EH/s}
sites: {texas: {interconnection: 20 MW, mining_hall: {now: 20 MW}, power: {grid: {price: 35 USD/MWh}}}}
rigs: {s21: {efficiency: 17.5 J/TH, price: 10 USD/TH, owned: {texas: 5 MW}, supply: 5 MW}}
financing: {owners: {type: equity, limit: 100 MUSD}}
treasury: {dividends: always}
objective: {discount: 12 %/year}
scenarios: {generate: {sample: 100, keep: [3, 2], stages: [2027-01, 2028-01]}}
"""


def test_nodes() -> None:
    tree = np.array([[0, 1, 2, 4], [0, 1, 3, 5], [0, 1, 3, 6]])
    assert first_parting(tree) == 2
    assert known_from(tree, 2).tolist() == [[0, 1, 2, 5], [0, 1, 3, 6], [0, 1, 4, 7]]
    assert first_parting(np.zeros((3, 4), dtype=np.int64)) == 4
    assert first_parting(np.zeros((1, 4), dtype=np.int64)) == 4


def test_the_farmer_who_knows_the_weather() -> None:
    """Birge and Louveaux: 108,390 USD with one plan, 7,015.56 more with perfect information."""
    never, stated, _, at_once = knowing(Case.load(ROOT / "tests" / "cases" / "farmer.yaml"))
    assert stated.objective == pytest.approx(108_390, abs=0.5)
    assert never.objective <= stated.objective + 0.5
    assert at_once.objective - 108_390 == pytest.approx(7_015.56, abs=0.5)


def test_more_knowledge_never_costs_and_the_verb_says_so(tmp_path) -> None:
    (tmp_path / "drawn.yaml").write_text(DRAWN, encoding="utf-8")
    done = CliRunner().invoke(cli, ["scenarios", str(tmp_path / "drawn.yaml"), "--knowing", "--json"], standalone_mode=False)
    assert done.return_value == 0, done.output
    worth = [one["objective"] for one in json.loads(done.output)["knowing"]]
    for less, more in itertools.pairwise(worth):
        assert more >= less - 1e-6 * abs(less)
    assert worth[-1] > worth[0] * (1 + 1e-3)
    assert worth[1] == pytest.approx(Case.load(tmp_path / "drawn.yaml").solve().objective, rel=1e-7)


def test_written_scenarios_may_be_asked_too() -> None:
    done = CliRunner().invoke(
        cli, ["scenarios", str(ROOT / "tests" / "cases" / "farmer.yaml"), "--knowing"], standalone_mode=False
    )
    assert done.return_value == 0
    assert "all at the start" in done.output
    assert "115.4 kUSD" in done.output
