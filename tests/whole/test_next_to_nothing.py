"""Sites that hold next to nothing, or nothing at all: an answer arrives, and it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from models.benders.cut_pool import CutPool, Rows
from optimizer.case.case import Case
from optimizer.engine.solve import METHODS, solve
from optimizer.engine.values import Outcome
from tests.fuzz.run import quietly
from tests.shared.places import ROOT

CURTAILMENT = ROOT / "tests" / "cases" / "curtailment.yaml"
#: a mine with a thousandth of a watt of grid power, which somebody is paid to take: all it earns is below the solver's tolerance
SPECK = ("horizon.hours={every: 719}", "sites.mine.interconnection=1e-09 MW", "sites.mine.power.grid.price=-20 USD/MWh")

ONLY_WIRE = """\
case: {name: only a wire}
horizon: {start: 2026-01, years: 1, period: year}
market: {btc_price: 100 kUSD/BTC, hashprice: 24 USD/PH/day}
sites: {mine: SITE}
treasury: {cash: 7 USD, dividends: always}
objective: {discount: 0 %/year}
"""


def test_cuts_end_where_all_that_is_missed_is_below_the_solver_s_tolerance(tmp_path: Path) -> None:
    """Once, the same cut was added without end, as the solver held it to be met."""
    rounds: list[float] = []

    def count(stage: str, **numbers: float) -> None:
        if stage == "cuts":
            rounds.append(numbers["round"])

    found = solve(Case.load(CURTAILMENT, None, SPECK), baseline=False, progress=count)
    assert found.outcome is Outcome.OPTIMAL and len(rounds) < 20
    # 1e-9 MW earn 50 USD an hour and MW and 20 - 3 for power: less than a thousandth of a dollar in a year
    assert found.objective == pytest.approx(0.0, abs=1e-9 * 8760 * (50.0 + 17.0))
    sets = [word for one in SPECK for word in ("--set", one)]
    code, told = quietly(["solve", str(CURTAILMENT), *sets, "--out", str(tmp_path), "--quiet", "--no-xlsx"])
    assert code == 0, told


def test_a_cut_is_known_again_to_the_last_bit() -> None:

    def cuts(site: int, slope: float) -> Rows:
        n = np.array([4, 7])
        table = np.full((2, 3), slope)
        table[1] += 1.0
        return Rows(site, n, np.ones(2), np.zeros((2, 0)), table, sparse.csr_array((2, 1)), np.zeros(2))

    pool, first = CutPool(), cuts(0, 0.5)
    for kept, value in (("site", np.zeros(2)), ("block", first.blocks), ("alpha", first.alpha), ("rho", first.rho)):
        getattr(pool, kept).append(value)
    pool.slope.append(first.slope)
    assert pool.holds(first).tolist() == [True, True]
    assert pool.holds(cuts(0, np.nextafter(0.5, 1.0))).tolist() == [False, True]  # 1.5 and half a bit is 1.5
    assert pool.holds(cuts(1, 0.5)).tolist() == [False, False]  # another site
    kept = first.some(np.array([False, True]))
    assert kept.blocks.tolist() == [7] and kept.slope.tolist() == [[1.5] * 3] and pool.holds(kept).tolist() == [True]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "site",
    ["{}", "{interconnection: 10 MW}", "{interconnection: 0 MW, mining_hall: 3 MW}", "{interconnection: 10 MW, delay: 1 month}"],
)
def test_a_site_without_any_use_or_source_has_hours_of_nothing(tmp_path: Path, site: str, method: str) -> None:
    path = tmp_path / "wire.yaml"
    path.write_text(ONLY_WIRE.replace("SITE", site))
    found = solve(Case.load(path), method=method)
    assert found.outcome is Outcome.OPTIMAL and found.objective == pytest.approx(7.0, abs=1e-9)
    code, told = quietly(["solve", str(path), "--out", str(tmp_path), "--quiet", "--no-xlsx", "--method", method])
    assert code == 0, told


def test_a_rule_of_nothing_is_a_mistake_with_its_place(tmp_path: Path) -> None:
    case = ROOT / "cases" / "quickstart.yaml"
    for verb in ("validate", "solve", "explain"):
        out = ["--out", str(tmp_path)] if verb == "solve" else []
        code, told = quietly([verb, str(case), "--set", "rules[0]=null", *out])
        assert code == 2 and "--set:1:10: rules[0]: nothing is given here" in told
