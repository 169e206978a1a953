"""The cuts that are kept: which block they bound, when they were last binding, which may go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.problem import Array, Ints
from models.program.recourse_value import SiteValue

#: what a unit (of the program) of theta or quantity that no split brings costs while splits are still being priced in
PENALTY = 1e4
#: a plan with linked quantities is real when it is worth this close (relative) to the best convex combination of splits
REAL_TOLERANCE = 1e-9
#: a quantity (in units of the program) that moves by no more than this does not move
UNMOVED_QUANTITY = 1e-9
#: units of the program of what hours bring that the solver's tolerance may leave unexplained
MAX_SLACK_LEFT = 1e-8
#: so many splits in a row that gain nothing end the search for more
IDLE_ROUNDS = 5
#: a cut is added where it is missed by more than this share of the block's size
CUT_TOLERANCE = 1e-10


@dataclass
class Site:
    """Column numbers of one site in the program."""

    value: SiteValue
    recourse: Ints
    capacity: Ints  # (B, E), -1 where there is no variable
    constant: Array  # (B, E) MW of it that no variable decides
    quantity: Ints  # (B, Q), -1 where there is none
    units: Array  # (Q,)
    start: Array  # (B, Q)
    size: Array  # (B,) USD: largest value seen, what a violation is measured against

    def direction(self, alpha: Array, rho: Array, unit: float) -> tuple[Array, Array]:
        """The same directions with entries up to 1 in program units; where there is none, the one to start with."""
        if not len(self.units):
            return np.ones(len(alpha)), rho
        size = np.maximum(np.abs(alpha), (np.abs(rho) * self.units / unit).max(axis=1))
        known = size > 1e-12 * max(float(size.max(initial=0.0)), 1e-300)
        scale = np.where(known, size, 1.0)
        return np.where(known, alpha / scale, 1.0), np.where(known[:, None], rho / scale[:, None], self.start)


@dataclass(frozen=True)
class Rows:
    """Cuts of one site as rows of the program."""

    site: int
    blocks: Ints
    alpha: Array
    rho: Array
    slope: Array
    matrix: Any  # csr, one row a cut
    upper: Array

    def some(self, kept: Any) -> Rows:
        """Only those where `kept` (n,) is True."""
        if kept.all():
            return self
        at = np.flatnonzero(kept)
        return Rows(
            self.site, self.blocks[at], self.alpha[at], self.rho[at], self.slope[at], self.matrix.tocsr()[at], self.upper[at]
        )


@dataclass
class CutPool:
    """Every cut, in the order of its row: site, block, direction, slopes (program units)."""

    site: list[Ints] = field(default_factory=list)
    block: list[Ints] = field(default_factory=list)
    alpha: list[Array] = field(default_factory=list)
    rho: list[Array] = field(default_factory=list)  # (n, Q) of the site
    slope: list[Array] = field(default_factory=list)  # (n, E)
    capacity: list[Array] = field(default_factory=list)  # (n, E) MW that it was worked out at

    def holds(self, cuts: Rows) -> Any:
        """(n,) Which cuts are here already, to the last bit."""
        here = set()
        for k, (site, block) in enumerate(zip(self.site, self.block, strict=True)):
            if len(site) and site[0] == cuts.site:
                here.update(_lines(block, self.alpha[k], self.rho[k], self.slope[k]))
        return np.array([line in here for line in _lines(cuts.blocks, cuts.alpha, cuts.rho, cuts.slope)], dtype=bool)

    @property
    def count(self) -> int:
        return sum(len(x) for x in self.block)


def _lines(block: Ints, alpha: Array, rho: Array, slope: Array) -> list[bytes]:
    """Each cut as bytes; two that are equal say the same."""
    table = np.concatenate([block[:, None].astype(float), alpha[:, None], rho.reshape(len(block), -1), slope], axis=1) + 0.0
    return [row.tobytes() for row in table]
