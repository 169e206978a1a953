"""The unit in which a rule compares."""

from __future__ import annotations

from models.problem import Rule
from models.rules.language import WORDS


def rule_unit(rule: Rule) -> str:
    """Unit of a rule's headroom and of its breaches: that of its sentence, else that of its words ('unit' where they differ)."""
    if rule.unit is not None:
        return rule.unit
    units = {WORDS[term.word].unit if term.word in WORDS else "unit" for term in rule.terms}
    return units.pop() if len(units) == 1 else "unit"
