"""Pro forma of functions over time: what rules take of words, from running sums and the calendar alone (README 13).

The second book's own way: a sum over a window is the difference of two running sums, looked up by month.
"""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from models.problem import Array, Clock, Function, Problem, Term
from models.proforma.calendar import calendar


def over_time(problem: Problem, words: dict[str, Array], operating: Container[str]) -> dict[str, Array]:
    """Every term of the rules that has a function in it -> (S, D); 0 before the first date at which it has a value.

    operating: words that settle at the end of a period. Raises ValueError for a rule that applies before its terms have a value.
    """
    out: dict[str, Array] = {}
    for rule in problem.rules:
        for term in rule.terms:
            if not term.functions:
                continue
            plain = str(Term(term.word, term.argument))
            if plain not in words:
                raise ValueError(f"rule {rule.name!r} ({rule.source}) uses {plain!r}, which the books do not hold")
            values, first = along(term, words[plain], term.word in operating, problem.clock)
            if np.any(np.broadcast_to(rule.active, values.shape)[:, :first]):
                raise ValueError(f"rule {rule.name!r} ({rule.source}) applies before date {first}, when {term} has no value yet")
            out[str(term)] = values
    return out


def along(term: Term, values: Array, settles: bool, clock: Clock) -> tuple[Array, int]:
    """(values, first date with one) of a term's functions of (S, D) values of its word. settles: they settle at the end of a period."""
    first = 1 if settles else 0
    for k, function in enumerate(term.functions):
        values, first = _apply(function, values, first, settles and k == 0, clock)
    return values, first


def _apply(function: Function, x: Array, first: int, settles: bool, clock: Clock) -> tuple[Array, int]:
    """(values, first date with one) of a function of x, which has values from `first` on."""
    months = calendar(clock)
    month = months.month
    dates = np.arange(clock.dates)
    counted = x if function.name in ("total", "year") else np.where(dates >= first, x, 0.0)
    sums = np.concatenate([np.zeros((len(x), 1)), np.cumsum(counted, axis=1)], axis=1)  # sums[:, k]: of the dates before date k

    def since(start: np.ndarray) -> Array:
        """(S, D) sum of the dates start[d] <= e <= d."""
        return sums[:, dates + 1] - sums[:, start]

    if function.name == "total":
        return since(np.zeros_like(dates)), first
    if function.name == "year":
        # the dates of a tax year begin after the last date of the one before
        begins = np.concatenate([[0], months.year_ends[:-1] + 1])
        return since(begins[months.year_of_date]), first
    if function.name == "ltm":
        start = np.searchsorted(month, month - 12, side="right")
        values = since(start)
        if settles:
            short = (month > 0) & (month < 12)
            values = np.where(short, values * 12.0 / np.where(short, month, 12), values)
        return values, first
    if function.name == "average":
        start = np.maximum(np.searchsorted(month, month - function.months, side="right"), first)
        count = dates + 1 - start
        return np.where(count > 0, since(np.minimum(start, dates + 1)) / np.maximum(count, 1), 0.0), first
    if function.name == "previous":
        back = dates - 1 if not function.months else np.searchsorted(month, month - function.months, side="right") - 1
        there = back >= first
        later = np.flatnonzero(there)
        values = np.where(there, x[:, np.maximum(back, 0)], 0.0)
        return values, int(later[0]) if len(later) else clock.dates
    raise ValueError(f"unknown function {function.name!r}")
