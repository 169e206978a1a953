"""Which inputs matter: each moved down and up by the same share, the others as they are, ranked by what that does to the objective.

What scenarios may change (prices, costs, rates, hourly data) is moved in all of them, on top of what each does to it; the rest (limits,
MW that stand) is moved where the case states it. Every end is a solve of its own, proved like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.case.patch import field_of, is_data, kind_of_annotation, kind_of_field, kind_of_path
from optimizer.case.reading.dotted_paths import part_words, split_path
from optimizer.case.reading.units import NUMBER
from optimizer.case.schema.case_model import CaseModel
from optimizer.case.schema.field_types import HourlyReader, Over, Quantity
from optimizer.case.schema.share_price import SharePriceReader
from optimizer.engine.views.tables import Cell, Table
from optimizer.results.measures import MEASURES
from optimizer.results.serialise import to_csv, to_json
from optimizer.runtime.worker import Failure
from optimizer.studies.comparison import shown
from optimizer.studies.jobs import Job, Point
from optimizer.studies.sweep import measured, row_of
from optimizer.studies.warm_chains import INVALID, Journal, key_of, solve_in_chains, solve_own

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.case.patch import Kind
    from optimizer.case.reading.yaml_tree import Node
    from optimizer.runtime.executor import Executor

SCHEMA = 1  # of tornado.json
#: sections whose numbers are inputs
SECTIONS = ("market", "sites", "rigs", "ai", "financing", "company")
#: an objective that moves by no more than this share does not move
LEAST_MOVE = 1e-9
_NUMBER = re.compile(rf"\s*({NUMBER})(.*)", re.DOTALL)


@dataclass(frozen=True)
class Input:
    """A number of the case. scaled: moved by a factor, in every scenario, or in `scenario` alone, which sets it for itself; else written
    anew where it stands: `text`. data: what is scaled, where that is not `path`.
    """

    path: str
    text: str
    scaled: bool
    why_not: str = ""
    scenario: str | None = None
    data: str = ""


@dataclass(frozen=True)
class Bar:
    """An input and its two ends. swing: the larger less the smaller of the objectives known (that of the case among them), USD."""

    input: Input
    down: Point
    up: Point
    swing: float


@dataclass(frozen=True)
class Tornado:
    """Bars, the widest first; inputs that could not be moved, each with why."""

    case: str
    digest: str
    by: float
    own: Point
    bars: tuple[Bar, ...]
    unmoved: tuple[tuple[str, str], ...]


# ---- inputs ------------------------------------------------------------------------------------------------------------


def inputs(tree: Node) -> list[Input]:
    """The numbers of a case that are inputs, in the order in which it states them."""
    out: list[Input] = []
    for key, node in tree.value.items():
        if key in SECTIONS:
            found = field_of(CaseModel, key)
            assert found is not None
            _walk(node, kind_of_field(found[1], node), key, is_data(found[1]), out)
    return out


def inputs_of_scenarios(tree: Node) -> list[Input]:
    """The numbers that scenarios set for themselves, as `scenarios.NAME.set.PATH`: moved only where they are asked for."""
    out: list[Input] = []
    scenarios = tree.get("scenarios")
    for name, scenario in scenarios.value.items() if scenarios is not None and scenarios.kind == "map" else ():
        given = scenario.get("set")
        for path, node in given.value.items() if given is not None and given.kind == "map" else ():
            kind = kind_of_path(tree, path)
            found: list[Input] = []
            if kind is not None and node.kind != "null":
                _walk(node, kind, path, True, found)
            out += [replace(one, path=f"scenarios.{name}.set.{one.path}", scenario=name, data=one.path) for one in found]
    return out


def _walk(node: Node, kind: Kind, path: str, data: bool, out: list[Input]) -> None:
    reader = kind.reader
    if reader is not None:
        if not isinstance(reader, (Quantity, Over, HourlyReader)):
            return  # dates, durations, counts, names: structure
        if isinstance(reader, SharePriceReader) and node.kind == "map" and node.get("follows") is not None:
            if (today := node.get("today")) is not None:
                _leaf(today, f"{path}.today", False, out)  # one number, the same in every scenario
            return
        _leaf(node, path, data, out)
    elif kind.section is not None:
        if node.kind != "map" and kind.section.shorthand:
            _leaf(node, path, data, out)
            return
        for key, child in node.value.items() if node.kind == "map" else ():
            found = field_of(kind.section, key)
            if found is not None:
                _walk(child, kind_of_field(found[1], child), f"{path}.{key}", data or is_data(found[1]), out)
    elif kind.names is not None and node.kind == "map":
        for key, child in node.value.items():
            _walk(child, kind_of_annotation(kind.names, child), f"{path}.{key}", data, out)


def _leaf(node: Node, path: str, data: bool, out: list[Input]) -> None:
    if node.kind == "scalar":
        found = _NUMBER.fullmatch(str(node.value))
        if found is None:
            return
        if float(found[1].replace("_", "")) == 0.0:
            out.append(Input(path, str(node.value), data, "it is 0: a share of it is nothing"))
            return
        out.append(Input(path, str(node.value), data))
    elif node.kind == "map":
        out.append(
            Input(path, "a path in time" if data else "", data, "" if data else "it is a path in time that scenarios share")
        )


def moved(one: Input, factor: float, tree: Node) -> tuple[str, ...]:
    """Settings that multiply an input."""
    if not one.scaled:
        found = _NUMBER.fullmatch(one.text)
        assert found is not None
        return (f"{one.path}={float(found[1].replace('_', '')) * factor!r}{found[2]}",)
    scenarios = tree.get("scenarios")
    if scenarios is None or scenarios.kind != "map" or not len(scenarios):
        return (f'scenarios={{base: {{probability: 100 %, scale: {{"{one.path}": {factor!r}}}}}}}',)
    out = []
    for name in scenarios if one.scenario is None else [one.scenario]:
        given = scenarios[name].get("scale")
        scales = dict(given.value.items()) if given is not None and given.kind == "map" else {}
        told = {path: str(node.value) for path, node in scales.items()}
        path = one.data or one.path
        before = float(told.get(path, "1").replace("_", ""))
        told[path] = repr(before * factor)
        inside = ", ".join(f'"{path}": {value}' for path, value in told.items())
        out.append(f"scenarios.{name}.scale={{{inside}}}")
    return tuple(out)


# ---- solving -----------------------------------------------------------------------------------------------------------


def choose(case: Case, wanted: Sequence[str]) -> list[Input]:
    """The inputs of a case, or those named. Raises ValueError for a name that is none."""
    from models.spelling import did_you_mean

    assert case.tree is not None
    every = inputs(case.tree)
    if not wanted:
        return every
    known = {_plain(one.path): one for one in [*every, *inputs_of_scenarios(case.tree)]}
    for path in wanted:
        if _plain(path) not in known:
            hint = did_you_mean(path, [one.path for one in known.values()], "they are")
            raise ValueError(f"{path} is no numeric input of the case: {hint}")
    return [known[path] for path in dict.fromkeys(_plain(path) for path in wanted)]


def _plain(path: str) -> tuple[str, ...]:
    """A path without its quotes."""
    return tuple(part_words(split_path(path)))


def about(chosen: Sequence[Input], by: float, variant: str | None, changes: Sequence[str], limit: float | None) -> dict[str, Any]:
    return {"tornado": [one.path for one in chosen], "by": by, "variant": variant, "changes": list(changes), "time_limit": limit}


def run(
    path: str,
    case: Case,
    chosen: Sequence[Input],
    by: float,
    executor: Executor,
    *,
    variant: str | None = None,
    changes: Sequence[str] = (),
    limit: float | None = None,
    journal: Journal | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> Tornado:
    """Solve both ends of every input. Raises ExecutorError, and OSError where the journal cannot be written."""
    assert case.tree is not None
    movable = [one for one in chosen if not one.why_not]
    jobs = []
    for one in movable:
        for which, factor in (("down", 1.0 - by), ("up", 1.0 + by)):
            settings = (*changes, *moved(one, factor, case.tree))
            jobs.append(Job(f"{one.path} {which}", path, variant, settings, limit))
    if progress is not None:
        progress(0, len(jobs), 0)
    own = executor.map(solve_own, [Job("as stated", path, variant, tuple(changes), limit)])[0]
    if isinstance(own, Failure):
        raise RuntimeError(f"{own.kind}: {own.message}\n{own.trace}")
    point, _, exported = own
    found = solve_in_chains(jobs, exported, executor, journal, progress, star=True)
    middle = point.values.get("objective")
    bars = []
    unmoved = [(one.path, one.why_not) for one in chosen if one.why_not]
    for one, down, up in zip(movable, found[::2], found[1::2], strict=True):
        if down.status == up.status == INVALID:
            unmoved.append((one.path, down.reasons[0].partition(": ")[2] or down.reasons[0]))
            continue
        known = [v for v in (middle, down.values.get("objective"), up.values.get("objective")) if v is not None]
        bars.append(Bar(one, down, up, max(known) - min(known) if known else 0.0))
    # an end without a plan is worse than any number: such inputs stand first
    bars.sort(key=lambda bar: (not _broken(bar), -bar.swing, bar.input.path))
    return Tornado(case.name, case.digest, by, point, tuple(bars), tuple(unmoved))


def _broken(bar: Bar) -> bool:
    return any(one.status in ("infeasible", "unbounded") for one in (bar.down, bar.up))


def key(case: Case, chosen: Sequence[Input], by: float, variant: str | None, changes: Sequence[str], limit: float | None) -> str:
    """What a journal of this tornado is known by."""
    return key_of(case.digest, about(chosen, by, variant, changes, limit))


# ---- as files ----------------------------------------------------------------------------------------------------------


def table(tornado: Tornado) -> Table:
    """tornado.csv: two rows for each input, its ends; and one for each that could not be moved."""
    header = (
        "rank",
        "input",
        "stated",
        "end",
        "factor",
        "status",
        "reason",
        "change_of_objective",
        "swing",
        *(m.key for m in MEASURES),
    )
    rows: list[tuple[Cell, ...]] = []
    middle = tornado.own.values.get("objective")
    nothing = (None,) * len(MEASURES)
    own = tuple(tornado.own.values.get(m.key) for m in MEASURES)
    rows.append((0, "", "", "as stated", 1.0, tornado.own.status, "; ".join(tornado.own.reasons), 0.0, None, *own))
    for rank, bar in enumerate(tornado.bars, 1):
        for end, factor, point in (("down", 1.0 - tornado.by, bar.down), ("up", 1.0 + tornado.by, bar.up)):
            value = point.values.get("objective")
            change = None if value is None or middle is None else value - middle
            values = tuple(point.values.get(m.key) for m in MEASURES)
            reason = "; ".join(point.reasons)
            rows.append((rank, bar.input.path, bar.input.text, end, factor, point.status, reason, change, bar.swing, *values))
    for path, why in tornado.unmoved:
        rows.append((None, path, "", "", None, "not moved", why, None, None, *nothing))
    return Table(header, rows)


def account(tornado: Tornado) -> dict[str, Any]:
    """tornado.json."""
    return {
        "schema": SCHEMA,
        "case": tornado.case,
        "digest": tornado.digest,
        "by": tornado.by,
        "measures": measured(),
        "own": row_of(tornado.own),
        "rows": [
            {
                "input": bar.input.path,
                "stated": bar.input.text,
                "swing": bar.swing,
                "down": row_of(bar.down),
                "up": row_of(bar.up),
            }
            for bar in tornado.bars
        ],
        "not_moved": [{"input": path, "reason": why} for path, why in tornado.unmoved],
    }


def draw(tornado: Tornado, top: int) -> str:
    """The widest bars; "" where the case itself has no plan."""
    from optimizer.studies import plots

    middle = tornado.own.values.get("objective")
    if middle is None or not tornado.bars:
        return ""
    rows = [(bar.input.path, bar.down.values.get("objective"), bar.up.values.get("objective")) for bar in tornado.bars[:top]]
    return plots.tornado(f"{tornado.case}: objective with each input {100 * tornado.by:.4g} % down (light) and up", middle, rows)


def page(tornado: Tornado, picture: str, top: int) -> str:
    """tornado.html."""
    from optimizer.studies import plots

    parts = [picture, plots.table(HEADER, lines(tornado, len(tornado.bars)))]
    if tornado.unmoved:
        parts.append("<h2>Not moved</h2>" + plots.table(["input", "why"], [list(one) for one in tornado.unmoved]))
    return plots.page(f"{tornado.case}: what matters", [sentence(tornado)], parts)


HEADER = ["input", "stated", "down", "up", "swing"]


def lines(tornado: Tornado, top: int) -> list[list[str]]:
    """Rows as people read them."""
    out = []
    for bar in tornado.bars[:top]:
        ends = [shown("objective", one.values.get("objective")) if one.optimal else one.status for one in (bar.down, bar.up)]
        out.append([bar.input.path, bar.input.text, *ends, shown("objective", bar.swing)])
    return out


def sentence(tornado: Tornado) -> str:
    middle = tornado.own.values.get("objective")
    size = abs(middle or 0.0) * LEAST_MOVE
    still = sum(bar.swing <= size and not _broken(bar) for bar in tornado.bars)
    text = f"{len(tornado.bars)} inputs, each down and up by {100 * tornado.by:.4g} %; as stated the objective is {shown('objective', middle)}"
    if still:
        text += f"; {still} of them change nothing"
    if tornado.unmoved:
        text += f"; {len(tornado.unmoved)} could not be moved"
    return text + "."


def files(tornado: Tornado, top: int) -> dict[str, bytes]:
    """Everything that is written, by name."""
    picture = draw(tornado, top)
    out = {
        "tornado.csv": to_csv(table(tornado)).encode("utf-8", "replace"),
        "tornado.json": to_json(account(tornado)).encode(),
        "tornado.html": page(tornado, picture, top).encode("utf-8", "replace"),
    }
    return out | ({"tornado.svg": picture.encode("utf-8", "replace")} if picture else {})


def write(tornado: Tornado, target: Path, top: int) -> Path:
    """Write the files into a folder, all or none. Raises ResultError."""
    from optimizer.results.folder import write_files

    return write_files(target, files(tornado, top), {"case": tornado.case, "digest": tornado.digest})
