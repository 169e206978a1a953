"""Sites and their power."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from models.problem import Array, Battery, Block, Diesel, Expansion, Grid, Hourly, OwnSource, Site
from optimizer.case.arrays.frame import Frame, positions
from optimizer.case.arrays.yearly_limits import emission_cap, energy_budget
from optimizer.case.reading.hourly_year import HourlyYear
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.schema import common, sites
from optimizer.case.schema.case_model import CaseModel


def build_sites(frame: Frame) -> tuple[Site, ...]:
    return tuple(_site(frame, name, site) for name, site in frame.base.sites.items())


def _site(frame: Frame, name: str, site: sites.Site) -> Site:
    def expansion(part: str, kind: str) -> Expansion | None:
        given: common.Expansion | None = getattr(getattr(site, part), kind, None)
        if given is None:
            return None

        def cost(model: CaseModel) -> Path:
            return getattr(getattr(model.sites[name], part), kind).cost

        return Expansion(
            cost=frame.at_dates(cost),
            window=frame.order_mask(given.order),
            lead=frame.steps(given.lead),
            limit=given.limit,
            payments=frame.payments(given.payments),
            depreciation=frame.depreciation(given.depreciation),
            minimum=given.minimum,
        )

    convert = site.ai_hall.convert
    uses = site.gross_ratio if convert is None or convert.uses is None else convert.uses
    step = frame.timeline.period_months
    return Site(
        name=name,
        interconnection_mw=site.interconnection.now,
        mining_mw=site.mining_hall.now,
        ai_mw=site.ai_hall.now,
        gross_ratio=site.gross_ratio,
        mining_per_ai=uses,
        delay=-(-frame.delay(name) // step),
        fixed_cost=frame.over_periods(lambda model: model.sites[name].fixed_cost),
        mining_cost=site.mining_hall.fixed_cost,
        ai_cost=site.ai_hall.fixed_cost,
        expand=expansion("interconnection", "expand"),
        build_mining=expansion("mining_hall", "build"),
        build_ai=expansion("ai_hall", "build"),
        convert=expansion("ai_hall", "convert"),
        grid=_grid(frame, name, site.power.grid),
        blocks=tuple(_block(frame, name, key, block) for key, block in site.power.blocks.items()),
        own=tuple(_own(frame, name, key, own) for key, own in site.power.own.items()),
        diesel=_diesel(frame, name, site.power.diesel),
        energy_budget=energy_budget(frame, lambda model: model.sites[name].energy_budget),
        emission_cap=emission_cap(frame, lambda model: model.sites[name].emission_cap),
        battery=_battery(site.battery),
        store=expansion("battery", "build"),
    )


def _battery(given: sites.Battery | None) -> Battery | None:
    if given is None:
        return None
    one_way = math.sqrt(given.efficiency)
    return Battery(
        charge=given.charge,
        discharge=given.charge if given.discharge is None else given.discharge,
        energy=given.energy,
        charge_efficiency=one_way,
        discharge_efficiency=one_way,
        wear=given.wear,
        level=given.level,
        self_discharge=given.self_discharge,
        now=given.now,
    )


def _grid(frame: Frame, name: str, given: sites.Grid | None) -> Grid | None:
    if given is None:
        return None

    def grid(model: CaseModel) -> sites.Grid:
        found = model.sites[name].power.grid
        assert found is not None
        return found

    def adder(model: CaseModel) -> Array:
        """(8784,) USD/MWh in peak and demand-response hours."""
        out = np.zeros(8784)
        for peak in grid(model).peaks.values():
            hours = positions(peak.hours)
            # 29 February is not in every year: a charge by the year is spread over the hours of a common year.
            count = int(hours.sum()) - int(hours[59 * 24 : 60 * 24].sum())
            out[hours] += peak.adder if peak.adder is not None else (peak.charge or 0.0) / max(count, 1)
        response = grid(model).demand_response
        if response is not None:
            out[positions(response.hours)] += response.credit
        return out

    demand_response = None
    if given.demand_response is not None:
        hours = positions(given.demand_response.hours)
        demand_response = np.zeros((frame.scenario_count, frame.periods))
        for s, model in enumerate(frame.models):
            response = grid(model).demand_response
            assert response is not None
            for t in range(frame.periods):
                called = float(hours[frame.period_hours(t)].sum())
                years = frame.timeline.period_months / 12
                demand_response[s, t] = response.enrolled * (response.credit * called / years + response.standby)
    return Grid(
        price=frame.hourly(
            lambda model: grid(model).price,
            factor=frame.over_periods(lambda model: grid(model).level, 1.0),
            shift=frame.over_periods(lambda model: grid(model).plus),
        ),
        adder=frame.hourly(adder, shift=frame.over_periods(lambda model: grid(model).delivery)),
        availability=None
        if all(grid(model).availability is None for model in frame.models)
        else frame.hourly(lambda model: grid(model).availability, default=1.0),
        demand_response=demand_response,
        emissions=_emissions(frame, grid),
    )


def _emissions(frame: Frame, grid: Callable[[CaseModel], sites.Grid]) -> Hourly | None:
    """t/MWh by the hour: hourly data, or a path that is the same in all hours, times its level."""
    if all(grid(model).emissions is None for model in frame.models):
        return None

    def hours(model: CaseModel) -> HourlyYear | Array:
        given = grid(model).emissions
        return given if isinstance(given, HourlyYear) else np.ones(8784)

    factor = frame.over_periods(lambda model: grid(model).emissions_level, 1.0)
    for s, model in enumerate(frame.models):
        given = grid(model).emissions
        if not isinstance(given, HourlyYear):
            factor[s] *= 0.0 if given is None else given.over_periods(frame.timeline)
    return frame.hourly(hours, factor=factor)


def block_mw(frame: Frame, block: sites.Block) -> Array:
    """(T,) MW of a block in the periods that begin within its contract."""
    mw = block.mw.over_periods(frame.timeline).copy()
    for t, day in enumerate(frame.timeline.dates[:-1]):
        if (block.from_ is not None and day < block.from_) or (block.until is not None and day >= block.until):
            mw[t] = 0.0
    return mw


def _block(frame: Frame, site: str, name: str, given: sites.Block) -> Block:
    return Block(
        name=name,
        mw=block_mw(frame, given),
        price=frame.over_periods(lambda model: model.sites[site].power.blocks[name].price),
        sell_back=given.sell_back,
        sell_fee=given.sell_fee,
        emissions=given.emissions,
    )


def _own(frame: Frame, site: str, name: str, given: sites.Own) -> OwnSource:
    return OwnSource(
        name=name,
        mw=given.mw.over_periods(frame.timeline),
        availability=frame.hourly(lambda model: model.sites[site].power.own[name].availability, default=1.0),
        cost=frame.over_periods(lambda model: model.sites[site].power.own[name].cost),
        export=given.export,
        sell_fee=given.sell_fee,
        emissions=given.emissions,
    )


def _diesel(frame: Frame, site: str, given: sites.Diesel | None) -> Diesel | None:
    if given is None:
        return None

    def cost(model: CaseModel) -> Path | None:
        diesel = model.sites[site].power.diesel
        return None if diesel is None else diesel.cost

    return Diesel(
        name="diesel",
        mw=given.mw.over_periods(frame.timeline),
        cost=frame.over_periods(cost),
        permit_hours=float("inf") if given.permit is None else given.permit,
        emissions=given.emissions,
    )
