"""Plan and duals of a basis to the last digit: what rounding left of them does not stand in the way of a proof."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sparse

from optimizer.case.case import Case
from optimizer.engine.solve import solve
from optimizer.engine.values import Outcome
from optimizer.solver.certificates import relative_residual, verify_optimal
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.refine import refined_duals, refined_plan
from optimizer.solver.session import Session, SolverOptions
from tests.shared.places import ROOT

CASES = ROOT / "cases"


def transport(count: int = 30) -> LinearProgram:
    """Free levels in a chain, what each brings bounded by one: max sum of what is taken, level[k] = 0.9 level[k-1] + brought - taken."""
    rng = np.random.default_rng(3)
    level, eye = sparse.eye_array(count) - 0.9 * sparse.eye_array(count, k=-1), sparse.eye_array(count)
    cost = np.concatenate([np.zeros(count), rng.uniform(0.5, 1.0, count), -rng.uniform(0.0, 2.0, count)])
    return LinearProgram(
        cost=cost,
        offset=0.0,
        matrix=sparse.csc_array(sparse.vstack([sparse.hstack([level, -eye, eye]), sparse.hstack([-eye, 0 * eye, 0 * eye])])),
        row_lower=np.concatenate([np.zeros(count), np.full(count, -np.inf)]),
        row_upper=np.concatenate([np.zeros(count), np.full(count, 1.0)]),
        col_lower=np.concatenate([np.full(count, -np.inf), np.zeros(2 * count)]),
        col_upper=np.concatenate([np.full(count, np.inf), np.ones(2 * count)]),
    )


@pytest.mark.parametrize("cost_scale", [1.0, 1e3])
def test_duals_that_are_a_little_off_prove_nothing_until_they_are_solved_again(cost_scale: float) -> None:
    lp = transport()
    lp = dataclasses.replace(lp, cost=lp.cost * cost_scale, cost_scale=cost_scale)
    session = Session(SolverOptions())
    session.load(lp)
    answer = session.solve()
    off = answer.y * (1.0 + 1e-8 * np.sin(np.arange(len(answer.y))))
    assert not verify_optimal(lp, answer.x, off).verified
    session.last = dataclasses.replace(answer, y=off)
    again = session.refined(session.last)
    assert verify_optimal(lp, again.x, again.y).gap < 1e-14
    assert np.allclose(again.y, answer.y, rtol=0.0, atol=1e-12)
    assert again is session.last and (again.x == answer.x).all()


def test_what_has_no_basis_here_is_left_as_it_is() -> None:
    session = Session(SolverOptions())
    session.load(transport())
    answer = session.solve()
    other = dataclasses.replace(answer, y=answer.y + 1.0)
    assert session.refined(other) is other  # not the last answer of the session
    session.forget_basis()
    assert session.refined(answer) is answer


def test_a_singular_or_crooked_basis_changes_nothing_but_rows_whose_slack_is_basic() -> None:
    lp = transport(2)
    y = np.array([1.0, 2.0, 3.0, 4.0])
    none, slack = np.zeros(6, dtype=bool), np.array([False, False, True, True])
    assert (refined_duals(lp, y, none, slack) == [1.0, 2.0, 0.0, 0.0]).all()
    twins = none.copy()
    twins[[2, 4]] = True  # what is brought and what is taken in the same period: dependent columns
    assert (refined_duals(lp, y, twins, slack) == [1.0, 2.0, 0.0, 0.0]).all()


@pytest.mark.parametrize(
    "settings",
    [
        ["objective.terminal.halls=50 %"],  # 1.25e-6 of the objective was left by duals that missed by 7e-9
        ["financing.convertible.conversion_premium=0 %", "financing.convertible.capped_call=null"],  # 7e-8, or 1.05e-7
    ],
)
def test_a_case_whose_basis_is_badly_conditioned_is_proved(settings: list[str]) -> None:
    found = solve(Case.load(CASES / "iren.yaml", settings=settings), baseline=False, canonical=False)
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    assert found.gap is not None and found.gap < 1e-10


def rolling(count: int = 40) -> LinearProgram:
    """Levels that grow fivefold from row to row, so that one digit lost at the first is eleven lost at the last; each may be drained."""
    level = sparse.eye_array(count) - 5.0 * sparse.eye_array(count, k=-1)
    start = np.zeros(count)
    start[0] = 1.0 / 3.0
    return LinearProgram(
        cost=np.concatenate([np.full(count, 1.0), np.linspace(1.0, 2.0, count)]),
        offset=0.0,
        matrix=sparse.csc_array(sparse.hstack([level, sparse.eye_array(count)])),
        row_lower=start,
        row_upper=start,
        col_lower=np.concatenate([np.full(count, 0.1), np.zeros(count)]),
        col_upper=np.full(2 * count, np.inf),
    )


def test_a_plan_that_misses_its_rows_is_solved_again_from_its_basis() -> None:
    lp = rolling()
    session = Session(SolverOptions())
    session.load(lp)
    answer = session.solve()
    off = dataclasses.replace(answer, x=answer.x * (1.0 + 1e-6 * np.sin(np.arange(len(answer.x)))))
    assert not verify_optimal(lp, off.x, off.y).verified
    session.last = off
    again = session.polished(off, 1e-9)
    assert verify_optimal(lp, again.x, again.y).verified
    assert relative_residual(lp, again.x) < 1e-14
    assert again is session.last and again.objective == pytest.approx(answer.objective, rel=1e-12)
    assert session.solve().iterations == 0  # the basis is the same


def test_a_basis_that_misses_a_bound_is_left_for_one_that_does_not() -> None:
    """Bounds of 1e-7 beside columns of a million: what the tolerance of the solver calls met is not."""
    lp = LinearProgram(
        cost=np.array([1.0, 1.5]),
        offset=0.0,
        matrix=sparse.csc_array(np.array([[1.0, 1.0]])),
        row_lower=np.array([1.0]),
        row_upper=np.array([np.inf]),
        col_lower=np.zeros(2),
        col_upper=np.array([1.0 - 5e-6, np.inf]),
    )
    session = Session(SolverOptions(primal_tolerance=1e-5))
    session.load(lp)
    session.set_column_bounds([0], [0.0], [2.0])
    session.solve()
    session.set_column_bounds([0], [0.0], [1.0 - 5e-6])
    answer = session.solve()
    assert relative_residual(lp, answer.x) > 1e-7  # met, says the solver
    again = session.polished(answer, 1e-9)
    assert again.x == pytest.approx([1.0 - 5e-6, 5e-6], abs=1e-12)
    assert verify_optimal(lp, again.x, again.y).verified
    assert (session.lp.col_upper == lp.col_upper).all() and (session.lp.row_lower == lp.row_lower).all()


def test_what_cannot_be_polished_is_left_as_it_is() -> None:
    session = Session(SolverOptions())
    session.load(rolling())
    answer = session.solve()
    other = dataclasses.replace(answer)
    assert session.polished(other, 1e-9) is other  # not the last answer of the session
    session.forget_basis()
    assert session.polished(answer, 1e-9) is answer


def test_a_singular_basis_leaves_the_plan_but_for_columns_at_their_bounds() -> None:
    lp, x = transport(2), np.arange(6.0)
    at = np.array([np.nan, 0.5, np.nan, 0.5, np.nan, 0.5])
    rows = np.array([0.0, np.nan, np.nan, np.nan])
    assert (refined_plan(lp, x, at, rows) == [0.0, 0.5, 2.0, 0.5, 4.0, 0.5]).all()  # not square
    rows = np.array([0.0, np.nan, np.nan, 1.0])
    at = np.array([0.5, 0.5, np.nan, 0.5, np.nan, 0.5])  # brought and taken in the same period
    assert (refined_plan(lp, x, at, rows) == [0.5, 0.5, 2.0, 0.5, 4.0, 0.5]).all()
