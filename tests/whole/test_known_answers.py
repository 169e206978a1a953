"""Problems whose answer is known: from textbooks, from a formula, or from a second formulation written out here.

Objectives are compared, never vertices: equal optima are common.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from models.problem import Problem, Project, Rule
from models.proforma.keep import cvar
from optimizer.engine.solution import Solution
from optimizer.engine.values import Outcome
from tests.shared.places import ROOT
from tests.shared.plans import plan, plan_of
from tests.shared.tiny import dates, debt_of, rig_of, site_of, tiny

CASES = ROOT / "tests" / "cases"


def solved(name: str, *settings: str, variant: str | None = None) -> Solution:
    """The case of that name, solved and verified."""
    solution = plan(CASES / f"{name}.yaml", *settings, variant=variant)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    return solution


def value(name: str, *settings: str, variant: str | None = None) -> float:
    """Objective in USD."""
    objective = solved(name, *settings, variant=variant).objective
    assert objective is not None
    return objective


def close(number: float, relative: float = 1e-9) -> object:
    return pytest.approx(number, rel=relative, abs=0.0)


def annuity(rate: float, years: int) -> float:
    """Value of 1 a year at the end of each year."""
    return (1 - (1 + rate) ** -years) / rate


# ---- the farmer (Birge and Louveaux, section 1.1) --------------------------------------------------------------------

MEAN_YIELDS = ("scenarios.low.scale={}", "scenarios.high.scale={}")
#: what the farmer plants who believes in mean yields
MEAN_PLAN = tuple(
    f"projects.plant_{crop}.{bound}={acres}"
    for crop, acres in (("wheat", 120), ("corn", 80), ("beets", 300))
    for bound in ("minimum", "limit")
)


def test_farmer() -> None:
    assert value("farmer") == close(108_390)


def test_farmer_who_believes_in_mean_yields() -> None:
    believes = solved("farmer", *MEAN_YIELDS)
    assert believes.objective == close(118_600)
    gets = value("farmer", *MEAN_PLAN)
    assert gets == close(107_240)
    # the plan that is fixed there is indeed the one of mean yields
    assert value("farmer", *MEAN_YIELDS, *MEAN_PLAN) == close(118_600)
    assert value("farmer") - gets == close(1_150)  # value of the stochastic solution


def test_farmer_who_knows_the_weather() -> None:
    knows = value("farmer", "information=start")
    assert knows == close(1_038_650 / 9)  # 115,405.56
    assert value("farmer", variant="perfect-information") == knows
    assert knows - value("farmer") == close(7_015 + 5 / 9)


def test_farmer_who_fears_the_worst_fifth() -> None:
    # min E + 2 CVaR of cost at 0.8 confidence is -3 times the best (1 - 2/3) E + 2/3 CVaR of profit, lower tail 0.2
    fears = solved("farmer", "objective.risk_weight=0.6666666666666667", "objective.tail_probability=20 %")
    assert fears.objective is not None and fears.books is not None
    assert -3 * fears.objective == close(-220_700)
    assert fears.books.expected + 2 * fears.books.cvar == close(220_700)


def test_farmer_for_whom_the_worst_case_alone_counts() -> None:
    # what the weather was known to be bad would bring: 59,950
    assert value("farmer", variant="worst-third") == close(59_950)


# ---- CVaR ------------------------------------------------------------------------------------------------------------


def test_cvar_of_rewards() -> None:
    rewards = solved("cvar-rewards")
    assert rewards.books is not None
    assert rewards.objective == close(13.75)
    assert (rewards.books.expected, rewards.books.var) == (close(25), close(20))


def test_cvar_of_costs() -> None:
    # paid from 100 USD: what is left is worst where costs are highest
    costs = solved("cvar-rewards", "cash_flows.reward.dated.2027-01=-10 USD", "treasury.cash=100 USD")
    assert costs.objective is not None
    assert 100 - costs.objective == close(36.25)


def test_cvar_by_sorting() -> None:
    odds = np.full(4, 0.25)
    assert cvar([40, 10, 30, 20], odds, 0.4)[0] == close(13.75)
    assert -cvar([-40, -10, -30, -20], odds, 0.4)[0] == close(36.25)


@pytest.mark.parametrize("tail", ["10 %", "25 %", "40 %", "50 %", "80 %", "100 %"])
def test_cvar_along_the_tail(tail: str) -> None:
    mass = float(tail.removesuffix("%")) / 100
    left, total = mass, 0.0
    for reward in (10, 20, 30, 40):
        taken = min(left, 0.25)
        left, total = left - taken, total + taken * reward
    assert value("cvar-rewards", f"objective.tail_probability={tail}") == close(total / mass)


# ---- LandS (Louveaux and Smeers) -------------------------------------------------------------------------------------

INVESTMENT = np.array([10.0, 7.0, 16.0, 6.0])
OPERATION = np.array([[40, 24, 4], [45, 27, 4.5], [32, 19.2, 3.2], [55, 33, 5.5]])


def lands_by_hand() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Extensive form (costs, A, b of A x <= b): capacities x, then y[s, technology, load] >= 0."""
    odds, demand = np.array([0.3, 0.4, 0.3]), [3.0, 5.0, 7.0]
    cost = np.concatenate([INVESTMENT, *(p * OPERATION.ravel() for p in odds)])
    rows, right = [], []

    def row(bound: float, terms: dict[int, float]) -> None:
        rows.append(np.zeros(len(cost)))
        for column, coefficient in terms.items():
            rows[-1][column] = coefficient
        right.append(bound)

    row(-12.0, {i: -1.0 for i in range(4)})
    row(120.0, dict(enumerate(INVESTMENT)))
    for s in range(3):
        y = {(i, j): 4 + 12 * s + 3 * i + j for i in range(4) for j in range(3)}
        for i in range(4):
            row(0.0, {i: -1.0} | {y[i, j]: 1.0 for j in range(3)})
        for j, load in enumerate((demand[s], 3.0, 2.0)):
            row(-load, {y[i, j]: -1.0 for i in range(4)})
    return cost, np.array(rows), np.array(right)


