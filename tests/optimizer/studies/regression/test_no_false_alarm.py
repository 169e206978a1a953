"""No false alarm: whatever way the solver takes, objectives agree to a billionth, and key figures to a millionth where they are unique."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from optimizer.runtime.executor import Executor
from optimizer.studies.regression import blessed, check
from optimizer.studies.regression.check import SAME, Task, Verdict, run_one
from tests.shared.company import blessed_company
from tests.shared.places import ROOT

#: gap and agreement of objectives, of the scale of its terms; agreement of unique figures
OBJECTIVE, FIGURE = 1e-9, 1e-6
#: (presolve, algorithm, seed)
WAYS = list(itertools.product((True, False), ("simplex", "ipm"), (0, 1, 2)))
FEW = [(False, "ipm", 2)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """The small company, blessed on the default way."""
    return blessed_company(tmp_path_factory.mktemp("ways"))


def quickstart(variant: str | None = None) -> Task:
    """As it is shipped, with its shipped result."""
    return Task(str(ROOT / "cases" / "quickstart.yaml"), variant, "quickstart", str(ROOT / "results"))


def assert_no_alarm(task: Task, **options: Any) -> Verdict:
    found = run_one(Task(task.path, task.variant, task.case, task.results, options=options))
    assert found.state == SAME, (options, found)
    assert not [one for one in found.findings if one.level != check.NOTE], (options, found)
    before, now = blessed.read(task.blessed), found.content
    assert now is not None
    was, has = before["objective"], now["objective"]
    assert has["gap"] * abs(has["value"]) <= OBJECTIVE * has["scale"], options
    assert abs(has["value"] - was["value"]) <= OBJECTIVE * was["scale"], options
    unique = [name for name, one in before["kpis"].items() if one.get("unique")]
    assert unique
    for name in unique:
        one, other = before["kpis"][name]["value"], now["kpis"][name]["value"]
        assert abs(one - other) <= FIGURE * max(abs(one), 1.0), (name, options)
    return found


@pytest.mark.parametrize(("presolve", "algorithm", "seed"), WAYS)
def test_ways_through_the_small_company(presolve: bool, algorithm: str, seed: int, small: Task) -> None:
    assert_no_alarm(small, presolve=presolve, algorithm=algorithm, seed=seed)


@pytest.mark.parametrize(("presolve", "algorithm", "seed"), FEW)
def test_ways_through_the_quickstart(presolve: bool, algorithm: str, seed: int) -> None:
    assert_no_alarm(quickstart(), presolve=presolve, algorithm=algorithm, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize(("presolve", "algorithm", "seed"), [way for way in WAYS if way not in FEW])
def test_all_ways_through_the_quickstart(presolve: bool, algorithm: str, seed: int) -> None:
    assert_no_alarm(quickstart(), presolve=presolve, algorithm=algorithm, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_on_the_quickstart(workers: int) -> None:
    with Executor(workers) as executor:
        found = assert_no_alarm(quickstart("no_debt"), executor=executor)
    assert found.content == run_one(quickstart("no_debt")).content


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["no_debt", "no_ai", "loose_coverage"])
def test_shipped_variants_are_as_blessed(variant: str) -> None:
    assert_no_alarm(quickstart(variant))


def test_a_way_that_changes_something_is_an_alarm(small: Task) -> None:
    """The same comparison, of a company that gets a tenth of a thousandth more for its coins."""
    text = Path(small.path).read_text(encoding="utf-8").replace("88_700", "88_709")
    other = Path(small.path).with_name("other.yaml")
    other.write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError):
        assert_no_alarm(Task(str(other), None, small.case, small.results))
