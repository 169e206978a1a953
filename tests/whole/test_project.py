"""The project as it is handed out: the README runs as written, versions agree, installs repeat, and the wheel is whole."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from optimizer.cli.app import cli
from optimizer.cli.exit_codes import DIFFERENT, DONE, INTERRUPTED, LIMIT, NO_PLAN, UNVERIFIED, USAGE
from optimizer.version import __version__
from tests.shared.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!+]+)")


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    """Words after `wattfolio` of every such line of the README, and of every such text between backticks."""
    lines = re.findall(r"^ {4}wattfolio (.+)$", README, flags=re.MULTILINE)
    lines += re.findall(r"`wattfolio ([^`]+)`", README)
    return [shlex.split(line, comments=True) for line in lines]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [PIN.fullmatch(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(pin[1]): pin[2] for pin in found if pin}


# ---------------------------------------------------------------------------------------------------------------------
# The README


def test_the_readme_has_commands() -> None:
    assert len(commands()) >= 8
    assert {words[0] for words in commands()} == set(cli.commands)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_readme_exists(words: list[str]) -> None:
    """Parsed by the command line, not run; the cases it names are there."""
    with click.Context(cli) as outer:
        name, command, rest = cli.resolve_command(outer, list(words))
        assert command is not None
        try:
            command.make_context(name, rest, parent=outer)
        except click.exceptions.Exit as left:  # --help leaves
            assert left.exit_code == 0
    for word in words:
        if word.startswith("cases/"):
            assert (ROOT / word).is_file(), word


def test_a_command_that_does_not_exist_is_found() -> None:
    with click.Context(cli) as outer, pytest.raises(click.UsageError):
        cli.resolve_command(outer, ["optimise"])
    with click.Context(cli) as outer, pytest.raises(click.UsageError):
        cli.commands["solve"].make_context("solve", ["a.yaml", "--no-such-option"], parent=outer)


def test_the_readme_tells_every_exit_code() -> None:

    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.MULTILINE)}
    assert told == {
        DONE,
        DIFFERENT,
        USAGE,
        NO_PLAN,
        LIMIT,
        UNVERIFIED,
        INTERRUPTED,
    }


def test_the_readme_tells_every_file_of_a_result() -> None:
    from optimizer.engine.views.tables import TABLES
    from optimizer.results.finance_tables import FINANCE_TABLES

    told = set(re.findall(r"^\| `([a-z_]+\.[a-z]+)` \|", README, flags=re.MULTILINE))
    others = {
        "summary.json",
        "report.json",
        "report.html",
        "timings.json",
        "manifest.json",
        "dispatch.parquet",
        "prices.csv",
        "workbook.xlsx",
    }
    assert told == {*TABLES, *FINANCE_TABLES, *others}


def test_the_links_of_the_readme_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
    assert len(targets) >= 5
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_the_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^ {4}make (\w+)", README, flags=re.MULTILINE))
    assert named >= {"demo", "test", "lint", "bench"}
    assert [name for name in sorted(named) if not re.search(rf"^{name}:", makefile, flags=re.MULTILINE)] == []


def test_the_case_in_the_readme_is_a_part_of_the_quickstart() -> None:
    case = yaml.safe_load((ROOT / "cases" / "quickstart.yaml").read_text(encoding="utf-8"))

    def within(part: Any, whole: Any) -> bool:
        if isinstance(part, dict):
            return isinstance(whole, dict) and all(key in whole and within(value, whole[key]) for key, value in part.items())
        if isinstance(part, list):
            return isinstance(whole, list) and all(any(within(item, other) for other in whole) for item in part)
        return bool(part == whole)

    assert fenced("yaml")
    for text in fenced("yaml"):
        assert within(yaml.safe_load(text), case)


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    """Every block, in a folder that holds the cases and the result that the README has made by then."""
    shutil.copytree(ROOT / "cases", tmp_path / "cases")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    made = [sys.executable, "-m", "optimizer", "solve", "cases/quickstart.yaml", "--quiet"]
    subprocess.run(made, cwd=tmp_path, env=environment, check=True, capture_output=True)
    blocks = fenced("python")
    assert len(blocks) >= 2
    for block in blocks:
        ran = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout


def test_the_picture_is_one_and_asks_no_server() -> None:
    text = (ROOT / "docs" / "quickstart.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert "wattfolio&#160;solve&#160;cases/quickstart.yaml" in text
    assert "url(http" not in text and 'url("http' not in text and "<image" not in text


def test_the_picture_of_the_report_is_a_small_png() -> None:
    data = (ROOT / "docs" / "report.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and 20_000 < len(data) < 300_000
    assert "](docs/report.png)" in README


# ---------------------------------------------------------------------------------------------------------------------
# Versions and installs


def test_versions_agree() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changes, flags=re.MULTILINE)
    assert newest is not None
    assert PROJECT["project"]["version"] == __version__ == newest[1]


def test_constraints_are_names_and_exact_versions_only() -> None:
    lines = [x for x in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if not x.startswith("#")]
    assert lines and [line for line in lines if not PIN.fullmatch(line)] == []
    names = [line.partition("==")[0].lower() for line in lines]
    assert names == sorted(names) and len(set(names)) == len(names)


def test_every_requirement_is_pinned_to_a_version_that_it_allows() -> None:
    project, pinned = PROJECT["project"], pins()
    for text in [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]:
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} has no pin in constraints.txt"
        assert requirement.specifier.contains(version), f"{text}, but {version} is pinned"


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml", "Makefile", ".ci/run"])
def test_no_file_names_a_registry(name: str) -> None:
    """Where packages come from is set by whoever installs."""
    text = (ROOT / name).read_text(encoding="utf-8").lower()
    found = re.findall(r"https?://\S*pypi\S*|pythonhosted|index[-_]url|find[-_]links|trusted[-_]host|file://", text)
    assert found == []


# ---------------------------------------------------------------------------------------------------------------------
# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the repository stays clean and nothing left there by an earlier build gets in."""
    base = tmp_path_factory.mktemp("wheel")
    source = base / "source"
    for name in ("models", "optimizer", "wattfolio"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if _setuptools_will_do():
        build.append("--no-build-isolation")  # no download
    ran = subprocess.run([*build, "--wheel-dir", str(base), str(source)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    (made,) = base.glob("*.whl")
    return made


def _setuptools_will_do() -> bool:
    (needed,) = (Requirement(text) for text in PROJECT["build-system"]["requires"])
    try:
        return needed.specifier.contains(Version(metadata.version("setuptools")))
    except metadata.PackageNotFoundError:
        return False


@pytest.mark.slow
def test_the_wheel_holds_templates_shapes_and_modules(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = [
        path.relative_to(ROOT).as_posix()
        for pattern in (
            "optimizer/cli/templates/*.yaml",
            "optimizer/case/reading/shapes/*.csv",
            "optimizer/scenarios/generate/*.csv",
            "optimizer/results/report/page.*",
            "optimizer/**/*.py",
            "models/**/*.py",
            "models/README.md",
            "wattfolio/*.py",
            "*/py.typed",
        )
        for path in ROOT.glob(pattern)
    ]
    assert {Path(name).suffix for name in wanted} == {".yaml", ".csv", ".py", ".typed", ".css", ".js", ".md"}
    assert [name for name in wanted if name not in inside] == []
    assert not [name for name in inside if name.startswith(("tests/", "cases/", "docs/"))]


@pytest.mark.slow
def test_a_new_case_from_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    """Outside of the repository, every template is written and valid, its shapes found."""
    target, work = tmp_path / "installed", tmp_path / "work"
    work.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def python(*words: str) -> str:
        ran = subprocess.run([sys.executable, *words], cwd=work, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    for module in ("wattfolio", "optimizer", "models"):
        place = python("-c", f"import {module}; print({module}.__file__)").strip()
        assert Path(place).is_relative_to(target), f"{place} is not the installed one"
    templates = sorted(path.stem for path in (ROOT / "optimizer" / "cli" / "templates").glob("*.yaml"))
    assert [line.split()[0] for line in python("-m", "optimizer", "new", "--list").splitlines()] == templates
    for name in templates:
        python("-m", "optimizer", "new", f"my-{name}", "--template", name)
    cases = [f"my-{name}.yaml" for name in templates]
    assert python("-m", "optimizer", "validate", *cases) == "".join(f"{case}: valid\n" for case in cases)


def test_what_the_action_uses_is_pinned_to_a_commit() -> None:
    """A tag can be moved to other code; a commit cannot."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    used = [step["uses"] for step in action["runs"]["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"[a-z-]+/[a-z-]+@[0-9a-f]{40}", one) for one in used), used
