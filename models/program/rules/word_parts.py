"""Words of rules that are parts of a whole: by site, by service, by kind of asset, by instrument (README 13), in the program.

Amounts are money units where the word is money, else natural units. The hours' quantities are those of `recourse` where hours are valued
by cuts, of `power` where they are written out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from models.problem import Array, Debt, Ints, Payments
from models.program.expressions import Decision, Lin, total
from models.program.parts import Parts
from models.program.strips import Strip, strip

#: what a site can order -> the kind of asset it is
BUILDS = {
    "expand": "interconnection",
    "build_mining": "halls",
    "build_ai": "halls",
    "convert": "halls",
    "store": "interconnection",
}


def named(name: str | None, thing: str, site: str) -> bool:
    """Whether [thing], [@site], [thing@site] or nothing in brackets names that thing at that site."""
    if name is None:
        return True
    wanted, at, place = name.partition("@")
    return wanted in ("", thing) and (not at or place == site)


# ---- hours ---------------------------------------------------------------------------------------------------------


def _site(parts: Parts, name: str) -> int:
    return [site.name for site in parts.build.problem.sites].index(name)


def _of_recourse(parts: Parts, quantity: str, i: int, s: int, t: int) -> Lin:
    """A linked quantity of site i in its natural unit; nothing where the site has none."""
    assert parts.recourse is not None
    out = Lin()
    for found in parts.recourse.values[i].quantities:
        if found.name == quantity:
            out.add(found.var[s * parts.build.T + t], found.unit)
    return out


def _of_hours(parts: Parts, i: int, s: int, t: int, name: str) -> Lin:
    """MWh of one use or source of site i, hour by hour."""
    assert parts.power is not None
    block, weight = parts.power.blocks[i, s, t], parts.build.problem.clock.weight[t]
    out = Lin()
    listed: list[Any] = [*zip(block.merit.uses, block.uses, strict=True), *zip(block.merit.sources, block.sources, strict=True)]
    for one, hours in listed:
        if one.name == name:
            for var, w in zip(hours, weight, strict=True):
                out.add(var, float(w))
    return out


def btc_mined(parts: Parts, s: int, d: int, site: str) -> Lin:
    """Coins mined at a site in the period that ends at d          [BTC]"""
    i, t = _site(parts, site), d - 1
    if t < 0:
        return Lin()
    if parts.recourse is not None:
        return _of_recourse(parts, "btc_mined", i, s, t)
    assert parts.power is not None
    uses = parts.power.blocks[i, s, t].merit.uses
    return total(_of_hours(parts, i, s, t, use.name).times(use.coins) for use in uses if use.coins)


def diesel_mwh(parts: Parts, s: int, d: int, site: str) -> Lin:
    """Diesel energy generated at a site in the period that ends at d          [MWh]"""
    i, t = _site(parts, site), d - 1
    if t < 0:
        return Lin()
    return _of_recourse(parts, "diesel_mwh", i, s, t) if parts.recourse is not None else _of_hours(parts, i, s, t, "diesel")


def ai_mwh(parts: Parts, s: int, d: int, name: str | None) -> Lin:
    """Energy at the meter that AI services used in the period that ends at d          [MWh]"""
    p, t = parts.build.problem, d - 1
    out = Lin()
    for j, i in parts.services.contracted:
        if t >= 0 and named(name, p.services[j].name, p.sites[i].name):
            out.plus(_served(parts, j, i, s, t))
    return out


def _served(parts: Parts, j: int, i: int, s: int, t: int) -> Lin:
    """MWh at the meter of service j at site i in period t."""
    p = parts.build.problem
    entry = f"ai:{p.services[j].name}"
    if parts.recourse is not None:
        return _of_recourse(parts, f"served {entry}", i, s, t).times(float(p.clock.hours[t]))  # it counts mean MW
    return _of_hours(parts, i, s, t, entry)


def ai_revenue(parts: Parts, s: int, d: int, name: str | None) -> Lin:
    """Rents, and the price on critical energy served, of the period that ends at d          [USD]"""
    b, p, t = parts.build, parts.build.problem, d - 1
    out = Lin()
    for (j, i), rents in parts.services.rents.items():
        service, site = p.services[j], p.sites[i]
        if t < 0 or not named(name, service.name, site.name):
            continue
        out.plus(rents[s, t])
        if service.kind == "cloud":
            out.plus(_served(parts, j, i, s, t), float(service.rate[s, t]) / site.gross_ratio / b.unit)
    return out


# ---- capital -------------------------------------------------------------------------------------------------------


class Purchase(NamedTuple):
    """Something that capex pays for: USD per unit of a decision (S, D), its instalments, and how it wears in the books.

    lead (S,) dates from the order to work; book_months: straight-line life from there (0: it does not wear).
    """

    kind: str
    decision: Decision
    price: Array
    payments: Payments
    lead: Ints
    book_months: int


def purchases(parts: Parts) -> Iterator[Purchase]:
    """Everything that capex pays for."""
    p, none = parts.build.problem, np.zeros(parts.build.S, dtype=np.int64)
    for (r, _), decision in parts.fleet.orders.items():
        rig = p.rigs[r]
        yield Purchase("rigs", decision, rig.price, rig.payments, none + rig.lead, rig.depreciation.book_months)
    for (r, _), decision in parts.fleet.exercised.items():
        rig = p.rigs[r]
        assert rig.option is not None
        strike = np.full_like(rig.price, rig.option.strike)
        yield Purchase("rigs", decision, strike, rig.payments, none + rig.lead, rig.depreciation.book_months)
    for r, decision in parts.fleet.options.items():
        option = p.rigs[r].option
        assert option is not None
        yield Purchase("options", decision, np.full_like(p.rigs[r].price, option.fee), Payments(), none, 0)
    for (i, kind), decision in parts.sites.built.items():
        terms = getattr(p.sites[i], kind)
        lead = terms.lead + p.sites[i].delay
        yield Purchase(BUILDS[kind], decision, terms.cost, terms.payments, lead, terms.depreciation.book_months)
    for (j, i), decision in parts.services.signed.items():
        service = p.services[j]
        if service.equipment is not None:
            lead = service.lead + p.sites[i].delay
            book = service.depreciation.book_months
            yield Purchase("equipment", decision, service.equipment, service.payments, lead, book)


def capex(parts: Parts, s: int, d: int, kind: str) -> Lin:
    """Cash paid at d for one kind of asset: each instalment of what was ordered so many dates before          [USD]"""
    out = Lin()
    for one in purchases(parts):
        for later, share in one.payments.shares if one.kind == kind else ():
            if d >= later:
                out.add(one.decision.at(s, d - later), share * float(one.price[s, d - later]) / parts.build.unit)
    return out


def shares_issued(parts: Parts, s: int, d: int, name: str | None) -> Lin:
    """F / (share_price * (1 - discount)) of what is sold to new holders at d          [shares]"""
    b, market = parts.build, parts.build.problem.market
    out = Lin()
    for equity in b.problem.equities:
        if equity.holders == "new" and name in (None, equity.name):
            assert market.share_price is not None
            price = float(market.share_price[s, d]) * (1.0 - equity.discount)
            out.add(parts.instruments.issued[equity.name].at(s, d), b.unit / price)
    return out


class Maturities:
    """Debt repaid in cash at its maturity or at a holder's put: what is called before is not there any more."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._strips: dict[tuple[str, int, bool], Strip] = {}

    def at(self, debt: Debt, s: int, d: int) -> Lin:
        """Money units of one debt at date d. A loan repaid by decision is repaid by scheduled principal: it has none."""
        return self._of_strips(debt, s, d) if debt.is_strip else self._of_balance(debt, s, d)

    def _strip(self, debt: Debt, v: int, existing: bool) -> Strip:
        key = (debt.name, v, existing)
        if key not in self._strips:
            self._strips[key] = strip(self.parts.build.problem, debt, v, existing)
        return self._strips[key]

    def _of_strips(self, debt: Debt, s: int, d: int) -> Lin:
        b, instruments = self.parts.build, self.parts.instruments
        out = Lin()
        made = instruments.issued[debt.name]
        if debt.existing > 0.0 and d:
            share = float(self._strip(debt, 0, True).redemption[s, d])
            out.const += share * debt.existing / b.unit
            self._less_called(out, f"{debt.name}@existing", 0, s, d, share)
        for v in range(d):
            if made.at(s, v) is not None:
                share = float(self._strip(debt, v, False).redemption[s, d])
                out.add(made.at(s, v), share)
                self._less_called(out, debt.name, v, s, d, share)
        return out

    def _less_called(self, out: Lin, name: str, v: int, s: int, d: int, share: float) -> None:
        call = self.parts.instruments.called.get((name, v))
        if call is not None and share:
            for c in range(v + 1, d):
                out.add(call.at(s, c), -share)

    def _of_balance(self, debt: Debt, s: int, d: int) -> Lin:
        """A revolver's or a BTC loan's balance falls due at the first date at which it can have none."""
        balances = self.parts.instruments.balances[debt.name]
        out = Lin()
        if debt.kind in ("revolver", "btc_loan") and d and balances[s, d] is None:
            out.add(balances[s, d - 1])
        return out
