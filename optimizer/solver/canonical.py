"""One plan among equal optima: lexicographic minimisation over the exact optimal face.

Complementary slackness, with any optimal duals (y, d): a feasible x is optimal if and only if it sits at the bound of
every column with d_j != 0 and of every row with y_i != 0. Fixing those leaves exactly the optimal face, whichever
duals the solver happened to return, so the vertex reached at the end depends on the program alone. No row
"objective >= optimum - epsilon" is needed; such a row has a thickness, and its vertices move with it.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from optimizer.solver.answer import Answer, Status
from optimizer.solver.certificates import relative_residual
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Session

OBJECTIVE_TOLERANCE = 1e-9  # relative; the canonical plan must cost the same to this
ROUNDING = 1e-13  # of the largest money in the program: no price
AT_BOUND = 1e-7  # relative; how near its bound a priced column or row must be
FEASIBILITY_TOLERANCE = 1e-7  # relative; as in proof.verify_optimal


def fixed_order(n: int) -> np.ndarray:
    """Weights in [1, 2), one per column: 1 + splitmix64(k) / 2^64, the same on every machine and every version.

    Generic on purpose. Sequences with additive structure, such as frac(k * golden ratio), leave ties: on a grid of
    columns (site x demand) the exchange +a -b -c +d has a - b - c + d = 0, so its weights cancel exactly.
    The mixing function is Steele, Lea and Flood's (OOPSLA 2014), in Vigna's public-domain form.
    """
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return 1.0 + (z >> np.uint64(11)).astype(float) * 2.0**-53


def toward_bounds(lp: LinearProgram, weights: np.ndarray) -> np.ndarray:
    """Signs that make minimising the weights bounded: up for columns with only an upper bound, none for free ones.

    Free columns are what rows say they are (cash, values), so their ties break with the others'. One that rows leave
    loose stays loose: give it a level of its own if that happens.
    """
    upper_only = ~np.isfinite(lp.col_lower) & np.isfinite(lp.col_upper)
    free = ~np.isfinite(lp.col_lower) & ~np.isfinite(lp.col_upper)
    return np.where(free, 0.0, np.where(upper_only, -weights, weights))


def level_on_face(lp: LinearProgram, answer: Answer, level: np.ndarray, tolerance: float = 1e-9) -> LinearProgram:
    """The program of a level alone: its cost, minimised over the plans that are as good as the answer, an optimum of `lp`."""
    face = Face.of(lp, tolerance)
    face.fix(lp.true_cost, answer.x, answer.y)
    return dataclasses.replace(
        lp,
        cost=level * lp.cost_scale,
        offset=0.0,
        sense=1,
        col_lower=face.col_lower,
        col_upper=face.col_upper,
        row_lower=face.row_lower,
        row_upper=face.row_upper,
    )


@dataclasses.dataclass
class Face:
    """Bounds of the face so far; shrinks with every level."""

    lp: LinearProgram
    tolerance: float
    col_lower: np.ndarray
    col_upper: np.ndarray
    row_lower: np.ndarray
    row_upper: np.ndarray

    @classmethod
    def of(cls, lp: LinearProgram, tolerance: float) -> Face:
        """The whole program."""
        return cls(lp, tolerance, lp.col_lower.copy(), lp.col_upper.copy(), lp.row_lower.copy(), lp.row_upper.copy())

    def shrink(self, session: Session, cost: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        """`fix`, in the session too."""
        columns, rows = self.fix(cost, x, y)
        session.set_column_bounds(columns, self.col_lower[columns], self.col_upper[columns])
        session.set_row_bounds(rows, self.row_lower[rows], self.row_upper[rows])

    def fix(self, cost: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fix what has a price under (cost, y), where the plan x sits: (columns, rows) that are fixed from now on.

        "Has a price" is relative and free of units: d_j against the sum of the terms it is made of, |c_j| + sum_i
        |a_ij y_i|, and y_i against the same sum in the column where it weighs most. An absolute threshold would fail
        on small-money columns. Below `ROUNDING` of the largest such sum anything is rounding: a row whose price is
        zero may come back as 4e-16, and would be the whole price of a column that costs nothing.
        A price on a bound that x is away from is rounding as well (complementary slackness).
        """
        matrix = self.lp.matrix
        columns = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
        terms = np.abs(matrix.data * y[matrix.indices])
        size = np.abs(cost) + np.bincount(columns, weights=terms, minlength=matrix.shape[1])
        largest = float(size.max()) if size.size else 0.0
        size = np.maximum(size, largest * ROUNDING / self.tolerance)
        d = cost - matrix.T @ y
        weight = np.zeros(matrix.shape[0])
        if largest > 0:
            np.maximum.at(weight, matrix.indices, terms / size[columns])
        found = []
        for lower, upper, value, price in (
            (self.col_lower, self.col_upper, x, np.where(np.abs(d) > self.tolerance * size, d, 0.0)),
            (self.row_lower, self.row_upper, matrix @ x, np.where(weight > self.tolerance, y, 0.0)),
        ):
            at_lower = (price > 0) & (lower < upper) & _meets(value, lower)
            at_upper = (price < 0) & (lower < upper) & _meets(value, upper)
            upper[at_lower] = lower[at_lower]
            lower[at_upper] = upper[at_upper]
            found.append(np.flatnonzero(at_lower | at_upper))
        return found[0], found[1]


