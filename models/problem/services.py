"""AI services: capacity let for rent, or energy served at a price."""

from __future__ import annotations

from dataclasses import dataclass

from models.problem.arrays import Array, Mask
from models.problem.capital import NEVER_WORN, PAID_AT_ORDER, Depreciation, Payments
from models.problem.clock import Hourly


@dataclass(frozen=True)
class Deferrable:
    """Demand that may wait. share of the demand of every hour; deadline: hours later at most, None: by the end of its calendar day.

    Nothing waits beyond the end of a period.
    """

    share: float
    deadline: int | None = None


@dataclass(frozen=True)
class Service:
    """One AI service; capacity in critical MW, power in MW at the meter (critical x gross ratio of the site).

    kind 'lease': rent (S, T) USD/MW/year, take-or-pay. kind 'cloud': price (S, T) USD per critical MWh served.
    demand        hourly 0..1 of contracted MW
    reimbursed    'grid': tenant pays the hour's grid price and adders; else (S, T) USD/MWh at the meter; None: company pays
    penalty       (S, T) USD per critical MWh of demand not served; floor: share of demand energy that must be served
                  in every period (0: none)
    variable_cost USD per critical MWh served; fixed_cost USD/MW/year of contracted MW
    window (D,), lead periods from signing to start (plus the site's delay), term periods, ramp: share of MW in the first
    periods after start (then 1), escalator per year since start (rent and price step up at each anniversary)
    limit MW in all (tenant's demand); minimum MW that must be signed; contracted (I,) MW that run at date 0 with
    contracted_term periods left; equipment: cost (S, D) USD per MW paid from the signing date by its payments (None: no equipment)
    deferrable    demand that may be served later, with up to the MW contracted (None: none)
    ramp_limit    share of the MW contracted by which use may rise or fall from one hour to the next; from 1 on: none
    """

    name: str
    kind: str
    sites: Mask
    window: Mask
    lead: int
    term: int
    ramp: tuple[float, ...]
    escalator: float
    limit: float
    minimum: float
    contracted: Array
    contracted_term: int
    rate: Array
    demand: Hourly
    reimbursed: str | Array | None
    penalty: Array
    floor: float
    variable_cost: float
    fixed_cost: float
    equipment: Array | None = None
    payments: Payments = PAID_AT_ORDER
    depreciation: Depreciation = NEVER_WORN
    deferrable: Deferrable | None = None
    ramp_limit: float = float("inf")

    @property
    def waits(self) -> bool:
        """Whether any demand can wait for a later hour."""
        return self.deferrable is not None and self.deferrable.share > 0.0 and self.deferrable.deadline != 0

    @property
    def ramps(self) -> bool:
        """Whether the limit on changes can bind."""
        return self.ramp_limit < 1.0
