"""The account of an optimal plan: what it says is what the books, the duals and solves of their own say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.hours.one_hour import hourly_value
from models.proforma.keep import cvar
from optimizer.case.case import Case
from optimizer.cli.app import cli
from optimizer.engine.solution import Solved
from optimizer.engine.solve import solve, solve_problem, solve_warm
from optimizer.explain.account import (
    Section,
    account,
    break_even_hashprice,
    explain_optimal,
    mean_power_price,
    rule_costs,
    strike_prices,
)
from optimizer.explain.marginal.marginal_values import StatementPrice, price_statements
from tests.shared.places import ROOT
from tests.shared.tiny import rig_of, tiny

QUICKSTART = ROOT / "cases" / "quickstart.yaml"
#: every 73rd hour: what is told hangs on the weight of hours, not on their number
THIN = "horizon.hours={every: 73}"

Told = tuple[Solved, tuple[StatementPrice, ...], dict[str, Section]]


@pytest.fixture(scope="module")
def told() -> Told:
    solved = solve_warm(Case.load(QUICKSTART, settings=[THIN]))
    prices = price_statements(solved)
    return solved, prices, {section.title: section for section in explain_optimal(solved, prices)}


def figures(section: Section) -> list[dict]:
    return [sentence.figures for sentence in section.sentences]


def test_every_section_is_there_and_every_number_finite(told: Told) -> None:
    _, _, sections = told
    assert list(sections)[:6] == [
        "What the plan is worth",
        "What drives it",
        "What rules and limits cost",
        "What is scarce",
        "What power is worth",
        "Which scenario carries the tail",
    ]
    for section in sections.values():
        for sentence in section.sentences:
            assert sentence.text.endswith(".") and not re.search(r"\b(nan|inf)\b", sentence.text)
    json.dumps(account(sections.values()), allow_nan=False)


def test_worth_and_baseline_are_those_of_the_solution(told: Told) -> None:
    solution, sections = told[0].solution, told[2]
    first, second = figures(sections["What the plan is worth"])
    assert first["objective"] == solution.objective
    assert second["value_of_optimising"] == pytest.approx(solution.objective - second["baseline"], rel=1e-12)
    assert second["value_of_optimising"] > 0.0


def test_drivers_are_present_values_of_the_books(told: Told) -> None:
    solution, sections = told[0].solution, told[2]
    books, problem = solution.books, solution.problem
    assert books is not None
    found = figures(sections["What drives it"])
    for one in found:
        flows = books.ledger[one["line"]] if one["line"].startswith("terminal_") else books.cash_flow[one["line"]]
        by_hand = sum(
            problem.scenarios.probability[s] * problem.discount[d] * flows[s, d]
            for s in range(flows.shape[0])
            for d in range(flows.shape[1])
        )
        assert one["usd"] == pytest.approx(by_hand, rel=1e-9)
    sizes = [abs(one["usd"]) for one in found]
    assert sizes == sorted(sizes, reverse=True)
    # what decides at the end is ranked among the rest: nothing that is left out weighs more than what is told
    ends = {
        e: abs(float(problem.scenarios.probability @ (v @ problem.discount))) for e, v in books.ledger.items() if "terminal" in e
    }
    assert {one["line"] for one in found} >= {entry for entry, usd in ends.items() if usd > sizes[-1]} != set()


def test_only_what_is_worth_something_is_scarce_and_what_costs_is_with_the_rules(told: Told) -> None:
    """A minimum that binds and a hall that only costs, beside a limit that binds and two that are worth next to nothing."""
    solved, prices, real = told
    assert all(one["next_value"] > 0.0 for one in figures(real["What is scarce"]))
    base = next(one for one in prices if one.relief == "more" and one.next_value > 1.0 and one.unit == "MW")
    made = [
        replace(base, name="hall", path="a", next_value=-814_700.0, last_value=-814_700.0),
        replace(base, name="idle", path="b", next_value=0.2, last_value=0.2),
        replace(base, name="least", path="c", relief="less", next_value=5e5, last_value=5e5),
        replace(base, name="room", path="d", next_value=3e5, last_value=4e5),
        replace(base, name="money", path="e", unit="USD", next_value=0.0004),
    ]
    sections = {section.title: section for section in explain_optimal(solved, tuple(made))}
    assert [one["path"] for one in figures(sections["What is scarce"])] == ["d"]
    costs = [(one.figures["path"], one.text) for one in sections["What rules and limits cost"].sentences if "path" in one.figures]
    assert [path for path, _ in costs] == ["a", "c"]
    assert "one MW more would take 814.7 kUSD" in costs[0][1] and "one MW less of it would add 500 kUSD" in costs[1][1]


def test_cost_of_a_rule_is_that_of_the_case_without_it(told: Told) -> None:
    """The case is changed so that the rule asks for nothing, and solved cold."""
    solved, prices, _ = told
    solution, costs = solved.solution, rule_costs(solved, prices)
    assert solution.objective is not None
    for n, rule in enumerate(solution.problem.rules):
        if rule.name not in costs:
            continue
        free = {">=": "cash >= -1000 GUSD", "<=": "cash <= 1000 GUSD"}[rule.sense]
        without = solve(Case.load(QUICKSTART, settings=(THIN, f"rules[{n}].require={free}")), baseline=False)
        assert without.objective is not None
        assert costs[rule.name].cost == pytest.approx(without.objective - solution.objective, rel=1e-6)
    assert len(costs) >= 2


def test_the_kept_program_is_as_it_was_after_rules_were_taken_away(told: Told) -> None:
    solved, prices, _ = told
    again = rule_costs(solved, prices)
    assert {name: one.cost for name, one in again.items()} == {
        name: pytest.approx(one.cost, rel=1e-9) for name, one in rule_costs(solved, prices).items()
    }


def test_a_rig_stops_at_its_strike_and_breaks_even_at_its_hashprice() -> None:
    """Against the exact value of an hour: just below the strike power has a use, just above it has none."""
    problem = tiny(2, scenarios=2, hashprice=50.0)
    rig = rig_of(problem, density=50.0, pool_fee=0.02, variable_cost=3.0)
    problem = replace(problem, rigs=(rig,))
    strike = strike_prices(problem, 0)
    assert strike == pytest.approx(np.full((2, 2), 50.0 * 50.0 / 24.0 * 0.98 - 3.0), rel=1e-12)
    one = np.ones((1, 1))
    value = one * (rig.density * 50.0 / 24.0 * (1.0 - rig.pool_fee) - rig.variable_cost)
    for price, runs in ((strike[0, 0] - 1e-6, True), (strike[0, 0] + 1e-6, False)):
        found = hourly_value(value, one, np.ones(1), one * price, one, np.ones(1))
        assert (found.value[0] > 0.0) == runs
    # at the strike as power price the market's own hashprice is the one that breaks even
    assert break_even_hashprice(problem, 0, strike) == pytest.approx(problem.market.hashprice, rel=1e-12)


def test_mean_power_price_weighs_every_hour(told: Told) -> None:
    solution = told[0].solution
    problem = solution.problem
    found = mean_power_price(problem, 0)
    grid, clock = problem.sites[0].grid, problem.clock
    assert found is not None and grid is not None
    s, t = 1, 3
    total = sum(
        w * (p + a)
        for w, p, a in zip(clock.weight[t], grid.price.values(clock, s, t), grid.adder.values(clock, s, t), strict=True)
    )
    assert found[s, t] == pytest.approx(total / clock.hours[t], rel=1e-12)


def test_the_tail_is_what_cvar_is_made_of(told: Told) -> None:
    solution, sections = told[0].solution, told[2]
    books, problem = solution.books, solution.problem
    assert books is not None
    tail = figures(sections["Which scenario carries the tail"])
    assert sum(one["share"] for one in tail) == pytest.approx(problem.objective.tail, rel=1e-12)
    mean = sum(one["share"] * one["value"] for one in tail) / problem.objective.tail
    assert mean == pytest.approx(books.cvar, rel=1e-9)
    assert mean == pytest.approx(cvar(books.value, problem.scenarios.probability, problem.objective.tail)[0], rel=1e-9)


def test_an_account_needs_a_program() -> None:
    with pytest.raises(ValueError, match="an account is of an optimal plan"):
        explain_optimal(Solved(solve_problem(tiny(2)), None), ())


def test_the_command_prints_the_account_and_writes_prices(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    run = CliRunner().invoke(
        cli, ["explain", str(QUICKSTART), "--set", THIN, "--quiet", "--baseline", "mine-only", "--prices", str(prices)]
    )
    assert run.exit_code == 0, run.output
    for title in ("What the plan is worth", "What a rule of thumb would do", "What rules and limits cost", "What power is worth"):
        assert title in run.output
    assert max(map(len, run.output.splitlines())) <= 100
    assert prices.read_text().startswith("name,path,unit,relief,headroom")
    wrong = CliRunner().invoke(cli, ["explain", str(QUICKSTART), "--set", THIN, "--quiet", "--baseline", "guess"])
    assert wrong.exit_code == 2 and "no rule of thumb" in wrong.output


def test_the_command_as_json() -> None:
    run = CliRunner().invoke(cli, ["explain", str(QUICKSTART), "--set", THIN, "--quiet", "--json"])
    assert run.exit_code == 0, run.output
    read = json.loads(run.stdout)
    assert read["status"] == "optimal" and read["account"][0]["title"] == "What the plan is worth"
