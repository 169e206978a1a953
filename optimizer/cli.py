"""The command line. Results on stdout, progress and diagnostics on stderr.

Exit codes: 0 done; 2 usage or invalid case; 3 proved infeasible or unbounded; 4 stopped at a limit; 5 verification
failed; 130 interrupted. A traceback is a bug: nothing here hides one.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from optimizer import __version__, cli_sweep

# Everything heavy is imported inside the commands: `wattfolio --help` answers in under 0.3 s.
if TYPE_CHECKING:
    from optimizer.case import Case
    from optimizer.engine import Solution

DONE, USAGE, NO_PLAN, LIMIT, UNVERIFIED, INTERRUPTED = 0, 2, 3, 4, 5, 130
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
    code = run(arguments)
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: Ctrl-C while Python ends changes nothing
    if code == INTERRUPTED:
        # Python would end by the signal, not with the code, where KeyboardInterrupt has come out of an exec (imports do that)
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code of a command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to fail
    code = _run(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
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
    except BrokenPipeError:  # `wattfolio ... | head`: the reader has all it wants
        _drop_stdout()
        return DONE


def _drop_stdout() -> None:
    """Send what is still to be printed nowhere, so that Python does not complain while it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def _say(print_it: Callable[[], None]) -> None:
    """Print to stdout; a reader that has gone does not change the exit code."""
    try:
        print_it()
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()


