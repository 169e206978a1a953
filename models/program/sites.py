"""Sites: interconnection, mining halls and AI halls; expansion, building, conversion, and their delays."""

from __future__ import annotations

import numpy as np

from models.problem import Expansion
from models.program.ai_services import Services
from models.program.expressions import Build, Decision, Lin, running, total
from models.program.fleet import Fleet, deduct, leaves, nodes, pay
from models.program.tax import depreciation_shares

KINDS = ("expand", "build_mining", "build_ai", "convert", "store")
#: kinds whose cost counts as interconnection, not as halls
LINES = ("expand", "store")


class Sites:
    """What is built where, and the capacities that follow."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.built: dict[tuple[int, str], Decision] = {}
        self._so_far: np.ndarray | None = None
        self._after: dict[tuple[int, str], list[int]] = {}  # by scenario, periods from order to work
        for i, site in enumerate(build.problem.sites):
            for kind in KINDS:
                expansion = getattr(site, kind)
                if expansion is not None:
                    self._expansion(i, kind, expansion)
            self._costs(i)

    def _expansion(self, i: int, kind: str, expansion: Expansion) -> None:
        b, site = self.build, self.build.problem.sites[i]
        window = expansion.window & (np.arange(b.D) + expansion.lead <= b.T - 1)
        if not window.any() and expansion.minimum <= 0.0:
            return
        made = b.decide(("built", site.name, kind), window)
        self.built[i, kind] = made
        bought = made.table()
        pay(b, bought, expansion.cost, expansion.payments)
        deduct(
            b, bought, expansion.cost, expansion.lead + site.delay, depreciation_shares(expansion.depreciation, b.problem.clock)
        )
        for s in leaves(b):
            ordered = Lin().add(made.cum(s, b.T))
            if np.isfinite(expansion.limit):
                b.row("build_limit", (site.name, kind, s), ordered, at_most=expansion.limit, unit="USD/MW")
            if expansion.minimum > 0.0:
                b.row("build_minimum", (site.name, kind, s), ordered, at_least=expansion.minimum, unit="USD/MW")
        share = b.problem.terminal.interconnection if kind in LINES else b.problem.terminal.halls
        entry = b.entry("terminal_interconnection" if kind in LINES else "terminal_halls")
        for s in range(b.S):
            entry[s, b.T].plus(self.cost_ordered(i, kind, s, b.T), share)

    def cost_ordered(self, i: int, kind: str, s: int, d: int) -> Lin:
        """Cost at order (money units) of all that was ordered at site i up to date d."""
        b = self.build
        if (i, kind) not in self.built:
            return Lin()
        cost = getattr(b.problem.sites[i], kind).cost[s] / b.unit
        return self.built[i, kind].history(s, np.where(np.arange(b.D) <= d, cost, 0.0))

    def cost_so_far(self, s: int, d: int) -> Lin:
        """Cost at order (money units) of all halls and interconnection ordered up to date d, by recursion."""
        b = self.build

        def ordered(s: int, d: int) -> Lin:
            out = Lin()
            for (i, kind), made in self.built.items():
                out.add(made.at(s, d), getattr(b.problem.sites[i], kind).cost[s, d] / b.unit)
            return out

        if self._so_far is None:
            self._so_far = running(b, "halls_cost", ordered)
        return self._so_far[s, d]

    def ready(self, i: int, kind: str, s: int, d: int) -> Lin:
        """MW of that kind which work in period d: ordered at dates <= d - lead - delay[s]."""
        made = self.built.get((i, kind))
        if made is None:
            return Lin()
        if (i, kind) not in self._after:
            site = self.build.problem.sites[i]
            self._after[i, kind] = (getattr(site, kind).lead + site.delay).tolist()
        return Lin().add(made.cum(s, d - self._after[i, kind][s]))

    def interconnection(self, i: int, s: int, d: int) -> Lin:
        """MW that can be drawn from the grid in period d."""
        return Lin(self.build.problem.sites[i].interconnection_mw).plus(self.ready(i, "expand", s, d))

    def mining_hall(self, i: int, s: int, d: int) -> Lin:
        """MW of mining hall: what is converted is lost when the conversion is ordered."""
        site = self.build.problem.sites[i]
        out = Lin(site.mining_mw).plus(self.ready(i, "build_mining", s, d))
        if (i, "convert") in self.built:
            out.add(self.built[i, "convert"].cum(s, d), -site.mining_per_ai)
        return out

    def ai_hall(self, i: int, s: int, d: int) -> Lin:
        """Critical MW of AI hall in period d."""
        site = self.build.problem.sites[i]
        return Lin(site.ai_mw).plus(self.ready(i, "build_ai", s, d)).plus(self.ready(i, "convert", s, d))

    def battery(self, i: int, s: int, d: int) -> Lin:
        """MW that the battery can give in period d."""
        battery = self.build.problem.sites[i].battery
        return Lin(battery.standing if battery is not None else 0.0).plus(self.ready(i, "store", s, d))

    def _costs(self, i: int) -> None:
        """Fixed cost of the site and of the halls that are ready; settles a period later."""
        b, site = self.build, self.build.problem.sites[i]
        for s in range(b.S):
            for t in range(b.T):
                dt = b.problem.years[t]
                here = b.operating[s, t + 1]
                here.const -= site.fixed_cost[s, t] * dt / b.unit
                here.plus(self.mining_hall(i, s, t), -site.mining_cost * dt / b.unit)
                here.plus(self.ai_hall(i, s, t), -site.ai_cost * dt / b.unit)

    def limit_after(self, services: Services) -> None:
        """What runs after the horizon is carried by what stands at its end: halls, and the power to serve what must be served.

            sum_j C[j, i, s, t] <= ai_hall[i, s, T-1]                              t >= T          [critical MW]
            sum_j need[j, i, s] * C[j, i, s, t] <= power[i, s]                     t >= T          [mean MW of a period like the last one]

        Rows are of periods t in which some contract grows. Key of a row: site, scenario, T - 1, t - T.
        """
        b = self.build
        for i, site in enumerate(b.problem.sites):
            alike: set[tuple[int, int]] = (
                set()
            )  # scenarios with one delay and one node at T - 1 have the same halls and contracts
            for s in range(b.S):
                needs = services.needs(i, s)
                mark = (int(b.problem.scenarios.node[s, b.T - 1]), int(site.delay[s]))
                known = mark in alike
                alike.add(mark)
                if known and not needs:
                    continue
                for t, contracts in services.after(i, s).items():
                    key = (site.name, s, b.T - 1, t - b.T)
                    if not known:
                        hall = self.ai_hall(i, s, b.T - 1)
                        mw, hall.const = hall.const, 0.0
                        b.row("ai_hall_after", key, total(contracts.values()).plus(hall, -1.0), at_most=mw, unit="USD/MW")
                    served = total(contracts[j].times(need) for j, need in needs.items() if j in contracts)
                    if not served.constant_only:
                        b.row("service_floor_after", key, served.plus(self._power_at_end(i, s), -1.0), at_most=0.0)

    def _power_at_end(self, i: int, s: int) -> Lin:
        """Mean MW at the meter that all sources of a site can bring in the last period."""
        b, site, clock = self.build, self.build.problem.sites[i], self.build.problem.clock
        t, weight = b.T - 1, clock.weight[b.T - 1] / clock.weight[b.T - 1].sum()
        # blocks are a part of the interconnection; without a grid they are all that comes over it
        blocks = sum(float(block.mw[t]) for block in site.blocks)
        out = Lin(blocks) if site.grid is None else self.interconnection(i, s, t).times(self.line_share(i, s))
        for own in site.own:
            out.const += float(own.mw[t]) * float(weight @ own.availability.values(clock, s, t))
        if site.diesel is not None:
            out.const += float(site.diesel.mw[t])
        return out

    def line_share(self, i: int, s: int) -> float:
        """Mean availability of the interconnection in the last period; 0 without a grid."""
        grid, clock = self.build.problem.sites[i].grid, self.build.problem.clock
        if grid is None:
            return 0.0
        if grid.availability is None:
            return 1.0
        weight = clock.weight[clock.periods - 1]
        return float(weight @ grid.availability.values(clock, s, clock.periods - 1)) / float(weight.sum())

    def limit(self, fleet: Fleet, contracted: np.ndarray) -> None:
        """Rigs stand in mining halls, AI services in AI halls.

            sum_r K[r, i, d] <= mining_hall[i, s, d];   sum_j C[j, i, s, d] <= ai_hall[i, s, d]          [MW]

        contracted (I, S, T): critical MW of all services. The dual is the value of one more MW of hall.
        """
        b = self.build
        for i, site in enumerate(b.problem.sites):
            delayed = len(set(site.delay.tolist())) > 1
            points = [(s, d) for s in range(b.S) for d in range(b.T)] if delayed else nodes(b)
            for s, d in points:
                if d >= b.T:
                    continue
                key = (site.name, s, d)
                hall = self.mining_hall(i, s, d)
                # moving the constant to the right makes the dual the price of a hall
                mw, hall.const = hall.const, 0.0
                b.row("mining_hall", key, fleet.at_site(i, s, d).plus(hall, -1.0), at_most=mw, unit="USD/MW")
                if (i, "convert") in self.built:
                    b.row("mining_hall_left", key, self.mining_hall(i, s, d), at_least=0.0)
                hall = self.ai_hall(i, s, d)
                mw, hall.const = hall.const, 0.0
                b.row("ai_hall", key, Lin().plus(contracted[i, s, d]).plus(hall, -1.0), at_most=mw, unit="USD/MW")
