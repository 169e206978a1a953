"""Measure, print, and on request keep and publish."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests import benchmarks
from tests.benchmarks import report
from tests.benchmarks.measure import KINDS, LINOPY, OURS, PYPSA, measure
from tests.benchmarks.problems import SIZES, size_of
from tests.benchmarks.runs import ROOT, Bench, Result, disagreements, run

#: part, which is what the rival is called in Python -> methods
RIVALS = {"pypsa": PYPSA, "linopy": LINOPY}
PARTS = ("sizes", "scaling", *RIVALS)
QUICK = ("tiny", "quickstart", "lake-mariner", "small", "medium")
#: after all else: takes what is left of the time
LAST = ("large",)
FULL = (*QUICK, "medium-information", *LAST, "large-information", "huge")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=benchmarks.__doc__)
    full = "with --full "
    parser.add_argument("--full", action="store_true", help="everything, however long it takes; else within --budget")
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated (default: %(default)s)")
    parser.add_argument(
        "--sizes", help=f"comma-separated, of {', '.join(SIZES)}, or like whole-1x12x3x2x1 (sites x months x ...)"
    )
    parser.add_argument("--limit", type=float, help=f"seconds for each run of a rival (default: 30, {full}600)")
    parser.add_argument("--own-limit", type=float, help=f"seconds for each run of ours (default: 150, {full}7200)")
    parser.add_argument("--memory", type=float, help="GB for each run (default: 80 %% of the machine's)")
    parser.add_argument("--budget", type=float, help=f"seconds for everything (default: 540, {full}none)")
    parser.add_argument("--doublings", type=int, help=f"of each axis in scaling (default: 3, {full}6)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the raw numbers, after each run")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw time against size (.svg or .png)")
    parser.add_argument(
        "--from", type=Path, nargs="+", dest="earlier", metavar="FILE", help="run nothing: results of earlier --json"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks.md, docs/benchmarks.svg and the table of README.md"
    )
    parser.add_argument("--measure", nargs=4, metavar=("SIZE", "METHOD", "FILE", "BEGUN"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        name, method, file, begun = given.measure
        Path(file).write_text(json.dumps(measure(name, method, ready=Path(begun).touch)))
        return 0

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is running does not run on
    parts = given.parts.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"unknown part {', '.join(unknown)}: there are {', '.join(PARTS)}")
    for name in given.sizes.split(",") if given.sizes else ():
        try:
            size_of(name)
        except KeyError as error:
            parser.error(error.args[0])
    if given.write and not find_spec("matplotlib"):
        parser.error("--write needs matplotlib: pip install -e '.[bench]' --constraint constraints.txt")

    if given.earlier:
        about, results, left_out = gathered([json.loads(file.read_text()) for file in given.earlier])
    else:
        about, results, left_out = measured(given, parts)
    print()
    report.show(results)
    for tool in report.TOOLS:
        if report.of(results, tool):
            print(report.sentence(results, tool, about))
    wrong = disagreements(results)
    for text in wrong:
        print(f"WRONG: {text}")
    if given.plot:
        report.plot(results, given.plot)
    if given.write and not wrong:
        publish(results, about, left_out)
    return 1 if wrong else 0


def measured(given: argparse.Namespace, parts: list[str]) -> tuple[dict[str, Any], list[Result], list[str]]:
    """Run the parts: (machine, results, what was left out)."""

    def choose(value: Any, quick: Any, full: Any) -> Any:
        return value if value is not None else full if given.full else quick

    about = report.machine()
    bench = Bench(
        limit=choose(given.limit, 30.0, 600.0),
        own_limit=choose(given.own_limit, 150.0, 7200.0),
        memory_gb=given.memory or 0.8 * report.memory_gb(),
        budget=choose(given.budget, 540.0, None),
    )
    if given.json:
        bench.keep = lambda results: keep(given.json, about, results, bench.left_out)
    print("compiling ...", flush=True)
    run("tiny", OURS, 120.0)  # so that no measurement has it
    later = list(LAST) if not given.full and not given.sizes else []
    names = given.sizes.split(",") if given.sizes else FULL if given.full else QUICK
    if "sizes" in parts:
        bench.sizes(list(names))
    if "scaling" in parts:
        bench.scaling(choose(given.doublings, 3, 6), enough=600.0 if given.full else 25.0)
    for part, methods in RIVALS.items():
        if part in parts and not find_spec(part):
            print(f"{part}: not installed, left out (pip install -e '.[bench]' --constraint constraints.txt)")
        elif part in parts:
            bench.rival(part, KINDS[part], methods)
    if "sizes" in parts:
        bench.sizes(later)
    if given.json:
        keep(given.json, about, bench.results, bench.left_out)
    return about, bench.results, bench.left_out


def keep(file: Path, about: dict[str, Any], results: list[Result], left_out: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": about, "results": results, "left_out": left_out}, indent=1) + "\n")


def gathered(files: list[dict[str, Any]]) -> tuple[dict[str, Any], list[Result], list[str]]:
    """Earlier results put together; the machine is that of the first. Raises ValueError where they come from different ones."""
    about = files[0]["machine"]
    for other in files[1:]:
        if {**other["machine"], "date": about["date"]} != about:
            raise ValueError(f"results of different machines or versions: {about} and {other['machine']}")
    return about, [r for file in files for r in file["results"]], [text for file in files for text in file["left_out"]]


def publish(results: list[Result], about: dict[str, Any], left_out: list[str]) -> None:
    docs, readme = ROOT / "docs", ROOT / "README.md"
    text = report.refreshed(readme.read_text(encoding="utf-8"), report.readme_block(results, about))
    (docs / "benchmarks.md").write_text(report.markdown(results, about, left_out), encoding="utf-8")
    report.plot(results, docs / "benchmarks.svg")
    readme.write_text(text, encoding="utf-8")
    print("Written: docs/benchmarks.md, docs/benchmarks.svg, README.md")


if __name__ == "__main__":
    sys.exit(main())
