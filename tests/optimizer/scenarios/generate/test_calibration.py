"""What data say, in few numbers; nothing after a day is in them; and how forecasts did."""

import re
from datetime import date

import numpy as np
import pytest

from optimizer.scenarios.generate.backtest import backtest, crps
from optimizer.scenarios.generate.calibration import BUNDLED, as_rows, bundled, calibrate, from_history, from_rows
from optimizer.scenarios.generate.estimates import DATA, PRIOR, STATED, estimates
from optimizer.scenarios.generate.fees import draw_bursts
from optimizer.scenarios.generate.history import Days, monthly
from optimizer.scenarios.generate.network import Beliefs
from optimizer.scenarios.generate.response import Prior, draw_response
from tests.shared.network_data import ROOT, days, made_days, needs_network

DESIGN = ROOT / "docs" / "design" / "scenarios.md"


def test_nothing_after_the_day_is_used():
    """Other prices, difficulties, fees after a day, or none at all: the same numbers to the last byte."""
    seen, until = made_days(80), date(2025, 3, 14)
    after = seen.day > np.datetime64(until)
    changed = Days(
        seen.day, np.where(after, seen.difficulty * 3, seen.difficulty), np.where(after, 1.0, seen.price), seen.subsidy,
        np.where(after, 0.9, seen.fee_share), seen.height,
    )  # fmt: skip
    one, other, cut = (as_rows(from_history(monthly(d, until), "x")) for d in (seen, changed, seen.until(until)))
    assert one == other == cut
    assert as_rows(from_history(monthly(seen), "x")) != one
    assert as_rows(from_history(monthly(seen, date(2025, 3, 15)), "x")) != one  # of which only the day itself is another
    assert as_rows(from_history(monthly(seen, date(2025, 3, 15)), "x"))[1:] == one[1:]


def test_months_are_whole():
    seen = made_days(60)
    history = monthly(seen, date(2024, 2, 28))
    assert history.month[-1] == 2024 * 12  # January: February has one more day
    assert monthly(seen, date(2024, 2, 29)).month[-1] == 2024 * 12 + 1
    at = int(np.flatnonzero(seen.day == np.datetime64("2024-01-31"))[0])
    assert history.price[-1] == np.log(seen.price[at])
    assert history.fee_share[-1] == pytest.approx(0.02)


def test_a_day_without_a_price_is_passed_over_and_a_month_without_one_is_told():
    seen = made_days(60)
    price = seen.price.copy()
    price[seen.day == np.datetime64("2023-05-31")] = np.nan
    history = monthly(Days(seen.day, seen.difficulty, price, seen.subsidy, seen.fee_share, seen.height))
    at = int(np.flatnonzero(seen.day == np.datetime64("2023-05-30"))[0])
    assert history.price[history.month == 2023 * 12 + 4] == np.log(price[at])
    price[seen.day.astype("datetime64[M]") == np.datetime64("2023-05")] = np.nan
    with pytest.raises(ValueError, match="2023-05"):
        monthly(Days(seen.day, seen.difficulty, price, seen.subsidy, seen.fee_share, seen.height))
    with pytest.raises(ValueError, match="no day"):
        monthly(seen, date(2019, 1, 1))


def test_the_table_holds_what_is_needed():
    """There and back."""
    data = bundled()
    assert as_rows(from_rows(as_rows(data), "x")) == as_rows(data)
    assert len(data.moves.size) == 120
    assert data.answers.months == 120


def test_no_price_can_be_had_back_from_the_table():
    """Sizes without signs: the table names the last price and no other."""
    rows = as_rows(bundled())
    assert sum("price" in name for name, _, _ in rows) == 1
    assert all(float(value) >= 0 for name, _, value in rows if name == "moves.size")


def test_every_estimate_has_an_interval_and_says_when_it_leans():
    table = {one.name: one for one in estimates(calibrate(bundled()), Beliefs())}
    assert len(table) == 13
    for one in table.values():
        assert one.low <= one.value <= one.high
        assert one.source in (DATA, PRIOR, STATED)
        assert one.leans or one.source == DATA
    response = table["response of hashrate to hashprice"]
    assert response.leans
    assert "the sign is wrong" in response.note
    assert 0.02 < response.low < response.value < response.high < 0.1


