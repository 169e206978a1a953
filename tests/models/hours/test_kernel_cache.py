"""The kernel's cache saves time and nothing else: it may be cut off, read-only or on a full disk, and the kernel works."""

from __future__ import annotations

import errno
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core import caching

from models.hours import kernel

SOURCE = """
from numba import prange

def total(values):
    out = 0.0
    for k in prange(len(values)):
        out += values[k]
    return out
"""
Maker = Callable[[], Any]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    """A small function, compiled as the kernel is, in what passes for a new process; its cache is in `tmp_path`/kept."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    path = tmp_path / "small.py"
    path.write_text(SOURCE)

    def make() -> Any:
        monkeypatch.setattr(kernel, "said", False)
        spec = importlib.util.spec_from_file_location("small", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return kernel._compiled(module.total)

    return make


def works(total: Any) -> bool:
    """It computes, and the count of what was taken from the cache is as the caller finds it."""
    assert total(np.arange(5.0)) == 10.0
    return bool(sum(total.stats.cache_hits.values()))


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("left", [0, 3, 0.5])
def test_a_cache_that_is_cut_off_is_made_again(
    kind: str, left: float, fresh: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not works(fresh())
    (path,) = (tmp_path / "kept").rglob(kind)
    data = path.read_bytes()
    path.write_bytes(data[: left if isinstance(left, int) else int(left * len(data))])
    assert not works(fresh())
    told = capsys.readouterr().err
    assert told.startswith("the compiled code that was kept cannot be read and is made again (") and told.count("\n") == 1
    assert works(fresh()) and capsys.readouterr().err == ""


def test_a_full_disk_keeps_nothing_and_leaves_nothing_half_written(
    fresh: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: object, value: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(caching.IndexDataCacheFile, "_dump", full)
        assert not works(fresh())
        told = capsys.readouterr().err
        assert "cannot be kept" in told and "No space left on device" in told and told.count("\n") == 1
    assert not list((tmp_path / "kept").rglob("*.nb*"))
    # an index without the code it names: the disk was full after the first of the two
    with monkeypatch.context() as patch:
        patch.setattr(caching.IndexDataCacheFile, "_save_data", lambda self, name, data: full(self, data))
        assert not works(fresh())
    assert not works(fresh()) and works(fresh())


def test_a_folder_that_cannot_be_written_keeps_what_it_has(
    fresh: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both ways it is met: there is no place at all when the function is defined, or it turns read-only afterwards."""

    def refused(self: object, path: str) -> Any:
        raise OSError(errno.EROFS, "Read-only file system", path)

    assert not works(fresh())
    (index,) = (tmp_path / "kept").rglob("*.nbi")
    index.write_bytes(index.read_bytes()[:4])
    monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", refused)
    assert not works(fresh())
    assert capsys.readouterr().err.count("\n") == 1 and len(index.read_bytes()) == 4
    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", lambda self: refused(self, ""))
    total = fresh()
    assert not isinstance(total._cache, kernel._Cache) and not works(total)


def test_the_kernel_has_this_cache() -> None:
    assert isinstance(kernel.recourse_solutions._cache, kernel._Cache)
