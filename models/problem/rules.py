"""Rules as rows of words, cash sweeps, and dividends that must be earned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from models.problem.arrays import Array, Mask


@dataclass(frozen=True)
class Function:
    """One function over time of `models/rules/functions.py`; months: its second argument, 0 where none is given."""

    name: str
    months: int = 0


class Term(NamedTuple):
    """What a coefficient of a rule stands before: a word, the name in its brackets, and functions, the innermost first."""

    word: str
    argument: str | None = None
    functions: tuple[Function, ...] = ()

    def __str__(self) -> str:
        """As a sentence says it, and as the books call it: `ltm(issued[notes])`."""
        text = self.word if self.argument is None else f"{self.word}[{self.argument}]"
        for one in self.functions:
            text = f"{one.name}({text}, {one.months} months)" if one.months else f"{one.name}({text})"
        return text


@dataclass(frozen=True)
class Rule:
    """A compiled sentence: sum over quantities of coefficient x quantity (sense) constant, on active dates.

    terms: {Term (or its fields as a plain tuple): (S, D) coefficient}; sense '>=' | '<=' | '=='; constant (S, D); active (S, D);
    penalty: None = hard; else USD per unit of breach and date, discounted (soft). source: "file:line:column".
    owner: instrument whose covenant it is, or None. expected: both sides are averaged over scenarios by their probabilities; `active` is
    then the same in all of them. path: the name that its source has for it.
    unit: what both sides, and a breach, are measured in; None: nothing says so.
    moved, moved_constant: the decisions that the sentence has on its right (as `terms`) and the data that it has on its left (as
    `constant`, None: none), which the row has on the other side: both sides as stated are that much more (`stated_sides`).
    """

    name: str
    text: str
    terms: dict[Term, Array]
    sense: str
    constant: Array
    active: Mask
    penalty: float | None = None
    source: str = ""
    owner: str | None = None
    expected: bool = False
    path: str = ""
    unit: str | None = None
    moved: dict[Term, Array] = field(default_factory=dict)
    moved_constant: Array | None = None

    def __post_init__(self) -> None:
        for name in ("terms", "moved"):
            object.__setattr__(self, name, {Term(*term): coefficient for term, coefficient in getattr(self, name).items()})

    def stated_sides(self, words: Mapping[str, Array]) -> tuple[Array, Array]:
        """(S, D) left and right side as the sentence has them, in its own unit. words: value of every term, by its name."""
        left, both = np.zeros_like(self.constant), np.zeros_like(self.constant)
        for term, coefficient in self.terms.items():
            left = left + coefficient * words[str(term)]
        for term, coefficient in self.moved.items():
            both = both + coefficient * words[str(term)]
        if self.moved_constant is not None:
            both = both + self.moved_constant
        return left + both, self.constant + both


@dataclass(frozen=True)
class Sweep:
    """Cash above a level repays a debt with a running balance: at active dates cash <= level, or nothing of the debt is left.

    level (S, D) USD; active (S, D). debt: name of a sculpted loan, a revolver or a BTC loan.
    """

    name: str
    debt: str
    level: Array
    active: Mask
    source: str = ""


@dataclass(frozen=True)
class EarnedDividends:
    """Dividends are paid out of what was earned: at active dates nothing is paid, or three things hold.

    Dividends and rescue money so far are within `opening` and net income so far; no revolver is drawn and no rescue money is taken; no
    shares are sold at the date or the one before.

    opening USD: earnings retained before date 0, below 0 where losses were; active (S, D).
    """

    name: str
    opening: float
    active: Mask
    source: str = ""
