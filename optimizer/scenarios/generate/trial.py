"""What a few trial plans are worth in each future, by simple sums: how near two futures are to a plan, without a program.

    margin of a MW in month m = 730 h * mean over prices of power of max(hashprice * PH * (1 - fee) / 24 - level * price - adder, 0) * uptime

A plan is what stands (rigs, contracts, coins), a rig model bought at date 0 or at a stage, or a service signed at date 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.scenarios.generate.world import Futures

Array = NDArray[np.float64]

HOURS = 730.5  # of a month


@dataclass(frozen=True)
class Mine:
    """A rig model at a site. owned, bought: MW; density PH/s per MW; cost USD per MW at date 0; life months, owned_life of what stands; prices
    of power (USD/MWh), each as many hours; adder USD/MWh; fee and uptime shares."""

    site: str
    owned: float
    bought: float
    density: float
    cost: float
    lead: int
    life: int
    owned_life: int
    prices: tuple[float, ...]
    adder: float
    fee: float
    uptime: float


@dataclass(frozen=True)
class Service:
    """contracted, signed: MW; revenue USD per MW and month at date 0; months it starts after signing, and lasts; contracted_months: what is
    left of what stands."""

    name: str
    site: str
    contracted: float
    signed: float
    revenue: float
    lead: int
    months: int
    contracted_months: int


@dataclass(frozen=True)
class Trials:
    """The plans of a case: discount per year; months at which rigs are bought."""

    mines: tuple[Mine, ...]
    services: tuple[Service, ...]
    coins: float
    discount: float
    orders: tuple[int, ...]

    def values(self, of: Futures) -> Array:
        """(plans, N) USD at date 0. With neither rigs, services nor coins: the price of one bitcoin at the end."""
        months = of.base_hashprice.shape[1] - 1
        worth = (1.0 + self.discount) ** (-np.arange(months + 1) / 12.0)
        standing = self.coins * of.series["btc_price"][:, -1] * worth[-1]
        rows = []
        for mine in self.mines:
            margin = _middle(_margin(mine, of)) * worth[1:]
            if mine.owned:
                standing = standing + mine.owned * margin[:, : mine.owned_life].sum(axis=1)
            for at in self.orders if mine.bought else ():
                working = margin[:, at + mine.lead : at + mine.lead + mine.life].sum(axis=1)
                paid = mine.cost * of.series["rig_prices"][:, at] * worth[at]
                rows.append(mine.bought * (working - paid))
        for service in self.services:
            revenue = service.revenue * _middle(_factor(of, f"ai.{service.name}")) * worth[1:]
            if service.contracted:
                standing = standing + service.contracted * revenue[:, : service.contracted_months].sum(axis=1)
            if service.signed:
                late = of.late.get(service.site, np.zeros(of.count))
                month = np.arange(months)[None, :]
                runs = (month >= service.lead + late[:, None]) & (month < service.lead + late[:, None] + service.months)
                rows.append(service.signed * (revenue * runs).sum(axis=1))
        if self.coins or any(mine.owned for mine in self.mines) or any(one.contracted for one in self.services):
            rows.insert(0, standing)
        return np.stack(rows) if rows else of.series["btc_price"][None, :, -1]


def _factor(of: Futures, name: str) -> Array:
    return of.series[name] if name in of.series else np.ones_like(of.base_hashprice)


def _middle(at_firsts: Array) -> Array:
    """(N, months) the mean of both ends of each month."""
    return 0.5 * (at_firsts[:, 1:] + at_firsts[:, :-1])


def _margin(mine: Mine, of: Futures) -> Array:
    """(N, months + 1) USD of a MW and month."""
    earned = of.series["hashprice"] * mine.density / 24.0 * (1.0 - mine.fee)
    level = _factor(of, f"power.{mine.site}")
    total = np.zeros_like(earned)
    for price in mine.prices:
        total += np.maximum(earned - level * price - mine.adder, 0.0)
    return HOURS * mine.uptime * total / len(mine.prices)
