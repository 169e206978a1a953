"""The problem that a case becomes: units end here, so every conversion is checked against a number worked out by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from models.hours.coupled import consecutive
from models.problem import Battery, Deferrable, Problem, Rule, Term
from optimizer.case.arrays.frame import MACRS, positions
from optimizer.case.arrays.problem import money_unit
from optimizer.case.case import Case
from optimizer.case.schema.sites import HourSet
from tests.shared.places import ROOT

CASES = ROOT / "tests" / "cases"
HORIZON = "horizon: {start: 2026-01, years: 2}\n"
MARKET = "market: {btc_price: 100 kUSD/BTC, hashprice: 50 USD/PH/day}\n"


@pytest.fixture
def build(tmp_path: Path):  # type: ignore[no-untyped-def]
    def make(text: str, horizon: str = HORIZON) -> Problem:
        path = tmp_path / "case.yaml"
        path.write_text(horizon + text, encoding="utf-8")
        return Case.load(path).problem()

    return make


@pytest.fixture(scope="module")
def everything() -> Problem:
    return Case.load(CASES / "all-features.yaml").problem()


# --- the clock --------------------------------------------------------------------------------------------------------


def test_all_hours_are_the_calendar(build) -> None:  # type: ignore[no-untyped-def]
    clock = build("", "horizon: {start: 2027-10, quarters: 4}\n").clock
    assert clock.start_month == 2027 * 12 + 9 and clock.months.tolist() == [3, 3, 3, 3]
    assert clock.hours.tolist() == [92 * 24, 91 * 24, 91 * 24, 92 * 24]  # 2028 is a leap year
    assert [len(one) for one in clock.hour_index] == clock.hours.tolist()
    leap_day = set(range(59 * 24, 60 * 24))
    assert leap_day <= set(clock.hour_index[1].tolist())
    common = build("", "horizon: {start: 2026-01, quarters: 1}\n").clock
    assert not leap_day & set(common.hour_index[0].tolist()) and len(common.hour_index[0]) == 90 * 24


def test_thinned_hours_sum_to_the_period_and_see_every_hour_of_the_day(build) -> None:  # type: ignore[no-untyped-def]
    site = "sites: {a: {power: {grid: {price: 1 USD/MWh, peaks: {p: {adder: 9 USD/MWh, hours: [08-20 17]}}}}}}\n"
    clock = build(site, "horizon: {start: 2026-01, quarters: 8, hours: {every: 25}}\n").clock
    for t in range(8):
        assert clock.weight[t].sum() == pytest.approx(clock.hours[t], rel=1e-12)
        assert set((clock.hour_index[t] % 24).tolist()) == set(range(24))
        assert (np.diff(clock.hour_index[t]) > 0).all()
    peak = int(np.flatnonzero(positions([HourSet.model_construct(at="08-20 17")]))[0])
    for t in (2, 6):
        at = clock.hour_index[t].tolist().index(peak)
        assert clock.weight[t][at] == 1.0
    # The stride runs on over the end of a period.
    layout = np.concatenate(clock.hour_index[:2])
    common = layout - 24 * (layout >= 60 * 24)
    assert set(np.diff(common).tolist()) == {25}


def test_hours_by_name() -> None:
    one = positions([HourSet.model_construct(at="01-02 03")])
    assert np.flatnonzero(one).tolist() == [24 + 3]
    some = positions([HourSet.model_construct(at=None, months=[7, 8], hours=[16, 17])])
    assert some.sum() == 62 * 2
    assert positions([HourSet.model_construct(at=None, months=[2], hours=None)]).sum() == 29 * 24


# --- scenarios --------------------------------------------------------------------------------------------------------


def three(b: str = "", c: str = "") -> str:
    return f"scenarios:\n  a: {{probability: 50 %}}\n  b: {{probability: 30 %{b}}}\n  c: {{probability: 20 %{c}}}\n"


def together(problem: Problem) -> list[list[int]]:
    """Per date, for each scenario the first one it is together with."""
    node = problem.scenarios.node
    return [[int(np.flatnonzero(node[:, d] == node[s, d])[0]) for s in range(node.shape[0])] for d in range(node.shape[1])]


def test_without_information_there_is_one_plan(build) -> None:  # type: ignore[no-untyped-def]
    assert together(build(three())) == [[0, 0, 0]] * 9


def test_perfect_information(build) -> None:  # type: ignore[no-untyped-def]
    assert together(build(three() + "information: start\n")) == [[0, 1, 2]] * 9


def test_information_excludes_its_date(build) -> None:  # type: ignore[no-untyped-def]
    found = together(build(three() + "information: 2026-07\n"))
    assert found == [[0, 0, 0]] * 2 + [[0, 1, 2]] * 7


def test_a_tree(build) -> None:  # type: ignore[no-untyped-def]
    text = three(", follows: a, until: 2026-07", ", follows: b, until: 2027-01")
    assert together(build(text)) == [[0, 0, 0]] * 2 + [[0, 1, 1]] * 2 + [[0, 1, 2]] * 5


def test_nodes_belong_to_one_date(everything: Problem) -> None:
    node = everything.scenarios.node
    for d in range(node.shape[1] - 1):
        assert not set(node[:, d]) & set(node[:, d + 1])


def test_a_delay_rounds_up_and_adds_to_the_sites_own(build) -> None:  # type: ignore[no-untyped-def]
    text = (
        "sites: {x: {delay: 1 month}}\nscenarios:\n  a: {probability: 50 %}\n"
        "  b: {probability: 50 %, delay: {sites.x: 3 months}}\n"
    )
    assert build(text).sites[0].delay.tolist() == [1, 2]


# --- coupled hours ----------------------------------------------------------------------------------------------------


def test_a_battery_loses_half_of_its_round_trip_on_either_way(build) -> None:  # type: ignore[no-untyped-def]
    text = "sites: {a: {battery: {charge: 5 MW, discharge: 4 MW, energy: 0.02 GWh, efficiency: 81 %, wear: 0.3 cents/kWh}}}\n"
    assert build(text).sites[0].battery == Battery(5.0, 4.0, 20.0, 0.9, 0.9, 3.0, 0.5, 0.0)
    text = "sites: {a: {battery: {charge: 5 MW, energy: 9 MWh, efficiency: 100 %, level: 0 %, self_discharge: 0.1 %/hour}}}\n"
    assert build(text).sites[0].battery == Battery(5.0, 5.0, 9.0, 1.0, 1.0, 0.0, 0.0, 0.001)
    assert build("sites: {a: {}}\n").sites[0].battery is None and build("sites: {a: {}}\n").sites[0].store is None


def test_a_battery_to_build(build) -> None:  # type: ignore[no-untyped-def]
    battery = "battery: {charge: 2 MW, discharge: 1 MW, energy: 4 MWh, efficiency: 81 %, now: 0 MW"
    site = build(f"sites: {{a: {{{battery}, build: {{cost: 900 kUSD/MW, lead: 6 months, limit: 50 MW}}}}}}}}\n").sites[0]
    assert site.battery == Battery(2.0, 1.0, 4.0, 0.9, 0.9, now=0.0) and site.battery.standing == 0.0 and site.stores
    assert site.store is not None and site.store.lead == 2 and site.store.limit == 50.0 and (site.store.cost == 9e5).all()
    assert not build(f"sites: {{a: {{{battery}}}}}}}\n").sites[0].stores


def test_jobs_that_wait_and_ramps(build) -> None:  # type: ignore[no-untyped-def]
    jobs = "ai: {jobs: {type: cloud, price: 500 USD/MWh, term: 1 year, limit: 5 MW"
    one = build(f"{jobs}, deferrable: {{share: 30 %, deadline: 1 day}}, ramp_limit: 25 %/hour}}}}\n").services[0]
    assert one.deferrable == Deferrable(0.3, 24) and one.ramp_limit == 0.25 and one.waits and one.ramps
    bare = build(f"{jobs}, deferrable: 30 %}}}}\n").services[0]
    assert bare.deferrable == Deferrable(0.3, None) and not bare.ramps
    none = build(f"{jobs}}}}}\n").services[0]
    assert none.deferrable is None and not none.waits and not none.ramps
    rig = "rigs: {s: {efficiency: 15 J/TH, price: 18 USD/TH"
    assert build(MARKET + f"{rig}, ramp_limit: 0.5 1/hour}}}}\n").rigs[0].ramp_limit == 0.5
    assert not build(MARKET + f"{rig}}}}}\n").rigs[0].ramps


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_hours_of_every_period_follow_each_other(build, period: str) -> None:  # type: ignore[no-untyped-def]
    """Over New Year's Eve, leap days and years without them."""
    clock = build("", f"horizon: {{start: 2027-07, years: 3, period: {period}}}\n").clock
    assert all(consecutive(clock, t) for t in range(clock.periods))
    thin = build("", f"horizon: {{start: 2027-07, years: 3, period: {period}, hours: {{every: 25}}}}\n").clock
    assert not any(consecutive(thin, t) for t in range(thin.periods))


