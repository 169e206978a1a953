"""Requirements of sites: what stands, what may and must be built, what power there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from models.problem import Expansion, Problem, Site
from optimizer.case.quotes import Part, dotted
from optimizer.engine.views.builds import BUILDS
from optimizer.explain import stated_limits
from optimizer.explain.no_plan import adjustments as by
from optimizer.explain.no_plan.adjustments import Settings
from optimizer.explain.no_plan.requirements.case_view import CaseView, shown
from optimizer.explain.no_plan.requirements.terms import first_arrival, lead_time, limit, minimum, present, window
from optimizer.explain.no_plan.row_owners import ANY, FACT, HOURS, Pattern, Requirement


def site_requirements(view: CaseView, site: Site) -> Iterator[Requirement]:
    at: tuple[Part, ...] = ("sites", site.name)
    for kind in BUILDS:
        terms: Expansion | None = getattr(site, kind)
        if terms is not None:
            yield from _build(view, site, kind, terms)
    if site.blocks and view.case is not None:
        yield _blocks(view, site, at)
    permit = stated_limits.diesel_permit(site)
    if permit is not None:
        parameter = by.quantity(view.words, permit.parts, permit.unit, permit.value, up=True)
        said = view.text(permit.parts, f"{permit.value:g} {permit.unit}")
        yield view.requirement(
            permit.parts, "limit", said, rows=(permit.row,), drop=(f"{permit.path}=",), parameters=(parameter,)
        )
    if view.case is None:
        return
    yield from _standing(view, site, at)
    if site.battery is not None:
        parts = (*at, "battery")
        yield view.requirement(parts, FACT, view.text(parts, ""), touches=((HOURS, site.name),))
    if site.delay.any():
        yield _delay(view, site, at)
    yield from _sources(view, site, at)


# ---- rows that change with what stands -------------------------------------------------------------------------------


def _number(view: CaseView, site: Site) -> int:
    return [s.name for s in view.problem.sites].index(site.name)


def _power_rows(view: CaseView, site: Site) -> tuple[Pattern, ...]:
    capacity = ("capacity", ANY, ANY, _number(view, site))
    return ((HOURS, site.name), capacity, ("blocks_fit", site.name), ("rule",), ("service_floor_after", site.name))


def _mining_rows(site: Site) -> tuple[Pattern, ...]:
    return ("mining_hall", site.name), ("mining_hall_left", site.name)


def _ai_rows(site: Site) -> tuple[Pattern, ...]:
    return ("ai_hall", site.name), ("ai_hall_after", site.name)


def _build_rows(view: CaseView, site: Site, kind: str) -> tuple[Pattern, ...]:
    i = _number(view, site)
    rows: tuple[Pattern, ...] = {
        "expand": (
            (HOURS, site.name), ("capacity", "grid", ANY, i), ("blocks_fit", site.name), ("service_floor_after", site.name),
        ),
        "build_mining": _mining_rows(site),
        "build_ai": _ai_rows(site),
        "convert": (*_ai_rows(site), ("mining_hall", site.name)),
        "store": ((HOURS, site.name), ("capacity", ANY, ANY, i)),
    }[kind]  # fmt: skip
    return (*rows, ("rule",), ("build_minimum", site.name, kind))


# ---- what stands -----------------------------------------------------------------------------------------------------


def _standing(view: CaseView, site: Site, at: tuple[Part, ...]) -> Iterator[Requirement]:
    """The interconnection and the halls as they are."""
    for key, now, touched in (
        ("interconnection", site.interconnection_mw, _power_rows(view, site)),
        ("mining_hall", site.mining_mw, (*_mining_rows(site), ("rule",))),
        ("ai_hall", site.ai_mw, (*_ai_rows(site), ("rule",))),
    ):
        parts = (*at, key, "now")
        if view.words.node(*parts) is None:
            continue
        drop: Settings = (f"{dotted(*parts)}={shown('MW', view.big_m['MW'])}",)
        if key != "interconnection":  # a hall beyond all need would cost its upkeep
            drop += (f"{dotted(*at)}.{key}.fixed_cost=0 USD/MW/year",)
        said = f"{dotted(*at, key)} of {view.words.text(*parts)}"
        parameter = by.quantity(view.words, parts, "MW", now, up=True)
        yield view.requirement(parts, "amount", said, touches=touched, drop=drop, parameters=(parameter,), monotone=True)


def _delay(view: CaseView, site: Site, at: tuple[Part, ...]) -> Requirement:
    """A site's builds are late: in all scenarios, or in some."""
    drop: list[str] = []
    if view.words.node(*at, "delay") is not None:
        drop.append(f"{dotted(*at)}.delay=0 months")
    late = [name for name, one in view.model.scenarios.items() if f"sites.{site.name}" in one.delay]
    drop += [f"scenarios.{name}.delay=" for name in late]
    parts: tuple[Part, ...] = ("scenarios", late[0], "delay") if late else (*at, "delay")
    touched = (*_power_rows(view, site), *_mining_rows(site), ("rule",), *_ai_rows(site), ("rule",))
    return view.requirement(parts, "lead", view.text(parts, ""), touches=touched, drop=tuple(drop))


