"""Functions over time: which dates they read, from when on, and the books' own way to them, each against its definition in words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from models.problem import Function, Ints, Problem, Rule, Term
from models.proforma.functions import over_time
from models.rules.functions import FUNCTIONS, first_dates, window
from models.rules.language import WORDS
from tests.shared.tiny import tiny

STEPS = (1, 3, 6, 12)
LENGTHS = (1, 2, 3, 5, 6, 7, 12, 18, 36)
KINDS = [Function(name, n) for name, kind in FUNCTIONS.items() for n in ((0, *LENGTHS) if kind.months == "may" else LENGTHS)
         if kind.months != "none"] + [Function(name) for name, kind in FUNCTIONS.items() if kind.months == "none"]  # fmt: skip


def clocks() -> list[Problem]:
    return [
        tiny(periods, months=step, start_month=2026 * 12 + start)
        for step in STEPS
        for periods in (1, 5, 14)
        for start in (0, 4, 11)
    ]


def year_of(problem: Problem, d: int) -> int:
    """The calendar year of the last month of the period that ends at a date; date 0: that of the first period's."""
    months = problem.clock.date_month
    return int(problem.clock.start_month + months[max(d, 1)] - 1) // 12


def reads(problem: Problem, function: Function, d: int) -> list[int]:
    """The dates that the definition asks for, also those before the start, numbered down from -1."""
    step = int(problem.clock.months[0])
    month = {e: e * step for e in range(-60, problem.clock.dates)}
    if function.name == "total":
        return list(range(d + 1))
    if function.name == "year":
        return [e for e in range(d + 1) if year_of(problem, e) == year_of(problem, d)]
    if function.name == "previous":
        back = d - 1 if not function.months else max(e for e in month if month[e] <= month[d] - function.months)
        return [back]
    length = 12 if function.name == "ltm" else function.months
    return [e for e in month if month[d] - length < month[e] <= month[d]]


@pytest.mark.parametrize("function", KINDS, ids=lambda f: f"{f.name}{f.months or ''}")
def test_the_dates_read_are_those_of_the_definition(function: Function) -> None:
    for problem in clocks():
        for operating in (False, True):
            first = 1 if operating else 0
            counted = 0 if function.name in ("total", "year") else first
            for d in range(problem.clock.dates):
                dates, scale = window(function, first, operating, problem.clock, d)
                expected = [e for e in reads(problem, function, d) if e >= counted]
                assert dates.tolist() == expected
                if function.name == "average":
                    assert scale == (1.0 / len(expected) if expected else 1.0)
                elif function.name == "ltm" and operating and 0 < (m := int(problem.clock.date_month[d])) < 12:
                    assert scale == 12.0 / m
                else:
                    assert scale == 1.0


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown function"):
        window(Function("median"), 0, False, tiny(3).clock, 1)


def by_definition(problem: Problem, term: Term, operating: bool) -> tuple[int, int]:
    """(first date with a value, first that asks for no date before there is one), looked for date by date."""
    dates = problem.clock.dates

    def has(functions: tuple[Function, ...], d: int) -> bool:
        if not functions:
            return d >= (1 if operating else 0)
        inner, function = functions[:-1], functions[-1]
        if function.name in ("total", "year"):
            return has(inner, d)
        return any(e >= 0 and has(inner, e) for e in reads(problem, function, d))

    def sees(functions: tuple[Function, ...], d: int) -> bool:
        if d < 0 or not functions:
            return d >= (1 if operating else 0)
        inner, function = functions[:-1], functions[-1]
        if function.name in ("total", "year"):
            return sees(inner, d)
        if function.name == "ltm" and not operating:
            return sees(inner, d)  # nothing was decided before the start
        return all(e >= 0 and sees(inner, e) for e in reads(problem, function, d))

    def first(test) -> int:  # type: ignore[no-untyped-def]
        return next((d for d in range(dates) if test(term.functions, d)), dates)

    return first(has), first(sees)


