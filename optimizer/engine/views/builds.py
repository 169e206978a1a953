"""The five things that a site can build: where a case says them, and what they are called.

What they cost by kind of asset stands in each of the two books by itself, so that an error there is found by the other.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildKind:
    """place: path below the site; decision: what is decided; noun, nouns: what is built; offer: what the case offers."""

    place: str
    decision: str
    noun: str
    nouns: str
    offer: str


#: by the name of the field of `models.problem.Site`
BUILDS = {
    "expand": BuildKind(
        "interconnection.expand",
        "expand interconnection",
        "interconnection",
        "interconnection",
        "expansion of the interconnection",
    ),
    "build_mining": BuildKind(
        "mining_hall.build", "build mining hall", "mining hall", "mining halls", "mining halls that can be built"
    ),
    "build_ai": BuildKind("ai_hall.build", "build AI hall", "AI hall", "AI halls", "AI halls that can be built"),
    "convert": BuildKind(
        "ai_hall.convert",
        "convert to AI hall",
        "conversion to AI hall",
        "conversions to AI halls",
        "mining halls that can be converted",
    ),
    "store": BuildKind("battery.build", "build battery", "battery", "battery", "batteries that can be built"),
}
