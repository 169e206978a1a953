"""The hourly split of many site-periods at once, compiled: every hour of every period and scenario, without a linear program.

Prices of uses and sources are affine in the hour's grid price and adder (and in the grid's emission factor, where it differs by the
hour), so an hour is worked out from a few yearly profiles and nothing hourly is stored per scenario. The search over the marginal
value of power is that of `one_hour.hourly_value`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from models.machine_code import MachineCode

#: entries times hours from which threads gain more than it takes to start them
LEAST_SHARED = 1_000_000

#: most threads of a call, where it is set (`use_threads`)
_most_threads: int | None = None


def use_threads(most: int | None) -> None:
    """Let a call use at most so many threads; None: one a core (or NUMBA_NUM_THREADS, where it is set)."""
    global _most_threads
    _most_threads = most


def threads() -> int:
    """How many threads a large call is shared out to."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    stated = os.environ.get("NUMBA_NUM_THREADS", "")
    most = int(stated) if stated.isdigit() and int(stated) > 0 else cores
    return max(1, most if _most_threads is None else min(most, _most_threads))


def ready() -> None:
    """Load or compile what hours need."""
    _BLOCKS.ready()


def shared(code: MachineCode, count: Any, work: int, run: Callable[[int, int], None]) -> None:
    """Run blocks begin to end, in threads where there is enough to do. count (B,): hours of a block; work: of one of its hours."""
    blocks, ends = len(count), np.cumsum(count)
    hours = int(ends[-1]) if blocks else 0
    parts = min(threads(), blocks) if hours * work >= LEAST_SHARED else 1
    if parts == 1:
        run(0, blocks)
        return
    code.ready()
    # by hours, not by blocks: some may hold few
    cuts = np.searchsorted(ends, hours * np.arange(1, parts) / parts).tolist()
    with ThreadPoolExecutor(parts) as pool:
        for done in [pool.submit(run, begin, end) for begin, end in zip([0, *cuts], [*cuts, blocks], strict=True)]:
            done.result()


def _blocks(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
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
    hourly_factor,
    begin,
    end,
    scratch,
    order,
):
    """Blocks begin to end of `recourse_solutions`; scratch (8, E) and order (E,) are what a block works with."""
    entries = base.shape[1]
    price = scratch[0]
    cap = scratch[1]
    per = scratch[2]
    acc_slope = scratch[3]
    acc = scratch[4:7]
    acc_factor = scratch[7]
    for b in range(begin, end):
        for e in range(entries):
            order[e] = e
            acc_slope[e] = 0.0
            acc[0, e] = 0.0
            acc[1, e] = 0.0
            acc[2, e] = 0.0
            acc_factor[e] = 0.0
        total = 0.0
        for k in range(count[b]):
            h = hours[first[b] + k]
            w = weight[first[b] + k]
            p = profiles[market_row[b, 0], h] * market_factor[b, 0] + market_shift[b, 0]
            a = profiles[market_row[b, 1], h] * market_factor[b, 1] + market_shift[b, 1]
            wanted = 0.0
            f = 0.0
            if hourly_factor:
                f = profiles[market_row[b, 2], h] * market_factor[b, 2] + market_shift[b, 2]
            for e in range(entries):
                price[e] = slope_price[b, e] * p + slope_adder[b, e] * a + base[b, e]
                if hourly_factor:
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
                    if hourly_factor:
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
                    if hourly_factor:
                        acc_factor[e] += w * take * f
                    if row >= 0:
                        out[e, row] = take
        value[b] = total
        for e in range(entries):
            slope[b, e] = acc_slope[e]
            energy[b, e] = acc[0, e]
            price_energy[b, e] = acc[1, e]
            adder_energy[b, e] = acc[2, e]
            if hourly_factor:
                factor_energy[b, e] = acc_factor[e]


_BLOCKS = MachineCode(
    _blocks,
    (
        "f2", "i1", "i1", "i1", "f1", "i2", "f2", "f2", "f2", "f2", "f2", "f2", "b1", "i2", "f2", "f2", "f2",
        "f1", "f2", "f2", "f2", "f2", "f2", "i1", "f2", "i", "i", "i", "f2", "i1",
    ),
)  # fmt: skip


def recourse_solutions(
    profiles: Any,
    first: Any,
    count: Any,
    hours: Any,
    weight: Any,
    market_row: Any,
    market_factor: Any,
    market_shift: Any,
    slope_price: Any,
    slope_adder: Any,
    slope_factor: Any,
    base: Any,
    is_source: Any,
    limit_row: Any,
    limit_factor: Any,
    limit_shift: Any,
    capacity: Any,
    value: Any,
    slope: Any,
    energy: Any,
    price_energy: Any,
    adder_energy: Any,
    factor_energy: Any,
    out_row: Any,
    out: Any,
) -> None:
    """Value, slopes and energies of every block b (one scenario and period of a site) with E entries (uses, then sources).

    profiles (R, 8784); block b keeps hours[first[b] : first[b] + count[b]] with their weight. Column 0 of market_* (B, 2 or 3) is the
    grid price, column 1 the adder: profile * factor + shift, USD/MWh; column 2 the emission factor f, t/MWh. Entry prices are
    slope_price[b, e] * p + slope_adder[b, e] * a + slope_factor[b, e] * f + base[b, e]; limits (limit_factor[b, e] * profile +
    limit_shift[b, e]) * capacity[b, e] MW. slope_factor and factor_energy are None where there is no column 2.

    Out: value (B,) USD; slope (B, E) USD per MW of capacity; energy (B, E) MWh, and the same weighted with p and a (USD) and f (t).
    out (E, rows): MW hour by hour of the blocks whose out_row[b] >= 0 (row of their first hour).
    """
    entries = base.shape[1]
    nothing = np.empty((0, 0))
    arrays = (
        profiles, first, count, hours, weight, market_row, market_factor, market_shift, slope_price, slope_adder,
        nothing if slope_factor is None else slope_factor, base, is_source, limit_row, limit_factor, limit_shift, capacity, value,
        slope, energy, price_energy, adder_energy, nothing if factor_energy is None else factor_energy, out_row, out,
    )  # fmt: skip
    hourly_factor = int(slope_factor is not None)

    def run(begin: int, end: int) -> None:
        _BLOCKS(*arrays, hourly_factor, begin, end, np.empty((8, entries)), np.empty(entries, dtype=np.int64))

    shared(_BLOCKS, count, entries, run)
