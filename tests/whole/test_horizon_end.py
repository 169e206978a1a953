"""What counts at the end of the horizon is carried by what stands there, and has been paid for.

Two identities: what cannot be finished within the horizon adds nothing, and a date that moves across the horizon's end by a period changes
the objective by little, and never by a jump in the owners' favour.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.problem import Block, Call, Conversion, Payments, Problem, RigOption, Terminal
from models.proforma.keep import keep_books
from models.program.master_problem import MasterProblem
from optimizer import Case
from optimizer.case.reading.diagnostics import CaseError
from optimizer.engine.solution import Solution
from optimizer.engine.values import Outcome
from tests.shared.plans import plan_of
from tests.shared.tiny import at, dates, debt_of, expansion_of, idle, path, rig_of, service_of, site_of, stream, tiny

#: everything at the end counts in full
WHOLE = Terminal(halls=1.0, interconnection=1.0, equipment=1.0, contracts=1.0, contract_rate=0.1)
LATER = "AI after the horizon within AI halls"


def solved(problem: Problem) -> Solution:
    found = plan_of(problem, method="extensive")
    assert found.outcome is Outcome.OPTIMAL, found.reasons
    return found


def value(problem: Problem) -> float:
    objective = solved(problem).objective
    assert objective is not None
    return objective


def close(number: float) -> object:
    return pytest.approx(number, rel=1e-9, abs=1e-3)


def signed(found: Solution, name: str = "tenant") -> float:
    """MW signed in all in the first scenario."""
    assert found.decisions is not None
    return float(found.decisions.signed[name, "home"][0].sum())


# --- contracts --------------------------------------------------------------------------------------------------------


def campus(periods: int = 4, scenarios: int = 1, halls: float = 1.0, site: dict[str, Any] | None = None, **lease: Any) -> Problem:
    """Quarters, an AI hall, and a lease of ten years for up to 100 MW."""
    problem = tiny(periods, months=3, scenarios=scenarios, cash=1e8, terminal=WHOLE)
    problem = replace(problem, sites=(site_of(problem, ai_mw=halls, **(site or {})),))
    return replace(problem, services=(service_of(problem, **({"term": 40, "limit": 100.0} | lease)),))


@pytest.mark.parametrize("ramp", [(0.01,) * 4, (0.5, 0.1), (0.0,) * 9, (0.9, 1.0, 0.2)], ids=str)
def test_a_ramp_needs_the_halls_of_all_its_mw(ramp: tuple[float, ...]) -> None:
    """A contract whose ramp is not complete at the horizon fits the halls when it is, and is worth no more than one without a ramp."""
    found = solved(campus(ramp=ramp))
    assert signed(found) == close(1.0)
    assert found.objective is not None and found.objective <= value(campus())


def test_rent_after_the_horizon_follows_the_ramp() -> None:
    """Signed at date 3 of 4, ramp 0, 0.25, 0.5: rent of periods 4, 5, 6, ... is 0.25, 0.5, 1, ... of 1.5 MUSD a year; 6 periods in all."""
    problem = campus(ramp=(0.0, 0.25, 0.5), term=6)
    books = keep_books(problem, idle(problem, signed={("tenant", "home"): at(problem, {3: 1.0})}))
    shares = (0.25, 0.5, 1.0, 1.0, 1.0)
    rent = sum(share * 1.5e6 / 4.0 * 1.1 ** (-(k + 1) / 4.0) for k, share in enumerate(shares))
    assert books.ledger["terminal_contracts"][0, -1] == close(rent)


@pytest.mark.parametrize("delay", [0, 1, 3])
@pytest.mark.parametrize("ramp", [(), (0.2, 0.5, 0.7), (0.3, 0.0, 1.0, 0.4)], ids=str)
def test_a_longer_horizon_sees_the_same_rents(delay: int, ramp: tuple[float, ...]) -> None:
    """Where rents after the horizon count in full at the owners' rate, it does not matter where the horizon ends: not within the ramp, not
    at an anniversary, not before a late start."""

    def ending(periods: int) -> float:
        problem = campus(periods, halls=9.0, site={"delay": np.array([delay])}, ramp=ramp, escalator=0.1, term=12)
        running = {"contracted": np.array([2.0]), "contracted_term": 9, "window": dates(problem, 0), "lead": 1}
        problem = replace(problem, services=(replace(problem.services[0], **running),))
        return value(replace(problem, objective=replace(problem.objective, discount=0.1)))

    assert [ending(periods) for periods in range(2, 9)] == [close(ending(2))] * 7


def test_a_contract_that_ends_before_its_ramp_is_full_needs_and_brings_what_it_runs_with() -> None:
    """100 MW of which 1 % ever run are a contract of 1 MW."""
    ramping = solved(campus(ramp=(0.01,) * 8, term=8))
    assert signed(ramping) == close(100.0)
    assert ramping.objective == close(value(campus(term=8, limit=1.0)))


def test_a_late_start_needs_halls_that_stand() -> None:
    """In the late scenario what is signed last starts at the horizon's end; in both, 1 MW is all there is."""
    late = {"delay": np.array([0, 1], dtype=np.int64)}
    found = solved(campus(scenarios=2, site=late))
    assert found.decisions is not None
    assert np.allclose(found.decisions.signed["tenant", "home"].sum(axis=1), 1.0)
    assert found.objective is not None and found.objective <= value(campus(scenarios=2))


