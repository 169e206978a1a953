"""All money in millionths or in millions: the numbers of the linear program are the same, and so are those of the cuts on its hours."""

from __future__ import annotations

import numpy as np
import pytest

from models.benders.cuts import Cuts
from models.problem import Problem
from models.program.master_problem import MasterProblem
from optimizer.case.case import Case
from optimizer.engine.master import COST_SCALE
from optimizer.solver.compile import compile_model
from optimizer.solver.hour_blocks import block_opener
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.session import Session
from tests.fuzz.paths import patched, read
from tests.fuzz.plausible import in_other_money
from tests.shared.places import ROOT
from tests.shared.random_problems import random_problem
from tests.whole.test_identities import in_other_money as in_other_dollars

THIN = "horizon.hours={every: 365}"
CASES = (
    "tests/cases/all-features.yaml",
    "tests/cases/coupled.yaml",
    "tests/cases/curtailment.yaml",
    "tests/cases/financing-mixes.yaml",
    "cases/quickstart.yaml",
    "cases/surplus-power.yaml",
)


def program(problem: Problem) -> LinearProgram:
    """The program with the first cuts on its hours."""
    master = MasterProblem(problem, "benders", block_opener(0))
    lp = compile_model(master.model, cost_scale=COST_SCALE)
    session = Session()
    session.load(lp)
    assert master.recourse is not None
    if master.recourse.values:
        cuts = Cuts(master.recourse, session, lp.number)
        cuts.floor()
    return session.lp


def same(one: LinearProgram, other: LinearProgram) -> None:
    """Every number of a program, to rounding."""
    assert one.matrix.shape == other.matrix.shape
    off = (abs(one.matrix - other.matrix) - 1e-9 * abs(one.matrix)).tocoo()
    assert [
        (str(one.rows[r]), str(one.columns[c])) for r, c in zip(off.row[off.data > 0], off.col[off.data > 0], strict=True)
    ] == []
    for part in ("cost", "row_lower", "row_upper", "col_lower", "col_upper"):
        left, right = getattr(one, part), getattr(other, part)
        with np.errstate(invalid="ignore"):
            near = (left == right) | (np.abs(left - right) <= 1e-9 * np.abs(left))
        assert np.flatnonzero(~near).tolist() == [], part


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("name", CASES)
def test_a_case_in_other_money_is_the_same_program(name: str, factor: float) -> None:
    settings = () if "coupled" in name else (THIN,)  # hours that follow each other are kept
    case = patched(read(ROOT / name), settings)
    assert case is not None
    plain = Case.load(ROOT / name, None, settings).problem()
    scaled = Case.load(ROOT / name, None, (*settings, *in_other_money(case, factor))).problem()
    assert scaled.money == pytest.approx(plain.money * factor, rel=1e-12)
    same(program(plain), program(scaled))


@pytest.mark.parametrize("seed", [3, 8, 11])
def test_a_random_problem_in_other_money_is_the_same_program(seed: int) -> None:
    problem = random_problem(seed, limited=True)
    same(program(problem), program(in_other_dollars(problem, 1e6)))
