"""Requirements of AI services: what may and must be signed, what must be served, how far demand bends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from models.problem import Service
from optimizer.case.quotes import Part, dotted
from optimizer.explain import stated_limits
from optimizer.explain.no_plan import adjustments as by
from optimizer.explain.no_plan.requirements.case_view import CaseView
from optimizer.explain.no_plan.requirements.terms import first_arrival, lead_time, limit, minimum, ramp, window
from optimizer.explain.no_plan.row_owners import ANY, FACT, HOURS, Pattern, Requirement


def service_requirements(view: CaseView, service: Service) -> Iterator[Requirement]:
    at: tuple[Part, ...] = ("ai", service.name)
    clock = view.problem.clock
    j = [s.name for s in view.problem.services].index(service.name)
    runs: tuple[Pattern, ...] = (("service_minimum", service.name), ("rented", service.name), ("capacity", "service", j))
    runs += (("ai_hall",), ("ai_hall_after",), ("service_floor_after",), ("rule",), ("operating_cash",), (HOURS,))
    most, least = stated_limits.service_limit(service), stated_limits.service_minimum(service)
    yield from limit(view, most, by.with_part("services", service.name, "limit"), runs if service.limit <= 0.0 else ())
    yield from minimum(view, least, by.with_part("services", service.name, "minimum"))
    if service.floor > 0.0:
        yield from _floor(view, at, service)
    yield from _flexible(view, at, service)
    note = first_arrival(clock, service.window, service.lead, service.name, "run", "signed")
    if service.limit > 0.0:
        # what is signed is paid for within the horizon
        paid = max(after for after, _ in service.payments.shares) if service.equipment is not None else 0
        ends = clock.periods - paid + 1 if paid > service.lead + 1 else None
        yield from window(view, (*at, "sign"), service.window, runs, note=note, ends_before=ends)
        yield from lead_time(view, (*at, "lead"), service.lead, runs, note, (*at, "equipment", "payments"))
    if view.case is not None and service.contracted.any():
        parts = (*at, "contracted")
        touched = (("ai_hall",), ("ai_hall_after",), ("service_floor", ANY, service.name))
        yield view.requirement(parts, FACT, view.text(parts, ""), touches=touched)


def _floor(view: CaseView, at: tuple[Part, ...], service: Service) -> Iterator[Requirement]:
    """The served share that the contract asks for; that of a policy (`ai_first`) is told by the policy where it asks for more."""
    own = service.floor if view.case is None else float(view.model.ai[service.name].floor)
    if own <= 0.0:
        return
    parts = (*at, "floor")
    # a lease must owe something: nearly nothing stands for nothing
    parameter = by.quantity(view.words, parts, "1", own, up=False, bound=1e-6, apply=None)
    rows = (("service_floor", ANY, service.name),)
    said = view.text(parts, f"{own:.0%}")
    told: dict[str, Any] = {"rows": rows} if own >= service.floor and not _policy_floor(view, service.name) else {"touches": rows}
    yield view.requirement(parts, "floor", said, drop=(f"{dotted(*parts)}=0.0001 %",), parameters=(parameter,), **told)


def _policy_floor(view: CaseView, service: str) -> bool:
    """Whether a policy gives the service a floor as well."""
    if view.case is None:
        return False
    from optimizer.case.arrays.policies import serves_first

    return serves_first(view.model, service)


def _flexible(view: CaseView, at: tuple[Part, ...], service: Service) -> Iterator[Requirement]:
    """Demand that waits only so much and so long, use that changes only so fast: more of it serves more."""
    if view.case is None or service.floor <= 0.0:
        return
    touched: tuple[Pattern, ...] = ((HOURS,), ("service_floor", ANY, service.name), ("capacity",))
    if service.deferrable is not None:
        parts = (*at, "deferrable")
        node = view.words.node(*parts)
        bare = node is None or node.kind == "scalar"
        share = parts if bare else (*parts, "share")
        drop = (f"{dotted(*share)}=100 %",) if bare else (f"{dotted(*share)}=100 %", f"{dotted(*parts)}.deadline=")
        parameter = by.quantity(view.words, share, "1", service.deferrable.share, up=True, bound=1.0)
        yield view.requirement(parts, "share", view.text(parts, ""), touches=touched, drop=drop, parameters=(parameter,))
    if service.ramps:
        yield ramp(view, at, service.ramp_limit, touched)
