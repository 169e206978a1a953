"""What the protocol fixes, against what was published and against days of the network."""

import math

import numpy as np
import pytest

from optimizer.scenarios.generate import bitcoin
from tests.shared.network_data import days, needs_network, number, rows


def test_subsidy_halves_by_height():
    assert bitcoin.subsidy([0, 209_999, 210_000, 629_999, 630_000, 839_999, 840_000, 1_050_000]).tolist() == [
        50, 50, 25, 12.5, 6.25, 6.25, 3.125, 1.5625,
    ]  # fmt: skip


def test_hashprice_of_a_published_day():
    """2025-11-19: 38.14 USD/PH/day of which fees are 0.73 % (Luxor), at a difficulty of 152.27T and a price of 91,465."""
    assert bitcoin.hashprice(91_465, 152.27e12, 3.125, 0.0073) == pytest.approx(38.14, rel=0.01)


def test_hashrate_and_difficulty_are_one_thing():
    assert bitcoin.hashrate(2.0**32) == pytest.approx(2.0**64 / 600 / 1e18, rel=1e-15)
    assert bitcoin.difficulty(bitcoin.hashrate(1.5e14)) == pytest.approx(1.5e14, rel=1e-15)
    # 144 blocks a day x subsidy x price / hashrate, as a case has it
    at = 1000.0
    assert bitcoin.hashprice(80_000, bitcoin.difficulty(at), 3.125) == pytest.approx(
        144 * 3.125 * 80_000 / (at * 1000), rel=1e-14
    )


def test_blocks_come_faster_while_hashrate_grows():
    """Epoch by epoch as the protocol does it: the difficulty of an epoch is what would have made the last one 14 days."""
    growth = 0.05  # of a month
    hashes, t, difficulty, found = 1.0, 0.0, 1.0, []
    for _ in range(60):
        took = 14.0 * difficulty / hashes  # to first order in growth within an epoch: hashrate at its middle
        middle = math.exp(growth / bitcoin.DAYS_PER_MONTH * took / 2)
        took = 14.0 * difficulty / (hashes * middle)
        hashes *= math.exp(growth / bitcoin.DAYS_PER_MONTH * took)
        difficulty *= 14.0 / took
        t += took
        found.append(bitcoin.RETARGET_BLOCKS / took)
    assert bitcoin.blocks_of_month(growth) / bitcoin.DAYS_PER_MONTH == pytest.approx(found[-1], rel=1e-3)
    assert bitcoin.blocks_of_month(0.0) == pytest.approx(144 * 365.25 / 12)


@needs_network
def test_hashprice_of_every_day():
    """Within 0.1 % of what the source derives from the blocks themselves, on 99.9 % of days."""
    table = [row for row in rows("btc_network_daily_2021_2026.csv") if row["hashprice_ex_fees_usd_ph_day"]]
    assert len(table) > 1900
    height = np.array([int(row["first_height"]) for row in table])
    price, difficulty, given = (
        np.array([number(row[key]) for row in table]) for key in ("price_usd", "difficulty_mean", "hashprice_ex_fees_usd_ph_day")
    )
    halving = (height < 840_000) & (height + 200 > 840_000)  # the day that has blocks of both subsidies
    off = np.abs(bitcoin.hashprice(price, difficulty, bitcoin.subsidy(height)) / given - 1.0)
    assert halving.sum() <= 2
    assert (off <= 1e-3).mean() >= 0.999, off[off > 1e-3]


@needs_network
def test_blocks_of_real_months():
    """Blocks of 2016 to 2026 by the growth of hashrate: within 0.5 % in all, where 144 a day is 1.5 % short; halvings within ten days."""
    seen = days()
    month = seen.day.astype("datetime64[M]").astype(np.int64)
    first = np.flatnonzero(np.diff(month)) + 1
    first = first[seen.day[first] >= np.datetime64("2016-07-01")]
    growth = np.diff(np.log(seen.difficulty[first]))
    length = np.diff(seen.day[first]).astype(np.int64)
    expected = bitcoin.blocks_of_month(growth) * length / bitcoin.DAYS_PER_MONTH
    came = np.diff(seen.height[first - 1])
    assert came.sum() / expected.sum() == pytest.approx(1.0, abs=0.005)
    assert came.sum() / (144.0 * length.sum()) > 1.01
