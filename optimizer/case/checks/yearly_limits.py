"""Energy budgets and emission caps that limit nothing, and what scenarios may not change of them."""

from __future__ import annotations

from optimizer.case.checks.checker import Checker, Parts
from optimizer.case.schema import sites as schema_sites
from optimizer.case.schema.case_model import CaseModel


def check_limits(c: Checker) -> None:
    """A budget of grid energy needs a grid, and a cap something that emits."""
    for name, site in c.base.sites.items():
        _budget(c, ("sites", name, "energy_budget"), site.energy_budget, [name], "this site")
        _cap(c, ("sites", name, "emission_cap"), site.emission_cap, [name], "this site")
    if c.sound("sites"):  # a site with mistakes is left out, and might be the one with a grid
        _budget(c, ("limits", "energy"), c.base.limits.energy, list(c.base.sites), "any site")
        _cap(c, ("limits", "emissions"), c.base.limits.emissions, list(c.base.sites), "any site")


def _budget(c: Checker, parts: Parts, given: schema_sites.EnergyBudget | None, sites: list[str], where: str) -> None:
    if given is not None and given.of == "grid" and all(c.base.sites[name].power.grid is None for name in sites):
        c.wrong((*parts, "of"), f"there is no grid at {where} to buy energy from", "of: use counts what rigs and AI use")


def _cap(c: Checker, parts: Parts, given: schema_sites.EmissionCap | None, sites: list[str], where: str) -> None:
    models = c.frame.models if c.frame is not None else (c.base,)
    emits = any(_emits(model.sites[name]) for model in models for name in sites if name in model.sites)
    unseen = not c.sound("scenarios", "horizon") and bool(c.names("scenarios"))  # what a scenario sets may be what emits
    if given is not None and not emits and not unseen:
        c.wrong(parts, f"nothing at {where} has emissions: there is nothing to limit", "power.grid.emissions: 0.38 t/MWh")


def _emits(site: schema_sites.Site) -> bool:
    power = site.power
    if power.grid is not None and power.grid.emissions is not None:
        return True
    factors = [block.emissions for block in power.blocks.values()] + [own.emissions for own in power.own.values()]
    return any(factors) or (power.diesel is not None and power.diesel.emissions > 0.0)


def _limits(model: CaseModel) -> dict[str, schema_sites.EnergyBudget | schema_sites.EmissionCap | None]:
    """Path of every limit that a case may have -> the limit, or None."""
    out: dict[str, schema_sites.EnergyBudget | schema_sites.EmissionCap | None] = {}
    for name, site in model.sites.items():
        out[f"sites.{name}.energy_budget"] = site.energy_budget
        out[f"sites.{name}.emission_cap"] = site.emission_cap
    return out | {"limits.energy": model.limits.energy, "limits.emissions": model.limits.emissions}


def alike_limits(base: CaseModel, model: CaseModel) -> list[tuple[str, object, object]]:
    """(path, the case's, a scenario's) of what must be given in both or in neither: limits, and their prices."""
    out: list[tuple[str, object, object]] = []
    there = _limits(model)
    for path, ours in _limits(base).items():
        theirs = there.get(path)
        if ours is not None and theirs is not None:
            out.append((f"{path}.price", ours.price, theirs.price))
        else:
            out.append((path, ours, theirs))
    return out