# --- market -----------------------------------------------------------------------------------------------------------


def test_hashprice_from_the_network(build) -> None:  # type: ignore[no-untyped-def]
    problem = build("market: {btc_price: 100 kUSD/BTC, network_hashrate: 900 EH/s, transaction_fees: 2 %}\n")
    assert problem.market.hashprice == pytest.approx(np.full((1, 8), 144 * 3.125 * 1.02 * 100e3 / 900e3))


def test_a_halving_within_a_period_counts_by_days(build) -> None:  # type: ignore[no-untyped-def]
    text = "market: {btc_price: 100 kUSD/BTC, network_hashrate: 900 EH/s, halving: 2028-04-20}\n"
    got = build(text, "horizon: {start: 2028-01, quarters: 3}\n").market.hashprice[0] / (144 * 100e3 / 900e3)
    before = (date(2028, 4, 20) - date(2028, 4, 1)).days
    assert got == pytest.approx([3.125, (3.125 * before + 1.5625 * (91 - before)) / 91, 1.5625])


def test_earlier_subsidies(build) -> None:  # type: ignore[no-untyped-def]
    text = "market: {btc_price: 1 USD/BTC, network_hashrate: 1 EH/s, halving: 2028-04}\n"
    got = build(text, "horizon: {start: 2020-01, end: 2025-01, period: year}\n").market.hashprice[0] / 144 * 1e3
    assert got[1] == got[2] == 6.25 and 3.125 < got[4] < 6.25 and 6.25 < got[0] < 12.5


