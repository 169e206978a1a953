"""Transaction fees as a share of the subsidy: quiet months, and bursts that die away.

    log share[m] = log quiet + burst[m],   burst[m+1] = keep * burst[m] + j[m],   j: with a chance, exponential

A year of days is all that is at hand, so that the parameters of a path are drawn from the prior alone; estimates show the year beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import beta

from optimizer.scenarios.generate.streams import RandomSeed, monthly_uniforms, uniforms

Array = NDArray[np.float64]

HIGHEST = 2.0  # a month in which fees are twice the subsidy has not been seen: there it ends


@dataclass(frozen=True)
class FeePrior:
    """Medians with standard deviations in logs; chance is beta."""

    quiet: float = 0.012  # share of the subsidy: 0.73 % of rewards in November 2025, about 2 % in the quiet months of 2023
    quiet_sd: float = 0.35
    chance: tuple[float, float] = (2.0, 26.0)  # of a burst in a month: five from the end of 2017 to April 2024 are one in 15
    size: float = 1.5  # mean of a burst, log: to 4.5 times the quiet share
    size_sd: float = 0.25
    keep: float = 0.65  # of a burst, a month later


@dataclass(frozen=True, eq=False)
class Bursts:
    """Parameters of paths, (paths,) each: log of the quiet share, chance of a burst in a month, mean size (log); what is kept of a burst."""

    quiet: Array
    chance: Array
    size: Array
    keep: float


def draw_bursts(prior: FeePrior, seed: RandomSeed, paths: int) -> Bursts:
    u = uniforms(seed, "transaction_fees/parameters", paths, 3)
    quiet = np.log(prior.quiet) + prior.quiet_sd * ndtri(u[:, 0])
    size = prior.size * np.exp(prior.size_sd * ndtri(u[:, 2]))
    return Bursts(quiet, np.asarray(beta.ppf(u[:, 1], *prior.chance)), size, prior.keep)


def draw_fees(of: Bursts, today: float | None, seed: RandomSeed, months: int) -> Array:
    """(paths, months + 1) share of the subsidy; `today` is the share at the start where it is known."""
    paths = len(of.quiet)
    happens = monthly_uniforms(seed, "transaction_fees/chance", paths, months) < of.chance[:, None]
    jump = np.where(happens, -np.log(monthly_uniforms(seed, "transaction_fees/size", paths, months)) * of.size[:, None], 0.0)
    burst = np.empty((paths, months + 1))
    burst[:, 0] = of.chance * of.size / (1.0 - of.keep) if today is None else np.log(max(today, 1e-6)) - of.quiet
    for m in range(months):
        burst[:, m + 1] = of.keep * burst[:, m] + jump[:, m]
    return np.minimum(np.exp(of.quiet[:, None] + burst), HIGHEST)
