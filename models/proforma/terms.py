"""The second book's terms of contracts: when face matures, what a call costs, what a convertible is worth, how values are discounted.

The first book works the same out in its own way (`problem`). Nothing here may call it: a formula that both books shared would be wrong in
both at once, and no comparison of them would show it.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from models.problem import Array, Battery, Call, Conversion, Debt, Problem
from models.proforma.calendar import calendar

#: kinds of debt whose balance is drawn and repaid at will
AT_WILL_KINDS = ("revolver", "btc_loan")
#: amortisations whose repayments the plan decides
DECIDED_AMORTISATIONS = ("sculpted", "as_cash_allows")


def by_contract(debt: Debt) -> bool:
    """Whether all payments follow from the face by contract, so that no repayment is left to decide."""
    return not (debt.kind in AT_WILL_KINDS or debt.amortisation in DECIDED_AMORTISATIONS)


def maturity(debt: Debt, issued: int) -> int:
    """Month from date 0 at which face issued in month `issued` matures. Raises ValueError for a debt with neither maturity nor tenor."""
    if debt.maturity is not None:
        return debt.maturity
    if debt.tenor is None:
        raise ValueError(f"{debt.name} has neither a maturity nor a tenor")
    return issued + debt.tenor


def call_price(call: Call | None, month: int) -> float | None:
    """Price per 1 of balance at which the issuer may call in a month from date 0; None: not yet, or never."""
    steps = () if call is None else call.steps
    begun = bisect_right([first for first, _ in steps], month)
    return steps[begun - 1][1] if begun else None


def strike(terms: Conversion, share_price_at_issue: float) -> float:
    """USD per share at which face converts: as stated, or the share price at issue and the premium on it."""
    if terms.price is None:
        return share_price_at_issue * (1.0 + terms.premium)
    return terms.price


def cap(terms: Conversion, strike: float) -> float | None:
    """USD per share up to which the capped call pays; None: there is none. The premiums are on the same share price."""
    if terms.cap_premium is None:
        return None
    return strike / (1.0 + terms.premium) * (1.0 + terms.cap_premium)


def held_at_maturity(share_price: float, strike: float) -> float:
    """What holders have at maturity, per 1 of face: shares where these are worth more, else the face."""
    return share_price / strike if share_price > strike else 1.0


def capped_call_value(terms: Conversion, share_price: float, strike: float) -> float:
    """What the issuer's capped call pays at maturity, per 1 of face: how far the share price, kept between strike and cap, lies above the
    strike."""
    top = cap(terms, strike)
    if top is None:
        return 0.0
    return min(max(share_price / strike, 1.0), max(top / strike, 1.0)) - 1.0


def discount_factors(problem: Problem) -> Array:
    """(D,) what 1 USD at each date is worth at date 0: (1 + rate) ** (-years)."""
    years = calendar(problem.clock).month / 12.0
    return np.power(1.0 + problem.objective.discount, -years)


def storage_at_start(battery: Battery) -> float:
    """MW of discharge that stand at date 0."""
    return battery.discharge if battery.now is None else battery.now
