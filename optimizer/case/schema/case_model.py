"""The keys of a case: pydantic models whose fields know their units. `CaseModel` is the whole; sections have their files.

Every section may be left out; each field's description says what its absence means. Dates that bound decisions are
inclusive at both ends; durations and dates inside a period round up to the next date.

Loading must be fast: annotations are no strings (pydantic would evaluate each), and sections that are defaults are made
by `model_construct`, so that only the whole is ever compiled.
"""

import warnings
from datetime import date
from typing import Annotated, Any

from pydantic import Field
from pydantic.json_schema import GenerateJsonSchema, PydanticJsonSchemaWarning
from pydantic_core import PydanticCustomError

from optimizer.case.reading.paths_in_time import Path
from optimizer.case.reading.timeline import DateError, parse_date
from optimizer.case.schema.data import Data
from optimizer.case.schema.field_types import (
    POSITIVE,
    Amount,
    Besides,
    Bounds,
    ByPath,
    CashYearPath,
    Choice,
    CoinPricePath,
    Coins,
    Count,
    DateField,
    Day,
    Duration,
    DurationPositive,
    Given,
    HashratePath,
    HashRevenuePath,
    Items,
    Map,
    Money,
    MoneyYearPath,
    Months,
    Number,
    PerMoney,
    Prose,
    Quantity,
    Rate,
    RatePath,
    RateUp,
    Reader,
    Reading,
    Section,
    ShareBelow,
    ShareCount,
    SharePart,
    SharePath,
    SharePositive,
    Text,
    UnitCostPath,
    UnitIncomePath,
    When,
    Window,
    Yes,
    by_scenario,
    noted,
    refuse,
)
from optimizer.case.schema.financing import Instrument, RuleTerms
from optimizer.case.schema.fleet import AnyService, Rig
from optimizer.case.schema.generate import Generate
from optimizer.case.schema.policies import AnyPolicy
from optimizer.case.schema.share_price import FollowsPlan, SharePriceReader
from optimizer.case.schema.sites import Limits, Site

GENERATE = "generate"  # in place of a scenario's name: scenarios are drawn


class About(Section):
    """What the case is."""

    name: Prose | None = Field(default=None, description="name in reports; default: the file's name")
    description: Prose = Field(default="", description="free text")
    sources: list[Prose] = Field(default=[], description="where the figures come from, with dates; say `unverified` where so")
    meant: list[Prose] = Field(
        default=[],
        description="paths of values that look like a slip and are meant, such as financing.notes.coupon; default none",
    )


class HoursKept(Reader):
    """`all`, or {every: n}: returned as n, 1 for all."""

    def read(self, given: Given, reading: Reading) -> int:
        if isinstance(given, Text):
            if given != "all":
                raise refuse(given, reading, f'"{given}": expected all, or {{every: 25}}')
            return 1
        if isinstance(given, Map) and set(given) == {"every"}:
            return Count(1, 744).read(given["every"], reading)
        raise refuse(given, reading, "expected all, or {every: 25}")

    def json(self) -> dict[str, Any]:
        every = {"type": "object", "properties": {"every": Count(1, 744).json()}, "additionalProperties": False}
        return {"anyOf": [{"enum": ["all"]}, every]}


class Horizon(Section):
    """From when, how long, in which steps. Give one of months, quarters, years and end."""

    start: DateField = Field(description="date 0: the first of a month, such as 2026-01")
    months: Annotated[int, Count(1, 1200)] | None = Field(default=None, description="length in months")
    quarters: Annotated[int, Count(1, 400)] | None = Field(default=None, description="length in quarters")
    years: Annotated[int, Count(1, 100)] | None = Field(default=None, description="length in years")
    end: DateField | None = Field(default=None, description="the last date")
    period: Annotated[str, Choice("month", "quarter", "half-year", "year")] = Field(
        default="quarter", description="time between decisions; default quarter"
    )
    hours: Annotated[int, HoursKept()] = Field(
        default=1, description="all, or {every: n}: every n-th hour stands for n, openly; default all"
    )


class Company(Section):
    """The company around the projects."""

    overhead: MoneyYearPath | None = by_scenario(None, description="USD/year; default 0")
    shares: ShareCount = Field(default=0.0, description="shares outstanding at the start; default 0")
    share_price: Annotated[Path | FollowsPlan, SharePriceReader("USD/share", POSITIVE)] | None = by_scenario(
        None,
        description="USD/share, a total-return path, or {today, follows: plan, rest}: needed by convertibles and sales to new holders",
    )
    plant: Money = Field(default=0.0, description="book value of plant owned at the start; default 0")
    plant_life: Duration = Field(default=0, description="straight-line life left of that plant in the books; needed with it")


