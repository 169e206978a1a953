"""Debts: every face issued walked from its terms, date by date, and the schedules that they add up to.

The calendar of a debt (payment dates, maturity, how many payments are left) is worked out here and stands in the workbook as it is;
coupons, prices, fees, shares of PIK, balloons, calls and conversion terms are inputs that the formulas follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from models.dates import month_text
from models.problem import Debt
from models.proforma.debt import first_date, running_maturity
from optimizer.results.workbook.debt_terms import Calendar, Standing, Terms, bears_costs, calendar, terms_of
from optimizer.results.workbook.effective import carried_cost
from optimizer.results.workbook.expressions import ZERO, Term, formula, largest, least, term, total, when
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.operations import Market
from optimizer.results.workbook.sheets import NOTHING, Maker, Row, Sheet

Adder = Callable[..., Row]

LINES = (
    "issued", "pik", "principal", "redeemed", "called", "put", "converted", "closing", "costs", "capped_call", "accrued", "commitment",
    "paid", "due", "straight_line", "call_premium", "put_premium", "amortised", "written_off", "carried_costs",
)  # fmt: skip


@dataclass
class Debts:
    """Schedules in use: key ('notes', 'notes@existing') -> line -> rows that add up to it; and claims on the value of the plan.

    conversion, capped: rows in the ledger's sign by date; claims: what is owed at the horizon, positive; put_earned: by
    schedule, what is earned at the horizon of the premium of a put after it, positive. unused: debts without a dollar.
    """

    lines: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    kinds: dict[str, Debt] = field(default_factory=dict)
    opening: dict[str, Term] = field(default_factory=dict)
    opening_due: dict[str, Term] = field(default_factory=dict)
    conversion: list[Row] = field(default_factory=list)
    capped: list[Row] = field(default_factory=list)
    claims: list[Row] = field(default_factory=list)
    put_earned: dict[str, list[Row]] = field(default_factory=dict)
    convertibles: list[Standing] = field(default_factory=list)
    residuals: list[tuple[str, Term]] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def of(self, key: str, line: str, d: int) -> Term:
        """A line of one schedule at a date."""
        return sum((row[d] for row in self.lines[key][line]), ZERO)

    def keys(self, name: str) -> list[str]:
        """Schedules of a debt: new face and face that stood before date 0."""
        return [key for key in (name, f"{name}@existing") if key in self.lines]

    def named(self, name: str, line: str, d: int) -> Term:
        """A line of a debt, whenever its face was issued."""
        return sum((self.of(key, line, d) for key in self.keys(name)), ZERO)

    def all(self, line: str, d: int) -> Term:
        """A line of all debts."""
        return sum((self.of(key, line, d) for key in self.lines), ZERO)


def used(frame: Frame, debt: Debt) -> bool:
    """Whether any scenario has a dollar of it, or pays for its being there."""
    decisions = frame.decisions
    if debt.existing > 0.0 or frame.decided(decisions.issued, debt.name).any():
        return True
    if debt.kind == "revolver":
        return first_date(debt) is not None and (debt.limit > 0.0 or bool(frame.decided(decisions.balance, debt.name).any()))
    return not debt.is_strip and bool(frame.decided(decisions.repaid, debt.name).any())


def debt_sheets(frame: Frame, market: Market) -> tuple[Sheet, Sheet, Debts]:
    """Workings of debts, their effective interest, and what they add up to."""
    last = max((month_end for month_end in _ends(frame)), default=frame.periods)
    sheet = Sheet("Debt workings", "Debt workings: every face issued, by its terms", frame.dates)
    worn = Sheet("Effective interest", "Effective interest: how discount and fees wear in the books, per 1 of face", last + 1)
    worn.note("Time", "section")
    months = worn.row("Months from the start", lambda d: float(frame.month_at(d)), "months", "count", "input")
    made = Debts()
    for debt in frame.problem.debts:
        if not used(frame, debt):
            made.unused.append(debt.name)
            continue
        frame.paths_sheet.note(f"{debt.name}: coupon", "section")
        frame.decisions_sheet.note(debt.name, "section")
        sheet.note(debt.name, "section")
        terms = terms_of(frame, debt)
        if debt.is_strip:
            _strip(frame, market, sheet, worn, months, made, debt, terms)
        elif debt.kind == "revolver":
            _revolver(frame, sheet, made, debt, terms)
        else:
            _loan(frame, sheet, made, debt, terms)
    return sheet, worn, made


def _ends(frame: Frame) -> list[int]:
    clock, out = frame.problem.clock, []
    for debt in frame.problem.debts:
        if debt.is_strip:
            for v in np.flatnonzero(frame.decided(frame.decisions.issued, debt.name).any(axis=0)):
                out.append(max(clock.date_at(debt.maturity_month(int(clock.date_month[v]))), frame.periods))
    return out


# --- fixed strips ---------------------------------------------------------------------------------------------------


def _strip(frame: Frame, market: Market, sheet: Sheet, worn: Sheet, months: Row, made: Debts, debt: Debt, terms: Terms) -> None:
    issued = frame.decided(frame.decisions.issued, debt.name)
    dates = [int(v) for v in np.flatnonzero(issued.any(axis=0))]
    called = frame.decisions.called.get(debt.name, np.zeros((frame.scenarios, frame.dates, frame.dates)))
    if dates:
        face = frame.chosen.series(f"{debt.name}, issued", issued, "USD", "usd")
        made.lines[debt.name] = {line: [] for line in LINES}
        made.kinds[debt.name], made.opening[debt.name], made.opening_due[debt.name] = debt, ZERO, ZERO
        for v in dates:
            label = f"{debt.name} of {_month(frame, v)}"
            calls = frame.chosen.series(f"{label}, called (of face at issue)", called[:, v, :], "USD", "usd")
            _vintage(
                frame,
                market,
                sheet,
                worn,
                months,
                made,
                debt,
                terms,
                label,
                face[v],
                calls,
                calendar(frame, debt, v, False),
                False,
            )
    if debt.existing > 0.0:
        key = f"{debt.name}@existing"
        calls = frame.chosen.series(
            f"{key}, called (of face at the start)", frame.decided(frame.decisions.called, key), "USD", "usd"
        )
        stood = frame.given(f"debt/{debt.name}/existing", f"{debt.name}: face at the start", debt.existing, "USD", "usd")
        made.lines[key] = {line: [] for line in LINES}
        when_issued = calendar(frame, debt, 0, True)
        made.kinds[key], made.opening[key] = debt, stood
        made.opening_due[key] = terms.rate[1] * when_issued.behind / 12 * stood
        label = f"{debt.name} at the start"
        _vintage(frame, market, sheet, worn, months, made, debt, terms, label, stood, calls, when_issued, True)


def _month(frame: Frame, v: int) -> str:
    return month_text(frame.problem.clock.start_month + frame.month[v])


def _vintage(
    frame: Frame,
    market: Market,
    sheet: Sheet,
    worn: Sheet,
    months: Row,
    made: Debts,
    debt: Debt,
    terms: Terms,
    label: str,
    face_at_issue: Term,
    calls: Row,
    when_: Calendar,
    existing: bool,
) -> None:
    """One face from its issue to its end, in the order in which a date happens: interest, principal, put or call, maturity."""
    key = f"{debt.name}@existing" if existing else debt.name
    lines, v, last = made.lines[key], when_.start, min(when_.end, frame.periods)
    ends_here = when_.end <= frame.periods
    before_end = last - 1 if ends_here else last
    strike, room = _conversion(frame, market, sheet, debt, terms, label, v)
    put_taken: Term = ZERO
    if when_.put is not None:
        put_taken = term(1)
        if strike is not None:
            assert debt.put is not None
            put_price = frame.given(f"debt/{debt.name}/put", f"{debt.name}: put price", debt.put[1], "of balance", "percent")
            taken = sheet.row(
                f"{label}: put by its holders (1) or worth more converted (0)",
                lambda d: when(market.share[d] / strike > put_price, 0, 1),
                "",
                "count",
                first=when_.put,
                end=when_.put + 1,
            )
            put_taken = taken[when_.put]
    left_row = NOTHING
    if when_.left[:, v + 1 : before_end + 1].any():
        table = np.full((frame.scenarios, frame.dates), np.nan)
        table[:, v + 1 : before_end + 1] = when_.left[:, v + 1 : before_end + 1]
        left_row = frame.paths.series(f"{label}: payments of principal left", table, "", "count")
    given_row = NOTHING
    if any(v < e <= before_end for e in when_.given):
        table = np.full((1, frame.dates), np.nan)
        for e, part in when_.given.items():
            if v < e <= before_end:
                table[0, e] = part
        given_row = frame.paths.series(f"{label}: share of face repaid", table, "of face", "percent")
    rows: dict[str, Row] = {}

    def row(
        name: str, text: str, make: Maker, first: int = v + 1, end: int = last + 1, look: str = "usd", unit: str = "USD"
    ) -> Row:
        rows[name] = sheet.row(f"{label}: {text}", make, unit, look, first=first, end=end)
        return rows[name]

    may_call = calls is not NOTHING
    retires = may_call or when_.put is not None

    def paid_share(d: int) -> Term:
        """Share of the interest due that is settled at the payment date."""
        if d in when_.paydays:
            return term(1)
        return put_taken if d == when_.put else ZERO

    def gone(d: int) -> Term:
        return rows["share"][d] if retires else ZERO

    face = row(
        "face",
        "face that stands",
        lambda d: face_at_issue if d == v else rows["face"][d - 1] * (1 - gone(d)),
        first=v,
    )
    row("accrued", "coupon", lambda d: terms.rate[d] * frame.years[d] * rows["closing"][d - 1])
    opening_due = made.opening_due[key] if existing else ZERO

    def due_before(d: int) -> Term:
        return (rows["due"][d - 1] if d - 1 > v or not existing else opening_due) + rows["accrued"][d]

    if debt.pik:
        row("pik", "interest added", lambda d: terms.pik * paid_share(d) * due_before(d) if d in when_.capitalises else ZERO)

    def pik(d: int) -> Term:
        return rows["pik"][d] if debt.pik else ZERO

    def middle(d: int) -> Term:
        return rows["closing"][d - 1] + pik(d)

    def principal(d: int) -> Term:
        if d > before_end:
            return ZERO
        if given_row is not NOTHING:
            return least(given_row[d] * face[d - 1], middle(d)) if d in when_.given else ZERO
        if left_row is NOTHING or not when_.left[:, d].any():
            return ZERO
        over, left = largest(middle(d) - terms.balloon * face[d - 1], 0.0), left_row[d]
        if debt.amortisation == "annuity":
            q = terms.rate[d] * when_.since[d] / 12
            pay = when(q.equals(0), over / left, over * q / ((1 + q) ** left - 1))
        else:
            pay = over / left
        pay = pay if bool(when_.left[:, d].all()) else when(left.equals(0), 0, pay)
        return pay if d in when_.paydays else put_taken * pay

    row("principal", "principal", principal)
    if retires:

        def share(d: int) -> Term:
            if d > before_end:
                return ZERO
            call = when(face[d - 1] > 0, calls[d] / face[d - 1], 0) if may_call and not calls[d].zero else ZERO
            if d == when_.put:
                return put_taken if call.zero or put_taken.text == "1" else when(put_taken > 0, 1, call)
            return call

        row("share", "share called or put", share, look="percent", unit="share")
        row("retired", "called or put", lambda d: gone(d) * (middle(d) - rows["principal"][d]))
    retired = rows.get("retired", NOTHING)
    if ends_here:
        row("matured", "balance at maturity", lambda d: middle(d), first=last, end=last + 1)
    row(
        "closing",
        "balance after",
        lambda d: face_at_issue if d == v else ZERO if ends_here and d == last else middle(d) - rows["principal"][d] - retired[d],
        first=v,
    )
    row("due", "interest due after", lambda d: due_before(d) * (1 - paid_share(d)) * (1 - gone(d)))
    row(
        "paid",
        "interest paid",
        lambda d: due_before(d) * paid_share(d) - pik(d) + gone(d) * (due_before(d) * (1 - paid_share(d))),
    )
    lines["pik"] += [rows["pik"]] if debt.pik else []
    for name in ("principal", "closing", "accrued", "paid"):
        lines[name].append(rows[name])
    if existing:
        row("due_at_all", "interest due", lambda d: opening_due if d == v else rows["due"][d], first=v)
        lines["due"].append(rows["due_at_all"])
    else:
        lines["due"].append(rows["due"])
        lines["issued"].append(row("issued", "issued", lambda d: face_at_issue, first=v, end=v + 1))
        if bears_costs(debt):
            lines["costs"].append(
                row("costs", "discount and fees at issue", lambda d: terms.cost * face_at_issue, first=v, end=v + 1)
            )
        if not terms.capped_cost.zero:
            lines["capped_call"].append(
                row("capped_call", "capped call bought", lambda d: terms.capped_cost * face_at_issue, first=v, end=v + 1)
            )
    if may_call:
        calls_only = row("called", "called", lambda d: when(put_taken > 0, 0, retired[d]) if d == when_.put else retired[d])
        lines["called"].append(calls_only)
        lines["call_premium"].append(
            row("call_premium", "premium at calls", lambda d: (_call_price(frame, debt, d) - 1) * calls_only[d])
        )
    if when_.put is not None:
        assert debt.put is not None
        lines["put"].append(row("put", "put by holders", lambda d: put_taken * retired[d], first=when_.put, end=when_.put + 1))
        price = frame.given(f"debt/{debt.name}/put", f"{debt.name}: put price", debt.put[1], "of balance", "percent")
        lines["put_premium"].append(
            row("put_premium", "premium at the put", lambda d: (price - 1) * rows["put"][d], first=when_.put, end=when_.put + 1)
        )
    _redeem(frame, market, made, debt, key, label, rows, row, strike, room, ends_here, last)
    if not ends_here:
        _put_to_come(frame, market, made, debt, key, rows, row, when_, strike)
    if not existing and bears_costs(debt):
        _costs(frame, sheet, worn, months, made, debt, terms, label, lines, rows, row, when_, gone, last)


def _call_price(frame: Frame, debt: Debt, d: int) -> Term:
    """Price of a call at a date: an input for each step."""
    if debt.call is None:
        return term(1)
    month = frame.month[d]
    steps = [(first, price) for first, price in debt.call.steps if month >= first]
    if not steps:
        return term(1)
    first, price = steps[-1]
    return frame.given(
        f"debt/{debt.name}/call/{first}", f"{debt.name}: call price from month {first}", price, "of balance", "percent"
    )


def _conversion(
    frame: Frame, market: Market, sheet: Sheet, debt: Debt, terms: Terms, label: str, v: int
) -> tuple[Term | None, Term]:
    """Conversion price of a vintage, and the most that its capped call pays per 1 of face."""
    if debt.conversion is None:
        return None, ZERO
    if debt.conversion.price is not None:
        strike = frame.given(
            f"debt/{debt.name}/strike", f"{debt.name}: conversion price", debt.conversion.price, "USD/share", "price"
        )
    else:
        made = sheet.row(
            f"{label}: conversion price",
            lambda d: market.share[d] * (1 + terms.premium),
            "USD/share",
            "price",
            first=v,
            end=v + 1,
        )
        strike = made[v]
    if not terms.capped:
        return strike, ZERO
    return strike, largest((1 + terms.cap_premium) / (1 + terms.premium) - 1, 0.0)


def _redeem(
    frame: Frame,
    market: Market,
    made: Debts,
    debt: Debt,
    key: str,
    label: str,
    rows: dict[str, Row],
    row: Adder,
    strike: Term | None,
    room: Term,
    ends_here: bool,
    last: int,
) -> None:
    """Maturity in cash or in shares, and what still stands at the horizon."""
    lines, T = made.lines[key], frame.periods
    add = row

    def payoff(d: int) -> Term:
        assert strike is not None
        return least(largest(market.share[d] / strike - 1, 0.0), room)

    if ends_here:
        if strike is None:
            lines["redeemed"].append(rows["matured"])
            return
        at = {"first": last, "end": last + 1}
        converts = add(
            "converts",
            "settled in shares (1) or in cash (0)",
            lambda d: when(market.share[d] > strike, 1, 0),
            **at,
            look="count",
            unit="",
        )
        lines["redeemed"].append(add("redeemed", "redeemed in cash", lambda d: rows["matured"][d] * (1 - converts[d]), **at))
        lines["converted"].append(add("converted", "settled in shares", lambda d: rows["matured"][d] * converts[d], **at))
        made.conversion.append(
            add("conversion", "worth of the shares", lambda d: -(rows["converted"][d] * market.share[d] / strike), **at)
        )
        if not room.zero:
            made.capped.append(add("payoff", "capped call pays", lambda d: rows["matured"][d] * payoff(d), **at))
        delivered = add(
            "delivered", "shares delivered", lambda d: rows["converted"][d] / strike, **at, look="shares", unit="shares"
        )
    else:
        at = {"first": T, "end": T + 1}
        due = lines["due"][-1]
        if strike is None:
            claim = add("claim", "claim at the horizon", lambda d: rows["closing"][d] + due[d], **at)
        else:
            claim = add(
                "claim",
                "claim at the horizon",
                lambda d: rows["closing"][d] * largest(market.share[d] / strike, 1.0) + due[d],
                **at,
            )
            if not room.zero:
                made.capped.append(add("payoff", "capped call is worth", lambda d: rows["closing"][d] * payoff(d), **at))
        made.claims.append(claim)
        delivered = NOTHING
    if strike is not None:
        made.convertibles.append(Standing(debt.name, key, strike, room, rows["closing"], delivered, last if ends_here else None))


def _put_to_come(
    frame: Frame,
    market: Market,
    made: Debts,
    debt: Debt,
    key: str,
    rows: dict[str, Row],
    row: Adder,
    when_: Calendar,
    strike: Term | None,
) -> None:
    """What holders have earned at the horizon, by months from issue, of the premium of a put that comes after it."""
    if debt.put is None or debt.put[1] <= 1.0:
        return
    date, T = frame.problem.clock.date_at(debt.put[0]), frame.periods
    if not T < date < when_.end:
        return
    price = frame.given(f"debt/{debt.name}/put", f"{debt.name}: put price", debt.put[1], "of balance", "percent")
    share = (frame.month_at(T) - when_.issued) / (frame.month_at(date) - when_.issued)
    earned = 1 + (price - 1) * share

    def premium(d: int) -> Term:
        worth: Term = term(1) if strike is None else largest(market.share[d] / strike, 1.0)
        return rows["closing"][d] * largest(earned - worth, 0.0)

    made.put_earned.setdefault(key, []).append(
        row("put_earned", "premium of the put to come, earned", premium, first=T, end=T + 1)
    )


def _costs(
    frame: Frame,
    sheet: Sheet,
    worn: Sheet,
    months: Row,
    made: Debts,
    debt: Debt,
    terms: Terms,
    label: str,
    lines: dict[str, list[Row]],
    rows: dict[str, Row],
    row: Adder,
    when_: Calendar,
    gone: Callable[[int], Term],
    last: int,
) -> None:
    """Discount and fees: straight-line for tax, by effective interest in the books."""
    v, face = when_.start, rows["face"]
    life = frame.month_at(when_.end) - frame.month_at(v)

    def step(d: int) -> Term:
        """What wears straight-line in the period."""
        return terms.cost * face[d - 1] * ((frame.months[d] - frame.months[d - 1]) / life)

    def before(d: int) -> Term:
        return rows["left"][d - 1] if d - 1 > v else terms.cost * face[v]

    row(
        "left",
        "discount and fees left, straight-line",
        lambda d: ZERO if d == when_.end else (before(d) - step(d)) * (1 - gone(d)),
    )
    lines["straight_line"].append(
        row(
            "straight",
            "discount and fees deducted for tax",
            lambda d: step(d) + (gone(d) * (before(d) - step(d)) if d < when_.end else ZERO),
        )
    )
    carried, residual = carried_cost(frame, worn, months, debt, terms, label, when_)
    made.residuals.append((label, residual))
    lines["amortised"].append(
        row("amortised", "discount and fees, effective interest", lambda d: (carried[d - 1] - carried[d]) * face[d - 1])
    )
    if any(name in rows for name in ("called", "put")):
        lines["written_off"].append(row("written", "discount and fees written off", lambda d: gone(d) * carried[d] * face[d - 1]))
    lines["carried_costs"].append(row("carried", "discount and fees in the books", lambda d: carried[d] * face[d], first=v))


# --- running balances -----------------------------------------------------------------------------------------------


def _loan(frame: Frame, sheet: Sheet, made: Debts, debt: Debt, terms: Terms) -> None:
    """Loans repaid by decision and BTC loans: draws and repayments are decisions."""
    lines = made.lines[debt.name] = {line: [] for line in LINES}
    made.kinds[debt.name], made.opening_due[debt.name] = debt, ZERO
    decisions = frame.decisions
    stood = frame.fixed(f"debt/{debt.name}/existing", f"{debt.name}: balance at the start", debt.existing, "USD", "usd")
    made.opening[debt.name] = stood
    drawn = frame.chosen.series(f"{debt.name}, drawn", frame.decided(decisions.issued, debt.name), "USD", "usd")
    repaid = frame.chosen.series(f"{debt.name}, repaid", frame.decided(decisions.repaid, debt.name), "USD", "usd")
    closing = sheet.row(f"{debt.name}: balance after", lambda d: (closing[d - 1] if d else stood) + drawn[d] - repaid[d])
    accrued = sheet.row(f"{debt.name}: coupon", lambda d: terms.rate[d] * frame.years[d] * closing[d - 1], first=1)
    lines["issued"], lines["principal"], lines["closing"] = [drawn], [repaid], [closing]
    lines["accrued"], lines["paid"] = [accrued], [accrued]
    if drawn is not NOTHING and bears_costs(debt):
        lines["costs"] = [sheet.row(f"{debt.name}: discount and fees at issue", lambda d: terms.cost * drawn[d])]
        _spread(frame, sheet, lines, debt.name, drawn, terms.cost, running_maturity(frame.problem, debt))
    made.claims.append(sheet.row(f"{debt.name}: claim at the horizon", lambda d: closing[d], first=frame.periods))


def _revolver(frame: Frame, sheet: Sheet, made: Debts, debt: Debt, terms: Terms) -> None:
    """Revolver: its balance is a decision."""
    problem = frame.problem
    lines = made.lines[debt.name] = {line: [] for line in LINES}
    made.kinds[debt.name], made.opening_due[debt.name] = debt, ZERO
    stood = frame.fixed(f"debt/{debt.name}/existing", f"{debt.name}: balance at the start", debt.existing, "USD", "usd")
    made.opening[debt.name] = stood
    limit = frame.given(f"debt/{debt.name}/limit", f"{debt.name}: limit", debt.limit, "USD", "usd")
    closing = frame.chosen.series(
        f"{debt.name}, balance", frame.decided(frame.decisions.balance, debt.name), "USD", "usd", keep=True
    )

    def move(d: int) -> Term:
        return closing[d] - (closing[d - 1] if d else stood)

    lines["issued"] = [sheet.row(f"{debt.name}: drawn", lambda d: largest(move(d), 0.0))]
    lines["principal"] = [sheet.row(f"{debt.name}: repaid", lambda d: largest(-move(d), 0.0))]
    lines["closing"] = [closing]
    accrued = sheet.row(f"{debt.name}: coupon", lambda d: terms.rate[d] * frame.years[d] * closing[d - 1], first=1)
    lines["accrued"], lines["paid"] = [accrued], [accrued]
    start = first_date(debt)
    if start is not None:
        end = running_maturity(problem, debt)
        commitment = frame.fixed(
            f"debt/{debt.name}/commitment",
            f"{debt.name}: commitment fee on what is not drawn",
            debt.commitment,
            "per year",
            "rate",
        )
        if not commitment.zero:
            fee = sheet.row(
                f"{debt.name}: commitment fee",
                lambda d: commitment * frame.years[d] * (limit - closing[d - 1]),
                first=start + 1,
                end=min(end, frame.periods) + 1,
            )
            lines["commitment"], lines["paid"] = [fee], [accrued, fee]
        if debt.existing <= 0.0 and start < end and debt.fee * debt.limit:
            one = sheet.row(f"{debt.name}: limit made available", lambda d: limit if d == start else ZERO)
            lines["costs"] = [sheet.row(f"{debt.name}: fee", lambda d: terms.fee * one[d])]
            _spread(frame, sheet, lines, debt.name, one, terms.fee, end)
    made.claims.append(sheet.row(f"{debt.name}: claim at the horizon", lambda d: closing[d], first=frame.periods))


def _spread(frame: Frame, sheet: Sheet, lines: dict[str, list[Row]], name: str, drawn: Row, cost: Term, end: int) -> None:
    """Costs of a balance that is repaid at will: straight-line by months from the draw to the end, for tax and in the books."""
    month_of_end = frame.month_at(end)
    last = min(end, frame.dates)

    def done(d: int) -> Term:
        """What has worn by a date, per 1 of cost."""
        upto = min(d, last - 1)
        now, months, amounts = frame.months[d], frame.months.span(0, upto), drawn.span(0, upto)
        reached = least(now, float(month_of_end))
        text = f"SUMPRODUCT({amounts.text},({reached.text}-{months.text})/({month_of_end}-{months.text}))"
        value = sum(a * (reached.number - m) / (month_of_end - m) for a, m in zip(amounts.filled, months.filled, strict=True))
        return formula(text, value)

    worn = sheet.row(f"{name}: discount and fees worn so far, per 1 of cost", done)
    wear = sheet.row(f"{name}: discount and fees worn", lambda d: cost * (worn[d] - worn[d - 1]), first=1)
    left = sheet.row(f"{name}: discount and fees left", lambda d: cost * (total(drawn.span(0, min(d, last - 1))) - worn[d]))
    lines["straight_line"], lines["amortised"], lines["carried_costs"] = [wear], [wear], [left]
