"""`optimizer.baseline`: what the company is worth under simple rules."""

from optimizer.engine.narrowing import Baseline, baselines

__all__ = ["Baseline", "baselines"]
