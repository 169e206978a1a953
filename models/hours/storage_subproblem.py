"""The subproblem of a site whose hours are coupled by a battery and nothing else: `storage_kernel` in place of linear programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.hours.subproblem import Subproblem
from models.problem import Battery


@dataclass(frozen=True)
class StorageSubproblem(Subproblem):
    """`Subproblem` with a battery: a period is settled as one, and any period by itself."""

    battery: Battery

    def _compiled(self, tables: tuple[Any, ...]) -> None:
        from models.hours.storage_kernel import storage_solutions

        kinds = [entry.kind for entry in self.entries]
        storage_solutions(self.battery, (kinds.index("charge"), kinds.index("discharge")), tables)
