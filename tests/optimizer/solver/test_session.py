"""The adapter against another solver, against bad numbers, and in every status it can report."""

import dataclasses
import math

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from optimizer.solver.certificates import verify_infeasible, verify_optimal, verify_unbounded
from optimizer.solver.compile import compile_model, load_into_model, suggest_cost_scale
from optimizer.solver.linear_program import LinearProgram, SolverError, SolverInputError
from optimizer.solver.session import Session, SolverOptions, Status, solve

INF = math.inf
ALL_OPTIONS = [
    SolverOptions(method=method, presolve=presolve, seed=seed)
    for method in ("simplex", "ipm")
    for presolve in (True, False)
    for seed in (0, 1, 2)
]


def program(cost, rows, row_lower, row_upper, col_lower, col_upper, **more):
    matrix = sparse.csc_array(np.array(rows, dtype=float).reshape(len(row_lower), len(cost)))
    arrays = [np.array(a, dtype=float) for a in (row_lower, row_upper, col_lower, col_upper)]
    return LinearProgram(np.array(cost, dtype=float), more.pop("offset", 0.0), matrix, *arrays, **more)


def random_program(seed: int, free_share: float = 0.2) -> LinearProgram:
    """Small, degenerate on purpose: integer data, all row kinds, some columns without one or both bounds."""
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 9), rng.integers(1, 9)
    matrix = rng.integers(-3, 4, (m, n)) * (rng.random((m, n)) < 0.6)
    middle = rng.integers(-5, 6, m).astype(float)
    kind = rng.integers(0, 4, m)  # equality, <=, >=, range
    row_lower = np.where(kind == 1, -INF, middle)
    row_upper = np.where(kind == 2, INF, middle + np.where(kind == 3, 4.0, 0.0))
    col_lower = np.where(rng.random(n) < free_share, -INF, rng.integers(-2, 1, n))
    col_upper = np.where(rng.random(n) < 0.4, INF, rng.integers(1, 6, n))
    return program(rng.integers(-4, 5, n), matrix, row_lower, row_upper, col_lower, col_upper)


def by_scipy(lp: LinearProgram):
    a, lower, upper = lp.matrix.toarray(), lp.row_lower, lp.row_upper
    has_lower, has_upper = np.isfinite(lower), np.isfinite(upper)
    return linprog(
        lp.cost,
        A_ub=np.vstack([a[has_upper], -a[has_lower]]),
        b_ub=np.concatenate([upper[has_upper], -lower[has_lower]]),
        bounds=np.column_stack([lp.col_lower, lp.col_upper]),
        method="highs",
        options={"presolve": False},
    )


