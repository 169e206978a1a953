"""Distress: scenarios in which rescue money comes, in which a payment of debt is made by it, and that end with more debt than assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.problem import Mask
    from models.proforma.books import Books

#: USD that count as rescue money, and as a payment
LEAST = 1.0


def rescued(books: Books) -> Mask:
    """(S,) scenarios in which owners have to put in rescue money."""
    return np.asarray((books.words["rescue"] > LEAST).any(axis=1))


def missed_payment(books: Books) -> Mask:
    """(S,) scenarios in which lenders would not have been paid in full at some date without that date's rescue money.

    Interest, principal or a maturity is due, and rescue[d] > cash[d]: without it the date's payments would have left cash below zero.
    """
    words = books.words
    due = words["debt_service"] + words["maturities"] > LEAST
    return np.asarray((due & (words["rescue"] > words["cash"] + LEAST)).any(axis=1))
