"""The exact value of an hour of power, and what one more megawatt of anything would add to it.

One hour has one balance, so the dual of its linear program is a search over one number, the marginal value of power l:

    V(K) = min over l of  sum_u a_u K_u max(v_u - l, 0) + sum_g a_g K_g max(l - c_g, 0),      l among {v_u} and {c_g}

For a fixed l the right-hand side is linear in K, so at the minimising l it is a supporting plane of the concave V: the slopes
a_u max(v_u - l, 0) and a_g max(l - c_g, 0) are exact derivatives wherever V has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.problem import Array


@dataclass(frozen=True)
class HourlyValue:
    """value (H,) USD per hour; power_value (H,) USD/MWh, the minimising l; slopes per MW of each use (U, H) and source (G, H)."""

    value: Array
    power_value: Array
    use_slope: Array
    source_slope: Array


def hourly_value(
    value: Array, use_limit: Array, use_mw: Array, cost: Array, source_limit: Array, source_mw: Array
) -> HourlyValue:
    """V, l and slopes of every hour.

    value, use_limit (U, H): USD/MWh and availability of each use, use_mw (U,) its MW; cost, source_limit (G, H), source_mw (G,) likewise.
    """
    points = np.concatenate([value, cost])  # (B, H)
    hours = points.shape[1]
    if points.shape[0] == 0:
        return HourlyValue(np.zeros(hours), np.zeros(hours), np.zeros((0, hours)), np.zeros((0, hours)))
    demand = use_limit * use_mw[:, None]
    supply = source_limit * source_mw[:, None]
    best = np.full(hours, np.inf)
    at = np.zeros(hours)
    for level in points:
        total = (demand * np.maximum(value - level, 0.0)).sum(axis=0) + (supply * np.maximum(level - cost, 0.0)).sum(axis=0)
        better = total < best
        best, at = np.where(better, total, best), np.where(better, level, at)
    return HourlyValue(best, at, use_limit * np.maximum(value - at, 0.0), source_limit * np.maximum(at - cost, 0.0))