@settings(max_examples=120, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_same_as_scipy_and_always_with_a_proof(seed):
    lp = random_program(seed)
    answer, other = solve(lp), by_scipy(lp)
    if answer.status is Status.OPTIMAL:
        assert other.status == 0
        assert answer.objective == pytest.approx(other.fun, rel=1e-8, abs=1e-8)
        assert verify_optimal(lp, answer.x, answer.y).verified
        np.testing.assert_allclose(answer.d, lp.cost - lp.matrix.T @ answer.y, atol=1e-12)
    elif answer.status is Status.INFEASIBLE:
        assert other.status in (2, 4)
        assert verify_infeasible(lp, answer.ray).verified
    else:
        assert answer.status is Status.UNBOUNDED and other.status in (3, 4)
        assert verify_unbounded(lp, answer.x, answer.ray).verified


def test_the_random_programs_reach_every_status():
    found = {solve(random_program(seed)).status for seed in range(80)}
    assert found == {Status.OPTIMAL, Status.INFEASIBLE, Status.UNBOUNDED}


@pytest.mark.parametrize("options", ALL_OPTIONS, ids=lambda o: f"{o.method}-{o.presolve}-{o.seed}")
def test_every_option_gives_the_same_verdict(options):
    for seed in range(25):
        lp = random_program(seed)
        answer, reference = solve(lp, options), solve(lp)
        assert answer.status is reference.status
        if answer.status is Status.OPTIMAL:
            assert answer.objective == pytest.approx(reference.objective, rel=1e-9, abs=1e-9)
            assert verify_optimal(lp, answer.x, answer.y).verified
        elif answer.status is Status.INFEASIBLE:
            assert verify_infeasible(lp, answer.ray).verified
        else:
            assert verify_unbounded(lp, answer.x, answer.ray).verified


# ------------------------------------------------------------------------------------------------------- compiling


def farm(sense=pyo.minimize):
    """Range row, fixed variable, constants in rows and objective, a variable that no row mentions."""
    m = pyo.ConcreteModel()
    m.acres = pyo.Var(["wheat", "corn"], bounds=(0, 10))
    m.lease = pyo.Var(bounds=(-4, None))
    m.fixed = pyo.Var(initialize=2.0)
    m.fixed.fix()
    m.idle = pyo.Var(bounds=(3, 9))
    m.span = pyo.Constraint(expr=(1, m.acres["wheat"] + m.acres["corn"] + 1, 7))
    m.least = pyo.Constraint(expr=m.acres["wheat"] - m.lease + m.fixed >= 3)
    worth = 2 * m.acres["wheat"] + m.acres["corn"] + 5 * m.fixed + m.lease + 7
    m.money = pyo.Objective(expr=worth if sense == pyo.minimize else -worth, sense=sense)
    return m


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_a_model_goes_in_and_its_own_objective_comes_out(sense, scale):
    model = farm(sense)
    lp = compile_model(model, cost_scale=scale)
    assert [row.name for row in lp.rows] == ["span", "least"]
    assert (lp.row_lower[0], lp.row_upper[0]) == (0.0, 6.0)
    assert {v.name for v in lp.columns} == {"acres[wheat]", "acres[corn]", "lease", "idle"}
    answer = solve(lp)
    load_into_model(lp, answer)
    assert answer.status is Status.OPTIMAL
    assert answer.objective == pytest.approx(pyo.value(model.money), rel=1e-12)
    # Best: no acres, lease at its floor of -4, so 10 + 7 - 4.
    assert answer.objective == pytest.approx(13.0 if sense == pyo.minimize else -13.0)
    assert 3 <= model.idle.value <= 9 and not model.idle.stale
    assert model.fixed.value == 2.0
    certificate = verify_optimal(lp, answer.x, answer.y)
    assert certificate.verified
    assert certificate.dual_bound == pytest.approx(answer.objective)


def test_duals_are_prices_in_money_whatever_the_scale():
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 8))
    m.need = pyo.Constraint(expr=m.x >= 3)
    m.money = pyo.Objective(expr=2 * m.x)
    for scale in (1.0, 1e4):
        answer = solve(compile_model(m, cost_scale=scale))
        assert answer.y == pytest.approx([2.0])
        assert answer.d == pytest.approx([0.0])
    m.money.sense = pyo.maximize
    m.need.set_value(m.x <= 3)
    lp = compile_model(m, cost_scale=10.0)
    assert lp.sense * solve(lp).y == pytest.approx([2.0])  # one more allowed: two more earned


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda m: m.rows.add(math.nan * m.x[1] + m.x[2] >= 1), ["rows[1]", "x[1]", "nan"]),
        (lambda m: m.rows.add(m.p * m.x[1] + m.x[2] >= 1), ["rows[1]", "x[1]", "nan"]),
        (lambda m: m.rows.add(INF * m.x[1] + m.x[2] >= 1), ["rows[1]", "x[1]", "inf"]),
        (lambda m: m.rows.add(m.x[1] + m.x[2] >= math.nan), ["rows[1]", "nan"]),
        (lambda m: m.rows.add(m.x[1] + m.x[2] + math.nan <= 1), ["rows[1]", "nan"]),
        (lambda m: m.rows.add(m.x[1] + m.x[2] >= INF), ["rows[1]", "inf"]),
        (lambda m: m.rows.add(m.x[1] * m.x[2] >= 1), ["rows[1]", "nonlinear"]),
        (lambda m: m.x[2].setub(math.nan), ["x[2]", "nan"]),
        (lambda m: setattr(m.money, "expr", math.nan * m.x[2]), ["objective", "x[2]", "nan"]),
        (lambda m: setattr(m.x[1], "domain", pyo.Integers), ["x[1]", "Integers"]),
        (lambda m: m.add_component("more", pyo.Objective(expr=m.x[1])), ["2 active objectives", "money", "more"]),
    ],
)
def test_what_is_not_a_finite_linear_program_is_refused_by_name(spoil, says):
    m = pyo.ConcreteModel()
    m.x = pyo.Var([1, 2], bounds=(0, 5))
    m.p = pyo.Param(initialize=math.nan, mutable=True, within=pyo.Any)
    m.money = pyo.Objective(expr=m.x[1] + m.x[2])
    m.rows = pyo.ConstraintList()
    compile_model(m)  # sound before
    spoil(m)
    with pytest.raises(SolverInputError) as error:
        compile_model(m)
    for word in says:
        assert word in str(error.value)


