"""The subproblem of a site whose hours are coupled: every period a linear program of its own, solved from the basis it had (README 15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from models.hours.coupled import Coupling, Waiting, coupling_of, state_block, waiting_of
from models.hours.meters import price_level
from models.hours.storage_subproblem import StorageSubproblem
from models.hours.subproblem import Money, RecourseSolution, Subproblem, make_subproblem
from models.problem import Array, Ints, Problem


class Solver(Protocol):
    """A Pyomo model that was compiled once and is solved with other numbers each time, as a minimisation.

    columns, rows: its variables and constraints in the order of the arrays. matrix (m, n).
    """

    columns: list[Any]
    rows: list[Any]
    matrix: Any

    def solve(
        self, cost: Array, column_lower: Array, column_upper: Array, row_lower: Array, row_upper: Array, basis: Any
    ) -> tuple[Array, Array, Any]:
        """(x, y, basis) at the optimum, started from `basis` (None: from wherever it stands)."""
        ...


OpenBlock = Callable[[Any], Solver]


@dataclass(frozen=True)
class Found:
    """One block in one direction: value USD, slope (E,) USD/MW, energy (3 or 4, E): MWh, and weighted with price, adder
    and emission factor; basis."""

    value: float
    slope: Array
    energy: Array
    basis: Any


class Program:
    """The block of so many hours: positions of its variables and rows, and the numbers of one solve.

    maximise   sum_eh price[e, h] flow[e, h]        (price: value of uses, minus cost of sources)
    s.t.       rows of `state_block`,   0 <= flow[e, h] <= per[e, h] K[e]

    All right-hand sides are per MW of an entry's capacity, so that for any duals the dual objective is sum_e slope[e] K[e]: an upper
    bound of the value at every K, and equal to it at the K that was solved for.
    """

    def __init__(self, subproblem: CoupledSubproblem, hours: int, open_block: OpenBlock) -> None:
        coupling = self.coupling = subproblem.coupling
        names = tuple(entry.name for entry in subproblem.entries)
        model = state_block(coupling, names, int(subproblem.is_source.sum()), hours)
        solver = self.solver = open_block(model)
        column = {id(v): k for k, v in enumerate(solver.columns)}
        place = {id(c): k for k, c in enumerate(solver.rows)}

        def find(component: str, where: dict[int, int], *shape: int) -> Ints:
            data = getattr(model, component, None)
            values = [] if data is None else [where[id(one)] for one in data.values()]
            return np.array(values, dtype=np.int64).reshape(shape)

        count = len(coupling.waiting)
        self.flow = find("flow", column, len(names), hours)
        self.level = find("level", column, -1)
        self.waiting = find("waiting", column, count, hours if count else 0)
        self.power = find("battery_power", place, -1)
        self.queue = find("service_queue", place, count, hours if count else 0)
        self.deferred = find("service_deferred", place, count, hours if count else 0)
        self.ramp = find("ramp", place, len(coupling.ramps), hours - 1 if coupling.ramps and hours > 1 else 0)
        self.sign = np.where(subproblem.is_source, -1.0, 1.0)[:, None]
        entry = {name: e for e, name in enumerate(names)}
        self.waits = [entry[use] for _, use in coupling.waiting]
        self.slow = [entry[ramp.name] for ramp in coupling.ramps]
        self.store = entry.get("discharge", -1)
        self.duration = 0.0 if coupling.battery is None else coupling.battery.energy / coupling.battery.discharge
        columns, rows = len(solver.columns), len(solver.rows)
        self._cost, self._upper, self._lower = np.zeros(columns), np.zeros(columns), np.zeros(columns)
        self._row_lower, self._row_upper = np.zeros(rows), np.zeros(rows)

    def solve(self, price: Array, per: Array, capacity: Array, waiting: list[Waiting], basis: Any) -> tuple[Array, Array, Any]:
        """(flows (E, H), slope (E,), basis). price, per (E, H): value or cost, and MW per MW of capacity (E,)."""
        cost, upper, lower = self._cost, self._upper, self._lower
        row_lower, row_upper = self._row_lower, self._row_upper
        cap = per * capacity[:, None]
        cost[self.flow] = -self.sign * price
        upper[self.flow] = cap
        battery = self.coupling.battery
        if battery is not None:
            mw = capacity[self.store]
            upper[self.level] = self.duration * mw
            lower[self.level[-1]] = upper[self.level[-1]] = battery.level * self.duration * mw
            row_lower[self.power], row_upper[self.power] = -np.inf, mw
        for w, (e, part) in enumerate(zip(self.waits, waiting, strict=True)):
            upper[self.waiting[w]] = part.room * capacity[e]
            row_lower[self.queue[w]] = row_lower[self.deferred[w]] = -np.inf
            row_upper[self.queue[w]] = part.demand * capacity[e]
            row_upper[self.deferred[w]] = part.arrivals * capacity[e]
        for k, (e, ramp) in enumerate(zip(self.slow, self.coupling.ramps, strict=True)):
            row_upper[self.ramp[k]] = ramp.mw * capacity[e]
            row_lower[self.ramp[k]] = -row_upper[self.ramp[k]]
        x, y, basis = self.solver.solve(cost, lower, upper, row_lower, row_upper, basis)
        return np.clip(x[self.flow], 0.0, cap), self._slope(y, per, waiting), basis

    def _slope(self, y: Array, per: Array, waiting: list[Waiting]) -> Array:
        """(E,) what the duals y make of one more MW: from them alone, so that their plane bounds the value wherever they come from.

        y: cost per unit of a row, >= 0 where its lower side presses, <= 0 where its upper one does.
        """
        y = y.copy()
        for one_sided in (self.power, self.queue, self.deferred):
            y[one_sided] = np.minimum(y[one_sided], 0.0)
        gain = y @ self.solver.matrix - self._cost  # of one more unit of each column
        worth = np.maximum(gain, 0.0)
        slope = (worth[self.flow] * per).sum(axis=1)
        battery = self.coupling.battery
        if battery is not None:
            held = worth[self.level[:-1]].sum() + battery.level * gain[self.level[-1]]
            slope[self.store] += self.duration * held - y[self.power].sum()
        for w, (e, part) in enumerate(zip(self.waits, waiting, strict=True)):
            slope[e] += worth[self.waiting[w]] @ part.room
            slope[e] -= y[self.queue[w]] @ part.demand + y[self.deferred[w]] @ part.arrivals
        for k, (e, ramp) in enumerate(zip(self.slow, self.coupling.ramps, strict=True)):
            slope[e] += ramp.mw * np.abs(y[self.ramp[k]]).sum()
        return slope


#: bases kept of a block, and how different (share of all money) the direction of one may be for a start from it to be worth while
MAX_BASES, MAX_DISTANCE = 8, 0.2


@dataclass
class Memory:
    """What was found of a block at the capacities it was last asked for, by direction; and bases of its latest directions."""

    capacity: bytes = b""
    found: dict[bytes, Found] = field(default_factory=dict)
    bases: list[tuple[Array, Any]] = field(default_factory=list)

    def start(self, money: Array) -> Any:
        """The basis of the nearest direction; None where all are far: then a neighbour's, still in the solver, is the better start."""
        away = [
            float(np.abs(money - other).sum() / max(np.abs(money).sum() + np.abs(other).sum(), 1e-300)) for other, _ in self.bases
        ]
        nearest = min(range(len(away)), key=away.__getitem__, default=None)
        return None if nearest is None or away[nearest] > MAX_DISTANCE else self.bases[nearest][1]

    def keep(self, money: Array, basis: Any) -> None:
        """Remember a basis, the latest first; one of the same direction gives way."""
        others = [kept for kept in self.bases if not np.array_equal(kept[0], money)]
        self.bases = [(money, basis), *others[: MAX_BASES - 1]]