def test_estimates_are_what_paths_are_drawn_with():
    """Quantiles of 20,000 drawn sets of parameters."""
    known = calibrate(bundled())
    table = {one.name: one for one in estimates(known, Beliefs())}
    drawn = draw_response(known.posterior, 3, 20_000)
    usual = drawn.level + drawn.response * np.interp(drawn.fall, known.posterior.fall, known.posterior.centre)
    for name, values in (
        ("response of hashrate to hashprice", drawn.response), ("fall of the target hashprice", drawn.fall),
        ("noise of hashrate", drawn.noise), ("growth of hashrate at its usual hashprice", usual),
    ):  # fmt: skip
        one = table[name]
        wide = one.high - one.low
        for level, stated in ((0.05, one.low), (0.5, one.value), (0.95, one.high)):
            assert np.quantile(values, level) == pytest.approx(stated, abs=0.06 * wide), (name, level)
    fees = draw_bursts(Beliefs().fees, 3, 20_000)
    for name, values in (("fees in a quiet month", np.exp(fees.quiet)), ("chance of a burst of fees", fees.chance)):
        one = table[name]
        assert np.quantile(values, [0.05, 0.5, 0.95]) == pytest.approx([one.low, one.value, one.high], rel=0.06)


def test_a_prior_that_data_hold_up_is_not_leant_on():
    """Moments of ten times as many months, of which the last ones say the same."""
    data = bundled()
    from dataclasses import replace

    from optimizer.scenarios.generate.response import Answers

    many = Answers(data.answers.moments * 20, data.answers.month0)
    table = estimates(calibrate(replace(data, answers=many, recent=many)), Beliefs())
    assert not next(one for one in table if one.name.startswith("response")).leans


def test_crps_of_known_samples():
    assert crps(np.array([3.0]), 5.0) == 2.0
    assert crps(np.array([0.0, 1.0]), 0.5) == pytest.approx(0.5 - 0.25)
    # a standard normal at 0: 2 phi(0) - 1 / sqrt(pi) = 0.2337
    from scipy.special import ndtri

    assert crps(ndtri((np.arange(4000) + 0.5) / 4000), 0.0) == pytest.approx(0.23370, abs=2e-3)


@needs_network
def test_the_bundled_table_is_made_from_the_data():
    assert as_rows(from_history(monthly(days()), "x")) == as_rows(bundled())
    head = BUNDLED.read_text(encoding="utf-8").split("quantity,")[0]
    assert "BSD-2-Clause" in head
    assert "no licence" in " ".join(head.replace("#", " ").split())


@needs_network
def test_forecasts_of_hashprice_from_every_quarter_since_2017():
    scores = backtest(monthly(days()), 2016 * 12 + 11, paths=1000)
    assert [one.months for one in scores] == [12, 24, 36]
    assert [one.origins for one in scores] == [34, 30, 26]
    told = re.findall(
        r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \| (\d+) % \| (\d+) % \| (\d+) \|$", DESIGN.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(told) == 3
    for one, row in zip(scores, told, strict=True):  # what the notes say
        assert (one.months, one.origins) == (int(row[0]), int(row[5]))
        assert [one.crps, one.blind, one.better, one.covered] == pytest.approx(
            [float(row[1]), float(row[2]), int(row[3]) / 100, int(row[4]) / 100], abs=0.006
        )
    for one, most, better in zip(scores, (0.46, 0.52, 0.56), (0.25, 0.45, 0.60), strict=True):
        assert one.crps <= most
        assert one.covered >= 0.85
        assert one.better >= better


def test_a_forecast_sees_nothing_of_what_came():
    """Other months after the last origin that is scored change what came, and no forecast."""
    history = monthly(made_days(72))
    first = int(history.month[-1]) - 12
    one = backtest(history, first, horizons=(12,), every=100, paths=50, prior=Prior())
    history.hashprice[-1] += 50.0  # far above: what came, and nothing else
    other = backtest(history, first, horizons=(12,), every=100, paths=50, prior=Prior())
    assert other[0].origins == one[0].origins == 1
    # all draws lie below: CRPS moves one for one
    history.hashprice[-1] += 1.0
    third = backtest(history, first, horizons=(12,), every=100, paths=50, prior=Prior())
    assert third[0].crps - other[0].crps == pytest.approx(1.0, abs=1e-9)
