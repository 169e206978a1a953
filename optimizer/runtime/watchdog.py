"""Limits that nothing can ignore: a thread looks at the clock and at the memory of the process and its workers, and ends all of them.

HiGHS is asked to stop at a time limit and does so at its next step; a step may be long, and memory has no such question. So where a limit is
passed the run ends there and then, with the bounds it had: nothing is half written, as results change places as a whole.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: seconds between two looks
EVERY = 0.1
#: seconds (and share of the limit) that HiGHS has to stop by itself after the time limit
GRACE, GRACE_SHARE = 3.0, 0.1
GIGABYTE = 1e9


class Watchdog:
    """A context manager. seconds, gigabytes: limits, None: none. ended: called with the reason in words before the process ends with `code`.

    Raises ValueError for a memory limit where the system does not tell how much is held.
    """

    def __init__(self, seconds: float | None, gigabytes: float | None, ended: Callable[[str], None], code: int) -> None:
        self.deadline = None if seconds is None else time.perf_counter() + seconds + max(GRACE, GRACE_SHARE * seconds)
        self.seconds, self.gigabytes, self.ended, self.code = seconds, gigabytes, ended, code
        if gigabytes is not None and held(os.getpid()) is None:
            raise ValueError("this system does not tell how much memory a process holds: a memory limit cannot be kept")
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Watchdog:
        if self.deadline is not None or self.gigabytes is not None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *trouble: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            why = self.passed()
            if why is not None and not self._over.is_set():
                with suppress(Exception):
                    self.ended(why)
                with suppress(OSError, ValueError):
                    sys.stdout.flush()
                    sys.stderr.flush()
                for pid in family(os.getpid())[1:]:
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                os._exit(self.code)

    def passed(self) -> str | None:
        """The limit that has been passed, in words; None while there is none."""
        if self.deadline is not None and time.perf_counter() > self.deadline:
            return f"the time limit of {self.seconds:g} s has passed and the solver does not stop by itself"
        if self.gigabytes is not None:
            total = sum(held(pid) or 0 for pid in family(os.getpid())) / GIGABYTE
            if total > self.gigabytes:
                return f"the memory limit of {self.gigabytes:g} GB has been passed: {total:.2f} GB held"
        return None


def held(pid: int) -> int | None:
    """Bytes of memory that a process holds; None where that is not told."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def family(pid: int) -> list[int]:
    """A process and all that it has started, and these, first itself."""
    out, at = [pid], 0
    while at < len(out):
        for task in Path(f"/proc/{out[at]}/task").glob("*/children"):
            with suppress(OSError):
                out += [int(child) for child in task.read_text().split() if int(child) not in out]
        at += 1
    return out
