"""Quantities: a number of our own pattern and a unit of our own registry.

A table of factors serves the units that cases use, without pint (whose import costs 0.3 s); any other expression of
the same atoms goes through a pint registry that holds nothing but DEFINITIONS. Tests check the table against pint.

Conventions, all deliberate:
- A hash is not a henry: H, TH, PH, EH are hashrates, `TH/s` is the same as `TH`, and `J/TH` the same as `W/TH`.
- Calendar time (months, years) and clock time (hours, days) do not convert into each other: a month has no fixed
  number of days. So a rent (`USD/MW/year`) can never be taken for a price of energy (`USD/MWh`). Two exceptions by
  convention: in a flow per calendar time `/day` means 1/365 of a year, and `hours/year` mixes both by design.
- Energy is a dimension of its own, not power x time, for the same reason.
- Rates are nominal: 1 %/month = 12 %/year.
- Money is USD.
- `t` is a tonne (of CO2, where nothing else is said): a number stands before it, so it is never taken for a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from models.spelling import suggest

LARGEST = 1e18  # no quantity here comes near; a number beyond it is a slip, and would spoil the scaling of the LP
LONGEST = 100  # characters
MOST_YEARS = 15  # up to which a duration without a unit is taken for years in a hint
NUMBER = r"[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d{1,4})?"
_QUANTITY = re.compile(rf"({NUMBER})(?![\d_.,])\s*(.*)", re.DOTALL)
_COMMA = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])")
_DECIMAL_COMMA = re.compile(r"([+-]?\d+),(\d+)(?![\d,.])")
_GROUPS = re.compile(r"[+-]?\d{1,3}(?:[.']\d{3}){2,}(?![\d.,'])")
_DOLLARS = re.compile(
    rf"(?:US)?[$]\s*(\d{{1,3}}(?:,\d{{3}})+|{NUMBER})(?![\d.,])\s*(k|m|mm|mn|mio|million|b|bn|billion|)", re.IGNORECASE
)
_SIZES = {"": "", "k": "k", "b": "G", "bn": "G", "billion": "G"}  # of money written in words; all others are millions
#: other money, alone or with a size before it
_CURRENCY = re.compile(r"[kMGmb]?(EUR|GBP|CAD|AUD|CHF|JPY|CNY|NOK|SEK|INR|BRL)")
_NOT_FINITE = re.compile(r"[+-]?\.?(nan|inf|infinity)\b", re.IGNORECASE)
_EXPRESSION = re.compile(r"(?:1|[A-Za-z%]+)(?:[/*][A-Za-z%]+){0,5}")

# pint's own definition syntax. Dimensions carry the words that messages use.
DEFINITIONS = """
MW = [power]
W = 1e-6 MW
kW = 1e-3 MW
GW = 1e3 MW
MWh = [energy]
J = MWh / 3.6e9
Wh = 1e-6 MWh
kWh = 1e-3 MWh
GWh = 1e3 MWh
TWh = 1e6 MWh
USD = [money]
cents = 0.01 USD = cent
kUSD = 1e3 USD
MUSD = 1e6 USD
GUSD = 1e9 USD
PH = [hashrate]
H = 1e-15 PH
GH = 1e-6 PH
TH = 1e-3 PH
EH = 1e3 PH
ZH = 1e6 PH
BTC = [bitcoin]
sats = 1e-8 BTC
year = [time] = years
quarter = 0.25 year = quarters
month = year / 12 = months
calendar_day = year / 365
hour = [hours] = hours
day = 24 hour = days
second = hour / 3600 = s
t = [mass] = tonne = tonnes
kt = 1e3 t
Mt = 1e6 t
kg = 1e-3 t
g = 1e-6 t
lb = 4.5359237e-4 t
shares = [shares] = share
kshares = 1e3 shares
Mshares = 1e6 shares
units = [units] = unit
percent = 0.01
bp = 1e-4
"""

_DEFINED = dict.fromkeys(re.findall(r"(?:^|= )([A-Za-z]+)(?=\s|$)", DEFINITIONS, re.MULTILINE))
ATOMS = (*(name for name in _DEFINED if name != "percent"), "%")

# Words that people write, and what to write instead.
FOREIGN = {
    "$": "money is written USD, such as 85 USD/MWh",
    "EUR": "all money is in USD: convert first, or give `times:` a rate of exchange",
    "€": "all money is in USD: convert first, or give `times:` a rate of exchange",
    "bn": "a billion dollars is written GUSD",
    "mm": "a million dollars is written MUSD",
    "million": "a million dollars is written MUSD",
    "billion": "a billion dollars is written GUSD",
    "yr": "write year",
    "a": "write year",
    "mo": "write month",
    "h": "write hours",
    "hr": "write hours",
    "hrs": "write hours",
    "d": "write days",
    "T": "a tonne is written t",
    "MT": "a tonne is written t, a million of them Mt",
    "ton": "a tonne is written t; a short ton is 0.90718474 t",
    "tons": "a tonne is written t; a short ton is 0.90718474 t",
    "tCO2": "a tonne is written t, of whatever it is",
    "tCO2e": "a tonne is written t, of whatever it is",
    "gCO2": "a gram is written g, of whatever it is",
    "pct": "write %",
    "bps": "write bp",
    "¢": "write cents",
    "c": "write cents",
}


class UnitError(ValueError):
    """A quantity that cannot be read; `hint` says what would be right."""

    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Kind:
    """What a field expects: its canonical unit, its name in messages, the unit of its example, factors to canonical."""

    unit: str
    noun: str
    example: str
    factors: Mapping[str, float | Fraction]


def _exact(factor: float | Fraction) -> Fraction:
    """A factor as it was meant: 0.01, not the nearest float."""
    return factor if isinstance(factor, Fraction) else Fraction(repr(float(factor)))


_MONEY = {"USD": 1.0, "kUSD": 1e3, "MUSD": 1e6, "GUSD": 1e9}
_PER_YEAR = {"year": 1.0, "month": 12.0, "quarter": 4.0, "day": 365.0}
_POWER = {"MW": 1.0, "W": 1e-6, "kW": 1e-3, "GW": 1e3}
_ENERGY = {"MWh": 1.0, "kWh": 1e-3, "GWh": 1e3, "TWh": 1e6}
_MASS = {"t": 1.0, "tonne": 1.0, "tonnes": 1.0, "kt": 1e3, "Mt": 1e6, "kg": 1e-3}
_MASS_PER_ENERGY = {
    "t/MWh": 1.0, "tonne/MWh": 1.0, "kg/MWh": 1e-3, "kg/kWh": 1.0, "g/kWh": 1e-3, "kt/GWh": 1.0, "t/GWh": 1e-3,
    "lb/MWh": 4.5359237e-4,
}  # fmt: skip
_HASHRATE = {"PH/s": 1.0, "TH/s": 1e-3, "EH/s": 1e3, "PH": 1.0, "TH": 1e-3, "EH": 1e3, "ZH/s": 1e6}
_SHARE = {"%": 0.01, "": 1.0, "1": 1.0, "bp": 1e-4}


def _over(top: dict[str, float], bottom: dict[str, float]) -> dict[str, float]:
    return {f"{a}/{b}": x / y for a, x in top.items() for b, y in bottom.items()}


def _by_time(top: dict[str, float]) -> dict[str, float]:
    return {f"{name}/{time}": round(x * n, 12) for name, x in top.items() for time, n in _PER_YEAR.items()}


_CAPACITY_PRICE = _over(_MONEY, {"MW": 1.0, "kW": 1e-3, "GW": 1e3})

KINDS: dict[str, Kind] = {
    kind.unit: kind
    for kind in (
        Kind("MW", "power", "MW", _POWER),
        Kind("MWh", "energy", "MWh", _ENERGY),
        Kind("MWh/year", "energy by the year", "MWh/year", _by_time(_ENERGY)),
        Kind("hours", "clock hours", "hours", {"hours": 1.0, "hour": 1.0, "days": 24.0, "day": 24.0}),
        Kind("hours/year", "hours by the year", "hours/year", _by_time({"hours": 1.0, "hour": 1.0, "days": 24.0})),
        Kind("days", "days", "days", {"days": 1.0, "day": 1.0, "hours": Fraction(1, 24), "hour": Fraction(1, 24)}),
        Kind(
            "months",
            "a duration",
            "months",
            {"months": 1.0, "month": 1.0, "quarters": 3.0, "quarter": 3.0, "years": 12.0, "year": 12.0},
        ),
        Kind(
            "years",
            "a duration",
            "years",
            {"years": 1.0, "year": 1.0, "months": Fraction(1, 12), "month": Fraction(1, 12), "quarters": 0.25, "quarter": 0.25},
        ),
        Kind("USD", "money", "USD", _MONEY),
        Kind("USD/year", "money by the year", "USD/year", _by_time(_MONEY)),
        Kind("USD/month", "money by the month", "USD/month", {name: _exact(x) / 12 for name, x in _by_time(_MONEY).items()}),
        Kind(
            "USD/MWh",
            "a price of energy",
            "USD/MWh",
            {"USD/MWh": 1.0, "USD/kWh": 1e3, "cents/kWh": 10.0, "cent/kWh": 10.0, "kUSD/GWh": 1.0},
        ),
        Kind("USD/MW", "a price of power", "USD/MW", _CAPACITY_PRICE),
        Kind("USD/MW/year", "a price of power by the year", "USD/MW/year", _by_time(_CAPACITY_PRICE)),
        Kind("PH/s", "hashrate", "PH/s", _HASHRATE),
        Kind(
            "USD/TH",
            "a price of hashrate",
            "USD/TH",
            _over({"USD": 1.0}, {"TH": 1.0, "TH/s": 1.0, "PH": 1e3, "PH/s": 1e3, "EH": 1e6}) | {"MUSD/EH": 1.0},
        ),
        Kind(
            "USD/PH/day",
            "a hashprice",
            "USD/PH/day",
            {"USD/PH/day": 1.0, "USD/PH/s/day": 1.0, "USD/TH/day": 1e3, "USD/TH/s/day": 1e3},
        ),
        Kind("J/TH", "energy per hash", "J/TH", {"J/TH": 1.0, "W/TH": 1.0, "kW/PH": 1.0, "MW/EH": 1.0}),
        Kind("BTC", "bitcoin", "BTC", {"BTC": 1.0, "sats": 1e-8}),
        Kind("BTC/year", "bitcoin by the year", "BTC/year", _by_time({"BTC": 1.0})),
        Kind(
            "BTC/month",
            "bitcoin by the month",
            "BTC/month",
            {name: _exact(x) / 12 for name, x in _by_time({"BTC": 1.0}).items()},
        ),
        Kind("BTC/PH/day", "coins per hash", "BTC/PH/day", {"BTC/PH/day": 1.0, "BTC/EH/day": 1e-3}),
        Kind("USD/BTC", "a price of bitcoin", "USD/BTC", {"USD/BTC": 1.0, "kUSD/BTC": 1e3, "MUSD/BTC": 1e6}),
        Kind("1", "a share", "%", _SHARE),
        Kind("1/year", "a rate by the year", "%/year", _by_time({"%": 0.01, "bp": 1e-4, "1": 1.0})),
        Kind("1/hour", "a change by the hour", "%/hour", {"%/hour": 0.01, "bp/hour": 1e-4, "1/hour": 1.0}),
        Kind("USD/USD", "money per money", "USD/USD", {"USD/USD": 1.0, "cents/USD": 0.01, "%": 0.01, "bp": 1e-4}),
        Kind("USD/share", "a price of a share", "USD/share", {"USD/share": 1.0, "cents/share": 0.01}),
        Kind("shares", "a number of shares", "shares", {"shares": 1.0, "share": 1.0, "kshares": 1e3, "Mshares": 1e6}),
        Kind("units", "a number of units", "units", {"units": 1.0, "unit": 1.0, "": 1.0}),
        Kind("USD/unit", "a price by the unit", "USD/unit", _over(_MONEY, {"unit": 1.0, "units": 1.0})),
        Kind(
            "USD/unit/year",
            "money by the unit and year",
            "USD/unit/year",
            _by_time(_over(_MONEY, {"unit": 1.0, "units": 1.0})),
        ),
        Kind("t", "mass", "t", _MASS),
        Kind("t/year", "mass by the year", "t/year", _by_time(_MASS)),
        Kind("t/MWh", "mass per energy", "t/MWh", _MASS_PER_ENERGY),
        Kind("USD/t", "a price of mass", "USD/t", _over(_MONEY, {"t": 1.0, "tonne": 1.0})),
    )
}


def kind_of(unit: str) -> Kind:
    """The kind of a canonical unit; any other expression of known atoms becomes a kind of its own."""
    if unit in KINDS:
        return KINDS[unit]
    return Kind(unit, f"a quantity in {unit}", unit, {unit: 1.0})


@lru_cache(maxsize=8192)
def parse_quantity(text: str, unit: str) -> float:
    """Read `text`, such as "3.2 GUSD", as a number in the canonical `unit`, such as "USD". Raises UnitError.

    Remembered: scenarios and variants of a case say the same thing again and again.
    """
    kind = kind_of(unit)
    number, written = split(text, kind)
    # Exact up to the one rounding at the end: 7.75 % is the float 0.0775.
    exact = Fraction(number.replace("_", ""))
    value = float(exact * _exact(_factor(number, written, kind)))
    if abs(value) > LARGEST:
        raise UnitError(f'"{text.strip()}" is beyond {LARGEST:g} {unit if unit != "1" else ""}'.rstrip())
    if value == 0 and exact != 0:
        raise UnitError(f'"{text.strip()}" is too small to tell from 0')
    return value + 0.0  # no negative zero


def parse_number(text: str) -> float:
    """Read a plain number without unit. Raises UnitError."""
    kind = Kind("", "a plain number", "", {"": 1.0})
    number, written = split(text, kind)
    if written:
        raise UnitError(f'"{text.strip()}" has a unit: expected a plain number such as "{number}"')
    return float(number.replace("_", "")) + 0.0


def convert(value: float, written: str, unit: str) -> float:
    """A number given in the unit `written`, in the canonical `unit`. Raises UnitError."""
    return value * factor(written, unit)


@lru_cache(maxsize=1024)
def factor(written: str, unit: str) -> float:
    """How many canonical `unit` one `written` is. Raises UnitError where they are not the same kind of thing."""
    return float(_factor(None, written.strip(), kind_of(unit)))


def format_quantity(value: float, unit: str) -> str:
    """The shortest text that `parse_quantity` reads back as exactly `value`."""
    return repr(float(value)) if unit in ("1", "") else f"{float(value)!r} {unit}"


def split(text: str, kind: Kind) -> tuple[str, str]:
    """The number, as written, and the unit (no blanks around its `/`) of a quantity; at most 1e18."""
    stripped = text.strip()
    shown = stripped if len(stripped) <= LONGEST else stripped[: LONGEST - 3] + "..."
    such = f"expected {kind.noun} such as"
    if not stripped:
        raise UnitError(f'nothing is given: {such} "{_example(kind)}"')
    if len(stripped) > LONGEST:
        raise UnitError(f'"{shown}" is too long for a quantity: {such} "{_example(kind)}"')
    if _NOT_FINITE.match(stripped):
        raise UnitError(f'"{shown}" is not a finite number: {such} "{_example(kind)}"')
    if comma := _COMMA.match(stripped):
        plain, grouped = comma[0].replace(",", ""), comma[0].replace(",", "_")
        raise UnitError(f'"{shown}" has a comma in its number', f"write {plain} or {grouped}")
    if groups := _GROUPS.match(stripped):
        grouped = groups[0].replace(".", "_").replace("'", "_")
        raise UnitError(f'"{shown}" has more than one point in its number', f"write {grouped}")
    if decimal := _DECIMAL_COMMA.match(stripped):
        raise UnitError(f'"{shown}" has a comma in its number', f"write {decimal[1]}.{decimal[2]}: a point before decimals")
    if kind.unit.startswith("USD") and (dollars := _DOLLARS.match(stripped)):
        meant = f"{dollars[1].replace(',', '_')} {_SIZES.get(dollars[2].lower(), 'M')}{kind.example}"
        raise UnitError(f'"{shown}" does not begin with a number: {such} "{_example(kind)}"', f'did you mean "{meant}"?')
    if kind.unit.startswith("USD") and stripped[0] in "€£¥":
        raise UnitError(f'"{shown}" does not begin with a number: {such} "{_example(kind)}"', FOREIGN["€"])
    found = _QUANTITY.match(stripped)
    if not found or not found[1].isascii():
        raise UnitError(f'"{shown}" does not begin with a number: {such} "{_example(kind)}"')
    if abs(Fraction(found[1].replace("_", ""))) > LARGEST:
        raise UnitError(f'"{shown}" is beyond {LARGEST:g}')
    return found[1], re.sub(r"\s*([/*])\s*", r"\1", found[2])


def _example(kind: Kind, number: str = "100") -> str:
    """The user's own number with a unit that fits, as in "250 MW"."""
    return f"{number} {kind.example}".rstrip()


