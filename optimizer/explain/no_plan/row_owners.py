"""Which statement of the case a row of the program belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models.problem import Problem
from optimizer.explain.no_plan.adjustments import AdjustableParameter, Settings

#: the family under which the cuts of a site's hours are told
HOURS = "hours"
Row = tuple[str, tuple[Any, ...]]

ANY = object()
#: a row of the program: family, and the beginning of its key (ANY: anything)
Pattern = tuple[Any, ...]
#: the order in which statements are tried without: what is dropped first is named only where nothing else explains
ORDER = ("amount", "information", "window", "lead", "limit", "life", "share", "minimum", "floor", "rule")
#: what stands today: no statement to drop, but a proof may lean on it
FACT = "fact"


@dataclass(frozen=True)
class Requirement:
    """One thing that a planner wrote (or left at its default).

    kind     one of ORDER, or FACT
    label    what it says, in a few words and with its numbers; place: file:line:column, '' without a case
    drop     the settings that take it away; None where no setting can
    free     the same on plain arrays
    """

    path: str
    kind: str
    label: str
    place: str
    rows: tuple[Pattern, ...] = ()
    touches: tuple[Pattern, ...] = ()
    drop: Settings | None = None
    parameters: tuple[AdjustableParameter, ...] = ()
    free: Callable[[Problem], Problem] | None = None
    note: str = ""  # what follows from it, in words
    monotone: bool = False  # without it, the figure of its first parameter is whatever it likes to be

    @property
    def message(self) -> str:
        """Label and place."""
        return f"{self.label} ({self.place})" if self.place else self.label

    @property
    def name(self) -> str:
        """What it is called, without what it says."""
        return self.label.partition(", ")[0] if self.kind == "rule" else self.path


def matches(patterns: Iterable[Pattern], family: str, key: tuple[Any, ...]) -> bool:
    """Whether a row is among the patterns."""
    return any(
        pattern[0] == family
        and len(key) >= len(pattern) - 1
        and all(p is ANY or p == k for p, k in zip(pattern[1:], key, strict=False))
        for pattern in patterns
    )


class Owners:
    """Which statement a row of the program belongs to."""

    def __init__(self, statements: Sequence[Requirement]) -> None:
        self._rows: dict[str, list[tuple[Pattern, str]]] = {}
        self._touched: dict[str, list[Pattern]] = {}
        for one in statements:
            for pattern in one.rows:
                self._rows.setdefault(pattern[0], []).append((pattern, one.path))
            for pattern in one.touches:
                self._touched.setdefault(pattern[0], []).append(pattern)

    def __call__(self, family: str, key: tuple[Any, ...]) -> str | None:
        """Path of the statement that says the row by itself; None where nobody does."""
        for pattern, path in self._rows.get(family, ()):
            if matches((pattern,), family, key):
                return path
        return None

    def shaped(self, family: str, key: tuple[Any, ...]) -> bool:
        """Whether some statement says the row together with other things, so that it takes a new program to be without it."""
        return matches(self._touched.get(family, ()), family, key)


def owner_of(statements: Sequence[Requirement]) -> Owners:
    """The owners of rows among these statements."""
    return Owners(statements)
