"""Tax by calendar year: from income in the books to taxable income, losses carried forward, and what is left to deduct later."""

from __future__ import annotations

import numpy as np

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement, less, plus, statement

BRIDGE_PLUS = ("pretax_income", "book_depreciation", "option_fees", "book_issue_costs", "interest_expense")
BRIDGE_LESS = ("exempt", "tax_depreciation", "tax_issue_costs", "interest_deducted")

LINES = (
    Line("pretax_income", "Income before tax, books", section="Taxable income"),
    Line("book_depreciation", "Depreciation in the books", section="Taxable income"),
    Line("option_fees", "Option fees, not deductible", section="Taxable income"),
    Line("book_issue_costs", "Discount, fees and premium in the books", section="Taxable income"),
    Line("interest_expense", "Coupons and commitment fees accrued", section="Taxable income"),
    Line("exempt", "Flows that are not taxed", section="Taxable income"),
    Line("tax_depreciation", "Tax depreciation", section="Taxable income"),
    Line("tax_issue_costs", "Discount, fees and premium deducted", section="Taxable income"),
    Line("interest_deducted", "Interest deducted", section="Taxable income"),
    Line(
        "income",
        "Taxable income before losses",
        sums=(*plus(*BRIDGE_PLUS), *less(*BRIDGE_LESS)),
        section="Taxable income",
    ),
    Line("nol_opening", "Losses carried in", kind="opening", opens="nol_closing", section="Losses"),
    Line("nol_added", "Loss of the year", section="Losses"),
    Line("nol_used", "Losses used", section="Losses"),
    Line(
        "nol_closing",
        "Losses carried out",
        kind="stock",
        sums=(*plus("nol_opening", "nol_added"), *less("nol_used")),
        section="Losses",
    ),
    Line("taxable", "Taxable income", sums=(*plus("income", "nol_added"), *less("nol_used")), section="Tax"),
    Line("tax", "Tax paid", section="Tax"),
    Line(
        "effective_rate", "Tax over income before tax", kind="ratio", unit="ratio", ratio=("tax", "pretax_income"), section="Tax"
    ),
    Line("waiting_opening", "Interest waiting before", kind="opening", opens="waiting_closing", section="Interest limit"),
    Line(
        "waiting_closing",
        "Interest waiting to be deducted",
        kind="stock",
        sums=(*plus("waiting_opening", "interest_expense"), *less("interest_deducted")),
        section="Interest limit",
    ),
    Line("tax_basis_gap", "Depreciation taken for tax before the books", kind="stock", section="Not recognised", memo=True),
    Line("deferred_tax", "Deferred tax, net asset, not recognised", kind="stock", section="Not recognised", memo=True),
)


def tax_statement(context: StatementContext, income: Statement) -> Statement:
    """Columns are calendar years; lines of the tax returns of the books beside those of the income statement."""
    problem, returns = context.problem, context.books.tax
    year = context.by_year
    taxed = sum((flow.amount for flow in problem.cash_flows if flow.taxable), context.zero)
    for project in problem.projects:
        if project.taxable:
            taxed = taxed + np.einsum("sd,sde->se", context.decided(context.decisions.units, project.name), project.cash)
    book_depreciation = year(income["depreciation"])
    book_costs = year(income["issue_cost_amortisation"] + income["redemption_loss"])
    waiting = returns["interest_carryforward"]
    gap = np.cumsum(returns["depreciation"] - book_depreciation, axis=1)
    costs = np.cumsum(returns["issue_costs"] - book_costs, axis=1)
    rate = problem.tax.rate if problem.tax is not None else 0.0
    entries = {
        "pretax_income": year(income["pretax_income"]),
        "book_depreciation": book_depreciation,
        "option_fees": year(income["option_fees"]),
        "book_issue_costs": book_costs,
        "interest_expense": year(income["coupon_interest"] + income["commitment_fees"]),
        "exempt": year(income["operating_cash_flows"] + income["other_cash_flows"] - taxed),
        "tax_depreciation": returns["depreciation"],
        "tax_issue_costs": returns["issue_costs"],
        "interest_deducted": returns["interest_deducted"],
        "nol_opening": returns["nol_opening"],
        "nol_added": returns["nol_added"],
        "nol_used": returns["nol_used"],
        "tax": returns["tax"],
        "waiting_opening": np.concatenate([np.zeros_like(waiting[:, :1]), waiting[:, :-1]], axis=1),
        "tax_basis_gap": gap,
        "deferred_tax": rate * (returns["nol_closing"] + waiting - gap - costs),
    }
    first = int(problem.clock.calendar_year[0])
    years = tuple(range(first, first + problem.clock.tax_years))
    odds = problem.scenarios
    columns = [str(y) for y in years]
    signs = "income, deductions, losses and tax positive"
    return statement("tax", "Tax and losses carried forward", LINES, entries, columns, odds.names, odds.probability, years, signs)
