"""Rules of a case and covenants of its instruments, compiled to rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from models.problem import Array, Market, Rule
from models.rules import RuleError, compile_rule, vocabulary

from .build_frame import Frame
from .diagnostics import Mistakes, Place
from .schema import CaseModel
from .schema_financing import DebtTerms, RuleTerms, SharesTerms
from .units import UnitError, kind_of, parse_quantity, split
from .yamltree import Node

#: units that a number inside a sentence may have; the first that reads it counts
UNITS = (
    "USD", "MW", "MWh", "BTC", "PH/s", "1", "hours", "months", "USD/year", "USD/MWh", "USD/BTC", "USD/MW", "USD/PH/day",
    "1/year", "units", "USD/USD", "USD/MW/year", "t", "t/MWh",
    "USD/t", "t/year", "MWh/year",
)  # fmt: skip


@dataclass(frozen=True)
class SourcedRule:
    """A rule of the case, where its sentence stands, and the instrument whose covenant it is."""

    terms: RuleTerms
    sentence: Node
    where: str
    owner: str | None = None

    def place(self, column: int) -> Place:
        """The place of a column (from 0) of the sentence: exact in a plain scalar on one line, or a quoted one."""
        start = self.sentence.place
        if "\n" in self.terms.require:
            return start
        return replace(start, column=start.column + column + self.sentence.quoted)


def quantity(text: str) -> tuple[float, str] | float:
    """A number with a unit inside a sentence, and its canonical unit."""
    for unit in sorted(UNITS, key=lambda unit: not _knows(unit, text)):  # common writings first: they need no unit library
        try:
            value = parse_quantity(text, unit)
        except UnitError:
            continue
        # Time and rates multiply what they stand before; only what rules can compare keeps its unit.
        return (value, unit) if unit in ("USD", "MW", "MWh", "BTC", "PH/s", "t") else value
    parse_quantity(text, "USD")  # its message says what is wrong
    raise UnitError(f'"{text}" is not a quantity')  # pragma: no cover


def _knows(unit: str, text: str) -> bool:
    """Whether the quantity is written in a usual unit of this kind."""
    kind = kind_of(unit)
    try:
        return split(text, kind)[1] in kind.factors
    except UnitError:
        return False


def words(model: CaseModel, goods: Iterable[str] | None = None) -> dict[str, frozenset[str] | None]:
    """The words that rules of this case may use, with their arguments."""
    if goods is None:
        goods = [good for project in model.projects.values() for good in project.provides]
    return vocabulary(
        debts=[name for name, one in model.financing.items() if isinstance(one, DebtTerms)],
        equities=[name for name, one in model.financing.items() if isinstance(one, SharesTerms)],
        rigs=model.rigs,
        sites=model.sites,
        services=model.ai,
        projects=model.projects,
        goods=goods,
    )


#: words that are data, and what they mean at date d
DATA = {
    "overhead_monthly": "USD a month of overhead, in the period that ends at d (at date 0: the first)",
    "btc_price": "USD/BTC at d",
    "hashprice": "USD/PH/day, in the period that ends at d",
    "share_price": "USD/share at d",
    "months": "months of the period that ends at d",
    "years": "years from date 0 to d",
}


def data_words(frame: Frame, market: Market, overhead: Array) -> dict[str, Array]:
    """The data words, (S, D)."""
    shape = (frame.scenario_count, frame.periods + 1)

    def before(values: Array) -> Array:
        """(S, T) of periods -> (S, D): the period that ends at the date."""
        return np.concatenate([values[:, :1], values], axis=1)

    out = {
        "overhead_monthly": before(overhead) / 12.0,
        "btc_price": market.btc_price,
        "hashprice": before(market.hashprice),
        "months": np.full(shape, float(frame.timeline.period_months)),
        "years": np.broadcast_to(frame.timeline.years_at_dates, shape),
    }
    if market.share_price is not None:
        out["share_price"] = market.share_price
    return out


def build_rules(frame: Frame, rules: list[SourcedRule], market: Market, overhead: Array, mistakes: Mistakes) -> tuple[Rule, ...]:
    shape = (frame.scenario_count, frame.periods + 1)
    known, data = words(frame.base), data_words(frame, market, overhead)
    out = []
    for rule in rules:
        try:
            compiled = compile_rule(rule.terms.require, known, data, shape, quantity)
        except RuleError as problem:
            mistakes.add(rule.place(problem.column), rule.where, problem.message, problem.hint)
            continue
        active = np.ones(shape, dtype=bool)
        if compiled.operating:
            active[:, 0] = False
        for d, day in enumerate(frame.timeline.dates):
            if (rule.terms.from_ is not None and day < rule.terms.from_) or (
                rule.terms.until is not None and day > rule.terms.until
            ):
                active[:, d] = False
        if rule.terms.scenarios is not None:
            active &= np.array([name in rule.terms.scenarios for name in frame.names])[:, None]
        out.append(
            Rule(
                name=rule.terms.name,
                text=rule.terms.require,
                terms=compiled.terms,
                sense=compiled.sense,
                constant=compiled.constant,
                active=active,
                penalty=None if rule.terms.otherwise is None else rule.terms.otherwise.pay,
                source=str(rule.place(0)),
                owner=rule.owner,
            )
        )
    return tuple(out)
