"""Policies: each against the rule or the data it becomes, and what it does to a small company's plan."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.problem import Function, Problem, Term
from optimizer.case.case import Case
from optimizer.case.reading.diagnostics import CaseError
from optimizer.case.schema.policies import POLICY_CLASSES
from optimizer.engine.solution import Solution
from optimizer.engine.values import Outcome

WORLD = """\
horizon: {start: 2026-01, quarters: 8, hours: {every: 169}}
market: {btc_price: {start: 90 kUSD/BTC, growth: 20 %/year}, hashprice: 52 USD/PH/day}
company: {overhead: 1 MUSD/year, shares: 10 Mshares, share_price: {start: 10 USD/share, growth: 12 %/year}}
scenarios:
  base: {probability: 60 %}
  bear: {probability: 40 %, scale: {market.hashprice: 0.8}}
information: 2026-07
sites:
  texas:
    interconnection: 30 MW
    mining_hall: {now: 20 MW, build: {cost: 300 kUSD/MW, lead: 3 months, limit: 20 MW}}
    ai_hall: {now: 2 MW, convert: {cost: 2 MUSD/MW, lead: 3 months, limit: 4 MW}}
    gross_ratio: 1.25
    power: {grid: {price: {shape: ercot-hub-2024, seed: 1, mean: 35 USD/MWh}, delivery: 3 USD/MWh}, own: {gas: {mw: 4 MW, cost: 30 USD/MWh}}}
  ohio: {interconnection: 5 MW, mining_hall: 5 MW, power: {own: {flare: {mw: 5 MW, cost: 10 USD/MWh}}}}
rigs:
  s21: {efficiency: 15 J/TH, price: 11 USD/TH, resale: 50 %, owned: {texas: 10 MW, ohio: 3 MW}, supply: 10 MW, order: {until: 2027-04}}
ai:
  cloud: {type: cloud, price: 120 USD/MWh, term: 2 years, limit: 5 MW, penalty: 1 USD/MWh, demand: 90 %, sites: [texas],
          fixed_cost: 10 kUSD/MW/year}
  tenant: {type: lease, rent: 900 kUSD/MW/year, term: 2 years, limit: 4 MW, penalty: 100 USD/MWh, sites: [texas], lead: 3 months}
financing:
  notes: {type: notes, coupon: 7 %/year, limit: 20 MUSD, tenor: 1 year, interest: quarterly}
  loan:
    {type: loan, coupon: 9 %/year, limit: 12 MUSD, tenor: 2 years, issue: 2026-01,
     amortisation: as_cash_allows, coverage: 1.0, grace: 12 months}
  line: {type: revolver, coupon: 3 %/year, limit: 9 MUSD, tenor: 2 years}
  owners: {type: equity, limit: 20 MUSD}
