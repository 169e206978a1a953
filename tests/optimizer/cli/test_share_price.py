"""Every verb on a case whose share price follows the plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.cli import app

#: converts are sold until they are as dear as what is paid for them: 1.4 / 0.24 MUSD (`test_price_fixed_point`)
TURNS = """\
case: {name: turns}
horizon: {start: 2026-01, years: 1, period: year}
company: {shares: 1 Mshares, share_price: {today: 10 USD/share, follows: plan}}
information: 2027-01
scenarios:
  up: {probability: 50 %}
  down: {probability: 50 %, set: {cash_flows.income.dated: {2027-01: 9.5 MUSD}}}
cash_flows:
  income: {dated: {2027-01: 12.5 MUSD}}
financing:
  converts:
    type: convertible
    coupon: 0 %/year
    limit: 8 MUSD
    issue: 2026-01
    maturity: 2027-01
    interest: annual
    conversion_premium: 10 %
treasury: {dividends: always}
objective: {discount: 10 %/year}
variants:
  few: {describe: fewer converts, set: {financing.converts.limit: 2 MUSD}}
"""


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "turns.yaml").write_text(TURNS)
    return tmp_path / "turns.yaml"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a verb that ends well, for what it prints."""

    def verb(*words: str) -> str:
        code = app.run(list(words))
        out, err = capsys.readouterr()
        assert code == 0, err
        return out

    return verb


def test_solve(case: Path, run: Callable[..., str]) -> None:
    first, second = run("solve", str(case), "--quiet", "--json"), run("solve", str(case), "--quiet", "--json")
    assert first == second
    found = json.loads(first)
    price, holders = found["share_price"], found["who_gains"]["holders"]
    assert price["closed"] and price["gap"] < 1e-6 and price["today"] == 10.0
    assert price["used_at_end"]["up"] == pytest.approx(13.2, rel=1e-6)
    assert [one["weight"] for one in price["plans"]] == pytest.approx([1.4 / 0.24 / 8.0, 1.0 - 1.4 / 0.24 / 8.0], rel=1e-6)
    assert found["per_share"]["objective"] == pytest.approx(10.0, rel=1e-8)
    assert [one["holder"] for one in holders] == ["convertible", "today's holders"]
    assert sum(one["gains"] for one in holders) == pytest.approx(found["who_gains"]["business"], rel=1e-9)
    assert holders[0]["pays"] == pytest.approx(1.4 / 0.24 * 1e6, rel=1e-6)


def test_terminal_tells_it(case: Path, run: Callable[..., str]) -> None:
    out = run("solve", str(case), "--quiet")
    for told in (
        "per share               10 USD   the objective, over the 1 million shares held today",
        "the share price follows the plan: used and implied differ by 0.00% at most;",
        "72.9% of a plan that raises converts 8 MUSD",
        "Who gains, who pays: expected, discounted at 10.0%",
        "what the business is worth",
    ):
        assert told in out, out


def test_compare_sweep_tornado_frontier_explain(case: Path, run: Callable[..., str]) -> None:
    found = json.loads(run("compare", str(case), "--variant", "few", "--quiet", "--json"))
    assert found["same_scenarios"]  # prices that follow plans are no futures
    text = run("compare", str(case), "--variant", "few", "--quiet")
    assert "objective per share held today" in text
    swept = run("sweep", str(case), "--vary", "financing.converts.limit=1,2 MUSD", "--quiet")
    assert "2 points, 2 with a proved plan" in swept
    assert "company.share_price.today" in run("tornado", str(case), "--quiet")
    assert "weight 1" in run("frontier", str(case), "--points", "3", "--quiet")
    told = run("explain", str(case), "--quiet")
    assert "The plan is an average of plans" in told and "That is 10 USD for each of the 1 million shares" in told


def test_check_blesses_it(case: Path, run: Callable[..., str]) -> None:
    run("check", str(case), "--bless", "--reason", "first")
    assert "same       turns/base" in run("check", str(case))
