"""`wattfolio explain`: exit codes, what goes to which stream, and JSON."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.case.case import Case
from optimizer.cli import app
from optimizer.engine.solution import Solved
from optimizer.engine.solve import solve
from optimizer.engine.values import Outcome
from tests.shared.mill import CASE
from tests.shared.places import ROOT

INFEASIBLE = ROOT / "tests" / "cases" / "infeasible"
MILL = CASE.replace("  small: {set: {projects.mill.limit: 500 units}}\n", "")


@pytest.fixture
def case(case: Path) -> Path:
    """The mill town with one variant."""
    case.write_text(MILL)
    return case


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.run(["explain", *arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def test_a_plan_gets_its_account_with_code_0(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, str(case))
    assert code == 0 and out.startswith("mill town: why this plan") and "What the plan is worth" in out
    assert "build" in err
    code, out, _ = run(capsys, str(case), "--json", "--quiet")
    assert code == 0 and json.loads(out)["status"] == "optimal"
    assert list(case.parent.iterdir()) == [case]  # nothing is written


def test_solve_points_to_explain(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the variant and the settings, so that it can be pasted."""
    code = app.run(["solve", str(case), "--variant", "hungry", "--set", "treasury.cash=6 MUSD", "--quiet"])
    err = capsys.readouterr().err
    assert code == 3 and "nothing was written" in err
    words = shlex.split(err.splitlines()[-1].partition("would help:")[2])
    assert words[:2] == ["wattfolio", "explain"]
    code, out, _ = run(capsys, *words[2:], "--quiet")
    assert code == 3 and "projects.mill.limit of 10 units" in out


@pytest.mark.parametrize("proved", [True, False])
def test_what_only_a_solve_can_tell(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, proved: bool
) -> None:
    """Where a short look does not refute a case, the solve does; where its proof does not hold, a thorough look finds another."""
    from optimizer.engine import solve as engine
    from optimizer.explain.no_plan import explanation

    look, asked, solved = explanation.refuted, [], engine.solve_warm

    def short_sighted(*arguments: object, thorough: bool = False) -> object:
        asked.append(thorough)
        return look(*arguments, thorough=thorough) if thorough else None  # type: ignore[arg-type]

    def doubtful(*arguments: object, **options: object) -> Solved:
        found = solved(*arguments, **options)  # type: ignore[arg-type]
        if proved or found.solution.outcome is not Outcome.INFEASIBLE:
            return found
        reasons = ("the solver says infeasible, but its proof did not hold", *found.solution.reasons)
        return replace(found, solution=replace(found.solution, outcome=Outcome.UNVERIFIED, reasons=reasons))

    monkeypatch.setattr(explanation, "refuted", short_sighted)
    monkeypatch.setattr(engine, "solve_warm", doubtful)
    code, out, err = run(capsys, str(case), "--variant", "hungry", "--quiet")
    assert asked == ([False] if proved else [False, True])
    assert code == 3 and "No plan can meet all of these" in out and "proved" in err and "--set" in out


