"""Where megawatts go: by month, by month and hour of day, in a typical week."""

from __future__ import annotations

from typing import Any

from optimizer.results.report.capital import period
from optimizer.results.report.charts import Series, few, figure, heat, heat_legend, legend, series_legend, stacked, week
from optimizer.results.report.hours import SEASONS, SMALLEST_MWH, WEEK
from optimizer.results.report.source import EXPECTED, Source
from optimizer.results.report.tables import quantity, share, table
from optimizer.results.report.text import digits, esc
from optimizer.results.report.views import by_view

#: share of the cells of a map of prices up to which its colours go: a few dear hours must not make all others alike
HIGHEST_COLOUR_SHARE = 0.98


def label(quantity_name: str) -> str:
    """'rig:s19' -> 's19', 'ai:cloud' -> 'cloud (AI)', 'sell:ppa' -> 'ppa, sold'."""
    kind, _, name = quantity_name.partition(":")
    told = {"rig": "{} (mining)", "ai": "{} (AI)", "sell": "{}, sold", "block": "{} (contract)", "own": "{} (own)"}
    return (
        told[kind].format(name)
        if name and kind in told
        else {"charge": "battery charged", "discharge": "battery"}.get(kind, kind)
    )


def section(source: Source) -> str:
    return _monthly(source) + _table(source) + _hours(source.data["hours"])


def _energy(source: Source) -> dict[tuple[str, str, str, str], list[float]]:
    """(kind, site, name, scenario) -> average MW by period; the expectation too."""
    periods = {day: n for n, day in enumerate(dict.fromkeys(source.column("dispatch_monthly", "period")))}
    odds = dict(zip(source.scenarios, source.odds, strict=True))
    out: dict[tuple[str, str, str, str], list[float]] = {}
    names = ("kind", "site", "name", "scenario", "period", "average_mw")
    for kind, site, name, scenario, when, mw in zip(*(source.column("dispatch_monthly", c) for c in names), strict=True):
        for who, weight in ((scenario, 1.0), (EXPECTED, odds[scenario])):
            out.setdefault((kind, site, name, who), [0.0] * len(periods))[periods[when]] += weight * mw
    return out


def _monthly(source: Source) -> str:
    energy = _energy(source)
    dates = list(dict.fromkeys(source.column("dispatch_monthly", "period")))
    out = ""
    for kind, heading, about in (
        ("use", "How megawatts are used", "Average MW at the meter in each period, all sites together."),
        ("source", "Where megawatts come from", "Average MW in each period, all sites together."),
    ):
        names = list(dict.fromkeys(name for k, _, name, _ in energy if k == kind))
        if not any(v > 1e-6 for (k, *_), values in energy.items() if k == kind for v in values):
            continue
        if kind == "source" and len(names) == 1:
            continue  # the same as its uses

        def draw(scenario: str, kind: str = kind, names: list[str] = names, heading: str = heading) -> str:
            series = []
            for name in names:
                parts = [values for (k, _, n, who), values in energy.items() if (k, n, who) == (kind, name, scenario)]
                series.append(Series(label(name), [sum(column) for column in zip(*parts, strict=True)] or [0.0] * len(dates), 0))
            if not any(v for one in series for v in one.values):
                return ""
            shown = few(series)
            last = source.data["months"][-1]
            return series_legend(shown) + stacked(
                heading, dates, shown, "MW, mean", f" of each {period(source)}", area=True, last=last
            )

        chart = by_view(source, draw)
        out += figure(heading, chart, about)
    return out


def _table(source: Source) -> str:
    odds = dict(zip(source.scenarios, source.odds, strict=True))
    total: dict[tuple[str, str, str], list[float]] = {}
    columns = (source.column("dispatch_monthly", c) for c in ("kind", "site", "name", "scenario", "mwh", "hours"))
    for kind, site, name, scenario, mwh, hours in zip(*columns, strict=True):
        one = total.setdefault((kind, site, name), [0.0, 0.0])
        one[0] += odds[scenario] * mwh
        one[1] += odds[scenario] * hours
    of = {kind: sum(mwh for (k, *_), (mwh, _) in total.items() if k == kind) for kind in ("use", "source")}
    rows = [
        (kind, site, label(name), quantity(mwh, "MWh"), share(mwh / of[kind]), quantity(mwh / hours, "MW"))
        for (kind, site, name), (mwh, hours) in sorted(total.items(), key=lambda item: (item[0][0] != "use", -item[1][0]))
        if mwh > SMALLEST_MWH
    ]
    header = ("side", "site", "what", "energy", "share", "average")
    return table("Energy over the horizon, expected", header, rows, "dispatch_monthly.csv") if rows else ""


