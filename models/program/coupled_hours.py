"""Hours that are linked, written out in the master problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.hours.coupled import Coupling, waiting_of
from models.program.expressions import Build, Lin


def write_coupled(
    b: Build,
    i: int,
    s: int,
    t: int,
    coupling: Coupling,
    flows: dict[str, Any],
    storage: Lin,
    capacity: Callable[[str, int], Lin],
) -> None:
    """Rows of one site, scenario and period.

    flows: name -> (H,) variables of MW; storage: MW the battery can give; capacity(kind, index): MW of a rig or service.

    e[h] = (1 - self_discharge) e[h-1] + charge_efficiency c[h] - d[h] / discharge_efficiency,    e[-1] = e[H-1]
    0 <= e[h] <= duration * B,   e[H-1] = level * duration * B,   c[h] * discharge / charge + d[h] <= B,      duration = energy / discharge
    x[h] + b[h] - b[h-1] <= demand[h] C,   b[h] - b[h-1] <= arrivals[h] C,   0 <= b[h] <= room[h] C,   b[-1] = 0
    -ramp K <= x[h] - x[h-1] <= ramp K,    h >= 1
    """
    p = b.problem
    name = p.sites[i].name
    hours = range(len(p.clock.weight[t]))
    battery = coupling.battery
    if battery is not None:
        duration = battery.energy / battery.discharge
        most = storage.const * duration if storage.constant_only else None
        level = [b.named("level", (name, s, t, h), 0.0, most) for h in hours]
        c, d = flows["charge"], flows["discharge"]
        b.row("battery_end", (name, s, t), Lin().add(level[-1]).plus(storage, -battery.level * duration), equal=0.0)
        for h in hours:
            if most is None:
                b.row("battery_energy", (name, s, t, h), Lin().add(level[h]).plus(storage, -duration), at_most=0.0)
            body = Lin().add(level[h]).add(level[h - 1], -(1.0 - battery.self_discharge))
            body.add(c[h], -battery.charge_efficiency).add(d[h], 1.0 / battery.discharge_efficiency)
            b.row("battery_level", (name, s, t, h), body, equal=0.0)
            body = Lin().add(c[h], battery.discharge / battery.charge).add(d[h]).plus(storage, -1.0)
            b.row("battery_power", (name, s, t, h), body, at_most=0.0)
    for j, use in coupling.waiting:
        waiting, mw = waiting_of(p, i, j, s, t), capacity("service", j)
        x = flows[use]
        before = None
        for h in hours:
            key = (name, p.services[j].name, s, t, h)
            here = b.named("waiting", key)
            change = Lin().add(here).add(before, -1.0)
            b.row("service_queue", key, Lin().add(x[h]).plus(change).plus(mw, -waiting.demand[h]), at_most=0.0)
            b.row("service_deferred", key, change.plus(mw, -waiting.arrivals[h]), at_most=0.0)
            b.row("service_deadline", key, Lin().add(here).plus(mw, -waiting.room[h]), at_most=0.0)
            before = here
    for ramp in coupling.ramps:
        x, mw = flows[ramp.name], capacity(ramp.kind, ramp.index)
        for h in hours[1:]:
            key = (name, ramp.name, s, t, h)
            b.row("ramp_up", key, Lin().add(x[h]).add(x[h - 1], -1.0).plus(mw, -ramp.mw), at_most=0.0)
            b.row("ramp_down", key, Lin().add(x[h - 1]).add(x[h], -1.0).plus(mw, -ramp.mw), at_most=0.0)
