"""The optimum of what a program holds, with real hours, and of equal plans the canonical one; and what is proved on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.benders.cuts import MAX_ROUNDS, Round, Separation
from optimizer.engine.master import WarmProgram
from optimizer.engine.policy import Policy
from optimizer.engine.stages import Progress, silent
from optimizer.engine.values import TOLERANCE
from optimizer.solver import branch_and_bound, certificates
from optimizer.solver.answer import Answer, Status
from optimizer.solver.canonical import canonical, level_on_face
from optimizer.solver.linear_program import LinearProgram

#: a gap above this asks for duals that are better than the solver's: a hundredth of what the proof allows, far above rounding
EXACT_GAP = 1e-9
#: rounds of cuts after which a bound is near enough
ROUGH_ROUNDS = 2
#: how far capacities go beyond the highest in cuts that stop a plan without end
WIDER = (10.0, 1e3, 1e5)
#: canonical plans beyond what the hours give, after which an optimum is taken as it is
MAX_CHOICES = 100


class Bounds:
    """On the worth of a whole case, in USD, each verified by arithmetic as a solve goes along.

    upper: no plan is worth more, proved from duals alone, the least so far; lower: some plan of real hours is worth as much. money: USD of a
    unit of the program.
    """

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


@dataclass
class Search:
    """One search on a warm program.

    separation: of cuts; it goes over to every direction by itself where the hours do not bear a plan out. brief: as `Session.solve`.
    bounds: takes note of what is proved and attained, where the program is the case itself, not a branch of it or a baseline.
    """

    program: WarmProgram
    policy: Policy
    separation: Separation = Separation.EVERY
    brief: bool = False
    progress: Progress = silent
    bounds: Bounds | None = None

    def optimum(self, most: int = MAX_ROUNDS) -> Answer:
        """Optimum of the session, with every cut it misses added. most: rounds of cuts."""
        program, cuts = self.program, self.program.cuts
        answer = self._solved()
        if cuts is None:
            return self._refined(answer)
        for factor in WIDER:
            if answer.status is not Status.UNBOUNDED:
                break
            cuts.floor()
            cuts.widen(factor)
            answer = self._solved()
        found = cuts.cutting_plane_loop(
            answer, self.separation, most=most, solve=self._solved, expired=program.expired, report=self.report
        )
        answer = self._refined(found.answer)
        if answer.optimal and found.stopped:
            if self.bounds is not None:
                self.bounds.prove(program.session.lp, answer)
            return replace(answer, status=Status.LIMIT, message="Time is up; the bound is that of the cuts so far.")
        return answer

    def rough_optimum(self) -> Answer:
        """As `optimum`; where the relaxation dodges the law it is a bound and says where to look, for which a few rounds of cuts do."""
        answer = self.optimum(ROUGH_ROUNDS)
        dodges = answer.optimal and branch_and_bound.violated(self.program.session.lp, answer.x, self.program.disjunctions)
        return self.optimum() if answer.optimal and not dodges else answer

    def choose(self, answer: Answer, infeasible_branch: bool = False) -> Answer:
        """The canonical one among equal optima; where it lies beyond what the hours give, cut and choose again. infeasible_branch: as
        `bear_out`."""
        program = self.program
        if not self.policy.canonical:
            return self.bear_out(answer, infeasible_branch)
        for _ in range(MAX_CHOICES):
            answer = self._expecting_most(answer)
            chosen = canonical(program.session, program.session.lp, answer, program.lexicographic)
            if program.cuts is None or program.cuts.real(chosen):
                return chosen
            answer = self.optimum()
            if not answer.optimal:
                return answer
        return answer

    def bear_out(self, answer: Answer, infeasible_branch: bool = False) -> Answer:
        """The optimum whose hours are real, where cuts were made in the plan's own directions only.

        infeasible_branch: where real hours leave no plan, that is the answer; else the plan stands as it was, for the books to judge.
        """
        cuts = self.program.cuts
        if cuts is None or self.separation is Separation.EVERY or cuts.real(answer, near=self.policy.quick):
            return answer
        self.separation = Separation.EVERY
        found = self.optimum()
        ends = (Status.OPTIMAL, Status.INFEASIBLE) if infeasible_branch else (Status.OPTIMAL,)
        return found if found.status in ends else self.program.since(answer)

    def _solved(self) -> Answer:
        return self.program.session.solve(brief=self.brief)

    def _refined(self, answer: Answer) -> Answer:
        """An optimum whose duals leave a gap, or whose plan misses a row, that rounding of HiGHS explains: with those of its exact basis."""
        session = self.program.session
        if not answer.optimal:
            return answer
        found = certificates.verify_optimal(session.lp, answer.x, answer.y, tolerance=TOLERANCE)
        if found.primal_residual_relative > TOLERANCE:
            return session.polished(answer, EXACT_GAP, self.brief)
        return session.refined(answer) if found.gap > EXACT_GAP else answer

    def _expecting_most(self, answer: Answer) -> Answer:
        """Where nothing but the tail has a price: an equal plan of the highest expected value, with every cut that it misses added.

        Which of equal plans expects most is a program of its own (level 1 of the canonical plan), and its hours want cuts in its own
        directions: else among equal plans one is chosen by hours that are not there.
        """
        program = self.program
        if not program.tail_alone:
            return answer
        cuts, session, lp = program.cuts, program.session, program.session.lp
        assert cuts is not None
        face = level_on_face(lp, answer, program.lexicographic[0])
        columns = np.arange(len(lp.cost)), face.col_lower, face.col_upper
        rows = np.arange(len(lp.row_lower)), face.row_lower, face.row_upper
        with session.changed(columns, rows, face.cost):
            # told to nobody: its bounds are not those of the plan
            found = cuts.cutting_plane_loop(session.solve(primal=True), expired=program.expired).answer
        answer = program.since(answer)
        return replace(answer, x=found.x) if found.optimal else answer

    def report(self, done: Round) -> None:
        """Progress of the cuts, with the bounds they have come to (USD); proved, attained: of the whole case and verified."""
        numbers: dict[str, Any] = {"round": done.number, "cuts": done.cuts, "added": done.added, "miss": done.miss}
        money, bounds = self.program.problem.money, self.bounds
        if done.answer is not None and done.answer.optimal:
            numbers["upper"] = done.answer.objective * money if bounds is None else bounds.prove(done.lp, done.answer)
        if done.attained is not None:
            lp, found = done.attained
            numbers["lower"] = found.objective * money
            attained = None if bounds is None else bounds.attain(lp, found)
            if attained is not None:
                numbers["attained"] = attained
        if bounds is not None and bounds.upper is not None:
            numbers["proved"] = bounds.upper
        self.progress("cuts", **numbers)
