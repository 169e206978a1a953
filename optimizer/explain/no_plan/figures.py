"""Figures as a planner writes them: in the unit of the case, with three digits, rounded to the side that is safe."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optimizer.case.reading.units import UnitError, factor, kind_of, split

DIGITS = 3
#: what a figure is written in where the case does not say
USUAL_UNITS = {"USD": "MUSD", "1": "%", "units": "units", "USD/year": "MUSD/year", "": "", "months": "months"}
#: larger and smaller units of the same kind, to keep figures short
SIZES = (("GUSD", 1e9), ("MUSD", 1e6), ("kUSD", 1e3), ("USD", 1.0))
LONGEST_FIGURE = 1e5  # a figure of more than five digits is told in a larger unit
ROUNDING_TOLERANCE = 1e-9  # relative: what rounding may leave beyond a figure


@dataclass(frozen=True)
class Figure:
    """How figures of one place are written. unit: canonical ('' for a plain number); written: what stands behind the number."""

    unit: str
    written: str

    @classmethod
    def like(cls, unit: str, text: str | None) -> Figure:
        """In the unit of what stands there, such as "400 MUSD"; in the usual one where nothing (or no quantity) does."""
        if unit and text is not None:
            try:
                return cls(unit, split(text, kind_of(unit))[1])
            except UnitError:
                pass
        return cls(unit, USUAL_UNITS.get(unit, unit))

    @property
    def size(self) -> float:
        """Canonical units in one written unit."""
        return factor(self.written, self.unit) if self.unit else 1.0

    def shown(self, value: float) -> str:
        """The value as it would be written, with as many digits as it needs."""
        unit, size = self.written, self.size
        if self.unit == "USD" and (abs(value) >= LONGEST_FIGURE * size or 0.0 < abs(value) < 0.1 * size):
            unit, size = next(((u, s) for u, s in SIZES if abs(value) >= s), SIZES[-1])
        return f"{plain(value / size)} {unit}".rstrip()

    def outward(self, value: float, up: bool, digits: int = DIGITS) -> float:
        """The nearest sensible value at or beyond this one."""
        return rounded(value / self.size, up, digits) * self.size


def plain(value: float) -> str:
    """A number without exponent and without idle zeros: 463, 0.0125, 1.21."""
    if value == 0.0:
        return "0"
    places = min(max(0, 9 - math.floor(math.log10(abs(value)))), 15)
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(value: float, up: bool, digits: int = DIGITS) -> float:
    """To so many significant digits, up or down; a value that has no more stays as it is."""
    if value == 0.0 or not math.isfinite(value):
        return value
    step = math.floor(math.log10(abs(value))) - digits + 1
    steps = value / 10.0**step
    near = round(steps)
    whole = near if abs(steps - near) <= ROUNDING_TOLERANCE * abs(steps) else math.ceil(steps) if up else math.floor(steps)
    return float(whole * 10**step) if step >= 0 else float(whole / 10 ** (-step))
