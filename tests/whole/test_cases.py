"""The shipped cases and templates, end to end: what a planner runs, in a process of its own."""

from __future__ import annotations

import filecmp
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.shared.places import ROOT

CASES = ("quickstart", "lake-mariner")
TEMPLATES = ("quickstart", pytest.param("generated", marks=pytest.mark.slow), "financing", "power")
TOLERANCE = 1e-7


def wattfolio(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """One run of the command line, in a fresh interpreter."""
    command = [sys.executable, "-m", "optimizer", *map(str, arguments)]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=cwd or ROOT, env=environment, capture_output=True, text=True, timeout=600)


def solved(case: Path, out: Path, *options: str) -> tuple[Path, dict]:
    """The folder of a solved case, and its summary."""
    run = wattfolio("solve", case, "--out", out, *options)
    assert run.returncode == 0, run.stdout + run.stderr
    found = [path for path in sorted(out.glob("*/*/summary.json")) if not path.parent.is_symlink()]
    assert len(found) == 1, f"expected one summary in {out}: {found}"
    return found[0].parent, json.loads(found[0].read_text())


def assert_proved(summary: dict) -> None:
    """Optimal, with both bounds, residuals and every identity of the books within tolerance."""
    assert summary["status"] == "optimal"
    assert summary["reasons"] == []
    scale = max(1.0, abs(summary["objective"]))
    assert abs(summary["gap"]) <= TOLERANCE
    assert abs(summary["upper_bound"] - summary["objective"]) <= TOLERANCE * scale
    assert abs(summary["lower_bound"] - summary["objective"]) <= TOLERANCE * scale
    weight = summary["weight"]
    parts = (1 - weight) * summary["expected_npv"] + weight * summary["cvar"] if weight else summary["expected_npv"]
    assert abs(parts - summary["objective"]) <= TOLERANCE * scale
    residuals = summary["residuals"]
    assert residuals["verified"] is True
    assert residuals["primal_relative"] <= TOLERANCE
    assert residuals["dual"] <= TOLERANCE
    assert len(residuals["books"]) > 20, "the independent books were not compared"
    off = {name: one["relative"] for name, one in residuals["books"].items() if not one["relative"] <= TOLERANCE}
    assert not off


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory):
    """Each shipped case solved once for the module."""
    done: dict[str, tuple[Path, dict]] = {}

    def get(name: str) -> tuple[Path, dict]:
        if name not in done:
            done[name] = solved(ROOT / "cases" / f"{name}.yaml", tmp_path_factory.mktemp(name))
        return done[name]

    return get


@pytest.mark.parametrize("name", CASES)
def test_a_shipped_case_is_solved_and_proved(name, run_once):
    folder, summary = run_once(name)
    assert_proved(summary)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest
    for table in ("plan.csv", "financing.csv", "scenarios.csv", "statements.csv", "covenants.csv", "shadow_prices.csv"):
        assert len((folder / table).read_text().splitlines()) > 1, f"{table} is empty"


@pytest.mark.parametrize("name", CASES)
def test_a_second_run_writes_the_same_bytes(name, run_once, tmp_path):
    first, _ = run_once(name)
    second, _ = solved(ROOT / "cases" / f"{name}.yaml", tmp_path)
    files = sorted(path.name for path in first.iterdir())
    assert files == sorted(path.name for path in second.iterdir())
    assert "timings.json" in files
    same = [file for file in files if file != "timings.json"]
    _, different, errors = filecmp.cmpfiles(first, second, same, shallow=False)
    assert (different, errors) == ([], [])


@pytest.mark.parametrize("name", CASES)
def test_every_rule_of_a_shipped_case_holds(name, run_once):
    """Headroom in the books, without the program: no hard rule is broken by more than rounding.

    By the largest amount that the rule weighs at any date: sides may be nothing at one date.
    """
    import csv

    folder, _ = run_once(name)
    with open(folder / "covenants.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    scale: dict[str, float] = {}
    for row in rows:
        scale[row["name"]] = max(scale.get(row["name"], 1.0), abs(float(row["left"])), abs(float(row["right"])))
    for row in rows:
        assert float(row["headroom"]) + float(row["breach"]) >= -1e-9 * scale[row["name"]], row


def test_the_quickstart_is_quick(tmp_path):
    """Under 5 seconds with imports on an idle machine; 30 here, on a machine that may be loaded."""
    start = time.perf_counter()
    solved(ROOT / "cases" / "quickstart.yaml", tmp_path)
    assert time.perf_counter() - start < 30.0


def test_the_quickstart_weighs_mining_against_ai_and_debt_against_equity(run_once):
    """What makes it worth reading: it buys both rigs, tries AI, expands it where the world is kind, and borrows."""
    folder, _ = run_once("quickstart")
    plan = (folder / "plan.csv").read_text()
    for word in ("s21_pro", "s21_xp", "cloud", "convert", "retire", "notes", "owners"):
        assert word in plan, word
    assert "revolver" in (folder / "financing.csv").read_text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_runs_as_written(name, tmp_path):
    made = wattfolio("new", "mine", "--template", name, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"], "a template needs no other file"
    _, summary = solved(tmp_path / "mine.yaml", tmp_path / "out")
    assert_proved(summary)


@pytest.mark.parametrize("name", CASES)
def test_figures_name_their_source(name):
    """Every shipped case lists its sources and says which figures nobody has checked."""
    text = (ROOT / "cases" / f"{name}.yaml").read_text()
    assert "sources:" in text and "unverified" in text
    assert max(len(line) for line in text.splitlines()) <= 120


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "variant"),
    [("quickstart", v) for v in ("no_debt", "no_ai", "loose_coverage")]
    + [("lake-mariner", v) for v in ("no_converts", "no_notes", "small_notes", "all_notes", "early_warning")],
)
def test_variants_are_solved_and_ordered(name, variant, run_once, tmp_path):
    """Taking an instrument away, or demanding one, never helps; knowing earlier or a looser rule never hurts."""
    _, base = run_once(name)
    _, summary = solved(ROOT / "cases" / f"{name}.yaml", tmp_path, "--variant", variant)
    assert_proved(summary)
    slack = TOLERANCE * abs(base["objective"])
    if variant in ("loose_coverage", "early_warning"):
        assert summary["objective"] >= base["objective"] - slack
    else:
        assert summary["objective"] <= base["objective"] + slack
