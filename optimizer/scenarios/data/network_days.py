"""Days of the Bitcoin network from files of several layouts: difficulty, price, fees, and what a hash earned."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from optimizer.case.reading.csv_table import Table
from optimizer.scenarios.data.layouts import plain
from optimizer.scenarios.data.price_hours import Finding
from optimizer.scenarios.data.source_table import BadSource, read_table
from optimizer.scenarios.generate import bitcoin

#: what is read of a day -> names of its column, plain, in order of preference
FIELDS = {
    "difficulty": ("difficulty", "difficultymean"),
    "price_usd": ("priceusd", "marketprice", "close", "price"),
    "fees_btc": ("feesbtc", "transactionfees"),
    "hashprice": ("hashpriceexfeesusdphday", "hashprice"),
}
#: days from which a block brings half of what it brought (public: heights 210,000, 420,000, 630,000 and 840,000)
HALVINGS = (date(2012, 11, 28), date(2016, 7, 9), date(2020, 5, 11), date(2024, 4, 20))
#: relative difference from which two files are told to differ, and from which a hashprice does not follow from its parts
DIFFERS, SAME = 0.01, 1e-3
HEAD = ("date", "difficulty", "price_usd", "fees_btc", "subsidy_btc", "hashrate_eh", "hashprice_usd_per_ph_day")


@dataclass(frozen=True)
class NetworkDays:
    """Days in order. values: day -> field -> number (only those there are)."""

    values: dict[date, dict[str, float]]
    findings: tuple[Finding, ...]
    sources: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """Of what is known of the days: date, difficulty, price, fees."""
        known = [
            (day.isoformat(), *(f"{one[key]:.9g}" if key in one else "" for key in HEAD[1:4])) for day, one in self.values.items()
        ]
        return hashlib.sha256(repr(known).encode()).hexdigest()


def subsidy(day: date) -> float:
    """BTC of a block found on a day after the first block of that day."""
    return float(50.0 * 0.5 ** sum(day >= one for one in HALVINGS))


def read_network(paths: Sequence[str]) -> NetworkDays:
    """Files of days, the first that has a figure counts. Raises BadSource."""
    values: dict[date, dict[str, float]] = {}
    findings: list[Finding] = []
    for path in paths:
        found = _of_file(path)
        apart: dict[str, list[date]] = {}
        for day, one in found.values.items():
            here = values.setdefault(day, {})
            for key, value in one.items():
                if key in here and abs(here[key] - value) > DIFFERS * abs(here[key]):
                    apart.setdefault(key, []).append(day)
                here.setdefault(key, value)
        findings += found.findings
        for key, days in apart.items():
            told = f"{key} differs by more than {DIFFERS:.0%} from an earlier file on {len(days)} days, the first {days[0]}"
            findings.append(Finding(path, f"{told}: the earlier counts"))
    ordered = dict(sorted(values.items()))
    sources = tuple((path, hashlib.sha256(_bytes(path)).hexdigest()) for path in paths)
    return NetworkDays(ordered, (*findings, *_checks(ordered, paths[0])), sources)


def _bytes(path: str) -> bytes:
    from optimizer.runtime import files

    return files.read(path)


def _of_file(path: str) -> NetworkDays:
    table = read_table(path)
    names = [plain(name) for name in table.header]
    at = next((names.index(name) for name in ("date", "dateutc", "day", "time", "timestamp") if name in names), -1)
    columns = {key: next((names.index(name) for name in known if name in names), -1) for key, known in FIELDS.items()}
    if at < 0 or columns["difficulty"] < 0:
        lacks = "date" if at < 0 else "difficulty"
        raise BadSource(table.place(-1, 0), f"no column of the file is a {lacks}: {', '.join(table.header)}")
    values: dict[date, dict[str, float]] = {}
    findings: list[Finding] = []
    twice = 0
    for k in range(len(table.rows)):
        day = _day(table, k, at)
        one = {key: value for key, column in columns.items() if column >= 0 and (value := _number(table, k, column)) is not None}
        if day in values:
            twice += 1
            if any(
                abs(values[day].get(key, value) - value) > DIFFERS * abs(value)
                for key, value in one.items()
                if key != "difficulty"
            ):
                raise BadSource(table.place(k, at), f"{day} is given twice, with other figures")
        values.setdefault(day, {}).update(one)
    if twice:
        findings.append(Finding(path, f"{twice} rows are of a day that was given before: the last difficulty of a day counts"))
    if "height" in names:  # an epoch of 2016 blocks a row: its difficulty holds until the next
        values = _filled(values)
    return NetworkDays(values, tuple(findings), ())


def _day(table: Table, row: int, at: int) -> date:
    text = table.rows[row][at].strip() if at < len(table.rows[row]) else ""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise BadSource(table.place(row, at), f'"{text[:40]}" is not a day such as 2024-04-20') from None


def _number(table: Table, row: int, at: int) -> float | None:
    text = table.rows[row][at].strip() if at < len(table.rows[row]) else ""
    if text.lower() in ("", "nan", "na", "n/a"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0.0:
        raise BadSource(table.place(row, at), f'"{text[:40]}" is not a figure of the network')
    return value


def _filled(values: dict[date, dict[str, float]]) -> dict[date, dict[str, float]]:
    ordered = sorted(values)
    out, now = {}, values[ordered[0]]
    day = ordered[0]
    while day <= ordered[-1]:
        now = values.get(day, now)
        out[day] = dict(now)
        day += timedelta(days=1)
    return out


def _checks(values: dict[date, dict[str, float]], path: str) -> list[Finding]:
    """Missing days, days without a price, and whether the files' own hashprice follows from difficulty, price and subsidy."""
    days, out = list(values), []
    missing = (days[-1] - days[0]).days + 1 - len(days)
    if missing:
        first = next(day for day in days if day + timedelta(days=1) not in values)
        out.append(Finding(path, f"{missing} days are missing, the first {first + timedelta(days=1)}", missing))
    unpriced = [day for day in days if "price_usd" not in values[day]]
    if unpriced:
        out.append(Finding(path, f"{len(unpriced)} days have no price, the first {unpriced[0]}", len(unpriced)))
    stated = [day for day in days if "hashprice" in values[day] and "price_usd" in values[day]]
    if stated:
        own = np.array([hashprice(day, values[day]) for day in stated])
        theirs = np.array([values[day]["hashprice"] for day in stated])
        near = np.abs(own - theirs) <= SAME * theirs
        out.append(
            Finding(
                path,
                f"hashprice from difficulty, price and subsidy is the file's within {SAME:.1%} on {near.mean():.2%} of {len(stated)} days",
            )
        )
    return out


def hashprice(day: date, one: dict[str, float]) -> float:
    """USD/PH/day without fees."""
    return float(bitcoin.hashprice(one["price_usd"], one["difficulty"], subsidy(day)))


def to_bytes(made: NetworkDays) -> bytes:
    """The one layout of days here, which `data: {network: FILE}` of a case reads."""
    out = io.StringIO()
    for path, digest in made.sources:
        out.write(f"# source: {path.rsplit('/', 1)[-1]} (sha256 {digest[:16]})\n")
    out.write(f"# days sha256: {made.digest}\n# hashprice: without fees, from difficulty, price and subsidy\n{','.join(HEAD)}\n")
    for day, one in made.values.items():
        cells = [day.isoformat()]
        cells += [repr(one[key]) if key in one else "" for key in HEAD[1:4]]
        earned = f"{hashprice(day, one):.9g}" if "price_usd" in one and "difficulty" in one else ""
        rate = f"{float(bitcoin.hashrate(one['difficulty'])):.9g}" if "difficulty" in one else ""
        out.write(",".join([*cells, repr(subsidy(day)), rate, earned]) + "\n")
    return out.getvalue().encode()
