"""Names are text in every CSV file, whether a spreadsheet takes commas or semicolons for separators."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from optimizer import Case
from optimizer.engine.views.tables import Table
from optimizer.results import folder as results
from optimizer.results.serialise import _cell, to_csv, unmarked
from optimizer.studies import comparison, frontier, sweep, tornado

HOSTILE = (
    "x;=cmd|' /C calc'!A0;y",
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\ufeff=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201",
    "'x", "''=1", ";=1", ";;=1", ";'=1", "; =1", ";\uff1d1", ';"=1', ';""=1', '; "=1', 'a";=1', '"=1', '";"=1', "a\n=1", "a\r\n=1", 'a\n"=1',
    "a\t=1", "a,=1", "a;-1", "a;\t=1", "a;\n=1", "a;';=1",
)  # fmt: skip
ORDINARY = (
    "plain",
    "six months of cash",
    "a, b",
    "a; b",
    'the "new" halls',
    "it's",
    "a - b",
    "coverage >= 1.3",
    "",
    "a;b;c",
    "naïve",
)
ACTIVE = re.compile("[\\s\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-]?\d[\d.]*(e[+-]?\d+)?(,|$)")


def formulas(data: str) -> list[str]:
    """Cells that a spreadsheet would evaluate, with either separator."""
    found = []
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(data, newline=""), delimiter=separator):
            found += [cell for cell in row if ACTIVE.match(cell) and not NUMBER.match(cell)]
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_no_formula_wherever_it_stands_and_reads_back(text: str) -> None:
    for row in ((text, 1.0, "z"), (-1.0, text, "z"), ("z", text, text), ("z", -2, text)):
        data = to_csv(Table(("name", "value", "what"), (row,)))
        assert not formulas(data), data
        (back,) = list(csv.reader(io.StringIO(data, newline="")))[1:]
        assert [unmarked(cell) for cell, was in zip(back, row, strict=True) if isinstance(was, str)] == [
            was for was in row if isinstance(was, str)
        ]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_written_as_it_is(text: str) -> None:
    assert _cell(text) == text and unmarked(text) == text


NAMES = {"rule": "x;=cmd|' /C calc'!A0;y", "floor": ';"=1+1', "line": "a;@SUM(1)"}
CASE = f"""
case: {{name: names}}
horizon: {{start: 2026-01, years: 1, hours: {{every: 97}}}}
company: {{overhead: 1 MUSD/year}}
treasury: {{cash: 5 MUSD}}
market: {{btc_price: 80_000 USD/BTC, network_hashrate: 900 EH/s, transaction_fees: 1 %}}
rules:
  - {{name: "{NAMES["rule"]}", require: cash >= 1 MUSD}}
  - {{name: '{NAMES["floor"]}', require: dividends <= 2 MUSD}}
  - {{name: "{NAMES["line"]}", require: cash >= 2 MUSD}}
objective: {{discount: 10 %/year}}
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Every CSV file that a case with such names makes, by name."""
    folder = tmp_path_factory.mktemp("names")
    path = folder / "names.yaml"
    path.write_text(CASE, encoding="utf-8")
    solution = Case.load(path).solve(baseline=False)
    assert solution.outcome.name == "OPTIMAL", solution.reasons
    files = {name: data.decode() for name, data in results.contents(solution).items() if name.endswith(".csv")}
    assert any(NAMES["line"].replace(";", ";'") in data for data in files.values()), "the names are in the files"
    return files


def test_no_file_of_a_result_holds_a_formula(written: Mapping[str, str]) -> None:
    assert {"covenants.csv", "plan.csv", "balance_sheet.csv"} <= set(written)
    for name, data in written.items():
        assert not formulas(data), name


def test_all_tables_are_written_by_the_one_function_that_marks() -> None:
    """Sweeps, tornados, frontiers, comparisons and prices: none of them writes cells by itself."""
    import optimizer

    root = Path(optimizer.__file__).parent
    writers = [path.name for path in sorted(root.rglob("*.py")) if "csv.writer(" in path.read_text(encoding="utf-8")]
    assert writers == ["serialise.py"]
    for module in (sweep, tornado, frontier, comparison):
        assert module.to_csv is to_csv


def test_a_spreadsheet_shows_them_as_text(written: Mapping[str, str], tmp_path: Path) -> None:
    """LibreOffice opens the rules of a result and a table of hostile texts, with commas and with semicolons, formulas evaluated."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("needs LibreOffice (soffice)")
    hostile = Table(("name", "value", "note"), tuple((text, -1.5, text) for text in HOSTILE))
    for number, separator in (("44", "commas"), ("59", "semicolons")):
        folder = tmp_path / separator
        folder.mkdir()
        (folder / "covenants.csv").write_text(written["covenants.csv"], encoding="utf-8", newline="")
        (folder / "hostile.csv").write_text(to_csv(hostile), encoding="utf-8", newline="")
        (folder / "bare.csv").write_text(
            "name,value\n=1+1,2\n;=1+1;2\n", encoding="utf-8"
        )  # without marks: a formula with either
        # separator, quote, UTF-8, first row, no columns, language, quoted cells are not text, numbers are recognised, ..., formulas evaluated
        options = f"CSV:{number},34,76,1,,0,false,true,false,false,false,0,true,false,true"
        done = subprocess.run(
            [soffice, "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", f"--infilter={options}", "--convert-to", "fods",
             "--outdir", str(folder), str(folder / "covenants.csv"), str(folder / "hostile.csv"), str(folder / "bare.csv")],
            capture_output=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "table:formula" in (folder / "bare.fods").read_text(encoding="utf-8"), "this import evaluates formulas"
        for name in ("covenants", "hostile"):
            made = (folder / f"{name}.fods").read_text(encoding="utf-8")
            assert "table:table-cell" in made and "table:formula" not in made, (name, separator)
