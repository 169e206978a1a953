"""Rules of a case and covenants of its instruments, compiled to rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from models.problem import Array, Debt, Market, Mask, Rule
from models.rules.functions import first_dates
from models.rules.language import WORDS, CompiledRule, RuleError, compile_rule, vocabulary
from optimizer.case.arrays.frame import Frame
from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.scalar_places import place_in
from optimizer.case.reading.timeline import Timeline
from optimizer.case.reading.units import UnitError, kind_of, parse_quantity, split
from optimizer.case.reading.yaml_tree import Node
from optimizer.case.schema.case_model import CaseModel
from optimizer.case.schema.financing import DebtTerms, Equity, RuleTerms, SharesTerms

#: units that a number inside a sentence may have; the first that reads it counts
UNITS = (
    "USD", "MW", "MWh", "BTC", "PH/s", "1", "hours", "months", "USD/year", "USD/MWh", "USD/BTC", "USD/MW", "USD/PH/day",
    "1/year", "units", "USD/USD", "USD/MW/year", "t", "t/MWh",
    "USD/t", "t/year", "MWh/year", "shares",
)  # fmt: skip


@dataclass(frozen=True)
class SourcedRule:
    """A rule of the case, where its sentence stands, and the instrument whose covenant it is.

    site: the one that [site] stands for. policy: whose sentence it is, if it is one of a policy, at whose `type` it stands then.
    """

    terms: RuleTerms
    sentence: Node
    where: str
    owner: str | None = None
    site: str | None = None
    policy: str | None = None

    @property
    def name(self) -> str:
        return self.terms.name if self.site is None else f"{self.terms.name}, {self.site}"

    def place(self, column: int, sources: Mapping[str, str] | None = None) -> Place:
        """The place of a column (from 0) of the sentence, in a file whose text is among the sources."""
        if self.policy is not None:
            return self.sentence.place
        return place_in(self.sentence, column, (sources or {}).get(self.sentence.place.file))


def quantity(text: str) -> tuple[float, str] | float:
    """A number with a unit inside a sentence, and its canonical unit."""
    for unit in sorted(UNITS, key=lambda unit: not _knows(unit, text)):  # common writings first: they need no unit library
        try:
            value = parse_quantity(text, unit)
        except UnitError:
            continue
        # Rates multiply what they stand before; only what rules can compare, and the times of functions, keep their unit.
        return (value, unit) if unit in ("USD", "MW", "MWh", "BTC", "PH/s", "t", "months", "shares") else value
    parse_quantity(text, "USD")  # its message says what is wrong
    raise UnitError(f'"{text}" is not a quantity')  # pragma: no cover


def _knows(unit: str, text: str) -> bool:
    """Whether the quantity is written in a usual unit of this kind."""
    kind = kind_of(unit)
    try:
        return split(text, kind)[1] in kind.factors
    except UnitError:
        return False


def words(
    model: CaseModel, goods: Iterable[str] | None = None, more: Mapping[str, Iterable[str]] | None = None
) -> dict[str, frozenset[str] | None]:
    """The words that rules of this case may use, with their arguments.

    more: section -> names besides those of the model. Of an instrument among them it is not known what it is: any will do.
    """
    if goods is None:
        goods = [good for project in model.projects.values() for good in project.provides]
    also = {section: list(names) for section, names in (more or {}).items()}
    paper = also.get("financing", [])
    return vocabulary(
        debts=[*(name for name, one in model.financing.items() if isinstance(one, DebtTerms)), *paper],
        equities=[*(name for name, one in model.financing.items() if isinstance(one, SharesTerms)), *paper],
        sales=[*(name for name, one in model.financing.items() if isinstance(one, SharesTerms) and _to_new_holders(one)), *paper],
        rigs=[*model.rigs, *also.get("rigs", [])],
        sites=[*model.sites, *also.get("sites", [])],
        services=[*model.ai, *also.get("ai", [])],
        projects=[*model.projects, *also.get("projects", [])],
        goods=goods,
    )


def _to_new_holders(terms: SharesTerms) -> bool:
    return not isinstance(terms, Equity) or terms.holders == "new"


@dataclass(frozen=True)
class DataWord:
    """A word that is data: its unit, and what it means at a date."""

    unit: str
    meaning: str


DATA = {
    "overhead_monthly": DataWord("USD/month", "overhead in the period that ends at the date (at the start: the first)"),
    "btc_price": DataWord("USD/BTC", "price of bitcoin at the date"),
    "hashprice": DataWord("USD/PH/day", "hashprice in the period that ends at the date"),
    "share_price": DataWord("USD/share", "share price at the date"),
    "shares": DataWord("shares", "shares outstanding at the start"),
    "opening_cash": DataWord("USD", "cash at the start"),
    "opening_coins": DataWord("BTC", "bitcoin held at the start"),
    "months": DataWord("months", "length of the period that ends at the date"),
    "years": DataWord("years", "time from the start to the date"),
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
        "shares": np.full(shape, market.shares),
        "opening_cash": np.full(shape, frame.base.treasury.cash),
        "opening_coins": np.full(shape, frame.base.treasury.coins),
        "months": np.full(shape, float(frame.timeline.period_months)),
        "years": np.broadcast_to(frame.timeline.years_at_dates, shape),
    }
    if market.share_price is not None and market.follows is None:
        out["share_price"] = market.share_price
    return out


def first_and_full(compiled: CompiledRule, months: int, dates: int) -> tuple[int, int]:
    """(first date at which every term has a value, first at which every function sees all it asks for); the number of dates: at none."""
    clock = months * np.arange(dates)
    both = [first_dates(term, term.word in WORDS and WORDS[term.word].operating, clock) for term in compiled.terms]
    return max(defined for defined, _ in both), max(full for _, full in both)


def dates_of(terms: RuleTerms, compiled: CompiledRule, timeline: Timeline) -> Mask:
    """(D,) the dates that `from`, `until`, `at`, `every` and `years` leave, of those at which the sentence has a value.

    A function that looks back applies where it sees all it asks for; where the rule says `from` or `at`, wherever it has a value.
    """
    count = timeline.periods + 1
    defined, full = first_and_full(compiled, timeline.period_months, count)
    dates = np.arange(count)
    mask = dates >= (full if terms.from_ is None and terms.at is None else defined)
    for d, day in enumerate(timeline.dates):
        if (terms.from_ is not None and day < terms.from_) or (terms.until is not None and day > terms.until):
            mask[d] = False
    if terms.at is not None:
        mask &= np.isin(dates, [count - 1 if isinstance(day, str) else timeline.position(day) for day in terms.at])
    if terms.every != "period":
        length = 12 if terms.every == "year" else 3
        last_month = timeline.first_month + timeline.period_months * dates[1:] - 1
        ends = np.append(np.diff(last_month // length) > 0, True)
        mask &= np.append(False, ends)
    if terms.years is not None:
        mask &= np.isin(timeline.year_of_period[np.maximum(dates - 1, 0)], terms.years)
    return mask


def build_rules(
    frame: Frame, rules: list[SourcedRule], market: Market, overhead: Array, debts: Iterable[Debt], mistakes: Mistakes
) -> tuple[Rule, ...]:
    """The rules of a case as rows. A sentence that only data show to be wrong (a division by 0) is noted."""
    shape = (frame.scenario_count, frame.periods + 1)
    known, data = words(frame.base), data_words(frame, market, overhead)
    completion = {debt.name: debt.completion for debt in debts}
    months = frame.timeline.period_months * np.arange(shape[1])
    out = []
    for rule in rules:
        try:
            compiled = compile_rule(rule.terms.require, known, data, shape, quantity, rule.site)
        except RuleError as problem:
            mistakes.add(rule.place(problem.column, mistakes.sources), rule.where, problem.message, problem.hint)
            continue
        active = np.tile(dates_of(rule.terms, compiled, frame.timeline), (shape[0], 1))
        if rule.terms.scenarios is not None:
            active &= np.array([name in rule.terms.scenarios for name in frame.names])[:, None]
        complete = completion.get(rule.owner or "")
        if rule.terms.after == "completion" and complete is not None:
            active &= months[None, :] > complete[:, None]
        out.append(
            Rule(
                name=rule.name,
                text=rule.terms.require,
                terms=compiled.terms,
                sense=compiled.sense,
                constant=compiled.constant,
                active=active,
                penalty=None if rule.terms.otherwise is None else rule.terms.otherwise.pay.usd,
                source=str(rule.place(0)),
                owner=rule.owner,
                expected=rule.terms.expected,
                path=rule.where.removesuffix(".require"),
                unit=_compared(compiled, rule.terms),
                moved=compiled.moved,
                moved_constant=compiled.moved_constant,
            )
        )
    return tuple(out)


def _compared(compiled: CompiledRule, terms: RuleTerms) -> str | None:
    """What a sentence compares; where its words leave it open, what a breach is paid by; None where neither says."""
    if compiled.unit not in (None, "1"):
        return compiled.unit
    if terms.otherwise is None:
        return None
    paid = terms.otherwise.pay.unit
    return {"share": "shares", "unit": "units"}.get(paid, paid)
