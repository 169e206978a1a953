"""`wattfolio compare`: financing mixes side by side."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from optimizer.cli.common import Mistaken, check_options, load_case, print_now
from optimizer.results import serialise

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.studies.without import Without


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="CASE...")
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Compare this variant. Repeatable.  [default: all]")
@click.option("--mixes", "mixed", is_flag=True, help="Compare pure mixes: shares only, and shares with one instrument of debt.")
@click.option(
    "--without",
    "left_out",
    multiple=True,
    metavar="WHAT",
    help="Compare with the same case without new ai, debt or rigs, or an instrument, site, service or rig model by name. Repeatable.",
)
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value in all of them. Repeatable.")
@click.option("--out", "out", default="out", show_default=True, metavar="DIR", help="Where DIR/<case>/comparison/ is written.")
@click.option("--json", "as_json", is_flag=True, help="Print comparison.json and nothing else.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comparison.csv and nothing else.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop each solve after this time.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Solve in N processes.  [default: one for each core]")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Solve on a Dask cluster, as in tcp://192.0.2.7:8786. It is trusted: it can run code here.",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def compare(
    paths: tuple[str, ...],
    variants: tuple[str, ...],
    mixed: bool,
    left_out: tuple[str, ...],
    changes: tuple[str, ...],
    out: str,
    as_json: bool,
    as_csv: bool,
    time_limit: float | None,
    workers: int | None,
    scheduler: str | None,
    quiet: bool,
) -> int:
    """Solve a case and its variants, or several cases, and put the plans side by side."""
    check_options(changes, time_limit)
    if as_json and as_csv:
        raise click.UsageError("--json and --csv do not go together")
    if left_out and len(paths) > 1:
        raise click.UsageError("--without compares one case with itself: give one case")
    from optimizer.cli import compare_text
    from optimizer.cli.progress import Progress
    from optimizer.results import folder as results
    from optimizer.runtime.executor import Executor, ExecutorError
    from optimizer.runtime.interrupts import prompt
    from optimizer.studies.without import solve_pairs, told_of_pairs

    cases = [(path, load_case(path, None, changes)) for path in paths]
    for path, case in cases:
        wanted = [name for name in variants if name in case.variants]
        if len(cases) == 1 and (unknown := [name for name in variants if name not in case.variants]):
            load_case(path, unknown[0], changes)  # says what there is
        for name in wanted:
            load_case(path, name, changes)
    if lost := [name for name in variants if all(name not in case.variants for _, case in cases)]:
        raise Mistaken(f'no case has a variant "{lost[0]}"')
    from optimizer.studies.mixes import jobs_for

    pairs = _pairs(cases[0][1], left_out) if left_out else ()
    jobs = jobs_for(cases, variants, mixed, changes, time_limit, pairs)
    target = results.folder(out, cases[0][1].name if len(cases) == 1 else "comparison", "comparison")
    try:
        results.prepare(target)
        count = min(workers or os.cpu_count() or 1, len(jobs)) if scheduler is None else workers
        with Progress(sys.stderr, quiet) as progress, prompt(), Executor(count, scheduler, progress.tick) as executor:
            progress("plans", of=len(jobs), done=0)
            points, found_pairs = solve_pairs(
                cases[0][1], jobs, pairs, executor, lambda done, of: progress("plans", of=of, done=done)
            )
    except (serialise.ResultError, ExecutorError) as problem:
        raise Mistaken(str(problem)) from None
    found = compare_text.Comparison(
        " and ".join(case.name for _, case in cases), tuple(points), told_of_pairs(points, found_pairs)
    )
    try:
        written = compare_text.write(found, target)
    except serialise.ResultError as problem:
        raise Mistaken(str(problem)) from None
    print_now(lambda: compare_text.show(found, as_json, as_csv))
    if not quiet:
        click.echo(f"comparison in {written}", err=True)
    return compare_text.exit_code(found)


def _pairs(case: Case, left_out: tuple[str, ...]) -> tuple[Without, ...]:
    """What is left out of a case. Raises Mistaken."""
    from optimizer.studies.without import WithoutError, without

    try:
        return tuple(without(case, what) for what in dict.fromkeys(left_out))
    except WithoutError as problem:
        raise Mistaken(str(problem)) from None
