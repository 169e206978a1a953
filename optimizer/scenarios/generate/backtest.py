"""Forecasts made with data up to an origin, against what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.scenarios.generate import bitcoin
from optimizer.scenarios.generate.calibration import calibrate, from_history
from optimizer.scenarios.generate.history import History
from optimizer.scenarios.generate.network import Beliefs, Paths, draw_network, draw_traits
from optimizer.scenarios.generate.response import Prior
from optimizer.scenarios.generate.streams import monthly_normals

Array = NDArray[np.float64]

BLIND_WINDOW = 48  # months of hashrate that the blind forecast goes on with


def crps(drawn: Array, came: float) -> float:
    """Continuous ranked probability score of a sample: mean |x - y| - mean |x - x'| / 2. Less is better; |x - y| for one x."""
    x = np.sort(np.asarray(drawn, dtype=np.float64))
    n = len(x)
    pairs = float(((2.0 * np.arange(1, n + 1) - n - 1.0) * x).sum()) / n**2
    return float(np.abs(x - came).mean()) - pairs


@dataclass(frozen=True)
class Score:
    """Over origins: mean CRPS of log hashprice, that of hashrate blind to price, share of outcomes in the 90 % band, number of origins."""

    months: int
    crps: float
    blind: float
    covered: float
    origins: int

    @property
    def better(self) -> float:
        """By what share the score is below that of the blind forecast."""
        return 1.0 - self.crps / self.blind


def backtest(
    history: History,
    first: int,
    horizons: tuple[int, ...] = (12, 24, 36),
    every: int = 3,
    paths: int = 1000,
    prior: Prior | None = None,
) -> list[Score]:
    """Origins from the month `first` on. Each forecast sees the history up to its origin, and priors that are the same for all."""
    found: dict[int, list[tuple[float, float, bool]]] = {months: [] for months in horizons}
    for origin in range(first, int(history.month[-1]) + 1, every):
        at = int(np.searchsorted(history.month, origin))
        known = history.until(origin)
        reach = min(max(horizons), len(history.month) - 1 - at)
        drawn = calibrate(from_history(known, "backtest"), prior)
        traits = draw_traits(drawn.posterior, Beliefs(), origin, paths)
        seen = draw_network(drawn.start, drawn.moves, traits, origin, reach)
        blind = _blind(known, seen, origin, (paths, reach))
        for months in horizons:
            if months <= reach:
                came = float(history.hashprice[at + months])
                sample = np.log(seen.base_hashprice[:, months])
                low, high = np.quantile(sample, [0.05, 0.95])
                found[months].append((crps(sample, came), crps(blind[:, months], came), bool(low <= came <= high)))
    out = []
    for months, scores in found.items():
        table = np.array(scores, dtype=np.float64).reshape(-1, 3)
        own, blinded, covered = (float(x) for x in table.mean(axis=0))
        out.append(Score(months, own, blinded, covered, len(table)))
    return out


def _blind(known: History, seen: Paths, seed: int, shape: tuple[int, int]) -> Array:
    """(paths, months + 1) log hashprice if hashrate went on as in the last years, whatever the price: same prices and halvings."""
    growth = np.diff(known.hashrate)[-BLIND_WINDOW:]
    steps = growth.mean() + growth.std(ddof=1) * monthly_normals(seed, "blind", *shape)
    hashrate = known.hashrate[-1] + np.concatenate([np.zeros((shape[0], 1)), np.cumsum(steps, axis=1)], axis=1)
    return np.log(bitcoin.hashprice(seen.price, bitcoin.difficulty(np.exp(hashrate)), bitcoin.subsidy(seen.height)))
