"""All sheets of the workbook, in the order in which finance reads them, and the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.results.workbook.cap_table import cap_sheet
from optimizer.results.workbook.checks import checks_sheet
from optimizer.results.workbook.covenants import covenant_sheet, rule_rows
from optimizer.results.workbook.debt_terms import bears_costs
from optimizer.results.workbook.debts import debt_sheets
from optimizer.results.workbook.errors import WorkbookError
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.operations import market_paths, operations
from optimizer.results.workbook.plant import plant_sheet
from optimizer.results.workbook.returns import returns_sheets
from optimizer.results.workbook.sheets import Sheet
from optimizer.results.workbook.statements import (
    Parts,
    balance_sheet,
    cash_flow,
    debt_schedules,
    income_statement,
    other_flows,
    sources_uses,
)
from optimizer.results.workbook.tax import tax_sheet
from optimizer.results.workbook.writer import Writer

if TYPE_CHECKING:
    from models.decisions import Decisions
    from models.finance.bundle import FinanceStatements
    from models.problem import Problem
    from models.proforma.books import Books
    from optimizer.engine.solution import Solution

#: relative: what a formula may differ by from the program's figure; and in dollars (and shares), where large figures cancel
FORMULA_TOLERANCE, SMALLEST_DIFFERENCE = 1e-9, 1e-5
ABOUT = (
    "The plan's decisions are inputs (sheet Decisions): orders, contracts, faces issued, draws, repayments, calls, dividends, coins sold,",
    "and the energy of the hours by use and source. They stay as they are when another input changes: nothing is optimised anew here.",
    "All else is a formula: change a scenario, a factor, a coupon or a price on the sheets Inputs and Paths, and every sheet follows.",
    "So does cash: where the plan's decisions no longer fit the inputs it goes below zero, and the sheet Checks says so.",
    "Prices of power are means over the hours that the plan uses; hours themselves are not here (dispatch.parquet has them).",
    "Fixed with the plan: dates, lead times, tenors, grace periods, calendars of payment (sheet Paths) and depreciation tables (sheet Plant).",
    "Rules in expectation over scenarios are not worked out: a workbook looks at one scenario at a time.",
    "The sheet All scenarios holds what the program worked out for every scenario and in expectation: values, which do not follow inputs.",
    "Blue figures on a tint are inputs; black ones are formulas. Figures of a period stand at the date at which it ends.",
)  # fmt: skip


@dataclass
class Made:
    """A workbook before it is written: its sheets with headings, its frame, its parts."""

    frame: Frame
    parts: Parts
    sheets: list[tuple[Sheet, tuple[object, ...]]]


def workbook(solution: Solution) -> bytes:
    """workbook.xlsx of a solved plan, with live formulas.

    The scenario that it opens on is the most probable one. Raises WorkbookError where the plan has something that no formula covers, or a
    formula does not come to the program's figure; ValueError for a solution without a plan.
    """
    if solution.books is None or solution.decisions is None:
        raise ValueError(f"the solution is {solution.outcome.name.lower()}: there is no plan to write a workbook of")
    name = solution.case.name if solution.variant is None else f"{solution.case.name}, {solution.variant}"
    return written(name, solution.problem, solution.decisions, solution.books, solution.finance)


def written(name: str, problem: Problem, decisions: Decisions, books: Books, finance: FinanceStatements) -> bytes:
    """The file of a plan with its books and statements."""
    shown = int(np.argmax(problem.scenarios.probability))
    made = build(problem, decisions, books, finance, shown)
    compare(made, books, finance, shown)
    writer = Writer(name, made.frame.resolved)
    status = _status(made)
    for sheet, headings in made.sheets:
        widths = {"label": 64.0 if sheet.tab == "calculation" or sheet.name in ("Inputs", "Checks", "About") else 52.0}
        if sheet.name == "About":
            widths["label"] = 130.0
        page = writer.sheet(sheet, headings, widths, status)
        if sheet.name == "Inputs":
            page.data_validation(
                made.frame.pick_row.number - 1,
                3,
                made.frame.pick_row.number - 1,
                3,
                {
                    "validate": "integer",
                    "criteria": "between",
                    "minimum": 1,
                    "maximum": problem.scenarios.count,
                    "error_title": "Scenario",
                    "error_message": f"A whole number from 1 to {problem.scenarios.count}.",
                },
            )
            page.set_column(4, 4, 90)
    return writer.bytes()


def build(problem: Problem, decisions: Decisions, books: Books, finance: FinanceStatements, shown: int) -> Made:
    """Sheets, rows and formulas; cells are worked out."""
    _refuse(problem, decisions)
    frame = Frame(problem, decisions, shown)
    market = market_paths(frame)
    retain = problem.treasury.retain
    frame.retain = frame.paths.series("Share of mined coins that is kept", frame.settles(retain[None, :]), "share", "percent")
    frame.emissions = {place: v for (place, quantity), v in books.power.items() if quantity == "emissions_t"}
    plant_page, plant = plant_sheet(frame)
    operations_page, ops = operations(frame, market, plant)
    debt_page, effective_page, debts = debt_sheets(frame, market)
    parts = Parts(frame, market, plant, ops, debts)
    frame.paths_sheet.note("Company", "section")
    frame.decisions_sheet.note("Company", "section")
    other_flows(parts)
    income = income_statement(parts, finance.income)
    cash = cash_flow(parts, finance.cash_flow)
    balance = balance_sheet(parts, finance.balance_sheet)
    uses = sources_uses(parts, finance.sources_uses)
    schedules = debt_schedules(parts, finance.debts)
    workings = Sheet("Workings", "Workings of tax and checks", frame.dates)
    tax = tax_sheet(parts, finance.tax, workings)
    covenants = covenant_sheet(parts, finance.credit_ratios)
    caps = cap_sheet(parts, finance.cap_table, finance.conversion)
    returns, rates, flows = returns_sheets(parts, finance.returns)
    rules = rule_rows(parts, covenants)
    checks = checks_sheet(parts, flows, rules, workings)
    about = Sheet("About", "Finance workbook of a plan", 1, "input")
    for line in ABOUT:
        about.note(line)
    every = _every_scenario(problem, books, finance)
    frame.finish()
    dates = frame.headings
    years = tuple(finance.tax.columns)
    by_date = [frame.paths_sheet, frame.decisions_sheet, plant_page, operations_page, debt_page, effective_page]
    by_date += [income, cash, balance, uses, schedules, covenants, caps, workings]
    for d in range(max(sheet.columns for sheet in by_date)):
        for sheet in by_date:
            for row in sheet.rows:
                if row.first <= d < row.end:
                    row.cell(d)
    beyond = tuple(f"month {frame.month_at(e)}" if e > frame.periods else dates[e] for e in range(effective_page.columns))
    order: list[tuple[Sheet, tuple[object, ...]]] = [
        (about, ()),
        (frame.inputs, ("Value", "")),
        (frame.paths_sheet, dates),
        (frame.decisions_sheet, dates),
        (uses, dates),
        (income, dates),
        (cash, dates),
        (balance, dates),
        (schedules, dates),
        (covenants, dates),
        (caps, dates),
        (tax, years),
        (returns, ("Value",)),
        (every[0], every[1]),
        (checks, ("Left", "Of", "Holds")),
        (operations_page, dates),
        (plant_page, dates),
        (debt_page, dates),
        (effective_page, beyond),
        (workings, dates),
        (rates, ()),
    ]
    kept = [(sheet, headings) for sheet, headings in order if sheet.rows or sheet.notes]
    return Made(frame, parts, kept)


def _refuse(problem: Problem, decisions: Decisions) -> None:
    """What no formula covers."""
    if problem.objective.rates is not None:
        raise WorkbookError("no workbook is written: value counted by parts (`value: apv`) has no formulas in it")
    for debt in problem.debts:
        if bears_costs(debt) and debt.is_strip and 1.0 - debt.price + debt.fee >= 1.0:
            raise WorkbookError(f"no workbook is written: {debt.name} costs its whole face to issue, which has no effective rate")


def _status(made: Made) -> tuple[str, str]:
    """Beside every title: the scenario picked, and the master flag."""
    inputs, master = made.frame.name_row, made.parts.master
    name = made.frame.selection.names[made.frame.shown]
    flag = f"{master.sheet.prefix}{master.place(2)}"
    value = "all checks hold" if master.cell(2).value == 1.0 else "CHECK: see the sheet Checks"
    formula = f'"Scenario: "&Inputs!{inputs.place(0)}&" | "&IF({flag}=1,"all checks hold","CHECK: see the sheet Checks")'
    return formula, f"Scenario: {name} | {value}"


def _every_scenario(problem: Problem, books: Books, finance: FinanceStatements) -> tuple[Sheet, tuple[object, ...]]:
    """Measures of every scenario and in expectation, as the program worked them out."""
    names = problem.scenarios.names
    sheet = Sheet(
        "All scenarios", "All scenarios: values from the program, which do not follow inputs", 1 + len(names), "statement"
    )
    sheet.note("Objective", "heading")
    looks = {"USD": "usd", "per year": "percent", "ratio": "ratio", "years": "plain"}

    def values(label: str, unit: str, figures: list[float | None], look: str) -> None:
        sheet.row(label, lambda k: "n/a" if figures[k] is None else figures[k], unit, look, "text", end=len(figures))

    values("Probability", "share", [1.0, *map(float, problem.scenarios.probability)], "percent")
    values("Objective", "USD", [books.objective], "usd")
    values("Value at risk (lower tail)", "USD", [books.var], "usd")
    values("Conditional value at risk", "USD", [books.cvar], "usd")
    sheet.note("Measures", "heading")
    for one in finance.returns.measures:
        figures = [one.expected[0], *(value for value, _ in one.scenarios)]
        values(one.label, one.unit, figures, looks.get(one.unit, "plain"))
    return sheet, ("Expected", *names)


def compare(made: Made, books: Books, finance: FinanceStatements, shown: int) -> None:
    """Every row that the program has too comes to the program's figures. Raises WorkbookError."""
    plain = (finance.income, finance.cash_flow, finance.balance_sheet, finance.sources_uses, finance.tax)
    known = {one.name: one for one in (*plain, finance.credit_ratios, finance.cap_table, finance.conversion)}
    known |= {f"debt:{name}": one for name, one in finance.debts.items()}
    for sheet, _ in made.sheets:
        for row in sheet.rows:
            name, _, line = row.key.partition("/") if row.kind != "input" else ("", "", "")
            if name in known:
                theirs = known[name][line][shown]
            elif name == "ledger":
                theirs = books.ledger[line][shown]
            else:
                continue
            mine = [row.cell(d).value for d in range(row.first, row.end)]
            theirs = theirs[row.first : row.end]
            least = SMALLEST_DIFFERENCE if row.unit in ("USD", "shares") else FORMULA_TOLERANCE
            for d, (a, b) in enumerate(zip(mine, theirs.tolist(), strict=True)):
                fine = (
                    isinstance(a, str)
                    if np.isnan(b)
                    else isinstance(a, float) and abs(a - b) <= max(least, FORMULA_TOLERANCE * abs(b))
                )
                if not fine:
                    raise WorkbookError(
                        f"no workbook is written: {sheet.name}, {row.label}, figure {d + row.first + 1}: the formula gives {a}, the program {b}"
                    )
