"""Rules: a sentence such as `cfads >= 1.30 * debt_service` compiled to a linear row.

    sum over terms of coefficient[s, d] * term[s, d]   sense   constant[s, d]

A term is a word of the table below, or a function over time of one (`functions.py`). Two forms of sentence: one sum compared with
another, and `share of part in whole <= 25 %`, which is part <= 0.25 * whole.

A tokeniser of our own finds names, numbers and quantities ("50 MUSD"); Python's `ast` then sees operators, brackets and
placeholders only, and a whitelist of its nodes is computed here. Nothing of a rule is ever evaluated by Python.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from models.problem import Array, Function, Term
from models.rules.functions import DEEPEST_FUNCTIONS, FUNCTIONS, LONGEST_FUNCTION

LONGEST = 500  # characters of a sentence
MOST_TOKENS = 200
DEEPEST = 20  # brackets within brackets, or signs before signs
LONGEST_NUMBER = 30  # characters
LARGEST = 1e18  # a number beyond it is a slip, and would spoil the scaling of the program

Quantity = Callable[[str], float | tuple[float, str]]


@dataclass(frozen=True)
class Word:
    """What a word of README section 13 means.

    unit: canonical; sign: 'nonnegative' | 'any'; kind: 'flow' of the date | 'stock' after the date;
    argument: what stands in brackets, None | 'instrument' | 'sale' (of shares to new holders) | 'rig' | 'site' | 'service' |
    'project' | 'good' | 'asset' (a kind of `ASSETS`); a rig or service also takes [@site], all of a site, and [name@site];
    optional: the argument may be left out, and the word is then the sum over all; operating: settles from date 1 on.
    """

    meaning: str
    unit: str
    sign: str
    kind: str
    argument: str | None = None
    optional: bool = False
    operating: bool = False


def _operating(meaning: str, unit: str, sign: str = "nonnegative", argument: str | None = None) -> Word:
    return Word(meaning, unit, sign, "flow", argument, optional=argument is not None, operating=True)


def _metered(meaning: str, unit: str) -> Word:
    """Measured at sites: of one, or of all."""
    return Word(meaning + " in the period that ends at the date", unit, "nonnegative", "flow", "site", True, True)


def _flow(meaning: str, unit: str, argument: str | None = None, sign: str = "nonnegative", optional: bool = False) -> Word:
    return Word(meaning, unit, sign, "flow", argument, optional)


def _stock(meaning: str, unit: str, argument: str | None = None, optional: bool = False, sign: str = "nonnegative") -> Word:
    return Word(meaning, unit, sign, "stock", argument, optional)


#: what capital is spent on: the names in the brackets of capex
ASSETS = ("rigs", "options", "halls", "interconnection", "equipment")

WORDS: dict[str, Word] = {
    "revenue": _operating("rents, cloud, mining (all coins), power sold, demand response", "USD", "any"),
    "ai_revenue": _operating("rents, and cloud prices on energy served, without energy paid back", "USD", "any", "service"),
    "ebitda": _operating("revenue less energy, hosting, fixed costs and overhead, with all coins mined", "USD", "any"),
    "cfads": _operating("cash flow available for debt service: ebitda less coins kept less tax paid", "USD", "any"),
    "interest": _operating("cash interest and commitment fees paid", "USD"),
    "principal": _operating("scheduled principal paid; no maturity, call, put or revolver movement", "USD"),
    "debt_service": _operating("interest + principal", "USD"),
    "maturities": _operating("debt repaid in cash at its maturity or at a holder's put", "USD", argument="instrument"),
    "tax": _operating("income tax paid", "USD"),
    "btc_mined": _operating("coins mined in the period that ends at the date, after the pool's fee", "BTC", argument="site"),
    "energy_mwh": _metered("energy that rigs and AI used, at the meter,", "MWh"),
    "grid_mwh": _metered("energy bought from the grid, without contracted blocks,", "MWh"),
    "emissions_t": _metered("CO2 emitted", "t"),
    "ai_mwh": _operating("energy used by AI in the period that ends at the date, at the meter", "MWh", argument="service"),
    "diesel_mwh": _operating("diesel energy generated in the period that ends at the date", "MWh", argument="site"),
    "capex": _flow("cash paid for rigs, options, halls, interconnection and equipment", "USD", "asset", optional=True),
    "dividends": _flow("cash paid to shareholders", "USD"),
    "contributions": _flow("shares sold to existing holders", "USD"),
    "rescue": _flow("rescue equity", "USD"),
    "issued": _flow("face issued, drawn or sold; nothing for a revolver", "USD", "instrument"),
    "raised": _flow("face issued, drawn or sold of all instruments but revolvers", "USD"),
    "shares_issued": _flow("new shares sold to new holders, at the price of the date", "shares", "sale", optional=True),
    "provided": _flow("amount of a good that projects provide", "units", "good", "any"),
    "cash": _stock("cash", "USD"),
    "coins": _stock("bitcoin held", "BTC"),
    "coins_value": _stock("bitcoin held, at the price of the date", "USD"),
    "liquidity": _stock("cash + coins_value", "USD"),
    "total_debt": _stock("balances of all debt, with PIK, without interest due", "USD"),
    "net_debt": _stock("total_debt - cash", "USD", sign="any"),
    "outstanding": _stock("balance of a debt", "USD", "instrument"),
    "rigs_mw": _stock("rigs installed, at the wall", "MW", "rig", optional=True),
    "mining_hall_mw": _stock("mining halls ready", "MW", "site"),
    "ai_hall_mw": _stock("AI halls ready, critical MW", "MW", "site"),
    "interconnection_mw": _stock("interconnection ready", "MW", "site"),
    "ai_mw": _stock("AI capacity that runs, critical MW", "MW", "service", optional=True),
    "hashrate": _stock("hashrate installed", "PH/s", "rig", optional=True),
    "units": _stock("units of a project decided so far", "units", "project"),
}

#: A rule with one of these in it applies at d >= 1: they are 0 at date 0 by definition.
FLOW_WORDS: frozenset[str] = frozenset(name for name, word in WORDS.items() if word.operating)


def vocabulary(
    *,
    debts: Iterable[str] = (),
    equities: Iterable[str] = (),
    rigs: Iterable[str] = (),
    sites: Iterable[str] = (),
    services: Iterable[str] = (),
    projects: Iterable[str] = (),
    goods: Iterable[str] = (),
    sales: Iterable[str] = (),
) -> dict[str, frozenset[str] | None]:
    """`words` for `compile_rule`: every word with the arguments that exist. Equity is issued but never outstanding.

    sales: the equities that are sold to new holders.
    """
    borrowed, places = frozenset(debts), frozenset(sites)

    def placed(things: Iterable[str]) -> frozenset[str]:
        """Names alone, [@site] and [name@site]."""
        alone = frozenset(things)
        return alone | {f"{thing}@{site}" for thing in ("", *alone) for site in places} if alone else alone

    names = {
        "instrument": borrowed, "rig": placed(rigs), "site": places, "service": placed(services), "sale": frozenset(sales),
        "project": frozenset(projects), "good": frozenset(goods), "asset": frozenset(ASSETS),
    }  # fmt: skip
    out: dict[str, frozenset[str] | None] = {}
    for name, word in WORDS.items():
        allowed = None if word.argument is None else names[word.argument]
        out[name] = allowed if allowed is None or not word.optional else allowed | {""}
    out["issued"] = borrowed | frozenset(equities)
    return out


class RuleError(ValueError):
    """A sentence that is no rule: what is wrong, the column (from 0) where, and what would be right (or None)."""

    def __init__(self, message: str, column: int, hint: str | None = None):
        super().__init__(message, column, hint)
        self.message = message
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


@dataclass(frozen=True)
class CompiledRule:
    """sum of terms[term] * term (sense) constant; all arrays (S, D). sense '>=' | '<=' | '=='.

    unit: what both sides are measured in, None if it is not known. by_site: it says [site].
    moved, moved_constant: what the sentence has more of on both sides than the row, see `problem.Rule`.
    """

    terms: dict[Term, Array]
    sense: str
    constant: Array
    unit: str | None = None
    by_site: bool = False
    moved: dict[Term, Array] = field(default_factory=dict)
    moved_constant: Array | None = None

    @property
    def operating(self) -> bool:
        """Has an operating flow in it: applies at d >= 1."""
        return any(term.word in FLOW_WORDS for term in self.terms)


def compile_rule(
    text: str,
    words: Mapping[str, frozenset[str] | None],
    data: Mapping[str, Array],
    shape: tuple[int, int],
    quantity: Quantity,
    here: str | None = None,
) -> CompiledRule:
    """The row that a sentence means. Raises RuleError.

    words     decision words with the arguments allowed in brackets (None: takes none; "" in the set: may be left out)
    data      words that are data, (S, D) or a shape that broadcasts to it
    quantity  value of a number with a unit, "50 MUSD", in canonical units, or (value, canonical unit), which lets a
              sum of money and megawatts be refused; its ValueError becomes a RuleError
    here      the site that [site] stands for, in a rule that is written once for several sites
    """
    if len(text) > LONGEST:
        raise RuleError(f"a rule has at most {LONGEST} characters; this one has {len(text)}", LONGEST)
    reader = _Reader(text, words, data, quantity, here)
    tree, column_of = _parse(reader)
    if not isinstance(tree, ast.Compare):
        raise RuleError("a rule compares two sides", 0, "write one of >=, <=, == between them")
    if len(tree.ops) > 1:
        raise RuleError(
            "a rule has one comparison", column_of(tree.comparators[1]), "write a range as two rules, one for each end"
        )
    compute = _Arithmetic(text, reader.operands, reader.functions, column_of)
    if share := compute.share(tree.left):
        left, right = compute.part_of(share, tree.comparators[0])
    else:
        left, right = compute(tree.left), compute(tree.comparators[0])
        compute.alike(left, right, tree.comparators[0])
    row = left.plus(right, -1.0)
    if not row.terms:
        raise RuleError("nothing in this rule is decided", 0, f"use a word such as {', '.join(list(words)[:3])}")

    def full(linear: _Linear) -> dict[Term, Array]:
        found = {term: np.broadcast_to(np.asarray(c, dtype=float), shape).copy() for term, c in linear.terms.items()}
        return {term: coefficient for term, coefficient in found.items() if coefficient.any()}

    terms = full(row)
    if not terms:
        raise RuleError("the two sides cancel: nothing that is decided is left", 0)
    constant = np.broadcast_to(np.asarray(-row.constant, dtype=float), shape) + 0.0  # no negative zero
    sense = {ast.GtE: ">=", ast.LtE: "<=", ast.Eq: "=="}[type(tree.ops[0])]
    # what cancels is on neither side: nobody works out its value
    moved = {term: coefficient for term, coefficient in full(right).items() if term in terms}
    moved_constant = np.broadcast_to(np.asarray(left.constant, dtype=float), shape) + 0.0
    return CompiledRule(terms, sense, constant, left.known or right.known, reader.by_site, moved, moved_constant)


# ---------------------------------------------------------------------------------------------------------------------
# Linear forms


@dataclass(frozen=True)
class _Linear:
    """sum of terms[t] * t + constant; coefficients are numbers or (S, D) arrays.

    unit: canonical unit; "1" of a plain number; None where it is not known. The last two fit every other.
    """

    terms: dict[Term, Any]
    constant: Any = 0.0
    unit: str | None = None

    @property
    def known(self) -> str | None:
        """The unit, if it is one that a sum must respect."""
        return None if self.unit == "1" else self.unit

    def plus(self, other: _Linear, times: float) -> _Linear:
        terms = dict(self.terms)
        for term, coefficient in other.terms.items():
            terms[term] = terms.get(term, 0.0) + times * coefficient
        return _Linear(terms, self.constant + times * other.constant, self.known or other.unit)

    def times(self, factor: Any, unit: str | None = None) -> _Linear:
        return _Linear({term: c * factor for term, c in self.terms.items()}, self.constant * factor, unit)

    def largest(self) -> float:
        return max(float(np.max(np.abs(c))) for c in (self.constant, *self.terms.values()))

    def decided(self) -> str:
        """The decisions in it, as written: at most three."""
        shown = [str(term) for term in self.terms]
        return " + ".join(shown[:3]) + (" + ..." if len(shown) > 3 else "")


class _Arithmetic:
    """Computes the linear form of a whitelisted tree."""

    def __init__(self, text: str, operands: list[_Linear], functions: list[str], column_of: Callable[[ast.AST], int]):
        self.text = text
        self.operands = operands
        self.functions = functions
        self.column_of = column_of

    def __call__(self, node: ast.expr) -> _Linear:
        with np.errstate(all="ignore"):  # what overflows is found below
            result = self._value(node)
        if not result.largest() <= LARGEST:  # NaN too
            raise RuleError(f"a number in this rule is not finite or beyond {LARGEST:g}", self.column_of(node))
        return result

    def _value(self, node: ast.expr) -> _Linear:
        if isinstance(node, ast.Name):
            return self.operands[int(node.id[1:])]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
            operand = self(node.operand)
            return operand.times(-1.0 if isinstance(node.op, ast.USub) else 1.0, operand.unit)
        if isinstance(node, ast.BinOp):
            left, right = self(node.left), self(node.right)
            if isinstance(node.op, ast.Add | ast.Sub):
                self.alike(left, right, node.right)
                return left.plus(right, 1.0 if isinstance(node.op, ast.Add) else -1.0)
            if isinstance(node.op, ast.Mult):
                return self._product(node, left, right)
            if isinstance(node.op, ast.Div):
                return self._quotient(node, left, right)
        if isinstance(node, ast.Call):
            return self._function(node)
        column = self.column_of(node)
        if isinstance(node, ast.Compare):
            raise RuleError("a comparison within a comparison", column, "write two rules")
        raise RuleError("this is no linear arithmetic", column, "use +, -, *, / and brackets")

    def _product(self, node: ast.BinOp, left: _Linear, right: _Linear) -> _Linear:
        if left.terms and right.terms:
            raise RuleError(
                f"a product of two decisions, {left.decided()} and {right.decided()}, is not linear",
                self.column_of(node),
                "multiply decisions by numbers and data only",
            )
        # Of a product of two units we do not know what it is; it then fits everything.
        unit = right.unit if left.unit == "1" else left.unit if right.unit == "1" else None
        return left.times(right.constant, unit) if left.terms else right.times(left.constant, unit)

    def _quotient(self, node: ast.BinOp, left: _Linear, right: _Linear) -> _Linear:
        if right.terms:
            raise RuleError(
                f"division by a decision, {right.decided()}, is not linear",
                self.column_of(node.right),
                "multiply both sides by it, as in cfads >= 1.30 * debt_service",
            )
        if not np.all(right.constant):
            raise RuleError("division by something that is 0 in a scenario and at a date", self.column_of(node.right))
        unit = left.unit if right.unit == "1" else "1" if left.unit and left.unit == right.unit else None
        return left.times(1.0 / right.constant, unit)

    def _name(self, node: ast.Call) -> str:
        assert isinstance(node.func, ast.Name)
        return self.functions[int(node.func.id[1:])]

    def _function(self, node: ast.Call) -> _Linear:
        """A function of a sum is the sum of the function of each word, as long as its coefficients stay the same over time."""
        name, column = self._name(node), self.column_of(node)
        kind = FUNCTIONS[name]
        months = 0
        if len(node.args) == 2:
            months = self._months(name, node.args[1])
        elif kind.months == "must":
            raise RuleError(f"{name}() needs a time too", column, f"as in {name}(cash, 6 months)")
        inner, at = self(node.args[0]), self.column_of(node.args[0])
        if np.any(inner.constant):
            raise RuleError(f"{name}() is of words: a number or data stands outside of it", at)
        if not inner.terms:
            raise RuleError(f"nothing in {name}() is decided", at)
        terms = {}
        for term, coefficient in inner.terms.items():
            if np.ndim(coefficient):
                raise RuleError(f"{name}() is of words times numbers: data that change over time stand outside of it", at)
            if kind.of == "flow" and term.functions:
                raise RuleError(f"{name}() is of a word, and {term} is a function already", at, "previous() and average() may be")
            if kind.of == "flow" and term.word in WORDS and WORDS[term.word].kind != "flow":
                hint = f"its mean over a year is average({term}, 12 months)"
                raise RuleError(f"{name}() adds up flows, and {term} is what stands at a date", at, hint)
            if len(term.functions) >= DEEPEST_FUNCTIONS:
                raise RuleError(f"at most {DEEPEST_FUNCTIONS} functions within each other", column)
            terms[term._replace(functions=(*term.functions, Function(name, months)))] = coefficient
        return _Linear(terms, 0.0, inner.unit)

    def _months(self, name: str, node: ast.expr) -> int:
        """The time that a function takes, rounded up to whole months."""
        found, at = self(node), self.column_of(node)
        if found.terms or np.ndim(found.constant) or found.unit != "months":
            raise RuleError(f"after the comma {name}() has a time", at, "such as 6 months or 3 years")
        whole = math.ceil(float(found.constant) - 1e-9)
        if not 1 <= whole <= LONGEST_FUNCTION:
            raise RuleError(f"{name}() takes 1 to {LONGEST_FUNCTION} months", at)
        return whole

    def share(self, node: ast.expr) -> ast.Call | None:
        """The node of `share of part in whole`, if that is what it is."""
        return node if isinstance(node, ast.Call) and self._name(node) == SHARE else None

    def part_of(self, node: ast.Call, limit: ast.expr) -> tuple[_Linear, _Linear]:
        """(part, limit * whole): a share of what may be negative would turn the comparison round."""
        (part, whole), most = map(self, node.args), self(limit)
        self.alike(part, whole, node.args[1])
        if most.terms or most.known:
            raise RuleError("a share is compared with a share that is known", self.column_of(limit), "such as 25 %")
        positive = bool(np.all(np.asarray(whole.constant) >= 0.0))
        for term, coefficient in whole.terms.items():
            known = WORDS.get(term.word)
            positive = positive and bool(np.all(np.asarray(coefficient) >= 0.0)) and known is not None and known.sign != "any"
        if not positive:
            message = f"a share of {whole.decided() or 'a number'} has no meaning where that is negative, and it may be"
            raise RuleError(message, self.column_of(node.args[1]), "write it out: part <= 0.25 * (whole)")
        return part, whole.times(most.constant, whole.unit)

    def alike(self, left: _Linear, right: _Linear, at: ast.AST) -> None:
        """Refuse to add or compare money and megawatts."""
        if left.known and right.known and left.known != right.known:
            raise RuleError(
                f"{left.known} and {right.known} are not added or compared",
                self.column_of(at),
                "a number that converts has a unit, as in net_debt <= 0.5 MUSD/MW * rigs_mw",
            )


# ---------------------------------------------------------------------------------------------------------------------
# From text to a tree over placeholders

_BLANK = re.compile(r"\s+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d,])", re.ASCII)
_UNIT = re.compile(r"\s*([A-Za-z%]+)")
_UNIT_OVER = re.compile(r"\s*/\s*([A-Za-z]+)(?![A-Za-z0-9_\[(])")
_SHARE_OF = re.compile(r"\s*share\s+of\b")
_AT = re.compile(r"\s*@\s*")
_OPERATOR = re.compile(r">=|<=|==|\*\*|//|[-+*/()]")

#: the function that `share of part in whole` becomes; no sentence can call it
SHARE = "share of"
#: data words that are units too: after a number they are the unit
TIMES = ("months", "years")
EXAMPLES = {
    "ltm": "ltm(ebitda) >= 50 MUSD", "year": "year(capex) <= 100 MUSD", "total": "total(issued[notes]) <= 100 MUSD",
    "previous": "cash >= 0.8 * previous(cash)", "average": "average(cash, 6 months) >= 20 MUSD",
}  # fmt: skip
_SHARE_FORM = "as in share of outstanding[notes] in total_debt <= 25 %"

_POWER = ("a power is not linear", None)
_STRICT = ("a linear program knows no strict comparison", "write >= or <=")
_LOGIC = ("a rule has one comparison", "write two rules")
_REFUSED_MARKS: dict[str, tuple[str, str | None]] = {
    "**": _POWER, "^": _POWER, "²": _POWER, "//": ("there is no //", "write /"),
    ">": _STRICT, "<": _STRICT, "=": ("= does not compare", "write ==, >= or <="),
    "!": ("a rule cannot forbid one value", "write >= or <="), "≥": ("there is no ≥", "write >="),
    "≤": ("there is no ≤", "write <="), "×": ("there is no ×", "write *"), "·": ("there is no ·", "write *"),
    "÷": ("there is no ÷", "write /"), "−": ("this is not the minus of a keyboard", "write -"),
    "–": ("this is not the minus of a keyboard", "write -"), "&": _LOGIC, "|": _LOGIC,
    ",": ("there is no place for a comma", None), ".": ("a name has no parts", None),
    "$": ("there is no $", "money is written 50 MUSD"), "€": ("there is no €", "money is written 50 MUSD"),
    "%": ("there is no remainder", "a share is written 10 %, with a number before it"),
    "'": ("text stands in square brackets only", 'as in outstanding["gpu loan"]'),
    '"': ("text stands in square brackets only", 'as in outstanding["gpu loan"]'),
    "[": ("square brackets follow a word", "as in outstanding[notes]; round ones group"),
    "]": ("a bracket closes that was not opened", None), "{": ("there are no braces", "group with ( )"),
    "}": ("there are no braces", "group with ( )"),
}  # fmt: skip
_REFUSED_WORDS: dict[str, tuple[str, str | None]] = {
    "and": _LOGIC, "or": _LOGIC, "not": ("there is no `not`", "turn the comparison round"),
    "if": ("there is no `if`", "give the rule dates (from, until) instead"),
    "else": ("there is no `else`", "give the rule dates (from, until) instead"),
    "in": ("there is no `in` here", _SHARE_FORM), "is": ("there is no `is`", "write =="), "lambda": ("there is no `lambda`", None),
    "True": ("there is no True", None), "False": ("there is no False", None), "None": ("there is no None", None),
    "nan": ("a rule needs finite numbers", None), "inf": ("a rule needs finite numbers", "leave the rule out"),
    "infinity": ("a rule needs finite numbers", "leave the rule out"),
}  # fmt: skip


def shown(text: str, most: int = 40) -> str:
    """A piece of hostile text that can be printed."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: most + 1])
    return clean if len(text) <= most else clean[: most - 3] + "..."