# ---------------------------------------------------------------------------------------------------------------------
# Hours


def _hours(hours: dict[str, Any]) -> str:
    out = ""
    for place in hours["sites"]:
        out += _place(place, hours)
    if out and hours["left_out"]:
        out += f'<p class="note">Sites with less energy have no maps of their own: {esc(", ".join(hours["left_out"]))}.</p>'
    return out


def _place(place: dict[str, Any], hours: dict[str, Any]) -> str:
    """Maps and weeks of one site ('' : all together)."""
    series = place["series"]
    where = place["site"] or "all sites"
    groups = [
        ("AI", _sum(series, "ai:")),
        ("mining", _sum(series, "rig:")),
        ("sold", _sum(series, "sell:")),
        ("rigs standing but off", place.get("off", {}).get("map")),
    ]
    groups = [(name, values) for name, values in groups if values and any(v is not None and v > 1e-6 for v in values)]
    shown = [(name, f"{name} at {where}", "MW", values or [], 1.0) for name, values in groups]
    if prices := place.get("price"):
        shown.append(
            (
                "power price, with delivery and other adders",
                f"power price at {where}",
                "USD/MWh",
                prices["map"],
                HIGHEST_COLOUR_SHARE,
            )
        )
    maps = "".join(_map(*one) for one in shown)
    of = hours["of"] if hours["scenarios"] > 1 else "mean over all years"
    about = f"Mean by month and hour of day: {of}."
    out = figure(f"Hours of {where}", f'<div class="maps">{maps}</div>', about, kind="many")
    return out + _weeks(where, series, prices, of, hours["weekdays"])


def _map(heading: str, title: str, unit: str, values: list[float | None], top: float) -> str:
    """A map with its own scale, from its least cell to the one that a share of `top` of the cells does not exceed."""
    real = sorted(v for v in values if v is not None)
    low, high = real[0], real[int(top * (len(real) - 1))]
    if real[-1] - low <= 1e-6 * max(abs(low), abs(real[-1])):
        return _small(heading, f'<p class="note">{digits(low)} {esc(unit)} in every month and hour.</p>')
    drawn = heat(title, values, unit, low, high)
    return _small(heading, f"{drawn}<output></output>{heat_legend(low, high, unit, real[-1] > high)}")


def _small(heading: str, chart: str) -> str:
    """One of several small charts."""
    return f"<figure><figcaption><h4>{esc(heading)}</h4></figcaption>{chart}</figure>"


def _sum(series: dict[str, Any], prefix: str) -> list[float | None] | None:
    """What begins so, added up; None where nothing does."""
    parts = [one["map"] for key, one in series.items() if key.startswith(prefix)]
    return [None if any(v is None for v in cell) else sum(cell) for cell in zip(*parts, strict=True)] if parts else None


def _weeks(where: str, series: dict[str, Any], prices: dict[str, Any] | None, of: str, year: int) -> str:
    whole = few([Series(label(key), one["week"], 0) for key, one in series.items()])
    cells = list(zip(*(one.values for one in whole), strict=True))
    kept = [n for n in range(len(SEASONS)) if not any(v is None for cell in cells[n * WEEK : (n + 1) * WEEK] for v in cell)]
    if not kept:
        return '<p class="note">The case keeps too few hours for a typical week here.</p>'
    stack = [sum(v or 0.0 for v in cell) for cell in cells]
    price = prices["week"] if prices else None
    charts = ""
    for n, season in ((n, SEASONS[n]) for n in kept):
        part = slice(n * WEEK, (n + 1) * WEEK)
        shown = [Series(one.name, one.values[part], one.colour) for one in whole]
        chart = week(f"Typical week of {where}, {season}", shown, price and price[part], max(stack), _ends(price))
        charts += _small(season, chart)
    marks = [(f"box c{one.colour}", one.name) for one in whole] + ([("stroke price", "power price")] if price else [])
    about = f"Each hour of the week by season: {of}. Weekdays are those of {year}."
    return figure(f"Typical week of {where}", f'<div class="maps">{charts}</div>', about, legend(marks), "many")


def _ends(values: list[float | None] | None) -> tuple[float, float]:
    real = [v for v in values or () if v is not None]
    return (min(real), max(real)) if real else (0.0, 0.0)