def _meets(value: np.ndarray, bound: np.ndarray) -> np.ndarray:
    return np.isfinite(bound) & (np.abs(value - bound) <= AT_BOUND * (1 + np.abs(bound)))


def canonical(
    session: Session, lp: LinearProgram, answer: Answer, lexicographic: list[np.ndarray], tolerance: float = 1e-9
) -> Answer:
    """The optimal plan that minimises the levels' costs one after the other, each on the face of those before.

    `lp` is what the session holds and `answer` its optimum. The duals and the objective stay those of `answer` (they
    price the new plan as well); the session gets its bounds, costs and basis back. Let the last level be
    `toward_bounds(lp, fixed_order(n))`, which leaves one vertex. `tolerance`: see `Face.shrink`.
    If the new plan is not feasible, or its objective not the optimum to 1e-9 relative, the face is tried again with a
    smaller tolerance; if that fails too, `answer` comes back with a message.
    """
    if answer.status is not Status.OPTIMAL:
        return answer
    if session.lp.matrix.shape != lp.matrix.shape or answer.y.shape != lp.row_lower.shape:
        raise ValueError(
            f"The session holds {session.lp.matrix.shape} rows and columns, lp {lp.matrix.shape}, "
            f"the answer {answer.y.shape} duals: use session.lp and its own answer."
        )
    basis = session.get_basis()
    problem = ""
    for attempt in (tolerance, tolerance * 1e-3):
        x, messages, iterations, seconds, problem = _descend(session, lp, answer, lexicographic, attempt)
        _restore(session, lp, basis)
        problem = problem or _difference(lp, answer, x)
        if not problem:
            return dataclasses.replace(
                answer,
                x=x,
                iterations=answer.iterations + iterations,
                seconds=answer.seconds + seconds,
                message=" ".join(filter(None, [answer.message, *messages])),
            )
    message = f"The plan is one of several equal ones: the canonical one failed its check ({problem})."
    return dataclasses.replace(answer, message=" ".join(filter(None, [answer.message, message])))


def _descend(
    session: Session, lp: LinearProgram, answer: Answer, lexicographic: list[np.ndarray], tolerance: float
) -> tuple[np.ndarray, list[str], int, float, str]:
    """Level by level on the warm session: (x, messages, iterations, seconds, problem or "")."""
    face = Face.of(lp, tolerance)
    x, messages, iterations, seconds = answer.x, [], 0, 0.0
    face.shrink(session, lp.true_cost, x, answer.y)
    for k, level in enumerate(lexicographic):
        level = np.asarray(level, dtype=float)
        size = np.abs(level).max() if level.size else 0.0
        if size == 0:
            continue
        # Largest weight one, and the program's own cost scale, so that a level is judged like the objective.
        level = level / size
        session.set_costs(level * lp.cost_scale)
        step = session.solve()
        if step.status is Status.OPTIMAL and relative_residual(session.lp, step.x) > FEASIBILITY_TOLERANCE:
            step = session.polished(step, OBJECTIVE_TOLERANCE)
        iterations += step.iterations
        seconds += step.seconds
        if step.status is not Status.OPTIMAL:
            messages.append(f"Level {k + 1} of the choice among equal plans ended {step.status.value}; left out.")
            if step.status is Status.INFEASIBLE:
                # The plan at hand lies on the face, so the face was cut too narrow.
                return x, messages, iterations, seconds, f"level {k + 1} has no plan"
            if step.status is Status.UNBOUNDED:
                continue
            break
        x = step.x
        face.shrink(session, level, x, step.y)
    return x, messages, iterations, seconds, ""


def _restore(session: Session, lp: LinearProgram, basis: object) -> None:
    session.set_costs(lp.cost)
    session.set_column_bounds(np.arange(len(lp.col_lower)), lp.col_lower, lp.col_upper)
    session.set_row_bounds(np.arange(len(lp.row_lower)), lp.row_lower, lp.row_upper)
    session.set_basis(basis)


def _difference(lp: LinearProgram, answer: Answer, x: np.ndarray) -> str:
    """Why x is not as good as the answer's plan; empty if it is."""
    off = abs(lp.objective(x) - answer.objective)
    # An objective that cancels to nothing is measured against its terms, as in proof.verify_optimal.
    size = max(abs(answer.objective), 1e-3 * math.fsum(np.abs(lp.true_cost * x)))
    if not off <= OBJECTIVE_TOLERANCE * size:
        return f"objective off by {off:.3g}"
    residual = relative_residual(lp, x)
    return "" if residual <= FEASIBILITY_TOLERANCE else f"a row is missed by {residual:.3g} relative"
