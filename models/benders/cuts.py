"""The loop: solve the plan, work out every hour of its capacities, cut off what the hours do not give, until nothing is cut off.

Upper bound: the plan with its cuts (each cut holds for every plan, by concavity). Lower bound: the best plan at the capacities found
whose hours are splits that were worked out. They meet when the plan's own split is one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from models.benders.deepest_cut import Deepest, Found
from models.hours.oracle import Split
from models.hours.split_cache import Remembered
from models.problem import Array, Ints
from models.program.recourse_value import Mixture, SiteValue, Theta

#: what a unit (of the program) of theta or quantity that no split brings costs while splits are still being priced in
PENALTY = 1e4
#: a plan with linked quantities is real when it is worth this close (relative) to the best mixture of splits
REAL = 1e-9
#: USD per MW and period that an hour's power may cost or bring, for the bound below which no plan burns cash on purpose
BURNING = 1e5
#: how far beyond such sizes bounds are set
FAR = 100.0
#: a plan that earns less of its hours than this share of their size below the best is asked whether it can
BURNT = 1e-7
#: a quantity (in units of the program) that moves by no more than this does not move
SETTLED = 1e-9
#: units of the program of what hours bring that the solver's tolerance may leave unexplained
LEFT = 1e-8
#: so many splits in a row that gain nothing end the search for more
IDLE = 5
#: a cut is added where it is missed by more than this share of the block's size
VIOLATED = 1e-10
#: entries of a row below this share of its largest are none: HiGHS would leave them out unsaid, and no proof could lean on such a row
HELD = 1e-12
#: splits of a site that are remembered
REMEMBERED = 40


@dataclass
class Site:
    """Column numbers of one site in the program."""

    value: SiteValue
    theta: Ints
    capacity: Ints  # (B, E), -1 where there is no variable
    quantity: Ints  # (B, Q), -1 where there is none
    units: Array  # (Q,)
    start: Array  # (B, Q)
    size: Array  # (B,) USD: largest value seen, what a violation is measured against

    def direction(self, alpha: Array, rho: Array, unit: float) -> tuple[Array, Array]:
        """The same directions with entries up to 1 in program units; where there is none, the one to start with."""
        if not len(self.units):
            return np.ones(len(alpha)), rho
        size = np.maximum(np.abs(alpha), (np.abs(rho) * self.units / unit).max(axis=1))
        known = size > 1e-12 * max(float(size.max(initial=0.0)), 1e-300)
        scale = np.where(known, size, 1.0)
        return np.where(known, alpha / scale, 1.0), np.where(known[:, None], rho / scale[:, None], self.start)


@dataclass(frozen=True)
class Rows:
    """Cuts of one site as rows of the program."""

    site: int
    blocks: Ints
    alpha: Array
    rho: Array
    slope: Array
    matrix: Any  # csr, one row a cut
    upper: Array


@dataclass
class CutPool:
    """Every cut, in the order of its row: site, block, direction, slopes (program units)."""

    site: list[Ints] = field(default_factory=list)
    block: list[Ints] = field(default_factory=list)
    alpha: list[Array] = field(default_factory=list)
    rho: list[Array] = field(default_factory=list)  # (n, Q) of the site
    slope: list[Array] = field(default_factory=list)  # (n, E)
    capacity: list[Array] = field(default_factory=list)  # (n, E) MW that it was worked out at

    @property
    def count(self) -> int:
        return sum(len(x) for x in self.block)


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
            np.full(blocks, 1.0),
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
            low = FAR * (site.size + highest.sum(axis=1) * BURNING)[here] / self.unit
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
            self._append(self._rows(i, rows, alpha[rows], rho[rows], found.slope[rows]), capacity[rows])
        return len(rows), miss

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


class Realised:
    """The best plan at fixed capacities whose hours are mixtures of splits that were worked out: what is really attained.

    The program of the session with its capacities fixed, and for every block with linked quantities
        theta = sum_p share_p theta_p,   q = sum_p share_p q_p,   sum_p share_p = 1
    where p runs over splits at these capacities. More are priced in until the plan's value cannot rise.
    """

    def __init__(self, cuts: Cuts, lp: Any, answer: Any, new_session: Callable[[Any], Any]) -> None:
        self.cuts, self.lp, self.new_session = cuts, lp, new_session
        self.capacity = [cuts.capacity(i, answer.x) for i in range(len(cuts.sites))]
        self.planned = [cuts._value(site.quantity, answer.x) for site in cuts.sites]
        self.points: list[list[tuple[Array, Array, Array, Array]]] = [[] for _ in cuts.sites]  # alpha, rho, theta, q
        self._end: tuple[Any, Any, list[tuple[int, int]]] | None = None  # (session, answer, groups of shares) with these points
        self._before: tuple[Any, list[tuple[int, int]]] | None = None  # (session, groups of shares) with the points before
        for i, (site, found) in enumerate(zip(cuts.sites, cuts.explore(answer), strict=True)):
            for d, z in found.tried if found is not None else ():
                self.points[i].append((*cuts.natural(i, d), z[:, 0] * cuts.unit, z[:, 1:] * site.units))

    def _add(self, i: int, alpha: Array, rho: Array) -> None:
        split = self.cuts.worked(i, self.capacity[i], alpha, rho)
        theta, q = self.cuts.sites[i].value.point(split)
        self.points[i].append((alpha, rho, theta, q))

    def learn(self, other: Realised) -> None:
        """Take over the splits at the same capacities that another aim has asked for."""
        for mine, theirs in zip(self.points, other.points, strict=True):
            known = {alpha.tobytes() + rho.tobytes() for alpha, rho, *_ in mine}
            mine.extend(point for point in theirs if point[0].tobytes() + point[1].tobytes() not in known)
        self._end = self._before = None

    def program(self) -> tuple[Any, list[tuple[int, int]]]:
        """(linear program, (site, point) of each group of B share columns)."""
        lp, cuts = self.lp, self.cuts
        lower, upper = lp.col_lower.copy(), lp.col_upper.copy()
        for i, site in enumerate(cuts.sites):
            used = site.capacity >= 0
            lower[site.capacity[used]] = upper[site.capacity[used]] = self.capacity[i][used] - site.value.constant[used]
        n = lp.matrix.shape[1]
        groups: list[tuple[int, int]] = []
        rows: list[Any] = []
        shares: list[Any] = []
        right: list[Array] = []
        start = 0
        for i, site in enumerate(cuts.sites):
            if not len(site.units):
                continue
            blocks, points = len(site.theta), len(self.points[i])
            columns = start + np.arange(points)[:, None] * blocks + np.arange(blocks)
            start += points * blocks
            groups.extend((i, p) for p in range(points))
            tables = [(site.theta, [theta / cuts.unit for _, _, theta, _ in self.points[i]])]
            for k in range(len(site.units)):
                tables.append((site.quantity[:, k], [q[:, k] / site.units[k] for *_, q in self.points[i]]))
            for column, values in tables:
                here = np.flatnonzero(column >= 0)
                rows.append(sparse.csr_array((np.ones(len(here)), (np.arange(len(here)), column[here])), shape=(len(here), n)))
                at = np.tile(np.arange(len(here)), points)
                data = -np.array(values)[:, here].ravel()
                shares.append((data, at, columns[:, here].ravel(), len(here)))
                right.append(np.zeros(len(here)))
            rows.append(sparse.csr_array((blocks, n)))
            shares.append((np.ones(points * blocks), np.tile(np.arange(blocks), points), columns.ravel(), blocks))
            right.append(np.ones(blocks))
        if not groups:
            return replace(lp, col_lower=lower, col_upper=upper), groups
        m = sum(rows_here for *_, rows_here in shares)
        slack = sparse.hstack([sparse.eye_array(m, format="csr"), -sparse.eye_array(m, format="csr")], format="csr")
        left = sparse.vstack([lp.matrix, *rows], format="csc")
        more = sparse.vstack([sparse.csr_array((d, (r, c)), shape=(k, start)) for d, r, c, k in shares], format="csr")
        new = sparse.vstack([sparse.csr_array((lp.matrix.shape[0], start + 2 * m)), sparse.hstack([more, slack])], format="csc")
        made = replace(
            lp,
            cost=np.concatenate([lp.cost, np.zeros(start), np.full(2 * m, PENALTY * lp.cost_scale)]),
            matrix=sparse.csc_array(sparse.hstack([left, new], format="csc")),
            row_lower=np.concatenate([lp.row_lower, *right]),
            row_upper=np.concatenate([lp.row_upper, *right]),
            col_lower=np.concatenate([lower, np.zeros(start + 2 * m)]),
            col_upper=np.concatenate([upper, np.full(start + 2 * m, np.inf)]),
        )
        return made, groups

    def price_in(self, bound: float, gap: float, most: int = 60) -> tuple[Any, Any]:
        """(session, answer): splits are added until none is worth more at the answer's prices, or the objective is within gap of bound.

        Where the solver fails with the last of them, what it found without them stands.
        """
        m = self.lp.matrix.shape[0]
        session, answer = None, None
        before, idle = np.nan, 0
        optimal: tuple[Any, Any, list[tuple[int, int]]] | None = None
        for _ in range(most):
            session, answer, groups = self._end = self._end or self._solve()
            if answer.status.value != "optimal":
                if optimal is not None:
                    session, answer, groups = self._end = optimal
                    for i, points in enumerate(self.points):
                        del points[sum(g[0] == i for g in groups) :]
                break
            optimal = self._end
            idle = idle + 1 if abs(answer.objective - before) <= 0.1 * REAL * abs(before) else 0
            before = answer.objective
            if idle == IDLE:
                break
            near = abs(bound - answer.objective) <= gap * max(abs(bound), 1e-300)
            if near or not groups or not self._price(answer.y[m:]):
                break
            self._before, self._end = (session, groups), None
        return session, answer

    def _solve(self) -> tuple[Any, Any, list[tuple[int, int]]]:
        """(session, answer, groups of shares) with the points at hand; it begins where the last one ended, new shares at nothing."""
        made, groups = self.program()
        session = self.new_session(made)
        if self._before is not None:
            former, shared = self._before
            n, count = self.lp.matrix.shape[1], len(made.cost)
            blocks = [len(site.theta) for site in self.cuts.sites]
            start = dict(zip(shared, n + np.cumsum([0, *(blocks[i] for i, _ in shared)]), strict=False))
            shares = [start[g] + np.arange(blocks[g[0]]) if g in start else np.full(blocks[g[0]], -1) for g in groups]
            slack = count - n - sum(map(len, shares))
            columns = np.concatenate([np.arange(n), *shares, len(former.lp.cost) - slack + np.arange(slack)])
            session.follow(former, columns.astype(np.int64))
        elif self.cuts.session.lp.matrix.shape[0] == self.lp.matrix.shape[0]:
            # new rows in the basis, new columns at nothing: what the program's own basis is worth holds, and simplex mends what hours lack
            n = self.lp.matrix.shape[1]
            session.follow(self.cuts.session, np.concatenate([np.arange(n), np.full(len(made.cost) - n, -1)]))
        return session, session.solve(primal=self._before is not None), groups

    def mixtures(self, session: Any, answer: Any, choose: Callable[[Any, Any], Any]) -> tuple[Any, list[Mixture]]:
        """The chosen plan among equal ones, and how the splits mix in it."""
        n = self.lp.matrix.shape[1]
        groups = [(i, p) for i, points in enumerate(self.points) for p in range(len(points))]
        start = n + sum(len(self.points[i][p][0]) for i, p in groups)
        slack = np.arange(start, len(answer.x))
        # what the solver's tolerance leaves stays: without it there may be no plan at all
        left = np.clip(answer.x[slack], 0.0, LEFT)
        session.set_column_bounds(slack, np.zeros(len(slack)), left)
        self._end = self._before = None  # the session is another program now
        answer = choose(session, answer)
        out = [Mixture(k, []) for k in self.capacity]
        start = n
        for i, p in groups:
            alpha, rho, *_ = self.points[i][p]
            out[i].parts.append((alpha, rho, np.maximum(answer.x[start : start + len(alpha)], 0.0)))
            start += len(alpha)
        for i, site in enumerate(self.cuts.sites):
            if not len(site.units):
                out[i].parts.extend(self.plain(i, answer.x).parts)
            else:
                total = np.sum([share for *_, share in out[i].parts], axis=0)
                out[i].parts[:] = [(a, r, s / total) for a, r, s in out[i].parts if s.any()]
        return answer, out

    def standing(self, answer: Any) -> list[Mixture] | None:
        """How the splits mix to the answer as it stands; None where they do not bring all of it."""
        out: list[Mixture] = []
        for i, found in enumerate(self.cuts.explore(answer)):
            if found is None:
                if len(self.cuts.sites[i].units):
                    return None
                out.append(self.plain(i, answer.x))
                continue
            if found.shares is None:
                return None
            shares = np.maximum(found.shares, 0.0)
            shares = shares / shares.sum(axis=0)
            mixed = zip(found.tried, shares, strict=True)
            out.append(Mixture(self.capacity[i], [(*self.cuts.natural(i, d), share) for (d, _), share in mixed if share.any()]))
        return out

    def plain(self, i: int, x: Array) -> Mixture:
        """The hours of a site that nothing links: its best split; where a plan earns less on purpose (tax law can make it pay), so much
        of the worst one that the cash is the plan's."""
        site, capacity = self.cuts.sites[i], self.capacity[i]
        one, none = np.ones(len(site.theta)), np.zeros((len(site.theta), len(site.units)))
        best = self.cuts.worked(i, capacity, one, none).value
        planned = np.where(site.theta >= 0, x[site.theta] * self.cuts.unit, best)
        if not (planned < best - VIOLATED * np.maximum(np.abs(best), site.size)).any():
            return Mixture(capacity, [(one, none, one)])
        worst = -self.cuts.worked(i, capacity, -one, none).value
        room = best - worst
        share = np.clip(np.where(room > 0.0, (planned - worst) / np.where(room > 0.0, room, 1.0), 1.0), 0.0, 1.0)
        return Mixture(capacity, [(one, none, share), (-one, none, 1.0 - share)])

    def prices(self, y: Array) -> list[tuple[Array, Array] | None]:
        """Per site the direction (alpha, rho) that the duals y of the mixture rows ask for; None without linked quantities."""
        at = 0
        out: list[tuple[Array, Array] | None] = []
        for site in self.cuts.sites:
            count, blocks = len(site.units), len(site.theta)
            if not count:
                out.append(None)
                continue
            alpha, rho = np.zeros(blocks), np.zeros((blocks, count))
            here = np.flatnonzero(site.theta >= 0)
            alpha[here] = -y[at : at + len(here)]
            at += len(here)
            for k in range(count):
                here = np.flatnonzero(site.quantity[:, k] >= 0)
                rho[here, k] = -y[at : at + len(here)] * self.cuts.unit / site.units[k]
                at += len(here)
            at += blocks
            rho[self._settled(len(out))] = 0.0
            out.append(site.direction(alpha, rho, self.cuts.unit))
        return out

    def _settled(self, i: int) -> Any:
        """(B, Q) quantities that every split at these capacities brings alike, as the plan has them: their duals are whatever the
        penalty lets them be, and would drown the others."""
        site = self.cuts.sites[i]
        found = np.array([q for *_, q in self.points[i]]) / site.units
        return (np.ptp(found, axis=0) <= SETTLED) & (np.abs(self.planned[i] - found[0]) <= SETTLED)

    def _price(self, y: Array) -> bool:
        """Add the splits that the duals of the mixture rows ask for; False where none is worth more than what is there."""
        better = False
        for i, direction in enumerate(self.prices(y)):
            if direction is None:
                continue
            alpha, rho = direction
            before = np.max([alpha * theta + (rho * q).sum(axis=1) for *_, theta, q in self.points[i]], axis=0)
            self._add(i, alpha, rho)
            *_, theta, q = self.points[i][-1]
            gain = alpha * theta + (rho * q).sum(axis=1) - before
            size = np.abs(alpha * theta) + (np.abs(rho * q)).sum(axis=1) + 1e-9 * self.cuts.unit
            if (gain > VIOLATED * size).any():
                better = True
            else:
                self.points[i].pop()
        return better
