import hashlib
import math
import os
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.case.reading import bundled_shapes
from optimizer.case.reading.bundled_shapes import draw, load_shape, shape_names
from optimizer.case.reading.case_files import FileRefused, Files, resolve_inside
from optimizer.case.reading.diagnostics import CaseError, Mistakes
from optimizer.case.reading.hourly_data import read_hourly
from optimizer.case.reading.hourly_year import HourlyYear
from optimizer.case.reading.timeline import Timeline
from optimizer.case.reading.yaml_tree import load
from tests.shared.places import ROOT

DATA = Path(os.environ.get("WATTFOLIO_DATA", ROOT / ".." / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA} (set WATTFOLIO_DATA)")


def year(text, folder, unit="USD/MWh", files=None):
    found = Mistakes()
    out = read_hourly(load(text, "case.yaml")["p"], unit, "p", files or Files(folder), found)
    if found:
        raise CaseError(found.found, {"case.yaml": text, **found.sources})
    return out


def refusal(text, folder, unit="USD/MWh"):
    with pytest.raises(CaseError) as caught:
        year(text, folder, unit)
    return str(caught.value)


def stamps(calendar_year, count=None):
    """Naive hours of a year."""
    first = datetime(calendar_year, 1, 1)
    count = count or (datetime(calendar_year + 1, 1, 1) - first).days * 24
    return [first + timedelta(hours=h) for h in range(count)]


def write(path, times, values=None):
    values = range(len(times)) if values is None else values
    lines = [f"{t},{v}" for t, v in zip(times, values, strict=True)]
    path.write_text("datetime_local,price\n" + "\n".join(lines) + "\n")


CSV = "p: {csv: a.csv, column: price}"
ZONED = "p: {csv: a.csv, column: price, timezone: America/New_York}"


# --- the calendar -----------------------------------------------------------------------------------------------------


def test_a_common_year_repeats_28_february_in_leap_years(tmp_path):
    write(tmp_path / "a.csv", stamps(2023))
    found = year(CSV, tmp_path)
    assert found.values.tolist() == list(range(8760)) and found.leap_day is None
    leap = found.for_year(2028)
    assert leap.shape == (8784,)
    assert leap[59 * 24 : 60 * 24].tolist() == leap[58 * 24 : 59 * 24].tolist()
    assert leap[60 * 24] == 59 * 24
    assert found.for_year(2100).shape == (8760,) and found.for_year(2000).shape == (8784,)


def test_a_leap_year_drops_its_29_february_in_common_years(tmp_path):
    write(tmp_path / "a.csv", stamps(2024))
    found = year(CSV, tmp_path)
    assert found.leap_day.tolist() == list(range(59 * 24, 60 * 24))
    assert found.for_year(2028).tolist() == list(range(8784))
    common = found.for_year(2027)
    assert common[59 * 24 - 1] == 59 * 24 - 1 and common[59 * 24] == 60 * 24


@given(
    st.tuples(st.integers(2023, 2033), st.integers(1, 12)),
    st.sampled_from([1, 2, 3, 4, 6, 12]),
    st.integers(1, 30),
)
def test_periods_cover_every_hour_once(start, months, periods):
    """Each hour carries its own month, day and hour, so a slip of the calendar shows."""
    source = HourlyYear(np.array([t.month * 1e4 + t.day * 100 + t.hour for t in stamps(2023)]), 22900.0 + np.arange(24.0))
    line = Timeline(start, months, periods)
    parts = [source.for_period(line, t) for t in range(periods)]
    assert [part.size for part in parts] == line.hours.tolist()
    joined = np.concatenate(parts)
    first = datetime(start[0], start[1], 1)
    for h in {0, joined.size // 3, joined.size // 2, joined.size - 1}:
        moment = first + timedelta(hours=h)
        assert joined[h] == moment.month * 1e4 + moment.day * 100 + moment.hour


def test_flat_and_transformed():
    found = year("p: 50 USD/MWh", ".")
    assert found.mean == 50 and found.for_period(Timeline((2028, 2), 1, 1), 0).tolist() == [50.0] * 696
    moved = HourlyYear(np.arange(8760.0), np.arange(24.0)).transformed(2, 1)
    assert moved.values[3] == 7 and moved.leap_day[3] == 7


# --- daylight saving time ---------------------------------------------------------------------------------------------


def new_york(calendar_year):
    """The hours of a local calendar year in UTC order, as aware times."""
    zone = ZoneInfo("America/New_York")
    moment, end = (datetime(y, 1, 1, tzinfo=zone).astimezone(ZoneInfo("UTC")) for y in (calendar_year, calendar_year + 1))
    out = []
    while moment < end:
        out.append(moment.astimezone(zone))
        moment += timedelta(hours=1)
    return out


@pytest.mark.parametrize("form", ["offset", "offset and zone", "naive and zone", "utc and zone"])
def test_every_way_to_write_local_time_gives_the_same_standard_hours(tmp_path, form):
    times = new_york(2023)
    assert len(times) == 8760
    written = {
        "offset": times,
        "offset and zone": times,
        "naive and zone": [t.replace(tzinfo=None, fold=0) for t in times],
        "utc and zone": [t.astimezone(ZoneInfo("UTC")) for t in times],
    }[form]
    write(tmp_path / "a.csv", written)
    found = year(CSV if form == "offset" else ZONED, tmp_path)
    # Standard time is UTC - 5 all year: hour h of the year is simply the h-th row.
    assert found.values.tolist() == list(range(8760)) and found.notes == ()


def test_an_autumn_hour_that_was_lost_is_the_mean_of_its_neighbours(tmp_path):
    times = [t.replace(tzinfo=None, fold=0) for t in new_york(2023)]
    twice = next(h for h in range(1, len(times)) if times[h] <= times[h - 1])
    assert times[twice] == datetime(2023, 11, 5, 1)
    values = [float(v) for v in range(8760)]
    del times[twice], values[twice]
    write(tmp_path / "a.csv", times, values)
    found = year(ZONED, tmp_path)
    assert found.values[twice] == twice and found.values.tolist() == list(range(8760))
    assert found.notes == ("2023-11-05 01:00 (standard time) was lost when clocks went back: mean of its neighbours",)


def test_a_standard_clock_must_not_name_a_zone_with_dst(tmp_path):
    write(tmp_path / "a.csv", stamps(2023))
    assert refusal(ZONED, tmp_path) == (
        f"{tmp_path}/a.csv:1684:1: p: 2023-03-12 02:00 does not exist in America/New_York: clocks go forward\n"
        "    2023-03-12 02:00:00,1682\n"
        "    ^\n"
        "    hint: if the column is on the standard clock all year, leave `timezone` out"
    )


def test_a_year_whole_in_utc_or_in_a_southern_summer_is_moved_round(tmp_path):
    utc = [f"{t}+00:00" for t in stamps(2023)]
    write(tmp_path / "a.csv", utc)
    found = year(ZONED, tmp_path)  # begins at 2022-12-31 19:00 standard time
    assert found.values[0] == 5 and found.values[-1] == 4
    assert found.notes == ("5 hours before the year 2023 (standard time) moved to its end",)
    zone = ZoneInfo("Australia/Sydney")
    start = datetime(2023, 1, 1, tzinfo=zone).astimezone(ZoneInfo("UTC"))
    write(tmp_path / "b.csv", [(start + timedelta(hours=h)).astimezone(zone) for h in range(8760)])
    found = year("p: {csv: b.csv, column: price}", tmp_path)
    assert found.values[0] == 1 and found.values[-1] == 0


# --- refusals ---------------------------------------------------------------------------------------------------------


def without(times, *gone):
    return [t for h, t in enumerate(times) if h not in gone]


NAIVE = stamps(2023)


@pytest.mark.parametrize(
    ("times", "place", "message"),
    [
        (without(NAIVE, 100), "102:1", "hour 2023-01-05 04:00 is missing before this row (the only gap)"),
        (
            without(NAIVE, 100, 101, 5000),
            "102:1",
            "hour 2023-01-05 04:00 is missing before this row (3 hours are missing in all)",
        ),
        (NAIVE[:5] + NAIVE[4:], "7:1", "hour 2023-01-01 04:00:00 is given twice"),
        (
            [*NAIVE[:5], NAIVE[6], NAIVE[5], *NAIVE[7:]],
            "7:1",
            "hour 2023-01-01 05:00 is missing before this row",
        ),
        (NAIVE[::-1], "3:1", "hour 2023-12-31 22:00:00 comes after a later hour: sort the rows by time"),
        (
            NAIVE[:-1],
            "8760:1",
            "8759 hours, 2023-01-01 00:00 to 2023-12-31 22:00: expected one full calendar year, 8760 hours in 2023",
        ),
        (NAIVE[:24], "25:1", "24 hours, 2023-01-01 00:00 to 2023-01-01 23:00: expected one full calendar year"),
        (stamps(2023, 8785), "8762:1", "8785 hours, 2023-01-01 00:00 to 2024-01-02 00:00: expected one full calendar"),
        (stamps(2024, 8760), "8761:1", "8760 hours, 2024-01-01 00:00 to 2024-12-30 23:00: expected one full"),
        (
            [t + timedelta(days=31) for t in NAIVE],
            "2:1",
            "the year begins at 2023-02-01 00:00: expected a calendar year, from 2023-01-01 00:00",
        ),
        ([t + timedelta(minutes=30) for t in NAIVE], "2:1", '"2023-01-01 00:30:00" is not on the hour'),
        ([*NAIVE[:9], "10 Jan", *NAIVE[10:]], "11:1", '"10 Jan" is not a time such as 2024-01-31 23:00'),
        ([*NAIVE[:9], "", *NAIVE[10:]], "11:1", '"" is not a time such as'),
        ([*NAIVE[:9], f"{NAIVE[9]}-05:00", *NAIVE[10:]], "11:1", "some times have a UTC offset and some have none"),
    ],
)
def test_golden_refusals_of_times(tmp_path, times, place, message):
    write(tmp_path / "a.csv", times)
    assert refusal(CSV, tmp_path).startswith(f"{tmp_path}/a.csv:{place}: p: {message}")


def test_golden_refusals_of_numbers_come_all_at_once(tmp_path):
    values = [str(h) for h in range(8760)]
    values[3], values[7], values[8], values[20], values[30] = "", "n/a", "inf", "", "1e19"
    write(tmp_path / "a.csv", NAIVE, values)
    file = f"{tmp_path}/a.csv"
    heads = [line for line in refusal(CSV, tmp_path).splitlines() if line.startswith(file)]
    assert heads == [
        f'{file}:5:21: p: a number is missing in column "price" (2 blanks, the last in line 22)',
        f'{file}:9:21: p: "n/a" is not a number, in column "price"',
        f'{file}:10:21: p: "inf" is not a finite number, in column "price"',
        f'{file}:32:21: p: "1e19" is beyond 1e+18, in column "price"',
    ]


def test_places_in_quoted_cells_and_short_rows(tmp_path):
    rows = [f'"{t:%Y-%m-%d %H:%M}","a, b",1' for t in NAIVE]
    rows[5] = rows[5][:-1] + "x"
    rows[6] = '"2023-01-01 06:00"'
    (tmp_path / "a.csv").write_text("# by hand\ndatetime_local,note,price\n" + "\n".join(rows) + "\n")
    text = refusal(CSV, tmp_path)
    assert 'a.csv:8:27: p: "x" is not a number' in text
    assert "a.csv:9:19: p: a number is missing" in text


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"", "1:1", "the file is empty"),
        (b"datetime_local,price\n", "1:1", "there is a header, but no row"),
        (b"t,price,price\n1,2,3\n", "1:9", 'two columns are named "price"'),
        (b"t,price\n1,\xff\n", "2:3", "byte 0xff is not UTF-8"),
        (b"t,price\n1,\0\n", "2:3", "NUL is not allowed in a CSV file"),
        (b't,price\n"1,2\n', "2:1", "not valid CSV: unexpected end of data"),
    ],
)
def test_files_that_are_no_tables(tmp_path, content, place, message):
    (tmp_path / "a.csv").write_bytes(content)
    assert refusal(CSV, tmp_path).startswith(f"{tmp_path}/a.csv:{place}: p.csv: {message}")


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("p: 50", 'case.yaml:1:4: p: "50" has no unit: expected a price of energy such as "50 USD/MWh"'),
        ("p: []", "case.yaml:1:4: p: a list is not hourly data: expected a quantity, a csv or a shape"),
        ("p: {csv: a.csv, shape: flat}", "case.yaml:1:4: p: a mapping is not hourly data"),
        ("p: {csv: b.csv, column: price}", 'case.yaml:1:10: p.csv: there is no file "b.csv": did you mean "a.csv"?'),
        ("p: {csv: [a.csv], column: price}", "case.yaml:1:10: p.csv: a list is not the name of a CSV file"),
        ("p: {csv: a.csv}", "case.yaml:1:4: p: column is missing"),
        ("p: {csv: a.csv, colum: price}", "case.yaml:1:4: p: column is missing"),
        ("p: {csv: a.csv, column: prize}", "case.yaml:1:25: p.column: "),
        ("p: {csv: a.csv, column: price, time_column: when}", "case.yaml:1:45: p.time_column: "),
        ("p: {csv: a.csv, column: price, unit: MWh}", 'case.yaml:1:38: p.unit: "MWh" is energy: expected a price of energy'),
        ("p: {csv: a.csv, column: price, timezone: New York}", 'case.yaml:1:42: p.timezone: "New York" is not a time zone'),
        ("p: {csv: a.csv, column: price, timezone: ../../etc/passwd}", "case.yaml:1:42: p.timezone: "),
        ("p: {shape: nyiso}", 'case.yaml:1:12: p.shape: "nyiso" is not a bundled shape'),
        ("p: {shape: ../README}", 'case.yaml:1:12: p.shape: "../README" is not a bundled shape'),
        ("p: {shape: human-activity}", "case.yaml:1:12: p.shape: the shape human-activity is in 1: expected USD/MWh"),
        ("p: {shape: france-2024}", "case.yaml:1:12: p.shape: the shape france-2024 is in EUR/MWh"),
        ("p: {shape: caiso-2024, seed: -1}", 'case.yaml:1:30: p.seed: "-1" is not a seed'),
        ("p: {shape: caiso-2024, mean: -5 USD/MWh}", "case.yaml:1:30: p.mean: the source's mean is 40."),
        ("p: {shape: caiso-2024, tims: 2}", "case.yaml:1:24: p.tims: unknown key"),
        ("p: {shape: caiso-2024, plus: 2}", 'case.yaml:1:30: p.plus: "2" has no unit'),
    ],
)
def test_golden_refusals_in_the_case(tmp_path, text, head):
    write(tmp_path / "a.csv", NAIVE)
    assert refusal(text, tmp_path).startswith(head)


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_lie_in_or_below_the_folder(tmp_path):
    case = tmp_path / "case"
    (case / "sub").mkdir(parents=True)
    (case / "sub" / "in.csv").write_text("a\n1\n")
    (tmp_path / "out.csv").write_text("a\n1\n")
    (case / "out.csv").symlink_to(tmp_path / "out.csv")
    (case / "away").symlink_to(tmp_path)
    (case / "fine.csv").symlink_to(case / "sub" / "in.csv")
    (case / "loop").symlink_to(case / "loop")
    os.mkfifo(case / "pipe")
    with open(case / "big.csv", "wb") as stream:
        stream.truncate(64_000_001)  # sparse
    assert resolve_inside(case, "sub/in.csv") == (case / "sub" / "in.csv").resolve()
    assert resolve_inside(case, "./fine.csv") == (case / "sub" / "in.csv").resolve()
    for name, message in {
        str(case / "sub" / "in.csv"): "is an absolute path",
        "C:\\x.csv": "is an absolute path",
        "C:x.csv": "is an absolute path",
        "\\\\host\\x": "is an absolute path",
        "sub\\in.csv": "has a backslash",
        "../out.csv": "leads out with ..",
        "sub/../sub/in.csv": "leads out with ..",
        "out.csv": "is a link that leads out",
        "away/out.csv": "is a link that leads out",
        "sub": "is a folder, not a file",
        "pipe": "is not a regular file",
        "big.csv": "is larger than 64 MB",
        "none.csv": "there is no file",
        "sub/in.csv/x": "there is no file",
        "": "is not a file name",
        "a\0b": "is not a file name",
        "a\nb": "is not a file name",
        "x" * 5000: "cannot be read: file name too long",
        "loop": "cannot be",
    }.items():
        with pytest.raises(FileRefused, match=re.escape(message)):
            resolve_inside(case, name)


