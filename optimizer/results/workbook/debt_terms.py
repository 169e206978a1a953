"""Terms of instruments, as the workbook's sheets need them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from models.problem import Array, Debt
from models.proforma.calendar import month_at
from optimizer.results.workbook.expressions import ZERO, Term, term
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.sheets import Row


@dataclass
class Terms:
    """Live terms of a debt."""

    rate: Row
    cost: Term
    fee: Term
    pik: Term
    balloon: Term
    premium: Term = ZERO
    capped_cost: Term = ZERO
    capped: bool = False
    cap_premium: Term = ZERO


@dataclass
class Standing:
    """One vintage of a convertible: strike, and rows of what stands and of shares delivered."""

    name: str
    key: str
    strike: Term
    room: Term
    balance: Row
    delivered: Row
    converts_at: int | None


def bears_costs(debt: Debt) -> bool:
    """Whether it is issued at a discount (or premium) or for a fee of its face."""
    return debt.kind != "revolver" and (debt.price != 1.0 or debt.fee != 0.0)


def terms_of(frame: Frame, debt: Debt) -> Terms:
    key = f"debt/{debt.name}"
    more = frame.given(
        f"{key}/more", f"{debt.name}: coupon, plus", 0.0, "per year", "rate", "For this debt alone; 0.01 is one point."
    )
    added = more + frame.factor["coupon"]
    label = f"{debt.name}: coupon"
    if np.all(debt.rate == debt.rate[0, 0]):
        coupon = frame.given(f"{key}/coupon", label, float(debt.rate[0, 0]), "per year", "rate")
        rate = frame.paths_sheet.row(label, lambda d: coupon + added, "per year", "rate", first=1)
    else:
        rate = frame.paths.series(label, frame.settles(debt.rate), "per year", "rate", None, added, keep=True)
    price = fee = term(0)
    if debt.kind == "revolver":
        fee = frame.fixed(f"{key}/fee", f"{debt.name}: fee", debt.fee, "of limit", "percent")
    elif bears_costs(debt):
        price = frame.given(f"{key}/price", f"{debt.name}: issue price", debt.price, "of face", "percent")
        fee = frame.given(f"{key}/fee", f"{debt.name}: fee", debt.fee, "of face", "percent")
    cost = 1 - price + fee if bears_costs(debt) else ZERO
    pik = frame.fixed(f"{key}/pik", f"{debt.name}: share of interest added to the balance", debt.pik, "share", "percent")
    balloon = frame.fixed(f"{key}/balloon", f"{debt.name}: balloon", debt.balloon, "of face", "percent")
    out = Terms(rate, cost, fee, pik, balloon)
    if debt.conversion is not None:
        terms = debt.conversion
        out.premium = frame.given(f"{key}/premium", f"{debt.name}: conversion premium", terms.premium, "share", "percent")
        out.capped_cost = frame.fixed(
            f"{key}/capped", f"{debt.name}: capped call, cost", terms.capped_call_cost, "of face", "percent"
        )
        if terms.cap_premium is not None:
            out.capped = True
            out.cap_premium = frame.given(
                f"{key}/cap", f"{debt.name}: cap over the share price at issue", terms.cap_premium, "share", "percent"
            )
    return out


@dataclass
class Calendar:
    """When the face of one vintage is served: dates of payment, of the put, and payments left from a date on, by scenario.

    left (S, D): counting the date itself; 0 where no principal falls due. since: months since the payment before.
    """

    start: int
    end: int
    issued: int
    paydays: set[int]
    put: int | None
    left: Array
    since: dict[int, int]
    capitalises: set[int]
    given: dict[int, float]
    behind: int


def calendar(frame: Frame, debt: Debt, v: int, existing: bool) -> Calendar:
    """The calendar of the face issued at date v (existing: before date 0), over all dates to its end."""
    clock = frame.problem.clock
    issued = debt.existing_month if existing else int(clock.date_month[v])
    end = max(clock.date_at(debt.maturity_month(issued)), v + 1)
    since_issue = {e: month_at(clock, e) - issued for e in range(v, end + 1)}
    step = debt.frequency
    scheduled = [
        e for e in range(v + 1, end + 1) if e == end or (step > 0 and since_issue[e] // step > since_issue[e - 1] // step)
    ]
    put = None
    if debt.put is not None:
        date = clock.date_at(debt.put[0])
        put = date if v < date < min(end, clock.dates) else None
    left = np.zeros((frame.scenarios, end + 1))
    for s in range(frame.scenarios):
        if debt.amortisation in ("level", "annuity"):
            after = issued + debt.grace
        elif debt.amortisation == "after_completion":
            assert debt.completion is not None
            after = int(debt.completion[s])
        else:
            continue
        due = [e for e in scheduled if month_at(clock, e) > after]
        for e in {*scheduled, *([put] if put is not None else [])}:
            if e < end and month_at(clock, e) > after:
                left[s, e] = 1 + len(due) - bisect_right(due, e)
    behind = (-issued % step if step > 0 else -issued) if existing else 0
    since, last = {}, month_at(clock, v) - behind
    for e in range(v + 1, end + 1):
        since[e] = month_at(clock, e) - last
        if e in scheduled:
            last = month_at(clock, e)
    given: dict[int, float] = {}
    if debt.amortisation == "given":
        for month, part in debt.given:
            date = clock.date_at(issued + month)
            given[date] = given.get(date, 0.0) + part
    capitalises = {e for e in range(v + 1, end + 1) if since_issue[e] <= debt.pik_months} if debt.pik else set()
    return Calendar(v, end, issued, set(scheduled), put, left, since, capitalises, given, behind)
