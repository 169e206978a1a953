"""Pro forma of tax: one return per year by rule, losses and interest used as far as the law allows (README 11)."""

from __future__ import annotations

import numpy as np

from models.problem import Array, Problem, Tax
from models.proforma.calendar import calendar

LINES = (
    "profit",
    "depreciation",
    "issue_costs",
    "interest_accrued",
    "interest_base",
    "interest_deducted",
    "interest_carryforward",
    "income",
    "nol_opening",
    "nol_added",
    "nol_used",
    "nol_closing",
    "taxable",
    "tax",
)


class TaxReturns:
    """Carries losses and undeducted interest from year to year; lines (S, Y) USD."""

    def __init__(self, problem: Problem, depreciation: Array) -> None:
        scenarios, years = problem.scenarios.count, calendar(problem.clock).tax_years
        self.terms = problem.tax or Tax(rate=0.0, nol=0.0, nol_cap=1.0, existing_depreciation=np.zeros(0))
        self.depreciation = depreciation
        self.lines = {line: np.zeros((scenarios, years)) for line in LINES}
        self.losses = np.full(scenarios, float(self.terms.nol))
        self.waiting = np.zeros(scenarios)

    def file(self, year: int, profit: Array, interest: Array, issue_costs: Array) -> Array:
        """Tax (S,) USD of a year.

        profit: taxable income before depreciation, interest and issue costs; interest: accrued, with commitment fees;
        issue_costs: amortised discount and fees, and redemption premiums, which the interest limit leaves alone.
        """
        terms = self.terms
        worn = self.depreciation[:, year]
        claimed = interest + self.waiting
        limit = terms.interest_limit
        base = profit if limit is None or limit.ebitda else profit - worn
        if limit is not None and year >= limit.first_year:
            deducted = np.minimum(claimed, limit.share * np.maximum(base, 0.0))
        else:
            deducted = claimed
        self.waiting = claimed - deducted
        income = profit - worn - deducted - issue_costs
        gain, loss = np.maximum(income, 0.0), np.maximum(-income, 0.0)
        used = np.minimum(terms.nol_cap * gain, self.losses)
        closing = self.losses + loss - used
        tax = terms.rate * (gain - used)
        values = {
            "profit": profit,
            "depreciation": worn,
            "issue_costs": issue_costs,
            "interest_accrued": interest,
            "interest_base": base,
            "interest_deducted": deducted,
            "interest_carryforward": self.waiting,
            "income": income,
            "nol_opening": self.losses,
            "nol_added": loss,
            "nol_used": used,
            "nol_closing": closing,
            "taxable": gain - used,
            "tax": tax,
        }
        for line, value in values.items():
            self.lines[line][:, year] = value
        self.losses = closing
        return np.asarray(tax)
