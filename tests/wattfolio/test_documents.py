"""Every path and module that a document or a docstring names exists, and every name beside it is in that file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "README.md", ROOT / "models" / "README.md", ROOT / "cases" / "README.md",
    ROOT / "optimizer" / "case" / "reading" / "shapes" / "README.md", *sorted((ROOT / "docs").rglob("*.md")),
]  # fmt: skip
PACKAGES = ("models", "optimizer", "wattfolio")
TREES = ("cases/", "docs/", "models/", "optimizer/", "results/", "tests/", "wattfolio/", ".ci/")
#: a path between backticks, and a name between backticks right after it
CODE = re.compile(r"`([^`\s]+)`(?: `([A-Za-z_]\w*)`)?")
#: a path in a block of text, such as the life of a case
PLAIN = re.compile(r"(?<![\w./`])((?:models|optimizer)/[\w/]+\.py)")
#: a module, or something in it, between backticks; and a file of Python, from the root or from where the text stands
DOTTED = re.compile(r"`((?:models|optimizer|wattfolio)\.[\w.]+?)(?:\([^`]*\))?`")
BARE = re.compile(r"`(\w+(?:/\w+)*\.py)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def is_path(text: str) -> bool:
    return (text.startswith(TREES) and not set(text) & set("<>*=()[]{}")) or text in ("pyproject.toml", "constraints.txt")


def named(text: str) -> list[tuple[str, str]]:
    """(path, name or '') of everything a text names."""
    found = [(path, name) for path, name in CODE.findall(text) if is_path(path)]
    return found + [(path, "") for path in PLAIN.findall(text)]


def file_of(dotted: str) -> tuple[Path, str]:
    """The file of the longest beginning that is a module, and the first name after it."""
    parts = dotted.split(".")
    for k in range(len(parts), 0, -1):
        for folder in ("", "stable_names/") if parts[0] == "optimizer" and k == 2 else ("",):
            base = ROOT / "/".join([*parts[: k - 1], f"{folder}{parts[k - 1]}"])
            for file in (base.with_suffix(".py"), base / "__init__.py"):
                if file.is_file():
                    return file, "".join(parts[k : k + 1])
    return ROOT / "nowhere", dotted


def missing(text: str, folder: Path) -> list[str]:
    """What of it is not there."""
    out = [bare for bare in BARE.findall(text) if not ((folder / bare).is_file() or (ROOT / bare).is_file())]
    for dotted in DOTTED.findall(text):
        file, name = file_of(dotted)
        if not file.is_file() or (name and not re.search(rf"\b{name}\b", file.read_text(encoding="utf-8"))):
            out.append(dotted)
    for path, name in named(text):
        target = ROOT / path
        if not target.exists() or (path.endswith("/") and not target.is_dir()):
            out.append(path)
        elif name and not re.search(rf"\b{re.escape(name)}\b", target.read_text(encoding="utf-8")):
            out.append(f"{path} {name}")
    return out


def broken(text: str, folder: Path) -> list[str]:
    """Links that lead nowhere."""
    return [link for link in LINK.findall(text) if "://" not in link and not (folder / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert missing(text, document.parent) + broken(text, document.parent) == []


def test_what_code_says_of_other_code_is_there() -> None:
    """Docstrings and comments: modules and files between backticks."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    lost = {path.relative_to(ROOT).as_posix(): missing(path.read_text(encoding="utf-8"), path.parent) for path in paths}
    assert {path: names for path, names in lost.items() if names} == {}


def test_what_is_not_there_is_found() -> None:
    text = "see `models/dates.py` `Nobody`, `optimizer/nowhere/`, [this](nothing.md) and\n    models/none.py   x"
    assert missing(text, ROOT) == ["models/dates.py Nobody", "optimizer/nowhere/", "models/none.py"]
    assert broken(text + " [that](README.md#top)", ROOT) == ["nothing.md"]
    assert missing("`models.problm`, `optimizer.prices.nobody(x)` and `dates.py`", ROOT / "optimizer") == [
        "dates.py", "models.problm", "optimizer.prices.nobody"
    ]  # fmt: skip
    assert missing("`models.dates.iso_dates` `optimizer.prices.price_statements(plan)` `dates.py`", ROOT / "models") == []
    assert missing("`models/dates.py` `iso_dates` `a b` `wattfolio`", ROOT) == []


def test_the_documents_name_much() -> None:
    """The table of where things are, the life of a case and the recipes are read at all."""
    texts = [document.read_text(encoding="utf-8") for document in DOCUMENTS[:2]]
    assert [len(named(text)) > least for text, least in zip(texts, (70, 40), strict=True)] == [True, True]


def test_the_ten_questions_have_an_answer() -> None:
    """A line of the table for each, with a file that is there."""
    lines = [line for line in DOCUMENTS[0].read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    asked = (
        "capped call's payoff", "sculpted repayment row", "4CP adder", "branching on tax law", "hash -> USD/MWh", "when a cut is missing",
        "did-you-mean", "workbook cell of the DSCR", "exit code of infeasible", "dilution of an ATM",
    )  # fmt: skip
    for question in asked:
        answers = [named(line) for line in lines if question in line.split("|")[1]]
        assert [bool(answer) for answer in answers] == [True], question


def test_the_drawing_has_every_room() -> None:
    picture = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    text = DOCUMENTS[0].read_text(encoding="utf-8")
    for tree in ("optimizer", "models"):
        rooms = {path.parent.name for path in (ROOT / tree).glob("*/__init__.py")} - {"stable_names"}
        assert rooms
        for room in rooms:
            assert f"{tree}/{room}/" in picture and f"{room}/  " in text, f"{tree}/{room}"
