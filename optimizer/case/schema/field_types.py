"""Types of the schema's fields: each knows its unit, reads a node of the case with it, and describes itself to editors.

Pydantic sees the case as `Map`, `Items` and `Text`: plain containers that remember their node and its dotted path. A
reader that finds a mistake notes it, with its place, in the context's `Mistakes`, and tells pydantic only that it did
(`NOTED`); so that one run finds every mistake.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from models.spelling import did_you_mean, suggest
from optimizer.case.reading.case_files import Files
from optimizer.case.reading.diagnostics import Mistakes
from optimizer.case.reading.hourly_data import read_hourly
from optimizer.case.reading.hourly_year import HourlyYear
from optimizer.case.reading.paths_in_time import Path, read_path
from optimizer.case.reading.time_zones import zone_hint, zone_named
from optimizer.case.reading.timeline import DateError, parse_date
from optimizer.case.reading.units import UnitError, kind_of, parse_number, parse_quantity
from optimizer.case.reading.yaml_tree import Node, noun, parse_bool

NOTED = "noted"


class Map(dict[str, Any]):
    """A mapping of the case."""

    node: Node
    where: str


class Items(list[Any]):
    """A list of the case."""

    node: Node
    where: str


class Text(str):
    """A scalar of the case."""

    node: Node
    where: str


Given = Map | Items | Text


@dataclass
class Reading:
    """What readers share: the files of the case, and where mistakes are noted."""

    files: Files
    mistakes: Mistakes


def wrap(node: Node, where: str, mistakes: Mistakes, key: Any = None) -> Given | None:
    """A node, and all below it, as pydantic will see it. A key without a value is a mistake, and left out."""
    out: Given
    if node.kind == "map":
        out = Map()
        for name, child in node.value.items():
            below = wrap(child, f"{where}.{name}" if where else name, mistakes, node.key_place(name))
            if below is not None:
                out[name] = below
    elif node.kind == "list":
        out = Items()
        for at, child in enumerate(node.value):
            below = wrap(child, f"{where}[{at}]", mistakes)
            if below is not None:
                out.append(below)
    elif node.kind == "scalar":
        out = Text(node.value)
    elif ".set." in where:
        return None  # a patch may remove what it names
    else:
        mistakes.add(key or node.place, where, "nothing is given here", "give a value, or leave the key out")
        return None
    out.node, out.where = node, where
    return out


class Reader:
    """A field type: `read` takes a given node and returns the value, or notes mistakes and calls `refuse`."""

    def read(self, given: Given, reading: Reading) -> Any:
        raise NotImplementedError

    def json(self) -> dict[str, Any]:
        raise NotImplementedError

    def _validate(self, value: Any, info: ValidationInfo) -> Any:
        # A value of another type comes from a section that was read before, in another scenario.
        reading: Any = info.context
        return self.read(value, reading) if isinstance(value, Map | Items | Text) else value

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return self.json()


def noted() -> PydanticCustomError:
    """What a reader raises after it has noted its mistakes."""
    return PydanticCustomError(NOTED, "noted")


def refuse(given: Given, reading: Reading, message: str, hint: str | None = None) -> PydanticCustomError:
    """Note a mistake at a node's place; to be raised."""
    reading.mistakes.add(given.node.place, given.where, message, hint)
    return noted()


@dataclass(frozen=True)
class Bounds:
    """The values a field may take: low <= value <= high (or < where `open` says so)."""

    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def complaint(self, value: float, show: Callable[[float], str]) -> str | None:
        if value < self.low or (self.open_low and value == self.low):
            return f"must be {'above' if self.open_low else 'at least'} {show(self.low)}"
        if value > self.high or (self.open_high and value == self.high):
            return f"must be {'below' if self.open_high else 'at most'} {show(self.high)}"
        return None


ANY = Bounds(-math.inf)
POSITIVE = Bounds(0.0, open_low=True)
PART = Bounds(0.0, 1.0)  # a share of a whole


def _shown(unit: str) -> Callable[[float], str]:
    if unit == "1":
        return lambda value: f"{value * 100:g} %"
    if unit == "1/year":
        return lambda value: f"{value * 100:g} %/year"
    return lambda value: f"{value:g} {unit}".rstrip()


