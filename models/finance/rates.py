"""Rates of return: IRR, MOIC, and the flows they are read off."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from models.dates import day_of
from models.finance.lines import SMALLEST as SMALLEST_USD

if TYPE_CHECKING:
    from models.finance.solved import SolvedPlan
    from models.problem import Array, Clock
    from models.proforma.books import Books

#: share of what owners receive below which what they pay in measures nothing: rates of thousands of percent, multiples above 100
MIN_PAID_SHARE = 0.01
#: entries of the ledger that no shareholder ever pays or receives
PENALTY_ENTRIES = ("rescue_penalty", "soft_rules", "own_rates")
RATES = np.expm1(np.linspace(np.log(0.05), np.log(1001.0), 800))  # -95 % to 100,000 %: where IRRs are searched


def hardly_paid(received: float, paid: float) -> str | None:
    """Why what shareholders pay in (undiscounted USD) is no measure of what they receive; None where it is one."""
    if paid <= SMALLEST_USD:
        return "shareholders pay nothing in"
    return "owners pay in next to nothing" if paid < MIN_PAID_SHARE * received else None


def return_rate(clock: Clock, flows: Array, paid: float) -> tuple[float | None, str | None]:
    """The shareholders' IRR: none where they pay in nothing, whatever debt is left at the end, or next to nothing of what they receive."""
    why = hardly_paid(float(flows.sum()) + paid, paid)
    return irr(clock, flows) if why is None else (None, why)


def shareholder_flows(books: Books) -> Array:
    """(S, D) what shareholders receive less what they pay in: the ledger without its penalties."""
    return np.sum([values for entry, values in books.ledger.items() if entry not in PENALTY_ENTRIES], axis=0)


def paid_in(books: Books) -> Array:
    """(S,) contributions and rescue equity, undiscounted and positive."""
    entries = [books.ledger[entry] for entry in ("contributions", "rescue") if entry in books.ledger]
    return -np.sum(entries, axis=(0, 2)) if entries else np.zeros(len(books.value))


def irr(clock: Clock, flows: Array) -> tuple[float | None, str | None]:
    """(rate per year, None) or (None, why there is none). Time is counted in months / 12, as in the objective."""
    flows = np.where(np.abs(flows) > SMALLEST_USD, flows, 0.0)
    if not (flows < 0.0).any():
        return None, "no flow is negative"
    if not (flows > 0.0).any():
        return None, "no flow is positive"
    worth_it = _discounts(tuple(clock.date_month.tolist())) @ flows >= 0.0
    changes = np.flatnonzero(np.diff(worth_it))
    if len(changes) == 0:
        return None, f"no rate between {RATES[0]:.0%} and {RATES[-1]:,.0%} makes the value zero"
    if len(changes) > 1:
        return None, "more than one rate makes the value zero"
    if not worth_it[0]:
        return None, "shareholders receive first and pay later: the rate would be that of a loan"
    import pyxirr

    days = [day_of(clock, d) for d in range(clock.dates)]
    rate = pyxirr.xirr(days, flows, guess=float(RATES[changes[0]]), day_count="30E/360", silent=True)
    low, high = RATES[changes[0]], RATES[changes[0] + 1]
    if rate is None or not low - 1e-9 <= rate <= high + 1e-9:
        return None, "the search for the rate did not converge"
    return float(rate), None


@lru_cache(maxsize=4)
def _discounts(months: tuple[int, ...]) -> Array:
    """(rates, D) discount factors."""
    return (1.0 + RATES[:, None]) ** (-np.array(months) / 12.0)


def moic(books: Books) -> list[float | None]:
    """Per scenario: received over paid in, undiscounted; None where (next to) nothing is paid in, or less than nothing comes back."""
    received = shareholder_flows(books).sum(axis=1) + paid_in(books)
    return [multiple(float(r), float(p)) for r, p in zip(received, paid_in(books), strict=True)]


def multiple(received: float, paid: float) -> float | None:
    """Received over paid in; what ends in more debt than assets is no multiple."""
    return received / paid if hardly_paid(received, paid) is None and received >= 0.0 else None


def books_of(solution: SolvedPlan) -> Books:
    """The books of a solution that has a plan."""
    assert solution.books is not None
    return solution.books
