"""Rigs and AI services: what the halls are filled with."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from optimizer.case.reading.paths_in_time import Path
from optimizer.case.schema.common import Depreciation, Payment
from optimizer.case.schema.field_types import (
    POSITIVE,
    Choice,
    Duration,
    DurationPositive,
    Efficiency,
    EnergyPrice,
    EnergyPriceAnyPath,
    EnergyPricePath,
    Given,
    HashPrice,
    HashPricePath,
    Hashrate,
    HourlyRate,
    HourlyShare,
    Map,
    MoneyPerMWPath,
    MoneyPerMWYear,
    MoneyPerMWYearPath,
    Over,
    Power,
    PowerPath,
    Prose,
    Quantity,
    RateUp,
    Reader,
    Reading,
    Section,
    ShareBelow,
    SharePart,
    SharePath,
    SharePositive,
    Text,
    When,
    WholeHours,
    Window,
    by_scenario,
)


class Owned(Reader):
    """MW at the wall, or a number of units: returned as (value, is_units)."""

    def read(self, given: Given, reading: Reading) -> tuple[float, bool]:
        if isinstance(given, Text) and given.rstrip().endswith(("unit", "units")):
            return Quantity("units").read(given, reading), True
        return Quantity("MW").read(given, reading), False

    def json(self) -> dict[str, Any]:
        return {"type": "string", "examples": ["50 MW", "12000 units"]}


class RigOption(Section):
    """Calls on future rigs: a fee now, a fixed price later."""

    fee: HashPrice = Field(description="USD/TH paid when the option is bought")
    strike: HashPrice = Field(description="USD/TH paid when it is exercised")
    limit: Power = Field(description="most MW of options")
    buy: Window = Field(default=When(), description="when options may be bought; default: always")
    exercise: Window = Field(default=When(), description="when they may be exercised; default: always")


class Rig(Section):
    """A rig model; all MW are at the wall. Give `efficiency`, or `hashrate` and `power` of one unit."""

    describe: Prose = Field(default="", description="free text")
    efficiency: Efficiency | None = Field(default=None, description="J/TH at the wall")
    hashrate: Hashrate | None = Field(default=None, description="TH/s of one unit")
    power: Annotated[float, Quantity("MW", POSITIVE)] | None = Field(default=None, description="W of one unit at the wall")
    price: HashPricePath = by_scenario(description="USD/TH at the order date")
    resale: SharePath | None = by_scenario(None, description="share of the price of the date it is sold; default 0 %")
    resale_price: HashPricePath | None = by_scenario(None, description="USD/TH at the date it is sold, in place of `resale`")
    order: Window = Field(default=When(), description="when it may be ordered; default: whenever it works within the horizon")
    lead: Duration = Field(default=0, description="from order to first working period, rounded up to whole periods; default none")
    life: DurationPositive | None = Field(default=None, description="how long it may work; default: beyond the horizon")
    supply: PowerPath | None = Field(default=None, description="most MW that can be ordered per date; default: no limit")
    limit: Power | None = Field(default=None, description="most MW in all orders; default: no limit")
    payments: list[Payment] | None = Field(default=None, description="instalments, adding to 100 %; default: all at the order")
    pool_fee: ShareBelow = Field(default=0.0, description="share of coins kept by the pool; default 0 %")
    uptime: SharePositive = Field(default=1.0, description="share of hours it can run; default 100 %")
    variable_cost: EnergyPrice = Field(default=0.0, description="USD/MWh used, besides power; default 0")
    fixed_cost: MoneyPerMWYear = Field(default=0.0, description="USD per MW installed and year; default 0")
    owned: dict[str, Annotated[tuple[float, bool], Owned()]] = Field(
        default={}, description="site -> MW (or units, with hashrate and power) installed at the start; default none"
    )
    owned_life: Duration | None = Field(default=None, description="how long the owned ones may still work; default: `life`")
    sites: list[Prose] | None = Field(default=None, description="where it may be placed; default: at every site")
    depreciation: Depreciation = Field(default=Depreciation.model_construct(), description="default: none")
    option: RigOption | None = Field(default=None, description="calls on future rigs; default none")
    ramp_limit: HourlyRate | None = Field(
        default=None, description="most change of use from hour to hour, share of the MW that can run; default: no limit"
    )


class Equipment(Section):
    """What the company buys per MW signed (servers, network)."""

    cost: MoneyPerMWPath = by_scenario(description="USD per critical MW at the signing date")
    payments: list[Payment] | None = Field(default=None, description="instalments from signing; default: all at signing")
    depreciation: Depreciation = Field(default=Depreciation.model_construct(), description="default: none")


class EnergyPaid(Reader):
    """Who pays for energy: `tenant` (the hour's grid price and adders), `company`, or a path of USD/MWh the tenant pays."""

    def read(self, given: Given, reading: Reading) -> str | Path:
        if isinstance(given, Text) and not given[:1].isdigit():
            return Choice("tenant", "company").read(given, reading)
        return Over("USD/MWh").read(given, reading)

    def json(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": ["tenant", "company"]}, Over("USD/MWh").json()]}


class Deferrable(Section):
    """Demand that may be served later, with up to the MW contracted; a bare share waits for the end of its day at most."""

    shorthand: ClassVar[str | None] = "share"

    share: SharePart = Field(description="share of the demand of each hour")
    deadline: WholeHours | None = Field(
        default=None, description="hours later at most, within the period; default: by the end of the calendar day"
    )


class Service(Section):
    """What leases and cloud services have in common; MW are critical MW."""

    describe: Prose = Field(default="", description="free text")
    tenant: Prose = Field(default="", description="who: for the reader")
    sites: list[Prose] | None = Field(default=None, description="where it may run; default: at every site")
    sign: Window = Field(default=When(), description="when it may be signed; default: whenever it starts within the horizon")
    lead: Duration = Field(default=0, description="from signing to start (a site's delay adds), rounded up; default none")
    term: DurationPositive = Field(description="how long a contract runs from its start")
    ramp: list[SharePart] = Field(default=[], description="share of the MW in the first periods, one by one; then 100 %")
    limit: Power = Field(description="most MW in all, with contracted ones: the tenant's demand")
    minimum: Power = Field(default=0.0, description="least MW in all, with contracted ones; default none")
    contracted: dict[str, Power] = Field(default={}, description="site -> MW that run at the start; default none")
    contracted_term: Duration | None = Field(default=None, description="time left of the contracted MW; needed with them")
    demand: HourlyShare | None = by_scenario(None, description="use wanted by hour, share of MW; default 100 %")
    penalty: EnergyPricePath | None = by_scenario(None, description="USD per critical MWh of demand not served; default 0")
    floor: SharePart = Field(default=0.0, description="share of demand that must be served in every period; default none")
    variable_cost: EnergyPrice = Field(default=0.0, description="USD per critical MWh served, besides power; default 0")
    fixed_cost: MoneyPerMWYear = Field(default=0.0, description="USD per MW under contract and year; default 0")
    equipment: Equipment | None = Field(default=None, description="default none")
    deferrable: Deferrable | None = Field(default=None, description="demand that may wait; default none")
    ramp_limit: HourlyRate | None = Field(
        default=None, description="most change of use from hour to hour, share of the MW under contract; default: no limit"
    )


class Lease(Service):
    """Take-or-pay rent: low use frees power, not rent."""

    type: Literal["lease"] = Field(description="lease: rent per MW")
    rent: MoneyPerMWYearPath = by_scenario(description="USD per critical MW and year")
    escalator: RateUp = Field(default=0.0, description="rise of the rent at each anniversary of the start; default 0 %/year")
    energy: Annotated[str | Path, EnergyPaid()] = by_scenario(
        "tenant", description="who pays energy: tenant, company, or USD/MWh that the tenant pays; default tenant"
    )


class Cloud(Service):
    """Revenue by use."""

    type: Literal["cloud"] = Field(description="cloud: revenue per MWh served")
    price: EnergyPriceAnyPath = by_scenario(description="USD per critical MWh served")
    energy: Annotated[str | Path, EnergyPaid()] = by_scenario(
        "company", description="who pays energy: tenant, company, or USD/MWh that the tenant pays; default company"
    )


def type_of(value: Any) -> str | None:
    """The `type` of a given or already read section."""
    found = value.get("type") if isinstance(value, Map) else getattr(value, "type", None)
    return None if found is None else str(found)


AnyService = Annotated[
    Annotated[Lease, Tag("lease")] | Annotated[Cloud, Tag("cloud")],
    Discriminator(type_of),
]
