"""The sheet of checks: every tie with what is left of it, and one flag for all of them; and whether the plan still holds."""

from __future__ import annotations

from models.finance.income import WORN
from models.proforma.power import REVENUES
from optimizer.results.workbook.covenants import Rules
from optimizer.results.workbook.expressions import ZERO, Span, Term, absolute, formula, largest, least, term, total, when
from optimizer.results.workbook.plant import KINDS
from optimizer.results.workbook.returns import Flows
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet
from optimizer.results.workbook.statements import Parts

#: relative to the largest figure of what is compared
TOLERANCE = 1e-6
MASTER = "All checks hold"
HOLDS = "The plan holds under these inputs"


def checks_sheet(parts: Parts, flows: Flows, rules: Rules, workings: Sheet) -> Sheet:
    """Columns: what is left, what it is measured against, 1 where it holds."""
    sheet = Sheet("Checks", "Checks", 3, "statement")
    frame, debts, T = parts.frame, parts.debts, parts.frame.periods
    income, cash, balance = (parts.rows[name] for name in ("income_statement", "cash_flow", "balance_sheet"))
    uses, ratios = parts.rows["sources_uses"], parts.rows["credit_ratios"]
    flags: list[Row] = []
    master = sheet.row(
        MASTER, lambda k: least(*(flag[2] for flag in flags)) if k == 2 else None, "", "flag", "total", "checks/master"
    )
    holds = sheet.row(HOLDS, lambda k: least(*(flag[2] for flag in plan)) if k == 2 else None, "", "flag", "total", "checks/plan")
    parts.master, parts.plan_holds = master, holds
    plan: list[Row] = []

    def check(label: str, left: Term, scale: Term, group: list[Row] = flags) -> None:
        at = sheet.next

        def make(k: int) -> Term:
            if k == 0:
                return left
            if k == 1:
                return scale
            here = sheet.letters(0), sheet.letters(1)
            fine = left.number <= TOLERANCE * scale.number
            return when(formula(f"{here[0]}{at}<={TOLERANCE:.6f}*{here[1]}{at}", float(fine)), 1, 0)

        group.append(sheet.row(label, make, "", "check"))
        group[-1].others[2] = "flag"

    def apart(a: Row, b: Row, last: int = T) -> Term:
        """The largest difference of two rows is at most the sum of all differences."""
        one, other = a.span(0, last), b.span(0, last)
        value = sum(abs(x - y) for x, y in zip(one.filled, other.filled, strict=True))
        return formula(f"SUMPRODUCT(ABS({one.text}-{other.text}))", value)

    def size(*rows: Row) -> Term:
        """The largest figure of rows, at least 1."""
        spans: list[Span] = [row.span(row.first, row.end - 1) for row in rows]
        return largest(term(1), largest(*spans), -least(*spans))

    sheet.note("Statements tie", "section")
    check(
        "Balance sheet balances",
        apart(balance["total_assets"], balance["total_claims"]),
        size(balance["total_assets"], *cash.values()),
    )
    moved = formula(
        f"ABS({cash['closing_cash'][T].text}-{cash['opening_cash'][0].text}-SUM({cash['change'].span(0, T).text}))",
        abs(cash["closing_cash"][T].number - cash["opening_cash"][0].number - sum(cash["change"].span(0, T).filled)),
    )
    check("Cash at the end is cash at the start and all changes", moved, size(cash["closing_cash"], cash["change"]))
    check("Sources are uses", apart(uses["total_sources"], uses["total_uses"]), size(uses["total_sources"]))
    check(
        "Cash from operations follows from net income",
        apart(cash["operating"], cash["operating_from_income"]),
        size(cash["operating"], income["revenue"]),
    )
    keys = list(debts.lines)

    def schedules(line: str) -> Row:
        return workings.row(
            f"All debt schedules: {line.replace('_', ' ')}",
            lambda d: sum((parts.rows[f"debt:{key}"][line][d] for key in keys), ZERO),
        )

    if keys:
        workings.note("Sums of the debt schedules", "section")
        stock = size(balance["total_assets"], balance["debt"])
        check(
            "Debt at amortised cost is that of the schedules",
            apart(balance["debt_at_amortised_cost"], schedules("amortised_cost")),
            stock,
        )
        check("Interest accrued is that of the schedules", apart(balance["interest_due"], schedules("closing_due")), stock)
        check(
            "Interest expense is that of the schedules",
            apart(income["interest_expense"], schedules("interest_expense")),
            size(income["interest_expense"]),
        )
        grown_of: dict[str, Row] = {}
        for key in keys:
            rows = parts.rows[f"debt:{key}"]
            grown = workings.row(
                f"{key}: amortised cost by cash and interest",
                lambda d, rows=rows, key=key: (  # type: ignore[misc]
                    (grown_of[key][d - 1] if d else rows["opening"][0] + rows["opening_due"][0])
                    + rows["issued"][d]
                    - rows["issue_costs"][d]
                    + rows["interest_expense"][d]
                    + rows["written_off"][d]
                    - sum((rows[name][d] for name in ("principal", "redeemed", "called", "put", "converted", "paid")), ZERO)
                ),
            )
            grown_of[key] = grown
            carried = workings.row(
                f"{key}: amortised cost and interest accrued",
                lambda d, rows=rows: rows["amortised_cost"][d] + rows["closing_due"][d],  # type: ignore[misc]
            )  # type: ignore[misc]
            check(
                f"{key}: amortised cost rolls with cash and interest",
                apart(carried, grown),
                size(rows["closing"], rows["opening"]),
            )
    for label, residual in debts.residuals:
        check(f"{label}: effective interest leaves nothing", absolute(residual), term(1e-3))
    worn = [parts.plant.totals[f"worn:{kind}"] for kind in WORN]
    wear = workings.row("Depreciation of all plant", lambda d: sum((row[d] for row in worn), ZERO))
    check("Depreciation is that of the plant", apart(income["depreciation"], wear), size(income["depreciation"]))
    paid = workings.row(
        "Paid for orders (negative)",
        lambda d: -sum((parts.plant.totals[f"paid:{kind}"][d] for kind in KINDS), ZERO),
    )
    spent = workings.row(
        "Capital spending of the cash flow statement", lambda d: sum((cash[f"capex_{kind}"][d] for kind in KINDS), ZERO)
    )
    check("Capital spending is what orders cost", apart(spent, paid), size(spent))
    tax = parts.rows["tax"]
    earned = workings.row(
        "Revenue of all sites, and rents",
        lambda d: (
            sum((parts.operations.at(name, d) for name in REVENUES), ZERO)
            + sum((row[d] for row in parts.plant.rents.values()), ZERO)
        ),
    )
    check("Revenue is that of sites and rents", apart(income["revenue"], earned), size(income["revenue"]))
    years = frame.problem.clock.tax_years - 1
    rate = frame.given("tax/rate", "Tax rate", 0.0, "of income", "percent")
    due = formula(
        f"ABS(SUM({tax['tax'].span(0, years).text})-{rate.text}*SUM({tax['taxable'].span(0, years).text}))",
        abs(sum(tax["tax"].span(0, years).filled) - rate.number * sum(tax["taxable"].span(0, years).filled)),
    )
    check("Tax is the rate times taxable income", due, size(tax["tax"], tax["income"]))
    filed = formula(
        f"ABS(SUM({tax['tax'].span(0, years).text})-SUM({income['tax'].span(0, T).text}))",
        abs(sum(tax["tax"].span(0, years).filled) - sum(income["tax"].span(0, T).filled)),
    )
    check("Tax of all years is that of the income statement", filed, size(income["tax"], income["pretax_income"]))
    if parts.coins is not NOTHING:
        check(
            "Coins are at fair value",
            apart(
                balance["coins"],
                workings.row("Coins held, at the price of the date", lambda d: parts.market.btc[d] * parts.coins[d]),
            ),
            size(balance["coins"], balance["total_assets"]),
        )
    sheet.note("Value ties", "section")
    check(
        "NPV by discount factors is that of NPV()",
        absolute(flows.npv[0] - flows.npv_again[0]),
        largest(term(1), absolute(flows.npv[0]), size(flows.value)),
    )
    fees = workings.row(
        "Fees of shares sold to owners",
        lambda d: sum((fee * row[d] for row, fee, issue in parts.equity if issue.holders == "existing"), ZERO),
    )
    between = workings.row(
        "Business, outside capital and cash kept, less owners",
        lambda d: (
            flows.business[d]
            + sum((row[d] for row in flows.capital.values()), ZERO)
            - fees[d]
            - (cash["change"][d] - cash["cash_yield"][d])
            + (cash["closing_cash"][d] if d == T else ZERO)
            - (sum((*debts.opening.values(), *debts.opening_due.values()), ZERO) if d == 0 else ZERO)
            - flows.owners[d]
        ),
    )
    left = formula(
        f"ABS(SUMPRODUCT({between.span(0, T).text},{flows.discount.span(0, T).text}))",
        abs(sum(a * b for a, b in zip(between.span(0, T).filled, flows.discount.span(0, T).filled, strict=True))),
    )
    check("Owners have what outside capital leaves of the business", left, size(flows.owners, flows.business))
    sheet.note("The plan's decisions are still possible (they are inputs and do not adjust)", "section")
    check(
        "Cash is not negative", largest(term(0), -least(ratios["cash"].span(0, T))), size(ratios["cash"], cash["operating"]), plan
    )
    if parts.coins is not NOTHING:
        check("Coins are not negative", largest(term(0), -least(parts.coins.span(0, T))), size(parts.coins), plan)
    for name, short in rules.hard:
        last = max(d for d in range(short.first, short.end) if short.cell(d).value is not None)
        span = short.span(short.first, last)
        check(f"Rule: {name}", largest(span), largest(term(1), largest(*_sides(short, parts))), plan)
    total_flags = total(*(flag[2] for flag in flags))
    sheet.note("Together", "section")
    sheet.row("Checks that hold", lambda k: total_flags if k == 2 else None, "", "count")
    sheet.row("Checks", lambda k: float(len(flags)) if k == 2 else None, "", "count", "formula")
    return sheet


def _sides(short: Row, parts: Parts) -> list[Span]:
    """The right side and left side of the rule that `short` belongs to: the rows above it."""
    rows = [row for row in short.sheet.rows if short.number - 3 <= row.number < short.number - 1]
    return [row.span(row.first, row.end - 1) for row in rows]
