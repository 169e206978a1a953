"""Folders that survive: two of them change places at once, one run at a time writes to one, and what a killed run left is cleared away."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optimizer.runtime.files import beside, left

LATEST = "latest"  # link beside result folders to the one that was written last
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_HERE = -100  # AT_FDCWD
#: how a lock is opened: no link is followed, and nobody at the other end of a pipe is waited for
LOCK = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class FolderInUse(OSError):
    """Another run writes to the folder."""


def exchange(one: Path, other: Path) -> bool:
    """Two folders change places in one step, which no kill can fall into. False where the system cannot do that. Raises OSError."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):  # not Linux, or a C library without it
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM):  # this kernel or file system has no such thing
        return False
    raise OSError(number, os.strerror(number), str(other))


def clear(target: Path, whole: str) -> None:
    """What killed runs left beside a folder goes. Where one was killed between the two steps of a system that needs two, the folder comes back.

    whole: name of the file without which a folder is not complete. For who holds the lock. Raises OSError.
    """
    if not target.parent.is_dir():
        return
    name = left(target)
    ours = [path for path in sorted(target.parent.iterdir()) if name.fullmatch(path.name) and _only_files(path)]
    if not target.exists():
        complete = [path for path in ours if (path / whole).is_file()]
        if complete:
            newest = max(complete, key=lambda path: (path / whole).stat().st_mtime_ns)
            newest.rename(target)
            ours.remove(newest)
    for path in ours:
        shutil.rmtree(path, ignore_errors=True)


def _only_files(path: Path) -> bool:
    """A folder, not a link to one, with files alone in it: nothing else is ever made beside a result."""
    if path.is_symlink() or not path.is_dir():
        return False
    with os.scandir(path) as entries:
        return all(entry.is_file(follow_symlinks=False) for entry in entries)


def _lock(path: Path) -> int:
    """The open file of a lock, made where there is none. Nothing that somebody else has put there is followed or written to. Raises OSError."""
    foreign = f"{path} is no lock of wattfolio and is left alone: move it away, or choose another folder with --out"
    try:
        handle = os.open(path, LOCK, 0o666)
    except OSError as problem:
        if problem.errno in (errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO):  # a link, a folder, a socket
            raise OSError(problem.errno, foreign) from None
        raise
    try:
        status = os.fstat(handle)
        # a second name of the file (a hard link) would be somebody's file too
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or not re.fullmatch(rb"[0-9]*\n?", os.pread(handle, 40, 0)):
            raise OSError(errno.EEXIST, foreign)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def held(target: Path) -> Iterator[None]:
    """Nobody else writes to the folder inside. The system lets go of a run that dies. Raises FolderInUse, OSError."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system: no lock, and the last one to finish wins as a whole
        yield
        return
    missing = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.parent / f".{target.name}.lock"
    while True:
        handle = _lock(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.read(handle, 40).decode("ascii", "replace").strip()
            os.close(handle)
            told = f" (process {who})" if who.isdigit() else ""
            raise FolderInUse(
                errno.EBUSY, f"another run{told} writes there: wait for it, or choose another folder with --out"
            ) from None
        except OSError as problem:
            os.close(handle)
            if problem.errno in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):  # a file system without locks
                with contextlib.suppress(OSError):
                    path.unlink()
                yield
                return
            raise
        with contextlib.suppress(OSError):
            if os.fstat(handle).st_ino == os.lstat(path).st_ino:
                break  # else who held it before has removed the file meanwhile: take the new one
        os.close(handle)
    try:
        os.truncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)
        for made in missing:  # nothing was written, so nothing is left
            with contextlib.suppress(OSError):
                made.rmdir()


def point_latest(target: Path) -> None:
    """`latest` beside a folder leads to it. A folder or file of that name that is not a link is left alone. Raises OSError."""
    link = target.parent / LATEST
    if target.name == LATEST or (link.exists() and not link.is_symlink()):
        return
    fresh = beside(link)
    try:
        fresh.symlink_to(target.name, target_is_directory=True)
        fresh.replace(link)
    except NotImplementedError:  # a system without links
        return
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()