# --- sites ------------------------------------------------------------------------------------------------------------


def test_a_yearly_peak_charge_is_spread_over_its_hours(build) -> None:  # type: ignore[no-untyped-def]
    text = (
        "sites: {a: {power: {grid: {price: 40 USD/MWh, delivery: 4 USD/MWh, peaks: {cp: {charge: 60 kUSD/MW/year, "
        "hours: [06-25 16, 07-14 16, 08-20 16, 09-05 16]}}}}}}\n"
    )
    grid = build(text).sites[0].grid
    assert np.sort(grid.adder.profiles[0])[-5:].tolist() == [0.0, 15e3, 15e3, 15e3, 15e3]
    problem = build(text)
    third = grid.adder.values(problem.clock, 0, 2)
    assert sorted(set(third.tolist())) == [4.0, 15004.0]
    assert (grid.price.values(problem.clock, 0, 2) == 40.0).all()


def test_demand_response_pays_in_the_periods_it_is_called(build) -> None:  # type: ignore[no-untyped-def]
    text = (
        "sites: {a: {power: {grid: {price: 40 USD/MWh, demand_response: {credit: 400 USD/MWh, enrolled: 20 MW, "
        "standby: 6 kUSD/MW/year, hours: [{months: [7], hours: [17]}]}}}}}\n"
    )
    problem = build(text)
    grid = problem.sites[0].grid
    paid = grid.demand_response[0] * 0.25
    assert paid[:4] == pytest.approx([30e3, 30e3, 30e3 + 400 * 20 * 31, 30e3])
    assert grid.adder.profiles[0].sum() == 400 * 31


