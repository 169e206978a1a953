"""How the network's hashrate answers what a hash earns, and how sure that is.

    log H[m+1] - log H[m] = usual + response * (mean of log hashprice over three months - centre + fall * (m - m0) / 12) + noise

`response` is the share of a gap between hashprice and its target that a month of hashrate closes; the target falls by `fall` a year, with
the energy that a hash takes. The posterior is exact on a grid of `fall`: given it the model is linear, with a normal-gamma prior, and
`response` kept above 0. The data enter by ten moments, which is all that a bundled calibration has to hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import gamma, t

from optimizer.scenarios.generate.history import History
from optimizer.scenarios.generate.streams import RandomSeed, uniforms

Array = NDArray[np.float64]

LAG = 3  # months of hashprice that hashrate answers
WINDOW = 120  # months of the past that are used
GRID = 41


@dataclass(frozen=True)
class Prior:
    """What is held before data: medians and standard deviations. Sources: docs/design/scenarios.md."""

    response: float = 0.06  # of a month
    response_sd: float = 0.03
    usual: float = 0.03  # log growth of a month at the usual hashprice
    usual_sd: float = 0.05
    fall: float = 0.20  # of the target, log per year
    fall_sd: float = 0.05
    noise: float = 0.07  # log, of a month
    noise_weight: float = 6.0  # months that the noise's prior counts for
    limit: float = 0.12  # largest growth of a month, log: what factories and halls have brought since 2023


@dataclass(frozen=True, eq=False)
class Answers:
    """Moments of months: `moments` (4, 4) of [1, hashprice, years, growth], where hashprice is the mean log of LAG months, years count
    from `month0`; [0, 0] is the number of months."""

    moments: Array
    month0: int

    @property
    def months(self) -> int:
        return round(float(self.moments[0, 0]))


def answers(history: History, window: int = WINDOW) -> Answers:
    """The moments of a history's last `window` months. Raises ValueError where there are fewer than 24."""
    growth = np.diff(history.hashrate)
    now = np.arange(LAG - 1, len(growth))[-window:]
    if len(now) < 24:
        raise ValueError(f"{len(now)} months of hashrate and hashprice: at least 24 are needed")
    hashprice = np.mean([history.hashprice[now - lag] for lag in range(LAG)], axis=0)
    month0 = int(history.month[-1])
    years = (history.month[now] - month0) / 12.0
    rows = np.stack([np.ones(len(now)), hashprice, years, growth[now]], axis=1)
    return Answers(rows.T @ rows, month0)


@dataclass(frozen=True, eq=False)
class Posterior:
    """At each `fall` (G,): its weight, mean (G, 2) and scale (G, 2, 2) of [usual, response], shape and rate (G,) of the precision of the
    noise, centre (G,) of hashprice plus fall. The posterior of [usual, response] given the noise s is normal(mean, s^2 scale)."""

    fall: Array
    weight: Array
    mean: Array
    scale: Array
    shape: Array
    rate: Array
    centre: Array
    month0: int
    limit: float

    def _spread(self) -> Array:
        return np.sqrt(self.rate / self.shape * self.scale[:, 1, 1])

    def response_above(self, x: float) -> float:
        """Odds that the response is above x >= 0."""
        free, spread = 2.0 * self.shape, self._spread()
        return float(self.weight @ (t.sf((x - self.mean[:, 1]) / spread, free) / t.sf(-self.mean[:, 1] / spread, free)))

    def response_quantile(self, level: float) -> float:
        from scipy.optimize import brentq

        top = float((self.mean[:, 1] + 60.0 * self._spread()).max())
        return float(brentq(lambda x: 1.0 - self.response_above(x) - level, 0.0, top, xtol=1e-12))

    def fall_quantile(self, level: float) -> float:
        """By the grid's distribution, linear between its points."""
        below = np.cumsum(self.weight) - 0.5 * self.weight
        return float(np.interp(level, below, self.fall))


