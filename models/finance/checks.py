"""What ties the statements to each other, to the books, and to the linear program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from models.finance.cap_table import MULTIPLES
from models.finance.context import StatementContext
from models.proforma.books import Check
from models.proforma.checks import Checklist
from models.proforma.keep import risk_adjusted
from models.proforma.sizes import least_usd

if TYPE_CHECKING:
    from models.finance.bundle import FinanceStatements
    from models.finance.lines import Statement
    from models.finance.solved import Proof
    from models.problem import Array


#: what a row is made of counts as no less than this share of the largest amount of its statement, whose rounding may be left in it
SHARE = 1e-6


def check_statements(context: StatementContext, finance: FinanceStatements, certificate: Proof | None) -> tuple[Check, ...]:
    """Every identity, in every scenario and at every date; each with its largest residual, measured against what its row is made of."""
    checks = _Ties(context)
    for one in finance.all:
        _check_lines(checks, one)
    _check_links(checks, finance)
    _check_books(checks, context, finance)
    _check_each_other(checks, context, finance)
    _check_value(checks, context, finance, certificate)
    return checks.result()


class _Ties(Checklist):
    """Identities of amounts of money: each is measured against what it is made of, however little that is in dollars."""

    def __init__(self, context: StatementContext) -> None:
        super().__init__(context.problem)
        self.usd = min(self.usd, context.books.moved)

    def tie(
        self, name: str, left: ArrayLike, right: ArrayLike, item: str = "", scale: ArrayLike = 0.0, unit: str = "USD"
    ) -> None:
        """As `equal`; what is no amount of money is measured against one of its unit at least."""
        self.equal(name, left, right, item, scale, self.usd if unit == "USD" else 1.0)


def _size(one: Statement, unit: str = "USD") -> float:
    """The largest amount of a statement in a unit."""
    amounts = [one[line.key] for line in one.lines if line.kind != "ratio" and line.unit == unit]
    return float(np.abs(np.stack(amounts)).max(initial=0.0)) if amounts else 0.0


def _made_of(parts: list[Array], size: float) -> Array:
    """(S, C) the largest of what a row is made of in this or an earlier column, in a statement of this size."""
    largest: Array = np.abs(np.stack(parts)).max(axis=0)
    return np.maximum(np.maximum.accumulate(largest, axis=1), SHARE * size)


def _check_lines(checks: _Ties, one: Statement) -> None:
    """Totals are what their definitions say, opening lines the closing ones of the column before."""
    for line in one.lines:
        if line.sums:
            parts = [c * one[key] for key, c in line.sums]
            total = sum(parts, np.zeros_like(one[line.key]))
            made_of = _made_of(parts, _size(one, line.unit))
            checks.tie(f"{one.name}: totals add up", one[line.key], total, line.key, made_of, line.unit)
        if line.opens is not None:
            closed, size = one[line.opens][:, :-1], _size(one, line.unit)  # a stock is made of all that came and went
            checks.tie(f"{one.name}: opens as it closed", one[line.key][:, 1:], closed, line.key, size, line.unit)


def _check_links(checks: _Ties, finance: FinanceStatements) -> None:
    """Entries that are lines of other statements are what these say; stocks that roll with flows of others do."""
    named = {one.name: one for one in finance.all}
    for one in named.values():
        for line in one.lines:
            links = (*line.equals, *line.rolls)
            if not links:
                continue
            size = max(_size(named[name], line.unit) for name in (one.name, *(name for name, _, _ in links)))
            parts = [c * named[name][key] for name, key, c in links]
            total = sum(parts, np.zeros_like(one[line.key]))
            where, unit = f"{one.name}, {line.key}", line.unit
            if line.equals:
                checks.tie("statements link", one[line.key], total, where, _made_of(parts, size), unit)
            else:
                moved = np.diff(one[line.key], axis=1)
                made_of = _made_of([*parts, one[line.key]], size)[:, 1:]
                checks.tie("stocks roll with flows", moved, total[:, 1:], where, made_of, unit)


def _check_books(checks: _Ties, context: StatementContext, finance: FinanceStatements) -> None:
    """Totals worked out from entries are those that the books worked out their own way."""
    books = context.books
    pairs = (
        (finance.income, books.income, {k: k for k in ("revenue", "ebitda", "depreciation", "pretax_income", "net_income")}),
        (finance.cash_flow, books.cash_flow, {"change": "change", "closing_cash": "closing_cash"}),
        (
            finance.balance_sheet,
            books.balance_sheet,
            {
                "cash": "cash",
                "coins": "coins",
                "ppe_net": "ppe_net",
                "total_assets": "total_assets",
                "debt": "debt",
                "interest_due": "interest_due",
                "total_liabilities": "total_liabilities",
                "total_equity": "total_equity",
            },
        ),
        (finance.tax, books.tax, {k: k for k in ("income", "nol_closing", "taxable", "tax", "nol_opening")}),
    )
    for one, kept, lines in pairs:
        for mine, theirs in lines.items():
            checks.tie(f"{one.name}: equal to the books", one[mine], kept[theirs], mine, _size(one))
    income = finance.income
    for own, booked in (
        (income["coupon_interest"] + income["commitment_fees"], "interest_expense"),
        (income["issue_cost_amortisation"] + income["issue_costs_written_off"], "fee_amortisation"),
    ):
        checks.tie("income_statement: equal to the books", own, books.income[booked], booked, _size(income))
    checks.tie(
        "tax: equal to the books", finance.tax["waiting_closing"], books.tax["interest_carryforward"], "", _size(finance.tax)
    )
    for name, one in finance.debts.items():
        schedule = books.schedules[name]
        for mine, theirs in (
            ("closing", "closing"),
            ("closing_due", "interest_due"),
            ("closing_issue_costs", "effective_unamortised"),
        ):
            checks.tie("debt schedules: equal to the books", one[mine], schedule[theirs], f"{name}, {mine}", _size(one))


def _check_each_other(checks: _Ties, context: StatementContext, finance: FinanceStatements) -> None:
    """What one statement says is what another says."""
    income, cash, sheet, uses = finance.income, finance.cash_flow, finance.balance_sheet, finance.sources_uses
    flows, stocks = _size(cash), _size(sheet)
    turnover = max(flows, stocks)
    checks.tie("balance sheet balances", sheet["total_assets"], sheet["total_claims"], scale=turnover)
    checks.tie("cash flow closes at the balance sheet's cash", cash["closing_cash"], sheet["cash"], scale=turnover)
    checks.tie("cash opens at the treasury's", cash["opening_cash"][:, 0], context.problem.treasury.cash)
    checks.tie("operating cash follows from net income", cash["operating"], cash["operating_from_income"], scale=_size(income))
    checks.tie("sources are uses", uses["total_sources"], uses["total_uses"], scale=_size(uses))
    year = context.by_year
    checks.tie("tax of the year is that of the income statement", finance.tax["tax"], year(income["tax"]), scale=_size(income))
    checks.tie("tax is paid as it is booked", -cash["tax"], income["tax"], scale=_size(income))
    debts = finance.debts.values()
    for mine, theirs in (("amortised_cost", "debt_at_amortised_cost"), ("closing_due", "interest_due")):
        total = sum((one[mine] for one in debts), context.zero)
        checks.tie("balance sheet holds the debt schedules", sheet[theirs], total, mine, stocks)
    expense = sum((one["interest_expense"] for one in debts), context.zero)
    checks.tie("interest expense is that of the schedules", income["interest_expense"], expense, scale=_size(income))
    paid = sum((one["paid"] for one in debts), context.zero)
    checks.tie("interest paid is that of the schedules", -cash["interest"], paid, scale=flows)
    for name, one in finance.debts.items():
        # amortised cost a second way: cash in, interest earned, cash out
        retired = sum((one[key] for key in ("principal", "redeemed", "called", "put", "converted", "paid")), context.zero)
        grown = one["issued"] - one["issue_costs"] + one["interest_expense"] + one["written_off"] - retired
        carried = one["amortised_cost"] + one["closing_due"]
        opening = one["opening"][:, :1] + one["opening_due"][:, :1]
        checks.tie("amortised cost rolls with cash and interest", carried, opening + np.cumsum(grown, axis=1), name, _size(one))
    wear = sum((v for key, v in context.books.plant.items() if key.startswith("depreciation[")), context.zero)
    checks.tie("depreciation is that of the plant", income["depreciation"], wear, scale=_size(income))
    coins = sheet["coins"] - context.problem.market.btc_price * context.books.words["coins"]
    checks.tie("coins are at fair value", coins, 0.0, scale=stocks)
    shares = finance.cap_table
    sold = context.books.words["shares_issued"]
    total = sum((shares[line.key] for line in shares.lines if line.key.startswith("sold[")), context.zero)
    checks.tie("shares sold are those of the books", total, sold, scale=_size(shares, "shares"), unit="shares")
    if context.problem.market.share_price is not None:
        path = context.problem.market.share_price
        delivered = sum((shares[line.key] for line in shares.lines if line.key.startswith("converted[")), context.zero)
        given = -context.books.ledger["conversion"]
        checks.tie(
            "shares delivered are worth the ledger's conversion", delivered * path, given, scale=float(np.max(given, initial=0.0))
        )


def _check_value(checks: _Ties, context: StatementContext, finance: FinanceStatements, certificate: Proof | None) -> None:
    """The value of the plan from the statements is that of the ledger, and its objective that of the linear program."""
    problem, books = context.problem, context.books
    cash, sheet, uses = finance.cash_flow, finance.balance_sheet, finance.sources_uses
    ledger = dict(books.ledger)

    def at_end(amount: Array) -> Array:
        out = context.zero.copy()
        out[:, -1] = amount
        return out

    owners = [issue.name for issue in problem.equities if issue.holders == "existing"]
    ledger["dividends"] = -cash["dividends"]
    ledger["contributions"] = -sum((uses[f"equity[{name}]"] for name in owners), context.zero)
    ledger["rescue"] = -cash["rescue"]
    ledger["terminal_cash"] = at_end(sheet["cash"][:, -1])
    ledger["terminal_coins"] = at_end(problem.terminal.coins * sheet["coins"][:, -1])
    worth = sum(finance.conversion[f"claim[{debt.name}]"][:, _AT_PAR] for debt in problem.debts if debt.kind == "convertible")
    plain = sum((sheet[f"debt[{name}]"][:, -1] for name in books.schedules if not _converts(context, name)), context.zero[:, -1])
    ledger["terminal_debt"] = -at_end(plain + worth + sheet["interest_due"][:, -1])
    value = sum(ledger.values(), context.zero) @ problem.discount
    parts = [float(np.max(np.abs(entry @ problem.discount), initial=0.0)) for entry in books.ledger.values()]
    scale = max(parts, default=0.0)
    checks.tie("value from the statements is the ledger's", value, books.value, scale=scale)
    checks.tie("bridge from the business ends at the value", finance.bridge["npv"][:, 0], books.value, scale=scale)
    raised = sum(finance.returns.capital.values(), context.zero) @ problem.discount
    if certificate is not None:
        objective = risk_adjusted(problem, value)
        program = certificate.objective * problem.money
        least = least_usd(problem, books.moved)  # the program knows a plan of nearly nothing no better than the solver does
        checks.tie(
            "objective from the statements is the program's",
            np.array([[objective]]),
            np.array([[program]]),
            scale=max(scale, least),
        )
    # what outside capital brings and takes is all that lies between the business and its owners, but for cash and the owners' own money
    owned_fees = sum((e.fee * uses[f"equity[{e.name}]"] for e in problem.equities if e.holders == "existing"), context.zero)
    put_aside = cash["change"] - cash["cash_yield"] - at_end(cash["closing_cash"][:, -1])
    stood = sum((one["opening"][:, 0] + one["opening_due"][:, 0] for one in finance.debts.values()), context.zero[:, 0])
    business = (finance.returns.business - put_aside - owned_fees) @ problem.discount - stood
    checks.tie(
        "owners have what capital leaves of the business",
        finance.returns.owners @ problem.discount,
        business + raised,
        scale=scale,
    )


_AT_PAR = MULTIPLES.index(1.0)  # the column of `conversion_table` at the scenario's own share price


def _converts(context: StatementContext, name: str) -> bool:
    kinds = {debt.name: debt.kind for debt in context.problem.debts}
    return kinds[name.removesuffix("@existing")] == "convertible"
