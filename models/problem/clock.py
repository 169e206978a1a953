"""Dates, periods and hours, and what has a value for every hour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models.problem.arrays import Array, Ints

#: hours of the leap-year layout in which every yearly profile is stored (29 February is always present)
LEAP_HOURS = 8784


@dataclass(frozen=True)
class Clock:
    """Dates, periods and the hours kept of each period.

    months       (T,) length of each period in months (int)
    start_month  absolute month number of date 0: year * 12 + (month - 1)
    hours        (T,) real hours of each period
    hour_index   T arrays (H_t,) of positions in the 8784-hour leap-year layout, in calendar order
    weight       T arrays (H_t,): hours of the period each kept hour stands for; sums to hours[t]
    """

    months: Ints
    start_month: int
    hours: Array
    hour_index: tuple[Ints, ...]
    weight: tuple[Array, ...]

    @property
    def periods(self) -> int:
        return len(self.months)

    @property
    def dates(self) -> int:
        return len(self.months) + 1

    @cached_property
    def date_month(self) -> Ints:
        """(D,) months from date 0 to each date."""
        return np.concatenate([[0], np.cumsum(self.months)]).astype(np.int64)

    @cached_property
    def calendar_year(self) -> Ints:
        """(T,) calendar year of each period: the year its last month lies in."""
        last = self.start_month + self.date_month[1:] - 1
        return (last // 12).astype(np.int64)

    @cached_property
    def tax_year(self) -> Ints:
        """(T,) index 0..Y-1 of the tax year (calendar year) each period belongs to."""
        return (self.calendar_year - self.calendar_year[0]).astype(np.int64)

    @property
    def tax_years(self) -> int:
        return int(self.tax_year[-1]) + 1

    @cached_property
    def last_date_of_year(self) -> Ints:
        """(Y,) the date at which each tax year's last period settles: where its tax is paid."""
        return np.array([int(np.flatnonzero(self.tax_year == y)[-1]) + 1 for y in range(self.tax_years)], dtype=np.int64)

    def date_at(self, month: int) -> int:
        """First date at or after `month` months from date 0. Dates inside a period round up; may exceed T by any amount
        (beyond the horizon each further date counts one last period)."""
        if month <= 0:
            return 0
        d = int(np.searchsorted(self.date_month, month, side="left"))
        if d < self.dates:
            return d
        step = int(self.months[-1])
        return self.periods + -(-(month - int(self.date_month[-1])) // step)


@dataclass(frozen=True)
class Hourly:
    """A value for every hour, scenario and period: profiles[which[s]][hour] * factor[s, t] + shift[s, t].

    profiles (P, 8784), which (S,) int, factor (S, T), shift (S, T).
    """

    profiles: Array
    which: Ints
    factor: Array
    shift: Array

    def values(self, clock: Clock, s: int, t: int) -> Array:
        """(H_t,) the kept hours of period t in scenario s."""
        return self.profiles[self.which[s]][clock.hour_index[t]] * self.factor[s, t] + self.shift[s, t]
