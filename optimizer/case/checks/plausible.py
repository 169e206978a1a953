"""What is valid and looks like a slip: a coupon of 712 % a year, a price of power in USD/kWh, a date of information after the horizon.

Values are compared with what was ever seen, and the doubt says by whom. The ranges are wide on purpose: what lies outside of them is
nearly always a slip of unit or of digits. Who means it names the path in `case.meant`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.problem import Array, Clock, Debt, Hourly, Problem, Service, Site
from optimizer.case.reading.yaml_tree import Node
from optimizer.engine.views.builds import BUILDS


@dataclass(frozen=True)
class Range:
    """What was ever seen of a quantity: low to high, in `unit`, which is `size` units of the problem; by whom, and a slip that explains
    what lies below or above."""

    low: float
    high: float
    unit: str
    size: float
    seen: str
    below: str = ""
    above: str = ""


FILINGS = "filings of Bitcoin miners and data centres, 2021 to 2026, not verified one by one"
POWER = "yearly means of ERCOT, NYISO, PJM, CAISO 2020 to 2024 and of France 2022"
RIGS = "price lists and orders of rigs, 2019 to 2026"
NETWORK = "difficulty, price and subsidy, 2016 to 2026"

HASHPRICE = Range(10.0, 4_000.0, "USD/PH/day", 1.0, f"28 to 3,200 ({NETWORK})", "a price per TH?", "a price per EH?")
COIN = Range(400.0, 2e6, "USD/BTC", 1.0, "430 to 126,000 (2016 to 2026)")
COUPON = Range(0.0, 0.25, "%/year", 0.01, f"0 to 20 ({FILINGS})", above="a share written as percent twice?")
OWNERS = Range(0.02, 0.60, "%/year", 0.01, "8 to 30 (cost of equity of miners, analysts' notes, not verified)")
ISSUE_PRICE = Range(0.70, 1.05, "% of face", 0.01, f"90 to 101 ({FILINGS})")
FEE = Range(0.0, 0.12, "% of face", 0.01, f"0 to 6 ({FILINGS})")
TAX = Range(0.0, 0.60, "%", 0.01, "0 to 45 (statutory rates of companies)")
RENT = Range(0.2e6, 8e6, "MUSD/MW/year", 1e6, f"1.0 to 2.6 ({FILINGS})", "a rent by the month?", "a rent of several years?")
RENT_WITH_GPUS = Range(
    1e6,
    40e6,
    "MUSD/MW/year",
    1e6,
    f"5 to 15 with the equipment in it ({FILINGS})",
    "a rent by the month?",
    "a rent of several years?",
)
CLOUD = Range(50.0, 20_000.0, "USD/MWh", 1.0, f"400 to 4,000 ({FILINGS})", "a price per kWh?", "a price per GPU-year?")
GRID = Range(5.0, 400.0, "USD/MWh", 1.0, f"22 to 276 ({POWER})", "a price in USD/kWh?", "a price in cents?")
HASHRATE_PRICE = Range(0.5, 250.0, "USD/TH", 1.0, f"1 to 120 ({RIGS})", "a price per GH?", "a price per rig?")
EFFICIENCY = Range(
    4.0, 150.0, "J/TH", 1.0, f"9.5 to 100 ({RIGS})", "a rig of the years to come?", "watts and hashrate of different rigs?"
)
HALLS = {
    "expand": Range(0.0, 3e6, "MUSD/MW", 1e6, f"0.05 to 1.5 ({FILINGS})", above="a cost of all megawatts?"),
    "build_mining": Range(0.02e6, 4e6, "MUSD/MW", 1e6, f"0.2 to 1.0 ({FILINGS})", "a cost per kW?", "a cost of all megawatts?"),
    "build_ai": Range(0.5e6, 60e6, "MUSD/MW", 1e6, f"6 to 15 ({FILINGS})", "a cost per kW?", "a cost of all megawatts?"),
    "convert": Range(0.2e6, 60e6, "MUSD/MW", 1e6, f"5 to 12 ({FILINGS})", "a cost per kW?", "a cost of all megawatts?"),
}
UPTIME = Range(0.5, 1.0, "%", 0.01, f"85 to 99 ({FILINGS})", "a share of downtime?")
GROSS = Range(1.0, 2.0, "MW at the meter per critical MW", 1.0, "1.05 to 1.6 (data centres)")
SITE_MW = Range(0.0, 10_000.0, "MW", 1.0, f"5 to 2,000 ({FILINGS})", above="kW taken for MW?")


@dataclass(frozen=True)
class Doubt:
    """What looks like a slip: the path of the value, and a sentence that names it."""

    path: str
    text: str


def doubts(problem: Problem, tree: Node | None = None) -> tuple[Doubt, ...]:
    """What looks like a slip and is not named in `case.meant`. tree: the case as it is written; None: nothing is known of that."""
    found = [Doubt(path, _sentence(path, worst, seen)) for path, worst, seen in _outliers(problem)]
    found += [*_rigs_without_halls(problem), *_never_known(problem, tree), *_never_parts(problem, tree)]
    meant = {str(node.value) for node in _below(tree, "case", "meant") or () if node.kind == "scalar"}
    return tuple(one for one in found if one.path not in meant)


def _below(node: Node | None, *keys: str) -> Node | None:
    """What a tree has under plain keys."""
    for key in keys:
        node = node.get(key) if node is not None else None
    return node


def _outliers(problem: Problem) -> Iterator[tuple[str, float, Range]]:
    """(path, value farthest out, what was seen) of every value outside of its range."""
    for path, values, seen in _quantities(problem):
        if (worst := _outside(values, seen)) is not None:
            yield path, worst, seen


def _quantities(problem: Problem) -> Iterator[tuple[str, Array | float, Range]]:
    """(path, values, what was seen of them), in the order of a case."""
    yield "objective.discount", problem.objective.discount, OWNERS
    market = problem.market
    if market.hashprice.size and problem.rigs:
        yield "market.hashprice", market.hashprice, HASHPRICE
        yield "market.btc_price", market.btc_price, COIN
    if problem.tax is not None:
        yield "tax.rate", problem.tax.rate, TAX
    for site in problem.sites:
        yield from _of_site(problem.clock, site)
    for rig in problem.rigs:
        if rig.density > 0.0:
            yield f"rigs.{rig.name}", 1000.0 / rig.density, EFFICIENCY
            if rig.limit > 0.0 and rig.window.any():
                ordered = rig.price[:, rig.window[: rig.price.shape[1]]]
                yield f"rigs.{rig.name}.price", ordered / (1000.0 * rig.density), HASHRATE_PRICE
        yield f"rigs.{rig.name}.uptime", rig.uptime, UPTIME
    for service in problem.services:
        yield from _of_service(service)
    for debt in problem.debts:
        yield from _of_debt(debt)


def _of_site(clock: Clock, site: Site) -> Iterator[tuple[str, Array | float, Range]]:
    place = f"sites.{site.name}"
    yield f"{place}.interconnection.now", site.interconnection_mw, SITE_MW
    yield f"{place}.gross_ratio", site.gross_ratio, GROSS
    if site.grid is not None:
        yield f"{place}.power.grid.price", _means(clock, site.grid.price), GRID
    for block in site.blocks:
        yield f"{place}.power.blocks.{block.name}.price", block.price, GRID
    for key, build in BUILDS.items():
        terms = getattr(site, key)
        if terms is not None and terms.limit > 0.0 and terms.window.any() and key in HALLS:
            yield f"{place}.{build.place}.cost", terms.cost[:, terms.window[: terms.cost.shape[1]]], HALLS[key]


def _of_service(service: Service) -> Iterator[tuple[str, Array | float, Range]]:
    if service.limit > 0.0 or service.contracted.any():
        if service.kind == "lease":
            yield f"ai.{service.name}.rent", service.rate, RENT if service.equipment is None else RENT_WITH_GPUS
        else:
            yield f"ai.{service.name}.price", service.rate, CLOUD


def _of_debt(debt: Debt) -> Iterator[tuple[str, Array | float, Range]]:
    if debt.limit <= 0.0 and debt.existing <= 0.0:
        return
    yield f"financing.{debt.name}.coupon", debt.rate, COUPON
    if debt.limit > 0.0:
        yield f"financing.{debt.name}.price", debt.price, ISSUE_PRICE
        yield f"financing.{debt.name}.fee", debt.fee, FEE


def _means(clock: Clock, price: Hourly) -> Array:
    """(S,) mean over the years of the mean price of a year's hours."""
    yearly = np.array([price.profiles[row].mean() for row in range(len(price.profiles))])
    by_period = yearly[price.which][:, None] * price.factor + price.shift
    return np.asarray(by_period @ (clock.hours / clock.hours.sum()))


