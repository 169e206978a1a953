"""Times of a file as seconds of UTC: stamps with an offset, in UTC, or on a local clock with days of 23 and 25 hours."""

from __future__ import annotations

import itertools
import re
import zoneinfo
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optimizer.case.reading.csv_table import Table
from optimizer.scenarios.data.layouts import Columns
from optimizer.scenarios.data.source_table import BadSource

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3600
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(.*)", re.DOTALL)
_CLOCK = re.compile(r"\s*(\d{1,2}):?(\d{2})?(?::(\d{2}))?\s*([AaPp][Mm])?\s*")


def seconds_of(table: Table, columns: Columns, zone: zoneinfo.ZoneInfo | None) -> NDArray[np.int64]:
    """(rows,) seconds from 1970 to the beginning of each row's interval, in UTC. Raises BadSource with the row's place."""
    layout = columns.layout
    texts = [_cell(row, columns.time) for row in table.rows]
    day_first = _day_first(texts, layout.market)
    moments, seconds = [], list[int | None]()
    for k, text in enumerate(texts):
        try:
            moment = parse(text, day_first)
            if columns.hour >= 0:
                moment = _hour_of(moment, table.rows[k], columns)
        except ValueError as problem:
            raise BadSource(table.place(k, columns.time), str(problem)) from None
        moments.append(moment)
        seconds.append(int((moment - EPOCH).total_seconds()) if moment.tzinfo is not None else None)
    aware = [one is not None for one in seconds]
    if any(aware) and not all(aware):
        raise BadSource(table.place(aware.index(not aware[0]), columns.time), "some times have a UTC offset and some have none")
    if all(aware):
        found = np.array(seconds, dtype=np.int64)
    elif layout.utc:
        found = np.array([int((moment.replace(tzinfo=UTC) - EPOCH).total_seconds()) for moment in moments], dtype=np.int64)
    elif zone is None:
        raise BadSource(
            table.place(0, columns.time),
            "times have no UTC offset, and no zone is given",
            "--zone America/New_York, or --zone UTC",
        )
    else:
        found = _from_wall_clock(table, columns, moments, zone)
    if layout.ending and columns.hour < 0 and (all(aware) or layout.utc):
        found = found - step_of(found)
    return found


def _cell(row: Sequence[str], at: int) -> str:
    return row[at].strip() if 0 <= at < len(row) else ""


def parse(text: str, day_first: bool) -> datetime:
    """A time as markets write it; of a range its beginning. Raises ValueError."""
    begin = re.split(r"\s+-\s+", text, maxsplit=1)[0].strip()
    try:
        return datetime.fromisoformat(begin)
    except ValueError:
        pass
    found = _SLASHED.fullmatch(begin)
    if found is None:
        raise ValueError(f'"{text[:40]}" is not a time such as 2024-01-31 23:00, 01/31/2024 23:00 or 2024-01-31T23:00:00-05:00')
    first, second, year = int(found[1]), int(found[2]), int(found[3])
    month, day = (second, first) if day_first else (first, second)
    clock = _CLOCK.fullmatch(found[4]) if found[4].strip() else None
    if found[4].strip() and clock is None:
        raise ValueError(f'"{text[:40]}" has no time of day such as 23:00')
    hour, minute, second_ = (int(clock[k] or 0) for k in (1, 2, 3)) if clock is not None else (0, 0, 0)
    if clock is not None and clock[4]:
        hour = hour % 12 + (12 if clock[4].lower() == "pm" else 0)
    try:
        return datetime(year, month, day) + timedelta(hours=hour, minutes=minute, seconds=second_)
    except ValueError:
        raise ValueError(f'"{text[:40]}" is not a day of the calendar') from None


