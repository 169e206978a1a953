"""Where in a file a character of a YAML scalar stands: plain, quoted with escapes, or a block that is folded over lines.

The parser gives the text and where it begins. Here text and source are walked side by side: blanks and line breaks of either match
those of the other, every other character matches itself or its escape.
"""

from __future__ import annotations

import re
from dataclasses import replace

from optimizer.case.reading.diagnostics import Place
from optimizer.case.reading.yaml_tree import Node

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_JOINED = re.compile("\\\\(?:\r\n|[\n\r\x85\u2028\u2029])[ \t]*")  # an escaped line break: nothing of it is in the text
_FOLD = re.compile("[ \t]*(?:\r\n|[\n\r\x85\u2028\u2029])[ \t]*")
_BLANKS = re.compile("[ \t]*")
_HEADER = re.compile("[|>][^\n\r\x85\u2028\u2029]*(?:\r\n|[\n\r\x85\u2028\u2029])")


def place_in(node: Node, offset: int, source: str | None) -> Place:
    """The place of character `offset` of a scalar's text; that of its beginning where the source is not known or does not fit."""
    start = _offset_of(node.place, source) if source is not None else None
    if source is None or start is None or node.kind != "scalar":
        return node.place
    at = _walk(node.value, source, start, offset, node.quoted)
    return node.place if at is None else _place_of(at, source, node.place)


def _offset_of(place: Place, source: str) -> int | None:
    """Characters before a place."""
    begins = 0
    for _ in range(place.line - 1):
        found = _BREAK.search(source, begins)
        if found is None:
            return None
        begins = found.end()
    at = begins + place.column - 1
    return at if at <= len(source) else None


def _place_of(at: int, source: str, like: Place) -> Place:
    line, begins = 1, 0
    for found in _BREAK.finditer(source, 0, at):
        line, begins = line + 1, found.end()
    return replace(like, line=line, column=at - begins + 1)


def _walk(text: str, source: str, start: int, offset: int, quoted: bool) -> int | None:
    """Where in the source character `offset` of the text stands; None if the two do not fit."""
    mark = source[start : start + 1] if quoted else ""
    at = start
    if mark in ("|", ">"):
        header = _HEADER.match(source, start)
        if header is None:
            return None
        at = header.end()
    elif mark:
        at += 1
    straight = at  # up to here no blank is before a line break: a run of blanks is looked through once
    for number, character in enumerate(text):
        while mark == '"' and (joined := _JOINED.match(source, at)):
            at = joined.end()
        if character.isspace():
            here = at
            if at >= straight and (fold := _FOLD.match(source, at)):
                at = fold.end()
            elif source[at : at + 1] in (" ", "\t"):
                straight = straight if at < straight else _BLANKS.match(source, at).end()  # type: ignore[union-attr]
                at += 1
            elif mark == '"' and (escape := _ESCAPE.match(source, at)):
                at = escape.end()
            if number == offset:
                return here
            continue
        while at < len(source) and source[at] in " \t\r\n\x85\u2028\u2029":
            at += 1
        if number == offset:
            return at if at < len(source) else None
        if mark == '"' and source[at : at + 1] == "\\":
            escape = _ESCAPE.match(source, at)
            at = escape.end() if escape else at + 1
        elif mark == "'" and character == "'":
            at += 2
        elif source[at : at + 1] == character:
            at += 1
        else:
            return None
    return at if offset >= len(text) else None
