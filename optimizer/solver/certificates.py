"""Proof of an answer by arithmetic, without the solver.

Optimal: a plan that meets every row, and a dual bound, computed from y alone, that equals its objective.
Infeasible: a combination of the rows that demands more than the columns can give (Farkas).
Unbounded: a feasible plan and a direction that no bound forbids and that always improves.

Any y gives a valid bound, so a wrong y can only fail the proof, never fake it. Totals are summed in long double.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optimizer.solver.linear_program import LinearProgram

ROUNDING = 1e-12  # entries of a ray below this share of the largest are rounding
NEGLIGIBLE = 1e-9  # |A'y|_j below this share of the terms it is summed from counts as zero
REPRESENTABLE = 16 * float(np.finfo(float).eps)  # d_j below this share of its terms is zero: y has no more digits
CANCELLED = 1e-6  # an objective below this share of its own terms is measured against that share of them
NOTHING = (
    1e-12,
    1e-6,
)  # below the first, in the program's own unit, an objective and its terms are rounding, and measured against the second


@dataclass(frozen=True)
class Certificate:
    """What was checked. Residuals and bounds that do not apply to a status are NaN."""

    status: str  # "optimal" | "infeasible" | "unbounded": what was to be proved
    objective: float  # model's own sense, unscaled
    dual_bound: float  # no plan is better than this
    gap: float  # |objective - dual_bound| over the scale described in verify_optimal
    primal_residual: float  # largest violation of a row or bound, absolute
    primal_residual_relative: float  # the same, over 1 + the largest |a_ij x_j| of the row (1 + |bound| for a column)
    dual_residual: float  # largest dual price on a bound that is infinite, unscaled
    complementarity: float  # largest price times distance from the bound it prices
    verified: bool
    reasons: tuple[str, ...] = ()  # why it is not verified
    notes: tuple[str, ...] = ()  # under which reading it is
    margin: float = math.nan  # infeasible: demand less supply, over the largest term of either


def _refused(status: str, *reasons: str) -> Certificate:
    nan = math.nan
    return Certificate(status, nan, nan, nan, nan, nan, nan, nan, False, reasons)


def _total(*products: np.ndarray) -> float:
    return float(sum(np.sum(p, dtype=np.longdouble) for p in products))


def _largest(values: np.ndarray) -> float:
    return float(values.max()) if values.size else 0.0


def _row_extent(lp: LinearProgram, x: np.ndarray) -> np.ndarray:
    """Largest |a_ij x_j| of each row."""
    extent = np.zeros(lp.matrix.shape[0])
    columns = np.repeat(np.arange(lp.matrix.shape[1]), np.diff(lp.matrix.indptr))
    np.maximum.at(extent, lp.matrix.indices, np.abs(lp.matrix.data * x[columns]))
    return extent


def _residuals(lp: LinearProgram, x: np.ndarray) -> tuple[float, float]:
    """(absolute, relative) largest violation; NaN if x holds one."""
    if not np.isfinite(x).all():
        return math.nan, math.nan
    activity = lp.matrix @ x
    rows = np.maximum(0.0, np.maximum(lp.row_lower - activity, activity - lp.row_upper))
    columns = np.maximum(0.0, np.maximum(lp.col_lower - x, x - lp.col_upper))
    bound = np.where(lp.col_lower > x, lp.col_lower, lp.col_upper)
    size = 1 + np.abs(np.where(columns > 0, bound, 0.0))
    absolute = max(_largest(rows), _largest(columns))
    return absolute, max(_largest(rows / (1 + _row_extent(lp, x))), _largest(columns / size))


def relative_residual(lp: LinearProgram, x: np.ndarray) -> float:
    """How far x is from feasible: see `Certificate.primal_residual_relative`."""
    return _residuals(lp, x)[1]


def _clean(lp: LinearProgram) -> bool:
    """No NaN in the program itself, and no infinite cost or coefficient."""
    finite = np.isfinite(lp.cost).all() and np.isfinite(lp.matrix.data).all() and math.isfinite(lp.offset)
    bounds = (lp.row_lower, lp.row_upper, lp.col_lower, lp.col_upper)
    return bool(finite) and not any(np.isnan(b).any() for b in bounds)


def verify_optimal(lp: LinearProgram, x: np.ndarray, y: np.ndarray, tolerance: float = 1e-7, trust: float = 1e3) -> Certificate:
    """x is feasible and no plan is better than it by more than `tolerance`, relative.

        bound(y) = sum_i (y_i row_lower_i if y_i > 0 else y_i row_upper_i)
                 + sum_j (d_j col_lower_j if d_j > 0 else d_j col_upper_j),      d = cost - A'y

    Where the row bound needed is infinite, y_i is set to zero first. Where the column bound needed is infinite,
    |x'_j| <= trust (1 + |x_j|) stands in: the bound holds for plans inside that box. By convexity that is enough: a
    better plan f times farther away shows inside the box with 1/f of its gain, so it gains at most f times the gap.

    A d_j below 16 machine epsilons of |c_j| + sum_i |a_ij y_i| is zero: the bound is that of a cost equal to 15 digits.

    gap = |objective - bound| / max(|objective|, 1e-6 * sum of the |terms| of both): the objective itself, except
    where it is a difference that cancels to nothing, and then a millionth of what it is a difference of; of a program whose terms are
    nothing too, a millionth of its unit.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    m, n = lp.matrix.shape
    if x.shape != (n,) or y.shape != (m,):
        return _refused("optimal", f"shapes {x.shape}, {y.shape} do not fit {m} rows and {n} columns")
    if not (_clean(lp) and np.isfinite(x).all() and np.isfinite(y).all()):
        return _refused("optimal", "not a number in the program, the plan or the duals")

    absolute, relative = _residuals(lp, x)
    cost = np.asarray(lp.cost, dtype=np.longdouble) / lp.cost_scale
    offset = lp.offset / lp.cost_scale
    own_terms = cost * x
    objective = _total(own_terms) + offset

    row_bound = np.where(y > 0, lp.row_lower, lp.row_upper)
    unpriced = (y != 0) & ~np.isfinite(row_bound)
    used = np.where(unpriced, 0.0, y)
    d = cost - lp.matrix.T.astype(np.longdouble) @ used.astype(np.longdouble)
    columns = np.repeat(np.arange(n), np.diff(lp.matrix.indptr))
    made_of = np.bincount(columns, weights=np.abs(lp.matrix.data * used[lp.matrix.indices]), minlength=n)
    d = np.where(np.abs(d) <= REPRESENTABLE * (np.abs(cost) + made_of), 0.0, d)
    col_bound = np.where(d > 0, lp.col_lower, lp.col_upper)
    boxed = (d != 0) & ~np.isfinite(col_bound)
    box = trust * (1 + np.abs(x))
    col_bound = np.where(boxed, np.where(d > 0, -box, box), np.where(d == 0, 0.0, col_bound))
    row_terms = used.astype(np.longdouble) * np.where(used == 0, 0.0, row_bound)
    col_terms = d * col_bound
    bound = _total(row_terms, col_terms) + offset

    size = _total(np.abs(own_terms), np.abs(row_terms), np.abs(col_terms)) + 2 * abs(offset)
    scale = max(abs(objective), CANCELLED * size)
    scale = scale if scale > NOTHING[0] else NOTHING[1]
    gap = abs(objective - bound) / scale

    dual = max(_largest(np.abs(y[unpriced])), float(_largest(np.abs(d[boxed]))))
    activity = lp.matrix @ x
    row_slack = np.where(used == 0, 0.0, np.abs(activity - np.where(used == 0, 0.0, row_bound)))
    col_slack = np.where((d == 0) | boxed, 0.0, np.abs(x - col_bound))
    complementarity = max(_largest(np.abs(used) * row_slack), float(_largest(np.abs(d) * col_slack)))

    reasons, notes = [], []
    if not relative <= tolerance:
        reasons.append(f"a row or bound is missed by {absolute:.3g} ({relative:.3g} relative)")
    if not gap <= tolerance:
        reasons.append(f"objective {objective:.9g} and dual bound {bound:.9g} differ by {gap:.3g} relative")
    if boxed.any():
        share = _total(np.abs(col_terms[boxed])) / scale
        notes.append(
            f"{int(boxed.sum())} columns bounded by a trust box of {trust:.3g} times their value, {share:.2g} of the objective"
        )
    return Certificate(
        status="optimal",
        objective=lp.sense * objective,
        dual_bound=lp.sense * bound,
        gap=gap,
        primal_residual=absolute,
        primal_residual_relative=relative,
        dual_residual=dual,
        complementarity=complementarity,
        verified=not reasons,
        reasons=tuple(reasons),
        notes=tuple(notes),
    )