def _outside(values: Array | float, seen: Range) -> float | None:
    """The value farthest outside the range; None where all lie in it. Steps of rounding are inside."""
    flat = np.ravel(np.asarray(values, dtype=float))
    flat = flat[
        np.isfinite(flat) & (flat != 0.0)
    ]  # nothing is a statement of its own: no discount, a scenario in which nobody pays
    if not flat.size:
        return None
    low, high = float(flat.min()), float(flat.max())
    room = 1e-9 * max(abs(seen.low), abs(seen.high))
    if high > seen.high + room:
        return high
    return low if low < seen.low - room else None


def _sentence(path: str, value: float, seen: Range) -> str:
    slip = seen.above if value > seen.high else seen.below
    told = f"{path} is {value / seen.size:,.4g} {seen.unit}; seen were {seen.seen}"
    return f"{told}: {slip}" if slip else told


def _rigs_without_halls(problem: Problem) -> Iterator[Doubt]:
    """Rigs that stand at a site at the start and find no hall there."""
    for i, site in enumerate(problem.sites):
        rigs = sum(float(rig.owned[i]) for rig in problem.rigs)
        if rigs > site.mining_mw * (1.0 + 1e-9):
            path = f"sites.{site.name}.mining_hall"
            halls = f"{site.mining_mw:,.4g} MW" if site.mining_mw else "none"
            yield Doubt(
                path,
                f"{path}: rigs of {rigs:,.4g} MW stand there at the start, and mining halls for {halls}: the rest cannot run",
            )


