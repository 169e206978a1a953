"""The problem in plain arrays: what the mathematics takes.

Axes: S scenarios, T periods, D = T + 1 dates, I sites, Y tax years. Date d is the beginning of period d; date T is the end
of the horizon. *Decisions* are taken at dates; what happens during period t *settles* at date t + 1.

Canonical units: MW, MWh, hours, USD, PH/s, BTC, months for durations, fractions for shares, per year for rates.
Costs are positive as costs. Every array is float64 unless said otherwise; masks are bool.
"""

from __future__ import annotations

from models.problem.arrays import Array, Ints, Mask
from models.problem.capital import Depreciation, Expansion, Payments
from models.problem.clock import LEAP_HOURS, Clock, Hourly
from models.problem.company import CashFlow, Market, Objective, PriceFollowsPlan, Problem, Project, Rates, Scenarios, Terminal
from models.problem.financing import RUNNING, Call, Conversion, Debt, Equity, Treasury
from models.problem.power import Battery, Block, Diesel, Grid, OwnSource, YearlyLimit
from models.problem.rigs import Rig, RigOption
from models.problem.rules import EarnedDividends, Function, Rule, Sweep, Term
from models.problem.services import Deferrable, Service
from models.problem.sites import Site
from models.problem.tax import InterestLimit, Tax

__all__ = [
    "LEAP_HOURS",
    "RUNNING",
    "Array",
    "Battery",
    "Block",
    "Call",
    "CashFlow",
    "Clock",
    "Conversion",
    "Debt",
    "Deferrable",
    "Depreciation",
    "Diesel",
    "EarnedDividends",
    "Equity",
    "Expansion",
    "Function",
    "Grid",
    "Hourly",
    "InterestLimit",
    "Ints",
    "Market",
    "Mask",
    "Objective",
    "OwnSource",
    "Payments",
    "PriceFollowsPlan",
    "Problem",
    "Project",
    "Rates",
    "Rig",
    "RigOption",
    "Rule",
    "Scenarios",
    "Service",
    "Site",
    "Sweep",
    "Tax",
    "Term",
    "Terminal",
    "Treasury",
    "YearlyLimit",
]
