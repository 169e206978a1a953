"""Strips: what 1 USD of face does at every date, worked out from an instrument's terms outside the program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.problem import Array, Debt, Ints, Problem


@dataclass(frozen=True)
class Strip:
    """One vintage of one debt, per 1 USD of face, every array (S, D); flows at dates, balances after them.

    interest   cash interest paid;  accrued  interest accrued in the period before the date
    principal  scheduled repayments before maturity;  redemption  repaid in cash at maturity or put;  premium  paid above balance at a put
    balance    outstanding;  due  interest accrued and not yet paid
    cost       discount and fees deducted in the period before the date;  unamortised  what is left of them after it
    conversion value given to holders in shares;  capped_call  value received from the capped call
    claim      (S,) what holders are owed at the horizon, interest due included
    put        (S,) what they have earned by then of the premium of a put after the horizon, beyond `claim`
    end (S,)   date at which the strip ends (maturity or put), beyond the horizon if > T
    """

    interest: Array
    accrued: Array
    principal: Array
    redemption: Array
    premium: Array
    balance: Array
    due: Array
    cost: Array
    unamortised: Array
    conversion: Array
    capped_call: Array
    claim: Array
    put: Array
    end: Ints

    def mark(self, s: int) -> bytes:
        """Equal for scenarios in which a holder is paid the same in cash at the same dates."""
        money = (self.interest, self.accrued, self.principal, self.redemption, self.premium, self.balance, self.due, self.cost)
        return b"".join(table[s].tobytes() for table in (*money, self.unamortised)) + self.end[s].tobytes()


def months_of(problem: Problem, last: int) -> Ints:
    """Months from date 0 of dates 0..last; beyond the horizon dates go on at the last period's step."""
    known = problem.clock.date_month
    more = last + 1 - len(known)
    if more <= 0:
        return known[: last + 1]
    return np.concatenate([known, known[-1] + int(problem.clock.months[-1]) * np.arange(1, more + 1)])


def strip(problem: Problem, debt: Debt, v: int, existing: bool = False) -> Strip:
    """The strip of face issued at date v (or of the debt that exists at date 0), all scenarios at once (README 7)."""
    clock, market = problem.clock, problem.market
    count, dates = problem.scenarios.count, clock.dates
    issued = debt.existing_month if existing else int(clock.date_month[v])
    first = 0 if existing else v
    maturity = clock.date_at(debt.maturity_month(issued))
    conversion_price = np.full(count, np.inf)
    if debt.conversion is not None:
        assert market.share_price is not None
        conversion_price = np.array([debt.conversion.conversion_price(x) for x in market.share_price[:, first]])
    end, put_date, put_price = _ends(problem, debt, first, maturity, conversion_price)
    months = months_of(problem, max(maturity, dates - 1))
    z = {k: np.zeros((count, dates)) for k in Strip.__annotations__ if k not in ("claim", "put", "end")}
    balance = np.ones(count)
    due = np.zeros(count)
    if existing:
        elapsed = -issued
        due = debt.rate[:, 0] * (elapsed % debt.frequency if debt.frequency else elapsed) / 12.0
    z["balance"][:, first], z["due"][:, first] = balance, due
    z["unamortised"][:, first] = 0.0 if existing else 1.0 - debt.price + debt.fee
    total_months = max(int(months[maturity]) - issued, 1)
    cost = 0.0 if existing else 1.0 - debt.price + debt.fee
    left = np.ones(count)  # share of the issue cost not yet deducted
    paydays = payment_dates(debt, months, issued, first, maturity)
    last_payment = np.full(count, issued if not existing else issued + _last_multiple(-issued, debt.frequency))
    given = _given(problem, debt, issued)
    for e in range(first + 1, dates):
        t = e - 1
        live = e <= end
        step = int(months[e] - months[t])
        accrued = debt.rate[:, t] * step / 12.0 * balance
        due = due + accrued
        z["accrued"][:, e] = accrued
        part = np.where(live, np.minimum(step / total_months, left), 0.0)
        ends = live & (e == end)
        pays = live & (ends | paydays[e])
        capital = pays & (months[e] - issued <= debt.pik_months)
        added = np.where(capital, debt.pik * due, 0.0)
        z["interest"][:, e] = np.where(pays, due - added, 0.0)
        due = np.where(pays, 0.0, due)
        balance = balance + added
        amount = np.where(pays, _scheduled(debt, problem, e, months, issued, maturity, paydays, balance, last_payment), 0.0)
        if e in given and debt.amortisation == "given":
            amount = np.full(count, given[e])
        elif debt.amortisation == "given":
            amount = np.zeros(count)
        # what is scheduled at a put date is paid before the rest is put
        amount = np.where(live & (e < maturity), np.minimum(amount, balance), 0.0)
        z["principal"][:, e] = amount
        balance = balance - amount
        put_here = ends & (e == put_date)
        z["premium"][:, e] = np.where(put_here, (put_price - 1.0) * balance, 0.0)
        shares = np.zeros(count, dtype=bool)
        if debt.conversion is not None:
            assert market.share_price is not None
            price = market.share_price[:, e]
            at_maturity = ends & ~put_here
            shares = at_maturity & (price > conversion_price)
            z["conversion"][:, e] = np.where(shares, balance * price / conversion_price, 0.0)
            payoff = np.array([debt.conversion.capped_call_payoff(p, k) for p, k in zip(price, conversion_price, strict=True)])
            z["capped_call"][:, e] = np.where(at_maturity, balance * payoff, 0.0)
        z["redemption"][:, e] = np.where(ends & ~shares, balance, 0.0)
        part = np.where(ends, left, part)
        left = left - part
        z["cost"][:, e], z["unamortised"][:, e] = cost * part, cost * left
        balance = np.where(ends, 0.0, balance)
        z["balance"][:, e], z["due"][:, e] = balance, due
        last_payment = np.where(pays, months[e], last_payment)
    worth = np.ones(count)
    if debt.conversion is not None:
        assert market.share_price is not None
        price = market.share_price[:, -1]
        payoff = np.array([debt.conversion.capped_call_payoff(p, k) for p, k in zip(price, conversion_price, strict=True)])
        z["capped_call"][:, -1] += balance * payoff
        worth = np.maximum(1.0, price / conversion_price)
    earned = 1.0 + _put_earned(problem, debt, first, issued, maturity)
    put = balance * np.maximum(earned - worth, 0.0)
    return Strip(**z, claim=balance * worth + due, put=put, end=end)


