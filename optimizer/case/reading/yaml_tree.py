"""YAML text -> a tree of nodes that know their place.

Scalars stay text. YAML 1.1 would read `NO` as false and `12:30:45` as 45045; here the field that expects a value gives
it its type (see `parse_bool`, `units.parse_quantity`, `timeline.parse_date`). The tree is built from parser events with
an explicit stack: no recursion, and anchors are refused before anything could be expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from optimizer.case.reading.diagnostics import CaseError, Mistake, Place
from optimizer.runtime import files

MOST_BYTES = 4_000_000
MOST_NODES = 200_000
MAX_NESTING = 32
MOST_MISTAKES = 50  # stop reading a file that is wrong all over

Kind = Literal["map", "list", "scalar", "null"]
# YAML's printable characters; a byte order mark inside a text is an accident too.
FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]")
NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(eq=False, repr=False)
class Node:
    """A map (dict of nodes), list (of nodes), scalar (text) or null, at a place."""

    kind: Kind
    value: Any
    place: Place
    key_places: dict[str, Place] = field(default_factory=dict)
    quoted: bool = False  # quoted or block scalar: never a number, a null or a bool

    @property
    def style(self) -> Literal["plain", "quoted"]:
        return "quoted" if self.quoted else "plain"

    @property
    def text(self) -> str:
        """The text of a scalar."""
        if self.kind != "scalar":
            raise TypeError(f"a {self.kind} has no text")
        return self.value

    def __contains__(self, key: str) -> bool:
        return self.kind == "map" and key in self.value

    def __getitem__(self, key: str | int) -> Node:
        return self.value[key]

    def get(self, key: str) -> Node | None:
        return self.value.get(key) if self.kind == "map" else None

    def __iter__(self) -> Iterator[Any]:
        """Keys of a map, nodes of a list."""
        return iter(self.value if self.kind in ("map", "list") else ())

    def __bool__(self) -> bool:
        """A node is a node, also without children: `node or default` must not drop a scalar."""
        return True

    def __len__(self) -> int:
        return len(self.value) if self.kind in ("map", "list") else 0

    def key_place(self, key: str) -> Place:
        """The place of a key of this map; the place of the map if it has no such key."""
        return self.key_places.get(key, self.place)

    def plain(self) -> Any:
        """The same tree as dicts, lists, strings and None (for digests and tests)."""
        if self.kind == "map":
            return {key: node.plain() for key, node in self.value.items()}
        if self.kind == "list":
            return [node.plain() for node in self.value]
        return self.value

    def __repr__(self) -> str:
        return f"Node({self.kind}, {self.plain()!r}, {self.place})"


def noun(node: Node) -> str:
    """What a node is, for messages: `a list`, `nothing`, `"text"`."""
    if node.kind == "scalar":
        shown = node.value if len(node.value) <= 60 else node.value[:57] + "..."
        return f'"{shown}"'
    return {"map": "a mapping", "list": "a list", "null": "nothing"}[node.kind]


def parse_bool(node: Node) -> bool:
    """`true` or `false`, in exactly these letters and not quoted; else ValueError."""
    if node.kind == "scalar" and not node.quoted and node.value in ("true", "false"):
        return node.value == "true"
    raise ValueError(f"{noun(node)} is not a yes-or-no: write true or false")


def read(path: str | Path, shown: str | None = None) -> tuple[Node, str]:
    """Read a YAML file: its tree and its text. `shown` is the name used in messages (default: the path)."""
    name = shown if shown is not None else str(path)
    try:
        data = files.read(path, MOST_BYTES)
    except IsADirectoryError:
        raise CaseError([Mistake(Place(name, 1, 1), "", "is a folder, not a YAML file")]) from None
    except (OSError, ValueError) as problem:
        reason = (getattr(problem, "strerror", None) or str(problem)).lower()
        raise CaseError([Mistake(Place(name, 1, 1), "", f"cannot be read: {reason}")]) from None
    text = decode(data, name)
    return load(text, name), text


def decode(data: bytes, file: str) -> str:
    """UTF-8 bytes (with or without a byte order mark) -> text; refuses other encodings, NUL and over 4 MB."""
    if len(data) > MOST_BYTES:
        raise CaseError([Mistake(Place(file, 1, 1), "", f"larger than {MOST_BYTES // 1_000_000} MB")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
        bad = data[problem.start]
        hint = "save the file as UTF-8"
        raise CaseError([Mistake(_place_at(before, file), "", f"byte 0x{bad:02x} is not UTF-8", hint)]) from None


def load(text: str | bytes, file: str) -> Node:
    """Parse one YAML document. Raises CaseError with every mistake that can be told.

    The same text comes as the same tree: whoever changes a node changes a copy of it.
    """
    if isinstance(text, bytes):
        text = decode(text, file)
    return _load(text.removeprefix("\ufeff"), file)


@lru_cache(maxsize=32)
def _load(text: str, file: str) -> Node:
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise CaseError([Mistake(Place(file, 1, 1), "", f"larger than {MOST_BYTES // 1_000_000} MB")])
    if bad := FORBIDDEN.search(text):
        what = "NUL" if bad[0] == "\0" else f"character U+{ord(bad[0]):04X}"
        raise CaseError([Mistake(_place_at(text[: bad.start()], file), "", f"{what} is not allowed in YAML")])
    builder = _Builder(file, text)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            if not builder.take(event):
                break
    except yaml.MarkedYAMLError as problem:
        builder.mistakes.append(_syntax(problem, file, text))
    except yaml.YAMLError as problem:  # pragma: no cover - characters are checked above
        builder.mistakes.append(Mistake(Place(file, 1, 1), "", f"not YAML: {problem}"))
    if builder.mistakes:
        raise CaseError(builder.mistakes, {file: text})
    if builder.root is None:
        raise CaseError([Mistake(Place(file, 1, 1), "", "the file is empty")], {file: text})
    return builder.root


def _place_at(before: str, file: str) -> Place:
    """The place right after the text `before`."""
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Place(file, len(lines), len(lines[-1]) + 1)


def _syntax(problem: yaml.MarkedYAMLError, file: str, text: str) -> Mistake:
    """PyYAML's complaint, at our place and with the usual cause."""
    mark = problem.problem_mark or problem.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    what = (problem.problem or "cannot be read").strip()
    if "\t" in line and line[: place.column].endswith("\t"):
        return Mistake(place, "", "a tab cannot indent YAML", "use blanks")
    hint = None
    if (columns := _misfit(lines, place.line)) is not None and ("mapping" in what or "block" in f"{problem.context}"):
        told = " or ".join(str(column) for column in columns)
        begins = len(line) - len(line.lstrip(" ")) + 1
        return Mistake(
            Place(file, place.line, begins),
            "",
            f"not valid YAML: this line begins in column {begins}, and what stands above it in column {told}",
            "keys of one section begin in the same column",
        )
    if "mapping values are not allowed" in what:
        what = "a second `:` in one value"
        hint = "quote text that holds `: `, or check the indentation"
    elif "cannot start any token" in what:
        found = line[place.column - 1 : place.column]
        what = f"`{found}` cannot begin a value"
        hint = "quote the text"
    elif problem.context:
        what = f"{what}, {problem.context}"
        if problem.context_mark and (problem.context_mark.line + 1) != place.line:
            what += f" that begins in line {problem.context_mark.line + 1}"
    return Mistake(place, "", f"not valid YAML: {what}", hint)


