"""The horizon: T periods of equal months, T + 1 dates at their boundaries."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rounding = Literal["up", "down"]
EARLIEST_YEAR, LATEST_YEAR = 1970, 2200
MOST_PERIODS = 1200
_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?", re.ASCII)


class DateError(ValueError):
    """A date that cannot be read, or that lies outside the horizon."""


def parse_date(text: str) -> date:
    """`2026-01` (the first of the month) or `2026-01-15`. Raises DateError."""
    found = _DATE.fullmatch(text.strip())
    if not found:
        shown = text.strip()[:40]
        raise DateError(f'"{shown}" is not a date: expected a month or a day, such as 2026-01 or 2026-01-31')
    year, month, day = int(found[1]), int(found[2]), int(found[3] or 1)
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise DateError(f'"{text.strip()}": the year is outside {EARLIEST_YEAR}-{LATEST_YEAR}')
    if not 1 <= month <= 12:
        raise DateError(f'"{text.strip()}": there is no month {month}')
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise DateError(f'"{text.strip()}": {year}-{month:02d} has {calendar.monthrange(year, month)[1]} days')
    return date(year, month, day)


def month_number(day: date) -> float:
    """Calendar time in months: whole at the first of a month, linear by days within it."""
    return day.year * 12 + (day.month - 1) + (day.day - 1) / calendar.monthrange(day.year, day.month)[1]


def first_of_month(number: int) -> date:
    """The first day of the month with this `month_number`."""
    return date(number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class Timeline:
    """T periods of `period_months` from the month `start`; date d = 0..T is where period d begins."""

    start: tuple[int, int]  # year, month (1-12)
    period_months: int
    periods: int

    def __post_init__(self) -> None:
        year, month = self.start
        if not (EARLIEST_YEAR <= year <= LATEST_YEAR and 1 <= month <= 12):
            raise DateError(f"{year}-{month} is not a month between {EARLIEST_YEAR} and {LATEST_YEAR}")
        if not (1 <= self.period_months <= 12 and 12 % self.period_months == 0):
            raise DateError(f"a period of {self.period_months} months: expected 1, 2, 3, 4, 6 or 12")
        if not 1 <= self.periods <= MOST_PERIODS:
            raise DateError(f"{self.periods} periods: expected 1 to {MOST_PERIODS}")
        if self.dates[-1].year > LATEST_YEAR + 1:
            raise DateError(f"the horizon ends in {self.dates[-1].year}, after {LATEST_YEAR}")

    @classmethod
    def between(cls, start: date, end: date, period_months: int) -> Timeline:
        """From one first of a month to another. Raises DateError if no whole number of periods fits."""
        months = (end.year - start.year) * 12 + end.month - start.month
        if start.day != 1 or end.day != 1:
            raise DateError("a horizon begins and ends at the first of a month")
        if months <= 0:
            raise DateError(f"the horizon ends ({end:%Y-%m}) before it begins ({start:%Y-%m})")
        if period_months < 1 or months % period_months:
            raise DateError(f"{months} months are not a whole number of periods of {period_months} months")
        return cls((start.year, start.month), period_months, months // period_months)

    @property
    def first_month(self) -> int:
        """`month_number` of date 0."""
        return self.start[0] * 12 + self.start[1] - 1

    @cached_property
    def dates(self) -> list[date]:
        """(T + 1) dates: period t runs from dates[t] up to, not including, dates[t + 1]."""
        return [first_of_month(self.first_month + d * self.period_months) for d in range(self.periods + 1)]

    @cached_property
    def months(self) -> NDArray[np.float64]:
        """(T,) months in each period."""
        return _fixed(np.full(self.periods, float(self.period_months)))

    @cached_property
    def days(self) -> NDArray[np.float64]:
        """(T,) days in each period, leap days included."""
        return _fixed(np.diff(np.array([day.toordinal() for day in self.dates], dtype=np.float64)))

    @cached_property
    def hours(self) -> NDArray[np.float64]:
        """(T,) hours in each period on the local standard clock: 24 each day, leap days included, no DST."""
        return _fixed(self.days * 24.0)

    @cached_property
    def years_at_dates(self) -> NDArray[np.float64]:
        """(T + 1,) calendar years since date 0."""
        return _fixed(np.arange(self.periods + 1) * (self.period_months / 12))

    @cached_property
    def years_at_midpoints(self) -> NDArray[np.float64]:
        """(T,) calendar years from date 0 to the middle of each period."""
        return _fixed((np.arange(self.periods) + 0.5) * (self.period_months / 12))

    @cached_property
    def midpoints(self) -> list[date]:
        """(T,) the day in the middle of each period."""
        return [date.fromordinal((a.toordinal() + b.toordinal()) // 2) for a, b in self._spans()]

    @cached_property
    def year_of_period(self) -> NDArray[np.int64]:
        """(T,) the calendar year that a period belongs to: the year in which it ends (of its last day)."""
        years = np.array([date.fromordinal(b.toordinal() - 1).year for _, b in self._spans()], dtype=np.int64)
        years.flags.writeable = False
        return years

    def tax_years(self) -> dict[int, tuple[int, ...]]:
        """Calendar year -> its periods, in order; a period belongs to the year in which it ends."""
        out: dict[int, list[int]] = {}
        for t, year in enumerate(self.year_of_period.tolist()):
            out.setdefault(year, []).append(t)
        return {year: tuple(periods) for year, periods in out.items()}

    def position(self, day: date, rounding: Rounding = "up") -> int:
        """Which date `day` is, counted from date 0; negative before the horizon, above T after it.

        A day inside a period rounds up to the next date: what happens within a period is known at its end.
        """
        months = month_number(day) - self.first_month
        exact = months / self.period_months
        return int(np.ceil(exact)) if rounding == "up" else int(np.floor(exact))

    def index(self, day: date, rounding: Rounding = "up") -> int:
        """The date 0..T of `day`; a day inside a period rounds up. Raises DateError outside the horizon."""
        if not self.dates[0] <= day <= self.dates[-1]:
            raise DateError(f"{day} is outside the horizon, {self.dates[0]:%Y-%m} to {self.dates[-1]:%Y-%m}")
        return self.position(day, rounding)

    def period_of(self, day: date) -> int:
        """The period 0..T-1 in which `day` lies. Raises DateError outside the horizon."""
        if not self.dates[0] <= day < self.dates[-1]:
            raise DateError(f"{day} is outside the horizon, {self.dates[0]:%Y-%m} to {self.dates[-1]:%Y-%m}")
        return self.position(day, "down")

    def label(self, t: int) -> str:
        """A short name of period t: 2026, 2026-Q1 or 2026-01, by its length and beginning."""
        begin = self.dates[t]
        if self.period_months == 12 and begin.month == 1:
            return f"{begin.year}"
        if self.period_months == 3 and begin.month % 3 == 1:
            return f"{begin.year}-Q{begin.month // 3 + 1}"
        return f"{begin:%Y-%m}"

    def _spans(self) -> list[tuple[date, date]]:
        return list(zip(self.dates[:-1], self.dates[1:], strict=True))


def _fixed(values: ArrayLike) -> NDArray[np.float64]:
    """A read-only copy."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array
