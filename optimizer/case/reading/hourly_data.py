"""Hourly data: a full calendar year from a CSV column or a bundled shape, repeated over the horizon by calendar.

The clock is local standard time, hour-beginning: every day has 24 hours, as meters and day-ahead settlement count them.
The year repeats by date, not by weekday: 1 January of the source is 1 January of every year.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import re
import stat
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from optimizer.case.reading.csv_table import Table
from optimizer.case.reading.csv_units import unit_as_said
from optimizer.case.reading.diagnostics import Mistakes, Place, did_you_mean, suggest
from optimizer.case.reading.timeline import Timeline
from optimizer.case.reading.units import LARGEST, UnitError, factor, parse_quantity
from optimizer.case.reading.yaml_tree import Node, noun
from optimizer.runtime import files as opened

HOURS = 8760  # of a common year
LEAP_STARTS = (31 + 28) * 24  # first hour of 29 February in a leap year
MOST_BYTES = 64_000_000
SHAPES = Path(__file__).parent / "shapes"
NO_ZONES = {
    "Factory",
    "localtime",
    "posixrules",
}  # files beside the zones: none of its own, that of this machine, a rule for others
REFERENCE_YEAR = 2026  # whose weekdays (1 January is a Thursday) a drawn year follows

Array = NDArray[np.float64]


class FileRefused(ValueError):
    """A file name in a case that may not, or cannot, be read."""


# --- files ------------------------------------------------------------------------------------------------------------


def resolve_inside(folder: str | Path, name: str) -> Path:
    """The regular file `name` in or below `folder`. Raises FileRefused for anything that lies, or leads, elsewhere."""
    shown = name if len(name) <= 120 else name[:117] + "..."
    inside = "files named in a case lie in or below its folder"
    if not name or any(not character.isprintable() for character in name):
        raise FileRefused(f"{shown!r} is not a file name")
    windows = PureWindowsPath(name)
    if PurePosixPath(name).is_absolute() or windows.drive or windows.root:
        raise FileRefused(f'"{shown}" is an absolute path: {inside}')
    if "\\" in name:
        raise FileRefused(f'"{shown}" has a backslash: write folders with /')
    if ".." in PurePosixPath(name).parts:
        raise FileRefused(f'"{shown}" leads out with ..: {inside}')
    try:
        root = Path(folder).resolve(strict=True)
        target = (root / name).resolve(strict=True)
        if not target.is_relative_to(root):
            raise FileRefused(f'"{shown}" is a link that leads out: {inside}')
        status = target.stat()
    except (FileNotFoundError, NotADirectoryError):
        near = suggest(name, _names_in(folder))
        raise FileRefused(f'there is no file "{shown}"' + (f': did you mean "{near}"?' if near else "")) from None
    except (OSError, RuntimeError) as problem:  # a loop of links is an OSError or a RuntimeError
        reason = getattr(problem, "strerror", None) or "cannot be followed"
        raise FileRefused(f'"{shown}" cannot be read: {reason.lower()}') from None
    if stat.S_ISDIR(status.st_mode):
        raise FileRefused(f'"{shown}" is a folder, not a file')
    if not stat.S_ISREG(status.st_mode):
        raise FileRefused(f'"{shown}" is not a regular file')
    if status.st_size > MOST_BYTES:
        raise FileRefused(f'"{shown}" is larger than {MOST_BYTES // 1_000_000} MB')
    return target


def _names_in(folder: str | Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))[:500]
    except OSError:
        return []


class Files:
    """Reads the files that a case names, each once, and keeps the sha256 of every one."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.digests: dict[str, str] = {}  # name as in the case (shapes: `shape:NAME`) -> sha256 in hex
        self._tables: dict[str, Table] = {}

    def table(self, node: Node, where: str, mistakes: Mistakes) -> Table | None:
        """The CSV file that a scalar names; None, with the mistake noted, if it cannot be used."""
        if node.kind != "scalar":
            mistakes.add(node.place, where, f"{noun(node)} is not the name of a CSV file")
            return None
        name = str(PurePosixPath(node.text))
        if name in self._tables:
            return self._tables[name]
        shown = str(self.folder / name)
        try:
            path = resolve_inside(self.folder, node.text)
            data = opened.read(path, MOST_BYTES)
            if len(data) > MOST_BYTES:
                raise FileRefused(f'"{name}" is larger than {MOST_BYTES // 1_000_000} MB')
        except FileRefused as problem:
            mistakes.add(node.place, where, str(problem))
            return None
        except OSError as problem:
            mistakes.add(node.place, where, f'"{name}" cannot be read: {(problem.strerror or "").lower()}')
            return None
        try:
            table = parse_table(data, shown)
        except _BadTable as problem:
            mistakes.add(problem.place, where, problem.message)
            return None
        self.digests[name] = hashlib.sha256(data).hexdigest()
        self._tables[name] = table
        return table


