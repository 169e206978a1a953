"""`wattfolio solve`: one case to a proved plan."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.cli.common import PIPE_WIDTH, Mistaken, check_options, folder_label, how_it_ended, load_case, print_now
from optimizer.cli.exit_codes import DONE, EXIT_CODES, LIMIT, NO_PLAN, UNVERIFIED
from optimizer.results import serialise

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.engine.solution import Solution


@click.command()
@click.argument("path", metavar="CASE")
@click.option("--variant", metavar="NAME", help="Solve this variant of the case.")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value. Repeatable.")
@click.option(
    "--method",
    type=click.Choice(["cuts", "extensive"]),
    default="cuts",
    show_default=True,
    help="cuts: every hour by its exact value; extensive: every hour written out (small cases, as a check).",
)
@click.option("--out", "out", default="out", show_default=True, metavar="DIR", help="Where results are written.")
@click.option("--json", "as_json", is_flag=True, help="Print summary.json and nothing else.")
@click.option("--dispatch", is_flag=True, help="Write every hour to dispatch.parquet too.")
@click.option(
    "--xlsx/--no-xlsx",
    "xlsx",
    default=None,
    help="Write workbook.xlsx, with live formulas, too.  [default: up to 40 periods]",
)
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop after this time, with the bounds reached.")
@click.option("--memory-limit", type=float, metavar="GB", help="Stop where the run and its workers hold more than this.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Work out the hours in N processes; with --scheduler, on N workers. The answer is the same.  [default: 1, or all there are]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Work out the hours on a Dask cluster, as in tcp://192.0.2.7:8786. It is trusted: it can run code here.",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def solve(
    path: str,
    variant: str | None,
    changes: tuple[str, ...],
    method: str,
    out: str,
    as_json: bool,
    dispatch: bool,
    xlsx: bool | None,
    time_limit: float | None,
    memory_limit: float | None,
    workers: int | None,
    scheduler: str | None,
    quiet: bool,
) -> int:
    """Solve a case, prove the plan, and write DIR/<case>/<variant>/."""
    check_options(changes, time_limit, memory_limit)
    if method == "extensive" and ((workers or 1) > 1 or scheduler is not None):
        raise click.UsageError(
            "--workers and --scheduler share out hours that are valued: they do not go with --method extensive"
        )
    case = load_case(path, variant, changes)

    from optimizer.cli.progress import Progress
    from optimizer.cli.workbook import workbook_of
    from optimizer.engine import solve as engine
    from optimizer.results import folder as results
    from optimizer.runtime.executor import Executor, ExecutorError
    from optimizer.runtime.forked import Forked
    from optimizer.runtime.interrupts import prompt
    from optimizer.runtime.watchdog import Watchdog

    label = folder_label(variant, changes)
    target = results.folder(out, case.name, label)
    trouble, aside = None, None
    progress = Progress(sys.stderr, quiet)

    def stopped(why: str) -> None:
        _stopped(case, why, progress.bounds, as_json)

    try:
        results.prepare(target)
        with results.claimed(target):
            with (
                Watchdog(time_limit, memory_limit, stopped, LIMIT),
                progress,
                prompt(),
                Executor(workers, scheduler, progress.tick) as executor,
            ):
                solution = engine.solve(case, method=method, time_limit=time_limit, progress=progress, executor=executor)
            code = EXIT_CODES[solution.outcome.name]
            if code == DONE:
                with Forked(lambda: workbook_of(solution, xlsx)) as apart:  # while the other files are made here
                    try:
                        written = results.write(
                            solution, out, label=label, dispatch=dispatch, workbook=lambda: apart.result()[0], latest=True
                        )
                    except serialise.ResultError as problem:
                        trouble = str(problem)
                    _, missing = apart.result()
                if xlsx and missing is not None:
                    trouble = trouble or missing
                elif missing is not None:
                    click.echo(missing, err=True)
            elif code == UNVERIFIED:
                with contextlib.suppress(serialise.ResultError):  # what is told of the answer is told all the same
                    aside = results.write_unverified(solution, out, label=label)
    except (serialise.ResultError, ExecutorError) as problem:
        raise Mistaken(str(problem)) from None
    print_now(lambda: print_solution(solution, as_json))
    if code != DONE:
        click.echo(_verdict(solution, aside), err=True)
    elif trouble is not None:
        raise Mistaken(trouble)
    elif not quiet:
        click.echo(f"results in {written}", err=True)
    return code


def print_solution(solution: Solution, as_json: bool) -> None:
    if as_json:
        from optimizer.results.serialise import to_json
        from optimizer.results.summary_json import summary

        click.echo(to_json(summary(solution)).encode(), nl=False)  # the bytes of the file, whatever the locale
        return
    from rich.console import Console

    from optimizer.results.terminal import render

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else PIPE_WIDTH, markup=False, emoji=False)
    with console.capture() as captured:  # rich ends the process itself where a pipe breaks
        render(solution, console)
    click.echo(captured.get(), nl=False, color=True)


def _stopped(case: Case, why: str, bounds: tuple[float | None, float | None], as_json: bool) -> None:
    """What is told of a run that is ended from outside: no plan, and the bounds that were verified."""
    from optimizer.results.serialise import SCHEMA, to_json
    from optimizer.text import money

    upper, lower = bounds
    if as_json:
        told = {"schema": SCHEMA, "case": case.name, "variant": case.variant, "digest": case.digest, "status": "limit"}
        text = to_json({**told, "reasons": [why], "objective": None, "upper_bound": upper, "lower_bound": lower})
    else:
        known = [f"{name} bound {money(usd)}" for name, usd in (("upper", upper), ("lower", lower)) if usd is not None]
        text = f"{case.name}: stopped; {', '.join(known) or 'no bound was reached'}\n"
    click.echo(text, nl=False)
    click.echo(f"{why}; nothing was written, an earlier result is untouched", err=True)


def _verdict(solution: Solution, aside: Path | None = None) -> str:
    """The same for stderr, with what became of results and where more is told; the reasons stand on stdout. aside: see
    `results.write_unverified`."""
    kept = "nothing was written" if aside is None else f"the plan lies in {aside}, to look at only"
    told = f"{how_it_ended(solution.outcome.name)}; {kept}, an earlier result is untouched"
    if EXIT_CODES[solution.outcome.name] == NO_PLAN:
        case = solution.case
        variant = [] if case.variant is None else ["--variant", case.variant]
        again = ["wattfolio", "explain", str(case.path), *variant, *(word for one in case.settings for word in ("--set", one))]
        told += f"\nwhat stands against a plan, and what would help:  {shlex.join(again)}"
    return told
