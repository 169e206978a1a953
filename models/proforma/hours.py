"""Pro forma of the hours, the arithmetic of it: all kept hours of a scenario in one array, period after period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.decisions import SiteDispatch
from models.problem import Array, Clock, Hourly


class Hours:
    """The N kept hours of all T periods, one period after the other; index and weight (N,) as of the clock."""

    def __init__(self, clock: Clock) -> None:
        self.count = np.array([len(here) for here in clock.hour_index], dtype=np.int64)
        ends = np.cumsum(self.count)
        self.parts = [slice(int(end - count), int(end)) for count, end in zip(self.count, ends, strict=True)]
        self.index = np.concatenate([np.zeros(0, dtype=np.int64), *clock.hour_index])
        self.weight = np.concatenate([np.zeros(0), *clock.weight])
        self._some = np.flatnonzero(self.count)
        self._starts = (ends - self.count)[self._some]

    def _each(self, fold: np.ufunc, values: Array) -> Array:
        """(T,) fold of (N,) values over the hours of each period; 0 where none is kept."""
        out = np.zeros(len(self.count))
        if len(self._some):
            out[self._some] = fold.reduceat(values, self._starts)
        return out

    def total(self, values: Array) -> Array:
        """(T,) sum over the hours kept."""
        return self._each(np.add, values)

    def energy(self, mw: Array) -> Array:
        """(T,) MWh: sum over the hours, kept and those they stand for."""
        return self.total(self.weight * mw)

    def most(self, values: Array) -> Array:
        """(T,) the largest of each period."""
        return self._each(np.maximum, values)

    def least(self, values: Array) -> Array:
        """(T,) the smallest of each period."""
        return self._each(np.minimum, values)

    def spread(self, values: Array) -> Array:
        """(N,) from (T,): the same in all hours of a period."""
        return np.repeat(values, self.count)

    def of(self, hourly: Hourly, s: int) -> Array:
        """(N,) values of a scenario."""
        profile = hourly.profiles[hourly.which[s]][self.index]
        return profile * self.spread(hourly.factor[s]) + self.spread(hourly.shift[s])


def scenario_of(
    dispatch: Mapping[tuple[str, int, int], SiteDispatch], hours: Hours, site: str, s: int
) -> tuple[SiteDispatch, Array]:
    """Hours of a site in a scenario, every use and source (N,) MW, zero where a period lacks it; (T,) whether each period is there."""
    at_once: Any = getattr(dispatch, "scenario", None)
    if at_once is not None:
        found = at_once(site, s)
        return (
            (SiteDispatch({}, {}), np.zeros(len(hours.parts), bool))
            if found is None
            else (found, np.ones(len(hours.parts), bool))
        )
    whole = SiteDispatch({}, {})
    there = np.zeros(len(hours.parts), dtype=bool)
    for t, part in enumerate(hours.parts):
        split = dispatch.get((site, s, t))
        if split is None:
            continue
        there[t] = True
        for flows, here in ((whole.uses, split.uses), (whole.sources, split.sources)):
            for name, mw in here.items():
                if name not in flows:
                    flows[name] = np.zeros(len(hours.weight))
                flows[name][part] = mw
    return whole, there
