"""What people get of a solution: the folder, JSON, CSV, the terminal, the page and the workbook."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """`results.load` and `results.write`, imported on first use."""
    if name == "load":
        from optimizer.results.read_folder import load

        return load
    if name == "write":
        from optimizer.results.folder import write

        return write
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
