"""Values that say where and when a rule applies."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from optimizer.case.schema.field_types import Count, Day, Given, Items, Map, Quantity, Reader, Reading, Text, Words, refuse


class Several(Reader):
    """One value, or a list of them: returned as a tuple."""

    def __init__(self, one: Reader, example: str):
        self.one, self.example = one, example

    def read(self, given: Given, reading: Reading) -> tuple[Any, ...]:
        if isinstance(given, Map) or (isinstance(given, Items) and not given):
            what = "an empty list" if isinstance(given, Items) else "a mapping"
            raise refuse(given, reading, f"{what}: expected {self.example}, or a list")
        return tuple(self.one.read(item, reading) for item in (given if isinstance(given, Items) else [given]))

    def json(self) -> dict[str, Any]:
        return {"anyOf": [self.one.json(), {"type": "array", "items": self.one.json(), "minItems": 1}]}


class DayOrEnd(Reader):
    """A date, or `end`: that of the horizon."""

    def read(self, given: Given, reading: Reading) -> date | str:
        if isinstance(given, Text) and given == "end":
            return "end"
        return Day().read(given, reading)

    def json(self) -> dict[str, Any]:
        return {"anyOf": [Day().json(), {"enum": ["end"]}]}


class Places(Reader):
    """`all`, or a list of sites: returned as names, () for all."""

    def read(self, given: Given, reading: Reading) -> tuple[str, ...]:
        if isinstance(given, Text) and given == "all":
            return ()
        if not isinstance(given, Items) or not given:
            raise refuse(given, reading, "expected all, or a list of sites: [texas]")
        return tuple(Words().read(item, reading) for item in given)

    def json(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": ["all"]}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


@dataclass(frozen=True)
class Pay:
    """What a unit of breach costs: USD, and the unit it is of."""

    usd: float
    unit: str


class PerBreach(Reader):
    """USD per unit of what the rule compares: USD/USD, USD/MW, USD/BTC, ..."""

    def read(self, given: Given, reading: Reading) -> Pay:
        for unit in MEASURES[1:]:
            if isinstance(given, Text) and given.replace(" ", "").endswith(f"/{unit}"):
                return Pay(Quantity(f"USD/{unit}").read(given, reading), unit)
        return Pay(Quantity("USD/USD").read(given, reading), "USD")

    def json(self) -> dict[str, Any]:
        return Quantity("USD/USD").json() | {"examples": ["0.05 USD/USD", "1000 USD/MW", "20 USD/MWh", "5000 USD/BTC"]}


#: what rules can compare, and a breach be paid by
MEASURES = ("USD", "MW", "MWh", "BTC", "share", "unit")

PayField = Annotated[Pay, PerBreach()]
Days = Annotated[tuple[date | str, ...], Several(DayOrEnd(), "a date such as 2026-07")]
Years = Annotated[tuple[int, ...], Several(Count(1970, 2200), "a year such as 2027")]
SitesOf = Annotated[tuple[str, ...], Places()]
