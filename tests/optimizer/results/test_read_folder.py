"""Result folders and blessed results that somebody has edited and sealed again are told in a sentence, never by a traceback."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optimizer import Case
from optimizer.cli.app import run
from optimizer.results import folder as results
from optimizer.results.read_folder import load
from optimizer.results.report.mixes import MixError
from optimizer.results.report.render_page import render
from optimizer.results.serialise import ResultError
from optimizer.runtime import files
from optimizer.runtime import read_back as given
from optimizer.studies.regression import blessed, check
from tests.shared.places import ROOT

#: edits of each kind in every test run; WATTFOLIO_EDITS asks for more
EDITS = int(os.environ.get("WATTFOLIO_EDITS", "20"))
#: of the blessed results, how many are compared: that solves the case again
COMPARED = EDITS // 8
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, -1e308, 10**299, "", "x", "2026-13-99", "\x00", [], {}, [[]], [None], {"": None}, [1, "a", {}], "9" * 400,
)  # fmt: skip
TEXTS = (
    b"", b"null", b"[]", b"{", b"[" * 100_000, b"[" * 40 + b"]" * 40, b'{"a":' * 5_000, b"1" * 400, b"1" * 5_000, b"1e999", b"NaN", b"-Infinity",
    b"\xff\xfe", b'"\\ud800"', b"\xef\xbb\xbf{}", b'{"files": 1}', b'{"files": {"../x": {"sha256": ""}}}', b'{"files": {"a.json": {}}}',
)  # fmt: skip
CELLS = ("", "x" * 140_000, "nan", "inf", "1e999", "9" * 400, "'", '"', "2026-99-01", "\x00", "-", "expected", "\ud7ff")


@pytest.fixture(scope="module")
def solved() -> Any:
    return Case.load(ROOT / "tests/cases/tax-shield.yaml").solve_warm(baseline=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with hours, rules and two scenarios; read by every test, changed by none."""
    out = tmp_path_factory.mktemp("out")
    return results.write(
        Case.load(ROOT / "tests/cases/all-features.yaml", settings=["horizon.hours={every: 719}"]).solve(baseline=False), out
    )


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found.append((value, key))
        places(inner, found)
    return found


def edited(value: Any, chance: random.Random) -> Any:
    """A copy with something gone, of another kind, doubled, or where another thing was."""
    value = copy.deepcopy(value)
    # a list of a thousand numbers is one place among others, not nearly all of them
    everything = places(value, [])
    shallow = [(holder, key) for holder, key in everything if not (isinstance(holder, list) and len(holder) > 20)] or everything
    holder, key = chance.choice(shallow)
    other, at = chance.choice(shallow)
    kind = chance.randrange(5)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = copy.deepcopy(other[at])
    elif kind == 2 and isinstance(holder, dict):
        holder[str(key) + chance.choice(("x", "", "\n"))] = holder.pop(key)
    elif kind == 3 and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[key] = copy.deepcopy(chance.choice(VALUES))
    return value


def edited_csv(data: bytes, chance: random.Random) -> bytes:
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    row = chance.choice(rows[:1] + rows[1:40])
    at = chance.randrange(max(len(row), 1))
    kind = chance.randrange(6)
    if kind == 0:
        del rows[chance.randrange(len(rows)) :]
    elif kind == 1:
        row[at : at + 1] = []
    elif kind == 2:
        for one in rows:
            one[at : at + 1] = []
    elif kind == 3:
        rows.append(list(row))
    elif kind == 4:
        other = chance.choice(rows)
        row[:], other[:] = list(other), list(row)
    else:
        row[at : at + 1] = [chance.choice(CELLS)]
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode("utf-8", "replace")


