"""Formulas go into the file as they are, and the file is the one that the library would write with all its looking."""

from __future__ import annotations

import pytest

from optimizer.results.workbook import workbook, writer
from tests.shared.places import CASES, ROOT
from tests.shared.plans import plan


@pytest.mark.parametrize("path", [ROOT / "cases" / "quickstart.yaml", CASES / "all-features.yaml"], ids=lambda path: path.stem)
def test_no_formula_uses_a_function_of_later_excels(path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    import xlsxwriter.worksheet

    solution = plan(path)
    plain = workbook(solution)
    monkeypatch.setattr(writer, "plain_worksheet", lambda: xlsxwriter.worksheet.Worksheet)
    assert workbook(solution) == plain
