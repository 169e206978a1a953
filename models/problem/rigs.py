"""Rigs, and options on rigs to come."""

from __future__ import annotations

from dataclasses import dataclass

from models.problem.arrays import Array, Mask
from models.problem.capital import NEVER_WORN, PAID_AT_ORDER, Depreciation, Payments


@dataclass(frozen=True)
class RigOption:
    """A call on future rigs: fee USD/MW paid when bought (dates `buy`), strike USD/MW when exercised (dates `exercise`)."""

    fee: float
    strike: float
    limit: float
    buy: Mask
    exercise: Mask


@dataclass(frozen=True)
class Rig:
    """One rig model, measured in MW at the wall.

    density       PH/s per MW
    uptime        share of hours it can run (availability a_uh)
    pool_fee      share of coins kept by the pool
    variable_cost USD/MWh used, besides power; fixed_cost USD/MW/year while installed
    price         (S, D) USD/MW at the order date; resale (S, D) USD/MW at the date sold
    window        (D,) order dates; lead periods from order to first working period; life periods it may work
    supply        (D,) MW that can be ordered per date, all sites together; limit MW in all orders
    payments      relative to the order date, at most `lead` periods late
    owned         (I,) MW installed at date 0; owned_life periods the owned ones may still work
    sites         (I,) where it may be placed
    ramp_limit    share of the MW that can run (uptime x MW) by which use may rise or fall from one hour to the next; from 1 on: none
    """

    name: str
    density: float
    uptime: float
    pool_fee: float
    variable_cost: float
    fixed_cost: float
    price: Array
    resale: Array
    window: Mask
    lead: int
    life: int
    supply: Array
    limit: float
    owned: Array
    owned_life: int
    sites: Mask
    payments: Payments = PAID_AT_ORDER
    depreciation: Depreciation = NEVER_WORN
    option: RigOption | None = None
    ramp_limit: float = float("inf")

    @property
    def ramps(self) -> bool:
        """Whether the limit on changes can bind."""
        return self.ramp_limit < 1.0
