"""A full calendar year of hours, repeated over the horizon by calendar.

The clock is local standard time, hour-beginning: every day has 24 hours, as meters and day-ahead settlement count them.
The year repeats by date, not by weekday: 1 January of the source is 1 January of every year.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from optimizer.case.reading.timeline import Timeline

Array = NDArray[np.float64]
HOURS = 8760  # of a common year


LEAP_STARTS = (31 + 28) * 24  # first hour of 29 February in a leap year


@dataclass(frozen=True, eq=False)
class HourlyYear:
    """A year of hours, in the unit of its field: (8760,) and, where the source has one, the 24 hours of 29 February.

    A leap year of the horizon repeats 28 February as 29 February if the source has no leap day; a common year drops the
    source's 29 February.
    """

    values: Array
    leap_day: Array | None = None
    source: str = "given"
    notes: tuple[str, ...] = ()  # what was filled in or moved, for reports

    def __post_init__(self) -> None:
        assert self.values.shape == (HOURS,) and (self.leap_day is None or self.leap_day.shape == (24,))
        self.values.flags.writeable = False

    @classmethod
    def flat(cls, value: float) -> HourlyYear:
        return cls(np.full(HOURS, float(value)))

    @property
    def mean(self) -> float:
        """Mean over the 8760 hours of a common year."""
        return float(self.values.mean())

    def transformed(self, times: float = 1.0, plus: float = 0.0) -> HourlyYear:
        """times * value + plus, in every hour."""
        leap = None if self.leap_day is None else self.leap_day * times + plus
        return replace(self, values=self.values * times + plus, leap_day=leap)

    def for_year(self, year: int) -> Array:
        """(8760,) or, in a leap year, (8784,)."""
        if not is_leap(year):
            return self.values
        leap = self.values[LEAP_STARTS - 24 : LEAP_STARTS] if self.leap_day is None else self.leap_day
        return np.concatenate([self.values[:LEAP_STARTS], leap, self.values[LEAP_STARTS:]])

    def for_period(self, timeline: Timeline, t: int) -> Array:
        """(H_t,) all hours of period t, by calendar."""
        begin, end = timeline.dates[t], timeline.dates[t + 1]
        parts = []
        for year in range(begin.year, end.year + 1):
            first = max(begin.toordinal(), date(year, 1, 1).toordinal()) - date(year, 1, 1).toordinal()
            last = min(end.toordinal(), date(year + 1, 1, 1).toordinal()) - date(year, 1, 1).toordinal()
            if last > first:
                parts.append(self.for_year(year)[first * 24 : last * 24])
        return np.concatenate(parts)


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
