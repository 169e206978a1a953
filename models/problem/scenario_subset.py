"""A problem cut down to some of its scenarios.

The plan of fewer scenarios has fewer rows to keep, so it is a relaxation: what it cannot do, the whole cannot do either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

from models.problem import Array, Clock, Hourly, Ints, Problem, Scenarios

#: arrays of one axis that run over scenarios; of two axes and more, all that have as many rows as there are scenarios do
LISTS = frozenset({"delay", "completion", "which", "bank_case"})

T = TypeVar("T")


def only(problem: Problem, scenarios: Sequence[int]) -> Problem:
    """The problem of these scenarios (numbers, in that order); probabilities are scaled to sum to 1, nodes stay as they are.

    A rule on the average over scenarios cannot be kept by some of them, and is left out. Raises ValueError for no scenario, an
    unknown or a repeated one.
    """
    keep = np.asarray(scenarios, dtype=np.int64)
    count = problem.scenarios.count
    if not len(keep) or keep.min() < 0 or keep.max() >= count or len(set(keep.tolist())) != len(keep):
        raise ValueError(f"scenarios {list(scenarios)} of {count}: expected some of them, each once")
    if len(keep) < count:
        problem = replace(problem, rules=tuple(rule for rule in problem.rules if not getattr(rule, "expected", False)))
    return _cut(problem, keep, count)


def _cut(part: T, keep: Ints, count: int, name: str = "") -> T:
    """The same part of a problem with the rows of the scenarios kept."""
    made: Any = part
    if isinstance(part, np.ndarray):
        by_scenario = name in LISTS or part.ndim >= 2
        return made[keep] if by_scenario and part.shape[0] == count else part
    if isinstance(part, Clock):
        return part
    if isinstance(part, Scenarios):
        odds = part.probability[keep]
        made = Scenarios(tuple(part.names[s] for s in keep), odds / odds.sum(), part.node[keep])
        return made
    if isinstance(part, Hourly):  # its profiles are no rows of scenarios
        made = Hourly(part.profiles, part.which[keep], part.factor[keep], part.shift[keep])
        return made
    if isinstance(part, tuple):
        if not any(is_dataclass(item) for item in part):
            return part
        made = tuple(_cut(item, keep, count) for item in part)
        return made
    if isinstance(part, dict):
        made = {key: _cut(value, keep, count) for key, value in part.items()}
        return made
    if is_dataclass(part) and not isinstance(part, type):
        changes = {}
        for field in fields(part):
            value = getattr(part, field.name)
            new = _cut(value, keep, count, field.name)
            if new is not value:
                changes[field.name] = new
        return replace(made, **changes) if changes else part
    return part


#: data with one row per scenario: class -> fields
BY_SCENARIO: dict[str, tuple[str, ...]] = {
    "Problem": ("overhead",),
    "Market": ("btc_price", "btc_price_mean", "hashprice", "share_price"),
    "PriceFollowsPlan": ("rest",),
    "Treasury": ("cash_yield",),
    "Site": ("delay", "fixed_cost", "curtail_above"),
    "Expansion": ("cost",),
    "Hourly": ("which", "factor", "shift"),
    "Grid": ("demand_response",),
    "Block": ("price",),
    "OwnSource": ("cost",),
    "Diesel": ("cost",),
    "YearlyLimit": ("amount", "price"),
    "Rig": ("price", "resale"),
    "Service": ("rate", "reimbursed", "penalty", "equipment"),
    "Project": ("cash", "provides"),
    "CashFlow": ("amount",),
    "Debt": ("rate", "completion", "bank_case"),
    "Rule": ("terms", "constant", "active", "moved", "moved_constant"),
    "Sweep": ("level", "active"),
    "EarnedDividends": ("active",),
}


def some_scenarios(
    problem: Problem, rows: Sequence[int] | Ints, probability: Array, node: Ints, names: tuple[str, ...]
) -> Problem:
    """The problem with these rows of its data as scenarios. rows (K,), each any number of times; probability (K,); node (K, D)."""
    index = np.asarray(rows, dtype=np.int64)

    def take(place: str, value: Any) -> Any:
        if not listed(place, BY_SCENARIO) or value is None or isinstance(value, str):
            return value
        if isinstance(value, dict):
            return {key: one[index] for key, one in value.items()}
        return value[index]

    made: Problem = rebuilt(problem, take)
    return replace(made, scenarios=Scenarios(names, np.asarray(probability, dtype=float), np.asarray(node)))


def listed(place: str, table: dict[str, tuple[str, ...]]) -> bool:
    """Whether a table names the field at a place such as 'Problem.sites>Site.fixed_cost'."""
    kind, name = place.split(">")[-1].split(".")
    return name in table.get(kind, ())


def rebuilt(thing: Any, change: Callable[[str, Any], Any], where: str = "") -> Any:
    """A copy of a dataclass whose plain fields went through change(place, value); place is 'Site.expand>Expansion.cost'."""
    made = {}
    for field in fields(thing):
        value, place = getattr(thing, field.name), f"{where}{type(thing).__name__}.{field.name}"
        if is_dataclass(value):
            made[field.name] = rebuilt(value, change, place + ">")
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            made[field.name] = tuple(rebuilt(one, change, place + ">") for one in value)
        else:
            made[field.name] = change(place, value)
    return replace(thing, **made)
