"""How far what a case states must bend for a plan to exist: the plan's program with a slack on every row that a statement owns.

    min  sum of weight * slack        the rows as written, each loosened by its slack; no other objective

Zero: there is a plan (its hours are real: what they do not give is cut off until nothing is). Above zero: there is none, and the duals
of the rows are the proof. A statement is let go by making its slack free of charge, so one warm program answers for every set of
statements. What nobody states (balances, cash, halls) may bend too, a thousand times dearer, so that the program always has an answer.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from models.effort import over
from models.problem import Array, Problem
from optimizer.explain.no_plan.row_owners import HOURS, Row
from optimizer.solver import branch_and_bound, certificates
from optimizer.solver.branch_and_bound import BranchResult, Condition
from optimizer.solver.certificates import Certificate
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Answer, Session, Status

if TYPE_CHECKING:
    from models.benders.cuts import Cuts
    from models.program.master_problem import MasterProblem
    from optimizer.explain.no_plan.row_owners import Owners
    from optimizer.solver.answer import Answer
    from optimizer.solver.branch_and_bound import BranchResult, Condition
    from optimizer.solver.certificates import Certificate
    from optimizer.solver.linear_program import LinearProgram
    from optimizer.solver.session import Session

#: the sum of weighted slacks, each over the size of its row, above which there is no plan
INFEASIBILITY_TOLERANCE = 1e-7
#: a dual below this share of the largest says nothing
LEAST_DUAL = 1e-9
#: inequalities that nobody states: they say how the world works, and are never dropped
UNSTATED_FAMILIES = frozenset(
    {
        "mining_hall",
        "mining_hall_left",
        "ai_hall",
        "ai_hall_after",
        "service_floor_after",
        "blocks_fit",
        "rig_options",
        "pledges",
        "call_face",
        "nol_cap",
        "nol_available",
    }
    | {"shortfall", "use_limit", "grid_limit"}
)
#: rows of the tax law, which a proof may lean on without a need
TAX_FAMILIES = frozenset({"taxable_income", "nol_roll", "nol_cap", "nol_available", "interest_carryforward", "tax_basis"})
#: what bending a law costs
UNSTATED_PENALTY = 1e3
#: branches of the law that are looked into
MOST_BRANCHES = 400
#: every so many rounds of cuts it is asked whether the plan at hand is real enough
ROUNDS_BETWEEN_LOOKS = 2


@dataclass(frozen=True)
class FarkasMultiplier:
    """One row of a proof: family and key as in the model (`hours` of a site for a cut), its owner if it has one, and its share."""

    family: str
    key: tuple[Any, ...]
    owner: str | None
    share: float


@dataclass(frozen=True)
class FeasibilityResult:
    """feasible: None where time was up or the solver gave no answer. shortfall: the least sum of weighted slacks."""

    feasible: bool | None
    shortfall: float
    rows: tuple[FarkasMultiplier, ...] = ()
    certificate: Certificate | None = None
    branched: bool = False  # refuted branch by branch, of which `rows` are those of one: others may lean on anything

    def owners(self) -> dict[str, float]:
        """Statements in the proof with their shares, the heaviest first."""
        out: dict[str, float] = {}
        for row in self.rows:
            if row.owner is not None:
                out[row.owner] = out.get(row.owner, 0.0) + row.share
        return dict(sorted(out.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Shift:
    """A figure that moves bounds of rows and nothing else: row numbers of the model, what one unit of it adds to their bounds, and the
    least number of units that it can move by."""

    rows: np.ndarray
    by: Array
    least: float = 0.0


class ElasticProgram:
    """One problem with a slack on every row. owner(family, key) names the statement that a row belongs to, or None.

    Each question has a deadline of its own, of time.perf_counter, heeded within solves too. disjunctive: also what no row can say must hold, of
    tax deductions and cash sweeps (`branch`): dear, and hardly ever what decides.
    """

    def __init__(self, problem: Problem, owner: Owners, disjunctive: bool = False) -> None:
        from optimizer.runtime.memory import uncollected
        from optimizer.solver.compile import compile_model

        self.problem = problem
        self.deadline: float | None = None  # of the question that is asked
        with uncollected():
            self.master = plan_of(problem)
            self.base = compile_model(self.master.model)
        self.disjunctive = disjunctive
        self.keys: list[Row] = [row_key(con) for con in self.base.rows]
        self.owners = [owner(family, key) for family, key in self.keys]
        for i in np.flatnonzero(self.base.row_lower != self.base.row_upper):
            family, key = self.keys[i]
            if self.owners[i] is None and family not in UNSTATED_FAMILIES and not owner.shaped(family, key):
                # limits of a family that nobody has put into words: by their own name
                self.owners[i] = f"{family.replace('_', ' ')} {key[0]}"
        self.shifts: tuple[Shift, ...] = ()
        self._open()

    @cached_property
    def disjunctions(self) -> list[Condition]:
        """What no row can say."""
        from optimizer.engine.master import conditions

        return conditions(self.master, self.base)

    # ---- the program -------------------------------------------------------------------------------------------------
    def sliding(self, shifts: tuple[Shift, ...]) -> ElasticProgram:
        """The same problem in which these figures are whatever they like to be."""
        apart = copy.copy(self)  # with a program of its own
        apart.shifts = (*self.shifts, *shifts)
        apart._open()
        return apart

    def _open(self) -> None:
        from optimizer.solver.answer import SolverOptions, cold_method
        from optimizer.solver.session import Session

        self.lp, self.slack_row, self.weight = _elastic(self.base, self.keys, self.owners, self.shifts)
        self.options = SolverOptions(method=cold_method(self.lp))
        self.session = Session(self.options)
        self.session.load(self.lp)
        self.first_slack = len(self.base.cost) + len(self.shifts)
        self.cuts = self._begin_cuts(self.master)

    def _begin_cuts(self, master: MasterProblem) -> Cuts | None:
        if master.recourse is None or not master.recourse.values:
            return None
        from models.benders.cuts import Cuts

        return Cuts(master.recourse, self.session, self.base.number, new_session=self._new_session)

    def _new_session(self, lp: LinearProgram) -> Session:
        session = Session(replace(self.options, deadline=self.deadline))
        session.load(lp)
        return session

    def expired(self) -> bool:
        return over() or (self.deadline is not None and time.perf_counter() > self.deadline)

    # ---- can it be? --------------------------------------------------------------------------------------------------
    def find(self, relaxed: Collection[str] = (), hours: bool = True, deadline: float | None = None) -> FeasibilityResult:
        """Is there a plan without the statements let go? hours: let real hours say so; else a plan that the cuts so far permit will do."""
        self.deadline = deadline
        self.session.limit_time(self.deadline)
        self._price(relaxed)
        return self._decide(relaxed, hours)

    def _price(self, relaxed: Collection[str]) -> None:
        gone = set(relaxed)
        free = np.array([self.owners[i] in gone if self.owners[i] is not None else False for i in self.slack_row], dtype=bool)
        cost = np.zeros_like(self.lp.cost)
        cost[self.first_slack :] = np.where(free, 0.0, self.weight)
        self.session.set_costs(cost)

    def _decide(self, relaxed: Collection[str], hours: bool) -> FeasibilityResult:
        for turn in itertools.count():
            if self.expired():
                return FeasibilityResult(None, np.nan)
            answer = self.session.solve(primal=turn == 0)
            if answer.status is not Status.OPTIMAL:
                return FeasibilityResult(None, np.nan)
            infeasibility = float(self.session.lp.cost @ answer.x)
            if infeasibility > INFEASIBILITY_TOLERANCE:
                found = self._refuted(answer, infeasibility, set(relaxed))
                if found.feasible is None:  # duals of this basis are not good enough: those of another path may be
                    self.session.forget_basis()
                    answer = self.session.solve()
                    infeasibility = float(self.session.lp.cost @ answer.x) if answer.status is Status.OPTIMAL else 0.0
                    found = (
                        self._refuted(answer, infeasibility, set(relaxed)) if infeasibility > INFEASIBILITY_TOLERANCE else found
                    )
                return found
            if self.disjunctive and self.disjunctions:
                return self._with_disjunctions(answer, set(relaxed))
            if not hours or self.cuts is None:
                return FeasibilityResult(True, infeasibility)
            added, _ = self.cuts.cut(answer, still=turn > 0)  # whatever bends is paid for: the objective stands still at nothing
            if not added or (turn % ROUNDS_BETWEEN_LOOKS == ROUNDS_BETWEEN_LOOKS - 1 and self._borne_out(answer)):
                return FeasibilityResult(True, infeasibility)
        raise AssertionError("counting does not end")

    def _borne_out(self, answer: Answer) -> bool:
        """Whether there is a plan with just these capacities, whose hours are worth what they really are (where nothing links hours).

        Cuts come down to the hours of one plan after another; a plan that has money to spare is found sooner from below.
        """
        cuts = self.cuts
        assert cuts is not None
        if cuts.linked:
            return False
        fixed: dict[int, float] = {}
        for i, site in enumerate(cuts.sites):
            mw = cuts.capacity(i, answer.x)
            worth = (
                cuts.hours.recourse_solution(i, mw, np.ones(len(site.recourse)), np.zeros((len(site.recourse), 0))).value
                / cuts.unit
            )
            fixed |= {int(j): float(v) for j, v in zip(site.recourse, worth, strict=True) if j >= 0}
            here = site.capacity >= 0
            fixed |= dict(zip(site.capacity[here].tolist(), (mw - site.constant)[here].tolist(), strict=True))
        columns = np.array(list(fixed), dtype=int)
        values = np.array(list(fixed.values()))
        lower, upper = self.session.lp.col_lower[columns], self.session.lp.col_upper[columns]
        self.session.set_column_bounds(columns, values, values)
        found = self.session.solve()
        self.session.set_column_bounds(columns, lower, upper)
        return found.status is Status.OPTIMAL and float(self.session.lp.cost @ found.x) <= INFEASIBILITY_TOLERANCE

    def infeasible_branch(self, relaxed: Collection[str] = (), deadline: float | None = None) -> FeasibilityResult | None:
        """Why the law leaves no plan where there is one without it, as far as the cuts so far can tell; None where it leaves one, or
        where that is not known."""
        self.deadline = deadline
        if not self.disjunctions or self.disjunctive or self.expired():
            return None
        self._price(relaxed)
        answer = self.session.solve(primal=True)
        if answer.status is not Status.OPTIMAL:
            return None
        found = self._with_disjunctions(answer, set(relaxed), hours=False)
        return found if found.feasible is False else None

    def _with_disjunctions(self, answer: Answer, gone: set[str], hours: bool = True) -> FeasibilityResult:
        """The least bending with which every condition of the law is met, by branches. hours: with real hours in each."""

        branches = self._branch(answer, hours)
        if branches.answer is not None and float(self.session.lp.cost @ branches.answer.x) <= INFEASIBILITY_TOLERANCE:
            return FeasibilityResult(True, 0.0)
        if not branches.complete or branches.reasons:
            return FeasibilityResult(None, np.nan)
        infeasibility = np.inf if branches.answer is None else float(self.session.lp.cost @ branches.answer.x)
        nan = float("nan")
        certificate = Certificate("infeasible", nan, nan, nan, nan, nan, nan, nan, verified=True)
        rows: tuple[FarkasMultiplier, ...] = ()
        if branches.answer is not None:
            named = [i for i in range(len(self.keys)) if abs(branches.answer.y[i]) > LEAST_DUAL and self.owners[i] not in gone]
            total = float(np.abs(branches.answer.y[named]).sum()) or 1.0
            rows = tuple(FarkasMultiplier(*self.keys[i], self.owners[i], float(abs(branches.answer.y[i])) / total) for i in named)
        return FeasibilityResult(False, infeasibility, rows, certificate, branched=True)

    def _branch(self, answer: Answer, hours: bool) -> BranchResult:
        def solve() -> Answer:
            found = self.session.solve()
            return found if self.cuts is None or not hours else self.cuts.cutting_plane_loop(found, expired=self.expired).answer

        return branch_and_bound.search(
            self.session, answer, self.disjunctions, solve, lambda a: a, most=MOST_BRANCHES, deadline=self.deadline
        )

    def _refuted(self, answer: Answer, infeasibility: float, gone: set[str]) -> FeasibilityResult:
        """No plan: checked by arithmetic on the program without slacks, in which the rows of what was let go are free."""

        whole = self.session.lp
        free = np.zeros(len(whole.row_lower), dtype=bool)
        free[: len(self.owners)] = [owner in gone if owner is not None else False for owner in self.owners]
        n = self.first_slack
        hard = replace(
            whole,
            cost=np.zeros(n),
            offset=0.0,
            matrix=sparse.csc_array(whole.matrix[:, :n]),
            row_lower=np.where(free, -np.inf, whole.row_lower),
            row_upper=np.where(free, np.inf, whole.row_upper),
            col_lower=whole.col_lower[:n],
            col_upper=whole.col_upper[:n],
        )
        ray = np.where(free | (np.abs(answer.y) <= LEAST_DUAL * np.abs(answer.y).max()), 0.0, answer.y)
        certificate = certificates.verify_infeasible(hard, ray)
        if not certificate.verified:
            certificate = certificates.verify_infeasible(hard, np.where(free, 0.0, answer.y))
            ray = np.where(free, 0.0, answer.y)
        if not certificate.verified:
            return FeasibilityResult(None, infeasibility, (), certificate)
        taxed = np.zeros(len(ray), dtype=bool)
        taxed[: len(self.keys)] = [family in TAX_FAMILIES for family, _ in self.keys]
        if taxed.any() and (ray[taxed] != 0.0).any():
            leaner = np.where(taxed, 0.0, ray)
            shorter = certificates.verify_infeasible(hard, leaner)
            if shorter.verified:  # taxes weighed nothing
                certificate, ray = shorter, leaner
        return FeasibilityResult(False, infeasibility, tuple(self._weigh(hard, ray)), certificate)

    def _weigh(self, lp: LinearProgram, ray: Array) -> list[FarkasMultiplier]:
        out = []
        sites = np.zeros(0, dtype=int) if self.cuts is None else np.concatenate(self.cuts.pool.site)
        for i, share in certificates.blame(lp, ray):
            if i < len(self.keys):
                out.append(FarkasMultiplier(*self.keys[i], self.owners[i], share))
            else:
                site = self.problem.sites[int(sites[i - len(self.keys)])].name
                out.append(FarkasMultiplier(HOURS, (site,), None, share))
        return out

    # ---- how far must it go? -----------------------------------------------------------------------------------------
    def shift(self, moved: Problem, step: float, least: float = 0.0) -> Shift | None:
        """How bounds of rows move with a figure, from the problem at `step` units of it further; None if more than bounds does."""
        from optimizer.runtime.memory import uncollected
        from optimizer.solver.compile import compile_model

        with uncollected():
            master = plan_of(moved)  # rows know their names as long as it is there
            base, other = self.base, compile_model(master.model)
        same = (
            base.matrix.shape == other.matrix.shape
            and [row_key(con) for con in other.rows] == self.keys
            and np.array_equal(base.matrix.indptr, other.matrix.indptr)
            and np.array_equal(base.matrix.indices, other.matrix.indices)
            and np.allclose(base.matrix.data, other.matrix.data, rtol=1e-12, atol=0.0)
            and np.array_equal(base.col_lower, other.col_lower)
            and np.array_equal(base.col_upper, other.col_upper)
        )
        if not same:
            return None
        lower, upper = (_moved(getattr(base, k), getattr(other, k), step) for k in ("row_lower", "row_upper"))
        two = np.isfinite(base.row_lower) & np.isfinite(base.row_upper)
        rows = np.flatnonzero((lower != 0.0) | (upper != 0.0))
        if not len(rows) or (two & (lower != upper)).any():
            return None
        return Shift(rows, np.where(np.isfinite(base.row_lower), lower, upper)[rows], least)

    def least(
        self, shift: Shift, relaxed: Collection[str] = (), disjunctive: bool = False, deadline: float | None = None
    ) -> float | None:
        """The least number of units by which the figure must move, everything else as stated; None if no number will do.

        It is a bound from below where time is up before the hours are real. disjunctive: with what no row can say, as far as cuts tell.
        """
        return self.sliding((shift,))._least(relaxed, disjunctive, deadline)

    def _least(self, relaxed: Collection[str], disjunctive: bool, deadline: float | None) -> float | None:
        if self.find(relaxed, deadline=deadline).feasible is not True:
            return None
        # a plan exists with the figure where it likes: now nothing else may bend, and it goes no further than it must
        slack = np.flatnonzero(self.session.lp.cost > 0.0)
        self.session.set_column_bounds(slack, np.zeros(len(slack)), np.zeros(len(slack)))
        cost = np.zeros_like(self.lp.cost)
        cost[self.first_slack - 1] = 1.0
        self.session.set_costs(cost)
        answer = self.session.solve(primal=True)
        if self.cuts is not None:
            answer = self.cuts.cutting_plane_loop(answer, expired=self.expired).answer
        if answer.status.value != "optimal":
            return None
        if disjunctive and self.disjunctions:
            answer = self._branch(answer, hours=False).answer or answer
        return float(answer.x[self.first_slack - 1])


def plan_of(problem: Problem) -> MasterProblem:
    """The plan's program with its hours by their value, also hours that depend on each other."""
    from models.program.master_problem import MasterProblem
    from optimizer.solver.hour_blocks import block_opener

    return MasterProblem(problem, "benders", block_opener())


