"""What everybody with a claim on the company pays in and gets: lenders, holders of convertibles, new shares, and today's holders.

Each is worked out from what it holds: a debt's schedule, shares times their price, the dividends. What all get must be what the business
brings, in every scenario: an error in dilution, in a conversion or in a schedule shows as money that somebody gets and nobody pays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Problem
from models.proforma.assets import decided
from models.proforma.books import Books
from models.proforma.checks import Checklist
from models.proforma.terms import discount_factors

#: lines of a debt's schedule that its holders are paid in cash
PAID = ("interest_paid", "principal", "redeemed", "called", "put", "call_premium", "put_premium")
#: lines of the cash flow statement that are between the company and those who have claims on it
BETWEEN = ("debt_issued", "interest", "principal", "calls", "puts", "revolver", "capped_calls", "equity", "dividends", "rescue")
BALANCES = ("opening_cash", "change", "closing_cash")
#: who holds what, in the order of a table
LENDERS, CONVERTS, CAPPED_CALLS, NEW, UNDERWRITERS, TODAY = (
    "lenders", "convertible", "capped call", "new shares", "underwriters", "today's holders"
)  # fmt: skip


@dataclass(frozen=True)
class Holder:
    """kind: one of the above; name: of the instrument, "" where there is none. pays, gets (S, D) USD at each date, claims at T included."""

    kind: str
    name: str
    pays: Array
    gets: Array


def holders(problem: Problem, decisions: Decisions, books: Books) -> tuple[Holder, ...]:
    """Everybody with a claim on the company."""
    out = [_of_debt(problem, books, name) for name in books.schedules]
    converts = [debt.name for debt in problem.debts if debt.conversion is not None]
    out += [one for name in converts if (one := _of_capped_call(problem, books, name)) is not None]
    zero = np.zeros_like(books.ledger["dividends"])
    owners, fees = zero - decisions.dividends, zero
    for issue in problem.equities:
        sold = decided(decisions.issued, issue.name, problem)
        fees = fees + issue.fee * sold
        if issue.holders == "existing":
            owners = owners + sold
            continue
        assert problem.market.share_price is not None
        gets = zero.copy()
        gets[:, -1] = books.words[f"shares_issued[{issue.name}]"].sum(axis=1) * problem.market.share_price[:, -1]
        out.append(Holder(NEW, issue.name, sold, gets))
    owners = owners + decisions.rescue
    if np.any(fees):
        out.append(Holder(UNDERWRITERS, "", zero, fees))
    return (*out, _todays(books, owners))


def _of_debt(problem: Problem, books: Books, name: str) -> Holder:
    """A debt by its schedule; of a convertible also the shares that it is given, and what it can claim at T."""
    lines = books.schedules[name]
    gets = sum((lines[key] for key in PAID), np.zeros_like(lines["proceeds"]))
    gets[:, -1] += lines["interest_due"][:, -1]
    gets = gets - books.ledger.get(f"terminal_put[{name}]", 0.0)
    debt = next(one for one in problem.debts if one.name == name.removesuffix("@existing"))
    if debt.conversion is None:
        gets[:, -1] += lines["closing"][:, -1]
        return Holder(LENDERS, name, lines["proceeds"] + 0.0, gets)
    price = problem.market.share_price
    assert price is not None
    for one in books.convertibles:
        if one.instrument == debt.name and one.existing == name.endswith("@existing"):
            gets[one.scenario] += one.shares * price[one.scenario]
            gets[one.scenario, -1] += max(one.balance[-1], one.balance[-1] / one.strike * price[one.scenario, -1])
    return Holder(CONVERTS, name, lines["proceeds"] + 0.0, gets)


def _of_capped_call(problem: Problem, books: Books, name: str) -> Holder | None:
    """Who sold the capped call: paid its cost, and pays what it is worth at the end."""
    keys = [key for key in (name, f"{name}@existing") if key in books.schedules]
    cost = sum((books.schedules[key]["capped_call_cost"] for key in keys), np.zeros_like(books.ledger["capped_call"]))
    pays = np.zeros_like(cost)
    for one in books.convertibles:
        if one.instrument == name and one.cap is not None:
            assert problem.market.share_price is not None
            ends = one.due.copy()
            ends[-1] += one.balance[-1]
            price = problem.market.share_price[one.scenario]
            # calls on balance / strike shares from the strike to the cap
            pays[one.scenario] += ends / one.strike * np.clip(price - one.strike, 0.0, max(one.cap - one.strike, 0.0))
    return Holder(CAPPED_CALLS, name, pays, cost) if np.any(cost) or np.any(pays) else None


def _todays(books: Books, paid_in: Array) -> Holder:
    """Today's holders: what they pay in and are paid, and what the ledger leaves them of shares and equity at T."""
    left = [
        values
        for entry, values in books.ledger.items()
        if entry in ("dilution", "conversion", "capped_call") or entry.startswith("terminal_")
    ]
    gets = np.sum(left, axis=0)
    return Holder(TODAY, "", np.maximum(paid_in, 0.0), gets + np.maximum(-paid_in, 0.0))


def business(books: Books) -> Array:
    """(S, D) USD that the business brings to all of them: cash before financing that is not put aside, and what stands at T."""
    flows = books.cash_flow
    brings = sum((line for key, line in flows.items() if key not in (*BETWEEN, *BALANCES)), np.zeros_like(flows["change"]))
    ends = [
        v for entry, v in books.ledger.items()
        if entry.startswith("terminal_") and entry != "terminal_debt" and not entry.startswith("terminal_put[")
    ]  # fmt: skip
    return np.asarray(brings - flows["change"] + np.sum(ends, axis=0))


def check_holders(problem: Problem, decisions: Decisions, books: Books, checks: Checklist) -> None:
    """What all get, less what they pay in, is what the business brings, discounted, in every scenario."""
    everybody, discount = holders(problem, decisions, books), discount_factors(problem)
    parts = [(one.gets - one.pays) @ discount for one in everybody]
    sizes = [np.abs(x @ discount) for one in everybody for x in (one.gets, one.pays)]
    scale = float(np.max(sizes, initial=0.0))
    checks.equal(
        "what all holders get is what the business brings",
        np.sum(parts, axis=0), business(books) @ discount, scale=scale, least=checks.usd,
    )  # fmt: skip
