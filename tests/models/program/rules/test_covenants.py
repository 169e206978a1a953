"""Rules: every word of README section 13 as a row, hard and soft, and what a rule does to an optimum."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from models.problem import Call, Diesel, Function, Payments, Problem, Project, RigOption, Rule, Sweep, Term
from models.program.master_problem import MasterProblem
from models.program.rules.words import MONEY, Words
from models.rules import language as rules
from tests.shared.rows import close, keys, row_is, solved
from tests.shared.tiny import dates, debt_of, equity_of, expansion_of, hourly, path, rig_of, service_of, site_of, stream, tiny

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
        diesel=Diesel("diesel", np.full(2, 5.0), path(200.0, 2, 2), emissions=0.8),
        mining_per_ai=1.6,
    )
    site = replace(site, grid=replace(site.grid, emissions=hourly(problem, 0.3)))
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
    ("ai_revenue", None, 2): ({"signed_tenant_home[0,0]": 0.75e6}, 2 * 0.75e6),
    ("ai_revenue", "tenant@home", 1): ({"signed_tenant_home[0,0]": 0.0}, 2 * 0.75e6),
    ("ai_mwh", "tenant", 2): ({"use[home,ai:tenant,1,1,0]": HOURS}, 0.0),
    ("ai_mwh", "@home", 1): ({"use[home,ai:tenant,1,0,0]": HOURS}, 0.0),
    ("capex", "rigs", 1): ({"orders_rig_home[1,1]": 0.8e6}, 0.0),
    ("capex", "halls", 1): ({"built_home_build_mining[1,1]": 1e6, "built_home_convert[0,0]": 1e6}, 0.0),
    ("capex", "interconnection", 1): ({"built_home_expand[1,1]": 0.5e6}, 0.0),
    ("raised", None, 1): ({"issued_notes[1,1]": 1e6, "issued_rights[1,1]": 1e6, "issued_market[1,1]": 1e6}, 0.0),
    ("shares_issued", None, 0): ({"issued_market[0,0]": 1e6 / 10.0}, 0.0),
    ("shares_issued", "market", 1): ({"issued_market[1,1]": 1e6 / 10.0}, 0.0),
    ("btc_mined", "home", 2): ({"use[home,rig:rig,1,1,0]": MINED / 0.75e5 * HOURS}, 0.0),
    ("diesel_mwh", "home", 1): ({"source[home,diesel,1,0,0]": HOURS}, 0.0),
    ("rigs_mw", "@home", 2): (SOLD, 5.0),
    ("rigs_mw", "rig@home", 0): ({"orders_rig_home[0,0]": 1.0, "retired_rig_home[0,0]": -1.0}, 5.0),
    ("hashrate", "rig", 2): ({name: 60.0 * c for name, c in SOLD.items()}, 300.0),
    ("hashrate", "@home", 0): ({"orders_rig_home[0,0]": 60.0, "retired_rig_home[0,0]": -60.0}, 300.0),
    ("ai_mw", "@home", 2): ({"signed_tenant_home[0,0]": 1.0}, 2.0),
    ("ai_mw", "tenant@home", 1): ({"signed_tenant_home[0,0]": 1.0}, 2.0),
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
    ("energy_mwh", "home", 1): ({"use[home,rig:rig,1,0,0]": HOURS, "use[home,ai:tenant,1,0,0]": HOURS}, 0.0),
    ("grid_mwh", None, 2): ({"source[home,grid,1,1,0]": HOURS}, 0.0),
    ("grid_mwh", "home", 1): ({"source[home,grid,1,0,0]": HOURS}, 0.0),
    ("emissions_t", None, 2): ({"source[home,grid,1,1,0]": 0.3 * HOURS, "source[home,diesel,1,1,0]": 0.8 * HOURS}, 0.0),
    ("emissions_t", "home", 1): ({"source[home,grid,1,0,0]": 0.3 * HOURS, "source[home,diesel,1,0,0]": 0.8 * HOURS}, 0.0),
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
def spoken() -> MasterProblem:
    """One rule for each entry of WORDS."""
    problem = company(
        tiny(
            2, months=6, scenarios=2, coins=4.0, retain=0.5, tax_rate=0.21, rescue_penalty=0.5, btc_price=PRICE, share_price=10.0
        )
    )
    rules = [
        rule_of(problem, {(word, argument): 1.0}, DEMAND, (d,), name=f"{word}[{argument}]@{d}") for word, argument, d in WORDS
    ]
    return MasterProblem(replace(problem, rules=tuple(rules)))


@pytest.mark.parametrize("entry", list(WORDS), ids=lambda e: f"{e[0]}[{e[1]}]@{e[2]}")
def test_word(entry: tuple[str, str | None, int]) -> None:
    """word >= 7, divided by the row's largest coefficient."""
    word, argument, d = entry
    terms, constant = WORDS[entry]
    terms = {n: c for n, c in terms.items() if c}
    name = f"{word}[{argument}]@{d}"
    if not terms:  # a fact, not a decision: the row is not there, it holds
        assert ("rule", name, 1, d) not in keys(spoken(), "rule")
        assert constant >= DEMAND
        return
    scale = max(abs(c) for c in terms.values())
    row = {n: c / scale for n, c in terms.items()}
    row_is(spoken(), "rule", (name, 1, d), row, at_least=(DEMAND - constant) / scale, through=("fleet",))


