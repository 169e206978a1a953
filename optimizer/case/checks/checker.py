"""What checks of meaning share: places in the case, names in it, and where mistakes go."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from models.spelling import did_you_mean
from optimizer.case.arrays.frame import Frame
from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.yaml_tree import Node
from optimizer.case.schema import common
from optimizer.case.schema.case_model import CaseModel
from optimizer.case.schema.field_types import When

Parts = tuple["str | int", ...]


class Checker:
    """The case under check, and where its mistakes go."""

    def __init__(self, tree: Node, base: CaseModel, frame: Frame | None, lost: frozenset[tuple[Any, ...]], mistakes: Mistakes):
        self.tree, self.base, self.frame, self.lost, self.mistakes = tree, base, frame, lost, mistakes

    def sound(self, *sections: str) -> bool:
        """Whether nothing of these sections has been left out for a mistake in it, so that what is not there was never written."""
        return not any(entry[:1] == (section,) for entry in self.lost for section in sections)

    def knows(self, section: str, name: str) -> bool:
        """Whether a section has a name, valid or not; any, where the whole section could not be read."""
        return name in self.names(section) or (section,) in self.lost

    def node(self, *parts: str | int) -> Node:
        """The node at a path, or the nearest one above it."""
        node = self.tree
        for part in parts:
            inside = node.kind == "map" and part in node.value
            if not inside and not (node.kind == "list" and isinstance(part, int) and part < len(node)):
                break
            node = node[part]
        return node

    def place(self, *parts: str | int) -> Place:
        """The value's place; the key's where the value is a mapping or a list, or is not given."""
        node, key = self.tree, self.tree.place
        for part in parts:
            if node.kind == "map" and part in node.value:
                key = node.key_place(str(part))
                node = node[part]
            elif node.kind == "list" and isinstance(part, int) and part < len(node):
                node = node[part]
                key = node.place
            else:
                return key
        return node.place if node.kind == "scalar" else key

    def wrong(self, parts: Parts, message: str, hint: str | None = None) -> None:
        where = ""
        for part in parts:
            where += f"[{part}]" if isinstance(part, int) else (f".{part}" if where else str(part))
        self.mistakes.add(self.place(*parts), where, message, hint)

    def names(self, section: str) -> list[str]:
        """The names in a section, valid or not: a reference to one with mistakes is no second mistake."""
        node = self.tree.get(section)
        return list(node.value) if node is not None and node.kind == "map" else []

    def refer(self, parts: Parts, name: str, section: str, what: str) -> bool:
        if self.knows(section, name):
            return True
        self.wrong(parts, f'there is no {what} "{name}"', self.near(name, section))
        return False

    def near(self, name: str, section: str) -> str:
        """A hint where a section has no such name."""
        known = self.names(section)
        return did_you_mean(name, known, "there are") if known else f"the case has no {section}"

    # --- time

    def window(self, parts: Parts, when: When, last: bool = False) -> None:
        """A window that has no date of the horizon in it. `last`: the last date counts too."""
        if self.frame is None or when.never or (when.first is None and when.last is None):
            return
        if not self.frame.mask(when, None if last else self.frame.periods).any():
            dates = self.frame.timeline.dates
            end = dates[-1] if last else dates[-2]
            late = not last and when.first == dates[-1]
            self.wrong(
                parts,
                f"no date of the horizon lies in this window: dates run from {dates[0]} to {end}",
                "what is decided at the end could not work any more" if late else None,
            )

    def single(self, parts: Parts, day: date, what: str = "date") -> None:
        """A date that must lie within the horizon."""
        if self.frame is not None and not self.frame.timeline.dates[0] <= day <= self.frame.timeline.dates[-1]:
            dates = self.frame.timeline.dates
            self.wrong(parts, f"the {what} {day} is outside the horizon, {dates[0]} to {dates[-1]}")

    def payments(self, parts: Parts, given: list[common.Payment] | None, lead: int | None) -> None:
        if given is None:
            return
        total = math.fsum(one.share for one in given)
        if abs(total - 1.0) > 1e-9:
            self.wrong((*parts, "payments"), f"the shares add to {total * 100:.10g} %: expected 100 %")
        if lead is None or self.frame is None:
            return
        for at, one in enumerate(given):
            if self.frame.steps(one.after) > self.frame.steps(lead):
                self.wrong(
                    (*parts, "payments", at, "after"),
                    f"paid {one.after} months after the order, later than the lead of {lead}",
                    "what is ordered is paid when it is ready at the latest",
                )

    def depreciation(self, parts: Parts, given: common.Depreciation) -> None:
        if given.tax == "straight" and given.life is None:
            self.wrong((*parts, "depreciation"), "tax: straight needs `life`", "life: 60 months")
        if given.tax != "straight" and given.life is not None:
            self.wrong((*parts, "depreciation", "life"), f"`life` belongs to tax: straight, not to tax: {given.tax}")

    def expansion(self, parts: Parts, given: common.Expansion | None) -> None:
        if given is None:
            return
        self.window((*parts, "order"), given.order)
        self.payments(parts, given.payments, given.lead)
        self.depreciation(parts, given.depreciation)
        self.minimum(parts, given.minimum, given.limit)

    def minimum(self, parts: Parts, minimum: float, limit: float | None) -> None:
        if limit is not None and minimum > limit:
            self.wrong((*parts, "minimum"), f"the minimum, {minimum:g}, is above the limit, {limit:g}")
