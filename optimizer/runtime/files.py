"""Files as they are opened: only regular ones are read, and no link leads a write to a file that is not ours.

A pipe, a device or a socket may keep who opens it waiting for ever, and no time limit of ours is heard meanwhile. So every file that a user
or a case names is read by `read`. What we write beside results is made anew under a name of its own (`write_new`), which fails where there is
something already, a link too. A file that the user has named is the user's: `write_out` follows links to it.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

#: of os.open: do not wait for whoever is at the other end of a pipe, and take no terminal as our own; nothing where a system has no such thing
AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
KINDS = {
    stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


def read(path: str | os.PathLike[str], most: int | None = None) -> bytes:
    """The bytes of a regular file; at most most + 1 of them, so that who asks can tell that it is larger.

    Raises OSError for whatever else stands there, at once. It is looked at before it is opened, as some devices start when they are opened;
    and again after that, as another file may stand there by then.
    """
    _regular(os.stat(path), path)
    handle = os.open(path, os.O_RDONLY | AT_ONCE)
    with os.fdopen(handle, "rb") as stream:
        _regular(os.fstat(handle), path)
        return stream.read() if most is None else stream.read(most + 1)


def _regular(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", os.fspath(path))


def write_new(path: Path, data: bytes) -> None:
    """A file that is not there yet, on the disk when this returns. Raises OSError, also where a link of that name is."""
    with open(path, "xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace(path: Path, data: bytes) -> None:
    """A file of ours, whole or as it was; a link of that name gives way to it. Raises OSError."""
    aside = beside(path)
    try:
        write_new(aside, data)
        os.replace(aside, path)
    finally:
        with suppress(OSError):  # on a read-only file system asking fails
            aside.unlink(missing_ok=True)


def write_out(path: str | os.PathLike[str], data: bytes, append: bool = False) -> None:
    """Write, or append to, a file that the user has named: links are followed, and a pipe or a device takes what is written.

    Raises OSError; a pipe that nobody reads is told, and not waited for.
    """
    how = os.O_APPEND if append else os.O_TRUNC
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | how | AT_ONCE, 0o666)
    except OSError as problem:
        if problem.errno != errno.ENXIO:
            raise
        raise OSError(errno.ENXIO, "nobody reads what would be written there", os.fspath(path)) from None
    with os.fdopen(handle, "wb") as stream:
        if os.name == "posix":
            os.set_blocking(handle, True)
        stream.write(data)


def write_out_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """The same, but a regular file is whole or as it was. Raises OSError."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    if status is None or stat.S_ISREG(status.st_mode):
        replace(Path(os.path.realpath(path)), data)
    else:
        write_out(path, data)


def beside(target: Path) -> Path:
    """A new name next to a folder or file, for what is to take its place."""
    return target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"


def left(target: Path) -> re.Pattern[str]:
    """Names that `beside` gives for it."""
    return re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{8}\.tmp")
