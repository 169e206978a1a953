"""Effective interest of one face by formulas: the spread over the coupon at which what was received earns all that is paid.

    U[k+1] = U[k] (1 + y tau[k] + c[k]) - y tau[k] b[k],     U[0] = cost, U[end] = 0

y is found by Newton's method, one line of cells per step, started from cost / sum(tau b). Interest periods end at payment dates and
wherever principal is paid by contract; between them what is left wears by months. See `models/proforma/interest.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from models.problem import Array, Debt
from optimizer.results.workbook.expressions import ZERO, Term, largest, least, sum_product, term, total, when
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet, Source

if TYPE_CHECKING:
    from optimizer.results.workbook.debt_terms import Calendar, Terms

#: Newton steps that are written at most, and those beyond the one that changed nothing
MOST_STEPS, SPARE_STEPS = 9, 1


def carried_cost(
    frame: Frame, sheet: Sheet, months: Row, debt: Debt, terms: Terms, label: str, when_: Calendar
) -> tuple[Row, Term]:
    """(what is left of discount and fees after each date per 1 of face, what Newton's method leaves at the end)."""
    v, end = when_.start, when_.end
    sheet.note(label, "section")
    coupon, balance = _by_contract(frame, sheet, months, debt, terms, when_)
    breaks = _breaks(debt, when_)
    before = dict(zip(breaks, [v, *breaks[:-1]], strict=True))
    last = breaks[-1]

    def at_breaks(text: str, make: Callable[[int], Term]) -> Row:
        return sheet.row(text, lambda e: make(e) if e in before else None, "", "plain", first=v + 1, end=last + 1)

    tau = at_breaks("Length of the interest period, years", lambda e: (months[e] - months[before[e]]) / 12)
    interest = at_breaks("Coupon of the interest period", lambda e: total(coupon.span(before[e] + 1, e)))
    base = at_breaks("Balance of the interest period", lambda e: balance[e - 1])
    left = _newton(sheet, terms.cost, before, v, tau, interest, base)

    def carried(e: int) -> Term:
        if e == v:
            return terms.cost
        if e >= last:
            return ZERO
        if e in before:
            return left[e]
        begin = max(k for k in (v, *breaks) if k < e)
        stop = min(k for k in breaks if k > e)
        a = terms.cost if begin == v else left[begin]
        b = ZERO if stop == last else left[stop]
        return a + (b - a) * ((months[e] - months[begin]) / (months[stop] - months[begin]))

    row = sheet.row("Discount and fees left, per 1 of face", carried, "of face", "plain", kind="total", first=v, end=end + 1)
    return row, left[last]


def _by_contract(frame: Frame, sheet: Sheet, months: Row, debt: Debt, terms: Terms, when_: Calendar) -> tuple[Row, Row]:
    """(coupon of each period, balance after each date) of 1 of face, if nothing is called or put."""
    v, end = when_.start, when_.end
    rows: dict[str, Row] = {}

    def rate(e: int) -> Term:
        return terms.rate[min(e, frame.periods)]

    def due(e: int) -> Term:
        unpaid = rows["due"][e - 1] if e - 1 > v and e - 1 not in when_.paydays else ZERO
        return unpaid + coupon[e] * rows["after"][e - 1]

    def middle(e: int) -> Term:
        added = terms.pik * rows["due"][e] if debt.pik and e in when_.paydays and e in when_.capitalises else ZERO
        return rows["after"][e - 1] + added

    coupon = sheet.row(
        "Coupon of the period", lambda e: rate(e) * ((months[e] - months[e - 1]) / 12), "", "plain", first=v + 1, end=end + 1
    )
    if debt.pik:
        rows["due"] = sheet.row("Interest due before payment", due, "", "plain", first=v + 1, end=end + 1)
    falls = np.asarray(when_.left.any(axis=0))
    table = NOTHING
    if falls.any():
        # columns of the contract go beyond those of the statements: they stand here
        here = Source(sheet, frame.selection)
        table = here.series("Payments of principal left, by contract", _beyond(frame, when_, sheet.columns), "", "count")

    def principal(e: int) -> Term:
        if e >= end:
            return ZERO
        if debt.amortisation == "given":
            return least(when_.given[e], middle(e)) if e in when_.given else ZERO
        if not falls[e] or e not in when_.paydays:
            return ZERO
        pay = level_payment(debt, rate(e), when_.since[e], largest(middle(e) - terms.balloon, 0.0), table[e])
        return pay if bool(when_.left[:, e].all()) else when(table[e].equals(0), 0, pay)

    rows["after"] = sheet.row(
        "Balance after, by contract", lambda e: term(1) if e == v else middle(e) - principal(e), "", "plain", first=v, end=end
    )
    return coupon, rows["after"]


def level_payment(debt: Debt, rate: Term, months: int, balance: Term, left: Term) -> Term:
    """Principal of a payment, of which `left` are left, after so many months: an annuity's, or equal parts of the balance."""
    if debt.amortisation != "annuity":
        return balance / left
    q = rate * months / 12
    return when(q.equals(0), balance / left, balance * q / ((1 + q) ** left - 1))


def _newton(sheet: Sheet, cost: Term, before: dict[int, int], v: int, tau: Row, interest: Row, base: Row) -> Row:
    """Discount left at the end of each interest period, at the spread at which none is left at the end of the last."""
    last = max(before)
    y = cost / sum_product(tau.span(v + 1, last), base.span(v + 1, last))
    start = sheet.row("Effective spread over the coupon: first guess", lambda e: y, "per year", "rate", first=v, end=v + 1)
    spread = start[v]
    steps, spare = 0, 0
    while True:
        left = _left_at(sheet, cost, before, v, spread, tau, interest, base)
        if steps == MOST_STEPS or spare > SPARE_STEPS:
            return left
        slope = _slope_at(sheet, left, before, v, spread, tau, interest, base)
        better = spread - left[last] / slope[last]
        moved = abs(better.number - spread.number)
        spread, steps = _better_guess(sheet, better, v), steps + 1
        if moved <= 1e-13 * max(1.0, abs(spread.number)):
            spare += 1


def _left_at(sheet: Sheet, cost: Term, before: dict[int, int], v: int, y: Term, tau: Row, interest: Row, base: Row) -> Row:
    """Discount left by periods at a spread y."""

    def step(was: Term, e: int) -> Term:
        return was * (1 + y * tau[e] + interest[e]) - y * tau[e] * base[e]

    return _recursion(sheet, "   discount left at this spread", cost, step, before, v)


def _slope_at(sheet: Sheet, left: Row, before: dict[int, int], v: int, y: Term, tau: Row, interest: Row, base: Row) -> Row:
    """Its derivative by the spread."""

    def step(was: Term, e: int) -> Term:
        return was * (1 + y * tau[e] + interest[e]) + tau[e] * (left[before[e]] - base[e])

    return _recursion(sheet, "   its slope", term(0), step, before, v)


def _better_guess(sheet: Sheet, better: Term, v: int) -> Term:
    return sheet.row("Effective spread: better guess", lambda e: better, "per year", "rate", first=v, end=v + 1)[v]


def _beyond(frame: Frame, when_: Calendar, columns: int) -> Array:
    """(S, columns) payments of principal left at payment dates, to the end of the contract."""
    table = np.full((frame.scenarios, columns), np.nan)
    inside = [e for e in range(when_.start + 1, when_.end) if e in when_.paydays]
    table[:, inside] = when_.left[:, inside]
    return table


def _breaks(debt: Debt, when_: Calendar) -> list[int]:
    """Dates at which interest periods end, by the contract; the last one is where nothing is left."""
    out = []
    repaid = 0.0
    for e in range(when_.start + 1, when_.end + 1):
        pays_principal = debt.amortisation == "given" and when_.given.get(e, 0.0) > 0.0 and e < when_.end
        if e in when_.paydays or pays_principal or debt.frequency == 0:
            out.append(e)
        if pays_principal:
            repaid += min(when_.given[e], 1.0 - repaid)
            if 1.0 - repaid <= 0.0 and not debt.pik:
                break
    return out


def _recursion(sheet: Sheet, label: str, start: Term, step: Callable[[Term, int], Term], before: dict[int, int], v: int) -> Row:
    """A line that starts at date v and goes on at the end of every interest period from its figure at the end of the one before."""

    def make(e: int) -> Term | None:
        if e == v:
            return start
        return step(made[before[e]], e) if e in before else None

    made = sheet.row(label, make, "", "plain", first=v, end=max(before) + 1)
    return made
