"""What `wattfolio explain` prints of an optimal plan."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.baseline import NAMES, PAYBACK, Baseline, baselines
from optimizer.explain import Section, Sentence, account, explain_optimal, render_account
from optimizer.prices import price_statements, prices_table
from optimizer.results import to_csv, to_json
from optimizer.summary import money

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.engine import Solution

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


def explained(solution: Solution, thumbs: tuple[str, ...], progress: Callable[..., Any]) -> Explained:
    """Everything `explain` tells of a plan that was solved with `keep=True`."""
    progress("prices of limits and rules")
    prices = price_statements(solution)
    progress("cost of rules")
    sections = explain_optimal(solution, prices)
    if thumbs:
        progress("rules of thumb")
        sections = (sections[0], _compared(baselines(solution, thumbs)), *sections[1:])
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
    text = "".join("".join(c if c.isprintable() else "?" for c in one) + "\n" for one in lines)
    return Explained(text, to_json(told), to_csv(prices_table(prices, solution.problem)))


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
