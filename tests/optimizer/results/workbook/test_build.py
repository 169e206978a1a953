"""The workbook: equal to the program's figures in two engines that share nothing with its writer, as written and under other inputs."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import openpyxl
import pytest
import pyxirr
from openpyxl.utils import get_column_letter

from models.decisions import Decisions
from models.problem import Conversion, Problem
from models.proforma.keep import keep_books
from optimizer import Case
from optimizer.cli import app
from optimizer.engine.solution import Solution
from optimizer.engine.values import Outcome
from optimizer.results import folder as results
from optimizer.results.read_folder import load
from optimizer.results.workbook import WorkbookError, workbook
from optimizer.results.workbook.build import build, compare, written
from optimizer.results.workbook.checks import HOLDS, MASTER
from tests.optimizer.results.workbook.evaluator import Engine
from tests.optimizer.results.workbook.random_plans import random_plan
from tests.optimizer.results.workbook.recalculated import SOFFICE, by_libreoffice, figures, poisoned
from tests.optimizer.results.workbook.whatif import Layout, again, changed, differences, put
from tests.shared.places import ROOT
from tests.shared.plans import plan
from tests.shared.random_problems import random_problem
from tests.shared.tiny import at, clock_of, debt_of, idle, service_of, site_of, tiny

SHIPPED = ("quickstart", "lake-mariner")
#: every 121st hour of the quickstart: what a workbook holds of hours is sums
THIN = {"quickstart": ["horizon.hours={every: 121}"], "lake-mariner": []}
#: under which the shipped plans are looked at anew: their keys in the workbook
WHAT_IF: dict[str, tuple[tuple[int, dict[str, float]], ...]] = {
    "quickstart": (
        (0, {}),
        (2, {}),
        (0, {"debt/notes/coupon": 0.115, "factor/btc": 0.7, "factor/power": 1.3, "factor/ai": 0.9}),
        (2, {"factor/coupon": 0.02, "tax/rate": 0.3, "debt/notes/price": 0.95, "debt/notes/balloon": 0.3, "discount": 0.15}),
    ),
    "lake-mariner": (
        (4, {}),
        (1, {"factor/btc": 1.6, "factor/share": 2.5, "debt/capped_convert/premium": 0.2, "factor/capex": 1.1}),
    ),
}
#: whether LibreOffice is given other inputs; it takes seconds a file
CHANGED = {"quickstart": True, "lake-mariner": False}
#: seeds of random problems for random plans: between them every line of a debt
SEEDS = (8, 13, 15)


@pytest.fixture(scope="module", autouse=True)
def deep_formulas() -> Iterator[None]:
    """A cell may follow from a chain of thousands."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(before)


@cache
def solution(name: str) -> Solution:
    found = plan(ROOT / "cases" / f"{name}.yaml", *THIN[name])
    assert found.outcome is Outcome.OPTIMAL
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workbook")


def shipped(name: str, folder: Path) -> Path:
    file = folder / f"{name}.xlsx"
    if not file.exists():
        file.write_bytes(workbook(solution(name)))
    return file


@cache
def _loaded(file: Path) -> Engine:
    return Engine(file)


def engine_of(name: str, folder: Path) -> Engine:
    """The Python engine of a shipped plan, read once: who changes an input puts it back."""
    return _loaded(shipped(name, folder))


def shown(problem: Problem) -> int:
    return int(np.argmax(problem.scenarios.probability))


def same(
    cells: dict[str, dict[str, Any]], layout: Layout, problem: Problem, decisions: Decisions, s: int, inputs: dict[str, float]
) -> int:
    """Figures that both hold are equal; how many there are."""
    count, wrong = differences(cells, layout, again(changed(problem, inputs), decisions), s)
    assert wrong == [], (s, inputs)
    return count


