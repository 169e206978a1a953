"""Energy budgets, emission caps and emission factors: from the case to arrays, and from the answer to limits.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.hours.meters import allowance, yearly_price
from models.problem import Problem
from optimizer.case.case import Case
from optimizer.engine.views.tables import limits, steps
from optimizer.results import folder, read_folder
from tests.shared.places import ROOT

HORIZON = "horizon: {start: 2026-07, years: 2, period: half-year, hours: {every: 25}}\n"
MINER = (
    "market: {btc_price: 100 kUSD/BTC, hashprice: 50 USD/PH/day}\n"
    "rigs: {s21: {hashrate: 60 PH/s, power: 1 MW, price: 12 USD/TH, owned: {tx: 10 MW}}}\n"
    "treasury: {cash: 5 MUSD}\n"
)


@pytest.fixture
def load(tmp_path: Path):  # type: ignore[no-untyped-def]
    def made(text: str, head: str = HORIZON) -> Case:
        path = tmp_path / "case.yaml"
        path.write_text(head + text)
        return Case.load(path)

    return made


def site(text: str, grid: str = "price: 40 USD/MWh, emissions: 0.4 t/MWh") -> str:
    return f"sites: {{tx: {{interconnection: 10 MW, mining_hall: 10 MW, power: {{grid: {{{grid}}}}}, {text}}}}}\n"


def factors(problem: Problem, t: int, s: int = 0) -> np.ndarray:
    grid = problem.sites[0].grid
    assert grid is not None and grid.emissions is not None
    return grid.emissions.values(problem.clock, s, t)


# --- factors ----------------------------------------------------------------------------------------------------------


def test_a_factor_is_a_path_in_time(load) -> None:  # type: ignore[no-untyped-def]
    problem = load(
        site("", "price: 40 USD/MWh, emissions: {start: 400 g/kWh, growth: -10 %/year}, emissions_level: 0.5")
    ).problem()
    for t in range(4):
        assert factors(problem, t) == pytest.approx(0.2 * 0.9 ** ((t + 0.5) / 2))
    knots = "price: 40 USD/MWh, emissions: {knots: {2026-01: 400 kg/MWh, 2028-01: 200 kg/MWh}, interpolate: step}"
    assert [float(factors(load(site("", knots)).problem(), t)[0]) for t in range(4)] == [0.4, 0.4, 0.4, 0.2]


def test_a_factor_may_come_by_the_hour(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    hours = np.arange(8760)
    stamps = np.datetime64("2025-01-01T00", "h") + hours
    rows = [f"{str(stamp).replace('T', ' ')}:00,{300 + hour % 24}" for stamp, hour in zip(stamps, hours, strict=True)]
    (tmp_path / "dirt.csv").write_text("\n".join(["datetime_local,g_kwh", *rows]) + "\n")
    grid = "price: 40 USD/MWh, emissions: {csv: dirt.csv, column: g_kwh, unit: g/kWh}, emissions_level: {start: 1, growth: -10 %/year}"
    problem = load(site("emission_cap: 1 kt/year", grid)).problem()
    clock = problem.clock
    for t in (0, 3):
        expected = (0.3 + clock.hour_index[t] % 24 / 1000.0) * 0.9 ** ((t + 0.5) / 2)
        assert factors(problem, t) == pytest.approx(expected)
    # the same column by its dates, as a path, is one number a period
    (tmp_path / "path.csv").write_text("date,g_kwh\n2026-01,300\n2028-01,200\n")
    by_date = "price: 40 USD/MWh, emissions: {csv: path.csv, column: g_kwh, date_column: date, unit: g/kWh, interpolate: step}"
    assert [float(factors(load(site("", by_date)).problem(), t)[0]) for t in range(4)] == [0.3, 0.3, 0.3, 0.2]


def test_scenarios_have_their_own_factors_and_limits(load) -> None:  # type: ignore[no-untyped-def]
    text = site("emission_cap: {limit: 10 kt/year, price: 50 USD/t}") + (
        "scenarios:\n"
        "  a: {probability: 40 %}\n"
        "  b: {probability: 30 %, scale: {sites.tx.power.grid.emissions: 0.5, sites.tx.emission_cap.limit: 0.8}}\n"
        "  c: {probability: 30 %, set: {sites.tx.power.grid.emissions: {start: 0.3 t/MWh}, sites.tx.emission_cap.price: 90 USD/t}}\n"
    )
    problem = load(text).problem()
    assert [float(factors(problem, 0, s)[0]) for s in range(3)] == pytest.approx([0.4, 0.2, 0.3])
    cap = problem.sites[0].emission_cap
    assert cap is not None and cap.price is not None
    assert cap.amount[:, 0] == pytest.approx([10e3, 8e3, 10e3]) and cap.price[:, 0] == pytest.approx([50.0, 50.0, 90.0])


def test_all_features() -> None:
    problem = Case.load(ROOT / "tests" / "cases" / "all-features.yaml").problem()
    barker, kearney = problem.sites
    assert (barker.blocks[0].emissions, barker.own[0].emissions) == (0.2, 0.45)
    assert barker.diesel is not None and barker.diesel.emissions == 0.7
    years = (np.arange(8) + 0.5) / 4
    assert [factors(problem, t)[0] for t in range(8)] == pytest.approx(0.42 * 0.96**years * (1 - 0.05 * years))
    assert barker.energy_budget is not None and barker.energy_budget.price is not None and barker.energy_budget.of == "use"
    assert (barker.energy_budget.amount == 700e3).all()
    assert barker.energy_budget.price[0] == pytest.approx(45.0 * 1.05**years)
    assert barker.emission_cap is not None and kearney.energy_budget is None and kearney.emission_cap is None
    assert problem.energy_budget is not None and problem.energy_budget.of == "grid" and problem.energy_budget.price is None
    assert problem.emission_cap is not None and problem.emission_cap.amount[0].tolist() == [400e3] * 4 + [380e3] * 4


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_limit_by_the_year_is_prorated(load) -> None:  # type: ignore[no-untyped-def]
    """From July 2026 to July 2028: half of 2026, all of 2027, half of 2028; a bare path is the limit."""
    text = site("emission_cap: {knots: {2026-01: 12 kt/year, 2027-01: 10 kt/year, 2028-01: 8 kt/year}, interpolate: step}")
    cap = load(text).problem().sites[0].emission_cap
    problem = load(text).problem()
    assert cap is not None and cap.price is None
    assert allowance(problem, cap).tolist() == [[6e3, 10e3, 4e3]]
    priced = load(site("energy_budget: {limit: 0.4 TWh/year, of: grid, price: {start: 50 USD/MWh, growth: 20 %/year}}")).problem()
    budget = priced.sites[0].energy_budget
    assert budget is not None and budget.of == "grid"
    assert allowance(priced, budget)[0] == pytest.approx([200e3, 400e3, 200e3])
    middle = 50.0 * 1.2 ** np.array([0.25, 0.75, 1.25, 1.75])
    assert yearly_price(priced, budget)[0] == pytest.approx([middle[0], middle[1:3].mean(), middle[3]])


def test_a_number_beyond_all_bounds_is_told_where_it_is(load) -> None:  # type: ignore[no-untyped-def]
    text = site("") + "limits: {emissions: {limit: {start: 1 Mt/year, growth: 1000 %/year}}}\n"
    with pytest.raises(Exception, match=r"limits"):
        load(text, HORIZON.replace("years: 2", "years: 60"))


@pytest.mark.parametrize("method", ["cuts", "extensive"])
def test_limits_csv(load, tmp_path: Path, method: str) -> None:  # type: ignore[no-untyped-def]
    """10 MW at 0.4 t/MWh emit 35,040 t in 2027; a tonne earns (125 - 40) / 0.4 = 212.50 USD, less 50 to the company's cap."""
    text = site("emission_cap: {knots: {2026-01: 20 kt/year, 2028-01: 90 kt/year}, interpolate: step}") + MINER
    text += "limits: {emissions: {limit: 15 kt/year, price: 50 USD/t}, energy: 900 GWh/year}\n"
    solution = load(text).solve(method=method, baseline=False)
    assert solution.outcome.name == "OPTIMAL", solution.reasons
    table = limits(solution)
    rows = {(r[0], r[1], r[5]): dict(zip(table.header, r, strict=True)) for r in table.rows}
    assert len(rows) == 9 and {r["scenario"] for r in rows.values()} == {"base"}
    full = {"2026": 184 * 24 * 10.0, "2027": 8760 * 10.0, "2028": 182 * 24 * 10.0}
    for year, months in (("2026", 6), ("2027", 12), ("2028", 6)):
        capped = rows["emission_cap", "tx", year]
        used = min(0.4 * full[year], (90e3 if year == "2028" else 20e3) * months / 12)
        assert capped["used"] == pytest.approx(used, rel=1e-9) and capped["price"] is None and capped["paid_usd"] == 0.0
        assert capped["unit"] == "t" and capped["counts"] == "emissions_t"
        assert capped["shadow_price"] == pytest.approx(0.0 if year == "2028" else 162.5, rel=1e-9)
        whole = rows["emission_cap", "(company)", year]
        above = max(used - 15e3 * months / 12, 0.0)
        assert whole["above"] == pytest.approx(above, rel=1e-9) and whole["paid_usd"] == pytest.approx(50.0 * above, rel=1e-9)
        assert whole["allowed"] == pytest.approx(15e3 * months / 12) and whole["shadow_price"] == pytest.approx(50.0, rel=1e-9)
        energy = rows["energy_budget", "(company)", year]
        assert energy["used"] == pytest.approx(used / 0.4, rel=1e-9) and energy["shadow_price"] == 0.0
    paid = [(step.d, step.what, step.where, step.unit) for step in steps(solution) if step.kind == "exceed"]
    assert paid == [(d, "emission cap", "(company)", "t") for d in (1, 3, 4)]
    loaded = read_folder.load(folder.write(solution, tmp_path / "out"))
    assert loaded["limits"]["year"].tolist()[:3] == ["2026", "2027", "2028"]
    assert loaded["limits"]["used"].tolist() == [row[6] for row in table.rows]
    assert loaded["summary"]["kpis"]["emissions_t"] == pytest.approx(
        sum(rows["emission_cap", "tx", y]["used"] for y in full), rel=1e-9
    )
