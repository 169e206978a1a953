"""Pro forma of hours that depend on each other: what a battery holds, what waits, how fast uses change (README 15).

By rule, from the dispatch alone: nothing here knows the rows of the program. Hours follow each other and each stands for itself,
else what is checked would mean nothing: that is checked too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.problem import Array, Battery, Deferrable, Ints
from models.proforma.checks import Checklist

Place = tuple[object, ...]


def check_ramp(mw: Array, share: float, able: float, weight: Array, place: Place, checks: Checklist) -> None:
    """|mw[h] - mw[h-1]| <= share * able (MW); from a share of 1 on there is nothing to check."""
    if share >= 1.0 or len(mw) < 2:
        return
    _single(mw, weight, place, checks)
    checks.note("changes within the ramp limit", max(float(np.abs(np.diff(mw)).max()) - share * able, 0.0), able, place)


def sized(battery: Battery, mw: float) -> Battery:
    """A battery of the same proportions that gives `mw` at most."""
    if battery.discharge <= 0.0:
        return battery
    times = mw / battery.discharge
    return replace(battery, charge=times * battery.charge, discharge=mw, energy=times * battery.energy)


def check_battery(battery: Battery, taken: Array, given: Array, weight: Array, place: Place, checks: Checklist) -> None:
    """What is stored stays within the battery and ends as it began; time of an hour is spent once."""
    _single(taken + given, weight, place, checks)
    begin = battery.level * battery.energy
    stored = levels(battery, taken, given)
    checks.note("battery holds what it can", _out(stored, battery.energy), battery.energy, place)
    end = float(stored[-1]) if len(stored) else begin
    checks.note("battery ends as it began", abs(end - begin), battery.energy, place)
    busy = np.zeros(len(taken))
    for mw, most in ((taken, battery.charge), (given, battery.discharge)):
        if most > 0.0:
            busy += mw / most
    checks.note("battery charges or discharges", max(float((busy - 1.0).max(initial=0.0)), 0.0), 1.0, place)


def levels(battery: Battery, taken: Array, given: Array) -> Array:
    """(H,) MWh stored after each hour: what was stored before, less self-discharge, and what came in less what went out.

    e[h] = q ** (h + 1) * e[-1] + sum_k q ** (h - k) * inflow[k] with q = 1 - self_discharge, summed by doubling.
    """
    stored = taken * battery.charge_efficiency - given / battery.discharge_efficiency
    keep = 1.0 - battery.self_discharge
    step = 1
    while step < len(stored):
        earlier = np.zeros_like(stored)
        earlier[step:] = stored[:-step]
        stored = stored + keep**step * earlier
        step *= 2
    return stored + battery.level * battery.energy * keep ** np.arange(1.0, len(stored) + 1.0)


def check_deferred(
    terms: Deferrable, demand: Array, served: Array, weight: Array, hours: Ints, place: Place, checks: Checklist
) -> None:
    """What is served beyond the firm part of an hour was asked for in it or before, and no longer ago than it can wait.

    Hall's condition: for any hours p..q, deferred service in them <= jobs that arrived by q and were not over before p.
    demand, served (H,) MW at the meter; hours: positions in the leap-year layout.
    """
    _single(served, weight, place, checks)
    count = len(demand)
    if count == 0:
        return
    arrived = np.append(0.0, np.cumsum(terms.share * demand))
    late = np.append(0.0, np.cumsum(np.maximum(served - (1.0 - terms.share) * demand, 0.0)))
    if terms.deadline is None:
        day = hours // 24
        over = np.array([np.flatnonzero(day == here)[-1] for here in dict.fromkeys(day.tolist())])
        last = over[np.cumsum(np.append(0, np.diff(day) != 0))]
    else:
        last = np.minimum(np.arange(count) + terms.deadline, count - 1)
    # jobs whose last hour is before p cannot be served from p on
    gone = arrived[np.searchsorted(last, np.arange(count), side="left")]
    # max over p <= q of late[q + 1] - late[p] - (arrived[q + 1] - gone[p])
    most = np.maximum.accumulate(gone - late[:-1])
    excess = late[1:] - arrived[1:] + most
    checks.note("deferred jobs are served in time", max(float(excess.max()), 0.0), float(arrived[-1]), place)


def _single(mw: Array, weight: Array, place: Place, checks: Checklist) -> None:
    """Every hour stands for itself (where anything happens in it)."""
    off = float(np.abs((weight - 1.0) * (mw != 0.0)).max(initial=0.0))
    checks.note("coupled hours follow each other", off, 1.0, place)


def _out(values: Array, most: float) -> float:
    return max(float((values - most).max(initial=0.0)), float((-values).max(initial=0.0)), 0.0)
