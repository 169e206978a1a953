"""One solve, stage by stage: from a case to a plan that is proved, with a second set of books.

read, build, first cuts    `master`: the program of the case, warm; `scenario_subset_start` and `warm_start` say where it may begin
solve                      `search`: its optimum, cut until the hours are real; without one, `verdict` says why
canonical plan             `search`: one plan among equal ones
branch                     `branching`: the branch of tax law and cash sweeps that the plan is in
dispatch                   `dispatch`: the plan's hours
verify, books              `verification`: the proof by arithmetic, and the program against books that do not know it
prices                     `shadow_prices`, `covenant_table`: what one more unit of something scarce would add
baseline                   `rules_of_thumb`: what the company is worth without new investment
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from models.problem import Problem
from optimizer.engine.policy import METHODS, Policy, Thoroughness
from optimizer.engine.solution import Solution, Solved
from optimizer.engine.stages import Progress, Stages, silent
from optimizer.engine.values import Baseline, CaseLike, Outcome

if TYPE_CHECKING:
    from models.benders.cuts import Separation
    from optimizer.engine.master import Built, Narrowed, WarmProgram
    from optimizer.engine.search import Search
    from optimizer.engine.warm_start import ExportedBasis
    from optimizer.runtime.executor import Executor
    from optimizer.solver.answer import Answer
    from optimizer.solver.restricted_program import RestrictedProgram


def solve(case: CaseLike, **options: Any) -> Solution:
    """Solve a case and prove the answer: `solve_warm`, with its options, where nothing is asked of the program afterwards."""
    return solve_warm(case, **options).solution


def solve_problem(problem: Problem, **options: Any) -> Solution:
    """Solve plain arrays: what tests of the mathematics use."""
    return solve(bare(problem), **options)


def solve_warm(
    case: CaseLike,
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
    start_from: ExportedBasis | None = None,
    thoroughness: Thoroughness = Thoroughness.FULL,
    price_is_given: bool = False,
) -> Solved:
    """Solve a case and prove the answer. time_limit in seconds.

    method: 'cuts' values every hour exactly and adds what is needed of it to the program; 'extensive' writes every hour out.
    executor: who works out the hours ('cuts' only); None: this process. The answer is the same to the last bit.
    baseline: also work out what a company that invests in nothing new would be worth.
    start_from: begin where a neighbour ended (`warm_start`); the proof is the same. seed, presolve, algorithm: as `Policy`.
    price_is_given: at the share price of the arrays, also where it follows the plan; else that is found first (`price_fixed_point`).
    Raises ValueError for an unknown method; SolverError when HiGHS itself fails; ExecutorError when its workers cannot go on.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: expected one of {', '.join(METHODS)}")
    if case.problem().market.follows is not None and not price_is_given:
        how = {"method": method, "canonical": canonical, "seed": seed, "presolve": presolve, "algorithm": algorithm}
        how |= {"executor": executor, "thoroughness": thoroughness}
        return _at_the_plans_price(case, time_limit, progress, baseline, start_from, how)
    deadline = None if time_limit is None else time.perf_counter() + time_limit
    asked = Policy(method, thoroughness, canonical, seed, presolve, algorithm, deadline=deadline)

    def once(way: CaseLike, policy: Policy) -> Solved:
        return _solved(way, policy.within_what_is_left(), progress or silent, executor, baseline, start_from)

    found = once(case, asked)
    # who asks for neighbours asks again from nothing
    at_a_neighbour = start_from is not None and found.solution.decisions is not None
    if found.solution.outcome is not Outcome.UNVERIFIED or at_a_neighbour or thoroughness is Thoroughness.QUICK:
        return found
    return _otherwise(found, once, asked)


def _at_the_plans_price(
    case: CaseLike,
    time_limit: float | None,
    progress: Progress | None,
    baseline: bool,
    start_from: ExportedBasis | None,
    how: dict[str, Any],
) -> Solved:
    """A case whose share price follows the plan. All as in `solve_warm`; how: its other options."""
    from optimizer.engine import price_fixed_point

    told = None if progress is None else price_fixed_point.without_bounds(progress)

    def at(problem: Problem, begin: ExportedBasis | None, left: float | None) -> Solved:
        here = case.with_problem(problem)
        return solve_warm(here, time_limit=left, progress=told, baseline=False, start_from=begin, price_is_given=True, **how)

    solver = price_fixed_point.Solver(at, _unimproved)
    return price_fixed_point.follow(case.problem(), solver, time_limit, progress, baseline, start_from)


