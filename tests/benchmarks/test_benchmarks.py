"""The benchmarks run, what they compare is the same problem, and what they report is what was measured."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.engine.solve import solve_problem
from tests.benchmarks import report, runs
from tests.benchmarks.__main__ import gathered
from tests.benchmarks.measure import AGREE, LINOPY, PYPSA
from tests.benchmarks.problems import SIZES, network, prices, reduced, rung, site_hours, size_of, thinned, whole
from tests.benchmarks.runs import Bench, Result, disagreements, run
from tests.shared.places import ROOT

needs = {
    name: pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed (extra bench)")
    for name in ("linopy", "pypsa", "matplotlib")
}
ABOUT = {"date": "2026-01-01", "processor": "any", "cores": 1, "memory_gb": 1, "system": "any", "versions": {"pypsa": "1.4.0"}}


# ---------------------------------------------------------------------------------------------------------------------
# The same problem by other means


def test_same_objective_in_one_piece() -> None:
    results = [run("tiny", method, 120.0) | {"part": "sizes"} for method in ("cuts", "extensive-simplex")]
    assert disagreements(results) == []
    assert [r["outcome"] for r in results] == ["optimal", "optimal"]
    own, whole_piece = results
    assert own["cuts"] > 0 and own["peak_mb"] > 50 and own["rounds"] is not None and whole_piece["iterations"] > 1000
    assert own["kernel"] > 0.0 and own["highs"] > 0.0 and own["other"] > 0.0
    assert own["kernel"] + own["highs"] + own["other"] == pytest.approx(own["wall"])
    assert f"| tiny | extensive-simplex | {own['site_hours']:,} |" in report.markdown(results, ABOUT)


@pytest.mark.slow
@needs["linopy"]
def test_same_objective_in_linopy() -> None:
    results = [run("reduced-1x1x2x2", method, 120.0) for method in ("cuts", LINOPY[0])]
    assert [r["outcome"] for r in results] == ["optimal"] * 2
    assert results[1]["highs"] > 0.0 and results[1]["iterations"] > 100
    assert disagreements(results) == []


@pytest.mark.slow
@needs["pypsa"]
def test_same_objective_in_pypsa() -> None:
    results = [run("network-1x1x2x2x1", method, 120.0) for method in ("cuts", PYPSA[2])]
    assert [r["outcome"] for r in results] == ["optimal"] * 2
    assert results[1]["highs"] > 0.0 and results[1]["iterations"] > 10
    assert disagreements(results) == []


@needs["linopy"]
@pytest.mark.parametrize("numbers", [(1, 60, 2, 3), (2, 14, 3, 2), (1, 1, 1, 1)])
def test_linopy_over_lives_and_sites(numbers: tuple[int, ...]) -> None:
    """Few hours a month, so that rigs bought and owned reach the end of their lives."""
    from tests.benchmarks.in_linopy import solve_with_linopy

    problem = thinned(reduced(*numbers), 4)
    ours, theirs = solve_problem(problem), solve_with_linopy(problem, "simplex")
    assert ours.outcome.value == theirs["outcome"] == "optimal"
    assert theirs["objective"] == pytest.approx(ours.objective, rel=AGREE)
    # the objective is mostly the cash at hand; what is earned agrees as well
    assert theirs["objective"] - 300e6 == pytest.approx(ours.objective - 300e6, rel=AGREE)


@needs["pypsa"]
@pytest.mark.parametrize("numbers", [(1, 30, 4, 3, 1), (2, 14, 3, 2, 2), (1, 2, 1, 1, 0)])
def test_pypsa_over_sites_services_and_one_scenario(numbers: tuple[int, ...]) -> None:
    from tests.benchmarks.in_pypsa import solve_with_pypsa

    problem = thinned(network(*numbers), 24)
    ours, theirs = solve_problem(problem), solve_with_pypsa(problem, "simplex")
    assert ours.outcome.value == theirs["outcome"] == "optimal"
    assert theirs["objective"] == pytest.approx(ours.objective, rel=AGREE)


def test_the_network_is_not_trivial() -> None:
    """A capacity between its bounds, cuts that had to be found, a tail that weighs: what is compared depends on all of it."""
    solution = solve_problem(network(1, 3, 3, 2, 1))
    assert solution.decisions is not None and solution.books is not None and solution.objective is not None
    assert sum(orders.max() for orders in solution.decisions.orders.values()) > 1.0
    assert all(1.0 < built.max() < 149.0 for built in solution.decisions.built.values())
    assert solution.size["rounds"] > 3
    assert solution.objective < solution.books.value.mean() - 1e5


def test_the_fleet_is_not_trivial() -> None:
    solution = solve_problem(reduced(1, 12, 2, 4))
    assert solution.decisions is not None
    assert max(orders.max() for orders in solution.decisions.orders.values()) > 1.0
    assert max(retired.max() for retired in solution.decisions.retired.values()) > 1.0
    assert solution.size["rounds"] > 2


@pytest.mark.parametrize("tool", [pytest.param("linopy", marks=needs["linopy"]), pytest.param("pypsa", marks=needs["pypsa"])])
def test_a_rival_refuses_what_it_does_not_write(tool: str) -> None:
    from tests.benchmarks.in_linopy import linopy_model
    from tests.benchmarks.in_pypsa import pypsa_network

    write: Callable[..., Any] = linopy_model if tool == "linopy" else pypsa_network
    for problem in (whole(1, 2, 1, 1, 1), network(1, 2, 1, 1, 1) if tool == "linopy" else reduced(1, 2, 1, 1)):
        with pytest.raises(ValueError, match="only"):
            write(problem)


# ---------------------------------------------------------------------------------------------------------------------
# Problems


def test_problems_keep_every_hour() -> None:
    p = whole(sites=1, months=26, scenarios=2, rigs=1, services=1, information=12)
    assert p.clock.hours.sum() == 24 * (365 + 365 + 31 + 29)  # 2028 is a leap year
    assert all((weight == 1.0).all() for weight in p.clock.weight)
    node = p.scenarios.node
    assert (node[0, :12] == node[1, :12]).all() and (node[0, 12:] != node[1, 12:]).all()
    assert prices()[0].shape[1] == 8784 and "ERCOT" in prices()[1].upper()
    assert all(size.about for size in SIZES.values())


def test_names_of_sizes() -> None:
    p = size_of("whole-2x3x4x5x1").make()
    assert (len(p.sites), p.clock.periods, p.scenarios.count, len(p.rigs), len(p.services)) == (2, 3, 4, 5, 1)
    assert size_of("huge").about == "everything: 5 sites, 120 months, 100 scenarios, 6 rigs, 2 services; one common plan"
    for name in ("vast", "whole-2x3x4x5", "reduced-1x1x1x1x1", "network-0x1x1x1x1"):
        with pytest.raises(KeyError, match="no problem is called"):
            size_of(name)


@pytest.mark.parametrize("kind", ["reduced", "network"])
def test_each_rung_doubles(kind: str) -> None:
    hours = [site_hours(size_of(rung(kind, k)).make()) for k in range(7)]
    assert np.array(hours[1:]) / np.array(hours[:-1]) == pytest.approx(2.0, rel=0.05)


def test_few_hours_stand_for_the_month() -> None:
    p = whole(1, 3, 1, 1, 0)
    few = thinned(p, 5)
    assert [len(i) for i in few.clock.hour_index] == [5, 5, 5]
    assert [w.sum() for w in few.clock.weight] == pytest.approx(p.clock.hours)


# ---------------------------------------------------------------------------------------------------------------------
# Runs


def test_a_run_over_the_limit_is_stopped() -> None:
    found = run("large", "extensive-ipm", 1.0)
    assert found["outcome"] == "stopped after 1 s" and found["wall"] < 5.0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell how much memory a process has")
def test_a_run_with_too_much_memory_is_stopped() -> None:
    found = run("large", "extensive-ipm", 60.0, memory_gb=0.05)
    assert found["outcome"] == "stopped at 0.05 GB" and found["wall"] < 30.0


def test_a_run_that_fails_says_why() -> None:
    found = run("whole-1x2x1x1x1", "linopy-ipm", 60.0)
    assert found["outcome"] == "failed" and any("only a fleet" in line or "linopy" in line for line in found["reasons"])
    assert len(disagreements([found])) == 1


def made_up(seconds: Callable[[str, int], float]) -> Callable[..., Result]:
    """In place of `run`: takes what `seconds` says of a method and the site-hours, without taking it."""

    def instead(name: str, method: str, limit: float, memory_gb: float = 0.0) -> Result:
        hours = site_hours(size_of(name).make())
        wall = seconds(method, hours)
        base = {"name": name, "kind": size_of(name).kind, "method": method, "peak_mb": 512.0, "reasons": []}
        if wall > limit:
            return base | {"wall": limit, "outcome": f"stopped after {limit:.0f} s"}
        more = {"site_hours": hours, "objective": 1e6, "rounds": 3, "about": "made up", "prices": "none", "load": 0.0}
        return base | more | {"wall": wall, "outcome": "optimal", "stages": {"solve": wall}}

    return instead


def test_the_rival_climbs_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    speed = {"cuts": 1e-4, "pypsa-simplex": 3e-3, "pypsa-ipm": 1e-3, "pypsa-ipx": 1.0}
    monkeypatch.setattr(runs, "run", made_up(lambda method, hours: speed[method] * hours))
    bench = Bench(limit=40.0, own_limit=60.0, memory_gb=1.0)
    bench.rival("pypsa", "network", PYPSA)
    names = [rung("network", k) for k in range(6)]
    done = [(r["name"], r["method"]) for r in bench.results]
    # what is slower at first need not stay so; what is slow after a fifth of the limit is left behind
    first = [(names[0], method) for method in ("cuts", *PYPSA)] + [(names[1], method) for method in ("cuts", *PYPSA[:2])]
    assert done == first + [(name, method) for name in names[2:] for method in ("cuts", "pypsa-ipm")]
    assert [r["method"] for r in bench.results if r["outcome"] != "optimal"] == ["pypsa-ipx", "pypsa-ipm"]
    assert bench.results[-1]["outcome"] == "stopped after 40 s" and bench.results[-1]["site_hours"] == 70_080
    found = report.duel(bench.results, "pypsa")
    assert found is not None and (found[0]["name"], found[1]["name"]) == (names[4], names[4])
    text = report.sentence(bench.results, "pypsa", ABOUT)
    assert "10 times as fast" in text and "the largest it solves within 40 s" in text and "35,040 site-hours" in text
    assert "the largest it was given" in report.sentence(bench.results[:-1], "pypsa", ABOUT)
    assert {r["method"]: r["limit"] for r in bench.results} == {"cuts": 60.0} | dict.fromkeys(PYPSA, 40.0)


def test_a_rival_that_solves_nothing() -> None:
    stopped = {"part": "pypsa", "method": "pypsa-ipm", "outcome": "stopped after 5 s", "limit": 5.0}
    assert (
        report.sentence([stopped], "pypsa", ABOUT)
        == "PyPSA 1.4.0 with HiGHS solved none of the problems it was given within 5 s."
    )
    own = stopped | {"method": "cuts", "outcome": "optimal"}
    assert report.sentence([own], "pypsa", ABOUT) == "PyPSA 1.4.0 with HiGHS was not run."


def test_scaling_doubles_one_thing_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "run", made_up(lambda method, hours: hours / 140_160))
    bench = Bench(limit=20.0, own_limit=60.0, memory_gb=1.0)
    bench.scaling(3, enough=3.0)
    assert [(r["axis"], r["value"]) for r in bench.results[:3]] == [("sites", 1), ("sites", 2), ("sites", 4)]
    assert {r["axis"] for r in bench.results} == {"sites", "months", "scenarios"} and len(bench.results) == 9
    assert [row["ratio"] for row in report.scaling_rows(bench.results)[:3]] == ["", "2.0", "2.0"]


def test_the_budget_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rival gets its whole limit or is left out; ours gets what is left."""
    monkeypatch.setattr(runs, "run", made_up(lambda method, hours: 1.0))
    bench = Bench(limit=20.0, own_limit=60.0, memory_gb=1.0, budget=10.0)
    bench.sizes(["tiny"])
    assert [r["method"] for r in bench.results] == ["cuts"] and 9.0 < bench.results[0]["limit"] <= 10.0
    assert bench.left_out == ["tiny, extensive-simplex", "tiny, extensive-ipm"]
    assert "Left out" in report.markdown(bench.results, ABOUT, bench.left_out)


