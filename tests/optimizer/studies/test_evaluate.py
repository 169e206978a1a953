"""A plan on fresh paths: what is held is held, foresight never hurts, nothing is dropped, and workers change no byte."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from models.problem.scenario_subset import only
from optimizer.case.case import Case
from optimizer.cli.app import cli
from optimizer.engine.solve import solve_warm
from optimizer.runtime.executor import Executor
from optimizer.studies.evaluate import Evaluation, EvaluationError, Task, evaluate, judge, tail_mean, today
from optimizer.studies.evaluate import Path as Judged
from tests.optimizer.cli.test_streams import GENERATED
from tests.shared.places import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(GENERATED)
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *arguments, "--quiet"], standalone_mode=False)


def test_on_its_own_scenarios_a_plan_earns_at_least_what_it_says_and_at_most_what_foresight_does(path: Path) -> None:
    case = Case.load(path)
    solved = solve_warm(case, baseline=False)
    books, problem = solved.solution.books, case.problem()
    assert books is not None
    held = today(solved)
    assert ("units", "mine") in held
    for s, name in enumerate(problem.scenarios.names):
        found = judge(Task(name, only(problem, [s]), held))
        assert found.status == "optimal" and found.value is not None and found.best is not None
        assert found.value >= books.value[s] - 1e-7 * abs(books.value[s])
        assert found.value <= found.best + 1e-7 * abs(found.best)


def test_a_plan_that_learns_everything_at_the_next_date_earns_the_same_to_the_last_dollar(path: Path) -> None:
    """With no weight on the tail, scenarios that part at the first date after today are each the best they can be, given today."""
    case = Case.load(path, settings=["objective.risk_weight=0 %", "treasury.sell=never", "treasury.dividends={from: 2027-04}"])
    solved = solve_warm(case, baseline=False)
    books, problem = solved.solution.books, case.problem()
    assert books is not None
    held = today(solved)
    values = [judge(Task(name, only(problem, [s]), held)).value for s, name in enumerate(problem.scenarios.names)]
    assert problem.scenarios.probability @ np.array(values) == pytest.approx(books.expected, rel=1e-7)


def test_what_is_held_is_held_and_costs_what_it_costs(path: Path) -> None:
    case = Case.load(path)
    problem, held = case.problem(), today(solve_warm(case, baseline=False))
    one = only(problem, [0])
    free, none = judge(Task("a", one, held)), judge(Task("a", one, held | {("units", "mine"): 0.0}))
    assert free.value is not None and none.value is not None and free.value > none.value + 1e4
    assert free.best == pytest.approx(none.best)
    barred = replace(one, projects=tuple(replace(project, limit=0.5) for project in one.projects))
    lost = judge(Task("b", barred, held | {("units", "mine"): 1.0}))
    assert lost.value is None and lost.status == "infeasible" and lost.best is not None


def test_workers_change_no_byte_and_figures_stand_beside_those_in_sample(path: Path, tmp_path: Path) -> None:
    written = []
    for workers in ("1", "2"):
        out = tmp_path / workers
        done = run(str(path), "--workers", workers, "--out", str(out), "--json")
        assert done.return_value == 0, done.output
        (file,) = out.rglob("evaluation.csv")
        written.append((file.read_bytes(), done.stdout))
    assert written[0] == written[1]
    told = json.loads(written[0][1])
    assert told["paths"] == 50 and told["out_of_sample"]["standard_error"] > 0.0 and told["out_of_sample"]["no_plan"] == 0.0
    assert told["out_of_sample"]["quantile_5"] <= told["out_of_sample"]["quantile_50"] <= told["out_of_sample"]["quantile_95"]
    text = (
        CliRunner()
        .invoke(cli, ["evaluate", str(path), "--workers", "1", "--out", str(tmp_path / "1"), "--quiet"], standalone_mode=False)
        .stdout
    )
    assert "out of sample" in text and max(map(len, text.splitlines())) <= 80


def test_figures_count_a_path_without_a_plan() -> None:
    paths = [Judged(f"s{k}", "optimal", float(k), 5.0 * (k == 1), float(k) + 1.0) for k in range(4)]
    found = Evaluation(2.0, 1.0, 0.5, 7, {}, (*paths, Judged("s5", "infeasible", None, 0.0, 3.0, "no cash")))
    figures = found.figures()
    assert (figures["mean"], figures["cvar"], figures["rescue"], figures["no_plan"], figures["regret"]) == (
        1.5,
        0.5,
        0.2,
        0.2,
        1.0,
    )
    assert figures["standard_error"] == pytest.approx(np.std([0, 1, 2, 3], ddof=1) / 2.0)
    assert tail_mean(np.array([10.0, 20.0, 30.0, 40.0]), 0.4) == 13.75  # as rewards, the worst 40 %


def test_what_cannot_be_judged_is_told(path: Path) -> None:
    case = Case.load(path)
    with Executor(1) as executor:
        with pytest.raises(EvaluationError, match="fresh paths need another"):
            evaluate(case, 50, case.generated.given.seed, executor)  # type: ignore[union-attr]
        with pytest.raises(EvaluationError, match="written, not drawn"):
            evaluate(Case.load(ROOT / "cases" / "quickstart.yaml"), 50, 9, executor)
