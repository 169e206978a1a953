"""What every part of a workbook needs: the problem, the plan, its sheets of inputs, the scenario picked and the what-if factors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from typing import TypeVar

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Problem
from models.proforma.assets import decided
from models.proforma.calendar import calendar
from optimizer.results.workbook.expressions import Term, term
from optimizer.results.workbook.sheets import NOTHING, Row, Selection, Sheet, Source

Key = TypeVar("Key")

#: day 0 of spreadsheets, for dates after February 1900
SPREADSHEET_EPOCH = date(1899, 12, 30)

#: what-if factors: key, label, unit, value that changes nothing, number format, what it does
FACTORS = (
    ("btc", "Bitcoin price, times", "factor", 1.0, "Also the mean price and hashprice. Share and hardware prices stay as they are."),
    ("hash", "Hashprice, times", "factor", 1.0, "What a hash earns at the same Bitcoin price: network and fees."),
    ("power", "Grid power price, times", "factor", 1.0, "The market price of every hour, not delivery, adders, blocks or own sources."),
    ("ai", "AI rents and prices, times", "factor", 1.0, "Rents of leases and prices of cloud services."),
    ("capex", "Prices of what is ordered, times", "factor", 1.0, "Rigs at spot, halls, interconnection, equipment. Not strikes of options."),
    ("overhead", "Overhead, times", "factor", 1.0, "Overhead of the company."),
    ("share", "Share price, times", "factor", 1.0, "The whole path; conversion prices of new convertibles follow it."),
    ("coupon", "Coupons, plus", "per year", 0.0, "Added to the coupon of every debt: 0.01 is one point."),
)  # fmt: skip


#: a mark of a single input in a formula
MARK = re.compile(r"#\d+#")
#: first words of the keys of single inputs -> heading, in the order in which they are shown
GROUPS = (
    (("factor",), "What-if factors: the plan's decisions stay as they are, all else follows"),
    (("cash", "coins", "coin_fee", "shares", "rescue_penalty", "opening_ppe", "opening_ppe_months"), "Company and treasury"),
    (("discount", "terminal"), "Discounting, and what counts at the end"),
    (("tax",), "Tax"),
    (("debt",), "Debts"),
    (("equity",), "Shares"),
    (("site",), "Sites"),
    (("rig",), "Rigs"),
    (("ai",), "AI services"),
    (("item",), "Payments for what is ordered, and lives in the books"),
    (("rule", "earned"), "Rules"),
)


def _order(keys: list[str], key: str) -> tuple[int, int]:
    """Inputs of one thing ('debt/notes/...') together, things in the order in which they came up."""
    thing = key.split("/")[:2]
    return next(n for n, other in enumerate(keys) if other.split("/")[:2] == thing), keys.index(key)


class Frame:
    """Sheets of inputs and the terms that calculations share.

    Figures of dates: column d is date d. What happens in period t stands at date t + 1, where it settles; capacities of period t at date t.
    """

    def __init__(self, problem: Problem, decisions: Decisions, shown: int) -> None:
        self.problem, self.decisions, self.shown = problem, decisions, shown
        self.periods, self.dates, self.scenarios = problem.clock.periods, problem.clock.dates, problem.scenarios.count
        self.month = [int(m) for m in problem.clock.date_month]
        self.inputs = Sheet("Inputs", "Inputs: scenario, what-if factors, terms", 1, "input")
        self.paths_sheet = Sheet("Paths", "Inputs: paths in time of every scenario", self.dates, "input")
        self.decisions_sheet = Sheet("Decisions", "Inputs: what the plan decides, and the hours that follow", self.dates, "input")
        self._terms: dict[str, Row] = {}
        self.emissions: dict[str, Array] = {}  # site -> (S, T) t CO2
        self.retain: Row = NOTHING  # share of mined coins that is kept
        self.inputs.note("Scenario", "section")
        self.pick_row = self.inputs.row("Scenario picked (number)", lambda d: float(shown + 1), "", "count", "input", "scenario")
        self.pick_row.remark = "Type a number from the list below: every sheet follows."
        names_at = self.inputs.next + 1
        self.name_row = self.inputs.row("Scenario picked", self._name(names_at), "", "text", "formula")
        for s, name in enumerate(problem.scenarios.names):
            self.inputs.row(f"   scenario {s + 1}", lambda d, name=name: name, "", "text", "text")  # type: ignore[misc]
        self.names_at = names_at
        self.selection = Selection(self.pick_row[0], problem.scenarios.names, shown)
        self.paths = Source(self.paths_sheet, self.selection)
        self.chosen = Source(self.decisions_sheet, self.selection)
        self.factor: dict[str, Term] = {}
        for key, label, unit, value, remark in FACTORS:
            self.factor[key] = self.given(f"factor/{key}", label, value, unit, "factor" if key != "coupon" else "rate", remark)
        self.paths_sheet.note("Time", "section")
        clock = problem.clock
        self.calendar = [date(m // 12, m % 12 + 1, 1) for m in (clock.start_month + clock.date_month).tolist()]
        self.headings = tuple(day.isoformat() for day in self.calendar)
        self.days = self.paths_sheet.row(
            "Date", lambda d: float((self.calendar[d] - SPREADSHEET_EPOCH).days), "", "date", "input"
        )
        self.months = self.paths_sheet.row(
            "Months from the start", lambda d: float(clock.date_month[d]), "months", "count", "input"
        )
        self.years = self.paths_sheet.row(
            "Length of the period that ends here", lambda d: (self.months[d] - self.months[d - 1]) / 12, "years", "plain", first=1
        )

    def _name(self, names_at: int) -> Callable[[int], Term]:
        count, names, shown = self.scenarios, self.problem.scenarios.names, self.shown

        def make(d: int) -> Term:
            column = self.inputs.letters(0)
            return Term(f"INDEX({column}{names_at}:{column}{names_at + count - 1},{self.pick_row.place(0)})", names[shown])

        return make

    def given(self, key: str, label: str, value: float, unit: str, look: str, remark: str = "") -> Term:
        """A single input; one that was given before under the same key is the same cell."""
        row = self._terms.get(key)
        if row is None:
            row = self._terms[key] = Row(self.inputs, 0, label, lambda d: float(value), unit, look, "input", key, 0, 1)
            row.mark, row.remark = f"#{len(self._terms)}#", remark
        return row[0]

    def finish(self) -> None:
        """Give every single input its place: under the heading of its group, in the order in which groups and inputs came up."""
        self._places: dict[str, str] = {}
        marks = {key: row.mark for key, row in self._terms.items()}
        for group, heading in GROUPS:
            found = [key for key in self._terms if key.split("/")[0] in group]
            if not found:
                continue
            self.inputs.note(heading, "section")
            for key in sorted(found, key=lambda key: _order(found, key)):
                row = self._terms[key]
                row.number, row.mark = self.inputs.next, ""
                self.inputs.rows.append(row)
                self.inputs.next += 1
                self._places[marks[key]] = str(row.number)
        missing = set(marks.values()) - set(self._places)
        assert not missing, missing

    def resolved(self, formula: str) -> str:
        """A formula with the places of single inputs."""
        return MARK.sub(lambda found: self._places[found[0]], formula) if "#" in formula else formula

    def fixed(self, key: str, label: str, value: float, unit: str, look: str, remark: str = "") -> Term:
        """A single input where it is not 0; else the number 0."""
        return self.given(key, label, value, unit, look, remark) if value else term(0)

    # ---- arrays -----------------------------------------------------------------------------------------------------
    def settles(self, values: Array) -> Array:
        """(S, T) of periods, at the dates at which they settle: (S, D), nothing at date 0."""
        return np.concatenate([np.full((len(values), 1), np.nan), values], axis=1)

    def standing(self, values: Array) -> Array:
        """(S, T) of periods, at the dates at which they begin: (S, D), nothing at the last."""
        return np.concatenate([values, np.full((len(values), 1), np.nan)], axis=1)

    def decided(self, table: Mapping[Key, Array], key: Key) -> Array:
        """(S, D) a decision."""
        return decided(table, key, self.problem)

    @cached_property
    def zero(self) -> Array:
        """(S, D) zeros."""
        return np.zeros((self.scenarios, self.dates))

    @cached_property
    def year_of(self) -> list[int]:
        """(D,) index of the tax year of each date's flows."""
        return [int(y) for y in calendar(self.problem.clock).year_of_date]

    @cached_property
    def dates_of(self) -> list[tuple[int, int]]:
        """First and last date of each tax year."""
        years = self.year_of
        return [(years.index(y), len(years) - 1 - years[::-1].index(y)) for y in range(self.problem.clock.tax_years)]

    def month_at(self, date: int) -> int:
        """Months from date 0; beyond the horizon at the last period's step."""
        if date <= self.periods:
            return self.month[date]
        return self.month[-1] + (date - self.periods) * int(self.problem.clock.months[-1])
