"""Balance sheet: stocks after each date. Nothing is a plug but the opening equity, once, before the decisions of date 0."""

from __future__ import annotations

import numpy as np

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement, link, linked, over_debts, plus, schedule_name
from models.problem import Array

PLANT = ("rigs", "halls", "interconnection", "equipment")
NAMES = {
    "rigs": "Rigs in service, at cost",
    "halls": "Halls in service, at cost",
    "interconnection": "Interconnection and batteries in service, at cost",
    "equipment": "AI equipment in service, at cost",
}
EQUITY = ("opening_equity", "paid_in", "capped_calls", "converted", "retained_earnings", "dividends")


def chart(instruments: tuple[str, ...]) -> tuple[Line, ...]:
    """The lines of a balance sheet with these debts ('notes', 'notes@existing')."""

    def stock(key: str, label: str, section: str, sums: tuple[tuple[str, float], ...] = ()) -> Line:
        return Line(key, label, kind="stock", sums=sums, section=section)

    plant = [f"plant_{kind}" for kind in PLANT]
    owed = [f"debt[{name}]" for name in instruments]
    return (
        stock("cash", "Cash", "Assets"),
        stock("coins_free", "Coins, free, at fair value", "Assets"),
        stock("coins_pledged", "Coins, pledged, at fair value", "Assets"),
        stock("coins", "Coins at fair value", "Assets", plus("coins_free", "coins_pledged")),
        stock("plant_opening", "Plant owned at the start, at book value then", "Assets"),
        *(stock(f"plant_{kind}", NAMES[kind], "Assets") for kind in PLANT),
        stock("deposits", "Deposits and construction in progress", "Assets"),
        stock("accumulated_depreciation", "Accumulated depreciation (negative)", "Assets"),
        stock("ppe_net", "Plant, net", "Assets", plus("plant_opening", *plant, "deposits", "accumulated_depreciation")),
        stock("total_assets", "Total assets", "Assets", plus("cash", "coins", "ppe_net")),
        *(stock(f"debt[{name}]", f"{name}, balance with PIK", "Liabilities") for name in instruments),
        stock("debt", "Debt, balance", "Liabilities", plus(*owed)) if owed else stock("debt", "Debt, balance", "Liabilities"),
        stock("unamortised_issue_costs", "Discount and fees not yet amortised (negative)", "Liabilities"),
        stock("debt_at_amortised_cost", "Debt at amortised cost", "Liabilities", plus("debt", "unamortised_issue_costs")),
        stock("interest_due", "Interest accrued", "Liabilities"),
        stock("total_liabilities", "Total liabilities", "Liabilities", plus("debt_at_amortised_cost", "interest_due")),
        stock("opening_equity", "Equity at the start", "Equity"),
        stock("paid_in", "Paid in since, with rescue equity", "Equity"),
        stock("capped_calls", "Capped calls bought (negative)", "Equity"),
        stock("converted", "Convertibles settled in shares", "Equity"),
        stock("retained_earnings", "Net income since the start", "Equity"),
        stock("dividends", "Dividends since the start (negative)", "Equity"),
        stock("total_equity", "Total equity", "Equity", plus(*EQUITY)),
        stock("total_claims", "Liabilities and equity", "Equity", plus("total_liabilities", "total_equity")),
    )


def balance_sheet(context: StatementContext, income: Statement, cash_flow: Statement) -> Statement:
    """The balance sheet of every scenario: every stock is its opening value and the flows of the other statements since."""
    problem, decisions, plant = context.problem, context.decisions, context.books.plant
    instruments = tuple(context.books.schedules)

    def since(flow: Array) -> Array:
        return np.asarray(np.cumsum(flow, axis=1))

    price = problem.market.btc_price
    pledged = sum((context.decided(decisions.pledged, name) for name in decisions.pledged), context.zero)
    coins = context.books.words["coins"]
    paid = -sum((cash_flow[f"capex_{kind}"] for kind in PLANT), context.zero)
    in_service = {kind: since(plant[f"in_service[{kind}]"]) for kind in PLANT}
    treasury = problem.treasury
    # interest that existing debt had accrued before date 0: nothing is paid on it at date 0
    owed = context.debt("interest_due")[:, 0] + sum(debt.existing for debt in problem.debts)
    owned = treasury.cash + treasury.coins * price[:, 0] + problem.opening_ppe
    entries: dict[str, Array] = {
        "cash": cash_flow["closing_cash"],
        "coins_free": price * (coins - pledged),
        "coins_pledged": price * pledged,
        "plant_opening": context.zero + problem.opening_ppe,
        "deposits": since(paid) - sum(in_service.values(), context.zero),
        "accumulated_depreciation": -since(income["depreciation"]),
        "unamortised_issue_costs": -context.debt("effective_unamortised"),
        "interest_due": context.debt("interest_due"),
        "opening_equity": context.zero + (owned - owed)[:, None],
        "paid_in": since(cash_flow["equity"] + cash_flow["rescue"]),
        "capped_calls": since(cash_flow["capped_calls"]),
        "converted": since(context.debt("converted")),
        "retained_earnings": since(income["net_income"]),
        "dividends": since(cash_flow["dividends"]),
    }
    entries |= {f"plant_{kind}": value for kind, value in in_service.items()}
    entries |= {f"debt[{name}]": context.debt("closing", name) for name in instruments}
    if not instruments:
        entries["debt"] = context.zero
    equals = {
        "cash": link("cash_flow", "closing_cash"),
        "unamortised_issue_costs": over_debts(instruments, "closing_issue_costs", sign=-1.0),
        "interest_due": over_debts(instruments, "closing_due"),
    }
    equals |= {f"debt[{name}]": link(schedule_name(name), "closing") for name in instruments}
    rolls = {
        "accumulated_depreciation": link("income_statement", "depreciation", sign=-1.0),
        "paid_in": link("cash_flow", "equity", "rescue"),
        "capped_calls": link("cash_flow", "capped_calls"),
        "converted": over_debts(instruments, "converted"),
        "retained_earnings": link("income_statement", "net_income"),
        "dividends": link("cash_flow", "dividends"),
    }
    lines = linked(chart(instruments), equals, rolls)
    return context.statement(
        "balance_sheet",
        "Balance sheet",
        lines,
        entries,
        "assets, liabilities and equity positive; what reduces them negative",
    )
