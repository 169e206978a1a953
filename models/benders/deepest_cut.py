"""How far a block's cash and quantities lie beyond what its hours can bring, and the cut that says so best.

A block is one site, scenario and period; z = (theta, q) in units of the program. At capacities K its hours can bring the convex hull
of the points z_p of its splits p:

    distance = min sum |z - sum_p share_p z_p|,   sum_p share_p = 1,   share >= 0

The duals of these rows are a direction d, entries within [-1, 1], and d . z <= V_d(K) is missed by just the distance: no direction of
that size is missed by more. Splits are priced in at d until V_d(K) confirms it. Blocks do not meet here: each finds its own direction,
where the plan's duals give blocks that share a limit one price, at which they can trade the same energy for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from models.problem import Array, Ints

#: a direction is deep enough when it is missed by this share of the distance
DEEP_SHARE = 0.9
#: directions kept of each site, to begin with at the next plan
KEPT_DIRECTIONS = 6
#: a split is worth more than those that are there from this on, in units of the program
PRICING_TOLERANCE = 1e-11


@dataclass(frozen=True)
class Found:
    """direction (B, 1 + Q) missed most, by missed (B,) units of the program (no more than the tolerance: inside); the directions and
    points (B, 1 + Q) of every split looked at; shares (P, B) of these that make z, where it is inside."""

    direction: Array
    missed: Array
    inside: bool
    tried: list[tuple[Array, Array]]
    shares: Array | None = None


@dataclass
class DeepestCut:
    """The search at one site, in units of the program; directions and points are (B, 1 + Q): theta, then the quantities.

    there: 1 where the program has the variable, else 0. bring: (capacity, direction) -> point of the best split in that direction.
    solve: linear program -> answer.
    """

    there: Array
    bring: Callable[[Array, Array], Array]
    solve: Callable[[Any], Any]
    kept: list[Array] = field(default_factory=list)

    def begin_with(self, directions: list[Array]) -> None:
        """The next search tries these directions (B, 1 + Q) first."""
        self.kept = directions

    def search(self, template: Any, capacity: Array, z: Array, dual: Array, tolerance: Array, most: int = 25) -> Found:
        """Where z is missed most: to the tolerance (B,), or deep enough for a cut.

        dual: the direction in which the plan values the block, to begin with. template: any linear program, for what is left alone.
        """
        blocks, size = z.shape
        known = self.kept or [sign * np.tile(np.eye(size)[k], (blocks, 1)) for k in range(size) for sign in (1.0, -1.0)]
        tried = [(d * self.there, self.bring(capacity, d * self.there)) for d in (dual, *known)]
        deepest, missed, distance = dual * self.there, np.full(blocks, -np.inf), np.full(blocks, np.inf)
        shares: list[Array] = []
        active = np.arange(blocks)
        for _ in range(most):
            answer = self.solve(self._program(template, [point for _, point in tried], z, active))
            if not answer.optimal:
                break
            y = answer.y.reshape(len(active), size + 1)
            d = dual * self.there  # of what is settled: worked out already
            d[active] = np.clip(y[:, :size], -1.0, 1.0) * self.there[active]
            distance[active] = (d[active] * z[active]).sum(axis=1) + y[:, size]
            shares.extend(np.zeros(blocks) for _ in range(len(tried) - len(shares)))
            for share, found in zip(shares, answer.x[: len(tried) * len(active)].reshape(len(tried), -1), strict=True):
                share[active] = found
            if (distance <= tolerance).all():
                break
            point = self.bring(capacity, d)
            tried.append((d, point))
            off = (d[active] * (z - point)[active]).sum(axis=1)
            deeper = off > missed[active]
            missed[active[deeper]], deepest[active[deeper]] = off[deeper], d[active[deeper]]
            better = (d * point)[active].sum(axis=1) + y[:, size] > PRICING_TOLERANCE * (1.0 + np.abs(z[active]).sum(axis=1))
            settled = (distance <= tolerance) | (missed >= DEEP_SHARE * distance)
            active = active[better & ~settled[active]]
            if not len(active):
                break
        self.kept = [deepest, *self.kept][:KEPT_DIRECTIONS]
        inside = bool((distance <= tolerance).all())
        return Found(deepest, missed, inside, tried, np.array(shares) if inside else None)

    def _program(self, template: Any, points: list[Array], z: Array, active: Ints) -> Any:
        """min sum of slack, for some blocks at once: the rows of a block are its coordinates, then the sum of its shares."""
        there, z = self.there[active], z[active]
        blocks, size = z.shape
        rows = np.arange(blocks)[:, None] * (size + 1) + np.arange(size + 1)
        count = len(points)
        table = np.concatenate([np.stack(points)[:, active] * there, np.ones((count, blocks, 1))], axis=2)
        columns = np.arange(count * blocks).reshape(count, blocks, 1)
        at = (np.broadcast_to(rows, table.shape).ravel(), np.broadcast_to(columns, table.shape).ravel())
        hull = sparse.csc_array((table.ravel(), at), shape=(rows.size, count * blocks))
        slack = sparse.eye_array(rows.size, format="csc")[:, rows[:, :size].ravel()]
        right = np.concatenate([z * there, np.ones((blocks, 1))], axis=1).ravel()
        cost = np.concatenate([np.zeros(count * blocks), np.full(2 * blocks * size, template.cost_scale)])
        return replace(
            template,
            cost=cost,
            offset=0.0,
            sense=1,
            matrix=sparse.csc_array(sparse.hstack([hull, slack, -slack], format="csc")),
            row_lower=right,
            row_upper=right,
            col_lower=np.zeros(len(cost)),
            col_upper=np.full(len(cost), np.inf),
        )
