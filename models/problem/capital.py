"""What is bought: when it is paid for, when it is ready, how it wears."""

from __future__ import annotations

from dataclasses import dataclass

from models.problem.arrays import Array, Mask


@dataclass(frozen=True)
class Depreciation:
    """Tax depreciation of one class of asset.

    method 'none' | 'straight' | 'macrs'; months = straight-line life; table = MACRS shares by tax year from the year placed
    in service (half-year convention is in the table); bonus = share deducted at once in the year placed in service, the
    rest follows the method. book_months: straight-line life in the books (0: not depreciated there).
    """

    method: str = "none"
    months: int = 0
    table: tuple[float, ...] = ()
    bonus: float = 0.0
    book_months: int = 0


@dataclass(frozen=True)
class Payments:
    """When a purchase is paid: (periods after the order date, share of the price); shares sum to 1."""

    shares: tuple[tuple[int, float], ...] = ((0, 1.0),)


#: paid in one sum at the order date
PAID_AT_ORDER = Payments()
#: never deducted, for tax or in the books
NEVER_WORN = Depreciation()


@dataclass(frozen=True)
class Expansion:
    """A capacity that can be added: decided at a date, ready `lead` periods later (plus the site's delay in a scenario).

    cost (S, D) USD per MW at the order date; window (D,) dates at which it may be ordered; limit (and minimum) MW in all;
    payments: when the cost is paid, at most `lead` periods after the order; depreciation from the date it is ready.
    """

    cost: Array
    window: Mask
    lead: int
    limit: float
    payments: Payments = PAID_AT_ORDER
    depreciation: Depreciation = NEVER_WORN
    minimum: float = 0.0