def test_a_delay_moves_the_value_of_a_standing_hall_by_little() -> None:
    """Whether the delay ends before the horizon, at it or after it, each quarter costs about a quarter's rent, on its way or after."""
    values = [value(campus(site={"delay": np.array([delay], dtype=np.int64)})) for delay in range(7)]
    steps = -np.diff(values)
    assert np.all(steps > 0.0) and np.all(steps < 1.5e6 / 4.0)


def test_a_hall_that_is_never_ready_carries_nothing() -> None:
    """Halls for 50 MW are cheap, and late by all the horizon: nothing is signed on them, whether the contract would begin at T or later."""

    def with_halls(delay: int) -> Problem:
        problem = campus(halls=0.0)
        site = site_of(problem, ai_mw=0.0, build_ai=expansion_of(problem, cost=1e5), delay=np.array([delay], dtype=np.int64))
        return replace(problem, sites=(site,))

    assert signed(solved(with_halls(3))) > 1.0
    for delay in (4, 5, 40):
        found = solved(with_halls(delay))
        assert signed(found) == 0.0
        assert found.objective == close(1e8)


def test_services_share_the_hall_after_the_horizon() -> None:
    """1 MW stands: 0.6 MW contracted to beyond the horizon, a cloud that ramps and a lease that ramps: together never above it."""
    problem = campus(ramp=(0.1,) * 3, contracted=np.array([0.6]), contracted_term=30)
    cloud = service_of(problem, "cloud", "cloud", rate=400.0, term=40, ramp=(0.05,) * 6, limit=100.0, reimbursed=None)
    problem = replace(problem, services=(*problem.services, cloud))
    found = solved(problem)
    assert signed(found) + signed(found, "cloud") == close(0.4)
    # each alone fills what is left, both do not
    for lease_mw, cloud_mw, fits in ((0.4, 0.0, True), (0.0, 0.4, True), (0.4, 0.4, False)):
        chosen = {("tenant", "home"): at(problem, {3: lease_mw}), ("cloud", "home"): at(problem, {3: cloud_mw})}
        books = keep_books(problem, idle(problem, signed=chosen))
        check = {one.name: one.relative for one in books.checks}[LATER]
        assert (check <= 1e-9) is fits


@pytest.mark.parametrize("blocks", [False, True], ids=["grid", "block"])
def test_a_ramp_needs_the_power_that_its_floor_asks_for(blocks: bool) -> None:
    """100 MW of hall and 12.5 MW of line: with 90 % to be served in every period, 12.5 / (0.9 * 1.25) MW can be signed, whatever the ramp."""

    def ramping(ramp: tuple[float, ...]) -> Problem:
        problem = campus(halls=100.0, site={"interconnection_mw": 12.5}, ramp=ramp, floor=0.9)
        if blocks:  # the only power there is
            block = Block("firm", np.full(4, 12.5), path(1.0, 1, 4))
            problem = replace(problem, sites=(replace(problem.sites[0], grid=None, blocks=(block,)),))
            problem = replace(problem, services=(replace(problem.services[0], reimbursed=None),))
        return problem

    assert signed(solved(ramping(()))) == close(12.5 / 1.125)
    assert signed(solved(ramping((0.1, 0.1, 0.1)))) == close(12.5 / 1.125)
    problem = ramping((0.1, 0.1, 0.1))
    books = keep_books(problem, idle(problem, signed={("tenant", "home"): at(problem, {3: 50.0})}))
    short = {one.name: one for one in books.checks}["floors after the horizon within power"]
    assert short.residual == close((50.0 * 1.125 - 12.5) * 2190.0)


