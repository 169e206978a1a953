"""The trial plans of a case, by which drawn futures are told apart: what stands, and what could be bought or signed."""

from __future__ import annotations

import numpy as np

from optimizer.case.arrays.fleet import density
from optimizer.case.reading.timeline import Timeline
from optimizer.case.schema import fleet
from optimizer.case.schema.case_model import CaseModel
from optimizer.scenarios.generate.trial import Mine, Service, Trials

PRICES = 8  # levels of the hourly price of power that stand for a year


def trial_plans(base: CaseModel, timeline: Timeline, stages: tuple[int, ...]) -> Trials:
    """`stages` in months after date 0: rigs are bought at date 0 and at each of them."""
    months = timeline.periods * timeline.period_months
    mines = tuple(one for rig in base.rigs.values() for one in _mines(base, rig, timeline, months))
    services = tuple(one for name, given in base.ai.items() for one in _services(base, name, given, timeline, months))
    return Trials(mines, services, base.treasury.coins, max(base.objective.discount, 0.0), (0, *stages))


def _mines(base: CaseModel, rig: fleet.Rig, timeline: Timeline, months: int) -> list[Mine]:
    """One at each site where the model stands; where it stands nowhere, one at the first that it may go to."""
    owned = {site: value * (rig.power or 0.0) if units else value for site, (value, units) in rig.owned.items()}
    places = [site for site in owned if site in base.sites] or [site for site in rig.sites or base.sites if site in base.sites][
        :1
    ]
    supply = 0.0 if rig.order.never else float(rig.supply.at_dates(timeline)[0]) if rig.supply is not None else 10.0
    if rig.limit is not None:
        supply = min(supply, rig.limit)
    life = months if rig.life is None else rig.life
    out = []
    for site in places:
        prices, adder = _power(base, site, timeline)
        cost = float(rig.price.at_dates(timeline)[0]) * density(rig) * 1000.0
        out.append(
            Mine(
                site, owned.get(site, 0.0), supply, density(rig), cost, rig.lead, life,
                life if rig.owned_life is None else rig.owned_life, prices, adder + rig.variable_cost, rig.pool_fee, rig.uptime,
            )
        )  # fmt: skip
    return out


def _power(base: CaseModel, site: str, timeline: Timeline) -> tuple[tuple[float, ...], float]:
    """(levels of the price, adder) of the grid in USD/MWh; without a grid, the mean price of contracted blocks."""
    power = base.sites[site].power
    if power.grid is not None:
        levels = [float(part.mean()) for part in np.array_split(np.sort(power.grid.price.values), PRICES)]
        delivery = 0.0 if power.grid.delivery is None else float(power.grid.delivery.over_periods(timeline)[0])
        return tuple(levels), delivery
    blocks = [float(block.price.over_periods(timeline)[0]) for block in power.blocks.values()]
    return (float(np.mean(blocks)) if blocks else 0.0,), 0.0


def _services(base: CaseModel, name: str, given: fleet.Lease | fleet.Cloud, timeline: Timeline, months: int) -> list[Service]:
    """One at each site with contracted MW, one for what could be signed at the first site that it may go to."""
    if isinstance(given, fleet.Lease):
        revenue = float(given.rent.over_periods(timeline)[0]) / 12.0
    else:
        use = 1.0 if given.demand is None else given.demand.mean
        revenue = float(given.price.over_periods(timeline)[0]) * use * 730.5
    signed = 0.0 if given.sign.never else given.limit
    places = [site for site in given.contracted if site in base.sites] or [
        site for site in given.sites or base.sites if site in base.sites
    ][:1]
    return [
        Service(
            name, site, given.contracted.get(site, 0.0), signed if at == 0 else 0.0, revenue, given.lead, min(given.term, months),
            given.contracted_term or 0,
        )
        for at, site in enumerate(places)
    ]  # fmt: skip
