"""Unbounded cases: what earns without limit is named, with the limit that is missing; with it the case has a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.case.case import Case
from optimizer.engine.solve import solve
from optimizer.explain.no_plan.explanation import explain
from optimizer.explain.no_plan.text import as_json, lines, pasted
from optimizer.explain.no_plan.unbounded import Bounded, find_unbounded

PREPAID = """\
case: {name: prepaid}
horizon: {start: 2026-01, years: 3, period: year}
projects:
  orders: {returns: [{amount: 10 USD/unit}, {after: 12 months, amount: -9 USD/unit}], when: 2026-01}
  mill: {cost: 100 USD/unit, income: {amount: 60 USD/unit/year}, limit: 400}
treasury: {cash: 50 kUSD, dividends: always}
objective: {discount: 8 %/year}
"""
TRADE = """\
case: {name: trade}
horizon: {start: 2026-01, years: 2, period: quarter, hours: {every: 365}}
market: {btc_price: 90 kUSD/BTC, hashprice: 50 USD/PH/day}
sites:
  barker: {interconnection: 10 MW, mining_hall: 10 MW, power: {grid: {price: 40 USD/MWh}}}
rigs:
  s21: {efficiency: 15 J/TH, price: 10 USD/TH, resale_price: 11 USD/TH}
treasury: {cash: 5 MUSD, dividends: always}
objective: {discount: 8 %/year}
"""
RESCUE = """\
case: {name: rescue}
horizon: {start: 2026-01, years: 2, period: quarter}
cash_flows: {business: {amount: 1 MUSD/year}}
treasury: {cash: 5 MUSD, cash_yield: 12 %/year, dividends: always, rescue: {penalty: 0 USD/USD}}
objective: {discount: 8 %/year}
"""
TWO = PREPAID.replace("case: {name: prepaid}", "case: {name: two}").replace(
    "  mill:",
    "  deposits: {returns: [{amount: 100 USD/unit}, {after: 12 months, amount: -90 USD/unit}], when: 2026-01}\n  mill:",
)


def case_of(folder: Path, text: str) -> Case:
    path = folder / "case.yaml"
    path.write_text(text)
    return Case.load(path)


def found_in(folder: Path, text: str) -> tuple[Case, Bounded]:
    case = case_of(folder, text)
    assert solve(case).outcome.value == "unbounded"
    return case, find_unbounded(case)


@pytest.mark.parametrize(
    ("text", "paths", "place"),
    [
        (PREPAID, ["projects.orders.limit"], "case.yaml:4:3"),
        (TRADE, ["rigs.s21.limit"], "case.yaml:7:3"),
        (RESCUE, ["treasury.rescue.penalty"], "case.yaml:4:86"),
        (TWO, ["projects.deposits.limit", "projects.orders.limit"], "case.yaml:"),
    ],
)
def test_the_missing_limit_is_named_and_bounds_the_case(tmp_path: Path, text: str, paths: list[str], place: str) -> None:
    case, found = found_in(tmp_path, text)
    assert sorted(loop.missing[0].path for loop in found.loops) == paths
    assert all(place in loop.missing[0].place and loop.gain > 0.0 for loop in found.loops)
    assert found.outcome == "optimal"
    again = solve(Case.load(case.path, settings=found.settings), canonical=False)
    assert again.outcome.value == "optimal" and again.objective == pytest.approx(found.objective, rel=1e-9)


def test_what_one_unit_adds(tmp_path: Path) -> None:
    """10 USD now for 9 a year later, which must be kept for it: what a unit adds is the dollar between them, paid out at once or later."""
    _, found = found_in(tmp_path, PREPAID)
    (loop,) = found.loops
    assert loop.unit == "unit" and loop.moves[0].amount == 1.0 and "projects.orders" in loop.moves[0].what
    assert 1.0 / 1.08**3 - 1e-9 <= loop.gain <= 1.0 + 1e-9


def test_rigs_that_sell_for_more_than_they_cost(tmp_path: Path) -> None:
    """1 USD/TH on 66,667 TH/s per MW."""
    _, found = found_in(tmp_path, TRADE)
    (loop,) = found.loops
    assert loop.gain == pytest.approx(1e6 / 15, rel=0.03)
    assert {move.what for move in loop.moves} >= {"rigs.s21 are ordered", "rigs.s21 are sold"}


def test_the_penalty_that_makes_rescue_worth_no_more(tmp_path: Path) -> None:
    """A dollar called at once grows at 12 % by quarters while owners discount at 8 %: 1.03 ** 8 / 1.08 ** 2 - 1 = 8.6 %."""
    case, found = found_in(tmp_path, RESCUE)
    exact = 1.03**8 / 1.08**2 - 1
    (setting,) = found.settings
    given = float(setting.split("=")[1].split()[0])
    assert exact <= given <= 1.02 * exact
    nearly = f"treasury.rescue.penalty={0.999 * exact:.6f} USD/USD"
    assert solve(Case.load(case.path, settings=[nearly])).outcome.value == "unbounded"


def test_it_is_told(tmp_path: Path) -> None:
    case = case_of(tmp_path, PREPAID)
    found = explain(case)
    assert found.status == "unbounded" and found.bounded is not None
    text = "\n".join(lines(found))
    for word in ("Without limit", "projects.orders is taken on in 2026-01", "no projects.orders.limit is given", "case.yaml:4:3"):
        assert word in text
    assert pasted(found.bounded.settings) in text and "objective" in text
    told = as_json(found)
    assert told["status"] == "unbounded" and told["unbounded"]["outcome"] == "optimal"
    assert told["unbounded"]["loops"][0]["missing"][0]["path"] == "projects.orders.limit"


def test_a_bounded_case_has_no_loop(tmp_path: Path) -> None:
    case = case_of(tmp_path, PREPAID.replace("when: 2026-01}", "when: 2026-01, limit: 5}"))
    assert find_unbounded(case).loops == ()
