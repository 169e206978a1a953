"""A chart as inline SVG: scales, axes with units, marks. Colours are classes of the page, so that they follow its theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from optimizer.results.report.text import esc

#: (class, width, height) of the two sizes in which a chart is drawn: for a desk and for a phone
SIZES = (("wide", 940, 330), ("narrow", 370, 300))
#: pixels that a character of an axis label takes
CHARACTER = 6.7
#: colours of series; the last is for what is left over
COLOURS = 9


def coordinate(value: float) -> str:
    """One decimal, as short as it can be."""
    text = f"{value:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from about `low` to `high`, both within them; at least two."""
    if not high > low:
        high, low = (low + 1.0, low) if low >= 0.0 else (low, low - 1.0)
    raw = (high - low) / max(most, 1)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(m * size for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * size >= raw * (1.0 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, last + 1)]


def tick_labels(at: Sequence[float]) -> list[str]:
    """Labels with as many decimals as their step needs."""
    step = min((b - a for a, b in pairwise(at)), default=1.0)
    places = next((p for p in range(16) if abs(round(step, p) - step) < 1e-9 * step), 16)
    return [f"{value:,.{places}f}".replace("-0", "0", 1) if abs(value) < 1e-12 else f"{value:,.{places}f}" for value in at]


@dataclass
class Plot:
    """A rectangle with a scale on each side, in an SVG of `width` by `height`; marks are added to `marks`."""

    width: int
    height: int
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    left: float = 58.0
    right: float = 20.0
    top: float = 30.0
    bottom: float = 44.0
    marks: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        return self.left + (value - self.x_low) / (self.x_high - self.x_low) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        share = (value - self.y_low) / (self.y_high - self.y_low)
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)

    def axes(
        self,
        x_name: str,
        y_name: str,
        x_ticks: Sequence[tuple[float, str]],
        y_ticks: Sequence[tuple[float, str]],
        zero: bool = True,
    ) -> None:
        """Grid lines, tick labels and the names of both axes with their units."""
        low, high = self.left, self.width - self.right
        base = self.height - self.bottom
        for value, label in y_ticks:
            at = coordinate(self.y(value))
            kind = "zero" if zero and value == 0.0 else "grid"
            self.marks.append(f'<path class="{kind}" d="M{coordinate(low)} {at}H{coordinate(high)}"/>')
            self.marks.append(f'<text class="tick end" x="{coordinate(low - 6)}" y="{at}" dy=".32em">{esc(label)}</text>')
        for value, label in x_ticks:
            at = coordinate(self.x(value))
            self.marks.append(f'<path class="grid" d="M{at} {coordinate(base)}v4"/>')
            edge = self.x(value) + len(label) * CHARACTER / 2 > self.width  # it would be cut off
            where = f'class="tick end" x="{self.width}"' if edge else f'class="tick mid" x="{at}"'
            self.marks.append(f'<text {where} y="{coordinate(base + 17)}">{esc(label)}</text>')
        middle = coordinate((low + high) / 2)
        self.marks.append(f'<text class="axis-x mid" x="{middle}" y="{self.height - 6}">{esc(x_name)}</text>')
        self.marks.append(f'<text class="axis-y" x="2" y="13">{esc(y_name)}</text>')

    def svg(self, title: str, about: str, kind: str, extra: str = "") -> str:
        """The whole element; `about` says in words what a person sees."""
        return (
            f'<svg class="chart {kind}" viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{esc(f"{title}. {about}")}"{extra}>'
            f"<title>{esc(title)}</title>{''.join(self.marks)}</svg>"
        )


def polyline(points: Sequence[tuple[float, float | None]]) -> str:
    """Path through pixels; a gap where there is no value, a dash where a value is alone."""
    out, pen = [], False
    for n, (x, y) in enumerate(points):
        if y is None:
            pen = False
            continue
        alone = not pen and (n + 1 == len(points) or points[n + 1][1] is None)
        out.append(
            f"M{coordinate(x - 4)} {coordinate(y)}h8" if alone else f"{'L' if pen else 'M'}{coordinate(x)} {coordinate(y)}"
        )
        pen = True
    return "".join(out)


def band(low: Sequence[tuple[float, float]], high: Sequence[tuple[float, float]]) -> str:
    """Closed path between two lines."""
    return polyline(high) + "L" + polyline(list(reversed(low)))[1:] + "Z"


# ---------------------------------------------------------------------------------------------------------------------
# Time


def month_number(iso: str) -> int:
    """Months since year 0 of a first day of a month."""
    return int(iso[:4]) * 12 + int(iso[5:7]) - 1


def month_ticks(first: int, last: int, width: float) -> list[tuple[float, str]]:
    """Years where there are several, else quarters; as many as there is room for."""
    if last - first > 20:
        years = [12 * year for year in range(-(-first // 12), last // 12 + 1)]
        step = max(1, math.ceil(len(years) * 46 / width))
        return [(float(m), str(m // 12)) for m in years[::step]]
    step = next((n for n in (1, 3, 6, 12) if (last - first) / n * 62 <= width), 12)
    return [(float(m), f"{m // 12}-{m % 12 + 1:02d}") for m in range(first, last + 1) if m % step == 0]
