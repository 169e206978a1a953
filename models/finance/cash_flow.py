"""Cash flow statement: direct, in three parts, and from net income to operating cash. Payments are negative."""

from __future__ import annotations

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement, less, link, linked, over_debts, plus
from models.proforma.words import at_period_ends

OPERATING = (
    "cash_margin",
    "ai_rent",
    "excess_charges",
    "fixed_costs",
    "overhead",
    "operating_cash_flows",
    "cash_yield",
    "interest",
    "tax",
)
CAPEX = ("capex_rigs", "capex_options", "capex_halls", "capex_interconnection", "capex_equipment")
INVESTING = (*CAPEX, "resale", "coin_sales", "other_cash_flows")
FINANCING = ("debt_issued", "principal", "calls", "puts", "revolver", "capped_calls", "equity", "rescue", "dividends")
#: what takes net income to operating cash: no cash, or another part of the statement
ADDED_BACK = ("added_depreciation", "added_option_fees", "added_issue_costs", "added_redemption_premium", "added_interest_unpaid")
TAKEN_OUT = ("coins_kept", "coin_gains", "resale_gain", "other_income")

LINES = (
    Line("opening_cash", "Opening cash", kind="opening", opens="closing_cash", section="Cash"),
    Line("cash_margin", "Margin of sites, without coins kept", section="Operating"),
    Line("ai_rent", "AI rents", section="Operating"),
    Line("excess_charges", "Charges above energy budgets and emission caps", section="Operating"),
    Line("fixed_costs", "Fixed costs", section="Operating"),
    Line("overhead", "Overhead", section="Operating"),
    Line("operating_cash_flows", "Given operating flows", section="Operating"),
    Line("cash_yield", "Interest received", section="Operating"),
    Line("interest", "Interest and commitment fees paid", section="Operating"),
    Line("tax", "Tax paid", section="Operating"),
    Line("operating", "Cash from operations", sums=plus(*OPERATING), section="Operating"),
    Line("capex_rigs", "Rigs", section="Investing"),
    Line("capex_options", "Rig options", section="Investing"),
    Line("capex_halls", "Halls", section="Investing"),
    Line("capex_interconnection", "Interconnection and batteries", section="Investing"),
    Line("capex_equipment", "AI equipment", section="Investing"),
    Line("resale", "Rigs sold", section="Investing"),
    Line("coin_sales", "Coins kept before and sold", section="Investing"),
    Line("other_cash_flows", "Given other flows and projects", section="Investing"),
    Line("investing", "Cash from investing", sums=plus(*INVESTING), section="Investing"),
    Line("debt_issued", "Debt issued, less discount and fees", section="Financing"),
    Line("principal", "Principal repaid", section="Financing"),
    Line("calls", "Calls, with premium", section="Financing"),
    Line("puts", "Puts, with premium", section="Financing"),
    Line("revolver", "Revolver, net of its fee", section="Financing"),
    Line("capped_calls", "Capped calls bought", section="Financing"),
    Line("equity", "Equity, less fees", section="Financing"),
    Line("rescue", "Rescue equity", section="Financing"),
    Line("dividends", "Dividends", section="Financing"),
    Line("financing", "Cash from financing", sums=plus(*FINANCING), section="Financing"),
    Line("change", "Change in cash", sums=plus("operating", "investing", "financing"), section="Cash"),
    Line("closing_cash", "Closing cash", kind="stock", sums=plus("opening_cash", "change"), section="Cash"),
    Line("net_income", "Net income", section="From net income", memo=True),
    Line("added_depreciation", "Depreciation", section="From net income", memo=True),
    Line("added_option_fees", "Option fees (investing)", section="From net income", memo=True),
    Line("added_issue_costs", "Discount and fees amortised and written off", section="From net income", memo=True),
    Line("added_redemption_premium", "Premium at calls and puts (financing)", section="From net income", memo=True),
    Line("added_interest_unpaid", "Interest accrued and not paid in cash", section="From net income", memo=True),
    Line("coins_kept", "Coins mined and kept, at the mean price", section="From net income", memo=True),
    Line("coin_gains", "Change in fair value of coins", section="From net income", memo=True),
    Line("resale_gain", "Rigs sold (investing)", section="From net income", memo=True),
    Line("other_income", "Given other flows and projects (investing)", section="From net income", memo=True),
    Line(
        "operating_from_income",
        "Cash from operations, from net income",
        sums=(*plus("net_income", *ADDED_BACK), *less(*TAKEN_OUT)),
        section="From net income",
        memo=True,
    ),
)


def cash_flow_statement(context: StatementContext, income: Statement) -> Statement:
    """The cash flow statement of every scenario."""
    books, market = context.books, context.problem.market
    entries = {key: books.cash_flow[key] for key in ("opening_cash", *OPERATING, *INVESTING, *FINANCING)}
    kept = sum((v for (_, quantity), v in books.power.items() if quantity == "kept"), context.zero[:, 1:])
    entries |= {
        "net_income": income["net_income"],
        "added_depreciation": income["depreciation"],
        "added_option_fees": income["option_fees"],
        "added_issue_costs": income["issue_cost_amortisation"] + income["issue_costs_written_off"],
        "added_redemption_premium": income["redemption_premium"],
        "added_interest_unpaid": income["coupon_interest"] + income["commitment_fees"] - context.debt("interest_paid"),
        "coins_kept": at_period_ends(kept * market.btc_price_mean),
        "coin_gains": income["coin_gains"],
        "resale_gain": income["resale"],
        "other_income": income["other_cash_flows"],
    }
    debts, earned = tuple(books.schedules), "income_statement"
    same = ("ai_rent", "operating_cash_flows", "cash_yield", "resale", "other_cash_flows", "net_income", "coin_gains")
    paid = ("excess_charges", "fixed_costs", "overhead", "tax")
    equals = {key: link(earned, key) for key in same} | {key: link(earned, key, sign=-1.0) for key in paid}
    equals |= {
        "interest": over_debts(debts, "paid", sign=-1.0),
        "capped_calls": over_debts(debts, "capped_call", sign=-1.0),
        "capex_options": link(earned, "option_fees", sign=-1.0),
        "calls": over_debts(debts, "called", "call_premium", sign=-1.0),
        "puts": over_debts(debts, "put", "put_premium", sign=-1.0),
        "added_depreciation": link(earned, "depreciation"),
        "added_option_fees": link(earned, "option_fees"),
        "added_issue_costs": link(earned, "issue_cost_amortisation", "issue_costs_written_off"),
        "added_redemption_premium": link(earned, "redemption_premium"),
        "added_interest_unpaid": (*link(earned, "coupon_interest", "commitment_fees"), *over_debts(debts, "paid", sign=-1.0)),
        "resale_gain": link(earned, "resale"),
        "other_income": link(earned, "other_cash_flows"),
    }
    signs = "receipts positive, payments negative; in the part from net income what is taken away is positive as income"
    return context.statement("cash_flow", "Cash flow statement", linked(LINES, equals), entries, signs)
