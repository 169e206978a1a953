"""What must hold of any problem: change the question in a way whose effect is known, and compare.

On random whole problems (`tests/shared/random_problems.py`) and on small ones where the effect needs a clean setting.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from models.decisions import Decisions
from models.problem import Array, Problem, Rule
from models.problem.scenario_subset import listed, rebuilt, some_scenarios
from optimizer.engine.solution import Solution
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from tests.shared.plans import plan_of
from tests.shared.random_problems import random_problem
from tests.shared.tiny import debt_of, every_date, expansion_of, path, rig_of, service_of, site_of, stream, tiny, tree

#: random problems with sites, rigs, services, several debts and scenarios, with tax and without, of every risk weight
RICH = (3, 15, 19, 46, 58, 87, 99)
#: those of several scenarios that part during the horizon
TREES = (3, 7, 44, 58, 87)
#: a few of both, where many solves are needed
FEW = (3, 44, 58, 87)


def solved(problem: Problem, **options: Any) -> Solution:
    solution = plan_of(problem, method="extensive", **options)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    return solution


def best(problem: Problem, **options: Any) -> float:
    """Optimal objective; the choice among equal plans does not matter to it."""
    objective = solved(problem, canonical=False, **options).objective
    assert objective is not None
    return objective


def close(number: float, relative: float = 1e-9) -> object:
    return pytest.approx(number, rel=relative, abs=0.0)


def at_least(number: float, floor: float) -> bool:
    """number >= floor up to rounding."""
    return number >= floor - 1e-9 * abs(floor)


def numbers(decisions: Decisions) -> Iterator[tuple[str, bool, Array]]:
    """(name, is it in USD, values) of every decision, hour by hour too."""
    for field in fields(decisions):
        value = getattr(decisions, field.name)
        in_usd = field.name in ("dividends", "rescue", "issued", "called", "repaid", "balance")
        if field.name == "dispatch":
            for key, split in value.items():
                for kind, hours in [*split.uses.items(), *split.sources.items()]:
                    yield f"dispatch {key} {kind}", False, hours
        elif isinstance(value, dict):
            for key, one in value.items():
                yield f"{field.name} {key}", in_usd, one
        else:
            yield field.name, in_usd, value


def assert_same_plan(one: Solution, other: Solution, tolerance: float, money: float = 1.0) -> None:
    """Every decision of `other` is that of `one`, USD times `money`; breaches are left out, they follow."""
    assert one.decisions is not None and other.decisions is not None
    there = {name: values for name, _, values in numbers(other.decisions)}
    here = list(numbers(one.decisions))
    assert [name for name, _, _ in here] == list(there)
    for name, in_usd, values in here:
        if name.startswith("breach"):
            continue
        expected = values * (money if in_usd else 1.0)
        scale = max(float(np.abs(expected).max(initial=0.0)), one.problem.money * money if in_usd else 1.0)
        off = float(np.abs(there[name] - expected).max(initial=0.0))
        assert off <= tolerance * scale, f"{name} is off by {off:.3g} of {scale:.3g}"


# ---- scenarios -------------------------------------------------------------------------------------------------------


def with_scenarios(problem: Problem, rows: list[int], probability: Any, node: Any) -> Problem:
    """The problem with these rows of its data as scenarios."""
    names = tuple(f"{problem.scenarios.names[s]}/{k}" for k, s in enumerate(rows))
    return some_scenarios(problem, rows, probability, node, names)


def informed_from(problem: Problem, date: int) -> Problem:
    """The same with one common plan until `date`, and every scenario by itself from then on."""
    node = tree(problem.scenarios.count, problem.clock.dates, date)
    return replace(problem, scenarios=replace(problem.scenarios, node=node))


@pytest.mark.parametrize("seed", TREES)
@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_splitting_a_scenario_into_halves_changes_nothing(seed: int, apart: bool) -> None:
    """The halves decide as the whole did, or each by itself from date 1 on: they are alike, so that is no knowledge."""
    problem = random_problem(seed)
    if apart:
        problem = informed_from(problem, 1)
    whole, last = problem.scenarios, problem.scenarios.count - 1
    rows = [*range(last), last, last]
    odds = np.append(whole.probability[:last], whole.probability[last] * np.array([0.3, 0.7]))
    halves = with_scenarios(problem, rows, odds, whole.node[rows])
    if apart:
        halves = informed_from(halves, 1)
    assert best(halves) == close(best(problem))


@pytest.mark.parametrize("seed", TREES)
def test_the_order_of_scenarios_changes_nothing(seed: int) -> None:
    problem = random_problem(seed)
    rows = list(range(problem.scenarios.count))[::-1]
    turned = with_scenarios(problem, rows, problem.scenarios.probability[rows], problem.scenarios.node[rows])
    assert best(turned) == close(best(problem))


@pytest.mark.parametrize("seed", TREES)
def test_knowing_later_is_never_worth_more(seed: int) -> None:
    """Perfect information >= every tree >= one common plan."""
    problem = random_problem(seed)
    values = [best(informed_from(problem, date)) for date in range(problem.clock.dates + 1)]
    assert all(at_least(early, late) for early, late in itertools.pairwise(values)), values
    assert values[0] > values[-1] * (1 + 1e-6)  # and here it does matter


@pytest.mark.parametrize("seed", [3, 7, 58])
def test_perfect_information_is_every_scenario_by_itself(seed: int) -> None:
    problem = random_problem(seed)
    problem = replace(informed_from(problem, 0), objective=replace(problem.objective, weight=0.0))
    odds, alone = problem.scenarios.probability, []
    for s in range(problem.scenarios.count):
        alone.append(best(with_scenarios(problem, [s], [1.0], tree(1, problem.clock.dates))))
    assert best(problem) == close(float(odds @ alone))
    # the worst case of independent scenarios is the worst of their optima
    fearful = replace(problem.objective, weight=1.0, tail=float(odds.min()) / 2)
    assert best(replace(problem, objective=fearful)) == close(min(alone))


# ---- risk ------------------------------------------------------------------------------------------------------------


def with_risk(problem: Problem, weight: float, tail: float) -> Problem:
    return replace(problem, objective=replace(problem.objective, weight=weight, tail=tail))


@pytest.mark.parametrize("seed", TREES)
def test_no_risk_weight_is_risk_neutral(seed: int) -> None:
    problem = random_problem(seed)
    neutral = solved(with_risk(problem, 0.0, 0.1), canonical=False)
    assert neutral.books is not None and neutral.objective is not None
    assert neutral.objective == neutral.books.expected
    # the tail does not matter then, and a tail of everything is the mean
    assert best(with_risk(problem, 0.0, 0.7)) == close(neutral.objective)
    assert best(with_risk(problem, 0.6, 1.0)) == close(neutral.objective)


@pytest.mark.parametrize("seed", TREES)
def test_a_tail_no_larger_than_any_scenario_is_the_worst_case(seed: int) -> None:
    problem = random_problem(seed)
    least = float(problem.scenarios.probability.min())
    worst = solved(with_risk(problem, 1.0, least), canonical=False)
    assert worst.books is not None
    assert worst.objective == close(float(worst.books.value.min()))
    assert best(with_risk(problem, 1.0, least / 10)) == close(float(worst.books.value.min()))
    # no other plan has a better worst case
    neutral = solved(with_risk(problem, 0.0, 0.5), canonical=False)
    assert neutral.books is not None
    assert at_least(float(worst.books.value.min()), float(neutral.books.value.min()))


@pytest.mark.parametrize("seed", TREES)
def test_along_the_risk_weight_the_mean_falls_and_the_tail_rises(seed: int) -> None:
    problem = random_problem(seed)
    plans = [solved(with_risk(problem, w, 0.4)).books for w in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for less, more in itertools.pairwise(plans):
        assert less is not None and more is not None
        assert at_least(less.expected, more.expected)
        assert at_least(more.cvar, less.cvar)
        assert at_least(more.expected, more.cvar) and at_least(more.var, more.cvar)


# ---- money -----------------------------------------------------------------------------------------------------------

#: data in USD, or in USD per unit of something; hourly data only where it is a price
IN_USD: dict[str, tuple[str, ...]] = {
    "Problem": ("overhead", "opening_ppe", "money"),
    "Market": ("btc_price", "btc_price_mean", "hashprice", "share_price"),
    "Treasury": ("cash",),
    "Terminal": ("opening_assets",),
    "Tax": ("nol", "existing_depreciation"),
    "Site": ("fixed_cost", "mining_cost", "ai_cost"),
    "Expansion": ("cost",),
    "Hourly": ("factor", "shift"),
    "Grid": ("demand_response",),
    "Block": ("price", "sell_fee"),
    "OwnSource": ("cost", "sell_fee"),
    "Battery": ("wear",),
    "Diesel": ("cost",),
    "YearlyLimit": ("price",),
    "Rig": ("variable_cost", "fixed_cost", "price", "resale"),
    "RigOption": ("fee", "strike"),
    "Service": ("rate", "reimbursed", "penalty", "variable_cost", "fixed_cost", "equipment"),
    "Project": ("cash",),
    "CashFlow": ("amount",),
    "Debt": ("limit", "minimum", "existing", "date_limit"),
    "Conversion": ("price",),
    "Equity": ("limit", "minimum", "date_limit"),
}
#: words of rules that are not money
GOODS = frozenset({"provided", "coins", "rigs_mw", "units", "btc_mined", "energy_mwh", "grid_mwh", "emissions_t"})


def in_other_money(problem: Problem, factor: float) -> Problem:
    """The same problem in a currency of which `factor` make one dollar."""

    def change(place: str, value: Any) -> Any:
        known = listed(place, IN_USD) and (">Hourly." not in place or ">Grid.price>" in place or ">Grid.adder>" in place)
        return value * factor if known and value is not None and not isinstance(value, str) else value

    made: Problem = rebuilt(problem, change)
    rules = []
    for rule in made.rules:
        if all(term.word in GOODS for term in rule.terms):
            rules.append(replace(rule, penalty=None if rule.penalty is None else rule.penalty * factor))
        else:
            terms = {term: c * (factor if term.word in GOODS else 1.0) for term, c in rule.terms.items()}
            rules.append(replace(rule, terms=terms, constant=rule.constant * factor))
    return replace(made, rules=tuple(rules))


@pytest.mark.parametrize("seed", RICH)
def test_another_currency_scales_the_objective_and_leaves_the_plan(seed: int) -> None:
    problem = random_problem(seed)
    dollars, other = solved(problem), solved(in_other_money(problem, 1e3))
    assert dollars.objective is not None and dollars.books is not None and other.books is not None
    assert other.objective == close(1e3 * dollars.objective)
    assert other.books.value == pytest.approx(1e3 * dollars.books.value, rel=1e-9)
    assert_same_plan(dollars, other, 1e-9, money=1e3)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_a_currency_of_any_size_gives_the_same_or_is_refused(factor: float) -> None:
    """What cannot be proved in so small or large a currency is not called optimal."""
    same = 0
    for seed in RICH[:4]:
        problem = random_problem(seed)
        dollars, other = solved(problem), solve_problem(in_other_money(problem, factor), baseline=False)
        if other.outcome.value == "optimal":
            assert dollars.objective is not None and other.objective == close(factor * dollars.objective)
            same += 1
        else:
            assert other.outcome.value == "unverified" and other.reasons
    assert same == 4


@pytest.mark.parametrize("seed", RICH[:4])
def test_the_unit_of_money_inside_the_program_does_not_matter(seed: int) -> None:
    problem = random_problem(seed)
    assert best(replace(problem, money=3e5)) == close(best(problem))


# ---- what nobody wants -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", RICH)
def test_a_dominated_rig_changes_nothing(seed: int) -> None:
    """A second rig that costs more, earns less and sells for less; the first is limited by halls only."""
    problem = random_problem(seed)
    first = replace(problem.rigs[0], supply=every_date(problem), limit=np.inf)
    problem = replace(problem, rigs=(first, *problem.rigs[1:]))
    worse = replace(
        first,
        name="worse",
        density=0.9 * first.density,
        price=1.1 * first.price,
        resale=0.8 * first.resale,
        variable_cost=first.variable_cost + 1.0,
        owned=np.zeros_like(first.owned),
        option=None,
    )
    assert best(replace(problem, rigs=(*problem.rigs, worse))) == close(best(problem))


@pytest.mark.parametrize("seed", [s for s in RICH if "notes" in [d.name for d in random_problem(s).debts]])
def test_a_dominated_instrument_changes_nothing(seed: int) -> None:
    """Second notes with a higher coupon and fee, under one cap for both."""
    problem = random_problem(seed)
    k, first = next((k, d) for k, d in enumerate(problem.debts) if d.name == "notes")
    first = replace(first, limit=1e9, existing=0.0)
    worse = replace(first, name="worse", rate=first.rate + 0.01, fee=first.fee + 0.01, price=first.price - 0.01)
    ones = np.ones((problem.scenarios.count, problem.clock.dates))

    def capped(*names: str) -> Rule:
        return Rule("cap", "", {("outstanding", name): ones for name in names}, "<=", 20e6 * ones, ones > 0)

    debts = (*problem.debts[:k], first, *problem.debts[k + 1 :])
    alone = replace(problem, debts=debts, rules=(*problem.rules, capped("notes")))
    both = replace(problem, debts=(*debts, worse), rules=(*problem.rules, capped("notes", "worse")))
    assert best(both) == close(best(alone))


def test_what_dominates_does_change_the_plan() -> None:
    """The other way round: cheaper notes and better rigs are taken, so that the two tests above can fail."""
    problem = tiny(4, cash=20e6)
    problem = replace(problem, sites=(site_of(problem),))
    problem = replace(problem, rigs=(rig_of(problem),), debts=(debt_of(problem, rate=0.09, limit=10e6),))
    rig = rig_of(problem, "better", price=0.7e6)
    notes = debt_of(problem, "cheaper", rate=0.07, limit=10e6)
    assert best(replace(problem, rigs=(*problem.rigs, rig))) > best(problem) + 1e6
    assert best(replace(problem, debts=(*problem.debts, notes))) > best(problem) + 1e5


# ---- more of something -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", FEW)
@pytest.mark.parametrize(
    ("word", "sense", "levels"),
    [("cash", ">=", (1e6, 5e6, 20e6)), ("total_debt", "<=", (40e6, 20e6, 12e6)), ("capex", "<=", (10e6, 1e6, 1e5))],
    ids=["cash floor", "debt ceiling", "capex ceiling"],
)
def test_tightening_a_rule_never_helps(seed: int, word: str, sense: str, levels: tuple[float, ...]) -> None:
    problem = random_problem(seed)
    ones = np.ones((problem.scenarios.count, problem.clock.dates))
    values = [best(problem)]
    for level in levels:
        rule = Rule("tight", "", {(word, None): ones}, sense, level * ones, ones > 0)
        found = solve_problem(replace(problem, rules=(*problem.rules, rule)), method="extensive", canonical=False, baseline=False)
        if found.outcome is Outcome.INFEASIBLE:  # nothing is tighter than that
            assert found.certificate is None or found.certificate.verified
            break
        assert found.outcome is Outcome.OPTIMAL, found.reasons
        values.append(found.objective if found.objective is not None else np.nan)
    assert len(values) > 1
    assert all(at_least(loose, tight) for loose, tight in itertools.pairwise(values)), values


def more_cash(problem: Problem, step: float) -> Problem:
    return replace(problem, treasury=replace(problem.treasury, cash=problem.treasury.cash + 10e6 * step))


def more_budget(problem: Problem, step: float) -> Problem:
    wider = [replace(e, limit=e.limit + 20e6 * step, date_limit=e.date_limit + 20e6 * step) for e in problem.equities]
    return replace(problem, equities=tuple(wider))


def more_power(problem: Problem, step: float) -> Problem:
    wider = [replace(s, interconnection_mw=s.interconnection_mw + 20 * step) for s in problem.sites]
    return replace(problem, sites=tuple(wider))


def more_halls(problem: Problem, step: float) -> Problem:
    def wider(expansion: Any) -> Any:
        return None if expansion is None else replace(expansion, limit=expansion.limit + 10 * step)

    sites = [
        replace(s, build_mining=wider(s.build_mining), build_ai=wider(s.build_ai), expand=wider(s.expand)) for s in problem.sites
    ]
    return replace(problem, sites=tuple(sites))


def more_debt(problem: Problem, step: float) -> Problem:
    """A revolver is left alone: its fees are paid on its limit."""
    wider = [d if d.kind == "revolver" else replace(d, limit=d.limit + 10e6 * step) for d in problem.debts]
    return replace(problem, debts=tuple(wider))


@pytest.mark.parametrize("seed", FEW)
@pytest.mark.parametrize("more", [more_cash, more_budget, more_power, more_halls, more_debt], ids=lambda f: f.__name__)
def test_more_room_never_hurts(seed: int, more: Callable[[Problem, float], Problem]) -> None:
    problem = random_problem(seed)
    values = [best(more(problem, step)) for step in (0.0, 1.0, 3.0)]
    assert all(at_least(large, small) for small, large in itertools.pairwise(values)), values
    if more is more_cash:
        # a dollar can always be paid out at once
        assert at_least(values[1], values[0] + 10e6) and at_least(values[2], values[1] + 20e6)


# ---- parts -----------------------------------------------------------------------------------------------------------


def two_sites() -> tuple[Problem, Problem, Problem]:
    """Two sites of a company to which a dollar costs a dollar at any date, and the two sites together."""
    base = tiny(5, 6, 2, hours=6, cash=0.0, rescue_penalty=0.0, hashprice=[[50, 45, 40, 36, 30], [50, 60, 70, 60, 50]])
    s, t = 2, 5
    north = site_of(base, "north", price=[20, 35, 60, 90, 140, -10], fixed_cost=path(1e5, s, t), expand=expansion_of(base, 0.3e6))
    south = site_of(base, "south", price=[55, 45, 70, 50, 80, 65], build_mining=expansion_of(base, 0.4e6, 1), mining_mw=20.0)

    def parts(at: tuple[Any, ...]) -> Problem:
        rigs, services = [], []
        for k, site in enumerate(at):
            here = np.arange(len(at)) == k
            owned = np.where(here, 12.0, 0.0)
            rigs.append(rig_of(base, f"rig {site.name}", price=0.5e6, lead=1, life=4, sites=here, owned=owned, owned_life=2))
            services.append(
                service_of(
                    base, f"ai {site.name}", "cloud", 160.0, sites=here, contracted=0.0 * owned, reimbursed=None, limit=15.0
                )
            )
        return replace(base, sites=at, rigs=tuple(rigs), services=tuple(services))

    return parts((north,)), parts((south,)), parts((north, south))


def test_two_unlinked_sites_add_up() -> None:
    north, south, both = (solved(p) for p in two_sites())
    assert north.objective is not None and south.objective is not None and both.objective is not None
    assert min(north.objective, south.objective) > 1e6
    assert both.objective == close(north.objective + south.objective)
    # and so do their plans
    assert north.decisions is not None and south.decisions is not None and both.decisions is not None
    for part in (north.decisions, south.decisions):
        for key, orders in part.orders.items():
            assert both.decisions.orders[key] == pytest.approx(orders, abs=1e-6)


def test_two_linked_sites_do_not_add_up() -> None:
    """The same with a budget, which links them."""
    values = []
    for p in two_sites():
        ones = np.ones((p.scenarios.count, p.clock.dates))
        rule = Rule("budget", "", {("capex", None): ones}, "<=", 5e6 * ones, ones > 0)
        values.append(best(replace(p, rules=(rule,))))
    assert values[2] < values[0] + values[1] - 1e5


def test_twice_the_company_is_worth_twice() -> None:
    """Everything that is an amount doubled: prices, rates and shares as they are."""
    problem = tiny(4, cash=10e6, tax_rate=0.21, nol=1e6, overhead=1e6)
    problem = replace(problem, sites=(site_of(problem),), cash_flows=(stream(problem, 2e6),))
    problem = replace(problem, rigs=(rig_of(problem),), debts=(debt_of(problem, limit=10e6),))
    site, tax = problem.sites[0], problem.tax
    assert tax is not None
    double = replace(
        problem,
        treasury=replace(problem.treasury, cash=20e6),
        tax=replace(tax, nol=2e6),
        overhead=2 * problem.overhead,
        sites=(replace(site, interconnection_mw=200.0, mining_mw=120.0, ai_mw=40.0),),
        cash_flows=(stream(problem, 4e6),),
        debts=(debt_of(problem, limit=20e6),),
    )
    assert best(double) == close(2 * best(problem))


# ---- the solver ------------------------------------------------------------------------------------------------------

WAYS: tuple[dict[str, Any], ...] = (
    {"presolve": False},
    {"algorithm": "simplex", "presolve": False, "seed": 1},
    {"algorithm": "ipm"},
    {"algorithm": "ipm", "seed": 7},
    {"seed": 42},
)


@pytest.mark.parametrize("seed", (3, 19, 58, 87, 99))
def test_the_way_of_solving_changes_neither_objective_nor_plan(seed: int) -> None:
    problem = random_problem(seed)
    first = solved(problem)
    assert first.objective is not None
    assert best(problem) == close(first.objective)  # the canonical plan is as good as the first one found
    for way in WAYS:
        other = solved(problem, **way)
        assert other.objective == close(first.objective), way
        assert_same_plan(first, other, 1e-6)
