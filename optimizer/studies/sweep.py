"""A sweep: the points of a grid as a table, a picture and a page.

Each point is the case with other values, solved and proved like any case (`chains`); one that has no plan is a row with a reason.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.case.patch import field_of, kind_of_field, kind_of_path
from optimizer.case.reading.dotted_paths import part_words, split_path
from optimizer.case.schema.case_model import SuppliesReader
from optimizer.case.schema.field_types import ClockHours, Count, HourlyReader, Months, Over, Quantity
from optimizer.engine.views.tables import Cell, Table
from optimizer.results.measures import MEASURES
from optimizer.results.serialise import to_csv, to_json
from optimizer.studies.comparison import shown
from optimizer.studies.grid import BASE, VARIANT, Axis, GridError, SweepGrid
from optimizer.studies.jobs import Job, Point
from optimizer.studies.warm_chains import Journal, key_of, solve_in_chains

if TYPE_CHECKING:
    from optimizer.case.case import Case
    from optimizer.case.reading.yaml_tree import Node
    from optimizer.runtime.executor import Executor

SCHEMA = 1  # of sweep.json
#: values of a list that are all tried before anything is solved; of longer ones the ends
MOST_VALUES_TRIED = 12
#: third axis with more values: no small multiples
MOST_PANELS = 12
#: measures on the page
PAGE_MEASURES = (
    "objective",
    "expected_npv",
    "cvar",
    "irr",
    "debt_raised",
    "equity_raised",
    "capex",
    "ai_mw",
    "mining_mw",
    "breach",
)


@dataclass(frozen=True)
class Sweep:
    """A grid of a case and the point of each of its places, in the grid's order."""

    case: str
    digest: str
    variant: str | None
    changes: tuple[str, ...]
    grid: SweepGrid
    points: tuple[Point, ...]
    notes: tuple[str, ...] = ()

    @property
    def solved(self) -> int:
        return sum(one.optimal for one in self.points)


def check(path: str, case: Case, grid: SweepGrid, variant: str | None, changes: Sequence[str]) -> None:
    """Each axis by itself on the case as it stands, before anything is solved. Raises GridError or CaseError, with `--vary` as the place."""
    from models.spelling import did_you_mean
    from optimizer.case.case import SETTINGS, Case
    from optimizer.case.reading.diagnostics import CaseError

    for axis in grid.axes:
        if axis.path == VARIANT:
            if variant is not None:
                raise GridError("--variant and --vary variant=... do not go together")
            for name in axis.texts:
                if name != BASE and name not in case.variants:
                    hint = did_you_mean(name, [BASE, *case.variants], "there are")
                    raise GridError(f'variant: the case has no variant "{name}": {hint}')
            for name in axis.texts:
                Case.load(path, None if name == BASE else name, changes)
            continue
        assert axis.numbers is not None and case.tree is not None
        if not numeric(case.tree, axis.path):
            raise GridError(f"{axis.path} is no number: --vary takes numbers and variants; --set and variants change anything")
        count = len(axis)
        tried = range(count) if count <= MOST_VALUES_TRIED else sorted({0, count - 1, *_ends(axis.numbers)})
        for k in tried:
            try:
                Case.load(path, variant, (*changes, f"{axis.path}={axis.texts[k]}"))
            except CaseError as error:
                mine = [one for one in error.mistakes if one.place.file == SETTINGS and one.place.line == len(changes) + 1]
                if not mine:
                    raise
                told = "; ".join(one.message + (f": {one.hint}" if one.hint else "") for one in mine)
                raise GridError(f"{axis.path}={axis.texts[k]}: {told}") from None


def numeric(tree: Node, path: str) -> bool:
    """Whether a path, which may be wrong, leads to something that takes a number; wrong ones are told when they are tried."""
    kind = kind_of_path(tree, path)
    if kind is None:
        return True  # below a value, such as market.btc_price.growth, or nowhere
    if kind.section is not None and kind.section.shorthand:
        short = field_of(kind.section, kind.section.shorthand)
        kind = kind_of_field(short[1], None) if short is not None else kind
    return isinstance(kind.reader, (Quantity, Over, HourlyReader, Months, ClockHours, Count, SuppliesReader))


def _ends(numbers: Sequence[float]) -> tuple[int, int]:
    return numbers.index(min(numbers)), numbers.index(max(numbers))


def overridden(case: Case, grid: SweepGrid) -> list[str]:
    """Paths of a sweep that scenarios set by themselves: there the sweep changes nothing."""
    scenarios = case.tree.get("scenarios") if case.tree is not None else None
    named = scenarios.value if scenarios is not None and scenarios.kind == "map" else {}
    out = []
    for axis in grid.axes:
        held = []
        for name, scenario in named.items():
            given = scenario.get("set")
            if given is not None and given.kind == "map" and any(_covers(path, axis.path) for path in given):
                held.append(name)
        if held and case.generated is not None and not axis.path.startswith("scenarios."):
            out.append(f"{axis.path}: drawn scenarios take its value at date 0, and draw the rest")
        elif held:
            out.append(f"{axis.path}: {' and '.join(held)} set it for themselves, and keep what they set")
    return out


