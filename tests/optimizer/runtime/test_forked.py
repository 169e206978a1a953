"""A call in a forked copy: the same answer, the same error, and the same answer where the copy is lost or cannot be made."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from optimizer.runtime import forked
from optimizer.runtime.forked import Forked


def test_the_answer_comes_from_a_copy_that_knows_what_this_process_knows() -> None:
    held = bytes(range(256)) * 5000  # more than a pipe holds
    with Forked(lambda: (os.getpid(), held)) as apart:
        there, told = apart.result()
        assert told == held and there != os.getpid()
        assert apart.result()[0] == there  # asked once
    with pytest.raises(ChildProcessError):
        os.waitpid(there, os.WNOHANG)


def test_what_it_raises_is_raised_here() -> None:
    def fail() -> int:
        raise ValueError("no workbook of this")

    with Forked(fail) as apart, pytest.raises(ValueError, match="no workbook of this"):
        apart.result()


def test_a_copy_that_is_killed_leaves_the_call_to_this_process() -> None:
    here = os.getpid()

    def work() -> str:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return "done here"

    with Forked(work) as apart:
        assert apart.result() == "done here"


@pytest.mark.parametrize("how", ["one core", "no fork"])
def test_where_no_copy_can_be_made_the_call_is_made_here(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> Any:
        raise BlockingIOError("too many processes")

    if how == "one core":
        monkeypatch.setattr(forked.os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(forked.os, "fork", refused)
    before = set(os.listdir("/proc/self/fd"))
    with Forked(os.getpid) as apart:
        assert apart.result() == os.getpid()
    assert len(set(os.listdir("/proc/self/fd")) - before) == 0


def test_an_answer_that_nobody_waits_for_is_given_up() -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Forked(lambda: time.sleep(60)):
        raise KeyboardInterrupt
    assert time.monotonic() - start < 30
