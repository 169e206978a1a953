"""Changes to the text of a case: by bytes, by lines, by values. The same seed makes the same case on any machine."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

VALUES = (
    "0", "-1", "1e308", "1e-308", "-1e400", ".inf", ".nan", "nan", "NO", "yes", "null", "~", "''", "[]", "{}", "12:30:45", "1e6",
    "0x1f", "1_000", "250 MW", "18.4 USD/TH", "85 USD/MWh", "7.75 %/year", "3.2 GUSD", "-5 %", "120 %", "3 bananas", "2026-13",
    "2026-02-30", "1066-01", "9999-12", "2026-01", "never", "monthly", "<script>alert(1)</script>", "=cmd()", "../../../etc/passwd",
    "/dev/zero", "ä" * 300, "!!python/object/apply:os.system [ls]", "&a [*a]", "*missing", "{from: 2026-01, until: 2025-01}",
    "{start: 1 USD, growth: 900 %/year}", "{knots: {}}", "{csv: nowhere.csv, column: x}", "[1, 2, [3, [4]]]", "cash >= cash * cash",
    "cash >= __import__('os')", "9" * 400,
)  # fmt: skip
RULES = (
    "cash >= ", "cash >= 0 <= 1", "cash ** 99999999 >= 0", "((((((((((cash))))))))) >= 0", "ltm(ltm(ltm(cash))) >= 0",
    "outstanding[x] <= 1", "previous(cash, 1e9 months) >= 0", "cash.real >= 0", "lambda: 0", "cash >= 1 MW", "total(cash) >= 0",
    "[c for c in cash]", "share of cash <= 5 %",
)  # fmt: skip


def mutated(text: str, seed: int) -> str:
    """A case with one to four changes."""
    chance = random.Random(seed)
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3, 4])):
        text = chance.choice(CHANGES)(text, chance)
    return text


def _lines(change: Callable[[list[str], random.Random], None]) -> Callable[[str, random.Random], str]:
    def changed(text: str, chance: random.Random) -> str:
        lines = text.split("\n")
        change(lines, chance)
        return "\n".join(lines)

    return changed


def _drop(lines: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    del lines[at : at + chance.choice([1, 1, 2, 5])]


def _again(lines: list[str], chance: random.Random) -> None:
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))


def _swap(lines: list[str], chance: random.Random) -> None:
    a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


def _indent(lines: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    lines[at] = chance.choice(["  ", " ", "\t", "- ", "? "]) + lines[at] if chance.random() < 0.6 else lines[at][1:]


def _value(lines: list[str], chance: random.Random) -> None:
    having = [k for k, line in enumerate(lines) if re.match(r"\s*[\w.\[\]-]+: *\S", line)]
    if having:
        at = chance.choice(having)
        lines[at] = lines[at].split(":")[0] + ": " + chance.choice(VALUES)


def _key(lines: list[str], chance: random.Random) -> None:
    having = [k for k, line in enumerate(lines) if ":" in line]
    if having:
        at = chance.choice(having)
        key, _, rest = lines[at].partition(":")
        word = key.strip() or "x"
        k = chance.randrange(len(word))
        new = chance.choice(
            [
                word[:k] + word[k + 1 :],
                word + "s",
                word[:k] + chance.choice("aeiou_é") + word[k:],
                chance.choice(lines).split(":")[0].strip(),
            ]
        )
        lines[at] = key.replace(word, new, 1) + ":" + rest


def _inline(text: str, chance: random.Random) -> str:
    """A number somewhere becomes another."""
    found = list(re.finditer(r"-?\d[\d_]*\.?\d*", text))
    if not found:
        return text
    one = chance.choice(found)
    factor = chance.choice(
        [
            "0",
            "-1",
            "1e12",
            "1e-12",
            "3",
            "99999999999999999999",
            one.group() + "0",
            "-" + one.group(),
            one.group() + "." + one.group(),
        ]
    )
    return text[: one.start()] + factor + text[one.end() :]


def _unit(text: str, chance: random.Random) -> str:
    found = list(re.finditer(r"(?<=\d )[%A-Za-z/]+", text))
    if not found:
        return text
    one, other = chance.choice(found), chance.choice(found)
    return text[: one.start()] + other.group() + text[one.end() :]


def _rule(text: str, chance: random.Random) -> str:
    rule = chance.choice(RULES)
    if re.search(r"^rules:\s*$", text, re.M):
        return re.sub(r"^rules:\s*$", lambda _: f"rules:\n  - {{name: added, require: {rule!r}}}", text, count=1, flags=re.M)
    return text + f"\nrules:\n  - {{name: added, require: {rule!r}}}\n"


def _bytes(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return (
        text[:at]
        + chance.choice(["", ":", "{", "}", "[", "]", '"', "'", "#", "|", "\n", "\t", "%", "@", "\\", "\x07", "\ufeff", "🪙"])
        + text[at + chance.choice([0, 1]) :]
    )


def _cut(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text) + 1)]


CHANGES: tuple[Callable[[str, random.Random], str], ...] = (
    _lines(_drop), _lines(_again), _lines(_swap), _lines(_indent), _lines(_value), _lines(_value), _lines(_value), _lines(_key), _lines(_key),
    _inline, _inline, _inline, _unit, _unit, _rule, _bytes, _cut,
)  # fmt: skip
