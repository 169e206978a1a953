"""The horizon's end: what of a plan's value lies after it, what it will cost to earn that, and what is owed by then (README 16)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.finance.context import StatementContext
from models.problem import Array, Problem, Service, Site
from models.proforma.assets import keep_assets

#: entries of the ledger at T whose worth is earned after T; cash and coins are there already, and debt is a claim
LATER = ("rigs", "halls", "interconnection", "equipment", "opening_assets", "contracts")
#: USD by which debt has to exceed assets
SMALLEST = 1.0


@dataclass(frozen=True)
class HorizonEnd:
    """What counts at T in each scenario, (S,) USD at T.

    counted   what the case counts of assets that go on earning, by kind (`LATER`)
    keeping   what the company will pay to earn the rents in `counted["contracts"]`, at the same share and rate; before tax
    liquid    cash, with the dividend that is paid out of it at T, and coins as the case counts them
    owed      debt and interest due
    factor    discount factor of T
    """

    counted: dict[str, Array]
    keeping: Array
    liquid: Array
    owed: Array
    factor: float

    @property
    def later(self) -> Array:
        """(S,) USD at T of what lies after the horizon, net of the costs of earning it."""
        return np.asarray(sum(self.counted.values(), -self.keeping))

    @property
    def present(self) -> Array:
        """(S,) the same, discounted to date 0 at the owners' rate."""
        return self.factor * self.later

    @property
    def short(self) -> Array:
        """(S,) USD by which the debt at T exceeds all that counts there, 0 where it does not."""
        over = self.owed - self.liquid - sum(self.counted.values(), np.zeros_like(self.owed))
        return np.where(over > SMALLEST, over, 0.0)


def horizon_end(context: StatementContext) -> HorizonEnd:
    """The end of every scenario, from the books."""
    problem, books = context.problem, context.books
    ledger, sheet = books.ledger, books.balance_sheet
    return HorizonEnd(
        counted={kind: ledger[f"terminal_{kind}"][:, -1] for kind in LATER},
        keeping=problem.terminal.contracts * contract_costs(context),
        liquid=ledger["terminal_cash"][:, -1] + ledger["dividends"][:, -1] + ledger["terminal_coins"][:, -1],
        owed=sheet["debt"][:, -1] + sheet["interest_due"][:, -1],
        factor=float(problem.discount[-1]),
    )


def contract_costs(context: StatementContext) -> Array:
    """(S,) USD at T of what leases cost after T to the end of their term.

        sum over k of MW[k] (fixed_cost + ai_cost + energy) step (1 + contract_rate) ** (-(k + 1) step)

    MW[k] critical MW that run in the k-th period after T, step its length in years: as their rents are counted (README 12). energy: USD a
    year and MW that the company pays for, at the means of the last twelve months.
    """
    problem = context.problem
    assets = keep_assets(problem, context.decisions)
    step, total = float(problem.years[-1]), np.zeros(problem.scenarios.count)
    for service in problem.services:
        if service.kind != "lease":
            continue
        for site in problem.sites:
            running = assets.contracted_after.get((service.name, site.name))
            if running is None or not running.any():
                continue
            factor = (1.0 + problem.terminal.contract_rate) ** (-step * np.arange(1, running.shape[1] + 1))
            each = service.fixed_cost + site.ai_cost + _energy(context, service, site)
            total += each * step * (running @ factor)
    return total


def _energy(context: StatementContext, service: Service, site: Site) -> Array:
    """(S,) USD a year that the company pays for the energy of one critical MW, and for serving it, less what the tenant reimburses."""
    problem, clock = context.problem, context.problem.clock
    last = np.flatnonzero(clock.date_month[1:] > clock.date_month[-1] - 12)
    years = float(problem.years[last].sum())
    out = np.zeros(problem.scenarios.count)
    for s in range(len(out)):
        for t in map(int, last):
            mwh = clock.weight[t] * service.demand.values(clock, s, t)  # critical, per MW
            out[s] += service.variable_cost * float(mwh.sum())
            if isinstance(service.reimbursed, str) and site.grid is not None:
                continue  # the tenant pays what each hour costs
            metered = site.gross_ratio * mwh
            out[s] += float(metered.sum()) * _price(context, site, s, t, metered)
            if not isinstance(service.reimbursed, str) and service.reimbursed is not None:
                out[s] -= float(metered.sum()) * float(service.reimbursed[s, t])
    return out / years


def _price(context: StatementContext, site: Site, s: int, t: int, mwh: Array) -> float:
    """USD per MWh of a load (H,) in period t: of grid power where there is a grid, else what the site's energy cost there on average."""
    clock, power = context.problem.clock, context.books.power
    if site.grid is not None:
        delivered = site.grid.price.values(clock, s, t) + site.grid.adder.values(clock, s, t)
        return float(mwh @ delivered) / max(float(mwh.sum()), 1e-9)
    used = sum(float(v[s, t]) for (place, q), v in power.items() if place == site.name and q.startswith(("rig:", "ai:")))
    paid = sum(float(v[s, t]) for (place, q), v in power.items() if place == site.name and q in ("energy_cost", "block_cost"))
    return paid / used if used > 0.0 else 0.0


def stops(problem: Problem) -> tuple[Service, ...]:
    """Services with a contract, standing or to be signed, that can run beyond the horizon."""
    periods = problem.clock.periods
    return tuple(
        service
        for service in problem.services
        if latest_end(service, periods) > periods or (service.contracted.any() and service.contracted_term > periods)
    )


def latest_end(service: Service, periods: int) -> int:
    """The period at which the last contract that can be signed ends; 0 where none can be."""
    signs = np.flatnonzero(service.window[:periods]) if service.limit > 0.0 else np.zeros(0, dtype=int)
    return int(signs[-1]) + service.lead + service.term if len(signs) else 0
