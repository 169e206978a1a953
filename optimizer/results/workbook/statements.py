"""The statements as sheets: lines, totals and ratios are those that `models.finance` declares; entries are formulas of the workings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from models.finance.balance import PLANT
from models.finance.income import WORN
from models.finance.lines import SMALLEST, Statement
from models.finance.schedules import REPAID
from models.problem import Equity
from models.proforma.power import COSTS, REVENUES
from models.proforma.yearly_limits import each_limit
from optimizer.results.workbook.debt_lines import Debts
from optimizer.results.workbook.expressions import NONE, ZERO, Term, text, total, when
from optimizer.results.workbook.frame import Frame
from optimizer.results.workbook.operations import Market, Operations
from optimizer.results.workbook.plant import Plant
from optimizer.results.workbook.sheets import NOTHING, Row, Sheet

Entry = Callable[[int], Term]
#: ratios that are shares of something
SHARES = ("effective_rate", "debt_to_assets", "old_share", "share[")
LOOKS = {"USD": "usd", "ratio": "ratio", "shares": "shares", "USD/share": "price"}


@dataclass
class Parts:
    """What statements are made of."""

    frame: Frame
    market: Market
    plant: Plant
    operations: Operations
    debts: Debts
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    coins: Row = NOTHING
    exempt: list[tuple[Row, bool]] = field(default_factory=list)
    given: dict[bool, list[tuple[Row, bool]]] = field(default_factory=lambda: {True: [], False: []})
    projects: list[tuple[Row, bool]] = field(default_factory=list)
    tax_paid: Entry = lambda d: ZERO
    sold: Row = NOTHING
    coin_fee: Term = ZERO
    yields: Row = NOTHING
    dividends: Row = NOTHING
    rescue: Row = NOTHING
    charges: Row = NOTHING
    pledged: list[Row] = field(default_factory=list)
    equity: list[tuple[Row, Term, Equity]] = field(default_factory=list)
    base: dict[str, Row] = field(default_factory=dict)
    breaches: list[tuple[Row, Term]] = field(default_factory=list)
    master: Row = NOTHING
    plan_holds: Row = NOTHING
    shares_sold: dict[str, Entry] = field(default_factory=dict)

    def line(self, statement: str, key: str) -> Row:
        """A line of a statement; nothing where it is not shown."""
        return self.rows[statement].get(key, NOTHING)


def meaningful(above: Term, below: Term) -> Term:
    """A ratio, where what it is of is at least a cent."""
    return when(below >= SMALLEST, above / below, text(NONE))


def statement_rows(
    sheet: Sheet,
    statement: Statement,
    entries: Mapping[str, Entry],
    unused: tuple[str, ...] = (),
    columns: int | None = None,
    name: str = "",
) -> dict[str, Row]:
    """Rows of a statement under its headings. unused: endings of keys that are left out ('[notes]')."""
    rows: dict[str, Row] = {}
    section = None
    for line in statement.lines:
        if unused and line.key.endswith(unused):
            continue
        if line.section != section:
            section = line.section
            sheet.note(section, "heading")

        def make(d: int, line=line) -> Term:  # type: ignore[no-untyped-def]
            if line.opens is not None and d > 0:
                return rows[line.opens][d - 1]
            if line.sums:
                made = ZERO
                for key, coefficient in line.sums:
                    if key in rows:
                        made = made + rows[key][d] if coefficient > 0 else made - rows[key][d]
                return made
            if line.ratio is not None:
                above, below = (rows[key] for key in line.ratio)
                return meaningful(above[d], below[d])
            return entries[line.key](d)

        rows[line.key] = sheet.row(
            line.label,
            make,
            line.unit,
            "percent" if line.key.startswith(SHARES) else LOOKS[line.unit],
            "total" if line.sums else "formula",
            f"{name or statement.name}/{line.key}",
            end=columns,
        )
    return rows


def other_flows(parts: Parts) -> None:
    """Given streams and projects, on the sheets of inputs."""
    frame = parts.frame
    if frame.problem.cash_flows:
        frame.paths_sheet.note("Given cash flows", "section")
    for flow in frame.problem.cash_flows:
        row = frame.paths.series(flow.name, flow.amount, "USD", "usd")
        parts.given[flow.operating].append((row, flow.taxable))
    for project in frame.problem.projects:
        units = frame.decided(frame.decisions.units, project.name)
        if not units.any():
            continue
        frame.decisions_sheet.note(project.name, "section")
        frame.paths_sheet.note(project.name, "section")
        decided = frame.chosen.series(f"{project.name}, units decided", units, "units", "plain")
        used = [v for v in range(frame.dates) if units[:, v].any()]
        cash = [
            (
                v,
                frame.paths.series(
                    f"{project.name}: cash per unit decided at date {v}", project.cash[:, v, :], "USD/unit", "usd"
                ),
            )
            for v in used
        ]
        row = frame.paths_sheet.row(
            f"{project.name}: cash",
            lambda d, cash=cash, decided=decided: sum((decided[v] * each[d] for v, each in cash), ZERO),  # type: ignore[misc]
        )
        parts.projects.append((row, project.taxable))


def income_statement(parts: Parts, statement: Statement) -> Sheet:
    """Income statement."""
    frame, plant, ops, debts, market = parts.frame, parts.plant, parts.operations, parts.debts, parts.market
    treasury = frame.problem.treasury
    sheet = Sheet("Income", statement.title, frame.dates, "statement")
    fee = frame.fixed("coin_fee", "Cost of selling coins", treasury.coin_fee, "share", "percent")
    overhead = frame.paths.series(
        "Overhead of the company", frame.settles(frame.problem.overhead), "USD/year", "usd", frame.factor["overhead"]
    )
    sold = frame.chosen.series("Bitcoin sold", frame.decisions.sold, "BTC", "coins")
    opening = frame.fixed("coins", "Coins at the start", treasury.coins, "BTC", "coins")
    kept = parts.operations.of("kept")
    if not opening.zero or kept or sold is not NOTHING:
        parts.coins = frame.chosen.sheet.row(
            "Bitcoin held after", lambda d: (parts.coins[d - 1] if d else opening) + ops.at("kept", d) - sold[d], "BTC", "coins"
        )
    parts.sold, parts.coin_fee = sold, fee
    charges = parts.charges = _excess(frame)

    def gains(d: int) -> Term:
        fair = ZERO
        if d > 0:
            fair = parts.coins[d - 1] * (market.btc[d] - market.btc[d - 1])
            fair = fair + ops.at("kept", d) * (market.btc[d] - market.btc_mean[d])
        return fair - fee * market.btc[d] * sold[d]

    yields = parts.yields = frame.paths.series("Interest on cash", frame.settles(treasury.cash_yield), "per year", "rate")
    entries: dict[str, Entry] = {name: (lambda d, name=name: ops.at(name, d)) for name in (*REVENUES, *COSTS)}  # type: ignore[misc]
    entries |= {
        "ai_rent": lambda d: sum((row[d] for row in plant.rents.values()), ZERO),
        "excess_charges": lambda d: charges[d],
        "fixed_costs": lambda d: plant.totals["fixed"][d],
        "overhead": lambda d: overhead[d] * frame.years[d] if d else ZERO,
        "operating_cash_flows": lambda d: sum((row[d] for row, _ in parts.given[True]), ZERO),
        "option_fees": lambda d: plant.totals["paid:options"][d],
        "other_cash_flows": lambda d: sum((row[d] for row, _ in (*parts.given[False], *parts.projects)), ZERO),
        "resale": lambda d: plant.totals["sales"][d],
        "coin_gains": gains,
        "cash_yield": lambda d: parts.line("cash_flow", "closing_cash")[d - 1] * yields[d] * frame.years[d] if d else ZERO,
        "coupon_interest": lambda d: debts.all("accrued", d),
        "commitment_fees": lambda d: debts.all("commitment", d),
        "issue_cost_amortisation": lambda d: debts.all("amortised", d),
        "redemption_premium": lambda d: debts.all("call_premium", d) + debts.all("put_premium", d),
        "issue_costs_written_off": lambda d: debts.all("written_off", d),
        "tax": lambda d: parts.tax_paid(d),
    }
    entries |= {f"depreciation_{kind}": (lambda d, kind=kind: plant.totals[f"worn:{kind}"][d]) for kind in WORN}  # type: ignore[misc]
    parts.rows["income_statement"] = statement_rows(sheet, statement, entries)
    return sheet


def _excess(frame: Frame) -> Row:
    """What is paid above energy budgets and emission caps, at the last date of each calendar year."""
    clock, parts = frame.problem.clock, []
    for key, _, terms in each_limit(frame.problem):
        above = frame.decisions.exceeded.get(key)
        if terms.price is None or above is None or not np.any(above):
            continue
        price, amount = np.full((frame.scenarios, frame.dates), np.nan), np.full((frame.scenarios, frame.dates), np.nan)
        for year in range(clock.tax_years):
            inside, at = clock.tax_year == year, clock.last_date_of_year[year]
            price[:, at] = (terms.price[:, inside] * clock.months[inside]).sum(axis=1) / clock.months[inside].sum()
            amount[:, at] = above[:, year]
        name = f"{key[0].replace('_', ' ')} of {key[1]}"
        cost = frame.paths.series(f"{name}: price of what is above", price, "USD/unit", "price")
        units = frame.chosen.series(f"{name}: paid for above it", amount, "MWh or t", "count")
        parts.append((cost, units))
    if not parts:
        return NOTHING
    return frame.paths_sheet.row(
        "Charges above budgets and caps", lambda d: sum((cost[d] * units[d] for cost, units in parts), ZERO)
    )


def equity_decisions(parts: Parts) -> None:
    """Shares sold, with their fees."""
    frame = parts.frame
    for issue in frame.problem.equities:
        row = frame.chosen.series(f"{issue.name}, shares sold", frame.decided(frame.decisions.issued, issue.name), "USD", "usd")
        fee = ZERO
        if row is not NOTHING:
            fee = frame.fixed(f"equity/{issue.name}/fee", f"{issue.name}: fee", issue.fee, "of proceeds", "percent")
        parts.equity.append((row, fee, issue))


def cash_flow(parts: Parts, statement: Statement) -> Sheet:
    """Cash flow statement."""
    frame, plant, debts, market, ops = parts.frame, parts.plant, parts.debts, parts.market, parts.operations
    sheet = Sheet("Cash flow", statement.title, frame.dates, "statement")
    income = parts.rows["income_statement"]
    opening = frame.given("cash", "Cash at the start", frame.problem.treasury.cash, "USD", "usd")
    dividends = frame.chosen.series("Dividends", frame.decisions.dividends, "USD", "usd")
    rescue = frame.chosen.series("Rescue equity", frame.decisions.rescue, "USD", "usd")
    parts.dividends, parts.rescue = dividends, rescue
    equity_decisions(parts)
    revolvers = [key for key, debt in debts.kinds.items() if debt.kind == "revolver"]
    others = [key for key in debts.lines if key not in revolvers]

    def kept(d: int) -> Term:
        return market.btc_mean[d] * ops.at("kept", d)

    def of(keys: list[str], line: str, d: int) -> Term:
        return sum((debts.of(key, line, d) for key in keys), ZERO)

    def proceeds(keys: list[str], d: int) -> Term:
        return of(keys, "issued", d) - of(keys, "costs", d)

    entries: dict[str, Entry] = {
        "opening_cash": lambda d: opening,
        "cash_margin": lambda d: (
            income["revenue"][d] - income["ai_rent"][d] - sum((income[name][d] for name in COSTS), ZERO) - kept(d)
        ),
        "ai_rent": lambda d: income["ai_rent"][d],
        "operating_cash_flows": lambda d: income["operating_cash_flows"][d],
        "cash_yield": lambda d: income["cash_yield"][d],
        "interest": lambda d: -debts.all("paid", d),
        "tax": lambda d: -income["tax"][d],
        "resale": lambda d: income["resale"][d],
        "coin_sales": lambda d: (1 - parts.coin_fee) * market.btc[d] * parts.sold[d],
        "other_cash_flows": lambda d: income["other_cash_flows"][d],
        "debt_issued": lambda d: proceeds(others, d),
        "principal": lambda d: -(of(others, "principal", d) + of(others, "redeemed", d)),
        "calls": lambda d: -(debts.all("called", d) + debts.all("call_premium", d)),
        "puts": lambda d: -(debts.all("put", d) + debts.all("put_premium", d)),
        "revolver": lambda d: proceeds(revolvers, d) - of(revolvers, "principal", d),
        "capped_calls": lambda d: -debts.all("capped_call", d),
        "equity": lambda d: sum(((1 - fee) * row[d] for row, fee, _ in parts.equity), ZERO),
        "rescue": lambda d: rescue[d],
        "dividends": lambda d: -dividends[d],
        "net_income": lambda d: income["net_income"][d],
        "added_depreciation": lambda d: income["depreciation"][d],
        "added_option_fees": lambda d: income["option_fees"][d],
        "added_issue_costs": lambda d: income["issue_cost_amortisation"][d] + income["issue_costs_written_off"][d],
        "added_redemption_premium": lambda d: income["redemption_premium"][d],
        "added_interest_unpaid": lambda d: income["coupon_interest"][d] + income["commitment_fees"][d] - debts.all("paid", d),
        "coins_kept": kept,
        "coin_gains": lambda d: income["coin_gains"][d],
        "resale_gain": lambda d: income["resale"][d],
        "other_income": lambda d: income["other_cash_flows"][d],
    }
    for cost in ("excess_charges", "fixed_costs", "overhead"):
        entries[cost] = lambda d, cost=cost: -income[cost][d]  # type: ignore[misc]
    for kind in ("rigs", "options", "halls", "interconnection", "equipment"):
        entries[f"capex_{kind}"] = lambda d, kind=kind: -plant.totals[f"paid:{kind}"][d]  # type: ignore[misc]
    parts.rows["cash_flow"] = statement_rows(sheet, statement, entries)
    return sheet


def balance_sheet(parts: Parts, statement: Statement) -> Sheet:
    """Balance sheet."""
    frame, plant, debts, market = parts.frame, parts.plant, parts.debts, parts.market
    sheet = Sheet("Balance", statement.title, frame.dates, "statement")
    income, cash = parts.rows["income_statement"], parts.rows["cash_flow"]
    pledged = parts.pledged = [
        frame.chosen.series(f"{name}, coins pledged", frame.decided(frame.decisions.pledged, name), "BTC", "coins")
        for name in frame.decisions.pledged
    ]

    def since(row: Row, d: int) -> Term:
        return ZERO if row is NOTHING or row.first >= row.end else total(row.span(0, d))

    def stock(key: str, flow: Entry) -> Entry:
        """A stock that was 0 before date 0."""
        return lambda d: (rows_of()[key][d - 1] if d else ZERO) + flow(d)

    def rows_of() -> dict[str, Row]:
        return parts.rows["balance_sheet"]

    def pledge(d: int) -> Term:
        return sum((row[d] for row in pledged), ZERO)

    plant_opening = (
        frame.given("opening_ppe", "Plant owned at the start, book value", frame.problem.opening_ppe, "USD", "usd")
        if frame.problem.opening_ppe
        else ZERO
    )
    coins0 = frame.fixed("coins", "Coins at the start", frame.problem.treasury.coins, "BTC", "coins")
    cash0 = frame.given("cash", "Cash at the start", frame.problem.treasury.cash, "USD", "usd")

    def opening_equity(d: int) -> Term:
        if d:
            return rows_of()["opening_equity"][0]
        owed = sum((x for x in (*debts.opening.values(), *debts.opening_due.values())), ZERO)
        return cash0 + coins0 * market.btc[0] + plant_opening - owed

    entries: dict[str, Entry] = {
        "cash": lambda d: cash["closing_cash"][d],
        "coins_free": lambda d: market.btc[d] * (parts.coins[d] - pledge(d)),
        "coins_pledged": lambda d: market.btc[d] * pledge(d),
        "plant_opening": lambda d: plant_opening,
        "deposits": stock(
            "deposits",
            lambda d: sum((plant.totals[f"paid:{k}"][d] - plant.totals[f"in_service:{k}"][d] for k in PLANT), ZERO),
        ),
        "accumulated_depreciation": stock("accumulated_depreciation", lambda d: -income["depreciation"][d]),
        "unamortised_issue_costs": lambda d: -debts.all("carried_costs", d),
        "interest_due": lambda d: debts.all("due", d),
        "opening_equity": opening_equity,
        "paid_in": stock("paid_in", lambda d: cash["equity"][d] + cash["rescue"][d]),
        "capped_calls": stock("capped_calls", lambda d: cash["capped_calls"][d]),
        "converted": stock("converted", lambda d: debts.all("converted", d)),
        "retained_earnings": stock("retained_earnings", lambda d: income["net_income"][d]),
        "dividends": stock("dividends", lambda d: cash["dividends"][d]),
        "debt": lambda d: ZERO,
    }
    for kind in PLANT:
        entries[f"plant_{kind}"] = stock(f"plant_{kind}", lambda d, kind=kind: plant.totals[f"in_service:{kind}"][d])  # type: ignore[misc]
    for key in debts.lines:
        entries[f"debt[{key}]"] = lambda d, key=key: debts.of(key, "closing", d)  # type: ignore[misc]
    parts.rows["balance_sheet"] = {}
    parts.rows["balance_sheet"] = statement_rows(sheet, statement, entries, unused_keys(parts))
    return sheet


def unused_keys(parts: Parts) -> tuple[str, ...]:
    """Endings of the keys of lines of debts that the plan does not use."""
    names = [key for debt in parts.frame.problem.debts for key in (debt.name, f"{debt.name}@existing")]
    return tuple(f"[{name}]" for name in names if name not in parts.debts.lines)


def sources_uses(parts: Parts, statement: Statement) -> Sheet:
    """Sources and uses."""
    frame, debts = parts.frame, parts.debts
    sheet = Sheet("Sources and uses", statement.title, frame.dates, "statement")
    cash = parts.rows["cash_flow"]
    entries: dict[str, Entry] = {
        "opening_cash": lambda d: cash["opening_cash"][d],
        "operations": lambda d: cash["operating"][d] - cash["interest"][d] - cash["tax"][d],
        "equity_fees": lambda d: sum((fee * row[d] for row, fee, _ in parts.equity), ZERO),
        "capped_calls": lambda d: debts.all("capped_call", d),
        "interest": lambda d: debts.all("paid", d),
        "redemption_premium": lambda d: debts.all("call_premium", d) + debts.all("put_premium", d),
        "tax": lambda d: -cash["tax"][d],
        "dividends": lambda d: parts.dividends[d],
        "closing_cash": lambda d: cash["closing_cash"][d],
    }
    for key in ("resale", "coin_sales", "other_cash_flows", "rescue"):
        entries[key] = lambda d, key=key: cash[key][d]  # type: ignore[misc]
    for kind in ("rigs", "options", "halls", "interconnection", "equipment"):
        entries[f"capex_{kind}"] = lambda d, kind=kind: -cash[f"capex_{kind}"][d]  # type: ignore[misc]
    for row, _, issue in parts.equity:
        entries[f"equity[{issue.name}]"] = lambda d, row=row: row[d]  # type: ignore[misc]
    for key in debts.lines:
        entries[f"debt[{key}]"] = lambda d, key=key: debts.of(key, "issued", d)  # type: ignore[misc]
        entries[f"issue_costs[{key}]"] = lambda d, key=key: debts.of(key, "costs", d)  # type: ignore[misc]
        entries[f"repaid[{key}]"] = lambda d, key=key: sum(  # type: ignore[misc]
            (debts.of(key, line, d) for line in ("principal", "redeemed", "called", "put")), ZERO
        )
    parts.rows["sources_uses"] = statement_rows(sheet, statement, entries, unused_keys(parts))
    return sheet


def debt_schedules(parts: Parts, statements: Mapping[str, Statement]) -> Sheet:
    """The schedule of every debt in use."""
    frame, debts = parts.frame, parts.debts
    sheet = Sheet("Debt", "Debt schedules", frame.dates, "statement")
    if debts.unused:
        sheet.note("Not used by the plan in any scenario: " + ", ".join(debts.unused))
    for key in debts.lines:
        sheet.note(key, "section")

        def line(name: str, key: str = key) -> Entry:
            return lambda d: debts.of(key, name, d)

        opening, due = debts.opening[key], debts.opening_due[key]
        entries: dict[str, Entry] = {
            "opening": lambda d, opening=opening: opening,  # type: ignore[misc]
            "opening_issue_costs": lambda d: ZERO,
            "opening_due": lambda d, due=due: due,  # type: ignore[misc]
            "issue_costs": line("costs"),
            "capitalised": line("pik"),
            "capped_call": line("capped_call"),
        }
        for name in (
            "issued",
            "pik",
            *REPAID,
            "call_premium",
            "put_premium",
            "amortised",
            "written_off",
            "accrued",
            "commitment",
            "paid",
            "straight_line",
        ):
            entries[name] = line(name)
        # at date 0 existing debt opens with the interest that is due and closes with it: nothing is accrued there
        parts.rows[f"debt:{key}"] = statement_rows(sheet, statements[key], entries, name=f"debt:{key}")
    return sheet
