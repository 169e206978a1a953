"""What `wattfolio explain` prints: of an optimal plan, and of a case without one."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.engine.narrowing import NAMES, PAYBACK, baselines
from optimizer.engine.values import Baseline
from optimizer.explain.account import Section, Sentence, account, explain_optimal, render_account
from optimizer.explain.marginal.marginal_values import price_statements, prices_table
from optimizer.explain.no_plan.iis import InfeasibilityAnalyser
from optimizer.results.serialise import to_csv, to_json
from optimizer.text import money, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.engine.solution import Solution, Solved

#: columns of a line of text
WIDTH = 100


@dataclass(frozen=True)
class Explained:
    """The account as text and as JSON, and prices.csv."""

    text: str
    json: str
    prices_csv: str


def unknown_thumb(name: str) -> str | None:
    """What is wrong with the name of a rule of thumb; None where it is one."""
    if name in NAMES[:-1] or PAYBACK.fullmatch(name):
        return None
    return f'there is no rule of thumb "{name}": expected one of {", ".join(NAMES)} (months)'


def explained(solved: Solved, thumbs: tuple[str, ...], progress: Callable[..., Any]) -> Explained:
    """Everything `explain` tells of a plan."""
    solution = solved.solution
    progress("prices of limits and rules")
    prices = price_statements(solved)
    progress("cost of rules")
    sections = explain_optimal(solved, prices)
    if thumbs:
        progress("rules of thumb")
        sections = (sections[0], _compared(baselines(solved, thumbs)), *sections[1:])
    lines: list[str] = []

    def line(text: str) -> None:
        lines.extend(textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) or [""])

    render_account(solution, sections, line, lambda text: lines.extend(["", text]))
    told = {
        "case": solution.case.name,
        "variant": solution.variant,
        "status": solution.outcome.value,
        "objective": solution.objective,
        "upper_bound": solution.upper_bound,
        "gap": solution.gap,
        "account": account(sections),
    }
    return Explained(_printable(lines), to_json(told), to_csv(prices_table(prices, solution.problem)))


@dataclass(frozen=True)
class Reasons:
    """Why there is no plan, as text (what has not been said yet) and as JSON."""

    text: str
    json: str


def without_plan(
    found: InfeasibilityAnalyser | Solution,
    time_limit: float | None,
    progress: Callable[..., Any],
    say: Callable[[str], None] | None,
) -> Reasons:
    """Everything `explain` tells of a case that was proved infeasible or unbounded. time_limit: seconds for the search, None: the default.

    say: says what collides as soon as it is known, before repairs are looked for; None: nothing is said ahead.
    """
    from optimizer.explain.no_plan.explanation import Explanation, explain_no_plan, explain_refuted
    from optimizer.explain.no_plan.text import as_json, closing, lines, opening

    said = False

    def opened(first: Explanation) -> None:
        nonlocal said
        if say is not None:
            say(_printable(opening(first)))
            said = True

    if isinstance(found, InfeasibilityAnalyser):
        told = explain_refuted(found, time_limit=time_limit, progress=progress, opened=opened)
    else:
        told = explain_no_plan(found, time_limit=time_limit, progress=progress, opened=opened)
    return Reasons(_printable(closing(told) if said else lines(told)), to_json(as_json(told)))


def _printable(lines: list[str]) -> str:
    """No control character of a name reaches the terminal."""
    return "".join(printable(one) + "\n" for one in lines)


def _compared(found: dict[str, Baseline]) -> Section:
    """Rules of thumb beside the optimum."""
    out = []
    for name, one in found.items():
        if one.objective is None:
            text = f"{name}: {one.reason}."
        else:
            text = f"{name} would be worth {money(one.objective)}, {money(one.value_of_optimising)} less than the optimum."
        figures = {"name": name, "objective": one.objective, "value_of_optimising": one.value_of_optimising, "reason": one.reason}
        out.append(Sentence(text, figures))
    return Section("What a rule of thumb would do", tuple(out))
