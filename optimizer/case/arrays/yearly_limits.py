"""Energy budgets and emission caps of sites and of the company."""

from __future__ import annotations

from collections.abc import Callable

from models.problem import YearlyLimit
from optimizer.case.arrays.frame import Frame
from optimizer.case.schema import sites
from optimizer.case.schema.case_model import CaseModel


def energy_budget(frame: Frame, get: Callable[[CaseModel], sites.EnergyBudget | None]) -> YearlyLimit | None:
    """The budget that `get` finds in a scenario's model; None where the case has none."""
    given = get(frame.base)
    return None if given is None else _limit(frame, get, given.price is not None, given.of)


def emission_cap(frame: Frame, get: Callable[[CaseModel], sites.EmissionCap | None]) -> YearlyLimit | None:
    """The cap that `get` finds in a scenario's model; None where the case has none."""
    given = get(frame.base)
    return None if given is None else _limit(frame, get, given.price is not None)


def _limit(
    frame: Frame,
    get: Callable[[CaseModel], sites.EnergyBudget | sites.EmissionCap | None],
    soft: bool,
    of: str = "use",
) -> YearlyLimit:
    def terms(model: CaseModel) -> sites.EnergyBudget | sites.EmissionCap:
        found = get(model)
        assert found is not None
        return found

    amount = frame.over_periods(lambda model: terms(model).limit)
    return YearlyLimit(amount, frame.over_periods(lambda model: terms(model).price) if soft else None, of)
