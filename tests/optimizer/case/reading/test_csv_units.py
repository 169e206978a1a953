"""What a CSV file says about the unit of a column, against the unit it is read in."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.case.case import Case
from optimizer.case.reading.csv_units import complaint, words_of
from optimizer.case.reading.diagnostics import CaseError

CASE = """\
horizon: {{start: 2026-01, years: 2}}
market: {{btc_price: 90000 USD/BTC, hashprice: 40 USD/PH/day}}
rigs: {{r: {{efficiency: 15 J/TH, price: {{csv: p.csv, column: "{column}", unit: {unit}{more}}}, life: 4 years, lead: 0 months}}}}
"""


@pytest.mark.parametrize(
    ("said", "unit", "expected"),
    [
        ("price_eur_per_mwh", "USD/MWh", "EUR"),
        ("Price [EUR/MWh]", "USD/MWh", "EUR"),
        ("EUR", "USD/MWh", "EUR"),
        ("€/MWh", "USD/MWh", "EUR"),
        ("price€", "USD/MWh", "EUR"),
        ("priceEurMwh", "USD/MWh", "EUR"),
        ("eurmwh", "USD/MWh", "EUR"),
        ("eur_cents_per_kwh", "cents/kWh", "EUR"),
        ("GBP", "USD/MWh", "GBP"),
        ("£/MWh", "USD/MWh", "GBP"),
        ("price (CAD/MWh)", "USD/MWh", "CAD"),
        ("C$/MWh", "USD/MWh", "CAD"),
        ("share_price_cad", "USD/share", "CAD"),
        ("USD/kWh", "USD/MWh", "USD/kWh"),
        ("usd_per_kwh", "USD/MWh", "USD/kWh"),
        ("$/kWh", "USD/MWh", "USD/kWh"),
        ("cents", "USD/MWh", "cents/MWh"),
        ("¢/kWh", "USD/MWh", "cents/kWh"),
        ("usd_cents_kwh", "USD/MWh", "cents/kWh"),
        ("usd_mwh", "cents/kWh", "USD/MWh"),
        ("hashrate_7d_eh", "PH/s", "EH/s"),
        ("load_kw", "MW", "kW"),
        ("kgCO2_per_MWh", "t/MWh", "kg/MWh"),
    ],
)
def test_another_unit(said: str, unit: str, expected: str) -> None:
    found = complaint(said, unit)
    assert found is not None and found[0] == expected


@pytest.mark.parametrize(
    ("said", "unit"),
    [
        ("europe", "USD/MWh"),
        ("eurostar_node", "USD/MWh"),
        ("cadence", "USD/MWh"),
        ("neuro", "USD/MWh"),
        ("centre_hub", "USD/MWh"),
        ("percent", "1"),
        ("price", "USD/MWh"),
        ("usd", "USD/MWh"),
        ("price_usd_per_mwh", "USD/MWh"),
        ("USD/MWh", "USD/MWh"),
        ("$/MWh", "USD/MWh"),
        ("eur_in_usd", "USD/MWh"),
        ("usd_cents_kwh", "cents/kWh"),
        ("kusd_gwh", "USD/MWh"),
        ("kg_per_kwh", "t/MWh"),
        ("gCO2_per_kWh", "kg/MWh"),
        ("eh", "EH/s"),
        ("hashrate_est_eh", "EH/s"),
        ("hashprice_ex_fees_usd_ph_day", "USD/PH/day"),
        ("price_usd_per_th", "USD/TH"),
        ("price_usd", "USD/BTC"),
        ("99th", "PH/s"),
        ("eur", "MW"),
    ],
)
def test_no_false_alarm(said: str, unit: str) -> None:
    assert complaint(said, unit) is None


def test_words_are_whole() -> None:
    assert words_of("price_usd_per_mwh at eurostar") == ["usd", "mwh"]
    assert words_of("Price (k$/GWh)") == ["k$", "gwh"]


def load(folder: Path, column: str, unit: str = "USD/TH", more: str = "", comment: str = "") -> Case:
    (folder / "p.csv").write_text(f"{comment}date,other,{column}\n2026-01-01,1,15\n2027-01-01,1,12\n")
    (folder / "case.yaml").write_text(CASE.format(column=column, unit=unit, more=more))
    return Case.load(folder / "case.yaml")


def told(folder: Path, *arguments: str, **more: str) -> list[str]:
    with pytest.raises(CaseError) as caught:
        load(folder, *arguments, **more)
    return [one.headline().removeprefix(f"{folder}/") for one in caught.value.mistakes]


def test_the_place_is_the_column_of_the_file(tmp_path: Path) -> None:
    assert told(tmp_path, "EUR/TH") == ['p.csv:1:12: rigs.r.price: the column "EUR/TH" says EUR, and is read in USD/TH']
    assert told(tmp_path, "usd_per_ph") == [
        'p.csv:1:12: rigs.r.price: the column "usd_per_ph" says USD/PH, and is read in USD/TH'
    ]


def test_a_factor_says_that_it_is_known(tmp_path: Path) -> None:
    case = load(tmp_path, "EUR/TH", more=", times: 1.08")
    assert case.model.rigs["r"].price.factor == 1.08  # type: ignore[union-attr]


def test_the_unit_that_the_column_says(tmp_path: Path) -> None:
    assert load(tmp_path, "usd_per_ph", unit="USD/PH").model.rigs["r"].price.knots[0][1] == 0.015  # type: ignore[union-attr]


def test_a_comment_counts_where_the_column_says_nothing(tmp_path: Path) -> None:
    note = "# source: a desk\n# unit: EUR/TH\n"
    assert told(tmp_path, "price", comment=note) == [
        'p.csv:2:9: rigs.r.price: the comment "unit" says EUR, and is read in USD/TH'
    ]
    assert load(tmp_path, "price_usd", comment=note).name == "case"
    assert load(tmp_path, "europe", comment="# about: prices of the European Union, EUR/MWh converted\n").name == "case"


def test_hourly_data(tmp_path: Path) -> None:
    hours = "".join(f"2023-{m:02d}-{d:02d} {h:02d}:00,{h}\n" for m, d, h in _hours())
    (tmp_path / "p.csv").write_text("datetime_local,price_eur_per_mwh\n" + hours)
    price = "{csv: p.csv, column: price_eur_per_mwh, unit: USD/MWh%s}"
    text = (
        f"horizon: {{start: 2026-01, years: 1}}\nsites: {{a: {{interconnection: 1 MW, power: {{grid: {{price: {price}}}}}}}}}\n"
    )
    (tmp_path / "case.yaml").write_text(text % "")
    with pytest.raises(CaseError) as caught:
        Case.load(tmp_path / "case.yaml")
    (one,) = caught.value.mistakes
    assert (one.place.line, one.place.column) == (1, 16)
    assert one.hint == "all money is in USD: convert first, or give `times:` a rate of exchange"
    for more in (", times: 1.08", ", mean: 50 USD/MWh"):
        (tmp_path / "case.yaml").write_text(text % more)
        Case.load(tmp_path / "case.yaml")


def _hours() -> list[tuple[int, int, int]]:
    days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return [(m + 1, d + 1, h) for m, n in enumerate(days) for d in range(n) for h in range(24)]
