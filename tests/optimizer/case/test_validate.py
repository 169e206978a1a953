"""Golden messages: each kind of broken case is told at its line and column, in these words, and without a traceback."""

# ruff: noqa: E501
from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from optimizer.case.case import Case
from optimizer.case.reading.diagnostics import CaseError

HORIZON = "horizon: {start: 2026-01, years: 2}\n"

# === name, the case (below HORIZON, unless it is the whole file), >>>, and what is said: places without "case.yaml:".
GOLDEN = """\
=== unknown key
treasury: {cahs: 5 MUSD}
>>>
2:12: treasury.cahs: unknown key
    hint: did you mean "cash"?
=== unknown top key
financng: {}
>>>
2:1: financng: unknown key
    hint: did you mean "financing"?
=== wrong unit
sites: {barker: {interconnection: 100 USD}}
>>>
2:35: sites.barker.interconnection: "100 USD" is money: expected power such as "100 MW"
=== missing unit
treasury: {cash: 5}
>>>
2:18: treasury.cash: "5" has no unit: expected money such as "5 USD"
=== duplicate key
treasury:
  cash: 5 MUSD
  cash: 6 MUSD
>>>
4:3: treasury.cash: key "cash" is given twice: first in line 3, column 3
    hint: keep one of the two
=== anchor
treasury: &a {cash: 5 MUSD}
company: *a
>>>
2:11: treasury: anchor &a: anchors and aliases are not used here
3:10: company: alias *a: write the value out, aliases are not used here
=== tag
treasury: {cash: !!float 5}
>>>
2:18: treasury.cash: tag !!float: tags are not used here, the field gives the type
=== nan
treasury: {cash: .nan USD}
>>>
2:18: treasury.cash: ".nan USD" is not a finite number: expected money such as "100 USD"
=== inf
treasury: {cash: .inf}
>>>
2:18: treasury.cash: ".inf" is not a finite number: expected money such as "100 USD"
=== 1e400
treasury: {cash: 1e400 USD}
>>>
2:18: treasury.cash: "1e400 USD" is beyond 1e+18
=== too large
treasury: {cash: 1e13 MUSD}
>>>
2:18: treasury.cash: "1e13 MUSD" is beyond 1e+18 USD
=== outside
market: {btc_price: {csv: ../x.csv, column: a}}
>>>
2:27: market.btc_price.csv: "../x.csv" leads out with ..: files named in a case lie in or below its folder
=== missing file
market:
  btc_price: {csv: prices.csv, column: usd}
>>>
3:20: market.btc_price.csv: there is no file "prices.csv"
=== rows
sites: {barker: {power: {grid: {price: {csv: short.csv, column: usd}}}}}
>>>
short.csv:25:1: sites.barker.power.grid.price: 24 hours, 2024-01-01 00:00 to 2024-01-01 23:00: expected one full calendar year, 8784 hours in 2024
=== gap
sites: {barker: {power: {grid: {price: {csv: gap.csv, column: usd}}}}}
>>>
gap.csv:102:1: sites.barker.power.grid.price: hour 2023-01-05 04:00 is missing before this row (the only gap)
    hint: a local clock with daylight saving time needs `timezone`
=== text in column
sites: {barker: {power: {grid: {price: {csv: text.csv, column: usd}}}}}
>>>
text.csv:7:18: sites.barker.power.grid.price: "n/a" is not a number, in column "usd"
=== required
financing:
  notes: {type: notes, limit: 5 MUSD, tenor: 5 years}
>>>
3:3: financing.notes.coupon: key "coupon" is missing
    hint: interest rate: 7.75 %/year, a path, or {base: path, spread: 225 bp}
=== no horizon (whole file)
treasury: {cash: 5 MUSD}
>>>
1:1: horizon: key "horizon" is missing
    hint: from when, how long, in which steps
=== probabilities
scenarios:
  a: {probability: 50 %}
  b: {probability: 40 %}
>>>
2:1: scenarios: the probabilities add to 90 %: expected 100 %
=== emissions in grams
sites: {a: {power: {grid: {price: 40 USD/MWh, emissions: 380 t/MWh}}}}
>>>
2:58: sites.a.power.grid.emissions: 380 t/MWh must be at most 10 t/MWh
=== emissions of CO2
sites: {a: {power: {grid: {price: 40 USD/MWh, emissions: 400 gCO2/kWh}}}}
>>>
2:58: sites.a.power.grid.emissions: "gCO2/kWh" is not a unit: expected mass per energy such as "400 t/MWh"
    hint: a gram is written g, of whatever it is
=== a cap on nothing
sites: {a: {power: {grid: {price: 40 USD/MWh}}, emission_cap: 120 kt/year}}
limits: {emissions: {limit: 5 kt/year}}
>>>
2:63: sites.a.emission_cap: nothing at this site has emissions: there is nothing to limit
    hint: power.grid.emissions: 0.38 t/MWh
3:10: limits.emissions: nothing at any site has emissions: there is nothing to limit
    hint: power.grid.emissions: 0.38 t/MWh
=== a budget of no grid
sites: {a: {power: {diesel: {mw: 5 MW, cost: 300 USD/MWh}}, energy_budget: {limit: 5 GWh/year, of: grid}}}
limits: {energy: {limit: 5 GWh/year, of: grid}}
>>>
2:100: sites.a.energy_budget.of: there is no grid at this site to buy energy from
    hint: of: use counts what rigs and AI use
3:42: limits.energy.of: there is no grid at any site to buy energy from
    hint: of: use counts what rigs and AI use
=== a cap without its year
sites: {a: {power: {grid: {price: 40 USD/MWh, emissions: 0.4 t/MWh}}, emission_cap: 120 kt}}
>>>
2:85: sites.a.emission_cap: "120 kt" is mass: expected mass by the year such as "120 t/year"
=== a cap with a knot without its year
sites: {a: {power: {grid: {price: 40 USD/MWh, emissions: 0.4 t/MWh}}, emission_cap: {knots: {2026-01: 5 kt/year, 2027-01: 4 kt}}}}
>>>
2:123: sites.a.emission_cap.knots.2027-01: "4 kt" is mass: expected mass by the year such as "4 t/year"
=== a budget of what
sites: {a: {power: {grid: {price: 40 USD/MWh}}, energy_budget: {limit: 5 GWh/year, of: gird, price: 5 USD/t}}}
>>>
2:88: sites.a.energy_budget.of: "gird": expected use | grid
    hint: did you mean "grid"?
2:101: sites.a.energy_budget.price: "5 USD/t" is money per mass: expected a price of energy such as "5 USD/MWh"
=== a cap in one scenario only
sites: {a: {power: {grid: {price: 40 USD/MWh, emissions: 0.4 t/MWh}}}}
scenarios: {x: {probability: 50 %, set: {sites.a.emission_cap.limit: 50 kt/year}}, y: {probability: 50 %}}
>>>
3:42: scenarios.x.set.sites.a.emission_cap.limit: sites.a.emission_cap is not given in the case, so that other scenarios have none
    hint: give it in the case too; scenarios change it from there
=== a soft cap in one scenario only
sites: {a: {power: {grid: {price: 40 USD/MWh, emissions: 0.4 t/MWh}}, emission_cap: 1 kt/year}}
scenarios: {x: {probability: 50 %}, y: {probability: 50 %, set: {sites.a.emission_cap.price: 50 USD/t}}}
>>>
3:66: scenarios.y.set.sites.a.emission_cap.price: sites.a.emission_cap.price is not given in the case, so that other scenarios have none
    hint: give it in the case too; scenarios change it from there
=== tonnes and megawatt-hours
sites: {a: {}}
rules: [{name: r, require: emissions_t <= 5 MWh}, {name: s, require: "emissions_t[b] <= 5 kt"}]
>>>
3:43: rules[0].require: t and MWh are not added or compared
    hint: a number that converts has a unit, as in net_debt <= 0.5 MUSD/MW * rigs_mw
3:83: rules[1].require: emissions_t knows no site "b"
    hint: there are: a
=== bad date (whole file)
horizon: {start: 2026-13, years: 2}
>>>
1:18: horizon.start: "2026-13": there is no month 13
=== horizon twice (whole file)
horizon: {start: 2026-01, years: 2, months: 24}
>>>
1:1: horizon: has months and years
    hint: give one of: months, quarters, years, end
=== horizon uneven (whole file)
horizon: {start: 2026-01, months: 7}
>>>
1:35: horizon.months: 7 months are not a whole number of periods of 3 months
=== follows
scenarios:
  base: {probability: 50 %}
  bear: {probability: 50 %, follows: bsae, until: 2026-07}
>>>
4:38: scenarios.bear.follows: there is no scenario "bsae"
    hint: did you mean "base"?
=== reserved scenario
scenarios:
  expected: {probability: 100 %}
>>>
3:3: scenarios.expected: "expected" is the average of the scenarios in every table
    hint: give the scenario another name
=== circle
scenarios:
  base: {probability: 50 %, follows: bear, until: 2026-07}
  bear: {probability: 50 %, follows: base, until: 2026-07}
>>>
3:38: scenarios.base.follows: scenarios follow each other in a circle: base -> bear -> base
4:38: scenarios.bear.follows: scenarios follow each other in a circle: bear -> base -> bear
=== enum (whole file)
horizon: {start: 2026-01, years: 2, period: qarter}
>>>
1:45: horizon.period: "qarter": expected month | quarter | half-year | year
    hint: did you mean "quarter"?
=== instrument type
financing:
  notes: {type: note, coupon: 5 %/year, limit: 5 MUSD, tenor: 5 years}
  loan: {coupon: 5 %/year}
>>>
3:17: financing.notes.type: "note" is not a kind of instrument
    hint: did you mean "notes"?
4:9: financing.loan.type: key "type" is missing: the kind of instrument
    hint: it is one of: notes, loan, convertible, revolver, btc_loan, equity, atm
=== unbounded
financing:
  notes: {type: notes, coupon: 7 %/year, tenor: 5 years}
>>>
3:3: financing.notes.limit: debt is always bounded, and the key "limit" is missing: a program would borrow without end
    hint: most face in all, existing one included; 0 USD: none of it
=== rule word
rules:
  - name: a
    require: cahs >= 5 MUSD
  - {name: b, require: "outstanding[nots] <= 5 MUSD"}
>>>
4:14: rules[0].require: unknown word "cahs"
    hint: did you mean "cash"?
5:37: rules[1].require: outstanding knows no instrument "nots"
    hint: there is no instrument for it in this case
=== rule non-linear
rules:
  - name: a
    require: 'cash * total_debt >= 5 MUSD'
>>>
4:15: rules[0].require: a product of two decisions, cash and total_debt, is not linear
    hint: multiply decisions by numbers and data only
=== scenario structure
sites: {barker: {interconnection: 100 MW, mining_hall: 50 MW}}
scenarios:
  base: {probability: 50 %}
  bear:
    probability: 50 %
    set: {sites.barker.interconnection: 50 MW}
    scale: {sites.barker.mining_hall.now: 0.5}
>>>
7:11: scenarios.bear.set.sites.barker.interconnection: sites.barker.interconnection is structure, the same in every scenario
    hint: a scenario may change data only: prices, costs, rates, hourly data, amounts; or `delay` a site
8:13: scenarios.bear.scale.sites.barker.mining_hall.now: sites.barker.mining_hall.now is structure, the same in every scenario
    hint: a scenario may scale data only: prices, costs, rates, hourly data, amounts
=== scenario delay
sites: {barker: {interconnection: 100 MW}}
scenarios:
  base: {probability: 100 %, delay: {sites.braker: 3 months}}
>>>
4:38: scenarios.base.delay.sites.braker: "sites.braker" cannot be delayed: only a site can
    hint: did you mean "sites.barker"?
=== variant path
financing: {notes: {type: notes, coupon: 7 %/year, limit: 5 MUSD, tenor: 5 years}}
variants:
  none: {set: {financing.nots.limit: 0 USD}}
  other: {set: {financing.notes.limits: 0 USD}}
>>>
4:26: variants.none.set.financing.nots.limit: there is no "nots" in financing
    hint: did you mean "notes"?
5:33: variants.other.set.financing.notes.limits: there is no "limits" in financing.notes
    hint: did you mean "limit"?
=== several
treasury:
  cash: 5 MW
  cash_yeild: 3 %/year
sites:
  barker: {interconnection: lots}
rules:
  - {name: a, require: cash >= }
>>>
3:9: treasury.cash: "5 MW" is power: expected money such as "5 USD"
    hint: did you mean "5 MUSD"?
4:3: treasury.cash_yeild: unknown key
    hint: did you mean "cash_yield"?
6:29: sites.barker.interconnection: "lots" does not begin with a number: expected power such as "100 MW"
8:29: rules[0].require: the sentence breaks off after >=
=== comment only (whole file)
# nothing
>>>
1:1: the file is empty
=== list (whole file)
- a
- b
>>>
1:1: expected a mapping, found a list
    hint: a case is keys with values, such as  horizon: {start: 2026-01, years: 3}
=== list for mapping
sites: [barker]
>>>
2:8: sites: expected a mapping, found a list
=== mapping for list
rules: {name: a}
>>>
2:8: rules: expected a list, found a mapping
    hint: write [a, b], or a line beginning with - for each
=== null value
treasury:
  cash:
>>>
3:3: treasury.cash: nothing is given here
    hint: give a value, or leave the key out
=== syntax (whole file)
horizon: {start: 2026-01, years: 2
>>>
2:1: not valid YAML: did not find expected ',' or '}', while parsing a flow mapping that begins in line 1
=== negative
treasury: {cash: -5 MUSD}
>>>
2:18: treasury.cash: "-5 MUSD" must be at least 0 USD
=== comma
treasury: {cash: "5,000 USD"}
>>>
2:18: treasury.cash: "5,000 USD" has a comma in its number
    hint: write 5000 or 5_000
=== share
objective: {risk_weight: 130 %}
>>>
2:26: objective.risk_weight: "130 %" must be at most 100 %
=== tail
objective: {tail_probability: 0}
>>>
2:31: objective.tail_probability: "0" must be above 0 %
=== tax
tax: {rate: 100 %}
>>>
2:13: tax.rate: "100 %" must be below 100 %
=== gross
sites: {barker: {gross_ratio: 0.9}}
>>>
2:31: sites.barker.gross_ratio: "0.9" must be at least 1
=== every (whole file)
horizon: {start: 2026-01, years: 2, hours: {every: 24}}
>>>
1:52: horizon.hours.every: 24 shares the factor 24 with 24: some hours of the day would never be seen
    hint: use 25
=== hours word (whole file)
horizon: {start: 2026-01, years: 2, hours: some}
>>>
1:44: horizon.hours: "some": expected all, or {every: 25}
=== window
rigs: {s21: {efficiency: 15 J/TH, price: 18 USD/TH, order: {from: 2029-01}}}
market: {btc_price: 90 kUSD/BTC, hashprice: 50 USD/PH/day}
>>>
2:53: rigs.s21.order: no date of the horizon lies in this window: dates run from 2026-01-01 to 2027-10-01
=== window order
financing: {notes: {type: notes, coupon: 7 %/year, limit: 5 MUSD, tenor: 5 years, issue: {from: 2026-07, until: 2026-01}}}
>>>
2:113: financing.notes.issue.until: ends (2026-01-01) before it begins (2026-07-01)
=== maturity
financing: {notes: {type: notes, coupon: 7 %/year, limit: 5 MUSD, issue: 2026-07, maturity: 2026-04}}
>>>
2:93: financing.notes.maturity: matures 2026-04-01, at or before its issue from 2026-07-01
=== payments
sites: {barker: {interconnection: {now: 1 MW, expand: {cost: 1 MUSD/MW, limit: 5 MW, lead: 3 months, payments: [{share: 50 %}, {share: 40 %, after: 9 months}]}}}}
>>>
2:102: sites.barker.interconnection.expand.payments: the shares add to 90 %: expected 100 %
2:149: sites.barker.interconnection.expand.payments[1].after: paid 9 months after the order, later than the lead of 3
    hint: what is ordered is paid when it is ready at the latest
=== equipment paid for too late
sites: {barker: {interconnection: 9 MW, ai_hall: 5 MW, power: {grid: {price: 40 USD/MWh}}}}
ai: {cloud: {type: cloud, price: 900 USD/MWh, term: 2 years, limit: 5 MW, equipment: {cost: 9 MUSD/MW, payments: [{share: 50 %}, {share: 50 %, after: 6 months}]}}}
>>>
3:151: ai.cloud.equipment.payments[1].after: paid 6 months after signing: for what is signed in 2027-10, after the end of the horizon
    hint: let `sign` end earlier, or pay earlier
=== blocks
sites: {barker: {interconnection: 10 MW, power: {grid: {price: 40 USD/MWh}, blocks: {ppa: {mw: 20 MW, price: 40 USD/MWh}}, own: {flare: {mw: 30 MW, export: true}}}}}
>>>
2:96: sites.barker.power.blocks.ppa.mw: blocks of 20 MW on an interconnection of 10 MW
2:142: sites.barker.power.own.flare.mw: exports of 30 MW on an interconnection of 10 MW
=== convertible
financing:
  c: {type: convertible, coupon: 0 %/year, limit: 5 MUSD, tenor: 5 years, conversion_premium: 30 %, call: [{from: 2027-01, price: 104 %}]}
>>>
3:13: financing.c.type: a convertible needs company.share_price
    hint: share_price: 12 USD/share
3:101: financing.c.call: a convertible cannot be called here: its holder would convert first
=== negative adder
sites: {barker: {power: {grid: {price: -4 USD/MWh, delivery: -3 USD/MWh}}}}
>>>
2:62: sites.barker.power.grid.delivery: -3 USD/MWh must be at least 0 USD/MWh
=== floor
sites: {barker: {power: {grid: {price: 4 USD/MWh}}}}
ai: {c: {type: cloud, price: 500 USD/MWh, floor: 110 %, term: 2 years, limit: 5 MW, escalator: 3 %/year}}
>>>
3:50: ai.c.floor: "110 %" must be at most 100 %
3:85: ai.c.escalator: unknown key
    hint: `escalator` belongs to type: lease
=== rigs need market
sites: {barker: {mining_hall: 5 MW}}
rigs: {s21: {efficiency: 15 J/TH, price: 18 USD/TH}}
>>>
3:1: rigs: rigs need market.hashprice, or market.network_hashrate
    hint: network_hashrate: 1000 EH/s
3:1: rigs: this needs market.btc_price
    hint: btc_price: 95000 USD/BTC
=== rigs twice
market: {btc_price: 90 kUSD/BTC, hashprice: 50 USD/PH/day, network_hashrate: 1000 EH/s}
rigs: {s21: {price: 18 USD/TH, hashrate: 200 TH/s}}
>>>
2:78: market.network_hashrate: hashprice is given too: one of the two follows from the other
3:8: rigs.s21: give efficiency (J/TH), or hashrate and power of one unit
=== bool
cash_flows: {a: {amount: 1 MUSD/year, taxable: yes}}
>>>
2:48: cash_flows.a.taxable: "yes" is not a yes-or-no: write true or false
=== dated
cash_flows: {a: {dated: {2031-01: 1 MUSD, 2026-1: 5 MUSD, 2026-04: 5 MW}}}
>>>
2:43: cash_flows.a.dated.2026-1: "2026-1" is not a date: expected a month or a day, such as 2026-01 or 2026-01-31
2:68: cash_flows.a.dated.2026-04: "5 MW" is power: expected money such as "5 USD"
    hint: did you mean "5 MUSD"?
=== name
sites: {"a.b": {}}
>>>
2:9: sites.a.b: a name has letters, digits, blanks, - and _ only, 64 at most
=== missing unit per year
financing: {notes: {type: notes, coupon: 7.75 %, limit: 5 MUSD, tenor: 5 years}}
>>>
2:42: financing.notes.coupon: "7.75 %" is a share: expected a rate by the year such as "7.75 %/year"
=== peak hour
sites: {barker: {power: {grid: {price: 4 USD/MWh, peaks: {p: {charge: 5 kUSD/MW/year, hours: [02-30 17, 08-20 25]}}}}}}
>>>
2:95: sites.barker.power.grid.peaks.p.hours[0]: "02-30 17" is not an hour such as 08-20 17: month-day and the hour it begins
2:105: sites.barker.power.grid.peaks.p.hours[1]: "08-20 25" is not an hour such as 08-20 17: month-day and the hour it begins
=== scale nothing
scenarios:
  base: {probability: 100 %, scale: {market.btc_price: 0.7, projects.x.cost: 2, treasury.cash: 2}}
>>>
3:45: scenarios.base.scale.market.btc_price: market.btc_price is not given: there is nothing to scale
3:70: scenarios.base.scale.projects.x.cost: there is no "x" in projects
3:81: scenarios.base.scale.treasury.cash: treasury.cash is structure, the same in every scenario
    hint: a scenario may scale data only: prices, costs, rates, hourly data, amounts
=== scale bad factor
treasury: {cash_yield: 3 %/year}
scenarios:
  base: {probability: 100 %, scale: {treasury.cash_yield: x}, set: {treasury.cash_yield: 3 USD}}
>>>
4:59: scenarios.base.scale.treasury.cash_yield: "x" does not begin with a number: expected a plain number such as "100"
=== set inside scalar
treasury: {cash_yield: 3 %/year}
scenarios:
  base: {probability: 100 %, set: {treasury.cash_yield.growth: 3 %/year}}
>>>
4:56: scenarios.base.set.treasury.cash_yield.growth: treasury.cash_yield is "3 %/year": it has no "growth"
    hint: set treasury.cash_yield
=== coupon forms
financing: {notes: {type: notes, coupon: {base: 4 %/year, spred: 225 bp}, limit: 5 MUSD, tenor: 5 years}, n2: {type: notes, coupon: {strat: 4 %/year}, limit: 5 MUSD, tenor: 5 years}}
>>>
2:59: financing.notes.coupon.spred: unknown key
    hint: did you mean "spread"?
2:133: financing.n2.coupon: a mapping is not a path in time
    hint: write a quantity, {start: ..., growth: ...}, {knots: {DATE: ...}} or {csv: FILE, column: NAME}
=== a scenario brings in what the case has not
market: {network_hashrate: 1000 EH/s, btc_price: 90 kUSD/BTC}
cash_flows: {a: {amount: 1 MUSD/year}}
scenarios:
  base: {probability: 50 %}
  other:
    probability: 50 %
    set: {market.hashprice: 50 USD/PH/day, company.share_price: 9 USD/share, cash_flows.a.dated: {2026-01: 5 USD}}
>>>
8:11: scenarios.other.set.market.hashprice: market.hashprice is not given in the case, so that other scenarios have none
    hint: give it in the case too; scenarios change it from there
8:44: scenarios.other.set.company.share_price: company.share_price is not given in the case, so that other scenarios have none
    hint: give it in the case too; scenarios change it from there
8:78: scenarios.other.set.cash_flows.a.dated: cash_flows.a.dated is not given in the case, so that other scenarios have none
    hint: give it in the case too; scenarios change it from there
=== merge
treasury:
  <<: {cash: 5 MUSD}
>>>
3:3: treasury: merge key <<: write the keys out, merging is not used here
=== two docs
---
a: 1
>>>
2:1: a second document begins here: one case, one document
=== amortisation
financing: {l: {type: loan, coupon: 7 %/year, limit: 5 MUSD, tenor: 5 years, amortisation: sculpted, balloon: 20 %}, m: {type: notes, coupon: 7 %/year, limit: 5 MUSD}}
>>>
2:92: financing.l.amortisation: amortisation: sculpted needs `coverage`, its least ratio, or `ratio`, the ratio itself
2:111: financing.l.balloon: a balloon belongs to level, annuity or after_completion, not to sculpted
2:118: financing.m: give one of `maturity` (a date) and `tenor` (a time)
=== project
projects: {p: {cost: 5 MUSD, provides: {a: [{after: 3 months}]}, decide: later}}
>>>
2:22: projects.p.cost: "5 MUSD" is money: expected a price by the unit such as "5 USD/unit"
2:45: projects.p.provides.a[0]: expected a number, or a list of {after: 12 months, amount: 2.5}
2:74: projects.p.decide: "later": expected plan | recourse
=== sites ref
market: {btc_price: 90 kUSD/BTC, hashprice: 50 USD/PH/day}
sites: {barker: {}}
rigs: {s: {efficiency: 15 J/TH, price: 18 USD/TH, owned: {braker: 5 MW}, sites: [barkr]}}
>>>
4:59: rigs.s.owned.braker: there is no site "braker"
    hint: did you mean "barker"?
4:82: rigs.s.sites[0]: there is no site "barkr"
    hint: did you mean "barker"?
=== no sites to refer to
market: {btc_price: 90 kUSD/BTC, hashprice: 50 USD/PH/day}
rigs: {s: {efficiency: 15 J/TH, price: 18 USD/TH, owned: {barker: 5 MW}}}
ai: {c: {type: cloud, price: 400 USD/MWh, term: 1 year, limit: 5 MW, contracted: {barker: 2 MW}, contracted_term: 1 year}}
>>>
3:59: rigs.s.owned.barker: there is no site "barker"
    hint: the case has no sites
4:83: ai.c.contracted.barker: there is no site "barker"
    hint: the case has no sites
=== a unit that uses no power
market: {btc_price: 90 kUSD/BTC, hashprice: 50 USD/PH/day}
sites: {barker: {}}
rigs: {s: {hashrate: 200 TH/s, power: 0 W, price: 18 USD/TH}}
>>>
4:39: rigs.s.power: "0 W" must be above 0 MW
=== rule over lines
rules:
  - name: folded
    require: >-
      cash + 2 * total_debt
        >= 5 MUSD +
      3 * cahs
  - name: plain
    require: cash + total_debt
      >= 2 * ltm(total_debt)
  - {name: quoted, require: "outstanding[\\"notes\\"] \\
      <= 0.5 * ltn(ebitda)"}
  - {name: literal, require: 'issued[''notes''] <= cash * 5 MW'}
>>>
7:11: rules[0].require: unknown word "cahs"
    hint: did you mean "cash"?
10:18: rules[1].require: ltm() adds up flows, and total_debt is what stands at a date
    hint: its mean over a year is average(total_debt, 12 months)
11:42: rules[2].require: outstanding knows no instrument "notes"
    hint: there is no instrument for it in this case
13:38: rules[3].require: issued knows no instrument "notes"
    hint: there is no instrument for it in this case
=== rule functions
rules:
  - {name: a, require: "median(cash) >= 5 MUSD"}
  - {name: b, require: "average(cash, 5) >= 5 MUSD"}
  - {name: c, require: share of net_debt in cash - total_debt <= 25 %}
  - {name: d, require: previous(ltm(ebitda)) * cash >= 5 MUSD}
>>>
3:25: rules[0].require: "median(" is no function of rules
    hint: functions here: ltm, year, total, previous, average
4:39: rules[1].require: after the comma average() has a time
    hint: such as 6 months or 3 years
5:45: rules[2].require: a share of cash + total_debt has no meaning where that is negative, and it may be
    hint: write it out: part <= 0.25 * (whole)
6:24: rules[3].require: a product of two decisions, previous(ltm(ebitda)) and cash, is not linear
    hint: multiply decisions by numbers and data only
=== rule scopes
sites: {texas: {}}
scenarios: {a: {probability: 100 %}}
rules:
  - {name: a, require: cash >= 1, at: [2026-07, 2029-01], until: 2027-01}
  - {name: b, require: cash >= 1, expected: true, scenarios: [a], after: completion}
  - {name: c, require: cash >= 1, sites: [texas, txeas]}
  - {name: d, require: "mining_hall_mw[site] >= 1 MW"}
  - {name: e, require: ltm(ebitda) >= 1, until: 2026-07}
  - {name: f, require: "previous(cash, 3 years) >= 1"}
  - {name: g, require: coins >= 1 BTC, otherwise: {pay: 1 USD/USD}}
  - {name: h, require: cash >= 1, years: [2031]}
>>>
5:35: rules[0].at: the date 2029-01-01 is outside the horizon, 2026-01-01 to 2028-01-01
5:66: rules[0].until: `at` says when it applies: leave this out
6:51: rules[1].scenarios: a rule in expectation is over all scenarios: leave this out
6:74: rules[1].after: a rule in expectation applies at the same dates in all scenarios: leave this out
6:74: rules[1].after: a rule of the case is after no debt's completion
    hint: `after` belongs to covenants
7:35: rules[2].sites: nothing in the sentence is by site
    hint: write [site], [@site] or [rig@site] behind a word
7:50: rules[2].sites[1]: there is no site "txeas"
    hint: did you mean "texas"?
8:40: rules[3].require: mining_hall_mw knows no site "site"
    hint: [site] is each site of the rule's `sites`: say sites: all
9:49: rules[4].until: no date of the horizon lies in the rule's dates
    hint: it looks back, and sees all it asks for from 2027-01-01 on
10:24: rules[5].require: it looks back further than the horizon, 2026-01-01 to 2028-01-01
11:57: rules[6].otherwise.pay: a breach of this rule is measured in BTC
    hint: write USD/BTC
12:35: rules[7].years: no date of the horizon lies in the rule's dates
=== rule key
rules:
  - {name: a, require: cash >= 1, every: month}
  - {name: b, require: cash >= 1, evry: year}
>>>
3:42: rules[0].every: "month": expected period | quarter | year
4:35: rules[1].evry: unknown key
    hint: did you mean "every"?
=== policy type
policies:
  a: {type: refinancing_wal, at_most: 5 MUSD}
  b: {at_most: 5 MUSD}
  c: {type: refinancing_wall, most: 5 MUSD}
  d: {type: hold_coins, share: 140 %}
  e: {type: hold_coins, share: 40 %, instrument: x}
>>>
3:13: policies.a.type: "refinancing_wal" is not a kind of policy
    hint: did you mean "refinancing_wall"?
4:6: policies.b.type: key "type" is missing: the kind of policy
    hint: it is one of: ai_first, curtail_above, hold_coins, payback, capital_share, refinancing_wall, tenant_concentration, cash_sweep, dividends_earned, minimum_issue, maximum_issue
5:3: policies.c.at_most: key "at_most" is missing
    hint: most that falls due in a calendar year
5:31: policies.c.most: unknown key
    hint: did you mean "at_most"?
6:32: policies.d.share: "140 %" must be at most 100 %
7:38: policies.e.instrument: unknown key
    hint: `instrument` belongs to type: capital_share | minimum_issue | maximum_issue
=== policy names
sites: {ohio: {}}
ai: {cloud: {type: cloud, price: 500 USD/MWh, term: 2 years, limit: 5 MW}}
financing:
  notes: {type: notes, coupon: 7 %/year, limit: 5 MUSD, tenor: 5 years}
  line: {type: revolver, coupon: 7 %/year, limit: 5 MUSD, tenor: 5 years}
rules: [{name: wall, require: cash >= 1}]
policies:
  a: {type: capital_share, instrument: nots, at_most: 40 %}
  b: {type: minimum_issue, instrument: line, at_least: 1 MUSD, by: 2029-01}
  c: {type: cash_sweep, into: notes, above: 5 MUSD, until: 2026-01, from: 2026-07}
  d: {type: payback, within: 36 months}
  e: {type: tenant_concentration, at_most: 40 %}
  f: {type: curtail_above, price: 40 USD/MWh, sites: [ohio]}
  g: {type: ai_first, services: [clod]}
  wall: {type: refinancing_wall, at_most: 5 MUSD, from: 2029-01}
  h: {type: hold_coins, share: 10 %, scenarios: [bear]}
>>>
9:40: policies.a.instrument: there is no instrument "nots"
    hint: did you mean "notes"?
10:40: policies.b.instrument: a revolver is drawn and repaid, not issued
    hint: write a rule on outstanding[line]
10:68: policies.b.by: the date 2029-01-01 is outside the horizon, 2026-01-01 to 2028-01-01
11:31: policies.c.into: "notes" cannot be repaid at any date
    hint: a revolver, a btc_loan, or a loan with amortisation: as_cash_allows can be
11:60: policies.c.until: ends (2026-01-01) before it begins (2026-07-01)
12:30: policies.d.within: it looks back further than the horizon, 2026-01-01 to 2028-01-01
13:13: policies.e.type: "cloud" is the only AI service: it is all of it
14:55: policies.f.sites[0]: site "ohio" has no grid, and no price
15:34: policies.g.services[0]: there is no AI service "clod"
    hint: did you mean "cloud"?
16:3: policies.wall.name: two rules are named "wall"
    hint: the other is rules[0].require
16:57: policies.wall.from: no date of the horizon lies in the rule's dates
17:50: policies.h.scenarios[0]: there is no scenario "bear"
    hint: the case has no scenarios
=== depreciation
sites: {barker: {ai_hall: {build: {cost: 5 MUSD/MW, limit: 5 MW, depreciation: {tax: macrs-6}}, convert: {cost: 1 MUSD/MW, limit: 1 MW, depreciation: {tax: straight}}}}}
>>>
2:86: sites.barker.ai_hall.build.depreciation.tax: "macrs-6": expected none | straight | macrs-3 | macrs-5 | macrs-7 | macrs-10 | macrs-15 | macrs-20
    hint: did you mean "macrs-7"?
=== coupled hours that are not all kept (whole file)
horizon: {start: 2026-01, years: 2, hours: {every: 25}}
market: {btc_price: 90 kUSD/BTC, hashprice: 50 USD/PH/day}
sites: {barker: {battery: {charge: 5 MW, energy: 10 MWh, efficiency: 88 %}}}
rigs:
  slow: {efficiency: 15 J/TH, price: 18 USD/TH, ramp_limit: 10 %/hour}
  fast: {efficiency: 15 J/TH, price: 18 USD/TH, ramp_limit: 100 %/hour}
ai: {jobs: {type: cloud, price: 500 USD/MWh, term: 1 year, limit: 5 MW, deferrable: 30 %, ramp_limit: 20 %/hour}}
>>>
3:18: sites.barker.battery: a battery needs hours that follow each other, and one in 25 is kept
    hint: horizon: {hours: all}
5:61: rigs.slow.ramp_limit: a limit on changes from hour to hour needs hours that follow each other, and one in 25 is kept
    hint: horizon: {hours: all}
7:85: ai.jobs.deferrable: demand that may wait needs hours that follow each other, and one in 25 is kept
    hint: horizon: {hours: all}
7:103: ai.jobs.ramp_limit: a limit on changes from hour to hour needs hours that follow each other, and one in 25 is kept
    hint: horizon: {hours: all}
=== battery
sites: {barker: {battery: {charge: 5 MW, energy: 10 MW, efficiency: 0 %, level: 110 %, self_discharge: 1 %/day}}}
>>>
2:50: sites.barker.battery.energy: "10 MW" is power: expected energy such as "10 MWh"
2:69: sites.barker.battery.efficiency: "0 %" must be above 0 %
2:81: sites.barker.battery.level: "110 %" must be at most 100 %
=== battery that loses charge
sites: {barker: {battery: {charge: 5 MW, energy: 10 MWh, efficiency: 88 %, self_discharge: 1 %/hour}}}
>>>
2:92: sites.barker.battery.self_discharge: a battery that loses charge needs power to keep its level, which a dark site does not have
    hint: level: 0 %
=== battery without size
sites: {barker: {battery: {charge: 0 MW, energy: 10 MWh, efficiency: 88 %, build: {cost: 1 MUSD/MW, limit: 5 MW, minimum: 6 MW}}}}
>>>
2:76: sites.barker.battery.build: a battery without size has no proportions to build in
    hint: charge: 1 MW, energy: 4 MWh, now: 0 MW
2:123: sites.barker.battery.build.minimum: the minimum, 6, is above the limit, 5
=== deadline
ai: {jobs: {type: cloud, price: 500 USD/MWh, term: 1 year, limit: 5 MW, deferrable: {share: 120 %, deadline: 90 minutes}, ramp_limit: 5 %}}
>>>
2:93: ai.jobs.deferrable.share: "120 %" must be at most 100 %
2:110: ai.jobs.deferrable.deadline: unknown unit "minutes" in "90 minutes": expected clock hours such as "90 hours"
2:135: ai.jobs.ramp_limit: "5 %" is a share: expected a change by the hour such as "5 %/hour"
=== deadline of half an hour
ai: {jobs: {type: cloud, price: 500 USD/MWh, term: 1 year, limit: 5 MW, deferrable: {share: 20 %, deadline: 1.5 hours}}}
>>>
2:109: ai.jobs.deferrable.deadline: "1.5 hours": expected whole hours, from 1 to 8784
"""


