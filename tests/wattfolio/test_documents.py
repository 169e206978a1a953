"""Every path that the documents for the next person name exists, and every name beside a path is in that file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "design").glob("*.md"))]
TREES = ("cases/", "docs/", "models/", "optimizer/", "results/", "tests/", "wattfolio/", ".ci/")
#: a path between backticks, and a name between backticks right after it
CODE = re.compile(r"`([^`\s]+)`(?: `([A-Za-z_]\w*)`)?")
#: a path in a block of text, such as the life of a case
PLAIN = re.compile(r"(?<![\w./`])((?:models|optimizer)/[\w/]+\.py)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def is_path(text: str) -> bool:
    return (text.startswith(TREES) and not set(text) & set("<>*=()[]{}")) or text in ("pyproject.toml", "constraints.txt")


def named(text: str) -> list[tuple[str, str]]:
    """(path, name or '') of everything a text names."""
    found = [(path, name) for path, name in CODE.findall(text) if is_path(path)]
    return found + [(path, "") for path in PLAIN.findall(text)]


def missing(text: str, folder: Path) -> list[str]:
    """What of it is not there."""
    out = []
    for path, name in named(text):
        target = ROOT / path
        if not target.exists() or (path.endswith("/") and not target.is_dir()):
            out.append(path)
        elif name and not re.search(rf"\b{re.escape(name)}\b", target.read_text(encoding="utf-8")):
            out.append(f"{path} {name}")
    links = [link for link in LINK.findall(text) if "://" not in link]
    return out + [link for link in links if not (folder / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert missing(text, document.parent) == []


def test_what_is_not_there_is_found() -> None:
    text = "see `models/problem.py` `Nobody`, `optimizer/nowhere/`, [this](nothing.md) and\n    models/none.py   x"
    assert missing(text, ROOT) == ["models/problem.py Nobody", "optimizer/nowhere/", "models/none.py", "nothing.md"]
    assert missing("`models/problem.py` `Clock` [that](README.md#top) `a b` `wattfolio`", ROOT) == []


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
