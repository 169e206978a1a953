"""Mean and CVaR of shareholders' value."""

from __future__ import annotations

from models.program.expressions import Build, Lin


class Risk:
    """Objective (1 - w) E + w CVaR over the lower tail of mass `tail`.

    CVaR = max over q of  q - sum_s p_s z_s / tail,   z_s >= q - V_s,  z_s >= 0          (Rockafellar and Uryasev 2000)
    """

    def __init__(self, build: Build) -> None:
        b, p = build, build.problem
        w, tail = p.objective.weight, p.objective.tail
        self.value = [b.named("value", s, None) for s in range(b.S)]
        self.objective = Lin()
        for s in range(b.S):
            row = Lin().add(self.value[s])
            for table in b.ledger.values():
                for d in range(b.D):
                    row.plus(table[s, d], -float(p.discount[d]))
            row = row.merged()
            constant, row.const = row.const, 0.0
            b.row("value", s, row, equal=-constant)
            self.objective.add(self.value[s], (1.0 - w) * float(p.scenarios.probability[s]))
        if w > 0.0:
            threshold = b.named("value_at_risk", 0, None)
            self.objective.add(threshold, w)
            for s in range(b.S):
                below = b.named("shortfall", s)
                b.row("shortfall", s, Lin().add(below).add(threshold, -1.0).add(self.value[s]), at_least=0.0)
                self.objective.add(below, -w * float(p.scenarios.probability[s]) / tail)
