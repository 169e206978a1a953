"""The price of bitcoin: a stated drift of the median, and blocks of standardised moves at recent volatility.

    log P[m+1] - log P[m] = (log(1 + growth) + uncertain * u) / 12 + volatility * s[m] * |z[m]|

u is drawn once for a path, |z| in blocks of consecutive months of the past (so that wild months come together), the sign s for each month.
As signs are even, the median of the price grows at `growth` for any pool of moves; past growth has no way in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from optimizer.scenarios.generate.streams import RandomSeed, monthly_uniforms, uniforms

Array = NDArray[np.float64]

HALF_LIFE = 24  # months after which a move counts half for what volatility is
WARM = 12  # months that only set the first volatility
BLOCK = 6  # months of the past that are drawn together


@dataclass(frozen=True, eq=False)
class Moves:
    """What the past says: volatility of a month (log), `size` (K,) standardised sizes of moves, in order, of mean square 1, and how many
    months the volatility stands on, in effect."""

    volatility: float
    size: Array
    effective_months: float

    def volatility_interval(self) -> tuple[float, float]:
        """90 % interval of the volatility of a month, by chi-square on the effective months (wild tails make it wider in truth)."""
        from scipy.stats import chi2

        n = self.effective_months
        return self.volatility * math.sqrt(n / chi2.ppf(0.95, n)), self.volatility * math.sqrt(n / chi2.ppf(0.05, n))


def moves(log_price: Array) -> Moves:
    """Volatility and standardised sizes of the monthly moves of a price. Raises ValueError below three years."""
    steps = np.diff(log_price)
    if len(steps) < 36:
        raise ValueError(f"{len(steps)} monthly moves of the price: at least 36 are needed")
    keep = 0.5 ** (1.0 / HALF_LIFE)
    variance = np.empty(len(steps))  # before the month is seen
    now = float((steps[:WARM] ** 2).mean())
    for i, step in enumerate(steps):
        variance[i] = now
        now = keep * now + (1.0 - keep) * step**2
    size = np.abs(steps[WARM:]) / np.sqrt(variance[WARM:])
    weight = keep ** np.arange(len(steps))[::-1]
    weight /= weight.sum()
    volatility = math.sqrt(float(weight @ steps**2))
    return Moves(volatility, size / math.sqrt(float((size**2).mean())), float(1.0 / (weight**2).sum()))


def draw_drift(growth: float, uncertain: float, seed: RandomSeed, paths: int) -> Array:
    """(paths,) log growth of the median a year, one for each path."""
    return math.log1p(growth) + uncertain * np.asarray(ndtri(uniforms(seed, "btc_price/drift", paths, 1)[:, 0]))


def draw_price(past: Moves, drift: Array, seed: RandomSeed, months: int) -> Array:
    """(paths, months + 1) log of the price over its start."""
    paths, blocks = len(drift), -(-months // BLOCK)
    chosen = np.floor(monthly_uniforms(seed, "btc_price/block", paths, blocks) * len(past.size)).astype(np.int64)
    position = (chosen[:, :, None] + np.arange(BLOCK)).reshape(paths, -1)[:, :months] % len(past.size)
    sign = np.where(monthly_uniforms(seed, "btc_price/sign", paths, months) < 0.5, -1.0, 1.0)
    steps = drift[:, None] / 12.0 + past.volatility * sign * past.size[position]
    return np.concatenate([np.zeros((paths, 1)), np.cumsum(steps, axis=1)], axis=1)
