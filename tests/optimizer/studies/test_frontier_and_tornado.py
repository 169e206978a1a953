"""Frontier and tornado: identities of mean and CVaR, ends against what they are by definition, and inputs moved by hand."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from optimizer.case.case import Case
from optimizer.runtime.executor import Executor
from optimizer.studies import frontier, sweep, tornado
from optimizer.studies.frontier import Frontier, Placed
from optimizer.studies.grid import GridError, make_grid
from optimizer.studies.jobs import Job, Point, solve_job
from tests.optimizer.studies.test_sweep import QUICKSTART, SMALL, run, small
from tests.shared.places import ROOT

#: few years leave little to lose: dearer servers and cheaper coins make the tail count
RISKY = (*SMALL, "horizon.years=3")
WEIGHTS = 5


# ---- frontier ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> Frontier:
    case = Case.load(QUICKSTART, settings=RISKY)
    with Executor() as executor:
        return frontier.run(QUICKSTART, case, WEIGHTS, executor, changes=RISKY)


def odds() -> np.ndarray:
    return Case.load(QUICKSTART, settings=RISKY).problem().scenarios.probability


def test_mean_falls_and_cvar_rises_along_the_weight(found: Frontier) -> None:
    assert [one.weight for one in found.points] == [0.0, 0.25, 0.5, 0.75, 1.0] and len(found.solved) == WEIGHTS
    mean, tail = (np.array([getattr(one, key) for one in found.points]) for key in ("expected", "cvar"))
    room = 1e-7 * np.abs(mean).max()
    assert (np.diff(mean) <= room).all() and (np.diff(tail) >= -room).all()
    assert mean[0] - mean[-1] > 1e4 and tail[-1] - tail[0] > 1e4, "a frontier of one point shows nothing"


def test_each_point_is_the_best_for_its_weight(found: Frontier) -> None:
    """No other point of the frontier is worth more at its weight, and its objective is (1 - w) E + w CVaR."""
    for one in found.points:
        worth = one.point.values["objective"]
        assert worth is not None
        for other in found.points:
            assert other.expected is not None and other.cvar is not None
            value = (1.0 - one.weight) * other.expected + one.weight * other.cvar
            assert value <= worth + 1e-7 * abs(worth)
            if other is one:
                assert value == pytest.approx(worth, rel=1e-7)


def test_ends_are_what_they_are_by_definition(found: Frontier) -> None:
    """Risk-neutral: the mean alone. Worst case: the least of all scenarios, and the highest that any point has of it."""
    neutral, worst = found.points[0], found.worst
    assert neutral.point.values["objective"] == pytest.approx(
        float(odds() @ list(neutral.point.value_by_scenario.values())), rel=1e-9
    )
    least = min(worst.point.value_by_scenario.values())
    assert worst.point.values["objective"] == pytest.approx(least, rel=1e-7)
    assert all(min(one.point.value_by_scenario.values()) <= least + 1e-6 * abs(least) for one in found.points)


def test_points_are_those_of_cold_solves(found: Frontier) -> None:
    for one in (found.points[0], found.points[-1]):
        cold = solve_job(Job("cold", QUICKSTART, None, (*RISKY, f"objective.risk_weight={one.weight}")))
        assert one.point.values["objective"] == pytest.approx(cold.values["objective"], rel=1e-9)
    own = Case.load(QUICKSTART, settings=RISKY).solve()
    assert found.own.point.values["objective"] == pytest.approx(own.objective, rel=1e-12) and found.own.weight == 0.3
    assert own.baseline is not None and found.baseline == (own.baseline.expected, own.baseline.cvar)
    assert own.books is not None
    assert (found.own.cvar, found.own.var) == (pytest.approx(own.books.cvar, rel=1e-12), pytest.approx(own.books.var, rel=1e-12))


def test_the_tangent_point_earns_most_for_a_dollar_of_tail() -> None:
    """By hand: from (E, CVaR) = (0, 0) the points gain 10 for 1, 30 for 2 and 40 for 8 given up: 10, 15 and 5 a dollar."""

    def place(weight: float, mean: float, tail: float) -> Placed:
        return Placed("frontier", weight, Point(f"w {weight}", "optimal", value_by_scenario={"a": mean}), mean, tail, tail)

    points = (place(0.0, 40.0, -8.0), place(0.5, 30.0, -2.0), place(1.0, 10.0, -1.0))
    none = Placed("worst case", 1.0, Point("worst case", "infeasible", ("no",)), None, None, None)
    made = Frontier("x", "", 0.1, points, none, none, (0.0, 0.0))
    tangent, why = made.tangent
    assert tangent is points[1] and not why and "earns 15 USD" in frontier.sentences(made)[-1]
    free = Frontier("x", "", 0.1, (place(0.0, 40.0, 1.0),), none, none, (0.0, 0.0))
    assert free.tangent[0] is None and "give up nothing in the tail" in free.tangent[1]
    assert Frontier("x", "", 0.1, points, none, none, (50.0, 0.0)).tangent[0] is None
    assert Frontier("x", "", 0.1, points, none, none, None).tangent[0] is None
    assert frontier.files(made)["frontier.svg"].count(b"<circle") == 3 and b"infeasible" in frontier.files(made)["frontier.csv"]


def test_files_of_a_frontier(found: Frontier) -> None:
    made = frontier.files(found)
    told = json.loads(made["frontier.json"])
    assert [row["weight"] for row in told["points"]] == [0.0, 0.25, 0.5, 0.75, 1.0]
    for row, one in zip(told["points"], found.points, strict=True):  # what a report draws
        assert (row["expected_npv"], row["cvar"], row["var"]) == (one.expected, one.cvar, one.var) and row["name"]
    assert [row["kind"] for row in told["rows"]] == ["frontier"] * WEIGHTS + ["own", "worst case"]
    assert told["worst_case"]["name"] == "worst case" and told["tail_probability"] == 0.3
    rows = list(csv.DictReader(io.StringIO(made["frontier.csv"].decode())))
    assert [float(row["risk_weight"]) for row in rows] == [0.0, 0.25, 0.5, 0.75, 1.0, 0.3, 1.0]
    ET.fromstring(made["frontier.svg"])
    page = made["frontier.html"].decode()
    assert page.count("<tr>") == 3 + WEIGHTS and "<script" not in page and frontier.files(found) == made


def test_the_frontier_is_the_same_on_workers(found: Frontier, tmp_path: Path) -> None:
    options = [word for one in RISKY for word in ("--set", one)]
    code, out, error = run(
        "frontier", QUICKSTART, *options, "--points", str(WEIGHTS), "--workers", "2", "--out", str(tmp_path), "--json"
    )
    assert code == 0 and "frontier in " in error
    assert out.encode() == frontier.files(found)["frontier.json"]
    (target,) = (tmp_path / "quickstart").iterdir()
    assert (target / "frontier.csv").read_bytes() == frontier.files(found)["frontier.csv"]


# ---- tornado -----------------------------------------------------------------------------------------------------------

MOVED = (
    "financing.notes.limit",
    "rigs.s21_xp.price",
    "sites.texas.power.grid.price",
    "sites.texas.mining_hall.now",
    "market.btc_price",
)


@pytest.fixture(scope="module")
def moved() -> tornado.Tornado:
    case = Case.load(QUICKSTART, settings=SMALL)
    with Executor() as executor:
        return tornado.run(QUICKSTART, case, tornado.choose(case, MOVED), 0.1, executor, changes=SMALL)


def test_inputs_are_the_numbers_of_the_case() -> None:
    tree = Case.load(QUICKSTART).tree
    assert tree is not None
    found = {one.path: one for one in tornado.inputs(tree)}
    assert {"market.btc_price", "financing.notes.coupon", "rigs.s19_xp.hashrate", "company.overhead", *MOVED} <= set(found)
    assert found["financing.notes.coupon"].text == "9.25 %/year" and found["market.btc_price"].scaled
    assert not any(path.startswith(("horizon", "objective", "rules", "scenarios")) for path in found)
    assert not any(path.endswith((".tenor", ".lead", ".type", ".describe", ".until")) for path in found)


def test_data_are_moved_in_every_scenario() -> None:
    """Arrays of the program times 1.1, also where a scenario sets or scales the path itself."""
    plain = Case.load(QUICKSTART, settings=SMALL)
    chosen = {
        one.path: one for one in tornado.choose(plain, ["market.btc_price", "rigs.s21_xp.price", "sites.texas.power.grid.price"])
    }
    assert plain.tree is not None

    def up(path: str):  # type: ignore[no-untyped-def]
        assert plain.tree is not None
        return Case.load(QUICKSTART, settings=(*SMALL, *tornado.moved(chosen[path], 1.1, plain.tree))).problem()

    before = plain.problem()
    assert np.allclose(up("market.btc_price").market.btc_price, 1.1 * before.market.btc_price, rtol=1e-12)
    names = [rig.name for rig in before.rigs]
    at = names.index("s21_xp")
    assert np.allclose(up("rigs.s21_xp.price").rigs[at].price, 1.1 * before.rigs[at].price, rtol=1e-12)
    dearer, grid = up("sites.texas.power.grid.price").sites[0].grid, before.sites[0].grid
    assert dearer is not None and grid is not None
    assert np.allclose(dearer.price.values(before.clock, 0, 0), 1.1 * grid.price.values(before.clock, 0, 0), rtol=1e-12)


@pytest.mark.parametrize("path", ["scenarios.bull.set.market.btc_price", 'scenarios.bull.set."market.btc_price"'])
def test_what_one_scenario_sets_is_moved_there_alone(path: str) -> None:
    plain = Case.load(QUICKSTART, settings=SMALL)
    assert plain.tree is not None
    (chosen,) = tornado.choose(plain, [path])
    after = Case.load(QUICKSTART, settings=(*SMALL, *tornado.moved(chosen, 1.1, plain.tree))).problem().market.btc_price
    factors = np.array([1.1 if name == "bull" else 1.0 for name in plain.problem().scenarios.names])
    assert np.allclose(after, factors[:, None] * plain.problem().market.btc_price, rtol=1e-12)
    with pytest.raises(ValueError, match=r'did you mean "scenarios.bull.set.market.btc_price"'):
        tornado.choose(plain, ["scenarios.bull.set.market.btc_prise"])


def test_what_a_scenario_sets_can_be_swept() -> None:
    plain = Case.load(QUICKSTART, settings=SMALL)
    path = 'scenarios.bull.set."ai.cloud.price".growth'
    grid = make_grid([f"{path}=0,5 %/year"])
    sweep.check(QUICKSTART, plain, grid, None, SMALL)
    assert sweep.overridden(plain, grid) == []
    with pytest.raises(GridError, match=r'there is no "prise" in ai\.cloud'):
        sweep.check(QUICKSTART, plain, make_grid(["scenarios.bull.set.ai.cloud.prise=2000,3000 USD/MWh"]), None, SMALL)


def test_a_case_without_scenarios_is_moved_too() -> None:
    """Tax shield: bullet debt of five years at 8 %; its coupon, scaled in the one scenario there is, is the coupon written anew."""
    path = str(ROOT / "tests" / "cases" / "tax-shield.yaml")
    case = Case.load(path)
    assert case.tree is not None
    coupon = next(one for one in tornado.inputs(case.tree) if one.path.endswith(".coupon"))
    number, unit = coupon.text.split()
    scaled = solve_job(Job("scaled", path, None, tornado.moved(coupon, 0.5, case.tree)))
    written = solve_job(Job("written", path, None, (f"{coupon.path}={float(number) / 2} {unit}",)))
    assert scaled.optimal and scaled.values["objective"] == pytest.approx(written.values["objective"], rel=1e-12)


def test_bars_are_cold_solves_ranked(moved: tornado.Tornado) -> None:
    assert {bar.input.path for bar in moved.bars} == set(MOVED)
    swings = [bar.swing for bar in moved.bars]
    assert swings == sorted(swings, reverse=True) and swings[0] > 0.0
    halls = next(bar for bar in moved.bars if bar.input.path == "sites.texas.mining_hall.now")
    for one, text in ((halls.down, "36 MW"), (halls.up, "44 MW")):
        cold = solve_job(Job("cold", QUICKSTART, None, (*SMALL, f"sites.texas.mining_hall.now={text}")))
        assert one.values["objective"] == pytest.approx(cold.values["objective"], rel=1e-9)
    coins = next(bar for bar in moved.bars if bar.input.path == "market.btc_price")
    assert (
        (coins.up.values["objective"] or 0.0) > (moved.own.values["objective"] or 0.0) > (coins.down.values["objective"] or 0.0)
    )


def test_files_of_a_tornado(moved: tornado.Tornado) -> None:
    made = tornado.files(moved, 3)
    rows = list(csv.DictReader(io.StringIO(made["tornado.csv"].decode())))
    assert len(rows) == 1 + 2 * len(MOVED) and rows[0]["end"] == "as stated"
    for row in rows[1:]:
        change = float(row["objective"]) - float(rows[0]["objective"])
        assert float(row["change_of_objective"]) == pytest.approx(change, abs=1e-6)
    told = json.loads(made["tornado.json"])
    assert [row["input"] for row in told["rows"]] == [bar.input.path for bar in moved.bars]
    ET.fromstring(made["tornado.svg"])
    assert made["tornado.html"].count(b"<tr>") == 1 + len(MOVED)


def test_inputs_that_cannot_be_moved_are_told() -> None:
    """An uptime of 95 % cannot go up by a tenth; one by half goes neither way where the lower end is refused as well."""
    case = Case.load(QUICKSTART, settings=(*SMALL, "rigs.s21_xp.pool_fee=0 %"))
    with Executor() as executor:
        chosen = tornado.choose(case, ["rigs.s21_xp.pool_fee", "rigs.s19_xp.uptime"])
        found = tornado.run(QUICKSTART, case, chosen, 0.1, executor, changes=(*SMALL, "rigs.s21_xp.pool_fee=0 %"))
    assert [path for path, _ in found.unmoved] == ["rigs.s21_xp.pool_fee"] and "it is 0" in found.unmoved[0][1]
    (bar,) = found.bars
    assert bar.up.status == "invalid" and bar.down.optimal and "must be at most" in bar.up.reasons[0]


@pytest.mark.parametrize(
    "options, told",
    [
        (("--vary", "market.btc_prise"), 'did you mean "market.btc_price"'),
        (("--by", "0"), "above 0 and below 100 %"),
        (("--by", "10 MW"), "MW"),
        (("--top", "0"), "0"),
    ],
)
def test_mistakes_in_a_tornado(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    code, out, error = run("tornado", QUICKSTART, *options, "--out", str(tmp_path / "out"))
    assert code == 2 and told in error and not out and not (tmp_path / "out").exists()


def test_the_tornado_command(tmp_path: Path) -> None:
    options = ("--vary", "sites.texas.mining_hall.now", "--by", "5 %", "--workers", "1", "--out", str(tmp_path), "--quiet")
    code, out, error = run("tornado", *small(*options))
    assert code == 0 and not error and "sites.texas.mining_hall.now" in out and "40 MW" in out
    (target,) = (tmp_path / "quickstart").iterdir()
    assert json.loads((target / "tornado.json").read_text())["by"] == 0.05
