"""What a run was made of, flat and small, so that two runs can be laid side by side: the case as written, the arrays it became, the
rows and columns of its program.

Every table is a dict {path: value}. A path is what a reader would write: `financing.notes.coupon`, `rules[six months of cash].require`,
`rigs[s21_pro].lead`. An array is told by its shape, its mean and a mean with generic weights: equal to rounding for equal arrays,
whatever the order in which a machine adds, and different for any that differ.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.solver.canonical import fixed_order

if TYPE_CHECKING:
    from models.problem import Problem
    from optimizer.case.reading.yaml_tree import Node
    from optimizer.solver.linear_program import LinearProgram

#: relative difference from which two numbers of the same thing are different
SAME_TOLERANCE = 1e-9
#: keys of a case that say something to readers only
SPOKEN_KEYS = frozenset({"describe", "description", "sources", "source"})
#: fields of a problem that say where something stands or how it is told, not what it is
PLACE_FIELDS = frozenset({"source", "path", "unit"})
#: characters of a list or text that is shown as it is; more is told by its digest
LONGEST_SHOWN = 160
#: what stands for infinity where numbers are weighted
INFINITY_WEIGHT = 1.2345678


@dataclass(frozen=True)
class Moved:
    """One entry that is not what it was; None: it was not there, or is not there now."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.path}: new, {told(self.after)}"
        if self.after is None:
            return f"{self.path}: gone, was {told(self.before)}"
        return f"{self.path}: {told(self.before)} -> {told(self.after)}" + _how(self.before, self.after)


def told(value: Any) -> str:
    """An entry as people read it."""
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            return f"{value[0]} of mean {value[1]:.6g}"
        return f"{value[0]:.0f} of total size {value[1]:.6g}"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _how(before: Any, after: Any) -> str:
    """What a mean does not show."""
    if isinstance(before, list) and isinstance(after, list) and told(before) == told(after):
        return " (signs or places moved)" if not isinstance(before[0], str) else " (in parts)"
    return ""


def moved(before: dict[str, Any], after: dict[str, Any]) -> list[Moved]:
    """Entries that differ, in the order of `after`, then those that are gone."""
    out = [
        Moved(path, before.get(path), value)
        for path, value in after.items()
        if path not in before or not same(before[path], value)
    ]
    return out + [Moved(path, value, None) for path, value in before.items() if path not in after]


def same(one: Any, other: Any) -> bool:
    """Whether two entries are equal, numbers up to rounding."""
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return False
        numbers = [(a, b) for a, b in zip(one, other, strict=True) if not isinstance(a, str)]
        size = max((abs(x) for pair in numbers for x in pair), default=0.0)
        words = all(a == b for a, b in zip(one, other, strict=True) if isinstance(a, str))
        return words and all(abs(a - b) <= SAME_TOLERANCE * size for a, b in numbers)
    if isinstance(one, bool) or isinstance(other, bool) or not (_number(one) and _number(other)):
        return type(one) is type(other) and bool(one == other)
    return bool(one == other or abs(one - other) <= SAME_TOLERANCE * max(abs(one), abs(other)))


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


# ---- the case as written -------------------------------------------------------------------------------------------------


def of_case(tree: Node) -> dict[str, Any]:
    """{path: text} of a resolved case without its variants. Members of a list that have a name go by it, so that one more moves none."""
    out: dict[str, Any] = {}

    def walk(node: Node, path: str) -> None:
        if node.kind == "map":
            for key, below in node.value.items():
                if key not in SPOKEN_KEYS and not (path == "" and key == "variants"):
                    walk(below, f"{path}.{key}" if path else key)
            if not node.value:
                out[path] = "{}"
        elif node.kind == "list":
            parts = list(node.value)
            if parts and all(part.kind == "map" for part in parts):
                for k, part in enumerate(parts):
                    name = part.get("name")
                    walk(part, f"{path}[{name.value if name is not None else k}]")
            else:
                out[path] = _short(", ".join(_inline(part) for part in parts))
        else:
            out[path] = _short("" if node.value is None else str(node.value))

    walk(tree, "")
    return out


def _inline(node: Node) -> str:
    plain = node.plain()
    return plain if isinstance(plain, str) else str(plain)


def _short(text: str) -> str:
    clean = " ".join(text.split())
    if len(clean) <= LONGEST_SHOWN:
        return clean
    return f"{clean[: LONGEST_SHOWN // 2]}... ({len(clean)} characters, {hashlib.sha256(clean.encode('utf-8', 'replace')).hexdigest()[:12]})"


# ---- the arrays it became ------------------------------------------------------------------------------------------------