def verify_infeasible(lp: LinearProgram, ray: np.ndarray, tolerance: float = 1e-9) -> Certificate:
    """No plan exists: the rows, weighed by the ray, demand more than the columns can give.

        demand = sum_i (y_i row_lower_i if y_i > 0 else y_i row_upper_i)   <=  y'A x   for every feasible x
        supply = sum_j max((A'y)_j col_lower_j, (A'y)_j col_upper_j)       >=  y'A x   for every x within bounds

    demand > supply is the proof. Required: more by `tolerance` times the largest single term. Either sign of the ray
    is tried. Rounding is cleaned up and said so: ray entries below 1e-12 of the largest are dropped, and (A'y)_j on an
    unbounded column counts as zero below 1e-9 of the largest |y_i a_ij| it is summed from.
    Bounds that cross by themselves need no ray.
    """
    if not _clean(lp):
        return _refused("infeasible", "not a number in the program")
    for what, lower, upper in (("row", lp.row_lower, lp.row_upper), ("column", lp.col_lower, lp.col_upper)):
        with np.errstate(invalid="ignore"):
            crossing = np.where(lower > upper, (lower - upper) / (1 + np.abs(lower)), 0.0)
        if _largest(crossing) > tolerance:
            name = (lp.row_name if what == "row" else lp.column_name)(int(np.argmax(crossing)))
            nan = math.nan
            note = (f"the bounds of {name} cross",)
            return Certificate("infeasible", nan, nan, nan, nan, nan, nan, nan, True, (), note, _largest(crossing))
    ray = np.asarray(ray, dtype=float)
    if ray.shape != lp.row_lower.shape:
        return _refused("infeasible", f"the ray has shape {ray.shape}, expected {lp.row_lower.shape}")
    if not np.isfinite(ray).all():
        return _refused("infeasible", "not a number in the ray")
    if not ray.any():
        return _refused("infeasible", "the ray is zero")
    first = _farkas(lp, ray, tolerance)
    return first if first.verified else max(first, _farkas(lp, -ray, tolerance), key=_rank)


