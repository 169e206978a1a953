"""The functions of the public face: a case by its path in, a solution or a pandas frame out."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.case.case import Case
    from optimizer.engine.solution import Solution
    from optimizer.engine.solve import Solved
    from optimizer.engine.tables import Table

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

    case: a YAML file, or a `Case` that was loaded (with its own variant and settings). settings: as `--set`: "path=value" with its unit.
    time_limit: seconds. Amounts of the solution are USD, power MW, energy MWh.

    Raises CaseError for a case with mistakes (all of them, with their places), ValueError for settings with a loaded case, SolverError
    where HiGHS itself fails.

        plan = wattfolio.solve("cases/quickstart.yaml", variant="no_debt", settings=["sites.texas.interconnection=70 MW"])
        plan.outcome.value, plan.objective, plan.finance.frame("balance_sheet")
    """
    return _case(case, variant, settings).solve(method=method, time_limit=time_limit)


def solve_warm(
    case: Path | Case,
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    method: Literal["cuts", "extensive"] = "cuts",
    time_limit: float | None = None,
) -> Solved:
    """As `solve`, with the program left warm beside the solution: `.solution` is what `solve` gives, `.warm` is for `explain`.

    warm = wattfolio.solve_warm("cases/quickstart.yaml")
    warm.solution.objective, wattfolio.explain(warm)
    """
    return _case(case, variant, settings).solve_warm(method=method, time_limit=time_limit)


def explain(plan: Solution | Solved) -> list[str]:
    """Why this plan: an account in sentences, the weightiest first; or why there is none.

    plan: of `solve`, or of `solve_warm`: then rules and scarce things are told with what they cost. Raises ValueError where there is
    neither a plan nor a proof that there is none.

        print("\\n".join(wattfolio.explain(wattfolio.solve_warm("cases/quickstart.yaml"))))
    """
    from optimizer.engine.solve import Solved
    from optimizer.explain.account import brief_account, explain_optimal
    from optimizer.explain.marginal.marginal_values import price_statements

    solution = plan.solution if isinstance(plan, Solved) else plan
    if solution.decisions is None:
        if not solution.reasons:
            raise ValueError("there is no plan, and no proof that there is none")
        return list(solution.reasons)
    if isinstance(plan, Solved) and plan.warm is not None:
        sections = explain_optimal(plan, price_statements(plan))
    else:
        sections = brief_account(solution)
    return [sentence.text for section in sections for sentence in section.sentences]


def compare(
    case: Path,
    variants: Sequence[str] = (),
    *,
    settings: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """A case and its variants (all, where none are named) side by side: a row for each plan and measure, as comparison.csv.

    time_limit: seconds for each plan. Raises CaseError for a case with mistakes, ExecutorError when workers cannot go on.

        wattfolio.compare("cases/quickstart.yaml", ["no_debt"]).pivot(index="measure", columns="plan", values="value")
    """
    from optimizer.case.case import Case
    from optimizer.runtime.executor import Executor
    from optimizer.studies.comparison import Comparison, table
    from optimizer.studies.jobs import solve_many
    from optimizer.studies.mixes import jobs_for

    path = fspath(case)
    loaded = Case.load(path, settings=settings)
    for name in variants:
        Case.load(path, variant=name, settings=settings)  # says what there is
    jobs = jobs_for([(path, loaded)], tuple(variants), False, tuple(settings), time_limit)
    with Executor(workers) as executor:
        points = solve_many(jobs, executor, lambda done, of: None)
    return _frame(table(Comparison(loaded.name, tuple(points))))


def sweep(
    case: Path,
    vary: Sequence[str],
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """A case at every point of a grid: a row for each, with its settings, status and measures, as sweep.csv.

    vary: axes as `--vary`: "path=a,b,c" or "path=a..b/n", with the unit. time_limit: seconds for each point. Raises CaseError, GridError
    for an axis with a mistake, ExecutorError when workers cannot go on.

        wattfolio.sweep("cases/quickstart.yaml", ["sites.texas.interconnection=40,60,80 MW"])
    """
    from optimizer.runtime.executor import Executor
    from optimizer.studies import sweep as study
    from optimizer.studies.grid import make_grid

    path, loaded = _loaded(case, variant, settings)
    grid = make_grid(list(vary))
    study.check(path, loaded, grid, variant, settings)
    with Executor(workers) as executor:
        found = study.run(path, loaded, grid, executor, variant=variant, changes=settings, limit=time_limit)
    return _frame(study.table(found))


def frontier(
    case: Path,
    points: int = 11,
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """Return against tail risk: the best plan for each of so many weights of risk, from 0 to 1, as frontier.csv.

    time_limit: seconds for each plan. Raises CaseError for a case with mistakes, ExecutorError when workers cannot go on.

        wattfolio.frontier("cases/quickstart.yaml", 5).plot(x="cvar", y="expected_npv")
    """
    from optimizer.runtime.executor import Executor
    from optimizer.studies import frontier as study

    path, loaded = _loaded(case, variant, settings)
    with Executor(workers) as executor:
        found = study.run(path, loaded, points, executor, variant=variant, changes=settings, limit=time_limit)
    return _frame(study.table(found))


def tornado(
    case: Path,
    inputs: Sequence[str] = (),
    by: float = 0.1,
    *,
    variant: str | None = None,
    settings: Sequence[str] = (),
    time_limit: float | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """Which inputs matter: each down and up by the share `by`, the heaviest first, as tornado.csv.

    inputs: paths of the case; all that can be moved, where none are named. Raises CaseError, ValueError for an input that cannot be moved,
    ExecutorError when workers cannot go on.

        wattfolio.tornado("cases/quickstart.yaml", ["market.btc_price", "sites.texas.interconnection"])
    """
    from optimizer.runtime.executor import Executor
    from optimizer.studies import tornado as study

    path, loaded = _loaded(case, variant, settings)
    chosen = study.choose(loaded, list(inputs))
    with Executor(workers) as executor:
        found = study.run(path, loaded, chosen, by, executor, variant=variant, changes=settings, limit=time_limit)
    return _frame(study.table(found))


def load_result(folder: Path) -> dict[str, Any]:
    """A result folder read back: {'summary': dict, 'plan': frame, ...}, its checksums held to. Raises ResultError.

    found = wattfolio.load_result("out/quickstart/base")
    found["summary"]["gap"], found["plan"]
    """
    from optimizer.results.read_folder import load

    return load(folder)


def _case(case: Path | Case, variant: str | None, settings: Sequence[str]) -> Case:
    """A case that was loaded as it is; else the file, with a variant and settings."""
    from optimizer.case.case import Case

    if not isinstance(case, Case):
        return Case.load(fspath(case), variant=variant, settings=settings)
    if variant is not None or settings:
        raise ValueError("a case that was loaded has its variant and settings: give the path, or load it with them")
    return case


def _loaded(case: Path, variant: str | None, settings: Sequence[str]) -> tuple[str, Case]:
    from optimizer.case.case import Case

    path = fspath(case)
    return path, Case.load(path, variant=variant, settings=settings)


def _frame(table: Table) -> pd.DataFrame:
    """A table as a frame; dates are dates, and the index where every row has one."""
    import pandas as pd

    frame = pd.DataFrame(table.rows, columns=list(table.header))
    if "date" in frame and len(frame) and frame["date"].notna().all():
        frame["date"] = pd.to_datetime(frame["date"])
        frame = frame.set_index("date")
    return frame
