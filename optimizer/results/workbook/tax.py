"""Tax by calendar year: columns are years, entries sums over the dates of the year."""

from __future__ import annotations

import numpy as np

from models.finance.lines import Statement
from models.problem import InterestLimit, Tax
from optimizer.results.workbook.expressions import ZERO, Term, largest, least, total
from optimizer.results.workbook.plant import tax_depreciation
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet
from optimizer.results.workbook.statements import Entry, Parts, statement_rows


def tax_sheet(parts: Parts, statement: Statement, workings: Sheet) -> Sheet:
    """The tax sheet; tables of depreciation go to `workings`. Fills what is paid at the last date of each year."""
    frame, debts = parts.frame, parts.debts
    problem, clock = frame.problem, frame.problem.clock
    terms = problem.tax or Tax(rate=0.0, nol=0.0, nol_cap=1.0, existing_depreciation=np.zeros(0))
    sheet = Sheet("Tax", statement.title, clock.tax_years, "statement")
    income = parts.rows["income_statement"]
    rate = frame.given("tax/rate", "Tax rate", terms.rate, "of income", "percent")
    losses = frame.given("tax/nol", "Losses carried in", terms.nol, "USD", "usd")
    cap = frame.given("tax/nol_cap", "Share of income that losses may offset", terms.nol_cap, "share", "percent")
    limit = terms.interest_limit
    limit_share = ZERO if limit is None else frame.given(
        "tax/interest_limit", "Interest may be deducted up to", limit.share, "of income before it", "percent"
    )  # fmt: skip
    old = NOTHING
    if len(terms.existing_depreciation) and terms.existing_depreciation.any():
        old = frame.paths.series(
            "Tax depreciation of what was owned at the start",
            frame.settles(terms.existing_depreciation[None, :]),
            "USD/year",
            "usd",
        )
    deducted = tax_depreciation(frame, workings, parts.plant)
    straight = workings.row("Discount and fees of all debts deducted for tax", lambda d: debts.all("straight_line", d))
    exempt = workings.row(
        "Given flows and projects that are not taxed",
        lambda d: sum((row[d] for rows in (*parts.given.values(), parts.projects) for row, taxed in rows if not taxed), ZERO),
    )
    existing = workings.row("Tax depreciation of what was owned at the start", lambda d: old[d] * frame.years[d] if d else ZERO)
    parts.rows["tax"] = rows = {}

    def year(row: Row, y: int) -> Term:
        first, last = frame.dates_of[y]
        return total(row.span(first, last))

    def of(key: str) -> Entry:
        return lambda y: year(income[key], y)

    def before(key: str, y: int) -> Term:
        return parts.rows["tax"][key][y - 1] if y else ZERO

    entries: dict[str, Entry] = {
        "pretax_income": of("pretax_income"),
        "book_depreciation": of("depreciation"),
        "option_fees": of("option_fees"),
        "book_issue_costs": lambda y: year(income["issue_cost_amortisation"], y) + year(income["redemption_loss"], y),
        "interest_expense": lambda y: year(income["coupon_interest"], y) + year(income["commitment_fees"], y),
        "exempt": lambda y: year(exempt, y),
        "tax_depreciation": lambda y: deducted(y) + year(existing, y),
        "tax_issue_costs": lambda y: year(straight, y) + year(income["redemption_premium"], y),
        "interest_deducted": lambda y: _interest_deducted(parts.rows["tax"], limit, limit_share, y),
        "nol_opening": lambda y: losses,
        "nol_added": lambda y: largest(-parts.rows["tax"]["income"][y], 0.0),
        "nol_used": lambda y: least(cap * largest(parts.rows["tax"]["income"][y], 0.0), parts.rows["tax"]["nol_opening"][y]),
        "tax": lambda y: rate * parts.rows["tax"]["taxable"][y],
        "waiting_opening": lambda y: ZERO,
        "tax_basis_gap": lambda y: (
            before("tax_basis_gap", y) + (parts.rows["tax"]["tax_depreciation"][y] - parts.rows["tax"]["book_depreciation"][y])
        ),
        "deferred_tax": lambda y: (
            rate
            * (
                parts.rows["tax"]["nol_closing"][y]
                + parts.rows["tax"]["waiting_closing"][y]
                - parts.rows["tax"]["tax_basis_gap"][y]
                - costs[y]
            )
        ),
    }
    rows.update(statement_rows(sheet, statement, entries))
    costs = sheet.row(
        "Issue costs deducted before the books, so far",
        lambda y: (costs[y - 1] if y else ZERO) + (rows["tax_issue_costs"][y] - rows["book_issue_costs"][y]),
    )
    last = {int(d): y for y, d in enumerate(clock.last_date_of_year)}
    parts.tax_paid = lambda d: rows["tax"][last[d]] if d in last else ZERO
    return sheet


def _interest_deducted(rows: dict[str, Row], limit: InterestLimit | None, limit_share: Term, y: int) -> Term:
    """Interest of the year and what waits, up to the limit's share of income before interest."""
    claimed = rows["interest_expense"][y] + rows["waiting_opening"][y]
    if limit is None or y < limit.first_year:
        return claimed
    base = (
        rows["pretax_income"][y] + rows["book_depreciation"][y] + rows["option_fees"][y] + rows["book_issue_costs"][y]
        + rows["interest_expense"][y] - rows["exempt"][y]
    )  # fmt: skip
    if not limit.ebitda:
        base = base - rows["tax_depreciation"][y]
    return least(claimed, limit_share * largest(base, 0.0))
