"""Many solves of one case: comparisons, sweeps, tornados, frontiers, and the regression of blessed results."""
