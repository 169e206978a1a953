"""Spreadsheet expressions that know their value: a formula is written once, and what it comes to is worked out as it is written.

Every `Term` carries the text of a formula and the number (or text) that it is. Functions here are those of spreadsheets, under their
names; only these occur in a workbook.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Value = float | str

ATOM, POWER, PRODUCT, SUM_RANK, COMPARISON = 5, 3, 2, 1, 0
#: what a cell shows where a figure has no meaning
NONE = "n/a"


class Term:
    """text of a formula (without '='), its value, and how tightly its outermost operation binds."""

    __slots__ = ("rank", "text", "value")

    def __init__(self, text: str, value: Value, rank: int = ATOM) -> None:
        self.text, self.value, self.rank = text, value, rank

    def at(self, rank: int) -> str:
        """Its text, in brackets where it binds less tightly."""
        return self.text if self.rank >= rank else f"({self.text})"

    @property
    def zero(self) -> bool:
        """Whether it is the number 0, written out: not a cell that happens to hold it."""
        return self.text == "0"

    @property
    def number(self) -> float:
        """Its value as a number: a text is none."""
        return self.value if isinstance(self.value, float) else math.nan

    def __add__(self, other: Operand) -> Term:
        b = term(other)
        if self.zero:
            return b
        if b.zero:
            return self
        return Term(f"{self.at(SUM_RANK)}+{b.at(SUM_RANK)}", self.number + b.number, SUM_RANK)

    def __radd__(self, other: Operand) -> Term:
        return term(other) + self

    def __sub__(self, other: Operand) -> Term:
        b = term(other)
        if b.zero:
            return self
        if self.zero:
            return -b
        return Term(f"{self.at(SUM_RANK)}-{b.at(PRODUCT)}", self.number - b.number, SUM_RANK)

    def __rsub__(self, other: Operand) -> Term:
        return term(other) - self

    def __mul__(self, other: Operand) -> Term:
        b = term(other)
        if self.zero or b.zero:
            return ZERO
        if b.text == "1":
            return self
        if self.text == "1":
            return b
        return Term(f"{self.at(PRODUCT)}*{b.at(PRODUCT)}", self.number * b.number, PRODUCT)

    def __rmul__(self, other: Operand) -> Term:
        return term(other) * self

    def __truediv__(self, other: Operand) -> Term:
        b = term(other)
        if self.zero or b.text == "1":
            return self
        return Term(f"{self.at(PRODUCT)}/{b.at(POWER)}", self.number / b.number if b.number else math.nan, PRODUCT)

    def __rtruediv__(self, other: Operand) -> Term:
        return term(other) / self

    def __pow__(self, other: Operand) -> Term:
        b = term(other)
        try:
            value = self.number**b.number
        except (OverflowError, ZeroDivisionError):
            value = math.nan
        return Term(f"{self.at(ATOM)}^{b.at(ATOM)}", float(value) if not isinstance(value, complex) else math.nan, POWER)

    def __neg__(self) -> Term:
        return self if self.zero else Term(f"-1*{self.at(PRODUCT)}", -self.number, PRODUCT)

    def __lt__(self, other: Operand) -> Term:
        return self._compare("<", other, lambda a, b: a < b)

    def __le__(self, other: Operand) -> Term:
        return self._compare("<=", other, lambda a, b: a <= b)

    def __gt__(self, other: Operand) -> Term:
        return self._compare(">", other, lambda a, b: a > b)

    def __ge__(self, other: Operand) -> Term:
        return self._compare(">=", other, lambda a, b: a >= b)

    def equals(self, other: Operand) -> Term:
        """The condition that both are equal."""
        return self._compare("=", other, lambda a, b: a == b)

    def _compare(self, sign: str, other: Operand, test: Callable[[float, float], bool]) -> Term:
        b = term(other)
        return Term(f"{self.at(SUM_RANK)}{sign}{b.at(SUM_RANK)}", float(test(self.number, b.number)), COMPARISON)


Operand = Term | float | int


class Span:
    """Neighbouring cells: the text of the range and their values (texts among them, None where a cell is empty)."""

    __slots__ = ("text", "values")

    def __init__(self, text: str, values: Sequence[Value | None]) -> None:
        self.text, self.values = text, values

    @property
    def numbers(self) -> list[float]:
        """The numbers among them, as spreadsheets count them: neither texts nor empty cells."""
        return [v for v in self.values if isinstance(v, float)]

    @property
    def filled(self) -> list[float]:
        """As many numbers as there are cells: 0 for a text or an empty cell."""
        return [v if isinstance(v, float) else 0.0 for v in self.values]


def number(value: float) -> str:
    """A number as a formula writes it, exactly."""
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot stand in a formula")
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def term(value: Operand) -> Term:
    """A number as a term; terms as they are."""
    if isinstance(value, Term):
        return value
    value = float(value) + 0.0
    return Term(number(value), value, ATOM if value >= 0.0 else SUM_RANK)


ZERO = Term("0", 0.0)


def text(value: str) -> Term:
    """A text of ours in a formula. Texts from cases stand in cells of their own, never in a formula."""
    return Term('"' + value.replace('"', '""') + '"', value)


def _call(name: str, parts: Sequence[Term | Span], value: Value) -> Term:
    return Term(f"{name}({','.join(part.text for part in parts)})", value)


def total(*parts: Term | Span) -> Term:
    """SUM; parts that are the number 0 are left out."""
    parts = tuple(p for p in parts if isinstance(p, Span) or not p.zero)
    if not parts:
        return ZERO
    if len(parts) == 1 and isinstance(parts[0], Term):
        return parts[0]
    value = math.fsum(x for p in parts for x in (p.numbers if isinstance(p, Span) else [p.number]))
    return _call("SUM", parts, value)


def largest(*parts: Term | Span | float) -> Term:
    """MAX, of the numbers among its parts; 0 where there are none."""
    return _extreme("MAX", max, parts)


def least(*parts: Term | Span | float) -> Term:
    """MIN, of the numbers among its parts; 0 where there are none."""
    return _extreme("MIN", min, parts)


def _extreme(name: str, pick: Callable[..., float], parts: Sequence[Term | Span | float]) -> Term:
    made = [p if isinstance(p, Term | Span) else term(p) for p in parts]
    values = [x for p in made for x in (p.numbers if isinstance(p, Span) else [p.number])]
    return _call(name, made, float(pick(values)) if values else 0.0)


def absolute(x: Term) -> Term:
    """ABS."""
    return _call("ABS", [x], abs(x.number))


def whole(x: Term) -> Term:
    """INT: rounded down."""
    return _call("INT", [x], float(math.floor(x.number)) if math.isfinite(x.number) else math.nan)


def when(condition: Term, then: Operand, otherwise: Operand) -> Term:
    """IF."""
    a, b = term(then), term(otherwise)
    return _call("IF", [condition, a, b], a.value if condition.number else b.value)


def both(*conditions: Term) -> Term:
    """AND."""
    return _call("AND", conditions, float(all(c.number for c in conditions)))


def either(*conditions: Term) -> Term:
    """OR."""
    return _call("OR", conditions, float(any(c.number for c in conditions)))


def count(span: Span) -> Term:
    """COUNT of numbers."""
    return _call("COUNT", [span], float(len(span.numbers)))


def average(span: Span) -> Term:
    """AVERAGE of the numbers."""
    known = span.numbers
    return _call("AVERAGE", [span], math.fsum(known) / len(known) if known else math.nan)


def pick(span: Span, position: Term) -> Term:
    """INDEX: the cell of a row or column of cells at a position from 1 on."""
    at = int(position.number) - 1 if math.isfinite(position.number) else -1
    value = span.values[at] if 0 <= at < len(span.values) else math.nan
    return _call("INDEX", [span, position], 0.0 if value is None else value)


def formula(text: str, value: Value) -> Term:
    """A formula in words of its own, and what it comes to."""
    return Term(text, value, COMPARISON)


def sum_product(*spans: Span) -> Term:
    """SUMPRODUCT of ranges of one shape."""
    value = math.fsum(math.prod(row) for row in zip(*(s.filled for s in spans), strict=True))
    return _call("SUMPRODUCT", spans, value)
