"""Marks and words of other languages that no rule may have: what is said of each, and what to write instead."""

from __future__ import annotations

SHARE_FORM = "as in share of outstanding[notes] in total_debt <= 25 %"

_POWER = ("a power is not linear", None)
_STRICT = ("a linear program knows no strict comparison", "write >= or <=")
_LOGIC = ("a rule has one comparison", "write two rules")
REFUSED_MARKS: dict[str, tuple[str, str | None]] = {
    "**": _POWER, "^": _POWER, "²": _POWER, "//": ("there is no //", "write /"),
    ">": _STRICT, "<": _STRICT, "=": ("= does not compare", "write ==, >= or <="),
    "!": ("a rule cannot forbid one value", "write >= or <="), "≥": ("there is no ≥", "write >="),
    "≤": ("there is no ≤", "write <="), "×": ("there is no ×", "write *"), "·": ("there is no ·", "write *"),
    "÷": ("there is no ÷", "write /"), "−": ("this is not the minus of a keyboard", "write -"),
    "–": ("this is not the minus of a keyboard", "write -"), "&": _LOGIC, "|": _LOGIC,
    ",": ("there is no place for a comma", None), ".": ("a name has no parts", None),
    "$": ("there is no $", "money is written 50 MUSD"), "€": ("there is no €", "money is written 50 MUSD"),
    "%": ("there is no remainder", "a share is written 10 %, with a number before it"),
    "'": ("text stands in square brackets only", 'as in outstanding["gpu loan"]'),
    '"': ("text stands in square brackets only", 'as in outstanding["gpu loan"]'),
    "[": ("square brackets follow a word", "as in outstanding[notes]; round ones group"),
    "]": ("a bracket closes that was not opened", None), "{": ("there are no braces", "group with ( )"),
    "}": ("there are no braces", "group with ( )"),
}  # fmt: skip  # fmt: skip
REFUSED_WORDS: dict[str, tuple[str, str | None]] = {
    "and": _LOGIC, "or": _LOGIC, "not": ("there is no `not`", "turn the comparison round"),
    "if": ("there is no `if`", "give the rule dates (from, until) instead"),
    "else": ("there is no `else`", "give the rule dates (from, until) instead"),
    "in": ("there is no `in` here", SHARE_FORM), "is": ("there is no `is`", "write =="), "lambda": ("there is no `lambda`", None),
    "True": ("there is no True", None), "False": ("there is no False", None), "None": ("there is no None", None),
    "nan": ("a rule needs finite numbers", None), "inf": ("a rule needs finite numbers", "leave the rule out"),
    "infinity": ("a rule needs finite numbers", "leave the rule out"),
}  # fmt: skip  # fmt: skip
