"""Splits of hours that were worked out before: a block at a capacity and in a direction that it has been asked for already is looked up.

A plan that moves a little leaves most blocks of hours where they were, in rounds of cuts and in the many small steps that prices take.
What is looked up is what was worked out, to the last bit, so plans do not depend on it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from models.hours.site_hours import SiteHours
from models.hours.subproblem import RecourseSolution
from models.problem import Array

#: numbers that are kept at most, over all blocks of a site (64 MB)
MAX_KEPT_NUMBERS = 8_000_000


class SolutionCache:
    """One site's hours, with a memory. Hours whose blocks are not divisible are worked out each time."""

    def __init__(self, hours: SiteHours, room: int = MAX_KEPT_NUMBERS) -> None:
        self.hours, self.room = hours, room
        self.known: dict[bytes, tuple[Any, ...]] = {}

    def recourse_solution(self, capacity: Array, alpha: Array, rho: Array) -> RecourseSolution:
        """As `SiteHours.recourse_solution`: capacity (B, E) MW, alpha (B,), rho (B, Q)."""
        if not self.hours.subproblem.divisible:
            return self.hours.recourse_solution(capacity, alpha, rho)
        if len(self.known) * capacity.shape[1] * len(fields(RecourseSolution)) > self.room:
            self.known.clear()
        blocks = np.arange(len(alpha), dtype=float)
        asked = np.concatenate([blocks[:, None], capacity, alpha[:, None], rho], axis=1)
        keys = [row.tobytes() for row in asked]
        new = np.array([b for b, key in enumerate(keys) if key not in self.known], dtype=np.int64)
        if len(new) == len(keys):
            found = self.hours.recourse_solution(capacity, alpha, rho)
            self._keep(keys, found)
            return found
        if len(new):
            self._keep([keys[b] for b in new], self.hours.blocks(new).recourse_solution(capacity[new], alpha[new], rho[new]))
        rows = [self.known[key] for key in keys]
        parts = [None if one[0] is None else np.array(one) for one in zip(*rows, strict=True)]
        return RecourseSolution(*parts)  # type: ignore[arg-type]

    def _keep(self, keys: list[bytes], found: RecourseSolution) -> None:
        tables = [getattr(found, field.name) for field in fields(found)]
        for b, key in enumerate(keys):
            self.known[key] = tuple(None if table is None else table[b] for table in tables)
