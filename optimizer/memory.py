"""Python's cyclic garbage collector, kept from going over programs while they are built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No cyclic collection inside; what holds before comes back after, whatever happens.

    Building makes objects by the hundred thousand and drops none in cycles, so each pass of the collector goes over all of
    them for nothing: a third of the time of a large program. Counted references are freed at once as ever.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
