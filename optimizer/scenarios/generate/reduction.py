"""Few scenarios that stand for many: near to them in what a plan is worth, not in how paths look, and as spread as they are.

The distance of two scenarios is the mean over trial plans of the difference of their values. Fast forward selection (Heitsch and Roemisch,
2003) takes one after another the scenario that leaves the least distance; then scenarios are exchanged while that brings the moments of
drivers nearer to those of all at little distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

LOW, HIGH = 0.86, 1.14  # of the variance kept: beyond these a choice is pushed back (0.8 to 1.2 is what is promised)
PUSH = 30.0  # what a squared log of variance beyond the band costs, in distances of fast forward selection
PUSH_OF_VALUE = 3.0  # and of what a plan is worth
SHIFT = 1.5  # what a squared shift of a driver's mean costs, in standard deviations
SHIFT_OF_VALUE = 15.0  # and that of what a plan is worth: the objective is such a mean
TRIED = 400  # scenarios tried in each place, in each round
ROUNDS = 8
STARTS = 4  # searches where at most FEW are kept in all
FEW = 8
MOST_STARTS = 12  # where a variance is not kept


def distances(values: Array) -> Array:
    """(N, N) mean over plans of |difference of value|, from values (plans, N) in one unit, such as USD."""
    out = np.zeros((values.shape[1], values.shape[1]))
    for row in values:
        out += np.abs(row[:, None] - row[None, :])
    return out / max(len(values), 1)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Which scenarios are kept (K,), the odds of each, and the distance of all to those that stand for them, on average."""

    kept: Index
    odds: Array
    distance: float


def stand_for(distance: Array, kept: Index) -> Chosen:
    """Each scenario is stood for by the nearest one that is kept (the first of equals); all are equally likely."""
    near = distance[:, kept]
    who = near.argmin(axis=1)
    odds = np.bincount(who, minlength=len(kept)) / len(distance)
    return Chosen(kept, odds, float(near[np.arange(len(near)), who].mean()))


def fast_forward(distance: Array, keep: int) -> Chosen:
    """Raises ValueError where more are to be kept than there are."""
    if not 1 <= keep <= len(distance):
        raise ValueError(f"{keep} scenarios cannot be kept of {len(distance)}")
    nearest = np.full(len(distance), np.inf)
    kept: list[int] = []
    for _ in range(keep):
        left = np.minimum(distance, nearest[:, None]).mean(axis=0)
        left[kept] = np.inf
        kept.append(int(left.argmin()))
        nearest = np.minimum(nearest, distance[:, kept[-1]])
    return stand_for(distance, np.array(kept))


@dataclass(frozen=True, eq=False)
class Group:
    """Candidates below one node: odds of the node, distance (N, N) between them, features (N, D), how many to keep."""

    odds: float
    distance: Array
    features: Array
    keep: int


@dataclass(frozen=True, eq=False)
class Target:
    """Mean and variance (D,) that the chosen ones, of all groups together, should have; what a shifted mean and a variance beyond the band
    cost (D,)."""

    mean: Array
    variance: Array
    shift: Array
    push: Array

    @staticmethod
    def of(features: Array, values: int = 0, whole: bool = True) -> Target:
        """The last `values` features are what plans are worth: their means weigh more; their variance counts where paths are whole."""
        count = features.shape[1]
        of_plans = np.arange(count) >= count - values
        return Target(
            features.mean(axis=0),
            features.var(axis=0),
            np.where(of_plans, SHIFT_OF_VALUE, SHIFT),
            np.where(of_plans, PUSH_OF_VALUE * whole, PUSH),
        )


def penalty(mean: Array, square: Array, target: Target) -> Array:
    """(...,) how far moments (..., D) are from the target: squared shift in standard deviations, and squared log of the variance kept beyond
    its band. Features that do not vary count nothing."""
    live = target.variance > 1e-12
    spread = np.where(live, target.variance, 1.0)
    shift = (mean - target.mean) ** 2 / spread
    kept = np.log(np.maximum((square - mean**2) / spread, 1e-3))
    out = np.maximum(kept - np.log(HIGH), 0.0) + np.maximum(np.log(LOW) - kept, 0.0)
    return np.asarray((np.where(live, target.shift * shift + target.push * (out**2 + 0.002 * kept**2), 0.0)).sum(axis=-1))


