"""Where relaxed rows (of tax, of cash sweeps) let the program dodge the law: the branch of it that the plan is in."""

from __future__ import annotations

import time
from dataclasses import replace

from models.benders.cuts import Separation
from optimizer.engine.policy import Thoroughness
from optimizer.engine.search import Search
from optimizer.solver import branch_and_bound
from optimizer.solver.answer import Answer
from optimizer.solver.branch_and_bound import BranchResult

#: share of the time left for branches of the law that is kept for the nearest one, should the search end without a plan
FALLBACK_SHARE = 0.2
#: conditions of the law that a plan dodges, above which the search for the best branch begins at a plan of a near one: it may be long
MAX_WITHOUT_INCUMBENT = 8
#: up to so many, a branch is found sooner one condition after another
DIVE_FIRST = 4


def branch(search: Search, answer: Answer, missed: int) -> BranchResult:
    """The best plan that obeys the law, or as near to it as is asked. missed: conditions of it that the optimum dodges."""
    program, policy = search.program, search.policy
    near = None
    if policy.thoroughness is not Thoroughness.FULL or missed > MAX_WITHOUT_INCUMBENT:
        near = _incumbent(search, answer, missed)
        if near is not None and (near.complete or policy.thoroughness is not Thoroughness.FULL):
            return near
        if policy.quick and program.session.options.method == "ipm":
            # a search through branches of a large program takes long, and what is asked has been tried
            return BranchResult(None, None, answer.objective, 1, False, ())
    return _best(replace(search, separation=Separation.EVERY, brief=False), answer, near)


def _incumbent(search: Search, answer: Answer, missed: int) -> BranchResult | None:
    """A plan of a near branch; quick: cut in the plan's own directions first, and without a proof where a branch has none."""
    program, quick = search.program, search.policy.quick
    looking = replace(search, separation=Separation.OWN if quick else Separation.EVERY, brief=quick)
    prices = branch_and_bound.HIGH_PRICES if quick else branch_and_bound.PRICES

    def chosen(found: Answer) -> Answer:
        return looking.choose(found, infeasible_branch=True)

    def incumbent() -> BranchResult | None:
        root = program.since(answer)
        return branch_and_bound.find_incumbent(
            program.session, root, program.disjunctions, looking.optimum, chosen, prices, brief=quick
        )

    def penalty_dive() -> BranchResult | None:
        root = program.since(answer)
        return branch_and_bound.penalty_dive(program.session, root, program.disjunctions, looking.optimum, chosen, brief=quick)

    ways = [incumbent]
    if search.policy.thoroughness is not Thoroughness.FULL:
        ways = [penalty_dive, incumbent] if missed <= DIVE_FIRST else [incumbent, penalty_dive]
    return next((found for way in ways if (found := way()) is not None), None)


def _best(search: Search, answer: Answer, near: BranchResult | None) -> BranchResult:
    """The search through branches; near: a plan that is known."""
    program, until = search.program, search.policy.deadline
    if until is not None and near is None:
        until -= FALLBACK_SHARE * max(until - time.perf_counter(), 0.0)
    branches = branch_and_bound.search(
        program.session,
        answer,
        program.disjunctions,
        search.optimum,
        search.choose,
        near,
        deadline=until,
        progress=search.progress,
    )
    if branches.complete or branches.answer is not None or search.policy.thoroughness is not Thoroughness.FULL:
        return branches
    # the search for the best plan has come to none: some plan is better than no plan
    found = branch_and_bound.find_incumbent(
        program.session, program.since(answer), program.disjunctions, search.optimum, search.choose
    )
    return branches if found is None else replace(branches, answer=found.answer, lp=found.lp)
