"""Names of cases on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """No control character of a name reaches the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
