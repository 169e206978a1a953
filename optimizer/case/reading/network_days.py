"""Days of the bitcoin network from a csv: nothing after `until` is looked at, not even for a digest."""

from __future__ import annotations

import hashlib
import math
from datetime import date

import numpy as np

from models.spelling import did_you_mean
from optimizer.case.reading.case_files import Files
from optimizer.case.reading.csv_table import Table
from optimizer.case.reading.diagnostics import Mistakes
from optimizer.case.reading.timeline import DateError, parse_date
from optimizer.case.reading.yaml_tree import Node
from optimizer.scenarios.generate.bitcoin import BLOCKS_PER_DAY, HALVING_BLOCKS, subsidy
from optimizer.scenarios.generate.history import Days

WANTED = ("difficulty", "price_usd")
FEES = "fees_btc"
#: the days of the halvings so far, and of the first block
HALVINGS = (date(2009, 1, 3), date(2012, 11, 28), date(2016, 7, 9), date(2020, 5, 11), date(2024, 4, 20))


def heights(days: np.ndarray) -> np.ndarray:
    """Height at the end of each day (as ordinals), evenly between halvings, 144 a day after the last that is known here."""
    known = np.array([day.toordinal() for day in HALVINGS], dtype=np.float64)
    at = HALVING_BLOCKS * np.arange(len(HALVINGS), dtype=np.float64)
    inside = np.interp(days, known, at)
    return np.asarray(np.where(days > known[-1], at[-1] + BLOCKS_PER_DAY * (days - known[-1]), inside))


def read_network(node: Node, where: str, until: date | None, files: Files, mistakes: Mistakes) -> Days | None:
    """The days up to and with `until`; None, with the mistakes noted. A day may lack a price or fees, not its difficulty."""
    table = files.table(node, where, mistakes)
    if table is None:
        return None
    columns: dict[str, int] = {}
    for name in ("date", *WANTED):
        if name not in table.header:
            hint = did_you_mean(name, table.header, "its columns are")
            mistakes.add(node.place, where, f'"{table.file}" has no column "{name}"', hint)
        else:
            columns[name] = table.header.index(name)
    if len(columns) < 3:
        return None
    days = _days(table, columns["date"], where, mistakes)
    if days is None:
        return None
    used = len(days) if until is None else int(np.searchsorted(days, until.toordinal(), side="right"))
    values = {name: _numbers(table, columns[name], used, name == "price_usd", where, mistakes) for name in WANTED}
    fees = np.full(used, np.nan)
    if FEES in table.header:
        read = _numbers(table, table.header.index(FEES), used, True, where, mistakes)
        fees = fees if read is None else read
    difficulty, price = values["difficulty"], values["price_usd"]
    if difficulty is None or price is None:
        return None
    rows = "\n".join(",".join(row) for row in [table.header, *table.rows[:used]])
    files.digests[node.text] = hashlib.sha256(rows.encode()).hexdigest()
    at = days[:used].astype(np.float64)
    height = heights(at)
    coins = subsidy(height)
    stamps = (days[:used] - date(1970, 1, 1).toordinal()).astype("datetime64[D]")
    return Days(stamps, difficulty, price, coins, fees / (coins * BLOCKS_PER_DAY), height)


def _days(table: Table, column: int, where: str, mistakes: Mistakes) -> np.ndarray | None:
    """Ordinals of ascending days."""
    out: list[int] = []
    for row, cells in enumerate(table.rows):
        try:
            day = parse_date(cells[column] if column < len(cells) else "").toordinal()
        except DateError as problem:
            mistakes.sources[table.file] = table.text
            mistakes.add(table.place(row, column), where, str(problem))
            return None
        if out and day <= out[-1]:
            said = "is given twice" if day == out[-1] else f"comes after {date.fromordinal(out[-1])}"
            mistakes.sources[table.file] = table.text
            mistakes.add(table.place(row, column), where, f"the day {date.fromordinal(day)} {said}")
            return None
        out.append(day)
    return np.array(out, dtype=np.int64)


def _numbers(table: Table, column: int, used: int, may_lack: bool, where: str, mistakes: Mistakes) -> np.ndarray | None:
    """The first `used` values, above 0 (fees and prices may be unknown: nan); None, with the first ten mistakes noted."""
    out, wrong = np.full(used, np.nan), 0
    for row, cells in enumerate(table.rows[:used]):
        text = cells[column].strip() if column < len(cells) else ""
        if not text and may_lack:
            continue
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and (value > 0 or (value == 0 and may_lack)):
            out[row] = value
            continue
        wrong += 1
        if wrong <= 10:
            mistakes.sources[table.file] = table.text
            said = f'"{text[:40]}" is not a number above 0' if text else "a number is missing"
            mistakes.add(table.place(row, column), where, f'{said}, in column "{table.header[column]}"')
    return None if wrong else out
