"""report.html: one page without network that tells a plan. `render` is of `render_page`, imported on first use."""

from __future__ import annotations

from typing import Any

__all__ = ["render"]


def __getattr__(name: str) -> Any:
    if name == "render":
        from optimizer.results.report.render_page import render

        return render
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
