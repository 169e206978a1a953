"""One site's hours as the compiled kernel wants them: entries (uses, then sources) over blocks (scenario x period)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.effort import HOUR, spend
from models.hours.merit import coins_per_mwh
from models.hours.meters import measured
from models.problem import Array, Clock, Hourly, Ints, Mask, Problem, Site
from models.stopwatch import timed


@dataclass(frozen=True)
class Entry:
    """One use or source; index: rig or service number, else -1.

    kind 'rig' | 'service' | 'sell' | 'charge' for uses, 'grid' | 'block' | 'own' | 'diesel' | 'discharge' for sources.
    Its MW are a decision for 'rig', 'service', 'grid', and (MW of discharge) for 'charge' and 'discharge'; for the others they are in
    the limit and the capacity is 1.
    """

    name: str
    kind: str
    index: int = -1

    @property
    def is_source(self) -> bool:
        return self.kind in ("grid", "block", "own", "diesel", "discharge")

    @property
    def decided(self) -> bool:
        return self.kind in ("rig", "service", "grid", "charge", "discharge")


@dataclass(frozen=True)
class Money:
    """Money (or an amount of anything) per MWh of every entry and block: slope_price * p + slope_adder * a + slope_factor * f + base,
    each (B, E); f is the grid's emission factor where it differs by the hour. slope_factor None: zero."""

    slope_price: Array
    slope_adder: Array
    base: Array
    slope_factor: Array | None = None

    def plus(self, other: Money, factor: Array) -> Money:
        """self + factor[b] * other."""
        f = factor[:, None]
        slope = self.slope_factor
        if other.slope_factor is not None:
            slope = f * other.slope_factor if slope is None else slope + f * other.slope_factor
        return Money(
            self.slope_price + f * other.slope_price, self.slope_adder + f * other.slope_adder, self.base + f * other.base, slope
        )

    def rows(self, rows: Ints) -> Money:
        """The money of some blocks only."""
        return self.each(lambda table: table[rows])

    def times(self, factor: Array) -> Money:
        """factor[b] * self."""
        return self.each(lambda table: factor[:, None] * table)

    def each(self, change: Callable[[Array], Array]) -> Money:
        """The same change of every table."""
        slope = None if self.slope_factor is None else change(self.slope_factor)
        return Money(change(self.slope_price), change(self.slope_adder), change(self.base), slope)


@dataclass(frozen=True)
class RecourseSolution:
    """What the kernel found: value (B,) USD, slope (B, E) USD per MW, energy (B, E) MWh and weighted with price and adder (USD) and
    the hourly emission factor (t; None where no factor is hourly)."""

    value: Array
    slope: Array
    energy: Array
    price_energy: Array
    adder_energy: Array
    factor_energy: Array | None = None

    def total(self, money: Money) -> Array:
        """(B,) sum over entries and hours of money * MW * weight."""
        total = money.slope_price * self.price_energy + money.slope_adder * self.adder_energy + money.base * self.energy
        if money.slope_factor is not None and self.factor_energy is not None:
            total = total + money.slope_factor * self.factor_energy
        return total.sum(axis=1)


