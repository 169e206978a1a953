"""Plans side by side: the same measures of each, the difference to the first, and where in the ledger it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.finance.labels import line_label
from optimizer.engine.views.tables import Cell, Table
from optimizer.results.measures import BY_KEY, MEASURES
from optimizer.results.serialise import to_csv, to_json
from optimizer.studies.jobs import Point
from optimizer.text import money, percent

SCHEMA = 1  # of comparison.json
#: instruments and ledger lines that move by no more than this share of the largest objective are left out of sentences
LEAST_SHARE = 1e-4
#: rates above it say no more than that next to nothing was paid in
HIGHEST_RATE_SHOWN = 10.0


@dataclass(frozen=True)
class Comparison:
    """Points of one case, the first the one that others are measured against."""

    case: str
    points: tuple[Point, ...]
    text: tuple[str, ...] = ()  # sentences of a study of its own, behind the account

    @property
    def first(self) -> Point:
        return self.points[0]

    @property
    def solved(self) -> tuple[Point, ...]:
        return tuple(one for one in self.points if one.optimal)

    @property
    def other_futures(self) -> tuple[str, ...]:
        """Names of plans that were made for other scenarios than the first: their numbers are not like for like."""
        return tuple(one.name for one in self.solved if self.first.optimal and one.scenarios != self.first.scenarios)

    def difference(self, one: Point, key: str) -> float | None:
        """The measure less that of the first; None where either has none."""
        mine, first = one.values.get(key), self.first.values.get(key)
        return None if mine is None or first is None else mine - first

    def moved(self, one: Point) -> dict[str, float]:
        """Discounted USD by ledger entry that a plan has more (+) or less than the first, in expectation, largest first.

        They sum to the difference of expected NPV.
        """
        entries = {**self.first.ledger, **one.ledger}
        found = {entry: one.ledger.get(entry, 0.0) - self.first.ledger.get(entry, 0.0) for entry in entries}
        return dict(sorted(found.items(), key=lambda item: -abs(item[1])))

    def instruments(self) -> tuple[str, ...]:
        """Instruments that any plan issues, in the order of the case."""
        names = dict.fromkeys(name for one in self.solved for name in one.raised)
        return tuple(name for name in names if any(abs(one.raised.get(name, 0.0)) > 1.0 for one in self.solved))


def table(comparison: Comparison) -> Table:
    """comparison.csv: a row for each plan and measure."""
    rows: list[tuple[Cell, ...]] = []
    for one in comparison.points:
        for measure in MEASURES:
            value = one.values.get(measure.key)
            rows.append(
                (
                    one.name,
                    one.status,
                    measure.key,
                    measure.unit,
                    value,
                    comparison.difference(one, measure.key) if one.optimal else None,
                )
            )
        for family, unit, values, first in (
            ("raised", "USD", one.raised, comparison.first.raised),
            ("cost", "/year", one.costs, comparison.first.costs),
            ("ledger", "USD", one.ledger, comparison.first.ledger),
            ("capacity", "USD/USD", one.capacity, comparison.first.capacity),
        ):
            rows += [
                (one.name, one.status, f"{family}[{name}]", unit, value, _less(first, name, value))
                for name, value in values.items()
            ]
    return Table(("name", "status", "measure", "unit", "value", "difference"), rows)


def _less(first: Any, name: str, value: float | None) -> float | None:
    other = first.get(name)
    return None if value is None or other is None else value - other


def account(comparison: Comparison) -> dict[str, Any]:
    """comparison.json: what reports and other programs read."""
    return {
        "schema": SCHEMA,
        "case": comparison.case,
        "first": comparison.first.name,
        "same_scenarios": not comparison.other_futures,
        "measures": [{"key": m.key, "label": m.label, "unit": m.unit, "better": m.better} for m in MEASURES],
        "rows": [
            {
                "name": one.name,
                "status": one.status,
                "reasons": list(one.reasons),
                "digest": one.digest,
                "values": one.values,
                "difference": {m.key: comparison.difference(one, m.key) for m in MEASURES} if one.optimal else {},
                "raised": one.raised,
                "costs": one.costs,
                "ledger": one.ledger,
                "capacity": one.capacity,
            }
            for one in comparison.points
        ],
        "account": sentences(comparison),
    }


def as_json(comparison: Comparison) -> str:
    return to_json(account(comparison))


def as_csv(comparison: Comparison) -> str:
    return to_csv(table(comparison))


# ---- in words --------------------------------------------------------------------------------------------------------


def sentences(comparison: Comparison) -> list[str]:
    """Why the plans rank as they do, in sentences with numbers."""
    out = [_failed(one) for one in comparison.points if not one.optimal]
    told = set(comparison.first.notes)  # what holds of the first is not told again of the others
    out += [
        f"{one.name}: {note}." for one in comparison.points for note in one.notes if one is comparison.first or note not in told
    ]
    solved = comparison.solved
    if not solved:
        return out
    if comparison.other_futures:
        names = ", ".join(comparison.other_futures)
        out.append(f"Not like for like: {names} face other scenarios than {comparison.first.name}.")
    ranked = sorted(solved, key=lambda one: -_worth(one))
    best = ranked[0]
    size = max(abs(_worth(one)) for one in solved)
    ties = [one.name for one in ranked[1:] if _worth(best) - _worth(one) <= 1e-9 * size]
    same = f" ({', '.join(ties)}: the same)" if ties else ""
    text = f"{best.name} is worth most: {money(_worth(best))}{same}"
    if (after := next((one for one in ranked if one is not best and one.name not in ties), None)) is not None:
        text += f", {money(_worth(best) - _worth(after))} more than {after.name}, the next"
    out.append(f"{text}. It raises {_mix(best)}.")
    if comparison.first.optimal:
        out += [
            _against(comparison, one)
            for one in solved
            if one is not comparison.first and one.scenarios == comparison.first.scenarios
        ]
    return [*out, *comparison.text]


def _worth(one: Point) -> float:
    value = one.values["objective"]
    assert value is not None
    return value


def _failed(one: Point) -> str:
    told = {"infeasible": "no plan can meet its rules and limits", "unbounded": "something earns without limit"}.get(
        one.status, one.status
    )
    why = f" ({'; '.join(one.reasons)})" if one.reasons else ""
    return f"{one.name} has no plan to compare: {told}{why}."


def _mix(one: Point) -> str:
    """What a plan raises, with what each instrument costs."""
    parts = []
    for name, usd in one.raised.items():
        if abs(usd) > 1.0:
            cost = one.costs.get(name)
            parts.append(f"{money(usd)} by {name}" + (f" at {percent(cost)} a year all in" if cost is not None else ""))
    return ", ".join(parts) or "nothing"


def _against(comparison: Comparison, one: Point) -> str:
    """A plan against the first: what it is worth less, and the largest lines of that."""
    first = comparison.first
    short = _worth(first) - _worth(one)
    size = max(abs(_worth(first)), abs(_worth(one)))
    if abs(short) <= 1e-9 * size:
        return f"{one.name} is worth the same as {first.name}."
    text = f"{one.name} is worth {money(abs(short))} {'less' if short > 0 else 'more'} than {first.name} and raises {_mix(one)}"
    lines = [(entry, usd) for entry, usd in comparison.moved(one).items() if abs(usd) > LEAST_SHARE * size][:4]
    if lines:
        told = ", ".join(f"{line_label(entry)} {'+' if usd > 0 else '-'}{money(abs(usd))}" for entry, usd in lines)
        shift = comparison.difference(one, "expected_npv") or 0.0
        text += f". Its expected NPV is {money(abs(shift))} {'higher' if shift > 0 else 'lower'}: {told}"
    tail = comparison.difference(one, "cvar")
    if tail is not None and abs(tail) > LEAST_SHARE * size:
        text += f"; in the tail {money(abs(tail))} {'better' if tail > 0 else 'worse'}"
    return text + "."


# ---- measures as people read them ------------------------------------------------------------------------------------


def shown(key: str, value: float | None) -> str:
    """A measure on the terminal."""
    unit = BY_KEY[key].unit
    if value is None:
        return "-"
    if unit == "USD":
        return money(value)
    if unit in ("share", "/year"):
        return percent(value) if value <= HIGHEST_RATE_SHOWN else f"> {HIGHEST_RATE_SHOWN:,.0%}"
    return f"{value:,.2f}" if unit == "ratio" else f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.4g}"