def _rank(certificate: Certificate) -> tuple[bool, float]:
    margin = certificate.margin
    return certificate.verified, -math.inf if math.isnan(margin) else margin


def _cleaned(ray: np.ndarray) -> np.ndarray:
    ray = ray / np.abs(ray).max()
    return np.where(np.abs(ray) < ROUNDING, 0.0, ray)


def _farkas(lp: LinearProgram, ray: np.ndarray, tolerance: float) -> Certificate:
    y = _cleaned(ray)
    notes, nan = [], math.nan
    bound = np.where(y > 0, lp.row_lower, lp.row_upper)
    missing = (y != 0) & ~np.isfinite(bound)
    if missing.any():
        if np.abs(y[missing]).max() > NEGLIGIBLE:
            i = int(np.argmax(np.where(missing, np.abs(y), 0.0)))
            return _refused("infeasible", f"the ray leans on a bound that {lp.row_name(i)} does not have")
        y = np.where(missing, 0.0, y)
        notes.append(f"{int(missing.sum())} ray entries below {NEGLIGIBLE:g} dropped")
    demand_terms = np.where(y == 0, 0.0, y * np.where(y == 0, 0.0, bound))

    g = lp.matrix.T.astype(np.longdouble) @ y.astype(np.longdouble)
    columns = np.repeat(np.arange(len(g)), np.diff(lp.matrix.indptr))
    size = np.zeros(len(g))
    np.maximum.at(size, columns, np.abs(lp.matrix.data * y[lp.matrix.indices]))
    limit = np.where(g > 0, lp.col_upper, lp.col_lower)
    free = (g != 0) & ~np.isfinite(limit)
    if free.any():
        share = np.abs(g[free]) / size[free]
        if share.max() > NEGLIGIBLE:
            j = int(np.flatnonzero(free)[int(np.argmax(share))])
            return _refused("infeasible", f"{lp.column_name(j)} is unbounded where the ray needs it bounded")
        notes.append(f"{int(free.sum())} unbounded columns weigh {float(share.max()):.2g}, counted as zero")
    supply_terms = np.where((g == 0) | free, 0.0, g * np.where((g == 0) | free, 0.0, limit))

    excess = _total(demand_terms, -supply_terms)
    largest = max(_largest(np.abs(demand_terms)), float(_largest(np.abs(supply_terms))))
    margin = excess / largest if largest > 0 else 0.0
    reasons = () if margin > tolerance else (f"demand exceeds supply by {margin:.3g} relative: no proof",)
    return Certificate("infeasible", nan, nan, nan, nan, nan, nan, nan, not reasons, reasons, tuple(notes), margin)


