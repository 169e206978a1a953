"""Rules: every word of README section 13 as a row, hard and soft, and what a rule does to an optimum."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from models.covenants import MONEY, Words
from models.plan import Plan
from models.problem import Diesel, Payments, Problem, Project, Rule
from tests.models.rows import close, keys, row_is, solved
from tests.models.tiny import (
    dates,
    debt_of,
    equity_of,
    expansion_of,
    path,
    rig_of,
    service_of,
    site_of,
    stream,
    tiny,
)

Word = tuple[str, str | None]
#: what a rule demands, in the word's own unit
DEMAND = 7.0
PRICE = np.array([[1e5, 1.2e5, 1.4e5], [1e5, 0.9e5, 0.6e5]])


def rule_of(problem: Problem, terms: dict[Word, Any], constant: Any, at: tuple[int, ...], sense: str = ">=", **more: Any) -> Rule:
    """A rule on the given dates; coefficients and constant are numbers or (S, D) arrays."""
    shape = (problem.scenarios.count, problem.clock.dates)
    active = np.zeros(shape, dtype=bool)
    active[:, list(at)] = True
    spread = {word: np.array(np.broadcast_to(coef, shape), dtype=float) for word, coef in terms.items()}
    name = more.pop("name", "rule")
    return Rule(name, name, spread, sense, np.array(np.broadcast_to(constant, shape), dtype=float), active, **more)


def company(problem: Problem) -> Problem:
    """A little of everything: half-years, two scenarios that part at date 1."""
    site = site_of(
        problem,
        delay=np.array([0, 1]),
        expand=expansion_of(problem, cost=0.5e6),
        build_mining=expansion_of(problem, cost=1e6),
        convert=expansion_of(problem, cost=2e6, lead=1, payments=Payments(((0, 0.5), (1, 0.5)))),
        diesel=Diesel("diesel", np.full(2, 5.0), path(200.0, 2, 2)),
        mining_per_ai=1.6,
    )
    problem = replace(problem, sites=(site,))
    amounts = np.zeros((2, 3, 3))
    amounts[:, 0, 1], amounts[:, 0, 2], amounts[:, 1, 2] = 3.0, 5.0, 4.0
    return replace(
        problem,
        rigs=(rig_of(problem, owned=np.array([5.0])),),
        services=(service_of(problem, reimbursed=None, contracted=np.array([2.0]), contracted_term=2),),
        projects=(Project("wells", np.zeros((2, 3, 3)), dates(problem, 0, 1), 9.0, provides={"heat": amounts}),),
        debts=(
            debt_of(problem, amortisation="level", frequency=6, tenor=36),
            debt_of(problem, "line", "revolver", limit=40e6, rate=0.10, commitment=0.01, tenor=60),
        ),
        equities=(equity_of(problem, "rights"), equity_of(problem, "market", holders="new")),
    )


HOURS = 6 * 730.0
MINED = 60.0 * 50.0 / 24.0
SOLD = {"orders_rig_home[0,0]": 1.0, "orders_rig_home[1,1]": 1.0, "retired_rig_home[0,0]": -1.0, "retired_rig_home[1,1]": -1.0}
ISSUED_TWO = {"issued_notes[0,0]": 1e6 * 4 / 6, "issued_notes[1,1]": 1e6 * 5 / 6}
INTEREST = {"issued_notes[0,0]": 0.04e6 * 5 / 6, "issued_notes[1,1]": 0.04e6, "balance[line,1,1]": 1e6 * (0.10 - 0.01) / 2}
PRINCIPAL = {"issued_notes[0,0]": 1e6 / 6, "issued_notes[1,1]": 1e6 / 6}
TAX = {"income_positive[1,0]": 0.21e6, "nol_used[1,0]": -0.21e6}
LIQUID = {"cash[1,2]": 1e6, "coins[1,2]": 0.6e5}

#: word, argument, date -> (coefficients per program unit in the word's own unit, constant); scenario 1
WORDS: dict[tuple[str, str | None, int], tuple[dict[str, float], float]] = {
    ("revenue", None, 2): (
        {"signed_tenant_home[0,0]": 0.75e6, "use[home,rig:rig,1,1,0]": MINED * HOURS},
        2 * 0.75e6,
    ),
    ("ebitda", None, 2): ({"operating_cash[1,2]": 1e6, "kept[home,1,1]": (0.9e5 + 0.6e5) / 2}, 0.0),
    ("cfads", None, 2): ({"operating_cash[1,2]": 1e6} | {name: -c for name, c in TAX.items()}, 0.0),
    ("cfads", None, 1): ({"operating_cash[1,1]": 1e6}, 0.0),
    ("interest", None, 2): (INTEREST, 0.01 / 2 * 40e6),
    ("principal", None, 2): (PRINCIPAL, 0.0),
    ("debt_service", None, 2): (INTEREST | {n: INTEREST.get(n, 0.0) + c for n, c in PRINCIPAL.items()}, 0.01 / 2 * 40e6),
    ("tax", None, 2): (TAX, 0.0),
    ("capex", None, 1): (
        {
            "orders_rig_home[1,1]": 0.8e6,
            "built_home_expand[1,1]": 0.5e6,
            "built_home_build_mining[1,1]": 1e6,
            "built_home_convert[0,0]": 1e6,
        },
        0.0,
    ),
    ("dividends", None, 1): ({"dividends[1,1]": 1e6}, 0.0),
    ("contributions", None, 1): ({"issued_rights[1,1]": 1e6}, 0.0),
    ("rescue", None, 1): ({"rescue[1,1]": 1e6}, 0.0),
    ("issued", "notes", 1): ({"issued_notes[1,1]": 1e6}, 0.0),
    ("issued", "market", 0): ({"issued_market[0,0]": 1e6}, 0.0),
    ("btc_mined", None, 2): ({"use[home,rig:rig,1,1,0]": MINED / 0.75e5 * HOURS}, 0.0),
    ("energy_mwh", None, 2): ({"use[home,rig:rig,1,1,0]": HOURS, "use[home,ai:tenant,1,1,0]": HOURS}, 0.0),
    ("diesel_mwh", None, 1): ({"source[home,diesel,1,0,0]": HOURS}, 0.0),
    ("provided", "heat", 2): ({"units_wells[0,0]": 5.0, "units_wells[1,1]": 4.0}, 0.0),
    ("cash", None, 2): ({"cash[1,2]": 1e6}, 0.0),
    ("coins", None, 2): ({"coins[1,2]": 1.0}, 0.0),
    ("coins_value", None, 2): ({"coins[1,2]": 0.6e5}, 0.0),
    ("liquidity", None, 2): (LIQUID, 0.0),
    ("total_debt", None, 2): (ISSUED_TWO | {"balance[line,1,2]": 1e6}, 0.0),
    ("net_debt", None, 2): (ISSUED_TWO | {"balance[line,1,2]": 1e6, "cash[1,2]": -1e6}, 0.0),
    ("outstanding", "notes", 2): (ISSUED_TWO, 0.0),
    ("outstanding", "line", 2): ({"balance[line,1,2]": 1e6}, 0.0),
    ("rigs_mw", None, 2): (SOLD, 5.0),  # at T: what was there in the last period
    ("rigs_mw", "rig", 0): ({"orders_rig_home[0,0]": 1.0, "retired_rig_home[0,0]": -1.0}, 5.0),
    ("hashrate", None, 2): ({name: 60.0 * c for name, c in SOLD.items()}, 300.0),
    ("mining_hall_mw", "home", 2): (
        {"built_home_build_mining[0,0]": 1.0, "built_home_convert[0,0]": -1.6},
        60.0,
    ),
    ("ai_hall_mw", "home", 0): ({}, 20.0),
    ("interconnection_mw", "home", 1): ({"built_home_expand[0,0]": 1.0}, 100.0),
    ("ai_mw", None, 2): ({"signed_tenant_home[0,0]": 1.0}, 2.0),
    ("ai_mw", "tenant", 1): ({"signed_tenant_home[0,0]": 1.0}, 2.0),
    ("units", "wells", 2): ({"units_wells[0,0]": 1.0, "units_wells[1,1]": 1.0}, 0.0),
}


@cache
def spoken() -> Plan:
    """One rule for each entry of WORDS."""
    problem = company(
        tiny(
            2, months=6, scenarios=2, coins=4.0, retain=0.5, tax_rate=0.21, rescue_penalty=0.5, btc_price=PRICE, share_price=10.0
        )
    )
    rules = [
        rule_of(problem, {(word, argument): 1.0}, DEMAND, (d,), name=f"{word}[{argument}]@{d}") for word, argument, d in WORDS
    ]
    return Plan(replace(problem, rules=tuple(rules)))


@pytest.mark.parametrize("entry", list(WORDS), ids=lambda e: f"{e[0]}[{e[1]}]@{e[2]}")
def test_word(entry: tuple[str, str | None, int]) -> None:
    """word >= 7, divided by the row's largest coefficient."""
    word, argument, d = entry
    terms, constant = WORDS[entry]
    name = f"{word}[{argument}]@{d}"
    if not terms:  # a fact, not a decision: the row is not there, it holds
        assert ("rule", name, 1, d) not in keys(spoken(), "rule")
        assert constant >= DEMAND
        return
    scale = max(abs(c) for c in terms.values())
    row = {n: c / scale for n, c in terms.items()}
    row_is(spoken(), "rule", (name, 1, d), row, at_least=(DEMAND - constant) / scale, through=("fleet",))


