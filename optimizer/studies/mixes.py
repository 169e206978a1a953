"""Financing mixes: the jobs of a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.studies.without import without_debt

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.studies.jobs import Job
    from optimizer.studies.without import Without


def mixes(case: Case) -> dict[str, tuple[str, ...]]:
    """Pure mixes of a case: name -> changes. Each leaves shares as they are, and one instrument of new debt or none.

    What is outstanding at the start stays: no limit falls below it.
    """

    debts = case.problem().debts
    kept = {"shares only": (), **{f"shares and {debt.name}": (debt.name,) for debt in debts}}
    return {
        name: tuple(change for debt in debts if debt.name not in keep for change in without_debt(debt))
        for name, keep in kept.items()
    }


def jobs_for(
    cases: list[tuple[str, Case]],
    variants: tuple[str, ...],
    mixed: bool,
    changes: tuple[str, ...],
    limit: float | None,
    pairs: tuple[Without, ...] = (),
) -> list[Job]:
    """What is to be solved: each case as it stands and its variants (all, or those named); or cases alone where there are several.

    pairs: what is left out in turn of the one case, beside it; then no variant that is not named.
    """
    from optimizer.studies.jobs import Job

    out: list[Job] = []
    for path, case in cases:
        base = "as optimised" if len(cases) == 1 else Path(path).stem
        out.append(Job(base, path, None, changes, limit, streams=bool(pairs)))
        out += [Job(f"without {one.what}", path, None, (*changes, *one.settings), limit, streams=True) for one in pairs]
        if len(cases) > 1 and not variants:
            continue
        names = variants or (() if mixed or pairs else tuple(case.variants))
        prefix = "" if len(cases) == 1 else f"{Path(path).stem} "
        out += [Job(prefix + name, path, name, changes, limit) for name in names if name in case.variants]
        if mixed:
            out += [Job(prefix + name, path, None, (*changes, *sets), limit) for name, sets in mixes(case).items()]
    return out
