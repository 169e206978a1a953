"""`scenarios: {generate: ...}`: futures that are drawn, in place of futures that are written. `{}` is enough."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from optimizer.case.reading.yaml_tree import noun
from optimizer.case.schema.field_types import (
    ByPath,
    Choice,
    Count,
    DateField,
    Day,
    DurationPositive,
    EnergyPrice,
    Given,
    Items,
    Map,
    Rate,
    RateUp,
    Reader,
    Reading,
    Section,
    SharePart,
    SharePositive,
    Text,
    refuse,
)


class WholeNumber(Count):
    """A whole number, which may be grouped: 2_000."""

    def read(self, given: Given, reading: Reading) -> int:
        if not isinstance(given, Text) or not re.fullmatch(r"\+?\d{1,9}(_\d{3})*", given):
            raise refuse(given, reading, f"{noun(given.node)}: expected a whole number such as {max(self.least, 1)}")
        value = int(given)
        if not self.least <= value <= self.most:
            raise refuse(given, reading, f'"{given}": expected {self.least} to {self.most}')
        return value

    def json(self) -> dict[str, Any]:
        return {"type": ["integer", "string"], "minimum": self.least, "maximum": self.most}


class OneOrMore(Reader):
    """One of a kind, or a list of them: returned as a tuple."""

    def __init__(self, one: Reader):
        self.one = one

    def read(self, given: Given, reading: Reading) -> tuple[Any, ...]:
        if not isinstance(given, Items):
            return (self.one.read(given, reading),)
        if not given:
            raise refuse(given, reading, "an empty list")
        return tuple(self.one.read(item, reading) for item in given)

    def json(self) -> dict[str, Any]:
        return {"anyOf": [self.one.json(), {"type": "array", "items": self.one.json(), "minItems": 1}]}


class MonthsBetween(Reader):
    """`3..9 months`: returned as (3, 9)."""

    def read(self, given: Given, reading: Reading) -> tuple[int, int]:
        found = re.fullmatch(r"(\d{1,3})(?:\.\.(\d{1,3}))? months", given) if isinstance(given, Text) else None
        if found is None:
            raise refuse(given, reading, f"{noun(given.node)}: expected months such as 3..9 months")
        least, most = int(found[1]), int(found[2] or found[1])
        if not 1 <= least <= most:
            raise refuse(given, reading, f'"{given}": expected at least 1 month, and the larger number last')
        return least, most

    def json(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\d+(\.\.\d+)? months$", "examples": ["3..9 months"]}


class PriceDrawn(Section):
    """The price of bitcoin; its volatility is that of late."""

    growth: Rate = Field(default=0.0, description="growth of the median; default 0 %/year, never that of the past")
    uncertain: RateUp = Field(default=0.1, description="standard deviation of that growth; default 10 %/year")


class Answers(Section):
    """What follows what a hash earns."""

    answers: Annotated[str, Choice("hashprice")] = Field(default="hashprice", description="what it follows; default hashprice")


class RigPrices(Reader):
    """`as stated`, or {answers: hashprice}: returned as whether they answer."""

    def read(self, given: Given, reading: Reading) -> bool:
        if isinstance(given, Text) and given == "as stated":
            return False
        if isinstance(given, Map) and set(given) == {"answers"} and given["answers"] == "hashprice":
            return True
        raise refuse(given, reading, f"{noun(given.node)}: expected {{answers: hashprice}}, or as stated")

    def json(self) -> dict[str, Any]:
        answers = {"type": "object", "properties": {"answers": {"enum": ["hashprice"]}}, "required": ["answers"]}
        return {"anyOf": [{"enum": ["as stated"]}, answers | {"additionalProperties": False}]}


class PowerDrawn(Section):
    """The level of a site's grid price, about its usual one; the hours of the year keep their shape."""

    typical: EnergyPrice | None = Field(
        default=None, description="USD/MWh: median hour of the usual year; default: that of the site's price"
    )
    spread: RateUp = Field(
        default=0.4, description="standard deviation of the log of the level, in the long run; default 40 %/year"
    )
    spikes: Annotated[str, Choice("as in data")] = Field(
        default="as in data", description="how the hours of a year lie about the level; default as in data"
    )


class ServiceDrawn(Section):
    """A cloud: growth, volatility. A lease: default, relet, void."""

    growth: Rate | None = Field(default=None, description="cloud: growth of the median price; default: the path of the case")
    volatility: RateUp | None = Field(default=None, description="cloud: volatility of the price; default 20 %/year")
    default: RateUp | None = Field(default=None, description="lease: chance that the tenant defaults; default 3 %/year")
    relet: SharePart | None = Field(default=None, description="lease: share of the rent that the next tenant pays; default 80 %")
    void: DurationPositive | None = Field(default=None, description="lease: time without a tenant; default 9 months")


class DelayDrawn(Section):
    """How late the builds of a site may be."""

    chance: SharePositive = Field(description="chance that they are late")
    of: Annotated[tuple[int, int], MonthsBetween()] = Field(description="by how much, each month as likely: 3..9 months")


class Generate(Section):
    """Scenarios that are drawn: few that stand for many, in a tree. Notes on the model: docs/design/scenarios.md."""

    sample: Annotated[int, WholeNumber(50, 5000)] = Field(default=1000, description="futures drawn; default 1_000")
    keep: Annotated[tuple[int, ...], OneOrMore(WholeNumber(1, 200))] | None = Field(
        default=None,
        description="branches at each stage: [4, 2, 2] are 16 scenarios; default [4, 2, 2], as many as there are stages",
    )
    stages: Annotated[tuple[date, ...], OneOrMore(Day())] | None = Field(
        default=None, description="dates at which branches become known; default: one, two and three years after the start"
    )
    seed: Annotated[int, WholeNumber(0, 999_999_999)] = Field(default=1, description="other seeds draw other futures; default 1")
    until: DateField | None = Field(default=None, description="no data after this day; default: all there are")
    btc_price: PriceDrawn = Field(
        default=PriceDrawn.model_construct(),
        description="growth of the median price of bitcoin; default 0 %/year, uncertain by 10 %/year",
    )
    network_hashrate: Answers = Field(
        default=Answers.model_construct(),
        description="the network's hashrate follows hashprice, with a lag; default {answers: hashprice}",
    )
    transaction_fees: Annotated[str, Choice("bursts")] = Field(
        default="bursts", description="fees over the subsidy; default bursts"
    )
    rig_prices: Annotated[bool, RigPrices()] = Field(
        default=True, description="follow hashprice from today's price, or as stated; default {answers: hashprice}"
    )
    power: dict[str, PowerDrawn] = Field(default={}, description="site -> level of its grid price; default: as stated")
    ai: dict[str, ServiceDrawn] = Field(default={}, description="service -> its price, or its tenant; default: as stated")
    delay: Annotated[dict[str, DelayDrawn], ByPath()] = Field(
        default={}, description="sites.NAME -> odds of a delay of its builds; default none"
    )
