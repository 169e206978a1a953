"""The list of checks the pro forma fills: for every identity or limit the worst residual, its scale and its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from models.problem import Array, Problem
from models.proforma.books import Check

#: a check of USD is measured against this share of the program's unit of money at least (1 USD where that is a million)
MIN_SCALE_SHARE = 1e-6


class Checklist:
    """Keeps, per family of checks, the item that is worst relative to its scale.

    A scale is at least `least`: one natural unit (MW, BTC, a share), for amounts of money `usd`, which is no more than what moves at all.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.usd = MIN_SCALE_SHARE * problem.money
        self._worst: dict[str, Check] = {}

    def measure_money_by(self, moved: float) -> None:
        """From now on amounts of money are measured by no more than what moves at all."""
        self.usd = min(self.usd, moved)

    def note(self, name: str, residual: float, scale: float, place: tuple[object, ...] = (), least: float = 1.0) -> None:
        """One item: residual >= 0 in the units of scale and least > 0; what is not a number counts as an infinite residual."""
        residual = float(residual)
        if np.isnan(residual):
            residual = float("inf")
        scale = max(float(scale), least) if np.isfinite(scale) else least
        known = self._worst.get(name)
        if known is None or residual / scale > known.relative:
            where = ", ".join(str(part) for part in place) if residual > 0.0 else ""
            self._worst[name] = Check(name, residual, scale, where)

    def each(self, name: str, residual: ArrayLike, scale: ArrayLike, place: Callable[[int], tuple[object, ...]]) -> None:
        """As `note` for items 0, 1, ... in turn, with residual (n,), scale (n,) or one for all, and the place of an item."""
        off, size = np.broadcast_arrays(np.asarray(residual, dtype=float), np.asarray(scale, dtype=float))
        if off.size == 0:
            return
        off = np.where(np.isnan(off), np.inf, off)
        size = np.where(np.isfinite(size), np.maximum(size, 1.0), 1.0)
        worst = int(np.argmax(off / size))
        self.note(name, off[worst], size[worst], place(worst))

    def equal(
        self, name: str, left: ArrayLike, right: ArrayLike, item: str = "", scale: ArrayLike = 0.0, least: float = 1.0
    ) -> None:
        """left == right, arrays whose first axis is the scenario and second the date (or period, or year).

        Measured against the largest of either, and against scale, one for all or one for each.
        """
        a, b = np.broadcast_arrays(np.asarray(left, dtype=float), np.asarray(right, dtype=float))
        self._array(name, np.abs(a - b), a, b, item, scale, least)

    def at_most(
        self, name: str, left: ArrayLike, right: ArrayLike, item: str = "", scale: ArrayLike = 0.0, least: float = 1.0
    ) -> None:
        """left <= right; an infinite right side never binds. scale: as in `equal`."""
        a, b = np.broadcast_arrays(np.asarray(left, dtype=float), np.asarray(right, dtype=float))
        # np.maximum keeps what is not a number, so that a broken line cannot pass
        self._array(name, np.maximum(a - b, 0.0), a, b, item, scale, least)

    def by(self, scale: ArrayLike, least: float) -> Measured:
        """The same list for amounts that are all measured against `scale` and `least`."""
        return Measured(self, scale, least)

    def _array(self, name: str, residual: Array, a: Array, b: Array, item: str, scale: ArrayLike, least: float) -> None:
        if residual.size == 0:
            return
        given = np.asarray(scale, dtype=float)
        magnitude = np.broadcast_to(
            np.maximum(np.where(np.isfinite(given), given, 0.0), max(_largest(a), _largest(b), least)), residual.shape
        )
        residual = np.where(np.isnan(residual), np.inf, residual)
        at = np.unravel_index(int(np.argmax(residual / magnitude)), residual.shape)
        place: list[object] = []
        if len(at) > 0:
            place.append(self.problem.scenarios.names[int(at[0])])
        if len(at) > 1:
            place.append(f"date {int(at[-1])}")
        place.append(item)
        self.note(name, float(residual[at]), float(magnitude[at]), tuple(part for part in place if part != ""), least)

    def result(self) -> tuple[Check, ...]:
        """Every family in the order it was first met."""
        return tuple(self._worst.values())


@dataclass(frozen=True)
class Measured:
    """A list of checks whose amounts are all measured against the same."""

    checks: Checklist
    scale: ArrayLike
    least: float

    def equal(self, name: str, left: ArrayLike, right: ArrayLike, item: str = "") -> None:
        """As `Checklist.equal`."""
        self.checks.equal(name, left, right, item, self.scale, self.least)

    def at_most(self, name: str, left: ArrayLike, right: ArrayLike, item: str = "") -> None:
        """As `Checklist.at_most`."""
        self.checks.at_most(name, left, right, item, self.scale, self.least)


def _largest(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.max(np.abs(finite))) if finite.size else 0.0