def test_every_file_read_leaves_its_digest(tmp_path):
    write(tmp_path / "a.csv", NAIVE)
    files = Files(tmp_path)
    year(CSV, tmp_path, files=files)
    year("p: {shape: flat}", tmp_path, "1", files)
    assert files.digests == {
        "a.csv": hashlib.sha256((tmp_path / "a.csv").read_bytes()).hexdigest(),
        "shape:flat": hashlib.sha256((bundled_shapes.SHAPES / "flat.csv").read_bytes()).hexdigest(),
    }


def test_units_times_plus_and_mean(tmp_path):
    write(tmp_path / "a.csv", NAIVE, [0.01 * (1 + h % 2) for h in range(8760)])
    found = year("p: {csv: a.csv, column: price, unit: USD/kWh, times: 2, plus: 5 USD/MWh}", tmp_path)
    np.testing.assert_allclose(found.values[:2], [25, 45])
    scaled = year("p: {csv: a.csv, column: price, unit: USD/kWh, mean: 30 USD/MWh, plus: 1 USD/MWh}", tmp_path)
    assert math.isclose(scaled.mean, 31, rel_tol=1e-12)
    np.testing.assert_allclose(scaled.values[:2], [21, 41])


def test_a_year_loads_in_little_time(tmp_path):
    write(tmp_path / "a.csv", [f"{t}-05:00" for t in NAIVE])
    best = math.inf
    for _ in range(5):
        begin = time.perf_counter()
        year(CSV, tmp_path)
        best = min(best, time.perf_counter() - begin)
    assert best < 0.2  # 0.02-0.03 s on a quiet machine


