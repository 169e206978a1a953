"""A case as paths and texts: what stands where, how a value is written as a setting, and what the case is with settings on top."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optimizer.case.patch import Target, set_path
from optimizer.case.reading import yaml_tree
from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.units import NUMBER
from optimizer.case.reading.yaml_tree import Node

#: what a scalar needs to be written without quotes
PLAIN = re.compile(r"[A-Za-z0-9_.+%-][\w .+%/-]*")
NAMED = ("null", "Null", "NULL", "~")
QUANTITY = re.compile(rf"({NUMBER})\s*([%A-Za-z/]*)", re.ASCII)
#: texts, which no figure is in; `require` is changed as a sentence
PROSE = frozenset({"name", "description", "describe", "sources", "require", "tenant"})


def read(path: Path) -> Node:
    return yaml_tree.read(path)[0]


def scalars(node: Node, where: str = "") -> Iterator[tuple[str, str]]:
    """(path, text) of every figure and word that a setting can reach: not those of variants, and not what a scenario sets."""
    if node.kind == "scalar":
        yield where, node.value
    elif node.kind == "list":
        for at, child in enumerate(node.value):
            yield from scalars(child, f"{where}[{at}]")
    elif node.kind == "map":
        for key, child in node.value.items():
            reached = key not in PROSE and not re.search(r"[.\[\]=]", key)
            if reached and not (key in ("set", "scale") and ".set" not in where) and (where or key not in ("case", "variants")):
                yield from scalars(child, f"{where}.{key}" if where else key)


def quantity(text: str) -> tuple[float, str] | None:
    """Number and unit; None where the text is no quantity."""
    found = QUANTITY.fullmatch(text.strip())
    return None if found is None else (float(found[1].replace("_", "")), found[2])


def at(node: Node, path: str) -> Any:
    """What stands at a path, as plain containers and texts; None where nothing does."""
    found: Node | None = node
    for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if found is None:
            return None
        found = found.get(name) if name else found[int(number)] if found.kind == "list" and int(number) < len(found) else None
    return None if found is None else found.plain()


def names(node: Node, section: str) -> list[str]:
    """The names in a section: sites, rigs, instruments."""
    held = node.get(section)
    return [] if held is None or held.kind != "map" else [key for key in held.value if not re.search(r"[.\[\]=]", key)]


def flow(value: Any) -> str:
    """Plain containers and texts as YAML on one line, as a setting has it."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    text = str(value)
    bare = PLAIN.fullmatch(text) and text == text.strip() and text not in NAMED
    return text if bare else json.dumps(text, ensure_ascii=False)


def patched(node: Node, settings: tuple[str, ...]) -> Node | None:
    """The case with settings on top; None where one of them leads nowhere."""
    mistakes = Mistakes()
    for setting in settings:
        path, _, text = setting.partition("=")
        value = yaml_tree.load(text, "--set") if text.strip() else Node("null", None, Place("--set", 1, 1))
        node = set_path(node, Target(path, Place("--set", 1, 1), path), value, mistakes)
    return None if mistakes else node
