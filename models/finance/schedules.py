"""The schedule of each debt: its balance, what it is carried at, its interest."""

from __future__ import annotations

from models.finance.context import StatementContext
from models.finance.lines import Line, Statement, less, plus, schedule_name

REPAID = ("principal", "redeemed", "called", "put", "converted")

LINES = (
    Line("opening", "Balance before", kind="opening", opens="closing", section="Balance"),
    Line("issued", "Issued or drawn", section="Balance"),
    Line("pik", "Interest added (PIK)", section="Balance"),
    Line("principal", "Principal repaid", section="Balance"),
    Line("redeemed", "Redeemed at maturity", section="Balance"),
    Line("called", "Called", section="Balance"),
    Line("put", "Put by holders", section="Balance"),
    Line("converted", "Settled in shares", section="Balance"),
    Line("closing", "Balance after", kind="stock", sums=(*plus("opening", "issued", "pik"), *less(*REPAID)), section="Balance"),
    Line(
        "opening_issue_costs",
        "Discount and fees before",
        kind="opening",
        opens="closing_issue_costs",
        section="Discount and fees",
    ),
    Line("issue_costs", "Discount and fees at issue", section="Discount and fees"),
    Line("amortised", "Amortised, effective interest", section="Discount and fees"),
    Line("written_off", "Written off at calls and puts", section="Discount and fees"),
    Line(
        "closing_issue_costs",
        "Discount and fees after",
        kind="stock",
        sums=(*plus("opening_issue_costs", "issue_costs"), *less("amortised", "written_off")),
        section="Discount and fees",
    ),
    Line(
        "amortised_cost",
        "Carried at amortised cost",
        kind="stock",
        sums=(*plus("closing"), *less("closing_issue_costs")),
        section="Amortised cost",
    ),
    Line("opening_due", "Interest accrued before", kind="opening", opens="closing_due", section="Interest"),
    Line("accrued", "Coupons accrued", section="Interest"),
    Line("commitment", "Commitment fees accrued", section="Interest"),
    Line("paid", "Interest paid in cash", section="Interest"),
    Line("capitalised", "Interest added to the balance", section="Interest"),
    Line(
        "closing_due",
        "Interest accrued after",
        kind="stock",
        sums=(*plus("opening_due", "accrued", "commitment"), *less("paid", "capitalised")),
        section="Interest",
    ),
    Line("interest_expense", "Interest expense", sums=plus("accrued", "commitment", "amortised"), section="Interest"),
    Line("call_premium", "Premium at calls", section="Interest", memo=True),
    Line("put_premium", "Premium at puts", section="Interest", memo=True),
    Line("premium", "Premium at calls and puts", sums=plus("call_premium", "put_premium"), section="Interest", memo=True),
    Line("capped_call", "Capped call bought", section="Interest", memo=True),
    Line("straight_line", "Discount and fees deducted for tax", section="Interest", memo=True),
)


def debt_schedule(context: StatementContext, name: str) -> Statement:
    """The schedule of one debt ('notes'; what stood before date 0: 'notes@existing')."""
    lines = context.books.schedules[name]
    due, left = lines["interest_due"], lines["effective_unamortised"]
    opening_due, opening_left = context.zero.copy(), context.zero.copy()
    opening_due[:, 1:], opening_left[:, 1:] = due[:, :-1], left[:, :-1]
    if name.endswith("@existing"):
        opening_due[:, 0] = due[:, 0]  # nothing is accrued or paid at date 0
    entries = {key: lines[key] for key in ("opening", "issued", "pik", *REPAID)}
    entries |= {
        "opening_issue_costs": opening_left,
        "issue_costs": lines["issued"] - lines["proceeds"],
        "amortised": lines["effective_amortisation"],
        "written_off": lines["written_off"],
        "opening_due": opening_due,
        "accrued": lines["interest_accrued"],
        "commitment": lines["commitment_accrued"],
        "paid": lines["interest_paid"],
        "capitalised": lines["pik"],
        "call_premium": lines["call_premium"],
        "put_premium": lines["put_premium"],
        "capped_call": lines["capped_call_cost"],
        "straight_line": lines["amortisation"],
    }
    return context.statement(
        schedule_name(name), f"Debt schedule: {name}", LINES, entries, "balances, interest and repayments positive"
    )
