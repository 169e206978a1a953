"""Pairs of cases of which the better one is known: the same question otherwise put, a tighter one, one with another choice.

Each is a function of the case and of chance that answers with a Pair, or with None where the case has no place for it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from optimizer.case.reading.units import KINDS
from optimizer.case.reading.yaml_tree import Node
from tests.fuzz.paths import at, flow, names, quantity
from tests.fuzz.plausible import Settings, figures, in_other_money, siblings

SAME, NEVER_BETTER, NEVER_WORSE = "the same", "never better", "never worse"


@dataclass(frozen=True)
class Pair:
    """The other case: settings on top, or sections in another order; or the same case solved in another way (`how`: options of `solve`).

    relation: of its objective to `times` that of the first. strict: it must be valid where the first is.
    """

    name: str
    relation: str
    settings: Settings = ()
    order: tuple[str, ...] = ()
    how: tuple[tuple[str, Any], ...] = ()
    times: float = 1.0
    strict: bool = False


Identity = Callable[[Node, random.Random], Pair | None]
SECTIONS = ("scenarios", "sites", "rigs", "ai", "financing", "cash_flows", "projects", "policies")


def in_another_unit(case: Node, chance: random.Random) -> Pair | None:
    """Some quantities written in another unit."""
    held = figures(case, lambda path, _n, unit: "%" not in unit and bool(siblings(unit)) and not path.startswith("horizon"))
    settings: list[str] = []
    for path, _, unit in chance.sample(held, min(len(held), 4)):
        factors = next(kind.factors for kind in KINDS.values() if unit in kind.factors)
        other = chance.choice([one for one in siblings(unit) if "%" not in one])
        found = quantity(str(at(case, path)))
        number = Fraction(re.match(r"[-+.\deE_]+", str(at(case, path)).strip())[0].replace("_", "")) if found else Fraction(0)  # type: ignore[index]
        number *= Fraction(repr(float(factors[unit]))) / Fraction(repr(float(factors[other])))
        settings.append(f"{path}={float(number)!r} {other}")
    return Pair("written in other units", SAME, tuple(settings)) if settings else None


def other_money(case: Node, chance: random.Random) -> Pair | None:
    factor = chance.choice([1e-2, 1e2, 1e3])
    return Pair(f"money x {factor:g}", SAME, in_other_money(case, factor), times=factor)


def halved(case: Node, chance: random.Random) -> Pair | None:
    """A scenario that no other follows becomes two that are alike; who names it in a rule names both.

    The half of one that is followed would part from its follower sooner than the whole did, and know more.
    """
    scenarios = at(case, "scenarios")
    if not isinstance(scenarios, dict):
        return None
    followed = {one["follows"] for one in scenarios.values() if "follows" in one}
    found = [name for name, one in scenarios.items() if name not in followed and (not followed or "follows" in one)]
    if not found:
        return None
    whole = chance.choice(found)
    share = quantity(str(scenarios[whole].get("probability", "")))
    if share is None:
        return None
    half = f"{share[0] / 2!r} {share[1]}".strip()
    split: dict[str, Any] = {}
    for name, one in scenarios.items():
        split[name] = {**one, "probability": half} if name == whole else one
        if name == whole:
            split["its half"] = {**one, "probability": half}
    settings = [f"scenarios={flow(split)}"]

    def both(value: Any) -> Any:
        if isinstance(value, dict):
            named = {key: both(each) for key, each in value.items()}
            if isinstance(value.get("scenarios"), list) and whole in value["scenarios"]:
                named["scenarios"] = [*value["scenarios"], "its half"]
            return named
        return [both(each) for each in value] if isinstance(value, list) else value

    for section in ("rules", "policies", "financing"):
        before = at(case, section)
        if before is not None and both(before) != before:
            settings.append(f"{section}={flow(both(before))}")
    return Pair(f"scenario {whole} in halves", SAME, tuple(settings), strict=True)


def reordered(case: Node, chance: random.Random) -> Pair | None:
    """The names of a section in another order."""
    held = [section for section in SECTIONS if len(at(case, section) or ()) > 1 and isinstance(at(case, section), dict)]
    if not held:
        return None
    section = chance.choice(held)
    items = list(at(case, section).items())
    chance.shuffle(items)
    return Pair(f"{section} in another order", SAME, (f"{section}={flow(dict(items))}",), strict=True)


def sections_reordered(case: Node, chance: random.Random) -> Pair | None:
    order = list(case.value)
    chance.shuffle(order)
    return Pair("sections in another order", SAME, order=tuple(order), strict=True)


def tighter_limit(case: Node, chance: random.Random) -> Pair | None:
    """Less of what may be bought, built, signed or issued; a revolver pays fees on its limit, and a smaller one may be better."""
    revolvers = tuple(
        f"financing.{name}." for name in names(case, "financing") if at(case, f"financing.{name}.type") == "revolver"
    )

    def fits(path: str, number: float, _unit: str) -> bool:
        bought = (
            path.startswith(("financing.", "rigs.", "ai.", "projects.", "sites."))
            and "_budget" not in path
            and "_cap" not in path
        )
        return (
            bought
            and number > 0
            and path.endswith((".limit", ".per_date", ".supply"))
            and not path.startswith(revolvers or ("-",))
        )

    held = figures(case, fits)
    if not held:
        return None
    path, number, unit = chance.choice(held)
    less = chance.choice([0.0, 0.5, 0.9, 1 - 1e-9])
    return Pair(f"{path} times {less:g}", NEVER_BETTER, (f"{path}={number * less!r} {unit}",))


def further_rule(case: Node, chance: random.Random) -> Pair | None:
    require = chance.choice(
        [
            "cash >= 1 MUSD", "cash >= 100 USD", "total_debt <= 50 MUSD", "total_debt <= 1 USD", "capex <= 10 MUSD", "capex <= 0 USD",
            "year(capex) <= 20 MUSD", "net_debt <= 100 MUSD", "liquidity >= 1e-6 * total_debt", "debt_service <= 3 MUSD",
        ]
    )  # fmt: skip
    rule: dict[str, Any] = {"name": "further", "require": require}
    if chance.random() < 0.4:
        rule["otherwise"] = {"pay": chance.choice(["1e-6 USD/USD", "0.1 USD/USD", "10 USD/USD"])}
    return Pair(f"also {require}", NEVER_BETTER, (f"rules={flow([*(at(case, 'rules') or []), rule])}",))


def nothing_more(case: Node, chance: random.Random) -> Pair | None:
    """An instrument, or a rig, of which there is nothing to be had."""
    kinds = {"financing": "0 USD", "rigs": "0 MW", "ai": "0 MW", "projects": "0"}
    held = [(section, name) for section in kinds for name in names(case, section)]
    if not held:
        return None
    section, name = chance.choice(held)
    copy = without_stock(at(case, f"{section}.{name}"))
    copy["limit"] = kinds[section]
    return Pair(f"{section}.{name} again, none to be had", SAME, (f"{section}.again={flow(copy)}",))


def dearer(case: Node, chance: random.Random) -> Pair | None:
    """One more choice, at a worse price, hurts nobody."""
    held = [("financing", name) for name in names(case, "financing")] + [("rigs", name) for name in names(case, "rigs")]
    if not held:
        return None
    section, name = chance.choice(held)
    copy = without_stock(at(case, f"{section}.{name}"))
    if copy.get("type") == "revolver":
        return None
    copy["fee" if section == "financing" else "pool_fee"] = "10 %"
    if section == "rigs":
        copy["limit"] = "5 MW"
    return Pair(f"{section}.{name} again, dearer", NEVER_WORSE, (f"{section}.again={flow(copy)}",))


def without_stock(one: dict[str, Any]) -> dict[str, Any]:
    """What may be had of a thing, without what there is or must be of it, and without what is asked of it."""
    gone = (
        "existing",
        "owned",
        "owned_life",
        "contracted",
        "contracted_term",
        "minimum",
        "covenants",
        "conversion_price",
        "option",
    )
    return {key: value for key, value in one.items() if key not in gone}


def known_later(case: Node, chance: random.Random) -> Pair | None:
    """Less is known: scenarios share decisions for longer."""
    if len(names(case, "scenarios")) < 2:
        return None
    followers = [name for name in names(case, "scenarios") if at(case, f"scenarios.{name}.until")]
    if not followers and at(case, "information") is not None:
        return Pair("scenarios are never known", NEVER_BETTER, ("information=",))
    if not followers:
        return Pair("scenarios are known at once", NEVER_WORSE, ("information=start",))
    one = chance.choice(followers)
    year = int(str(at(case, f"scenarios.{one}.until"))[:4])
    return Pair(f"{one} is known a year later", NEVER_BETTER, (f"scenarios.{one}.until={year + 1}-01",))


def more_fear(case: Node, chance: random.Random) -> Pair | None:
    """The mean of a tail is no more than the mean, and less the smaller the tail."""
    weight = quantity(str(at(case, "objective.risk_weight") or "0 %"))
    if weight is None or weight[1] not in ("%", ""):
        return None
    number = weight[0] * (0.01 if weight[1] == "%" else 1.0)
    if chance.random() < 0.5:
        return Pair("more weight on the tail", NEVER_BETTER, (f"objective.risk_weight={min(number + 0.2, 1.0)!r}",))
    tail = quantity(str(at(case, "objective.tail_probability") or "10 %"))
    if tail is None or tail[1] not in ("%", ""):
        return None
    return Pair("a smaller tail", NEVER_BETTER, (f"objective.tail_probability={tail[0] / 3!r} {tail[1]}".strip(),))


def every_hour_written(case: Node, chance: random.Random) -> Pair | None:
    return Pair("--method extensive", SAME, how=(("method", "extensive"),), strict=True)


def other_path(case: Node, chance: random.Random) -> Pair | None:
    """Another seed of the solver, another algorithm, no presolve."""
    how = chance.choice([(("seed", 7),), (("presolve", False),), (("algorithm", "simplex"),), (("algorithm", "ipm"),)])
    return Pair(f"solved with {how[0][0]} {how[0][1]}", SAME, how=how, strict=True)


IDENTITIES: tuple[Identity, ...] = (
    every_hour_written, every_hour_written, every_hour_written, other_path, in_another_unit, other_money, halved, halved, reordered, reordered,
    sections_reordered, tighter_limit, tighter_limit, further_rule, nothing_more, dearer, known_later, known_later, more_fear,
)  # fmt: skip