def posterior(seen: Answers | None, prior: Prior) -> Posterior:
    """What is held after data; before them where `seen` is None."""
    fall = prior.fall + prior.fall_sd * np.linspace(-3.0, 3.0, GRID)
    log_weight = -0.5 * ((fall - prior.fall) / prior.fall_sd) ** 2
    shape0, rate0 = prior.noise_weight / 2.0, prior.noise_weight / 2.0 * prior.noise**2
    believed = np.array([prior.usual, prior.response])
    weight0 = np.diag([prior.noise**2 / prior.usual_sd**2, prior.noise**2 / prior.response_sd**2])
    n = 0 if seen is None else seen.months
    mean, scale = np.tile(believed, (GRID, 1)), np.tile(np.linalg.inv(weight0), (GRID, 1, 1))
    shape, rate, centre = np.full(GRID, shape0 + n / 2.0), np.full(GRID, rate0), np.zeros(GRID)
    for g, f in enumerate(fall):
        if seen is not None:
            # [1, gap, growth] in terms of [1, hashprice, years, growth]
            centre[g] = (seen.moments[0, 1] + f * seen.moments[0, 2]) / n
            into = np.array([[1.0, 0, 0, 0], [-centre[g], 1.0, f, 0], [0, 0, 0, 1.0]])
            moments = into @ seen.moments @ into.T
            after = weight0 + moments[:2, :2]
            scale[g] = np.linalg.inv(after)
            mean[g] = scale[g] @ (weight0 @ believed + moments[:2, 2])
            rate[g] = rate0 + 0.5 * float(moments[2, 2] + believed @ weight0 @ believed - mean[g] @ after @ mean[g])
            log_weight[g] += 0.5 * np.linalg.slogdet(scale[g])[1] - shape[g] * math.log(rate[g])
        spread = math.sqrt(rate[g] / shape[g] * scale[g, 1, 1])
        log_weight[g] += float(t.logsf(-mean[g, 1] / spread, 2.0 * shape[g]))
    weight = np.exp(log_weight - log_weight.max())
    month0 = 0 if seen is None else seen.month0
    return Posterior(fall, weight / weight.sum(), mean, scale, shape, rate, centre, month0, prior.limit)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Parameters of paths, (paths,) each: growth of a month = level + response * (hashprice + fall * years since month0) + noise * n."""

    level: Array
    response: Array
    fall: Array
    noise: Array
    month0: int
    limit: float


def draw_response(after: Posterior, seed: RandomSeed, paths: int) -> Drawn:
    """Parameters from the posterior, one set a path: fall, then response (kept above 0), noise given these, usual given all."""
    u = uniforms(seed, "network_hashrate/parameters", paths, 4)
    g = np.minimum(np.searchsorted(np.cumsum(after.weight), u[:, 0]), len(after.weight) - 1)
    free = 2.0 * after.shape[g]
    mean, scale = after.mean[g], after.scale[g]
    spread = np.sqrt(after.rate[g] / after.shape[g] * scale[:, 1, 1])
    top = t.sf(-mean[:, 1] / spread, free)
    response = np.maximum(mean[:, 1] + spread * t.isf(u[:, 1] * top, free), 0.0)
    away = response - mean[:, 1]
    rate = after.rate[g] + 0.5 * away**2 / scale[:, 1, 1]
    noise = np.sqrt(rate / gamma.ppf(u[:, 2], after.shape[g] + 0.5))
    usual_mean = mean[:, 0] + scale[:, 0, 1] / scale[:, 1, 1] * away
    usual_sd = noise * np.sqrt(scale[:, 0, 0] - scale[:, 0, 1] ** 2 / scale[:, 1, 1])
    usual = usual_mean + usual_sd * ndtri(u[:, 3])
    return Drawn(usual - response * after.centre[g], response, after.fall[g], noise, after.month0, after.limit)


def least_squares(seen: Answers) -> tuple[float, float]:
    """(response, its t) by least squares on [1, hashprice, years]: what the data say without any prior."""
    square, cross = seen.moments[:3, :3], seen.moments[:3, 3]
    found = np.linalg.solve(square, cross)
    left = float(seen.moments[3, 3] - found @ cross) / (seen.months - 3)
    return float(found[1]), float(found[1] / math.sqrt(left * np.linalg.inv(square)[1, 1]))