def row_key(con: Any) -> Row:
    index = con.index()
    return con.parent_component().local_name.removeprefix("row_"), index if isinstance(index, tuple) else (index,)


def _moved(now: Array, then: Array, step: float) -> Array:
    """(then - now) / step, without what rounding leaves."""
    with np.errstate(invalid="ignore"):
        by = np.where(np.isfinite(now) & np.isfinite(then), then - now, 0.0)
    size = 1e-12 * np.maximum(np.where(np.isfinite(now), np.abs(now), 0.0), 1.0)
    return np.where(np.abs(by) > size, by / step, 0.0)


def _elastic(
    base: LinearProgram, keys: list[Row], owners: list[str | None], shifts: tuple[Shift, ...]
) -> tuple[LinearProgram, np.ndarray, Array]:
    """(program with slacks, row of each slack, its weight). The figures of shifts are the columns before the slacks.

    A row owned by a statement bends to all sides it has; of the others inequalities do, and cash, which may come from nowhere.
    """
    sides: list[tuple[int, float, float]] = []  # row, sign and weight of each slack
    for i, (family, _) in enumerate(keys):
        lower, upper = float(base.row_lower[i]), float(base.row_upper[i])
        owned = owners[i] is not None
        equation = lower == upper
        if equation and not owned and family != "cash":
            continue
        size = max(1.0, *(abs(b) for b in (lower, upper) if np.isfinite(b)))
        price = (1.0 if owned else UNSTATED_PENALTY) / size
        if np.isfinite(lower) and not (equation and not owned):
            sides.append((i, 1.0, price))
        if np.isfinite(upper):
            sides.append((i, -1.0, price))
    m = len(keys)
    rows = np.array([row for row, *_ in sides], dtype=int)
    slack = sparse.csc_array((np.array([sign for _, sign, _ in sides]), (rows, np.arange(len(rows)))), shape=(m, len(rows)))
    # what a bound moves by goes to the left, as a column
    moves = [
        sparse.csc_array((-one.by, (one.rows, np.zeros(len(one.by), dtype=int))), shape=(m, 1), dtype=float) for one in shifts
    ]
    more = len(shifts) + len(rows)
    lp = replace(
        base,
        cost=np.zeros(len(base.cost) + more),
        offset=1.0,  # so that "equal" means equal to one, not to nothing
        matrix=sparse.csc_array(sparse.hstack([base.matrix, *moves, slack], format="csc")),
        col_lower=np.concatenate([base.col_lower, [one.least for one in shifts], np.zeros(len(rows))]),
        col_upper=np.concatenate([base.col_upper, np.full(more, np.inf)]),
        sense=1,
        cost_scale=1.0,
    )
    return lp, rows, np.array([weight for *_, weight in sides])
