"""`wattfolio report`: a result folder again as a page for people, from its files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from optimizer.runtime import files
from optimizer.runtime.read_back import json_of


@click.command()
@click.argument("result", metavar="RESULT")
@click.option("--html", "html", metavar="FILE", help="Write the page to FILE; without it, to report.html in RESULT.")
@click.option("--xlsx", "xlsx", metavar="FILE", help="Copy the finance workbook to FILE; without --html, that and nothing else.")
@click.option("--comparison", metavar="FILE", help="Show these financing mixes (JSON); without it, those of the last `compare`.")
@click.option("--frontier", metavar="FILE", help="Show this frontier (JSON); without it, that of the last `frontier`.")
def report(result: str, html: str | None, xlsx: str | None, comparison: str | None, frontier: str | None) -> int:
    """Write the report of a solved case: RESULT is a folder DIR/<case>/<variant> that `solve` has written."""
    from optimizer.cli.common import Mistaken
    from optimizer.cli.exit_codes import DONE
    from optimizer.results.folder import attach
    from optimizer.results.report.mixes import MixError
    from optimizer.results.report.render_page import HTML, render
    from optimizer.results.serialise import ResultError

    folder = Path(result)
    try:
        if xlsx is not None:
            from optimizer.cli.workbook import copy_workbook

            copy_workbook(result, xlsx)
            click.echo(f"workbook in {xlsx}", err=True)
            if html is None:
                return DONE
        rows = {name: _rows(folder, name, given) for name, given in (("comparison", comparison), ("frontier", frontier))}
        page = render(folder, **rows).encode()
        written = attach(folder, HTML, page) if html is None else _written(Path(html), page)
    except (ResultError, MixError) as problem:
        raise Mistaken(str(problem)) from None
    click.echo(f"report in {written}", err=True)
    return DONE


def _rows(folder: Path, name: str, given: str | None) -> Any:
    """What a JSON file holds: the one given, or one of that name in the result or beside its variants. None where there is none."""
    from optimizer.cli.common import Mistaken

    above = folder.resolve().parent
    found = [folder / f"{name}.json", above / f"{name}.json", above / name / f"{name}.json"]
    places = [Path(given)] if given is not None else found
    path = next((place for place in places if place.exists()), None)
    if path is None:
        if given is not None:
            raise Mistaken(f"{given}: there is no such file")
        return None
    try:
        return json_of(files.read(path))
    except (OSError, ValueError) as problem:
        raise Mistaken(f"{path} is not a {name}: {getattr(problem, 'strerror', None) or problem}") from None


def _written(path: Path, data: bytes) -> Path:
    from optimizer.cli.common import Mistaken

    try:
        files.write_out(path, data)
    except (OSError, ValueError) as problem:
        raise Mistaken(f"cannot write {path}: {getattr(problem, 'strerror', None) or problem}") from None
    return path
