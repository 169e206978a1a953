"""Sources and uses of cash at each date: every dollar that comes in, and where it goes."""

from __future__ import annotations

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement, link, linked, over_debts, plus, schedule_name
from models.problem import Array

CAPEX = {
    "rigs": "Rigs",
    "options": "Rig options",
    "halls": "Halls",
    "interconnection": "Interconnection and batteries",
    "equipment": "AI equipment",
}


def sources_and_uses(context: StatementContext, cash_flow: Statement) -> Statement:
    """Sources (positive as receipts) and uses (positive as payments) by date; the two totals are equal.

    Operations and given flows may be negative; face is whole, and what investors keep of it (discount, fees) is a use.
    """
    problem, decisions, books = context.problem, context.decisions, context.books
    sources: list[Line] = []
    uses: list[Line] = []
    entries: dict[str, Array] = {}

    def add(lines: list[Line], key: str, label: str, value: Array, kind: str = "flow") -> None:
        opens = "closing_cash" if kind == "opening" else None
        section = "Sources" if lines is sources else "Uses"
        lines.append(Line(key, label, kind=kind, opens=opens, section=section))
        entries[key] = value

    add(sources, "opening_cash", "Opening cash", cash_flow["opening_cash"], "opening")
    before = sum((cash_flow[key] for key in ("interest", "tax")), context.zero)
    add(sources, "operations", "Operations before interest and tax paid", cash_flow["operating"] - before)
    add(sources, "resale", "Rigs sold", cash_flow["resale"])
    add(sources, "coin_sales", "Coins sold", cash_flow["coin_sales"])
    add(sources, "other_cash_flows", "Given other flows and projects", cash_flow["other_cash_flows"])
    for name, lines in books.schedules.items():
        add(sources, f"debt[{name}]", f"{name}, face issued or drawn", lines["issued"])
    for issue in problem.equities:
        add(sources, f"equity[{issue.name}]", f"{issue.name}, shares sold", context.decided(decisions.issued, issue.name))
    add(sources, "rescue", "Rescue equity", decisions.rescue + 0.0)
    for kind, label in CAPEX.items():
        add(uses, f"capex_{kind}", label, -cash_flow[f"capex_{kind}"])
    for name, lines in books.schedules.items():
        add(uses, f"issue_costs[{name}]", f"{name}, discount and fees", lines["issued"] - lines["proceeds"])
    fees = sum((issue.fee * context.decided(decisions.issued, issue.name) for issue in problem.equities), context.zero)
    add(uses, "equity_fees", "Fees of share sales", fees)
    add(uses, "capped_calls", "Capped calls", context.debt("capped_call_cost"))
    add(uses, "interest", "Interest and commitment fees", context.debt("interest_paid"))
    for name, lines in books.schedules.items():
        repaid = sum((lines[key] for key in ("principal", "redeemed", "called", "put")), context.zero)
        add(uses, f"repaid[{name}]", f"{name}, repaid", repaid)
    premium = context.debt("call_premium") + context.debt("put_premium")
    add(uses, "redemption_premium", "Premium at calls and puts", premium)
    add(uses, "tax", "Tax", -cash_flow["tax"])
    add(uses, "dividends", "Dividends", decisions.dividends + 0.0)
    uses.append(Line("closing_cash", "Closing cash", kind="stock", section="Uses"))
    entries["closing_cash"] = cash_flow["closing_cash"]
    sources.append(Line("total_sources", "Sources", sums=plus(*(x.key for x in sources)), section="Sources"))
    uses.append(Line("total_uses", "Uses", sums=plus(*(x.key for x in uses)), section="Uses"))
    debts, flow = tuple(books.schedules), "cash_flow"
    equals = {key: link(flow, key) for key in ("resale", "coin_sales", "other_cash_flows", "rescue", "closing_cash")}
    equals |= {key: link(flow, key, sign=-1.0) for key in (*(f"capex_{kind}" for kind in CAPEX), "tax", "dividends")}
    equals |= {
        "operations": (*link(flow, "operating"), *link(flow, "interest", "tax", sign=-1.0)),
        "capped_calls": over_debts(debts, "capped_call"),
        "interest": over_debts(debts, "paid"),
        "redemption_premium": over_debts(debts, "premium"),
    }
    for name in debts:
        schedule = schedule_name(name)
        equals |= {f"debt[{name}]": link(schedule, "issued"), f"issue_costs[{name}]": link(schedule, "issue_costs")}
        equals[f"repaid[{name}]"] = link(schedule, "principal", "redeemed", "called", "put")
    lines_of = linked((*sources, *uses), equals)
    return context.statement(
        "sources_uses", "Sources and uses", lines_of, entries, "sources positive as receipts, uses positive as payments"
    )
