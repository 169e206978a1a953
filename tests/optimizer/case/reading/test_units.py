import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.case.reading import units
from optimizer.case.reading.units import KINDS, UnitError, convert, factor, format_quantity, kind_of, parse_number, parse_quantity
from tests.shared.places import ROOT


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("250 MW", "MW", 250.0),
        ("250MW", "MW", 250.0),
        ("2_500.5 kW", "MW", 2.5005),
        ("+1.5e3 MW", "MW", 1500.0),
        (".5 GW", "MW", 500.0),
        ("5.", "1", 5.0),
        ("1000 EH/s", "PH/s", 1e6),
        ("5EH", "PH/s", 5000.0),
        ("200 TH", "PH/s", 0.2),
        ("3.2 GUSD", "USD", 3.2e9),
        ("10 cents/kWh", "USD/MWh", 100.0),
        ("0.085 USD/kWh", "USD/MWh", 85.0),
        ("85 USD / MWh", "USD/MWh", 85.0),
        ("10 MUSD/MW", "USD/MW", 1e7),
        ("100 USD/kW/month", "USD/MW/year", 1.2e6),
        ("270 USD/MW/day", "USD/MW/year", 270 * 365.0),
        ("1.5 MUSD/MW/year", "USD/MW/year", 1.5e6),
        ("18.4 USD/TH", "USD/TH", 18.4),
        ("45 USD/PH/day", "USD/PH/day", 45.0),
        ("0.045 USD/TH/day", "USD/PH/day", 45.0),
        ("17.5 J/TH", "J/TH", 17.5),
        ("17.5 W/TH", "J/TH", 17.5),
        ("12 BTC/month", "BTC/month", 12.0),
        ("120 BTC/year", "BTC/month", 10.0),
        ("105 kUSD/BTC", "USD/BTC", 105_000.0),
        ("7.75 %/year", "1/year", 0.0775),
        ("1 %/month", "1/year", 0.12),
        ("2 %/quarter", "1/year", 0.08),
        ("25 bp/year", "1/year", 0.0025),
        ("35 %", "1", 0.35),
        ("0.35", "1", 0.35),
        ("35 bp", "1", 0.0035),
        ("0.05 USD/USD", "USD/USD", 0.05),
        ("6.86 USD/share", "USD/share", 6.86),
        ("2.5 Mshares", "shares", 2.5e6),
        ("5 years", "months", 60.0),
        ("18 months", "years", 1.5),
        ("2 days", "hours", 48.0),
        ("100 hours/year", "hours/year", 100.0),
        ("10 hours/month", "hours/year", 120.0),
        ("30 kUSD/month", "USD/year", 360_000.0),
        ("30 kUSD/quarter", "USD/month", 10_000.0),
        ("0.4 tonne/MWh", "t/MWh", 0.4),
        ("0.38 t/MWh", "t/MWh", 0.38),
        ("380 g/kWh", "t/MWh", 0.38),
        ("380 kg/MWh", "t/MWh", 0.38),
        ("1000 lb/MWh", "t/MWh", 0.45359237),
        ("5t", "t", 5.0),
        ("1e3t", "t", 1000.0),
        ("120 kt", "t", 120e3),
        ("1.5 Mt", "t", 1.5e6),
        ("120 kt/year", "t/year", 120e3),
        ("10 kt / month", "t/year", 120e3),
        ("85 USD/t", "USD/t", 85.0),
        ("85 USD/tonne", "USD/t", 85.0),
        ("450 GWh/year", "MWh/year", 450e3),
        ("1000", "units", 1000.0),
        ("1000 units", "units", 1000.0),
        ("-3 USD/MWh", "USD/MWh", -3.0),
    ],
)
def test_quantities_in_canonical_units(text, unit, value):
    assert parse_quantity(text, unit) == value


def test_every_factor_of_the_table_is_what_pint_says():
    registry = units._registry()
    checked = 0
    for kind in KINDS.values():
        for written, ours in kind.factors.items():
            if not written:
                continue  # a plain number
            into = registry.parse_units(units._for_pint(kind.unit, kind))
            theirs = registry.Quantity(1.0, registry.parse_units(units._for_pint(written, kind))).to(into).magnitude
            assert math.isclose(ours, theirs, rel_tol=1e-12), (written, kind.unit)
            checked += 1
    assert checked > 150


