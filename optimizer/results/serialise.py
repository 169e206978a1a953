"""JSON and CSV: plain values, the same bytes for the same values."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.engine.views.tables import Cell, Table

SCHEMA = 1  # of summary.json and manifest.json; grows when a reader of the older one would go wrong
BASE = "base"  # folder of the case without a variant
#: where a cell begins, with the comma as separator or another, and what follows would be evaluated; or would be taken for our own mark;
#: or opens quotes in a text, behind which a formula could stand
_ACTIVE = re.compile("(^|[;\t\r\n])(?=['\t\r\n]|[\\s\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20])|([;\t\r\n])(?=[\\s\ufeff]*\")")
TEXT_COLUMNS = frozenset(
    ["kind", "what", "where", "scenarios", "scenario", "unit", "instrument", "statement", "line", "name", "rule",
     "family", "site", "source", "irr_reason", "date", "period", "counts", "year", "path", "relief", "tightest", "binds", "note",
     "measure", "label", "at", "item"]
)  # fmt: skip


class ResultError(Exception):
    """Results cannot be written or read: what and why, in a sentence."""


def to_json(value: Any) -> str:
    """JSON as it is written everywhere: indented, exact numbers, null for what is not finite, a newline at the end."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """A value as JSON takes it: texts that can be written, numbers of Python, null for what is not finite."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # a lone surrogate cannot be written
    if value is None or isinstance(value, bool | int):
        return value
    number = float(value)  # numpy's numbers too
    return number + 0.0 if math.isfinite(number) else None


def to_csv(table: Table) -> str:
    """CSV with exact numbers, empty cells for what does not exist, and no cell that a spreadsheet would execute."""
    stream = io.StringIO()
    plain_row = csv.writer(stream, lineterminator="\n").writerow
    quoted_row = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow  # what the other leaves bare: a lone \r
    for row in (table.header, *table.rows):
        cells = [_cell(value) for value in row]
        (quoted_row if any("\r" in cell for cell in cells) else plain_row)(cells)
    return stream.getvalue()


def _cell(value: Cell) -> str:
    if isinstance(value, str):
        return _ACTIVE.sub(r"\g<0>'", value)
    if value is None:
        return ""
    if isinstance(value, bool | int):
        return str(value)
    number = float(value)
    return repr(number + 0.0) if math.isfinite(number) else ""  # + 0.0: no negative zero


def unmarked(text: str) -> str:
    """The text of a CSV cell as it was before it was written."""
    return _MARK.sub(r"\1", text)


_MARK = re.compile("(^|[;\t\r\n])'")
