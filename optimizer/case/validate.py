"""From a tree of nodes to a validated model, with pydantic's complaints told in words and at their places."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from models.spelling import did_you_mean
from optimizer.case.patch import Kind, kind_at
from optimizer.case.reading.diagnostics import MOST_SHOWN, Mistakes, Place
from optimizer.case.reading.yaml_tree import Node, noun
from optimizer.case.schema import financing, fleet
from optimizer.case.schema.case_model import CaseModel, Horizon
from optimizer.case.schema.field_types import NOTED, Items, Reading, Section, shorthand_keys, wrap
from optimizer.case.schema.financing import TAGS, DebtTerms, SharesTerms
from optimizer.case.schema.policies import POLICY_CLASSES

SERVICE_CLASSES: dict[str, type[Section]] = {"lease": fleet.Lease, "cloud": fleet.Cloud}
INSTRUMENT_CLASSES: dict[str, type[Section]] = {
    "notes": financing.Notes, "loan": financing.Loan, "convertible": financing.Convertible,
    "revolver": financing.Revolver, "btc_loan": financing.BtcLoan, "equity": financing.Equity,
    "atm": financing.Atm,
}  # fmt: skip

#: kinds of one thing by their `type`
FAMILIES: tuple[Mapping[str, type[Section]], ...] = (SERVICE_CLASSES, INSTRUMENT_CLASSES, POLICY_CLASSES)


Entry = tuple[Any, ...]
#: sections of things with names: one with a mistake is left out, and the others are read
NAMED = ("scenarios", "sites", "rigs", "ai", "financing", "cash_flows", "projects", "policies", "variants", "rules")


def validate(tree: Node, reading: Reading, known: dict[str, Any] | None = None) -> tuple[CaseModel | None, frozenset[Entry]]:
    """(model, lost): the case without its bad parts, and which these are: (section,), (section, name), ("rules", number).

    None if not even that can be read. `known` are sections that were validated before and have not changed; None: this part was told to
    be wrong, and is left out.
    """
    known = known or {}
    mistakes = reading.mistakes
    if tree.kind != "map":
        hint = "a case is keys with values, such as  horizon: {start: 2026-01, years: 3}"
        mistakes.add(tree.place, "", f"expected a mapping, found {noun(tree)}", hint)
        return None, frozenset()
    root = Node("map", {key: child for key, child in tree.value.items() if child.kind != "null"}, tree.place, tree.key_places)
    lost = _empty(root, known)
    fresh = Node("map", {key: child for key, child in root.value.items() if key not in known}, tree.place, tree.key_places)
    wrapped: Any = wrap(fresh, "", mistakes)
    wrapped.update({key: section for key, section in known.items() if key in root.value and section is not None})
    model = None
    try:
        model = CaseModel.model_validate(wrapped, context=reading)
    except ValidationError as error:
        tell(error, root, mistakes)
        lost |= {
            _entry(item["loc"], wrapped) for item in error.errors(include_url=False, include_input=False, include_context=False)
        }
    if not lost:
        return model, frozenset()
    for entry in sorted(lost, key=str):
        _leave_out(wrapped, entry)
    aside = Reading(reading.files, Mistakes())  # what is wrong has been told
    try:
        return CaseModel.model_validate(wrapped, context=aside), frozenset(lost)
    except ValidationError:
        return None, frozenset(lost)


def _entry(loc: tuple[Any, ...], wrapped: Any) -> Entry:
    """The part of a case that has to go for the rest to be read: a top key, or one name below it."""
    if not loc or loc[0] not in NAMED or len(loc) < 2:
        return loc[:1]
    below = wrapped.get(loc[0])
    if isinstance(below, Items) and isinstance(loc[1], int):  # its number in the file: items without a value are not in here
        return (loc[0], int(below[loc[1]].where.rpartition("[")[2].rstrip("]"))) if hasattr(below[loc[1]], "where") else loc[:1]
    return loc[:2]


def _empty(root: Node, known: Mapping[str, Any]) -> set[Entry]:
    """The parts in which a key has no value. That is told, and what is left out with it may be what another part needs."""
    out: set[Entry] = set()
    for section, node in root.value.items():
        if section in known:
            continue
        if section not in NAMED or node.kind not in ("map", "list"):
            out |= {(section,)} if _has_null(node) else set()
            continue
        for name, child in node.value.items() if node.kind == "map" else enumerate(node.value):
            # a patch may remove what it names
            patched = section in ("scenarios", "variants") and "set" in child and child["set"].kind == "map"
            keys = [one for key, one in child.value.items() if not (patched and key == "set")] if child.kind == "map" else [child]
            if any(_has_null(one) for one in keys):
                out.add((section, name))
    return out


def _has_null(node: Node) -> bool:
    if node.kind == "map":
        return any(_has_null(child) for child in node.value.values())
    return node.kind == "null" or (node.kind == "list" and any(_has_null(child) for child in node.value))


def _leave_out(wrapped: Any, entry: Entry) -> None:
    """Take a part out of what pydantic sees. A horizon is needed: a stand-in, which no check looks at."""
    if entry == ("horizon",):
        wrapped["horizon"] = Horizon.model_construct(start=date(2026, 1, 1), years=1)
    elif len(entry) == 1:
        wrapped.pop(entry[0], None)
    elif isinstance(wrapped.get(entry[0]), Items):
        kept = [one for one in wrapped[entry[0]] if one.where != f"{entry[0]}[{entry[1]}]"]
        wrapped[entry[0]][:] = kept
    elif entry[0] in wrapped and isinstance(wrapped[entry[0]], dict):
        wrapped[entry[0]].pop(entry[1], None)


def tell(error: ValidationError, tree: Node, mistakes: Mistakes, under: tuple[str, ...] = ()) -> None:
    """Note every complaint of pydantic that a reader has not noted itself. under: where in the tree what was validated stands."""
    unknown: list[tuple[Place, str, str, Kind]] = []
    for item in error.errors(include_url=False, include_input=False):
        kind = item["type"]
        if kind == NOTED:
            continue
        parts = _descend(tree, (*under, *item["loc"]))
        expected, node = kind_at(tree, parts)
        place = _place(tree, parts)
        where = _dotted(parts)
        if kind == "extra_forbidden":
            key = str(item["loc"][-1])
            parent, _ = kind_at(tree, parts[:-1])
            unknown.append((_key_place(tree, parts), where, key, parent))
        elif kind == "missing" and node is not None and node.kind == "null":
            continue  # the key is there, and that it has no value is told
        elif kind == "missing":
            _missing(str(item["loc"][-1]), expected, tree, parts, mistakes)
        elif kind in ("union_tag_not_found", "union_tag_invalid"):
            _wrong_type(parts, node, place, where, mistakes)
        elif kind in ("model_type", "dict_type", "model_attributes_type"):
            found = noun(node) if node is not None else "something else"
            keys = shorthand_keys(expected.section) if expected.section else []
            mistakes.add(place, where, f"expected a mapping, found {found}", f"its keys are: {', '.join(keys)}" if keys else None)
        elif kind == "list_type":
            found = noun(node) if node is not None else "something else"
            mistakes.add(place, where, f"expected a list, found {found}", "write [a, b], or a line beginning with - for each")
        else:  # pragma: no cover - our own readers leave nothing else to pydantic
            mistakes.add(place, where, f"{item['msg']}".lower())
    # what was meant takes the longest to find, and is found for those that can be shown
    unknown.sort(key=lambda one: one[:2])
    for number, (place, where, key, parent) in enumerate(unknown):
        mistakes.add(place, where, "unknown key", _hint(key, parent) if number < MOST_SHOWN else None)


def _hint(key: str, parent: Kind) -> str | None:
    """The near key; else the kinds of the same family that have this key; else all keys."""
    if parent.section is None:
        return None
    family = [one for group in FAMILIES if parent.section in group.values() for one in group.items()]
    owners = [name for name, section in family if key in shorthand_keys(section)]
    if owners:
        return f"`{key}` belongs to type: {' | '.join(owners)}"
    return did_you_mean(key, shorthand_keys(parent.section))


def _descend(tree: Node, loc: tuple[Any, ...]) -> list[str | int]:
    """The keys of the tree that a location of pydantic names: without tags of unions, keys of shorthands, missing keys."""
    parts: list[str | int] = []
    node: Node | None = tree
    rest = list(loc)
    while rest and node is not None:
        part = rest[0]
        if (node.kind == "map" and part in node.value) or (node.kind == "list" and isinstance(part, int) and part < len(node)):
            node = node[part]
        elif part in TAGS or part in POLICY_CLASSES or len(rest) > 1:
            rest.pop(0)
            continue
        else:
            break
        parts.append(rest.pop(0))
    return parts


def _dotted(parts: list[str | int]) -> str:
    out = ""
    for part in parts:
        out += f"[{part}]" if isinstance(part, int) else (f".{part}" if out else part)
    return out


def _place(tree: Node, parts: list[str | int]) -> Place:
    node = tree
    for part in parts:
        node = node[part]
    return node.place


def _key_place(tree: Node, parts: list[str | int]) -> Place:
    """The place of the last key (of the item, in a list)."""
    node = tree
    for part in parts[:-1]:
        node = node[part]
    if parts and isinstance(parts[-1], str):
        return node.key_place(parts[-1])
    return node[parts[-1]].place if parts else node.place


def _missing(key: str, expected: Kind, tree: Node, parts: list[str | int], mistakes: Mistakes) -> None:
    where = _dotted([*parts, key])
    field = None
    if expected.section is not None:
        for name, info in expected.section.model_fields.items():
            if (info.alias or name) == key:
                field = info
    hint = field.description if field is not None else None
    message = f'key "{key}" is missing'
    if key == "limit" and expected.section is not None and issubclass(expected.section, DebtTerms):
        message = 'debt is always bounded, and the key "limit" is missing: a program would borrow without end'
    elif key == "limit" and expected.section is not None and issubclass(expected.section, SharesTerms):
        message = 'a sale of shares is always bounded, and the key "limit" is missing'
    mistakes.add(_key_place(tree, parts), where, message, hint)


def _wrong_type(parts: list[str | int], node: Node | None, place: Place, where: str, mistakes: Mistakes) -> None:
    noun_of = {"ai": "service", "policies": "policy"}.get(str(parts[0]), "instrument")
    families: dict[str, Mapping[str, type[Section]]] = {"ai": SERVICE_CLASSES, "policies": POLICY_CLASSES}
    known = tuple(families.get(str(parts[0]), INSTRUMENT_CLASSES))
    if node is None or node.kind != "map":
        mistakes.add(place, where, f"expected a mapping, found {noun(node) if node else 'nothing'}")
        return
    given = node.get("type")
    if given is None:
        mistakes.add(place, f"{where}.type", f'key "type" is missing: the kind of {noun_of}', f"it is one of: {', '.join(known)}")
        return
    hint = did_you_mean(given.value if given.kind == "scalar" else "", known, "it is one of")
    mistakes.add(given.place, f"{where}.type", f"{noun(given)} is not a kind of {noun_of}", hint)
