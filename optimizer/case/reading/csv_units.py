"""What a CSV file says about the unit of a column, against the unit it is read in.

The name of the column counts (`price_eur_per_mwh`, `Price [USD/kWh]`, `GBP`), and where that says nothing a comment above the header
(`# unit: EUR/MWh`, `# currency: EUR`). Only whole words count: `europe` and `eurostar_node` say nothing.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.units import FOREIGN
from optimizer.case.reading.yaml_tree import Node

if TYPE_CHECKING:
    from optimizer.case.reading.csv_table import Table

#: words for money that is not in USD -> the currency
CURRENCIES = {
    **{name: name.upper() for name in (
        "eur", "gbp", "cad", "aud", "chf", "jpy", "cny", "nok", "sek", "dkk", "pln", "czk", "inr", "brl", "mxn", "zar", "krw", "sgd", "hkd",
        "nzd", "rub", "uah", "kzt", "aed",
    )},
    "euro": "EUR", "euros": "EUR", "€": "EUR", "eurocent": "EUR", "eurocents": "EUR", "£": "GBP", "pence": "GBP", "¥": "JPY", "rmb": "CNY",
    "c$": "CAD", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD",
}  # fmt: skip
#: words for the size of a unit, by what is measured, in one unit of its kind
SIZES: dict[str, dict[str, float]] = {
    "money": {
        "usd": 1.0, "us$": 1.0, "$": 1.0, "cents": 0.01, "cent": 0.01, "¢": 0.01, "kusd": 1e3, "k$": 1e3, "musd": 1e6, "m$": 1e6, "gusd": 1e9,
    },
    "energy": {"mwh": 1.0, "kwh": 1e-3, "gwh": 1e3, "twh": 1e6},
    "power": {"mw": 1.0, "kw": 1e-3, "gw": 1e3},
    "hashrate": {"ph": 1.0, "phs": 1.0, "th": 1e-3, "ths": 1e-3, "eh": 1e3, "ehs": 1e3, "zh": 1e6, "zhs": 1e6, "gh": 1e-6, "ghs": 1e-6},
    "mass": {
        "t": 1.0, "tonne": 1.0, "tonnes": 1.0, "tco": 1.0, "kg": 1e-3, "kgco": 1e-3, "g": 1e-6, "gco": 1e-6, "kt": 1e3, "lb": 4.5359237e-4,
        "lbs": 4.5359237e-4,
    },
}  # fmt: skip
_WORD = re.compile(r"(?<![0-9A-Za-z])(?:(?:ca?|au?|nz|hk|us|[skm])?\$|[A-Za-z]+)|[$€£¥¢]", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MONEY = {*CURRENCIES, *SIZES["money"]}
_BEHIND = {word for kind in ("energy", "power", "hashrate") for word in SIZES[kind]}


def words_of(text: str) -> list[str]:
    """The words of a name that say a unit, in small letters: `priceEurMwh` and `price_eur_mwh` have the same."""
    out: list[str] = []
    for word in _WORD.findall(text):
        whole = word.lower()
        for one in [whole] if _known(whole) else [part.lower() for part in _HUMP.split(word)]:
            money = next((m for m in _MONEY if one.startswith(m) and one[len(m) :] in _BEHIND), None)
            out += [money, one[len(money) :]] if money is not None else [one] if _known(one) else []
    return out


def _known(word: str) -> bool:
    return word in CURRENCIES or any(word in sizes for sizes in SIZES.values())


def complaint(said: str, unit: str) -> tuple[str, str | None] | None:
    """(what is said, unit that it would be read right in, None for another currency) where a text says another unit than `unit`."""
    ours, theirs = words_of(unit), words_of(said)
    in_money = any(word in SIZES["money"] for word in ours)
    foreign = next((CURRENCIES[word] for word in theirs if word in CURRENCIES), None)
    if in_money and foreign is not None and not any(word in SIZES["money"] and SIZES["money"][word] != 0.01 for word in theirs):
        return foreign, None
    ratio, named = 1.0, unit
    for sizes in SIZES.values():
        asked, found = [word for word in ours if word in sizes], [word for word in theirs if word in sizes]
        found = [word for word in found if sizes is SIZES["money"] and sizes[word] == 0.01] or found  # "usd_cents" are cents
        if not asked or not found or any(sizes[word] == sizes[asked[0]] for word in found):
            continue
        share = sizes[found[0]] / sizes[asked[0]]
        ratio *= share if unit.lower().startswith(asked[0]) else 1.0 / share
        named = re.sub(
            rf"(?<![A-Za-z]){re.escape(asked[0])}(?![A-Za-z])", _written(found[0]), named, count=1, flags=re.IGNORECASE
        )
    return None if math.isclose(ratio, 1.0) else (named, named)


def _written(word: str) -> str:
    """A word as units are written here."""
    for sizes in SIZES.values():
        if word in sizes:
            first = next(name for name, size in sizes.items() if size == sizes[word])
            return _PROPER.get(first, first)
    return word


_PROPER = {
    "usd": "USD", "kusd": "kUSD", "musd": "MUSD", "gusd": "GUSD", "mwh": "MWh", "kwh": "kWh", "gwh": "GWh", "twh": "TWh", "mw": "MW",
    "kw": "kW", "gw": "GW", "ph": "PH", "th": "TH", "eh": "EH", "zh": "ZH", "gh": "GH",
}  # fmt: skip


def unit_as_said(node: Node, table: Table, column: int, unit: str, where: str, mistakes: Mistakes) -> bool:
    """Note a column whose name, or a comment, says another unit than it is read in. `times` or `mean` say that it is known: either converts."""
    if "times" in node or "mean" in node:
        return True
    given = node.get("unit")
    stated = given.text.strip() if given is not None and given.kind == "scalar" else unit
    for said, place, what in _told(table, column):
        found = complaint(said, stated)
        if found is not None:
            told, better = found
            hint = f"unit: {better}, or give `times:` a factor" if better is not None else FOREIGN["EUR"]
            mistakes.sources[table.file] = table.text
            mistakes.add(place, where, f"{what} says {told}, and is read in {stated}", hint)
            return False
        if any(word in _MONEY for word in words_of(said)):
            return True  # the name of a column says more of it than a comment on the file
    return True


def _told(table: Table, column: int) -> list[tuple[str, Place, str]]:
    """(text, place, what it is) of what may say the unit of a column, the nearest first."""
    name = table.header[column]
    out = [(name, table.place(-1, column), f'the column "{name}"')]
    for number, line in enumerate(table.text.splitlines()[: table.header_line - 1], start=1):
        found = re.fullmatch(r"#\s*(units?|currency)\s*:\s*(.*?)\s*", line, re.IGNORECASE)
        if found is not None:
            out.append((found[2], Place(table.file, number, found.start(2) + 1), f'the comment "{found[1]}"'))
    return out
