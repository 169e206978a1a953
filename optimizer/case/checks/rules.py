"""Rules and policies: names that exist, dates that the horizon has, sentences that are read with all other mistakes."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import numpy as np

from models.rules.language import CompiledRule, RuleError, compile_rule
from optimizer.case.arrays.policies import issues, policy_rules, sweepable
from optimizer.case.arrays.rules import DATA, SourcedRule, dates_of, first_and_full, quantity, words
from optimizer.case.checks.checker import Checker, Parts
from optimizer.case.reading.paths_in_time import Path
from optimizer.case.reading.timeline import Timeline
from optimizer.case.reading.yaml_tree import Node
from optimizer.case.schema import financing
from optimizer.case.schema.case_model import CaseModel
from optimizer.case.schema.financing import RuleTerms
from optimizer.case.schema.policies import (
    AiFirst,
    CapitalShare,
    CashSweep,
    CurtailAbove,
    Issue,
    Policy,
    Scoped,
    TenantConcentration,
)
from optimizer.case.schema.rules import MEASURES
from optimizer.case.schema.share_price import FollowsPlan

BRACKETS = re.compile(r"\[([^\]]*)\]")
#: canonical unit -> what it is called behind USD/
UNITS_OF_PAY = {"shares": "share", "units": "unit"}


def find_rules(
    tree: Node, base: CaseModel, timeline: Timeline | None, lost: Collection[tuple[Any, ...]] = ()
) -> list[SourcedRule]:
    """The rules of the case, the covenants of its instruments, and what its policies become, with where they stand.

    A rule with `sites` is there once for each of them. lost: ("rules", number) of those that have mistakes, and are not in the model.
    """
    out = []
    for at, rule in _numbered(tree, base, lost):
        out += _at_sites(base, SourcedRule(rule, tree["rules"][at]["require"], f"rules[{at}].require"))
    for name, one in base.financing.items():
        if isinstance(one, financing.DebtTerms):
            for at, rule in enumerate(one.covenants):
                node = tree["financing"][name]["covenants"][at]["require"]
                out += _at_sites(base, SourcedRule(rule, node, f"financing.{name}.covenants[{at}].require", name))
    return out + policy_rules(tree, base, None if timeline is None else timeline.dates[-1])


def _numbered(tree: Node, base: CaseModel, lost: Collection[tuple[Any, ...]]) -> list[tuple[int, RuleTerms]]:
    """The rules of the model with their numbers in the file."""
    given = tree.get("rules")
    written = [at for at in range(len(given) if given is not None else 0) if ("rules", at) not in lost]
    return list(zip(written, base.rules, strict=False))  # none are in the model where all could not be read


def _at_sites(base: CaseModel, rule: SourcedRule) -> list[SourcedRule]:
    if rule.terms.sites is None:
        return [rule]
    names = rule.terms.sites or tuple(base.sites)
    return [SourcedRule(rule.terms, rule.sentence, rule.where, rule.owner, name) for name in dict.fromkeys(names)]


def check_rules(c: Checker) -> None:
    """Sentences are read with stand-ins for the data, so that their mistakes are told with all others."""
    known = words(c.base, _goods(c), _left_out(c))
    priced = isinstance(c.base.company.share_price, Path)  # what follows the plan is no number that a rule can compare with
    unpriced = not priced and c.sound("company")
    data = {name: np.ones((1, 1)) for name in DATA if name != "share_price" or not unpriced}
    seen: dict[str, str] = {}
    for name, policy in c.base.policies.items():
        _policy(c, ("policies", name), policy)
        if isinstance(policy, CashSweep):
            seen.setdefault(name, f"policies.{name}")
    for rule in find_rules(c.tree, c.base, None if c.frame is None else c.frame.timeline, c.lost):
        parts = _parts_of(rule.where)[:-1]
        if rule.policy is not None and any(f"{one.path}.".startswith(f"policies.{rule.policy}.") for one in c.mistakes.found):
            continue  # told already
        if rule.name in seen and seen[rule.name] != rule.where:
            c.wrong((*parts, "name"), f'two rules are named "{rule.name}"', f"the other is {seen[rule.name]}")
        seen.setdefault(rule.name, rule.where)
        if rule.site is not None and rule.site not in c.names("sites"):  # or not known at all, with all sites left out
            continue  # told by its scope, below
        try:
            compiled = compile_rule(rule.terms.require, known, data, (1, 1), quantity, rule.site)
        except RuleError as problem:
            message, hint = problem.message, problem.hint
            if message == 'unknown word "share_price"' and isinstance(c.base.company.share_price, FollowsPlan):
                message, hint = "the share price follows the plan: no rule can compare with it", None
            c.mistakes.add(rule.place(problem.column, c.mistakes.sources), rule.where, message, hint)
            continue
        _applies(c, parts, rule, compiled)
    _scopes(c)


def _scopes(c: Checker) -> None:
    """The keys of every rule that is written, once each."""
    written: list[tuple[Parts, RuleTerms, bool, str | None]] = []
    for at, rule in _numbered(c.tree, c.base, c.lost):
        written.append((("rules", at), rule, False, None))
    for name, one in c.base.financing.items():
        if isinstance(one, financing.DebtTerms):
            completes = getattr(one, "completion", None) is not None
            written += [(("financing", name, "covenants", at), rule, completes, name) for at, rule in enumerate(one.covenants)]
    for parts, rule, completes, owner in written:
        _scope(c, parts, rule)
        if rule.after is not None and owner is None:
            c.wrong((*parts, "after"), "a rule of the case is after no debt's completion", "`after` belongs to covenants")
        elif rule.after is not None and not completes:
            c.wrong((*parts, "after"), f'"{owner}" has no `completion`', "completion: {date: 2027-01, site: NAME}")
        for number, site in enumerate(rule.sites or ()):
            c.refer((*parts, "sites", number), site, "sites", "site")
        if rule.sites == () and not c.names("sites") and c.sound("sites"):
            c.wrong((*parts, "sites"), "the case has no sites")


def _scope(c: Checker, parts: Parts, rule: RuleTerms) -> None:
    if rule.from_ is not None and rule.until is not None and rule.until < rule.from_:
        c.wrong((*parts, "until"), f"ends ({rule.until}) before it begins ({rule.from_})")
    _scenarios(c, parts, rule.scenarios)
    if rule.at is not None:
        for key, given in (("from", rule.from_), ("until", rule.until), ("years", rule.years)):
            if given is not None:
                c.wrong((*parts, key), "`at` says when it applies: leave this out")
        if rule.every != "period":
            c.wrong((*parts, "every"), "`at` says when it applies: leave this out")
        for day in rule.at:
            if not isinstance(day, str):
                c.single((*parts, "at"), day)
    if rule.expected and rule.scenarios is not None:
        c.wrong((*parts, "scenarios"), "a rule in expectation is over all scenarios: leave this out")
    if rule.expected and rule.after is not None:
        c.wrong((*parts, "after"), "a rule in expectation applies at the same dates in all scenarios: leave this out")


def _scenarios(c: Checker, parts: Parts, given: list[str] | None) -> None:
    for at, name in enumerate(given or ()):
        if c.names("scenarios") or (name != "base" and c.sound("scenarios")):
            c.refer((*parts, "scenarios", at), name, "scenarios", "scenario")


def _applies(c: Checker, parts: Parts, rule: SourcedRule, compiled: CompiledRule) -> None:
    """The sentence has dates left, and says [site] if it is one for each."""
    terms = rule.terms
    if rule.site is not None and not compiled.by_site:
        c.wrong((*parts, "sites"), "nothing in the sentence is by site", "write [site], [@site] or [rig@site] behind a word")
    paid = None if terms.otherwise is None else terms.otherwise.pay.unit
    measured = UNITS_OF_PAY.get(compiled.unit or "", compiled.unit)
    if paid is not None and measured in MEASURES and paid != measured:
        c.wrong((*parts, "otherwise", "pay"), f"a breach of this rule is measured in {compiled.unit}", f"write USD/{measured}")
    if c.frame is None or dates_of(terms, compiled, c.frame.timeline).any():
        return
    timeline = c.frame.timeline
    dates = timeline.dates
    defined, full = first_and_full(compiled, timeline.period_months, len(dates))
    key = next((key for key in ("at", "from", "until", "years", "every") if c.node(*parts, key) is not c.node(*parts)), "require")
    if rule.policy is not None:
        key = "within" if c.node(*parts, "within") is not c.node(*parts) else key
    if full >= len(dates):
        message = f"it looks back further than the horizon, {dates[0]} to {dates[-1]}"
        hint = (
            "with `from` it applies earlier, on what is known by then" if defined < len(dates) and rule.policy is None else None
        )
        c.wrong((*parts, key), message, hint)
        return
    c.wrong((*parts, key), "no date of the horizon lies in the rule's dates", _first(dates[full], full))


def _first(day: object, full: int) -> str | None:
    return f"it looks back, and sees all it asks for from {day} on" if full > 1 else None


# --- policies -----------------------------------------------------------------------------------------------------------


def _policy(c: Checker, parts: Parts, policy: Policy) -> None:
    if isinstance(policy, Scoped) and policy.from_ is not None and policy.until is not None and policy.until < policy.from_:
        c.wrong((*parts, "until"), f"ends ({policy.until}) before it begins ({policy.from_})")
    if isinstance(policy, Scoped | Issue):
        _scenarios(c, parts, policy.scenarios)
    if getattr(policy, "expected", False) and getattr(policy, "scenarios", None) is not None:
        c.wrong((*parts, "scenarios"), "a rule in expectation is over all scenarios: leave this out")
    if isinstance(policy, AiFirst | TenantConcentration):
        for at, name in enumerate(policy.services or ()):
            c.refer((*parts, "services", at), name, "ai", "AI service")
        if not c.names("ai") and c.sound("ai"):
            c.wrong((*parts, "type"), "the case has no AI services")
    if isinstance(policy, TenantConcentration) and len(c.names("ai")) == 1:
        c.wrong((*parts, "type"), f'"{c.names("ai")[0]}" is the only AI service: it is all of it')
    if isinstance(policy, CurtailAbove):
        _curtail(c, parts, policy)
    if isinstance(policy, CapitalShare | Issue):
        known = c.refer((*parts, "instrument"), policy.instrument, "financing", "instrument")
        if known and not issues(c.base, policy.instrument):
            hint = f"write a rule on outstanding[{policy.instrument}]"
            c.wrong((*parts, "instrument"), "a revolver is drawn and repaid, not issued", hint)
    if isinstance(policy, Issue) and policy.by is not None:
        c.single((*parts, "by"), policy.by)
    if isinstance(policy, CashSweep) and c.refer((*parts, "into"), policy.into, "financing", "instrument"):
        known = policy.into in c.base.financing
        if known and not sweepable(c.base, policy.into):
            hint = "a revolver, a btc_loan, or a loan with amortisation: as_cash_allows can be"
            c.wrong((*parts, "into"), f'"{policy.into}" cannot be repaid at any date', hint)


def _curtail(c: Checker, parts: Parts, policy: CurtailAbove) -> None:
    for at, name in enumerate(policy.sites or ()):
        if (
            c.refer((*parts, "sites", at), name, "sites", "site")
            and name in c.base.sites
            and c.base.sites[name].power.grid is None
        ):
            c.wrong((*parts, "sites", at), f'site "{name}" has no grid, and no price')
    if policy.sites is None and c.sound("sites") and all(site.power.grid is None for site in c.base.sites.values()):
        c.wrong((*parts, "type"), "no site has a grid, and a price")


def _left_out(c: Checker) -> dict[str, list[str]]:
    """Section -> the names in it that have mistakes: a rule may name them.

    Where no name of a section could be read, what sentences have in brackets may be one.
    """
    out: dict[str, list[str]] = {}
    for section in ("sites", "rigs", "ai", "financing", "projects"):
        if (section,) in c.lost:
            out[section] = _bracketed(c)
        else:
            out[section] = [name for name in c.names(section) if (section, name) in c.lost]
    return out


def _bracketed(c: Checker) -> list[str]:
    """The names in square brackets of all sentences."""
    sentences = [rule.terms.require for rule in find_rules(c.tree, c.base, None, c.lost)]
    inside = [one for text in sentences for found in BRACKETS.findall(text) for one in found.split("@")]
    return [one.strip().strip("'\"") for one in inside if one.strip() not in ("", "site")]


def _goods(c: Checker) -> list[str]:
    """Goods as written, also of projects with mistakes."""
    out = _bracketed(c) if ("projects",) in c.lost else []
    for name in c.names("projects"):
        given = c.node("projects", name, "provides")
        out += list(given.value) if given.kind == "map" else []
    return out


def _parts_of(where: str) -> Parts:
    """`financing.notes.covenants[0].require` as parts."""
    out: list[str | int] = []
    for piece in where.split("."):
        name, _, rest = piece.partition("[")
        out.append(name)
        if rest:
            out.append(int(rest.rstrip("]")))
    return tuple(out)
