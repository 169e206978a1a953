"""Workers as processes of this machine, each with one thread. One that dies is replaced, and what it was doing is done again.

Each worker is a fresh interpreter (numba and HiGHS do not survive a fork) at the other end of a socket, and gets the next message only
when it has answered the last one, so neither side ever waits for the other to read. It ends when its socket closes.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from optimizer.runtime.worker import ExecutorError, Failure, dump

if TYPE_CHECKING:
    from models.hours.site_hours import SiteHours

#: how often a task is given to a worker that dies of it
TRIES = 3
#: seconds between two looks at the clock while workers are busy
TICK = 0.2
#: seconds an idle worker has to end by itself
GRACE = 1.0
#: the whole machine is shared out by the number of workers
ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
COMMAND = (sys.executable, "-P", "-c", "import sys; from optimizer.runtime.worker import serve; serve(*map(int, sys.argv[1:]))")


@dataclass
class _Job:
    """message: what to send to a worker. owner: the worker that should do it; None: whoever is free."""

    message: Callable[[_Worker], bytes]
    owner: int | None = None
    deaths: int = 0
    result: Any = None


class _Worker:
    """One process: started when it is first needed, and again when it has died."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.connection: connection.Connection | None = None
        self.held: set[int] = set()
        self.job: int | None = None

    def start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `stop`
            environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
            self.process = subprocess.Popen(
                [*COMMAND, str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.said,
                env=environment,
                start_new_session=True,  # Ctrl-C on the terminal is for us alone
            )
        self.connection = connection.Connection(ours.detach())
        self.held = set()

    def send(self, message: bytes) -> None:
        if self.connection is None:
            self.start()
        assert self.connection is not None
        self.connection.send_bytes(message)

    def stop(self, now: bool = True) -> str:
        """End the process, and tell how it ended if it had."""
        process, self.process, self.job = self.process, None, None
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if process is None:
            return ""
        try:
            code = process.wait(GRACE)  # its socket is closed: it ends, unless it is busy
        except subprocess.TimeoutExpired:
            code = None
        except BaseException:
            process.kill()
            raise
        if code is None:
            process.kill()
            process.wait()
            return ""
        with self.said as said:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
        how = f"it was killed by {signal.Signals(-code).name}" if code < 0 else f"it ended with code {code}"
        return f"{how}: {last[0]}" if last else how

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        if self.process is not None:
            self.process.kill()
        self.stop()


class Processes:
    """`size` worker processes."""

    def __init__(self, size: int, tick: Callable[[], None] | None = None) -> None:
        if os.name != "posix":
            raise ExecutorError("worker processes need a POSIX system: leave --workers out, or give the --scheduler of a cluster")
        self.size = size
        self.tick = tick
        self.workers = [_Worker() for _ in range(size)]
        self.made: dict[int, Callable[[], SiteHours]] = {}
        self.count = 0
        for worker in self.workers:
            worker.start()

    @property
    def pids(self) -> list[int]:
        """Numbers of the processes that run."""
        return [worker.process.pid for worker in self.workers if worker.process is not None]

    # ---- hours -------------------------------------------------------------------------------------------------------
    def hold(self, make: Callable[[], SiteHours]) -> int:
        """Number of a piece of hours; it is sent to its worker when it is first needed, and again to the worker's successor."""
        self.count += 1
        self.made[self.count] = make
        return self.count

    def forget(self, keys: Sequence[int]) -> None:
        for key in keys:
            self.made.pop(key, None)
        for worker in self.workers:
            gone = worker.held.intersection(keys)
            if gone and worker.connection is not None and worker.job is None:
                worker.held -= gone
                try:
                    worker.send(dump(("forget", sorted(gone))))
                except OSError:
                    worker.stop()

    def work_out(self, keys: Sequence[int], requests: Sequence[bytes]) -> list[Any]:
        """The answer of each piece to its request, in order."""

        def message(key: int, request: bytes) -> Callable[[_Worker], bytes]:
            def made(worker: _Worker) -> bytes:
                payload = None if key in worker.held else dump(self.made[key]())
                worker.held.add(key)
                return dump(("hours", key, payload, request))

            return made

        jobs = [
            _Job(message(key, request), key % self.size)  # pieces of a site have consecutive numbers: each worker gets its own
            for key, request in zip(keys, requests, strict=True)
        ]
        self._run(jobs)
        for job in jobs:
            if isinstance(job.result, Failure):
                if job.result.kind == ExecutorError.__name__:
                    raise ExecutorError(job.result.message)
                raise RuntimeError(f"in a worker: {job.result.trace}")
        return [job.result for job in jobs]

    # ---- tasks -------------------------------------------------------------------------------------------------------
    def map(
        self,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        progress: Callable[[int, int], None] | None = None,
        received: Callable[[int, Any], None] | None = None,
        tick: Callable[[], None] | None = None,
    ) -> list[Any]:
        """function(item), or the Failure of it, for each item in order. tick: called while workers are waited for, beside the pool's own."""
        jobs = [_Job(lambda _worker, item=item: dump(("call", function, item))) for item in items]  # type: ignore[misc]
        self._run(jobs, progress, received, tick)
        return [job.result for job in jobs]

    # ---- both --------------------------------------------------------------------------------------------------------
    def _run(
        self,
        jobs: Sequence[_Job],
        progress: Callable[[int, int], None] | None = None,
        received: Callable[[int, Any], None] | None = None,
        tick: Callable[[], None] | None = None,
    ) -> None:
        own: list[deque[int]] = [deque() for _ in self.workers]
        shared: deque[int] = deque()
        for k, job in enumerate(jobs):
            (shared if job.owner is None else own[job.owner]).append(k)
        left = len(jobs)

        def finish(k: int, result: Any) -> None:
            nonlocal left
            jobs[k].result = result
            left -= 1
            if received is not None:
                received(k, result)
            if progress is not None:
                progress(len(jobs) - left, len(jobs))

        def again(k: int, worker: _Worker) -> None:
            """After the death of a worker: somebody else's turn, or its successor's."""
            how = worker.stop()
            jobs[k].deaths += 1
            if jobs[k].deaths == TRIES:
                told = f"a worker process died {TRIES} times over the same task; the last time {how or 'it was ended'}"
                finish(k, Failure(ExecutorError.__name__, told))
            else:
                owner = jobs[k].owner
                (shared if owner is None else own[owner]).appendleft(k)

        try:
            while left:
                for number, worker in enumerate(self.workers):
                    while worker.job is None and (own[number] or shared):
                        k = (own[number] or shared).popleft()
                        try:
                            if worker.connection is None:
                                worker.start()
                            message = jobs[k].message(worker)
                        except (pickle.PicklingError, AttributeError, TypeError) as error:
                            failure = Failure.of(error)
                            finish(k, replace(failure, message=f"cannot be sent to a worker: {error}"))
                            continue
                        try:
                            worker.send(message)
                            worker.job = k
                        except OSError:
                            again(k, worker)
                busy = {worker.connection: worker for worker in self.workers if worker.job is not None}
                for ready in connection.wait(list(busy), TICK) if busy else []:  # type: ignore[arg-type]
                    worker = busy[ready]  # type: ignore[index]
                    k, worker.job = worker.job, None  # type: ignore[assignment]
                    try:
                        answer = ready.recv_bytes()  # type: ignore[union-attr]
                    except (EOFError, OSError):
                        again(k, worker)
                        continue
                    finish(k, pickle.loads(answer)[1])
                for look in (self.tick, tick):
                    if look is not None:
                        look()
        except BaseException:
            for worker in self.workers:
                if worker.job is not None:
                    worker.kill()  # what it would still answer is no longer waited for
            raise

    def close(self) -> None:
        """End all workers; none is left afterwards."""
        for worker in self.workers:
            if worker.job is not None:
                worker.kill()
            elif worker.connection is not None:
                worker.connection.close()
                worker.connection = None
        for worker in self.workers:
            worker.stop()


class Beside:
    """One worker beside this process, which goes on with its own work: tasks are posted as they come up, and asked for later.

    Tasks and answers must be small (some hundred bytes): they wait in the socket while the other side is busy.
    """

    def __init__(self) -> None:
        self._worker = _Worker()
        self._worker.start()
        self._posted = 0
        self._answers: list[Any] = []

    def post(self, function: Callable[[Any], Any], item: Any) -> int:
        """Number of a task, for `result`."""
        with suppress(OSError):  # a worker that has died is found out in `result`
            self._worker.send(dump(("call", function, item)))
        self._posted += 1
        return self._posted - 1

    def result(self, number: int, until: float | None = None) -> Any:
        """function(item) of a task, as soon as it is there. Raises ProcessLookupError when the worker has died, when the task failed in
        it, and when it is not there `until` a time of time.perf_counter()."""
        connection = self._worker.connection
        while len(self._answers) <= number:
            left = None if until is None else max(until - time.perf_counter(), 0.0)
            try:
                if connection is None or not connection.poll(left):
                    break
                self._answers.append(pickle.loads(connection.recv_bytes())[1])
            except (EOFError, OSError):
                break
        if len(self._answers) <= number or isinstance(self._answers[number], Failure):
            raise ProcessLookupError("a worker gave no answer")
        return self._answers[number]

    def close(self) -> None:
        """End the worker, whatever it is doing."""
        self._worker.kill()
