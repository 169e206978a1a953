"""A statement as a table of lines: what each is called, what it is the sum or the ratio of, and its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from models.problem import Array

#: the column of expectations, beside those of scenarios
EXPECTED = "expected"
#: amounts from which a ratio has a meaning: less is what a solver leaves behind
SMALLEST = 0.01


@dataclass(frozen=True)
class Line:
    """One line of a statement.

    kind   'flow' (what happens at the column's date, in the period that it ends), 'stock' (after the date), 'opening' (before it),
           'ratio' (dimensionless, or per year)
    sums   ((key, coefficient), ...): the line is their sum; () where it is an entry
    ratio  (numerator, denominator), both keys of the same statement; no value where the denominator is less than a cent
    opens  the line whose value in the column before is this one's (in the first column it is given)
    memo   an entry or sum that is shown and is part of no total
    equals ((statement, key, coefficient), ...): an entry that is the sum of lines of other statements in the same column
    rolls  the same for a stock that is its value in the column before plus that sum (in the first column: what was there at the start)
    """

    key: str
    label: str
    kind: str = "flow"
    unit: str = "USD"
    sums: tuple[tuple[str, float], ...] = ()
    ratio: tuple[str, str] | None = None
    opens: str | None = None
    section: str = ""
    memo: bool = False
    equals: tuple[tuple[str, str, float], ...] = ()
    rolls: tuple[tuple[str, str, float], ...] = ()

    @property
    def total(self) -> bool:
        """Whether a workbook can write the line as a formula of others of its column."""
        return bool(self.sums) or self.ratio is not None


def plus(*keys: str) -> tuple[tuple[str, float], ...]:
    """The sum of lines."""
    return tuple((key, 1.0) for key in keys)


def less(*keys: str) -> tuple[tuple[str, float], ...]:
    """The sum of lines, taken away."""
    return tuple((key, -1.0) for key in keys)


def link(name: str, *keys: str, sign: float = 1.0) -> tuple[tuple[str, str, float], ...]:
    """Lines of the statement `name`, for `Line.equals` and `Line.rolls`."""
    return tuple((name, key, sign) for key in keys)


def over_debts(instruments: Sequence[str], *keys: str, sign: float = 1.0) -> tuple[tuple[str, str, float], ...]:
    """Lines of the schedules of all debts."""
    return tuple((schedule_name(one), key, sign) for one in instruments for key in keys)


def schedule_name(instrument: str) -> str:
    """The name of the statement that is the schedule of a debt: no other statement is called like it."""
    return f"debt[{instrument}]"


def linked(
    lines: Iterable[Line],
    equals: Mapping[str, tuple[tuple[str, str, float], ...]],
    rolls: Mapping[str, tuple[tuple[str, str, float], ...]] | None = None,
) -> tuple[Line, ...]:
    """The same lines with their links to other statements, by key."""
    return tuple(replace(line, equals=equals.get(line.key, ()), rolls=(rolls or {}).get(line.key, ())) for line in lines)


@dataclass(frozen=True)
class Statement:
    """Lines in the order in which they are read, and their figures.

    columns    names of the C columns: dates as 2026-04-01 (or calendar years, or multiples of a price)
    years      C calendar years that the columns belong to (as `models.problem.Clock.calendar_year`; of date 0: the first); () if none
    values     key -> (S, C), NaN where a ratio has no meaning
    signs      what is positive
    """

    name: str
    title: str
    lines: tuple[Line, ...]
    columns: tuple[str, ...]
    scenarios: tuple[str, ...]
    probability: Array
    values: dict[str, Array]
    years: tuple[int, ...] = ()
    signs: str = ""

    def __getitem__(self, key: str) -> Array:
        """(S, C) one line."""
        return self.values[key]

    def line(self, key: str) -> Line:
        """The definition of a line. Raises KeyError for one that is not there."""
        for one in self.lines:
            if one.key == key:
                return one
        raise KeyError(f"{self.name} has no line {key!r}")

    def expected(self, key: str) -> Array:
        """(C,) in expectation: amounts are averaged by the probabilities of scenarios; a ratio is that of the averages."""
        line = self.line(key)
        if line.ratio is not None:
            above, below = (self.expected(part) for part in line.ratio)
            return quotient(above, below)
        return np.asarray(self.probability @ self.values[key])

    def of(self, key: str, scenario: str = EXPECTED) -> Array:
        """(C,) a line in one scenario or in expectation. Raises KeyError for a scenario that is not there."""
        if scenario == EXPECTED:
            return self.expected(key)
        if scenario not in self.scenarios:
            raise KeyError(f"there is no scenario {scenario!r}; there are {', '.join(self.scenarios)} and {EXPECTED!r}")
        return self.values[key][self.scenarios.index(scenario)]

    def frame(self, scenario: str = EXPECTED) -> pd.DataFrame:
        """Wide pandas frame: lines down, columns across."""
        import pandas as pd

        table = np.array([self.of(line.key, scenario) for line in self.lines]).reshape(len(self.lines), len(self.columns))
        return pd.DataFrame(table, index=pd.Index([line.key for line in self.lines], name="line"), columns=list(self.columns))

    def tidy(self) -> pd.DataFrame:
        """Long pandas frame: line, label, unit, scenario (and 'expected'), column, value."""
        import pandas as pd

        lines = {line.key: line for line in self.lines}
        rows = [(k, lines[k].label, lines[k].unit, s, column, v) for k, s, column, v in self.rows()]
        return pd.DataFrame(rows, columns=["line", "label", "unit", "scenario", "column", "value"])

    def rows(self) -> Iterable[tuple[str, str, str, float]]:
        """(line, scenario, column, value), expectation first, in the order of the lines."""
        for line in self.lines:
            for scenario in (EXPECTED, *self.scenarios):
                for column, value in zip(self.columns, self.of(line.key, scenario).tolist(), strict=True):
                    yield line.key, scenario, column, value

    def yearly(self) -> Statement:
        """The same by calendar year: flows added up, stocks at the year's end, openings at its beginning, ratios anew."""
        if not self.years:
            raise ValueError(f"the columns of {self.name} are not in time")
        years = sorted(set(self.years))
        at = np.array(self.years)
        groups = [np.flatnonzero(at == year) for year in years]
        entries = {}
        for line in self.lines:
            if not line.total:
                values = self.values[line.key]
                if line.kind == "flow":
                    parts = [values[:, g].sum(axis=1) for g in groups]
                else:
                    parts = [values[:, g[0] if line.kind == "opening" else g[-1]] for g in groups]
                entries[line.key] = np.stack(parts, axis=1)
        names = tuple(str(year) for year in years)
        return statement(self.name, self.title, self.lines, entries, names, self.scenarios, self.probability, years, self.signs)


def statement(
    name: str,
    title: str,
    lines: Sequence[Line],
    entries: Mapping[str, Array],
    columns: Sequence[str],
    scenarios: Sequence[str],
    probability: Array,
    years: Sequence[int] = (),
    signs: str = "",
) -> Statement:
    """A statement from its entries (key -> (S, C)): sums and ratios are worked out from what the lines say they are.

    Raises KeyError where an entry is missing and ValueError where a line is defined twice.
    """
    known: dict[str, Array] = {}
    defined = {line.key: line for line in lines}
    if len(defined) != len(lines):
        raise ValueError(f"{name} has a line twice: {', '.join(line.key for line in lines)}")
    shape = (len(scenarios), len(columns))

    def value(line: Line) -> Array:
        if line.key not in known:
            if line.sums:
                total = np.zeros(shape)
                for key, coefficient in line.sums:
                    total = total + coefficient * value(defined[key])
                known[line.key] = total
            elif line.ratio is not None:
                known[line.key] = quotient(*(value(defined[key]) for key in line.ratio))
            else:
                known[line.key] = np.asarray(np.broadcast_to(entries[line.key], shape), dtype=float)
        return known[line.key]

    values = {line.key: value(line) for line in lines}
    return Statement(name, title, tuple(lines), tuple(columns), tuple(scenarios), probability, values, tuple(years), signs)


def quotient(above: Array, below: Array) -> Array:
    """above / below where below is at least a cent; NaN elsewhere."""
    meant = below >= SMALLEST
    return np.where(meant, above / np.where(meant, below, 1.0), np.nan)
