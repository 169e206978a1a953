"""What shareholders get: the distribution of returns with its tail, where the value comes from, and what is scarce."""

from __future__ import annotations

from typing import Any

from optimizer.results.report import costs
from optimizer.results.report.charts import bars, distribution, figure, legend
from optimizer.results.report.source import EXPECTED, Source
from optimizer.results.report.tables import Cell, quantity, share, table, times, usd
from optimizer.results.report.text import amount, esc, money, month, percent, words


def section(source: Source) -> str:
    return _distribution(source) + _scenarios(source) + _ledger(source) + costs.section(source) + _measures(source)


def _distribution(source: Source) -> str:
    if len(source.scenarios) == 1:
        return '<p class="note">The case has one scenario: there is no distribution of returns.</p>'
    summary = source.summary
    levels = [
        ("mean", f"expected value, {money(summary['expected_npv'])}", summary["expected_npv"]),
        ("var", f"VaR, {money(summary['var'])}", summary["var"]),
        ("cvar", f"CVaR, {money(summary['cvar'])}", summary["cvar"]),
    ]
    worth = [float(v) for v in source.column("scenarios", "npv")]
    chart = distribution("Distribution of returns", source.scenarios, source.odds, worth, summary["tail"], levels)
    marks = [
        *((mark, name) for mark, name, _ in levels),
        ("tail", f"worst {percent(summary['tail'])}"),
        ("box c0", "a scenario, as wide as its odds"),
    ]
    about = (
        f"Net present value to shareholders at {percent(summary['discount'])} a year, scenarios from worst to best. "
        f"The objective weighs the expected value with {percent(1.0 - summary['weight'])} and the CVaR with {percent(summary['weight'])}."
    )
    return figure("Distribution of returns", chart, about, legend(marks))


def _scenarios(source: Source) -> str:
    described = source.data["scenarios"]
    told = any(described.values())
    rows = []
    for row in source.rows("scenarios"):
        money_of = (
            usd(row[key])
            for key in ("npv", "revenue", "ebitda", "capex", "dividends", "contributions", "min_cash", "peak_debt", "rescue")
        )
        worth, *others = money_of
        about = [described.get(row["scenario"], "")] if told else []
        rows.append([row["scenario"], *about, share(row["probability"]), worth, share(row["irr"]), times(row["moic"]), *others])
    header = ("scenario", *(["what happens"] if told else []), "odds", "NPV", "IRR", "MOIC", "revenue", "EBITDA", "capex", "dividends",
              "contributions", "least cash", "peak debt", "rescue")  # fmt: skip
    reasons = sorted({r for r in source.column("scenarios", "irr_reason") if r})
    note = f'<p class="note">No IRR where {esc("; ".join(reasons))}.</p>' if reasons else ""
    return table("Scenarios", header, rows, "scenarios.csv", tall=len(rows) > 14) + note


def _ledger(source: Source) -> str:
    ledger = (source.summary.get("ledger") or {}).get("expected", {})
    rows = [(words(name), value) for name, value in ledger.items() if abs(value) > 0.5]
    if not rows:
        return ""
    rows.sort(key=lambda row: -abs(row[1]))
    chart = bars("Where the value comes from", rows, "present value", "entry of the ledger")
    several = "expected, " if len(source.scenarios) > 1 else ""
    return figure(
        "Where the value comes from",
        chart,
        f"Entries of the ledger of shareholders, {several}discounted; they add up to the value.",
    )


def _measures(source: Source) -> str:
    who = EXPECTED if EXPECTED in source.column("returns", "scenario") else source.scenarios[0]
    rows = []
    for row in source.rows("returns"):
        if row["scenario"] == who:
            rows.append([row["label"], _measure(row["value"], row["unit"]), row["note"]])
    return table("Returns and credit, expected", ("measure", "value", "why there is none"), rows, "returns.csv") if rows else ""


def _measure(value: float | None, unit: str) -> Cell:
    if unit == "per year" and value is not None:
        return Cell(f"{percent(value)} a year", value)
    return times(value) if unit == "ratio" else quantity(value, unit)


def scarce(source: Source) -> str:
    """What one more unit of everything scarce would add, over all dates and scenarios."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in source.rows("shadow_prices"):
        if row["family"] not in ("rule", "cash") and row["value"] is not None:
            found.setdefault((row["family"], row["name"], row["unit"]), []).append(row)
    totals = {key: sum(one["value"] for one in places) for key, places in found.items()}
    rows = []
    # dollars do not compete with megawatts: they come last
    for key in sorted(found, key=lambda key: (key[2] == "USD/USD", -abs(totals[key]), key)):
        family, name, unit = key
        peak = max(found[key], key=lambda one: abs(one["value"]))
        where = ", ".join(filter(None, [peak["scenario"], month(peak["date"])]))
        rows.append((words(family), name, unit, _price(totals[key], unit), _price(peak["value"], unit), where))
    if not rows:
        return ""
    caption = "What one more unit would add to the objective, over all dates and scenarios, and where it would add most"
    header = ("what", "of", "unit", "in all", "at most", "in")
    return table(caption, header, rows, "shadow_prices.csv", tall=len(rows) > 14)


def _price(value: float, unit: str) -> Cell:
    return Cell(amount(value, unit), value)
