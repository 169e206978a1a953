"""report.json: what a report tells and no other file of the result folder holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.report.hours import hours

if TYPE_CHECKING:
    from optimizer.engine import Solution

NAME = "report.json"
SCHEMA = 1


def report_data(solution: Solution) -> dict[str, Any]:
    """What the case is, the account in words, every kind of decision in all, and the hours condensed. Needs an optimal plan."""
    from optimizer.explain import account, brief_account

    case, problem = solution.case, solution.problem
    model = getattr(case, "model", None)
    described = {name: one.describe for name, one in model.scenarios.items()} if model is not None else {}
    return {
        "schema": SCHEMA,
        "description": model.case.description if model is not None else "",
        "notes": [note for note in (*getattr(case, "notes", ()), *solution.notes) if note],
        "months": [int(n) for n in problem.clock.months],
        "scenarios": {name: described.get(name, "") for name in problem.scenarios.names},
        "account": account(brief_account(solution)),
        "decisions": decisions(solution),
        "hours": hours(solution),
    }


def decisions(solution: Solution) -> list[dict[str, Any]]:
    """Every kind of decision about everything, in all: first and last date, expected amount, least and most of any scenario."""
    from optimizer.results_tables import iso_dates, steps

    names, odds = solution.problem.scenarios.names, solution.problem.scenarios.probability
    dates = iso_dates(solution.problem.clock)
    found: dict[tuple[str, str, str, str], tuple[list[int], Any]] = {}
    for step in steps(solution):
        at, total = found.setdefault((step.kind, step.what, step.where, step.unit), ([], np.zeros(len(names))))
        at.append(step.d)
        total[list(step.members)] += step.amount
    return [
        {
            "kind": kind, "what": what, "where": where, "unit": unit, "first": dates[min(at)], "last": dates[max(at)],
            "expected": float(odds @ total), "least": float(total.min()), "most": float(total.max()),
        }
        for (kind, what, where, unit), (at, total) in found.items()
    ]  # fmt: skip


def to_bytes(data: dict[str, Any]) -> bytes:
    """Compact JSON, a line for each part; what is not finite is null."""
    from optimizer.results import plain

    parts = (
        f"{json.dumps(key)}: {json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(',', ':'))}"
        for key, value in data.items()
    )
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode("utf-8", "replace")