def _covers(one: str, other: str) -> bool:
    """Whether one of two paths leads to or through the other."""
    a, b = (part_words(split_path(path)) for path in (one, other))
    return a == b[: len(a)] or b == a[: len(b)]


def definition(grid: SweepGrid, variant: str | None, changes: Sequence[str], limit: float | None) -> dict[str, Any]:
    """What was asked for: with the case, what a sweep is known by."""
    axes = [{"path": axis.path, "unit": axis.unit, "values": list(axis.texts)} for axis in grid.axes]
    return {"variant": variant, "changes": list(changes), "axes": axes, "time_limit": limit}


def key(path: str, case: Case, grid: SweepGrid, variant: str | None, changes: Sequence[str], limit: float | None) -> str:
    """What a journal of this sweep is known by: the case and its variants where they are swept, the definition, and all versions."""
    from optimizer.case.case import Case

    digests = [case.digest]
    for axis in grid.axes:
        if axis.path == VARIANT:
            digests += [Case.load(path, None if name == BASE else name, changes).digest for name in axis.texts]
    return key_of(" ".join(digests), definition(grid, variant, changes, limit))


def jobs_of(path: str, grid: SweepGrid, variant: str | None, changes: Sequence[str], limit: float | None) -> list[Job]:
    """A job for every point of the grid, in its order."""
    out = []
    for place in grid.places():
        chosen, settings = grid.settings(place)
        out.append(Job(grid.text(place), path, chosen or variant, (*changes, *settings), limit))
    return out