class Market(Section):
    """Bitcoin: its price, and what a hash earns. Give `hashprice`, or `network_hashrate`."""

    btc_price: CoinPricePath | None = by_scenario(None, description="USD/BTC: needed with rigs, coins or BTC loans")
    hashprice: HashRevenuePath | None = by_scenario(None, description="USD/PH/day, before the pool's fee")
    network_hashrate: HashratePath | None = by_scenario(
        None, description="EH/s of the network; hashprice = 144 blocks/day x subsidy x (1 + fees) x price / hashrate"
    )
    transaction_fees: SharePath | None = by_scenario(None, description="fees as a share of the subsidy; default 0 %")
    halving: DateField = Field(
        default=date(2028, 4, 1), description="next halving: 3.125 BTC a block before, 1.5625 after; default 2028-04, an estimate"
    )


class Scenario(Section):
    """One way the world may go. `set`, `scale` and `delay` touch data only: paths, hourly data, amounts."""

    probability: SharePart = Field(description="probability; all add to 100 %")
    describe: Prose = Field(default="", description="free text")
    follows: Prose | None = Field(default=None, description="scenario it cannot be told from, and shares decisions with, ...")
    until: DateField | None = Field(default=None, description="... until this date (excluded)")
    set: Annotated[dict[str, Any], ByPath()] = Field(
        default={}, description="path -> value, such as market.btc_price: {start: 60000 USD/BTC}"
    )
    scale: Annotated[dict[str, Number], ByPath()] = Field(default={}, description="path -> factor, such as market.btc_price: 0.7")
    delay: Annotated[dict[str, Duration], ByPath()] = Field(
        default={}, description="sites.NAME -> how much later its builds are ready: 6 months"
    )


class Information(Reader):
    """A date, or `start`: when scenarios become known; None would be never."""

    def read(self, given: Given, reading: Reading) -> date | str:
        if isinstance(given, Text) and given == "start":
            return "start"
        return Day().read(given, reading)

    def json(self) -> dict[str, Any]:
        return {"anyOf": [Day().json(), {"enum": ["start"]}]}


class Rescue(Section):
    """Equity of last resort, at a price: it keeps every scenario feasible and says what distress costs."""

    penalty: PerMoney = Field(description="cost per USD over and above the dollar itself: 1 USD/USD")


class Treasury(Section):
    """Cash and coins."""

    cash: Money = Field(default=0.0, description="USD at the start; default 0")
    coins: Coins = Field(default=0.0, description="BTC at the start; default 0")
    cash_yield: RatePath | None = by_scenario(None, description="interest on cash; default 0 %/year")
    retain: SharePath | None = Field(default=None, description="policy: share of mined coins kept; default 0 %")
    coin_fee: ShareBelow = Field(default=0.0, description="share lost when selling coins; default 0 %")
    sell: Window = Field(default=When(), description="when coins may be sold; default: always")
    dividends: Window = Field(default=When(never=True), description="when dividends may be paid; default: never")
    rescue: Rescue | None = Field(default=None, description="default: none, a plan without cash is infeasible")


class InterestLimit(Section):
    """Interest deduction limited to a share of taxable income; the rest is carried forward."""

    share: SharePositive = Field(description="share of adjusted taxable income: 30 %")
    ebitda: Yes = Field(default=True, description="income before depreciation; false: after it; default true")
    from_: Annotated[int, Count(1990, 2200)] | None = Field(
        default=None, alias="from", description="first tax year; default: the first of the horizon"
    )


class Tax(Section):
    """Income tax; tax years are calendar years."""

    rate: ShareBelow = Field(description="share of taxable income: 21 %")
    losses: Money = Field(default=0.0, description="losses carried in; default 0")
    loss_cap: SharePart = Field(default=1.0, description="share of a year's income that losses may offset: 80 %; default 100 %")
    existing_depreciation: MoneyYearPath | None = Field(
        default=None, description="tax depreciation of assets owned at the start, USD/year; default 0"
    )
    interest_limit: InterestLimit | None = Field(default=None, description="default: none")


class TerminalContracts(Section):
    """Value of leases that run beyond the horizon: their rent, before all cost."""

    share: SharePart = Field(description="share counted")
    rate: RateUp = Field(default=0.12, description="discount rate of the remaining rent; default 12 %/year")


class Terminal(Section):
    """What counts at the end of the horizon, besides cash less debt."""

    rigs: SharePart = Field(default=1.0, description="share of rigs' resale value; default 100 %")
    coins: SharePart = Field(default=1.0, description="share of coins' value; default 100 %")
    halls: SharePart = Field(default=0.0, description="share of the cost of halls added; default 0 %")
    interconnection: SharePart = Field(default=0.0, description="share of the cost of interconnection added; default 0 %")
    equipment: SharePart = Field(default=0.0, description="share of the cost of equipment; default 0 %")
    contracts: TerminalContracts | None = Field(default=None, description="default: leases beyond the horizon count nothing")
    opening_assets: Money = Field(default=0.0, description="USD for what stood at the start; default 0")


