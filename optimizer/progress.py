"""What a long run is doing, on stderr: one live line on a terminal, one line per stage elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

CLEAR = "\r\x1b[2K"
WIDEST = 100  # a live line that wraps cannot be cleared


class Progress:
    """Called as progress(stage, **numbers) by the engine. As a context manager it leaves no half line behind."""

    def __init__(self, stream: TextIO, quiet: bool = False, live: bool | None = None):
        self.stream = stream
        self.quiet = quiet
        self.live = stream.isatty() if live is None else live
        self.start = time.perf_counter()
        self.stage = ""
        self.shown = False

    def __call__(self, stage: str, **numbers: float) -> None:
        if self.quiet or (not self.live and stage == self.stage):
            return
        self.stage = stage
        told = "  ".join([stage, *(f"{_number(value)} {name.replace('_', ' ')}" for name, value in numbers.items())])
        line = f"{time.perf_counter() - self.start:6.1f} s  {told}"
        self._put(CLEAR + line[: WIDEST - 1] if self.live else line + "\n")
        self.shown = self.live

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *trouble: object) -> None:
        if self.shown:
            self._put(CLEAR)
            self.shown = False

    def _put(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # nobody reads stderr any more: that must not end a long solve
            self.quiet = True


def _number(value: float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
