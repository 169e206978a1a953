"""All hours of one site with the money that directions are made of: what a worker needs to work them out, and no Pyomo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.hours.subproblem import Money, RecourseSolution, Subproblem, with_blocks
from models.problem import Array, Ints


@dataclass(frozen=True)
class SiteHours:
    """One site's subproblem, its cash per MWh (income of uses, cost of sources) and the money of each linked quantity (natural units per MWh).

    A direction is alpha (B,), the weight of cash, and rho (B, Q), USD per natural unit of each quantity.
    """

    subproblem: Subproblem
    cash: Money
    quantities: tuple[Money, ...] = ()

    def direction(self, alpha: Array, rho: Array) -> Money:
        """(B, E) income per MWh of every entry in a direction, costs as negative income."""
        sign = np.where(self.subproblem.is_source, -1.0, 1.0)
        a = alpha[:, None]
        money = self.cash.each(lambda table: a * table * sign)
        for k, quantity in enumerate(self.quantities):
            money = money.plus(quantity, rho[:, k])
        return money

    def extra(self, alpha: Array, rho: Array) -> Money:
        """What must be added to the subproblem's own money to price entries in the direction."""
        sign = np.where(self.subproblem.is_source, -1.0, 1.0)
        minus = self.subproblem.value.each(lambda table: -table * sign)
        return self.direction(alpha, rho).plus(minus, np.ones(self.subproblem.blocks))

    def recourse_solution(self, capacity: Array, alpha: Array, rho: Array) -> RecourseSolution:
        """The best split at capacity (B, E) MW in a direction; `value` is V_(alpha, rho)(K)."""
        return self.subproblem.recourse_solution(capacity, self.extra(alpha, rho))

    def dispatch(self, capacity: Array, alpha: Array, rho: Array) -> Array:
        """(sum of hours of all blocks, E) MW of that split, block after block."""
        return self.subproblem.dispatch(capacity, self.extra(alpha, rho), np.arange(self.subproblem.blocks))

    def blocks(self, rows: Ints) -> SiteHours:
        """The hours of some blocks only. What is worked out of them is what all blocks together would give, to the last bit."""
        return SiteHours(with_blocks(self.subproblem, rows), self.cash.rows(rows), tuple(q.rows(rows) for q in self.quantities))
