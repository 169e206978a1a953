"""What couples the hours of a site: a battery, demand that may wait, limits on changes from hour to hour (README 15).

Its rows are stated twice: as rows of the plan (`write_coupled`, capacities are variables there), and as a block of one period
with capacities in the limits (`state_block`), which is solved by itself to value the hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.modelling import LinearExpression, pyo
from models.problem import LEAP_HOURS, Array, Battery, Clock, Ints, Problem

#: positions in the leap-year layout after which the hours of a common year skip 29 February
FEBRUARY_28, MARCH_1 = 59 * 24 - 1, 60 * 24


@dataclass(frozen=True)
class Ramp:
    """A use ('rig' | 'service', index) may change by at most mw per hour and MW of its capacity; name 'rig:<r>' | 'ai:<j>'."""

    kind: str
    index: int
    name: str
    mw: float


@dataclass(frozen=True)
class Coupling:
    """What couples the hours of one site: battery or None, services whose demand may wait (index, name of the use), slow uses."""

    battery: Battery | None
    waiting: tuple[tuple[int, str], ...]
    ramps: tuple[Ramp, ...]


@dataclass(frozen=True)
class Waiting:
    """Demand of one service in one period that may wait, (H,) MW at the meter per critical MW under contract.

    demand: of the hour, deferrable or not; arrivals: its deferrable part; room: MWh of arrivals so far that may still wait when the
    hour is over.
    """

    demand: Array
    arrivals: Array
    room: Array


def coupling_of(problem: Problem, i: int, rigs: tuple[int, ...], services: tuple[int, ...]) -> Coupling | None:
    """What couples the hours of site i; rigs and services: those that may be there. None: nothing does.

    Raises ValueError where the data make no sense, or where hours are coupled that do not follow each other.
    """
    site = problem.sites[i]
    if site.store is not None and not site.stores:
        raise ValueError(f"site {site.name!r} can build on a battery that has no size: its proportions are unknown")
    battery = site.battery if site.stores else None
    if battery is not None:
        _check(site.name, battery)
    waiting = tuple((j, f"ai:{problem.services[j].name}") for j in services if problem.services[j].waits)
    for j, _ in waiting:
        deferrable = problem.services[j].deferrable
        assert deferrable is not None
        if deferrable.share > 1.0 or (deferrable.deadline is not None and deferrable.deadline < 0):
            raise ValueError(
                f"service {problem.services[j].name!r}: a share above 1 or a deadline in the past cannot be deferred"
            )
    ramps = [Ramp("rig", r, f"rig:{rig.name}", rig.ramp_limit * rig.uptime) for r in rigs if (rig := problem.rigs[r]).ramps]
    for j in services:
        if (service := problem.services[j]).ramps:
            ramps.append(Ramp("service", j, f"ai:{service.name}", service.ramp_limit * site.gross_ratio))
    if any(ramp.mw < 0.0 for ramp in ramps):
        raise ValueError(f"site {site.name!r}: a ramp limit is below 0")
    if battery is None and not waiting and not ramps:
        return None
    for t in range(problem.clock.periods):
        if not consecutive(problem.clock, t):
            raise ValueError(f"site {site.name!r} couples hours, and those kept of period {t} do not follow each other")
    return Coupling(battery, waiting, tuple(ramps))


def _check(site: str, battery: Battery) -> None:
    shares = (battery.charge_efficiency, battery.discharge_efficiency)
    if not all(0.0 < share <= 1.0 for share in shares):
        raise ValueError(f"the battery of {site!r}: an efficiency lies above 0 and not above 1, not {min(shares)}")
    if not 0.0 <= battery.level <= 1.0 or not 0.0 <= battery.self_discharge < 1.0:
        raise ValueError(f"the battery of {site!r}: level and self-discharge are shares")
    if battery.self_discharge > 0.0 and battery.level > 0.0:
        raise ValueError(
            f"the battery of {site!r} loses charge: its level at the ends of periods must be 0, which needs no power"
        )


def consecutive(clock: Clock, t: int) -> bool:
    """Whether all hours of period t are kept, one after the other."""
    hours = clock.hour_index[t]
    if not (clock.weight[t] == 1.0).all():
        return False
    step = np.diff(hours) == 1
    over_leap_day = (hours[:-1] == FEBRUARY_28) & (hours[1:] == MARCH_1)
    over_new_year = (hours[:-1] == LEAP_HOURS - 1) & (hours[1:] == 0)
    return bool((step | over_leap_day | over_new_year).all())


def due(hours: Ints, deadline: int | None) -> Ints:
    """(H,) the last hour of the period in which a job of each hour may be served; hours: positions in the leap-year layout."""
    count = len(hours)
    if deadline is not None:
        return np.minimum(np.arange(count) + deadline, count - 1)
    ends = np.append(np.flatnonzero(np.diff(hours // 24) != 0), count - 1)
    return ends[np.searchsorted(ends, np.arange(count))]


def waiting_of(problem: Problem, i: int, j: int, s: int, t: int) -> Waiting:
    """Demand, arrivals and room of service j at site i (README 15)."""
    service, clock = problem.services[j], problem.clock
    assert service.deferrable is not None
    demand = service.demand.values(clock, s, t) * problem.sites[i].gross_ratio
    arrivals = service.deferrable.share * demand
    last = due(clock.hour_index[t], service.deferrable.deadline)
    so_far = np.append(0.0, np.cumsum(arrivals))
    over = np.searchsorted(last, np.arange(len(last)), side="right")  # jobs that were due by the end of the hour
    return Waiting(demand, arrivals, np.maximum(so_far[1:] - so_far[over], 0.0))


# ---- as rows of the plan ---------------------------------------------------------------------------------------------


# ---- as a block of one period ----------------------------------------------------------------------------------------


def state_block(coupling: Coupling, names: tuple[str, ...], sources: int, hours: int) -> pyo.ConcreteModel:
    """The hours of one period as a Pyomo model whose prices and limits are arrays given with each solve.

    names: uses, then `sources` sources. Variables flow[e, h] MW, level[h] MWh, waiting[w, h] MWh; their bounds and all right-hand
    sides hold the capacities. Only the matrix is stated here: it is that of every scenario and of every period of so many hours.
    Rows as in `write_coupled`, ramps with both sides in one.
    """
    model = pyo.ConcreteModel()
    every = range(hours)
    place = {name: e for e, name in enumerate(names)}
    uses = len(names) - sources
    flow = model.flow = pyo.Var(range(len(names)), every)

    def linear(*terms: tuple[float, Any]) -> LinearExpression:
        return LinearExpression(constant=0.0, linear_coefs=[c for c, _ in terms], linear_vars=[v for _, v in terms])

    def balance(_: Any, h: int) -> Any:
        return linear(*((1.0 if e < uses else -1.0, flow[e, h]) for e in range(len(names)))) == 0.0

    model.balance = pyo.Constraint(every, rule=balance)
    battery = coupling.battery
    if battery is not None:
        level = model.level = pyo.Var(every)
        c, d = place["charge"], place["discharge"]
        kept = 1.0 - battery.self_discharge

        def rolls(_: Any, h: int) -> Any:
            moved = (-battery.charge_efficiency, flow[c, h]), (1.0 / battery.discharge_efficiency, flow[d, h])
            return linear((1.0, level[h]), (-kept, level[(h or hours) - 1]), *moved) == 0.0

        def power(_: Any, h: int) -> Any:
            return linear((battery.discharge / battery.charge, flow[c, h]), (1.0, flow[d, h])) <= 0.0

        model.battery_level = pyo.Constraint(every, rule=rolls)
        model.battery_power = pyo.Constraint(every, rule=power)
    if coupling.waiting:
        order = range(len(coupling.waiting))
        wait = model.waiting = pyo.Var(order, every)
        served = [place[use] for _, use in coupling.waiting]

        def change(w: int, h: int) -> tuple[tuple[float, Any], ...]:
            return ((1.0, wait[w, h]), (-1.0, wait[w, h - 1])) if h else ((1.0, wait[w, h]),)

        def queue(_: Any, w: int, h: int) -> Any:
            return linear((1.0, flow[served[w], h]), *change(w, h)) <= 0.0

        def deferred(_: Any, w: int, h: int) -> Any:
            return linear(*change(w, h)) <= 0.0

        model.service_queue = pyo.Constraint(order, every, rule=queue)
        model.service_deferred = pyo.Constraint(order, every, rule=deferred)
    if coupling.ramps and hours > 1:
        entries = [place[ramp.name] for ramp in coupling.ramps]

        def ramps(_: Any, k: int, h: int) -> Any:
            return (-1.0, linear((1.0, flow[entries[k], h]), (-1.0, flow[entries[k], h - 1])), 1.0)

        model.ramp = pyo.Constraint(range(len(entries)), every[1:], rule=ramps)
    return model
