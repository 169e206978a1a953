"""Debt and shares in the program: strips times face, running balances, calls, limits and collateral."""

from __future__ import annotations

import numpy as np

from models.problem import Array, Debt, Equity
from models.program.ai_services import Services
from models.program.by_parts.traced import mark, since
from models.program.expressions import Build, Decision, Lin, grid
from models.program.fleet import Fleet, leaves, nodes
from models.program.sites import Sites
from models.program.strips import Strip, months_of, strip


class Instruments:
    """Every debt and equity instrument of the case. Amounts in the program are money units."""

    def __init__(self, build: Build) -> None:
        self.build = build
        p = build.problem
        self.issued: dict[str, Decision] = {}
        self.called: dict[tuple[str, int], Decision] = {}  # (debt or 'debt@existing', vintage)
        self.repaid: dict[str, Decision] = {}
        self.balances: dict[str, np.ndarray] = {}  # running balances (S, D): variable, None where nothing can be outstanding
        self._flows: dict[tuple[str, int, int], Lin] = {}  # of the debt at hand: (what, s, date or year) -> sum over vintages
        self._like: dict[int, int] = {}  # scenario -> the first one in which the debt at hand does the same
        #: debt service of loans that are repaid as cash allows or sculpted, at the dates after their grace
        self.service: dict[str, dict[tuple[int, int], Lin]] = {}
        #: interest of the tax year by debt, (S, Y), where value is counted by parts
        self.accrued: dict[str, np.ndarray] = {}
        for debt in p.debts:
            before = mark(build.interest_cost)
            build.outstanding[debt.name] = grid(build.S, build.D)
            if debt.is_strip:
                self._strips(debt)
                self._share(debt)
            elif debt.kind == "revolver":
                self._revolver(debt)
            else:
                self._running(debt)
            if p.objective.rates is not None:
                self.accrued[debt.name] = since(build.interest_cost, before)
        for equity in p.equities:
            self._equity(equity)

    # ---- face times strip ----------------------------------------------------------------------------------------
    def _face(self, debt: Debt | Equity, room: float) -> Decision:
        b = self.build
        window = debt.window & (np.arange(b.D) <= b.T - 1) if room > 0.0 else np.zeros(b.D, dtype=bool)
        if isinstance(debt, Debt):
            # what would mature the day it is issued is not issued
            window = window & np.array([self._matures(debt, d) > d for d in range(b.D)])
        made = b.decide(("issued", debt.name), window, debt.date_limit / b.unit)
        self.issued[debt.name] = made
        for s in leaves(b):
            total = Lin().add(made.cum(s, b.T))
            existing = getattr(debt, "existing", 0.0)
            if not total.constant_only and np.isfinite(room):
                b.row("issue_limit", (debt.name, s), total, at_most=room / b.unit, unit="USD/USD", scale=b.unit)
            if debt.minimum > existing:
                need = (debt.minimum - existing) / b.unit
                b.row("issue_minimum", (debt.name, s), total, at_least=need, unit="USD/USD", scale=b.unit)
        return made

    def _strips(self, debt: Debt) -> None:
        b = self.build
        made = self._face(debt, debt.limit - debt.existing)
        vintages = [v for v in range(b.D) if any(made.at(s, v) is not None for s in range(b.S))]
        strips = [(v, strip(b.problem, debt, v), False) for v in vintages]
        if debt.existing > 0.0:
            strips.append((0, strip(b.problem, debt, 0, existing=True), True))
        # scenarios that share every decision and pay the same are written once
        alike: dict[tuple[bytes, ...], int] = {}
        for s in range(b.S):
            mark = (b.problem.scenarios.node[s].tobytes(), *(z.mark(s) for _, z, _ in strips))
            self._like[s] = alike.setdefault(mark, s)
        for v, flows, existing in strips:
            if existing:
                self._add(debt, flows, 0, None, debt.existing / b.unit)
            else:
                self._add(debt, flows, v, made, None)
                self._proceeds(debt, v, made)

    def _share(self, debt: Debt) -> None:
        """Balance, payments and costs of all vintages together: one variable each, shared by the scenarios in which they are the same."""
        b, flows = self.build, self._flows
        tables = {"interest": b.interest, "principal": b.principal, "accrued": b.interest_cost, "cost": b.issue_cost}
        followers: dict[int, list[int]] = {}
        for s, first in self._like.items():
            followers.setdefault(first, []).append(s)
        for (what, first, at), lin in flows.items():
            one = b.shared("debt_" + what, (debt.name, first, at), lin)
            for s in followers[first]:
                if what == "balance":
                    b.outstanding[debt.name][s, at].plus(one)
                elif what == "paid":
                    b.cash[s, at].plus(one, -1.0)
                else:
                    tables[what][s, at].plus(one)
        flows.clear()

    def _sum(self, what: str, s: int, at: int, amount: Lin, factor: float) -> None:
        if factor and self._like[s] == s:
            self._flows.setdefault((what, s, at), Lin()).plus(amount, factor)

    def _proceeds(self, debt: Debt, v: int, made: Decision) -> None:
        """Cash at issue: price less fees less the capped call, per USD of face."""
        hedge = debt.conversion.capped_call_cost if debt.conversion else 0.0
        for s in range(self.build.S):
            self.build.cash[s, v].add(made.at(s, v), debt.price - debt.fee - hedge)

    def _add(self, debt: Debt, z: Strip, v: int, made: Decision | None, face: float | None) -> None:
        """Everything one vintage does, and what calling it takes away."""
        b, clock = self.build, self.build.problem.clock
        for s in range(b.S):
            amount = Lin(face) if face is not None else Lin().add(made.at(s, v) if made else None)
            for d in range(v, b.D):
                self._flow(debt, z, s, d, amount, start=d == v)
            self._owed(debt, z, s, amount, -1.0, face is not None)
        if debt.call is None or debt.kind == "convertible":
            return
        window = np.zeros(b.D, dtype=bool)
        for d in range(v + 1, b.D):
            price = debt.call.price_at(int(clock.date_month[d]))
            # callable while it is outstanding in some scenario; where the strip has ended its face is worth nothing to call
            window[d] = price is not None and bool((d < z.end).any())
        name = debt.name + "@existing" if face is not None else debt.name
        call = b.decide(("called", name, str(v)), window)
        self.called[name, v] = call
        for s in leaves(b):
            used = Lin().add(call.cum(s, b.T))
            if used.constant_only:
                continue
            if face is not None:
                b.row("call_face", (name, v, s), used, at_most=face)
            else:
                assert made is not None
                b.row("call_face", (name, v, s), used.add(made.at(s, v), -1.0), at_most=0.0)
        for s in range(b.S):
            for c in range(b.D):
                var = call.at(s, c)
                if var is not None:
                    self._call(debt, z, s, c, Lin().add(var), face is not None)

    def _flow(self, debt: Debt, z: Strip, s: int, d: int, amount: Lin, start: bool = False) -> None:
        b = self.build
        if self._like[s] == s:
            self._sum("balance", s, d, amount, z.balance[s, d])
        if start:
            return
        if self._like[s] == s:
            y = b.year_of(d)
            self._sum("paid", s, d, amount, z.interest[s, d] + z.principal[s, d] + z.redemption[s, d] + z.premium[s, d])
            self._sum("interest", s, d, amount, z.interest[s, d])
            self._sum("principal", s, d, amount, z.principal[s, d])
            self._sum("accrued", s, y, amount, z.accrued[s, d])
            self._sum("cost", s, y, amount, z.cost[s, d] + z.premium[s, d])
        if z.conversion[s, d]:
            b.entry("conversion")[s, d].plus(amount, -z.conversion[s, d])
        if z.capped_call[s, d]:
            b.entry("capped_call")[s, d].plus(amount, z.capped_call[s, d])

    def _call(self, debt: Debt, z: Strip, s: int, c: int, face: Lin, existing: bool) -> None:
        """Face called at date c: price on the balance and the interest due are paid, later flows never happen."""
        b = self.build
        assert debt.call is not None
        price = debt.call.price_at(int(b.problem.clock.date_month[c]))
        assert price is not None
        away = face.times(-1.0)
        self._sum("paid", s, c, face, price * z.balance[s, c] + z.due[s, c])
        self._sum("interest", s, c, face, z.due[s, c])
        self._sum("balance", s, c, away, z.balance[s, c])
        self._sum("cost", s, b.year_of(c), face, (price - 1.0) * z.balance[s, c] + z.unamortised[s, c])
        for d in range(c + 1, b.D):
            self._flow(debt, z, s, d, away)
        self._owed(debt, z, s, face, 1.0, existing)

    def _owed(self, debt: Debt, z: Strip, s: int, face: Lin, sign: float, existing: bool) -> None:
        """What holders of a face are owed at the horizon, and what they have earned of the premium of a put to come."""
        b = self.build
        b.entry("terminal_debt")[s, b.T].plus(face, sign * float(z.claim[s]))
        if z.put[s]:
            name = debt.name + "@existing" if existing else debt.name
            b.entry(f"terminal_put[{name}]")[s, b.T].plus(face, sign * float(z.put[s]))

    def _matures(self, debt: Debt, d: int) -> int:
        """Date of maturity of what is issued or drawn at date d."""
        if debt.is_strip:
            return self.build.problem.clock.date_at(debt.maturity_month(int(self.build.problem.clock.date_month[d])))
        return self.window(debt)[1]

    # ---- running balances ----------------------------------------------------------------------------------------
    def window(self, debt: Debt) -> tuple[int, int, int]:
        """(first date, maturity date, months from date 0 the terms are counted from)."""
        clock = self.build.problem.clock
        dates = np.flatnonzero(debt.window)
        first = 0 if debt.existing > 0.0 or not len(dates) else int(dates[0])
        issued = debt.existing_month if debt.existing > 0.0 else int(clock.date_month[first])
        return first, clock.date_at(debt.maturity_month(issued)), issued

    def _interest(self, debt: Debt, s: int, d: int, balance: object) -> Lin:
        """Interest on the balance after date d - 1, paid at d."""
        p = self.build.problem
        return Lin().add(balance, float(debt.rate[s, d - 1] * p.years[d - 1]))

    def _pay_interest(self, s: int, d: int, amount: Lin) -> None:
        b = self.build
        b.cash[s, d].plus(amount, -1.0)
        b.interest[s, d].plus(amount)
        b.interest_cost[s, b.year_of(d)].plus(amount)

    def _amortise(self, s: int, v: int, end: int, cost: Lin) -> None:
        """Issue cost of date v deducted by months up to date `end`."""
        b, clock = self.build, self.build.problem.clock
        left, dates = 1.0, months_of(b.problem, max(end, b.T))
        months = int(dates[end] - dates[v])
        for e in range(v + 1, min(end, b.T) + 1):
            part = min(float(clock.months[e - 1]) / max(months, 1), left)
            part = left if e == end else part
            left -= part
            b.issue_cost[s, b.year_of(e)].plus(cost, part)

    def _running(self, debt: Debt) -> None:
        """Loan that is sculpted or repaid as cash allows (repayments at nodes) and BTC-backed loan (repayments by scenario).

        B[d] = B[d-1] + F[d] - A[d];   B = 0 from maturity on          [USD]
        """
        b, clock = self.build, self.build.problem.clock
        first, end, issued = self.window(debt)
        btc = debt.kind == "btc_loan"
        dates = np.arange(b.D)
        made = self._face(debt, (np.inf if btc else debt.limit - debt.existing))
        late = clock.date_month - issued > debt.grace
        open_dates = (dates >= 1) & (dates >= first) & (dates <= end)
        if debt.amortisation == "sculpted" and not btc:
            open_dates &= late  # its schedule has no principal before
        repaid = self.repaid[debt.name] = b.decide(("repaid", debt.name), open_dates, recourse=btc)
        balances = np.full((b.S, b.D), None, dtype=object)
        cap = debt.limit / b.unit
        shared: dict[tuple[int, int], object] = {}
        for s in range(b.S):
            for d in range(first, min(end, b.D)):
                # a loan's balance is decided at nodes throughout, a BTC loan's by scenario
                key = (s, d) if btc else (int(b.problem.scenarios.node[s, d]), -1)
                if key not in shared:
                    shared[key] = b.named("balance", (debt.name, s, d), 0.0, cap)
                balances[s, d] = shared[key]
        self.balances[debt.name] = balances
        cost = 1.0 - debt.price + debt.fee
        points = [(s, d) for s in range(b.S) for d in range(b.D)] if btc else nodes(b)
        for s, d in points:
            body = Lin().add(balances[s, d]).add(made.at(s, d), -1.0).add(repaid.at(s, d))
            body.add(balances[s, d - 1] if d else None, -1.0)
            b.row("debt_roll", (debt.name, s, d), body, equal=debt.existing / b.unit if d == 0 else 0.0)
        for s in range(b.S):
            for d in range(b.D):
                b.outstanding[debt.name][s, d].add(balances[s, d])
                drawn = made.at(s, d)
                b.cash[s, d].add(drawn, debt.price - debt.fee).add(repaid.at(s, d), -1.0)
                if drawn is not None and cost:
                    self._amortise(s, d, end, Lin().add(drawn, cost))
                if d == 0:
                    continue
                interest = self._interest(debt, s, d, balances[s, d - 1])
                self._pay_interest(s, d, interest)
                if not btc:
                    b.principal[s, d].add(repaid.at(s, d))
                    if late[d] and d <= min(end, b.T):
                        self.service.setdefault(debt.name, {})[s, d] = interest.add(repaid.at(s, d))
            b.entry("terminal_debt")[s, b.T].add(balances[s, b.T], -1.0)
        if debt.amortisation == "sculpted" and not btc:
            self._agree(debt, made, repaid)

    def _agree(self, debt: Debt, made: Decision, repaid: Decision) -> None:
        """A sculpted loan has one schedule, agreed before the futures part: draws and repayments are the same in all scenarios.

        F[n, d] = F[first, d];   A[n, d] = A[first, d]   for the nodes n of date d          [USD]
        """
        b = self.build
        for what, decision in (("issued", made), ("repaid", repaid)):
            for s, d in nodes(b):
                here, first = decision.at(s, d), decision.at(0, d)
                if here is not None and here is not first:
                    b.row("agreed", (debt.name, what, s, d), Lin().add(here).add(first, -1.0), equal=0.0)

    def _revolver(self, debt: Debt) -> None:
        """Drawn and repaid freely by scenario up to its limit; a fee on what is not drawn."""
        b = self.build
        first, end, _ = self.window(debt)
        limit = debt.limit / b.unit
        balances = np.full((b.S, b.D), None, dtype=object)
        if debt.window.any() or debt.existing > 0.0:
            for s in range(b.S):
                for d in range(first, min(end, b.D)):
                    balances[s, d] = b.named("balance", (debt.name, s, d), 0.0, None)
                    body = Lin().add(balances[s, d])
                    b.row("revolver_limit", (debt.name, s, d), body, at_most=limit, unit="USD/USD", scale=b.unit)
        self.balances[debt.name] = balances
        for s in range(b.S):
            for d in range(b.D):
                b.outstanding[debt.name][s, d].add(balances[s, d])
                here, before = balances[s, d], balances[s, d - 1] if d else None
                b.cash[s, d].add(here).add(before, -1.0)
                if d == 0:
                    b.cash[s, d].const -= debt.existing / b.unit
                elif before is not None:
                    fee = debt.commitment * b.problem.years[d - 1]
                    interest = self._interest(debt, s, d, before).add(before, -fee)
                    interest.const += fee * limit
                    self._pay_interest(s, d, interest)
            if debt.fee and debt.existing <= 0.0 and balances[s, first] is not None:
                cost = Lin(debt.fee * limit)
                b.cash[s, first].plus(cost, -1.0)
                self._amortise(s, first, end, cost)
            b.entry("terminal_debt")[s, b.T].add(balances[s, b.T], -1.0)

    # ---- shares ----------------------------------------------------------------------------------------------------
    def _equity(self, equity: Equity) -> None:
        """Shares sold: a contribution of existing holders, or dilution at the horizon on the share-price path.

        dilution[s] = F / (S[s, d] (1 - discount)) * S[s, T]          [USD]
        """
        b, market = self.build, self.build.problem.market
        made = self._face(equity, equity.limit)
        for s in range(b.S):
            for d in range(b.D):
                var = made.at(s, d)
                b.cash[s, d].add(var, 1.0 - equity.fee)
                if var is None:
                    continue
                if equity.holders == "existing":
                    b.entry("contributions")[s, d].add(var, -1.0)
                else:
                    assert market.share_price is not None
                    growth = market.share_price[s, b.T] / (market.share_price[s, d] * (1.0 - equity.discount))
                    b.entry("dilution")[s, b.T].add(var, -growth)

    # ---- security --------------------------------------------------------------------------------------------------
    def secure(self, fleet: Fleet, sites: Sites, services: Services, free_coins: np.ndarray) -> None:
        """Outstanding debt never exceeds the advance on its collateral.

        outstanding[k, s, d] <= advance_rate * value[s, d]          [USD]
        """
        b, p = self.build, self.build.problem
        for debt in p.debts:
            if not debt.collateral:
                continue
            for s in range(b.S):
                for d in range(b.D):
                    body = Lin().plus(b.outstanding[debt.name][s, d])
                    if body.constant_only and body.const == 0.0:
                        continue
                    for kind in debt.collateral:
                        value = self._value(kind, s, d, fleet, sites, services, free_coins)
                        body.plus(value, -debt.advance_rate)
                    key = (debt.name, s, d)
                    constant, body.const = body.const, 0.0
                    b.row("collateral", key, body, at_most=-constant, unit="USD/USD", scale=b.unit)

    def _value(self, kind: str, s: int, d: int, fleet: Fleet, sites: Sites, services: Services, coins: np.ndarray) -> Lin:
        """Value of one class of collateral (money units)."""
        b, p = self.build, self.build.problem
        out = Lin()
        if kind == "rigs":
            for r, rig in enumerate(p.rigs):
                out.plus(fleet.standing(r, s, min(d, b.T - 1)), rig.resale[s, d] / b.unit)
        elif kind == "halls":
            out.plus(sites.cost_so_far(s, d))
        elif kind == "equipment":
            out.plus(services.cost_so_far(s, d))
        elif kind == "coins":
            out.plus(coins[s, d], p.market.btc_price[s, d] / b.unit)
        else:
            raise ValueError(f"unknown collateral {kind!r}")
        return out

    def calls(self, name: str, count: int, dates: int) -> Array:
        """(S, D, D) share of face issued at v called at d, in money units."""
        out = np.zeros((count, dates, dates))
        for (key, v), decision in self.called.items():
            if key == name:
                out[:, v, :] = decision.values()
        return out
