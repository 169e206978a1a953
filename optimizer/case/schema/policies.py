"""Policies: what planners call by a name, and what it becomes. `build_policies` expands them, cases/README.md tells how."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from optimizer.case.schema.field_types import (
    Choice,
    DateField,
    DurationPositive,
    EnergyPriceAnyPath,
    Money,
    MoneyAny,
    Prose,
    Section,
    SharePart,
    SharePositive,
    Yes,
    by_scenario,
)
from optimizer.case.schema.financing import Otherwise
from optimizer.case.schema.fleet import type_of

Kind = Annotated[str, Choice("rigs", "options", "halls", "interconnection", "equipment")]


class Policy(Section):
    """What all policies have in common."""

    describe: Prose = Field(default="", description="free text")


class Scoped(Policy):
    """A policy that holds at dates, in scenarios."""

    from_: DateField | None = Field(default=None, alias="from", description="first date it applies at; default: the start")
    until: DateField | None = Field(default=None, description="last date it applies at; default: the end")
    scenarios: list[Prose] | None = Field(default=None, description="scenarios it applies in; default: all")


class Ruled(Scoped):
    """A policy that becomes rules: hard, or soft at a price."""

    otherwise: Otherwise | None = Field(default=None, description="makes it soft: a breach is paid for; default: hard")


class AiFirst(Policy):
    """All AI demand is served in every hour: mining gets what is left."""

    type: Literal["ai_first"] = Field(description="ai_first: the served floor of AI services is 100 %")
    services: list[Prose] | None = Field(default=None, description="services it is about; default: all")
    share: SharePositive = Field(default=1.0, description="share of demand served in every period; default 100 %: in every hour")


class CurtailAbove(Policy):
    """No rig runs in hours whose grid price is above the strike."""

    type: Literal["curtail_above"] = Field(description="curtail_above: mining stops above a grid price")
    price: EnergyPriceAnyPath = by_scenario(description="strike, USD/MWh, against the hourly price before delivery and peaks")
    sites: list[Prose] | None = Field(default=None, description="sites it is about; default: all with a grid")


class HoldCoins(Ruled):
    """At least this share of all coins mined so far is held."""

    type: Literal["hold_coins"] = Field(description="hold_coins: coins >= share * total(btc_mined)")
    share: SharePositive = Field(description="share of the coins mined since the start")


class Payback(Ruled):
    """What was spent so many months ago has come back: cumulative cash of the company covers it."""

    type: Literal["payback"] = Field(description="payback: total(cash) >= previous(total(capex), months)")
    within: DurationPositive = Field(description="time in which spending comes back: 36 months")
    of: list[Kind] | None = Field(default=None, description="what is bought: rigs, halls, ...; default: all capex")
    cash: Annotated[str, Choice("cfads", "ebitda")] = Field(default="cfads", description="cash that pays it back; default cfads")
    expected: Yes = Field(default=False, description="on average over scenarios; default false: in each")


class CapitalShare(Ruled):
    """At no date more than this share of all that was raised comes from one instrument."""

    type: Literal["capital_share"] = Field(description="capital_share: share of total(issued[k]) in total(raised)")
    instrument: Prose = Field(description="the instrument")
    at_most: SharePart = Field(description="largest share of what was raised since the start")


class RefinancingWall(Ruled):
    """Scheduled principal and maturities of one calendar year stay below a wall."""

    type: Literal["refinancing_wall"] = Field(
        description="refinancing_wall: year(principal + maturities) at the end of each year"
    )
    at_most: Money = Field(description="most that falls due in a calendar year")


class TenantConcentration(Ruled):
    """No AI service is more than this share of all of them."""

    type: Literal["tenant_concentration"] = Field(description="tenant_concentration: share of one service in all AI")
    at_most: SharePart = Field(description="largest share of one service")
    of: Annotated[str, Choice("power", "revenue")] = Field(default="power", description="of MW, or of revenue; default power")
    services: list[Prose] | None = Field(default=None, description="services that are limited; default: each")


class CashSweep(Scoped):
    """Cash above a level repays a debt: either cash is at most the level, or nothing of the debt is left."""

    type: Literal["cash_sweep"] = Field(
        description="cash_sweep: cash above a level repays a revolver, BTC loan or loan repaid as cash allows"
    )
    into: Prose = Field(description="the debt that is repaid")
    above: Money = Field(description="cash that may stay")


class DividendsEarned(Scoped):
    """Dividends are paid out of what was earned, and not while money of last resort is out."""

    type: Literal["dividends_earned"] = Field(
        description="dividends_earned: total(dividends + rescue) within earnings where one is paid; none beside a revolver, rescue or new shares"
    )
    retained_earnings: MoneyAny = Field(
        default=0.0, description="earnings retained before the start; negative: an accumulated deficit; default 0 USD"
    )


class Issue(Policy):
    """What is issued of an instrument by a date, in all."""

    instrument: Prose = Field(description="the instrument")
    by: DateField | None = Field(default=None, description="date by which; default: the end of the horizon")
    scenarios: list[Prose] | None = Field(default=None, description="scenarios it applies in; default: all")
    otherwise: Otherwise | None = Field(default=None, description="makes it soft: a breach is paid for; default: hard")


class MinimumIssue(Issue):
    """At least so much is issued, in all."""

    type: Literal["minimum_issue"] = Field(description="minimum_issue: total(issued[k]) >= amount")
    at_least: Money = Field(description="least that is issued, in all dates together")


class MaximumIssue(Issue):
    """At most so much is issued, in all."""

    type: Literal["maximum_issue"] = Field(description="maximum_issue: total(issued[k]) <= amount")
    at_most: Money = Field(description="most that is issued, in all dates together")


POLICY_CLASSES: dict[str, type[Policy]] = {
    "ai_first": AiFirst, "curtail_above": CurtailAbove, "hold_coins": HoldCoins, "payback": Payback,
    "capital_share": CapitalShare, "refinancing_wall": RefinancingWall, "tenant_concentration": TenantConcentration,
    "cash_sweep": CashSweep, "dividends_earned": DividendsEarned, "minimum_issue": MinimumIssue, "maximum_issue": MaximumIssue,
}  # fmt: skip

AnyPolicy = Annotated[
    Annotated[AiFirst, Tag("ai_first")]
    | Annotated[CurtailAbove, Tag("curtail_above")]
    | Annotated[HoldCoins, Tag("hold_coins")]
    | Annotated[Payback, Tag("payback")]
    | Annotated[CapitalShare, Tag("capital_share")]
    | Annotated[RefinancingWall, Tag("refinancing_wall")]
    | Annotated[TenantConcentration, Tag("tenant_concentration")]
    | Annotated[CashSweep, Tag("cash_sweep")]
    | Annotated[DividendsEarned, Tag("dividends_earned")]
    | Annotated[MinimumIssue, Tag("minimum_issue")]
    | Annotated[MaximumIssue, Tag("maximum_issue")],
    Discriminator(type_of),
]
