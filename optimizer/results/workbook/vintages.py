"""One face of a strip of debt from its issue to its end, date by date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from models.problem import Debt
from optimizer.results.workbook.debt_lines import Debts
from optimizer.results.workbook.debt_terms import Calendar, Standing, Terms, bears_costs
from optimizer.results.workbook.effective import carried_cost, level_payment
from optimizer.results.workbook.expressions import ZERO, Term, largest, least, term, when
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.operations import Market
from optimizer.results.workbook.sheets import NOTHING, Maker, Row, Sheet

Entry = Callable[[int], Term]


@dataclass
class Vintage:
    """A face issued at one date, or one that stood before date 0, and the rows that are written of it so far, by name.

    strike, room: conversion price, and the most that the capped call pays per 1 of face; put_taken: 1 where holders take the put.
    """

    frame: Frame
    market: Market
    sheet: Sheet
    made: Debts
    debt: Debt
    terms: Terms
    label: str
    face_at_issue: Term
    calls: Row
    calendar: Calendar
    existing: bool
    rows: dict[str, Row] = field(default_factory=dict)
    strike: Term | None = None
    room: Term = ZERO
    put_taken: Term = ZERO

    @property
    def key(self) -> str:
        return f"{self.debt.name}@existing" if self.existing else self.debt.name

    @property
    def lines(self) -> dict[str, list[Row]]:
        return self.made.lines[self.key]

    @property
    def start(self) -> int:
        return self.calendar.start

    @property
    def ends_here(self) -> bool:
        """Whether it matures within the horizon."""
        return self.calendar.end <= self.frame.periods

    @property
    def last(self) -> int:
        """The last date at which it stands or is repaid."""
        return min(self.calendar.end, self.frame.periods)

    @property
    def before_end(self) -> int:
        """The last date at which principal may be due before maturity."""
        return self.last - 1 if self.ends_here else self.last

    @property
    def may_call(self) -> bool:
        return self.calls is not NOTHING

    @property
    def retires(self) -> bool:
        """Whether any of it may go before it is due."""
        return self.may_call or self.calendar.put is not None

    def row(
        self,
        name: str,
        text: str,
        make: Maker,
        first: int | None = None,
        end: int | None = None,
        look: str = "usd",
        unit: str = "USD",
    ) -> Row:
        """Write a row, by default at all dates after its issue."""
        first, end = self.start + 1 if first is None else first, self.last + 1 if end is None else end
        self.rows[name] = self.sheet.row(f"{self.label}: {text}", make, unit, look, first=first, end=end)
        return self.rows[name]

    def paid_share(self, d: int) -> Term:
        """Share of the interest due that is settled at the payment date."""
        if d in self.calendar.paydays:
            return term(1)
        return self.put_taken if d == self.calendar.put else ZERO

    def gone(self, d: int) -> Term:
        """Share that is called or put."""
        return self.rows["share"][d] if self.retires else ZERO

    def due_before(self, d: int) -> Term:
        """Interest due before payment."""
        opening = self.made.opening_due[self.key] if self.existing else ZERO
        return (self.rows["due"][d - 1] if d - 1 > self.start or not self.existing else opening) + self.rows["accrued"][d]

    def pik(self, d: int) -> Term:
        """Interest added to the balance."""
        return self.rows["pik"][d] if self.debt.pik else ZERO

    def middle(self, d: int) -> Term:
        """Balance before principal."""
        return self.rows["closing"][d - 1] + self.pik(d)


def write_vintage(one: Vintage, worn: Sheet, months: Row) -> None:
    """All rows of a face, in the order in which a date happens: interest, principal, put or call, maturity."""
    one.strike, one.room = _conversion(one)
    one.put_taken = _put_taken(one)
    _balance(one, _principal(one))
    _schedule(one)
    _calls_and_put(one)
    _redeem(one)
    if not one.ends_here:
        _put_to_come(one)
    if not one.existing and bears_costs(one.debt):
        _costs(one, worn, months)


def _put_price(one: Vintage) -> Term:
    assert one.debt.put is not None
    name = one.debt.name
    return one.frame.given(f"debt/{name}/put", f"{name}: put price", one.debt.put[1], "of balance", "percent")


def _put_taken(one: Vintage) -> Term:
    """1 where holders take the put: always, unless shares are worth more."""
    put, strike = one.calendar.put, one.strike
    if put is None:
        return ZERO
    if strike is None:
        return term(1)
    put_price = _put_price(one)
    taken = one.sheet.row(
        f"{one.label}: put by its holders (1) or worth more converted (0)",
        lambda d: when(one.market.share[d] / strike > put_price, 0, 1),
        "",
        "count",
        first=put,
        end=put + 1,
    )
    return taken[put]


def _principal(one: Vintage) -> Entry:
    """Principal by contract; payments left and given shares of face are inputs."""
    frame, calendar, v, before_end = one.frame, one.calendar, one.start, one.before_end
    left_row, given_row = NOTHING, NOTHING
    if calendar.left[:, v + 1 : before_end + 1].any():
        table = np.full((frame.scenarios, frame.dates), np.nan)
        table[:, v + 1 : before_end + 1] = calendar.left[:, v + 1 : before_end + 1]
        left_row = frame.paths.series(f"{one.label}: payments of principal left", table, "", "count")
    shares = {e: part for e, part in calendar.given.items() if v < e <= before_end}
    if shares:
        table = np.full((1, frame.dates), np.nan)
        table[0, list(shares)] = list(shares.values())
        given_row = frame.paths.series(f"{one.label}: share of face repaid", table, "of face", "percent")

    def principal(d: int) -> Term:
        face = one.rows["face"]
        if d > before_end:
            return ZERO
        if given_row is not NOTHING:
            return least(given_row[d] * face[d - 1], one.middle(d)) if d in calendar.given else ZERO
        if left_row is NOTHING or not calendar.left[:, d].any():
            return ZERO
        over = largest(one.middle(d) - one.terms.balloon * face[d - 1], 0.0)
        pay = level_payment(one.debt, one.terms.rate[d], calendar.since[d], over, left_row[d])
        pay = pay if bool(calendar.left[:, d].all()) else when(left_row[d].equals(0), 0, pay)
        return pay if d in calendar.paydays else one.put_taken * pay

    return principal


def _balance(one: Vintage, principal: Entry) -> None:
    """Face, interest and balance."""
    frame, terms, calendar, rows, row = one.frame, one.terms, one.calendar, one.rows, one.row
    v, last, ends_here = one.start, one.last, one.ends_here
    row(
        "face",
        "face that stands",
        lambda d: one.face_at_issue if d == v else rows["face"][d - 1] * (1 - one.gone(d)),
        first=v,
    )
    row("accrued", "coupon", lambda d: terms.rate[d] * frame.years[d] * rows["closing"][d - 1])
    if one.debt.pik:
        row(
            "pik",
            "interest added",
            lambda d: terms.pik * one.paid_share(d) * one.due_before(d) if d in calendar.capitalises else ZERO,
        )
    row("principal", "principal", principal)
    if one.retires:
        row("share", "share called or put", lambda d: _retired_share(one, d), look="percent", unit="share")
        row("retired", "called or put", lambda d: one.gone(d) * (one.middle(d) - rows["principal"][d]))
    retired = rows.get("retired", NOTHING)
    if ends_here:
        row("matured", "balance at maturity", one.middle, first=last, end=last + 1)

    def closing(d: int) -> Term:
        if d == v:
            return one.face_at_issue
        return ZERO if ends_here and d == last else one.middle(d) - rows["principal"][d] - retired[d]

    row("closing", "balance after", closing, first=v)
    row("due", "interest due after", lambda d: one.due_before(d) * (1 - one.paid_share(d)) * (1 - one.gone(d)))
    row(
        "paid",
        "interest paid",
        lambda d: (
            one.due_before(d) * one.paid_share(d) - one.pik(d) + one.gone(d) * (one.due_before(d) * (1 - one.paid_share(d)))
        ),
    )


def _retired_share(one: Vintage, d: int) -> Term:
    """Share of the balance that is called or put at a date."""
    if d > one.before_end:
        return ZERO
    face, calls = one.rows["face"], one.calls
    call = when(face[d - 1] > 0, calls[d] / face[d - 1], 0) if one.may_call and not calls[d].zero else ZERO
    if d == one.calendar.put:
        taken = one.put_taken
        return taken if call.zero or taken.text == "1" else when(taken > 0, 1, call)
    return call


def _schedule(one: Vintage) -> None:
    """What goes to the lines of the schedule, from issue on."""
    rows, lines, v, terms = one.rows, one.lines, one.start, one.terms
    lines["pik"] += [rows["pik"]] if one.debt.pik else []
    for name in ("principal", "closing", "accrued", "paid"):
        lines[name].append(rows[name])
    if one.existing:
        opening_due = one.made.opening_due[one.key]
        lines["due"].append(one.row("due_at_all", "interest due", lambda d: opening_due if d == v else rows["due"][d], first=v))
        return
    at = (v, v + 1)
    lines["due"].append(rows["due"])
    lines["issued"].append(one.row("issued", "issued", lambda d: one.face_at_issue, *at))
    if bears_costs(one.debt):
        lines["costs"].append(one.row("costs", "discount and fees at issue", lambda d: terms.cost * one.face_at_issue, *at))
    if not terms.capped_cost.zero:
        bought = one.row("capped_call", "capped call bought", lambda d: terms.capped_cost * one.face_at_issue, *at)
        lines["capped_call"].append(bought)


def _calls_and_put(one: Vintage) -> None:
    """What is called, what is put, and their premiums."""
    lines, rows, put, taken = one.lines, one.rows, one.calendar.put, one.put_taken
    retired = rows.get("retired", NOTHING)
    if one.may_call:
        called = one.row("called", "called", lambda d: when(taken > 0, 0, retired[d]) if d == put else retired[d])
        lines["called"].append(called)
        lines["call_premium"].append(one.row("call_premium", "premium at calls", lambda d: (_call_price(one, d) - 1) * called[d]))
    if put is not None:
        at = (put, put + 1)
        lines["put"].append(one.row("put", "put by holders", lambda d: taken * retired[d], *at))
        price = _put_price(one)
        lines["put_premium"].append(one.row("put_premium", "premium at the put", lambda d: (price - 1) * rows["put"][d], *at))


def _call_price(one: Vintage, d: int) -> Term:
    """Price of a call at a date: an input for each step."""
    call, month, name = one.debt.call, one.frame.month[d], one.debt.name
    steps = [] if call is None else [(first, price) for first, price in call.steps if month >= first]
    if not steps:
        return term(1)
    first, price = steps[-1]
    label = f"{name}: call price from month {first}"
    return one.frame.given(f"debt/{name}/call/{first}", label, price, "of balance", "percent")


def _conversion(one: Vintage) -> tuple[Term | None, Term]:
    """Conversion price of a vintage, and the most that its capped call pays per 1 of face."""
    debt, terms, v = one.debt, one.terms, one.start
    if debt.conversion is None:
        return None, ZERO
    if debt.conversion.price is not None:
        label = f"{debt.name}: conversion price"
        strike = one.frame.given(f"debt/{debt.name}/strike", label, debt.conversion.price, "USD/share", "price")
    else:
        made = one.sheet.row(
            f"{one.label}: conversion price",
            lambda d: one.market.share[d] * (1 + terms.premium),
            "USD/share",
            "price",
            first=v,
            end=v + 1,
        )
        strike = made[v]
    if not terms.capped:
        return strike, ZERO
    return strike, largest((1 + terms.cap_premium) / (1 + terms.premium) - 1, 0.0)


def _redeem(one: Vintage) -> None:
    """Maturity in cash or in shares, and what still stands at the horizon."""
    delivered = NOTHING
    if one.ends_here:
        if one.strike is None:
            one.lines["redeemed"].append(one.rows["matured"])
        else:
            delivered = _in_shares(one, one.strike)
    else:
        _claim(one)
    if one.strike is not None:
        until = one.last if one.ends_here else None
        one.made.convertibles.append(
            Standing(one.debt.name, one.key, one.strike, one.room, one.rows["closing"], delivered, until)
        )


def _payoff(one: Vintage, strike: Term, d: int) -> Term:
    """What the capped call pays per 1 of face."""
    return least(largest(one.market.share[d] / strike - 1, 0.0), one.room)


def _in_shares(one: Vintage, strike: Term) -> Row:
    """A convertible that matures: in shares where they are worth more. Gives the shares delivered."""
    lines, rows, share = one.lines, one.rows, one.market.share
    first, end = one.last, one.last + 1
    converts = one.row(
        "converts",
        "settled in shares (1) or in cash (0)",
        lambda d: when(share[d] > strike, 1, 0),
        first,
        end,
        look="count",
        unit="",
    )
    lines["redeemed"].append(
        one.row("redeemed", "redeemed in cash", lambda d: rows["matured"][d] * (1 - converts[d]), first, end)
    )
    lines["converted"].append(one.row("converted", "settled in shares", lambda d: rows["matured"][d] * converts[d], first, end))
    one.made.conversion.append(
        one.row("conversion", "worth of the shares", lambda d: -(rows["converted"][d] * share[d] / strike), first, end)
    )
    if not one.room.zero:
        one.made.capped.append(
            one.row("payoff", "capped call pays", lambda d: rows["matured"][d] * _payoff(one, strike, d), first, end)
        )
    return one.row(
        "delivered", "shares delivered", lambda d: rows["converted"][d] / strike, first, end, look="shares", unit="shares"
    )


def _claim(one: Vintage) -> None:
    """What still stands at the horizon."""
    rows, strike, due, T = one.rows, one.strike, one.lines["due"][-1], one.frame.periods
    if strike is None:
        claim = one.row("claim", "claim at the horizon", lambda d: rows["closing"][d] + due[d], T, T + 1)
    else:
        claim = one.row(
            "claim",
            "claim at the horizon",
            lambda d: rows["closing"][d] * largest(one.market.share[d] / strike, 1.0) + due[d],
            T,
            T + 1,
        )
        if not one.room.zero:
            worth = one.row("payoff", "capped call is worth", lambda d: rows["closing"][d] * _payoff(one, strike, d), T, T + 1)
            one.made.capped.append(worth)
    one.made.claims.append(claim)


def _put_to_come(one: Vintage) -> None:
    """What holders have earned at the horizon, by months from issue, of the premium of a put that comes after it."""
    frame, debt, strike = one.frame, one.debt, one.strike
    if debt.put is None or debt.put[1] <= 1.0:
        return
    date, T = frame.problem.clock.date_at(debt.put[0]), frame.periods
    if not T < date < one.calendar.end:
        return
    issued = one.calendar.issued
    share = (frame.month_at(T) - issued) / (frame.month_at(date) - issued)
    earned = 1 + (_put_price(one) - 1) * share

    def premium(d: int) -> Term:
        worth: Term = term(1) if strike is None else largest(one.market.share[d] / strike, 1.0)
        return one.rows["closing"][d] * largest(earned - worth, 0.0)

    one.made.put_earned.setdefault(one.key, []).append(
        one.row("put_earned", "premium of the put to come, earned", premium, first=T, end=T + 1)
    )


def _costs(one: Vintage, worn: Sheet, months: Row) -> None:
    """Discount and fees: straight-line for tax, by effective interest in the books."""
    frame, terms, rows, lines, row = one.frame, one.terms, one.rows, one.lines, one.row
    v, end, face = one.start, one.calendar.end, one.rows["face"]
    life = frame.month_at(end) - frame.month_at(v)

    def step(d: int) -> Term:
        """What wears straight-line in the period."""
        return terms.cost * face[d - 1] * ((frame.months[d] - frame.months[d - 1]) / life)

    def before(d: int) -> Term:
        return rows["left"][d - 1] if d - 1 > v else terms.cost * face[v]

    row(
        "left",
        "discount and fees left, straight-line",
        lambda d: ZERO if d == end else (before(d) - step(d)) * (1 - one.gone(d)),
    )
    lines["straight_line"].append(
        row(
            "straight",
            "discount and fees deducted for tax",
            lambda d: step(d) + (one.gone(d) * (before(d) - step(d)) if d < end else ZERO),
        )
    )
    carried, residual = carried_cost(frame, worn, months, one.debt, terms, one.label, one.calendar)
    one.made.residuals.append((one.label, residual))
    lines["amortised"].append(
        row("amortised", "discount and fees, effective interest", lambda d: (carried[d - 1] - carried[d]) * face[d - 1])
    )
    if any(name in rows for name in ("called", "put")):
        lines["written_off"].append(
            row("written", "discount and fees written off", lambda d: one.gone(d) * carried[d] * face[d - 1])
        )
    lines["carried_costs"].append(row("carried", "discount and fees in the books", lambda d: carried[d] * face[d], first=v))
