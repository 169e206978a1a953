"""What is kept of compiled code saves time and nothing else: it may be cut off, changed, read-only or on a full disk, and all works."""

from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import machine_code
from models.hours import kernel
from models.machine_code import MachineCode

SOURCE = """
def total(values, rows, mask, factor, out):
    for k in range(len(values)):
        if mask[k]:
            out[0] += factor * values[k] + rows[k, 1]
"""
Maker = Callable[[], MachineCode]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    """A small function in what passes for a new process; its code is kept beside it."""
    path = tmp_path / "small.py"
    path.write_text(SOURCE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def make() -> MachineCode:
        monkeypatch.setattr(machine_code, "said", False)
        spec = importlib.util.spec_from_file_location("small", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return MachineCode(module.total, ("f1", "i2", "b1", "i", "f1"))

    return make


def works(total: MachineCode) -> bool:
    """It computes; whether its code was kept."""
    out = np.zeros(1)
    total(np.arange(4.0), np.arange(8).reshape(4, 2), np.array([True, False, True, True]), 3, out)
    assert out[0] == 3 * (0 + 2 + 3) + 1 + 5 + 7
    return total.was_kept


def refuse(number: int) -> Callable[..., Any]:
    def refused(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return refused


@pytest.mark.parametrize("left", [0, 3, 0.5, 0.99])
def test_code_that_is_cut_off_or_changed_is_made_again(
    left: float, fresh: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not works(fresh())
    (path,) = tmp_path.rglob("*.o")
    data = path.read_bytes()
    path.write_bytes(data[: left if isinstance(left, int) else int(left * len(data))])
    assert not works(fresh())
    told = capsys.readouterr().err
    assert "cannot be read and is made again" in told and told.count("\n") == 1
    assert works(fresh()) and capsys.readouterr().err == ""
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # one bit
    assert not works(fresh())


def test_a_full_disk_keeps_nothing_and_leaves_nothing_half_written(
    fresh: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(machine_code.os, "replace", refuse(errno.ENOSPC))
        assert not works(fresh())
    told = capsys.readouterr().err
    assert "cannot be kept" in told and "No space left on device" in told and told.count("\n") == 1
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".o", ".part")]
    assert not works(fresh()) and works(fresh())


def test_where_nothing_can_be_written_beside_the_code_it_is_kept_for_the_user(
    fresh: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "__pycache__").write_text("a file where a folder should be")
    assert not works(fresh()) and works(fresh()) and len(list((tmp_path / "cache" / "wattfolio").glob("*.o"))) == 1
    assert capsys.readouterr().err == ""
    for path in (tmp_path / "cache" / "wattfolio").iterdir():
        path.unlink()
    monkeypatch.setattr(machine_code.tempfile, "mkstemp", refuse(errno.EROFS))
    assert not works(fresh()) and not works(fresh())
    assert capsys.readouterr().err.count("every run compiles it again") == 2  # once in each process


def test_code_of_another_source_is_not_used(fresh: Maker, tmp_path: Path) -> None:
    assert not works(fresh()) and works(fresh())
    (tmp_path / "small.py").write_text("# longer by a line" + SOURCE)
    assert not works(fresh())


def test_arrays_that_are_not_what_was_stated_are_refused(fresh: Maker) -> None:
    total, rows, mask, out = fresh(), np.zeros((2, 2), dtype=np.int64), np.ones(2, dtype=bool), np.zeros(1)
    for values in (np.zeros(2, dtype=np.float32), np.zeros((2, 1)), np.zeros(4)[::2]):
        with pytest.raises(TypeError, match="kind f1 in C order"):
            total(values, rows, mask, 1, out)
    with pytest.raises(ValueError):
        total(np.zeros(2), rows, mask, 1)


def test_kept_code_is_loaded_without_numba() -> None:
    kernel.ready()
    code = "import sys; from models.hours import kernel; kernel.ready(); print(kernel._BLOCKS.was_kept, 'numba' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert told.stdout.split() == ["True", "False"]


@pytest.mark.parametrize("threads", [1, 2, 3, 50])
def test_any_number_of_threads_gives_the_same_bits(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of unlike length, some of no hours."""
    rng = np.random.default_rng(5)
    blocks, entries = 40, 6
    count = rng.integers(0, 60, blocks)
    count[[0, 7, blocks - 1]] = 0
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    hours = rng.integers(0, 8784, count.sum())
    profiles = rng.normal(40, 30, (3, 8784))
    row = rng.integers(0, 3, (blocks, 2))
    limit = (np.zeros((blocks, entries), dtype=np.int64), np.zeros((blocks, entries)), np.ones((blocks, entries)))
    money = [rng.normal(0, 1, (blocks, entries)) for _ in range(3)]
    source = np.arange(entries) >= 3

    def found(most: int, least: int) -> list[bytes]:
        monkeypatch.setattr(kernel, "threads", lambda: most)
        monkeypatch.setattr(kernel, "LEAST_SHARED", least)
        value, tables, out = np.zeros(blocks), [np.zeros((blocks, entries)) for _ in range(4)], np.empty((entries, 0))
        kernel.recourse_solutions(
            profiles, first, count, hours, np.ones(len(hours)), row, np.ones((blocks, 2)), np.zeros((blocks, 2)), money[0], money[1],
            None, money[2] * 40, source, *limit, np.abs(money[0]) + 0.1, value, *tables, None, np.full(blocks, -1), out,
        )  # fmt: skip
        assert value.any()
        return [value.tobytes(), *(table.tobytes() for table in tables)]

    assert found(threads, 1) == found(1, 10**12)
