"""The hourly split of many site-periods at once, compiled: every hour of every period and scenario, without a linear program.

Each use and source is affine in the hour's grid price and adder, so an hour is worked out from a few profiles and nothing hourly is
stored per scenario. The search over the marginal value of power is that of `recourse.hourly_value`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

#: uses and sources of one site together never exceed this
MOST = 64


@njit(cache=True, parallel=True, fastmath=False)
def split(  # pragma: no cover - compiled
    profiles, first, count, hours, weight,
    price_row, price_factor, price_shift, adder_row, adder_factor, adder_shift,
    slope_price, slope_adder, base, is_source, limit_row, limit_factor, limit_shift, capacity,
    value, slope, energy, hour_out, x_out,
):
    """Value, slopes and energies of every block b (one scenario and period of a site) with E entries (uses, then sources).

    profiles (R, 8784); block b keeps hours[first[b] : first[b] + count[b]] with weight; entry prices are
    slope_price[e] * p + slope_adder[e] * a + base[b, e] USD/MWh; limits limit_factor[b, e] * profile + limit_shift[b, e] per MW of
    capacity[b, e]. Out: value (B,) USD; slope (B, E) USD per MW; energy (B, E) MWh. x_out (hours, E) MW where hour_out[b] >= 0 is the
    row of the block's first hour, none where it is negative.
    """
    blocks, entries = base.shape
    for b in prange(blocks):
        price = np.empty(entries)
        cap = np.empty(entries)
        per = np.empty(entries)
        total_value = 0.0
        acc_slope = np.zeros(entries)
        acc_energy = np.zeros(entries)
        for k in range(count[b]):
            at = first[b] + k
            h = hours[at]
            w = weight[at]
            p = profiles[price_row[b], h] * price_factor[b] + price_shift[b]
            a = profiles[adder_row[b], h] * adder_factor[b] + adder_shift[b]
            for e in range(entries):
                price[e] = slope_price[e] * p + slope_adder[e] * a + base[b, e]
                per[e] = profiles[limit_row[b, e], h] * limit_factor[b, e] + limit_shift[b, e]
                cap[e] = per[e] * capacity[b, e]
            best = np.inf
            level = 0.0
            for j in range(entries):
                here = price[j]
                worth = 0.0
                for e in range(entries):
                    if is_source[e]:
                        if here > price[e]:
                            worth += cap[e] * (here - price[e])
                    elif price[e] > here:
                        worth += cap[e] * (price[e] - here)
                if worth < best:
                    best = worth
                    level = here
            if entries == 0:
                best = 0.0
            total_value += w * best
            need = 0.0  # power that uses above the level take, less what sources below it give
            for e in range(entries):
                if is_source[e]:
                    if level > price[e]:
                        need -= cap[e]
                        acc_slope[e] += w * per[e] * (level - price[e])
                        acc_energy[e] += w * cap[e]
                elif price[e] > level:
                    need += cap[e]
                    acc_slope[e] += w * per[e] * (price[e] - level)
                    acc_energy[e] += w * cap[e]
            row = hour_out[b] + k if hour_out[b] >= 0 else -1
            if row >= 0:
                for e in range(entries):
                    inside = level > price[e] if is_source[e] else price[e] > level
                    x_out[row, e] = cap[e] if inside else 0.0
            # what is at the level itself closes the balance, in the order of the list
            for e in range(entries):
                if price[e] == level and need != 0.0:
                    if is_source[e] and need > 0.0:
                        take = min(cap[e], need)
                        need -= take
                    elif not is_source[e] and need < 0.0:
                        take = min(cap[e], -need)
                        need += take
                    else:
                        take = 0.0
                    acc_energy[e] += w * take
                    if row >= 0:
                        x_out[row, e] = take
        value[b] = total_value
        for e in range(entries):
            slope[b, e] = acc_slope[e]
            energy[b, e] = acc_energy[e]
