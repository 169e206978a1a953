"""The share price that a plan implies (README 20): what is left for shares, over the shares that it is left for.

Prices and plan hang on each other: this module works out the price of one plan, or of an average of plans, exactly; who looks for the
plan that is best at the price that it implies is `optimizer.engine.price_fixed_point`.

Sources: if-converted dilution as in ASC 260-10-45-40; that shares and what may become shares divide one and the same value is Galai and
Schneller, Pricing of Warrants and the Value of the Firm, Journal of Finance 33 (1978), and Ingersoll, A Contingent-Claims Valuation of
Convertible Securities, Journal of Financial Economics 4 (1977).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.finance.context import StatementContext
from models.finance.rates import PENALTY_ENTRIES

if TYPE_CHECKING:
    from models.problem import Array, Debt, Mask, Problem

#: a price is never below this share of today's: holders owe nothing, and a program cannot sell shares at nothing
LEAST_PRICE = 1e-3
#: relative change of prices at which they are found, and rounds after which they are given up
FOUND, MOST_ROUNDS = 1e-14, 5_000
#: names a vintage: (debt, date of issue, whether it stood before date 0)
VintageKey = tuple[str, int, bool]


@dataclass(frozen=True)
class Vintage:
    """One vintage of a convertible in all scenarios, USD of balance.

    strike: USD/share, or None where it is (1 + premium) x the share price at its issue. room: the capped call's cap over the strike, less
    1 (0: none). due (S, D): falls due at maturity; cash (S, D): what of it the plan pays in cash. standing (S,): outstanding at T.
    earned (S,): what its holders can claim at T per 1 of balance for a put to come, at least 1.
    """

    strike: float | None
    premium: float
    room: float
    due: Array
    cash: Array
    standing: Array
    earned: float

    def claim(self, ratio: Array) -> Array:
        """What 1 of balance is worth at maturity, less what the capped call brings back, at ratio = share price / strike."""
        return np.maximum(1.0, ratio) - _brought_back(ratio, self.room)

    def claim_at_end(self, ratio: Array) -> Array:
        """The same of balance that stands at T, where a put to come counts as far as it is earned."""
        return np.maximum(self.claim(ratio), self.earned - _brought_back(ratio, self.room))


def _brought_back(ratio: Array, room: float | Array) -> Array:
    """What the capped call brings back of 1 of balance, at ratio = share price / strike."""
    return np.asarray(np.minimum(np.maximum(ratio - 1.0, 0.0), room))


@dataclass(frozen=True)
class ShareFlows:
    """What a plan brings to all who hold shares of the company. Linear in the plan: averages of plans have averages of these.

    paid (S, D): dividends less what existing holders pay in, rescue money included. end (S,): equity at T before what stands of
    convertibles. sold (S, D): shares sold to new holders at their full price, so money raised / (1 - discount). penalties (S,): discounted
    ledger entries that no shareholder pays or receives. vintages: convertibles. All USD.
    """

    paid: Array
    end: Array
    sold: Array
    penalties: Array
    vintages: Mapping[VintageKey, Vintage]


@dataclass(frozen=True)
class ImpliedPrice:
    """price (S, D): USD of a share after what is decided and paid at the date, at T with what is paid there. path (S, D): the same with
    what was distributed per share put into shares, which begins at today's price: what `Market.share_price` takes. shares (S, D):
    outstanding after the date. rest (S, D) USD: worth of the rest of the company. limited (S,): where shares are worth nothing at T.
    """

    price: Array
    path: Array
    shares: Array
    rest: Array
    limited: Mask


def share_flows(context: StatementContext) -> ShareFlows:
    """The flows to shares of a plan from its books."""
    problem, books, zero = context.problem, context.books, context.zero
    ledger = books.ledger
    paid = ledger["dividends"] + ledger["contributions"] + ledger["rescue"]
    sold = zero
    for issue in problem.equities:
        if issue.holders == "new":
            sold = sold + context.decided(context.decisions.issued, issue.name) / (1.0 - issue.discount)
    converts = {debt.name: debt for debt in problem.debts if debt.conversion is not None}
    put = {f"terminal_put[{name}{at}]" for name in converts for at in ("", "@existing")}
    ends = [v for entry, v in ledger.items() if entry.startswith("terminal_") and entry not in put]
    end = np.sum(ends, axis=(0, 2))
    vintages: dict[VintageKey, Vintage] = {}
    for one in books.convertibles:
        key = (one.instrument, one.vintage, one.existing)
        if key not in vintages:
            vintages[key] = _blank(problem, converts[one.instrument], key)
        here, s = vintages[key], one.scenario
        here.due[s] += one.due
        here.cash[s] += np.where(one.shares > 0.0, 0.0, one.due)
        here.standing[s] += one.balance[-1]
        # the ledger owes them what they are worth at the price used
        assert problem.market.share_price is not None
        end[s] += one.balance[-1] * max(1.0, float(problem.market.share_price[s, -1]) / one.strike)
    penalties = np.sum([ledger[entry] for entry in PENALTY_ENTRIES if entry in ledger], axis=0) @ problem.discount
    return ShareFlows(paid, end, sold, penalties, vintages)


def _blank(problem: Problem, debt: Debt, key: VintageKey) -> Vintage:
    """A vintage of which nothing stands yet."""
    terms, (_, v, existing) = debt.conversion, key
    assert terms is not None
    shape = (problem.scenarios.count, problem.clock.dates)
    room = 0.0 if terms.cap_premium is None else max((1.0 + terms.cap_premium) / (1.0 + terms.premium) - 1.0, 0.0)
    earned = 1.0 + _put_earned(problem, debt, v, existing)
    return Vintage(terms.price, terms.premium, room, np.zeros(shape), np.zeros(shape), np.zeros(shape[0]), earned)


def _put_earned(problem: Problem, debt: Debt, v: int, existing: bool) -> float:
    """Per 1 of balance, what holders have earned at T of the premium of a put after it (README 12)."""
    clock = problem.clock
    if debt.put is None:
        return 0.0
    issued = debt.existing_month if existing else int(clock.date_month[v])
    date = clock.date_at(debt.put[0])
    if not max(v, clock.periods) < date < clock.date_at(debt.maturity_month(issued)):
        return 0.0
    end = int(clock.date_month[-1])
    months = end + int(clock.months[-1]) * (date - clock.periods)
    return (debt.put[1] - 1.0) * (end - issued) / (months - issued)


def average(flows: Sequence[ShareFlows], weights: Sequence[float]) -> ShareFlows:
    """The flows of an average of plans; weights sum to 1."""
    keys = dict.fromkeys(key for one in flows for key in one.vintages)
    vintages = {}
    for key in keys:
        parts = [(one.vintages[key], w) for one, w in zip(flows, weights, strict=True) if key in one.vintages]
        terms = parts[0][0]
        due, cash, standing = (sum(w * getattr(x, name) for x, w in parts) for name in ("due", "cash", "standing"))
        vintages[key] = Vintage(terms.strike, terms.premium, terms.room, due, cash, standing, terms.earned)  # type: ignore[arg-type]

    def mean(name: str) -> Array:
        return np.asarray(sum(w * getattr(x, name) for x, w in zip(flows, weights, strict=True)))

    return ShareFlows(mean("paid"), mean("end"), mean("sold"), mean("penalties"), vintages)


def value_at(problem: Problem, flows: ShareFlows, path: Array) -> Array:
    """(S,) USD: what today's holders would get from the plan if the share price were `path` (S, D): the ledger of README 12."""
    last, discount = path[:, -1:], problem.discount
    value = (
        flows.penalties + flows.paid @ discount + flows.end * discount[-1] - (flows.sold * last / path).sum(axis=1) * discount[-1]
    )
    for key, one in flows.vintages.items():
        ratio = path / _strike(one, path[:, key[1]])[:, None]
        value = value - (one.due * one.claim(ratio) - one.cash) @ discount
        value = value - one.standing * one.claim_at_end(ratio[:, -1]) * discount[-1]
    return np.asarray(value)


