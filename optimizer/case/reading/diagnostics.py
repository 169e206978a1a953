"""Where a user's mistake lies, and how all mistakes are told at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_SHOWN = 100  # a broken generator of cases should not flood the terminal
WIDEST_EXCERPT = 160  # characters of a source line shown under a mistake


@dataclass(frozen=True, order=True)
class Place:
    """A position in a text file, line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: where, under which key (dotted), what, and what would be right."""

    place: Place
    path: str
    message: str
    hint: str | None = None

    def headline(self) -> str:
        """`file:line:column: path: message`, without the path where there is none."""
        return f"{self.place}: {self.path}: {self.message}" if self.path else f"{self.place}: {self.message}"


class CaseError(Exception):
    """A case that cannot be used, with every mistake found in it, in the order of the files' lines.

    `sources` maps a file name to its text, so that the line and a caret can be shown.
    """

    def __init__(self, mistakes: Iterable[Mistake], sources: Mapping[str, str] | None = None):
        ordered = sorted(mistakes, key=lambda m: (m.place, m.path, m.message, m.hint or ""))
        unique: dict[tuple[Place, str], Mistake] = {}
        for one in ordered:  # a file that several keys name has its mistakes once
            unique.setdefault((one.place, one.message), one)
        self.mistakes: tuple[Mistake, ...] = tuple(unique.values())
        if not self.mistakes:
            raise ValueError("a CaseError needs at least one mistake")
        self.sources: dict[str, str] = dict(sources or {})
        super().__init__(self.mistakes, self.sources)

    def __str__(self) -> str:
        lines = {file: text.splitlines() for file, text in self.sources.items()}
        shown = self.mistakes[:MOST_SHOWN]
        blocks = [_render(mistake, lines.get(mistake.place.file)) for mistake in shown]
        if len(self.mistakes) > len(shown):
            blocks.append(f"... and {len(self.mistakes) - len(shown)} more")
        return "\n".join(blocks)


def _render(mistake: Mistake, lines: list[str] | None) -> str:
    out = [mistake.headline()]
    if lines is not None and 1 <= mistake.place.line <= len(lines):
        # Tabs and control characters become one blank each, so that the caret stays under its character.
        line = lines[mistake.place.line - 1]
        column = mistake.place.column
        cut = max(0, column - WIDEST_EXCERPT // 2) if len(line) > WIDEST_EXCERPT else 0
        excerpt = "".join(c if c.isprintable() else " " for c in line[cut : cut + WIDEST_EXCERPT]).rstrip()
        if excerpt:
            out.append(f"    {excerpt}")
            out.append("    " + " " * (min(column - 1 - cut, len(excerpt))) + "^")
    if mistake.hint:
        out.append(f"    hint: {mistake.hint}")
    return "\n".join(out)


class Mistakes:
    """A growing list of mistakes: readers add to it and go on, the caller raises once."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []
        self.sources: dict[str, str] = {}

    def add(self, place: Place, path: str, message: str, hint: str | None = None) -> None:
        self.found.append(Mistake(place, path, message, hint))

    def extend(self, error: CaseError) -> None:
        """Take over the mistakes (and source texts) of an error raised further down."""
        self.found.extend(error.mistakes)
        self.sources.update(error.sources)

    def __bool__(self) -> bool:
        return bool(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def raise_if_any(self) -> None:
        if self.found:
            raise CaseError(self.found, self.sources)
