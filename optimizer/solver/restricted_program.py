"""A program with little in it: rows that seldom bind and columns seldom used come in as they are wanted, and each block's first cut is
written into the rows where its value stands.

The hours of a block are worth what its cuts allow. While there is one, theta = cut(x) - delta with delta >= 0: in its place stands delta,
and the cut needs no row. A later cut bounds delta from below. With tens of thousands of blocks this halves the rows of the program, and
with them what every step of the simplex method costs.

The same numbers of rows and columns as the whole program's are used outside (`Lean.lp`), so that cuts need not know; what it ends with is
a basis of the whole program, which goes on from there.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from models.problem import Array, Ints, Mask
from optimizer.solver.answer import Answer, SolverOptions, Status
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Session

#: a row left out is missed beyond this, in program units
ROW_TOLERANCE = 1e-9
#: a column held back comes in where its reduced cost says that a unit of it gains more than this
REDUCED_COST_TOLERANCE = 1e-9


class RestrictedProgram:
    """A session of a whole program whose rows `delayed` are left out and whose columns `priced_out` stay at their lower bounds until wanted.

    recourse: free columns, each bounded by rows that are added (`add_rows`) before the first solve: the first such row of each with a
    positive coefficient is written into the others. Takes the place of a `Session` for `models.benders.cuts.Cuts`.
    """

    def __init__(self, lp: LinearProgram, options: SolverOptions, recourse: Ints, delayed: Ints, priced_out: Ints) -> None:
        self.lp, self.options = lp, options
        self.recourse = recourse
        self.delayed = np.isin(np.arange(len(lp.row_lower)), delayed)
        self.priced_out = priced_out[np.isfinite(lp.col_lower[priced_out])]
        self.last: Answer | None = None
        self.inner: Session | None = None
        self._number: Ints = np.zeros(0, dtype=np.int64)  # of each row that the solver has

    # ---- rows and bounds -----------------------------------------------------------------------------------------------
    def add_rows(self, lower: Array, upper: Array, rows: Any) -> None:
        """As `Session.add_rows`."""
        block = sparse.csr_array(rows)
        number = len(self.lp.row_lower) + np.arange(len(lower))
        self._append(block, lower, upper)
        if self.inner is not None:
            self._present(block, lower, upper, number)

    def _append(self, block: Any, lower: Array, upper: Array) -> None:
        lp = self.lp
        self.lp = replace(
            lp,
            matrix=sparse.csc_array(sparse.vstack([lp.matrix, block], format="csc")),
            row_lower=np.concatenate([lp.row_lower, lower]),
            row_upper=np.concatenate([lp.row_upper, upper]),
        )
        self.delayed = np.append(self.delayed, np.zeros(len(lower), dtype=bool))

    def _present(self, block: Any, lower: Array, upper: Array, number: Ints) -> None:
        """Rows of the whole program that the solver is given from now on."""
        assert self.inner is not None
        shift = block @ self._constant
        self.inner.add_rows(lower - shift, upper - shift, sparse.csr_array(block @ self._turn))
        self._number = np.append(self._number, number)

    # ---- the program as the solver has it ------------------------------------------------------------------------------
    def _start(self) -> None:
        """x = turn @ x' + constant, where x' has delta in theta's place; rows that were written into others leave."""
        lp, n = self.lp, len(self.lp.cost)
        rows = sparse.csr_array(lp.matrix)
        self._defined, self._definer, self._scale = self._definers(rows)
        j, i, scale = self._defined, self._definer, self._scale
        at = rows[i]
        entries = sparse.coo_array(at)
        other = entries.col != j[entries.row]
        place, column = entries.row[other], entries.col[other]
        eye = np.ones(n)
        eye[j] = -1.0
        self._turn = sparse.csr_array(
            sparse.coo_array(
                (
                    np.concatenate([-entries.data[other] / scale[place], eye]),
                    (np.concatenate([j[place], np.arange(n)]), np.concatenate([column, np.arange(n)])),
                ),
                shape=(n, n),
            )
        )
        self._constant = np.zeros(n)
        self._constant[j] = lp.row_upper[i] / scale
        gone = self.delayed.copy()
        gone[i] = True
        self._number = np.flatnonzero(~gone)
        matrix = sparse.csr_array(rows[self._number])
        shift = matrix @ self._constant
        col_lower, col_upper = lp.col_lower.copy(), lp.col_upper.copy()
        col_lower[j], col_upper[j] = 0.0, np.inf
        col_upper[self.priced_out] = col_lower[self.priced_out]
        self.inner = Session(self.options)
        self.inner.load(
            LinearProgram(
                cost=self._turn.T @ lp.cost,
                offset=lp.offset,
                matrix=sparse.csc_array(matrix @ self._turn),
                row_lower=lp.row_lower[self._number] - shift,
                row_upper=lp.row_upper[self._number] - shift,
                col_lower=col_lower,
                col_upper=col_upper,
                sense=lp.sense,
                cost_scale=lp.cost_scale,
            )
        )

    def _definers(self, rows: Any) -> tuple[Ints, Ints, Array]:
        """(columns, the row that is written in place of each, its coefficient there)."""
        lp = self.lp
        free = np.isneginf(lp.col_lower[self.recourse]) & np.isposinf(lp.col_upper[self.recourse])
        wanted = np.zeros(len(lp.cost), dtype=bool)
        wanted[self.recourse[free]] = True
        entries = sparse.coo_array(rows)
        upper_only = np.isneginf(lp.row_lower) & np.isfinite(lp.row_upper) & ~self.delayed
        # a row that bounds two of them from above defines neither
        counted = np.bincount(entries.row[wanted[entries.col]], minlength=len(lp.row_lower))
        good = wanted[entries.col] & upper_only[entries.row] & (counted[entries.row] == 1) & (entries.data > 0.0)
        column, row, value = entries.col[good], entries.row[good], entries.data[good]
        order = np.lexsort((row, column))
        first = order[np.flatnonzero(np.append(True, np.diff(column[order]) > 0))] if len(order) else order
        return column[first].astype(np.int64), row[first].astype(np.int64), value[first]

    def solve(self) -> Answer:
        """The optimum of what is in: x (n,), y and d of the whole program, rows that are out at 0. Not an optimum of the whole program
        before `add_delayed` finds nothing."""
        start = time.perf_counter()
        if self.inner is None:
            self._start()
        assert self.inner is not None
        found = self.inner.solve()
        lp = self.lp
        if found.status is not Status.OPTIMAL:
            x, y = np.full(len(lp.cost), np.nan), np.full(len(lp.row_lower), np.nan)
            self.last = replace(found, x=x, y=y, d=x, ray=None, seconds=time.perf_counter() - start)
            return self.last
        x = self._turn @ found.x + self._constant
        y = np.zeros(len(lp.row_lower))
        y[self._number] = found.y
        d = lp.true_cost - lp.matrix.T @ y
        # theta is free: its definer pays for what is left of its cost
        y[self._definer] = np.minimum(d[self._defined] / self._scale, 0.0)
        d = lp.true_cost - lp.matrix.T @ y
        self.last = replace(found, x=x, y=y, d=d, objective=lp.objective(x), seconds=time.perf_counter() - start)
        return self.last

    def add_delayed(self, answer: Answer) -> tuple[int, int]:
        """Let in the rows that an optimum misses and the columns it would use: how many of each."""
        assert self.inner is not None
        lp = self.lp
        out = np.flatnonzero(self.delayed)
        block = sparse.csr_array(lp.matrix.tocsr()[out])
        active = block @ answer.x
        size = 1.0 + np.abs(np.where(np.isfinite(lp.row_upper[out]), lp.row_upper[out], lp.row_lower[out]))
        missed = np.flatnonzero(np.maximum(lp.row_lower[out] - active, active - lp.row_upper[out]) > ROW_TOLERANCE * size)
        if len(missed):
            rows = out[missed]
            self.delayed[rows] = False
            self._present(block[missed], lp.row_lower[rows], lp.row_upper[rows], rows)
        used: Mask = answer.d[self.priced_out] < -REDUCED_COST_TOLERANCE
        columns = self.priced_out[used]
        self.priced_out = self.priced_out[~used]
        self.inner.set_column_bounds(columns, lp.col_lower[columns], lp.col_upper[columns])
        return len(missed), len(columns)

    # ---- what is left of it --------------------------------------------------------------------------------------------
    def basis(self) -> Any:
        """The basis of the last solve as one of the whole program."""
        assert self.inner is not None
        status = highspy.HighsBasisStatus
        found = self.inner.get_basis()
        columns = list(found.col_status)
        rows = [status.kBasic] * len(self.lp.row_lower)
        for number, one in zip(self._number.tolist(), found.row_status, strict=True):
            rows[number] = one
        for j, i in zip(self._defined.tolist(), self._definer.tolist(), strict=True):
            # delta at nothing: the cut presses, and theta is what it says
            rows[i] = status.kBasic if columns[j] == status.kBasic else status.kUpper
            columns[j] = status.kBasic
        basis = highspy.HighsBasis()
        basis.col_status, basis.row_status, basis.valid = columns, rows, found.valid
        return basis
