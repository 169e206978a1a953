"""The command line. Results on stdout, progress and diagnostics on stderr.

Exit codes: 0 done; 1 `check` found a difference; 2 usage or invalid case; 3 proved infeasible or unbounded; 4 stopped at
a limit; 5 verification failed; 130 interrupted. A traceback is a bug: nothing here hides one. What stdout does not take is told on stderr, with
code 2 whatever else there was to tell; a reader that has gone (`| head`) and a stderr that is full, closed or gone change no code.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from optimizer.cli import cases, check, compare, data, diff, evaluate, explain, report, scenarios, solve, streams, studies
from optimizer.cli.exit_codes import DONE, INTERRUPTED, USAGE
from optimizer.runtime.interrupts import hear
from optimizer.version import __version__

# Everything heavy is imported inside the commands: `wattfolio --help` answers in under 0.3 s.


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


# ---------------------------------------------------------------------------------------------------------------------


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wattfolio")
def cli() -> None:
    """A portfolio optimiser for watts: rigs, halls, financing and hours in one proved linear program.

    \b
    Exit codes: 0 done; 1 check found a difference; 2 usage or invalid case; 3 proved infeasible or unbounded;
    4 stopped at a limit; 5 verification failed; 130 interrupted.
    """


#: a file each, or one for those that are nearly the same
VERBS = (
    cases.new, cases.validate, solve.solve, explain.explain, compare.compare, studies.sweep, studies.tornado, studies.frontier,
    data.data, scenarios.scenarios, evaluate.evaluate, check.check, diff.diff, report.report, cases.schema,
)  # fmt: skip
for _verb in VERBS:
    cli.add_command(_verb)
