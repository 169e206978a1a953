"""What every part of the build shares: the clock, one validated model per scenario, and dates turned into positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from models.problem import Array, Clock, Depreciation, Hourly, Mask, Payments, Scenarios
from optimizer.case.reading.hourly_year import HourlyYear
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.reading.timeline import Timeline, month_number
from optimizer.case.schema import case_model
from optimizer.case.schema import common as schema_common
from optimizer.case.schema.case_model import CaseModel
from optimizer.case.schema.field_types import When
from optimizer.case.schema.sites import HourSet

PERIOD_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
BASE = "base"  # the name of the only scenario of a case without scenarios

#: MACRS, half-year convention, 200 % declining balance (15 and 20 years: 150 %): IRS Publication 946, table A-1
MACRS: dict[str, tuple[float, ...]] = {
    "macrs-3": (0.3333, 0.4445, 0.1481, 0.0741),
    "macrs-5": (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576),
    "macrs-7": (0.1429, 0.2449, 0.1749, 0.1249, 0.0893, 0.0892, 0.0893, 0.0446),
    "macrs-10": (0.10, 0.18, 0.144, 0.1152, 0.0922, 0.0737, 0.0655, 0.0655, 0.0656, 0.0655, 0.0328),
    "macrs-15": (
        0.05, 0.095, 0.0855, 0.077, 0.0693, 0.0623, 0.059, 0.059, 0.0591, 0.059, 0.0591, 0.059, 0.0591, 0.059, 0.0591, 0.0295,
    ),
    "macrs-20": (
        0.0375, 0.07219, 0.06677, 0.06177, 0.05713, 0.05285, 0.04888, 0.04522, 0.04462, 0.04461, 0.04462, 0.04461, 0.04462,
        0.04461, 0.04462, 0.04461, 0.04462, 0.04461, 0.04462, 0.04461, 0.02231,
    ),
}  # fmt: skip

DAYS_BEFORE = np.concatenate([[0], np.cumsum([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])])  # leap-year layout


def timeline_of(horizon: case_model.Horizon) -> Timeline:
    """Raises DateError where no whole periods fit."""
    step = PERIOD_MONTHS[horizon.period]
    if horizon.end is not None:
        return Timeline.between(horizon.start, horizon.end, step)
    months = horizon.months or 3 * (horizon.quarters or 0) or 12 * (horizon.years or 0)
    first = horizon.start.year * 12 + horizon.start.month - 1 + months
    return Timeline.between(horizon.start, date(first // 12, first % 12 + 1, 1), step)


def positions(hours: list[HourSet]) -> Mask:
    """(8784,) the hours of the leap-year layout that a list of hour sets names."""
    out = np.zeros(8784, dtype=bool)
    for one in hours:
        if one.at is not None:
            day, _, hour = one.at.strip().partition(" ")
            of_year = DAYS_BEFORE[int(day[:2]) - 1] + int(day[3:]) - 1
            out[of_year * 24 + int(hour.partition(":")[0])] = True
            continue
        months = set(one.months or range(1, 13))
        clock = np.isin(np.arange(8784) % 24, one.hours if one.hours is not None else range(24))
        for month in months:
            span = slice(DAYS_BEFORE[month - 1] * 24, DAYS_BEFORE[month] * 24)
            out[span] |= clock[span]
    return out


def leap_layout(year: HourlyYear) -> Array:
    """(8784,) a year of hours with 29 February."""
    return year.for_year(2024)


@dataclass(frozen=True)
class Frame:
    """A resolved case: `models[s]` has scenario s's data; their structure is that of `models[0]`."""

    models: tuple[CaseModel, ...]
    timeline: Timeline

    @property
    def base(self) -> CaseModel:
        return self.models[0]

    @property
    def scenario_count(self) -> int:
        return len(self.models)

    @property
    def periods(self) -> int:
        return self.timeline.periods

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.base.scenarios) or (BASE,)

    # --- arrays by scenario

    def at_dates(self, get: Callable[[CaseModel], Path | None], default: float = 0.0) -> Array:
        """(S, D) a path at dates."""
        return self._stack(get, lambda path: path.at_dates(self.timeline), self.periods + 1, default)

    def over_periods(self, get: Callable[[CaseModel], Path | None], default: float = 0.0) -> Array:
        """(S, T) a path over periods."""
        return self._stack(get, lambda path: path.over_periods(self.timeline), self.periods, default)

    def _stack(
        self, get: Callable[[CaseModel], Path | None], value: Callable[[Path], Array], length: int, default: float
    ) -> Array:
        out = np.full((self.scenario_count, length), float(default))
        done: dict[int, Array] = {}  # scenarios that share a path share its values
        for s, model in enumerate(self.models):
            path = get(model)
            if path is not None:
                if id(path) not in done:
                    with np.errstate(all="ignore"):  # growth beyond all bounds is told by `build.unbounded`
                        done[id(path)] = value(path)
                out[s] = done[id(path)]
        return out

    def hourly(
        self,
        get: Callable[[CaseModel], HourlyYear | Array | None],
        factor: Array | None = None,
        shift: Array | None = None,
        default: float = 0.0,
    ) -> Hourly:
        """An hourly value by scenario; equal profiles are stored once."""
        profiles: list[Array] = []
        which = np.zeros(self.scenario_count, dtype=np.int64)
        seen: dict[bytes, int] = {}
        for s, model in enumerate(self.models):
            year = get(model)
            profile = np.full(8784, default)
            if year is not None:
                profile = leap_layout(year) if isinstance(year, HourlyYear) else year
            key = profile.tobytes()
            if key not in seen:
                seen[key] = len(profiles)
                profiles.append(np.ascontiguousarray(profile, dtype=np.float64))
            which[s] = seen[key]
        shape = (self.scenario_count, self.periods)
        return Hourly(
            np.array(profiles), which, np.ones(shape) if factor is None else factor, np.zeros(shape) if shift is None else shift
        )

    # --- time

    def steps(self, months: int) -> int:
        """A duration in periods, rounded up."""
        return -(-months // self.timeline.period_months)

    def month(self, day: date) -> int:
        """Months from date 0 to a day, rounded up."""
        return math.ceil(month_number(day) - self.timeline.first_month - 1e-9)

    def mask(self, when: When, dates: int | None = None) -> Mask:
        """(D,) the dates of a window; date T only where `dates` is D."""
        out = np.zeros(self.periods + 1, dtype=bool)
        if when.never:
            return out
        first = 0 if when.first is None else max(self.timeline.position(when.first), 0)
        last = self.periods if when.last is None else self.timeline.position(when.last, "down")
        if when.first is not None and when.first == when.last:
            last = first  # a single date inside a period rounds up
        last = min(last, (self.periods if dates is None else dates - 1))
        if last >= first:
            out[first : last + 1] = True
        return out

    def order_mask(self, when: When) -> Mask:
        """(D,) the dates of a window before the end of the horizon."""
        return self.mask(when, self.periods)

    def payments(self, given: list[schema_common.Payment] | None) -> Payments:
        if given is None:
            return Payments()
        shares: dict[int, float] = {}
        for one in given:
            at = self.steps(one.after)
            shares[at] = shares.get(at, 0.0) + one.share
        total = sum(shares.values())
        return Payments(tuple((at, share / total) for at, share in sorted(shares.items())))

    @staticmethod
    def depreciation(given: schema_common.Depreciation) -> Depreciation:
        if given.tax.startswith("macrs"):
            return Depreciation("macrs", 0, MACRS[given.tax], given.bonus, given.book)
        return Depreciation(given.tax, given.life or 0, (), given.bonus, given.book)

    # --- scenarios

    @cached_property
    def scenarios(self) -> Scenarios:
        if not self.base.scenarios:
            return Scenarios((BASE,), np.ones(1), np.arange(self.periods + 1, dtype=np.int64)[None, :])
        probability = np.array([one.probability for one in self.base.scenarios.values()])
        return Scenarios(self.names, probability / probability.sum(), self._nodes())

    def _nodes(self) -> Any:
        """(S, D) a scenario is at the node of the one it follows while the date is before `until`; those that follow none
        are together before `information`."""
        names = list(self.base.scenarios)
        months = self.timeline.period_months * np.arange(self.periods + 1)
        known = self.base.information
        common = math.inf if known is None else 0 if known == "start" else self.month(known)  # type: ignore[arg-type]
        node = np.zeros((len(names), self.periods + 1), dtype=np.int64)
        for d, month in enumerate(months.tolist()):
            for s, name in enumerate(names):
                at = name
                while True:
                    one = self.base.scenarios[at]
                    if one.follows is not None:
                        if one.until is None or month >= self.month(one.until):
                            break
                        at = one.follows
                    else:
                        if month < common:
                            at = next(other for other in names if self.base.scenarios[other].follows is None)
                        break
                node[s, d] = names.index(at)
        # Numbers unique over dates, in the order of dates and of first appearance.
        out = np.zeros_like(node)
        count = 0
        for d in range(node.shape[1]):
            fresh: dict[int, int] = {}
            for s in range(node.shape[0]):
                if node[s, d] not in fresh:
                    fresh[int(node[s, d])] = count
                    count += 1
                out[s, d] = fresh[int(node[s, d])]
        return out

    def delay(self, site: str) -> Any:
        """(S,) months every build of a site is late."""
        own = self.base.sites[site].delay if site in self.base.sites else 0
        return np.array(
            [
                own + self.base.scenarios[name].delay.get(f"sites.{site}", 0) if self.base.scenarios else own
                for name in self.names
            ],
            dtype=np.int64,
        )

    # --- the clock

    @cached_property
    def charged(self) -> Mask:
        """(8784,) hours in which some site pays a peak charge or has demand response: always kept."""
        out = np.zeros(8784, dtype=bool)
        for site in self.base.sites.values():
            if site.power.grid is not None:
                for peak in site.power.grid.peaks.values():
                    out |= positions(peak.hours)
                if site.power.grid.demand_response is not None:
                    out |= positions(site.power.grid.demand_response.hours)
        return out

    @cached_property
    def clock(self) -> Clock:
        every = self.base.horizon.hours
        index, weight = [], []
        passed = 0  # hours of the horizon before the period: the stride runs on over its end
        for t in range(self.periods):
            hours = self.period_hours(t)
            if every == 1:
                index.append(hours)
                weight.append(np.ones(len(hours)))
            else:
                peak = self.charged[hours]
                kept = (np.arange(passed, passed + len(hours)) % every == every // 2) & ~peak
                value = np.where(peak, 1.0, (len(hours) - peak.sum()) / max(int(kept.sum()), 1))
                chosen = kept | peak
                index.append(hours[chosen])
                weight.append(value[chosen])
            passed += len(hours)
        months = np.full(self.periods, self.timeline.period_months, dtype=np.int64)
        return Clock(months, self.timeline.first_month, np.array(self.timeline.hours), tuple(index), tuple(weight))

    def period_hours(self, t: int) -> Any:
        """(H,) positions in the leap-year layout of all hours of a period, in calendar order."""
        parts = []
        day, end = self.timeline.dates[t], self.timeline.dates[t + 1]
        while day < end:
            first, last = DAYS_BEFORE[day.month - 1] * 24, DAYS_BEFORE[day.month] * 24
            after = date(day.year + day.month // 12, day.month % 12 + 1, 1)
            if day.month == 2 and (after.toordinal() - day.toordinal()) == 28:
                last -= 24
            parts.append(np.arange(first, last, dtype=np.int64))
            day = after
        return np.concatenate(parts)
