"""The pytest plug-in: idle without its option, one test for each case and variant with it, and a fixture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.cli import app
from tests.shared.places import ROOT

CASE = """\
case: {name: mill}
horizon: {start: 2026-01, years: 2, period: year}
treasury: {cash: 5 MUSD, dividends: always}
objective: {discount: 8 %/year}
projects:
  mill: {cost: 100 USD/unit, income: {amount: 80 USD/unit/year}, limit: 1000 units}
variants:
  small: {set: {projects.mill.limit: 500 units}}
"""
TEST = """\
import pytest
from optimizer.studies.regression.pytest_plugin import NotAsBlessed

def test_mine(wattfolio_check):
    assert wattfolio_check("cases/mill.yaml", "small").state == "same"
    with pytest.raises(NotAsBlessed, match="there is no blessed result"):
        wattfolio_check("cases/mill.yaml", results="elsewhere")
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "mill.yaml").write_text(CASE)
    (tmp_path / "test_mine.py").write_text(TEST)
    monkeypatch.chdir(tmp_path)
    assert app.run(["check", "--bless", "--reason", "for tests", "--quiet"]) == 0
    return tmp_path


def outcome_of(*words: str) -> tuple[int, str]:
    """pytest in a process of its own; the plug-in by its module, whether or not the installed project tells pytest of it."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:wattfolio",
        "-p",
        "optimizer.studies.regression.pytest_plugin",
        "-p",
        "no:cacheprovider",
        *words,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_cases_are_tests(repository: Path) -> None:
    code, out = outcome_of("--wattfolio", "-v")
    assert code == 0, out
    assert "cases/mill.yaml::base PASSED" in out and "cases/mill.yaml::small PASSED" in out and "3 passed" in out


def test_what_moved_is_told_of_cases_where_the_ini_file_says(repository: Path) -> None:
    (repository / "results").rename(repository / "blessed")
    (repository / "cases").rename(repository / "models")
    (repository / "pytest.ini").write_text("[pytest]\nwattfolio_cases = models/*.yaml\nwattfolio_results = blessed\n")
    (repository / "models" / "mill.yaml").write_text(CASE.replace("80 USD/unit/year", "90 USD/unit/year"))
    (repository / "models" / "broken.yaml").write_text("case: {")
    code, out = outcome_of("--wattfolio", "models", "--continue-on-collection-errors")
    assert code == 1
    assert "input projects.mill.income.amount: 80 USD/unit/year -> 90 USD/unit/year" in out
    assert "2 failed, 1 error" in out and "broken.yaml:2:1" in out
    assert "Traceback" not in out and "INTERNALERROR" not in out


def test_without_the_option_there_are_none(repository: Path) -> None:
    code, out = outcome_of("-v", "-k", "not mine")
    assert code == 5 and "mill.yaml" not in out  # all that there is was left out


def test_it_imports_nothing_heavy() -> None:
    code = (
        "import sys, optimizer.studies.regression.pytest_plugin; "
        "print(sorted(set(sys.modules) & {'numpy', 'pandas', 'pyomo', 'highspy', 'pydantic', 'scipy', 'yaml', 'optimizer.case.case'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_the_project_tells_pytest_of_it() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"wattfolio": "optimizer.studies.regression.pytest_plugin"}
