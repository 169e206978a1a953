"""Paths as people write them, and the keys of a case that they name.

financing.notes.limit                              keys, parted by dots
rules[0].require, rules.coverage.require           items of a list, by number or by name
scenarios.up.set.company.share_price               keys that hold dots: the longest one that is there is meant
scenarios.up.set."company.share_price".growth      what stands in quotes is one key
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from optimizer.case.reading.yaml_tree import Node

# A quote opens a part only where a part begins: a rule may be called "owner's cash".
_PART = re.compile(r"""(?<![^.\[])(?:"([^"]*)"|'([^']*)')(?=[.\[\]]|$)|([^.\[\]]+)|\[(\d+)\]""")


class Part(NamedTuple):
    """One part of a path, and where it begins in its text."""

    text: str
    offset: int
    quoted: bool = False

    @property
    def unclosed(self) -> bool:
        """Whether a quote opens it and none closes it."""
        return not self.quoted and self.text[:1] in ("'", '"')


def split_path(text: str) -> list[Part]:
    """The parts of a path; numbers in brackets are parts too."""
    out = []
    for found in _PART.finditer(text):
        quoted = found[1] if found[1] is not None else found[2]
        out.append(Part(quoted, found.start(), True) if quoted is not None else Part(found[3] or found[4], found.start()))
    return out


def part_words(parts: Iterable[Part]) -> list[str]:
    """Parts without their quotes."""
    return [word for part in parts for word in (part_words(split_path(part.text)) if part.quoted else [part.text])]


def longest_key(parts: Sequence[Part], at: int, keys: Iterable[str]) -> tuple[str, int] | None:
    """(key, number of the part behind it): of the keys that the parts from `at` on begin with, the one of most parts; None: there is none."""
    free = next((k for k in range(at, len(parts)) if parts[k].quoted), len(parts))  # what stands in quotes is a key of its own
    wanted = {stop: [part.text for part in parts[at:stop]] for stop in range(at + 1, free + 1)}
    best: tuple[str, int] | None = None
    for key in keys:
        if parts[at].text == key and (best is None or best[1] == at):
            best = (key, at + 1)
        elif "." in key or "[" in key:
            words = part_words(split_path(key))
            stop = next((stop for stop, given in wanted.items() if given == words), None)
            if stop is not None and (best is None or stop > best[1]):
                best = (key, stop)
    return best


def key_at(node: Node | None, parts: Sequence[Part], at: int, text: str, by_path: bool = False) -> tuple[str, int]:
    """(key, number of the part behind it) of the next step into a mapping, there or not.

    by_path: its keys are paths of the case. One that is not there is all the rest of the path, or what stands in quotes.
    """
    found = longest_key(parts, at, node.value) if node is not None and node.kind == "map" else None
    if found is not None:
        return found
    if by_path and not parts[at].quoted:
        return text[parts[at].offset :], len(parts)
    return parts[at].text, at + 1


def item_at(node: Node, parts: Sequence[Part], at: int) -> tuple[int, int] | None:
    """(number of the item, number of the part behind it) of the next step into a list; None: it has no such item."""
    if parts[at].text.isdigit() and not parts[at].quoted:
        number = int(parts[at].text)
        return (number, at + 1) if number < len(node) else None
    names: dict[str, int] = {}
    for number, item in enumerate(node.value):
        named = item.get("name")
        if named is not None and named.kind == "scalar":
            names.setdefault(named.value, number)
    found = longest_key(parts, at, names)
    return None if found is None else (names[found[0]], found[1])
