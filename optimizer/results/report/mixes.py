"""Plans side by side: the mixes of `compare`, and the frontier of return against tail risk.

A comparison is a list of rows (or {"rows": [...]}), one a variant, in the order in which they are shown:

    {"name": "no_debt", "objective": 1.0e7, "expected_npv": 1.2e7, "cvar": 4.0e6, "var": ..., "irr": 0.18, "moic": 1.4, "peak_debt": 0.0,
     "capex": ..., "dscr_min": ..., "sources": {"notes": 5.0e7, "owners": 2.0e7}, "reason": ""}

A frontier is a list of points (or {"points": [...]}), in the order in which they are joined:

    {"weight": 0.3, "objective": 1.0e7, "expected_npv": 1.2e7, "cvar": 4.0e6, "var": ..., "peak_debt": ...}

Amounts are USD; irr and weight are shares (0.18 is 18 %). `name` (a point may go without: its weight names it) is needed; every other
number may be null or missing (a variant without a plan has a `reason`), and other keys with numbers become columns of the table.
`sources` is what investors pay in over the horizon, expected, by instrument. What `wattfolio compare` and `wattfolio frontier`
write is read as it is: there a row has its numbers in `values`, what it raises in `raised`, and why it has no plan in `reasons`;
`account` says in sentences how the plans rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from optimizer.results.measures import BY_KEY
from optimizer.results.report.charts import Series, curve, dumbbells, few, figure, series_legend, stacked_rows
from optimizer.results.report.tables import Cell, quantity, share, table, times, usd
from optimizer.results.report.text import digits, percent, words

#: known columns in their order: key -> (heading, how it is shown)
COLUMNS = {
    "objective": ("objective", usd), "expected_npv": ("expected value", usd), "cvar": ("CVaR", usd), "var": ("VaR", usd),
    "irr": ("IRR", share), "moic": ("MOIC", times), "capex": ("capex", usd), "equity": ("equity", usd), "debt": ("debt", usd),
    "peak_debt": ("peak debt", usd), "min_cash": ("least cash", usd), "dscr_min": ("least DSCR", times),
    "cost_of_capital": ("cost of capital", share), "rescue": ("rescue", usd), "weight": ("weight of CVaR", share),
    "gap": ("gap", lambda v: Cell("–" if v is None else f"{v:.1e}", v)),
}  # fmt: skip
TEXTS = ("name", "reason", "sources", "scenario", "variant", "label", "digest", "status")


class MixError(Exception):
    """A comparison or frontier cannot be shown: what is wrong, in a sentence."""


def rows_of(given: Any, what: str, key: str) -> list[dict[str, Any]]:
    """The rows of a list, or of {key: list}. Raises MixError where they are not as the module says."""
    listed = given.get(key, given.get("rows")) if isinstance(given, dict) else given
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise MixError(f'a {what} is a list of rows, or {{"{key}": [...]}}')
    out = []
    for n, row in enumerate(map(_flat, listed)):
        name = row.get("name") or row.get("variant") or row.get("label")
        if name is None and isinstance(row.get("weight"), (int, float)):
            name = f"weight {digits(float(row['weight']))}"
        if name is None:
            raise MixError(f"row {n + 1} of the {what} has no name")
        for field, value in row.items():
            if field in COLUMNS and not _is_number(value):
                raise MixError(f'row {n + 1} of the {what}: "{field}" is not a number')
        sources = row.get("sources") or {}
        if not isinstance(sources, dict) or not all(_is_number(v) for v in sources.values()):
            raise MixError(f'row {n + 1} of the {what}: "sources" is not a dictionary of amounts')
        out.append({**row, "name": str(name), "sources": sources})
    return out


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `compare` or `frontier` with its numbers at the top, as they are told here."""
    values = row.get("values")
    if not isinstance(values, dict):
        return row
    plain = {key: row[key] for key in ("name", "status", "weight") if key in row}
    reasons = row.get("reasons")
    told = "; ".join(map(str, reasons)) if isinstance(reasons, list) else ""
    return {
        **plain,
        **values,
        "sources": row.get("raised") or {},
        "reason": told or ("" if row.get("status") == "optimal" else str(row.get("status"))),
    }


