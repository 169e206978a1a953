"""Rules and covenants as rows: the words they use as linear expressions, hard rows, and soft rows with a price."""

from __future__ import annotations

import numpy as np

from models.problem import Debt, Rule
from models.program.expressions import Lin, total, without_rounding
from models.program.parts import Parts
from models.program.rules.words import MONEY, Words


class Covenants:
    """The rows of every rule."""

    def __init__(self, parts: Parts, words: Words) -> None:
        self.parts, self.words = parts, words
        self.breach: dict[str, np.ndarray] = {}
        self.scales: dict[tuple[str, int, int], float] = {}
        for rule in parts.build.problem.rules:
            self._rule(rule)

    def left(self, rule: Rule, s: int, d: int) -> Lin:
        """Left-hand side less the decisions of the right-hand side, in natural units (USD, MW, ...)."""
        out = Lin()
        for (word, argument, functions), coefs in rule.terms.items():
            if coefs[s, d]:
                unit = self.parts.build.unit if word in MONEY else 1.0
                out.plus(self.words.at(word, argument, s, d, functions), float(coefs[s, d]) * unit)
        return out

    def expected(self, rule: Rule, d: int) -> tuple[Lin, float]:
        """`left` and the constant, averaged over scenarios by their probabilities."""
        odds = self.parts.build.problem.scenarios.probability
        body = total(self.left(rule, s, d).times(float(p)) for s, p in enumerate(odds))
        return body, float(odds @ rule.constant[:, d])

    def _rule(self, rule: Rule) -> None:
        """One row per scenario and active date; of a rule in expectation one per active date, under the first scenario.

            sum of coefficient * word (>= | <= | ==) constant          each in natural units, divided by the row's scale

        The dual is what one unit less of what the rule demands would add to the objective.
        """
        b = self.parts.build
        made = self.breach[rule.name] = np.full((b.S, b.D, 2), None, dtype=object)
        for s in range(1 if rule.expected else b.S):
            for d in range(b.D):
                if not rule.active[s, d]:
                    continue
                left, right = self.expected(rule, d) if rule.expected else (self.left(rule, s, d), float(rule.constant[s, d]))
                body = left.merged()
                constant, body.const = right - body.const, 0.0
                scale = max([abs(c) for c in body.coefs], default=0.0) or max(abs(constant), 1.0)
                body = body.times(1.0 / scale)
                if rule.penalty is not None:
                    self._soften(rule, s, d, body, made, scale)
                side = {">=": "at_least", "<=": "at_most", "==": "equal"}[rule.sense]
                b.row("rule", (rule.name, s, d), body, unit="USD/unit", scale=scale, **{side: constant / scale})

    def _soften(self, rule: Rule, s: int, d: int, body: Lin, made: np.ndarray, scale: float) -> None:
        """Breach variables, in natural units / scale, paid for at their date; in expectation in every scenario alike."""
        b = self.parts.build
        assert rule.penalty is not None
        for side, sign in ((0, 1.0), (1, -1.0)):
            if (side == 0 and rule.sense == "<=") or (side == 1 and rule.sense == ">="):
                continue
            var = b.named("breach", (rule.name, s, d, side))
            body.add(var, sign)
            for each in range(b.S) if rule.expected else (s,):
                made[each, d, side] = var
                self.scales[rule.name, each, d] = scale
                b.entry("soft_rules")[each, d].add(var, -rule.penalty * scale / b.unit)

    def breaches(self, rule: Rule) -> np.ndarray:
        """(S, D) units of breach paid for."""
        b = self.parts.build
        out = np.zeros((b.S, b.D))
        for s in range(b.S):
            for d in range(b.D):
                for var in self.breach[rule.name][s, d]:
                    if var is not None:
                        out[s, d] += without_rounding(var.value) * self.scales[rule.name, s, d]
        return out

    def sculpt(self) -> None:
        """Debt service of loans after their grace: within cash flow (as cash allows), or the same share of it throughout (sculpted)."""
        for debt in self.parts.build.problem.debts:
            service = self.parts.instruments.service.get(debt.name, {})
            if debt.amortisation != "sculpted":
                self._within_cash(debt, service)
            elif debt.existing > 0.0 or self.parts.instruments.issued[debt.name].table().any():
                agreed = {key: one for key, one in service.items() if _bank_case(debt, key[0])}
                self._at_ratio(debt, agreed) if debt.ratio is not None else self._at_one_share(debt, agreed)

    def _within_cash(self, debt: Debt, service: dict[tuple[int, int], Lin]) -> None:
        """cfads[s, d] >= coverage * service[s, d]          [USD]"""
        b = self.parts.build
        for (s, d), paid in service.items() if debt.coverage > 0.0 else ():
            body = Lin().plus(self.words.at("cfads", None, s, d)).plus(paid, -debt.coverage).merged()
            constant, body.const = body.const, 0.0
            b.row("coverage", (debt.name, s, d), body, at_least=-constant, unit="USD/USD", scale=b.unit)

    def _at_ratio(self, debt: Debt, service: dict[tuple[int, int], Lin]) -> None:
        """cfads[s, d] = ratio * service[s, d]          [USD], s the bank case"""
        assert debt.ratio is not None
        for (s, d), paid in service.items():
            body = Lin().plus(self.words.at("cfads", None, s, d)).plus(paid, -debt.ratio).merged()
            constant, body.const = body.const, 0.0
            self.parts.build.row("sculpted", (debt.name, s, d), body, equal=-constant)

    def _at_one_share(self, debt: Debt, service: dict[tuple[int, int], Lin]) -> None:
        """service[s, d] = k * cfads[s, d];   sum_d cfads[s, d] >= coverage * sum_d service[s, d]          [USD], s the bank case

        One share k for all dates, which the program chooses: linear where cfads is no decision. The second row stands at the first date.
        """
        b = self.parts.build
        share = b.named("sculpted_share", debt.name) if service else None
        sums: dict[int, tuple[int, Lin]] = {}
        for (s, d), paid in service.items():
            cash = self.words.at("cfads", None, s, d)
            if not cash.constant_only:
                raise ValueError(
                    f"{debt.name}: the ratio of a sculpted loan can be chosen only where cfads is no decision; give `ratio`"
                )
            b.row("sculpted", (debt.name, s, d), Lin().plus(paid).add(share, -cash.const).merged(), equal=0.0)
            sums.setdefault(s, (d, Lin()))[1].plus(cash).plus(paid, -debt.coverage)
        for s, (d, body) in sums.items():
            body = body.merged()
            constant, body.const = body.const, 0.0
            b.row("coverage", (debt.name, s, d), body, at_least=-constant, unit="USD/USD", scale=b.unit)


def _bank_case(debt: Debt, s: int) -> bool:
    """Whether the schedule of a sculpted loan follows the cash flow of this scenario."""
    return s == 0 if debt.bank_case is None else bool(debt.bank_case[s])
