"""Bitcoin as one process, month by month: price, hashrate that answers it, fees, halvings by height; rigs and the miner's share follow."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from optimizer.scenarios.generate import bitcoin
from optimizer.scenarios.generate.fees import Bursts, FeePrior, draw_bursts, draw_fees
from optimizer.scenarios.generate.price import Moves, draw_drift, draw_price
from optimizer.scenarios.generate.response import LAG, Drawn, Posterior, draw_response
from optimizer.scenarios.generate.streams import RandomSeed, monthly_normals, uniforms

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
    fees, base_hashprice without; rigs and share: factors on prices of rigs and on the miner's share, 1 where hashprice is that of date 0."""

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


@dataclass(frozen=True, eq=False)
class Traits:
    """What stays the same along a path, (paths,) each: drift of the price, the answer of hashrate, of fees, of rigs and the share."""

    drift: Array
    answer: Drawn
    bursts: Bursts
    rigs: Array
    share: Array

    def repeated(self, row: int, paths: int) -> Traits:
        """Those of one path, for many that go on from it."""

        def again(values: Array) -> Array:
            return np.full(paths, values[row])

        a, b = self.answer, self.bursts
        return Traits(
            again(self.drift),
            Drawn(again(a.level), again(a.response), again(a.fall), again(a.noise), a.month0, a.limit),
            Bursts(again(b.quiet), again(b.chance), again(b.size), b.keep),
            again(self.rigs),
            again(self.share),
        )


def draw_traits(after: Posterior, beliefs: Beliefs, seed: RandomSeed, paths: int) -> Traits:
    follows = beliefs.follows
    rigs = follows.rigs + follows.rigs_sd * ndtri(uniforms(seed, "rig_prices/elasticity", paths, 1)[:, 0])
    share = follows.share + follows.share_sd * ndtri(uniforms(seed, "share_price/elasticity", paths, 1)[:, 0])
    return Traits(
        draw_drift(beliefs.growth, beliefs.uncertain, seed, paths),
        draw_response(after, seed, paths),
        draw_bursts(beliefs.fees, seed, paths),
        np.maximum(rigs, 0.0),
        np.maximum(share, 0.0),
    )


def draw_network(
    start: Start, past: Moves, traits: Traits, seed: RandomSeed, months: int, at_date_0: float | None = None
) -> Paths:
    """One path for each of the traits. Each driver has its own stream: the hashrate's noise does not move the price.

    at_date_0: hashprice without fees from which rigs and the share are measured, where the paths go on from a later month.
    """
    paths = len(traits.drift)
    price = np.log(start.price) + draw_price(past, traits.drift, seed, months)
    fees = draw_fees(traits.bursts, start.fee_share, seed, months)
    answer = traits.answer
    noise = answer.noise[:, None] * monthly_normals(seed, "network_hashrate/noise", paths, months)
    luck = monthly_normals(seed, "blocks", paths, months)
    hashrate, height = np.empty((paths, months + 1)), np.empty((paths, months + 1))
    hashrate[:, 0], height[:, 0] = np.log(start.hashrate), start.height
    earned = np.empty((paths, months + LAG))  # log hashprice without fees, LAG - 1 months before date 0 first
    earned[:, LAG - 1] = _log_hashprice(price[:, 0], hashrate[:, 0], height[:, 0])
    for lag in range(1, LAG):
        earned[:, LAG - 1 - lag] = start.before[lag - 1] if lag <= len(start.before) else earned[:, LAG - 1]
    for m in range(months):
        years = (start.month + m - answer.month0) / 12.0
        gap = earned[:, m : m + LAG].mean(axis=1) + answer.fall * years
        growth = np.minimum(answer.level + answer.response * gap + noise[:, m], answer.limit)
        hashrate[:, m + 1] = hashrate[:, m] + growth
        expected = bitcoin.blocks_of_month(growth)
        height[:, m + 1] = height[:, m] + np.rint(expected + np.sqrt(expected) * luck[:, m])
        earned[:, LAG + m] = _log_hashprice(price[:, m + 1], hashrate[:, m + 1], height[:, m + 1])
    base = np.exp(earned[:, LAG - 1 :])
    moved = np.log(base / (base[:, :1] if at_date_0 is None else at_date_0))
    rigs, share = np.exp(traits.rigs[:, None] * moved), np.exp(traits.share[:, None] * moved)
    return Paths(np.exp(price), np.exp(hashrate), fees, height, base * (1.0 + fees), base, rigs, share)


def _log_hashprice(log_price: Array, log_hashrate: Array, height: Array) -> Array:
    coins = bitcoin.subsidy(height)
    return np.log(bitcoin.hashprice(np.exp(log_price), bitcoin.difficulty(np.exp(log_hashrate)), coins))