def test_lands() -> None:
    cost, a, b = lands_by_hand()
    by_hand = linprog(cost, a, b)
    assert by_hand.fun == close(28_639 / 75)  # 381.853333
    assert -value("lands") == close(by_hand.fun)


def test_lands_capacities() -> None:
    """The capacities are optimal, and nothing else is: on the optimal face each can be neither less nor more."""
    known = np.array([8 / 3, 4, 10 / 3, 2])
    fixed = [
        f"projects.build_{name}.{bound}={float(mw)!r}"
        for name, mw in zip("abcd", known, strict=True)
        for bound in ("minimum", "limit")
    ]
    assert -value("lands", *fixed) == close(28_639 / 75)
    cost, a, b = lands_by_hand()
    face = np.vstack([a, cost]), np.append(b, 28_639 / 75 + 1e-9)
    for i in range(4):
        for direction in (1.0, -1.0):
            edge = linprog(direction * np.eye(len(cost))[i], *face)
            assert edge.x[i] == pytest.approx(known[i], abs=1e-6)
    plan = solved("lands").decisions
    assert plan is not None
    assert [plan.units[f"build_{name}"][0, 0] for name in "abcd"] == pytest.approx(list(known), abs=1e-7)


# ---- financing -------------------------------------------------------------------------------------------------------


def test_tax_shield() -> None:
    levered, unlevered = value("tax-shield"), value("tax-shield", variant="unlevered")
    shield = 100e6 * 0.08 * 0.21 * annuity(0.08, 5)
    assert shield == close(6.7077529e6, 1e-8)
    assert levered - unlevered == close(shield)
    # without notes: 30 a year less 21 % of it, and the sale
    assert unlevered == close(30e6 * 0.79 * annuity(0.08, 5) + 100e6 / 1.08**5)


PLANT = 30e6 * annuity(0.08, 5) - 100e6


@pytest.mark.parametrize("variant", [None, "all-equity", "notes-only", "loan-only"])
def test_modigliani_miller(variant: str | None) -> None:
    assert value("modigliani-miller", variant=variant) == close(PLANT)


INSTRUMENTS = (
    "owners", "investors", "notes", "callable", "longer", "pik", "at_maturity", "annuity", "level", "sculpted",
    "out_of_the_money", "at_the_money", "in_the_money", "revolver",
)  # fmt: skip


