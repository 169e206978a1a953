"""The network as one process."""

import math

import numpy as np
import pytest

from optimizer.scenarios.generate import bitcoin
from optimizer.scenarios.generate.calibration import bundled, calibrate
from optimizer.scenarios.generate.fees import HIGHEST, FeePrior, draw_bursts, draw_fees
from optimizer.scenarios.generate.network import Beliefs, Follows, Paths, Start, draw_network, draw_traits
from optimizer.scenarios.generate.price import Moves
from optimizer.scenarios.generate.response import LAG, Posterior, draw_response
from optimizer.scenarios.generate.streams import monthly_normals

KNOWN = calibrate(bundled())
#: 2026-01, 210,000 blocks before the halving of 2028 less those that were found by then
START = Start(2026 * 12, 88_700.0, 1_057.0, 930_341.0, 0.0073)


def draw(paths: int = 200, months: int = 60, seed: int = 1, start: Start = START, **stated: object) -> Paths:
    traits = draw_traits(KNOWN.posterior, Beliefs(**stated), seed, paths)  # type: ignore[arg-type]
    return draw_network(start, KNOWN.moves, traits, seed, months)


def test_hashprice_is_what_the_protocol_says_of_the_other_paths():
    drawn = draw()
    by_hand = 144 * bitcoin.subsidy(drawn.height) * (1 + drawn.fee_share) * drawn.price / (1000 * drawn.hashrate)
    assert drawn.hashprice == pytest.approx(by_hand, rel=1e-12)
    assert drawn.base_hashprice == pytest.approx(by_hand / (1 + drawn.fee_share), rel=1e-12)


def test_date_0_is_known():
    drawn = draw()
    for values, known in ((drawn.price, 88_700), (drawn.hashrate, 1_057), (drawn.height, 930_341), (drawn.fee_share, 0.0073)):
        assert values[:, 0] == pytest.approx(known, rel=1e-9)
    assert (drawn.rigs[:, 0] == 1).all()
    assert (drawn.share[:, 0] == 1).all()


def test_every_month_of_hashrate_by_the_formula():
    drawn = draw(months=30)
    parameters = draw_response(KNOWN.posterior, 1, 200)
    normal = monthly_normals(1, "network_hashrate/noise", 200, 30)
    logs = np.log(np.concatenate([np.repeat(drawn.base_hashprice[:, :1], LAG - 1, axis=1), drawn.base_hashprice], axis=1))
    growth = np.diff(np.log(drawn.hashrate), axis=1)
    for m in range(30):
        answered = (logs[:, m] + logs[:, m + 1] + logs[:, m + 2]) / 3  # of this month and the two before
        gap = answered + parameters.fall * (START.month + m - parameters.month0) / 12
        free = parameters.level + parameters.response * gap + parameters.noise * normal[:, m]
        assert growth[:, m] == pytest.approx(np.minimum(free, KNOWN.prior.limit), abs=1e-9)
    assert growth.max() == pytest.approx(KNOWN.prior.limit, abs=1e-12)  # a limit on growth ...
    assert growth.min() < -0.1  # ... and none on decline


def test_hashrate_answers_the_price():
    """The same paths but for a median that doubles a year: more hashrate, and less of the difference left in hashprice than without."""
    calm, boom = draw(), draw(growth=1.0)
    assert np.median(boom.price[:, 36]) == pytest.approx(8 * np.median(calm.price[:, 36]), rel=1e-9)
    ratio = np.median(np.log(boom.hashprice[:, 36] / calm.hashprice[:, 36]))
    assert 0.0 < ratio < 0.9 * math.log(8)
    assert (boom.hashrate[:, 36] >= calm.hashrate[:, 36] - 1e-9).all()


def test_where_price_is_still_hashprice_falls_as_the_target():
    """No moves, no noise, no halving: the rest of growth = response * (gap), whose steady state falls by `fall` a year."""
    one = np.ones(1)
    sure = Posterior(
        one * 0.2, one, np.array([[0.0, 0.2]]), np.array([np.eye(2) * 1e-12]), one * 1e6, one * 1e-6, one * math.log(40),
        2024 * 12, 1.0,
    )  # fmt: skip
    start = Start(2024 * 12 + 6, 60_000.0, 600.0, 840_000.0, 0.0)
    traits = draw_traits(sure, Beliefs(uncertain=0.0), 1, 2)
    drawn = draw_network(start, Moves(0.0, np.ones(40), 60.0), traits, 1, 45)
    assert drawn.height[0, -1] < 1_050_000
    assert np.diff(np.log(drawn.base_hashprice[0]))[-1] == pytest.approx(-0.2 / 12, rel=1e-3)
    # and lies where growth of fall / 12 needs it: response * (mean of three months - log 40 + fall * years) = fall / 12
    gap = np.log(drawn.base_hashprice[0, 42:45]).mean() - math.log(40) + 0.2 * (6 + 44) / 12
    assert 0.2 * gap == pytest.approx(0.2 / 12, rel=1e-2)


def test_halvings_come_by_height():
    drawn = draw(paths=500, months=120)
    halved = (drawn.height >= 1_050_000).argmax(axis=1)
    assert len(set(halved.tolist())) > 1  # its date moves with block times
    assert 25 <= np.median(halved) <= 28  # 119,659 blocks from 2026-01: 27.3 months at 144 a day
    fast = np.log(drawn.hashrate[:, 24] / drawn.hashrate[:, 0])
    assert np.corrcoef(fast, drawn.height[:, 24])[0, 1] > 0.7  # growing hashrate brings it nearer
    assert (np.diff(drawn.height, axis=1) > 3500).all()


def test_one_driver_moves_no_other():
    """Other beliefs of fees or rigs leave price and hashrate where they were; the same seed gives the same paths."""
    one, same = draw(), draw()
    other = draw(fees=FeePrior(quiet=0.05), follows=Follows(rigs=2.0))
    for key, values in one.arrays().items():
        assert np.array_equal(values, same.arrays()[key])
    for key in ("btc_price", "network_hashrate"):
        assert np.array_equal(one.arrays()[key], other.arrays()[key])
    assert not np.array_equal(one.fee_share, other.fee_share)
    more = draw(paths=400, months=72)
    assert np.array_equal(more.hashprice[:200, :61], one.hashprice)
    assert not np.array_equal(draw(seed=2).price, one.price)


def test_fees_are_bursts_over_quiet_months():
    prior = FeePrior(quiet=0.01, quiet_sd=0.0, chance=(1e6, 19e6), size=1.5, size_sd=0.0, keep=0.6)
    drawn = draw_fees(draw_bursts(prior, 3, 4000), 0.01, 3, 120)
    burst = np.log(drawn[:, 60:] / 0.01)
    assert burst.min() >= -1e-12
    # mean of a shot noise with kept share 0.6: chance * size / (1 - keep); the ceiling takes next to nothing
    assert burst.mean() == pytest.approx(0.05 * 1.5 / 0.4, rel=0.05)
    assert np.median(drawn[:, 60:]) < 0.012 < drawn[:, 60:].mean()
    assert drawn.max() <= HIGHEST


def test_rigs_and_the_miners_share_follow():
    drawn = draw(follows=Follows(rigs=0.8, rigs_sd=0.0, share=1.2, share_sd=0.0))
    moved = drawn.base_hashprice / drawn.base_hashprice[:, :1]
    assert drawn.rigs == pytest.approx(moved**0.8, rel=1e-9)
    assert drawn.share == pytest.approx(moved**1.2, rel=1e-9)
