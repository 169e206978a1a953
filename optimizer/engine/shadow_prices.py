"""What one more unit of something scarce would add, from the duals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.dates import date_text
from models.problem import Problem
from optimizer.engine.values import EXPECTED, ShadowPrice

if TYPE_CHECKING:
    from models.benders.cuts import Cuts
    from models.program.master_problem import MasterProblem
    from optimizer.solver.answer import Answer
    from optimizer.solver.linear_program import LinearProgram


def shadow_prices(
    problem: Problem, master: MasterProblem, lp: LinearProgram, answer: Answer, cuts: Cuts | None
) -> tuple[ShadowPrice, ...]:
    """Duals of scarce things in USD per natural unit, grid hours summed by site, scenario and period.

    The sign is that of what more of it would add: a limit's price is >= 0, a minimum's price is what a unit less of it would add.
    """
    b, unit = master.build, master.build.unit
    found: dict[tuple[str, str, str | None, str | None], float] = {}
    units: dict[str, str] = {}
    dates = [date_text(problem, d) for d in range(b.D)]
    node = problem.scenarios.node
    averaged = {rule.name for rule in problem.rules if rule.expected}
    for i, con in enumerate(lp.rows):
        family = con.parent_component().local_name.removeprefix("row_")
        dual = float(answer.y[i])
        if dual == 0.0 or (family not in b.units and family != "grid_limit"):
            continue
        key = con.index() if isinstance(con.index(), tuple) else (con.index(),)
        value = dual * unit / b.scales.get((family, con.index()), 1.0)
        names = [k for k in key if isinstance(k, str)]
        numbers = [k for k in key if not isinstance(k, str)]
        s, d = numbers[0], numbers[1] if len(numbers) > 1 else None
        if family in _BY_YEAR and d is not None:
            d = int(np.flatnonzero(problem.clock.tax_year == d)[0])
        if family == "grid_limit":
            family = "interconnection"
            assert master.power is not None and d is not None
            limit = master.power.blocks[_site(problem, names[0]), s, d].merit
            value *= float(next(g.limit[numbers[2]] for g in limit.sources if g.is_grid))
        # duals are those of a minimisation: more on the right of an equation adds -dual; relaxing a limit or a demand never hurts
        value = -value if family in _SIGNED else abs(value)
        shared = family not in _BY_SCENARIO and d is not None and (node[:, d] == node[s, d]).sum() > 1
        scenario = (
            EXPECTED
            if family == "rule" and names[0] in averaged
            else "all"
            if shared and (node[:, d] == node[s, d]).all()
            else problem.scenarios.names[s]
            if b.S > 1 or d is not None
            else None
        )
        place = (family, " ".join(names) or family, scenario, dates[d] if d is not None else None)
        found[place] = found.get(place, 0.0) + value
        units[family] = b.units.get(family, "USD/MW")
    if cuts is not None:
        for site, prices in zip(problem.sites, cuts.grid_prices(answer.y), strict=True):
            for block in np.flatnonzero(prices):
                s, t = divmod(int(block), b.T)
                found["interconnection", site.name, problem.scenarios.names[s], dates[t]] = float(prices[block])
        units["interconnection"] = "USD/MW"
    rows = [ShadowPrice(f, n, s, d, v, units[f]) for (f, n, s, d), v in found.items() if abs(v) > 1e-9]
    return tuple(sorted(rows, key=lambda r: (r.family, r.name, r.scenario or "", r.date or "")))


#: families whose rows exist per scenario even where scenarios share a node
_BY_SCENARIO = frozenset(
    {
        "cash",
        "rule",
        "sweep",
        "dividends_earned",
        "dividends_blocked",
        "interconnection",
        "grid_limit",
        "revolver_limit",
        "loan_to_value",
        "collateral",
        "coverage",
        "diesel_permit",
    }
    | {"energy_budget", "emission_cap"}
)
#: families whose rows are of calendar years: shown at the first date of the year in the horizon
_BY_YEAR = frozenset({"diesel_permit", "energy_budget", "emission_cap"})
#: families that are equations: their price has a sign
_SIGNED = frozenset({"cash"})


def _site(problem: Problem, name: str) -> int:
    return [site.name for site in problem.sites].index(name)
