"""The statements as rows, and what a table is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.dates import iso_dates

if TYPE_CHECKING:
    from models.problem import Problem
    from models.proforma.books import Books

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """A header and rows; every cell a text, a number or None (empty)."""

    header: tuple[str, ...]
    rows: list[tuple[Cell, ...]]


def statement_table(problem: Problem, books: Books) -> Table:
    """Every line of the statements, the tax returns (at the year's last date) and the ledger, tidy."""
    dates = iso_dates(problem.clock)
    tax_dates = [dates[d] for d in problem.clock.last_date_of_year]
    parts = (
        ("income", books.income, dates),
        ("cash_flow", books.cash_flow, dates),
        ("balance_sheet", books.balance_sheet, dates),
        ("tax", books.tax, tax_dates),
        ("ledger", books.ledger, dates),
    )
    rows: list[tuple[Cell, ...]] = []
    for statement, lines, at in parts:
        for line, values in lines.items():
            for scenario, amounts in zip(problem.scenarios.names, values.tolist(), strict=True):
                rows.extend((statement, line, scenario, day, amount) for day, amount in zip(at, amounts, strict=True))
    return Table(("statement", "line", "scenario", "date", "value"), rows)
