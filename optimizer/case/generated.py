"""`scenarios: {generate: ...}` becomes explicit scenarios: odds, paths, delays, and who follows whom until when.

What is drawn replaces paths of the case from date 0 on: the price of bitcoin, hashprice (in place of the network's hashrate and fees), prices of
rigs, and what `power`, `ai` and `delay` name. Date 0 is the case's own market; where it states none, the last month of the data.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from models.spelling import did_you_mean
from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.dotted_paths import split_path
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.reading.timeline import Timeline, first_of_month
from optimizer.case.reading.yaml_tree import Node, noun
from optimizer.case.schema.case_model import GENERATE, CaseModel
from optimizer.case.schema.field_types import Reading, Section, wrap
from optimizer.case.schema.fleet import Lease
from optimizer.case.schema.generate import Generate
from optimizer.case.validate import tell

if TYPE_CHECKING:
    from optimizer.scenarios.generate.calibration import Data
    from optimizer.scenarios.generate.network import Start
    from optimizer.scenarios.generate.tree import Leaf, Tree
    from optimizer.scenarios.generate.world import Futures, World

Array = NDArray[np.float64]

WHERE = f"scenarios.{GENERATE}"
BRANCHES = (4, 2, 2)
YEAR = 12
MOST_LEAVES = 200


class _Holder(Section):
    """What stands under `scenarios` when they are drawn."""

    generate: Generate


@dataclass(frozen=True, eq=False)
class Generated:
    """What was drawn, and the explicit scenarios that stand for it."""

    given: Generate
    world: World
    tree: Tree
    start: date


def is_generated(tree: Node) -> bool:
    scenarios = tree.get("scenarios")
    return scenarios is not None and GENERATE in scenarios


def drawn_setting(setting: str) -> bool:
    """Whether a setting is of a drawn scenario, such as scenarios.s1-1.scale: to be applied once there are any."""
    parts = split_path(setting.partition("=")[0].strip())
    return len(parts) > 1 and parts[0].text == "scenarios" and parts[1].text != GENERATE


def without_scenarios(tree: Node) -> Node:
    """The tree as if no scenario were given."""
    return Node(
        "map", {k: v for k, v in tree.value.items() if k not in ("scenarios", "information")}, tree.place, tree.key_places
    )


def read_generate(tree: Node, reading: Reading) -> Generate | None:
    """The section, validated; None, with the mistakes noted, where it is none."""
    scenarios, mistakes = tree["scenarios"], reading.mistakes
    place, node = scenarios.key_place(GENERATE), scenarios[GENERATE]
    before = len(mistakes)
    for other in scenarios:
        if other != GENERATE:
            mistakes.add(
                scenarios.key_place(other), f"scenarios.{other}", "scenarios are written, or drawn by `generate`: not both"
            )
    if node.kind != "map":
        mistakes.add(place, WHERE, f"{noun(node)}: expected a mapping", "generate: {} is enough")
        return None
    wrapped = wrap(node, WHERE, mistakes)
    try:
        found = _Holder.model_validate({GENERATE: wrapped}, context=reading).generate
    except ValidationError as error:
        tell(error, tree, mistakes, ("scenarios",))
        return None
    return found if len(mistakes) == before else None


def expanded(
    tree: Node, base: CaseModel, given: Generate, timeline: Timeline, written: CaseModel, reading: Reading
) -> tuple[Node, Generated] | None:
    """The tree with explicit scenarios, and what they stand for; None with the mistakes noted. written: the case whose plans tell futures
    apart."""
    from optimizer.scenarios.generate.tree import Shape

    mistakes = reading.mistakes
    before = len(mistakes)
    keep, stages = _stages(tree, given, timeline, mistakes)
    known = _data(tree, base, given, reading)
    if known is None:
        return None
    world = _world(tree, base, given, timeline, known, mistakes)
    if len(mistakes) > before:
        return None
    grown = _grow(world, _used(written, given), Shape(given.sample, given.seed, keep, stages), written, timeline)
    generated = Generated(given, world, grown, timeline.dates[0])
    explicit = _written(tree, base, timeline, generated, _used(base, given))
    return _meant(explicit, _drawn_paths(base, given)), generated


# --- what is drawn ----------------------------------------------------------------------------------------------------


def _stages(tree: Node, given: Generate, timeline: Timeline, mistakes: Mistakes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(branches, months after date 0)"""
    node = tree["scenarios"][GENERATE]

    def wrong(key: str, message: str, hint: str | None = None) -> None:
        mistakes.add(node.key_place(key), f"{WHERE}.{key}", message, hint)

    horizon = timeline.periods * timeline.period_months
    if "information" in tree:
        place = tree.key_place("information")
        mistakes.add(place, "information", "drawn scenarios become known at `stages`", "leave information out")
    if given.keep is not None and max(given.keep) > given.sample:
        wrong("keep", f"{max(given.keep)} are kept of {given.sample} that are drawn", "keep fewer, or draw more")
    if given.keep is not None and np.prod(given.keep) > MOST_LEAVES:
        wrong("keep", f"{np.prod(given.keep)} scenarios: at most {MOST_LEAVES}")
    if given.stages is None:
        keep = given.keep or BRANCHES
        months = tuple(YEAR * (at + 1) for at in range(len(keep)))
        months = tuple(month for month in months if month < horizon) or (horizon,)
        if given.keep is not None and len(months) < len(keep):
            wrong("keep", f"{len(keep)} stages, a year apart, do not lie within the horizon", "give stages")
            return keep, months
        return keep[: len(months)], months
    stages = tuple(timeline.period_months * timeline.position(day) for day in given.stages)
    keep = given.keep or BRANCHES[: len(stages)]
    if len(keep) != len(stages):
        wrong(
            "keep" if given.keep else "stages", f"{len(keep)} numbers of branches for {len(stages)} stages", "one for each stage"
        )
    if any(late <= early for early, late in pairwise(stages)):
        wrong("stages", "stages lie at different dates, in their order")
    if stages[0] <= 0 or stages[-1] >= horizon:
        first, last = timeline.dates[0], timeline.dates[-1]
        wrong("stages", f"stages lie after the start and before the end of the horizon, {first:%Y-%m} to {last:%Y-%m}")
    return keep, stages


