"""Cap table: shares by date, earnings per share as if converted, and ownership at several share prices at the horizon."""

from __future__ import annotations

from models.finance.cap_table import MULTIPLES
from models.finance.lines import Statement
from optimizer.results.workbook.debt_terms import Standing
from optimizer.results.workbook.expressions import ZERO, Term, both, formula, largest, least, term, total, when
from optimizer.results.workbook.sheets import Row, Sheet
from optimizer.results.workbook.statements import Entry, Parts, statement_rows


def cap_sheet(parts: Parts, statement: Statement, conversion: Statement) -> Sheet:
    """Both tables."""
    frame, debts, market = parts.frame, parts.debts, parts.market
    sheet = Sheet("Cap table", statement.title, frame.dates, "statement")
    start = frame.given("shares", "Shares at the start", frame.problem.market.shares, "shares", "shares")
    sold: dict[str, Entry] = {}
    for row, _, issue in parts.equity:
        if issue.holders != "new":
            continue
        discount = frame.fixed(
            f"equity/{issue.name}/discount", f"{issue.name}: discount to the share price", issue.discount, "share", "percent"
        )

        def shares(d: int, row: Row = row, discount: Term = discount) -> Term:
            return row[d] / (market.share[d] * (1 - discount)) if not row[d].zero else ZERO

        sold[issue.name] = shares
    parts.shares_sold = sold
    names = list(dict.fromkeys(one.name for one in debts.convertibles))
    unused = tuple(f"[{debt.name}]" for debt in frame.problem.debts if debt.kind == "convertible" and debt.name not in names)

    def of(name: str) -> list[Standing]:
        return [one for one in debts.convertibles if one.name == name]

    entries: dict[str, Entry] = {
        "opening_shares": lambda d: start,
        "net_income": lambda d: parts.line("income_statement", "net_income")[d],
    }
    for name, make in sold.items():
        entries[f"sold[{name}]"] = make
    for name in names:
        entries[f"converted[{name}]"] = lambda d, name=name: sum((one.delivered[d] for one in of(name)), ZERO)  # type: ignore[misc]
        entries[f"potential[{name}]"] = lambda d, name=name: sum(  # type: ignore[misc]
            (one.balance[d] / one.strike for one in of(name) if not one.balance[d].zero), ZERO
        )
    rows: dict[str, Row] = {}
    parts.rows["cap_table"] = rows
    diluted = _Diluted(parts, rows, names)
    entries |= {
        "basic_shares": lambda d: rows["shares"][d - 1] if d else start,
        "diluted_income": diluted.income,
        "diluted_shares": diluted.shares,
    }
    rows.update(statement_rows(sheet, statement, entries, unused))
    diluted.write(sheet)
    if market.share is not None and frame.problem.market.share_price is not None:
        _conversion(parts, sheet, conversion, start, names, unused)
    return sheet


