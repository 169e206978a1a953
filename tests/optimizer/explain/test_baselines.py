"""Rules of thumb: never better than the optimum, what they come to by hand, and what they leave alone."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from models.problem import Depreciation, Problem, Rule
from optimizer.engine.narrowing import baselines
from optimizer.engine.rules_of_thumb import monthly_margin, payback_orders
from optimizer.engine.search import Search
from optimizer.engine.solution import Solution, Solved
from optimizer.engine.solve import bare, solve_problem, solve_warm
from optimizer.engine.values import Baseline, Outcome
from optimizer.results import terminal
from optimizer.results.serialise import to_json
from optimizer.results.summary_json import summary as to_summary
from optimizer.text import money
from tests.optimizer.explain.marginal.test_marginal_values import opportunity
from tests.shared.random_problems import random_problem
from tests.shared.tiny import (
    at,
    dates,
    debt_of,
    equity_of,
    every_date,
    expansion_of,
    path,
    rig_of,
    service_of,
    site_of,
    stream,
    tiny,
    tree,
)

ALL = ("no-new-investment", "all-equity", "mine-only", "ai-only", "payback-12", "payback-36")


def solved(problem: Problem, **options: Any) -> Solved:
    found = solve_warm(bare(problem), **options)
    assert found.solution.outcome is Outcome.OPTIMAL, found.solution.reasons
    return found


def optimum(problem: Problem, **options: Any) -> Solution:
    return solved(problem, **options).solution


def thumb(problem: Problem, name: str) -> Baseline:
    return baselines(solved(problem, baseline=False), [name])[name]


# ---- on anything ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [300, 303, 306, 308, 311, 313, 315, 318, 319, 323])
def test_no_rule_of_thumb_beats_the_optimum(seed: int) -> None:
    """Each is proved and its books agree; what is worth more than the optimum would be a bug of one of the two."""
    warm = solved(random_problem(seed))
    solution = warm.solution
    assert solution.objective is not None and solution.baseline is not None
    size = 1e-7 * max(abs(solution.objective), 1.0)
    found = baselines(warm, ALL)
    assert list(found) == list(ALL)
    for name, one in found.items():
        if one.objective is None:
            assert one.reason, name
            continue
        assert one.objective <= solution.objective + size, name
        assert one.value_of_optimising == pytest.approx(solution.objective - one.objective, abs=1e-6)
        assert one.upper_bound is not None and one.upper_bound >= one.objective - size
        assert one.solution is not None and one.solution.books is not None and one.solution.lp_checks
        checks = (*one.solution.books.checks, *one.solution.lp_checks)
        assert max(check.relative for check in checks) <= 1e-7
    thorough, quick = found["no-new-investment"], solution.baseline
    assert thorough.objective is not None and quick.objective is not None and quick.upper_bound is not None
    # the one that is stored with every solve may leave branches of the tax law aside: a plan, and a bound of all plans
    assert quick.objective <= thorough.objective + size and quick.upper_bound >= thorough.objective - size
    assert quick.solution is None


def test_the_program_is_left_as_it_was() -> None:
    problem = random_problem(303)
    found = solved(problem)
    solution, warm = found.solution, found.warm
    assert warm is not None
    session = warm.program.session
    first = baselines(found, ALL)
    again = baselines(found, reversed(ALL))
    for name in ALL:
        assert first[name].objective == pytest.approx(again[name].objective, rel=1e-9)
    answer = Search(warm.program, warm.policy).optimum()
    assert answer.objective * problem.money == pytest.approx(solution.objective, rel=1e-9)
    assert session.lp.cost is not None
    assert "baseline" in solution.timings


def test_extensive_and_cuts_agree() -> None:
    for seed in (301, 311, 318):
        problem = random_problem(seed)
        cuts = baselines(solved(problem, baseline=False), ("no-new-investment", "mine-only", "payback-36"))
        whole = baselines(solved(problem, baseline=False, method="extensive"), ("no-new-investment", "mine-only", "payback-36"))
        for name, one in cuts.items():
            assert one.objective == pytest.approx(whole[name].objective, rel=1e-7, abs=1.0), (seed, name)


# ---- by hand -------------------------------------------------------------------------------------------------------------


def test_no_new_investment_by_hand() -> None:
    """5 MUSD of cash paid out, and 1 MUSD a year of a business that stands; the project worth 3 MUSD is what optimising adds."""
    p = tiny(2, cash=5e6, discount=0.1, scenarios=2, apart_from=2, rescue_penalty=1.0)
    p = replace(p, cash_flows=(stream(p, [0.0, 1e6, 1e6]),), projects=(opportunity(p, "a", 1.0, 3e6),))
    p = replace(p, equities=(equity_of(p),), debts=(debt_of(p, rate=0.01),))
    warm = solved(p)
    solution, one = warm.solution, warm.solution.baseline
    assert one is not None and one.objective is not None
    stands = 5e6 + 1e6 / 1.1 + 1e6 / 1.21
    assert one.objective == pytest.approx(stands) == one.expected == one.cvar == one.upper_bound
    assert solution.objective is not None
    assert one.value_of_optimising == pytest.approx(solution.objective - stands)
    assert solution.objective > stands + 3e6 - 1.0  # and cheap notes besides
    found = baselines(warm, ["all-equity"])["all-equity"]
    assert found.objective == pytest.approx(stands + 3e6)


def test_existing_rigs_run_and_are_sold_as_well_as_can_be() -> None:
    """4 MW that earn 85 USD/MWh in the first year and lose money in the second: run a year, sold at 0.2 MUSD/MW."""
    p = tiny(2, discount=0.1, cash=1e6, hashprice=[50.0, 10.0])
    p = replace(p, sites=(site_of(p),))
    p = replace(p, rigs=(rig_of(p, owned=np.array([4.0]), resale=[0.3e6, 0.2e6, 0.05e6]),))
    one = optimum(p).baseline
    assert one is not None
    assert one.objective == pytest.approx(1e6 + 4.0 * (85.0 * 8760.0 + 0.2e6) / 1.1)


def test_what_a_case_demands_is_done_and_no_more() -> None:
    """A minimum is not invested away: it is the least that the case allows."""
    p = tiny(2, discount=0.1, cash=50e6)
    build = expansion_of(p, cost=1e6, limit=40.0, minimum=5.0)
    p = replace(p, sites=(site_of(p, build_mining=build),))
    tenant = service_of(p, rate=2e6, minimum=3.0, limit=20.0, term=2)
    p = replace(p, services=(tenant,), rigs=(rig_of(p, price=0.1e6, resale=0.05e6),))
    warm = solved(p, baseline=False)
    solution, one = warm.solution, baselines(warm, ["no-new-investment"])["no-new-investment"]
    assert one.solution is not None and one.solution.decisions is not None
    decided = one.solution.decisions
    assert decided.built["home", "build_mining"].sum() == pytest.approx(5.0)
    assert decided.signed["tenant", "home"].sum() == pytest.approx(3.0)
    assert decided.orders["rig", "home"].sum() == 0.0
    assert solution.decisions is not None
    assert solution.decisions.signed["tenant", "home"].sum() == pytest.approx(20.0)
    assert solution.decisions.orders["rig", "home"].sum() > 10.0


def test_signed_leases_bring_their_halls_and_the_money_for_them() -> None:
    """3 MW are signed and no hall stands: 9 MUSD of halls, of which owners pay 5, for two years' rent of 2 MUSD/MW. The 17 MW more that
    would pay and the rigs are left."""
    p = tiny(2, discount=0.1, cash=4e6)
    p = replace(p, sites=(site_of(p, ai_mw=0.0, build_ai=expansion_of(p, cost=3e6, limit=40.0), build_mining=expansion_of(p)),))
    tenant = service_of(p, rate=2e6, minimum=3.0, limit=20.0, term=2)
    p = replace(p, services=(tenant,), rigs=(rig_of(p, price=0.1e6, resale=0.05e6),), equities=(equity_of(p),))
    warm = solved(p)
    quick, one = warm.solution.baseline, baselines(warm, ["no-new-investment"])["no-new-investment"]
    assert one.solution is not None and one.solution.decisions is not None and quick is not None
    decided = one.solution.decisions
    assert quick.name == one.name == "what-is-signed"
    assert decided.signed["tenant", "home"].sum() == pytest.approx(3.0)
    assert decided.built["home", "build_ai"].sum() == pytest.approx(3.0)
    assert decided.built["home", "build_mining"].sum() == decided.orders["rig", "home"].sum() == 0.0
    assert decided.issued["shares"].sum() == pytest.approx(5e6)
    assert quick.objective == pytest.approx(4e6 - 9e6 + 3.0 * 2e6 * (1 / 1.1 + 1 / 1.21), rel=1e-9)
    case: Any = _Dressed(p)
    text = printed(replace(warm.solution, case=case))
    assert "nothing new but what is signed" in text and "no new investment" not in text
    # halls that stand hold what is signed: nothing is built, and the name is the old one
    stands = optimum(replace(p, sites=(replace(p.sites[0], ai_mw=3.0),))).baseline
    assert stands is not None and stands.name == "no-new-investment"
    assert stands.objective == pytest.approx(4e6 + 3.0 * 2e6 * (1 / 1.1 + 1 / 1.21), rel=1e-9)


def test_where_there_is_no_plan_the_reason_is_said() -> None:
    """A rule that asks for a unit of a project: without new investment nothing keeps it."""
    p = tiny(1, cash=5e6)
    ones = np.ones((1, 2))
    rule = Rule("grow", "units[a] >= 1", {("units", "a"): ones}, ">=", ones, np.ones((1, 2), dtype=bool), source="case.yaml:7:3")
    solution = optimum(replace(p, projects=(opportunity(p, "a", 3.0, 1e6),), rules=(rule,)))
    one = solution.baseline
    assert one is not None
    assert one.objective is None and one.value_of_optimising is None and one.upper_bound is None
    assert one.reason is not None and "no plan" in one.reason and "rule 'grow'" in one.reason and "case.yaml:7:3" in one.reason
    # what each scenario decides by itself is running a business, not investing in one
    own = replace(opportunity(p, "a", 3.0, 1e6), recourse=True)
    assert optimum(replace(p, projects=(own,), rules=(rule,))).baseline == Baseline(
        "no-new-investment",
        pytest.approx(8e6),
        pytest.approx(8e6),
        pytest.approx(8e6),
        pytest.approx(8e6),
        pytest.approx(0.0, abs=1.0),
    )  # type: ignore[arg-type]


def company(rigs_owned: float = 0.0) -> Problem:
    """Rigs and AI at one site, notes, a revolver without fees and owners; two scenarios."""
    p = tiny(4, 6, scenarios=2, apart_from=2, cash=8e6, discount=0.12, weight=0.3, tail=0.5, rescue_penalty=1.0)
    p = replace(p, market=replace(p.market, hashprice=np.array([[60.0] * 4, [50.0, 45.0, 40.0, 40.0]])))
    site = site_of(p, interconnection_mw=40.0, mining_mw=25.0, ai_mw=2.0, build_ai=expansion_of(p, cost=6e6, limit=10.0))
    p = replace(p, sites=(replace(site, convert=expansion_of(p, cost=3e6, limit=5.0)),))
    wear = Depreciation("straight", 24, (), 0.0, 24)
    rig = rig_of(
        p,
        price=0.5e6,
        resale=0.2e6,
        supply=every_date(p, 6.0),
        limit=20.0,
        depreciation=wear,
        owned=np.array([rigs_owned]),
        owned_life=3,
    )
    cloud = service_of(p, "cloud", "cloud", rate=1500.0, limit=6.0, reimbursed=None, equipment=path(4e6, 2, 5), term=4)
    notes = debt_of(p, rate=0.09, limit=30e6, window=dates(p, 0, 1), frequency=6)
    line = debt_of(p, "revolver", "revolver", rate=0.09, limit=5e6)
    owners = equity_of(p, "owners", limit=40e6)
    return replace(p, rigs=(rig,), services=(cloud,), debts=(notes, line), equities=(owners,))


def test_mining_only_is_the_case_without_ai() -> None:
    p = company(3.0)
    without = replace(p, services=(), sites=(replace(p.sites[0], build_ai=None, convert=None),))
    alone = optimum(without, baseline=False)
    one = thumb(p, "mine-only")
    assert one.objective == pytest.approx(alone.objective, rel=1e-8) and one.expected == pytest.approx(
        alone.books.expected, rel=1e-6
    )  # type: ignore[union-attr]
    assert one.value_of_optimising is not None and one.value_of_optimising > 1e6


def test_ai_only_is_the_case_without_rigs() -> None:
    p = company()
    one = thumb(p, "ai-only")
    assert one.objective == pytest.approx(optimum(replace(p, rigs=()), baseline=False).objective, rel=1e-8)
    assert one.value_of_optimising is not None and one.value_of_optimising > 1e5
    # rigs that stand are sold on the first date for 0.2 MUSD/MW: as if the company had that much more cash
    p = company(3.0)
    sold = replace(p, rigs=(), treasury=replace(p.treasury, cash=p.treasury.cash + 3.0 * 0.2e6))
    assert thumb(p, "ai-only").objective == pytest.approx(optimum(sold, baseline=False).objective, rel=1e-8)


def test_all_equity_is_the_case_without_debt() -> None:
    p = company(3.0)
    one = thumb(p, "all-equity")
    assert one.objective == pytest.approx(optimum(replace(p, debts=()), baseline=False).objective, rel=1e-8)
    assert one.solution is not None and one.solution.books is not None
    assert np.abs(one.solution.books.words["total_debt"]).max() == 0.0


# ---- payback -------------------------------------------------------------------------------------------------------------


def miner() -> Problem:
    """One rig at 0.6 MUSD/MW that earns (60 x hashprice / 24 - 40) x 730 USD a month and MW; the hall holds 12 MW, 4 of them owned.

    Hashprice 40 in the first two years, then 40 or 28.
    """
    p = tiny(4, 12, scenarios=2, apart_from=2, cash=50e6, discount=0.1)
    p = replace(p, market=replace(p.market, hashprice=np.array([[40.0, 40.0, 40.0, 40.0], [40.0, 40.0, 28.0, 28.0]])))
    p = replace(p, sites=(site_of(p, mining_mw=12.0),))
    rig = rig_of(p, price=0.6e6, resale=0.1e6, supply=every_date(p, 5.0), lead=1, life=2, owned=np.array([4.0]), owned_life=2)
    return replace(p, rigs=(rig,))


def test_payback_by_hand() -> None:
    """(60 x 40 / 24 - 40) x 730 = 43,800 USD a month: 13.7 months; at 28: 21,900, 27.4 months.

    Orders arrive a year later and stay two. Date 0: 5 MW (supply) beside the 4 owned in period 1. Date 1: the owned are gone in period 2, but
    the 5 MW stay: 5 MW more (supply). Date 2 (each scenario by itself): period 3 holds 5 of date 1, the first 5 are gone: 5 more where it
    pays. Date 3 would arrive at the end.
    """
    p = miner()
    np.testing.assert_allclose(monthly_margin(p, 0, 0), np.array([[43_800.0] * 4, [43_800.0, 43_800.0, 21_900.0, 21_900.0]]))
    orders = payback_orders(p, 20.0)["rig", "home"]
    np.testing.assert_allclose(orders, [[5.0, 5.0, 5.0, 0.0, 0.0], [5.0, 5.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(payback_orders(p, 28.0)["rig", "home"], [[5.0, 5.0, 5.0, 0.0, 0.0]] * 2)
    assert not payback_orders(p, 13.0)["rig", "home"].any()
    # the hall: 12 MW less 4 owned leave 8 in period 1, and the rig's own limit counts over all dates
    crowded = replace(p, rigs=(replace(p.rigs[0], supply=every_date(p, np.inf)),))
    np.testing.assert_allclose(payback_orders(crowded, 20.0)["rig", "home"][0], [8.0, 4.0, 8.0, 0.0, 0.0])
    few = replace(p, rigs=(replace(p.rigs[0], limit=7.0),))
    np.testing.assert_allclose(payback_orders(few, 20.0)["rig", "home"][0], [5.0, 2.0, 0.0, 0.0, 0.0])


def test_the_shortest_payback_is_bought_first_and_a_node_decides_once() -> None:
    p = miner()
    better = rig_of(p, "better", price=0.5e6, resale=0.1e6, supply=every_date(p, 3.0), lead=1, life=2)
    p = replace(p, rigs=(p.rigs[0], better), scenarios=replace(p.scenarios, node=tree(2, 5, 5)))
    orders = payback_orders(p, 30.0)
    np.testing.assert_allclose(orders["better", "home"][:, 0], 3.0)
    np.testing.assert_allclose(orders["rig", "home"][:, 0], 5.0)
    # at date 2 nobody knows yet: half of 43,800 and half of 21,900 a month, 18.3 months for the one, 15.2 for the other
    assert payback_orders(p, 16.0)["better", "home"][:, 2].tolist() == [3.0, 3.0]
    assert payback_orders(p, 16.0)["rig", "home"][:, 2].tolist() == [0.0, 0.0]
    assert payback_orders(p, 19.0)["rig", "home"][:, 2].tolist() == [5.0, 5.0]


def test_a_buyer_by_payback_buys_just_that_and_runs_it_well() -> None:
    p = miner()
    one = thumb(p, "payback-20")
    assert one.solution is not None and one.solution.decisions is not None
    np.testing.assert_allclose(one.solution.decisions.orders["rig", "home"], payback_orders(p, 20.0)["rig", "home"], atol=1e-9)
    fixed = optimum(replace(p, rigs=(replace(p.rigs[0], supply=at(p, {0: 5.0, 1: 5.0, 2: 5.0})[0]),)), baseline=False)
    assert one.objective is not None and fixed.objective is not None and one.objective <= fixed.objective + 1.0


def test_shares_pay_before_debt_does() -> None:
    """With enough of the owners' money no debt is touched; without, it is, and rescue money is not."""
    p = replace(miner(), treasury=replace(miner().treasury, cash=0.0, rescue_penalty=1.0))
    rich = replace(p, equities=(equity_of(p, "owners", limit=50e6),), debts=(debt_of(p, rate=0.0, limit=50e6),))
    one = thumb(rich, "payback-20")
    assert one.solution is not None and one.solution.decisions is not None
    assert one.solution.decisions.issued["notes"].sum() == 0.0 and one.solution.decisions.rescue.sum() == 0.0
    assert one.solution.decisions.issued["owners"].sum() > 1e6
    poor = replace(rich, equities=(equity_of(p, "owners", limit=1e6),))
    two = thumb(poor, "payback-20")
    assert two.solution is not None and two.solution.decisions is not None
    assert two.solution.decisions.issued["notes"].sum() > 1e6 and two.solution.decisions.rescue.sum() == pytest.approx(
        0.0, abs=1.0
    )


