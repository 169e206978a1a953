"""Requirements of the company: its cash and coins, overhead, given streams of cash, tax, projects, yearly limits, what is known when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from models.hours.meters import COMPANY, Limited, allowance
from models.problem import CashFlow, Problem, Project
from optimizer.case.arrays.problem import owed_after
from optimizer.case.quotes import Part, dotted
from optimizer.case.reading.units import parse_quantity
from optimizer.explain import stated_limits
from optimizer.explain.no_plan import adjustments as by
from optimizer.explain.no_plan.adjustments import AdjustableParameter
from optimizer.explain.no_plan.requirements.case_view import CaseView, shown
from optimizer.explain.no_plan.requirements.terms import limit, minimum, present, window
from optimizer.explain.no_plan.row_owners import ANY, HOURS, Pattern, Requirement


def project_requirements(view: CaseView, project: Project) -> Iterator[Requirement]:
    name = project.name
    yield from limit(
        view,
        stated_limits.project_limit(project),
        by.with_part("projects", name, "limit"),
    )
    yield from minimum(view, stated_limits.project_minimum(project), by.with_part("projects", name, "minimum"))
    touches = (("project_minimum", name), ("cash",), ("rule",))
    ends = _owed_from(view, name)
    yield from window(view, ("projects", name, "when"), project.window, touches, last=True, ends_before=ends)


def _owed_from(view: CaseView, name: str) -> int | None:
    """The first date from which a project would be paid after the horizon, and may not be decided; None: it never is."""
    if view.case is None:
        return None
    late = [int(np.flatnonzero(mask)[0]) for mask in owed_after(view.case.frame, name).values()]
    return min(late, default=None)


def company_requirements(view: CaseView) -> Iterator[Requirement]:
    yield _opening_cash(view)
    if view.case is None:
        return
    yield from _coins(view)
    p = view.problem
    # money can always stay: only a rule can want it paid out
    yield from window(view, ("treasury", "dividends"), p.treasury.dividends, (("rule",),), last=True, offered=True)
    if p.overhead.any():
        parts = ("company", "overhead")
        less = by.path_in_time(view.words, parts, "USD/year", float(p.overhead.max()), up=False)
        touched = (("operating_cash",), ("cash",), ("rule",))
        drop = ("company.overhead=0 USD/year",)
        yield view.requirement(parts, "amount", view.text(parts, ""), touches=touched, drop=drop, parameters=present(less))
    for name in view.model.cash_flows:
        flow = next(flow for flow in p.cash_flows if flow.name == name)
        if flow.amount.min() < 0.0:
            yield _cash_flow(view, flow)
    if p.tax is not None and p.tax.interest_limit is not None:
        parts = ("tax", "interest_limit")
        share = by.quantity(view.words, (*parts, "share"), "1", p.tax.interest_limit.share, up=True, bound=1.0)
        rows = (("interest_limit",),)
        yield view.requirement(
            parts, "share", view.text(parts, ""), rows=rows, drop=("tax.interest_limit=",), parameters=(share,)
        )
    yield from _information(view)


# ---- the treasury ----------------------------------------------------------------------------------------------------


def _opening_cash(view: CaseView) -> Requirement:
    parts, cash, much = ("treasury", "cash"), view.problem.treasury.cash, view.big_m["USD"]
    parameter = by.quantity(view.words, parts, "USD", cash, up=True, apply=_with_cash)
    return view.requirement(
        parts, "amount", view.text(parts, shown("USD", cash)), touches=(("cash", ANY, 0),), parameters=(parameter,),
        drop=(f"treasury.cash={shown('USD', much)}",), free=lambda problem: _with_cash(problem, much), monotone=True,
    )  # fmt: skip


def _with_cash(problem: Problem, value: float) -> Problem:
    return replace(problem, treasury=replace(problem.treasury, cash=value))


def _coins(view: CaseView) -> Iterator[Requirement]:
    """The coins there are, those that are kept, and when they are sold."""
    treasury = view.problem.treasury
    coins, retain = ("treasury", "coins"), ("treasury", "retain")
    if view.words.node(*coins) is not None:
        held = by.quantity(view.words, coins, "BTC", treasury.coins, up=True)
        drop = (f"treasury.coins={shown('BTC', view.big_m['BTC'])}",)
        touched: tuple[Pattern, ...] = (("coins", ANY, 0), ("pledges",), ("rule",), ("cash",))
        said = view.text(coins, "0 BTC")
        yield view.requirement(coins, "amount", said, touches=touched, drop=drop, parameters=(held,), monotone=True)
    if treasury.retain.any():
        kept = by.path_in_time(view.words, retain, "1", float(treasury.retain.max()), up=False)
        touched = ((HOURS,), ("coins",), ("cash",))
        said = view.text(retain, "")
        yield view.requirement(retain, "share", said, touches=touched, drop=("treasury.retain=",), parameters=present(kept))
    if treasury.coins > 0.0 or treasury.retain.any():
        touched = (("cash",), ("coins",), ("rule",))
        yield from window(view, ("treasury", "sell"), treasury.sell, touched, last=True, offered=True)


# ---- given streams of cash -------------------------------------------------------------------------------------------


def _cash_flow(view: CaseView, flow: CashFlow) -> Requirement:
    """A given stream of cash that is paid at some date."""
    at: tuple[Part, ...] = ("cash_flows", flow.name)
    touched: tuple[Pattern, ...] = (("operating_cash",), ("cash",), ("rule",))
    parameter: AdjustableParameter | None = None
    dated = view.words.node(*at, "dated")
    if dated is not None:
        paid = [key for key, node in dated.value.items() if node.value.strip().startswith("-")]
        drop = tuple(f"{dotted(*at)}.dated.{key}=0 USD" for key in paid)
        if len(paid) == 1:
            parts = (*at, "dated", paid[0])
            text = view.words.text(*parts) or ""
            parameter = by.quantity(view.words, parts, "USD", parse_quantity(text, "USD"), up=True, bound=0.0)
    else:
        drop = (f"{dotted(*at)}.amount=0 USD/year",)
        parameter = by.path_in_time(view.words, (*at, "amount"), "USD/year", _opening_size(view, flow.name), up=False)
    said = f"{dotted(*at)} of {view.words.text(*at, 'dated') or view.words.text(*at, 'amount')}"
    return view.requirement(at, "amount", said, touches=touched, drop=drop, parameters=present(parameter))


def _opening_size(view: CaseView, name: str) -> float:
    """USD a year (with its sign) that a stream begins with."""
    amount = view.model.cash_flows[name].amount
    return float(amount.at_dates(view.case.frame.timeline)[0]) if amount is not None and view.case is not None else -1.0


# ---- what is known when ----------------------------------------------------------------------------------------------


def _information(view: CaseView) -> Iterator[Requirement]:
    """Scenarios share decisions until they are told apart."""
    assert view.case is not None
    scenarios, periods = view.model.scenarios, view.problem.clock.periods
    node = view.problem.scenarios.node
    if len(scenarios) < 2 or any(one.follows is not None for one in scenarios.values()) or (node[0, 0] != node[1:, 0]).all():
        return
    days = view.case.frame.timeline.dates
    shared = np.flatnonzero((node[0] == node[1:]).any(axis=0))
    first = min(int(shared[-1]) + 1, periods)
    earlier = [days[d] for d in range(first - 1, 0, -1)]
    parameter = by.dates("information", lambda d: (f"information={d}",), earlier, days[first], up=False)
    parts = ("information",)
    said = view.text(parts, "all scenarios share every decision")
    yield view.requirement(
        parts, "information", said, touches=((ANY,),), drop=("information=start",), parameters=present(parameter)
    )


# ---- limits of calendar years ----------------------------------------------------------------------------------------


def yearly_requirements(view: CaseView, limited: Limited) -> Iterator[Requirement]:
    """An energy budget or emission cap; a soft one is paid for, and the money can be what is missing."""
    if not np.isfinite(allowance(view.problem, limited.terms)).any():
        return
    where = limited.where(view.problem)
    energy = limited.family == "energy_budget"
    at: tuple[Part, ...] = ("sites", where, limited.family)
    if where == COMPANY:
        at = ("limits", "energy" if energy else "emissions")
    unit = "MWh/year" if energy else "t/year"
    most = float(limited.terms.amount[np.isfinite(limited.terms.amount)].max())
    node = view.words.node(*at)
    parts = (*at, "limit") if node is not None and node.kind == "map" and node.get("limit") is not None else at
    parameter = by.path_in_time(view.words, parts, unit, most, up=True)
    drop = (f"{dotted(*at)}=",) if view.case is not None else None
    said = view.text(parts, shown(unit, most))
    yield view.requirement(at, "limit", said, rows=((limited.family, where),), drop=drop, parameters=present(parameter))
