"""Paths as people write them: parts, quotes, and keys that hold dots."""

from __future__ import annotations

import pytest

from optimizer.case.reading.dotted_paths import item_at, key_at, longest_key, split_path
from optimizer.case.reading.yaml_tree import load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("financing.notes.limit", [("financing", 0), ("notes", 10), ("limit", 16)]),
        ("rules[0].require", [("rules", 0), ("0", 5), ("require", 9)]),
        ('a."b.c".d', [("a", 0), ("b.c", 2), ("d", 8)]),
        ("a['b.c'].d", [("a", 0), ("b.c", 2), ("d", 9)]),
        ("rules.owner's cash.require", [("rules", 0), ("owner's cash", 6), ("require", 19)]),
        ("", []),
    ],
)
def test_parts(text: str, expected: list[tuple[str, int]]) -> None:
    assert [(part.text, part.offset) for part in split_path(text)] == expected


def test_a_quote_that_is_not_closed() -> None:
    assert [part.unclosed for part in split_path('a."b.c')] == [False, True, False]
    assert not any(part.unclosed for part in split_path('a."b.c".owner\'s'))


def test_the_longest_key_is_meant() -> None:
    parts = split_path("market.btc_price.growth")
    assert longest_key(parts, 0, ["market", "market.btc_price", "market.btc"]) == ("market.btc_price", 2)
    assert longest_key(parts, 0, ["market.btc_price.growth", "market.btc_price"]) == ("market.btc_price.growth", 3)
    assert longest_key(parts, 0, ["market.hashprice"]) is None
    assert longest_key(split_path('"market.btc_price".growth'), 0, ["market.btc_price.growth", "market.btc_price"]) == (
        "market.btc_price",
        1,
    )


def test_keys_that_are_not_there() -> None:
    node = load("{a.b: 1}", "x")
    parts = split_path("set.c.d.e")
    assert key_at(node, parts, 1, "set.c.d.e", by_path=True) == ("c.d.e", 4)
    assert key_at(node, parts, 1, "set.c.d.e") == ("c", 2)
    assert key_at(node, split_path('set."c.d".e'), 1, 'set."c.d".e', by_path=True) == ("c.d", 2)


def test_items_by_number_and_by_name() -> None:
    node = load("[{name: six months of cash}, {name: d.s.c.r}]", "x")
    assert item_at(node, split_path("rules[1].require"), 1) == (1, 2)
    assert item_at(node, split_path("rules[2].require"), 1) is None
    assert item_at(node, split_path("rules.d.s.c.r.require"), 1) == (1, 5)
    assert item_at(node, split_path('rules."six months of cash".require'), 1) == (0, 2)
