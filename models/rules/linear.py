"""Linear forms of words, and the arithmetic that makes them from a tree of operators."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.problem import Function, Term
from models.rules.errors import RuleError
from models.rules.functions import FUNCTIONS, MAX_FUNCTION_DEPTH, MAX_FUNCTION_MONTHS
from models.rules.words import WORDS

#: a number beyond it is a slip, and would spoil the scaling of the program
MAX_NUMBER = 1e18
#: the function that `share of part in whole` becomes; no sentence can call it
SHARE = "share of"


@dataclass(frozen=True)
class Linear:
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

    def plus(self, other: Linear, times: float) -> Linear:
        terms = dict(self.terms)
        for term, coefficient in other.terms.items():
            terms[term] = terms.get(term, 0.0) + times * coefficient
        return Linear(terms, self.constant + times * other.constant, self.known or other.unit)

    def times(self, factor: Any, unit: str | None = None) -> Linear:
        return Linear({term: c * factor for term, c in self.terms.items()}, self.constant * factor, unit)

    def largest(self) -> float:
        return max(float(np.max(np.abs(c))) for c in (self.constant, *self.terms.values()))

    def decided(self) -> str:
        """The decisions in it, as written: at most three."""
        shown = [str(term) for term in self.terms]
        return " + ".join(shown[:3]) + (" + ..." if len(shown) > 3 else "")


class Arithmetic:
    """Computes the linear form of a whitelisted tree."""

    def __init__(self, text: str, operands: list[Linear], functions: list[str], column_of: Callable[[ast.AST], int]):
        self.text = text
        self.operands = operands
        self.functions = functions
        self.column_of = column_of

    def __call__(self, node: ast.expr) -> Linear:
        with np.errstate(all="ignore"):  # what overflows is found below
            result = self._value(node)
        if not result.largest() <= MAX_NUMBER:  # NaN too
            raise RuleError(f"a number in this rule is not finite or beyond {MAX_NUMBER:g}", self.column_of(node))
        return result

    def _value(self, node: ast.expr) -> Linear:
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

    def _product(self, node: ast.BinOp, left: Linear, right: Linear) -> Linear:
        if left.terms and right.terms:
            raise RuleError(
                f"a product of two decisions, {left.decided()} and {right.decided()}, is not linear",
                self.column_of(node),
                "multiply decisions by numbers and data only",
            )
        # Of a product of two units we do not know what it is; it then fits everything.
        unit = right.unit if left.unit == "1" else left.unit if right.unit == "1" else None
        return left.times(right.constant, unit) if left.terms else right.times(left.constant, unit)

    def _quotient(self, node: ast.BinOp, left: Linear, right: Linear) -> Linear:
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

    def _function(self, node: ast.Call) -> Linear:
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
            if len(term.functions) >= MAX_FUNCTION_DEPTH:
                raise RuleError(f"at most {MAX_FUNCTION_DEPTH} functions within each other", column)
            terms[term._replace(functions=(*term.functions, Function(name, months)))] = coefficient
        return Linear(terms, 0.0, inner.unit)

    def _months(self, name: str, node: ast.expr) -> int:
        """The time that a function takes, rounded up to whole months."""
        found, at = self(node), self.column_of(node)
        if found.terms or np.ndim(found.constant) or found.unit != "months":
            raise RuleError(f"after the comma {name}() has a time", at, "such as 6 months or 3 years")
        whole = math.ceil(float(found.constant) - 1e-9)
        if not 1 <= whole <= MAX_FUNCTION_MONTHS:
            raise RuleError(f"{name}() takes 1 to {MAX_FUNCTION_MONTHS} months", at)
        return whole

    def share(self, node: ast.expr) -> ast.Call | None:
        """The node of `share of part in whole`, if that is what it is."""
        return node if isinstance(node, ast.Call) and self._name(node) == SHARE else None

    def part_of(self, node: ast.Call, limit: ast.expr) -> tuple[Linear, Linear]:
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

    def alike(self, left: Linear, right: Linear, at: ast.AST) -> None:
        """Refuse to add or compare money and megawatts."""
        if left.known and right.known and left.known != right.known:
            raise RuleError(
                f"{left.known} and {right.known} are not added or compared",
                self.column_of(at),
                "a number that converts has a unit, as in net_debt <= 0.5 MUSD/MW * rigs_mw",
            )