class _BadTable(ValueError):
    def __init__(self, place: Place, message: str):
        super().__init__(message)
        self.place, self.message = place, message


def parse_table(data: bytes, file: str) -> Table:
    """UTF-8 CSV with a header; `#` lines above the header are comments."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start]
        column = problem.start - (before.rfind(b"\n") + 1) + 1
        place = Place(file, before.count(b"\n") + 1, column)
        raise _BadTable(place, f"byte 0x{data[problem.start]:02x} is not UTF-8") from None
    if (nul := text.find("\0")) >= 0:
        place = Place(file, text.count("\n", 0, nul) + 1, nul - text.rfind("\n", 0, nul))
        raise _BadTable(place, "NUL is not allowed in a CSV file")
    notes: dict[str, str] = {}
    stream = io.StringIO(text, newline="")
    skipped = 0
    while True:
        start = stream.tell()
        line = stream.readline()
        if not line.startswith("#"):
            stream.seek(start)
            break
        skipped += 1
        key, colon, value = line[1:].partition(":")
        if colon:
            notes.setdefault(key.strip(), value.strip())
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(stream, strict=True)
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num + skipped)
    except csv.Error as problem:
        raise _BadTable(Place(file, reader.line_num + skipped, 1), f"not valid CSV: {problem}") from None
    if not rows:
        raise _BadTable(Place(file, 1, 1), "the file is empty")
    header = [cell.strip() for cell in rows[0]]
    for at, name in enumerate(header):
        if name and name in header[:at]:
            table = Table(file, text, header, [], [], lines[0])
            raise _BadTable(table.place(-1, at), f'two columns are named "{name}"')
    if len(rows) == 1:
        raise _BadTable(Place(file, lines[0], 1), "there is a header, but no row")
    return Table(file, text, header, rows[1:], lines[1:], lines[0], notes)


def column_index(table: Table, node: Node | None, usual: str, where: str, place: Place, mistakes: Mistakes) -> int | None:
    """Which column a scalar names (or the `usual` one, if the key is left out)."""
    if node is not None and node.kind != "scalar":
        mistakes.add(node.place, where, f"{noun(node)} is not the name of a column")
        return None
    name = node.text if node is not None else usual
    if name in table.header:
        return table.header.index(name)
    hint = did_you_mean(name, table.header, "its columns are")
    mistakes.add(node.place if node else place, where, f'"{table.file}" has no column "{name}"', hint)
    return None


def numbers(table: Table, column: int, where: str, mistakes: Mistakes) -> Array | None:
    """A column as finite numbers. Blanks are told as one mistake, text and NaN as one each (the first ten)."""
    try:
        values = np.array([float(row[column]) for row in table.rows])
        if bool(np.all(np.abs(values) <= LARGEST)):
            return values
    except (ValueError, IndexError):
        pass
    name = table.header[column]
    blanks: list[int] = []
    wrong: list[tuple[int, str]] = []
    for at, row in enumerate(table.rows):
        cell = row[column].strip() if column < len(row) else ""
        if not cell:
            blanks.append(at)
            continue
        try:
            value = float(cell)
        except ValueError:
            wrong.append((at, f'"{cell[:40]}" is not a number, in column "{name}"'))
            continue
        if not math.isfinite(value):
            wrong.append((at, f'"{cell[:40]}" is not a finite number, in column "{name}"'))
        elif abs(value) > LARGEST:
            wrong.append((at, f'"{cell[:40]}" is beyond {LARGEST:g}, in column "{name}"'))
    mistakes.sources[table.file] = table.text
    if blanks:
        count = f"{len(blanks)} blanks, the last in line {table.lines[blanks[-1]]}" if len(blanks) > 1 else "1 blank"
        mistakes.add(table.place(blanks[0], column), where, f'a number is missing in column "{name}" ({count})')
    for at, message in wrong[:10]:
        mistakes.add(table.place(at, column), where, message)
    if len(wrong) > 10:
        mistakes.add(table.place(wrong[10][0], column), where, f"... and {len(wrong) - 10} more from here on")
    return None


# --- a year of hours --------------------------------------------------------------------------------------------------


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
        if not _is_leap(year):
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


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _stamp(hour: int) -> str:
    """An hour number (hours since 0001-01-01 00:00) as text."""
    return f"{datetime(1, 1, 1) + timedelta(hours=hour):%Y-%m-%d %H:%M}"


def _second_number(moment: datetime, offset_seconds: int = 0) -> int:
    """Seconds from 0001-01-01 00:00 to what the clock shows, less an offset in seconds."""
    seconds = (moment.toordinal() - 1) * 86400 + moment.hour * 3600 + moment.minute * 60 + moment.second
    return seconds - offset_seconds


class _BadTime(ValueError):
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
            raise _BadTime(row, f'"{text.strip()[:40]}" is not a time such as {example}') from None
    aware = [moment.tzinfo is not None for moment in moments]
    if any(aware) and not all(aware):
        row = aware.index(not aware[0])
        raise _BadTime(row, "some times have a UTC offset and some have none")
    lost: set[int] = set()  # hours that the autumn change may have swallowed
    if aware[0]:
        seconds = _from_aware(moments, zone)
    elif zone is not None:
        seconds, lost = _from_wall_clock(moments, zone)
    else:
        seconds = [_second_number(moment) for moment in moments]
    hours = np.array(seconds, dtype=np.int64)
    if (off := np.flatnonzero(hours % 3600)).size:
        raise _BadTime(int(off[0]), f'"{stamps[off[0]].strip()}" is not on the hour')
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
            raise _BadTime(
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
        raise _BadTime(row, f"hour {written} is given twice", hint)
    if step < 0:
        again = bool(np.any(hours[:row] == hours[row]))
        what = "is given twice" if again else "comes after a later hour: sort the rows by time"
        raise _BadTime(row, f"hour {written} {what}")
    missing = int((steps[steps > 1] - 1).sum())
    count = f"{missing} hours are missing in all" if missing > 1 else "the only gap"
    hint = "a local clock with daylight saving time needs `timezone`" if naive and missing <= 2 else None
    raise _BadTime(row, f"hour {_stamp(int(hours[faults[0]]) + 1)} is missing before this row ({count})", hint)


def _as_year(hours: NDArray[np.int64], values: Array, notes: list[str]) -> HourlyYear:
    middle = datetime(1, 1, 1) + timedelta(hours=int(hours[len(hours) // 2]))
    year = middle.year
    length = HOURS + 24 * _is_leap(year)
    start = (date(year, 1, 1).toordinal() - 1) * 24
    early = start - int(hours[0])
    if len(hours) != length:
        span = f"{_stamp(int(hours[0]))} to {_stamp(int(hours[-1]))}"
        message = f"{len(hours)} hours, {span}: expected one full calendar year, {length} hours in {year}"
        raise _BadTime(len(values) - 1 if len(hours) < length else min(length, len(values) - 1), message)
    if abs(early) > 24:
        message = f"the year begins at {_stamp(int(hours[0]))}: expected a calendar year, from {year}-01-01 00:00"
        raise _BadTime(0, message)
    if early:
        values = np.roll(values, -early)
        near, far = ("before", "end") if early > 0 else ("after", "beginning")
        notes = [*notes, f"{abs(early)} hours {near} the year {year} (standard time) moved to its {far}"]
    if length == HOURS:
        return HourlyYear(values.copy(), None, notes=tuple(notes))
    leap = values[LEAP_STARTS : LEAP_STARTS + 24].copy()
    return HourlyYear(np.delete(values, slice(LEAP_STARTS, LEAP_STARTS + 24)), leap, notes=tuple(notes))


# --- bundled shapes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Shape:
    """Quantiles of a quantity by month, kind of day and hour of day; see shapes/README.md."""

    name: str
    unit: str  # as in the source: EUR/MWh is not a unit of ours
    levels: Array  # (Q,) from 0 to 1
    quantiles: Array  # (12, 2, 24, Q): month, weekday or weekend, hour
    by_weekday: bool  # whether weekday and weekend differ
    day_share: float  # of the variance of an hour's rank, how much all hours of a day have in common
    persistence: float  # of that common part, from day to day (AR(1) coefficient)
    notes: Mapping[str, str]
    sha256: str


def shape_names() -> list[str]:
    return sorted(path.stem for path in SHAPES.glob("*.csv"))


@lru_cache(maxsize=32)
def load_shape(name: str) -> Shape:
    """A bundled shape. Raises KeyError for an unknown name."""
    if name not in shape_names():
        raise KeyError(name)
    data = (SHAPES / f"{name}.csv").read_bytes()
    table = parse_table(data, f"shapes/{name}.csv")
    levels = np.array([float(column[1:]) / 100 for column in table.header[3:]])
    quantiles = np.full((12, 2, 24, len(levels)), np.nan)
    for month, days, hour, *row in table.rows:
        months = slice(None) if month == "all" else int(month) - 1
        kinds = {"all": slice(0, 2), "weekday": slice(0, 1), "weekend": slice(1, 2)}[days]
        quantiles[months, kinds, int(hour)] = [float(cell) for cell in row]
    assert np.isfinite(quantiles).all() and (np.diff(quantiles) >= 0).all(), name
    return Shape(
        name,
        table.notes["unit"],
        levels,
        quantiles,
        any(row[1] != "all" for row in table.rows),
        float(table.notes["day share"]),
        float(table.notes["persistence"]),
        table.notes,
        hashlib.sha256(data).hexdigest(),
    )


def draw(shape: Shape, seed: int = 0) -> HourlyYear:
    """A year of hours from a shape; the same seed gives the same year.

    Each hour has a Gaussian latent: an AR(1) factor common to its day, plus noise of its own. Within each month, kind
    of day and hour, the latents' ranks become uniforms, one in each of n equal strata, and the interpolated quantile
    function maps these to values. So a year has calm and tense days in runs, while its distribution, and its mean, are
    the shape's in every year drawn: seeds differ in the order of events, not in their number.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    shocks = generator.standard_normal(365)
    day = np.empty(365)
    day[0] = shocks[0]
    fresh = math.sqrt(1 - shape.persistence**2)
    for d in range(1, 365):
        day[d] = shape.persistence * day[d - 1] + fresh * shocks[d]
    latent = math.sqrt(shape.day_share) * day[:, None]
    latent = latent + math.sqrt(1 - shape.day_share) * generator.standard_normal((365, 24))
    jitter = generator.random((365, 24))
    first = date(REFERENCE_YEAR, 1, 1)
    calendar_days = [first + timedelta(days=d) for d in range(365)]
    month = np.array([one.month - 1 for one in calendar_days])
    weekend = np.array([one.weekday() >= 5 for one in calendar_days], dtype=int)
    if not shape.by_weekday:
        weekend[:] = 0
    out = np.empty((365, 24))
    for m in range(12):
        for w in (0, 1):
            rows = np.flatnonzero((month == m) & (weekend == w))
            if not rows.size:
                continue
            ranks = latent[rows].argsort(axis=0).argsort(axis=0)
            uniform = (ranks + jitter[rows]) / rows.size
            for hour in range(24):
                out[rows, hour] = np.interp(uniform[:, hour], shape.levels, shape.quantiles[m, w, hour])
    return HourlyYear(out.ravel(), None, source=f"shape {shape.name}, seed {seed}")