def mix(**shares: float) -> list[str]:
    """Settings that raise 100 MUSD so; a revolver has no minimum."""
    settings = [f"financing.{name}.limit={share} MUSD" for name, share in shares.items()]
    return settings + [f"financing.{name}.minimum={share} MUSD" for name, share in shares.items() if name != "revolver"]


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_all_of_one_kind_is_worth_the_same(instrument: str) -> None:
    found = solved("financing-mixes", *mix(**{instrument: 100.0}))
    assert found.objective == close(PLANT)
    assert found.decisions is not None and found.books is not None
    # and it is really there
    raised = found.decisions.issued.get(instrument, found.decisions.balance.get(instrument))
    assert raised is not None and raised[0, 0] == close(100e6)
    converted = "conversion" in found.books.ledger and float(found.books.ledger["conversion"].sum()) < -1e8
    assert converted == (instrument in ("at_the_money", "in_the_money"))


@pytest.mark.parametrize(
    "shares",
    [
        {"owners": 50.0, "notes": 50.0},
        {"investors": 30.0, "in_the_money": 70.0},
        {"annuity": 25.0, "level": 25.0, "at_maturity": 25.0, "sculpted": 25.0},
        {"revolver": 10.0, "pik": 20.0, "longer": 70.0},
        {"notes": 90.0, "out_of_the_money": 90.0},  # more than is needed
        dict.fromkeys(INSTRUMENTS, 100 / 13),  # a little of everything, and the revolver free
    ],
    ids=lambda shares: "+".join(shares) if len(shares) < 5 else "everything",
)
def test_mixes_are_worth_the_same(shares: dict[str, float]) -> None:
    assert value("financing-mixes", *mix(**shares)) == close(PLANT)


@pytest.mark.parametrize(
    ("instrument", "change", "change_of_value"),
    [
        ("notes", "fee=1 %", -1.1e6),
        ("notes", "coupon=9 %/year", -1.1e6 * annuity(0.08, 5)),
        ("notes", "price=102 %", 2.2e6),
        ("at_the_money", "conversion_premium=20 %", 110e6 / 6),  # settled in fewer shares: 1 / 1.2 of them
        ("investors", "discount=20 %", -110e6 / 4),  # more shares: 1 / 0.8 of them
    ],
)
def test_what_is_not_fair_is_not_worth_the_same(instrument: str, change: str, change_of_value: float) -> None:
    found = value("financing-mixes", *mix(**{instrument: 110.0}), f"financing.{instrument}.{change}")
    assert found == close(PLANT + change_of_value)


def test_short_term_financing() -> None:
    """Written out a second time, in kUSD: credit line x[0..4], paper y[0..2], surplus z[0..5]; maximise the last surplus."""
    flow = np.array([-150, -100, 200, -200, 50, 300.0])
    x, y, z = range(5), range(5, 8), range(8, 14)
    a = np.zeros((6, 14))
    for month in range(6):
        if month < 5:
            a[month, x[month]] = 1.0
        if month < 3:
            a[month, y[month]] = 1.0
        if month > 0:
            a[month, x[month - 1]] = -1.01
            a[month, z[month - 1]] = 1.003
        if month >= 3:
            a[month, y[month - 3]] = -1.02
        a[month, z[month]] = -1.0
    cost = -np.eye(14)[z[5]]
    bounds = [(0, 100)] * 5 + [(0, None)] * 9
    for extra, variant in ((0.0, None), (50.0, "better-june")):
        given = flow + np.array([0, 0, 0, 0, 0, extra])
        by_hand = linprog(cost, A_eq=a, b_eq=-given, bounds=bounds)
        assert by_hand.status == 0
        assert -by_hand.fun == pytest.approx(92.497 + extra, abs=1e-3)
        assert value("short-term", variant=variant) == close(-1e3 * by_hand.fun)


def test_debt_sized_by_coverage() -> None:
    flows = np.array([20, 24, 28, 28, 22]) * 1e6
    years = np.arange(1, 6)
    face = float((flows / 1.3 / 1.07**years).sum())
    found = solved("dscr-sizing")
    assert found.decisions is not None and found.books is not None
    assert found.decisions.issued["loan"][0, 0] == close(face)
    assert found.objective == close(face + float((flows * (1 - 1 / 1.3) / 1.2**years).sum()))
    # every payment is what coverage permits
    assert found.books.words["debt_service"][0, 1:-1] == pytest.approx(flows[:-1] / 1.3, rel=1e-9)


