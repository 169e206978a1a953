"""What one part of the program adds to a table that all parts add to."""

from __future__ import annotations

import numpy as np

from models.program.expressions import grid

#: where a table stood: number of terms and constant of each cell
Mark = list[list[tuple[int, float]]]


def mark(table: np.ndarray) -> Mark:
    """What is in a table (S, D) of `Lin` so far."""
    return [[(len(lin.vars), lin.const) for lin in row] for row in table]


def since(table: np.ndarray, then: Mark) -> np.ndarray:
    """(S, D) of `Lin`: what was added to a table since a mark."""
    out = grid(*table.shape)
    for s, row in enumerate(then):
        for d, (terms, constant) in enumerate(row):
            lin, one = table[s, d], out[s, d]
            one.const = lin.const - constant
            one.vars, one.coefs = list(lin.vars[terms:]), list(lin.coefs[terms:])
    return out