# ---------------------------------------------------------------------------------------------------------------------


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wattfolio")
def cli() -> None:
    """A portfolio optimiser for watts: rigs, halls, financing and hours in one proved linear program.

    \b
    Exit codes: 0 done; 2 usage or invalid case; 3 proved infeasible or unbounded;
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
def validate(cases: tuple[str, ...]) -> int:
    """Check cases, with the place of every mistake in them."""
    bad = 0
    for path in cases:
        try:
            _variants(_load(path), path)
        except Mistaken as mistake:
            mistake.show()
            bad += 1
        else:
            _say(lambda path=path: click.echo(f"{path}: valid"))  # type: ignore[misc]
    return USAGE if bad else DONE


def _variants(case: Case, path: str) -> None:
    """A patch that does not apply is a mistake of the case too."""
    for name in case.variants:
        try:
            _load(path, name)
        except Mistaken as mistake:
            raise Mistaken(f"variant {name}:\n{mistake.message}") from None


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
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop the solver after this time.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Work out the hours in N processes; with --scheduler, on N workers. The answer is the same.  [default: 1, or all there are]",
)
@click.option("--scheduler", metavar="ADDRESS", help="Work out the hours on a Dask cluster, as in tcp://192.0.2.7:8786.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def solve(
    path: str,
    variant: str | None,
    changes: tuple[str, ...],
    method: str,
    out: str,
    as_json: bool,
    dispatch: bool,
    time_limit: float | None,
    workers: int | None,
    scheduler: str | None,
    quiet: bool,
) -> int:
    """Solve a case, prove the plan, and write DIR/<case>/<variant>/."""
    _check_options(changes, time_limit)
    if method == "extensive" and ((workers or 1) > 1 or scheduler is not None):
        raise click.UsageError(
            "--workers and --scheduler share out hours that are valued: they do not go with --method extensive"
        )
    case = _load(path, variant, changes)

    from optimizer import engine, results
    from optimizer.executor import Executor, ExecutorError
    from optimizer.interrupts import prompt
    from optimizer.progress import Progress

    label = _label(variant, changes)
    try:
        results.prepare(results.folder(out, case.name, label))
    except results.ResultError as problem:
        raise Mistaken(str(problem)) from None
    try:
        with Progress(sys.stderr, quiet) as progress, prompt(), Executor(workers, scheduler, progress.tick) as executor:
            solution = engine.solve(case, method=method, time_limit=time_limit, progress=progress, executor=executor)
    except ExecutorError as problem:
        raise Mistaken(str(problem)) from None
    code = EXIT_CODES[solution.outcome.name]
    trouble = None
    if code == DONE:
        try:
            written = results.write(solution, out, label=label, dispatch=dispatch)
        except results.ResultError as problem:
            trouble = str(problem)
    _say(lambda: _print(solution, as_json))
    if code != DONE:
        click.echo(_verdict(solution), err=True)
    elif trouble is not None:
        raise Mistaken(trouble)
    elif not quiet:
        click.echo(f"results in {written}", err=True)
    return code


def _check_options(changes: tuple[str, ...], time_limit: float | None) -> None:
    """What is wrong with options whatever the case."""
    if time_limit is not None and not (math.isfinite(time_limit) and time_limit > 0.0):
        raise click.BadParameter("expected a number of seconds above 0", param_hint="'--time-limit'")
    for change in changes:
        if not change.partition("=")[0].strip() or "=" not in change:
            message = f'"{change}" is not PATH=VALUE, as in "financing.notes.limit=0 USD"'
            raise click.BadParameter(message, param_hint="'--set'")


def _print(solution: Solution, as_json: bool) -> None:
    if as_json:
        from optimizer.results import summary, to_json

        click.echo(to_json(summary(solution)).encode(), nl=False)  # the bytes of the file, whatever the locale
        return
    from rich.console import Console

    from optimizer.summary import render

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else PIPE_WIDTH, markup=False, emoji=False)
    with console.capture() as captured:  # rich ends the process itself where a pipe breaks
        render(solution, console)
    click.echo(captured.get(), nl=False, color=True)


def _verdict(solution: Solution) -> str:
    """One sentence on stderr for what is not a plan; the reasons stand on stdout."""
    told = {
        "INFEASIBLE": "no plan can meet the rules and limits of this case, and that is proved",
        "UNBOUNDED": "something earns more than it costs without limit, and that is proved",
        "LIMIT": "stopped at a limit before the optimum was proved",
        "UNVERIFIED": "the answer did not pass verification",
    }[solution.outcome.name]
    return f"{told}; nothing was written, an earlier result is untouched"


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
@click.option("--time-limit", type=float, metavar="SECONDS", help="Stop the solver after this time.")
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
    """Say why this plan, what every rule costs and what is scarce; or why there is no plan."""
    _check_options(changes, time_limit)
    case = _load(path, variant, changes)

    from optimizer import engine
    from optimizer.cli_explain import unknown_thumb
    from optimizer.interrupts import prompt
    from optimizer.progress import Progress

    for thumb in thumbs:
        if (wrong := unknown_thumb(thumb)) is not None:
            raise click.BadParameter(wrong, param_hint="'--baseline'")
    with Progress(sys.stderr, quiet) as progress, prompt():
        solution = engine.solve(case, time_limit=time_limit, progress=progress, keep=True)
        if solution.kept is not None:
            from optimizer.cli_explain import explained

            found = explained(solution, thumbs, progress)
    code = EXIT_CODES[solution.outcome.name]
    if solution.kept is None:
        _say(lambda: _print(solution, as_json))
        click.echo(_verdict(solution), err=True)
        return code
    if prices_file is not None:
        try:
            Path(prices_file).write_text(found.prices_csv, encoding="utf-8", newline="")
        except (OSError, ValueError) as problem:
            raise Mistaken(f"cannot write {prices_file}: {_why(problem)}") from None
    _say(lambda: click.echo(found.json if as_json else found.text, nl=False))
    return code


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
@click.option("--scheduler", metavar="ADDRESS", help="Solve on a Dask cluster, as in tcp://192.0.2.7:8786.")
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
    from optimizer import cli_compare, results
    from optimizer.executor import Executor, ExecutorError
    from optimizer.interrupts import prompt
    from optimizer.many import solve_many
    from optimizer.progress import Progress

    cases = [(path, _load(path, None, changes)) for path in paths]
    for path, case in cases:
        wanted = [name for name in variants if name in case.variants]
        if len(cases) == 1 and (unknown := [name for name in variants if name not in case.variants]):
            _load(path, unknown[0], changes)  # says what there is
        for name in wanted:
            _load(path, name, changes)
    if lost := [name for name in variants if all(name not in case.variants for _, case in cases)]:
        raise Mistaken(f'no case has a variant "{lost[0]}"')
    jobs = cli_compare.jobs_for(cases, variants, mixed, changes, time_limit)
    target = results.folder(out, cases[0][1].name if len(cases) == 1 else "comparison", "comparison")
    try:
        results.prepare(target)
        count = min(workers or os.cpu_count() or 1, len(jobs)) if scheduler is None else workers
        with Progress(sys.stderr, quiet) as progress, prompt(), Executor(count, scheduler, progress.tick) as executor:
            progress("plans", of=len(jobs), done=0)
            points = solve_many(jobs, executor, lambda done, of: progress("plans", of=of, done=done))
    except (results.ResultError, ExecutorError) as problem:
        raise Mistaken(str(problem)) from None
    found = cli_compare.Comparison(" and ".join(case.name for _, case in cases), tuple(points))
    try:
        written = cli_compare.write(found, target)
    except results.ResultError as problem:
        raise Mistaken(str(problem)) from None
    _say(lambda: cli_compare.show(found, as_json, as_csv))
    if not quiet:
        click.echo(f"comparison in {written}", err=True)
    return cli_compare.exit_code(found)


for _verb in (cli_sweep.sweep, cli_sweep.tornado, cli_sweep.frontier):
    cli.add_command(_verb)


@cli.command()
def schema() -> int:
    """Print the JSON schema of a case, for editors."""
    import json

    from optimizer.schema import case_schema

    text = json.dumps(case_schema(), indent=2, ensure_ascii=False)
    _say(lambda: click.echo(text))
    return DONE


# ---------------------------------------------------------------------------------------------------------------------


def _label(variant: str | None, changes: tuple[str, ...]) -> str | None:
    """Name of the result's folder: a changed case must not take the place of the case as it stands."""
    return " ".join([*([variant] if variant else []), *changes]) or None


def _load(path: str, variant: str | None = None, changes: Sequence[str] = ()) -> Case:
    """The case, or its mistakes in one exception."""
    from optimizer.case import Case
    from optimizer.diagnostics import CaseError

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
