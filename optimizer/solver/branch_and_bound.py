"""Either-or conditions that a linear program may dodge, settled by branching on its relaxation.

Tax law says how much of a loss or of limited interest *must* be deducted; the program only knows how much *may* be. Where it pays to
deduct less (a coverage rule next year is tighter than this year's), the relaxation is not the law. Each such condition is a pair of
bounds of which at least one must be tight: fix the one, fix the other, and the best of both is the optimum under the law.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.effort import over
from optimizer.solver.answer import Answer, Status
from optimizer.solver.certificates import Certificate, verify_infeasible, verify_optimal
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Session

#: a bound counts as tight within this, relative to 1 + |bound| in program units
TIGHT = 1e-7
#: share of the work that may be done (`models.effort`) which a search through branches may take: the rest is for a plan of the nearest one
BRANCHING_SHARE = 0.8
#: prices at which what a condition lacks is bought off one after another: a dollar of tax relief dodged costs so many dollars, and
#: cash may be worth many times its face where a plan hardly exists. Low ones leave better plans
PRICES = (0.1, 1.0, 10.0, 100.0)
#: so often conditions that no price helps are sent the other way
REVERSALS = 3
#: what a way lacks below this (as TIGHT) may be for want of a higher price: whether it is barred, is seen when it is held
NEARLY_TIGHT = 1e-4
#: conditions that are decided one after another at most
DIVE_DEPTH = 16
#: those of them for where any plan will do
HIGH_PRICES = PRICES[2:]
#: branches further than this behind the best plan, relative, are not looked into
PRUNED_BEHIND = 1e-9


@dataclass(frozen=True)
class Tight:
    """One way to satisfy a condition: row `index` at its upper bound ('row'), or column `index` at its lower bound ('column')."""

    kind: str
    index: int


Condition = tuple[Tight, Tight]


@dataclass(frozen=True)
class BranchResult:
    """The best plan that meets every condition, and what is proved: no plan is better than `bound` (own sense of the model).

    answer None: no branch has a plan. complete: False if stopped at a limit. reasons: proofs that did not hold.
    """

    answer: Answer | None
    lp: LinearProgram | None
    bound: float
    branches: int
    complete: bool
    reasons: tuple[str, ...]


def slack(lp: LinearProgram, x: np.ndarray, activity: np.ndarray, way: Tight) -> float:
    """Distance from tightness, relative to 1 + |bound|. activity: matrix @ x."""
    value, bound = (x, lp.col_lower) if way.kind == "column" else (activity, lp.row_upper)
    return float(abs(value[way.index] - bound[way.index])) / (1.0 + abs(float(bound[way.index])))


def violated(lp: LinearProgram, x: np.ndarray, conditions: Sequence[Condition]) -> list[tuple[float, int]]:
    """(how far, which) of the conditions that x does not meet, the furthest first."""
    activity = lp.matrix @ x
    off = [(min(slack(lp, x, activity, way) for way in pair), k) for k, pair in enumerate(conditions)]
    return sorted(((far, k) for far, k in off if far > TIGHT), key=lambda item: (-item[0], item[1]))


def satisfied(lp: LinearProgram, x: np.ndarray, conditions: Sequence[Condition]) -> LinearProgram:
    """The program with, of every condition, that way made tight which x meets best: equal plans cannot dodge there."""
    row_lower, col_upper = lp.row_lower.copy(), lp.col_upper.copy()
    for way in _ways(lp, x, conditions):
        if way.kind == "row":
            row_lower[way.index] = lp.row_upper[way.index]
        else:
            col_upper[way.index] = lp.col_lower[way.index]
    return replace(lp, row_lower=row_lower, col_upper=col_upper)


def search(
    session: Session,
    root: Answer,
    conditions: Sequence[Condition],
    solve: Callable[[], Answer],
    choose: Callable[[Answer], Answer],
    known: BranchResult | None = None,
    most: int = 2000,
    deadline: float | None = None,
    progress: Callable[..., None] | None = None,
) -> BranchResult:
    """Best-first search from the relaxation `root`; `solve` solves the session, `choose` makes an optimum the canonical one of its branch.

    Both may add rows that hold in every branch. known: a plan of some branch that was found before (`find_incumbent`). deadline:
    time.perf_counter() to stop at. The session's bounds are restored afterwards.
    """
    lp = session.lp
    sign = lp.sense
    order = itertools.count()
    best, best_lp = (None, None) if known is None else (known.answer, known.lp)
    closed: list[float] = []  # bounds of branches that are done, as minimised
    reasons: list[str] = []
    heap: list[tuple[float, int, tuple[tuple[int, int], ...]]] = [(sign * root.objective, next(order), ())]
    done = 0
    while heap:
        bound, _, fixed = heapq.heappop(heap)
        if best is not None and bound >= sign * best.objective - PRUNED_BEHIND * abs(best.objective):
            closed.append(bound)
            continue
        if done >= most or over(BRANCHING_SHARE) or (deadline is not None and time.perf_counter() > deadline):
            heapq.heappush(heap, (bound, next(order), fixed))
            break
        done += 1
        if progress is not None and done % 20 == 0:
            progress("branch", branches=done, open=len(heap))
        _fix(session, lp, conditions, fixed)
        answer = solve()
        here = session.lp
        if answer.status is Status.INFEASIBLE:
            if answer.ray is None or not verify_infeasible(here, answer.ray).verified:
                reasons.append("a branch is called infeasible without a proof that holds")
            continue
        if answer.status is not Status.OPTIMAL:
            heapq.heappush(heap, (bound, next(order), fixed))
            if answer.status is not Status.LIMIT:
                reasons.append(f"a branch ended {answer.status.value}")
            break
        proved = verify_optimal(here, answer.x, answer.y)
        if not proved.verified:
            reasons.extend(proved.reasons)
        value = sign * proved.dual_bound
        if best is not None and value >= sign * best.objective - PRUNED_BEHIND * abs(best.objective):
            closed.append(value)
            continue
        held = {k for k, _ in fixed}
        missed = _open(here, answer.x, conditions, held)
        if not missed:
            # among equal plans of this branch the canonical one, unless it dodges where the one at hand did not
            answer = choose(answer)
            here = session.lp
            missed = _open(here, answer.x, conditions, held)
        if not missed:
            best, best_lp = answer, here
            closed.append(value)
            continue
        for way in (0, 1):
            heapq.heappush(heap, (value, next(order), (*fixed, (missed[0], way))))
    bounds = closed + [bound for bound, _, _ in heap]
    _fix(session, lp, conditions, ())
    bound = sign * min(bounds) if bounds else float("nan")
    return BranchResult(best, best_lp, bound, done, not heap, tuple(dict.fromkeys(reasons)))


def find_incumbent(
    session: Session,
    root: Answer,
    conditions: Sequence[Condition],
    solve: Callable[[], Answer],
    choose: Callable[[Answer], Answer],
    prices: tuple[float, ...] = PRICES,
    brief: bool = False,
) -> BranchResult | None:
    """A branch near `root`, and no other: a plan that meets every condition, cheaply, with the relaxation's bound.

    Each condition goes the way that it is nearest to, but is not held to it at once: what it lacks is paid for. Where that way is barred
    the program says so, and the condition may turn out to be nearer to its other way the next time; what no price helps is sent there
    after the last one. A branch that lacks nothing is solved as it is. prices: tried in turn, in units of the objective per unit of the
    column or row. brief: as in `Session.solve`.

    complete where the plan is worth as much as the relaxation. None where nothing leads to a plan. The session's bounds and costs are
    restored afterwards.
    """
    lp = session.lp
    proved = verify_optimal(lp, root.x, root.y)
    x = root.x
    ways: list[Tight] = []
    for turn, price in enumerate((*prices, *prices[-1:] * REVERSALS)):
        if turn < len(prices):
            ways = _ways(session.lp, x, conditions)
        else:
            barred = set(_lacking(session.lp, x, ways))
            ways = [pair[pair[0] == way] if way in barred else way for pair, way in zip(conditions, ways, strict=True)]
        drawn = _drawn(session, ways, price, brief)
        if drawn.status is not Status.OPTIMAL:
            return None
        x = drawn.x
        if _lacking(session.lp, x, ways, NEARLY_TIGHT):
            continue
        _hold(session, lp, ways, set(ways))
        answer = solve()
        if answer.status is Status.OPTIMAL:
            answer = choose(answer)
        here = session.lp
        _hold(session, lp, ways, set())
        if answer.status is Status.OPTIMAL:
            return _incumbent(answer, here, proved)
        if answer.status is not Status.INFEASIBLE:
            return None
        # what `solve` has added bars this branch: dearer, and with what was learned
    return None


def penalty_dive(
    session: Session,
    root: Answer,
    conditions: Sequence[Condition],
    solve: Callable[[], Answer],
    choose: Callable[[Answer], Answer],
    price: float = PRICES[-1],
    brief: bool = False,
) -> BranchResult | None:
    """A branch found one condition after another, where `find_incumbent` fails because it decides on all of them at once.

    Of the conditions that the plan at hand dodges the furthest goes the way that it is nearest to, at a price; where that way is barred,
    the other way. The rest stay as they are until they are dodged in turn. As `find_incumbent` otherwise.
    """
    lp = session.lp
    proved = verify_optimal(lp, root.x, root.y)
    answer = root
    ways: dict[int, Tight] = {}
    while len(ways) < DIVE_DEPTH:
        missed = _open(session.lp, answer.x, conditions, ways)
        if missed:
            pair = conditions[missed[0]]
            activity = session.lp.matrix @ answer.x
            first = min(pair, key=lambda way: slack(session.lp, answer.x, activity, way))
            for way in (first, pair[pair[0] == first]):
                ways[missed[0]] = way
                answer = _drawn(session, list(ways.values()), price, brief)
                if answer.status is not Status.OPTIMAL:
                    return None
                if not _lacking(session.lp, answer.x, list(ways.values()), NEARLY_TIGHT):
                    break
            else:
                return None
            continue
        _hold(session, lp, list(ways.values()), set(ways.values()))
        answer = solve()
        if answer.status is Status.OPTIMAL and not _open(session.lp, answer.x, conditions, ways):
            answer = choose(answer)
        here = session.lp
        _hold(session, lp, list(ways.values()), set())
        if answer.status is not Status.OPTIMAL:
            return None
        if not _open(here, answer.x, conditions, ways):
            return _incumbent(answer, here, proved)
    return None


def _incumbent(answer: Answer, lp: LinearProgram, proved: Certificate) -> BranchResult:
    """A plan of one branch, under what is proved of the relaxation."""
    bound = proved.dual_bound
    return BranchResult(
        answer, lp, bound, 1, abs(bound - answer.objective) <= PRUNED_BEHIND * abs(answer.objective), proved.reasons
    )


def _open(lp: LinearProgram, x: np.ndarray, conditions: Sequence[Condition], held: Container[int]) -> list[int]:
    """The conditions that x dodges, the furthest first, but for those that are held: these are bounds, and how far a plan may be off
    them is the proof's business."""
    return [k for _, k in violated(lp, x, conditions) if k not in held]


