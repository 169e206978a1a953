"""The problem in plain arrays: what the mathematics takes.

Axes: S scenarios, T periods, D = T + 1 dates, I sites, Y tax years. Date d is the beginning of period d; date T is the end
of the horizon. *Decisions* are taken at dates; what happens during period t *settles* at date t + 1.

Canonical units: MW, MWh, hours, USD, PH/s, BTC, months for durations, fractions for shares, per year for rates.
Costs are positive as costs. Every array is float64 unless said otherwise; masks are bool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: hours of the leap-year layout in which every yearly profile is stored (29 February is always present)
LEAP_HOURS = 8784


@dataclass(frozen=True)
class Clock:
    """Dates, periods and the hours kept of each period.

    months       (T,) length of each period in months (int)
    start_month  absolute month number of date 0: year * 12 + (month - 1)
    hours        (T,) real hours of each period
    hour_index   T arrays (H_t,) of positions in the 8784-hour leap-year layout, in calendar order
    weight       T arrays (H_t,): hours of the period each kept hour stands for; sums to hours[t]
    """

    months: Ints
    start_month: int
    hours: Array
    hour_index: tuple[Ints, ...]
    weight: tuple[Array, ...]

    @property
    def periods(self) -> int:
        return len(self.months)

    @property
    def dates(self) -> int:
        return len(self.months) + 1

    @cached_property
    def date_month(self) -> Ints:
        """(D,) months from date 0 to each date."""
        return np.concatenate([[0], np.cumsum(self.months)]).astype(np.int64)

    @cached_property
    def calendar_year(self) -> Ints:
        """(T,) calendar year of each period: the year its last month lies in."""
        last = self.start_month + self.date_month[1:] - 1
        return (last // 12).astype(np.int64)

    @cached_property
    def tax_year(self) -> Ints:
        """(T,) index 0..Y-1 of the tax year (calendar year) each period belongs to."""
        return (self.calendar_year - self.calendar_year[0]).astype(np.int64)

    @property
    def tax_years(self) -> int:
        return int(self.tax_year[-1]) + 1

    @cached_property
    def last_date_of_year(self) -> Ints:
        """(Y,) the date at which each tax year's last period settles: where its tax is paid."""
        return np.array([int(np.flatnonzero(self.tax_year == y)[-1]) + 1 for y in range(self.tax_years)], dtype=np.int64)

    def date_at(self, month: int) -> int:
        """First date at or after `month` months from date 0. Dates inside a period round up; may exceed T by any amount
        (beyond the horizon each further date counts one last period)."""
        if month <= 0:
            return 0
        d = int(np.searchsorted(self.date_month, month, side="left"))
        if d < self.dates:
            return d
        step = int(self.months[-1])
        return self.periods + -(-(month - int(self.date_month[-1])) // step)


@dataclass(frozen=True)
class Hourly:
    """A value for every hour, scenario and period: profiles[which[s]][hour] * factor[s, t] + shift[s, t].

    profiles (P, 8784), which (S,) int, factor (S, T), shift (S, T).
    """

    profiles: Array
    which: Ints
    factor: Array
    shift: Array

    def values(self, clock: Clock, s: int, t: int) -> Array:
        """(H_t,) the kept hours of period t in scenario s."""
        return self.profiles[self.which[s]][clock.hour_index[t]] * self.factor[s, t] + self.shift[s, t]


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
class Depreciation:
    """Tax depreciation of one class of asset.

    method 'none' | 'straight' | 'macrs'; months = straight-line life; table = MACRS shares by tax year from the year placed
    in service (half-year convention is in the table); bonus = share deducted at once in the year placed in service, the
    rest follows the method. book_months: straight-line life in the books (0: not depreciated there).
    """

    method: str = "none"
    months: int = 0
    table: tuple[float, ...] = ()
    bonus: float = 0.0
    book_months: int = 0


@dataclass(frozen=True)
class Payments:
    """When a purchase is paid: (periods after the order date, share of the price); shares sum to 1."""

    shares: tuple[tuple[int, float], ...] = ((0, 1.0),)


@dataclass(frozen=True)
class Expansion:
    """A capacity that can be added: decided at a date, ready `lead` periods later (plus the site's delay in a scenario).

    cost (S, D) USD per MW at the order date; window (D,) dates at which it may be ordered; limit (and minimum) MW in all;
    payments: when the cost is paid, at most `lead` periods after the order; depreciation from the date it is ready.
    """

    cost: Array
    window: Mask
    lead: int
    limit: float
    payments: Payments = Payments()
    depreciation: Depreciation = Depreciation()
    minimum: float = 0.0


@dataclass(frozen=True)
class RigOption:
    """A call on future rigs: fee USD/MW paid when bought (dates `buy`), strike USD/MW when exercised (dates `exercise`)."""

    fee: float
    strike: float
    limit: float
    buy: Mask
    exercise: Mask


@dataclass(frozen=True)
class Rig:
    """One rig model, measured in MW at the wall.

    density       PH/s per MW
    uptime        share of hours it can run (availability a_uh)
    pool_fee      share of coins kept by the pool
    variable_cost USD/MWh used, besides power; fixed_cost USD/MW/year while installed
    price         (S, D) USD/MW at the order date; resale (S, D) USD/MW at the date sold
    window        (D,) order dates; lead periods from order to first working period; life periods it may work
    supply        (D,) MW that can be ordered per date, all sites together; limit MW in all orders
    payments      relative to the order date, at most `lead` periods late
    owned         (I,) MW installed at date 0; owned_life periods the owned ones may still work
    sites         (I,) where it may be placed
    ramp_limit    share of the MW that can run (uptime x MW) by which use may rise or fall from one hour to the next; from 1 on: none
    """

    name: str
    density: float
    uptime: float
    pool_fee: float
    variable_cost: float
    fixed_cost: float
    price: Array
    resale: Array
    window: Mask
    lead: int
    life: int
    supply: Array
    limit: float
    owned: Array
    owned_life: int
    sites: Mask
    payments: Payments = Payments()
    depreciation: Depreciation = Depreciation()
    option: RigOption | None = None
    ramp_limit: float = float("inf")

    @property
    def ramps(self) -> bool:
        """Whether the limit on changes can bind."""
        return self.ramp_limit < 1.0


@dataclass(frozen=True)
class Grid:
    """Grid supply: hourly price plus adders (delivery, peak-demand hours, demand-response credits), USD/MWh.

    availability (0..1 per hour) multiplies the MW; demand_response USD/year is the fixed part of a credit (may be 0).
    emissions: t CO2 per MWh bought, by the hour (None: none).
    """

    price: Hourly
    adder: Hourly
    availability: Hourly | None = None
    demand_response: Array | None = None  # (S, T) USD per year
    emissions: Hourly | None = None


@dataclass(frozen=True)
class Block:
    """A contracted block: `mw` (T,) at fixed `price` (S, T) USD/MWh, take-or-pay: paid for every hour whether used or not.

    Block power is scheduled first: it occupies its MW of the interconnection, and pays the site's adders when used.
    sell_back: unused power may be sold at the hourly grid price less `sell_fee` USD/MWh.
    emissions: t CO2 per MWh taken, whether used or sold back.
    """

    name: str
    mw: Array
    price: Array
    sell_back: bool = False
    sell_fee: float = 0.0
    emissions: float = 0.0


@dataclass(frozen=True)
class OwnSource:
    """Surplus or own generation behind the meter: mw (T,), availability hourly, cost (S, T) USD/MWh; may be exported.
    emissions: t CO2 per MWh generated, whether used or sold."""

    name: str
    mw: Array
    availability: Hourly
    cost: Array
    export: bool = False
    sell_fee: float = 0.0
    emissions: float = 0.0


@dataclass(frozen=True)
class Diesel:
    """Backup generation: mw (T,), cost (S, T) USD/MWh, permit hours a calendar year at full power (inf: no limit); emissions t CO2
    per MWh generated."""

    name: str
    mw: Array
    cost: Array
    permit_hours: float = float("inf")
    emissions: float = 0.0


@dataclass(frozen=True)
class YearlyLimit:
    """Most that a calendar year may use (MWh) or emit (t CO2).

    amount (S, T) MWh or t per year, in force in each period (inf: no limit): a year may have the sum over its periods of amount times
    their length in years, which prorates a year that the horizon cuts. price (S, T) USD per MWh or t above it, None: a hard limit;
    paid at the year's last date, at the mean of its months, as an operating expense. of: what an energy budget counts, 'use': energy
    of rigs and AI at the meter, or 'grid': energy bought from `Site.grid`.
    """

    amount: Array
    price: Array | None = None
    of: str = "use"


@dataclass(frozen=True)
class Battery:
    """Storage behind the meter of a site: takes power from any source, gives it to any use.

    charge, discharge  MW at the meter at most; an hour that does both shares its time between them
    energy             MWh that it holds
    charge_efficiency  MWh stored per MWh taken; discharge_efficiency: MWh given per MWh taken out of store
    wear               USD per MWh given
    level              share of `energy` that is stored when a period begins, and again when it ends
    self_discharge     share of what is stored that is lost in an hour; only with level 0, which a dark site can keep
    now                MW of discharge that stand at date 0, None: all of them. More can be ordered (`Site.store`): every MW of
                       discharge has its part of `charge` and `energy`, and is delivered at `level`
    """

    charge: float
    discharge: float
    energy: float
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    wear: float = 0.0
    level: float = 0.5
    self_discharge: float = 0.0
    now: float | None = None

    @property
    def standing(self) -> float:
        """MW of discharge at date 0."""
        return self.discharge if self.now is None else self.now


@dataclass(frozen=True)
class Site:
    """A place with power.

    interconnection_mw, mining_mw, ai_mw: what stands at date 0 (ai_mw in critical MW).
    expand / build_mining / build_ai / convert: what can be added. `convert` turns mining halls into AI halls: its MW are critical
    MW, each of which uses up `mining_per_ai` MW of mining hall at once (mining_per_ai >= 0).
    energy_budget, emission_cap: limits on this site's calendar years.
    store: MW of discharge that can be added to `battery` (for tax, terminal value and collateral it is interconnection).
    gross_ratio: MW at the meter per critical MW. delay (S,) periods every build of the site is late in a scenario.
    fixed_cost (S, T) USD/year for the site; mining_cost, ai_cost USD/MW/year for halls that are ready.
    curtail_above (S, T) grid price, USD/MWh before adders, above which no rig runs (None: rigs run at any price).
    """

    name: str
    interconnection_mw: float
    mining_mw: float
    ai_mw: float
    gross_ratio: float
    mining_per_ai: float
    delay: Ints
    fixed_cost: Array
    mining_cost: float
    ai_cost: float
    expand: Expansion | None = None
    build_mining: Expansion | None = None
    build_ai: Expansion | None = None
    convert: Expansion | None = None
    grid: Grid | None = None
    blocks: tuple[Block, ...] = ()
    own: tuple[OwnSource, ...] = ()
    diesel: Diesel | None = None
    energy_budget: YearlyLimit | None = None
    emission_cap: YearlyLimit | None = None
    battery: Battery | None = None
    curtail_above: Array | None = None
    store: Expansion | None = None

    @property
    def stores(self) -> bool:
        """Whether a battery can store anything here at any time."""
        battery = self.battery
        if battery is None or min(battery.charge, battery.discharge, battery.energy) <= 0.0:
            return False
        return battery.standing > 0.0 or self.store is not None


@dataclass(frozen=True)
class Deferrable:
    """Demand that may wait. share of the demand of every hour; deadline: hours later at most, None: by the end of its calendar day.

    Nothing waits beyond the end of a period.
    """

    share: float
    deadline: int | None = None


@dataclass(frozen=True)
class Service:
    """One AI service; capacity in critical MW, power in MW at the meter (critical x gross ratio of the site).

    kind 'lease': rent (S, T) USD/MW/year, take-or-pay. kind 'cloud': price (S, T) USD per critical MWh served.
    demand        hourly 0..1 of contracted MW
    reimbursed    'grid': tenant pays the hour's grid price and adders; else (S, T) USD/MWh at the meter; None: company pays
    penalty       (S, T) USD per critical MWh of demand not served; floor: share of demand energy that must be served
                  in every period (0: none)
    variable_cost USD per critical MWh served; fixed_cost USD/MW/year of contracted MW
    window (D,), lead periods from signing to start (plus the site's delay), term periods, ramp: share of MW in the first
    periods after start (then 1), escalator per year since start (rent and price step up at each anniversary)
    limit MW in all (tenant's demand); minimum MW that must be signed; contracted (I,) MW that run at date 0 with
    contracted_term periods left; equipment: cost (S, D) USD per MW paid from the signing date by its payments (None: no equipment)
    deferrable    demand that may be served later, with up to the MW contracted (None: none)
    ramp_limit    share of the MW contracted by which use may rise or fall from one hour to the next; from 1 on: none
    """

    name: str
    kind: str
    sites: Mask
    window: Mask
    lead: int
    term: int
    ramp: tuple[float, ...]
    escalator: float
    limit: float
    minimum: float
    contracted: Array
    contracted_term: int
    rate: Array
    demand: Hourly
    reimbursed: str | Array | None
    penalty: Array
    floor: float
    variable_cost: float
    fixed_cost: float
    equipment: Array | None = None
    payments: Payments = Payments()
    depreciation: Depreciation = Depreciation()
    deferrable: Deferrable | None = None
    ramp_limit: float = float("inf")

    @property
    def waits(self) -> bool:
        """Whether any demand can wait for a later hour."""
        return self.deferrable is not None and self.deferrable.share > 0.0 and self.deferrable.deadline != 0

    @property
    def ramps(self) -> bool:
        """Whether the limit on changes can bind."""
        return self.ramp_limit < 1.0


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
class Call:
    """Issuer's call: steps ((first month, price per 1 of balance), ...) in months from date 0, ascending; never before the first."""

    steps: tuple[tuple[int, float], ...]

    def price_at(self, month: int) -> float | None:
        """Price in force `month` months from date 0, or None before the first step."""
        price = None
        for first, value in self.steps:
            if month >= first:
                price = value
        return price


@dataclass(frozen=True)
class Conversion:
    """Convertible terms: conversion price = share price at issue x (1 + premium); capped call: cost per 1 of face paid at issue,
    cap price = share price at issue x (1 + cap_premium); cap_premium None: no capped call. price: conversion price in USD/share of a
    convertible issued before date 0 (then the reference share price is price / (1 + premium))."""

    premium: float
    capped_call_cost: float = 0.0
    cap_premium: float | None = None
    price: float | None = None

    def conversion_price(self, share_price_at_issue: float) -> float:
        """USD per share at which face converts."""
        return self.price if self.price is not None else share_price_at_issue * (1.0 + self.premium)

    def claim(self, share_price: float, conversion_price: float) -> float:
        """Holder's claim per 1 of face at maturity: max(1, S / K)."""
        return max(1.0, share_price / conversion_price)

    def capped_call_payoff(self, share_price: float, conversion_price: float) -> float:
        """Value of the capped call per 1 of face at maturity: min(max(S/K - 1, 0), cap/K - 1)."""
        if self.cap_premium is None:
            return 0.0
        reference = conversion_price / (1.0 + self.premium)
        cap = reference * (1.0 + self.cap_premium) / conversion_price
        return min(max(share_price / conversion_price - 1.0, 0.0), max(cap - 1.0, 0.0))


#: amortisations of a loan whose repayments are decisions
RUNNING = ("sculpted", "as_cash_allows")


@dataclass(frozen=True)
class Debt:
    """One debt instrument. Shares are per 1 USD of face. Months are from date 0 unless said otherwise.

    kind            'notes' | 'loan' | 'convertible' | 'revolver' | 'btc_loan'
    window (D,)     dates at which it may be issued or drawn
    limit           USD face in all (a revolver's or BTC loan's: outstanding); minimum USD face that must be issued in all
    date_limit (D,) USD face per date (inf: none)
    existing        USD face outstanding before date 0; existing_month <= 0: month it was issued
    price, fee      issue price (0.98 = 2 % OID) and fees, shares of face; a revolver's fee is paid on its limit at its first date
    rate (S, T)     coupon per year in each period (floating: base + spread already added)
    pik_months      months since issue during which a share `pik` of interest is added to the balance instead of paid
    frequency       months between interest payments, 0: all interest at maturity
    maturity        month of maturity, or None with tenor: months after issue
    amortisation    'bullet' | 'level' | 'annuity' | 'given' | 'after_completion' | 'sculpted' | 'as_cash_allows'
    grace           months after issue without principal payments ('level', 'annuity', 'sculpted'; 'as_cash_allows': before its coverage
                    rule starts)
    given           ((months since issue, share of face), ...) for 'given'
    balloon         share of face left for maturity by 'level', 'annuity', 'after_completion'
    completion (S,) month of completion for 'after_completion', delay included
    coverage        'as_cash_allows': cfads >= coverage x (interest + principal) of this loan at every date after grace;
                    'sculpted' without `ratio`: the least ratio of the two, which is the same at all of these dates
    ratio           'sculpted': cfads / (interest + principal) at every date after grace (None: chosen, where cfads is no decision)
    bank_case (S,)  'sculpted': the scenario whose cfads its one schedule follows (None: the first)
    call, put       put: (month, price): redeemed then in every scenario, unless it is a convertible worth more converted
    conversion      convertible only
    advance_rate, collateral   outstanding <= advance_rate x value of the named collateral ('rigs', 'halls', 'coins'); () = unsecured
    commitment      revolver: fee per year on the undrawn limit
    ltv, top_up     btc_loan: outstanding <= ltv x pledged coins' value on dates of its window, <= top_up x that value on all later dates
    """

    name: str
    kind: str
    window: Mask
    limit: float
    date_limit: Array
    rate: Array
    minimum: float = 0.0
    existing: float = 0.0
    existing_month: int = 0
    price: float = 1.0
    fee: float = 0.0
    pik: float = 0.0
    pik_months: int = 0
    frequency: int = 6
    maturity: int | None = None
    tenor: int | None = None
    amortisation: str = "bullet"
    grace: int = 0
    given: tuple[tuple[int, float], ...] = ()
    balloon: float = 0.0
    completion: Ints | None = None
    coverage: float = 0.0
    ratio: float | None = None
    bank_case: Mask | None = None
    call: Call | None = None
    put: tuple[int, float] | None = None
    conversion: Conversion | None = None
    advance_rate: float = 0.0
    collateral: tuple[str, ...] = ()
    commitment: float = 0.0
    ltv: float = 0.0
    top_up: float = 0.0

    @property
    def is_strip(self) -> bool:
        """Cash follows from the face alone; otherwise the program chooses repayments on a running balance."""
        return self.kind in ("notes", "loan", "convertible") and self.amortisation not in RUNNING

    def maturity_month(self, issue_month: int) -> int:
        """Month of maturity (from date 0) of face issued at `issue_month`."""
        if self.maturity is not None:
            return self.maturity
        assert self.tenor is not None
        return issue_month + self.tenor


@dataclass(frozen=True)
class Equity:
    """Shares. holders 'existing': owners pay in 1 for 1 (a contribution). holders 'new': sold at the share price less `discount`; they
    cost the old holders their value at the horizon, amount / (price[d] x (1 - discount)) x price[T]. fee: share of proceeds.
    An at-the-market programme is the same with a limit per date."""

    name: str
    window: Mask
    limit: float
    date_limit: Array
    holders: str = "existing"
    discount: float = 0.0
    fee: float = 0.0
    minimum: float = 0.0


@dataclass(frozen=True)
class Treasury:
    """Cash and coins. cash USD and coins BTC at date 0; cash_yield (S, T) per year; retain (T,) share of mined coins kept;
    coin_fee share lost when selling; sell (D,) dates at which coins may be sold; dividends (D,) dates at which they may be paid;
    rescue_penalty: cost per USD of rescue equity over and above the dollar itself (None: there is no rescue)."""

    cash: float
    coins: float
    cash_yield: Array
    retain: Array
    coin_fee: float
    sell: Mask
    dividends: Mask
    rescue_penalty: float | None = None


@dataclass(frozen=True)
class InterestLimit:
    """Interest deduction limited to share x adjusted taxable income (taxable income before interest, depreciation and NOL when
    `ebitda`, else after depreciation) in tax years from `first_year` (index) on; the rest is carried forward."""

    share: float
    ebitda: bool = True
    first_year: int = 0


@dataclass(frozen=True)
class Tax:
    """rate share of taxable income; nol USD carried in; nol_cap share of a year's positive income that losses may offset;
    existing_depreciation (T,) USD per year of assets owned at date 0."""

    rate: float
    nol: float
    nol_cap: float
    existing_depreciation: Array
    interest_limit: InterestLimit | None = None


@dataclass(frozen=True)
class Market:
    """btc_price (S, D) USD/BTC at dates; btc_price_mean (S, T) over periods; hashprice (S, T) USD/PH/day gross of pool fee;
    share_price (S, D) USD/share or None; shares outstanding at date 0."""

    btc_price: Array
    btc_price_mean: Array
    hashprice: Array
    share_price: Array | None = None
    shares: float = 0.0


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
class Function:
    """One function over time of `models/rules/functions.py`; months: its second argument, 0 where none is given."""

    name: str
    months: int = 0


class Term(NamedTuple):
    """What a coefficient of a rule stands before: a word, the name in its brackets, and functions, the innermost first."""

    word: str
    argument: str | None = None
    functions: tuple[Function, ...] = ()

    def __str__(self) -> str:
        """As a sentence says it, and as the books call it: `ltm(issued[notes])`."""
        text = self.word if self.argument is None else f"{self.word}[{self.argument}]"
        for one in self.functions:
            text = f"{one.name}({text}, {one.months} months)" if one.months else f"{one.name}({text})"
        return text


@dataclass(frozen=True)
class Rule:
    """A compiled sentence: sum over quantities of coefficient x quantity (sense) constant, on active dates.

    terms: {Term (or its fields as a plain tuple): (S, D) coefficient}; sense '>=' | '<=' | '=='; constant (S, D); active (S, D);
    penalty: None = hard; else USD per unit of breach and date, discounted (soft). source: "file:line:column".
    owner: instrument whose covenant it is, or None. expected: both sides are averaged over scenarios by their probabilities; `active` is
    then the same in all of them. path: the name that its source has for it.
    unit: what both sides, and a breach, are measured in; None: nothing says so.
    moved, moved_constant: the decisions that the sentence has on its right (as `terms`) and the data that it has on its left (as
    `constant`, None: none), which the row has on the other side: both sides as stated are that much more (`stated_sides`).
    """

    name: str
    text: str
    terms: dict[Term, Array]
    sense: str
    constant: Array
    active: Mask
    penalty: float | None = None
    source: str = ""
    owner: str | None = None
    expected: bool = False
    path: str = ""
    unit: str | None = None
    moved: dict[Term, Array] = field(default_factory=dict)
    moved_constant: Array | None = None

    def __post_init__(self) -> None:
        for name in ("terms", "moved"):
            object.__setattr__(self, name, {Term(*term): coefficient for term, coefficient in getattr(self, name).items()})

    def stated_sides(self, words: Mapping[str, Array]) -> tuple[Array, Array]:
        """(S, D) left and right side as the sentence has them, in its own unit. words: value of every term, by its name."""
        left, both = np.zeros_like(self.constant), np.zeros_like(self.constant)
        for term, coefficient in self.terms.items():
            left = left + coefficient * words[str(term)]
        for term, coefficient in self.moved.items():
            both = both + coefficient * words[str(term)]
        if self.moved_constant is not None:
            both = both + self.moved_constant
        return left + both, self.constant + both


@dataclass(frozen=True)
class Sweep:
    """Cash above a level repays a debt with a running balance: at active dates cash <= level, or nothing of the debt is left.

    level (S, D) USD; active (S, D). debt: name of a sculpted loan, a revolver or a BTC loan.
    """

    name: str
    debt: str
    level: Array
    active: Mask
    source: str = ""


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
