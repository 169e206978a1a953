"""Steps from a solved program: what a statement of the case is worth on either side, by taking a small step on the warm session.

The optimal duals price a statement both ways at once; where the optimum is degenerate they are one of many. So the right-hand sides of
the statement are moved by a step, cuts are added until the hours are real again, and the objective is compared:

    lim (f(h) - f(0)) / h,  h -> 0 from above and from below,       f = objective as relief is given

f is concave in right-hand sides. The quotient is at least the duals' slope at the far end of a step up (at most, of a step down), and
equal only if f is straight in between: then it is the one-sided derivative. Until it is, the step is made smaller.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from models.dates import date_text
from models.problem import Array, Ints, Problem
from optimizer.explain.marginal.scarce_things import BY_YEAR, Effect
from optimizer.solver import branch_and_bound
from optimizer.solver.answer import Status
from optimizer.solver.linear_program import SolverError

if TYPE_CHECKING:
    from models.benders.cuts import Cuts
    from optimizer.engine.master import WarmProgram
    from optimizer.solver.answer import Answer
    from optimizer.solver.linear_program import LinearProgram
    from optimizer.solver.session import Session


#: a step that is not exact is made smaller by STEP_DIVISOR until it is FINEST_STEP of the first
STEP_DIVISOR, FINEST_STEP = 8.0, 1e-4
#: quotient and slope agree, relative
SLOPE_TOLERANCE = 1e-6
#: accuracy of an objective, relative
OBJECTIVE_NOISE = 1e-10
#: room (relative to the size of the row) above which nothing binds
SLACK_TOLERANCE = 1e-7
WITHIN_BRANCH = "within the plan's branch of the tax law"


class Evaluator:
    """A solved program from which steps are taken: its optimum, and what puts the session back.

    lp: as built, or with bounds of its own; disjunctions: what is heeded of the program's. x: the plan; None: any optimum. branch: the
    program of the branch of the tax law that the plan is in, if there were branches.
    """

    def __init__(
        self,
        program: WarmProgram,
        lp: LinearProgram,
        disjunctions: list[branch_and_bound.Condition],
        x: Array | None = None,
        branch: LinearProgram | None = None,
    ) -> None:
        program.lift_limits()  # of the solve, which is over
        self.session: Session = program.session
        self.cuts: Cuts | None = program.cuts
        self.built = lp
        self.unit = program.problem.money
        self.disjunctions = disjunctions
        self.note = "" if branch is None else WITHIN_BRANCH
        self.outside = self.session.lp
        if branch is not None:
            n = len(branch.row_lower)
            self.rows = np.flatnonzero(self.outside.row_lower[:n] != branch.row_lower)
            self.columns = np.flatnonzero(self.outside.col_upper != branch.col_upper)
            self._bounds(branch)
        self.inside = branch is not None
        self.refresh()
        self.x = self.answer.x if x is None else x

    def _bounds(self, lp: LinearProgram) -> None:
        """Give the rows and columns of the tax law the bounds of a program."""
        self.session.set_row_bounds(self.rows, lp.row_lower[self.rows], lp.row_upper[self.rows])
        self.session.set_column_bounds(self.columns, lp.col_lower[self.columns], lp.col_upper[self.columns])

    def close(self) -> None:
        """Leave the branch."""
        if self.inside:
            self._bounds(self.outside)

    def refresh(self) -> None:
        """Solve where we stand. Raises SolverError where HiGHS finds no optimum of a program that has one."""
        self.answer = self._real(self.session.solve())
        if not self.answer.optimal:
            raise SolverError(f"The program that was kept ended {self.answer.status.value}. {self.answer.message}")
        self.basis = self.session.get_basis()
        self.known = self.session.lp.matrix.shape[0]
        self.value = self.answer.objective

    def _real(self, answer: Answer) -> Answer:
        return answer if self.cuts is None else self.cuts.cutting_plane_loop(answer).answer

    # ---- slopes ----------------------------------------------------------------------------------------------------
    def slope(self, effect: Effect, y: Array, x: Array) -> float:
        """USD per unit of relief by duals y at a plan x."""
        terms = [self._row_terms(effect, y).sum(), self._column_terms(effect, y).sum()]
        terms.extend(table.sum() for _, table in self._hour_terms(effect, y))
        if len(effect.entry):
            terms.append(self._entry_terms(effect, y, x).sum())
        return float(np.sum(terms)) * self.unit + 0.0

    def _row_terms(self, effect: Effect, y: Array) -> Array:
        return self.session.lp.sense * y[effect.rows] * effect.row

    def _column_terms(self, effect: Effect, y: Array) -> Array:
        """An upper bound is worth the reduced cost of its column, where that presses against it."""
        lp = self.session.lp
        n = len(y)
        reduced = np.array([lp.true_cost[j] - _column_price(lp, int(j), y, n) for j in effect.columns])
        return lp.sense * np.minimum(reduced, 0.0) * effect.column

    def _entry_terms(self, effect: Effect, y: Array, x: Array) -> Array:
        return -self.session.lp.sense * y[effect.entry_rows] * effect.entry * x[effect.entry_columns]

    def _hour_terms(self, effect: Effect, y: Array) -> list[tuple[int, Array]]:
        """(site, (B,) money units) of capacities that no column holds: duals of the cuts times their slopes."""
        out = []
        for i, more in effect.capacity:
            assert self.cuts is not None
            price = np.zeros(more.shape[0])
            start = self.cuts.first_row
            pool = self.cuts.pool
            for site, block, slope in zip(pool.site, pool.block, pool.slope, strict=True):
                rows = np.arange(start, start + len(block))
                start += len(block)
                rows, inside = np.minimum(rows, len(y) - 1), rows < len(y)
                if site[0] == i:
                    weight = np.where(inside, np.maximum(-y[rows], 0.0), 0.0)
                    np.add.at(price, block, weight * (slope * more[block]).sum(axis=1) / self.unit)
            out.append((i, price))
        return out

    def parts(self, effect: Effect, y: Array, problem: Problem) -> tuple[tuple[str, str | None, float], ...]:
        """The dual value by scenario and date."""
        found: dict[tuple[str, int | None], float] = {}

        def note(members: tuple[int, ...], d: int | None, value: float) -> None:
            names = "all" if len(members) == problem.scenarios.count else "+".join(problem.scenarios.names[s] for s in members)
            found[names, d] = found.get((names, d), 0.0) + value * self.unit

        for i, value in zip(effect.rows, self._row_terms(effect, y), strict=True):
            note(*_place(self.built, int(i), problem), float(value))
        for j, value in zip(effect.columns, self._column_terms(effect, y), strict=True):
            note(*_column_place(self.built, int(j), problem), float(value))
        for i, value in zip(effect.entry_rows, self._entry_terms(effect, y, self.x) if len(effect.entry) else (), strict=True):
            note(*_place(self.built, int(i), problem), float(value))
        for _, table in self._hour_terms(effect, y):
            for block in np.flatnonzero(table):
                s, t = divmod(int(block), problem.clock.periods)
                note((s,), t, float(table[block]))
        size = max((abs(v) for v in found.values()), default=0.0)
        kept = [(names, d, v) for (names, d), v in found.items() if abs(v) > 1e-9 * size]
        kept.sort(key=lambda one: (-1 if one[1] is None else one[1], one[0]))
        return tuple((names, None if d is None else date_text(problem, d), v) for names, d, v in kept)

    def slack(self, effect: Effect) -> bool:
        """Whether the plan leaves room in all that the statement moves: then no optimal dual prices it, and both values are nothing."""
        if effect.capacity or len(effect.entry):
            return False
        lp = self.built
        matrix = lp.matrix.tocsr()[effect.rows]
        activity = matrix @ self.x[: matrix.shape[1]]
        room = np.minimum(activity - lp.row_lower[effect.rows], lp.row_upper[effect.rows] - activity)
        size = 1.0 + np.abs(activity)
        free = lp.col_upper[effect.columns] - self.x[effect.columns]
        return bool(
            (room > SLACK_TOLERANCE * size).all() and (free > SLACK_TOLERANCE * (1.0 + np.abs(self.x[effect.columns]))).all()
        )

    # ---- steps -----------------------------------------------------------------------------------------------------
    def side(self, effect: Effect, step: float) -> tuple[float, str]:
        """(USD per unit on that side, what is to be said): the slope of the first straight piece, inf if no plan can step there."""
        h, finest = step, abs(step) * FINEST_STEP
        tried = False
        slope, said = math.nan, ""
        while abs(h) >= finest:
            found = self._step(effect, h)
            if found is None and not tried:
                # a plan for the smallest step tells a near limit from none at all
                tried = True
                if self._step(effect, math.copysign(finest, step)) is None:
                    return (math.inf if step < 0.0 else -math.inf), self.note
            elif found is not None:
                value, slope, said = found
                quotient = (value - self.value) * self.unit / h
                noise = OBJECTIVE_NOISE * abs(self.value) * self.unit / abs(h)
                if abs(quotient - slope) <= SLOPE_TOLERANCE * max(abs(quotient), abs(slope)) + noise:
                    return slope, said
            h /= STEP_DIVISOR
        note = f"approximate: what a unit is worth changes within {abs(h) * STEP_DIVISOR:.1g} of it"
        return slope, "; ".join(filter(None, [said, note]))

    def _step(self, effect: Effect, h: float) -> tuple[float, float, str] | None:
        """(objective, slope there, what is to be said) after a step of h units; None where there is no plan."""
        with self._moved(effect, h):
            answer = self._solved()
            if answer is None:
                return None
            said = self.note
            if (
                self.disjunctions
                and not self.inside
                and branch_and_bound.violated(self.session.lp, answer.x[: len(self.session.lp.cost)], self.disjunctions)
            ):
                free = answer.objective
                with self._within_branch():
                    answer = self._solved()
                if answer is None:
                    return None
                # one of several equal plans may dodge where the others do not: then the law costs nothing
                if abs(answer.objective - free) > SLOPE_TOLERANCE * abs(free - self.value) + OBJECTIVE_NOISE * abs(self.value):
                    said = WITHIN_BRANCH
            found = answer.objective, self.slope(effect, answer.y, answer.x), said
        if self.session.lp.matrix.shape[0] > self.known:
            # cuts that the step needed hold here too
            self.refresh()
        return found

    def _solved(self) -> Answer | None:
        if self.session.lp.matrix.shape[0] == self.known:
            self.session.set_basis(self.basis)
        answer = self._real(self.session.solve())
        if answer.status is Status.INFEASIBLE:
            return None
        if not answer.optimal:
            raise SolverError(f"A step ended {answer.status.value}. {answer.message}")
        return answer

    @contextmanager
    def _within_branch(self) -> Iterator[None]:
        """Within the branch of the tax law that the plan is in."""
        lp = self.session.lp
        tight = branch_and_bound.satisfied(self.built, self.x, self.disjunctions)
        rows = np.flatnonzero(tight.row_lower != self.built.row_lower)
        columns = np.flatnonzero(tight.col_upper != self.built.col_upper)
        self.session.set_row_bounds(rows, lp.row_upper[rows], lp.row_upper[rows])
        self.session.set_column_bounds(columns, lp.col_lower[columns], lp.col_lower[columns])
        try:
            yield
        finally:
            self.session.set_row_bounds(rows, lp.row_lower[rows], lp.row_upper[rows])
            self.session.set_column_bounds(columns, lp.col_lower[columns], lp.col_upper[columns])

    @contextmanager
    def _moved(self, effect: Effect, h: float) -> Iterator[None]:
        """The program with the statement moved by h units of relief."""
        session = self.session
        lp = session.lp
        rows, columns = effect.rows, effect.columns
        session.set_row_bounds(rows, lp.row_lower[rows] + effect.row * h, lp.row_upper[rows] + effect.row * h)
        session.set_column_bounds(columns, lp.col_lower[columns], lp.col_upper[columns] + effect.column * h)
        if len(effect.entry):
            old = _entries(lp, effect.entry_rows, effect.entry_columns)
            session.set_coefficients(effect.entry_rows, effect.entry_columns, old + effect.entry * h)
        for i, more in effect.capacity:
            assert self.cuts is not None
            self.cuts.shift(i, more * h)
        try:
            yield
        finally:
            for i, more in effect.capacity:
                assert self.cuts is not None
                self.cuts.shift(i, -more * h)
            if len(effect.entry):
                session.set_coefficients(effect.entry_rows, effect.entry_columns, old)
            session.set_column_bounds(columns, lp.col_lower[columns], lp.col_upper[columns])
            session.set_row_bounds(rows, lp.row_lower[rows], lp.row_upper[rows])


def _column_price(lp: LinearProgram, j: int, y: Array, n: int) -> float:
    """Column j of A'y over the rows that y knows."""
    at = slice(lp.matrix.indptr[j], lp.matrix.indptr[j + 1])
    rows = lp.matrix.indices[at]
    known = rows < n
    return float(lp.matrix.data[at][known] @ y[rows[known]])