def test_highs_itself_calls_nan_optimal():
    """The reason for the checks: if this fails one day, HiGHS has begun to look."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.addCols(1, np.array([math.nan]), np.zeros(1), np.ones(1), 0, np.zeros(1, np.int32), np.zeros(0, np.int32), [])
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal


def test_nan_is_refused_at_every_later_door():
    session = Session()
    lp = program([1, 1], [[1, 1]], [1], [INF], [0, 0], [5, 5])
    with pytest.raises(SolverInputError, match="column 1"):
        session.load(dataclasses.replace(lp, cost=np.array([1, math.nan])))
    session.load(lp)
    with pytest.raises(SolverInputError, match="column 0"):
        session.add_rows([0], [1], sparse.csr_array([[math.nan, 1.0]]))
    with pytest.raises(SolverInputError, match="new row 0"):
        session.add_rows([math.nan], [1], sparse.csr_array([[1.0, 1.0]]))
    with pytest.raises(SolverInputError, match="column 1"):
        session.set_costs([1.0, math.nan])
    with pytest.raises(SolverInputError):
        session.set_column_bounds([0], [math.nan], [1])
    with pytest.raises(SolverInputError):
        session.set_row_bounds([0], [0], [math.nan])
    assert session.solve().objective == pytest.approx(1.0)  # and none of it went in


def test_empty_models():
    m = pyo.ConcreteModel()
    m.money = pyo.Objective(expr=3)
    answer = solve(compile_model(m))
    assert (answer.status, answer.objective) == (Status.OPTIMAL, 3.0)
    m.x = pyo.Var(bounds=(2, 5))
    m.money.set_value(3 + m.x)
    assert solve(compile_model(m)).objective == pytest.approx(5.0)
    m.money.sense = pyo.maximize
    m.x.setub(None)
    lp = compile_model(m)
    answer = solve(lp)
    assert answer.status is Status.UNBOUNDED and answer.objective == INF
    assert verify_unbounded(lp, answer.x, answer.ray).verified


def test_a_constraint_on_fixed_variables_only_is_infeasible_not_a_traceback():
    m = pyo.ConcreteModel()
    m.x = pyo.Var(initialize=1)
    m.x.fix()
    m.money = pyo.Objective(expr=m.x)
    m.impossible = pyo.Constraint(expr=m.x >= 3)
    lp = compile_model(m)
    answer = solve(lp)
    assert answer.status is Status.INFEASIBLE
    assert verify_infeasible(lp, answer.ray).verified
    assert lp.row_name(int(np.argmax(np.abs(answer.ray)))) == "impossible"


def test_only_a_plan_is_loaded():
    m = farm()
    m.least.set_value(m.acres["wheat"] >= 100)
    lp = compile_model(m)
    with pytest.raises(SolverError, match="infeasible"):
        load_into_model(lp, solve(lp))


# --------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    "options",
    [
        SolverOptions(primal_tolerance=1e-14),
        SolverOptions(dual_tolerance=-1.0),
        SolverOptions(method="pdlp"),
        SolverOptions(seed=-1),
        SolverOptions(threads=-2),
        SolverOptions(time_limit=-1.0),
        SolverOptions(time_limit=math.nan),
    ],
)
def test_a_bad_option_is_refused(options):
    with pytest.raises(SolverError):
        Session(options)


def test_threads_may_change_within_a_process():
    lp = transport(12)
    expected = solve(lp).objective
    for threads in (2, 1, 2, 0, 1):
        assert solve(lp, SolverOptions(threads=threads)).objective == pytest.approx(expected)


def transport(size: int) -> LinearProgram:
    rng = np.random.default_rng(5)
    eye, ones = sparse.eye_array(size), np.ones((1, size))
    matrix = sparse.vstack([sparse.kron(eye, ones), sparse.kron(ones, eye)]).tocsc()
    supply = np.ones(2 * size)
    return LinearProgram(
        rng.random(size * size), 0.0, sparse.csc_array(matrix), supply, supply, np.zeros(size**2), np.full(size**2, INF)
    )


@pytest.mark.parametrize("method", ["simplex", "ipm"])
def test_a_time_limit_is_not_success_and_counts_for_each_run(method):
    lp = transport(60)
    session = Session(SolverOptions(method=method, presolve=False, time_limit=0.0))
    session.load(lp)
    answer = session.solve()
    assert answer.status is Status.LIMIT
    assert "limit" in answer.message.lower()
    assert not verify_optimal(lp, answer.x, answer.y).verified
    session.options = dataclasses.replace(session.options, time_limit=60.0)
    assert session.solve().status is Status.OPTIMAL
    again = Session(dataclasses.replace(session.options, time_limit=3.0))
    again.load(lp)
    again._highs.setOptionValue("time_limit", 1e-9)  # a stale limit must not count
    assert again.solve().status is Status.OPTIMAL


# ------------------------------------------------------------------------------------------------------ warm session


def test_cuts_continue_from_the_basis():
    """Cutting planes for max x + y over a disc: warm answers equal cold ones, and cost fewer iterations."""
    rng = np.random.default_rng(0)
    n = 30
    lp = program(-rng.random(n), np.ones((1, n)), [-INF], [5.0 * n], np.full(n, -10.0), np.full(n, 10.0))
    session = Session()
    session.load(lp)
    answer = session.solve()
    warm = cold = 0
    for _ in range(25):
        norm = np.linalg.norm(answer.x)
        session.add_rows([-INF], [1.0], sparse.csr_array(answer.x[None, :] / norm))
        answer = session.solve()
        fresh = solve(session.lp, SolverOptions(presolve=False))
        assert answer.objective == pytest.approx(fresh.objective, rel=1e-9)
        assert verify_optimal(session.lp, answer.x, answer.y).verified
        warm, cold = warm + answer.iterations, cold + fresh.iterations
    assert session.lp.matrix.shape == (26, n)
    assert 0 < warm < cold


def test_a_session_follows_another_with_fewer_columns():
    """New columns in between stand at nothing to begin with: the same optimum as cold, in fewer iterations."""
    rng = np.random.default_rng(4)
    m, n, more = 20, 60, 6
    matrix, cost = rng.random((m, n)), rng.random(n) + 0.2
    former = Session()
    former.load(program(cost, matrix, np.ones(m), np.full(m, INF), np.zeros(n), np.full(n, INF)))
    first = former.solve()
    at = np.full(n + more, -1)
    old = np.sort(rng.permutation(n + more)[:n])
    at[old] = np.arange(n)
    wide, prices = rng.random((m, n + more)), rng.random(n + more) + 0.2
    wide[:, old], prices[old] = matrix, cost
    lp = program(prices, wide, np.ones(m), np.full(m, INF), np.zeros(n + more), np.full(n + more, INF))
    session = Session()
    session.load(lp)
    session.map_basis(former, at)
    answer = session.solve()
    cold = solve(lp, SolverOptions(presolve=False))
    assert verify_optimal(lp, answer.x, answer.y).verified
    assert answer.objective == pytest.approx(cold.objective, rel=1e-9) and answer.objective <= first.objective + 1e-9
    assert answer.iterations < cold.iterations
    fresh = Session()  # nothing to follow: a cold solve
    fresh.load(lp)
    fresh.map_basis(Session(), at)
    assert fresh.solve().objective == pytest.approx(cold.objective, rel=1e-9)


@pytest.mark.parametrize("method", ["simplex", "ipm"])
def test_bounds_and_costs_change_on_the_warm_session(method):
    session = Session(SolverOptions(method=method))
    lp = transport(12)
    session.load(lp)
    first = session.solve()
    used = int(np.argmax(first.x))
    session.set_column_bounds([used], [0.0], [0.0])
    session.set_row_bounds([0], [0.5], [1.0])
    session.set_row_bounds([12], [0.5], [1.0])
    session.set_costs(lp.cost[::-1])
    changed = session.solve()
    assert changed.x[used] == 0.0
    assert changed.objective == pytest.approx(by_scipy(session.lp).fun, rel=1e-9)
    session.load(lp)
    assert session.solve().objective == pytest.approx(first.objective, rel=1e-12)


@pytest.mark.parametrize("method", ["simplex", "ipm"])
def test_costs_that_change_are_followed_by_either_simplex(method):
    session = Session(SolverOptions(method=method))
    lp = transport(12)
    session.load(lp)
    session.solve(primal=True)  # nothing to go on from: as ever
    rng = np.random.default_rng(5)
    for cost in lp.cost * rng.uniform(0.5, 2.0, (6, len(lp.cost))):
        session.set_costs(cost)
        basis = session.get_basis()
        found = session.solve(primal=True)
        assert found.objective == pytest.approx(by_scipy(session.lp).fun, rel=1e-9)
        session.set_basis(basis)
        assert session.solve().objective == pytest.approx(found.objective, rel=1e-12)
    # bounds changed too: the plan at hand is none, and the optimum the same
    session.set_row_bounds([0], [0.5], [1.0])
    session.set_row_bounds([12], [0.5], [1.0])
    assert session.solve(primal=True).objective == pytest.approx(by_scipy(session.lp).fun, rel=1e-9)


def test_a_brief_run_looks_for_no_proof(monkeypatch):
    session = Session()
    session.load(program([1, 2], [[1, 1], [1, -1]], [1, -INF], [INF, 3], [0, 0], [4, 4]))
    session.solve()
    with monkeypatch.context() as patch:
        patch.setattr(Session, "_infeasible", lambda *_: pytest.fail("a proof was looked for"))
        session.add_rows([9.0], [INF], sparse.csr_array([[1.0, 1.0]]))
        answer = session.solve(brief=True)
    assert answer.status is Status.INFEASIBLE and answer.ray is None and answer.message == "Taken for infeasible."
    assert verify_infeasible(session.lp, session.solve().ray).verified
    session.set_row_bounds([2], [5.0], [INF])
    assert session.solve().objective == pytest.approx(6.0)


def test_a_session_recovers_from_infeasible():
    session = Session()
    session.load(program([1, 2], [[1, 1], [1, -1]], [1, -INF], [INF, 3], [0, 0], [4, 4]))
    assert session.solve().objective == pytest.approx(1.0)
    session.add_rows([9.0], [INF], sparse.csr_array([[1.0, 1.0]]))
    answer = session.solve()
    assert answer.status is Status.INFEASIBLE and verify_infeasible(session.lp, answer.ray).verified
    assert np.isnan(answer.x).all() and math.isnan(answer.objective)
    session.set_row_bounds([2], [5.0], [INF])
    assert session.solve().objective == pytest.approx(6.0)


def test_the_elastic_program_gives_a_farkas_vector_when_highs_gives_none(monkeypatch):
    lp = program([0, 0], [[1, 1], [1, -2], [1, 1]], [4, 0, -INF], [INF, 0, 3], [0, -INF], [INF, INF])
    monkeypatch.setattr(Session, "_proved_ray", lambda self: None)
    answer = solve(lp)
    assert answer.status is Status.INFEASIBLE and answer.message == ""
    assert verify_infeasible(lp, answer.ray).verified


def test_crossing_bounds():
    lp = program([1, 1], [[1, 1]], [1], [INF], [3, 0], [2, 5])
    answer = solve(lp)
    assert answer.status is Status.INFEASIBLE and verify_infeasible(lp, answer.ray).verified
    lp = program([1, 1], [[1, 1], [1, 0]], [1, 3], [INF, 2], [0, 0], [5, 5])
    answer = solve(lp)
    assert answer.status is Status.INFEASIBLE and list(answer.ray) == [0.0, 1.0]
    # Crossed by rounding only, as 0.1 + 0.2 > 0.3 does: a fixed column, not an infeasible case.
    assert solve(program([1], [[1]], [0], [INF], [0.1 + 0.2], [0.3])).objective == pytest.approx(0.3)


# ------------------------------------------------------------------------------------------------------ tiny numbers


def hours(coefficient: float) -> LinearProgram:
    """1000 hours with margins of +-0.2, times a tiny coefficient, and energy for 300 of them."""
    margin = np.random.default_rng(0).uniform(-0.2, 0.2, 1000)
    return program(-coefficient * margin, np.ones((1, 1000)), [-INF], [30_000], np.zeros(1000), np.full(1000, 100.0))


def best_hours(lp: LinearProgram) -> float:
    """The 300 best hours at 100 MWh each."""
    return float(100 * np.sort(lp.cost)[:300].sum())


def test_tiny_costs_are_called_optimal_when_they_are_not_and_the_proof_says_so():
    lp = hours(1e-6)
    answer = solve(lp, SolverOptions(presolve=False, dual_tolerance=1e-7))  # 1e-7 is HiGHS's default
    assert answer.status is Status.OPTIMAL  # what HiGHS believes
    assert answer.objective > 0.95 * best_hours(lp)  # and it misses 7 %
    certificate = verify_optimal(lp, answer.x, answer.y)
    assert not certificate.verified and certificate.gap > 0.01


@pytest.mark.parametrize("coefficient", [1e-5, 1e-6, 1e-8, 1e-10])
@pytest.mark.parametrize("presolve", [True, False])
def test_the_cost_scale_cures_it(coefficient, presolve):
    lp = hours(coefficient)
    scale = suggest_cost_scale(lp)
    scaled = dataclasses.replace(lp, cost=lp.cost * scale, cost_scale=scale)
    answer = solve(scaled, SolverOptions(presolve=presolve, dual_tolerance=1e-7))
    assert answer.objective == pytest.approx(best_hours(lp), rel=1e-9)
    assert verify_optimal(scaled, answer.x, answer.y).verified
    assert verify_optimal(lp, answer.x, answer.y).verified  # y is unscaled: it proves the unscaled program too


def test_the_suggested_scale_looks_through_a_chain_row():
    """theta = sum 5e-5 x_h costs 1 per theta: the costs look fine, the hours are worth 5e-5."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(20), bounds=(0, 1))
    m.recourse = pyo.Var()
    m.chain = pyo.Constraint(expr=m.recourse == sum(5e-5 * m.x[h] for h in m.x))
    m.money = pyo.Objective(expr=m.recourse, sense=pyo.maximize)
    assert suggest_cost_scale(compile_model(m)) == 1e3  # 5e-5 -> 5e-2
    m.money.set_value(1e9 * m.recourse)
    assert suggest_cost_scale(compile_model(m)) == 1e-3  # 1e9 -> 1e6
    m.money.set_value(10 * m.x[0])
    assert suggest_cost_scale(compile_model(m)) == 1.0
    m.money.set_value(0.0)
    assert suggest_cost_scale(compile_model(m)) == 1.0


