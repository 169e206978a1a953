"""Sites and AI services: each row of models/program/sites.py and models/program/ai_services.py against README sections 3 and 4."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.problem import Block, Diesel, Grid, OwnSource, Payments, Problem
from models.program.master_problem import MasterProblem
from optimizer.engine.solve import solve_problem
from optimizer.engine.values import Outcome
from tests.shared.rows import close, keys, row_is, solved
from tests.shared.tiny import dates, expansion_of, hourly, path, rig_of, service_of, site_of, tiny

BUILT = "built_home_"
RIG = "orders_rig_home"
SIGNED = "signed_tenant_home"
#: USD per MW and year of a rig of 60 PH/s per MW at 50 USD/PH/day on power of 40 USD/MWh
MARGIN = (60.0 * 50.0 / 24.0 - 40.0) * 8760.0


def with_site(problem: Problem, **terms: Any) -> Problem:
    return replace(problem, sites=(site_of(problem, **terms),))


def delays(*periods: int) -> np.ndarray:
    return np.array(periods, dtype=np.int64)


# --- limits of what is ordered ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["expand", "build_mining", "build_ai", "convert"])
def test_all_that_is_ordered_on_a_path_is_within_its_limit_and_reaches_its_minimum(kind: str) -> None:
    """minimum <= sum over dates of what is ordered <= limit; nothing that would be ready at the horizon."""
    problem = tiny(3, scenarios=2)
    master = MasterProblem(with_site(problem, **{kind: expansion_of(problem, lead=1, limit=30.0, minimum=2.0)}))
    assert keys(master, "build_limit") == keys(master, "build_minimum") == [("home", kind, 0), ("home", kind, 1)]
    for s in (0, 1):
        ordered = {f"{BUILT}{kind}[0,0]": 1.0, f"{BUILT}{kind}[{s},1]": 1.0}
        row_is(master, "build_limit", ("home", kind, s), ordered, at_most=30.0)
        row_is(master, "build_minimum", ("home", kind, s), ordered, at_least=2.0)


def test_a_minimum_that_can_no_longer_be_built_is_infeasible() -> None:
    problem = tiny(2)
    late = expansion_of(problem, lead=2, minimum=1.0)
    solution = solve_problem(with_site(problem, build_mining=late), baseline=False)
    assert solution.outcome is Outcome.INFEASIBLE
    assert "build minimum" in solution.reasons[0]


# --- halls ------------------------------------------------------------------------------------------------------------


def test_rigs_stand_in_halls_that_are_ready_in_their_scenario() -> None:
    """sum_r K[r, d] <= mining_mw + built at dates <= d - lead - delay[s]; rows by scenario where delays differ."""
    problem = tiny(3, scenarios=2, apart_from=4)  # one tree node per date: everything is decided once
    problem = with_site(problem, delay=delays(0, 1), build_mining=expansion_of(problem, lead=1))
    master = MasterProblem(replace(problem, rigs=(rig_of(problem, owned=np.array([5.0])),)))
    assert keys(master, "mining_hall") == [("home", s, d) for s in (0, 1) for d in range(3)]
    rigs: dict[str, float] = {}
    ready = {(0, 0): (), (1, 0): (), (0, 1): (0,), (1, 1): (), (0, 2): (0, 1), (1, 2): (0,)}
    for d in range(3):
        rigs |= {f"{RIG}[0,{d}]": 1.0, f"retired_rig_home[0,{d}]": -1.0}
        for s in (0, 1):
            halls = {f"{BUILT}build_mining[0,{e}]": -1.0 for e in ready[s, d]}
            row_is(master, "mining_hall", ("home", s, d), rigs | halls, at_most=60.0 - 5.0, through=("fleet",))


def test_one_row_of_a_hall_per_node_where_the_delay_is_the_same() -> None:
    problem = tiny(3, scenarios=2, apart_from=2)
    master = MasterProblem(
        with_site(problem, delay=delays(1, 1), build_mining=expansion_of(problem), build_ai=expansion_of(problem))
    )
    assert keys(master, "mining_hall") == [("home", 0, 1), ("home", 0, 2), ("home", 1, 2)]  # at date 0 nothing can be ready
    row_is(master, "mining_hall", ("home", 0, 1), {f"{BUILT}build_mining[0,0]": -1.0}, at_most=60.0)
    both = {f"{BUILT}build_ai[0,0]": -1.0, f"{BUILT}build_ai[0,1]": -1.0}
    row_is(master, "ai_hall", ("home", 1, 2), both, at_most=20.0)


def test_conversion_takes_the_mining_hall_at_once_and_gives_the_ai_hall_when_ready() -> None:
    """mining_hall[d] = mining_mw + ready - mining_per_ai * (convert ordered at dates <= d) >= 0; ai_hall = ai_mw + ready."""
    problem = tiny(3, scenarios=2)
    site = {"convert": expansion_of(problem, lead=1), "build_ai": expansion_of(problem, lead=0), "mining_per_ai": 1.6}
    problem = with_site(problem, **site, build_mining=expansion_of(problem, lead=2))
    problem = replace(problem, rigs=(rig_of(problem),))
    master = MasterProblem(replace(problem, services=(service_of(problem, term=2),)))
    for s in (0, 1):
        key = ("home", s, 1)
        taken = {f"{BUILT}convert[0,0]": 1.6, f"{BUILT}convert[{s},1]": 1.6}
        rigs = {f"{RIG}[0,0]": 1.0, f"{RIG}[{s},1]": 1.0, "retired_rig_home[0,0]": -1.0, f"retired_rig_home[{s},1]": -1.0}
        row_is(master, "mining_hall", key, rigs | taken, at_most=60.0, through=("fleet",))
        row_is(master, "mining_hall_left", key, {name: -c for name, c in taken.items()}, at_least=-60.0)
        signed = {f"{SIGNED}[0,0]": 1.0, f"{SIGNED}[{s},1]": 1.0}
        ready = {f"{BUILT}build_ai[0,0]": -1.0, f"{BUILT}build_ai[{s},1]": -1.0, f"{BUILT}convert[0,0]": -1.0}
        row_is(master, "ai_hall", key, signed | ready, at_most=20.0)
    # at date 2 the contracts of date 0 are over (term 2); a conversion ordered then would be ready at the horizon only
    signed = {f"{SIGNED}[0,1]": 1.0, f"{SIGNED}[0,2]": 1.0}
    ready = {f"{BUILT}build_ai[0,{d}]": -1.0 for d in range(3)} | {f"{BUILT}convert[0,{d}]": -1.0 for d in range(2)}
    row_is(master, "ai_hall", ("home", 0, 2), signed | ready, at_most=20.0)
    left = {f"{BUILT}build_mining[0,0]": 1.0} | {f"{BUILT}convert[0,{d}]": -1.6 for d in range(2)}
    row_is(master, "mining_hall_left", ("home", 0, 2), left, at_least=-60.0)


def test_a_late_hall_costs_its_scenario_a_year() -> None:
    """30 MW of hall for 30 MW of free rigs; half the time the hall is a year late: its margin of period 1 is lost."""
    problem = tiny(3, scenarios=2, apart_from=4)
    hall = expansion_of(problem, cost=0.1e6, lead=1, limit=30.0)
    problem = with_site(problem, mining_mw=0.0, delay=delays(0, 1), build_mining=hall)
    # rigs bought at date 1 would have no hall in the late scenario: all are bought at date 2, when both have one
    problem = replace(problem, rigs=(rig_of(problem, price=0.0, resale=0.0, limit=30.0),))
    assert close(solved(problem).objective, 1e9 + 30.0 * (MARGIN * 1.08**-3 - 0.1e6))
    # where the delay is known at date 1, the punctual scenario runs a year longer
    apart = replace(problem, scenarios=tiny(3, scenarios=2).scenarios)
    expected = 1e9 + 30.0 * (MARGIN * (1.08**-3 + 0.5 * 1.08**-2) - 0.1e6)
    assert close(solved(apart).objective, expected)


def test_money_of_sites() -> None:
    """Instalments at the cost of the order's date; fixed costs of the site and of halls that are ready, a period later;
    halls count at the horizon by their share of cost."""
    problem = tiny(2, months=6, scenarios=2, cash=0.0)
    terms = {
        "fixed_cost": path([[4e6, 5e6]], 2, 2),
        "mining_cost": 2e4,
        "ai_cost": 5e4,
        "delay": delays(0, 0),
        "build_mining": expansion_of(problem, cost=[1e6, 0.9e6, 0.8e6], payments=Payments(((0, 1.0),))),
        "convert": expansion_of(problem, cost=[3e6, 2e6, 1e6], lead=1, payments=Payments(((0, 0.4), (1, 0.6)))),
        "expand": expansion_of(problem, cost=0.5e6),
    }
    problem = with_site(problem, price=None, **terms)
    problem = replace(problem, terminal=replace(problem.terminal, halls=0.5, interconnection=0.25))
    master = MasterProblem(problem)
    m, c, x = (f"{BUILT}{kind}" for kind in ("build_mining", "convert", "expand"))
    # period 0: 60 MW + built - 1.25 * converted, 20 MW of AI hall
    half = 0.5
    fixed = -half * (4.0 + 0.02 * 60.0 + 0.05 * 20.0)
    costs = {"operating_cash[0,1]": 1.0, "margin[home,0,0]": -1.0, f"{m}[0,0]": half * 0.02, f"{c}[0,0]": -half * 0.02 * 1.25}
    row_is(master, "operating_cash", (0, 1), costs, equal=fixed)
    fixed = -half * (5.0 + 0.02 * 60.0 + 0.05 * 20.0)
    costs = {"operating_cash[1,2]": 1.0, "margin[home,1,1]": -1.0, f"{m}[0,0]": half * 0.02, f"{m}[1,1]": half * 0.02}
    costs |= {f"{c}[0,0]": half * (0.05 - 0.02 * 1.25)}
    row_is(master, "operating_cash", (1, 2), costs, equal=fixed)
    paid = {"cash[1,1]": 1.0, "cash[1,0]": -1.0, "dividends[1,1]": 1.0, "operating_cash[1,1]": -1.0}
    row_is(master, "cash", (1, 1), paid | {f"{m}[1,1]": 0.9, f"{x}[1,1]": 0.5, f"{c}[0,0]": 0.6 * 3.0}, equal=0.0)
    worth = {
        f"{m}[0,0]": 0.5 * 1.0,
        f"{m}[1,1]": 0.5 * 0.9,
        f"{c}[0,0]": 0.5 * 3.0,
        f"{x}[0,0]": 0.25 * 0.5,
        f"{x}[1,1]": 0.25 * 0.5,
    }
    value = {"value[1]": 1.0, "cash[1,2]": -1.0 / 1.08, "dividends[0,0]": -1.0}
    value |= {"dividends[1,1]": -(1.08**-0.5), "dividends[1,2]": -1.0 / 1.08}
    row_is(master, "value", 1, value | {name: -v / 1.08 for name, v in worth.items()}, equal=0.0)


def test_what_runs_after_the_horizon_fits_the_halls_of_the_last_period() -> None:
    """sum_j C[t] <= ai_hall[T-1], t >= T, where some contract grows: by a ramp (of a cloud too) or by a start that a delay moves to T."""
    problem = tiny(3, scenarios=2, apart_from=4)
    problem = with_site(problem, delay=delays(0, 1), build_ai=expansion_of(problem, lead=1))
    lease = service_of(problem, term=3, contracted=np.array([5.0]), contracted_term=4)
    cloud = service_of(problem, "cloud", "cloud", term=3, ramp=(0.3,))
    master = MasterProblem(replace(problem, services=(lease, cloud)))
    assert keys(master, "ai_hall_after") == [("home", 0, 2, 0), ("home", 1, 2, 0), ("home", 1, 2, 1)]
    built = f"{BUILT}build_ai"
    # period 3, punctual: contracts of dates 1 and 2, those of date 0 are over; the MW contracted at date 0 are still there
    mw = {f"{name}_home[0,{d}]": 1.0 for name in ("signed_tenant", "signed_cloud") for d in (1, 2)}
    row_is(master, "ai_hall_after", ("home", 0, 2, 0), mw | {f"{built}[0,0]": -1.0, f"{built}[0,1]": -1.0}, at_most=15.0)
    # late: those of date 2 begin in period 3, and the cloud's ramp is complete in period 4; halls ordered at date 1 are not there yet
    late = {f"signed_tenant_home[0,{d}]": 1.0 for d in range(3)}
    late |= {f"signed_cloud_home[0,{d}]": 0.3 if d == 2 else 1.0 for d in range(3)}
    row_is(master, "ai_hall_after", ("home", 1, 2, 0), late | {f"{built}[0,0]": -1.0}, at_most=15.0)
    row_is(master, "ai_hall_after", ("home", 1, 2, 1), mw | {f"{built}[0,0]": -1.0}, at_most=20.0)


def test_what_must_be_served_after_the_horizon_finds_its_power() -> None:
    """floor * gross * mean demand * C[t] <= interconnection[T-1] * availability + own + diesel; services without a floor are not in it."""
    problem = tiny(2, hours=2)
    share = hourly(problem, [1.0, 0.6])
    grid = Grid(hourly(problem, 40.0), hourly(problem, 0.0), availability=share)
    own = OwnSource("river", np.array([0.0, 30.0]), hourly(problem, [0.5, 0.3]), path(5.0, 1, 2))
    diesel = Diesel("diesel", np.array([0.0, 7.0]), path(300.0, 1, 2))
    problem = with_site(problem, grid=grid, own=(own,), diesel=diesel, expand=expansion_of(problem))
    firm = service_of(
        problem, ramp=(0.2,), floor=0.9, demand=hourly(problem, [1.0, 0.5]), contracted=np.array([4.0]), contracted_term=3
    )
    loose = service_of(problem, "loose", ramp=(0.1,))
    master = MasterProblem(replace(problem, services=(firm, loose)))
    need, line = 0.9 * 0.75 * 1.25, 0.8
    terms = {f"{SIGNED}[0,{d}]": need for d in range(2)} | {f"{BUILT}expand[0,{d}]": -line for d in range(2)}
    given = line * 100.0 + 30.0 * 0.4 + 7.0 - need * 4.0
    assert keys(master, "service_floor_after") == [("home", 0, 1, 0)]
    row_is(master, "service_floor_after", ("home", 0, 1, 0), terms, at_most=given)


# --- contracted blocks ------------------------------------------------------------------------------------------------


def test_blocks_fit_the_interconnection() -> None:
    """interconnection[s, t] = interconnection_mw + expand ordered at dates <= t - lead - delay[s] >= sum of block MW."""
    problem = tiny(3, scenarios=2)
    blocks = (Block("one", np.array([70.0, 75.0, 80.0]), path(30.0, 2, 3)), Block("two", np.full(3, 45.0), path(30.0, 2, 3)))
    master = MasterProblem(with_site(problem, blocks=blocks, delay=delays(0, 1), expand=expansion_of(problem, lead=1)))
    x = f"{BUILT}expand"
    row_is(master, "blocks_fit", ("home", 0, 1), {f"{x}[0,0]": 1.0}, at_least=75.0 + 45.0 - 100.0)
    row_is(master, "blocks_fit", ("home", 0, 2), {f"{x}[0,0]": 1.0, f"{x}[0,1]": 1.0}, at_least=80.0 + 45.0 - 100.0)
    row_is(master, "blocks_fit", ("home", 1, 2), {f"{x}[0,0]": 1.0}, at_least=80.0 + 45.0 - 100.0)
    # a demand without a variable is kept, so that it is proved infeasible
    row_is(master, "blocks_fit", ("home", 0, 0), {"nothing[blocks_fit,(home,0,0)]": 1.0}, at_least=70.0 + 45.0 - 100.0)


def test_a_block_makes_the_expansion_necessary() -> None:
    """110 MW of block from period 1 on at 100 MW: 10 MW are ordered at date 0, at 0.5 MUSD each; its power is of no use."""
    problem = tiny(2)
    block = Block("one", np.array([0.0, 110.0]), path(30.0, 1, 2))
    expand = expansion_of(problem, cost=0.5e6, lead=1)
    problem = with_site(problem, blocks=(block,), expand=expand)
    paid = 110.0 * 30.0 * 8760.0
    # what pays for the block at date 2 is kept from date 0
    assert close(solved(problem).objective, 1e9 - 10.0 * 0.5e6 - paid)
    # without a grid connection nothing else than the block needs the line
    stuck = replace(problem, sites=(replace(problem.sites[0], expand=None, grid=None),))
    solution = solve_problem(stuck, baseline=False)
    assert solution.outcome is Outcome.INFEASIBLE
    assert "blocks fit" in solution.reasons[0]


# --- AI services ------------------------------------------------------------------------------------------------------


def test_signed_and_running_contracts_are_what_the_tenant_wants() -> None:
    """minimum - sum contracted <= sum over sites and dates A <= limit - sum contracted."""
    problem = tiny(2, scenarios=2)
    problem = replace(problem, sites=(site_of(problem, "home"), site_of(problem, "away")))
    tenant = service_of(problem, limit=40.0, minimum=25.0, contracted=np.array([8.0, 2.0]), contracted_term=1)
    master = MasterProblem(replace(problem, services=(tenant,)))
    for s in (0, 1):
        signed = {f"signed_tenant_{place}[{k},{d}]": 1.0 for place in ("home", "away") for k, d in ((0, 0), (s, 1))}
        row_is(master, "service_limit", ("tenant", s), signed, at_most=30.0)
        row_is(master, "service_minimum", ("tenant", s), signed, at_least=15.0)
    assert keys(master, "service_minimum") == [("tenant", 0), ("tenant", 1)]


def test_contracted_capacity_ramps_up_and_ends() -> None:
    """C[t] = contracted * (t < contracted_term) + sum_d A[d] * ramp[t - a] for a <= t < a + term, a = d + lead + delay[s]."""
    problem = tiny(5, scenarios=2, apart_from=7)
    problem = with_site(problem, delay=delays(0, 1))
    terms = {"lead": 1, "term": 2, "ramp": (0.4,), "contracted": np.array([6.0]), "contracted_term": 2}
    master = MasterProblem(replace(problem, services=(service_of(problem, **terms),)))
    expected = {
        (0, 1): {0: 0.4},
        (0, 2): {0: 1.0, 1: 0.4},
        (0, 3): {1: 1.0, 2: 0.4},
        (0, 4): {2: 1.0, 3: 0.4},
        (1, 2): {0: 0.4},
        (1, 3): {0: 1.0, 1: 0.4},
        (1, 4): {1: 1.0, 2: 0.4},
    }
    for (s, t), shares in expected.items():
        running = 6.0 if t < 2 else 0.0
        terms_by_hand = {f"{SIGNED}[0,{d}]": share for d, share in shares.items()}
        row_is(master, "ai_hall", ("home", s, t), terms_by_hand, at_most=20.0 - running)


def test_rent_rises_on_each_anniversary_and_is_paid_for_what_runs() -> None:
    """rate * dt * MW * ramp * (1 + escalator) ** floor(months from the start / 12), less fixed cost, settled at t + 1."""
    problem = with_site(tiny(5, months=6, scenarios=1))
    rate = [1.5e6, 1.6e6, 1.7e6, 1.8e6, 1.9e6]
    terms = {"term": 4, "ramp": (0.5,), "escalator": 0.03, "fixed_cost": 2e4, "contracted": np.array([6.0]), "contracted_term": 3}
    tenant = service_of(problem, rate=rate, reimbursed=None, **terms)
    master = MasterProblem(replace(problem, services=(tenant,)))
    half = 0.5

    def operating(t: int, ramp_and_steps: dict[int, tuple[float, int]], running: float) -> None:
        signed = {f"{SIGNED}[0,{d}]": -half * r * (rate[t] / 1e6 * 1.03**n - 0.02) for d, (r, n) in ramp_and_steps.items()}
        cash = {f"operating_cash[0,{t + 1}]": 1.0, f"margin[home,0,{t}]": -1.0}
        row_is(master, "operating_cash", (0, t + 1), cash | signed, equal=running)

    operating(0, {0: (0.5, 0)}, half * 6.0 * (1.5 - 0.02))
    operating(2, {0: (1.0, 1), 1: (1.0, 0), 2: (0.5, 0)}, half * 6.0 * (1.7 * 1.03 - 0.02))
    # in period 4 the contract of date 0 is over; those of dates 1 and 2 have had an anniversary
    operating(4, {1: (1.0, 1), 2: (1.0, 1), 3: (1.0, 0), 4: (0.5, 0)}, 0.0)


def test_rent_after_the_horizon_counts_at_the_horizon() -> None:
    """share * remaining rent at rate[T-1], escalated, by the ramp, in steps of the last period discounted at contract_rate."""
    problem = with_site(tiny(2, scenarios=2, cash=0.0, apart_from=4), delay=delays(0, 1), price=None)
    tenant = service_of(problem, rate=[1e6, 2e6], term=3, lead=1, ramp=(0.5, 0.5), escalator=0.1, reimbursed=None)
    tenant = replace(tenant, contracted=np.array([4.0]), contracted_term=4, window=dates(problem, 0))
    problem = replace(problem, services=(tenant,), terminal=replace(problem.terminal, contracts=0.8, contract_rate=0.12))
    master = MasterProblem(problem)
    paid = {f"dividends[0,{d}]": -(1.08**-d) for d in range(3)}
    # signed at date 0, started at date 1 (scenario 0): periods 2 and 3 remain, in its second and third year
    rest = 0.8 * 2.0 * (0.5 * 1.1 / 1.12 + 1.1**2 / 1.12**2)
    # a year late: started at date 2, all three periods remain
    late = 0.8 * 2.0 * (0.5 / 1.12 + 0.5 * 1.1 / 1.12**2 + 1.1**2 / 1.12**3)
    # contracted: years counted from date 0, periods 2 and 3 remain
    running = 4.0 * 0.8 * 2.0 * (1.1**2 / 1.12 + 1.1**3 / 1.12**2)
    for s, worth in ((0, rest), (1, late)):
        terms = {f"value[{s}]": 1.0, f"cash[{s},2]": -(1.08**-2), f"{SIGNED}[0,0]": -worth * 1.08**-2}
        row_is(master, "value", s, terms | paid, equal=running * 1.08**-2)


def test_equipment_is_paid_by_instalments_and_counts_at_the_horizon() -> None:
    problem = with_site(tiny(2, cash=0.0), price=None)
    equipment = path([10e6, 9e6, 8e6], 1, 3)
    tenant = service_of(
        problem, equipment=equipment, rate=0.0, lead=1, reimbursed=None, payments=Payments(((0, 0.25), (1, 0.75)))
    )
    problem = replace(problem, services=(tenant,), terminal=replace(problem.terminal, equipment=0.3))
    master = MasterProblem(problem)
    row_is(master, "cash", (0, 0), {"cash[0,0]": 1.0, "dividends[0,0]": 1.0, f"{SIGNED}[0,0]": 2.5}, equal=0.0)
    later = {"cash[0,1]": 1.0, "cash[0,0]": -1.0, "dividends[0,1]": 1.0, "operating_cash[0,1]": -1.0, f"{SIGNED}[0,0]": 7.5}
    row_is(master, "cash", (0, 1), later, equal=0.0)
    paid = {f"dividends[0,{d}]": -(1.08**-d) for d in range(3)}
    worth = {"value[0]": 1.0, "cash[0,2]": -(1.08**-2), f"{SIGNED}[0,0]": -0.3 * 10.0 * 1.08**-2}
    row_is(master, "value", 0, worth | paid, equal=0.0)


def test_ai_hall_binds() -> None:
    """20 critical MW of hall, tenants for 50: the optimum is 20 MW times the rent, at once."""
    problem = with_site(tiny(3))
    tenant = service_of(problem, rate=1.5e6)
    solution = solved(replace(problem, services=(tenant,)))
    rent = 20.0 * 1.5e6 * sum(1.08**-d for d in (1, 2, 3))
    assert close(solution.objective, 1e9 + rent)
