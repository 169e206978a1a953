"""A small company for tests of `wattfolio check`: everything that a fault may be seeded in, in a fraction of a second."""

from __future__ import annotations

from pathlib import Path

from optimizer.studies.regression import blessed
from optimizer.studies.regression.check import MISSING, Task, run_one

SMALL = """\
case: {name: small company}
horizon: {start: 2026-01, quarters: 10, period: quarter, hours: {every: 365}}
company: {overhead: 2 MUSD/year}
market:
  btc_price: {start: 88_700 USD/BTC, growth: 10 %/year}
  network_hashrate: {start: 1_057 EH/s, growth: 12 %/year}
  halving: 2028-04
information: 2027-01
scenarios:
  bear: {probability: 40 %, scale: {market.btc_price: 0.8, ai.cloud.price: 0.8}}
  bull: {probability: 60 %, scale: {market.btc_price: 1.3}}
sites:
  texas:
    interconnection: 40 MW
    mining_hall:
      now: 30 MW
      build: {cost: 350 kUSD/MW, lead: 6 months, limit: 10 MW, depreciation: {tax: macrs-15, book: 15 years}}
    ai_hall:
      convert: {cost: 3 MUSD/MW, lead: 6 months, limit: 4 MW, depreciation: {tax: macrs-15, book: 15 years}}
    gross_ratio: 1.3
    fixed_cost: 1 MUSD/year
    power: {grid: {price: {shape: ercot-hub-2024, seed: 1, mean: 30 USD/MWh}, delivery: 6 USD/MWh}}
rigs:
  old:
    hashrate: 141 TH/s
    power: 3_030 W
    price: {start: 3.5 USD/TH, growth: -20 %/year}
    resale: 60 %
    order: never
    owned: {texas: 15 MW}
    depreciation: {tax: macrs-5, book: 4 years}
  new:
    hashrate: 234 TH/s
    power: 3_510 W
    price: {start: 10 USD/TH, growth: -15 %/year}
    resale: 55 %
    lead: 3 months
    life: 5 years
    supply: 6 MW
    uptime: 95 %
    depreciation: {tax: macrs-5, book: 4 years}
ai:
  cloud:
    type: cloud
    price: 2_200 USD/MWh
    demand: {shape: human-activity, seed: 3, times: 0.4, plus: 60 %}
    penalty: 2_000 USD/MWh
    sign: {until: 2027-07}
    lead: 6 months
    term: 5 years
    limit: 4 MW
    fixed_cost: 800 kUSD/MW/year
    equipment: {cost: 20 MUSD/MW, depreciation: {tax: macrs-5, book: 5 years}}
financing:
  notes: {type: notes, coupon: 9.25 %/year, price: 97 %, fee: 2 %, limit: 60 MUSD, issue: {until: 2027-01}, tenor: 4 years, interest: quarterly}
  revolver: {type: revolver, coupon: 8 %/year, limit: 6 MUSD, commitment_fee: 0.5 %/year, fee: 1 %, tenor: 3 years}
  owners: {type: equity, limit: 100 MUSD, issue: {until: 2027-07}, fee: 3 %}
treasury: {cash: 8 MUSD, cash_yield: 3.5 %/year, dividends: {from: 2027-01}, rescue: {penalty: 1 USD/USD}}
tax: {rate: 21 %, loss_cap: 80 %}
rules:
  - {name: six months of cash, require: cash >= 6 * overhead_monthly}
  - {name: coverage, require: cfads + rescue >= 1.30 * debt_service, from: 2027-01}
objective:
  discount: 12 %/year
  risk_weight: 30 %
  tail_probability: 30 %
  terminal: {rigs: 80 %, halls: 40 %, equipment: 40 %}
variants:
  no_debt: {set: {financing.notes.limit: 0 USD, financing.revolver.limit: 0 USD}}
  broke: {set: {rules: [{name: a billion, require: cash >= 1 GUSD}], financing.owners.limit: 0 USD, treasury.rescue: null}}
"""


def blessed_company(folder: Path) -> Task:
    """The small company in a folder, blessed as it is solved by default; the task that did it."""
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    made = Task(str(folder / "small.yaml"), None, "small company", str(folder / "results"), bless=True)
    found = run_one(made)
    assert found.state == MISSING and found.content is not None
    blessed.write(made.blessed, found.content, "for tests", None)
    return made
