"""Ctrl-C at any moment: code 130, soon, without a traceback, a half-written result or a worker left; deadlines inside HiGHS."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse

from optimizer.engine.master import WarmProgram
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from optimizer.solver import session as highs
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Answer, Session, SolverOptions, Status
from tests.optimizer.runtime.test_executor import gone, running
from tests.shared.places import ROOT
from tests.shared.random_problems import random_problem

#: solves the arrays of a problem of medium size under the name of a case
SCRIPT = """
import dataclasses, sys
from optimizer.cli import app, solve
from tests.benchmarks.problems import SIZES
load = solve.load_case
solve.load_case = lambda *a: dataclasses.replace(load(*a), _problem=SIZES["medium"].arrays())
app.main(sys.argv[1:])
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of a POSIX system")


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def interrupted(folder: Path, stage: str, *options: str) -> tuple[float, list[int]]:
    """Seconds from Ctrl-C in a stage to the end, and the workers there were."""
    command = [sys.executable, "-c", SCRIPT, "solve", str(ROOT / "tests" / "cases" / "curtailment.yaml"), *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment, start_new_session=True
    ) as process:
        assert process.stderr is not None and process.stdout is not None
        said = ""
        while not re.search(rf"^ *[0-9.]+ s  {stage}", said, flags=re.MULTILINE):
            line = process.stderr.readline()
            assert line, f"ended before {stage}: {said}"
            said += line
        workers = children(process.pid)
        begun = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of the group
        try:
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
        took = time.monotonic() - begun
        assert process.returncode == 130, said + err
        assert out == "" and err.splitlines()[-1] == "interrupted" and "Traceback" not in err and err.count("interrupted") == 1
    return took, workers


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(child) for child in found if running(int(child))]


@pytest.mark.parametrize("stage", ["build", "first cuts", "solve", "books"])
def test_control_c_in_a_stage(stage: str, tmp_path: Path) -> None:
    earlier = tmp_path / "out" / "curtailment" / "base"
    if stage != "build":  # else there is no folder yet, and there is to be none
        earlier.mkdir(parents=True)
        (earlier / "manifest.json").write_text('{"schema": 1, "files": {}}')
    before = contents(tmp_path)
    took, _ = interrupted(tmp_path, stage)
    assert contents(tmp_path) == before
    assert took < 10  # a second or so; a busy machine takes longer


#: a module that takes an interrupt for a part that it can do without, and tells when it is there
GREEDY = """
import time
try:
    print("here", flush=True)
    time.sleep(30)
except BaseException:
    pass
"""