def account(given: Any) -> list[str]:
    """What a comparison says of its plans in sentences; nothing where it says nothing."""
    told = given.get("account") if isinstance(given, dict) else None
    return [str(text) for text in told] if isinstance(told, list) else []


def _measured(key: str) -> tuple[str, Any]:
    """Heading of a column that is not in COLUMNS, and how it is shown."""
    measure = BY_KEY.get(key)
    if measure is None:
        return words(key), lambda value: quantity(value, "")
    for unit, shown in (("USD", usd), ("share", share), ("/year", share), ("ratio", times)):
        if measure.unit == unit:
            return measure.label, shown
    return measure.label, lambda value: quantity(value, measure.unit)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value))


def comparison(rows: Sequence[dict[str, Any]], told: Sequence[str] = ()) -> str:
    """Mixes side by side: why they rank so, expected value and CVaR, what pays for them, and a table."""
    if not rows:
        return ""
    names = [row["name"] for row in rows]
    out = "".join(f"<p>{escape(text)}</p>" for text in told)
    dots = [Series("expected value", [row.get("expected_npv") for row in rows], 0), Series("CVaR", [row.get("cvar") for row in rows], 5),
            Series("objective", [row.get("objective") for row in rows], 2)]  # fmt: skip
    dots = [one for one in dots if any(v is not None for v in one.values)]
    if dots:
        chart = dumbbells("Value of each mix", names, dots, "value to shareholders", "mix")
        out += figure("Value of each mix", chart, "", series_legend(dots))
    kinds = list(dict.fromkeys(name for row in rows for name in row["sources"]))
    parts = [Series(kind, [row["sources"].get(kind) or 0.0 for row in rows], 0) for kind in kinds]
    if any(v for one in parts for v in one.values):
        shown = few(parts)
        chart = stacked_rows("Who pays in each mix", names, shown, "paid in over the horizon", "mix")
        out += figure("Who pays in each mix", chart, "", series_legend(shown))
    return out + _table("Mixes side by side", "mix", rows)


def frontier(rows: Sequence[dict[str, Any]]) -> str:
    """Return against tail risk: expected value over CVaR, and a table."""
    if not rows:
        return ""
    points = [
        (percent(row["weight"]) if row.get("weight") is not None else row["name"], float(row["cvar"]), float(row["expected_npv"]))
        for row in rows
        if row.get("cvar") is not None and row.get("expected_npv") is not None
    ]
    out = ""
    if len(points) > 1:
        about = (
            "Each point is the best plan for one weight of the tail: up is more in expectation, right is more in the worst cases."
        )
        out = figure("Return against tail risk", curve("Return against tail risk", points, "CVaR", "expected value"), about)
    return out + _table("The frontier", "point", rows)


def _table(caption: str, what: str, rows: Sequence[dict[str, Any]]) -> str:
    given = list(dict.fromkeys(key for row in rows for key, value in row.items() if key not in TEXTS and _is_number(value)))
    known = [key for key in COLUMNS if key in given]
    others = [key for key in given if key not in COLUMNS and all(_is_number(row.get(key)) for row in rows)]
    reasons = any(row.get("reason") for row in rows)
    header = [
        what,
        *(COLUMNS[key][0] for key in known),
        *(_measured(key)[0] for key in others),
        *(["why there is no plan"] if reasons else []),
    ]
    made = []
    for row in rows:
        cells: list[str | Cell] = [row["name"], *(COLUMNS[key][1](row.get(key)) for key in known)]
        cells += [_measured(key)[1](row.get(key)) for key in others]
        made.append([*cells, *([str(row.get("reason") or "")] if reasons else [])])
    return table(caption, header, made)
