"""A result folder read back, its checksums held to."""

from __future__ import annotations

import hashlib
import io
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.results.serialise import TEXT_COLUMNS, ResultError, unmarked
from optimizer.runtime import files as opened
from optimizer.runtime.read_back import ANY, REPORT, SUMMARY, json_of, manifest_of, rows_of, shaped

if TYPE_CHECKING:
    import pandas as pd


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A result folder as {'summary': dict, 'plan': DataFrame, ...}. Raises ResultError, also if a checksum differs."""
    base = Path(path)
    try:
        manifest = manifest_of(base)
        out: dict[str, Any] = {}
        for name, entry in manifest["files"].items():
            data = opened.read(base / name)
            if hashlib.sha256(data).hexdigest() != entry["sha256"]:
                raise ResultError(f"{base / name} was changed after it was written: its checksum differs")
            stem, _, kind = name.partition(".")
            if kind == "json":
                out[stem] = shaped(json_of(data), _SHAPES.get(name, ANY))
            elif kind == "csv":
                out[stem] = _frame(data)
            elif kind == "parquet":
                out[stem] = _parquet(data)
    except OSError as problem:
        raise ResultError(f"no result in {base}: {problem.strerror or problem}") from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ResultError(f"{base} is not a result of wattfolio: {problem}") from problem
    return out


def _frame(data: bytes) -> pd.DataFrame:
    """A CSV of ours: texts as texts ("NA" is a name), empty numbers as NaN, the mark before active cells taken away."""
    import pandas as pd

    header, rows = rows_of(data)
    columns: dict[str, list[Any]] = {}
    for name, *cells in zip(header, *rows, strict=True):
        if name in TEXT_COLUMNS:
            columns[name] = [unmarked(text) for text in cells]
        else:
            columns[name] = [float(cell) if cell else math.nan for cell in cells]  # exact, which pandas' own is not
    return pd.DataFrame(columns)


_SHAPES = {"summary.json": SUMMARY, "report.json": REPORT}


def _parquet(data: bytes) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(data))
    except Exception as problem:  # the reader has errors of its own for what is no such file
        raise ValueError(f"a Parquet file cannot be read: {problem}") from None