def _data(tree: Node, base: CaseModel, given: Generate, reading: Reading) -> Data | None:
    """What the case's own days of the network say, or those that come with the program; None, with the mistakes noted."""
    from optimizer.case.reading.network_days import read_network
    from optimizer.scenarios.generate.calibration import bundled, from_history
    from optimizer.scenarios.generate.history import monthly

    if base.data.network is None:
        known = bundled()
        if given.until is not None and given.until < known.until:
            place = tree["scenarios"][GENERATE].key_place("until")
            message = f"the data that come with the program end on {known.until}: none end earlier"
            reading.mistakes.add(place, f"{WHERE}.until", message, "data: {network: FILE} gives days of your own")
            return None
        return known
    node = tree["data"]["network"]
    days = read_network(node, "data.network", given.until, reading.files, reading.mistakes)
    if days is None:
        return None
    try:
        return from_history(monthly(days), f"{base.data.network}, {len(days.day):,} days")
    except ValueError as problem:
        reading.mistakes.add(node.place, "data.network", str(problem))
        return None


def _world(tree: Node, base: CaseModel, given: Generate, timeline: Timeline, known: Data, mistakes: Mistakes) -> World:
    from optimizer.scenarios.generate.ai import Late, Level, Tenancy, Wander
    from optimizer.scenarios.generate.calibration import calibrate
    from optimizer.scenarios.generate.network import Beliefs
    from optimizer.scenarios.generate.world import World

    node = tree["scenarios"][GENERATE]

    def wrong(section: str, name: str, message: str, hint: str | None = None) -> None:
        mistakes.add(node[section].key_place(name), f"{WHERE}.{section}.{name}", message, hint)

    clouds, leases = {}, {}
    for name, one in given.ai.items():
        if name not in base.ai:
            wrong(
                "ai", name, f'there is no service "{name}"', did_you_mean(name, list(base.ai), "there are") if base.ai else None
            )
            continue
        lease = isinstance(base.ai[name], Lease)
        kind, foreign = ("lease", ("growth", "volatility")) if lease else ("cloud", ("default", "relet", "void"))
        for key in foreign:
            if getattr(one, key) is not None:
                wrong("ai", name, f"{key} is not of a {kind}", f"leave {key} out")
        if lease:
            leases[name] = Tenancy(_or(one.default, 0.03), _or(one.relet, 0.8), one.void or 9)
        else:
            clouds[name] = Wander(0.0 if one.growth is None else one.growth, _or(one.volatility, 0.2))
    power = {}
    for name, level in given.power.items():
        if name not in base.sites or base.sites[name].power.grid is None:
            sites = [site for site, one in base.sites.items() if one.power.grid is not None]
            wrong(
                "power", name, f'there is no site "{name}" with a grid', did_you_mean(name, sites, "there are") if sites else None
            )
        elif level.typical is not None and float(np.median(_grid_prices(base, name))) <= 0:
            wrong("power", name, "a typical price needs a site whose median hour costs more than nothing", "leave typical out")
        else:
            power[name] = Level(level.spread)
    late = {}
    for path, delay in given.delay.items():
        site = path.removeprefix("sites.")
        if not path.startswith("sites.") or site not in base.sites:
            hint = did_you_mean(path, [f"sites.{one}" for one in base.sites], "there are") if base.sites else None
            wrong("delay", path, f'"{path}" cannot be delayed: only a site can', hint)
        else:
            late[site] = Late(delay.chance, *delay.of)
    calibration = calibrate(known)
    beliefs = Beliefs(given.btc_price.growth, given.btc_price.uncertain)
    months = timeline.periods * timeline.period_months
    return World(calibration, _start(base, timeline, calibration.start), months, beliefs, clouds, leases, power, late)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _grid_prices(base: CaseModel, site: str) -> Array:
    grid = base.sites[site].power.grid
    assert grid is not None
    return grid.price.values


