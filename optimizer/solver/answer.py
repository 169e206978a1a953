"""What a session is told about how to solve, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from optimizer.solver.linear_program import LinearProgram

#: nonzeros from which a cold solve is by interior point: simplex then takes five times as long
INTERIOR_POINT_NONZEROS = 40_000


class Status(Enum):
    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    LIMIT = "limit"
    ERROR = "error"


def cold_method(lp: LinearProgram) -> str:
    """What solves a program sooner from nothing: "ipm" or "simplex"."""
    return "ipm" if lp.matrix.nnz > INTERIOR_POINT_NONZEROS else "simplex"


@dataclass(frozen=True)
class SolverOptions:
    """method applies to a cold solve; with a basis at hand, simplex continues from it. Tolerances are absolute."""

    method: str = "simplex"  # "simplex" | "ipm" (always with crossover) | "choose"
    presolve: bool = True
    seed: int = 0
    threads: int = 1  # one: the same path every time; process-global in HiGHS; 0: HiGHS decides
    time_limit: float | None = None  # seconds, for each run
    deadline: float | None = None  # time.perf_counter() at which every run stops
    pulse: Callable[[], None] | None = None  # called now and then during a run
    primal_tolerance: float = 1e-9
    dual_tolerance: float = 1e-9
    primal: bool = False  # primal simplex: where costs change and a feasible basis is at hand


@dataclass(frozen=True, eq=False)
class Answer:
    """x, y, d are NaN where the status gives none, so an unread status cannot pass verification."""

    status: Status
    x: np.ndarray  # (n,)
    y: np.ndarray  # (m,) objective (minimised, unscaled) per unit of the row
    d: np.ndarray  # (n,) true_cost - A'y
    objective: float  # in the model's own sense, unscaled, offset included
    iterations: int
    seconds: float
    ray: np.ndarray | None = None  # (m,) Farkas vector if INFEASIBLE, (n,) direction if UNBOUNDED
    message: str = ""

    @property
    def optimal(self) -> bool:
        return self.status is Status.OPTIMAL