def sections() -> list[tuple[str, str, str]]:
    """(name, case, expected messages)."""
    out = []
    for part in re.split(r"^=== ", GOLDEN, flags=re.MULTILINE)[1:]:
        title, rest = part.split("\n", 1)
        text, expected = rest.split(">>>\n")
        name = title.removesuffix(" (whole file)")
        out.append((name, text if title != name else HORIZON + text, expected))
    return out


def hourly_csv(leave_out: int | None = None, spoil: int | None = None) -> str:
    first = datetime(2023, 1, 1)
    rows = [
        f"{first + timedelta(hours=h):%Y-%m-%d %H:%M},{'n/a' if h == spoil else h % 24}\n" for h in range(8760) if h != leave_out
    ]
    return "datetime_local,usd\n" + "".join(rows)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "case").mkdir()
    folder = tmp_path / "case"
    (folder / "short.csv").write_text("datetime_local,usd\n" + "".join(f"2024-01-01 {h:02d}:00,{h}\n" for h in range(24)))
    (folder / "gap.csv").write_text(hourly_csv(leave_out=100))
    (folder / "text.csv").write_text(hourly_csv(spoil=5))
    (tmp_path / "x.csv").write_text("date,a\n2026-01-01,1\n")
    monkeypatch.chdir(folder)
    return folder


