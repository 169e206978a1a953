"""`wattfolio sweep`, `tornado` and `frontier`: many neighbouring solves of one case."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.common import Mistaken, check_options, folder_label, load_case, print_now, reason_of
from optimizer.results.serialise import ResultError
from optimizer.studies.jobs import Point
from optimizer.studies.warm_chains import INVALID
from optimizer.text import printable

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.cli.progress import Progress

#: points that are solved without --yes; points that no sweep has
MOST_POINTS_UNCONFIRMED, MOST_POINTS = 2_000, 100_000
#: rows of a table on the terminal
MOST_ROWS = 40


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that the three verbs have in common."""
    for option in reversed(
        (
            click.option("--variant", metavar="NAME", help="Of this variant of the case."),
            click.option(
                "--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value in all points. Repeatable."
            ),
            click.option("--out", "out", default="out", show_default=True, metavar="DIR", help="Where results are written."),
            click.option("--json", "as_json", is_flag=True, help="Print the JSON file and nothing else."),
            click.option("--time-limit", type=float, metavar="SECONDS", help="Stop each solve after this time."),
            click.option(
                "--workers", type=click.IntRange(min=1), metavar="N", help="Solve in N processes.  [default: one for each core]"
            ),
            click.option(
                "--scheduler",
                metavar="ADDRESS",
                help="Solve on a Dask cluster, as in tcp://192.0.2.7:8786. It is trusted: it can run code here.",
            ),
            click.option("--restart", is_flag=True, help="Forget what a stopped run of the same has solved."),
            click.option("--quiet", is_flag=True, help="No progress on stderr."),
        )
    ):
        command = option(command)
    return command


@click.command()
@click.argument("path", metavar="CASE")
@click.option(
    "--vary",
    multiple=True,
    required=True,
    metavar="PATH=VALUES",
    help="Values of a path: FROM..TO/COUNT UNIT, or A,B,C UNIT; or variant=base,NAME. Several: all combinations.",
)
@click.option("--name", metavar="NAME", help="Written to DIR/<case>/sweep-NAME/.  [default: a digest]")
@click.option("--yes", is_flag=True, help=f"Solve more than {MOST_POINTS_UNCONFIRMED:,} points.")
@shared
def sweep(path: str, vary: tuple[str, ...], name: str | None, yes: bool, changes: tuple[str, ...], **options: Any) -> int:
    """Solve a case at every point of a grid: a tidy table, a picture and a page in DIR/<case>/sweep-*/.

    A run that was stopped goes on where it was: finished points are kept until all are there.
    """
    from optimizer.studies.grid import GridError, make_grid

    check_options(changes, options["time_limit"])
    variant = options["variant"]
    try:
        grid = make_grid(vary)
        if len(grid) > MOST_POINTS:
            raise GridError(f"{len(grid):,} points are more than a sweep has ({MOST_POINTS:,}): give fewer values")
        if len(grid) > MOST_POINTS_UNCONFIRMED and not yes:
            raise GridError(f"{len(grid):,} points take a while: --yes solves them all the same")
    except GridError as problem:
        raise Mistaken(f"--vary {problem}") from None
    case = load_case(path, variant, changes)
    from optimizer.case.reading.diagnostics import CaseError
    from optimizer.studies import sweep as engine

    try:
        engine.check(path, case, grid, variant, changes)
    except GridError as problem:
        raise Mistaken(f"--vary {problem}") from None
    except CaseError as error:
        raise Mistaken(str(error)) from None
    limit = options["time_limit"]
    key = engine.key(path, case, grid, variant, changes, limit)

    def solve(executor: Any, journal: Any, told: Any) -> Any:
        settings = {"variant": variant, "changes": changes, "limit": limit, "journal": journal, "progress": told}
        return engine.run(path, case, grid, executor, **settings)

    found = run(case, "sweep", name or key[:8], key, len(grid), solve, engine.write, options)
    print_now(lambda: show_sweep(found, options["as_json"]))
    return exit_code(found.points)


