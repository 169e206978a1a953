"""What a report is made of: the tables of a result folder as columns, wherever they come from."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optimizer.engine.views.tables import Table
from optimizer.results.report.data import NAME
from optimizer.results.serialise import TEXT_COLUMNS, ResultError, unmarked
from optimizer.runtime import files as opened
from optimizer.runtime.read_back import REPORT, SUMMARY, json_of, manifest_of, rows_of, shaped

#: the files that a report reads, and no other
TABLES = (
    "plan", "financing", "scenarios", "sources_uses", "credit_ratios", "returns", "covenants", "shadow_prices", "dispatch_monthly",
    "limits",
)  # fmt: skip
FILES = ("summary.json", NAME, *(f"{name}.csv" for name in TABLES))
EXPECTED = "expected"
Columns = Mapping[str, list[Any]]


class Source:
    """Tables by name, each a dictionary of columns: texts, or numbers with None for what does not exist."""

    def __init__(self, summary: Mapping[str, Any], data: Mapping[str, Any], tables: Mapping[str, Columns]):
        self.summary, self.data, self._tables = summary, data, tables
        self._statements: dict[str, StatementTable] = {}
        self.scenarios: tuple[str, ...] = tuple(self.column("scenarios", "scenario"))
        self.odds: tuple[float, ...] = tuple(self.column("scenarios", "probability"))

    def column(self, table: str, name: str) -> list[Any]:
        """One column; empty where there is none."""
        return self._tables.get(table, {}).get(name, [])

    def rows(self, table: str, *names: str) -> list[dict[str, Any]]:
        """The rows of a table as dictionaries of these columns (none given: all); none where it does not have them."""
        columns = self._tables.get(table, {})
        wanted = names or tuple(columns)
        if any(name not in columns for name in wanted):
            return []
        return [dict(zip(wanted, cells, strict=True)) for cells in zip(*(columns[name] for name in wanted), strict=True)]

    def statement(self, table: str) -> StatementTable:
        """A table of line, scenario, date and value."""
        if table not in self._statements:
            self._statements[table] = StatementTable(self, table)
        return self._statements[table]


class StatementTable:
    """A tidy statement: dates, lines, and values by line and scenario."""

    def __init__(self, source: Source, table: str):
        self.dates: list[str] = list(dict.fromkeys(source.column(table, "date")))
        self.lines: list[str] = list(dict.fromkeys(source.column(table, "line")))
        at = {day: n for n, day in enumerate(self.dates)}
        self._values: dict[tuple[str, str], list[float | None]] = {}
        names = ("line", "scenario", "date", "value")
        for line, scenario, day, value in zip(*(source.column(table, name) for name in names), strict=True):
            if (line, scenario) not in self._values:
                self._values[line, scenario] = [None] * len(self.dates)
            self._values[line, scenario][at[day]] = value

    def of(self, line: str, scenario: str = EXPECTED) -> list[float | None]:
        """Values by date; None where there is none."""
        return self._values.get((line, scenario), [None] * len(self.dates))


def from_tables(summary: Mapping[str, Any], data: Mapping[str, Any], tables: Mapping[str, Table]) -> Source:
    """Of tables as they are written; `tables` by name of file. The same source as that of the files themselves."""
    kept = {name: tables[f"{name}.csv"] for name in TABLES if f"{name}.csv" in tables}
    return Source(summary, data, {name: _Columns(one.header, one.rows) for name, one in kept.items()})


class _Columns(Mapping[str, list[Any]]):
    """Columns of rows, made when they are asked for: a report looks at few of those of a large table. marked: texts have the mark of a CSV."""

    def __init__(self, header: Iterable[str], rows: Sequence[Sequence[Any]], marked: bool = False):
        self._at = {name: n for n, name in enumerate(header)}
        self._rows, self._marked = rows, marked
        self._made: dict[str, list[Any]] = {}
        if any(len(row) != len(self._at) for row in rows):
            raise ValueError("a row has more or fewer cells than the header")

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._made:
            n = self._at[name]
            if name in TEXT_COLUMNS:  # few different ones
                known = {value: self._text(value) for value in {row[n] for row in self._rows}}
                self._made[name] = [known[row[n]] for row in self._rows]
            else:
                self._made[name] = [_number(row[n]) for row in self._rows]
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._at

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)

    def _text(self, value: Any) -> str:
        text = "" if value is None else str(value).encode("utf-8", "replace").decode()  # as a file would give it back
        return unmarked(text) if self._marked else text


def _number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    number = float(value)
    return number + 0.0 if math.isfinite(number) else None


def from_loaded(result: Mapping[str, Any]) -> Source:
    """Of what `optimizer.results.read_folder.load` gives. Raises ResultError where a file is missing."""
    missing = [name for name in ("summary", "report", *TABLES) if name not in result]
    if missing:
        raise ResultError(f"a report needs {_listed(missing)}, which this result does not have: solve the case again")
    tables = {name: _Columns(result[name].columns, list(result[name].itertuples(index=False))) for name in TABLES}
    return Source(result["summary"], result["report"], tables)


def read(folder: str | os.PathLike[str]) -> Source:
    """Of a result folder, the checksums of what is read checked. Raises ResultError."""
    base = Path(folder)
    try:
        known = manifest_of(base)["files"]
        missing = [name for name in FILES if name not in known]
        if missing:
            raise ResultError(f"{base} has no {_listed(missing)}, which a report needs: solve the case again")
        files = {name: opened.read(base / name) for name in FILES}
        for name, data in files.items():
            if hashlib.sha256(data).hexdigest() != known[name]["sha256"]:
                raise ResultError(f"{base / name} was changed after it was written: its checksum differs")
        tables = {name: _csv(files[f"{name}.csv"]) for name in TABLES}
        summary, data = shaped(json_of(files["summary.json"]), SUMMARY), shaped(json_of(files[NAME]), REPORT)
        return Source(summary, data, tables)
    except OSError as problem:
        raise ResultError(f"no result in {base}: {problem.strerror or problem}") from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ResultError(f"{base} is not a result of wattfolio: {problem}") from problem


def _csv(data: bytes) -> Columns:
    """A CSV of ours, the mark before active cells taken away."""
    header, rows = rows_of(data)
    return _Columns(header, rows, marked=True)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
