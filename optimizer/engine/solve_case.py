"""A case solved: at the share price that it states, or at the one that its plan implies. What every verb calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution


def solve(case: Any, **options: Any) -> Solution:
    """As `master.solve`; where the share price follows the plan, at the price that the plan implies (`price_fixed_point`).

    `Solution.price` then tells how it was found, and `Solution.problem` holds the price. Raises as `master.solve`.
    """
    if case.problem().market.follows is None:
        from optimizer.engine import master

        return master.solve(case, **options)
    from optimizer.engine.price_fixed_point import follow

    return follow(case, **options)
