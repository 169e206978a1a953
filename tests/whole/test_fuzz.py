"""A few hundred mutated cases: a place and code 2, or an answer; never a traceback, never a damaged result. More: `python -m tests.fuzz`."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.results.read_folder import load
from tests.fuzz.mutations import mutated
from tests.fuzz.run import many, one, quietly, sources

READ, SOLVED = 300, 60


def test_mutations_are_the_same_each_time_and_change_something() -> None:
    for source in sources(False):
        text = source.read_text()
        made = [mutated(text, seed) for seed in range(40)]
        assert made == [mutated(text, seed) for seed in range(40)]
        assert sum(each != text for each in made) >= 30


def test_mutated_cases_are_told_where_they_are_wrong(tmp_path: Path) -> None:
    found = list(many(0, READ, tmp_path, solve=False))
    assert [(each.seed, each.wrong) for each in found if each.wrong] == []
    assert {each.code for each in found} == {0, 2}  # mutations reach both


def test_mutated_cases_are_solved_or_refused(tmp_path: Path) -> None:
    found = list(many(0, SOLVED, tmp_path, solve=True))
    assert [(each.seed, each.wrong) for each in found if each.wrong] == []
    assert {0, 2} <= {each.code for each in found}


def test_a_mutated_case_leaves_an_earlier_result_whole(tmp_path: Path) -> None:
    """The same case first as it is: whatever a mutation of it does, the folder loads, with every checksum."""
    source = next(path for path in sources(True) if path.stem == "farmer")
    case = tmp_path / "farmer.yaml"
    for seed in range(25):
        case.write_text(source.read_text())
        assert quietly(["solve", str(case), "--out", str(tmp_path / "out"), "--quiet", "--no-xlsx"])[0] == 0
        case.write_text(mutated(source.read_text(), seed))
        code, _ = quietly(["solve", str(case), "--out", str(tmp_path / "out"), "--quiet", "--no-xlsx"])
        assert code in (0, 2, 3, 4, 5)
        assert load(tmp_path / "out" / "farmer" / "base")["summary"]["status"] == "optimal"


def test_a_bug_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite notices a traceback, a code that is not documented, and a mistake without a place."""
    for found in ((1, ""), (2, "no good"), (0, "Traceback (most recent call last)")):
        monkeypatch.setattr("optimizer.cli.app.run", lambda arguments, found=found: print(found[1]) or found[0])
        assert one(0, tmp_path, solve=False).wrong
    monkeypatch.setattr("optimizer.cli.app.run", lambda arguments: 1 / 0)
    assert "ZeroDivisionError" in one(0, tmp_path, solve=False).wrong
