"""What came of one structured case."""

from __future__ import annotations

from dataclasses import dataclass, field

WRONG, TRACEBACK, HANG, UNVERIFIED = "wrong", "traceback", "hang", "code 5"


@dataclass(frozen=True)
class Verdict:
    """code: exit code that the case has; other: that of its pair (None: it was not solved). bad: empty, or one of the four above, and told:
    why, in one line. seconds: of processor time. commands: how to see it again; files: written-out cases by name."""

    seed: int
    source: str
    changes: tuple[str, ...] = ()
    pair: str = ""
    code: int | None = None
    other: int | None = None
    seconds: float = 0.0
    bad: str = ""
    told: str = ""
    commands: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """One line for a reader."""
        what = ", ".join(self.changes) or "as it is"
        pair = f" | {self.pair}" if self.pair else ""
        return f"{self.bad}: seed {self.seed} {self.source}: {what}{pair}: {self.told}"
