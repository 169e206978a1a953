"""The result folder DIR/<case>/<variant>/: complete or not at all, and the same bytes for the same case.

Text that a spreadsheet would take for a formula (it begins with = + - @, with blanks or without) is written into CSV cells
with a ' before it, as is text that begins with ' itself. The same goes for what follows a semicolon, a tab or the end of a
line within a text: where semicolons separate, a cell begins there, and the quotes around the text do not count. `unmarked`
takes the marks away again. Numbers are written so that they read back exactly.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.results.atomic_folder import clear, exchange, held, point_latest
from optimizer.results.read_folder import load
from optimizer.results.serialise import BASE, SCHEMA, ResultError, to_csv, to_json
from optimizer.results.summary_json import summary
from optimizer.runtime import files as opened
from optimizer.runtime.files import beside, left
from optimizer.runtime.read_back import TEXT, WHOLE, Each, manifest_of, shaped
from optimizer.text import printable

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution
    from optimizer.explain.marginal.marginal_values import StatementPrice

MANIFEST = "manifest.json"
NOT_VERIFIED = ".unverified"  # after the name of the folder of a plan that did not pass verification
LONGEST_NAME = 100  # characters of a folder's name


# ---------------------------------------------------------------------------------------------------------------------
# Contents


def contents(solution: Solution, dispatch: bool = False, prices: tuple[StatementPrice, ...] | None = None) -> dict[str, bytes]:
    """Name -> bytes of every file but timings.json and manifest.json. prices: of statements, where they were worked out."""
    from optimizer.engine.views import tables
    from optimizer.results.finance_tables import FINANCE_TABLES
    from optimizer.results.report import render_page

    if loose := solution.finance.loose:
        worst = max(loose, key=lambda check: check.relative)
        where = f" ({worst.where})" if worst.where else ""
        raise ResultError(
            f"nothing is written: the statements do not tie: {worst.name}{where}, off by {worst.relative:.3g} relative"
        )
    summarised = summary(solution)
    files = {"summary.json": to_json(summarised).encode()}
    made = {name: build(solution) for name, build in (tables.TABLES | FINANCE_TABLES).items()}
    files |= {name: to_csv(table).encode("utf-8", "replace") for name, table in made.items()}
    files |= render_page.files(solution, summarised, made)
    if prices is not None:
        from optimizer.explain.marginal.marginal_values import prices_table

        files["prices.csv"] = to_csv(prices_table(prices, solution.problem)).encode("utf-8", "replace")
    if dispatch:
        files["dispatch.parquet"] = hourly(solution)
    return files


def hourly(solution: Solution) -> bytes:
    """dispatch.parquet: MW of every use and source in every hour kept.

    hour: position in a year of 8784 hours (29 February is always there); weight: hours of the period it stands for.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from models.dates import iso_dates

    assert solution.decisions is not None
    clock, names = solution.problem.clock, solution.problem.scenarios.names
    dates = iso_dates(clock)
    dispatch = solution.decisions.dispatch
    # one dictionary for all batches: where it changes between them, the writer's bytes differ from call to call
    texts = {
        "site": pa.array(list(dict.fromkeys(site for site, _, _ in dispatch)), pa.string()),
        "scenario": pa.array(list(names), pa.string()),
        "period": pa.array(list(dates), pa.string()),
        "kind": pa.array(["use", "source"], pa.string()),
        "name": pa.array(list(dict.fromkeys(name for x in dispatch.values() for name in (*x.uses, *x.sources))), pa.string()),
    }
    number = {column: {text: k for k, text in enumerate(array.to_pylist())} for column, array in texts.items()}
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [*((column, text) for column in texts), ("hour", pa.int32()), ("weight", pa.float64()), ("mw", pa.float64())]
    )
    stream = io.BytesIO()
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for (site, s, t), split in dispatch.items():
            flows = [("use", *flow) for flow in split.uses.items()]
            flows += [("source", *flow) for flow in split.sources.items()]
            if not flows:
                continue
            hours = len(clock.hour_index[t])

            def column(which: str, values: list[str], hours: int = hours, count: int = len(flows)) -> Any:
                codes = np.array([number[which][value] for value in values], dtype=np.int32)
                return pa.DictionaryArray.from_arrays(np.repeat(codes, hours * count // len(values)), texts[which])

            columns = [
                column("site", [site]), column("scenario", [names[s]]), column("period", [dates[t]]),
                column("kind", [f[0] for f in flows]), column("name", [f[1] for f in flows]),
                pa.array(np.tile(clock.hour_index[t].astype(np.int32), len(flows))),
                pa.array(np.tile(clock.weight[t], len(flows))),
                pa.array(np.concatenate([f[2] for f in flows])),
            ]  # fmt: skip
            writer.write_batch(pa.record_batch(columns, schema=schema))
    return stream.getvalue()


# ---------------------------------------------------------------------------------------------------------------------
# Folders


def folder_name(name: str) -> str:
    """A name that is one folder on any system. Where it differs from the name, a digest keeps it apart from others."""
    clean = re.sub(r"[^\w. -]+", "_", name).strip(". ")[:LONGEST_NAME]
    if clean and clean == name:
        return clean
    return f"{clean[: LONGEST_NAME - 9] or 'unnamed'}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def folder(out_dir: str | os.PathLike[str], case: str, variant: str | None) -> Path:
    """DIR/<case>/<variant or base>."""
    return Path(out_dir) / folder_name(case) / folder_name(variant or BASE)


@contextlib.contextmanager
def claimed(target: Path) -> Iterator[None]:
    """For a run that is going to write there: no other run does, and what killed ones left is gone. Raises ResultError."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(target))
            clear(target, "manifest.json")
        except OSError as problem:
            raise ResultError(_why(target, problem)) from problem
        yield


def prepare(target: Path) -> None:
    """Find out before a long solve that results could not be written. Raises ResultError."""
    try:
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise ResultError(f"cannot write results to {target}: it is not a folder")
        _replaceable(target)
        missing = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = beside(target)
        probe.mkdir()
        probe.rmdir()
        for made in missing:  # nothing is written yet, so nothing is left
            with contextlib.suppress(OSError):  # somebody else has put something there
                made.rmdir()
    except OSError as problem:
        raise ResultError(_why(target, problem)) from problem


def _replaceable(target: Path) -> None:
    """Whether what stands there may go: nothing, an empty folder, or a result and no more than that. Raises ResultError, OSError."""
    if target.is_dir() and (why := _foreign(target)) is not None:
        raise ResultError(f"{target} is no result of wattfolio ({why}) and is left alone: choose another folder with --out")


def _foreign(target: Path) -> str | None:
    """Why a folder is not a result of ours with nothing of anybody else's in it, in words; None where it is, or is empty.

    A listed file that is not there is no harm. Left by a kill: a file under the name that `attach` had for it.
    """
    with os.scandir(target) as entries:
        found = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
    if not found:
        return None
    if not found.get(MANIFEST):
        return f"it has no {MANIFEST}"
    listed = _listed(target)
    if listed is None:
        return f"its {MANIFEST} is not one of this version"
    unfinished = [left(target / name) for name in (*listed, MANIFEST)]
    for name, regular in sorted(found.items()):
        if not regular or not (name == MANIFEST or name in listed or any(one.fullmatch(name) for one in unfinished)):
            return f'its {MANIFEST} does not list "{printable(name)}"'
    return None


def _listed(target: Path) -> set[str] | None:
    """The files that a result's manifest lists; None where it is not one that `write` or `write_files` writes."""
    try:
        manifest = shaped(manifest_of(target), {"schema": WHOLE, "files": Each({"bytes": WHOLE})})
        more = shaped(manifest.get("not_reproducible", []), [TEXT])
    except ValueError:
        return None
    return {*manifest["files"], *more} if manifest["schema"] == SCHEMA else None


def write(
    solution: Solution,
    out_dir: str | os.PathLike[str],
    *,
    label: str | None = None,
    dispatch: bool = False,
    prices: tuple[StatementPrice, ...] | None = None,
    latest: bool = False,
    workbook: Callable[[], bytes | None] | None = None,
) -> Path:
    """Write the result folder of an optimal, verified solution and return its path; `label` replaces the variant in it. prices: for prices.csv.
    latest: the link of that name beside it leads to it. workbook: what gives workbook.xlsx or None (`optimizer.results.workbook`), asked last.

    All files go to a new folder beside it first; only when every byte is on the disk do the two change places, so an
    earlier result is either whole or replaced. Raises ResultError.
    """
    if solution.outcome.name != "OPTIMAL":
        raise ResultError(f"nothing is written: the solution is {solution.outcome.name.lower()}, not optimal")
    target = folder(out_dir, solution.case.name, label or solution.variant)
    prepare(target)
    files = contents(solution, dispatch, prices)
    if workbook is not None and (book := workbook()) is not None:
        files["workbook.xlsx"] = book
    manifest = {
        "schema": SCHEMA,
        "case": solution.case.name,
        "variant": solution.variant,
        "digest": solution.case.digest,
        "files": {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in sorted(files.items())},
        "not_reproducible": ["timings.json"],  # differs from run to run, so it has no checksum
    }
    files["timings.json"] = to_json({name: float(seconds) for name, seconds in solution.timings.items()}).encode()
    files["manifest.json"] = to_json(manifest).encode()
    _publish(target, files)
    if latest:
        with contextlib.suppress(OSError):  # the result is there, and that it is the last one is told elsewhere
            point_latest(target)
    return target


def unverified_folder(out_dir: str | os.PathLike[str], case: str, variant: str | None) -> Path:
    """DIR/<case>/<variant or base>.unverified: where a plan goes that did not pass verification."""
    return folder(out_dir, case, f"{variant or BASE}{NOT_VERIFIED}")


def write_unverified(solution: Solution, out_dir: str | os.PathLike[str], *, label: str | None = None) -> Path | None:
    """Write the plan of an unverified solution to a folder of its own, to look at; None if there is no plan. `label` as in `write`.

    It holds summary.json, whose status is "unverified", and the tables of the plan, no page and no workbook. A folder of that name that
    holds something else is left alone. Raises ResultError.
    """
    if solution.outcome.name != "UNVERIFIED" or solution.books is None or solution.decisions is None:
        return None
    from optimizer.engine.views import tables
    from optimizer.results.finance_tables import FINANCE_TABLES

    target = unverified_folder(out_dir, solution.case.name, label or solution.variant)
    with claimed(target):
        prepare(target)
        if target.is_dir() and load(target)["summary"]["status"] != "unverified":
            raise ResultError(f"{target} holds another result and is left alone: choose another folder with --out")
        made = {name: build(solution) for name, build in (tables.TABLES | FINANCE_TABLES).items()}
        files = {"summary.json": to_json(summary(solution)).encode()}
        files |= {name: to_csv(table).encode("utf-8", "replace") for name, table in made.items()}
        about = {"case": solution.case.name, "variant": solution.variant, "digest": solution.case.digest, "status": "unverified"}
        return write_files(target, files, about)


def write_files(target: Path, files: dict[str, bytes], about: dict[str, Any]) -> Path:
    """Write a folder of files that are not one solution's, complete or not at all. about: for its manifest. Raises ResultError."""
    prepare(target)
    sums = {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in sorted(files.items())}
    _publish(target, files | {"manifest.json": to_json({"schema": SCHEMA, **about, "files": sums}).encode()})
    return target


def _publish(target: Path, files: dict[str, bytes]) -> None:
    """All files, the last one last, in a new folder that takes the place of target."""
    fresh = beside(target)
    try:
        fresh.mkdir(parents=True)
        for name, data in files.items():
            opened.write_new(fresh / name, data)
        _sync(fresh)
        _replaceable(target)  # it may have changed while this one was made
        _swap(fresh, target)
    except OSError as problem:
        raise ResultError(_why(target, problem)) from problem
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def attach(folder: str | os.PathLike[str], name: str, data: bytes) -> Path:
    """Put a file into a result folder, or a new one in its place, with its checksum in the manifest; its path. Raises ResultError."""
    base = Path(folder)
    fresh = beside(base / name), beside(base / "manifest.json")
    try:
        manifest: Any = manifest_of(base)
        manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        manifest["files"] = dict(sorted(manifest["files"].items()))
        opened.write_new(fresh[0], data)
        opened.write_new(fresh[1], to_json(manifest).encode())
        fresh[0].replace(base / name)
        fresh[1].replace(base / "manifest.json")
    except OSError as problem:
        raise ResultError(_why(base / name, problem)) from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise ResultError(f"{base} is not a result of wattfolio: {problem}") from problem
    finally:
        for path in fresh:
            with contextlib.suppress(OSError):  # on a read-only file system there is nothing to remove, and asking fails
                path.unlink(missing_ok=True)
    return base / name


def _sync(path: Path) -> None:
    """Have the folder's own entries on the disk, where the system can do that."""
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _swap(fresh: Path, target: Path) -> None:
    """`fresh` becomes `target`; the old one is gone. In one step where the system has one; else the old one steps aside, and back on failure."""
    if not target.exists():
        fresh.rename(target)
        _sync(target.parent)
        return
    if exchange(fresh, target):
        _sync(target.parent)
        return  # the old one is where the new one was, and goes with it
    aside = beside(target)
    target.rename(aside)
    try:
        fresh.rename(target)
    except BaseException:
        if not target.exists():
            aside.rename(target)
        raise
    _sync(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _why(target: Path, problem: OSError) -> str:
    return f"cannot write results to {target}: {problem.strerror or problem}"


# ---------------------------------------------------------------------------------------------------------------------
# Reading
