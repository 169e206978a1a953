"""Every example in a docstring of the public face runs as it is written, where the cases are."""

from __future__ import annotations

import inspect
import shutil
import textwrap
from pathlib import Path

import pytest

import wattfolio
from optimizer.results import folder

ROOT = Path(__file__).parents[2]


def example(text: str) -> str:
    """What is indented below "Example:"."""
    _, found, code = inspect.cleandoc(text).partition("Example:\n")
    assert found, text
    return textwrap.dedent(code)


SLOW = ("frontier", "tornado")  # they solve a case five times and more
FUNCTIONS = [name for name in wattfolio.__all__ if inspect.isfunction(getattr(wattfolio, name))]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cases and a result of the quickstart."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "cases", root / "cases")
    folder.write(wattfolio.solve(root / "cases" / "quickstart.yaml"), root / "out")
    return root


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in FUNCTIONS])
def test_an_example_runs(name: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(project)
    exec(compile(example(getattr(wattfolio, name).__doc__), name, "exec"), {"wattfolio": wattfolio})
    assert capsys.readouterr().out.strip()


@pytest.mark.slow
def test_the_example_of_the_package_runs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert wattfolio.__doc__ is not None
    code = "\n".join(line for line in wattfolio.__doc__.splitlines() if line.startswith("    "))
    names: dict[str, object] = {}
    exec(compile(textwrap.dedent(code), "wattfolio", "exec"), names)
    assert isinstance(names["plan"], wattfolio.Solution)