def test_what_was_measured_once_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answer = made_up(lambda method, hours: 1.0)
    monkeypatch.setattr(runs, "run", lambda name, *rest: asked.append(name) or answer(name, *rest))
    bench = Bench(limit=20.0, own_limit=60.0, memory_gb=1.0)
    bench.scaling(0, enough=3.0)
    assert len(asked) == 1 and len(bench.results) == 3


def test_disagreement_is_told() -> None:
    base = {"name": "tiny", "outcome": "optimal", "reasons": []}
    near, far = {**base, "method": "extensive-ipm", "objective": 1e6 + 0.5}, {**base, "method": "linopy-ipm", "objective": 1.01e6}
    lost = {**base, "method": "pypsa-ipm", "objective": float("nan")}
    told = disagreements([{**base, "method": "cuts", "objective": 1e6}, near, far, lost])
    assert len(told) == 2 and "linopy-ipm" in told[0] and "pypsa-ipm" in told[1]


# ---------------------------------------------------------------------------------------------------------------------
# Reports


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    monkeypatch.setattr(runs, "run", made_up(lambda method, hours: hours * (1e-5 if method == "cuts" else 4e-4)))
    bench = Bench(limit=2.0, own_limit=60.0, memory_gb=1.0)
    bench.sizes(["tiny", "small"])
    bench.rival("pypsa", "network", PYPSA)
    bench.scaling(1, enough=9.0)
    return bench.results


