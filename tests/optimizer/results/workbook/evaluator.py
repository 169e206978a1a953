"""A spreadsheet engine of few functions, in Python: an .xlsx file's formulas worked out from its inputs, sharing nothing with the writer.

Formulas are read by openpyxl's tokenizer, parsed by precedence (comparisons, &, + -, * /, ^, sign), and worked out when they are asked for.
Values that the file stores with formulas are not looked at. Ranges are numpy arrays of objects; arithmetic on them is element by element.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
from openpyxl.formula import Tokenizer
from openpyxl.formula.tokenizer import Token
from openpyxl.utils import column_index_from_string, get_column_letter

Thunk = Callable[[], Any]
EPOCH = datetime(1899, 12, 30)
PLACE: re.Pattern[str] = re.compile(r"^(?:(?:'((?:[^']|'')+)'|([A-Za-z0-9_]+))!)?\$?([A-Z]+)\$?(\d+)(?::\$?([A-Z]+)\$?(\d+))?$")
RANKS = {"<": 1, ">": 1, "<=": 1, ">=": 1, "=": 1, "<>": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}


class SpreadsheetError(Exception):
    """What a spreadsheet would show as #DIV/0! or #NUM!."""


def _plain(value: Any) -> Any:
    """A value in arithmetic: an empty cell counts 0, a condition 1 or 0; a text has none."""
    if value is None:
        return 0.0
    if isinstance(value, str):
        raise SpreadsheetError(f"#VALUE! {value!r}")
    return float(value)


def _each(operation: Callable[[Any, Any], Any], a: Any, b: Any, whole: Callable[[Any, Any], Any] | None = None) -> Any:
    """An operation, element by element where one side is a range; `whole` does it at once where all are numbers."""
    if whole is not None and (_floats(a) or _floats(b)) and all(_floats(x) or isinstance(x, float) for x in (a, b)):
        return whole(a, b)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        one, two = np.broadcast_arrays(np.asarray(a, dtype=object), np.asarray(b, dtype=object))
        out = np.empty(one.shape, dtype=object)
        for at in np.ndindex(one.shape):
            out[at] = operation(one[at], two[at])
        return out
    return operation(a, b)


def _floats(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype != object


def _divide(a: Any, b: Any) -> float:
    if _plain(b) == 0.0:
        raise SpreadsheetError("#DIV/0!")
    return _plain(a) / _plain(b)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: _plain(a) + _plain(b),
    "-": lambda a, b: _plain(a) - _plain(b),
    "*": lambda a, b: _plain(a) * _plain(b),
    "/": _divide,
    "^": lambda a, b: _plain(a) ** _plain(b),
    "<": lambda a, b: _plain(a) < _plain(b),
    ">": lambda a, b: _plain(a) > _plain(b),
    "<=": lambda a, b: _plain(a) <= _plain(b),
    ">=": lambda a, b: _plain(a) >= _plain(b),
    "=": lambda a, b: a == b if isinstance(a, str) or isinstance(b, str) else _plain(a) == _plain(b),
    "<>": lambda a, b: _plain(a) != _plain(b),
    "&": lambda a, b: f"{a}{b}",
}


#: the same on arrays of numbers
ON_ARRAYS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "^": lambda a, b: a**b,
    "<": lambda a, b: (a < b).astype(float),
    "<=": lambda a, b: (a <= b).astype(float),
    ">": lambda a, b: (a > b).astype(float),
    ">=": lambda a, b: (a >= b).astype(float),
    "<>": lambda a, b: (a != b).astype(float),
}


def _numbers(arguments: tuple[Any, ...]) -> list[float]:
    """Numbers among arguments: in ranges texts and empty cells are passed over."""
    out: list[float] = []
    for one in arguments:
        if _floats(one):
            out += one.ravel().tolist()
        elif isinstance(one, np.ndarray):
            out += [float(v) for v in one.flat if v is not None and not isinstance(v, str | bool)]
        else:
            out.append(_plain(one))
    return out


