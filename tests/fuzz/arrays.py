"""The same on random problems, which come from no case: edges of their numbers, and pairs of which the better one is known."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.problem import Problem, Tax
from tests.fuzz.identities import NEVER_BETTER, NEVER_WORSE, SAME
from tests.shared.random_problems import random_problem
from tests.whole.test_identities import (
    in_other_money,
    informed_from,
    more_cash,
    more_debt,
    more_halls,
    more_power,
    with_risk,
    with_scenarios,
)

Change = Callable[[Problem, random.Random], Problem]


def no_tax(problem: Problem, chance: random.Random) -> Problem:
    return replace(problem, tax=None)


def heavy_tax(problem: Problem, chance: random.Random) -> Problem:
    nothing = np.zeros(problem.clock.periods)
    held = problem.tax or Tax(0.0, 0.0, 1.0, nothing)
    return replace(problem, tax=replace(held, rate=chance.choice([1e-9, 0.9, 0.999]), nol_cap=chance.choice([0.0, 0.5, 1.0])))


def rare_scenario(problem: Problem, chance: random.Random) -> Problem:
    odds = problem.scenarios.probability.copy()
    if len(odds) > 1:
        odds[-1] += odds[0] - 1e-12
        odds[0] = 1e-12
    return replace(problem, scenarios=replace(problem.scenarios, probability=odds))


def equal_scenarios(problem: Problem, chance: random.Random) -> Problem:
    rows = [0] * problem.scenarios.count
    return with_scenarios(problem, rows, problem.scenarios.probability, problem.scenarios.node)


def extreme_risk(problem: Problem, chance: random.Random) -> Problem:
    return with_risk(problem, chance.choice([0.0, 1e-9, 0.5, 1.0]), chance.choice([1e-12, 1e-9, 0.5, 1.0]))


def free_power(problem: Problem, chance: random.Random) -> Problem:
    """Power of the grid costs nothing, or pays, in every hour."""
    level = chance.choice([0.0, -20.0, 1e-9, 5e3])

    def priced(site: Any) -> Any:
        if site.grid is None:
            return site
        cost = site.grid.price
        return replace(
            site, grid=replace(site.grid, price=replace(cost, factor=0.0 * cost.factor, shift=0.0 * cost.shift + level))
        )

    return replace(problem, sites=tuple(map(priced, problem.sites)))


def other_money(problem: Problem, chance: random.Random) -> Problem:
    return in_other_money(problem, chance.choice([1e-2, 1e3, 1e6]))


def no_cash(problem: Problem, chance: random.Random) -> Problem:
    return replace(problem, treasury=replace(problem.treasury, cash=chance.choice([0.0, 1e-6]), coins=0.0))


def discount(problem: Problem, chance: random.Random) -> Problem:
    return replace(problem, objective=replace(problem.objective, discount=chance.choice([0.0, 1e-9, 1.0, 10.0])))


CHANGES: tuple[Change, ...] = (
    no_tax, heavy_tax, rare_scenario, equal_scenarios, extreme_risk, extreme_risk, free_power, other_money, no_cash, discount,
)  # fmt: skip


@dataclass(frozen=True)
class ArrayPair:
    """The other problem, or the same one solved in another way; as `identities.Pair`."""

    name: str
    relation: str
    problem: Problem
    how: tuple[tuple[str, Any], ...] = ()
    times: float = 1.0


def pair(problem: Problem, chance: random.Random) -> ArrayPair:
    """One of the pairs that this problem has."""
    rows = list(range(problem.scenarios.count))
    odds, node, dates = problem.scenarios.probability, problem.scenarios.node, problem.clock.dates
    more = chance.choice([more_cash, more_debt, more_halls, more_power])
    found = [
        ArrayPair("every hour written out", SAME, problem, (("method", "extensive"),)),
        ArrayPair("another seed", SAME, problem, (("seed", 7),)),
        ArrayPair("no presolve", SAME, problem, (("presolve", False),)),
        ArrayPair("money x 1000", SAME, in_other_money(problem, 1e3), times=1e3),
        ArrayPair("in another order", SAME, with_scenarios(problem, rows[::-1], odds[::-1], node[::-1])),
        ArrayPair(more.__name__.replace("_", " "), NEVER_WORSE, more(problem, 1.0)),
        ArrayPair("never known", NEVER_BETTER, informed_from(problem, dates + 1)),
        ArrayPair("known at once", NEVER_WORSE, informed_from(problem, 0)),
    ]
    last = rows[-1]
    parts = np.append(odds[:-1], odds[-1] * np.array([0.3, 0.7]))
    twice = [*rows, last]
    found.append(ArrayPair("a scenario in halves", SAME, with_scenarios(problem, twice, parts, node[twice])))
    return chance.choice(found)


def problem_of(seed: int, chance: random.Random, small: bool = False) -> tuple[Problem, list[str]]:
    """A random problem with some changes, and what they are called."""
    kind = chance.choice(["plain", "plain", "limited", *(() if small else ("coupled",))])
    problem = random_problem(seed, limited=kind == "limited", coupled=kind == "coupled")
    changes = chance.sample(CHANGES, chance.choice([0, 1, 1, 2]))
    for change in changes:
        problem = change(problem, chance)
    return problem, [kind, *(change.__name__ for change in changes)]
