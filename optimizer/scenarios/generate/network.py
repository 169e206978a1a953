"""Bitcoin as one process, month by month: price, hashrate that answers it, fees, halvings by height; rigs and the miner's share follow."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from optimizer.scenarios.generate import bitcoin
from optimizer.scenarios.generate.fees import FeePrior, draw_fees
from optimizer.scenarios.generate.price import Moves, draw_price
from optimizer.scenarios.generate.response import LAG, Posterior, draw_response
from optimizer.scenarios.generate.streams import monthly_normals, uniforms

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Start:
    """The world at date 0: month from the year 0, price (USD/BTC), hashrate (EH/s), next height, fees over subsidy (None: unknown), and log
    hashprice without fees of the LAG - 1 months before, latest first (empty: as at date 0)."""

    month: int
    price: float
    hashrate: float
    height: float
    fee_share: float | None = None
    before: tuple[float, ...] = ()


@dataclass(frozen=True)
class Follows:
    """How rig prices and the miner's share follow hashprice: elasticities, medians with standard deviations; a prior alone."""

    rigs: float = (
        1.0  # S21 XP: 25.7 USD/TH (2025-11) to 11 (2026-09) while hashprice fell from 43 to about 32: more than one for one
    )
    rigs_sd: float = 0.2
    share: float = 1.0
    share_sd: float = 0.25


@dataclass(frozen=True)
class Beliefs:
    """What the planner states: growth of the median price and how uncertain it is, per year; priors of fees and of what follows."""

    growth: float = 0.0
    uncertain: float = 0.10
    fees: FeePrior = field(default_factory=FeePrior)
    follows: Follows = field(default_factory=Follows)


@dataclass(frozen=True, eq=False)
class Paths:
    """(N, months + 1) each, at the first of months: price USD/BTC, hashrate EH/s, fee_share of the subsidy, height, hashprice USD/PH/day with
    fees, base_hashprice without; rigs and share: factors on prices of rigs and on the miner's share (mean 1 at each date over the draws)."""

    price: Array
    hashrate: Array
    fee_share: Array
    height: Array
    hashprice: Array
    base_hashprice: Array
    rigs: Array
    share: Array

    def arrays(self) -> dict[str, Array]:
        return {
            "btc_price": self.price, "network_hashrate": self.hashrate, "transaction_fees": self.fee_share,
            "hashprice": self.hashprice, "rig_prices": self.rigs, "share_price": self.share,
        }  # fmt: skip


def draw_network(start: Start, past: Moves, after: Posterior, beliefs: Beliefs, seed: int, shape: tuple[int, int]) -> Paths:
    """shape: (paths, months). Each driver has its own stream: the hashrate's noise does not move the price."""
    paths, months = shape
    price = np.log(start.price) + draw_price(past, beliefs.growth, beliefs.uncertain, seed, shape)
    fees = draw_fees(beliefs.fees, start.fee_share, seed, shape)
    drawn = draw_response(after, seed, paths)
    noise = drawn.noise[:, None] * monthly_normals(seed, "network_hashrate/noise", paths, months)
    luck = monthly_normals(seed, "blocks", paths, months)
    hashrate, height = np.empty((paths, months + 1)), np.empty((paths, months + 1))
    hashrate[:, 0], height[:, 0] = np.log(start.hashrate), start.height
    earned = np.empty((paths, months + LAG))  # log hashprice without fees, LAG - 1 months before date 0 first
    earned[:, LAG - 1] = _log_hashprice(price[:, 0], hashrate[:, 0], height[:, 0])
    for lag in range(1, LAG):
        earned[:, LAG - 1 - lag] = start.before[lag - 1] if lag <= len(start.before) else earned[:, LAG - 1]
    for m in range(months):
        years = (start.month + m - drawn.month0) / 12.0
        gap = earned[:, m : m + LAG].mean(axis=1) + drawn.fall * years
        growth = np.minimum(drawn.level + drawn.response * gap + noise[:, m], drawn.limit)
        hashrate[:, m + 1] = hashrate[:, m] + growth
        expected = bitcoin.blocks_of_month(growth)
        height[:, m + 1] = height[:, m] + np.rint(expected + np.sqrt(expected) * luck[:, m])
        earned[:, LAG + m] = _log_hashprice(price[:, m + 1], hashrate[:, m + 1], height[:, m + 1])
    base = np.exp(earned[:, LAG - 1 :])
    hashprice = base * (1.0 + fees)
    rigs, share = _followers(np.log(base / base[:, :1]), beliefs.follows, seed)
    return Paths(np.exp(price), np.exp(hashrate), fees, height, hashprice, base, rigs, share)


def _log_hashprice(log_price: Array, log_hashrate: Array, height: Array) -> Array:
    coins = bitcoin.subsidy(height)
    return np.log(bitcoin.hashprice(np.exp(log_price), bitcoin.difficulty(np.exp(log_hashrate)), coins))


def _followers(moved: Array, follows: Follows, seed: int) -> tuple[Array, Array]:
    """Factors on rig prices and on the miner's share, from (N, M) log hashprice over that of date 0."""
    u = ndtri(uniforms(seed, "rig_prices/elasticity", len(moved), 1))
    rigs = np.exp(np.maximum(follows.rigs + follows.rigs_sd * u, 0.0) * moved)
    u = ndtri(uniforms(seed, "share_price/elasticity", len(moved), 1))
    share = np.exp(np.maximum(follows.share + follows.share_sd * u, 0.0) * moved)
    return rigs, share / share.mean(axis=0)
