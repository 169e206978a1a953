"""Every row of the plan is said by a statement of the case, or by nobody on purpose; what both tours of a case know has one path."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.case.case import Case
from optimizer.case.quotes import CaseWords, parts_of
from optimizer.explain.marginal.headroom import Headroom
from optimizer.explain.marginal.scarce_things import ScarceThings
from optimizer.explain.no_plan.elastic_program import UNSTATED_FAMILIES, plan_of, row_key
from optimizer.explain.no_plan.requirements.everything import requirements
from optimizer.explain.no_plan.row_owners import Requirement, owner_of
from optimizer.solver.compile import compile_model
from tests.models.program.test_master_problem import SUMS, written
from tests.shared.places import ROOT

CASES = ROOT / "tests/cases"
#: equations that say how the world works: balances, and sums under a name of their own ('*_sum': running sums)
EQUATIONS = SUMS | {
    "*_sum", "capacity", "cash", "coins", "debt_roll", "earned", "fleet", "interest_carryforward", "nol_roll", "operating_cash", "rule_total",
    "taxable_income", "value",
}  # fmt: skip
#: families of hours that are written out one by one; by their value, a proof leans on the hours of a site
HOURLY = frozenset(
    {"battery_end", "battery_energy", "battery_level", "battery_power", "grid_limit", "kept", "margin", "power_balance"}
    | {"ramp_down", "ramp_up", "service_deadline", "service_deferred", "service_queue", "use_limit"}
)
#: cases that together have all families, with what makes them have more
SETTINGS = {
    "all-features.yaml": [
        "tax.interest_limit={share: 30 %, ebitda: true, from: 2026}", "projects.buyout.minimum=1 units",
        "financing.notes.minimum=1 MUSD", "ai.cloud.minimum=1 MW", "sites.barker.ai_hall.build.minimum=1 MW",
        "financing.sculpted.amortisation=sculpted", "financing.sculpted.coverage=", "financing.sculpted.ratio=1.3",
        "financing.sculpted.bank_case=base",
    ],
    "dscr-sizing.yaml": [],
    "coupled.yaml": [],
    "farmer.yaml": [],
    "infeasible/delivery-before-lead.yaml": [],
}  # fmt: skip
#: rules at a price: they can always be broken
SOFT = "rule"


def looked_at(path: str, without: str | None = None) -> dict[tuple[str, bool, str], tuple[Any, ...]]:
    """(family, equation, 'stated' | 'shaped' | 'law' | 'nobody') -> a key of it, of every row of a case's plan."""
    case = Case.load(CASES / path, settings=SETTINGS[path])
    problem = case.problem()
    soft = {rule.name for rule in problem.rules if rule.penalty is not None}
    master = plan_of(problem)
    lp = compile_model(master.model)
    owner = owner_of([one for one in requirements(problem, case) if one.path != without])
    found = {}
    for i, con in enumerate(lp.rows):
        family, key = row_key(con)
        if family == SOFT and key[0] in soft:
            continue
        if owner(family, key) is not None:
            who = "stated"
        elif family in UNSTATED_FAMILIES:
            who = "law"
        else:
            who = "shaped" if owner.shaped(family, key) else "nobody"
        found[("*_sum" if family.endswith("_sum") else family), bool(lp.row_lower[i] == lp.row_upper[i]), who] = key
    return found


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, bool, str], tuple[Any, ...]]:
    out: dict[tuple[str, bool, str], tuple[Any, ...]] = {}
    for path in SETTINGS:
        out |= looked_at(path)
    return out


def test_every_limit_has_a_statement(rows: dict[tuple[str, bool, str], tuple[Any, ...]]) -> None:
    """An inequality that is no law of nature is said somewhere in the case, and can be named."""
    nobody = {(family, key) for (family, equation, who), key in rows.items() if not equation and who == "nobody"}
    assert nobody == set(), "rows of limits without a statement in optimizer/explain/no_plan/requirements"


def test_every_family_is_known(rows: dict[tuple[str, bool, str], tuple[Any, ...]]) -> None:
    """A new family of rows is said by a statement, or is a law, an equation or one of hours: somebody decided which."""
    named = {family for family, _, who in rows if who in ("stated", "shaped")}
    assert len(named) >= 20
    every = written()
    assert every - named - UNSTATED_FAMILIES - EQUATIONS - HOURLY == set(), "families without a statement, law or equation"
    assert {family for family, equation, who in rows if equation and who == "nobody"} <= EQUATIONS
    assert not (named & UNSTATED_FAMILIES) and not (named & HOURLY)
    assert every >= UNSTATED_FAMILIES | EQUATIONS | HOURLY, "families that no longer exist"


def test_a_limit_without_a_statement_is_found() -> None:
    """The search above does see what is missing."""
    found = looked_at("all-features.yaml", without="limits.emissions")
    assert ("emission_cap", False, "nobody") in found


POLICIES = {
    "policies.converts": ("rule", "capital_share"), "policies.wall": ("rule", "refinancing_wall"),
    "policies.no flood": ("rule", "maximum_issue"), "policies.sweep": ("sweep", "cash_sweep"),
}  # fmt: skip


def test_policies_and_yearly_limits_are_statements_with_places() -> None:
    path = CASES / "all-features.yaml"
    case = Case.load(path)
    found: dict[str, Requirement] = {one.path: one for one in requirements(case.problem(), case)}
    lines = path.read_text().splitlines()
    for name, (family, kind) in POLICIES.items():
        one = found[name]
        assert one.rows and one.rows[0][0] == family and one.parameters and one.drop == (f"{name}=",)
        assert f"type: {kind}" in lines[int(one.place.split(":")[1]) - 1]
    for name in (
        "limits.energy",
        "limits.emissions",
        "policies.cloud first",
        "policies.curtail",
        "sites.barker.power.diesel.permit",
    ):
        assert found[name].parameters and found[name].drop and int(found[name].place.split(":")[1]) > 1
    # what is soft can always be paid for
    assert not {"policies.coins", "policies.payback", "policies.tenants", "policies.some equity"} & found.keys()


def test_a_rule_for_every_site_is_one_statement() -> None:
    settings = ["rules[0]={name: small, require: 'mining_hall_mw[site] <= 500 MW', sites: all}"]
    case = Case.load(CASES / "all-features.yaml", settings=settings)
    (one,) = [one for one in requirements(case.problem(), case) if one.path == "rules[0]"]
    assert [pattern[1] for pattern in one.rows] == ["small, barker", "small, kearney"] and one.name == 'rule "small"'


def test_prices_and_explanations_call_the_same_thing_by_one_path() -> None:
    """What has a price under a path of the case can be named under it without a plan."""
    case = Case.load(ROOT / "cases/quickstart.yaml", settings=["horizon.hours={every: 365}", "horizon.years=3"])
    solved = case.solve_warm(canonical=False, baseline=False)
    solution = solved.solution
    assert solved.warm is not None and solution.decisions is not None and solution.books is not None
    program = solved.warm.program
    priced = ScarceThings(program.master, program.lp, Headroom(solution.problem, solution.decisions, solution.books)).out
    paths = {one.path.removesuffix(".type") for one in priced if one.path}
    soft = {rule.path.removesuffix(".type") for rule in solution.problem.rules if rule.penalty is not None}
    words, known = CaseWords(case.tree), {one.path for one in requirements(case.problem(), case)}
    written_out = {path for path in paths - soft if words.node(*parts_of(path)) is not None}
    assert len(written_out) > 12
    assert written_out - known == set()
