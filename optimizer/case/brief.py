"""A case in at most fifteen lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.dates import iso_date
from optimizer.brief import listed
from optimizer.text import percent

if TYPE_CHECKING:
    from optimizer.case.case import Case


def title(case: Case) -> str:
    """Case quickstart, variant no_debt."""
    return f"Case {case.name}" + ("" if case.variant is None else f", variant {case.variant}")


def rows(case: Case) -> list[tuple[str, str]]:
    """Label and text of each line below the title: at most fourteen."""
    problem = case.problem()
    clock, scenarios = problem.clock, problem.scenarios
    odds = zip(scenarios.names, scenarios.probability.tolist(), strict=True)
    out = [
        ("file", str(case.path)),
        ("horizon", f"{iso_date(clock, 0)} to {iso_date(clock, clock.dates - 1)}, {clock.periods} periods"),
        ("hours", case.horizon_note),
        ("sites", listed(site.name for site in problem.sites)),
        ("rigs", listed(rig.name for rig in problem.rigs)),
        ("AI", listed(service.name for service in problem.services)),
        ("debt", listed(debt.name for debt in problem.debts)),
        ("equity", listed(equity.name for equity in problem.equities)),
        ("rules", listed((rule.name for rule in problem.rules), 4)),
        ("scenarios", listed(f"{name} {percent(share)}" for name, share in odds)),
    ]
    optional = (("variants", case.variants), ("settings", case.settings), ("notes", case.notes))
    return out + [(label, listed(values, 3 if label == "notes" else 6)) for label, values in optional if values]
