"""The sheet of checks: every tie with what is left of it, and one flag for all of them; and whether the plan still holds."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass
class _Checks:
    """The sheet as it grows. flags: of ties of the books; plan: of what the decisions must still leave."""

    parts: Parts
    sheet: Sheet
    workings: Sheet
    flags: list[Row] = field(default_factory=list)
    plan: list[Row] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The horizon."""
        return self.parts.frame.periods

    def rows(self, statement: str) -> dict[str, Row]:
        return self.parts.rows[statement]

    def check(self, label: str, left: Term, scale: Term, of_the_plan: bool = False) -> None:
        """What is left, what it is measured against, 1 where it holds."""
        at = self.sheet.next

        def make(k: int) -> Term:
            if k == 0:
                return left
            if k == 1:
                return scale
            here = self.sheet.letters(0), self.sheet.letters(1)
            fine = left.number <= TOLERANCE * scale.number
            return when(formula(f"{here[0]}{at}<={TOLERANCE:.6f}*{here[1]}{at}", float(fine)), 1, 0)

        group = self.plan if of_the_plan else self.flags
        group.append(self.sheet.row(label, make, "", "check"))
        group[-1].others[2] = "flag"

    def apart(self, a: Row, b: Row) -> Term:
        """The largest difference of two rows is at most the sum of all differences."""
        one, other = a.span(0, self.last), b.span(0, self.last)
        value = sum(abs(x - y) for x, y in zip(one.filled, other.filled, strict=True))
        return formula(f"SUMPRODUCT(ABS({one.text}-{other.text}))", value)


def _size(*rows: Row) -> Term:
    """The largest figure of rows, at least 1."""
    spans: list[Span] = [row.span(row.first, row.end - 1) for row in rows]
    return largest(term(1), largest(*spans), -least(*spans))


def checks_sheet(parts: Parts, flows: Flows, rules: Rules, workings: Sheet) -> Sheet:
    """Columns: what is left, what it is measured against, 1 where it holds."""
    sheet = Sheet("Checks", "Checks", 3, "statement")
    c = _Checks(parts, sheet, workings)
    parts.master = sheet.row(
        MASTER, lambda k: least(*(flag[2] for flag in c.flags)) if k == 2 else None, "", "flag", "total", "checks/master"
    )
    parts.plan_holds = sheet.row(
        HOLDS, lambda k: least(*(flag[2] for flag in c.plan)) if k == 2 else None, "", "flag", "total", "checks/plan"
    )
    sheet.note("Statements tie", "section")
    _cash_and_balance(c)
    if parts.debts.lines:
        _debt_schedules(c)
    for label, residual in parts.debts.residuals:
        c.check(f"{label}: effective interest leaves nothing", absolute(residual), term(1e-3))
    _plant_and_sites(c)
    _tax(c)
    if parts.coins is not NOTHING:
        balance = c.rows("balance_sheet")
        held = workings.row("Coins held, at the price of the date", lambda d: parts.market.btc[d] * parts.coins[d])
        c.check("Coins are at fair value", c.apart(balance["coins"], held), _size(balance["coins"], balance["total_assets"]))
    sheet.note("Value ties", "section")
    _value(c, flows)
    sheet.note("The plan's decisions are still possible (they are inputs and do not adjust)", "section")
    _plan(c, rules)
    total_flags = total(*(flag[2] for flag in c.flags))
    sheet.note("Together", "section")
    sheet.row("Checks that hold", lambda k: total_flags if k == 2 else None, "", "count")
    sheet.row("Checks", lambda k: float(len(c.flags)) if k == 2 else None, "", "count", "formula")
    return sheet


def _cash_and_balance(c: _Checks) -> None:
    """The balance sheet, cash, sources and uses."""
    income, cash, balance, uses = (c.rows(name) for name in ("income_statement", "cash_flow", "balance_sheet", "sources_uses"))
    T = c.last
    c.check(
        "Balance sheet balances",
        c.apart(balance["total_assets"], balance["total_claims"]),
        _size(balance["total_assets"], *cash.values()),
    )
    moved = formula(
        f"ABS({cash['closing_cash'][T].text}-{cash['opening_cash'][0].text}-SUM({cash['change'].span(0, T).text}))",
        abs(cash["closing_cash"][T].number - cash["opening_cash"][0].number - sum(cash["change"].span(0, T).filled)),
    )
    c.check("Cash at the end is cash at the start and all changes", moved, _size(cash["closing_cash"], cash["change"]))
    c.check("Sources are uses", c.apart(uses["total_sources"], uses["total_uses"]), _size(uses["total_sources"]))
    c.check(
        "Cash from operations follows from net income",
        c.apart(cash["operating"], cash["operating_from_income"]),
        _size(cash["operating"], income["revenue"]),
    )


def _debt_schedules(c: _Checks) -> None:
    """The statements against the schedules of all debts, and each schedule against its own cash and interest."""
    parts, workings, keys = c.parts, c.workings, list(c.parts.debts.lines)
    income, balance = c.rows("income_statement"), c.rows("balance_sheet")

    def schedules(line: str) -> Row:
        return workings.row(
            f"All debt schedules: {line.replace('_', ' ')}",
            lambda d: sum((parts.rows[f"debt:{key}"][line][d] for key in keys), ZERO),
        )

    workings.note("Sums of the debt schedules", "section")
    stock = _size(balance["total_assets"], balance["debt"])
    c.check(
        "Debt at amortised cost is that of the schedules",
        c.apart(balance["debt_at_amortised_cost"], schedules("amortised_cost")),
        stock,
    )
    c.check("Interest accrued is that of the schedules", c.apart(balance["interest_due"], schedules("closing_due")), stock)
    c.check(
        "Interest expense is that of the schedules",
        c.apart(income["interest_expense"], schedules("interest_expense")),
        _size(income["interest_expense"]),
    )
    for key in keys:
        _schedule(c, key, c.rows(f"debt:{key}"))