def choose(groups: list[Group], target: Target, rng: np.random.Generator) -> list[Chosen]:
    """The choice in each group, whose moments over all groups are near the target.

    Begins with fast forward selection, then exchanges one kept scenario for another as long as (distance over that of fast forward selection)
    plus the penalty of moments falls. At most ROUNDS rounds over all places. Few places, and those where a variance stays outside of 0.8 to 1.2,
    are searched from sets at random as well.
    """
    first = [fast_forward(group.distance, group.keep) for group in groups]
    unit = max(sum(group.odds * one.distance for group, one in zip(groups, first, strict=True)), 1e-300)
    few = sum(group.keep for group in groups) <= FEW
    best = (True, np.inf, first)  # whether a variance is not kept, cost, choice
    for start in range(MOST_STARTS):
        if start >= (STARTS if few else 1) and not best[0]:
            break
        begun = first
        if start:
            sets = [rng.choice(len(group.distance), group.keep, replace=False) for group in groups]
            begun = [stand_for(group.distance, one) for group, one in zip(groups, sets, strict=True)]
        cost, chosen = _search(groups, begun, target, unit, rng)
        best = min(best, (not kept_within(groups, chosen, target), cost, chosen), key=lambda one: one[:2])
    return best[2]


def kept_within(groups: list[Group], chosen: list[Chosen], target: Target) -> bool:
    """Whether every driver that varies keeps 0.8 to 1.2 of its variance."""
    mean, square = np.sum([_moments(group, one) for group, one in zip(groups, chosen, strict=True)], axis=0)
    live = (target.variance > 1e-12) & (target.push >= PUSH)
    share = (square - mean**2)[live] / target.variance[live]
    return bool(((share >= 0.8) & (share <= 1.2)).all())


def _search(
    groups: list[Group], start: list[Chosen], target: Target, unit: float, rng: np.random.Generator
) -> tuple[float, list[Chosen]]:
    """(cost, choice) after exchanges."""
    chosen = list(start)
    moments = [_moments(group, one) for group, one in zip(groups, chosen, strict=True)]
    for _ in range(ROUNDS):
        changed = False
        for g, group in enumerate(groups):
            others = sum((m for i, m in enumerate(moments) if i != g), np.zeros((2, group.features.shape[1])))
            apart = sum(groups[i].odds * chosen[i].distance for i in range(len(groups)) if i != g)
            for place in range(group.keep):
                now = _cost(apart + group.odds * chosen[g].distance, others + moments[g], target, unit)
                free = np.setdiff1d(np.arange(len(group.distance)), chosen[g].kept)
                tried = rng.permutation(free)[:TRIED]
                cost = _exchanged(group, chosen[g].kept, place, tried, others, target, apart, unit)
                if len(cost) and cost.min() < now - 1e-9:
                    kept = chosen[g].kept.copy()
                    kept[place] = tried[int(cost.argmin())]
                    chosen[g] = stand_for(group.distance, kept)
                    moments[g] = _moments(group, chosen[g])
                    changed = True
        if not changed:
            break
    apart = sum(group.odds * one.distance for group, one in zip(groups, chosen, strict=True))
    return _cost(apart, sum(moments, np.zeros_like(moments[0])), target, unit), chosen


def _cost(distance: float, moments: Array, target: Target, unit: float) -> float:
    return distance / unit + float(penalty(moments[0], moments[1], target))


def _moments(group: Group, one: Chosen) -> Array:
    """(2, D) the group's part of the mean and of the mean square."""
    weight = group.odds * one.odds
    features = group.features[one.kept]
    return np.stack([weight @ features, weight @ features**2])


def _exchanged(
    group: Group, kept: Index, place: int, tried: Index, others: Array, target: Target, apart: float, unit: float
) -> Array:
    """(R,) the cost with each of `tried` in a place."""
    n = len(group.distance)
    rest = np.delete(kept, place)
    near = group.distance[rest].min(axis=0) if len(rest) else np.full(n, np.inf)
    fresh = group.distance[tried]  # (R, N): distances are the same both ways, and rows lie together
    takes = fresh < near
    left = np.minimum(fresh, near).mean(axis=1)
    odds = takes.mean(axis=1)
    features = group.features
    mean = odds[:, None] * features[tried]
    square = odds[:, None] * features[tried] ** 2
    if len(rest):
        who = group.distance[rest].argmin(axis=0)
        one_hot = (who[:, None] == np.arange(len(rest))).astype(np.float64)
        stay = one_hot.mean(axis=0) - takes.astype(np.float64) @ one_hot / n  # (R, K - 1)
        mean += stay @ features[rest]
        square += stay @ features[rest] ** 2
    total_mean, total_square = others[0] + group.odds * mean, others[1] + group.odds * square
    return np.asarray((apart + group.odds * left) / unit + penalty(total_mean, total_square, target))
