"""Files that a case names: found in or below its folder, each read once, with its digest."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from models.spelling import suggest
from optimizer.case.reading.csv_table import Table
from optimizer.case.reading.csv_text import BadTable, parse_table
from optimizer.case.reading.diagnostics import Mistakes
from optimizer.case.reading.yaml_tree import Node, noun
from optimizer.runtime import files as opened

MOST_BYTES = 64_000_000


class FileRefused(ValueError):
    """A file name in a case that may not, or cannot, be read."""


def resolve_inside(folder: str | Path, name: str) -> Path:
    """The regular file `name` in or below `folder`. Raises FileRefused for anything that lies, or leads, elsewhere."""
    shown = name if len(name) <= 120 else name[:117] + "..."
    inside = "files named in a case lie in or below its folder"
    if not name or any(not character.isprintable() for character in name):
        raise FileRefused(f"{shown!r} is not a file name")
    windows = PureWindowsPath(name)
    if PurePosixPath(name).is_absolute() or windows.drive or windows.root:
        raise FileRefused(f'"{shown}" is an absolute path: {inside}')
    if "\\" in name:
        raise FileRefused(f'"{shown}" has a backslash: write folders with /')
    if ".." in PurePosixPath(name).parts:
        raise FileRefused(f'"{shown}" leads out with ..: {inside}')
    try:
        root = Path(folder).resolve(strict=True)
        target = (root / name).resolve(strict=True)
        if not target.is_relative_to(root):
            raise FileRefused(f'"{shown}" is a link that leads out: {inside}')
        status = target.stat()
    except (FileNotFoundError, NotADirectoryError):
        near = suggest(name, _names_in(folder))
        raise FileRefused(f'there is no file "{shown}"' + (f': did you mean "{near}"?' if near else "")) from None
    except (OSError, RuntimeError) as problem:  # a loop of links is an OSError or a RuntimeError
        reason = getattr(problem, "strerror", None) or "cannot be followed"
        raise FileRefused(f'"{shown}" cannot be read: {reason.lower()}') from None
    if stat.S_ISDIR(status.st_mode):
        raise FileRefused(f'"{shown}" is a folder, not a file')
    if not stat.S_ISREG(status.st_mode):
        raise FileRefused(f'"{shown}" is not a regular file')
    if status.st_size > MOST_BYTES:
        raise FileRefused(f'"{shown}" is larger than {MOST_BYTES // 1_000_000} MB')
    return target


def _names_in(folder: str | Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))[:500]
    except OSError:
        return []


class Files:
    """Reads the files that a case names, each once, and keeps the sha256 of every one."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.digests: dict[str, str] = {}  # name as in the case (shapes: `shape:NAME`) -> sha256 in hex
        self._tables: dict[str, Table] = {}

    def table(self, node: Node, where: str, mistakes: Mistakes) -> Table | None:
        """The CSV file that a scalar names; None, with the mistake noted, if it cannot be used."""
        if node.kind != "scalar":
            mistakes.add(node.place, where, f"{noun(node)} is not the name of a CSV file")
            return None
        name = str(PurePosixPath(node.text))
        if name in self._tables:
            return self._tables[name]
        shown = str(self.folder / name)
        try:
            path = resolve_inside(self.folder, node.text)
            data = opened.read(path, MOST_BYTES)
            if len(data) > MOST_BYTES:
                raise FileRefused(f'"{name}" is larger than {MOST_BYTES // 1_000_000} MB')
        except FileRefused as problem:
            mistakes.add(node.place, where, str(problem))
            return None
        except OSError as problem:
            mistakes.add(node.place, where, f'"{name}" cannot be read: {(problem.strerror or "").lower()}')
            return None
        try:
            table = parse_table(data, shown)
        except BadTable as problem:
            mistakes.add(problem.place, where, problem.message)
            return None
        self.digests[name] = hashlib.sha256(data).hexdigest()
        self._tables[name] = table
        return table
