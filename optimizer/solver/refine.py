"""Plan and duals of a basis to the last digit.

A simplex code updates its duals from pivot to pivot and stops when they are good to its tolerance; on a badly conditioned basis what is
left in the reduced cost of a basic column can be a hundred times that. By arithmetic such a column still has a price, and where it has no
bound to be priced at, the dual bound is worth nothing beyond a box (`proof.verify_optimal`). The duals themselves are the solution of

    B' y = c_B,    y_i = 0 in rows whose slack is basic

so they are solved again from one factorisation, with residuals in long double (iterative refinement). So is the plan, of which HiGHS
checks the scaled program: unscaled a row may be missed by a thousand times its tolerance. What the basis says of the plan is

    B x_B = b - N x_N,    x_N and the slacks of rows outside the basis at their bounds
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

if TYPE_CHECKING:
    from optimizer.solver.linear_program import LinearProgram

#: corrections after which a factorisation that still gains nothing is given up
MOST = 5


def refined_duals(lp: LinearProgram, y: np.ndarray, basic_columns: np.ndarray, basic_rows: np.ndarray) -> np.ndarray:
    """Row duals (m,) of the basis, money per unit of the row, unscaled; sign as in `highs`.

    y (m,): the duals to begin with. basic_columns (n,), basic_rows (m,): masks of what is basic. Returned is what leaves the least in the
    reduced costs of basic columns: y itself, with zeros where its row's slack is basic, if the basis is singular or not square.
    """
    best = np.where(basic_rows, 0.0, y)
    rows, columns = np.flatnonzero(~basic_rows), np.flatnonzero(basic_columns)
    if len(rows) != len(columns) or not len(rows):
        return best
    block = sparse.csc_array(sparse.csr_array(lp.matrix)[rows][:, columns])
    cost = np.asarray(lp.cost[columns], dtype=np.longdouble) / lp.cost_scale
    best[rows] = _solved(block, cost, best[rows], "T")
    return best


def refined_plan(lp: LinearProgram, x: np.ndarray, columns_at: np.ndarray, rows_at: np.ndarray) -> np.ndarray:
    """Columns (n,) of the basis, in their own units.

    x (n,): the plan to begin with. columns_at (n,), rows_at (m,): the bound that a column, the activity of a row, stands at; NaN where it
    is basic. Returned is what leaves the least in the rows outside the basis: x itself, with columns outside the basis at their bounds,
    if the basis is singular or not square.
    """
    basic = np.isnan(columns_at)
    best = np.where(basic, x, columns_at)
    rows, columns = np.flatnonzero(~np.isnan(rows_at)), np.flatnonzero(basic)
    if len(rows) != len(columns) or not len(rows):
        return best
    outside = sparse.csr_array(lp.matrix)[rows].astype(np.longdouble)
    right = rows_at[rows].astype(np.longdouble) - outside @ np.where(basic, 0.0, columns_at).astype(np.longdouble)
    best[columns] = _solved(sparse.csr_array(lp.matrix)[rows][:, columns], right, best[columns], "N")
    return best


def _solved(block: sparse.csr_array, right: np.ndarray, start: np.ndarray, turned: str) -> np.ndarray:
    """z with block z = right ("N") or block' z = right ("T"), or what comes nearest to it from `start`. right: long double."""
    wide = sparse.csr_array(block.T if turned == "T" else block).astype(np.longdouble)
    try:
        factors = splu(sparse.csc_matrix(block))
    except RuntimeError:  # exactly singular
        return start
    found = start.astype(np.longdouble)
    left = right - wide @ found
    for _ in range(MOST):
        step = factors.solve(left.astype(float), trans=turned)
        if not np.isfinite(step).all():
            break
        tried = (found + step).astype(float).astype(np.longdouble)  # what a float can say is what counts
        after = right - wide @ tried
        if not np.abs(after).max() < np.abs(left).max():
            break
        found, left = tried, after
    return found.astype(float)
