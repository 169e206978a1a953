import calendar
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.case.reading.timeline import DateError, Timeline, month_number, parse_date

LINES = st.builds(
    Timeline,
    st.tuples(st.integers(1990, 2100), st.integers(1, 12)),
    st.sampled_from([1, 2, 3, 4, 6, 12]),
    st.integers(1, 60),
)


def test_quarters_over_a_leap_year():
    line = Timeline((2027, 7), 3, 4)
    assert line.dates == [date(2027, 7, 1), date(2027, 10, 1), date(2028, 1, 1), date(2028, 4, 1), date(2028, 7, 1)]
    assert line.hours.tolist() == [92 * 24, 92 * 24, 91 * 24, 91 * 24]
    assert line.months.tolist() == [3.0] * 4
    assert line.year_of_period.tolist() == [2027, 2027, 2028, 2028]
    assert line.tax_years() == {2027: (0, 1), 2028: (2, 3)}
    assert line.years_at_dates.tolist() == [0, 0.25, 0.5, 0.75, 1.0]
    assert line.years_at_midpoints.tolist() == [0.125, 0.375, 0.625, 0.875]
    assert line.midpoints[0] == date(2027, 8, 16)
    assert [line.label(t) for t in range(4)] == ["2027-Q3", "2027-Q4", "2028-Q1", "2028-Q2"]


def test_a_period_belongs_to_the_year_in_which_it_ends():
    line = Timeline((2026, 10), 6, 2)  # October to March, April to September
    assert line.year_of_period.tolist() == [2027, 2027]
    assert Timeline((2026, 1), 12, 2).tax_years() == {2026: (0,), 2027: (1,)}
    assert Timeline((2026, 12), 1, 2).tax_years() == {2026: (0,), 2027: (1,)}


def test_dates_inside_a_period_round_up():
    line = Timeline((2026, 1), 3, 4)
    assert line.index(date(2026, 1, 1)) == 0
    assert line.index(date(2026, 1, 2)) == 1
    assert line.index(date(2026, 2, 1)) == 1
    assert line.index(date(2026, 2, 1), "down") == 0
    assert line.index(date(2026, 4, 1)) == line.index(date(2026, 4, 1), "down") == 1
    assert line.index(date(2027, 1, 1)) == 4
    assert line.position(date(2025, 12, 31)) == 0 and line.position(date(2025, 12, 31), "down") == -1
    assert line.position(date(2028, 1, 1)) == 8
    assert line.period_of(date(2026, 12, 31)) == 3
    with pytest.raises(DateError, match="2025-12-31 is outside the horizon, 2026-01 to 2027-01"):
        line.index(date(2025, 12, 31))
    with pytest.raises(DateError):
        line.period_of(date(2027, 1, 1))


@given(LINES)
def test_periods_tile_the_horizon(line):
    assert len(line.dates) == line.periods + 1 and all(day.day == 1 for day in line.dates)
    total = (line.dates[-1] - line.dates[0]).days * 24
    assert line.hours.sum() == total
    assert sum(len(periods) for periods in line.tax_years().values()) == line.periods
    assert [line.index(day) for day in line.dates] == list(range(line.periods + 1))
    assert Timeline.between(line.dates[0], line.dates[-1], line.period_months) == line
    for t, middle in enumerate(line.midpoints):
        assert line.dates[t] <= middle < line.dates[t + 1]


@given(LINES, st.data())
def test_up_and_down_enclose_the_day(line, data):
    day = data.draw(st.dates(line.dates[0], line.dates[-1]))
    up, down = line.index(day), line.index(day, "down")
    assert line.dates[down] <= day <= line.dates[up] and up - down == (day not in line.dates)


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Timeline((2026, 1), 1, 2).hours[0] = 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((2026, 13), 1, 1), "2026-13 is not a month"),
        (((1900, 1), 1, 1), "is not a month between"),
        (((2026, 1), 5, 1), "a period of 5 months: expected 1, 2, 3, 4, 6 or 12"),
        (((2026, 1), 1, 0), "0 periods: expected 1 to 1200"),
        (((2026, 1), 12, 1000), "the horizon ends in 3026"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(DateError, match=message):
        Timeline(*arguments)


def test_a_horizon_is_a_whole_number_of_periods():
    with pytest.raises(DateError, match="7 months are not a whole number of periods of 3 months"):
        Timeline.between(date(2026, 1, 1), date(2026, 8, 1), 3)
    with pytest.raises(DateError, match="before it begins"):
        Timeline.between(date(2026, 1, 1), date(2026, 1, 1), 3)
    with pytest.raises(DateError, match="first of a month"):
        Timeline.between(date(2026, 1, 2), date(2027, 1, 1), 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-1", "is not a date: expected a month or a day, such as 2026-01"),
        ("01/02/2026", "is not a date"),
        ("2026", "is not a date"),
        ("2026-13", "there is no month 13"),
        ("2026-02-29", "2026-02 has 28 days"),
        ("2028-02-30", "2028-02 has 29 days"),
        ("9999-01", "the year is outside 1970-2200"),
        ("२०२६-01", "is not a date"),
        ("2026-01-15T00:00", "is not a date"),
    ],
)
def test_dates_that_are_none(text, message):
    with pytest.raises(DateError, match=message):
        parse_date(text)


@given(st.dates(date(1970, 1, 1), date(2200, 12, 31)))
def test_dates_read_back(day):
    assert parse_date(day.isoformat()) == day
    assert parse_date(f"{day:%Y-%m}") == day.replace(day=1)
    number = month_number(day)
    assert int(number) == day.year * 12 + day.month - 1
    share = (day.day - 1) / calendar.monthrange(day.year, day.month)[1]
    assert np.isclose(number - int(number), share, atol=1e-9)