@click.command()
@click.argument("path", metavar="CASE")
@click.option(
    "--points", type=click.IntRange(min=2, max=1001), default=11, show_default=True, help="Weights of CVaR from 0 to 1."
)
@shared
def frontier(path: str, points: int, changes: tuple[str, ...], **options: Any) -> int:
    """Return against tail risk: the best plan for every weight of CVaR, the ends, and the tangent point."""

    check_options(changes, options["time_limit"])
    variant, limit = options["variant"], options["time_limit"]
    case = load_case(path, variant, changes)
    from optimizer.studies import frontier as engine

    key = engine.key(case, points, variant, changes, limit)

    def solve(executor: Any, journal: Any, told: Any) -> Any:
        settings = {"variant": variant, "changes": changes, "limit": limit, "journal": journal, "progress": told}
        return engine.run(path, case, points, executor, **settings)

    found = run(case, "frontier", folder_label(variant, changes) or "", key, points + 1, solve, engine.write, options)
    print_now(lambda: show_frontier(found, options["as_json"]))
    return exit_code([one.point for one in (*found.points, found.own, found.worst)])


class Share(click.ParamType):
    """A share such as 10 % or 0.1, above 0 and below 1."""

    name = "share"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        from optimizer.case.reading.units import UnitError, parse_quantity

        try:
            found = value if isinstance(value, float) else parse_quantity(str(value), "1")
        except UnitError as problem:
            self.fail(problem.message + (f": {problem.hint}" if problem.hint else ""), param, ctx)
        if not 0.0 < found < 1.0:
            self.fail(f"expected a share above 0 and below 100 %. Currently it is {value}.", param, ctx)
        return found


@click.command()
@click.argument("path", metavar="CASE")
@click.option("--by", type=Share(), default="10 %", show_default=True, metavar="SHARE", help="How far each input is moved.")
@click.option("--vary", "wanted", multiple=True, metavar="PATH", help="Move this input. Repeatable.  [default: all numbers]")
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many are shown.")
@shared
def tornado(path: str, by: float, wanted: tuple[str, ...], top: int, changes: tuple[str, ...], **options: Any) -> int:
    """Which inputs matter: each down and up by the same share, ranked by what it does to the objective."""

    check_options(changes, options["time_limit"])
    variant, limit = options["variant"], options["time_limit"]
    case = load_case(path, variant, changes)
    from optimizer.studies import tornado as engine

    try:
        chosen = engine.choose(case, wanted)
    except ValueError as problem:
        raise Mistaken(f"--vary {problem}") from None
    key = engine.key(case, chosen, by, variant, changes, limit)

    def solve(executor: Any, journal: Any, told: Any) -> Any:
        settings = {"variant": variant, "changes": changes, "limit": limit, "journal": journal, "progress": told}
        return engine.run(path, case, chosen, by, executor, **settings)

    name = " ".join(filter(None, [folder_label(variant, changes), *wanted, "" if by == 0.1 else f"by {by:.6g}"]))
    found = run(case, "tornado", name, key, 2 * len(chosen), solve, lambda one, target: engine.write(one, target, top), options)
    print_now(lambda: show_tornado(found, top, options["as_json"]))
    return exit_code([found.own, *(one for bar in found.bars for one in (bar.down, bar.up))])


