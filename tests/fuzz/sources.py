"""What structured mutations begin with: shipped cases with few of their hours, the small cases of the tests, and random problems."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.paths import flow
from tests.shared.places import ROOT

#: one hour in so many is kept: a solve takes well below a second, and a program with every hour written out is small
EVERY = (365, 487, 601, 719)
#: instruments that may pay for the plant of a case that has none as it stands
MIXED = ("owners", "investors", "notes", "callable", "longer", "pik", "annuity", "level", "sculpted", "at_the_money", "revolver")
#: settings that keep a case to a fraction of a second; of cases whose hours follow each other all are kept, of few months
SHORTER: dict[str, tuple[str, ...]] = {
    "bitfarms": ("horizon.period=half-year",),
    "industry-2025": ("horizon.period=half-year",),
    "financing-mixes": tuple(f"financing.{name}.limit=30 MUSD" for name in MIXED),
}
#: (name, weight); those that are solved in a few milliseconds
SMALL = (
    ("tests/cases/cvar-rewards", 1), ("tests/cases/dscr-sizing", 3), ("tests/cases/farmer", 2), ("tests/cases/financing-mixes", 3),
    ("tests/cases/lands", 2), ("tests/cases/modigliani-miller", 2), ("tests/cases/short-term", 3), ("tests/cases/tax-shield", 3),
    ("tests/cases/curtailment", 3),
)  # fmt: skip
LARGE = (
    ("cases/bitfarms", 3), ("cases/ercot-flex", 5), ("cases/industry-2025", 3), ("cases/iren", 5), ("cases/lake-mariner", 5),
    ("cases/quickstart", 8), ("cases/surplus-power", 6), ("tests/cases/all-features", 12),
)  # fmt: skip
#: weight of random problems, beside the cases
RANDOM = 12
#: seeds of random problems that are drawn from
SEEDS = 1000
#: cases without hours
HOURLESS = frozenset(name.rsplit("/", 1)[1] for name, _ in SMALL if name != "tests/cases/curtailment")


@dataclass(frozen=True)
class Source:
    """A case by its path below the root, with settings; or a random problem by its seed."""

    name: str
    settings: tuple[str, ...] = ()
    seed: int | None = None

    @property
    def path(self) -> Path:
        return ROOT / f"{self.name}.yaml"

    @property
    def stem(self) -> str:
        return self.name.rsplit("/", 1)[-1]


def drawn(chance: random.Random, small: bool = False) -> Source:
    """One of them. small: only what is solved in a few milliseconds."""
    known = [*SMALL, *(() if small else LARGE), ("random", RANDOM)]
    name = chance.choices([one for one, _ in known], [weight for _, weight in known])[0]
    if name == "random":
        return Source("random", seed=chance.randrange(SEEDS))
    stem = name.rsplit("/", 1)[1]
    hours = () if stem in HOURLESS else (f"horizon.hours={flow({'every': chance.choice(EVERY)})}",)
    return Source(name, (*hours, *SHORTER.get(stem, ())))
