"""Rules: a sentence such as `cfads >= 1.30 * debt_service` compiled to a linear row.

    sum over terms of coefficient[s, d] * term[s, d]   sense   constant[s, d]

A term is a word of the table below, or a function over time of one (`models/rules/functions.py`). Two forms of sentence: one sum compared with
another, and `share of part in whole <= 25 %`, which is part <= 0.25 * whole.

A tokeniser of our own finds names, numbers and quantities ("50 MUSD"); Python's `ast` then sees operators, brackets and
placeholders only, and a whitelist of its nodes is computed here. Nothing of a rule is ever evaluated by Python.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from models.problem import Array, Term
from models.rules.errors import RuleError
from models.rules.linear import Arithmetic, Linear
from models.rules.reader import EXAMPLES, Quantity, Reader, parse
from models.rules.words import ASSETS, FLOW_WORDS, WORDS, Word, vocabulary

__all__ = [
    "ASSETS",
    "EXAMPLES",
    "FLOW_WORDS",
    "MAX_LENGTH",
    "WORDS",
    "CompiledRule",
    "RuleError",
    "Word",
    "compile_rule",
    "vocabulary",
]

#: characters of a sentence
MAX_LENGTH = 500


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
    if len(text) > MAX_LENGTH:
        raise RuleError(f"a rule has at most {MAX_LENGTH} characters; this one has {len(text)}", MAX_LENGTH)
    reader = Reader(text, words, data, quantity, here)
    tree, column_of = parse(reader)
    if not isinstance(tree, ast.Compare):
        raise RuleError("a rule compares two sides", 0, "write one of >=, <=, == between them")
    if len(tree.ops) > 1:
        raise RuleError(
            "a rule has one comparison", column_of(tree.comparators[1]), "write a range as two rules, one for each end"
        )
    compute = Arithmetic(text, reader.operands, reader.functions, column_of)
    if share := compute.share(tree.left):
        left, right = compute.part_of(share, tree.comparators[0])
    else:
        left, right = compute(tree.left), compute(tree.comparators[0])
        compute.alike(left, right, tree.comparators[0])
    row = left.plus(right, -1.0)
    if not row.terms:
        raise RuleError("nothing in this rule is decided", 0, f"use a word such as {', '.join(list(words)[:3])}")

    def full(linear: Linear) -> dict[Term, Array]:
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
