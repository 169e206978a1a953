"""Standard streams that are full, closed or left: a documented code, one sentence where it can be told, never a traceback, never code 1."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from optimizer.cli import app, streams
from optimizer.cli.exit_codes import DONE, USAGE
from tests.shared.mill import CASE
from tests.shared.places import ROOT

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="streams of Linux")
WATTFOLIO = f'"{sys.executable}" -m optimizer'
#: a command line of every verb that ends with code 0, and whether it has something to say on stdout
VERBS = {
    "new": ("new --list", True),
    "validate": ("validate mill.yaml", True),
    "solve": ("solve mill.yaml", True),
    "explain": ("explain mill.yaml --time-limit 20", True),
    "compare": ("compare mill.yaml --variant small --workers 1", True),
    "report": ("report made/mill\\ town/base --html page.html", False),
    "sweep": ("sweep mill.yaml --vary 'projects.mill.limit=100,200 units' --workers 1", True),
    "tornado": ("tornado mill.yaml --vary company.overhead --workers 1", True),
    "frontier": ("frontier mill.yaml --points 2 --workers 1", True),
    "check": ("check mill.yaml --variant base", True),
    "schema": ("schema", True),
    "evaluate": ("evaluate mine.yaml --workers 1", True),
    "data": ("data check days.csv", True),
    "diff": ("diff made/mill\\ town/base made/mill\\ town/base", True),
    "scenarios": ("scenarios drawn.yaml", True),
}
QUICK = ("new", "validate")
#: a company whose coins are worth what a drawn price says, and that may buy a mine today
GENERATED = """
horizon: {start: 2026-04, years: 1}
market: {btc_price: 80 kUSD/BTC, network_hashrate: 1000 EH/s}
treasury: {cash: 2 MUSD, coins: 10 BTC, dividends: always}
projects: {mine: {limit: 1 units, when: 2026-04, cost: 1 MUSD/unit, returns: [{after: 6 months, amount: 1.2 MUSD/unit}]}}
scenarios: {generate: {sample: 50, keep: 2, stages: [2026-07]}}
"""
CASE = CASE.replace("\nrules:", "\ncompany: {overhead: 1 kUSD/year}\nrules:")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case, a result of it, and a blessed one."""
    path = tmp_path_factory.mktemp("streams")
    (path / "mill.yaml").write_text(CASE)
    (path / "drawn.yaml").write_text("horizon: {start: 2026-04, years: 2}\nscenarios: {generate: {sample: 50, keep: 2}}\n")
    (path / "mine.yaml").write_text(GENERATED)
    (path / "days.csv").write_text("time,price\n2024-01-01T00:00Z,4\n2024-01-01T01:00Z,5\n")
    for line in ("solve mill.yaml --out made --quiet", "check mill.yaml --variant base --bless --reason first --quiet"):
        assert shell(f"{WATTFOLIO} {line} >said 2>told", path) == 0, (path / "told").read_text()
    return path


def shell(line: str, folder: Path) -> int:
    """The exit code of wattfolio in a line of the shell, where it is the first of a pipe."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"]
    return subprocess.run(command, cwd=folder, env=environment, timeout=120, check=False).returncode


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def look(folder: Path, line: str, says: bool) -> None:
    """What a command line comes to with each kind of stream."""
    run = f"{WATTFOLIO} {line}"
    lost = USAGE if says else DONE
    for where, why in (("/dev/full", "no space left on device"), ("&-", "it is closed")):
        assert shell(f"{run} >{where} 2>told", folder) == lost, line
        told = lines(folder / "told")
        assert "Traceback" not in "".join(told)
        assert told.count(f"cannot write to standard output: {why}") == says and (not says or told[-1].startswith("cannot"))
    for where in ("/dev/full", "&-"):
        assert shell(f"{run} 2>{where} >said", folder) == DONE, line
        assert says == bool(lines(folder / "said"))
        assert shell(f"{run} >{where} 2>{where}", folder) == lost
    assert shell(f"{run} 2>&1 >/dev/null | true", folder) == DONE
    assert shell(f"{run} 2>told | true", folder) == DONE
    assert "Traceback" not in "".join(lines(folder / "told"))


def test_every_verb_is_looked_at() -> None:
    assert set(VERBS) == set(app.cli.commands)


@pytest.mark.parametrize("line", ["--help", "--version", "solve --help"])
def test_help_on_streams_that_take_nothing(folder: Path, line: str) -> None:
    look(folder, line, True)


@pytest.mark.parametrize("verb", [pytest.param(v, marks=[] if v in QUICK else [pytest.mark.slow]) for v in VERBS])
def test_a_verb_on_streams_that_take_nothing(folder: Path, verb: str) -> None:
    look(folder, *VERBS[verb])


@pytest.mark.parametrize("where", [">/dev/full", ">&-", "2>&-", ">&- 2>&-"])
def test_what_is_solved_is_written_though_it_cannot_be_told(folder: Path, where: str, tmp_path: Path) -> None:
    assert shell(f"{WATTFOLIO} solve mill.yaml --out {tmp_path} {where}", folder) == (0 if where == "2>&-" else 2)
    assert (tmp_path / "mill town" / "base" / "manifest.json").is_file()
    # a number that is free would have gone to a file of the result, and what is printed into it
    assert (tmp_path / "mill town" / "base" / "summary.json").read_bytes().startswith(b"{")


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", "2>&1 >/dev/null | true", ">/dev/full", ">&-", ">&- 2>&-"])
def test_a_mistake_is_code_2_whatever_the_streams(folder: Path, where: str) -> None:
    assert shell(f"{WATTFOLIO} solve nowhere.yaml {where}", folder) == USAGE
    assert shell(f"{WATTFOLIO} solve --nonsense {where}", folder) == USAGE


def full() -> None:
    print("said")
    click.echo(b"in bytes")
    sys.stdout.flush()


def test_streams_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that somebody has put in place of Python's are left alone; Python's own are kept from failing, and come back."""
    before = sys.stdout, sys.stderr
    with streams.kept() as why:
        assert (sys.stdout, sys.stderr) == before and why() is None
    with open("/dev/full", "w") as first:
        monkeypatch.setattr(sys, "stdout", first)
        monkeypatch.setattr(sys, "__stdout__", first)
        with streams.kept() as why:
            full()
            assert why() == "no space left on device"
        assert sys.stdout is first


def test_a_reader_that_leaves_is_no_loss() -> None:
    assert streams.lost(None) is None and streams.lost(BrokenPipeError(32, "Broken pipe")) is None
    assert streams.lost(OSError(28, "No space left on device")) == "no space left on device"


def test_a_pipe_that_does_not_wait_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who shares the pipe has made it one that does not wait: more than it holds is written all the same."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    child = os.fork()
    if child == 0:
        os.close(read)
        raw = streams._Kept(write, "w", closefd=False)
        data = memoryview(b"x" * 1_000_000)
        while data:
            data = data[raw.write(data) :]
        os._exit(0 if raw.problem is None else 1)
    os.close(write)
    with open(read, "rb") as stream:
        assert len(stream.read()) == 1_000_000
    assert os.waitpid(child, 0)[1] == 0