def test_a_hall_may_be_handed_over_after_the_horizon() -> None:
    """What is contracted ends two quarters after the horizon; a lease whose ramp is complete then takes its place, one quicker may not."""

    def handing(ramp: tuple[float, ...]) -> Problem:
        return campus(ramp=ramp, contracted=np.array([1.0]), contracted_term=6, window=dates(tiny(4), 3))

    assert signed(solved(handing((0.0, 0.0, 0.0)))) == close(1.0)
    assert signed(solved(handing((0.0, 0.0)))) == close(0.0)
    assert value(handing((0.0, 0.0, 0.0))) > value(handing((0.0, 0.0)))


def test_the_books_refuse_what_halls_do_not_carry_after_the_horizon() -> None:
    problem = campus(ramp=(0.01,) * 4)
    books = keep_books(problem, idle(problem, signed={("tenant", "home"): at(problem, {3: 100.0})}))
    worst = {one.name: one for one in books.checks}
    assert worst["AI within AI halls"].residual == 0.0
    assert worst[LATER].residual == close(99.0)


@pytest.mark.parametrize("ramp", [(), (0.4,)])
def test_no_rows_where_nothing_can_grow_after_the_horizon(ramp: tuple[float, ...]) -> None:
    master = MasterProblem(campus(ramp=ramp))
    rows = [key for key in getattr(master.model, "row_ai_hall_after", {})]
    assert rows == [("home", 0, 3, k) for k in range(len(ramp))]


# --- what cannot be finished ------------------------------------------------------------------------------------------


def plant(what: str, lead: int) -> tuple[Problem, Problem]:
    """A problem of three periods without something, and with it: worth more than it costs if it is ready `lead` periods after its order."""
    problem = tiny(3, cash=1e8, terminal=WHOLE)
    never = np.zeros(problem.clock.dates, dtype=bool)
    if what in ("expand", "build_mining", "build_ai", "convert"):
        # rigs and contracts wait for what they stand in
        lacks = {"expand": "interconnection_mw", "build_mining": "mining_mw"}.get(what, "ai_mw")
        base = replace(problem, sites=(site_of(problem, **{lacks: 0.0}),))
        base = replace(base, rigs=(rig_of(base, price=1e3, limit=50.0),), services=(service_of(base),))
        hall = expansion_of(problem, cost=1e3, lead=lead)
        return base, replace(base, sites=(replace(base.sites[0], **{what: hall}),))
    base = replace(problem, sites=(site_of(problem),))
    if what == "lease":
        paid = Payments(((0, 0.1), (1, 0.9)))
        lease = service_of(problem, lead=lead, equipment=path(1e5, 1, 4), payments=paid, window=dates(problem, 0, 1))
        return base, replace(base, services=(lease,))
    option = RigOption(fee=1.0, strike=1e3, limit=50.0, buy=dates(problem), exercise=dates(problem))
    terms: dict[str, Any] = {
        "rigs": {},
        "deposits": {"payments": Payments(((0, 0.1), (lead, 0.9)))},
        "options": {"window": never, "option": option},
    }[what]
    return base, replace(base, rigs=(rig_of(problem, price=1e3, resale=1e6, limit=50.0, lead=lead, **terms),))


@pytest.mark.parametrize("what", ["expand", "build_mining", "build_ai", "convert", "rigs", "deposits", "options", "lease"])
def test_what_is_never_finished_adds_nothing(what: str) -> None:
    """Ready in the last period, it pays; ready at the horizon's end or later, it is worth nothing, though everything counts in full there."""
    without, ready = plant(what, 2)
    assert value(ready) > value(without) + 1e4
    for lead in (3, 4, 20):
        assert value(plant(what, lead)[1]) == close(value(without))


