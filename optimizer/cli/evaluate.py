"""`wattfolio evaluate`: a plan on fresh futures."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from optimizer.cli.common import Mistaken, check_options, folder_label, load_case, print_now
from optimizer.cli.exit_codes import DONE
from optimizer.text import money, percent

if TYPE_CHECKING:
    from optimizer.studies.evaluate import Evaluation


@click.command()
@click.argument("path", metavar="CASE")
@click.option("--variant", metavar="NAME", help="The case with a variant of it.")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value. Repeatable.")
@click.option("--fresh", type=click.IntRange(50, 200), default=50, show_default=True, help="Paths drawn anew.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1001, show_default=True, help="Of the fresh paths: another than the case's."
)
@click.option("--out", "out", default="out", show_default=True, metavar="DIR", help="Where evaluation.csv is written.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON and nothing else.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop each solve after this time.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes. The answer is the same.  [default: all cores]"
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def evaluate(
    path: str, variant: str | None, changes: tuple[str, ...], fresh: int, seed: int, out: str, as_json: bool, time_limit: float | None,
    workers: int | None, quiet: bool,
) -> int:  # fmt: skip
    """Judge the plan of a case with drawn scenarios on fresh paths: today's decisions are kept, the rest is decided anew on each.

    Each path is then known as a whole, so what is told is an upper end of what the plan can earn.
    """
    check_options(changes, time_limit)
    case = load_case(path, variant, changes)
    from optimizer.cli.progress import Progress
    from optimizer.results import folder as results
    from optimizer.results import serialise
    from optimizer.runtime.executor import Executor, ExecutorError
    from optimizer.runtime.interrupts import prompt
    from optimizer.studies import evaluate as study

    target = results.folder(out, case.name, f"{folder_label(variant, changes) or results.BASE}-evaluation")
    try:
        results.prepare(target)
        count = min(workers or os.cpu_count() or 1, fresh)
        with Progress(sys.stderr, quiet) as progress, prompt(), Executor(count, None, progress.tick) as executor:
            progress("paths", of=fresh, done=0)
            found = study.evaluate(case, fresh, seed, executor, time_limit, lambda done, of: progress("paths", of=of, done=done))
        figures = {"schema": 1, "case": case.name, "variant": variant, "digest": case.digest, "seed": seed, "paths": fresh,
                   "in_sample": {"expected": found.expected, "cvar": found.cvar}, "out_of_sample": found.figures()}  # fmt: skip
        made = {"evaluation.csv": serialise.to_csv(study.table(found)).encode("utf-8", "replace"),
                "evaluation.json": serialise.to_json(figures).encode()}  # fmt: skip
        written = results.write_files(target, made, {"case": case.name})
    except (serialise.ResultError, ExecutorError) as problem:
        raise Mistaken(str(problem)) from None
    except study.EvaluationError as problem:
        raise Mistaken(f"{path}: {problem}") from None
    text = serialise.to_json(figures) if as_json else "\n".join(_lines(case.name, found)) + "\n"
    print_now(lambda: click.echo(text, nl=False))
    if not quiet:
        click.echo(f"evaluation in {written}", err=True)
    return DONE


def _lines(name: str, found: Evaluation) -> list[str]:
    figures = found.figures()
    error, mean = figures["standard_error"], figures["mean"]
    out = [
        f"{name}: the plan on {len(found.paths)} fresh paths of seed {found.seed}",
        "  today's decisions are kept, the rest is decided anew on each path",
        "",
        f"  {'':<28}{'in sample':>14}{'out of sample':>28}",
        f"  {'expected value':<28}{money(found.expected):>14}{_with_error(mean, error):>28}",
        f"  {f'CVaR, worst {percent(found.tail)}':<28}{money(found.cvar):>14}{_money(figures['cvar']):>28}",
    ]
    out += [f"  {f'{q} % of paths earn less than':<28}{'':>14}{_money(figures.get(f'quantile_{q}')):>28}" for q in (5, 50, 95)]
    if mean is None:
        return [*out, "", "no path has a plan with today's decisions"]
    regret, rescue, lost = figures["regret"], figures["rescue"], figures["no_plan"]
    out += [
        "",
        f"  rescue money is taken on {percent(rescue)} of paths",
        f"  {percent(lost)} of paths have no plan, and are not in the figures above",
    ]
    out.append(f"  with today decided for each path by itself: {_money(regret)} more, on average")
    out.append("  each path is known as a whole after today: the figures are an upper end")
    reasons = dict.fromkeys(path.reason for path in found.paths if path.value is None and path.reason)
    return [*out, *(f"  without a plan: {reason}" for reason in reasons)]


def _money(value: float | None) -> str:
    return "-" if value is None else money(value)


def _with_error(value: float | None, error: float | None) -> str:
    return "-" if value is None else money(value) if error is None else f"{money(value)} +- {money(error)}"
