"""`optimizer.baseline`: what the company is worth under simple rules."""

from optimizer.engine.narrowing import baselines
from optimizer.engine.values import Baseline

__all__ = ["Baseline", "baselines"]
