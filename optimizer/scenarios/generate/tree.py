"""A tree of futures: at each stage few real segments follow a node, each drawn from the very state that its node has come to.

Over the time before the first stage there are keep[0] segments, before the second keep[1] after each of these, and so on; the last ones go
on to the end of the horizon. Plans cannot tell segments apart before their stage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.scenarios.generate.reduction import Group, Target, choose, distances
from optimizer.scenarios.generate.streams import stream
from optimizer.scenarios.generate.world import Futures, World, draw, go_on

Array = NDArray[np.float64]

Values = Callable[[Futures], Array]  # (plans, N) of trial plans, USD

LEAST = 400  # paths drawn after a node; as many as the sample has, if that is smaller


@dataclass(frozen=True, eq=False)
class Leaf:
    """One scenario: its name says the way (1-2-1), odds, and its path as the row of what it was drawn with."""

    way: tuple[int, ...]
    odds: float
    futures: Futures
    row: int

    @property
    def name(self) -> str:
        return "-".join(str(step) for step in self.way)


@dataclass(frozen=True)
class Kept:
    """How much of a driver's variance (of logs; of the share of rent and of months late as they are) is kept at a stage, and how far its mean
    is off, in standard deviations."""

    month: int
    driver: str
    variance: float
    shift: float


@dataclass(frozen=True, eq=False)
class Tree:
    """pool: all that were drawn from date 0. distance: of the drawn ones to those that stand for them, by stage, USD of a trial plan's value;
    spread: standard deviation of these values over the pool, mean over plans."""

    leaves: tuple[Leaf, ...]
    pool: Futures
    stages: tuple[int, ...]
    kept: tuple[Kept, ...]
    distance: tuple[float, ...]
    spread: float


@dataclass(frozen=True)
class Shape:
    """How many are drawn, with which seed; branches kept at each stage, stages in months after date 0, ascending, within the horizon."""

    sample: int
    seed: int
    keep: tuple[int, ...]
    stages: tuple[int, ...]


def grow(world: World, values: Values, used: Collection[str], shape: Shape) -> Tree:
    """used: drivers that the problem sees, whose moments are kept. Raises ValueError where more are to be kept than are drawn."""
    seed, sample, stages = shape.seed, shape.sample, shape.stages
    pool = draw(world, seed, sample)
    names = [name for name in drivers(pool) if name in used]
    leaves = [Leaf((), 1.0, pool, -1)]
    lost = []
    for level, (stage, many) in enumerate(zip(stages, shape.keep, strict=True)):
        last = level == len(stages) - 1
        months = (stage, world.months) if last and world.months > stage else (stage,)
        begun = stages[level - 1] if level else 0
        fewer = min(sample, max(LEAST, sample // len(leaves)))
        drawn = [pool if leaf.row < 0 else go_on(world, seed, leaf.way, leaf.futures, leaf.row, begun, fewer) for leaf in leaves]
        groups = [
            Group(leaf.odds, distances(values(one)), features(one, names, months), many)
            for leaf, one in zip(leaves, drawn, strict=True)
        ]
        target = Target.of(features(pool, names, months))
        chosen = choose(groups, target, stream(seed, "tree", level))
        lost.append(float(sum(leaf.odds * one.distance for leaf, one in zip(leaves, chosen, strict=True))))
        leaves = [
            Leaf((*leaf.way, at + 1), leaf.odds * float(odds), futures, int(row))
            for leaf, futures, one in zip(leaves, drawn, chosen, strict=True)
            for at, (row, odds) in enumerate(_by_odds(one.kept, one.odds))
        ]
    times = stages if world.months == stages[-1] else (*stages, world.months)
    kept = tuple(one for month in times for one in _kept(leaves, pool, names, month))
    return Tree(tuple(leaves), pool, stages, kept, tuple(lost), float(values(pool).std(axis=1).mean()))


def _by_odds(kept: NDArray[np.int64], odds: Array) -> list[tuple[int, float]]:
    """Without those that stand for none; in the order of rows, so that names do not hang on the search."""
    return [(int(row), float(p)) for row, p in sorted(zip(kept, odds, strict=True)) if p > 0]


def drivers(pool: Futures) -> list[str]:
    """What varies over the pool."""
    moving = [
        name for name, values in pool.series.items() if float(values.std(axis=0).max()) > 1e-9 * float(np.abs(values).max())
    ]
    return moving + [f"delay.{name}" for name, values in pool.late.items() if values.std() > 0]


def feature(of: Futures, name: str, month: int) -> Array:
    """(N,) a driver at a month: its log; a share of rent and months late as they are."""
    if name.startswith("delay."):
        return of.late[name.removeprefix("delay.")]
    values = of.series[name][:, month]
    return values if name.removeprefix("ai.") in of.void else np.log(values)


def features(of: Futures, names: list[str], months: tuple[int, ...]) -> Array:
    """(N, D)"""
    return np.stack([feature(of, name, month) for month in months for name in names], axis=1)


def _kept(leaves: list[Leaf], pool: Futures, names: list[str], month: int) -> list[Kept]:
    odds = np.array([leaf.odds for leaf in leaves])
    out = []
    for name in names:
        whole = feature(pool, name, month)
        if whole.std() <= 1e-12:
            continue
        few = np.array([feature(leaf.futures, name, month)[leaf.row] for leaf in leaves])
        mean = float(odds @ few)
        out.append(
            Kept(
                month,
                name,
                float(odds @ (few - mean) ** 2) / float(whole.var()),
                (mean - float(whole.mean())) / float(whole.std()),
            )
        )
    return out
