"""Limits that nothing ignores, and the bounds that a stopped run tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from optimizer.case.case import Case
from optimizer.cli.progress import Progress
from optimizer.engine.solve import solve
from optimizer.engine.values import Outcome
from optimizer.runtime.watchdog import family, held
from tests.shared.places import ROOT

QUICKSTART = ROOT / "cases" / "quickstart.yaml"
needs_proc = pytest.mark.skipif(held(os.getpid()) is None, reason="this system does not tell how much memory a process holds")


def command(*arguments: str, program: str | None = None) -> subprocess.CompletedProcess[str]:
    start = ["-c", program] if program else ["-m", "optimizer"]
    return subprocess.run([sys.executable, *start, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120)


@needs_proc
def test_memory_and_children_are_seen() -> None:
    mine = held(os.getpid())
    assert mine is not None and 1e7 < mine < 1e11
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert family(os.getpid())[0] == os.getpid() and child.pid in family(os.getpid())
        child.communicate(b"\n")
    assert held(2**22 + 1) is None


@needs_proc
def test_a_memory_limit_ends_the_run_and_leaves_earlier_results(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "quickstart").mkdir(parents=True)
    done = command("solve", str(QUICKSTART), "--out", str(out), "--quiet", "--json", "--memory-limit", "0.1")
    assert done.returncode == 4, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == "limit" and told["objective"] is None and told["case"] == "quickstart"
    assert "memory limit of 0.1 GB" in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in (out / "quickstart").iterdir() if not path.name.endswith(".lock")] == []


STUCK = """
import sys, time
from optimizer.cli import app
from optimizer.engine import solve as engine
from optimizer.runtime import watchdog
watchdog.GRACE = 0.5
def stuck(case, progress, **options):
    progress("cuts", proved=5e6, attained=4e6)
    while True:
        time.sleep(0.01)
engine.solve = stuck
sys.exit(app.run(sys.argv[1:]))
"""


def test_a_solver_that_does_not_stop_is_stopped_with_its_bounds(tmp_path: Path) -> None:
    begun = time.perf_counter()
    done = command("solve", str(QUICKSTART), "--out", str(tmp_path), "--quiet", "--time-limit", "0.5", program=STUCK)
    assert done.returncode == 4 and time.perf_counter() - begun < 60.0
    assert "upper bound 5 MUSD, lower bound 4 MUSD" in done.stdout
    assert "time limit of 0.5 s has passed" in done.stderr


def test_bounds_of_a_stopped_solve_are_on_their_sides(capsys: pytest.CaptureFixture[str]) -> None:
    """Each round's bounds hold the optimum between them, and so does the bound of a run that is stopped in time."""
    case = Case.load(QUICKSTART)
    seen: list[tuple[float | None, float | None]] = []

    class Noting(Progress):
        def __call__(self, stage: str, **numbers: float) -> None:
            super().__call__(stage, **numbers)
            seen.append(self.bounds)

    whole = solve(case, progress=Noting(sys.stderr, quiet=True), baseline=False)
    best = whole.objective
    assert best is not None
    known = [pair for pair in seen if pair[0] is not None]
    assert len(known) > 3
    for upper, lower in known:
        assert upper is not None and upper >= best * (1.0 - 1e-9)
        assert lower is None or lower <= best * (1.0 + 1e-9)
    part = solve(case, time_limit=0.9, baseline=False)
    if part.outcome is Outcome.LIMIT and part.upper_bound is not None:
        assert part.upper_bound >= best * (1.0 - 1e-9)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_a_limit_is_a_number_above_0(value: str) -> None:
    done = command("solve", str(QUICKSTART), "--memory-limit", value)
    assert done.returncode == 2 and "gigabytes above 0" in done.stderr
