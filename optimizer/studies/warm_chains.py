"""Many neighbouring points, each begun where another ended, and kept on disk as they are done.

The points stand in an order in which neighbours are alike. It is cut into chains of CHAIN_LENGTH points, and everything that a chain begins
with is fixed beforehand: its first point begins where the centre ended, each other one where the last optimal point of its chain did. So
no figure depends on how many workers there are, on who finishes first, or on a run that was killed and taken up again: a chain is kept
when it is complete, and begun anew where it is not.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.runtime import files
from optimizer.runtime.memory import uncollected
from optimizer.runtime.read_back import json_of
from optimizer.runtime.worker import Failure, stamp
from optimizer.studies.jobs import FAILED, Job, Point, point

if TYPE_CHECKING:
    from optimizer.engine.solution import Solved
    from optimizer.engine.warm_start import ExportedBasis
    from optimizer.runtime.executor import Executor

#: points of a chain
CHAIN_LENGTH = 8
#: points after which programs are let go of; those of more rows than MOST_ROWS_KEPT_OPEN after each
POINTS_KEPT_OPEN, MOST_ROWS_KEPT_OPEN = 4, 5_000
#: names in a journal: chains, and what a kill has left of one that was being written
JOURNAL_FILES = re.compile(r"chain-[0-9]+\.json|\.chain-[0-9]+\.json\.[0-9a-f]{8}\.tmp")
#: status of a point whose case has mistakes
INVALID = "invalid"
#: ends that another run may better: chains with one of them are not kept
PASSING_STATUSES = (FAILED, "limit")


@dataclass(frozen=True)
class Chain:
    """Points to be solved one after the other, the first from a seed (None: from nothing). star: all of them from this seed."""

    number: int
    jobs: tuple[Job, ...]
    exported: ExportedBasis | None
    star: bool = False


def solve_chain(chain: Chain) -> list[Point]:
    """The point of each job, in order. A case with mistakes and a solver that fails are points with a reason."""
    out = []
    exported = chain.exported
    gc.freeze()
    try:
        for job in chain.jobs:
            with uncollected():
                found, left = _solve(job, exported)
            out.append(found)
            if len(out) % POINTS_KEPT_OPEN == 0 or exported is None or len(exported.rows) > MOST_ROWS_KEPT_OPEN:
                gc.collect()  # programs hold themselves in cycles; all that was there before is left alone
            exported = exported if chain.star else left or exported
    finally:
        gc.unfreeze()
    return out


def _solve(job: Job, exported: ExportedBasis | None) -> tuple[Point, ExportedBasis | None]:
    from optimizer.case.case import Case
    from optimizer.case.reading.diagnostics import CaseError
    from optimizer.engine import warm_start
    from optimizer.engine.solve import solve_warm

    start = time.perf_counter()
    try:
        case = Case.load(job.path, variant=job.variant, settings=job.settings)

        def once(begin: ExportedBasis | None) -> Solved:
            return solve_warm(case, time_limit=job.time_limit, baseline=False, start_from=begin)

        solved = warm_start.from_a_neighbour(once, exported)
        found = point(job.name, solved.solution, time.perf_counter() - start)
        return found, None if solved.warm is None else warm_start.export_basis(solved.warm)
    except CaseError as error:
        told = [one.headline() + (f" ({one.hint})" if one.hint else "") for one in error.mistakes[:3]]
        return Point(job.name, INVALID, tuple(told), seconds=time.perf_counter() - start), None
    except Exception as error:
        return Point(job.name, FAILED, (f"{type(error).__name__}: {error}",), seconds=time.perf_counter() - start), None


def solve_centre(jobs: tuple[Job, ...]) -> ExportedBasis | None:
    """What the first of these that has an optimal plan leaves."""
    for job in jobs:
        _, exported = _solve(job, None)
        if exported is not None:
            return exported
    return None


def solve_own(job: Job) -> tuple[Point, dict[str, float | None], ExportedBasis | None]:
    """The case as it stands: its point, what the company is worth without new investment (expected_npv, cvar and objective, USD; None
    where there is no such plan), and what it leaves. Raises CaseError."""
    from optimizer.case.case import Case
    from optimizer.engine import warm_start
    from optimizer.engine.solve import solve_warm

    case = Case.load(job.path, variant=job.variant, settings=job.settings)
    solved = solve_warm(case, time_limit=job.time_limit)
    still = solved.solution.baseline
    keys = ("expected", "cvar", "objective")
    worth = {key.replace("expected", "expected_npv"): None if still is None else getattr(still, key) for key in keys}
    left = None if solved.warm is None else warm_start.export_basis(solved.warm)
    return point(job.name, solved.solution), worth, left


def _exported(centre: Sequence[Job] | ExportedBasis | None, executor: Executor) -> ExportedBasis | None:
    if not isinstance(centre, (list, tuple)):
        return centre  # type: ignore[return-value]
    found = executor.map(solve_centre, [tuple(centre)])[0]
    return None if isinstance(found, Failure) else found


def key_of(digest: str, about: Any) -> str:
    """What a journal is of: the case, what was asked, and all that makes the numbers."""
    content = json.dumps([digest, about, stamp(), CHAIN_LENGTH], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode("ascii")).hexdigest()[:16]


class Journal:
    """A folder of finished chains: chain-00012.json. What is not whole is as if it were not there."""

    def __init__(self, folder: Path, restart: bool = False) -> None:
        self.folder = folder
        if restart:
            self.remove()

    def load(self) -> dict[int, list[Point]]:
        """The chains that are there, by number."""
        out = {}
        there = self.folder.is_dir() and not self.folder.is_symlink()
        for path in sorted(self.folder.glob("chain-*.json")) if there else ():
            with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
                given = json_of(files.read(path))
                out[int(given["number"])] = [
                    Point(**{**one, "reasons": tuple(one["reasons"]), "notes": tuple(one.get("notes", ()))})
                    for one in given["points"]
                ]
        return out

    def store(self, number: int, points: Sequence[Point]) -> None:
        """Keep a chain; whole or not at all. Raises OSError."""
        self._made()
        text = json.dumps({"number": number, "points": [asdict(one) for one in points]})
        files.replace(self.folder / f"chain-{number:05d}.json", text.encode())

    def _made(self) -> None:
        if self.folder.is_symlink():  # it may lead anywhere
            raise OSError(errno.ELOOP, "a link is in its place, which is left alone", str(self.folder))
        self.folder.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """What was kept goes, and the folder with it unless there is something else in it."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if JOURNAL_FILES.fullmatch(path.name):
                with suppress(OSError):
                    path.unlink()
        with suppress(OSError):
            self.folder.rmdir()