class _Diluted:
    """Earnings and shares as if converted, the most dilutive first: ranked by what each adds per share, taken while that lowers the result."""

    def __init__(self, parts: Parts, rows: dict[str, Row], names: list[str]) -> None:
        self.parts, self.rows, self.names = parts, rows, names
        self.top: list[Row] = []
        self.bottom: list[Row] = []

    def income(self, d: int) -> Term:
        """Earnings, diluted."""
        return self.top[-1][d] if self.top else self.rows["net_income"][d]

    def shares(self, d: int) -> Term:
        """Shares, diluted."""
        return self.bottom[-1][d] if self.bottom else self.rows["basic_shares"][d]

    def write(self, sheet: Sheet) -> None:
        """Its workings."""
        if not self.names:
            return
        parts, rows, count = self.parts, self.rows, len(self.names)
        frame, debts = parts.frame, parts.debts
        rate = frame.given("tax/rate", "Tax rate", 0.0, "of income", "percent")
        sheet.note("Workings of dilution", "heading")
        more = [
            sheet.row(
                f"{name}: shares of the period",
                lambda d, name=name: rows[f"potential[{name}]"][d - 1] if d else ZERO,  # type: ignore[misc]
                "shares",
                "shares",  # type: ignore[misc]
            )
            for name in self.names
        ]
        gain = [
            sheet.row(
                f"{name}: interest after tax",
                lambda d, name=name: (1 - rate) * (debts.named(name, "accrued", d) + debts.named(name, "amortised", d)),  # type: ignore[misc]
            )
            for name in self.names
        ]
        step = [
            sheet.row(
                f"{name}: interest per share",
                lambda d, k=k: (
                    when(more[k][d] > 0, gain[k][d] / more[k][d], 1e99) if not more[k][d].zero else formula("1E+99", 1e99)
                ),  # type: ignore[misc]
                "USD/share",
                "step",
            )
            for k, name in enumerate(self.names)
        ]

        def order(d: int, k: int) -> Term:
            """Place of a convertible, 1 the most dilutive; of equals the first named."""
            made: Term = term(1)
            for j in range(count):
                if j != k:
                    ahead = step[j][d] <= step[k][d] if j < k else step[j][d] < step[k][d]
                    made = made + when(ahead, 1, 0)
            return made

        place = [
            sheet.row(f"{name}: place", lambda d, k=k: order(d, k), "", "count")  # type: ignore[misc]
            for k, name in enumerate(self.names)  # type: ignore[misc]
        ]
        for number in range(1, count + 1):
            self._take(sheet, number, more, gain, place)

    def _take(self, sheet: Sheet, number: int, more: list[Row], gain: list[Row], place: list[Row]) -> None:
        """Earnings and shares with the first `number` convertibles."""
        top, bottom = (self.top[-1], self.bottom[-1]) if self.top else (self.rows["net_income"], self.rows["basic_shares"])

        def chosen(table: list[Row], d: int) -> Term:
            """Of the convertible in this place."""
            if len(table) == 1:
                return table[0][d]
            column = sheet.letters(d)
            places, values = (f"{column}{rows[0].number}:{column}{rows[-1].number}" for rows in (place, table))
            value = sum(row[d].number for row, at in zip(table, place, strict=True) if at[d].number == number)
            return formula(f"SUMPRODUCT(1*({places}={number}),{values})", value)

        def counts(d: int) -> Term:
            here, rise = chosen(more, d), chosen(gain, d)
            return when(both(here > 0, rise * bottom[d] < here * top[d]), 1, 0)

        yes = sheet.row(f"Convertible in place {number} counts", counts, "", "count")
        self.top.append(sheet.row(f"Earnings with the first {number}", lambda d: top[d] + yes[d] * chosen(gain, d)))
        self.bottom.append(
            sheet.row(f"Shares with the first {number}", lambda d: bottom[d] + yes[d] * chosen(more, d), "shares", "shares")
        )


def _conversion(parts: Parts, sheet: Sheet, statement: Statement, start: Term, names: list[str], unused: tuple[str, ...]) -> None:
    """Ownership at multiples of the share price at the horizon."""
    debts, market, last = parts.debts, parts.market, parts.frame.periods
    count = len(MULTIPLES)
    sheet.note("Conversion at several share prices at the horizon (across: multiples of the scenario's)", "section")
    multiple = sheet.row("Multiple of the scenario's share price", lambda k: MULTIPLES[k], "times", "factor", "input", end=count)
    rows: dict[str, Row] = {}
    parts.rows["conversion"] = rows
    entries: dict[str, Entry] = {
        "share_price": lambda k: market.share[last] * multiple[k],
        "old_shares": lambda k: start,
    }
    table = parts.rows["cap_table"]

    def all_of(key: str) -> Term:
        return total(table[key].span(0, last))

    for name in parts.shares_sold:
        entries[f"sold[{name}]"] = lambda k, name=name: all_of(f"sold[{name}]")  # type: ignore[misc]
    entries["converted_before"] = lambda k: sum((all_of(f"converted[{name}]") for name in names), ZERO)

    def over(of: str, name: str) -> Entry:
        def make(k: int) -> Term:
            made, at = ZERO, rows["share_price"][k]
            for one in debts.convertibles:
                stands = one.balance[last]
                if one.name != name or stands.zero:
                    continue
                if of == "converts":
                    made = made + when(at > one.strike, stands / one.strike, 0)
                elif of == "owed":
                    made = made + when(at > one.strike, 0, stands)
                elif of == "claim":
                    made = made + stands * largest(at / one.strike, 1.0)
                elif not one.room.zero:
                    made = made + stands * least(largest(at / one.strike - 1, 0.0), one.room) / when(at > 0, at, 1)
            return made

        return make

    for name in names:
        for of in ("converts", "owed", "claim", "capped_call"):
            entries[f"{of}[{name}]"] = over(of, name)
    rows.update(statement_rows(sheet, statement, entries, unused, count))
