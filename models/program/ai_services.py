"""AI services: contracts signed per site, started when ready, ramped up, and ended with their term."""

from __future__ import annotations

import numpy as np

from models.problem import Array, Ints, Service
from models.program.expressions import Build, Decision, Lin, grid, running
from models.program.fleet import deduct, leaves, pay
from models.program.strips import months_of
from models.program.tax import depreciation_shares


class Services:
    """Contracted MW of every (service, site), and the money that does not depend on the hour."""

    def __init__(self, build: Build) -> None:
        self.build = build
        p = build.problem
        self.signed: dict[tuple[int, int], Decision] = {}
        self._so_far: np.ndarray | None = None
        self.contracted: dict[tuple[int, int], np.ndarray] = {}  # (S, T) of Lin, critical MW
        self.rents: dict[tuple[int, int], np.ndarray] = {}  # (S, T) of Lin, money units of the period
        for j, service in enumerate(p.services):
            for i in range(len(p.sites)):
                if service.sites[i] or service.contracted[i] > 0.0:
                    self._service(j, service, i)
            self._limits(j, service)

    def _service(self, j: int, service: Service, i: int) -> None:
        b, p = self.build, self.build.problem
        window = service.window & (np.arange(b.D) + service.lead <= b.T - 1) & service.sites[i]
        if window.any() and service.limit > 0.0:
            signed = b.decide(("signed", service.name, p.sites[i].name), window)
            self.signed[j, i] = signed
            if service.equipment is not None:
                self._equipment(j, service, i, signed)
        mw = self.contracted[j, i] = grid(b.S, b.T)
        self.rents[j, i] = grid(b.S, b.T)
        lease = service.kind == "lease"
        alike: dict[tuple[int, bytes], int] = {}  # delay and nodes -> first scenario of that kind
        worth: dict[int, Array] = {}  # delay -> rent to come at the horizon per MW signed and USD/MW/year
        rented = np.full((b.S, b.T), None, dtype=object)
        for s in range(b.S):
            delay = int(p.sites[i].delay[s])
            first = alike.setdefault((delay, p.scenarios.node[s].tobytes()), s)
            for t in range(b.T):
                if first == s:
                    share, price = self._profile(service, i, s, t)
                    mw[s, t] = self._sum(j, i, s, share)
                    if lease:
                        rent = self._sum(j, i, s, share * price)
                        rented[s, t] = b.shared("rented", (service.name, p.sites[i].name, s, t), rent)
                    if t < service.contracted_term:
                        mw[s, t].const += service.contracted[i]
                        if lease:
                            rented[s, t].const += service.contracted[i] * step(service, p.clock.date_month[t])
                else:
                    mw[s, t], rented[s, t] = mw[first, t], rented[first, t]
                settled = b.operating[s, t + 1]
                settled.plus(mw[s, t], -service.fixed_cost * p.years[t] / b.unit)
                if lease:
                    rate = service.rate[s, t] * p.years[t] / b.unit
                    self.rents[j, i][s, t].plus(rented[s, t], rate)
                    settled.plus(rented[s, t], rate)
                    b.revenue[s, t + 1].plus(rented[s, t], rate)
            if lease:
                if delay not in worth:
                    worth[delay] = self._worth(service, i, s)
                b.entry("terminal_contracts")[s, b.T].plus(self._remaining(j, service, i, s, worth[delay]))

    def _start(self, service: Service, i: int, s: int) -> Ints:
        """(D,) date at which what is signed at each date begins to run; may lie beyond the horizon."""
        start: Ints = np.arange(self.build.D) + service.lead + int(self.build.problem.sites[i].delay[s])
        return start

    def _profile(self, service: Service, i: int, s: int, t: int) -> tuple[Array, Array]:
        """For each signing date d (D,): share of its MW that runs in period t, and its escalation by then."""
        b, p = self.build, self.build.problem
        start = self._start(service, i, s)
        share = self._running(service, i, s, t)
        months = p.clock.date_month[t] - p.clock.date_month[np.minimum(start, b.T)]
        price = np.array([step(service, max(int(m), 0)) for m in months])
        return share, price

    def after(self, i: int, s: int) -> dict[int, dict[int, Lin]]:
        """Period t >= T -> service -> critical MW under contract at site i in it (README 4).

        Only periods in which some contract runs with more MW than in the one before: in all others there are no more than there.
        """
        b, p = self.build, self.build.problem
        here = [(j, service) for j, service in enumerate(p.services) if (j, i) in self.contracted]
        open_at = {j: self.signed[j, i].open(s) for j, _ in here if (j, i) in self.signed}
        last = max((int(self._start(service, i, s)[-1]) + len(service.ramp) for _, service in here), default=0)
        out: dict[int, dict[int, Lin]] = {}
        for t in range(b.T, last + 1):
            shares = {j: [self._running(service, i, s, at) for at in (t - 1, t)] for j, service in here if j in open_at}
            if not any(bool(np.any((now > before) & open_at[j])) for j, (before, now) in shares.items()):
                continue
            out[t] = {j: Lin(float(one.contracted[i]) if t < one.contracted_term else 0.0) for j, one in here}
            for j, (_, now) in shares.items():
                out[t][j].plus(self._sum(j, i, s, now))
        return out

    def needs(self, i: int, s: int) -> dict[int, float]:
        """Service -> mean MW at the meter that one MW of it must be served in a period like the last one; only those with a floor."""
        p = self.build.problem
        last = p.clock.periods - 1
        out = {}
        for j, service in enumerate(p.services):
            if service.floor > 0.0:
                weight = p.clock.weight[last]
                asked = float(weight @ service.demand.values(p.clock, s, last)) / float(weight.sum())
                out[j] = service.floor * asked * p.sites[i].gross_ratio
        return out

    def _running(self, service: Service, i: int, s: int, t: int) -> Array:
        """(D,) share of what is signed at each date that runs in period t, within the horizon or after it."""
        return np.array([running_share(service, t - int(a)) for a in self._start(service, i, s)])

    def _sum(self, j: int, i: int, s: int, coefs: Array) -> Lin:
        return self.signed[j, i].history(s, coefs) if (j, i) in self.signed else Lin()

    def _remaining(self, j: int, service: Service, i: int, s: int, worth: Array) -> Lin:
        """Rent still to come at the horizon, to the end of each contract's term, discounted at contract_rate (money units)."""
        b, p = self.build, self.build.problem
        rate = float(service.rate[s, b.T - 1]) * p.terminal.contracts / b.unit
        return Lin(float(service.contracted[i]) * float(worth[-1]) * rate).plus(self._sum(j, i, s, worth[:-1] * rate))

    def _worth(self, service: Service, i: int, s: int) -> Array:
        """(D + 1,) the same per MW and USD/MW/year of rent, for what is signed at each date and (last) what is contracted already."""
        b, p = self.build, self.build.problem
        months = int(p.clock.months[-1])
        end = int(p.clock.date_month[-1])

        def worth(start: int, term: int, ramps: bool) -> float:
            began = int(months_of(p, max(start, b.T))[start])
            value = 0.0
            for t in range(max(b.T, start), start + term):
                ahead = t - b.T
                share = running_share(service, t - start) if ramps else 1.0
                discount = (1.0 + p.terminal.contract_rate) ** (-(ahead + 1) * months / 12.0)
                value += share * step(service, end + ahead * months - began) * discount
            return value * months / 12.0

        signed = [worth(start, service.term, True) for start in self._start(service, i, s).tolist()]
        return np.array([*signed, worth(0, service.contracted_term, False)])

    def _equipment(self, j: int, service: Service, i: int, signed: Decision) -> None:
        b, p = self.build, self.build.problem
        assert service.equipment is not None
        bought = signed.table()
        pay(b, bought, service.equipment, service.payments)
        deduct(b, bought, service.equipment, service.lead + p.sites[i].delay, depreciation_shares(service.depreciation, p.clock))
        for s in range(b.S):
            b.entry("terminal_equipment")[s, b.T].plus(self.equipment_ordered(j, i, s, b.T), p.terminal.equipment)

    def equipment_ordered(self, j: int, i: int, s: int, d: int) -> Lin:
        """Cost at order (money units) of equipment bought up to date d."""
        b = self.build
        equipment = b.problem.services[j].equipment
        if equipment is None or (j, i) not in self.signed:
            return Lin()
        return self.signed[j, i].history(s, np.where(np.arange(b.D) <= d, equipment[s] / b.unit, 0.0))

    def cost_so_far(self, s: int, d: int) -> Lin:
        """Cost at order (money units) of all equipment bought up to date d, by recursion."""
        b = self.build

        def ordered(s: int, d: int) -> Lin:
            out = Lin()
            for (j, _), made in self.signed.items():
                equipment = b.problem.services[j].equipment
                if equipment is not None:
                    out.add(made.at(s, d), equipment[s, d] / b.unit)
            return out

        if self._so_far is None:
            self._so_far = running(b, "equipment_cost", ordered)
        return self._so_far[s, d]

    def _limits(self, j: int, service: Service) -> None:
        """Signed and contracted MW stay within what the tenant wants, and reach what must be signed."""
        b = self.build
        running = float(service.contracted.sum())
        for s in leaves(b):
            signed = Lin()
            for (k, _), decision in self.signed.items():
                if k == j:
                    signed.add(decision.cum(s, b.T))
            if np.isfinite(service.limit) and not signed.constant_only:
                b.row("service_limit", (service.name, s), signed, at_most=service.limit - running, unit="USD/MW")
            if service.minimum > running:
                b.row("service_minimum", (service.name, s), signed, at_least=service.minimum - running, unit="USD/MW")

    def at_site(self) -> np.ndarray:
        """(I, S, T) critical MW of all services at each site."""
        b = self.build
        out = np.empty((len(b.problem.sites), b.S, b.T), dtype=object)
        for i in range(out.shape[0]):
            for s in range(b.S):
                for t in range(b.T):
                    out[i, s, t] = Lin()
        for (_, i), mw in self.contracted.items():
            for s in range(b.S):
                for t in range(b.T):
                    out[i, s, t].plus(mw[s, t])
        return out


def running_share(service: Service, age: int) -> float:
    """Share of the MW signed that runs `age` periods after the start: by the ramp, then all, and none before or after the term."""
    if not 0 <= age < service.term:
        return 0.0
    return service.ramp[age] if age < len(service.ramp) else 1.0


def step(service: Service, months: int) -> float:
    """Escalation after `months` of a contract: one step at each anniversary."""
    return (1.0 + service.escalator) ** (months // 12)
