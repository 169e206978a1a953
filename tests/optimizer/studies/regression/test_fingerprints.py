"""Fingerprints: equal for what is equal, whatever the order it is written in, and different for what differs in one place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sparse

from optimizer import Case
from optimizer.case.reading import yaml_tree
from optimizer.solver.compile import compile_model
from optimizer.solver.linear_program import LinearProgram
from optimizer.studies.regression import fingerprints
from optimizer.studies.regression.fingerprints import Moved, moved, of_array, of_case, of_problem, of_program
from tests.shared.company import SMALL

#: rows and columns know their names as long as their model lives
MODELS = []


def program(text: str) -> LinearProgram:
    """A little program; names of rows and columns with their coefficients, as `row: 2 a + 3 b <= 4`."""
    import pyomo.environ as pyo

    model = pyo.ConcreteModel()
    model.row_limit = pyo.ConstraintList()
    model.x = pyo.Var(["a", "b", "c"], bounds=(0.0, 10.0))
    for line in text.splitlines():
        left, right = line.split("<=")
        terms = [part.split() for part in left.split("+")]
        model.row_limit.add(sum(float(c) * model.x[name] for c, name in terms) <= float(right))
    model.objective = pyo.Objective(expr=model.x["a"] + 2.0 * model.x["b"], sense=pyo.maximize)
    MODELS.append(model)
    return compile_model(model)


def test_an_array_is_told_by_more_than_its_mean() -> None:
    one = np.arange(12.0).reshape(3, 4)
    assert fingerprints.same(of_array(one), of_array(one * (1.0 + 1e-14)))
    for other in (one[::-1], one.reshape(4, 3), one * (1.0 + 1e-6), np.where(one == 5.0, np.inf, one)):
        assert not fingerprints.same(of_array(one), of_array(other))
    assert of_array(one)[:2] == ["3x4", 5.5]
    assert of_array(np.full(3, np.inf))[1] == 0.0 and of_array(np.zeros(0)) == ["0", 0.0, 0.0]
    assert not fingerprints.same(of_array(np.array([np.inf, 1.0])), of_array(np.array([1.0, np.inf])))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(1.0, 1.0 + 1e-12, True), (1.0, 1.0 + 1e-6, False), (0.0, 0.0, True), (0.0, 1e-30, False), ("a", "a", True),
     ("a", 1.0, False), (True, 1.0, False), (["2", 1.0, 2.0], ["2", 1.0], False), ("inf", "inf", True)],
)  # fmt: skip
def test_numbers_are_equal_up_to_rounding(one: object, other: object, same: bool) -> None:
    assert fingerprints.same(one, other) is same


def test_entries_that_move_come_and_go() -> None:
    found = moved({"a": 1.0, "b": "x", "gone": 2.0}, {"a": 1.0, "b": "y", "new": ["2", 1.0, 1.5]})
    assert found == [Moved("b", "x", "y"), Moved("new", None, ["2", 1.0, 1.5]), Moved("gone", 2.0, None)]
    assert [str(one) for one in found] == ["b: x -> y", "new: new, 2 of mean 1", "gone: gone, was 2"]
    assert str(Moved("p", ["2", 1.0, 1.5], ["2", 1.0, 1.6])) == "p: 2 of mean 1 -> 2 of mean 1 (in parts)"
    assert str(Moved("p", [2.0, 1.0, 1.5], [2.0, 1.0, -1.6])).endswith("(signs or places moved)")


def test_a_case_is_told_by_its_paths() -> None:
    told = of_case(yaml_tree.load(SMALL, "small.yaml"))
    assert told["financing.notes.coupon"] == "9.25 %/year"
    assert told["rules[coverage].require"] == "cfads + rescue >= 1.30 * debt_service"
    assert told["scenarios.bear.scale.market.btc_price"] == "0.8"
    assert not [path for path in told if path.startswith("variants")]
    # one more rule before the others moves none of them; a remark for readers is none of it
    more = SMALL.replace("rules:\n", "rules:\n  - {name: first, describe: a remark, require: cash >= 0 USD}\n")
    change = moved(told, of_case(yaml_tree.load(more, "small.yaml")))
    assert [one.path for one in change] == ["rules[first].name", "rules[first].require"]
    long = SMALL.replace("cash >= 6 * overhead_monthly", "cash >= 6 * overhead_monthly" + " + 0 USD" * 50)
    (one,) = moved(told, of_case(yaml_tree.load(long, "small.yaml")))
    assert len(one.after) < 200 and "characters" in one.after


def test_a_problem_is_told_whole(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Every scalar field of a rig, changed alone, is seen, and nothing else is."""
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    problem = Case.load(tmp_path / "small.yaml").problem()
    told = of_problem(problem)
    rig = problem.rigs[1]
    for name in ("density", "uptime", "pool_fee", "variable_cost", "lead", "life", "limit"):
        changed = replace(problem, rigs=(problem.rigs[0], replace(rig, **{name: 3})))
        assert [one.path for one in moved(told, of_problem(changed))] == [f"rigs[new].{name}"]
    price = rig.price.copy()
    price[1, 3] *= 1.001
    changed = replace(problem, rigs=(problem.rigs[0], replace(rig, price=price)))
    assert [one.path for one in moved(told, of_problem(changed))] == ["rigs[new].price"]


def test_a_program_is_told_whatever_the_order_of_its_columns() -> None:
    lp = program("1 a + 2 b <= 3\n4 c + 5 a <= 6")
    told = of_program(lp)
    order = np.array([2, 0, 1])
    shuffled = replace(
        lp, cost=lp.cost[order], matrix=sparse.csc_array(lp.matrix[:, order]), col_lower=lp.col_lower[order],
        col_upper=lp.col_upper[order], columns=[lp.columns[j] for j in order],
    )  # fmt: skip
    assert moved(told, of_program(shuffled)) == []
    for other in (
        "1 a + -2 b <= 3\n4 c + 5 a <= 6",
        "1 a + 2 c <= 3\n4 c + 5 a <= 6",
        "1 a + 2 b <= 3.5\n4 c + 5 a <= 6",
        "1 a + 2 b <= 3",
    ):
        assert [one.path for one in moved(told, of_program(program(other)))] == ["rows of limit"]
    tighter = replace(lp, col_upper=np.where(np.arange(3) == 1, 9.0, lp.col_upper))
    assert [one.path for one in moved(told, of_program(tighter))] == ["columns of x"]