def test_every_word_has_a_test() -> None:
    own = {"word", "site", "rigs", "maturing"}
    known = {name.removeprefix("_") for name in vars(Words) if name.startswith("_") and not name.startswith("__")} - own
    assert known == {word for word, _, _ in WORDS} | {"maturities"}  # which have tests of their own below
    assert known == set(rules.WORDS)
    assert known >= MONEY


def test_what_is_ordered_of_other_kinds() -> None:
    """Options at their fee and rigs at the strike; servers by instalments: capex[options], [rigs], [equipment]."""
    problem = tiny(2)
    problem = replace(problem, sites=(site_of(problem),))
    option = RigOption(2e4, 0.5e6, 20.0, dates(problem, 0), dates(problem, 1))
    servers = service_of(problem, equipment=path(4e6, 1, 3), payments=Payments(((0, 0.25), (1, 0.75))))
    problem = replace(problem, rigs=(rig_of(problem, limit=0.0, option=option),), services=(servers,))
    kinds = {"options": 0, "rigs": 1, "equipment": 1}
    every = [rule_of(problem, {("capex", kind): 1.0}, DEMAND, (d,), name=kind) for kind, d in kinds.items()]
    master = MasterProblem(replace(problem, rules=tuple(every)))
    found = {"options": {"options_rig[0,0]": 2e4}, "rigs": {"exercised_rig_home[0,1]": 0.5e6}}
    found["equipment"] = {"signed_tenant_home[0,0]": 3e6, "signed_tenant_home[0,1]": 1e6}
    for kind, terms in found.items():
        scale = max(terms.values())
        row_is(master, "rule", (kind, 0, kinds[kind]), {n: c / scale for n, c in terms.items()}, at_least=DEMAND / scale)


@pytest.mark.parametrize("argument", ["notes", None])
def test_maturities_are_what_is_left_of_debt_when_it_ends(argument: str | None) -> None:
    """Two-year notes in yearly periods, half of them repaid after a year, callable before the end; 9 MUSD exist since a year before."""
    problem = tiny(3)
    called = Call(((0, 1.0),))
    terms: dict[str, Any] = {"tenor": 24, "amortisation": "given", "given": ((12, 0.5),), "call": called}
    notes = debt_of(problem, existing=9e6, existing_month=-12, limit=99e6, **terms)
    other = debt_of(problem, "paper", tenor=12)
    problem = replace(problem, debts=(notes, other))
    rule = rule_of(problem, {("maturities", argument): 1.0}, DEMAND, (1, 2, 3))
    master = MasterProblem(replace(problem, rules=(rule,)))
    paper = {d: {} if argument else {f"issued_paper[0,{d - 1}]": 1.0} for d in (1, 2, 3)}
    # what existed is repaid whole at date 1: its half was given before date 0, or never; its calls come at or after its end
    own: dict[int, dict[str, float]] = {
        1: {}, 2: {"issued_notes[0,0]": 0.5, "called_notes_0[0,1]": -0.5}, 3: {"issued_notes[0,1]": 0.5, "called_notes_1[0,2]": -0.5},
    }  # fmt: skip
    for d in (1, 2, 3):
        found = own[d] | paper[d]
        constant = 9e6 if d == 1 else 0.0
        if not found:
            assert ("rule", 0, d) not in keys(master, "rule")  # 9 MUSD are at least 7 USD
            continue
        scale = 1e6 * max(found.values())
        row = {n: 1e6 * c / scale for n, c in found.items()}
        row_is(master, "rule", ("rule", 0, d), row, at_least=(DEMAND - constant) / scale)


