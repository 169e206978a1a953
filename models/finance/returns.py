"""Returns: what the plan is worth to its owners, how safely it serves its debt, and what its capital costs.

Every measure has a value in each scenario and one in expectation. In expectation amounts are averages; rates, multiples and ratios are
those of the expected flows (not the averages of those of the scenarios).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.finance.context import StatementContext
from models.finance.lines import EXPECTED, SMALLEST, Statement
from models.finance.rates import hardly_paid, irr, paid_in, return_rate, shareholder_flows
from models.problem import Array, Clock

if TYPE_CHECKING:
    import pandas as pd

#: ledger entries, by debt, of what its holders have earned of the premium of a put after the horizon
PUT = "terminal_put"
#: a figure, or none and why
Figure = tuple[float | None, str | None]


@dataclass(frozen=True)
class Measure:
    """One measure: its value (None where it has no meaning, then `why` says so) in expectation and in each scenario."""

    key: str
    label: str
    unit: str
    expected: Figure
    scenarios: tuple[Figure, ...]


@dataclass(frozen=True)
class Returns:
    """All measures in order; flows (S, D) of owners, of the business before financing, and of each source of capital."""

    measures: tuple[Measure, ...]
    names: tuple[str, ...]
    owners: Array
    business: Array
    capital: dict[str, Array]

    def __getitem__(self, key: str) -> Measure:
        """A measure by its key. Raises KeyError."""
        for one in self.measures:
            if one.key == key:
                return one
        raise KeyError(f"there is no measure {key!r}; there are {', '.join(one.key for one in self.measures)}")

    def frame(self) -> pd.DataFrame:
        """Wide pandas frame: measures down, 'expected' and scenarios across; NaN where a measure has no meaning."""
        import pandas as pd

        rows = [[np.nan if v is None else v for v, _ in (one.expected, *one.scenarios)] for one in self.measures]
        index = pd.Index([one.key for one in self.measures], name="measure")
        return pd.DataFrame(rows, index=index, columns=[EXPECTED, *self.names], dtype=float)


# ---------------------------------------------------------------------------------------------------------------------
# Functions of one series of flows at the clock's dates; time in months / 12


def npv(clock: Clock, flows: Array, rate: float) -> float:
    """sum of flows[d] * (1 + rate) ** (-months[d] / 12)."""
    return float(flows @ (1.0 + rate) ** (-clock.date_month / 12.0))


def mirr(clock: Clock, flows: Array, finance: float, reinvest: float) -> Figure:
    """Modified internal rate of return, per year: what is paid is financed at `finance`, what is received is reinvested at `reinvest`."""
    flows = np.where(np.abs(flows) > SMALLEST, flows, 0.0)
    if not (flows < 0.0).any() or not (flows > 0.0).any():
        return None, "needs payments and receipts"
    import pyxirr

    months = np.zeros(int(clock.date_month[-1]) + 1)
    np.add.at(months, clock.date_month, flows)
    rate = pyxirr.mirr(months, (1.0 + finance) ** (1.0 / 12.0) - 1.0, (1.0 + reinvest) ** (1.0 / 12.0) - 1.0, silent=True)
    if rate is None or not np.isfinite(rate):
        return None, "the rate could not be worked out"
    return float((1.0 + rate) ** 12.0 - 1.0), None


def payback(clock: Clock, flows: Array) -> Figure:
    """Years until what was received covers what was paid, for good; within a period, straight-line."""
    total = np.cumsum(flows)
    low = float(total.min(initial=0.0))
    if low >= -SMALLEST:
        return None, "nothing is paid in before it comes back"
    if total[-1] < -SMALLEST:
        return None, "what is paid in does not come back"
    d = int(np.flatnonzero(total < -SMALLEST)[-1])
    before, after = float(total[d]), float(total[d + 1])
    month = clock.date_month
    return (float(month[d]) + float(month[d + 1] - month[d]) * -before / (after - before)) / 12.0, None


def loan_life_coverage(cfads: Array, debt: Array, interest: Array) -> Figure:
    """CFADS from the date of highest debt on while debt stands, discounted at the debt's own interest, over that debt.

    cfads, debt (balance after the date) and interest (accrued in the period that ends at the date), (D,) each.
    """
    stands = np.flatnonzero(debt > SMALLEST)
    if len(stands) == 0:
        return None, "there is no debt"
    first, last = int(np.flatnonzero(debt >= debt.max() - SMALLEST)[0]), min(int(stands[-1]) + 1, len(debt) - 1)
    if last == first:
        return None, "debt is highest at the horizon"
    before = debt[:-1]
    rate = np.where(before > SMALLEST, interest[1:] / np.where(before > SMALLEST, before, 1.0), 0.0)
    factor = 1.0 / np.cumprod(1.0 + rate[first:last])
    return float(cfads[first + 1 : last + 1] @ factor) / float(debt[first]), None


def coverage(ratio: Array, how: Callable[[Array], float]) -> Figure:
    """The least, or the mean, of a ratio over the dates at which it has a meaning."""
    known = ratio[np.isfinite(ratio)]
    return (float(how(known)), None) if len(known) else (None, "it has no meaning at any date")


# ---------------------------------------------------------------------------------------------------------------------
# Flows


def business_flows(context: StatementContext, cash_flow: Statement) -> Array:
    """(S, D) what the business brings before any financing: operations and investing without interest, and the assets' worth at the end."""
    flows = cash_flow["operating"] - cash_flow["interest"] - cash_flow["cash_yield"] + cash_flow["investing"]
    ends = [
        v
        for entry, v in context.books.ledger.items()
        if entry.startswith("terminal_") and entry not in ("terminal_cash", "terminal_debt") and not entry.startswith(PUT)
    ]
    return np.asarray(sum(ends, flows))


