"""Two results side by side: what each is worth, what is decided otherwise, where the difference of value comes from, and the statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.results.report.text import words

#: relative to the larger of two figures: what differs by less is the same
SAME = 1e-9
#: figures of worth -> path in summary.json, unit
WORTH = {
    "objective": (("objective",), "USD"),
    "expected value": (("expected_npv",), "USD"),
    "CVaR": (("cvar",), "USD"),
    "objective by the share": (("per_share", "objective"), "USD/share"),
    "odds of a breach": (("odds", "breach"), "share"),
    "odds of rescue money": (("odds", "rescue"), "share"),
    "odds of a missed payment": (("odds", "missed_payment"), "share"),
    "value after the horizon": (("after_horizon", "present"), "USD"),
    "highest debt": (("kpis", "peak_debt"), "USD"),
    "least cash": (("kpis", "min_cash"), "USD"),
    "cost of all capital": (("capital", "whole"), "share"),
}
#: statements whose lines are added up over dates -> file
STATEMENTS = ("income_statement", "cash_flow")
#: lines that are no flows: adding them up says nothing
STOCKS = ("opening_cash", "closing_cash")


@dataclass(frozen=True)
class Change:
    """One figure in both results; None where one has none. group: worth, decision, value or statement."""

    group: str
    name: str
    unit: str
    first: float | None
    other: float | None

    @property
    def by(self) -> float | None:
        """How much more the other has."""
        return None if self.first is None or self.other is None else self.other - self.first

    @property
    def same(self) -> bool:
        if self.first is None or self.other is None:
            return self.first is self.other
        return abs(self.other - self.first) <= SAME * max(abs(self.first), abs(self.other))


@dataclass(frozen=True)
class Difference:
    """changes: all figures, those of worth first; same_inputs: whether both were solved from the same case, variant and data."""

    first: str
    other: str
    same_inputs: bool
    changes: tuple[Change, ...]

    def of(self, group: str) -> list[Change]:
        return [change for change in self.changes if change.group == group]


def difference(first: Mapping[str, Any], other: Mapping[str, Any]) -> Difference:
    """Of two results as `read_folder.load` gives them. Decisions and statements are expected ones; a decision that one has not made is 0."""
    a, b = first["summary"], other["summary"]
    worth = [Change("worth", name, unit, _at(a, path), _at(b, path)) for name, (path, unit) in WORTH.items()]
    changes = [*[one for one in worth if (one.first, one.other) != (None, None)]]
    changes += _pairs("decision", _decisions(first), _decisions(other))
    changes += _pairs("value", _ledger(a), _ledger(b))
    for name in STATEMENTS:
        changes += _pairs("statement", _lines(first, name), _lines(other, name))
    return Difference(_title(a), _title(b), a["digest"] == b["digest"], tuple(changes))


def _title(summary: Mapping[str, Any]) -> str:
    return f"{summary['case']}, {summary['variant']}" if summary["variant"] else str(summary["case"])


def _at(summary: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    value: Any = summary
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value is None else float(value)


Figures = dict[tuple[str, str], float]


def _pairs(group: str, first: Figures, other: Figures) -> list[Change]:
    """Every figure of either, in the order of the first, then of the other."""
    keys = dict.fromkeys([*first, *other])
    return [Change(group, name, unit, first.get((name, unit), 0.0), other.get((name, unit), 0.0)) for name, unit in keys]


def _decisions(result: Mapping[str, Any]) -> Figures:
    out: Figures = {}
    for one in result["report"]["decisions"]:
        where = f" at {one['where']}" if one["where"] else ""
        key = (f"{one['kind']} {one['what']}".strip() + where, one["unit"])
        out[key] = out.get(key, 0.0) + one["expected"]
    return out


def _ledger(summary: Mapping[str, Any]) -> Figures:
    """What shareholders' expected value is made of: its entries add up to it."""
    return {(words(name), "USD"): float(value) for name, value in ((summary.get("ledger") or {}).get("expected") or {}).items()}


def _lines(result: Mapping[str, Any], name: str) -> Figures:
    """Flows of a statement in all, expected."""
    table = result[name]
    whose = "expected" if (table["scenario"] == "expected").any() else table["scenario"].iloc[0]
    rows = table[(table["scenario"] == whose) & (table["unit"] == "USD") & ~table["line"].isin(STOCKS)]
    totals = rows.groupby("line", sort=False)["value"].sum()
    return {(f"{name.replace('_', ' ')}: {words(str(line))}", "USD"): float(value) for line, value in totals.items()}