def solve_in_chains(
    jobs: Sequence[Job],
    centre: Sequence[Job] | ExportedBasis | None,
    executor: Executor,
    journal: Journal | None = None,
    progress: Callable[[int, int, int], None] | None = None,
    star: bool = False,
) -> list[Point]:
    """Every job's point, in order. centre: where chains begin: what a solve left, or the first of these that has a plan.
    star: every point begins at the centre.

    progress: called with (points done, all, taken from the journal). Raises OSError where the journal cannot be written.
    """
    parts = [tuple(jobs[start : start + CHAIN_LENGTH]) for start in range(0, len(jobs), CHAIN_LENGTH)]
    kept = {} if journal is None else journal.load()
    done = {
        number: points
        for number, points in kept.items()
        if number < len(parts) and [one.name for one in points] == [job.name for job in parts[number]]
    }
    taken = sum(map(len, done.values()))
    progress = progress or (lambda *_: None)
    progress(taken, len(jobs), taken)
    left = [number for number in range(len(parts)) if number not in done]
    if left:
        exported = _exported(centre, executor)
        chains = [Chain(number, parts[number], exported, star) for number in left]

        def received(k: int, result: Any) -> None:
            chain = chains[k]
            points = result
            if isinstance(result, Failure):
                points = [Point(job.name, FAILED, (f"{result.kind}: {result.message}",)) for job in chain.jobs]
            elif journal is not None and not any(one.status in PASSING_STATUSES for one in points):
                journal.store(chain.number, points)
            done[chain.number] = points
            progress(sum(map(len, done.values())), len(jobs), taken)

        executor.map(solve_chain, chains, received=received)
    return [one for number in range(len(parts)) for one in done[number]]