def _ends(problem: Problem, debt: Debt, first: int, maturity: int, conversion_price: Array) -> tuple[Ints, int, float]:
    """(S,) date at which the strip ends: at a put that is taken, else at maturity; date of the put (-1: none within reach) and its price."""
    clock, market = problem.clock, problem.market
    end = np.full(problem.scenarios.count, maturity, dtype=np.int64)
    if debt.put is None:
        return end, -1, 1.0
    date, price = clock.date_at(debt.put[0]), debt.put[1]
    if not first < date < min(maturity, clock.dates):
        return end, -1, price
    taken = np.ones(len(end), dtype=bool)
    if debt.conversion is not None:
        assert market.share_price is not None
        taken = market.share_price[:, date] / conversion_price <= price
    return np.where(taken, date, end), date, price


def _given(problem: Problem, debt: Debt, issued: int) -> dict[int, float]:
    """Date -> share of face that the contract repays there."""
    given: dict[int, float] = {}
    for months, share in debt.given:
        date = problem.clock.date_at(issued + months)
        given[date] = given.get(date, 0.0) + share
    return given


def _put_earned(problem: Problem, debt: Debt, first: int, issued: int, maturity: int) -> float:
    """Share of the balance that holders have earned by the horizon of the premium of a put after it: straight-line by months from issue."""
    if debt.put is None:
        return 0.0
    date, last = problem.clock.date_at(debt.put[0]), problem.clock.periods
    if not max(first, last) < date < maturity:
        return 0.0
    months = months_of(problem, date)
    return (debt.put[1] - 1.0) * float(months[last] - issued) / float(months[date] - issued)


def _last_multiple(elapsed: int, frequency: int) -> int:
    """Months from issue to the last payment at or before `elapsed` months."""
    return elapsed - elapsed % frequency if frequency else 0


def payment_dates(debt: Debt, months: Ints, issued: int, first: int, maturity: int) -> np.ndarray:
    """Mask over dates 0..len(months)-1: interest is paid there (the end of the strip aside)."""
    out = np.zeros(len(months), dtype=bool)
    if debt.frequency:
        count = (months - issued) // debt.frequency
        out[1:] = count[1:] > count[:-1]
    out[: first + 1] = False
    if maturity < len(out):
        out[maturity] = True
        out[maturity + 1 :] = False
    return out


def _scheduled(
    debt: Debt,
    problem: Problem,
    e: int,
    months: Ints,
    issued: int,
    maturity: int,
    paydays: np.ndarray,
    balance: Array,
    last_payment: Array,
) -> Array:
    """Principal scheduled at date e before maturity if it is a payment date (a put date is one), per scenario."""
    count = problem.scenarios.count
    if debt.amortisation not in ("level", "annuity", "after_completion") or e >= maturity:
        return np.zeros(count)
    if debt.amortisation == "after_completion":
        assert debt.completion is not None
        after = debt.completion
    else:
        after = np.full(count, issued + debt.grace)
    starts = months[e] > after
    grace, of = np.unique(after, return_inverse=True)  # mostly the same in all scenarios
    n = 1 + np.array([int((paydays[e + 1 :] & (months[e + 1 :] > a)).sum()) for a in grace])[of]
    spread = balance - debt.balloon
    if debt.amortisation != "annuity":
        return np.where(starts, np.maximum(spread / n, 0.0), 0.0)
    q = debt.rate[:, e - 1] * (months[e] - last_payment) / 12.0
    growth = np.expm1(n * np.log1p(q))
    pay = np.where(q == 0.0, spread / n, spread * q / np.where(growth == 0.0, 1.0, growth))
    return np.where(starts, np.maximum(pay, 0.0), 0.0)
