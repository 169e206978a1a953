"""One plan, whatever path the solver took."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import scipy.sparse as sparse

from optimizer.solver.canonical import canonical, fixed_order, toward_bounds
from optimizer.solver.certificates import verify_optimal
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Session, SolverOptions, Status, solve

INF = math.inf
PATHS = [
    SolverOptions(method=method, presolve=presolve, seed=seed)
    for method, presolve, seed in itertools.product(("simplex", "ipm"), (True, False), (0, 1, 2))
]


def tied_program(seed: int) -> LinearProgram:
    """Assign 6 demands to 8 sites with few distinct costs: many equal optima, most of them degenerate.

    Columns 0-47: flow from site to demand, at a cost of 1 or 2; 48-55: capacity built, at a cost of 1, in a range.
    """
    rng = np.random.default_rng(seed)
    sites, demands = 8, 6
    flows = sites * demands
    serve = sparse.hstack([sparse.kron(np.ones((1, sites)), sparse.eye_array(demands)), sparse.csc_array((6, sites))])
    limit = sparse.hstack([sparse.kron(sparse.eye_array(sites), np.ones((1, demands))), -sparse.eye_array(sites)])
    cost = np.concatenate([rng.integers(1, 3, flows), np.ones(sites)])
    need = rng.integers(1, 4, demands).astype(float)
    return LinearProgram(
        cost=cost,
        offset=10.0,
        matrix=sparse.csc_array(sparse.vstack([serve, limit], format="csc")),
        row_lower=np.concatenate([need, np.full(sites, -INF)]),
        row_upper=np.concatenate([need, np.zeros(sites)]),
        col_lower=np.zeros(flows + sites),
        col_upper=np.concatenate([np.full(flows, INF), np.full(sites, 4.0)]),
    )


def levels_of(lp: LinearProgram) -> list[np.ndarray]:
    """First the least built at the first four sites, then a fixed order."""
    first = np.zeros(len(lp.cost))
    first[48:52] = 1.0
    return [first, toward_bounds(lp, fixed_order(len(lp.cost)))]


def run(lp, levels, options=None):
    session = Session(options)
    session.load(lp)
    answer = session.solve()
    assert answer.status is Status.OPTIMAL
    return session, answer, canonical(session, lp, answer, levels)


def permuted(lp: LinearProgram, columns: np.ndarray, rows: np.ndarray) -> LinearProgram:
    return dataclasses.replace(
        lp,
        cost=lp.cost[columns],
        matrix=sparse.csc_array(lp.matrix[:, columns].tocsr()[rows]),
        row_lower=lp.row_lower[rows],
        row_upper=lp.row_upper[rows],
        col_lower=lp.col_lower[columns],
        col_upper=lp.col_upper[columns],
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_same_plan_on_every_path(seed):
    lp = tied_program(seed)
    levels = levels_of(lp)
    raw, chosen = [], []
    for options in PATHS:
        _, answer, plan = run(lp, levels, options)
        assert plan.message == ""
        raw.append(answer.x)
        chosen.append(plan.x)
    for k in range(5):
        rng = np.random.default_rng(k)
        columns, rows = rng.permutation(len(lp.cost)), rng.permutation(len(lp.row_lower))
        _, answer, plan = run(permuted(lp, columns, rows), [level[columns] for level in levels])
        for collected, x in ((raw, answer.x), (chosen, plan.x)):
            back = np.empty_like(x)
            back[columns] = x
            collected.append(back)
    assert max(np.abs(x - raw[0]).max() for x in raw) > 0.5, "there were no ties to break"
    assert max(np.abs(x - chosen[0]).max() for x in chosen) < 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_lexicographic_optimum(seed):
    """Against the textbook way: each level with the one before held by a row."""
    lp = tied_program(seed)
    first, second = levels_of(lp)
    _, answer, plan = run(lp, [first, second])
    session = Session()
    session.load(lp)
    cost, best = lp.cost, float(lp.cost @ answer.x)
    for level in (first, second):
        session.add_rows([-INF], [best], sparse.csr_array(cost[None, :]))
        session.set_costs(level)
        cost, best = level, float(level @ session.solve().x)
        assert float(level @ plan.x) == pytest.approx(best, abs=1e-7)


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e6])
def test_duals_and_objective_stay_and_the_new_plan_is_proved_with_them(scale):
    lp = dataclasses.replace(tied_program(1), cost=tied_program(1).cost * scale, cost_scale=1.0 / scale)
    session, answer, plan = run(lp, levels_of(lp))
    assert plan.objective == answer.objective
    assert (plan.y == answer.y).all() and (plan.d == answer.d).all()
    certificate = verify_optimal(lp, plan.x, plan.y)
    assert certificate.verified and certificate.gap < 1e-12
    assert (plan.x != answer.x).any()
    # The session is as before: same program, same optimum, from the same basis.
    for part in ("cost", "row_lower", "row_upper", "col_lower", "col_upper"):
        np.testing.assert_array_equal(getattr(session.lp, part), getattr(lp, part))
    again = session.solve()
    assert again.iterations == 0
    np.testing.assert_array_equal(again.x, answer.x)


def test_a_small_price_is_a_price():
    """Two columns that differ by 1e-5 of their cost are not equal: the levels must not swap them."""
    lp = LinearProgram(
        cost=np.array([1.0 + 1e-5, 1.0, 1.0]),
        offset=0.0,
        matrix=sparse.csc_array(np.ones((1, 3))),
        row_lower=np.array([1.0]),
        row_upper=np.array([INF]),
        col_lower=np.zeros(3),
        col_upper=np.ones(3),
    )
    _, _, plan = run(lp, [np.array([0.0, 1.0, 1.0])])  # the level would love the first column
    assert plan.x[0] == 0.0 and plan.message == ""
    _, _, plan = run(lp, [np.array([0.0, 1.0, 0.5])])
    np.testing.assert_allclose(plan.x, [0.0, 0.0, 1.0], atol=1e-12)


def test_small_money_columns_beside_large_ones():
    """Hourly margins of 1e-6 beside a build cost of 1e3, tied only where they are equal."""
    margin = np.array([1e-6, 1e-6, 2e-6, -1e-6])
    lp = LinearProgram(
        cost=np.concatenate([[1e3], -margin]) * 1e4,
        offset=0.0,
        matrix=sparse.csc_array(np.array([[1.0, 0, 0, 0, 0], [0, 1, 1, 1, 1]])),
        row_lower=np.array([2.0, -INF]),
        row_upper=np.array([INF, 2.0]),
        col_lower=np.zeros(5),
        col_upper=np.array([5.0, 1.0, 1.0, 1.0, 1.0]),
        cost_scale=1e4,
    )
    for weights, expected in (([1, 1, 2, 1, 1], [2, 1, 0, 1, 0]), ([1, 2, 1, 9, 1], [2, 0, 1, 1, 0])):
        _, _, plan = run(lp, [np.array(weights, dtype=float)])
        np.testing.assert_allclose(plan.x, expected, atol=1e-9)


def test_a_unique_optimum_stays():
    lp = dataclasses.replace(tied_program(0), cost=fixed_order(56) ** 2)
    _, answer, plan = run(lp, levels_of(lp))
    np.testing.assert_allclose(plan.x, answer.x, atol=1e-9)


def free_program() -> LinearProgram:
    """min a + b with a + b = 1 + c - c2 tied, and z free with no cost and no row: an unbounded face."""
    return LinearProgram(
        cost=np.array([1.0, 1.0, 0.0, 0.0]),
        offset=0.0,
        matrix=sparse.csc_array(np.array([[1.0, 1.0, 0.0, 1.0]])),
        row_lower=np.array([1.0]),
        row_upper=np.array([1.0]),
        col_lower=np.array([0.0, 0.0, -INF, -INF]),
        col_upper=np.array([INF, INF, INF, 0.0]),
    )


def test_an_unbounded_level_is_left_out_and_said():
    lp = free_program()
    _, answer, plan = run(lp, [np.array([0.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0])])
    assert "Level 1" in plan.message and "unbounded" in plan.message
    assert plan.x[0] == pytest.approx(1.0) and plan.x[1] == 0.0  # the second level still counts
    _, _, plan = run(lp, [toward_bounds(lp, fixed_order(4))])
    assert plan.message == ""
    assert verify_optimal(lp, plan.x, answer.y).verified


def test_a_plan_that_fails_its_check_is_not_returned():
    lp = tied_program(2)
    session = Session()
    session.load(lp)
    answer = session.solve()
    wrong = dataclasses.replace(answer, y=2 * answer.y)  # not the duals: the face is no face
    plan = canonical(session, lp, wrong, levels_of(lp))
    assert (plan.x == answer.x).all()
    assert "failed its check" in plan.message
    assert session.solve().iterations == 0


def test_only_an_optimum_has_a_canonical_form_and_only_of_the_session():
    lp = tied_program(0)
    impossible = dataclasses.replace(lp, col_upper=np.zeros(56))
    answer = solve(impossible)
    assert canonical(Session(), impossible, answer, []) is answer
    session = Session()
    session.load(lp)
    answer = session.solve()
    session.add_rows([-INF], [1e6], sparse.csr_array(np.ones((1, 56))))
    with pytest.raises(ValueError, match="session"):
        canonical(session, lp, answer, levels_of(lp))


def test_cuts_take_part():
    lp = tied_program(3)
    session = Session()
    session.load(lp)
    session.solve()
    session.add_rows([-INF], [1.0], sparse.csr_array((np.ones(1), ([0], [50])), shape=(1, 56)))
    plan = canonical(session, session.lp, session.solve(), levels_of(lp))
    assert plan.x[50] <= 1.0 + 1e-9
    assert verify_optimal(session.lp, plan.x, plan.y).verified


def test_a_face_too_wide_is_noticed():
    """At a huge tolerance no price counts and the levels roam; the check of the objective is what catches it."""
    lp = dataclasses.replace(tied_program(0), cost=tied_program(0).cost + 1e-3 * fixed_order(56))
    session = Session()
    session.load(lp)
    answer = session.solve()
    plan = canonical(session, lp, answer, [lp.cost * -1.0, fixed_order(56)], tolerance=1e5)
    assert (plan.x == answer.x).all() and "objective off" in plan.message
    rescued = canonical(session, lp, answer, [lp.cost * -1.0, fixed_order(56)], tolerance=1e2)  # the second try, at 0.1, holds
    assert rescued.message == "" and lp.objective(rescued.x) == pytest.approx(answer.objective, rel=1e-9)


def test_fixed_order_is_generic():
    weights = fixed_order(20_000)
    assert (weights >= 1).all() and (weights < 2).all()
    assert len(np.unique(weights)) == 20_000
    np.testing.assert_array_equal(fixed_order(10), weights[:10])
    assert weights[0] == 1.0 + (0xE220A8397B1DCDAF >> 11) / 2**53  # splitmix64's first output for seed 0
    grid = weights[:10_000].reshape(100, 100)  # exchanges on a grid do not cancel
    assert np.abs(grid[:-1, :-1] - grid[:-1, 1:] - grid[1:, :-1] + grid[1:, 1:]).min() > 1e-6
