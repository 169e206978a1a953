"""What a unit more, and a unit less, of everything that a case states is worth.

Every statement (`scarce_things.py`) is priced by the plan's duals, and then by a step to either side (`one_sided_derivatives.py`): the value
of the next unit of relief and that of the last one. What is not tight in the plan is worth nothing either way, without a step, by
complementary slackness.
"""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.dates import date_text
from models.problem import Array, Problem
from optimizer.engine.policy import Thoroughness
from optimizer.explain.marginal.headroom import Headroom
from optimizer.explain.marginal.one_sided_derivatives import SLACK_TOLERANCE, Evaluator
from optimizer.explain.marginal.scarce_things import Collected, Effect, ScarceThing, ScarceThings, opened
from optimizer.solver import branch_and_bound

if TYPE_CHECKING:
    from optimizer.engine.master import SolvedProgram
    from optimizer.engine.solution import Solution, Solved
    from optimizer.engine.views.tables import Cell, Table

#: first step, relative to the size of what is stated, and the smallest size that counts (MW; money units for USD)
FIRST_STEP, SMALLEST_SIZE = 1e-4, 100.0


@dataclass(frozen=True)
class StatementPrice:
    """What one statement of the case is worth.

    path       where the case states it, as `--set` takes it ("" for cash at a date, which no case states)
    unit       what a unit is: 'MW', 'USD', 'hours', 'units', 'share' (of 1), or a rule's own
    relief     'more' or 'less': which way a unit of it is relief; values are USD per unit of relief
    headroom   room at the tightest place, in the unit, from the books; tightest: (scenario, date), date None for a total
    next_value of the next unit of relief; last_value: of the last one, inf where no plan can do with less; dual_value: by the plan's duals
    binds      (scenario, date) of every place without room
    parts      (scenarios, date, USD per unit): the dual value by place, 'all' or names joined by '+'
    source     file:line:column, "" where the case comes from no file
    note       what else there is to know
    """

    name: str
    path: str
    unit: str
    relief: str
    headroom: float | None
    tightest: tuple[str, str | None] | None
    next_value: float
    last_value: float
    dual_value: float
    binds: tuple[tuple[str, str | None], ...]
    parts: tuple[tuple[str, str | None, float], ...]
    source: str = ""
    note: str = ""


def price_statements(solved: Solved) -> tuple[StatementPrice, ...]:
    """Every statement of a case that was solved by `solve_warm`, in the order of the case. Raises ValueError where there is no plan."""
    solution, warm = solved.solution, solved.warm
    if warm is None or solution.decisions is None or solution.books is None:
        raise ValueError("prices are of an optimal plan: the case has none")
    problem, program, branches = solution.problem, warm.program, warm.branches
    headroom = Headroom(problem, solution.decisions, solution.books)
    statements = ScarceThings(program.master, program.lp, headroom).out
    branch = None if branches is None else branches.lp
    with closing(Evaluator(program, program.lp, program.disjunctions, warm.best.x, branch)) as evaluator:
        found = [_price(one, evaluator, warm.best.y, problem) for one in statements]
    found.extend(_closed(solution, warm, headroom))
    told = _Places(solution.case)
    return tuple(replace(one, source=told.place(one.path)) for one in sorted(found, key=told.order))


def _price(one: ScarceThing, evaluator: Evaluator, y: Array, problem: Problem) -> StatementPrice:
    """One statement: duals, then a step to either side."""
    headroom, tightest, binds = _where(one, problem)
    dual = evaluator.slope(one.effect, y, evaluator.x)
    notes = []
    if evaluator.slack(one.effect):
        above = below = 0.0
    else:
        size = max(one.size if math.isfinite(one.size) else 0.0, SMALLEST_SIZE * (problem.money if one.unit == "USD" else 1.0))
        if one.unit not in ("USD", "MW"):
            size = max(one.size, 1.0) if math.isfinite(one.size) else 1.0
        (above, said), (below, also) = (evaluator.side(one.effect, sign * FIRST_STEP * size) for sign in (1.0, -1.0))
        notes = list(dict.fromkeys(filter(None, (said, also))))
    if one.rigid:
        below = math.inf
    if below == math.inf:
        notes.append("no plan can do with less" if one.relief == "more" else "no plan can do with more")
    if above == -math.inf:
        notes.append("no plan can do with more")
    parts = evaluator.parts(one.effect, y, problem)
    return StatementPrice(
        one.name, one.path, one.unit, one.relief, headroom, tightest, above, below, dual, binds, parts, note="; ".join(notes)
    )