def told(data: str | bytes, **options: object) -> CaseError:
    Path("case.yaml").write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(CaseError) as caught:
        Case.load("case.yaml", **options)  # type: ignore[arg-type]
    return caught.value


def short(error: CaseError) -> str:
    lines = []
    for mistake in error.mistakes:
        lines.append(mistake.headline().removeprefix("case.yaml:"))
        lines += [f"    hint: {mistake.hint}"] if mistake.hint else []
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=n) for n, t, e in sections()])
def test_message(folder: Path, text: str, expected: str) -> None:
    assert short(told(text)) == expected


def test_there_are_enough_kinds() -> None:
    assert len(sections()) >= 60


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", "1:1: the file is empty\n", id="empty"),
        pytest.param(
            (HORIZON + "case: {name: café}\n").encode("latin-1"),
            "2:17: byte 0xe9 is not UTF-8\n    hint: save the file as UTF-8\n", id="not utf-8",
        ),
        pytest.param(b"horizon:\n\tstart: 2026-01\n", "2:1: a tab cannot indent YAML\n    hint: use blanks\n", id="tab"),
        pytest.param(HORIZON + "case: {sources: " + "[" * 40 + "]" * 40 + "}\n", "2:47: nested deeper than 32 levels\n", id="deep"),
        pytest.param(b"case: {name: \"a\x00b\"}\n", "1:16: NUL is not allowed in YAML\n", id="NUL"),
    ],
)  # fmt: skip
def test_text_that_is_no_yaml(folder: Path, data: str | bytes, expected: str) -> None:
    assert short(told(data)) == expected


