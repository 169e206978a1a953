"""Random numbers that belong to a driver: one stream for each name, year and purpose.

A new driver takes no number from another. A larger sample adds paths, a longer horizon adds months, and those that were there stay.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]
RandomSeed = int | tuple[int, ...]  # a tuple: a seed, and the way to a node of a tree


def stream(seed: RandomSeed, driver: str, part: int = 0) -> np.random.Generator:
    """The stream of a driver's part (such as a year)."""
    words = np.frombuffer(hashlib.sha256(driver.encode()).digest(), dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=(*words, part))))


def uniforms(seed: RandomSeed, driver: str, paths: int, columns: int) -> Array:
    """(paths, columns) in (0, 1), for what is drawn once for a path. Path i is the same in a larger sample."""
    drawn: Array = stream(seed, driver).random((paths, columns))
    return np.clip(drawn, 1e-12, 1.0 - 1e-12)


def monthly_uniforms(seed: RandomSeed, driver: str, paths: int, months: int) -> Array:
    """(paths, months) in (0, 1). Path i and month m are the same in a larger sample and over a longer horizon."""
    years = [stream(seed, driver, 1 + year).random((paths, 12)) for year in range(-(-months // 12))]
    drawn: Array = np.concatenate([np.empty((paths, 0)), *years], axis=1)[:, :months]
    return np.clip(drawn, 1e-12, 1.0 - 1e-12)


def monthly_normals(seed: RandomSeed, driver: str, paths: int, months: int) -> Array:
    """(paths, months) standard normal."""
    return np.asarray(ndtri(monthly_uniforms(seed, driver, paths, months)))


def digest(*arrays: Array) -> str:
    """sha256 of drawn values, to ten significant digits: what two machines must agree on."""
    whole = hashlib.sha256()
    for array in arrays:
        whole.update("x".join(map(str, array.shape)).encode())
        whole.update(" ".join(f"{value:.9e}" for value in np.asarray(array, dtype=np.float64).ravel()).encode())
    return whole.hexdigest()
