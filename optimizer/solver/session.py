"""Arrays -> HiGHS -> answer: one warm solver. The only module that runs HiGHS.

Inside, every program is a minimisation:

    min cost'x + offset    with  row_lower <= A x <= row_upper,  col_lower <= x <= col_upper

and the duals follow one convention: y >= 0 where a lower row bound presses, y <= 0 where an upper one does, and the
reduced cost is d = cost - A'y. For a model that maximises, multiply y and d by `LinearProgram.sense` to get "what the
model's own objective gains per unit".
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sparse

from models.effort import spend
from models.stopwatch import timed
from optimizer.runtime.interrupts import Watch
from optimizer.solver.answer import Answer, SolverOptions, Status
from optimizer.solver.certificates import relative_residual, verify_infeasible, verify_unbounded
from optimizer.solver.highs_tables import STATUS, claim_scheduler, standing
from optimizer.solver.linear_program import (
    LARGEST_COEFFICIENT,
    LinearProgram,
    SolverError,
    SolverInputError,
    _bound_pair,
    check_numbers,
    refuse,
)
from optimizer.solver.phase_one import crossed_ray, directions, phase_one

#: rows of a warm program from which exact edge weights (a solve with the basis for every row) cost more than the iterations they save
DEVEX_ROWS = 2_000
#: iterations with approximate weights, which now and then lead nowhere, after which the exact ones take over: so many, and one more
#: for every four rows unless there are more rows than such a run is worth
DEVEX_ITERATIONS, DEVEX_WORTHWHILE_ROWS = 2_000, 60_000
#: work (steps times nonzeros) and times the steps of a cold run after which a warm run is given up; counted, as a clock would tell how busy
#: the machine is
PATIENCE_WORK, PATIENCE_COLD_RUNS = 5e7, 3.0
#: the same of a brief run
BRIEF_PATIENCE = 1.5e7, 1.0
#: nonzeros below which a step costs no less
STEP_NONZEROS = 2_000
#: steps that a cold run takes at least, and more for each row and column: before there was one, and by interior point, whose steps are few
COLD_STEPS, COLD_STEPS_SHARE = 1_500, 0.1
#: what is missed by a plan is magnified so much, and so often, before it is solved away
MAGNIFIER, MAGNIFICATIONS = 1e3, 3
#: steps of the simplex method that one of interior point counts for in `models.effort`: it factors the whole program
INTERIOR_POINT_STEPS = 50
#: HiGHS's numbers of simplex methods
DUAL_SIMPLEX, PRIMAL_SIMPLEX = 1, 4


#: (numbers, lower, upper) of columns or rows
Bounds = tuple[np.ndarray, np.ndarray, np.ndarray]


class Session:
    """One silent HiGHS instance that keeps its basis between solves."""

    def __init__(self, options: SolverOptions | None = None) -> None:
        self.options = options or SolverOptions()
        if self.options.method not in ("simplex", "ipm", "choose"):
            raise SolverError(f"method must be simplex, ipm or choose. Currently it is {self.options.method!r}.")
        if self.options.time_limit is not None and not self.options.time_limit >= 0:
            raise SolverError(f"time_limit must be >= 0 seconds. Currently it is {self.options.time_limit}.")
        self._highs: Any = highspy.Highs()  # its stubs lack the ray calls
        self._watch = Watch()
        self._highs.cbSimplexInterrupt += self._watch.look
        self._highs.cbIpmInterrupt += self._watch.look
        self._set("output_flag", False)
        self._set("random_seed", self.options.seed)
        self._set("threads", self.options.threads)
        self._set("parallel", "off" if self.options.threads == 1 else "choose")
        self._set("primal_feasibility_tolerance", self.options.primal_tolerance)
        self._set("dual_feasibility_tolerance", self.options.dual_tolerance)
        self._set("run_crossover", "on")
        self._set("small_matrix_value", 1e-12)  # the default, 1e-9, drops hourly coefficients without an error
        self._set("allow_unbounded_or_infeasible", False)
        self._lp: LinearProgram | None = None
        self._warm = False
        self._cold = 0  # steps that a cold run took
        self.last: Answer | None = None  # of the last solve

    # -- the program ---------------------------------------------------------------------------------------------

    @property
    def lp(self) -> LinearProgram:
        """The program that HiGHS holds now: added rows, changed costs and bounds included. Verify against this."""
        if self._lp is None:
            raise SolverError("No program is loaded.")
        return self._lp

    def load(self, lp: LinearProgram) -> None:
        check_numbers(lp)
        row_lower, row_upper = _bound_pair(lp.row_lower, lp.row_upper, "row")
        col_lower, col_upper = _bound_pair(lp.col_lower, lp.col_upper, "column")
        matrix = sparse.csc_array(lp.matrix, dtype=float)
        matrix.sum_duplicates()
        m, n = matrix.shape
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = n, m
        program.col_cost_ = np.asarray(lp.cost, dtype=float)
        program.col_lower_, program.col_upper_ = col_lower, col_upper
        program.row_lower_, program.row_upper_ = row_lower, row_upper
        program.offset_ = 0.0
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.num_col_, program.a_matrix_.num_row_ = n, m
        program.a_matrix_.start_ = matrix.indptr.astype(np.int32)
        program.a_matrix_.index_ = matrix.indices.astype(np.int32)
        program.a_matrix_.value_ = matrix.data
        self._check(self._highs.passModel(program), "passModel")
        self._lp = dataclasses.replace(
            lp, matrix=matrix, row_lower=row_lower, row_upper=row_upper, col_lower=col_lower, col_upper=col_upper
        )
        self._warm = False

    def add_rows(self, lower: Any, upper: Any, rows: Any) -> None:
        """Append rows lower <= rows @ x <= upper (csr, k by n). The basis stays: the next solve starts from it."""
        lp = self.lp
        lower, upper = _bound_pair(lower, upper, "new row")
        block = sparse.csr_array(rows, dtype=float)
        block.sum_duplicates()
        if block.shape != (len(lower), len(lp.cost)):
            raise SolverInputError(f"New rows have shape {block.shape}, expected {(len(lower), len(lp.cost))}.")
        bad = np.flatnonzero(~(np.abs(block.data) < LARGEST_COEFFICIENT))
        at = np.searchsorted(block.indptr, bad, side="right") - 1
        refuse(
            [
                f"new row {i}: coefficient of {lp.column_name(int(block.indices[k]))} is {block.data[k]}"
                for i, k in zip(at, bad, strict=True)
            ]
        )
        if not len(lower):
            return
        self._check(
            self._highs.addRows(
                len(lower),
                np.where(np.isinf(lower), -highspy.kHighsInf, lower),
                np.where(np.isinf(upper), highspy.kHighsInf, upper),
                block.nnz,
                block.indptr[:-1].astype(np.int32),
                block.indices.astype(np.int32),
                block.data,
            ),
            "addRows",
        )
        self._lp = dataclasses.replace(
            lp,
            matrix=sparse.csc_array(sparse.vstack([lp.matrix, block], format="csc")),
            row_lower=np.concatenate([lp.row_lower, lower]),
            row_upper=np.concatenate([lp.row_upper, upper]),
        )

    def set_costs(self, cost: np.ndarray) -> None:
        """Replace the whole cost vector; in the units of `lp.cost` (minimised, scaled)."""
        cost = np.array(cost, dtype=float)
        lp = dataclasses.replace(self.lp, cost=cost)
        check_numbers(lp)
        self._check(self._highs.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost), "changeColsCost")
        self._lp = lp

    def set_column_bounds(self, index: Any, lower: Any, upper: Any) -> None:
        self._set_bounds("col", "changeColsBounds", index, lower, upper)

    def set_row_bounds(self, index: Any, lower: Any, upper: Any) -> None:
        self._set_bounds("row", "changeRowsBounds", index, lower, upper)

    def _set_bounds(self, kind: str, call: str, index: Any, lower: Any, upper: Any) -> None:
        index = np.asarray(index, dtype=np.int32)
        if not len(index):
            return
        lower, upper = _bound_pair(lower, upper, {"col": "column", "row": "row"}[kind])
        self._check(getattr(self._highs, call)(len(index), index, lower, upper), call)
        all_lower, all_upper = getattr(self.lp, f"{kind}_lower").copy(), getattr(self.lp, f"{kind}_upper").copy()
        all_lower[index], all_upper[index] = lower, upper
        changes: dict[str, Any] = {f"{kind}_lower": all_lower, f"{kind}_upper": all_upper}
        self._lp = dataclasses.replace(self.lp, **changes)

    def set_coefficients(self, rows: Any, columns: Any, values: Any) -> None:
        """Replace entries of the matrix that are there; the basis stays."""
        values = np.array(values, dtype=float)
        refuse([f"coefficient is {v}" for v in values[~(np.abs(values) < LARGEST_COEFFICIENT)]])
        matrix = self.lp.matrix.copy()
        for row, column, value in zip(rows, columns, values, strict=True):
            start, end = matrix.indptr[column], matrix.indptr[column + 1]
            at = start + np.flatnonzero(matrix.indices[start:end] == row)
            if len(at) != 1:
                raise SolverInputError(f"{self.lp.row_name(int(row))} has no coefficient of {self.lp.column_name(int(column))}.")
            matrix.data[at[0]] = value
            self._check(self._highs.changeCoeff(int(row), int(column), float(value)), "changeCoeff")
        self._lp = dataclasses.replace(self.lp, matrix=matrix)

    def get_basis(self) -> Any:
        """The basis of the last solve, to hand back to `set_basis` when a detour is over."""
        return self._highs.getBasis()

    def set_basis(self, basis: Any) -> None:
        """Start the next solve from a basis of this program; rows added since it was taken are slack in it."""
        if not basis.valid:
            self.forget_basis()
            return
        more = len(self.lp.row_lower) - len(basis.row_status)
        if more > 0:
            basis.row_status = [*basis.row_status, *[highspy.HighsBasisStatus.kBasic] * more]
        self._check(self._highs.setBasis(basis), "setBasis")
        self._warm = True

    def map_basis(self, other: Session, columns: np.ndarray) -> None:
        """Begin where another session with the same rows ended. columns: number in the other of each column here, -1 for a new one."""
        basis, end = highspy.HighsBasis(), other.get_basis()
        if not end.valid:
            return
        theirs = [*end.col_status, highspy.HighsBasisStatus.kLower]  # a new column stands at its lower bound
        basis.col_status = [theirs[k] for k in columns.tolist()]
        basis.row_status = end.row_status
        basis.valid = True
        self.set_basis(basis)

    def forget_basis(self) -> None:
        """The next solve is cold, so `method` and `presolve` apply to it again."""
        self._check(self._highs.clearSolver(), "clearSolver")
        self._warm = False

    @contextmanager
    def changed(
        self, columns: Bounds | None = None, rows: Bounds | None = None, cost: np.ndarray | None = None
    ) -> Iterator[None]:
        """For a while other bounds and costs, each as (numbers, lower, upper) and the whole vector. What was is put back, and the basis."""
        lp, basis = self.lp, self.get_basis()
        if columns is not None:
            self.set_column_bounds(*columns)
        if rows is not None:
            self.set_row_bounds(*rows)
        if cost is not None:
            self.set_costs(cost)
        try:
            yield
        finally:
            if cost is not None:
                self.set_costs(lp.cost)
            if columns is not None:
                self.set_column_bounds(columns[0], lp.col_lower[columns[0]], lp.col_upper[columns[0]])
            if rows is not None:
                self.set_row_bounds(rows[0], lp.row_lower[rows[0]], lp.row_upper[rows[0]])
            self.set_basis(basis)

    def limit_time(self, deadline: float | None) -> None:
        """From now on every run stops at this time of time.perf_counter(), and at no other limit; None: at none."""
        self.options = dataclasses.replace(self.options, time_limit=None, deadline=deadline)

    def drop_basis(self) -> None:
        """What is asked next lies far off: a large program is then solved from nothing before a walk there from the basis at hand has begun."""
        if self.options.method == "ipm":
            self.forget_basis()

    # -- the solve -----------------------------------------------------------------------------------------------

    def solve(self, primal: bool = False, brief: bool = False) -> Answer:
        """Solve from the basis at hand; infeasible and unbounded come with a ray that was checked by arithmetic.

        primal: since the last optimum nothing but costs has changed, so that its plan is feasible, and its duals are not. brief: a warm run
        that finds no plan soon is taken for one that has none: no proof is looked for.
        """
        start = time.perf_counter()
        lp = self.lp
        if (lp.row_lower > lp.row_upper).any() or (lp.col_lower > lp.col_upper).any():
            return self._answer(Status.INFEASIBLE, start, 0, ray=crossed_ray(lp), message="Bounds cross.")
        if not len(lp.cost):
            return self._without_columns(start)

        method = "simplex" if self._warm else self.options.method
        model_status, iterations = self._run(method, self.options.presolve, primal and self._warm, brief)
        messages = []
        if model_status == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            model_status, more = self._run("simplex", presolve=False, brief=brief)
            iterations += more
        tired = self._watch.tired
        if brief and (tired or model_status == highspy.HighsModelStatus.kInfeasible):
            self._warm = False
            return self._answer(Status.INFEASIBLE, start, iterations, message="Taken for infeasible.")
        status = Status.ERROR if tired else STATUS.get(model_status, Status.ERROR)
        # Tight tolerances can leave a run at "unknown": again, cold, by other paths (simplex may cycle where interior point sees at once).
        others = [("simplex", not self.options.presolve), ("ipm", True), ("ipm", False)]
        for method, presolve in (others[1], others[0], others[2]) if tired or brief else others:
            if status is not Status.ERROR:
                break
            how = "in no time" if self._watch.tired else self._highs.modelStatusToString(model_status)
            messages.append(f"A run ended {how}; solved again cold by {method}.")
            self.forget_basis()
            model_status, more = self._run(method, presolve, brief=brief)
            iterations += more
            status = STATUS.get(model_status, Status.ERROR)
        self._warm = status is Status.OPTIMAL
        if status is Status.INFEASIBLE:
            return self._infeasible(start, iterations, messages)
        if status is Status.UNBOUNDED:
            return self._unbounded(start, iterations, messages)
        if status is not Status.OPTIMAL:
            late = model_status == highspy.HighsModelStatus.kInterrupt  # by the deadline: Ctrl-C does not come here
            messages.append(f"HiGHS stopped: {'Time is up' if late else self._highs.modelStatusToString(model_status)}.")
        solution = self._highs.getSolution()
        x = np.array(solution.col_value, dtype=float) if solution.value_valid else None
        y = np.array(solution.row_dual, dtype=float) / lp.cost_scale if solution.dual_valid else None
        if status is Status.OPTIMAL and (x is None or y is None):
            status, messages = Status.ERROR, [*messages, "HiGHS reported optimal without a solution."]
        return self._answer(status, start, iterations, x, y, message=" ".join(messages))

    def refined(self, answer: Answer) -> Answer:
        """The last optimum with the duals of its basis to the last digit (`refine`); as it is where this session holds no basis of it."""
        basis = self._basis_of(answer)
        if basis is None:
            return answer
        from optimizer.solver.refine import refined_duals

        basic = [np.array([s == highspy.HighsBasisStatus.kBasic for s in of]) for of in (basis.col_status, basis.row_status)]
        y = refined_duals(self.lp, answer.y, *basic) + 0.0
        self.last = dataclasses.replace(answer, y=y, d=self.lp.true_cost - self.lp.matrix.T @ y)
        return self.last

    def polished(self, answer: Answer, tolerance: float, brief: bool = False) -> Answer:
        """The last optimum with plan and duals of its basis to the last digit, of another basis where that one misses a row or bound.

        tolerance: relative, as `certificates.relative_residual`. brief: as in `solve`. HiGHS measures what is missed in a program that it has
        scaled. What is left of it here is magnified (`_magnified`) and solved away from the basis at hand, at most `MAGNIFICATIONS` times.
        Of all plans on the way the one that misses least comes back; the answer itself where this session holds no basis of it or nothing
        misses less.
        """
        if self._basis_of(answer) is None:
            return answer
        best, basis, least = answer, self.get_basis(), relative_residual(self.lp, answer.x)
        for more in reversed(range(MAGNIFICATIONS + 1)):
            answer = self._exact(answer)
            missed = relative_residual(self.lp, answer.x)
            if missed < least:
                best, basis, least = answer, self.get_basis(), missed
            if least <= tolerance or not more:
                break
            answer = self._magnified(answer, brief)
            if answer.status is not Status.OPTIMAL:
                break
        self.set_basis(basis)
        self.last = best
        return best

    def _exact(self, answer: Answer) -> Answer:
        """The last optimum as its basis says, plan and duals."""
        basis = self._basis_of(answer)
        if basis is None:
            return answer
        from optimizer.solver.refine import refined_plan

        lp = self.lp
        at = (standing(basis.col_status, lp.col_lower, lp.col_upper), standing(basis.row_status, lp.row_lower, lp.row_upper))
        x = refined_plan(lp, answer.x, *at) + 0.0
        self.last = dataclasses.replace(answer, x=x, objective=lp.objective(x))
        return self.refined(self.last)

    def _magnified(self, answer: Answer, brief: bool) -> Answer:
        """The optimum from the basis of an answer, found in steps away from its plan x:  z = `MAGNIFIER` (x' - x)  within the same rows.

        Bounds become MAGNIFIER (bound - x), so what is missed is a thousand times as large and the tolerance of HiGHS a thousandth. The
        duals are those of the program itself. Bounds are put back; the basis stays.
        """
        lp, x = self.lp, answer.x
        every, rows = np.arange(len(lp.cost)), np.arange(len(lp.row_lower))
        activity = (lp.matrix.astype(np.longdouble) @ x.astype(np.longdouble)).astype(float)
        self.set_column_bounds(every, MAGNIFIER * (lp.col_lower - x), MAGNIFIER * (lp.col_upper - x))
        self.set_row_bounds(rows, MAGNIFIER * (lp.row_lower - activity), MAGNIFIER * (lp.row_upper - activity))
        step = self.solve(brief=brief)
        self.set_column_bounds(every, lp.col_lower, lp.col_upper)
        self.set_row_bounds(rows, lp.row_lower, lp.row_upper)
        if step.status is not Status.OPTIMAL:
            return step
        moved = x + step.x / MAGNIFIER
        self._warm = True
        self.last = dataclasses.replace(
            step,
            x=moved,
            objective=lp.objective(moved),
            iterations=answer.iterations + step.iterations,
            seconds=answer.seconds + step.seconds,
            message=answer.message,
        )
        return self.last

    def _basis_of(self, answer: Answer) -> Any:
        """The basis of an optimum, if it is the last one and this session holds it; else None."""
        if answer is not self.last or answer.status is not Status.OPTIMAL or not self._warm or not len(self.lp.cost):
            return None
        basis = self._highs.getBasis()
        return basis if basis.valid else None

    @timed("highs")
    def _run(self, method: str, presolve: bool, primal: bool = False, brief: bool = False) -> tuple[Any, int]:
        self._set("simplex_strategy", PRIMAL_SIMPLEX if primal or self.options.primal else DUAL_SIMPLEX)
        # "ipm" would be another algorithm (HiPO) where its package happens to be installed: the same path everywhere
        self._set("solver", "ipx" if method == "ipm" else method)
        self._set("presolve", "on" if presolve else "off")
        rows = len(self.lp.row_lower)
        if not self._warm:
            self._watch.begin(None)
            found = self._weighted(-1)
            self._cold = max(self._cold, self._watch.looks)
            return found
        # where there is no plan, free columns can keep HiGHS from seeing that, and it then starts anew with every step
        self._watch.begin(self._patience(BRIEF_PATIENCE if brief and not primal else (PATIENCE_WORK, PATIENCE_COLD_RUNS)))
        if rows < DEVEX_ROWS:
            return self._weighted(-1)
        status, first = self._weighted(1, most=DEVEX_ITERATIONS + (rows // 4 if rows <= DEVEX_WORTHWHILE_ROWS else 0))
        if status != highspy.HighsModelStatus.kIterationLimit:
            return status, first
        status, more = self._weighted(-1)
        return status, first + more

    def _patience(self, most: tuple[float, float]) -> float:
        """Steps after which a warm run is given up: the same wherever it is solved. most: as PATIENCE_WORK, PATIENCE_COLD_RUNS."""
        work, times = most
        rows, columns = self.lp.matrix.shape
        return work / max(self.lp.matrix.nnz, STEP_NONZEROS) + times * max(
            self._cold, COLD_STEPS + COLD_STEPS_SHARE * (rows + columns)
        )

    def _weighted(self, weights: int, most: int = highspy.kHighsIInf) -> tuple[Any, int]:
        """(status, iterations) of a run with HiGHS's own choice of dual edge weights (-1) or Devex (1), of at most so many iterations."""
        self._set("simplex_dual_edge_weight_strategy", weights)
        self._set("simplex_iteration_limit", most)
        # HiGHS counts the limit from the birth of the instance, over all its runs.
        self._set("time_limit", self._highs.getRunTime() + self._seconds())
        claim_scheduler(self.options.threads)
        if self._go() == highspy.HighsStatus.kError:
            # Somebody else in this process may have started the scheduler with another number of threads; HiGHS then
            # fails the run but leaves the previous model status standing.
            highspy.Highs.resetGlobalScheduler(True)
            if self._go() == highspy.HighsStatus.kError:
                # a run can fail after its own presolve; the caller tries other paths
                return highspy.HighsModelStatus.kSolveError, 0
        info = self._highs.getInfo()
        counts = (info.simplex_iteration_count, info.ipm_iteration_count, info.crossover_iteration_count)
        steps, inner, crossed = (max(0, int(count)) for count in counts)
        spend((steps + INTERIOR_POINT_STEPS * inner + crossed) * max(self.lp.matrix.nnz, STEP_NONZEROS))
        return self._highs.getModelStatus(), steps + inner + crossed

    def _seconds(self) -> float:
        """What is left for a run."""
        limit = math.inf if self.options.time_limit is None else self.options.time_limit
        return limit if self.options.deadline is None else min(limit, max(self.options.deadline - time.perf_counter(), 0.0))

    def _go(self) -> Any:
        """Run HiGHS; it hears Ctrl-C and the deadline on its way. Raises KeyboardInterrupt."""
        with self._watch.until(self.options.deadline, self.options.pulse):
            return self._highs.run()

    def _infeasible(self, start: float, iterations: int, messages: list[str]) -> Answer:
        """Farkas vector: HiGHS's own if it proves anything, else from a run without presolve and costs, else from phase one; of a large
        program from phase one first."""
        lp = self.lp
        ray = self._proved_ray()
        violation = math.nan
        large = self.options.method == "ipm" or bool(messages)  # or simplex has failed here
        if ray is None and large:
            # tens of thousands of simplex iterations on their way to a ray take minutes where interior point takes a second
            ray, violation = self._elastic_ray()
            ray = ray if ray is not None and verify_infeasible(lp, ray).verified else None
        if ray is None:
            more, ray = self._costless_ray()
            iterations += more
        if ray is None:
            if not large:
                ray, violation = self._elastic_ray()
            if ray is None or not verify_infeasible(lp, ray).verified:
                found = f"; the rows can be met within a total violation of {violation:.3g}" if math.isfinite(violation) else ""
                messages.append(f"HiGHS reported infeasible, but no proof of it holds{found}.")
        return self._answer(Status.INFEASIBLE, start, iterations, ray=ray, message=" ".join(messages))

    def _costless_ray(self) -> tuple[int, np.ndarray | None]:
        """(iterations, ray) of a run without presolve in which nothing costs anything.

        What is infeasible is so at any costs, and with none every basis is dual feasible: the dual simplex method walks straight to a
        ray, where free columns with costs may keep it in its first phase for minutes.
        """
        index, cost = np.arange(len(self.lp.cost), dtype=np.int32), self.lp.cost
        self._check(self._highs.clearSolver(), "clearSolver")
        self._check(self._highs.changeColsCost(len(index), index, np.zeros(len(index))), "changeColsCost")
        try:
            _, iterations = self._run("simplex", presolve=False)
            return iterations, self._proved_ray()
        finally:
            self._check(self._highs.changeColsCost(len(index), index, cost), "changeColsCost")

    def _proved_ray(self) -> np.ndarray | None:
        status, exists, ray = self._highs.getDualRay()
        if status == highspy.HighsStatus.kError or not exists or len(ray) != len(self.lp.row_lower):
            return None
        ray = np.array(ray, dtype=float)
        return ray if verify_infeasible(self.lp, ray).verified else None

    def _elastic_ray(self) -> tuple[np.ndarray | None, float]:
        """(Farkas vector, total violation) of a phase one of our own."""
        # by interior point: simplex takes many times as long over so many slacks
        answer = self._aside(phase_one(self.lp), "ipm", refined=True)
        return (answer.y, answer.objective) if answer.status is Status.OPTIMAL else (None, math.nan)

    def _unbounded(self, start: float, iterations: int, messages: list[str]) -> Answer:
        """A feasible point and a direction that improves for ever; both are needed for the proof."""
        lp = self.lp
        solution = self._highs.getSolution()
        x = np.array(solution.col_value, dtype=float) if solution.value_valid else None
        if x is None or not relative_residual(lp, x) <= 1e-9:
            point = self._aside(dataclasses.replace(lp, cost=np.zeros_like(lp.cost), offset=0.0))
            if point.status is Status.INFEASIBLE:
                messages.append("HiGHS reported unbounded, but no plan is feasible.")
                return self._answer(point.status, start, iterations + point.iterations, ray=point.ray, message=" ".join(messages))
            x = point.x
        status, exists, ray = self._highs.getPrimalRay()
        if status != highspy.HighsStatus.kError and exists and len(ray) == len(lp.cost):
            ray = np.array(ray, dtype=float)
            if verify_unbounded(lp, x, ray).verified:
                return self._answer(Status.UNBOUNDED, start, iterations, x, ray=ray, message=" ".join(messages))
        direction = self._aside(directions(lp))
        ray = direction.x if direction.status is Status.OPTIMAL else None
        if ray is None or not verify_unbounded(lp, x, ray).verified:
            messages.append("HiGHS reported unbounded, but no proof of it holds.")
        return self._answer(Status.UNBOUNDED, start, iterations, x, ray=ray, message=" ".join(messages))

    def _aside(self, lp: LinearProgram, method: str = "simplex", refined: bool = False) -> Answer:
        """Solve another program without touching this session's basis. refined: with duals to the last digit."""
        other = Session(dataclasses.replace(self.options, method=method))
        other.load(lp)
        answer = other.solve()
        return other.refined(answer) if refined else answer

    def _without_columns(self, start: float) -> Answer:
        """HiGHS calls such a model empty, whatever its rows demand: 0 must lie between each row's bounds."""
        lp = self.lp
        tolerance = self.options.primal_tolerance
        missed = np.flatnonzero((lp.row_lower > tolerance) | (lp.row_upper < -tolerance))
        if not len(missed):
            return self._answer(Status.OPTIMAL, start, 0, np.zeros(0), np.zeros(len(lp.row_lower)))
        ray = np.zeros(len(lp.row_lower))
        ray[missed[0]] = 1.0 if lp.row_lower[missed[0]] > 0 else -1.0
        return self._answer(Status.INFEASIBLE, start, 0, ray=ray, message="A row without columns cannot be met.")

    def _answer(
        self,
        status: Status,
        start: float,
        iterations: int,
        x: np.ndarray | None = None,
        y: np.ndarray | None = None,
        ray: np.ndarray | None = None,
        message: str = "",
    ) -> Answer:
        lp = self.lp
        x = np.full(len(lp.cost), np.nan) if x is None else x + 0.0  # no -0.0: the same plan, the same bytes
        y = np.full(len(lp.row_lower), np.nan) if y is None else y + 0.0
        self.last = Answer(
            status=status,
            x=x,
            y=y,
            d=lp.true_cost - lp.matrix.T @ y,
            objective=-lp.sense * math.inf if status is Status.UNBOUNDED else lp.objective(x),
            iterations=iterations,
            seconds=time.perf_counter() - start,
            ray=ray,
            message=message,
        )
        return self.last

    def _set(self, option: str, value: Any) -> None:
        if self._highs.setOptionValue(option, value) != highspy.HighsStatus.kOk:
            raise SolverError(f"HiGHS refuses option {option} = {value!r}.")

    def _check(self, status: Any, call: str) -> None:
        """Warnings pass: HiGHS warns of crossing bounds and of time limits, which come back as a status."""
        if status == highspy.HighsStatus.kError:
            raise SolverError(f"HiGHS refused {call}.")


def solve(lp: LinearProgram, options: SolverOptions | None = None) -> Answer:
    """One cold solve."""
    session = Session(options)
    session.load(lp)
    return session.solve()
