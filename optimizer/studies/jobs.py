"""Many solves at once: each a job that any worker can do, each answer a point of plain numbers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from optimizer.results.measures import measures
from optimizer.runtime.worker import Failure

if TYPE_CHECKING:
    from models.problem import Problem
    from optimizer.engine.solution import Solution
    from optimizer.runtime.executor import Executor

#: status of a job whose worker failed
FAILED = "failed"


@dataclass(frozen=True)
class Job:
    """A case file, a variant of it or none, and changes PATH=VALUE. name: what the answer is called. streams: find `Point.capacity` too."""

    name: str
    path: str
    variant: str | None = None
    settings: tuple[str, ...] = ()
    time_limit: float | None = None
    streams: bool = False


@dataclass(frozen=True)
class Point:
    """The answer of a job. status as in summary.json, or 'failed'; values by key of `measures`, None where it has no meaning.

    worth: USD to shareholders by scenario. ledger: discounted USD by entry, in expectation; it sums to expected_npv. raised: USD by
    instrument, in expectation. costs: what an instrument costs all in, by the year. scenarios: digest of odds, market and delays: points
    with the same one face the same futures. notes: what the case may not mean (`case_notes`), and how the plan ends
    (`plan_notes`). capacity: USD of debt that a USD of a stream's cash carries, by stream (`models.finance.capital.streams`).
    """

    name: str
    status: str
    reasons: tuple[str, ...] = ()
    values: dict[str, float | None] = field(default_factory=dict)
    ledger: dict[str, float] = field(default_factory=dict)
    raised: dict[str, float] = field(default_factory=dict)
    costs: dict[str, float | None] = field(default_factory=dict)
    scenarios: str = ""
    digest: str = ""
    seconds: float = 0.0
    value_by_scenario: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    capacity: dict[str, float | None] = field(default_factory=dict)

    @property
    def optimal(self) -> bool:
        return self.status == "optimal"


def solve_job(job: Job) -> Point:
    """Load, solve, prove, and put the answer in numbers. Raises CaseError for a case with mistakes."""
    from optimizer.case.case import Case
    from optimizer.case.checks.notes import case_notes
    from optimizer.engine.solve import solve
    from optimizer.results.plan_notes import plan_notes

    start = time.perf_counter()
    case = Case.load(job.path, variant=job.variant, settings=job.settings)
    solution = solve(case, time_limit=job.time_limit, baseline=False)
    found = point(job.name, solution, time.perf_counter() - start)
    told = plan_notes(solution) if found.optimal else ()
    carried = capacity(solution) if found.optimal and job.streams else {}
    return replace(found, notes=(*case_notes(case.problem(), case.tree), *told), capacity=carried)


def capacity(solution: Solution) -> dict[str, float | None]:
    """USD of debt that a USD of each stream's cash carries, at the plan's cost of debt (without debt: the owners' rate)."""
    from models.finance.capital.streams import debt_capacity, streams
    from models.finance.context import StatementContext

    problem, costs = solution.problem, solution.finance.capital
    assert solution.decisions is not None and solution.books is not None
    found = streams(StatementContext(problem, solution.decisions, solution.books))
    rate = costs.used if costs.debt_cost[0] is None else costs.debt_cost[0]
    odds = problem.scenarios.probability
    return {name: debt_capacity(cash, found.mw[name], odds, problem.clock, rate) for name, cash in found.cash.items()}


def point(name: str, solution: Solution, seconds: float = 0.0) -> Point:
    """The numbers of a solution."""
    status, digest = solution.outcome.name.lower(), getattr(solution.case, "digest", "")
    if status != "optimal":
        return Point(name, status, solution.reasons, digest=digest, seconds=seconds)
    from optimizer.engine.views import tables

    odds, words = solution.problem.scenarios.probability, solution.books.words if solution.books else {}
    value = solution.books.value if solution.books else ()
    worth = {name: float(usd) for name, usd in zip(solution.problem.scenarios.names, value, strict=True)}
    names = [debt.name for debt in solution.problem.debts] + [issue.name for issue in solution.problem.equities]
    raised = {name: words[f"issued[{name}]"] for name in names if f"issued[{name}]" in words}
    costs = {key[5:-1]: one.expected[0] for one in solution.finance.returns.measures if (key := one.key).startswith("cost[")}
    return Point(
        name,
        status,
        values=measures(solution),
        ledger=tables.ledger(solution)["expected"],
        raised={instrument: float(odds @ issued.sum(axis=1)) for instrument, issued in raised.items()},
        costs=costs,
        scenarios=futures(solution.problem),
        digest=digest,
        seconds=seconds,
        value_by_scenario=worth,
    )


def futures(problem: Problem) -> str:
    """Digest of what scenarios are made of: names, odds, and every path of the market."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if is_dataclass(value) and not isinstance(value, type):
            for one in fields(value):
                digest.update(one.name.encode())
                add(getattr(value, one.name))
        elif hasattr(value, "tobytes"):
            digest.update(repr((value.dtype.str, value.shape)).encode() + value.tobytes())
        else:
            digest.update(repr(value).encode())

    add(problem.scenarios.names)
    add(problem.scenarios.probability)
    # a price that follows the plan is part of the answer
    add(problem.market if problem.market.follows is None else replace(problem.market, share_price=None))
    return digest.hexdigest()[:16]


def solve_jobs(jobs: Sequence[Job], executor: Executor, progress: Callable[[int, int], None] | None = None) -> list[Point]:
    """Every job's point, in order; one whose worker failed has status 'failed' and says why."""
    found = executor.map(solve_job, list(jobs), progress)
    out = []
    for job, one in zip(jobs, found, strict=True):
        out.append(Point(job.name, FAILED, (f"{one.kind}: {one.message}",)) if isinstance(one, Failure) else one)
    return out