def _root(value: Callable[[float], float], guess: float) -> float:
    """Where a function is zero, by bisection between the nearest points around a guess at which its sign differs."""
    width = 1e-3
    while True:
        low, high = max(guess - width, -0.9999), guess + width
        if value(low) > 0.0 > value(high):
            break
        width *= 1.5
        if width > 1e3:
            raise SpreadsheetError("#NUM!")
    for _ in range(200):
        middle = 0.5 * (low + high)
        if value(middle) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def irr(flows: Any, guess: float = 0.1) -> float:
    """Rate per step of flows that are paid first and received later."""
    amounts = np.array(_numbers((flows,)))
    steps = np.arange(len(amounts))
    return _root(lambda rate: float(amounts @ (1.0 + rate) ** -steps), guess)


def xirr(flows: Any, days: Any, guess: float = 0.1) -> float:
    """Rate per 365 days."""
    amounts, at = np.array(_numbers((flows,))), np.array(_numbers((days,)))
    return _root(lambda rate: float(amounts @ (1.0 + rate) ** (-(at - at[0]) / 365.0)), guess)


def npv(rate: float, *flows: Any) -> float:
    """The first flow is discounted by a step."""
    amounts = np.array(_numbers(flows))
    return float(amounts @ (1.0 + rate) ** -np.arange(1, len(amounts) + 1))


def mirr(flows: Any, finance: float, reinvest: float) -> float:
    """Modified rate per step."""
    amounts = np.array(_numbers((flows,)))
    n = len(amounts) - 1
    steps = np.arange(n + 1)
    future = float(np.maximum(amounts, 0.0) @ (1.0 + reinvest) ** (n - steps))
    present = -float(np.minimum(amounts, 0.0) @ (1.0 + finance) ** -steps)
    return (future / present) ** (1.0 / n) - 1.0


def _sum_product(*arrays: Any) -> float:
    if all(_floats(a) for a in arrays):
        return math.fsum(np.prod(np.stack([a.ravel() for a in arrays]), axis=0).tolist())
    parts = [np.array([0.0 if v is None or isinstance(v, str) else float(v) for v in np.asarray(a).flat]) for a in arrays]
    return math.fsum(np.prod(np.stack(parts), axis=0).tolist())


def _index(cells: Any, position: Any, column: Any = None) -> Any:
    flat = list(np.asarray(cells).flat)
    at = int(_plain(position))
    if not 1 <= at <= len(flat):
        raise SpreadsheetError("#REF!")
    return flat[at - 1]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "SUM": lambda *x: math.fsum(_numbers(x)),
    "MAX": lambda *x: max(_numbers(x), default=0.0),
    "MIN": lambda *x: min(_numbers(x), default=0.0),
    "ABS": lambda x: np.abs(x) if _floats(x) else _each(lambda a, _: abs(_plain(a)), x, 0.0),
    "INT": lambda x: float(math.floor(_plain(x))),
    "AND": lambda *x: all(bool(_plain(v)) for v in x),
    "OR": lambda *x: any(bool(_plain(v)) for v in x),
    "COUNT": lambda *x: float(len(_numbers(x))),
    "AVERAGE": lambda *x: math.fsum(_numbers(x)) / len(_numbers(x)),
    "ISNUMBER": lambda x: isinstance(x, float | int),
    "INDEX": _index,
    "SUMPRODUCT": _sum_product,
    "IRR": irr,
    "XIRR": xirr,
    "NPV": npv,
    "MIRR": mirr,
}


class Engine:
    """A workbook: `engine[sheet, cell]` is what a formula comes to, `engine.put` changes an input and forgets what was worked out."""

    def __init__(self, file: Path) -> None:
        book = openpyxl.load_workbook(file)
        self.cells: dict[tuple[str, str], Any] = {}
        for page in book:
            for row in page.iter_rows():
                for cell in row:
                    value = cell.value
                    if isinstance(value, datetime):
                        value = float((value - EPOCH).days)
                    elif isinstance(value, str) and cell.data_type != "f":
                        value = _Text(value)
                    if value is not None:
                        self.cells[page.title, cell.coordinate] = value
        self._compiled: dict[tuple[str, str], Thunk] = {}
        self._known: dict[tuple[str, str], Any] = {}

    def put(self, sheet: str, cell: str, value: float) -> None:
        """Type a number into a cell."""
        assert (sheet, cell) in self.cells, (sheet, cell)
        assert not isinstance(self.cells[sheet, cell], str), f"{sheet}!{cell} is a formula or a text"
        self.cells[sheet, cell] = value
        self._known.clear()

    def __getitem__(self, place: tuple[str, str]) -> Any:
        if place in self._known:
            return self._known[place]
        value = self.cells.get(place)
        if isinstance(value, _Text):
            value = value.text
        elif isinstance(value, str):
            if place not in self._compiled:
                self._compiled[place] = _Parser(self, place[0], value).whole()
            value = self._compiled[place]()
            if value is None:
                value = 0.0
            elif isinstance(value, bool | int):
                value = float(value)
        elif isinstance(value, int):
            value = float(value)
        self._known[place] = value
        return value

    def all(self) -> dict[str, dict[str, Any]]:
        """Sheet -> cell -> what stands in it."""
        out: dict[str, dict[str, Any]] = {}
        for sheet, cell in self.cells:
            try:
                value = self[sheet, cell]
            except SpreadsheetError as error:
                value = str(error)
            out.setdefault(sheet, {})[cell] = value
        return out


