"""Who does the work: this process, processes of this machine, or the workers of a Dask cluster. The answer is the same to the last bit.

The hours of a site are cut into pieces of consecutive blocks (scenario by scenario, period by period), and every piece is pinned to a
worker: its arrays travel once, then only capacities, directions and what was found. A block is worked out by itself, and what was found is
put together in the order of the blocks, so neither the backend nor the number of workers can change a number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from optimizer.runtime.worker import ExecutorError, Failure, dump

if TYPE_CHECKING:
    from models.hours.site_hours import SiteHours
    from models.hours.subproblem import RecourseSolution
    from models.problem import Array

__all__ = ["Executor", "ExecutorError", "Failure", "PinnedHours"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor:
    """A context manager; `close` ends every worker it started.

    workers: 1 (or None) works in this process, more in so many processes of this machine. scheduler: 'tcp://host:port' of a Dask cluster,
    then `workers` is how many are expected (None: as many as there are). Who answers there is trusted: Dask sends pickles, and so its
    scheduler and workers can run code in this process. tick: called every now and then while workers are waited for.
    Raises ExecutorError, here and later, when there are no workers or they cannot go on; ValueError for fewer than one worker.
    """

    def __init__(self, workers: int | None = None, scheduler: str | None = None, tick: Callable[[], None] | None = None) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be at least 1. Currently it is {workers}.")
        self._backend: Any = None
        if scheduler is not None:
            from optimizer.runtime.cluster import Cluster

            self._backend = Cluster(scheduler, workers, tick)
        elif workers is not None and workers > 1:
            from optimizer.runtime.processes import Processes

            self._backend = Processes(workers, tick)
        self.closed = False

    @property
    def workers(self) -> int:
        """How many pieces are worked on at a time."""
        return 1 if self._backend is None else int(self._backend.size)

    @property
    def pids(self) -> list[int]:
        """Numbers of the processes that were started on this machine and run."""
        return list(getattr(self._backend, "pids", []))

    def pin(self, sites: Sequence[SiteHours]) -> PinnedHours:
        """The hours of sites, shared out to the workers."""
        self._open()
        return PinnedHours(sites, self._backend)

    def map(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        progress: Callable[[int, int], None] | None = None,
        received: Callable[[int, Result | Failure], None] | None = None,
    ) -> list[Result | Failure]:
        """function(item) for each item, in order; a Failure in place of each that raised or whose workers died.

        The function must be importable by the workers. progress: called with (done, all) after each item; received: with its number and
        what came of it, as soon as that is here.
        """
        self._open()
        if self._backend is not None:
            return self._backend.map(function, items, progress, received)  # type: ignore[no-any-return]
        out: list[Result | Failure] = []
        for item in items:
            try:
                out.append(function(item))
            except Exception as error:
                out.append(Failure.of(error))
            if received is not None:
                received(len(out) - 1, out[-1])
            if progress is not None:
                progress(len(out), len(items))
        return out

    def close(self) -> None:
        """End what was started. More than once is no harm."""
        backend, self._backend, self.closed = self._backend, None, True
        if backend is not None:
            backend.close()

    def _open(self) -> None:
        if self.closed:
            raise ExecutorError("this executor is closed")

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *trouble: object) -> None:
        self.close()


class PinnedHours:
    """Hours of sites, worked out where they are held: by workers, or here where they cannot be divided or were released."""

    def __init__(self, sites: Sequence[SiteHours], backend: Any) -> None:
        from models.hours.solution_cache import SolutionCache

        self.sites, self.backend = list(sites), backend
        self._here = [SolutionCache(site) for site in self.sites]
        self.pieces: list[list[tuple[slice, Any]]] = []
        for site in self.sites if backend is not None else ():
            if not site.subproblem.divisible:
                self.pieces.append([])
                continue
            count = min(backend.size, site.subproblem.blocks)
            ends = [site.subproblem.blocks * k // count for k in range(count + 1)]
            parts = [slice(a, b) for a, b in itertools.pairwise(ends)]
            self.pieces.append([(part, backend.hold(_maker(site, part))) for part in parts])

    def recourse_solution(self, i: int, capacity: Array, alpha: Array, rho: Array) -> RecourseSolution:
        """The best split of site i at capacity (B, E) MW in the direction alpha (B,), rho (B, Q)."""
        if not self._elsewhere(i):
            return self._here[i].recourse_solution(capacity, alpha, rho)
        import numpy as np

        from models.hours.subproblem import RecourseSolution

        requests = [dump((capacity[part], alpha[part], rho[part])) for part, _ in self.pieces[i]]
        found = self.backend.work_out([key for _, key in self.pieces[i]], requests)

        def joined(name: str) -> Any:
            parts = [getattr(part, name) for part in found]
            return None if parts[0] is None else np.concatenate(parts)

        return RecourseSolution(*(joined(field.name) for field in fields(RecourseSolution)))

    def _elsewhere(self, i: int) -> bool:
        return bool(self.pieces and self.pieces[i])

    def release(self) -> None:
        """Let workers forget the hours."""
        keys = [key for pieces in self.pieces for _, key in pieces]
        self.pieces = []
        if keys:
            self.backend.forget(keys)


def _maker(site: SiteHours, part: slice) -> Callable[[], SiteHours]:
    """Cut when it is sent, so that no second copy stays here."""

    def make() -> SiteHours:
        import numpy as np

        return site.blocks(np.arange(part.start, part.stop))

    return make
