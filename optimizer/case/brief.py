"""A case in at most fifteen lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from models.dates import iso_date
from optimizer.brief import Rows, listed
from optimizer.text import percent

if TYPE_CHECKING:
    from models.problem import Problem


def title(name: str, variant: str | None) -> str:
    """Case quickstart, variant no_debt."""
    return f"Case {name}" + ("" if variant is None else f", variant {variant}")


def rows(path: Path, problem: Problem, hours: str, others: Mapping[str, Iterable[str]]) -> Rows:
    """Label and text of each line below the title. hours: how they are used; others: what is shown where there is any, by its label."""
    clock, scenarios = problem.clock, problem.scenarios
    odds = zip(scenarios.names, scenarios.probability.tolist(), strict=True)
    out = [
        ("file", str(path)),
        ("horizon", f"{iso_date(clock, 0)} to {iso_date(clock, clock.dates - 1)}, {clock.periods} periods"),
        ("hours", hours),
        ("sites", listed(site.name for site in problem.sites)),
        ("rigs", listed(rig.name for rig in problem.rigs)),
        ("AI", listed(service.name for service in problem.services)),
        ("debt", listed(debt.name for debt in problem.debts)),
        ("equity", listed(equity.name for equity in problem.equities)),
        ("rules", listed((rule.name for rule in problem.rules), 4)),
        ("scenarios", listed(f"{name} {percent(share)}" for name, share in odds)),
    ]
    return out + [(label, listed(values)) for label, values in others.items() if values]