def test_every_word_has_a_test() -> None:
    known = {name.removeprefix("_") for name in vars(Words) if name.startswith("_") and not name.startswith("__")} - {
        "word",
        "site",
    }
    assert known == {word for word, _, _ in WORDS}
    assert known >= MONEY


def test_a_sentence_is_the_sum_of_its_words() -> None:
    """net_debt - times[s, d] * cfads - 3 * rigs_mw <= limit[s, d]: money words in USD, the row divided by its largest."""
    problem = tiny(2, scenarios=2, coins=4.0, tax_rate=0.21)
    problem = replace(problem, sites=(site_of(problem),))
    problem = replace(problem, rigs=(rig_of(problem, limit=9.0),), debts=(debt_of(problem, tenor=60),))
    times = np.array([[0.0, 2.5, 3.5], [0.0, 2.6, 3.6]])
    limit = np.array([[0.0, 1e6, 2e6], [0.0, 3e6, 4e6]])
    terms = {("net_debt", None): 1.0, ("cfads", None): -times, ("rigs_mw", None): -3.0}
    plan = Plan(replace(problem, rules=(rule_of(problem, terms, limit, (1, 2), "<="),)))
    assert keys(plan, "rule") == [("rule", s, d) for s in (0, 1) for d in (1, 2)]
    for s in (0, 1):
        scale = 1e6 * times[s, 1]
        row = {"issued_notes[0,0]": 1e6, f"issued_notes[{s},1]": 1e6, f"cash[{s},1]": -1e6, f"operating_cash[{s},1]": -scale}
        row |= {f"income_positive[{s},0]": 0.21 * scale, f"nol_used[{s},0]": -0.21 * scale}
        row |= {f"orders_rig_home[{k},{d}]": -3.0 for k, d in ((0, 0), (s, 1))}
        row |= {f"retired_rig_home[{k},{d}]": 3.0 for k, d in ((0, 0), (s, 1))}
        row = {name: c / scale for name, c in row.items()}
        row_is(plan, "rule", ("rule", s, 1), row, at_most=limit[s, 1] / scale, through=("fleet",))


