"""What a misspelt name was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: characters of a word that are looked at: a longer one is no name
MOST_CHARACTERS = 80
#: how alike two names are that are taken for one, from 0 to 1
LEAST_LIKENESS = 0.6


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be, or None. Letters' case weighs little."""
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    close = difflib.get_close_matches(word.lower()[:MOST_CHARACTERS], by_lower, n=1, cutoff=LEAST_LIKENESS)
    return by_lower[close[0]] if close else None


def did_you_mean(word: str, candidates: Iterable[str], otherwise: str = "known here") -> str:
    """A hint: the near name if there is one, else the list of what is allowed."""
    names = list(candidates)
    near = suggest(word, names)
    return f'did you mean "{near}"?' if near else f"{otherwise}: {', '.join(names)}"
