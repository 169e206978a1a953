"""Hourly data of a case: a quantity, a CSV column or a bundled shape."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from models.spelling import did_you_mean
from optimizer.case.reading.bundled_shapes import drawn, load_shape, shape_names
from optimizer.case.reading.case_files import Files
from optimizer.case.reading.csv_table import Table
from optimizer.case.reading.csv_text import column_index, numbers
from optimizer.case.reading.csv_units import unit_as_said
from optimizer.case.reading.diagnostics import Mistakes
from optimizer.case.reading.hourly_year import HourlyYear
from optimizer.case.reading.time_stamps import BadTime, year_from_stamps
from optimizer.case.reading.time_zones import zone_hint, zone_named
from optimizer.case.reading.units import UnitError, factor, parse_quantity
from optimizer.case.reading.yaml_tree import Node, noun

CSV_KEYS = ("csv", "column", "time_column", "year", "timezone", "unit", "mean", "times", "plus")
SHAPE_KEYS = ("shape", "seed", "mean", "times", "plus")


def check_keys(node: Node, allowed: Iterable[str], where: str, mistakes: Mistakes) -> bool:
    """Notes every key of a map that is not allowed."""
    names = list(allowed)
    good = True
    for key in node:
        if key not in names:
            good = False
            mistakes.add(node.key_place(key), f"{where}.{key}", "unknown key", did_you_mean(key, names))
    return good


def read_quantity(node: Node | None, unit: str, where: str, mistakes: Mistakes) -> float | None:
    """A scalar as a number in the canonical `unit`; None, with the mistake noted, if it is not one."""
    if node is None:
        return None
    if node.kind != "scalar":
        mistakes.add(node.place, where, f"{noun(node)} is not a quantity in {unit}")
        return None
    try:
        return parse_quantity(node.text, unit)
    except UnitError as problem:
        mistakes.add(node.place, where, problem.message, problem.hint)
        return None


def read_hourly(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> HourlyYear | None:
    """An hourly node of a case, in the canonical `unit`: a quantity, {csv: ...} or {shape: ...}.

    In the mapping forms the year is first rescaled to `mean` (exactly, over 8760 hours), then `times`, then `plus`.
    """
    if node.kind == "scalar":
        value = read_quantity(node, unit, where, mistakes)
        return None if value is None else HourlyYear.flat(value)
    if node.kind != "map" or ("csv" in node) == ("shape" in node):
        hint = "write {csv: FILE, column: NAME} or {shape: NAME}"
        mistakes.add(node.place, where, f"{noun(node)} is not hourly data: expected a quantity, a csv or a shape", hint)
        return None
    before = len(mistakes)
    check_keys(node, CSV_KEYS if "csv" in node else SHAPE_KEYS, where, mistakes)
    mean = read_quantity(node.get("mean"), unit, f"{where}.mean", mistakes)
    times = read_quantity(node.get("times"), "1", f"{where}.times", mistakes)
    plus = read_quantity(node.get("plus"), unit, f"{where}.plus", mistakes)
    reader = _read_csv if "csv" in node else _read_shape
    year = reader(node, unit, where, files, mistakes)
    if year is None or len(mistakes) > before:
        return None
    if mean is not None:
        if abs(year.mean) < 1e-9 * max(1.0, float(np.abs(year.values).max())) or mean / year.mean < 0:
            message = f"the source's mean is {year.mean:.6g}: no factor brings it to {mean:.6g}"
            mistakes.add(node["mean"].place, f"{where}.mean", message, "use `plus`")
            return None
        year = year.transformed(mean / year.mean)
    return year.transformed(1.0 if times is None else times, plus or 0.0)


def read_columns(
    node: Node, unit: str, clock_key: tuple[str, str], where: str, files: Files, mistakes: Mistakes
) -> tuple[Table, int, int, np.ndarray] | None:
    """(table, value column, clock column, values as written) of a `csv:` node in the canonical `unit`.

    clock_key: its key and the column's default name.
    """
    key, default = clock_key
    table = files.table(node["csv"], f"{where}.csv", mistakes)
    if table is None:
        return None
    if "column" not in node:
        mistakes.add(node.place, where, "column is missing", did_you_mean("", table.header[1:], "the file has"))
        return None
    column = column_index(table, node["column"], "", f"{where}.column", node.place, mistakes)
    clock = column_index(table, node.get(key), default, f"{where}.{key}", node.place, mistakes)
    if column is None or clock is None:
        return None
    values = numbers(table, column, where, mistakes)
    fits = unit_as_said(node, table, column, unit, where, mistakes)
    return (table, column, clock, values) if values is not None and fits else None


def _read_csv(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> HourlyYear | None:
    scale = read_unit(node, unit, where, mistakes)
    zone = _read_zone(node.get("timezone"), f"{where}.timezone", mistakes)
    read = read_columns(node, unit, ("time_column", "datetime_local"), where, files, mistakes)
    if read is None:
        return None
    table, column, clock, values = read
    stamps = [row[clock] if clock < len(row) else "" for row in table.rows]
    rows = _rows_of_year(node.get("year"), stamps, where, mistakes)
    if rows is None:
        return None
    try:
        year = year_from_stamps([stamps[k] for k in rows], values[rows] * scale, zone)
    except BadTime as problem:
        mistakes.sources[table.file] = table.text
        mistakes.add(table.place(rows[problem.row], clock), where, problem.message, problem.hint)
        return None
    return replace(year, source=f"{node['csv'].text}, {table.header[column]}")


def _rows_of_year(node: Node | None, stamps: list[str], where: str, mistakes: Mistakes) -> list[int] | None:
    """Rows of the year that is asked for, of a file with several; all of them where none is."""
    if node is None:
        return list(range(len(stamps)))
    there = sorted({stamp.strip()[:4] for stamp in stamps if stamp.strip()[:4].isdigit()})
    if node.kind != "scalar" or node.text not in there:
        shown = ", ".join(there[:12]) or "none that can be told"
        mistakes.add(node.place, f"{where}.year", f"{noun(node)} is no year of the file", f"its years are {shown}")
        return None
    return [k for k, stamp in enumerate(stamps) if stamp.strip().startswith(node.text)]


def read_unit(node: Node, unit: str, where: str, mistakes: Mistakes) -> float:
    """The factor of a map's `unit` key to the canonical unit (1 if there is none, or if it is wrong)."""
    written = node.get("unit")
    if written is None:
        return 1.0
    if written.kind != "scalar":
        mistakes.add(written.place, f"{where}.unit", f"{noun(written)} is not a unit")
        return 1.0
    try:
        return factor(written.text, unit)
    except UnitError as problem:
        mistakes.add(written.place, f"{where}.unit", problem.message, problem.hint)
        return 1.0