# --- shapes -----------------------------------------------------------------------------------------------------------

PRICES = {
    "ercot-hub-2023": "ercot_hb_hubavg_dam_2023",
    "ercot-hub-2024": "ercot_hb_hubavg_dam_2024",
    "nyiso-capital-2024": "nyiso_capitl_da_2024",
    "caiso-2024": "caiso_da_2024",
    "france-2024": "entsoe_fr_da_2024",
}


def test_the_bundle():
    assert set(shape_names()) == {*PRICES, "human-activity", "run-of-river", "flat"}
    for name in shape_names():
        shape = load_shape(name)
        assert (bundled_shapes.SHAPES / f"{name}.csv").stat().st_size < 60_000
        assert shape.notes["name"] == name
        assert all(shape.notes[key] for key in ("source", "licence", "derived", "about", "clock"))
        assert 0 <= shape.day_share < 1 and 0 <= shape.persistence < 1


@pytest.mark.parametrize("name", sorted(PRICES))
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_mean_of_a_drawn_year_is_near_its_source(name, seed):
    source = float(load_shape(name).notes["mean of the source"])
    assert abs(draw(load_shape(name), seed).mean / source - 1) < 0.03


@pytest.mark.parametrize("name", sorted({*PRICES, "human-activity", "run-of-river"}))
def test_a_seed_is_a_year(name):
    shape = load_shape(name)
    one, again, other = draw(shape, 7), draw(shape, 7), draw(shape, 8)
    assert one.values.tolist() == again.values.tolist() and (one.values != other.values).mean() > 0.3
    days = one.values.reshape(365, 24)
    for month, span, hour in ((0, slice(0, 31), 3), (7, slice(212, 243), 18)):
        lowest, highest = shape.quantiles[month, :, hour, 0].min(), shape.quantiles[month, :, hour, -1].max()
        assert lowest <= days[span, hour].min() <= days[span, hour].max() <= highest


