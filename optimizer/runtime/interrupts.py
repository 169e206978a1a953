"""Ctrl-C and deadlines while HiGHS runs, which hears neither by itself.

Python handles a signal when its main thread comes back to Python code, and HiGHS may stay away for minutes. So HiGHS is asked to call back
as it goes along (each simplex iteration, each step of the interior point method): there the signal is noticed, the clock read, and HiGHS told
to stop. Nothing is raised inside a callback: HiGHS would swallow it or be left in pieces.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

#: seconds between two calls of `pulse`
PULSE = 0.2
#: seconds after which a process that is deep in a solver ends without it
PATIENCE = 3.0


#: where Python keeps what imports a module
IMPORTING = "<frozen importlib._bootstrap>"


def hear(number: int, frame: FrameType | None) -> None:
    """The handler of Ctrl-C until a run begins: inside an import the process ends there and then, code 130; elsewhere KeyboardInterrupt.

    Modules catch what goes wrong while they are imported, and some take an interrupt for a part that is missing. So nothing is raised there.
    """
    inner = frame
    while inner is not None:
        if inner.f_code.co_filename == IMPORTING:
            exit_interrupted()
        inner = inner.f_back
    signal.default_int_handler(number, frame)


def exit_interrupted() -> NoReturn:
    """The process ends here, as interrupted."""
    with suppress(OSError):
        os.write(2, b"\r\x1b[2Kinterrupted\n" if os.isatty(2) else b"interrupted\n")
    os._exit(130)


class Watch:
    """A context manager around runs of one HiGHS instance, which calls `look` on its way.

    A signal that came during the run gets to its handler when the run is over, which is soon. deadline: time.perf_counter() at which a run
    is to stop. patience: looks (about one for each step) after which a run is `tired`, counted from `begin`: a clock would tell how busy the
    machine is. pulse: called every now and then.
    """

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.patience: float | None = None
        self.looks = 0
        self.tired = self.asked = False
        self.pulse: Callable[[], None] | None = None
        self.next = 0.0
        self.pressed: tuple[int, FrameType | None] | None = None
        self.trouble: BaseException | None = None
        self.handler: Any = None

    def begin(self, patience: float | None) -> None:
        """Count from here."""
        self.patience, self.looks, self.tired = patience, 0, False

    def until(self, deadline: float | None, pulse: Callable[[], None] | None) -> Watch:
        """For the next run."""
        self.deadline, self.pulse = deadline, pulse
        return self

    def look(self, event: Any) -> None:
        """HiGHS's callback: asks it to stop where it should."""
        now = time.perf_counter()
        self.looks += 1
        if self.pulse is not None and now > self.next:
            self.next = now + PULSE
            try:
                self.pulse()
            except BaseException as error:
                self.trouble = error
        stop = self.pressed is not None or self.trouble is not None or (self.deadline is not None and now > self.deadline)
        self.tired = self.tired or (not stop and self.patience is not None and self.looks > self.patience)
        if stop or self.tired or self.asked:
            self.asked = stop or self.tired
            event.interrupt(self.asked)  # HiGHS remembers it until it is told otherwise

    def __enter__(self) -> Watch:
        self.pressed, self.trouble, self.handler = None, None, None
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self.handler = handler
                signal.signal(signal.SIGINT, self._press)
        return self

    def _press(self, number: int, frame: FrameType | None) -> None:
        self.pressed = (number, frame)

    def __exit__(self, *trouble: object) -> None:
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
            if self.pressed is not None:
                self.handler(*self.pressed)
        if self.trouble is not None:
            raise self.trouble


@contextmanager
def prompt(patience: float = PATIENCE) -> Iterator[None]:
    """A process that answers Ctrl-C within `patience` seconds, though HiGHS be in a step that takes longer: it ends there and then, code 130.

    For the command line, around what writes nothing. A thread that does nothing but wait for the signal does it: HiGHS lets go of Python's
    lock while it runs.
    """
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        yield
        return
    handled = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if before not in (signal.default_int_handler, hear):
        yield
        return

    def handler(number: int, frame: FrameType | None) -> None:
        handled.set()
        signal.default_int_handler(number, frame)

    read, write = os.pipe()
    os.set_blocking(write, False)

    def wait() -> None:
        with suppress(OSError):
            while signals := os.read(read, 64):
                if signal.SIGINT in signals:
                    if not handled.wait(patience):
                        exit_interrupted()
                    return

    thread = threading.Thread(target=wait, name="interrupts", daemon=True)
    former = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, handler)
    thread.start()
    try:
        yield
    finally:
        signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # a run holds a folder by now: it is to be let go of, also out of an import
        signal.set_wakeup_fd(former)
        os.close(write)  # the thread reads the end of the pipe
        thread.join()
        os.close(read)