def test_small_matrix_entries_are_kept():
    """HiGHS drops entries up to 1e-9 by default; here one carries the whole answer."""
    lp = program([1, 0], [[1, -1e-10]], [0], [INF], [0, 1e10], [INF, 1e10])
    assert solve(lp).objective == pytest.approx(1.0)


def test_coefficients_change_in_place_and_back():
    """max x + y with x + a y <= 4, x <= 3: at a = 1 worth 4, at a = 2 worth 3.5; only entries that are there can be changed."""
    lp = program([-1, -1], [[1, 1], [1, 0]], [-INF, -INF], [4, 3], [0, 0], [INF, INF])
    session = Session()
    session.load(lp)
    assert session.solve().objective == pytest.approx(-4.0)
    session.set_coefficients([0], [1], [2.0])
    changed = session.solve()
    assert changed.objective == pytest.approx(-3.5)
    assert verify_optimal(session.lp, changed.x, changed.y).verified and lp.matrix[0, 1] == 1.0
    session.set_coefficients([0], [1], [1.0])
    assert session.solve().objective == pytest.approx(-4.0)
    with pytest.raises(SolverInputError, match="has no coefficient"):
        session.set_coefficients([1], [1], [5.0])
    with pytest.raises(SolverInputError, match="nan"):
        session.set_coefficients([0], [1], [math.nan])
