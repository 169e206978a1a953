"""Schedules of debts, and the rows that each of their lines adds up."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.problem import Debt
from optimizer.results.workbook.debt_terms import Standing
from optimizer.results.workbook.expressions import ZERO, Term
from optimizer.results.workbook.sheets import Row

LINES = (
    "issued", "pik", "principal", "redeemed", "called", "put", "converted", "closing", "costs", "capped_call", "accrued", "commitment",
    "paid", "due", "straight_line", "call_premium", "put_premium", "amortised", "written_off", "carried_costs",
)  # fmt: skip


@dataclass
class Debts:
    """Schedules in use: key ('notes', 'notes@existing') -> line -> rows that add up to it; and claims on the value of the plan.

    conversion, capped: rows in the ledger's sign by date; claims: what is owed at the horizon, positive; put_earned: by
    schedule, what is earned at the horizon of the premium of a put after it, positive. unused: debts without a dollar.
    """

    lines: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    kinds: dict[str, Debt] = field(default_factory=dict)
    opening: dict[str, Term] = field(default_factory=dict)
    opening_due: dict[str, Term] = field(default_factory=dict)
    conversion: list[Row] = field(default_factory=list)
    capped: list[Row] = field(default_factory=list)
    claims: list[Row] = field(default_factory=list)
    put_earned: dict[str, list[Row]] = field(default_factory=dict)
    convertibles: list[Standing] = field(default_factory=list)
    residuals: list[tuple[str, Term]] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def of(self, key: str, line: str, d: int) -> Term:
        """A line of one schedule at a date."""
        return sum((row[d] for row in self.lines[key][line]), ZERO)

    def keys(self, name: str) -> list[str]:
        """Schedules of a debt: new face and face that stood before date 0."""
        return [key for key in (name, f"{name}@existing") if key in self.lines]

    def named(self, name: str, line: str, d: int) -> Term:
        """A line of a debt, whenever its face was issued."""
        return sum((self.of(key, line, d) for key in self.keys(name)), ZERO)

    def all(self, line: str, d: int) -> Term:
        """A line of all debts."""
        return sum((self.of(key, line, d) for key in self.lines), ZERO)
