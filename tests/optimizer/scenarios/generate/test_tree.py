"""Trees: real segments that go on from the state they have come to, and moments that are kept."""

from functools import cache

import numpy as np
import pytest

from optimizer.scenarios.generate.ai import Late, Level, Tenancy, Wander
from optimizer.scenarios.generate.calibration import bundled, calibrate
from optimizer.scenarios.generate.network import Beliefs, Start
from optimizer.scenarios.generate.response import LAG
from optimizer.scenarios.generate.tree import Shape, Tree, grow
from optimizer.scenarios.generate.world import Futures, World, draw, go_on

START = Start(2026 * 12, 88_700.0, 1_057.0, 930_341.0, 0.0073)
USED = ("btc_price", "hashprice", "rig_prices", "ai.cloud", "power.texas")
STAGES = (12, 24, 36)


def world(**more: object) -> World:
    beliefs = Beliefs()
    return World(
        calibrate(bundled()), START, 48, beliefs, {"cloud": Wander(-0.08, 0.2)}, power={"texas": Level(0.4)}, **more  # type: ignore[arg-type]
    )  # fmt: skip


def values(of: Futures) -> np.ndarray:
    """A mine, the same bought later, a cloud."""
    hashprice, level = of.series["hashprice"], of.series["power.texas"]
    margin = np.maximum(hashprice * 1000 / 15 / 24 - 35 * level, 0.0)
    return np.stack([
        margin.sum(axis=1), margin[:, 12:].sum(axis=1) - 700 * of.series["rig_prices"][:, 12], 50 * of.series["ai.cloud"].sum(axis=1),
    ])  # fmt: skip


@cache
def tree() -> Tree:
    return grow(world(), values, USED, Shape(500, 7, (4, 2, 2), STAGES))


def test_odds_and_branches():
    grown = tree()
    assert 12 <= len(grown.leaves) <= 16
    assert sum(leaf.odds for leaf in grown.leaves) == pytest.approx(1.0)
    assert len({leaf.way for leaf in grown.leaves}) == len(grown.leaves)
    assert {leaf.way[0] for leaf in grown.leaves} == {1, 2, 3, 4}


def test_leaves_are_one_until_their_stage():
    grown = tree()
    for one in grown.leaves:
        for other in grown.leaves:
            shared = next((at for at in range(3) if one.way[at] != other.way[at]), 3)
            until = 0 if shared == 0 else (12, 24, 48)[shared - 1]
            for name in one.futures.series:
                a, b = one.futures.series[name][one.row], other.futures.series[name][other.row]
                assert np.array_equal(a[: until + 1], b[: until + 1])
                if shared < 3 and name in USED:
                    assert not np.array_equal(a, b)


def test_the_variance_of_every_driver_is_kept_at_every_stage():
    grown = tree()
    assert {one.month for one in grown.kept} == {12, 24, 36, 48}
    assert {one.driver for one in grown.kept} == set(USED)
    for one in grown.kept:
        assert 0.8 <= one.variance <= 1.2, one
        assert abs(one.shift) < 0.35, one


def test_plans_are_worth_the_same_on_average():
    """Means of trial plans over the leaves against those over all, and what is told of it by hand."""
    grown = tree()
    odds = np.array([leaf.odds for leaf in grown.leaves])
    few = np.stack([values(leaf.futures)[:, leaf.row] for leaf in grown.leaves], axis=1)
    whole = values(grown.pool)
    off = (few @ odds - whole.mean(axis=1)) / whole.std(axis=1)
    assert [one.shift for one in grown.plans] == pytest.approx(off.tolist())
    assert np.abs(off).max() < 0.15


def test_the_distance_is_told():
    grown = tree()
    assert len(grown.distance) == 3
    assert 0 < grown.distance[0] < grown.spread
    many = grow(world(), values, USED, Shape(500, 7, (24,), (12,)))
    assert many.distance[0] < grown.distance[0]


def test_hashrate_goes_on_by_the_same_formula():
    """Across the month of a stage: growth answers hashprice of three months, two of which lie before it; what is left is noise."""
    of = draw(world(), 7, 300)
    after = go_on(world(), 7, (2,), of, 5, 12, 300)
    earned = np.log(after.base_hashprice)
    growth = np.diff(np.log(after.series["network_hashrate"]), axis=1)
    answer = after.traits.answer
    assert (answer.response == of.traits.answer.response[5]).all()
    for m in (12, 13, 20):
        gap = earned[:, m - LAG + 1 : m + 1].mean(axis=1) + answer.fall * (START.month + m - answer.month0) / 12
        noise = (growth[:, m] - answer.level - answer.response * gap) / answer.noise
        free = growth[:, m] < answer.limit - 1e-12
        assert np.median(noise) == pytest.approx(0.0, abs=4 * 1.2533 / np.sqrt(300))
        assert noise[free].std() < 1.15
    for name, series in of.series.items():
        assert np.array_equal(after.series[name][:, :13], np.tile(series[5, :13], (300, 1)))
    assert (after.height[:, 13] > after.height[:, 12]).all()


def test_going_on_adds_up_to_the_whole():
    """One path after each of many nodes at month 12 is spread at the end as paths from date 0 are."""
    everything = world(leases={"lab": Tenancy(0.3, 0.8)}, late={"texas": Late(0.2, 3, 9)})
    of = draw(everything, 7, 400)
    ends = [go_on(everything, 7, (row,), of, row, 12, 1) for row in range(400)]
    fresh = draw(everything, 11, 4000)
    for name in (*USED, "network_hashrate", "transaction_fees"):
        there = np.log(np.array([one.series[name][0, 48] for one in ends]))
        here = np.log(fresh.series[name][:, 48])
        assert there.mean() == pytest.approx(here.mean(), abs=4 * here.std() / 20)
        assert there.std() == pytest.approx(here.std(), rel=0.2)
    share = np.array([one.series["ai.lab"][0, 48] for one in ends])
    assert share.mean() == pytest.approx(fresh.series["ai.lab"][:, 48].mean(), abs=4 * share.std() / 20)
    assert [one.late["texas"][0] for one in ends] == of.late["texas"].tolist()


def test_a_new_driver_moves_no_other_path_and_the_same_seed_gives_the_same_tree():
    of = draw(world(), 7, 50)
    more = draw(world(leases={"lab": Tenancy(0.3, 0.8)}, late={"texas": Late(0.2, 3, 9)}), 7, 80)
    assert set(more.digests()) - set(of.digests()) == {"ai.lab", "delay.texas"}
    for name, series in of.series.items():
        assert np.array_equal(more.series[name][:50], series)
    again = grow(world(), values, USED, Shape(500, 7, (4, 2, 2), STAGES))
    assert [(leaf.way, leaf.odds, leaf.row) for leaf in again.leaves] == [
        (leaf.way, leaf.odds, leaf.row) for leaf in tree().leaves
    ]
    assert again.pool.digests() == tree().pool.digests()