def _example(unit: str, number: str = "100") -> str:
    return f"{number} {kind_of(unit).example}".rstrip() if unit else number


@dataclass(frozen=True)
class Quantity(Reader):
    """A number with a unit; a plain number where the unit is ""."""

    unit: str
    bounds: Bounds = Bounds()
    also: str = ""  # a second unit that counts one for one: a spread may be "225 bp" or "2.25 %/year"

    def read(self, given: Given, reading: Reading) -> float:
        expected = f"{kind_of(self.unit).noun}, such as {_example(self.unit)}" if self.unit else "a plain number"
        if not isinstance(given, Text):
            raise refuse(given, reading, f"{noun(given.node)}: expected {expected}")
        try:
            value = self._parse(given)
        except UnitError as problem:
            raise refuse(given, reading, problem.message, problem.hint) from None
        if wrong := self.bounds.complaint(value, _shown(self.unit)):
            percent = self.unit == "1" and value > self.bounds.high and self.bounds.complaint(value / 100.0, str) is None
            raise refuse(
                given,
                reading,
                f'"{given}" {wrong}',
                f'did you mean "{given.strip()} %"?' if percent and "%" not in given else None,
            )
        return value

    def _parse(self, text: str) -> float:
        if not self.unit:
            return parse_number(text)
        if self.also:
            try:
                return parse_quantity(text, self.also)
            except UnitError:
                pass
        return parse_quantity(text, self.unit)

    def json(self) -> dict[str, Any]:
        if not self.unit:
            return {"type": "number", "examples": [1]}
        kinds = ["string", "number"] if self.unit in ("1", "units") else ["string"]
        return {"type": kinds, "x-unit": self.unit, "examples": [_example(self.unit)]}


@dataclass(frozen=True)
class Over(Reader):
    """A path in time: a quantity, {start, growth, from}, {knots, interpolate} or {csv, column, date_column, unit}."""

    unit: str  # "" reads plain numbers, as if they were shares
    bounds: Bounds = Bounds()

    def read(self, given: Given, reading: Reading) -> Path:
        path = read_path(given.node, self.unit or "1", given.where, reading.files, reading.mistakes)
        if path is None:
            raise noted()
        for value in {path.start * path.factor} if not path.knots else {v * path.factor for _, v in path.knots}:
            if wrong := self.bounds.complaint(value, _shown(self.unit)):
                raise refuse(given, reading, f"{_shown(self.unit)(value)} {wrong}")
        return path

    def json(self) -> dict[str, Any]:
        return path_json(self.unit)


