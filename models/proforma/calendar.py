"""The second book's calendar: months, dates and tax years, from the first month and the lengths of the periods alone.

The first book has its own (`problem.Clock`). Here a date is found by counting those before it, and a year by the calendar of numpy, so
that an error in either shows as a difference between the books.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from models.problem import Array, Clock, Ints

#: numpy counts months from January 1970
EPOCH_YEAR = 1970


@dataclass(frozen=True)
class Calendar:
    """start_month: absolute month of date 0 (year x 12 + month - 1); lengths: months of each of the T periods."""

    start_month: int
    lengths: tuple[int, ...]

    @cached_property
    def month(self) -> Ints:
        """(D,) months from date 0 to each date: the lengths of all periods before it."""
        periods = len(self.lengths)
        before = np.tri(periods + 1, periods, -1, dtype=np.int64)
        return before @ np.array(self.lengths, dtype=np.int64)

    @cached_property
    def _known(self) -> list[int]:
        return [int(month) for month in self.month]

    def month_at(self, date: int) -> int:
        """Months from date 0 to `date`; beyond the horizon dates go on at the last period's step."""
        known = self._known
        if date < len(known):
            return known[date]
        return known[-1] + (date - len(known) + 1) * self.lengths[-1]

    def date_of(self, month: int) -> int:
        """The first date at or after `month` months from date 0, counted one by one: as many dates come before it. May lie beyond T."""
        date = sum(1 for known in self._known if known < month)
        while self.month_at(date) < month:
            date += 1
        return date

    @cached_property
    def years(self) -> Array:
        """(T,) length of each period in years."""
        return np.array([length / 12.0 for length in self.lengths])

    @cached_property
    def calendar_year(self) -> Ints:
        """(T,) the calendar year of the last day of each period."""
        first = np.datetime64(self.start_month - 12 * EPOCH_YEAR, "M")
        ends = (first + self.month[1:]).astype("datetime64[D]")
        last_day = ends - np.timedelta64(1, "D")
        return last_day.astype("datetime64[Y]").astype(np.int64) + EPOCH_YEAR

    @cached_property
    def tax_year(self) -> Ints:
        """(T,) index 0..Y-1 of the calendar year of each period."""
        _, index = np.unique(self.calendar_year, return_inverse=True)
        return np.asarray(index, dtype=np.int64)

    @property
    def tax_years(self) -> int:
        """Y."""
        return len(self.year_ends)

    @cached_property
    def year_ends(self) -> Ints:
        """(Y,) the date at which each tax year is settled: the next period lies in another year, or there is none."""
        turns = np.flatnonzero(self.calendar_year[1:] != self.calendar_year[:-1]) + 1
        return np.append(turns, len(self.lengths)).astype(np.int64)

    @cached_property
    def year_of_date(self) -> Ints:
        """(D,) index of the tax year that the flows of each date belong to: of the period that ends there, at date 0 of the first."""
        return np.concatenate([self.tax_year[:1], self.tax_year])


def calendar(clock: Clock) -> Calendar:
    """The calendar of a clock's periods."""
    return _calendar(int(clock.start_month), tuple(clock.months.tolist()))


def month_at(clock: Clock, date: int) -> int:
    """Months from date 0 to `date` of a clock; beyond the horizon dates go on at the last period's step."""
    return calendar(clock).month_at(date)


@lru_cache(maxsize=16)
def _calendar(start_month: int, lengths: tuple[int, ...]) -> Calendar:
    return Calendar(start_month, lengths)
