"""Shapes that come with the program, and the years that are drawn from them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np

from optimizer.case.reading.csv_text import parse_table
from optimizer.case.reading.hourly_year import Array, HourlyYear

SHAPES = Path(__file__).parent / "shapes"
REFERENCE_YEAR = 2026  # whose weekdays (1 January is a Thursday) a drawn year follows


@dataclass(frozen=True, eq=False)
class Shape:
    """Quantiles of a quantity by month, kind of day and hour of day; see shapes/README.md."""

    name: str
    unit: str  # as in the source: EUR/MWh is not a unit of ours
    levels: Array  # (Q,) from 0 to 1
    quantiles: Array  # (12, 2, 24, Q): month, weekday or weekend, hour
    by_weekday: bool  # whether weekday and weekend differ
    day_share: float  # of the variance of an hour's rank, how much all hours of a day have in common
    persistence: float  # of that common part, from day to day (AR(1) coefficient)
    notes: Mapping[str, str]
    sha256: str


def shape_names() -> list[str]:
    return sorted(path.stem for path in SHAPES.glob("*.csv"))


@lru_cache(maxsize=32)
def load_shape(name: str) -> Shape:
    """A bundled shape. Raises KeyError for an unknown name."""
    if name not in shape_names():
        raise KeyError(name)
    data = (SHAPES / f"{name}.csv").read_bytes()
    table = parse_table(data, f"shapes/{name}.csv")
    levels = np.array([float(column[1:]) / 100 for column in table.header[3:]])
    quantiles = np.full((12, 2, 24, len(levels)), np.nan)
    for month, days, hour, *row in table.rows:
        months = slice(None) if month == "all" else int(month) - 1
        kinds = {"all": slice(0, 2), "weekday": slice(0, 1), "weekend": slice(1, 2)}[days]
        quantiles[months, kinds, int(hour)] = [float(cell) for cell in row]
    assert np.isfinite(quantiles).all() and (np.diff(quantiles) >= 0).all(), name
    return Shape(
        name,
        table.notes["unit"],
        levels,
        quantiles,
        any(row[1] != "all" for row in table.rows),
        float(table.notes["day share"]),
        float(table.notes["persistence"]),
        table.notes,
        hashlib.sha256(data).hexdigest(),
    )


def draw(shape: Shape, seed: int = 0) -> HourlyYear:
    """A year of hours from a shape; the same seed gives the same year.

    Each hour has a Gaussian latent: an AR(1) factor common to its day, plus noise of its own. Within each month, kind
    of day and hour, the latents' ranks become uniforms, one in each of n equal strata, and the interpolated quantile
    function maps these to values. So a year has calm and tense days in runs, while its distribution, and its mean, are
    the shape's in every year drawn: seeds differ in the order of events, not in their number.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    shocks = generator.standard_normal(365)
    day = np.empty(365)
    day[0] = shocks[0]
    fresh = math.sqrt(1 - shape.persistence**2)
    for d in range(1, 365):
        day[d] = shape.persistence * day[d - 1] + fresh * shocks[d]
    latent = math.sqrt(shape.day_share) * day[:, None]
    latent = latent + math.sqrt(1 - shape.day_share) * generator.standard_normal((365, 24))
    jitter = generator.random((365, 24))
    first = date(REFERENCE_YEAR, 1, 1)
    calendar_days = [first + timedelta(days=d) for d in range(365)]
    month = np.array([one.month - 1 for one in calendar_days])
    weekend = np.array([one.weekday() >= 5 for one in calendar_days], dtype=int)
    if not shape.by_weekday:
        weekend[:] = 0
    out = np.empty((365, 24))
    for m in range(12):
        for w in (0, 1):
            rows = np.flatnonzero((month == m) & (weekend == w))
            if not rows.size:
                continue
            ranks = latent[rows].argsort(axis=0).argsort(axis=0)
            uniform = (ranks + jitter[rows]) / rows.size
            for hour in range(24):
                out[rows, hour] = np.interp(uniform[:, hour], shape.levels, shape.quantiles[m, w, hour])
    return HourlyYear(out.ravel(), None, source=f"shape {shape.name}, seed {seed}")


@lru_cache(maxsize=32)
def drawn(name: str, seed: int) -> HourlyYear:
    """Drawn once: scenarios, and the points of a sweep, name the same shapes again and again."""
    return draw(load_shape(name), seed)
