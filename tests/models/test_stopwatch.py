"""Seconds are added up by name, and a solution tells those of its own solve."""

from __future__ import annotations

import pytest

from models import stopwatch
from models.stopwatch import SECONDS, since, timed
from optimizer.engine.solve import solve_problem
from tests.shared.tiny import rig_of, site_of, tiny


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is a second later, and nothing was timed before."""
    now = iter(range(100))
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: float(next(now)))
    monkeypatch.setattr(stopwatch, "SECONDS", {})


@pytest.mark.usefixtures("ticks")
def test_calls_add_up_also_those_that_raise() -> None:
    @timed("work")
    def work(x: int) -> int:
        return 10 // x

    assert work(5) == 2
    assert stopwatch.SECONDS == {"work": 1.0}
    before = dict(stopwatch.SECONDS)
    with pytest.raises(ZeroDivisionError):
        work(0)
    work(1)
    assert since(before) == {"work": 2.0}
    assert since(dict(stopwatch.SECONDS)) == {}


def test_a_solution_tells_its_seconds_in_kernel_and_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    p = tiny(scenarios=2)
    p = tiny(scenarios=2, sites=(site_of(p),), rigs=(rig_of(p),))
    for name in ("kernel", "highs"):
        monkeypatch.setitem(SECONDS, name, 1e6)  # somebody else's; what tests with clocks of their own have left there is more
    stages = {method: solve_problem(p, method=method).timings for method in ("cuts", "extensive")}
    for timings in stages.values():
        within = sum(seconds for name, seconds in timings.items() if name in ("kernel", "highs"))
        assert timings["highs"] > 0.0 and within < sum(timings.values()) - within
    assert 0.0 < stages["cuts"]["kernel"] < 1e3 and "kernel" not in stages["extensive"]
