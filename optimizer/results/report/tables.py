"""Tables that sort: a cell is what is shown and what it is sorted by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from optimizer.results.report.text import amount, esc, multiple, percent

#: rows of one table; the rest is in the file it comes from
MOST_ROWS = 300
#: characters from which a text is prose, and its column wide
PROSE_LENGTH = 24
DATE = re.compile(r"\d{4}-\d\d(-\d\d)?")


@dataclass(frozen=True)
class Cell:
    """A number as it is shown, with its exact value for sorting (None: last)."""

    text: str
    value: float | None


def quantity(value: float | None, unit: str) -> Cell:
    return Cell(amount(value, unit), value)


def usd(value: float | None) -> Cell:
    return quantity(value, "USD")


def share(value: float | None) -> Cell:
    return Cell(percent(value), value)


def times(value: float | None) -> Cell:
    return Cell(multiple(value), value)


def table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[str | Cell]], file: str = "", tall: bool = False, note: str = ""
) -> str:
    """A table in a box of its own that scrolls where it is too wide. file: where rows are that are left out. note: stands under it."""
    listed = list(rows)
    kinds = [_kind([row[n] for row in listed]) for n in range(len(header))]
    head = "".join(
        f'<th scope="col" aria-sort="none"{_class(kinds[n])}><button type="button">{esc(name)}</button></th>'
        for n, name in enumerate(header)
    )
    body = "".join(f"<tr>{''.join(_cell(cell, kinds[n]) for n, cell in enumerate(row))}</tr>" for row in listed[:MOST_ROWS])
    more = f'<p class="note">… and {len(listed) - MOST_ROWS} more rows in {esc(file)}</p>' if len(listed) > MOST_ROWS else ""
    told = f'<p class="note">{esc(note)}</p>' if note else ""
    box = "scroll tall" if tall else "scroll"
    return (
        f'<div class="{box}" tabindex="0" role="region" aria-label="{esc(caption)}"><table><caption>{esc(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}{told}"
    )


def _kind(cells: Sequence[str | Cell]) -> str:
    """Class of a column: numbers, dates, prose, or none of these."""
    if cells and all(isinstance(cell, Cell) for cell in cells):
        return "n"
    if cells and all(isinstance(cell, str) and DATE.fullmatch(cell) for cell in cells):
        return "d"
    return "w" if any(isinstance(cell, str) and len(cell) > PROSE_LENGTH for cell in cells) else ""


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _cell(cell: str | Cell, kind: str) -> str:
    if isinstance(cell, Cell):
        value = "" if cell.value is None else repr(float(cell.value) + 0.0)
        return f'<td{_class(kind)} data-v="{value}">{esc(cell.text)}</td>'
    return f"<td{_class(kind)}>{esc(cell)}</td>"
