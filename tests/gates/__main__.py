"""`python -m tests.gates` in the root of the project: says what is larger than allowed or goes in a circle, and ends with 1 if anything is."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tests.gates.circles import circles, imports
from tests.gates.exceptions import DOCUMENT, Excepted, read
from tests.gates.sizes import Size, measure


def complaints(sizes: Iterable[Size], rings: Iterable[tuple[str, ...]], excepted: Iterable[Excepted]) -> list[str]:
    """What is wrong, a line each: too large or circular without an exception, or an exception that nothing needs."""
    limits = {(one.kind, one.where): one.most for one in excepted}
    out, needed = [], set()
    for size in filter(lambda one: one.too_large, sizes):
        key = (size.kind, size.where)
        needed.add(key)
        if size.value > limits.get(key, 0):
            out.append(f"{size}{f'; its exception ends at {limits[key]}' if key in limits else ''}")
    for ring in rings:
        key = ("circle", " ".join(ring))
        needed.add(key)
        if len(ring) > limits.get(key, 0):
            out.append(f"a circle of {len(ring)} modules: {', '.join(ring)}")
    stale = [
        f"{DOCUMENT} names an exception that nothing needs: {kind} {where}" for kind, where in sorted(limits.keys() - needed)
    ]
    return out + stale


def main() -> None:
    found = complaints(measure(Path.cwd()), circles(imports()), read(Path.cwd()))
    print("\n".join(found) or "gates: all within the limits")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