def test_a_long_number_is_cut(folder: Path) -> None:
    error = told(HORIZON + "treasury: {cash: " + "9" * 5000 + " USD}\n")
    assert error.mistakes[0].place.column == 18
    assert "too long for a quantity" in str(error) and len(str(error)) < 1000


def test_the_line_is_shown_with_a_caret(folder: Path) -> None:
    assert str(told(HORIZON + "treasury: {cash: 5 MW}\n")).splitlines()[1:3] == [
        "    treasury: {cash: 5 MW}",
        "                     ^",
    ]


def test_a_file_that_is_not_there(folder: Path) -> None:
    with pytest.raises(CaseError, match=r"none.yaml:1:1: cannot be read: no such file"):
        Case.load("none.yaml")


def test_a_link_that_leads_out(folder: Path) -> None:
    (folder / "link.csv").symlink_to(folder.parent / "x.csv")
    error = told(HORIZON + "market: {btc_price: {csv: link.csv, column: a}}\n")
    assert short(error).startswith('2:27: market.btc_price.csv: "link.csv" is a link that leads out')


NOTES = HORIZON + "financing: {notes: {type: notes, coupon: 7 %/year, limit: 5 MUSD, tenor: 5 years}}\n"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("financing.nots.limit=0 USD", '--set:1:11: financing.nots.limit: there is no "nots" in financing'),
        ("financing.notes.limit=0 MW", '--set:1:23: financing.notes.limit: "0 MW" is power: expected money such as "0 USD"'),
        ("financing.notes.limit", '--set:1:1: "financing.notes.limit" is not path=value'),
        ("finance.x=1", '--set:1:1: finance.x: there is no "finance" at the top'),
        (
            "treasury.cash={a",
            "--set:1:17: treasury.cash: not valid YAML: did not find expected ',' or '}', while parsing a flow mapping that begins in line 1",
        ),
        ("variants.x.set=1", '--set:1:1: variants.x.set: "variants.x.set" is not a path such as financing.notes.limit'),
    ],
)
def test_settings(folder: Path, setting: str, expected: str) -> None:
    assert told(NOTES, settings=[setting]).mistakes[0].headline() == expected


