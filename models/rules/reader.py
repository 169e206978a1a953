"""From the text of a sentence to a tree of operators over placeholders: q0, q1, ... of operands, f0, f1, ... of functions.

A tokeniser of our own finds names, numbers and quantities ("50 MUSD"); Python's `ast` then sees operators, brackets and placeholders only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from models.problem import Array, Term
from models.rules.errors import RuleError, shown
from models.rules.functions import FUNCTIONS
from models.rules.linear import MAX_NUMBER, SHARE, Linear
from models.rules.refused import REFUSED_MARKS, REFUSED_WORDS, SHARE_FORM
from models.rules.words import WORDS
from models.spelling import suggest

MAX_TOKENS = 200
#: brackets within brackets, or signs before signs
MAX_NESTING = 20
#: characters of one number
MAX_NUMBER_LENGTH = 30

Quantity = Callable[[str], float | tuple[float, str]]

_BLANK = re.compile(r"\s+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d,])", re.ASCII)
_UNIT = re.compile(r"\s*([A-Za-z%]+)")
_UNIT_OVER = re.compile(r"\s*/\s*([A-Za-z]+)(?![A-Za-z0-9_\[(])")
_SHARE_OF = re.compile(r"\s*share\s+of\b")
_AT = re.compile(r"\s*@\s*")
_OPERATOR = re.compile(r">=|<=|==|\*\*|//|[-+*/()]")

#: data words that are units too: after a number they are the unit
TIMES = ("months", "years")
EXAMPLES = {
    "ltm": "ltm(ebitda) >= 50 MUSD", "year": "year(capex) <= 100 MUSD", "total": "total(issued[notes]) <= 100 MUSD",
    "previous": "cash >= 0.8 * previous(cash)", "average": "average(cash, 6 months) >= 20 MUSD",
}  # fmt: skip  # fmt: skip


def _listed(names: Iterable[str], most: int = 12) -> str:
    ordered = sorted(name for name in names if name)
    return ", ".join(ordered[:most]) + (", ..." if len(ordered) > most else "")


@dataclass
class _Bracket:
    """A round bracket that is open: its column, the function it belongs to ("": none), the commas in it so far."""

    column: int
    function: str
    commas: int = 0


class Reader:
    """Reads a sentence from left to right into operators and operands (placeholders q0, q1, ...)."""

    def __init__(
        self,
        text: str,
        words: Mapping[str, frozenset[str] | None],
        data: Mapping[str, Array],
        quantity: Quantity,
        here: str | None = None,
    ):
        self.text = text
        self.words = words
        self.data = data
        self.quantity = quantity
        self.here = here
        self.by_site = False  # a word says [site]
        self.at = 0
        self.opened: list[_Bracket] = []  # not closed yet
        self.functions: list[str] = []  # placeholders f0, f1, ...
        self.signs = 0  # operators in a row
        self.operands: list[Linear] = []
        self.tokens: list[tuple[str, int]] = []  # (what ast sees, column in the text)

    def read(self) -> None:
        if share := _SHARE_OF.match(self.text):
            self._begin_share(share)
        while self._more():
            start = self.at
            if number := _NUMBER.match(self.text, start):
                self._operand(start, self._number(number[0]))
            elif name := _NAME.match(self.text, start):
                self._name(name[0])
            elif operator := _OPERATOR.match(self.text, start):
                self._operator(operator[0])
            elif self.text[start] == "," and self.opened and self.opened[-1].function in FUNCTIONS:
                self._comma()
            else:
                self._refuse_mark(self.text[start])
            if len(self.tokens) > MAX_TOKENS:
                raise RuleError(f"a rule has at most {MAX_TOKENS} words, numbers and signs", start)
        if self.opened and self.opened[-1].function == SHARE:
            raise RuleError("a share is compared with a number", self.opened[-1].column, SHARE_FORM)
        if self.opened:
            raise RuleError("a bracket is not closed", self.opened[-1].column)
        if self.tokens and not self._after_operand():
            raise RuleError(f"the sentence breaks off after {self.tokens[-1][0]}", self.tokens[-1][1])

    def _more(self) -> bool:
        """Skip blanks; False at the end of the text."""
        if blank := _BLANK.match(self.text, self.at):
            self.at = blank.end()
        return self.at < len(self.text)

    def _after_operand(self) -> bool:
        return bool(self.tokens) and (self.tokens[-1][0] == ")" or self.tokens[-1][0][0] == "q")

    def _operand(self, start: int, value: Linear) -> None:
        if self._after_operand():
            raise RuleError("an operator is missing before this", start, "write *, +, -, / or a comparison")
        self.signs = 0
        self.tokens.append((f"q{len(self.operands)}", start))
        self.operands.append(value)

    def _operator(self, operator: str) -> None:
        if operator in REFUSED_MARKS:
            self._refuse_mark(operator)
        self.signs = self.signs + 1 if operator in "+-" else 0
        if operator in (">=", "<=", "==") and self.opened and self.opened[-1].function == SHARE:
            self._end_share(operator)
        if operator == "(":
            called = bool(self.tokens) and self.tokens[-1][0][0] == "f"
            self.opened.append(_Bracket(self.at, self.functions[-1] if called else ""))
        elif operator == ")":
            if not self.opened or self.opened[-1].function == SHARE:
                raise RuleError("a bracket closes that was not opened", self.at)
            self.opened.pop()
        if len(self.opened) > MAX_NESTING or self.signs > MAX_NESTING:
            raise RuleError(f"more than {MAX_NESTING} brackets or signs within each other", self.at)
        if operator == "(" and self._after_operand():
            raise RuleError("an operator is missing before this bracket", self.at, "write * to multiply")
        if operator not in "+-(" and not self._after_operand():
            raise RuleError(f"something is missing before {operator}", self.at)
        self.tokens.append((operator, self.at))
        self.at += len(operator)

    def _comma(self) -> None:
        """The comma before a function's time."""
        bracket = self.opened[-1]
        if FUNCTIONS[bracket.function].months == "none" or bracket.commas:
            most = "a time after one comma" if bracket.commas else "no comma"
            raise RuleError(f"{bracket.function}() takes {most}", self.at)
        if not self._after_operand():
            raise RuleError("something is missing before ,", self.at)
        bracket.commas += 1
        self.signs = 0
        self.tokens.append((",", self.at))
        self.at += 1

    def _begin_share(self, found: re.Match[str]) -> None:
        start = found.start() + len(found[0]) - len(found[0].lstrip())
        self.functions.append(SHARE)
        self.opened.append(_Bracket(start, SHARE))
        self.tokens += [("f0", start), ("(", start)]
        self.at = found.end()

    def _share_in(self) -> bool:
        """Is an `in` here the one of `share of part in whole`?"""
        return len(self.opened) == 1 and self.opened[0].function == SHARE and not self.opened[0].commas and self._after_operand()

    def _end_share(self, operator: str) -> None:
        if not self.opened[-1].commas:
            raise RuleError(f"`in` is missing before {operator}", self.at, SHARE_FORM)
        if not self._after_operand():
            raise RuleError(f"something is missing before {operator}", self.at)
        self.opened.pop()
        self.tokens.append((")", self.at))

    def _refuse_mark(self, mark: str) -> NoReturn:
        message, hint = REFUSED_MARKS.get(mark, (f'"{shown(mark)}" has no meaning in a rule', None))
        raise RuleError(message, self.at, hint)

    def _number(self, number: str) -> Linear:
        start = self.at
        if comma := _COMMA.match(self.text, start):
            plain = comma[0].replace(",", "")
            raise RuleError(f'"{shown(comma[0])}" has a comma in its number', start, f"write {shown(plain)}")
        if len(number) > MAX_NUMBER_LENGTH:
            raise RuleError(f'"{shown(number)}" has too many digits', start, f"at most {MAX_NUMBER_LENGTH} characters")
        self.at += len(number)
        if not abs(float(number)) <= MAX_NUMBER:
            raise RuleError(f'"{number}" is beyond {MAX_NUMBER:g}', start)
        unit = self._unit()
        if not unit:
            return Linear({}, float(number), "1")
        try:
            read = self.quantity(f"{number} {unit}")
        except ValueError as problem:
            message = getattr(problem, "message", None) or str(problem)
            raise RuleError(message, start, getattr(problem, "hint", None)) from problem
        value, measured = read if isinstance(read, tuple) else (read, None)
        if not abs(value) <= MAX_NUMBER:
            raise RuleError(f'"{number} {unit}" is not finite or beyond {MAX_NUMBER:g}', start)
        return Linear({}, value, measured)

    def _unit(self) -> str:
        """The unit that follows a number, or "". `10 MUSD / cash` is a division, `10 USD / MWh` a unit."""
        found = _UNIT.match(self.text, self.at)
        if not found:
            return ""
        name = _NAME.match(self.text, found.start(1))
        if name and (name[0] in REFUSED_WORDS or self._can_stand(name[0], name.end())):
            return ""  # `6 cash`: the operator that is missing is what is wrong
        self.at = found.end()
        unit = found[1]
        while over := _UNIT_OVER.match(self.text, self.at):
            if over[1] in self.words or over[1] in self.data:
                break
            unit += "/" + over[1]
            self.at = over.end()
        return unit

    def _can_stand(self, name: str, end: int) -> bool:
        """Is `name` a word here? `units` is a unit too, unless a bracket follows, and so are the times among data."""
        follows = self.text[end:].lstrip()[:1]
        if name in self.data:
            return name not in TIMES
        if name in FUNCTIONS:
            return follows == "("
        if name not in self.words:
            return False
        allowed = self.words[name]
        return allowed is None or "" in allowed or follows == "["

    def _name(self, name: str) -> None:
        """A word, the name of a function, or the `in` of a share."""
        start, end = self.at, self.at + len(name)
        if name == "in" and self._share_in():
            self.opened[0].commas = 1
            self.tokens.append((",", start))
            self.at = end
        elif name in FUNCTIONS:
            if self.text[end:].lstrip()[:1] != "(":
                raise RuleError(f"{name} is a function", start, f"as in {EXAMPLES[name]}")
            if self._after_operand():
                raise RuleError("an operator is missing before this", start, "write *, +, -, / or a comparison")
            self.signs = 0
            self.tokens.append((f"f{len(self.functions)}", start))
            self.functions.append(name)
            self.at = end
        else:
            self._operand(start, self._word(name))

    def _word(self, name: str) -> Linear:
        start = self.at
        self.at += len(name)
        follows = self.text[self.at :].lstrip()[:1]
        if name in REFUSED_WORDS:
            message, hint = REFUSED_WORDS[name]
            raise RuleError(message, start, hint)
        known = name in self.words or name in self.data
        if follows == "(" and not known:
            near = suggest(name, FUNCTIONS)
            hint = f'did you mean "{near}"?' if near else f"functions here: {', '.join(FUNCTIONS)}"
            raise RuleError(f'"{shown(name)}(" is no function of rules', start, hint)
        if name == "share" and re.match(r"\s+of\b", self.text[self.at :]):
            raise RuleError("`share of` begins a sentence", start, SHARE_FORM)
        if not known:
            every = [*self.words, *self.data]
            near = suggest(name, filter(None, every))
            hint = f'did you mean "{near}"?' if near else f"words here: {_listed(every, 60)}"
            raise RuleError(f'unknown word "{shown(name)}"', start, hint)
        if name in self.data:
            if follows == "[":
                raise RuleError(f"{name} takes no name in brackets", start)
            return Linear({}, np.asarray(self.data[name], dtype=float))
        argument = self._argument(name, start) if follows == "[" else ""
        allowed = self.words[name]
        if allowed is None:
            if follows == "[":
                raise RuleError(f"{name} takes no name in brackets", start)
            return Linear({Term(name): 1.0}, 0.0, self._unit_of(name))
        if argument not in allowed:
            self._refuse_argument(name, argument, allowed, start)
        return Linear({Term(name, argument or None): 1.0}, 0.0, self._unit_of(name))

    @staticmethod
    def _unit_of(name: str) -> str | None:
        """A good is measured in whatever its projects say."""
        return WORDS[name].unit if name in WORDS and WORDS[name].argument != "good" else None

    def _argument(self, name: str, start: int) -> str:
        """The name in square brackets, with or without quotes; names may hold hyphens and blanks."""
        opened = self.text.index("[", self.at)
        closed = self.text.find("]", opened)
        if closed < 0:
            raise RuleError("a bracket is not closed", opened)
        inside = self.text[opened + 1 : closed].strip()
        if len(inside) >= 2 and inside[0] in "'\"" and inside[-1] == inside[0]:
            inside = inside[1:-1]
        if not inside:
            raise RuleError(f"{name}[] names nothing", start)
        self.at = closed + 1
        return self._placed(name, _AT.sub("@", inside))

    def _placed(self, name: str, inside: str) -> str:
        """With the site that [site], [@site] or [name@site] stands for."""
        thing, at, place = inside.rpartition("@")
        by_site = WORDS[name].argument == "site" if name in WORDS else False
        if self.here is None or place != "site" or not (at or by_site):
            return inside
        self.by_site = True
        return f"{thing}{at}{self.here}"

    def _refuse_argument(self, name: str, argument: str, allowed: frozenset[str], start: int) -> NoReturn:
        noun = (WORDS[name].argument if name in WORDS else None) or "name"
        one = f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
        there_is = f"there are: {_listed(allowed)}" if any(allowed) else f"there is no {noun} for it in this case"
        if not argument:
            example = min((a for a in allowed if a), default="name")
            raise RuleError(f"{name} needs {one} in brackets, as in {name}[{shown(example)}]", start, there_is)
        near = suggest(argument, filter(None, allowed))
        hint = f'did you mean "{near}"?' if near else there_is
        if argument.rpartition("@")[2] == "site" and self.here is None and any(allowed):
            hint = "[site] is each site of the rule's `sites`: say sites: all"
        column = self.text.index("[", start) + 1
        raise RuleError(f'{name} knows no {noun} "{shown(argument)}"', column, hint)


def parse(reader: Reader) -> tuple[ast.expr, Callable[[ast.AST], int]]:
    """(tree over the reader's placeholders, node -> column in the text)."""
    reader.read()
    if not reader.tokens:
        raise RuleError("the rule is empty", 0, "write a comparison such as cash >= 50 MUSD")
    columns: dict[int, int] = {}
    pieces: list[str] = []
    length = 0
    for token, column in reader.tokens:
        columns[length] = column
        pieces.append(token)
        length += len(token) + 1
    try:
        tree = ast.parse(" ".join(pieces), mode="eval").body
    except SyntaxError as problem:
        at = min((problem.offset or 1) - 1, length)
        column = columns.get(max((o for o in columns if o <= at), default=0), 0)
        raise RuleError("the sentence breaks off or has an operator too many here", column) from None
    return tree, lambda node: columns.get(getattr(node, "col_offset", 0), 0)
