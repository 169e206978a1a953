"""Blocks of hours on a warm HiGHS: what `models.hours.coupled_subproblem` asks to have solved."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.solver.answer import SolverOptions, Status
from optimizer.solver.compile import compile_model
from optimizer.solver.linear_program import SolverError
from optimizer.solver.session import Session


class BlockSolver:
    """One compiled block whose numbers change from solve to solve; its basis is kept, or handed in."""

    def __init__(self, model: Any, options: SolverOptions) -> None:
        lp = compile_model(model)
        self.columns, self.rows, self.matrix = lp.columns, lp.rows, lp.matrix
        self.session = Session(options)
        self.session.load(lp)

    def solve(
        self,
        cost: np.ndarray,
        column_lower: np.ndarray,
        column_upper: np.ndarray,
        row_lower: np.ndarray,
        row_upper: np.ndarray,
        basis: Any,
    ) -> tuple[np.ndarray, np.ndarray, Any]:
        """(x, y, basis) at the optimum. Raises SolverError where there is none: no power used is always feasible."""
        session = self.session
        lp = session.lp
        if (cost != lp.cost).any():
            session.set_costs(cost)
        at = np.flatnonzero((column_lower != lp.col_lower) | (column_upper != lp.col_upper))
        session.set_column_bounds(at, column_lower[at], column_upper[at])
        at = np.flatnonzero((row_lower != lp.row_lower) | (row_upper != lp.row_upper))
        session.set_row_bounds(at, row_lower[at], row_upper[at])
        if basis is not None:
            session.set_basis(basis)
        answer = session.solve()
        if answer.status is not Status.OPTIMAL:
            raise SolverError(f"A block of hours ended {answer.status.value}. {answer.message}".strip())
        return answer.x, answer.y, session.get_basis()


def block_opener(seed: int = 0) -> Any:
    """What opens a block: model -> BlockSolver."""
    options = SolverOptions(seed=seed)
    return lambda model: BlockSolver(model, options)
