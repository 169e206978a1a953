"""Periods of a site with a battery, compiled: every hour of every period and scenario, without a linear program (README 15).

The most that hours 0..h can earn, by what is stored after hour h, is concave and made of straight pieces. An hour merges the pieces of
the hours before it with its own (slopes falling), and cuts off what lies below empty or above full. The slope at the last hour, carried
back and held between the slopes at which pieces were cut off, is the price of stored energy in every hour; with it each hour is settled
by merit order, with the battery as one more use. Where that leaves a choice, as little as possible is stored.

What charges and what discharges are one capacity, MW of discharge: all of its slope stands with what discharges.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.hours.kernel import shared
from models.machine_code import MachineCode
from models.problem import Battery

#: relative difference of two prices of stored energy that are the same but for rounding
SAME_PRICE = 1e-11

#: how many times the work of an hour that stands by itself one with a battery is
STORAGE_WORK = 8

#: what an hour does with one more unit in store: burns less while it takes more power, burns less, gives less, takes more
BURNING, UNBURNING, GIVING, TAKING = 1, 2, 3, 4


# ---- compiled: one hour ---------------------------------------------------------------------------------------------


def _pieces(order, price, cap, source, count, charge, discharge, ec, ed, taken, wear, slope, length, kind, net):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """(pieces, least change of what is stored) of one hour: slope (falling) and length of what it earns by the change, and the MW taken
    by the battery where a piece begins.

    order (count,): entries by rising price; cap MW; charge, discharge: MW of the battery; taken, wear: USD per MWh taken as income, given
    as cost. Both at once are shares of an hour: c / charge + d / discharge <= 1.
    """
    lowest = 0.0
    for k in range(count):
        if not source[k]:
            lowest -= cap[k]
    loss = 1.0 - ec * ed
    line = (charge + discharge) / (ec * charge + discharge / ed)  # MW taken more per MWh stored more, burning all the hour
    y = max(-discharge, lowest)
    k = 0
    used = 0.0
    skip = y - lowest
    while k < count and skip > 0.0:
        room = cap[order[k]] - used
        if room > skip:
            used += skip
            skip = 0.0
        else:
            skip -= room
            k += 1
            used = 0.0
    m = 0
    burns = loss > 1e-12 or taken > wear
    if not burns:
        first = y / ed if y < 0.0 else ec * y
    else:
        first = (y + discharge) / line - discharge / ed
    at = first
    if burns:
        most = (taken - ec * ed * wear) / loss if loss > 1e-12 else np.inf  # price below which power is burnt
        weight = (wear * discharge + taken * charge) / (charge + discharge) * line
        while k < count and price[order[k]] < most and y < charge:
            step = min(cap[order[k]] - used, charge - y)
            if step > 0.0:
                slope[m] = weight - price[order[k]] * line
                length[m] = step / line
                kind[m] = BURNING
                net[m] = y
                m += 1
                at += step / line
                y += step
                used += step
            if used >= cap[order[k]]:
                k += 1
                used = 0.0
        calm = y / ed if y < 0.0 else ec * y
        if loss > 1e-12 and calm > at:
            slope[m] = ed * (wear - taken) / loss
            length[m] = calm - at
            kind[m] = UNBURNING
            net[m] = y
            m += 1
        if loss <= 1e-12:
            return m, first
    while k < count and y < charge:
        step = cap[order[k]] - used
        p = price[order[k]]
        if y < 0.0:
            step = min(step, -y)
            if step > 0.0:
                slope[m] = ed * (wear - p)
                length[m] = step / ed
                kind[m] = GIVING
                net[m] = y
                m += 1
                y = 0.0 if step == -y else y + step
        else:
            step = min(step, charge - y)
            if step > 0.0:
                slope[m] = (taken - p) / ec
                length[m] = step * ec
                kind[m] = TAKING
                net[m] = y
                m += 1
                y += step
        used += step
        if used >= cap[order[k]]:
            k += 1
            used = 0.0
    return m, first


def _clearing(order, price, cap, source, count, charge, discharge, give, take):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """The price at which an hour clears: the lowest at which all that is priced up to it, use, source or battery, is all uses. The
    battery gives at `give` and above, and takes at `take` and below; where that would be both at once it is one step at their mean."""
    wanted = charge
    for k in range(count):
        if not source[k]:
            wanted += cap[k]
    enough = wanted * (1.0 - 1e-14)
    first, second = give, take
    if take > give:
        first = second = (take * charge + give * discharge) / (charge + discharge)
    low, low_mw, high, high_mw = (first, discharge, second, charge) if first <= second else (second, charge, first, discharge)
    below = 0.0
    k = 0
    step = 0
    level = 0.0
    while k < count or step < 2:
        battery = low if step == 0 else high
        if step < 2 and (k >= count or battery < price[order[k]]):
            level = battery
            below += low_mw if step == 0 else high_mw
            step += 1
        else:
            level = price[order[k]]
            below += cap[order[k]]
            k += 1
        if below >= enough and below > 0.0:
            break
    return level


def _around(order, price, cap, source, count, edge):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Where no battery stands: prices at which one MW could be given (edge[0]) and taken (edge[1]) without moving the price, infinite
    where it could not."""
    lowest = 0.0
    for k in range(count):
        if not source[k]:
            lowest -= cap[k]
    edge[0] = -np.inf
    edge[1] = np.inf
    y = lowest
    near = 1e-14 * abs(lowest)
    for k in range(count):
        o = order[k]
        if cap[o] > 0.0:
            if y < -near:
                edge[0] = price[o]
            y += cap[o]
            if y > near:
                edge[1] = price[o]
                return


