"""`wattfolio diff`: what two results have apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from optimizer.cli.common import Mistaken, print_now
from optimizer.cli.exit_codes import DIFFERENT, DONE

if TYPE_CHECKING:
    from optimizer.results.difference import Change, Difference

#: lines of one group, unless all are asked for
MOST_LINES = 12
TITLES = {
    "worth": "What they are worth",
    "decision": "What is decided otherwise, expected",
    "value": "Where the difference of the expected value comes from",
    "statement": "Statements, over all dates, expected",
}


@click.command()
@click.argument("first", metavar="RESULT")
@click.argument("other", metavar="OTHER")
@click.option("--all", "whole", is_flag=True, help="Every line, also those that are the same.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON and nothing else.")
def diff(first: str, other: str, whole: bool, as_json: bool) -> int:
    """Compare two results: folders DIR/<case>/<variant> that `solve` has written. Code 1 where anything differs."""
    from optimizer.results.difference import difference
    from optimizer.results.read_folder import load
    from optimizer.results.serialise import ResultError

    try:
        loaded = []
        for folder in (first, other):
            result = load(folder)
            if lacks := [name for name in ("summary", "report", "income_statement", "cash_flow") if name not in result]:
                raise Mistaken(f"{folder} has no {', '.join(lacks)}: it is not the result of a plan that `solve` has written")
            loaded.append(result)
        found = difference(*loaded)
    except ResultError as problem:
        raise Mistaken(str(problem)) from None
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise Mistaken(
            f"{first} and {other} are not two results of wattfolio: their files do not fit ({problem!r:.120})"
        ) from None
    text = _json(found) if as_json else _text(found, whole)
    print_now(lambda: click.echo(text, nl=False))
    return DONE if all(change.same for change in found.changes) else DIFFERENT


def _json(found: Difference) -> str:
    from optimizer.results.serialise import to_json

    rows = [
        {"group": one.group, "name": one.name, "unit": one.unit, "first": one.first, "other": one.other, "by": one.by}
        for one in found.changes
    ]
    return to_json({"schema": 1, "first": found.first, "other": found.other, "same_inputs": found.same_inputs, "figures": rows})


def _text(found: Difference, whole: bool) -> str:
    from optimizer.text import printable

    inputs = "both were solved from the same inputs" if found.same_inputs else "the two were solved from different inputs"
    out = [f"first: {found.first}", f"other: {found.other}", inputs]
    for group, title in TITLES.items():
        rows = found.of(group)
        apart = sorted((one for one in rows if not one.same), key=lambda one: -abs(one.by or 0.0)) if group != "worth" else rows
        shown = rows if whole else apart if group == "worth" else apart[:MOST_LINES]
        if not shown:
            continue
        out += ["", title, *_table(shown)]
        if len(apart) > len(shown):
            out.append(f"  ... and {len(apart) - len(shown)} more: --all")
    if all(one.same for one in found.changes):
        out += ["", "nothing differs"]
    return "\n".join(map(printable, out)) + "\n"


def _table(rows: list[Change]) -> list[str]:
    """Name, first, other, change, within 80 columns; long names go on below."""
    import textwrap

    cells = [(one.name, *(_shown(value, one.unit) for value in (one.first, one.other, one.by))) for one in rows]
    widths = [max(len(row[k]) for row in cells) for k in (1, 2, 3)]
    room = max(20, 80 - 2 - sum(widths) - 2 * len(widths))
    out = []
    for name, *figures in cells:
        head, *rest = textwrap.wrap(name, room, break_on_hyphens=False) or [""]
        numbers = "".join(f"  {figure:>{width}}" for figure, width in zip(figures, widths, strict=True))
        out.append(f"  {head:<{room}}{numbers}".rstrip())
        out += [f"    {more}" for more in rest]
    return out


def _shown(value: float | None, unit: str) -> str:
    from optimizer.text import money, number, percent

    if value is None:
        return "-"
    if unit == "USD":
        return money(value)
    if unit == "share":
        return percent(value)
    return f"{number(value)} {unit}".rstrip()