def capital_flows(context: StatementContext) -> dict[str, Array]:
    """(S, D) by source of outside capital: what the company receives (+) and pays (-), claims at the horizon and shares included.

    Debt that stood before date 0 counts as received there, with its interest due. Capped calls belong to their convertible.
    """
    problem, books = context.problem, context.books
    out: dict[str, Array] = {}
    terms = {debt.name: debt for debt in problem.debts}
    for name, lines in books.schedules.items():
        paid = ("principal", "redeemed", "called", "put", "call_premium", "put_premium", "interest_paid", "capped_call_cost")
        flows = lines["proceeds"] - sum((lines[key] for key in paid), context.zero)
        flows[:, 0] += lines["opening"][:, 0]
        if name.endswith("@existing"):
            flows[:, 0] += lines["interest_due"][:, 0]
        if terms[name.removesuffix("@existing")].conversion is None:
            flows[:, -1] -= lines["closing"][:, -1]
        flows[:, -1] -= lines["interest_due"][:, -1]
        if (earned := books.ledger.get(f"{PUT}[{name}]")) is not None:
            flows = flows + earned
        out[name] = flows
    prices = problem.market.share_price
    for one in books.convertibles:
        assert prices is not None
        name = f"{one.instrument}@existing" if one.existing else one.instrument
        flows, s = out[name], one.scenario
        path = prices[s]
        room = 0.0 if one.cap is None else max(one.cap / one.strike - 1.0, 0.0)
        worth = np.minimum(np.maximum(path / one.strike - 1.0, 0.0), room)
        flows[s] -= one.shares * path
        flows[s, -1] -= one.balance[-1] * max(1.0, path[-1] / one.strike) - one.balance[-1] * worth[-1]
        # a capped call pays where its convertible is settled in shares: it covers what is above the strike
        flows[s] += one.shares * one.strike * worth
    for issue in problem.equities:
        if issue.holders == "new":
            assert prices is not None
            sold = context.decided(context.decisions.issued, issue.name)
            flows = (1.0 - issue.fee) * sold
            flows[:, -1] -= (sold / (prices * (1.0 - issue.discount))).sum(axis=1) * prices[:, -1]
            out[issue.name] = flows
    return out


