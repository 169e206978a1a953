"""Every family of rows has its test; what rows are written over: running sums, sparse histories, and one variable per node."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyomo.environ as pyo
from hypothesis import given, settings
from hypothesis import strategies as st

from models.problem import Depreciation, Problem, RigOption
from models.program.expressions import Build, Decision
from models.program.master_problem import MasterProblem
from tests.shared.places import ROOT
from tests.shared.rows import SUMS, label, row_is
from tests.shared.tiny import debt_of, equity_of, expansion_of, hourly, path, rig_of, service_of, site_of, tiny, tree

HERE = Path(__file__).parent
PROGRAM = ROOT / "models" / "program"


def first_arguments(path: Path, method: str, position: int) -> list[ast.expr]:
    """Argument number `position` of every call of that name in a file."""
    out = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and len(node.args) > position:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
            if name == method:
                out.append(node.args[position])
    return out


def written() -> set[str]:
    """Families that models/program/ writes: literal ones, '*_sum' for those named after a decision, and sums that several rows use."""
    out = set()
    for file in sorted(PROGRAM.rglob("*.py")):
        sums = [a for name, k in (("shared", 0), ("running", 1), ("_everywhere", 0)) for a in first_arguments(file, name, k)]
        for argument in [*first_arguments(file, "row", 0), *sums]:
            if isinstance(argument, ast.Name):  # inside the functions that are given the family
                assert argument.id == "family" and file.name in ("expressions.py", "fleet.py")
            elif isinstance(argument, ast.BinOp) and isinstance(argument.left, ast.Constant):
                out |= {family for family in SUMS if family.startswith(str(argument.left.value))}
            elif isinstance(argument, ast.Constant):
                out.add(str(argument.value))
            else:
                assert isinstance(argument, ast.BinOp) and isinstance(argument.right, ast.Constant), ast.dump(argument)
                out.add("*" + str(argument.right.value))
    return out


def with_a_test() -> set[str]:
    """Families that some `row_is(master, "family", ...)` of the row tests looks at, or `limit_is` of those of yearly limits."""
    out = set()
    for file in sorted(HERE.rglob("test_*.py")):
        for argument in [*first_arguments(file, "row_is", 1), *first_arguments(file, "limit_is", 1)]:
            if isinstance(argument, ast.Constant):
                name = str(argument.value)
                out.add("*_sum" if name.endswith("_sum") else name)
    return out


def test_every_family_of_rows_has_a_test() -> None:
    assert len(written()) >= 40  # the search itself finds something
    assert written() - with_a_test() == set(), "families of rows without a row test"
    assert with_a_test() - written() == set(), "tests of families that no longer exist"


# --- running sums -----------------------------------------------------------------------------------------------------


def test_running_sum_rows() -> None:
    """cum[s, d] = cum[s, d-1] + decision[s, d]: at the first date it is the decision itself."""
    problem = tiny(3, scenarios=2, apart_from=2)
    master = MasterProblem(replace(problem, equities=(equity_of(problem, limit=1e9),)))
    x, c = "issued_shares", "issued_shares_cum"
    row_is(master, "issued_shares_sum", (0, 1), {f"{c}[0,1]": 1.0, f"{x}[0,0]": -1.0, f"{x}[0,1]": -1.0}, equal=0.0)
    for s in (0, 1):
        row_is(master, "issued_shares_sum", (s, 2), {f"{c}[{s},2]": 1.0, f"{c}[0,1]": -1.0, f"{x}[{s},2]": -1.0}, equal=0.0)
    assert (1, 1) not in master.model.row_issued_shares_sum  # scenarios share the node of date 1, so they share its sum


def a_decision(problem: Problem, window: np.ndarray, recourse: bool) -> tuple[Build, Decision]:
    build = Build(problem)
    return build, build.decide(("thing",), window, recourse=recourse)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_sparse_history_is_the_sum_of_its_dates(data: st.DataObject) -> None:
    """history(s, coefs) over running sums equals sum_d coefs[d] * decision[s, d], whatever the window, tree and coefficients."""
    periods = data.draw(st.integers(2, 8))
    scenarios = data.draw(st.integers(1, 3))
    problem = tiny(periods, scenarios=scenarios, apart_from=data.draw(st.integers(1, periods + 1)))
    window = np.array(data.draw(st.lists(st.booleans(), min_size=periods + 1, max_size=periods + 1)))
    build, thing = a_decision(problem, window, data.draw(st.booleans()))
    few = st.sampled_from([0.0, 1.0, 1.0, 1.0, 2.5, -0.7])
    coefs = np.array(data.draw(st.lists(few, min_size=periods + 1, max_size=periods + 1)))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    for s in range(scenarios):
        for d in range(periods + 1):
            if (var := thing.at(s, d)) is not None and var.value is None:
                var.set_value(float(rng.uniform(0, 10)))
    lins = [thing.history(s, coefs) for s in range(scenarios)]
    build.finish()
    for component in build.model.component_objects(pyo.Constraint):
        for con in component.values():  # each running sum from the one before, in the order they were made
            made, *terms = zip(con.body.linear_coefs, con.body.linear_vars, strict=True)
            made[1].set_value(-sum(c * v.value for c, v in terms))
    for s, lin in enumerate(lins):
        direct = sum(c * v.value for d, c in enumerate(coefs) if (v := thing.at(s, d)) is not None)
        assert abs(lin.value() - direct) <= 1e-12 * (1.0 + np.abs(coefs).sum() * 10.0)
        assert len(lin.vars) <= max(np.count_nonzero([thing.at(s, d) is not None and c for d, c in enumerate(coefs)]), 3)


def test_history_of_a_step_is_one_running_sum() -> None:
    problem = tiny(8)
    _, thing = a_decision(problem, np.ones(9, dtype=bool), False)
    lin = thing.history(0, np.array([2.0] * 6 + [0.0] * 3))
    assert [(v.name, c) for v, c in zip(lin.vars, lin.coefs, strict=True)] == [("thing_cum[0,5]", 2.0)]


# --- sums that several rows use -----------------------------------------------------------------------------------------


def test_sums_that_several_rows_use() -> None:
    """Each is one variable for what it adds up, and scenarios in which it is the same share it."""
    problem = tiny(6, months=1, scenarios=2, apart_from=7, tax_rate=0.21)
    problem = replace(problem, sites=(site_of(problem, build_mining=expansion_of(problem, lead=1), ai_mw=20.0),))
    terms = {"frequency": 1, "rate": 0.12, "fee": 0.01, "tenor": 3, "collateral": ("halls", "equipment"), "advance_rate": 0.5}
    rig = rig_of(problem, price=[1e6 * 0.9**d for d in range(7)], lead=1, depreciation=Depreciation("straight", 4, (), 0.0, 4))
    cloud = service_of(problem, "ai", "cloud", rate=1000.0, demand=hourly(problem, 0.9), lead=1, equipment=path(5e6, 2, 7))
    problem = replace(problem, rigs=(rig,), services=(cloud,), debts=(debt_of(problem, "notes", **terms),))
    master = MasterProblem(problem)
    x, b, j, n = "orders_rig_home", "built_home_build_mining", "signed_ai_home", "issued_notes"
    hall, gear = float(problem.sites[0].build_mining.cost[0, 2]) / 1e6, 5.0
    parts = {f"{x}[0,2]": -0.81, f"{b}[0,2]": -hall, f"{j}[0,2]": -gear}
    row_is(master, "capex", (0, 2), {"capex[0,2]": 1.0} | parts, equal=0.0)
    assert (1, 2) not in master.model.row_capex
    # sums of two terms stand for themselves: halls ordered by date 1, and what date 3 adds to the sum of date 2
    early = {f"{b}[0,0]": -float(problem.sites[0].build_mining.cost[0, 0]) / 1e6, f"{b}[0,1]": -hall}
    row_is(master, "halls_cost", (0, 2), {"halls_cost[0,2]": 1.0, f"{b}[0,2]": -hall} | early, equal=0.0)
    later = {"halls_cost[0,2]": -1.0, f"{b}[0,3]": -hall, f"{b}[0,4]": -hall}
    row_is(master, "halls_cost", (0, 4), {"halls_cost[0,4]": 1.0} | later, equal=0.0)
    gears = {f"{j}[0,{d}]": -gear for d in range(3)}
    row_is(master, "equipment_cost", (0, 2), {"equipment_cost[0,2]": 1.0} | gears, equal=0.0)
    # notes of three months at 12 % a year: at date 3 those of dates 0 to 2 pay interest, those of date 0 are repaid
    monthly = 0.01
    faces = {f"{n}[0,{d}]": -monthly for d in range(3)}
    row_is(master, "debt_interest", ("notes", 0, 3), {"debt_interest[notes,0,3]": 1.0} | faces, equal=0.0)
    row_is(master, "debt_paid", ("notes", 0, 3), {"debt_paid[notes,0,3]": 1.0} | faces | {f"{n}[0,0]": -1.0 - monthly}, equal=0.0)
    left = {f"{n}[0,{d}]": -1.0 for d in (1, 2, 3)}
    row_is(master, "debt_balance", ("notes", 0, 3), {"debt_balance[notes,0,3]": 1.0} | left, equal=0.0)
    yearly = {f"{n}[0,{d}]": -monthly * min(3, 6 - d) for d in range(6)}
    row_is(master, "debt_accrued", ("notes", 0, 0), {"debt_accrued[notes,0,0]": 1.0} | yearly, equal=0.0)
    fees = {f"{n}[0,{d}]": -0.01 * min(3, 6 - d) / 3 for d in range(6)}
    row_is(master, "debt_cost", ("notes", 0, 0), {"debt_cost[notes,0,0]": 1.0} | fees, equal=0.0)


def test_rent_of_a_lease_is_one_sum() -> None:
    """MW signed at each date at their escalated rent: contracts of a year and more ago have grown by a step."""
    problem = tiny(18, months=1, scenarios=2, apart_from=19)
    problem = replace(problem, sites=(site_of(problem, ai_mw=20.0),))
    lease = service_of(problem, "tenant", rate=1e6, demand=hourly(problem, 0.9), lead=1, escalator=0.1, ramp=(0.5,), term=60)
    master = MasterProblem(replace(problem, services=(lease,)))
    key, name = ("tenant", "home", 0, 15), "signed_tenant_home"
    # at period 15 those of dates 0 to 2 have run for a year; that of date 14 starts, at half
    terms = {f"{name}[0,{d}]": -(1.1 if d <= 2 else 1.0) for d in range(14)} | {f"{name}[0,14]": -0.5}
    row_is(master, "rented", key, {"rented[tenant,home,0,15]": 1.0} | terms, equal=0.0)


def test_what_is_decided_of_a_rig_at_several_sites_is_one_sum() -> None:
    """Orders, exercises, retirements and MW of one rig at three sites; two sites stand for themselves."""
    problem = tiny(3, scenarios=2, apart_from=4)
    problem = replace(problem, sites=tuple(site_of(problem, name) for name in ("a", "b", "c")))
    option = RigOption(1e4, 5e5, 100.0, np.arange(4) < 2, np.arange(4) < 3)
    rig = rig_of(problem, lead=1, option=option, sites=np.ones(3, dtype=bool), owned=np.zeros(3))
    master = MasterProblem(replace(problem, rigs=(rig,)))

    def parts(decision: str) -> dict[str, float]:
        return {f"{decision}_rig_{place}[0,1]": -1.0 for place in "abc"}

    row_is(master, "rig_ordered", ("rig", 0, 1), {"rig_ordered[rig,0,1]": 1.0} | parts("orders"), equal=0.0)
    row_is(master, "rig_exercised", ("rig", 0, 1), {"rig_exercised[rig,0,1]": 1.0} | parts("exercised"), equal=0.0)
    row_is(master, "rig_retired", ("rig", 0, 1), {"rig_retired[rig,0,1]": 1.0} | parts("retired"), equal=0.0)
    standing = {f"installed[rig,{place},0,1]": -1.0 for place in "abc"}
    row_is(master, "rig_standing", ("rig", 0, 1), {"rig_standing[rig,0,1]": 1.0} | standing, equal=0.0)
    assert ("rig", 1, 1) not in master.model.row_rig_standing


def test_scheduled_principal_and_purchases_on_like_terms_are_sums() -> None:
    """Level amortisation from vintages of several dates; MACRS purchases of one year are deducted in the same shares."""
    problem = tiny(24, months=1, tax_rate=0.21)
    problem = replace(problem, sites=(site_of(problem),))
    rig = rig_of(problem, price=1e6, lead=1, depreciation=Depreciation("macrs", 0, (0.5, 0.5), 0.0, 24))
    notes = debt_of(problem, "notes", frequency=1, tenor=4, amortisation="level", window=np.arange(25) < 3)
    master = MasterProblem(replace(problem, rigs=(rig,), debts=(notes,)))
    # everything is repaid in equal parts at the four dates up to its maturity: date 3 is the third of date 0, second of 1, first of 2
    quarters = {f"issued_notes[0,{v}]": -0.25 for v in range(3)}
    row_is(master, "debt_principal", ("notes", 0, 3), {"debt_principal[notes,0,3]": 1.0} | quarters, equal=0.0)
    for n, dates in enumerate((range(11), range(11, 23))):  # placed in service a month later
        bought = {f"orders_rig_home[0,{d}]": -1.0 for d in dates}
        row_is(master, "tax_basis", (0, n), {f"tax_basis[0,{n}]": 1.0} | bought, equal=0.0)


# --- who knows what when ----------------------------------------------------------------------------------------------


def test_decisions_of_shared_nodes_are_one_variable_and_recourse_is_not() -> None:
    """Three scenarios: together at dates 0 and 1, {0, 1} together at date 2, apart at date 3."""
    problem = tiny(3, scenarios=3)
    node = np.array([[0, 1, 2, 4], [0, 1, 2, 5], [0, 1, 3, 6]])
    problem = replace(problem, scenarios=replace(problem.scenarios, node=node))
    _, shared = a_decision(problem, np.ones(4, dtype=bool), False)
    _, own = a_decision(problem, np.ones(4, dtype=bool), True)
    for d in range(4):
        for one in range(3):
            for other in range(3):
                together = node[one, d] == node[other, d]
                assert (shared.at(one, d) is shared.at(other, d)) == together
                assert (shared.cum(one, d) is shared.cum(other, d)) == together
                assert (own.at(one, d) is own.at(other, d)) == (one == other)


def test_every_part_of_the_program_follows_the_tree() -> None:
    """Orders, builds, contracts, issues, sculpted balances, sales and dividends are decided at nodes; hours, cash, revolver,
    repayment of a BTC loan, rescue and tax in each scenario."""
    problem = tiny(3, scenarios=2, coins=10.0, retain=0.5, tax_rate=0.21, rescue_penalty=1.0)
    problem = replace(problem, scenarios=replace(problem.scenarios, node=tree(2, 4, apart_from=2)))
    site = site_of(problem, build_mining=expansion_of(problem), convert=expansion_of(problem))
    problem = replace(problem, sites=(site,))
    problem = replace(
        problem,
        rigs=(rig_of(problem),),
        services=(service_of(problem, demand=hourly(problem, 0.9)),),
        debts=(
            debt_of(problem, "notes"),
            debt_of(problem, "sculpted", "loan", amortisation="as_cash_allows", coverage=1.2),
            debt_of(problem, "revolver", "revolver"),
            debt_of(problem, "btc", "btc_loan", ltv=0.5, top_up=0.7),
        ),
    )
    master = MasterProblem(problem)
    index: dict[str, set[tuple[int, int]]] = {}
    for component in master.model.component_objects(pyo.Var):
        for var in component.values():
            numbers = tuple(int(k) for k in label(var).split("[")[1].rstrip("]").split(",") if k.lstrip("-").isdigit())
            if len(numbers) >= 2:
                name = component.local_name
                if name == "balance":
                    name += "_" + label(var).split("[")[1].split(",")[0]
                index.setdefault(name, set()).add((numbers[0], numbers[1]))
    rigs = ["orders_rig_home", "retired_rig_home", "installed"]
    plant = [*rigs, "built_home_build_mining", "built_home_convert", "signed_tenant_home"]
    money = ["issued_notes", "issued_sculpted", "issued_btc", "repaid_sculpted", "balance_sculpted", "sold", "dividends"]
    for name in [*plant, *money]:
        assert {d for s, d in index[name] if s == 1} <= {2, 3}, name
        assert {d for s, d in index[name] if s == 0} & {0, 1}, name
    hours = ["use", "source", "margin", "kept"]
    for name in [
        *hours,
        "cash",
        "coins",
        "rescue",
        "repaid_btc",
        "balance_btc",
        "balance_revolver",
        "pledged",
        "income_positive",
    ]:
        assert {d for s, d in index[name] if s == 0} == {d for s, d in index[name] if s == 1}, name
        assert {d for s, d in index[name] if s == 1} & {0, 1}, name