def test_level_and_plus_act_on_the_price(everything: Problem) -> None:
    grid = everything.sites[0].grid
    assert grid is not None and len(grid.price.profiles) == 2 and grid.price.which.tolist() == [0, 1, 0]
    assert grid.price.profiles[1] == pytest.approx(grid.price.profiles[0] * 1.1)
    assert grid.price.factor[0] == pytest.approx(1.02 ** ((np.arange(8) + 0.5) / 4))
    assert (grid.price.shift == 1.0).all()


def test_a_block_runs_within_its_dates(everything: Problem) -> None:
    block = everything.sites[0].blocks[0]
    assert block.mw.tolist() == [30.0] * 7 + [0.0]
    assert block.sell_back and block.sell_fee == 1.0


def test_an_expansion(everything: Problem) -> None:
    site = everything.sites[0]
    assert site.expand is not None and site.convert is not None and site.build_ai is not None
    assert (site.expand.cost == 200e3).all() and site.expand.lead == 2
    assert site.expand.window.tolist() == [True] * 5 + [False] * 4
    assert site.expand.payments.shares == ((0, 0.4), (1, 0.6))
    assert site.expand.depreciation.method == "macrs" and len(site.expand.depreciation.table) == 16
    assert site.expand.depreciation.book_months == 240 and site.expand.depreciation.bonus == 0.6
    assert site.mining_per_ai == 1.3 and site.ai_cost == 40e3
    assert site.diesel is not None and site.diesel.permit_hours == 200.0


@pytest.mark.parametrize("name", sorted(MACRS))
def test_macrs_tables_add_to_one(name: str) -> None:
    assert sum(MACRS[name]) == pytest.approx(1.0, abs=1e-9)
    assert len(MACRS[name]) == int(name.removeprefix("macrs-")) + 1


def test_an_uneven_duration_rounds_up(build) -> None:  # type: ignore[no-untyped-def]
    site = build("sites: {a: {interconnection: {expand: {cost: 1 USD/MW, limit: 1 MW, lead: 4 months}}}}\n").sites[0]
    assert site.expand.lead == 2


# --- rigs and services ------------------------------------------------------------------------------------------------


def test_rigs_are_measured_in_megawatts(everything: Problem) -> None:
    new, old, units = everything.rigs
    assert new.density == pytest.approx(234 / 3510 * 1e3)  # 15 J/TH: 66.7 PH/s per MW
    assert old.density == pytest.approx(1000 / 24)
    assert new.price[0, 0] == pytest.approx(18 * new.density * 1e3)
    assert new.resale == pytest.approx(0.4 * new.price)
    assert old.resale[0, 0] == pytest.approx(5 * old.density * 1e3)
    assert units.owned == pytest.approx([0.0, 1000 * 3500e-6])
    assert old.owned.tolist() == [50.0, 30.0] and old.owned_life == 7 and not old.window.any()
    assert new.supply.tolist() == [30.0] * 9 and old.supply.tolist() == [np.inf] * 9
    assert new.option is not None and new.option.fee == pytest.approx(new.density * 1e3)
    assert new.option.buy.tolist() == [True] + [False] * 8


def test_a_rig_without_a_life_outlasts_the_horizon(build) -> None:  # type: ignore[no-untyped-def]
    text = MARKET + "sites: {a: {}}\nrigs: {r: {efficiency: 20 J/TH, price: 10 USD/TH, owned: {a: 1 MW}}}\n"
    rig = build(text).rigs[0]
    assert rig.life == rig.owned_life == 9 and rig.limit == np.inf and (rig.resale == 0).all()


def test_services(everything: Problem) -> None:
    tenant, running, cloud = everything.services
    assert (tenant.kind, running.kind, cloud.kind) == ("lease", "lease", "cloud")
    assert tenant.reimbursed == "grid" and cloud.reimbursed is None
    assert isinstance(running.reimbursed, np.ndarray) and (running.reimbursed == 45.0).all()
    assert (tenant.rate == 1.6e6).all() and tenant.term == 40 and tenant.ramp == (0.5,)
    assert running.contracted.tolist() == [2.0, 0.0] and running.contracted_term == 4
    assert tenant.equipment is not None and (tenant.equipment == 500e3).all()
    assert cloud.demand.profiles.min() >= 0.4 and cloud.demand.profiles.max() <= 1.0


