"""What a case says at a path, in its own words, and where."""

from __future__ import annotations

import re

from optimizer.case.reading import yaml_tree
from optimizer.case.reading.diagnostics import CaseError, Place
from optimizer.case.reading.yaml_tree import Node

Part = str | int
LONGEST = 90  # characters of what is quoted from a case


class CaseWords:
    """Looks into the tree of a case, variants and settings included; `None` is a case that was never written."""

    def __init__(self, tree: Node | None) -> None:
        self.tree = tree

    def node(self, *parts: Part) -> Node | None:
        """The node at a path, None where nothing is given. A scalar in place of a section is at the key that it stands for."""
        node = self.tree
        for part in parts:
            if node is None:
                return None
            if node.kind == "map" and isinstance(part, str):
                node = node.get(part)
            elif node.kind == "list" and isinstance(part, int) and part < len(node):
                node = node[part]
            elif node.kind == "scalar" and part in ("now", "base", "date"):  # the keys that a bare value may stand for
                continue
            else:
                return None
        return None if node is None or node.kind == "null" else node

    def place(self, *parts: Part) -> Place | None:
        """Of the value; of the key where the value is a mapping or a list; of the nearest key above where nothing is given."""
        if self.tree is None:
            return None
        node, at = self.tree, self.tree.place
        for part in parts:
            if node.kind == "map" and isinstance(part, str) and part in node.value:
                at = node.key_place(part)
                node = node[part]
            elif node.kind == "list" and isinstance(part, int) and part < len(node):
                node = node[part]
                at = node.place
            elif not (node.kind == "scalar" and part in ("now", "base", "date")):
                return at
        return node.place if node.kind == "scalar" else at

    def text(self, *parts: Part) -> str | None:
        """What is written there, on one line; None where nothing is."""
        node = self.node(*parts)
        if node is None:
            return None
        told = flow(node)
        return told if len(told) <= LONGEST else told[: LONGEST - 3] + "..."


def flow(node: Node) -> str:
    """A node on one line, as YAML's flow style writes it."""
    if node.kind == "map":
        return "{" + ", ".join(f"{key}: {flow(child)}" for key, child in node.value.items()) + "}"
    if node.kind == "list":
        return "[" + ", ".join(flow(child) for child in node.value) + "]"
    return "" if node.kind == "null" else " ".join(node.value.split())


def dotted(*parts: Part) -> str:
    """`rules[2].require`, as `--set` takes it."""
    out = ""
    for part in parts:
        out += f"[{part}]" if isinstance(part, int) else (f".{part}" if out else part)
    return out


def parts_of(path: str) -> tuple[Part, ...]:
    """`financing.notes.covenants[0]` as parts."""
    return tuple(int(number) if number else name for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path))


def as_value(text: str) -> str:
    """Text as the value of a setting: in quotes where YAML would read it as something else."""
    try:
        node = yaml_tree.load(text, "")
        if node.kind == "scalar" and node.value == text and not node.quoted:
            return text
    except CaseError:
        pass
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