@dataclass(frozen=True)
class CoupledSubproblem(Subproblem):
    """The subproblem of a site with coupled hours: `Subproblem`'s interface, and its arrays of prices and limits.

    A question that was asked before at the same capacities has the same answer, hour by hour, whatever was asked in between.
    """

    problem: Problem
    coupling: Coupling
    open_block: OpenBlock | None
    _programs: dict[int, Program] = field(init=False, default_factory=dict, repr=False, compare=False)
    _memory: dict[int, Memory] = field(init=False, default_factory=dict, repr=False, compare=False)
    _waiting: dict[int, list[Waiting]] = field(init=False, default_factory=dict, repr=False, compare=False)

    @property
    def divisible(self) -> bool:
        """No: among equal splits of a block, which one is found depends on what was solved before it."""
        return False

    def _run(self, capacity: Array, extra: Money | None, out_row: Ints, rows: int) -> tuple[RecourseSolution, Array]:
        shape = (self.blocks, len(self.entries))
        money = self.priced(extra)
        solution = RecourseSolution(np.zeros(shape[0]), *(np.zeros(shape) for _ in range(4)))
        energies = [solution.energy, solution.price_energy, solution.adder_energy]
        if self.market[0].shape[1] > len(energies) - 1:
            energies.append(np.zeros(shape))
            solution = replace(solution, factor_energy=energies[-1])
        mw = np.zeros((shape[1], rows))
        for b in range(self.blocks):
            found, flow = self._block(b, capacity[b], money, out_row[b] >= 0)
            solution.value[b], solution.slope[b] = found.value, found.slope
            for table, energy in zip(energies, found.energy, strict=True):
                table[b] = energy
            if flow is not None:
                mw[:, out_row[b] : out_row[b] + flow.shape[1]] = flow
        return solution, mw

    def _block(self, b: int, capacity: Array, money: Money, wanted: bool) -> tuple[Found, Array | None]:
        memory = self._memory.setdefault(b, Memory())
        here = capacity.tobytes()
        if here != memory.capacity:
            memory.capacity, memory.found = here, {}
        tables = (money.slope_price, money.slope_adder, money.slope_factor)
        slopes = [x[b] for x in tables if x is not None]
        direction = b"".join(x.tobytes() for x in (*slopes, money.base[b]))
        known = memory.found.get(direction)
        if known is not None and not wanted:
            return known, None
        program = self._program(int(self.count[b]))
        hours = self.hours[self.first[b] : self.first[b] + self.count[b]]
        weight = self.weight[self.first[b] : self.first[b] + self.count[b]]
        rows, factor, shift = (x[b][:, None] for x in self.market)
        market = self.profiles[rows, hours] * factor + shift  # (2 or 3, H): grid price, adder, emission factor
        price = money.base[b][:, None] + sum(slope[:, None] * here for slope, here in zip(slopes, market, strict=False))
        rows, factor, shift = (x[b][:, None] for x in self.limit)
        per = self.profiles[rows, hours] * factor + shift
        size = np.abs(market).mean(axis=1)
        typical = np.concatenate([money.slope_price[b] * size[0], money.slope_adder[b] * size[1], money.base[b]])
        basis = known.basis if known is not None else memory.start(typical)
        level = self._level
        flow, slope, basis = program.solve(price / level, per, capacity, self._waits(b), basis)
        slope = slope * level
        memory.keep(typical, basis)
        if known is None:
            energy = np.stack([flow @ weight, *(flow @ (weight * here) for here in market)])
            known = memory.found[direction] = Found(float(slope @ capacity), slope, energy, basis)
        return known, flow if wanted else None

    @cached_property
    def _level(self) -> float:
        """What prices are divided by for a solver that is exact to so much of one."""
        return price_level(self.problem)

    def _program(self, hours: int) -> Program:
        if hours not in self._programs:
            if self.open_block is None:
                raise ValueError("a site with coupled hours needs a solver for its blocks")
            self._programs[hours] = Program(self, hours, self.open_block)
        return self._programs[hours]

    def _waits(self, b: int) -> list[Waiting]:
        if b not in self._waiting:
            s, t = divmod(int(self.origin[b]), self.problem.clock.periods)
            self._waiting[b] = [waiting_of(self.problem, self.site, j, s, t) for j, _ in self.coupling.waiting]
        return self._waiting[b]


def site_subproblem(
    problem: Problem, i: int, rigs: tuple[int, ...], services: tuple[int, ...], open_block: OpenBlock | None = None
) -> Subproblem:
    """The subproblem of site i: a compiled kernel's where every hour stands by itself or a battery alone couples them, else one of blocks.

    Raises ValueError as `coupling_of` does.
    """
    subproblem = make_subproblem(problem, i, rigs, services)
    coupling = coupling_of(problem, i, rigs, services)
    if coupling is None:
        return subproblem
    if coupling.battery is not None and not coupling.waiting and not coupling.ramps:
        own = {f.name: getattr(subproblem, f.name) for f in fields(subproblem)}
        return StorageSubproblem(**own, battery=coupling.battery)
    return couple(problem, subproblem, coupling, open_block)


def couple(problem: Problem, subproblem: Subproblem, coupling: Coupling, open_block: OpenBlock | None) -> CoupledSubproblem:
    """The same prices and limits with coupled hours."""
    own = {f.name: getattr(subproblem, f.name) for f in fields(subproblem)}
    return CoupledSubproblem(**own, problem=problem, coupling=coupling, open_block=open_block)