def test_the_second_setting_is_line_two(folder: Path) -> None:
    error = told(NOTES, settings=["treasury.cash=5 MUSD", "treasury.cahs=5 MUSD"])
    assert error.mistakes[0].headline() == '--set:2:10: treasury.cahs: there is no "cahs" in treasury'
    assert error.mistakes[0].hint == 'did you mean "cash"?'


def test_an_unknown_variant(folder: Path) -> None:
    error = told(NOTES + "variants: {none: {set: {financing.notes.limit: 0 USD}}}\n", variant="non")
    assert short(error) == '3:1: variants: there is no variant "non"\n    hint: did you mean "none"?\n'


def test_a_value_of_a_variant_is_told_at_the_variant(folder: Path) -> None:
    text = NOTES + "variants:\n  none: {set: {financing.notes.limit: 0 MW}}\n"
    assert short(told(text, variant="none")).startswith('4:39: financing.notes.limit: "0 MW" is power')


UP = (
    HORIZON
    + """\
company: {shares: 10 Mshares, share_price: 10 USD/share}
market: {btc_price: 90000 USD/BTC, hashprice: 40 USD/PH/day}
scenarios:
  up:
    probability: 50 %
    set: {company.share_price: 12 USD/share, market.btc_price: {start: 100000 USD/BTC, growth: 5 %/year}}
    scale: {market.hashprice: 1.2}
  down: {probability: 50 %}
"""
)


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_setting_reaches_what_a_scenario_sets(folder: Path, quote: str) -> None:
    Path("case.yaml").write_text(UP)
    settings = [
        f"scenarios.up.set.{quote}company.share_price{quote}=14 USD/share",
        f"scenarios.up.set.{quote}market.btc_price{quote}.growth=7 %/year",
        f"scenarios.up.scale.{quote}market.hashprice{quote}=2",
        f"scenarios.down.set.{quote}market.hashprice{quote}=30 USD/PH/day",
    ]
    case = Case.load("case.yaml", settings=settings)
    up, down = case.frame.models
    assert up.company.share_price.start == 14.0  # type: ignore[union-attr]
    assert (up.market.btc_price.start, up.market.btc_price.growth) == (100_000.0, pytest.approx(0.07))  # type: ignore[union-attr]
    assert up.market.hashprice.factor == 2.0  # type: ignore[union-attr]
    assert (down.company.share_price.start, down.market.hashprice.start) == (10.0, 30.0)  # type: ignore[union-attr]
    assert str(case.place("scenarios.up.set.company.share_price")) == "--set:1:18"


