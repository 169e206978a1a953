"""Changes to a case that stay plausible: a slip of units, a duration beyond the horizon, odds of next to nothing, prices below zero.

Each is a function of the case and of chance that answers with settings (`path=value`), or with none where the case has no place for it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from optimizer.case.reading.units import KINDS
from optimizer.case.reading.yaml_tree import Node
from tests.fuzz.paths import at, flow, names, quantity, scalars

Settings = tuple[str, ...]
Mutation = Callable[[Node, random.Random], Settings]
TIMES = ("month", "months", "quarter", "quarters", "year", "years", "hours", "days")
#: the same in front of a unit: 85 USD/MWh, but not USD/USD, which is no money
PRICE = re.compile(r"(?<![\w.])(-?\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?)(\s*)([kMG]?USD|cents?)(?![A-Za-z])(?!/USD)")
POWER = re.compile(r"(?<![\w.])(-?\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?)(\s*)([kG]?W|MW)(?![A-Za-z/])")
ATTAINABLE = (
    "cash",
    "liquidity",
    "total_debt",
    "net_debt",
    "capex",
    "ebitda",
    "cfads",
    "revenue",
    "debt_service",
    "rescue",
)


def figures(case: Node, fits: Callable[[str, float, str], bool]) -> list[tuple[str, float, str]]:
    """(path, number, unit) of the quantities that fit."""
    found = []
    for path, text in scalars(case):
        read = quantity(text)
        if read is not None and fits(path, *read):
            found.append((path, *read))
    return found


def written(number: float, unit: str) -> str:
    return f"{number!r} {unit}".strip()


def _set(path: str, value: Any) -> Settings:
    return (f"{path}={flow(value)}",)


def _one(chance: random.Random, found: Sequence[tuple[str, float, str]]) -> tuple[str, float, str] | None:
    return chance.choice(found) if found else None


def other_unit(case: Node, chance: random.Random) -> Settings:
    """A unit of the same kind with the number left: a slip."""
    one = _one(chance, figures(case, lambda _p, _n, unit: bool(siblings(unit))))
    return () if one is None else _set(one[0], written(one[1], chance.choice(siblings(one[2]))))


def siblings(unit: str) -> list[str]:
    """Units of the same kind."""
    kinds = [kind for kind in KINDS.values() if unit and unit in kind.factors]
    return sorted({name for kind in kinds[:1] for name in kind.factors if name and name != unit})


def duration(case: Node, chance: random.Random) -> Settings:
    """Nothing, one month, beyond the horizon, or longer than any horizon."""
    one = _one(chance, figures(case, lambda path, _n, unit: unit in TIMES[:6] and not path.startswith("horizon")))
    if one is None:
        return ()
    return _set(
        one[0], chance.choice(["0 months", "1 month", "3 months", "13 months", "59 months", "61 months", "30 years", "90 years"])
    )


def date(case: Node, chance: random.Random) -> Settings:
    """The start, before it, the end, after it."""
    found = [path for path, text in scalars(case) if re.fullmatch(r"20\d\d-\d\d", text) and not path.startswith("horizon")]
    if not found:
        return ()
    year = int(str(at(case, "horizon.start") or "2026-01")[:4])
    return _set(
        chance.choice(found),
        f"{year + chance.choice([-2, 0, 0, 1, 2, 3, 5, 6, 12, 40])}-{chance.choice([1, 1, 4, 7, 10, 12]):02d}",
    )


def odds(case: Node, chance: random.Random) -> Settings:
    """One scenario of no, or of next to no, probability; another has the rest."""
    scenarios = at(case, "scenarios")
    if not isinstance(scenarios, dict) or len(scenarios) < 2:
        return ()
    rare, other = chance.sample(sorted(scenarios), 2)
    known = {name: quantity(str(one.get("probability", ""))) for name, one in scenarios.items()}
    if any(one is None for one in known.values()):
        return ()
    share = {name: number * (0.01 if unit == "%" else 1.0) for name, (number, unit) in known.items()}  # type: ignore[misc]
    least = chance.choice([0.0, 1e-12, 1e-9, 1e-6])
    share[other] += share[rare] - least
    share[rare] = least
    return (
        *_set(f"scenarios.{rare}.probability", repr(share[rare])),
        *_set(f"scenarios.{other}.probability", repr(share[other])),
    )


def equal_scenarios(case: Node, chance: random.Random) -> Settings:
    """All scenarios are alike."""
    plain = ("probability", "describe", "follows", "until")
    scenarios = at(case, "scenarios")
    if not isinstance(scenarios, dict):
        return ()
    return _set("scenarios", {name: {key: one[key] for key in plain if key in one} for name, one in scenarios.items()})


def price(case: Node, chance: random.Random) -> Settings:
    """A price of nothing, below it, or sky-high."""
    prices = (
        "USD/MWh",
        "USD/BTC",
        "kUSD/BTC",
        "USD/PH/day",
        "USD/TH",
        "USD/share",
        "MUSD/MW",
        "kUSD/MW",
        "USD/unit",
        "USD/MW/year",
    )
    one = _one(chance, figures(case, lambda _p, _n, unit: unit in prices or unit.startswith(("USD/", "kUSD/", "MUSD/"))))
    return () if one is None else _set(one[0], written(chance.choice([0.0, 1e-9, -1.0, -one[1], 1e6, one[1] * 1e3]), one[2]))


def grid_price(case: Node, chance: random.Random) -> Settings:
    """Power that costs nothing, or pays, in all hours of all sites."""
    out: list[str] = []
    value = chance.choice(["0 USD/MWh", "-20 USD/MWh", "-1e-6 USD/MWh", "5000 USD/MWh"])
    for site in names(case, "sites"):
        if at(case, f"sites.{site}.power.grid.price") is not None:
            out.append(f"sites.{site}.power.grid.price={value}")
    return tuple(out)


def tax(case: Node, chance: random.Random) -> Settings:
    whole = (
        "{rate: 30 %, loss_cap: 0 %}", "{rate: 30 %, losses: 1 GUSD}", "{rate: 25 %, interest_limit: {share: 1e-6 %}}",
        "{rate: 90 %, loss_cap: 50 %, interest_limit: {share: 30 %, ebitda: false}}", "",
    )  # fmt: skip
    rates = ("0 %", "100 %", "99.9 %", "1e-9 %")
    return (chance.choice([*(f"tax.rate={one}" for one in rates), *(f"tax={one}" for one in whole)]),)


def risk(case: Node, chance: random.Random) -> Settings:
    tail = chance.choice(["1e-9", "1e-12", "100 %", "99.9999999 %", "50 %"])
    return (f"objective.tail_probability={tail}", f"objective.risk_weight={chance.choice(['0 %', '100 %', '1e-9', '50 %'])}")


def discount(case: Node, chance: random.Random) -> Settings:
    return (f"objective.discount={chance.choice(['0 %/year', '100 %/year', '1000 %/year', '1e-9 %/year'])}",)


def horizon(case: Node, chance: random.Random) -> Settings:
    """One period, few, or many: 600 only where there are no sites, whose hours would take long."""
    clear = ("horizon.months=", "horizon.quarters=", "horizon.years=", "horizon.end=")
    lengths = [
        "horizon.years=1;horizon.period=year", "horizon.months=6;horizon.period=half-year", "horizon.years=2;horizon.period=quarter",
        "horizon.months=1;horizon.period=month", "horizon.years=40;horizon.period=year", "horizon.years=5;horizon.period=half-year",
        "horizon.years=8;horizon.period=half-year", "horizon.years=10;horizon.period=year", "horizon.years=12;horizon.period=year",
    ]  # fmt: skip
    if not names(case, "sites"):
        lengths += ["horizon.months=600;horizon.period=month", "horizon.years=100;horizon.period=year"] * 2
    length, period = chance.choice(lengths).split(";")
    hours = ("horizon.hours={every: 601}",) if period.endswith("month") and names(case, "sites") else ()
    return (*(one for one in clear if at(case, one[:-1]) is not None), length, period, *hours)


def tiny_rule(case: Node, chance: random.Random) -> Settings:
    """A rule whose right side is next to nothing, or nothing."""
    word, side = chance.choice(ATTAINABLE), chance.choice(["<=", ">="])
    right = chance.choice(["0 USD", "1e-9 USD", "1e-3 USD", "1 USD", "1e-9 * revenue", "1e-12 GUSD"])
    rule: dict[str, Any] = {"name": f"tiny {len(at(case, 'rules') or [])}", "require": f"{word} {side} {right}"}
    if chance.random() < 0.4:
        rule["otherwise"] = {"pay": chance.choice(["1e-9 USD/USD", "0.01 USD/USD", "1 USD/USD", "1e6 USD/USD"])}
    if chance.random() < 0.2:
        rule["expected"] = "true"
    return _set("rules", [*(at(case, "rules") or []), rule])


def all_power(case: Node, chance: random.Random) -> Settings:
    """Every megawatt times a thousand, or a thousandth."""
    return sections(case, POWER, chance.choice([1e3, 1e3, 1e-3]))


def all_money(case: Node, chance: random.Random) -> Settings:
    """Money in cents of today's, or in trillions."""
    return in_other_money(case, chance.choice([1e-6, 1e-2, 1e3, 1e6]))


