"""Debt, shares, and the treasury of cash and coins."""

from __future__ import annotations

from dataclasses import dataclass

from models.problem.arrays import Array, Ints, Mask


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
