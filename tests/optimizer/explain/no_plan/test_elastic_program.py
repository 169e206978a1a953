"""Trials: the least bending agrees with a program that has every hour in it, and what a trial refutes is refuted by arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.problem import Problem, Rule
from models.program.master_problem import MasterProblem
from optimizer.explain.no_plan.elastic_program import ElasticProgram, Shift
from optimizer.explain.no_plan.requirements.everything import requirements
from optimizer.explain.no_plan.row_owners import owner_of
from optimizer.solver.compile import compile_model
from optimizer.solver.session import Session, SolverOptions
from tests.shared.random_problems import random_problem


def demanding(problem: Problem, usd: float) -> Problem:
    """With a rule that asks for so much cash at the horizon, in every scenario."""
    one = np.ones((problem.scenarios.count, problem.clock.dates))
    end = np.zeros_like(one, dtype=bool)
    end[:, -1] = True
    rich = Rule("rich", f"cash >= {usd:g} USD", {("cash", None): one}, ">=", usd * one, end)
    hard = tuple(rule for rule in problem.rules if rule.penalty is not None)
    return replace(problem, rules=(*hard, rich), treasury=replace(problem.treasury, rescue_penalty=None))


def trial_of(problem: Problem) -> ElasticProgram:
    return ElasticProgram(problem, owner_of(requirements(problem)))


def most_cash(problem: Problem) -> float | None:
    """By the program in one piece: the largest amount that every scenario can hold at the horizon (USD), None without any plan."""
    master = MasterProblem(demanding(problem, 0.0), hours="extensive")
    lp = compile_model(master.model)
    column = {id(v): j for j, v in enumerate(lp.columns)}
    cost = np.zeros(len(lp.cost) + 1)
    cost[-1] = -1.0
    # one more column t with cash[s, T] - t >= 0 for every s
    from scipy import sparse

    ends = [column[id(master.treasury.cash[s][-1])] for s in range(master.build.S)]
    more = sparse.csr_array((np.ones(len(ends)), (np.arange(len(ends)), ends)), shape=(len(ends), len(lp.cost)))
    matrix = sparse.vstack(
        [
            sparse.hstack([lp.matrix, sparse.csc_array((lp.matrix.shape[0], 1))]),
            sparse.hstack([more, -np.ones((len(ends), 1))]),
        ],
        format="csc",
    )
    made = replace(
        lp,
        cost=cost,
        offset=0.0,
        matrix=sparse.csc_array(matrix),
        row_lower=np.concatenate([lp.row_lower, np.zeros(len(ends))]),
        row_upper=np.concatenate([lp.row_upper, np.full(len(ends), np.inf)]),
        col_lower=np.append(lp.col_lower, 0.0),
        col_upper=np.append(lp.col_upper, np.inf),
        sense=1,
        cost_scale=1.0,
    )
    session = Session(SolverOptions())
    session.load(made)
    answer = session.solve()
    return float(answer.x[-1]) * problem.money if answer.status.value == "optimal" else None


@pytest.mark.parametrize("seed", range(16))
def test_the_least_bending_is_that_of_the_program_in_one_piece(seed: int) -> None:
    problem = random_problem(seed)
    most = most_cash(problem)
    if most is None:
        assert trial_of(demanding(problem, 0.0)).find().feasible is False
        return
    size = max(most, 1e6)
    assert trial_of(demanding(problem, most - 1e-4 * size)).find().feasible is True
    wanted = most + 0.5 * size
    elastic = trial_of(demanding(problem, wanted))
    found = elastic.find()
    assert found.feasible is False and found.certificate is not None and found.certificate.verified
    assert 'rule "rich"' in found.owners()
    assert elastic.find(['rule "rich"']).feasible is True
    # asked how much less would do, it finds the same as the program in one piece
    shift = elastic.shift(demanding(problem, wanted - 0.01 * wanted), 0.01 * wanted)
    assert shift is not None
    least = elastic.least(shift)
    assert least is not None
    assert wanted - least == pytest.approx(most, rel=1e-6, abs=1e-6 * size)


def test_a_figure_that_slides_and_one_that_only_grows() -> None:
    problem = demanding(random_problem(1), 0.0)
    most = most_cash(problem)
    assert most is not None
    elastic = trial_of(demanding(problem, most + 1e8))
    assert elastic.find().feasible is False
    richer = replace(elastic.problem, treasury=replace(problem.treasury, cash=problem.treasury.cash + 1e6))
    cash = elastic.shift(richer, 1e6)
    assert cash is not None and (cash.by != 0.0).all()
    assert elastic.sliding((cash,)).find().feasible is True
    assert elastic.find().feasible is False  # the trial itself stays as it was


def test_what_shapes_the_program_is_no_shift() -> None:
    problem = demanding(random_problem(1), 0.0)
    elastic = trial_of(problem)
    assert elastic.shift(problem, 1.0) is None  # nothing moves
    longer = replace(problem, treasury=replace(problem.treasury, cash_yield=problem.treasury.cash_yield + 0.01))
    assert elastic.shift(longer, 0.01) is None  # coefficients move


def test_a_proof_that_does_not_hold_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    from optimizer.solver import certificates

    elastic = trial_of(demanding(random_problem(1), 1e12))
    assert elastic.find().feasible is False
    refused = certificates.verify_infeasible(elastic.base, np.zeros(len(elastic.base.row_lower)))
    assert not refused.verified
    monkeypatch.setattr(certificates, "verify_infeasible", lambda *a, **b: refused)
    assert elastic.find().feasible is None


def test_time_that_is_up_is_no_answer() -> None:
    elastic = trial_of(demanding(random_problem(1), 0.0))
    assert elastic.find(deadline=0.0).feasible is None


def test_shifts_are_read_off_bounds() -> None:
    shift = Shift(np.array([0]), np.array([1.0]))
    assert shift.least == 0.0