# --- financing --------------------------------------------------------------------------------------------------------


def test_debts(everything: Problem) -> None:
    debt = {one.name: one for one in everything.debts}
    assert list(debt) == [
        "notes", "puttable", "paper", "legacy", "annuity", "given", "construction", "sculpted", "convertible",
        "old_convertible", "revolver", "coins",
    ]  # fmt: skip
    notes = debt["notes"]
    assert (notes.price, notes.fee, notes.tenor, notes.frequency) == (0.98, 0.025, 60, 6)
    assert (notes.rate == 0.0775).all() and (notes.date_limit == 120e6).all()
    assert notes.call is not None and notes.call.steps == ((18, 1.04), (21, 1.02))
    assert notes.collateral == ("rigs", "halls", "equipment") and notes.advance_rate == 0.7
    legacy = debt["legacy"]
    assert (legacy.existing, legacy.existing_month, legacy.maturity) == (40e6, -18, 30)
    assert legacy.rate[0] == pytest.approx(0.043 * 0.95 ** ((np.arange(8) + 0.5) / 4) + 0.0225)
    assert not legacy.window.any() and legacy.frequency == 3 and legacy.balloon == 0.2
    assert debt["paper"].frequency == 0 and debt["annuity"].frequency == 1 and debt["annuity"].grace == 6
    assert debt["given"].given == ((6, 0.1), (12, 0.2))
    assert debt["puttable"].put == (18, 1.0) and (debt["puttable"].pik, debt["puttable"].pik_months) == (0.5, 12)
    assert debt["construction"].completion is not None
    assert debt["construction"].completion.tolist() == [9, 12, 9]  # the bear's site is three months late
    assert debt["sculpted"].coverage == 1.3 and not debt["sculpted"].is_strip
    new, old = debt["convertible"].conversion, debt["old_convertible"].conversion
    assert new is not None and (new.premium, new.capped_call_cost, new.cap_premium, new.price) == (0.3, 0.08, 1.0, None)
    assert old is not None and old.price == 14.0
    assert (debt["revolver"].commitment, debt["coins"].ltv, debt["coins"].top_up) == (0.005, 0.5, 0.65)


def test_shares(everything: Problem) -> None:
    owners, investors, market = everything.equities
    assert (owners.holders, investors.holders, market.holders) == ("existing", "new", "new")
    assert (market.date_limit == 10e6).all() and market.discount == 0.01
    assert everything.market.share_price is not None and everything.market.shares == 100e6


def test_treasury_tax_and_terminal(everything: Problem) -> None:
    treasury, tax = everything.treasury, everything.tax
    assert treasury.sell.all() and treasury.dividends.tolist() == [False] * 4 + [True] * 5
    assert treasury.rescue_penalty == 1.0 and (treasury.retain == 0.2).all()
    assert tax is not None and (tax.rate, tax.nol, tax.nol_cap) == (0.21, 10e6, 0.8)
    assert (tax.existing_depreciation == 12e6).all()
    assert everything.terminal.contracts == 0.5 and everything.terminal.contract_rate == 0.14
    assert (everything.opening_ppe, everything.opening_ppe_months) == (60e6, 48)
    limited = Case.load(CASES / "all-features.yaml", variant="limited-interest").problem().tax
    assert limited is not None and limited.interest_limit is not None
    assert (limited.interest_limit.share, limited.interest_limit.first_year) == (0.3, 0)


# --- rules, projects, flows -------------------------------------------------------------------------------------------


def rule_named(problem: Problem, name: str) -> Rule:
    (found,) = [rule for rule in problem.rules if rule.name == name]
    return found


def test_rules(everything: Problem) -> None:
    cash, converts, bear, coverage = [
        rule_named(everything, name) for name in ("six months of cash", "converts stay small", "bear only", "coverage")
    ]
    assert cash.terms.keys() == {Term("cash")} and cash.sense == ">="
    assert cash.constant[0, 1] == pytest.approx(everything.overhead[0, 0] / 2)
    assert cash.active[0].tolist() == [False] * 2 + [True] * 7
    assert converts.penalty == 0.05 and (converts.terms[Term("total_debt")] == -0.6).all()
    assert (converts.constant == 20e6).all()
    assert bear.active[:, :8].tolist() == [[False] * 8, [True] * 8, [False] * 8] and not bear.active[:, 8].any()
    assert coverage.owner == "notes" and coverage.penalty == 0.05
    assert re.fullmatch(r".*all-features\.yaml:\d+:\d+", coverage.source)


