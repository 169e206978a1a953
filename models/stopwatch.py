"""Where a solve's time goes: seconds inside the compiled kernel and inside HiGHS, added up over this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

#: name -> seconds since the process began; only grows
SECONDS: dict[str, float] = {}


def timed(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Add what a call takes to SECONDS[name], also where it raises. For what does not call itself: nested calls count twice."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **options: P.kwargs) -> R:
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                SECONDS[name] = SECONDS.get(name, 0.0) + time.perf_counter() - start

        return run

    return wrap


def since(before: dict[str, float]) -> dict[str, float]:
    """Seconds by name after an earlier copy of SECONDS was taken; names without any are left out."""
    spent = {name: seconds - before.get(name, 0.0) for name, seconds in SECONDS.items()}
    return {name: seconds for name, seconds in spent.items() if seconds > 0.0}
