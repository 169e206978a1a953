"""Dotted paths into a case: what lies there, how to set it, how to scale it.

A path such as `financing.notes.limit` or `rules[0].require` is walked through the schema and the tree side by side, so
that a wrong part is told with what is near, and a scenario can be held to data.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Tag
from pydantic.fields import FieldInfo

from models.spelling import did_you_mean
from optimizer.case.reading.diagnostics import Mistakes, Place
from optimizer.case.reading.dotted_paths import Part, item_at, key_at, split_path
from optimizer.case.reading.hourly_year import HourlyYear
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.reading.yaml_tree import Node, noun
from optimizer.case.schema.case_model import CaseModel
from optimizer.case.schema.field_types import (
    Besides,
    Bounds,
    ByPath,
    HourlyReader,
    Over,
    Quantity,
    Reader,
    Section,
    shorthand_keys,
)
from optimizer.case.schema.financing import Coupon


@dataclass(frozen=True)
class Kind:
    """What the schema says about a place: one of a section, a mapping of names, a list, or a value."""

    section: type[Section] | None = None
    names: Any = None  # annotation of the values of a mapping of names
    items: Any = None  # annotation of the items of a list
    reader: Reader | None = None
    by_path: bool = False  # the names of the mapping are paths of the case
    besides: Mapping[str, type[Section]] = field(default_factory=dict)  # names of the mapping that are sections of their own


#: of something whose `type` is missing or wrong, which validation tells
UNKNOWN = Kind()


def kind_of_annotation(annotation: Any, node: Node | None) -> Kind:
    """Look through Annotated, Optional and tagged unions."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        inner, *notes = typing.get_args(annotation)
        for note in notes:
            if isinstance(note, Reader):
                return Kind(reader=note)
        return kind_of_annotation(inner, node)
    if origin in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(annotation) if option is not type(None)]
        if len(options) == 1:
            return kind_of_annotation(options[0], node)
        given = node.get("type") if node is not None else None
        for option in options:
            for note in typing.get_args(option)[1:] if typing.get_origin(option) is Annotated else ():
                if isinstance(note, Tag) and given is not None and given.value == note.tag:
                    return kind_of_annotation(option, node)
        return Kind()
    if origin is dict:
        return Kind(names=typing.get_args(annotation)[1])
    if origin is list:
        return Kind(items=typing.get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return Kind(section=annotation)
    return Kind()


def kind_of_field(info: FieldInfo, node: Node | None) -> Kind:
    for note in info.metadata:
        if isinstance(note, Reader):
            return Kind(reader=note)
    kind = kind_of_annotation(info.annotation, node)
    for note in info.metadata:
        if isinstance(note, Besides):
            kind = replace(kind, besides=note.sections)
    return replace(kind, by_path=True) if any(isinstance(note, ByPath) for note in info.metadata) else kind


def field_of(section: type[Section], key: str) -> tuple[str, FieldInfo] | None:
    """The field that is written `key`."""
    for name, info in section.model_fields.items():
        if (info.alias or name) == key:
            return name, info
    return None


def is_data(info: FieldInfo) -> bool:
    extra = info.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("by_scenario"))


def kind_at(tree: Node, parts: list[str | int]) -> tuple[Kind, Node | None]:
    """What the schema expects at the end of `parts`, and the node there (None: none is given)."""
    kind, node = Kind(section=CaseModel), typing.cast("Node | None", tree)
    for part in parts:
        if kind.section is not None:
            found = field_of(kind.section, str(part))
            if found is None:
                return Kind(), None
            node = node.get(str(part)) if node is not None else None
            kind = kind_of_field(found[1], node)
        elif kind.names is not None:
            node = node.get(str(part)) if node is not None else None
            kind = Kind(section=kind.besides[str(part)]) if part in kind.besides else kind_of_annotation(kind.names, node)
        elif kind.items is not None and isinstance(part, int):
            node = node[part] if node is not None and node.kind == "list" and part < len(node) else None
            kind = kind_of_annotation(kind.items, node)
        else:
            return Kind(), None
    return kind, node


def kind_of_path(root: Node, text: str) -> Kind | None:
    """What the schema expects at a path as a user writes it; None where that leads nowhere, or below a value."""
    kind, node = Kind(section=CaseModel), typing.cast("Node | None", root)
    parts, at = split_path(text), 0
    while at < len(parts):
        if kind.section is not None:
            found = field_of(kind.section, parts[at].text)
            if found is None:
                return None
            node = None if node is None else node.get(parts[at].text)
            kind, at = kind_of_field(found[1], node), at + 1
        elif kind.names is not None:
            key, at = key_at(node, parts, at, text, kind.by_path)
            node = None if node is None else node.get(key)
            if kind.by_path and kind.names is Any and kind_of_path(root, key) is None:
                return None
            kind = kind_below(root, kind, key, node)
        elif kind.items is not None:
            item = item_at(node, parts, at) if node is not None and node.kind == "list" else None
            number, at = item or (None, at + 1)
            node = node[number] if node is not None and number is not None else None
            kind = kind_of_annotation(kind.items, node)
        else:
            return None
    return kind


