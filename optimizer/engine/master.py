"""From a case to a verified solution: build, solve, choose the canonical plan, prove it, keep the second set of books."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.effort import over
from models.problem import Problem
from models.stopwatch import SECONDS, since
from optimizer.engine.covenant_table import _covenants
from optimizer.engine.shadow_prices import _prices
from optimizer.engine.solution import TOLERANCE, Outcome, Progress, Solution
from optimizer.engine.verification import _compare, _directions, _over_branches
from optimizer.solver.certificates import Certificate

if TYPE_CHECKING:
    from models.benders.cuts import Cuts
    from models.benders.inner_approximation import Realised
    from models.program.expressions import Lin
    from models.program.program import Plan
    from optimizer.case.case import Case
    from optimizer.engine.narrowing import Narrowed
    from optimizer.engine.pilot import Pilot
    from optimizer.engine.warm_start import Seed
    from optimizer.runtime.executor import Executor, PinnedHours
    from optimizer.solver.branch_and_bound import Condition, Settled
    from optimizer.solver.linear_program import LinearProgram
    from optimizer.solver.restricted_program import Lean
    from optimizer.solver.session import Answer, Session

#: costs are multiplied by this inside HiGHS: its dual tolerance is absolute, and an hour's megawatt weighs about 1e-4 of a money unit
COST_SCALE = 1e3

#: a gap above this asks for duals that are better than the solver's: a hundredth of what the proof allows, far above rounding
EXACT = 1e-9

#: share of the time left for branches of the law that is kept for the nearest one, should the search end without a plan
LAST = 0.2
#: conditions of the law that a plan dodges, above which the search for the best branch begins at a plan of a near one: it may be long
MANY = 8
#: up to so many, a branch is found sooner one condition after another
FEW = 4
#: a plan of real hours this close (relative) to what the cuts promise is near enough
NEAR = 1e-10
#: as near hours need come to a plan that is not the answer itself; the books tell where that is too far
NEARLY = 1e-9
#: rounds of cuts after which a bound is near enough
ROUGH = 2
METHODS = ("cuts", "extensive")


def solve(
    case: Case,
    *,
    method: str = "cuts",
    time_limit: float | None = None,
    progress: Progress | None = None,
    canonical: bool = True,
    seed: int = 0,
    presolve: bool = True,
    algorithm: str = "choose",
    executor: Executor | None = None,
    baseline: bool = True,
    keep: bool = False,
    seed_from: Seed | None = None,
    thorough: bool = True,
) -> Solution:
    """Solve a case and prove the answer. time_limit in seconds.

    method: 'cuts' values every hour exactly and adds what is needed of it to the program; 'extensive' writes every hour out.
    executor: who works out the hours ('cuts' only); None: this process. The answer is the same to the last bit.
    baseline: also work out what a company that invests in nothing new would be worth. keep: leave the program warm in `Solution.kept`.
    seed_from: begin where a neighbour ended (`warm`); the proof is the same. thorough: as `Kept.within`.
    Raises ValueError for an unknown method; SolverError when HiGHS itself fails; ExecutorError when its workers cannot go on.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: expected one of {', '.join(METHODS)}")
    deadline = None if time_limit is None else time.perf_counter() + time_limit

    def once(way: Case, how: str, presolve: bool = presolve) -> Solution:
        left = None if deadline is None else max(deadline - time.perf_counter(), 0.0)
        run = _Run(
            way,
            how,
            left,
            progress or _silent,
            canonical,
            seed,
            presolve,
            algorithm,
            executor,
            baseline=baseline,
            keep=keep,
            seed_from=seed_from,
            thorough=thorough,
        )
        try:
            return run.run()
        finally:
            if run.cuts is not None:
                run.cuts.thrifty = False
            if run.hours is not None:
                run.hours.release()
                run.hours = None
                if run.cuts is not None:
                    run.cuts.work_out_here()  # what is asked of a kept program later

    found = once(case, method)
    at_a_neighbour = seed_from is not None and found.decisions is not None  # who asks for neighbours asks again from nothing
    if found.outcome is not Outcome.UNVERIFIED or at_a_neighbour or not thorough:
        return found
    return _otherwise(found, once, deadline, presolve)


