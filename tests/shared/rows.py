"""Rows of a plan as plain tables, to be compared with rows written out by hand from models/README.md.

Amounts in rows are money units (USD / problem.money = MUSD). Running sums (`<decision>_cum`) and sums that several rows use
(`SUMS`) are always written out as the decisions they add up, so that a row reads as its formula does; `through` names further
families whose variable is written out by its definition: with 'fleet', installed MW become what was owned, what has arrived and
what was retired.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pyomo.repn import generate_standard_repn

from models.problem import Problem
from models.program.master_problem import MasterProblem
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome

#: relative tolerance of a coefficient and of a right-hand side
EXACT = 1e-12
#: what an amount that should be nothing may be, in money units or MW
NOTHING = 1e-15
#: the variable that a family defines, where it has another name than its family
DEFINED = {"fleet": "installed"}
#: families of sums that several rows use: always written out as what they add up
SUMS = frozenset(
    {
        "capex",
        "tax_basis",
        "halls_cost",
        "equipment_cost",
        "rig_ordered",
        "rig_exercised",
        "rig_retired",
        "rig_standing",
        "rented",
    }
    | {f"debt_{what}" for what in ("balance", "paid", "interest", "principal", "accrued", "cost")}
)


@dataclass(frozen=True)
class Row:
    """lower <= sum of terms <= upper; None: no bound."""

    terms: dict[str, float]
    lower: float | None
    upper: float | None


def label(var: Any) -> str:
    """Name of a variable without the quotes Pyomo puts around some indices: use[home,rig:rig,0,0,0]."""
    return str(var.name).replace("'", "")


def families(master: MasterProblem) -> list[str]:
    """Row families the plan has."""
    names = (c.local_name for c in master.model.component_objects() if c.local_name.startswith("row_"))
    return sorted(name.removeprefix("row_") for name in names)


def keys(master: MasterProblem, family: str) -> list[Any]:
    """Keys of the rows of a family; none if there is no such row."""
    rows = getattr(master.model, "row_" + family, None)
    return [] if rows is None else list(rows)


def _read(master: MasterProblem, family: str, key: Any) -> Row:
    rows = getattr(master.model, "row_" + family, None)
    assert rows is not None, f"the plan has no row of family {family!r}, only {families(master)}"
    assert key in rows, f"family {family!r} has no row {key!r}, only {list(rows)}"
    repn = generate_standard_repn(rows[key].body)
    terms: dict[str, float] = {}
    for var, coef in zip(repn.linear_vars, repn.linear_coefs, strict=True):
        terms[label(var)] = terms.get(label(var), 0.0) + float(coef)
    lower, upper = rows[key].lower, rows[key].upper
    shift = float(repn.constant)
    return Row(terms, None if lower is None else float(lower) - shift, None if upper is None else float(upper) - shift)


def _definitions(master: MasterProblem, through: tuple[str, ...]) -> dict[str, tuple[dict[str, float], float]]:
    """{variable: (terms, constant)} of every variable that a family defines with coefficient 1."""
    out = {}
    for family in families(master):
        if not family.endswith("_sum") and family not in through and family not in SUMS:
            continue
        column = family.removesuffix("_sum") + "_cum" if family.endswith("_sum") else DEFINED.get(family, family)
        for key in keys(master, family):
            row = _read(master, family, key)
            index = ",".join(str(k) for k in key) if isinstance(key, tuple) else str(key)
            name = f"{column}[{index}]"
            assert row.terms.get(name) == 1.0 and row.lower == row.upper and row.lower is not None, (name, row)
            out[name] = ({k: -c for k, c in row.terms.items() if k != name}, row.lower)
    return out


def row(master: MasterProblem, family: str, key: Any, through: tuple[str, ...] = ()) -> Row:
    """One row, with running sums and the variables of families `through` written out."""
    found = _read(master, family, key)
    defined = _definitions(master, tuple(f for f in through if f != family))
    if family.endswith("_sum"):
        return found
    if family in SUMS:  # the sum itself stays, and sums it is made of
        defined = {name: terms for name, terms in defined.items() if name.split("[")[0] not in SUMS}
    terms, shift = dict(found.terms), 0.0
    while pending := [name for name in terms if name in defined]:
        for name in pending:
            coef = terms.pop(name)
            others, constant = defined[name]
            shift += coef * constant
            for other, c in others.items():
                terms[other] = terms.get(other, 0.0) + coef * c
    size = max((abs(c) for c in terms.values()), default=0.0)
    terms = {name: c for name, c in terms.items() if abs(c) > NOTHING * size}
    return Row(
        terms,
        None if found.lower is None else found.lower - shift,
        None if found.upper is None else found.upper - shift,
    )


def row_is(
    master: MasterProblem,
    family: str,
    key: Any,
    terms: dict[str, float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    equal: float | None = None,
    through: tuple[str, ...] = (),
) -> None:
    """The row of that key has these terms (zeros may be given) and this right-hand side, each to 1e-12 relative."""
    found = row(master, family, key, through)
    expected = {name: c for name, c in terms.items() if c != 0.0}
    assert found.terms.keys() == expected.keys(), (
        f"{family} {key}: only in the plan {sorted(found.terms.keys() - expected.keys())}, "
        f"only by hand {sorted(expected.keys() - found.terms.keys())}"
    )
    for name, coef in expected.items():
        assert math.isclose(found.terms[name], coef, rel_tol=EXACT), (
            f"{family} {key} {name}: {found.terms[name]!r}, by hand {coef!r}"
        )
    lower, upper = (equal, equal) if equal is not None else (at_least, at_most)
    for side, here, there in (("lower", found.lower, lower), ("upper", found.upper, upper)):
        assert (here is None) == (there is None), f"{family} {key}: {side} bound {here!r}, by hand {there!r}"
        if here is not None and there is not None:
            assert math.isclose(here, there, rel_tol=EXACT, abs_tol=NOTHING), (
                f"{family} {key}: {side} bound {here!r}, by hand {there!r}"
            )


def solved(problem: Problem) -> Solution:
    """The proved optimum of a problem: both books agree."""
    solution = solve_problem(problem, baseline=False)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    return solution


def close(found: float, expected: float, rel: float = 1e-9) -> bool:
    """Equal to 1e-9 relative, the accuracy of a solve."""
    return math.isclose(found, expected, rel_tol=rel)
