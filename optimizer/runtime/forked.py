"""A call that goes on in a forked copy of this process while this one does something else.

For what reads what there is and gives bytes back, in plain Python: a copy has no solver's threads and must not solve.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Forked(Generic[T]):
    """`with Forked(call) as apart: ...; apart.result()`: what call() returns, or raises.

    Where there is no second core, where a process cannot be copied, or where the copy ends without an answer (killed for want of
    memory), `result` makes the call here: the answer is the same.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._pid = 0
        self._reader = -1
        self._known: list[T] = []

    def __enter__(self) -> Forked[T]:
        if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
            return self
        try:
            self._reader, writer = os.pipe()
        except OSError:
            return self
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", DeprecationWarning
                )  # threads of the solver are parked, and the copy does not solve
                self._pid = os.fork()
            if self._pid == 0:
                self._answer(writer)
        except OSError:
            pass  # `result` makes the call here
        os.close(writer)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._reader >= 0:
            os.close(self._reader)
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
        self._pid, self._reader = 0, -1

    def result(self) -> T:
        """What the call returned, asked for once or more often; raises what it raised."""
        if not self._known:
            self._known = [self._found()]
        return self._known[0]

    def _found(self) -> T:
        answer = b""
        if self._pid:
            with os.fdopen(self._reader, "rb", closefd=False) as pipe:
                answer = pipe.read()
        if not answer:
            return self._call()
        done, value = pickle.loads(answer)
        if not done:
            raise value
        return value  # type: ignore[no-any-return]

    def _answer(self, writer: int) -> None:
        """The copy's part: it does nothing but the call, and never returns."""
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # who made this copy ends it
            try:
                answer = pickle.dumps((True, self._call()))
            except Exception as problem:
                answer = pickle.dumps((False, problem))
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(answer)
        finally:
            os._exit(0)