def _near(word: str, candidates: Iterable[str]) -> str | None:
    by_lower = {candidate.lower(): candidate for candidate in candidates if candidate}
    found = difflib.get_close_matches(word.lower()[:60], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def _listed(names: Iterable[str], most: int = 12) -> str:
    ordered = sorted(name for name in names if name)
    return ", ".join(ordered[:most]) + (", ..." if len(ordered) > most else "")


@dataclass
class _Bracket:
    """A round bracket that is open: its column, the function it belongs to ("": none), the commas in it so far."""

    column: int
    function: str
    commas: int = 0


class _Reader:
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
        self.operands: list[_Linear] = []
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
            if len(self.tokens) > MOST_TOKENS:
                raise RuleError(f"a rule has at most {MOST_TOKENS} words, numbers and signs", start)
        if self.opened and self.opened[-1].function == SHARE:
            raise RuleError("a share is compared with a number", self.opened[-1].column, _SHARE_FORM)
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

    def _operand(self, start: int, value: _Linear) -> None:
        if self._after_operand():
            raise RuleError("an operator is missing before this", start, "write *, +, -, / or a comparison")
        self.signs = 0
        self.tokens.append((f"q{len(self.operands)}", start))
        self.operands.append(value)

    def _operator(self, operator: str) -> None:
        if operator in _REFUSED_MARKS:
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
        if len(self.opened) > DEEPEST or self.signs > DEEPEST:
            raise RuleError(f"more than {DEEPEST} brackets or signs within each other", self.at)
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
            raise RuleError(f"`in` is missing before {operator}", self.at, _SHARE_FORM)
        if not self._after_operand():
            raise RuleError(f"something is missing before {operator}", self.at)
        self.opened.pop()
        self.tokens.append((")", self.at))

    def _refuse_mark(self, mark: str) -> NoReturn:
        message, hint = _REFUSED_MARKS.get(mark, (f'"{shown(mark)}" has no meaning in a rule', None))
        raise RuleError(message, self.at, hint)

    def _number(self, number: str) -> _Linear:
        start = self.at
        if comma := _COMMA.match(self.text, start):
            plain = comma[0].replace(",", "")
            raise RuleError(f'"{shown(comma[0])}" has a comma in its number', start, f"write {shown(plain)}")
        if len(number) > LONGEST_NUMBER:
            raise RuleError(f'"{shown(number)}" has too many digits', start, f"at most {LONGEST_NUMBER} characters")
        self.at += len(number)
        if not abs(float(number)) <= LARGEST:
            raise RuleError(f'"{number}" is beyond {LARGEST:g}', start)
        unit = self._unit()
        if not unit:
            return _Linear({}, float(number), "1")
        try:
            read = self.quantity(f"{number} {unit}")
        except ValueError as problem:
            message = getattr(problem, "message", None) or str(problem)
            raise RuleError(message, start, getattr(problem, "hint", None)) from problem
        value, measured = read if isinstance(read, tuple) else (read, None)
        if not abs(value) <= LARGEST:
            raise RuleError(f'"{number} {unit}" is not finite or beyond {LARGEST:g}', start)
        return _Linear({}, value, measured)

    def _unit(self) -> str:
        """The unit that follows a number, or "". `10 MUSD / cash` is a division, `10 USD / MWh` a unit."""
        found = _UNIT.match(self.text, self.at)
        if not found:
            return ""
        name = _NAME.match(self.text, found.start(1))
        if name and (name[0] in _REFUSED_WORDS or self._can_stand(name[0], name.end())):
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

    def _word(self, name: str) -> _Linear:
        start = self.at
        self.at += len(name)
        follows = self.text[self.at :].lstrip()[:1]
        if name in _REFUSED_WORDS:
            message, hint = _REFUSED_WORDS[name]
            raise RuleError(message, start, hint)
        known = name in self.words or name in self.data
        if follows == "(" and not known:
            near = _near(name, FUNCTIONS)
            hint = f'did you mean "{near}"?' if near else f"functions here: {', '.join(FUNCTIONS)}"
            raise RuleError(f'"{shown(name)}(" is no function of rules', start, hint)
        if name == "share" and re.match(r"\s+of\b", self.text[self.at :]):
            raise RuleError("`share of` begins a sentence", start, _SHARE_FORM)
        if not known:
            every = [*self.words, *self.data]
            near = _near(name, every)
            hint = f'did you mean "{near}"?' if near else f"words here: {_listed(every, 60)}"
            raise RuleError(f'unknown word "{shown(name)}"', start, hint)
        if name in self.data:
            if follows == "[":
                raise RuleError(f"{name} takes no name in brackets", start)
            return _Linear({}, np.asarray(self.data[name], dtype=float))
        argument = self._argument(name, start) if follows == "[" else ""
        allowed = self.words[name]
        if allowed is None:
            if follows == "[":
                raise RuleError(f"{name} takes no name in brackets", start)
            return _Linear({Term(name): 1.0}, 0.0, self._unit_of(name))
        if argument not in allowed:
            self._refuse_argument(name, argument, allowed, start)
        return _Linear({Term(name, argument or None): 1.0}, 0.0, self._unit_of(name))

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
        near = _near(argument, allowed)
        hint = f'did you mean "{near}"?' if near else there_is
        if argument.rpartition("@")[2] == "site" and self.here is None and any(allowed):
            hint = "[site] is each site of the rule's `sites`: say sites: all"
        column = self.text.index("[", start) + 1
        raise RuleError(f'{name} knows no {noun} "{shown(argument)}"', column, hint)


def _parse(reader: _Reader) -> tuple[ast.expr, Callable[[ast.AST], int]]:
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