def kind_below(root: Node, kind: Kind, key: str, child: Node | None) -> Kind:
    """What the schema expects at a key of a mapping of names. What a scenario sets is what its path leads to in the case."""
    if key in kind.besides:
        return Kind(section=kind.besides[key])
    if kind.by_path and kind.names is Any:
        return kind_of_path(root, key) or Kind()
    return kind_of_annotation(kind.names, child)


@dataclass(frozen=True)
class Target:
    """A path as a user wrote it: where it stands and under which key, for messages."""

    text: str
    place: Place
    where: str
    quoted: bool = False

    def parts(self) -> list[Part]:
        return split_path(self.text)

    def at(self, offset: int) -> Place:
        return replace(self.place, column=self.place.column + offset + self.quoted)


def set_path(root: Node, target: Target, value: Node, mistakes: Mistakes, data_only: bool = False) -> Node:
    """A new tree in which `target` has `value` (a null removes it). The old tree stays as it is."""
    parts = target.parts()
    if not parts or parts[0].text == "variants":
        mistakes.add(target.at(0), target.where, f'"{target.text}" is not a path such as financing.notes.limit')
        return root
    if (open_ := next((part for part in parts if part.unclosed), None)) is not None:
        mistakes.add(target.at(open_.offset), target.where, "a quote is not closed: it goes around a whole part of the path")
        return root
    fresh = _copy(root)
    node, kind, data, at = fresh, Kind(section=CaseModel), False, 0
    while True:
        part, offset, _ = parts[at]
        here = ".".join(name for name, _, _ in parts[:at])
        inside = f"in {here}" if here else "at the top"
        key: str | int = part
        after = at + 1
        if kind.section is not None:
            if node.kind != "map" and kind.section.shorthand:
                _become_map(node, {kind.section.shorthand: _copy(node)})
            found = field_of(kind.section, part)
            if found is None:
                hint = did_you_mean(part, shorthand_keys(kind.section), "its keys are")
                mistakes.add(target.at(offset), target.where, f'there is no "{part}" {inside}', hint)
                return root
            data = data or is_data(found[1])
            child = node.get(part)
            below = kind_of_field(found[1], child)
        elif kind.names is not None:
            if node.kind != "map":
                return root  # that it is no mapping is told by validation
            key, after = key_at(node, parts, at, target.text, kind.by_path)
            child = node.get(key)
            if child is None and not _may_be_new(kind, value, after == len(parts), data, data_only):
                near = did_you_mean(key, list(node.value), "there are") if len(node) else None
                mistakes.add(target.at(offset), target.where, f'there is no "{key}" {inside}', near)
                return root
            below = kind_below(root, kind, key, child)
        elif node.kind == "list" and kind.reader is None:
            item = item_at(node, parts, at)
            if item is None:
                message = f'there is no item "{part}" {inside}: it has {len(node)}'
                mistakes.add(target.at(offset), target.where, message, "items are numbered from 0, or named")
                return root
            key, after = item
            child = node[key]
            below = kind_of_annotation(kind.items, child)
        else:  # below a value of ours, such as market.btc_price.growth
            if kind == UNKNOWN:
                if node.kind != "map":
                    return root
                data = True  # whether it is cannot be known
            if node.kind != "map":
                shown = noun(node)
                mistakes.add(target.at(offset), target.where, f'{here} is {shown}: it has no "{part}"', f"set {here}")
                return root
            key, after = key_at(node, parts, at, target.text)
            child, below = node.get(key), Kind(reader=kind.reader)
        if after == len(parts):
            if data_only and not data:
                mistakes.add(
                    target.at(0),
                    target.where,
                    f"{target.text} is structure, the same in every scenario",
                    "a scenario may change data only: prices, costs, rates, hourly data, amounts; or `delay` a site",
                )
                return root
            _put(node, key, value, target.at(offset))
            return fresh
        child = Node("map", {}, target.at(offset)) if child is None or child.kind == "null" else _copy(child)
        _put(node, key, child, node.key_places.get(str(key), target.at(offset)))
        node, kind, at = child, below, after


def _may_be_new(kind: Kind, value: Node, last: bool, data: bool, data_only: bool) -> bool:
    """Whether a mapping of names takes a name that it does not have: a whole section, a part of what is data, a path."""
    if kind.by_path:
        return last and value.kind != "null"
    return data or (last and value.kind == "map" and not data_only)


def _copy(node: Node) -> Node:
    value = dict(node.value) if node.kind == "map" else list(node.value) if node.kind == "list" else node.value
    return Node(node.kind, value, node.place, dict(node.key_places), node.quoted)