# --- reading a case ---------------------------------------------------------------------------------------------------

CSV_KEYS = ("csv", "column", "time_column", "timezone", "unit", "mean", "times", "plus")
SHAPE_KEYS = ("shape", "seed", "mean", "times", "plus")


def check_keys(node: Node, allowed: Iterable[str], where: str, mistakes: Mistakes) -> bool:
    """Notes every key of a map that is not allowed."""
    names = list(allowed)
    good = True
    for key in node:
        if key not in names:
            good = False
            mistakes.add(node.key_place(key), f"{where}.{key}", "unknown key", did_you_mean(key, names))
    return good


def read_quantity(node: Node | None, unit: str, where: str, mistakes: Mistakes) -> float | None:
    """A scalar as a number in the canonical `unit`; None, with the mistake noted, if it is not one."""
    if node is None:
        return None
    if node.kind != "scalar":
        mistakes.add(node.place, where, f"{noun(node)} is not a quantity in {unit}")
        return None
    try:
        return parse_quantity(node.text, unit)
    except UnitError as problem:
        mistakes.add(node.place, where, problem.message, problem.hint)
        return None


def read_hourly(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> HourlyYear | None:
    """An hourly node of a case, in the canonical `unit`: a quantity, {csv: ...} or {shape: ...}.

    In the mapping forms the year is first rescaled to `mean` (exactly, over 8760 hours), then `times`, then `plus`.
    """
    if node.kind == "scalar":
        value = read_quantity(node, unit, where, mistakes)
        return None if value is None else HourlyYear.flat(value)
    if node.kind != "map" or ("csv" in node) == ("shape" in node):
        hint = "write {csv: FILE, column: NAME} or {shape: NAME}"
        mistakes.add(node.place, where, f"{noun(node)} is not hourly data: expected a quantity, a csv or a shape", hint)
        return None
    before = len(mistakes)
    check_keys(node, CSV_KEYS if "csv" in node else SHAPE_KEYS, where, mistakes)
    mean = read_quantity(node.get("mean"), unit, f"{where}.mean", mistakes)
    times = read_quantity(node.get("times"), "1", f"{where}.times", mistakes)
    plus = read_quantity(node.get("plus"), unit, f"{where}.plus", mistakes)
    reader = _read_csv if "csv" in node else _read_shape
    year = reader(node, unit, where, files, mistakes)
    if year is None or len(mistakes) > before:
        return None
    if mean is not None:
        if abs(year.mean) < 1e-9 * max(1.0, float(np.abs(year.values).max())) or mean / year.mean < 0:
            message = f"the source's mean is {year.mean:.6g}: no factor brings it to {mean:.6g}"
            mistakes.add(node["mean"].place, f"{where}.mean", message, "use `plus`")
            return None
        year = year.transformed(mean / year.mean)
    return year.transformed(1.0 if times is None else times, plus or 0.0)


def read_columns(
    node: Node, unit: str, clock_key: tuple[str, str], where: str, files: Files, mistakes: Mistakes
) -> tuple[Table, int, int, np.ndarray] | None:
    """(table, value column, clock column, values as written) of a `csv:` node in the canonical `unit`.

    clock_key: its key and the column's default name.
    """
    key, default = clock_key
    table = files.table(node["csv"], f"{where}.csv", mistakes)
    if table is None:
        return None
    if "column" not in node:
        mistakes.add(node.place, where, "column is missing", did_you_mean("", table.header[1:], "the file has"))
        return None
    column = column_index(table, node["column"], "", f"{where}.column", node.place, mistakes)
    clock = column_index(table, node.get(key), default, f"{where}.{key}", node.place, mistakes)
    if column is None or clock is None:
        return None
    values = numbers(table, column, where, mistakes)
    fits = unit_as_said(node, table, column, unit, where, mistakes)
    return (table, column, clock, values) if values is not None and fits else None


def _read_csv(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> HourlyYear | None:
    scale = read_unit(node, unit, where, mistakes)
    zone = _read_zone(node.get("timezone"), f"{where}.timezone", mistakes)
    read = read_columns(node, unit, ("time_column", "datetime_local"), where, files, mistakes)
    if read is None:
        return None
    table, column, clock, values = read
    stamps = [row[clock] if clock < len(row) else "" for row in table.rows]
    try:
        year = year_from_stamps(stamps, values * scale, zone)
    except _BadTime as problem:
        mistakes.sources[table.file] = table.text
        mistakes.add(table.place(problem.row, clock), where, problem.message, problem.hint)
        return None
    return replace(year, source=f"{node['csv'].text}, {table.header[column]}")


def read_unit(node: Node, unit: str, where: str, mistakes: Mistakes) -> float:
    """The factor of a map's `unit` key to the canonical unit (1 if there is none, or if it is wrong)."""
    written = node.get("unit")
    if written is None:
        return 1.0
    if written.kind != "scalar":
        mistakes.add(written.place, f"{where}.unit", f"{noun(written)} is not a unit")
        return 1.0
    try:
        return factor(written.text, unit)
    except UnitError as problem:
        mistakes.add(written.place, f"{where}.unit", problem.message, problem.hint)
        return 1.0


def _read_zone(node: Node | None, where: str, mistakes: Mistakes) -> zoneinfo.ZoneInfo | None:
    if node is None:
        return None
    zone = zone_named(node.text) if node.kind == "scalar" else None
    if zone is None:
        mistakes.add(node.place, where, f"{noun(node)} is not a time zone", zone_hint(node.text if node.kind == "scalar" else ""))
    return zone


def zone_named(name: str) -> zoneinfo.ZoneInfo | None:
    """The zone of the IANA's list that has this name; None where there is none."""
    if name.startswith(("posix/", "right/")) or name in NO_ZONES:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_hint(name: str) -> str:
    """What may have been meant by a name that is none."""
    near = suggest(name, sorted(zoneinfo.available_timezones() - NO_ZONES))
    return f'did you mean "{near}"?' if near else "a name such as America/New_York"


def _read_shape(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> HourlyYear | None:
    named, seed_node = node["shape"], node.get("seed")
    seed = 0
    if seed_node is not None:
        if seed_node.kind != "scalar" or not re.fullmatch(r"[0-9]{1,18}", seed_node.text):
            mistakes.add(seed_node.place, f"{where}.seed", f"{noun(seed_node)} is not a seed: expected 0, 1, 2, ...")
            return None
        seed = int(seed_node.text)
    try:
        shape = load_shape(named.text if named.kind == "scalar" else "")
    except KeyError:
        hint = did_you_mean(named.text if named.kind == "scalar" else "", shape_names(), "the shapes are")
        mistakes.add(named.place, f"{where}.shape", f"{noun(named)} is not a bundled shape", hint)
        return None
    if shape.unit.startswith("EUR") and unit == "USD/MWh":
        if "times" not in node and "mean" not in node:
            message = f"the shape {shape.name} is in {shape.unit}"
            hint = "give `times:` the USD per EUR, or a `mean:` in USD/MWh"
            mistakes.add(named.place, f"{where}.shape", message, hint)
            return None
    elif shape.unit != unit:
        mistakes.add(named.place, f"{where}.shape", f"the shape {shape.name} is in {shape.unit}: expected {unit}")
        return None
    files.digests[f"shape:{shape.name}"] = shape.sha256
    return _drawn(shape.name, seed)


@lru_cache(maxsize=32)
def _drawn(name: str, seed: int) -> HourlyYear:
    """Drawn once: scenarios, and the points of a sweep, name the same shapes again and again."""
    return draw(load_shape(name), seed)
