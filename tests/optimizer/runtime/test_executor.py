"""Who works out the hours changes no bit of the answer, and a worker that dies changes nothing either."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.hours.site_hours import SiteHours
from models.problem import Problem
from models.program.master_problem import MasterProblem
from optimizer import Case
from optimizer.cli import app
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from optimizer.results import folder as results
from optimizer.runtime import processes, worker
from optimizer.runtime.executor import Executor, ExecutorError, Failure, PinnedHours
from tests.benchmarks.problems import SIZES
from tests.shared.places import ROOT
from tests.shared.random_problems import random_problem
from tests.shared.tasks import die, die_once, reciprocal, report, sleep_long, solved
from tests.whole.test_determinism import assert_same_answer

CASES = ROOT / "tests" / "cases"
#: two sites with linked quantities in three scenarios; two sites without; three quantities; one scenario
SEEDS = (208, 226, 206, 202)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes and signals of a POSIX system")


def hours_of(problem: Problem) -> list[SiteHours]:
    recourse = MasterProblem(problem, "benders").recourse
    assert recourse is not None
    return [value.hours for value in recourse.values]


def questions(sites: list[SiteHours], seed: int = 0) -> list[tuple[Any, Any, Any]]:
    """(capacity, alpha, rho) of each site; the direction goes against the cash here and there."""
    rng = np.random.default_rng(seed)
    out = []
    for site in sites:
        shape = site.subproblem.value.base.shape
        out.append(
            (rng.uniform(0, 80, shape), rng.uniform(-0.3, 1, shape[0]), rng.normal(0, 5, (shape[0], len(site.quantities))))
        )
    return out


def answers(pinned: PinnedHours, asked: list[tuple[Any, Any, Any]]) -> list[bytes]:
    """Bytes of all that is found at every site."""
    out = []
    for i, question in enumerate(asked):
        solution = pinned.recourse_solution(i, *question)
        tables = [getattr(solution, field.name) for field in fields(solution)]
        out += [b"none" if table is None else table.tobytes() for table in tables]
    return out


def files(solution: Solution, out: Path) -> dict[str, bytes]:
    """What is written of a solution, without the seconds it took."""
    folder = results.write(solution, out, dispatch=True)
    found = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "timings.json"}
    assert {"manifest.json", "plan.csv", "dispatch.parquet"} <= set(found)
    return found


@pytest.fixture(scope="module")
def case() -> Case:
    """Two sites, three scenarios in a tree, and every instrument: by half-years, as what is compared is who works out the hours."""
    return Case.load(CASES / "all-features.yaml", settings=["horizon.period=half-year"])


@pytest.fixture(scope="module")
def expected(case: Case, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What is written of the case when this process does all the work."""
    return files(case.solve(), tmp_path_factory.mktemp("serial"))


