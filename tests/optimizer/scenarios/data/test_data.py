"""Files of markets: the same hours in any layout are the same data, and what is wrong in them is told with its line."""

from __future__ import annotations

import csv
import io
import os
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from optimizer.case.case import Case
from optimizer.cli.app import cli
from optimizer.scenarios.data.layouts import ZONES, Asked
from optimizer.scenarios.data.network_days import read_network, subsidy
from optimizer.scenarios.data.price_hours import PriceHours, read_prices
from optimizer.scenarios.data.source_table import BadSource
from tests.shared.places import ROOT

DATA = Path(os.environ.get("WATTFOLIO_DATA", ROOT / ".." / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA} (set WATTFOLIO_DATA)")
CHICAGO = zoneinfo.ZoneInfo("America/Chicago")
Rows = list[list[str]]
DAY = "2024-01-01T00:00Z"


def hours(year: int = 2024) -> list[tuple[datetime, float]]:
    """(UTC, price) of a year of Chicago, 23- and 25-hour days in it."""
    begin = datetime(year, 1, 1, tzinfo=CHICAGO).astimezone(UTC)
    count = round((datetime(year + 1, 1, 1, tzinfo=CHICAGO).astimezone(UTC) - begin).total_seconds() / 3600)
    usd = np.round(np.random.default_rng(year).normal(30.0, 25.0, count), 2)
    return [(begin + timedelta(hours=k), float(usd[k])) for k in range(count)]


def written(path: Path, header: list[str], rows: Rows, separator: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(out.getvalue())
    return str(path)


def local(moment: datetime) -> datetime:
    return moment.astimezone(CHICAGO)


def second(moment: datetime) -> bool:
    """Whether it is the second hour of its name."""
    return local(moment).fold == 1


def ercot_days(path: Path) -> str:
    rows = [
        [f"{local(at):%m/%d/%Y}", f"{local(at).hour + 1:02d}:00", "HB_NORTH", f"{usd:.2f}", "Y" if second(at) else "N"]
        for at, usd in hours()
    ]
    return written(
        path, ["Delivery Date", "Hour Ending", "Settlement Point", "Settlement Point Price", "Repeated Hour Flag"], rows
    )


def ercot_quarters(path: Path) -> str:
    rows = [
        [
            f"{local(at):%m/%d/%Y}",
            str(local(at).hour + 1),
            str(part + 1),
            "Y" if second(at) else "N",
            "HB_NORTH",
            "HU",
            f"{usd + delta:.2f}",
        ]
        for at, usd in hours()
        for part, delta in enumerate((-3.0, 1.0, 0.0, 2.0))
    ]
    header = [
        "Delivery Date",
        "Delivery Hour",
        "Delivery Interval",
        "Repeated Hour Flag",
        "Settlement Point Name",
        "Settlement Point Type",
    ]
    return written(path, [*header, "Settlement Point Price"], rows)


def caiso(path: Path) -> str:
    rows = [
        [f"{at:%Y-%m-%dT%H:%M:%S}-00:00", "TH_NP15", kind, f"{usd + more:.2f}"]
        for at, usd in hours()
        for kind, more in (("LMP", 0.0), ("MCC", 9.0))
    ]
    return written(path, ["INTERVALSTARTTIME_GMT", "NODE", "LMP_TYPE", "MW"], rows)


def nyiso(path: Path) -> str:
    rows = [[f"{local(at):%m/%d/%Y %H:%M}", "WEST", "61752", f"{usd:.2f}"] for at, usd in hours()]
    return written(path, ["Time Stamp", "Name", "PTID", "LBMP ($/MWHr)"], rows)


def pjm(path: Path) -> str:
    rows = [
        [f"{at.month}/{at.day}/{at.year} {at:%I:%M:%S %p}", f"{local(at):%m/%d/%Y %H:%M}", "1", "WESTERN HUB", f"{usd:.2f}"]
        for at, usd in hours()
    ]
    return written(path, ["datetime_beginning_utc", "datetime_beginning_ept", "pnode_id", "pnode_name", "total_lmp_da"], rows)


def entsoe(path: Path) -> str:
    rows = [
        [f"{at:%d.%m.%Y %H:%M} - {at + timedelta(hours=1):%d.%m.%Y %H:%M}", "FR", f"{usd:.2f}".replace(".", ",")]
        for at, usd in hours()
    ]
    return written(path, ["MTU (UTC)", "Area", "Day-ahead Price (EUR/MWh)"], rows, ";")


def ending_backwards(path: Path) -> str:
    rows = [[f"{at + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}", repr(usd / 1000.0)] for at, usd in reversed(hours())]
    return written(path, ["hour_ending", "price_usd_per_kwh"], rows, "\t")


def plain_local(path: Path) -> str:
    rows = [[f"{local(at):%Y-%m-%d %H:%M}", f"$ {usd:.2f}"] for at, usd in hours()]
    return written(path, ["time", "price"], rows)


def drawn(path: Path) -> str:
    rows = [[at.isoformat(), f"{usd:.2f}"] for at, usd in hours()]
    order = np.random.default_rng(1).permutation(len(rows))
    return written(path, ["when_datetime", "lmp"], [rows[k] for k in [*order, *order[:50]]])


LAYOUTS: list[tuple[Callable[[Path], str], str, str]] = [
    (ercot_days, "ercot", "America/Chicago"), (ercot_quarters, "ercot", "America/Chicago"), (caiso, "caiso", "America/Chicago"),
    (nyiso, "nyiso", "America/Chicago"), (pjm, "pjm", "America/Chicago"), (entsoe, "entsoe", "America/Chicago"),
    (ending_backwards, "other", "America/Chicago"), (plain_local, "other", "America/Chicago"), (drawn, "other", "America/Chicago"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "market", "zone"), LAYOUTS, ids=[one[0].__name__ for one in LAYOUTS])
def test_the_same_hours_in_any_layout_are_the_same_data(
    write: Callable[[Path], str], market: str, zone: str, tmp_path: Path
) -> None:
    found = read_prices([write(tmp_path / "source.csv")], Asked(market), zone, {"EUR": 1.0})
    expected = hours()
    assert found.first * 3600 == int(expected[0][0].timestamp()) and len(found.usd) == len(expected) == 8784
    assert found.usd == pytest.approx([usd for _, usd in expected], abs=1e-9)
    assert found.digest == DIGEST and found.years == (2024,)


DIGEST = PriceHours("", "", "UTC", int(hours()[0][0].timestamp()) // 3600, np.array([usd for _, usd in hours()]), (), ()).digest


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["data", *arguments], standalone_mode=False)


def test_a_case_reads_what_is_imported_and_years_are_one_data_set(tmp_path: Path) -> None:
    rows = [[at.isoformat(), f"{usd:.2f}"] for year in (2023, 2024) for at, usd in hours(year)]
    half = len(rows) // 2
    first, other = (
        written(tmp_path / name, ["time", "price"], part) for name, part in (("a.csv", rows[:half]), ("b.csv", rows[half - 30 :]))
    )
    target = tmp_path / "power.csv"
    done = run("import", other, first, "--zone", "America/Chicago", "--as", str(target), "--picture", str(tmp_path / "power.svg"))
    assert done.return_value == 0, done.output
    assert "whole years: 2023, 2024" in done.stdout and "30 hours stand in an earlier file too" in done.stdout
    assert (tmp_path / "power.svg").read_text().startswith("<svg")
    (tmp_path / "case.yaml").write_text((ROOT / "cases" / "quickstart.yaml").read_text())

    def price(year: int) -> np.ndarray:  # type: ignore[type-arg]
        node = f"{{csv: power.csv, column: price_usd_per_mwh, year: {year}}}"
        grid = Case.load(tmp_path / "case.yaml", settings=[f"sites.texas.power.grid.price={node}"]).problem().sites[0].grid
        assert grid is not None
        return grid.price.profiles[0]

    usd = [usd for _, usd in hours(2023)]
    assert price(2023)[:1000] == pytest.approx(usd[:1000]) and price(2023)[-1000:] == pytest.approx(usd[-1000:])
    assert price(2024)[:1000] == pytest.approx([usd for _, usd in hours(2024)][:1000])
    again = run("check", str(target), "--zone", "America/Chicago")
    assert again.return_value == 0 and done.stdout.split("sha256 ")[1][:16] in again.stdout  # what is written has the same hours


def test_gaps_are_told_with_their_lines_and_mended_only_where_it_is_asked(tmp_path: Path) -> None:
    rows = [[at.isoformat(), f"{usd:.2f}"] for at, usd in hours()]
    rows[500][1] = ""
    del rows[1000:1002], rows[5000:5030]
    path, target = written(tmp_path / "a.csv", ["time", "price"], rows), tmp_path / "out.csv"
    told = run("check", path)
    assert told.return_value == 2
    assert "a.csv:502: no price in lines 502 to 502" in told.stdout
    assert "a.csv:1001: 2 hours from 2024-02-11 22:00 UTC are missing" in told.stdout and "30 hours from" in told.stdout
    assert run("import", path, "--zone", "America/Chicago", "--as", str(target)).return_value == 0
    assert "# mended: no\n# without a price: 33\n" in target.read_text()
    assert (
        run("import", path, "--zone", "America/Chicago", "--as", str(target), "--mend", "line", "--mend", "week").return_value
        == 0
    )
    text = target.read_text()
    assert (
        "# mended: 3 hours on a straight line, up to 3 in a row; 30 hours by the same hour a week before, else after\n# without a price: 0\n"
        in text
    )
    usd = {at: usd for at, usd in hours()}
    mended = read_prices([path], Asked(), "America/Chicago", {}, ("line", "week"))
    at = hours()[500][0]
    assert mended.usd[500] == pytest.approx((usd[at - timedelta(hours=1)] + usd[at + timedelta(hours=1)]) / 2)
    assert mended.usd[5010] == usd[hours()[5010][0] - timedelta(days=7)]


@pytest.mark.parametrize(
    ("header", "rows", "options", "says"),
    [
        (["time", "price_eur_per_mwh"], [[DAY, "4"]], [], "a.csv:1:6: prices are in EUR, and all money here is USD"),
        (["time", "node", "price"], [[DAY, "A", "4"], [DAY, "B", "5"]], [], "a.csv:1:6: the file has 2 nodes: A, B"),
        (["time", "node", "price"], [[DAY, "HB_WEST", "4"]], ["--node", "HB_WETS"], 'there is no node "HB_WETS"'),
        (["time", "price"], [[DAY, "4"], [DAY, "5"]], [], "a.csv:3:1: 2024-01-01 00:00 UTC is given twice: 5 here, 4 in line 2"),
        (["time", "price"], [[DAY, "four"]], [], 'a.csv:2:19: "four" is not a price'),
        (["time", "price"], [[DAY, "inf"]], [], '"inf" is not a price'),
        (["time", "price"], [["yesterday", "4"]], [], 'a.csv:2:1: "yesterday" is not a time'),
        (["time", "price"], [["13/45/2024 01:00", "4"]], [], "is not a day of the calendar"),
        (["time", "price"], [["2024-03-10 02:30", "4"]], ["--zone", "America/Chicago"], "2024-03-10 02:30 does not exist in America/Chicago"),
        (["time", "price"], [["2024-03-10 02:00", "4"]], [], "times have no UTC offset, and no zone is given"),
        (["time", "price"], [["2024-03-10 02:00Z", "4"], ["2024-03-10 03:00", "4"]], [], "a.csv:3:1: some times have a UTC offset"),
        (["time", "amount"], [["2024-01-01", "4"]], [], "no column looks like a price"),
        (["time", "price"], [[DAY, "4"]], ["--price-column", "prize"], 'there is no column "prize"'),
        (["time", "price"], [[DAY, "4"]], ["--zone", "America/Chikago"], 'there is no zone "America/Chikago"'),
        (["time", "price"], [[DAY, "4"], ["2024-01-01T00:07Z", "4"], ["2024-01-01T00:14Z", "5"]], [], "no part of an hour"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_for_sure_is_refused_and_nothing_is_written(
    header: list[str], rows: Rows, options: list[str], says: str, tmp_path: Path
) -> None:
    path, target = written(tmp_path / "a.csv", header, rows), tmp_path / "out.csv"
    target.write_text("as it was")
    done = CliRunner().invoke(cli, ["data", "import", path, *options, "--as", str(target)])
    assert done.exit_code == 2 and says in done.output and "Traceback" not in done.output, done.output
    assert target.read_text() == "as it was"


def test_money_of_another_country_is_converted_at_the_rate_that_is_given(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", ["time", "price_eur_per_mwh"], [[DAY, "40"], ["2024-01-01T01:00Z", "-2"]])
    done = run("import", path, "--rate", "EUR=1.25", "--as", str(tmp_path / "out.csv"))
    text = (tmp_path / "out.csv").read_text()
    assert (
        done.return_value == 0
        and "# converted: 1 EUR = 1.25 USD, as given\n" in text
        and text.endswith("00:00,50.0\n2024-01-01 01:00:00+00:00,-2.5\n")
    )
    assert CliRunner().invoke(cli, ["data", "import", path, "--rate", "EUR", "--as", "x.csv"]).exit_code == 2


def test_a_subsidy_halves_on_the_days_that_are_known() -> None:
    from datetime import date

    assert [subsidy(date(*day)) for day in ((2012, 11, 27), (2012, 11, 28), (2020, 5, 10), (2024, 4, 20))] == [
        50.0,
        25.0,
        12.5,
        3.125,
    ]


def test_days_of_the_network_are_merged_and_checked(tmp_path: Path) -> None:
    a = written(
        tmp_path / "a.csv", ["date", "difficulty", "price_usd"], [["2024-01-01", "7e13", "42000"], ["2024-01-02", "7e13", ""]]
    )
    b = written(
        tmp_path / "b.csv",
        ["date", "difficulty_mean", "market_price", "fees_btc"],
        [["2024-01-01", "7e13", "50000", "9"], ["2024-01-04", "7.1e13", "43000", "8"]],
    )
    done = run("import", a, b, "--market", "network", "--as", str(tmp_path / "net.csv"))
    assert done.return_value == 0
    for text in (
        "3 days, 2024-01-01 to 2024-01-04",
        "price_usd differs by more than 1% from an earlier file on 1 days",
        "1 days are missing",
        "1 days have no price",
    ):
        assert text in done.stdout, text
    assert "2024-01-01,70000000000000.0,42000.0,9.0,6.25," in (tmp_path / "net.csv").read_text()
    with pytest.raises(BadSource, match="no column of the file is a difficulty"):
        read_network([written(tmp_path / "c.csv", ["date", "price"], [["2024-01-01", "1"]])])


@needs_data
@pytest.mark.parametrize("path", sorted((DATA / "power").glob("*.csv")), ids=lambda path: path.stem)
def test_every_file_of_the_markets_is_imported_to_the_cent(path: Path) -> None:
    market = path.stem.split("_")[0]
    zone = "Etc/GMT+6" if "neuralprophet" in path.stem else ZONES[market]
    found = read_prices([str(path)], Asked(market), zone, {"EUR": 1.0})
    with path.open() as file:
        source = [row[1] for row in list(csv.reader(file))[1:]]
    assert len(found.usd) == len(source) and len(found.years) == 1
    for price, text in zip(found.usd, source, strict=True):
        assert np.isnan(price) if text == "" else abs(price - float(text)) < 1e-9
    told = "\n".join(one.text for one in found.findings)
    assert ("24 hours from" in told and "have no price" in told) == (market == "pjm")
    assert ("160 hours are above 1,000 USD/MWh, the most 8,995.26" in told) == (path.stem == "ercot_hb_hubavg_dam_2021")
    assert ("is a leap year" in told) == (len(source) == 8784)
    assert told.count("has 23 hours") == told.count("has 25 hours") == (0 if "Etc" in str(zone) else 1)


@needs_data
def test_the_network_is_imported_and_hashprice_follows_from_its_parts() -> None:
    names = (
        "btc_network_daily_2021_2026",
        "btc_network_daily_2011_2026",
        "blockchain_com_daily_2023-04_2024-04",
        "btc_difficulty_epochs_2021_2026",
    )
    found = read_network([str(DATA / "network" / f"{name}.csv") for name in names])
    assert len(found.values) == 5347
    told = "\n".join(one.text for one in found.findings)
    assert "within 0.1% on 99.95% of 1928 days" in told and "27 days have no price" in told
