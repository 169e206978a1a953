"""Dividends that must be earned: none while money of last resort is out, nor out of what was just raised."""

from __future__ import annotations

from typing import Any

from models.problem import EarnedDividends
from models.program.expressions import Lin
from models.program.parts import Parts
from models.program.rules.earnings import Earnings


class DividendsEarned:
    """The rows of every such policy, and the either-or that no row can say: `disjunctions` holds pairs of variables of which one must be 0."""

    def __init__(self, parts: Parts) -> None:
        self.disjunctions: list[tuple[Any, Any]] = []
        b = parts.build
        self.parts = parts
        if not b.problem.earned_dividends:
            return
        self.earnings = Earnings(parts)
        for policy in b.problem.earned_dividends:
            for s in range(b.S):
                for d in range(b.D):
                    paid = parts.treasury.dividends.at(s, d)
                    if policy.active[s, d] and paid is not None:
                        self._rows(policy, s, d, paid)

    def _rows(self, policy: EarnedDividends, s: int, d: int, paid: Any) -> None:
        """What bars a dividend is counted, and the engine branches where one is paid beside it.

            dividends so far + rescue so far - earned[d] - barred[d] <= opening                                 [USD]
            revolvers drawn[d] + rescue[d] + shares sold[d-1] + shares sold[d] - barred[d] <= 0                 [USD]
            barred >= 0;     barred = 0 or dividends[d] = 0

        The dual of the first is what one dollar more of retained earnings would add to the objective.
        """
        b, treasury = self.parts.build, self.parts.treasury
        key = (policy.name, s, d)
        barred = b.named("dividends_barred", key)
        within = Lin().add(treasury.dividends.cum(s, d)).add(treasury.rescue.cum(s, d)).add(barred, -1.0)
        within = within.plus(self.earnings.so_far(s, d), -1.0).merged()
        constant, within.const = within.const, 0.0
        most = policy.opening / b.unit - constant
        b.row("dividends_earned", key, within, at_most=most, unit="USD/USD", scale=b.unit)
        out = self._outside_money(s, d)
        if out.vars:
            b.row("dividends_blocked", key, out.add(barred, -1.0), at_most=0.0, unit="USD/USD", scale=b.unit)
        self.disjunctions.append((barred, paid))

    def _outside_money(self, s: int, d: int) -> Lin:
        """What is drawn of revolvers after d, rescue money at d, and shares sold at d and the date before          [USD]"""
        p, ins = self.parts.build.problem, self.parts.instruments
        out = Lin().add(self.parts.treasury.rescue.at(s, d))
        for debt in p.debts:
            if debt.kind == "revolver":
                out.add(ins.balances[debt.name][s, d])
        for equity in p.equities:
            out.add(ins.issued[equity.name].at(s, d)).add(ins.issued[equity.name].at(s, d - 1))
        return out