# ---------------------------------------------------------------------------------------------------------------------


def returns(context: StatementContext, cash_flow: Statement, ratios: Statement, schedules: dict[str, Statement]) -> Returns:
    """Every measure of the plan."""
    problem, books = context.problem, context.books
    clock, odds, rate = problem.clock, problem.scenarios.probability, problem.objective.discount
    owners, business, capital = shareholder_flows(books), business_flows(context, cash_flow), capital_flows(context)
    paid = paid_in(books)
    measures: list[Measure] = []

    def add(key: str, label: str, unit: str, of: Callable[..., Figure], *series: Array) -> None:
        expected = of(*(odds @ each for each in series))
        measures.append(Measure(key, label, unit, expected, tuple(of(*(each[s] for each in series)) for s in range(len(odds)))))

    def amount(value: float) -> Figure:
        return float(value), None

    def multiple(received: float, put_in: float) -> Figure:
        if (why := hardly_paid(received, put_in)) is not None:
            return None, why
        return (float(received / put_in), None) if received >= 0.0 else (None, "less than nothing comes back")

    add("npv", "Net present value", "USD", amount, books.value)
    add("irr", "Internal rate of return of owners", "per year", lambda f, p: return_rate(clock, f, float(p)), owners, paid)
    add("mirr", "Modified internal rate of return of owners", "per year", lambda f: mirr(clock, f, rate, rate), owners)
    add("moic", "Received over paid in", "ratio", multiple, owners.sum(axis=1) + paid, paid)
    add("payback", "Payback of owners", "years", lambda f: payback(clock, f), owners)
    add("discounted_payback", "Payback of owners, discounted", "years", lambda f: payback(clock, f), owners * problem.discount)
    add("business_npv", "Net present value before financing", "USD", lambda f: amount(npv(clock, f, rate)), business)
    add("business_irr", "Internal rate of return before financing", "per year", lambda f: irr(clock, f), business)
    dscr = [ratios.expected("dscr"), *ratios["dscr"]]
    leverage = [ratios.expected("net_debt_to_ebitda"), *ratios["net_debt_to_ebitda"]]

    def of_ratio(key: str, label: str, table: list[Array], how: Callable[[Array], float]) -> None:
        found = [coverage(values, how) for values in table]
        measures.append(Measure(key, label, "ratio", found[0], tuple(found[1:])))

    of_ratio("dscr_min", "Least debt service coverage, twelve months", dscr, np.min)
    of_ratio("dscr_avg", "Mean debt service coverage, twelve months", dscr, np.mean)
    cfads, accrued = books.words["cfads"], sum((one["accrued"] for one in schedules.values()), context.zero)
    add(
        "llcr",
        "Loan life coverage at the highest debt, to the horizon",
        "ratio",
        loan_life_coverage,
        cfads,
        books.words["total_debt"],
        accrued,
    )
    of_ratio("net_debt_to_ebitda_max", "Highest net debt over EBITDA", leverage, np.max)
    of_ratio("net_debt_to_ebitda_end", "Net debt over EBITDA at the horizon", [x[-1:] for x in leverage], np.max)
    add("liquidity_low", "Least cash and coins", "USD", lambda f: amount(f.min()), books.words["liquidity"])
    add("peak_debt", "Highest debt", "USD", lambda f: amount(f.max()), books.words["total_debt"])
    outside = sum(capital.values(), context.zero)
    add("cost_of_capital", "Cost of all outside capital", "per year", lambda f: _cost(clock, f), outside)
    for name, flows in capital.items():
        add(f"cost[{name}]", f"Cost of {name}, all in", "per year", lambda f: _cost(clock, f), flows)
    return Returns(tuple(measures), problem.scenarios.names, owners, business, capital)


def _cost(clock: Clock, flows: Array) -> Figure:
    """The rate that who gave this capital earns."""
    if not (flows > SMALLEST).any():
        return None, "none was raised"
    rate, why = irr(clock, -flows)
    return rate, why
