"""Texts and numbers as a page shows them: everything from a case is escaped, and every number has its unit."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable

#: (size from which it is used, size, unit) of money
SCALES = ((1e10, 1e9, "GUSD"), (1e6, 1e6, "MUSD"), (1e3, 1e3, "kUSD"), (0.0, 1.0, "USD"))


def esc(text: object) -> str:
    """Text for HTML, in elements and in attributes; what does not print (controls, marks that turn the direction of text) is a '?'."""
    return html.escape("".join(c if c.isprintable() else " " if c in "\n\t" else "?" for c in str(text)))


def shorter(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: max(most - 1, 1)].rstrip() + "…"


def words(key: str) -> str:
    """A name of ours as words: 'capex_rigs' -> 'capex rigs'."""
    return key.replace("_", " ")


def scale(values: Iterable[float | None]) -> tuple[float, str]:
    """(divisor, unit) in which the largest of these amounts of USD reads well."""
    most = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    return next((size, unit) for start, size, unit in SCALES if most >= start)


def digits(value: float) -> str:
    """Four significant digits, all digits before the point."""
    size = abs(value)
    places = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3
    out = f"{value:,.{places}f}"
    out = out.rstrip("0").rstrip(".") if "." in out else out
    return "0" if out == "-0" else out


def amount(value: float | None, unit: str) -> str:
    """A number with its unit, money scaled; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "USD" or unit.startswith("USD/"):
        size, name = scale([value])
        if unit != "USD/USD" and (unit == "USD" or size > 1.0):
            return f"{digits(value / size)} {name}{unit[3:]}"
    if 0.0 < abs(value) < 1e-3:
        return f"{value:.2e} {unit}".rstrip()
    return f"{digits(value)} {unit}".rstrip()


def money(value: float | None) -> str:
    """12.3 MUSD."""
    return amount(value, "USD")


def percent(share: float | None) -> str:
    if share is None or not math.isfinite(share):
        return "–"
    places = 1 if abs(share) >= 0.01 else 2 if abs(share) >= 0.001 else 3
    text = f"{100.0 * share:,.{places}f}".rstrip("0").rstrip(".")
    return f"{'0' if text == '-0' else text} %"


def multiple(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{digits(value)}×"


def month(iso: str) -> str:
    """2026-04 of 2026-04-01."""
    return iso[:7]


def listed(parts: list[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