def _day_first(texts: list[str], market: str) -> bool:
    """Whether 05/06/2024 is the fifth of June: points part European days; slashes are American unless a first number says otherwise."""
    slashed = [found for text in texts if (found := _SLASHED.match(text.strip()))]
    if not slashed:
        return False
    if "." in slashed[0][0][:5] or market == "entsoe":
        return True
    return any(int(found[1]) > 12 for found in slashed)


def _hour_of(day: datetime, row: Sequence[str], columns: Columns) -> datetime:
    """The beginning of the hour that a row names by its end, and of the part of it; `fold` where it is the second of its name."""
    found = _CLOCK.fullmatch(_cell(row, columns.hour))
    if found is None or not 1 <= int(found[1]) <= 25:
        raise ValueError(f'"{_cell(row, columns.hour)[:40]}" is not an hour of a day, from 1 to 24')
    moment = datetime(day.year, day.month, day.day) + timedelta(hours=int(found[1]) - 1)
    if columns.interval >= 0:
        part = _cell(row, columns.interval)
        if not part.isdigit() or not 1 <= int(part) <= 4:
            raise ValueError(f'"{part[:40]}" is not a part of an hour')
        moment += timedelta(minutes=15 * (int(part) - 1))
    second = columns.repeated >= 0 and _cell(row, columns.repeated).upper() in ("Y", "YES", "TRUE", "1")
    return moment.replace(fold=1) if second else moment


def _from_wall_clock(table: Table, columns: Columns, moments: list[datetime], zone: zoneinfo.ZoneInfo) -> NDArray[np.int64]:
    """Local times. An hour that comes twice is first daylight time, then standard time, in the order of the rows; where rows run back in
    time, the other way round."""
    layout = columns.layout
    if layout.ending and columns.hour < 0:
        steps = sorted(b - a for a, b in itertools.pairwise(moments) if b > a)
        moments = [moment - (steps[len(steps) // 2] if steps else timedelta(hours=1)) for moment in moments]
    backwards = len(moments) > 1 and moments[0] > moments[-1]
    flagged = columns.repeated >= 0
    seen: set[datetime] = set()
    found = np.empty(len(moments), dtype=np.int64)
    for k in range(len(moments) - 1, -1, -1) if backwards else range(len(moments)):
        moment = moments[k]
        before, after = (moment.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        assert before is not None and after is not None
        if before < after:
            raise BadSource(
                table.place(k, columns.time), f"{moment:%Y-%m-%d %H:%M} does not exist in {zone.key}: clocks go forward",
                f"where the file keeps standard time all year: --zone Etc/GMT{-standard_offset(zone, moment.year) // HOUR:+d}",
            )  # fmt: skip
        fold = moment.fold if flagged else int(before > after and moment.replace(fold=0) in seen)
        seen.add(moment.replace(fold=0))
        offset = after if fold else before
        found[k] = int((moment.replace(fold=0, tzinfo=UTC) - EPOCH - offset).total_seconds())
    return found


def step_of(seconds: NDArray[np.int64]) -> int:
    """The usual time between rows; an hour where there is one row."""
    ordered = np.unique(seconds)
    if len(ordered) < 2:
        return HOUR
    steps, counts = np.unique(np.diff(ordered), return_counts=True)
    return int(steps[np.argmax(counts)])


def standard_offset(zone: zoneinfo.ZoneInfo, year: int) -> int:
    """Seconds east of UTC in standard time."""
    both = (datetime(year, month, 1, 12, tzinfo=zone).utcoffset() or timedelta() for month in (1, 7))
    return int(min(both).total_seconds())


def clock_changes(zone: zoneinfo.ZoneInfo, first: date, last: date) -> list[tuple[date, int]]:
    """(day, hours it has) of every day from first to last that has not 24."""
    out = []
    day = first
    while day <= last:
        begin = datetime(day.year, day.month, day.day, tzinfo=zone)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=zone)
        hours = round((end.astimezone(UTC) - begin.astimezone(UTC)).total_seconds() / HOUR)
        if hours != 24:
            out.append((day, hours))
        day = following
    return out
