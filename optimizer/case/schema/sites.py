"""Sites: interconnection, halls and power."""

from typing import Annotated, ClassVar

from pydantic import Field

from optimizer.case.schema.common import Conversion, Expansion
from optimizer.case.schema.field_types import (
    Choice,
    Count,
    DateField,
    Duration,
    EmissionFactor,
    EmissionFactors,
    Energy,
    EnergyPrice,
    EnergyPriceAnyPath,
    EnergyPricePath,
    EnergyYearPath,
    FactorPath,
    HourlyLoss,
    HourlyPrice,
    HourlyShare,
    HoursAYear,
    MassPricePath,
    MassYearPath,
    MoneyPerMWYear,
    MoneyYearPath,
    Power,
    PowerPath,
    Prose,
    RatioFromOne,
    Section,
    SharePart,
    SharePositive,
    Yes,
    Zone,
    by_scenario,
)

Month = Annotated[int, Count(1, 12)]
HourOfDay = Annotated[int, Count(0, 23)]


class HourSet(Section):
    """Hours of the year: every day of some months at some hours of the day, or one hour such as 08-20 17."""

    shorthand: ClassVar[str | None] = "at"

    at: Prose | None = Field(default=None, description="one hour: month-day and the hour it begins, standard time: 08-20 17")
    months: list[Month] | None = Field(default=None, description="months 1 to 12; default: all")
    hours: list[HourOfDay] | None = Field(default=None, description="hours of the day, 0 to 23, by their beginning; default: all")


class Peak(Section):
    """A charge on use in some hours (4CP, 12CP, a peak-demand tariff)."""

    charge: MoneyPerMWYear | None = Field(
        default=None, description="USD per MW and year of average use in the hours: spread evenly over them. Or give `adder`"
    )
    adder: EnergyPrice | None = Field(default=None, description="USD per MWh used in the hours")
    hours: list[HourSet] = Field(description="the hours that are charged")


class DemandResponse(Section):
    """Pay for not using power in some hours: credit x (enrolled MW - grid use), and a fixed part for being enrolled.

    Use above the enrolled MW is charged at the same credit in these hours.
    """

    credit: EnergyPrice = Field(description="USD per MWh not used")
    enrolled: Power = Field(description="MW enrolled")
    hours: list[HourSet] = Field(description="the hours in which it is called")
    standby: MoneyPerMWYear = Field(default=0.0, description="USD per enrolled MW and year, called or not; default none")


class Grid(Section):
    """Supply from the grid, up to the interconnection less contracted blocks."""

    price: HourlyPrice = by_scenario(description="hourly energy price, USD/MWh; a quantity is the same in all hours")
    level: FactorPath | None = by_scenario(None, description="plain factor on the price over time; default 1")
    plus: EnergyPriceAnyPath | None = by_scenario(None, description="USD/MWh added to the price over time; default 0")
    delivery: EnergyPricePath | None = by_scenario(None, description="USD/MWh on every MWh used; default 0")
    peaks: dict[str, Peak] = Field(default={}, description="charges on use in peak hours, by name; default none")
    demand_response: DemandResponse | None = Field(default=None, description="default none")
    availability: HourlyShare | None = by_scenario(None, description="share of the MW available, by hour; default 100 %")
    emissions: EmissionFactors | None = by_scenario(
        None, description="t CO2 per MWh: a path in time, or hourly data; default none"
    )
    emissions_level: FactorPath | None = by_scenario(None, description="plain factor on `emissions` over time; default 1")


class Block(Section):
    """A contracted block: paid for every hour, used or not."""

    mw: PowerPath = Field(description="MW")
    price: EnergyPriceAnyPath = by_scenario(description="fixed price, USD/MWh")
    from_: DateField | None = Field(default=None, alias="from", description="when delivery begins; default: the start")
    until: DateField | None = Field(default=None, description="when delivery ends: the first date without it; default: never")
    sell_back: Yes = Field(default=False, description="unused power may be sold at the hourly grid price; default false")
    sell_fee: EnergyPrice = Field(default=0.0, description="USD/MWh lost when selling; default 0")
    emissions: EmissionFactor = Field(default=0.0, description="t CO2 per MWh taken, used or sold back; default none")


class Own(Section):
    """Surplus or own generation behind the meter."""

    mw: PowerPath = Field(description="MW")
    availability: HourlyShare | None = by_scenario(None, description="share of the MW available, by hour; default 100 %")
    cost: EnergyPricePath | None = by_scenario(None, description="USD/MWh used; default 0")
    export: Yes = Field(default=False, description="may be sold at the hourly grid price; default false")
    sell_fee: EnergyPrice = Field(default=0.0, description="USD/MWh lost when selling; default 0")
    emissions: EmissionFactor = Field(default=0.0, description="t CO2 per MWh generated, used or sold; default none")


class Diesel(Section):
    """Backup generation."""

    mw: PowerPath = Field(description="MW")
    cost: EnergyPricePath = by_scenario(description="USD/MWh: fuel and wear")
    permit: HoursAYear | None = Field(default=None, description="hours a calendar year at full power; default: no limit")
    emissions: EmissionFactor = Field(default=0.0, description="t CO2 per MWh generated; default none")


