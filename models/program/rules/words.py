"""The words of rules as expressions of the master problem."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from models.problem import Function, Term
from models.program.expressions import Build, Lin, total
from models.program.parts import Parts
from models.program.rules import word_parts
from models.program.rules.words_over_time import Running
from models.rules.words import WORDS

#: words measured in USD; the others are MW, BTC, MWh, PH/s, units
MONEY = frozenset(name for name, word in WORDS.items() if word.unit == "USD")


class Words:
    """Every word of README 13, and every function of one, as a linear expression at (s, d): money words in money units."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._made: dict[Term, np.ndarray] = {}
        self._over_time = Running(parts, self.at)

    def at(self, word: str, argument: str | None, s: int, d: int, functions: tuple[Function, ...] = ()) -> Lin:
        """Raises ValueError for an unknown word, and for a function at a date where it has no value."""
        key = Term(word, argument, functions)
        if key not in self._made:
            self._made[key] = np.full((self.parts.build.S, self.parts.build.D), None, dtype=object)
        table = self._made[key]
        if table[s, d] is None:
            table[s, d] = self._over_time.value(key, s, d) if functions else self._word(word, argument, s, d)
        return table[s, d]

    def _word(self, word: str, argument: str | None, s: int, d: int) -> Lin:
        handler = getattr(self, "_" + word, None)
        if handler is None:
            raise ValueError(f"unknown word {word!r}")
        return handler(s, d) if argument is None else handler(s, d, argument)

    # ---- flows -----------------------------------------------------------------------------------------------------
    def _revenue(self, s: int, d: int) -> Lin:
        return self.parts.build.revenue[s, d]

    def _ebitda(self, s: int, d: int) -> Lin:
        b = self.parts.build
        return Lin().plus(b.operating[s, d]).plus(b.retained[s, d])

    def _cfads(self, s: int, d: int) -> Lin:
        return Lin().plus(self.parts.build.operating[s, d]).plus(self._tax(s, d), -1.0)

    def _tax(self, s: int, d: int) -> Lin:
        return self.parts.taxes.at(s, d)

    def _interest(self, s: int, d: int) -> Lin:
        return self.parts.build.interest[s, d]

    def _principal(self, s: int, d: int) -> Lin:
        return self.parts.build.principal[s, d]

    def _debt_service(self, s: int, d: int) -> Lin:
        return Lin().plus(self._interest(s, d)).plus(self._principal(s, d))

    def _maturities(self, s: int, d: int, name: str | None = None) -> Lin:
        debts = self.parts.build.problem.debts
        return total(self._maturing.at(debt, s, d) for debt in debts if name in (None, debt.name))

    @cached_property
    def _maturing(self) -> word_parts.Maturities:
        return word_parts.Maturities(self.parts)

    def _ai_revenue(self, s: int, d: int, name: str | None = None) -> Lin:
        return word_parts.ai_revenue(self.parts, s, d, name)

    def _capex(self, s: int, d: int, kind: str | None = None) -> Lin:
        return self.parts.build.capex[s, d] if kind is None else word_parts.capex(self.parts, s, d, kind)

    def _dividends(self, s: int, d: int) -> Lin:
        return Lin().add(self.parts.treasury.dividends.at(s, d))

    def _contributions(self, s: int, d: int) -> Lin:
        holders = {e.name: e.holders for e in self.parts.build.problem.equities}
        out = Lin()
        for name, decision in self.parts.instruments.issued.items():
            if holders.get(name) == "existing":
                out.add(decision.at(s, d))
        return out

    def _rescue(self, s: int, d: int) -> Lin:
        return Lin().add(self.parts.treasury.rescue.at(s, d))

    def _issued(self, s: int, d: int, name: str) -> Lin:
        decision = self.parts.instruments.issued.get(name)
        return Lin().add(decision.at(s, d) if decision else None)

    def _raised(self, s: int, d: int) -> Lin:
        return total(Lin().add(decision.at(s, d)) for decision in self.parts.instruments.issued.values())

    def _shares_issued(self, s: int, d: int, name: str | None = None) -> Lin:
        return word_parts.shares_issued(self.parts, s, d, name)

    def _btc_mined(self, s: int, d: int, site: str | None = None) -> Lin:
        return self.parts.build.energy["btc_mined"][s, d] if site is None else word_parts.btc_mined(self.parts, s, d, site)

    def _energy_mwh(self, s: int, d: int, site: str | None = None) -> Lin:
        return _metered(self.parts.build, "energy_mwh", s, d, site)

    def _grid_mwh(self, s: int, d: int, site: str | None = None) -> Lin:
        return _metered(self.parts.build, "grid_mwh", s, d, site)

    def _emissions_t(self, s: int, d: int, site: str | None = None) -> Lin:
        return _metered(self.parts.build, "emissions_t", s, d, site)

    def _ai_mwh(self, s: int, d: int, name: str | None = None) -> Lin:
        return word_parts.ai_mwh(self.parts, s, d, name)

    def _diesel_mwh(self, s: int, d: int, site: str | None = None) -> Lin:
        return self.parts.build.energy["diesel_mwh"][s, d] if site is None else word_parts.diesel_mwh(self.parts, s, d, site)

    def _provided(self, s: int, d: int, good: str) -> Lin:
        out = Lin()
        for project in self.parts.build.problem.projects:
            if good in project.provides:
                decision = self.parts.units[project.name]
                amounts = project.provides[good][s, :, d]
                out.plus(decision.history(s, amounts))
        return out

    # ---- stocks ----------------------------------------------------------------------------------------------------
    def _cash(self, s: int, d: int) -> Lin:
        return Lin().add(self.parts.treasury.cash[s][d])

    def _coins(self, s: int, d: int) -> Lin:
        return self.parts.treasury.coins[s, d]

    def _coins_value(self, s: int, d: int) -> Lin:
        b = self.parts.build
        return self._coins(s, d).times(b.problem.market.btc_price[s, d] / b.unit)

    def _liquidity(self, s: int, d: int) -> Lin:
        return self._cash(s, d).plus(self._coins_value(s, d))

    def _outstanding(self, s: int, d: int, name: str) -> Lin:
        return self.parts.build.outstanding[name][s, d]

    def _total_debt(self, s: int, d: int) -> Lin:
        return total(table[s, d] for table in self.parts.build.outstanding.values())

    def _net_debt(self, s: int, d: int) -> Lin:
        return self._total_debt(s, d).plus(self._cash(s, d), -1.0)

    def _rigs(self, s: int, d: int, name: str | None) -> Iterator[tuple[int, Lin]]:
        """(rig number, MW) of the fleets that [rig], [@site] or [rig@site] names."""
        parts, p = self.parts, self.parts.build.problem
        at = min(d, parts.build.T - 1)
        if name is None or "@" not in name:
            for r, rig in enumerate(p.rigs):
                if name in (None, rig.name):
                    yield r, parts.fleet.standing(r, s, at)
            return
        for r, i in parts.fleet.keys:
            if word_parts.named(name, p.rigs[r].name, p.sites[i].name):
                yield r, parts.fleet.installed(r, i, s, at)

    def _rigs_mw(self, s: int, d: int, name: str | None = None) -> Lin:
        return total(mw for _, mw in self._rigs(s, d, name))

    def _hashrate(self, s: int, d: int, name: str | None = None) -> Lin:
        rigs = self.parts.build.problem.rigs
        return total(mw.times(rigs[r].density) for r, mw in self._rigs(s, d, name))

    def _ai_mw(self, s: int, d: int, name: str | None = None) -> Lin:
        parts, p = self.parts, self.parts.build.problem
        at = min(d, parts.build.T - 1)
        running = parts.services.contracted.items()
        return total(mw[s, at] for (j, i), mw in running if word_parts.named(name, p.services[j].name, p.sites[i].name))

    def _site(self, name: str) -> int:
        return [i.name for i in self.parts.build.problem.sites].index(name)

    def _mining_hall_mw(self, s: int, d: int, name: str) -> Lin:
        return self.parts.sites.mining_hall(self._site(name), s, min(d, self.parts.build.T - 1))

    def _ai_hall_mw(self, s: int, d: int, name: str) -> Lin:
        return self.parts.sites.ai_hall(self._site(name), s, min(d, self.parts.build.T - 1))

    def _interconnection_mw(self, s: int, d: int, name: str) -> Lin:
        return self.parts.sites.interconnection(self._site(name), s, min(d, self.parts.build.T - 1))

    def _units(self, s: int, d: int, name: str) -> Lin:
        return Lin().add(self.parts.units[name].cum(s, d))


def _metered(build: Build, word: str, s: int, d: int, site: str | None) -> Lin:
    """What a site measured, or all sites."""
    names = [site] if site is not None else [place.name for place in build.problem.sites]
    return total(build.meters[word, name][s, d] for name in names)
