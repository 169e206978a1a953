"""Rules with their headroom and price, date by date."""

from __future__ import annotations

import numpy as np

from models.dates import date_text
from models.decisions import Decisions
from models.problem import Problem
from models.proforma.books import Books
from optimizer.engine.values import EXPECTED, Covenant, ShadowPrice


def covenant_table(problem: Problem, books: Books, decisions: Decisions, prices: tuple[ShadowPrice, ...]) -> tuple[Covenant, ...]:
    """Every rule at every date: both sides from the books, headroom, price and breach."""
    dates = [date_text(problem, d) for d in range(problem.clock.dates)]
    priced = {(p.family, p.name, p.scenario, p.date): p.value for p in prices if p.family in ("rule", "sweep")}
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
    return tuple(out)