def _strike(one: Vintage, at_issue: Array) -> Array:
    """(S,) USD per share at which a vintage converts."""
    return (1.0 + one.premium) * at_issue if one.strike is None else np.full_like(at_issue, one.strike)


def divided(problem: Problem, flows: ShareFlows, implied: ImpliedPrice) -> tuple[Array, Array]:
    """(S,), (S,) USD at T: what all who hold shares then have by their shares, and the equity with the rest of the company.

    A second way to the same number, by the path alone: what is distributed to today's holders buys shares of them at the path, what
    they pay in sells them some, and new shares and conversions are counted at it. Scenarios where shares are worth nothing are left out.
    """
    path, market = implied.path, problem.market
    units = market.shares + ((flows.sold - flows.paid)[:, :-1] / path[:, :-1]).sum(axis=1)
    claims = np.zeros(len(path))
    for key, one in flows.vintages.items():
        ratio = path / _strike(one, path[:, key[1]])[:, None]
        settled = one.due * one.claim(ratio) - one.cash
        units = units + (settled[:, :-1] / path[:, :-1]).sum(axis=1)
        claims = claims + settled[:, -1] + one.standing * one.claim_at_end(ratio[:, -1])
    there = ~implied.limited
    equity = flows.paid[:, -1] + flows.end + implied.rest[:, -1]
    return np.where(there, units * path[:, -1] + claims, 0.0), np.where(there, equity, 0.0)


