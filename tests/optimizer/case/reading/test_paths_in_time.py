from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.case.reading.case_files import Files
from optimizer.case.reading.diagnostics import CaseError, Mistakes
from optimizer.case.reading.paths_in_time import Path, read_path
from optimizer.case.reading.timeline import Timeline
from optimizer.case.reading.yaml_tree import load

YEARS = Timeline((2026, 1), 12, 3)
MONTHS = Timeline((2026, 1), 1, 24)


def path(text, unit, folder="."):
    tree = load(text, "case.yaml")
    found = Mistakes()
    out = read_path(tree["p"], unit, "p", Files(folder), found)
    if found:
        raise CaseError(found.found, {"case.yaml": text, **found.sources})
    return out


def heads(text, unit, folder="."):
    with pytest.raises(CaseError) as caught:
        path(text, unit, folder)
    return [mistake.headline() for mistake in caught.value.mistakes]


def test_a_quantity_is_the_same_at_all_times():
    found = path("p: 1000 EH/s", "PH/s")
    assert found.at_dates(YEARS).tolist() == [1e6] * 4 and found.over_periods(YEARS).tolist() == [1e6] * 3
    assert found.is_constant


def test_growth_compounds_from_the_start_or_from_a_date():
    found = path("p: {start: 100 USD/BTC, growth: 8 %/year}", "USD/BTC")
    np.testing.assert_allclose(found.at_dates(YEARS), [100, 108, 116.64, 125.9712])
    np.testing.assert_allclose(found.over_periods(YEARS), 100 * 1.08 ** np.array([0.5, 1.5, 2.5]))
    later = path("p: {start: 100 USD/BTC, growth: 8 %/year, from: 2027-01}", "USD/BTC")
    np.testing.assert_allclose(later.at_dates(YEARS), [100 / 1.08, 100, 108, 116.64])
    assert path("p: {start: 100 USD/BTC}", "USD/BTC").at_dates(YEARS).tolist() == [100] * 4
    np.testing.assert_allclose(path("p: {start: 4 MW, growth: -50 %/year}", "MW").at_dates(YEARS), [4, 2, 1, 0.5])


def test_knots_linear_log_and_step():
    knots = "{2026-07: 40 USD/PH/day, 2027-07: 10 USD/PH/day}"
    half = Timeline((2026, 1), 6, 4)
    linear = path(f"p: {{knots: {knots}}}", "USD/PH/day")
    np.testing.assert_allclose(linear.at_dates(half), [40, 40, 25, 10, 10])
    np.testing.assert_allclose(linear.over_periods(half), [40, 32.5, 17.5, 10])
    log = path(f"p: {{knots: {knots}, interpolate: log}}", "USD/PH/day")
    np.testing.assert_allclose(log.at_dates(half), [40, 40, 20, 10, 10])
    step = path(f"p: {{knots: {knots}, interpolate: step}}", "USD/PH/day")
    assert step.at_dates(half).tolist() == [40, 40, 40, 10, 10]
    assert step.over_periods(half).tolist() == [40, 40, 40, 10]


def test_knots_are_sorted_and_may_fall_within_a_month():
    found = path("p: {knots: {2026-02-15: 2 MW, 2026-01: 1 MW}}", "MW")
    assert found.knots == ((date(2026, 1, 1), 1.0), (date(2026, 2, 15), 2.0))
    np.testing.assert_allclose(found.at_dates(MONTHS)[:3], [1, 1 + 1 / 1.5, 2])


def test_times_and_scaled():
    found = path("p: {knots: {2026-01: 10 MW, 2027-01: 20 MW}, times: 80 %}", "MW")
    np.testing.assert_allclose(found.at_dates(YEARS), [8, 16, 16, 16])
    np.testing.assert_allclose(found.scaled(2).over_periods(YEARS), [24, 32, 32])


def test_a_csv_column_in_another_unit(tmp_path):
    (tmp_path / "net.csv").write_text("date,eh\n2026-01-01,1000\n2027-01-01,2000\n")
    found = path("p: {csv: net.csv, column: eh, unit: EH/s, interpolate: log, times: 0.5}", "PH/s", tmp_path)
    np.testing.assert_allclose(found.at_dates(YEARS), [5e5, 1e6, 1e6, 1e6])
    np.testing.assert_allclose(found.over_periods(YEARS)[0], 5e5 * 2**0.5)


@given(
    st.dictionaries(st.dates(date(2025, 1, 1), date(2030, 1, 1)), st.floats(0.01, 1e6), min_size=1, max_size=8),
    st.sampled_from(["linear", "log", "step"]),
)
def test_a_path_stays_between_its_knots(knots, interpolate):
    found = Path(knots=tuple(sorted(knots.items())), interpolate=interpolate)
    for values in (found.at_dates(MONTHS), found.over_periods(MONTHS)):
        assert (values >= min(knots.values()) * (1 - 1e-9)).all() and (values <= max(knots.values()) * (1 + 1e-9)).all()


