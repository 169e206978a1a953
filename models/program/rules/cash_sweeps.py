"""Cash sweeps: while a debt stands, cash above a level repays it."""

from __future__ import annotations

from typing import Any

from models.program.expressions import Lin
from models.program.parts import Parts


class Sweeps:
    """The row of every sweep, and the either-or that no row can say: `disjunctions` holds pairs of variables of which one must be 0."""

    def __init__(self, parts: Parts) -> None:
        self.disjunctions: list[tuple[Any, Any]] = []
        b = parts.build
        for sweep in b.problem.sweeps:
            for s in range(b.S):
                for d in range(b.D):
                    balance = b.outstanding[sweep.debt][s, d]
                    if sweep.active[s, d] and balance.vars:
                        self._row(parts, sweep.name, s, d, float(sweep.level[s, d]), balance)

    def _row(self, parts: Parts, name: str, s: int, d: int, level: float, balance: Lin) -> None:
        """Cash above the level is counted, and the engine branches where there is any of it beside a balance.

            cash[d] - excess[d] <= level,   excess >= 0;     excess = 0 or balance[d] = 0          [USD]

        The dual is what one dollar more of cash that need not repay would add to the objective.
        """
        b = parts.build
        excess = b.named("sweep_excess", (name, s, d))
        body = Lin().add(parts.treasury.cash[s][d]).add(excess, -1.0)
        b.row("sweep", (name, s, d), body, at_most=level / b.unit, unit="USD/USD", scale=b.unit)
        self.disjunctions.append((excess, balance.vars[0]))
