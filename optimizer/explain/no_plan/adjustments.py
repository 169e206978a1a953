"""Levers: each a figure of the case that loosens a statement, and the settings (`--set`) that move it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from optimizer.case.quotes import CaseWords, Part, as_value, dotted
from optimizer.explain.no_plan.figures import Figure, plain, rounded

if TYPE_CHECKING:
    from models.problem import Problem

Settings = tuple[str, ...]
#: days that a date moves by, to be as large a change as a figure that doubles
YEAR = 365.0


@dataclass(frozen=True)
class AdjustableParameter:
    """One figure. It goes up, down, or (None) to the side that helps, no further than `bound`.

    path        what it is called in the case
    now         its value; `points`, where given, are the only ones that it can have, from the nearest to the furthest
    settings    what `--set` takes to give it a value, none where that cannot be said so; say: the value in words
    outward     a sensible value at or beyond one
    apply       the same on plain arrays, where there is no case
    """

    path: str
    now: float
    up: bool | None
    bound: float
    settings: Callable[[float], Settings]
    say: Callable[[float], str]
    outward: Callable[[float, bool], float]
    points: tuple[float, ...] = ()
    apply: Callable[[Problem, float], Problem] | None = None
    unit: float = 1.0  # a step that can be told from none
    span: float = 0.0  # what changes are measured against; 0: the figure itself

    def change(self, value: float) -> float:
        """How large a change to this value is, relative: 1 where there was nothing before."""
        size = self.span or abs(self.now)
        return abs(value - self.now) / size if size > 0.0 else 1.0


def quantity(
    words: CaseWords,
    parts: Sequence[Part],
    unit: str,
    now: float,
    up: bool,
    bound: float | None = None,
    *,
    apply: Callable[[Problem, float], Problem] | None = None,
    more: Callable[[float, str], Settings] | None = None,
) -> AdjustableParameter:
    """A quantity at a path. more(value, text): further settings that must go with it."""
    figure = Figure.like(unit, words.text(*parts))
    path = dotted(*parts)

    def settings(value: float) -> Settings:
        text = figure.shown(value)
        return (f"{path}={text}", *(more(value, text) if more is not None else ()))

    edge = bound if bound is not None else math.inf if up else 0.0
    return AdjustableParameter(path, now, up, edge, settings, figure.shown, figure.outward, apply=apply, unit=figure.size)


def path_in_time(words: CaseWords, parts: Sequence[Part], unit: str, size: float, up: bool) -> AdjustableParameter | None:
    """All of a path in time by one factor (which is the parameter's value): the quantity itself, where it starts, or `times`.

    size: the path's largest value, for a path of one quantity. None where nothing is written.
    """
    node = words.node(*parts)
    if node is None:
        return None
    bound = math.inf if up else 0.0
    if node.kind == "scalar":
        figure = Figure.like(unit, node.value)
        path = dotted(*parts)

        def outward(value: float, up: bool) -> float:
            return figure.outward(value * size, up) / size

        def say(value: float) -> str:
            return figure.shown(value * size)

        return AdjustableParameter(path, 1.0, up, bound, lambda v: (f"{path}={say(v)}",), say, outward)
    given = node.get("times")
    before = float(given.value.replace("_", "")) if given is not None and _is_number(given.value) else 1.0
    path = dotted(*parts, "times")

    def times(value: float) -> str:
        return f"{plain(before * value)} times what is written"

    def far(value: float, up: bool) -> float:
        return rounded(before * value, up) / before

    return AdjustableParameter(path, 1.0, up, bound, lambda v: (f"{path}={plain(before * v)}",), times, far)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d[\d_]*(\.\d*)?", text) is not None


def nearest(value: float, up: bool) -> float:
    """Of a parameter with points: these are sensible as they are."""
    return value


def months(
    parts: Sequence[Part], now: int, points: Sequence[int], up: bool, more: Callable[[float], Settings] | None = None
) -> AdjustableParameter:
    """A duration, at whole periods. more(value): further settings that must go with it."""
    path = dotted(*parts)

    def settings(value: float) -> Settings:
        return (f"{path}={value:.0f} months", *(more(value) if more is not None else ()))

    every = tuple(float(p) for p in points)
    return AdjustableParameter(path, float(now), up, every[-1] if every else float(now), settings, _months, nearest, every)


def _months(value: float) -> str:
    return "at once" if value == 0.0 else f"{value:.0f} month{'s' if value != 1.0 else ''}"


def day_text(day: date) -> str:
    return f"{day:%Y-%m}" if day.day == 1 else day.isoformat()


def dates(
    path: str, settings: Callable[[str], Settings], days: Sequence[date], now: date, up: bool
) -> AdjustableParameter | None:
    """A date, later or earlier: `days` from the nearest to the furthest. Values are ordinals."""
    if not days:
        return None
    points = tuple(float(day.toordinal()) for day in days)

    def of(value: float) -> str:
        return day_text(date.fromordinal(int(value)))

    return AdjustableParameter(
        path, float(now.toordinal()), up, points[-1], lambda v: settings(of(v)), of, nearest, points, span=YEAR
    )


# ---------------------------------------------------------------------------------------------------------------------
# Sentences

_NUMBER = re.compile(r"(?<![\w.])(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
_BRACKETS = re.compile(r"\[[^\]]*\]")
_TIME = re.compile(r"\s*(?:months?|quarters?|years?)\b(?!\s*[/*])")
_SIDES = re.compile(r">=|<=|==")
#: what is added to a side of a sentence in which no number can be changed
_ADDED = {"USD": "MUSD", "MW": "MW", "BTC": "BTC", "MWh": "MWh", "PH/s": "PH/s"}


@dataclass(frozen=True)
class Literal:
    """A number in a sentence: where it stands, and its value."""

    start: int
    end: int
    value: float


def literals(sentence: str) -> list[Literal]:
    """The numbers of a sentence that can be changed: not those in brackets, and not the lengths of time of functions."""
    plain_text = _BRACKETS.sub(lambda found: "_" * len(found[0]), sentence)
    out = []
    for found in _NUMBER.finditer(plain_text):
        if not _TIME.match(plain_text, found.end()):
            out.append(Literal(found.start(), found.end(), float(found[0].replace("_", ""))))
    return out


def sentence_parameters(path: str, sentence: str, unit: str | None) -> list[AdjustableParameter]:
    """Every number of a rule, and where that does not do what is added to its looser side. unit: canonical, of what it compares."""
    out = []
    for one in literals(sentence):

        def put(value: float, one: Literal = one) -> str:
            return sentence[: one.start] + plain(value) + sentence[one.end :]

        def settings(value: float, put: Callable[[float], str] = put) -> Settings:
            return (f"{path}={as_value(put(value))}",)

        def say(value: float, one: Literal = one) -> str:
            rest = re.match(r"\s*%?[A-Za-z/]*", sentence[one.end :])
            behind = rest[0].rstrip() if rest else ""
            known = behind.strip() in ("%", "bp") or "USD" in behind or any(u in behind for u in ("MW", "BTC", "PH", "EH", "TH"))
            number = sentence[one.start : one.end] if value == one.value else plain(value)
            return number + (behind if known else "")

        out.append(AdjustableParameter(path, one.value, None, math.nan, settings, say, rounded))
    sides = _SIDES.search(sentence)
    if sides is not None and sides[0] != "==":
        left, right = sentence[: sides.start()].strip(), sentence[sides.end() :].strip()
        named = _ADDED.get(unit or "", "")
        figure = Figure(unit or "" if named else "", named)

        def added(value: float) -> Settings:
            more = f"+ {figure.shown(value)}"
            text = f"{left} {more} >= {right}" if sides[0] == ">=" else f"{left} <= {right} {more}"
            return (f"{path}={as_value(text)}",)

        out.append(
            AdjustableParameter(
                path, 0.0, True, math.inf, added, lambda v: f"{figure.shown(v)} less strict", figure.outward, unit=figure.size
            )
        )
    return out


def with_part(kind: str, name: str, field: str) -> Callable[[Problem, float], Problem]:
    """apply(problem, value) that gives a field of one of the problem's parts a new value."""

    def apply(problem: Problem, value: float) -> Problem:
        parts = getattr(problem, kind)
        changed: dict[str, Any] = {kind: tuple(replace(one, **{field: value}) if one.name == name else one for one in parts)}
        return replace(problem, **changed)

    return apply