def test_what_is_about_a_plan_is_said_to_have_none(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = case.with_name("prices.csv")
    code, _, err = run(capsys, str(case), "--variant", "hungry", "--quiet", "--prices", str(prices))
    assert code == 3 and "--prices" in err and not prices.exists()


def test_no_plan_is_explained_with_code_3(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, str(case), "--variant", "hungry", "--quiet")
    assert code == 3 and err == "no plan can meet the rules and limits of this case, and that is proved\n"
    assert 'rule "enough", provided[flour] >= 100' in out and "mill.yaml:12:" in out
    assert "projects.mill.limit of 10 units" in out and "mill.yaml:14:" in out
    assert list(case.parent.iterdir()) == [case]
    # what is printed can be pasted
    pasted = [line.strip() for line in out.splitlines() if line.strip().startswith("--set")]
    assert len(pasted) == 2
    for line in pasted:
        words = shlex.split(line)
        assert words[::2] == ["--set"] * (len(words) // 2)
        assert solve(Case.load(case, "hungry", words[1::2])).outcome.value == "optimal"
        code, again, _ = run(capsys, str(case), "--variant", "hungry", "--quiet", *words)
        assert code == 0 and "why this plan" in again


def test_what_collides_is_said_before_repairs_are_looked_for(
    case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from optimizer.explain.no_plan.verify_repairs import Verifier

    _, whole, _ = run(capsys, str(case), "--variant", "hungry", "--quiet")
    look, said = Verifier.search, []

    def search(*arguments: object) -> object:
        said.append(capsys.readouterr().out)
        return look(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Verifier, "search", search)
    code, rest, _ = run(capsys, str(case), "--variant", "hungry", "--quiet")
    assert code == 3 and said[0] + rest == whole
    assert "No plan can meet all of these" in said[0] and "--set" not in said[0] and "--set" in rest
    # as JSON all comes at once
    said.clear()
    code, out, _ = run(capsys, str(case), "--variant", "hungry", "--quiet", "--json")
    assert said == [""] and json.loads(out)["status"] == "infeasible"


def test_no_plan_as_json(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, str(case), "--variant", "hungry", "--quiet", "--json")
    told = json.loads(out)
    assert code == 3 and told["status"] == "infeasible" and told["variant"] == "hungry" and told["digest"]
    assert told["stopped_after_seconds"] is None
    (conflict,) = told["conflicts"]
    assert {one["path"] for one in conflict["statements"]} == {"rules[0]", "projects.mill.limit"}
    assert all(one["enough_alone"] for one in conflict["statements"]) and conflict["minimal"]
    assert conflict["sentence"].startswith("No plan can meet all of these")
    assert [repair["outcome"] for repair in told["repairs"]] == ["optimal", "optimal"]
    for repair in told["repairs"]:
        assert repair["objective"] == pytest.approx(solve(Case.load(case, "hungry", repair["set"])).objective)


def test_settings_are_part_of_what_is_explained(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, str(case), "--set", "projects.mill.limit=20 units", "--quiet")
    assert code == 3 and "projects.mill.limit of 20 units (--set:1:" in out


def test_an_unbounded_case_has_code_3(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.write_text(MILL.replace("    cost: 100 USD/unit\n", "").replace("    limit: 1000 units\n", ""))
    code, out, err = run(capsys, str(case), "--quiet")
    assert code == 3 and "without limit" in err
    assert "projects.mill is taken on" in out and "no projects.mill.limit is given" in out and "--set projects.mill.limit=" in out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["CASE"]),
        (["absent.yaml"], ["absent.yaml", "no such file"]),
        (["mill.yaml", "--variant", "hungy"], ["hungry"]),
        (["mill.yaml", "--set", "nonsense"], ["PATH=VALUE"]),
        (["mill.yaml", "--set", "projects.mil.limit=5 units"], ["mil"]),
        (["mill.yaml", "--time-limit", "0"], ["--time-limit"]),
        (["mill.yaml", "--time-limit", "inf"], ["--time-limit"]),
    ],
)
def test_mistakes_are_told_with_code_2(
    case: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], parts: list[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == ""
    for part in parts:
        assert part in err


def test_every_infeasible_case_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    paths = sorted(map(str, INFEASIBLE.glob("*.yaml")))
    assert app.run(["validate", *paths]) == 0
    said = capsys.readouterr().out.splitlines()
    note = "  note: nothing is counted at the horizon's end of what objective.terminal does not name: halls (sites.barker)"
    assert [line for line in said if not line.startswith(note)] == [f"{path}: valid" for path in paths]


def test_names_cannot_drive_a_terminal(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.write_text(MILL.replace("name: enough", 'name: "en\\u0085ough"').replace("1000 units", "10 units"))
    code, out, _ = run(capsys, str(case), "--quiet")
    assert code == 3 and "\x85" not in out
