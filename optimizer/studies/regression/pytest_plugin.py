"""`pytest --wattfolio`: every case and variant is a test against its blessed result. Without that option nothing is collected, and nothing
but the standard library imported.

ini options: `wattfolio_cases` (glob patterns, default `cases/*.yaml`), `wattfolio_results` (default `results`), both from the root of the
tests. The fixture `wattfolio_check` checks one case from within a test of one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from optimizer.studies.regression.check import Task, Verdict


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wattfolio")
    group.addoption("--wattfolio", action="store_true", help="check cases of wattfolio against their blessed results")
    parser.addini("wattfolio_cases", "cases to check, as glob patterns", type="args", default=["cases/*.yaml"])
    parser.addini("wattfolio_results", "folder of blessed results", default="results")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    config = parent.config
    if not config.getoption("--wattfolio"):
        return None
    patterns = config.getini("wattfolio_cases")
    try:
        place = file_path.relative_to(config.rootpath)
    except ValueError:
        return None
    if any(file_path in set(config.rootpath.glob(pattern)) for pattern in patterns):
        return CaseFile.from_parent(parent, path=config.rootpath / place)
    return None


class CaseFile(pytest.File):
    """A case: one test for itself and one for each of its variants."""

    def collect(self) -> Iterator[pytest.Item]:
        from optimizer.studies.regression.run import UsageProblem, tasks

        try:
            found = tasks([str(self.path)], (), str(_results(self.config)))
        except UsageProblem as problem:
            raise self.CollectError(str(problem)) from None
        for task in found:
            yield CaseItem.from_parent(self, name=task.variant or "base", task=task)


class CaseItem(pytest.Item):
    """One case or variant against its blessed result."""

    def __init__(self, *, task: Task, **rest: Any) -> None:
        super().__init__(**rest)
        self.task = task

    def runtest(self) -> None:
        _demand(self.task)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, NotAsBlessed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"wattfolio check {self.task.case}/{self.name}"


class NotAsBlessed(AssertionError):
    """An optimal solution is not as blessed; what moved is in the message."""


@pytest.fixture
def wattfolio_check(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """check(path, variant=None, results=None) -> Verdict; fails the test where the solution is not as blessed."""

    def check(path: str | Path, variant: str | None = None, results: str | Path | None = None) -> Verdict:
        from optimizer.studies.regression.run import tasks

        where = Path(results) if results is not None else _results(request.config)
        (task,) = tasks([str(path)], (variant or "base",), str(where))
        return _demand(task)

    return check


def _results(config: pytest.Config) -> Path:
    return config.rootpath / str(config.getini("wattfolio_results"))


def _demand(task: Task) -> Verdict:
    from optimizer.studies.regression.check import run_one
    from optimizer.studies.regression.views import passed, to_text

    found = run_one(task)
    if not passed([found]):
        raise NotAsBlessed(to_text([found]))
    return found
