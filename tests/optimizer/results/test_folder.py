"""The result folder: complete or not at all, the same bytes, numbers that tie to the books, cells that stay text."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import itertools
import json
import math
import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.finance.rates import irr, multiple, paid_in, return_rate, shareholder_flows
from models.problem import (
    Clock,
    Debt,
    Equity,
    Expansion,
    Grid,
    Hourly,
    Market,
    Objective,
    Problem,
    Rig,
    Rule,
    Scenarios,
    Site,
    Tax,
    Treasury,
)
from optimizer.case.case import Case
from optimizer.engine import solve as engine
from optimizer.engine.solution import Solution
from optimizer.engine.values import Outcome
from optimizer.engine.views import tables
from optimizer.results import folder as results
from optimizer.results.read_folder import load
from optimizer.results.serialise import ResultError, _cell, to_json
from optimizer.runtime import files

S, T, D = 2, 4, 5


def problem() -> Problem:
    """A small miner: one site, one rig, notes and owners' money, two scenarios, names that are formulas or markup."""

    def flat(value: float, length: int = T) -> np.ndarray:
        return np.full((S, length), float(value))

    def hours(profile: np.ndarray, factor: float = 1.0) -> Hourly:
        return Hourly(profile[None, :], np.zeros(S, dtype=np.int64), flat(factor), flat(0.0))

    index = tuple(np.arange(t * 2184, (t + 1) * 2184, 25 * 7) for t in range(T))
    length = np.array([90, 91, 92, 92]) * 24.0
    clock = Clock(
        np.array([3, 3, 3, 3]), 2026 * 12, length, index,
        tuple(np.full(len(kept), total / len(kept)) for kept, total in zip(index, length, strict=True)),
    )  # fmt: skip
    always, first = np.ones(D, dtype=bool), np.arange(D) == 0
    early = np.arange(D) <= 2
    bitcoin = np.array([[80e3] * D, [80e3, 70e3, 60e3, 50e3, 40e3]])
    wave = 30.0 + 20.0 * np.sin(np.arange(8784) / 24 * 2 * np.pi)
    return Problem(
        "small",
        clock,
        Scenarios(("up", "=down()"), np.array([0.6, 0.4]), np.array([[0, 1, 3, 5, 7], [0, 2, 4, 6, 8]])),
        Market(bitcoin, (bitcoin[:, 1:] + bitcoin[:, :-1]) / 2, np.array([[50.0] * T, [50.0, 45.0, 40.0, 35.0]])),
        Treasury(2e6, 0.0, flat(0.02), np.full(T, 0.2), 0.005, always, always, rescue_penalty=1.0),
        Objective(0.1, 0.25, 0.4),
        flat(1e5),
        sites=(
            Site("=barker", 10.0, 10.0, 0.0, 1.3, 1.0, np.zeros(S, dtype=np.int64), flat(1e5), 0.0, 0.0,
                 expand=Expansion(flat(2e5, D), first, 1, 5.0), grid=Grid(hours(wave), hours(0.0 * wave))),
        ),
        rigs=(
            Rig("s21-pro", 58.8, 0.97, 0.01, 1.0, 0.0, flat(0.7e6, D), flat(4e5, D), early, 1, 20, np.full(D, 8.0),
                20.0, np.array([2.0]), 20, np.array([True])),
        ),
        debts=(
            Debt("[red]notes[/red]", "notes", first, 3e6, np.full(D, np.inf), flat(0.08), tenor=24, price=0.98,
                 fee=0.01),
        ),
        equities=(Equity("@owners", early, 3e6, np.full(D, np.inf)),),
        tax=Tax(0.21, 0.0, 0.8, np.zeros(T)),
        rules=(
            Rule("=cmd()|' /C calc'!A0", "liquidity >= 1 MUSD", {("liquidity", None): flat(1.0, D)}, ">=", flat(1e6, D),
                 np.ones((S, D), dtype=bool), source="small.yaml:3:4"),
        ),
    )  # fmt: skip


