"""Every word and every function of rules: the program's figure is the books', and hours by cuts give what hours in one piece give."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from models.problem import Problem, Rule, Term
from models.proforma.books import Books
from models.program.master_problem import MasterProblem
from models.program.rules.words import MONEY
from models.rules.functions import FUNCTIONS
from models.rules.language import WORDS
from optimizer.engine import verification
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from optimizer.solver.compile import compile_model
from optimizer.solver.session import Session, SolverOptions, Status
from tests.shared.plans import plan_of
from tests.shared.random_problems import random_problem
from tests.shared.random_rules import ruled_problem, swept
from tests.whole.test_decomposition import agree

#: with hours, and quick by cuts
HOURS = (3, 11, 15, 19, 31, 32, 33, 34, 35, 36, 48, 53, 56)
SLOW_HOURS = (0, 4, 9, 13, 22, 28, 30, 44, 47, 50, 51, 52, 57, 58)
SWEPT = (13, 17, 26, 50, 53, 56, 58)


@cache
def free(seed: int) -> Solution:
    """The random problem as it is."""
    return plan_of(random_problem(seed), method="extensive")


@cache
def under_sweeps(seed: int) -> Solution:
    return plan_of(swept(random_problem(seed), 2e6), method="extensive")


def solved_twice(problem: Problem, method: str, patch: pytest.MonkeyPatch) -> tuple[Solution, MasterProblem, Books]:
    """The solution, with the plan that the program holds and the books that were kept."""
    seen: dict[str, Any] = {}
    honest = verification.compare

    def compare(master: MasterProblem, books: Books, objective: float) -> Any:
        seen.update(plan=master, books=books)
        return honest(master, books, objective)

    patch.setattr(verification, "compare", compare)
    solution = solve_problem(problem, method=method, baseline=False)  # one program to compare, not two
    assert solution.outcome is Outcome.OPTIMAL, (method, solution.reasons)
    return solution, seen["plan"], seen["books"]


def compare_terms(problem: Problem, master: MasterProblem, books: Books) -> set[Term]:
    """Every term of every rule at every date it applies at; those that are anything but 0 somewhere."""
    moved = set()
    for rule in problem.rules:
        for term in rule.terms:
            unit = master.build.unit if term.word in MONEY else 1.0
            booked = books.words[str(term)]
            scale = max(float(np.abs(booked).max()), 0.1 * unit, 1.0)
            for s, d in zip(*np.nonzero(rule.active), strict=True):
                found = master.words.at(term.word, term.argument, int(s), int(d), term.functions).value() * unit
                assert abs(found - booked[s, d]) <= 1e-7 * scale, (str(term), s, d, found, booked[s, d])
            if np.abs(booked[rule.active]).max(initial=0.0) > 1e-3:
                moved.add(term)
    return moved


def test_every_word_and_function_has_the_books_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over many problems each word is met with a figure that is not 0, alone and in every function that may take it."""
    moved: set[Term] = set()
    problems = [ruled_problem(seed, 72) for seed in range(30)]
    problems += [ruled_problem(seed, 72, limited=True) for seed in (44, 63)]  # where energy and CO2 are counted
    for problem in problems:
        with monkeypatch.context() as patch:
            _, master, books = solved_twice(problem, "extensive", patch)
        moved |= compare_terms(problem, master, books)
    assert {term.word for term in moved if not term.functions} == set(WORDS)
    met = {(term.word, function.name) for term in moved for function in term.functions}
    wanted = {
        (word, name) for word, w in WORDS.items() for name, kind in FUNCTIONS.items() if kind.of == "any" or w.kind == "flow"
    }
    assert len(wanted - met) <= len(wanted) // 20, sorted(wanted - met)
    assert any(len(term.functions) > 1 for term in moved)
    for word in ("rigs_mw", "ai_mw", "ai_revenue", "ai_mwh", "hashrate"):
        assert any(term.word == word and "@" in (term.argument or "") for term in moved), word


