"""`wattfolio new`, `validate`, `schema`: cases without a solve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimizer.cli.common import Mistaken, check_options, load_case, print_now, reason_of
from optimizer.cli.exit_codes import DONE, USAGE

#: columns of text that is read, not looked up
TEXT_WIDTH = 80

if TYPE_CHECKING:
    from optimizer.case.case import Case

TEMPLATES = Path(__file__).with_name("templates")
FIRST_TEMPLATE = "quickstart"


@click.command()
@click.argument("name", required=False)
@click.option("--template", "-t", default=FIRST_TEMPLATE, show_default=True, help="What to begin with.")
@click.option("--list", "listed", is_flag=True, help="List the templates and leave.")
def new(name: str | None, template: str, listed: bool) -> int:
    """Write NAME.yaml, a case that runs as written."""
    found = {path.stem: path for path in sorted(TEMPLATES.glob("*.yaml"))}
    if listed:
        told = "\n".join(f"{stem:20} {_first_comment(path)}".rstrip() for stem, path in found.items())
        print_now(lambda: click.echo(told))
        return DONE
    if name is None:
        raise click.UsageError("Missing argument 'NAME': how the case is to be called. --list shows the templates.")
    if template not in found:
        from models.spelling import did_you_mean

        raise Mistaken(f'no template "{template}": {did_you_mean(template, found, "there are")}')
    target = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    text = found[template].read_bytes()
    try:
        with open(target, "xb") as stream:
            stream.write(text)
    except FileExistsError:
        raise Mistaken(f"{target} exists already and is left as it is: choose another name") from None
    except (OSError, ValueError) as problem:
        raise Mistaken(f"cannot write {target}: {reason_of(problem)}") from None
    click.echo(f"wrote {target}: run  wattfolio solve {target}", err=True)
    return DONE


def _first_comment(path: Path) -> str:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.lstrip("# ").strip() if first.startswith("#") else ""


@click.command()
@click.argument("cases", nargs=-1, required=True, metavar="CASE...")
@click.option("--variant", metavar="NAME", help="Check this variant alone.  [default: the case and all its variants]")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change a value in all of them. Repeatable.")
@click.option("--strict", is_flag=True, help="What looks like a slip is a mistake, as long as case.meant does not name it.")
def validate(cases: tuple[str, ...], variant: str | None, changes: tuple[str, ...], strict: bool) -> int:
    """Check cases, with the place of every mistake in them, and of what is valid and looks like a slip."""
    check_options(changes, None)
    bad = 0
    for path in cases:
        try:
            case = load_case(path, variant, changes)
            notes = [*case.notes, *(_variants(case, path, changes) if variant is None else ())]
            slips = _slips(case, path, changes, variant)
            if strict and slips:
                raise Mistaken("\n".join(f"{slip} (if it is meant, name it in case.meant)" for slip in slips))
        except Mistaken as mistake:
            mistake.show()
            bad += 1
        else:
            print_now(lambda lines=(f"{path}: valid", *(f"  note: {one}" for one in notes)): click.echo("\n".join(lines)))  # type: ignore[misc]
    return USAGE if bad else DONE


def _slips(case: Case, path: str, changes: tuple[str, ...], variant: str | None) -> list[str]:
    """What looks like a slip in a case and its variants, each once, with its place."""
    cases = [case] if variant is not None else [case, *(load_case(path, name, changes) for name in case.variants)]
    return list(dict.fromkeys(f"{one.place(doubt.path) or path}: {doubt.text}" for one in cases for doubt in one.doubts()))


def _variants(case: Case, path: str, changes: tuple[str, ...]) -> list[str]:
    """Notes that a variant has and the case has not. A patch that does not apply is a mistake of the case too."""
    notes = []
    for name in case.variants:
        try:
            notes += [f"variant {name}: {note}" for note in load_case(path, name, changes).notes if note not in case.notes]
        except Mistaken as mistake:
            raise Mistaken(f"variant {name}:\n{mistake.message}") from None
    return notes


@click.command()
@click.argument("path", required=False, metavar="[PATH]")
@click.option("--reference", is_flag=True, help="Every key as a document (docs/reference.md).")
def schema(path: str | None, reference: bool) -> int:
    """Print the JSON schema of a case, for editors; of a PATH such as financing.convertible, what it holds, to read."""
    from optimizer.case.schema.case_model import case_schema

    if path is None and not reference:
        import json

        text = json.dumps(case_schema(), indent=2, ensure_ascii=False) + "\n"
    else:
        from optimizer.case import schema_reference

        if path is not None and reference:
            raise click.UsageError("--reference is of the whole case: leave PATH out")
        try:
            found = case_schema()
            text = schema_reference.markdown(found) if path is None else schema_reference.text(found, path, TEXT_WIDTH)
        except schema_reference.NoSuchKey as problem:
            raise Mistaken(str(problem)) from None
    print_now(lambda: click.echo(text, nl=False))
    return DONE
