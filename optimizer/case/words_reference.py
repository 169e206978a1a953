"""The words and functions of rules as tables of cases/README.md, from where they are defined; a test holds the two together."""

from __future__ import annotations

from models.rules.functions import FUNCTIONS
from models.rules.language import WORDS, Word
from optimizer.case.arrays.rules import DATA

#: what an argument is called in brackets
BRACKETS = {"rig": "[rig]`, `[@site]`, `[rig@site]", "service": "[service]`, `[@site]`, `[service@site]", "sale": "[instrument]"}


def words_table() -> str:
    """Every word: what may stand in its brackets, its unit, what kind of figure it is, its sign, its meaning."""
    rows = ["| word | unit | kind | meaning |", "|---|---|---|---|"]
    for name, word in WORDS.items():
        rows.append(f"| {_written(name, word)} | {word.unit} | {_kind(word)} | {word.meaning} |")
    for name, data in DATA.items():
        rows.append(f"| `{name}` | {data.unit} | data | {data.meaning} |")
    return "\n".join(rows) + "\n"


def functions_table() -> str:
    """Every function over time."""
    rows = ["| function | of | meaning |", "|---|---|---|"]
    for name, kind in FUNCTIONS.items():
        forms = {"none": f"`{name}(x)`", "may": f"`{name}(x)`, `{name}(x, 6 months)`", "must": f"`{name}(x, 6 months)`"}
        of = "flows" if kind.of == "flow" else "words and functions"
        rows.append(f"| {forms[kind.months]} | {of} | {kind.meaning} |")
    return "\n".join(rows) + "\n"


def _written(name: str, word: Word) -> str:
    if word.argument is None:
        return f"`{name}`"
    inside = BRACKETS.get(word.argument, f"[{word.argument}]")
    return f"`{name}`, `{inside}`" if word.optional else f"`{name}{inside}`"


def _kind(word: Word) -> str:
    return word.kind if word.sign != "any" else f"{word.kind}, any sign"
