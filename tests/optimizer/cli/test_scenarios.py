"""`wattfolio scenarios`: what was drawn, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from optimizer.case.case import Case
from optimizer.cli.app import cli

CASE = """\
horizon: {start: 2026-01, years: 3, period: year}
market: {btc_price: 88_700 USD/BTC, network_hashrate: 1_057 EH/s}
treasury: {coins: 10 BTC}
sites: {texas: {interconnection: 5 MW, power: {grid: {price: 30 USD/MWh}}}}
scenarios:
  generate:
    {sample: 100, keep: [3, 2], stages: [2027-01, 2028-01], seed: 7, power: {texas: {}}, delay: {sites.texas: {chance: 50 %, of: 2 months}}}
variants: {other: {set: {scenarios.generate.seed: 8}}}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scenarios") / "drawn.yaml"
    out.write_text(CASE, encoding="utf-8")
    return out


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["scenarios", *arguments], standalone_mode=False)
    assert done.return_value == 0, done.output
    return str(done.output)


def test_figures_are_those_of_what_was_drawn(path: Path) -> None:
    found = json.loads(shown(str(path), "--json"))
    case = Case.load(path)
    tree = case.generated.tree
    assert found["case_digest"] == case.digest
    assert [one["odds"] for one in found["scenarios"]] == pytest.approx([leaf.odds for leaf in tree.leaves])
    assert sum(one["odds"] for one in found["scenarios"]) == pytest.approx(1.0)
    assert found["digests"] == tree.pool.digests()
    prices = sorted(tree.pool.series["btc_price"][:, 24].tolist())
    (fan,) = [one for one in found["fans"] if one["driver"] == "btc_price" and one["date"] == "2028-01"]
    assert fan["p50"] == pytest.approx((prices[49] + prices[50]) / 2)
    assert fan["p05"] == pytest.approx(prices[4] + 0.95 * (prices[5] - prices[4]))
    assert fan["p05"] < fan["p25"] < fan["p50"] < fan["p75"] < fan["p95"]
    assert [one["date"] for one in found["fans"] if one["driver"] == "hashprice"] == ["2026-01", "2027-01", "2028-01", "2029-01"]
    (halving,) = found["halvings"]
    assert halving["height"] == 1_050_000
    assert "2028-01" <= halving["p05"] <= halving["p50"] <= halving["p95"] <= "2028-06"
    assert all(one["low"] <= one["value"] <= one["high"] for one in found["estimates"])


def test_text_has_every_part(path: Path) -> None:
    text = shown(str(path))
    for part in (
        "drawn: 100 futures drawn with seed 7", "Estimates, each with its 90 % interval", "leans on its prior", "the sign is wrong",
        "Fans over all that were drawn", "halving at block 1,050,000", "Scenarios, known at 2027-01, 2028-01", "sites.texas 2 months late",
        "Variance kept", "distance by stage", "trial plans", "Digests",
    ):  # fmt: skip
        assert part in text, part
    assert max(len(line) for line in text.splitlines()) <= 120


def test_the_same_is_shown_again_and_another_seed_another(path: Path) -> None:
    assert shown(str(path), "--json") == shown(str(path), "--json")
    other = json.loads(shown(str(path), "--json", "--variant", "other"))
    assert other["seed"] == 8
    assert other["digests"] != json.loads(shown(str(path), "--json"))["digests"]
    assert other == json.loads(shown(str(path), "--json", "--set", "scenarios.generate.seed=8")) | {
        "case_digest": other["case_digest"]
    }


def test_written_scenarios_are_told(tmp_path: Path) -> None:
    (tmp_path / "written.yaml").write_text("horizon: {start: 2026-01, years: 1}\n", encoding="utf-8")
    done = CliRunner().invoke(cli, ["scenarios", str(tmp_path / "written.yaml")])
    assert done.exit_code == 2
    assert "its scenarios are written, not drawn" in done.output
