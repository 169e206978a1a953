"""A solution in at most fifteen lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.brief import listed
from optimizer.text import money, number, percent

if TYPE_CHECKING:
    from optimizer.engine.values import SolvedCase


def title(solution: SolvedCase) -> str:
    """Solution of quickstart, variant no_debt: optimal."""
    variant = "" if solution.variant is None else f", variant {solution.variant}"
    return f"Solution of {solution.case.name}{variant}: {solution.outcome.value}"


def rows(solution: SolvedCase) -> list[tuple[str, str]]:
    """Label and text of each line below the title: at most fourteen."""
    out = [("why", reason) for reason in solution.reasons[:3]]
    if solution.books is not None:
        out += _plan(solution)
    if solution.upper_bound is not None:
        off = "" if solution.gap is None else f", gap {solution.gap:.1g} of the objective"
        out.append(("bound", f"no plan is worth more than {money(solution.upper_bound)}{off}"))
    baseline = solution.baseline
    if baseline is not None and baseline.objective is not None:
        out.append(("without", f"new investment {money(baseline.objective)}"))
    size = ", ".join(f"{count:,} {what}" for what, count in solution.size.items())
    return [*out, ("solved", f"by {solution.method}" + (f": {size}" if size else ""))]


def _plan(solution: SolvedCase) -> list[tuple[str, str]]:
    """What it is worth, what it does and how its rules stand."""
    from optimizer.engine.views.tables import CAPITAL, steps

    books, aim = solution.books, solution.problem.objective
    assert books is not None
    out = [("objective", money(books.objective))]
    if solution.problem.scenarios.count > 1:
        out += [("expected", money(books.expected)), ("CVaR", f"{money(books.cvar)} over the worst {percent(aim.tail)}")]
    totals: dict[tuple[str, str, str], float] = {}
    decided = steps(solution)
    for step in decided:
        for s in step.members if step.kind in CAPITAL else ():
            key = (step.kind, " ".join(filter(None, (step.what, step.where))), step.unit)
            totals[key] = totals.get(key, 0.0) + step.amount * float(solution.problem.scenarios.probability[s])
    bought = [f"{kind} {what} {number(amount, unit)}".replace("  ", " ") for (kind, what, unit), amount in totals.items()]
    out.append(("invests", listed(bought, 3) if bought else "in nothing"))
    kinds = Counter(step.kind for step in decided)
    out.append(("decisions", f"{len(decided)}: " + listed((f"{count} {kind}" for kind, count in kinds.most_common()), 5)))
    if solution.covenants:
        tight = {one.name for one in solution.covenants if abs(one.price) > 0.0}
        out.append(
            ("rules", f"{len({one.name for one in solution.covenants})}, of which cost something: {listed(sorted(tight), 3)}")
        )
    return out