def _of_hour(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    stands, n, order, price, cap, source, charge, discharge, ec, ed, taken, wear, slope, length, kind, net, edge, pair_order, pair_source,
):  # fmt: skip
    """`_pieces` of an hour; of a battery that does not stand, at the prices there are. edge (6,) is what it works with."""
    if stands:
        return _pieces(order, price, cap, source, n, charge, discharge, ec, ed, taken, wear, slope, length, kind, net)
    _around(order, price, cap, source, n, edge)
    for i in range(2):
        there = abs(edge[i]) < np.inf
        edge[2 + i] = edge[i] if there else edge[1 - i]  # of no MW, and in its place by price
        edge[4 + i] = 2.0 * (charge + discharge) if there else 0.0
    return _pieces(
        pair_order, edge[2:4], edge[4:6], pair_source, 2, charge, discharge, ec, ed, taken, wear, slope, length, kind, net
    )


def _settled(m, least, change, charge, discharge, ec, ed, length, kind, net, cap, source, n, churns):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """(MW taken less given, taken, given) by the battery in an hour that changes what is stored by `change`. churns: whether taking and
    giving at once earns money where nothing is lost on the way."""
    y = 0.0
    for k in range(n):
        if not source[k]:
            y -= cap[k]
    y = max(-discharge, y)
    line = (charge + discharge) / (ec * charge + discharge / ed)
    what = BURNING
    at = least
    for i in range(m):
        x = min(max(change - at, 0.0), length[i])
        what = kind[i]
        if what == BURNING:
            y = net[i] + line * x
        elif what == UNBURNING:
            y = net[i]
        elif what == GIVING:
            y = net[i] + ed * x
        else:
            y = net[i] + x / ec
        if change <= at + length[i]:
            break
        at += length[i]
    loss = 1.0 - ec * ed
    if what in (GIVING, TAKING) or (loss <= 1e-12 and not churns):
        return y, max(y, 0.0) + 0.0, max(-y, 0.0) + 0.0
    if loss <= 1e-12 or what == BURNING:
        given = discharge * (charge - y) / (charge + discharge)
    else:
        given = (ec * y - change) * ed / loss
    given = max(min(max(given, -y), discharge * (charge - y) / (charge + discharge)), 0.0)
    return y, max(y + given, 0.0), given


# ---- compiled: a period ----------------------------------------------------------------------------------------------


