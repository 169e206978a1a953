"""A csv as it was read: columns of text with their lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from optimizer.case.reading.diagnostics import Place


@dataclass(eq=False)
class Table:
    """A CSV file: its header, its rows of text, and where each cell stands."""

    file: str  # as shown in messages
    text: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]  # line of each row
    header_line: int
    notes: dict[str, str] = field(default_factory=dict)  # `# key: value` lines above the header

    def place(self, row: int, column: int) -> Place:
        """The place of a cell; row -1 is the header."""
        line = self.header_line if row < 0 else self.lines[row]
        raw = self.text.splitlines()[line - 1] if line <= self.text.count("\n") + 1 else ""
        at, quoted, commas = 0, False, 0
        while at < len(raw) and commas < column:
            if raw[at] == '"':
                quoted = not quoted
            elif raw[at] == "," and not quoted:
                commas += 1
            at += 1
        return Place(self.file, line, at + 1)
