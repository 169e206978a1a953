"""Value per share of today's holders, who gains and who pays, and how a share price that follows the plan was found."""

from __future__ import annotations

from typing import Any

from optimizer.results.report.source import Source
from optimizer.results.report.tables import Cell, table, usd
from optimizer.results.report.text import amount, esc, money, percent

#: USD up to which nobody gains
LEAST = 1.0
#: who pays money in for shares, or may: without them, all is as `costs` tells it
SHARE_IN = ("new shares", "convertible")


def per_share(source: Source) -> str:
    """The objective by the share, for a tile; '' where the case does not say how many shares there are."""
    found = source.summary.get("per_share")
    return f"{found['objective']:,.4g} USD" if found else ""


def section(source: Source) -> str:
    return _price(source) + _holders(source)


def _price(source: Source) -> str:
    summary = source.summary
    found, price = summary.get("per_share"), summary.get("share_price")
    if not found or not price:
        return ""
    closed = "" if price["closed"] else ", which is too far: both ends stand below"
    where = f", at {price['gap_at']}" if price["gap_at"] and price["gap"] > 1e-6 else ""
    told = (
        f"Of {_usd(price['today'])} a share, {_usd(found['in_case'])} is in this case and {_usd(price['rest_of_company'])} in the rest of the "
        f"company. The price follows the plan: used and implied differ by {percent(price['gap'])} at most{where}{closed} "
        f"({price['programs']} programs solved, {percent(price['tolerance'])} allowed)."
    )
    ruined = price["worthless_in"]
    rows: list[list[str | Cell]] = []
    for name, used in price["used_at_end"].items():
        worth = ["worth nothing" if name in ruined else ""] if ruined else []
        rows.append([name, _share_price(used), _share_price(price["implied_at_end"][name]), *worth])
    header = ("scenario", "price used", "price implied", *(("",) if ruined else ()))
    text = f"<p>{esc(told)}</p>" + table("Share price at the end of the horizon", header, rows)
    return text + _ends(price)


def _ends(price: dict[str, Any]) -> str:
    """The plans between which the price lies, where there are several, or where it does not close."""
    plans = price["plans"]
    if len(plans) < 2 and price["closed"]:
        return ""
    rows: list[list[str | Cell]] = []
    for one in plans:
        raised = ", ".join(f"{name} {money(face)}" for name, face in one["raised"].items() if abs(face) > LEAST)
        rows.append([percent(one["weight"]), raised or "nothing", _share_price(one["price_at_end"]), usd(one["objective"])])
    return table("Plans between which the price lies", ("part", "raised", "share price at the end, expected", "objective"), rows)


def _holders(source: Source) -> str:
    found = source.summary.get("who_gains")
    if not found or not any(one["holder"] in SHARE_IN for one in found["holders"]):
        return ""
    rows = [
        [one["holder"], one["name"], usd(one["pays"]), usd(one["gets"]), usd(one["gains"]), _count(one["shares"])]
        for one in found["holders"]
        if max(abs(one["pays"]), abs(one["gets"]), abs(one["gains"])) > LEAST
    ]
    note = f"The business is worth {money(found['business'])}: what all of them gain together."
    header = ("holder", "of", "pays", "gets", "gains", "shares at the end")
    return table("Who gains and who pays, expected, at the owners' rate", header, rows, note=note) if rows else ""


def _count(shares: float | None) -> Cell:
    return Cell("" if shares is None else f"{shares / 1e6:,.4g} million", shares)


def _share_price(value: float | None) -> Cell:
    return Cell("" if value is None else f"{value:,.4g} USD/share", value)


def _usd(value: float) -> str:
    return amount(value, "USD")
