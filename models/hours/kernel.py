"""The hourly split of many site-periods at once, compiled: every hour of every period and scenario, without a linear program.

Prices of uses and sources are affine in the hour's grid price and adder (and in the grid's emission factor, where it differs by the
hour), so an hour is worked out from a few yearly profiles and nothing hourly is stored per scenario. The search over the marginal
value of power is that of `one_hour.hourly_value`.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

import numpy as np
from numba import njit, prange

# threads that wait for the next call sleep: where other processes need the cores, spinning costs several times what it saves
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


#: whether it was said that compiled code cannot be kept; a process that works for another leaves saying so to it
said = False


def leave_notes_to_parent() -> None:
    """Say nothing of the cache in this process, which works for another that says it."""
    global said
    said = True


class _Cache:
    """What numba keeps of compiled code. It saves time and nothing else: what cannot be read is made again, what cannot be written is
    not kept."""

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The code, or None: it is then compiled. An index or code that is cut off is thrown away, or it would be met again every time."""
        try:
            return self._kept.load_overload(signature, target)
        except Exception as problem:  # half a pickle fails in many ways
            _say(f"the compiled code that was kept cannot be read and is made again ({_why(problem)})")
            with suppress(OSError):
                self._kept.flush()
            return None

    def save_overload(self, signature: Any, code: Any) -> None:
        try:
            self._kept.save_overload(signature, code)
        except Exception as problem:
            _say(f"compiled code cannot be kept in {self._kept.cache_path} ({_why(problem)}): every run compiles it again")


def _why(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem) or type(problem).__name__


def _say(text: str) -> None:
    """Once in a process, on stderr; the numbers are the same either way."""
    global said
    if not said and sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{text}\n")
    said = True


def _compiled(function):  # type: ignore[no-untyped-def]
    """Compiled once and kept beside the code or in the user's cache; where nothing can be written, compiled in every process."""
    try:
        made: Any = njit(cache=True, parallel=True)(function)
    except (RuntimeError, OSError):
        return njit(parallel=True)(function)
    made._cache = _Cache(made._cache)
    return made


@_compiled
def recourse_solutions(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    profiles,
    first,
    count,
    hours,
    weight,
    market_row,
    market_factor,
    market_shift,
    slope_price,
    slope_adder,
    slope_factor,
    base,
    is_source,
    limit_row,
    limit_factor,
    limit_shift,
    capacity,
    value,
    slope,
    energy,
    price_energy,
    adder_energy,
    factor_energy,
    out_row,
    out,
):
    """Value, slopes and energies of every block b (one scenario and period of a site) with E entries (uses, then sources).

    profiles (R, 8784); block b keeps hours[first[b] : first[b] + count[b]] with their weight. Column 0 of market_* (B, 2 or 3) is the
    grid price, column 1 the adder: profile * factor + shift, USD/MWh; column 2 the emission factor f, t/MWh. Entry prices are
    slope_price[b, e] * p + slope_adder[b, e] * a + slope_factor[b, e] * f + base[b, e]; limits (limit_factor[b, e] * profile +
    limit_shift[b, e]) * capacity[b, e] MW. slope_factor and factor_energy are None where there is no column 2: what needs f is then
    left out when this is compiled, and costs no time.

    Out: value (B,) USD; slope (B, E) USD per MW of capacity; energy (B, E) MWh, and the same weighted with p and a (USD) and f (t).
    out (E, rows): MW hour by hour of the blocks whose out_row[b] >= 0 (row of their first hour).
    """
    blocks, entries = base.shape
    for b in prange(blocks):
        price = np.empty(entries)
        cap = np.empty(entries)
        per = np.empty(entries)
        order = np.arange(entries)
        acc_slope = np.zeros(entries)
        acc = np.zeros((3, entries))
        acc_factor = np.zeros(entries)
        total = 0.0
        for k in range(count[b]):
            h = hours[first[b] + k]
            w = weight[first[b] + k]
            p = profiles[market_row[b, 0], h] * market_factor[b, 0] + market_shift[b, 0]
            a = profiles[market_row[b, 1], h] * market_factor[b, 1] + market_shift[b, 1]
            wanted = 0.0
            f = 0.0
            if slope_factor is not None:
                f = profiles[market_row[b, 2], h] * market_factor[b, 2] + market_shift[b, 2]
            for e in range(entries):
                price[e] = slope_price[b, e] * p + slope_adder[b, e] * a + base[b, e]
                if slope_factor is not None:
                    price[e] += slope_factor[b, e] * f
                per[e] = profiles[limit_row[b, e], h] * limit_factor[b, e] + limit_shift[b, e]
                cap[e] = per[e] * capacity[b, e]
                if not is_source[e]:
                    wanted += cap[e]
            # entries in the order of their price: nearly that of the hour before
            for j in range(1, entries):
                e = order[j]
                k2 = j - 1
                while k2 >= 0 and price[order[k2]] > price[e]:
                    order[k2 + 1] = order[k2]
                    k2 -= 1
                order[k2 + 1] = e
            # Uses above the level l take what sources up to it give: sum of uses with v > l <= sum of sources with c <= l. Both sides
            # together: everything priced at l or below, use or source, is at least as much as all uses. Looked for by power, not by
            # value: neighbouring levels may differ by rounding only.
            level = 0.0
            if entries:
                enough = wanted * (1.0 - 1e-14)
                below = 0.0
                j = 0
                while j < entries - 1:
                    below += cap[order[j]]
                    if below >= enough:
                        break
                    j += 1
                level = price[order[j]]
            row = out_row[b] + k if out_row[b] >= 0 else -1
            need = 0.0  # what uses above the level take, less what sources below it give
            for e in range(entries):
                gain = level - price[e] if is_source[e] else price[e] - level
                if gain > 0.0:
                    total += w * cap[e] * gain
                    need += -cap[e] if is_source[e] else cap[e]
                    acc_slope[e] += w * per[e] * gain
                    acc[0, e] += w * cap[e]
                    acc[1, e] += w * cap[e] * p
                    acc[2, e] += w * cap[e] * a
                    if factor_energy is not None:
                        acc_factor[e] += w * cap[e] * f
                if row >= 0:
                    out[e, row] = cap[e] if gain > 0.0 else 0.0
            # what stands at the level itself closes the balance, in the order of the list
            for e in range(entries):
                if price[e] == level:
                    take = 0.0
                    if is_source[e] and need > 0.0:
                        take = min(cap[e], need)
                        need -= take
                    elif not is_source[e] and need < 0.0:
                        take = min(cap[e], -need)
                        need += take
                    acc[0, e] += w * take
                    acc[1, e] += w * take * p
                    acc[2, e] += w * take * a
                    if factor_energy is not None:
                        acc_factor[e] += w * take * f
                    if row >= 0:
                        out[e, row] = take
        value[b] = total
        for e in range(entries):
            slope[b, e] = acc_slope[e]
            energy[b, e] = acc[0, e]
            price_energy[b, e] = acc[1, e]
            adder_energy[b, e] = acc[2, e]
            if factor_energy is not None:
                factor_energy[b, e] = acc_factor[e]
