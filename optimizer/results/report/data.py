"""report.json: what a report tells and no other file of the result folder holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.results.report.hours import hours

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution

NAME = "report.json"
SCHEMA = 1
#: shares of the larger side of a rule below which its headroom is a rounding of none
NO_ROOM = 1e-7


def report_data(solution: Solution) -> dict[str, Any]:
    """What report.json holds, of an optimal plan.

    What the case is, the account in words, names and sides of cash flows, every kind of decision in all, rules, and the hours condensed.
    """
    from optimizer.explain.account import account, brief_account
    from optimizer.results.plan_notes import plan_notes

    case, problem = solution.case, solution.problem
    model = getattr(case, "model", None)
    described = {name: one.describe for name, one in model.scenarios.items()} if model is not None else {}
    return {
        "schema": SCHEMA,
        "description": model.case.description if model is not None else "",
        "notes": [note for note in (*getattr(case, "notes", ()), *solution.notes, *plan_notes(solution)) if note],
        "months": [int(n) for n in problem.clock.months],
        "scenarios": {name: described.get(name, "") for name in problem.scenarios.names},
        "account": account(brief_account(solution)),
        "flows": {line.key: [line.label, line.section] for line in solution.finance.sources_uses.lines},
        "decisions": decisions(solution),
        "rules": rules(solution),
        "hours": hours(solution),
    }


def decisions(solution: Solution) -> list[dict[str, Any]]:
    """Every kind of decision about everything, in all: first and last date, expected amount, least and most of any scenario."""
    from models.dates import iso_dates
    from optimizer.engine.views.tables import steps

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


def rules(solution: Solution) -> list[dict[str, Any]]:
    """Every rule where it is tightest, and its least headroom over scenarios at each date, as a share of its larger side.

    A rule is a sum of terms against a number; what adds to its room and what takes from it are its two sides, whatever side they stand on
    in the sentence. In a place where the larger side is a millionth of the rule's largest anywhere, both are nothing, and so is its room.
    """
    from models.dates import iso_dates
    from models.rules.rule_unit import rule_unit

    problem, books = solution.problem, solution.books
    assert books is not None
    dates, odds = iso_dates(problem.clock), problem.scenarios.probability[None, :]
    shape = (problem.scenarios.count, problem.clock.dates)
    out = []
    for rule in problem.rules:
        sign = -1.0 if rule.sense == "<=" else 1.0
        parts = [sign * coefficient * books.words[str(term)] for term, coefficient in rule.terms.items()]
        parts = [np.broadcast_to(part, shape) for part in (*parts, -sign * rule.constant)]
        up, down = (np.sum([np.maximum(side * part, 0.0) for part in parts], axis=0) for side in (1.0, -1.0))
        active = np.broadcast_to(rule.active, shape)
        if rule.expected:
            up, down, active = odds @ up, odds @ down, active[:1]
        if not active.any():
            continue
        room = -np.abs(up - down) if rule.sense == "==" else up - down
        side = np.maximum(up, down)
        share = room / np.maximum(np.maximum(side, 1e-6 * side[active].max()), 1e-9)
        share = np.where(np.abs(share) < NO_ROOM, 0.0, share)
        least = np.where(active, share, np.inf)
        s, d = np.unravel_index(
            int(np.argmin(np.where(active, share - 1e-9 * side / max(side[active].max(), 1e-9), np.inf))), least.shape
        )
        at = np.flatnonzero(active.any(axis=0))
        out.append(
            {
                "name": rule.name, "text": rule.text, "unit": rule_unit(rule),
                "scenario": "expected" if rule.expected else problem.scenarios.names[s], "date": dates[d],
                "headroom": float(room[s, d]) if share[s, d] else 0.0, "share": float(share[s, d]),
                "binds": int(((share <= 0.0) & active).sum()), "of": int(active.sum()),
                "dates": [dates[d] for d in at], "least": [float(f"{x:.6g}") for x in least[:, at].min(axis=0)],
            }
        )  # fmt: skip
    return out


def to_bytes(data: dict[str, Any]) -> bytes:
    """Compact JSON, a line for each part; what is not finite is null."""
    from optimizer.results.serialise import plain

    parts = (
        f"{json.dumps(key)}: {json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(',', ':'))}"
        for key, value in data.items()
    )
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode("utf-8", "replace")