@dataclass(frozen=True)
class Subproblem:
    """All hours of one site. Blocks are numbered s * T + t. value: USD per MWh of uses, and cost of sources, coins counted in full.
    emissions: t per MWh of every entry; None where nothing emits, or nothing looks at it.
    origin (B,): number of each block in the whole problem, where this is the subproblem of a part of its blocks.
    """

    periods: int
    site: int
    entries: tuple[Entry, ...]
    profiles: Array
    first: Ints
    count: Ints
    hours: Ints
    weight: Array
    market: tuple[Ints, Array, Array]
    limit: tuple[Ints, Array, Array]
    value: Money
    gross: Money
    is_source: Mask
    origin: Ints
    emissions: Money | None

    @property
    def blocks(self) -> int:
        return len(self.first)

    @property
    def divisible(self) -> bool:
        """Whether a part of the blocks, worked out anywhere, gives the bits that all of them together would."""
        return True

    def recourse_solution(self, capacity: Array, extra: Money | None = None) -> RecourseSolution:
        """capacity (B, E) MW (1 where not decided). extra: money added to `value`, positive for uses and sources alike as income."""
        out, _ = self._run(capacity, extra, np.full(self.blocks, -1, dtype=np.int64), 0)
        return out

    def dispatch(self, capacity: Array, extra: Money | None, blocks: Ints) -> Array:
        """(sum of hours of the blocks, E) MW, block after block; in memory entry after entry."""
        rows = np.full(self.blocks, -1, dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(self.count[blocks])])
        rows[blocks] = starts[:-1]
        return self._run(capacity, extra, rows, int(starts[-1]))[1].T

    def priced(self, extra: Money | None) -> Money:
        """Value of uses and cost of sources with `extra` income."""
        if extra is None:
            return self.value
        sign = np.where(self.is_source, -1.0, 1.0)
        return self.value.plus(extra.each(lambda table: table * sign), np.ones(self.blocks))

    @timed("kernel")
    def _run(self, capacity: Array, extra: Money | None, out_row: Ints, rows: int) -> tuple[RecourseSolution, Array]:
        shape = (self.blocks, len(self.entries))
        spend(HOUR * shape[1] * float(self.count.sum()))
        money = self.priced(extra)
        hourly_factor = self.market[0].shape[1] > 2
        found = RecourseSolution(np.zeros(shape[0]), *(np.zeros(shape) for _ in range(4)))
        slope = None
        if hourly_factor:
            found = replace(found, factor_energy=np.zeros(shape))
            slope = np.ascontiguousarray(np.zeros(shape) if money.slope_factor is None else money.slope_factor)
        mw = np.empty((shape[1], rows))
        tables = (
            self.profiles, self.first, self.count, self.hours, self.weight, *self.market,
            np.ascontiguousarray(money.slope_price), np.ascontiguousarray(money.slope_adder), slope, np.ascontiguousarray(money.base),
            self.is_source, *self.limit, np.ascontiguousarray(capacity),
            found.value, found.slope, found.energy, found.price_energy, found.adder_energy, found.factor_energy, out_row, mw,
        )  # fmt: skip
        self._compiled(tables)
        return found, mw

    def _compiled(self, tables: tuple[Any, ...]) -> None:
        """Fill the tables of what is found."""
        from models.hours.kernel import recourse_solutions

        recourse_solutions(*tables)


class _Profiles:
    """Stacks yearly profiles, each once."""

    def __init__(self) -> None:
        self.rows: list[Array] = [np.zeros(8784)]
        self._known: dict[int, int] = {}
        self._keep: list[Array] = []

    def add(self, hourly: Hourly, periods: int) -> tuple[Ints, Array, Array]:
        """(row, factor, shift) of every block."""
        if id(hourly.profiles) not in self._known:
            self._known[id(hourly.profiles)] = len(self.rows)
            self._keep.append(hourly.profiles)
            self.rows.extend(np.asarray(hourly.profiles, dtype=float))
        start = self._known[id(hourly.profiles)]
        row = np.repeat(start + np.asarray(hourly.which, dtype=np.int64), periods)
        return row, hourly.factor.ravel().astype(float), hourly.shift.ravel().astype(float)

    def up_to(self, price: Hourly, most: Array, clock: Clock) -> tuple[Ints, Array, Array]:
        """1 in the hours whose price is at most most[s, t] USD/MWh, else 0: one row for as many periods as share no hour of the year."""
        scenarios, periods = most.shape
        which = np.zeros((scenarios, periods), dtype=np.int64)
        known: dict[bytes, int] = {}
        members: list[int]
        for s in range(scenarios):
            row, taken, members = np.zeros(8784), np.zeros(8784, dtype=bool), []
            for t in range(periods):
                hours = clock.hour_index[t]
                if taken[hours].any():
                    which[s, members] = self._once(row, known)
                    row, taken, members = np.zeros(8784), np.zeros(8784, dtype=bool), []
                row[hours] = price.values(clock, s, t) <= most[s, t]
                taken[hours] = True
                members.append(t)
            which[s, members] = self._once(row, known)
        return which.ravel(), np.ones(which.size), np.zeros(which.size)

    def _once(self, row: Array, known: dict[bytes, int]) -> int:
        key = row.tobytes()
        if key not in known:
            known[key] = len(self.rows)
            self.rows.append(row)
        return known[key]


#: of every block: a row of the profiles, a factor and a shift
Hours = tuple[Ints, Array, Array]
#: of an entry: how much of the grid's price and adder, and what else, a MWh of it is worth or costs
Worth = tuple[float, float, Array]
#: entry, its value or cost, what of that is revenue, its MW per MW decided
Column = tuple[Entry, Worth, Worth, Hours]


