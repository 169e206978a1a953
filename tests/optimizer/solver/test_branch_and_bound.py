"""Either-or conditions: the best branch against all branches, each solved by another program; and the nearest one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import optimize, sparse

from models.problem import Array
from optimizer.solver import branch_and_bound
from optimizer.solver.branch_and_bound import BranchResult, Condition, Tight, find_incumbent, penalty_dive, search, violated
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Answer, Session, SolverOptions, Status

SEEDS = range(60)


@dataclass(frozen=True)
class Made:
    """min cost @ x,  matrix @ x <= upper,  0 <= x <= most; of each pair of ways one must be tight."""

    cost: Array
    matrix: Array
    upper: Array
    most: Array
    conditions: list[Condition]

    @property
    def lp(self) -> LinearProgram:
        return LinearProgram(
            cost=1e3 * self.cost,
            offset=0.0,
            matrix=sparse.csc_array(self.matrix),
            row_lower=np.full(len(self.upper), -np.inf),
            row_upper=self.upper,
            col_lower=np.zeros(len(self.cost)),
            col_upper=self.most,
            cost_scale=1e3,
        )

    def branches(self) -> list[float]:
        """The optimum of every branch that has a plan, by scipy."""
        out = []
        for ways in itertools.product(*self.conditions):
            rows = [way.index for way in ways if way.kind == "row"]
            most = self.most.copy()
            most[[way.index for way in ways if way.kind == "column"]] = 0.0
            equal = (self.matrix[rows], self.upper[rows]) if rows else (None, None)
            found = optimize.linprog(self.cost, self.matrix, self.upper, *equal, bounds=list(zip(0.0 * most, most, strict=True)))
            if found.status == 0:
                out.append(float(found.fun))
        return out


def made(seed: int) -> Made:
    """Five conditions over ten columns and five rows: two of columns, two of a row and a column, one of two rows."""
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random((8, 10)) < 0.6, rng.normal(size=(8, 10)), 0.0)
    upper = matrix @ rng.uniform(0.0, 2.0, 10) + rng.uniform(0.0, 0.3, 8)
    column, row = [Tight("column", j) for j in range(10)], [Tight("row", i) for i in range(8)]
    pairs = [(column[0], column[1]), (column[2], column[3]), (row[0], column[4]), (row[1], column[5]), (row[2], row[3])]
    return Made(rng.normal(size=10), matrix, upper, np.full(10, 4.0), pairs)


def same(answer: Answer) -> Answer:
    return answer


def opened(problem: Made, method: str = "simplex") -> tuple[Session, Answer]:
    session = Session(SolverOptions(method=method))
    session.load(problem.lp)
    return session, session.solve()


def near(problem: Made, way: Callable[..., BranchResult | None] = find_incumbent) -> tuple[Session, Answer, BranchResult | None]:
    session, root = opened(problem)
    before = session.lp
    found = way(session, root, problem.conditions, session.solve, same)
    for name in ("cost", "row_lower", "row_upper", "col_lower", "col_upper"):
        assert np.array_equal(getattr(session.lp, name), getattr(before, name)), name
    return session, root, found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_branch_is_the_best_of_all_branches(seed: int) -> None:
    problem = made(seed)
    every = problem.branches()
    session, root, known = near(problem)
    for begin in (None, known):
        found = search(session, root, problem.conditions, session.solve, same, begin)
        assert found.complete and not found.reasons
        assert (found.answer is None) == (not every)
        if found.answer is not None:
            assert found.answer.objective == pytest.approx(min(every), rel=1e-9, abs=1e-9)
            assert found.bound == pytest.approx(min(every), rel=1e-9, abs=1e-9)
            assert not violated(problem.lp, found.answer.x, problem.conditions)


@pytest.mark.parametrize("way", [find_incumbent, penalty_dive])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_near_branch_meets_every_condition_and_lies_between_the_bounds(
    seed: int, way: Callable[..., BranchResult | None]
) -> None:
    problem = made(seed)
    every = problem.branches()
    _, root, found = near(problem, way)
    if found is None:
        return
    assert found.answer is not None and found.answer.status is Status.OPTIMAL
    lp, x = problem.lp, found.answer.x
    assert not violated(lp, x, problem.conditions)
    activity = lp.matrix @ x
    assert (activity <= lp.row_upper + 1e-9).all() and (x >= -1e-9).all() and (x <= lp.col_upper + 1e-9).all()
    assert min(every) - 1e-9 <= found.answer.objective
    if way is find_incumbent:  # the optimum of its branch; a dive leaves open what nobody dodges
        assert any(found.answer.objective == pytest.approx(one, rel=1e-9, abs=1e-9) for one in every)
    assert found.bound == pytest.approx(root.objective, rel=1e-9) and found.bound <= min(every) + 1e-9
    assert found.complete == (abs(found.bound - found.answer.objective) <= 1e-9 * abs(found.answer.objective))


def test_a_near_branch_is_found_where_there_is_one() -> None:
    there = [bool(made(seed).branches()) for seed in SEEDS]
    found = [near(made(seed))[2] is not None for seed in SEEDS]
    assert not any(f and not t for f, t in zip(found, there, strict=True))
    assert sum(found) >= 0.9 * sum(there) and sum(there) > 40
    # more than what the ways that the relaxation is nearest to come to by themselves
    alone = 0
    for seed in SEEDS:
        session, root = opened(made(seed))
        session.load(branch_and_bound.satisfied(made(seed).lp, root.x, made(seed).conditions))
        alone += session.solve().status is Status.OPTIMAL
    assert alone < sum(found)


def test_one_condition_after_another_finds_branches_that_all_at_once_does_not() -> None:
    at_once, dived = ([near(made(seed), way)[2] is not None for seed in range(300)] for way in (find_incumbent, penalty_dive))
    assert sum(dived) >= 0.85 * sum(at_once)
    assert sum(a or d for a, d in zip(at_once, dived, strict=True)) >= sum(at_once) + 5
    assert not any(near(made(seed), penalty_dive)[2] for seed in SEEDS if not made(seed).branches())


def test_what_is_held_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan may be off a bound that is held by what the solver's tolerance leaves: to branch on it once more would go on for ever."""
    monkeypatch.setattr(branch_and_bound, "TIGHT", -1.0)
    monkeypatch.setattr(branch_and_bound, "NEARLY_TIGHT", 1e-7)
    dived = 0
    for problem in map(made, range(20)):
        every = problem.branches()
        session, root = opened(problem)
        found = search(session, root, problem.conditions, session.solve, same)
        assert found.complete and (found.answer is not None) == bool(every)
        assert found.answer is None or found.answer.objective == pytest.approx(min(every), rel=1e-9)
        way = near(problem, penalty_dive)[2]
        if way is not None and way.answer is not None:
            dived += 1
            assert any(way.answer.objective == pytest.approx(one, rel=1e-9) for one in every)
    assert dived > 5