def test_a_drawn_year_is_the_same_on_every_machine():
    drawn = draw(load_shape("ercot-hub-2024"), 7).values[[0, 1, 4000, 8759]]
    expected = [27.207442005964168, 13.05785853062823, 21.902052709519726, 20.539313306916686]
    np.testing.assert_allclose(drawn, expected, rtol=1e-12)


def test_hours_of_a_day_move_together_and_days_persist():
    shape = load_shape("nyiso-capital-2024")
    days = draw(shape, 3).values.reshape(365, 24)
    january = days[:31]
    together = np.corrcoef(january[:, 3], january[:, 15])[0, 1]
    assert together > 0.4
    months = np.split(days.mean(axis=1), np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30]))
    level = np.concatenate([month - month.mean() for month in months])  # without the seasons
    assert np.corrcoef(level[:-1], level[1:])[0, 1] > 0.3


@settings(max_examples=20)
@given(st.sampled_from(sorted(PRICES)), st.integers(0, 10**9), st.floats(1, 500))
def test_mean_rescales_exactly(name, seed, mean):
    found = year(f"p: {{shape: {name}, seed: {seed}, mean: {mean!r} USD/MWh}}", ".")
    assert math.isclose(found.mean, mean, rel_tol=1e-12)


def test_euros_become_dollars_by_times():
    euros = draw(load_shape("france-2024"), 0)
    dollars = year("p: {shape: france-2024, times: 1.08}", ".")
    np.testing.assert_allclose(dollars.values, euros.values * 1.08)


