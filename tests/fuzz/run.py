"""One mutated case through the command line, in this process: what came of it, and whether that is as documented."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from optimizer.cli import app
from tests.fuzz.mutations import mutated
from tests.shared.places import ROOT

#: cases that are solved in a fraction of a second
SMALL = (
    "cvar-rewards", "dscr-sizing", "farmer", "financing-mixes", "lands", "modigliani-miller", "short-term", "tax-shield", "curtailment",
)  # fmt: skip
SOLVE_CODES = {0, 2, 3, 4, 5}
#: seconds after which a case counts as hanging; solves have a limit of their own
LONG_READ, LONG_SOLVE, LIMIT = 10.0, 60.0, 20.0


@dataclass(frozen=True)
class Outcome:
    seed: int
    case: str
    code: int | None
    seconds: float
    wrong: str  # empty where all is as documented
    text: str


def sources(small: bool) -> list[Path]:
    """The cases that are mutated."""
    tests = ROOT / "tests" / "cases"
    if small:
        return [tests / f"{name}.yaml" for name in SMALL]
    return sorted([*tests.glob("*.yaml"), *(tests / "infeasible").glob("*.yaml"), *(ROOT / "cases").glob("*.yaml")])


def one(seed: int, folder: Path, solve: bool) -> Outcome:
    """Mutate the case of this seed, and validate or solve it. folder: holds an earlier result, which must stay or be replaced as a whole."""
    source = sources(solve)[seed % len(sources(solve))]
    text = mutated(source.read_text(encoding="utf-8"), seed)
    path = folder / f"case{seed}.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    out = folder / "out"
    arguments = ["validate", str(path)]
    if solve:
        arguments = ["solve", str(path), "--out", str(out), "--quiet", "--no-xlsx", "--time-limit", str(LIMIT)]
    begun = time.perf_counter()
    code, told, wrong = None, "", ""
    try:
        code, told = quietly(arguments)
    except BaseException as problem:  # whatever comes out of the command line is a bug
        wrong = f"{type(problem).__name__}: {problem}"
    seconds = time.perf_counter() - begun
    path.unlink()
    if not wrong:
        if code not in (SOLVE_CODES if solve else {0, 2}):
            wrong = f"exit code {code}"
        elif "Traceback" in told:
            wrong = "a traceback"
        elif seconds > (LONG_SOLVE if solve else LONG_READ):
            wrong = f"{seconds:.0f} seconds"
        elif code == 2 and f"{path.name}:" not in told and "there is no" not in told:
            wrong = f"no place is named: {told[:200]}"
        elif solve and (left := [entry.name for entry in out.rglob("*") if entry.name.endswith((".tmp", ".lock"))]):
            wrong = f"left behind: {left}"
    return Outcome(seed, source.stem, code, seconds, wrong, text)


def quietly(arguments: list[str]) -> tuple[int, str]:
    """(exit code, all that was printed)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = app.run(arguments)
    return code, out.getvalue() + err.getvalue()


def many(first: int, count: int, folder: Path, solve: bool) -> Iterator[Outcome]:
    for seed in range(first, first + count):
        yield one(seed, folder, solve)
