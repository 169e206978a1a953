"""Where a program of very many scenarios begins: at the plan of a few of them.

The pilot is the same problem with every tenth scenario or so, solved to its end in a fraction of the time. It tells

- at which capacities the first cuts are worked out: near the plan one cut a block says nearly all;
- which new investments hardly pay: their columns come in later (`lean`);
- which covenants press at which dates: the others come in when they are missed.

None of this decides anything: every row, column and cut that is wanted comes in, and the whole program is solved and proved in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.problem import Array, Ints, Problem
from models.problem.scenario_subset import some_scenarios

if TYPE_CHECKING:
    from models.benders.cuts import Cuts
    from models.program.program import Plan
    from optimizer.engine.master import _Run
    from optimizer.solver.linear_program import LinearProgram
    from optimizer.solver.restricted_program import Lean
    from optimizer.solver.session import Answer

#: blocks (sites x scenarios x periods) from which a pilot pays
BLOCKS = 20_000
#: scenarios from which there is something to leave out
SCENARIOS = 40
#: scenarios of the pilot: this share of all, and no fewer than
SHARE, FEWEST = 0.1, 8
#: share of the new investments (by reduced cost, the least first) that are in from the beginning
PROMISING = 0.7
#: families of rows that seldom bind
LATE = ("rule", "collateral")
#: decisions that may be left at nothing; how it is paid for may not: a scenario that did not fly may need all of it
NEW = ("orders", "exercised", "options", "built", "signed", "units")
#: rounds of cuts, rows and columns, at most
ROUNDS = 60


@dataclass(frozen=True)
class Pilot:
    """What the plan of a few scenarios tells.

    capacity: (S * T, E) MW of each site, of all scenarios; reduced: what a unit of a new investment costs more than it gains, program
    units, by (key, date); pressing: (family, name, date) of covenants that bind somewhere.
    """

    capacity: list[Array]
    reduced: dict[Any, float]
    pressing: frozenset[Any]


def worthwhile(problem: Problem) -> bool:
    """Whether a problem is large enough for a pilot."""
    count = problem.scenarios.count
    return count >= SCENARIOS and count * problem.clock.periods * len(problem.sites) >= BLOCKS


def chosen(count: int) -> Ints:
    """Numbers of the pilot's scenarios, spread evenly."""
    few = min(max(FEWEST, round(SHARE * count)), count)
    return np.unique(np.linspace(0, count - 1, few).round().astype(np.int64))


def pilot(problem: Problem, run: Callable[[Problem], _Run]) -> Pilot | None:
    """Solve the few scenarios; None where that has no optimum, or hours are linked by quantities. run: starts a solve of a problem."""
    rows = chosen(problem.scenarios.count)
    odds = problem.scenarios.probability[rows]
    if not odds.sum() > 0.0:
        return None
    names = tuple(problem.scenarios.names[s] for s in rows)
    few = run(some_scenarios(problem, rows, odds / odds.sum(), problem.scenarios.node[rows], names))
    plan, lp = few.begin()
    cuts = few.cuts
    if cuts is None or any(len(site.units) for site in cuts.sites):
        return None
    answer = few._solve()
    if answer.status.value != "optimal":
        return None
    # a scenario that did not fly takes the capacities of the nearest that did
    nearest = np.abs(np.arange(problem.scenarios.count)[:, None] - rows[None, :]).argmin(axis=1)
    shape = (len(rows), problem.clock.periods, -1)
    capacity = [cuts.capacity(i, answer.x).reshape(shape)[nearest] for i in range(len(cuts.sites))]
    return Pilot(
        [table.reshape(-1, table.shape[-1]) for table in capacity],
        {place: float(answer.d[columns].min()) for place, columns in investments(plan, lp).items()},
        frozenset(_place(lp, i) for i in _late(lp) if answer.y[i] != 0.0),
    )


def investments(plan: Plan, lp: LinearProgram) -> dict[Any, Ints]:
    """Columns of every new investment by (key, date)."""
    column = lp.number
    out = {}
    for key, decision in plan.build.decisions.items():
        if key[0] not in NEW or decision.recourse:
            continue
        for d in range(plan.build.D):
            found = {column.get(id(decision.at(s, d)), -1) for s in range(plan.build.S)} - {-1}
            if found:
                out[key, d] = np.array(sorted(found), dtype=np.int64)
    return out


def _late(lp: LinearProgram) -> list[int]:
    names = {f"row_{family}" for family in LATE}
    return [i for i, con in enumerate(lp.rows) if con.parent_component().local_name in names]


def _place(lp: LinearProgram, i: int) -> Any:
    """(family, name, date) of a row of (name, scenario, date)."""
    con = lp.rows[i]
    key = con.index()
    return con.parent_component().local_name, key[0], key[2]


def lean_session(found: Pilot, plan: Plan, lp: LinearProgram, run: _Run) -> Lean:
    """The whole program, with little in it."""
    from optimizer.solver.restricted_program import Lean

    places = investments(plan, lp)
    known = np.array([found.reduced.get(place, np.inf) for place in places])
    most = np.quantile(known[np.isfinite(known)], PROMISING) if np.isfinite(known).any() else np.inf
    held = [columns for columns, cost in zip(places.values(), known, strict=True) if cost > most]
    late = [i for i in _late(lp) if _place(lp, i) not in found.pressing]
    assert plan.theta is not None
    theta = [lp.number[id(v)] for value in plan.theta.values for v in value.theta if id(v) in lp.number]
    none = np.zeros(0, dtype=np.int64)
    return Lean(lp, run.options, np.array(theta, dtype=np.int64), np.array(late, dtype=np.int64), np.concatenate([*held, none]))


def ascend(cuts: Cuts, session: Lean, expired: Callable[[], bool], progress: Callable[..., None]) -> Answer | None:
    """Solve until no row, column or cut is wanted; None where that does not come to an end."""
    for _ in range(ROUNDS):
        answer = session.solve()
        if answer.status.value != "optimal" or expired():
            return None
        added, miss = cuts.separate(answer)
        rows, columns = session.want(answer)
        if not added + rows + columns:
            return answer
        cuts.rounds += 1
        progress("cuts", round=cuts.rounds, cuts=cuts.pool.count, added=added + rows + columns, miss=miss)
    return None
