"""`optimizer.hourly`: hours drawn from a shape."""

from optimizer.case.reading.bundled_shapes import draw

__all__ = ["draw"]
