"""What a valid case may not mean: an instrument that one of its own rules bars, and prices of today that are more than one.

Notes stand with `validate`, with the answer and with a comparison. None of them says that a case is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.problem import Array, Debt, Mask, Problem, Rule
from optimizer.case.checks.horizon_notes import horizon_notes
from optimizer.case.checks.plausible import doubts
from optimizer.case.reading.yaml_tree import Node
from optimizer.engine.views.builds import BUILDS


def case_notes(problem: Problem, tree: Node | None = None) -> tuple[str, ...]:
    """Notes about a case as it was built, each a sentence. tree: the case as it is written; None: nothing is known of that."""
    slips = (f"{doubt.text} (if it is meant, name it in case.meant)" for doubt in doubts(problem, tree))
    built = (*slips, *_barred(problem), *_several_prices(problem), *_rest_of_the_company(problem))
    return (*built, *horizon_notes(problem, lambda path: _says(tree, path)))


def _rest_of_the_company(problem: Problem) -> Iterator[str]:
    """How what the case does not hold grows, where a share price that follows the plan hangs on it and the case does not say."""
    follows, rate = problem.market.follows, problem.objective.discount
    if follows is not None and np.allclose(follows.rest, 1.0 / problem.discount, rtol=1e-12, atol=0.0):
        yield f"company.share_price: the rest of the company, which the case does not hold, grows at the owners' rate, {100.0 * rate:.4g} %/year"


def _says(node: Node | None, path: str) -> bool:
    """Whether the tree has a value at a path of plain keys."""
    for key in path.split("."):
        node = node.get(key) if node is not None and node.kind == "map" else None
    return node is not None and node.kind != "null"


# ---- instruments that a rule leaves nothing of ------------------------------------------------------------------------------


def _barred(problem: Problem) -> Iterator[str]:
    """Debt that may be issued, and of which a hard rule by itself leaves nothing, whenever it is issued.

    What is compared are balances alone. With every other balance where it leaves most room, within its own limit, the rule reads
    a * balance <= room with a > 0 and room <= 0.
    """
    for debt in problem.debts:
        dates = _open_dates(problem, debt)
        if debt.limit <= 0.0 or debt.existing > 0.0 or not dates:
            continue
        for rule in problem.rules:
            if rule.penalty is None and not rule.expected and _bars(problem, rule, debt, dates):
                where = f" ({rule.path})" if rule.path else ""
                yield (
                    f"financing.{debt.name} has a limit of {debt.limit:,.0f} USD, but the rule '{rule.name}'{where} leaves none of it:"
                    " with what other debt is allowed, it can never be issued"
                )
                break


def _open_dates(problem: Problem, debt: Debt) -> list[int]:
    """Dates at which face may be issued or drawn; of a revolver all from its first one to its end."""
    clock = problem.clock
    window = [int(d) for d in np.flatnonzero(debt.window[: clock.periods])]
    if debt.kind != "revolver" or not window:
        return window
    return list(range(window[0], min(clock.date_at(debt.maturity_month(int(clock.date_month[window[0]]))), clock.dates)))


def _bars(problem: Problem, rule: Rule, debt: Debt, dates: list[int]) -> bool:
    """Whether whatever is issued at any of the dates meets a date, while it must still stand, at which the rule bars any balance."""
    shut, node = _shut(problem, rule, debt), problem.scenarios.node
    for v in dates:
        barred = shut[:, v : _stands_until(problem, debt, v)].any(axis=1)
        if not np.isin(node[:, v], node[barred, v]).all():
            return False
    return True


def _stands_until(problem: Problem, debt: Debt, v: int) -> int:
    """First date at which face issued at date v may be gone: repaid, called or put."""
    if not debt.is_strip:
        return v + 1  # a running balance may be repaid at the next date
    clock = problem.clock
    month = int(clock.date_month[v])
    ends = [debt.maturity_month(month)]
    if debt.call is not None:
        ends += [max(first, month) for first, _ in debt.call.steps]
    if debt.put is not None:
        ends.append(debt.put[0])
    ends += [month + after for after, _ in debt.given]
    return max(min(clock.date_at(end) for end in ends), v + 1)


def _shut(problem: Problem, rule: Rule, debt: Debt) -> Mask:
    """(S, D) where the rule bars any balance of the debt after the date."""
    weights = _of_balances(problem, rule)
    if weights is None or rule.sense == "==":
        return np.zeros((problem.scenarios.count, problem.clock.dates), dtype=bool)
    sign = 1.0 if rule.sense == "<=" else -1.0
    room = sign * rule.constant
    for other in problem.debts:
        most = _most(other)
        if other.name != debt.name and most > 0.0:
            least = np.minimum(sign * weights[other.name], 0.0)
            room = room - np.multiply(
                least, most, out=np.zeros_like(least), where=least < 0.0
            )  # nothing times infinity is nothing
    return rule.active & (sign * weights[debt.name] > 0.0) & (room <= 0.0)


def _of_balances(problem: Problem, rule: Rule) -> dict[str, Array] | None:
    """{debt: (S, D) weight of its balance} of a rule that compares nothing but balances of debt; None of any other."""
    weights = {debt.name: np.zeros((problem.scenarios.count, problem.clock.dates)) for debt in problem.debts}
    for term, weight in rule.terms.items():
        if term.functions or term.word not in ("outstanding", "total_debt"):
            return None
        for name in weights:
            if term.word == "total_debt" or term.argument in (None, name):
                weights[name] = weights[name] + weight
    return weights


def _most(debt: Debt) -> float:
    """USD that a balance may come to; interest that is added to it knows no limit here."""
    most = max(debt.limit if debt.window.any() else 0.0, debt.existing)
    return np.inf if most > 0.0 and debt.pik > 0.0 else most


# ---- one order, several prices ------------------------------------------------------------------------------------------------


def _several_prices(problem: Problem) -> Iterator[str]:
    """What may be ordered on the first day, before scenarios part, at a price that is not the same in all of them."""
    node = problem.scenarios.node[:, 0]
    for path, window, price in _orders(problem):
        prices = price[:, 0]
        if window[0] and any(np.ptp(prices[node == n]) > 1e-9 * np.abs(prices).max() for n in np.unique(node)):
            yield (
                f"{path} has several prices on the first day, {prices.min():,.6g} to {prices.max():,.6g} USD/MW, for an order that all"
                " scenarios share: a quote of today is one number, and paths part later"
            )


def _orders(problem: Problem) -> Iterator[tuple[str, Mask, Array]]:
    """(path of a price, dates of orders, (S, D) price)."""
    for rig in problem.rigs:
        if rig.limit > 0.0:
            yield f"rigs.{rig.name}.price", rig.window, rig.price
    for site in problem.sites:
        for key, build in BUILDS.items():
            terms = getattr(site, key)
            if terms is not None and terms.limit > 0.0:
                yield f"sites.{site.name}.{build.place}.cost", terms.window, terms.cost
    for service in problem.services:
        if service.equipment is not None and service.limit > 0.0:
            yield f"ai.{service.name}.equipment.cost", service.window, service.equipment