def _merge(slope, length, count, own, own_length, pieces, into, into_length):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Two lists of pieces, slopes falling, as one; its count."""
    i = 0
    j = 0
    c = 0
    while i < count or j < pieces:
        if j >= pieces or (i < count and slope[i] >= own[j]):
            s = slope[i]
            length_here = length[i]
            i += 1
        else:
            s = own[j]
            length_here = own_length[j]
            j += 1
        if c > 0 and into[c - 1] == s:
            into_length[c - 1] += length_here
        else:
            into[c] = s
            into_length[c] = length_here
            c += 1
    return c


def _cut(slope, length, count, low, full, into, into_length):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """What lies between empty and full: (count, least stored, slope where it is cut at empty, slope where it is cut at full)."""
    at_empty = np.inf
    at_full = -np.inf
    c = 0
    e = low
    start = max(low, 0.0)
    for i in range(count):
        piece = length[i]
        if e < 0.0:
            gone = min(piece, -e)
            at_empty = slope[i]
            e = 0.0 if gone == -e else e + gone
            piece -= gone
        if piece > 0.0:
            room = full - e
            if piece > room:
                at_full = slope[i]
                piece = room
            if piece > 0.0:
                into[c] = slope[i]
                into_length[c] = piece
                c += 1
            e += piece
            if at_full > -np.inf:
                break
    return c, min(start, full), at_empty, at_full


def _blocks(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    profiles, first, count, hours, weight, market_row, market_factor, market_shift, slope_price, slope_adder, slope_factor, base,
    is_source, limit_row, limit_factor, limit_shift, capacity, value, slope, energy, price_energy, adder_energy, factor_energy, out_row,
    out, hourly_factor, begin, end, charge_entry, store_entry, terms, others, source, price, cap, per, order, hour, own, own_length,
    net, kinds, made, edge, lists, pair_order, pair_source,
):  # fmt: skip
    """Blocks begin to end of `recourse_solutions` with a battery. terms: charge per discharge, hours at full discharge, level, both
    efficiencies, what is kept of the store from hour to hour. others (n,): entries but the battery's two, source (n,): which are sources.

    What it works with: price, cap, per, order (H, n); hour (H, 13); own, own_length, net, kinds (H, n + 8): pieces of an hour, made (H,): how
    many; edge (6,); lists (6, N): pieces of a period.
    """
    ratio, duration, level, ec, ed, keep = terms[0], terms[1], terms[2], terms[3], terms[4], terms[5]
    n = len(others)
    for b in range(begin, end):
        mw = capacity[b, store_entry]
        stands = mw > 0.0
        discharge = mw if stands else 1.0  # of none that stands the first MW is valued, at the prices there are
        charge = ratio * discharge
        full = duration * discharge
        total_hours = count[b]
        for e in range(capacity.shape[1]):
            slope[b, e] = 0.0
            energy[b, e] = 0.0
            price_energy[b, e] = 0.0
            adder_energy[b, e] = 0.0
            if hourly_factor:
                factor_energy[b, e] = 0.0
        # forward: pieces of what the hours so far earn, by what is stored
        pieces = 0
        low = level * full
        for k in range(total_hours):
            h = hours[first[b] + k]
            p = profiles[market_row[b, 0], h] * market_factor[b, 0] + market_shift[b, 0]
            a = profiles[market_row[b, 1], h] * market_factor[b, 1] + market_shift[b, 1]
            f = profiles[market_row[b, 2], h] * market_factor[b, 2] + market_shift[b, 2] if hourly_factor else 0.0
            hour[k, 0] = p
            hour[k, 1] = a
            hour[k, 2] = f
            for j in range(n + 2):
                e = others[j] if j < n else charge_entry if j == n else store_entry
                here = slope_price[b, e] * p + slope_adder[b, e] * a + base[b, e]
                if hourly_factor:
                    here += slope_factor[b, e] * f
                if j < n:
                    price[k, j] = here
                    per[k, j] = profiles[limit_row[b, e], h] * limit_factor[b, e] + limit_shift[b, e]
                    cap[k, j] = per[k, j] * capacity[b, e]
                    order[k, j] = j if k == 0 else order[k - 1, j]
                else:
                    hour[k, j - n + 3] = here
            for j in range(1, n):
                e = order[k, j]
                i = j - 1
                while i >= 0 and price[k, order[k, i]] > price[k, e]:
                    order[k, i + 1] = order[k, i]
                    i -= 1
                order[k, i + 1] = e
            made[k], least = _of_hour(
                stands, n, order[k], price[k], cap[k], source, charge, discharge, ec, ed, hour[k, 3], hour[k, 4], own[k], own_length[k],
                kinds[k], net[k], edge, pair_order, pair_source,
            )  # fmt: skip
            hour[k, 12] = least
            if keep != 1.0:
                for i in range(pieces):
                    lists[0, i] /= keep
                    lists[1, i] *= keep
                low *= keep
            low += least
            pieces = _merge(lists[0], lists[1], pieces, own[k], own_length[k], made[k], lists[2], lists[3])
            if k < total_hours - 1:
                pieces, low, hour[k, 5], hour[k, 6] = _cut(lists[2], lists[3], pieces, low, full, lists[0], lists[1])
        # the price of stored energy: at the last hour, and back
        stored = level * full
        worth = 0.0
        reached = low
        for i in range(pieces):
            worth = lists[2, i]
            reached += lists[3, i]
            if reached >= stored:
                break
        for k in range(total_hours - 1, -1, -1):
            if k < total_hours - 1:
                carried = keep * worth
                worth = min(max(carried, hour[k, 6]), hour[k, 5])
                near = SAME_PRICE * (abs(worth) + abs(hour[k, 0]))
                hour[k, 8] = 1.0 if carried > worth + near else -1.0 if carried < worth - near else 0.0  # held at empty, at full
            else:
                hour[k, 8] = 0.0
            hour[k, 7] = worth
        # what the hours change in store at that price, from least to most; what can be stored after each
        least_stored = stored
        most_stored = stored
        for k in range(total_hours):
            worth = hour[k, 7]
            near = SAME_PRICE * (abs(worth) + abs(hour[k, 0]))
            least = most = hour[k, 12]
            for i in range(made[k]):
                if own[k, i] > worth + near:
                    least += own_length[k, i]
                if own[k, i] >= worth - near:
                    most += own_length[k, i]
            hour[k, 9] = least
            hour[k, 10] = most
            least_stored = min(max(keep * least_stored + least, 0.0), full)
            most_stored = min(max(keep * most_stored + most, 0.0), full)
            if hour[k, 8] > 0.0:
                least_stored = most_stored = 0.0
            elif hour[k, 8] < 0.0:
                least_stored = most_stored = full
            lists[4, k] = least_stored
            lists[5, k] = most_stored
        after = stored
        for k in range(total_hours - 1, -1, -1):
            low_before = lists[4, k - 1] if k > 0 else stored
            high_before = lists[5, k - 1] if k > 0 else stored
            before = min(max((after - hour[k, 10]) / keep, low_before), high_before)
            hour[k, 11] = after - keep * before
            after = before
        # flows and slopes of every hour
        for k in range(total_hours):
            q = -hour[k, 7]  # USD per MWh in store
            give = hour[k, 4] + q / ed
            take = hour[k, 3] + q * ec
            if stands:
                level_price = _clearing(order[k], price[k], cap[k], source, n, charge, discharge, give, take)
            else:
                _around(order[k], price[k], cap[k], source, n, edge)
                if take > give:
                    mean = (take * charge + give * discharge) / (charge + discharge)
                    level_price = min(max(mean, edge[0]), edge[1])
                elif take > edge[1]:
                    level_price = edge[1]
                elif give < edge[0]:
                    level_price = edge[0]
                else:
                    level_price = max(edge[0], take)
            for j in range(n):
                gain = level_price - price[k, j] if source[j] else price[k, j] - level_price
                if gain > 0.0:
                    slope[b, others[j]] += per[k, j] * gain
            slope[b, store_entry] += max(0.0, level_price - give, (take - level_price) * ratio)
            # what one more MWh of room is worth: dear later, cheap now
            later = keep * -hour[k + 1, 7] if k + 1 < total_hours else keep * -hour[0, 7]
            if k + 1 < total_hours:
                slope[b, store_entry] += duration * max(0.0, later - q)
            else:
                slope[b, store_entry] += duration * level * (later - q)
            charging = 0.0
            giving = 0.0
            y = 0.0
            if stands:
                y, charging, giving = _settled(
                    made[k], hour[k, 12], hour[k, 11], charge, discharge, ec, ed, own_length[k], kinds[k], net[k], cap[k], source, n,
                    hour[k, 3] > hour[k, 4],
                )  # fmt: skip
            # from nothing bought and all uses served from nowhere: entries by price until the battery takes y
            left = y
            for j in range(n):
                if not source[j]:
                    left += cap[k, j]
            row = out_row[b] + k if out_row[b] >= 0 else -1
            for i in range(n + 2):
                if i < n:
                    j = order[k, i]
                    e = others[j]
                    passed = min(cap[k, j], max(left, 0.0))
                    left -= passed
                    flow = passed if source[j] else cap[k, j] - passed
                else:
                    e = charge_entry if i == n else store_entry
                    flow = charging if i == n else giving
                energy[b, e] += flow
                price_energy[b, e] += flow * hour[k, 0]
                adder_energy[b, e] += flow * hour[k, 1]
                if hourly_factor:
                    factor_energy[b, e] += flow * hour[k, 2]
                if row >= 0:
                    out[e, row] = flow
        total = 0.0
        for e in range(capacity.shape[1]):
            total += slope[b, e] * capacity[b, e]
        value[b] = total


_BLOCKS = MachineCode(
    _blocks,
    (
        "f2", "i1", "i1", "i1", "f1", "i2", "f2", "f2", "f2", "f2", "f2", "f2", "b1", "i2", "f2", "f2", "f2",
        "f1", "f2", "f2", "f2", "f2", "f2", "i1", "f2", "i", "i", "i",
        "i", "i", "f1", "i1", "b1", "f2", "f2", "f2", "i2", "f2", "f2", "f2", "f2", "i2", "i1", "f1", "f2", "i1", "b1",
    ),
    parts=(_pieces, _clearing, _around, _of_hour, _settled, _merge, _cut),
)  # fmt: skip


def storage_solutions(battery: Battery, entries: tuple[int, int], tables: tuple[Any, ...]) -> None:
    """As `kernel.recourse_solutions`, of a site whose only coupling is its battery. entries: numbers of what charges and discharges;
    tables: the arguments of `recourse_solutions`. The value is the sum of slopes times MW: at any other MW an upper bound."""
    arrays, count = list(tables), tables[2]
    every = arrays[11].shape[1]
    nothing = np.empty((0, 0))
    hourly_factor = int(arrays[10] is not None)
    arrays[10], arrays[22] = (nothing if arrays[k] is None else arrays[k] for k in (10, 22))
    terms = (battery.charge / battery.discharge, battery.energy / battery.discharge, battery.level)
    kept = (battery.charge_efficiency, battery.discharge_efficiency, 1.0 - battery.self_discharge)
    others = np.array([e for e in range(every) if e not in entries], dtype=np.int64)
    n, hours = len(others), int(count.max(initial=0))
    source = np.ascontiguousarray(arrays[12][others])

    def run(begin: int, end: int) -> None:
        _BLOCKS(
            *arrays, hourly_factor, begin, end, *entries, np.array([*terms, *kept]), others, source,
            *(np.empty((hours, n)) for _ in range(3)), np.empty((hours, n), dtype=np.int64), np.empty((hours, 13)),
            *(np.empty((hours, n + 8)) for _ in range(3)), np.empty((hours, n + 8), dtype=np.int64), np.empty(hours, dtype=np.int64),
            np.empty(6), np.empty((6, hours * (n + 4) + 16)),
            np.arange(2, dtype=np.int64), np.array([False, True]),
        )  # fmt: skip

    shared(_BLOCKS, count, STORAGE_WORK * every, run)
