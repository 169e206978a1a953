"""Returns of the picked scenario: the ledger of value, what owners, the business and each source of capital pay and receive, and rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from models.finance.capital.measures import KEYS
from models.finance.lines import SMALLEST
from models.finance.rates import RATES
from models.finance.returns import PUT, Measure, Returns
from models.problem import Array, Conversion
from models.rules.rule_unit import rule_unit
from optimizer.results.workbook.expressions import (
    NONE,
    ZERO,
    Span,
    Term,
    Value,
    absolute,
    average,
    both,
    count,
    either,
    formula,
    largest,
    least,
    sum_product,
    term,
    text,
    total,
    when,
)
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet
from optimizer.results.workbook.statements import Entry, Parts

#: rates at which the value of flows is looked at to find how many rates make it zero: every eighth of the program's
LOOKED_AT = np.append(RATES[:-1:8], RATES[-1])
#: lines of a schedule that holders receive
TAKEN = ("principal", "redeemed", "called", "put", "call_premium", "put_premium", "paid", "capped_call")
#: row of the sheet of rates in which the first one stands
FIRST_RATE = 6
LOOKS = {"USD": "usd", "per year": "percent", "ratio": "ratio", "years": "plain"}


@dataclass
class Flows:
    """Series of flows by date, in the picked scenario."""

    ledger: dict[str, Row] = field(default_factory=dict)
    value: Row = NOTHING
    owners: Row = NOTHING
    business: Row = NOTHING
    capital: dict[str, Row] = field(default_factory=dict)
    discount: Row = NOTHING
    discount_rate: Term = ZERO
    npv: Row = NOTHING
    npv_again: Row = NOTHING


def returns_sheets(parts: Parts, found: Returns) -> tuple[Sheet, Sheet, Flows]:
    """The sheet of returns, and the sheet where the number of rates is counted."""
    frame = parts.frame
    sheet = Sheet("Returns", "Returns of the scenario picked", frame.dates, "statement")
    rates = Sheet(
        "Rates", "Value of flows at many rates: a rate of return is shown where just one of them makes the value zero", 1
    )
    flows = Flows()
    sheet.note("Measures", "heading")
    measures = _Measures(parts, sheet, rates, flows, found)
    measures.declare()
    sheet.note("Ledger of value: what the old holders receive and pay, undiscounted", "section", _dates(parts))
    _ledger(parts, sheet, flows)
    sheet.note("Flows", "section", _dates(parts))
    _flows(parts, sheet, flows)
    measures.write()
    return sheet, rates, flows


def _dates(parts: Parts) -> tuple[Value, ...]:
    return parts.frame.headings


def _ledger(parts: Parts, sheet: Sheet, flows: Flows) -> None:
    """README 12, in its order."""
    frame, debts, market, plant = parts.frame, parts.debts, parts.market, parts.plant
    problem, terminal, T = frame.problem, frame.problem.terminal, frame.periods
    penalty = frame.fixed(
        "rescue_penalty", "Rescue equity: cost over its own dollar", problem.treasury.rescue_penalty or 0.0, "USD/USD", "plain"
    )
    sheet_rows = flows.ledger

    def entry(key: str, label: str, make: Entry, end_only: bool = False) -> None:
        sheet_rows[key] = sheet.row(label, (lambda d: make(d) if d == T else ZERO) if end_only else make, key=f"ledger/{key}")

    def share(name: str, label: str) -> Term:
        return frame.fixed(f"terminal/{name}", f"Counted at the end: {label}", float(getattr(terminal, name)), "share", "percent")

    entry("dividends", "Dividends", lambda d: parts.dividends[d])
    owners = [row for row, _, issue in parts.equity if issue.holders == "existing"]
    entry("contributions", "Contributions", lambda d: -sum((row[d] for row in owners), ZERO))
    entry("rescue", "Rescue equity", lambda d: -parts.rescue[d])
    entry("rescue_penalty", "Penalty of rescue equity", lambda d: -(penalty * parts.rescue[d]))
    parts.breaches = soft = _breaches(frame)
    entry("soft_rules", "Breaches of soft rules", lambda d: -sum((cost * row[d] for row, cost in soft), ZERO))
    entry(
        "dilution",
        "New shares, at their worth at the horizon",
        lambda d: (
            -sum(
                (total(parts.rows["cap_table"][f"sold[{name}]"].span(0, T)) * market.share[T] for name in parts.shares_sold), ZERO
            )
        ),
        True,
    )
    entry("conversion", "Shares given for convertibles", lambda d: sum((row[d] for row in debts.conversion), ZERO))
    entry("capped_call", "Capped calls", lambda d: sum((row[d] for row in debts.capped), ZERO))
    balance = parts.rows["balance_sheet"]
    entry("terminal_cash", "Cash at the horizon", lambda d: balance["cash"][d], True)
    coins = share("coins", "coins, of their price")
    entry("terminal_coins", "Coins at the horizon", lambda d: coins * balance["coins"][d], True)
    rigs = share("rigs", "rigs, of their resale price")
    entry(
        "terminal_rigs",
        "Rigs at the horizon",
        lambda d: rigs * sum((plant.resale[name][T] * row[T - 1] for (name, _), row in plant.fleet.items()), ZERO),
        True,
    )
    for kind, label in (
        ("halls", "halls, of their cost"),
        ("interconnection", "interconnection, of its cost"),
        ("equipment", "equipment, of its cost"),
    ):
        part, row = share(kind, label), plant.totals[f"ordered:{kind}"]
        entry(
            f"terminal_{kind}",
            f"{label.split(',')[0].capitalize()} at the horizon",
            lambda d, part=part, row=row: part * (total(row.span(0, T)) if row is not NOTHING else ZERO),  # type: ignore[misc]
            True,
        )
    opening = frame.fixed(
        "terminal/opening_assets", "Counted at the end: assets owned at the start", terminal.opening_assets, "USD", "usd"
    )
    entry("terminal_opening_assets", "Assets owned at the start, at the horizon", lambda d: opening, True)
    contracts = share("contracts", "rents after the horizon")
    entry("terminal_contracts", "Rents after the horizon", lambda d: contracts * plant.contract_value, True)
    entry("terminal_debt", "Debt at the horizon", lambda d: -sum((row[d] for row in debts.claims), ZERO), True)
    for name, rows in debts.put_earned.items():

        def earned(d: int, rows: list[Row] = rows) -> Term:
            return -sum((row[d] for row in rows), ZERO)

        entry(f"{PUT}[{name}]", f"{name}: premium of a put to come", earned, True)
    flows.discount_rate = frame.given("discount", "Discount rate", problem.objective.discount, "per year", "percent")
    flows.value = sheet.row("Value by date", lambda d: sum((row[d] for row in sheet_rows.values()), ZERO), kind="total")
    flows.discount = sheet.row(
        "Discount factor",
        lambda d: term(1) if d == 0 else (1 + flows.discount_rate) ** (-1 * (frame.months[d] / 12)),
        "",
        "plain",
    )


def _breaches(frame: Frame) -> list[tuple[Row, Term]]:
    """(what is breached, its price) of every soft rule that the plan breaches."""
    soft = []
    for n, rule in enumerate(frame.problem.rules):
        breach = frame.decided(frame.decisions.breach, rule.name)
        if rule.penalty is not None and breach.any():
            unit = rule_unit(rule)
            row = frame.chosen.series(f"{rule.name}: breach paid for", breach, unit, "usd" if unit == "USD" else "plain")
            cost = frame.given(f"rule/{n}/penalty", f"{rule.name}: price of a breach", rule.penalty, f"USD/{unit}", "plain")
            soft.append((row, cost))
    return soft


def _flows(parts: Parts, sheet: Sheet, flows: Flows) -> None:
    """Owners, the business before financing, and each source of outside capital."""
    frame, debts, market = parts.frame, parts.debts, parts.market
    cash, ledger, T = parts.rows["cash_flow"], flows.ledger, frame.periods
    flows.owners = sheet.row(
        "Owners: receipts less payments",
        lambda d: flows.value[d] - ledger["rescue_penalty"][d] - ledger["soft_rules"][d],
        key="flows/owners",
    )
    claims = ("terminal_cash", "terminal_debt")
    ends = [key for key in ledger if key.startswith("terminal_") and key not in claims and not key.startswith(PUT)]
    flows.business = sheet.row(
        "Business before financing",
        lambda d: cash["operating"][d] - cash["interest"][d] - cash["cash_yield"][d] + cash["investing"][d]
        + sum((ledger[key][d] for key in ends), ZERO),
        key="flows/business",
    )  # fmt: skip
    for key, debt in debts.kinds.items():

        def flow(d: int, key: str = key, debt=debt) -> Term:  # type: ignore[no-untyped-def]
            made = debts.of(key, "issued", d) - debts.of(key, "costs", d) - sum((debts.of(key, line, d) for line in TAKEN), ZERO)
            if d == 0:
                made = made + debts.opening[key] + debts.opening_due[key]
            if d == T:
                if not isinstance(debt.conversion, Conversion):
                    made = made - debts.of(key, "closing", d)
                made = made - debts.of(key, "due", d) - sum((row[d] for row in debts.put_earned.get(key, ())), ZERO)
            for one in debts.convertibles:
                if one.key != key:
                    continue

                def worth(d: int = d, one=one) -> Term:  # type: ignore[no-untyped-def]
                    return least(largest(market.share[d] / one.strike - 1, 0.0), one.room) if not one.room.zero else ZERO

                given = one.delivered[d]
                if not given.zero:
                    made = made - given * market.share[d] + given * one.strike * worth()
                if d == T and not one.balance[d].zero:
                    made = made - one.balance[d] * largest(market.share[d] / one.strike, 1.0) + one.balance[d] * worth()
            return made

        flows.capital[key] = sheet.row(f"Capital: {key}", flow, key=f"capital/{key}")
    for row, fee, issue in parts.equity:
        if issue.holders == "new" and row is not NOTHING:

            def shares(d: int, row: Row = row, fee: Term = fee, name: str = issue.name) -> Term:
                made = (1 - fee) * row[d]
                if d == T:
                    made = made - total(parts.rows["cap_table"][f"sold[{name}]"].span(0, T)) * market.share[T]
                return made

            flows.capital[issue.name] = sheet.row(f"Capital: {issue.name}", shares, key=f"capital/{issue.name}")


class _Measures:
    """The measures: declared at the top of the sheet, their workings below the flows."""

    def __init__(self, parts: Parts, sheet: Sheet, rates: Sheet, flows: Flows, found: Returns) -> None:
        self.parts, self.sheet, self.rates, self.flows, self.found = parts, sheet, rates, flows, found
        self.frame = parts.frame
        self.made: dict[str, Term] = {}
        self.step = math.gcd(*(int(m) for m in self.frame.problem.clock.months))
        self.grids: dict[str, Row] = {}
        self.nearby: dict[str, str] = {}
        self.series: list[tuple[str, Callable[..., Term]]] = []

    def value(self, key: str) -> Value:
        """What the program says, in the scenario shown."""
        figure = self.found[key].scenarios[self.frame.shown][0]
        return NONE if figure is None else float(figure)

    def declare(self) -> None:
        """A row per measure that the workbook has: those of expected flows are of no one scenario."""
        capital = set(self._capital_names())
        for one in self.found.measures:
            if one.key in KEYS or (one.key.startswith("cost[") and one.key[5:-1] not in capital):
                continue
            self._row(one)
        self.flows.npv = self.sheet.rows[0]
        self.flows.npv_again = self.sheet.row("Net present value, by NPV()", lambda d: self.made["npv_again"], end=1)
        for key, who in (("xirr", "owners"), ("business_xirr", "the business")):
            self.sheet.row(
                f"XIRR of {who} (calendar days over 365)", lambda d, key=key: self.made[key], "per year", "percent",  # type: ignore[misc]
                key=f"returns/{key}", end=1,
            )  # fmt: skip

    def _capital_names(self) -> list[str]:
        names = list(self.parts.debts.kinds)
        return names + [issue.name for row, _, issue in self.parts.equity if issue.holders == "new" and row is not NOTHING]

    def _row(self, one: Measure) -> None:
        self.sheet.row(
            one.label,
            lambda d: self.made[one.key],
            one.unit,
            LOOKS.get(one.unit, "plain"),
            "formula",
            f"returns/{one.key}",
            end=1,
        )

    def write(self) -> None:
        """Workings and formulas of all measures."""
        parts, flows, frame, sheet = self.parts, self.flows, self.frame, self.sheet
        T, ratios = frame.periods, parts.rows["credit_ratios"]
        sheet.note("Workings of measures", "section", _dates(parts))
        owners = self._clean("Owners", flows.owners)
        business = self._clean("Business", flows.business)
        paid_row = sheet.row("Paid in by owners", lambda d: -(flows.ledger["contributions"][d] + flows.ledger["rescue"][d]))
        paid = total(paid_row.span(0, T))
        made = self.made
        made["npv"] = sum_product(flows.value.span(0, T), flows.discount.span(0, T))
        made["npv_again"] = self._npv(flows.value)
        made["irr"] = self._irr("irr", "Owners", owners, paid > SMALLEST)
        made["mirr"] = self._mirr("mirr", owners)
        made["xirr"] = self._xirr("irr", owners)
        received = total(flows.owners.span(0, T)) + paid
        made["moic"] = when(both(paid > SMALLEST, received >= 0), received / paid, text(NONE))
        made["payback"] = self._payback("Owners", flows.owners)
        discounted = sheet.row("Owners, discounted", lambda d: flows.owners[d] * flows.discount[d])
        made["discounted_payback"] = self._payback("Owners, discounted", discounted)
        made["business_npv"] = sum_product(flows.business.span(0, T), flows.discount.span(0, T))
        made["business_irr"] = self._irr("business_irr", "Business", business, None)
        made["business_xirr"] = self._xirr("business_irr", business)
        for key, ratio in (("dscr", "dscr"), ("net_debt_to_ebitda", "net_debt_to_ebitda")):
            span = ratios[ratio].span(0, T)
            some = count(span) > 0
            if key == "dscr":
                made["dscr_min"] = when(some, least(span), text(NONE))
                made["dscr_avg"] = when(some, average(span), text(NONE))
            else:
                made["net_debt_to_ebitda_max"] = when(some, largest(span), text(NONE))
                made["net_debt_to_ebitda_end"] = ratios[ratio][T]
        made["llcr"] = self._llcr()
        made["liquidity_low"] = least(ratios["liquidity"].span(0, T))
        made["peak_debt"] = largest(ratios["total_debt"].span(0, T))
        outside = sheet.row("All outside capital", lambda d: sum((row[d] for row in flows.capital.values()), ZERO))
        for key, name, row in (
            ("cost_of_capital", "All outside capital", outside),
            *((f"cost[{name}]", name, row) for name, row in flows.capital.items()),
        ):
            clean = self._clean(f"{name}: what holders pay and receive", row, -1.0)
            made[key] = self._irr(key, name, clean, None)
        self.fill_rates()

    # ---- parts of measures --------------------------------------------------------------------------------------------
    def _clean(self, label: str, row: Row, sign: float = 1.0) -> Row:
        """Flows above a cent: what is less a solver left behind."""
        return self.sheet.row(
            f"{label}, above a cent", lambda d: when(absolute(row[d]) > SMALLEST, row[d] if sign > 0 else -row[d], 0)
        )

    def _span(self, row: Row) -> Span:
        """The flows at equal steps of time."""
        frame, step = self.frame, self.step
        if all(int(m) == step for m in frame.problem.clock.months):
            return row.span(0, frame.periods)
        at = {month // step: d for d, month in enumerate(frame.month)}
        name = f"{row.number}"
        if name not in self.grids:
            self.grids[name] = self.sheet.row(
                f"{row.label}, every {step} months", lambda k: row[at[k]] if k in at else 0.0, end=frame.month[-1] // step + 1
            )
        return self.grids[name].span(0, frame.month[-1] // step)

    def _npv(self, row: Row) -> Term:
        """By the function of spreadsheets, which discounts its first flow by a step too."""
        rate, span = self.flows.discount_rate, self._span(row)
        each = (1 + rate) ** (term(self.step) / 12) - 1
        value = sum(v * (1.0 + each.number) ** -k for k, v in enumerate(span.filled))
        return formula(f"NPV({each.text},{span.text})*(1+{each.text})", value)

    def _irr(self, key: str, name: str, row: Row, condition: Term | None) -> Term:
        """A rate where just one makes the value zero, from above."""
        span, rates = row.span(0, self.frame.periods), self.rates
        worth = _value_at(row, self.frame)
        self.series.append((name, worth))
        column, top, last = rates.letters(len(self.series)), FIRST_RATE, FIRST_RATE + len(LOOKED_AT) - 1
        values = [worth(float(r)).number for r in LOOKED_AT]
        changes = sum((a >= 0.0) != (b >= 0.0) for a, b in pairwise(values))
        upper, lower = (f"{rates.prefix}{column}{top + k}:{column}{last - 1 + k}" for k in (0, 1))
        one = formula(f"SUMPRODUCT(1*(({upper}>=0)<>({lower}>=0)))=1", float(changes == 1))
        high = Term(f"{rates.prefix}{column}{top}", values[0]) >= 0
        every = both(*([condition] if condition is not None else []), least(span) < 0, largest(span) > 0, one, high)
        # the search begins at the last rate that was looked at before the value turns negative
        every_rate = f"{rates.prefix}{rates.letters(0)}{top}:{rates.letters(0)}{last}"
        nearby = f"INDEX({every_rate},SUMPRODUCT(1*({rates.prefix}{column}{top}:{column}{last}>=0)))"
        self.nearby[key] = nearby
        rate = f"(1+IRR({self._span(row).text},(1+{nearby})^({self.step}/12)-1))^(12/{self.step})-1"
        return Term(f"IF({every.text},{rate},{text(NONE).text})", self.value(key))

    def fill_rates(self) -> None:
        """The sheet of rates: one line per rate, one column per series."""
        self.rates.next = FIRST_RATE - 1
        self.rates.columns = 1 + len(self.series)
        self.rates.note("", "heading", ("Rate per year", *(name for name, _ in self.series)))
        for rate in LOOKED_AT:

            def make(k: int, rate: float = float(rate), place: str = f"{self.rates.letters(0)}{self.rates.next}") -> Term | float:
                return self.series[k - 1][1](rate, place) if k else rate

            self.rates.row("", make, "", "value", "formula", end=self.rates.columns).others[0] = "percent"

    def _mirr(self, key: str, row: Row) -> Term:
        """Modified internal rate of return at the discount rate, by the function of spreadsheets."""
        span, figure = self._span(row), self.value(key)
        each = (1 + self.flows.discount_rate) ** (term(self.step) / 12) - 1
        rate = f"(1+MIRR({span.text},{each.text},{each.text}))^(12/{self.step})-1"
        both_signs = both(least(span) < 0, largest(span) > 0)
        return Term(f"IF({both_signs.text},{rate},{text(NONE).text})", figure)

    def _xirr(self, key: str, row: Row) -> Term:
        """By calendar days over 365, as spreadsheets count; none where the first flow is 0, of which they give a wrong rate."""
        import pyxirr

        frame, figure = self.frame, self.value(key)
        span, days = row.span(0, frame.periods), frame.days.span(0, frame.periods)
        value: Value = NONE
        if isinstance(figure, float):
            found = pyxirr.xirr(frame.calendar, np.array(span.filled), guess=figure, silent=True)
            value = NONE if found is None else float(found)
        if span.filled[0] == 0.0:
            value = NONE
        there = next(one for one in self.sheet.rows if one.key == f"returns/{key}")
        return Term(
            f"IF(AND(ISNUMBER({there.place(0)}),{row.place(0)}<>0),XIRR({span.text},{days.text},{self.nearby[key]}),{text(NONE).text})",
            value,
        )

    def _payback(self, label: str, row: Row) -> Term:
        """Years until what was received covers what was paid, for good."""
        frame, T = self.frame, self.frame.periods
        so_far = self.sheet.row(f"{label}: so far", lambda d: (so_far[d - 1] if d else ZERO) + row[d])

        def crossing(d: int) -> Term:
            share = -so_far[d] / (so_far[d + 1] - so_far[d])
            here = (frame.months[d] + (frame.months[d + 1] - frame.months[d]) * share) / 12
            crosses = both(so_far[d] < -SMALLEST, so_far[d + 1] >= -SMALLEST)
            return when(crosses, here, years[d - 1] if d else 0)

        years = self.sheet.row(
            f"{label}: years to the last time that more was paid than received", crossing, "years", "plain", end=T
        )
        fails = either(least(so_far.span(0, T)) >= -SMALLEST, so_far[T] < -SMALLEST)
        return when(fails, text(NONE), years[T - 1])

    def _llcr(self) -> Term:
        """CFADS from the date of highest debt on while debt stands, discounted at the debt's own interest, over that debt."""
        parts, sheet, T = self.parts, self.sheet, self.frame.periods
        debt, words = parts.rows["credit_ratios"]["total_debt"], parts.base
        highest = largest(debt.span(0, T))
        seen = sheet.row(
            "Debt has been highest by then",
            lambda d: when(either(debt[d] >= highest - SMALLEST, *([seen[d - 1] > 0] if d else [])), 1, 0),
            "",
            "count",
        )
        later = sheet.row(
            "Debt stands then or later",
            lambda d: when(either(debt[d] > SMALLEST, *([later[d + 1] > 0] if d < T else [])), 1, 0),
            "",
            "count",
        )

        def factor(d: int) -> Term:
            rate = when(debt[d - 1] > SMALLEST, parts.debts.all("accrued", d) / debt[d - 1], 0)
            before = discount[d - 1] if d > 1 else term(1)
            return when(seen[d - 1].equals(0), 1, before / (1 + rate))

        discount = sheet.row("Discounted at the debt's interest", factor, "", "plain", first=1)
        counted = sheet.row("CFADS counts", lambda d: seen[d - 1] * later[d - 1], "", "count", first=1)
        first = sheet.row("Debt when it is highest", lambda d: debt[d] * (seen[d] - (seen[d - 1] if d else ZERO)))
        worth = sum_product(words["cfads"].span(1, T), discount.span(1, T), counted.span(1, T))
        return when(total(counted.span(1, T)) > 0, worth / total(first.span(0, T)), text(NONE))


def _value_at(row: Row, frame) -> Callable[..., Term]:  # type: ignore[no-untyped-def]
    """Value of a series at a rate, as a formula of the cell that holds the rate."""
    T = frame.periods
    months: Array = np.array(frame.month, dtype=float)
    held: list[Array] = []

    def value(rate: float, place: str = "") -> Term:
        if not held:
            held.append(np.array(row.span(0, T).filled))
        amount = float(held[0] @ (1.0 + rate) ** (-months / 12.0))
        flows, time = row.span(0, T), frame.months.span(0, T)
        return formula(f"SUMPRODUCT({flows.text},(1+{place})^(-1*{time.text}/12))", amount)

    return value
