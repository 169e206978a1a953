"""Which key figures every optimal plan shares: proved by their range over all plans that are worth as much.

    min and max of k(x)   over plans x of the program with  objective(x) >= optimum - thickness * size

A program with cuts allows no less than the hours do, so a figure that is unique in it is unique. Unique is what has one value at thickness
THIN, which is rounding. Two runs may differ by THICK in their objective and still be the same, and near its best plan the objective is flat:
the range at THICK is where the figure of any such run must lie, whichever solver, version or path has found it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from models.linear import Lin
from optimizer.highs import Session
from optimizer.results_tables import expected_figures

if TYPE_CHECKING:
    from optimizer.engine import Kept, Solution

#: relative thickness of the set of best plans: what two runs may differ by; what rounding is
THICK, THIN = 1e-9, 1e-12
#: relative range within which a figure is unique
RANGE = 1e-6
#: USD figures: of the sum of what the objective is made of, the share below which they are rounding
SMALL = 1e-3
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
    """A figure of a plan, in its own unit; its least and most over all plans worth as much to THICK (None where there is none), and
    whether all best plans share it."""

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
    """How far a unique figure may lie from its value: RANGE relative, to no less than what is rounding in its unit."""
    return RANGE * max(abs(value), SMALL * size if name in USD else 1.0)


def ranges(solution: Solution) -> dict[str, Range]:
    """Range of every key figure that the program can state, of a solution that was kept; nothing where it was branched (the best plans are
    then no convex set, and no program states them)."""
    kept = solution.kept
    assert kept is not None
    if kept.settled is not None:
        return {}
    lp = kept.run.session.lp
    size, unit = size_of(solution), solution.problem.money
    face = Session(replace(kept.run.options, primal=True))
    face.load(lp)
    best = float(np.dot(lp.cost, kept.answer.x))
    face.add_rows(np.array([-np.inf]), np.array([best]), sparse.csr_array(lp.cost[None, :]))
    row = lp.matrix.shape[0]

    def widen(thickness: float) -> None:
        room = thickness * size / unit * lp.cost_scale
        face.set_row_bounds(np.array([row]), np.array([-np.inf]), np.array([best + room]))

    widen(THICK)
    if face.solve().status.value != "optimal":
        return {}
    start = face.get_basis()

    def extremes(cost: np.ndarray) -> list[float | None]:
        """Least and most over the face, each from its best corner, which is near."""
        weight = float(np.abs(cost).max(initial=0.0))
        if weight == 0.0:
            return [0.0, 0.0]
        out: list[float | None] = []
        for sign in (1.0, -1.0):
            face.set_basis(start)
            face.set_costs(sign * cost / weight * lp.cost_scale)
            answer = face.solve()
            out.append(float(np.dot(cost, answer.x)) if answer.status.value == "optimal" else None)
        return out

    figures = expected_figures(solution)
    asked = {name: (lin, _vector(kept, lin)) for name, lin in _figures(kept).items() if isinstance(figures.get(name), float)}
    found: dict[str, Range] = {}
    for thickness in (THICK, THIN):
        widen(thickness)
        for name, (lin, cost) in asked.items():
            if cost is None or (name in found and found[name].unique):
                continue
            scale, value = unit if name in USD else 1.0, float(figures[name])  # type: ignore[arg-type]
            ends = [None if one is None else (one + lin.const) * scale for one in extremes(cost)]
            unique = all(one is not None and abs(one - value) <= tolerance(name, value, size) for one in ends)
            wide = found.get(name)
            found[name] = Range(value, ends[0], ends[1], unique) if wide is None else replace(wide, unique=unique)
    return found


def _figures(kept: Kept) -> dict[str, Lin]:
    """Key figure -> its expectation as a sum over the program's variables, in money units or its own."""
    plan, problem = kept.plan, kept.run.problem
    build, odds = plan.build, problem.scenarios.probability
    out = {"npv": Lin()}
    for s in range(build.S):
        out["npv"].add(plan.risk.value[s], float(odds[s]))
    for name, (word, measure) in LINEAR.items():
        out[name] = Lin()
        for s in range(build.S):
            for d in range(build.D) if measure == "sum" else (build.T,):
                out[name].plus(plan.words.at(word, None, s, d), float(odds[s]))
    return out


def _vector(kept: Kept, lin: Lin) -> np.ndarray | None:
    """Coefficients over the columns; None where a variable is none of the program's."""
    columns = {id(var): j for j, var in enumerate(kept.lp.columns)}
    out = np.zeros(len(kept.run.session.lp.cost))
    for coef, var in zip(lin.coefs, lin.vars, strict=True):
        if id(var) not in columns:
            return None
        out[columns[id(var)]] += coef
    return out