@pytest.mark.parametrize("function", KINDS, ids=lambda f: f"{f.name}{f.months or ''}")
def test_from_when_on_a_function_has_a_value(function: Function) -> None:
    """Alone, and inside of another."""
    outer: list[tuple[Function, ...]] = [(), (Function("previous"),), (Function("previous", 7),), (Function("average", 9),)]
    for problem in clocks():
        months: Ints = problem.clock.date_month
        for word in ("ebitda", "dividends", "cash"):
            if FUNCTIONS[function.name].of == "flow" and WORDS[word].kind != "flow":
                continue
            for rest in outer:
                term = Term(word, None, (function, *rest))
                found = first_dates(term, WORDS[word].operating, months)
                assert found == by_definition(problem, term, WORDS[word].operating), (term, months)


def booked(problem: Problem, term: Term, values: np.ndarray, operating: bool) -> np.ndarray:
    ones = np.ones_like(values)
    first = first_dates(term, operating, problem.clock.date_month)[0]
    active = np.zeros(values.shape, dtype=bool)
    active[:, first:] = True
    rule = Rule("r", "r", {term: ones}, ">=", 0 * ones, active)
    words = {str(Term(term.word, term.argument)): values}
    return over_time(replace(problem, rules=(rule,)), words, {term.word} if operating else set())[str(term)]


@pytest.mark.parametrize("function", KINDS, ids=lambda f: f"{f.name}{f.months or ''}")
def test_the_books_take_the_same_of_any_figures(function: Function) -> None:
    rng = np.random.default_rng(1)
    for problem in clocks():
        values = rng.normal(0, 1e6, (2, problem.clock.dates))
        for operating in (False, True):
            term = Term("dividends" if not operating else "ebitda", None, (function,))
            first = first_dates(term, operating, problem.clock.date_month)[0]
            found = booked(problem, term, values, operating)
            for d in range(first, problem.clock.dates):
                asked = reads(problem, function, d)
                known = [e for e in asked if e >= (0 if function.name in ("total", "year") or not operating else 1)]
                share = 1.0 / len(known) if function.name == "average" else 1.0
                if function.name == "ltm" and operating and 0 < (m := int(problem.clock.date_month[d])) < 12:
                    share = 12.0 / m
                assert found[:, d] == pytest.approx(share * values[:, known].sum(axis=1), rel=1e-9, abs=1e-3), (function, d)


def test_the_books_take_functions_of_functions_by_hand() -> None:
    """Quarters: what was paid out by six months ago, and the mean of the last two twelve-month sums."""
    problem = tiny(6, months=3)
    flow = np.array([[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]])
    before = booked(problem, Term("dividends", None, (Function("total"), Function("previous", 6))), flow, False)
    assert before[0, 2:].tolist() == [1.0, 3.0, 7.0, 15.0, 31.0]
    mean = booked(problem, Term("ebitda", None, (Function("ltm"), Function("average", 6))), flow, True)
    year = [8.0, 12.0, 14 * 4 / 3, 30.0, 60.0, 120.0]  # 2, 2 + 4, ... scaled to twelve months, then the last four
    assert mean[0, 1:] == pytest.approx([year[0], *((a + b) / 2 for a, b in pairwise(year))])


def test_the_books_refuse_a_rule_that_applies_too_early() -> None:
    problem = tiny(3)
    ones = np.ones((1, 4))
    rule = Rule("early", "", {Term("cash", None, (Function("previous"),)): ones}, ">=", 0 * ones, ones > 0)
    with pytest.raises(ValueError, match=r"'early' .* applies before date 1"):
        over_time(replace(problem, rules=(rule,)), {"cash": ones}, set())
    with pytest.raises(ValueError, match=r"'early' .* uses 'cash'"):
        over_time(replace(problem, rules=(rule,)), {}, set())