def test_a_rule_with_an_operating_flow_starts_at_the_second_date(build) -> None:  # type: ignore[no-untyped-def]
    first, second = build("rules: [{name: a, require: ebitda >= 0}, {name: b, require: cash >= 0}]\n").rules
    assert first.active[0].tolist() == [False] + [True] * 8 and second.active.all()


def test_a_rule_that_divides_by_zero_data_is_told(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(HORIZON + "rules: [{name: a, require: cash / overhead_monthly >= 6}]\n")
    with pytest.raises(Exception, match="division by something that is 0"):
        Case.load(path)


def test_project_cash_lands_on_its_dates(everything: Problem) -> None:
    cash = everything.projects[0].cash[0]
    assert cash[0].tolist() == pytest.approx([-1e6, 0, 1e5, 1e5, 2e5, 1e5, 1e5, 1e5, 1e5])
    assert cash[7].tolist() == pytest.approx([0] * 7 + [-1e6, 0])
    assert (np.tril(cash, -1) == 0).all()
    provides = everything.projects[0].provides
    assert provides["credits"][0][0].tolist() == [0, 0, 3, 0, 0, 0, 0, 0, 0]
    assert np.diag(provides["goodwill"][0]).tolist() == [1] * 9


def test_given_flows(everything: Problem) -> None:
    hosting, litigation = everything.cash_flows
    assert hosting.amount[0] == pytest.approx([0] + [0.5e6] * 8)
    assert litigation.amount[0].tolist() == [0, 0, 0, -1e6, 0, 0, 0, 0, 0] and not litigation.operating


def test_scenarios_scale_what_a_project_provides() -> None:
    farmer = Case.load(CASES / "farmer.yaml").problem()
    wheat = farmer.projects[0].provides["wheat"]
    assert wheat[:, 0, 1] == pytest.approx([2.0, 2.5, 3.0])
    assert farmer.scenarios.node.tolist() == [[0, 1], [0, 2], [0, 3]]
    assert farmer.money == 100.0


# --- the unit of money ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["farmer", "lands", "short-term", "cvar-rewards", "all-features", "modigliani-miller"])
@pytest.mark.parametrize("power", [-3, 3, 6])
def test_money_scales_with_money(name: str, power: int) -> None:
    problem = Case.load(CASES / f"{name}.yaml").problem()
    k = 10.0**power
    scaled = replace(
        problem,
        market=replace(problem.market, hashprice=problem.market.hashprice * k),
        treasury=replace(problem.treasury, cash=problem.treasury.cash * k),
        overhead=problem.overhead * k,
        projects=tuple(replace(one, cash=one.cash * k) for one in problem.projects),
        cash_flows=tuple(replace(one, amount=one.amount * k) for one in problem.cash_flows),
        rigs=tuple(replace(one, price=one.price * k, resale=one.resale * k) for one in problem.rigs),
        services=tuple(replace(one, rate=one.rate * k) for one in problem.services),
        debts=tuple(replace(one, limit=one.limit * k) for one in problem.debts),
        equities=tuple(replace(one, limit=one.limit * k) for one in problem.equities),
        sites=tuple(_dearer(one, k) for one in problem.sites),
    )
    assert money_unit(scaled) == pytest.approx(money_unit(problem) * k, rel=1e-12)


def _dearer(site, k: float):  # type: ignore[no-untyped-def]
    changed = {}
    for kind in ("expand", "build_mining", "build_ai", "convert"):
        if (added := getattr(site, kind)) is not None:
            changed[kind] = replace(added, cost=added.cost * k)
    if site.grid is not None:
        price = replace(site.grid.price, profiles=site.grid.price.profiles * k, shift=site.grid.price.shift * k)
        changed["grid"] = replace(site.grid, price=price)
    return replace(site, **changed)
