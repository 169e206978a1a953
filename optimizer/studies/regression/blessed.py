"""Blessed results: `results/<case>/<variant>.json`, one small text file for each, which says what a run came to and what it was made of.

    schema, case, variant, status, reason, date, versions, digest
    objective   value, scale (sum of the magnitudes of its terms), upper_bound, lower_bound, gap
    kpis        figure -> {value, unique, low, high}: see `optimizer.studies.regression.unique`; without `unique` where nothing is proved of it
    lines       discounted expectation of every line of the ledger, the cash flow and the income statement, USD
    plan        held decisions: see `optimizer.studies.regression.replay`
    input, files, problem, program      what it was made of: see `optimizer.studies.regression.fingerprints`
    sha256      of all the rest: a file that was changed by hand is no blessed result

The same run gives the same bytes. Nothing in it is the time of day; `date` is what the user says, or null.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.results.folder import folder_name
from optimizer.results.serialise import ResultError, plain
from optimizer.results.summary_json import versions
from optimizer.runtime import files
from optimizer.runtime.read_back import BLESSED, BLESSED_PLAN, NUMBER, TEXT, Maybe, json_of, shaped

if TYPE_CHECKING:
    from optimizer.engine.solution import Solution, Solved

SCHEMA = 1
BASE = "base"
#: parts of a blessed result whose entries stand on lines of their own
TABLES = ("objective", "kpis", "lines", "plan", "input", "files", "problem", "program", "versions")
#: lines of statements that repeat or sum up others
SUMS = frozenset({"opening_cash", "change", "closing_cash", "revenue", "ebitda", "pretax_income", "net_income"})


class BlessedError(ResultError):
    """A blessed result that cannot be used: what is wrong with it, in a sentence."""


def path_of(results: str | os.PathLike[str], case: str, variant: str | None) -> Path:
    """results/<case>/<variant or base>.json."""
    return Path(results) / folder_name(case) / f"{folder_name(variant or BASE)}.json"


# ---- contents -------------------------------------------------------------------------------------------------------------


def content(solved: Solved, ranges: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a run came to and was made of, without reason and date. solved: not asked anything since.

    ranges: of `optimizer.studies.regression.unique.ranges`; None where uniqueness was not looked into.
    """
    from optimizer.studies.regression import fingerprints

    solution, warm = solved.solution, solved.warm
    case = solution.case
    out: dict[str, Any] = {
        "schema": SCHEMA,
        "case": case.name,
        "variant": solution.variant,
        "status": solution.outcome.name.lower(),
        "digest": case.digest,
        "versions": versions(),
    }
    out["input"] = fingerprints.of_case(case.tree) if case.tree is not None else {}
    out["files"] = dict(case.files)
    out["problem"] = fingerprints.of_problem(solution.problem)
    if warm is not None and solution.books is not None:
        from optimizer.studies.regression.replay import plan_of
        from optimizer.studies.regression.unique import size_of

        out["objective"] = {
            "value": solution.objective,
            "scale": size_of(solution),
            "upper_bound": solution.upper_bound,
            "lower_bound": solution.lower_bound,
            "gap": solution.gap,
        }
        out["kpis"] = kpis(solution, ranges)
        out["lines"] = lines(solution)
        out["plan"] = plan_of(warm)
    problem = solution.problem
    out["program"] = fingerprints.of_problems_program(problem) if warm is None else fingerprints.of_program(warm.program.lp)
    return plain(out)  # type: ignore[no-any-return]


def kpis(solution: Solution, ranges: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Figure -> value, and where its range over all best plans is known, whether it is unique and between what it lies."""
    from optimizer.engine.views.tables import expected_figures

    out: dict[str, dict[str, Any]] = {}
    for name, value in expected_figures(solution).items():
        out[name] = {"value": value}
        if ranges and name in ranges:
            one = ranges[name]
            out[name] |= {"unique": one.unique, "low": one.low, "high": one.high}
    return out


def lines(solution: Solution) -> dict[str, float]:
    """`ledger dividends`, `cash tax`, `income mining_revenue`... -> discounted expectation, USD; what is nothing is left out."""
    books, problem = solution.books, solution.problem
    assert books is not None
    out = {}
    told: set[str] = set()  # a line stands in the first of the statements that has it
    for name, table in (("ledger", books.ledger), ("cash", books.cash_flow), ("income", books.income)):
        for line, values in table.items():
            total = float(problem.scenarios.probability @ (values @ problem.discount))
            if total != 0.0 and line not in SUMS and line not in told:
                out[f"{name} {line}"] = total
        told |= set(table)
    return out


# ---- files ----------------------------------------------------------------------------------------------------------------


def to_text(data: Mapping[str, Any]) -> str:
    """The bytes of the file: one line for each entry, so that a difference of two versions can be read. The checksum comes last."""
    body = {key: value for key, value in data.items() if key != "sha256"}
    return _text(body | {"sha256": _checksum(body)})


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(body).encode()).hexdigest()


def _text(data: Mapping[str, Any]) -> str:
    parts = []
    for key, value in data.items():
        if key in TABLES and isinstance(value, dict) and value:
            entries = ",\n".join(f"  {_json(name)}: {_json(one)}" for name, one in value.items())
            parts.append(f" {_json(key)}: {{\n{entries}\n }}")
        else:
            parts.append(f" {_json(key)}: {_json(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def read(path: Path) -> dict[str, Any]:
    """A blessed result. Raises BlessedError where it is none, or was changed by hand; FileNotFoundError where there is no file."""
    try:
        data = json_of(files.read(path))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as problem:
        raise BlessedError(f"{path} cannot be read: {problem}") from None
    if not isinstance(data, dict) or "schema" not in data:
        raise BlessedError(f"{path} is no blessed result")
    if data["schema"] != SCHEMA:
        raise BlessedError(f"{path} has schema {data['schema']}, and this wattfolio reads {SCHEMA}: bless it again")
    body = {key: value for key, value in data.items() if key != "sha256"}
    if data.get("sha256") != _checksum(body):
        raise BlessedError(f"{path} was changed since it was blessed: its checksum does not fit")
    try:
        shaped(data, BLESSED | (BLESSED_PLAN if data.get("status") == "optimal" else {}))
        _plan(data)
    except ValueError as problem:
        raise BlessedError(f"{path} is no blessed result: {problem}") from None
    return data


def _plan(data: Mapping[str, Any]) -> None:
    """Every row of the plan is a date, who shares it, and an amount; ends of ranges are numbers where they are given. Raises ValueError."""
    for name, one in (data.get("kpis") or {}).items():
        for end in ("low", "high"):
            shaped(one.get(end), Maybe(NUMBER), f"kpis.{name[:40]}.{end}")
    for name, rows in (data.get("plan") or {}).items():
        for row in rows:
            if len(row) != 3:
                raise ValueError(f"a row of its plan, {name[:40]}, is not date, scenarios and amount")
            for value, shape in zip(row, (TEXT, TEXT, NUMBER), strict=True):
                shaped(value, shape, f"plan.{name[:40]}")


def write(path: Path, data: Mapping[str, Any], reason: str, date: str | None) -> None:
    """Bless: `reason` and `date` go before the figures. The file is whole or as it was. Raises BlessedError."""
    head = {key: data[key] for key in ("schema", "case", "variant", "status")}
    text = to_text(head | {"reason": reason, "date": date} | {k: v for k, v in data.items() if k not in head})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, text.encode())
    except OSError as problem:
        raise BlessedError(f"cannot write {path}: {problem.strerror or problem}") from None
