"""The files of the finance statements in a result folder: tidy rows, one figure each, NaN as an empty cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from models.finance.lines import EXPECTED
from optimizer.engine.views.tables import Table

if TYPE_CHECKING:
    from models.finance.bundle import FinanceStatements
    from models.finance.lines import Statement
    from optimizer.engine.solution import Solution
    from optimizer.engine.views.tables import Cell

HEADER = ("line", "unit", "scenario", "date", "value")


def _rows(one: Statement) -> list[tuple[Cell, ...]]:
    unit = {line.key: line.unit for line in one.lines}
    return [(key, unit[key], scenario, column, value) for key, scenario, column, value in one.rows()]


def _plain(choose: Callable[[FinanceStatements], Statement]) -> Callable[[Solution], Table]:
    return lambda solution: Table(HEADER, _rows(choose(solution.finance)))


def debt_schedules(solution: Solution) -> Table:
    """debt_schedules.csv: the schedule of each debt, without lines that are nothing at any date in any scenario."""
    rows: list[tuple[Cell, ...]] = []
    for name, one in solution.finance.debts.items():
        moves = {line.key for line in one.lines if one[line.key].any()}
        rows += [(name, *row) for row in _rows(one) if row[0] in moves]
    return Table(("instrument", *HEADER), rows)


def tax(solution: Solution) -> Table:
    """tax.csv: by calendar year."""
    return Table(("line", "unit", "scenario", "year", "value"), _rows(solution.finance.tax))


def cap_table(solution: Solution) -> Table:
    """cap_table.csv: shares by date, and conversion at the horizon at several multiples of the share price ('at' is 1.5x)."""
    parts = (solution.finance.cap_table, solution.finance.conversion)
    rows = [(one.name, *row) for one in parts for row in _rows(one)]
    return Table(("statement", "line", "unit", "scenario", "at", "value"), rows)


def returns(solution: Solution) -> Table:
    """returns.csv: every measure in expectation and by scenario, with the reason where it has no value."""
    found = solution.finance.returns
    rows: list[tuple[Cell, ...]] = []
    for one in found.measures:
        for scenario, (value, why) in zip((EXPECTED, *found.names), (one.expected, *one.scenarios), strict=True):
            rows.append((one.key, one.label, one.unit, scenario, value, why))
    return Table(("measure", "label", "unit", "scenario", "value", "note"), rows)


def cost_of_capital(solution: Solution) -> Table:
    """cost_of_capital.csv: what every source is expected to cost and is worth after each date, and all of them together."""
    found, dates = solution.finance.capital, solution.finance.dates
    rows: list[tuple[Cell, ...]] = []
    for one in found.claims:
        rows += [(one.name, "worth", "USD", day, float(usd), None) for day, usd in zip(dates, one.value, strict=True)]
        rows.append((one.name, "cost", "per year", None, *one.cost))
    for measure, values in found.by_date.items():
        unit = "USD" if measure in ("debt", "equity") else "ratio" if measure == "leverage" else "per year"
        rows += [("all", measure, unit, day, float(value), None) for day, value in zip(dates, values, strict=True)]
    return Table(("source", "measure", "unit", "date", "value", "note"), rows)


def npv_bridge(solution: Solution) -> Table:
    """npv_bridge.csv: from the value of the business to that of its owners, present values in expectation and by scenario."""
    bridge = solution.finance.bridge
    labels = {line.key: line.label for line in bridge.lines}
    return Table(
        ("item", "label", "scenario", "value"), [(key, labels[key], scenario, usd) for key, scenario, _, usd in bridge.rows()]
    )


FINANCE_TABLES: dict[str, Callable[[Solution], Table]] = {
    "income_statement.csv": _plain(lambda f: f.income),
    "cash_flow.csv": _plain(lambda f: f.cash_flow),
    "balance_sheet.csv": _plain(lambda f: f.balance_sheet),
    "sources_uses.csv": _plain(lambda f: f.sources_uses),
    "debt_schedules.csv": debt_schedules,
    "tax.csv": tax,
    "credit_ratios.csv": _plain(lambda f: f.credit_ratios),
    "cap_table.csv": cap_table,
    "returns.csv": returns,
    "cost_of_capital.csv": cost_of_capital,
    "npv_bridge.csv": npv_bridge,
}

#: measures that are also key figures of summary.json
KEY_MEASURES = (
    "mirr",
    "payback",
    "discounted_payback",
    "business_npv",
    "business_irr",
    "dscr_min",
    "dscr_avg",
    "llcr",
    "net_debt_to_ebitda_max",
    "net_debt_to_ebitda_end",
    "liquidity_low",
    "cost_of_capital",
    "cost_of_all_capital",
    "relevered",
    "after_horizon",
    "after_horizon_share",
)


def key_returns(solution: Solution) -> dict[str, Cell]:
    """The measures that summary.json shows among its key figures, in expectation; None where one has no meaning."""
    return {key: solution.finance.returns[key].expected[0] for key in KEY_MEASURES}
