"""Tables that sort: a cell is what is shown and what it is sorted by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from optimizer.report.text import amount, esc, multiple, percent

#: rows of one table; the rest is in the file it comes from
MOST_ROWS = 300


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


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str | Cell]], file: str = "", tall: bool = False) -> str:
    """A table in a box of its own that scrolls where it is too wide. file: where rows are that are left out."""
    listed = list(rows)
    numeric = [bool(listed) and all(isinstance(row[n], Cell) for row in listed) for n in range(len(header))]
    head = "".join(
        f'<th scope="col" aria-sort="none"{_class(numeric[n])}><button type="button">{esc(name)}</button></th>'
        for n, name in enumerate(header)
    )
    body = "".join(f"<tr>{''.join(_cell(cell, numeric[n]) for n, cell in enumerate(row))}</tr>" for row in listed[:MOST_ROWS])
    more = f'<p class="note">… and {len(listed) - MOST_ROWS} more rows in {esc(file)}</p>' if len(listed) > MOST_ROWS else ""
    return (
        f'<div class="box{" tall" if tall else ""}" tabindex="0" role="region" aria-label="{esc(caption)}"><table><caption>{esc(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def _class(number: bool) -> str:
    return ' class="n"' if number else ""


def _cell(cell: str | Cell, number: bool) -> str:
    if isinstance(cell, Cell):
        value = "" if cell.value is None else repr(float(cell.value) + 0.0)
        return f'<td{_class(number)} data-v="{value}">{esc(cell.text)}</td>'
    return f"<td{_class(number)}>{esc(cell)}</td>"
