"""Text of a CSV file as a table, and its columns of numbers, every mistake with its place."""

from __future__ import annotations

import csv
import io
import math

import numpy as np

from models.spelling import did_you_mean
from optimizer.case.reading.csv_table import Table
from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.hourly_year import Array
from optimizer.case.reading.units import LARGEST
from optimizer.case.reading.yaml_tree import Node, noun


class BadTable(ValueError):
    """What is wrong with a CSV file, and where."""

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
        raise BadTable(place, f"byte 0x{data[problem.start]:02x} is not UTF-8") from None
    if (nul := text.find("\0")) >= 0:
        place = Place(file, text.count("\n", 0, nul) + 1, nul - text.rfind("\n", 0, nul))
        raise BadTable(place, "NUL is not allowed in a CSV file")
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
        raise BadTable(Place(file, reader.line_num + skipped, 1), f"not valid CSV: {problem}") from None
    if not rows:
        raise BadTable(Place(file, 1, 1), "the file is empty")
    header = [cell.strip() for cell in rows[0]]
    for at, name in enumerate(header):
        if name and name in header[:at]:
            table = Table(file, text, header, [], [], lines[0])
            raise BadTable(table.place(-1, at), f'two columns are named "{name}"')
    if len(rows) == 1:
        raise BadTable(Place(file, lines[0], 1), "there is a header, but no row")
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
