"""`wattfolio check`: says that an optimal solution has changed, and nothing else makes it say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.cli import app
from optimizer.engine import solve as engine
from optimizer.engine.solution import Solved
from optimizer.engine.values import Outcome
from optimizer.studies.regression import blessed, check
from optimizer.studies.regression.check import DIFFERENT, INVALID, LIMIT, MISSING, SAME, UNUSABLE, UNVERIFIED, Task, run_one
from optimizer.studies.regression.unique import FACE_THICKNESS, UNIQUE_RANGE
from tests.shared.company import SMALL
from tests.shared.places import ROOT

PLANT = (ROOT / "tests" / "cases" / "modigliani-miller.yaml").read_text(encoding="utf-8")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of a user's own: a case, and its blessed results."""
    return repository(tmp_path_factory.mktemp("small"), "small.yaml", SMALL)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose case has many best plans: any mix of financing is worth the same."""
    return repository(tmp_path_factory.mktemp("plant"), "plant.yaml", PLANT)


def repository(folder: Path, name: str, text: str) -> Path:
    (folder / "cases").mkdir()
    (folder / "cases" / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert app.run(["check", "--bless", "--reason", "as tested", "--quiet"]) == 0
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """wattfolio check ... in a copy of a repository, as (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)

    def go(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = app.run(["check", *words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return go


def copied(source: Path, target: Path) -> None:
    import shutil

    shutil.copytree(source, target, dirs_exist_ok=True)


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def reblessed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """A blessed result that says something else, with a checksum that fits."""
    data = blessed.read(path)
    change(data)
    path.write_text(blessed.to_text(data), encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------------------
# In a repository of one's own


def test_what_was_blessed_is_the_same(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    code, out, err = run()
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[:-1]] == ["same"] * 3
    assert "as blessed" in out and "3 checked: 3 same" in out
    assert "3 of 3 checked" in err
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "base.json", "broke.json", "no_debt.json", "small.yaml",
    ]  # fmt: skip


def test_without_a_result_it_fails(tmp_path: Path, run: Run) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "small.yaml").write_text(SMALL, encoding="utf-8")
    code, out, _ = run("--quiet")
    assert code == 1
    assert out.count("there is no blessed result") == 3
    assert not (tmp_path / "results").exists()


def test_what_was_given_is_named_where_it_stands(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    changed(tmp_path / "cases" / "small.yaml", "coupon: 9.25 %/year", "coupon: 9.50 %/year")
    code, out, _ = run("--json", "--quiet")
    assert code == 1
    base, no_debt, broke = json.loads(out)["verdicts"]
    assert base["state"] == "different"
    assert base["headline"].endswith("input financing.notes.coupon: 9.25 %/year -> 9.50 %/year")
    lines = (tmp_path / "cases" / "small.yaml").read_text().splitlines()
    assert "coupon: 9.50" in lines[base["line"] - 1]
    told = {one["about"] for one in base["findings"]}
    assert told >= {"objective", "input", "line", "plan", "figure", "decision"}
    assert any("line cash interest of the same plan" in one["text"] for one in base["findings"])
    # no notes without debt, and no plan for a case that is broke: their text has changed, their solution has not
    assert (no_debt["state"], broke["state"]) == ("same", "same")
    assert no_debt["headline"] == "the case has changed, its optimal solution has not"
    assert [one["level"] for one in no_debt["findings"]] == ["warning"]


def test_a_rule_that_moves_is_called_by_its_name(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    changed(tmp_path / "cases" / "small.yaml", "cash >= 6 * overhead_monthly", "cash >= 7 * overhead_monthly")
    code, out, _ = run("--variant", "base", "--json", "--quiet")
    (base,) = json.loads(out)["verdicts"]
    assert code == 1
    assert (
        "rule rules[six months of cash].require: cash >= 6 * overhead_monthly -> cash >= 7 * overhead_monthly" in base["headline"]
    )
    lines = (tmp_path / "cases" / "small.yaml").read_text().splitlines()
    assert "six months of cash" in lines[base["line"] - 1]


def test_what_changes_no_number_is_no_difference(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    path = tmp_path / "cases" / "small.yaml"
    text = (
        path.read_text().replace("overhead: 2 MUSD/year", "overhead: 2_000 kUSD/year").replace("case: {", "# a remark\ncase: {")
    )
    path.write_text(text.replace("{name: small company}", "{name: small company, description: the same company}"))
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 0
    assert "input company.overhead: 2 MUSD/year -> 2_000 kUSD/year" in out


def test_a_file_that_a_case_reads_is_named(tmp_path: Path, run: Run) -> None:
    (tmp_path / "cases").mkdir()
    prices = tmp_path / "cases" / "prices.csv"
    prices.write_text("date,btc\n2026-01,90000\n2027-01,95000\n2028-01,99000\n2029-01,99000\n")
    text = SMALL.replace("btc_price: {start: 88_700 USD/BTC, growth: 10 %/year}", "btc_price: {csv: prices.csv, column: btc}")
    assert text != SMALL
    (tmp_path / "cases" / "small.yaml").write_text(text)
    code, out, _ = run("--bless", "--reason", "first", "--variant", "base", "--quiet")
    assert code == 0, out
    changed(prices, "95000", "96000")
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1
    assert "file prices.csv: its contents moved" in out.splitlines()[0]


def test_the_answer_does_not_depend_on_workers(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    changed(tmp_path / "cases" / "small.yaml", "coupon: 9.25", "coupon: 9.5")
    one, two = (json.loads(run("--json", "--quiet", "--workers", n)[1]) for n in ("1", "2"))
    assert one == two


# ---------------------------------------------------------------------------------------------------------------------
# Blessing


def test_blessing_needs_a_reason(run: Run) -> None:
    for words in (["--bless"], ["--bless", "--reason", "  "], ["--reason", "why not"], ["--date", "2026-01-01"]):
        code, _, err = run(*words)
        assert code == 2
        assert "--reason" in err
    code, _, err = run("--bless", "--reason", "x", "--date", "1/2/2026")
    assert code == 2 and "2026-01-31" in err


def test_blessing_shows_the_difference_then_records_why(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    changed(tmp_path / "cases" / "small.yaml", "coupon: 9.25", "coupon: 9.5")
    before = {path.name: path.read_bytes() for path in (tmp_path / "results" / "small company").iterdir()}
    code, out, err = run("--bless", "--reason", "the notes were  priced", "--date", "2026-11-22", "--quiet")
    assert code == 0
    assert "input financing.notes.coupon: 9.25 %/year -> 9.5 %/year" in out
    assert "blessed results/small company/base.json" in err
    data = blessed.read(tmp_path / "results" / "small company" / "base.json")
    assert (data["reason"], data["date"]) == ("the notes were priced", "2026-11-22")
    assert data["input"]["financing.notes.coupon"] == "9.5 %/year"
    assert set(data["versions"]) == {"wattfolio", "highspy", "pyomo", "python"} and len(data["digest"]) == 64
    assert data["kpis"]["npv"]["unique"] is True
    assert run("--quiet")[0] == 0
    # blessed again, nothing moves; and from nothing, the same bytes
    after = (tmp_path / "results" / "small company" / "base.json").read_bytes()
    code, _, err = run("--bless", "--reason", "again", "--quiet")
    assert code == 0 and "nothing was written" in err
    (tmp_path / "results" / "small company" / "base.json").unlink()
    assert run("--bless", "--reason", "the notes were priced", "--date", "2026-11-22", "--quiet")[0] == 0
    assert (tmp_path / "results" / "small company" / "base.json").read_bytes() == after != before["base.json"]


@pytest.mark.parametrize(("outcome", "code"), [(Outcome.UNVERIFIED, 5), (Outcome.LIMIT, 4)])
def test_a_run_without_a_proof_is_no_result(
    outcome: Outcome, code: int, small: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(small, tmp_path)
    solve = engine.solve_warm

    def off(case: Any, **options: Any) -> Solved:
        return Solved(replace(solve(case, **options).solution, outcome=outcome, reasons=("a row is off",)), None)

    monkeypatch.setattr(engine, "solve_warm", off)
    before = {path: path.read_bytes() for path in (tmp_path / "results").rglob("*.json")}
    found, out, _ = run("--variant", "base", "--quiet")
    assert found == code
    assert "a row is off" in out
    found, _, err = run("--variant", "base", "--bless", "--reason", "it looks right", "--quiet")
    assert found == code and "nothing is blessed" in err
    assert {path: path.read_bytes() for path in (tmp_path / "results").rglob("*.json")} == before


def test_a_result_that_was_changed_by_hand_is_none(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    path = tmp_path / "results" / "small company" / "base.json"
    changed(path, '"unique": true', '"unique": false')
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1 and "was changed since it was blessed" in out
    path.write_text("{")
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1 and "cannot be read" in out
    path.write_text('{"schema": 99}')
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1 and "schema 99" in out
    path.write_text("[1]")
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1 and "is no blessed result" in out


def test_a_result_that_nothing_stands_behind_is_found(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    changed(tmp_path / "cases" / "small.yaml", "  no_debt: {", "  debtless: {")
    code, out, _ = run("--quiet")
    assert code == 1
    assert "no_debt.json is a blessed result of a variant that cases/small.yaml does not have" in out
    assert "there is no blessed result results/small company/debtless.json" in out
    (tmp_path / "cases" / "other.yaml").write_text(PLANT)
    (tmp_path / "cases" / "small.yaml").unlink()
    code, out, _ = run("--quiet")
    assert code == 1
    assert "is a blessed result of a case that is not there" in out


# ---------------------------------------------------------------------------------------------------------------------
# Status


def test_a_case_that_has_a_plan_again_is_different(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    changed(tmp_path / "cases" / "small.yaml", "cash >= 1 GUSD", "cash >= 1 MUSD")
    code, out, _ = run("--variant", "broke", "--quiet")
    assert code == 1
    assert "status infeasible -> optimal" in out.splitlines()[0] and "rules[a billion].require" in out.splitlines()[0]


def test_a_case_that_has_no_plan_any_more_is_different(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    changed(tmp_path / "cases" / "small.yaml", "cash >= 6 * overhead_monthly", "cash >= 6000 * overhead_monthly")
    changed(tmp_path / "cases" / "small.yaml", ", rescue: {penalty: 1 USD/USD}", "")
    changed(tmp_path / "cases" / "small.yaml", "cfads + rescue", "cfads")
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1
    assert "status optimal -> infeasible" in out.splitlines()[0]
    assert "rule 'six months of cash'" in out  # from the proof


# ---------------------------------------------------------------------------------------------------------------------
# Another plan of the same worth, and another model


def test_another_best_plan_is_no_difference(plant: Path, tmp_path: Path, run: Run) -> None:
    """The blessed plan is that of owners only; the canonical plan of the case is another, and worth the same."""
    copied(plant, tmp_path)
    base, equity = (tmp_path / "results" / "modigliani-miller" / f"{name}.json" for name in ("base", "notes-only"))
    plan = blessed.read(equity)["plan"]
    assert plan != blessed.read(base)["plan"]
    reblessed(base, lambda data: data.update(plan=plan))
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 0, out
    assert "another plan of the same worth was found; the blessed one is as good" in out


def test_figures_that_best_plans_do_not_share_are_labelled(plant: Path) -> None:
    """Modigliani and Miller: what is raised and paid out differs between best plans, what is invested and earned does not."""
    figures = blessed.read(plant / "results" / "modigliani-miller" / "base.json")["kpis"]
    assert {name for name in ("npv", "capex", "ebitda", "tax") if figures[name].get("unique")} == {
        "npv",
        "capex",
        "ebitda",
        "tax",
    }
    for name in ("contributions", "dividends", "interest"):
        assert figures[name]["unique"] is False
        assert figures[name]["low"] < figures[name]["high"]
    # owners pay all: 100 MUSD; or the notes and the loan do
    assert figures["contributions"]["high"] >= 100e6 * (1 - UNIQUE_RANGE)
    assert figures["contributions"]["low"] <= 1.0


def test_a_plan_that_is_forbidden_is_a_difference_where_another_is_worth_as_much(plant: Path, tmp_path: Path, run: Run) -> None:
    copied(plant, tmp_path)
    base, notes = (tmp_path / "results" / "modigliani-miller" / f"{name}.json" for name in ("base", "notes-only"))
    plan = blessed.read(notes)["plan"]
    reblessed(base, lambda data: data.update(plan=plan))
    changed(tmp_path / "cases" / "plant.yaml", "coupon: 8 %/year, limit: 100 MUSD", "coupon: 8 %/year, limit: 60 MUSD")
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1
    assert "the blessed plan is not allowed any more" in out.splitlines()[0]
    assert "input financing.notes.limit: 100 MUSD -> 60 MUSD" in out.splitlines()[0]
    assert "objective" not in "".join(line for line in out.splitlines() if " - " in line)


def test_a_decision_that_the_program_does_not_know_any_more(plant: Path, tmp_path: Path, run: Run) -> None:
    copied(plant, tmp_path)
    base = tmp_path / "results" / "modigliani-miller" / "base.json"

    def other(data: dict[str, Any]) -> None:
        data["plan"] = {"issued bonds": [["2026-01-01", "all", 1.0]], "units plant": [["2026-02-01", "all", 1.0]]}

    reblessed(base, other)
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1
    assert "there is no decision 'issued bonds' any more" in out
    assert "units plant: 2026-02-01 (all) is no date or scenario" in out


def test_a_figure_outside_of_its_range_is_a_difference(small: Path, tmp_path: Path, run: Run) -> None:
    """The objective is the same, and so is the plan's worth: only a key figure that every best plan shares is not."""
    copied(small, tmp_path)
    path = tmp_path / "results" / "small company" / "base.json"

    def other(data: dict[str, Any]) -> None:
        one = data["kpis"]["capex"]
        for key in ("value", "low", "high"):
            one[key] *= 1.0001

    reblessed(path, other)
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 1
    assert "capex 68,484,980.12 USD -> 68,478,132.30 USD" in out.splitlines()[0]
    assert "nothing that it is made of has moved" in out.splitlines()[0]


@pytest.mark.parametrize(("share", "state"), [(0.4, SAME), (2.5, DIFFERENT)])
def test_the_objective_is_held_to_a_billionth_of_its_terms(share: float, state: str, small: Path, tmp_path: Path) -> None:
    copied(small, tmp_path)
    task = Task(str(tmp_path / "cases" / "small.yaml"), None, "small company", str(tmp_path / "results"))
    assert blessed.read(task.blessed)["objective"]["gap"] < 1e-10  # so that it is the scale that decides

    def other(data: dict[str, Any]) -> None:
        data["objective"]["value"] += share * 1e-9 * data["objective"]["scale"]

    reblessed(task.blessed, other)
    assert run_one(task).state == state


# ---------------------------------------------------------------------------------------------------------------------
# What is asked for


def test_what_cannot_be_asked_for(small: Path, tmp_path: Path, run: Run) -> None:
    code, _, err = run()
    assert code == 2 and "there is nothing to check" in err
    copied(small, tmp_path)
    code, _, err = run("cases/smal.yaml")
    assert code == 2 and "there is no such file" in err
    code, _, err = run("cases")
    assert code == 2 and "folder" in err
    code, _, err = run("--variant", "no_dept")
    assert code == 2 and 'did you mean "no_debt"?' in err
    code, _, err = run("cases/small.yaml", "--variant", "no_dept")
    assert code == 2 and 'did you mean "no_debt"?' in err
    (tmp_path / "cases" / "twin.yaml").write_text(SMALL)
    code, _, err = run()
    assert code == 2 and "both called small company" in err
    code, _, err = run("--time-limit", "-1")
    assert code == 2


def test_a_case_with_a_mistake_is_told_with_its_place(small: Path, tmp_path: Path, run: Run) -> None:
    copied(small, tmp_path)
    changed(tmp_path / "cases" / "small.yaml", "coupon: 9.25", "cupon: 9.25")
    code, out, _ = run("--variant", "base", "--quiet")
    assert code == 2
    column = (tmp_path / "cases" / "small.yaml").read_text().splitlines()[54].index("cupon") + 1
    assert f"cases/small.yaml:55:{column}: financing.notes.cupon: unknown key" in out
    assert 'did you mean "coupon"?' in out
    changed(tmp_path / "cases" / "small.yaml", "case: {", "case: {{")
    code, _, err = run("--quiet")
    assert code == 2 and "small.yaml:1:" in err


def test_a_check_of_nothing_is_no_success() -> None:
    assert check.exit_code([]) == 1
    assert [check.STATES[state] for state in (SAME, DIFFERENT, MISSING, UNUSABLE, LIMIT, UNVERIFIED, INVALID)] == [
        0,
        1,
        1,
        1,
        4,
        5,
        2,
    ]
    from optimizer.studies.regression.run import empty

    nothing = check.Verdict(Task("a.yaml", None, "a", "results"), SAME, "as blessed")
    assert [one.state for one in empty([nothing, replace(nothing, compared=3)])] == [DIFFERENT, SAME]


def test_thickness_is_what_an_objective_may_move() -> None:
    assert FACE_THICKNESS == check.OBJECTIVE_TOLERANCE


# ---------------------------------------------------------------------------------------------------------------------
# The plan, again: against values by hand


def test_the_same_plan_is_worth_what_its_income_is(plant: Path, tmp_path: Path, run: Run) -> None:
    """100 units that earn 10 kUSD a year more for 5 years at 8 %: the annuity of 1 MUSD a year, and no other plan is better."""
    copied(plant, tmp_path)
    changed(tmp_path / "cases" / "plant.yaml", "income: {amount: 300 kUSD/unit/year}", "income: {amount: 310 kUSD/unit/year}")
    code, out, _ = run("--variant", "base", "--json", "--quiet")
    (found,) = json.loads(out)["verdicts"]
    more = 1e6 * (1.0 - 1.08**-5) / 0.08
    assert code == 1
    assert found["objective_after"] - found["objective_before"] == pytest.approx(more, rel=1e-9)
    (same,) = [one["text"] for one in found["findings"] if one["about"] == "plan"]
    assert f"the same plan is worth {found['objective_before'] + more:,.2f} USD" in same


def test_the_same_plan_where_a_better_one_is_allowed(plant: Path, tmp_path: Path, run: Run) -> None:
    """Room for 20 more units: the old plan is worth what it was, the new one a fifth more."""
    copied(plant, tmp_path)
    changed(tmp_path / "cases" / "plant.yaml", "limit: 100, when: 2026-01", "limit: 120, when: 2026-01")
    code, out, _ = run("--variant", "base", "--json", "--quiet")
    (found,) = json.loads(out)["verdicts"]
    assert code == 1
    assert found["objective_after"] == pytest.approx(1.2 * found["objective_before"], rel=1e-9)
    (same,) = [one for one in found["findings"] if one["about"] == "plan"]
    assert same["level"] == "note" and "what has changed is which plans are allowed" in same["text"]
    assert [one["text"] for one in found["findings"] if one["about"] == "line"] == []


def test_the_same_plan_on_other_terms_costs_the_difference(tmp_path: Path, run: Run) -> None:
    """Owners who lose 2 % of what they pay in: the plan of 100 units, which they alone pay, is worth 2/98 of 100 MUSD less."""
    (tmp_path / "cases").mkdir()
    text = PLANT.replace(
        "notes: {type: notes, coupon: 8 %/year, limit: 100 MUSD", "notes: {type: notes, coupon: 8 %/year, limit: 0 USD"
    )
    text = text.replace("    coupon: 8 %/year\n    limit: 100 MUSD\n", "    coupon: 8 %/year\n    limit: 0 USD\n")
    path = tmp_path / "cases" / "plant.yaml"
    path.write_text(text)
    assert run("--bless", "--reason", "first", "--variant", "base", "--quiet")[0] == 0
    changed(path, "owners: {type: equity, limit: 200 MUSD", "owners: {type: equity, fee: 2 %, limit: 200 MUSD")
    _, out, _ = run("--variant", "base", "--json", "--quiet")
    (found,) = json.loads(out)["verdicts"]
    # held to 100 MUSD paid in, 98 MUSD buy fewer than the 100 units that the plan has
    (same,) = [one["text"] for one in found["findings"] if one["about"] == "plan"]
    assert "the blessed plan is not allowed any more" in same
    assert found["objective_after"] == pytest.approx(found["objective_before"] - 100e6 * (1.0 / 0.98 - 1.0), rel=1e-9)


def test_the_action_calls_check_with_what_it_is_given(tmp_path: Path) -> None:
    """The last step of action.yml, with a wattfolio that writes down its words."""
    import os
    import subprocess

    import yaml

    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    step = action["runs"]["steps"][-1]
    assert action["runs"]["using"] == "composite" and set(step["env"]) == {"CASES", "VARIANTS", "RESULTS", "JUNIT", "WORKERS"}
    assert "${{" not in step["run"], "inputs come by the environment: what is in them must not run"
    fake = tmp_path / "wattfolio" / "bin" / "wattfolio"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    given = {"CASES": "a.yaml b.yaml", "VARIANTS": "base no_debt", "RESULTS": "my results", "JUNIT": "j.xml", "WORKERS": "2"}
    said = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        env=os.environ | given | {"RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.split("\n")[:-1] == [
        "check", "--results", "my results", "--workers", "2", "--quiet", "--junit", "j.xml", "--variant", "base", "--variant", "no_debt",
        "--", "a.yaml", "b.yaml",
    ]  # fmt: skip