@pytest.mark.parametrize(
    ("kind", "due"), [("revolver", "balance[line,0,1]"), ("btc_loan", "balance[line,0,1]"), ("sculpted", None)]
)
def test_balances_mature_when_they_can_be_no_more(kind: str, due: str | None) -> None:
    """Two years in yearly periods: what stood at date 1 falls due at date 2; a sculpted loan's last repayment is its principal."""
    problem = tiny(3, coins=10.0)
    terms: dict[str, Any] = {"tenor": 24, "window": dates(problem, 0)}
    line = (
        debt_of(problem, "line", kind, ltv=0.5, top_up=0.7, **terms)
        if kind == "btc_loan"
        else debt_of(problem, "line", kind, **terms)
    )
    if kind == "sculpted":
        line = debt_of(problem, "line", "loan", amortisation="as_cash_allows", coverage=1.2, **terms)
    problem = replace(problem, debts=(line,))
    master = MasterProblem(replace(problem, rules=(rule_of(problem, {("maturities", "line"): 1.0}, DEMAND, (1, 2, 3)),)))
    for d in (1, 2, 3):
        row = {due: 1.0} if due and d == 2 else {f"nothing[rule,(rule,0,{d})]": 1.0}
        row_is(master, "rule", ("rule", 0, d), row, at_least=DEMAND / 1e6 if due and d == 2 else 1.0)


# --- functions over time ----------------------------------------------------------------------------------------------


def spoken_over_time(problem: Problem, word: str, argument: str | None, functions: tuple[Function, ...], d: int) -> MasterProblem:
    rule = rule_of(problem, {}, DEMAND, (d,))
    ones = np.ones_like(rule.constant)
    return MasterProblem(replace(problem, rules=(replace(rule, terms={Term(word, argument, functions): ones}),)))


LTM, TOTAL, YEAR = Function("ltm"), Function("total"), Function("year")


@pytest.mark.parametrize(
    ("functions", "d", "share"),
    [
        ((LTM,), 2, {0: 4.0, 1: 4.0, 2: 4.0}),  # half a year: what was issued so far; nothing is added for the time before
        ((LTM,), 4, {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0}),
        ((LTM,), 6, {3: 1.0, 4: 1.0, 5: 1.0, 6: 1.0}),
        ((YEAR,), 2, {0: 1.0, 1: 1.0, 2: 1.0}),  # October 2026 to 1 January 2027 is the year's end
        ((YEAR,), 3, {3: 1.0}),
        ((YEAR,), 6, {3: 1.0, 4: 1.0, 5: 1.0, 6: 1.0}),
        ((TOTAL,), 0, {0: 1.0}),
        ((TOTAL,), 3, {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}),
        ((Function("previous"),), 3, {2: 1.0}),
        ((Function("previous", 6),), 3, {1: 1.0}),
        ((Function("previous", 7),), 5, {2: 1.0}),  # 15 - 7 = 8 months: the date before, at 6
        ((Function("average", 6),), 3, {2: 0.5, 3: 0.5}),
        ((Function("average", 7),), 3, {1: 1 / 3, 2: 1 / 3, 3: 1 / 3}),
        ((Function("average", 24),), 1, {0: 0.5, 1: 0.5}),
        ((TOTAL, Function("previous", 6)), 4, {0: 1.0, 1: 1.0, 2: 1.0}),
        ((Function("previous"), Function("average", 6)), 4, {2: 0.5, 3: 0.5}),
    ],
)
def test_a_function_reads_its_dates(functions: tuple[Function, ...], d: int, share: dict[int, float]) -> None:
    """Shares sold, by quarter from July 2026."""
    problem = tiny(6, months=3, start_month=2026 * 12 + 6)
    problem = replace(problem, equities=(equity_of(problem, limit=1e9, window=dates(problem)),))
    master = spoken_over_time(problem, "issued", "shares", functions, d)
    last = {6} if problem.clock.periods == 6 else set()  # nothing is sold at the end of the horizon
    share = {e: (1.0 if functions == (LTM,) else c) for e, c in share.items() if e not in last}
    scale = 1e6 if TOTAL in functions else 1e6 * max(share.values())
    row = {f"issued_shares[0,{e}]": 1e6 * c / scale for e, c in share.items()}
    row_is(master, "rule", ("rule", 0, d), row, at_least=DEMAND / scale, through=("rule_total",))


