"""Sections that several others use: payments, depreciation, capacity that can be added."""

from typing import Annotated

from pydantic import Field

from optimizer.case.schema.field_types import (
    Choice,
    Duration,
    DurationPositive,
    MoneyPerMWPath,
    Power,
    Ratio,
    Section,
    SharePart,
    SharePositive,
    When,
    Window,
    by_scenario,
)

TaxMethod = Annotated[str, Choice("none", "straight", "macrs-3", "macrs-5", "macrs-7", "macrs-10", "macrs-15", "macrs-20")]


class Payment(Section):
    """One instalment of a price."""

    share: SharePositive = Field(description="share of the price")
    after: Duration = Field(default=0, description="time after the order, rounded up to whole periods; default: at the order")


class Depreciation(Section):
    """How a class of asset is depreciated, for tax and in the books."""

    tax: TaxMethod = Field(default="none", description="method for tax; MACRS has the half-year convention; default none")
    life: DurationPositive | None = Field(default=None, description="straight-line life for tax: needed with tax: straight")
    bonus: SharePart = Field(default=0.0, description="share deducted at once in the year placed in service; default 0 %")
    book: Duration = Field(default=0, description="straight-line life in the books; default 0 months: not depreciated there")


class Expansion(Section):
    """Capacity that can be added."""

    cost: MoneyPerMWPath = by_scenario(description="USD per MW at the order date (AI halls: per critical MW)")
    lead: Duration = Field(default=0, description="from order to ready, rounded up to whole periods; default none")
    limit: Power = Field(description="most that can be added, in all")
    minimum: Power = Field(default=0.0, description="least that must be added, in all; default none")
    order: Window = Field(default=When(), description="when it may be ordered; default: whenever it is ready within the horizon")
    payments: list[Payment] | None = Field(default=None, description="instalments, adding to 100 %; default: all at the order")
    depreciation: Depreciation = Field(default=Depreciation.model_construct(), description="default: none")


class Conversion(Expansion):
    """Mining halls turned into AI halls; MW are critical MW."""

    uses: Ratio | None = Field(
        default=None, description="MW of mining hall used up per critical MW; default: the site's gross_ratio"
    )