def _unimproved(solved: Solved, best: Solution) -> Baseline:
    """What the company is worth without new investment, by the program of `solved`, beside the best plan."""
    from optimizer.engine import rules_of_thumb

    assert solved.warm is not None
    found = within(solved, rules_of_thumb.nothing_new(solved.warm), Thoroughness.NEAREST_BRANCH)
    return replace(rules_of_thumb.told("no-new-investment", found, best), solution=None)


def _otherwise(found: Solved, once: Callable[[CaseLike, Policy], Solved], asked: Policy) -> Solved:
    """The first way (`second_try`) of an unverified answer that is verified; if none is, the answer with what to change in the case."""
    from optimizer.engine import second_try

    first = found.solution
    moved = None if first.books is None else first.books.moved
    if second_try.worthwhile(first):
        for way in second_try.ways(first.problem, first.method, moved, asked.presolve):
            if asked.deadline is not None and time.perf_counter() > asked.deadline:
                break
            tried = once(bare(way.problem), replace(asked, method=way.method, presolve=way.presolve))
            if tried.solution.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE, Outcome.UNBOUNDED):
                notes = (*tried.solution.notes, way.text)
                return replace(tried, solution=replace(tried.solution, case=first.case, variant=first.variant, notes=notes))
    return Solved(replace(first, reasons=(*first.reasons, second_try.advice(first))), found.warm)


def _solved(
    case: CaseLike,
    policy: Policy,
    progress: Progress,
    executor: Executor | None,
    baseline: bool,
    start_from: ExportedBasis | None,
) -> Solved:
    """The stages of one solve, in order."""
    stages = Stages(progress)
    with stages("read"):
        problem = case.problem()
        from optimizer.engine import master, scenario_subset_start, verdict
        from optimizer.engine.search import Bounds, Search

    built = master.build(problem, policy, stages)
    with ExitStack() as until_the_end:
        program, separation, restricted = _first_cuts(built, policy, stages, executor, until_the_end, start_from)
        bounds = Bounds(problem.money)
        search = Search(program, policy, separation, progress=progress, bounds=bounds)
        with stages("solve", **built.size):
            if restricted is not None:
                scenario_subset_start.climb(program, restricted, search)
            optimum = search.rough_optimum() if policy.quick else search.optimum()
        if not optimum.optimal:
            ended = _ending(case, program, policy, stages)
            return Solved(verdict.without_plan(program, optimum, bounds.upper, stages, ended), None)

        solved = _planned(case, replace(search, bounds=None), optimum, stages, bounds.upper)
        if baseline and solved.solution.outcome is Outcome.OPTIMAL and solved.warm is not None:
            with stages("baseline"):
                told = _unimproved(solved, solved.solution)
            # the clock goes on: what the solution was given when it was proved lacks this stage
            best = replace(solved.solution, baseline=told, timings=stages.timings())
            solved = replace(solved, solution=best)
        there = solved.solution.outcome is Outcome.OPTIMAL or (policy.quick and solved.solution.borne_out)
        return solved if there else replace(solved, warm=None)


def _first_cuts(
    built: Built,
    policy: Policy,
    stages: Stages,
    executor: Executor | None,
    until_the_end: ExitStack,
    start_from: ExportedBasis | None,
) -> tuple[WarmProgram, Separation, RestrictedProgram | None]:
    """The program where its solve begins, how plans are cut off there, and the program with little in it that goes before, if one does."""
    from models.benders.cuts import Separation
    from optimizer.engine import master, scenario_subset_start, warm_start

    flown = None
    if policy.method == "cuts" and start_from is None and scenario_subset_start.worthwhile(built.problem):
        with stages("pilot"):
            flown = scenario_subset_start.subset_start(built.problem, policy)
    restricted = None if flown is None else scenario_subset_start.restricted_session(flown, built)
    with stages("first cuts") if built.decomposed else nullcontext():
        recourse_solution = until_the_end.enter_context(master.shared_out(executor, built))
        program = master.first_cuts(built, policy, recourse_solution, restricted, None if flown is None else flown.capacity)
    own = policy.quick
    # where only the tail has a price, equal plans abound, and which is found would hang on where a neighbour ended
    if start_from is not None and not program.tail_alone:
        with stages("first cuts"):
            warm_start.apply_basis(start_from, built.lp, built.session, program.cuts)
        own = own or policy.canonical  # near the optimum; what is chosen among equal plans is made real (`Search.choose`)
    return program, Separation.OWN if own else Separation.EVERY, restricted


