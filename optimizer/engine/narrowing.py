"""Rules of thumb on request: each the best plan within its own narrower bounds (`rules_of_thumb`), proved like the optimum."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from optimizer.engine import rules_of_thumb
from optimizer.engine.solution import Solution, Solved
from optimizer.engine.solve import solve_warm, within
from optimizer.engine.values import Baseline, CaseLike, Outcome

PAYBACK = re.compile(r"payback-([1-9]\d{0,2})")
NAMES = ("no-new-investment", "all-equity", "mine-only", "ai-only", "payback-N")
#: USD of rescue money up to which a plan counts as paid without it
NO_RESCUE = 1.0


def baselines(case: CaseLike | Solved, names: Iterable[str], **options: Any) -> dict[str, Baseline]:
    """Rules of thumb by name (the table of `rules_of_thumb`), each with its proved plan.

    case: a case, solved here with `options` of `solve_warm`, or what `solve_warm` gave. Raises ValueError for a name that is not known, and
    where the case itself has no optimal plan.
    """
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in NAMES[:-1] and not PAYBACK.fullmatch(name):
            raise ValueError(f'there is no rule of thumb "{name}": expected one of {", ".join(NAMES)} (months)')
    optimum = case if isinstance(case, Solved) else solve_warm(case, baseline=False, **options)
    if optimum.warm is None:
        raise ValueError("rules of thumb are compared with an optimal plan: the case has none")
    return {name: rules_of_thumb.told(name, _best(name, optimum), optimum.solution) for name in names}


def _best(name: str, optimum: Solved) -> Solution:
    assert optimum.warm is not None
    bounds = {
        "no-new-investment": rules_of_thumb.nothing_new,
        "all-equity": rules_of_thumb.all_equity,
        "mine-only": rules_of_thumb.mine_only,
        "ai-only": rules_of_thumb.ai_only,
    }.get(name)
    if bounds is not None:
        return within(optimum, bounds(optimum.warm))
    match = PAYBACK.fullmatch(name)
    assert match is not None
    return _by_payback(optimum, float(match[1]))


def _by_payback(optimum: Solved, months: float) -> Solution:
    """Debt only where shares and cash leave no plan, or one that needs rescue money."""
    assert optimum.warm is not None
    found = within(optimum, rules_of_thumb.by_payback(optimum.warm, months, debt=False))
    rescued = found.decisions is not None and float(found.decisions.rescue.sum()) > NO_RESCUE
    if found.outcome is Outcome.INFEASIBLE or rescued:
        borrowed = within(optimum, rules_of_thumb.by_payback(optimum.warm, months, debt=True))
        if borrowed.outcome is Outcome.OPTIMAL:
            return borrowed
    return found