# ---- fleet and power -------------------------------------------------------------------------------------------------

YEARS, HOURS = 4, 8760.0
#: 60 PH/s per MW at 50 USD/PH/day is 125 USD/MWh; less 40 for power
MARGIN = 60 * 50 / 24 - 40
#: what a MW that works four years and is then sold for 0.2 MUSD is worth, before its price
WORTH = HOURS * MARGIN * annuity(0.08, YEARS) + 0.2e6 / 1.08**YEARS


@pytest.mark.parametrize("price", [0.5e6, 0.99 * WORTH, 1.01 * WORTH, 2 * WORTH])
def test_a_rig_is_bought_if_and_only_if_it_is_worth_it(price: float) -> None:
    p = tiny(YEARS, cash=1e9)
    p = replace(p, sites=(site_of(p),))
    p = replace(p, rigs=(rig_of(p, price=price, window=dates(p, 0)),))
    found = plan_of(p)
    assert found.outcome is Outcome.OPTIMAL and found.decisions is not None
    assert found.objective == close(1e9 + 60 * max(WORTH - price, 0.0))
    bought = found.decisions.orders["rig", "home"][0, 0]
    assert bought == pytest.approx(60.0 if price < WORTH else 0.0, abs=1e-7)


def test_a_rig_that_comes_late_wears_out_and_is_taxed() -> None:
    """Half paid at once, half a year later when it works; two years of life, straight-line tax life of two years, 21 %."""
    p = tiny(YEARS, cash=1e9, tax_rate=0.21, rescue_penalty=0.0)  # a dollar is there when it is due, and not before
    p = replace(p, sites=(site_of(p),), terminal=replace(p.terminal, rigs=0.0))
    rig = rig_of(p, price=0.6e6, resale=0.0, window=dates(p, 0), lead=1, life=2)
    payments = replace(rig.payments, shares=((0, 0.5), (1, 0.5)))
    p = replace(p, rigs=(replace(rig, payments=payments, depreciation=replace(rig.depreciation, method="straight", months=24)),))
    found = plan_of(p)
    earned = HOURS * MARGIN - 0.21 * (HOURS * MARGIN - 0.3e6)
    worth = -0.3e6 - 0.3e6 / 1.08 + earned * (1.08**-2 + 1.08**-3)
    assert found.outcome is Outcome.OPTIMAL
    assert found.objective == close(1e9 + 60 * worth)


def test_rigs_stop_exactly_when_power_costs_more_than_it_earns() -> None:
    hours = 300
    rng = np.random.default_rng(7)
    price = rng.normal(100.0, 40.0, hours)
    p = tiny(1, hours=hours, discount=0.0)
    p = replace(p, sites=(site_of(p, price=price, adder=5.0),))
    old = rig_of(
        p, "old", resale=0.0, density=40.0, owned=np.array([20.0]), window=np.zeros(2, dtype=bool), uptime=0.9, pool_fee=0.02
    )
    new = rig_of(p, "new", resale=0.0, density=60.0, owned=np.array([30.0]), window=np.zeros(2, dtype=bool), variable_cost=1.0)
    p = replace(p, rigs=(old, new))
    found = plan_of(p)
    assert found.outcome is Outcome.OPTIMAL and found.decisions is not None and found.books is not None
    total = 1e9
    for name, mw, breakeven in (("old", 18.0, 40 * 50 / 24 * 0.98), ("new", 30.0, 60 * 50 / 24 - 1.0)):
        used = found.decisions.dispatch["home", 0, 0].uses[f"rig:{name}"]
        runs = price + 5.0 < breakeven
        assert 50 < runs.sum() < 250  # the test has both kinds of hour
        assert np.array_equal(used > 1e-9, runs)
        assert used[runs] == pytest.approx(mw)
        total += HOURS / hours * mw * float(np.maximum(breakeven - price - 5.0, 0.0).sum())
    assert found.objective == close(total)


