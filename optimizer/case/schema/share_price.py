"""`company.share_price`: a path in time, or {today, follows: plan, rest}: what the plan makes a share worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.spelling import did_you_mean
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.reading.units import kind_of
from optimizer.case.schema.field_types import (
    POSITIVE,
    Bounds,
    Given,
    Map,
    Over,
    Quantity,
    Reading,
    Text,
    noted,
    path_json,
    refuse,
)

KEYS = ("today", "follows", "rest", "tolerance")
EXAMPLE = "{today: 14.50 USD/share, follows: plan}"
TODAY = Quantity("USD/share", POSITIVE)
GROWTH = Quantity("1/year", Bounds(-0.5, 10.0))
TOLERANCE = Quantity("1", Bounds(0.0, 0.5, open_low=True))
REST = Over("", POSITIVE)


@dataclass(frozen=True)
class FollowsPlan:
    """A share price that follows the plan. today USD/share; rest: an index of what the rest of the company is worth, None: it grows at
    the owners' rate; tolerance: largest relative difference of the price used and the price implied."""

    today: float
    rest: Path | None = None
    tolerance: float = 0.005


@dataclass(frozen=True)
class SharePriceReader(Over):
    """A path in USD/share, or a mapping with `follows`."""

    def read(self, given: Given, reading: Reading) -> Path | FollowsPlan:  # type: ignore[override]
        if not isinstance(given, Map) or not ({"follows", "today"} & set(given)):
            return super().read(given, reading)
        before = len(reading.mistakes)
        for key in given:
            if key not in KEYS:
                hint = did_you_mean(key, KEYS, "its keys are")
                reading.mistakes.add(given.node.key_place(key), f"{given.where}.{key}", "unknown key", hint)
        for key in ("today", "follows"):
            if key not in given:
                reading.mistakes.add(given.node.place, given.where, f'key "{key}" is missing', f"write {EXAMPLE}")
        follows = given.get("follows")
        if follows is not None and not (isinstance(follows, Text) and follows == "plan"):
            reading.mistakes.add(follows.node.place, follows.where, "a share price can follow the plan only", "follows: plan")
        today = _one(TODAY, given, "today", reading)
        rest = _rest(given["rest"], reading) if "rest" in given else None
        tolerance = _one(TOLERANCE, given, "tolerance", reading)
        if len(reading.mistakes) > before or today is None:
            raise noted()
        return FollowsPlan(today, rest, 0.005 if tolerance is None else tolerance)

    def json(self) -> dict[str, Any]:
        growth = {
            "type": "object",
            "properties": {"growth": GROWTH.json()},
            "required": ["growth"],
            "additionalProperties": False,
        }
        keys = {"today": TODAY.json(), "follows": {"enum": ["plan"]}, "tolerance": TOLERANCE.json()}
        keys["rest"] = {"anyOf": [growth, *REST.json().get("anyOf", [REST.json()])]}
        follows = {"type": "object", "properties": keys, "required": ["today", "follows"], "additionalProperties": False}
        paths = path_json(self.unit)
        return {"anyOf": [*paths.get("anyOf", [paths]), follows]}


def _one(kind: Quantity, given: Map, key: str, reading: Reading) -> float | None:
    """A number of the mapping; None where it is not there, or is a mistake that was noted."""
    if key not in given:
        return None
    try:
        return kind.read(given[key], reading)
    except Exception as error:
        if getattr(error, "type", None) != noted().type:
            raise
        return None


def _rest(given: Given, reading: Reading) -> Path | None:
    """{growth: 12 %/year}, or an index as a path of plain numbers."""
    if isinstance(given, Map) and set(given) == {"growth"}:
        growth = _one(GROWTH, given, "growth", reading)
        return None if growth is None else Path(1.0, growth)
    if isinstance(given, Text):
        raise refuse(
            given, reading, "expected how the rest of the company grows", f"rest: {{growth: 12 {kind_of('1/year').example}}}"
        )
    return REST.read(given, reading)
