"""A plan judged on fresh futures: what is decided today is kept, the rest is decided anew on each path, and nothing is dropped.

The policy is `clairvoyant`: from the first date on each path is known as a whole, so what is found is an upper end of what the plan can
earn. What is decided today is all that scenarios share at date 0: orders, builds, signings, options, issues, retirements.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.problem import Array, Problem
from models.problem.scenario_subset import only
from optimizer.runtime.worker import Failure
from optimizer.studies.knowing import first_parting

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.engine.solution import Solved
    from optimizer.engine.views.tables import Table
    from optimizer.runtime.executor import Executor

#: USD of rescue money from which a path counts as rescued
RESCUED = 1.0
#: paths that one evaluation may draw
LEAST_PATHS, MOST_PATHS = 50, 200

Key = tuple[str, ...]


class EvaluationError(ValueError):
    """A case that cannot be judged on fresh futures: why, in a sentence."""


@dataclass(frozen=True)
class Task:
    """One path as a problem of one scenario; held: decisions of date 0, in program units; time_limit: seconds."""

    name: str
    problem: Problem
    held: dict[Key, float]
    time_limit: float | None = None


@dataclass(frozen=True)
class Path:
    """What a path comes to with today's decisions held: value USD (None: no plan, and why), rescue USD, best: value with nothing held."""

    name: str
    status: str
    value: float | None
    rescue: float
    best: float | None
    reason: str = ""


@dataclass(frozen=True)
class Evaluation:
    """In sample beside out of sample, USD. held: what is decided today; paths in the order they were drawn."""

    expected: float
    cvar: float
    tail: float
    seed: int
    held: dict[Key, float]
    paths: tuple[Path, ...]

    @property
    def values(self) -> Array:
        return np.array([path.value for path in self.paths if path.value is not None])

    @property
    def without_plan(self) -> int:
        return sum(path.value is None for path in self.paths)

    def figures(self) -> dict[str, float | None]:
        """Mean with its standard error, CVaR, quantiles, odds of rescue money and of no plan; of paths that have a plan but for the last."""
        values = self.values
        if not len(values):
            return {"mean": None, "standard_error": None, "cvar": None, "no_plan": 1.0}
        error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
        best = [path.best - path.value for path in self.paths if path.best is not None and path.value is not None]
        out: dict[str, float | None] = {
            "mean": float(values.mean()),
            "standard_error": error,
            "cvar": tail_mean(values, self.tail),
        }
        out |= {f"quantile_{q}": float(np.quantile(values, q / 100.0)) for q in (5, 50, 95)}
        out["rescue"] = sum(path.rescue > RESCUED for path in self.paths) / len(self.paths)
        out["no_plan"] = self.without_plan / len(self.paths)
        return out | {"regret": float(np.mean(best)) if best else None}


def tail_mean(values: Array, tail: float) -> float:
    """Mean of the worst `tail` of equally likely values, the last one in part."""
    ordered, left, total = np.sort(values), tail * len(values), 0.0
    for value in ordered.tolist():
        part = min(left, 1.0)
        total += part * value
        left -= part
        if left <= 0.0:
            break
    return total / (tail * len(values))


def evaluate(
    case: Case, fresh: int, seed: int, executor: Executor, time_limit: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:  # fmt: skip
    """The plan of a case with drawn scenarios on `fresh` paths of another seed. time_limit: seconds for each solve.

    Raises EvaluationError: scenarios that are written and not drawn, a plan that is not optimal, the seed that the plan was made with.
    """
    from optimizer.engine.solve import solve_warm

    if case.generated is None:
        raise EvaluationError("its scenarios are written, not drawn: `scenarios: {generate: {}}` draws them, and fresh ones")
    problem = case.problem()
    d = first_parting(problem.scenarios.node)
    if not 0 < d < problem.clock.dates:
        raise EvaluationError(
            "its scenarios never part, or part at once: there is nothing that is decided today and judged later"
        )
    solved = solve_warm(case, baseline=False, time_limit=time_limit)
    books = solved.solution.books
    if solved.solution.outcome.name != "OPTIMAL" or books is None or solved.warm is None:
        raise EvaluationError(f"its plan is not optimal: {solved.solution.outcome.name.lower()}")
    held = today(solved)
    drawn = fresh_problem(case, fresh, seed, d)
    if drawn is None:
        raise EvaluationError(f"seed {seed} is the one that the plan was made with: fresh paths need another")
    tasks = [Task(name, only(drawn, [s]), held, time_limit) for s, name in enumerate(drawn.scenarios.names)]
    found = executor.map(judge, tasks, progress)
    paths = [
        Path(task.name, "failed", None, 0.0, None, f"{one.kind}: {one.message}") if isinstance(one, Failure) else one
        for task, one in zip(tasks, found, strict=True)
    ]
    return Evaluation(books.expected, books.cvar, problem.objective.tail, seed, held, tuple(paths))


def fresh_problem(case: Case, fresh: int, seed: int, parting: int) -> Problem | None:
    """The same case with `fresh` paths, each by itself from the date at which those of the plan part; None where the seed is the plan's."""
    from optimizer.case.case import Case

    clock = case.problem().clock
    month = clock.start_month + int(clock.date_month[parting])
    date = f"{month // 12}-{month % 12 + 1:02d}"
    ways = [f"scenarios.generate.{key}" for key in (f"sample={fresh}", f"keep={fresh}", f"stages=[{date}]", f"seed={seed}")]
    made = Case.load(case.path, case.variant, [*case.settings, *ways])
    assert case.generated is not None and made.generated is not None
    return None if made.generated.given.seed == case.generated.given.seed else made.problem()


def today(solved: Solved) -> dict[Key, float]:
    """What the plan decides at date 0 before scenarios part, by the key of the decision, in program units."""
    assert solved.warm is not None
    program, x = solved.warm.program, solved.warm.best.x
    places = program.lp.number
    out = {}
    for key, decision in program.master.build.decisions.items():
        var = None if decision.recourse else decision.at(0, 0)
        if var is not None and id(var) in places:
            out[key] = max(float(x[places[id(var)]]), 0.0)
    return out


def judge(task: Task) -> Path:
    """A path by itself, then with today's decisions held."""
    from optimizer.engine.rules_of_thumb import decided_at_start
    from optimizer.engine.solve import bare, solve_warm, within

    alone = solve_warm(bare(task.problem), baseline=False, time_limit=task.time_limit)
    best = (
        alone.solution.books.expected if alone.solution.outcome.name == "OPTIMAL" and alone.solution.books is not None else None
    )
    if alone.warm is None:
        reasons = "; ".join(alone.solution.reasons[:2])
        return Path(task.name, alone.solution.outcome.name.lower(), None, 0.0, best, reasons)
    found = within(alone, decided_at_start(alone.warm, task.held))
    if found.outcome.name != "OPTIMAL" or found.books is None or found.decisions is None:
        return Path(task.name, found.outcome.name.lower(), None, 0.0, best, "; ".join(found.reasons[:2]))
    return Path(task.name, "optimal", found.books.expected, float(found.decisions.rescue.sum()), best)


def table(found: Evaluation) -> Table:
    """evaluation.csv: a row for each path."""
    from optimizer.engine.views.tables import Table

    header = ("path", "status", "value", "rescue", "best", "reason")
    return Table(header, [(one.name, one.status, one.value, one.rescue, one.best, one.reason) for one in found.paths])
