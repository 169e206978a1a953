"""From sheets of rows to the bytes of an .xlsx file: formats, widths, frozen panes, print set-up; the same bytes for the same cells."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from optimizer.results.workbook.sheets import FIRST, Row, Sheet

#: the file says that it was made then, whenever it is made
CREATED = datetime(2000, 1, 1)
LOOKS = {
    "usd": '#,##0;[Red]-#,##0;"–"',
    "price": '#,##0.00;[Red]-#,##0.00;"–"',
    "coins": '#,##0.0000;[Red]-#,##0.0000;"–"',
    "shares": '#,##0;[Red]-#,##0;"–"',
    "mw": '#,##0.00;[Red]-#,##0.00;"–"',
    "count": '#,##0;[Red]-#,##0;0',
    "plain": '#,##0.0000;[Red]-#,##0.0000;0',
    "percent": '0.00%;[Red]-0.00%;0%',
    "rate": '0.000%;[Red]-0.000%;0%',
    "ratio": '0.00x;[Red]-0.00x;0.00x',
    "factor": "0.00",
    "date": "yyyy-mm-dd",
    "flag": '"OK";"OK";"CHECK"',
    "check": "0.00E+00;-0.00E+00;0",
    "text": "@",
    "value": "0.000E+00",
    "step": '[>=1E+98]"none";#,##0.0000',
}  # fmt: skip
TABS = {"input": "#1F4E9E", "statement": "#2E7D32", "calculation": "#8A8A8A"}
BLUE, GREY, BAND, RULE = "#0B3D91", "#777777", "#E8EEF7", "#B7C3D7"
PER_PAGE = 12  # figures beside each other on a printed page
LONGEST_TEXT = 32_000  # characters that a cell may hold, and a few less


def clean(text: str) -> str:
    """Text that a cell can hold: no lone surrogates, no control characters but line ends and tabs, not too long."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32)[:LONGEST_TEXT]


@lru_cache(maxsize=1)
def plain_worksheet() -> Any:
    """A worksheet of xlsxwriter that takes formulas as they are: it would look for the functions of later Excels in each of ten thousand
    formulas, by 29 regular expressions, and none of ours uses one (a test compares the bytes)."""
    from xlsxwriter.worksheet import Worksheet

    class PlainFormulas(Worksheet):  # type: ignore[misc]
        def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
            return formula.removeprefix("=")

    return PlainFormulas


