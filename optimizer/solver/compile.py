"""From a Pyomo model to a linear program, and a solution back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sparse

from models.effort import COMPILED_NONZERO, spend
from models.modelling import (
    Constraint,
    InfeasibleConstraintException,
    InvalidConstraintError,
    InvalidExpressionError,
    InvalidValueError,
    LinearStandardFormCompiler,
    Objective,
    Var,
    generate_standard_repn,
    maximize,
)
from optimizer.solver.answer import Answer
from optimizer.solver.linear_program import LinearProgram, SolverError, SolverInputError, check_numbers, is_finite, listed, refuse


def compile_model(model: Any, cost_scale: float = 1.0) -> LinearProgram:
    """The active rows, columns and objective of a Pyomo model, each number checked.

    A range constraint is one row. A declared variable that no row mentions becomes an empty column, so it gets a
    value. No objective: cost zero. Raises SolverInputError for what is not a finite linear program.
    """
    if not (math.isfinite(cost_scale) and cost_scale > 0):
        raise SolverInputError(f"cost_scale must be positive and finite. Currently it is {cost_scale}.")
    try:
        form, impossible = _standard_form(model)
        rhs = np.array(form.rhs, dtype=float)
        offsets = np.array(form.c_offset, dtype=float)
    except (InvalidValueError, TypeError) as error:
        raise SolverInputError(_invalid_number(model) or str(error)) from error
    except (InvalidConstraintError, InvalidExpressionError) as error:
        raise SolverInputError(str(error)) from error
    if len(form.objectives) > 1:
        names = ", ".join(o.name for o in form.objectives)
        raise SolverInputError(f"The model has {len(form.objectives)} active objectives ({names}); it can have one.")

    columns = list(form.columns)
    seen = {id(v) for v in columns}
    idle = [v for v in model.component_data_objects(Var, active=True) if id(v) not in seen and not v.fixed]
    columns += idle
    n = len(columns)

    first, row_lower, row_upper = _one_row_per_constraint(form.rows, rhs)
    matrix = sparse.csc_array(form.A.tocsr()[first] if len(first) < len(form.rows) else form.A, dtype=float)
    matrix = sparse.csc_array(
        (matrix.data, matrix.indices, np.append(matrix.indptr, np.full(len(idle), matrix.indptr[-1]))),
        shape=(len(first) + len(impossible), n),
    )
    spend(COMPILED_NONZERO * matrix.nnz)
    sense = -1 if form.objectives and form.objectives[0].sense == maximize else 1
    cost = np.zeros(n)
    if form.objectives:
        cost[: len(form.columns)] = form.c.toarray()[0]  # Pyomo has negated a maximisation already

    col_lower, col_upper = _column_bounds(columns)
    lp = LinearProgram(
        cost=cost * cost_scale,
        offset=float(offsets[0]) * cost_scale if form.objectives else 0.0,
        matrix=matrix,
        row_lower=np.append(row_lower, [lower for _, lower, _ in impossible]),
        row_upper=np.append(row_upper, [upper for _, _, upper in impossible]),
        col_lower=col_lower,
        col_upper=col_upper,
        sense=sense,
        columns=columns,
        rows=[form.rows[i].constraint for i in first] + [constraint for constraint, _, _ in impossible],
        cost_scale=cost_scale,
    )
    check_numbers(lp)
    return lp


def _standard_form(model: Any) -> tuple[Any, list[tuple[Any, float, float]]]:
    """Pyomo's standard form, and the constraints without variables that do not hold: (constraint, lower, upper).

    Pyomo raises at the first of those. Here each becomes an empty row, so the model is infeasible with a proof.
    """
    try:
        return LinearStandardFormCompiler().write(model, mixed_form=True), []
    except InfeasibleConstraintException:
        impossible = []
    for constraint in model.component_data_objects(Constraint, active=True):
        lower, body, upper = constraint.to_bounded_expression(evaluate_bounds=True)
        repn = generate_standard_repn(body, compute_values=True)
        if repn.is_constant():
            low = -math.inf if lower is None else lower - repn.constant
            high = math.inf if upper is None else upper - repn.constant
            if not low <= 0 <= high:
                impossible.append((constraint, low, high))
    try:
        for constraint, _, _ in impossible:
            constraint.deactivate()
        return LinearStandardFormCompiler().write(model, mixed_form=True), impossible
    finally:
        for constraint, _, _ in impossible:
            constraint.activate()


def _one_row_per_constraint(entries: list, rhs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the first form row of each constraint, and its lower and upper bound (a range comes as two rows)."""
    first: list[int] = []
    lower: list[float] = []
    upper: list[float] = []
    last = None
    for i, (constraint, kind) in enumerate(entries):
        if constraint is not last:
            first.append(i)
            lower.append(-np.inf)
            upper.append(np.inf)
            last = constraint
        if kind <= 0:
            lower[-1] = rhs[i]
        if kind >= 0:
            upper[-1] = rhs[i]
    return np.array(first, dtype=int), np.array(lower, dtype=float), np.array(upper, dtype=float)


