"""Rigs: ordered at the spot price or by exercising options, installed after a lead time, retired and resold."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.problem import Payments, Rig
from models.program.expressions import Build, Decision, Lin, total
from models.program.tax import depreciation_shares


def pay(build: Build, bought: np.ndarray, prices: np.ndarray, payments: Payments) -> None:
    """What is paid for a purchase.

    capex[s, d + n] += share_n * price[s, d] * bought[s, d]          [USD]; bought (S, D) of `Lin`, None where nothing can be

    Raises ValueError where a part would be paid after the horizon.
    """
    for s, d in np.argwhere(bought != None):  # noqa: E711 - elementwise
        for n, share in payments.shares:
            if d + n > build.T:
                raise ValueError(f"what is bought at date {d} is paid at date {d + n}, after the horizon's end at {build.T}")
            build.capex[s, d + n].plus(bought[s, d], share * prices[s, d] / build.unit)


def deduct(build: Build, bought: np.ndarray, prices: np.ndarray, lead: np.ndarray, schedule: np.ndarray) -> None:
    """Tax depreciation of a purchase by year: schedule[e, y] of its price, placed in service at e = d + lead[s].

    What is deducted in the same shares of the same years is one sum: basis[s][shares] += price[s, d] * bought[s, d]          [USD]
    """
    terms = [tuple(row) if any(row) else None for row in schedule.tolist()]
    for s, d in np.argwhere(bought != None):  # noqa: E711 - elementwise
        e = d + int(lead[s])
        if e < build.T and (shares := terms[e]) is not None:
            build.basis[s].setdefault(shares, Lin()).plus(bought[s, d], prices[s, d] / build.unit)


class Fleet:
    """Orders, exercises and retirements of every (rig, site)."""

    def __init__(self, build: Build) -> None:
        self.build = build
        p = build.problem
        self.keys = [(r, i) for r in range(len(p.rigs)) for i in range(len(p.sites)) if self._possible(p.rigs[r], i)]
        self.orders: dict[tuple[int, int], Decision] = {}
        self.exercised: dict[tuple[int, int], Decision] = {}
        self.retired: dict[tuple[int, int], Decision] = {}
        self.options: dict[int, Decision] = {}
        self._standing: dict[int, np.ndarray] = {}
        self._levels: dict[tuple[int, int], np.ndarray] = {}
        for r, rig in enumerate(p.rigs):
            self._rig(r, rig)

    @staticmethod
    def _possible(rig: Rig, i: int) -> bool:
        return bool(rig.sites[i]) or rig.owned[i] > 0.0

    def _open(self, window: np.ndarray, lead: int) -> np.ndarray:
        """Dates at which an order still brings a working period."""
        dates = np.arange(self.build.D)
        return window & (dates + lead <= self.build.T - 1)

    def _rig(self, r: int, rig: Rig) -> None:
        b, p = self.build, self.build.problem
        window = self._open(rig.window, rig.lead)
        before_end = np.arange(b.D) <= b.T - 1
        sites = [i for k, i in self.keys if k == r]
        for i in sites:
            place = p.sites[i].name
            if rig.sites[i] and window.any() and rig.limit > 0.0:
                self.orders[r, i] = b.decide(("orders", rig.name, place), window)
            if rig.sites[i] and rig.option is not None:
                self.exercised[r, i] = b.decide(("exercised", rig.name, place), self._open(rig.option.exercise, rig.lead))
            self.retired[r, i] = b.decide(("retired", rig.name, place), before_end)
        schedule = depreciation_shares(rig.depreciation, p.clock)
        lead = np.full(b.S, rig.lead)
        strike = np.full_like(rig.price, rig.option.strike if rig.option else 0.0)
        ordered = self._everywhere("rig_ordered", r, self.orders)
        exercised = self._everywhere("rig_exercised", r, self.exercised)
        for bought, price in ((ordered, rig.price), (exercised, strike)):
            pay(b, bought, price, rig.payments)
            deduct(b, bought, price, lead, schedule)
        if rig.option is not None:
            self._options(r, rig)
        self._limits(r, rig, sites)
        for i in sites:
            self._rows(r, rig, i)
        retired = self._everywhere("rig_retired", r, self.retired)
        self._standing[r] = self._installed_everywhere(r, sites)
        for s in range(b.S):
            for d in range(b.T):
                if retired[s, d] is not None:
                    b.cash[s, d].plus(retired[s, d], rig.resale[s, d] / b.unit)
                    b.taxable[s, b.year_of(d)].plus(retired[s, d], rig.resale[s, d] / b.unit)
            b.entry("terminal_rigs")[s, b.T].plus(self.standing(r, s, b.T - 1), p.terminal.rigs * rig.resale[s, b.T] / b.unit)
            for t in range(b.T):
                b.operating[s, t + 1].plus(self.standing(r, s, t), -rig.fixed_cost * p.years[t] / b.unit)

    def _everywhere(self, family: str, r: int, made: dict[tuple[int, int], Decision]) -> np.ndarray:
        """(S, D) of `Lin`: what is decided of rig r at all sites together, None where nothing can be."""
        b = self.build
        mine = [decision for (k, _), decision in made.items() if k == r]
        known: dict[int, Lin] = {}
        out = np.full((b.S, b.D), None, dtype=object)
        for s in range(b.S):
            for d in range(b.D):
                node = int(b.problem.scenarios.node[s, d])
                if node not in known:
                    here = total(Lin().add(decision.at(s, d)) for decision in mine)
                    known[node] = b.shared(family, (b.problem.rigs[r].name, s, d), here)
                if known[node].vars:
                    out[s, d] = known[node]
        return out

    def _installed_everywhere(self, r: int, sites: list[int]) -> np.ndarray:
        """(S, T) of `Lin`: MW of rig r at all sites together."""
        b = self.build
        known: dict[int, Lin] = {}
        out = np.empty((b.S, b.T), dtype=object)
        for s in range(b.S):
            for d in range(b.T):
                node = int(b.problem.scenarios.node[s, d])
                if node not in known:
                    here = total(self.installed(r, i, s, d) for i in sites)
                    known[node] = b.shared("rig_standing", (b.problem.rigs[r].name, s, d), here)
                out[s, d] = known[node]
        return out

    def standing(self, r: int, s: int, d: int) -> Lin:
        """MW of rig r that work in period d, all sites together."""
        return self._standing[r][s, d] if r in self._standing else Lin()

    def _options(self, r: int, rig: Rig) -> None:
        """Exercises so far never exceed options bought so far, and these never the limit."""
        b, option = self.build, rig.option
        assert option is not None
        bought = b.decide(("options", rig.name), option.buy)
        self.options[r] = bought
        pay(b, bought.table(), np.full((b.S, b.D), option.fee), Payments())
        for s, d in nodes(b):
            used = Lin().add(bought.cum(s, d), -1.0)
            for (k, _), exercised in self.exercised.items():
                if k == r:
                    used.add(exercised.cum(s, d))
            b.row("rig_options", (rig.name, s, d), used, at_most=0.0)
        for s in leaves(b):
            b.row("rig_option_limit", (rig.name, s), Lin().add(bought.cum(s, b.T)), at_most=option.limit, unit="USD/MW")

    def _limits(self, r: int, rig: Rig, sites: list[int]) -> None:
        b = self.build
        families = [f[r, i] for f in (self.orders, self.exercised) for i in sites if (r, i) in f]
        for s, d in nodes(b):
            here = Lin()
            for f in families:
                here.add(f.at(s, d))
            if not here.constant_only and np.isfinite(rig.supply[d]):
                b.row("rig_supply", (rig.name, s, d), here, at_most=float(rig.supply[d]), unit="USD/MW")
        if np.isfinite(rig.limit) and families:
            for s in leaves(b):
                all_orders = Lin()
                for f in families:
                    all_orders.add(f.cum(s, b.T))
                b.row("rig_limit", (rig.name, s), all_orders, at_most=rig.limit, unit="USD/MW")

    def _rows(self, r: int, rig: Rig, i: int) -> None:
        """Installed MW by recursion over the tree; what is past its life is gone.

        K[d] = K[d-1] + B[d-lead] + E[d-lead] - R[d] >= 0;   K[d] <= owned (while it lives) + what was delivered within a life
        """
        b, place = self.build, self.build.problem.sites[i].name
        levels = self._levels[r, i] = np.full((b.S, b.T), None, dtype=object)
        node = b.problem.scenarios.node
        ordered = [f[r, i] for f in (self.orders, self.exercised) if (r, i) in f]
        for d in range(b.T):
            made: dict[int, Any] = {}
            for s in range(b.S):
                key = (rig.name, place, s, d)
                if int(node[s, d]) in made:
                    levels[s, d] = made[int(node[s, d])]
                    continue
                here = levels[s, d] = made[int(node[s, d])] = b.named("installed", key)
                row = Lin().add(here).add(levels[s, d - 1] if d else None, -1.0).add(self.retired[r, i].at(s, d))
                for f in ordered:
                    row.add(f.at(s, d - rig.lead), -1.0)
                b.row("fleet", key, row, equal=float(rig.owned[i]) if d == 0 else 0.0)
                expired = Lin(float(rig.owned[i]) if d >= rig.owned_life else 0.0)
                for f in ordered:
                    expired.add(f.cum(s, d - rig.lead - rig.life))
                if expired.const or expired.vars:
                    alive = Lin(float(rig.owned[i]) - expired.const)
                    for f in ordered:
                        alive.add(f.cum(s, d - rig.lead)).add(f.cum(s, d - rig.lead - rig.life), -1.0)
                    most, alive.const = alive.const, 0.0
                    b.row("rig_life", key, Lin().add(here).plus(alive, -1.0), at_most=most)

    def levels(self, r: int, i: int) -> np.ndarray:
        """(S, T) variables: MW of rig r that work at site i in each period."""
        return self._levels[r, i]

    def installed(self, r: int, i: int, s: int, d: int) -> Lin:
        """MW of rig r that work at site i in period d."""
        return Lin().add(self._levels[r, i][s, d])

    def at_site(self, i: int, s: int, d: int) -> Lin:
        """MW of all rigs at site i in period d."""
        return total(self.installed(r, k, s, d) for r, k in self.keys if k == i)


def nodes(build: Build) -> list[tuple[int, int]]:
    """One (scenario, date) for each tree node, by date."""
    node = build.problem.scenarios.node
    out: list[tuple[int, int]] = []
    for d in range(build.D):
        _, first = np.unique(node[:, d], return_index=True)
        out.extend((int(s), d) for s in sorted(first))
    return out


def leaves(build: Build) -> list[int]:
    """One scenario for each node of the last date."""
    return [s for s, d in nodes(build) if d == build.D - 1]
