"""Measure each size in a process of its own; print, keep and plot the results."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: site-hours from which one piece is not tried: it would take hours and many GB
IN_ONE_PIECE = 100_000
COLUMNS = {
    "size": "problem",
    "method": "method",
    "hours": "site-hours",
    "wall": "s",
    "peak": "MB",
    "rounds": "rounds",
    "cuts": "cuts",
    "gap": "gap",
    "kernel": "kernel s",
    "highs": "HiGHS s",
    "other": "other s",
    "objective": "objective, USD",
    "outcome": "",
}


def run(name: str, method: str, limit: float) -> dict[str, Any]:
    """Measure in a fresh process; stopped after `limit` seconds. Its peak memory is known even then."""
    with tempfile.TemporaryDirectory() as folder:
        answer, said = Path(folder) / "answer.json", Path(folder) / "said.txt"
        command = [sys.executable, "-m", "tests.benchmarks", "--measure", name, method, str(answer)]
        start = time.perf_counter()
        with said.open("w") as sink:
            child = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT)
            while True:
                done, code, usage = os.wait4(child.pid, os.WNOHANG)
                if done:
                    break
                if time.perf_counter() - start > limit:
                    child.kill()
                    _, code, usage = os.wait4(child.pid, 0)
                    break
                time.sleep(0.02)
            child.returncode = os.waitstatus_to_exitcode(code)
        if child.returncode == 0:
            return json.loads(answer.read_text())
        spent = time.perf_counter() - start
        over = spent > limit
        return {
            "name": name,
            "method": method,
            "wall": spent,
            "peak_mb": usage.ru_maxrss / 1024,
            "outcome": f"stopped after {limit:.0f} s" if over else "failed",
            "reasons": [] if over else said.read_text().splitlines()[-12:],
        }


def jobs(names: list[str], rivals: bool) -> list[tuple[str, str]]:
    """(size, method) to measure, each size's own methods together."""
    from tests.benchmarks.problems import COMPARED, SIZES, site_hours
    from tests.benchmarks.rivals import LINOPY, OURS, WHOLE

    if rivals:
        names = [*names, *(name for name in COMPARED if name not in names)]
    out = []
    for name in names:
        out.append((name, OURS))
        reduced = SIZES[name].kind == "reduced"
        if rivals and (reduced or site_hours(SIZES[name].arrays()) <= IN_ONE_PIECE):
            out.extend((name, method) for method in WHOLE)
        if rivals and reduced and find_spec("linopy"):
            out.extend((name, method) for method in LINOPY)
    return out


def disagreements(results: list[dict[str, Any]]) -> list[str]:
    """Objectives of one size that differ by more than the tolerance, and runs that ended otherwise than optimal."""
    from tests.benchmarks.rivals import AGREE, OURS

    out, own = [], {r["name"]: r.get("objective") for r in results if r["method"] == OURS}
    for r in results:
        found, expected = r.get("objective"), own.get(r["name"])
        stopped = r["outcome"].startswith("stopped")
        if r["outcome"] != "optimal" and (r["method"] == OURS or not stopped):
            out.append(f"{r['name']}, {r['method']}: {r['outcome']} {'; '.join(r['reasons'][-3:])}")
        elif found is not None and expected is not None and abs(found - expected) > AGREE * abs(expected):
            out.append(f"{r['name']}: {r['method']} finds {found:.10g}, {OURS} {expected:.10g}")
    return out


# ---- reports -----------------------------------------------------------------------------------------------------------


def row(r: dict[str, Any]) -> dict[str, str]:
    def number(key: str, form: str) -> str:
        value = r.get(key)
        return "" if value is None else format(value, form)

    return {
        "size": r["name"],
        "method": r["method"],
        "hours": number("site_hours", ","),
        "wall": number("wall", ".1f"),
        "peak": number("peak_mb", ".0f"),
        "rounds": number("rounds", "d"),
        "cuts": number("cuts", ","),
        "gap": number("gap", ".0e"),
        "kernel": number("kernel", ".2f"),
        "highs": number("highs", ".1f"),
        "other": number("other", ".1f"),
        "objective": number("objective", ",.0f"),
        "outcome": r["outcome"],
    }