def test_common_units_need_no_pint_and_rare_ones_get_it():
    code = (
        "import sys; from optimizer.case.reading.units import parse_quantity as p; p('3 USD/MWh', 'USD/MWh'); "
        "assert 'pint' not in sys.modules and 'numpy' not in sys.modules; "
        "assert p('3 USD/Wh', 'USD/MWh') == 3e6; assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("text", "unit", "message", "hint"),
    [
        ("250", "MW", '"250" has no unit: expected power such as "250 MW"', None),
        ("0", "USD", '"0" has no unit: expected money such as "0 USD"', None),
        (
            "85 USD/MW",
            "USD/MWh",
            '"85 USD/MW" is money per power: expected a price of energy such as "85 USD/MWh"',
            None,
        ),
        (
            "9 USD/MW/month",
            "USD/MWh",
            '"9 USD/MW/month" is money per power per time: expected a price of energy such as "9 USD/MWh"',
            None,
        ),
        ("8 %", "1/year", '"8 %" is a share: expected a rate by the year such as "8 %/year"', None),
        (
            "90 days",
            "months",
            '"90 days" is hours: expected a duration such as "90 months"',
            "hours and days do not convert into months and years: a month has no fixed number of days",
        ),
        ("5 mw", "MW", 'unknown unit "mw" in "5 mw": expected power such as "5 MW"', 'did you mean "MW"?'),
        ("5 MHW", "MWh", 'unknown unit "MHW" in "5 MHW": expected energy such as "5 MWh"', 'did you mean "MWh"?'),
        (
            "8 USD/kW-month",
            "USD/MW/year",
            '"USD/kW-month" is not a unit: expected a price of power by the year such as "8 USD/MW/year"',
            'did you mean "USD/kW/month"?',
        ),
        (
            "40 EUR/MWh",
            "USD/MWh",
            'unknown unit "EUR" in "40 EUR/MWh": expected a price of energy such as "40 USD/MWh"',
            "all money is in USD: convert first, or give `times:` a rate of exchange",
        ),
        ("5 T", "t", 'unknown unit "T" in "5 T": expected mass such as "5 t"', "a tonne is written t"),
        ("5 MT", "t", 'unknown unit "MT" in "5 MT": expected mass such as "5 t"', "a tonne is written t, a million of them Mt"),
        ("5 TH", "t", '"5 TH" is hashrate: expected mass such as "5 t"', None),
        ("5 t", "PH/s", '"5 t" is mass: expected hashrate such as "5 PH/s"', None),
        ("3 bn USD", "USD", '"bn USD" is not a unit: expected money such as "3 USD"', "a billion dollars is written GUSD"),
        ("1,000 MW", "MW", '"1,000 MW" has a comma in its number', "write 1000 or 1_000"),
        ("nan MW", "MW", '"nan MW" is not a finite number: expected power such as "100 MW"', None),
        (".inf", "MW", '".inf" is not a finite number: expected power such as "100 MW"', None),
        ("-Infinity USD", "USD", '"-Infinity USD" is not a finite number: expected money such as "100 USD"', None),
        ("1.1e18 MW", "MW", '"1.1e18 MW" is beyond 1e+18', None),
        ("1e16 GW", "MW", '"1e16 GW" is beyond 1e+18 MW', None),
        ("1e-999 MW", "MW", '"1e-999 MW" is too small to tell from 0', None),
        ("", "MW", 'nothing is given: expected power such as "100 MW"', None),
        ("lots", "MW", '"lots" does not begin with a number: expected power such as "100 MW"', None),
        ("1.2.3 MW", "MW", '"1.2.3 MW" does not begin with a number: expected power such as "100 MW"', None),
        ("1__0 MW", "MW", '"1__0 MW" does not begin with a number: expected power such as "100 MW"', None),
        ("١ MW", "MW", '"١ MW" does not begin with a number: expected power such as "100 MW"', None),
        ("3 H", "MW", '"3 H" is hashrate: expected power such as "3 MW"', None),
        ("17 J/TH/s", "J/TH", '"17 J/TH/s" is energy per hashrate: expected energy per hash such as "17 J/TH"', None),
    ],
)
def test_golden_refusals(text, unit, message, hint):
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, unit)
    assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.parametrize("text", ["9" * 101 + " MW", "1e99999999999 MW", "5 MW**9**9", "5 MW^2", "5 (MW)", "5 MW/" * 30])
def test_hostile_text_is_refused_at_once(text):
    with pytest.raises(UnitError):
        parse_quantity(text, "MW")


@pytest.mark.parametrize("unit", sorted(KINDS))
def test_each_kind_reads_its_own_unit_and_its_own_example(unit):
    kind = kind_of(unit)
    assert parse_quantity(f"3 {unit}", unit) == 3.0
    assert parse_quantity(f"3 {kind.example}", unit) == 3.0 * factor(kind.example, unit)
    for other in KINDS:
        if {unit, other} == {"1", "USD/USD"}:
            continue  # both are plain numbers in the end
        if other != unit and other not in kind.factors and KINDS[other].example not in kind.factors:
            with pytest.raises(UnitError):
                assert parse_quantity(f"3 {KINDS[other].example}", unit) is None, other


@given(st.floats(-1e18, 1e18, allow_subnormal=False), st.sampled_from(sorted(KINDS)))
def test_what_is_written_reads_back_the_same(value, unit):
    assert parse_quantity(format_quantity(value, unit), unit) == value


@given(st.text(max_size=30), st.sampled_from(sorted(KINDS)))
def test_any_text_is_a_finite_number_or_a_unit_error(text, unit):
    try:
        assert math.isfinite(parse_quantity(text, unit))
    except UnitError as problem:
        assert problem.message


@given(st.decimals(-10_000, 10_000, places=3))
def test_percent_is_exactly_a_hundredth(number):
    assert parse_quantity(f"{number} %", "1") == float(number / 100)


def test_plain_numbers_and_factors():
    assert parse_number("1_000") == 1000.0
    with pytest.raises(UnitError, match='"5 MW" has a unit: expected a plain number such as "5"'):
        parse_number("5 MW")
    assert convert(2.0, "EH/s", "PH/s") == 2000.0
    with pytest.raises(UnitError, match='"USD/MW" is money per power: expected a price of energy such as "100 USD/MWh"'):
        factor("USD/MW", "USD/MWh")


def test_a_unit_of_known_atoms_without_a_kind_goes_through_pint():
    assert parse_quantity("2 kUSD/GW/hour", "USD/MW/hour") == 2.0
    with pytest.raises(UnitError, match="is money per power: expected a quantity in USD/MW/hour"):
        parse_quantity("2 USD/MW", "USD/MW/hour")