class _Columns:
    """The entries of one site over B blocks (scenario x period): uses first, then sources."""

    def __init__(self, problem: Problem, site: Site, profiles: _Profiles) -> None:
        self.problem, self.site, self.profiles = problem, site, profiles
        self.shape = problem.scenarios.count, problem.clock.periods
        self.blocks = self.shape[0] * self.shape[1]
        self.zero = np.zeros(self.blocks)
        self.none: Hours = (np.zeros(self.blocks, dtype=np.int64), self.zero, self.zero)
        self.one: Hours = (self.none[0], self.none[1], np.ones(self.blocks))
        grid = site.grid
        self.available = self.hours(grid.availability) if grid and grid.availability else self.one

    def hours(self, hourly: Hourly) -> Hours:
        return self.profiles.add(hourly, self.shape[1])

    def spread(self, table: Array) -> Array:
        """(S, T) or (T,) -> (B,)."""
        return np.broadcast_to(table, self.shape).reshape(-1).astype(float)

    def all(self, rigs: tuple[int, ...], services: tuple[int, ...]) -> list[Column]:
        battery = self.site.battery if self.site.stores else None
        columns = [*self._rigs(rigs), *map(self._service, services), *self._sales()]
        if battery is not None:
            taken = _times(self.one, np.full(self.blocks, battery.charge / battery.discharge))
            columns.append((Entry("charge", "charge"), (0, 0, self.zero), (0, 0, self.zero), taken))
        columns += self._sources()
        if battery is not None:
            wear = np.full(self.blocks, battery.wear)
            columns.append((Entry("discharge", "discharge"), (0, 0, wear), (0, 0, self.zero), self.one))
        return columns

    def _rigs(self, rigs: tuple[int, ...]) -> list[Column]:
        problem, site = self.problem, self.site
        running = self.one
        columns: list[Column] = []
        if site.grid is not None and site.curtail_above is not None:
            running = self.profiles.up_to(site.grid.price, site.curtail_above, problem.clock)
        for r in rigs:
            rig = problem.rigs[r]
            coins = coins_per_mwh(problem, r, slice(None), slice(None))
            gross = (coins * problem.market.btc_price_mean).reshape(-1)
            limit = _times(running, np.full(self.blocks, rig.uptime))
            columns.append((Entry(f"rig:{rig.name}", "rig", r), (0, 0, gross - rig.variable_cost), (0, 0, gross), limit))
        return columns

    def _service(self, j: int) -> Column:
        service, ratio = self.problem.services[j], self.site.gross_ratio
        paid_by_grid = 1.0 if isinstance(service.reimbursed, str) else 0.0
        back = self.zero if service.reimbursed is None or paid_by_grid else self.spread(np.asarray(service.reimbursed))
        rate = self.spread(service.rate) if service.kind == "cloud" else self.zero
        value = back + (rate + self.spread(service.penalty) - service.variable_cost) / ratio
        # demand that waits is served with up to all MW contracted
        wanted = self.one if service.waits else self.hours(service.demand)
        load = _times(wanted, np.full(self.blocks, ratio))
        earned = (paid_by_grid, paid_by_grid, back + rate / ratio)
        return Entry(f"ai:{service.name}", "service", j), (paid_by_grid, paid_by_grid, value), earned, load

    def _sales(self) -> list[Column]:
        columns: list[Column] = []
        for block in self.site.blocks:
            if block.sell_back:
                limit = _times(self.available, self.spread(block.mw))
                fee = np.full(self.blocks, -block.sell_fee)
                columns.append((Entry(f"sell:{block.name}", "sell"), (1, 1, fee), (1, 0, fee), limit))
        for own in self.site.own:
            if own.export:
                fee = np.full(self.blocks, -own.sell_fee)
                limit = _times(self.hours(own.availability), self.spread(own.mw))
                columns.append((Entry(f"sell:{own.name}", "sell"), (1, 0, fee), (1, 0, fee), limit))
        return columns

    def _sources(self) -> list[Column]:
        site, zero = self.site, self.zero
        columns: list[Column] = []
        if site.grid is not None:
            columns.append((Entry("grid", "grid"), (1, 1, zero), (0, 0, zero), self.available))
        for block in site.blocks:
            limit = _times(self.available, self.spread(block.mw))
            columns.append((Entry(f"block:{block.name}", "block"), (0, 1, zero), (0, 0, zero), limit))
        for own in site.own:
            limit = _times(self.hours(own.availability), self.spread(own.mw))
            columns.append((Entry(f"own:{own.name}", "own"), (0, 0, self.spread(own.cost)), (0, 0, zero), limit))
        if site.diesel is not None:
            limit = _times(self.one, self.spread(site.diesel.mw))
            columns.append((Entry("diesel", "diesel"), (0, 0, self.spread(site.diesel.cost)), (0, 0, zero), limit))
        return columns


def _times(limit: Hours, mw: Array) -> Hours:
    return limit[0], limit[1] * mw, limit[2] * mw