class ShieldRate(Reader):
    """`own`, `rebalanced`, or a rate per year."""

    def read(self, given: Given, reading: Reading) -> str | float:
        if isinstance(given, Text) and not given[:1].isdigit():
            return Choice("own", "rebalanced").read(given, reading)
        return Quantity("1/year", Bounds(0.0, 10.0)).read(given, reading)

    def json(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": ["own", "rebalanced"]}, Quantity("1/year").json()]}


class Rates(Section):
    """Rates of streams with one of their own; each default is the objective's `discount`."""

    contracts: RateUp | None = Field(default=None, description="rents of leases")
    cloud: RateUp | None = Field(default=None, description="what cloud services are paid for what they serve")
    mining: RateUp | None = Field(default=None, description="the rest of what the hours bring: coins less energy")
    debt: Annotated[str | float, ShieldRate()] = Field(
        default="own",
        description="of the tax that interest saves: own (the coupon of each debt), rebalanced (the coupon for the year, `discount`"
        " before), or a rate; default own",
    )


class Objective(Section):
    """What is maximised: (1 - risk_weight) x expected value + risk_weight x CVaR of the lower tail."""

    discount: Rate = Field(default=0.0, description="effective rate of shareholders; default 0 %/year")
    risk_weight: SharePart = Field(default=0.0, description="weight of CVaR; default 0 %")
    tail_probability: SharePositive = Field(default=0.1, description="mass of the lower tail; default 10 %")
    terminal: Terminal = Field(default=Terminal.model_construct(), description="value at the end of the horizon")
    value: Annotated[str, Choice("owners", "apv")] = Field(
        default="owners",
        description="owners: what owners receive less what they pay in, discounted; apv: by parts, each stream at its own rate, what is lent"
        " or sold to others at what it is worth; default owners",
    )
    rates: Rates | None = Field(default=None, description="with value: apv, rates of streams; default: all at `discount`")


class Dated(Reader):
    """{date: amount, ...}, ascending."""

    def read(self, given: Given, reading: Reading) -> tuple[tuple[date, float], ...]:
        if not isinstance(given, Map):
            raise refuse(given, reading, "expected dates with amounts: {2026-01: -150 kUSD}")
        out: dict[date, float] = {}
        bad = False
        for key, value in given.items():
            try:
                day = _key_day(given, key, reading)
                out[day] = out.get(day, 0.0) + Quantity("USD", Bounds(-float("inf"))).read(value, reading)
            except PydanticCustomError:
                bad = True
        if bad:
            raise noted()
        return tuple(sorted(out.items()))

    def json(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": Quantity("USD").json()}


def _key_day(given: Map, key: str, reading: Reading) -> date:
    """The date that a key of a mapping writes."""
    try:
        return parse_date(key)
    except DateError as problem:
        reading.mistakes.add(given.node.key_place(key), f"{given.where}.{key}", str(problem))
        raise noted() from None


class CashFlow(Section):
    """A given stream of cash: an existing business. Give `amount` or `dated`."""

    describe: Prose = Field(default="", description="free text")
    amount: CashYearPath | None = by_scenario(None, description="USD/year (or /month): settles at the end of each period")
    dated: Annotated[tuple[tuple[date, float], ...], Dated()] | None = by_scenario(
        None, description="date -> USD, received at that date (negative: paid)"
    )
    taxable: Yes = Field(default=True, description="counts as taxable income; default true")
    operating: Yes = Field(default=True, description="counts in EBITDA and CFADS; default true")


class Return(Section):
    """Cash some time after a project is decided."""

    after: Duration = Field(default=0, description="time after the decision; default: at once")
    amount: UnitCostPath = by_scenario(description="USD/unit, of the date it is received (negative: paid, within the horizon)")


class Income(Section):
    """Cash by the year after a project is decided."""

    amount: UnitIncomePath = by_scenario(
        description="USD/unit/year, settled at the end of each period (negative: paid, within the horizon)"
    )
    after: Duration = Field(default=0, description="time from the decision to the beginning; default none")
    term: DurationPositive | None = Field(default=None, description="how long; default: to the end of the horizon")


class SuppliesReader(Reader):
    """A number per unit, or a list of {after, amount}: returned as ((months after, amount), ...)."""

    def read(self, given: Given, reading: Reading) -> tuple[tuple[int, float], ...]:
        number = Quantity("", Bounds(-float("inf")))
        if isinstance(given, Text):
            return ((0, number.read(given, reading)),)
        out = []
        for item in given if isinstance(given, Items) else [given]:
            if not isinstance(item, Map) or "amount" not in item or not set(item) <= {"after", "amount"}:
                raise refuse(item, reading, "expected a number, or a list of {after: 12 months, amount: 2.5}")
            after = Months().read(item["after"], reading) if "after" in item else 0
            out.append((after, number.read(item["amount"], reading)))
        return tuple(out)

    def json(self) -> dict[str, Any]:
        item = {
            "type": "object", "required": ["amount"], "additionalProperties": False,
            "properties": {"after": Months().json(), "amount": {"type": "number"}},
        }  # fmt: skip
        return {"anyOf": [{"type": "number"}, {"type": "array", "items": item}]}


class Project(Section):
    """Any other opportunity, in units: an acquisition, a contract buy-out, a textbook problem."""

    describe: Prose = Field(default="", description="free text")
    cost: UnitCostPath | None = by_scenario(None, description="USD/unit paid at the decision; default 0")
    income: Income | None = Field(default=None, description="cash by the year after the decision; default none")
    returns: list[Return] = Field(default=[], description="cash at times after the decision; default none")
    provides: dict[str, Annotated[tuple[tuple[int, float], ...], SuppliesReader()]] = by_scenario(
        {}, description="good -> amount per unit, at once or {after, amount}; rules say provided[good]"
    )
    decide: Annotated[str, Choice("plan", "recourse")] = Field(
        default="plan", description="plan: at tree nodes, shared by scenarios; recourse: in each scenario by itself; default plan"
    )
    when: Window = Field(default=When(), description="when units may be decided, a date or {from, until}; default: always")
    limit: Amount | None = Field(default=None, description="most units in all; default: no limit")
    minimum: Amount = Field(default=0.0, description="least units in all; default 0")
    taxable: Yes = Field(default=True, description="its cash counts as taxable income; default true")


class Variant(Section):
    """A named patch of the case."""

    describe: Prose = Field(default="", description="free text")
    set: Annotated[dict[str, Any], ByPath()] = Field(description="path -> value, such as financing.notes.limit: 0 USD")


class CaseModel(Section):
    """A case of wattfolio: a company that mines bitcoin and hosts AI, its world, and what it may decide."""

    case: About = Field(default=About.model_construct(), description="what the case is")
    horizon: Horizon = Field(description="from when, how long, in which steps")
    company: Company = Field(default=Company.model_construct(), description="overhead, shares, plant owned")
    market: Market = Field(default=Market.model_construct(), description="bitcoin price and hashprice")
    data: Data = Field(default=Data.model_construct(), description="files of the world; default: what comes with the program")
    scenarios: Annotated[dict[str, Scenario], Besides({GENERATE: Generate})] = Field(
        default={}, description="ways the world may go, or `generate` alone: drawn ones; default: one, called base"
    )
    information: Annotated[date | str, Information()] | None = Field(
        default=None, description="date until which all scenarios share decisions (excluded), or start; default: never known"
    )
    sites: dict[str, Site] = Field(default={}, description="places with power, by name; default none")
    limits: Limits = Field(default=Limits.model_construct(), description="yearly limits on all sites together; default none")
    rigs: dict[str, Rig] = Field(default={}, description="rig models, by name; default none")
    ai: dict[str, AnyService] = Field(default={}, description="AI services, by name; default none")
    financing: dict[str, Instrument] = Field(default={}, description="debt and shares, by name; default none")
    treasury: Treasury = Field(default=Treasury.model_construct(), description="cash and coins")
    tax: Tax | None = Field(default=None, description="income tax; default none")
    rules: list[RuleTerms] = Field(default=[], description="sentences that the plan keeps; default none")
    policies: dict[str, AnyPolicy] = Field(default={}, description="rules that planners call by a name; default none")
    objective: Objective = Field(default=Objective.model_construct(), description="what is maximised")
    cash_flows: dict[str, CashFlow] = Field(default={}, description="given streams of cash, by name; default none")
    projects: dict[str, Project] = Field(default={}, description="other opportunities, by name; default none")
    variants: dict[str, Variant] = Field(default={}, description="named patches, for compare, sweep and check; default none")


class _Generator(GenerateJsonSchema):
    """Leaves defaults of our own types out: the descriptions say them."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012


def case_schema() -> dict[str, Any]:
    """JSON schema of a case, for editors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
        schema = CaseModel.model_json_schema(by_alias=True, schema_generator=_Generator)
        drawn = Generate.model_json_schema(by_alias=True, schema_generator=_Generator)
    schema["$defs"] |= drawn.pop("$defs") | {"Generate": drawn}
    schema["properties"]["scenarios"]["properties"] = {GENERATE: {"$ref": "#/$defs/Generate"}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "wattfolio case"} | schema
