"""The kinds of charts of a report. Each gives a figure: heading, legend, and the chart in the sizes of a desk and of a phone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from optimizer.results.report.svg import (
    CHARACTER,
    COLOURS,
    SIZES,
    Plot,
    band,
    coordinate,
    month_number,
    month_ticks,
    polyline,
    tick_labels,
    ticks,
)
from optimizer.results.report.text import digits, esc, month, scale, shorter

#: hues of a map, from least to most
SHADES = 9
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Values = Sequence[float | None]


@dataclass(frozen=True)
class Series:
    """A name, its values, and the number of its colour (0 ... COLOURS - 1)."""

    name: str
    values: Values
    colour: int


def figure(heading: str, chart: str, about: str = "", legend: str = "", kind: str = "") -> str:
    """A heading, a sentence, the legend, and the chart."""
    said = f"<p>{esc(about)}</p>" if about else ""
    mark = f' class="{kind}"' if kind else ""
    return f"<figure{mark}><figcaption><h3>{esc(heading)}</h3>{said}</figcaption>{legend}{chart}</figure>"


def legend(items: Iterable[tuple[str, str]]) -> str:
    """(class of the mark, name) one after another."""
    return '<ul class="legend">' + "".join(f'<li><i class="{mark}"></i>{esc(name)}</li>' for mark, name in items) + "</ul>"


def series_legend(series: Sequence[Series], mark: str = "box") -> str:
    return legend((f"{mark} c{one.colour}", one.name) for one in series)


def both(draw: Callable[[str, int, int], str]) -> str:
    """The chart as `draw(class, width, height)` makes it, in both sizes."""
    return "".join(draw(*size) for size in SIZES)


def few(series: Sequence[Series], most: int = COLOURS) -> list[Series]:
    """The largest, in the order given, and one more that adds up the rest; those that are nothing are left out."""
    size = {n: sum(abs(v) for v in one.values if v is not None) for n, one in enumerate(series)}
    found = [n for n in size if size[n] > 1e-9 * max(size.values())]
    if len(found) <= most:
        return [Series(series[n].name, series[n].values, k) for k, n in enumerate(found)]
    kept = set(sorted(found, key=lambda n: (-size[n], n))[: most - 1])
    rest = [series[n] for n in found if n not in kept]
    total = [sum(v or 0.0 for v in column) for column in zip(*(one.values for one in rest), strict=True)]
    out = [Series(series[n].name, series[n].values, k) for k, n in enumerate(n for n in found if n in kept)]
    return [*out, Series(f"{len(rest)} others", total, most - 1)]


def _hover(plot: Plot, edges: Sequence[tuple[float, float, str]]) -> None:
    """Invisible columns that tell what stands in them."""
    for low, high, told in edges:
        left, right = plot.x(low), plot.x(high)
        plot.marks.append(
            f'<rect class="hit" x="{coordinate(left)}" y="{coordinate(plot.top)}" width="{coordinate(right - left)}" '
            f'height="{coordinate(plot.height - plot.top - plot.bottom)}"><title>{esc(told)}</title></rect>'
        )


def _told(head: str, series: Sequence[Series], n: int, size: float, unit: str) -> str:
    parts = [f"{one.name} {digits(value / size)}" for one in series if (value := one.values[n]) is not None and value]
    return f"{head} ({unit}): {'; '.join(parts) or 'nothing'}"


def _range(values: Iterable[float | None], most: int, zero: bool = True) -> list[float]:
    real = [v for v in values if v is not None and math.isfinite(v)] or [0.0]
    low, high = min(real), max(real)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    return ticks(low, high, most)


def _stacks(series: Sequence[Series]) -> list[list[tuple[float, float]]]:
    """Per series and date (from, to): what is above 0 grows upwards, what is below downwards."""
    length = len(series[0].values)
    up, down = [0.0] * length, [0.0] * length
    out = []
    for one in series:
        column = []
        for n, value in enumerate(one.values):
            base = up if (value or 0.0) >= 0.0 else down
            column.append((base[n], base[n] + (value or 0.0)))
            base[n] += value or 0.0
        out.append(column)
    return out


# ---------------------------------------------------------------------------------------------------------------------
# Over time


def stacked(
    title: str, dates: Sequence[str], series: Sequence[Series], unit: str, per: str = "", area: bool = False, last: int = 1
) -> str:
    """Amounts by date, one on top of the other: bars, or steps that hold until the next date (`area`).

    unit: 'USD' is scaled; anything else is shown as it is. per: ' per quarter'. last: months of the only period, where there is but one.
    """
    stacks = _stacks(series)
    flat = [end for column in stacks for pair in column for end in pair]
    size, name = scale(flat) if unit == "USD" else (1.0, unit)
    at = [month_number(day) for day in dates]
    gap = min((b - a for a, b in pairwise(at)), default=last)

    def draw(kind: str, width: int, height: int) -> str:
        grid = _range([v / size for v in flat], 6)
        ends = (at[0], at[-1] + gap) if area else (at[0] - gap / 2, at[-1] + gap / 2)
        plot = Plot(width, height, ends[0], ends[1], grid[0], grid[-1])
        plot.axes(
            "date", f"{name}{per}", month_ticks(math.ceil(ends[0]), int(ends[1]), width - 70),
            list(zip(grid, tick_labels(grid), strict=True)),
        )  # fmt: skip
        edges = [plot.x(m) for m in (*at, at[-1] + gap)]
        for one, column in zip(series, stacks, strict=True):
            if area and any(low != high for low, high in column):
                outline = _steps(edges, column, lambda value: plot.y(value / size))
                plot.marks.append(f'<path class="fill c{one.colour}" d="{outline}"/>')
            path = []
            for m, (low, high) in zip(at, column, strict=True) if not area else ():
                if high != low:
                    x, wide = plot.x(m - 0.36 * gap), plot.x(m + 0.36 * gap) - plot.x(m - 0.36 * gap)
                    bottom, top = coordinate(plot.y(low / size)), coordinate(plot.y(high / size))
                    path.append(f"M{coordinate(x)} {bottom}V{top}h{coordinate(wide)}V{bottom}z")
            if path:
                plot.marks.append(f'<path class="bar c{one.colour}" d="{"".join(path)}"/>')
        if kind == "wide":
            half = 0.0 if area else gap / 2
            spans = [(a - half, (at[n + 1] if n + 1 < len(at) else a + gap) - half) for n, a in enumerate(at)]
            _hover(plot, [(a, b, _told(month(dates[n]), series, n, size, name)) for n, (a, b) in enumerate(spans)])
        return plot.svg(
            title, f"{', '.join(one.name for one in series)}, in {name}{per}, from {month(dates[0])} to {month(dates[-1])}", kind
        )

    return both(draw)


def lines(
    title: str, dates: Sequence[str], series: Sequence[Series], unit: str, around: tuple[Values, Values] | None = None,
    inner: tuple[Values, Values] | None = None, cap: float | None = None, bold: frozenset[str] = frozenset(),
) -> str:  # fmt: skip
    """Lines by date, over a band (`around`: least and most; `inner`: the middle half). cap: what is above is drawn at it."""
    every = [one.values for one in series] + [edge for pair in (around, inner) if pair for edge in pair]
    flat = [v for values in every for v in values]
    size, name = scale(flat) if unit == "USD" else (1.0, unit)
    at = [month_number(day) for day in dates]

    def fit(value: float | None) -> float | None:
        return None if value is None else (value if cap is None else max(min(value, cap), -cap)) / size

    def draw(kind: str, width: int, height: int) -> str:
        grid = _range([fit(v) for v in flat], 6)
        plot = Plot(width, height, at[0], max(at[-1], at[0] + 1), grid[0], grid[-1])
        plot.axes("date", name, month_ticks(at[0], at[-1], width - 70), list(zip(grid, tick_labels(grid), strict=True)))
        for pair, mark in ((around, "band"), (inner, "band inner")):
            if pair is not None:
                edges = [
                    [(plot.x(x), plot.y(value)) for x, v in zip(at, edge, strict=True) if (value := fit(v)) is not None]
                    for edge in pair
                ]
                plot.marks.append(f'<path class="{mark}" d="{band(*edges)}"/>')
        for one in series:
            points = [
                (plot.x(x), None if (v := fit(value)) is None else plot.y(v)) for x, value in zip(at, one.values, strict=True)
            ]
            mark = "line bold" if one.name in bold else "line"
            plot.marks.append(f'<path class="{mark} c{one.colour}" d="{polyline(points)}"/>')
        if kind == "wide":
            middle = [at[0], *((a + b) / 2 for a, b in pairwise(at)), at[-1]]
            told = [_told(month(day), series, n, size, name) for n, day in enumerate(dates)]
            _hover(plot, list(zip(middle, middle[1:], told, strict=False)))
        return plot.svg(
            title, f"{', '.join(one.name for one in series)}, in {name}, from {month(dates[0])} to {month(dates[-1])}", kind
        )

    return both(draw)


# ---------------------------------------------------------------------------------------------------------------------
# Hours


def heat(title: str, values: Values, unit: str, low: float, high: float) -> str:
    """A map of month (down) by hour of day (across); `low` and `high` are the ends of its colours."""
    plot = Plot(400, 262, 0, 24, 12, 0, left=38, right=6, top=24, bottom=40)
    high = high if high > low else low + 1.0
    wide, tall = (plot.x(1) - plot.x(0)), (plot.y(1) - plot.y(0))
    shades: list[list[str]] = [[] for _ in range(SHADES)]  # cells reach a little into the next: no seams, whatever the size
    for n, value in enumerate(values):
        if value is not None:
            shade = min(max(int((value - low) / (high - low) * SHADES), 0), SHADES - 1)
            row, column = divmod(n, 24)
            shades[shade].append(
                f"M{coordinate(plot.x(column))} {coordinate(plot.y(row))}h{wide + 0.4:.2f}v{tall + 0.4:.2f}h-{wide + 0.4:.2f}z"
            )
    for n, path in enumerate(shades):
        if path:
            plot.marks.append(f'<path class="h{n}" d="{"".join(path)}"/>')
    for row, name in enumerate(MONTH_NAMES):
        plot.marks.append(
            f'<text class="tick end" x="{plot.left - 5:.0f}" y="{coordinate(plot.y(row + 0.5))}" dy=".32em">{name}</text>'
        )
    for hour in range(0, 24, 3):
        plot.marks.append(f'<text class="tick mid" x="{coordinate(plot.x(hour + 0.5))}" y="{plot.height - 24}">{hour}</text>')
    plot.marks.append(
        f'<text class="axis-x mid" x="{coordinate(plot.x(12))}" y="{plot.height - 6}">hour of day (local standard time)</text>'
    )
    plot.marks.append(f'<text class="axis-y" x="2" y="13">month; colour: {esc(unit)}</text>')
    real = [v for v in values if v is not None] or [0.0]
    about = f"mean by month and hour of day in {unit}, from {digits(min(real))} to {digits(max(real))}"
    told = " ".join("-" if v is None else f"{v:.4g}" for v in values)
    extra = f' data-map="{esc(told)}" data-unit="{esc(unit)}" data-frame="{plot.left} {plot.top} {wide:.3f} {tall:.3f}"'
    return plot.svg(title, about, "heat", extra)


def heat_legend(low: float, high: float, unit: str, above: bool = False) -> str:
    """The colours of maps, with the ends of their scale. above: some cells are more than that."""
    boxes = "".join(f'<i class="h{n}"></i>' for n in range(SHADES))
    return f'<p class="shades"><span>{digits(low)}</span>{boxes}<span>{digits(high)} {esc(unit)}{" and more" if above else ""}</span></p>'


def week(title: str, series: Sequence[Series], price: Values | None, most: float, dearest: tuple[float, float]) -> str:
    """168 hours from Monday: MW of uses one on top of the other, and under them the price of power on its own scale."""
    height = 336 if price else 230
    plot = Plot(460, height, 0, 168, 0, 1, left=48, right=8, bottom=134 if price else 40)
    days = [(24.0 * n + 12.0, name) for n, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))]
    grid = ticks(0.0, most, 4)
    plot.y_high = grid[-1]
    base = plot.height - plot.bottom
    for value, label in zip(grid, tick_labels(grid), strict=True):
        at = coordinate(plot.y(value))
        plot.marks.append(f'<path class="{"zero" if value == 0.0 else "grid"}" d="M48 {at}H452"/>')
        plot.marks.append(f'<text class="tick end" x="43" y="{at}" dy=".32em">{label}</text>')
    for one, column in zip(series, _stacks(series), strict=True):
        plot.marks.append(
            f'<path class="fill c{one.colour}" d="{_steps([plot.x(n) for n in range(len(column) + 1)], column, plot.y)}"/>'
        )
    bottom = plot.height - 40
    if price:
        under = Plot(460, height, 0, 168, 0, 1, left=48, right=8, top=base + 34, bottom=40)
        steps = ticks(dearest[0], dearest[1], 2)
        under.y_low, under.y_high = steps[0], steps[-1]
        for value, label in zip(steps, tick_labels(steps), strict=True):
            at = coordinate(under.y(value))
            plot.marks.append(
                f'<path class="grid" d="M48 {at}H452"/><text class="tick end" x="43" y="{at}" dy=".32em">{label}</text>'
            )
        line = [(under.x(n + 0.5), None if v is None else under.y(v)) for n, v in enumerate(price)]
        plot.marks.append(f'<path class="line price" d="{polyline(line)}"/>')
        plot.marks.append(f'<text class="axis-y" x="2" y="{coordinate(base + 22)}">power price, USD/MWh</text>')
    for n in range(8):
        x = coordinate(plot.x(24.0 * n))
        plot.marks.append(f'<path class="grid" d="M{x} {coordinate(plot.top)}V{bottom}"/>')
    for value, label in days:
        plot.marks.append(f'<text class="tick mid" x="{coordinate(plot.x(value))}" y="{bottom + 16}">{label}</text>')
    plot.marks.append(f'<text class="axis-x mid" x="250" y="{height - 6}">hour of the week</text>')
    plot.marks.append('<text class="axis-y" x="2" y="13">MW at the meter</text>')
    names = ", ".join(one.name for one in series)
    return plot.svg(
        title, f"{names}, in MW by hour of the week{', and the price of power in USD per MWh' if price else ''}", "week"
    )


def _steps(edges: Sequence[float], column: Sequence[tuple[float, float]], y: Callable[[float], float]) -> str:
    """Closed path around steps between edges (pixels, one more than steps); it turns only where something changes."""
    lower, upper = [y(a) for a, _ in column], [y(b) for _, b in column]
    out, level = [f"M{coordinate(edges[0])} {coordinate(upper[0])}"], upper[0]
    for n, value in enumerate(upper):
        if abs(value - level) > 0.05:
            out.append(f"H{coordinate(edges[n])}V{coordinate(value)}")
            level = value
    level = lower[-1]
    out.append(f"H{coordinate(edges[-1])}V{coordinate(level)}")
    for n in range(len(lower) - 1, -1, -1):
        if abs(lower[n] - level) > 0.05:
            out.append(f"H{coordinate(edges[n + 1])}V{coordinate(lower[n])}")
            level = lower[n]
    return "".join(out) + f"H{coordinate(edges[0])}Z"


# ---------------------------------------------------------------------------------------------------------------------
# Amounts side by side


def distribution(title: str, names: Sequence[str], odds: Sequence[float], values: Sequence[float], tail: float,
                 levels: Sequence[tuple[str, str, float]]) -> str:  # fmt: skip
    """Scenarios from worst to best: as wide as their odds, as high as their value (USD). levels: (class, name, value) of lines across."""
    order = sorted(range(len(values)), key=lambda n: (values[n], n))
    size, unit = scale([*values, *(value for *_, value in levels)])

    def draw(kind: str, width: int, height: int) -> str:
        grid = _range([v / size for v in [*values, *(value for *_, value in levels)]], 6)
        plot = Plot(width, height, 0.0, 100.0, grid[0], grid[-1])
        if tail < 1.0:
            plot.marks.append(
                f'<rect class="tail" x="{coordinate(plot.left)}" y="{coordinate(plot.top)}" '
                f'width="{coordinate(plot.x(100.0 * tail) - plot.left)}" height="{coordinate(height - plot.top - plot.bottom)}"/>'
            )
        shares = [(float(n), str(n)) for n in range(0, 101, 10 if kind == "wide" else 20)]
        plot.axes("odds of being worse, %", f"net present value, {unit}", shares, list(zip(grid, tick_labels(grid), strict=True)))
        before = 0.0
        for n in order:
            left, right = plot.x(before), plot.x(before + 100.0 * odds[n])
            before += 100.0 * odds[n]
            top, bottom = sorted((plot.y(values[n] / size), plot.y(0.0)))
            told = f"{names[n]}: {digits(values[n] / size)} {unit}, odds {100.0 * odds[n]:.4g} %"
            inset = min(1.0, (right - left) / 6)
            plot.marks.append(
                f'<rect class="bar c0" x="{coordinate(left + inset)}" y="{coordinate(top)}" width="{max(right - left - 2 * inset, 0.4):.2f}" '
                f'height="{coordinate(bottom - top)}"><title>{esc(told)}</title></rect>'
            )
            room = int((right - left - 6) / (1.1 * CHARACTER))
            if room >= 4:
                up, high = values[n] >= 0.0, bottom - top >= 20.0  # inside the bar, clear of the lines across, or beyond its end
                places = (bottom - 7, (top + bottom) / 2 + 4, top + 16) if high else (top - 5 if up else bottom + 14,)
                lines_at = [plot.y(value / size) for *_, value in levels]
                at = next((y for y in places if all(abs(y - 4 - line) > 10 for line in lines_at)), places[0])
                middle, mark = coordinate((left + right) / 2), "inside" if high else "name"
                plot.marks.append(
                    f'<text class="{mark} mid" x="{middle}" y="{coordinate(at)}">{esc(shorter(names[n], room))}</text>'
                )
        for mark, _, value in levels:
            plot.marks.append(
                f'<path class="level {mark}" d="M{coordinate(plot.left)} {coordinate(plot.y(value / size))}H{coordinate(width - plot.right)}"/>'
            )
        return plot.svg(title, f"{len(values)} scenarios from worst to best, in {unit}", kind)

    return both(draw)


def bars(title: str, rows: Sequence[tuple[str, float]], axis: str, what: str) -> str:
    """One bar a row from zero (USD), names at the left."""
    size, unit = scale([value for _, value in rows])

    def draw(kind: str, width: int, _: int) -> str:
        left = 230.0 if kind == "wide" else 128.0
        height = 34 + 24 * len(rows) + 44
        grid = _range([v / size for _, v in rows], 7 if kind == "wide" else 3)
        plot = Plot(width, height, grid[0], grid[-1], len(rows), 0, left=left, right=58, top=26)
        _across(plot, grid, f"{axis}, {unit}", what)
        for n, (name, value) in enumerate(rows):
            a, b = sorted((plot.x(0.0), plot.x(value / size)))
            y = plot.y(n + 0.5)
            told = f"{name}: {digits(value / size)} {unit}"
            plot.marks.append(
                f'<rect class="bar {"c0" if value >= 0.0 else "c5"}" x="{coordinate(a)}" y="{coordinate(y - 8)}" '
                f'width="{coordinate(max(b - a, 0.5))}" height="16"><title>{esc(told)}</title></rect>'
            )
            _row_name(plot, name, y)
            plot.marks.append(
                f'<text class="tick" x="{coordinate(b + 4)}" y="{coordinate(y)}" dy=".32em">{digits(value / size)}</text>'
            )
        return plot.svg(title, f"{len(rows)} amounts in {unit}", kind)

    return both(draw)


def stacked_rows(title: str, names: Sequence[str], series: Sequence[Series], axis: str, what: str) -> str:
    """One bar a row, made of parts (USD); names at the left."""
    stacks = _stacks(series)

    def draw(plot: Plot, n: int, y: float, size: float, unit: str) -> None:
        for one, column in zip(series, stacks, strict=True):
            a, b = sorted((plot.x(column[n][0] / size), plot.x(column[n][1] / size)))
            if b > a:
                told = f"{names[n]}, {one.name}: {digits((one.values[n] or 0.0) / size)} {unit}"
                plot.marks.append(
                    f'<rect class="bar c{one.colour}" x="{coordinate(a)}" y="{coordinate(y - 9)}" width="{coordinate(b - a)}" '
                    f'height="18"><title>{esc(told)}</title></rect>'
                )

    return _rows(title, names, [end for column in stacks for pair in column for end in pair], axis, what, 26, draw)


def dumbbells(title: str, names: Sequence[str], dots: Sequence[Series], axis: str, what: str) -> str:
    """One row each with a dot for every series (USD), joined by a line; a row without values says nothing."""

    def draw(plot: Plot, n: int, y: float, size: float, unit: str) -> None:
        real = [(one, v / size) for one in dots if (v := one.values[n]) is not None]
        if real:
            ends = [plot.x(v) for _, v in real]
            plot.marks.append(f'<path class="join" d="M{coordinate(min(ends))} {coordinate(y)}H{coordinate(max(ends))}"/>')
        for one, value in real:
            told = f"{names[n]}, {one.name}: {digits(value)} {unit}"
            plot.marks.append(
                f'<circle class="dot c{one.colour}" cx="{coordinate(plot.x(value))}" cy="{coordinate(y)}" r="6">'
                f"<title>{esc(told)}</title></circle>"
            )

    return _rows(title, names, [v for one in dots for v in one.values], axis, what, 28, draw)


def _rows(
    title: str,
    names: Sequence[str],
    values: Sequence[float | None],
    axis: str,
    what: str,
    height: int,
    draw: Callable[[Plot, int, float, float, str], None],
) -> str:
    """A chart of a row for each name, `height` apart, over all `values` (USD). draw: (plot, row, its y, USD of a unit, the unit)."""
    size, unit = scale(values)

    def drawn(kind: str, width: int, _: int) -> str:
        grid = _range([None if v is None else v / size for v in values], 7 if kind == "wide" else 3)
        plot = Plot(width, 34 + height * len(names) + 44, grid[0], grid[-1], len(names), 0,
                    left=230.0 if kind == "wide" else 128.0, right=24, top=26)  # fmt: skip
        _across(plot, grid, f"{axis}, {unit}", what)
        for n, name in enumerate(names):
            y = plot.y(n + 0.5)
            draw(plot, n, y, size, unit)
            _row_name(plot, name, y)
        return plot.svg(title, f"{len(names)} rows in {unit}", kind)

    return both(drawn)


def _across(plot: Plot, grid: Sequence[float], x_name: str, y_name: str) -> None:
    """Vertical grid lines and the names of the axes, for rows."""
    for value, label in zip(grid, tick_labels(grid), strict=True):
        at = coordinate(plot.x(value))
        base = plot.height - plot.bottom
        plot.marks.append(
            f'<path class="{"zero" if value == 0.0 else "grid"}" d="M{at} {coordinate(plot.top)}V{coordinate(base)}"/>'
        )
        plot.marks.append(f'<text class="tick mid" x="{at}" y="{coordinate(base + 17)}">{label}</text>')
    plot.marks.append(
        f'<text class="axis-x mid" x="{coordinate((plot.left + plot.width - plot.right) / 2)}" y="{plot.height - 6}">{esc(x_name)}</text>'
    )
    plot.marks.append(f'<text class="axis-y" x="2" y="13">{esc(y_name)}</text>')


def _row_name(plot: Plot, name: str, y: float) -> None:
    told = esc(shorter(name, int((plot.left - 10) / CHARACTER)))
    plot.marks.append(
        f'<text class="name end" x="{plot.left - 8:.0f}" y="{coordinate(y)}" dy=".32em">{told}<title>{esc(name)}</title></text>'
    )


def curve(title: str, points: Sequence[tuple[str, float, float]], x_name: str, y_name: str) -> str:
    """Points (label, x, y), in USD, joined in the order given."""
    size, unit = scale([v for _, x, y in points for v in (x, y)])

    def draw(kind: str, width: int, height: int) -> str:
        across = ticks(min(x for _, x, _ in points) / size, max(x for _, x, _ in points) / size, 8 if kind == "wide" else 4)
        up = ticks(min(y for *_, y in points) / size, max(y for *_, y in points) / size, 5)
        plot = Plot(width, height, across[0], across[-1], up[0], up[-1], right=26)
        plot.axes(
            f"{x_name}, {unit}", f"{y_name}, {unit}", list(zip(across, tick_labels(across), strict=True)),
            list(zip(up, tick_labels(up), strict=True)),
        )  # fmt: skip
        at = [(plot.x(x / size), plot.y(y / size)) for _, x, y in points]
        plot.marks.append(f'<path class="line c0" d="{polyline(at)}"/>')
        last = (-1e9, -1e9)
        for (label, x, y), (a, b) in zip(points, at, strict=True):
            told = f"{label}: {x_name} {digits(x / size)} {unit}, {y_name} {digits(y / size)} {unit}"
            plot.marks.append(
                f'<circle class="dot c0" cx="{coordinate(a)}" cy="{coordinate(b)}" r="5"><title>{esc(told)}</title></circle>'
            )
            if max(abs(a - last[0]) / 60, abs(b - last[1]) / 16) >= 1.0:  # where labels do not cover each other
                side = ("end", -9) if a > width - 90 else ("", 9)
                plot.marks.append(
                    f'<text class="name {side[0]}" x="{coordinate(a + side[1])}" y="{coordinate(b - 6)}">{esc(shorter(label, 12))}</text>'
                )
                last = (a, b)
        return plot.svg(title, f"{len(points)} points in {unit}", kind)

    return both(draw)
