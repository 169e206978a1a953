"""How much room a plan leaves under everything that is scarce, from its decisions and its books; nothing of the linear program.

Every function returns (S, K) in the statement's own unit, NaN where it does not apply. K is T for what binds period by period, D for what
binds date by date, 1 for totals over the horizon, and Y for calendar years. Negative: a soft rule is breached.
"""

from __future__ import annotations

import numpy as np

from models.decisions import Decisions
from models.problem import Array, Debt, Equity, Problem
from models.proforma.assets import ai_after, decided, keep_assets
from models.proforma.books import Books
from models.proforma.debt import first_date, first_month, running_maturity


class Headroom:
    """Room under the limits of a problem, of one plan."""

    def __init__(self, problem: Problem, decisions: Decisions, books: Books) -> None:
        self.problem, self.decisions, self.books = problem, decisions, books
        self.assets = keep_assets(problem, decisions)
        self.shape = (problem.scenarios.count, problem.clock.dates)

    # ---- sites -----------------------------------------------------------------------------------------------------
    def interconnection(self, i: int) -> Array:
        """(S, T) MW that the tightest hour of the period leaves: blocks hold their MW, the grid what it draws, at the hour's availability."""
        problem, clock = self.problem, self.problem.clock
        site = problem.sites[i]
        blocks = sum((block.mw for block in site.blocks), np.zeros(clock.periods))
        free = self.assets.interconnection[site.name] - blocks
        if site.grid is None:
            return free
        out = np.empty_like(free)
        for s, t in np.ndindex(*free.shape):
            share = 1.0 if site.grid.availability is None else site.grid.availability.values(clock, s, t)
            drawn = self.decisions.dispatch[site.name, s, t].sources["grid"]
            out[s, t] = float(np.min(share * free[s, t] - drawn, initial=np.inf))
        return out

    def mining_hall(self, i: int) -> Array:
        """(S, T) MW of mining hall without rigs."""
        name = self.problem.sites[i].name
        hall = self.assets.mining_hall[name]
        return hall - sum((mw for (_, place), mw in self.assets.fleet.items() if place == name), np.zeros_like(hall))

    def ai_hall(self, i: int) -> Array:
        """(S, T) critical MW of AI hall without a contract; that of the last period is what contracts leave then and ever after."""
        name = self.problem.sites[i].name
        hall = self.assets.ai_hall[name]
        room = hall - sum((mw for (_, place), mw in self.assets.contracted.items() if place == name), np.zeros_like(hall))
        room[:, -1] = np.minimum(room[:, -1], hall[:, -1] - ai_after(self.assets, name).max(axis=1, initial=0.0))
        return room

    def built(self, i: int, kind: str, demand: bool = False) -> Array:
        """(S, 1) MW that may still be built, or (demand) that were built beyond what must be."""
        site = self.problem.sites[i]
        total = decided(self.decisions.built, (site.name, kind), self.problem).sum(axis=1, keepdims=True)
        terms = getattr(site, kind)
        return total - terms.minimum if demand else terms.limit - total

    def permit(self, i: int, per_hour: Array) -> Array:
        """(S, Y) permit hours of diesel not used; per_hour (Y,) MWh of an hour of permit in each year."""
        site, clock = self.problem.sites[i], self.problem.clock
        assert site.diesel is not None
        burnt = self.books.power[site.name, "diesel"]
        by_year = np.array([burnt[:, clock.tax_year == y].sum(axis=1) for y in range(clock.tax_years)]).T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(per_hour > 0.0, site.diesel.permit_hours - by_year / per_hour, np.nan)

    # ---- rigs and services -----------------------------------------------------------------------------------------
    def _ordered(self, r: int) -> Array:
        """(S, D) MW of a rig ordered at all sites, exercised options with them."""
        name = self.problem.rigs[r].name
        tables = (self.decisions.orders, self.decisions.exercised)
        parts = [decided(table, (name, site.name), self.problem) for table in tables for site in self.problem.sites]
        return sum(parts, np.zeros(self.shape))

    def supply(self, r: int) -> Array:
        """(S, D) MW of a rig that the date could still deliver, at dates it can be ordered."""
        rig = self.problem.rigs[r]
        window = rig.window | (rig.option.exercise if rig.option else False)
        may = window & (np.arange(self.shape[1]) + rig.lead <= self.problem.clock.periods - 1) & np.isfinite(rig.supply)
        return np.where(may, np.where(may, rig.supply, 0.0) - self._ordered(r), np.nan)

    def rigs(self, r: int) -> Array:
        """(S, 1) MW of a rig that may still be ordered."""
        return self.problem.rigs[r].limit - self._ordered(r).sum(axis=1, keepdims=True)

    def options(self, r: int) -> Array:
        """(S, 1) MW of options on a rig that may still be bought."""
        rig = self.problem.rigs[r]
        assert rig.option is not None
        return rig.option.limit - decided(self.decisions.options, rig.name, self.problem).sum(axis=1, keepdims=True)

    def service(self, j: int, demand: bool = False) -> Array:
        """(S, 1) critical MW that the tenant would still take, or (demand) that were signed beyond what must be."""
        service = self.problem.services[j]
        parts = [decided(self.decisions.signed, (service.name, site.name), self.problem) for site in self.problem.sites]
        total = sum(parts, np.zeros(self.shape)).sum(axis=1, keepdims=True) + float(service.contracted.sum())
        return total - service.minimum if demand else service.limit - total

    def floor(self, j: int) -> Array:
        """(S, T) share of a service's demand that is served beyond its floor, at the site where that is least."""
        service, clock = self.problem.services[j], self.problem.clock
        out = np.full((self.shape[0], clock.periods), np.nan)
        for site in self.problem.sites:
            mw = self.assets.contracted.get((service.name, site.name))
            for s, t in np.argwhere(mw > 1e-9) if mw is not None else ():
                weight = clock.weight[t]
                wanted = float(weight @ service.demand.values(clock, s, t)) * site.gross_ratio * mw[s, t]  # type: ignore[index]
                served = float(weight @ self.decisions.dispatch[site.name, s, t].uses[f"ai:{service.name}"])
                if wanted > 0.0:
                    out[s, t] = np.fmin(out[s, t], served / wanted - service.floor)
        return out

    # ---- money -----------------------------------------------------------------------------------------------------
    def issue(self, one: Debt | Equity, demand: bool = False) -> Array:
        """(S, 1) USD of face that may still be issued, or (demand) that was issued beyond what must be; existing face counts."""
        total = decided(self.decisions.issued, one.name, self.problem).sum(axis=1, keepdims=True)
        total = total + (one.existing if isinstance(one, Debt) else 0.0)
        return total - one.minimum if demand else one.limit - total

    def outstanding(self, debt: Debt) -> Array:
        """(S, D) USD of a running limit not drawn, while it is there."""
        start = first_date(debt)
        dates = np.arange(self.shape[1])
        end = running_maturity(self.problem, debt) if start is not None else 0
        there = (dates >= (start or 0)) & (dates < end)
        return np.where(there, debt.limit - self.books.words[f"outstanding[{debt.name}]"], np.nan)

    def per_date(self, one: Debt | Equity) -> Array:
        """(S, D) USD that the date would still take, at dates of the window."""
        may = one.window & (np.arange(self.shape[1]) <= self.problem.clock.periods - 1) & np.isfinite(one.date_limit)
        issued = decided(self.decisions.issued, one.name, self.problem)
        return np.where(may, np.where(may, one.date_limit, 0.0) - issued, np.nan)

    def collateral(self, debt: Debt) -> Array:
        """(S, D) USD of borrowing base not used: advance rate x value of the assets, less the balance."""
        problem, words = self.problem, self.books.words
        value = np.zeros(self.shape)
        for kind in debt.collateral:
            if kind == "rigs":
                value = value + sum((rig.resale * words[f"rigs_mw[{rig.name}]"] for rig in problem.rigs), np.zeros(self.shape))
            elif kind == "halls":
                value = value + np.cumsum(self.assets.ordered["halls"] + self.assets.ordered["interconnection"], axis=1)
            elif kind == "equipment":
                value = value + np.cumsum(self.assets.ordered["equipment"], axis=1)
            elif kind == "coins":
                pledged = sum((decided(self.decisions.pledged, d.name, problem) for d in problem.debts), np.zeros(self.shape))
                value = value + problem.market.btc_price * (words["coins"] - pledged)
        return debt.advance_rate * value - words[f"outstanding[{debt.name}]"]

    def loan_to_value(self, debt: Debt) -> Array:
        """(S, D) USD that the coins pledged would still carry."""
        pledged = decided(self.decisions.pledged, debt.name, self.problem) * self.problem.market.btc_price
        share = np.where(debt.window, debt.ltv, debt.top_up)
        room = share * pledged - self.books.words[f"outstanding[{debt.name}]"]
        return np.where(np.isnan(self.outstanding(debt)), np.nan, room)

    def coverage(self, debt: Debt) -> Array:
        """(S, D) USD of cash flow beyond coverage x debt service of a loan, at dates after its grace.

        Of a sculpted loan: of all these dates in its bank case, at the first of them.
        """
        clock, dates = self.problem.clock, np.arange(self.shape[1])
        lines = self.books.schedules[debt.name]
        end = running_maturity(self.problem, debt) if first_date(debt) is not None else 0
        late = clock.date_month - first_month(self.problem, debt) > debt.grace
        applies = (dates >= 1) & late & (dates <= min(end, clock.periods))
        need = debt.coverage * (lines["interest_paid"] + lines["principal"])
        room = np.where(applies, self.books.words["cfads"] - need, np.nan)
        if debt.amortisation != "sculpted" or not applies.any():
            return room
        agreed = np.arange(self.shape[0]) == 0 if debt.bank_case is None else debt.bank_case
        first = np.arange(self.shape[1]) == np.argmax(applies)
        return np.where(agreed[:, None] & first, np.nansum(room, axis=1)[:, None], np.nan)

    def cash(self, d: int) -> Array:
        """(S, 1) USD of cash after date d."""
        return self.books.words["cash"][:, d : d + 1]

    # ---- projects and rules ----------------------------------------------------------------------------------------
    def project(self, k: int, demand: bool = False) -> Array:
        """(S, 1) units that may still be decided, or (demand) that were decided beyond what must be."""
        project = self.problem.projects[k]
        total = decided(self.decisions.units, project.name, self.problem).sum(axis=1, keepdims=True)
        return total - project.minimum if demand else project.limit - total

    def rule(self, n: int) -> tuple[Array, Array]:
        """((S, D) room, (S, D) left side) of a rule where it applies, in its own unit."""
        rule = self.problem.rules[n]
        left, right = np.zeros(self.shape), rule.constant
        for term, coefs in rule.terms.items():
            left = left + coefs * self.books.words[str(term)]
        if rule.expected:
            odds = self.problem.scenarios.probability[:, None]
            left, right = (np.broadcast_to((odds * side).sum(axis=0), self.shape) for side in (left, right))
        room = {">=": left - right, "<=": right - left, "==": -np.abs(left - right)}[rule.sense]
        return np.where(rule.active, room, np.nan), np.where(rule.active, left, np.nan)