def _misfit(lines: list[str], number: int) -> list[int] | None:
    """The columns in which the sections around a line begin, where it begins in none of them and opens none; None where it fits."""

    def column(line: str) -> int:
        return len(line) - len(line.lstrip(" ")) + 1

    if number > len(lines):
        return None
    own, above = column(lines[number - 1]), list[int]()
    for line in reversed(lines[: number - 1]):
        if line.strip() and not line.lstrip().startswith("#") and (not above or column(line) < above[0]):
            if not above and column(line) < own and line.split(" #")[0].rstrip().endswith(":"):
                return None  # the first line of a section
            above.insert(0, column(line))
    return None if not above or own in above else above[-2:]


@dataclass
class _Open:
    """A map or list that is still being read, and the key that waits for its value."""

    node: Node
    path: str
    key: str | None = None
    key_place: Place | None = None
    skip_value: bool = False  # the key was refused: read its value, but keep it nowhere


class _Builder:
    def __init__(self, file: str, text: str):
        self.file = file
        self.text = text
        self.root: Node | None = None
        self.mistakes: list[Mistake] = []
        self.stack: list[_Open] = []
        self.nodes = 0
        self.documents = 0

    def wrong(self, place: Place, message: str, hint: str | None = None, path: str | None = None) -> None:
        self.mistakes.append(Mistake(place, self.path() if path is None else path, message, hint))

    def path(self) -> str:
        """Dotted path of the value that is about to be read."""
        if not self.stack:
            return ""
        top = self.stack[-1]
        if top.node.kind == "list":
            return f"{top.path}[{len(top.node.value)}]"
        if top.key is None:
            return top.path
        return f"{top.path}.{top.key}" if top.path else top.key

    def take(self, event: yaml.Event) -> bool:
        """Take in one event; False means: do not read on."""
        mark = event.start_mark
        place = Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file, 1, 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.wrong(place, "a second document begins here: one case, one document", path="")
                return False
        elif isinstance(event, yaml.AliasEvent):
            self.wrong(place, f"alias *{event.anchor}: write the value out, aliases are not used here")
            self.put(Node("null", None, place))
        elif isinstance(event, yaml.NodeEvent):
            return self.node(event, place)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.stack.pop()
        return len(self.mistakes) < MOST_MISTAKES

    def node(self, event: Any, place: Place) -> bool:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self.wrong(place, f"more than {MOST_NODES} values in one file")
            return False
        if event.anchor is not None:
            self.wrong(place, f"anchor &{event.anchor}: anchors and aliases are not used here")
        if event.tag is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!", 1)
            self.wrong(place, f"tag {shown}: tags are not used here, the field gives the type")
        if isinstance(event, yaml.ScalarEvent):
            quoted = event.style not in (None, "")
            if not quoted and event.value in NULLS:
                self.put(Node("null", None, place))
            else:
                self.put(Node("scalar", event.value, place, quoted=quoted))
            return len(self.mistakes) < MOST_MISTAKES
        if len(self.stack) >= MAX_NESTING:
            self.wrong(place, f"nested deeper than {MAX_NESTING} levels", path="")
            return False
        kind: Kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
        path = self.path()
        node = Node(kind, {} if kind == "map" else [], place)
        self.put(node)
        self.stack.append(_Open(node, path))
        return len(self.mistakes) < MOST_MISTAKES

    def put(self, node: Node) -> None:
        """A finished scalar, or a map or list that begins: hang it where it belongs."""
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if top.node.kind == "list":
            top.node.value.append(node)
        elif top.key is None and not top.skip_value:
            self.put_key(top, node)
        elif top.skip_value:
            top.key, top.skip_value = None, False
        else:
            assert top.key is not None and top.key_place is not None
            top.node.value[top.key] = node
            top.node.key_places[top.key] = top.key_place
            top.key = None

    def put_key(self, top: _Open, node: Node) -> None:
        if node.kind != "scalar":
            self.wrong(node.place, f"{noun(node)} cannot be a key: keys are text", path=top.path)
            top.skip_value = True
        elif node.value == "<<" and not node.quoted:
            self.wrong(node.place, "merge key <<: write the keys out, merging is not used here", path=top.path)
            top.skip_value = True
        elif node.value in top.node.value:
            first = top.node.key_places[node.value]
            path = f"{top.path}.{node.value}" if top.path else node.value
            self.wrong(
                node.place,
                f'key "{node.value}" is given twice: first in line {first.line}, column {first.column}',
                "keep one of the two",
                path,
            )
            top.key, top.skip_value = node.value, True
        else:
            top.key, top.key_place = node.value, node.place
