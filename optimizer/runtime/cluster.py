"""Workers of a Dask cluster. Hours are made by a task of their own, so the scheduler makes them again when the worker that holds them dies.

The scheduler and its workers are trusted: Dask sends Python objects as pickles, and who answers at the address can run code here, as this
process runs code there. So an address is one of one's own cluster; `tls://` keeps others out. What answers at it by mistake, silent, slow or
with rubbish, is told in a sentence within `ANSWER + GREETING + HANDSHAKE` seconds.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from optimizer.runtime.own_process import call_apart
from optimizer.runtime.worker import ExecutorError, Failure, differences, dump, hold_checked, stamp, work_out_shared

if TYPE_CHECKING:
    from models.hours.site_hours import SiteHours

ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+):(\d{1,5})/?")
#: seconds to wait for an answer at the address, for a scheduler's greeting, for all that comes before work, for its workers
ANSWER, GREETING, HANDSHAKE, WORKERS = 3.0, 4.0, 6.0, 5.0
#: seconds for all workers to tell their versions: one that has just begun imports half a library first
VERSIONS = 60.0
#: seconds to take leave of a scheduler
LEAVE = 2.0
#: bytes of a scheduler's greeting, which begins with their number
LONGEST_GREETING = 1 << 20
#: seconds without the scheduler, and without any worker, after which a run is given up
SILENCE, ALONE = 10.0, 30.0
#: seconds between two looks at the clock and at the cluster
TICK, LOOK = 0.2, 2.0


class Cluster:
    """Workers behind the scheduler at `address`. size: pieces that the hours of a site are cut into; None: one for each worker."""

    def __init__(self, address: str, size: int | None = None, tick: Callable[[], None] | None = None) -> None:
        try:
            import distributed
        except ImportError:
            raise ExecutorError(
                "--scheduler needs the package distributed: pip install 'wattfolio[distributed]', here and on the workers"
            ) from None
        self.address, self.tick = address, tick
        self._reach(address)
        # what Dask would say of a lost connection, a lost worker or a large task is said here, or is no trouble
        self._loggers = [(log, log.level) for log in map(logging.getLogger, ("distributed", "tornado.application"))]
        for log, _ in self._loggers:
            log.setLevel(logging.CRITICAL + 1)
        self._distributed = distributed
        self._client: Any = None
        self._loop = _Loop()
        try:
            self._connect()
            workers = self._wait_for_workers(size)
            self._compare()
        except BaseException:
            self.close()
            raise
        self.size = size or workers

    def _connect(self) -> None:
        """A client of the scheduler, in time or not at all."""

        class Client(self._distributed.Client):  # type: ignore[misc, name-defined]
            def __del__(self) -> None:
                """It is closed by `close`, also where it was never made as a whole."""

        with self._calm(), self._answers(HANDSHAKE, "it said no more after its greeting"):
            self._client = Client(self.address, timeout=GREETING, set_as_default=False, name="wattfolio", loop=self._loop.io)

    @contextmanager
    def _answers(self, seconds: float, late: str) -> Iterator[None]:
        """What is asked of the scheduler inside is answered in time, and as a scheduler answers. Raises ExecutorError."""
        try:
            with self._loop.within(seconds):
                yield
        except TimeoutError:
            raise ExecutorError(f"what listens at {self.address} does not answer as a Dask scheduler: {late}") from None
        except ExecutorError:
            raise
        except Exception as problem:  # rubbish makes Dask fail in as many ways as there is rubbish
            message = f"what listens at {self.address} does not answer as a Dask scheduler ({_first_line(problem)})"
            raise ExecutorError(message) from None

    @staticmethod
    def _reach(address: str) -> None:
        """Find out quickly and in plain words whether a scheduler listens: Dask itself would wait for ever for somebody else's greeting."""
        found = ADDRESS.fullmatch(address)
        if found is None or not 0 < int(found[3]) < 65536:
            raise ExecutorError(f'"{address}" is not the address of a scheduler, as in tcp://192.0.2.7:8786')
        host, port = found[2].strip("[]"), int(found[3])
        try:
            with socket.create_connection((host, port), timeout=ANSWER) as found_one:
                if found[1] == "tls":
                    return  # there the client speaks first
                try:
                    greeted = _is_greeting(_greeting(found_one, time.monotonic() + GREETING))
                except OSError:
                    greeted = False
            if not greeted:
                raise ExecutorError(f"what listens at {address} does not answer as a Dask scheduler")
        except socket.gaierror:
            raise ExecutorError(f"no scheduler at {address}: there is no machine named {host}") from None
        except TimeoutError:
            raise ExecutorError(f"no scheduler at {address}: no answer within {ANSWER:g} s") from None
        except OSError as problem:
            why = (problem.strerror or str(problem)).lower()
            raise ExecutorError(f"no scheduler at {address}: {why}. Start one with: dask scheduler --port {port}") from None

    def _wait_for_workers(self, wanted: int | None) -> int:
        """How many there are: at least one, and those wanted if they come in time."""
        end = time.monotonic() + WORKERS
        while True:
            with self._answers(HANDSHAKE, "it does not tell its workers"):
                there = len(self._client.nthreads())
            if there >= (wanted or 1):
                return there
            if time.monotonic() > end:
                break
            self._pause()
        if not there:
            raise ExecutorError(f"the scheduler at {self.address} has no workers. Start some with: dask worker {self.address}")
        return there

    def _pause(self) -> None:
        if self.tick is not None:
            self.tick()
        time.sleep(TICK)

    def _compare(self) -> None:
        """All workers must give the same numbers as this process would."""
        told = []
        with self._calm(), self._answers(VERSIONS, f"its workers did not tell their versions within {VERSIONS:g} s"):
            found = self._client.run(stamp, on_error="return")
            for worker, there in sorted(found.items()):
                if isinstance(there, Exception):
                    told.append(f"{worker} cannot import wattfolio ({_first_line(there)})")
                elif other := differences(there, stamp()):
                    told.append(f"{worker} has {other}")
        if told:
            raise ExecutorError("all workers must have the versions that are here:\n  " + "\n  ".join(told))

    # ---- hours -------------------------------------------------------------------------------------------------------
    def hold(self, make: Callable[[], SiteHours]) -> Any:
        """A piece of hours on the next worker. Its arrays travel once; they stay with the scheduler for a successor."""
        workers = sorted(self._client.nthreads())
        self._next = (getattr(self, "_next", -1) + 1) % max(len(workers), 1)
        with self._calm():
            return self._client.submit(
                hold_checked,
                dump(make()),
                stamp(),
                workers=workers[self._next : self._next + 1] or None,
                allow_other_workers=bool(workers),
                pure=False,
            )

    def forget(self, pieces: Sequence[Any]) -> None:
        for piece in pieces:
            piece.release()

    def work_out(self, pieces: Sequence[Any], requests: Sequence[bytes]) -> list[Any]:
        """The answer of each piece to its request, in order."""
        with self._calm():
            asked = [
                self._client.submit(work_out_shared, piece, request, pure=False)
                for piece, request in zip(pieces, requests, strict=True)
            ]
            for _ in self._as_they_come(asked):
                pass
            answers = [self._result(one) for one in asked]
        for answer in answers:
            if isinstance(answer, Failure):
                if answer.kind == ExecutorError.__name__:
                    raise ExecutorError(answer.message)
                raise RuntimeError(f"in a worker: {answer.trace}")
        return answers

    # ---- tasks -------------------------------------------------------------------------------------------------------
    def map(
        self,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        progress: Callable[[int, int], None] | None = None,
        received: Callable[[int, Any], None] | None = None,
    ) -> list[Any]:
        """function(item), or the Failure of it, for each item in order; each in a process of its own on a worker."""
        results: list[Any] = [None] * len(items)
        asked: dict[Any, int] = {}
        with self._calm():
            for k, item in enumerate(items):
                try:
                    payload = dump((function, item))
                except (pickle.PicklingError, AttributeError, TypeError) as error:
                    results[k] = Failure(type(error).__name__, f"cannot be sent to a worker: {error}")
                    continue
                asked[self._client.submit(call_apart, payload, stamp(), pure=False)] = k
            done = len(items) - len(asked)
            for future in self._as_they_come(list(asked)):
                results[asked[future]] = self._result(future)
                done += 1
                if received is not None:
                    received(asked[future], results[asked[future]])
                if progress is not None:
                    progress(done, len(items))
        return results

    # ---- both --------------------------------------------------------------------------------------------------------
    def _as_they_come(self, futures: list[Any]) -> Iterator[Any]:
        """Each future when it is done. Raises ExecutorError where nobody is left to do it."""
        pending = set(futures)
        silent = alone = None
        look = time.monotonic() + LOOK
        while pending:
            try:
                with self._client.as_current():
                    done = self._distributed.wait(pending, timeout=TICK, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                done = set()
            except self._distributed.CancelledError:
                raise ExecutorError(f"lost the scheduler at {self.address}, or it was restarted") from None
            pending -= done
            yield from (future for future in futures if future in done)
            if self.tick is not None:
                self.tick()
            now = time.monotonic()
            if not pending or now < look:
                continue
            look = now + LOOK
            if self._client.status != "running":
                silent = silent or now
                if now - silent > SILENCE:
                    raise ExecutorError(f"lost the scheduler at {self.address}")
                continue
            silent = None
            try:
                alone = None if self._client.nthreads() else alone or now
            except OSError:
                continue
            if alone is not None and now - alone > ALONE:
                raise ExecutorError(f"the scheduler at {self.address} has lost all its workers, and none came for {ALONE:g} s")

    def _result(self, future: Any) -> Any:
        """What a finished future holds: a result, or a Failure."""
        if future.status == "finished":
            return future.result()
        if future.status != "error":
            raise ExecutorError(f"lost the scheduler at {self.address}, or it was restarted")
        error = future.exception()
        if isinstance(error, self._distributed.scheduler.KilledWorker):
            last = getattr(error.last_worker, "address", "unknown")
            return Failure(ExecutorError.__name__, f"several workers died over the same task, the last one was {last}")
        return Failure.of(error)

    @contextmanager
    def _calm(self) -> Iterator[None]:
        """No warning where a task carries many arrays: it is meant to."""
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            yield

    def close(self) -> None:
        """Take back what was asked for and leave the cluster as it was."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):  # of a scheduler that has gone or was none there is no leave to take
                client.close(timeout=LEAVE)
        self._loop.close()
        for log, level in self._loggers:
            log.setLevel(level)


class _Loop:
    """The thread that talks to the scheduler. What hangs in it is dropped when its time is over, and all the rest when it is closed."""

    def __init__(self) -> None:
        self.io: Any = None  # of tornado, as Dask takes it
        self._started, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="scheduler", daemon=True)
        self._thread.start()
        self._started.wait()

    async def _run(self) -> None:
        from tornado.ioloop import IOLoop

        self.io, self._own = IOLoop.current(), asyncio.current_task()
        self._started.set()
        await self._end.wait()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What is waited for inside is given up after so many seconds. Raises TimeoutError then."""
        late = threading.Event()

        def drop() -> None:
            late.set()
            for task in asyncio.all_tasks(self.io.asyncio_loop):
                if task is not self._own:
                    task.cancel()

        timer = threading.Timer(seconds, lambda: self.io.add_callback(drop))
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception:
            if not late.is_set():
                raise
        finally:
            timer.cancel()
        if late.is_set():
            raise TimeoutError

    def close(self) -> None:
        """End the thread; tasks that are left are cancelled, and connections with them. More than once is no harm."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # it has just ended
                self.io.add_callback(self._end.set)
            self._thread.join(LEAVE)


def _greeting(connection: socket.socket, end: float) -> bytes:
    """What a scheduler says first, after the eight bytes of its length; b"" where that is none. Raises OSError, also where time is over."""
    (length,) = struct.unpack("=Q", _exactly(connection, 8, end))
    return _exactly(connection, length, end) if length < LONGEST_GREETING else b""


def _exactly(connection: socket.socket, count: int, end: float) -> bytes:
    """So many bytes until the clock shows `end`, however few come at a time. Raises OSError."""
    found = bytearray()
    while len(found) < count:
        left = end - time.monotonic()
        if left <= 0.0:
            raise TimeoutError
        connection.settimeout(left)
        more = connection.recv(count - len(found))
        if not more:
            raise ConnectionResetError
        found += more
    return bytes(found)


def _is_greeting(found: bytes) -> bool:
    """One frame or more, their number and lengths first; the first one is a mapping that tells Python's version, in msgpack (no pickle)."""
    import msgpack

    try:
        (count,) = struct.unpack_from("=Q", found)
        if not 0 < count < len(found):
            return False
        (first,) = struct.unpack_from("=Q", found, 8)
        begin = 8 * (count + 1)
        told = msgpack.unpackb(found[begin : begin + first], strict_map_key=False)
    except (struct.error, ValueError, msgpack.exceptions.UnpackException):
        return False
    return isinstance(told, dict) and "python" in told


def _first_line(problem: BaseException) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
