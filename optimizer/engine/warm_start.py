"""What a warm program leaves to a neighbour: a basis by name, the cuts that its optimum stands on, and directions worth looking into.

A neighbour is a case with other numbers. Its program is built anew and then begun where this one ended:

- a cut holds for every plan with the same hours (`models.benders.cuts`): where a site's hours are the same to the last bit, by digest,
  its cuts are rows of the new program as they are; where they are not, they are worked out again at the capacities they were made at;
- statuses of rows and columns are handed on by family and index, so programs need not have the same rows.

All this is where the search begins. What it ends with is proved like any other solve, and the plan is the canonical one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.problem import Array, Ints
from optimizer.engine.values import Outcome

if TYPE_CHECKING:
    from models.benders.cut_pool import Site
    from models.benders.cuts import Cuts
    from optimizer.engine.master import SolvedProgram
    from optimizer.engine.solution import Solved
    from optimizer.solver.linear_program import LinearProgram
    from optimizer.solver.session import Session

#: a cut is tight within this share of its right-hand side
TIGHT_CUT = 1e-9
#: share of columns that a neighbour's program lacks, above which its basis is further from the optimum than none
MAX_UNKNOWN_COLUMNS = 0.05
#: directions handed on, at most, beside those that the program prices
MAX_DIRECTIONS = 8


@dataclass(frozen=True)
class ExportedCuts:
    """Cuts of one site, one row each: block (n,), alpha (n,), rho (n, Q), slope (n, E), capacity (n, E) MW, status (n,).

    layout: names of entries and quantities; hours: digest, "" where there is none. directions: (B, 1 + Q) each.
    """

    layout: tuple[str, ...]
    hours: str
    block: Ints
    alpha: Array
    rho: Array
    slope: Array
    capacity: Array
    status: Ints
    directions: tuple[Array, ...]


@dataclass(frozen=True)
class ExportedBasis:
    """Where a neighbour begins. rows, columns: status by (family, index); first: statuses of the first cuts, in their order."""

    rows: dict[Any, int]
    columns: dict[Any, int]
    first: Ints
    sites: dict[str, ExportedCuts]


# ---- from a warm program ---------------------------------------------------------------------------------------------


def export_basis(warm: SolvedProgram) -> ExportedBasis:
    """What a warm program leaves to its neighbours: where branches of the tax law were looked into, the basis before them, which is
    what a neighbour looks for first, and their cuts too."""
    import highspy

    program, lp = warm.program, warm.program.lp
    end = program.session.get_basis()
    basis = warm.basis or end
    row_status, used = (np.array([int(one) for one in of.row_status], dtype=np.int64) for of in (basis, end))
    basic = int(highspy.HighsBasisStatus.kBasic)
    row_status = np.concatenate([row_status, np.full(len(used) - len(row_status), basic)])
    column_status = np.array([int(one) for one in basis.col_status], dtype=np.int64)
    cuts = program.cuts
    sites = {} if cuts is None else _sites(cuts, program.session, warm.answer.x, row_status, used != basic)
    count = len(lp.rows)
    return ExportedBasis(
        rows=dict(zip(map(_key, lp.rows), row_status[:count].tolist(), strict=True)),
        columns=dict(zip(map(_key, lp.columns), column_status.tolist(), strict=False)),
        first=row_status[count : count + (0 if cuts is None else cuts.begun)],
        sites=sites,
    )


def _key(data: Any) -> Any:
    return data.parent_component().local_name, data.index()


def _sites(cuts: Cuts, session: Session, x: Array, row_status: Ints, used: Array) -> dict[str, ExportedCuts]:
    """x: the optimum; used: which rows the last basis stands on."""
    import highspy

    basic = int(highspy.HighsBasisStatus.kBasic)
    pool, lp = cuts.pool, session.lp
    site_of, block_of, alpha = (np.concatenate(one) for one in (pool.site, pool.block, pool.alpha))
    rows = cuts.first_row + np.arange(pool.count)
    upper = lp.row_upper[rows]
    tight = (lp.matrix @ x[: lp.matrix.shape[1]])[rows] >= upper - TIGHT_CUT * (1.0 + np.abs(upper))
    carried = ((row_status[rows] != basic) | used[rows] | tight) & (np.arange(pool.count) >= cuts.begun)
    out = {}
    for i, site in enumerate(cuts.sites):
        mine = np.flatnonzero(site_of == i)
        here = carried[mine]

        def table(name: str, i: int = i, here: Any = here) -> Array:
            parts = [part for part, s in zip(getattr(pool, name), pool.site, strict=True) if s[0] == i]
            return np.concatenate(parts)[here]

        tried = cuts.directions_tried(i)
        out[_name(cuts, i)] = ExportedCuts(
            _layout(site),
            digest(cuts, i),
            block_of[mine][here],
            alpha[mine][here],
            table("rho"),
            table("slope"),
            table("capacity"),
            row_status[rows[mine][here]],
            tuple(_unlike(tried)[:MAX_DIRECTIONS]),
        )
    return out


def _unlike(directions: list[Array]) -> list[Array]:
    """Each once."""
    return list({one.tobytes(): one for one in directions}.values())


def _name(cuts: Cuts, i: int) -> str:
    return str(cuts.recourse.build.problem.sites[cuts.sites[i].value.subproblem.site].name)


def _layout(site: Site) -> tuple[str, ...]:
    names = [entry.name for entry in site.value.subproblem.entries]
    return (*names, "|", *(quantity.name for quantity in site.value.quantities))


def digest(cuts: Cuts, i: int) -> str:
    """sha256 of all that a site's cuts follow from; "" where it holds something that cannot be told by its bytes."""
    site = cuts.sites[i]
    made = hashlib.sha256()

    def add(value: Any) -> bool:
        if isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                return False
            made.update(repr((value.dtype.str, value.shape)).encode() + np.ascontiguousarray(value).tobytes())
            return True
        if is_dataclass(value) and not isinstance(value, type):
            made.update(type(value).__name__.encode())
            return all(add(getattr(value, one.name)) for one in fields(value))
        if isinstance(value, (tuple, list)):
            made.update(f"{len(value)}".encode())
            return all(add(one) for one in value)
        if value is None or isinstance(value, (str, int, float, bool, np.generic)):
            made.update(repr(value).encode() + b";")
            return True
        return False

    told = add(site.value.hours) and add(_layout(site)) and add(site.quantity >= 0)
    return made.hexdigest() if told else ""


