"""Sheets of a workbook as rows of cells: declared in order, worked out as they are asked for, written at the end.

A row's formula may refer to any row of any sheet, wherever it stands: rows have their places as soon as they are declared, and a cell is
worked out when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.problem import Array
from optimizer.results.workbook.expressions import ZERO, Span, Term, Value

#: column of the first figure: labels, units and keys stand before it
FIRST = 3
#: first row below the headings of a sheet
TOP = 5
Maker = Callable[[int], "Term | float | int | str | None"]


def column_name(column: int) -> str:
    """0 -> A, 26 -> AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


@dataclass
class Cell:
    """What stands in a cell: a number or text, or the text of a formula and its value."""

    value: Value | None
    formula: str | None = None


class Row:
    """One line of a sheet. make(d) -> what stands in its d-th figure, from `first` to before `end`; empty elsewhere.

    number: its row on the sheet; mark: stands for it ('#7#') while it is not known. look: name of a number format. kind: 'input' | 'formula' |
    'total' | 'text'. key: 'statement/line' where the program has the same figures.
    """

    __slots__ = (
        "_cells",
        "end",
        "first",
        "key",
        "kind",
        "label",
        "look",
        "make",
        "mark",
        "number",
        "others",
        "remark",
        "sheet",
        "unit",
    )

    def __init__(
        self,
        sheet: Sheet,
        number: int,
        label: str,
        make: Maker,
        unit: str = "",
        look: str = "usd",
        kind: str = "formula",
        key: str = "",
        first: int = 0,
        end: int | None = None,
    ) -> None:
        self.sheet, self.number, self.label, self.make, self.unit = sheet, number, label, make, unit
        self.look, self.kind, self.key, self.first = look, kind, key, first
        self.end = sheet.columns if end is None else end
        self.mark = ""
        self.remark = ""  # said beside it
        self.others: dict[int, str] = {}  # figures with a number format of their own
        self._cells: dict[int, Cell] = {}

    def cell(self, d: int) -> Cell:
        """The d-th figure, worked out."""
        known = self._cells.get(d)
        if known is None:
            made = self.make(d) if self.first <= d < self.end else None
            if isinstance(made, Term):
                plain = made.text == "0"
                known = Cell(made.value, None if plain else self.sheet.own(made.text))
            elif made is None or isinstance(made, str):
                known = Cell(made)
            else:
                known = Cell(float(made) + 0.0)
            self._cells[d] = known
        return known

    def place(self, d: int) -> str:
        """Address of the d-th figure within its sheet."""
        return f"{self.sheet.letters(d)}{self.mark or self.number}"

    def __getitem__(self, d: int) -> Term:
        """The d-th figure as a term of a formula; 0 where the row is empty."""
        if not self.first <= d < self.end:
            return ZERO
        cell = self.cell(d)
        if cell.formula is None and cell.value == 0.0 and self.kind != "input":
            return ZERO
        return Term(f"{self.sheet.prefix}{self.place(d)}", 0.0 if cell.value is None else cell.value)

    def span(self, first: int, last: int) -> Span:
        """The figures first..last, both included."""
        values = [self.cell(d).value for d in range(first, last + 1)]
        return Span(f"{self.sheet.prefix}{self.place(first)}:{self.place(last)}", values)


class Nothing(Row):
    """A row that is 0 everywhere and stands nowhere."""

    __slots__ = ()

    def __init__(self) -> None:
        self.first = self.end = 0
        self.key = ""

    def __getitem__(self, d: int) -> Term:
        return ZERO


NOTHING: Row = Nothing()


@dataclass
class Note:
    """Text in a row of its own: a heading ('title', 'heading', 'section') or a remark ('note'); columns: what stands over the figures."""

    number: int
    text: str
    kind: str
    columns: Sequence[Value] = ()


