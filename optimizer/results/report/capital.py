"""Capital and its financing over time, and where the cash comes from and goes."""

from __future__ import annotations

from optimizer.results.report.charts import Series, few, figure, series_legend, stacked
from optimizer.results.report.overview import decisions_table, flows_table
from optimizer.results.report.source import Source
from optimizer.results.report.views import by_view

LENGTHS = {1: "month", 3: "quarter", 6: "half-year", 12: "year"}


def period(source: Source) -> str:
    """'quarter', where all periods are as long as that."""
    lengths = set(source.data["months"])
    return LENGTHS.get(lengths.pop(), "period") if len(lengths) == 1 else "period"


def section(source: Source) -> str:
    return _chart(source) + decisions_table(source) + flows_table(source)


def _chart(source: Source) -> str:
    flows, names = source.statement("sources_uses"), source.data["flows"]
    dates, per = flows.dates, f" per {period(source)}"
    paid = [line for line in flows.lines if line.startswith(("debt[", "equity[")) or line == "rescue"]
    spent = [line for line in flows.lines if line.startswith("capex_")]

    def draw(scenario: str) -> str:
        series = [
            Series(line[line.index("[") + 1 : -1] if "[" in line else names[line][0], flows.of(line, scenario), 0)
            for line in paid
        ]
        series += [Series(names[line][0], [None if v is None else -v for v in flows.of(line, scenario)], 0) for line in spent]
        if not any(v for one in series for v in one.values):
            return ""
        shown = few(series)
        return series_legend(shown) + stacked("New financing (up) and capital spending (down)", dates, shown, "USD", per)

    chart = by_view(source, draw)
    about = "Above zero what investors pay in (face of debt, shares sold), below it what is spent on plant, when it is paid."
    return figure("Capital and its financing", chart, about) if chart else ""
