"""Financing mixes: the jobs of a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.problem import Debt
    from optimizer.case.case import Case
    from optimizer.studies.jobs import Job


def mixes(case: Case) -> dict[str, tuple[str, ...]]:
    """Pure mixes of a case: name -> changes. Each leaves shares as they are, and one instrument of new debt or none.

    What is outstanding at the start stays: no limit falls below it.
    """

    def without(debt: Debt) -> tuple[str, ...]:
        least = (f"financing.{debt.name}.minimum=0 USD",) if debt.minimum > 0.0 else ()
        return (f"financing.{debt.name}.limit={debt.existing!r} USD", *least)

    debts = case.problem().debts
    kept = {"shares only": (), **{f"shares and {debt.name}": (debt.name,) for debt in debts}}
    return {
        name: tuple(change for debt in debts if debt.name not in keep for change in without(debt)) for name, keep in kept.items()
    }


def jobs_for(
    cases: list[tuple[str, Case]], variants: tuple[str, ...], mixed: bool, changes: tuple[str, ...], limit: float | None
) -> list[Job]:
    """What is to be solved: each case as it stands and its variants (all, or those named); or cases alone where there are several."""
    from optimizer.studies.jobs import Job

    out: list[Job] = []
    for path, case in cases:
        base = "as optimised" if len(cases) == 1 else Path(path).stem
        out.append(Job(base, path, None, changes, limit))
        if len(cases) > 1 and not variants:
            continue
        names = variants or (() if mixed else tuple(case.variants))
        prefix = "" if len(cases) == 1 else f"{Path(path).stem} "
        out += [Job(prefix + name, path, name, changes, limit) for name in names if name in case.variants]
        if mixed:
            out += [Job(prefix + name, path, None, (*changes, *sets), limit) for name, sets in mixes(case).items()]
    return out
