"""Where power comes from, where it is stored, and what a year may use of it."""

from __future__ import annotations

from dataclasses import dataclass

from models.problem.arrays import Array
from models.problem.clock import Hourly


@dataclass(frozen=True)
class Grid:
    """Grid supply: hourly price plus adders (delivery, peak-demand hours, demand-response credits), USD/MWh.

    availability (0..1 per hour) multiplies the MW; demand_response USD/year is the fixed part of a credit (may be 0).
    emissions: t CO2 per MWh bought, by the hour (None: none).
    """

    price: Hourly
    adder: Hourly
    availability: Hourly | None = None
    demand_response: Array | None = None  # (S, T) USD per year
    emissions: Hourly | None = None


@dataclass(frozen=True)
class Block:
    """A contracted block: `mw` (T,) at fixed `price` (S, T) USD/MWh, take-or-pay: paid for every hour whether used or not.

    Block power is scheduled first: it occupies its MW of the interconnection, and pays the site's adders when used.
    sell_back: unused power may be sold at the hourly grid price less `sell_fee` USD/MWh.
    emissions: t CO2 per MWh taken, whether used or sold back.
    """

    name: str
    mw: Array
    price: Array
    sell_back: bool = False
    sell_fee: float = 0.0
    emissions: float = 0.0


@dataclass(frozen=True)
class OwnSource:
    """Surplus or own generation behind the meter: mw (T,), availability hourly, cost (S, T) USD/MWh; may be exported.
    emissions: t CO2 per MWh generated, whether used or sold."""

    name: str
    mw: Array
    availability: Hourly
    cost: Array
    export: bool = False
    sell_fee: float = 0.0
    emissions: float = 0.0


@dataclass(frozen=True)
class Diesel:
    """Backup generation: mw (T,), cost (S, T) USD/MWh, permit hours a calendar year at full power (inf: no limit); emissions t CO2
    per MWh generated."""

    name: str
    mw: Array
    cost: Array
    permit_hours: float = float("inf")
    emissions: float = 0.0


@dataclass(frozen=True)
class YearlyLimit:
    """Most that a calendar year may use (MWh) or emit (t CO2).

    amount (S, T) MWh or t per year, in force in each period (inf: no limit): a year may have the sum over its periods of amount times
    their length in years, which prorates a year that the horizon cuts. price (S, T) USD per MWh or t above it, None: a hard limit;
    paid at the year's last date, at the mean of its months, as an operating expense. of: what an energy budget counts, 'use': energy
    of rigs and AI at the meter, or 'grid': energy bought from `Site.grid`.
    """

    amount: Array
    price: Array | None = None
    of: str = "use"


@dataclass(frozen=True)
class Battery:
    """Storage behind the meter of a site: takes power from any source, gives it to any use.

    charge, discharge  MW at the meter at most; an hour that does both shares its time between them
    energy             MWh that it holds
    charge_efficiency  MWh stored per MWh taken; discharge_efficiency: MWh given per MWh taken out of store
    wear               USD per MWh given
    level              share of `energy` that is stored when a period begins, and again when it ends
    self_discharge     share of what is stored that is lost in an hour; only with level 0, which a dark site can keep
    now                MW of discharge that stand at date 0, None: all of them. More can be ordered (`Site.store`): every MW of
                       discharge has its part of `charge` and `energy`, and is delivered at `level`
    """

    charge: float
    discharge: float
    energy: float
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    wear: float = 0.0
    level: float = 0.5
    self_discharge: float = 0.0
    now: float | None = None

    @property
    def standing(self) -> float:
        """MW of discharge at date 0."""
        return self.discharge if self.now is None else self.now
