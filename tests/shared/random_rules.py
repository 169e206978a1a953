"""Random whole problems whose rules use every word and every function over time."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from models.problem import Debt, Equity, Function, Problem, Rule, Sweep, Term
from models.rules.functions import FUNCTIONS, first_dates
from models.rules.language import WORDS, vocabulary
from tests.shared.random_problems import random_problem

#: how large a word is, roughly, in its own unit: what its breaches and limits are measured in
SIZES = {"USD": 1e7, "MW": 10.0, "MWh": 1e4, "BTC": 50.0, "PH/s": 500.0, "shares": 1e6, "units": 2.0, "t": 1e3}


def names(problem: Problem) -> dict[str, frozenset[str] | None]:
    """Every word of the problem with the arguments that exist."""
    return vocabulary(
        debts=[one.name for one in problem.debts],
        equities=[one.name for one in problem.equities],
        sales=[one.name for one in problem.equities if one.holders == "new"],
        rigs=[one.name for one in problem.rigs],
        sites=[one.name for one in problem.sites],
        services=[one.name for one in problem.services],
        projects=[one.name for one in problem.projects],
        goods=[good for one in problem.projects for good in one.provides],
    )


def plain_terms(problem: Problem) -> list[Term]:
    """Every word with every argument."""
    out = []
    for word, allowed in names(problem).items():
        out += [Term(word, name or None) for name in sorted(allowed)] if allowed is not None else [Term(word)]
    return out


def with_functions(term: Term, rng: np.random.Generator) -> list[Term]:
    """The term inside every function that may take it, some twice."""
    flow = WORDS[term.word].kind == "flow"
    out = []
    for name, kind in FUNCTIONS.items():
        if kind.of == "flow" and not flow:
            continue
        months = int(rng.integers(1, 25)) if kind.months == "must" or (kind.months == "may" and rng.random() < 0.5) else 0
        out.append(term._replace(functions=(Function(name, months),)))
    inner = out[int(rng.integers(len(out)))]
    outer = (
        Function("previous", int(rng.choice([0, 7, 12]))) if rng.random() < 0.5 else Function("average", int(rng.integers(1, 14)))
    )
    return [*out, inner._replace(functions=(*inner.functions, outer))]


def soft_rule(problem: Problem, term: Term, rng: np.random.Generator, number: int, penalty: float | None = None) -> Rule | None:
    """A term held to a random level at every date at which it has a value; None where it never has one."""
    scenarios, dates = problem.scenarios.count, problem.clock.dates
    first, _ = first_dates(term, WORDS[term.word].operating, problem.clock.date_month)
    active = np.zeros((scenarios, dates), dtype=bool)
    active[:, first:] = True
    if not active.any():
        return None
    size = SIZES[WORDS[term.word].unit]
    level = np.full((scenarios, dates), float(rng.uniform(0.0, 1.0)) * size)
    sense = str(rng.choice([">=", "<="]))
    price = float(rng.uniform(0.0, 0.02)) * 1e7 / size if penalty is None else penalty
    ones = {term: np.ones((scenarios, dates))}
    return Rule(f"{number} {term}", str(term), ones, sense, level, active, price, expected=bool(rng.random() < 0.2))


@cache
def ruled_problem(seed: int, most: int = 24, limited: bool = False) -> Problem:
    """`random_problem` with up to `most` soft rules, each of a random term, besides its own rules."""
    problem, rng = random_problem(seed, limited=limited), np.random.default_rng(seed + 10_000)
    every: dict[str, list[Term]] = {}
    for term in plain_terms(problem):
        every.setdefault(term.word, []).extend([term, *with_functions(term, rng)])
    order = [list(every)[int(k)] for k in rng.permutation(len(every))]  # words, each in turn
    chosen = [every[word][int(rng.integers(len(every[word])))] for word in (order * 2)[:most]]
    rules = (soft_rule(problem, term, rng, number) for number, term in enumerate(chosen))
    return replace(problem, rules=(*problem.rules, *(rule for rule in rules if rule is not None)))


def swept(problem: Problem, level: float = 5e6) -> Problem:
    """With a cash sweep into every debt that has a running balance by scenario."""
    shape = (problem.scenarios.count, problem.clock.dates)
    sweeps = tuple(
        Sweep(f"sweep {debt.name}", debt.name, np.full(shape, level), np.ones(shape, dtype=bool))
        for debt in problem.debts
        if debt.kind in ("revolver", "btc_loan")
    )
    return replace(problem, sweeps=sweeps)


__all__ = ["Debt", "Equity", "names", "plain_terms", "ruled_problem", "soft_rule", "swept", "with_functions"]
