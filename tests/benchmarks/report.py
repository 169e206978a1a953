"""What was measured, as tables for the terminal, docs/benchmarks.md and README.md, and as a plot."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import fill
from typing import Any

from tests.benchmarks.measure import OURS
from tests.benchmarks.runs import LONG, SLOWER, Result

BEGIN, END = "<!-- benchmarks: written by python -m tests.benchmarks --write -->", "<!-- end of benchmarks -->"
PACKAGES = ("highspy", "pyomo", "numba", "numpy", "linopy", "pypsa")
TOOLS = {"pypsa": "PyPSA", "linopy": "linopy"}
#: column -> (title, result key, format); kinds of numbers that a tool does not have stay empty
COLUMNS = {
    "name": ("problem", "name", "s"),
    "method": ("method", "method", "s"),
    "hours": ("site-hours", "site_hours", ",d"),
    "wall": ("s", "wall", ".1f"),
    "peak": ("MB", "peak_mb", ",.0f"),
    "rounds": ("rounds", "rounds", "d"),
    "iterations": ("iterations", "iterations", ",d"),
    "cuts": ("cuts", "cuts", ",d"),
    "gap": ("gap", "gap", ".0e"),
    "kernel": ("kernel s", "kernel", ".2f"),
    "highs": ("HiGHS s", "highs", ".1f"),
    "other": ("other s", "other", ".1f"),
    "objective": ("objective, USD", "objective", ",.0f"),
    "outcome": ("", "outcome", "s"),
}
WORDS = ("name", "about", "method", "outcome", "axis")


def machine() -> dict[str, Any]:
    """Where and with what: date, processor, cores, memory (GB), system, versions."""

    def of(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory_gb()),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"Python": platform.python_version()} | {package: of(package) for package in PACKAGES if of(package)},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), flags=re.MULTILINE) if info.is_file() else None
    return found[1].strip() if found else platform.processor() or "processor unknown"


def memory_gb() -> float:
    """Of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


# ---- tables ------------------------------------------------------------------------------------------------------------


def cells(r: Result) -> dict[str, str]:
    """Each column of a result as text."""
    return {c: "" if r.get(key) is None else format(r[key], form) for c, (_, key, form) in COLUMNS.items()}


def table(columns: dict[str, str], rows: Iterable[dict[str, str]]) -> list[str]:
    """Markdown: columns are key -> title; words to the left, numbers to the right, and a column that is empty throughout left out."""
    rows = list(rows)
    columns = {c: title for c, title in columns.items() if any(row[c] for row in rows)}
    line = "|".join("---" if c in WORDS else "---:" for c in columns)
    return [
        "| " + " | ".join(columns.values()) + " |",
        f"|{line}|",
        *("| " + " | ".join(row[c] for c in columns) + " |" for row in rows),
    ]


def of(results: list[Result], part: str) -> list[Result]:
    return [r for r in results if r["part"] == part]


def titles() -> dict[str, str]:
    return {c: title for c, (title, _, _) in COLUMNS.items()}


def duel(results: list[Result], tool: str) -> tuple[Result, Result] | None:
    """(the rival's, ours) at the largest problem that the rival solved, by the faster of its algorithms."""
    own = {r["name"]: r for r in of(results, tool) if r["method"] == OURS}
    solved = [r for r in of(results, tool) if r["method"] != OURS and r["outcome"] == "optimal"]
    if not solved:
        return None
    largest = max(r["site_hours"] for r in solved)
    best = min((r for r in solved if r["site_hours"] == largest), key=lambda r: r["wall"])
    return best, own[best["name"]]


def sentence(results: list[Result], tool: str, about: dict[str, Any]) -> str:
    """What came out against a rival, in words."""
    limits = [r["limit"] for r in of(results, tool) if r["method"] != OURS]
    who = f"{TOOLS[tool]} {about['versions'].get(tool, '')} with HiGHS"
    if not limits:
        return f"{who} was not run."
    limit, found = max(limits), duel(results, tool)
    if found is None:
        return f"{who} solved none of the problems it was given within {limit:.0f} s."
    rival, own = found
    tried = [r["site_hours"] for r in of(results, tool) if r["method"] != OURS and r["outcome"] != "optimal"]
    largest = "the largest it solves" if max(tried, default=0) > rival["site_hours"] else "the largest it was given, and solves"
    text = (
        f"Of problems that {who} can state as well, {largest} within {limit:.0f} s is {rival['name']} "
        f"({rival['site_hours']:,} site-hours): {rival['wall']:.0f} s and {rival['peak_mb'] / 1024:.1f} GB."
    )
    if own["outcome"] != "optimal":
        return f"{text} wattfolio: {own['outcome']}."
    off = abs(rival["objective"] - own["objective"]) / abs(own["objective"])
    return (
        f"{text} wattfolio takes {own['wall']:.1f} s and {own['peak_mb'] / 1024:.1f} GB: {rival['wall'] / own['wall']:.0f} times as fast. "
        f"The objectives differ by {off:.0e} of their size."
    )


