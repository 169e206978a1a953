"""Files that are read back: JSON, CSV and manifests of results, which anybody may have changed or made.

What is not what it should be is a ValueError in a sentence, and nothing else: nesting without end, numbers that no float holds, cells
without end, another shape.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from optimizer.runtime import files

#: brackets within brackets of a JSON file of ours, which has no more than ten
MAX_NESTING = 50
#: digits of a number
LONGEST_NUMBER = 300

NUMBER, TEXT, WHOLE = (int, float), (str,), (int,)
NULL = type(None)


class Each:
    """A mapping of any names to values of one shape."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


class Maybe:
    """null, or a value of a shape."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


ANY: tuple[type, ...] = (object,)
CHECKS = Each({"residual": Maybe(NUMBER), "relative": Maybe(NUMBER), "where": Maybe(TEXT)})
#: what the program reads of each file; a file may hold more. Types: one of them; [shape]: a list; {key: shape}: a mapping with these keys
MANIFEST = {"files": Each({"sha256": TEXT})}
SUMMARY = {
    "case": TEXT, "variant": Maybe(TEXT), "digest": TEXT, "versions": Each(TEXT), "status": TEXT, "method": TEXT, "size": Each(WHOLE),
    "weight": NUMBER, "tail": NUMBER, "discount": NUMBER, "objective": NUMBER, "expected_npv": NUMBER, "var": NUMBER, "cvar": NUMBER,
    "upper_bound": NUMBER, "lower_bound": NUMBER, "gap": Maybe(NUMBER),
    "residuals": {"primal_relative": Maybe(NUMBER), "dual": Maybe(NUMBER), "books": CHECKS, "program_against_books": CHECKS},
}  # fmt: skip
_MEANS = Each({"map": [Maybe(NUMBER)], "week": [Maybe(NUMBER)]})
REPORT = {
    "description": Maybe(TEXT), "notes": [TEXT], "months": [WHOLE], "scenarios": Each(TEXT), "flows": Each([TEXT]),
    "account": [{"title": TEXT, "sentences": [{"text": TEXT}]}],
    "decisions": [{
        "kind": TEXT, "what": TEXT, "where": TEXT, "unit": TEXT, "first": TEXT, "last": TEXT, "expected": NUMBER, "least": NUMBER,
        "most": NUMBER,
    }],
    "rules": [{
        "name": TEXT, "text": TEXT, "unit": Maybe(TEXT), "scenario": TEXT, "date": TEXT, "headroom": NUMBER, "share": NUMBER,
        "binds": WHOLE, "of": WHOLE, "dates": [TEXT], "least": [Maybe(NUMBER)],
    }],
    "hours": {"of": TEXT, "weekdays": WHOLE, "hours": [NUMBER], "left_out": [TEXT], "scenarios": WHOLE,
              "sites": [{"site": TEXT, "series": _MEANS}]},
}  # fmt: skip
BLESSED = {
    "schema": WHOLE, "case": TEXT, "variant": Maybe(TEXT), "status": TEXT, "digest": TEXT, "versions": Each(TEXT), "input": Each(ANY),
    "files": Each(TEXT), "problem": Each(ANY), "program": Each(ANY),
}  # fmt: skip
#: and where there is a plan
BLESSED_PLAN = {
    "objective": {"value": NUMBER, "scale": NUMBER, "upper_bound": Maybe(NUMBER), "lower_bound": Maybe(NUMBER), "gap": NUMBER},
    "kpis": Each({"value": Maybe((int, float, str))}), "lines": Each(NUMBER), "plan": Each([[ANY]]),
}  # fmt: skip


def json_of(data: bytes | str) -> Any:
    """What a JSON text holds, every number finite. Raises ValueError."""
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    try:
        found = json.loads(text, parse_int=_whole, parse_float=_number, parse_constant=_constant)
    except RecursionError:
        raise ValueError("it is nested without end") from None
    _shallow(found)
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # half a character, which cannot be written again, is a ValueError
    return found


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _number(text: str) -> float:
    if len(text) > LONGEST_NUMBER or not math.isfinite(float(text)):
        raise ValueError(f"{text[:20]} is no number that can be held")
    return float(text)


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _shallow(value: Any) -> None:
    """No deeper than DEEPEST, so that whatever walks it comes to its end."""
    level = [value]
    for _ in range(MAX_NESTING):
        level = [
            one for node in level if isinstance(node, dict | list) for one in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {MAX_NESTING} levels")


def shaped(value: Any, shape: Any, where: str = "") -> Any:
    """The value, where it has the shape. Raises ValueError with the place of what has not."""
    if isinstance(shape, Maybe):
        return value if value is None else shaped(value, shape.shape, where)
    if isinstance(shape, tuple):
        if not isinstance(value, shape) or (isinstance(value, bool) and shape is not ANY):
            raise ValueError(f"{where or 'the file'} is {_shown(value)}, where {_expected(shape)} is expected")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise ValueError(f"{where or 'the file'} is {_shown(value)}, where a list is expected")
        for number, one in enumerate(value):
            shaped(one, shape[0], f"{where}[{number}]")
    elif not isinstance(value, dict):
        raise ValueError(f"{where or 'the file'} is {_shown(value)}, where a mapping is expected")
    elif isinstance(shape, Each):
        for name, one in value.items():
            shaped(one, shape.shape, f"{where}.{name[:40]}" if where else name[:40])
    else:
        for name, inner in shape.items():
            if name not in value:
                raise ValueError(f"{where or 'the file'} has no {name}")
            shaped(value[name], inner, f"{where}.{name}" if where else name)
    return value


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _expected(shape: tuple[type, ...]) -> str:
    return "a text" if shape == TEXT else "a whole number" if shape == WHOLE else "a number"


def manifest_of(folder: Path) -> Mapping[str, Any]:
    """The manifest of a result folder; its files lie in the folder itself. Raises OSError, ValueError."""
    found = shaped(json_of(files.read(folder / "manifest.json")), MANIFEST)
    for name in found["files"]:
        if Path(name).name != name or name in ("", ".", "..") or "\0" in name or "\\" in name:
            raise ValueError(f"{name[:60]!r} in its manifest is not the name of a file in it")
    return found  # type: ignore[no-any-return]


def rows_of(data: bytes) -> tuple[list[str], list[list[str]]]:
    """(header, rows) of a CSV file. Raises ValueError."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    except csv.Error as problem:
        raise ValueError(str(problem)) from None
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("a CSV file has no header, or rows of another length")
    return rows[0], rows[1:]