@pytest.mark.parametrize(("d", "scale"), [(1, 4.0), (2, 2.0), (3, 4 / 3), (4, 1.0), (6, 1.0)])
def test_ltm_of_what_settles_is_scaled_up_in_the_first_year(d: int, scale: float) -> None:
    """Interest of 8 % a year on a revolver, by quarter: the sum so far * 12 / months, and the last four from a year on."""
    problem = tiny(6, months=3)
    problem = replace(problem, debts=(debt_of(problem, "line", "revolver", tenor=60),))
    master = spoken_over_time(problem, "interest", None, (LTM,), d)
    row = {f"balance[line,0,{e}]": 1.0 for e in range(max(0, d - 4), d)}
    row_is(master, "rule", ("rule", 0, d), row, at_least=DEMAND / (1e6 * 0.02 * scale))


def test_a_running_total_is_a_recursion() -> None:
    """R[d] = R[d-1] + x[d] in a unit near the largest coefficient: coins mined, 1e4 a period, in tens of thousands; data needs no row."""
    problem = replace(tiny(3), sites=(site_of(tiny(3)),))
    problem = replace(problem, rigs=(rig_of(problem),))
    master = spoken_over_time(problem, "btc_mined", None, (TOTAL,), 3)
    mined = MINED / 1e5 * 12 * 730.0
    unit = 10.0 ** round(np.log10(mined))
    name, use = "rule_total[total(btc_mined),0,{}]", "use[home,rig:rig,0,{},0]"
    assert keys(master, "rule_total") == [("total(btc_mined)", 0, 2), ("total(btc_mined)", 0, 3)]
    first = {name.format(2): 1.0, use.format(0): -mined / unit, use.format(1): -mined / unit}
    row_is(master, "rule_total", ("total(btc_mined)", 0, 2), first, equal=0.0)
    row_is(
        master,
        "rule_total",
        ("total(btc_mined)", 0, 3),
        {name.format(3): 1.0, name.format(2): -1.0, use.format(2): -mined / unit},
        equal=0.0,
    )
    row_is(master, "rule", ("rule", 0, 3), {name.format(3): 1.0}, at_least=DEMAND / unit)

    given = tiny(3)
    given = replace(given, cash_flows=(stream(given, [2.0, 5.0, 5.0, 5.0]),))
    master = spoken_over_time(given, "ebitda", None, (TOTAL,), 3)
    assert keys(master, "rule_total") == [] and keys(master, "rule") == []  # 2 + 5 + 5 + 5 USD are at least 7
    assert master.words.at("ebitda", None, 0, 3, (TOTAL,)).const == pytest.approx(17e-6)


def test_a_function_has_no_value_before_its_time() -> None:
    problem = tiny(3)
    for functions, d in (((Function("previous"),), 0), ((Function("previous", 24),), 1), ((TOTAL, Function("previous")), 0)):
        with pytest.raises(ValueError, match="has no value at date"):
            spoken_over_time(problem, "cash", None, functions, d)
    with pytest.raises(ValueError, match="divide the year"):
        spoken_over_time(tiny(3, months=[5, 5, 5]), "ebitda", None, (LTM,), 3)


# --- in expectation, and sweeps ---------------------------------------------------------------------------------------


def test_a_rule_in_expectation_is_one_row_over_all_scenarios() -> None:
    """sum of p * (left - right): one row per date under the first scenario."""
    problem = tiny(2, scenarios=2, probability=[0.25, 0.75])
    right = np.array([[0.0, 1e6, 2e6], [0.0, 5e6, 6e6]])
    rule = replace(rule_of(problem, {("cash", None): 2.0}, right, (1, 2)), expected=True)
    master = MasterProblem(replace(problem, rules=(rule,)))
    assert keys(master, "rule") == [("rule", 0, 1), ("rule", 0, 2)]
    for d in (1, 2):
        row = {f"cash[0,{d}]": 0.25 / 0.75, f"cash[1,{d}]": 1.0}
        row_is(master, "rule", ("rule", 0, d), row, at_least=float([0.25, 0.75] @ right[:, d]) / (2e6 * 0.75))


def test_a_breach_in_expectation_is_paid_in_every_scenario() -> None:
    """100 MUSD in one scenario of two are 50 on average, 10 short of 60; the price of these 10 is paid in both."""
    problem = tiny(1, scenarios=2, cash=0.0)
    problem = replace(problem, cash_flows=(stream(problem, np.array([[0.0, 100e6], [0.0, 0.0]])),))
    rule = replace(rule_of(problem, {("cash", None): 1.0}, 60e6, (1,), penalty=0.25), expected=True)
    solution = solved(replace(problem, rules=(rule,)))
    assert close(solution.objective, (50e6 - 0.25 * 10e6) / 1.08)
    assert solution.decisions.breach["rule"] == pytest.approx(np.array([[0.0, 10e6]] * 2), rel=1e-9)
    (only,) = [c for c in solution.covenants]
    assert (only.scenario, only.left, only.right) == ("expected", pytest.approx(50e6), 60e6)
    assert only.price == pytest.approx(0.25 / 1.08, rel=1e-9) and only.breach == pytest.approx(10e6, rel=1e-9)


