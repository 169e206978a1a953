"""All periods of a scenario at once are what each is by itself: lines, and what is found wrong where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.decisions import Decisions, SiteDispatch
from models.problem import Problem
from models.proforma.assets import Assets, keep_assets
from models.proforma.checks import Checklist
from models.proforma.hours import Hours, scenario_of
from models.proforma.power import COSTS, REVENUES, keep_power
from tests.shared.power_by_period import power_by_period
from tests.shared.random_problems import random_problem
from tests.shared.tiny import clock_of, hourly, idle, site_of, tiny

EXACT = 1e-12


def random_hours(seed: int) -> tuple[Problem, Decisions, Assets]:
    """A problem with sites, MW of anything in any hour, and capacities that have nothing to do with them; some periods are missing."""
    rng = np.random.default_rng([seed, 7])
    problem = random_problem(seed, limited=seed % 2 == 0, coupled=seed % 3 == 0)
    s, t = problem.scenarios.count, problem.clock.periods
    if seed % 4 == 1:
        problem = replace(
            problem, sites=tuple(replace(site, curtail_above=rng.uniform(0, 150, (s, t))) for site in problem.sites)
        )
    assets = keep_assets(problem, idle(problem))
    for table in (assets.fleet, assets.contracted, assets.interconnection, assets.storage):
        for key in table:
            table[key] = rng.uniform(0.0, 40.0, (s, t)) * (rng.random((s, t)) < 0.8)
    dispatch = {}
    for site in problem.sites:
        uses = (
            [f"rig:{r.name}" for r in problem.rigs]
            + [f"ai:{j.name}" for j in problem.services]
            + ["charge", "sell:base", "sell:sun"]
        )
        sources = ["grid", "block:base", "own:sun", "diesel", "discharge"]
        for k in range(s):
            for n in range(t):
                count = len(problem.clock.hour_index[n])

                def some(names: list[str], count: int = count) -> dict[str, np.ndarray]:
                    return {x: rng.uniform(-1.0, 30.0, count) for x in names if rng.random() < 0.9}

                if rng.random() < 0.95:
                    dispatch[site.name, k, n] = SiteDispatch(some(uses), some(sources))
    return problem, idle(problem, dispatch=dispatch), assets


SEEDS = [seed for seed in range(48) if random_problem(seed).sites]


def test_enough_is_looked_at() -> None:
    """Sites with everything are among the problems."""
    sites = [site for seed in SEEDS for site in random_hours(seed)[0].sites]
    assert len(SEEDS) >= 25
    for part in ("blocks", "own", "diesel", "battery"):
        assert sum(bool(getattr(site, part)) for site in sites) >= 5, part
    assert sum(len(plan.dispatch) < len(idle(problem).dispatch) for problem, plan, _ in map(random_hours, SEEDS)) >= 5
    assert sum(site.curtail_above is not None for site in sites) >= 5
    assert sum(site.grid is not None and site.grid.emissions is not None for site in sites) >= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_all_periods_at_once_are_each_by_itself(seed: int) -> None:
    problem, decisions, assets = random_hours(seed)
    mine, theirs = Checklist(problem), Checklist(problem)
    found, expected = keep_power(problem, decisions, assets, mine).lines, power_by_period(problem, decisions, assets, theirs)
    assert found.keys() == expected.keys()
    # lines that are differences of others are exact to the size of these
    money = {site: max(np.abs(expected[site, name]).max() for name in (*REVENUES, *COSTS)) for site, _ in expected}
    for (site, name), values in expected.items():
        size = money[site] if name in (*REVENUES, *COSTS, "cash_margin") else np.abs(values).max()
        assert np.abs(found[site, name] - values).max() <= EXACT * size, (site, name)
    told = {check.name: check for check in mine.result() if check.name != "diesel permit"}
    known = {check.name: check for check in theirs.result()}
    assert told.keys() == known.keys()
    for name, check in known.items():
        assert told[name].where == check.where, name
        assert told[name].residual == pytest.approx(check.residual, rel=1e-9), name
        assert told[name].scale == pytest.approx(check.scale, rel=1e-9), name


def test_what_is_no_number_is_found_where_it_is() -> None:
    problem = tiny(3, hours=4)
    problem = replace(problem, sites=(site_of(problem, interconnection_mw=10.0),))
    dispatch = dict(idle(problem).dispatch)
    dispatch["home", 0, 1] = SiteDispatch({}, {"grid": np.array([0.0, np.nan, 0.0, 0.0])})
    checks = Checklist(problem)
    keep_power(problem, idle(problem, dispatch=dispatch), keep_assets(problem, idle(problem)), checks)
    wrong = {check.name: check for check in checks.result() if check.residual > 0.0}
    assert wrong.keys() == {"source within its limit", "hourly balance"}
    assert wrong["source within its limit"].where == "s0, period 1, home, grid"
    assert wrong["source within its limit"].residual == np.inf


def test_hours_add_up_period_by_period() -> None:
    """Months of several lengths; what is not there is nothing."""
    problem = tiny(3, months=12, scenarios=2, hours=4)
    lengths = (4, 1, 3)
    weights = tuple(clock_of(3, 12).hours[t] / n * np.ones(n) for t, n in enumerate(lengths))
    index = tuple(np.arange(n, dtype=np.int64) + 10 * t for t, n in enumerate(lengths))
    clock = replace(problem.clock, hour_index=index, weight=weights)
    hours = Hours(clock)
    values = np.array([1.0, -2.0, 3.0, 4.0, -5.0, 6.0, 0.5, 0.25])
    assert hours.total(values).tolist() == [6.0, -5.0, 6.75]
    assert hours.most(values).tolist() == [4.0, -5.0, 6.0]
    assert hours.least(values).tolist() == [-2.0, -5.0, 0.25]
    assert hours.spread(np.array([1.0, 2.0, 3.0])).tolist() == [1.0] * 4 + [2.0] + [3.0] * 3
    path = hourly(replace(problem, clock=clock), np.arange(8784.0))
    path = replace(path, factor=np.arange(6.0).reshape(2, 3), shift=np.full((2, 3), 0.5))
    for s in range(2):
        assert hours.of(path, s).tolist() == np.concatenate([path.values(clock, s, t) for t in range(3)]).tolist()
    split = SiteDispatch({"ai:x": np.array([7.0])}, {})
    whole, there = scenario_of({("home", 0, 1): split}, hours, "home", 0)
    assert there.tolist() == [False, True, False]
    assert whole.uses["ai:x"].tolist() == [0.0] * 4 + [7.0] + [0.0] * 3 and whole.sources == {}
