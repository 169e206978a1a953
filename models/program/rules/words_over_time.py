"""Functions over time of words, in the program (`models/rules/functions.py` says which dates they read)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from models.problem import Term
from models.program.expressions import Lin
from models.program.parts import Parts
from models.rules.functions import first_dates, window
from models.rules.words import WORDS


class Running:
    """Each function as a linear expression at (s, d); totals by recursion, so that rows stay short."""

    def __init__(self, parts: Parts, at: Callable[..., Lin]) -> None:
        self.parts, self._at = parts, at
        self._totals: dict[Term, list[list[Lin]]] = {}  # term -> scenario -> total at dates 0, 1, ... as far as asked for
        self._units: dict[Term, float] = {}

    def value(self, term: Term, s: int, d: int) -> Lin:
        """The outermost function of a term, of what is inside it. Raises ValueError where it has no value."""
        clock = self.parts.build.problem.clock
        inner, function = term._replace(functions=term.functions[:-1]), term.functions[-1]
        operating = WORDS[term.word].operating
        first, _ = first_dates(inner, operating, clock.date_month)
        if function.name == "total":
            return self._total(term, inner, s, d)
        dates, scale = window(function, first, operating and not inner.functions, clock, d)
        if not len(dates):
            raise ValueError(f"{term} has no value at date {d}")
        out = Lin()
        for e in dates:
            out.plus(self._at(inner.word, inner.argument, s, int(e), inner.functions), scale)
        return out.merged()

    def _total(self, term: Term, inner: Term, s: int, d: int) -> Lin:
        """R[d] = R[d-1] + x[d], in the word's unit / a power of ten that brings its coefficients near 1

        The row's family is named `rule_total`; what is data only needs no row.
        """
        b = self.parts.build
        if term not in self._totals:
            self._totals[term] = [[] for _ in range(b.S)]
        known = self._totals[term][s]
        for e in range(len(known), d + 1):
            here = self._at(inner.word, inner.argument, s, e, inner.functions)
            before = known[-1] if known else Lin()
            if here.constant_only or not before.vars:
                known.append(Lin().plus(before).plus(here).merged())
                continue
            unit = self._unit(term, here)
            var: Any = b.named("rule_total", (str(term), s, e), None)
            body = Lin().add(var).plus(before, -1.0 / unit).plus(here, -1.0 / unit).merged()
            constant, body.const = body.const, 0.0
            b.row("rule_total", (str(term), s, e), body, equal=-constant)
            known.append(Lin().add(var, unit))
        return known[d]

    def _unit(self, term: Term, here: Lin) -> float:
        """The power of ten nearest to the largest coefficient."""
        if term not in self._units:
            largest = max(abs(c) for c in here.coefs) or 1.0
            self._units[term] = 10.0 ** round(math.log10(largest))
        return self._units[term]
