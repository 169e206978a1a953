"""AI: what a cloud is paid, what a lease brings when its tenant may default, and how late builds may be; and the level of power prices.

Each is a driver with streams of its own, and can go on from any month.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.scenarios.generate.streams import RandomSeed, monthly_normals, monthly_uniforms, uniforms

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Wander:
    """A price whose log wanders: growth of the median and volatility, per year."""

    growth: float
    volatility: float


@dataclass(frozen=True)
class Level:
    """A level of prices around its usual one: spread (log, in the long run), and months after which half of a departure is left."""

    spread: float
    half_life: float = 12.0


@dataclass(frozen=True)
class Tenancy:
    """A tenant that defaults with a chance a year; then `void` months without rent, then another at the share `relet` of the rent, who may
    default as well."""

    default: float
    relet: float
    void: int = 9


@dataclass(frozen=True)
class Late:
    """Builds of a site are late with a chance, by months from `least` to `most`, each as likely."""

    chance: float
    least: int
    most: int


def draw_wander(of: Wander, name: str, seed: RandomSeed, shape: tuple[int, int], begun: float = 1.0) -> Array:
    """(paths, months + 1) factor on the price of date 0; `begun`: the factor in the first month."""
    steps = math.log1p(of.growth) / 12.0 + of.volatility / math.sqrt(12.0) * monthly_normals(seed, name, *shape)
    return begun * np.exp(np.concatenate([np.zeros((shape[0], 1)), np.cumsum(steps, axis=1)], axis=1))


def draw_level(of: Level, name: str, seed: RandomSeed, shape: tuple[int, int], begun: float = 1.0) -> Array:
    """(paths, months + 1) factor on the usual price."""
    keep = 0.5 ** (1.0 / of.half_life)
    shock = of.spread * math.sqrt(1.0 - keep**2) * monthly_normals(seed, name, *shape)
    out = np.empty((shape[0], shape[1] + 1))
    out[:, 0] = math.log(begun)
    for m in range(shape[1]):
        out[:, m + 1] = keep * out[:, m] + shock[:, m]
    return np.exp(out)


def draw_tenancy(
    of: Tenancy, name: str, seed: RandomSeed, shape: tuple[int, int], begun: tuple[float, int] = (1.0, 0)
) -> tuple[Array, Array]:
    """(paths, months + 1) each: rent as a share of that agreed (0 in a void), and months of void left. The first column is `begun`: the share
    that the last tenant paid, or in a void the next one will pay, and months of void left."""
    chance = 1.0 - (1.0 - of.default) ** (1.0 / 12.0)
    falls = monthly_uniforms(seed, name, *shape) < chance
    paths, months = shape
    share, left = np.full(paths, begun[0]), np.full(paths, float(begun[1]))
    rent, void = np.empty((paths, months + 1)), np.empty((paths, months + 1))
    rent[:, 0], void[:, 0] = np.where(left > 0, 0.0, share), left
    for m in range(months):
        left = np.maximum(left - 1.0, 0.0)
        defaults = falls[:, m] & (left == 0)
        share = np.where(defaults, share * of.relet, share)
        left = np.where(defaults, float(of.void), left)
        rent[:, m + 1], void[:, m + 1] = np.where(left > 0, 0.0, share), left
    return rent, void


def draw_late(of: Late, name: str, seed: RandomSeed, paths: int) -> Array:
    """(paths,) whole months."""
    u = uniforms(seed, name, paths, 2)
    months = of.least + np.floor(u[:, 1] * (of.most - of.least + 1))
    return np.where(u[:, 0] < of.chance, months, 0.0)
