"""Result folders under fire: kills, two runs at once, what killed runs leave, links."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.results import atomic_folder
from optimizer.results import folder as results
from optimizer.results.atomic_folder import FolderInUse, clear, exchange, held, point_latest
from optimizer.results.read_folder import load
from optimizer.results.serialise import ResultError
from tests.optimizer.results.test_folder import solved

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills and links of POSIX")


def numbered(value: float, text: str = "") -> dict[str, bytes]:
    """Files that say which write they are of; large enough for kills to fall into."""
    return {f"{k}.csv": f"{value},{text}\n".encode() * 2000 for k in range(12)}


def endless(target: Path, first: int) -> None:
    """Write one result after the other, until killed."""
    try:
        for value in range(first, first + 10_000):
            results.write_files(target, numbered(value), {"value": value})
    finally:
        os._exit(0)


def whole(target: Path) -> int:
    """Which write the folder is of; every file is, and its checksum holds."""
    files = {path.name: path.read_bytes() for path in target.iterdir()}
    manifest = json.loads(files.pop("manifest.json"))
    value = int(manifest["value"])
    assert files == numbered(value)
    assert set(manifest["files"]) == set(files)
    return value


@pytest.mark.parametrize("one_step", [True, False])
def test_a_hundred_kills_leave_the_old_result_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_step: bool
) -> None:
    """Where the system takes two steps, the folder may be away until the next run, which brings it back."""
    target = tmp_path / "case" / "base"
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # a kill takes nothing from the system's own memory, and this is quick
    begun = time.perf_counter()
    results.write_files(target, numbered(-1), {"value": -1})
    once = time.perf_counter() - begun
    if not one_step:
        monkeypatch.setattr(results, "exchange", lambda one, other: False)
    elif not exchange_works(tmp_path):
        pytest.skip("this file system cannot exchange folders in one step")
    chance, seen = random.Random(5), set()
    for kill in range(400):
        if kill >= 100 and len(seen) > 20:
            break
        child, before = os.fork(), len(seen)
        if child == 0:
            endless(target, kill * 10_000)
        time.sleep(chance.uniform(0.0, 4.0 * once) + 0.002)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if one_step:
            seen.add(whole(target))
        with results.claimed(target):  # what the next run does first
            seen.add(whole(target))
            assert [path.name for path in target.parent.iterdir() if path.name.endswith(".tmp")] == []
        if len(seen) == before:
            once *= 1.02  # on a busy machine a child takes longer than a write took at the beginning
    assert len(seen) > 20  # kills came between writes of all kinds
    assert [path.name for path in target.parent.iterdir()] == ["base"]


def exchange_works(folder: Path) -> bool:
    one, other = folder / "one", folder / "other"
    one.mkdir()
    other.mkdir()
    return exchange(one, other)


def test_two_folders_change_places(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.mkdir()
        (path / path.name).touch()
    if exchange(one, other):
        assert (one / "other").exists() and (other / "one").exists()
    else:
        assert (one / "one").exists() and (other / "other").exists()


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    target = tmp_path / "case" / "base"
    with held(target):
        with pytest.raises(FolderInUse, match=f"process {os.getpid()}"), held(target):
            raise AssertionError
        with held(tmp_path / "case" / "variant"):  # another folder is free
            pass
        with pytest.raises(ResultError, match="another run"), results.claimed(target):
            raise AssertionError
    with held(target):  # it is free again
        pass
    assert list(tmp_path.iterdir()) == []  # nothing was written, nothing is left


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    target = tmp_path / "case" / "base"
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with held(target):
            os.write(write, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(read, 1)
    with pytest.raises(FolderInUse, match=f"process {child}"), held(target):
        raise AssertionError
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with held(target):
        pass


def test_only_what_we_left_is_cleared(tmp_path: Path) -> None:
    target = tmp_path / "base"
    results.write_files(target, numbered(1), {"value": 1})
    for name in (".base.0123abcd.tmp", ".base.0123abcd.tmp.mine", ".other.0123abcd.tmp", "base.0123abcd.tmp"):
        (tmp_path / name).mkdir()
    clear(target, "manifest.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".base.0123abcd.tmp.mine",
        ".other.0123abcd.tmp",
        "base",
        "base.0123abcd.tmp",
    ]


def test_latest_leads_to_the_last_result(tmp_path: Path) -> None:
    first = results.write(solved(), tmp_path, latest=True)
    link = first.parent / atomic_folder.LATEST
    assert link.is_symlink() and link.resolve() == first.resolve()
    second = results.write(solved(), tmp_path, label="changed", latest=True)
    assert link.resolve() == second.resolve()
    link.unlink()
    link.mkdir()  # somebody's own
    (link / "mine").touch()
    point_latest(second)
    assert not link.is_symlink() and (link / "mine").exists()


def test_a_disk_without_room_for_the_link_keeps_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "symlink_to", full)
    folder = results.write(replace(solved(), timings={}), tmp_path, latest=True)
    assert load(folder)["summary"]["case"] == "small"