def sweep_of(problem: Problem, debt: str, level: Any, at: tuple[int, ...]) -> Sweep:
    shape = (problem.scenarios.count, problem.clock.dates)
    active = np.zeros(shape, dtype=bool)
    active[:, list(at)] = True
    return Sweep("sweep", debt, np.array(np.broadcast_to(level, shape), dtype=float), active)


def test_a_sweep_counts_cash_above_its_level() -> None:
    problem = tiny(3)
    problem = replace(problem, debts=(debt_of(problem, "line", "revolver", tenor=24),))
    master = MasterProblem(replace(problem, sweeps=(sweep_of(problem, "line", [5e6, 6e6, 7e6, 8e6], (1, 2, 3)),)))
    assert keys(master, "sweep") == [("sweep", 0, 1)]  # from date 2 on nothing can be outstanding
    row_is(master, "sweep", ("sweep", 0, 1), {"cash[0,1]": 1.0, "sweep_excess[sweep,0,1]": -1.0}, at_most=6.0)
    assert [(str(a.name), str(b.name)) for a, b in master.sweeps.disjunctions] == [
        ("sweep_excess[sweep,0,1]", "balance[line,0,1]")
    ]


def borrower() -> Problem:
    """Cash earns 8 %, a loan costs 5 %: without a sweep the plan holds on to both until the end, when it may pay out."""
    problem = tiny(3, cash=0.0, cash_yield=0.08, discount=0.08)
    loan = debt_of(
        problem,
        "loan",
        "loan",
        rate=0.05,
        amortisation="as_cash_allows",
        coverage=1.0,
        grace=99,
        limit=30e6,
        window=dates(problem, 0),
    )
    problem = replace(
        problem, treasury=replace(problem.treasury, dividends=dates(problem, 3)), debts=(replace(loan, tenor=36, maturity=None),)
    )
    return replace(problem, cash_flows=(stream(problem, [0.0, 10e6, -5e6, 0.0]),))


def test_a_sweep_repays_what_lies_above_its_level() -> None:
    """Level 8 MUSD: at date 0 the loan's own cash would be swept, so 8 are drawn; a year later there are 18 MUSD, and it goes."""
    problem = borrower()
    free = solved(problem)
    assert free.decisions.issued["loan"][0, 0] == pytest.approx(30e6)
    assert free.books.words["cash"][0, 1] > 40e6
    swept = solved(replace(problem, sweeps=(sweep_of(problem, "loan", 8e6, (0, 1, 2)),)))
    cash, balance = swept.books.words["cash"][0], swept.books.words["outstanding[loan]"][0]
    assert np.all(np.minimum(np.maximum(cash - 8e6, 0.0), balance)[:3] <= 1.0)

    def by_hand(drawn: float, repaid: float) -> float:
        """Final cash: draw at date 0, repay at date 1, the rest at date 3."""
        one = drawn * 1.08 + 10e6 - 0.05 * drawn - repaid
        left = drawn - repaid
        two = one * 1.08 - 5e6 - 0.05 * left
        return two * 1.08 - 1.05 * left

    # either the loan is gone by date 1, or cash at date 1 is 8 MUSD: repaid = 1.03 drawn + 2, which is more than drawn up to 8
    assert balance[1] == pytest.approx(0.0, abs=1.0)
    assert close(swept.objective, by_hand(8e6, 8e6) / 1.08**3, 1e-9)
    told = [c for c in swept.covenants if c.name == "sweep"]
    assert [c.headroom for c in told] == pytest.approx([0.0, 0.0, 0.0], abs=1.0)


def test_a_sweep_that_the_plan_must_break_has_no_plan() -> None:
    """The loan must be drawn whole at date 0, and 30 MUSD of cash then lie above the level: proved impossible over the branches."""
    problem = borrower()
    must = replace(problem, debts=(replace(problem.debts[0], minimum=30e6),))
    from optimizer.engine.solve import solve_problem
    from optimizer.engine.values import Outcome

    found = solve_problem(replace(must, sweeps=(sweep_of(must, "loan", 8e6, (0, 1, 2)),)))
    assert found.outcome is Outcome.INFEASIBLE, found.reasons
    assert "sweep" in found.reasons[0]


