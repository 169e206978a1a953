"""The hours of every site at a plan's capacities: what the cuts and the inner approximation ask in common.

Columns of the program by site, capacities out of a solution, and the best split in a direction, remembered while capacities stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from models.benders.cut_pool import Site
from models.hours.solution_cache import SolutionCache
from models.hours.subproblem import RecourseSolution
from models.problem import Array, Ints
from models.program.recourse_value import RecourseValues, SiteValue

#: units of money that a block's hours are taken to be worth at least, for what they may be off by
LEAST_BLOCK_VALUE = 1e-5
#: splits of a site that are remembered
REMEMBERED_SOLUTIONS = 40

#: works out one site: (site number, capacity (B, E) MW, alpha (B,), rho (B, Q)) -> Split
WorkOut = Callable[[int, Array, Array, Array], RecourseSolution]


def worked_out_here(recourse: RecourseValues) -> WorkOut:
    """Hours that are worked out in this process."""
    here = [SolutionCache(value.hours) for value in recourse.values]
    return lambda i, capacity, alpha, rho: here[i].recourse_solution(capacity, alpha, rho)


def values_of(columns: Ints, x: Array) -> Array:
    """What a solution has in columns; nothing where there is no column (-1)."""
    return np.where(columns >= 0, x[columns], 0.0)


class Subproblems:
    """Hours of a program. columns: number of each Pyomo variable by its id; recourse_solution: None works them out in this process."""

    def __init__(self, recourse: RecourseValues, columns: dict[int, int], recourse_solution: WorkOut | None = None) -> None:
        self.recourse, self.unit = recourse, recourse.build.unit
        self.recourse_solution = worked_out_here(recourse) if recourse_solution is None else recourse_solution
        self.sites = [_columns(value, columns, self.unit) for value in recourse.values]
        self._known: dict[
            int, tuple[bytes, dict[bytes, RecourseSolution]]
        ] = {}  # splits at the capacities asked for last, by direction

    @property
    def linked(self) -> bool:
        """Whether rules or the treasury link the hours of any site by quantities."""
        return any(len(site.units) for site in self.sites)

    def worked(self, i: int, capacity: Array, alpha: Array, rho: Array) -> RecourseSolution:
        """`recourse_solution`, remembered while the capacities of the site are the same: searches and cuts ask for the same directions."""
        at, known = self._known.get(i, (b"", {}))
        here = capacity.tobytes()
        if here != at or len(known) > REMEMBERED_SOLUTIONS:
            known = {}
            self._known[i] = here, known
        key = alpha.tobytes() + rho.tobytes()
        if key not in known:
            known[key] = self.recourse_solution(i, capacity, alpha, rho)
        return known[key]

    def capacity(self, i: int, x: Array) -> Array:
        """(B, E) MW of site i in a solution."""
        site = self.sites[i]
        return site.constant + np.where(site.capacity >= 0, np.maximum(x[site.capacity], 0.0), 0.0)

    def natural(self, i: int, direction: Array) -> tuple[Array, Array]:
        """(alpha, rho USD per natural unit) of a direction in units of the program; the same bits each time, as ties hang on them."""
        return direction[:, 0].copy(), direction[:, 1:] * (self.unit / self.sites[i].units)

    def point(self, i: int, capacity: Array, alpha: Array, rho: Array) -> tuple[Array, Array]:
        """(theta (B,) USD, q (B, Q) natural units) that the best split in a direction really brings."""
        return self.sites[i].value.point(self.worked(i, capacity, alpha, rho))


def _columns(value: SiteValue, columns: dict[int, int], unit: float) -> Site:
    def number(var: Any) -> int:
        return -1 if var is None else columns.get(id(var), -1)

    blocks = value.subproblem.blocks
    quantity = np.array([[number(v) for v in q.var] for q in value.quantities], dtype=np.int64).reshape(-1, blocks).T
    return Site(
        value,
        np.array([number(v) for v in value.recourse], dtype=np.int64),
        np.array([[number(v) for v in row] for row in value.column], dtype=np.int64).reshape(blocks, -1),
        value.constant,
        quantity.copy(),
        np.array([q.unit for q in value.quantities]),
        np.array([q.start for q in value.quantities]).reshape(-1, blocks).T.copy(),
        np.full(blocks, LEAST_BLOCK_VALUE * unit),
    )
