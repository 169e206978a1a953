"""Rules and covenants as rows: the words they use as linear expressions, hard rows, and soft rows with a price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.linear import Build, Lin, settled, total
from models.problem import Rule
from models.rules import WORDS

if TYPE_CHECKING:
    from models.plan import Plan

#: words measured in USD; the others are MW, BTC, MWh, PH/s, units
MONEY = frozenset(name for name, word in WORDS.items() if word.unit == "USD")


class Words:
    """Every word of README 13 as a linear expression at (s, d): money words in money units."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._made: dict[tuple[str, str | None], np.ndarray] = {}

    def at(self, word: str, argument: str | None, s: int, d: int) -> Lin:
        key = (word, argument)
        if key not in self._made:
            self._made[key] = np.full((self.plan.build.S, self.plan.build.D), None, dtype=object)
        table = self._made[key]
        if table[s, d] is None:
            table[s, d] = self._word(word, argument, s, d)
        return table[s, d]

    def _word(self, word: str, argument: str | None, s: int, d: int) -> Lin:
        handler = getattr(self, "_" + word, None)
        if handler is None:
            raise ValueError(f"unknown word {word!r}")
        return handler(s, d) if argument is None else handler(s, d, argument)

    # ---- flows -----------------------------------------------------------------------------------------------------
    def _revenue(self, s: int, d: int) -> Lin:
        return self.plan.build.revenue[s, d]

    def _ebitda(self, s: int, d: int) -> Lin:
        b = self.plan.build
        return Lin().plus(b.operating[s, d]).plus(b.retained[s, d])

    def _cfads(self, s: int, d: int) -> Lin:
        return Lin().plus(self.plan.build.operating[s, d]).plus(self._tax(s, d), -1.0)

    def _tax(self, s: int, d: int) -> Lin:
        return self.plan.taxes.at(s, d)

    def _interest(self, s: int, d: int) -> Lin:
        return self.plan.build.interest[s, d]

    def _principal(self, s: int, d: int) -> Lin:
        return self.plan.build.principal[s, d]

    def _debt_service(self, s: int, d: int) -> Lin:
        return Lin().plus(self._interest(s, d)).plus(self._principal(s, d))

    def _capex(self, s: int, d: int) -> Lin:
        return self.plan.build.capex[s, d]

    def _dividends(self, s: int, d: int) -> Lin:
        return Lin().add(self.plan.treasury.dividends.at(s, d))

    def _contributions(self, s: int, d: int) -> Lin:
        holders = {e.name: e.holders for e in self.plan.build.problem.equities}
        out = Lin()
        for name, decision in self.plan.instruments.issued.items():
            if holders.get(name) == "existing":
                out.add(decision.at(s, d))
        return out

    def _rescue(self, s: int, d: int) -> Lin:
        return Lin().add(self.plan.treasury.rescue.at(s, d))

    def _issued(self, s: int, d: int, name: str) -> Lin:
        decision = self.plan.instruments.issued.get(name)
        return Lin().add(decision.at(s, d) if decision else None)

    def _btc_mined(self, s: int, d: int) -> Lin:
        return self.plan.build.energy["btc_mined"][s, d]

    def _energy_mwh(self, s: int, d: int, site: str | None = None) -> Lin:
        return _metered(self.plan.build, "energy_mwh", s, d, site)

    def _grid_mwh(self, s: int, d: int, site: str | None = None) -> Lin:
        return _metered(self.plan.build, "grid_mwh", s, d, site)

    def _emissions_t(self, s: int, d: int, site: str | None = None) -> Lin:
        return _metered(self.plan.build, "emissions_t", s, d, site)

    def _diesel_mwh(self, s: int, d: int) -> Lin:
        return self.plan.build.energy["diesel_mwh"][s, d]

    def _provided(self, s: int, d: int, good: str) -> Lin:
        out = Lin()
        for project in self.plan.build.problem.projects:
            if good in project.provides:
                decision = self.plan.units[project.name]
                amounts = project.provides[good][s, :, d]
                out.plus(decision.history(s, amounts))
        return out

    # ---- stocks ----------------------------------------------------------------------------------------------------
    def _cash(self, s: int, d: int) -> Lin:
        return Lin().add(self.plan.treasury.cash[s][d])

    def _coins(self, s: int, d: int) -> Lin:
        return self.plan.treasury.coins[s, d]

    def _coins_value(self, s: int, d: int) -> Lin:
        b = self.plan.build
        return self._coins(s, d).times(b.problem.market.btc_price[s, d] / b.unit)

    def _liquidity(self, s: int, d: int) -> Lin:
        return self._cash(s, d).plus(self._coins_value(s, d))

    def _outstanding(self, s: int, d: int, name: str) -> Lin:
        return self.plan.build.outstanding[name][s, d]

    def _total_debt(self, s: int, d: int) -> Lin:
        return total(table[s, d] for table in self.plan.build.outstanding.values())

    def _net_debt(self, s: int, d: int) -> Lin:
        return self._total_debt(s, d).plus(self._cash(s, d), -1.0)

    def _rigs_mw(self, s: int, d: int, name: str | None = None) -> Lin:
        plan = self.plan
        at = min(d, plan.build.T - 1)
        return total(plan.fleet.standing(r, s, at) for r, rig in enumerate(plan.build.problem.rigs) if name in (None, rig.name))

    def _hashrate(self, s: int, d: int) -> Lin:
        plan = self.plan
        at = min(d, plan.build.T - 1)
        return total(plan.fleet.standing(r, s, at).times(rig.density) for r, rig in enumerate(plan.build.problem.rigs))

    def _ai_mw(self, s: int, d: int, name: str | None = None) -> Lin:
        plan = self.plan
        names = [j.name for j in plan.build.problem.services]
        at = min(d, plan.build.T - 1)
        return total(mw[s, at] for (j, _), mw in plan.services.contracted.items() if name in (None, names[j]))

    def _site(self, name: str) -> int:
        return [i.name for i in self.plan.build.problem.sites].index(name)

    def _mining_hall_mw(self, s: int, d: int, name: str) -> Lin:
        return self.plan.sites.mining_hall(self._site(name), s, min(d, self.plan.build.T - 1))

    def _ai_hall_mw(self, s: int, d: int, name: str) -> Lin:
        return self.plan.sites.ai_hall(self._site(name), s, min(d, self.plan.build.T - 1))

    def _interconnection_mw(self, s: int, d: int, name: str) -> Lin:
        return self.plan.sites.interconnection(self._site(name), s, min(d, self.plan.build.T - 1))

    def _units(self, s: int, d: int, name: str) -> Lin:
        return Lin().add(self.plan.units[name].cum(s, d))


