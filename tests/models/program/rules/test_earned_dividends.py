"""Dividends that must be earned: by hand, by enumeration of the either-ors, and net income as the books have it."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from models.problem import Array, EarnedDividends, Problem
from models.proforma.feasibility import dividend_bars as bars
from models.program.master_problem import MasterProblem
from optimizer.engine.solution import Solution
from optimizer.engine.solve import bare, solve_problem, solve_warm
from optimizer.engine.values import Outcome
from tests.shared.random_problems import random_problem
from tests.shared.rows import row_is
from tests.shared.tiny import dates, debt_of, stream, tiny

#: random problems that are solved in a second or so
SEEDS = (1, 2, 3, 6, 8, 11, 12)


def earned(problem: Problem, opening: float = 0.0, active: Array | None = None) -> Problem:
    every = np.ones((problem.scenarios.count, problem.clock.dates), dtype=bool)
    return replace(problem, earned_dividends=(EarnedDividends("earned", opening, every if active is None else active),))


def solved(problem: Problem, method: str = "cuts") -> Solution:
    solution = solve_problem(problem, method=method, baseline=False)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    assert solution.books is not None and solution.decisions is not None
    return solution


def company(income: list[float], paid: tuple[int, ...], **terms: object) -> Problem:
    """A company without tax that gets `income` at each date and may pay dividends at `paid`; owners discount at 10 %."""
    problem = tiny(len(income) - 1, cash=0.0, discount=0.1, **terms)  # type: ignore[arg-type]
    treasury = replace(problem.treasury, dividends=dates(problem, *paid))
    return replace(problem, treasury=treasury, cash_flows=(stream(problem, np.array([income])),))


def test_what_was_lost_is_earned_back_before_owners_are_paid() -> None:
    """30 lost in cash that was there, then 50, then 10: of the 50 only 20 were earned; opening earnings of 15 let 35 be paid."""
    problem = company([0.0, -30.0, 50.0, 10.0], (2, 3))
    problem = replace(problem, treasury=replace(problem.treasury, cash=100.0))
    free, held, opened = solved(problem), solved(earned(problem)), solved(earned(problem, 15.0))
    assert free.decisions.dividends[0, 2] == pytest.approx(120.0)  # type: ignore[union-attr]
    # at the last date cash that is kept counts as much as cash that is paid
    assert held.decisions.dividends[0, :3] == pytest.approx([0.0, 0.0, 20.0])  # type: ignore[union-attr]
    assert held.objective == pytest.approx(20.0 / 1.1**2 + 110.0 / 1.1**3)
    assert opened.decisions.dividends[0, :3] == pytest.approx([0.0, 0.0, 35.0])  # type: ignore[union-attr]
    assert solved(earned(problem, -25.0)).decisions.dividends[0, :3] == pytest.approx([0.0, 0.0, 0.0])  # type: ignore[union-attr]


def test_no_dividend_beside_a_drawn_revolver() -> None:
    """Earnings of 40 come late; a revolver at 1 % would pay them out early, if owners at 10 % were let."""
    problem = company([0.0, 40.0, 0.0, 40.0], (1, 2, 3))
    revolver = debt_of(problem, "line", "revolver", rate=0.01, limit=100.0, tenor=36)
    problem = replace(problem, debts=(revolver,))
    free, held = solved(problem), solved(earned(problem))
    drawn = free.decisions.balance["line"][0] > 1e-6  # type: ignore[union-attr]
    assert (free.decisions.dividends[0][drawn] > 1e-6).any()  # type: ignore[union-attr]
    drawn = held.decisions.balance["line"][0] > 1e-6  # type: ignore[union-attr]
    assert not (held.decisions.dividends[0][drawn] > 1e-6).any()  # type: ignore[union-attr]
    assert held.objective is not None and free.objective is not None and held.objective < free.objective


@pytest.mark.parametrize("seed", SEEDS)
def test_the_programs_earnings_are_those_of_the_books_and_nothing_is_paid_where_it_is_barred(seed: int) -> None:
    problem = earned(random_problem(seed))
    found = solve_warm(bare(problem), baseline=False)
    books, decisions = found.solution.books, found.solution.decisions
    assert found.solution.outcome is Outcome.OPTIMAL and books is not None and decisions is not None and found.warm is not None
    program, retained = found.warm.program, books.balance_sheet["retained_earnings"]
    places = {id(column): k for k, column in enumerate(program.lp.columns)}
    x, unit, seen = found.warm.best.x, program.master.build.unit, 0
    size = float(np.abs(retained).max()) + 1.0
    for (s, d), made in program.master.earned.earnings._known.items():
        value = made.const + sum(c * x[places[id(v)]] for c, v in zip(made.coefs, made.vars, strict=True))
        assert value * unit == pytest.approx(retained[s, d], abs=1e-7 * size), (s, d)
        seen += 1
    assert seen >= 2
    against = bars(problem, problem.earned_dividends[0], decisions, retained)
    assert float(np.minimum(against, decisions.dividends).max()) <= 1e-6 * size


@pytest.mark.parametrize("seed", [2, 8, 12])
def test_cuts_and_every_hour_written_out_agree(seed: int) -> None:
    problem = earned(random_problem(seed))
    assert solved(problem).objective == pytest.approx(solved(problem, "extensive").objective, rel=1e-9)


@pytest.mark.parametrize("income", [[0.0, 30.0, -20.0, 45.0], [0.0, -10.0, 60.0, 5.0], [5.0, 20.0, 20.0, -30.0]])
def test_the_best_of_all_ways_to_say_when_owners_are_paid(income: list[float]) -> None:
    """Where dividends may be paid at some dates only, and the revolver not drawn at these, every either-or is settled: the best of them."""
    problem = company(income, (1, 2, 3))
    revolver = debt_of(problem, "line", "revolver", rate=0.03, limit=25.0, tenor=36)
    problem = replace(problem, debts=(revolver,), treasury=replace(problem.treasury, cash=20.0))
    best = solved(earned(problem)).objective
    found = []
    for k in range(4):
        for days in itertools.combinations((1, 2, 3), k):
            only = replace(problem, treasury=replace(problem.treasury, dividends=dates(problem, *days) & bool(days)))
            found.append(solve_problem(earned(only), baseline=False).objective)
    assert best == pytest.approx(max(one for one in found if one is not None), rel=1e-9, abs=1e-6)


def test_a_policy_that_is_nowhere_active_changes_nothing() -> None:
    problem = random_problem(3)
    never = earned(problem, active=np.zeros((problem.scenarios.count, problem.clock.dates), dtype=bool))
    assert solved(never).objective == pytest.approx(solved(problem).objective, rel=1e-12)


def test_rows() -> None:
    """Cash, less debts at amortised cost, plus what was paid out, was earned; what is paid beyond it or beside a revolver is barred."""
    problem = company([0.0, 40.0, 0.0, 40.0], (1, 2, 3))
    debts = (
        debt_of(problem, "line", "revolver", rate=0.01, limit=100.0, tenor=36),
        debt_of(problem, "notes", rate=0.05, tenor=24, price=0.98),
    )
    master = MasterProblem(earned(replace(problem, debts=debts), 7e6))
    # notes at 98 with a coupon of 5 % for two years: carried at 98 when issued, a year later at 105 over one and its yield
    root = (-5.0 - math.sqrt(25.0 + 4.0 * 98.0 * 105.0)) / (-2.0 * 98.0)  # 98 x^2 = 5 x + 105, x = one and the yield
    carried = 105.0 / root / 100.0
    terms = {"earned[0,1]": 1.0, "cash[0,1]": -1.0, "balance[line,0,1]": 1.0, "dividends[0,1]": -1.0}
    row_is(master, "earned", (0, 1), terms | {"issued_notes[0,0]": carried, "issued_notes[0,1]": 0.98}, equal=0.0)
    paid = {"dividends[0,1]": 1.0, "dividends[0,2]": 1.0}
    row_is(
        master,
        "dividends_earned",
        ("earned", 0, 2),
        paid | {"dividends_barred[earned,0,2]": -1.0, "earned[0,2]": -1.0},
        at_most=7.0,
    )
    row_is(
        master,
        "dividends_blocked",
        ("earned", 0, 2),
        {"balance[line,0,2]": 1.0, "dividends_barred[earned,0,2]": -1.0},
        at_most=0.0,
    )
    assert [(str(a.name), str(b.name)) for a, b in master.earned.disjunctions][:1] == [
        ("dividends_barred[earned,0,1]", "dividends[0,1]")
    ]