def _planned(case: CaseLike, search: Search, optimum: Answer, stages: Stages, upper: float | None) -> Solved:
    """From an optimum of the session to the proved plan: the last stages, in order. upper: USD, as `SolvedProgram`."""
    from models.proforma.keep import keep_books
    from optimizer.engine import branching, dispatch, verdict, verification
    from optimizer.engine.covenant_table import covenant_table
    from optimizer.engine.master import SolvedProgram
    from optimizer.engine.shadow_prices import shadow_prices
    from optimizer.solver import branch_and_bound

    program, policy = search.program, search.policy
    problem, session = program.problem, program.session
    ended = _ending(case, program, policy, stages)
    # where any plan will do, an optimum that dodges the law only says where to look
    if not policy.quick or not branch_and_bound.violated(session.lp, optimum.x, program.disjunctions):
        with stages("canonical plan"):
            optimum = search.choose(optimum)
    before, branches = session.get_basis() if program.disjunctions else None, None
    missed = branch_and_bound.violated(session.lp, optimum.x, program.disjunctions)
    if missed:
        with stages("branch"):
            branches = branching.branch(search, optimum, len(missed))
    warm = SolvedProgram(program, policy, optimum, branches, None if branches is None else before, upper)
    if branches is not None and branches.answer is None:
        return Solved(verdict.without_lawful_plan(problem, branches, ended), warm)

    lp = session.lp if branches is None or branches.lp is None else branches.lp
    for as_it_stands in (True, False) if policy.quick else (False,):
        found = dispatch.Dispatched(warm.best)
        if program.cuts is not None:
            with stages("dispatch"):
                found = dispatch.dispatch(program, policy, lp, warm.best, as_it_stands)
        with stages("verify"):
            certificate = verification.prove(lp, found.answer, branches)
            decisions = verification.decisions(program.master, lp, found)
        with stages("books"):
            books = keep_books(problem, decisions)
            checks = verification.compare(program.master, books, certificate.objective * problem.money)
        reasons = verification.faults(certificate, (*books.checks, *checks))
        if not reasons:  # else what the hours lack to the plan as it stands is too much for a line of nearly nothing
            break
    with stages("prices"):
        prices = shadow_prices(problem, program.master, lp, found.answer, program.cuts)
        covenants = covenant_table(problem, books, decisions, prices)
    outcome, told = verdict.with_plan(problem, reasons, found.late, branches, certificate)
    solution = ended(
        outcome=outcome,
        decisions=decisions,
        books=books,
        certificate=certificate,
        objective=books.objective,
        upper_bound=certificate.dual_bound * problem.money,
        lower_bound=certificate.objective * problem.money,
        gap=certificate.gap,
        prices=prices,
        covenants=covenants,
        reasons=told,
        notes=tuple(filter(None, [found.answer.message])),
        lp_checks=checks,
    )
    return Solved(solution, warm)


def within(solved: Solved, narrowed: Narrowed, thoroughness: Thoroughness = Thoroughness.FULL) -> Solution:
    """The best plan of a solved program within narrower bounds, proved like any other. The bounds are put back.

    thoroughness: NEAREST_BRANCH looks, where the law asks for branches, into the nearest one only; the outcome is then LIMIT, with a plan
    that obeys the law and the bound of all of them. Raises ValueError where the program is not there.
    """
    from optimizer.engine import verdict
    from optimizer.engine.search import Search

    warm = solved.warm
    if warm is None:
        raise ValueError("there is no plan to go on from")
    case, stages, program = solved.solution.case, Stages(), warm.program
    search = Search(program, replace(warm.policy, thoroughness=thoroughness))
    with program.session.changed(narrowed.columns, narrowed.rows):
        program.session.drop_basis()
        answer = search.optimum()
        if not answer.optimal:
            return verdict.without_plan(program, answer, warm.upper, stages, _ending(case, program, search.policy, stages))
        return _planned(case, search, answer, stages, warm.upper).solution


def _ending(case: CaseLike, program: WarmProgram, policy: Policy, stages: Stages) -> Callable[..., Solution]:
    """What makes a solution of what a solve has come to."""

    def ended(**found: Any) -> Solution:
        return Solution(
            case=case,
            variant=case.variant,
            problem=program.problem,
            method=policy.method,
            size=program.size,
            timings=stages.timings(),
            **found,
        )

    return ended


def bare(problem: Problem) -> CaseLike:
    """Plain arrays in place of a case, for `solve`."""
    return _Bare(problem)


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

    def with_problem(self, problem: Problem) -> CaseLike:
        return bare(problem)
