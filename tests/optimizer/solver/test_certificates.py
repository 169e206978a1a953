"""Proofs hold where they should, and a proof that was tampered with is refused."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.solver.certificates import blame, verify_infeasible, verify_optimal, verify_unbounded
from optimizer.solver.linear_program import LinearProgram

INF = math.inf


def program(cost, rows, row_lower, row_upper, col_lower, col_upper, **more):
    matrix = sparse.csc_array(np.array(rows, dtype=float).reshape(len(row_lower), len(cost)))
    arrays = [np.array(a, dtype=float) for a in (row_lower, row_upper, col_lower, col_upper)]
    return LinearProgram(np.array(cost, dtype=float), more.pop("offset", 0.0), matrix, *arrays, **more)


# Wyndor glass (Hillier & Lieberman, Introduction to Operations Research): max 3a + 5b; a <= 4, 2b <= 12, 3a + 2b <= 18.
WYNDOR = program([-3, -5], [[0, 2], [3, 2]], [-INF, -INF], [12, 18], [0, 0], [4, INF], sense=-1)
PLAN, PRICES = np.array([2.0, 6.0]), np.array([-1.5, -1.0])


def test_a_textbook_optimum():
    certificate = verify_optimal(WYNDOR, PLAN, PRICES)
    assert certificate.verified and certificate.reasons == ()
    assert certificate.objective == 36.0 and certificate.dual_bound == 36.0
    assert certificate.gap == certificate.primal_residual == certificate.dual_residual == 0.0
    assert certificate.complementarity == 0.0


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_scale_and_offset_of_the_money_do_not_matter(scale):
    lp = dataclasses.replace(WYNDOR, cost=WYNDOR.cost * scale, cost_scale=scale, offset=-7.0 * scale)
    certificate = verify_optimal(lp, PLAN, PRICES)
    assert certificate.verified
    assert certificate.objective == pytest.approx(43.0) == certificate.dual_bound


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        ([2.0, 6.0], [-1.5, -1.001], "dual bound"),
        ([2.0, 6.0], [0.0, 0.0], "dual bound"),
        ([2.0, 6.0], [1.5, 1.0], "dual bound"),
        ([2.0, 5.99], [-1.5, -1.0], "dual bound"),
        ([2.0, 6.00001], [-1.5, -1.0], "missed"),
        ([4.5, 2.25], [-1.5, -1.0], "missed"),
        ([math.nan, 6.0], [-1.5, -1.0], "not a number"),
        ([2.0, 6.0], [math.nan, -1.0], "not a number"),
        ([2.0, INF], [-1.5, -1.0], "not a number"),
        ([2.0], [-1.5, -1.0], "shapes"),
    ],
)
def test_a_tampered_plan_or_price_is_not_verified(x, y, word):
    certificate = verify_optimal(WYNDOR, np.array(x), np.array(y))
    assert not certificate.verified
    assert any(word in reason for reason in certificate.reasons)


@pytest.mark.parametrize("part", ["cost", "row_upper", "col_lower"])
def test_nan_in_the_program_is_not_verified(part):
    lp = dataclasses.replace(WYNDOR, **{part: getattr(WYNDOR, part) * math.nan})
    assert not verify_optimal(lp, PLAN, PRICES).verified


@settings(max_examples=150, deadline=None)
@given(y=st.lists(st.floats(-50, 50), min_size=2, max_size=2), x=st.lists(st.floats(0, 6), min_size=2, max_size=2))
def test_no_prices_give_a_bound_below_what_a_plan_earns(x, y):
    """Weak duality: the bound is valid for every y (inside the trust box, which holds all plans here)."""
    certificate = verify_optimal(WYNDOR, np.array(x), np.array(y))
    assert certificate.dual_bound >= 36.0 - 1e-9
    if certificate.verified:
        assert certificate.objective == pytest.approx(36.0, rel=1e-6)


def test_an_objective_of_zero_by_cancelling_and_by_nature():
    lp = program([1, -1], [[1, -1]], [0], [0], [0, 0], [1e9, 1e9])
    assert verify_optimal(lp, np.array([5e8, 5e8]), np.array([1.0])).verified
    wrong = verify_optimal(lp, np.array([5e8, 5e8]), np.array([1.0 - 1e-9]))  # bound is -1 of terms of 1e9
    assert not wrong.verified
    nothing = program([1, 2], [[1, 1]], [0], [INF], [0, 0], [5, 5])
    certificate = verify_optimal(nothing, np.zeros(2), np.zeros(1))
    assert certificate.verified and certificate.gap == 0.0


def test_relative_residual_judges_large_rows_by_their_size_and_small_ones_by_one():
    large = program([0, 0], [[1e9, -1e9]], [0], [0], [0, 0], [10, 10])
    assert verify_optimal(large, np.array([1.0, 1.0 + 1e-9]), np.zeros(1)).primal_residual_relative < 2e-9
    small = program([0, 0], [[1e-9, -1e-9]], [1], [1], [0, 0], [10, 10])
    certificate = verify_optimal(small, np.zeros(2), np.zeros(1))
    assert certificate.primal_residual == 1.0 and certificate.primal_residual_relative == pytest.approx(1.0)


def test_a_price_on_a_bound_that_is_not_there_is_left_out():
    """y > 0 asks for a lower row bound; the row has none, so the bound is computed with y = 0 and stays valid."""
    certificate = verify_optimal(WYNDOR, PLAN, np.array([1.5, -1.0]))
    assert certificate.dual_residual >= 1.5
    assert math.isfinite(certificate.dual_bound) and certificate.dual_bound > 36.0


def test_the_trust_box_says_so():
    lp = program([1, 1], [[1, 1]], [1], [INF], [-INF, -INF], [INF, INF])
    assert verify_optimal(lp, np.array([0.5, 0.5]), np.array([1.0])).notes == ()
    tiny = verify_optimal(lp, np.array([0.5, 0.5]), np.array([1.0 + 1e-13]))
    assert tiny.verified and "trust box" in tiny.notes[0]
    assert not verify_optimal(lp, np.array([0.5, 0.5]), np.array([1.0 + 1e-6])).verified


# ----------------------------------------------------------------------------------------------------- infeasibility

# a + b >= 4, a - b <= 1 (beside the point), a <= 1, b <= 2 as rows of their own; z is free and in no conflict.
CONFLICT = program(
    [1, 1, 0],
    [[1, 1, 0], [1, -1, 1], [1, 0, 0], [0, 1, 0]],
    [4, -INF, -INF, -INF],
    [INF, 1, 1, 2],
    [0, 0, -INF],
    [INF, INF, INF],
)
FARKAS = np.array([1.0, 0.0, -1.0, -1.0])


@pytest.mark.parametrize("factor", [1.0, -1.0, 1e9, -1e-9])
def test_a_farkas_vector_of_either_sign_and_any_length(factor):
    certificate = verify_infeasible(CONFLICT, factor * FARKAS)
    assert certificate.verified and certificate.status == "infeasible"
    assert certificate.margin == pytest.approx(0.25)  # demand 4, supply 3, largest term 4


@pytest.mark.parametrize(
    ("ray", "word"),
    [
        ([1.0, 0.0, -1.0, 0.0], "unbounded"),
        ([1.0, 0.0, -1.0, -0.999], "unbounded"),
        ([1.0, 0.0, 1.0, -1.0], "does not have"),
        ([1.0, -0.1, -0.9, -1.1], "unbounded"),
        ([0.0, 0.0, -1.0, -1.0], "no proof"),
        ([0.0, 0.0, 0.0, 0.0], "zero"),
        ([1.0, math.nan, -1.0, -1.0], "not a number"),
        ([1.0, -1.0, -1.0], "shape"),
    ],
)
def test_a_tampered_ray_is_refused(ray, word):
    certificate = verify_infeasible(CONFLICT, np.array(ray))
    assert not certificate.verified
    assert word in certificate.reasons[0]


@settings(max_examples=150, deadline=None)
@given(ray=st.lists(st.floats(-1, 1), min_size=4, max_size=4))
def test_nothing_proves_a_feasible_program_infeasible(ray):
    relaxed = dataclasses.replace(CONFLICT, row_lower=np.array([3.0, -INF, -INF, -INF]))
    assert not verify_infeasible(relaxed, np.array(ray)).verified


def test_rounding_in_a_ray_is_cleaned_and_said():
    noisy = FARKAS + np.array([0.0, 1e-11, 1e-11, 0.0])
    certificate = verify_infeasible(CONFLICT, noisy)
    assert certificate.verified
    assert len(certificate.notes) == 2  # a dropped entry, and a free column counted as zero
    assert verify_infeasible(CONFLICT, FARKAS + np.array([0.0, -1e-14, 0.0, 0.0])).notes == ()


def test_infeasible_by_rounding_only_is_no_proof():
    lp = program([1], [[1], [1]], [1.0, -INF], [INF, 1.0 - 1e-13], [0], [5])
    assert not verify_infeasible(lp, np.array([1.0, -1.0])).verified


def test_blame_does_not_depend_on_how_a_row_is_written():
    shares = blame(CONFLICT, FARKAS)
    assert [i for i, _ in shares] == [0, 3, 2]
    assert sum(share for _, share in shares) == pytest.approx(1.0)
    factor = np.array([1000.0, 1.0, 0.001, 1.0])
    rescaled = dataclasses.replace(
        CONFLICT,
        matrix=sparse.csc_array(sparse.diags_array(factor) @ CONFLICT.matrix),
        row_lower=CONFLICT.row_lower * factor,
        row_upper=CONFLICT.row_upper * factor,
    )
    assert dict(blame(rescaled, FARKAS / factor)) == pytest.approx(dict(shares))
    assert dict(blame(CONFLICT, -FARKAS)) == pytest.approx(dict(shares))
    assert blame(CONFLICT, np.zeros(4)) == []


# ----------------------------------------------------------------------------------------------------- unboundedness

# min -a + 2b; a - 3b <= 2, b <= anything
RUNAWAY = program([-1, 2], [[1, -3]], [-INF], [2], [0, 0], [INF, INF])


def test_a_direction_that_improves_for_ever():
    certificate = verify_unbounded(RUNAWAY, np.zeros(2), np.array([3.0, 1.0]))
    assert certificate.verified and certificate.objective == -INF
    assert verify_unbounded(RUNAWAY, np.zeros(2), np.array([-3.0, -1.0])).verified
    assert verify_unbounded(dataclasses.replace(RUNAWAY, sense=-1), np.zeros(2), np.array([3.0, 1.0])).objective == INF


@pytest.mark.parametrize(
    ("x", "ray", "word"),
    [
        ([0.0, 0.0], [3.1, 1.0], "row 0 stops"),
        ([0.0, 0.0], [2.0, 1.0], "does not improve"),
        ([0.0, 0.0], [0.0, -1.0], "column 1 stops"),
        ([0.0, 0.0], [0.0, 0.0], "zero"),
        ([0.0, 0.0], [math.nan, 1.0], "not a number"),
        ([3.0, 0.0], [3.0, 1.0], "misses a row"),
        ([math.nan, 0.0], [3.0, 1.0], "misses a row"),
        (None, [3.0, 1.0], "no feasible plan"),
    ],
)
def test_a_direction_that_does_not(x, ray, word):
    certificate = verify_unbounded(RUNAWAY, None if x is None else np.array(x), np.array(ray))
    assert not certificate.verified
    assert any(word in reason for reason in certificate.reasons)