# ---- asked and told ------------------------------------------------------------------------------------------------------


def test_only_known_rules_of_thumb_and_programs_with_a_plan() -> None:
    without = Solved(solve_problem(miner(), baseline=False), None)
    for name in ("payback", "payback-0", "payback-1000", "buy low"):
        with pytest.raises(ValueError, match="there is no rule of thumb"):
            baselines(without, [name])
    with pytest.raises(ValueError, match="compared with an optimal plan"):
        baselines(without, ["mine-only"])


def test_it_is_told_with_every_solve() -> None:
    """summary.json has it, one line of the terminal too; where it is not asked for, neither."""
    solution = optimum(miner())
    one = solution.baseline
    assert one is not None
    case: Any = _Dressed(solution.problem)
    told = json.loads(to_json(to_summary(replace(solution, case=case))))["baseline"]
    assert told == {
        "name": "no-new-investment", "objective": one.objective, "upper_bound": one.upper_bound, "expected_npv": one.expected,
        "cvar": one.cvar, "value_of_optimising": one.value_of_optimising, "reason": None,
    }  # fmt: skip
    line = next(line for line in printed(replace(solution, case=case)).splitlines() if "no new investment" in line)
    assert money(one.objective) in line and money(one.value_of_optimising) in line
    silent = replace(solution, case=case, baseline=None)
    assert json.loads(to_json(to_summary(silent)))["baseline"] is None and "no new investment" not in printed(silent)
    why = replace(
        solution, case=case, baseline=Baseline("no-new-investment", None, None, None, None, None, "no plan: " + "x" * 200)
    )
    line = next(line for line in printed(why).splitlines() if "no new investment" in line)
    assert "no plan" in line and len(line) <= 100
    loose = replace(solution, case=case, baseline=replace(one, upper_bound=(one.objective or 0.0) + 5e6))
    assert "at most" in printed(loose)


class _Dressed:
    """A problem as a case."""

    name, variant, digest, horizon_note, notes = "small", None, "d" * 64, "", ()

    def __init__(self, problem: Problem) -> None:
        self.arrays = problem


def printed(solution: Solution) -> str:
    stream = io.StringIO()
    terminal.render(solution, Console(file=stream, width=100, markup=False, emoji=False))
    return stream.getvalue()