def _never_known(problem: Problem, tree: Node | None) -> Iterator[Doubt]:
    """A date of information after the horizon's end."""
    stated = _below(tree, "information")
    if stated is None or stated.kind != "scalar" or problem.scenarios.count < 2:
        return
    decided = problem.scenarios.node
    free = [s for s, name in enumerate(problem.scenarios.names) if _below(tree, "scenarios", name, "follows") is None]
    if len(free) > 1 and (decided[free] == decided[free[0]]).all():
        yield Doubt(
            "information",
            f"information is {stated.value}, after the horizon's end: scenarios never part, and one plan has to do for all",
        )


def _never_parts(problem: Problem, tree: Node | None) -> Iterator[Doubt]:
    """A scenario that is to follow another and never does, or that is to part from it and never does."""
    names = problem.scenarios.names
    node = problem.scenarios.node
    for s, name in enumerate(names):
        other, until = _below(tree, "scenarios", name, "follows"), _below(tree, "scenarios", name, "until")
        if other is None or until is None or other.kind != "scalar" or other.value not in names:
            continue
        same = node[s] == node[names.index(other.value)]
        if not same[0]:
            path = f"scenarios.{name}.until"
            yield Doubt(path, f"{path} is {until.value}, not after the start: {name} never follows {other.value}")
        elif same.all():
            path = f"scenarios.{name}.until"
            yield Doubt(path, f"{path} is {until.value}, after the horizon's end: {name} never parts from {other.value}")
