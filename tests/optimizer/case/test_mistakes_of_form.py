"""What people write by habit is told with its place, what was expected, and what is close."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.case.case import Case
from optimizer.case.reading.diagnostics import CaseError
from tests.shared.places import ROOT

QUICKSTART = ROOT / "cases" / "quickstart.yaml"
#: (setting, what is said, hint)
MISTAKES = [
    ("scenarios.bear.probability=40", '"40" must be at most 100 %', 'did you mean "40 %"?'),
    ("financing.notes.price=97", '"97" must be', 'did you mean "97 %"?'),
    ("financing.notes.limit=1.5 GW", '"1.5 GW" is power: expected money such as "1.5 USD"', 'did you mean "1.5 GUSD"?'),
    ("financing.notes.limit=$1.5bn", "expected money", 'did you mean "1.5 GUSD"?'),
    ("financing.notes.limit=$ 250m", "expected money", 'did you mean "250 MUSD"?'),
    ("financing.notes.limit=US$250mn", "expected money", 'did you mean "250 MUSD"?'),
    ("treasury.cash=$5,000k", "expected money", 'did you mean "5_000 kUSD"?'),
    ("treasury.cash=$5,000,000", "expected money", 'did you mean "5_000_000 USD"?'),
    ("treasury.cash=$5.000,00", "expected money", None),
    ("sites.texas.power.grid.price=$40", "does not begin with a number", 'did you mean "40 USD/MWh"?'),
    ("treasury.cash=€5,000", "expected money", "all money is in USD: convert first, or give `times:` a rate of exchange"),
    (
        "financing.notes.limit=100 MEUR",
        'unknown unit "MEUR"',
        "all money is in USD: convert first, or give `times:` a rate of exchange",
    ),
    ("financing.notes.limit=100 MCAD", 'unknown unit "MCAD"', "no CAD: all money is in USD"),
    ("financing.notes.limit=1,5 MUSD", "has a comma in its number", "write 1.5: a point before decimals"),
    ("financing.notes.coupon=7,75 %/year", "has a comma in its number", "write 7.75: a point before decimals"),
    ("treasury.cash=5.000.000 USD", "more than one point in its number", "write 5_000_000"),
    ("treasury.cash=5'000'000 USD", "more than one point in its number", "write 5_000_000"),
    ("treasury.cash=5,000,000 USD", "has a comma in its number", "write 5000000 or 5_000_000"),
    ("financing.notes.tenor=5", '"5" has no unit: expected a duration', 'did you mean "5 years"?'),
    ("financing.notes.tenor=60", '"60" has no unit: expected a duration', 'did you mean "60 months"?'),
    ("sites.texas.interconnection.now=60 kwh", 'unknown unit "kwh"', 'did you mean "kW"?'),
    ("treasury.cash=5 mUSD", 'unknown unit "mUSD"', 'did you mean "MUSD"?'),
    ("treasury.cash=5 USD million", "is not a unit", "a million dollars is written MUSD"),
    ("rigs.s21_pro.price=10 USD/T", 'unknown unit "T"', "a tonne is written t"),
    ("financing.notes.coupon=8%", '"8 %" is a share: expected a rate by the year such as "8 %/year"', None),
    ("financing.ntoes.limit=8 USD", 'there is no "ntoes"', 'did you mean "notes"?'),
]


@pytest.mark.parametrize(("setting", "says", "hint"), MISTAKES, ids=[one[0] for one in MISTAKES])
def test_a_habit_is_understood_and_told(setting: str, says: str, hint: str | None) -> None:
    with pytest.raises(CaseError) as refused:
        Case.load(QUICKSTART, settings=[setting])
    (mistake,) = refused.value.mistakes
    assert (mistake.place.file, mistake.place.line) == ("--set", 1) and 1 <= mistake.place.column <= len(setting)
    assert says in mistake.message
    assert mistake.hint == hint if hint is None else hint in str(mistake.hint)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (
            "objective:\n  discount: 10 %/year\n   tail: 5 %\n",
            (4, 4),
            "this line begins in column 4, and what stands above it in column 1 or 3",
        ),
        (
            "sites:\n  a:\n    mining_hall: 1 MW\n   timezone: UTC\n",
            (5, 4),
            "begins in column 4, and what stands above it in column 3 or 5",
        ),
        (
            "sites:\n  a: {mining_hall: 1 MW}\n b: {mining_hall: 1 MW}\n",
            (4, 2),
            "begins in column 2, and what stands above it in column 1 or 3",
        ),
        (
            "treasury:\n    cash: 1 USD\n  # a remark\n\n  coins: 1 BTC\n",
            (6, 3),
            "begins in column 3, and what stands above it in column 1 or 5",
        ),
    ],
)
def test_indentation_is_told_by_columns(text: str, place: tuple[int, int], says: str, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("horizon: {start: 2026-01, years: 2}\n" + text)
    with pytest.raises(CaseError) as refused:
        Case.load(path)
    (mistake,) = refused.value.mistakes
    assert (mistake.place.line, mistake.place.column) == place and says in mistake.message
    assert mistake.hint == "keys of one section begin in the same column"


def test_a_missing_csv_names_the_file_that_is_near_and_a_missing_hour_says_what_standard_time_is(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(QUICKSTART.read_text())
    (tmp_path / "ercot.csv").write_text(
        "time,price\n" + "".join(f"{hour},1\n" for hour in ("2025-07-01 00:00", "2025-07-01 02:00"))
    )

    def told(name: str) -> str:
        price = f"{{csv: {name}, column: price, time_column: time, timezone: America/Chicago, unit: USD/MWh}}"
        with pytest.raises(CaseError) as refused:
            Case.load(tmp_path / "case.yaml", settings=[f"sites.texas.power.grid.price={price}"])
        return str(refused.value)

    assert 'there is no file "eroct.csv": did you mean "ercot.csv"?' in told("eroct.csv")
    missing = told("ercot.csv")
    assert "hour 2025-07-01 00:00 of standard time is missing before this row (the only gap)" in missing
    assert "standard time is the clock of winter, all year round: in summer it is an hour behind the local clock" in missing