def _factor(number: str | None, written: str, kind: Kind) -> float | Fraction:
    if written in kind.factors:
        return kind.factors[written]
    expected = f'{kind.noun} such as "{_example(kind, number or "100")}"'
    quoted = f"{number} {written}".strip() if number is not None else written
    if not written:
        raise UnitError(f'"{quoted}" has no unit: expected {expected}', _likely_unit(number or "", kind))
    if not _EXPRESSION.fullmatch(written):
        raise UnitError(f'"{written[:40]}" is not a unit: expected {expected}', _foreign(written, kind))
    unknown = [atom for atom in re.split(r"[/*]", written) if atom not in ATOMS and atom != "1"]
    if unknown:
        message = f'unknown unit "{unknown[0]}" in "{quoted}": expected {expected}'
        raise UnitError(message, _foreign(written, kind))
    registry = _registry()
    try:
        ours, theirs = registry.parse_units(_for_pint(kind.unit, kind)), registry.parse_units(_for_pint(written, kind))
    except Exception as problem:  # the caller's canonical unit is wrong: a slip of ours, not of the user
        raise ValueError(f"cannot use {kind.unit!r} as a unit: {problem}") from problem
    if ours.dimensionality != theirs.dimensionality:
        hint = None
        if {*ours.dimensionality} ^ {*theirs.dimensionality} == {"[time]", "[hours]"}:
            hint = "hours and days do not convert into months and years: a month has no fixed number of days"
        elif number is not None and written[0] in "kMG" and f"{written[0]}USD" in kind.factors:
            hint = f'did you mean "{number} {written[0]}USD"?'  # 1.5 GW of money
        raise UnitError(f'"{quoted}" is {_described(theirs, written)}: expected {expected}', hint)
    return float(registry.Quantity(1.0, theirs).to(ours).magnitude)


