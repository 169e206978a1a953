"""A convex combination of hours that were worked out."""

from __future__ import annotations

from dataclasses import dataclass

from models.problem import Array, Ints


@dataclass(frozen=True)
class ConvexCombination:
    """Splits that are mixed at one site: capacity (B, E), and (alpha (B,), rho (B, Q), share (B,)) of each; shares of a block sum to 1."""

    capacity: Array
    parts: list[tuple[Array, Array, Array]]

    def rows(self, blocks: Ints) -> ConvexCombination:
        """The convex combination of some blocks only."""
        return ConvexCombination(
            self.capacity[blocks], [(alpha[blocks], rho[blocks], share[blocks]) for alpha, rho, share in self.parts]
        )
