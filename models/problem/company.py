"""The whole problem: a company, its scenarios, its market, and what it aims at."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from models.problem.arrays import Array, Ints, Mask
from models.problem.clock import Clock
from models.problem.financing import Debt, Equity, Treasury
from models.problem.power import YearlyLimit
from models.problem.rigs import Rig
from models.problem.rules import EarnedDividends, Rule, Sweep
from models.problem.services import Service
from models.problem.sites import Site
from models.problem.tax import Tax


@dataclass(frozen=True)
class Scenarios:
    """names S, probability (S,) summing to 1, node (S, D) int: scenarios with equal node[., d] share the decisions of date d.

    Node numbers are unique over dates (node n belongs to one date) and the tree is a tree: equal at d implies equal before.
    """

    names: tuple[str, ...]
    probability: Array
    node: Ints

    @property
    def count(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Project:
    """Any other opportunity, in units. cash[s, d, e]: USD received (paid if negative) at date e per unit decided at date d.

    provides: good -> (S, D, D) amount of the good at date e per unit decided at d (rules refer to it).
    recourse: decided in each scenario by itself instead of at tree nodes. taxable: cash counts as taxable income.
    limit / minimum: units in all (per path); window (D,).
    """

    name: str
    cash: Array
    window: Mask
    limit: float
    minimum: float = 0.0
    provides: dict[str, Array] = field(default_factory=dict)
    recourse: bool = False
    taxable: bool = True


@dataclass(frozen=True)
class CashFlow:
    """A given stream: amount (S, D) USD received at each date. operating: counts in CFADS and EBITDA."""

    name: str
    amount: Array
    taxable: bool = True
    operating: bool = True


@dataclass(frozen=True)
class PriceFollowsPlan:
    """The share price is what the plan makes a share worth (README 20); `Market.share_price` is then what one solve takes it to be.

    today: USD/share at date 0, the same in all scenarios; rest (S, D): what the rest of the company is worth at each date over what it is
    worth at date 0 (1 there); tolerance: largest relative difference between the price used and the price implied.
    """

    today: float
    rest: Array
    tolerance: float = 0.005


@dataclass(frozen=True)
class Market:
    """btc_price (S, D) USD/BTC at dates; btc_price_mean (S, T) over periods; hashprice (S, T) USD/PH/day gross of pool fee;
    share_price (S, D) USD/share or None; shares outstanding at date 0; follows: where the share price follows the plan."""

    btc_price: Array
    btc_price_mean: Array
    hashprice: Array
    share_price: Array | None = None
    shares: float = 0.0
    follows: PriceFollowsPlan | None = None


@dataclass(frozen=True)
class Terminal:
    """Shares of value counted in terminal equity: rigs x resale price; coins x price; halls, interconnection and equipment x cost
    (what stood at date 0 counts nothing unless opening_assets says so, USD); contracts: remaining lease rent after the horizon, by its
    ramp to the end of its term, discounted at contract_rate per year, times this share."""

    rigs: float = 1.0
    coins: float = 1.0
    halls: float = 0.0
    interconnection: float = 0.0
    equipment: float = 0.0
    contracts: float = 0.0
    contract_rate: float = 0.12
    opening_assets: float = 0.0


@dataclass(frozen=True)
class Rates:
    """Rates per year (effective) of streams that have one of their own, where value is counted by parts (README 19).

    contracts: rents of leases; cloud: what cloud services are paid for what they serve; mining: the rest of what the hours bring. debt: that of
    the tax which interest saves: a rate, 'own' (each debt's coupon), or 'rebalanced' (its coupon for the year of the interest, the
    objective's rate before: debt that follows the value).
    """

    contracts: float
    cloud: float
    mining: float
    debt: float | str = "own"


@dataclass(frozen=True)
class Objective:
    """discount per year (effective); weight w of CVaR; tail: probability mass of the lower tail. rates: value is counted by parts, each stream
    at its own rate, all else at `discount`, and what is lent or sold to others at what it is worth; None: what owners receive is discounted."""

    discount: float
    weight: float = 0.0
    tail: float = 0.1
    rates: Rates | None = None


@dataclass(frozen=True)
class Problem:
    """Everything the mathematics needs to know. overhead (S, T) USD/year of the company.

    opening_ppe USD: book value of plant owned at date 0, depreciated straight-line over opening_ppe_months in the books.
    energy_budget, emission_cap: limits on all sites together.
    money: USD per money unit inside the linear program, so that its coefficients are near 1 (reported numbers are USD).
    """

    name: str
    clock: Clock
    scenarios: Scenarios
    market: Market
    treasury: Treasury
    objective: Objective
    overhead: Array
    sites: tuple[Site, ...] = ()
    rigs: tuple[Rig, ...] = ()
    services: tuple[Service, ...] = ()
    projects: tuple[Project, ...] = ()
    cash_flows: tuple[CashFlow, ...] = ()
    debts: tuple[Debt, ...] = ()
    equities: tuple[Equity, ...] = ()
    tax: Tax | None = None
    rules: tuple[Rule, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    earned_dividends: tuple[EarnedDividends, ...] = ()
    terminal: Terminal = Terminal()
    opening_ppe: float = 0.0
    opening_ppe_months: int = 0
    money: float = 1e6
    energy_budget: YearlyLimit | None = None
    emission_cap: YearlyLimit | None = None

    @cached_property
    def discount(self) -> Array:
        """(D,) discount factor of each date: (1 + r) ** (-months / 12)."""
        return (1.0 + self.objective.discount) ** (-self.clock.date_month / 12.0)

    @cached_property
    def years(self) -> Array:
        """(T,) length of each period in years."""
        return self.clock.months / 12.0