def _likely_unit(number: str, kind: Kind) -> str | None:
    """A hint for a number without a unit, where its size says what is meant: a few years, some dozens of months."""
    if kind.noun != "a duration":
        return None
    return f'did you mean "{number} {"years" if float(number.replace("_", "")) <= MOST_YEARS else "months"}"?'


def _foreign(written: str, kind: Kind) -> str | None:
    """A hint for a unit that we do not have: a known habit, or the nearest unit of this kind."""
    for atom in re.split(r"[/*\s]+", written):
        if atom not in ATOMS and atom in FOREIGN:
            return FOREIGN[atom]
        if currency := _CURRENCY.fullmatch(atom):
            return FOREIGN["EUR"] if currency[1] == "EUR" else FOREIGN["EUR"].replace("all money", f"no {currency[1]}: all money")
    if "$" in written or "€" in written:
        return FOREIGN["$" if "$" in written else "€"]
    near = suggest(written.replace(" ", ""), [name for name in kind.factors if name])
    return f'did you mean "{near}"?' if near else None


def _for_pint(written: str, kind: Kind) -> str:
    """Our writing in pint's terms: TH/s is TH, J/TH is W/TH, and /day in a calendar flow is 1/365 year."""
    out = re.sub(r"\bJ/([GTPEZ]?H)\b(?!/s)", r"W/\1", written)
    out = re.sub(r"\b([GTPEZ]?H)/s\b", r"\1", out).replace("%", "percent")
    if re.search(r"/(year|month)", kind.unit):
        out = re.sub(r"/days?\b", "/calendar_day", out)
    return out


def _described(unit: Any, written: str) -> str:
    """What pint's unit measures, in words: money per power."""
    names = {name: round(float(power)) for name, power in unit.dimensionality.items()}
    top = [name.strip("[]") for name, power in names.items() for _ in range(power)]
    bottom = [name.strip("[]") for name, power in names.items() for _ in range(-power)]
    if not top and not bottom:
        return "a share" if "%" in written or "bp" in written else "a plain number"
    # Time comes last, as in "money per power per time".
    bottom.sort(key=lambda name: (name in ("time", "hours"), name))
    return " per ".join([" times ".join(top) or "a number", *bottom])


@lru_cache(maxsize=1)
def _registry() -> Any:
    """A pint registry with DEFINITIONS only."""
    import pint  # 0.3 s, and only uncommon units or mistakes come here

    registry: Any = pint.UnitRegistry(None)
    registry.load_definitions(DEFINITIONS.strip().splitlines())
    return registry
