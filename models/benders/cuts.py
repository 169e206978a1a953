"""The loop: solve the plan, work out every hour of its capacities, cut off what the hours do not give, until nothing is cut off.

Upper bound: the plan with its cuts (each cut holds for every plan, by concavity). Lower bound: the best plan at the capacities found
whose hours are splits that were worked out. They meet when the plan's own split is one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from scipy import sparse

from models.benders.cut_pool import CUT_TOLERANCE, MAX_SLACK_LEFT, REAL_TOLERANCE, UNMOVED_QUANTITY, CutPool, Rows
from models.benders.deepest_cut import DeepestCut, Found
from models.benders.inner_approximation import InnerApproximation
from models.benders.solver_protocol import RowSession, SolverSession
from models.benders.subproblems import Subproblems, WorkOut, values_of
from models.hours.subproblem import RecourseSolution
from models.problem import Array, Ints
from models.program.recourse_value import RecourseValues

#: units of money per MW and period that hours may cost or bring, for the bound below which no plan burns cash on purpose
HIGHEST_CASH_PER_MW = 1.0
#: how far beyond such sizes bounds are set
FLOOR_FACTOR = 100.0
#: rounds of cuts at most
MAX_ROUNDS = 400
#: a plan that earns less of its hours than this share of their size below the best is asked whether it can
BURNT_SHARE = 1e-7
#: entries of a row below this share of its largest are none: HiGHS would leave them out unsaid, and no proof could lean on such a row
SMALLEST_ENTRY = 1e-12


class Separation(Enum):
    """In which directions plans are cut off."""

    EVERY = "every direction in which an answer misses its hours"
    #: near the optimum; what it leaves is for `Cuts.real`
    OWN = "the plan's own"


@dataclass(frozen=True)
class Round:
    """One round of cuts that was solved: its number, rows that were added before, largest miss in USD, and what it has come to.

    attained: (linear program, answer) of a plan with real hours that was found since the last round.
    """

    number: int
    cuts: int
    added: int
    miss: float
    lp: Any
    answer: Any  # None where no bound of the whole program follows from it
    attained: tuple[Any, Any] | None = None


@dataclass(frozen=True)
class Tightened:
    """answer: the optimum whose hours are real; an upper bound only where the rounds or the time were up (`stopped`), or another end.
    miss: the largest, in USD."""

    answer: Any
    miss: float
    stopped: bool = False


Report = Callable[[Round], None]


class Cuts:
    """The hours of a plan as cuts on a warm solver session."""

    def __init__(
        self,
        recourse: RecourseValues,
        session: RowSession,
        columns: dict[int, int],
        recourse_solution: WorkOut | None = None,
        new_session: Callable[[Any], SolverSession] | None = None,
        start: list[Array] | None = None,
        near: float = CUT_TOLERANCE,
    ) -> None:
        """new_session: opens a session with a program beside this one; needed where hours are linked by quantities.

        start: (B, E) MW of each site at which the first cuts are worked out, where nothing links its hours; None: all there is room for.
        near: hours that bring a plan this near, relative to what a block earns, bear it out.
        """
        self.new_session, self.near = new_session, near
        self.recourse, self.unit = recourse, recourse.build.unit
        self.session: Any = session  # a `SolverSession` from `move_to` on
        self.hours = Subproblems(recourse, columns, recourse_solution)
        self.sites = self.hours.sites
        self.pool = CutPool()
        self.deepest_cuts = [self._search(i) if len(site.units) and new_session else None for i, site in enumerate(self.sites)]
        self._explored: tuple[Any, list[Found | None]] = (None, [])
        self._attained: tuple[Any, Any] | None = None  # as `Round.attained`
        self._inner: tuple[Any, Array, InnerApproximation] | None = None  # (linear program, x, of which) that was asked for last
        self.best: dict[int, Array] = {}  # site -> (B,) USD the hours were worth when last priced in money
        self.first_row = session.lp.matrix.shape[0]
        self.rounds = 0
        self._begin(start)
        self.begun = self.pool.count

    @property
    def linked(self) -> bool:
        """Whether hours are linked by quantities anywhere."""
        return self.hours.linked

    def capacity(self, i: int, x: Array) -> Array:
        """(B, E) MW of site i in a solution."""
        return self.hours.capacity(i, x)

    def move_to(self, session: SolverSession) -> None:
        """Go on in another session of the same program, which is given every cut."""
        lp, first = self.session.lp, self.first_row
        self.session = session
        session.add_rows(lp.row_lower[first:], lp.row_upper[first:], lp.matrix.tocsr()[first:])

    # ---- cuts ------------------------------------------------------------------------------------------------------
    def _begin(self, start: list[Array] | None) -> None:
        """First cuts: where they are asked for, else with all that there is room for; quantities bounded on both sides."""
        highest = self._highest() if start is None else start
        for i, site in enumerate(self.sites):
            blocks, count = len(site.recourse), len(site.units)
            one = np.ones(blocks)
            capacity = np.where(site.capacity >= 0, highest[i], site.constant)
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
            here = site.recourse >= 0
            low = FLOOR_FACTOR * (site.size / self.unit + highest.sum(axis=1) * HIGHEST_CASH_PER_MW)[here]
            self.session.set_column_bounds(site.recourse[here], -low, np.full(len(low), np.inf))

    def _sunk(self, x: Array) -> bool:
        """Whether a plan stands at such a bound; it is then moved away."""
        sunk = False
        for site in self.sites:
            if len(site.units):
                continue
            columns = site.recourse[site.recourse >= 0]
            low = self.session.lp.col_lower[columns]
            at = np.isfinite(low) & (x[columns] <= low * (1.0 - 1e-6))
            if at.any():
                sunk = True
                self.session.set_column_bounds(columns[at], low[at] * FLOOR_FACTOR, np.full(int(at.sum()), np.inf))
        return sunk

    def _highest(self) -> list[Array]:
        """A rough size of every capacity, MW: what halls, limits and interconnection leave room for."""
        p = self.recourse.build.problem
        out = []
        for site in self.sites:
            place = p.sites[site.value.subproblem.site]

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
            entries = site.value.subproblem.entries
            alike = {kind: sum(e.kind == kind for e in entries) for kind in halls}
            row = [max(halls.get(e.kind, 1.0) / alike.get(e.kind, 1), 1e-3 * max(grid, 1.0)) for e in entries]
            out.append(np.tile(np.array(row), (len(site.recourse), 1)))
        return out

    def _cut(self, i: int, capacity: Array, alpha: Array, rho: Array, x: Array | None) -> tuple[int, float]:
        """Work out a direction at a capacity and add the rows that x misses (all where x is None): (rows, largest miss in USD)."""
        site = self.sites[i]
        found, alpha, rho = self._without_tiny_entries(i, alpha, rho, lambda a, r: self.hours.worked(i, capacity, a, r))
        site.size = np.maximum(site.size, np.abs(found.value))
        if (alpha > 0.0).all():
            self.best[i] = found.value
        if x is None:
            rows = np.arange(len(site.recourse))
            miss = 0.0
        else:
            left = alpha * values_of(site.recourse, x) * self.unit
            left = left + (rho * values_of(site.quantity, x) * site.units).sum(axis=1)
            off = left - found.value
            rows = np.flatnonzero(off > CUT_TOLERANCE * site.size)
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
        near = cuts.matrix @ x - cuts.upper <= MAX_SLACK_LEFT
        return ~near | ~self.pool.holds(cuts) if near.any() else ~near

    def _without_tiny_entries(
        self, i: int, alpha: Array, rho: Array, work_out: Callable[[Array, Array], RecourseSolution]
    ) -> tuple[RecourseSolution, Array, Array]:
        """(split, alpha, rho) of a direction without what rounding leaves in it, for a row that holds all of it.

        An entry that is too small for the row is taken out of the direction, not of the row: hours are worked out without it, so that the
        cut holds for every plan as it stands.
        """
        units = self.sites[i].units / self.unit
        while True:
            found = work_out(alpha, rho)
            most = np.abs(found.slope).max(axis=1, initial=0.0) / self.unit
            size = np.maximum(np.maximum(np.abs(alpha), (np.abs(rho) * units).max(axis=1, initial=0.0)), most)
            small = np.abs(alpha) < SMALLEST_ENTRY * size
            smaller = np.abs(rho) * units < SMALLEST_ENTRY * size[:, None]
            if not (alpha[small].any() or rho[smaller].any()):
                return found, alpha, rho
            alpha, rho = np.where(small, 0.0, alpha), np.where(smaller, 0.0, rho)

    def _rows(self, i: int, rows: Ints, alpha: Array, rho: Array, slope: Array) -> Rows:
        """alpha theta + rho . q - sum slope * K <= sum slope * constant, in money units."""
        site = self.sites[i]
        numbers = np.concatenate([site.recourse[rows, None], site.quantity[rows], site.capacity[rows]], axis=1)
        coefs = np.concatenate([alpha[:, None], rho * site.units / self.unit, -slope / self.unit], axis=1)
        upper = (slope * site.constant[rows]).sum(axis=1) / self.unit
        keep = (numbers >= 0) & (coefs != 0.0)
        # rows near 1, so that the solver's absolute tolerance means the same in every row
        size = np.maximum(np.abs(np.where(keep, coefs, 0.0)).max(axis=1), 1e-12)
        keep &= np.abs(coefs) >= SMALLEST_ENTRY * size[:, None]  # of slopes: what rounding leaves of hours worth what they cost
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
        count = len(site.recourse)
        k, a, r = self._highest()[i], np.ones(count), np.zeros((count, len(site.units)))
        k[blocks], a[blocks], r[blocks] = capacity, alpha, np.where(site.quantity[blocks] >= 0, rho, 0.0)
        found, a, r = self._without_tiny_entries(i, a, r, lambda one, other: self.hours.recourse_solution(i, k, one, other))
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
            alpha = np.bincount(
                blocks, weights=weight[mine] * np.concatenate(self.pool.alpha)[mine], minlength=len(site.recourse)
            )
            rho = np.zeros((len(site.recourse), count))
            if count:
                table = np.concatenate([r for r, s in zip(self.pool.rho, self.pool.site, strict=True) if s[0] == i])
                for k in range(count):
                    rho[:, k] = np.bincount(blocks, weights=weight[mine] * table[:, k], minlength=len(site.recourse))
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
            grid = [e for e, entry in enumerate(site.value.subproblem.entries) if entry.kind == "grid"]
            mine = site_of == i
            price: Array = np.zeros(len(site.recourse))
            if grid and mine.any():
                slopes = np.concatenate([x for x, s in zip(self.pool.slope, self.pool.site, strict=True) if s[0] == i])
                price = np.bincount(block_of[mine], weight[mine] * slopes[:, grid[0]], len(site.recourse)).astype(float)
            out.append(price)
        return out

    def shift(self, i: int, more: Array) -> None:
        """Capacities of site i grow by `more` (B, E) MW without a decision: every cut holds for the new ones as well."""
        site = self.sites[i]
        site.constant = site.constant + more
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
                capacity = np.where(site.capacity >= 0, highest, site.constant)
                capacity[:, entry] *= np.where(site.capacity[:, entry] >= 0, factor, 1.0)
                self._cut(i, capacity, np.ones(len(site.recourse)), site.start, None)

    def cutting_plane_loop(
        self,
        answer: Any,
        separation: Separation = Separation.EVERY,
        *,
        most: int = MAX_ROUNDS,
        solve: Callable[[], Any] | None = None,
        expired: Callable[[], bool] | None = None,
        report: Report | None = None,
    ) -> Tightened:
        """The cutting-plane loop: cut and solve until the answer's hours are real.

        Stops at any answer that is not optimal, after `most` rounds, and when time is up (`expired`). solve: how the session is solved;
        None: `session.solve`. report: is told of every round; without one, what real hours attain on the way is forgotten.
        """
        solve = solve or self.session.solve
        miss, before = np.inf, np.nan
        for _ in range(most):
            stopped = expired is not None and expired()
            if not answer.optimal or stopped:
                return Tightened(answer, miss, stopped)
            # where the last cuts gained nothing, linked hours are asked whether they bear the plan out already
            still = abs(answer.objective - before) <= REAL_TOLERANCE * abs(before)
            before = answer.objective
            own = separation is Separation.OWN
            added, miss = self.separate(answer, linked=not still) if own else self.cut(answer, still)
            if not added and not self._sunk(answer.x):
                break
            answer = solve()
            self.round_done(added, miss, answer, report)
        if report is None:
            self._attained = None
        return Tightened(answer, miss)

    def round_done(self, added: int, miss: float, answer: Any, report: Report | None) -> None:
        """Count a round and report it; answer: what it has come to, None where no bound of the whole program follows from it."""
        self.rounds += 1
        if report is not None:
            attained, self._attained = self._attained, None
            report(Round(self.rounds, self.pool.count, added, miss, self.session.lp, answer, attained))

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

    def _search(self, i: int) -> DeepestCut:
        site = self.sites[i]
        there = np.concatenate([site.recourse[:, None] >= 0, site.quantity >= 0], axis=1).astype(float)

        def bring(capacity: Array, direction: Array) -> Array:
            recourse, q = self.hours.point(i, capacity, *self.hours.natural(i, direction))
            return np.concatenate([recourse[:, None] / self.unit, q / site.units], axis=1)

        assert self.new_session is not None
        new_session = self.new_session
        return DeepestCut(there, bring, lambda lp: new_session(lp).solve())

    def explore(self, answer: Any) -> list[Found | None]:
        """Per site with linked quantities: how far the answer's cash and quantities lie beyond what its hours can bring."""
        if self._explored[0] is not answer:
            out: list[Found | None] = []
            for i, (site, search) in enumerate(zip(self.sites, self.deepest_cuts, strict=True)):
                if search is None:
                    out.append(None)
                    continue
                alpha, rho = self.directions(answer.y)[i]
                z = values_of(np.concatenate([site.recourse[:, None], site.quantity], axis=1), answer.x)
                dual = np.concatenate([alpha[:, None], rho * site.units / self.unit], axis=1)
                tolerance = self.near * site.size / self.unit
                out.append(search.search(self.session.lp, self.hours.capacity(i, answer.x), z, dual, tolerance))
            self._explored = (answer, out)
        return self._explored[1]

    def directions_tried(self, i: int) -> list[Array]:
        """(B, 1 + Q) of every split that was looked at for site i at the last plan that was explored, but for the plan's own."""
        explored = self._explored[1][i] if self._explored[1] else None
        return [] if explored is None else [d for d, _ in explored.tried[1:]]

    def separate_blocks(self, answer: Any) -> tuple[int, float]:
        """The cut that each block with linked quantities misses most: (rows added, largest miss in USD)."""
        added, miss = 0, 0.0
        for i, found in enumerate(self.explore(answer)):
            if found is not None and not found.inside:
                for d in (found.direction, *(d for d, _ in found.tried[-2:])):
                    rows, off = self._cut(i, self.hours.capacity(i, answer.x), *self.hours.natural(i, d), answer.x)
                    added, miss = added + rows, max(miss, off)
        return added, miss

    def separate_quantities(self, answer: Any) -> tuple[int, float]:
        """Where hours are linked by quantities: cuts in the directions that the best real plan at these capacities prices.

        By duality the answer misses one of them unless it is worth no more than that plan. (0, 0.0): the hours bear the answer out.
        """
        if self.new_session is None or not self.linked:
            return 0, 0.0
        if all(found is None or found.inside for found in self.explore(answer)):
            return 0, 0.0
        inner = self.inner_approximation(self.session.lp, answer)
        session, found = inner.generate(answer.objective, REAL_TOLERANCE)
        if not found.optimal:
            return 0, np.inf
        # the program may pay for hours that are not real: it attains nothing then
        n = len(self.session.lp.cost)
        if not (found.x[n:][session.lp.cost[n:] > 0.0] > UNMOVED_QUANTITY).any():
            self._attained = session.lp, found
        off = abs(answer.objective - found.objective)
        if off <= REAL_TOLERANCE * max(abs(answer.objective), 1e-300):
            return 0, 0.0
        added, miss = 0, off * self.unit
        m = self.session.lp.matrix.shape[0]
        for i, direction in enumerate(inner.prices(found.y[m:])):
            if direction is not None:
                rows, missed = self._cut(i, inner.capacity[i], *direction, answer.x)
                added, miss = added + rows, max(miss, missed)
        return added, miss

    def inner_approximation(self, lp: Any, answer: Any) -> InnerApproximation:
        """What real hours attain at an answer's capacities; the last one goes on where it is asked for again."""
        assert self.new_session is not None
        if self._inner is None or self._inner[0] is not lp or self._inner[1] is not answer.x:
            explored = self.explore(answer)
            made = InnerApproximation(self.hours, lp, answer.x, explored, self.session, self.new_session)
            self._inner = lp, answer.x, made
        return self._inner[2]

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
            capacity = self.hours.capacity(i, answer.x)
            rows, off = self._cut(i, capacity, alpha, rho, answer.x)
            added, miss = added + rows, max(miss, off)
            planned = values_of(site.recourse, answer.x) * self.unit
            if not len(site.units) and (planned < self.best[i] - BURNT_SHARE * site.size).any():
                rows, off = self._cut(i, capacity, -alpha, rho, answer.x)
                added, miss = added + rows, max(miss, off)
        return added, miss
