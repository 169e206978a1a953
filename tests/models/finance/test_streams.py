"""Cash by stream: adds up to the books', and the debt that it carries against a count by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.decisions import SiteDispatch
from models.finance.capital.streams import debt_capacity, streams
from models.finance.context import StatementContext
from models.proforma.assets import keep_assets
from models.proforma.keep import keep_books
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from tests.shared.random_problems import random_problem
from tests.shared.tiny import at, clock_of, idle, path, rig_of, service_of, site_of, stream, tiny


def test_streams_by_hand() -> None:
    """A lease whose tenant pays energy, a cloud whose company does, and rigs, in one hour's mix of power at 40 USD/MWh and 5 of adder."""
    problem = tiny(2, cash=1e9, overhead=1e6)
    problem = replace(problem, sites=(site_of(problem, adder=5.0, ai_cost=0.1e6, mining_cost=0.02e6, mining_mw=8.0),))
    owned = rig_of(problem, owned=np.array([8.0]), fixed_cost=0.03e6, variable_cost=2.0)
    lease = service_of(problem, contracted=np.array([4.0]), contracted_term=2, fixed_cost=0.2e6)
    cloud = service_of(
        problem, "cloud", "cloud", rate=300.0, contracted=np.array([2.0]), contracted_term=2, reimbursed=None, variable_cost=7.0
    )
    problem = replace(problem, rigs=(owned,), services=(lease, cloud))
    uses = {"rig:rig": np.array([8.0]), "ai:tenant": np.array([5.0]), "ai:cloud": np.array([2.5])}
    dispatch = {("home", 0, t): SiteDispatch(uses, {"grid": np.array([15.5])}) for t in range(2)}
    decisions = idle(problem, dispatch=dispatch)
    books = keep_books(problem, decisions)
    assert all(check.relative < 1e-9 for check in books.checks)
    found = streams(StatementContext(problem, decisions, books))
    hours, coins = 8760.0, owned.density * 50.0 / 24.0
    mining = 8.0 * hours * (coins - 2.0 - 45.0) - 8.0 * (0.03e6 + 0.02e6)
    contracts = 4.0 * (1.5e6 - 0.2e6 - 0.1e6)
    served = 2.0 * hours * (300.0 - 7.0) - 2.5 * hours * 45.0 - 2.0 * 0.1e6
    assert found.cash["mining"][0] == pytest.approx([mining] * 2, rel=1e-12)
    assert found.cash["contracts"][0] == pytest.approx([contracts] * 2, rel=1e-12)
    assert found.cash["cloud"][0] == pytest.approx([served] * 2, rel=1e-12)
    assert [found.mw[name][0, 0] for name in ("contracts", "cloud", "mining")] == [4.0, 2.0, 8.0]


@pytest.mark.parametrize("seed", [3, 5, 8])
def test_streams_and_the_rest_are_the_ebitda(seed: int) -> None:
    """What belongs to no stream, counted by itself: sites' fixed costs, overhead, halls of AI that stand idle, given flows and credits."""
    found = solve_problem(random_problem(seed), baseline=False)
    assert found.outcome is Outcome.OPTIMAL and found.decisions is not None and found.books is not None
    problem, books = found.problem, found.books
    parts = streams(StatementContext(problem, found.decisions, books))
    told = sum(parts.cash.values(), -parts.unused)
    assets = keep_assets(problem, found.decisions)
    rest = -problem.overhead * problem.years - books.income["excess_charges"][:, 1:] + books.income["operating_cash_flows"][:, 1:]
    for site in problem.sites:
        idle_halls = assets.ai_hall[site.name] - sum(mw for (_, place), mw in assets.contracted.items() if place == site.name)
        rest = rest - (site.fixed_cost + site.ai_cost * idle_halls) * problem.years + books.power[site.name, "demand_response"]
    off = np.abs(told + rest - books.income["ebitda"][:, 1:]).max()
    assert off <= 1e-6 * max(np.abs(books.income["revenue"]).max(), np.abs(books.income["ebitda"]).max())


def test_debt_capacity_by_hand() -> None:
    """Per MW 10 and 20 at 60 %, 6 and 20 at 30 %, 1 and 2 at 10 %: up to 10 % may breach, so the second worst scenario decides."""
    clock, odds = clock_of(2), np.array([0.6, 0.3, 0.1])
    mw = np.full((3, 2), 2e6)
    cash = np.array([[20e6, 40e6], [12e6, 40e6], [2e6, 4e6]]) * 1e6
    mean = odds @ (cash / mw)
    present = float(mean @ 1.1 ** -np.array([1.0, 2.0])) / float(mean.sum())
    carried = debt_capacity(cash, mw, odds, clock, 0.10)
    assert carried == pytest.approx(6e6 / mean[0] * present, rel=1e-12)
    assert debt_capacity(cash, mw, odds, clock, 0.10, breach=0.05) == pytest.approx(
        min(1e6 / mean[0], 2e6 / mean[1]) * present, rel=1e-12
    )
    sure = np.broadcast_to(cash[:1], (3, 2))
    assert debt_capacity(sure, mw, odds, clock, 0.0) == pytest.approx(1.0, rel=1e-12)  # certain cash carries its present value
    assert debt_capacity(np.zeros((3, 2)), mw, odds, clock, 0.10) is None
    assert debt_capacity(cash, np.zeros((3, 2)), odds, clock, 0.10) is None
    lost = cash.copy()
    lost[1] = -1e12
    assert debt_capacity(lost, mw, odds, clock, 0.10) == 0.0


def test_a_scenario_without_the_stream_cannot_breach() -> None:
    clock, odds = clock_of(1), np.array([0.5, 0.5])
    cash, mw = np.array([[10e6], [0.0]]), np.array([[1.0], [0.0]])
    assert debt_capacity(cash, mw, odds, clock, 0.0) == pytest.approx(1.0)


def test_given_flows_belong_to_no_stream() -> None:
    problem = tiny(2, cash=1e9)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 5e6, 5e6]),))
    decisions = idle(problem, dividends=at(problem, {2: 1.0}))
    found = streams(StatementContext(problem, decisions, keep_books(problem, decisions)))
    assert all(not one.any() for one in found.cash.values()) and found.mw["mining"].shape == path(0.0, 1, 2).shape
