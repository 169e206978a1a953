"""Sweeps: grids, points that begin where a neighbour ended against cold solves, files, and runs that are stopped and taken up again."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.benders.cuts import Separation
from optimizer.case.case import Case
from optimizer.cli.app import cli
from optimizer.cli.studies import exit_code
from optimizer.engine import solve as engine
from optimizer.engine import warm_start
from optimizer.engine.master import build, first_cuts
from optimizer.engine.policy import Policy
from optimizer.engine.search import Search
from optimizer.engine.stages import Stages
from optimizer.engine.values import Outcome
from optimizer.results.measures import MEASURES
from optimizer.runtime.executor import Executor
from optimizer.studies import plots, sweep, warm_chains
from optimizer.studies.grid import GridError, SweepGrid, make_grid, parse_axis
from optimizer.studies.jobs import FAILED, Job, Point, point, solve_job
from optimizer.studies.warm_chains import Chain, Journal, solve_centre, solve_chain
from tests.shared.places import ROOT

QUICKSTART = str(ROOT / "cases" / "quickstart.yaml")
#: quickstart of two years and every 25th hour: the same program, a tenth of the time
SMALL = ("horizon.years=2", "horizon.hours={every: 25}")
#: a price that no hour knows, one that every hour does, and one of the debt
HALLS, WIRES, COUPON = "sites.texas.mining_hall.fixed_cost", "sites.texas.power.grid.delivery", "financing.notes.coupon"


def run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
    error = f"{found.exception}" if found.exception else ""
    code = found.return_value if found.exception is None else getattr(found.exception, "exit_code", -1)
    return code, found.stdout, found.stderr + error


def small(*options: str) -> list[str]:
    return [QUICKSTART, *(word for one in SMALL for word in ("--set", one)), *options]


# ---- axes and grids ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, texts, unit",
    [
        ("a.b=6..10/5 %/year", ["6 %/year", "7 %/year", "8 %/year", "9 %/year", "10 %/year"], "%/year"),
        ("a=-10..10/3 %", ["-10 %", "0 %", "10 %"], "%"),
        ("a=0.1..0.3/3", ["0.1", "0.2", "0.3"], ""),  # not 0.30000000000000004
        ("a=1e3..2e3/2 USD", ["1000 USD", "2000 USD"], "USD"),
        ("a=10..0/3 MW", ["10 MW", "5 MW", "0 MW"], "MW"),
        ("a=0..1/4", ["0", "0.333333333333", "0.666666666667", "1"], ""),
        ("a=40,60,80 MW", ["40 MW", "60 MW", "80 MW"], "MW"),
        ("a=-1e-3 USD, 2_000 USD", ["-1e-3 USD", "2_000 USD"], "USD"),
        ("rules[0].x = 1 , 2", ["1", "2"], ""),
        ("a=1.5..2.5/3 kUSD/MW/year", ["1.5 kUSD/MW/year", "2 kUSD/MW/year", "2.5 kUSD/MW/year"], "kUSD/MW/year"),
    ],
)
def test_axes_are_read_as_written(text: str, texts: list[str], unit: str) -> None:
    found = parse_axis(text)
    assert (list(found.texts), found.unit) == (texts, unit)
    assert found.numbers == tuple(float(one.split()[0].replace("_", "")) for one in texts)


@pytest.mark.parametrize(
    "text, told",
    [
        ("nothing", "is not PATH=VALUES"),
        ("=1,2", "is not PATH=VALUES"),
        ("a=", "is not PATH=VALUES"),
        ("a=1..2 MW", "is not a range FROM..TO/COUNT UNIT"),
        ("a=1..2/1 MW", "from 2 to 10000 values. Currently it has 1"),
        ("a=1..1/3 MW", "begins and ends at 1"),
        ("a=1,x MW", '"x MW" is not a number with a unit'),
        ("a=1,000 MW", "write 1_000"),
        ("a=1 kW, 2 MW", "share one unit"),
        ("a=1,1.0 MW", "given twice"),
        ("variant=base,base", "different names"),
        ("a=nan", "is not a number"),
    ],
)
def test_mistakes_in_axes_are_told(text: str, told: str) -> None:
    with pytest.raises(GridError, match=re.escape(told)):
        parse_axis(text)


def test_a_path_is_varied_once() -> None:
    with pytest.raises(GridError, match="a is varied twice"):
        make_grid(["a=1,2", "b=1,2", "a=3,4"])


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (1, 5, 2)])
def test_a_walk_visits_every_point_by_single_steps(shape: tuple[int, ...]) -> None:
    grid = make_grid([f"a{k}={','.join(map(str, range(size)))}" for k, size in enumerate(shape)])
    walk, places = grid.walk(), grid.places()
    assert sorted(walk) == list(range(len(grid))) and len(grid) == int(np.prod(shape))
    steps = [sum(abs(x - y) for x, y in zip(places[a], places[b], strict=True)) for a, b in itertools.pairwise(walk)]
    assert set(steps) == {1}


def test_places_become_settings() -> None:
    grid = make_grid(["variant=base,no_debt", "a.b=1,2 MW"])
    assert [grid.settings(place) for place in grid.places()] == [
        (None, ("a.b=1 MW",)),
        (None, ("a.b=2 MW",)),
        ("no_debt", ("a.b=1 MW",)),
        ("no_debt", ("a.b=2 MW",)),
    ]


# ---- begun from a neighbour --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid() -> SweepGrid:
    return make_grid([f"{HALLS}=20..60/3 kUSD/MW/year", f"{WIRES}=4,9 USD/MWh"])


@pytest.fixture(scope="module")
def found(grid: SweepGrid) -> sweep.Sweep:
    """Six points in this process: what halls cost leaves the hours as they are, what wires cost changes them."""
    case = Case.load(QUICKSTART, settings=SMALL)
    with Executor() as executor:
        return sweep.run(QUICKSTART, case, grid, executor, changes=SMALL)


def test_points_are_those_of_cold_solves(found: sweep.Sweep, grid: SweepGrid) -> None:
    for place, one in zip(grid.places(), found.points, strict=True):
        cold = solve_job(Job("cold", QUICKSTART, None, (*SMALL, *grid.settings(place)[1])))
        assert one.status == cold.status == "optimal"
        assert one.values["objective"] == pytest.approx(cold.values["objective"], rel=1e-9)
        size = abs(cold.values["objective"] or 0.0)
        for measure in MEASURES:
            expected = cold.values[measure.key]
            if expected is None:
                assert one.values[measure.key] is None
                continue
            room = 1e-6 * (size if measure.unit == "USD" else abs(expected)) + 1e-9
            assert one.values[measure.key] == pytest.approx(expected, rel=1e-6, abs=room), measure.key
        assert one.digest == cold.digest


def test_objective_falls_with_what_is_paid(found: sweep.Sweep) -> None:
    table = np.array([one.values["objective"] for one in found.points]).reshape(3, 2)
    assert (np.diff(table, axis=0) < 0.0).all() and (np.diff(table, axis=1) < 0.0).all()


def test_a_neighbour_saves_rounds_and_is_proved() -> None:
    """The proof of a seeded solve is that of any other; cuts are handed on as rows where hours are the same, else worked out again."""
    case = Case.load(QUICKSTART, settings=SMALL)
    cold = engine.solve_warm(case, baseline=False)
    assert cold.warm is not None
    exported = warm_start.export_basis(cold.warm)
    seeded = engine.solve_warm(case, baseline=False, start_from=exported)
    again, warm = seeded.solution, seeded.warm
    assert warm is not None and Search(warm.program, warm.policy).separation is Separation.EVERY
    assert cold.solution.size["rounds"] > 0 and again.size["rounds"] == 0
    assert again.objective == pytest.approx(cold.solution.objective, rel=1e-12)
    assert again.certificate is not None and again.certificate.verified and again.gap is not None and again.gap <= 1e-7
    (name, site), hours = next(iter(exported.sites.items())), warm_start.digest(cold.warm.program.cuts, 0)  # type: ignore[arg-type]
    assert name == "texas" and len(site.block) and site.hours == hours
    for setting, same in (
        (f"{HALLS}=40 kUSD/MW/year", True),
        (f"{WIRES}=7 USD/MWh", False),
        ("horizon.hours={every: 53}", False),
    ):
        other = engine.solve_warm(Case.load(QUICKSTART, settings=(*SMALL, setting)), baseline=False, start_from=exported)
        assert other.solution.outcome.name == "OPTIMAL" and other.warm is not None
        assert (warm_start.digest(other.warm.program.cuts, 0) == hours) is same, setting  # type: ignore[arg-type]


def test_a_neighbour_of_another_shape_leaves_its_cuts_only() -> None:
    case = Case.load(QUICKSTART, settings=SMALL)
    cold = engine.solve_warm(case, baseline=False)
    assert cold.warm is not None
    exported = warm_start.export_basis(cold.warm)
    begun, policy = [], Policy(canonical=False, algorithm="simplex")
    for columns in (exported.columns, dict(list(exported.columns.items())[: len(exported.columns) // 2])):
        built = build(case.problem(), policy, Stages())
        program = first_cuts(built, policy)
        warm_start.apply_basis(replace(exported, columns=columns), built.lp, built.session, program.cuts)
        assert program.cuts is not None and program.cuts.pool.count > program.cuts.begun
        begun.append(program.session._warm)
        found = Search(program, policy, Separation.EVERY).optimum()
        assert found.objective * 1e6 == pytest.approx(cold.solution.objective, rel=1e-9)
    assert begun == [True, False]


def test_cuts_handed_on_hold_for_the_new_hours() -> None:
    """Every row that a seed adds is above what the hours give, at capacities drawn at random."""
    case = Case.load(QUICKSTART, settings=SMALL)
    cold = engine.solve_warm(case, baseline=False)
    dearer = Case.load(QUICKSTART, settings=(*SMALL, f"{WIRES}=12 USD/MWh"))
    assert cold.warm is not None
    other = engine.solve_warm(dearer, baseline=False, start_from=warm_start.export_basis(cold.warm))
    assert other.warm is not None
    cuts = other.warm.program.cuts
    assert cuts is not None
    pool, draw = cuts.pool, np.random.default_rng(3)
    block, alpha = np.concatenate(pool.block), np.concatenate(pool.alpha)
    rho, slope = np.concatenate(pool.rho), np.concatenate(pool.slope)
    here = np.arange(cuts.begun, len(block))
    assert len(here) > 20
    value, count = cuts.recourse.values[0], len(cuts.sites[0].recourse)
    highest = cuts._highest()[0]
    for k in draw.choice(here, 15, replace=False):
        capacity = np.where(cuts.sites[0].capacity >= 0, highest * draw.random(highest.shape), value.constant)
        direction = np.tile(alpha[k], count), np.tile(rho[k], (count, 1))
        worth = value.recourse_solution(capacity, *direction).value[block[k]]
        bound = slope[k] @ capacity[block[k]]
        assert worth <= bound + 1e-9 * max(abs(bound), 1e3)


def test_programs_with_other_rows_are_begun_too() -> None:
    """A limit of nothing takes columns and rows away."""
    jobs = [Job(limit, QUICKSTART, None, (*SMALL, f"financing.notes.limit={limit}")) for limit in ("150 MUSD", "0 USD")]
    exported = solve_centre((jobs[0],))
    chained = solve_chain(Chain(0, (jobs[1],), exported))[0]
    assert chained.optimal and chained.values["objective"] == pytest.approx(solve_job(jobs[1]).values["objective"], rel=1e-9)


def test_points_without_a_plan_are_rows_with_a_reason() -> None:
    """No hall, no AI; a case with mistakes; then a plan again."""
    demanded = ("sites.texas.ai_hall.build.limit=0 MW", "rules[2].require=ai_hall_mw[texas] >= 1 MW", "rules[2].from=2027-07")
    convert = "sites.texas.ai_hall.convert.limit"
    settings = (f"{convert}=0 MW", "financing.notes.price=6 years", f"{convert}=6 MW")
    jobs = tuple(Job(one, QUICKSTART, None, (*SMALL, *demanded, one)) for one in settings)
    none, wrong, some = solve_chain(Chain(0, jobs, None))
    assert (none.status, wrong.status, some.status) == ("infeasible", "invalid", "optimal")
    assert any("ai_hall_mw[texas] >= 1 MW" in one for one in none.reasons) and "6 years" in wrong.reasons[0]
    made = sweep.Sweep("x", "", None, (), make_grid([f"{convert}=0,1,6 MW"]), (none, wrong, some))
    rows = list(csv.DictReader(io.StringIO(sweep.files(made)["sweep.csv"].decode())))
    assert [row["status"] for row in rows] == ["infeasible", "invalid", "optimal"] and rows[0]["objective"] == ""
    assert exit_code(made.points) == 0 and exit_code(made.points[:1]) == 3
    assert exit_code([Point("a", "limit"), some]) == 4 and exit_code([Point("a", FAILED), some]) == 5


def test_a_seed_that_leads_astray_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    solve, asked = engine.solve_warm, []

    def astray(case: Case, **options: object) -> object:
        asked.append(options.get("start_from") is not None)
        found = solve(case, **options)  # type: ignore[arg-type]
        astray = replace(found.solution, outcome=Outcome.UNVERIFIED)
        return replace(found, solution=astray) if asked[-1] else found

    monkeypatch.setattr(engine, "solve_warm", astray)
    job = Job("x", QUICKSTART, None, SMALL)
    found, _ = warm_chains._solve(job, solve_centre((job,)))
    assert found.optimal and asked == [False, True, False]


# ---- files -------------------------------------------------------------------------------------------------------------


def test_the_table_has_every_point(found: sweep.Sweep, grid: SweepGrid) -> None:
    import pyarrow.parquet as pq

    made = sweep.files(found)
    rows = list(csv.DictReader(io.StringIO(made["sweep.csv"].decode())))
    assert [(row[f"{HALLS} [kUSD/MW/year]"], row[f"{WIRES} [USD/MWh]"]) for row in rows] == [
        (halls, wires) for halls in ("20.0", "40.0", "60.0") for wires in ("4.0", "9.0")
    ]
    for row, one in zip(rows, found.points, strict=True):
        assert {m.key: row[m.key] for m in MEASURES} == {
            m.key: "" if (v := one.values[m.key]) is None else repr(v) for m in MEASURES
        }
    frame = pq.read_table(io.BytesIO(made["sweep.parquet"]))
    assert frame["objective"].to_pylist() == [one.values["objective"] for one in found.points]
    assert frame["point"].to_pylist() == [1, 2, 3, 4, 5, 6] and str(frame.schema.field("irr").type) == "double"
    told = json.loads(made["sweep.json"])
    assert told["axes"][0] == {"path": HALLS, "unit": "kUSD/MW/year", "values": [f"{k} kUSD/MW/year" for k in (20, 40, 60)]}
    assert [row["at"][WIRES] for row in told["rows"]] == ["4 USD/MWh", "9 USD/MWh"] * 3 and told["solved"] == 6
    assert sweep.files(found) == made  # the same bytes


def test_pictures_and_page_stand_by_themselves(found: sweep.Sweep) -> None:
    made = sweep.files(found)
    space = "{http://www.w3.org/2000/svg}"
    picture = ET.fromstring(made["sweep.svg"])
    assert len([r for r in picture.iter(f"{space}rect") if r.find(f"{space}title") is not None]) == 6
    page = made["sweep.html"].decode()
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "") and "<script" not in page
    assert page.count("<tr>") == 7 and "6 points, 6 with a proved plan" in page


def test_one_axis_is_lines_and_three_are_maps(found: sweep.Sweep) -> None:
    one = sweep.Sweep("x", "", None, (), make_grid(["a=1..6/6 MW"]), found.points)
    (drawn,) = sweep.draw(one)
    assert drawn.count("<polyline") == 3 and drawn.count("<circle") == 18
    three = sweep.Sweep("x", "", None, (), make_grid(["a=1,2", "b=1,2,3", "c=5,6"]), found.points * 2)
    assert len(sweep.draw(three)) == 2
    four = sweep.Sweep("x", "", None, (), make_grid(["a=1,2", "b=1,2,3", "c=5,6", "d=1,2"]), found.points * 4)
    assert sweep.draw(four) == [] and "no picture" in sweep.page(four, [])
    gap = sweep.Sweep("x", "", None, (), make_grid(["a=1..3/3 MW"]), (found.points[0], Point("b", "infeasible"), found.points[2]))
    assert "<polyline" not in sweep.draw(gap)[0]  # a point on either side of a gap is no line


def test_names_are_escaped() -> None:
    nasty = '<script>alert("x")</script>'
    series = [plots.Series(nasty, [1.0, 2.0])]
    for made in (
        plots.lines(nasty, [0.0, 1.0], series, nasty, [nasty, "b"]),
        plots.heat(nasty, [nasty], ["a"], [[1.0]], nasty, nasty),
        plots.curve(nasty, [(nasty, 1.0, 2.0), ("b", 2.0, 3.0)], nasty, nasty, [nasty]),
        plots.tornado(nasty, 1.0, [(nasty, 0.5, None)]),
        plots.page(nasty, [nasty], [plots.table([nasty], [[nasty]])]),
    ):
        assert "<script>" not in made and "&lt;script&gt;" in made
        ET.fromstring(re.sub(r"<!doctype html>|<meta[^>]*>", "", made))


@pytest.mark.parametrize("low, high", [(0.0, 1.0), (-3.2, 17.9), (1e9, 3e9), (5.0, 5.0), (0.0, 0.0), (-1e-7, 1e-7)])
def test_ticks_are_round_and_span(low: float, high: float) -> None:
    at = plots.ticks(low, high)
    assert at[0] <= low and at[-1] >= high and 2 <= len(at) <= 8
    assert np.allclose(np.diff(at), at[1] - at[0])


# ---- the command -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, told",
    [
        (("--vary", "financing.note.coupon=6..10/5 %/year"), 'did you mean "notes"'),
        (("--vary", f"{COUPON}=6..10/5 MW"), "%/year"),
        (("--vary", f"{COUPON}=6..10/5"), "%/year"),
        (("--vary", "case.name=1,2"), "case.name is no number"),
        (("--vary", "horizon.start=2026,2027"), "horizon.start is no number"),
        (("--vary", "rules[0].require=1,2"), "rules[0].require is no number"),
        (("--vary", "variant=base,nodebt"), 'did you mean "no_debt"'),
        (("--vary", "a=1..100/100", "--vary", "b=1..100/100"), "10,000 points take a while: --yes"),
        (("--vary", "a=1..1000/1000", "--vary", "b=1..1000/1000", "--yes"), "more than a sweep has"),
        (("--vary", "sites.texas.interconnection=-6..10/5 MW"), "must be at least 0 MW"),
    ],
)
def test_mistakes_are_told_before_anything_is_solved(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    code, out, error = run("sweep", QUICKSTART, *options, "--out", str(tmp_path / "out"))
    assert code == 2 and told in error and error.startswith("--vary ") and not out
    assert not (tmp_path / "out").exists()


def test_scenarios_that_keep_their_own_are_told() -> None:
    case = Case.load(QUICKSTART)
    notes = sweep.overridden(case, make_grid(["market.btc_price.growth=1,2 %/year", f"{COUPON}=1,2 %/year"]))
    assert notes == ["market.btc_price.growth: bear and bull set it for themselves, and keep what they set"]


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    options = ("--vary", f"{COUPON}=8,9 %/year", "--vary", "variant=base,no_debt", "--workers", "1", "--name", "two")
    code, out, error = run("sweep", *small(*options, "--out", str(tmp_path), "--json"))
    target = tmp_path / "quickstart" / "sweep-two"
    assert code == 0 and f"sweep in {target}" in error
    told = json.loads(out)
    assert (target / "sweep.json").read_text() == out
    free = [row["values"]["objective"] for row in told["rows"] if row["at"]["variant"] == "no_debt"]
    assert free[0] == pytest.approx(free[1], rel=1e-9)  # without notes their coupon is nothing
    assert {path.name for path in target.iterdir()} == {
        "manifest.json", "sweep.csv", "sweep.html", "sweep.json", "sweep.parquet", "sweep.svg"
    }  # fmt: skip
    assert not list(target.parent.glob(".*.part"))


def test_journals_hold_what_is_whole(tmp_path: Path, found: sweep.Sweep) -> None:
    journal = Journal(tmp_path / "part")
    journal.store(3, found.points)
    (tmp_path / "part" / "chain-00004.json").write_text('{"number": 4, "poi')
    assert journal.load() == {3: list(found.points)}
    assert Journal(tmp_path / "part", restart=True).load() == {}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.skipif(os.name != "posix", reason="signals of a POSIX system")
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """Three chains: Ctrl-C after the first, kill -9 of two workers and all after another; the third run ends as if nothing had been."""
    vary = small("--vary", f"{HALLS}=20..60/20 kUSD/MW/year", "--name", "x")

    def begin(workers: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "optimizer", "sweep", *vary, "--workers", workers, "--out", str(tmp_path / "stopped")]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def kept() -> int:
        return len(list((tmp_path / "stopped" / "quickstart").glob(".sweep-*.part/chain-*.json")))

    def stop(process: subprocess.Popen[str], how: int, after: int) -> int:
        limit = time.monotonic() + 120
        while kept() < after and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        process.send_signal(how)
        process.communicate(timeout=60)
        return process.returncode

    assert stop(begin("1"), signal.SIGINT, 1) == 130
    before = kept()
    assert 1 <= before < 3, "a run that was over before it was stopped shows nothing"
    assert stop(begin("2"), signal.SIGKILL, min(before + 1, 2)) == -signal.SIGKILL
    assert before <= kept() < 3 and not (tmp_path / "stopped" / "quickstart" / "sweep-x").exists()
    code, out, error = run("sweep", *vary, "--workers", "1", "--out", str(tmp_path / "stopped"))
    assert code == 0 and re.search(r"20 of +\d+ done +(8|12|16) kept", error), error
    code, told, _ = run("sweep", *vary, "--workers", "1", "--out", str(tmp_path / "whole"))
    assert code == 0 and told == out and kept() == 0
    whole, stopped = (files(tmp_path / name / "quickstart" / "sweep-x") for name in ("whole", "stopped"))
    assert whole == stopped and len(whole) == 6


def test_points_know_their_worth_by_scenario(found: sweep.Sweep) -> None:
    one = found.points[0]
    odds = {"bear": 0.30, "base": 0.45, "bull": 0.25}
    assert sum(odds[name] * usd for name, usd in one.value_by_scenario.items()) == pytest.approx(
        one.values["expected_npv"], rel=1e-12
    )
    assert point("x", engine.solve(Case.load(QUICKSTART, settings=SMALL), baseline=False)).value_by_scenario.keys() == odds.keys()


@pytest.mark.slow
def test_two_hundred_points_of_quickstart(tmp_path: Path) -> None:
    """On two workers in a minute of two idle cores; here only that all are there and proved."""
    options = ("--vary", f"{COUPON}=6..11/20 %/year", "--vary", "sites.texas.interconnection=50..70/10 MW", "--workers", "2")
    code, _, _ = run("sweep", QUICKSTART, *options, "--out", str(tmp_path), "--name", "grid")
    rows = list(csv.DictReader((tmp_path / "quickstart" / "sweep-grid" / "sweep.csv").open()))
    assert code == 0 and len(rows) == 200 and {row["status"] for row in rows} == {"optimal"}
    table = np.array([float(row["objective"]) for row in rows]).reshape(20, 10)
    assert (np.diff(table, axis=0) < 0.0).all() and (np.diff(table, axis=1) > -1.0).all()
