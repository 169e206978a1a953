"""python -m tests.fuzz [COUNT] [--solve] [--first SEED]: mutate the text of that many cases.
python -m tests.fuzz --structured COUNT [--seed SEED] [--workers N]: change their meaning plausibly, solve, and compare pairs.

Both tell what went wrong, and end with 1 if anything did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz import __doc__ as about
from tests.fuzz.pool import verdicts
from tests.fuzz.run import many
from tests.fuzz.tally import Tally, told


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=about)
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--solve", action="store_true", help="solve small cases; without it, validate all kinds")
    group = parser.add_argument_group("changes that stay plausible")
    group.add_argument("--structured", type=int, metavar="COUNT", help="so many cases, of seeds from --seed on")
    group.add_argument("--seed", type=int, default=0)
    group.add_argument("--workers", type=int, default=2, metavar="N")
    group.add_argument("--seconds-per-case", type=float, default=60.0, metavar="SECONDS", help="of processor time")
    group.add_argument("--small", action="store_true", help="only what is solved in a few milliseconds")
    group.add_argument("--keep", type=Path, default=Path("out/fuzz"), metavar="DIR", help="where bad cases are written")
    given = parser.parse_args()
    return structured(given) if given.structured is not None else text(given)


def structured(given: argparse.Namespace) -> int:
    """Solve, compare, and tell."""
    tally, begun = Tally(), time.perf_counter()
    seeds = range(given.seed, given.seed + given.structured)
    for one in verdicts(seeds, given.workers, given.seconds_per_case, given.small):
        tally.add(one)
        if one.bad:
            print("\n".join(told(one, given.keep)), flush=True)
        if tally.count % 100 == 0:
            print(f"{tally.count} of {given.structured} in {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    print(tally.table())
    return 1 if tally.failed else 0


def text(given: argparse.Namespace) -> int:
    """Mutate texts."""
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
