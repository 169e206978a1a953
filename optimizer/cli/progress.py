"""What a long run is doing, on stderr: one live line on a terminal; elsewhere a line for each new stage and every few seconds."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import TextIO

CLEAR = "\r\x1b[2K"
WIDEST = 100  # columns where the terminal does not tell; a live line that wraps cannot be cleared
#: seconds between two lines where there is no terminal, and between two states of the live line
LINE_SECONDS, REDRAW_SECONDS = 5.0, 0.1
#: the relative gap, and the relative miss of a cut, at which rounds of cuts are expected to end
FINAL_GAP, FINAL_MISS = 1e-9, 1e-9
#: rounds that a trend is read from: at least, at most
FEWEST_ROUNDS, MOST_ROUNDS = 3, 8


class Progress:
    """Called as progress(stage, **numbers) by the engine, and as progress.tick() while it waits. Leaves no half line behind.

    Stage 'cuts' has round, cuts, miss (USD) and, where known, upper and lower (USD, bounds on the objective).
    """

    def __init__(
        self, stream: TextIO, quiet: bool = False, live: bool | None = None, clock: Callable[[], float] = time.perf_counter
    ):
        self.stream = stream
        self.quiet = quiet
        self.live = stream.isatty() if live is None else live
        self.clock = clock
        self.start = clock()
        self.stage = ""
        self.numbers: dict[str, float] = {}
        self.told: set[str] = set()
        self.last = -math.inf  # when something was shown
        self.shown = False
        self.rounds: list[tuple[float, float | None, float | None]] = []  # (seconds, gap, miss) of the rounds of cuts
        self.bounds: tuple[float | None, float | None] = (None, None)  # USD, (upper, lower) of the whole case, verified

    def __call__(self, stage: str, **numbers: float) -> None:
        self.bounds = numbers.get("proved", self.bounds[0]), numbers.get("attained", self.bounds[1])
        if self.quiet:
            return
        if stage == "cuts":
            self.rounds.append((self.clock() - self.start, *_measures(numbers)))
        elif stage != self.stage:
            self.rounds.clear()
        new = stage not in self.told
        self.stage, self.numbers = stage, numbers
        self.told.add(stage)
        self._show(new)

    def tick(self) -> None:
        """Time goes by."""
        if self.stage and not self.quiet:
            self._show(False)

    def _show(self, new: bool) -> None:
        now = self.clock()
        if not new and now - self.last < (REDRAW_SECONDS if self.live else LINE_SECONDS):
            return
        self.last = now
        told = self._cuts() if self.stage == "cuts" else _plain(self.stage, self.numbers)
        line = f"{now - self.start:6.1f} s  {told}"
        self._put(CLEAR + line[: self._width() - 1] if self.live else line + "\n")
        self.shown = self.live

    def _cuts(self) -> str:
        numbers = self.numbers
        words = [f"round {_number(numbers.get('round', 0))}", f"{_number(numbers.get('cuts', 0))} cuts"]
        gap, miss = _measures(numbers)
        if math.isfinite(numbers.get("upper", math.nan)):
            words.append(f"upper {_money(numbers['upper'])}")
        if gap is not None:
            words += [f"lower {_money(numbers['lower'])}", f"gap {gap:.2g}"]
        elif miss is not None:
            words.append(f"missed by {_money(numbers['miss'])}")
        left = time_left(self.rounds)
        if left is not None:
            words.append(f"about {duration(left)} left")
        return "  ".join(words)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *trouble: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Make room for a line of somebody else's on the terminal."""
        if self.shown:
            self._put(CLEAR)
            self.shown = False

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self.stream.fileno()).columns or WIDEST
        except (OSError, ValueError):
            return WIDEST

    def _put(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # nobody reads stderr any more: that must not end a long solve
            self.quiet = True


def _measures(numbers: dict[str, float]) -> tuple[float | None, float | None]:
    """(gap, miss), both relative to the upper bound; None where unknown."""
    upper, lower, miss = (numbers.get(name, math.nan) for name in ("upper", "lower", "miss"))
    size = max(abs(upper), 1.0)
    gap = max(upper - lower, 0.0) / size
    return gap if math.isfinite(gap) else None, miss / size if math.isfinite(miss / size) else None


def time_left(rounds: Sequence[tuple[float, float | None, float | None]]) -> float | None:
    """Seconds until the gap (else the miss) of rounds (seconds, gap, miss) has closed, if it goes on falling by the same factor a round.

    By least squares on its logarithm over the last rounds. None where there are too few of them, or they do not fall steadily.
    """
    for which, goal in ((1, FINAL_GAP), (2, FINAL_MISS)):
        points = [(k, r[0], r[which]) for k, r in enumerate(rounds) if r[which]][-MOST_ROUNDS:]
        if len(points) < FEWEST_ROUNDS:
            continue
        count = len(points)
        x = [float(k) for k, _, _ in points]
        y = [math.log(value) for _, _, value in points if value]
        mean_x, mean_y = sum(x) / count, sum(y) / count
        spread = sum((a - mean_x) ** 2 for a in x)
        slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
        total = sum((b - mean_y) ** 2 for b in y)
        if slope >= -1e-3 or slope**2 * spread < 0.7 * total:
            return None
        to_go = max((mean_y + slope * (x[-1] - mean_x) - math.log(goal)) / -slope, 0.0)
        return to_go * (points[-1][1] - points[0][1]) / (x[-1] - x[0])
    return None


def _plain(stage: str, numbers: dict[str, float]) -> str:
    return "  ".join([stage, *(f"{_number(value)} {name.replace('_', ' ')}" for name, value in numbers.items())])


def _number(value: float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _money(usd: float) -> str:
    """Seven digits: bounds differ in the last ones."""
    size, unit = next(((s, u) for s, u in ((1e9, "GUSD"), (1e6, "MUSD"), (1e3, "kUSD")) if abs(usd) >= s), (1.0, "USD"))
    return f"{usd / size:.7g} {unit}"


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