def test_the_readme_is_refreshed_between_its_marks_only(measured: list[Result]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = report.readme_block(measured, ABOUT)
    first = report.refreshed(readme, block)
    assert report.refreshed(first, block) == first
    assert "| tiny | made up | 4,344 | 0.0 |" in first and "PyPSA 1.4.0" in first
    before, after = readme.split(report.BEGIN)[0], readme.split(report.END)[1]
    assert first.startswith(before + report.BEGIN) and first.endswith(report.END + after)
    for broken in (readme.replace(report.END, ""), readme + block, report.END + report.BEGIN):
        with pytest.raises(ValueError, match=r"README\.md"):
            report.refreshed(broken, block)


def test_the_page_has_every_part(measured: list[Result]) -> None:
    page = report.markdown(measured, ABOUT)
    for title in ("## Problems of some size", "## Against PyPSA", "## How it grows", "## The problems"):
        assert page.count(title) == 1
    assert "## Against linopy" not in page
    assert "| network-1x3x1x4x1 | pypsa-ipm | 2,160 | 0.9 |" in page and "stopped after 2 s" in page
    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert len(tables) == 4
    assert all(len({line.count("|") for line in lines}) == 1 for lines in tables)


@needs["matplotlib"]
def test_the_plot_is_the_same_for_the_same_results(measured: list[Result], tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        report.plot(measured, tmp_path / name)
    first = (tmp_path / "a.svg").read_bytes()
    assert first == (tmp_path / "b.svg").read_bytes() and b"<dc:date>" not in first
    report.plot([r for r in measured if r["part"] != "pypsa"], tmp_path / "c.svg")
    assert (tmp_path / "c.svg").read_bytes() != first


def test_results_of_two_runs_are_put_together(measured: list[Result]) -> None:
    one = {"machine": ABOUT, "results": measured[:2], "left_out": []}
    other = {"machine": {**ABOUT, "date": "2026-01-02"}, "results": measured[2:], "left_out": ["huge, cuts"]}
    assert gathered([one, other]) == (ABOUT, measured, ["huge, cuts"])
    with pytest.raises(ValueError, match="different machines"):
        gathered([one, {**other, "machine": {**ABOUT, "cores": 2}}])
