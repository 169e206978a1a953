"""Bounds on the worth of a whole case, each verified by arithmetic as a solve goes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.engine.solution import TOLERANCE
from optimizer.solver import certificates

if TYPE_CHECKING:
    from optimizer.solver.answer import Answer
    from optimizer.solver.linear_program import LinearProgram


class Bounds:
    """USD. upper: no plan is worth more, proved from duals alone, the least so far; lower: some plan of real hours is worth as much.
    money: USD of a unit of the program."""

    def __init__(self, money: float) -> None:
        self.money = money
        self.upper: float | None = None
        self.lower = -np.inf

    def prove(self, lp: LinearProgram, answer: Answer) -> float:
        """Note what the duals of an optimum prove: the upper bound so far, or the objective where nothing is proved yet."""
        certificate = certificates.verify_optimal(lp, answer.x, answer.y, tolerance=TOLERANCE)
        found = certificate.dual_bound * self.money
        if np.isfinite(found):
            self.upper = found if self.upper is None else min(self.upper, found)
        return answer.objective * self.money if self.upper is None else self.upper

    def attain(self, lp: LinearProgram, answer: Answer) -> float | None:
        """Note a plan with real hours: the lower bound so far; None where its rows do not hold."""
        if certificates.relative_residual(lp, answer.x) > TOLERANCE:
            return None
        self.lower = max(answer.objective * self.money, self.lower)
        return self.lower
