"""Pro forma of sizes: the flows that a line or word is made of, which is what a check of it is measured against (README 12).

Cash of nothing between a billion that came and a billion that went is exact to the rounding of a billion. Measured against itself, or
against one dollar, it would be wrong whatever the plan; measured against its flows it is wrong where it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from models.problem import Array, Problem, Rule, Term
from models.proforma.assets import Assets
from models.proforma.debt import Liabilities
from models.proforma.functions import along

#: a check of money is measured against so many units of money of the program at least, or all that moves where that is less
MIN_SCALE_MONEY_UNITS = 0.1
#: in place of no amount at all, so that it may be divided by
FLOAT_TINY = float(np.finfo(float).tiny)
#: lines of the cash flow statement that are stocks, or sums of the others
STOCKS_AND_SUMS = ("change", "closing_cash")


def turnover(flows: dict[str, Array], sheet: dict[str, Array]) -> float:
    """USD > 0: the largest amount of the cash flow statement and the balance sheet; what is not a number is left to the checks."""
    lines = (*flows.values(), *sheet.values())
    return max((float(np.max(np.abs(line), where=np.isfinite(line), initial=FLOAT_TINY)) for line in lines), default=FLOAT_TINY)


def least_usd(problem: Problem, moved: float) -> float:
    """USD that an amount is measured against where nothing else is known of it. moved: `turnover`.

    A program that is exact to 1e-9 of its unit of money can tell 1e-7 of a tenth of it; a company that moves less than that is held to
    what it moves. Where nothing moves at all, what the program has of it is below what it can tell from nothing.
    """
    return MIN_SCALE_MONEY_UNITS * problem.money if moved <= FLOAT_TINY else min(MIN_SCALE_MONEY_UNITS * problem.money, moved)


def rule_size(rule: Rule, words: dict[str, Array], sizes: dict[str, Array]) -> Array:
    """(S, D) the largest amount that a rule compares, or that one of its words is made of, in the rule's unit."""
    parts = [np.abs(rule.constant)]
    for term, coefficient in rule.terms.items():
        made_of = np.maximum(sizes.get(str(term), 0.0), np.abs(words[str(term)]))
        parts.append(np.abs(coefficient) * made_of)
    size = np.max(np.broadcast_arrays(*parts, np.zeros_like(words["cash"])), axis=0)
    return np.broadcast_to(size.max(axis=0), size.shape) if rule.expected else size


def word_sizes(
    problem: Problem,
    words: dict[str, Array],
    income: dict[str, Array],
    flows: dict[str, Array],
    assets: Assets,
    debts: Liabilities,
    kept: Array,
    sold: Array,
    settling: set[str],
) -> dict[str, Array]:
    """Words and entries of the ledger that may cancel, and terms of rules -> (S, D) >= 0, in their unit: the largest amount each is
    summed from.

    Of a stock, the largest flow so far; of rigs at the end, what the largest fleet of a kind would be worth then. kept, sold: (S, D) BTC.
    settling: words that settle at the end of a period. A word that is not here is made of itself.
    """
    cash = _so_far([line for name, line in flows.items() if name not in STOCKS_AND_SUMS])
    coins = _so_far([kept, sold, np.full_like(sold, problem.treasury.coins)])
    earned = _largest(income.values())
    sizes = {
        "cash": cash,
        "coins": coins,
        "coins_value": problem.market.btc_price * coins,
        "revenue": earned,
        "ebitda": earned,
        "tax": _so_far([earned]),
    }
    sizes["cfads"] = _largest([earned, sizes["tax"], kept * problem.market.btc_price])
    for debt in problem.debts:
        lines = [line for key in (debt.name, f"{debt.name}@existing") for line in debts.schedules.get(key, {}).values()]
        sizes[f"outstanding[{debt.name}]"] = _so_far([*lines, np.zeros_like(cash)])
    sizes["total_debt"] = _largest([np.zeros_like(cash), *(sizes[f"outstanding[{debt.name}]"] for debt in problem.debts)])
    sizes["net_debt"] = _largest([sizes["total_debt"], cash])
    sizes["terminal_rigs"] = _fleet(problem, assets, cash)
    sizes["liquidity"] = _largest([cash, sizes["coins_value"]])
    for rule in problem.rules:
        for term in rule.terms:
            plain = str(Term(term.word, term.argument))
            if term.functions and plain in words:
                made_of = np.maximum(sizes.get(plain, 0.0), np.abs(words[plain]))
                sizes[str(term)] = along(term, made_of, term.word in settling, problem.clock)[0]
    return sizes


def _fleet(problem: Problem, assets: Assets, like: Array) -> Array:
    """(S, D) USD at the end for the largest fleet of a kind at a site at any time."""
    worth = np.zeros(len(like))
    for rig in problem.rigs:
        for i, site in enumerate(problem.sites):
            standing = assets.fleet.get((rig.name, site.name), np.zeros((len(like), 1)))
            worth = np.maximum(worth, rig.resale[:, -1] * np.maximum(rig.owned[i], np.abs(standing).max(axis=1)))
    return np.broadcast_to(worth[:, None], like.shape)


def _largest(lines: Iterable[Array]) -> Array:
    """(S, D) the largest magnitude among lines."""
    return np.max([np.abs(line) for line in lines], axis=0)


def _so_far(lines: Iterable[Array]) -> Array:
    """(S, D) the largest magnitude among lines at any date up to this one."""
    return np.maximum.accumulate(_largest(lines), axis=1)
