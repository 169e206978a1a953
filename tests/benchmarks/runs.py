"""What is run: each problem and method in a process of its own, within limits of time and memory, one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import AGREE, OURS, WHOLE
from tests.benchmarks.problems import rung, size_of
from tests.shared.places import ROOT

#: sizes that are also solved in one piece: more would take hours and many GB
IN_ONE_PIECE = 100_000
#: of the algorithms of a rival, one that takes this many times as long as the best is left behind, once that is this share of the limit
SLOWER, LONG = 2.0, 0.2
#: seconds that imports, loading and the making of the arrays may take besides
LOADING = 180.0
#: what `scaling` starts from: sites, months, scenarios, rigs, services
BASE = (1, 24, 8, 4, 2)
AXES = {"sites": 0, "months": 1, "scenarios": 2}
PAGE = os.sysconf("SC_PAGE_SIZE")

Result = dict[str, Any]


def run(name: str, method: str, limit: float, memory_gb: float = float("inf")) -> Result:
    """Measure in a fresh process, stopped after `limit` seconds of solving or above `memory_gb`. Its peak memory is known even then."""
    with tempfile.TemporaryDirectory() as folder:
        answer, begun, said = (Path(folder) / name for name in ("answer.json", "begun", "said.txt"))
        command = [sys.executable, "-m", "tests.benchmarks", "--measure", name, method, str(answer), str(begun)]
        start = time.perf_counter()
        clock = stopped = None
        with said.open("w") as sink:
            child = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT)
            done = 0
            try:
                while True:
                    done, code, usage = os.wait4(child.pid, os.WNOHANG)
                    if done:
                        break
                    now = time.perf_counter()
                    if clock is None and begun.exists():
                        clock = now
                    if now > (start + LOADING if clock is None else clock) + limit:
                        stopped = f"stopped after {limit:.0f} s"
                    elif _resident_gb(child.pid) > memory_gb:
                        stopped = f"stopped at {memory_gb:.3g} GB"
                    if stopped:
                        child.kill()
                        done, code, usage = os.wait4(child.pid, 0)
                        break
                    time.sleep(0.02)
            finally:
                if not done:
                    child.kill()
                    child.wait()
        child.returncode = os.waitstatus_to_exitcode(code)
        if child.returncode == 0:
            found: Result = json.loads(answer.read_text())
            return found
        return {
            "name": name,
            "kind": size_of(name).kind,
            "method": method,
            "wall": time.perf_counter() - (clock or start),
            "peak_mb": usage.ru_maxrss / 1024,
            "outcome": stopped or "failed",
            "reasons": [] if stopped else said.read_text().splitlines()[-12:],
        }


def _resident_gb(pid: int) -> float:
    """Memory of a process now; zero where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**30
    except (OSError, IndexError, ValueError):
        return 0.0


@dataclass
class Bench:
    """Runs in turn. limit: seconds for a rival's run, own_limit for one of ours; budget: seconds for everything (None: as long as it takes).

    keep: called with all results after each run.
    """

    limit: float
    own_limit: float
    memory_gb: float
    budget: float | None = None
    keep: Callable[[list[Result]], None] = lambda _results: None
    results: list[Result] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    start: float = field(default_factory=time.perf_counter)

    def take(self, part: str, name: str, method: str, **more: Any) -> Result | None:
        """One run, or an earlier one's result; None where the budget is used up."""
        known = next((r for r in self.results if (r["name"], r["method"]) == (name, method)), None)
        limit = self.own_limit if method == OURS else self.limit
        if self.budget is not None:
            left = self.budget - (time.perf_counter() - self.start)
            # half a limit would only make a rival look worse than it is
            if known is None and left < (5.0 if method == OURS else limit):
                self.left_out.append(f"{name}, {method}")
                print(f"{part}: {name}, {method}: left out, {self.budget:.0f} s are used up", flush=True)
                return None
            limit = min(limit, left) if known is None else limit
        if known is None:
            print(f"{part}: {name}, {method} ...", end=" ", flush=True)
            result = run(name, method, limit, self.memory_gb)
            print(f"{result['wall']:.1f} s, {result['outcome']}", flush=True)
        else:
            result = dict(known)
        alike = next((r["site_hours"] for r in self.results if r["name"] == name and "site_hours" in r), None)
        if alike is not None:
            result.setdefault("site_hours", alike)
        result |= {"part": part, "limit": limit, **more}
        self.results.append(result)
        self.keep(self.results)
        return result

    def sizes(self, names: list[str]) -> None:
        """Our own method on each size; those of everything that are small enough also in one piece."""
        for name in names:
            found = self.take("sizes", name, OURS)
            if found and found["kind"] == "whole" and found.get("site_hours", IN_ONE_PIECE + 1) <= IN_ONE_PIECE:
                for method in WHOLE:
                    self.take("sizes", name, method)

    def rival(self, tool: str, kind: str, methods: tuple[str, ...], most: int = 20) -> None:
        """Problems that double until the rival solves none within the limit, each solved by us as well."""
        running = list(methods)
        for k in range(most):
            name = rung(kind, k)
            if self.take(tool, name, OURS) is None:
                return
            found = [self.take(tool, name, method) for method in running]
            solved = [r for r in found if r is not None and r["outcome"] == "optimal"]
            if not solved:
                return
            best = min(r["wall"] for r in solved)
            running = [r["method"] for r in solved if r["wall"] <= max(SLOWER * best, LONG * self.limit)]

    def scaling(self, doublings: int, enough: float) -> None:
        """Sites, months and scenarios doubled by themselves; an axis ends with a run that took more than `enough` seconds."""
        for axis, place in AXES.items():
            for k in range(doublings + 1):
                numbers = list(BASE)
                numbers[place] *= 2**k
                name = "whole-" + "x".join(str(n) for n in numbers)
                found = self.take("scaling", name, OURS, axis=axis, value=numbers[place])
                if found is None or found["outcome"] != "optimal" or found["wall"] > enough:
                    break


def disagreements(results: list[Result]) -> list[str]:
    """Objectives of one problem that differ by more than the tolerance, and runs that ended otherwise than optimal or stopped."""
    out, own = [], {r["name"]: r.get("objective") for r in results if r["method"] == OURS}
    for r in results:
        found, expected = r.get("objective"), own.get(r["name"])
        if r["outcome"] != "optimal" and not r["outcome"].startswith("stopped"):
            out.append(f"{r['name']}, {r['method']}: {r['outcome']} {'; '.join(r['reasons'][-3:])}")
        elif found is not None and expected is not None and not abs(found - expected) <= AGREE * abs(expected):
            out.append(f"{r['name']}: {r['method']} finds {found:.10g}, {OURS} {expected:.10g}")
    return list(dict.fromkeys(out))
