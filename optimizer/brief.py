"""A few labelled lines that stand for something large: as text on a terminal, and as a table in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

#: characters of a line, its label included, and of a label
WIDEST, LABEL = 120, 12

Rows = Sequence[tuple[str, str]]  # label and text


def as_text(title: str, rows: Rows) -> str:
    """The title and a line for each row; longer ones are cut, and no control character of a name gets through."""
    return "\n".join(_cut(_plain(line)) for line in (title, *(f"  {label:<{LABEL}}{text}" for label, text in rows)))


def as_html(title: str, rows: Rows) -> str:
    """The same as an HTML table: every text is escaped, whatever it looks like."""
    body = "".join(f'<tr><th style="text-align:left">{label}</th><td>{escape(_plain(text))}</td></tr>' for label, text in rows)
    return f"<table><caption>{escape(_plain(title))}</caption><tbody>{body}</tbody></table>"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names joined by commas; beyond `most` they are counted."""
    names = list(names)
    if len(names) <= most:
        return ", ".join(names) or "none"
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _cut(line: str) -> str:
    return line if len(line) <= WIDEST else line[: WIDEST - 3] + "..."
