"""Rules with their headroom and price, date by date."""

from __future__ import annotations

import numpy as np

from models.dates import date_text
from models.decisions import Decisions
from models.problem import Problem
from models.proforma.books import Books
from models.proforma.feasibility import dividend_bars
from optimizer.engine.values import EXPECTED, Covenant, ShadowPrice

#: families of rows whose prices are those of a rule or a policy
PRICED = frozenset({"rule", "sweep", "dividends_earned"})


def covenant_table(problem: Problem, books: Books, decisions: Decisions, prices: tuple[ShadowPrice, ...]) -> tuple[Covenant, ...]:
    """Every rule at every date: both sides from the books, headroom, price and breach."""
    dates = [date_text(problem, d) for d in range(problem.clock.dates)]
    priced = {(p.family, p.name, p.scenario, p.date): p.value for p in prices if p.family in PRICED}
    out = []
    for rule in problem.rules:
        left, right = rule.stated_sides(books.words)
        if rule.expected:
            left, right = (problem.scenarios.probability[None, :] @ side for side in (left, right))
        headroom = {">=": left - right, "<=": right - left, "==": -np.abs(left - right)}[rule.sense]
        breach = decisions.breach.get(rule.name, np.zeros_like(left))
        for s, name in enumerate((EXPECTED,) if rule.expected else problem.scenarios.names):
            for d in np.flatnonzero(rule.active[s]):
                price = priced.get(("rule", rule.name, name, dates[d]), 0.0)
                numbers = (float(left[s, d]), float(right[s, d]), float(headroom[s, d]), price, float(breach[s, d]))
                out.append(Covenant(rule.name, rule.text, name, dates[d], *numbers, rule.source))
    for sweep in problem.sweeps:
        # what is above the level, as far as there is debt that it could repay
        kept = np.minimum(np.maximum(books.words["cash"] - sweep.level, 0.0), books.words[f"outstanding[{sweep.debt}]"])
        text = f"cash above the level repays {sweep.debt}"
        for s, name in enumerate(problem.scenarios.names):
            for d in np.flatnonzero(sweep.active[s]):
                price = priced.get(("sweep", sweep.name, name, dates[d]), 0.0)
                numbers = (float(kept[s, d]), 0.0, 0.0 - float(kept[s, d]), price, 0.0)
                out.append(Covenant(sweep.name, text, name, dates[d], *numbers, sweep.source))
    return (*out, *_earned(problem, books, decisions, priced))


def _earned(
    problem: Problem, books: Books, decisions: Decisions, priced: dict[tuple[str, str, str | None, str | None], float]
) -> list[Covenant]:
    """What is paid at each date in spite of what bars it, where a policy holds dividends to what was earned and they may be paid."""
    out = []
    for policy in problem.earned_dividends:
        against = dividend_bars(problem, policy, decisions, books.balance_sheet["retained_earnings"])
        unearned = np.minimum(decisions.dividends, against)
        for s, name in enumerate(problem.scenarios.names):
            for d in np.flatnonzero(policy.active[s] & problem.treasury.dividends):
                price = priced.get(("dividends_earned", policy.name, name, date_text(problem, int(d))), 0.0)
                numbers = (float(unearned[s, d]), 0.0, 0.0 - float(unearned[s, d]), price, 0.0)
                text = "dividends are paid out of earnings"
                out.append(Covenant(policy.name, text, name, date_text(problem, int(d)), *numbers, policy.source))
    return out
