"""A linear program as arrays, checked for what is not a number."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sparse

INFINITY = 1e20  # HiGHS reads any bound or cost of this size as infinite
LARGEST_COEFFICIENT = 1e15  # HiGHS refuses matrix entries from here on
NAMED_AT_MOST = 5  # offenders listed in one error message


class SolverError(RuntimeError):
    """HiGHS refused a call or an option. A bug or a bad setting, never a property of the case."""


class SolverInputError(ValueError):
    """The model holds a number that no linear program may hold; the message names row and column."""


@dataclass(frozen=True, eq=False)
class LinearProgram:
    """A minimisation in arrays. `cost` and `offset` carry `sense` and `cost_scale`; x, rows and bounds are unscaled."""

    cost: np.ndarray  # (n,) objective per unit of x, times sense, times cost_scale
    offset: float  # constant of the objective, times sense, times cost_scale
    matrix: sparse.csc_array  # (m, n)
    row_lower: np.ndarray
    row_upper: np.ndarray
    col_lower: np.ndarray
    col_upper: np.ndarray
    sense: int = 1  # +1: the model minimises; -1: it maximises and cost is negated already
    columns: list = field(default_factory=list, repr=False)  # Pyomo VarData, in column order; may be empty
    rows: list = field(default_factory=list, repr=False)  # Pyomo ConstraintData, in row order; shorter if cuts follow
    cost_scale: float = 1.0

    @cached_property
    def number(self) -> dict[int, int]:
        """Column of each Pyomo variable, by the variable's id."""
        return {id(variable): j for j, variable in enumerate(self.columns)}

    @property
    def true_cost(self) -> np.ndarray:
        """Cost without the scale, still as a minimisation."""
        return self.cost / self.cost_scale

    def objective(self, x: np.ndarray) -> float:
        """What the Pyomo objective evaluates to at x: own sense, unscaled, offset included."""
        return self.sense * (math.fsum(self.cost * x) + self.offset) / self.cost_scale + 0.0

    def row_name(self, i: int) -> str:
        return self.rows[i].name if i < len(self.rows) and self.rows[i] is not None else f"row {i}"

    def column_name(self, j: int) -> str:
        return self.columns[j].name if j < len(self.columns) else f"column {j}"


def is_finite(value: Any) -> bool:
    """Whether this is a number, and a finite one."""
    try:
        return math.isfinite(value)
    except (TypeError, ValueError):
        return False


def check_numbers(lp: LinearProgram) -> None:
    """Every number finite (bounds may be infinite on their own side), else SolverInputError with all the places."""
    m, n = lp.matrix.shape
    sizes = {"cost": n, "col_lower": n, "col_upper": n, "row_lower": m, "row_upper": m}
    refuse(
        [
            f"{name} has shape {getattr(lp, name).shape}, expected ({size},)"
            for name, size in sizes.items()
            if getattr(lp, name).shape != (size,)
        ]
    )
    faults = []
    with np.errstate(invalid="ignore"):
        for k in np.flatnonzero(~(np.abs(lp.matrix.data) < LARGEST_COEFFICIENT)):
            j = int(np.searchsorted(lp.matrix.indptr, k, side="right")) - 1
            row = lp.row_name(int(lp.matrix.indices[k]))
            faults.append(f"{row}: coefficient of {lp.column_name(j)} is {lp.matrix.data[k]}")
        for column in np.flatnonzero(~(np.abs(lp.cost) < INFINITY)).tolist():
            faults.append(f"objective: coefficient of {lp.column_name(column)} is {lp.true_cost[column]}")
        if not math.isfinite(lp.offset):
            faults.append(f"objective: constant is {lp.offset}")
        faults += _bad_bounds(lp.row_lower, lp.row_upper, lp.row_name)
        faults += _bad_bounds(lp.col_lower, lp.col_upper, lp.column_name)
    refuse(faults)


def _bad_bounds(lower: np.ndarray, upper: np.ndarray, name: Any) -> list[str]:
    faults = [f"{name(int(i))}: lower bound is {lower[i]}" for i in np.flatnonzero(~(lower < INFINITY))]
    return faults + [f"{name(int(i))}: upper bound is {upper[i]}" for i in np.flatnonzero(~(upper > -INFINITY))]


def listed(faults: list[str]) -> str:
    """Faults as one message, the first few by name; empty where there are none."""
    more = f"\n  and {len(faults) - NAMED_AT_MOST} more" if len(faults) > NAMED_AT_MOST else ""
    return "\n  ".join(["Not a finite linear program:", *faults[:NAMED_AT_MOST]]) + more if faults else ""


def refuse(faults: list[str]) -> None:
    """Raise SolverInputError with what is wrong with a program, if anything is."""
    if faults:
        raise SolverInputError(listed(faults))


def _bound_pair(lower: Any, upper: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Checked bounds; a pair crossed by rounding only (1e-12 relative) is joined, since HiGHS calls it infeasible."""
    lower, upper = np.array(lower, dtype=float), np.array(upper, dtype=float)
    if lower.shape != upper.shape:
        raise SolverInputError(f"{what}: {lower.shape[0]} lower bounds but {upper.shape[0]} upper bounds")
    refuse(_bad_bounds(lower, upper, lambda i: f"{what} {i}"))
    with np.errstate(invalid="ignore"):
        rounding = (lower > upper) & (lower - upper <= 1e-12 * (1 + np.abs(lower)))
    upper[rounding] = lower[rounding]
    return np.where(lower <= -INFINITY, -np.inf, lower), np.where(upper >= INFINITY, np.inf, upper)
