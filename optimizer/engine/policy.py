"""How a case is solved: decided once, by whoever asks, and handed from stage to stage."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import Enum

METHODS = ("cuts", "extensive")


class Thoroughness(Enum):
    """How much is done for a plan."""

    FULL = "the best plan over all branches of the law"
    NEAREST_BRANCH = "the best plan of the nearest branch of the law, with the bound of all of them"
    QUICK = "some plan of the nearest branch, if its books bear it out"


@dataclass(frozen=True)
class Policy:
    """method: 'cuts' or 'extensive'. canonical: of equal plans the canonical one. seed, presolve, algorithm ('choose', 'simplex', 'ipm'):
    of HiGHS. time_limit: seconds of each of its runs; deadline: of time.perf_counter(), of everything."""

    method: str = "cuts"
    thoroughness: Thoroughness = Thoroughness.FULL
    canonical: bool = True
    seed: int = 0
    presolve: bool = True
    algorithm: str = "choose"
    time_limit: float | None = None
    deadline: float | None = None

    @property
    def quick(self) -> bool:
        return self.thoroughness is Thoroughness.QUICK

    def within_what_is_left(self) -> Policy:
        """No run takes longer than there is time."""
        left = None if self.deadline is None else max(self.deadline - time.perf_counter(), 0.0)
        return replace(self, time_limit=left)

    def without_limit(self) -> Policy:
        """The same with all the time there is."""
        return replace(self, time_limit=None, deadline=None)