def test_a_variant_reaches_what_a_scenario_sets(folder: Path) -> None:
    text = (
        UP
        + "variants: {v: {set: {scenarios.up.set.company.share_price: 15 USD/share, scenarios.up.scale.market.hashprice: 3}}}\n"
    )
    Path("case.yaml").write_text(text)
    up = Case.load("case.yaml", variant="v").frame.models[0]
    assert up.company.share_price.start == 15.0  # type: ignore[union-attr]
    assert up.market.hashprice.factor == 3.0  # type: ignore[union-attr]


def test_a_setting_takes_away_what_a_scenario_sets(folder: Path) -> None:
    Path("case.yaml").write_text(UP)
    up = Case.load("case.yaml", settings=["scenarios.up.set.company.share_price="]).frame.models[0]
    assert up.company.share_price.start == 10.0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("setting", "expected", "hint"),
    [
        (
            "scenarios.up.set.company.share_prise=1 USD/share",
            '1:26: scenarios.up.set.company.share_prise: there is no "share_prise" in company',
            'did you mean "share_price"?',
        ),
        (
            'scenarios.up.set."company.share_prise"=1 USD/share',
            '1:27: scenarios.up.set.company.share_prise: there is no "share_prise" in company',
            'did you mean "share_price"?',
        ),
        (
            "scenarios.up.scale.market.hashprise=2",
            '1:27: scenarios.up.scale.market.hashprise: there is no "hashprise" in market',
            'did you mean "hashprice"?',
        ),
        (
            "scenarios.up.set.company.share_pric=",
            '1:18: scenarios.up.set.company.share_pric: there is no "company.share_pric" in scenarios.up.set',
            'did you mean "company.share_price"?',
        ),
        (
            'scenarios.up.set."company.share_price=1 USD/share',
            '1:18: scenarios.up.set."company.share_price: a quote is not closed: it goes around a whole part of the path',
            None,
        ),
        (
            "scenarios.up.set.market.btc_price.growth=1 MW",
            '1:42: market.btc_price.growth: "1 MW" is power: expected a rate by the year such as "1 %/year"',
            None,
        ),
        (
            "scenarios.oop.set.company.share_price=1 USD/share",
            '1:11: scenarios.oop.set.company.share_price: there is no "oop" in scenarios',
            "there are: up, down",
        ),
        (
            "scenarios.down.delay.sites.x=6 months",
            '1:22: scenarios.down.delay.sites.x: "sites.x" cannot be delayed: only a site can',
            "the case has no sites",
        ),
    ],
)
def test_settings_of_scenarios(folder: Path, setting: str, expected: str, hint: str | None) -> None:
    error = told(UP, settings=[setting])
    assert [(one.headline().removeprefix("--set:"), one.hint) for one in error.mistakes] == [(expected, hint)]


