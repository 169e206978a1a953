"""The exceptions to the gates: the table of ARCHITECTURE.md, the only place where they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = "ARCHITECTURE.md"
#: the kinds of exception, as the first column has them
KINDS = ("folder", "module", "function", "circle")
HEADING = "## Exceptions to the limits"


@dataclass(frozen=True)
class Excepted:
    """One line of the table. where: a path, `path` `function`, or the modules of a circle; most: what it may reach, and no more."""

    kind: str
    where: str
    most: int
    reason: str


class TableError(ValueError):
    """The table of exceptions cannot be read."""


def read(root: Path) -> list[Excepted]:
    """The table of `root`'s ARCHITECTURE.md. Raises TableError for a line without a kind, a place, a number or a reason."""
    text = (root / DOCUMENT).read_text(encoding="utf-8")
    if HEADING not in text:
        raise TableError(f"{DOCUMENT} has no section '{HEADING.lstrip('# ')}'")
    section = re.split(r"^## ", text.partition(HEADING)[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.strip().strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [_row([cell.strip() for cell in cells]) for cells in rows[2:]]  # below the head and the rule


def _row(cells: list[str]) -> Excepted:
    if len(cells) != 4:
        raise TableError(f"{DOCUMENT}: an exception has four columns: kind, where, at most, why; this one has {cells}")
    kind, where, most, reason = cells
    if kind not in KINDS or not most.isdigit() or not reason or not re.findall("`[^`]+`", where):
        raise TableError(f"{DOCUMENT}: not an exception: | {' | '.join(cells)} |")
    return Excepted(kind, " ".join(re.findall("`([^`]+)`", where)), int(most), reason)
