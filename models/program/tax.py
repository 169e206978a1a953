"""Income tax by calendar year: depreciation, losses carried forward, and the interest limit."""

from __future__ import annotations

import numpy as np

from models.problem import Array, Clock, Depreciation
from models.program.expressions import Build, Lin, grid


def depreciation_shares(rule: Depreciation, clock: Clock) -> Array:
    """(T, Y) share of the price deducted in tax year y of an asset placed in service at date e (README 11).

    Straight line by months from e; MACRS by the table of whole tax years, cut where the horizon cuts the year.
    """
    shares = np.zeros((clock.periods, clock.tax_years))
    if rule.method == "none" and rule.bonus == 0.0:
        return shares
    for e in range(clock.periods):
        first = int(clock.tax_year[e])
        shares[e, first] += rule.bonus
        rest = 1.0 - rule.bonus
        if rule.method == "straight":
            elapsed = clock.date_month - clock.date_month[e]
            done = np.clip(elapsed / rule.months, 0.0, 1.0)
            np.add.at(shares[e], clock.tax_year[e:], rest * np.diff(done)[e:])
        elif rule.method == "macrs":
            for k, share in enumerate(rule.table):
                if first + k >= clock.tax_years:
                    break
                shares[e, first + k] += rest * share * _year_part(clock, e, first + k)
    return shares


def _year_part(clock: Clock, e: int, y: int) -> float:
    """Part of what is left of calendar year y on date e that lies before the horizon's end: 1 unless the horizon cuts the year."""
    begins = (int(clock.calendar_year[0]) + y) * 12 - clock.start_month
    here = max(begins, int(clock.date_month[e]))
    return min((int(clock.date_month[-1]) - here) / (begins + 12 - here), 1.0)


class Taxes:
    """Tax rows of every scenario and year.

    The rows say what may be deducted, `disjunctions` what must be. While early money is worth most the program obeys by itself; where it does
    not (a covenant makes a later deduction worth more), the engine branches on `disjunctions`.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self.paid: dict[tuple[int, int], Lin] = {}  # (s, y) -> tax in money units
        #: (s, y, two ways to obey, of which one must be tight): ('row', family) at its upper bound or ('column', name) at zero
        self.disjunctions: list[tuple[tuple[int, int], tuple[str, str], tuple[str, str]]] = []
        tax = build.problem.tax
        if tax is None:
            return
        self.depreciation = grid(build.S, build.Y)
        self._depreciate()
        for s in range(build.S):
            carried: object = None
            undeducted: object = None
            for y in range(build.Y):
                carried, undeducted = self._year(s, y, carried, undeducted)

    def _depreciate(self) -> None:
        """depreciation[s, y] = sum over terms of share[y] * what was bought on them          [USD]"""
        b = self.build
        for s in range(b.S):
            for n, (shares, bought) in enumerate(b.basis[s].items()):
                basis = b.shared("tax_basis", (s, n), bought)
                for y in np.flatnonzero(shares):
                    self.depreciation[s, y].plus(basis, shares[y])

    def _year(self, s: int, y: int, carried: object, undeducted: object) -> tuple[object, object]:
        """One year.

        income = pos - neg;   NOL[y] = NOL[y-1] + neg - use;   use <= nol_cap * pos;   use <= NOL[y-1];   tax = rate * (pos - use)
        """
        b, p = self.build, self.build.problem
        tax = p.tax
        assert tax is not None
        in_year = p.clock.tax_year == y
        before = Lin().plus(b.taxable[s, y])
        for d in range(b.D):
            if b.year_of(d) == y:
                before.plus(b.operating[s, d]).plus(b.retained[s, d])
        depreciation = Lin().plus(self.depreciation[s, y])
        depreciation.const += float((tax.existing_depreciation * p.years)[in_year].sum()) / b.unit
        interest = b.interest_cost[s, y]
        limit = tax.interest_limit
        key = (s, y)
        if limit is not None and y >= limit.first_year:
            base = Lin().plus(before)
            if not limit.ebitda:
                base.plus(depreciation, -1.0)
            deducted = b.named("interest_deducted", key)
            b.row("interest_limit", key, Lin().add(deducted).plus(base, -limit.share), at_most=0.0)
            left = b.named("interest_carried", key)
            roll = Lin().add(left).add(undeducted, -1.0).plus(interest, -1.0).add(deducted)
            b.row("interest_carryforward", key, roll, equal=0.0)
            interest, undeducted = Lin().add(deducted), left
            # what the limit allows must be deducted
            self.disjunctions.append((key, ("row", "interest_limit"), ("column", "interest_carried")))
        pos, neg, use, nol = (b.named(name, key) for name in ("income_positive", "income_negative", "nol_used", "nol"))
        income = Lin().add(pos).add(neg, -1.0).plus(before, -1.0).plus(depreciation).plus(interest).plus(b.issue_cost[s, y])
        b.row("taxable_income", key, income.merged(), equal=0.0)
        opening = tax.nol / b.unit if y == 0 else 0.0
        b.row("nol_roll", key, Lin().add(nol).add(carried, -1.0).add(neg, -1.0).add(use), equal=opening)
        b.row("nol_cap", key, Lin().add(use).add(pos, -tax.nol_cap), at_most=0.0)
        b.row("nol_available", key, Lin().add(use).add(carried, -1.0), at_most=opening)
        self.paid[s, y] = Lin().add(pos, tax.rate).add(use, -tax.rate)
        # a year has a gain or a loss; losses carried in must be used as far as the cap allows
        self.disjunctions.append((key, ("column", "income_positive"), ("column", "income_negative")))
        self.disjunctions.append((key, ("row", "nol_cap"), ("row", "nol_available")))
        return nol, undeducted

    def at(self, s: int, d: int) -> Lin:
        """Tax paid at date d: the year's tax at its last date."""
        if not self.paid or d == 0:
            return Lin()
        y = self.build.year_of(d)
        return self.paid[s, y] if int(self.build.problem.clock.last_date_of_year[y]) == d else Lin()
