"""Hours of prices of one market: from rows of files to hours of UTC, with everything that is wrong in them and where."""

from __future__ import annotations

import hashlib
import math
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from optimizer.case.reading.csv_table import Table
from optimizer.scenarios.data.clocks import EPOCH, HOUR, clock_changes, seconds_of, standard_offset, step_of
from optimizer.scenarios.data.layouts import Asked, Columns, recognise
from optimizer.scenarios.data.source_table import BadSource, read_table

#: USD/MWh above which hours are named: what an ordinary year has none of
SPIKE = 1_000.0
#: hours in a row that a straight line may bridge
MOST_BRIDGED = 3
WEEK = 168
#: rules by which missing hours are mended, where they are asked for
MENDS = ("line", "week")


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, or that should be known: its place in a file, and a sentence. missing: hours that have no price."""

    where: str
    text: str
    missing: int = 0


@dataclass(frozen=True)
class PriceHours:
    """Prices of consecutive hours. first: number of the first hour, from 1970-01-01 00:00 UTC; usd (H,) USD/MWh, NaN where there is none."""

    market: str
    node: str
    zone: str
    first: int
    usd: NDArray[np.float64]
    findings: tuple[Finding, ...]
    sources: tuple[tuple[str, str], ...]  # (file, sha256)
    conversion: str = ""
    mended: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of the hours that have a price and of nothing else: the same hours in another layout have the same."""
        at = np.flatnonzero(np.isfinite(self.usd))
        rounded = np.round(self.usd[at], 9) + 0.0
        return hashlib.sha256((self.first + at).astype("<i8").tobytes() + rounded.astype("<f8").tobytes()).hexdigest()

    @property
    def years(self) -> tuple[int, ...]:
        """Calendar years, on the zone's standard clock, of which every hour is there, with or without a price."""
        offset = self.standard_hours
        begin, end = self.first + offset, self.first + offset + len(self.usd)
        every = range(_day(begin).year, _day(end).year + 1)
        return tuple(year for year in every if begin <= _hour_number(year) and _hour_number(year + 1) <= end)

    @property
    def standard_hours(self) -> int:
        """Hours east of UTC in standard time."""
        return standard_offset(zoneinfo.ZoneInfo(self.zone), _day(self.first).year) // HOUR

    def stamps(self) -> Iterator[str]:
        """Every hour on the zone's standard clock, with its offset."""
        offset = self.standard_hours
        sign, hours = ("-", -offset) if offset < 0 else ("+", offset)
        for k in range(len(self.usd)):
            yield f"{_day(self.first + offset + k):%Y-%m-%d %H:00:00}{sign}{hours:02d}:00"


def _day(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR, tz=UTC)


