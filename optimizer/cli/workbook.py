"""The finance workbook of a result, for `solve` and `report`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.results.serialise import ResultError
from optimizer.runtime import files
from optimizer.runtime.read_back import manifest_of

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution

#: periods up to which a workbook is written without being asked for: well under a second
CHEAP_PERIODS = 40
NAME = "workbook.xlsx"


def workbook_of(solution: Solution, asked: bool | None) -> tuple[bytes | None, str | None]:
    """(workbook of a plan or None, why there is none). asked: whether it shall be written; None: where that is quick."""
    if asked is False or (asked is None and solution.problem.clock.periods > CHEAP_PERIODS):
        return None, None
    from optimizer.results.workbook import WorkbookError, workbook

    try:
        return workbook(solution), None
    except WorkbookError as problem:
        return None, str(problem)


def copy_workbook(result: str, target: str) -> None:
    """The workbook of a result folder as a file of its own, whole or not at all. Raises ResultError."""
    folder, file = Path(result), Path(target)
    try:
        manifest = manifest_of(folder)
        entry = manifest["files"].get(NAME)
        data = files.read(folder / NAME) if entry is not None else b""
    except OSError as problem:
        raise ResultError(f"no result in {folder}: {problem.strerror or problem}") from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ResultError(f"{folder} is not a result of wattfolio: {problem}") from problem
    if entry is None:
        raise ResultError(f"{folder} has no {NAME}: solve the case with --xlsx, which writes one")
    if hashlib.sha256(data).hexdigest() != entry.get("sha256"):
        raise ResultError(f"{folder / NAME} was changed after it was written: its checksum differs")
    try:
        if file.is_dir():
            raise ResultError(f"cannot write {file}: it is a folder")
        files.write_out_whole(file, data)
    except OSError as problem:
        raise ResultError(f"cannot write {file}: {problem.strerror or problem}") from problem
