"""Pro forma of dividends that must be earned: looked at where one is paid, from retained earnings of the balance sheet."""

from __future__ import annotations

import numpy as np

from models.decisions import Decisions
from models.problem import Array, EarnedDividends, Problem
from models.proforma.assets import decided
from models.proforma.checks import Checklist


def bars(problem: Problem, policy: EarnedDividends, decisions: Decisions, retained: Array) -> Array:
    """(S, D) USD that stand against a dividend: what it and rescue money exceed earnings by, or money that was only lent or brought in.

    retained (S, D): net income since the start.
    """
    given_out = np.cumsum(decisions.dividends + decisions.rescue, axis=1)
    unearned = np.maximum(given_out - retained - policy.opening, 0.0)
    drawn = [decided(decisions.balance, debt.name, problem) for debt in problem.debts if debt.kind == "revolver"]
    sold = sum((decided(decisions.issued, one.name, problem) for one in problem.equities), np.zeros_like(retained))
    lately = sold.copy()
    lately[:, 1:] += sold[:, :-1]
    return np.asarray(np.maximum(unearned, sum(drawn, decisions.rescue + lately)))


def check_dividends(problem: Problem, decisions: Decisions, retained: Array, checks: Checklist) -> None:
    """No dividend where something bars it: the smaller of the two is nothing, measured against what is paid, earned and moved at all."""
    for policy in problem.earned_dividends:
        against = bars(problem, policy, decisions, retained)
        paid = np.where(policy.active, np.minimum(decisions.dividends, against), 0.0)
        size = max(float(np.max(np.abs(x), initial=0.0)) for x in (decisions.dividends, retained, np.array(policy.opening)))
        checks.at_most("dividends are earned", paid, 0.0, policy.name, scale=size, least=checks.usd)