def _become_map(node: Node, value: dict[str, Node]) -> None:
    node.kind, node.value, node.quoted = "map", value, False
    node.key_places = {key: node.place for key in value}


def _put(node: Node, key: str | int, value: Node, place: Place) -> None:
    if isinstance(key, int):
        node.value[key] = value
        return
    if node.kind != "map":
        _become_map(node, {})
    if value.kind == "null":
        node.value.pop(key, None)
        node.key_places.pop(key, None)
        return
    node.value[key] = value
    node.key_places[key] = place


# --- scaling ----------------------------------------------------------------------------------------------------------


class _Refused(Exception):
    """Why a path cannot be scaled, with the part and a hint."""

    def __init__(self, index: int, message: str, hint: str | None = None):
        super().__init__(message)
        self.index, self.message, self.hint = index, message, hint


def scale_path(
    model: CaseModel, target: Target, factor: float, mistakes: Mistakes, tree: Node, lost: Collection[tuple[Any, ...]] = ()
) -> CaseModel:
    """A copy of a validated case in which the data at `target` are multiplied by `factor`.

    lost: (section,) and (section, name) of the parts of the case, as `tree` writes it, that have mistakes and are not in the model. Of a path
    into them only is told whether it leads anywhere.
    """
    parts = target.parts()
    if lost and any(tuple(part.text for part in parts[:depth]) in lost for depth in (1, 2)):
        set_path(tree, target, Node("scalar", f"{factor}", target.place), mistakes, data_only=True)
        return model
    try:
        return _scaled(model, [part.text for part in parts], 0, factor, False, None)
    except _Refused as refused:
        offset = parts[min(refused.index, len(parts) - 1)].offset if parts else 0
        mistakes.add(target.at(offset), target.where, refused.message, refused.hint)
        return model


def _scaled(value: Any, parts: list[str], index: int, factor: float, data: bool, reader: Reader | None) -> Any:
    here = ".".join(parts[:index])
    if index == len(parts):
        if not data:
            raise _Refused(
                0,
                f"{here} is structure, the same in every scenario",
                "a scenario may scale data only: prices, costs, rates, hourly data, amounts",
            )
        return _times(value, factor, here, index - 1, reader)
    part = parts[index]
    inside = f"in {here}" if here else "at the top"
    if isinstance(value, Section):
        found = field_of(type(value), part)
        if found is None:
            hint = did_you_mean(part, shorthand_keys(type(value)), "its keys are")
            raise _Refused(index, f'there is no "{part}" {inside}', hint)
        name, info = found
        below = getattr(value, name)
        if below is None:
            raise _Refused(index, f"{here + '.' if here else ''}{part} is not given: there is nothing to scale")
        kind = kind_of_field(info, None)
        new = _scaled(below, parts, index + 1, factor, data or is_data(info), kind.reader)
        return value.model_copy(update={name: new})
    if isinstance(value, dict):
        if part not in value:
            near = did_you_mean(part, list(value), "there are") if value else None
            raise _Refused(index, f'there is no "{part}" {inside}', near)
        return {**value, part: _scaled(value[part], parts, index + 1, factor, data, reader)}
    if isinstance(value, list) and part.isdigit() and int(part) < len(value):
        at = int(part)
        return [*value[:at], _scaled(value[at], parts, index + 1, factor, data, reader), *value[at + 1 :]]
    raise _Refused(index, f'there is no "{part}" {inside}', f"scale {here}" if here else None)


def _times(value: Any, factor: float, here: str, index: int, reader: Reader | None) -> Any:
    result: Any
    if isinstance(value, Path):
        result = value.scaled(factor)
        extremes = [v * result.factor for _, v in value.knots] or [value.start * result.factor]
    elif isinstance(value, HourlyYear):
        result = value.transformed(factor)
        extremes = [float(result.values.min()), float(result.values.max())]
    elif isinstance(value, float):
        result, extremes = value * factor, [value * factor]
    elif isinstance(value, tuple):
        return tuple((key, amount * factor) for key, amount in value)
    elif isinstance(value, dict):
        return {key: _times(below, factor, f"{here}.{key}", index, reader) for key, below in value.items()}
    elif isinstance(value, Coupon):
        return value.model_copy(update={"base": value.base.scaled(factor), "spread": value.spread * factor})
    else:
        raise _Refused(index, f"{here} cannot be scaled", "name a value inside it" if isinstance(value, Section) else None)
    bounds = reader.bounds if isinstance(reader, Over | HourlyReader | Quantity) else Bounds(-float("inf"))
    for extreme in extremes:
        if wrong := bounds.complaint(extreme, lambda v: f"{v:g}"):
            raise _Refused(index, f"{here} times {factor:g} is {extreme:g}: it {wrong}")
    return result
