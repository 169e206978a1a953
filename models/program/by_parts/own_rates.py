"""Value by parts: the ledger entry that takes what owners receive, at one rate, to each stream at its own (README 19)."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.problem import Debt, Rates
from models.program.expressions import Lin
from models.program.parts import Parts
from models.program.rules.word_parts import ai_revenue
from models.program.strips import strip

ENTRY = "own_rates"
#: entries of what other holders get
OTHERS = ("dilution", "conversion", "capped_call", "terminal_debt")


class OwnRates:
    """The entry of a plan whose parts are all there but for its risk. hours, financing (S, D) of `Lin`: what sites' hours and all instruments
    add to cash, as `since` says; accrued: debt -> (S, Y) of `Lin`, its interest of the year."""

    def __init__(
        self, parts: Parts, rates: Rates, hours: np.ndarray, financing: np.ndarray, accrued: dict[str, np.ndarray]
    ) -> None:
        self.parts, self.build, self.rates = parts, parts.build, rates
        self.hours, self.financing, self.accrued = hours, financing, accrued
        b = self.build
        others = [name for name in b.ledger if name in OTHERS or name.startswith("terminal_put[")]
        entry = b.entry(ENTRY)
        for s in range(b.S):
            for d in range(b.D):
                self._taken_out(entry[s, d], s, d)
                for name in others:
                    entry[s, d].plus(b.ledger[name][s, d], -1.0)
                if d:
                    self._streams(entry[s, d], s, d)
            entry[s, 0].const -= self._stood(s)
            self._shield(entry, s)

    def _relative(self, rate: float, d: int) -> float:
        """Discount factor of a rate over that of the objective, less 1."""
        years = float(self.build.problem.clock.date_month[d]) / 12.0
        return float(((1.0 + rate) ** -years) / self.build.problem.discount[d]) - 1.0

    def _taken_out(self, entry: Lin, s: int, d: int) -> None:
        """Cash that is held, and what others lend and pay for shares, are worth what they are: only fees are left of them.

            - (financing + fees - owners' money) - ((1 + yield) cash[d-1] - cash[d])          [USD]

        with terminal_cash, which is not counted twice, and opening cash, which is.
        """
        b, p, cash = self.build, self.build.problem, self.parts.treasury.cash[s]
        entry.plus(self.financing[s, d], -1.0)
        for debt in p.debts:
            entry.plus(self._fee(debt, s, d), -1.0)
        for issue in p.equities:
            sold = self.parts.instruments.issued[issue.name].at(s, d)
            entry.add(sold, (1.0 - issue.fee) if issue.holders == "existing" else -issue.fee)
        if d < b.T:
            entry.add(cash[d])
        if d:
            entry.add(cash[d - 1], -1.0 - float(p.treasury.cash_yield[s, d - 1] * p.years[d - 1]))

    def _fee(self, debt: Debt, s: int, d: int) -> Lin:
        """Fees at issue; a revolver's at the first date at which it may be drawn, on its limit."""
        ins = self.parts.instruments
        if debt.kind != "revolver":
            return Lin().add(ins.issued[debt.name].at(s, d), debt.fee)
        dates = np.flatnonzero(debt.window)
        opens = len(dates) > 0 and int(dates[0]) == d and debt.existing <= 0.0 and ins.balances[debt.name][s, d] is not None
        return Lin(debt.fee * debt.limit / self.build.unit if opens else 0.0)

    def _streams(self, entry: Lin, s: int, d: int) -> None:
        """Rents, cloud and the rest of the hours, each at its own rate in place of the objective's."""
        parts, rates = self.parts, self.rates
        cloud = Lin()
        for service in self.build.problem.services:
            if service.kind == "cloud":
                cloud.plus(ai_revenue(parts, s, d, service.name))
        mining = self._relative(rates.mining, d)
        for rents in parts.services.rents.values():
            entry.plus(rents[s, d - 1], self._relative(rates.contracts, d))
        entry.plus(cloud, self._relative(rates.cloud, d) - mining)
        entry.plus(self.hours[s, d], mining)

    def _stood(self, s: int) -> float:
        """Debt before date 0, with its interest due, money units."""
        b = self.build
        owed = 0.0
        for debt in b.problem.debts:
            if debt.existing > 0.0:
                due = float(strip(b.problem, debt, 0, existing=True).due[s, 0]) if debt.is_strip else 0.0
                owed += debt.existing * (1.0 + due)
        return owed / b.unit

    def _shield(self, entry: np.ndarray, s: int) -> None:
        """The tax that a year's interest saves, at the rate of tax, where it is paid, at the debt's own rate."""
        p = self.build.problem
        if p.tax is None:
            return
        for debt in p.debts:
            table: Any = self.accrued[debt.name]
            for y, d in enumerate(map(int, p.clock.last_date_of_year)):
                before = 0 if y == 0 else int(p.clock.last_date_of_year[y - 1])
                entry[s, d].plus(table[s, y], p.tax.rate * self._shield_factor(debt, d, before))

    def _shield_factor(self, debt: Debt, d: int, before: int) -> float:
        if isinstance(self.rates.debt, float):
            return self._relative(self.rates.debt, d)
        months = debt.frequency or 12
        coupon = (1.0 + float(debt.rate.mean()) * months / 12.0) ** (12.0 / months) - 1.0
        if self.rates.debt == "own":
            return self._relative(coupon, d)
        clock, discount = self.build.problem.clock, self.build.problem.discount
        years = float(clock.date_month[d] - clock.date_month[before]) / 12.0
        return float(discount[before] * (1.0 + coupon) ** -years / discount[d]) - 1.0
