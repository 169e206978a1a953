"""Value by parts: known answers of tax shields and capital structure, and two books that count it in different ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.problem import Conversion, Objective, Problem, Rates
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from tests.shared.random_problems import random_problem
from tests.shared.tiny import dates, debt_of, equity_of, path, rig_of, service_of, site_of, stream, tiny


def by_parts(problem: Problem, discount: float = 0.12, debt: float | str = "own", **rates: float) -> Problem:
    """The same, its value counted by parts; streams without a rate of their own at the discount."""
    own = {name: rates.get(name, discount) for name in ("contracts", "cloud", "mining")}
    return replace(problem, objective=replace(problem.objective, discount=discount, rates=Rates(**own, debt=debt)))


def solved(problem: Problem) -> Solution:
    found = solve_problem(problem, baseline=False)
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    return found


def value(problem: Problem) -> float:
    objective = solved(problem).objective
    assert objective is not None
    return objective


def taxed(tax: float | None, years: int = 5) -> Problem:
    """A business of 30 MUSD a year and 100 MUSD at the end, and notes of 100 MUSD at 8 %."""
    problem = tiny(years, cash=0.0, tax_rate=tax, nol_cap=1.0)
    sale = stream(problem, [0.0] * years + [100e6], "sale", taxable=False, operating=False)
    problem = replace(problem, cash_flows=(stream(problem, [0.0] + [30e6] * years), sale))
    return replace(problem, debts=(debt_of(problem, rate=0.08, limit=100e6, window=dates(problem, 0)),))


def without_debt(problem: Problem) -> Problem:
    return replace(problem, debts=tuple(replace(debt, limit=0.0, window=np.zeros_like(debt.window)) for debt in problem.debts))


# ---- known answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("discount", [0.05, 0.08, 0.15])
def test_debt_is_worth_its_tax_shield_at_its_own_rate(discount: float) -> None:
    """100 MUSD for five years at 8 %, taxed at 21 %: 6.7077529 MUSD, whatever owners ask."""
    problem = by_parts(taxed(0.21), discount)
    gained = value(problem) - value(without_debt(problem))
    assert gained == pytest.approx(6.7077529e6, abs=0.05)


def test_the_shield_of_harris_and_pringle_and_of_miles_and_ezzell() -> None:
    """Interest of 8 MUSD saves 1.68 a year: at k_u = 12 % throughout; or at 8 % for its year and at 12 % before."""
    saved, years = 0.21 * 8e6, range(1, 6)
    problem = by_parts(taxed(0.21), 0.12, debt=0.12)
    assert value(problem) - value(without_debt(problem)) == pytest.approx(sum(saved / 1.12**t for t in years), rel=1e-9)
    problem = by_parts(taxed(0.21), 0.12, debt="rebalanced")
    harris = sum(saved / 1.12**t for t in years)
    assert value(problem) - value(without_debt(problem)) == pytest.approx(harris * 1.12 / 1.08, rel=1e-9)


def test_without_tax_and_fees_no_mix_is_worth_more() -> None:
    """Modigliani and Miller: notes at any coupon, converts and shares at any market price leave the value as it is."""
    problem = replace(taxed(None), debts=())
    flows = np.array([0.0] + [30e6] * 4 + [130e6])
    plain = float(flows @ 1.12 ** -np.arange(6.0))
    for price in ([10.0, 10.0, 10.0, 10.0, 10.0, 10.0], [10.0, 14.0, 20.0, 30.0, 50.0, 80.0]):
        market = replace(problem.market, share_price=path(price, 1, 6))
        mixed = replace(problem, market=market)
        convert = debt_of(mixed, "convert", "convertible", rate=0.01, limit=60e6, conversion=Conversion(0.25))
        notes = debt_of(mixed, rate=0.03, limit=80e6)
        shares = equity_of(mixed, holders="new", limit=50e6)
        for debts, equities in (((), ()), ((notes,), ()), ((convert,), ()), ((notes, convert), (shares,))):
            offered = by_parts(replace(mixed, debts=debts, equities=equities))
            assert value(offered) == pytest.approx(plain, rel=1e-9)
        forced = replace(mixed, debts=(replace(notes, minimum=80e6), replace(convert, minimum=60e6)))
        assert value(by_parts(forced)) == pytest.approx(plain, rel=1e-9)


def test_fees_and_distress_are_what_financing_costs() -> None:
    """Notes that must be issued cost their fee at once; a revolver its fee on the limit; debt that stood is owed; cash is worth itself."""
    problem = replace(taxed(None), debts=())
    problem = replace(problem, treasury=replace(problem.treasury, cash=7e6))
    plain = value(by_parts(problem))
    notes = debt_of(problem, rate=0.08, price=0.97, fee=0.02, minimum=50e6, limit=50e6, window=dates(problem, 0))
    assert value(by_parts(replace(problem, debts=(notes,)))) == pytest.approx(plain - 1e6, abs=1.0)
    line = debt_of(problem, "line", "revolver", rate=0.06, fee=0.01, limit=40e6)
    assert value(by_parts(replace(problem, debts=(line,)))) == pytest.approx(plain - 0.4e6, abs=1.0)
    old = debt_of(problem, "old", rate=0.05, existing=20e6, existing_month=-12, limit=20e6, window=np.zeros(6, dtype=bool))
    assert value(by_parts(replace(problem, debts=(old,)))) == pytest.approx(plain - 20e6, abs=1.0)
    assert plain == pytest.approx(7e6 + sum(30e6 / 1.12**t for t in range(1, 6)) + 100e6 / 1.12**5, rel=1e-9)


def test_each_stream_is_discounted_at_its_own_rate() -> None:
    """A lease, a cloud and a rig for three years: rents at 8 %, cloud at 13 %, the rest of the hours at 18 %, fixed costs at 12 %."""
    problem = tiny(3, cash=1e6, overhead=0.1e6)
    problem = replace(problem, sites=(site_of(problem, mining_mw=8.0, fixed_cost=path(0.2e6, 1, 3)),))
    rig = rig_of(problem, owned=np.array([8.0]), window=np.zeros(4, dtype=bool), resale=0.0)
    lease = service_of(problem, contracted=np.array([4.0]), contracted_term=3, window=np.zeros(4, dtype=bool))
    cloud = service_of(
        problem,
        "cloud",
        "cloud",
        rate=300.0,
        contracted=np.array([2.0]),
        contracted_term=3,
        reimbursed=None,
        window=np.zeros(4, dtype=bool),
    )
    problem = replace(problem, rigs=(rig,), services=(lease, cloud))
    found = solved(by_parts(problem, 0.12, contracts=0.08, cloud=0.13, mining=0.18))
    energy = 8760.0
    coins = 8.0 * energy * max(rig.density * 50.0 / 24.0 - 40.0, 0.0)
    rents, served, power = 4.0 * 1.5e6, 2.0 * energy * 300.0, 2.5 * energy * 40.0

    def annuity(rate: float) -> float:
        return sum((1.0 + rate) ** -t for t in range(1, 4))

    by_hand = rents * annuity(0.08) + served * annuity(0.13) + (coins - power) * annuity(0.18) - 0.3e6 * annuity(0.12) + 1e6
    assert found.objective == pytest.approx(by_hand, rel=1e-9)
    written = solve_problem(found.problem, method="extensive", baseline=False)
    assert written.objective == pytest.approx(by_hand, rel=1e-8)


# ---- two books ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 3, 5, 8, 13, 21])
def test_both_books_count_the_same_by_parts(seed: int) -> None:
    """Random companies with everything: the program takes financing out of what owners get, the books add the parts up."""
    problem = random_problem(seed)
    aim: Any = problem.objective
    for debt in ("own", "rebalanced", 0.07):
        found = solved(by_parts(problem, aim.discount, debt=debt, contracts=0.05, cloud=0.11, mining=0.2))
        assert found.books is not None and "own_rates" in found.books.ledger
        assert max(check.relative for check in (*found.books.checks, *found.lp_checks)) < 1e-7
        assert found.finance.loose == ()
        assert found.finance.bridge["npv"][:, 0] == pytest.approx(found.books.value, rel=1e-9, abs=1.0)


def test_one_rate_for_all_and_no_financing_is_what_owners_get() -> None:
    """Where nothing is lent, sold or held, parts at one rate are the owners' value."""
    problem = replace(taxed(0.21), debts=())
    owners = replace(problem, objective=Objective(0.12))
    assert value(by_parts(problem)) == pytest.approx(value(owners), rel=1e-12)
