"""Every key of a case as readable text: docs/reference.md, and `wattfolio schema PATH`. Made from the schema; a test holds them together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from models.spelling import suggest

NAMED = "NAME"  # stands in a path for a name that the case gives
HEAD = """# Reference: every key of a case

Made from the schema by `wattfolio schema --reference`; the JSON schema for editors is `wattfolio schema`. `NAME` stands for a name that you
give. "by scenario" marks what a scenario may set for itself. A *path in time* is a quantity, `{start: 10 USD/TH, growth: -5 %/year}`,
`{knots: {2026-01: 10 USD/TH, 2028-01: 8 USD/TH}, interpolate: linear}` or `{csv: FILE, column: NAME, date_column: NAME, unit: UNIT}`.
"""


class NoSuchKey(ValueError):
    """A path at which a case has nothing."""


@dataclass(frozen=True)
class Key:
    """One key of a section: what it takes, what holds where it is left out ('' where it must be given), what it means."""

    name: str
    takes: str
    default: str
    meaning: str
    by_scenario: bool


@dataclass(frozen=True)
class Section:
    """A section under its path, such as financing.NAME for notes: kind names the one of several that may stand there."""

    path: str
    kind: str
    describes: str
    keys: tuple[Key, ...]
    below: tuple[str, ...] = field(default=())  # paths of the sections in it

    @property
    def title(self) -> str:
        return f"{self.path or 'case file'} ({self.kind})" if self.kind else self.path or "case file"


def sections(schema: dict[str, Any]) -> tuple[Section, ...]:
    """Every section of the schema once per path at which it may stand, in the order of a case."""
    return tuple(_walk(schema, schema, "", "", ()))


def markdown(schema: dict[str, Any]) -> str:
    """docs/reference.md."""
    out, places = [HEAD], dict[tuple[str, tuple[Key, ...]], list[Section]]()
    for section in sections(schema):
        places.setdefault((section.describes, section.keys), []).append(section)
    for section, *others in places.values():
        out.append(f"## {section.title}\n")
        if section.describes:
            out.append(f"{section.describes}\n")
        if others:
            out.append(f"The same at {', '.join(dict.fromkeys(f'`{other.title}`' for other in others))}.\n")
        rows = ["| key | takes | default | meaning |", "|---|---|---|---|"]
        for key in section.keys:
            cells = (
                f"`{key.name}`",
                key.takes,
                key.default or "must be given",
                key.meaning + ("; by scenario" if key.by_scenario else ""),
            )
            rows.append(f"| {' | '.join(map(_cell, cells))} |")
        out.append("\n".join(rows) + "\n")
    return "\n".join(out)


def text(schema: dict[str, Any], path: str, width: int) -> str:
    """What stands at a path such as financing.convertible or sites.NAME.power, for a terminal. Raises NoSuchKey with
    what is close."""
    found = _found(sections(schema), path)
    blocks = []
    for section in found:
        lines = [section.title, *_wrapped(section.describes, width, "  ")]
        for key in section.keys:
            lines += ["", f"  {key.name}   {key.takes}" + ("   by scenario" if key.by_scenario else "")]
            lines += _wrapped(f"{key.meaning}{'' if key.default else '; must be given'}", width, "      ")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _found(known: tuple[Section, ...], path: str) -> list[Section]:
    """The sections at a path: by names, by NAME, or by the kind of what stands there (financing.convertible)."""
    parts = [part for part in path.split(".") if part]

    found = [section for section in known if _stands_at(section, parts)]
    kinds = [section for section in found if parts and section.kind == parts[-1]]
    if kinds or found:
        return kinds or found
    single = [
        Section(
            f"{section.path}.{parts[-1]}".lstrip("."),
            section.kind,
            "",
            tuple(key for key in section.keys if key.name == parts[-1]),
        )
        for section in known
        if parts and _stands_at(section, parts[:-1]) and any(key.name == parts[-1] for key in section.keys)
    ]
    if single:
        return list({one.keys: one for one in reversed(single)}.values())[::-1]
    near = suggest(
        path, [*{section.path for section in known}, *{f"{section.path}.{key.name}" for section in known for key in section.keys}]
    )
    raise NoSuchKey(f'there is no "{path}" in a case' + (f': did you mean "{near}"?' if near else ""))


def _stands_at(section: Section, parts: list[str]) -> bool:
    own = section.path.split(".") if section.path else []
    return len(own) == len(parts) and all(a in (b, NAMED) for a, b in zip(own, parts, strict=True))


# ---- the walk ---------------------------------------------------------------------------------------------------------------


def _walk(schema: dict[str, Any], node: dict[str, Any], path: str, kind: str, above: tuple[str, ...]) -> Iterator[Section]:
    node = _as_map(node)
    required = set(node.get("required", ()))
    keys, below = [], []
    for name, given in node.get("properties", {}).items():
        default = "" if name in required else _default(given)
        keys.append(Key(name, _takes(schema, given), default, _meaning(given), bool(given.get("by_scenario"))))
        for place, ref in _references(given):
            if ref not in above:  # a section that holds itself is described once
                below.append((f"{path}.{name}{place}".lstrip("."), ref))
    yield Section(path, kind, _first_line(node.get("description", "")), tuple(keys), tuple(where for where, _ in below))
    count = [where for where, _ in below]
    for where, ref in below:
        target = schema["$defs"][ref]
        several = count.count(where) > 1
        yield from _walk(schema, target, where, _kind(target, ref) if several else "", (*above, ref))


def _as_map(node: dict[str, Any]) -> dict[str, Any]:
    """A definition as a section: of one that a bare value may stand for, the form with keys."""
    maps = [one for one in node.get("anyOf", ()) if one.get("properties")]
    return maps[0] if maps and not node.get("properties") else node


def _references(given: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """(what is added to the path, definition) of every section that may stand at a key."""
    if not isinstance(given, dict):
        return
    if "$ref" in given:
        yield place, given["$ref"].rsplit("/", 1)[1]
    for one in (*given.get("anyOf", ()), *given.get("oneOf", ()), *given.get("allOf", ())):
        yield from _references(one, place)
    if isinstance(given.get("additionalProperties"), dict):
        yield from _references(given["additionalProperties"], f"{place}.{NAMED}")
    for name, below in given.get("properties", {}).items():
        yield from _references(below, f"{place}.{name}")
    if isinstance(given.get("items"), dict):
        yield from _references(given["items"], f"{place}[]")


def _kind(target: dict[str, Any], name: str) -> str:
    """What `type` says of one of several sections."""
    stated = target.get("properties", {}).get("type", {})
    return str(stated.get("const") or next(iter(stated.get("enum", ())), name.lower()))


def _takes(schema: dict[str, Any], given: dict[str, Any]) -> str:
    """What a key takes, with an example."""
    forms = list(dict.fromkeys(_forms(schema, given)))
    return " or ".join(forms) or "anything"


def _forms(schema: dict[str, Any], given: dict[str, Any]) -> Iterator[str]:
    unit = given.get("x-unit")
    several = [*given.get("anyOf", ()), *given.get("oneOf", ())]
    if unit is not None and several:
        yield f"path in time, {_example(several[0], unit)}"
        return
    if several or "allOf" in given:
        for one in (*several, *given.get("allOf", ())):
            if one.get("type") != "null":
                yield from _forms(schema, one)
        return
    if "$ref" in given:
        yield from _of_reference(schema, given["$ref"].rsplit("/", 1)[1])
    elif "const" in given or "enum" in given:
        yield ", ".join(f"`{value}`" for value in given.get("enum", [given.get("const")]))
    elif given.get("type") == "array":
        yield f"list of {_takes(schema, given.get('items', {}))}"
    elif isinstance(given.get("additionalProperties"), dict):
        yield f"by name: {_takes(schema, given['additionalProperties'])}"
    elif given.get("type") == "object":
        inside = ", ".join(given.get("properties", ()))
        yield f"{{{inside}}}" if inside else "by name: anything"
    elif given.get("type") == "boolean":
        yield "`true`, `false`"
    else:
        yield _example(given, unit)


def _of_reference(schema: dict[str, Any], name: str) -> Iterator[str]:
    target = schema["$defs"][name]
    if target.get("properties"):
        yield f"section {_kind(target, name)}" if "type" in target["properties"] else "section"
    elif _as_map(target) is not target:
        for one in target["anyOf"]:
            yield from ("section",) if "properties" in one else _forms(schema, one)
    else:
        yield from _forms(schema, target)


def _example(given: dict[str, Any], unit: str | None) -> str:
    examples = given.get("examples") or []
    if examples:
        return f"`{examples[0]}`"
    kinds = given.get("type", "text")
    return {"string": "text", "integer": "whole number", "number": "number"}.get(
        kinds if isinstance(kinds, str) else kinds[0], "text"
    )


def _default(given: dict[str, Any]) -> str:
    """What holds where a key is left out, from its description or its plain default."""
    if said := re.search(r"\bdefault:? ([^;]+?)(?:$|;|\. )", given.get("description", "")):
        return said[1].strip()
    value = given.get("default")
    return str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) and value != "" else "none"


def _meaning(given: dict[str, Any]) -> str:
    return str(given.get("description", "")).strip()


def _first_line(description: str) -> str:
    return description.strip().split("\n", 1)[0]


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")


def _wrapped(value: str, width: int, indent: str) -> list[str]:
    import textwrap

    return textwrap.wrap(value, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False) if value else []