def in_other_money(case: Node, factor: float) -> Settings:
    """Every amount and price, those of scenarios and of rules too, times a factor."""
    return sections(case, PRICE, factor)


def sections(case: Node, pattern: re.Pattern[str], factor: float) -> Settings:
    """Every text in which the pattern finds (number, blanks, unit), with the number times the factor: whole sections, as scenarios set too."""

    def text(found: re.Match[str]) -> str:
        return f"{float(found[1].replace('_', '')) * factor!r} {found[3]}"

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: each if key in ("name", "describe") else change(each) for key, each in value.items()}
        if isinstance(value, list):
            return [change(each) for each in value]
        return None if value is None else pattern.sub(text, value)

    out: list[str] = []
    for section, node in case.value.items():
        if section not in ("case", "variants", "horizon"):
            before = node.plain()
            after = change(before)
            if after != before:
                out.extend(_set(section, after))
    return tuple(out)


def limit(case: Node, chance: random.Random) -> Settings:
    """A limit, a stock or a supply of nothing, of next to nothing, or without end."""
    ends = (
        ".limit",
        ".now",
        ".supply",
        ".per_date",
        ".mw",
        ".interconnection",
        ".mining_hall",
        ".ai_hall",
        ".cash",
        ".coins",
        ".charge",
        ".energy",
    )
    one = _one(chance, figures(case, lambda path, _n, _u: path.endswith(ends)))
    return (
        ()
        if one is None
        else _set(one[0], written(chance.choice([0.0, 1e-9, 1e-3, one[1] * 1e-6, one[1] * 1e3, one[1] * 1e6]), one[2]))
    )


