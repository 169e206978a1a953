"""`import wattfolio`: what it holds, how it shows itself, and frames with real dates."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wattfolio
from optimizer.engine.views.frames import hours_of
from optimizer.results import folder

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "cases" / "quickstart.yaml"
FUNCTIONS = ("compare", "explain", "frontier", "load_result", "solve", "solve_warm", "sweep", "tornado")
#: one hour in 121: seconds less, and the hours kept are not all
FEW_HOURS = "horizon.hours={every: 121}"


@pytest.fixture(scope="module")
def plan() -> wattfolio.Solution:
    return wattfolio.solve(QUICKSTART)


@pytest.fixture(scope="module")
def small() -> wattfolio.Solution:
    return wattfolio.solve(QUICKSTART, settings=[FEW_HOURS])


# ---------------------------------------------------------------------------------------------------------------------
# What there is


def test_the_import_takes_less_than_a_tenth_of_a_second_and_nothing_heavy() -> None:
    """The best of five, as this machine may be busy."""
    code = (
        "import sys, time; start = time.perf_counter(); import wattfolio; took = time.perf_counter() - start; "
        "print(took, *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ran = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True) for _ in range(5)]
    told = [one.stdout.split() for one in ran]
    assert min(float(took) for took, *_ in told) < 0.1
    assert set(told[0]) & {"numpy", "pandas", "pyomo", "highspy", "pydantic", "rich", "scipy", "yaml", "numba", "click"} == set()


def test_every_name_is_there_documented_and_typed() -> None:
    for name in wattfolio.__all__:
        assert getattr(wattfolio, name) is not None
    assert set(dir(wattfolio)) == set(wattfolio.__all__)
    with pytest.raises(AttributeError, match="it has Case, "):
        wattfolio.no_such_name  # noqa: B018
    for name in FUNCTIONS:
        function = getattr(wattfolio, name)
        hints = {key for key in inspect.get_annotations(function)}
        assert hints == {*inspect.signature(function).parameters, "return"}, name
        assert "Raises" in function.__doc__ and "Example:" in function.__doc__, name
    assert all((ROOT / package / "py.typed").is_file() for package in ("wattfolio", "optimizer", "models"))


def test_a_mistake_in_a_case_has_its_place() -> None:
    with pytest.raises(wattfolio.CaseError, match=r"sites\.texas\.interconection"):
        wattfolio.solve(QUICKSTART, settings=["sites.texas.interconection=60 MW"])


def test_a_loaded_case_has_its_variant_and_settings() -> None:
    case = wattfolio.Case.load(QUICKSTART, variant="no_debt", settings=[FEW_HOURS])
    found = wattfolio.solve(case)
    assert (found.variant, found.case) == ("no_debt", case)
    with pytest.raises(ValueError, match="has its variant and settings"):
        wattfolio.solve(case, variant="no_ai")
    with pytest.raises(ValueError, match="is the variant 'no_debt'"):
        wattfolio.compare(case)


def test_a_loaded_case_is_swept_as_its_file_is(small: wattfolio.Solution) -> None:
    vary = ["sites.texas.interconnection=60,70 MW"]
    ours = wattfolio.sweep(small.case, vary)
    pd.testing.assert_frame_equal(ours, wattfolio.sweep(QUICKSTART, vary, settings=[FEW_HOURS]))
    assert ours["objective"][0] == pytest.approx(small.objective, rel=1e-9)  # 60 MW is what the case says


def test_why_there_is_a_plan_and_why_there_is_none(small: wattfolio.Solution) -> None:
    assert wattfolio.explain(small)[0].startswith("The plan is worth ")
    kept = wattfolio.explain(wattfolio.solve_warm(QUICKSTART, settings=[FEW_HOURS]))
    assert len(kept) > len(wattfolio.explain(small))
    none = wattfolio.solve(ROOT / "tests" / "cases" / "infeasible" / "funding-gap.yaml")
    assert none.outcome.value == "infeasible"
    assert any("--set" in line for line in wattfolio.explain(none))
    stopped = wattfolio.solve(QUICKSTART, time_limit=0.0)
    with pytest.raises(ValueError, match="neither a plan nor a proof"):
        wattfolio.explain(stopped)
    with pytest.raises(ValueError, match="no plan"):
        stopped.plan  # noqa: B018
    with pytest.raises(ValueError, match="no plan"):
        stopped.hours()


# ---------------------------------------------------------------------------------------------------------------------
# In a few lines


@pytest.mark.parametrize("path", sorted((ROOT / "cases").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_case_shows_itself_in_at_most_fifteen_lines(path: Path) -> None:
    case = wattfolio.Case.load(path)
    lines = repr(case).splitlines()
    assert 5 < len(lines) <= 15 and max(map(len, lines)) <= 120
    assert lines[0] == f"Case {case.name}" and str(path)[:60] in lines[1]


def test_a_solution_shows_itself_in_at_most_fifteen_lines(plan: wattfolio.Solution) -> None:
    lines = repr(plan).splitlines()
    assert 5 < len(lines) <= 15 and max(map(len, lines)) <= 120
    assert lines[0] == "Solution of quickstart: optimal"
    assert "17.27 MUSD" in lines[1]
    none = wattfolio.solve(ROOT / "tests" / "cases" / "infeasible" / "funding-gap.yaml")
    assert repr(none).splitlines()[0].endswith(": infeasible") and none.reasons[0][:60] in repr(none)
    assert len(repr(none).splitlines()) <= 15


def test_a_text_is_text_in_a_notebook_and_on_a_terminal(small: wattfolio.Solution, tmp_path: Path) -> None:
    bad = "<img src=x onerror=alert(1)>\x1b[31m"
    path = tmp_path / f"{bad}.yaml"
    shutil.copy(QUICKSTART, path)
    case = wattfolio.Case.load(path, settings=[FEW_HOURS])
    for one in (case, replace(small, case=case, reasons=(bad,))):
        html, text = one._repr_html_(), repr(one)
        assert "<img" not in html and "\x1b" not in html and "&lt;img src=x onerror=alert(1)&gt;" in html
        assert "\x1b" not in text and "<img src=x onerror=alert(1)>?[31m" in text
        assert html.count("<tr>") == len(text.splitlines()) - 1


# ---------------------------------------------------------------------------------------------------------------------
# Frames


def test_hours_of_a_whole_horizon_are_every_hour_of_the_calendar(plan: wattfolio.Solution) -> None:
    """Local standard time: 24 hours a day, leap days where the calendar has them (2028)."""
    hours = plan.hours(scenario="bear")
    assert hours.index.equals(pd.date_range("2026-01-01", "2031-01-01", freq="h", inclusive="left"))
    assert pd.Timestamp("2028-02-29 12:00") in hours.index
    assert (hours["weight"] == 1.0).all()


def test_hours_that_are_kept_lie_where_the_calendar_has_them(small: wattfolio.Solution) -> None:
    """Position by position, counted in days of a leap year, and not through months as the frame does."""
    clock = small.problem.clock
    for t in range(clock.periods):
        year, month = divmod(clock.start_month + int(clock.date_month[t]), 12)
        for position, found in zip(clock.hour_index[t].tolist(), hours_of(clock, t).tolist(), strict=True):
            there = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(hours=position)
            wanted = there.replace(year=year if there.month > month else year + 1)
            assert found == wanted.replace(tzinfo=None)


def test_hours_balance_and_add_up_to_the_energy_of_the_month(plan: wattfolio.Solution) -> None:
    hours = plan.hours("texas", "bull")
    flows = hours.drop(columns="weight")
    uses = [name for name in flows if name.startswith(("rig:", "ai:", "sell:")) or name == "charge"]
    assert uses and set(uses) < set(flows.columns)
    assert np.allclose(flows[uses].sum(axis=1), flows.drop(columns=uses).sum(axis=1), atol=1e-6)
    assert plan.books is not None
    month = [f"{day:%Y-%m-%d}" for day in hours.index.to_period("Q").to_timestamp()]  # the quickstart's periods are quarters
    energy = flows.mul(hours["weight"], axis=0).groupby(month).sum()
    for name in flows:
        booked = plan.books.power["texas", name][plan.problem.scenarios.names.index("bull")]
        assert energy[name].to_numpy() == pytest.approx(booked, abs=1e-6 * max(1.0, float(np.abs(booked).max())))


def test_a_name_that_is_not_there_is_told_with_those_that_are(small: wattfolio.Solution) -> None:
    with pytest.raises(KeyError, match="name a scenario; there are bear, base, bull"):
        small.hours()
    with pytest.raises(KeyError, match="there is no site 'nevada'; there are texas"):
        small.hours("nevada", "bear")
    with pytest.raises(KeyError, match="there is no statement 'balance'"):
        small.statement("balance")


def test_statements_have_real_dates_and_the_figures_of_the_books(small: wattfolio.Solution) -> None:
    wide = small.statement("balance_sheet", "bear")
    assert isinstance(wide.index, pd.DatetimeIndex) and wide.index[1] == pd.Timestamp("2026-04-01")
    assert wide["cash"].tolist() == small.finance.balance_sheet.of("cash", "bear").tolist()
    assert small.statement("tax").index.equals(pd.period_range("2026", "2030", freq="Y"))
    tidy = small.statements
    assert isinstance(tidy.index, pd.DatetimeIndex)
    cash = tidy[(tidy["statement"] == "balance_sheet") & (tidy["line"] == "cash") & (tidy["scenario"] == "bear")]["value"]
    assert cash.to_numpy() == pytest.approx(wide["cash"].to_numpy(), rel=1e-9)


def test_a_result_read_back_has_the_plan_by_date(small: wattfolio.Solution, tmp_path: Path) -> None:
    found = wattfolio.load_result(folder.write(small, tmp_path))
    assert found["summary"]["objective"] == small.objective
    left, right = found["plan"], small.plan
    assert left.index.equals(right.index) and left["amount"].tolist() == right["amount"].tolist()
    assert isinstance(found["statements"].index, pd.DatetimeIndex)
    with pytest.raises(wattfolio.ResultError, match="no result in"):
        wattfolio.load_result(tmp_path / "nothing")


def test_what_is_left_out_is_compared_and_the_sentence_follows() -> None:
    table = wattfolio.compare(ROOT / "cases" / "quickstart.yaml", without=["ai"])
    assert list(dict.fromkeys(table["name"])) == ["as optimised", "without ai"]
    assert any("cost" in text and "capital" in text for text in table.attrs["sentences"])
    with pytest.raises(ValueError, match="nothing of that name"):
        wattfolio.compare(ROOT / "cases" / "quickstart.yaml", without=["airships"])