def _read_zone(node: Node | None, where: str, mistakes: Mistakes) -> zoneinfo.ZoneInfo | None:
    if node is None:
        return None
    zone = zone_named(node.text) if node.kind == "scalar" else None
    if zone is None:
        mistakes.add(node.place, where, f"{noun(node)} is not a time zone", zone_hint(node.text if node.kind == "scalar" else ""))
    return zone


def _read_shape(node: Node, unit: str, where: str, files: Files, mistakes: Mistakes) -> HourlyYear | None:
    named, seed_node = node["shape"], node.get("seed")
    seed = 0
    if seed_node is not None:
        if seed_node.kind != "scalar" or not re.fullmatch(r"[0-9]{1,18}", seed_node.text):
            mistakes.add(seed_node.place, f"{where}.seed", f"{noun(seed_node)} is not a seed: expected 0, 1, 2, ...")
            return None
        seed = int(seed_node.text)
    try:
        shape = load_shape(named.text if named.kind == "scalar" else "")
    except KeyError:
        hint = did_you_mean(named.text if named.kind == "scalar" else "", shape_names(), "the shapes are")
        mistakes.add(named.place, f"{where}.shape", f"{noun(named)} is not a bundled shape", hint)
        return None
    if shape.unit.startswith("EUR") and unit == "USD/MWh":
        if "times" not in node and "mean" not in node:
            message = f"the shape {shape.name} is in {shape.unit}"
            hint = "give `times:` the USD per EUR, or a `mean:` in USD/MWh"
            mistakes.add(named.place, f"{where}.shape", message, hint)
            return None
    elif shape.unit != unit:
        mistakes.add(named.place, f"{where}.shape", f"the shape {shape.name} is in {shape.unit}: expected {unit}")
        return None
    files.digests[f"shape:{shape.name}"] = shape.sha256
    return drawn(shape.name, seed)