def seal(base: Path, name: str, data: bytes) -> None:
    """Put a file into a result, with a checksum that fits."""
    (base / name).write_bytes(data)
    manifest = json.loads((base / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (base / "manifest.json").write_text(json.dumps(manifest))


def sentence(work: Callable[[], Any], what: str) -> bool:
    """Whether it is refused; what is refused is refused in a sentence."""
    try:
        work()
    except (ResultError, MixError) as problem:
        assert 10 < len(str(problem)) < 1000 and "\n" not in str(problem).strip(), what
        return True
    except Exception as problem:
        raise AssertionError(f"{what}: {problem!r}") from problem
    return False


@pytest.mark.parametrize("name", ["summary.json", "report.json", "manifest.json", "csv"])
def test_an_edited_result_is_read_or_refused(name: str, folder: Path, tmp_path: Path) -> None:
    chance = random.Random(name)
    known = load(folder)
    assert len(known) > 15 and render(folder)
    tables = [f"{table}.csv" for table in known if (folder / f"{table}.csv").is_file()]
    refused = 0
    for number in range(EDITS):
        base = tmp_path / str(number)
        shutil.copytree(folder, base)
        target = chance.choice(tables) if name == "csv" else name
        data = (base / target).read_bytes()
        if name == "csv":
            new = edited_csv(data, chance)
        else:
            new = json.dumps(edited(json.loads(data), chance)).encode()
        if name == "manifest.json":
            (base / target).write_bytes(new)
        else:
            seal(base, target, new)
        what = f"edit {number} of {target}"
        refused += sentence(lambda base=base: load(base), what)  # type: ignore[misc]
        refused += sentence(lambda base=base: render(base), what)  # type: ignore[misc]
        shutil.rmtree(base)
    assert refused > EDITS // 10


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_text_that_is_no_json_of_ours_is_told_by_every_verb(
    number: int, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base"
    shutil.copytree(folder, base)
    for name in ("summary.json", "report.json", "manifest.json"):
        kept = {one: (base / one).read_bytes() for one in (name, "manifest.json")}
        if name == "manifest.json":
            (base / name).write_bytes(TEXTS[number])
        else:
            seal(base, name, TEXTS[number])
        assert sentence(lambda: load(base), name)
        for options in (["--html", str(tmp_path / "page.html")], ["--xlsx", str(tmp_path / "book.xlsx")], []):
            code = run(["report", str(base), *options])
            told = capsys.readouterr().err
            assert code in (0, 2) and "Traceback" not in told and told.count("\n") == 1
            assert code == 2 or (options[:1] == ["--xlsx"] and name != "manifest.json")
        for one, data in kept.items():
            (base / one).write_bytes(data)
    rows = tmp_path / "rows.json"
    rows.write_bytes(TEXTS[number])
    for option in ("--comparison", "--frontier"):
        code = run(["report", str(folder), "--html", str(tmp_path / "page.html"), option, str(rows)])
        told = capsys.readouterr().err
        assert code in (0, 2) and "Traceback" not in told and told.count("\n") == 1


def test_an_edited_blessed_result_is_compared_or_refused(solved: Any, tmp_path: Path) -> None:
    chance = random.Random("blessed")
    content = blessed.content(solved)
    path = tmp_path / "tax-shield" / "base.json"
    blessed.write(path, content, "a test", None)
    task = check.Task("tests/cases/tax-shield.yaml", None, "tax-shield", str(tmp_path))
    good = blessed.read(path)
    assert check.compare(task, good, solved).state == check.SAME
    refused = compared = 0
    for number in range(EDITS):
        path.write_text(blessed.to_text(edited(good, chance)), encoding="utf-8")
        if sentence(lambda: blessed.read(path), f"edit {number}"):
            refused += 1
        elif compared < COMPARED:
            compared += 1
            assert not sentence(lambda: check.compare(task, blessed.read(path), solved), f"edit {number}")
    assert refused > EDITS // 10
    for text in TEXTS:
        path.write_bytes(text)
        assert sentence(lambda: blessed.read(path), repr(text[:20]))


def test_a_read_only_file_system_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There, asking to remove a file that was never made fails too."""

    def refused(self: Path, *given: object, **more: object) -> None:
        raise OSError(30, "Read-only file system", str(self))

    before = {path.name for path in folder.iterdir()}
    monkeypatch.setattr(files, "write_new", refused)
    monkeypatch.setattr(files, "write_out", refused)
    monkeypatch.setattr(Path, "unlink", refused)
    for options in ([], ["--html", str(folder / "page.html")]):
        assert run(["report", str(folder), *options]) == 2
        told = capsys.readouterr().err
        assert "Read-only file system" in told and told.count("\n") == 1
    assert {path.name for path in folder.iterdir()} == before


def test_what_a_reader_gives_is_what_was_written() -> None:
    assert given.json_of(b'{"a": [1, 2.5, null, "\\u00e9", "\\ud83d\\ude00"]}') == {"a": [1, 2.5, None, "é", "😀"]}
    assert given.rows_of(b'a,b\n"x\ny",1\n') == (["a", "b"], [["x\ny", "1"]])
    for data in (b"", b"a,b\n1\n", b"a\n" + b"x" * 140_000 + b"\n", b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            given.rows_of(data)


def test_every_shipped_blessed_result_has_the_shape() -> None:
    paths = sorted((ROOT / "results").glob("*/*.json"))
    assert len(paths) > 40
    for path in paths:
        assert blessed.read(path)["schema"] == blessed.SCHEMA
