"""`optimizer.report`: the page of a result."""

from optimizer.results.report.render_page import render
from optimizer.results.report.source import read

__all__ = ["read", "render"]
