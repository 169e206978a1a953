"""Value per share of today's holders, who gains and who pays, and how a share price that follows the plan was found: for every output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.finance.value_per_share import business_worth, left_to_shares, stakes

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution


def per_share(solution: Solution) -> dict[str, Any] | None:
    """USD/share of today's holders; None where the case does not say how many shares there are, or there is no plan."""
    shares, books = solution.problem.market.shares, solution.books
    if not shares or books is None:
        return None
    return {
        "shares": shares,
        "objective": books.objective / shares,
        "expected": books.expected / shares,
        "cvar": books.cvar / shares,
        "in_case": left_to_shares(solution.problem, books) / shares,
    }


def who_gains(solution: Solution) -> dict[str, Any] | None:
    """Holders in the order of the case, USD of today in expectation at the owners' rate; `business` is what all of them gain together."""
    if solution.books is None or solution.decisions is None:
        return None
    rows = [
        {"holder": one.kind, "name": one.name, "pays": one.pays, "gets": one.gets, "gains": one.gains, "shares": one.shares}
        for one in stakes(solution.problem, solution.decisions, solution.books)
    ]
    return {"business": business_worth(solution.problem, solution.books), "holders": rows}


def share_price(solution: Solution) -> dict[str, Any] | None:
    """How the price that follows the plan was found; None where the case gives a path, or no price."""
    price, follows = solution.price, solution.problem.market.follows
    if price is None or follows is None:
        return None
    names, shares = solution.problem.scenarios.names, solution.problem.market.shares
    return {
        "today": follows.today,
        "rest_of_company": float(price.implied.rest[0, 0]) / shares,
        "closed": price.closed,
        "gap": price.gap,
        "gap_at": price.where or None,
        "tolerance": price.tolerance,
        "programs": price.solves,
        "plans": [
            {"weight": one.weight, "raised": one.raised, "price_at_end": one.last, "objective": one.value} for one in price.ends
        ],
        "used_at_end": dict(zip(names, price.used[:, -1].tolist(), strict=True)),
        "implied_at_end": dict(zip(names, price.implied.path[:, -1].tolist(), strict=True)),
        "worthless_in": [name for name, no in zip(names, price.implied.limited, strict=True) if no],
    }