SOUND = """\
company: {shares: 10 Mshares, share_price: 10 USD/share}
market: {btc_price: 90000 USD/BTC, hashprice: 40 USD/PH/day}
sites:
  texas: {interconnection: 60 MW, ai_hall: 20 MW, mining_hall: 20 MW, power: {grid: {price: 40 USD/MWh}}}
rigs: {s21: {efficiency: 15 J/TH, price: 10 USD/TH, life: 4 years, owned: {texas: 1 MW}}}
ai:
  hyperscaler: {type: lease, rent: 1 MUSD/MW/year, limit: 10 MW, term: 5 years, penalty: 100 USD/MWh, sites: [texas]}
  other: {type: lease, rent: 1 MUSD/MW/year, limit: 10 MW, term: 5 years, floor: 0 %}
financing:
  notes: {type: notes, coupon: 7 %/year, limit: 5 MUSD, tenor: 5 years}
  conv: {type: convertible, coupon: 0 %/year, limit: 5 MUSD, tenor: 5 years, conversion_premium: 30 %}
  atm: {type: atm, limit: 5 MUSD, per_date: 5 MUSD, fee: 1 %}
scenarios:
  up: {probability: 50 %, scale: {ai.hyperscaler.rent: 1.2, rigs.s21.price: 0.9, company.share_price: 2, market.btc_price: 2}}
  down: {probability: 50 %, set: {ai.hyperscaler.rent: 2 MUSD/MW/year, market.hashprice: 30 USD/PH/day}, delay: {sites.texas: 3 months}}
information: 2026-07
projects: {mill: {cost: 10 USD/unit, limit: 5, provides: {flour: 1}}}
policies:
  first: {type: ai_first, services: [hyperscaler, other], share: 99 %}
  share: {type: capital_share, instrument: notes, at_most: 40 %}
rules:
  - {name: a, require: "ai_hall_mw[site] + ai_hall_mw[texas] <= 40 MW", sites: all}
  - {name: b, require: "rigs_mw[s21@texas] + ai_mw[hyperscaler] <= 12 MW"}
  - {name: c, require: "outstanding[notes] + issued[atm] <= 10 * provided[flour] + 2 * shares * share_price"}
  - {name: d, require: "units[mill] <= 3", scenarios: [up]}
variants:
  none: {set: {ai.hyperscaler.limit: 0 MW, financing.notes.limit: 0 USD}}
"""


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("years: 2}", "years: 2x}"),
        ("start: 2026-01,", "start: 2026-13,"),
        ("share_price: 10 USD/share", "share_price: 10 USD"),
        ("btc_price: 90000 USD/BTC", "btc_price: 90000"),
        ("hashprice: 40 USD/PH/day", "hashprice:"),
        ("ai_hall: 20 MW, ", "ai_hall: 20 USD, "),
        ("price: 40 USD/MWh", "price: {csv: blanks.csv, column: usd, time_column: hour}"),
        ("price: 10 USD/TH", "price: 10 USD/T"),
        ("rent: 1 MUSD/MW/year, limit: 10 MW, term: 5 years, penalty", "rent: 1 MUSD/MW, limit: 10 MW, term: 5 years, penalty"),
        ("rent: 1 MUSD/MW/year, limit: 10 MW, term: 5 years, penalty", "rent: , limit: 10 MW, term: 5 years, penalty"),
        ("type: lease, rent: 1 MUSD/MW/year, limit: 10 MW, term: 5 years, penalty", "type: leese, term: 5 years, penalty"),
        ("coupon: 7 %/year", "coupon: 7 %"),
        ("fee: 1 %}", "fee: 1 USD}"),
        ("probability: 50 %, scale", "probability: 50, scale"),
        ("probability: 50 %, set", "probability: 50 MW, set"),
        ("rent: 2 MUSD/MW/year", "rent: 2 MUSD/MW"),
        ("cost: 10 USD/unit", "cost: 10 USD"),
        ("share: 99 %", "share: 99 USD"),
        ("at_most: 40 %", "at_most: 40 USD"),
        ("sites: all}", "sites: all, from: 2026-13}"),
        ("ai:\n", "ai: 5\nrubbish:\n"),
        ("projects: {mill: {cost: 10 USD/unit, limit: 5, provides: {flour: 1}}}", "projects: 5"),
        ("financing:\n", "financing: [a]\nrubbish:\n"),
        ("sites:\n", "sites: 5\nrubbish:\n"),
        ("information: 2026-07", "information: soon"),
        ("limit: 0 MW,", "limit: 0 USD,"),
    ],
)
def test_what_follows_from_a_mistake_is_not_told(folder: Path, good: str, bad: str) -> None:
    (folder / "blanks.csv").write_text("hour,usd\n2023-01-01 00:00,\n2023-01-01 01:00,1\n")
    text = HORIZON + SOUND
    Path("case.yaml").write_text(text)
    Case.load("case.yaml")
    assert text.count(good) >= 1
    broken = text.replace(good, bad, 1)
    if good.startswith("limit: 0"):  # of a variant: told where that is chosen
        assert len(told(broken, variant="none").mistakes) == 1
        return
    found = told(broken).mistakes
    assert [one.headline() for one in found if "rubbish" not in one.path] == [found[0].headline()]


