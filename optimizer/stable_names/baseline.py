"""`optimizer.baseline`: what the company is worth under simple rules."""

from optimizer.engine.narrowing import baselines
from optimizer.engine.solution import Baseline

__all__ = ["Baseline", "baselines"]