def of_problem(problem: Problem) -> dict[str, Any]:
    """{path: number, text or [shape, mean, weighted mean]} of everything that the mathematics is given."""
    out: dict[str, Any] = {}
    for field in fields(problem):
        if field.name != "name":
            _flatten(getattr(problem, field.name), field.name, out)
    return out


def _flatten(value: Any, path: str, out: dict[str, Any]) -> None:
    if value is None:
        return
    if is_dataclass(value):
        for field in fields(value):
            if field.name not in PLACE_FIELDS and field.name != "name":
                _flatten(getattr(value, field.name), f"{path}.{field.name}", out)
    elif isinstance(value, np.ndarray):
        out[path] = of_array(value)
    elif isinstance(value, dict):
        for key, below in value.items():
            _flatten(below, f"{path}[{key}]", out)
    elif isinstance(value, tuple | list):
        if not value:
            return
        if all(isinstance(part, np.ndarray) for part in value):
            out[path] = of_array(np.concatenate([part.ravel() for part in value]))
        elif all(hasattr(part, "name") for part in value):
            for part in value:
                _flatten(part, f"{path}[{part.name}]", out)
        else:
            out[path] = _short(", ".join(map(str, value)))
    elif isinstance(value, bool | np.bool_):
        out[path] = bool(value)
    elif isinstance(value, int | float | np.integer | np.floating):
        number = float(value)
        out[path] = number if math.isfinite(number) else str(number)
    else:
        out[path] = _short(str(value))


def of_array(array: np.ndarray) -> list[Any]:
    """[shape, mean of the finite entries, generically weighted mean of all]."""
    flat = np.asarray(array, dtype=float).ravel()
    shape = "x".join(map(str, array.shape)) or "1"
    if not flat.size:
        return [shape, 0.0, 0.0]
    finite = flat[np.isfinite(flat)]
    return [shape, float(finite.mean()) if finite.size else 0.0, float((_finite(flat) * fixed_order(flat.size)).mean())]


# ---- rows and columns ----------------------------------------------------------------------------------------------------


def of_problems_program(problem: Problem) -> dict[str, Any]:
    """`of_program` of a problem whose run kept none: it is built again."""
    from models.program.master_problem import MasterProblem
    from optimizer.runtime.memory import uncollected
    from optimizer.solver.compile import compile_model
    from optimizer.solver.hour_blocks import block_opener

    with uncollected():
        master = MasterProblem(problem, "benders", block_opener(0))  # rows and columns know their names as long as it lives
        return of_program(compile_model(master.model))


def of_program(lp: LinearProgram) -> dict[str, Any]:
    """{'rows of <family>': [number, sum |a|, sum a weighted by name, sum of sides weighted], 'columns of <family>': [number, bounds, cost]}.

    Weights come from the names of rows and columns, so a coefficient that changes its sign or its place is seen, and the order in which
    rows were written is not. Cuts are no part of it.
    """
    count = len(lp.rows)
    matrix = lp.matrix.tocsr()[:count]
    row_family = [con.parent_component().local_name.removeprefix("row_") for con in lp.rows]
    column_family = [var.parent_component().local_name for var in lp.columns]
    row_weight = np.array([_weight(f"{f}{con.index()}") for f, con in zip(row_family, lp.rows, strict=True)])
    column_weight = np.array([_weight(f"{f}{var.index()}") for f, var in zip(column_family, lp.columns, strict=True)])
    size = np.asarray(abs(matrix).sum(axis=1)).ravel()
    placed = row_weight * (matrix @ column_weight)
    sides = row_weight * (_finite(lp.row_lower[:count]) + 1.7 * _finite(lp.row_upper[:count]))
    out: dict[str, Any] = {}
    for family, at in _places(row_family).items():
        out[f"rows of {family}"] = [float(len(at)), float(size[at].sum()), float(placed[at].sum()), float(sides[at].sum())]
    bounds = column_weight * (_finite(lp.col_lower) + 1.7 * _finite(lp.col_upper))
    cost = column_weight * lp.true_cost
    for family, at in _places(column_family).items():
        out[f"columns of {family}"] = [
            float(len(at)),
            float(np.abs(cost[at]).sum()),
            float(bounds[at].sum()),
            float(cost[at].sum()),
        ]
    return out


def _places(families: list[str]) -> dict[str, np.ndarray]:
    found: dict[str, list[int]] = {}
    for k, family in enumerate(families):
        found.setdefault(family, []).append(k)
    return {family: np.array(at) for family, at in sorted(found.items())}


def _weight(name: str) -> float:
    """A number in [1, 2) that belongs to a name, the same everywhere."""
    return 1.0 + zlib.crc32(name.encode("utf-8", "replace")) / 2.0**32


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, INFINITY_WEIGHT * np.sign(values))