def _column_bounds(columns: list) -> tuple[np.ndarray, np.ndarray]:
    lower = np.full(len(columns), -np.inf)
    upper = np.full(len(columns), np.inf)
    faults = []
    for j, v in enumerate(columns):
        if not v.is_continuous():
            faults.append(f"{v.name}: is declared {v.domain.name}; this is a linear program, only reals are solved")
            continue
        try:
            lo, up = v.bounds
        except ValueError as error:  # Pyomo refuses NaN bounds here and names the variable
            faults.append(str(error))
            continue
        if lo is not None:
            lower[j] = lo
        if up is not None:
            upper[j] = up
    refuse(faults)
    return lower, upper


def _invalid_number(model: Any) -> str:
    """Where Pyomo met a number it cannot emit: found by a second, slower walk."""
    faults = []
    for component in model.component_data_objects((Objective, Constraint), active=True):
        expression = component.expr if component.ctype is Objective else component.body
        try:
            repn = generate_standard_repn(expression, compute_values=True)
        except Exception as error:  # any failure here is only part of the message
            faults.append(f"{component.name}: {error}")
            continue
        for variable, value in zip(repn.linear_vars, repn.linear_coefs, strict=True):
            if not is_finite(value):
                faults.append(f"{component.name}: coefficient of {variable.name} is {value}")
        if not is_finite(repn.constant):
            faults.append(f"{component.name}: constant is {repn.constant}")
    return listed(faults)


def suggest_cost_scale(lp: LinearProgram, smallest: float = 1e-2, largest: float = 1e6) -> float:
    """A power of ten for `compile_model(cost_scale=...)`, relative to lp's own scale: multiply the two.

    HiGHS's dual tolerance is absolute, so a column whose reduced cost stays below it is never priced. The money of a
    column is its own |cost|; a column without one borrows it through rows (theta = sum 5e-5 x_h, theta costs 1, so
    each x_h is worth 5e-5): money_j = max_i |a_ij| max_k money_k / |a_ik|, repeated a few times. Chosen is the power
    nearest to 1 that brings the smallest money to `smallest` or more (1e-9 tolerance: seven digits), unless that
    lifts the largest cost over `largest`. A heuristic; the verification of the answer is what decides.
    """
    money = np.abs(lp.cost)
    if not money.any():
        return 1.0
    entries = sparse.coo_array(lp.matrix)
    i, j, size = entries.row, entries.col, np.abs(entries.data)
    size_ok = size > 0
    i, j, size = i[size_ok], j[size_ok], size[size_ok]
    for _ in range(5):
        price = np.zeros(lp.matrix.shape[0])
        np.maximum.at(price, i, money[j] / size)
        reached = np.zeros_like(money)
        np.maximum.at(reached, j, price[i] * size)
        new = (money == 0) & (reached > 0)
        if not new.any():
            break
        money[new] = reached[new]
    need = math.ceil(math.log10(smallest) - math.log10(float(money[money > 0].min())) - 1e-12)
    room = math.floor(math.log10(largest) - math.log10(float(np.abs(lp.cost).max())) + 1e-12)
    return 10.0 ** min(max(0, need), room)


def load_into_model(lp: LinearProgram, answer: Answer) -> None:
    """Set the value of every Pyomo variable of the program to the answer's x."""
    if answer.x.shape != (len(lp.columns),) or not np.isfinite(answer.x).all():
        raise SolverError(f"No plan to load: the answer is {answer.status.value}. {answer.message}".strip())
    for variable, value in zip(lp.columns, answer.x.tolist(), strict=True):
        variable.set_value(value, skip_validation=True)  # a bound missed by 1e-12 is not an error here
        variable.stale = False
