"""Pro forma of value by parts (README 19): the value of every part counted directly, and the ledger entry that leads to it.

The program takes out of what owners receive what lenders and others are paid. Here the parts are added up instead.
"""

from __future__ import annotations

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Problem
from models.proforma.assets import decided
from models.proforma.calendar import calendar
from models.proforma.debt import Liabilities, first_date, running_maturity
from models.proforma.power import Power

#: cash flows before any financing that are discounted as all else is
BESIDES = (
    "excess_charges", "fixed_costs", "overhead", "operating_cash_flows", "other_cash_flows", "capex_rigs", "capex_options", "capex_halls",
    "capex_interconnection", "capex_equipment", "resale", "coin_sales", "tax",
)  # fmt: skip
#: entries of the ledger at T of what goes on earning, and those that nobody receives
LATER = ("coins", "rigs", "halls", "interconnection", "equipment", "opening_assets", "contracts")
COSTS = ("rescue_penalty", "soft_rules")


def own_rates(
    problem: Problem, decisions: Decisions, flows: dict[str, Array], power: Power, debts: Liabilities, ledger: dict[str, Array]
) -> Array:
    """(S, D) USD, undiscounted: value by parts less all entries of the ledger, at each date. Raises ValueError where the case has no rates."""
    rates = problem.objective.rates
    if rates is None:
        raise ValueError("value by parts needs rates")
    years = calendar(problem.clock).month / 12.0

    def at(rate: float) -> Array:
        """(D,) what a dollar discounted at the rate is worth in dollars discounted at the objective's."""
        return np.asarray(((1.0 + problem.objective.discount) / (1.0 + rate)) ** years)

    cloud = np.zeros_like(ledger["dividends"])
    for service in problem.services:
        if service.kind == "cloud":
            for site in problem.sites:
                served = power.lines.get((site.name, f"ai:{service.name}"))
                if served is not None:
                    cloud[:, 1:] += service.rate * served / site.gross_ratio
    parts = sum((flows[name] for name in BESIDES), np.zeros_like(cloud))
    parts = parts + at(rates.contracts) * flows["ai_rent"] + at(rates.cloud) * cloud
    parts = parts + at(rates.mining) * (flows["cash_margin"] - cloud)
    for name in (*(f"terminal_{kind}" for kind in LATER), *COSTS):
        parts = parts + ledger[name]
    parts = parts - _fees(problem, decisions)
    parts[:, 0] += problem.treasury.cash - sum(debt.existing for debt in problem.debts)
    parts[:, 0] -= sum(debts.opening_due.values(), np.zeros(len(parts)))
    parts = parts + _shield(problem, debts)
    return np.asarray(parts - sum(ledger.values(), np.zeros_like(parts)))


def _fees(problem: Problem, decisions: Decisions) -> Array:
    """(S, D) USD of fees at issue."""
    out = np.zeros((problem.scenarios.count, problem.clock.dates))
    for debt in problem.debts:
        if debt.kind != "revolver":
            out += debt.fee * decided(decisions.issued, debt.name, problem)
            continue
        opens = first_date(debt)
        if opens is not None and debt.existing <= 0.0 and running_maturity(problem, debt) > opens:
            out[:, opens] += debt.fee * debt.limit
    for issue in problem.equities:
        out += issue.fee * decided(decisions.issued, issue.name, problem)
    return out


def _shield(problem: Problem, debts: Liabilities) -> Array:
    """(S, D) what the tax saved by interest is worth more, or less, at its own rate, at the dates at which tax is paid."""
    rates, discount = problem.objective.rates, problem.objective.discount
    out = np.zeros((problem.scenarios.count, problem.clock.dates))
    if problem.tax is None or rates is None:
        return out
    own_calendar = calendar(problem.clock)
    year_of, month = own_calendar.year_of_date, own_calendar.month
    for debt in problem.debts:
        interest = debts.of(debt.name, "interest_accrued") + debts.of(debt.name, "commitment_accrued")
        step = debt.frequency if debt.frequency > 0 else 12
        own = (1.0 + float(np.mean(debt.rate)) * step / 12.0) ** (12.0 / step) - 1.0
        paid = 0
        for year, date in enumerate(own_calendar.year_ends):
            saved = problem.tax.rate * interest[:, year_of == year].sum(axis=1)
            if rates.debt == "rebalanced":
                ratio = ((1.0 + discount) / (1.0 + own)) ** ((month[date] - month[paid]) / 12.0)
            else:
                rate = own if isinstance(rates.debt, str) else rates.debt
                ratio = ((1.0 + discount) / (1.0 + rate)) ** (month[date] / 12.0)
            out[:, date] += saved * (ratio - 1.0)
            paid = date
    return out