def run(
    path: str,
    case: Case,
    grid: SweepGrid,
    executor: Executor,
    *,
    variant: str | None = None,
    changes: Sequence[str] = (),
    limit: float | None = None,
    journal: Journal | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> Sweep:
    """Solve every point. Raises ExecutorError, and OSError where the journal cannot be written."""
    jobs, walk = jobs_of(path, grid, variant, changes, limit), grid.walk()
    centre = [jobs[walk[len(walk) // 2]], Job("centre", path, variant, tuple(changes), limit)]
    found = solve_in_chains([jobs[k] for k in walk], centre, executor, journal, progress)
    points = [point for _, point in sorted(zip(walk, found, strict=True), key=lambda one: one[0])]
    return Sweep(case.name, case.digest, variant, tuple(changes), grid, tuple(points), tuple(overridden(case, grid)))


# ---- as files ----------------------------------------------------------------------------------------------------------


def table(sweep: Sweep) -> Table:
    """sweep.csv: a row for each point: the values of its axes, how it ended and why, and every measure."""
    header = ("point", *(axis.label for axis in sweep.grid.axes), "status", "reason", *(one.key for one in MEASURES))
    rows: list[tuple[Cell, ...]] = []
    for number, (place, point) in enumerate(zip(sweep.grid.places(), sweep.points, strict=True), 1):
        values = [
            axis.texts[k] if axis.numbers is None else axis.numbers[k] for axis, k in zip(sweep.grid.axes, place, strict=True)
        ]
        measured = [point.values.get(one.key) for one in MEASURES]
        rows.append((number, *values, point.status, "; ".join(point.reasons), *measured))
    return Table(header, rows)


def as_parquet(found: Table) -> bytes:
    """The same table, columns typed: text, whole numbers, or numbers with nulls."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for k, name in enumerate(found.header):
        cells = [row[k] for row in found.rows]
        whole = bool(cells) and all(isinstance(one, int) for one in cells)
        text = any(isinstance(one, str) for one in cells)
        columns[name] = pa.array(cells, pa.int64() if whole else pa.string() if text else pa.float64())
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def account(sweep: Sweep) -> dict[str, Any]:
    """sweep.json: what was asked for and every point with all that is known of it."""
    rows = []
    for place, point in zip(sweep.grid.places(), sweep.points, strict=True):
        at = {axis.path: axis.texts[k] for axis, k in zip(sweep.grid.axes, place, strict=True)}
        rows.append({"at": at, **row_of(point)})
    return {
        "schema": SCHEMA,
        "case": sweep.case,
        "digest": sweep.digest,
        **definition(sweep.grid, sweep.variant, sweep.changes, None),
        "measures": measured(),
        "solved": sweep.solved,
        "notes": list(sweep.notes),
        "rows": rows,
    }


def measured() -> list[dict[str, Any]]:
    """The measures, for the readers of a JSON file."""
    return [{"key": one.key, "label": one.label, "unit": one.unit, "better": one.better} for one in MEASURES]


def row_of(point: Point) -> dict[str, Any]:
    """A point for a JSON file; nothing of it depends on the clock."""
    return {
        "name": point.name,
        "status": point.status,
        "reasons": list(point.reasons),
        "digest": point.digest,
        "values": point.values,
        "raised": point.raised,
        "costs": point.costs,
        "ledger": point.ledger,
        "worth": point.value_by_scenario,
    }


def files(sweep: Sweep) -> dict[str, bytes]:
    """Everything that is written, by name."""
    found = table(sweep)
    pictures = draw(sweep)
    out = {
        "sweep.csv": to_csv(found).encode("utf-8", "replace"),
        "sweep.parquet": as_parquet(found),
        "sweep.json": to_json(account(sweep)).encode(),
        "sweep.html": page(sweep, pictures).encode("utf-8", "replace"),
    }
    for number, picture in enumerate(pictures):
        out["sweep.svg" if number == 0 else f"sweep-{number + 1}.svg"] = picture.encode("utf-8", "replace")
    return out


def write(sweep: Sweep, target: Path) -> Path:
    """Write the files into a folder, all or none. Raises ResultError."""
    from optimizer.results.folder import write_files

    return write_files(target, files(sweep), {"case": sweep.case, "digest": sweep.digest})


# ---- pictures ----------------------------------------------------------------------------------------------------------


def draw(sweep: Sweep) -> list[str]:
    """Lines over one axis, a map over two, maps over two for each value of a third; nothing for more."""
    from optimizer.studies import plots

    axes, points = sweep.grid.axes, sweep.points
    if len(axes) == 1:
        names = {"objective": "objective", "expected_npv": "expected NPV", "cvar": "CVaR"}
        series = [plots.Series(label, [one.values.get(key) for one in points]) for key, label in names.items()]
        return [plots.lines(f"{sweep.case}: value over {axes[0].path}", *_scale(axes[0], series))]
    if len(axes) == 2:
        return [_map(sweep, axes[0], axes[1], points, "")]
    if len(axes) == 3 and len(axes[0]) <= MOST_PANELS:
        size = len(axes[1]) * len(axes[2])
        return [
            _map(sweep, axes[1], axes[2], points[k * size : (k + 1) * size], f" at {axes[0].path}={text}")
            for k, text in enumerate(axes[0].texts)
        ]
    return []


def _scale(axis: Axis, series: list[Any]) -> tuple[Any, ...]:
    if axis.numbers is None:
        return [float(k) for k in range(len(axis))], series, axis.path, axis.texts
    return axis.numbers, series, axis.label


def _map(sweep: Sweep, down: Axis, across: Axis, points: Sequence[Point], at: str) -> str:
    from optimizer.studies import plots

    rows, columns = _order(down), _order(across)
    values = [[points[r * len(across) + c].values.get("objective") for c in columns] for r in rows]
    title = f"{sweep.case}: objective{at}"
    down_names, across_names = ([axis.short(k, unit=False) for k in order] for axis, order in ((down, rows), (across, columns)))
    return plots.heat(title, down_names, across_names, values, down.label, across.label)


def _order(axis: Axis) -> list[int]:
    """Numbers of an axis's values from low to high; variants as given."""
    numbers = axis.numbers
    return list(range(len(axis))) if numbers is None else sorted(range(len(axis)), key=lambda k: numbers[k])


def page(sweep: Sweep, pictures: Sequence[str]) -> str:
    """sweep.html."""
    from optimizer.studies import plots

    told = [sentence(sweep), *sweep.notes]
    if not pictures:
        told.append("There is no picture of so many axes: the table below and sweep.csv have every point.")
    labels = {one.key: one.label for one in MEASURES}
    rows = []
    for place, point in zip(sweep.grid.places(), sweep.points, strict=True):
        values = [shown(key, point.values.get(key)) for key in PAGE_MEASURES]
        at = [axis.short(k) for axis, k in zip(sweep.grid.axes, place, strict=True)]
        rows.append([*at, point.status, *values, "; ".join(point.reasons)])
    header = [*(axis.path for axis in sweep.grid.axes), "status", *(labels[key] for key in PAGE_MEASURES), "why there is no plan"]
    return plots.page(f"{sweep.case}: sweep", told, [*pictures, plots.table(header, rows)])


def best(sweep: Sweep) -> Point | None:
    """The point that is worth most, the first of equal ones."""
    solved = [one for one in sweep.points if one.optimal]
    return max(solved, key=lambda one: one.values["objective"] or 0.0) if solved else None


def sentence(sweep: Sweep) -> str:
    """What came out, in a sentence or two."""
    count, top = len(sweep.points), best(sweep)
    text = f"{count} points, {sweep.solved} with a proved plan"
    others = {one.status for one in sweep.points} - {"optimal"}
    if others:
        told = ", ".join(f"{sum(p.status == one for p in sweep.points)} {one}" for one in sorted(others))
        text += f" ({told})"
    if top is not None:
        text += f". Worth most: {shown('objective', top.values['objective'])} at {top.name}"
    return text + "."
