"""The hours of every site at a plan's capacities: what the cuts and the inner approximation ask in common.

Columns of the program by site, capacities out of a solution, and the best split in a direction, remembered while capacities stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from models.benders.cut_pool import Site
from models.hours.oracle import Split
from models.hours.split_cache import Remembered
from models.problem import Array, Ints
from models.program.recourse_value import SiteValue, Theta

#: units of money that a block's hours are taken to be worth at least, for what they may be off by
LEAST_BLOCK_VALUE = 1e-5
#: splits of a site that are remembered
REMEMBERED_SPLITS = 40

#: works out one site: (site number, capacity (B, E) MW, alpha (B,), rho (B, Q)) -> Split
WorkOut = Callable[[int, Array, Array, Array], Split]


def worked_out_here(theta: Theta) -> WorkOut:
    """Hours that are worked out in this process."""
    here = [Remembered(value.hours) for value in theta.values]
    return lambda i, capacity, alpha, rho: here[i].split(capacity, alpha, rho)


def values_of(columns: Ints, x: Array) -> Array:
    """What a solution has in columns; nothing where there is no column (-1)."""
    return np.where(columns >= 0, x[columns], 0.0)


class Subproblems:
    """Hours of a program. columns: number of each Pyomo variable by its id; split: None works them out in this process."""

    def __init__(self, theta: Theta, columns: dict[int, int], split: WorkOut | None = None) -> None:
        self.theta, self.unit = theta, theta.build.unit
        self.split = worked_out_here(theta) if split is None else split
        self.sites = [_columns(value, columns, self.unit) for value in theta.values]
        self._known: dict[int, tuple[bytes, dict[bytes, Split]]] = {}  # splits at the capacities asked for last, by direction

    @property
    def linked(self) -> bool:
        """Whether rules or the treasury link the hours of any site by quantities."""
        return any(len(site.units) for site in self.sites)

    def worked(self, i: int, capacity: Array, alpha: Array, rho: Array) -> Split:
        """`split`, remembered while the capacities of the site are the same: searches and cuts ask for the same directions."""
        at, known = self._known.get(i, (b"", {}))
        here = capacity.tobytes()
        if here != at or len(known) > REMEMBERED_SPLITS:
            known = {}
            self._known[i] = here, known
        key = alpha.tobytes() + rho.tobytes()
        if key not in known:
            known[key] = self.split(i, capacity, alpha, rho)
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

    blocks = value.oracle.blocks
    quantity = np.array([[number(v) for v in q.var] for q in value.quantities], dtype=np.int64).reshape(-1, blocks).T
    return Site(
        value,
        np.array([number(v) for v in value.theta], dtype=np.int64),
        np.array([[number(v) for v in row] for row in value.column], dtype=np.int64).reshape(blocks, -1),
        value.constant,
        quantity.copy(),
        np.array([q.unit for q in value.quantities]),
        np.array([q.start for q in value.quantities]).reshape(-1, blocks).T.copy(),
        np.full(blocks, LEAST_BLOCK_VALUE * unit),
    )
