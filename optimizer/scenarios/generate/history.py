"""Months of the network from its days, with nothing after a given day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from optimizer.scenarios.generate import bitcoin

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Days:
    """Days of the network, ascending: date (N,) as days since 1970 (datetime64[D]), difficulty, price (USD/BTC, nan: unknown), subsidy
    (BTC/block), fees as a share of the subsidy (nan: unknown), height of the next block at the end of the day."""

    day: NDArray[np.datetime64]
    difficulty: Array
    price: Array
    subsidy: Array
    fee_share: Array
    height: Array

    def until(self, last: date) -> Days:
        """Those up to and with `last`."""
        n = int(np.searchsorted(self.day, np.datetime64(last), side="right"))
        return Days(self.day[:n], self.difficulty[:n], self.price[:n], self.subsidy[:n], self.fee_share[:n], self.height[:n])


@dataclass(frozen=True, eq=False)
class History:
    """Ends of complete months: month (M,) counts from the year 0, in natural logs price (USD/BTC), hashrate (EH/s, that the difficulty
    suits), hashprice (USD/PH/day, without fees); fee_share (M,) mean of the month, nan where unknown; height of the next block. `last` is the
    last day that is used."""

    month: NDArray[np.int64]
    price: Array
    hashrate: Array
    hashprice: Array
    fee_share: Array
    height: Array
    last: date

    def until(self, month: int) -> History:
        """The months up to and with `month`."""
        n = int(np.searchsorted(self.month, month, side="right"))
        end = date((month + 1) // 12, (month + 1) % 12 + 1, 1).toordinal() - 1
        return History(
            self.month[:n], self.price[:n], self.hashrate[:n], self.hashprice[:n], self.fee_share[:n],
            self.height[:n], min(self.last, date.fromordinal(end)),
        )  # fmt: skip

    def recent(self, months: int) -> History:
        """The last `months`."""
        return History(
            self.month[-months:], self.price[-months:], self.hashrate[-months:], self.hashprice[-months:],
            self.fee_share[-months:], self.height[-months:], self.last,
        )  # fmt: skip


def monthly(days: Days, until: date | None = None) -> History:
    """The last day of each complete month that has a price; where the last month is cut short by the end of the data it is left out.

    Raises ValueError where no month is whole, days do not ascend, or months are missing in between.
    """
    if until is not None:
        days = days.until(until)
    if days.day.size == 0:
        raise ValueError("no day of the network by then")
    if (np.diff(days.day).astype(np.int64) <= 0).any():
        raise ValueError("days of the network do not ascend")
    month = days.day.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    whole_until = (days.day[-1] + np.timedelta64(1, "D")).astype("datetime64[M]").astype(np.int64) + 1970 * 12
    known = np.isfinite(days.price) & (days.price > 0) & (days.difficulty > 0)
    priced, inverse = np.unique(month[known], return_inverse=True)
    at = np.flatnonzero(known)[np.searchsorted(inverse, np.arange(len(priced)), side="right") - 1]
    at = at[priced < whole_until]
    priced = priced[priced < whole_until]
    if priced.size == 0:
        raise ValueError("no whole month of the network by then")
    if (np.diff(priced) != 1).any():
        gap = int(priced[np.flatnonzero(np.diff(priced) != 1)[0]]) + 1
        raise ValueError(f"no day with a price in {gap // 12}-{gap % 12 + 1:02d}")
    fees = np.full(len(priced), np.nan)
    seen = np.isfinite(days.fee_share)
    for i, m in enumerate(priced):
        of_month = days.fee_share[(month == m) & seen]
        if of_month.size:
            fees[i] = of_month.mean()
    price, difficulty = days.price[at], days.difficulty[at]
    return History(
        priced.astype(np.int64),
        np.log(price),
        np.log(bitcoin.hashrate(difficulty)),
        np.log(bitcoin.hashprice(price, difficulty, days.subsidy[at])),
        fees,
        days.height[at],
        days.day[-1].astype(object),
    )
