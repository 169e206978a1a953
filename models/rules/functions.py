"""Functions over time that rules may use: which dates each of them reads, and from when on it has a value.

A function is linear in what it is of: f(x)[d] = scale[d] * sum of x[e] over the dates e it reads at d. With m the months from date 0:

    previous(x)            x one date earlier
    previous(x, n months)  x at the last date at or before m[d] - n
    total(x)               sum over all dates e <= d
    year(x)                sum over the dates e <= d of the calendar year that d belongs to: that of period max(d - 1, 0), as for tax
    ltm(x)                 sum over m[d] - 12 < m[e] <= m[d]
    average(x, n months)   mean over m[d] - n < m[e] <= m[d]

What settles at the end of a period (revenue, interest, coins mined, ...) has nothing at date 0 but what is given there, which total and
year count, and nothing is known of before it. So a rule with ltm or average applies from the first date whose dates are all there; where it
says `from` or `at` it applies earlier too: ltm of what settles is then the sum so far * 12 / m[d], an average the mean of the dates
there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.problem import Clock, Function, Ints, Term

MONTHS_OF_YEAR = 12

#: functions within each other: previous(total(capex), 36 months)
MAX_FUNCTION_DEPTH = 2
MAX_FUNCTION_MONTHS = 1200


@dataclass(frozen=True)
class FunctionKind:
    """meaning: a sentence; of: 'flow' (a word) | 'any' (a word, or a function of one); months: 'none' | 'may' | 'must' be given."""

    meaning: str
    of: str
    months: str = "none"


FUNCTIONS: dict[str, FunctionKind] = {
    "ltm": FunctionKind("sum over the last twelve months, the date included", "flow"),
    "year": FunctionKind("sum over the calendar year so far; 1 January ends the year before", "flow"),
    "total": FunctionKind("sum over all dates so far, the start included", "flow"),
    "previous": FunctionKind("value one date earlier, or so many months earlier", "any", "may"),
    "average": FunctionKind("mean over the dates of the last months, rounded up to whole periods", "any", "must"),
}


def window(function: Function, first: int, operating: bool, clock: Clock, d: int) -> tuple[Ints, float]:
    """(dates read at date d, scale): f(x)[d] = scale * sum of x over these dates; no dates where f has no value.

    first: the first date at which x has a value. operating: x is a plain flow that settles at the end of a period.
    Raises ValueError where twelve months are no whole number of periods, and for an unknown function.
    """
    months = clock.date_month
    if function.name == "total":
        return np.arange(d + 1), 1.0
    if function.name == "year":
        dates = np.arange(d + 1)
        return dates[clock.tax_year[np.maximum(dates - 1, 0)] == clock.tax_year[max(d - 1, 0)]], 1.0
    dates = np.arange(first, d + 1)
    if function.name == "previous":
        at = d - 1 if not function.months else int(np.searchsorted(months, months[d] - function.months, side="right")) - 1
        return np.array([at] if at >= first else [], dtype=np.int64), 1.0
    if function.name == "average":
        read = dates[months[dates] > months[d] - function.months]
        return read, 1.0 / max(len(read), 1)
    if function.name == "ltm":
        if months[d] >= MONTHS_OF_YEAR and months[d] - MONTHS_OF_YEAR not in months:
            raise ValueError(
                f"ltm at month {months[d]}: twelve months earlier lies inside a period; periods must divide the year"
            )
        read = dates[months[dates] > months[d] - MONTHS_OF_YEAR]
        return read, MONTHS_OF_YEAR / float(months[d]) if operating and 0 < months[d] < MONTHS_OF_YEAR else 1.0
    raise ValueError(f"unknown function {function.name!r}: expected one of {', '.join(FUNCTIONS)}")


def first_dates(term: Term, operating: bool, months: Ints) -> tuple[int, int]:
    """(first date at which the term has a value, first at which every function in it sees all the dates it asks for).

    months (D,): months from date 0 to each date. operating: the word settles at the end of a period, and has no date 0.
    Either may be D: at no date of the horizon.
    """
    count = len(months)
    defined = full = 1 if operating else 0
    for function in term.functions:
        if function.name == "previous":
            if function.months:
                defined, full = (_later(months, at, function.months) for at in (defined, full))
            else:
                defined, full = min(defined + 1, count), min(full + 1, count)
        elif function.name == "average" or (function.name == "ltm" and operating):
            length = function.months if function.name == "average" else MONTHS_OF_YEAR
            full = max(full, _reached(months, _before(months, full) + length)) if full < count else count
    return defined, full


def _before(months: Ints, d: int) -> int:
    """Month at which the period before date d began; before date 0 a period as long as the first."""
    return int(months[d - 1]) if d else -int(months[1] - months[0])


def _reached(months: Ints, month: int) -> int:
    """First date at or after a month; D if there is none."""
    return int(np.searchsorted(months, month, side="left"))


def _later(months: Ints, d: int, by: int) -> int:
    """First date from which `by` months back lies date d or a later one."""
    return _reached(months, int(months[d]) + by) if d < len(months) else len(months)
