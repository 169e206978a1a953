"""The master problem of a case, warm: the model, the solver session that holds it, and the cuts that value its hours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.benders.cut_pool import CUT_TOLERANCE
from models.benders.cuts import Cuts
from models.benders.subproblems import WorkOut
from models.effort import over
from models.problem import Array, Problem
from models.program.expressions import Lin
from models.program.master_problem import MasterProblem
from optimizer.engine.policy import Policy
from optimizer.engine.stages import Stages
from optimizer.runtime.executor import Executor
from optimizer.runtime.memory import uncollected
from optimizer.solver.answer import Answer, SolverOptions, cold_method
from optimizer.solver.branch_and_bound import BranchResult, Condition, Tight
from optimizer.solver.canonical import fixed_order, toward_bounds
from optimizer.solver.compile import compile_model
from optimizer.solver.hour_blocks import block_opener
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.restricted_program import RestrictedProgram
from optimizer.solver.session import Bounds, Session

#: costs are multiplied by this inside HiGHS: its dual tolerance is absolute, and an hour's megawatt weighs about 1e-4 of a money unit
COST_SCALE = 1e3
#: hours that bring a plan this near, relative to what a block earns, bear it out where any plan will do; the books tell where that is too far
NEAR_ENOUGH = 1e-9


@dataclass(frozen=True, eq=False)
class Built:
    """The program of a problem, loaded, before any hours are valued.

    lexicographic: what the canonical plan minimises in turn, as vectors over the columns. disjunctions: what no row can say, of the tax law
    and of cash sweeps, by row and column number.
    """

    problem: Problem
    master: MasterProblem
    lp: LinearProgram
    session: Session
    lexicographic: list[Array]
    disjunctions: list[Condition]

    @property
    def decomposed(self) -> bool:
        """Whether hours come in as cuts."""
        return self.master.recourse is not None and bool(self.master.recourse.values)

    @property
    def size(self) -> dict[str, int]:
        rows, columns = self.lp.matrix.shape
        return {"rows": rows, "columns": columns, "nonzeros": int(self.lp.matrix.nnz)}


def build(problem: Problem, policy: Policy, stages: Stages) -> Built:
    """Model, arrays, solver."""
    options = SolverOptions(
        method=policy.algorithm,
        presolve=policy.presolve,
        seed=policy.seed,
        time_limit=policy.time_limit,
        deadline=policy.deadline,
        pulse=stages.pulse,
    )
    with stages("build"), uncollected():
        master = MasterProblem(problem, "benders" if policy.method == "cuts" else "extensive", block_opener(options.seed))
        lp = compile_model(master.model, cost_scale=COST_SCALE)
    if options.method == "choose":
        options = replace(options, method=cold_method(lp))
    session = Session(options)
    session.load(lp)
    return Built(problem, master, lp, session, _lexicographic(master, lp), conditions(master, lp))


class WarmProgram:
    """A program that is solved again and again: for a branch of the law, within narrower bounds, at other figures.

    problem, plan, lp    the arrays, the model, and the program as built, before cuts
    session              the solver with all that was added since; `session.lp` is what it holds
    cuts                 what values the hours; None where every hour is written out
    levels, law          as in `Built`
    """

    def __init__(self, built: Built, cuts: Cuts | None, deadline: float | None = None) -> None:
        self.problem, self.master, self.lp, self.session = built.problem, built.master, built.lp, built.session
        self.lexicographic, self.disjunctions, self.cuts = built.lexicographic, built.disjunctions, cuts
        self._built, self._deadline = built, deadline

    @property
    def size(self) -> dict[str, int]:
        """Of the program as built; with cuts also their number and the rounds."""
        loop = {} if self.cuts is None else {"rounds": self.cuts.rounds, "cuts": self.cuts.pool.count}
        return self._built.size | loop

    @property
    def tail_alone(self) -> bool:
        """Whether the objective looks at nothing but the tail, and hours are linked: outside the tail these have no price then."""
        return self.cuts is not None and self.cuts.linked and self.problem.objective.weight == 1.0

    def expired(self) -> bool:
        """Whether the work that may be done is done (`models.effort`), or time is up."""
        return over() or (self._deadline is not None and time.perf_counter() > self._deadline)

    def lift_limits(self) -> None:
        """Whatever limit of time there was is over."""
        self._deadline = None
        self.session.limit_time(None)

    def since(self, answer: Answer) -> Answer:
        """An answer of before: rows that have come since have no duals."""
        more = len(self.session.lp.row_lower) - len(answer.y)
        return replace(answer, y=np.concatenate([answer.y, np.zeros(more)]))


@dataclass(frozen=True, eq=False)
class SolvedProgram:
    """A program at its optimum, still warm.

    answer: the optimum; branches: the branch of the law, if any, and basis: the one before it. upper: USD, verified while it was solved.
    """

    program: WarmProgram
    policy: Policy
    answer: Answer
    branches: BranchResult | None
    basis: Any = None
    upper: float | None = None

    @property
    def best(self) -> Answer:
        """The optimum that obeys the law."""
        return self.answer if self.branches is None or self.branches.answer is None else self.branches.answer


@dataclass(frozen=True)
class Narrowed:
    """Bounds that take the place of the program's own: (numbers, lower, upper) of columns and of rows, in program units."""

    columns: Bounds
    rows: Bounds