def test_human_activity_peaks_in_the_afternoon_and_rests_at_the_weekend():
    shape = load_shape("human-activity")
    found = year("p: {shape: human-activity, seed: 1}", ".", "1")
    assert found.values.min() >= 0 and found.values.max() <= 1
    days = found.values.reshape(365, 24)
    by_hour = days.mean(axis=0)
    assert set(np.argsort(by_hour)[-3:]) <= set(range(15, 21))
    assert by_hour[2:7].max() < 0.2 * by_hour.max()
    weekend = np.array([(datetime(2026, 1, 1) + timedelta(days=d)).weekday() >= 5 for d in range(365)])
    assert days[weekend].mean() < 0.5 * days[~weekend].mean()
    # A fifth of the source's days are quiet, two sevenths of the year's: compare by kind of day.
    middle = np.trapezoid(shape.quantiles[0], shape.levels, axis=-1).mean(axis=1)
    assert abs(days[~weekend].mean() / middle[0] - 1) < 0.03 and abs(days[weekend].mean() / middle[1] - 1) < 0.1


def test_a_river_has_seasons_and_long_droughts():
    days = year("p: {shape: run-of-river, seed: 2}", ".", "1").values.reshape(365, 24)
    assert days.min() > 0.3 and days.max() == 1.0
    level = days.mean(axis=1)
    assert level[151:181].mean() > 0.93 and level[31:59].mean() < 0.6  # June, February
    winter = level[:59] - level[:59].mean()
    assert np.corrcoef(winter[:-1], winter[1:])[0, 1] > 0.5
    assert days.std(axis=1).mean() < 0.05  # a day's hours are much alike