class PowerSupply(Section):
    """Where a site's power comes from."""

    grid: Grid | None = Field(default=None, description="default none")
    blocks: dict[str, Block] = Field(default={}, description="contracted blocks, by name; default none")
    own: dict[str, Own] = Field(default={}, description="own generation, by name; default none")
    diesel: Diesel | None = Field(default=None, description="default none")


class EnergyBudget(Section):
    """Most energy in a calendar year, prorated where the horizon cuts it; a bare path is the limit."""

    shorthand: ClassVar[str | None] = "limit"

    limit: EnergyYearPath = by_scenario(description="MWh/year")
    of: Annotated[str, Choice("use", "grid")] = Field(
        default="use", description="use: what rigs and AI use at the meter; grid: what is bought from `power.grid`; default use"
    )
    price: EnergyPricePath | None = by_scenario(
        None, description="USD/MWh above the limit, paid at the year's last date; default: none, the limit is hard"
    )

    @classmethod
    def shorthand_takes_maps(cls) -> bool:
        """A path may be a mapping."""
        return True


class EmissionCap(Section):
    """Most CO2 in a calendar year, prorated where the horizon cuts it; a bare path is the limit."""

    shorthand: ClassVar[str | None] = "limit"

    limit: MassYearPath = by_scenario(description="t/year; with a price and 0 t/year, a carbon price on every tonne")
    price: MassPricePath | None = by_scenario(
        None, description="USD/t above the limit, paid at the year's last date; default: none, the limit is hard"
    )

    @classmethod
    def shorthand_takes_maps(cls) -> bool:
        """A path may be a mapping."""
        return True


class Limits(Section):
    """Limits on all sites together."""

    energy: EnergyBudget | None = Field(default=None, description="most energy in a calendar year; default: no limit")
    emissions: EmissionCap | None = Field(default=None, description="most CO2 in a calendar year; default: no limit")


class Battery(Section):
    """Storage behind the meter: takes power from any source, gives it to any use. Needs hours: all.

    `build` adds MW of discharge in these proportions of charge, discharge and energy; its cost counts as interconnection.
    """

    charge: Power = Field(description="most MW it takes, at the meter")
    discharge: Power | None = Field(default=None, description="most MW it gives, at the meter; default: as `charge`")
    energy: Energy = Field(description="MWh that it holds")
    efficiency: SharePositive = Field(description="MWh given per MWh taken: the round trip, half of the loss on either way")
    wear: EnergyPrice = Field(default=0.0, description="USD per MWh given; default 0")
    level: SharePart = Field(
        default=0.5, description="share of `energy` stored at the beginning and end of periods; default 50 %"
    )
    self_discharge: HourlyLoss = Field(
        default=0.0, description="share of what is stored lost per hour, %/hour; needs level: 0 %; default none"
    )
    now: Power | None = Field(default=None, description="MW of discharge at the start; default: all that is described")
    build: Expansion | None = Field(default=None, description="MW of discharge that can be added; default nothing")


class Interconnection(Section):
    """The connection to the grid; a bare quantity is what stands now."""

    shorthand: ClassVar[str | None] = "now"

    now: Power = Field(default=0.0, description="MW at the start; default 0")
    expand: Expansion | None = Field(default=None, description="what can be added; default nothing")


class MiningHall(Section):
    """Halls for rigs; a bare quantity is what stands now."""

    shorthand: ClassVar[str | None] = "now"

    now: Power = Field(default=0.0, description="MW at the start; default 0")
    build: Expansion | None = Field(default=None, description="what can be built; default nothing")
    fixed_cost: MoneyPerMWYear = Field(default=0.0, description="USD per MW ready and year; default 0")


class AiHall(Section):
    """Halls for AI, in critical MW; a bare quantity is what stands now."""

    shorthand: ClassVar[str | None] = "now"

    now: Power = Field(default=0.0, description="critical MW at the start; default 0")
    build: Expansion | None = Field(default=None, description="what can be built; default nothing")
    convert: Conversion | None = Field(default=None, description="mining halls turned into AI halls; default nothing")
    fixed_cost: MoneyPerMWYear = Field(default=0.0, description="USD per critical MW ready and year; default 0")


class Site(Section):
    """A place with power."""

    describe: Prose = Field(default="", description="free text")
    timezone: Zone = Field(
        default="", description="an IANA name; for the reader: hourly data is on local standard time; default none"
    )
    interconnection: Interconnection = Field(default=Interconnection.model_construct(), description="default 0 MW")
    mining_hall: MiningHall = Field(default=MiningHall.model_construct(), description="default 0 MW")
    ai_hall: AiHall = Field(default=AiHall.model_construct(), description="default 0 MW")
    gross_ratio: RatioFromOne = Field(default=1.0, description="MW at the meter per critical MW of AI; default 1")
    fixed_cost: MoneyYearPath | None = by_scenario(None, description="USD/year for the site; default 0")
    delay: Duration = Field(default=0, description="how late every build of this site is, in all scenarios; default none")
    power: PowerSupply = Field(default=PowerSupply.model_construct(), description="default: none")
    energy_budget: EnergyBudget | None = Field(default=None, description="most energy in a calendar year; default: no limit")
    emission_cap: EmissionCap | None = Field(default=None, description="most CO2 in a calendar year; default: no limit")
    battery: Battery | None = Field(default=None, description="default none")
