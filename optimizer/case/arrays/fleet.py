"""Rigs and AI services."""

from __future__ import annotations

import numpy as np

from models.problem import Array, Deferrable, Mask, Rig, RigOption, Service
from optimizer.case.arrays.frame import Frame
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.schema import fleet
from optimizer.case.schema.case_model import CaseModel


def build_rigs(frame: Frame) -> tuple[Rig, ...]:
    return tuple(_rig(frame, name, rig) for name, rig in frame.base.rigs.items())


def density(rig: fleet.Rig) -> float:
    """PH/s per MW."""
    if rig.efficiency is not None:
        return 1000.0 / rig.efficiency
    assert rig.hashrate is not None and rig.power is not None
    return rig.hashrate / rig.power


def site_mask(frame: Frame, names: list[str] | None) -> Mask:
    return np.array([names is None or site in names for site in frame.base.sites], dtype=bool)


def _rig(frame: Frame, name: str, given: fleet.Rig) -> Rig:
    dense = density(given)
    per_mw = dense * 1000.0  # TH/s per MW
    price = frame.at_dates(lambda model: model.rigs[name].price) * per_mw
    if any(model.rigs[name].resale_price is not None for model in frame.models):
        resale = frame.at_dates(lambda model: model.rigs[name].resale_price) * per_mw
    else:
        resale = frame.at_dates(lambda model: model.rigs[name].resale) * price
    supply = np.full(frame.periods + 1, np.inf)
    if given.supply is not None:
        supply = given.supply.at_dates(frame.timeline)
    owned = np.zeros(len(frame.base.sites))
    for at, site in enumerate(frame.base.sites):
        if site in given.owned:
            value, units = given.owned[site]
            owned[at] = value * (given.power or 0.0) if units else value
    life = frame.periods + 1 if given.life is None else frame.steps(given.life)
    option = None
    if given.option is not None:
        option = RigOption(
            fee=given.option.fee * per_mw,
            strike=given.option.strike * per_mw,
            limit=given.option.limit,
            buy=frame.order_mask(given.option.buy),
            exercise=frame.order_mask(given.option.exercise),
        )
    return Rig(
        name=name,
        density=dense,
        uptime=given.uptime,
        pool_fee=given.pool_fee,
        variable_cost=given.variable_cost,
        fixed_cost=given.fixed_cost,
        price=price,
        resale=resale,
        window=frame.order_mask(given.order),
        lead=frame.steps(given.lead),
        life=life,
        supply=supply,
        limit=np.inf if given.limit is None else given.limit,
        owned=owned,
        owned_life=life if given.owned_life is None else frame.steps(given.owned_life),
        sites=site_mask(frame, given.sites),
        payments=frame.payments(given.payments),
        depreciation=frame.depreciation(given.depreciation),
        option=option,
        ramp_limit=np.inf if given.ramp_limit is None else given.ramp_limit,
    )


def build_services(frame: Frame) -> tuple[Service, ...]:
    return tuple(_service(frame, name, service) for name, service in frame.base.ai.items())


def _service(frame: Frame, name: str, given: fleet.Lease | fleet.Cloud) -> Service:
    def rate(model: CaseModel) -> Path:
        service = model.ai[name]
        return service.rent if isinstance(service, fleet.Lease) else service.price

    def energy(model: CaseModel) -> Path | None:
        paid = model.ai[name].energy
        return paid if isinstance(paid, Path) else None

    def equipment(model: CaseModel) -> Path | None:
        bought = model.ai[name].equipment
        return None if bought is None else bought.cost

    reimbursed: str | Array | None = frame.over_periods(energy)
    if not isinstance(given.energy, Path):
        reimbursed = "grid" if given.energy == "tenant" else None
    bought = given.equipment
    contracted = np.array([given.contracted.get(site, 0.0) for site in frame.base.sites], dtype=np.float64)
    extra = {}
    if bought is not None:
        extra = {
            "equipment": frame.at_dates(equipment),
            "payments": frame.payments(bought.payments),
            "depreciation": frame.depreciation(bought.depreciation),
        }
    return Service(
        name=name,
        kind=given.type,
        sites=site_mask(frame, given.sites),
        window=frame.order_mask(given.sign),
        lead=frame.steps(given.lead),
        term=frame.steps(given.term),
        ramp=tuple(given.ramp),
        escalator=given.escalator if isinstance(given, fleet.Lease) else 0.0,
        limit=given.limit,
        minimum=given.minimum,
        contracted=contracted,
        contracted_term=frame.steps(given.contracted_term or 0),
        rate=frame.over_periods(rate),
        demand=frame.hourly(lambda model: model.ai[name].demand, default=1.0),
        reimbursed=reimbursed,
        penalty=frame.over_periods(lambda model: model.ai[name].penalty),
        floor=given.floor,
        variable_cost=given.variable_cost,
        fixed_cost=given.fixed_cost,
        deferrable=None if given.deferrable is None else Deferrable(given.deferrable.share, given.deferrable.deadline),
        ramp_limit=np.inf if given.ramp_limit is None else given.ramp_limit,
        **extra,  # type: ignore[arg-type]
    )
