"""Cash and coins: what comes in, what is kept, sold, pledged, paid out, and the rescue of last resort."""

from __future__ import annotations

import numpy as np

from models.program.expressions import Build, Lin, grid
from models.program.financing import Instruments
from models.program.tax import Taxes


class Treasury:
    """Coins are rolled before tax is known (their gains are taxed); cash after."""

    def __init__(self, build: Build, instruments: Instruments) -> None:
        self.build = build
        b, p = build, build.problem
        self.holds_coins = p.treasury.coins > 0.0 or any(lin.vars for lin in b.kept.flat)
        self.sold = b.decide(("sold",), p.treasury.sell & self.holds_coins)
        self.dividends = b.decide(("dividends",), p.treasury.dividends)
        rescue = np.full(b.D, p.treasury.rescue_penalty is not None)
        self.rescue = b.decide(("rescue",), rescue, recourse=True)
        self.coins = grid(b.S, b.D)
        self.free = grid(b.S, b.D)  # coins not pledged
        self.pledged: dict[str, np.ndarray] = {}
        self.cash: list[list[object]] = []
        self._roll_coins()
        self._pledge(instruments)
        self._payouts()

    def _roll_coins(self) -> None:
        """coins[d] = coins[d-1] + kept[d] - sold[d] >= 0          [BTC]

        Gains are taxed as prices move: c[t] (P[t+1] - P[t]) + kept (P[t+1] - mean price of the period) - coin_fee P sold.
        """
        b, p = self.build, self.build.problem
        price, mean = p.market.btc_price, p.market.btc_price_mean
        if not self.holds_coins:
            return
        for s in range(b.S):
            before: object = None
            for d in range(b.D):
                var = b.named("coins", (s, d))
                row = Lin().add(var).add(before, -1.0).plus(b.kept[s, d], -1.0).add(self.sold.at(s, d))
                b.row("coins", (s, d), row, equal=p.treasury.coins if d == 0 else 0.0)
                self.coins[s, d].add(var)
                proceeds = price[s, d] * (1.0 - p.treasury.coin_fee) / b.unit
                b.cash[s, d].add(self.sold.at(s, d), proceeds)
                gain = b.taxable[s, b.year_of(d)]
                gain.add(self.sold.at(s, d), -p.treasury.coin_fee * price[s, d] / b.unit)
                if d:
                    gain.add(before, (price[s, d] - price[s, d - 1]) / b.unit)
                    gain.plus(b.kept[s, d], (price[s, d] - mean[s, d - 1]) / b.unit)
                before = var
            b.entry("terminal_coins")[s, b.T].plus(self.coins[s, b.T], p.terminal.coins * price[s, b.T] / b.unit)

    def _pledge(self, instruments: Instruments) -> None:
        """A BTC-backed loan stays within its loan-to-value: ltv while it may be drawn, top_up after.

        balance[s, d] <= ltv * btc_price[s, d] * pledged[s, d];   sum of pledges <= coins          [USD, BTC]
        """
        b, p = self.build, self.build.problem
        loans = [debt for debt in p.debts if debt.kind == "btc_loan"]
        for debt in loans:
            pledged = self.pledged[debt.name] = np.full((b.S, b.D), None, dtype=object)
            balances = instruments.balances[debt.name]
            for s in range(b.S):
                for d in range(b.D):
                    if balances[s, d] is None:
                        continue
                    pledged[s, d] = b.named("pledged", (debt.name, s, d))
                    ltv = debt.ltv if debt.window[d] else debt.top_up
                    body = Lin().add(balances[s, d]).add(pledged[s, d], -ltv * p.market.btc_price[s, d] / b.unit)
                    b.row("loan_to_value", (debt.name, s, d), body, at_most=0.0, unit="USD/USD", scale=b.unit)
        for s in range(b.S):
            for d in range(b.D):
                free = self.free[s, d].plus(self.coins[s, d])
                for pledged in self.pledged.values():
                    free.add(pledged[s, d], -1.0)
                if loans and any(pledged[s, d] is not None for pledged in self.pledged.values()):
                    b.row("pledges", (s, d), free, at_least=0.0)

    def _payouts(self) -> None:
        b, p = self.build, self.build.problem
        penalty = p.treasury.rescue_penalty or 0.0
        for s in range(b.S):
            for d in range(b.D):
                paid, rescued = self.dividends.at(s, d), self.rescue.at(s, d)
                b.cash[s, d].add(paid, -1.0).add(rescued, 1.0)
                if paid is not None:
                    b.entry("dividends")[s, d].add(paid)
                if rescued is not None:
                    b.entry("rescue")[s, d].add(rescued, -1.0)
                    b.entry("rescue_penalty")[s, d].add(rescued, -penalty)

    def cash_income(self) -> None:
        """Cash variables, and their yield as taxable income (before the tax rows are written)."""
        b, p = self.build, self.build.problem
        for s in range(b.S):
            self.cash.append([b.named("cash", (s, d)) for d in range(b.D)])
            for t in range(b.T):
                earned = float(p.treasury.cash_yield[s, t] * p.years[t])
                b.taxable[s, b.year_of(t + 1)].add(self.cash[s][t], earned)

    def roll_cash(self, taxes: Taxes) -> None:
        """cash[d] = cash[d-1] (1 + yield dt) + operating cash + all else - tax >= 0          [USD]

        The dual is the value today of one more dollar at that date in that scenario.
        """
        b, p = self.build, self.build.problem
        for s in range(b.S):
            for d in range(b.D):
                row = Lin().add(self.cash[s][d])
                if d:
                    row.add(self.cash[s][d - 1], -1.0 - float(p.treasury.cash_yield[s, d - 1] * p.years[d - 1]))
                row.plus(b.operating[s, d], -1.0).plus(b.cash[s, d], -1.0).plus(taxes.at(s, d))
                opening = p.treasury.cash / b.unit if d == 0 else 0.0
                constant, row.const = row.const, 0.0
                b.row("cash", (s, d), row.merged(), equal=opening - constant, unit="USD/USD", scale=b.unit)
            b.entry("terminal_cash")[s, b.T].add(self.cash[s][b.T])