@pytest.mark.parametrize("where", ["click", "pydantic"])
def test_control_c_in_an_import(where: str, tmp_path: Path) -> None:
    """Of the command line itself, and of what a verb needs: code 130 at once, though the module swallows what is raised in it."""
    (tmp_path / f"{where}.py").write_text(GREEDY)
    command = [sys.executable, "-m", "optimizer", "validate", str(ROOT / "cases" / "quickstart.yaml")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (130, "", "interrupted\n")


def test_who_wants_control_c_ignored_is_heeded(tmp_path: Path) -> None:
    """A shell starts what it sends to the background so."""
    (tmp_path / "click.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT); print('went on'); os._exit(0)")
    script = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from optimizer.__main__ import main; main()"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT))), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_nothing_that_takes_long_is_imported_before_control_c_is_heard() -> None:
    """Only what Python needs to start by itself, and the signals."""
    code = "import sys; import optimizer.__main__; print(*sorted(set(sys.modules) & {'typing', 're', 'click', 'threading', 'inspect'}))"
    found = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == ""


def test_control_c_with_workers_leaves_none(tmp_path: Path) -> None:
    took, workers = interrupted(tmp_path, "first cuts", "--workers", "2")
    assert len(workers) == 2 and gone(workers)
    assert took < 10 and contents(tmp_path) == {}


# ---- HiGHS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_program() -> LinearProgram:
    """Takes tens of seconds by simplex and by interior point."""
    m, rng = 2000, np.random.default_rng(1)
    matrix = sparse.csc_array(sparse.random(m, m, 0.05, random_state=2, format="csc"))
    return LinearProgram(-rng.uniform(1, 2, m), 0.0, matrix, np.full(m, -np.inf), rng.uniform(1, 2, m), np.zeros(m), np.ones(m))


@pytest.mark.parametrize("method", ["simplex", "ipm"])
def test_highs_hears_control_c_and_nobody_elses_handler_is_lost(method: str, long_program: LinearProgram) -> None:
    session = Session(SolverOptions(method=method))
    session.load(long_program)
    before = signal.getsignal(signal.SIGINT)
    start = time.perf_counter()
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        session.solve()
    timer.join()
    assert time.perf_counter() - start < 8
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("method", ["simplex", "ipm"])
def test_highs_stops_at_the_deadline_and_calls_back(method: str, long_program: LinearProgram) -> None:
    calls: list[float] = []
    start = time.perf_counter()
    session = Session(SolverOptions(method=method, deadline=start + 1.5, pulse=lambda: calls.append(time.perf_counter())))
    session.load(long_program)
    answer = session.solve()
    assert answer.status is Status.LIMIT and "HiGHS stopped: Time" in answer.message
    assert 1.4 < time.perf_counter() - start < 10
    assert calls and np.diff(calls).min(initial=1.0) >= 0.15
    again = session.solve()  # nothing is left of the time
    assert again.status is Status.LIMIT and again.seconds < 2


def test_trouble_in_a_callback_comes_out(long_program: LinearProgram) -> None:
    """HiGHS would swallow an exception or break on it: it is told to stop, and the exception is raised after it has."""

    def broken() -> None:
        raise ZeroDivisionError("in a callback")

    for method in ("simplex", "ipm"):
        session = Session(SolverOptions(method=method, pulse=broken))
        session.load(long_program)
        with pytest.raises(ZeroDivisionError, match="in a callback"):
            session.solve()


def beginning_of(program: LinearProgram) -> LinearProgram:
    """Its first 300 rows and columns."""
    small = slice(0, 300)
    return LinearProgram(
        program.cost[small], 0.0, sparse.csc_array(program.matrix[small, small]), np.full(300, -np.inf),
        program.row_upper[small], np.zeros(300), np.ones(300),
    )  # fmt: skip


def moved(lp: LinearProgram, brief: bool = False) -> list[Answer]:
    """Solved cold, then warm with tighter and with wider rows; brief: of the last, as where any answer will do."""
    session = Session(SolverOptions())
    session.load(lp)
    out = [session.solve()]
    for factor in (0.5, 1.5):
        session.set_row_bounds(np.arange(300), np.full(300, -np.inf), lp.row_upper * factor)
        out.append(session.solve(brief=brief and factor > 1.0))
    return out


def test_a_callback_changes_no_path(long_program: LinearProgram) -> None:
    lp = beginning_of(long_program)
    for method in ("simplex", "ipm"):
        answers = []
        for watched in (True, False):
            session = Session(SolverOptions(method=method, presolve=False))
            if not watched:
                session._highs.disableCallbacks()
            session.load(lp)
            answers.append(session.solve())
        one, other = answers
        assert one.iterations == other.iterations > 0
        assert one.x.tobytes() == other.x.tobytes() and one.y.tobytes() == other.y.tobytes()


def test_a_warm_run_that_takes_long_is_given_up_and_begun_anew(
    long_program: LinearProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here at once, over and over: the answers are the same, and what was given up is not taken for a time limit."""
    lp = beginning_of(long_program)

    patient = moved(lp)
    assert all(not answer.message for answer in patient)
    monkeypatch.setattr(highs, "PATIENCE_WORK", -1.0)
    monkeypatch.setattr(highs, "PATIENCE_COLD_RUNS", 0.0)
    for one, other in zip(patient, moved(lp), strict=True):
        assert other.status is Status.OPTIMAL and other.objective == pytest.approx(one.objective, rel=1e-9)
    tired = moved(lp)
    assert not tired[0].message  # it was cold
    assert all("A run ended in no time; solved again cold by ipm." in answer.message for answer in tired[1:])


def test_a_slow_clock_changes_no_path(long_program: LinearProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer and longer between two looks at it, as on a machine that has ever more other things to do: patience is counted in steps."""

    lp = beginning_of(long_program)
    before = moved(lp, brief=True)
    clock = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)) ** 6)
    for one, other in zip(before, moved(lp, brief=True), strict=True):
        assert one.status is other.status is Status.OPTIMAL and one.message == other.message == ""
        assert (
            one.iterations == other.iterations and one.x.tobytes() == other.x.tobytes() and one.y.tobytes() == other.y.tobytes()
        )


def test_out_of_reach_of_python_the_process_ends_by_itself(tmp_path: Path) -> None:
    """A step in which nobody calls back: here a digest that takes minutes, and lets go of Python's lock as HiGHS does."""
    script = (
        "import hashlib, sys; from optimizer.runtime.interrupts import prompt\n"
        "with prompt(0.5):\n    print('begun', flush=True)\n    hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=20) == 130
        finally:
            process.kill()
        assert 0.4 < time.monotonic() - begun < 10
        assert process.stderr.read() == "interrupted\n"


def test_prompt_leaves_signals_as_they_were() -> None:
    from optimizer.runtime.interrupts import prompt

    before, threads = signal.getsignal(signal.SIGINT), threading.active_count()
    with prompt():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before and threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1
    with pytest.raises(KeyboardInterrupt), prompt(0.2):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    assert signal.getsignal(signal.SIGINT) is before and threading.active_count() == threads


# ---- a deadline in a solve -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["solve", "canonical plan", "dispatch"])
def test_time_that_is_up_is_a_limit_and_not_a_failed_proof(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours linked by quantities are mixed by one more program: without time for it there is no plan."""
    problem = random_problem(208)
    whole = solve_problem(problem)
    assert whole.outcome is Outcome.OPTIMAL
    late: list[str] = []
    seconds, expired = highs.Session._seconds, WarmProgram.expired
    monkeypatch.setattr(highs.Session, "_seconds", lambda self: 0.0 if late else seconds(self))
    monkeypatch.setattr(WarmProgram, "expired", lambda self: bool(late) or expired(self))

    def progress(name: str, **numbers: Any) -> None:
        if name == stage:
            late.append(name)

    solution = solve_problem(problem, progress=progress)
    assert late and solution.outcome is Outcome.LIMIT, solution.reasons
    assert solution.reasons