# ---- power -----------------------------------------------------------------------------------------------------------


def _blocks(view: CaseView, site: Site, at: tuple[Part, ...]) -> Requirement:
    """Contracted blocks need their MW of interconnection, and are paid whether used or not."""
    parts: tuple[Part, ...] = (*at, "power", "blocks")
    touched = ((HOURS, site.name), ("blocks_fit", site.name), ("operating_cash",), ("cash",))
    parameter = None
    if len(site.blocks) == 1:
        one = site.blocks[0]
        parts = (*parts, one.name, "mw")
        parameter = by.path_in_time(view.words, parts, "MW", float(one.mw.max()), up=False)
    drop = (f"{dotted(*at, 'power', 'blocks')}=",)
    return view.requirement(parts, "amount", view.text(parts, ""), touches=touched, drop=drop, parameters=present(parameter))


def _sources(view: CaseView, site: Site, at: tuple[Part, ...]) -> Iterator[Requirement]:
    """Diesel and plants of the site's own."""
    own: list[tuple[tuple[Part, ...], Any]] = [(("own", one.name), one) for one in site.own]
    for names, source in [(("diesel",), site.diesel), *own]:
        if source is None:
            continue
        parts = (*at, "power", *names, "mw")
        parameter = by.path_in_time(view.words, parts, "MW", float(source.mw.max()), up=True)
        drop: Settings = (f"{dotted(*parts)}={shown('MW', view.big_m['MW'])}",)
        if getattr(source, "export", False):  # more than the line carries may not be sold
            drop += (f"{dotted(*parts[:-1])}.export=false",)
        if parameter is not None:
            touched = _power_rows(view, site)
            yield view.requirement(parts, "amount", view.text(parts, ""), touches=touched, drop=drop, parameters=(parameter,))


# ---- builds ----------------------------------------------------------------------------------------------------------


def _build(view: CaseView, site: Site, kind: str, terms: Expansion) -> Iterator[Requirement]:
    place = stated_limits.build_place(site, kind)
    most, least = stated_limits.build_limit(site, kind, terms), stated_limits.build_minimum(site, kind, terms)
    yield from limit(view, most, _with_build(site, kind, "limit"), as_written=True)
    yield from minimum(view, least, _with_build(site, kind, "minimum"))
    touches = _build_rows(view, site, kind)
    late = int(site.delay.max(initial=0))
    note = first_arrival(view.problem.clock, terms.window, terms.lead, dotted(*place), "be ready")
    note += f" (and {late} periods late)" if late else ""
    yield from window(view, (*place, "order"), terms.window, touches, note=note)
    yield from lead_time(view, (*place, "lead"), terms.lead, touches, note, (*place, "payments"))


def _with_build(site: Site, kind: str, field: str) -> Callable[[Problem, float], Problem]:
    """apply(problem, value) that gives a field of what the site can build a new value."""

    def apply(problem: Problem, value: float) -> Problem:
        def changed(one: Site) -> Site:
            made: Any = {kind: replace(getattr(one, kind), **{field: value})}
            return replace(one, **made)

        return replace(problem, sites=tuple(changed(one) if one.name == site.name else one for one in problem.sites))

    return apply
