"""The functions of the public face: a case in, a solution or a pandas frame out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.case.case import Case
    from optimizer.engine.solution import Solution, Solved

Path = str | PathLike[str]


def solve(
    case: Path | Case,
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    method: Literal["cuts", "extensive"] = "cuts",
    time_limit: float | None = None,
) -> Solution:
    """Solve a case and prove the plan. What is asked of its program afterwards (`explain`) begins at `solve_warm`.

    case: a YAML file, or a loaded `Case`, which has its variant and settings already. settings: as `--set`, "path=value" with its unit.
    method: "cuts" values every hour exactly and adds to the program what is needed of it; "extensive" writes every hour out, as a check
    on small cases. time_limit: seconds; None: none.

    The solution has `outcome` ("optimal", "infeasible", "unbounded", "limit", "unverified"), `reasons` where it is not optimal,
    `objective`, `upper_bound`, `gap` (a share of the objective), and of a plan `plan`, `statements`, `statement(name)`, `hours(site,
    scenario)` and `finance`. A plan that is not there has None and raises ValueError where a frame is asked for.

    Raises CaseError for a case with mistakes, ValueError for a variant or settings beside a loaded case or for an unknown method,
    SolverError where HiGHS itself fails.

    Example:

        plan = wattfolio.solve("cases/quickstart.yaml", variant="no_debt", settings=["sites.texas.interconnection=70 MW"])
        print(plan.outcome.value, plan.objective)
        print(plan.plan)
        print(plan.statement("cash_flow", "bear")["closing_cash"])
    """
    _, loaded = _loaded(case, variant, settings)
    return loaded.solve(method=method, time_limit=time_limit)


def solve_warm(
    case: Path | Case,
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    method: Literal["cuts", "extensive"] = "cuts",
    time_limit: float | None = None,
) -> Solved:
    """As `solve`, with the program left warm beside the solution, which holds memory: `.solution` is what `solve` gives.

    Raises what `solve` raises.

    Example:

        warm = wattfolio.solve_warm("cases/quickstart.yaml", settings=["horizon.hours={every: 121}"])
        print(warm.solution.objective, wattfolio.explain(warm))
    """
    _, loaded = _loaded(case, variant, settings)
    return loaded.solve_warm(method=method, time_limit=time_limit)


def explain(plan: Solution | Solved, *, time_limit: float = 30.0) -> list[str]:
    """Why this plan, in sentences, the weightiest first; or why there is none, and what would make room for one.

    plan: of `solve`; of `solve_warm` what each rule costs (USD of the objective) and what the next unit of everything scarce is worth is
    told too, by further solves. time_limit: seconds to look for repairs of a case without a plan.

    Raises ValueError where there is neither a plan nor a proof that there is none (a solve that was stopped).

    Example:

        plan = wattfolio.solve("cases/quickstart.yaml")
        print("\\n".join(wattfolio.explain(plan)))
    """
    from optimizer.engine.solution import Solved
    from optimizer.explain.no_plan.explanation import explain_no_plan
    from optimizer.explain.no_plan.text import lines

    solution = plan.solution if isinstance(plan, Solved) else plan
    if solution.outcome.value in ("infeasible", "unbounded"):
        return lines(explain_no_plan(solution, time_limit=time_limit))
    if solution.decisions is None:
        raise ValueError(f"there is neither a plan nor a proof that there is none: the solve ended as {solution.outcome.value}")
    return _account(plan)


def compare(
    case: Path | Case,
    variants: Sequence[str] = (),
    *,
    without: Sequence[str] = (),
    settings: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """A case as it stands and its variants (all, where none are named) side by side: comparison.csv, a row for each plan and measure.

    without: what to leave out in a plan of its own, in place of all variants: "ai", "debt", "rigs", or an instrument, site, service or rig
    model by name. What follows for the cost of capital stands in `table.attrs["sentences"]`.

    Columns: name, status, measure, unit, value, difference (to the case as it stands; in the measure's unit). A variant without a plan has
    its status and empty values. time_limit: seconds for each plan. workers: processes.

    Raises CaseError for a case with mistakes or a variant that is not there, ValueError for a loaded case that is a variant itself or for
    something to leave out that is not there, ExecutorError when workers cannot go on.

    Example:

        table = wattfolio.compare("cases/quickstart.yaml", ["no_debt"])
        print(table.pivot(index="measure", columns="name", values="value").loc[["objective", "cvar"]])
    """
    from optimizer.case.case import Case
    from optimizer.engine.views.frames import dated
    from optimizer.runtime.executor import Executor
    from optimizer.studies.comparison import Comparison, table
    from optimizer.studies.mixes import jobs_for
    from optimizer.studies.without import solve_pairs, told_of_pairs
    from optimizer.studies.without import without as left_out

    path, loaded = _loaded(case, None, settings)
    if loaded.variant is not None:
        raise ValueError(f"a case is compared with its variants, and this one is the variant {loaded.variant!r}")
    for name in variants:
        Case.load(path, variant=name, settings=loaded.settings)  # a mistake in a variant is told before anything is solved
    pairs = tuple(left_out(loaded, what) for what in dict.fromkeys(without))
    jobs = jobs_for([(path, loaded)], tuple(variants), False, loaded.settings, time_limit, pairs)
    with Executor(workers) as executor:
        points, found = solve_pairs(loaded, jobs, pairs, executor, lambda done, of: None)
    frame = dated(table(Comparison(loaded.name, tuple(points))))
    frame.attrs["sentences"] = list(told_of_pairs(points, found))
    return frame


def sweep(
    case: Path | Case,
    vary: Sequence[str],
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """A case at every point of a grid: sweep.csv, a row for each with its settings, status, reason and every measure of `compare`.

    vary: axes as `--vary`: "path=a,b,c unit", "path=a..b/n unit" (n values, ends included) or "variant=base,no_debt"; several give all
    combinations. time_limit: seconds for each point. workers: processes; the answer does not depend on them.

    Raises CaseError for a case with mistakes, GridError for an axis with one, ValueError for a variant or settings beside a loaded case,
    ExecutorError when workers cannot go on.

    Example:

        table = wattfolio.sweep("cases/quickstart.yaml", ["sites.texas.interconnection=40,60,80 MW"])
        print(table[["sites.texas.interconnection [MW]", "objective"]])
    """
    from optimizer.engine.views.frames import dated
    from optimizer.runtime.executor import Executor
    from optimizer.studies import sweep as study
    from optimizer.studies.grid import make_grid

    path, loaded = _loaded(case, variant, settings)
    grid = make_grid(list(vary))
    study.check(path, loaded, grid, loaded.variant, loaded.settings)
    with Executor(workers) as executor:
        found = study.run(path, loaded, grid, executor, variant=loaded.variant, changes=loaded.settings, limit=time_limit)
    return dated(study.table(found))


def frontier(
    case: Path | Case,
    points: int = 11,
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """Return against tail risk: the best plan for each of `points` weights of CVaR from 0 to 1, the case's own and the worst case.

    Columns as frontier.csv: kind, risk_weight, status, reason, expected_npv, cvar, var, objective (USD, at the case's own tail probability)
    and the other measures of `compare`. time_limit: seconds for each plan. workers: processes.

    Raises CaseError for a case with mistakes, ValueError for a variant or settings beside a loaded case, ExecutorError when workers cannot
    go on.

    Example:

        table = wattfolio.frontier("cases/quickstart.yaml", 3)
        print(table[["kind", "risk_weight", "cvar", "expected_npv"]])
    """
    from optimizer.engine.views.frames import dated
    from optimizer.runtime.executor import Executor
    from optimizer.studies import frontier as study

    path, loaded = _loaded(case, variant, settings)
    with Executor(workers) as executor:
        found = study.run(path, loaded, points, executor, variant=loaded.variant, changes=loaded.settings, limit=time_limit)
    return dated(study.table(found))


def tornado(
    case: Path | Case,
    inputs: Sequence[str] = (),
    by: float = 0.1,
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """Which inputs matter: each moved down and up by the share `by` (0.1: 10 %), those that move the objective most first.

    Columns as tornado.csv: rank, input, stated, end, factor, status, reason, change_of_objective and swing (USD), and the measures of
    `compare`. inputs: paths of the case; all numbers that can be moved, where none are named. time_limit: seconds for each plan.

    Raises CaseError for a case with mistakes, ValueError for an input that cannot be moved or a variant or settings beside a loaded case,
    ExecutorError when workers cannot go on.

    Example:

        table = wattfolio.tornado("cases/quickstart.yaml", ["market.btc_price", "sites.texas.interconnection"])
        print(table[["input", "end", "change_of_objective"]])
    """
    from optimizer.engine.views.frames import dated
    from optimizer.runtime.executor import Executor
    from optimizer.studies import tornado as study

    path, loaded = _loaded(case, variant, settings)
    chosen = study.choose(loaded, list(inputs))
    with Executor(workers) as executor:
        found = study.run(path, loaded, chosen, by, executor, variant=loaded.variant, changes=loaded.settings, limit=time_limit)
    return dated(study.table(found))


def load_result(folder: Path) -> dict[str, Any]:
    """A result folder read back: {"summary": dict, "plan": frame, ...}, by file name without its ending; dates are the index of frames.

    Every file is held to the checksum in the manifest. Raises ResultError where there is no result or one was changed.

    Example:

        found = wattfolio.load_result("out/quickstart/base")
        print(found["summary"]["gap"], found["plan"])
    """
    from optimizer.engine.views.frames import dated
    from optimizer.results.read_folder import load

    found: Mapping[str, Any] = load(folder)
    return {name: value if isinstance(value, dict | list) else dated(value) for name, value in found.items()}


def _account(plan: Solution | Solved) -> list[str]:
    """The sentences of an optimal plan's account; without its program, those that take no further solve."""
    from optimizer.engine.solution import Solved
    from optimizer.explain.account import brief_account, explain_optimal
    from optimizer.explain.marginal.marginal_values import price_statements

    if not isinstance(plan, Solved):
        sections = brief_account(plan)
    elif plan.warm is None:
        sections = brief_account(plan.solution)
    else:
        sections = explain_optimal(plan, price_statements(plan))
    return [sentence.text for section in sections for sentence in section.sentences]


def _loaded(case: Path | Case, variant: str | None, settings: Sequence[str]) -> tuple[str, Case]:
    """The file and the case, which has its variant and settings."""
    from optimizer.case.case import Case

    if isinstance(case, Case):
        if variant is not None or settings:
            raise ValueError("a loaded case has its variant and settings: load it with them, or give its file")
        return fspath(case.path), case
    path = fspath(case)
    return path, Case.load(path, variant=variant, settings=settings)
