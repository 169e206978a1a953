"""Few for many: distances by hand, fast forward selection against all subsets, moments kept."""

from itertools import combinations

import numpy as np
import pytest

from optimizer.scenarios.generate.reduction import (
    Group,
    Target,
    _exchanged,
    choose,
    distances,
    fast_forward,
    penalty,
    stand_for,
)


def test_distance_is_the_mean_difference_of_plans():
    found = distances(np.array([[1.0, 4.0, 4.0], [0.0, 0.0, 10.0]]))
    assert found.tolist() == [[0, 1.5, 6.5], [1.5, 0, 5], [6.5, 5, 0]]


def test_clusters_are_found_with_their_odds():
    rng = np.random.default_rng(1)
    where = np.repeat([0.0, 10.0, 30.0], [50, 30, 20])
    found = fast_forward(distances((where + 0.1 * rng.standard_normal(100))[None, :]), 3)
    order = np.argsort(where[found.kept])
    assert where[found.kept][order].tolist() == [0, 10, 30]
    assert found.odds[order].tolist() == [0.5, 0.3, 0.2]
    assert found.distance < 0.2


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_against_all_subsets(keep):
    """The first is the best there is; with more, forward selection is near it (never better)."""
    apart = distances(np.random.default_rng(4).standard_normal((3, 24)))
    best = min(stand_for(apart, np.array(kept)).distance for kept in combinations(range(24), keep))
    found = fast_forward(apart, keep)
    assert found.distance >= best - 1e-12
    assert found.distance <= best * (1 + 1e-12 if keep == 1 else 1.25)
    assert found.odds.sum() == pytest.approx(1.0)


def test_all_kept_is_no_reduction():
    apart = distances(np.random.default_rng(4).standard_normal((2, 12)))
    found = fast_forward(apart, 12)
    assert found.distance == 0
    assert found.odds == pytest.approx(np.full(12, 1 / 12))
    with pytest.raises(ValueError, match="13 scenarios cannot be kept of 12"):
        fast_forward(apart, 13)


def test_the_cost_of_an_exchange_is_that_of_the_exchanged_set():
    rng = np.random.default_rng(2)
    features = rng.standard_normal((40, 3))
    group = Group(0.3, distances(rng.standard_normal((2, 40))), features, 4)
    target, others = Target.of(features), rng.random((2, 3))
    kept = np.array([3, 8, 20, 31])
    tried = np.setdiff1d(np.arange(40), kept)
    cost = _exchanged(group, kept, 2, tried, others, target, 0.7, 1.9)
    for at, one in enumerate(tried):
        swapped = stand_for(group.distance, np.array([3, 8, one, 31]))
        weight = 0.3 * swapped.odds
        mean, square = others[0] + weight @ features[swapped.kept], others[1] + weight @ features[swapped.kept] ** 2
        assert cost[at] == pytest.approx((0.7 + 0.3 * swapped.distance) / 1.9 + float(penalty(mean, square, target)), rel=1e-12)


def test_the_penalty_is_none_at_the_target():
    features = np.random.default_rng(1).standard_normal((500, 4))
    target = Target.of(features)
    assert penalty(features.mean(axis=0), (features**2).mean(axis=0), target) == pytest.approx(0.0, abs=1e-12)
    assert penalty(target.mean, target.mean**2 + 0.5 * target.variance, target) > 1.0
    still = Target(np.zeros(1), np.zeros(1), np.ones(1), np.ones(1))  # what does not vary counts nothing
    assert penalty(np.ones(1), np.ones(1), still) == 0.0


def test_moments_are_kept_where_distance_alone_loses_them():
    """Values that do not see the second feature: forward selection keeps what variance chance brings, the exchange keeps it."""
    rng = np.random.default_rng(6)
    features = rng.standard_normal((600, 2))
    group = Group(1.0, distances(features[None, :, 0]), features, 4)
    (one,) = choose([group], Target.of(features), np.random.default_rng(1))
    mean = one.odds @ features[one.kept]
    kept = (one.odds @ (features[one.kept] - mean) ** 2) / features.var(axis=0)
    assert ((kept > 0.8) & (kept < 1.2)).all()
    assert one.distance < 1.5 * fast_forward(group.distance, 4).distance