def _start(base: CaseModel, timeline: Timeline, last: Start) -> Start:
    """The case's market at date 0; what it does not state is that of the last month of the data, with the height carried on."""
    from optimizer.scenarios.generate import bitcoin
    from optimizer.scenarios.generate.network import Start

    market = base.market

    def at_start(path: Path | None) -> float | None:
        return None if path is None else float(path.at_dates(timeline)[0])

    days = timeline.dates[0].toordinal() - first_of_month(last.month + 1).toordinal()  # from the day after the last of the data
    height = max(last.height + bitcoin.BLOCKS_PER_DAY * days, 0.0)
    price = at_start(market.btc_price) or last.price
    fees = at_start(market.transaction_fees)
    hashrate = at_start(market.network_hashrate)
    if hashrate is not None:
        hashrate /= 1000.0  # PH/s to EH/s
    elif (hashprice := at_start(market.hashprice)) is not None and hashprice > 0:
        share = 0.012 if fees is None else fees  # what part of it are fees is not stated: those of a quiet month
        whole = bitcoin.BLOCKS_PER_DAY * float(bitcoin.subsidy(height)) * (1.0 + share) * price
        hashrate, fees = whole / hashprice / 1000.0, share
    return Start(timeline.first_month, price, last.hashrate if hashrate is None else hashrate, height, fees)


def _used(base: CaseModel, given: Generate) -> frozenset[str]:
    """The drivers that the case sees."""
    used = {f"ai.{name}" for name in given.ai} | {f"power.{name}" for name in given.power}
    used |= {f"delay.{path.removeprefix('sites.')}" for path in given.delay}
    if base.rigs or base.market.btc_price is not None or base.treasury.coins:
        used.add("btc_price")
    if base.rigs or base.market.hashprice is not None or base.market.network_hashrate is not None:
        used.add("hashprice")
    if base.rigs and given.rig_prices:
        used.add("rig_prices")
    if isinstance(base.company.share_price, Path):
        used.add("share_price")
    return frozenset(used)


def _drawn_paths(base: CaseModel, given: Generate) -> list[str]:
    """The paths of the case that scenarios set, as people write them."""
    used = _used(base, given)
    out = {f"market.{key}" for key in ("btc_price", "hashprice") if key in used}
    out |= {f"rigs.{name}.{key}" for name in base.rigs for key in ("price", "resale_price") if "rig_prices" in used}
    out |= {"company.share_price"} if "share_price" in used else set()
    out |= {f"ai.{name}.{'rent' if isinstance(base.ai[name], Lease) else 'price'}" for name in given.ai}
    return sorted(
        out
        | {f"sites.{name}.power.grid.level" for name in given.power}
        | {f"sites.{name}.power.grid.price" for name in given.power}
    )


#: trees that were grown, by what they hang on: a case is loaded again for each variant and setting
_GROWN: dict[str, Tree] = {}
_MOST_GROWN = 4


