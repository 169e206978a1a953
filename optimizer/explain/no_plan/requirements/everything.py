"""What a planner requires, requirement by requirement: which rows of the program say it, how it is dropped, how it is loosened.

Of a case without a plan: `iis` drops requirements and `repairs` loosens them, by settings of the case. What the same values are worth
to a plan, `marginal.scarce_things` finds in the rows of the solved program.

A requirement with `rows` is in the program as these rows alone: without them it is not said. The others (windows, lead times, what is
owned) shape the program: without them it has to be written anew, and `touches` are the rows that would change, so that a proof in which
none of these weighs anything holds without the requirement too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from models.hours.meters import yearly_limits
from models.problem import Problem
from optimizer.explain.no_plan.requirements.case_view import CaseView
from optimizer.explain.no_plan.requirements.company import company_requirements, project_requirements, yearly_requirements
from optimizer.explain.no_plan.requirements.financing import debt_requirements, equity_requirements
from optimizer.explain.no_plan.requirements.fleet import rig_requirements
from optimizer.explain.no_plan.requirements.rules import policy_requirements, rule_requirements
from optimizer.explain.no_plan.requirements.services import service_requirements
from optimizer.explain.no_plan.requirements.sites import site_requirements
from optimizer.explain.no_plan.row_owners import Requirement

if TYPE_CHECKING:
    from optimizer.case.case import Case


def requirements(problem: Problem, case: Case | None = None) -> list[Requirement]:
    """Every requirement of a case that takes part in feasibility. Without a case: those of plain arrays that have rows, and the cash."""
    return list(_in_order(CaseView.of(problem, case)))


def _in_order(view: CaseView) -> Iterator[Requirement]:
    problem = view.problem
    for debt in problem.debts:
        yield from debt_requirements(view, debt)
    for equity in problem.equities:
        yield from equity_requirements(view, equity)
    for rig in problem.rigs:
        yield from rig_requirements(view, rig)
    for site in problem.sites:
        yield from site_requirements(view, site)
    for service in problem.services:
        yield from service_requirements(view, service)
    for project in problem.projects:
        yield from project_requirements(view, project)
    yield from company_requirements(view)
    for limited in yearly_limits(problem):
        yield from yearly_requirements(view, limited)
    yield from rule_requirements(view)
    yield from policy_requirements(view)