# ---- one plan's price ------------------------------------------------------------------------------------------------------


def implied_price(problem: Problem, flows: ShareFlows, near: ImpliedPrice | None = None, found: float = FOUND) -> ImpliedPrice:
    """The price at which shares divide what there is. Raises ArithmeticError where none is found.

    Every share sold, and every share given for a convertible, is counted at this very price: a fixed point in (S, D) numbers, found by
    substitution. It contracts by the share of new holders in the company. near: a price to begin at; found: relative change to end at.
    """
    follows, market, discount = problem.market.follows, problem.market, problem.discount
    assert follows is not None
    today = follows.today
    price, rest = np.repeat((today / discount)[None, :], problem.scenarios.count, axis=0), 0.0
    if near is not None:
        price, rest = near.price, float(near.rest[0, 0])
    odds = problem.scenarios.probability
    average_at = _node_average(problem)
    for _ in range(MOST_ROUNDS):
        shares, path, paid, limited, end_price = _forward(problem, flows, price, rest)
        held = rest / shares[:, -1:] * follows.rest
        # value then of what one share is paid later, and of its part of what there is at T
        later = np.concatenate([paid[:, 1:-1], (end_price - held[:, -1])[:, None]], axis=1) * discount[1:]
        case = np.concatenate(
            [np.cumsum(later[:, ::-1], axis=1)[:, ::-1] / discount[:-1], (end_price - held[:, -1])[:, None]], axis=1
        )
        new_rest = float((today - odds @ (paid[:, 0] + case[:, 0])) / (odds @ (1.0 / shares[:, -1])))
        new = np.maximum(average_at(case + held), LEAST_PRICE * today)
        new[:, -1] = end_price
        moved = max(float(np.max(np.abs(new / price - 1.0))), abs(new_rest - rest) / (today * market.shares))
        price, rest = new, new_rest
        if moved <= found:
            return ImpliedPrice(price, path, shares, rest * follows.rest, limited)
    raise ArithmeticError(
        f"no share price divides the value of the plan: after {MOST_ROUNDS} rounds it still moves by {moved:.3g}"
    )


def _node_average(problem: Problem) -> Callable[[Array], Array]:
    """A function (S, D) -> (S, D): the mean over the scenarios of each node, by their odds."""
    node = problem.scenarios.node
    weight = np.repeat(problem.scenarios.probability[:, None], node.shape[1], axis=1)
    number = np.unique(node, return_inverse=True)[1].reshape(node.shape)
    total = np.bincount(number.ravel(), weights=weight.ravel())

    def mean(table: Array) -> Array:
        return (np.bincount(number.ravel(), weights=(weight * table).ravel()) / total)[number]

    return mean


def _forward(problem: Problem, flows: ShareFlows, price: Array, rest: float) -> tuple[Array, Array, Array, Mask, Array]:
    """Shares after each date, the path with distributions put into shares, what is paid per share, where shares end worthless, and what
    they are worth at T: (S, D), (S, D), (S, D), (S,), (S,)."""
    last = price.shape[1] - 1
    shares, path, paid = np.empty_like(price), np.empty_like(price), np.zeros_like(price)
    before, factor = np.full(len(price), problem.market.shares), np.ones(len(price))
    strikes: dict[VintageKey, Array] = {}
    done = 0
    for d in _busy(flows, last):
        shares[:, done:d], path[:, done:d] = before[:, None], factor[:, None] * price[:, done:d]
        paid[:, d] = flows.paid[:, d] / before
        factor = factor * (1.0 + paid[:, d] / price[:, d])
        path[:, d] = factor * price[:, d]
        more = flows.sold[:, d]
        for key, one in flows.vintages.items():
            if key[1] == d:
                strikes[key] = _strike(one, path[:, d])
            elif key in strikes and one.due[:, d].any():
                more = more + one.due[:, d] * one.claim(path[:, d] / strikes[key]) - one.cash[:, d]
        before = shares[:, d] = before + more / price[:, d]
        done = d + 1
    shares[:, done:last], path[:, done:last] = before[:, None], factor[:, None] * price[:, done:last]
    follows = problem.market.follows
    assert follows is not None
    # what is paid at T is part of what shares are worth there: nothing is sold after it
    there = flows.paid[:, last] + flows.end + rest * follows.rest[:, -1]
    least = LEAST_PRICE * follows.today
    end = _at_end(flows, strikes, last)
    found = _end_price(end, before, factor, there)
    limited = found < least
    end_price = np.maximum(found, least)
    path[:, last] = factor * end_price
    given = _in_shares(end, path[:, last])
    shares[:, last] = before + np.where(limited, 0.0, given / end_price)
    return shares, path, paid, limited, end_price