treasury: {cash: 6 MUSD, cash_yield: 4 %/year, dividends: always, rescue: {penalty: 1 USD/USD}}
objective: {discount: 12 %/year}
"""


def load(tmp: Path, policies: str, *settings: str) -> Case:
    path = tmp / "case.yaml"
    path.write_text(WORLD + ("policies:\n" + policies if policies else ""), encoding="utf-8")
    return Case.load(path, settings=settings)


@pytest.fixture
def case(tmp_path: Path):  # type: ignore[no-untyped-def]
    def make(policies: str, *settings: str) -> Case:
        return load(tmp_path, policies, *settings)

    return make


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """policies and settings -> the proved solution."""
    folder = tmp_path_factory.mktemp("policies")

    @cache
    def solve(policies: str = "", *settings: str) -> Solution:
        found = load(folder, policies, *settings).solve(baseline=False)
        assert found.outcome is Outcome.OPTIMAL, found.reasons
        return found

    return solve


def words(solution: Solution) -> dict[str, np.ndarray]:
    assert solution.books is not None
    return solution.books.words


def cost(company: Any, policies: str, *settings: str) -> float:
    """What a policy takes from the objective, USD: never less than nothing."""
    free, held = company("", *settings).objective, company(policies, *settings).objective
    assert held <= free + 1e-7 * abs(free)
    return free - held


def rules(problem: Problem) -> dict[str, tuple[dict[str, float], str, float, list[int]]]:
    """name -> (terms at the first date, sense, constant there, dates it applies at)."""
    return {
        rule.name: (
            {str(term): float(c[0, 1]) for term, c in rule.terms.items()}, rule.sense, float(rule.constant[0, 1]),
            np.flatnonzero(rule.active.any(axis=0)).tolist(),
        )
        for rule in problem.rules
    }  # fmt: skip


def test_there_is_a_test_of_every_policy() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in POLICY_CLASSES if f"type: {name}" not in text] == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("type: hold_coins, share: 40 %", {"p": ({"coins": 1.0, "total(btc_mined)": -0.4}, ">=", 0.0, list(range(1, 9)))}),
        (
            "type: hold_coins, share: 40 %, from: 2026-07, until: 2027-01",
            {"p": ({"coins": 1.0, "total(btc_mined)": -0.4}, ">=", 0.0, [2, 3, 4])},
        ),
        (
            "type: payback, within: 12 months",
            {"p": ({"total(cfads)": 1.0, "previous(total(capex), 12 months)": -1.0}, ">=", 0.0, list(range(4, 9)))},
        ),
        (
            "type: payback, within: 20 months, of: [rigs, halls], cash: ebitda",
            {
                "p": (
                    {
                        "total(ebitda)": 1.0,
                        "previous(total(capex[rigs]), 20 months)": -1.0,
                        "previous(total(capex[halls]), 20 months)": -1.0,
                    },
                    ">=",
                    0.0,
                    [7, 8],
                )
            },
        ),
        (
            "type: capital_share, instrument: notes, at_most: 40 %",
            {"p": ({"total(issued[notes])": 1.0, "total(raised)": -0.4}, "<=", 0.0, list(range(9)))},
        ),
        (
            "type: refinancing_wall, at_most: 8 MUSD",
            {"p": ({"year(principal)": 1.0, "year(maturities)": 1.0}, "<=", 8e6, [4, 8])},
        ),
        (
            "type: tenant_concentration, at_most: 60 %",
            {
                "p, cloud": ({"ai_mw[cloud]": 1.0, "ai_mw": -0.6}, "<=", 0.0, list(range(9))),
                "p, tenant": ({"ai_mw[tenant]": 1.0, "ai_mw": -0.6}, "<=", 0.0, list(range(9))),
            },
        ),
        (
            "type: tenant_concentration, at_most: 60 %, of: revenue, services: [tenant]",
            {"p, tenant": ({"ai_revenue[tenant]": 1.0, "ai_revenue": -0.6}, "<=", 0.0, list(range(1, 9)))},
        ),
        ("type: minimum_issue, instrument: owners, at_least: 3 MUSD", {"p": ({"total(issued[owners])": 1.0}, ">=", 3e6, [8])}),
        (
            "type: maximum_issue, instrument: notes, at_most: 70 kUSD, by: 2026-08",
            {"p": ({"total(issued[notes])": 1.0}, "<=", 7e4, [3])},
        ),
    ],
)
def test_what_a_policy_becomes(case: Any, policy: str, expected: dict[str, Any]) -> None:
    found = rules(case(f"  p: {{{policy}}}\n").problem())
    assert found.keys() == expected.keys()
    for name, (terms, sense, constant, dates) in expected.items():
        assert found[name][0] == pytest.approx(terms), name
        assert found[name][1:] == (sense, pytest.approx(constant), dates), name


def test_a_policy_may_be_soft_in_some_scenarios_and_on_average(case: Any) -> None:
    soft = case("  p: {type: hold_coins, share: 40 %, scenarios: [bear], otherwise: {pay: 5 kUSD/BTC}}\n").problem().rules[0]
    assert soft.penalty == 5000.0 and not soft.active[0].any() and soft.active[1].any()
    average = case("  p: {type: payback, within: 1 year, expected: true}\n").problem().rules[0]
    assert average.expected and average.text == "total(cfads) >= previous(total(capex), 12 months)"
    where = (WORLD + "policies:\n").count("\n") + 1
    assert average.source.endswith(f"case.yaml:{where}:13")  # at its type
    assert average.terms.keys() == {
        Term("cfads", None, (Function("total"),)),
        Term("capex", None, (Function("total"), Function("previous", 12))),
    }


# --- what they do -----------------------------------------------------------------------------------------------------


FALLING = "market.btc_price={start: 90 kUSD/BTC, growth: -30 %/year}"


@pytest.mark.parametrize("settings", [(), (FALLING,)])
def test_half_the_coins_are_held(company: Any, settings: tuple[str, ...]) -> None:
    """Half is kept when mined, and none of it sold; where coins fall, the price of the rule is what one coin less would be worth."""
    free, held = company("", *settings), company("  p: {type: hold_coins, share: 50 %}\n", *settings)
    assert not words(free)["coins"].any()
    mined = np.cumsum(words(held)["btc_mined"], axis=1)
    assert np.all(words(held)["coins"] >= 0.5 * mined - 1e-6) and mined[:, -1].min() > 50.0
    assert (held.problem.treasury.retain == 0.5).all()
    priced = sum(c.price for c in held.covenants)
    assert priced > 1e3 if settings else priced >= 0.0
    if settings:
        assert words(held)["coins"] == pytest.approx(0.5 * mined, rel=1e-6, abs=1e-6)


def test_payback_stops_what_comes_back_late(company: Any) -> None:
    policy = "  p: {type: payback, within: 6 months}\n"
    free, held = words(company()), words(company(policy))
    for found, must in ((free, False), (held, True)):
        back = np.cumsum(found["cfads"], axis=1)[:, 2:] - np.cumsum(found["capex"], axis=1)[:, :-2]
        assert bool((back >= -1.0).all()) is must
    assert cost(company, policy) > 1e3
    assert any(c.price > 0.0 for c in company(policy).covenants)


def test_payback_on_average_is_no_harder(company: Any) -> None:
    each, average = "  p: {type: payback, within: 6 months}\n", "  p: {type: payback, within: 6 months, expected: true}\n"
    assert cost(company, average) <= cost(company, each) + 1.0


def test_no_instrument_raises_more_than_its_share(company: Any) -> None:
    policy = "  p: {type: capital_share, instrument: notes, at_most: 30 %}\n"
    free, held = words(company()), words(company(policy))
    share = lambda w: np.cumsum(w["issued[notes]"], axis=1) - 0.3 * np.cumsum(w["raised"], axis=1)  # noqa: E731
    assert share(free).max() > 1e5 and share(held).max() <= 1.0
    assert cost(company, policy) > 1e3


def test_nothing_rises_above_the_wall(company: Any) -> None:
    policy = "  p: {type: refinancing_wall, at_most: 6 MUSD}\n"
    free, held = words(company()), words(company(policy))
    due = lambda w: (w["principal"] + w["maturities"])[:, 1:].reshape(2, 2, 4).sum(axis=2)  # noqa: E731
    assert due(free).max() > 6e6 + 1.0 and due(held).max() <= 6e6 + 1.0
    assert cost(company, policy) > 1e2


@pytest.mark.parametrize("of", ["power", "revenue"])
def test_no_tenant_is_more_than_its_share(company: Any, of: str) -> None:
    policy = f"  p: {{type: tenant_concentration, at_most: 60 %, of: {of}}}\n"
    word = "ai_mw" if of == "power" else "ai_revenue"
    free, held = words(company()), words(company(policy))
    most = lambda w: max(float((w[f"{word}[{j}]"] - 0.6 * w[word]).max()) for j in ("cloud", "tenant"))  # noqa: E731
    assert most(free) > 0.1 and most(held) <= 1e-6 * max(float(held[word].max()), 1.0)
    assert cost(company, policy) > 1e3


def test_so_much_is_issued_at_least_and_at_most(company: Any) -> None:
    least = "  p: {type: minimum_issue, instrument: owners, at_least: 19 MUSD, by: 2026-01}\n"
    most = "  p: {type: maximum_issue, instrument: owners, at_most: 2 MUSD}\n"
    issued = [words(company(policy))["issued[owners]"] for policy in ("", least, most)]
    assert issued[0][:, 0].max() < 18.9e6 and issued[0].sum(axis=1).max() > 2.1e6
    assert issued[1][:, 0].min() >= 19e6 * (1 - 1e-7)
    assert issued[2].sum(axis=1).max() <= 2e6 * (1 + 1e-7)
    assert cost(company, least) > 1e3 and cost(company, most) > 1e3


def test_cash_above_the_level_repays_the_line(company: Any) -> None:
    """Cash earns 4 % and the line costs 3 %: left alone the plan draws it and sits on the cash."""
    policy = "  p: {type: cash_sweep, into: line, above: 200 kUSD}\n"
    free, held = company(), company(policy)
    kept = lambda w: np.minimum(w["cash"] - 2e5, w["outstanding[line]"]).max()  # noqa: E731
    assert kept(words(free)) > 1e5 and kept(words(held)) <= 1.0
    assert cost(company, policy) > 1e3
    rows = [c for c in held.covenants if c.name == "p"]
    assert len(rows) == 18 and max(c.left for c in rows) <= 1.0 and {c.text for c in rows} == {"cash above the level repays line"}
    assert any(c.price > 0.0 for c in rows)


def test_a_sweep_has_dates_and_scenarios(case: Any) -> None:
    (sweep,) = (
        case("  p: {type: cash_sweep, into: loan, above: 5 MUSD, from: 2026-07, until: 2027-01, scenarios: [bear]}\n")
        .problem()
        .sweeps
    )
    assert sweep.debt == "loan" and (sweep.level == 5e6).all()
    assert not sweep.active[0].any() and np.flatnonzero(sweep.active[1]).tolist() == [2, 3, 4]


def test_ai_is_served_before_mining(company: Any) -> None:
    """AI pays less for a megawatt-hour than mining does, and power is short: left alone the plan sheds AI, under the policy never."""
    policy, short = "  p: {type: ai_first, services: [cloud]}\n", ("sites.texas.interconnection=9 MW", "ai.cloud.minimum=2 MW")
    free, held = company("", *short), company(policy, *short)
    for found, must in ((free, False), (held, True)):
        assert found.decisions is not None
        shed = 0.0
        for (site, s, t), split in found.decisions.dispatch.items():
            if site == "texas":
                demand = 0.9 * 1.25 * float(words(found)["ai_mw[cloud]"][s, t])
                shed = max(shed, float((demand - split.uses["ai:cloud"]).max()))
        assert (shed <= 1e-6) is must, shed
    assert [j.floor for j in held.problem.services] == [1.0, 0.0]
    assert cost(company, policy, *short) > 1e3
    assert any(p.family == "service_floor" and p.value > 0.0 for p in held.prices)


def test_ai_first_is_a_floor(case: Any) -> None:
    assert [j.floor for j in case("  p: {type: ai_first}\n").problem().services] == [1.0, 1.0]
    assert [j.floor for j in case("  p: {type: ai_first, share: 95 %, services: [tenant]}\n").problem().services] == [0.0, 0.95]


def test_mining_stops_above_the_strike(company: Any) -> None:
    policy = "  p: {type: curtail_above, price: {start: 40 USD/MWh, growth: 10 %/year}}\n"
    held = company(policy)
    texas, ohio = held.problem.sites
    assert (
        ohio.curtail_above is None and texas.curtail_above is not None and texas.curtail_above[0, 0] < texas.curtail_above[0, -1]
    )
    assert held.decisions is not None and texas.grid is not None
    ran, stopped = 0.0, 0
    for (site, s, t), split in held.decisions.dispatch.items():
        if site == "texas":
            dear = texas.grid.price.values(held.problem.clock, s, t) > texas.curtail_above[s, t]
            assert np.abs(split.uses["rig:s21"][dear]).max(initial=0.0) <= 1e-9
            stopped, ran = stopped + int(dear.sum()), ran + float(split.uses["rig:s21"].sum())
    assert ran > 0.0 and stopped > 0
    assert cost(company, policy) > 1e3


def test_a_strike_may_differ_by_scenario_and_the_lowest_counts(case: Any) -> None:
    two = "  p: {type: curtail_above, price: 50 USD/MWh, sites: [texas]}\n  q: {type: curtail_above, price: 45 USD/MWh}\n"
    found = case(two, "scenarios.bear.set={policies.q.price: 60 USD/MWh}").problem().sites[0].curtail_above
    assert found is not None and (found[0] == 45.0).all() and (found[1] == 50.0).all()


def test_a_policy_is_changed_and_removed_by_settings(case: Any) -> None:
    policies = "  wall: {type: refinancing_wall, at_most: 6 MUSD}\n"
    assert case(policies, "policies.wall.at_most=3 MUSD").problem().rules[0].constant[0, 0] == 3e6
    assert case(policies, "policies.wall=null").problem().rules == ()
    added = case(policies, "policies.more={type: hold_coins, share: 10 %}").problem()
    assert [rule.name for rule in added.rules] == ["wall", "more"]


def test_dividends_that_must_be_earned_have_an_opening_balance_dates_and_scenarios(case: Any) -> None:
    (policy,) = (
        case("  p: {type: dividends_earned, retained_earnings: -3 MUSD, from: 2026-07, until: 2027-01, scenarios: [bear]}\n")
        .problem()
        .earned_dividends
    )
    assert (policy.name, policy.opening) == ("p", -3e6)
    assert not policy.active[0].any() and np.flatnonzero(policy.active[1]).tolist() == [2, 3, 4]
    with pytest.raises(CaseError, match="retained_earnings"):
        case("  p: {type: dividends_earned, retained_earnings: 3 MW}\n")


def test_a_policy_holds_by_either_method(case: Any) -> None:
    policies = (
        "  a: {type: hold_coins, share: 30 %}\n  b: {type: refinancing_wall, at_most: 6 MUSD}\n  c: {type: curtail_above, price: 60 USD/MWh}\n"
        "  d: {type: cash_sweep, into: line, above: 1 MUSD}\n  e: {type: ai_first, services: [cloud]}\n  f: {type: payback, within: 15 months}\n"
        "  g: {type: tenant_concentration, at_most: 70 %, of: revenue}\n  h: {type: capital_share, instrument: notes, at_most: 50 %}\n"
    )
    made = case(policies, "horizon.hours={every: 743}")
    whole, cuts = made.solve(method="extensive", baseline=False), made.solve(method="cuts", baseline=False)
    assert whole.outcome is Outcome.OPTIMAL and cuts.outcome is Outcome.OPTIMAL, (whole.reasons, cuts.reasons)
    assert cuts.objective == pytest.approx(whole.objective, rel=1e-8)


def test_a_lease_under_ai_first_owes_its_service_by_that(case: Any) -> None:
    """Without a penalty, a floor or the policy nothing would make the program serve it: a mistake."""
    with pytest.raises(CaseError, match="owes no service"):
        case("", "ai.tenant.penalty=null")
    with pytest.raises(CaseError, match="owes no service"):
        case("  p: {type: ai_first, services: [cloud]}\n", "ai.tenant.penalty=null")
    assert [j.floor for j in case("  p: {type: ai_first}\n", "ai.tenant.penalty=null").problem().services] == [1.0, 1.0]
