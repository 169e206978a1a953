"""What goes wrong while a workbook is made."""

from __future__ import annotations


class WorkbookError(Exception):
    """A case has something that the workbook has no formula for, or a figure does not tie: what, in a sentence."""