def machine() -> dict[str, Any]:
    def of(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    packages = ("highspy", "pyomo", "numba", "numpy", "linopy")
    return {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {package: of(package) for package in packages if of(package)},
    }


def stage_table(results: list[dict[str, Any]]) -> list[str]:
    """Markdown: seconds of each stage of our own method."""
    own = [r for r in results if r["method"] == "cuts" and r.get("stages")]
    names = list(dict.fromkeys(stage for r in own for stage in r["stages"]))
    out = ["| problem | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for r in own:
        out.append(f"| {r['name']} | " + " | ".join(f"{r['stages'].get(stage, 0.0):.2f}" for stage in names) + " |")
    return out


def markdown(results: list[dict[str, Any]], about: dict[str, Any]) -> str:
    lines = ["| " + " | ".join(COLUMNS.values()) + " |", "|---|---|" + "---:|" * (len(COLUMNS) - 3) + "---|"]
    lines += ["| " + " | ".join(row(r).values()) + " |" for r in results]
    sizes = {r["name"]: f"{r['about']}; prices: {r['prices']}" for r in results if "about" in r}
    loads = [r["load"] for r in results if "load" in r]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"{about['date']}, {about['system']}, {about['cores']} cores, {versions}. Load average when a run began: "
            f"{min(loads, default=0.0):.1f} to {max(loads, default=0.0):.1f}.",
            "",
            *lines,
            "",
            "One process each. Seconds from the arrays to the proved plan with its books, without the imports of Python; the kernel loads",
            "(or compiles) at its first call, about a second. A program in one piece does without the choice among equal plans.",
            "",
            "Stages of `cuts`, seconds:",
            "",
            *stage_table(results),
            "",
            *(f"- {name}: {text}" for name, text in sizes.items()),
            "",
        ]
    )


def show(results: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for key, title in COLUMNS.items():
        table.add_column(title, justify="left" if key in ("size", "method", "outcome") else "right", no_wrap=True)
    for r in results:
        table.add_row(*row(r).values())
    Console(width=None if sys.stdout.isatty() else 180).print(table)


def plot(results: list[dict[str, Any]], file: Path) -> None:
    """Time against site-hours: one line per method through problems of one make; a cross where a run was stopped."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from tests.benchmarks.problems import SIZES

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    shown = [r for r in results if "site_hours" in r and r["outcome"] != "failed"]
    styles = {"case": ("D", ""), "whole": ("o", "-"), "reduced": ("s", "--")}
    colours: dict[str, str] = {}
    for r in shown:
        method, kind = r["method"], SIZES[r["name"]].kind
        label = f"{method}, {kind}"
        if label in axes.get_legend_handles_labels()[1]:
            continue
        colour = colours.setdefault(method, f"C{len(colours)}")
        alike = [q for q in shown if q["method"] == method and SIZES[q["name"]].kind == kind]
        points = sorted((q["site_hours"], q["wall"]) for q in alike)
        marker, line = styles[kind]
        axes.loglog(
            *zip(*points, strict=True), marker=marker, linestyle=line, color=colour, linewidth=1, markersize=4, label=label
        )
        stopped = [(q["site_hours"], q["wall"]) for q in alike if q["outcome"] != "optimal"]
        for x, y in stopped:
            axes.plot(x, y, "x", color=colour, markersize=11)
        for q in alike if method == "cuts" else []:
            at = (q["site_hours"], q["wall"])
            axes.annotate(q["name"], at, textcoords="offset points", xytext=(4, -10), fontsize=7)
    axes.margins(x=0.12)
    axes.set_xlabel("site-hours (sites x scenarios x hours of the horizon)")
    axes.set_ylabel("seconds")
    axes.grid(True, which="major", linewidth=0.3)
    axes.legend(frameon=False, fontsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=150)
    pyplot.close(figure)


def main() -> int:
    from tests.benchmarks.problems import DEFAULT, SIZES

    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--sizes", default=",".join(DEFAULT), help=f"comma-separated, of {', '.join(SIZES)} (default: %(default)s)"
    )
    parser.add_argument("--rivals", action="store_true", help="also solve in one piece, and a reduced problem with linopy")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for each run (default: %(default)g)")
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="where results go (default: %(default)s)")
    parser.add_argument("--measure", nargs=3, metavar=("SIZE", "METHOD", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        from tests.benchmarks.rivals import measure

        name, method, file = given.measure
        Path(file).write_text(json.dumps(measure(name, method)))
        return 0

    names = [name for name in given.sizes.split(",") if name]
    if unknown := [name for name in names if name not in SIZES]:
        parser.error(f"unknown size {', '.join(unknown)}: there are {', '.join(SIZES)}")
    if given.rivals and not find_spec("linopy"):
        print("linopy is not installed: left out (pip install -e '.[bench]' --constraint constraints.txt)")
    results = []
    for name, method in jobs(names, given.rivals):
        print(f"{name}, {method} ...", end=" ", flush=True)
        results.append(run(name, method, given.limit))
        print(f"{results[-1]['wall']:.1f} s, {results[-1]['outcome']}", flush=True)
    hours = {r["name"]: r["site_hours"] for r in results if "site_hours" in r}
    for r in results:
        if r["name"] in hours:
            r.setdefault("site_hours", hours[r["name"]])
    about = machine()
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "results.json").write_text(json.dumps({"machine": about, "results": results}, indent=1) + "\n")
    (given.out / "results.md").write_text(markdown(results, about))
    print()
    show(results)
    if find_spec("matplotlib"):
        plot(results, given.out / "time.png")
    print(f"\nResults are in {given.out}/")
    wrong = disagreements(results)
    for text in wrong:
        print(f"WRONG: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