def run(
    case: Case,
    verb: str,
    name: str,
    key: str,
    count: int,
    solve: Callable[..., Any],
    write: Callable[..., Any],
    options: dict[str, Any],
) -> Any:
    """Solve with a journal, write the result, and forget the journal."""
    from optimizer.cli.progress import Progress
    from optimizer.results import folder
    from optimizer.runtime.executor import Executor, ExecutorError
    from optimizer.runtime.interrupts import prompt
    from optimizer.studies.warm_chains import CHAIN_LENGTH, Journal

    quiet, workers, scheduler = options["quiet"], options["workers"], options["scheduler"]
    target = folder.folder(options["out"], case.name, f"{verb}-{name}" if name else verb)
    part = target.parent / f".{verb}-{key}.part"
    try:
        folder.prepare(target)
        journal = Journal(part, options["restart"])
        size = min(workers or os.cpu_count() or 1, -(-count // CHAIN_LENGTH)) if scheduler is None else workers
        with Progress(sys.stderr, quiet) as progress, prompt(), Executor(size, scheduler, progress.tick) as executor:
            found = solve(executor, journal, Watch(progress))
        written = write(found, target)
    except (ResultError, ExecutorError) as problem:
        raise Mistaken(str(problem)) from None
    except OSError as problem:
        raise Mistaken(f"cannot write {part}: {reason_of(problem)}") from None
    journal.remove()
    if not quiet:
        click.echo(f"{verb} in {written}", err=True)
    return found


class Watch:
    """Points done, and how long the rest will take at the pace so far."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.start = time.perf_counter()

    def __call__(self, done: int, of: int, taken: int) -> None:
        numbers: dict[str, Any] = {"of": of, "done": done}
        if taken:
            numbers["kept"] = taken
        if done > taken and done < of:
            from optimizer.cli.progress import duration

            left = (time.perf_counter() - self.start) / (done - taken) * (of - done)
            numbers["left"] = f"about {duration(left)}"
        self.progress("points", **numbers)


# ---- on the terminal ---------------------------------------------------------------------------------------------------


def show_sweep(found: Any, as_json: bool) -> None:
    """Print a sweep."""
    from optimizer.results.serialise import to_json
    from optimizer.studies import sweep as engine
    from optimizer.studies.comparison import shown

    if as_json:
        click.echo(to_json(engine.account(found)).encode("utf-8", "replace"), nl=False)
        return
    keys = ("objective", "expected_npv", "cvar", "debt_raised", "capex")
    header = [*(axis.path for axis in found.grid.axes), "objective", "expected NPV", "CVaR", "debt raised", "capex"]
    rows = []
    for place, point in zip(found.grid.places(), found.points, strict=True):
        at = [axis.short(k) for axis, k in zip(found.grid.axes, place, strict=True)]
        told = [shown(key, point.values[key]) for key in keys] if point.optimal else [point.status]
        rows.append([*at, *told])
    print_table(header, rows[:MOST_ROWS], len(found.grid.axes))
    if rows[MOST_ROWS:]:
        click.echo(f"... and {len(rows) - MOST_ROWS} more points in sweep.csv")
    for text in (engine.sentence(found), *found.notes):
        click.echo(printable(text))


def show_frontier(found: Any, as_json: bool) -> None:
    """Print a frontier."""
    from optimizer.results.serialise import to_json
    from optimizer.studies import frontier as engine
    from optimizer.studies.comparison import shown

    if as_json:
        click.echo(to_json(engine.account(found)).encode("utf-8", "replace"), nl=False)
        return
    rows = []
    for one in (*found.points, found.own, found.worst):
        money = [shown("cvar", value) for value in (one.expected, one.cvar, one.var)]
        rows.append([one.point.name, f"{one.weight:.0%}", *money, shown("peak_debt", one.point.values.get("peak_debt"))])
        if not one.point.optimal:
            rows[-1][2:] = [one.point.status]
    print_table(["point", "weight", "expected NPV", "CVaR", "VaR", "highest debt"], rows, 1)
    for text in engine.sentences(found):
        click.echo(printable(text))


def show_tornado(found: Any, top: int, as_json: bool) -> None:
    """Print a tornado."""
    from optimizer.results.serialise import to_json
    from optimizer.studies import tornado as engine

    if as_json:
        click.echo(to_json(engine.account(found)).encode("utf-8", "replace"), nl=False)
        return
    print_table(engine.HEADER, engine.lines(found, top), 2)
    if found.bars[top:]:
        click.echo(f"... and {len(found.bars) - top} more inputs in tornado.csv")
    click.echo(printable(engine.sentence(found)))
    for one, why in found.unmoved[:top]:
        click.echo(printable(f"not moved: {one}: {why}"))


def print_table(header: list[str], rows: list[list[str]], left: int) -> None:
    """Columns of text, the first `left` of them flush left."""
    whole = [header, *(row + [""] * (len(header) - len(row)) for row in rows)]
    widths = [max(len(row[k]) for row in whole) for k in range(len(header))]
    for row in whole:
        cells = [one.ljust(w) if k < left else one.rjust(w) for k, (one, w) in enumerate(zip(row, widths, strict=True))]
        click.echo(printable("  ".join(cells).rstrip()))


def exit_code(points: Sequence[Point]) -> int:
    """The worst of those that could not be told; where none has a plan, that."""
    from optimizer.cli.exit_codes import DONE, EXIT_CODES, NO_PLAN, UNVERIFIED, USAGE

    codes = [USAGE if one.status == INVALID else EXIT_CODES.get(one.status.upper(), UNVERIFIED) for one in points]
    if all(code == NO_PLAN for code in codes):
        return NO_PLAN
    return max((code for code in codes if code not in (NO_PLAN, USAGE)), default=DONE)