def share(case: Node, chance: random.Random) -> Settings:
    """A percentage at, or next to, the edge of what it may be."""
    one = _one(chance, figures(case, lambda path, _n, unit: unit == "%" and not path.startswith("scenarios")))
    return () if one is None else _set(one[0], chance.choice(["0 %", "100 %", "1e-9 %", "99.9999999 %", "1e-6 %", "150 %"]))


def rate(case: Node, chance: random.Random) -> Settings:
    """A coupon, a growth, an escalator of nothing or of a usurer."""
    one = _one(chance, figures(case, lambda _p, _n, unit: unit in ("%/year", "bp")))
    if one is None:
        return ()
    return _set(one[0], written(chance.choice([0.0, 1e-9, -one[1], 99.0, 400.0, -99.0]), "bp" if one[2] == "bp" else "%/year"))


def any_figure(case: Node, chance: random.Random) -> Settings:
    """Some figure times a power of ten."""
    one = _one(chance, figures(case, lambda path, _n, _u: not path.startswith(("horizon", "scenarios"))))
    return (
        () if one is None else _set(one[0], written(one[1] * chance.choice([0.0, 1e-9, 1e-3, 0.1, 0.5, 2.0, 10.0, 1e3]), one[2]))
    )


def drop(case: Node, chance: random.Random) -> Settings:
    """Something with a name is taken away."""
    found = [
        f"{section}.{name}="
        for section in ("sites", "rigs", "ai", "financing", "policies", "cash_flows", "projects")
        for name in names(case, section)
    ]
    found += [
        f"{section}="
        for section in ("rules", "policies", "tax", "information", "treasury.rescue", "limits")
        if at(case, section) is not None
    ]
    return (chance.choice(found),) if found else ()


def minimum(case: Node, chance: random.Random) -> Settings:
    """A minimum that is the whole limit, or nearly."""
    held = figures(
        case, lambda path, number, _u: path.startswith(("financing.", "projects.")) and path.endswith(".limit") and number > 0
    )
    one = _one(chance, held)
    if one is None:
        return ()
    return _set(one[0].removesuffix("limit") + "minimum", written(one[1] * chance.choice([1.0, 1.0 - 1e-9, 0.5, 1e-9]), one[2]))


def delay(case: Node, chance: random.Random) -> Settings:
    """What a scenario's site builds is late, or the site itself."""
    sites, scenarios = names(case, "sites"), names(case, "scenarios")
    if not sites:
        return ()
    late = chance.choice(["0 months", "1 month", "7 months", "25 months", "20 years"])
    site = chance.choice(sites)
    if scenarios and chance.random() < 0.5:
        return _set(f"scenarios.{chance.choice(scenarios)}.delay", {f"sites.{site}": late})
    return (f"sites.{site}.delay={late}",)


def information(case: Node, chance: random.Random) -> Settings:
    """All is known at once, never, or at the end."""
    if len(names(case, "scenarios")) < 2 or any(at(case, f"scenarios.{one}.follows") for one in names(case, "scenarios")):
        return ()
    return (chance.choice(["information=start", "information=", "information=2028-01", "information=2026-07"]),)


MUTATIONS: tuple[Mutation, ...] = (
    other_unit, other_unit, duration, duration, duration, date, date, odds, equal_scenarios, price, price, grid_price, tax, tax, risk, risk,
    discount, horizon, horizon, tiny_rule, tiny_rule, all_power, all_money, limit, limit, limit, share, share, rate, any_figure, any_figure,
    drop, minimum, delay, information,
)  # fmt: skip