class _Text:
    """A text in a cell: never a formula, whatever it begins with."""

    def __init__(self, text: str) -> None:
        self.text = text


class _Parser:
    """One formula, by precedence."""

    def __init__(self, engine: Engine, sheet: str, formula: str) -> None:
        self.engine, self.sheet, self.formula = engine, sheet, formula
        self.tokens = [t for t in Tokenizer(formula).items if t.type != Token.WSPACE]
        self.at = 0

    def whole(self) -> Thunk:
        made = self.expression(0)
        assert self.at == len(self.tokens), f"cannot read {self.formula}"
        return made

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def expression(self, least: int) -> Thunk:
        left = self.operand()
        while (token := self.peek()) is not None and token.type == Token.OP_IN and RANKS[token.value] > least:
            self.next()
            right = self.expression(RANKS[token.value])
            left = self._combined(OPERATIONS[token.value], ON_ARRAYS.get(token.value), left, right)
        return left

    @staticmethod
    def _combined(operation: Callable[[Any, Any], Any], whole: Callable[[Any, Any], Any] | None, a: Thunk, b: Thunk) -> Thunk:
        return lambda: _each(operation, a(), b(), whole)

    def operand(self) -> Thunk:
        token = self.next()
        if token.type == Token.OP_PRE:
            inner = self.expression(5)  # a sign binds more tightly than any operation
            return (lambda: _each(lambda x, _: -_plain(x), inner(), 0.0)) if token.value == "-" else inner
        if token.type == Token.PAREN:
            inner = self.expression(0)
            closing = self.next()
            assert closing.type == Token.PAREN, self.formula
            return inner
        if token.type == Token.FUNC:
            return self.call(token.value[:-1])
        assert token.type == Token.OPERAND, f"cannot read {token.value} in {self.formula}"
        if token.subtype == Token.NUMBER:
            number = float(token.value)
            return lambda: number
        if token.subtype == Token.TEXT:
            text = token.value[1:-1].replace('""', '"')
            return lambda: text
        return self.reference(token.value)

    def call(self, name: str) -> Thunk:
        arguments: list[Thunk] = []
        while True:
            token = self.peek()
            assert token is not None, self.formula
            if token.type == Token.FUNC and token.subtype == Token.CLOSE:
                self.next()
                break
            if token.type == Token.SEP:
                self.next()
                continue
            arguments.append(self.expression(0))
        if name == "IF":
            condition, yes, no = arguments
            return lambda: yes() if _plain(condition()) else no()
        function = FUNCTIONS[name]
        return lambda: function(*(each() for each in arguments))

    def reference(self, text: str) -> Thunk:
        found = PLACE.match(text)
        assert found is not None, f"cannot read {text} in {self.formula}"
        quoted, bare, column, row, last_column, last_row = found.groups()
        sheet = quoted.replace("''", "'") if quoted else bare or self.sheet
        engine = self.engine
        if last_column is None:
            return lambda: engine[sheet, f"{column}{row}"]
        columns = range(column_index_from_string(column), column_index_from_string(last_column) + 1)
        names = [[f"{get_column_letter(c)}{r}" for c in columns] for r in range(int(row), int(last_row) + 1)]

        def values() -> np.ndarray:
            found = [engine[sheet, name] for line in names for name in line]
            numbers = all(type(value) is float for value in found)
            out = np.array(found, dtype=float if numbers else object)
            return out.reshape(len(names), len(columns))

        return values
