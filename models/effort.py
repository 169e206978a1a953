"""Work done so far, counted rather than timed: the same on a slow machine as on a fast one, and on a busy as on an idle one.

Whoever must end a search in time, and would tell the same wherever it is done, counts what it does in an `Effort` with a limit. One unit is
about what one nonzero of a program takes in one step of the simplex method.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

#: units of work that a nonzero takes until a program is written and compiled, and that an hour of one use or source takes
COMPILED_NONZERO, HOUR = 2e3, 5.0


class Effort:
    """done: units of work, so far by others than this one counts; most: units after which it is `over`."""

    def __init__(self, most: float = math.inf, done: float = 0.0) -> None:
        self.done, self.most = done, most


#: the last one counts
_COUNTING = [Effort()]


def spend(work: float) -> None:
    """So many units of work were done."""
    _COUNTING[-1].done += work


def over(share: float = 1.0) -> bool:
    """Whether what counts now has had this share of the work it may do."""
    return _COUNTING[-1].done >= share * _COUNTING[-1].most


def spent() -> float:
    """The work that counts now."""
    return _COUNTING[-1].done


def allowed() -> float:
    """What may be done in all of what counts now."""
    return _COUNTING[-1].most


@contextmanager
def counted(effort: Effort) -> Iterator[Effort]:
    """What is done inside counts for `effort`, and for nothing else."""
    _COUNTING.append(effort)
    try:
        yield effort
    finally:
        _COUNTING.pop()
