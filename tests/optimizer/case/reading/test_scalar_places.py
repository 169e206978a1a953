"""Every character of a sentence is found in the file, whatever way YAML wrote it."""

from __future__ import annotations

import random

import pytest
import yaml

from optimizer.case.reading import yaml_tree
from optimizer.case.reading.scalar_places import place_in

FORMS = {
    "plain": "a: cash >= 5 MUSD\n",
    "plain over lines": "a: cash + coins_value\n   >= 5 MUSD\n\n   + 3\nb: 1\n",
    "single quotes": "a: 'cash[''x''] >= 5'\n",
    "single quotes over lines": "a: 'cash\n\n    >=\n  5'\n",
    "double quotes": 'a: "cash[\\"x\\"] \\x3e= \\u0035 \\t + 3"\n',
    "double quotes over lines": 'a: "cash \\\n    >= 5\n    + 3 \\U00000035"\n',
    "folded": "a: >\n  cash\n  >= 5\n\n  + 3\nb: 1\n",
    "folded, stripped, indented, commented": "a:\n  - b: >2-   # a comment\n      cash\n      >= 5\n",
    "literal": "a: |\n  cash >=\n    5\n  + 3\n",
    "literal, kept": "a: |+\n  cash\n\n  >= 5\n\n",
    "flow": "{a: cash >= 5, b: [x, 'cash >= 6']}\n",
    "other alphabets": "a: 'ééé 🐄 cash'\n",
    "windows": "a: cash\r\n  >= 5\r\nb: 'c\r\n  d'\r\n",
}


def scalars(node: yaml_tree.Node) -> list[yaml_tree.Node]:
    if node.kind == "scalar":
        return [node]
    children = node.value.values() if node.kind == "map" else node.value if node.kind == "list" else ()
    return [found for child in children for found in scalars(child)]


def character_at(source: str, line: int, column: int) -> str:
    lines = source.replace("\r\n", "\n").split("\n")
    return lines[line - 1][column - 1 : column]


@pytest.mark.parametrize("form", FORMS)
def test_every_character_is_where_it_is_said_to_be(form: str) -> None:
    source = FORMS[form]
    root = yaml_tree.load(source, "case.yaml")
    for node in scalars(root):
        before = (0, 0)
        for offset, character in enumerate(node.value):
            place = place_in(node, offset, source)
            assert (place.line, place.column) >= before, (form, offset)
            before = (place.line, place.column)
            found = character_at(source, place.line, place.column)
            if not character.isspace():
                assert found in (character, "\\" if node.quoted else character), (form, offset, character, found)


def test_right_after_the_text_is_a_place_too() -> None:
    source = "a: cash >=\nb: 'x'\n"
    root = yaml_tree.load(source, "f")
    assert str(place_in(root["a"], len("cash >="), source)) == "f:1:11"
    assert str(place_in(root["b"], 1, source)) == "f:2:6"


def test_without_the_source_it_is_the_beginning() -> None:
    root = yaml_tree.load("a: cash\n", "f")
    assert place_in(root["a"], 3, None) == root["a"].place
    assert place_in(root["a"], 3, "") == root["a"].place
    assert place_in(root["a"], 3, "a: something else") == root["a"].place


def test_random_texts_in_every_style() -> None:
    """What PyYAML writes in any style and width is found again."""
    rng = random.Random(3)
    for _ in range(400):
        text = "".join(
            rng.choice(["cash", " ", "  ", ">=", "'", '"', "\\", "\n", "#", ":", "é", "\t", "5", "[x]"])
            for _ in range(rng.randint(1, 30))
        )
        style = rng.choice([None, "'", '"', "|", ">"])
        source = yaml.dump({"a": text}, default_style=style, width=rng.randint(10, 40), allow_unicode=True)
        node = yaml_tree.load(source, "f").value.get("a")
        if node is None:
            node = next(iter(yaml_tree.load(source, "f").value.values()))
        if node.kind != "scalar":
            continue
        assert node.value == text
        for offset, character in enumerate(text):
            place = place_in(node, offset, source)
            if character in "ch>=5[x]é#:":
                assert character_at(source, place.line, place.column) == character, (source, offset)
