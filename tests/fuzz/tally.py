"""What came of many structured cases: a line for each that is bad, its files, and a table at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.cli.exit_codes import LIMIT, USAGE
from tests.fuzz import verdict
from tests.fuzz.verdict import Verdict

#: of the cases that pass validation, so many may end without a verified answer
MOST_UNVERIFIED = 2e-3
FATAL = (verdict.WRONG, verdict.TRACEBACK, verdict.HANG)


@dataclass
class Tally:
    """codes: of cases; kinds: of what is bad; sources: [cases, bad ones] by name."""

    codes: Counter[int | None] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    sources: dict[str, list[int]] = field(default_factory=dict)
    pairs: Counter[str] = field(default_factory=Counter)
    count: int = 0
    seconds: float = 0.0
    slowest: Verdict | None = None

    def add(self, one: Verdict) -> None:
        self.count += 1
        self.codes[one.code] += 1
        self.seconds += one.seconds
        row = self.sources.setdefault(one.source.split()[0] if one.source else "?", [0, 0])
        row[0] += 1
        if one.bad:
            self.kinds[one.bad] += 1
            row[1] += 1
        if one.other is not None:
            self.pairs["refused" if one.other == USAGE else "stopped" if one.other == LIMIT else "compared"] += 1
        if self.slowest is None or one.seconds > self.slowest.seconds:
            self.slowest = one

    @property
    def valid(self) -> int:
        return self.count - self.codes[USAGE]

    @property
    def failed(self) -> bool:
        """Something is wrong, raised or hung; or too many answers do not pass verification."""
        return any(self.kinds[kind] for kind in FATAL) or self.kinds[verdict.UNVERIFIED] > MOST_UNVERIFIED * self.valid

    def table(self) -> str:
        lines = [f"{'':24}{'cases':>8}{'bad':>6}"]
        lines += [f"{name:24}{rows[0]:8}{rows[1]:6}" for name, rows in sorted(self.sources.items())]
        lines.append(f"{'all':24}{self.count:8}{sum(self.kinds.values()):6}")
        codes = [
            (0, "proved"),
            (2, "not valid"),
            (3, "proved that there is no plan"),
            (4, "stopped at the limit"),
            (5, "not verified"),
        ]
        lines += [f"code {code} ({name}): {self.codes[code]}" for code, name in codes]
        lines.append("pairs: " + ", ".join(f"{self.pairs[name]} {name}" for name in ("compared", "refused", "stopped")))
        lines.append(", ".join(f"{kind}: {self.kinds[kind]}" for kind in (*FATAL, verdict.UNVERIFIED)))
        if self.slowest is not None:
            spent = f"{self.seconds:.0f} s of processor time"
            lines.append(
                f"{spent}; the slowest took {self.slowest.seconds:.1f} s: seed {self.slowest.seed} {self.slowest.source}"
            )
        return "\n".join(lines)


def told(one: Verdict, folder: Path | None) -> Iterable[str]:
    """The lines of a bad case; its files are written into a folder of its own."""
    yield one.line()
    for command in one.commands:
        yield f"    {command}"
    if folder is not None and one.files:
        target = folder / f"seed{one.seed}"
        target.mkdir(parents=True, exist_ok=True)
        for name, text in one.files.items():
            (target / name).write_text(text, encoding="utf-8")
        yield f"    {' '.join(str(target / name) for name in one.files)}"