# ---- into a new one ----------------------------------------------------------------------------------------------------


def apply_basis(exported: ExportedBasis, lp: LinearProgram, session: Session, cuts: Cuts | None) -> None:
    """Add a neighbour's cuts to a program that was loaded with its first cuts, and start where the neighbour ended."""
    import highspy

    status = highspy.HighsBasisStatus
    basic, lower = int(status.kBasic), int(status.kLower)
    added: list[Ints] = []
    if cuts is not None:
        first = exported.first if len(exported.first) == cuts.begun else np.full(cuts.begun, basic)
        added.append(first)
        for i in range(len(cuts.sites)):
            one = exported.sites.get(_name(cuts, i))
            if one is not None and one.layout == _layout(cuts.sites[i]):
                added.extend(_carry(one, cuts, i))
    strange = sum(_key(var) not in exported.columns for var in lp.columns)
    if strange > MAX_UNKNOWN_COLUMNS * len(lp.columns):
        return
    rows = [exported.rows.get(_key(con), basic) for con in lp.rows]
    columns = [exported.columns.get(_key(var), lower) for var in lp.columns]
    table = {int(one): one for one in status.__members__.values()}
    basis = highspy.HighsBasis()
    basis.col_status = [table[k] for k in columns]
    basis.row_status = [table[k] for k in [*rows, *np.concatenate([*added, np.zeros(0, dtype=np.int64)]).astype(int).tolist()]]
    basis.valid = True
    session.set_basis(basis)


def _carry(exported: ExportedCuts, cuts: Cuts, i: int) -> list[Ints]:
    """Statuses of the rows added."""
    search = cuts.deepest_cuts[i]
    same_blocks = all(len(d) == len(cuts.sites[i].recourse) for d in exported.directions)
    if search is not None and exported.directions and same_blocks:
        search.begin_with([np.array(d) for d in exported.directions])
    if not len(exported.block) or exported.block.max() >= len(cuts.sites[i].recourse):
        return []
    if exported.hours and exported.hours == digest(cuts, i):
        cuts.carry(i, exported.block, exported.alpha, exported.rho, exported.slope, exported.capacity)
        return [exported.status]
    out = []
    order = np.argsort(exported.block, kind="stable")
    starts = np.searchsorted(exported.block[order], exported.block[order])
    layer = np.arange(len(order)) - starts  # how many cuts of its block came before
    for k in range(int(layer.max()) + 1):
        at = order[layer == k]
        cuts.again(i, exported.block[at], exported.alpha[at], exported.rho[at], exported.capacity[at])
        out.append(exported.status[at])
    return out


def from_a_neighbour(solve: Callable[[ExportedBasis | None], Solved], exported: ExportedBasis | None) -> Solved:
    """What `solve` finds from where a neighbour ended (None: from nothing); where that led astray, the long way, from nothing."""
    found = solve(exported)
    return solve(None) if exported is not None and found.solution.outcome is Outcome.UNVERIFIED else found
