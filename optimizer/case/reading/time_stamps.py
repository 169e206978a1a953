"""A year of hours from time stamps: daylight saving, UTC offsets, years that begin on another clock."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optimizer.case.reading.hourly_year import HOURS, LEAP_STARTS, Array, HourlyYear, is_leap


def _stamp(hour: int) -> str:
    """An hour number (hours since 0001-01-01 00:00) as text."""
    return f"{datetime(1, 1, 1) + timedelta(hours=hour):%Y-%m-%d %H:%M}"


def _second_number(moment: datetime, offset_seconds: int = 0) -> int:
    """Seconds from 0001-01-01 00:00 to what the clock shows, less an offset in seconds."""
    seconds = (moment.toordinal() - 1) * 86400 + moment.hour * 3600 + moment.minute * 60 + moment.second
    return seconds - offset_seconds


class BadTime(ValueError):
    """What is wrong with the time in a row (counted from 0 below the header)."""

    def __init__(self, row: int, message: str, hint: str | None = None):
        super().__init__(message)
        self.row, self.message, self.hint = row, message, hint


def year_from_stamps(stamps: list[str], values: Array, zone: zoneinfo.ZoneInfo | None) -> HourlyYear:
    """One calendar year of hours from time stamps (ISO, hour-beginning), on the local standard clock.

    Stamps with a UTC offset are moved to standard time: that of `zone`, else the smallest offset in the column. Naive
    stamps are on the standard clock already; with a `zone` they are local wall-clock time: the spring hour does not
    exist, the autumn hour comes twice (first daylight, then standard time), and both become plain standard hours. A
    source that gives the autumn hour once has lost an hour: it becomes the mean of its neighbours, with a note.

    A year that is whole on another clock (UTC, or a zone whose year begins in daylight time) begins up to a day off:
    the hours that stick out are moved to the other end of the year, with a note.
    """
    moments: list[datetime] = []
    for row, text in enumerate(stamps):
        try:
            moments.append(datetime.fromisoformat(text.strip()))
        except ValueError:
            example = "2024-01-31 23:00 or 2024-01-31 23:00:00-05:00"
            raise BadTime(row, f'"{text.strip()[:40]}" is not a time such as {example}') from None
    aware = [moment.tzinfo is not None for moment in moments]
    if any(aware) and not all(aware):
        row = aware.index(not aware[0])
        raise BadTime(row, "some times have a UTC offset and some have none")
    lost: set[int] = set()  # hours that the autumn change may have swallowed
    if aware[0]:
        seconds = _from_aware(moments, zone)
    elif zone is not None:
        seconds, lost = _from_wall_clock(moments, zone)
    else:
        seconds = [_second_number(moment) for moment in moments]
    hours = np.array(seconds, dtype=np.int64)
    if (off := np.flatnonzero(hours % 3600)).size:
        raise BadTime(int(off[0]), f'"{stamps[off[0]].strip()}" is not on the hour')
    hours //= 3600
    notes: list[str] = []
    if lost:
        hours, values, notes = _fill(hours, values, lost)
    _check_sequence(hours, stamps, naive=not aware[0] and zone is None)
    return _as_year(hours, values, notes)


def _from_aware(moments: list[datetime], zone: zoneinfo.ZoneInfo | None) -> list[int]:
    offsets = [int(moment.utcoffset().total_seconds()) for moment in moments]  # type: ignore[union-attr]
    standard = min(offsets) if zone is None else _standard_offset(zone, moments[len(moments) // 2].year)
    return [_second_number(m, offset - standard) for m, offset in zip(moments, offsets, strict=True)]


def _standard_offset(zone: zoneinfo.ZoneInfo, year: int) -> int:
    """Seconds east of UTC in standard time: the smaller of January's and July's."""
    both = (datetime(year, month, 1, 12, tzinfo=zone).utcoffset() or timedelta() for month in (1, 7))
    return int(min(both).total_seconds())


def _from_wall_clock(moments: list[datetime], zone: zoneinfo.ZoneInfo) -> tuple[list[int], set[int]]:
    standard = _standard_offset(zone, moments[len(moments) // 2].year)
    seconds: list[int] = []
    lost: set[int] = set()
    seen: set[datetime] = set()
    for row, moment in enumerate(moments):
        first = zone.utcoffset(moment)
        second = zone.utcoffset(moment.replace(fold=1))
        assert first is not None and second is not None
        offset = first
        if first < second:
            raise BadTime(
                row,
                f"{moment:%Y-%m-%d %H:%M} does not exist in {zone.key}: clocks go forward",
                "if the column is on the standard clock all year, leave `timezone` out",
            )
        if first > second:  # the hour comes twice
            at_second = _second_number(moment, int(second.total_seconds()) - standard)
            if moment in seen:
                offset = second
                lost.discard(at_second // 3600)
            else:
                seen.add(moment)
                lost.add(at_second // 3600)
        seconds.append(_second_number(moment, int(offset.total_seconds()) - standard))
    return seconds, lost


def _fill(hours: NDArray[np.int64], values: Array, lost: set[int]) -> tuple[NDArray[np.int64], Array, list[str]]:
    notes = []
    for hour in sorted(lost):
        at = int(np.searchsorted(hours, hour))
        if 0 < at < len(hours) and hours[at - 1] == hour - 1 and hours[at] == hour + 1:
            hours = np.insert(hours, at, hour)
            values = np.insert(values, at, (values[at - 1] + values[at]) / 2)
            notes.append(f"{_stamp(hour)} (standard time) was lost when clocks went back: mean of its neighbours")
    return hours, values, notes


def _check_sequence(hours: NDArray[np.int64], stamps: list[str], naive: bool) -> None:
    """Hours rise one by one; rows and hours agree up to the first fault, where this raises."""
    steps = np.diff(hours)
    faults = np.flatnonzero(steps != 1)
    if not faults.size:
        return
    row, step = int(faults[0]) + 1, int(steps[faults[0]])
    row = min(row, len(stamps) - 1)  # a filled hour may have moved rows by one
    written = stamps[row].strip()
    if step == 0:
        hint = "a local clock with daylight saving time needs `timezone`, such as America/New_York" if naive else None
        raise BadTime(row, f"hour {written} is given twice", hint)
    if step < 0:
        again = bool(np.any(hours[:row] == hours[row]))
        what = "is given twice" if again else "comes after a later hour: sort the rows by time"
        raise BadTime(row, f"hour {written} {what}")
    missing = int((steps[steps > 1] - 1).sum())
    count = f"{missing} hours are missing in all" if missing > 1 else "the only gap"
    hint = "a local clock with daylight saving time needs `timezone`" if naive and missing <= 2 else None
    hour = _stamp(int(hours[faults[0]]) + 1)
    if not naive:  # hours are counted without daylight saving time: what the file shows in summer is an hour later
        hour += " of standard time"
        hint = "standard time is the clock of winter, all year round: in summer it is an hour behind the local clock"
    raise BadTime(row, f"hour {hour} is missing before this row ({count})", hint)


def _as_year(hours: NDArray[np.int64], values: Array, notes: list[str]) -> HourlyYear:
    middle = datetime(1, 1, 1) + timedelta(hours=int(hours[len(hours) // 2]))
    year = middle.year
    length = HOURS + 24 * is_leap(year)
    start = (date(year, 1, 1).toordinal() - 1) * 24
    early = start - int(hours[0])
    if len(hours) != length:
        span = f"{_stamp(int(hours[0]))} to {_stamp(int(hours[-1]))}"
        message = f"{len(hours)} hours, {span}: expected one full calendar year, {length} hours in {year}"
        raise BadTime(len(values) - 1 if len(hours) < length else min(length, len(values) - 1), message)
    if abs(early) > 24:
        message = f"the year begins at {_stamp(int(hours[0]))}: expected a calendar year, from {year}-01-01 00:00"
        raise BadTime(0, message)
    if early:
        values = np.roll(values, -early)
        near, far = ("before", "end") if early > 0 else ("after", "beginning")
        notes = [*notes, f"{abs(early)} hours {near} the year {year} (standard time) moved to its {far}"]
    if length == HOURS:
        return HourlyYear(values.copy(), None, notes=tuple(notes))
    leap = values[LEAP_STARTS : LEAP_STARTS + 24].copy()
    return HourlyYear(np.delete(values, slice(LEAP_STARTS, LEAP_STARTS + 24)), leap, notes=tuple(notes))
