"""Pictures of sweeps as SVG, and a page around them: plain text, the same bytes for the same numbers, nothing loaded from anywhere."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 56, 58
COLOURS = ("#1b6ca8", "#c8553d", "#3c8d5a", "#7b4fa3", "#b7892b", "#4a4e57")
INK, FAINT = "#22262c", "#c9ced6"
#: colours of a map from least to most
COLD, WARM = (236, 242, 248), (16, 78, 139)
NO_PLAN = "#f3e3df"
SIZES = ((1e9, "GUSD"), (1e6, "MUSD"), (1e3, "kUSD"), (1.0, "USD"))

Values = Sequence[float | None]


@dataclass(frozen=True)
class Series:
    """A name and its values; None leaves a gap."""

    name: str
    values: Values


def esc(text: object) -> str:
    """Text for HTML and SVG, without control characters."""
    clean = "".join(c if c.isprintable() else " " for c in str(text))
    return html.escape(clean, quote=True)


def scale(values: Sequence[float | None]) -> tuple[float, str]:
    """(USD per unit, unit) in which amounts are told."""
    most = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    return next((one for one in SIZES if most >= one[0]), SIZES[-1])


def digits(value: float) -> str:
    """A number in four digits or more."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers that span from low to high: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if not high > low:
        spread = abs(low) * 0.05 or 1.0
        low, high = low - spread, high + spread
    step = next(
        s
        for e in range(math.floor(math.log10((high - low) / most)), 400)
        for s in (1.0 * 10.0**e, 2.0 * 10.0**e, 2.5 * 10.0**e, 5.0 * 10.0**e)
        if (math.ceil(high / s - 1e-9) - math.floor(low / s + 1e-9)) <= most
    )
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, last + 1)]


def _at(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, text: object, anchor: str = "start", size: int = 12, more: str = "") -> str:
    return f'<text x="{_at(x)}" y="{_at(y)}" text-anchor="{anchor}" font-size="{size}" fill="{INK}"{more}>{esc(text)}</text>'


def _svg(title: str, body: Sequence[str], width: float = WIDTH, height: float = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_at(width)} {_at(height)}" role="img" '
        f'font-family="system-ui, sans-serif"><title>{esc(title)}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>' + "".join(body) + "</svg>\n"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = FAINT) -> str:
    return f'<line x1="{_at(x1)}" y1="{_at(y1)}" x2="{_at(x2)}" y2="{_at(y2)}" stroke="{colour}" stroke-width="1"/>'


