"""The command line. Results on stdout, progress and diagnostics on stderr.

Exit codes: 0 done; 1 `check` found a difference; 2 usage or invalid case; 3 proved infeasible or unbounded; 4 stopped at
a limit; 5 verification failed; 130 interrupted. A traceback is a bug: nothing here hides one. What stdout does not take is told on stderr, with
code 2 whatever else there was to tell; a reader that has gone (`| head`) and a stderr that is full, closed or gone change no code.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import math
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from optimizer import __version__
from optimizer.cli import streams, studies
from optimizer.cli.report import report
from optimizer.runtime import files
from optimizer.runtime.interrupts import hear

# Everything heavy is imported inside the commands: `wattfolio --help` answers in under 0.3 s.
if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.engine.master import Solution

DONE, DIFFERENT, USAGE, NO_PLAN, LIMIT, UNVERIFIED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
EXIT_CODES = {
    "OPTIMAL": DONE, "INFEASIBLE": NO_PLAN, "UNBOUNDED": NO_PLAN, "LIMIT": LIMIT, "UNVERIFIED": UNVERIFIED
}  # fmt: skip
TEMPLATES = Path(__file__).with_name("templates")
FIRST_TEMPLATE = "quickstart"
PIPE_WIDTH = 100  # columns where there is no terminal to ask


class Mistaken(click.ClickException):
    """A user's mistake, told in its own words; exit code 2."""

    exit_code = USAGE

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file or sys.stderr)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    with contextlib.suppress(ValueError):  # not in the main thread
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, hear)
    code = run(arguments)
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: Ctrl-C while Python ends changes nothing
    if code != INTERRUPTED:
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    # Python takes up to a second to take a heap of programs apart, object by object; and where KeyboardInterrupt has come out of an exec
    # (imports do that) it would end by the signal, not with the code
    os._exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code of a command line."""
    with streams.kept() as why:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to fail
        code = _run(arguments)
        if (lost := why()) is not None and code != INTERRUPTED:
            click.echo(f"cannot write to standard output: {lost}", err=True)
            return USAGE
        return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = cli.main(args=arguments, prog_name="wattfolio", standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except click.ClickException as mistake:
        mistake.show()
        return mistake.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED


def _say(print_it: Callable[[], None]) -> None:
    """Print to stdout, now."""
    print_it()
    sys.stdout.flush()


# ---------------------------------------------------------------------------------------------------------------------


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wattfolio")
def cli() -> None:
    """A portfolio optimiser for watts: rigs, halls, financing and hours in one proved linear program.

    \b
    Exit codes: 0 done; 1 check found a difference; 2 usage or invalid case; 3 proved infeasible or unbounded;
    4 stopped at a limit; 5 verification failed; 130 interrupted.
    """


@cli.command()
@click.argument("name", required=False)
@click.option("--template", "-t", default=FIRST_TEMPLATE, show_default=True, help="What to begin with.")
@click.option("--list", "listed", is_flag=True, help="List the templates and leave.")
def new(name: str | None, template: str, listed: bool) -> int:
    """Write NAME.yaml, a case that runs as written."""
    found = {path.stem: path for path in sorted(TEMPLATES.glob("*.yaml"))}
    if listed:
        told = "\n".join(f"{stem:20} {_first_comment(path)}".rstrip() for stem, path in found.items())
        _say(lambda: click.echo(told))
        return DONE
    if name is None:
        raise click.UsageError("Missing argument 'NAME': how the case is to be called. --list shows the templates.")
    if template not in found:
        import difflib

        near = difflib.get_close_matches(template, found, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(found) or 'none'}"
        raise Mistaken(f'no template "{template}": {hint}')
    target = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    text = found[template].read_bytes()
    try:
        with open(target, "xb") as stream:
            stream.write(text)
    except FileExistsError:
        raise Mistaken(f"{target} exists already and is left as it is: choose another name") from None
    except (OSError, ValueError) as problem:
        raise Mistaken(f"cannot write {target}: {_why(problem)}") from None
    click.echo(f"wrote {target}: run  wattfolio solve {target}", err=True)
    return DONE


def _first_comment(path: Path) -> str:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.lstrip("# ").strip() if first.startswith("#") else ""


@cli.command()
@click.argument("cases", nargs=-1, required=True, metavar="CASE...")
@click.option("--variant", metavar="NAME", help="Check this variant alone.  [default: the case and all its variants]")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value in all of them. Repeatable.")
def validate(cases: tuple[str, ...], variant: str | None, changes: tuple[str, ...]) -> int:
    """Check cases, with the place of every mistake in them."""
    _check_options(changes, None)
    bad = 0
    for path in cases:
        try:
            case = _load(path, variant, changes)
            notes = [*case.notes, *(_variants(case, path, changes) if variant is None else ())]
        except Mistaken as mistake:
            mistake.show()
            bad += 1
        else:
            _say(lambda lines=(f"{path}: valid", *(f"  note: {one}" for one in notes)): click.echo("\n".join(lines)))  # type: ignore[misc]
    return USAGE if bad else DONE


def _variants(case: Case, path: str, changes: tuple[str, ...]) -> list[str]:
    """Notes that a variant has and the case has not. A patch that does not apply is a mistake of the case too."""
    notes = []
    for name in case.variants:
        try:
            notes += [f"variant {name}: {note}" for note in _load(path, name, changes).notes if note not in case.notes]
        except Mistaken as mistake:
            raise Mistaken(f"variant {name}:\n{mistake.message}") from None
    return notes


@cli.command()
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
    _check_options(changes, time_limit, memory_limit)
    if method == "extensive" and ((workers or 1) > 1 or scheduler is not None):
        raise click.UsageError(
            "--workers and --scheduler share out hours that are valued: they do not go with --method extensive"
        )
    case = _load(path, variant, changes)

    from optimizer.cli.progress import Progress
    from optimizer.cli.workbook import workbook_of
    from optimizer.engine import master
    from optimizer.results import folder as results
    from optimizer.runtime.executor import Executor, ExecutorError
    from optimizer.runtime.interrupts import prompt
    from optimizer.runtime.watchdog import Watchdog

    label = _label(variant, changes)
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
                solution = master.solve(case, method=method, time_limit=time_limit, progress=progress, executor=executor)
            code = EXIT_CODES[solution.outcome.name]
            if code == DONE:
                book, missing = workbook_of(solution, xlsx)
                if missing is not None and not xlsx:
                    click.echo(missing, err=True)
                try:
                    written = results.write(solution, out, label=label, dispatch=dispatch, workbook=book, latest=True)
                except results.ResultError as problem:
                    trouble = str(problem)
                if xlsx and missing is not None:
                    trouble = trouble or missing
            elif code == UNVERIFIED:
                with contextlib.suppress(results.ResultError):  # what is told of the answer is told all the same
                    aside = results.write_unverified(solution, out, label=label)
    except (results.ResultError, ExecutorError) as problem:
        raise Mistaken(str(problem)) from None
    _say(lambda: _print(solution, as_json))
    if code != DONE:
        click.echo(_verdict(solution, aside), err=True)
    elif trouble is not None:
        raise Mistaken(trouble)
    elif not quiet:
        click.echo(f"results in {written}", err=True)
    return code


def _check_options(changes: tuple[str, ...], time_limit: float | None, memory_limit: float | None = None) -> None:
    """What is wrong with options whatever the case."""
    if time_limit is not None and not (math.isfinite(time_limit) and time_limit > 0.0):
        raise click.BadParameter("expected a number of seconds above 0", param_hint="'--time-limit'")
    if memory_limit is not None and not (math.isfinite(memory_limit) and memory_limit > 0.0):
        raise click.BadParameter("expected a number of gigabytes above 0", param_hint="'--memory-limit'")
    for change in changes:
        if not change.partition("=")[0].strip() or "=" not in change:
            message = f'"{change}" is not PATH=VALUE, as in "financing.notes.limit=0 USD"'
            raise click.BadParameter(message, param_hint="'--set'")


def _print(solution: Solution, as_json: bool) -> None:
    if as_json:
        from optimizer.results.folder import summary, to_json

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
    from optimizer.results.folder import SCHEMA, to_json
    from optimizer.results.terminal import money

    upper, lower = bounds
    if as_json:
        told = {"schema": SCHEMA, "case": case.name, "variant": case.variant, "digest": case.digest, "status": "limit"}
        text = to_json({**told, "reasons": [why], "objective": None, "upper_bound": upper, "lower_bound": lower})
    else:
        known = [f"{name} bound {money(usd)}" for name, usd in (("upper", upper), ("lower", lower)) if usd is not None]
        text = f"{case.name}: stopped; {', '.join(known) or 'no bound was reached'}\n"
    click.echo(text, nl=False)
    click.echo(f"{why}; nothing was written, an earlier result is untouched", err=True)


def _ended(outcome: str) -> str:
    """What is not a plan, in one sentence; outcome: the name of an `engine.Outcome`."""
    return {
        "INFEASIBLE": "no plan can meet the rules and limits of this case, and that is proved",
        "UNBOUNDED": "something earns more than it costs without limit, and that is proved",
        "LIMIT": "stopped at a limit before the optimum was proved",
        "UNVERIFIED": "the answer did not pass verification",
    }[outcome]


def _verdict(solution: Solution, aside: Path | None = None) -> str:
    """The same for stderr, with what became of results and where more is told; the reasons stand on stdout. aside: see
    `results.write_unverified`."""
    kept = "nothing was written" if aside is None else f"the plan lies in {aside}, to look at only"
    told = f"{_ended(solution.outcome.name)}; {kept}, an earlier result is untouched"
    if EXIT_CODES[solution.outcome.name] == NO_PLAN:
        case = solution.case
        variant = [] if case.variant is None else ["--variant", case.variant]
        again = ["wattfolio", "explain", str(case.path), *variant, *(word for one in case.settings for word in ("--set", one))]
        told += f"\nwhat stands against a plan, and what would help:  {shlex.join(again)}"
    return told


@cli.command()
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
    help="Stop the solver after this time; without a plan, also the search for repairs.  [default: no limit; 30 for the search]",
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
    _check_options(changes, time_limit)
    case = _load(path, variant, changes)

    from optimizer.cli.explain_text import explained, unknown_thumb, without_plan
    from optimizer.cli.progress import Progress
    from optimizer.engine import master
    from optimizer.explain.no_plan.explanation import refuted, unproved
    from optimizer.runtime.interrupts import prompt

    for thumb in thumbs:
        if (wrong := unknown_thumb(thumb)) is not None:
            raise click.BadParameter(wrong, param_hint="'--baseline'")

    def say(text: str) -> None:
        progress.clear()
        _say(lambda: click.echo(text, nl=False))

    with Progress(sys.stderr, quiet) as progress, prompt():
        bench = refuted(case, progress)
        solution = None if bench else master.solve(case, time_limit=time_limit, progress=progress, keep=True)
        if solution is not None and unproved(solution):
            bench = refuted(case, progress, thorough=True)
        ended = "INFEASIBLE" if solution is None or bench is not None else solution.outcome.name
        if bench is not None:
            reasons = without_plan(bench, time_limit, progress, None if as_json else say)
        elif solution is not None and EXIT_CODES[ended] == NO_PLAN:
            reasons = without_plan(solution, time_limit, progress, None if as_json else say)
        elif solution is not None and solution.kept is not None:
            found = explained(solution, thumbs, progress)
    if EXIT_CODES[ended] == NO_PLAN:
        _say(lambda: click.echo(reasons.json if as_json else reasons.text, nl=False))
        click.echo(_ended(ended), err=True)
        if thumbs or prices_file is not None:
            click.echo("--baseline and --prices are about a plan: there is none", err=True)
        return NO_PLAN
    assert solution is not None
    if solution.kept is None:
        _say(lambda: _print(solution, as_json))
        click.echo(_ended(ended), err=True)
        return EXIT_CODES[ended]
    if prices_file is not None:
        try:
            files.write_out(prices_file, found.prices_csv.encode())
        except (OSError, ValueError) as problem:
            raise Mistaken(f"cannot write {prices_file}: {_why(problem)}") from None
    _say(lambda: click.echo(found.json if as_json else found.text, nl=False))
    return DONE


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="CASE...")
@click.option("--variant", "variants", multiple=True, metavar="NAME", help="Compare this variant. Repeatable.  [default: all]")
@click.option("--mixes", "mixed", is_flag=True, help="Compare pure mixes: shares only, and shares with one instrument of debt.")
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
    _check_options(changes, time_limit)
    if as_json and as_csv:
        raise click.UsageError("--json and --csv do not go together")
    from optimizer.cli import compare_text
    from optimizer.cli.progress import Progress
    from optimizer.results import folder as results
    from optimizer.runtime.executor import Executor, ExecutorError
    from optimizer.runtime.interrupts import prompt
    from optimizer.studies.jobs import solve_many

    cases = [(path, _load(path, None, changes)) for path in paths]
    for path, case in cases:
        wanted = [name for name in variants if name in case.variants]
        if len(cases) == 1 and (unknown := [name for name in variants if name not in case.variants]):
            _load(path, unknown[0], changes)  # says what there is
        for name in wanted:
            _load(path, name, changes)
    if lost := [name for name in variants if all(name not in case.variants for _, case in cases)]:
        raise Mistaken(f'no case has a variant "{lost[0]}"')
    jobs = compare_text.jobs_for(cases, variants, mixed, changes, time_limit)
    target = results.folder(out, cases[0][1].name if len(cases) == 1 else "comparison", "comparison")
    try:
        results.prepare(target)
        count = min(workers or os.cpu_count() or 1, len(jobs)) if scheduler is None else workers
        with Progress(sys.stderr, quiet) as progress, prompt(), Executor(count, scheduler, progress.tick) as executor:
            progress("plans", of=len(jobs), done=0)
            points = solve_many(jobs, executor, lambda done, of: progress("plans", of=of, done=done))
    except (results.ResultError, ExecutorError) as problem:
        raise Mistaken(str(problem)) from None
    found = compare_text.Comparison(" and ".join(case.name for _, case in cases), tuple(points))
    try:
        written = compare_text.write(found, target)
    except results.ResultError as problem:
        raise Mistaken(str(problem)) from None
    _say(lambda: compare_text.show(found, as_json, as_csv))
    if not quiet:
        click.echo(f"comparison in {written}", err=True)
    return compare_text.exit_code(found)


for _verb in (report, studies.sweep, studies.tornado, studies.frontier):
    cli.add_command(_verb)


@cli.command()
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
    _check_options((), time_limit)
    reason = " ".join((reason or "").split())
    if bless and not reason:
        raise click.UsageError("--bless needs --reason TEXT: why the new results are right")
    if not bless and (reason or date):
        raise click.UsageError("--reason and --date go with --bless")
    if date is not None:
        _check_date(date)

    from optimizer.results.folder import ResultError
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
        _say(lambda: click.echo(views.to_json(found) if as_json else views.to_text(found), nl=False))
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


@cli.command()
def schema() -> int:
    """Print the JSON schema of a case, for editors."""
    import json

    from optimizer.case.schema.case_model import case_schema

    text = json.dumps(case_schema(), indent=2, ensure_ascii=False)
    _say(lambda: click.echo(text))
    return DONE


# ---------------------------------------------------------------------------------------------------------------------


def _label(variant: str | None, changes: tuple[str, ...]) -> str | None:
    """Name of the result's folder: a changed case must not take the place of the case as it stands."""
    return " ".join([*([variant] if variant else []), *changes]) or None


def _load(path: str, variant: str | None = None, changes: Sequence[str] = ()) -> Case:
    """The case, or its mistakes in one exception."""
    from optimizer.case.case import Case
    from optimizer.case.reading.diagnostics import CaseError

    try:
        if Path(path).is_dir():
            raise Mistaken(f"{path}: this is a folder; a case is a YAML file")
        if not Path(path).exists():
            raise Mistaken(f"{path}: there is no such file")
        return Case.load(path, variant=variant, settings=changes)
    except CaseError as error:
        count = len(error.mistakes)
        raise Mistaken(f"{error}\n{count} mistake{'s' if count > 1 else ''}") from None
    except OSError as problem:
        raise Mistaken(f"{path}: {_why(problem)}") from None


def _why(problem: Exception) -> str:
    """An operating system's complaint in its own words, without its number."""
    if isinstance(problem, FileNotFoundError):
        return "there is no such file"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror[:1].lower() + problem.strerror[1:]
    return str(problem)