def scaling_rows(results: list[Result]) -> list[dict[str, str]]:
    """One row per doubling, with what it multiplied the time by."""
    out, before = [], {}
    for r in of(results, "scaling"):
        ratio = r["wall"] / before[r["axis"]] if r["axis"] in before and r["outcome"] == "optimal" else None
        before[r["axis"]] = r["wall"]
        more = {"axis": r["axis"], "value": f"{r['value']}", "ratio": "" if ratio is None else f"{ratio:.1f}"}
        out.append(cells(r) | more)
    return out


SCALING = {"axis": "what grows", "value": "to", "hours": "site-hours", "wall": "s", "ratio": "ratio", "rounds": "rounds"} | {
    c: COLUMNS[c][0] for c in ("cuts", "kernel", "highs", "other", "peak", "outcome")
}


def stage_rows(results: list[Result]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Seconds of each stage of our own method."""
    own = [r for r in of(results, "sizes") if r["method"] == OURS and r.get("stages")]
    names = list(dict.fromkeys(stage for r in own for stage in r["stages"]))
    rows = [{"name": r["name"]} | {s: f"{r['stages'][s]:.2f}" if s in r["stages"] else "" for s in names} for r in own]
    return {"name": "problem"} | {s: s for s in names}, rows


def where(about: dict[str, Any], results: list[Result]) -> str:
    loads = [r["load"] for r in results if "load" in r]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return (
        f"{about['date']}: {about['processor']}, {about['cores']} cores, {about['memory_gb']} GB, {about['system']}, {versions}. "
        f"Load average when a run began: {min(loads, default=0.0):.1f} to {max(loads, default=0.0):.1f}."
    )


def markdown(results: list[Result], about: dict[str, Any], left_out: Iterable[str] = ()) -> str:
    """docs/benchmarks.md."""
    out = ["# Benchmarks", "", where(about, results), ""]
    out += [
        "Each run is a process of its own; MB is the most it held. Before the clock starts, each has solved a problem of a few hours, so",
        "that its code is loaded. Seconds are from the arrays in memory (or the case file) to the answer. Ours is the proved plan with its",
        "books and the choice among equal plans; a program in one piece does without that choice, and a rival proves nothing. HiGHS is",
        "the same version in all of them: on one thread in ours, at its own settings in rivals. The kernel uses all cores.",
        "",
    ]
    if of(results, "sizes"):
        out += ["## Problems of some size", "", *table(titles(), map(cells, of(results, "sizes"))), ""]
        out += ["`cuts` is what `wattfolio solve` does; `extensive` writes every hour into one program, through Pyomo.", ""]
        columns, rows = stage_rows(results)
        out += ["Seconds of the stages of `cuts`:", "", *table(columns, rows), ""]
    kinds = {
        "pypsa": "Rigs, AI services and interconnection of each site are chosen once, for all scenarios; every hour is split in each; the\n"
        "objective is mean and CVaR. In PyPSA it is a stochastic network: sites are buses, the grid a generator, rigs and services\n"
        "generators of sign -1. What it cannot say (order dates, debt, tax, rules) is left out of the problem.",
        "linopy": "A fleet bought and sold over time, every hour's split, cash, dividends and rescue, written for linopy by hand.",
    }
    for tool, text in kinds.items():
        if of(results, tool):
            out += [f"## Against {TOOLS[tool]}", "", text, "", sentence(results, tool, about), ""]
            out += [*table(titles(), map(cells, of(results, tool))), ""]
    if any(of(results, tool) for tool in kinds):
        out += [
            f"A method that took more than {SLOWER:.0f} times as long as the best, and more than {LONG:.0%} of the limit, goes no further.",
            "",
        ]
    if of(results, "scaling"):
        out += [
            "## How it grows",
            "",
            "The whole problem, one thing doubled at a time. `ratio`: seconds over those of the line before.",
            "",
        ]
        out += [*table(SCALING, scaling_rows(results)), ""]
    out += ["## Time against size", "", "![Seconds against site-hours, by tool](benchmarks.svg)", ""]
    out += ["A cross is a run that was stopped.", "", "## The problems", ""]
    known = {r["name"]: f"{r['about']}; prices: {r['prices']}" for r in results if "about" in r}
    out += [f"- {name}: {text}" for name, text in known.items()]
    if left := list(left_out):
        out += ["", f"Left out, because the time for all was used up: {'; '.join(left)}."]
    out += ["", '`make bench` measures again; `make bench ARGS="--full --write"` takes hours and writes this page.', ""]
    return "\n".join(out)


def readme_block(results: list[Result], about: dict[str, Any]) -> str:
    """The short table of README.md, with its markers."""
    columns = {
        "name": "problem",
        "about": "",
        **{c: COLUMNS[c][0] for c in ("hours", "wall", "peak", "rounds", "gap", "outcome")},
    }
    named = [r for r in of(results, "sizes") if r["method"] == OURS]
    rows = [cells(r) | {"about": r.get("about", ""), "outcome": "" if r["outcome"] == "optimal" else r["outcome"]} for r in named]
    words = [fill(sentence(results, tool, about), 120) for tool in TOOLS if of(results, tool)]
    head = f"{about['date']}, {about['processor']}, {about['cores']} cores, every hour of every site and scenario:"
    return "\n".join([BEGIN, head, "", *(table(columns, rows) if rows else []), *(f"\n{text}" for text in words), "", END])


def refreshed(readme: str, block: str) -> str:
    """README.md with the block put where its markers are. Raises ValueError where they are not there once, in order."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise ValueError(f"README.md must have one line '{BEGIN}' and after it one line '{END}'")
    return readme[: readme.index(BEGIN)] + block + readme[readme.index(END) + len(END) :]


def show(results: list[Result]) -> None:
    """Tables on the terminal."""
    import sys

    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 200)

    def put(title: str, columns: dict[str, str], rows: list[dict[str, str]]) -> None:
        columns = {c: text for c, text in columns.items() if any(row[c] for row in rows)}
        shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for c, text in columns.items():
            shown.add_column(text, justify="left" if c in WORDS else "right", no_wrap=True)
        for row in rows:
            shown.add_row(*(row[c] for c in columns))
        console.print(shown)

    for part in ("sizes", *TOOLS):
        if of(results, part):
            put(part, titles(), [cells(r) for r in of(results, part)])
    if of(results, "scaling"):
        put("scaling", SCALING, scaling_rows(results))