class Writer:
    """Writes sheets, in the order in which they are given."""

    def __init__(self, title: str, resolved: Callable[[str], str]) -> None:
        import xlsxwriter

        self.resolved = resolved

        self.stream, self.title = io.BytesIO(), clean(title)
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        }
        self.book = xlsxwriter.Workbook(self.stream, options)
        self.book.set_properties({"title": self.title[:250], "created": CREATED, "author": "wattfolio", "comments": ""})
        self.book.set_calc_mode("auto")
        self._formats: dict[tuple[Any, ...], Any] = {}

    def format(self, **what: Any) -> Any:
        """A format, made once."""
        key = tuple(sorted(what.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"font_name": "Calibri", "font_size": 10, **what})
        return self._formats[key]

    def figure(self, row: Row, name: str) -> Any:
        """The format of a row's figures: inputs are blue on a tint, totals bold under a line."""
        what: dict[str, Any] = {"num_format": LOOKS[name], "align": "right"}
        if name == "text":
            what["align"] = "left"
        if row.kind == "input":
            what |= {"font_color": BLUE, "bg_color": "#FFF9E5"}
        if row.kind == "total":
            what |= {"bold": True, "top": 1, "top_color": RULE}
        return self.format(**what)

    def sheet(
        self, sheet: Sheet, headings: tuple[Any, ...], widths: dict[str, float], status: tuple[str, Any] | None = None
    ) -> Any:
        """One sheet. headings: what stands over the figures (dates as texts); status: a formula beside the title, and its value."""
        page = self.book.add_worksheet(sheet.name, plain_worksheet())
        page.set_tab_color(TABS[sheet.tab])
        page.hide_gridlines(2)
        page.set_landscape()
        page.set_paper(9)
        page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        page.set_header(f"&L&8{self.title.replace('&', '&&')[:80]}&R&8{sheet.name.replace('&', '&&')}")
        page.set_footer("&L&8wattfolio&R&8&P / &N")
        page.set_column(0, 0, widths.get("label", 46))
        page.set_column(1, 1, widths.get("unit", 11))
        page.set_column(2, 2, 30, None, {"hidden": True})
        columns = max([sheet.columns, *(row.end for row in sheet.rows)])
        page.fit_to_pages(-(-sheet.columns // PER_PAGE), 0)  # labels are repeated on every page
        page.set_column(FIRST, FIRST + columns - 1, widths.get("figure", 15))
        page.write_string(0, 0, clean(sheet.title), self.format(bold=True, font_size=14, font_color=BLUE))
        page.write_string(1, 0, self.title, self.format(font_color=GREY))
        head = self.format(bold=True, bg_color=BAND, bottom=1, bottom_color=RULE, align="right")
        first_head = self.format(bold=True, bg_color=BAND, bottom=1, bottom_color=RULE)
        page.write_blank(3, 0, None, first_head)
        page.write_string(3, 1, "Unit", first_head)
        page.write_string(3, 2, "Key", first_head)
        for k in range(columns):
            if k < len(headings):
                page.write_string(3, FIRST + k, clean(str(headings[k])), head)
        page.freeze_panes(4, FIRST)
        page.repeat_rows(0, 3)
        page.repeat_columns(0, 1)
        if status is not None:
            page.write_formula(2, 0, f"={self.resolved(status[0])}", self.format(italic=True, font_color=GREY), status[1])
        for note in sheet.notes:
            self._note(page, note, columns)
        for row in sheet.rows:
            self._row(page, row)
        return page

    def _note(self, page: Any, note: Any, columns: int) -> None:
        kinds = {
            "section": {"bold": True, "font_size": 11, "font_color": "#FFFFFF", "bg_color": "#3B5B92"},
            "heading": {"bold": True, "font_color": BLUE, "bottom": 1, "bottom_color": RULE},
            "note": {"italic": True, "font_color": GREY},
        }
        look = self.format(**kinds[note.kind])
        at = note.number - 1
        if note.text:
            page.write_string(at, 0, clean(note.text), look)
        else:
            page.write_blank(at, 0, None, look)
        if note.kind == "section":
            page.write_blank(at, 1, None, look)
            over = self.format(**kinds["section"], align="right")
            for k in range(columns):
                if k < len(note.columns):
                    page.write_string(at, FIRST + k, clean(str(note.columns[k])), over)
                else:
                    page.write_blank(at, FIRST + k, None, look)
        else:
            over = self.format(**kinds[note.kind], align="right")
            for k, text in enumerate(note.columns):
                page.write_string(at, FIRST + k, clean(str(text)), over)

    def _row(self, page: Any, row: Row) -> None:
        at, usual = row.number - 1, self.figure(row, row.look)
        bold = row.kind == "total"
        if row.label:
            page.write_string(at, 0, clean(row.label), self.format(bold=bold, **({"top": 1, "top_color": RULE} if bold else {})))
        if row.unit:
            page.write_string(at, 1, row.unit, self.format(font_color=GREY, font_size=9))
        if row.key:
            page.write_string(at, 2, clean(row.key), self.format(font_color=GREY, font_size=8))
        if row.remark:
            page.write_string(at, FIRST + row.end, clean(row.remark), self.format(italic=True, font_color=GREY, indent=1))
        for d in range(row.first, row.end):
            cell = row.cell(d)
            if cell.value is None:
                continue
            look = self.figure(row, row.others[d]) if d in row.others else usual
            if cell.formula is not None:
                value = cell.value
                if isinstance(value, float) and not math.isfinite(value):
                    raise ValueError(f"{row.sheet.name}!{row.place(d)} ({row.label}) is {value}: ={cell.formula}")
                page.write_formula(at, FIRST + d, f"={self.resolved(cell.formula)}", look, value)
            elif isinstance(cell.value, str):
                page.write_string(at, FIRST + d, clean(cell.value), look)
            else:
                page.write_number(at, FIRST + d, cell.value, look)

    def bytes(self) -> bytes:
        """The file."""
        self.book.close()
        return self.stream.getvalue()
