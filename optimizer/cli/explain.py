"""`wattfolio explain`: why this plan, or why none."""

from __future__ import annotations

import sys

import click

from optimizer.cli.common import Mistaken, check_options, how_it_ended, load_case, print_now, reason_of
from optimizer.cli.exit_codes import DONE, EXIT_CODES, NO_PLAN
from optimizer.cli.solve import print_solution
from optimizer.runtime import files


@click.command()
@click.argument("path", metavar="CASE")
@click.option("--variant", metavar="NAME", help="Explain this variant of the case.")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value. Repeatable.")
@click.option(
    "--baseline",
    "thumbs",
    multiple=True,
    metavar="NAME",
    help="Compare with a rule of thumb: no-new-investment, all-equity, mine-only, ai-only, payback-N (months). Repeatable.",
)
@click.option("--prices", "prices_file", metavar="FILE", help="Write what every limit and rule is worth to a CSV file.")
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON and nothing else.")
@click.option(
    "--time-limit",
    type=float,
    metavar="SECONDS",
    help="Stop the solver after this time; without a plan, also the search for repairs.  [default: no limit; so much work for the search]",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def explain(
    path: str,
    variant: str | None,
    changes: tuple[str, ...],
    thumbs: tuple[str, ...],
    prices_file: str | None,
    as_json: bool,
    time_limit: float | None,
    quiet: bool,
) -> int:
    """Say why this plan, what every rule costs and what is scarce; or why there is no plan.

    Without a plan: the smallest set of statements of the case that collide, each with its place, and for each the least change that
    makes room for a plan, tried on the case. Exit codes are those of solve.
    """
    check_options(changes, time_limit)
    case = load_case(path, variant, changes)

    from optimizer.cli.explain_text import explained, unknown_thumb, without_plan
    from optimizer.cli.progress import Progress
    from optimizer.engine.solve import solve_warm
    from optimizer.explain.no_plan.explanation import refuted, unproved
    from optimizer.runtime.interrupts import prompt

    for thumb in thumbs:
        if (wrong := unknown_thumb(thumb)) is not None:
            raise click.BadParameter(wrong, param_hint="'--baseline'")

    def say(text: str) -> None:
        progress.clear()
        print_now(lambda: click.echo(text, nl=False))

    with Progress(sys.stderr, quiet) as progress, prompt():
        analyser = refuted(case, progress)
        solved = None if analyser else solve_warm(case, time_limit=time_limit, progress=progress)
        solution = None if solved is None else solved.solution
        if solution is not None and unproved(solution):
            analyser = refuted(case, progress, thorough=True)
        ended = "INFEASIBLE" if solution is None or analyser is not None else solution.outcome.name
        if analyser is not None:
            reasons = without_plan(analyser, time_limit, progress, None if as_json else say)
        elif solution is not None and EXIT_CODES[ended] == NO_PLAN:
            reasons = without_plan(solution, time_limit, progress, None if as_json else say)
        elif solved is not None and solved.warm is not None:
            found = explained(solved, thumbs, progress)
    if EXIT_CODES[ended] == NO_PLAN:
        print_now(lambda: click.echo(reasons.json if as_json else reasons.text, nl=False))
        click.echo(how_it_ended(ended), err=True)
        if thumbs or prices_file is not None:
            click.echo("--baseline and --prices are about a plan: there is none", err=True)
        return NO_PLAN
    assert solved is not None and solution is not None
    if solved.warm is None:
        print_now(lambda: print_solution(solution, as_json))
        click.echo(how_it_ended(ended), err=True)
        return EXIT_CODES[ended]
    if prices_file is not None:
        try:
            files.write_out(prices_file, found.prices_csv.encode())
        except (OSError, ValueError) as problem:
            raise Mistaken(f"cannot write {prices_file}: {reason_of(problem)}") from None
    print_now(lambda: click.echo(found.json if as_json else found.text, nl=False))
    return DONE
