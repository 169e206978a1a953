"""Effective interest of the pro forma: how the discount and fees of a fixed strip wear in the books (README 7).

Sources: ASC 835-30-35-2, IFRS 9 appendix A (effective interest method); revolvers and balances that are repaid at will: straight-line
(ASC 835-30-S45-1), which `debt.py` does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.problem import Array

#: Newton steps before giving up
MAX_NEWTON_STEPS = 200


def effective_spread(cost: float, years: Sequence[float], coupons: Sequence[float], balances: Sequence[float]) -> float:
    """Spread y per year over the coupon at which what is carried, 1 - cost per 1 of face, earns all that is paid.

    years[k], coupons[k] (accrued in interest period k per 1 of balance), balances[k] at its start. U[k] is what is left of `cost`:

        U[k+1] = U[k] - ((coupons[k] + y years[k]) (b[k] - U[k]) - coupons[k] b[k]),     U[0] = cost, U[end] = 0

    Raises ValueError for a cost of the whole balance or more (nothing earns nothing), and if the search does not end.
    """
    if cost == 0.0:
        return 0.0
    if not balances or cost >= balances[0]:
        raise ValueError(f"no rate makes {balances[0] - cost if balances else 0.0:g} earn what is paid on it")
    terms = list(zip(years, coupons, balances, strict=True))
    y = cost / sum(tau * b for tau, _, b in terms)
    for _ in range(MAX_NEWTON_STEPS):
        left, slope = cost, 0.0
        for tau, coupon, b in terms:
            left, slope = left * (1.0 + y * tau + coupon) - y * tau * b, slope * (1.0 + y * tau + coupon) + tau * (left - b)
        step = left / slope
        y -= step
        if abs(step) <= 1e-15 * max(1.0, abs(y)):
            return y
    if abs(left) <= 1e-10:
        return y
    raise ValueError(f"the effective rate was not found: {left:g} of the issue cost is left")


def left_of_cost(
    cost: float, months: Sequence[int], breaks: Sequence[int], coupons: Sequence[float], balances: Sequence[float]
) -> Array:
    """What is left of `cost` after each date, per 1 of face, starting at the date of issue.

    months[n]: months from issue to the n-th date; breaks: the dates at which interest periods end, ascending, the last one the end of
    the debt; coupons, balances as for `effective_spread`. Within an interest period, straight-line by months.
    """
    at = np.asarray(months, dtype=float)
    ends = at[list(breaks)]
    begins = np.concatenate([[0.0], ends[:-1]])
    years = ((ends - begins) / 12.0).tolist()
    if cost == 0.0:
        return np.zeros(len(at))
    if cost >= balances[0]:  # nothing was received: there is no rate, and the cost is spread by months
        return np.asarray(cost * np.clip(1.0 - at / ends[-1], 0.0, 1.0))
    y = effective_spread(cost, years, coupons, balances)
    left = [cost]
    for tau, coupon, b in zip(years, coupons, balances, strict=True):
        left.append(left[-1] * (1.0 + y * tau + coupon) - y * tau * b)
    left[-1] = 0.0
    return np.asarray(np.interp(at, np.concatenate([[0.0], ends]), left))
