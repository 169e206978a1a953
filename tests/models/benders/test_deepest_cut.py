"""How far a point lies beyond a hull, against a linear program written out by hand and against geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from models.benders.deepest_cut import DEEP_SHARE, DeepestCut
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Session, SolverOptions

TEMPLATE = LinearProgram(np.zeros(1), 0.0, sparse.csc_array((1, 1)), *(np.zeros(1) for _ in range(4)), cost_scale=1e3)


def solve(lp: LinearProgram) -> Any:
    session = Session(SolverOptions())
    session.load(lp)
    return session.solve()


def search_over(clouds: np.ndarray, there: np.ndarray | None = None) -> DeepestCut:
    """clouds (B, N, size): the points that each block can bring."""

    def bring(_: np.ndarray, d: np.ndarray) -> np.ndarray:
        best = np.einsum("bnk,bk->bn", clouds, d).argmax(axis=1)
        return clouds[np.arange(len(clouds)), best]

    return DeepestCut(np.ones(clouds[:, 0].shape) if there is None else there, bring, solve)


def distance(cloud: np.ndarray, z: np.ndarray) -> float:
    """min |z - sum share * point|_1, all points written out."""
    n, size = cloud.shape
    left = np.block([[cloud.T, np.eye(size), -np.eye(size)], [np.ones((1, n)), np.zeros((1, 2 * size))]])
    cost = np.concatenate([np.zeros(n), np.ones(2 * size)])
    return float(linprog(cost, A_eq=left, b_eq=np.append(z, 1.0)).fun)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_the_direction_is_missed_by_the_distance(size: int, seed: int) -> None:
    rng = np.random.default_rng([seed, size])
    clouds = rng.normal(size=(6, 40, size))
    z = rng.normal(size=(6, size)) * 3.0
    z[0] = clouds[0].mean(axis=0)  # inside
    found = search_over(clouds).search(TEMPLATE, np.zeros((6, 1)), z, np.ones((6, size)), np.full(6, 1e-9), 100)
    for b in range(6):
        off = distance(clouds[b], z[b])
        highest = float((clouds[b] @ found.direction[b]).max())
        missed = float(found.direction[b] @ z[b]) - highest
        assert np.abs(found.direction[b]).max() <= 1.0
        assert missed == pytest.approx(found.missed[b], abs=1e-12)
        assert missed <= off + 1e-9  # no direction of that size is missed by more
        assert missed >= DEEP_SHARE * off - 1e-8
    assert found.missed[0] <= 1e-9 and not found.inside


def test_all_inside_is_told() -> None:
    rng = np.random.default_rng(0)
    clouds = rng.normal(size=(4, 30, 2))
    z = np.einsum("bn,bnk->bk", rng.dirichlet(np.ones(30), size=4), clouds)
    search = search_over(clouds)
    assert search.search(TEMPLATE, np.zeros((4, 1)), z, np.ones((4, 2)), np.full(4, 1e-8), 100).inside
    z[2] += 10.0
    found = search.search(TEMPLATE, np.zeros((4, 1)), z, np.ones((4, 2)), np.full(4, 1e-8), 100)
    assert not found.inside and found.shares is None


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_shares_make_what_is_inside_though_blocks_are_settled_one_after_another(size: int, seed: int) -> None:
    rng = np.random.default_rng([seed, size])
    angles = rng.normal(size=(30, 200, size))
    clouds = angles / np.linalg.norm(angles, axis=2)[:, :, None]  # near a ball: many splits are needed near its surface
    z = np.einsum("bn,bnk->bk", rng.dirichlet(np.full(200, 0.01), size=30), clouds)
    asked: list[int] = []

    def counted(lp: LinearProgram) -> Any:
        asked.append(lp.matrix.shape[0])
        return solve(lp)

    search = search_over(clouds)
    search.solve = counted
    found = search.search(TEMPLATE, np.zeros((30, 1)), z, np.ones((30, size)), np.full(30, 1e-9), 100)
    assert found.inside and found.shares is not None
    assert found.shares.min() >= -1e-9
    np.testing.assert_allclose(found.shares.sum(axis=0), 1.0, atol=1e-9)
    points = np.array([point for _, point in found.tried])[: len(found.shares)]
    np.testing.assert_allclose(np.einsum("pb,pbk->bk", found.shares, points), z, atol=2e-9)
    assert asked[0] == 30 * (size + 1) and asked[-1] < asked[0] and asked == sorted(asked, reverse=True)


def test_what_the_program_does_not_have_is_not_looked_at() -> None:
    """A quantity without a variable in a block neither counts in its distance nor in its direction."""
    clouds = np.array([[[0.0, 0.0], [1.0, 5.0]], [[0.0, 0.0], [1.0, 5.0]]])
    z = np.array([[0.5, 100.0], [0.5, 100.0]])
    there = np.array([[1.0, 0.0], [1.0, 1.0]])
    found = search_over(clouds, there).search(TEMPLATE, np.zeros((2, 1)), z, np.ones((2, 2)), np.full(2, 1e-9), 50)
    assert found.direction[0, 1] == 0.0 and found.missed[0] <= 1e-9
    assert found.missed[1] == pytest.approx(distance(clouds[1], z[1]), rel=1.0 - DEEP_SHARE)