def _where(
    one: ScarceThing, problem: Problem
) -> tuple[float | None, tuple[str, str | None] | None, tuple[tuple[str, str | None], ...]]:
    """Headroom at its tightest place, that place, and every place without room."""
    names = problem.scenarios.names
    room = one.room
    if np.isnan(room).all():
        return None, None, ()

    def place(s: int, k: int) -> tuple[str, str | None]:
        d = one.dates[k]
        return names[s], None if d is None else date_text(problem, d)

    at = np.unravel_index(int(np.nanargmin(room)), room.shape)
    size = max(one.size if math.isfinite(one.size) else 0.0, 1.0)
    tight = np.argwhere(room <= SLACK_TOLERANCE * size)
    least = float(room[at])
    return (
        least if math.isfinite(least) else None,
        place(int(at[0]), int(at[1])),
        tuple(place(int(s), int(k)) for s, k in tight),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Limits of nothing


def _closed(solution: Solution, warm: SolvedProgram, headroom: Headroom) -> list[StatementPrice]:
    """The next unit of limits that leave their decisions out of the program, by a program that has them."""
    from optimizer.engine.master import build, first_cuts
    from optimizer.engine.search import Search
    from optimizer.engine.stages import Stages

    given = solution.problem
    wide = opened(given)
    if not wide.added:
        return []
    policy = replace(warm.policy.without_limit(), thoroughness=Thoroughness.FULL, canonical=False)
    program = first_cuts(build(wide.problem, policy, Stages()), policy)
    master, lp, session = program.master, program.lp, program.session
    Search(program, policy).optimum()
    statements = [one for one in ScarceThings(master, lp, headroom).out if one.path in wide.added]
    back = _together(statements, wide.added)
    session.set_row_bounds(back.rows, lp.row_lower[back.rows] - back.row, lp.row_upper[back.rows] - back.row)
    session.set_column_bounds(back.columns, lp.col_lower[back.columns], lp.col_upper[back.columns] - back.column)
    disjunctions = program.disjunctions if master.taxes.disjunctions else []
    evaluator = Evaluator(program, session.lp, disjunctions)
    loose = (
        "as far as the tax law's deductions may be chosen"
        if branch_and_bound.violated(session.lp, evaluator.x, disjunctions)
        else ""
    )
    out = []
    for one in statements:
        size = given.money if one.unit == "USD" else 1.0
        above, said = evaluator.side(one.effect, FIRST_STEP * SMALLEST_SIZE * size)
        notes = [*filter(None, [said, loose]), "there is none to take away"]
        room = np.zeros((given.scenarios.count, 1))
        headroom_at, tightest, binds = _where(replace(one, room=room, dates=(None,)), given)
        note = "; ".join(notes)
        values = (above, math.inf, above)
        out.append(StatementPrice(one.name, one.path, one.unit, one.relief, headroom_at, tightest, *values, binds, (), note=note))
    return out


def _together(statements: list[ScarceThing], amounts: dict[str, float]) -> Effect:
    """Rows and columns of several statements, each times its amount."""
    made = Collected()
    for one in statements:
        effect = one.effect
        for i, amount in zip(effect.rows.tolist(), effect.row.tolist(), strict=True):
            made.row(i, amount * amounts[one.path])
        for j, amount in zip(effect.columns.tolist(), effect.column.tolist(), strict=True):
            made.column(j, amount * amounts[one.path])
    return made.effect()


# ---------------------------------------------------------------------------------------------------------------------
# Telling


class _Places:
    """Where a case states what, and in which order its statements are told."""

    def __init__(self, case: Any) -> None:
        self.of = getattr(case, "place", None)

    def place(self, path: str) -> str:
        return str(self.of(path) or "") if self.of is not None and path else ""

    @staticmethod
    def order(one: StatementPrice) -> int:
        """Sections in the order of the reference; what no case states last."""
        first = one.path.split(".")[0].split("[")[0]
        sections = ("sites", "rigs", "ai", "financing", "treasury", "projects", "rules")
        return sections.index(first) if first in sections else len(sections)


def compact(binds: tuple[tuple[str, str | None], ...], problem: Problem) -> str:
    """Places in few words: scenarios with the same dates together, runs of dates as a..b; 'all' for all scenarios.

    'base+bear 2026-01..2026-10, 2027-04; bull 2027-01'
    """
    dates = [date_text(problem, d) for d in range(problem.clock.dates)]
    number = {text: d for d, text in enumerate(dates)}
    at: dict[str, list[int | None]] = {}
    for scenario, date in binds:
        at.setdefault(scenario, []).append(None if date is None else number[date])
    groups: dict[tuple[int | None, ...], list[str]] = {}
    for scenario, found in at.items():
        groups.setdefault(tuple(found), []).append(scenario)
    told = []
    for when, names in groups.items():
        who = "all" if len(names) == problem.scenarios.count else "+".join(names)
        runs: list[list[int]] = []
        for d in when:
            if d is None:
                continue
            if runs and runs[-1][1] == d - 1:
                runs[-1][1] = d
            else:
                runs.append([d, d])
        spans = [dates[a][:7] if a == b else f"{dates[a][:7]}..{dates[b][:7]}" for a, b in runs]
        told.append(" ".join(filter(None, [who, ", ".join(spans)])))
    return "; ".join(told)


def prices_table(prices: tuple[StatementPrice, ...], problem: Problem) -> Table:
    """prices.csv: one row per statement."""
    from optimizer.engine.views.tables import Table

    header = (
        "name", "path", "unit", "relief", "headroom", "tightest", "next_value", "last_value", "dual_value", "binds", "note", "source",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for one in prices:
        tightest = "" if one.tightest is None else " ".join(filter(None, one.tightest))
        # the file's name only: the same case gives the same bytes from wherever it is solved
        source = one.source.rpartition("/")[2]
        values = (one.headroom, tightest, one.next_value, one.last_value, one.dual_value)
        rows.append((one.name, one.path, one.unit, one.relief, *values, compact(one.binds, problem), one.note, source))
    return Table(header, rows)