# --- the pure Python engine -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_plans_in_python(name: str, folder: Path) -> None:
    """As written, in other scenarios and under other inputs, a workbook is the fixed plan re-evaluated."""
    found = solution(name)
    assert found.decisions is not None
    engine = engine_of(name, folder)
    cells = engine.all()
    layout = Layout(cells)
    assert same(cells, layout, found.problem, found.decisions, shown(found.problem), {}) > 4000
    assert flag(cells, layout, "checks/master") == flag(cells, layout, "checks/plan") == 1.0
    rules_hold(cells, layout, found)
    days = [date.fromisoformat(day) for day in found.finance.dates]
    xirr = cells["Returns"][f"D{layout.rows['returns/business_xirr'][1]}"]
    assert xirr == pytest.approx(pyxirr.xirr(days, found.finance.returns.business[shown(found.problem)]), abs=1e-8)
    for s, inputs in WHAT_IF[name]:
        before = {key: engine.cells["Inputs", layout.inputs[key]] for key in inputs}
        put(engine, layout, {**inputs, "scenario": float(s + 1)})
        cells = engine.all()
        same(cells, layout, found.problem, found.decisions, s, inputs)
        assert flag(cells, layout, "checks/master") == 1.0, inputs  # statements tie whatever the inputs
        put(engine, layout, {**before, "scenario": float(shown(found.problem) + 1)})


def rules_hold(cells: dict[str, dict[str, Any]], layout: Layout, found: Solution) -> None:
    """Both sides and headroom of every rule, at every date, are the program's."""
    here = found.problem.scenarios.names[shown(found.problem)]
    compared = 0
    for n, rule in enumerate(found.problem.rules):
        for one in found.covenants:
            if one.name != rule.name or one.scenario != here:
                continue
            column = get_column_letter(4 + found.finance.dates.index(one.date))
            for side in ("left", "right", "headroom"):
                sheet, row = layout.rows[f"rule/{n}/{side}"]
                assert cells[sheet][f"{column}{row}"] == pytest.approx(getattr(one, side), rel=1e-9, abs=1e-4), (one.name, side)
                compared += 1
    assert compared > 50


def flag(cells: dict[str, dict[str, Any]], layout: Layout, key: str) -> Any:
    sheet, row = layout.rows[key]
    return cells[sheet][f"F{row}"]


def uneven(problem: Problem) -> Problem:
    """The same with periods of different lengths."""
    periods = problem.clock.periods
    months = [3, 6, 3, 12, 3, 6][:periods]
    return replace(problem, clock=clock_of(periods, months, len(problem.clock.weight[0]), problem.clock.start_month))


@cache
def every_instrument() -> Problem:
    """Of the case that has every key of the schema once."""
    return Case.load(str(ROOT / "tests" / "cases" / "all-features.yaml")).problem()


def random_case(name: str) -> tuple[Problem, Decisions]:
    kind, _, number = name.partition(" ")
    if kind == "all-features":
        problem = every_instrument()
    else:
        problem = random_problem(int(number), limited=kind == "limited", coupled=kind == "coupled")
        if kind == "uneven":
            problem = uneven(problem)
    return problem, random_plan(problem, int(number))


