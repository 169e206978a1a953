"""What many things have: limits, minimums, windows, lead times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from models.dates import iso_month
from models.problem import Clock, Problem
from optimizer.case.quotes import Part, dotted
from optimizer.case.reading.units import parse_quantity
from optimizer.explain.no_plan import adjustments as by
from optimizer.explain.no_plan.adjustments import AdjustableParameter, Settings
from optimizer.explain.no_plan.requirements.case_view import CaseView, shown
from optimizer.explain.no_plan.row_owners import Pattern, Requirement
from optimizer.explain.stated_limits import Limit

if TYPE_CHECKING:
    from optimizer.case.schema.field_types import When


def present(*parameters: AdjustableParameter | None) -> tuple[AdjustableParameter, ...]:
    """Those that there are."""
    return tuple(parameter for parameter in parameters if parameter is not None)


#: gives a problem of plain arrays the figure of a limit
Apply = Callable[[Problem, float], Problem]


def limit(
    view: CaseView,
    one: Limit,
    apply: Apply,
    touches: tuple[Pattern, ...] = (),
    drop: Settings = (),
    as_written: bool = False,
) -> Iterator[Requirement]:
    """A limit. With `touches` in place of rows it is no row of the program (a limit of nothing leaves nothing to limit).

    drop: what has to be set with a limit that never binds; as_written: that one in the unit of the case.
    """
    if not np.isfinite(one.value):
        return
    much = view.beyond(one.unit, one.value)
    parameter = by.quantity(view.words, one.parts, one.unit, one.value, up=True, apply=apply)
    given = view.words.node(*one.parts) is not None or view.case is None
    yield view.requirement(
        one.parts,
        "limit",
        view.text(one.parts, shown(one.unit, one.value)),
        rows=() if touches else (one.row,),
        touches=touches,
        drop=(f"{one.path}={parameter.say(much) if as_written else shown(one.unit, much)}", *drop) if given else None,
        free=(lambda problem: apply(problem, much)) if touches else None,
        parameters=(parameter,),
    )


def minimum(view: CaseView, one: Limit, apply: Apply) -> Iterator[Requirement]:
    if one.value <= 0.0:
        return
    parameter = by.quantity(view.words, one.parts, one.unit, one.value, up=False, apply=apply)
    said = view.text(one.parts, shown(one.unit, one.value))
    drop = (f"{one.path}={shown(one.unit, 0.0)}",)
    yield view.requirement(one.parts, "minimum", said, rows=(one.row,), drop=drop, parameters=(parameter,))


# ---- windows ---------------------------------------------------------------------------------------------------------


def window(
    view: CaseView,
    parts: Sequence[Part],
    mask: np.ndarray,
    touches: tuple[Pattern, ...],
    last: bool = False,
    note: str = "",
    ends_before: int | None = None,
    offered: bool = False,
) -> Iterator[Requirement]:
    """Dates at which something may be decided, where they are not all. ends_before: the first date at which it may never be.

    What may be decided `never` is not on offer, unless offered says that it is.
    """
    if view.case is None:
        return
    whole = np.ones_like(mask)
    if not last:
        whole[-1] = False
    if ends_before is not None:
        whole[ends_before:] = False
    if not (whole & ~mask).any() or not (mask.any() or offered):
        return
    path = dotted(*parts)
    always = "always"
    if ends_before is not None:
        days = view.case.frame.timeline.dates
        always = _window_text(days[0], days[int(np.flatnonzero(whole)[-1])])
    if mask[0]:
        note = ""  # it opens at once: what is late is so for another reason
    said = view.text(parts, "never" if not mask.any() else "its default")
    parameters = _window_parameters(view, parts, mask, whole, always)
    yield view.requirement(parts, "window", said, touches=touches, drop=(f"{path}={always}",), parameters=parameters, note=note)


def _window_parameters(
    view: CaseView, parts: Sequence[Part], mask: np.ndarray, whole: np.ndarray, always: str
) -> tuple[AdjustableParameter, ...]:
    """The ends of a window, later and earlier; of one that never opens only what it may be at most."""
    assert view.case is not None
    days = view.case.frame.timeline.dates
    path, when = dotted(*parts), _window_in_case(view, parts)
    if not mask.any() or when is None or when.never:
        return (AdjustableParameter(path, 0.0, True, 1.0, lambda _: (f"{path}={always}",), lambda _: always, by.nearest, (1.0,)),)
    first, final = int(np.flatnonzero(mask)[0]), int(np.flatnonzero(mask)[-1])
    may = np.flatnonzero(whole)
    later = [days[d] for d in may if d > final]
    earlier = [days[d] for d in may[::-1] if d < first]
    start, end = when.first, when.last
    begins = by.dates(path, lambda d: (f"{path}={_window_text(d, end)}",), earlier, days[first], up=False)
    ends = by.dates(path, lambda d: (f"{path}={_window_text(start, d)}",), later, days[final], up=True)
    return present(ends, begins)


def _window_in_case(view: CaseView, parts: Sequence[Part]) -> When | None:
    """The window as the case has it."""
    from optimizer.case.schema.field_types import When

    part = view.model
    for key in parts:
        name = {"from": "from_"}.get(str(key), str(key))
        part = part.get(key) if isinstance(part, dict) else getattr(part, name, None)
    return part if isinstance(part, When) else None


def _window_text(first: Any, last: Any) -> str:
    """A window from its ends: dates, text or nothing."""
    ends = {"from": first, "until": last}
    inside = ", ".join(f"{k}: {v if isinstance(v, str) else by.day_text(v)}" for k, v in ends.items() if v is not None)
    return f"{{{inside}}}" if inside else "always"


# ---- lead times ------------------------------------------------------------------------------------------------------


def lead_time(
    view: CaseView, parts: Sequence[Part], lead: int, touches: tuple[Pattern, ...], note: str, payments: Sequence[Part]
) -> Iterator[Requirement]:
    """A lead time of some periods. What is paid later than the shorter lead is paid with it."""
    if lead <= 0 or view.case is None:
        return
    months = int(view.problem.clock.months[0])

    def paid_in_time(value: float) -> Settings:
        """No instalment later than the lead."""
        node = view.words.node(*payments)
        out: list[str] = []
        for n, one in enumerate(node.value if node is not None and node.kind == "list" else ()):
            after = one.get("after")
            if after is not None and parse_quantity(after.value, "months") > value:
                out.append(f"{dotted(*payments, n)}.after={value:.0f} months")
        return tuple(out)

    points = [months * k for k in range(lead - 1, -1, -1)]
    parameter = by.months(parts, months * lead, points, up=False, more=paid_in_time)
    said = view.text(parts, "none")
    yield view.requirement(parts, "lead", said, touches=touches, drop=parameter.settings(0.0), parameters=(parameter,), note=note)


def first_arrival(clock: Clock, mask: np.ndarray, lead: int, what: str, done: str, ordered: str = "ordered") -> str:
    """When the first order works, if orders begin late or take some time."""
    dates = np.flatnonzero(mask)
    if not len(dates):
        return f"{what} cannot be {ordered}"
    if lead == 0 and dates[0] == 0:
        return ""
    at = int(dates[0]) + lead
    if at > clock.periods - 1:
        return f"{what} cannot {done} within the horizon"
    return f"{what} cannot {done} before {iso_month(clock, at)}: {ordered} in {iso_month(clock, int(dates[0]))} at the earliest"


def ramp(view: CaseView, at: tuple[Part, ...], most: float, touched: tuple[Pattern, ...]) -> Requirement:
    """How much use may change within an hour."""
    parts = (*at, "ramp_limit")
    parameter = by.quantity(view.words, parts, "1/hour", most, up=True)
    return view.requirement(
        parts, "limit", view.text(parts, ""), touches=touched, drop=(f"{dotted(*parts)}=",), parameters=(parameter,)
    )
