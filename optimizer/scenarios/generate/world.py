"""All drivers together: futures drawn from a start, and from a month of one of them on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optimizer.scenarios.generate.ai import Late, Level, Tenancy, Wander, draw_late, draw_level, draw_tenancy, draw_wander
from optimizer.scenarios.generate.calibration import Calibration
from optimizer.scenarios.generate.network import Beliefs, Paths, Start, Traits, draw_network, draw_traits
from optimizer.scenarios.generate.response import LAG
from optimizer.scenarios.generate.streams import RandomSeed, digest

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class World:
    """What is drawn: the network from `start`, over `months`; by name what clouds are paid, tenants of leases, power prices, late builds."""

    known: Calibration
    start: Start
    months: int
    beliefs: Beliefs = field(default_factory=Beliefs)
    clouds: dict[str, Wander] = field(default_factory=dict)
    leases: dict[str, Tenancy] = field(default_factory=dict)
    power: dict[str, Level] = field(default_factory=dict)
    late: dict[str, Late] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Futures:
    """N paths. series: driver -> (N, months + 1) at the first of months: those of the network in their units, the others as factors on what
    holds at date 0; late: site -> (N,) months. The rest is what a path needs to go on: base_hashprice, height, void, traits."""

    series: dict[str, Array]
    late: dict[str, Array]
    base_hashprice: Array
    height: Array
    void: dict[str, Array]
    traits: Traits

    @property
    def count(self) -> int:
        return len(self.height)

    def only(self, row: int) -> Futures:
        """One path by itself, without the memory of the others."""

        def cut(values: dict[str, Array]) -> dict[str, Array]:
            return {name: one[row : row + 1].copy() for name, one in values.items()}

        return Futures(
            cut(self.series), cut(self.late), self.base_hashprice[row : row + 1].copy(), self.height[row : row + 1].copy(),
            cut(self.void), self.traits.repeated(row, 1),
        )  # fmt: skip

    def digests(self) -> dict[str, str]:
        late = {f"delay.{name}": values for name, values in self.late.items()}
        return {name: digest(values) for name, values in {**self.series, **late}.items()}


def draw(world: World, seed: int, paths: int) -> Futures:
    """Independent paths from date 0."""
    traits = draw_traits(world.known.posterior, world.beliefs, seed, paths)
    network = draw_network(world.start, world.known.moves, traits, seed, world.months)
    late = {name: draw_late(of, f"delay.{name}", seed, paths) for name, of in world.late.items()}
    return _joined(world, network, traits, late, seed, None)


def go_on(world: World, seed: int, way: tuple[int, ...], of: Futures, row: int, month: int, paths: int) -> Futures:
    """Paths that are one path of `of` up to `month`, and go on by themselves. `way` tells nodes of a tree apart."""
    begun = of.traits.repeated(row, paths)
    key = (seed, *way)
    earned = np.log(of.base_hashprice[row])
    before = tuple(float(earned[month - lag]) for lag in range(1, min(LAG, month + 1)))
    start = Start(
        world.start.month + month,
        float(of.series["btc_price"][row, month]),
        float(of.series["network_hashrate"][row, month]),
        float(of.height[row, month]),
        float(of.series["transaction_fees"][row, month]),
        before + world.start.before[: LAG - 1 - len(before)],
    )
    network = draw_network(start, world.known.moves, begun, key, world.months - month, float(of.base_hashprice[row, 0]))
    late = {name: np.full(paths, values[row]) for name, values in of.late.items()}
    return _joined(world, network, begun, late, key, (of, row, month))


def _joined(
    world: World, network: Paths, traits: Traits, late: dict[str, Array], seed: RandomSeed, past: tuple[Futures, int, int] | None
) -> Futures:
    """With the past of the path that they go on from in front."""
    paths = len(traits.drift)
    shape = (paths, world.months - (0 if past is None else past[2]))

    def begun(name: str) -> float:
        return 1.0 if past is None else float(past[0].series[name][past[1], past[2]])

    def whole(values: Array, before: Array | None) -> Array:
        if past is None or before is None:
            return values
        return np.concatenate([np.tile(before[past[1], : past[2]], (paths, 1)), values], axis=1)

    series = network.arrays()
    void: dict[str, Array] = {}
    for name, wander in world.clouds.items():
        series[f"ai.{name}"] = draw_wander(wander, f"ai.{name}", seed, shape, begun(f"ai.{name}"))
    for name, level in world.power.items():
        series[f"power.{name}"] = draw_level(level, f"power.{name}", seed, shape, begun(f"power.{name}"))
    for name, tenancy in world.leases.items():
        state = (1.0, 0) if past is None else _tenancy_at(past[0], name, past[1], past[2], tenancy)
        series[f"ai.{name}"], void[name] = draw_tenancy(tenancy, f"ai.{name}", seed, shape, state)
    old = None if past is None else past[0]
    return Futures(
        {name: whole(values, None if old is None else old.series[name]) for name, values in series.items()},
        late,
        whole(network.base_hashprice, None if old is None else old.base_hashprice),
        whole(network.height, None if old is None else old.height),
        {name: whole(values, None if old is None else old.void[name]) for name, values in void.items()},
        traits,
    )


def _tenancy_at(of: Futures, name: str, row: int, month: int, tenancy: Tenancy) -> tuple[float, int]:
    """The share of the rent of the last tenant, in a void of the next one, and months of void left."""
    left = int(of.void[name][row, month])
    paid = of.series[f"ai.{name}"][row, : month + 1]
    if left == 0:
        return float(paid[-1]), 0
    before = paid[paid > 0]
    return (float(before[-1]) if before.size else 1.0) * tenancy.relet, left
