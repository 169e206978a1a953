"""`optimizer.report`: the page of a result."""

from optimizer.results.report import read, render

__all__ = ["read", "render"]
