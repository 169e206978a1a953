"""What is wrong with a sentence that is no rule."""

from __future__ import annotations


class RuleError(ValueError):
    """A sentence that is no rule: what is wrong, the column (from 0) where, and what would be right (or None)."""

    def __init__(self, message: str, column: int, hint: str | None = None):
        super().__init__(message, column, hint)
        self.message = message
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


def shown(text: str, most: int = 40) -> str:
    """A piece of hostile text that can be printed."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: most + 1])
    return clean if len(text) <= most else clean[: most - 3] + "..."