def _otherwise(found: Solution, once: Callable[[Case, str, bool], Solution], deadline: float | None, presolve: bool) -> Solution:
    """The first way (`second_try`) of an unverified answer that is verified; if none is, the answer with what to change in the case."""
    from optimizer.engine import second_try

    moved = None if found.books is None else found.books.moved
    if second_try.worthwhile(found):
        for way in second_try.ways(found.problem, found.method, moved, presolve):
            if deadline is not None and time.perf_counter() > deadline:
                break
            tried = once(bare(way.problem), way.method, way.presolve)
            if tried.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE, Outcome.UNBOUNDED):
                return replace(tried, case=found.case, variant=found.variant, notes=(*tried.notes, way.told))
    return replace(found, reasons=(*found.reasons, second_try.advice(found)))


def solve_problem(problem: Problem, **options: Any) -> Solution:
    """Solve plain arrays: what tests of the mathematics use."""

    return solve(bare(problem), **options)


def bare(problem: Problem) -> Case:
    """Plain arrays in place of a case, for `solve`."""
    return _Bare(problem)  # type: ignore[return-value]


@dataclass(frozen=True)
class _Bare:
    """A problem that came from no case."""

    arrays: Problem
    variant: None = None

    @property
    def name(self) -> str:
        return self.arrays.name

    def problem(self) -> Problem:
        return self.arrays


def _silent(stage: str, **numbers: float) -> None:
    """Progress that nobody watches."""


