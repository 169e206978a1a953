"""What is opened: regular files alone are read, no link leads a write astray, and nothing is replaced that is not a result."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from optimizer.case.reading.case_files import Files
from optimizer.case.reading.diagnostics import CaseError
from optimizer.case.reading.yaml_tree import Node, read
from optimizer.cli.exit_codes import DIFFERENT, USAGE
from optimizer.results import atomic_folder
from optimizer.results import folder as results
from optimizer.results.read_folder import load
from optimizer.results.serialise import ResultError
from optimizer.runtime import files
from optimizer.studies.regression import blessed
from optimizer.studies.warm_chains import Journal
from tests.optimizer.cli.test_app import run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")


def pipe(path: Path) -> Path:
    """A pipe that nobody writes to: who opens it to read waits for ever."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    plain, link = tmp_path / "plain", tmp_path / "link"
    plain.write_bytes(b"12345")
    link.symlink_to(plain)
    assert files.read(plain) == files.read(link) == b"12345"
    assert files.read(plain, 3) == b"1234"  # one more tells that it is larger
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        for path, why in ((pipe(tmp_path / "p"), "a pipe"), (tmp_path / "s", "a socket"), (Path("/dev/zero"), "a device")):
            with pytest.raises(OSError, match=f"it is {why}, not a regular file"):
                files.read(path)
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path)


def test_a_pipe_that_comes_between_two_looks_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, look = tmp_path / "plain", files._regular
    plain.touch()

    def swapped(status: os.stat_result, path: Any) -> None:
        look(status, path)
        pipe(plain)

    monkeypatch.setattr(files, "_regular", swapped)
    with pytest.raises(OSError, match="it is a pipe"):
        files.read(plain)


