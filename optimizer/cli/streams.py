"""Standard streams of a command: whatever becomes of them, the command does its work and ends with a code that tells the truth.

A full disk behind `> file`, a stream that was closed (`>&-`) and a reader that has gone (`| head`) are no reason to drop a long solve. So a
failure of stdout or stderr is kept, and nothing more is written there. In the end: of a reader that has gone nothing is said; what else kept
stdout from taking all of the answer is a failure of the command; stderr has nowhere to tell its own.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO


class _Kept(io.FileIO):
    """A file that takes all that is written; of its first failure on, for nothing. It leaves its handle open."""

    problem: OSError | None = None

    def write(self, data: Any) -> int:
        if self.problem is None:
            try:
                while (count := super().write(data)) is None:  # somebody else has made it one that does not wait
                    select.select([], [self], [])
                return count
            except OSError as problem:
                self.problem = problem
        return memoryview(data).nbytes


def lost(problem: OSError | None) -> str | None:
    """Why something was not written, in words; None where all was, or where nobody wanted it any more."""
    if problem is None or isinstance(problem, BrokenPipeError):
        return None
    if problem.errno == errno.EBADF:
        return "it is closed"
    told = problem.strerror or str(problem)
    return told[:1].lower() + told[1:]


@contextmanager
def kept() -> Iterator[Callable[[], str | None]]:
    """Streams that do not fail, inside. What it gives tells why stdout has not taken all, in words; None where it has.

    Only the streams that Python began with are changed: who has put others in their place sees to these.
    """
    _reserve()
    before = sys.stdout, sys.stderr
    out, sys.stdout = _stream(sys.stdout, sys.__stdout__, 1)
    err, sys.stderr = _stream(sys.stderr, sys.__stderr__, 2)

    def why() -> str | None:
        sys.stdout.flush()
        return None if out is None else lost(out.problem)

    try:
        yield why
    finally:
        for stream, raw in ((sys.stdout, out), (sys.stderr, err)):
            if raw is not None:
                stream.flush()
        sys.stdout, sys.stderr = before


def _reserve() -> None:
    """A number from 0 to 2 that is free would go to the next file that is opened, and what is printed into that file.

    What takes its place: for stderr one that swallows all; for stdout one that takes nothing, as what it was to tell is lost.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            handle = os.open(os.devnull, mode)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            os.set_inheritable(number, True)


def _stream(now: TextIO | None, first: TextIO | None, number: int) -> tuple[_Kept | None, TextIO]:
    """(what is below, the stream) in place of one that Python began with; another one is left as it is."""
    if now is None:  # closed before Python began
        encoding, errors, told_at_once = "utf-8", "backslashreplace", number == 2
    elif now is first and isinstance(now, io.TextIOWrapper):
        now.flush()
        encoding, errors, told_at_once = now.encoding, now.errors or "strict", now.line_buffering
        number = now.fileno()
    else:
        return None, now
    raw = _Kept(number, "w", closefd=False)
    newline = "\n" if os.name == "posix" else None
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, newline, line_buffering=told_at_once)
    return raw, stream