@given(st.integers(0, 24), st.sampled_from(["linear", "log", "step"]), st.floats(1, 1e5))
def test_a_path_goes_through_its_knots(d, interpolate, value):
    knots = {date(2025, 1, 1): 3.0, MONTHS.dates[d]: value, date(2029, 1, 1): 7.0}
    found = Path(knots=tuple(sorted(knots.items())), interpolate=interpolate)
    assert np.isclose(found.at_dates(MONTHS)[d], value, rtol=1e-9)


@given(st.floats(-0.5, 1.0), st.floats(1, 1e6))
def test_growth_is_a_log_path_through_its_ends(growth, start):
    grown = Path(start, growth)
    ends = ((date(2026, 1, 1), start), (date(2029, 1, 1), start * (1 + growth) ** 3))
    np.testing.assert_allclose(grown.over_periods(YEARS), Path(knots=ends, interpolate="log").over_periods(YEARS), rtol=1e-9)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("p: 250", 'case.yaml:1:4: p: "250" has no unit: expected power such as "250 MW"'),
        ("p: [1]", "case.yaml:1:4: p: a list is not a path in time"),
        ("p:", "case.yaml:1:3: p: nothing is not a path in time"),
        ("p: {begin: 1 MW}", "case.yaml:1:4: p: a mapping is not a path in time"),
        ("p: {start: 1 MW, csv: x}", "case.yaml:1:4: p: start and csv exclude each other"),
        ("p: {start: 1 MW, growht: 8 %/year}", "case.yaml:1:18: p.growht: unknown key"),
        ("p: {start: 1 MW, growth: 8 %}", 'case.yaml:1:26: p.growth: "8 %" is a share: expected a rate by the year'),
        ("p: {start: 1 MW, growth: -100 %/year}", 'case.yaml:1:26: p.growth: "-100 %/year": expected more than -100 %'),
        ("p: {start: 1 MW, from: soon}", 'case.yaml:1:24: p.from: "soon" is not a date'),
        ("p: {knots: {}}", "case.yaml:1:12: p.knots: a mapping is not a map of dates to values"),
        ("p: {knots: {2026-13: 1 MW}}", 'case.yaml:1:13: p.knots.2026-13: "2026-13": there is no month 13'),
        ("p: {knots: {2026-01: 1 MW, 2026-01-01: 2 MW}}", "case.yaml:1:28: p.knots.2026-01-01: the day 2026-01-01 is given"),
        ("p: {knots: {2026-01: 1}}", 'case.yaml:1:22: p.knots.2026-01: "1" has no unit'),
        ("p: {knots: {2026-01: 1 MW}, interpolate: cubic}", 'case.yaml:1:42: p.interpolate: "cubic" is not a way to'),
        ("p: {knots: {2026-01: 0 MW}, interpolate: log}", "case.yaml:1:22: p.knots.2026-01: interpolation by log needs"),
        ("p: {start: 1 MW, times: x}", 'case.yaml:1:25: p.times: "x" does not begin with a number'),
        ("p: {csv: ../x.csv, column: a}", 'case.yaml:1:10: p.csv: "../x.csv" leads out with ..'),
        ("p: {csv: a.csv}", "case.yaml:1:4: p: column is missing"),
        ("p: {csv: a.csv, column: pwer}", 'case.yaml:1:25: p.column: "'),
        ("p: {csv: a.csv, column: power, unit: USD}", 'case.yaml:1:38: p.unit: "USD" is money: expected power'),
        ("p: {csv: a.csv, column: power, date_column: when}", 'case.yaml:1:45: p.date_column: "'),
    ],
)
def test_golden_refusals(text, head, tmp_path):
    (tmp_path / "a.csv").write_text("date,power\n2026-01,1\n")
    assert heads(text, "MW", tmp_path)[0].startswith(head)


@pytest.mark.parametrize(
    ("rows", "place", "message"),
    [
        ("2026-01,1\n2026-02,\n", "3:9", 'p: a number is missing in column "power" (1 blank)'),
        ("2026-01,1\n2026-02,many\n", "3:9", 'p: "many" is not a number, in column "power"'),
        ("2026-01,nan\n", "2:9", 'p: "nan" is not a finite number, in column "power"'),
        ("2026-01,1\n2026-01,2\n", "3:1", "p: the day 2026-01-01 is given twice"),
        ("2026-02,1\n2026-01,2\n", "3:1", "p: the day 2026-01-01 comes after 2026-02-01"),
        ("soon,1\n", "2:1", 'p: "soon" is not a date'),
    ],
)
def test_golden_refusals_in_a_csv(rows, place, message, tmp_path):
    (tmp_path / "a.csv").write_text("date,power\n" + rows)
    assert heads("p: {csv: a.csv, column: power}", "MW", tmp_path)[0].startswith(f"{tmp_path}/a.csv:{place}: {message}")