def _lacking(lp: LinearProgram, x: np.ndarray, ways: Sequence[Tight], within: float = TIGHT) -> list[Tight]:
    """The ways that x is not at."""
    activity = lp.matrix @ x
    return [way for way in ways if slack(lp, x, activity, way) > within]


def _ways(lp: LinearProgram, x: np.ndarray, conditions: Sequence[Condition]) -> list[Tight]:
    """Of each condition the way that x meets best."""
    activity = lp.matrix @ x
    return [min(pair, key=lambda way: slack(lp, x, activity, way)) for pair in conditions]


def _drawn(session: Session, ways: Sequence[Tight], price: float, brief: bool) -> Answer:
    """The optimum of the session where each unit that a way lacks to its bound costs a price."""
    lp = session.lp
    cost = lp.cost.copy()
    unit = price * lp.cost_scale
    cost[[way.index for way in ways if way.kind == "column"]] += unit
    pull = np.zeros(len(lp.row_upper))
    pull[[way.index for way in ways if way.kind == "row"]] = unit
    session.set_costs(cost - lp.matrix.T @ pull)
    answer = session.solve(primal=True, brief=brief)
    session.set_costs(lp.cost)
    return answer


def _fix(session: Session, lp: LinearProgram, conditions: Sequence[Condition], fixed: tuple[tuple[int, int], ...]) -> None:
    """The bounds of `lp` for every condition, with the chosen ways made tight."""
    _hold(session, lp, [way for pair in conditions for way in pair], {conditions[k][way] for k, way in fixed})


def _hold(session: Session, lp: LinearProgram, ways: Sequence[Tight], chosen: set[Tight]) -> None:
    """The bounds of `lp` for every one of the ways, with the chosen ones made tight."""
    ways = sorted(set(ways), key=lambda w: (w.kind, w.index))
    rows = np.array([w.index for w in ways if w.kind == "row"], dtype=np.int64)
    columns = np.array([w.index for w in ways if w.kind == "column"], dtype=np.int64)
    tight_rows = np.array([w in chosen for w in ways if w.kind == "row"], dtype=bool)
    tight_columns = np.array([w in chosen for w in ways if w.kind == "column"], dtype=bool)
    session.set_row_bounds(rows, np.where(tight_rows, lp.row_upper[rows], lp.row_lower[rows]), lp.row_upper[rows])
    session.set_column_bounds(
        columns, lp.col_lower[columns], np.where(tight_columns, lp.col_lower[columns], lp.col_upper[columns])
    )
