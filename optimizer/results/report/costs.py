"""What stands beside the objective, what capital costs, and the bridge from the business to its owners."""

from __future__ import annotations

from optimizer.results.capital_text import BEFALLS
from optimizer.results.report.charts import bars, figure
from optimizer.results.report.source import Source
from optimizer.results.report.tables import share, table, usd
from optimizer.results.report.text import esc, money, percent, words

LEAST = 1.0


def beside(source: Source) -> str:
    """The odds of what may go wrong, and what of the value lies after the horizon."""
    odds, after = source.summary.get("odds"), source.summary.get("after_horizon")
    if not odds or not after:
        return ""
    told = ", ".join(f"{what} {percent(one)}" for one, what in zip(odds.values(), BEFALLS, strict=True))
    part = "" if after["share"] is None else f", {percent(after['share'])} of the value"
    return f'<p class="soft">Odds of: {esc(told)}. After the horizon lie {esc(money(after["present"]))}{esc(part)}, net of costs.</p>'


def section(source: Source) -> str:
    """Costs of capital and the bridge."""
    capital, bridge = source.summary.get("capital"), source.summary.get("bridge")
    return _costs(capital) + _bridge(bridge) if capital and bridge else ""


def _costs(capital: dict) -> str:  # type: ignore[type-arg]
    rows = [
        [one["name"], share(one["cost"]), usd(one["worth"]), one["why"] or ""]
        for one in capital["sources"]
        if one["cost"] is not None or abs(one["worth"]) > LEAST
    ]
    rows += [
        [label, share(capital[key]), usd(None), ""]
        for key, label in (
            ("outside", "all outside capital"), ("whole", "all capital, owners at market value"),
            ("after_tax", "all capital, less the tax it saves"), ("owners_relevered", "owners, if the rate of the case is that without debt"),
        )
    ]  # fmt: skip
    header = ("source", "cost a year", "worth at the start", "why there is none")
    return table("What capital costs, expected", header, rows, "cost_of_capital.csv")


def _bridge(bridge: list[dict]) -> str:  # type: ignore[type-arg]
    rows = [(words(one["label"]), float(one["usd"])) for one in bridge if abs(one["usd"]) > LEAST]
    if not rows:
        return ""
    chart = bars("From the business to its owners", rows, "present value", "item")
    about = (
        "What financing adds and takes between the value of the business and that of its owners, expected, at the owners' rate."
    )
    return figure("From the business to its owners", chart, about)
