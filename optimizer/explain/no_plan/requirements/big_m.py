"""Limits that never bind: more than a case can have a use for."""

from __future__ import annotations

import numpy as np

from models.problem import Expansion, Problem
from models.rules.language import WORDS
from optimizer.engine.views.builds import BUILDS


def big_m(problem: Problem) -> dict[str, float]:
    """More money (USD), power (MW), coins and units than the case can have a use for, yet no number that spoils the arithmetic."""
    finite = [x for x in (*(d.limit for d in problem.debts), *(e.limit for e in problem.equities)) if np.isfinite(x)]
    flows = [float(np.abs(flow.amount).sum(axis=1).max()) for flow in problem.cash_flows]
    money = [problem.treasury.cash, *finite, *flows, problem.money]
    power = [1.0]
    for site in problem.sites:
        power += [site.interconnection_mw, site.mining_mw, site.ai_mw]
        for kind in BUILDS:
            one: Expansion | None = getattr(site, kind)
            if one is not None and np.isfinite(one.limit):
                power.append(one.limit)
                money.append(one.limit * float(one.cost.max()))
    for rig in problem.rigs:
        power += [float(rig.owned.sum()), rig.limit if np.isfinite(rig.limit) else 0.0]
    for service in problem.services:
        power += [service.limit if np.isfinite(service.limit) else 0.0, service.minimum]
    for rule in problem.rules:
        amount = float(np.abs(rule.constant).max(initial=0.0))
        units = {WORDS[term.word].unit for term in rule.terms if term.word in WORDS}
        money.append(amount if "USD" in units else 0.0)
        power.append(amount if "MW" in units else 0.0)
    units_ = [p.limit for p in problem.projects if np.isfinite(p.limit)] + [p.minimum for p in problem.projects]
    return {
        "USD": _round_up(100.0 * sum(money)),
        "MW": _round_up(10.0 * sum(power)),
        "BTC": _round_up(100.0 * max(problem.treasury.coins, sum(money) / float(problem.market.btc_price.min()), 1.0)),
        "units": _round_up(100.0 * max([1.0, *units_])),
    }


def _round_up(value: float) -> float:
    """The power of ten at or above."""
    return float(10.0 ** np.ceil(np.log10(value)))