class _Run:
    """One solve, stage by stage."""

    def __init__(
        self,
        case: Case,
        method: str,
        time_limit: float | None,
        progress: Progress,
        canonical: bool,
        seed: int,
        presolve: bool,
        algorithm: str,
        executor: Executor | None = None,
        baseline: bool = False,
        keep: bool = False,
        seed_from: Seed | None = None,
        thorough: bool = True,
    ) -> None:
        self.case, self.method, self.progress, self.canonical = case, method, progress, canonical
        self.settings: dict[str, Any] = {"time_limit": time_limit, "seed": seed, "presolve": presolve, "method": algorithm}
        self.timings: dict[str, float] = {}
        self.deadline = None if time_limit is None else time.perf_counter() + time_limit
        self.settings |= {"deadline": self.deadline, "pulse": getattr(progress, "tick", None)}
        self.law: list[Condition] = []
        self.executor = executor
        self.hours: PinnedHours | None = None
        self.cuts: Cuts | None = None
        self.scout = True  # a pilot may go ahead of it
        self.lean: Lean | None = None  # what a program that began at a pilot is solved in first
        self.late = False  # time was up before the hours of the plan were mixed
        self.begun = dict(SECONDS)
        self.whole = True  # the session holds the case itself, not a branch of it or a baseline
        self.upper: float | None = None  # USD, proved while it did
        self.lower = -np.inf  # USD, attained by real hours while it did
        self.baseline, self.keep, self.seed_from, self.thorough = baseline, keep, seed_from, thorough

    @contextmanager
    def stage(self, name: str, **numbers: float) -> Iterator[None]:
        self.progress(name, **numbers)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - start

    def run(self) -> Solution:
        plan, lp = self.begin()
        self.law = conditions(plan, lp)
        with self.stage("solve", **self.size):
            answer = self._solve() if self.thorough else self._roughly()
        self.whole = False
        outcome = Outcome(answer.status.value) if answer.status.value in {o.value for o in Outcome} else Outcome.UNVERIFIED
        if outcome is not Outcome.OPTIMAL:
            return self._without_plan(plan, self.session.lp, answer, outcome)
        solution, kept = self._finish(plan, lp, answer, self.thorough)
        if self.baseline and solution.outcome is Outcome.OPTIMAL:
            from optimizer.engine.narrowing import no_new_investment

            with self.stage("baseline"):
                progress, self.progress = self.progress, _silent  # its bounds are not those of the plan
                found = no_new_investment(kept, solution)
                self.progress = progress
            # the clock goes on: what the solution was given when it was proved lacks this stage
            solution = replace(solution, baseline=found, timings=self.timings | since(self.begun))
        there = solution.outcome is Outcome.OPTIMAL or (not self.thorough and solution.borne_out)
        return replace(solution, kept=kept) if self.keep and there else solution

    def begin(self) -> tuple[Plan, LinearProgram]:
        """Read, build and load the program, with its first cuts."""
        with self.stage("read"):
            problem = self.case.problem()
            from models.program.program import Plan
            from optimizer.runtime.memory import uncollected
            from optimizer.solver.compile import compile_model
            from optimizer.solver.hour_blocks import block_opener
            from optimizer.solver.session import Session, SolverOptions, cold_method
        self.problem = problem
        self.options = SolverOptions(**self.settings)
        with self.stage("build"), uncollected():
            plan = Plan(problem, "valued" if self.method == "cuts" else "written", block_opener(self.options.seed))
            lp = compile_model(plan.model, cost_scale=COST_SCALE)
        self.size = {"rows": lp.matrix.shape[0], "columns": lp.matrix.shape[1], "nonzeros": int(lp.matrix.nnz)}
        if self.options.method == "choose":
            self.options = replace(self.options, method=cold_method(lp))
        self.session = Session(self.options)
        self.session.load(lp)
        self.levels = self._levels(plan, lp)
        self.cuts = self._begin_cuts(plan, lp, self._pilot(problem))
        # where only the tail has a price, equal plans abound, and which is found would hang on where a neighbour ended
        if self.seed_from is not None and not self._tail_alone:
            from optimizer.engine import warm_start

            with self.stage("first cuts"):
                warm_start.begin(self.seed_from, lp, self.session, self.cuts)
            if self.cuts is not None:
                self.cuts.thrifty = self.canonical  # what is chosen among equal plans is made real (`_choose`)
        if self.cuts is not None and not self.thorough:
            self.cuts.thrifty, self.cuts.within = True, NEARLY  # the rest in `_real`
        return plan, lp

    def _finish(self, plan: Plan, lp: LinearProgram, answer: Answer, thorough: bool = True) -> tuple[Solution, Kept]:
        """From an optimum of the session to the proved plan. thorough: as `Kept.within`."""
        from optimizer.solver import branch_and_bound

        if self.thorough or not branch_and_bound.dodged(self.session.lp, answer.x, self.law):  # else it only says where to look
            with self.stage("canonical plan"):
                answer = self._choose(answer)
        basis = self.session.get_basis() if self.keep and self.law else None
        settled = self._settle(answer, thorough)
        kept = Kept(self, plan, lp, answer, settled, None if settled is None else basis)
        if settled is not None and settled.answer is None:
            return self._unsettled(settled), kept
        return self._prove(plan, answer, settled), kept

    def _pilot(self, problem: Problem) -> Pilot | None:
        """The plan of a few scenarios, where there are very many and no neighbour to begin at."""
        from optimizer.engine import pilot

        if not self.scout or self.method != "cuts" or self.seed_from is not None or not pilot.worthwhile(problem):
            return None

        def few(part: Problem) -> _Run:
            left = None if self.deadline is None else max(self.deadline - time.perf_counter(), 0.0)
            how = self.settings
            run = _Run(bare(part), "cuts", left, _silent, False, how["seed"], how["presolve"], how["method"])
            run.scout = False
            return run

        with self.stage("pilot"):
            return pilot.pilot(problem, few)

    def _begin_cuts(self, plan: Plan, lp: LinearProgram, found: Pilot | None = None) -> Cuts | None:
        if plan.theta is None or not plan.theta.values:
            return None
        from models.benders.cuts import Cuts

        with self.stage("first cuts"):
            if self.executor is not None:
                self.hours = self.executor.pin([value.hours for value in plan.theta.values])
            split = None if self.hours is None else self.hours.split
            session: Session | Lean = self.session
            if found is not None:
                from optimizer.engine.pilot import lean_session

                session = self.lean = lean_session(found, plan, lp, self)
            start = None if found is None else found.capacity
            return Cuts(plan.theta, session, lp.number, split, self._tell, self._new_session, self._expired, start)

    def _ascend(self) -> None:
        """From the pilot's plan to the optimum of the whole program, with little of it in; the session goes on from its basis."""
        from optimizer.engine.pilot import ascend

        assert self.cuts is not None and self.lean is not None
        cuts, lean, self.lean = self.cuts, self.lean, None
        answer = ascend(cuts, lean, self._expired, cuts.progress)
        lp, first = lean.lp, cuts.first_row
        cuts.session = self.session
        self.session.add_rows(lp.row_lower[first:], lp.row_upper[first:], lp.matrix.tocsr()[first:])
        if answer is not None:
            self.session.set_basis(lean.basis())

    def _tell(self, stage: str, **numbers: float) -> None:
        """Progress of the cuts, with the bounds they have come to (USD); proved, attained: of the whole case and verified."""
        from optimizer.solver import certificates

        if self.session.last is not None and self.session.last.status.value == "optimal":
            numbers["upper"] = self._bound(self.session.last)
        if self.cuts is not None and self.cuts.attained is not None:
            (lp, found), self.cuts.attained = self.cuts.attained, None
            numbers["lower"] = found.objective * self.problem.money
            if self.whole and certificates.relative_residual(lp, found.x) <= TOLERANCE:
                numbers["attained"] = max(numbers["lower"], self.lower)
                self.lower = numbers["attained"]
        if self.whole and self.upper is not None:
            numbers["proved"] = self.upper
        self.progress(stage, **numbers)

    def _bound(self, answer: Answer) -> float:
        """USD that the program's objective cannot exceed. Of the whole case: the best bound so far, each proved from its duals alone."""
        if not self.whole:
            return answer.objective * self.problem.money
        from optimizer.solver import certificates

        found = (
            certificates.verify_optimal(self.session.lp, answer.x, answer.y, tolerance=TOLERANCE).dual_bound * self.problem.money
        )
        if np.isfinite(found):
            self.upper = found if self.upper is None else min(self.upper, found)
        return answer.objective * self.problem.money if self.upper is None else self.upper

    def _expired(self) -> bool:
        return over() or (self.deadline is not None and time.perf_counter() > self.deadline)

    def _new_session(self, lp: LinearProgram) -> Session:
        from optimizer.solver.session import Session

        session = Session(self.options)
        session.load(lp)
        return session

    def _roughly(self) -> Answer:
        """As `_solve`; where the relaxation dodges the law it is a bound and says where to look, for which a few rounds of cuts do."""
        from optimizer.solver import branch_and_bound

        answer = self._solve(most=ROUGH)
        optimal = answer.status.value == "optimal"
        return self._solve() if optimal and not branch_and_bound.dodged(self.session.lp, answer.x, self.law) else answer

    def _solve(self, **rounds: int) -> Answer:
        """Optimum of the session, with every cut it misses added. rounds: as `Cuts.tighten`."""
        if self.lean is not None:
            self._ascend()
        answer = self.session.solve()
        if self.cuts is None:
            return self._refined(answer)
        for factor in (10.0, 1e3, 1e5):
            if answer.status.value != "unbounded":
                break
            self.cuts.floor()
            self.cuts.widen(factor)
            answer = self.session.solve()
        answer = self._refined(self.cuts.tighten(answer, **rounds)[0])
        if answer.status.value == "optimal" and self.cuts.stopped:
            self._bound(answer)
            from optimizer.solver.session import Status

            return replace(answer, status=Status.LIMIT, message="Time is up; the bound is that of the cuts so far.")
        return answer

    def _refined(self, answer: Answer) -> Answer:
        """An optimum whose duals leave a gap, or whose plan misses a row, that rounding of HiGHS explains: with those of its exact basis."""
        from optimizer.solver import certificates

        if answer.status.value != "optimal":
            return answer
        found = certificates.verify_optimal(self.session.lp, answer.x, answer.y, tolerance=TOLERANCE)
        if found.primal_residual_relative > TOLERANCE:
            return self.session.polished(answer, EXACT)
        return self.session.refined(answer) if found.gap > EXACT else answer

    def _choose(self, answer: Answer, barred: bool = False) -> Answer:
        """The canonical one among equal optima; where it lies beyond what the hours give, cut and choose again. barred: as `_real`."""
        from optimizer.solver.canonical import canonical

        if not self.canonical:
            return self._real(answer, barred)
        for _ in range(100):
            answer = self._expecting(answer)
            chosen = canonical(self.session, self.session.lp, answer, self.levels)
            if self.cuts is None or self.cuts.real(chosen):
                return chosen
            answer = self._solve()
            if answer.status.value != "optimal":
                return answer
        return answer

    @property
    def _tail_alone(self) -> bool:
        """Whether the objective looks at nothing but the tail, and hours are linked: outside the tail these have no price then."""
        linked = self.cuts is not None and any(len(site.units) for site in self.cuts.sites)
        return linked and self.problem.objective.weight == 1.0

    def _expecting(self, answer: Answer) -> Answer:
        """Where nothing but the tail has a price: an equal plan of the highest expected value, with every cut that it misses added.

        Which of equal plans expects most is a program of its own (level 1 of the canonical plan), and its hours want cuts in its own
        directions: else among equal plans one is chosen by hours that are not there.
        """
        if not self._tail_alone:
            return answer
        from optimizer.solver.canonical import level_on_face

        cuts, session, lp, basis = self.cuts, self.session, self.session.lp, self.session.get_basis()
        assert cuts is not None
        face = level_on_face(lp, answer, self.levels[0])
        columns, rows = np.arange(len(lp.cost)), np.arange(len(lp.row_lower))
        progress, thrifty = cuts.progress, cuts.thrifty
        cuts.progress, cuts.thrifty = _silent, False  # its bounds are not those of the plan
        session.set_column_bounds(columns, face.col_lower, face.col_upper)
        session.set_row_bounds(rows, face.row_lower, face.row_upper)
        session.set_costs(face.cost)
        try:
            found = cuts.tighten(session.solve(primal=True))[0]
        finally:
            cuts.progress, cuts.thrifty, cuts.attained = progress, thrifty, None
            session.set_costs(lp.cost)
            session.set_column_bounds(columns, lp.col_lower, lp.col_upper)
            session.set_row_bounds(rows, lp.row_lower, lp.row_upper)
            session.set_basis(basis)
        answer = self._since(answer)
        return replace(answer, x=found.x) if found.status.value == "optimal" else answer

    def _real(self, answer: Answer, barred: bool = False) -> Answer:
        """The optimum whose hours are real, where cuts were made in the plan's own directions only.

        barred: where real hours leave no plan, that is the answer; else the plan stands as it was, for the books to judge.
        """
        if self.cuts is None or not self.cuts.thrifty or self.cuts.real(answer, near=not self.thorough):
            return answer
        self.cuts.thrifty = False
        found = self._solve()
        told = ("optimal", "infeasible") if barred else ("optimal",)
        return found if found.status.value in told else self._since(answer)

    def _since(self, answer: Answer) -> Answer:
        """An answer of before: rows that have come since have no duals."""
        more = len(self.session.lp.row_lower) - len(answer.y)
        return replace(answer, y=np.concatenate([answer.y, np.zeros(more)]))

    # ---- no plan ---------------------------------------------------------------------------------------------------
    def _without_plan(self, plan: Plan, lp: LinearProgram, answer: Answer, outcome: Outcome) -> Solution:
        from optimizer.solver import certificates

        certificate, reasons = None, [answer.message] if answer.message else []
        with self.stage("verify"):
            if outcome is Outcome.INFEASIBLE and answer.ray is not None:
                certificate = certificates.verify_infeasible(lp, answer.ray)
                reasons = self._blame(lp, answer.ray) if certificate.verified else list(certificate.reasons)
            elif outcome is Outcome.UNBOUNDED and answer.ray is not None:
                certificate = certificates.verify_unbounded(lp, answer.x if np.isfinite(answer.x).all() else None, answer.ray)
                reasons = _directions(lp, answer.ray) if certificate.verified else list(certificate.reasons)
        if outcome in (Outcome.INFEASIBLE, Outcome.UNBOUNDED) and (certificate is None or not certificate.verified):
            late = self._expired()  # while a ray that proves it was looked for
            why = "time was up before it was proved" if late else "but its proof did not hold"
            reasons.insert(0, f"the solver says {outcome.value}, {why}")
            outcome = Outcome.LIMIT if late else Outcome.UNVERIFIED
        known = self.upper if outcome is Outcome.LIMIT else None
        if known is not None:
            reasons.append(f"no plan is worth more than {known:,.2f} USD, which is verified")
        return self._solution(outcome=outcome, certificate=certificate, reasons=tuple(reasons), upper_bound=known)

    def _blame(self, lp: LinearProgram, ray: np.ndarray) -> list[str]:
        """The rules and limits that take part in the proof, the heaviest first, each family once."""
        from optimizer.solver import certificates

        shares: dict[str, float] = {}
        for row, share in certificates.blame(lp, ray):
            if row >= len(lp.rows):
                # a cut: what the hours can give at most
                shares["the hours of power"] = shares.get("the hours of power", 0.0) + abs(share)
                continue
            con = lp.rows[row]
            family = con.parent_component().local_name.removeprefix("row_")
            key = con.index() if isinstance(con.index(), tuple) else (con.index(),)
            name = f"{family} {key[0]}" if isinstance(key[0], str) else family
            shares[name] = shares.get(name, 0.0) + abs(share)
        sources = {f"rule {r.name}": r for r in self.problem.rules}
        out = []
        for name, share in sorted(shares.items(), key=lambda kv: (-kv[1], kv[0]))[:12]:
            rule = sources.get(name)
            text = (
                f"rule '{rule.name}' ({rule.text}){' at ' + rule.source if rule.source else ''}"
                if rule
                else name.replace("_", " ")
            )
            out.append(f"{text}: {share:.1%} of the proof")
        return out

    # ---- a plan ----------------------------------------------------------------------------------------------------
    def _settle(self, answer: Answer, thorough: bool = True) -> Settled | None:
        """Where relaxed rows (of tax, of cash sweeps) let the program dodge the law, branch; None where it obeys. thorough: as
        `Kept.within`."""
        from optimizer.solver import branch_and_bound

        missed = branch_and_bound.dodged(self.session.lp, answer.x, self.law)
        if not missed:
            return None
        if self.cuts is not None:
            self.cuts.thrifty = not self.thorough  # again: the rest in `_real`
        with self.stage("branch"):
            near = None
            if not thorough or len(missed) > MANY:
                prices = branch_and_bound.PRICES if self.thorough else branch_and_bound.DEAR

                def sure(found: Answer) -> Answer:
                    return self._choose(found, barred=True)

                ways = [lambda: branch_and_bound.nearest(self.session, self._since(answer), self.law, self._solve, sure, prices)]
                if not thorough:
                    ways.append(lambda: branch_and_bound.dive(self.session, self._since(answer), self.law, self._solve, sure))
                    if len(missed) <= FEW:
                        ways.reverse()
                self.session.brief = not self.thorough
                near = next((found for way in ways if (found := way()) is not None), None)
                self.session.brief = False
                if near is not None and (near.complete or not thorough):
                    return near
                if not self.thorough and self.options.method == "ipm":
                    # a search through branches of a large program takes long, and what is asked has been tried
                    return branch_and_bound.Settled(None, None, answer.objective, 1, False, ())
            if self.cuts is not None:
                self.cuts.thrifty = False
            until = self.deadline
            if until is not None and near is None:
                until -= LAST * max(until - time.perf_counter(), 0.0)
            settled = branch_and_bound.settle(
                self.session, answer, self.law, self._solve, self._choose, near, deadline=until, progress=self.progress
            )
            if settled.complete or settled.answer is not None or not thorough:
                return settled
            # the search for the best plan has come to none: some plan is better than no plan
            near = branch_and_bound.nearest(self.session, self._since(answer), self.law, self._solve, self._choose)
            return settled if near is None else replace(settled, answer=near.answer, lp=near.lp)

    def _unsettled(self, settled: Settled) -> Solution:
        """No plan obeys the tax law in any branch looked at."""
        if not settled.complete:
            why = f"stopped after {settled.branches} branches over {self._either_or()} without a plan"
            return self._solution(
                outcome=Outcome.LIMIT, upper_bound=settled.bound * self.problem.money, reasons=(why, *settled.reasons)
            )
        why = "the rules leave a plan only if losses or interest are deducted later than tax law demands"
        if self.problem.sweeps:
            why += ", or cash stays where a sweep takes it"
        if settled.reasons:
            return self._solution(outcome=Outcome.UNVERIFIED, reasons=(why, *settled.reasons))

        nan = float("nan")
        note = f"each of {settled.branches} branches over {self._either_or()} is infeasible by a Farkas proof that was checked"
        certificate = Certificate("infeasible", nan, nan, nan, nan, nan, nan, nan, verified=True, notes=(note,))
        return self._solution(outcome=Outcome.INFEASIBLE, certificate=certificate, reasons=(why,))

    def _either_or(self) -> str:
        """What branches are over."""
        return "tax deductions and cash sweeps" if self.problem.sweeps else "tax deductions"

    def _levels(self, plan: Plan, lp: LinearProgram) -> list[np.ndarray]:
        """What the canonical plan minimises in turn, as vectors over the columns."""
        from optimizer.solver.canonical import fixed_order, toward_bounds

        column = lp.number

        def vector(lin: Lin) -> np.ndarray:
            out = np.zeros(len(lp.columns))
            for c, v in zip(lin.coefs, lin.vars, strict=True):
                if id(v) in column:
                    out[column[id(v)]] += c
            return out

        return [*(vector(lin) for lin in plan.preferences()), toward_bounds(lp, fixed_order(len(lp.columns)))]

    def _prove(self, plan: Plan, answer: Answer, settled: Settled | None, standing: bool = True) -> Solution:
        """standing: where nobody wants the best of equal plans, let hours that bear the plan out as it stands be."""
        from models.proforma.keep import keep_books
        from optimizer.solver import certificates
        from optimizer.solver.compile import load_into_model

        unit = self.problem.money
        lp = self.session.lp
        standing = standing and not self.thorough
        if settled is not None:
            assert settled.answer is not None and settled.lp is not None
            answer, lp = settled.answer, settled.lp
        dispatch, planned = None, answer
        if self.cuts is not None:
            with self.stage("dispatch"):
                answer, dispatch = self._realise(plan, lp, answer, standing)
        with self.stage("verify"):
            certificate = certificates.verify_optimal(lp, answer.x, answer.y, tolerance=TOLERANCE)
            if settled is not None:
                certificate = _over_branches(certificate, settled)
            load_into_model(lp, answer)
            decisions = plan.decisions(dispatch)
        with self.stage("books"):
            books = keep_books(self.problem, decisions)
            lp_checks = _compare(plan, books, certificate.objective * unit)
        reasons = list(certificate.reasons)
        for check in (*books.checks, *lp_checks):
            if not check.relative <= TOLERANCE:
                reasons.append(
                    f"{check.name}: off by {check.relative:.3g} relative ({check.residual:.6g}) at {check.where or 'total'}"
                )
        if reasons and standing:  # what the hours lack to the plan as it stands is too much for a line of nearly nothing
            return self._prove(plan, planned, settled, standing=False)
        with self.stage("prices"):
            prices = _prices(self.problem, plan, lp, answer, self.cuts)
            covenants = _covenants(self.problem, books, decisions, prices)
        outcome = Outcome.OPTIMAL if not reasons else Outcome.UNVERIFIED
        if self.late and outcome is Outcome.UNVERIFIED:
            outcome = Outcome.LIMIT
            reasons.insert(0, "time was up before the hours of the plan were worked out")
        if outcome is Outcome.OPTIMAL and settled is not None and not settled.complete:
            outcome = Outcome.LIMIT
            reasons.append(f"stopped after {settled.branches} branches over {self._either_or()}, gap {certificate.gap:.3g}")
        return self._solution(
            outcome=outcome,
            decisions=decisions,
            books=books,
            certificate=certificate,
            objective=books.objective,
            upper_bound=certificate.dual_bound * unit,
            lower_bound=certificate.objective * unit,
            gap=certificate.gap,
            prices=prices,
            covenants=covenants,
            reasons=tuple(reasons),
            notes=tuple(filter(None, [answer.message])),
            lp_checks=lp_checks,
        )

    def _realise(self, plan: Plan, lp: LinearProgram, answer: Answer, standing: bool) -> tuple[Answer, Any]:
        """The plan with hours that were worked out, and these hours; what it is worth is the lower bound. standing: as in `_prove`."""
        from models.benders.cut_pool import REAL
        from optimizer.solver import branch_and_bound
        from optimizer.solver.canonical import canonical, fixed_order, toward_bounds

        assert self.cuts is not None and plan.theta is not None

        def choose(session: Session, found: Answer) -> Answer:
            if not self.thorough:
                return found
            more = len(session.lp.cost) - len(lp.cost)
            levels = [np.concatenate([level, np.zeros(more)]) for level in self.levels[:-1]]
            levels.append(toward_bounds(session.lp, fixed_order(len(session.lp.cost))))
            return canonical(session, session.lp, found, levels)

        realised = self.cuts.realised(lp, answer)
        if not any(len(site.units) for site in self.cuts.sites):
            # hours that nothing links are worth what the cuts at these capacities say: there is nothing to mix
            return answer, plan.theta.dispatch([realised.plain(i, answer.x) for i in range(len(self.cuts.sites))])
        if standing and (mixed := realised.standing(answer)) is not None:
            return answer, plan.theta.dispatch(mixed)
        expecting = self._learned(lp, answer, realised) if self._tail_alone and self.thorough else None
        session, found = realised.price_in(answer.objective, NEAR if self.thorough else REAL)
        if self.law and found.status.value == "optimal":
            # real hours leave other profits than the cuts did: the law is obeyed by these, and stays so among equal plans
            if branch_and_bound.dodged(lp, found.x[: len(lp.cost)], self.law):
                best = branch_and_bound.settle(session, found, self.law, session.solve, lambda a: a).answer
                found = best if best is not None else answer
            lawful = branch_and_bound.obeyed(lp, (found if expecting is None else expecting).x[: len(lp.cost)], self.law)
            rows = np.flatnonzero(lawful.row_lower != lp.row_lower)
            columns = np.flatnonzero(lawful.col_upper != lp.col_upper)
            session.set_row_bounds(rows, lawful.row_lower[rows], lawful.row_upper[rows])
            session.set_column_bounds(columns, session.lp.col_lower[columns], lawful.col_upper[columns])
            found = session.solve()
        if found.status.value == "optimal":
            found, mixtures = realised.mixtures(session, found, choose)
        if found.status.value != "optimal":
            # the plan's own figures stand; the books will tell whether the hours bear them out
            self.late = found.status.value == "limit"
            message = f"The hours at the plan's capacities ended {found.status.value}."
            mixtures = [realised.plain(i, answer.x) for i in range(len(self.cuts.sites))]
            return replace(answer, message=message), plan.theta.dispatch(mixtures)
        return replace(answer, x=found.x[: len(lp.cost)]), plan.theta.dispatch(mixtures)

    def _learned(self, lp: LinearProgram, answer: Answer, realised: Realised) -> Answer | None:
        """Give the splits that only the expected value asks for to `realised`: the plan of real hours that expects most and obeys the law."""
        from models.benders.cut_pool import REAL
        from optimizer.solver import branch_and_bound
        from optimizer.solver.canonical import level_on_face

        assert self.cuts is not None
        aim = self.cuts.realised(level_on_face(lp, answer, self.levels[0]), answer)
        best = float(self.levels[0] @ answer.x)
        _, found = aim.price_in(best, NEAR)
        realised.learn(aim)
        there = found.status.value == "optimal" and abs(found.objective - best) <= REAL * max(abs(best), 1.0)
        return found if there and not branch_and_bound.dodged(lp, found.x[: len(lp.cost)], self.law) else None

    def _solution(self, **found: Any) -> Solution:
        loop = {} if self.cuts is None else {"rounds": self.cuts.rounds, "cuts": self.cuts.pool.count}
        return Solution(
            case=self.case,
            variant=self.case.variant,
            problem=self.problem,
            method=self.method,
            size=self.size | loop,
            timings=self.timings | since(self.begun),
            **found,
        )


