"""Limits and minimums that rows of the program say: where a case states each, and what the family of its rows and they are called.

Prices of a plan (`marginal.scarce_things`) and explanations of cases without one (`no_plan.requirements`) both go through these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.problem import Debt, Equity, Expansion, Project, Rig, Service, Site
from optimizer.case.quotes import Part, dotted
from optimizer.engine.views.builds import BUILDS


@dataclass(frozen=True)
class Limit:
    """One figure of a case that rows of the program say by themselves.

    name    what it is called in a list of prices; parts: where the case states it
    row     family of its rows, and the names that their keys begin with
    unit    of the figure and of its value, canonical; value: the figure, inf where there is none; the largest where it has dates
    demand  whether it asks for something, so that less of it is relief
    """

    name: str
    parts: tuple[Part, ...]
    row: tuple[str, ...]
    unit: str
    value: float
    demand: bool = False

    @property
    def path(self) -> str:
        """As `--set` takes it."""
        return dotted(*self.parts)


def _largest(values: np.ndarray) -> float:
    """The largest finite value, 0 where there is none."""
    return float(values[np.isfinite(values)].max(initial=0.0))


def build_place(site: Site, kind: str) -> tuple[Part, ...]:
    """Where a case states what a site can build."""
    return ("sites", site.name, *BUILDS[kind].place.split("."))


def build_limit(site: Site, kind: str, terms: Expansion) -> Limit:
    name = f"{BUILDS[kind].offer} at {site.name}"
    return Limit(name, (*build_place(site, kind), "limit"), ("build_limit", site.name, kind), "MW", terms.limit)


def build_minimum(site: Site, kind: str, terms: Expansion) -> Limit:
    name = f"{BUILDS[kind].offer} at {site.name}, minimum"
    return Limit(name, (*build_place(site, kind), "minimum"), ("build_minimum", site.name, kind), "MW", terms.minimum, True)


def diesel_permit(site: Site) -> Limit | None:
    """Hours a calendar year at full power."""
    if site.diesel is None or not np.isfinite(site.diesel.permit_hours):
        return None
    parts = ("sites", site.name, "power", "diesel", "permit")
    return Limit(f"diesel permit of {site.name}", parts, ("diesel_permit", site.name), "hours/year", site.diesel.permit_hours)


def rig_limit(rig: Rig) -> Limit:
    return Limit(f"limit of {rig.name}", ("rigs", rig.name, "limit"), ("rig_limit", rig.name), "MW", rig.limit)


def rig_supply(rig: Rig) -> Limit:
    return Limit(f"supply of {rig.name}", ("rigs", rig.name, "supply"), ("rig_supply", rig.name), "MW", _largest(rig.supply))


def rig_option_limit(rig: Rig) -> Limit | None:
    if rig.option is None:
        return None
    parts = ("rigs", rig.name, "option", "limit")
    return Limit(f"options on {rig.name}", parts, ("rig_option_limit", rig.name), "MW", rig.option.limit)


def service_limit(service: Service) -> Limit:
    name = service.name
    return Limit(f"limit of {name}", ("ai", name, "limit"), ("service_limit", name), "MW", service.limit)


def service_minimum(service: Service) -> Limit:
    name = service.name
    return Limit(f"minimum of {name}", ("ai", name, "minimum"), ("service_minimum", name), "MW", service.minimum, True)


def issue_limit(one: Debt | Equity) -> Limit:
    """Of a revolver: the limit of its line."""
    family = "revolver_limit" if isinstance(one, Debt) and one.kind == "revolver" else "issue_limit"
    return Limit(f"limit of {one.name}", ("financing", one.name, "limit"), (family, one.name), "USD", one.limit)


def issue_minimum(one: Debt | Equity) -> Limit:
    parts = ("financing", one.name, "minimum")
    return Limit(f"minimum of {one.name}", parts, ("issue_minimum", one.name), "USD", one.minimum, True)


def collateral(debt: Debt) -> Limit:
    """Counted in USD of borrowing base, and measured against the instrument's limit."""
    return Limit(f"collateral of {debt.name}", ("financing", debt.name, "security"), ("collateral", debt.name), "USD", debt.limit)


def loan_to_value(debt: Debt) -> Limit:
    """Counted in USD that the coins pledged carry, and measured against the instrument's limit."""
    return Limit(
        f"loan to value of {debt.name}", ("financing", debt.name, "ltv"), ("loan_to_value", debt.name), "USD", debt.limit
    )


def coverage(debt: Debt) -> Limit:
    """Counted in USD of cash flow, and measured against the instrument's limit."""
    parts = ("financing", debt.name, "coverage")
    return Limit(f"coverage of {debt.name}", parts, ("coverage", debt.name), "USD", debt.limit, True)


def project_limit(project: Project) -> Limit:
    name = project.name
    return Limit(f"limit of {name}", ("projects", name, "limit"), ("project_limit", name), "units", project.limit)


def project_minimum(project: Project) -> Limit:
    name = project.name
    return Limit(f"minimum of {name}", ("projects", name, "minimum"), ("project_minimum", name), "units", project.minimum, True)
