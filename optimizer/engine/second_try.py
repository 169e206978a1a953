"""What is tried where an answer does not pass verification by little, and what to change in the case where nothing helps.

HiGHS is exact to an absolute tolerance, in the program's unit of money. A case whose amounts lie far from the prices that this unit is
taken from is solved again in another one; where the extensive program is small, that too: it has no cuts, so its proofs are shorter. Its
presolve judges what it leaves out by the same tolerance, and may find no plan where numbers of 1e-12 and of 1e6 meet: what it says without
a proof is asked again without it. Each answer is verified like any other, by the same tolerances.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.problem import Problem

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution

#: units of money that are tried, times the one at first
UNITS = (1e-2, 10.0)
#: USD: no unit of money is smaller, or what is paid for a plant is no number in it
SMALLEST_UNIT = 1e-6
#: up to so many amounts of single hours the extensive program is small
SMALL = 400_000
#: what is off by more than this (relative), and by more than this of the unit of money, is no rounding: it is told at once, lest another
#: way hide a mistake
ROUNDING, TINY = 1e-4, 1e-8


def worthwhile(solution: Solution) -> bool:
    """Whether an unverified answer may be for want of digits: all that is off is off by little, or a proof is missing altogether."""
    if solution.certificate is None or solution.books is None:
        return True
    tiny = TINY * solution.problem.money
    large = [check.relative for check in (*solution.books.checks, *solution.lp_checks) if check.residual > tiny]
    return max([solution.certificate.primal_residual_relative, *large]) <= ROUNDING


@dataclass(frozen=True)
class Way:
    """One further way to solve a problem, and what is told where it is verified."""

    text: str
    problem: Problem
    method: str
    presolve: bool


def ways(problem: Problem, method: str, moved: float | None, presolve: bool = True) -> Iterator[Way]:
    """Each further way. moved: USD, the largest amount of the plan; None without one. method, presolve: of the first."""
    units = [
        Way(f"verified with {unit:g} USD as the unit of money", replace(problem, money=unit), method, presolve)
        for unit in _units(problem, moved)
    ]
    whole = [Way("verified without the solver's presolve", problem, method, False)] if presolve else []
    small = method != "extensive" and _hours(problem) <= SMALL
    written = [Way("verified with every hour written out", problem, "extensive", presolve)] if small else []
    yield from (*units, *written, *whole) if moved is not None else (*whole, *written, *units)


def _units(problem: Problem, moved: float | None) -> list[float]:
    """Units of money to try: of a plan that moves less than one unit, first one that is near to what it moves."""
    near = [] if moved is None or not SMALLEST_UNIT <= moved < problem.money else [10.0 ** math.floor(math.log10(moved))]
    return [*near, *(problem.money * factor for factor in UNITS)]


def _hours(problem: Problem) -> int:
    """Amounts of single hours in the extensive program, roughly."""
    hours = sum(len(weight) for weight in problem.clock.weight)
    each = len(problem.rigs) + len(problem.services) + 1
    return hours * problem.scenarios.count * len(problem.sites) * each


def advice(solution: Solution) -> str:
    """What to change in a case whose answer stays unverified, in one sentence."""
    if solution.books is None:
        return (
            "What to change: loosen or leave out the limits and rules that stand against a plan, or state limits where there are none,"
            " so that the case clearly has a plan or clearly has none."
        )
    checks = (*solution.books.checks, *solution.lp_checks)
    worst = max(checks, key=lambda check: check.relative, default=None)
    where = "its amounts"
    if worst is not None and worst.relative > ROUNDING:
        return f"This is no rounding: please report the case with the line '{worst.name}', which is off by {worst.relative:.2g}."
    if worst is not None and worst.where and worst.relative > 1e-8:
        where = f"what is at stake there ({worst.where})"
    return (
        f"What to change: the case moves up to {_money(solution.books.moved)}, too much beside {where} to tell it exactly;"
        " state limits near to what a plan can use, and leave out amounts, prices and penalties that are far from all others."
    )


def _money(usd: float) -> str:
    from optimizer.text import money

    return money(float(np.round(usd, 2)))
