"""What the protocol of bitcoin fixes: the subsidy by height, what a hash earns at a difficulty, how fast blocks come."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

HALVING_BLOCKS = 210_000
RETARGET_BLOCKS = 2016
BLOCKS_PER_DAY = 144.0
DAYS_PER_MONTH = 365.25 / 12
HASHES_PER_DIFFICULTY = 2.0**32  # expected hashes for a block at difficulty 1


def subsidy(height: ArrayLike) -> Array:
    """New coins in the block at a height (BTC): 50, halved every 210,000 blocks."""
    return np.asarray(50.0 * 0.5 ** (np.asarray(height) // HALVING_BLOCKS), dtype=np.float64)


def hashprice(price: ArrayLike, difficulty: ArrayLike, coins_per_block: ArrayLike, fee_share: ArrayLike = 0.0) -> Array:
    """What a PH/s earns in a day (USD), before the pool's fee.

        hashprice = 86400 * 1e15 / (2^32 * difficulty) * subsidy * (1 + fees / subsidy) * price

    The hashes of a day over those that a block takes are the blocks it may expect to find.
    """
    blocks = 86_400.0 * 1e15 / (HASHES_PER_DIFFICULTY * np.asarray(difficulty, dtype=np.float64))
    return np.asarray(blocks * np.asarray(coins_per_block) * (1.0 + np.asarray(fee_share)) * np.asarray(price), dtype=np.float64)


def hashrate(difficulty: ArrayLike) -> Array:
    """Hashrate (EH/s) at which blocks come every 600 seconds."""
    return np.asarray(np.asarray(difficulty, dtype=np.float64) * HASHES_PER_DIFFICULTY / 600.0 / 1e18)


def difficulty(hashrate_eh: ArrayLike) -> Array:
    """The difficulty that suits a hashrate (EH/s)."""
    return np.asarray(np.asarray(hashrate_eh, dtype=np.float64) * 1e18 * 600.0 / HASHES_PER_DIFFICULTY)


def blocks_of_month(growth: ArrayLike) -> Array:
    """Blocks expected in a month in which log hashrate grows by `growth`.

    The difficulty suits the hashrate of one epoch (2016 blocks, 14 days) before: growing hashrate is ahead of it by what it grew in that
    time, and blocks come faster by as much.
    """
    behind = RETARGET_BLOCKS / BLOCKS_PER_DAY / DAYS_PER_MONTH  # an epoch, in months
    return np.asarray(BLOCKS_PER_DAY * DAYS_PER_MONTH * np.exp(behind * np.asarray(growth, dtype=np.float64)))
