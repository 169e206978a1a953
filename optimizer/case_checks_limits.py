"""Energy budgets and emission caps that limit nothing, and what scenarios may not change of them."""

from __future__ import annotations

from . import schema_sites
from .case_checker import Checker, Parts
from .schema import CaseModel


def check_limits(c: Checker) -> None:
    """A budget of grid energy needs a grid, and a cap something that emits."""
    for name, site in c.base.sites.items():
        _check(c, ("sites", name, "energy_budget"), ("sites", name, "emission_cap"), site, [site], "this site")
    limits = c.base.limits
    whole = schema_sites.Site.model_construct(energy_budget=limits.energy, emission_cap=limits.emissions)
    if c.whole:  # a site with mistakes is left out, and might be the one with a grid
        _check(c, ("limits", "energy"), ("limits", "emissions"), whole, list(c.base.sites.values()), "any site")


def _check(
    c: Checker, energy: Parts, emissions: Parts, given: schema_sites.Site, sites: list[schema_sites.Site], where: str
) -> None:
    budget, cap = given.energy_budget, given.emission_cap
    if budget is not None and budget.of == "grid" and all(site.power.grid is None for site in sites):
        c.wrong((*energy, "of"), f"there is no grid at {where} to buy energy from", "of: use counts what rigs and AI use")
    models = c.frame.models if c.frame is not None else (c.base,)
    names = [name for name, site in c.base.sites.items() if any(site is one for one in sites)]
    if cap is not None and not any(_emits(model.sites[name]) for model in models for name in names if name in model.sites):
        c.wrong(emissions, f"nothing at {where} has emissions: there is nothing to limit", "power.grid.emissions: 0.38 t/MWh")


def _emits(site: schema_sites.Site) -> bool:
    power = site.power
    if power.grid is not None and power.grid.emissions is not None:
        return True
    factors = [block.emissions for block in power.blocks.values()] + [own.emissions for own in power.own.values()]
    return any(factors) or (power.diesel is not None and power.diesel.emissions > 0.0)


def limit_prices(model: CaseModel) -> dict[str, object]:
    """Path of every limit's price -> the price, or None where the limit is hard."""
    limits: list[tuple[str, schema_sites.EnergyBudget | schema_sites.EmissionCap | None]] = []
    for name, site in model.sites.items():
        limits += [(f"sites.{name}.energy_budget", site.energy_budget), (f"sites.{name}.emission_cap", site.emission_cap)]
    limits += [("limits.energy", model.limits.energy), ("limits.emissions", model.limits.emissions)]
    return {f"{path}.price": limit.price for path, limit in limits if limit is not None}
