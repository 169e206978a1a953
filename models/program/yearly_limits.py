"""Energy budgets and emission caps: what a calendar year may use or emit, hard or at a price (README 5)."""

from __future__ import annotations

import numpy as np

from models.hours.meters import Limited, allowance, unit_of, yearly_limits, yearly_price
from models.problem import Array
from models.program.expressions import Build, Lin, without_rounding


class Limits:
    """The rows of every limit, and what is above soft ones."""

    def __init__(self, build: Build) -> None:
        self.build, self.unit = build, unit_of(build.problem)
        self.excess: dict[tuple[str, str], np.ndarray] = {}  # (family, where) -> (S, Y) variables or None
        for limited in yearly_limits(build.problem):
            self._limit(limited)

    def _limit(self, limited: Limited) -> None:
        """One row per scenario and calendar year.

            sum over sites and periods of the year of what is measured - excess <= allowance          [MWh or t, in `unit_of`]

        excess only of a soft limit; it costs price * excess at the year's last date, out of operating cash. The dual is what one more
        MWh or t allowed would add to the objective.
        """
        b, p = self.build, self.build.problem
        where, sites = limited.where(p), limited.sites(p)
        allowed = allowance(p, limited.terms)
        price = None if limited.terms.price is None else yearly_price(p, limited.terms)
        made = np.full((b.S, b.Y), None, dtype=object)
        for s in range(b.S):
            for y in range(b.Y):
                if not np.isfinite(allowed[s, y]):
                    continue
                body = Lin()
                for t in np.flatnonzero(p.clock.tax_year == y):
                    for site in sites:
                        body.plus(b.meters[limited.word, site][s, t + 1], 1.0 / self.unit)
                if price is not None:
                    made[s, y] = b.named("excess", (limited.family, where, s, y))
                    body.add(made[s, y], -1.0)
                    date = int(p.clock.last_date_of_year[y])
                    b.operating[s, date].add(made[s, y], -float(price[s, y]) * self.unit / b.unit)
                most = float(allowed[s, y]) / self.unit
                if limited.family == "energy_budget":
                    b.row("energy_budget", (where, s, y), body, at_most=most, unit="USD/MWh", scale=self.unit)
                else:
                    b.row("emission_cap", (where, s, y), body, at_most=most, unit="USD/t", scale=self.unit)
        if price is not None:
            self.excess[limited.family, where] = made

    def exceeded(self) -> dict[tuple[str, str], Array]:
        """(family, where) of every soft limit -> (S, Y) MWh or t above it that are paid for."""
        return {
            key: np.array([[0.0 if v is None else without_rounding(v.value) * self.unit for v in row] for row in table])
            for key, table in self.excess.items()
        }
