"""The debt stack, cash, and covenants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optimizer.results.measures import quantile
from optimizer.results.report.charts import Series, few, figure, legend, lines, series_legend, stacked
from optimizer.results.report.source import EXPECTED, Source
from optimizer.results.report.tables import Cell, quantity, share, table
from optimizer.results.report.text import digits, month
from optimizer.results.report.views import MOST_SCENARIOS, by_view, chosen

#: ratios above this are drawn here: a little debt service makes any coverage large
HIGHEST_RATIO = 10.0
#: rules with a line in the chart of headroom
MOST_RULES = 8


def debt(source: Source) -> str:
    return _stack(source) + _ratios(source)


def _stack(source: Source) -> str:
    rows = source.rows("financing", "instrument", "scenario", "date", "closing")
    dates = source.statement("credit_ratios").dates
    at = {day: n for n, day in enumerate(dates)}
    odds = dict(zip(source.scenarios, source.odds, strict=True))
    balances: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        balance = row["closing"]
        if balance:
            for scenario, weight in ((row["scenario"], 1.0), (EXPECTED, odds[row["scenario"]])):
                values = balances.setdefault((row["instrument"], scenario), [0.0] * len(dates))
                values[at[row["date"]]] += weight * balance
    names = list(dict.fromkeys(name for name, _ in balances))

    def draw(scenario: str) -> str:
        series = [Series(name, balances.get((name, scenario), [0.0] * len(dates)), n) for n, name in enumerate(names)]
        shown = few(series) if len(names) > 8 else series
        if not any(v for one in shown for v in one.values):
            return ""
        return series_legend(shown) + stacked("Debt outstanding", dates, shown, "USD", area=True)

    chart = by_view(source, draw) if names else ""
    return figure("Debt stack", chart, "What is owed after each date, by instrument.") if chart else ""


def _ratios(source: Source) -> str:
    ratios = source.statement("credit_ratios")
    out = ""
    for line, heading, about in (
        (
            "dscr",
            "Debt service coverage",
            "Cash flow available for debt service over interest and principal, last twelve months.",
        ),
        ("net_debt_to_ebitda", "Net debt over EBITDA", "Debt less cash over EBITDA, last twelve months."),
    ):
        if not any(v for v in ratios.of("total_debt", _middle(source))) or not any(v for v in ratios.of(line, _middle(source))):
            continue
        values = [v for scenario in source.scenarios for v in ratios.of(line, scenario) if v is not None]
        high = any(abs(v) > HIGHEST_RATIO for v in values)
        cut = f" Above {HIGHEST_RATIO:g}× it is drawn at {HIGHEST_RATIO:g}×." if high else ""
        chart = fan(source, line, heading, "ratio (×)", cap=HIGHEST_RATIO if high else None)
        out += figure(heading, chart, about + cut)
    return out


def _middle(source: Source) -> str:
    return EXPECTED if len(source.scenarios) > 1 else source.scenarios[0]


def cash(source: Source) -> str:
    """Cash in every scenario: their lines where they are few, bands of their odds where they are many."""
    several = len(source.scenarios) > 1
    about = "Cash after each date" + (", in every scenario and in expectation; the band has all of them." if several else ".")
    out = figure("Cash", fan(source, "cash", "Cash", "USD"), about)
    ratios = source.statement("credit_ratios")
    coins = any(
        abs((a or 0.0) - (b or 0.0)) > 1.0
        for name in source.scenarios
        for a, b in zip(ratios.of("cash", name), ratios.of("liquidity", name), strict=True)
    )
    if coins:
        out += figure("Cash and coins", fan(source, "liquidity", "Cash and coins", "USD"), "Cash, and coins at their price.")
    return out


def fan(source: Source, line: str, title: str, unit: str, cap: float | None = None) -> str:
    """A line of the credit ratios over scenarios."""
    found = source.statement("credit_ratios")
    dates, names = found.dates, source.scenarios
    if len(names) == 1:
        return lines(title, dates, [Series(title, found.of(line, names[0]), 0)], unit, cap=cap, bold=frozenset())
    columns = [[v for name in names if (v := found.of(line, name)[n]) is not None] for n in range(len(dates))]
    around = [min(column) if column else None for column in columns], [max(column) if column else None for column in columns]
    mean = Series("expected", found.of(line, EXPECTED), 8)
    if len(names) <= MOST_SCENARIOS:
        series = [Series(name, found.of(line, name), n) for n, name in enumerate(names)]
        told = legend([("bold", "expected"), *((f"stroke c{n}", name) for n, name in enumerate(names))])
        return told + lines(title, dates, [*series, mean], unit, around, cap=cap, bold=frozenset(["expected"]))
    inner = (
        [_quarter(source, line, n, 0.25) for n in range(len(dates))],
        [_quarter(source, line, n, 0.75) for n in range(len(dates))],
    )
    shown = chosen(source)
    series = [Series(name, found.of(line, name), n) for n, name in enumerate(shown)]
    told = legend(
        [
            ("bold", "expected"),
            *((f"stroke c{n}", name) for n, name in enumerate(shown)),
            ("band", f"all {len(names)} scenarios, and their middle half"),
        ]
    )
    return told + lines(title, dates, [*series, mean], unit, around, inner, cap=cap, bold=frozenset(["expected"]))


def _quarter(source: Source, line: str, n: int, level: float) -> float | None:
    found = source.statement("credit_ratios")
    pairs = [(v, p) for name, p in zip(source.scenarios, source.odds, strict=True) if (v := found.of(line, name)[n]) is not None]
    total = sum(p for _, p in pairs)
    return quantile([v for v, _ in pairs], [p / total for _, p in pairs], level) if pairs and total > 0.0 else None


# ---------------------------------------------------------------------------------------------------------------------
# Covenants


def covenants(source: Source) -> str:
    rules = source.data["rules"]
    price: dict[str, float] = {}
    breached: dict[str, int] = {}
    place: dict[str, str] = {}
    for row in source.rows("covenants", "name", "price", "breach", "source"):
        name = row["name"]
        price[name] = price.get(name, 0.0) + (row["price"] or 0.0)
        breached[name] = breached.get(name, 0) + ((row["breach"] or 0.0) > 0.01)
        place[name] = row["source"]
    ranked = sorted(rules, key=lambda rule: (-abs(price.get(rule["name"], 0.0)), rule["share"], rule["name"]))
    rows = [
        [
            rule["name"], rule["text"], f"{rule['scenario']}, {month(rule['date'])}", quantity(rule["headroom"], rule["unit"]),
            share(rule["share"]), Cell(f"{rule['binds']} of {rule['of']}", rule["binds"]),
            Cell(_plain(price.get(rule["name"], 0.0)), price.get(rule["name"], 0.0)),
            Cell(str(breached.get(rule["name"], 0)), breached.get(rule["name"], 0)), place.get(rule["name"], ""),
        ]
        for rule in ranked
    ]  # fmt: skip
    header = (
        "rule",
        "says",
        "tightest in",
        "headroom",
        "of larger side",
        "binds",
        "price, USD/unit",
        "breached",
        "in the case at",
    )
    note = "Price: what one unit less required, at every date and in every scenario, would add to the objective."
    return _headroom(ranked) + table("Rules, where they are tightest", header, rows, "covenants.csv", note=note) if rows else ""


def _headroom(rules: Sequence[dict[str, Any]]) -> str:
    dates = sorted({day for rule in rules for day in rule["dates"]})
    if len(dates) < 2:
        return ""
    series = []
    for n, rule in enumerate(rules[:MOST_RULES]):
        least = dict(zip(rule["dates"], rule["least"], strict=True))
        series.append(Series(rule["name"], [None if (v := least.get(day)) is None else 100.0 * v for day in dates], n))
    chart = lines("Least headroom of each rule", dates, series, "% of the larger side", cap=100.0)
    more = f" The {MOST_RULES} of {len(rules)} rules with the highest prices." if len(rules) > MOST_RULES else ""
    about = (
        "How far each rule is from binding in the scenario where it is tightest at each date: the difference of its two sides as a share of "
        f"the larger; 0 binds.{more}"
    )
    return figure("Headroom of rules", chart, about, series_legend(series, "stroke"))


def _plain(value: float) -> str:
    return "0" if abs(value) < 1e-9 else digits(value)
