"""What every statement is made from: the books of a solved plan, its dates, and helpers over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.dates import iso_dates
from models.finance.lines import Line, Statement, statement
from models.proforma.assets import decided
from models.proforma.calendar import calendar

if TYPE_CHECKING:
    from models.decisions import Decisions
    from models.problem import Array, Ints, Problem
    from models.proforma.books import Books


@dataclass(frozen=True)
class StatementContext:
    """A plan with its books. Nothing of the linear program is here."""

    problem: Problem
    decisions: Decisions
    books: Books

    @property
    def shape(self) -> tuple[int, int]:
        """(S, D)."""
        return self.problem.scenarios.count, self.problem.clock.dates

    @cached_property
    def zero(self) -> Array:
        return np.zeros(self.shape)

    @cached_property
    def dates(self) -> tuple[str, ...]:
        """All D dates, as 2026-04-01."""
        return tuple(iso_dates(self.problem.clock))

    @cached_property
    def year_of(self) -> Ints:
        """(D,) index of the tax year that the flows of each date belong to."""
        return calendar(self.problem.clock).year_of_date

    @cached_property
    def calendar_years(self) -> tuple[int, ...]:
        """(D,) calendar year of each date's flows."""
        first = int(self.problem.clock.calendar_year[0])
        return tuple(first + int(y) for y in self.year_of)

    def by_year(self, flow: Array) -> Array:
        """(S, Y) sums of a flow (S, D) over tax years."""
        member = self.year_of[:, None] == np.arange(self.problem.clock.tax_years)
        return np.asarray(flow @ member)

    def ltm(self, flow: Array) -> Array:
        """(S, D) sums of an operating flow over the last twelve months, times 12 / m where only m < 12 have passed; 0 at date 0."""
        month = self.problem.clock.date_month
        within = (month[:, None] <= month[None, :]) & (month[:, None] > month[None, :] - 12)
        within[0] = False
        factor = np.where((month > 0) & (month < 12), 12.0 / np.maximum(month, 1), 1.0)
        return np.asarray(flow @ within * factor)

    def decided(self, table: Mapping[str, Array], key: str) -> Array:
        """(S, D) a decision, zero where the plan does not mention it."""
        return decided(table, key, self.problem)

    def debt(self, line: str, name: str | None = None) -> Array:
        """(S, D) a schedule line of one schedule ('notes', 'notes@existing'), or of all."""
        schedules = self.books.schedules
        found = [schedules[name][line]] if name is not None else [lines[line] for lines in schedules.values()]
        return sum(found, self.zero)

    def statement(self, name: str, title: str, lines: Sequence[Line], entries: Mapping[str, Array], signs: str) -> Statement:
        """A statement whose columns are the dates."""
        odds = self.problem.scenarios
        return statement(name, title, lines, entries, self.dates, odds.names, odds.probability, self.calendar_years, signs)
