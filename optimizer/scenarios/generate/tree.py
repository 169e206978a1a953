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
    """One scenario: its name says the way (s1-2-1), odds, and its path as a row of futures."""

    way: tuple[int, ...]
    odds: float
    futures: Futures
    row: int

    @property
    def name(self) -> str:
        return "s" + "-".join(str(step) for step in self.way)  # a spreadsheet would take 1-2-1 for a date


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
    spread: standard deviation of these values over the pool, mean over plans. plans: what is kept of each trial plan's value, by its number."""

    leaves: tuple[Leaf, ...]
    pool: Futures
    stages: tuple[int, ...]
    kept: tuple[Kept, ...]
    distance: tuple[float, ...]
    spread: float
    plans: tuple[Kept, ...]


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
        worth = [values(one) for one in drawn]
        whole = values(pool)
        expect = None if last else _expected(pool, whole, stage)
        rest = [value if expect is None else expect(one) for one, value in zip(drawn, worth, strict=True)]
        groups = [
            Group(leaf.odds, distances(value), np.concatenate([features(one, names, months), ahead.T], axis=1), many)
            for leaf, one, value, ahead in zip(leaves, drawn, worth, rest, strict=True)
        ]
        ahead = whole if expect is None else expect(pool)
        target = Target.of(np.concatenate([features(pool, names, months), ahead.T], axis=1), len(whole), last)
        chosen = choose(groups, target, stream(seed, "tree", level))
        lost.append(float(sum(leaf.odds * one.distance for leaf, one in zip(leaves, chosen, strict=True))))
        leaves = [
            Leaf((*leaf.way, at + 1), leaf.odds * float(odds), futures.only(int(row)), 0)
            for leaf, futures, one in zip(leaves, drawn, chosen, strict=True)
            for at, (row, odds) in enumerate(_by_odds(one.kept, one.odds))
        ]
    times = stages if world.months == stages[-1] else (*stages, world.months)
    kept = tuple(one for month in times for one in _kept(leaves, pool, names, month))
    few = np.stack([values(leaf.futures)[:, leaf.row] for leaf in leaves], axis=1)
    return Tree(tuple(leaves), pool, stages, kept, tuple(lost), float(whole.std(axis=1).mean()), _plans(leaves, whole, few))


def _expected(pool: Futures, whole: Array, month: int) -> Callable[[Futures], Array]:
    """What trial plans (plans, N) may expect on paths of which only the state at a month counts: least squares over the pool on drivers and
    their squares. Before the last stage this, not the chance of one path's end, is what a node should have right."""
    names = drivers(pool)

    def rows(of: Futures) -> Array:
        state = features(of, names, (month,))
        return np.concatenate([np.ones((of.count, 1)), state, state**2], axis=1)

    found = np.linalg.lstsq(rows(pool), whole.T, rcond=None)[0]
    return lambda of: np.asarray((rows(of) @ found).T)


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
    """(N, D); of a problem that sees no driver, without columns."""
    columns = [feature(of, name, month) for month in months for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((of.count, 0))


def _plans(leaves: list[Leaf], whole: Array, few: Array) -> tuple[Kept, ...]:
    odds = np.array([leaf.odds for leaf in leaves])
    return tuple(_moment(-1, f"plan {at + 1}", odds, few[at], whole[at]) for at in range(len(whole)) if whole[at].std() > 0)


def _moment(month: int, name: str, odds: Array, few: Array, whole: Array) -> Kept:
    mean = float(odds @ few)
    spread = float(whole.std())
    return Kept(month, name, float(odds @ (few - mean) ** 2) / spread**2, (mean - float(whole.mean())) / spread)


def _kept(leaves: list[Leaf], pool: Futures, names: list[str], month: int) -> list[Kept]:
    odds = np.array([leaf.odds for leaf in leaves])
    out = []
    for name in names:
        whole = feature(pool, name, month)
        if whole.std() <= 1e-12:
            continue
        few = np.array([feature(leaf.futures, name, month)[leaf.row] for leaf in leaves])
        out.append(_moment(month, name, odds, few, whole))
    return out
