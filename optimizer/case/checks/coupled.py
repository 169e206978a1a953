"""Checks of what couples hours: batteries, deferrable demand, ramp limits."""

from __future__ import annotations

from optimizer.case.checks.checker import Checker, Parts


def check_coupled(c: Checker) -> None:
    """Note what couples hours that are not all kept, and batteries that could not keep their level."""
    found: list[tuple[Parts, str]] = []
    for name, site in c.base.sites.items():
        battery = site.battery
        if battery is None:
            continue
        at: Parts = ("sites", name, "battery")
        found.append((at, "a battery"))
        c.expansion((*at, "build"), battery.build)
        size = battery.charge if battery.discharge is None else battery.discharge
        if battery.build is not None and min(battery.charge, size, battery.energy) <= 0.0:
            c.wrong(
                (*at, "build"), "a battery without size has no proportions to build in", "charge: 1 MW, energy: 4 MWh, now: 0 MW"
            )
        if battery.self_discharge > 0.0 and battery.level > 0.0:
            message = "a battery that loses charge needs power to keep its level, which a dark site does not have"
            c.wrong((*at, "self_discharge"), message, "level: 0 %")
    for section, things in (("rigs", c.base.rigs), ("ai", c.base.ai)):
        for name, thing in things.items():
            if thing.ramp_limit is not None and thing.ramp_limit < 1.0:
                found.append(((section, name, "ramp_limit"), "a limit on changes from hour to hour"))
    for name, service in c.base.ai.items():
        if service.deferrable is not None:
            found.append((("ai", name, "deferrable"), "demand that may wait"))
    every = c.base.horizon.hours
    if every > 1:
        for parts, what in found:
            c.wrong(parts, f"{what} needs hours that follow each other, and one in {every} is kept", "horizon: {hours: all}")