def test_rigs_stop_in_the_hours_of_the_peak_charge() -> None:
    found = solved("curtailment")
    assert found.objective == close(10 * 7 * (8760 - 4))
    assert found.books is not None and found.decisions is not None
    assert found.books.power["mine", "grid"][0, 0] == close(10 * (8760 - 4))
    stopped = np.flatnonzero(found.decisions.dispatch["mine", 0, 0].uses["rig:miner"] < 1e-9)
    # hours of the year 2026, which is not a leap year
    begin = np.datetime64("2026-01-01T00")
    peaks = ("2026-06-25T16", "2026-07-14T16", "2026-08-20T16", "2026-09-05T16")
    assert list(stopped) == [int((np.datetime64(peak) - begin) / np.timedelta64(1, "h")) for peak in peaks]


# ---- no answer -------------------------------------------------------------------------------------------------------


def cash_rule(p: Problem, text: str, sense: str, amount: float) -> Rule:
    shape = (p.scenarios.count, p.clock.dates)
    return Rule("floor", text, {("cash", None): np.ones(shape)}, sense, np.full(shape, amount), np.ones(shape, dtype=bool))


def test_a_rule_that_cannot_hold_is_proved_infeasible() -> None:
    p = tiny(cash=1e6)
    p = replace(p, rules=(cash_rule(p, "cash >= 2 MUSD", ">=", 2e6),))
    found = plan_of(p)
    assert found.outcome is Outcome.INFEASIBLE
    assert found.certificate is not None and found.certificate.status == "infeasible" and found.certificate.verified
    assert found.objective is None and found.decisions is None
    assert "rule 'floor' (cash >= 2 MUSD)" in found.reasons[0]
    # at what is there the rule holds
    at_limit = plan_of(replace(p, rules=(cash_rule(p, "cash >= 1 MUSD", ">=", 1e6),)))
    assert at_limit.outcome is Outcome.OPTIMAL


def test_a_plant_that_nobody_pays_for_is_proved_infeasible() -> None:
    found = plan(CASES / "financing-mixes.yaml")
    assert found.outcome is Outcome.INFEASIBLE
    assert found.certificate is not None and found.certificate.verified
    assert found.reasons[0].startswith("cash")


def test_rules_that_contradict_each_other_are_proved_infeasible() -> None:
    p = tiny(3, cash=5e6)
    p = replace(p, debts=(debt_of(p, limit=10e6),))
    low = cash_rule(p, "cash <= 3 MUSD", "<=", 3e6)
    high = replace(cash_rule(p, "cash >= 4 MUSD", ">=", 4e6), name="high")
    found = plan_of(replace(p, rules=(low, high)))
    assert found.outcome is Outcome.INFEASIBLE
    assert found.certificate is not None and found.certificate.verified
    assert {reason.split("'")[1] for reason in found.reasons if reason.startswith("rule")} == {"floor", "high"}


def test_free_money_without_limit_is_proved_unbounded() -> None:
    p = tiny(2, cash=1e6)
    cash = np.zeros((1, 3, 3))
    cash[0, 0, 0], cash[0, 0, 2] = -1.0, 1.5
    pump = Project("pump", cash, dates(p, 0), float("inf"), taxable=False)
    loan = debt_of(p, limit=np.inf, rate=0.05, window=dates(p, 0))
    found = plan_of(replace(p, projects=(pump,), debts=(loan,)))
    assert found.outcome is Outcome.UNBOUNDED
    assert found.certificate is not None and found.certificate.status == "unbounded" and found.certificate.verified
    assert any("pump" in reason for reason in found.reasons)
    # with a limit it is worth its limit
    limited = plan_of(replace(p, projects=(replace(pump, limit=1e5),), debts=(loan,)))
    assert limited.outcome is Outcome.OPTIMAL


def test_what_costs_nothing_to_raise_and_pays_at_once_is_unbounded() -> None:
    p = tiny(2, cash=1e6)
    cash = np.zeros((1, 3, 3))
    cash[0, :, :] = np.eye(3)
    found = plan_of(replace(p, projects=(Project("tap", cash, dates(p, 0, 1), float("inf")),)))
    assert found.outcome is Outcome.UNBOUNDED
    assert found.certificate is not None and found.certificate.verified