# ---- plot --------------------------------------------------------------------------------------------------------------

#: part of the results -> what its problems are called, colour
GROUPS = {"sizes": ("everything", "C0"), "pypsa": ("network", "C1"), "linopy": ("reduced", "C2")}
LINES = {"simplex": ":", "ipm": "--", "ipx": "-."}
MARKERS = {"cuts": "o", "extensive": "^", "pypsa": "s", "linopy": "D"}


def plot(results: list[Result], file: Path) -> None:
    """Time against site-hours: a line per method and kind of problem, a cross where a run was stopped. Same results, same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context({"svg.hashsalt": "wattfolio", "svg.fonttype": "path"}):
        figure, axes = pyplot.subplots(figsize=(8, 5))
        for part, (what, colour) in GROUPS.items():
            shown = [r for r in of(results, part) if r.get("site_hours") and r["outcome"] != "failed" and r["kind"] != "case"]
            for method in dict.fromkeys(r["method"] for r in shown):
                alike = sorted((r["site_hours"], r["wall"], r["outcome"]) for r in shown if r["method"] == method)
                ours = method == OURS
                axes.plot(
                    [x for x, _, _ in alike],
                    [y for _, y, _ in alike],
                    marker=MARKERS[method.partition("-")[0]],
                    linestyle="-" if ours else LINES[method.partition("-")[2]],
                    color=colour,
                    linewidth=1.8 if ours else 1.0,
                    markersize=4,
                    label=f"{what}: {'wattfolio' if ours else method}",
                )
                stopped = [(x, y) for x, y, outcome in alike if outcome != "optimal"]
                if stopped:
                    axes.plot(*zip(*stopped, strict=True), "x", color=colour, markersize=11)
            for r in shown if part == "sizes" else []:
                if r["method"] == OURS:
                    at = (r["site_hours"], r["wall"])
                    axes.annotate(r["name"], at, textcoords="offset points", xytext=(4, -10), fontsize=7)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.margins(x=0.12)
        axes.set_xlabel("site-hours (sites x scenarios x hours of the horizon)")
        axes.set_ylabel("seconds")
        axes.grid(True, which="major", linewidth=0.3)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(frameon=False, fontsize=7)
        figure.tight_layout()
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=150)
        pyplot.close(figure)
