"""Which key figures every optimal plan shares: proved by their range over all plans that are worth as much.

    min and max of k(x)   over plans x of the program with  objective(x) >= optimum - thickness * size

A program with cuts allows no less than the hours do, so a figure that is unique in it is unique. Unique is what has one value at thickness
0, where what has a price sits at its bound. Two runs may differ by FACE_THICKNESS in their objective and still be the same, and near its best
plan the objective is flat: the range at FACE_THICKNESS is where the figure of any such run must lie, whichever solver, version or path
has found it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from models.program.expressions import Lin
from optimizer.engine.views.tables import expected_figures
from optimizer.solver.answer import Status
from optimizer.solver.canonical import Face
from optimizer.solver.session import Session

if TYPE_CHECKING:
    from optimizer.engine.master import SolvedProgram
    from optimizer.engine.solution import Solution, Solved

#: relative thickness of the set of plans as good as the best: what two runs may differ by; what stands for 0 where rounding leaves no plan at 0
FACE_THICKNESS, LEAST_THICKNESS = 1e-9, 1e-12
#: relative prices from which something is at its bound in every best plan; the second where the first takes rounding for a price
FACE_PRICES = (1e-9, 1e-12)
#: nonzeros of a program, cuts included, up to which ranges at FACE_THICKNESS are worked out: there are two dozen long searches in them
MOST_NONZEROS = 30_000
#: relative range within which a figure is unique
UNIQUE_RANGE = 1e-6
#: USD figures: of the sum of what the objective is made of, the share below which they are rounding
LEAST_SHARE = 1e-3
#: key figure -> (word of the program, 'sum' over dates or 'last' date). Those that are the least or the most over dates are no linear sums.
LINEAR = {
    "final_cash": ("cash", "last"), "final_debt": ("total_debt", "last"), "tax": ("tax", "sum"), "capex": ("capex", "sum"),
    "interest": ("interest", "sum"), "ebitda": ("ebitda", "sum"), "dividends": ("dividends", "sum"),
    "contributions": ("contributions", "sum"), "rescue": ("rescue", "sum"), "final_rigs_mw": ("rigs_mw", "last"),
    "final_ai_mw": ("ai_mw", "last"), "final_hashrate_phs": ("hashrate", "last"), "final_coins": ("coins", "last"),
}  # fmt: skip
#: figures in USD
USD = frozenset(
    ["npv", "min_cash", "final_cash", "min_liquidity", "peak_debt", "final_debt", "revenue", "ebitda", "tax", "capex", "interest",
     "dividends", "contributions", "rescue"]
)  # fmt: skip


@dataclass(frozen=True)
class Range:
    """A figure of a plan, in its own unit; its least and most over all plans worth as much to FACE_THICKNESS (None where there is none, or it
    was not looked into), and whether all best plans share it."""

    value: float
    low: float | None
    high: float | None
    unique: bool


def size_of(solution: Solution) -> float:
    """USD: the sum of magnitudes that the objective is made of (expected, discounted)."""
    books, problem = solution.books, solution.problem
    assert books is not None
    parts = [abs(float(problem.scenarios.probability @ (v @ problem.discount))) for v in books.ledger.values()]
    return max(float(sum(parts)), abs(books.objective)) or 1.0


def tolerance(name: str, value: float, size: float) -> float:
    """How far a unique figure may lie from its value: UNIQUE_RANGE relative, to no less than what is rounding in its unit."""
    return UNIQUE_RANGE * max(abs(value), LEAST_SHARE * size if name in USD else 1.0)


def ranges(solved: Solved) -> dict[str, Range]:
    """Range of every key figure that the program of a solve can state; nothing where it was branched (the best plans are then no convex
    set, and no program states them)."""
    solution, warm = solved.solution, solved.warm
    assert warm is not None
    if warm.branches is not None:
        return {}
    lp = warm.program.session.lp
    size, unit = size_of(solution), solution.problem.money
    figures = expected_figures(solution)
    asked = {name: (lin, _vector(warm, lin)) for name, lin in _figures(warm).items() if isinstance(figures.get(name), float)}
    small = lp.matrix.nnz <= MOST_NONZEROS
    thick = _within(warm, FACE_THICKNESS * size / unit) if small else None
    exact = _exact(warm)
    if exact is None and small:
        exact = _within(warm, LEAST_THICKNESS * size / unit)
    found: dict[str, Range] = {}
    for name, (lin, cost) in asked.items():
        if cost is None:
            continue
        scale, value = unit if name in USD else 1.0, float(figures[name])  # type: ignore[arg-type]
        room = tolerance(name, value, size)

        def ends(session: Session | None, cost: np.ndarray = cost, lin: Lin = lin, scale: float = scale) -> list[float | None]:
            if session is None:
                return [None, None]
            return [None if one is None else (one + lin.const) * scale for one in _extremes(session, cost, lp.cost_scale)]

        low, high = ends(thick)
        shared = [all(one is not None and abs(one - value) <= room for one in pair) for pair in (ends(exact), (low, high))]
        unique = any(shared)  # what one has in a larger set it has in the smaller
        found[name] = Range(value, low, high, unique)
    return found


def _exact(warm: SolvedProgram) -> Session | None:
    """The best plans: what has a price sits at its bound (see `optimizer.solver.canonical`)."""
    lp, answer = warm.program.session.lp, warm.answer
    rows = lp.matrix.shape[0]
    if len(answer.y) != rows:  # cuts came after the answer: they have no price in it
        answer = replace(answer, y=np.concatenate([answer.y, np.zeros(rows - len(answer.y))]))
    for tolerance in FACE_PRICES:
        session = Session(replace(warm.program.session.options, primal=True))
        session.load(lp)
        bounds = (lp.col_lower.copy(), lp.col_upper.copy(), lp.row_lower.copy(), lp.row_upper.copy())
        Face(lp, tolerance, *bounds).shrink(session, lp.true_cost, answer.x, answer.y)
        if session.solve().status is Status.OPTIMAL:
            return session
    return None


def _within(warm: SolvedProgram, room: float) -> Session | None:
    """Plans within `room` (money units) of the best; solved once, so that every search begins at a plan."""
    lp = warm.program.session.lp
    session = Session(replace(warm.program.session.options, primal=True))
    session.load(lp)
    best = float(np.dot(lp.cost, warm.answer.x)) + room * lp.cost_scale
    session.add_rows(np.array([-np.inf]), np.array([best]), sparse.csr_array(lp.cost[None, :]))
    return session if session.solve().status is Status.OPTIMAL else None


def _extremes(session: Session, cost: np.ndarray, cost_scale: float) -> list[float | None]:
    """Least and most of cost'x; None where there is none."""
    weight = float(np.abs(cost).max(initial=0.0))
    if weight == 0.0:
        return [0.0, 0.0]
    start = session.get_basis()
    out: list[float | None] = []
    for sign in (1.0, -1.0):
        session.set_basis(start)
        session.set_costs(sign * cost / weight * cost_scale)
        answer = session.solve()
        out.append(float(np.dot(cost, answer.x)) if answer.status is Status.OPTIMAL else None)
    session.set_basis(start)
    return out


def _figures(warm: SolvedProgram) -> dict[str, Lin]:
    """Key figure -> its expectation as a sum over the program's variables, in money units or its own."""
    master, problem = warm.program.master, warm.program.problem
    build, odds = master.build, problem.scenarios.probability
    out = {"npv": Lin()}
    for s in range(build.S):
        out["npv"].add(master.risk.value[s], float(odds[s]))
    for name, (word, measure) in LINEAR.items():
        out[name] = Lin()
        for s in range(build.S):
            for d in range(build.D) if measure == "sum" else (build.T,):
                out[name].plus(master.words.at(word, None, s, d), float(odds[s]))
    return out


def _vector(warm: SolvedProgram, lin: Lin) -> np.ndarray | None:
    """Coefficients over the columns; None where a variable is none of the program's."""
    columns = warm.program.lp.number
    out = np.zeros(len(warm.program.session.lp.cost))
    for coef, var in zip(lin.coefs, lin.vars, strict=True):
        if id(var) not in columns:
            return None
        out[columns[id(var)]] += coef
    return out
