"""Quantities that rules link, from inside: convex combinations of hours that were worked out (column generation)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from models.benders.cut_pool import CUT_TOLERANCE, IDLE_ROUNDS, MAX_SLACK_LEFT, PENALTY, REAL_TOLERANCE, UNMOVED_QUANTITY
from models.benders.deepest_cut import Found
from models.benders.solver_protocol import SolverSession
from models.benders.subproblems import Subproblems, values_of
from models.hours.convex_combination import ConvexCombination
from models.problem import Array


class InnerApproximation:
    """The best plan at fixed capacities whose hours are convex combinations of splits that were worked out: what is really attained.

    The program of the session with its capacities fixed, and for every block with linked quantities
        theta = sum_p share_p theta_p,   q = sum_p share_p q_p,   sum_p share_p = 1
    where p runs over splits at these capacities. More are priced in until the plan's value cannot rise.
    """

    def __init__(
        self,
        hours: Subproblems,
        lp: Any,
        x: Array,
        explored: list[Found | None],
        outer: SolverSession,
        new_session: Callable[[Any], SolverSession],
    ) -> None:
        """lp: the program with its cuts, whose plan x has the capacities. explored: splits that were looked at there (`Cuts.explore`).
        outer: the session of the program, whose basis is where the first solve begins."""
        self.hours, self.lp, self.outer, self.new_session = hours, lp, outer, new_session
        self.capacity = [hours.capacity(i, x) for i in range(len(hours.sites))]
        self.planned = [values_of(site.quantity, x) for site in hours.sites]
        self.points: list[list[tuple[Array, Array, Array, Array]]] = [[] for _ in hours.sites]  # alpha, rho, theta, q
        self._end: tuple[Any, Any, list[tuple[int, int]]] | None = None  # (session, answer, groups of shares) with these points
        self._before: tuple[Any, list[tuple[int, int]]] | None = None  # (session, groups of shares) with the points before
        for i, (site, found) in enumerate(zip(hours.sites, explored, strict=True)):
            for d, z in found.tried if found is not None else ():
                self.points[i].append((*hours.natural(i, d), z[:, 0] * hours.unit, z[:, 1:] * site.units))

    def _add(self, i: int, alpha: Array, rho: Array) -> None:
        self.points[i].append((alpha, rho, *self.hours.point(i, self.capacity[i], alpha, rho)))

    def learn(self, other: InnerApproximation) -> None:
        """Take over the splits at the same capacities that another aim has asked for."""
        for mine, theirs in zip(self.points, other.points, strict=True):
            known = {alpha.tobytes() + rho.tobytes() for alpha, rho, *_ in mine}
            mine.extend(point for point in theirs if point[0].tobytes() + point[1].tobytes() not in known)
        self._end = self._before = None

    def program(self) -> tuple[Any, list[tuple[int, int]]]:
        """(linear program, (site, point) of each group of B share columns)."""
        lp, hours = self.lp, self.hours
        lower, upper = lp.col_lower.copy(), lp.col_upper.copy()
        for i, site in enumerate(hours.sites):
            used = site.capacity >= 0
            lower[site.capacity[used]] = upper[site.capacity[used]] = self.capacity[i][used] - site.constant[used]
        n = lp.matrix.shape[1]
        groups: list[tuple[int, int]] = []
        rows: list[Any] = []
        shares: list[Any] = []
        right: list[Array] = []
        start = 0
        for i, site in enumerate(hours.sites):
            if not len(site.units):
                continue
            blocks, points = len(site.recourse), len(self.points[i])
            columns = start + np.arange(points)[:, None] * blocks + np.arange(blocks)
            start += points * blocks
            groups.extend((i, p) for p in range(points))
            tables = [(site.recourse, [recourse / hours.unit for _, _, recourse, _ in self.points[i]])]
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

    def generate(self, bound: float, gap: float, most: int = 60) -> tuple[Any, Any]:
        """(session, answer): splits are added until none is worth more at the answer's prices, or the objective is within gap of bound.

        Where the solver fails with the last of them, what it found without them stands.
        """
        m = self.lp.matrix.shape[0]
        session, answer = None, None
        before, idle = np.nan, 0
        optimal: tuple[Any, Any, list[tuple[int, int]]] | None = None
        for _ in range(most):
            session, answer, groups = self._end = self._end or self._solve()
            if not answer.optimal:
                if optimal is not None:
                    session, answer, groups = self._end = optimal
                    for i, points in enumerate(self.points):
                        del points[sum(g[0] == i for g in groups) :]
                break
            optimal = self._end
            idle = idle + 1 if abs(answer.objective - before) <= 0.1 * REAL_TOLERANCE * abs(before) else 0
            before = answer.objective
            if idle == IDLE_ROUNDS:
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
            blocks = [len(site.recourse) for site in self.hours.sites]
            start = dict(zip(shared, n + np.cumsum([0, *(blocks[i] for i, _ in shared)]), strict=False))
            shares = [start[g] + np.arange(blocks[g[0]]) if g in start else np.full(blocks[g[0]], -1) for g in groups]
            slack = count - n - sum(map(len, shares))
            columns = np.concatenate([np.arange(n), *shares, len(former.lp.cost) - slack + np.arange(slack)])
            session.map_basis(former, columns.astype(np.int64))
        elif self.outer.lp.matrix.shape[0] == self.lp.matrix.shape[0]:
            # new rows in the basis, new columns at nothing: what the program's own basis is worth holds, and simplex mends what hours lack
            n = self.lp.matrix.shape[1]
            session.map_basis(self.outer, np.concatenate([np.arange(n), np.full(len(made.cost) - n, -1)]))
        return session, session.solve(primal=self._before is not None), groups

    def combinations(self, session: Any, answer: Any, choose: Callable[[Any, Any], Any]) -> tuple[Any, list[ConvexCombination]]:
        """The chosen plan among equal ones, and how the splits mix in it."""
        n = self.lp.matrix.shape[1]
        groups = [(i, p) for i, points in enumerate(self.points) for p in range(len(points))]
        start = n + sum(len(self.points[i][p][0]) for i, p in groups)
        slack = np.arange(start, len(answer.x))
        # what the solver's tolerance leaves stays: without it there may be no plan at all
        left = np.clip(answer.x[slack], 0.0, MAX_SLACK_LEFT)
        session.set_column_bounds(slack, np.zeros(len(slack)), left)
        self._end = self._before = None  # the session is another program now
        answer = choose(session, answer)
        out = [ConvexCombination(k, []) for k in self.capacity]
        start = n
        for i, p in groups:
            alpha, rho, *_ = self.points[i][p]
            out[i].parts.append((alpha, rho, np.maximum(answer.x[start : start + len(alpha)], 0.0)))
            start += len(alpha)
        for i, site in enumerate(self.hours.sites):
            if not len(site.units):
                out[i].parts.extend(self.plain(i, answer.x).parts)
            else:
                total = np.sum([share for *_, share in out[i].parts], axis=0)
                out[i].parts[:] = [(a, r, s / total) for a, r, s in out[i].parts if s.any()]
        return answer, out

    def standing(self, answer: Any, explored: list[Found | None]) -> list[ConvexCombination] | None:
        """How the splits mix to the answer as it stands; None where they do not bring all of it. explored: `Cuts.explore` of it."""
        out: list[ConvexCombination] = []
        for i, found in enumerate(explored):
            if found is None:
                if len(self.hours.sites[i].units):
                    return None
                out.append(self.plain(i, answer.x))
                continue
            if found.shares is None:
                return None
            shares = np.maximum(found.shares, 0.0)
            shares = shares / shares.sum(axis=0)
            mixed = zip(found.tried, shares, strict=True)
            out.append(
                ConvexCombination(
                    self.capacity[i], [(*self.hours.natural(i, d), share) for (d, _), share in mixed if share.any()]
                )
            )
        return out

    def plain(self, i: int, x: Array) -> ConvexCombination:
        """The hours of a site that nothing links: its best split; where a plan earns less on purpose (tax law can make it pay), so much
        of the worst one that the cash is the plan's."""
        site, capacity = self.hours.sites[i], self.capacity[i]
        one, none = np.ones(len(site.recourse)), np.zeros((len(site.recourse), len(site.units)))
        best = self.hours.worked(i, capacity, one, none).value
        planned = np.where(site.recourse >= 0, x[site.recourse] * self.hours.unit, best)
        if not (planned < best - CUT_TOLERANCE * np.maximum(np.abs(best), site.size)).any():
            return ConvexCombination(capacity, [(one, none, one)])
        worst = -self.hours.worked(i, capacity, -one, none).value
        room = best - worst
        share = np.clip(np.where(room > 0.0, (planned - worst) / np.where(room > 0.0, room, 1.0), 1.0), 0.0, 1.0)
        return ConvexCombination(capacity, [(one, none, share), (-one, none, 1.0 - share)])

    def prices(self, y: Array) -> list[tuple[Array, Array] | None]:
        """Per site the direction (alpha, rho) that the duals y of the convex combination rows ask for; None without linked quantities."""
        at = 0
        out: list[tuple[Array, Array] | None] = []
        for site in self.hours.sites:
            count, blocks = len(site.units), len(site.recourse)
            if not count:
                out.append(None)
                continue
            alpha, rho = np.zeros(blocks), np.zeros((blocks, count))
            here = np.flatnonzero(site.recourse >= 0)
            alpha[here] = -y[at : at + len(here)]
            at += len(here)
            for k in range(count):
                here = np.flatnonzero(site.quantity[:, k] >= 0)
                rho[here, k] = -y[at : at + len(here)] * self.hours.unit / site.units[k]
                at += len(here)
            at += blocks
            rho[self._fixed(len(out))] = 0.0
            out.append(site.direction(alpha, rho, self.hours.unit))
        return out

    def _fixed(self, i: int) -> Any:
        """(B, Q) quantities that every split at these capacities brings alike, as the plan has them: their duals are whatever the
        penalty lets them be, and would drown the others."""
        site = self.hours.sites[i]
        found = np.array([q for *_, q in self.points[i]]) / site.units
        return (np.ptp(found, axis=0) <= UNMOVED_QUANTITY) & (np.abs(self.planned[i] - found[0]) <= UNMOVED_QUANTITY)

    def _price(self, y: Array) -> bool:
        """Add the splits that the duals of the convex combination rows ask for; False where none is worth more than what is there."""
        better = False
        for i, direction in enumerate(self.prices(y)):
            if direction is None:
                continue
            alpha, rho = direction
            before = np.max([alpha * recourse + (rho * q).sum(axis=1) for *_, recourse, q in self.points[i]], axis=0)
            self._add(i, alpha, rho)
            *_, recourse, q = self.points[i][-1]
            gain = alpha * recourse + (rho * q).sum(axis=1) - before
            size = np.abs(alpha * recourse) + (np.abs(rho * q)).sum(axis=1) + 1e-9 * self.hours.unit
            if (gain > CUT_TOLERANCE * size).any():
                better = True
            else:
                self.points[i].pop()
        return better