def test_independent_mistakes_are_told_together(folder: Path) -> None:
    text = (
        (HORIZON + SOUND)
        .replace(
            "rent: 1 MUSD/MW/year, limit: 10 MW, term: 5 years, penalty", "rent: 1 MUSD/MW, limit: 10 MW, term: 5 years, penalty"
        )
        .replace("coupon: 7 %/year", "coupon: 7 %")
        .replace("ai.hyperscaler.rent: 1.2", "ai.hyperscaler.rnt: 1.2, ai.nobody.rent: 2")
        .replace("sites: all}", "sites: all, from: 2026-13}")
        .replace("ai_mw[hyperscaler] <=", "ai_mw[hyperscalar] <=")
        .replace("outstanding[notes] +", "outstanding[nots] +")
        .replace("instrument: notes", "instrument: nots")
        .replace("market: {btc_price: 90000 USD/BTC, ", "market: {")
        .replace("company.share_price: 2, market.btc_price: 2}", "company.share_price: 2}")
    )
    assert [one.headline().removeprefix("case.yaml:").partition(": ")[2] for one in told(text).mistakes] == [
        "rigs: this needs market.btc_price",
        'ai.hyperscaler.rent: "1 MUSD/MW" is money per power: expected a price of power by the year such as "1 USD/MW/year"',
        'financing.notes.coupon: "7 %" is a share: expected a rate by the year such as "7 %/year"',
        'scenarios.up.scale.ai.hyperscaler.rnt: there is no "rnt" in ai.hyperscaler',
        'scenarios.up.scale.ai.nobody.rent: there is no "nobody" in ai',
        'policies.share.instrument: there is no instrument "nots"',
        'rules[0].from: "2026-13": there is no month 13',
        'rules[1].require: ai_mw knows no service "hyperscalar"',
        'rules[2].require: outstanding knows no instrument "nots"',
    ]


def test_a_file_that_two_sites_name_has_its_mistakes_once(folder: Path) -> None:
    price = "{interconnection: 1 MW, power: {grid: {price: {csv: text.csv, column: usd}}}}"
    assert len(told(HORIZON + f"sites: {{a: {price}, b: {price}}}\n").mistakes) == 1
