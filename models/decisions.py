"""What a plan decides, in natural units, spelled out for every scenario and date: what the books are kept from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.problem import Array


@dataclass(frozen=True)
class SiteDispatch:
    """Hourly split of one site in one scenario and period, MW at the meter, hour by hour kept (H_t,).

    uses: 'rig:<name>', 'ai:<name>', 'sell:<block or own source name>', 'charge' -> (H_t,); sources: 'grid', 'block:<name>',
    'own:<name>', 'diesel', 'discharge' -> (H_t,). In every hour the uses sum to the sources. What a battery holds follows from
    'charge' and 'discharge', what of a service still waits from its demand.
    """

    uses: dict[str, Array]
    sources: dict[str, Array]


@dataclass(frozen=True)
class Decisions:
    """Decisions by name; arrays are (S, D) unless said otherwise; what is not allowed at a date is 0 there.

    orders, exercised, retired   (rig, site) -> MW ordered at the spot price, ordered by exercising options, retired and sold
    options                      rig -> MW of options bought
    built                        (site, kind) -> MW ordered; kind 'expand' | 'build_mining' | 'build_ai' | 'convert' | 'store'
    signed                       (service, site) -> critical MW signed
    units                        project -> units decided
    issued                       debt or equity -> USD face issued or drawn (a revolver has none)
    called                       debt -> (S, D, D): share of *original face* (USD) issued at date v that is called at date d; [.., v, d].
                                 An existing debt's face is vintage v = 0 of debt "<name>" when `existing` > 0: key "<name>@existing" -> (S, D)
    repaid                       loan that is sculpted or repaid as cash allows, BTC loan -> USD principal repaid
    balance                      revolver -> USD outstanding after date d
    pledged                      BTC loan -> BTC pledged after date d
    sold                         (S, D) BTC sold; dividends, rescue (S, D) USD
    dispatch                     (site, s, t) -> SiteDispatch; may work them out when they are looked at (`dispatch.PlannedHours`)
    breach                       soft rule name -> (S, D) units of breach paid for
    exceeded                     soft limit ('energy_budget' | 'emission_cap', site or '(company)') -> (S, Y) MWh or t above it paid for
    """

    sold: Array
    dividends: Array
    rescue: Array
    orders: dict[tuple[str, str], Array] = field(default_factory=dict)
    exercised: dict[tuple[str, str], Array] = field(default_factory=dict)
    retired: dict[tuple[str, str], Array] = field(default_factory=dict)
    options: dict[str, Array] = field(default_factory=dict)
    built: dict[tuple[str, str], Array] = field(default_factory=dict)
    signed: dict[tuple[str, str], Array] = field(default_factory=dict)
    units: dict[str, Array] = field(default_factory=dict)
    issued: dict[str, Array] = field(default_factory=dict)
    called: dict[str, Array] = field(default_factory=dict)
    repaid: dict[str, Array] = field(default_factory=dict)
    balance: dict[str, Array] = field(default_factory=dict)
    pledged: dict[str, Array] = field(default_factory=dict)
    breach: dict[str, Array] = field(default_factory=dict)
    exceeded: dict[tuple[str, str], Array] = field(default_factory=dict)
    dispatch: Mapping[tuple[str, int, int], SiteDispatch] = field(default_factory=dict)
