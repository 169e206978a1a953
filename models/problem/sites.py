"""Places with power: what stands there and what can be added."""

from __future__ import annotations

from dataclasses import dataclass

from models.problem.arrays import Array, Ints
from models.problem.capital import Expansion
from models.problem.power import Battery, Block, Diesel, Grid, OwnSource, YearlyLimit


@dataclass(frozen=True)
class Site:
    """A place with power.

    interconnection_mw, mining_mw, ai_mw: what stands at date 0 (ai_mw in critical MW).
    expand / build_mining / build_ai / convert: what can be added. `convert` turns mining halls into AI halls: its MW are critical
    MW, each of which uses up `mining_per_ai` MW of mining hall at once (mining_per_ai >= 0).
    energy_budget, emission_cap: limits on this site's calendar years.
    store: MW of discharge that can be added to `battery` (for tax, terminal value and collateral it is interconnection).
    gross_ratio: MW at the meter per critical MW. delay (S,) periods every build of the site is late in a scenario.
    fixed_cost (S, T) USD/year for the site; mining_cost, ai_cost USD/MW/year for halls that are ready.
    curtail_above (S, T) grid price, USD/MWh before adders, above which no rig runs (None: rigs run at any price).
    """

    name: str
    interconnection_mw: float
    mining_mw: float
    ai_mw: float
    gross_ratio: float
    mining_per_ai: float
    delay: Ints
    fixed_cost: Array
    mining_cost: float
    ai_cost: float
    expand: Expansion | None = None
    build_mining: Expansion | None = None
    build_ai: Expansion | None = None
    convert: Expansion | None = None
    grid: Grid | None = None
    blocks: tuple[Block, ...] = ()
    own: tuple[OwnSource, ...] = ()
    diesel: Diesel | None = None
    energy_budget: YearlyLimit | None = None
    emission_cap: YearlyLimit | None = None
    battery: Battery | None = None
    curtail_above: Array | None = None
    store: Expansion | None = None

    @property
    def stores(self) -> bool:
        """Whether a battery can store anything here at any time."""
        battery = self.battery
        if battery is None or min(battery.charge, battery.discharge, battery.energy) <= 0.0:
            return False
        return battery.standing > 0.0 or self.store is not None