def _metered(build: Build, word: str, s: int, d: int, site: str | None) -> Lin:
    """What a site measured, or all sites."""
    names = [site] if site is not None else [place.name for place in build.problem.sites]
    return total(build.meters[word, name][s, d] for name in names)


class Covenants:
    """The rows of every rule."""

    def __init__(self, plan: Plan, words: Words) -> None:
        self.plan, self.words = plan, words
        self.breach: dict[str, np.ndarray] = {}
        self.scales: dict[tuple[str, int, int], float] = {}
        for rule in plan.build.problem.rules:
            self._rule(rule)

    def left(self, rule: Rule, s: int, d: int) -> Lin:
        """Left-hand side less the decisions of the right-hand side, in natural units (USD, MW, ...)."""
        out = Lin()
        for (word, argument), coefs in rule.terms.items():
            if coefs[s, d]:
                unit = self.plan.build.unit if word in MONEY else 1.0
                out.plus(self.words.at(word, argument, s, d), float(coefs[s, d]) * unit)
        return out

    def _rule(self, rule: Rule) -> None:
        """One row per scenario and active date.

            sum of coefficient * word (>= | <= | ==) constant          each in natural units, divided by the row's scale

        The dual is what one unit less of what the rule demands would add to the objective.
        """
        b = self.plan.build
        made = self.breach[rule.name] = np.full((b.S, b.D, 2), None, dtype=object)
        for s in range(b.S):
            for d in range(b.D):
                if not rule.active[s, d]:
                    continue
                body = self.left(rule, s, d).merged()
                constant, body.const = float(rule.constant[s, d]) - body.const, 0.0
                scale = max([abs(c) for c in body.coefs], default=0.0) or max(abs(constant), 1.0)
                body = body.times(1.0 / scale)
                if rule.penalty is not None:
                    self._soften(rule, s, d, body, made, scale)
                side = {">=": "at_least", "<=": "at_most", "==": "equal"}[rule.sense]
                b.row("rule", (rule.name, s, d), body, unit="USD/unit", scale=scale, **{side: constant / scale})

    def _soften(self, rule: Rule, s: int, d: int, body: Lin, made: np.ndarray, scale: float) -> None:
        """Breach variables, in natural units / scale, paid for at their date."""
        b = self.plan.build
        assert rule.penalty is not None
        for side, sign in ((0, 1.0), (1, -1.0)):
            if (side == 0 and rule.sense == "<=") or (side == 1 and rule.sense == ">="):
                continue
            var = made[s, d, side] = b.named("breach", (rule.name, s, d, side))
            body.add(var, sign)
            b.entry("soft_rules")[s, d].add(var, -rule.penalty * scale / b.unit)
        self.scales[rule.name, s, d] = scale

    def breaches(self, rule: Rule) -> np.ndarray:
        """(S, D) units of breach paid for."""
        b = self.plan.build
        out = np.zeros((b.S, b.D))
        for s in range(b.S):
            for d in range(b.D):
                for var in self.breach[rule.name][s, d]:
                    if var is not None:
                        out[s, d] += settled(var.value) * self.scales[rule.name, s, d]
        return out

    def sculpt(self) -> None:
        """Sculpted loans: cfads >= coverage * (interest + principal) of the loan at every date after its grace."""
        b = self.plan.build
        for debt, s, d, service in self.plan.instruments.coverage_rows:
            body = Lin().plus(self.words.at("cfads", None, s, d)).plus(service, -debt.coverage).merged()
            constant, body.const = body.const, 0.0
            b.row("coverage", (debt.name, s, d), body, at_least=-constant, unit="USD/USD", scale=b.unit)
