"""python -m tests.fuzz [COUNT] [--solve] [--first SEED]: mutate that many cases, tell what went wrong, and end with 1 if anything did."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz import __doc__ as about
from tests.fuzz.run import many


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=about)
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--solve", action="store_true", help="solve small cases; without it, validate all kinds")
    given = parser.parse_args()
    codes: Counter[int | None] = Counter()
    wrong, slowest, begun = 0, 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for done, found in enumerate(many(given.first, given.count, Path(folder), given.solve), 1):
            codes[found.code] += 1
            slowest = max(slowest, found.seconds)
            if found.wrong:
                wrong += 1
                print(f"seed {found.seed} ({found.case}): {found.wrong}", flush=True)
            if done % 1000 == 0:
                print(f"{done} of {given.count}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - begun
    print(
        f"{given.count} cases in {seconds:.0f} s, the slowest {slowest:.1f} s; exit codes {dict(sorted(codes.items(), key=str))}; {wrong} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
