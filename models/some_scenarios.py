"""A problem with some of its scenarios only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from models.problem import Array, Ints, Problem, Scenarios

#: data with one row per scenario: class -> fields
BY_SCENARIO: dict[str, tuple[str, ...]] = {
    "Problem": ("overhead",),
    "Market": ("btc_price", "btc_price_mean", "hashprice", "share_price"),
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