def test_flat_is_one():
    assert year("p: {shape: flat, times: 0.9}", ".", "1").values.tolist() == [0.9] * 8760


# --- real data --------------------------------------------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize("name", sorted(PRICES))
def test_real_years_load_and_match_their_shape(name):
    column = "price_eur_per_mwh" if name == "france-2024" else "price_usd_per_mwh"
    euros = ", times: 1" if name == "france-2024" else ""  # its shape is in euros too
    found = year(f"p: {{csv: power/{PRICES[name]}.csv, column: {column}{euros}}}", DATA)
    assert found.notes == () and (found.leap_day is None) == name.endswith("2023")
    every = found.for_year(2024 if name.endswith("2024") else 2023)
    assert math.isclose(every.mean(), float(load_shape(name).notes["mean of the source"]), rel_tol=2e-3)
    drawn = draw(load_shape(name), 5)
    assert abs(drawn.mean / found.mean - 1) < 0.03
    by_hour = found.values.reshape(365, 24).mean(axis=0), drawn.values.reshape(365, 24).mean(axis=0)
    assert np.corrcoef(*by_hour)[0, 1] > 0.98


@needs_data
def test_the_shapes_are_derived_as_their_readme_says(tmp_path):
    code = re.search(r"```python\n(.*?)```", (bundled_shapes.SHAPES / "README.md").read_text(), re.DOTALL)
    assert code
    names: dict = {}
    exec(code[1], names)
    names["derive"](DATA, tmp_path)
    for name in shape_names():
        assert (tmp_path / f"{name}.csv").read_text() == (bundled_shapes.SHAPES / f"{name}.csv").read_text(), name


@needs_data
def test_the_blank_day_of_pjm_is_told_in_one_mistake():
    assert refusal("p: {csv: power/pjm_mida_da_2024.csv, column: price_usd_per_mwh}", DATA) == (
        f"{DATA}/power/pjm_mida_da_2024.csv:8762:26: p: "
        'a number is missing in column "price_usd_per_mwh" (24 blanks, the last in line 8785)\n'
        "    2024-12-31 00:00:00-0500,\n"
        "                             ^"
    )


@needs_data
def test_a_naive_real_year_is_read_with_and_without_its_zone():
    text = "p: {csv: power/ercot_dam_2015_neuralprophet.csv, column: price_usd_per_mwh"
    assert year(text + "}", DATA).values.shape == (8760,)
    assert "does not exist in America/Chicago" in refusal(text + ", timezone: America/Chicago}", DATA)
