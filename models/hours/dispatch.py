"""The hours of a plan, worked out when somebody looks at them: all years of all scenarios need not be in memory at once.

A split is the same to the last bit however often and with whatever other blocks it is worked out (`Oracle.divisible`), so what is not
kept is worked out again. Hours that depend on each other are no such splits: theirs are worked out at once and kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from models.decisions import SiteDispatch
from models.hours.site_hours import SiteHours
from models.problem import Array, Ints

if TYPE_CHECKING:
    from models.hours.convex_combination import ConvexCombination

#: bytes of hours that are worked out in one go (at least one scenario of a site), and that are kept
MAX_PIECE_BYTES, MAX_KEPT_BYTES = 32_000_000, 256_000_000


def mixed(hours: SiteHours, combination: ConvexCombination) -> Array:
    """(E, sum of hours of all blocks) MW: the splits of a convex combination in their shares."""
    if len(combination.parts) == 1:
        return hours.dispatch(combination.capacity, *combination.parts[0][:2]).T
    subproblem = hours.subproblem
    ends = np.concatenate([[0], np.cumsum(subproblem.count)])
    mw = np.zeros((len(subproblem.entries), int(ends[-1])))
    for alpha, rho, share in combination.parts:
        # what has no share in a block need not be worked out there
        taken = np.flatnonzero(share) if subproblem.divisible else np.arange(subproblem.blocks)
        if not len(taken):
            continue
        if len(taken) < subproblem.blocks:
            some = hours.blocks(taken).dispatch(combination.capacity[taken], alpha[taken], rho[taken]).T
        else:
            some = hours.dispatch(combination.capacity, alpha, rho).T
        start = 0
        for block in taken.tolist():  # hours of a block stand together: no copies by index
            here = slice(ends[block], ends[block + 1])
            end = start + here.stop - here.start
            mw[:, here] += some[:, start:end] * share[block]
            start = end
    return mw


class _SiteOfPlan:
    """One site's hours and convex combination, cut into pieces of whole scenarios."""

    def __init__(self, hours: SiteHours, combination: ConvexCombination, piece: int) -> None:
        subproblem = hours.subproblem
        self.entries = subproblem.entries
        self.periods = subproblem.periods
        self.scenarios = subproblem.blocks // subproblem.periods
        # every scenario has the same hours, period after period
        self.ends = np.concatenate([[0], np.cumsum(subproblem.count[: self.periods])])
        self.size = int(self.ends[-1])
        one = max(8 * self.size * len(subproblem.entries), 1)
        self.together = min(max(piece // one, 1), self.scenarios) if subproblem.divisible else self.scenarios
        self._source = (hours, combination) if subproblem.divisible else None
        self.fixed = None if subproblem.divisible else mixed(hours, combination)  # all scenarios

    def piece(self, number: int) -> Array:
        """(E, hours of its scenarios) MW of the scenarios number * together and on."""
        assert self._source is not None
        hours, combination = self._source
        first, last = (min(k * self.together, self.scenarios) * self.periods for k in (number, number + 1))
        if last - first == hours.subproblem.blocks:
            return mixed(hours, combination)
        blocks: Ints = np.arange(first, last)
        return mixed(hours.blocks(blocks), combination.rows(blocks))


class PlannedHours(Mapping[tuple[str, int, int], SiteDispatch]):
    """(site, scenario, period) -> hours of a plan, in this order; each site's hours mixed as its convex combination says.

    piece: bytes that are worked out in one go, unless one scenario of a site takes more. room: bytes kept of what was looked at last,
    though at least the latest piece. Copied or pickled it takes along how hours are worked out, and none that were. Not for several
    threads at once.
    """

    def __init__(
        self,
        names: Sequence[str],
        hours: Sequence[SiteHours],
        combinations: Sequence[ConvexCombination],
        piece: int = MAX_PIECE_BYTES,
        room: int = MAX_KEPT_BYTES,
    ) -> None:
        self._sites = {
            name: _SiteOfPlan(here, combination, piece)
            for name, here, combination in zip(names, hours, combinations, strict=True)
        }
        self._room = room
        self._kept: dict[tuple[str, int], Array] = {}  # the latest last

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": {}}

    def __len__(self) -> int:
        return sum(one.scenarios * one.periods for one in self._sites.values())

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        return ((name, s, t) for name, one in self._sites.items() for s in range(one.scenarios) for t in range(one.periods))

    def __contains__(self, key: object) -> bool:
        match key:
            case (str(name), int() | np.integer() as s, int() | np.integer() as t):
                one = self._sites.get(name)
                return one is not None and bool(0 <= s < one.scenarios and 0 <= t < one.periods)
        return False

    def __getitem__(self, key: tuple[str, int, int]) -> SiteDispatch:
        if key not in self:
            raise KeyError(key)
        name, s, t = key
        ends = self._sites[name].ends
        return self._recourse_solution(name, s, slice(ends[t], ends[t + 1]))

    def scenario(self, site: str, s: int) -> SiteDispatch | None:
        """Hours of all periods of one scenario, one period after the other; None where the plan has no such site or scenario."""
        if (site, s, 0) not in self:
            return None
        return self._recourse_solution(site, s, slice(0, self._sites[site].size))

    def _recourse_solution(self, name: str, s: int, hours: slice) -> SiteDispatch:
        one = self._sites[name]
        number, place = divmod(s, one.together)
        mw = self._piece(name, number)[:, place * one.size + hours.start : place * one.size + hours.stop]
        uses = {entry.name: row for entry, row in zip(one.entries, mw, strict=True) if not entry.is_source}
        sources = {entry.name: row for entry, row in zip(one.entries, mw, strict=True) if entry.is_source}
        return SiteDispatch(uses, sources)

    def _piece(self, name: str, number: int) -> Array:
        one = self._sites[name]
        if one.fixed is not None:
            return one.fixed
        key = name, number
        found = self._kept.pop(key, None)
        if found is None:
            found = one.piece(number)
            # the oldest give way before
            while self._kept and sum(x.nbytes for x in self._kept.values()) + found.nbytes > self._room:
                del self._kept[next(iter(self._kept))]
        self._kept[key] = found
        return found
