"""What verbs share: reading a case, saying what went wrong, ending with a code."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimizer.cli.exit_codes import USAGE

if TYPE_CHECKING:
    from optimizer.case.case import Case

PIPE_WIDTH = 100  # columns where there is no terminal to ask


class Mistaken(click.ClickException):
    """A user's mistake, told in its own words; exit code 2."""

    exit_code = USAGE

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file or sys.stderr)


def print_now(print_it: Callable[[], None]) -> None:
    """Print to stdout, now."""
    print_it()
    sys.stdout.flush()


def check_options(changes: tuple[str, ...], time_limit: float | None, memory_limit: float | None = None) -> None:
    """What is wrong with options whatever the case."""
    if time_limit is not None and not (math.isfinite(time_limit) and time_limit > 0.0):
        raise click.BadParameter("expected a number of seconds above 0", param_hint="'--time-limit'")
    if memory_limit is not None and not (math.isfinite(memory_limit) and memory_limit > 0.0):
        raise click.BadParameter("expected a number of gigabytes above 0", param_hint="'--memory-limit'")
    for change in changes:
        if not change.partition("=")[0].strip() or "=" not in change:
            message = f'"{change}" is not PATH=VALUE, as in "financing.notes.limit=0 USD"'
            raise click.BadParameter(message, param_hint="'--set'")


def how_it_ended(outcome: str) -> str:
    """What is not a plan, in one sentence; outcome: the name of an `engine.Outcome`."""
    return {
        "INFEASIBLE": "no plan can meet the rules and limits of this case, and that is proved",
        "UNBOUNDED": "something earns more than it costs without limit, and that is proved",
        "LIMIT": "stopped at a limit before the optimum was proved",
        "UNVERIFIED": "the answer did not pass verification",
    }[outcome]


def folder_label(variant: str | None, changes: tuple[str, ...]) -> str | None:
    """Name of the result's folder: a changed case must not take the place of the case as it stands."""
    return " ".join([*([variant] if variant else []), *changes]) or None


def load_case(path: str, variant: str | None = None, changes: Sequence[str] = ()) -> Case:
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
        raise Mistaken(f"{path}: {reason_of(problem)}") from None


def reason_of(problem: Exception) -> str:
    """An operating system's complaint in its own words, without its number."""
    if isinstance(problem, FileNotFoundError):
        return "there is no such file"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror[:1].lower() + problem.strerror[1:]
    return str(problem)