RANDOM = (*(f"random {seed}" for seed in SEEDS), "limited 3", "coupled 6", "uneven 13", "all-features 1")
#: typed into every random plan, where it has them
OTHER_INPUTS = {
    "factor/btc": 0.8,
    "factor/hash": 1.1,
    "factor/power": 1.2,
    "factor/ai": 0.9,
    "factor/capex": 1.05,
    "factor/overhead": 1.1,
    "factor/share": 1.9,
    "factor/coupon": 0.01,
    "debt/notes/price": 0.96,
    "debt/loan/fee": 0.02,
    "debt/loan/put": 1.02,
    "debt/convertible/premium": 0.4,
    "debt/convertible/cap": 0.8,
    "debt/annuity/coupon": 0.12,
    "debt/puttable/pik": 0.7,
    "debt/coins/fee": 0.02,
    "debt/revolver/commitment": 0.01,
    "equity/market/discount": 0.05,
    "equity/investors/fee": 0.05,
    "tax/rate": 0.25,
    "tax/nol": 3e6,
    "discount": 0.09,
    "terminal/rigs": 0.5,
    "coin_fee": 0.004,
    "ai/tenant/escalator": 0.05,
    "item/new/book": 36.0,
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_plans_in_python(name: str, tmp_path: Path) -> None:
    """Every instrument and every order, used as no optimum would: as written, and under other inputs in every scenario."""
    problem, decisions = random_case(name)
    books, statements = keep_books(problem, decisions), again(problem, decisions)
    file = tmp_path / "plan.xlsx"
    file.write_bytes(written(name, problem, decisions, books, statements))
    engine = Engine(file)
    layout = Layout(engine.all())
    inputs = {key: value for key, value in OTHER_INPUTS.items() if key in layout.inputs}
    for s in range(problem.scenarios.count):
        put(engine, layout, {"scenario": float(s + 1)})
        assert same(engine.all(), layout, problem, decisions, s, {}) > 500
    put(engine, layout, inputs)
    cells = engine.all()
    same(cells, layout, problem, decisions, problem.scenarios.count - 1, inputs)
    assert flag(cells, layout, "checks/master") == 1.0


def running_on() -> tuple[Problem, Decisions]:
    """A plan that runs on at the horizon's end: ramps that are not complete, a late start after it, puts to come."""
    problem = tiny(3, scenarios=2, cash=1e8, apart_from=9, share_price=[[10.0, 11.0, 12.0, 13.0], [10.0, 9.0, 8.0, 7.0]])
    problem = replace(problem, terminal=replace(problem.terminal, contracts=0.7, contract_rate=0.1))
    problem = replace(problem, sites=(site_of(problem, delay=np.array([0, 2])),))
    lease = service_of(
        problem, ramp=(0.2, 0.5, 0.7), term=5, lead=1, escalator=0.03, contracted=np.array([4.0]), contracted_term=5
    )
    later = {"maturity": 120, "put": (60, 1.3)}
    debts = (
        debt_of(problem, existing=3e6, existing_month=-12, limit=1e7, pik=0.5, pik_months=24, **later),
        debt_of(problem, "converts", "convertible", limit=1e7, conversion=Conversion(0.2), **later),
    )
    problem = replace(problem, services=(lease,), debts=debts)
    signed = {("tenant", "home"): at(problem, {0: 3.0, 1: 5.0})}
    issued = {"notes": at(problem, {1: 2e6}), "converts": at(problem, {0: 4e6})}
    return problem, idle(problem, signed=signed, issued=issued)


def test_what_runs_on_after_the_horizon(tmp_path: Path) -> None:
    """Rents after the horizon by their ramps, and premiums of puts to come by their months, in every scenario and under other inputs."""
    problem, decisions = running_on()
    books = keep_books(problem, decisions)
    assert all(books.ledger[f"terminal_put[{name}]"].any() for name in ("notes", "notes@existing", "converts"))
    file = tmp_path / "plan.xlsx"
    file.write_bytes(written("running on", problem, decisions, books, again(problem, decisions)))
    engine = Engine(file)
    layout = Layout(engine.all())
    inputs = {"ai/tenant/ramp/2": 0.4, "debt/notes/put": 1.2, "debt/converts/put": 1.5, "factor/share": 1.3, "factor/ai": 0.9}
    assert set(inputs) <= set(layout.inputs)
    for s in range(2):
        put(engine, layout, {"scenario": float(s + 1)})
        assert same(engine.all(), layout, problem, decisions, s, {}) > 200
    put(engine, layout, inputs)
    same(engine.all(), layout, problem, decisions, 1, inputs)


def test_random_plans_use_every_line_of_a_debt() -> None:
    from models.proforma.debt import LINES

    used: set[str] = set()
    for name in RANDOM:
        schedules = keep_books(*random_case(name)).schedules
        used.update(line for lines in schedules.values() for line, values in lines.items() if values.any())
    assert set(LINES) - used == set()


# --- LibreOffice ------------------------------------------------------------------------------------------------------

NASTY = ("=cmd()", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", '-"x"', '=HYPERLINK("http://192.0.2.1")', "{=1+1}")


def nasty() -> tuple[Problem, Decisions]:
    """A plan whose case gives names that a spreadsheet would take for formulas."""
    problem = random_problem(13)
    names = iter([*NASTY] * 9)
    fields: dict[str, Any] = {
        "scenarios": replace(problem.scenarios, names=tuple(f"{next(names)}{s}" for s in range(problem.scenarios.count)))
    }
    return replace(problem, **fields), random_plan(problem, 13)


@pytest.fixture(scope="module")
def recalculated(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Name -> (as written, recalculated by LibreOffice): stored values are made wrong first, so that what comes back was worked out."""
    if SOFFICE is None:
        pytest.skip("LibreOffice is not installed (soffice): apt-get install libreoffice-calc")
    base = tmp_path_factory.mktemp("libreoffice")
    sources: dict[str, Path] = {}
    for name in SHIPPED:
        file = shipped(name, folder)
        layout = Layout(figures(file))
        n = CHANGED[name]
        s, inputs = WHAT_IF[name][-1] if n else (shown(solution(name).problem), {})
        cells = {("Inputs", layout.inputs[key]): value for key, value in {**inputs, "scenario": float(s + 1)}.items()}
        sources[name] = base / f"{name}.xlsx"
        assert poisoned(file, sources[name], cells) > 9000
    problem, decisions = nasty()
    odd = base / "odd.xlsx"
    odd.write_bytes(written(NASTY[0], problem, decisions, keep_books(problem, decisions), again(problem, decisions)))
    sources["nasty"] = base / "nasty.xlsx"
    poisoned(odd, sources["nasty"])
    out = base / "recalculated"
    out.mkdir()
    made = by_libreoffice(list(sources.values()), out)
    return {name: (source, file) for (name, source), file in zip(sources.items(), made, strict=True)}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_plans_in_libreoffice(name: str, recalculated: dict[str, tuple[Path, Path]]) -> None:
    found = solution(name)
    assert found.decisions is not None
    before, after = (figures(file) for file in recalculated[name])
    assert (
        sum(value == -777 for cells in before.values() for value in cells.values()) > 9000
    )  # LibreOffice was given wrong values
    assert not any(value == -777 for cells in after.values() for value in cells.values())
    layout = Layout(after)
    s, inputs = WHAT_IF[name][-1] if CHANGED[name] else (shown(found.problem), {})
    assert same(after, layout, found.problem, found.decisions, s, inputs) > 4000
    assert flag(after, layout, "checks/master") == 1.0


def test_text_stays_text_in_libreoffice(recalculated: dict[str, tuple[Path, Path]]) -> None:
    book = openpyxl.load_workbook(recalculated["nasty"][1])
    inputs = book["Inputs"]
    names = [inputs[f"D{row}"] for row in range(8, 8 + len(nasty()[0].scenarios.names))]
    assert [cell.value for cell in names] == list(nasty()[0].scenarios.names)
    assert {cell.data_type for cell in names} == {"s"}
    assert book["Income"]["A2"].value == NASTY[0] and book["Income"]["A2"].data_type == "s"


# --- what it is made of -----------------------------------------------------------------------------------------------


def test_no_text_of_a_case_is_in_a_formula(tmp_path: Path) -> None:
    problem, decisions = nasty()
    problem = replace(
        problem,
        debts=tuple(replace(debt, name=f"=cmd|{debt.name}") for debt in problem.debts),
        equities=tuple(replace(issue, name=f"@cmd|{issue.name}") for issue in problem.equities),
        rules=(),
    )
    renamed: dict[str, Any] = {}
    for field in ("issued", "called", "repaid", "balance", "pledged"):
        table = getattr(decisions, field)
        renamed[field] = {
            (f"@cmd|{key}" if any(one.name == f"@cmd|{key}" for one in problem.equities) else f"=cmd|{key}"): v
            for key, v in table.items()
        }
    decisions = replace(decisions, **renamed, breach={})
    file = tmp_path / "plan.xlsx"
    file.write_bytes(written("=cmd()", problem, decisions, keep_books(problem, decisions), again(problem, decisions)))
    texts = formulas = 0
    for page in openpyxl.load_workbook(file):
        for row in page.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    formulas += 1
                    assert "cmd" not in cell.value
                elif isinstance(cell.value, str) and "cmd" in cell.value:
                    texts += 1
    assert formulas > 1000 and texts > 30
    with zipfile.ZipFile(file) as book:
        assert not [name for name in book.namelist() if "vba" in name.lower() or "external" in name.lower()]


def test_the_same_bytes(folder: Path) -> None:
    file = shipped("lake-mariner", folder)
    assert workbook(solution("lake-mariner")) == file.read_bytes()
    with zipfile.ZipFile(file) as book:
        assert {entry.date_time[:3] for entry in book.infolist()} == {(1980, 1, 1)}
        core = book.read("docProps/core.xml").decode()
    assert set(re.findall(r">(\d{4}-\d\d-\d\d)T", core)) == {"2000-01-01"}


def test_sheets_are_in_order_and_set_up(folder: Path) -> None:
    book = openpyxl.load_workbook(shipped("lake-mariner", folder))
    assert book.sheetnames == [
        "About", "Inputs", "Paths", "Decisions", "Sources and uses", "Income", "Cash flow", "Balance", "Debt", "Covenants", "Cap table", "Tax",
        "Returns", "All scenarios", "Checks", "Operations", "Plant", "Debt workings", "Effective interest", "Workings", "Rates",
    ]  # fmt: skip
    for page in book:
        assert page.freeze_panes == "D5"
        assert page.page_setup.orientation == "landscape" and page.sheet_properties.pageSetUpPr.fitToPage
        assert page.print_title_rows == "$1:$4"
    sheet = book["Income"]
    styles = {sheet[f"E{row}"].number_format for row in range(5, 30) if sheet[f"E{row}"].value is not None}
    assert styles and all("#,##0" in style for style in styles)
    units = {sheet[f"B{row}"].value for row in range(5, 30) if sheet[f"E{row}"].value is not None}
    assert units == {"USD"}
    picked = book["Inputs"].data_validations.dataValidation
    assert [(str(one.sqref), one.type) for one in picked] == [("D6", "whole")]


def test_figures_are_stored_for_viewers_that_do_not_work_them_out(folder: Path) -> None:
    """Values stored with formulas are what the formulas come to."""
    file = shipped("quickstart", folder)
    found = solution("quickstart")
    assert found.decisions is not None
    stored = figures(file)
    assert same(stored, Layout(stored), found.problem, found.decisions, shown(found.problem), {}) > 4000


# --- checks -----------------------------------------------------------------------------------------------------------


def test_an_error_sown_in_any_statement_sets_the_flag(folder: Path) -> None:
    engine = engine_of("quickstart", folder)
    layout = Layout(engine.all())
    lines = (
        "income_statement/depreciation_rigs", "income_statement/coupon_interest", "income_statement/issue_cost_amortisation",
        "cash_flow/principal", "cash_flow/capex_rigs", "cash_flow/tax", "cash_flow/dividends", "balance_sheet/cash", "balance_sheet/debt[notes]",
        "balance_sheet/interest_due", "sources_uses/operations", "debt:notes/closing", "debt:notes/accrued",
        "debt:revolver/commitment", "tax/tax", "flows/owners", "flows/business", "capital/notes", "cash_flow/added_depreciation",
        "income_statement/mining_revenue", "cash_flow/cash_margin",
    )  # fmt: skip
    for key in lines:
        sheet, row = layout.rows[key]
        place = sheet, f"{'H' if sheet == 'Tax' else 'L'}{row}"
        formula, value = engine.cells[place], engine[place]
        engine.cells[place] = value + 1e6
        engine._known.clear()
        assert engine[layout.rows["checks/master"][0], f"F{layout.rows['checks/master'][1]}"] == 0.0, key
        engine.cells[place] = formula
        engine._known.clear()
    assert engine[layout.rows["checks/master"][0], f"F{layout.rows['checks/master'][1]}"] == 1.0


def test_the_second_flag_says_that_cash_does_not_suffice(folder: Path) -> None:
    engine = engine_of("quickstart", folder)
    layout = Layout(engine.all())
    cash = engine.cells["Inputs", layout.inputs["cash"]]
    put(engine, layout, {"cash": 0.0, "factor/btc": 0.3})
    cells = engine.all()
    put(engine, layout, {"cash": cash, "factor/btc": 1.0})
    assert (
        min(
            v
            for k, v in cells["Balance"].items()
            if k[1:] == str(layout.rows["balance_sheet/cash"][1]) and k > "D" and isinstance(v, float)
        )
        < 0.0
    )
    assert flag(cells, layout, "checks/master") == 1.0 and flag(cells, layout, "checks/plan") == 0.0
    assert cells["Checks"]["A5"] == MASTER and cells["Checks"]["A6"] == HOLDS


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_formula_that_does_not_come_to_the_program_s_figure_is_refused() -> None:
    problem, decisions = random_case("random 13")
    books, finance = keep_books(problem, decisions), again(problem, decisions)
    made = build(problem, decisions, books, finance, 0)
    compare(made, books, finance, 0)
    finance.income.values["depreciation"] = finance.income["depreciation"] + 1.0
    with pytest.raises(WorkbookError, match="Income, Depreciation"):
        compare(made, books, finance, 0)


def test_a_debt_that_brings_nothing_is_refused() -> None:
    problem = tiny(4, 6)
    problem = replace(problem, debts=(debt_of(problem, "gift", price=0.5, fee=0.5, rate=0.05, limit=1e6, tenor=24),))
    issued = np.zeros((1, 5))
    issued[0, 0] = 1e6
    decisions = idle(problem, issued={"gift": issued})
    with pytest.raises(WorkbookError, match="gift costs its whole face"):
        written("x", problem, decisions, keep_books(problem, decisions), again(problem, decisions))


def test_no_workbook_without_a_plan() -> None:
    nothing: Any = SimpleNamespace(books=None, decisions=None, outcome=Outcome.INFEASIBLE)
    with pytest.raises(ValueError, match="infeasible"):
        workbook(nothing)


# --- the command line -------------------------------------------------------------------------------------------------

MILL = """\
case: {name: mill}
horizon: {start: 2026-01, years: 3, period: year}
treasury: {cash: 5 MUSD, dividends: always}
objective: {discount: 8 %/year}
projects: {mill: {cost: 100 USD/unit, income: {amount: 80 USD/unit/year}, limit: 1000 units}}
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = app.run(list(arguments))
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return code, err


def test_solve_writes_it_and_report_takes_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mill.yaml").write_text(MILL)
    assert run(capsys, "solve", "mill.yaml", "--quiet")[0] == 0
    result = results.folder("out", "mill", None)
    data = (result / "workbook.xlsx").read_bytes()
    assert "workbook.xlsx" in json.loads((result / "manifest.json").read_text())["files"]
    assert load(result)["summary"]["case"] == "mill"
    assert run(capsys, "report", str(result), "--xlsx", "plan.xlsx") == (0, "workbook in plan.xlsx\n")
    assert Path("plan.xlsx").read_bytes() == data and not list(tmp_path.glob(".*.tmp"))

    assert run(capsys, "solve", "mill.yaml", "--quiet", "--no-xlsx")[0] == 0
    assert not (result / "workbook.xlsx").exists()
    code, err = run(capsys, "report", str(result), "--xlsx", "plan.xlsx")
    assert code == 2 and "--xlsx" in err and Path("plan.xlsx").read_bytes() == data
    monkeypatch.setattr("optimizer.cli.workbook.CHEAP_PERIODS", 2)
    assert run(capsys, "solve", "mill.yaml", "--quiet")[0] == 0 and not (result / "workbook.xlsx").exists()
    assert run(capsys, "solve", "mill.yaml", "--quiet", "--xlsx")[0] == 0 and (result / "workbook.xlsx").read_bytes() == data


def test_mistakes_of_report_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mill.yaml").write_text(MILL)
    assert run(capsys, "solve", "mill.yaml", "--quiet")[0] == 0
    result = results.folder("out", "mill", None)
    assert "no result in nowhere" in run(capsys, "report", "nowhere", "--xlsx", "x.xlsx")[1]
    assert "it is a folder" in run(capsys, "report", str(result), "--xlsx", "out")[1]
    assert "cannot write" in run(capsys, "report", str(result), "--xlsx", "not/there.xlsx")[1]
    (result / "workbook.xlsx").write_bytes(b"other")
    code, err = run(capsys, "report", str(result), "--xlsx", "x.xlsx")
    assert code == 2 and "checksum" in err and not Path("x.xlsx").exists()
    (result / "manifest.json").write_text("[]")
    assert "is not a result" in run(capsys, "report", str(result), "--xlsx", "x.xlsx")[1]


def test_results_are_kept_where_no_workbook_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import optimizer.results.workbook as package

    def refuses(found: Solution) -> bytes:
        raise WorkbookError("no workbook is written: for a reason")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(package, "workbook", refuses)
    Path("mill.yaml").write_text(MILL)
    code, err = run(capsys, "solve", "mill.yaml", "--quiet")
    result = results.folder("out", "mill", None)
    assert code == 0 and "for a reason" in err
    code, err = run(capsys, "solve", "mill.yaml", "--quiet", "--xlsx")
    assert code == 2 and "for a reason" in err  # it was asked for
    assert (result / "summary.json").is_file() and not (result / "workbook.xlsx").exists()