class _Frame:
    """A plot's axes: x and y in the units of the data -> places in the picture."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float], x_name: str, y_name: str, x_labels: Sequence[str] = ()) -> None:
        self.body: list[str] = []
        grid_y = ticks(min(ys), max(ys)) if ys else [0.0, 1.0]
        grid_x = [float(x) for x in xs] if x_labels else ticks(min(xs), max(xs), 8)
        pad = 0.5 if x_labels else 0.0
        self.x0, self.x1 = min(grid_x) - pad, max(grid_x) + pad
        self.y0, self.y1 = grid_y[0], grid_y[-1]
        for value in grid_y:
            self.body.append(_line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value)))
            self.body.append(_text(LEFT - 8, self.y(value) + 4, digits(value), "end"))
        step = max(1, math.ceil(len(grid_x) / 12))
        for k, value in enumerate(grid_x):
            if k % step == 0:
                label = x_labels[k] if x_labels else digits(value)
                self.body.append(_line(self.x(value), HEIGHT - BOTTOM, self.x(value), HEIGHT - BOTTOM + 5, INK))
                self.body.append(_text(self.x(value), HEIGHT - BOTTOM + 20, label, "middle"))
        self.body.append(_line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, INK))
        self.body.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_name, "middle"))
        self.body.append(_text(LEFT - 70, TOP - 12, y_name))

    def x(self, value: float) -> float:
        return LEFT + (value - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (HEIGHT - BOTTOM - TOP)


def _title(text: str) -> str:
    return _text(LEFT - 70, 22, text, size=15, more=' font-weight="600"')


def _legend(names: Sequence[str]) -> list[str]:
    out, x = [], float(LEFT + 90)
    for k, name in enumerate(names):
        out.append(f'<rect x="{_at(x)}" y="{TOP - 22}" width="12" height="12" fill="{COLOURS[k % len(COLOURS)]}"/>')
        out.append(_text(x + 17, TOP - 12, name))
        x += 30 + 6.8 * len(name)
    return out


def lines(title: str, xs: Sequence[float], series: Sequence[Series], x_name: str, x_labels: Sequence[str] = ()) -> str:
    """Amounts in USD over a number (or over names, `x_labels`, at 0, 1, 2, ...)."""
    known = [v for one in series for v in one.values if v is not None]
    size, unit = scale(known)
    frame = _Frame(xs, [v / size for v in known], x_name, unit, x_labels)
    body = [*frame.body, _title(title), *_legend([one.name for one in series])]
    for k, one in enumerate(series):
        colour = COLOURS[k % len(COLOURS)]
        places = [None if v is None else (frame.x(x), frame.y(v / size)) for x, v in sorted(zip(xs, one.values, strict=True))]
        parts: list[list[tuple[float, float]]] = [[]]
        for place in places:
            if place is None:
                parts.append([])
            else:
                parts[-1].append(place)
        for part in parts:
            if len(part) > 1:
                path = " ".join(f"{_at(x)},{_at(y)}" for x, y in part)
                body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(places) <= 60:
            body += [f'<circle cx="{_at(p[0])}" cy="{_at(p[1])}" r="3" fill="{colour}"/>' for p in places if p is not None]
    return _svg(title, body)


def heat(title: str, rows: Sequence[str], columns: Sequence[str], values: Sequence[Values], y_name: str, x_name: str) -> str:
    """A map of amounts in USD: values[row][column]; None is no plan."""
    known = [v for row in values for v in row if v is not None]
    size, unit = scale(known)
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    left, top = 130.0, float(TOP)
    width, height = (WIDTH - left - RIGHT) / len(columns), (HEIGHT - BOTTOM - top) / len(rows)
    body = [
        _title(f"{title}, {unit}"),
        _text(8, TOP - 10, y_name),
        _text((left + WIDTH - RIGHT) / 2, HEIGHT - 14, x_name, "middle"),
    ]
    for r, name in enumerate(rows):
        y = HEIGHT - BOTTOM - (r + 1) * height
        if r % max(1, math.ceil(len(rows) / 20)) == 0:
            body.append(_text(left - 8, y + height / 2 + 4, name, "end"))
        for c, value in enumerate(values[r]):
            share = 0.5 if value is None or high == low else (value - low) / (high - low)
            colour = (
                NO_PLAN
                if value is None
                else "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(COLD, WARM, strict=True))
            )
            told = "no plan" if value is None else f"{digits(value / size)} {unit}"
            body.append(
                f'<rect x="{_at(left + c * width)}" y="{_at(y)}" width="{_at(width)}" height="{_at(height)}" fill="{colour}" '
                f'stroke="#ffffff"><title>{esc(f"{name}, {columns[c]}: {told}")}</title></rect>'
            )
            if width > 46 and height > 14:
                ink = "#ffffff" if share > 0.55 and value is not None else INK
                shown = "no plan" if value is None else digits(value / size)
                body.append(
                    f'<text x="{_at(left + (c + 0.5) * width)}" y="{_at(y + height / 2 + 4)}" text-anchor="middle" font-size="11" '
                    f'fill="{ink}">{esc(shown)}</text>'
                )
    for c, name in enumerate(columns):
        if c % max(1, math.ceil(len(columns) / 10)) == 0:
            body.append(_text(left + (c + 0.5) * width, HEIGHT - BOTTOM + 18, name, "middle"))
    return _svg(title, body)


def tornado(title: str, middle: float, rows: Sequence[tuple[str, float | None, float | None]]) -> str:
    """Bars from the base's objective to that with an input down (lighter) and up: (input, down, up) in USD, the widest first."""
    known = [middle, *(v for _, a, b in rows for v in (a, b) if v is not None)]
    size, unit = scale(known)
    grid = ticks(min(known) / size, max(known) / size, 7)
    left, step = 290.0, 26.0
    height = TOP + step * len(rows) + 40

    def x(value: float) -> float:
        return left + (value / size - grid[0]) / (grid[-1] - grid[0]) * (WIDTH - left - RIGHT)

    body = [_title(f"{title}, {unit}"), *(_line(x(v * size), TOP - 6, x(v * size), height - 34) for v in grid)]
    body += [_text(x(v * size), height - 16, digits(v), "middle") for v in grid]
    for k, (name, down, up) in enumerate(rows):
        y = TOP + k * step
        body.append(_text(left - 10, y + 14, name if len(name) <= 42 else name[:41] + "…", "end"))
        for value, colour, which in ((down, "#8fb8d8", "down"), (up, COLOURS[0], "up")):
            if value is None:
                continue
            a, b = sorted((x(middle), x(value)))
            body.append(
                f'<rect x="{_at(a)}" y="{_at(y)}" width="{_at(max(b - a, 0.5))}" height="18" fill="{colour}">'
                f"<title>{esc(f'{name} {which}: {digits(value / size)} {unit}')}</title></rect>"
            )
    body.append(_line(x(middle), TOP - 6, x(middle), height - 34, INK))
    return _svg(title, body, height=height)


