"""What a sweep goes over: axes, each a path of the case with its values as a user writes them, and the grid of all together.

financing.notes.coupon=6..10/5 %/year      five values from 6 to 10, both included
sites.texas.interconnection=40,60,80 MW    a list; the unit stands at the end
market.btc_price.growth=-10 %/year, 0 %/year
variant=base,no_debt                       variants of the case; base: none
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from optimizer.case.reading.units import NUMBER

VARIANT, BASE = "variant", "base"
#: values of one range, at most
MOST_VALUES = 10_000
#: digits of a value between the ends of a range
DIGITS = Context(prec=12)
_RANGE = re.compile(rf"\s*({NUMBER})\s*\.\.\s*({NUMBER})\s*/\s*(\d+)\b(?!\s*\.\.)\s*(.*?)\s*", re.DOTALL)
_VALUE = re.compile(rf"\s*({NUMBER})(?![\d_.])\s*(.*?)\s*", re.DOTALL)


class GridError(ValueError):
    """What is wrong with an axis, and what would be right."""


@dataclass(frozen=True)
class Axis:
    """A path and its values. unit: as written ("" where there is none, or for variants); numbers: in it, None for variants."""

    path: str
    texts: tuple[str, ...]
    unit: str
    numbers: tuple[float, ...] | None

    @property
    def label(self) -> str:
        return f"{self.path} [{self.unit}]" if self.unit else self.path

    def short(self, k: int, unit: bool = True) -> str:
        """Value k in six digits, as people read it."""
        if self.numbers is None:
            return self.texts[k]
        return f"{self.numbers[k]:.6g} {self.unit if unit else ''}".rstrip()

    def __len__(self) -> int:
        return len(self.texts)


def parse_axis(text: str) -> Axis:
    """PATH=VALUES. Raises GridError."""
    path, equals, given = text.partition("=")
    path, given = path.strip(), " ".join(given.split())
    if not equals or not path or not given:
        raise GridError(f'"{text}" is not PATH=VALUES, as in "financing.notes.coupon=6..10/5 %/year"')
    if path == VARIANT:
        return _variants(given)
    texts, unit = _range(path, given) if ".." in given else _list(path, given)
    numbers = tuple(float(one.replace("_", "")) for one in texts)
    if len(set(numbers)) < len(numbers):
        raise GridError(f"{path}: a value is given twice")
    return Axis(path, tuple(f"{one} {unit}".rstrip() for one in texts), unit, numbers)


def _variants(given: str) -> Axis:
    names = [one.strip() for one in given.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise GridError(f'variant: "{given}" is not a list of different names, such as base,no_debt')
    return Axis(VARIANT, tuple(names), "", None)


def _range(path: str, given: str) -> tuple[list[str], str]:
    found = _RANGE.fullmatch(given)
    if found is None:
        raise GridError(f'{path}: "{given}" is not a range FROM..TO/COUNT UNIT, such as 6..10/5 %/year')
    low, high, count, unit = found[1], found[2], int(found[3]), found[4]
    if not 2 <= count <= MOST_VALUES:
        raise GridError(f"{path}: a range has from 2 to {MOST_VALUES} values. Currently it has {count}.")
    a, b = Decimal(low.replace("_", "")), Decimal(high.replace("_", ""))
    if a == b:
        raise GridError(f"{path}: the range begins and ends at {low}")
    inner = [DIGITS.plus(a + (b - a) * k / (count - 1)) for k in range(1, count - 1)]
    return [_plain(one) for one in (a, *inner, b)], unit


def _plain(value: Decimal) -> str:
    """A decimal without exponent and idle zeros."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _list(path: str, given: str) -> tuple[list[str], str]:
    numbers, units = [], []
    for one in given.split(","):
        found = _VALUE.fullmatch(one)
        if found is None:
            raise GridError(f'{path}: "{one.strip()}" is not a number with a unit: --vary takes numbers, --set anything')
        if re.fullmatch(r"0\d+", found[1]):
            raise GridError(f'{path}: "{given}" groups digits by commas, which part the values of a list: write 1_000')
        numbers.append(found[1])
        units.append(found[2])
    unit = units[-1]
    if any(one not in ("", unit) for one in units) or (unit == "" and any(units)):
        raise GridError(f"{path}: the values of a list share one unit, at its end. Currently they are in {', '.join(units)}.")
    return numbers, unit


@dataclass(frozen=True)
class SweepGrid:
    """All combinations of the values of its axes; points are numbered with the last axis running fastest."""

    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        count = 1
        for axis in self.axes:
            count *= len(axis)
        return count

    def places(self) -> list[tuple[int, ...]]:
        """The number of its value on each axis, of every point in order."""
        return list(itertools.product(*(range(len(axis)) for axis in self.axes)))

    def walk(self) -> list[int]:
        """Every point once, each beside the one before: the last axis runs forth and back."""
        shape = [len(axis) for axis in self.axes]
        steps: list[tuple[int, ...]] = [()]
        for size in shape:
            wider = []
            for number, place in enumerate(steps):
                there = range(size) if number % 2 == 0 else range(size - 1, -1, -1)
                wider += [(*place, k) for k in there]
            steps = wider
        number_of = {place: number for number, place in enumerate(self.places())}
        return [number_of[place] for place in steps]

    def text(self, place: Sequence[int]) -> str:
        """A point in words: path=value, path=value."""
        return ", ".join(f"{axis.path}={axis.texts[k]}" for axis, k in zip(self.axes, place, strict=True))

    def settings(self, place: Sequence[int]) -> tuple[str | None, tuple[str, ...]]:
        """(variant or None, PATH=VALUE of each path) of a point."""
        variant, out = None, []
        for axis, k in zip(self.axes, place, strict=True):
            if axis.path == VARIANT:
                variant = None if axis.texts[k] == BASE else axis.texts[k]
            else:
                out.append(f"{axis.path}={axis.texts[k]}")
        return variant, tuple(out)


def make_grid(texts: Sequence[str]) -> SweepGrid:
    """Axes of `--vary` options. Raises GridError."""
    axes = tuple(parse_axis(one) for one in texts)
    paths = [axis.path for axis in axes]
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise GridError(f"{twice} is varied twice: give all its values in one --vary")
    return SweepGrid(axes)