@dataclass(frozen=True, eq=False)
class Kept:
    """A solved program, still warm. plan and lp as built, before cuts; answer: its optimum; settled: the branch of the tax law, if any,
    and basis: the one before it."""

    run: _Run
    plan: Plan
    lp: LinearProgram
    answer: Answer
    settled: Settled | None
    basis: Any = None

    def within(self, narrowed: Narrowed, thorough: bool = True) -> Solution:
        """The best plan of the program within narrower bounds, proved like any other. The bounds are put back.

        Not thorough: where the tax law asks for branches, the nearest one only; the outcome is then LIMIT, with a plan that obeys the law
        and the bound of all of them.
        """
        run, session = self.run, self.run.session
        held, timings, progress = session.lp, run.timings, run.progress
        columns, rows = narrowed.columns, narrowed.rows
        basis = session.get_basis()
        run.timings, run.progress = {}, _silent
        told = None if run.cuts is None else run.cuts.progress
        if run.cuts is not None:
            run.cuts.progress = _silent
        session.set_column_bounds(columns, narrowed.column_lower, narrowed.column_upper)
        session.set_row_bounds(rows, narrowed.row_lower, narrowed.row_upper)
        session.leap()
        try:
            answer = run._solve()
            outcome = Outcome(answer.status.value) if answer.status.value in {o.value for o in Outcome} else Outcome.UNVERIFIED
            if outcome is not Outcome.OPTIMAL:
                return run._without_plan(self.plan, session.lp, answer, outcome)
            return run._finish(self.plan, self.lp, answer, thorough)[0]
        finally:
            session.set_column_bounds(columns, held.col_lower[columns], held.col_upper[columns])
            session.set_row_bounds(rows, held.row_lower[rows], held.row_upper[rows])
            session.set_basis(basis)
            run.timings, run.progress = timings, progress
            if run.cuts is not None and told is not None:
                run.cuts.progress = told


def conditions(plan: Plan, lp: LinearProgram) -> list[Condition]:
    """The pairs of the tax law and of cash sweeps by row and column number."""
    from optimizer.solver.branch_and_bound import Tight

    if not plan.taxes.law and not plan.sweeps.law:
        return []

    rows = {(con.parent_component().local_name, con.index()): i for i, con in enumerate(lp.rows)}
    columns = lp.number

    def tight(key: tuple[int, int], way: tuple[str, str]) -> Tight:
        if way[0] == "row":
            return Tight("row", rows["row_" + way[1], key])
        return Tight("column", columns[id(plan.build.component(way[1])[key])])

    tax = [(tight(key, one), tight(key, other)) for key, one, other in plan.taxes.law]
    return tax + [(Tight("column", columns[id(one)]), Tight("column", columns[id(other)])) for one, other in plan.sweeps.law]