@pytest.mark.parametrize("sense", [">=", "<=", "=="])
def test_a_soft_rule_is_breached_at_a_price(sense: str) -> None:
    """left + short >= right, left - over <= right, or both; each unit costs the penalty at its date (in the row's own scale)."""
    problem = tiny(1, cash=0.0)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 50e6]),))
    rule = rule_of(problem, {("cash", None): 2.0}, 30e6, (1,), sense, penalty=0.25)
    plan = Plan(replace(problem, rules=(rule,)))
    short, over = "breach[rule,0,1,0]", "breach[rule,0,1,1]"
    sides = {">=": {short: 1.0}, "<=": {over: -1.0}, "==": {short: 1.0, over: -1.0}}[sense]
    bound = {">=": "at_least", "<=": "at_most", "==": "equal"}[sense]
    row_is(plan, "rule", ("rule", 0, 1), {"cash[0,1]": 1.0} | sides, **{bound: 15.0})  # type: ignore[arg-type]
    value = {"value[0]": 1.0, "dividends[0,0]": -1.0, "dividends[0,1]": -1 / 1.08, "cash[0,1]": -1 / 1.08}
    row_is(plan, "value", 0, value | {name: 0.25 * 2.0 / 1.08 for name in sides}, equal=0.0)


def test_a_row_per_date_and_scenario_where_the_rule_is_active() -> None:
    problem = tiny(3, scenarios=2, apart_from=9)
    rule = rule_of(problem, {("cash", None): 1.0}, 5e6, (1, 3))
    rule = replace(rule, active=rule.active & np.array([[True], [False]]))
    assert keys(Plan(replace(problem, rules=(rule,))), "rule") == [("rule", 0, 1), ("rule", 0, 3)]


