"""What the books still carry of an issue's discount and fees, per 1 USD of face, from the present value of what the contract pays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.problem import Array, Clock, Debt, Ints, Mask, Problem
from models.program.strips import months_of, payment_dates, strip

#: halvings of the interval that holds the spread: more than a float has digits
HALVINGS = 200


def carried_cost(problem: Problem, debt: Debt, v: int) -> Array:
    """(S, D) what is left of 1 - price + fee after each date, for face issued at date v; 0 before v and from maturity on.

    By contract to maturity, neither called nor put, the last rate beyond the horizon. At the dates that end a period of interest it is
    balance less present value: C[k] = (C[k+1] + paid[k]) / (1 + coupon[k] + y years[k]), C[end] = 0, with the spread y that makes
    C[0] = price - fee. Within a period straight-line by months.
    """
    cost = 1.0 - debt.price + debt.fee
    out = np.zeros((problem.scenarios.count, problem.clock.dates))
    if cost == 0.0:
        return out
    end = max(problem.clock.date_at(debt.maturity_month(int(problem.clock.date_month[v]))), v + 1)
    contract, longer = _by_contract(problem, debt, end)
    flows = strip(longer, contract, v)
    months = months_of(longer, end)
    known: dict[tuple[bytes, bytes], Array] = {}
    pays = payment_dates(contract, months, int(months[v]), v, end)
    for s in range(len(out)):
        key = flows.balance[s].tobytes(), flows.accrued[s].tobytes()
        if key not in known:
            known[key] = _left(
                cost, months[v : end + 1], pays[v : end + 1], flows.balance[s, v:], flows.accrued[s, v:], debt.frequency
            )
        last = min(end, problem.clock.periods)
        out[s, v : last + 1] = known[key][: last + 1 - v]
    return out


def _by_contract(problem: Problem, debt: Debt, end: int) -> tuple[Debt, Problem]:
    """The debt without puts, calls and conversion, and the problem with dates up to its end."""
    clock, more = problem.clock, max(end - problem.clock.periods, 0)
    step = np.full(more, clock.months[-1], dtype=clock.months.dtype)
    longer = Clock(np.concatenate([clock.months, step]), clock.start_month, clock.hours, clock.hour_index, clock.weight)
    rate = np.concatenate([debt.rate, np.repeat(debt.rate[:, -1:], more, axis=1)], axis=1)
    return replace(debt, put=None, call=None, conversion=None, rate=rate), replace(problem, clock=longer)


def _left(cost: float, months: Ints, pays: Mask, balance: Array, accrued: Array, frequency: int) -> Array:
    """What is left of `cost` at each date from issue to maturity. balance after, accrued before each date, per 1 of face."""
    since = (months - months[0]).astype(float)
    if cost >= 1.0:  # nothing was received: there is no rate
        return np.asarray(cost * (1.0 - since / since[-1]))
    gone = np.flatnonzero(balance <= 0.0)
    last = int(gone[0]) if len(gone) else len(balance) - 1
    fell = np.append(False, np.diff(balance) < 0.0)
    ends = [n for n in range(1, last + 1) if n == last or pays[n] or fell[n] or frequency == 0]
    begins = [0, *ends[:-1]]
    years = np.array([(since[b] - since[a]) / 12.0 for a, b in zip(begins, ends, strict=True)])
    opening = balance[begins]
    earned = np.array([accrued[a + 1 : b + 1].sum() for a, b in zip(begins, ends, strict=True)])
    paid = earned + opening - balance[ends]

    def present(y: float) -> list[float]:
        worth = [0.0]
        for n in range(len(ends) - 1, -1, -1):
            worth.append((worth[-1] + paid[n]) / (1.0 + earned[n] / opening[n] + y * years[n]))
        return worth[::-1]

    low, high = 0.0, 1.0 if cost > 0.0 else 0.0
    while cost > 0.0 and present(high)[0] > 1.0 - cost:
        high *= 2.0
    if cost < 0.0:
        low = -1e-3
        while present(low)[0] < 1.0 - cost:
            low *= 1.5
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if present(middle)[0] > 1.0 - cost else (low, middle)
    worth = np.array(present(0.5 * (low + high)))
    left = np.append(opening, 0.0) - worth
    left[0] = cost
    return np.asarray(np.interp(since, np.append(0.0, since[ends]), left))
