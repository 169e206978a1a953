"""A mill town: the smallest case that buys something and has a variant without a plan."""

from __future__ import annotations

CASE = """\
case: {name: mill town}
horizon: {start: 2026-01, years: 2, period: year}
treasury: {cash: 5 MUSD, dividends: always}
objective: {discount: 8 %/year}
projects:
  mill:
    cost: 100 USD/unit
    income: {amount: 80 USD/unit/year}
    limit: 1000 units
    provides: {flour: 2}
rules:
  - {name: enough, require: "provided[flour] >= 100", from: 2026-01, until: 2026-01}
variants:
  small: {set: {projects.mill.limit: 500 units}}
  hungry: {set: {projects.mill.limit: 10 units}}
"""
