"""Tasks that tests give to workers. Nothing heavy is imported: a worker imports this module."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def report(_: Any) -> dict[str, Any]:
    """What a worker has imported, and with how many threads its kernel runs."""
    from models.hours.kernel import threads

    heavy = {"pyomo", "highspy", "pandas", "pydantic", "click", "distributed"}
    return {"pid": os.getpid(), "heavy": sorted(heavy & set(sys.modules)), "threads": threads()}


def reciprocal(x: float) -> float:
    return 1.0 / x


def die_once(mark: str) -> str:
    """Killed the first time; whoever comes after finds the mark."""
    path = Path(mark)
    if not path.exists():
        path.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return path.read_text()


def die(how: str) -> str:
    if how == "always":
        os.kill(os.getpid(), signal.SIGKILL)
    return how


def die_at_once(_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_long(mark: str) -> None:
    """Takes long, and leaves word of who does it."""
    Path(mark).write_text(str(os.getpid()))
    time.sleep(120)


def solved(seed: int) -> tuple[float | None, bytes]:
    """Objective and dividends of a random problem."""
    from optimizer.engine.solve import solve_problem
    from tests.shared.random_problems import random_problem

    found = solve_problem(random_problem(seed))
    assert found.decisions is not None
    return found.objective, found.decisions.dividends.tobytes()


def serve_badly(pipe: Any, limit: float, small: bool) -> None:
    """In place of what serves structured cases: dies of seed 1, and hangs at seed 2."""
    from tests.fuzz.pool import serve
    from tests.fuzz.verdict import Verdict

    def judge(seed: int) -> Verdict:
        if seed == 1:
            os._exit(9)
        while seed == 2:
            pass
        return Verdict(seed, "fine", code=0)

    serve(pipe, limit, judge)