def verify_unbounded(lp: LinearProgram, x: np.ndarray | None, ray: np.ndarray, tolerance: float = 1e-7) -> Certificate:
    """x is feasible, x + s ray stays feasible for every s > 0, and cost'ray < 0 (either sign of the ray is tried).

    Without x only the direction can be checked: the program may as well be infeasible, so it is not verified.
    A row may drift by 1e-9 of its largest |a_ij ray_j|; the gain must exceed 1e-9 of its terms.
    """
    ray = np.asarray(ray, dtype=float)
    if not _clean(lp) or ray.shape != lp.cost.shape or not np.isfinite(ray).all():
        return _refused("unbounded", "not a number, or a ray of the wrong length")
    if not ray.any():
        return _refused("unbounded", "the ray is zero")
    r = _cleaned(ray)
    if math.fsum(lp.cost * r) > 0:
        r = -r
    gain = -math.fsum(lp.cost * r)
    drift = lp.matrix @ r
    allowed = NEGLIGIBLE * _row_extent(lp, r)
    reasons = []
    if not gain > NEGLIGIBLE * math.fsum(np.abs(lp.cost * r)):
        reasons.append("the direction does not improve the objective")
    stopped = (np.isfinite(lp.row_lower) & (drift < -allowed)) | (np.isfinite(lp.row_upper) & (drift > allowed))
    reasons += [f"{lp.row_name(int(i))} stops the direction" for i in np.flatnonzero(stopped)[:3]]
    stopped = (np.isfinite(lp.col_lower) & (r < -NEGLIGIBLE)) | (np.isfinite(lp.col_upper) & (r > NEGLIGIBLE))
    reasons += [f"a bound of {lp.column_name(int(j))} stops the direction" for j in np.flatnonzero(stopped)[:3]]
    absolute = relative = math.nan
    if x is None:
        reasons.append("no feasible plan was given: infeasible or unbounded")
    else:
        x = np.asarray(x, dtype=float)
        if x.shape != lp.cost.shape:
            return _refused("unbounded", f"the plan has shape {x.shape}, expected {lp.cost.shape}")
        absolute, relative = _residuals(lp, x)
        if not relative <= tolerance:
            reasons.append(f"the plan misses a row or bound by {absolute:.3g} ({relative:.3g} relative)")
    best, nan = -lp.sense * math.inf, math.nan
    return Certificate("unbounded", best, best, nan, absolute, relative, nan, nan, not reasons, tuple(reasons))


def blame(lp: LinearProgram, ray: np.ndarray) -> list[tuple[int, float]]:
    """Rows of an infeasibility proof with their shares, largest first; shares add up to one.

    Weight of a row: |y_i| max(|bound_i|, max_j |a_ij|), which does not change when a row is multiplied by a number.
    Column bounds take part in a proof but not in the shares. Empty if column bounds alone cross.
    """
    ray = np.asarray(ray, dtype=float)
    if not ray.any() or not np.isfinite(ray).all():
        return []
    if not _farkas(lp, ray, NEGLIGIBLE).verified and _farkas(lp, -ray, NEGLIGIBLE).verified:
        ray = -ray
    y = _cleaned(ray)
    bound = np.where(y > 0, lp.row_lower, lp.row_upper)
    size = np.maximum(np.where(np.isfinite(bound), np.abs(bound), 0.0), _row_extent(lp, np.ones(len(lp.cost))))
    weight = np.abs(y) * size
    weight = np.where(y != 0, np.maximum(weight, np.finfo(float).tiny), 0.0)
    share = weight / weight.sum()
    order = np.argsort(-share, kind="stable")
    return [(int(i), float(share[i])) for i in order if share[i] > 0]
