"""The loop: solve the plan, work out every hour of its capacities, cut off what the hours do not give, until nothing is cut off.

Upper bound: the plan with its cuts (each cut holds for every plan, by concavity). Lower bound: the best plan at the capacities found
whose hours are splits that were worked out. They meet when the plan's own split is one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from models.benders.cut_pool import LEFT, REAL, SETTLED, VIOLATED, CutPool, Rows, Site
from models.benders.deepest_cut import Deepest, Found
from models.benders.inner_approximation import Realised
from models.hours.oracle import Split
from models.hours.split_cache import Remembered
from models.problem import Array, Ints
from models.program.recourse_value import SiteValue, Theta

#: units of money per MW and period that hours may cost or bring, for the bound below which no plan burns cash on purpose
BURNING = 1.0
#: how far beyond such sizes bounds are set
FAR = 100.0
#: a plan that earns less of its hours than this share of their size below the best is asked whether it can
BURNT = 1e-7
#: entries of a row below this share of its largest are none: HiGHS would leave them out unsaid, and no proof could lean on such a row
HELD = 1e-12
#: units of money that a block's hours are taken to be worth at least, for what they may be off by
SPECK = 1e-5
#: splits of a site that are remembered
REMEMBERED = 40


class Cuts:
    """The hours of a plan as cuts on a warm solver session.

    session: has lp, solve(), add_rows(lower, upper, rows). split: works out one site (site number, capacity, alpha, rho) -> Split.
    """

    def __init__(
        self,
        theta: Theta,
        session: Any,
        columns: dict[int, int],
        split: Callable[[int, Array, Array, Array], Split] | None = None,
        progress: Callable[..., None] | None = None,
        new_session: Callable[[Any], Any] | None = None,
        expired: Callable[[], bool] | None = None,
        start: list[Array] | None = None,
    ) -> None:
        """start: (B, E) MW of each site at which the first cuts are worked out, where nothing links its hours; None: all there is room
        for."""
        self.new_session = new_session
        self.expired = expired or (lambda: False)
        self.stopped = False  # by `expired`, before the hours were real
        self.within = VIOLATED  # hours that bring a plan this near, relative to what a block earns, bear it out
        self.thrifty = False  # near the optimum: cut in the plan's own directions only, and leave the rest to `real`
        self.theta, self.session, self.unit = theta, session, theta.build.unit
        self._here: list[Remembered] | None = None
        if split is None:
            self.work_out_here()
        else:
            self.split = split
        self.progress = progress or (lambda *_a, **_k: None)
        self.sites = [self._columns(value, columns) for value in theta.values]
        self.pool = CutPool()
        self.deepest = [self._search(i) if len(site.units) and new_session else None for i, site in enumerate(self.sites)]
        self._explored: tuple[Any, list[Found | None]] = (None, [])
        self.attained: tuple[Any, Any] | None = (
            None  # (linear program, answer) of the last plan with real hours, since it was asked for
        )
        self._realised: tuple[Any, Array, Realised] | None = None  # (linear program, x, of which) that was asked for last
        self._known: dict[int, tuple[bytes, dict[bytes, Split]]] = {}  # splits at the capacities asked for last, by direction
        self.best: dict[int, Array] = {}  # site -> (B,) USD the hours were worth when last priced in money
        self.first_row = session.lp.matrix.shape[0]
        self.rounds = 0
        self._begin(start)
        self.begun = self.pool.count

    def work_out_here(self) -> None:
        """From now on hours are worked out in this process."""
        if self._here is None:
            self._here = [Remembered(value.hours) for value in self.theta.values]
        here = self._here
        self.split = lambda i, k, a, r: here[i].split(k, a, r)

    def worked(self, i: int, capacity: Array, alpha: Array, rho: Array) -> Split:
        """`split`, remembered while the capacities of the site are the same: searches and cuts ask for the same directions."""
        at, known = self._known.get(i, (b"", {}))
        here = capacity.tobytes()
        if here != at or len(known) > REMEMBERED:
            known = {}
            self._known[i] = here, known
        key = alpha.tobytes() + rho.tobytes()
        if key not in known:
            known[key] = self.split(i, capacity, alpha, rho)
        return known[key]

    def _columns(self, value: SiteValue, columns: dict[int, int]) -> Site:
        def number(var: Any) -> int:
            return -1 if var is None else columns.get(id(var), -1)

        blocks = value.oracle.blocks
        quantity = np.array([[number(v) for v in q.var] for q in value.quantities], dtype=np.int64).reshape(-1, blocks).T
        return Site(
            value,
            np.array([number(v) for v in value.theta], dtype=np.int64),
            np.array([[number(v) for v in row] for row in value.column], dtype=np.int64).reshape(blocks, -1),
            quantity.copy(),
            np.array([q.unit for q in value.quantities]),
            np.array([q.start for q in value.quantities]).reshape(-1, blocks).T.copy(),
            np.full(blocks, SPECK * self.unit),
        )

    # ---- cuts ------------------------------------------------------------------------------------------------------
    def _begin(self, start: list[Array] | None) -> None:
        """First cuts: where they are asked for, else with all that there is room for; quantities bounded on both sides."""
        highest = self._highest() if start is None else start
        for i, site in enumerate(self.sites):
            blocks, count = len(site.theta), len(site.units)
            one = np.ones(blocks)
            capacity = np.where(site.capacity >= 0, highest[i], site.value.constant)
            self._cut(i, capacity, one, site.start, None)
            if not count:
                continue
            for k in range(count):
                for sign in (1.0, -1.0):
                    rho = np.zeros((blocks, count))
                    rho[:, k] = sign * self.unit / site.units[k]
                    self._cut(i, capacity, np.zeros(blocks), rho, None)
            # cash is bounded from below as well: a plan must not burn what it cannot (where a scenario has no price, it might)
            self._cut(i, capacity, -one, np.zeros((blocks, count)), None)

    def floor(self) -> None:
        """Bounds from below for hours that nothing links, where a plan would burn their cash without end: far under what hours can cost.

        Cuts see to the rest (`separate`).
        """
        for site, highest in zip(self.sites, self._highest(), strict=True):
            if len(site.units):
                continue
            here = site.theta >= 0
            low = FAR * (site.size / self.unit + highest.sum(axis=1) * BURNING)[here]
            self.session.set_column_bounds(site.theta[here], -low, np.full(len(low), np.inf))

    def _sunk(self, x: Array) -> bool:
        """Whether a plan stands at such a bound; it is then moved away."""
        sunk = False
        for site in self.sites:
            if len(site.units):
                continue
            columns = site.theta[site.theta >= 0]
            low = self.session.lp.col_lower[columns]
            at = np.isfinite(low) & (x[columns] <= low * (1.0 - 1e-6))
            if at.any():
                sunk = True
                self.session.set_column_bounds(columns[at], low[at] * FAR, np.full(int(at.sum()), np.inf))
        return sunk

    def _highest(self) -> list[Array]:
        """A rough size of every capacity, MW: what halls, limits and interconnection leave room for."""
        p = self.theta.build.problem
        out = []
        for site in self.sites:
            place = p.sites[site.value.oracle.site]

            def room(name: str, place: Any = place) -> float:
                expansion = getattr(place, name)
                return expansion.limit if expansion is not None and np.isfinite(expansion.limit) else 0.0

            grid = place.interconnection_mw + room("expand")
            halls = {
                "rig": place.mining_mw + room("build_mining"),
                "service": place.ai_mw + room("build_ai") + room("convert"),
                "grid": grid,
            }
            if place.battery is not None:
                halls |= dict.fromkeys(("charge", "discharge"), place.battery.standing + room("store"))
            entries = site.value.oracle.entries
            alike = {kind: sum(e.kind == kind for e in entries) for kind in halls}
            row = [max(halls.get(e.kind, 1.0) / alike.get(e.kind, 1), 1e-3 * max(grid, 1.0)) for e in entries]
            out.append(np.tile(np.array(row), (len(site.theta), 1)))
        return out

    def capacity(self, i: int, x: Array) -> Array:
        """(B, E) MW of site i in a solution."""
        site = self.sites[i]
        return site.value.constant + np.where(site.capacity >= 0, np.maximum(x[site.capacity], 0.0), 0.0)

    def _cut(self, i: int, capacity: Array, alpha: Array, rho: Array, x: Array | None) -> tuple[int, float]:
        """Work out a direction at a capacity and add the rows that x misses (all where x is None): (rows, largest miss in USD)."""
        site = self.sites[i]
        found, alpha, rho = self._held(i, alpha, rho, lambda a, r: self.worked(i, capacity, a, r))
        site.size = np.maximum(site.size, np.abs(found.value))
        if (alpha > 0.0).all():
            self.best[i] = found.value
        if x is None:
            rows = np.arange(len(site.theta))
            miss = 0.0
        else:
            left = alpha * self._value(site.theta, x) * self.unit
            left = left + (rho * self._value(site.quantity, x) * site.units).sum(axis=1)
            off = left - found.value
            rows = np.flatnonzero(off > VIOLATED * site.size)
            miss = float(np.maximum(off, 0.0).max(initial=0.0))
        if len(rows):
            cuts = self._rows(i, rows, alpha[rows], rho[rows], found.slope[rows])
            if x is not None:
                cuts = cuts.some(self._told(cuts, x))
            rows = cuts.blocks
            if len(rows):
                self._append(cuts, capacity[rows])
        return len(rows), miss

    def _told(self, cuts: Rows, x: Array) -> Any:
        """Which of cuts that x misses say something new: one that is there already is missed by the solver's tolerance, for ever."""
        near = cuts.matrix @ x - cuts.upper <= LEFT
        return ~near | ~self.pool.holds(cuts) if near.any() else ~near

    def _held(self, i: int, alpha: Array, rho: Array, work_out: Callable[[Array, Array], Split]) -> tuple[Split, Array, Array]:
        """(split, alpha, rho) of a direction without what rounding leaves in it, for a row that holds all of it.

        An entry that is too small for the row is taken out of the direction, not of the row: hours are worked out without it, so that the
        cut holds for every plan as it stands.
        """
        units = self.sites[i].units / self.unit
        while True:
            found = work_out(alpha, rho)
            most = np.abs(found.slope).max(axis=1, initial=0.0) / self.unit
            size = np.maximum(np.maximum(np.abs(alpha), (np.abs(rho) * units).max(axis=1, initial=0.0)), most)
            small = np.abs(alpha) < HELD * size
            smaller = np.abs(rho) * units < HELD * size[:, None]
            if not (alpha[small].any() or rho[smaller].any()):
                return found, alpha, rho
            alpha, rho = np.where(small, 0.0, alpha), np.where(smaller, 0.0, rho)

    @staticmethod
    def _value(columns: Ints, x: Array) -> Array:
        return np.where(columns >= 0, x[columns], 0.0)

    def _rows(self, i: int, rows: Ints, alpha: Array, rho: Array, slope: Array) -> Rows:
        """alpha theta + rho . q - sum slope * K <= sum slope * constant, in money units."""
        site = self.sites[i]
        numbers = np.concatenate([site.theta[rows, None], site.quantity[rows], site.capacity[rows]], axis=1)
        coefs = np.concatenate([alpha[:, None], rho * site.units / self.unit, -slope / self.unit], axis=1)
        upper = (slope * site.value.constant[rows]).sum(axis=1) / self.unit
        keep = (numbers >= 0) & (coefs != 0.0)
        # rows near 1, so that the solver's absolute tolerance means the same in every row
        size = np.maximum(np.abs(np.where(keep, coefs, 0.0)).max(axis=1), 1e-12)
        keep &= np.abs(coefs) >= HELD * size[:, None]  # of slopes: what rounding leaves of hours worth what they cost
        at = np.repeat(np.arange(len(rows)), keep.sum(axis=1))
        block = sparse.csr_array(
            ((coefs / size[:, None])[keep], (at, numbers[keep])), shape=(len(rows), self.session.lp.matrix.shape[1])
        )
        return Rows(i, rows, alpha / size, rho / size[:, None], slope / size[:, None], block, upper / size)

    def carry(self, i: int, blocks: Ints, alpha: Array, rho: Array, slope: Array, capacity: Array) -> None:
        """Add cuts of site i, one row each, that were worked out of the very same hours: slope (n, E) USD per MW, as of `capacity`."""
        self._append(self._rows(i, blocks, alpha, rho, slope), capacity)

    def again(self, i: int, blocks: Ints, alpha: Array, rho: Array, capacity: Array) -> None:
        """Add a cut for each of `blocks` of site i (each once), worked out in the directions alpha (n,), rho (n, Q) at capacity (n, E) MW."""
        site = self.sites[i]
        count = len(site.theta)
        k, a, r = self._highest()[i], np.ones(count), np.zeros((count, len(site.units)))
        k[blocks], a[blocks], r[blocks] = capacity, alpha, np.where(site.quantity[blocks] >= 0, rho, 0.0)
        found, a, r = self._held(i, a, r, lambda one, other: self.split(i, k, one, other))
        self._append(self._rows(i, blocks, a[blocks], r[blocks], found.slope[blocks]), capacity)

    def _append(self, cuts: Rows, capacity: Array) -> None:
        self.session.add_rows(np.full(len(cuts.blocks), -np.inf), cuts.upper, cuts.matrix)
        pool = self.pool
        pool.site.append(np.full(len(cuts.blocks), cuts.site))
        pool.block.append(cuts.blocks)
        pool.alpha.append(cuts.alpha)
        pool.rho.append(cuts.rho)
        pool.slope.append(cuts.slope)
        pool.capacity.append(capacity)

    # ---- the loop --------------------------------------------------------------------------------------------------
    def directions(self, y: Array) -> list[tuple[Array, Array]]:
        """Per site the direction (alpha, rho) in which the plan values each block's hours: its cuts weighted by their duals."""
        site_of, block_of = np.concatenate(self.pool.site), np.concatenate(self.pool.block)
        weight = self._weights(y)
        out = []
        for i, site in enumerate(self.sites):
            count = len(site.units)
            mine = site_of == i
            blocks = block_of[mine]
            alpha = np.bincount(blocks, weights=weight[mine] * np.concatenate(self.pool.alpha)[mine], minlength=len(site.theta))
            rho = np.zeros((len(site.theta), count))
            if count:
                table = np.concatenate([r for r, s in zip(self.pool.rho, self.pool.site, strict=True) if s[0] == i])
                for k in range(count):
                    rho[:, k] = np.bincount(blocks, weights=weight[mine] * table[:, k], minlength=len(site.theta))
            out.append(site.direction(alpha.astype(float), rho, self.unit))
        return out

    def _weights(self, y: Array) -> Array:
        """Duals of the cuts, as positive numbers; cuts that came after y have none."""
        out = np.zeros(self.pool.count)
        known = np.maximum(-y[self.first_row : self.first_row + self.pool.count], 0.0)
        out[: len(known)] = known
        return out

    def grid_prices(self, y: Array) -> list[Array]:
        """Per site (B,) USD that one more MW of interconnection in the block would add to the objective."""
        site_of, block_of = np.concatenate(self.pool.site), np.concatenate(self.pool.block)
        weight = self._weights(y)
        out: list[Array] = []
        for i, site in enumerate(self.sites):
            grid = [e for e, entry in enumerate(site.value.oracle.entries) if entry.kind == "grid"]
            mine = site_of == i
            price: Array = np.zeros(len(site.theta))
            if grid and mine.any():
                slopes = np.concatenate([x for x, s in zip(self.pool.slope, self.pool.site, strict=True) if s[0] == i])
                price = np.bincount(block_of[mine], weight[mine] * slopes[:, grid[0]], len(site.theta)).astype(float)
            out.append(price)
        return out

    def shift(self, i: int, more: Array) -> None:
        """Capacities of site i grow by `more` (B, E) MW without a decision: every cut holds for the new ones as well."""
        site = self.sites[i]
        site.value.constant = site.value.constant + more
        mine = np.flatnonzero(np.concatenate(self.pool.site) == i)
        block = np.concatenate(self.pool.block)[mine]
        slope = np.concatenate([x for x, s in zip(self.pool.slope, self.pool.site, strict=True) if s[0] == i])
        rows = self.first_row + mine
        upper = self.session.lp.row_upper[rows] + (slope * more[block]).sum(axis=1) / self.unit
        self.session.set_row_bounds(rows, np.full(len(rows), -np.inf), upper)

    def widen(self, factor: float) -> None:
        """Cuts at capacities `factor` times the highest: where the first ones leave the plan unbounded."""
        for i, (site, highest) in enumerate(zip(self.sites, self._highest(), strict=True)):
            for entry in range(site.capacity.shape[1]):
                capacity = np.where(site.capacity >= 0, highest, site.value.constant)
                capacity[:, entry] *= np.where(site.capacity[:, entry] >= 0, factor, 1.0)
                self._cut(i, capacity, np.ones(len(site.theta)), site.start, None)

    def tighten(self, answer: Any, most: int = 400) -> tuple[Any, float]:
        """Cut and solve until the answer's hours are real: (answer, largest miss in USD).

        Stops at any answer that is not optimal, and when time is up: the answer is then an upper bound only.
        """
        miss, before = np.inf, np.nan
        for _ in range(most):
            self.stopped = self.expired()
            if answer.status.value != "optimal" or self.stopped:
                return answer, miss
            # where the last cuts gained nothing, linked hours are asked whether they bear the plan out already
            still = abs(answer.objective - before) <= REAL * abs(before)
            before = answer.objective
            added, miss = self.separate(answer, linked=not still) if self.thrifty else self.cut(answer, still)
            if not added and not self._sunk(answer.x):
                return answer, miss
            answer = self.session.solve()
            self.rounds += 1
            self.progress("cuts", round=self.rounds, cuts=self.pool.count, added=added, miss=miss)
        return answer, miss

    def cut(self, answer: Any, still: bool) -> tuple[int, float]:
        """Add the cuts that an optimum misses most: (rows added, largest miss in USD). still: the last ones gained nothing."""
        added, miss = self.separate(answer, linked=not still)
        if not still:
            more, deep = self.separate_blocks(answer)
            added, miss = added + more, max(miss, deep)
        if not added:
            added, miss = self.separate_quantities(answer)
        if not added and miss > 0.0:
            added, miss = self.separate_blocks(answer)
        return added, miss

    def _search(self, i: int) -> Deepest:
        site = self.sites[i]
        there = np.concatenate([site.theta[:, None] >= 0, site.quantity >= 0], axis=1).astype(float)

        def bring(capacity: Array, direction: Array) -> Array:
            split = self.worked(i, capacity, *self.natural(i, direction))
            theta, q = site.value.point(split)
            return np.concatenate([theta[:, None] / self.unit, q / site.units], axis=1)

        assert self.new_session is not None
        new_session = self.new_session
        return Deepest(there, bring, lambda lp: new_session(lp).solve())

    def natural(self, i: int, direction: Array) -> tuple[Array, Array]:
        """(alpha, rho USD per natural unit) of a direction in units of the program; the same bits each time, as ties hang on them."""
        return direction[:, 0].copy(), direction[:, 1:] * (self.unit / self.sites[i].units)

    def explore(self, answer: Any) -> list[Found | None]:
        """Per site with linked quantities: how far the answer's cash and quantities lie beyond what its hours can bring."""
        if self._explored[0] is not answer:
            out: list[Found | None] = []
            for i, (site, search) in enumerate(zip(self.sites, self.deepest, strict=True)):
                if search is None:
                    out.append(None)
                    continue
                alpha, rho = self.directions(answer.y)[i]
                z = self._value(np.concatenate([site.theta[:, None], site.quantity], axis=1), answer.x)
                dual = np.concatenate([alpha[:, None], rho * site.units / self.unit], axis=1)
                tolerance = self.within * site.size / self.unit
                out.append(search.search(self.session.lp, self.capacity(i, answer.x), z, dual, tolerance))
            self._explored = (answer, out)
        return self._explored[1]

    def separate_blocks(self, answer: Any) -> tuple[int, float]:
        """The cut that each block with linked quantities misses most: (rows added, largest miss in USD)."""
        added, miss = 0, 0.0
        for i, found in enumerate(self.explore(answer)):
            if found is not None and not found.inside:
                for d in (found.direction, *(d for d, _ in found.tried[-2:])):
                    rows, off = self._cut(i, self.capacity(i, answer.x), *self.natural(i, d), answer.x)
                    added, miss = added + rows, max(miss, off)
        return added, miss

    def separate_quantities(self, answer: Any) -> tuple[int, float]:
        """Where hours are linked by quantities: cuts in the directions that the best real plan at these capacities prices.

        By duality the answer misses one of them unless it is worth no more than that plan. (0, 0.0): the hours bear the answer out.
        """
        if self.new_session is None or not any(len(site.units) for site in self.sites):
            return 0, 0.0
        if all(found is None or found.inside for found in self.explore(answer)):
            return 0, 0.0
        realised = self.realised(self.session.lp, answer)
        session, found = realised.price_in(answer.objective, REAL)
        if found.status.value != "optimal":
            return 0, np.inf
        # the program may pay for hours that are not real: it attains nothing then
        n = len(self.session.lp.cost)
        if not (found.x[n:][session.lp.cost[n:] > 0.0] > SETTLED).any():
            self.attained = session.lp, found
        off = abs(answer.objective - found.objective)
        if off <= REAL * max(abs(answer.objective), 1e-300):
            return 0, 0.0
        added, miss = 0, off * self.unit
        m = self.session.lp.matrix.shape[0]
        for i, direction in enumerate(realised.prices(found.y[m:])):
            if direction is not None:
                rows, missed = self._cut(i, realised.capacity[i], *direction, answer.x)
                added, miss = added + rows, max(miss, missed)
        return added, miss

    def realised(self, lp: Any, answer: Any) -> Realised:
        """What real hours attain at an answer's capacities; the last one goes on where it is asked for again."""
        assert self.new_session is not None
        if self._realised is None or self._realised[0] is not lp or self._realised[1] is not answer.x:
            self._realised = lp, answer.x, Realised(self, lp, answer, self.new_session)
        return self._realised[2]

    def real(self, answer: Any, near: bool = False) -> bool:
        """Whether the hours bear an answer out; where they do not, the cuts that say so have been added.

        near: cuts of blocks that lie outside are tried before the best plan of real hours is asked for, which may bear the answer out
        all the same, but takes many times as long.
        """
        if self._sunk(answer.x) or self.separate(answer)[0] or (near and self.separate_blocks(answer)[0]):
            return False
        added, miss = self.separate_quantities(answer)
        return not added and not (miss > 0.0 and self.separate_blocks(answer)[0])

    def separate(self, answer: Any, linked: bool = True) -> tuple[int, float]:
        """Add the cuts that an answer misses: (rows added, largest miss in USD). linked: at sites with linked quantities too."""
        added, miss = 0, 0.0
        for i, (site, (alpha, rho)) in enumerate(zip(self.sites, self.directions(answer.y), strict=True)):
            if len(site.units) and not linked:
                continue
            capacity = self.capacity(i, answer.x)
            rows, off = self._cut(i, capacity, alpha, rho, answer.x)
            added, miss = added + rows, max(miss, off)
            planned = self._value(site.theta, answer.x) * self.unit
            if not len(site.units) and (planned < self.best[i] - BURNT * site.size).any():
                rows, off = self._cut(i, capacity, -alpha, rho, answer.x)
                added, miss = added + rows, max(miss, off)
        return added, miss