def _schedule(c: _Checks, key: str, rows: dict[str, Row]) -> None:
    """Amortised cost by cash and interest."""

    def roll(d: int) -> Term:
        before = grown[d - 1] if d else rows["opening"][0] + rows["opening_due"][0]
        repaid = sum((rows[name][d] for name in ("principal", "redeemed", "called", "put", "converted", "paid")), ZERO)
        return before + rows["issued"][d] - rows["issue_costs"][d] + rows["interest_expense"][d] + rows["written_off"][d] - repaid

    grown = c.workings.row(f"{key}: amortised cost by cash and interest", roll)
    carried = c.workings.row(
        f"{key}: amortised cost and interest accrued", lambda d: rows["amortised_cost"][d] + rows["closing_due"][d]
    )
    label = f"{key}: amortised cost rolls with cash and interest"
    c.check(label, c.apart(carried, grown), _size(rows["closing"], rows["opening"]))


def _plant_and_sites(c: _Checks) -> None:
    """Depreciation, capital spending and revenue."""
    parts, workings, income, cash = c.parts, c.workings, c.rows("income_statement"), c.rows("cash_flow")
    worn = [parts.plant.totals[f"worn:{kind}"] for kind in WORN]
    wear = workings.row("Depreciation of all plant", lambda d: sum((row[d] for row in worn), ZERO))
    c.check("Depreciation is that of the plant", c.apart(income["depreciation"], wear), _size(income["depreciation"]))
    paid = workings.row(
        "Paid for orders (negative)",
        lambda d: -sum((parts.plant.totals[f"paid:{kind}"][d] for kind in KINDS), ZERO),
    )
    spent = workings.row(
        "Capital spending of the cash flow statement", lambda d: sum((cash[f"capex_{kind}"][d] for kind in KINDS), ZERO)
    )
    c.check("Capital spending is what orders cost", c.apart(spent, paid), _size(spent))
    earned = workings.row(
        "Revenue of all sites, and rents",
        lambda d: (
            sum((parts.operations.at(name, d) for name in REVENUES), ZERO)
            + sum((row[d] for row in parts.plant.rents.values()), ZERO)
        ),
    )
    c.check("Revenue is that of sites and rents", c.apart(income["revenue"], earned), _size(income["revenue"]))


def _tax(c: _Checks) -> None:
    """Tax by year, against taxable income and against the income statement."""
    frame, tax, income, T = c.parts.frame, c.rows("tax"), c.rows("income_statement"), c.last
    years = frame.problem.clock.tax_years - 1
    rate = frame.given("tax/rate", "Tax rate", 0.0, "of income", "percent")
    due = formula(
        f"ABS(SUM({tax['tax'].span(0, years).text})-{rate.text}*SUM({tax['taxable'].span(0, years).text}))",
        abs(sum(tax["tax"].span(0, years).filled) - rate.number * sum(tax["taxable"].span(0, years).filled)),
    )
    c.check("Tax is the rate times taxable income", due, _size(tax["tax"], tax["income"]))
    filed = formula(
        f"ABS(SUM({tax['tax'].span(0, years).text})-SUM({income['tax'].span(0, T).text}))",
        abs(sum(tax["tax"].span(0, years).filled) - sum(income["tax"].span(0, T).filled)),
    )
    c.check("Tax of all years is that of the income statement", filed, _size(income["tax"], income["pretax_income"]))


def _value(c: _Checks, flows: Flows) -> None:
    """NPV two ways, and what owners have against what the business leaves them."""
    parts, workings, cash, T = c.parts, c.workings, c.rows("cash_flow"), c.last
    debts = parts.debts
    c.check(
        "NPV by discount factors is that of NPV()",
        absolute(flows.npv[0] - flows.npv_again[0]),
        largest(term(1), absolute(flows.npv[0]), _size(flows.value)),
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
    c.check("Owners have what outside capital leaves of the business", left, _size(flows.owners, flows.business))


def _plan(c: _Checks, rules: Rules) -> None:
    """Cash, coins and hard rules."""
    cash, coins, T = c.rows("credit_ratios")["cash"], c.parts.coins, c.last
    size = _size(cash, c.rows("cash_flow")["operating"])
    c.check("Cash is not negative", largest(term(0), -least(cash.span(0, T))), size, of_the_plan=True)
    if coins is not NOTHING:
        c.check("Coins are not negative", largest(term(0), -least(coins.span(0, T))), _size(coins), of_the_plan=True)
    for name, short in rules.hard:
        last = max(d for d in range(short.first, short.end) if short.cell(d).value is not None)
        size = largest(term(1), largest(*_sides(short, c.parts)))
        c.check(f"Rule: {name}", largest(short.span(short.first, last)), size, of_the_plan=True)


def _sides(short: Row, parts: Parts) -> list[Span]:
    """The right side and left side of the rule that `short` belongs to: the rows above it."""
    rows = [row for row in short.sheet.rows if short.number - 3 <= row.number < short.number - 1]
    return [row.span(row.first, row.end - 1) for row in rows]
