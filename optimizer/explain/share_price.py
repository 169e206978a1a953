"""The share in the account of a plan: what one is worth, whose gain it is, and how a price that follows the plan was found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from models.finance.value_per_share import left_to_shares, stakes
from models.proforma.holders import CAPPED_CALLS, CONVERTS, NEW
from optimizer.text import money, number, percent

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution


def told(solution: Solution) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sentences with their figures (USD, USD/share); none where the case says nothing of shares."""
    books, market = solution.books, solution.problem.market
    if books is None or solution.decisions is None or not market.shares:
        return
    each = books.objective / market.shares
    yield (
        f"That is {number(each)} USD for each of the {number(market.shares / 1e6)} million shares held today.",
        {"per_share": each},
    )
    if solution.price is not None:
        yield from _price(solution)
    for one in stakes(solution.problem, solution.decisions, books):
        if one.kind in (CONVERTS, CAPPED_CALLS, NEW):
            what = "gain" if one.gains >= 0.0 else "lose"
            who = {CONVERTS: "Holders of", CAPPED_CALLS: "Sellers of the capped calls of", NEW: "Buyers of shares by"}[one.kind]
            size = f"{what} {money(abs(one.gains))}" if abs(one.gains) >= 1.0 else "get what they pay"
            text = f"{who} {one.name} {size} in present value at the owners' rate: {money(one.pays)} paid, {money(one.gets)} got."
            yield text, {"holder": one.name, "pays": one.pays, "gets": one.gets}


def _price(solution: Solution) -> Iterator[tuple[str, dict[str, Any]]]:
    price, market, books = solution.price, solution.problem.market, solution.books
    assert price is not None and market.follows is not None and books is not None
    inside = left_to_shares(solution.problem, books) / market.shares
    rest = float(price.implied.rest[0, 0]) / market.shares
    text = (
        f"The share price follows the plan: of {number(market.follows.today)} USD today, {number(inside)} is in this case and"
        f" {number(rest)} in the rest of the company. The price used and the price implied differ by {price.gap:.2%} at most."
    )
    yield text, {"in_case": inside, "rest": rest, "gap": price.gap}
    if price.ends:
        plans = "; ".join(
            f"{percent(one.weight)} of one that raises "
            + (", ".join(f"{name} {money(usd)}" for name, usd in one.raised.items()) or "nothing")
            for one in price.ends
        )
        between = "The plan is an average of plans" if price.closed else "The price does not close between plans"
        yield f"{between}: {plans}.", {"plans": [one.raised for one in price.ends]}
    yield "What rules cost and what is scarce is told at this price: it is held where it is.", {}
