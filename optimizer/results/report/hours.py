"""The hours of a plan, condensed to what a person looks at: a map of month by hour of day, and a typical week of each season.

Everything is a mean over all years and scenarios, weighted by the hours of each period and the odds of each scenario, so that the map of a
use times the hours behind it is its expected energy in `dispatch_monthly.csv`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.case.reading.bundled_shapes import REFERENCE_YEAR

if TYPE_CHECKING:
    from models.problem import Array, Ints, Site
    from optimizer.engine.solution import Solution

#: hours of the layout of a year, in which 29 February is always there
LAYOUT = 8784
MONTHS, DAY, WEEK = 12, 24, 168
SEASONS = ("December to February", "March to May", "June to August", "September to November")
#: sites with maps of their own, by energy; all together are one more where there are several
MOST_SITES = 6
#: digits that are kept of every mean
DIGITS = 5
#: MWh below which a use is what a solver leaves behind
SMALLEST_MWH = 1e-3


def layout() -> tuple[Ints, Ints]:
    """(month * 24 + hour, season * 168 + hour of the week from Monday) of the 8784 hours; weekdays as in the year that drawn hours follow."""
    days = [date(REFERENCE_YEAR, 1, 1) + timedelta(n) for n in range(365)]
    days.insert(31 + 28, days[31 + 28 - 1])  # 29 February falls on the weekday before it
    hour = np.tile(np.arange(DAY), len(days))
    month = np.repeat([day.month - 1 for day in days], DAY)
    weekday = np.repeat([day.weekday() for day in days], DAY)
    season = (month + 1) % MONTHS // 3
    return month * DAY + hour, season * WEEK + weekday * DAY + hour


def hours(solution: Solution) -> dict[str, Any]:
    """Means by site for report.json; 'sites' is empty where there are no hours.

    Each site: 'hours' (12 x 24) real hours behind every cell per scenario, 'series' by use: 'map' (288) and 'week' (4 x 168) MW at the meter,
    'off' MW of rigs that stand and do not run, 'price' USD/MWh of grid power with adders (none without a grid). null: no hour is kept there.
    """
    assert solution.decisions is not None
    clock, odds = solution.problem.clock, solution.problem.scenarios.probability
    cell, slot = layout()
    weight = np.zeros(LAYOUT)
    for t in range(clock.periods):
        np.add.at(weight, clock.hour_index[t], clock.weight[t])
    behind = np.bincount(cell, weight, MONTHS * DAY), np.bincount(slot, weight, len(SEASONS) * WEEK)

    def means(energy: Array) -> dict[str, Any]:
        found = np.bincount(cell, energy, MONTHS * DAY), np.bincount(slot, energy, len(SEASONS) * WEEK)
        out = []
        for total, real in zip(found, behind, strict=True):
            mean = np.divide(total, real, out=np.full(len(total), np.nan), where=real > 0.0)
            out.append([None if np.isnan(x) else float(f"{x:.{DIGITS}g}") + 0.0 for x in mean.tolist()])
        return {"map": out[0], "week": out[1]}

    sums = {site.name: _site(solution, site) for site in solution.problem.sites}
    sums = {name: flows for name, flows in sums.items() if flows}
    size = {
        name: sum(float(one.sum()) for key, one in flows.items() if key not in ("off", "price")) for name, flows in sums.items()
    }
    chosen = [name for name in sorted(sums, key=lambda name: (-size[name], name)) if size[name] > SMALLEST_MWH]
    places = [(name, sums[name]) for name in chosen[:MOST_SITES]]
    if len(chosen) > 1:
        together: dict[str, Array] = {}
        for name in chosen:
            for key, energy in sums[name].items():
                if key != "price":
                    together[key] = together.get(key, 0.0) + energy
        places.insert(0, ("", together))
    sites = []
    for name, flows in places:
        uses = [key for key, energy in flows.items() if key not in ("off", "price") and float(energy.sum()) > SMALLEST_MWH]
        one: dict[str, Any] = {"site": name, "series": {key: means(flows[key]) for key in uses}}
        if "off" in flows and float(flows["off"].sum()) > SMALLEST_MWH:
            one["off"] = means(flows["off"])
        if "price" in flows:
            one["price"] = means(flows["price"])
        sites.append(one)
    return {
        "of": "mean over all years and scenarios, weighted by their odds",
        "weekdays": REFERENCE_YEAR,
        "hours": [round(float(x), 3) for x in behind[0]],
        "left_out": chosen[MOST_SITES:],
        "sites": sites,
        "scenarios": len(odds),
    }


def _site(solution: Solution, site: Site) -> dict[str, Array]:
    """Name -> (8784,) expected MWh by hour of the layout (price: USD/MWh times hours)."""
    assert solution.decisions is not None
    problem, dispatch = solution.problem, solution.decisions.dispatch
    clock, odds = problem.clock, problem.scenarios.probability
    words = solution.books.words if solution.books is not None else {}
    standing = words.get(f"rigs_mw[@{site.name}]")
    out: dict[str, Array] = {}
    for t in range(clock.periods):
        index, weight = clock.hour_index[t], clock.weight[t]
        mean: dict[str, Array] = {}
        for s, chance in enumerate(odds):
            split = dispatch.get((site.name, s, t))
            if split is None:
                continue
            on: Any = 0.0
            for use, mw in split.uses.items():
                mean[use] = mean.get(use, 0.0) + chance * mw
                on = on + mw if use.startswith("rig:") else on
            if standing is not None and float(standing[s, t]) > 0.0:
                mean["off"] = mean.get("off", 0.0) + chance * np.maximum(standing[s, t] - on, np.zeros(len(index)))
            if site.grid is not None:
                price = site.grid.price.values(clock, s, t) + site.grid.adder.values(clock, s, t)
                mean["price"] = mean.get("price", 0.0) + chance * price
        for key, values in mean.items():
            np.add.at(out.setdefault(key, np.zeros(LAYOUT)), index, weight * values)
    return out
