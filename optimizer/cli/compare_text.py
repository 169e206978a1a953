"""`wattfolio compare`: plans side by side."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

from models.finance.labels import line_label
from optimizer.results.measures import MEASURES
from optimizer.results.terminal import PLAIN_BOX
from optimizer.studies.comparison import Comparison, as_csv, as_json, sentences, shown
from optimizer.text import money, printable

if TYPE_CHECKING:
    from optimizer.studies.jobs import Point

WIDTH = 100
#: a variant that no plan can meet is an answer
NO_PLAN = ("infeasible", "unbounded")
LABEL_WIDTH = 33  # columns of a name of a measure
LEAST_PLAN_WIDTH, MOST_PLAN_WIDTH = 13, 19  # columns of a plan
#: rows of the ledger that are shown
MOST_LINES = 12


def render(comparison: Comparison, console: Console) -> None:
    """Print the tables and the account."""
    broad = min(max(LEAST_PLAN_WIDTH, *(len(one.name) + 1 for one in comparison.points)), MOST_PLAN_WIDTH)
    width = max(console.width or WIDTH, LABEL_WIDTH + 2 * broad)
    each = (width - LABEL_WIDTH) // broad
    console.print(printable(f"{comparison.case}: {len(comparison.points)} plans"))
    solved = list(comparison.solved)
    first, rest = solved[:1], solved[1:]
    for start in range(0, max(len(rest), 1), each - 1) if solved else ():
        columns = [*first, *rest[start : start + each - 1]]
        console.print()
        grid = _grid([one.name for one in columns], broad)
        for measure in MEASURES:
            if any(one.values[measure.key] for one in solved):
                grid.add_row(
                    _unit(measure.label, measure.unit), *(shown(measure.key, one.values[measure.key]) for one in columns)
                )
        for name in comparison.instruments():
            grid.add_row(printable(f"raised by {name}"), *(money(one.raised.get(name)) for one in columns))
            if any(one.costs.get(name) is not None for one in columns):
                grid.add_row("  at a cost, all in, of", *(_percent(one.costs.get(name)) for one in columns))
        for name in dict.fromkeys(name for one in solved for name, usd in one.capacity.items() if usd is not None):
            carried = [one.capacity.get(name) for one in columns]
            grid.add_row(f"debt per USD of {name}", *("-" if usd is None else f"{usd:,.2f}" for usd in carried))
        console.print(grid)
        if len(columns) > 1:
            _differences(comparison, columns, console, broad)
    console.print()
    for text in sentences(comparison):
        for line in textwrap.wrap(printable(text), min(width, WIDTH), subsequent_indent="  ", break_on_hyphens=False):
            console.print(line)


def write(comparison: Comparison, target: Path) -> Path:
    """Write comparison.json and comparison.csv into a folder. Raises ResultError."""
    from optimizer.results.folder import write_files

    files = {"comparison.json": as_json(comparison).encode(), "comparison.csv": as_csv(comparison).encode("utf-8", "replace")}
    digests = {one.name: one.digest for one in comparison.points}
    return write_files(target, files, {"case": comparison.case, "digests": digests})


def show(comparison: Comparison, json: bool, csv: bool) -> None:
    """Print it."""
    import click

    if json or csv:
        click.echo((as_json(comparison) if json else as_csv(comparison)).encode("utf-8", "replace"), nl=False)
        return
    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else WIDTH, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        render(comparison, console)
    text = "\n".join(line.rstrip() for line in captured.get().splitlines())
    click.echo(text, color=True)


def exit_code(comparison: Comparison) -> int:
    """That of the first plan; where it is there, the worst of those that could not be told: limits and verification."""
    from optimizer.cli.exit_codes import DONE, EXIT_CODES, UNVERIFIED

    codes = [EXIT_CODES.get(one.status.upper(), UNVERIFIED) for one in comparison.points]
    if codes[0] != DONE:
        return codes[0]
    return max((code for one, code in zip(comparison.points, codes, strict=True) if one.status not in NO_PLAN), default=DONE)


def _differences(comparison: Comparison, columns: list[Point], console: Console, broad: int) -> None:
    """Expected NPV against the first, by ledger line."""
    moved = [comparison.moved(one) for one in columns[1:]]
    largest: dict[str, float] = {}
    for lines in moved:
        for entry, usd in lines.items():
            largest[entry] = max(largest.get(entry, 0.0), abs(usd))
    entries = [entry for entry in sorted(largest, key=lambda e: -largest[e]) if largest[entry] > 1.0]
    if not entries:
        return
    console.print()
    console.print(printable(f"Expected NPV against {columns[0].name}, from"))
    grid = _grid(["", *(one.name for one in columns[1:])], broad)
    for entry in entries[:MOST_LINES]:
        grid.add_row(line_label(entry), "", *(_signed(lines.get(entry, 0.0)) for lines in moved))
    if entries[MOST_LINES:]:
        grid.add_row("all else", "", *(_signed(sum(lines.get(e, 0.0) for e in entries[MOST_LINES:])) for lines in moved))
    grid.add_row("together", "", *(_signed(sum(lines.values())) for lines in moved))
    console.print(grid)


def _grid(names: list[str], broad: int) -> Grid:
    grid = Grid(box=PLAIN_BOX, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("", width=LABEL_WIDTH - 1, no_wrap=False)
    for name in names:
        grid.add_column(printable(name), justify="right", width=broad - 1, overflow="fold")
    return grid


def _unit(label: str, unit: str) -> str:
    return f"{label}, {unit}" if unit in ("MW", "MWh", "PH/s") else label


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _signed(usd: float) -> str:
    return "0" if abs(usd) < 0.5 else f"{'+' if usd > 0 else '-'}{money(abs(usd))}"
