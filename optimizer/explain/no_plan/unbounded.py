"""What earns more than it costs without limit, which limit is missing, and what a limit makes of the case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.dates import iso_month
from models.problem import Problem
from optimizer.case.quotes import CaseWords
from optimizer.explain.no_plan.figures import Figure
from optimizer.explain.no_plan.iis import Progress
from optimizer.solver.certificates import verify_unbounded
from optimizer.solver.session import Session

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.engine.solution import Solution
    from optimizer.explain.no_plan.adjustments import Settings

#: entries of a direction below this share of the largest are rounding
DIRECTION_TOLERANCE = 1e-7
#: loops that are told one after another, each with limits on those before
MOST_LOOPS = 5
#: cuts at capacities so many times the highest, where the first ones leave the hours of power without an upper bound
CAPACITY_FACTORS = (10.0, 1e3, 1e5)


@dataclass(frozen=True)
class Move:
    """One decision of the loop: what is done, when, and how much of it for one unit of the first."""

    what: str
    date: str
    amount: float


@dataclass(frozen=True)
class Missing:
    """A limit that the case does not give: its path and place, settings that give one, and in words what they say."""

    path: str
    place: str
    settings: Settings
    message: str


@dataclass(frozen=True)
class Loop:
    """moves: what grows together without limit, the first by one unit; gain: USD that this adds to the objective."""

    moves: tuple[Move, ...]
    unit: str
    gain: float
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class Bounded:
    """Loops one after another, and the case with a limit on each: 'optimal' with its objective, or how else it ends."""

    loops: tuple[Loop, ...]
    settings: Settings
    outcome: str
    objective: float | None = None


def find_unbounded(case: Case, time_limit: float | None = None, progress: Progress | None = None) -> Bounded:
    """The loops of a case that is unbounded. The limits that are tried are figures to begin with: what is right the planner knows."""
    from optimizer.engine.solve import solve

    loops: list[Loop] = []
    settings: list[str] = []
    varied, outcome, objective = case, "unbounded", None
    for _ in range(2 * MOST_LOOPS):
        loop = _loop(varied)
        if loop is None:
            break
        again = next((n for n, one in enumerate(loops) if loop.missing and one.missing[:1] and _same(one, loop)), None)
        if again is None:
            loops.append(loop)
        else:  # the limit was not tight enough: one loop, with the tighter one
            before = loops[again]
            tighter = replace(loop.missing[0], place=before.missing[0].place)
            loops[again] = replace(before, gain=before.gain + loop.gain, missing=(tighter,))
        if not loop.missing:
            break
        settings = [setting for one in loops for setting in one.missing[0].settings]
        varied = case.further(settings)
        if progress is not None:
            progress("solve repaired case", limits=len(settings))
        solution: Solution = solve(varied, time_limit=time_limit, canonical=False, baseline=False)
        outcome, objective = solution.outcome.value, solution.objective
        if outcome != "unbounded":
            break
    return Bounded(tuple(loops), tuple(settings), outcome, objective)


def _same(one: Loop, other: Loop) -> bool:
    return one.missing[0].path == other.missing[0].path


def _loop(case: Case) -> Loop | None:
    """A direction that no row and no bound stops, and that always improves: checked by arithmetic."""
    from models.benders.cuts import Cuts
    from optimizer.explain.no_plan.elastic_program import plan_of
    from optimizer.solver.answer import SolverOptions, Status
    from optimizer.solver.compile import compile_model
    from optimizer.solver.session import Session

    problem = case.problem()
    master = plan_of(problem)
    lp = compile_model(master.model)

    def begin(program: Any) -> Session:
        session = Session(SolverOptions())
        session.load(program)
        return session

    session = begin(lp)
    cuts = None
    if master.recourse is not None and master.recourse.values:
        cuts = Cuts(master.recourse, session, lp.number, new_session=begin)
    answer = session.solve()
    for factor in CAPACITY_FACTORS:
        if cuts is None or answer.status is not Status.UNBOUNDED:
            break
        cuts.floor()
        cuts.widen(factor)
        answer = session.solve()
    if answer.status is not Status.UNBOUNDED or answer.ray is None:
        return None
    if not verify_unbounded(session.lp, answer.x, answer.ray).verified:
        return None
    ray = answer.ray if float(session.lp.cost @ answer.ray) < 0.0 else -answer.ray
    gain = -float(session.lp.true_cost @ ray) * problem.money
    return _told(case, master, ray, lp.number, gain)


def _told(case: Case, plan: Any, ray: np.ndarray, column: dict[int, int], gain: float) -> Loop | None:
    """The decisions in a direction, in words."""
    problem = case.problem()
    size = float(np.abs(ray).max())
    grown: list[tuple[float, tuple[str, ...], int, float]] = []  # rank, family, date, amount
    for key, decision in plan.build.decisions.items():
        seen: set[int] = set()
        for d in range(plan.build.D):
            total = 0.0
            for s in range(plan.build.S):
                var = decision.at(s, d)
                if var is None or id(var) in seen or id(var) not in column:
                    continue
                seen.add(id(var))
                total += float(ray[column[id(var)]])
            if abs(total) > DIRECTION_TOLERANCE * size:
                grown.append((_rank(key), key, d, total))
    if not grown:
        return None
    grown.sort(key=lambda item: (item[0], item[2], item[1]))
    first = grown[0]
    unit = _unit(problem, first[1])
    natural = first[3] * (problem.money if unit == "USD" else 1.0)
    moves = []
    for _, key, d, amount in grown:
        own = amount * (problem.money if _unit(problem, key) == "USD" else 1.0)
        moves.append(Move(_words(key), iso_month(problem.clock, d), own / natural))
    missing = _missing(case, {key for _, key, _, _ in grown}, gain / natural, first[2])
    return Loop(tuple(moves), unit, gain / natural, tuple(missing))


#: what a loop is called by: the activities that have no limit before the flows of money that they cause
_ORDER = ("units", "orders", "exercised", "options", "rescue", "built", "signed", "issued", "retired")


def _rank(key: tuple[str, ...]) -> float:
    return float(_ORDER.index(key[0])) if key[0] in _ORDER else float(len(_ORDER))


def _unit(problem: Problem, key: tuple[str, ...]) -> str:
    """The unit of a decision."""
    if key[0] in ("units",):
        return "unit"
    if key[0] in ("orders", "exercised", "options", "built", "signed", "retired"):
        return "MW"
    return "BTC" if key[0] == "sold" else "USD"


def _words(key: tuple[str, ...]) -> str:
    """What a decision is, as a planner would call it."""
    kind, rest = key[0], key[1:]
    name = rest[0] if rest else ""
    told = {
        "units": f"projects.{name} is taken on",
        "orders": f"rigs.{name} are ordered",
        "exercised": f"options on rigs.{name} are exercised",
        "options": f"options on rigs.{name} are bought",
        "retired": f"rigs.{name} are sold",
        "rescue": "rescue equity is called",
        "dividends": "dividends are paid",
        "sold": "coins are sold",
        "issued": f"financing.{name} is issued",
        "repaid": f"financing.{name} is repaid",
        "called": f"financing.{name} is called",
        "signed": f"ai.{name} is signed",
        "built": f"{' '.join(rest)} is built",
    }
    return told.get(kind, " ".join(key))


def _missing(case: Case, keys: set[tuple[str, ...]], gain: float, d: int) -> list[Missing]:
    """Limits that are not given for what grows. gain: USD of objective per unit of the first; d: its date."""
    problem, words = case.problem(), CaseWords(case.tree)
    out: list[Missing] = []

    def add(path: str, settings: Sequence[str], told: str, *place: str) -> None:
        at = words.place(*place)
        out.append(Missing(path, "" if at is None else str(at), tuple(settings), told))

    for project in problem.projects:
        if ("units", project.name) in keys and not np.isfinite(project.limit):
            stated = [p.limit for p in problem.projects if np.isfinite(p.limit)]
            much = max([project.minimum, *stated]) or 100.0
            path = f"projects.{project.name}.limit"
            add(path, (f"{path}={much:g}",), f"at most {much:g} units", "projects", project.name, "limit")
    for rig in problem.rigs:
        grows = any(key[0] in ("orders", "exercised") and key[1] == rig.name for key in keys)
        if grows and not np.isfinite(rig.limit):
            room = sum(site.mining_mw + (site.build_mining.limit if site.build_mining else 0.0) for site in problem.sites)
            path = f"rigs.{rig.name}.limit"
            text = Figure("MW", "MW").shown(max(room, 1.0))
            add(path, (f"{path}={text}",), f"at most {text} in all, what the halls can hold", "rigs", rig.name, "limit")
    if ("rescue",) in keys and problem.treasury.rescue_penalty is not None:
        # a dollar of rescue that costs what it brings is worth calling no more
        dearer = problem.treasury.rescue_penalty + gain / float(problem.discount[d])
        figure = Figure("USD/USD", "USD/USD")
        text = figure.shown(figure.outward(dearer * (1.0 + 1e-6), up=True))
        path = "treasury.rescue.penalty"
        add(path, (f"{path}={text}",), f"a penalty of {text}", "treasury", "rescue", "penalty")
    return out
