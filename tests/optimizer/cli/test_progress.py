"""What a long run says: bounds, gap and rounds as they come, what is left where it can be known, and not too often."""

from __future__ import annotations

import io
import itertools
import math
import os
import sys
from typing import Any

import pytest

from optimizer.cli.progress import CLEAR, FINAL_GAP, FINAL_MISS, LINE_SECONDS, Progress, time_left
from optimizer.engine.solve import solve_problem
from tests.shared.random_problems import random_problem


class Clock:
    """Time that goes by when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def watched(live: bool, **options: Any) -> tuple[Progress, io.StringIO, Clock]:
    stream, clock = io.StringIO(), Clock()
    return Progress(stream, live=live, clock=clock, **options), stream, clock


def rounds(count: int, factor: float, first: float = 1.0, seconds: float = 2.0) -> list[tuple[float, float | None, float | None]]:
    """Misses that fall by a factor each round."""
    return [(10.0 + seconds * k, None, first * factor**k) for k in range(count)]


def test_elsewhere_a_line_comes_every_few_seconds_and_not_for_each_event() -> None:
    progress, stream, clock = watched(live=False)
    with progress:
        progress("build")
        for k in range(1000):  # 100 s of rounds and branches in turn
            clock.now = 0.1 * k
            progress("cuts", round=k, cuts=10 * k, added=1, miss=1e6, upper=5e8)
            progress("branch", branches=k, open=2)
            progress.tick()
    lines = stream.getvalue().splitlines()
    assert lines[0].split() == ["0.0", "s", "build"] and "round 0" in lines[1] and "branch" in lines[2]
    times = [float(line.split()[0]) for line in lines[2:]]
    assert len(times) == pytest.approx(100 / LINE_SECONDS, abs=2)
    assert all(b - a >= LINE_SECONDS - 0.1 for a, b in itertools.pairwise(times))
    assert "\r" not in stream.getvalue() and "\x1b" not in stream.getvalue()


def test_a_stage_that_says_nothing_is_still_seen_to_run() -> None:
    progress, stream, clock = watched(live=False)
    progress.tick()  # nothing has begun
    progress("solve", rows=12345)
    for k in range(1, 121):
        clock.now = 0.1 * k
        progress.tick()
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["0.0", "5.0", "10.0"] and all("12,345 rows" in line for line in lines)


def test_the_live_line_tells_bounds_gap_cuts_and_round() -> None:
    progress, stream, clock = watched(live=True)
    clock.now = 12.34
    progress("cuts", round=3, cuts=2052, added=324, miss=1.5e6, upper=1.50842317e8, lower=1.508e8)
    line = stream.getvalue().split(CLEAR)[-1]
    assert line == "  12.3 s  round 3  2,052 cuts  upper 150.8423 MUSD  lower 150.8 MUSD  gap 0.00028"
    clock.now = 13.0
    progress("cuts", round=4, cuts=2060, added=8, miss=1.5e6, upper=1.508e8)
    assert stream.getvalue().split(CLEAR)[-1] == "  13.0 s  round 4  2,060 cuts  upper 150.8 MUSD  missed by 1.5 MUSD"
    clock.now = 14.0
    progress.tick()
    assert stream.getvalue().split(CLEAR)[-1].startswith("  14.0 s  round 4")
    shown = stream.getvalue()
    clock.now += 0.01
    progress.tick()
    progress("cuts", round=5, cuts=2061, added=1, miss=1.0, upper=1.508e8)
    assert stream.getvalue() == shown, "more often than anybody can read"
    progress.__exit__()
    assert stream.getvalue().endswith(CLEAR)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="pseudo-terminals of a POSIX system")
def test_the_live_line_is_as_wide_as_the_terminal() -> None:
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        with open(theirs, "w", closefd=False) as stream:
            progress = Progress(stream)
            assert progress.live
            progress("a stage with a name that is longer than the terminal is wide")
        assert len(os.read(ours, 1000).decode().removeprefix(CLEAR)) == 39
    finally:
        os.close(ours)
        os.close(theirs)


def test_quiet_says_nothing() -> None:
    for live in (True, False):
        progress, stream, clock = watched(live=live, quiet=True)
        with progress:
            progress("solve", rows=1)
            clock.now = 100.0
            progress.tick()
        assert stream.getvalue() == ""


def test_time_left_is_that_of_a_geometric_fall() -> None:
    """Misses that halve: log2(last / goal) rounds of two seconds are left, to the digit."""
    found = time_left(rounds(6, 0.5))
    assert found == pytest.approx(2.0 * math.log2(0.5**5 / FINAL_MISS), rel=1e-9)
    gaps = [(s, miss, 1.0) for s, _, miss in rounds(5, 0.1)]  # a gap is known: misses that do not fall do not matter
    assert time_left(gaps) == pytest.approx(2.0 * math.log10(1e-4 / FINAL_GAP), rel=1e-9)
    assert time_left(rounds(40, 0.5)) == 0.0  # past the goal: any moment now
    late = [*rounds(20, 1.0), *((50.0 + 2.0 * k, None, 0.5**k) for k in range(8))]  # only the last rounds count
    assert time_left(late) == pytest.approx(2.0 * math.log2(0.5**7 / FINAL_MISS), rel=1e-9)


@pytest.mark.parametrize(
    "known",
    [
        [],
        rounds(2, 0.5),  # too few
        rounds(8, 1.0),  # does not fall
        rounds(8, 2.0),
        [(float(k), None, (1.0, 1e-3)[k % 2]) for k in range(8)],  # up and down
        [(float(k), None, None) for k in range(8)],
        [(float(k), 0.0, 0.0) for k in range(8)],
    ],
)
def test_nothing_is_said_of_what_cannot_be_known(known: list[Any]) -> None:
    assert time_left(known) is None


def test_what_is_left_is_said_and_forgotten_with_the_stage() -> None:
    progress, stream, clock = watched(live=True)
    for k in range(4):
        clock.now = 60.0 * k
        progress("cuts", round=k, cuts=k, added=1, miss=1e8 * 0.1**k, upper=1e9)
    # 0.1 at first, a tenth each minute: 1e-9 five minutes after 1e-4
    assert stream.getvalue().endswith("missed by 100 kUSD  about 5 min left")
    progress("branch", branches=1, open=1)
    clock.now += 60.0
    progress("cuts", round=5, cuts=5, added=1, miss=1e3, upper=1e9)
    assert stream.getvalue().endswith("missed by 1 kUSD")


def test_a_solve_reports_bounds_that_hold() -> None:
    """Of every round: the optimum is below each upper bound and above each lower one."""
    told: list[dict[str, float]] = []

    def progress(stage: str, **numbers: float) -> None:
        if stage == "cuts":
            told.append(numbers)

    lower = False
    for seed in (206, 268, 292):
        told.clear()
        best = solve_problem(random_problem(seed), progress=progress).objective
        assert best is not None and told
        slack = 1e-7 * max(abs(best), 1.0)
        assert all(numbers["upper"] >= best - slack for numbers in told)
        assert all(numbers.get("lower", -math.inf) <= best + slack for numbers in told)
        lower |= any("lower" in numbers for numbers in told)
    assert lower, "no lower bound was ever known"


def test_highs_lets_the_line_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """`tick` is called from inside the solver."""
    monkeypatch.setattr("optimizer.runtime.interrupts.PULSE", 0.0)
    ticks: list[str] = []

    class Counted(Progress):
        def tick(self) -> None:
            ticks.append(self.stage)

    solve_problem(random_problem(206), progress=Counted(sys.stderr, quiet=False, live=False, clock=Clock()))
    assert ticks.count("solve") > 0
