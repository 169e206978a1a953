"""What an objective owes to how soon its plan knows the future: the same scenarios known never, as stated, at one date, at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optimizer.case.case import Case

Nodes = NDArray[np.int64]

NEVER, STATED, ONE_DATE, AT_ONCE = "never", "as the case says", "all at the first date that any is", "all at the start"


@dataclass(frozen=True)
class Known:
    """when scenarios are known; objective USD, or None with the reason."""

    when: str
    objective: float | None
    reason: str


def known_from(node: Nodes, first: int) -> Nodes:
    """(S, D) nodes at which all scenarios are together before date `first`, and each by itself from then on."""
    scenarios, dates = node.shape
    out = np.empty_like(node)
    count = 0
    for d in range(dates):
        parts = 1 if d < first else scenarios
        out[:, d] = count + np.arange(scenarios) % parts
        count += parts
    return out


def first_parting(node: Nodes) -> int:
    """The first date at which not all scenarios are together; the number of dates if there is none."""
    apart = (node != node[:1]).any(axis=0)
    return int(apart.argmax()) if apart.any() else node.shape[1]


def knowing(case: Case, time_limit: float | None = None) -> list[Known]:
    """Four solves, from the least to the most that is known: more of it never makes an objective less."""
    from optimizer.engine.solve import solve
    from optimizer.engine.values import Outcome

    problem = case.problem()
    node = problem.scenarios.node
    ways = {
        NEVER: known_from(node, node.shape[1]),
        STATED: node,
        ONE_DATE: known_from(node, first_parting(node)),
        AT_ONCE: known_from(node, 0),
    }
    out = []
    for when, nodes in ways.items():
        here = case.with_problem(replace(problem, scenarios=replace(problem.scenarios, node=nodes)))
        found = solve(here, baseline=False, canonical=False, time_limit=time_limit)
        proved = found.outcome is Outcome.OPTIMAL
        out.append(Known(when, found.objective if proved else None, "" if proved else found.outcome.value))
    return out
