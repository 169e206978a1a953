"""The finance workbook of a solved plan: `workbook` is the one way in."""

from __future__ import annotations

from optimizer.workbook.build import workbook
from optimizer.workbook.errors import WorkbookError

__all__ = ["WorkbookError", "workbook"]
