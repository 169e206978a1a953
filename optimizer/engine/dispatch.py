"""The plan's hours: worked out, and mixed where rules or the treasury link them; what they are worth is the lower bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.benders.cut_pool import REAL_TOLERANCE
from models.benders.inner_approximation import InnerApproximation
from optimizer.engine.master import WarmProgram
from optimizer.engine.policy import Policy
from optimizer.solver import branch_and_bound
from optimizer.solver.answer import Answer, Status
from optimizer.solver.canonical import canonical, fixed_order, level_on_face, toward_bounds
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Session

#: a plan of real hours this close (relative) to what the cuts promise is near enough
HOURS_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Dispatched:
    """The answer with the plan that its hours bear out, and these hours; None where the program holds them itself.

    late: time was up before the hours were mixed: the answer stands as it was, for the books to judge.
    """

    answer: Answer
    hours: Any = None
    late: bool = False


def dispatch(program: WarmProgram, policy: Policy, lp: LinearProgram, answer: Answer, as_it_stands: bool) -> Dispatched:
    """Hours of an optimum of `lp`. as_it_stands: hours that bear the plan out as it stands will do, where any plan does."""
    cuts, master = program.cuts, program.master
    if cuts is None:
        return Dispatched(answer)
    assert master.recourse is not None
    inner = cuts.inner_approximation(lp, answer)
    sites = range(len(cuts.sites))
    if not cuts.linked:
        # hours that nothing links are worth what the cuts at these capacities say: there is nothing to mix
        return Dispatched(answer, master.recourse.dispatch([inner.plain(i, answer.x) for i in sites]))
    if as_it_stands and (mixed := inner.standing(answer, cuts.explore(answer))) is not None:
        return Dispatched(answer, master.recourse.dispatch(mixed))
    expecting = _expecting_most(program, lp, answer, inner) if program.tail_alone and not policy.quick else None
    session, found = inner.generate(answer.objective, REAL_TOLERANCE if policy.quick else HOURS_TOLERANCE)
    if program.disjunctions and found.optimal:
        found = _within_branch(program, session, lp, answer, found, expecting)
    if found.optimal:
        lexicographic = [] if policy.quick else program.lexicographic[:-1]
        found, combinations = inner.combinations(
            session, found, lambda s, a: a if policy.quick else _canonical(s, a, lexicographic)
        )
    if not found.optimal:
        # the plan's own figures stand; the books will tell whether the hours bear them out
        message = f"The hours at the plan's capacities ended {found.status.value}."
        combinations = [inner.plain(i, answer.x) for i in sites]
        return Dispatched(replace(answer, message=message), master.recourse.dispatch(combinations), found.status is Status.LIMIT)
    return Dispatched(replace(answer, x=found.x[: len(lp.cost)]), master.recourse.dispatch(combinations))


def _canonical(session: Session, found: Answer, lexicographic: list[np.ndarray]) -> Answer:
    """Of equal convex combinations the canonical one. lexicographic: over the columns that the program had before shares came to it."""
    count = len(session.lp.cost)
    wide = [np.concatenate([level, np.zeros(count - len(level))]) for level in lexicographic]
    return canonical(session, session.lp, found, [*wide, toward_bounds(session.lp, fixed_order(count))])


def _within_branch(
    program: WarmProgram, session: Session, lp: LinearProgram, answer: Answer, found: Answer, expecting: Answer | None
) -> Answer:
    """Real hours leave other profits than the cuts did: the law is obeyed by these, and stays so among equal plans."""
    count, disjunctions = len(lp.cost), program.disjunctions
    if branch_and_bound.violated(lp, found.x[:count], disjunctions):
        best = branch_and_bound.search(session, found, disjunctions, session.solve, lambda a: a).answer
        found = best if best is not None else answer
    within = branch_and_bound.satisfied(lp, (found if expecting is None else expecting).x[:count], disjunctions)
    rows = np.flatnonzero(within.row_lower != lp.row_lower)
    columns = np.flatnonzero(within.col_upper != lp.col_upper)
    session.set_row_bounds(rows, within.row_lower[rows], within.row_upper[rows])
    session.set_column_bounds(columns, session.lp.col_lower[columns], within.col_upper[columns])
    return session.solve()


def _expecting_most(program: WarmProgram, lp: LinearProgram, answer: Answer, inner: InnerApproximation) -> Answer | None:
    """Give `inner` the splits that only the expected value asks for: the plan of real hours that expects most and obeys the law."""
    cuts, level = program.cuts, program.lexicographic[0]
    assert cuts is not None
    aim = cuts.inner_approximation(level_on_face(lp, answer, level), answer)
    best = float(level @ answer.x)
    _, found = aim.generate(best, HOURS_TOLERANCE)
    inner.learn(aim)
    there = found.optimal and abs(found.objective - best) <= REAL_TOLERANCE * max(abs(best), 1.0)
    return found if there and not branch_and_bound.violated(lp, found.x[: len(lp.cost)], program.disjunctions) else None
