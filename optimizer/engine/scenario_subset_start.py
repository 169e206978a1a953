"""Where a program of very many scenarios begins: at the plan of a few of them.

The scenario-subset start is the same problem with every tenth scenario or so, solved to its end in a fraction of the time. It tells

- at which capacities the first cuts are worked out: near the plan one cut a block says nearly all;
- which new investments hardly pay: their columns come in later (`restricted`);
- which covenants press at which dates: the others come in when they are missed.

None of this decides anything: every row, column and cut that is wanted comes in, and the whole program is solved and proved in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.benders.cuts import Cuts, Report
from models.problem import Array, Ints, Problem
from models.problem.scenario_subset import some_scenarios
from models.program.master_problem import MasterProblem
from optimizer.engine.master import Built, WarmProgram, build, first_cuts
from optimizer.engine.policy import Policy, Thoroughness
from optimizer.engine.search import Search
from optimizer.engine.stages import Stages
from optimizer.solver.answer import Answer
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.restricted_program import RestrictedProgram

#: blocks (sites x scenarios x periods) from which a scenario-subset start pays
MIN_BLOCKS = 20_000
#: scenarios from which there is something to leave out
MIN_SCENARIOS = 40
#: scenarios of the scenario-subset start: this share of all, and no fewer than
SUBSET_SHARE, MIN_SUBSET_SCENARIOS = 0.1, 8
#: share of the new investments (by reduced cost, the least first) that are in from the beginning
PROMISING_SHARE = 0.7
#: families of rows that seldom bind
SELDOM_BINDING = ("rule", "collateral")
#: decisions that may be left at nothing; how it is paid for may not: a scenario that did not fly may need all of it
NEW_INVESTMENTS = ("orders", "exercised", "options", "built", "signed", "units")
#: rounds of cuts, rows and columns, at most
MAX_ROUNDS = 60


@dataclass(frozen=True)
class SubsetStart:
    """What the plan of a few scenarios tells.

    capacity: (S * T, E) MW of each site, of all scenarios; reduced: what a unit of a new investment costs more than it gains, program
    units, by (key, date); pressing: (family, name, date) of covenants that bind somewhere.
    """

    capacity: list[Array]
    reduced: dict[Any, float]
    pressing: frozenset[Any]


def worthwhile(problem: Problem) -> bool:
    """Whether a problem is large enough for a scenario-subset start."""
    count = problem.scenarios.count
    return count >= MIN_SCENARIOS and count * problem.clock.periods * len(problem.sites) >= MIN_BLOCKS


def chosen(count: int) -> Ints:
    """Numbers of the scenario-subset start's scenarios, spread evenly."""
    few = min(max(MIN_SUBSET_SCENARIOS, round(SUBSET_SHARE * count)), count)
    return np.unique(np.linspace(0, count - 1, few).round().astype(np.int64))


def subset_start(problem: Problem, policy: Policy) -> SubsetStart | None:
    """Solve the few scenarios; None where that has no optimum, or hours are linked by quantities. policy: of the whole."""
    rows = chosen(problem.scenarios.count)
    odds = problem.scenarios.probability[rows]
    if not odds.sum() > 0.0:
        return None
    names = tuple(problem.scenarios.names[s] for s in rows)
    few = some_scenarios(problem, rows, odds / odds.sum(), problem.scenarios.node[rows], names)
    policy = replace(policy.within_what_is_left(), canonical=False, thoroughness=Thoroughness.FULL)
    built = build(few, policy, Stages())
    program = first_cuts(built, policy)
    cuts, master, lp = program.cuts, program.master, program.lp
    if cuts is None or cuts.linked:
        return None
    answer = Search(program, policy).optimum()
    if not answer.optimal:
        return None
    # a scenario that did not fly takes the capacities of the nearest that did
    nearest = np.abs(np.arange(problem.scenarios.count)[:, None] - rows[None, :]).argmin(axis=1)
    shape = (len(rows), problem.clock.periods, -1)
    capacity = [cuts.capacity(i, answer.x).reshape(shape)[nearest] for i in range(len(cuts.sites))]
    return SubsetStart(
        [table.reshape(-1, table.shape[-1]) for table in capacity],
        {place: float(answer.d[columns].min()) for place, columns in investments(master, lp).items()},
        frozenset(_place(lp, i) for i in _delayed(lp) if answer.y[i] != 0.0),
    )


def investments(master: MasterProblem, lp: LinearProgram) -> dict[Any, Ints]:
    """Columns of every new investment by (key, date)."""
    column = lp.number
    out = {}
    for key, decision in master.build.decisions.items():
        if key[0] not in NEW_INVESTMENTS or decision.recourse:
            continue
        for d in range(master.build.D):
            found = {column.get(id(decision.at(s, d)), -1) for s in range(master.build.S)} - {-1}
            if found:
                out[key, d] = np.array(sorted(found), dtype=np.int64)
    return out


def _delayed(lp: LinearProgram) -> list[int]:
    names = {f"row_{family}" for family in SELDOM_BINDING}
    return [i for i, con in enumerate(lp.rows) if con.parent_component().local_name in names]


def _place(lp: LinearProgram, i: int) -> Any:
    """(family, name, date) of a row of (name, scenario, date)."""
    con = lp.rows[i]
    key = con.index()
    return con.parent_component().local_name, key[0], key[2]


def restricted_session(found: SubsetStart, built: Built) -> RestrictedProgram:
    """The whole program, with little in it."""
    master, lp = built.master, built.lp
    places = investments(master, lp)
    known = np.array([found.reduced.get(place, np.inf) for place in places])
    most = np.quantile(known[np.isfinite(known)], PROMISING_SHARE) if np.isfinite(known).any() else np.inf
    priced_out = [columns for columns, cost in zip(places.values(), known, strict=True) if cost > most]
    delayed = [i for i in _delayed(lp) if _place(lp, i) not in found.pressing]
    assert master.recourse is not None
    recourse = [lp.number[id(v)] for value in master.recourse.values for v in value.recourse if id(v) in lp.number]
    none = np.zeros(0, dtype=np.int64)
    return RestrictedProgram(
        lp,
        built.session.options,
        np.array(recourse, dtype=np.int64),
        np.array(delayed, dtype=np.int64),
        np.concatenate([*priced_out, none]),
    )


def climb(program: WarmProgram, restricted: RestrictedProgram, search: Search) -> None:
    """From the scenario-subset start's plan to the optimum of the whole program, with little of it in; the session goes on from its basis."""
    assert program.cuts is not None
    answer = ascend(program.cuts, restricted, program.expired, search.report)
    program.cuts.move_to(program.session)
    if answer is not None:
        program.session.set_basis(restricted.basis())


def ascend(cuts: Cuts, session: RestrictedProgram, expired: Callable[[], bool], report: Report) -> Answer | None:
    """Solve until no row, column or cut is wanted; None where that does not come to an end."""
    for _ in range(MAX_ROUNDS):
        answer = session.solve()
        if not answer.optimal or expired():
            return None
        added, miss = cuts.separate(answer)
        rows, columns = session.add_delayed(answer)
        if not added + rows + columns:
            return answer
        cuts.round_done(added + rows + columns, miss, None, report)
    return None
