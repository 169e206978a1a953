"""`optimizer.hourly`: hours drawn from a shape."""

from optimizer.case.reading.hourly_data import draw

__all__ = ["draw"]