def _hour_number(year: int) -> int:
    return int((datetime(year, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) // HOUR


def read_prices(
    paths: Sequence[str], asked: Asked, zone: str | None, rates: dict[str, float], mend: Sequence[str] = ()
) -> PriceHours:
    """Files of one market and node as one set of hours. rates: USD per unit of other money; mend: of `MENDS`, in turn.

    Raises BadSource: a file that cannot be read, money without a rate, an hour with two prices.
    """
    local = _zone(zone) if zone is not None else None
    parts = [_of_file(path, asked, local, rates) for path in paths]
    node = {part[4].node for part in parts} - {""}
    if len(node) > 1:
        raise BadSource(paths[1], f"the files are of several nodes: {', '.join(sorted(node))}", "choose one: --node NAME")
    prices: dict[int, tuple[float, str]] = {}
    findings: list[Finding] = []
    for hours, usd, places, found, _ in parts:
        findings += found
        twice = 0
        for hour, price, where in zip(hours.tolist(), usd.tolist(), places, strict=True):
            if hour in prices and not math.isnan(prices[hour][0]) and not math.isnan(price):
                if abs(prices[hour][0] - price) > 1e-9:
                    raise BadSource(
                        where, f"hour {_text(hour)} has two prices: {price:g} here, {prices[hour][0]:g} in {prices[hour][1]}"
                    )
                twice += 1
            elif hour not in prices or math.isnan(prices[hour][0]):
                prices[hour] = price, where
        if twice:
            findings.append(
                Finding(places[0].rsplit(":", 1)[0], f"{twice} hours stand in an earlier file too, with the same price")
            )
    first, last = min(prices), max(prices)
    usd = np.full(last - first + 1, np.nan)
    for hour, (price, _) in prices.items():
        usd[hour - first] = price
    columns = parts[0][4]
    conversion = "" if columns.currency == "USD" else f"1 {columns.currency} = {rates[columns.currency]:g} USD, as given"
    sources = tuple((path, hashlib.sha256(_bytes(path)).hexdigest()) for path in paths)
    made = PriceHours(asked.market, "".join(node), zone or "UTC", first, usd, tuple(findings), sources, conversion)
    made = replace(made, findings=(*made.findings, *_gaps(made, prices), *_worth_knowing(made, prices, local)))
    return _mended(made, mend)


def _bytes(path: str) -> bytes:
    from optimizer.runtime import files

    return files.read(path)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    from optimizer.case.reading.time_zones import zone_hint, zone_named

    zone = zone_named(name)
    if zone is None:
        raise BadSource("--zone", f'there is no zone "{name}"', zone_hint(name))
    return zone


def _of_file(
    path: str, asked: Asked, zone: zoneinfo.ZoneInfo | None, rates: dict[str, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[str], list[Finding], Columns]:
    """(hours, USD/MWh or NaN, place of each, findings, how it was read) of one file, in the order of time."""
    table, columns = recognise(read_table(path), asked)
    if columns.currency != "USD" and columns.currency not in rates:
        raise BadSource(
            table.place(-1, columns.price),
            f"prices are in {columns.currency}, and all money here is USD",
            f"--rate {columns.currency}=1.08",
        )
    seconds = seconds_of(table, columns, zone)
    usd = _numbers(table, columns) * (rates.get(columns.currency, 1.0) / columns.per_mwh)
    order = np.argsort(seconds, kind="stable")
    step = step_of(seconds)
    if HOUR % step:
        raise BadSource(table.place(1, columns.time), f"rows are {step / 60:g} minutes apart, which is no part of an hour")
    findings = _blanks(table, columns, usd)
    seconds, usd, order, found = _once(table, columns, seconds[order], usd[order], order)
    findings += found
    hours, begin, counts = np.unique(seconds // HOUR, return_index=True, return_counts=True)
    parts = HOUR // step
    short = np.flatnonzero(counts != parts)
    if parts > 1 and short.size:
        told = f"{short.size} hours have not all of their {parts} parts, the first {_text(int(hours[short[0]]))}"
        findings.append(Finding(f"{path}:{table.lines[order[begin[short[0]]]]}", told, int(short.size)))
    means = np.add.reduceat(usd, begin) / counts
    means[short] = np.nan
    return hours, means, [f"{path}:{table.lines[order[k]]}" for k in begin], findings, columns


def _numbers(table: Table, columns: Columns) -> NDArray[np.float64]:
    """Prices as written, NaN where a cell is blank. A comma stands before decimals where no cell has a point, or behind thousands."""
    cells = [row[columns.price].strip() if columns.price < len(row) else "" for row in table.rows]
    comma = any("," in cell for cell in cells)
    decimal = comma and not any("." in cell for cell in cells)
    out = np.empty(len(cells))
    for k, cell in enumerate(cells):
        text = cell.replace(",", "." if decimal else "") if comma else cell
        text = text.replace("−", "-").strip("$€£ ")
        if text.lower() in ("", "n/e", "n/a", "na", "nan", "null", "-"):
            out[k] = np.nan
            continue
        try:
            out[k] = float(text)
        except ValueError:
            raise BadSource(table.place(k, columns.price), f'"{cell[:40]}" is not a price') from None
        if not math.isfinite(out[k]):
            raise BadSource(table.place(k, columns.price), f'"{cell[:40]}" is not a price')
    return out


def _blanks(table: Table, columns: Columns, usd: NDArray[np.float64]) -> list[Finding]:
    blank = np.flatnonzero(np.isnan(usd))
    return [
        Finding(
            f"{table.file}:{table.lines[run[0]]}",
            f"no price in lines {table.lines[run[0]]} to {table.lines[run[-1]]} ({len(run)} rows)",
        )
        for run in _runs(blank)
    ]


def _runs(numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Consecutive numbers together."""
    return [run for run in np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1) if run.size]


def _once(
    table: Table, columns: Columns, seconds: NDArray[np.int64], usd: NDArray[np.float64], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], list[Finding]]:
    """Rows without those that say the same again. Raises BadSource where they say otherwise."""
    again = np.flatnonzero(np.diff(seconds) == 0) + 1
    for k in again:
        if not (usd[k] == usd[k - 1] or (np.isnan(usd[k]) and np.isnan(usd[k - 1]))):
            raise BadSource(
                table.place(int(order[k]), columns.time),
                f"{_text(int(seconds[k]) // HOUR)} is given twice: {usd[k]:g} here, {usd[k - 1]:g} in line {table.lines[order[k - 1]]}",
                "an hour that comes twice in autumn needs --zone; times of another clock need --zone UTC",
            )
    if not again.size:
        return seconds, usd, order, []
    keep = np.setdiff1d(np.arange(len(seconds)), again)
    found = Finding(
        f"{table.file}:{table.lines[order[again[0]]]}",
        f"{again.size} rows say again what a row before them says, and are left out",
    )
    return seconds[keep], usd[keep], order[keep], [found]


def _text(hour: int) -> str:
    return f"{_day(hour):%Y-%m-%d %H:%M} UTC"


def _gaps(made: PriceHours, prices: dict[int, tuple[float, str]]) -> Iterator[Finding]:
    """Hours without a price, run by run."""
    for run in _runs(np.flatnonzero(np.isnan(made.usd))):
        hour = made.first + int(run[0])
        before = next((prices[h][1] for h in (hour, hour - 1) if h in prices), made.sources[0][0])
        lost = "have no price" if hour in prices else "are missing"
        yield Finding(before, f"{len(run)} hours from {_text(hour)} {lost}", len(run))


def _worth_knowing(made: PriceHours, prices: dict[int, tuple[float, str]], zone: zoneinfo.ZoneInfo | None) -> Iterator[Finding]:
    """What is no mistake and moves a plan: hours below nothing, spikes, leap days, days of 23 and 25 hours."""
    with np.errstate(invalid="ignore"):
        below, spikes = np.flatnonzero(made.usd < 0.0), np.flatnonzero(made.usd > SPIKE)
    for at, what in ((below, "below nothing, the least"), (spikes, f"above {SPIKE:,.0f} USD/MWh, the most")):
        if at.size:
            worst = at[np.argmax(np.abs(made.usd[at]))]
            hours = f"{at.size} hours are" if at.size > 1 else "1 hour is"
            yield Finding(
                prices[made.first + int(at[0])][1],
                f"{hours} {what} {made.usd[worst]:,.2f} USD/MWh at {_text(made.first + int(worst))} ({prices[made.first + int(worst)][1]})",
            )
    if zone is None:
        return
    local = [datetime.fromtimestamp((made.first + k) * HOUR, tz=zone).date() for k in (0, len(made.usd) - 1)]
    days = [(day, f"{day} has {count} hours in {zone.key}") for day, count in clock_changes(zone, *local)]
    leap = [year for year in range(local[0].year, local[1].year + 1) if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)]
    days += [(date(year, 2, 29), f"{year} is a leap year") for year in leap if local[0] <= date(year, 2, 29) <= local[1]]
    for day, text in days:
        begin = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) // HOUR
        yield Finding(prices[begin][1] if begin in prices else made.sources[0][0], text)


def _mended(made: PriceHours, rules: Sequence[str]) -> PriceHours:
    """Missing hours filled by the rules, in turn; what each did is told."""
    usd, told = made.usd.copy(), []
    for rule in rules:
        filled = 0
        for run in _runs(np.flatnonzero(np.isnan(usd))):
            before, after = int(run[0]) - 1, int(run[-1]) + 1
            if rule == "line" and len(run) <= MOST_BRIDGED and before >= 0 and after < len(usd):
                usd[run] = np.interp(run, [before, after], [usd[before], usd[after]])
                filled += len(run)
            elif rule == "week":
                for k in run:
                    near = [usd[j] for j in (k - WEEK, k + WEEK) if 0 <= j < len(usd) and np.isfinite(usd[j])]
                    if near:
                        usd[k] = near[0]
                        filled += 1
        how = {
            "line": f"on a straight line, up to {MOST_BRIDGED} in a row",
            "week": "by the same hour a week before, else after",
        }[rule]
        told.append(f"{filled} hours {how}")
    return replace(made, usd=usd, mended=tuple(told))