def test_halls_on_their_way_count_no_more_than_was_paid() -> None:
    """A hall that is ready at T or later counts at its cost by the share of halls, and never brings a dollar."""
    for delay in range(5):
        problem = tiny(3, cash=1e8, discount=0.0, terminal=WHOLE)
        late = np.array([delay], dtype=np.int64)
        hall = expansion_of(problem, lead=2, payments=Payments(((0, 0.2), (2, 0.8))))
        problem = replace(problem, sites=(site_of(problem, ai_mw=0.0, delay=late, build_ai=hall, ai_cost=10.0),))
        assert value(problem) <= 1e8 * (1.0 + 1e-12)


def test_what_would_be_paid_after_the_horizon_is_refused_by_both_books() -> None:
    problem = tiny(3, terminal=WHOLE)
    problem = replace(problem, sites=(site_of(problem),))
    late = service_of(problem, equipment=path(1e6, 1, 4), payments=Payments(((0, 0.5), (2, 0.5))))
    problem = replace(problem, services=(late,))
    with pytest.raises(ValueError, match="after the horizon"):
        MasterProblem(problem)
    with pytest.raises(ValueError, match="after the horizon"):
        keep_books(problem, idle(problem, signed={("tenant", "home"): at(problem, {2: 1.0})}))


# --- debt that stands at the end --------------------------------------------------------------------------------------

T = 4


def borrowed(**terms: Any) -> Problem:
    """A million issued at date 0 and kept as cash; the share price rises."""
    problem = tiny(T, cash=2e6, discount=0.0, share_price=[[10.0, 12.0, 14.0, 16.0, 18.0]])
    debt = debt_of(problem, **({"window": dates(problem, 0), "limit": 1e6, "minimum": 1e6} | terms))
    return replace(problem, debts=(debt,))


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"frequency": 0},
        {"frequency": 6, "pik": 0.5, "pik_months": 240},
        {"kind": "loan", "amortisation": "level", "grace": 12},
        {"kind": "loan", "amortisation": "annuity"},
        {"kind": "convertible", "conversion": Conversion(0.3)},
        {"kind": "convertible", "conversion": Conversion(0.3, 0.02, 0.9)},
        {"kind": "convertible", "conversion": Conversion(9.0)},
    ],
    ids=["bullet", "at maturity", "pik", "level", "annuity", "in the money", "capped", "out of the money"],
)
def test_a_debt_that_stands_at_the_end_is_owed_as_if_it_matured_there(terms: dict[str, Any]) -> None:
    """At no discounting the interest of the horizon is all that a loan costs: later maturities, more of it, never less."""
    values = [value(borrowed(maturity=12 * m, **terms)) for m in (T - 1, T, T + 1, T + 2)]
    assert values[2] <= values[1] + 1e-3 and values[3] <= values[2] + 1e-3
    if "amortisation" not in terms:
        assert values[2] == close(values[1])


@pytest.mark.parametrize("existing", [False, True], ids=["issued", "existing"])
@pytest.mark.parametrize("conversion", [None, Conversion(9.0)], ids=["notes", "convertible"])
def test_the_premium_of_a_put_to_come_is_owed_as_far_as_it_is_earned(existing: bool, conversion: Conversion | None) -> None:
    """Put at 110 % at date P: paid in full up to T, T / P of it after. Moving P by a year moves the value by a step of that line."""
    terms: dict[str, Any] = {"rate": 0.0, "maturity": 240}
    if conversion is not None:
        terms |= {"kind": "convertible", "conversion": replace(conversion, price=100.0) if existing else conversion}
    if existing:
        terms |= {"existing": 1e6, "existing_month": -24, "minimum": 0.0}
    start = 24 if existing else 0
    whole = value(borrowed(**terms))
    for month in (48, 60, 72, 120, 228):
        found = solved(borrowed(**terms, put=(month, 1.1)))
        earned = (48 + start) / (month + start)
        assert whole - found.objective == close(1e5 * earned)  # type: ignore[operator]
    assert value(borrowed(**terms, put=(72, 0.9))) == close(whole)


def test_a_convertible_that_is_worth_more_converted_is_not_put() -> None:
    terms: dict[str, Any] = {"kind": "convertible", "conversion": Conversion(0.3), "rate": 0.0, "maturity": 240}
    in_the_money = 18.0 / 13.0  # what 1 of face is worth at T
    assert value(borrowed(**terms, put=(60, 1.2))) == close(value(borrowed(**terms)))
    more = 1.0 + 0.8 * 48 / 60 - in_the_money
    assert value(borrowed(**terms)) - value(borrowed(**terms, put=(60, 1.8))) == close(1e6 * more)


