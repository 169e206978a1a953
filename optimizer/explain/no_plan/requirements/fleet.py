"""Requirements of rigs: what may be ordered and when, how long they work, what is owned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.problem import Rig
from optimizer.case.quotes import Part, dotted
from optimizer.explain import stated_limits
from optimizer.explain.no_plan import adjustments as by
from optimizer.explain.no_plan.requirements.case_view import CaseView, shown
from optimizer.explain.no_plan.requirements.terms import first_arrival, lead_time, limit, present, ramp, window
from optimizer.explain.no_plan.row_owners import ANY, FACT, HOURS, Pattern, Requirement


def rig_requirements(view: CaseView, rig: Rig) -> Iterator[Requirement]:
    at: tuple[Part, ...] = ("rigs", rig.name)
    clock = view.problem.clock
    fleet: tuple[Pattern, ...] = (("fleet", rig.name),)
    orders = bool(rig.sites.any()) and (rig.limit > 0.0 and bool(rig.window.any()))
    most, apply = stated_limits.rig_limit(rig), by.with_part("rigs", rig.name, "limit")
    yield from limit(view, most, apply, fleet if rig.limit <= 0.0 else ())
    note = first_arrival(clock, rig.window & (np.arange(len(rig.window)) < clock.periods), rig.lead, rig.name, "work")
    if rig.limit > 0.0 and rig.sites.any():
        yield from window(view, (*at, "order"), rig.window, fleet, note=note)
    if orders or rig.option is not None:
        yield from lead_time(view, (*at, "lead"), rig.lead, fleet, note, (*at, "payments"))
    if np.isfinite(rig.supply).any():
        one = stated_limits.rig_supply(rig)
        parameters = present(by.path_in_time(view.words, one.parts, "MW", one.value, up=True))
        said = view.text(one.parts, shown("MW", one.value))
        yield view.requirement(one.parts, "limit", said, rows=(one.row,), drop=(f"{one.path}=",), parameters=parameters)
    yield from _life(view, at, rig)
    yield from _option(view, at, rig, fleet)
    if view.case is not None:
        if rig.ramps:
            yield ramp(view, at, rig.ramp_limit, ((HOURS,), ("capacity", "rig")))
        yield from _owned(view, at, rig)
        if not rig.sites.all() and view.words.node(*at, "sites") is not None:
            said = view.text((*at, "sites"), "")
            yield view.requirement((*at, "sites"), "window", said, touches=fleet, drop=(f"{dotted(*at)}.sites=",))


def _option(view: CaseView, at: tuple[Part, ...], rig: Rig, fleet: tuple[Pattern, ...]) -> Iterator[Requirement]:
    one = stated_limits.rig_option_limit(rig)
    if one is None or rig.option is None:
        return
    parameter = by.quantity(view.words, one.parts, "MW", one.value, up=True)
    said = view.text(one.parts, shown("MW", one.value))
    drop = (f"{one.path}={shown('MW', view.big_m['MW'])}",)
    yield view.requirement(one.parts, "limit", said, rows=(one.row,), drop=drop, parameters=(parameter,))
    yield from window(view, (*at, "option", "buy"), rig.option.buy, (("rig_options", rig.name), *fleet))
    yield from window(view, (*at, "option", "exercise"), rig.option.exercise, fleet)


def _life(view: CaseView, at: tuple[Part, ...], rig: Rig) -> Iterator[Requirement]:
    """How long rigs work; the owned ones may have a life of their own."""
    if view.case is None:
        return
    clock = view.problem.clock
    periods, months = clock.periods, int(clock.months[0])
    owned = float(rig.owned.sum()) > 0.0 and rig.owned_life < periods
    key = "owned_life" if owned and view.words.node(*at, "owned_life") is not None else "life"
    if not owned and rig.life >= periods:
        return
    parts = (*at, key)
    now = rig.owned_life if key == "owned_life" else rig.life
    points = [months * k for k in range(now + 1, periods + 2)]
    parameter = by.months(parts, months * now, points, up=True)
    far = months * (periods + 1)
    drop = tuple(f"{dotted(*at)}.{k}={far} months" for k in ("life", "owned_life") if view.words.node(*at, k) is not None)
    yield view.requirement(
        parts, "life", view.text(parts, "its life"), rows=(("rig_life", rig.name),), drop=drop, parameters=(parameter,)
    )


def _owned(view: CaseView, at: tuple[Part, ...], rig: Rig) -> Iterator[Requirement]:
    for i, site in enumerate(view.problem.sites):
        parts = (*at, "owned", site.name)
        if rig.owned[i] > 0.0 and view.words.text(*parts) is not None:
            rows: tuple[Pattern, ...] = (("fleet", rig.name, site.name, ANY, 0), ("rig_life", rig.name, site.name))
            yield view.requirement(parts, FACT, view.text(parts, ""), touches=rows)
