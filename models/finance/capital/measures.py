"""Measures of returns that the cost of capital and the horizon's end give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.finance.capital.cost_of_capital import CostOfCapital, Figure
from models.finance.capital.horizon_end import HorizonEnd
from models.finance.returns import Measure, Returns
from models.problem import Array

#: the keys of these measures
KEYS = (
    "cost_of_all_capital", "cost_of_all_capital_taxed", "cost_of_debt", "debt_to_equity", "relevered", "after_horizon", "after_horizon_share"
)  # fmt: skip
#: why a rate of expected flows has no value in one scenario
EXPECTED_ONLY = "it is of expected flows"


def with_capital(returns: Returns, costs: CostOfCapital, end: HorizonEnd, value: Array, odds: Array) -> Returns:
    """The returns with these measures behind their own. value (S,) USD: net present value; odds (S,)."""
    scenarios = len(odds)

    def expected_only(key: str, label: str, unit: str, figure: Figure) -> Measure:
        return Measure(key, label, unit, figure, ((None, EXPECTED_ONLY),) * scenarios)

    present = end.present
    more = (
        expected_only("cost_of_all_capital", "Cost of all capital, owners at market value", "per year", costs.whole),
        expected_only("cost_of_all_capital_taxed", "Cost of all capital, less the tax it saves", "per year", costs.after_tax),
        expected_only("cost_of_debt", "Cost of all debt", "per year", costs.debt_cost),
        expected_only("debt_to_equity", "Debt over equity, at market value", "ratio", costs.leverage),
        expected_only("relevered", "Owners' rate at the plan's debt", "per year", costs.relevered),
        Measure("after_horizon", "Value after the horizon, net of its costs", "USD", (float(odds @ present), None), tuple(
            (float(one), None) for one in present)),
        Measure("after_horizon_share", "Value after the horizon over net present value", "ratio",
                after_horizon_share(float(odds @ present), float(odds @ value)),
                tuple(after_horizon_share(float(a), float(b)) for a, b in zip(present, value, strict=True))),
    )  # fmt: skip
    return replace(returns, measures=(*returns.measures, *more))


def after_horizon_share(present: float, value: float) -> Figure:
    """What lies after the horizon over the whole value; none where the plan is worth nothing or less."""
    return (present / value, None) if value > 1.0 and np.isfinite(value) else (None, "the plan is worth nothing")
