"""Answers of the shipped cases, and what cases/README.md says of them: its sections, its tables, its sentences."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from optimizer.engine.solution import Solution
from optimizer.engine.values import Outcome
from optimizer.results.folder import contents
from optimizer.results.summary_json import summary
from tests.shared.places import ROOT
from tests.shared.plans import plan

TITLES = {
    "quickstart": "Quickstart",
    "lake-mariner": "Lake Mariner",
    "bitfarms": "Bitfarms",
    "iren": "IREN",
    "industry-2025": "Industry 2025",
    "surplus-power": "Surplus power",
    "ercot-flex": "ERCOT flex",
}


@dataclass(frozen=True)
class Answer:
    """A solved case or variant: figures in USD, tables as lists of rows."""

    whole: dict
    tables: dict[str, list[dict[str, str]]]

    def value(self, key: str = "objective") -> float:
        """MUSD."""
        return self.whole[key] / 1e6

    def expected(self, column: str) -> float:
        """Mean over scenarios of a column of scenarios.csv."""
        return sum(float(row["probability"]) * float(row[column]) for row in self.tables["scenarios"])

    def decided(self, kind: str, what: str = "", scenario: str = "all", where: str = "") -> float:
        """Sum of plan.csv: what all scenarios share, or what one scenario does in all, shared steps with it."""
        total = 0.0
        for row in self.tables["plan"]:
            mine = row["scenarios"] == "all" or scenario in row["scenarios"].split("+")
            if row["kind"] == kind and what in ("", row["what"]) and where in ("", row["where"]) and mine:
                total += float(row["amount"])
        return total

    def mean(self, kind: str, *whats: str) -> float:
        """Mean over scenarios of what plan.csv has of a kind; of some things only, where they are named."""
        odds = {row["scenario"]: float(row["probability"]) for row in self.tables["scenarios"]}
        return sum(odds[s] * sum(self.decided(kind, what, s) for what in whats or ("",)) for s in odds)

    def debt(self, day: str) -> float:
        """GUSD outstanding at a date, mean over scenarios."""
        total: dict[str, float] = defaultdict(float)
        for row in self.tables["financing"]:
            if row["date"] == day:
                total[row["scenario"]] += float(row["closing"])
        odds = {row["scenario"]: float(row["probability"]) for row in self.tables["scenarios"]}
        return sum(odds[name] * total[name] for name in odds) / 1e9


def answer(name: str, variant: str | None = None) -> Answer:
    return changed(name, variant, ())


def of_plan(solution: Solution) -> Answer:
    assert solution.outcome is Outcome.OPTIMAL, solution.reasons
    files = contents(solution)
    tables = {
        table: list(csv.DictReader(io.StringIO(files[f"{table}.csv"].decode())))
        for table in ("plan", "financing", "scenarios", "covenants")
    }
    return Answer(summary(solution), tables)


@cache
def changed(name: str, variant: str | None, settings: tuple[str, ...]) -> Answer:
    """The answer to a case with settings of the command line."""
    return of_plan(plan(ROOT / "cases" / f"{name}.yaml", *settings, variant=variant))


@cache
def section(name: str) -> str:
    text = (ROOT / "cases" / "README.md").read_text(encoding="utf-8")
    return text.split(f"## {TITLES[name]}: its answer\n")[1].split("\n## ")[0]


def prose(name: str) -> str:
    return re.sub(r"\s+", " ", section(name))


def table(name: str, head: str) -> list[list[str]]:
    """The lines of the section's table whose first column is called so, its titles first; empty without such a table."""
    lines = section(name).splitlines()
    found: list[list[str]] = []
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if found and not cells:
            break
        if cells and (found or cells[0] == head) and not line.startswith("|---"):
            found.append(cells)
    return found


def rows(name: str) -> dict[str | None, list[str]]:
    """variant (None: as written) -> the cells of its row."""
    found: dict[str | None, list[str]] = {}
    for first, *cells in table(name, "variant")[1:]:
        label = re.match(r"`(\w+)`", first)
        assert label or first == "as written", first
        found[label[1] if label else None] = cells
    return found


#: what a column of "what changes" says of an answer
COLUMNS = {
    "objective, MUSD": lambda one: one.value(),
    "AI signed, MW": lambda one: one.mean("sign AI contract"),
    "converts, MUSD": lambda one: one.mean("issue", *CONVERTS) / 1e6,
    "shares sold, MUSD": lambda one: one.mean("issue", *SHARES) / 1e6,
    "debt on 2025-10-01, GUSD": lambda one: one.debt("2025-10-01"),
    "breach": lambda one: 100.0 * one.whole["odds"]["breach"],
}
CONVERTS = ("convertible", "convert_2032", "capped_convert", "converts")
SHARES = ("shares", "atm", "placement", "owners")


def rounds_to(value: float, cell: str) -> bool:
    """Is the cell the value, rounded to the digits that the cell has?"""
    digits = len(cell.partition(".")[2])
    return abs(value - float(cell.replace(",", ""))) <= 0.5 * 10**-digits + 1e-9


def says(name: str, *figures: str) -> None:
    text = prose(name)
    missing = [figure for figure in figures if figure not in text]
    assert not missing, missing