def curve(title: str, points: Sequence[tuple[str, float, float]], x_name: str, y_name: str, marked: Sequence[str] = ()) -> str:
    """Points (name, x, y) in USD joined in their order; `marked` ones are told by name."""
    size, unit = scale([v for _, x, y in points for v in (x, y)])
    frame = _Frame([x / size for _, x, _ in points], [y / size for *_, y in points], f"{x_name}, {unit}", f"{y_name}, {unit}")
    path = " ".join(f"{_at(frame.x(x / size))},{_at(frame.y(y / size))}" for _, x, y in points)
    body = [*frame.body, _title(title), f'<polyline points="{path}" fill="none" stroke="{COLOURS[0]}" stroke-width="2"/>']
    for name, x, y in points:
        at = (frame.x(x / size), frame.y(y / size))
        body.append(
            f'<circle cx="{_at(at[0])}" cy="{_at(at[1])}" r="{5 if name in marked else 3.5}" '
            f'fill="{COLOURS[1] if name in marked else COLOURS[0]}"><title>{esc(name)}</title></circle>'
        )
        if name in marked:
            # beyond a falling curve, but inside the picture
            far = at[0] > 0.75 * WIDTH
            body.append(_text(at[0] + (-10 if far else 9), at[1] + (4 if far else -9), name, "end" if far else "start"))
    return _svg(title, body)


# ---- a page ------------------------------------------------------------------------------------------------------------

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#22262c;background:#fff}"
    "table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}th,td{padding:.25rem .6rem;"
    "border-bottom:1px solid #dde1e7;text-align:right;white-space:nowrap}th:first-child,td:first-child{text-align:left}"
    "th{background:#f4f6f8}div.wide{overflow-x:auto}svg{width:100%;height:auto;margin:1rem 0}h1{font-size:1.5rem}"
    "h2{font-size:1.15rem}p.note{color:#5a616b}"
)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{esc(one)}</th>" for one in header)
    body = "".join("<tr>" + "".join(f"<td>{esc(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def page(title: str, told: Sequence[str], parts: Sequence[str]) -> str:
    """A page by itself: paragraphs `told` (text), then parts (HTML made here). It may load nothing."""
    paragraphs = "".join(f"<p>{esc(one)}</p>" for one in told)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{esc(title)}</title><style>{STYLE}</style></head><body><h1>{esc(title)}</h1>{paragraphs}"
        + "".join(parts)
        + "</body></html>\n"
    )
