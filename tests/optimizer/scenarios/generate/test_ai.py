"""AI prices, tenants, levels of power prices, late builds: each against a closed form, and going on from where it stood."""

import math

import numpy as np
import pytest

from optimizer.scenarios.generate.ai import (
    Late,
    Level,
    Tenancy,
    Wander,
    draw_late,
    draw_level,
    draw_tenancy,
    draw_wander,
)

N = 20_000


def test_a_cloud_price_wanders_about_its_growth():
    drawn = np.log(draw_wander(Wander(-0.08, 0.2), "ai.cloud", 1, (N, 36)))
    assert (drawn[:, 0] == 0).all()
    assert drawn[:, 36].mean() == pytest.approx(3 * math.log(0.92), abs=4 * 0.2 * math.sqrt(3 / N))
    assert drawn[:, 36].var() == pytest.approx(0.04 * 3, rel=0.04)
    again = draw_wander(Wander(-0.08, 0.2), "ai.cloud", 1, (5, 36), 1.7)
    assert again == pytest.approx(1.7 * np.exp(drawn[:5]))


def test_a_level_comes_back():
    """Spread after m months: spread^2 (1 - keep^2m); half of a departure is left after the half-life."""
    of = Level(0.4, 12.0)
    drawn = np.log(draw_level(of, "power.texas", 1, (N, 48)))
    for month in (6, 48):
        assert drawn[:, month].std() == pytest.approx(0.4 * math.sqrt(1 - 0.5 ** (2 * month / 12)), rel=0.03)
    begun = np.log(draw_level(of, "power.texas", 1, (N, 12), 2.0))
    assert (begun - drawn[:, :13])[:, 12] == pytest.approx(np.full(N, math.log(2) / 2))


def test_tenants_default_at_their_odds_and_leave_a_void():
    of = Tenancy(0.03, 0.8, 9)
    rent, void = draw_tenancy(of, "ai.lease", 1, (N, 36))
    never = (rent == 1).all(axis=1).mean()
    assert never == pytest.approx(0.97**3, abs=4 * math.sqrt(0.09 * 0.91 / N))
    hit = rent[(rent == 0).any(axis=1)]
    first = (hit == 0).argmax(axis=1)
    for row, at in zip(hit[:200], first[:200], strict=True):
        assert (row[at : at + 9] == 0).all()
        if at + 9 <= 36:
            assert row[at + 9] == pytest.approx(0.8) or row[at + 9] == 0  # another default on the day
    assert ((rent == 0) == (void > 0)).all()
    # the chance of being in a first void at month m: defaults of the last nine months, while all before were spared
    monthly = 1 - 0.97 ** (1 / 12)
    at = 24
    expected = sum((1 - monthly) ** (m - 1) * monthly for m in range(at - 8, at + 1))
    assert (rent[:, at] == 0).mean() == pytest.approx(expected, abs=0.004)


def test_a_tenancy_goes_on_from_where_it_stood():
    sure = Tenancy(0.0, 0.8, 9)
    rent, void = draw_tenancy(sure, "x", 1, (1, 6), (0.64, 3))
    assert rent[0].tolist() == [0, 0, 0, 0.64, 0.64, 0.64, 0.64]
    assert void[0].tolist() == [3, 2, 1, 0, 0, 0, 0]


def test_builds_are_late_at_their_odds():
    late = draw_late(Late(0.2, 3, 9), "delay.texas", 1, N)
    assert (late > 0).mean() == pytest.approx(0.2, abs=4 * math.sqrt(0.16 / N))
    found, count = np.unique(late[late > 0], return_counts=True)
    assert found.tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert count / count.sum() == pytest.approx(np.full(7, 1 / 7), abs=0.025)
