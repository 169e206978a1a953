"""Fewer scenarios: the rows that are kept are those of the scenarios kept, and the rest of the problem is the same."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from models.problem import Hourly
from models.problem.scenario_subset import only
from models.program.master_problem import MasterProblem
from tests.benchmarks.problems import whole
from tests.shared.random_problems import random_problem


def arrays(part: Any, path: str = "") -> dict[str, np.ndarray]:
    """Every array of a problem by its path."""
    if isinstance(part, np.ndarray):
        return {path: part}
    found: dict[str, np.ndarray] = {}
    if isinstance(part, tuple):
        for n, item in enumerate(part):
            found |= arrays(item, f"{path}[{n}]")
    elif isinstance(part, dict):
        for key, item in part.items():
            found |= arrays(item, f"{path}[{key}]")
    elif is_dataclass(part):
        for field in fields(part):
            if not (isinstance(part, Hourly) and field.name == "profiles"):
                found |= arrays(getattr(part, field.name), f"{path}.{field.name}")
    return found


def test_rows_of_scenarios_are_kept_and_nothing_else_changes() -> None:
    """In a problem whose numbers of scenarios, dates, periods and sites differ, the first axis tells what runs over scenarios."""
    problem = whole(2, 4, 7, 2, 2)
    count = problem.scenarios.count
    assert count not in (problem.clock.periods, problem.clock.dates, len(problem.sites), problem.clock.tax_years)
    before, after = arrays(problem), arrays(only(problem, [5, 2]))
    assert before.keys() == after.keys()
    cut = {path for path, array in before.items() if array.ndim and array.shape[0] == count and "clock" not in path}
    assert len(cut) > 30
    for path, array in before.items():
        if path == ".scenarios.probability":
            np.testing.assert_allclose(after[path], [0.5, 0.5])
        elif path in cut:
            np.testing.assert_array_equal(after[path], array[[5, 2]], err_msg=path)
        else:
            np.testing.assert_array_equal(after[path], array, err_msg=path)


@pytest.mark.parametrize("seed", range(12))
def test_a_random_problem_of_one_scenario_can_be_planned(seed: int) -> None:
    problem = random_problem(seed)
    for s in range(problem.scenarios.count):
        part = only(problem, [s])
        assert part.scenarios.names == (problem.scenarios.names[s],) and part.scenarios.probability[0] == 1.0
        assert MasterProblem(part, "benders").build.S == 1


def test_all_scenarios_are_the_problem() -> None:
    problem = random_problem(3)
    before, after = arrays(problem), arrays(only(problem, range(problem.scenarios.count)))
    for path, array in before.items():
        np.testing.assert_allclose(after[path], array, rtol=1e-15)


@pytest.mark.parametrize("scenarios", [[], [7], [-1], [0, 0]])
def test_scenarios_that_are_not_there_are_refused(scenarios: list[int]) -> None:
    problem = whole(1, 3, 7, 1, 1)
    with pytest.raises(ValueError, match="expected some of them"):
        only(problem, scenarios)