@pytest.mark.parametrize("seed", [*HOURS, *(pytest.param(seed, marks=pytest.mark.slow) for seed in SLOW_HOURS)])
def test_cuts_agree_where_rules_look_into_hours(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = ruled_problem(seed, 12)
    with monkeypatch.context() as patch:
        whole, _, _ = solved_twice(problem, "extensive", patch)
    with monkeypatch.context() as patch:
        cuts, master, books = solved_twice(problem, "cuts", patch)
    agree(cuts, whole)
    compare_terms(problem, master, books)


# --- sweeps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SWEPT)
def test_sweeps_hold_in_both_books_and_by_either_method(seed: int) -> None:
    whole = under_sweeps(seed)
    problem = whole.problem
    assert problem.sweeps
    agree(plan_of(problem, method="cuts"), whole)
    without = free(seed).objective
    assert without is not None and whole.objective is not None
    assert whole.objective <= without + 1e-9 * abs(without)
    for sweep in problem.sweeps:
        assert whole.books is not None
        kept = np.minimum(whole.books.words["cash"] - sweep.level, whole.books.words[f"outstanding[{sweep.debt}]"])
        assert kept.max() <= 1.0


def test_sweeps_cost_something_somewhere() -> None:
    costs = []
    for seed in SWEPT:
        without, whole = free(seed).objective, under_sweeps(seed).objective
        assert without is not None and whole is not None
        costs.append((without - whole) / abs(without))
    assert sum(cost > 1e-6 for cost in costs) >= 5


def every_way(problem: Problem) -> float:
    """Best objective (USD) over every way to keep each either-or of the sweeps, by enumeration."""
    master = MasterProblem(problem)
    lp = compile_model(master.model)
    column = {id(v): j for j, v in enumerate(lp.columns)}
    pairs = [(column[id(a)], column[id(b)]) for a, b in master.sweeps.disjunctions]
    assert 1 <= len(pairs) <= 8
    best = -np.inf
    for ways in itertools.product((0, 1), repeat=len(pairs)):
        upper = lp.col_upper.copy()
        for pair, way in zip(pairs, ways, strict=True):
            upper[pair[way]] = lp.col_lower[pair[way]]
        session = Session(SolverOptions())
        session.load(replace(lp, col_upper=upper))
        answer = session.solve()
        if answer.status is Status.OPTIMAL:
            best = max(best, answer.objective * problem.money)
    return best


@pytest.mark.parametrize("seed", (17, 26, 53))
def test_the_optimum_under_sweeps_is_the_best_of_every_way_to_keep_them(seed: int) -> None:
    problem = replace(swept(random_problem(seed), 2e6), tax=None)
    most = 8 // problem.scenarios.count
    sweeps = []
    for sweep in problem.sweeps[:1]:
        active = sweep.active & (np.arange(problem.clock.dates) < most)
        sweeps.append(replace(sweep, active=active))
    problem = replace(problem, sweeps=tuple(sweeps))
    found = plan_of(problem, method="extensive")
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    assert found.objective == pytest.approx(every_way(problem), rel=1e-8)


# --- in expectation, and curtailment ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [4, 9, 16, 33])
def test_in_expectation_is_never_harder_than_in_each(seed: int) -> None:
    base = random_problem(seed)
    shape = (base.scenarios.count, base.clock.dates)
    active = np.zeros(shape, dtype=bool)
    active[:, 1:] = True
    each = Rule("floor", "", {Term("cash"): np.ones(shape)}, ">=", np.full(shape, 30e6), active)
    values = []
    for rules in ((), (replace(each, expected=True),), (each,)):
        found = plan_of(replace(base, rules=rules), method="extensive")
        assert found.outcome is Outcome.OPTIMAL and found.objective is not None
        values.append(found.objective)
    assert values[0] >= values[1] - 1e-6 and values[1] >= values[2] - 1e-6
    assert base.scenarios.count == 1 or values[0] > values[2] + 1.0


def curtailed(seed: int) -> Problem:
    """A random strike for every site, scenario and period."""
    problem, rng = random_problem(seed), np.random.default_rng(seed)
    shape = (problem.scenarios.count, problem.clock.periods)
    return replace(problem, sites=tuple(replace(site, curtail_above=rng.uniform(0, 120, shape)) for site in problem.sites))


@cache
def curtailed_solution(seed: int) -> Solution:
    return plan_of(curtailed(seed), method="extensive")


CURTAILED = (3, 11, 19, 33, 35, 36, 53)


@pytest.mark.parametrize("seed", CURTAILED)
def test_no_rig_runs_above_the_strike(seed: int) -> None:
    whole = curtailed_solution(seed)
    problem = whole.problem
    cuts = plan_of(problem, method="cuts")
    agree(cuts, whole)
    for found in (cuts, whole):
        assert found.decisions is not None
        for (name, s, t), split in found.decisions.dispatch.items():
            site = next(site for site in problem.sites if site.name == name)
            assert site.grid is not None and site.curtail_above is not None
            dear = site.grid.price.values(problem.clock, s, t) > site.curtail_above[s, t]
            for use, mw in split.uses.items():
                assert not use.startswith("rig:") or np.all(mw[dear] <= 1e-9), (name, s, t, use)


def test_curtailment_stops_rigs_somewhere() -> None:
    """Otherwise the test above says nothing."""
    stopped = 0.0
    for seed in CURTAILED:
        running, held = free(seed).books, curtailed_solution(seed).books
        assert running is not None and held is not None
        stopped += float((running.words["btc_mined"] - held.words["btc_mined"]).sum())
    assert stopped > 10.0
