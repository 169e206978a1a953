"""A solution's tables as pandas frames, with real dates as their index."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from models.finance.lines import EXPECTED
from optimizer.engine.views.statement_table import Table, statement_table
from optimizer.engine.views.tables import plan

if TYPE_CHECKING:
    import pandas as pd

    from models.problem import Clock, Problem
    from models.proforma.books import Books
    from optimizer.engine.values import SolvedCase

LEAP_YEAR = 2000  # whose hours the 8784 positions of an hour in a year are counted in


def dated(table: Table | pd.DataFrame) -> pd.DataFrame:
    """The rows of a table; a column `date` that every row fills becomes a DatetimeIndex."""
    import pandas as pd

    frame = pd.DataFrame(table.rows, columns=list(table.header)) if isinstance(table, Table) else table
    if "date" in frame and len(frame) and frame["date"].map(bool).all():
        frame = frame.assign(date=pd.to_datetime(frame["date"], format="%Y-%m-%d")).set_index("date")
    return frame


def statements_frame(problem: Problem, books: Books | None) -> pd.DataFrame:
    """The rows of statements.csv. Raises ValueError without a plan."""
    if books is None:
        raise ValueError("there is no plan, so there are no statements")
    return dated(statement_table(problem, books))


def plan_frame(solution: SolvedCase) -> pd.DataFrame:
    """The rows of plan.csv. Raises ValueError without a plan."""
    if solution.decisions is None:
        raise ValueError("there is no plan")
    return dated(plan(solution))


def statement_frame(solution: SolvedCase, name: str, scenario: str = EXPECTED) -> pd.DataFrame:
    """One statement with its dates down (calendar years as periods) and its lines across. Raises KeyError for a name that is not there."""
    import pandas as pd

    frame = solution.finance.frame(name, scenario).T
    texts = [str(text) for text in frame.index]
    if all(re.fullmatch(r"\d{4}-\d\d-\d\d", text) for text in texts):
        frame.index = pd.DatetimeIndex(texts, name="date")
    elif all(re.fullmatch(r"\d{4}", text) for text in texts):
        frame.index = pd.PeriodIndex(texts, freq="Y", name="year")
    return frame


def hours_frame(solution: SolvedCase, site: str | None = None, scenario: str | None = None) -> pd.DataFrame:
    """MW of every use and source of a site in every hour kept. Raises ValueError without a plan, KeyError for a name that is not there."""
    import pandas as pd

    if solution.decisions is None:
        raise ValueError("there is no plan")
    problem = solution.problem
    clock, names = problem.clock, problem.scenarios.names
    site = _chosen(site, [one.name for one in problem.sites], "site")
    scenario = _chosen(scenario, list(names), "scenario")
    s = names.index(scenario)
    splits = [solution.decisions.dispatch.get((site, s, t)) for t in range(clock.periods)]
    flows = list(dict.fromkeys(name for split in splits if split is not None for name in (*split.uses, *split.sources)))
    columns: dict[str, np.ndarray] = {"weight": np.concatenate(clock.weight)}
    for flow in flows:
        parts = []
        for t, split in enumerate(splits):
            mw = None if split is None else split.uses.get(flow, split.sources.get(flow))
            parts.append(np.zeros(len(clock.hour_index[t])) if mw is None else mw)
        columns[flow] = np.concatenate(parts)
    index = np.concatenate([hours_of(clock, t) for t in range(clock.periods)])
    return pd.DataFrame(columns, index=pd.DatetimeIndex(index, name="hour"))


def hours_of(clock: Clock, t: int) -> np.ndarray:
    """(H_t,) datetime64[h]: when the kept hours of period t begin, on the local standard clock.

    A position in the year of 8784 hours is a month, a day and an hour; its year is the period's own, or the next where the period, of at
    most twelve months, goes on past December. Raises ValueError for a 29 February in a year that has none.
    """
    moment = np.datetime64(f"{LEAP_YEAR}-01-01T00") + clock.hour_index[t].astype("timedelta64[h]")
    month = moment.astype("datetime64[M]")
    into = moment - month.astype("datetime64[h]")
    start = clock.start_month + int(clock.date_month[t])  # counted from year 0
    number = month.astype(np.int64) % 12
    first = start + (number - start) % 12 - 1970 * 12
    real = first.astype("datetime64[M]")
    out = real.astype("datetime64[h]") + into
    if np.any(out.astype("datetime64[M]") != real):
        raise ValueError(f"period {t} keeps hours of a 29 February that its year does not have")
    return out


def _chosen(name: str | None, names: list[str], what: str) -> str:
    """The name, or the only one there is."""
    if name is None and len(names) == 1:
        return names[0]
    if name is None or name not in names:
        asked = f"name a {what}" if name is None else f"there is no {what} {name!r}"
        raise KeyError(f"{asked}; there are {', '.join(names)}")
    return name
