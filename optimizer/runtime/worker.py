"""What runs in a worker: it holds hours and works out splits of them, or does one task after the other.

Imported by every worker, on this machine or another, so nothing but the standard library is imported on sight.
"""

from __future__ import annotations

import functools
import os
import pickle
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.hours.site_hours import SiteHours

#: what makes the numbers; versions must be equal on all workers
NUMBER_MAKERS = ("numpy", "numba", "llvmlite", "scipy", "highspy", "pyomo")


class ExecutorError(RuntimeError):
    """Workers cannot do what was asked of them: what is wrong and what to do about it, in a sentence or two."""


@dataclass(frozen=True)
class Failure:
    """A task without a result: the kind of its exception, what it said, and its traceback."""

    kind: str
    message: str
    trace: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        return cls(type(error).__name__, str(error), "".join(traceback.format_exception(error)))


# ---- who is who ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def stamp() -> tuple[tuple[str, str], ...]:
    """(name, version) of all that makes the numbers here, and a digest of our own sources."""
    import hashlib
    from importlib import metadata
    from pathlib import Path

    from optimizer.version import __version__

    def version(name: str) -> str:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return "none"

    digest = hashlib.sha256()
    root = Path(__file__).parents[2]
    for folder in ("models", "optimizer"):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    made = [("wattfolio", __version__), ("python", python), *((name, version(name)) for name in NUMBER_MAKERS)]
    return (*made, ("sources of wattfolio", digest.hexdigest()[:12]))


def differences(there: tuple[tuple[str, str], ...], here: tuple[tuple[str, str], ...]) -> str:
    """What differs between two stamps, in words; empty where nothing does."""
    other = dict(there)
    return ", ".join(
        f"{name} {other.get(name, 'none')} (here {version})" for name, version in here if other.get(name, "none") != version
    )


# ---- hours -----------------------------------------------------------------------------------------------------------

#: the kernel shares out its blocks to threads by itself and is not to be entered by two at once
_KERNEL = threading.Lock()


class Piece:
    """Hours held by a worker. Pickled in one stream, because arrays that travel as buffers of their own arrive read-only, and the
    kernel would be compiled again for these."""

    def __init__(self, hours: SiteHours) -> None:
        self.hours = hours

    def __reduce__(self) -> tuple[Any, ...]:
        return load, (dump(self.hours),)

    def __sizeof__(self) -> int:
        from dataclasses import fields, is_dataclass

        def size(value: Any) -> int:
            if is_dataclass(value) and not isinstance(value, type):
                return sum(size(getattr(value, field.name)) for field in fields(value))
            return sum(map(size, value)) if isinstance(value, tuple) else int(getattr(value, "nbytes", 0))

        return size(self.hours)


def dump(value: Any) -> bytes:
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def load(payload: bytes) -> Piece:
    return Piece(pickle.loads(payload))


def work_out(piece: Piece, request: bytes, threads: int | None = None) -> Any:
    """The split of a piece; request: (capacity, alpha, rho) pickled. threads: for the kernel, None: as it was."""
    arguments = pickle.loads(request)
    with _KERNEL:
        if threads is not None:
            from models.hours.kernel import use_threads

            use_threads(threads)
        return piece.hours.recourse_solution(*arguments)


# ---- a process of this machine ---------------------------------------------------------------------------------------


def serve(handle: int, parent: int) -> None:
    """Do what comes through the socket `handle`, one message after the other, until the other side is gone. parent: the process there.

    Messages: ('hours', key, payload or None, request), ('call', function, item), ('forget', keys). Answers: (True, value) or
    (False, Failure); nothing to 'forget'.
    """
    import signal
    from multiprocessing.connection import Connection

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this process ends it
    _end_with_parent(parent)
    connection: Connection = Connection(handle)
    held: dict[Any, Piece] = {}
    try:
        import models.hours.kernel  # what hours need, while there is nothing else to do
        import models.hours.site_hours

        models.machine_code.leave_notes_to_parent()
        models.hours.kernel.ready()
    except Exception:
        pass  # told when hours are asked for
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            os._exit(0)
        answer = _obey(message, held)
        if answer is None:
            continue
        try:
            connection.send_bytes(answer)
        except OSError:
            os._exit(0)


def _obey(message: bytes, held: dict[Any, Piece]) -> bytes | None:
    try:
        what, *rest = pickle.loads(message)
        if what == "forget":
            for key in rest[0]:
                held.pop(key, None)
            return None
        if what == "hours":
            key, payload, request = rest
            if payload is not None:
                held[key] = load(payload)
            return dump((True, work_out(held[key], request)))
        function, item = rest
        return dump((True, function(item)))
    except Exception as error:
        return dump((False, Failure.of(error)))


def _end_with_parent(parent: int) -> None:
    """Where the system can: killed with the process that started this one, even in the middle of a long task.

    Of a process that was gone before, the system says nothing, and its first task may be in the socket already.
    """
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)


# ---- a worker of a cluster -------------------------------------------------------------------------------------------

#: what each thread of a worker keeps: its process of its own (`own_process`)
OWN = threading.local()


def hold_checked(payload: bytes, expected: tuple[tuple[str, str], ...]) -> Piece:
    """Hold hours on a worker of a cluster, provided that it would give the same numbers."""
    check_versions(expected)
    return load(payload)


def work_out_shared(piece: Piece, request: bytes) -> Any:
    """`work_out` on a worker of a cluster, with as many threads as it was given."""
    from distributed import get_worker

    return work_out(piece, request, get_worker().state.nthreads)


def check_versions(expected: tuple[tuple[str, str], ...]) -> None:
    """Raises ExecutorError where this worker would not give the numbers of who asks."""
    other = differences(stamp(), expected)
    if other:
        raise ExecutorError(f"a worker has other versions: {other}")