def beside(session: Session, lp: LinearProgram) -> Session:
    """Another program in a session of its own, solved in the same way."""
    other = Session(session.options)
    other.load(lp)
    return other


def first_cuts(
    built: Built,
    policy: Policy,
    recourse_solution: WorkOut | None = None,
    restricted: RestrictedProgram | None = None,
    start: list[Array] | None = None,
) -> WarmProgram:
    """The program with the first cuts of its hours. restricted: the program with little in it, where a solve begins there; start: MW."""
    if not built.decomposed:
        return WarmProgram(built, None, policy.deadline)
    assert built.master.recourse is not None
    near = NEAR_ENOUGH if policy.quick else CUT_TOLERANCE
    session, new = built.session, lambda lp: beside(built.session, lp)
    cuts = Cuts(built.master.recourse, restricted or session, built.lp.number, recourse_solution, new, start, near)
    return WarmProgram(built, cuts, policy.deadline)


@contextmanager
def shared_out(executor: Executor | None, built: Built) -> Iterator[WorkOut | None]:
    """Who works out the hours: the workers of an executor, who forget them in the end. What is asked later is worked out here."""
    if executor is None or not built.decomposed:
        yield None
        return
    assert built.master.recourse is not None
    hours = executor.pin([value.hours for value in built.master.recourse.values])
    try:
        yield hours.recourse_solution
    finally:
        hours.release()


def _lexicographic(master: MasterProblem, lp: LinearProgram) -> list[Array]:
    column = lp.number

    def vector(lin: Lin) -> Array:
        out = np.zeros(len(lp.columns))
        for c, v in zip(lin.coefs, lin.vars, strict=True):
            if id(v) in column:
                out[column[id(v)]] += c
        return out

    return [*(vector(lin) for lin in master.lexicographic_objectives()), toward_bounds(lp, fixed_order(len(lp.columns)))]


def conditions(master: MasterProblem, lp: LinearProgram) -> list[Condition]:
    """The pairs of the tax law, of cash sweeps and of dividends that must be earned, by row and column number."""
    pairs = [*master.sweeps.disjunctions, *master.earned.disjunctions]
    if not master.taxes.disjunctions and not pairs:
        return []

    rows = {(con.parent_component().local_name, con.index()): i for i, con in enumerate(lp.rows)}
    columns = lp.number

    def tight(key: tuple[int, int], way: tuple[str, str]) -> Tight:
        if way[0] == "row":
            return Tight("row", rows["row_" + way[1], key])
        return Tight("column", columns[id(master.build.component(way[1])[key])])

    tax = [(tight(key, one), tight(key, other)) for key, one, other in master.taxes.disjunctions]
    return tax + [(Tight("column", columns[id(one)]), Tight("column", columns[id(other)])) for one, other in pairs]