def gone(pids: list[int], seconds: float = 10.0) -> bool:
    """Whether processes end in time. One that nobody has asked for its exit code yet has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(running(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return Path("/proc").is_dir() is False and subprocess.run(["kill", "-0", str(pid)], capture_output=True).returncode == 0
    return state not in "ZX"


def killed_while_busy(pid: int) -> threading.Timer:
    """A process that gets its next task, does not begin with it, and is killed soon after."""
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(0.4, os.kill, (pid, signal.SIGKILL))
    timer.start()
    return timer


# ---- this process ----------------------------------------------------------------------------------------------------


def test_pieces_of_hours_need_few_profiles_and_give_the_same_bits() -> None:
    for problem in (*map(random_problem, SEEDS), random_problem(206, limited=True), SIZES["small"].arrays()):
        sites = hours_of(problem)
        for site, (capacity, alpha, rho) in zip(sites, questions(sites), strict=True):
            whole, mw = site.recourse_solution(capacity, alpha, rho), site.dispatch(capacity, alpha, rho)
            rows = np.arange(site.subproblem.blocks)[1::2]
            part = site.blocks(rows)
            found = part.recourse_solution(capacity[rows], alpha[rows], rho[rows])
            for field in fields(found):
                one, all_of_it = getattr(found, field.name), getattr(whole, field.name)
                assert one is all_of_it is None or one.tobytes() == all_of_it[rows].tobytes(), field.name
            block_of = np.repeat(np.arange(site.subproblem.blocks), site.subproblem.count)
            assert part.dispatch(capacity[rows], alpha[rows], rho[rows]).tobytes() == mw[np.isin(block_of, rows)].tobytes()
    first = sites[0].blocks(np.arange(sites[0].subproblem.periods))  # of the first scenario: one year of prices out of five
    assert len(first.subproblem.profiles) == len(sites[0].subproblem.profiles) - 4


def test_serial_is_the_plain_solve() -> None:
    with Executor() as executor, Executor(workers=1) as one:
        assert executor.workers == one.workers == 1 and executor.pids == one.pids == []
        assert_same_answer(solve_problem(random_problem(SEEDS[3])), solve_problem(random_problem(SEEDS[3]), executor=executor))
        told: list[tuple[int, int]] = []
        found = one.map(reciprocal, [2.0, 0.0, 4.0], lambda *counts: told.append(counts))
    assert found[0] == 0.5 and found[2] == 0.25 and told == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(found[1], Failure) and found[1].kind == "ZeroDivisionError" and "reciprocal" in found[1].trace
    with pytest.raises(ExecutorError, match="closed"):
        one.map(reciprocal, [1.0])
    with pytest.raises(ValueError, match="Currently it is 0"):
        Executor(workers=0)


# ---- processes -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two() -> Iterator[Executor]:
    with Executor(workers=2) as executor:
        yield executor
    assert executor.pids == []


@pytest.mark.parametrize(("seed", "limited"), [*((seed, False) for seed in SEEDS), (206, True)])
def test_processes_find_the_same_bits(two: Executor, seed: int, limited: bool) -> None:
    sites = hours_of(random_problem(seed, limited=limited))
    assert not limited or sites[0].subproblem.market[0].shape[1] == 3, "emission factors that differ by the hour"
    asked = questions(sites, seed)
    serial, pinned = Executor().pin(sites), two.pin(sites)
    assert answers(pinned, asked) == answers(serial, asked) == answers(pinned, asked)
    pinned.release()


def test_coupled_hours_stay_in_this_process(two: Executor, tmp_path: Path) -> None:
    """Which of equal splits of a block is found depends on what was solved before it: they are not divided."""
    case = Case.load(CASES / "coupled.yaml", settings=["horizon.months=1"])
    seen: list[tuple[bool, int]] = []
    pin = two.pin

    def watched(sites: Any) -> PinnedHours:
        pinned = pin(sites)
        seen.extend((site.subproblem.divisible, len(parts)) for site, parts in zip(sites, pinned.pieces, strict=True))
        return pinned

    two.pin = watched  # type: ignore[method-assign]
    try:
        found = files(case.solve(executor=two, baseline=False), tmp_path / "two")
    finally:
        del two.pin
    assert (False, 0) in seen and set(seen) <= {(False, 0), (True, 2)}
    assert found == files(case.solve(baseline=False), tmp_path / "serial")


def test_more_workers_than_blocks_and_uneven_pieces_find_the_same_bits() -> None:
    with Executor(workers=3) as three:
        assert len(three.pids) == 3
        for seed, pieces in ((233, 2), (205, 3), (202, 3)):  # 2, 12 and 3 blocks
            sites = hours_of(random_problem(seed))
            asked = questions(sites)
            pinned = three.pin(sites)
            assert [len(parts) for parts in pinned.pieces] == [pieces]
            assert answers(pinned, asked) == answers(Executor().pin(sites), asked)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_solve_by_processes_is_the_same_answer(two: Executor, seed: int) -> None:
    assert_same_answer(solve_problem(random_problem(seed)), solve_problem(random_problem(seed), executor=two))
    assert all(not w.held for w in two._backend.workers), "hours stay with the workers"


def test_a_solve_by_processes_writes_the_same_files(
    two: Executor, case: Case, expected: dict[str, bytes], tmp_path: Path
) -> None:
    assert files(case.solve(executor=two), tmp_path / "two") == expected


def test_a_worker_imports_little_and_has_one_thread() -> None:
    sites = hours_of(random_problem(SEEDS[0]))
    with Executor(workers=2) as executor:
        answers(executor.pin(sites), questions(sites))
        found = executor.map(report, range(4))
        assert {r["pid"] for r in found} <= set(executor.pids)
    assert [(r["heavy"], r["threads"]) for r in found] == [([], 1)] * 4


def test_tasks_come_back_in_order_with_the_failures_among_them(two: Executor) -> None:
    told: list[tuple[int, int]] = []
    items = [float(x) for x in (5, 0, 3, 4, 0, 2)]
    found = two.map(reciprocal, items, lambda *counts: told.append(counts))
    assert [f if isinstance(f, float) else f.kind for f in found] == [
        0.2,
        "ZeroDivisionError",
        1 / 3,
        0.25,
        "ZeroDivisionError",
        0.5,
    ]
    assert told == [(k, 6) for k in range(1, 7)]
    (lost,) = two.map(lambda x: x, [1])
    assert isinstance(lost, Failure) and "cannot be sent" in lost.message
    (unsendable,) = two.map(open, [os.devnull])
    assert isinstance(unsendable, Failure) and unsendable.kind == "TypeError"


def test_solves_as_tasks_are_the_same_bytes(two: Executor) -> None:
    assert two.map(solved, SEEDS[:2]) == [solved(seed) for seed in SEEDS[:2]]


def test_a_worker_killed_with_hours_in_hand_is_survived(two: Executor) -> None:
    sites = hours_of(random_problem(SEEDS[1]))
    asked = questions(sites)
    serial, pinned = answers(Executor().pin(sites), asked), two.pin(sites)
    assert answers(pinned, asked) == serial
    before = two.pids
    timer = killed_while_busy(before[0])
    assert answers(pinned, asked) == serial
    timer.join()
    assert two.pids[0] != before[0] and two.pids[1] == before[1] and gone(before[:1])
    os.kill(two.pids[1], signal.SIGKILL)  # and one that is idle
    assert answers(pinned, asked) == serial
    pinned.release()


def test_a_worker_killed_in_the_middle_of_a_solve_is_survived(
    two: Executor, case: Case, expected: dict[str, bytes], tmp_path: Path
) -> None:
    dead: list[int] = []
    timers: list[threading.Timer] = []

    def progress(stage: str, **numbers: float) -> None:
        if stage in ("first cuts", "solve"):
            dead.append(two.pids[len(dead) % 2])
            timers.append(killed_while_busy(dead[-1]))

    found = case.solve(executor=two, progress=progress)
    for timer in timers:
        timer.join()
    assert len(dead) == 2 and gone(dead) and not set(dead) & set(two.pids)
    assert files(found, tmp_path / "two") == expected


def test_a_task_that_kills_its_worker_is_tried_again_but_not_for_ever(two: Executor, tmp_path: Path) -> None:
    (first,) = two.map(die_once, [str(tmp_path / "mark")])
    assert isinstance(first, str) and int(first) not in two.pids
    found = two.map(die, ["a", "always", "b", "c"])
    assert [found[0], *found[2:]] == ["a", "b", "c"]
    assert isinstance(found[1], Failure) and found[1].kind == "ExecutorError"
    assert "died 3 times" in found[1].message and "SIGKILL" in found[1].message


def test_workers_that_cannot_start_are_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "COMMAND", (sys.executable, "-c", "raise SystemExit('no such library')"))
    monkeypatch.chdir(tmp_path)
    code = app.run(["solve", str(CASES / "curtailment.yaml"), "--workers", "2", "--quiet"])
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and not (tmp_path / "out").exists()
    assert err.count("\n") == 1 and "died 3 times" in err and "ended with code 1: no such library" in err


def workers_of_a_killed_parent(script: str) -> list[int]:
    """The numbers of the two workers that a script prints, once it has been killed."""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2 and all(map(running, pids))
        time.sleep(0.5)
        parent.kill()
    return pids


def test_workers_end_with_who_started_them() -> None:
    script = (
        "import time; from optimizer.runtime.executor import Executor\n"
        "executor = Executor(workers=2); print(*executor.pids, flush=True)\n"
        "executor.map(time.sleep, [60, 60])"
    )
    pids = workers_of_a_killed_parent(script)
    assert gone(pids)


def test_workers_that_begin_late_end_with_who_started_them() -> None:
    """Killed while they still start, with their first task sent: they begin when there is nobody any more."""
    script = (
        "import os, signal, time; from optimizer.runtime.executor import Executor\n"
        "executor = Executor(workers=2); [os.kill(pid, signal.SIGSTOP) for pid in executor.pids]\n"
        "print(*executor.pids, flush=True); executor.map(time.sleep, [60, 60])"
    )
    pids = workers_of_a_killed_parent(script)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert gone(pids, 30.0)


def test_an_interrupted_map_leaves_workers_that_can_go_on() -> None:
    with Executor(workers=2) as executor:

        def stop(done: int, count: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            executor.map(time.sleep, [0.01, 60, 60], stop)
        assert executor.map(reciprocal, [2.0, 4.0]) == [0.5, 0.25]


def test_closing_is_prompt_with_workers_at_work() -> None:
    with pytest.raises(ZeroDivisionError), Executor(workers=2) as executor:
        pids = executor.pids
        executor.map(time.sleep, [0.01, 60], lambda done, count: 1 // 0)  # type: ignore[arg-type, return-value]
    assert not any(map(running, pids))


# ---- the command line ------------------------------------------------------------------------------------------------


def test_workers_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = str(CASES / "curtailment.yaml")
    outputs = []
    for workers in ("1", "2"):
        assert app.run(["solve", case, "--workers", workers, "--quiet", "--json", "--out", str(tmp_path / workers)]) == 0
        outputs.append(capsys.readouterr())
    assert outputs[0] == outputs[1]
    assert app.run(["solve", case, "--workers", "0"]) == 2 and "--workers" in capsys.readouterr().err
    assert app.run(["solve", case, "--workers", "2", "--method", "extensive"]) == 2
    assert "do not go with --method extensive" in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["", "somewhere", "127.0.0.1:8786", "tcp://host", "tcp://host:0", "tcp://h:99999", "http://h:80"]
)
def test_an_address_that_is_none(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    assert app.run(["solve", str(CASES / "curtailment.yaml"), "--scheduler", address, "--quiet"]) == 2
    assert capsys.readouterr().err == f'"{address}" is not the address of a scheduler, as in tcp://192.0.2.7:8786\n'


def test_without_dask_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # type: ignore[arg-type] - cannot be imported
    assert app.run(["solve", str(CASES / "curtailment.yaml"), "--scheduler", "tcp://127.0.0.1:8786", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert "pip install 'wattfolio[distributed]'" in err and err.count("\n") == 1


def test_differences_of_versions_are_told_by_name() -> None:
    here = worker.stamp()
    assert worker.differences(here, here) == ""
    assert {name for name, _ in here} >= {"wattfolio", "python", "numpy", "numba", "highspy", "pyomo", "sources of wattfolio"}
    there = tuple((name, "1.0" if name == "numpy" else version) for name, version in here if name != "pyomo")
    told = worker.differences(there, here)
    assert f"numpy 1.0 (here {np.__version__})" in told and "pyomo none (here " in told and "numba" not in told


# ---- Dask ------------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Machines:
    """A scheduler and workers as processes of their own on the loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, list[subprocess.Popen[bytes]]()
        self.address = f"tcp://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        self._start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        self._until(lambda: socket.create_connection(("127.0.0.1", int(port)), 1).close())

    def _start(self, what: str, *arguments: str, source: Path = ROOT) -> subprocess.Popen[bytes]:
        log = open(self.folder / f"{len(self.started)}.log", "wb")  # noqa: SIM115 - the process keeps it
        with log:
            made = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(source), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2"},
            )
        self.started.append(made)
        return made

    def worker(self, threads: int = 1, source: Path = ROOT) -> subprocess.Popen[bytes]:
        options = ("--nthreads", str(threads), "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        return self._start("worker", self.address, *options, source=source)

    def wait_for(self, workers: int) -> None:
        import distributed

        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=30)
            self._until(lambda: 1 // (len(client.nthreads()) == workers))

    @staticmethod
    def _until(works: Callable[[], object], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                works()
                return
            except (OSError, ZeroDivisionError):
                assert time.monotonic() < end, "did not come in time"
                time.sleep(0.1)

    def close(self) -> None:
        for process in self.started:
            process.kill()
        for process in self.started:
            process.wait()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A scheduler whose workers come later."""
    pytest.importorskip("distributed", reason="needs the package distributed")
    machines = Machines(tmp_path_factory.mktemp("dask"))
    try:
        yield machines
    finally:
        machines.close()


@pytest.fixture(scope="module")
def cluster(bare: Machines) -> Machines:
    bare.worker()
    bare.worker(threads=2)
    bare.wait_for(2)
    return bare


def refused(capsys: pytest.CaptureFixture[str], address: str) -> str:
    """What the command line says of a cluster, in time and in one message."""
    start = time.monotonic()
    code = app.run(["solve", str(CASES / "curtailment.yaml"), "--scheduler", address, "--quiet"])
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and "Traceback" not in err and time.monotonic() - start < 10
    return err


def test_a_scheduler_that_is_not_there(bare: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert refused(capsys, f"tcp://127.0.0.1:{port}") == (
        f"no scheduler at tcp://127.0.0.1:{port}: connection refused. Start one with: dask scheduler --port {port}\n"
    )
    err = refused(capsys, "tcp://no-such-machine.invalid:8786")
    assert "there is no machine named no-such-machine.invalid" in err and err.count("\n") == 1


def test_something_else_that_listens(bare: Machines, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.runtime.cluster.GREETING", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        err = refused(capsys, f"tcp://127.0.0.1:{server.getsockname()[1]}")
    assert "does not answer as a Dask scheduler" in err and err.count("\n") == 1


#: what a scheduler of Dask says first: one frame, its length, and a mapping in msgpack
GREETING = struct.pack("=QQ", 1, 42) + b"\x83\xabcompression\xc0\xa6python\x93\x03\x0b\x07\xafpickle-protocol\x05"


def talk(said: str, connection: socket.socket) -> None:
    """Say something that is not Dask, or no more of it, until the other side has gone."""
    whole = struct.pack("=Q", len(GREETING)) + GREETING
    first = {
        "a length and no more": whole[:8],
        "a greeting and no more": whole,
        "zeros": struct.pack("=Q", 40) + bytes(40),
        "frames without end": struct.pack("=QQ", 40, 1 << 60) + bytes(32),
        "msgpack of something else": struct.pack("=QQQ", 17, 1, 1) + b"\x01",
        "a greeting, then rubbish": whole + struct.pack("=Q", 1 << 56) + bytes(64),
        "a greeting, then a page": whole + b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "drops": b"",
    }[said]
    with contextlib.suppress(OSError), connection:
        connection.sendall(first)
        while True:
            time.sleep(0.1)
            if said == "drops":
                connection.sendall(b"\x01")
            elif not connection.recv(1 << 16):
                return


@contextlib.contextmanager
def false_scheduler(said: str) -> Iterator[str]:
    """The address of what answers, but not as a scheduler."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=talk, args=(said, server.accept()[0]), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "said",
    [
        "a length and no more", "a greeting and no more", "zeros", "frames without end", "msgpack of something else",
        "a greeting, then rubbish", "a greeting, then a page", "drops",
    ],
)  # fmt: skip
def test_what_answers_but_is_no_scheduler_is_told_in_time_and_nothing_lingers(
    said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import gc

    from optimizer.runtime import cluster

    pytest.importorskip("distributed", reason="needs the package distributed")
    assert cluster.ANSWER + cluster.GREETING + cluster.HANDSHAKE <= 15.0
    monkeypatch.setattr(cluster, "GREETING", 1.0)
    monkeypatch.setattr(cluster, "HANDSHAKE", 2.0)
    started = set(threading.enumerate())
    with false_scheduler(said) as address:
        err = refused(capsys, address)
        assert "does not answer as a Dask scheduler" in err and err.count("\n") == 1
        left = [one for one in threading.enumerate() if one not in started and one.name in ("scheduler", "IO loop")]
    assert not left
    gc.collect()
    assert capsys.readouterr().err == ""


def test_a_time_limit_is_kept_before_a_scheduler_has_answered(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="needs the package distributed")
    with false_scheduler("a greeting and no more") as address:
        given = "cluster.HANDSHAKE = 300.0; watchdog.GRACE = 0.5"
        code = f"from optimizer.runtime import cluster, watchdog; {given}; from optimizer.cli.app import main; main()"
        options = ["--scheduler", address, "--time-limit", "2", "--quiet", "--out", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, "-c", code, "solve", str(CASES / "curtailment.yaml"), *options],
            capture_output=True, text=True, timeout=60, cwd=ROOT,
        )  # fmt: skip
    assert done.returncode == 4 and "the time limit of 2 s has passed" in done.stderr and "Traceback" not in done.stderr


def test_a_scheduler_without_workers(bare: Machines, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(bare.started) == 1, "this test comes before those that start workers"
    monkeypatch.setattr("optimizer.runtime.cluster.WORKERS", 0.5)
    err = refused(capsys, bare.address)
    assert err == f"the scheduler at {bare.address} has no workers. Start some with: dask worker {bare.address}\n"


def test_dask_finds_the_same_bits_and_writes_the_same_files(
    cluster: Machines, case: Case, expected: dict[str, bytes], tmp_path: Path
) -> None:
    with Executor(scheduler=cluster.address) as executor:
        assert executor.workers == 2
        sites = hours_of(random_problem(SEEDS[0]))
        pinned = executor.pin(sites)
        assert answers(pinned, questions(sites)) == answers(Executor().pin(sites), questions(sites))
        pinned.release()
        assert files(case.solve(executor=executor), tmp_path / "dask") == expected
    with Executor(workers=5, scheduler=cluster.address) as executor:  # more pieces than workers
        assert executor.workers == 5
        assert_same_answer(solve_problem(random_problem(SEEDS[2])), solve_problem(random_problem(SEEDS[2]), executor=executor))


def test_tasks_on_dask(cluster: Machines) -> None:
    told: list[tuple[int, int]] = []
    with Executor(scheduler=cluster.address) as executor:
        found = executor.map(reciprocal, [5.0, 0.0, 4.0], lambda *counts: told.append(counts))
        assert found[0] == 0.2 and found[2] == 0.25 and isinstance(found[1], Failure) and found[1].kind == "ZeroDivisionError"
        assert sorted(told) == [(1, 3), (2, 3), (3, 3)]
        assert executor.map(solved, SEEDS[:1]) == [solved(SEEDS[0])]
        # each in a process of its own beside the worker: HiGHS is never in a thread, and a task cannot end a worker
        pids = {r["pid"] for r in executor.map(report, range(3))}
        assert not pids & {process.pid for process in cluster.started}
        (dead,) = executor.map(die, ["always"])
        assert isinstance(dead, Failure) and "died 3 times" in dead.message
        (lost,) = executor.map(lambda x: x, [1])
        assert isinstance(lost, Failure) and "cannot be sent" in lost.message
    assert all(process.poll() is None for process in cluster.started)


def test_tasks_on_dask_end_when_nobody_waits_for_them(cluster: Machines, tmp_path: Path) -> None:
    marks = [tmp_path / "a", tmp_path / "b"]

    def stop() -> None:
        if all(mark.exists() and mark.read_text() for mark in marks):
            raise KeyboardInterrupt

    with Executor(scheduler=cluster.address, tick=stop) as executor, pytest.raises(KeyboardInterrupt):
        executor.map(sleep_long, [str(mark) for mark in marks])
    assert gone([int(mark.read_text()) for mark in marks])


def test_hours_travel_once(two: Executor, cluster: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = hours_of(random_problem(SEEDS[0]))
    cut: list[int] = []
    blocks = SiteHours.blocks
    monkeypatch.setattr(SiteHours, "blocks", lambda self, rows: cut.append(len(rows)) or blocks(self, rows))
    with Executor(scheduler=cluster.address) as executor:
        for one in (two, executor):
            cut.clear()
            pinned = one.pin(sites)
            for seed in range(3):
                answers(pinned, questions(sites, seed))
            assert cut == [9, 9] * 2  # two sites of 18 blocks
            pinned.release()


def test_workers_of_another_version_are_refused(cluster: Machines, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("models", "optimizer"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    version = tmp_path / "optimizer" / "version.py"
    version.write_text(version.read_text().replace('__version__ = "', '__version__ = "0.0.'))
    (tmp_path / "none" / "optimizer").mkdir(parents=True)
    (tmp_path / "none" / "optimizer" / "__init__.py").write_text("raise ImportError('not installed here')")
    others = [cluster.worker(source=tmp_path), cluster.worker(source=tmp_path / "none")]
    cluster.wait_for(4)
    try:
        err = refused(capsys, cluster.address)
    finally:
        for other in others:
            other.kill()
            other.wait()
        cluster.wait_for(2)
    assert "all workers must have the versions that are here" in err
    assert "wattfolio 0.0.0.1.0 (here 0.1.0)" in err and "sources of wattfolio" in err
    assert "cannot import wattfolio" in err and err.count("tcp://") == 2 and err.count("\n") == 3


def test_a_dask_worker_killed_in_the_middle_is_survived(
    cluster: Machines, case: Case, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """With hours in hand: another worker gets these and all that the dead one held."""
    victim = cluster.started[1]
    timers: list[threading.Timer] = []

    def progress(stage: str, **numbers: float) -> None:
        if stage == "solve":
            timers.append(killed_while_busy(victim.pid))

    with Executor(scheduler=cluster.address) as executor:
        assert executor.workers == 2
        solution = case.solve(executor=executor, progress=progress)
        timers[0].join()
        assert victim.wait(10) == -signal.SIGKILL
        assert solution.outcome is Outcome.OPTIMAL
    assert files(solution, tmp_path / "dask") == expected


def test_a_cluster_that_goes_away_is_told(cluster: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.runtime.cluster.SILENCE", 1.0)
    monkeypatch.setattr("optimizer.runtime.cluster.ALONE", 1.0)
    monkeypatch.setattr("optimizer.runtime.cluster.LOOK", 0.3)
    sites = hours_of(random_problem(SEEDS[0]))
    with Executor(scheduler=cluster.address) as executor:
        pinned = executor.pin(sites)
        answers(pinned, questions(sites))
        for process in cluster.started[1:]:
            process.kill()
        with pytest.raises(ExecutorError, match="lost all its workers"):
            answers(pinned, questions(sites))
        cluster.started[0].kill()
        with pytest.raises(ExecutorError, match="lost the scheduler"):
            answers(pinned, questions(sites))
