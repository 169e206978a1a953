"""Requirements of debt and shares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.dates import iso_month
from models.problem import Debt, Equity
from optimizer.case.quotes import Part, dotted
from optimizer.case.reading.timeline import first_of_month
from optimizer.explain import stated_limits
from optimizer.explain.no_plan import adjustments as by
from optimizer.explain.no_plan.adjustments import AdjustableParameter, Settings
from optimizer.explain.no_plan.requirements.case_view import CaseView, shown
from optimizer.explain.no_plan.requirements.terms import limit, minimum, present, window
from optimizer.explain.no_plan.row_owners import Pattern, Requirement


def debt_requirements(view: CaseView, debt: Debt) -> Iterator[Requirement]:
    at: tuple[Part, ...] = ("financing", debt.name)
    money: tuple[Pattern, ...] = (("cash",), ("rule",), ("issue_minimum", debt.name), ("debt_roll", debt.name))
    money += (("loan_to_value", debt.name), ("coverage", debt.name), ("issue_limit", debt.name))
    no_row = debt.kind == "btc_loan" or (debt.kind != "revolver" and (not debt.is_strip or debt.limit - debt.existing <= 0.0))
    costs: Settings = ()
    if debt.kind == "revolver":
        # a limit beyond all need would cost its fees
        costs = (f"{dotted(*at)}.fee=0 %", f"{dotted(*at)}.commitment_fee=0 %/year")
    most, least = stated_limits.issue_limit(debt), stated_limits.issue_minimum(debt)
    yield from limit(view, most, by.with_part("debts", debt.name, "limit"), money if no_row else (), drop=costs)
    yield from minimum(view, least, by.with_part("debts", debt.name, "minimum"))
    yield from _per_date(view, at, debt, money)
    clock = view.problem.clock
    before = clock.date_at(debt.maturity) if debt.maturity is not None and debt.is_strip else None
    if debt.limit > debt.existing:
        ends = before if before is not None and before <= clock.periods - 1 else None
        yield from window(view, (*at, "issue"), debt.window, money, ends_before=ends)
    if debt.collateral:
        yield _security(view, debt)
    if debt.kind == "btc_loan":
        yield _loan_to_value(view, at, debt)
    if debt.coverage > 0.0:
        one = stated_limits.coverage(debt)
        parameter = by.quantity(view.words, one.parts, "", debt.coverage, up=False, bound=1e-6)
        said = view.text(one.parts, f"{debt.coverage:g}")
        yield view.requirement(one.parts, "share", said, rows=(one.row,), drop=(f"{one.path}=0.000001",), parameters=(parameter,))
    if debt.amortisation == "sculpted":
        yield _sculpted(view, at, debt)
    if debt.existing > 0.0 and view.case is not None:
        yield _existing(view, at, debt, money)


def equity_requirements(view: CaseView, equity: Equity) -> Iterator[Requirement]:
    at: tuple[Part, ...] = ("financing", equity.name)
    money: tuple[Pattern, ...] = (("cash",), ("rule",), ("issue_minimum", equity.name))
    most, least = stated_limits.issue_limit(equity), stated_limits.issue_minimum(equity)
    yield from limit(view, most, by.with_part("equities", equity.name, "limit"), money if equity.limit <= 0.0 else ())
    yield from minimum(view, least, by.with_part("equities", equity.name, "minimum"))
    yield from _per_date(view, at, equity, money)
    if equity.limit > 0.0:
        yield from window(view, (*at, "issue"), equity.window, money, last=True)


def _per_date(view: CaseView, at: tuple[Part, ...], one: Debt | Equity, money: tuple[Pattern, ...]) -> Iterator[Requirement]:
    most = float(one.date_limit.min())
    if np.isfinite(most) and view.case is not None:
        parts = (*at, "per_date")
        parameter = by.quantity(view.words, parts, "USD", most, up=True)
        said = view.text(parts, shown("USD", most))
        drop = (f"{dotted(*parts)}={shown('USD', view.beyond('USD', most))}",)
        yield view.requirement(parts, "limit", said, touches=money, drop=drop, parameters=(parameter,))


def _security(view: CaseView, debt: Debt) -> Requirement:
    one = stated_limits.collateral(debt)
    share = by.quantity(view.words, (*one.parts, "advance_rate"), "1", debt.advance_rate, up=True, bound=1.0)
    said = view.text(one.parts, f"{debt.advance_rate:.0%} of {', '.join(debt.collateral)}")
    return view.requirement(one.parts, "share", said, rows=(one.row,), drop=(f"{one.path}=",), parameters=(share,))


def _loan_to_value(view: CaseView, at: tuple[Part, ...], debt: Debt) -> Requirement:
    one, top = stated_limits.loan_to_value(debt), (*at, "top_up")
    given = view.words.node(*top) is not None

    def more(value: float, text: str) -> Settings:
        return (f"{dotted(*top)}={text}",) if given and value > debt.top_up else ()

    ltv = by.quantity(view.words, one.parts, "1", debt.ltv, up=True, bound=1.0, more=more)
    made = [ltv, by.quantity(view.words, top, "1", debt.top_up, up=True, bound=1.0)] if given else [ltv]
    drop = (f"{one.path}=100 %", *((f"{dotted(*top)}=100 %",) if given else ()))
    said = view.text(one.parts, f"{debt.ltv:.0%}")
    return view.requirement(one.parts, "share", said, rows=(one.row,), drop=drop, parameters=tuple(made))


def _sculpted(view: CaseView, at: tuple[Part, ...], debt: Debt) -> Requirement:
    """One ratio at every date and one schedule: without them the loan is repaid as cash allows."""
    parts = (*at, "amortisation")
    rows: tuple[Pattern, ...] = (("sculpted", debt.name), ("agreed", debt.name))
    drop = [f"{dotted(*parts)}=as_cash_allows"]
    if view.words.node(*at, "bank_case") is not None:
        drop.append(f"{dotted(*at)}.bank_case=")
    if debt.ratio is not None:
        drop += [f"{dotted(*at)}.ratio=", f"{dotted(*at)}.coverage=0.000001"]
    return view.requirement(parts, "share", view.text(parts, "sculpted"), rows=rows, drop=tuple(drop))


def _existing(view: CaseView, at: tuple[Part, ...], debt: Debt, money: tuple[Pattern, ...]) -> Requirement:
    """What is outstanding is due some day: later, and nothing of it is needed until then."""
    assert view.case is not None
    timeline, clock = view.case.frame.timeline, view.problem.clock
    days = timeline.dates
    due = clock.date_at(debt.maturity_month(debt.existing_month))
    parameter: AdjustableParameter | None = None
    if due <= clock.periods:
        key = "maturity" if debt.maturity is not None else "tenor"
        path = dotted(*at, key)
        beyond = timeline.first_month + int(clock.date_month[-1]) + int(clock.months[-1])
        later = [*days[due + 1 :], first_of_month(beyond)]
        if key == "maturity":
            parameter = by.dates(path, lambda d: (f"{path}={d}",), later, days[due], up=True)
        else:
            base = timeline.first_month + debt.existing_month
            points = [day.year * 12 + day.month - 1 - base for day in later]
            parameter = by.months((*at, key), debt.tenor or 0, points, up=True)
    note = f"due {iso_month(clock, due)}" if due <= clock.periods else ""
    said = view.text((*at, "existing"), shown("USD", debt.existing))
    return view.requirement(
        (*at, "existing"), "amount", said, touches=money, drop=(f"{dotted(*at)}.existing.face=0 USD",),
        parameters=present(parameter), note=note,
    )  # fmt: skip