def path_json(unit: str) -> dict[str, Any]:
    """The forms of a path in time, for editors."""
    value = Quantity(unit if unit else "").json()
    text = {"type": "string"}
    interpolate = {"enum": ["linear", "log", "step"]}
    times = {"type": "number", "description": "factor"}
    forms = [
        ({"start": value, "growth": {"type": "string", "examples": ["8 %/year"]}, "from": text, "times": times}, ["start"]),
        ({"knots": {"type": "object", "additionalProperties": value}, "interpolate": interpolate, "times": times}, ["knots"]),
        (
            {"csv": text, "column": text, "date_column": text, "unit": text, "interpolate": interpolate, "times": times},
            ["csv", "column"],
        ),
    ]
    objects = [
        {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        for properties, required in forms
    ]
    return {"anyOf": [value, *objects], "x-unit": unit}


@dataclass(frozen=True)
class HourlyReader(Reader):
    """A value for every hour of a year: a quantity, {csv, column, ...} or {shape, seed, mean, ...}."""

    unit: str
    bounds: Bounds = Bounds()

    def read(self, given: Given, reading: Reading) -> HourlyYear:
        year = read_hourly(given.node, self.unit, given.where, reading.files, reading.mistakes)
        if year is None:
            raise noted()
        for value in (float(year.values.min()), float(year.values.max())):
            if wrong := self.bounds.complaint(value, _shown(self.unit)):
                raise refuse(given, reading, f"{_shown(self.unit)(value)} in an hour: it {wrong}")
        return year

    def json(self) -> dict[str, Any]:
        value, text = Quantity(self.unit).json(), {"type": "string"}
        common = {"mean": value, "times": {"type": "number"}, "plus": value}
        csv = {
            "csv": text,
            "column": text,
            "time_column": text,
            "year": {"type": "integer"},
            "timezone": text,
            "unit": text,
        } | common
        shape = {"shape": text, "seed": {"type": "integer"}} | common
        objects = [
            {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
            for properties, required in ((csv, ["csv", "column"]), (shape, ["shape"]))
        ]
        return {"anyOf": [value, *objects], "x-unit": self.unit}


@dataclass(frozen=True)
class HourlyOrOver(HourlyReader):
    """A value that runs by the hour of the year, or by the date: a path in time, or hourly data.

    A csv is a path where it names a `date_column` or how to `interpolate`, and hourly otherwise.
    """

    def read(self, given: Given, reading: Reading) -> Any:
        node = given.node
        if node.kind == "scalar" or any(key in node for key in ("start", "knots", "date_column", "interpolate")):
            return Over(self.unit, self.bounds).read(given, reading)
        return super().read(given, reading)

    def json(self) -> dict[str, Any]:
        hourly = [form for form in super().json()["anyOf"] if form.get("type") == "object"]
        return {"anyOf": [*path_json(self.unit)["anyOf"], *hourly], "x-unit": self.unit}


@dataclass(frozen=True)
class Months(Reader):
    """A duration in calendar time, rounded up to whole months."""

    least: int = 0

    def read(self, given: Given, reading: Reading) -> int:
        value = Quantity("months").read(given, reading)
        if value > 2400:
            raise refuse(given, reading, f'"{given}" is longer than 200 years')
        whole = math.ceil(value - 1e-9)
        if whole < self.least:
            raise refuse(given, reading, f'"{given}" must be at least {self.least} months')
        return whole

    def json(self) -> dict[str, Any]:
        return {"type": "string", "x-unit": "months", "examples": ["6 months", "4 years"]}


class ClockHours(Reader):
    """A duration in whole clock hours."""

    def read(self, given: Given, reading: Reading) -> int:
        value = Quantity("hours").read(given, reading)
        if value != round(value) or not 1 <= value <= 8784:
            raise refuse(given, reading, f'"{given}": expected whole hours, from 1 to 8784')
        return round(value)

    def json(self) -> dict[str, Any]:
        return {"type": "string", "x-unit": "hours", "examples": ["12 hours", "1 day"]}


class Day(Reader):
    """A date: 2026-01 (the first of the month) or 2026-01-15."""

    def read(self, given: Given, reading: Reading) -> date:
        if not isinstance(given, Text):
            raise refuse(given, reading, f"{noun(given.node)}: expected a date such as 2026-01")
        try:
            return parse_date(given)
        except DateError as problem:
            raise refuse(given, reading, str(problem)) from None

    def json(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$", "examples": ["2026-01"]}


@dataclass(frozen=True)
class Count(Reader):
    """A whole number."""

    least: int = 0
    most: int = 10_000

    def read(self, given: Given, reading: Reading) -> int:
        if not isinstance(given, Text) or not re.fullmatch(r"\+?[0-9]{1,9}", given):
            raise refuse(given, reading, f"{noun(given.node)}: expected a whole number such as {max(self.least, 1)}")
        if not self.least <= int(given) <= self.most:
            raise refuse(given, reading, f'"{given}": expected {self.least} to {self.most}')
        return int(given)

    def json(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class YesNo(Reader):
    """true or false."""

    def read(self, given: Given, reading: Reading) -> bool:
        try:
            return parse_bool(given.node)
        except ValueError as problem:
            raise refuse(given, reading, str(problem)) from None

    def json(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Words(Reader):
    """Free text."""

    def read(self, given: Given, reading: Reading) -> str:
        if not isinstance(given, Text):
            raise refuse(given, reading, f"{noun(given.node)}: expected text")
        return str(given)

    def json(self) -> dict[str, Any]:
        return {"type": "string"}


class ZoneName(Reader):
    """The name of a time zone, as the IANA's list has it."""

    def read(self, given: Given, reading: Reading) -> str:
        if not isinstance(given, Text):
            raise refuse(given, reading, f"{noun(given.node)}: expected a time zone", "a name such as America/New_York")
        if zone_named(str(given)) is None:
            raise refuse(given, reading, f"{noun(given.node)} is not a time zone", zone_hint(str(given)))
        return str(given)

    def json(self) -> dict[str, Any]:
        return {"type": "string", "examples": ["America/New_York"]}


class Choice(Reader):
    """One of a few words."""

    def __init__(self, *allowed: str):
        self.allowed = allowed

    def read(self, given: Given, reading: Reading) -> str:
        if not isinstance(given, Text) or given not in self.allowed:
            near = suggest(given, self.allowed) if isinstance(given, Text) else None
            hint = f'did you mean "{near}"?' if near else None
            raise refuse(given, reading, f"{noun(given.node)}: expected {' | '.join(self.allowed)}", hint)
        return str(given)

    def json(self) -> dict[str, Any]:
        return {"enum": list(self.allowed)}


@dataclass(frozen=True)
class When:
    """Dates at which something may be decided: first and last, both included; None: the horizon's own. `never`: at none."""

    first: date | None = None
    last: date | None = None
    never: bool = False


class WhenReader(Reader):
    """`always`, `never`, a single date, or {from, until}, both included."""

    def read(self, given: Given, reading: Reading) -> When:
        if isinstance(given, Text):
            if given in ("always", "never"):
                return When(never=given == "never")
            if not re.match(r"\d", given):
                raise refuse(given, reading, f'"{given}": expected a date, {{from: ..., until: ...}}, always or never')
            day = Day().read(given, reading)
            return When(day, day)
        if isinstance(given, Items):
            raise refuse(given, reading, "a list: expected a date, {from: ..., until: ...}, always or never")
        bad = False
        for key in given:
            if key not in ("from", "until"):
                bad = True
                place = given.node.key_place(key)
                hint = did_you_mean(key, ("from", "until"))
                reading.mistakes.add(place, f"{given.where}.{key}", "unknown key", hint)
        ends: dict[str, date] = {}
        for key in ("from", "until"):
            if key in given:
                ends[key] = Day().read(given[key], reading)
        if len(ends) == 2 and ends["until"] < ends["from"]:
            raise refuse(given["until"], reading, f"ends ({ends['until']}) before it begins ({ends['from']})")
        if bad:
            raise noted()
        return When(ends.get("from"), ends.get("until"))

    def json(self) -> dict[str, Any]:
        day = Day().json()
        ends = {"type": "object", "properties": {"from": day, "until": day}, "additionalProperties": False}
        return {"anyOf": [day, {"enum": ["always", "never"]}, ends]}


# --- names for the fields ---------------------------------------------------------------------------------------------

Power = Annotated[float, Quantity("MW")]
Energy = Annotated[float, Quantity("MWh")]
EmissionFactor = Annotated[float, Quantity("t/MWh", Bounds(0.0, 10.0))]
HoursAYear = Annotated[float, Quantity("hours/year")]
Money = Annotated[float, Quantity("USD")]
MoneyPerMW = Annotated[float, Quantity("USD/MW")]
MoneyPerMWYear = Annotated[float, Quantity("USD/MW/year")]
EnergyPrice = Annotated[float, Quantity("USD/MWh")]
HashPrice = Annotated[float, Quantity("USD/TH")]
Hashrate = Annotated[float, Quantity("PH/s", POSITIVE)]
Efficiency = Annotated[float, Quantity("J/TH", POSITIVE)]
Coins = Annotated[float, Quantity("BTC")]
SharePart = Annotated[float, Quantity("1", PART)]
SharePositive = Annotated[float, Quantity("1", Bounds(0.0, 1.0, open_low=True))]
ShareBelow = Annotated[float, Quantity("1", Bounds(0.0, 1.0, open_high=True))]
ShareAbove = Annotated[float, Quantity("1")]  # may exceed 1: a premium, a price of 104 %
Rate = Annotated[float, Quantity("1/year", Bounds(-0.5, 10.0))]
HourlyRate = Annotated[float, Quantity("1/hour")]
HourlyLoss = Annotated[float, Quantity("1/hour", Bounds(0.0, 1.0, open_high=True))]
RateUp = Annotated[float, Quantity("1/year", Bounds(0.0, 10.0))]
Spread = Annotated[float, Quantity("1/year", Bounds(-1.0, 1.0), also="1")]
PerMoney = Annotated[float, Quantity("USD/USD")]
ShareCount = Annotated[float, Quantity("shares")]
ConversionPrice = Annotated[float, Quantity("USD/share", POSITIVE)]
Number = Annotated[float, Quantity("", ANY)]
Ratio = Annotated[float, Quantity("")]
RatioFromOne = Annotated[float, Quantity("", Bounds(1.0, 10.0))]
Amount = Annotated[float, Quantity("units")]
Duration = Annotated[int, Months()]
DurationPositive = Annotated[int, Months(1)]
WholeHours = Annotated[int, ClockHours()]
DateField = Annotated[date, Day()]
Yes = Annotated[bool, YesNo()]
Prose = Annotated[str, Words()]
Zone = Annotated[str, ZoneName()]
Window = Annotated[When, WhenReader()]

MoneyYearPath = Annotated[Path, Over("USD/year")]
CashYearPath = Annotated[Path, Over("USD/year", ANY)]
PowerPath = Annotated[Path, Over("MW")]
EnergyPricePath = Annotated[Path, Over("USD/MWh")]
EnergyPriceAnyPath = Annotated[Path, Over("USD/MWh", ANY)]
MoneyPerMWPath = Annotated[Path, Over("USD/MW")]
MoneyPerMWYearPath = Annotated[Path, Over("USD/MW/year")]
HashPricePath = Annotated[Path, Over("USD/TH")]
CoinPricePath = Annotated[Path, Over("USD/BTC", POSITIVE)]
HashRevenuePath = Annotated[Path, Over("USD/PH/day")]
HashratePath = Annotated[Path, Over("PH/s", POSITIVE)]
SharePath = Annotated[Path, Over("1", PART)]
FactorPath = Annotated[Path, Over("")]
RatePath = Annotated[Path, Over("1/year", Bounds(-0.5, 10.0))]
UnitCostPath = Annotated[Path, Over("USD/unit", ANY)]
UnitIncomePath = Annotated[Path, Over("USD/unit/year", ANY)]

EnergyYearPath = Annotated[Path, Over("MWh/year")]
MassYearPath = Annotated[Path, Over("t/year")]
MassPricePath = Annotated[Path, Over("USD/t")]

EmissionFactors = Annotated[HourlyYear | Path, HourlyOrOver("t/MWh", Bounds(0.0, 10.0))]
HourlyPrice = Annotated[HourlyYear, HourlyReader("USD/MWh", ANY)]
HourlyShare = Annotated[HourlyYear, HourlyReader("1", PART)]


class Section(BaseModel):
    """A mapping of the case. `shorthand` is the key that a bare scalar (or list) stands for, if there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)
    shorthand: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        key = cls.shorthand
        if key is None or not isinstance(value, Map | Items | Text):
            return value
        if isinstance(value, Map) and any(name in value for name in shorthand_keys(cls)):
            return value
        if isinstance(value, Map) and not cls.shorthand_takes_maps():
            return value
        return {key: value}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """A shorthand may stand in place of the mapping."""
        reference = handler(schema)
        whole = handler.resolve_ref_schema(reference)
        if cls.shorthand is not None and "properties" in whole:
            mapping = dict(whole)
            bare = {key: value for key, value in mapping["properties"][cls.shorthand].items() if key != "default"}
            whole.clear()
            whole.update({"title": mapping.pop("title", ""), "anyOf": [mapping, bare]})
        return reference

    @classmethod
    def shorthand_takes_maps(cls) -> bool:
        """Whether a mapping with none of this section's keys stands for the shorthand too."""
        return False


def shorthand_keys(model: type[BaseModel]) -> list[str]:
    """The keys of a section as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


class ByPath:
    """Marks a mapping whose keys are paths of the case."""


@dataclass(frozen=True)
class Besides:
    """Marks a mapping of names some of which are sections of another kind."""

    sections: Mapping[str, type[Section]]


def by_scenario(default: Any = ..., **more: Any) -> Any:
    """A field that is data: scenarios may set and scale it."""
    return Field(default, json_schema_extra={"by_scenario": True}, **more)
