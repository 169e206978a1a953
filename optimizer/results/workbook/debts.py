"""Debts: every face issued walked from its terms, date by date, and the schedules that they add up to.

The calendar of a debt (payment dates, maturity, how many payments are left) is worked out here and stands in the workbook as it is;
coupons, prices, fees, shares of PIK, balloons, calls and conversion terms are inputs that the formulas follow.
"""

from __future__ import annotations

import numpy as np

from models.dates import month_text
from models.problem import Debt
from models.proforma.debt import first_date, running_maturity
from optimizer.results.workbook.debt_lines import LINES, Debts
from optimizer.results.workbook.debt_terms import Terms, bears_costs, calendar, terms_of
from optimizer.results.workbook.expressions import ZERO, Term, formula, largest, least, total
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.operations import Market
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet
from optimizer.results.workbook.vintages import Vintage, write_vintage


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
            label = f"{debt.name} of {month_text(frame.problem.clock.start_month + frame.month[v])}"
            calls = frame.chosen.series(f"{label}, called (of face at issue)", called[:, v, :], "USD", "usd")
            when = calendar(frame, debt, v, False)
            write_vintage(Vintage(frame, market, sheet, made, debt, terms, label, face[v], calls, when, False), worn, months)
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
        write_vintage(Vintage(frame, market, sheet, made, debt, terms, label, stood, calls, when_issued, True), worn, months)


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