def test_a_way_that_is_barred_is_left() -> None:
    """a + b = 1, b <= 0.9: a = 0 is nearest to the relaxation (0.4, 0.6), yet only b = 0 is a plan, and no price says so."""
    problem = Made(
        cost=np.array([0.0, 0.0, 1.0]),
        matrix=np.array([[1.0, 1.0, 0.0], [-1.0, -1.0, 0.0], [1.0, 0.0, -1.0], [-1.0, 0.0, -1.0]]),
        upper=np.array([1.0, -1.0, 0.4, -0.4]),  # the last column is |a - 0.4|
        most=np.array([4.0, 0.9, 4.0]),
        conditions=[(Tight("column", 0), Tight("column", 1))],
    )
    session, root = opened(problem)
    assert root.x[:2] == pytest.approx([0.4, 0.6])
    found = find_incumbent(session, root, problem.conditions, session.solve, same)
    assert found is not None and found.answer is not None
    assert found.answer.x == pytest.approx([1.0, 0.0, 0.6])
    assert found.bound == pytest.approx(0.0) and not found.complete


def test_nothing_is_near_where_no_branch_has_a_plan() -> None:
    problem = Made(
        cost=np.array([1.0, 1.0]),
        matrix=np.array([[1.0, 1.0], [-1.0, -1.0]]),
        upper=np.array([1.0, -1.0]),
        most=np.array([0.9, 0.9]),
        conditions=[(Tight("column", 0), Tight("column", 1))],
    )
    assert problem.branches() == []
    session, root, found = near(problem)
    assert found is None
    assert search(session, root, problem.conditions, session.solve, same).answer is None


def test_rows_that_come_while_a_branch_is_solved_bar_it() -> None:
    """What is added holds in every branch: the branch at hand may turn out to have no plan, and another is gone to."""
    problem = Made(
        cost=np.array([-1.0, -1.2]),
        matrix=np.array([[1.0, 1.0]]),
        upper=np.array([1.5]),
        most=np.array([1.0, 1.0]),
        conditions=[(Tight("column", 0), Tight("column", 1))],
    )
    session, root = opened(problem)
    added = 0

    def solve() -> Answer:
        nonlocal added
        answer = session.solve()
        if answer.status is Status.OPTIMAL and answer.x[0] < 0.3:
            added += 1
            session.add_rows(np.array([0.3]), np.array([np.inf]), sparse.csr_array(np.array([[1.0, 0.0]])))
            answer = session.solve()
        return answer

    found = find_incumbent(session, root, problem.conditions, solve, same)
    assert added == 1
    assert found is not None and found.answer is not None
    assert found.answer.x == pytest.approx([1.0, 0.0])
    assert found.lp is not None and found.lp.matrix.shape[0] == 2
