"""Duals of a basis to the last digit.

A simplex code updates its duals from pivot to pivot and stops when they are good to its tolerance; on a badly conditioned basis what is
left in the reduced cost of a basic column can be a hundred times that. By arithmetic such a column still has a price, and where it has no
bound to be priced at, the dual bound is worth nothing beyond a box (`proof.verify_optimal`). The duals themselves are the solution of

    B' y = c_B,    y_i = 0 in rows whose slack is basic

so they are solved again from one factorisation, with residuals in long double (iterative refinement).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

if TYPE_CHECKING:
    from optimizer.highs import LinearProgram

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
    wide = sparse.csr_array(block.T).astype(np.longdouble)
    cost = np.asarray(lp.cost[columns], dtype=np.longdouble) / lp.cost_scale
    try:
        factors = splu(sparse.csc_matrix(block))
    except RuntimeError:  # exactly singular
        return best
    price = best[rows].astype(np.longdouble)
    left = cost - wide @ price
    for _ in range(MOST):
        step = factors.solve(left.astype(float), trans="T")
        if not np.isfinite(step).all():
            break
        tried = (price + step).astype(float).astype(np.longdouble)  # what a float can say is what counts
        after = cost - wide @ tried
        if not np.abs(after).max() < np.abs(left).max():
            break
        price, left = tried, after
    best[rows] = price.astype(float)
    return best