def _entries(lp: LinearProgram, rows: Ints, columns: Ints) -> Array:
    matrix = lp.matrix.tocsr()
    return np.array([matrix[int(i), int(j)] for i, j in zip(rows, columns, strict=True)], dtype=float)


def _place(lp: LinearProgram, i: int, problem: Problem) -> tuple[tuple[int, ...], int | None]:
    """(scenarios, date) of a row: scenarios that share the node of a row that is decided there."""
    con = lp.rows[i]
    family = con.parent_component().local_name.removeprefix("row_")
    key: tuple[Any, ...] = con.index() if isinstance(con.index(), tuple) else (con.index(),)
    if family == "capacity":
        return (int(key[3]),), int(key[4])
    numbers = [int(k) for k in key if not isinstance(k, str)]
    if family in BY_YEAR:
        return (numbers[0],), int(np.flatnonzero(problem.clock.tax_year == numbers[1])[0])
    return _sharing(family, numbers, problem)


def _sharing(family: str, numbers: list[int], problem: Problem) -> tuple[tuple[int, ...], int | None]:
    """Families whose rows are of nodes: their scenarios; of others: the one."""
    node = problem.scenarios.node
    s = numbers[0]
    if len(numbers) == 1:
        if family.endswith(("_limit", "_minimum")):
            return tuple(int(k) for k in np.flatnonzero(node[:, -1] == node[s, -1])), None
        return (s,), None
    d = numbers[1]
    if family in _OF_NODES and (family not in _DELAYED or len({int(x) for one in problem.sites for x in one.delay}) <= 1):
        return tuple(int(k) for k in np.flatnonzero(node[:, d] == node[s, d])), d
    return (s,), d


#: families with one row per tree node; of those that a site's delay makes each scenario's own
_OF_NODES = frozenset({"mining_hall", "mining_hall_left", "ai_hall", "ai_hall_after", "rig_supply", "issued"})
_DELAYED = frozenset({"mining_hall", "mining_hall_left", "ai_hall", "ai_hall_after"})


def _column_place(lp: LinearProgram, j: int, problem: Problem) -> tuple[tuple[int, ...], int | None]:
    var = lp.columns[j]
    key = var.index() if isinstance(var.index(), tuple) else (var.index(),)
    numbers = [int(k) for k in key if not isinstance(k, str)]
    family = var.parent_component().local_name
    return _sharing("issued" if family.startswith("issued") else family, numbers, problem)
