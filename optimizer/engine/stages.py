"""The stages of a solve: who is told of them, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from models.stopwatch import SECONDS, since

#: called as progress(stage, **numbers); may have a method `tick`, called now and then while the solver runs
Progress = Callable[..., None]


def silent(stage: str, **numbers: float) -> None:
    """Progress that nobody watches."""


class Stages:
    """`with stages("books"):` tells that a stage begins, and adds up its seconds."""

    def __init__(self, progress: Progress = silent) -> None:
        self.progress = progress
        self._seconds: dict[str, float] = {}
        self._begun = dict(SECONDS)

    @contextmanager
    def __call__(self, name: str, **numbers: float) -> Iterator[None]:
        self.progress(name, **numbers)
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def pulse(self) -> Any:
        """What the solver calls on its way; None where nobody waits."""
        return getattr(self.progress, "tick", None)

    def timings(self) -> dict[str, float]:
        """Seconds by stage so far, and within them in the 'kernel' and in 'highs'."""
        return self._seconds | since(self._begun)