class Sheet:
    """A sheet. columns: how many figures a row has; widths of columns are set by the writer."""

    def __init__(self, name: str, title: str, columns: int, tab: str = "calculation") -> None:
        self.name, self.title, self.columns, self.tab = name, title, columns, tab
        self.prefix = f"'{name}'!" if not name.isalnum() else f"{name}!"
        self.rows: list[Row] = []
        self.notes: list[Note] = []
        self.next = TOP
        self._letters = [column_name(FIRST + d) for d in range(max(columns, 1))]

    def letters(self, d: int) -> str:
        """Name of the column of the d-th figure."""
        if d < len(self._letters):
            return self._letters[d]
        return column_name(FIRST + d)

    def own(self, formula: str) -> str:
        """A formula as it stands on this sheet: without the sheet's own name."""
        return formula.replace(self.prefix, "")

    def note(self, text: str, kind: str = "note", columns: Sequence[Value] = ()) -> None:
        """A row of text. 'section' leaves a row free above it."""
        if kind == "section" and self.next > TOP:
            self.next += 1
        self.notes.append(Note(self.next, text, kind, columns))
        self.next += 1

    def row(
        self,
        label: str,
        make: Maker,
        unit: str = "USD",
        look: str = "usd",
        kind: str = "formula",
        key: str = "",
        first: int = 0,
        end: int | None = None,
    ) -> Row:
        """Another row."""
        made = Row(self, self.next, label, make, unit, look, kind, key, first, end)
        self.rows.append(made)
        self.next += 1
        return made


@dataclass
class Selection:
    """The scenario that is looked at: its number, and the names of all."""

    cell: Term
    names: tuple[str, ...]
    shown: int = 0


@dataclass
class Source:
    """Where given figures go: a sheet of inputs, whose figures of the scenario picked are what formulas refer to."""

    sheet: Sheet
    picked: Selection
    used: dict[str, Row] = field(default_factory=dict)

    def series(
        self,
        label: str,
        values: Array,
        unit: str,
        look: str = "usd",
        factor: Term | None = None,
        more: Term | None = None,
        keep: bool = False,
    ) -> Row:
        """Figures (S, C) of which the picked scenario's count, times `factor`, plus `more`. NaN: empty. All zero: no row, unless `keep`."""
        values = np.asarray(values, dtype=float)
        if not keep and not np.nan_to_num(values).any():
            return NOTHING
        filled = ~np.isnan(values).all(axis=0)
        where = np.flatnonzero(filled)
        first, end = (int(where[0]), int(where[-1]) + 1) if len(where) else (0, 0)
        alike = len(values) == 1 or bool(np.all((values == values[:1]) | np.isnan(values)))
        sheet = self.sheet

        def stored(name: str, row: Array) -> Row:
            return sheet.row(name, lambda d: None if np.isnan(row[d]) else float(row[d]), unit, look, "input", "", first, end)

        if alike and factor is None and more is None:
            return stored(label, values[0])
        number_at = sheet.next
        made: Row

        def live(d: int) -> Term:
            if alike:
                chosen = given[0][d]
            else:
                column = [0.0 if np.isnan(v) else float(v) for v in values[:, d]]
                text = f"{sheet.prefix}{sheet.letters(d)}{number_at + 1}:{sheet.letters(d)}{number_at + len(values)}"
                at = self.picked.shown
                chosen = Term(f"INDEX({text},{self.picked.cell.text})", column[at])
            if factor is not None:
                chosen = chosen * factor
            return chosen + more if more is not None else chosen

        made = sheet.row(label, live, unit, look, "formula", "", first, end)
        if alike:
            given = [stored("   in every scenario", values[0])]
        else:
            given = [stored(f"   {name}", row) for name, row in zip(self.picked.names, values, strict=True)]
        return made

    def scalar(self, label: str, values: Array, unit: str, look: str = "plain") -> Term:
        """One figure (S,) by scenario, of which the picked scenario's counts."""
        return self.series(label, np.asarray(values, dtype=float)[:, None], unit, look, keep=True)[0]