def _busy(flows: ShareFlows, last: int) -> list[int]:
    """Dates before T at which something is paid to shares, sold, issued or settled."""
    busy = (flows.paid != 0.0).any(axis=0) | (flows.sold != 0.0).any(axis=0)
    for key, one in flows.vintages.items():
        busy = busy | (one.due != 0.0).any(axis=0)
        busy[key[1]] = True
    return [int(d) for d in np.flatnonzero(busy[:last])]


@dataclass(frozen=True)
class _End:
    """Claims of convertibles at T, (S, J) each: balance USD, what of it the plan pays in cash, strike USD/share of `path`; earned, room (J,)."""

    balance: Array
    cash: Array
    strike: Array
    earned: Array
    room: Array

    def value(self, path: Array) -> Array:
        """(S, B) USD that they take in all at prices (S, B)."""
        ratio = path[:, :, None] / self.strike[:, None, :]
        back = _brought_back(ratio, self.room)
        return np.sum(self.balance[:, None, :] * (np.maximum(ratio, self.earned) - back) - self.cash[:, None, :], axis=2)


def _at_end(flows: ShareFlows, strikes: Mapping[VintageKey, Array], last: int) -> _End:
    """What falls due at T and what stands then."""
    claims = []
    for key, strike in strikes.items():
        one = flows.vintages[key]
        claims.append((one.due[:, last], one.cash[:, last], strike, 1.0, one.room))
        claims.append((one.standing, np.zeros_like(strike), strike, one.earned, one.room))
    zero = np.zeros((len(flows.end), 0))
    if not claims:
        return _End(zero, zero, zero, zero[0], zero[0])
    balance, cash, strike = (np.stack([claim[k] for claim in claims], axis=1) for k in range(3))
    return _End(balance, cash, strike, np.array([claim[3] for claim in claims]), np.array([claim[4] for claim in claims]))


def _in_shares(end: _End, path: Array) -> Array:
    """(S,) USD that convertibles take at T in shares, at the price `path` (S,): those that convert, less what capped calls bring back."""
    ratio = path[:, None] / end.strike
    converts = ratio > end.earned
    back = _brought_back(ratio, end.room)
    return np.sum(end.balance * (np.where(converts, ratio, 0.0) - back) - np.where(converts, end.cash, 0.0), axis=1)


def _end_price(end: _End, shares: Array, factor: Array, there: Array) -> Array:
    """(S,) USD/share at T, with what is paid there: the root of

        shares * price + claims(factor * price) = there

    Its left side is linear between the prices at which a claim changes its kind, and rises; so the root is found exactly.
    """
    bends = np.concatenate([end.strike * np.maximum(end.earned, 1.0), end.strike, end.strike * (1.0 + end.room)], axis=1)
    bends = np.sort(bends / factor[:, None], axis=1)
    unclaimed = (there / shares)[:, None]
    around = np.concatenate([bends, unclaimed], axis=1)
    grid = np.concatenate([around.min(axis=1, keepdims=True) - 1.0, bends, around.max(axis=1, keepdims=True) + 1.0], axis=1)

    def taken(price: Array) -> Array:
        return shares[:, None] * price + end.value(np.maximum(factor[:, None] * price, 0.0))

    at = taken(grid)
    k = np.clip(np.sum(at <= there[:, None], axis=1) - 1, 0, grid.shape[1] - 2)
    row = np.arange(len(k))
    x0, x1, y0, y1 = grid[row, k], grid[row, k + 1], at[row, k], at[row, k + 1]
    # two bends may be one: the next that is apart is as good, the line is the same
    slope = np.where(x1 > x0, (y1 - y0) / np.where(x1 > x0, x1 - x0, 1.0), shares)
    return x0 + (there - y0) / slope
