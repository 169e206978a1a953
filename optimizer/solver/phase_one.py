"""Programs beside a program, whose answers prove that it has no plan or no end; and what bounds say by themselves."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from optimizer.solver.linear_program import LinearProgram


def phase_one(lp: LinearProgram) -> LinearProgram:
    """min sum(u + v)  with  row_lower <= A x + u - v <= row_upper,  u, v >= 0.

    If the minimum is positive its row duals are a Farkas vector (|y| <= 1).
    """
    m, n = lp.matrix.shape
    eye = sparse.eye_array(m, format="csc")
    return LinearProgram(
        cost=np.concatenate([np.zeros(n), np.ones(2 * m)]),
        offset=0.0,
        matrix=sparse.csc_array(sparse.hstack([lp.matrix, eye, -eye], format="csc")),
        row_lower=lp.row_lower,
        row_upper=lp.row_upper,
        col_lower=np.concatenate([lp.col_lower, np.zeros(2 * m)]),
        col_upper=np.concatenate([lp.col_upper, np.full(2 * m, np.inf)]),
    )


def directions(lp: LinearProgram) -> LinearProgram:
    """min c'r over the directions r that no row and no bound forbids, within a box of one."""
    return LinearProgram(
        cost=lp.cost,
        offset=0.0,
        matrix=lp.matrix,
        row_lower=np.where(np.isfinite(lp.row_lower), 0.0, -np.inf),
        row_upper=np.where(np.isfinite(lp.row_upper), 0.0, np.inf),
        col_lower=np.where(np.isfinite(lp.col_lower), 0.0, -1.0),
        col_upper=np.where(np.isfinite(lp.col_upper), 0.0, 1.0),
    )


def crossed_ray(lp: LinearProgram) -> np.ndarray:
    """The row whose own bounds cross most; zero if only columns do (the bounds themselves are the proof)."""
    ray = np.zeros(len(lp.row_lower))
    crossed = lp.row_lower > lp.row_upper
    if crossed.any():
        ray[int(np.argmax(np.where(crossed, lp.row_lower - lp.row_upper, -np.inf)))] = 1.0
    return ray
