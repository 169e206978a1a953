"""Plans side by side: measures against what they are made of, differences that add up, and the command."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from optimizer.case.case import Case
from optimizer.cli.app import cli
from optimizer.results.measures import MEASURES, measures, quantile
from optimizer.results.odds import breach_probability
from optimizer.runtime.executor import Executor
from optimizer.studies.comparison import Comparison, account, sentences
from optimizer.studies.jobs import FAILED, Job, Point, point, solve_job, solve_jobs
from optimizer.studies.mixes import mixes
from tests.shared.places import ROOT

MIXES = str(ROOT / "optimizer" / "cli" / "templates" / "mixes.yaml")
PURE = ("all_equity", "secured", "convertible", "term_loan")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """The template of mixes, in this process."""
    jobs = [Job("as optimised", MIXES), *(Job(name, MIXES, name) for name in PURE)]
    with Executor() as executor:
        return Comparison("mixes", tuple(solve_jobs(jobs, executor)))


ONE = ("--workers", "1")
STARVED = "rules[0].require=total_debt >= 10 GUSD"


def run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
    error = f"{found.exception}" if found.exception else ""
    return (
        found.return_value if found.exception is None else getattr(found.exception, "exit_code", -1),
        found.stdout,
        found.stderr + error,
    )


# ---- measures ----------------------------------------------------------------------------------------------------------


def test_quantiles_are_those_of_the_scenarios() -> None:
    """By hand: values 1, 2, 3, 4 at 10, 20, 30, 40 %."""
    values, odds = np.array([3.0, 1.0, 4.0, 2.0]), np.array([0.3, 0.1, 0.4, 0.2])
    assert [quantile(values, odds, share) for share in (0.05, 0.1, 0.11, 0.3, 0.5, 0.6, 0.61, 1.0)] == [1, 1, 2, 2, 3, 3, 4, 4]


def test_breaches_count_once_a_scenario() -> None:
    def covenant(scenario: str, breach: float) -> SimpleNamespace:
        return SimpleNamespace(scenario=scenario, breach=breach, left=100.0, right=90.0)

    odds = np.array([0.5, 0.3, 0.2])
    told = (covenant("a", 0.0), covenant("b", 10.0), covenant("b", 20.0), covenant("c", 1e-9))
    assert breach_probability(told, ("a", "b", "c"), odds) == pytest.approx(0.3)  # type: ignore[arg-type]
    assert breach_probability((*told, covenant("expected", 5.0)), ("a", "b", "c"), odds) == pytest.approx(1.0)  # type: ignore[arg-type]


def test_measures_are_those_of_the_books() -> None:
    solution = Case.load(MIXES).solve(baseline=False)
    found, books = measures(solution), solution.books
    assert books is not None and list(found) == [one.key for one in MEASURES]
    odds = solution.problem.scenarios.probability
    assert found["expected_npv"] == pytest.approx(float(odds @ books.value), rel=1e-12)
    raised = sum(float(odds @ books.words[f"issued[{name}]"].sum(axis=1)) for name in ("secured", "convertible", "term_loan"))
    assert found["debt_raised"] == pytest.approx(raised, rel=1e-12)
    # of new shares sold and convertibles in the money, by hand from the share's path
    market = solution.problem.market
    assert market.share_price is not None
    last, sold = market.share_price[:, -1], books.words["shares_issued[shares]"].sum(axis=1)
    strike = market.share_price[:, 0] * 1.3
    cap = market.share_price[:, 0] * 2.0
    face = books.words["issued[convertible]"].sum(axis=1)
    # it matures before the horizon: settled in shares at the price of that date where that was above the strike
    settled = solution.problem.debts[1].tenor
    at = market.share_price[:, int(np.searchsorted(solution.problem.clock.date_month, settled))]
    delivered = np.where(at > strike, face / strike, 0.0)
    assert (cap > strike).all()
    share = 1.0 - market.shares / (market.shares + sold + delivered)
    assert found["dilution"] == pytest.approx(float(odds @ share), rel=1e-9)
    assert found["liquidity_low"] == pytest.approx(float(books.words["liquidity"].min()), rel=1e-12)
    assert last.shape == sold.shape


def test_pure_mixes_raise_what_they_are_called_and_are_worth_less(comparison: Comparison) -> None:
    first = comparison.first
    assert all(one.optimal for one in comparison.points)
    allowed = {"all_equity": {"shares"}, **{name: {name} for name in PURE[1:]}}
    for one in comparison.points[1:]:
        assert {name for name, usd in one.raised.items() if usd > 1.0} == allowed[one.name]
        assert one.values["objective"] < first.values["objective"]  # type: ignore[operator]


def test_the_ledger_adds_up_to_the_difference(comparison: Comparison) -> None:
    for one in comparison.points[1:]:
        whole = comparison.difference(one, "expected_npv")
        assert whole is not None
        assert sum(comparison.moved(one).values()) == pytest.approx(
            whole, abs=1e-9 * abs(comparison.first.values["expected_npv"] or 0.0)
        )


def test_the_account_names_the_best_and_the_next(comparison: Comparison) -> None:
    text = " ".join(sentences(comparison))
    assert "as optimised is worth most" in text and "more than convertible, the next" in text
    assert not comparison.other_futures
    changed = solve_job(Job("dearer", MIXES, None, ("company.share_price.start=9 USD/share",)))
    other = Comparison("mixes", (comparison.first, changed))
    assert other.other_futures == ("dearer",)
    assert "Not like for like: dearer" in " ".join(sentences(other))
    assert not account(other)["same_scenarios"]


def test_who_fails_is_a_row_with_a_reason(comparison: Comparison) -> None:
    without = solve_job(Job("starved", MIXES, None, (STARVED,)))
    assert without.status == "infeasible"
    with Executor() as executor:
        (lost,) = solve_jobs([Job("lost", str(ROOT / "nowhere.yaml"))], executor)
    assert lost.status == FAILED and lost.reasons
    both = Comparison("mixes", (comparison.first, without, lost))
    told = sentences(both)
    assert told[0].startswith("starved has no plan to compare: no plan can meet its rules")
    assert told[1].startswith("lost has no plan to compare")
    assert [row["status"] for row in account(both)["rows"]] == ["optimal", "infeasible", "failed"]


def test_ready_mixes_leave_what_stands() -> None:
    """What is outstanding at the start stays, least issues go, and each mix has a plan."""
    case = Case.load(ROOT / "cases" / "lake-mariner.yaml")
    made = mixes(case)
    debts = [debt.name for debt in case.problem().debts]
    assert list(made) == ["shares only", *(f"shares and {name}" for name in debts)]
    for name, changes in made.items():
        problem = Case.load(ROOT / "cases" / "lake-mariner.yaml", settings=changes).problem()
        for debt in problem.debts:
            kept = name == f"shares and {debt.name}"
            before = next(one for one in case.problem().debts if one.name == debt.name)
            assert debt.limit == pytest.approx(before.limit if kept else before.existing)
            assert kept or debt.minimum == 0.0


# ---- the command -------------------------------------------------------------------------------------------------------


def test_compare_writes_and_prints_the_same_with_any_workers(tmp_path: Path) -> None:
    wanted = ("compare", MIXES, "--variant", "secured", "--variant", "all_equity")
    code, text, _ = run(*wanted, "--out", str(tmp_path / "a"), *ONE)
    assert code == 0
    assert "as optimised" in text and "Expected NPV against as optimised" in text
    code, told, _ = run(*wanted, "--out", str(tmp_path / "b"), "--workers", "2", "--json")
    assert code == 0
    for name in ("comparison.json", "comparison.csv", "manifest.json"):
        here, there = ((tmp_path / x / "mixes" / "comparison" / name).read_bytes() for x in "ab")
        assert here == there, name
    assert json.loads(told) == json.loads((tmp_path / "b" / "mixes" / "comparison" / "comparison.json").read_text())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a" / "mixes" / "comparison" / "comparison.csv").read_text())))
    assert {row["name"] for row in rows} == {"as optimised", "secured", "all_equity"}
    objective = [float(row["value"]) for row in rows if row["measure"] == "objective"]
    assert objective[0] == max(objective)


def test_mistakes_are_told_before_anything_is_solved(tmp_path: Path) -> None:
    code, _, told = run("compare", MIXES, "--variant", "secure", "--out", str(tmp_path))
    assert code == 2 and 'did you mean "secured"' in told
    code, _, told = run("compare", MIXES, "--json", "--csv", "--out", str(tmp_path))
    assert code == 2 and "do not go together" in told
    code, _, told = run("compare", str(tmp_path / "none.yaml"))
    assert code == 2 and "there is no such file" in told
    assert list(tmp_path.iterdir()) == []


def test_an_infeasible_variant_does_not_spoil_the_comparison(tmp_path: Path) -> None:
    text = Path(MIXES).read_text() + "  starved: {set: {'rules[0].require': 'total_debt >= 10 GUSD'}}\n"
    case = tmp_path / "mixes.yaml"
    case.write_text(text)
    code, out, _ = run("compare", str(case), "--variant", "starved", "--out", str(tmp_path / "out"), *ONE)
    assert code == 0 and "starved has no plan to compare" in out
    code, out, _ = run(
        "compare",
        str(case),
        "--set",
        STARVED,
        "--variant",
        "secured",
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "1",
    )
    assert code == 3


def test_ready_mixes_on_the_command_line(tmp_path: Path) -> None:
    code, out, _ = run("compare", MIXES, "--mixes", "--out", str(tmp_path), *ONE, "--csv")
    assert code == 0
    assert {row["name"] for row in csv.DictReader(io.StringIO(out))} == {
        "as optimised", "shares only", "shares and secured", "shares and convertible", "shares and term_loan",
    }  # fmt: skip


def test_a_point_of_what_has_no_plan_is_empty() -> None:
    solution = Case.load(MIXES, settings=[STARVED]).solve(baseline=False)
    found = point("x", solution)
    assert found == Point("x", "infeasible", solution.reasons, digest=found.digest) and not found.values
