"""A path in time: one number for every date, written as a quantity, a growth, dated knots, or a column of a CSV file.

    250 MW
    {start: 105000 USD/BTC, growth: 8 %/year, from: 2026-01}
    {knots: {2026-01: 45 USD/PH/day, 2027-01: 38 USD/PH/day}, interpolate: linear}
    {csv: network.csv, column: hashrate_eh, date_column: date, unit: EH/s, interpolate: log}

Every mapping form takes `times`, a plain factor. Growth compounds: value(t) = start * (1 + growth) ** years since the
horizon's start, or since `from`. Between knots the value runs `linear` (default), `log` (constant growth) or `step`
(holds until the next knot); before the first and after the last knot it is flat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from models.spelling import did_you_mean
from optimizer.case.reading.case_files import Files
from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.hourly_data import check_keys, read_columns, read_quantity, read_unit
from optimizer.case.reading.timeline import DateError, Timeline, month_number, parse_date
from optimizer.case.reading.units import LARGEST
from optimizer.case.reading.yaml_tree import Node, noun

Interpolate = Literal["linear", "log", "step"]
INTERPOLATIONS = ("linear", "log", "step")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Path:
    """A path in time, in the canonical unit of its field. Either `knots` are given, or `start` and `growth`."""

    start: float = 0.0
    growth: float = 0.0  # per year, as a fraction
    base: date | None = None  # where growth begins; None: the horizon's start
    knots: tuple[tuple[date, float], ...] = ()
    interpolate: Interpolate = "linear"
    factor: float = 1.0

    @property
    def is_constant(self) -> bool:
        if self.knots:
            return len({value for _, value in self.knots}) == 1
        return self.growth == 0.0

    def at_dates(self, timeline: Timeline) -> Array:
        """(T + 1,) the value at each date."""
        return self._at(timeline, timeline.years_at_dates)

    def over_periods(self, timeline: Timeline) -> Array:
        """(T,) the value at the middle of each period."""
        return self._at(timeline, timeline.years_at_midpoints)

    def at_years(self, timeline: Timeline, years: Array) -> Array:
        """The value at each of `years` since date 0, which may lie after the horizon."""
        return self._at(timeline, np.asarray(years, dtype=np.float64))

    def scaled(self, factor: float) -> Path:
        """The same path, times a factor."""
        return replace(self, factor=self.factor * factor)

    def _at(self, timeline: Timeline, years: Array) -> Array:
        """Values at `years` since date 0."""
        if not self.knots:
            if self.base is not None:
                years = years - (month_number(self.base) - timeline.first_month) / 12
            return self.factor * self.start * (1.0 + self.growth) ** years
        at = timeline.first_month + 12 * years
        known = np.array([month_number(day) for day, _ in self.knots])
        values = np.array([value for _, value in self.knots])
        if self.interpolate == "step":
            # The first-of-month grid is exact in months, so a knot at a date already counts at that date.
            return self.factor * values[np.maximum(np.searchsorted(known, at + 1e-9, side="right") - 1, 0)]
        if self.interpolate == "log":
            return self.factor * np.exp(np.interp(at, known, np.log(values)))
        return self.factor * np.interp(at, known, values)


def read_path(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> Path | None:
    """A path node of a case, in the canonical `unit`; None, with the mistakes noted, if it is not one."""
    if node.kind == "scalar":
        value = read_quantity(node, unit, where, mistakes)
        return None if value is None else Path(value)
    forms = [form for form in ("start", "knots", "csv") if form in node]
    if node.kind != "map" or len(forms) != 1:
        hint = "write a quantity, {start: ..., growth: ...}, {knots: {DATE: ...}} or {csv: FILE, column: NAME}"
        what = f"{noun(node)} is not a path in time"
        if len(forms) > 1:
            what = f"{' and '.join(forms)} exclude each other"
        mistakes.add(node.place, where, what, hint)
        return None
    before = len(mistakes)
    reader = {"start": _read_growth, "knots": _read_knots, "csv": _read_csv}[forms[0]]
    times = read_quantity(node.get("times"), "1", f"{where}.times", mistakes)
    path = reader(node, unit, where, files, mistakes)
    if path is None or len(mistakes) > before:
        return None
    return path if times is None else path.scaled(times)


def _read_growth(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> Path | None:
    check_keys(node, ("start", "growth", "from", "times"), where, mistakes)
    start = read_quantity(node["start"], unit, f"{where}.start", mistakes)
    growth = 0.0
    base: date | None = None
    if (given := node.get("growth")) is not None:
        growth = read_quantity(given, "1/year", f"{where}.growth", mistakes) or 0.0
        if growth <= -1 or growth > 10:
            message = f"{noun(given)}: expected more than -100 %/year, at most 1000 %/year"
            mistakes.add(given.place, f"{where}.growth", message)
    if (given := node.get("from")) is not None:
        base = _read_date(given, f"{where}.from", mistakes)
    return None if start is None else Path(start, growth, base)


def _read_date(node: Node, where: str, mistakes: Mistakes) -> date | None:
    if node.kind != "scalar":
        mistakes.add(node.place, where, f"{noun(node)} is not a date such as 2026-01")
        return None
    try:
        return parse_date(node.text)
    except DateError as problem:
        mistakes.add(node.place, where, str(problem))
        return None


def _read_interpolate(node: Node, where: str, mistakes: Mistakes) -> Interpolate:
    given = node.get("interpolate")
    if given is None:
        return "linear"
    if given.kind != "scalar" or given.text not in INTERPOLATIONS:
        hint = did_you_mean(given.text if given.kind == "scalar" else "", INTERPOLATIONS, "it is one of")
        mistakes.add(given.place, f"{where}.interpolate", f"{noun(given)} is not a way to interpolate", hint)
        return "linear"
    return cast(Interpolate, given.text)


def _read_knots(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> Path | None:
    check_keys(node, ("knots", "interpolate", "times"), where, mistakes)
    interpolate = _read_interpolate(node, where, mistakes)
    given = node["knots"]
    if given.kind != "map" or not len(given):
        mistakes.add(given.place, f"{where}.knots", f"{noun(given)} is not a map of dates to values")
        return None
    found: dict[date, tuple[float, Place]] = {}
    for key in given:
        here = f"{where}.knots.{key}"
        value = read_quantity(given[key], unit, here, mistakes)
        try:
            day = parse_date(key)
        except DateError as problem:
            mistakes.add(given.key_place(key), here, str(problem))
            continue
        if day in found:  # 2026-01 and 2026-01-01 are one day
            mistakes.add(given.key_place(key), here, f"the day {day} is given twice")
        elif value is not None:
            found[day] = (value, given[key].place)
            if interpolate == "log" and value <= 0:
                mistakes.add(given[key].place, here, f"interpolation by log needs values above 0: {value:g} is not")
    return Path(knots=tuple((day, found[day][0]) for day in sorted(found)), interpolate=interpolate) if found else None


def _read_csv(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> Path | None:
    check_keys(node, ("csv", "column", "date_column", "unit", "interpolate", "times"), where, mistakes)
    interpolate = _read_interpolate(node, where, mistakes)
    scale = read_unit(node, unit, where, mistakes)
    read = read_columns(node, unit, ("date_column", "date"), where, files, mistakes)
    if read is None:
        return None
    table, column, clock, values = read
    days: list[date] = []

    def wrong(row: int, message: str, at: int) -> None:
        mistakes.sources[table.file] = table.text
        mistakes.add(table.place(row, at), where, message)

    for row, cells in enumerate(table.rows):
        try:
            day = parse_date(cells[clock] if clock < len(cells) else "")
        except DateError as problem:
            wrong(row, str(problem), clock)
            return None
        if days and day <= days[-1]:
            wrong(row, f"the day {day} " + ("is given twice" if day == days[-1] else f"comes after {days[-1]}"), clock)
            return None
        days.append(day)
    values = values * scale
    if interpolate == "log" and (low := np.flatnonzero(values <= 0)).size:
        wrong(int(low[0]), f"interpolation by log needs values above 0: {values[low[0]]:g} is not", column)
        return None
    if float(np.abs(values).max()) > LARGEST:
        wrong(int(np.abs(values).argmax()), f"beyond {LARGEST:g} {unit}", column)
        return None
    return Path(knots=tuple(zip(days, values.tolist(), strict=True)), interpolate=interpolate)