@lru_cache(maxsize=1)
def solved() -> Solution:
    """That problem solved and proved by the engine, dressed as a case."""
    case: Any = SimpleNamespace(name="small", variant=None, digest="d" * 64, horizon_note=None, problem=problem)
    solution = engine.solve(case)
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    assert solution.books is not None and solution.decisions is not None
    return solution


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with open(folder / name, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ---------------------------------------------------------------------------------------------------------------------


def test_the_folder_is_complete_and_its_manifest_true(tmp_path: Path) -> None:
    folder = results.write(solved(), tmp_path)
    assert folder == tmp_path / "small" / "base"
    assert {path.name for path in folder.iterdir()} == {
        "summary.json", "plan.csv", "financing.csv", "scenarios.csv", "statements.csv", "covenants.csv",
        "shadow_prices.csv", "dispatch_monthly.csv", "limits.csv", "timings.json", "manifest.json", "report.json", "report.html",
        "income_statement.csv", "cash_flow.csv", "balance_sheet.csv", "sources_uses.csv", "debt_schedules.csv", "tax.csv",
        "credit_ratios.csv", "cap_table.csv", "returns.csv",
        "cost_of_capital.csv", "npv_bridge.csv",
    }  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["digest"] == "d" * 64
    assert manifest["not_reproducible"] == ["timings.json"]
    listed = manifest["files"]
    assert set(listed) == {p.name for p in folder.iterdir()} - {"timings.json", "manifest.json"}
    for name, entry in listed.items():
        data = (folder / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert [path.name for path in tmp_path.rglob("*.tmp")] == []


def test_same_case_same_bytes_whatever_the_timings(tmp_path: Path) -> None:
    solution = solved()
    first = tree(results.write(solution, tmp_path / "a", dispatch=True))
    second = tree(results.write(replace(solution, timings={"solve": 99.0}), tmp_path / "b", dispatch=True))
    assert first.pop("timings.json") != second.pop("timings.json")
    assert first == second
    assert b"99.0" not in b"".join(second.values())


def test_summary_is_the_books_four_numbers_and_ledger(tmp_path: Path) -> None:
    solution = solved()
    books = solution.books
    assert books is not None
    told = json.loads((results.write(solution, tmp_path) / "summary.json").read_text())
    assert [told[key] for key in ("expected_npv", "var", "cvar")] == [books.expected, books.var, books.cvar]
    assert told["objective"] == pytest.approx(0.75 * told["expected_npv"] + 0.25 * told["cvar"], rel=1e-12)
    assert told["status"] == "optimal" and told["residuals"]["verified"] is True and told["gap"] <= 1e-7
    assert sum(told["ledger"]["expected"].values()) == pytest.approx(told["expected_npv"], rel=1e-12)
    for s, name in enumerate(("up", "=down()")):
        assert sum(told["ledger"]["scenarios"][name].values()) == pytest.approx(books.value[s], rel=1e-12)
        assert told["scenarios"][name]["npv"] == books.value[s]
    assert told["kpis"]["npv"] == pytest.approx(told["expected_npv"], rel=1e-12)
    assert set(told["versions"]) == {"wattfolio", "highspy", "pyomo", "python"}
    assert "timings" not in told


def test_plan_has_one_row_per_node_with_the_scenarios_that_share_it(tmp_path: Path) -> None:
    solution = solved()
    decisions = solution.decisions
    assert decisions is not None
    plan = rows(results.write(solution, tmp_path), "plan.csv")
    bought = [row for row in plan if row["kind"] == "buy rigs"]
    assert bought and bought[0]["date"] == "2026-01-01" and bought[0]["scenarios"] == "all"
    assert bought[0]["what"] == "s21-pro" and bought[0]["where"] == "'=barker" and bought[0]["unit"] == "MW"
    odds = {"up": 0.6, "'=down()": 0.4, "all": 1.0}
    for kind, values in (("dividend", decisions.dividends), ("sell coins", decisions.sold)):
        expected = sum(odds[row["scenarios"]] * float(row["amount"]) for row in plan if row["kind"] == kind)
        assert expected == pytest.approx(float(np.array([0.6, 0.4]) @ values.sum(axis=1)), abs=1.0)
        assert expected > 0.0
    issued = [row for row in plan if row["kind"] == "issue"]
    assert {row["what"] for row in issued} == {"[red]notes[/red]", "'@owners"}
    assert [row["date"] for row in plan] == sorted(row["date"] for row in plan)


def test_scenarios_sharing_a_node_but_not_an_amount_get_rows_of_their_own() -> None:
    small = problem()
    values = np.zeros((S, D))
    values[:, 0] = [5.0, 7.0]
    values[0, 1] = 1e-9
    assert list(tables.by_node(small, values, 1e-6)) == [(0, (0,), 5.0), (0, (1,), 7.0)]
    values[:, 0] = 5.0
    assert list(tables.by_node(small, values, 1e-6)) == [(0, (0, 1), 5.0)]
    values[:, 2] = 5.0  # equal by chance at different nodes: two decisions
    assert [members for d, members, _ in tables.by_node(small, values, 1e-6) if d == 2] == [(0,), (1,)]


def test_debt_rolls_forward_in_financing_csv(tmp_path: Path) -> None:
    table = rows(results.write(solved(), tmp_path), "financing.csv")
    notes = [row for row in table if row["instrument"] == "[red]notes[/red]" and row["scenario"] == "up"]
    assert notes and float(notes[0]["issued"]) > 1e5
    for before, after in itertools.pairwise(notes):
        assert float(after["opening"]) == pytest.approx(float(before["closing"]))


def test_statements_tie_and_numbers_read_back_exactly(tmp_path: Path) -> None:
    solution = solved()
    books = solution.books
    assert books is not None
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in rows(results.write(solution, tmp_path), "statements.csv"):
        found.setdefault((row["statement"], row["line"], row["scenario"]), []).append(float(row["value"]))
    statements = {"income": books.income, "cash_flow": books.cash_flow, "balance_sheet": books.balance_sheet}
    for name, lines in statements.items():
        for line, values in lines.items():
            assert found[name, line, "up"] == (values[0] + 0.0).tolist()
            assert found[name, line, "'=down()"] == (values[1] + 0.0).tolist()
    assert len(found["tax", "tax", "up"]) == solution.problem.clock.tax_years


def test_dispatch_tables_agree_with_each_other_and_the_books(tmp_path: Path) -> None:
    import pandas as pd

    solution = solved()
    books = solution.books
    assert books is not None
    folder = results.write(solution, tmp_path, dispatch=True)
    monthly = rows(folder, "dispatch_monthly.csv")
    used = {row["name"] for row in monthly if row["kind"] == "use"}
    assert used == {"rig:s21-pro"} and {row["name"] for row in monthly if row["kind"] == "source"} == {"grid"}
    for row in monthly:
        assert float(row["average_mw"]) * float(row["hours"]) == pytest.approx(float(row["mwh"]))
        assert 0.0 <= float(row["hours_on"]) <= float(row["hours"]) + 1e-6
    hourly = pd.read_parquet(io.BytesIO((folder / "dispatch.parquet").read_bytes()))
    energy = (hourly["mw"] * hourly["weight"]).groupby([hourly["name"], hourly["scenario"]], observed=True).sum()
    for s, name in enumerate(("up", "=down()")):
        assert energy["rig:s21-pro", name] == pytest.approx(books.power["=barker", "rig:s21-pro"][s].sum())
    assert str(hourly["site"].iloc[0]) == "=barker"


def test_no_cell_is_a_formula_and_load_gives_the_names_back(tmp_path: Path) -> None:
    folder = results.write(solved(), tmp_path)
    for path in folder.glob("*.csv"):
        with open(path, newline="", encoding="utf-8") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    if cell[:1] in ("=", "+", "@", "\t", "\r", "-"):
                        float(cell)  # nothing but a number may begin so
    loaded = load(folder)
    assert set(loaded["covenants"]["name"]) == {"=cmd()|' /C calc'!A0"}
    assert set(loaded["scenarios"]["scenario"]) == {"up", "=down()"}
    assert loaded["scenarios"]["npv"].tolist() == solved().books.value.tolist()  # type: ignore[union-attr]
    assert loaded["summary"]["case"] == "small"


def test_a_cell_is_written_so_that_it_reads_back() -> None:
    for value in (0.1, 1e-300, -1.5, 1 / 3, 1e22):
        assert float(_cell(value)) == value
    assert _cell(-0.0) == "0.0" and _cell(np.float64(2.5)) == "2.5"
    assert _cell(math.nan) == "" and _cell(None) == "" and _cell(math.inf) == ""
    assert _cell("-1+2") == "'-1+2" and _cell("plain") == "plain" and _cell("'x") == "''x"
    assert json.loads(to_json({"a": math.nan, "b": [np.float64(1.5), True, None, 3], "c": "\ud800"})) == {
        "a": None, "b": [1.5, True, None, 3], "c": "?",
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Complete or not at all


def test_a_second_result_replaces_the_first_as_a_whole(tmp_path: Path) -> None:
    folder = results.write(solved(), tmp_path, dispatch=True)
    results.attach(folder, "workbook.xlsx", b"of the earlier result")
    results.write(solved(), tmp_path)
    assert not (folder / "workbook.xlsx").exists() and not (folder / "dispatch.parquet").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["base"]


@pytest.mark.parametrize("where", ["write", "sync", "rename", "exchange"])
def test_a_full_disk_at_any_moment_leaves_the_earlier_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    folder = results.write(solved(), tmp_path)
    before = tree(tmp_path)
    full = OSError(errno.ENOSPC, "No space left on device")
    if where == "write":
        write, count = files.write_new, iter(range(100))

        def failing(path: Path, data: bytes) -> None:
            if next(count) == 5:
                raise full
            write(path, data)

        monkeypatch.setattr(files, "write_new", failing)
    elif where == "sync":
        monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(full))
    elif where == "exchange":
        monkeypatch.setattr(results, "exchange", lambda one, other: (_ for _ in ()).throw(full))
    else:
        monkeypatch.setattr(results, "exchange", lambda one, other: False)  # a system that takes two steps
        rename = Path.rename

        def refusing(self: Path, target: Path) -> Path:
            if target == folder and not (self / "mark").exists() and self.name.endswith(".tmp") and not aside:
                aside.append(self)
                raise full
            return rename(self, target)

        aside: list[Path] = []
        monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(ResultError, match="No space left"):
        results.write(replace(solved(), timings={}), tmp_path)
    assert tree(tmp_path) == before
    assert [path.name for path in folder.parent.iterdir()] == ["base"]


def test_an_interrupt_leaves_the_earlier_result_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = results.write(solved(), tmp_path)
    before = tree(tmp_path)
    monkeypatch.setattr(results, "_sync", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        results.write(solved(), tmp_path)
    assert tree(tmp_path) == before and [path.name for path in folder.parent.iterdir()] == ["base"]


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "small" / "base"
    mine.mkdir(parents=True)
    (mine / "thesis.tex").write_text("ten years of work")
    with pytest.raises(ResultError, match="left alone"):
        results.write(solved(), tmp_path)
    assert tree(tmp_path) == {"small/base/thesis.tex": b"ten years of work"}
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResultError, match="cannot write results"):
        results.write(solved(), tmp_path / "file")
    (tmp_path / "out" / "small").mkdir(parents=True)
    (tmp_path / "out" / "small" / "base").symlink_to(mine)
    with pytest.raises(ResultError, match="not a folder"):
        results.write(solved(), tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_found_out_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(self: Path, *arguments: Any, **more: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(ResultError, match="Read-only file system"):
        results.prepare(tmp_path / "out" / "small" / "base")


@pytest.mark.parametrize("outcome", [Outcome.INFEASIBLE, Outcome.LIMIT, Outcome.UNVERIFIED])
def test_only_an_optimal_plan_is_written(tmp_path: Path, outcome: Outcome) -> None:
    results.write(solved(), tmp_path)
    before = tree(tmp_path)
    with pytest.raises(ResultError, match=outcome.value):
        results.write(replace(solved(), outcome=outcome), tmp_path)
    assert tree(tmp_path) == before


def test_an_unverified_plan_lies_in_a_folder_of_its_own(tmp_path: Path) -> None:
    results.write(solved(), tmp_path)
    before = tree(tmp_path)
    off = replace(solved(), outcome=Outcome.UNVERIFIED, reasons=("cash is off",))
    aside = results.write_unverified(off, tmp_path)
    assert aside == results.unverified_folder(tmp_path, "small", None) and aside.name == "base.unverified"
    loaded = load(aside)
    assert loaded["summary"]["status"] == "unverified" and loaded["summary"]["reasons"] == ["cash is off"]
    assert len(loaded["plan"]) == len(load(results.folder(tmp_path, "small", None))["plan"])
    assert json.loads((aside / "manifest.json").read_text())["status"] == "unverified"
    assert not list(aside.glob("*.html")) and not list(aside.glob("*.xlsx"))
    assert {name: data for name, data in tree(tmp_path).items() if aside.name not in name} == before
    assert results.write_unverified(off, tmp_path) == aside  # a later one takes its place


def test_an_unverified_plan_takes_the_place_of_nothing_else(tmp_path: Path) -> None:
    taken = results.write(solved(), tmp_path, label="base.unverified")
    before = tree(tmp_path)
    off = replace(solved(), outcome=Outcome.UNVERIFIED)
    with pytest.raises(ResultError, match="left alone"):
        results.write_unverified(off, tmp_path)
    assert tree(tmp_path) == before and taken.is_dir()
    for other in (solved(), replace(off, books=None)):
        assert results.write_unverified(other, tmp_path) is None


@pytest.mark.parametrize("name", ["../../etc", "a/b", "..", ".", "", " ", "x" * 300, "a\x00b", "ünïcode ok?", ".hidden", "a\nb"])
def test_names_are_one_folder_inside(name: str) -> None:
    made = results.folder_name(name)
    assert made and len(made.encode()) <= 255 and "/" not in made and not made.startswith(".") and made.isprintable()


def test_names_that_look_alike_stay_apart() -> None:
    made = {results.folder_name(name) for name in ("a b", "a/b", "a_b", "a?b", "a_b.", "x" * 101, "x" * 102)}
    assert len(made) == 7
    assert results.folder_name("base-case_2.1") == "base-case_2.1" and results.folder_name("my case") == "my case"


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    folder = results.write(solved(), tmp_path)
    with open(folder / "plan.csv", "a") as stream:
        stream.write("2026-01-01,buy rigs,s21,x,all,1.0,MW\n")
    with pytest.raises(ResultError, match=r"plan\.csv was changed"):
        load(folder)
    with pytest.raises(ResultError, match="no result"):
        load(tmp_path / "nothing")


# ---------------------------------------------------------------------------------------------------------------------
# Returns


def yearly(years: int) -> Clock:
    empty = tuple(np.zeros(0) for _ in range(years))
    return Clock(np.full(years, 12), 2026 * 12, np.full(years, 8760.0), empty, empty)  # type: ignore[arg-type]


def test_irr_is_exact_on_the_calendar_of_the_objective() -> None:
    rate, reason = irr(yearly(1), np.array([-100.0, 110.0]))
    assert rate == pytest.approx(0.1, abs=1e-12) and reason is None
    months = Clock(np.array([1, 11]), 2026 * 12, np.zeros(2), (), ())
    flows = np.array([-100.0, 50.0, 60.0])
    rate, _ = irr(months, flows)
    assert rate is not None
    assert flows @ (1.0 + rate) ** (-np.array([0, 1, 12]) / 12.0) == pytest.approx(0.0, abs=1e-7)
    rate, _ = irr(yearly(3), np.array([-100.0, 0.0, 0.0, 20.0]))
    assert rate == pytest.approx(0.2 ** (1 / 3) - 1.0, abs=1e-9)  # a loss has a rate too


@pytest.mark.parametrize(
    ("flows", "reason"),
    [
        ([5.0, 5.0, 5.0], "no flow is negative"),
        ([0.0, 0.0, 0.0], "no flow is negative"),
        ([-5.0, -5.0, 0.0], "no flow is positive"),
        ([100.0, 0.0, -150.0], "receive first"),
        ([-100.0, 230.0, -132.0], "more than one rate"),
        ([-100.0, 150.0, -100.0], "no rate"),
    ],
)
def test_no_irr_has_a_reason(flows: list[float], reason: str) -> None:
    rate, why = irr(yearly(2), np.array(flows))
    assert rate is None and why is not None and reason in why


def test_no_irr_where_nothing_is_paid_in_even_if_debt_is_left() -> None:
    rate, why = return_rate(yearly(2), np.array([100.0, 0.0, -50.0]), 0.0)
    assert rate is None and why == "shareholders pay nothing in"


@pytest.mark.parametrize(("paid", "known"), [(0.99, False), (1.01, True)])
def test_no_irr_and_no_multiple_where_owners_pay_in_next_to_nothing(paid: float, known: bool) -> None:
    """Less than one percent of what they receive: a multiple above 100 and a rate of thousands of percent tell nothing."""
    flows = np.array([-paid, 50.0, 50.0])
    rate, why = return_rate(yearly(2), flows, paid)
    assert (rate is not None) == known == (multiple(float(flows.sum()) + paid, paid) is not None)
    assert known or why == "owners pay in next to nothing"


def test_scenario_irr_and_moic_are_those_of_the_shareholders_flows() -> None:
    solution = solved()
    books = solution.books
    assert books is not None
    flows = shareholder_flows(books)
    for s, figures in enumerate(tables.scenario_figures(solution).values()):
        rate, moic = figures["irr"], figures["moic"]
        assert isinstance(rate, float) and isinstance(moic, float)
        value = flows[s] @ (1.0 + rate) ** (-solution.problem.clock.date_month / 12.0)
        assert value == pytest.approx(0.0, abs=1e-6 * np.abs(flows[s]).sum())
        paid = paid_in(books)[s]
        assert paid > 1e5 and moic == pytest.approx((flows[s].sum() + paid) / paid)


def test_a_battery_shows_as_a_use_and_as_a_source(tmp_path: Path) -> None:
    """Power taken and given in dispatch_monthly.csv and hour by hour in dispatch.parquet, losses between them."""
    import pyarrow.parquet as pq

    text = (
        "horizon: {start: 2026-02, months: 1, period: month}\n"
        "market: {btc_price: 95 kUSD/BTC, hashprice: 45 USD/PH/day}\n"
        "sites: {home: {interconnection: 30 MW, mining_hall: 20 MW,\n"
        "  power: {grid: {price: {shape: ercot-hub-2024, mean: 38 USD/MWh, seed: 1}}},\n"
        "  battery: {charge: 5 MW, energy: 20 MWh, efficiency: 81 %}}}\n"
        "rigs: {miner: {efficiency: 20 J/TH, price: 1 USD/TH, order: never, owned: {home: 10 MW}}}\n"
    )
    (tmp_path / "stored.yaml").write_text(text, encoding="utf-8")
    solution = engine.solve(Case.load(tmp_path / "stored.yaml"))
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    table = tables.dispatch_monthly(solution)
    rows = {row[4]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    charge, discharge = rows["charge"], rows["discharge"]
    assert charge["kind"] == "use" and discharge["kind"] == "source"
    assert charge["mwh"] > 100.0 and discharge["mwh"] == pytest.approx(0.81 * charge["mwh"], rel=1e-9)
    assert 0 < charge["hours_on"] < 672 and charge["hours"] == 672
    uses = sum(row["mwh"] for row in rows.values() if row["kind"] == "use")
    assert uses == pytest.approx(sum(row["mwh"] for row in rows.values() if row["kind"] == "source"), rel=1e-9)
    hourly = pq.read_table(io.BytesIO(results.hourly(solution))).to_pylist()
    given = [row["mw"] for row in hourly if row["name"] == "discharge"]
    assert len(given) == 672 and sum(given) == pytest.approx(discharge["mwh"], rel=1e-12)


# --- units of breaches ------------------------------------------------------------------------------------------------

BREACHES = """case: {name: breaches}
horizon: {start: 2026-01, years: 1, period: year}
treasury: {cash: 1 MUSD}
sites: {dale: {interconnection: 3 MW, power: {grid: {price: 40 USD/MWh}}}}
rules:
  - {name: rich, require: cash >= 2 MUSD, otherwise: {pay: 0.1 USD/USD}}
  - {name: wide, require: "interconnection_mw[dale] >= 4 MW", otherwise: {pay: 10 USD/MW}}
  - {name: priced, require: "1000 USD/MW * interconnection_mw[dale] >= 5000 USD", otherwise: {pay: 0.1 USD/USD}}
"""


def test_a_breach_has_the_unit_of_its_sentence(tmp_path: Path) -> None:
    """In plan.csv: money is money, megawatts are megawatts, and a price on megawatts is money."""
    path = tmp_path / "breaches.yaml"
    path.write_text(BREACHES, encoding="utf-8")
    solution = engine.solve(Case.load(path))
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    table = csv.DictReader(io.StringIO(results.contents(solution)["plan.csv"].decode()))
    found = {row["what"]: (float(row["amount"]), row["unit"]) for row in table if row["kind"] == "breach"}
    assert found["rich"] == (pytest.approx(1e6), "USD")
    assert found["wide"] == (pytest.approx(1.0), "MW")
    assert found["priced"] == (pytest.approx(2000.0), "USD")