def _grow(world: World, used: frozenset[str], shape: object, base: CaseModel, timeline: Timeline) -> Tree:
    from optimizer.case.trial_plans import trial_plans
    from optimizer.scenarios.generate.calibration import as_rows
    from optimizer.scenarios.generate.tree import Shape, grow

    assert isinstance(shape, Shape)
    trials = trial_plans(base, timeline, shape.stages)
    parts = (
        world.start, world.months, world.beliefs, world.clouds, world.leases, world.power, world.late, sorted(used), shape, trials,
        as_rows(world.known.data),
    )  # fmt: skip
    key = hashlib.sha256(repr(parts).encode()).hexdigest()
    if key not in _GROWN:
        while len(_GROWN) >= _MOST_GROWN:
            del _GROWN[next(iter(_GROWN))]
        _GROWN[key] = grow(world, trials.values, used, shape)
    return _GROWN[key]


# --- what is written --------------------------------------------------------------------------------------------------


def _written(tree: Node, base: CaseModel, timeline: Timeline, generated: Generated, used: frozenset[str]) -> Node:
    """The tree with a scenario for each leaf, and a market that gives hashprice."""
    place = tree["scenarios"].key_place(GENERATE)
    grown = generated.tree
    stages = [timeline.dates[stage // timeline.period_months] for stage in grown.stages]
    first: dict[tuple[int, ...], str] = {}  # of the leaves below a node, the one that the others follow
    scenarios = {}
    for leaf in grown.leaves:
        keys = {"probability": _text(f"{100 * leaf.odds!r} %", place), "describe": _text(_described(leaf, timeline), place)}
        for depth in range(len(leaf.way) - 1, 0, -1):  # the closest relative, until the two part
            if leaf.way[:depth] in first:
                keys |= {"follows": _text(first[leaf.way[:depth]], place), "until": _text(f"{stages[depth]:%Y-%m}", place)}
                break
        for depth in range(1, len(leaf.way) + 1):
            first.setdefault(leaf.way[:depth], leaf.name)
        keys["set"] = _set(base, timeline, generated, leaf, used, place)
        late = {f"sites.{site}": int(values[leaf.row]) for site, values in leaf.futures.late.items() if values[leaf.row]}
        if late:
            keys["delay"] = _map({path: _text(f"{months} months", place) for path, months in late.items()}, place)
        scenarios[leaf.name] = _map(keys, place)
    out = {key: value for key, value in tree.value.items() if key not in ("scenarios", "market")}
    places = dict(tree.key_places)
    market = _market(tree, timeline, grown.pool, used, place)
    if len(market):
        out["market"] = market
    out["information"] = _text(f"{stages[0]:%Y-%m}", place) if stages[0] < timeline.dates[-1] else None
    if out["information"] is None:
        del out["information"]
    out["scenarios"] = _map(scenarios, place)
    places.setdefault("market", place)
    places["information"] = place
    return Node("map", out, tree.place, places)


def _meant(tree: Node, paths: list[str]) -> Node:
    """The tree, in which paths that were drawn are named as meant: they may go where nobody has been."""
    place = tree["scenarios"].place
    case = tree.get("case") or _map({}, place)
    if case.kind != "map":
        return tree
    named = list(case.value["meant"].value) if "meant" in case and case["meant"].kind == "list" else []
    meant = Node("list", [*named, *(_text(path, place) for path in paths)], place)
    about = Node("map", {**case.value, "meant": meant}, case.place, {**case.key_places, "meant": place})
    return Node("map", {**tree.value, "case": about}, tree.place, {"case": place, **tree.key_places})


def _text(text: str, place: Place) -> Node:
    return Node("scalar", text, place)


def _map(children: dict[str, Node], place: Place) -> Node:
    return Node("map", children, place, dict.fromkeys(children, place))


def _described(leaf: Leaf, timeline: Timeline) -> str:
    series = leaf.futures.series
    price, hashprice = series["btc_price"][leaf.row, -1], series["hashprice"][leaf.row, -1]
    return f"drawn: {price:,.0f} USD/BTC and {hashprice:,.1f} USD/PH/day at {timeline.dates[-1]:%Y-%m}"


def _market(tree: Node, timeline: Timeline, pool: Futures, used: frozenset[str], place: Place) -> Node:
    """The case's own market without what hashprice stands for; drawn quantities at their medians, which no scenario uses."""
    node = tree.get("market")
    children = {} if node is None else {k: v for k, v in node.value.items() if k not in ("network_hashrate", "transaction_fees")}
    out = Node("map", children, place if node is None else node.place, {} if node is None else dict(node.key_places))
    if "btc_price" in used:
        middle = np.median(pool.series["btc_price"], axis=0)
        out.value["btc_price"] = _at_dates(middle, timeline, "USD/BTC", place)
    if "hashprice" in used:
        out.value["hashprice"] = _over_periods(np.median(pool.series["hashprice"], axis=0), timeline, "USD/PH/day", place)
    return out


def _set(base: CaseModel, timeline: Timeline, generated: Generated, leaf: Leaf, used: frozenset[str], place: Place) -> Node:
    """The paths of one scenario."""
    given, series = generated.given, {name: values[leaf.row] for name, values in leaf.futures.series.items()}
    out: dict[str, Node] = {}
    if "btc_price" in used:
        out["market.btc_price"] = _at_dates(series["btc_price"], timeline, "USD/BTC", place)
    if "hashprice" in used:
        out["market.hashprice"] = _over_periods(series["hashprice"], timeline, "USD/PH/day", place)
    if "rig_prices" in used:
        for name, rig in base.rigs.items():
            for key, path in (("price", rig.price), ("resale_price", rig.resale_price)):
                if path is not None:
                    today = float(path.at_dates(timeline)[0])
                    out[f"rigs.{_quoted(name)}.{key}"] = _at_dates(today * series["rig_prices"], timeline, "USD/TH", place)
    share = base.company.share_price
    if isinstance(share, Path):
        mean = generated.tree.pool.series["share_price"].mean(axis=0)
        stated = np.interp(
            np.arange(len(mean)), timeline.period_months * np.arange(timeline.periods + 1), share.at_dates(timeline)
        )
        out["company.share_price"] = _at_dates(stated * series["share_price"] / mean, timeline, "USD/share", place)
    for name in given.ai:
        service, factor = base.ai[name], _mean_of_periods(series[f"ai.{name}"], timeline)
        if isinstance(service, Lease):
            values, key, unit = service.rent.over_periods(timeline) * factor, "rent", "USD/MW/year"
        else:
            stated = service.price.over_periods(timeline)
            today = float(service.price.at_dates(timeline)[0])
            values, key, unit = (stated if given.ai[name].growth is None else today) * factor, "price", "USD/MWh"
        out[f"ai.{_quoted(name)}.{key}"] = _steps(values, timeline, unit, place)
    for name, drawn in given.power.items():
        grid = base.sites[name].power.grid
        assert grid is not None
        usual = 1.0 if drawn.typical is None else drawn.typical / float(np.median(grid.price.values))
        level = np.ones(timeline.periods) if grid.level is None else grid.level.over_periods(timeline)
        factor = _mean_of_periods(series[f"power.{name}"], timeline)
        out[f"sites.{_quoted(name)}.power.grid.level"] = _steps(usual * level * factor, timeline, "", place)
    return _map(out, place)


def _quoted(name: str) -> str:
    return f'"{name}"' if "." in name else name


def _knots(days: list[date], values: Array, unit: str, interpolate: str, place: Place) -> Node:
    at = {f"{day:%Y-%m}": _text(f"{value:.10g} {unit}".strip(), place) for day, value in zip(days, values.tolist(), strict=True)}
    return _map({"knots": _map(at, place), "interpolate": _text(interpolate, place)}, place)


def _at_dates(monthly: Array, timeline: Timeline, unit: str, place: Place) -> Node:
    """A path through the values at the dates of the case, growing evenly in between."""
    return _knots(timeline.dates, monthly[:: timeline.period_months], unit, "log", place)


def _over_periods(monthly: Array, timeline: Timeline, unit: str, place: Place) -> Node:
    """A path whose value over each period is the mean of its months."""
    return _steps(_mean_of_periods(monthly, timeline), timeline, unit, place)


def _steps(values: Array, timeline: Timeline, unit: str, place: Place) -> Node:
    return _knots(timeline.dates[:-1], values, unit, "step", place)


def _mean_of_periods(monthly: Array, timeline: Timeline) -> Array:
    """(T,) means over periods of values that run evenly from the first of a month to the next."""
    middle = 0.5 * (monthly[1:] + monthly[:-1])
    return np.asarray(middle.reshape(timeline.periods, timeline.period_months).mean(axis=1))
