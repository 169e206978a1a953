"""Net income so far, in the program: what net assets have grown by, but for what owners and holders brought in or took out."""

from __future__ import annotations

import numpy as np

from models.problem import Array, Debt
from models.program.effective_interest import carried_cost
from models.program.expressions import Decision, Lin
from models.program.parts import Parts
from models.program.rules.word_parts import purchases
from models.program.strips import Strip, months_of, strip


class Earnings:
    """Sum of net income over all dates up to each, one variable by scenario and date at which it is asked for."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._weights: dict[str, list[tuple[int, bool, Array]]] = {}
        self._bought = [one for one in purchases(parts) if one.kind != "options"]
        self._known: dict[tuple[int, int], Lin] = {}

    def so_far(self, s: int, d: int) -> Lin:
        """earned[s, d] = net assets[s, d] - opening equity - paid in + capped calls - converted + dividends          [USD]

        Net assets: cash, coins at their price and plant at cost less wear, less debts at amortised cost and interest due.
        """
        if (s, d) not in self._known:
            b, p = self.parts.build, self.parts.build.problem
            made = Lin().add(self.parts.treasury.cash[s][d])
            made.plus(self.parts.treasury.coins[s, d], float(p.market.btc_price[s, d]) / b.unit)
            made.const -= (p.treasury.cash + p.treasury.coins * float(p.market.btc_price[s, 0]) + p.opening_ppe) / b.unit
            made.plus(self._plant(s, d))
            for debt in p.debts:
                made.plus(self._carried(debt, s, d), -1.0)
            made.plus(self._brought(s, d), -1.0)
            self._known[s, d] = b.shared("earned", (s, d), made)
        return self._known[s, d]

    def _plant(self, s: int, d: int) -> Lin:
        """What was paid so far for plant, less what of it has worn: straight-line by months from the date it works          [USD]"""
        b, p = self.parts.build, self.parts.build.problem
        month = p.clock.date_month
        left = 1.0 - float(np.clip(month[d] / p.opening_ppe_months, 0.0, 1.0)) if p.opening_ppe_months > 0 else 1.0
        out = Lin(p.opening_ppe * left / b.unit)
        for one in self._bought:
            share = np.zeros(b.D)
            for later, part in one.payments.shares:
                share[: d + 1 - later if d >= later else 0] += part
            if one.book_months > 0:
                begins = np.arange(b.D) + int(one.lead[s])
                works = begins < b.T
                age = month[d] - month[np.minimum(begins, b.T)]
                share -= np.where(works, np.clip(age / one.book_months, 0.0, 1.0), 0.0)
            out.plus(one.decision.history(s, share * one.price[s] / b.unit))
        return out

    # ---- debts -------------------------------------------------------------------------------------------------------
    def _carried(self, debt: Debt, s: int, d: int) -> Lin:
        """Balance and interest due of a debt, less discount and fees left, and what became shares; all less what was owed at first."""
        b = self.parts.build
        out = Lin()
        if debt.is_strip:
            made = self.parts.instruments.issued[debt.name]
            for v, existing, weight in self._vintages(debt):
                name = f"{debt.name}@existing" if existing else debt.name
                called = self.parts.instruments.called.get((name, v))
                share = float(weight[s, d]) if d >= v else 0.0
                if existing:
                    out.const += (share - float(weight[s, 0])) * debt.existing / b.unit
                else:
                    out.add(made.at(s, v), share)
                for c in range(v + 1, d + 1):
                    out.add(None if called is None else called.at(s, c), -share)
            return out
        out.plus(b.outstanding[debt.name][s, d])
        out.const -= debt.existing / b.unit
        return out.plus(self._cost_left(debt, s, d), -1.0)

    def _vintages(self, debt: Debt) -> list[tuple[int, bool, Array]]:
        """(date, whether it stood before, weight (S, D) per 1 USD of face) of all that a debt by contract may have outstanding."""
        if debt.name not in self._weights:
            b, made = self.parts.build, self.parts.instruments.issued[debt.name]
            issues = [(v, False) for v in range(b.D) if any(made.at(s, v) is not None for s in range(b.S))]
            out = []
            for v, existing in [*issues, *([(0, True)] if debt.existing > 0.0 else [])]:
                z = strip(b.problem, debt, v, existing)
                weight = z.balance + z.due
                if not existing:
                    standing = np.arange(b.D) < np.minimum(z.end, b.D)[:, None]
                    weight = weight - np.where(standing, carried_cost(b.problem, debt, v), 0.0)
                out.append((v, existing, weight + np.cumsum(self._converted(debt, v, z), axis=1)))
            self._weights[debt.name] = out
        return self._weights[debt.name]

    def _converted(self, debt: Debt, v: int, z: Strip) -> Array:
        """(S, D) balance that becomes shares at a date, per 1 USD of face: what holders get, at the conversion price."""
        prices = self.parts.build.problem.market.share_price
        if debt.conversion is None or prices is None:
            return np.zeros_like(z.balance)
        conversion_price = np.array([debt.conversion.conversion_price(x) for x in prices[:, v]])
        return np.asarray(z.conversion * conversion_price[:, None] / prices)

    def _cost_left(self, debt: Debt, s: int, d: int) -> Lin:
        """Discount and fees left of a balance that is repaid by decision: straight-line by months from the draw to maturity          [USD]

        A revolver's fee is on its limit, paid at its first date.
        """
        b, clock = self.parts.build, self.parts.build.problem.clock
        first, end, _ = self.parts.instruments.window(debt)
        month = months_of(b.problem, max(end, b.T))
        out = Lin()

        def left(v: int) -> float:
            return max(1.0 - float(month[d] - month[v]) / max(float(month[end] - month[v]), 1.0), 0.0)

        if debt.kind == "revolver":
            if (
                debt.fee
                and debt.existing <= 0.0
                and first <= d
                and self.parts.instruments.balances[debt.name][s, first] is not None
            ):
                out.const += debt.fee * debt.limit / b.unit * left(first)
            return out
        made, cost = self.parts.instruments.issued[debt.name], 1.0 - debt.price + debt.fee
        for v in range(min(d + 1, clock.dates)) if cost else ():
            out.add(made.at(s, v), cost * left(v))
        return out

    # ---- owners and holders ------------------------------------------------------------------------------------------
    def _brought(self, s: int, d: int) -> Lin:
        """Shares sold less fees and rescue money so far, less capped calls bought and dividends paid          [USD]"""
        p, ins, treasury = self.parts.build.problem, self.parts.instruments, self.parts.treasury
        out = Lin()
        for equity in p.equities:
            out.plus(_so_far(ins.issued[equity.name], s, d), 1.0 - equity.fee)
        for debt in p.debts:
            if debt.conversion is not None and debt.conversion.capped_call_cost and debt.name in ins.issued:
                out.plus(_so_far(ins.issued[debt.name], s, d), -debt.conversion.capped_call_cost)
        return out.plus(_so_far(treasury.rescue, s, d)).plus(_so_far(treasury.dividends, s, d), -1.0)


def _so_far(decision: Decision, s: int, d: int) -> Lin:
    """All that was decided up to date d."""
    return Lin().add(decision.cum(s, d))