def test_what_is_called_owes_no_premium_of_a_put() -> None:
    terms: dict[str, Any] = {"rate": 0.0, "maturity": 240, "put": (60, 1.5), "call": Call(((12, 1.0),))}
    found = solved(borrowed(**terms))
    assert found.decisions is not None and found.decisions.called["notes"].sum() == close(1e6)
    assert found.objective == close(2e6)


def test_running_debt_that_stands_at_the_end_is_owed() -> None:
    """A revolver and a loan on coins cost their interest whether they fall due at the horizon or after it."""
    for kind, more in (("revolver", {}), ("btc_loan", {"ltv": 0.5, "top_up": 0.5})):
        values = []
        for month in (12 * T, 12 * (T + 1)):
            problem = tiny(T, cash=0.0, coins=100.0, discount=0.0, coin_fee=0.5, apart_from=9)
            debt = debt_of(problem, "line", kind, maturity=month, limit=3e6, **more)
            problem = replace(problem, debts=(debt,), cash_flows=(stream(problem, [-1e6, 0, 0, 0, 5e6]),))
            values.append(value(problem))
        assert values[1] <= values[0] + 1e-3


# --- projects ---------------------------------------------------------------------------------------------------------

PROJECT = """\
case: {{name: late}}
horizon: {{start: 2026-01, years: 1, period: quarter}}
projects:
  paper: {{{terms}, limit: 1000}}
"""


def project(terms: str, tmp_path: Path) -> Case:
    file = tmp_path / "late.yaml"
    file.write_text(PROJECT.format(terms=terms), encoding="utf-8")
    case = Case.load(str(file))
    case.problem()
    return case


NOW = "{after: 0 months, amount: 1 USD/unit}"


@pytest.mark.parametrize(
    ("terms", "at"),
    [
        (f"returns: [{NOW}, {{after: 9 months, amount: -1.02 USD/unit}}]", "returns[1].amount"),
        (f"returns: [{NOW}, {{after: 9 months, amount: -1.02 USD/unit}}], when: {{until: 2026-07}}", "returns[1].amount"),
        (
            f"returns: [{NOW}, {{after: 1 month, amount: {{knots: {{2026-01: 1 USD/unit, 2027-04: -9 USD/unit}}}}}}]",
            "returns[1].amount",
        ),
        (f"returns: [{NOW}], income: {{amount: -1 USD/unit/year, term: 1 year}}, when: 2026-04", "income.amount"),
        (f"returns: [{NOW}], income: {{amount: -1 USD/unit/year, after: 6 months}}", "income.amount"),
    ],
)
def test_what_a_project_would_pay_after_the_horizon_is_a_mistake(terms: str, at: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError) as raised:
        project(terms, tmp_path)
    assert "late.yaml:4:" in str(raised.value) and f"projects.paper.{at}" in str(raised.value)
    assert "after the end of the horizon" in str(raised.value)


@pytest.mark.parametrize(
    "terms",
    [
        f"returns: [{NOW}, {{after: 9 months, amount: -1.02 USD/unit}}], when: {{until: 2026-04}}",
        f"returns: [{NOW}, {{after: 9 months, amount: 1.02 USD/unit}}]",
        f"returns: [{NOW}], income: {{amount: -1 USD/unit/year, term: 1 year}}, when: 2026-01",
        f"returns: [{NOW}], income: {{amount: -1 USD/unit/year}}, when: {{until: 2026-10}}",
        f"returns: [{NOW}, {{after: 9 months, amount: -1.02 USD/unit}}], when: never",
    ],
)
def test_what_a_project_pays_within_the_horizon_is_none(terms: str, tmp_path: Path) -> None:
    project(terms, tmp_path)


def test_a_project_pays_whatever_it_owes(tmp_path: Path) -> None:
    """Of what is borrowed at 2 % and paid back in time nobody takes a unit."""
    late = f"returns: [{NOW}, {{after: 9 months, amount: -1.02 USD/unit}}], when: {{until: 2026-04}}"
    found = project(late, tmp_path).solve(baseline=False)
    assert found.objective == pytest.approx(0.0, abs=1e-6)
