"""HiGHS's words and ours, and what all its instances in this process share."""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np

from optimizer.solver.answer import Status

# What is not in this table is an error: a new HiGHS status must never pass for success.
STATUS = {
    highspy.HighsModelStatus.kOptimal: Status.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: Status.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Status.UNBOUNDED,
    highspy.HighsModelStatus.kObjectiveBound: Status.LIMIT,
    highspy.HighsModelStatus.kObjectiveTarget: Status.LIMIT,
    highspy.HighsModelStatus.kTimeLimit: Status.LIMIT,
    highspy.HighsModelStatus.kIterationLimit: Status.LIMIT,
    highspy.HighsModelStatus.kSolutionLimit: Status.LIMIT,
    highspy.HighsModelStatus.kMemoryLimit: Status.LIMIT,
    highspy.HighsModelStatus.kInterrupt: Status.LIMIT,
}


def standing(status: Any, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The bound that each column or row of a basis stands at, NaN where it is basic; what is free and not basic stands at zero."""
    kinds = highspy.HighsBasisStatus
    basic, at_upper = (np.array([one == kind for one in status]) for kind in (kinds.kBasic, kinds.kUpper))
    bound = np.where(at_upper & np.isfinite(upper) | ~np.isfinite(lower), upper, lower)
    return np.where(basic, np.nan, np.where(np.isfinite(bound), bound, 0.0))


_scheduler_threads: int | None = None  # what this process's HiGHS scheduler was last started with


def claim_scheduler(threads: int) -> None:
    """HiGHS keeps one scheduler per process and fails a run that asks for another number of threads."""
    global _scheduler_threads
    if _scheduler_threads is not None and _scheduler_threads != threads:
        highspy.Highs.resetGlobalScheduler(True)
    _scheduler_threads = threads
