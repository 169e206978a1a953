"""`wattfolio check`: optimal solutions against the blessed ones."""

from __future__ import annotations

import click

from optimizer.cli.common import Mistaken, check_options, print_now
from optimizer.cli.exit_codes import DONE


@click.command()
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option(
    "--variant", "variants", multiple=True, metavar="NAME", help="Only this variant; base: the case itself. Repeatable."
)
@click.option("--results", default="results", show_default=True, metavar="DIR", help="Where blessed results are.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON and nothing else.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML.")
@click.option("--summary", metavar="FILE", help="Append a summary in Markdown.  [default: GITHUB_STEP_SUMMARY, if set]")
@click.option("--bless", is_flag=True, help="Show what differs, then make the new results the blessed ones.")
@click.option("--reason", metavar="TEXT", help="Why they are blessed; recorded with them.")
@click.option("--date", metavar="YYYY-MM-DD", help="Recorded with them too.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Solve N at a time, in processes.  [default: 1]")
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop the solver after this time, for each.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def check(
    cases: tuple[str, ...],
    variants: tuple[str, ...],
    results: str,
    as_json: bool,
    junit: str | None,
    summary: str | None,
    bless: bool,
    reason: str | None,
    date: str | None,
    workers: int | None,
    time_limit: float | None,
    quiet: bool,
) -> int:
    """Solve cases, all variants of all in cases/ by default, and compare with blessed results."""
    check_options((), time_limit)
    reason = " ".join((reason or "").split())
    if bless and not reason:
        raise click.UsageError("--bless needs --reason TEXT: why the new results are right")
    if not bless and (reason or date):
        raise click.UsageError("--reason and --date go with --bless")
    if date is not None:
        _check_date(date)

    from optimizer.results.serialise import ResultError
    from optimizer.runtime.executor import ExecutorError
    from optimizer.runtime.interrupts import prompt
    from optimizer.studies.regression import run as cli_check
    from optimizer.studies.regression import views
    from optimizer.studies.regression.check import exit_code

    told = None if quiet else lambda done, count: click.echo(f"{done} of {count} checked", err=True)
    try:
        wanted = cli_check.tasks(cases, variants, results, bless, {"time_limit": time_limit} if time_limit else {})
        with prompt():
            found = cli_check.empty(cli_check.run(wanted, workers, told))
        left = cli_check.leftovers(wanted, results, every_case=not cases and not variants, every_variant=not variants)
        if bless:
            for one in left:  # nothing can bless these, and nothing deletes them by itself
                click.echo(one.headline, err=True)
        else:
            found += left
        print_now(lambda: click.echo(views.to_json(found) if as_json else views.to_text(found), nl=False))
        for line in cli_check.publish(found, junit, summary):
            click.echo(line, err=True)
        if not bless:
            return exit_code(found)
        try:
            written = cli_check.bless(found, reason, date)
        except cli_check.UsageProblem as problem:
            click.echo(str(problem), err=True)
            return exit_code(found)
    except (cli_check.UsageProblem, ExecutorError, ResultError) as problem:
        raise Mistaken(str(problem)) from None
    for path in written:
        click.echo(f"blessed {path}", err=True)
    if not written:
        click.echo("all results are as blessed: nothing was written", err=True)
    return DONE


def _check_date(text: str) -> None:
    from datetime import date

    try:
        if date.fromisoformat(text).isoformat() == text:
            return
    except ValueError:
        pass
    raise click.BadParameter(f'"{text}" is no date like 2026-01-31', param_hint="'--date'")
