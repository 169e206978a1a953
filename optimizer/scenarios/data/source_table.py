"""A source file as a table: its separator, whatever it is, and every mistake with file, line and column."""

from __future__ import annotations

import re
from dataclasses import replace

from optimizer.case.reading.csv_table import Table
from optimizer.case.reading.csv_text import BadTable, parse_table
from optimizer.case.reading.diagnostics import Place
from optimizer.runtime import files

#: what parts the cells of a row, as files have it, the commonest last
SEPARATORS = (";", "\t", "|", ",")


class BadSource(ValueError):
    """What is wrong with a source file, and where; hint: what would help."""

    def __init__(self, place: Place | str, message: str, hint: str | None = None):
        super().__init__(f"{place}: {message}" + (f"\n    hint: {hint}" if hint else ""))


def read_table(path: str) -> Table:
    """A file of prices as text. Raises BadSource."""
    try:
        data = files.read(path)
    except OSError as problem:
        raise BadSource(path, f"cannot be read: {problem.strerror or problem}") from None
    separator = _separator(data)
    try:
        # cells of another separator are quoted, so that one reader serves all: a comma in a cell is then part of its number
        return parse_table(data if separator == "," else _with_commas(data, separator), path)
    except BadTable as problem:
        raise BadSource(problem.place, problem.message) from None


def _separator(data: bytes) -> str:
    """What the header is parted by."""
    text = data[:65536].decode("utf-8-sig", "replace")
    header = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return max(SEPARATORS, key=lambda one: (header.count(one), one == ","))


def _with_commas(data: bytes, separator: str) -> bytes:
    lines = data.decode("utf-8-sig", "surrogateescape").splitlines()
    out = []
    for line in lines:
        if line.startswith("#") or not line.strip():
            out.append(line)
            continue
        cells = re.split(f'{re.escape(separator)}(?=(?:[^"]*"[^"]*")*[^"]*$)', line)
        out.append(",".join(cell if cell.startswith('"') else '"' + cell.replace('"', '""') + '"' for cell in cells))
    return ("\n".join(out) + "\n").encode("utf-8", "surrogateescape")


def only_rows(table: Table, keep: list[int]) -> Table:
    """Some rows of a table, with their lines."""
    return replace(table, rows=[table.rows[k] for k in keep], lines=[table.lines[k] for k in keep])
