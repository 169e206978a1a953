"""`wattfolio data`: files of markets and of the network, brought into the layout that a case reads, with what is wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from optimizer.cli.common import Mistaken, print_now
from optimizer.cli.exit_codes import DONE, USAGE

if TYPE_CHECKING:
    from optimizer.scenarios.data.network_days import NetworkDays
    from optimizer.scenarios.data.price_hours import PriceHours

MARKETS = ("ercot", "caiso", "nyiso", "pjm", "entsoe", "other", "network")


@click.group()
def data() -> None:
    """Prices of power and days of the Bitcoin network: import files, check them."""


def _options(command):  # type: ignore[no-untyped-def]
    """What both verbs take."""
    for option in reversed(
        (
            click.argument("files", nargs=-1, required=True, metavar="FILE..."),
            click.option("--market", type=click.Choice(MARKETS), default="other", show_default=True, help="Whose layout and clock."),
            click.option("--node", default="", metavar="NAME", help="The node, hub or zone, where a file has several."),
            click.option("--zone", metavar="ZONE", help="Clock of times without an offset, as in Etc/GMT+6.  [default: the market's]"),
            click.option("--time-column", default="", metavar="NAME", help="Column of the time, where it is not found by itself."),
            click.option("--price-column", default="", metavar="NAME", help="Column of the price."),
            click.option("--hour", type=click.Choice(["beginning", "ending"]), help="What a time names.  [default: as the market has it]"),
            click.option("--unit", default="", metavar="UNIT", help="As in EUR/MWh, where the file does not say.  [default: USD/MWh]"),
            click.option("--rate", "rates", multiple=True, metavar="CUR=USD", help="USD per unit of other money: EUR=1.08. Repeatable."),
            click.option("--mend", "mend", multiple=True, type=click.Choice(["line", "week"]),
                         help="Fill missing hours: a straight line (up to 3 in a row), a week before. Repeatable, in turn."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


@data.command("import")
@_options
@click.option(
    "--as", "target", required=True, metavar="FILE.csv", help="What is written: hours on the zone's standard clock, USD/MWh."
)
@click.option("--picture", metavar="FILE.svg", help="Draw the prices by day too.")
def import_files(target: str, picture: str | None, **asked: object) -> int:
    """Bring files of one market into one file that a case reads. Nothing is written where a file cannot be read for sure."""
    from optimizer.runtime import files as opened
    from optimizer.scenarios.data import network_days, price_file

    found = _read(**asked)  # type: ignore[arg-type]
    prices = not isinstance(found, network_days.NetworkDays)
    if picture is not None and not prices:
        raise click.UsageError("--picture draws prices of power")
    made = network_days.to_bytes(found) if isinstance(found, network_days.NetworkDays) else price_file.to_bytes(found)
    try:
        opened.write_out_whole(_path(target), made)
        if picture is not None and not isinstance(found, network_days.NetworkDays):
            opened.write_out_whole(_path(picture), price_file.picture(found).encode())
    except OSError as problem:
        raise Mistaken(f"cannot write {problem.filename or target}: {problem.strerror or problem}") from None
    _tell(found)
    click.echo(f"wrote {target}", err=True)
    return DONE


@data.command()
@_options
def check(**asked: object) -> int:
    """Tell what is wrong in files, and what should be known of them. Code 2 where hours or days are missing."""
    found = _read(**asked)  # type: ignore[arg-type]
    _tell(found)
    return USAGE if any(one.missing for one in found.findings) else DONE


def _path(name: str):  # type: ignore[no-untyped-def]
    from pathlib import Path

    path = Path(name)
    if path.is_dir():
        raise Mistaken(f"cannot write {name}: it is a folder")
    return path


def _read(
    files: Sequence[str], market: str, node: str, zone: str | None, time_column: str, price_column: str, hour: str | None, unit: str,
    rates: Sequence[str], mend: Sequence[str],
) -> PriceHours | NetworkDays:  # fmt: skip
    from optimizer.scenarios.data.layouts import ZONES, Asked
    from optimizer.scenarios.data.network_days import read_network
    from optimizer.scenarios.data.price_hours import read_prices
    from optimizer.scenarios.data.source_table import BadSource

    try:
        if market == "network":
            return read_network(files)
        asked = Asked(market, node, time_column, price_column, hour or "", unit)
        return read_prices(files, asked, zone or ZONES[market], _rates(rates), mend)
    except BadSource as problem:
        raise Mistaken(str(problem)) from None


def _rates(given: Sequence[str]) -> dict[str, float]:
    out = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            out[name.strip().upper()] = rate = float(value)
        except ValueError:
            rate = 0.0
        if not 0.0 < rate < 1e6:
            raise click.UsageError(f'--rate "{text}" is not CUR=USD, as in EUR=1.08')
    return out


def _tell(found: PriceHours | NetworkDays) -> None:
    from optimizer.scenarios.data.network_days import NetworkDays

    if isinstance(found, NetworkDays):
        days = list(found.values)
        lines = [f"{len(days)} days, {days[0]} to {days[-1]}; days sha256 {found.digest[:16]}"]
    else:
        known = found.usd[found.usd == found.usd]
        span = ", ".join(map(str, found.years)) or "no whole year"
        lines = [
            f"{len(known)} hours with a price of {len(found.usd)}; whole years: {span}; mean {known.mean():.2f} USD/MWh, median"
            f" {float(sorted(known)[len(known) // 2]):.2f}; hours sha256 {found.digest[:16]}"
        ]
        lines += [f"mended: {one}" for one in found.mended]
    lines += [f"{one.where}: {one.text}" for one in found.findings]
    print_now(lambda: click.echo("\n".join(lines)))
