"""From the value of the business to the value of its owners: what financing adds and takes, item by item (README 17)."""

from __future__ import annotations

import numpy as np

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement, plus, statement
from models.finance.rates import PENALTY_ENTRIES
from models.problem import Array
from models.proforma.assets import keep_assets
from models.proforma.tax import TaxReturns

COLUMN = "present value"
LABELS = {"rescue_penalty": "Distress", "soft_rules": "Rules breached at a price", "own_rates": "Each stream at its own rate"}


def unlevered_tax(context: StatementContext) -> Array:
    """(S, D) USD of tax, at its dates, if there were no debt and no interest on cash: no interest, discount or fee is deducted."""
    problem, income, clock = context.problem, context.books.income, context.problem.clock
    returns = TaxReturns(problem, keep_assets(problem, context.decisions).tax_depreciation)
    # what the books' own returns were filed with, less what is of financing
    profit = context.books.tax["profit"] - context.by_year(income["cash_yield"])
    out, nothing = context.zero.copy(), np.zeros(len(profit))
    for year, d in enumerate(clock.last_date_of_year):
        out[:, d] = returns.file(year, profit[:, year], nothing, nothing)
    return out


def fees_paid(context: StatementContext) -> dict[str, Array]:
    """(S, D) USD by source of fees at issue; a revolver's is paid on its limit."""
    out: dict[str, Array] = {}
    terms = {debt.name: debt for debt in context.problem.debts}
    for name, lines in context.books.schedules.items():
        debt = terms[name.removesuffix("@existing")]
        out[name] = (1.0 if debt.kind == "revolver" else debt.price) * lines["issued"] - lines["proceeds"]
    for issue in context.problem.equities:
        out[issue.name] = issue.fee * context.decided(context.decisions.issued, issue.name)
    return out


def to_other_holders(context: StatementContext) -> dict[str, Array]:
    """(S, D) USD by source that other holders of shares put in (+) or take (-) over and above what they lent.

    Convertibles: their shares at the path's price less the debt that they settle, at the horizon less the balance; capped calls, what they
    cost and pay. Shares sold: what is paid for them, and what they are worth at the horizon.
    """
    problem, books = context.problem, context.books
    prices, out = problem.market.share_price, {}
    for debt in problem.debts:
        for name in (debt.name, f"{debt.name}@existing"):
            if debt.conversion is not None and name in books.schedules:
                out[name] = -books.schedules[name]["capped_call_cost"]
    for one in books.convertibles:
        assert prices is not None
        flows, s = out[f"{one.instrument}@existing" if one.existing else one.instrument], one.scenario
        gain = np.maximum(prices[s] / one.strike - 1.0, 0.0)
        hedged = np.zeros_like(gain) if one.cap is None else np.minimum(gain, max(one.cap / one.strike - 1.0, 0.0))
        settled = one.shares * one.strike
        settled[-1] += one.balance[-1]
        flows[s] += settled * (hedged - gain)
    for issue in problem.equities:
        if issue.holders == "new":
            assert prices is not None
            sold = context.decided(context.decisions.issued, issue.name)
            flows = sold.copy()
            flows[:, -1] -= (sold / (prices * (1.0 - issue.discount))).sum(axis=1) * prices[:, -1]
            out[issue.name] = flows
    return out


def npv_bridge(context: StatementContext, business: Array, capital: dict[str, Array], saved: Array) -> Statement:
    """The items, present values at the owners' rate; they add up to the net present value in every scenario.

    business (S, D), capital (S, D) by source: of `returns`. saved (S, D) USD: tax that financing saves at each date.
    """
    problem, books = context.problem, context.books
    flows, treasury = books.cash_flow, problem.treasury
    fees, others = fees_paid(context), to_other_holders(context)
    cash = flows["cash_yield"] - flows["change"]
    cash[:, -1] += flows["closing_cash"][:, -1]
    cash[:, 0] -= treasury.cash
    stood = {debt.name: debt for debt in problem.debts if debt.existing > 0.0}
    entries: dict[str, Array] = {"business": business - saved}
    lines = [Line("business", "Before financing, taxed as if there were no debt", section="Business")]

    def add(key: str, label: str, section: str, values: Array) -> None:
        if np.abs(values).max(initial=0.0) > 0.0:
            entries[key] = values
            lines.append(Line(key, label, section=section))

    at_start = context.zero.copy()
    at_start[:, 0] = treasury.cash
    add("opening_cash", "Cash at the start", "What was there", at_start)
    for name in stood:
        owed = context.zero.copy()
        lines_of = books.schedules[_schedule(context, name)]
        owed[:, 0] = -(lines_of["opening"][:, 0] + (lines_of["interest_due"][:, 0] if name != _schedule(context, name) else 0.0))
        add(f"stood[{name}]", f"{name}, owed at the start", "What was there", owed)
    add("tax", "Tax that financing saves", "Financing", saved)
    for name, paid in fees.items():
        add(f"fees[{name}]", f"Fees of {name}", "Financing", -paid)
    for name, came in capital.items():
        own = came + fees[name] - others.get(name, 0.0)
        if not _is_share(context, name):
            add(f"paper[{name}]", f"{name}, against the owners' rate", "Financing", own)
        if name in others:
            add(f"holders[{name}]", f"{name}, from its holders", "Other holders", others[name])
    add("cash", "Cash held, at its yield", "Financing", cash)
    for entry in PENALTY_ENTRIES:
        if entry in books.ledger:
            add(entry, LABELS[entry], "Penalties", books.ledger[entry])
    lines.append(Line("npv", "Net present value", sums=plus(*entries), section="Value"))
    present = {key: (values @ problem.discount)[:, None] for key, values in entries.items()}
    names = problem.scenarios.names
    signs = "what adds to the owners' value positive; discounted at the owners' rate"
    title = "From the business to its owners"
    return statement("npv_bridge", title, lines, present, (COLUMN,), names, problem.scenarios.probability, signs=signs)


def _schedule(context: StatementContext, name: str) -> str:
    """The schedule of what stood of a debt before date 0: strips have their own."""
    return f"{name}@existing" if f"{name}@existing" in context.books.schedules else name


def _is_share(context: StatementContext, name: str) -> bool:
    return any(issue.name == name for issue in context.problem.equities)