def test_a_demand_nothing_can_meet_is_kept() -> None:
    """5 MW of rigs and none to buy against a demand of 7: the row is there to prove it impossible."""
    problem = tiny(1)
    rule = rule_of(problem, {("rigs_mw", None): 1.0}, 7.0, (0,))
    plan = Plan(replace(problem, rules=(rule,)))
    row_is(plan, "rule", ("rule", 0, 0), {"nothing[rule,(rule,0,0)]": 1.0}, at_least=1.0)  # scaled by the demand itself
    assert keys(Plan(replace(problem, rules=(replace(rule, sense="<="),))), "rule") == []


# --- what binds -------------------------------------------------------------------------------------------------------


def test_a_liquidity_floor_keeps_cash_in() -> None:
    """100 MUSD, a floor of 30 at dates 0 and 1: 70 are paid at once, 30 at date 2."""
    problem = tiny(2, cash=100e6)
    floor = rule_of(problem, {("cash", None): 1.0}, 30e6, (0, 1))
    assert close(solved(replace(problem, rules=(floor,))).objective, 70e6 + 30e6 / 1.08**2)


@pytest.mark.parametrize("penalty", [0.05, 0.5])
def test_a_soft_floor_is_kept_when_a_breach_costs_more(penalty: float) -> None:
    """30 MUSD kept from date 0 to date 1 cost 30 (1 - 1 / 1.08) = 2.2; a breach of one date 1.5 or 15."""
    problem = tiny(1, cash=100e6)
    floor = rule_of(problem, {("cash", None): 1.0}, 30e6, (0,), penalty=penalty)
    solution = solved(replace(problem, rules=(floor,)))
    kept = 30e6 * (1 - 1 / 1.08)
    assert close(solution.objective, 100e6 - min(kept, penalty * 30e6))
    assert solution.decisions.breach["rule"][0, 0] == pytest.approx(30e6 if penalty * 30e6 < kept else 0.0, rel=1e-9)


def test_a_leverage_limit_sizes_the_debt() -> None:
    """outstanding <= 3 * cfads of date 1 (20 MUSD) at dates 0 and 1: F = 60 MUSD of notes at 6 % against 12 %."""
    problem = tiny(2, discount=0.12, cash_yield=0.12)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 20e6, 90e6]),), debts=(debt_of(problem, rate=0.06),))
    limit = rule_of(problem, {("total_debt", None): 1.0, ("cfads", None): -3.0}, 0.0, (1,), "<=")
    solution = solved(replace(problem, rules=(limit,)))
    face = 60e6
    worth = face * (1 - 0.06 / 1.12 - 1.06 / 1.12**2)
    assert solution.decisions.issued["notes"][0] == pytest.approx([face, 0.0, 0.0], rel=1e-9)
    assert close(solution.objective, 1e9 + 20e6 / 1.12 + 90e6 / 1.12**2 + worth)
