"""Income statement: from revenue over EBITDA to net income. Costs are positive as costs."""

from __future__ import annotations

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement, less, linked, over_debts, plus

REVENUES = ("mining_revenue", "ai_rent", "ai_cloud", "reimbursements", "power_sales", "demand_response")
COSTS = ("energy_cost", "block_cost", "variable_costs", "shortfall_penalties", "excess_charges", "fixed_costs", "overhead")
WORN = ("rigs", "halls", "interconnection", "equipment", "opening")

LINES = (
    Line("mining_revenue", "Bitcoin mined, after pool fees", section="Revenue"),
    Line("ai_rent", "AI rents", section="Revenue"),
    Line("ai_cloud", "AI cloud", section="Revenue"),
    Line("reimbursements", "Power reimbursed by tenants", section="Revenue"),
    Line("power_sales", "Power sold", section="Revenue"),
    Line("demand_response", "Demand response", section="Revenue"),
    Line("revenue", "Revenue", sums=plus(*REVENUES), section="Revenue"),
    Line("energy_cost", "Energy", section="Operating costs"),
    Line("block_cost", "Power blocks", section="Operating costs"),
    Line("variable_costs", "Variable costs", section="Operating costs"),
    Line("shortfall_penalties", "Penalties for AI energy not served", section="Operating costs"),
    Line("excess_charges", "Charges above energy budgets and emission caps", section="Operating costs"),
    Line("fixed_costs", "Fixed costs of sites, rigs and services", section="Operating costs"),
    Line("overhead", "Overhead", section="Operating costs"),
    Line("operating_costs", "Operating costs", sums=plus(*COSTS), section="Operating costs"),
    Line("operating_cash_flows", "Given operating flows", section="Operating costs"),
    Line(
        "ebitda",
        "EBITDA",
        sums=(*plus("revenue", "operating_cash_flows"), *less("operating_costs")),
        section="EBITDA",
    ),
    Line("depreciation_rigs", "Depreciation of rigs", section="Depreciation"),
    Line("depreciation_halls", "Depreciation of halls", section="Depreciation"),
    Line("depreciation_interconnection", "Depreciation of interconnection and batteries", section="Depreciation"),
    Line("depreciation_equipment", "Depreciation of AI equipment", section="Depreciation"),
    Line("depreciation_opening", "Depreciation of opening plant", section="Depreciation"),
    Line("depreciation", "Depreciation", sums=plus(*(f"depreciation_{kind}" for kind in WORN)), section="Depreciation"),
    Line("option_fees", "Fees of rig options", section="Other"),
    Line("other_cash_flows", "Given other flows and projects", section="Other"),
    Line("resale", "Rigs sold", section="Other"),
    Line("coin_gains", "Change in fair value of coins, less cost of selling", section="Other"),
    Line(
        "operating_income",
        "Operating income",
        sums=(*plus("ebitda", "other_cash_flows", "resale", "coin_gains"), *less("depreciation", "option_fees")),
        section="Other",
    ),
    Line("cash_yield", "Interest income", section="Financing"),
    Line("coupon_interest", "Coupons accrued", section="Financing"),
    Line("commitment_fees", "Commitment fees", section="Financing"),
    Line("issue_cost_amortisation", "Discount and fees, effective interest", section="Financing"),
    Line(
        "interest_expense",
        "Interest expense",
        sums=plus("coupon_interest", "commitment_fees", "issue_cost_amortisation"),
        section="Financing",
    ),
    Line("redemption_premium", "Premium paid at calls and puts", section="Financing"),
    Line("issue_costs_written_off", "Discount and fees left at calls and puts", section="Financing"),
    Line(
        "redemption_loss", "Loss on redemption", sums=plus("redemption_premium", "issue_costs_written_off"), section="Financing"
    ),
    Line(
        "pretax_income",
        "Income before tax",
        sums=(*plus("operating_income", "cash_yield"), *less("interest_expense", "redemption_loss")),
        section="Result",
    ),
    Line("tax", "Income tax (current)", section="Result"),
    Line("net_income", "Net income", sums=(*plus("pretax_income"), *less("tax")), section="Result"),
)

#: lines besides that are those of the books, under the same name
OTHERS = (
    "operating_cash_flows",
    "option_fees",
    "other_cash_flows",
    "resale",
    "coin_gains",
    "cash_yield",
    "redemption_premium",
    "tax",
)


def income_statement(context: StatementContext) -> Statement:
    """The income statement of every scenario."""
    books = context.books
    entries = {key: books.income[key] for key in (*REVENUES, *COSTS, *OTHERS)}
    entries |= {f"depreciation_{kind}": books.plant[f"depreciation[{kind}]"] for kind in WORN}
    entries |= {
        "coupon_interest": context.debt("interest_accrued"),
        "commitment_fees": context.debt("commitment_accrued"),
        "issue_cost_amortisation": context.debt("effective_amortisation"),
        "issue_costs_written_off": context.debt("written_off"),
    }
    debts = tuple(books.schedules)
    equals = {
        "coupon_interest": over_debts(debts, "accrued"),
        "commitment_fees": over_debts(debts, "commitment"),
        "issue_cost_amortisation": over_debts(debts, "amortised"),
        "redemption_premium": over_debts(debts, "premium"),
        "issue_costs_written_off": over_debts(debts, "written_off"),
    }
    signs = "revenue and income positive; costs positive as costs"
    return context.statement("income_statement", "Income statement", linked(LINES, equals), entries, signs)
