"""What sites measure, and who looks at it: energy used, energy bought from the grid, CO2 emitted (README 5 and 13).

Both ways of writing the hours (`power`, `recourse`) fill the tables `Build.meters` with what `measured` names, at the date a period
settles; yearly limits (`limits`) and rules read them. What nothing looks at is left out of the program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models.hours.merit import coins_per_mwh
from models.problem import Array, Mask, Problem, YearlyLimit

#: words that are measured site by site -> unit
METERS = {"energy_mwh": "MWh", "grid_mwh": "MWh", "emissions_t": "t"}
#: stands for the site in names of limits on all sites together: no name of a site has brackets
COMPANY = "(company)"
#: USD per MWh that power usually earns or costs, give or take a factor of three
USUAL_USD_PER_MWH = 50.0


@dataclass(frozen=True)
class Limited:
    """A limit with the word it limits. family 'energy_budget' | 'emission_cap'; site: index, None = all sites together."""

    family: str
    site: int | None
    word: str
    terms: YearlyLimit

    def sites(self, problem: Problem) -> list[str]:
        """Names of the sites it counts."""
        return [site.name for i, site in enumerate(problem.sites) if self.site in (None, i)]

    def where(self, problem: Problem) -> str:
        """The site's name, or COMPANY."""
        return COMPANY if self.site is None else problem.sites[self.site].name


def yearly_limits(problem: Problem) -> list[Limited]:
    """Every limit: those of the sites, then those of the company."""
    out = []
    for i, place in [*enumerate(problem.sites), (None, problem)]:
        for family in ("energy_budget", "emission_cap"):
            terms: YearlyLimit | None = getattr(place, family)
            if terms is not None:
                word = "emissions_t" if family == "emission_cap" else "energy_mwh" if terms.of == "use" else "grid_mwh"
                out.append(Limited(family, i, word, terms))
    return out


def unit_of(problem: Problem) -> float:
    """MWh or t per unit of the program: what is worth about a unit of money, so that both weigh the same in a direction of cuts.

    Money in cents or in trillions changes nothing in the program: prices of power then move as the unit of money does.
    """
    return problem.money / (USUAL_USD_PER_MWH * price_level(problem))


def price_level(problem: Problem) -> float:
    """How many times the usual a MWh earns or costs in this problem, the nearest power of ten; 1 where nothing tells."""
    p = problem
    prices = [coins_per_mwh(p, r, slice(None), slice(None)) * p.market.btc_price_mean for r in range(len(p.rigs))]
    prices += [
        site.grid.price.factor * site.grid.price.profiles.mean(axis=1)[site.grid.price.which][:, None] + site.grid.price.shift
        for site in p.sites
        if site.grid is not None
    ]
    prices += [block.price for site in p.sites for block in site.blocks]
    prices += [service.rate for service in p.services if service.kind == "cloud"]
    means = [float(np.abs(price).mean()) for price in prices]
    logs = [math.log10(mean / USUAL_USD_PER_MWH) for mean in means if 0.0 < mean < math.inf]
    # Rounding the mean first keeps a half from falling to either side by the last bit.
    return 10.0 ** math.floor(round(math.fsum(logs) / len(logs), 6) + 0.5) if logs else 1.0


def allowance(problem: Problem, terms: YearlyLimit) -> Array:
    """(S, Y) MWh or t that each tax year may have: amount times length, over the periods of the year."""
    return _by_year(problem, terms.amount * problem.years)


def yearly_price(problem: Problem, terms: YearlyLimit) -> Array:
    """(S, Y) USD per MWh or t above a soft limit: the mean over the months of the year that lie in the horizon."""
    assert terms.price is not None
    return _by_year(problem, terms.price * problem.years) / _by_year(problem, np.broadcast_to(problem.years, terms.price.shape))


def _by_year(problem: Problem, values: Array) -> Array:
    """(S, T) -> (S, Y) sums."""
    clock = problem.clock
    out = np.zeros((values.shape[0], clock.tax_years))
    for t, y in enumerate(clock.tax_year):
        out[:, y] += values[:, t]
    return out


def measured(problem: Problem, i: int) -> dict[str, Mask]:
    """Word -> (S, T) in which periods something of the problem looks at it at site i; words that nothing looks at are left out."""
    shape = (problem.scenarios.count, problem.clock.periods)
    out: dict[str, Mask] = {}
    for rule in problem.rules:
        for word, site, _ in rule.terms:
            if word in METERS and site in (None, problem.sites[i].name):
                out[word] = np.ones(shape, dtype=bool)
    for limited in yearly_limits(problem):
        if limited.site in (None, i):
            binds = np.isfinite(allowance(problem, limited.terms))[:, problem.clock.tax_year]
            out[limited.word] = out.get(limited.word, np.zeros(shape, dtype=bool)) | binds
    return out


def first_price(problem: Problem, i: int, word: str) -> Array:
    """(S, T) USD per MWh or t that soft limits charge for a word at site i: the price at which it is looked at first."""
    out = np.zeros((problem.scenarios.count, problem.clock.periods))
    for limited in yearly_limits(problem):
        if limited.word == word and limited.site in (None, i) and limited.terms.price is not None:
            out = out + limited.terms.price
    return out
