"""The price: a stated drift of the median, moves as wild as of late and as bunched as in the past."""

import math

import numpy as np
import pytest

from optimizer.scenarios.generate.price import BLOCK, Moves, draw_drift, draw_price, moves


def past(seed: int = 3, months: int = 130, drift: float = 0.08) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.cumsum(drift + 0.2 * rng.standard_normal(months))


def test_the_past_drift_has_no_way_in():
    """A history that grew by 8 % a month: the median goes where it is stated."""
    known = moves(past())
    drawn = draw_price(known, draw_drift(0.0, 0.10, 1, 4000), 1, 60)
    assert (drawn[:, 0] == 0).all()
    for month in (12, 36, 60):
        spread = drawn[:, month].std()
        assert abs(np.median(drawn[:, month])) < 4 * 1.2533 * spread / math.sqrt(4000)
    grown = draw_price(known, draw_drift(0.25, 0.0, 1, 4000), 1, 60)
    assert np.median(grown[:, 48]) - np.median(draw_price(known, draw_drift(0.0, 0.0, 1, 4000), 1, 60)[:, 48]) == pytest.approx(
        4 * math.log(1.25)
    )


def test_spread_is_of_moves_and_of_drift():
    """Variance after m months: m volatility^2 + (uncertain m / 12)^2."""
    known = Moves(0.15, np.array([0.5, 1.0, math.sqrt(1.75)] * 8), 60.0)
    drawn = draw_price(known, draw_drift(0.0, 0.10, 5, 20_000), 5, 48)
    for month in (6, 48):
        expected = month * 0.15**2 * float((known.size**2).mean()) + (0.10 * month / 12) ** 2
        assert drawn[:, month].var() == pytest.approx(expected, rel=0.05)


def test_sizes_come_in_blocks_of_the_past():
    known = Moves(1.0, np.arange(1.0, 41.0), 60.0)
    steps = np.abs(np.diff(draw_price(known, draw_drift(0.0, 0.0, 2, 50), 2, 24), axis=1))
    for block in range(24 // BLOCK):
        inside = steps[:, block * BLOCK : (block + 1) * BLOCK]
        assert np.isin(np.round(np.diff(inside, axis=1)), (1.0, -39.0)).all()


def test_volatility_is_recent():
    """Calm after a wild time: the volatility is of the calm, the wild is in the sizes."""
    rng = np.random.default_rng(1)
    steps = np.concatenate([0.3 * rng.standard_normal(60), 0.1 * rng.standard_normal(96)])
    known = moves(np.concatenate([[0.0], np.cumsum(steps)]))
    assert 0.08 < known.volatility < 0.14
    assert (known.size**2).mean() == pytest.approx(1.0)
    low, high = known.volatility_interval()
    assert low < known.volatility < high


def test_too_short_a_past_is_refused():
    with pytest.raises(ValueError, match="at least 36"):
        moves(np.zeros(30))