@pytest.mark.parametrize(
    "verb", ["validate", "solve", "explain", "compare", "frontier", "check", "tornado", "sweep --vary variant=base"]
)
def test_a_pipe_for_a_case(tmp_path: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = pipe(tmp_path / "case.yaml")
    code, out, err = run(capsys, *verb.split(), str(path))
    assert code == USAGE and out == "" and "it is a pipe, not a regular file" in err


def test_a_pipe_for_hourly_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from optimizer.case.reading import case_files
    from optimizer.case.reading.diagnostics import Mistakes, Place

    node = Node("scalar", "a.csv", Place("case.yaml", 1, 1))
    monkeypatch.setattr(case_files, "resolve_inside", lambda folder, name: pipe(tmp_path / name))  # it came after that look
    mistakes = Mistakes()
    assert Files(tmp_path).table(node, "p.csv", mistakes) is None
    assert mistakes.found[0].message == '"a.csv" cannot be read: it is a pipe, not a regular file'


def test_a_pipe_for_a_blessed_result(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As of any blessed result that cannot be used: the check fails."""
    pipe(blessed.path_of("results", "mill town", None))
    code, out, _ = run(capsys, "check", str(case), "--variant", "base", "--quiet")
    assert code == DIFFERENT and "it is a pipe, not a regular file" in out


@pytest.mark.parametrize("name", ["manifest.json", "plan.csv", "workbook.xlsx"])
def test_a_pipe_in_a_result(case: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "solve", str(case), "--quiet")[0] == 0
    folder = results.folder("out", "mill town", None)
    pipe(folder / name)
    option = "--xlsx" if name == "workbook.xlsx" else "--html"
    code, _, err = run(capsys, "report", str(folder), option, "made")
    assert code == USAGE and "it is a pipe, not a regular file" in err and not Path("made").exists()
    if name != "workbook.xlsx":
        with pytest.raises(ResultError, match="it is a pipe"):
            load(folder)


def test_a_pipe_for_a_comparison(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "solve", str(case), "--quiet")[0] == 0
    folder = str(results.folder("out", "mill town", None))
    code, _, err = run(capsys, "report", folder, "--html", "made", "--comparison", str(pipe(Path("p"))))
    assert code == USAGE and "it is a pipe" in err


def test_a_pipe_in_a_tree_of_yaml(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="cannot be read: it is a pipe"):
        read(pipe(tmp_path / "p"))


# ---- writing ---------------------------------------------------------------------------------------------------------


def link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def second_name(path: Path, victim: Path) -> None:
    os.link(victim, path)


def copy(path: Path, victim: Path) -> None:
    path.write_bytes(victim.read_bytes())


def folder_there(path: Path, victim: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("how", [link, second_name, copy, folder_there, lambda path, victim: pipe(path)])
def test_a_lock_that_is_not_ours_is_left_alone(case: Path, how: Any, capsys: pytest.CaptureFixture[str]) -> None:
    victim, target = Path("victim").absolute(), results.folder("out", "mill town", None)
    victim.write_text("ten years of work\n")
    target.parent.mkdir(parents=True)
    lock = target.parent / ".base.lock"
    how(lock, victim)
    before = lock.lstat()
    code, _, err = run(capsys, "solve", str(case), "--quiet")
    assert code == USAGE and "is no lock of wattfolio and is left alone" in err and len(err.splitlines()) == 1
    assert victim.read_text() == "ten years of work\n"
    assert (lock.lstat().st_ino, lock.lstat().st_mode) == (before.st_ino, before.st_mode) and not target.exists()


@pytest.mark.parametrize("text", ["", "1234\n"])
def test_a_lock_that_a_killed_run_left_is_taken(tmp_path: Path, text: str) -> None:
    (tmp_path / ".base.lock").write_text(text)
    with atomic_folder.held(tmp_path / "base"):
        assert (tmp_path / ".base.lock").read_text() == f"{os.getpid()}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_leads_nowhere_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".base.lock").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="no lock of wattfolio"), atomic_folder.held(tmp_path / "in" / "base"):
        raise AssertionError
    assert not (tmp_path / "made").exists()


def test_what_a_sweep_keeps_follows_no_link(tmp_path: Path) -> None:
    victim, part = tmp_path / "victim", tmp_path / ".sweep-0.part"
    victim.write_text("mine")
    part.mkdir()
    (part / f".00001.{os.getpid()}").symlink_to(victim)
    (part / "chain-00001.json").symlink_to(victim)
    journal = Journal(part)
    journal.store(1, [])
    assert victim.read_text() == "mine" and journal.load() == {1: []}
    (part / "notes.txt").touch()
    journal.remove()
    assert sorted(path.name for path in part.iterdir()) == [f".00001.{os.getpid()}", "notes.txt"]  # ours is gone, and no more


def test_kept_points_behind_a_link_are_neither_read_nor_written_nor_removed(tmp_path: Path) -> None:
    elsewhere, part = tmp_path / "elsewhere", tmp_path / ".sweep-0.part"
    elsewhere.mkdir()
    (elsewhere / "chain-00001.json").write_text('{"number": 1, "points": []}')
    part.symlink_to(elsewhere)
    journal = Journal(part, restart=True)
    assert journal.load() == {}
    with pytest.raises(OSError, match="a link is in its place"):
        journal.store(2, [])
    assert [path.name for path in elsewhere.iterdir()] == ["chain-00001.json"]


def test_only_folders_of_files_alone_are_cleared(tmp_path: Path) -> None:
    """A link of such a name, and a folder with a folder in it, were not left by a run."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "manifest.json").write_text("{}")
    (tmp_path / ".base.0123abcd.tmp").symlink_to(mine)
    (tmp_path / ".base.0123abce.tmp" / "work").mkdir(parents=True)
    atomic_folder.clear(tmp_path / "base", "manifest.json")
    assert (mine / "manifest.json").exists() and (tmp_path / ".base.0123abce.tmp" / "work").is_dir()
    assert not (tmp_path / "base").exists()


def test_a_file_that_the_user_names_may_be_a_link(tmp_path: Path) -> None:
    real, named = tmp_path / "real", tmp_path / "named"
    named.symlink_to(real)
    for write in (files.write_out, files.write_out_whole):
        write(named, b"one")
        assert real.read_bytes() == b"one" and named.is_symlink()
    files.write_out(named, b" two", append=True)
    assert real.read_bytes() == b"one two"
    with pytest.raises(OSError, match="nobody reads"):
        files.write_out(pipe(tmp_path / "p"), b"x")
    with pytest.raises(OSError, match="No space left"):
        files.write_out_whole("/dev/full", b"x")
    assert Path("/dev/full").is_char_device()  # no file has taken its place


# ---- what is replaced ------------------------------------------------------------------------------------------------

FOREIGN: dict[str, Any] = {
    "empty": {}, "list": [], "another version": {"schema": 2, "files": {}}, "yes is no version": {"schema": True, "files": {}},
    "no files": {"schema": 1}, "unlisted": {"schema": 1, "files": {}}, "no sums": {"schema": 1, "files": {"thesis.tex": 1}},
    "a list of files": {"schema": 1, "files": ["thesis.tex"]}, "names": {"schema": 1, "files": {}, "not_reproducible": [{}]},
}  # fmt: skip


@pytest.mark.parametrize("manifest", [*FOREIGN.values(), None], ids=[*FOREIGN, "no json"])
def test_a_folder_that_is_no_result_is_left_alone(case: Path, manifest: Any, capsys: pytest.CaptureFixture[str]) -> None:
    target = results.folder("out", "mill town", None)
    target.mkdir(parents=True)
    (target / "manifest.json").write_text("[" * 100_000 if manifest is None else json.dumps(manifest))
    (target / "thesis.tex").write_text("ten years of work")
    code, _, err = run(capsys, "solve", str(case), "--quiet")
    assert code == USAGE and "is no result of wattfolio" in err and len(err.splitlines()) == 1
    assert (target / "thesis.tex").read_text() == "ten years of work"


def test_a_result_with_something_of_the_users_in_it_is_left_alone(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "solve", str(case), "--quiet")[0] == 0
    target = results.folder("out", "mill town", None)
    (target / "notes").mkdir()
    code, _, err = run(capsys, "solve", str(case), "--quiet")
    assert code == USAGE and 'its manifest.json does not list "notes"' in err
    (target / "notes").rmdir()
    (target / "plan.csv").unlink()
    (target / "plan.csv").symlink_to(case)  # a listed name, and not the file that was written
    assert run(capsys, "solve", str(case), "--quiet")[0] == USAGE
    (target / "plan.csv").unlink()  # one that is gone is no harm; nor is what a killed `report` has left
    (target / ".report.html.0123abcd.tmp").write_text("half")
    assert run(capsys, "solve", str(case), "--quiet")[0] == 0
    assert (target / "plan.csv").is_file() and not (target / ".report.html.0123abcd.tmp").exists()


def test_what_is_put_there_during_a_solve_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, write = tmp_path / "case" / "base", files.write_new
    results.write_files(target, {"a.csv": b"1"}, {})

    def meanwhile(path: Path, data: bytes) -> None:
        (target / "mine").touch()
        write(path, data)

    monkeypatch.setattr(files, "write_new", meanwhile)
    with pytest.raises(ResultError, match='does not list "mine"'):
        results.write_files(target, {"a.csv": b"2"}, {})
    assert (target / "mine").exists() and (target / "a.csv").read_bytes() == b"1"
    assert [path.name for path in target.parent.iterdir()] == ["base"]
