"""Money, shares and counts as people read them."""

from __future__ import annotations

import math


def money(usd: float | None) -> str:
    """1,234.5 MUSD, 12.3 MUSD, 45.6 kUSD, 7.89 USD."""
    if usd is None or not math.isfinite(usd):
        return "-"
    for size, unit in ((1e9, "GUSD"), (1e6, "MUSD"), (1e3, "kUSD")):
        if abs(usd) >= size * (1e1 if unit == "GUSD" else 0.9999995):
            return f"{_digits(usd / size)} {unit}"
    return f"{usd:,.2f} USD" if abs(usd) >= 0.005 else "0 USD"


def _digits(value: float) -> str:
    """Four significant digits, all digits before the point."""
    size = abs(value)
    places = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: float | None, unit: str = "") -> str:
    """A number in its unit; money scaled."""
    if value is None or not math.isfinite(value):
        return "-"
    if unit == "USD":
        return money(value)
    if unit.startswith("USD/"):
        return f"{money(value)[:-3]}{unit}" if abs(value) >= 1000 else f"{value:,.4g} {unit}"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"
    return f"{text} {unit}".rstrip()


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:,.1%}"


def printable(text: str) -> str:
    """No control character of a name reaches the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
