"""python -m tests.fuzz.moved [COUNT] [--case NAME] [--first SEED]: the shipped cases with every number moved by up to 20 %, solved and proved.

An ordinary case must never end unverified, nor take longer than a minute of processor time. COUNT: seeds of each case. Ends with 1 if one does.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass

from optimizer.case.case import Case
from optimizer.case.reading.diagnostics import CaseError
from optimizer.engine.solve import solve
from optimizer.engine.values import Outcome
from tests.shared.places import ROOT

CASES = ROOT / "cases"
NAMES = ("bitfarms", "ercot-flex", "industry-2025", "iren", "lake-mariner", "quickstart", "surplus-power")
#: a number is moved by up to this share
SHARE = 0.2
#: seconds of processor time that a case may take
MOST = 60.0
#: moves of one seed that may be no valid case (a share over 100 %, a minimum above its limit) before it is given up
TRIES = 50

#: a number with a unit of amounts, not of time
NUMBER = re.compile(r"(?<![\w.\-/])(\d[\d_]*(?:\.\d+)?)(?= ?(?:%|[A-Za-z]+/[A-Za-z]|[kMG]?USD|[kMGT]?W\b|BTC|EH|PH|[kM]?shares))")
SECTION = re.compile(r"[a-z_]+:")
#: sections and lines whose numbers are no amounts: text, dates, odds that add up to one
LEFT = re.compile(r"probability|\bshare: |payments|describe|description|sources|tenant:|shape:|csv:|name:")
KEPT = ("case", "horizon", "information", "variants")


@dataclass(frozen=True)
class Moved:
    """How one moved case ended. seconds: of processor time. told: what stands against it, if anything."""

    case: str
    seed: int
    outcome: Outcome | None
    seconds: float
    told: str = ""

    @property
    def wrong(self) -> bool:
        return self.outcome in (None, Outcome.UNVERIFIED, Outcome.LIMIT) or self.seconds > MOST


def moved(text: str, chance: random.Random) -> str:
    """The text of a case with every amount in it times a number between 1 - SHARE and 1 + SHARE; shares stay below 100 %."""
    section, out = "", []
    for line in text.splitlines():
        if found := SECTION.match(line):
            section = found.group()[:-1]
        code, mark, comment = line.partition(" #")
        if section not in KEPT and not LEFT.search(code) and not code.startswith("#"):
            code = NUMBER.sub(lambda number, code=code: _number(number, code, chance), code)  # type: ignore[misc]
        out.append(code + mark + comment)
    return "\n".join(out) + "\n"


def _number(found: re.Match[str], code: str, chance: random.Random) -> str:
    value = float(found.group(1).replace("_", ""))
    more = value * (1.0 + chance.uniform(-SHARE, SHARE))
    if code[found.end() :].lstrip().startswith("%") and value <= 100.0:
        more = min(more, 100.0)
    return f"{more:.6g}" if "e" not in f"{more:.6g}" else f"{more:.0f}"


def one(name: str, seed: int, settings: tuple[str, ...] = ()) -> Moved:
    """Solve the case of a seed; the file lies beside the original while it is read, since it may name data."""
    case = _valid(name, seed, settings)
    if case is None:
        return Moved(name, seed, None, 0.0, f"no valid case in {TRIES} moves")
    begun = time.process_time()
    found = solve(case, time_limit=20 * MOST)
    told = "; ".join(found.reasons) if found.outcome in (Outcome.UNVERIFIED, Outcome.LIMIT) else ""
    return Moved(name, seed, found.outcome, time.process_time() - begun, told)


def _valid(name: str, seed: int, settings: tuple[str, ...]) -> Case | None:
    text = (CASES / f"{name}.yaml").read_text(encoding="utf-8")
    chance = random.Random(f"{name} {seed}")
    path = CASES / f".{name}.{seed}.moved.yaml"
    for _ in range(TRIES):
        path.write_text(moved(text, chance), encoding="utf-8")
        try:
            return Case.load(path, settings=settings)
        except CaseError:
            continue
        finally:
            path.unlink()
    return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.moved", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=20)
    parser.add_argument("--case", choices=NAMES, action="append", help="this case only; repeatable")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    given = parser.parse_args()
    ends: Counter[str] = Counter()
    wrong, slowest = 0, 0.0
    for seed in range(given.first, given.first + given.count):
        for name in given.case or NAMES:
            found = one(name, seed)
            ends[found.outcome.value if found.outcome is not None else "invalid"] += 1
            slowest = max(slowest, found.seconds)
            wrong += found.wrong
            mark = "WRONG " if found.wrong else ""
            ended = found.outcome.value if found.outcome is not None else "invalid"
            print(f"{mark}{name} {seed}: {ended}, {found.seconds:.1f} s {found.told}".rstrip(), flush=True)
    print(f"{sum(ends.values())} cases, {dict(sorted(ends.items()))}; the slowest {slowest:.1f} s; {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
