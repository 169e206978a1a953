"""The finance workbook of a solved plan: `workbook` is the one way in."""

from __future__ import annotations

from optimizer.results.workbook.build import workbook
from optimizer.results.workbook.errors import WorkbookError

__all__ = ["WorkbookError", "workbook"]