def test_a_sentence_is_the_sum_of_its_words() -> None:
    """net_debt - times[s, d] * cfads - 3 * rigs_mw <= limit[s, d]: money words in USD, the row divided by its largest."""
    problem = tiny(2, scenarios=2, coins=4.0, tax_rate=0.21)
    problem = replace(problem, sites=(site_of(problem),))
    problem = replace(problem, rigs=(rig_of(problem, limit=9.0),), debts=(debt_of(problem, tenor=60),))
    times = np.array([[0.0, 2.5, 3.5], [0.0, 2.6, 3.6]])
    limit = np.array([[0.0, 1e6, 2e6], [0.0, 3e6, 4e6]])
    terms = {("net_debt", None): 1.0, ("cfads", None): -times, ("rigs_mw", None): -3.0}
    master = MasterProblem(replace(problem, rules=(rule_of(problem, terms, limit, (1, 2), "<="),)))
    assert keys(master, "rule") == [("rule", s, d) for s in (0, 1) for d in (1, 2)]
    for s in (0, 1):
        scale = 1e6 * times[s, 1]
        row = {"issued_notes[0,0]": 1e6, f"issued_notes[{s},1]": 1e6, f"cash[{s},1]": -1e6, f"operating_cash[{s},1]": -scale}
        row |= {f"income_positive[{s},0]": 0.21 * scale, f"nol_used[{s},0]": -0.21 * scale}
        row |= {f"orders_rig_home[{k},{d}]": -3.0 for k, d in ((0, 0), (s, 1))}
        row |= {f"retired_rig_home[{k},{d}]": 3.0 for k, d in ((0, 0), (s, 1))}
        row = {name: c / scale for name, c in row.items()}
        row_is(master, "rule", ("rule", s, 1), row, at_most=limit[s, 1] / scale, through=("fleet",))


@pytest.mark.parametrize("sense", [">=", "<=", "=="])
def test_a_soft_rule_is_breached_at_a_price(sense: str) -> None:
    """left + short >= right, left - over <= right, or both; each unit costs the penalty at its date (in the row's own scale)."""
    problem = tiny(1, cash=0.0)
    problem = replace(problem, cash_flows=(stream(problem, [0.0, 50e6]),))
    rule = rule_of(problem, {("cash", None): 2.0}, 30e6, (1,), sense, penalty=0.25)
    master = MasterProblem(replace(problem, rules=(rule,)))
    short, over = "breach[rule,0,1,0]", "breach[rule,0,1,1]"
    sides = {">=": {short: 1.0}, "<=": {over: -1.0}, "==": {short: 1.0, over: -1.0}}[sense]
    bound = {">=": "at_least", "<=": "at_most", "==": "equal"}[sense]
    row_is(master, "rule", ("rule", 0, 1), {"cash[0,1]": 1.0} | sides, **{bound: 15.0})  # type: ignore[arg-type]
    value = {"value[0]": 1.0, "dividends[0,0]": -1.0, "dividends[0,1]": -1 / 1.08, "cash[0,1]": -1 / 1.08}
    row_is(master, "value", 0, value | {name: 0.25 * 2.0 / 1.08 for name in sides}, equal=0.0)


def test_a_row_per_date_and_scenario_where_the_rule_is_active() -> None:
    problem = tiny(3, scenarios=2, apart_from=9)
    rule = rule_of(problem, {("cash", None): 1.0}, 5e6, (1, 3))
    rule = replace(rule, active=rule.active & np.array([[True], [False]]))
    assert keys(MasterProblem(replace(problem, rules=(rule,))), "rule") == [("rule", 0, 1), ("rule", 0, 3)]


def test_a_demand_nothing_can_meet_is_kept() -> None:
    """5 MW of rigs and none to buy against a demand of 7: the row is there to prove it impossible."""
    problem = tiny(1)
    rule = rule_of(problem, {("rigs_mw", None): 1.0}, 7.0, (0,))
    master = MasterProblem(replace(problem, rules=(rule,)))
    row_is(master, "rule", ("rule", 0, 0), {"nothing[rule,(rule,0,0)]": 1.0}, at_least=1.0)  # scaled by the demand itself
    assert keys(MasterProblem(replace(problem, rules=(replace(rule, sense="<="),))), "rule") == []


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