def make_subproblem(problem: Problem, i: int, rigs: tuple[int, ...], services: tuple[int, ...]) -> Subproblem:
    """The subproblem of site i; rigs and services: those that may be there (README 5)."""
    clock, site = problem.clock, problem.sites[i]
    s_count, t_count = problem.scenarios.count, clock.periods
    blocks = s_count * t_count
    profiles = _Profiles()
    price = profiles.add(site.grid.price, t_count) if site.grid else None
    adder = profiles.add(site.grid.adder, t_count) if site.grid else None
    made = _Columns(problem, site, profiles)
    columns = made.all(rigs, services)

    def money(entries: list[tuple[float, float, Array]]) -> Money:
        full = [(np.full(blocks, float(p)), np.full(blocks, float(a)), base) for p, a, base in entries]
        return Money(*(np.array([m[k] for m in full]).reshape(len(full), blocks).T.copy() for k in range(3)))

    market = [price or made.none, adder or made.none]
    emissions = None
    if "emissions_t" in measured(problem, i):
        emissions = _emissions(site, [c[0] for c in columns], (s_count, t_count))
    if emissions is not None and emissions.slope_factor is not None:
        assert site.grid is not None and site.grid.emissions is not None
        market.append(profiles.add(site.grid.emissions, t_count))
    lengths = np.array([len(h) for h in clock.hour_index], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1].astype(np.int64)
    kinds = (np.int64, float, float)  # said, as a site without any use or source has nothing to tell them by
    limits = tuple(np.array([c[3][k] for c in columns], dtype=kinds[k]).reshape(len(columns), blocks).T.copy() for k in range(3))
    return Subproblem(
        periods=t_count,
        site=i,
        entries=tuple(c[0] for c in columns),
        profiles=np.array(profiles.rows),
        first=np.tile(starts, s_count),
        count=np.tile(lengths, s_count),
        hours=np.concatenate(clock.hour_index).astype(np.int64),
        weight=np.concatenate(clock.weight).astype(float),
        market=tuple(np.stack(x, axis=1) for x in zip(*market, strict=True)),  # type: ignore[arg-type]
        limit=limits,  # type: ignore[arg-type]
        value=money([c[1] for c in columns]),
        gross=money([c[2] for c in columns]),
        is_source=np.array([c[0].is_source for c in columns], dtype=bool),
        emissions=emissions,
        origin=np.arange(blocks, dtype=np.int64),
    )


def _emissions(site: Site, entries: list[Entry], shape: tuple[int, int]) -> Money | None:
    """t per MWh of every entry (README 5); a grid factor that is the same in all hours of a period needs no market column."""
    named = {f"block:{block.name}": block.emissions for block in site.blocks}
    named |= {f"own:{own.name}": own.emissions for own in site.own}
    if site.diesel is not None:
        named["diesel"] = site.diesel.emissions
    blocks = shape[0] * shape[1]
    base = np.tile([named.get(entry.name, 0.0) for entry in entries], (blocks, 1))
    zero = np.zeros_like(base)
    hourly = site.grid.emissions if site.grid is not None else None
    if hourly is None:
        return Money(zero, zero, base) if base.any() else None
    is_grid = np.array([entry.kind == "grid" for entry in entries])
    used = hourly.profiles[hourly.which]
    if (used == used[:, :1]).all():
        factor = (used[:, :1] * hourly.factor + hourly.shift).reshape(-1, 1)
        return Money(zero, zero, base + is_grid * factor)
    return Money(zero, zero, base, np.tile(is_grid.astype(float), (blocks, 1)))


def with_scenarios(subproblem: Subproblem, scenarios: Ints) -> Subproblem:
    """The subproblem of some scenarios only."""
    t = subproblem.periods
    return with_blocks(subproblem, (np.asarray(scenarios)[:, None] * t + np.arange(t)).ravel())


def with_blocks(subproblem: Subproblem, rows: Ints) -> Subproblem:
    """The subproblem of some blocks only and the profiles that these need, for a worker that holds just these."""
    used = np.unique(np.concatenate([subproblem.market[0][rows].ravel(), subproblem.limit[0][rows].ravel()]))

    def pick(three: tuple[Ints, Array, Array]) -> tuple[Ints, Array, Array]:
        return np.searchsorted(used, three[0][rows]), three[1][rows], three[2][rows]

    return replace(
        subproblem,
        profiles=subproblem.profiles[used],
        first=subproblem.first[rows],
        count=subproblem.count[rows],
        market=pick(subproblem.market),
        limit=pick(subproblem.limit),
        value=subproblem.value.rows(rows),
        gross=subproblem.gross.rows(rows),
        emissions=None if subproblem.emissions is None else subproblem.emissions.rows(rows),
        origin=subproblem.origin[rows],
    )
